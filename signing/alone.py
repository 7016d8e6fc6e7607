"""The verifier by itself: `python -m signing.verify PATH`, for an export or one sealed PDF.

- It needs this folder, Python, `cryptography` and `pyhanko`, and nothing else of ours: no database, no web, no keys.
- It reads, and changes nothing. Whatever lies there, the answer is a report and never a traceback; a step that is not
  run is named with the reason.
- Anchors of trust come from the caller (--trust); without any the result rests on the certificate found with what is
  verified, and `trusted` is false.
- Exit codes: 0 everything that was run holds; 2 the command or a path cannot be used; 3 something does not hold, or
  nothing could be run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography import x509

from signing.copies import Copy, CopyError, attached, lists, verify_copy
from signing.export import INDEX, Broken, loose, misnamed, read_export
from signing.note import NoteError, Vkey
from signing.pades_check import SEAL_FIELD, embedded_roots
from signing.page import html, lines
from signing.pki import instant_text
from signing.report import STEPS, Language, Report, say
from signing.signed_data import issuer_of
from signing.verify import Progress, verify_log, verify_pdf
from signing.vkeys import read_vkeys

HOLDS, UNUSABLE, BROKEN = 0, 2, 3


def verify_export(
    folder: Path,
    roots: Sequence[x509.Certificate] | None,
    outside: Sequence[tuple[str, bytes]],
    now: datetime,
    progress: Progress = lambda *_: None,
    witnesses: Sequence[Vkey] = (),
) -> Report:
    """Every step that an export has something for."""
    try:
        evidence = replace(read_export(folder, roots, outside), given_witnesses=witnesses)
        report = verify_log(evidence, now, progress)
    except (Broken, OSError) as error:
        report = Report()
        report.fail("envelope", "export-unreadable", reason=str(error))
        return report
    left = loose(folder, evidence, report.named)
    for name in misnamed(folder, left, report.named):
        report.fail("pades", "misnamed", name=name)
    report.unprotected += [(str(file), 0, file.stat().st_size) for file in left]
    for step in ("statements", "rerender", "digest", "destruction"):
        report.skip(step, "export-sealed")
    return report


def is_pdf(data: bytes) -> bool:
    """Whether this is a PDF, if perhaps a broken one: a damaged head is broken evidence if the rest is a PDF."""
    return b"%PDF-" in data[:1024] or b"startxref" in data[-2048:]


def verify_file(pdf: bytes, path: Path, roots: Sequence[x509.Certificate] | None, now: datetime) -> Report:
    """The steps that one sealed PDF has something for; a copy brings the proof of where it was taken from."""
    report = Report()
    for step in STEPS:
        report.skip(step, "pdf-alone")
    try:
        anchors = roots if roots is not None else embedded_roots(pdf)
    except ValueError as error:
        report.fail("pades", "pdf-fault", name=path.name, reason=str(error))
        return report
    found = verify_pdf(pdf, path.name, anchors, roots is not None, report, now)
    report.unprotected = [(str(path), offset, length) for offset, length in found.unprotected]
    signers = "; ".join(
        f"{one.field}: {one.name or one.organisation}{' (papper/paper)' if one.scan else ''}"
        for one in found.signers
    )
    report.ok("pades", "pdf-ok", signers=signers)
    if any(check.step == "timestamps" for check in found.checks):
        report.ok("timestamps", "pdf-stamps-ok")
    try:
        if (proof := attached(pdf)) is not None:
            verify_copy(Copy.read(proof), anchors, report, lists(pdf, anchors))
    except CopyError as error:
        report.fail("disclosures", "copy-fault", reason=str(error))
    report.trusted = found.trusted
    seal = next((one.certificate for one in found.signers if one.field == SEAL_FIELD), None)
    report.anchor = issuer_of(x509.load_der_x509_certificate(seal), anchors) if seal else None
    return report


class _Unusable(Exception):
    """A path cannot be used; code and values of the report's sentences."""

    def __init__(self, code: str, **values: str) -> None:
        self.code, self.values = code, values


def main(arguments: Sequence[str]) -> int:
    """The command."""
    given = _parser().parse_args(arguments)
    language: Language = given.language
    now = datetime.now(UTC)
    try:
        path: Path = given.path.absolute()
        roots = _roots(given.trust) if given.trust else None
        outside = [(str(file.absolute()), _read(file)) for file in given.checkpoint]
        witnesses = _witnesses(given.witness) if given.witness else []
        report = _report(path, roots, outside, now, witnesses)
    except _Unusable as error:
        sys.stderr.write(say(error.code, error.values, language) + "\n")
        return UNUSABLE
    result = report.result(partial(say, language=language))
    at = instant_text(now)
    shown = {
        given.json: json.dumps({"path": str(path), "at": at, **result}, indent=1) + "\n",
        given.html: html(result, language, path.name, at),
    }
    if "-" not in shown:
        shown["-"] = "".join(f"{line}\n" for line in lines(result, language))
    try:
        for place, text in shown.items():
            if place == "-":
                known = sys.stdout.encoding or "utf-8"
                sys.stdout.write(text.encode(known, "backslashreplace").decode(known))
            elif place is not None:
                Path(place).write_bytes(text.encode())
    except OSError as error:
        sys.stderr.write(say("cannot-write", {"reason": str(error)}, language) + "\n")
        return UNUSABLE
    return HOLDS if result["ok"] else BROKEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m signing.verify",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="an export, or one sealed PDF")
    parser.add_argument("--trust", type=Path, metavar="PEM", help="certificates that you got another way")
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", action="append", default=[],
        help="a checkpoint that you or somebody else has kept (may be repeated)",
    )  # fmt: skip
    parser.add_argument(
        "--witness", type=Path, metavar="FILE", help="keys of witnesses that you know yourself"
    )
    parser.add_argument("--json", metavar="FILE", help="write the report for machines there; - is stdout")
    parser.add_argument("--html", metavar="FILE", help="write the page for people there; - is stdout")
    parser.add_argument(
        "--language", choices=("sv", "en"), default="sv", help="of what is told (default: sv)"
    )
    return parser


def _report(
    path: Path,
    roots: Sequence[x509.Certificate] | None,
    outside: Sequence[tuple[str, bytes]],
    now: datetime,
    witnesses: Sequence[Vkey],
) -> Report:
    if path.is_dir():
        if not (path / INDEX).is_file():
            raise _Unusable("not-verifiable", path=str(path))
        return verify_export(path, roots, outside, now, witnesses=witnesses)
    pdf = _read(path)
    if not is_pdf(pdf):
        raise _Unusable("not-verifiable", path=str(path))
    return verify_file(pdf, path, roots, now)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _Unusable("cannot-read", path=str(path), reason=str(error.strerror)) from error


def _roots(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError:
        raise _Unusable("no-certificate", path=str(path)) from None


def _witnesses(path: Path) -> list[Vkey]:
    try:
        return read_vkeys(_read(path))
    except NoteError as error:
        raise _Unusable("cannot-read", path=str(path), reason=str(error)) from error
