"""Outside validators: programs of others that check what we made.

- A missing program skips its test and says which Debian package adds it.
- Where nothing may be skipped (LIGGARE_ALL_TOOLS=1, set by the full check), a missing program fails the test.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

PACKAGES = {
    "openssl": "openssl",
    "qpdf": "qpdf",
    "mutool": "mupdf-tools",
    "pdfsig": "poppler-utils",
    "pdffonts": "poppler-utils",
    "certutil": "libnss3-tools",
    "xmlsec1": "xmlsec1",
    "softhsm2-util": "softhsm2",
}


def need(tool: str) -> str:
    """The path of a program; skips, or fails where every tool is required."""
    path = shutil.which(tool)
    if path is None:
        message = f"{tool} is not installed; add it with: apt-get install {PACKAGES.get(tool, tool)}"
        if os.environ.get("LIGGARE_ALL_TOOLS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return path


def run(*command: object, expect: int = 0) -> str:
    """Run a program and return everything it said; its exit status must be `expect`."""
    done = subprocess.run([str(c) for c in command], capture_output=True, check=False, timeout=60)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == expect, said
    return said
