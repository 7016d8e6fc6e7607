"""`liggare verify`: of a data folder, an exported range, or one sealed PDF.

- The steps are those of signing/verify.py. Here the sources are opened without changing a byte of them, and the last
  three steps are added where the registry's keys are at hand (deep.py).
- A file that cannot even be read as what it should be is broken evidence, reported as such, never a traceback.
- What nothing protects is listed: bytes of the log's file that hold no evidence, and whole files beside it that are
  working data (views can be made again from the events; keys and settings prove nothing).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from cryptography import x509

from api.checking.folder import Folder
from api.checking.parts import Progress, Unreadable, read_bytes, read_roots, say
from api.settings import NAME
from registry.clock import SystemClock
from signing.export import INDEX, Broken, loose, read_export
from signing.pades_check import embedded_roots
from signing.report import STEPS, Report
from signing.verify import verify_log, verify_pdf

__all__ = ["Unreadable", "verify"]


def verify(
    path: Path,
    *,
    trust: Path | None = None,
    checkpoint: Path | None = None,
    progress: Progress = lambda *_: None,
    language: Literal["sv", "en"] = "sv",
) -> dict[str, Any]:
    """Verify a path; the result as the command line's contract has it."""
    path = path.absolute()
    roots = read_roots(trust) if trust else None
    outside = [(str(checkpoint.absolute()), read_bytes(checkpoint))] if checkpoint else []
    if path.is_file():
        report = _verify_file(path, roots)
    elif (path / NAME).is_file():
        report = Folder(path, roots, outside, progress, language).verify()
    elif (path / INDEX).is_file():
        report = _verify_export(path, roots, outside, progress)
    elif path.is_dir():
        raise Unreadable("not-verifiable", path=path)
    else:
        raise Unreadable("nothing-there", path=path)
    return report.result(say(language))


# --- one sealed PDF


def _verify_file(path: Path, roots: list[x509.Certificate] | None) -> Report:
    pdf = read_bytes(path)
    # A damaged head is broken evidence if the rest is a PDF, and another kind of file otherwise.
    if b"%PDF-" not in pdf[:1024] and b"startxref" not in pdf[-2048:]:
        raise Unreadable("not-verifiable", path=path)
    report = Report()
    for step in STEPS:
        report.skip(step, "pdf-alone")
    try:
        anchors = roots if roots is not None else embedded_roots(pdf)
    except Exception as error:  # noqa: BLE001  # hostile bytes may raise anything inside the parsers
        report.fail("pades", "pdf-fault", name=path.name, reason=f"its certificates cannot be read: {error}")
        return report
    found = verify_pdf(pdf, path.name, anchors, roots is not None, report, SystemClock().now())
    report.unprotected = [(str(path), offset, length) for offset, length in found.unprotected]
    report.ok("pades", "pdf-ok")
    if any(check.step == "timestamps" for check in found.checks):
        report.ok("timestamps", "pdf-stamps-ok")
    report.trusted = found.trusted
    return report


# --- an export


def _verify_export(
    path: Path, roots: list[x509.Certificate] | None, outside: list[tuple[str, bytes]], progress: Progress
) -> Report:
    try:
        evidence = read_export(path, roots, outside)
        report = verify_log(evidence, SystemClock().now(), progress)
    except (Broken, OSError) as error:
        report = Report()
        report.fail("envelope", "export-unreadable", reason=str(error))
        return report
    report.unprotected = [(str(file), 0, file.stat().st_size) for file in loose(path, evidence, report.named)]
    for step in ("statements", "rerender", "digest"):
        report.skip(step, "export-sealed")
    return report
