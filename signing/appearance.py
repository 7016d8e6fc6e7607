"""What a reader sees in a signature field: a few lines of text in an embedded font.

- PDF/A-3 (ISO 19005-3 section 6.2.11): every font is embedded and maps back to Unicode, no glyph is
  .notdef, and an appearance has only a normal state (section 6.3.3). pyHanko's own stamps use Helvetica
  unembedded.
- The font is embedded once, whole, by the revision that creates the fields; every later signature refers to
  it, so signing a document three times adds one font. It is a Latin subset of DejaVu Sans Condensed
  (`fonts/`), wide enough for every name in a Swedish population register.
- Glyph number, character code and CID are the same number, so text is written as plain two-byte codes.
- The same lines always give the same bytes.
"""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import BasePdfFileWriter

FONT_FILE = "DejaVuSansCondensed-Latin.ttf"
FONT_NAME = "LIGGAR+DejaVuSansCondensed"  # six capitals and a plus mark a subset (ISO 32000-1 section 9.6.4)
MARGIN, LEADING, LARGEST, SMALLEST = 4.0, 1.25, 9.0, 4.0


class Font:
    """The few tables of a TrueType file that a PDF needs (ISO/IEC 14496-22)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        count = struct.unpack(">H", data[4:6])[0]
        tables = {}
        for i in range(count):
            tag, _, start, size = struct.unpack(">4sLLL", data[12 + 16 * i : 28 + 16 * i])
            tables[tag] = data[start : start + size]
        head, hhea, hmtx = tables[b"head"], tables[b"hhea"], tables[b"hmtx"]
        self._units: int = struct.unpack(">H", head[18:20])[0]
        self.box = [self._scale(v) for v in struct.unpack(">4h", head[36:44])]
        self.ascent, self.descent = (self._scale(v) for v in struct.unpack(">2h", hhea[4:8]))
        measured = struct.unpack(">H", hhea[34:36])[0]
        advances = struct.unpack(f">{measured * 2}H", hmtx[: measured * 4])[::2]
        glyphs = struct.unpack(">H", tables[b"maxp"][4:6])[0]
        self.widths = [self._scale(advances[min(i, measured - 1)]) for i in range(glyphs)]
        self.glyphs = dict(_read_cmap(tables[b"cmap"]))

    def _scale(self, value: int) -> int:
        return round(value * 1000 / self._units)

    def codes(self, text: str) -> list[int]:
        """Glyph numbers of a text; a character the font lacks is shown as a question mark."""
        fallback = self.glyphs[ord("?")]
        return [self.glyphs.get(ord(c), fallback) for c in unicodedata.normalize("NFC", text)]

    def width(self, text: str) -> float:
        """Width in em."""
        return sum(self.widths[code] for code in self.codes(text)) / 1000


@cache
def font() -> Font:
    """The packaged font."""
    return Font(resources.files("signing").joinpath("fonts", FONT_FILE).read_bytes())


def embed_font(writer: BasePdfFileWriter) -> generic.IndirectObject:
    """Add the font to a document and return the reference to it."""
    face = font()
    file_stream = _stream(face.data, {"/Length1": generic.NumberObject(len(face.data))})
    descriptor = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/FontDescriptor"),
            pdf_name("/FontName"): pdf_name("/" + FONT_NAME),
            pdf_name("/Flags"): generic.NumberObject(32),
            pdf_name("/FontBBox"): _numbers(face.box),
            pdf_name("/ItalicAngle"): generic.NumberObject(0),
            pdf_name("/Ascent"): generic.NumberObject(face.ascent),
            pdf_name("/Descent"): generic.NumberObject(face.descent),
            pdf_name("/CapHeight"): generic.NumberObject(729),
            pdf_name("/StemV"): generic.NumberObject(80),
            pdf_name("/FontFile2"): writer.add_object(file_stream),
        }
    )
    descendant = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/CIDFontType2"),
            pdf_name("/BaseFont"): pdf_name("/" + FONT_NAME),
            pdf_name("/CIDSystemInfo"): generic.DictionaryObject(
                {
                    pdf_name("/Registry"): generic.pdf_string("Adobe"),
                    pdf_name("/Ordering"): generic.pdf_string("Identity"),
                    pdf_name("/Supplement"): generic.NumberObject(0),
                }
            ),
            pdf_name("/FontDescriptor"): writer.add_object(descriptor),
            pdf_name("/CIDToGIDMap"): pdf_name("/Identity"),
            pdf_name("/DW"): generic.NumberObject(face.widths[0]),
            pdf_name("/W"): generic.ArrayObject([generic.NumberObject(0), _numbers(face.widths)]),
        }
    )
    composite = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/Type0"),
            pdf_name("/BaseFont"): pdf_name("/" + FONT_NAME),
            pdf_name("/Encoding"): pdf_name("/Identity-H"),
            pdf_name("/DescendantFonts"): generic.ArrayObject([writer.add_object(descendant)]),
            pdf_name("/ToUnicode"): writer.add_object(_stream(_to_unicode(face), {})),
        }
    )
    return writer.add_object(composite)


def text_box(
    lines: Sequence[str], width: float, height: float, font_ref: generic.IndirectObject
) -> generic.StreamObject:
    """A form XObject with a thin frame and the lines, as large as fits, at most nine points."""
    face, size = font(), LARGEST
    if lines:
        widest = max(face.width(line) for line in lines)
        size = min(
            size, (width - 2 * MARGIN) / max(widest, 0.01), (height - 2 * MARGIN) / (LEADING * len(lines))
        )
    size = max(SMALLEST, int(size * 10) / 10)
    commands = [f"q 0.5 w 0.25 0.25 {width - 0.5:g} {height - 0.5:g} re S Q", "BT 0 g", f"/F0 {size:g} Tf"]
    commands += [f"{size * LEADING:g} TL", f"{MARGIN:g} {height - MARGIN - size:g} Td"]
    commands += ["<" + "".join(f"{code:04x}" for code in face.codes(line)) + "> Tj T*" for line in lines]
    resources_entry = generic.DictionaryObject(
        {pdf_name("/Font"): generic.DictionaryObject({pdf_name("/F0"): font_ref})}
    )
    return _stream(
        "\n".join([*commands, "ET"]).encode("ascii"),
        {
            "/Type": pdf_name("/XObject"),
            "/Subtype": pdf_name("/Form"),
            "/BBox": generic.ArrayObject([generic.FloatObject(v) for v in (0, 0, width, height)]),
            "/Resources": resources_entry,
        },
    )


def _read_cmap(table: bytes) -> Sequence[tuple[int, int]]:
    # Format 4, the one encoding the packaged font keeps: segments of consecutive characters, whose glyphs are
    # consecutive too (every idRangeOffset is 0; a test compares with another program's reading).
    offset = struct.unpack(">L", table[8:12])[0]
    sub = table[offset:]
    doubled = struct.unpack(">H", sub[6:8])[0]
    count = doubled // 2
    words = struct.unpack(f">{(len(sub) - 14) // 2}H", sub[14 : 14 + (len(sub) - 14) // 2 * 2])
    ends, starts = words[:count], words[count + 1 : 2 * count + 1]
    deltas = words[2 * count + 1 : 3 * count + 1]
    found: list[tuple[int, int]] = []
    for start, end, delta in zip(starts, ends, deltas, strict=True):
        found += [(code, (code + delta) & 0xFFFF) for code in range(start, end + 1)]
    return [(code, glyph) for code, glyph in found if glyph]


def _to_unicode(face: Font) -> bytes:
    pairs = sorted((glyph, character) for character, glyph in face.glyphs.items())  # no two share a glyph
    blocks = []
    for i in range(0, len(pairs), 100):
        chunk = pairs[i : i + 100]
        body = "\n".join(f"<{glyph:04x}> <{character:04x}>" for glyph, character in chunk)
        blocks.append(f"{len(chunk)} beginbfchar\n{body}\nendbfchar")
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        + "\n".join(blocks)
        + "\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


def _numbers(values: Sequence[int]) -> generic.ArrayObject:
    return generic.ArrayObject([generic.NumberObject(v) for v in values])


def _stream(data: bytes, entries: dict[str, generic.PdfObject]) -> generic.StreamObject:
    packed = zlib.compress(data, 9)
    dictionary = {pdf_name(k): v for k, v in entries.items()}
    dictionary[pdf_name("/Filter")] = pdf_name("/FlateDecode")
    return generic.StreamObject(dictionary, encoded_data=packed)
