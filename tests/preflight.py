"""Apache PDFBox Preflight, the outside check of the PDF/A-1b twin of every paper.

- No package holds veraPDF, and Preflight knows PDF/A-1b only: a paper is rendered once more as PDF/A-1b
  from the same template and data, and Preflight judges that twin.
- Its main class needs two Java interfaces that Java itself no longer carries (activation, JAXB).
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

JARS = Path("/usr/share/java")
# The jar and the Debian package that holds it.
CLASS_PATH = {
    "preflight": "libpdfbox2-java",
    "pdfbox2": "libpdfbox2-java",
    "xmpbox": "libpdfbox2-java",
    "fontbox2": "libfontbox2-java",
    "commons-logging": "libcommons-logging-java",
    "commons-io": "libcommons-io-java",
    "javax.activation": "libactivation-java",
    "jaxb-api": "libjaxb-api-java",
}
MAIN = "org.apache.pdfbox.preflight.Validator_A1b"


def _class_path() -> str:
    lacking = sorted({package for jar, package in CLASS_PATH.items() if not (JARS / f"{jar}.jar").exists()})
    if shutil.which("java") is None:
        lacking.insert(0, "default-jre-headless")
    if lacking:
        message = f"PDFBox Preflight is not installed; add it with: apt-get install {' '.join(lacking)}"
        if os.environ.get("LIGGARE_ALL_TOOLS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return ":".join(str(JARS / f"{jar}.jar") for jar in CLASS_PATH)


def complaints(pdf: Path) -> list[str]:
    """What Preflight says against the file; empty when it is a valid PDF/A-1b file."""
    command = ["java", "-cp", _class_path(), MAIN, str(pdf)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if any(line.endswith("is a valid PDF/A-1b file") for line in lines):
        return []
    return lines or [f"Preflight said nothing and ended with {done.returncode}"]
