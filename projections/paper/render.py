"""Sheet in, bytes out: the same sheet gives the same bytes, for ever.

- PDF/A-3a and PDF/UA-1 are asked of Typst together; what no tool here can prove is intended, not claimed
  (evidence.md 5). `proxy=True` renders the same template as PDF/A-1b, which Apache PDFBox Preflight checks.
- A render is pinned (format.md 18): typst version, template, font, data and output hashes. Nothing else
  goes in: no clock (the sheet's recorded time is the only date), no system font, no file but the template.
- `template`: SHA-256 over the template files in the sheet's order, each as name, NUL, length, NUL, bytes.
- `fonts`: the fonts lie inside the typst wheel and cannot be read out, so the hash is taken over the wheel's
  version and its list of embedded fonts (family, style, weight, index).
- `data`: SHA-256 of the canonical JSON given to Typst: sorted keys, no spaces, UTF-8, NFC, integers only.
  It holds the sheet, the box places and the QR matrix, so that another segno cannot change a render unseen.
- Template files are released once: a changed look is a new file with a higher number, the old one stays.
- One compiler a process, behind a lock: it keeps state between calls and promises nothing about threads.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from threading import Lock
from typing import Literal, TypeAlias

import segno
import typst

from projections.paper.boxes import at_foot, cells
from projections.paper.glyphs import clean
from projections.paper.sheets import Copy, Correction, Destroyed, Extract, Masked, Minutes, Mixed, Sheet

Json: TypeAlias = bool | int | str | list["Json"] | dict[str, "Json"] | None
Standard: TypeAlias = Literal["a-3a", "ua-1", "a-1b"]

_LOCK = Lock()


@dataclass(frozen=True, slots=True)
class Rendered:
    """The PDF and what made it; all hashes are SHA-256 in hex."""

    pdf: bytes
    renderer: dict[str, str]


class Unprintable(Exception):
    """Typst refused the sheet; the message says what and where."""


def _plain(value: object, *, cautious: bool, seen: set[str]) -> Json:
    match value:
        case None | bool() | int():
            return value
        case str():
            return clean(value, cautious=cautious)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Destroyed():
            seen.add("destroyed")
            return {"kind": "destroyed"}
        case Masked(provision, reason):
            seen.add("masked")
            wording = provision if not reason else f"{provision}: {reason}"
            return {"kind": "masked", "provision": clean(wording, cautious=cautious)}
        case Mixed(runs):
            return {"kind": "mixed", "runs": [_plain(r, cautious=cautious, seen=seen) for r in runs]}
        case tuple() | list():
            return [_plain(v, cautious=cautious, seen=seen) for v in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                f.name: _plain(getattr(value, f.name), cautious=cautious, seen=seen)
                for f in dataclasses.fields(value)
            }
        case _:
            raise TypeError(f"a sheet holds text, not {type(value).__name__}")


def _matrix(content: str) -> list[Json]:
    if not content:
        return []
    code = segno.make_qr(content, error="m", boost_error=False)
    return ["".join("1" if module else "0" for module in row) for row in code.matrix]


def _title(sheet: Sheet) -> str:
    head = sheet.head
    date = head.date if isinstance(head.date, str) else ""
    return " ".join(part for part in (head.kind, head.body, date) if part)


def canonical(sheet: Sheet, *, cautious: bool = False) -> str:
    """The data given to the template, as canonical JSON."""
    seen: set[str] = set()
    data = _plain(sheet, cautious=cautious, seen=seen)
    if not isinstance(data, dict):
        raise TypeError("a sheet is one of the papers")
    if isinstance(sheet, Extract):
        data["signers"] = [_plain(sheet.certifier, cautious=cautious, seen=seen)]
    if isinstance(sheet, Copy):
        data["signers"] = []
    if isinstance(sheet, Minutes | Extract | Correction | Copy):
        data["qr"] = {"content": clean(sheet.qr), "rows": _matrix(sheet.qr)}
        data["foot"] = at_foot(sheet)
    head = sheet.head
    data["title"] = clean(_title(sheet), cautious=cautious)
    data["author"] = clean(head.letterhead.municipality, cautious=cautious)
    data["keywords"] = [clean(head.short_code, cautious=cautious)] if head.short_code else []
    data["boxes"] = [list(cell) for cell in cells(sheet)]
    data["marks"] = {"destroyed": "destroyed" in seen, "masked": "masked" in seen}
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@cache
def _template(names: tuple[str, ...]) -> tuple[bytes, str]:
    """The template's source, and the hash over the files it is made of."""
    folder = files("projections.paper") / "templates"
    digest = hashlib.sha256()
    parts: list[bytes] = []
    for name in names:
        source = (folder / name).read_bytes()
        digest.update(b"%s\0%d\0%s" % (name.encode(), len(source), source))
        parts.append(source)
    return b"\n".join(parts), digest.hexdigest()


@cache
def _fonts() -> tuple[typst.Fonts, str]:
    fonts = typst.Fonts(include_system_fonts=False)
    listing = [[f.family, f.style, f.weight, f.index] for f in fonts.fonts()]
    text = json.dumps([version("typst"), listing], separators=(",", ":"), ensure_ascii=False)
    return fonts, hashlib.sha256(text.encode()).hexdigest()


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(font_paths=_fonts()[0], ignore_system_fonts=True)


def _compile(
    source: bytes, data: str, proof: bytes, standards: list[Standard], moment: datetime, *, proxy: bool
) -> bytes:
    try:
        with _LOCK:
            made = _compiler().compile(
                source,
                sys_inputs={"data": data, "proxy": "1" if proxy else "0"}
                | ({"proof": proof.decode()} if proof else {}),
                pdf_standards=[*standards],
                timestamp=moment.astimezone(UTC).replace(microsecond=0),
                format="pdf",
            )
    except typst.TypstError as error:
        raise Unprintable(error.diagnostic) from error
    if not isinstance(made, bytes):
        raise Unprintable("Typst gave no single file")
    return made


def _printed(source: bytes, sheet: Sheet, proof: bytes, *, proxy: bool) -> tuple[bytes, str]:
    """The PDF and the data it was made from."""
    standards: list[Standard] = ["a-1b"] if proxy else ["a-3a", "ua-1"]
    moment = sheet.head.recorded_at
    data = canonical(sheet)
    try:
        return _compile(source, data, proof, standards, moment, proxy=proxy), data
    except Unprintable as refusal:
        if "could not be displayed" not in str(refusal):
            raise
    # Signs the fonts hold one by one, but not as the cluster written, are printed by number.
    data = canonical(sheet, cautious=True)
    return _compile(source, data, proof, standards, moment, proxy=proxy), data


def render(sheet: Sheet, *, proof: bytes = b"", proxy: bool = False) -> Rendered:
    """Print a sheet; a copy with its proof attached. `proxy` gives the PDF/A-1b twin for Preflight."""
    if sheet.head.recorded_at.tzinfo is None:
        raise ValueError("recorded_at names its time zone")
    source, template = _template(sheet.TEMPLATES)
    pdf, data = _printed(source, sheet, proof, proxy=proxy)
    return Rendered(
        pdf=pdf,
        renderer={
            "typst": version("typst"),
            "template": template,
            "fonts": _fonts()[1],
            "data": hashlib.sha256(data.encode()).hexdigest(),
            "output": hashlib.sha256(pdf).hexdigest(),
        },
    )
