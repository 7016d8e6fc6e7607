"""`liggare verify`: of a data folder, an exported range, or one sealed PDF.

- The steps are those of signing/verify.py, which verifies exports and PDFs by itself (alone.py). Here a data folder is
  opened without changing a byte of it, and the last four steps are added where its keys are at hand (deep.py).
- A file that cannot even be read as what it should be is broken evidence, reported as such, never a traceback.
- What nothing protects is listed: bytes of the log's file that hold no evidence, and whole files beside it that are
  working data (views can be made again from the events; keys and settings prove nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from cryptography import x509

from api.checking.folder import Folder
from api.checking.parts import Progress, Unreadable, read_bytes, read_roots, say
from api.settings import NAME
from registry.clock import SystemClock
from signing.alone import is_pdf, verify_export, verify_file
from signing.export import INDEX
from signing.report import Report

__all__ = ["Unreadable", "verify"]


def verify(
    path: Path,
    *,
    trust: Path | None = None,
    checkpoint: Path | None = None,
    progress: Progress = lambda *_: None,
    language: Literal["sv", "en"] = "sv",
    lost: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Verify a path; the result as the command line's contract has it.

    lost: keys, each with its decision, that a restore is about to record as destroyed by decisions it lost.
    """
    path = path.absolute()
    roots = read_roots(trust) if trust else None
    outside = [(str(checkpoint.absolute()), read_bytes(checkpoint))] if checkpoint else []
    if path.is_file():
        report = _verify_file(path, roots)
    elif (path / NAME).is_file():
        report = Folder(path, roots, outside, progress, language, lost).verify()
    elif (path / INDEX).is_file():
        report = verify_export(path, roots, outside, SystemClock().now(), progress)
    elif path.is_dir():
        raise Unreadable("not-verifiable", path=path)
    else:
        raise Unreadable("nothing-there", path=path)
    return report.result(say(language))


def _verify_file(path: Path, roots: list[x509.Certificate] | None) -> Report:
    pdf = read_bytes(path)
    if not is_pdf(pdf):
        raise Unreadable("not-verifiable", path=path)
    return verify_file(pdf, path, roots, SystemClock().now())
