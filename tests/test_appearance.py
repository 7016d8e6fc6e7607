"""What a signature field shows: text in a font that is embedded whole and maps back to Unicode."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PdfFileWriter

from signing.appearance import MARGIN, SMALLEST, embed_font, font, text_box

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


@given(st.lists(TEXT, max_size=6), st.integers(40, 400), st.integers(20, 120))
def test_text_never_uses_a_missing_glyph_and_fits_when_it_can(
    lines: list[str], width: int, height: int
) -> None:
    font.cache_clear()  # read anew: another test of this process may have read it unmeasured
    face = font()
    assert all(code != 0 for line in lines for code in face.codes(line))
    writer = PdfFileWriter()
    drawn = text_box(lines, width, height, writer.add_object(generic.NullObject()))
    data = drawn.data.decode("ascii")
    found = re.search(r"/F0 ([0-9.]+) Tf", data)
    assert found is not None
    size = float(found.group(1))
    if size > SMALLEST:
        assert all(face.width(line) * size <= width - 2 * MARGIN + 0.01 for line in lines)
    assert data.count("Tj") == len(lines)


def digest(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()


def test_the_font_is_the_one_that_was_read_by_another_program() -> None:
    # fontTools 4.68 read the same from this very file: characters, glyph for glyph, and measures in ems.
    font.cache_clear()  # read anew, by what is tested now
    face = font()
    assert sha256(face.data).hexdigest() == "18df0d60be6b6e58241b4043e4d379c4273cf54d7792456be50230e044717baa"
    assert digest(sorted(face.glyphs.items())) == (
        "da86f0297e8f2215b66e12d3dc5a6de382b97a5f888ff2a9dd65d9e62e8baf6f"
    )
    assert len(face.glyphs) == len(set(face.glyphs.values())) == 423
    assert (face.box, face.ascent, face.descent) == ([-918, -463, 1614, 1232], 928, -236)
    assert digest(face.widths) == "e28e681655bc8be09a0a126fbe262bae5a145e92758d57d09291d3806a067020"
    assert face.width("Åsa") == sum(face.widths[code] for code in face.codes("Åsa")) / 1000 == 1.635


def plain(value: Any) -> Any:
    """A PDF object as what it says."""
    value = value.get_object()
    match value:
        case generic.StreamObject():
            return {key: plain(each) for key, each in value.items() if key != "/Length"} | {"": value.data}
        case generic.DictionaryObject():
            return {key: plain(each) for key, each in value.items()}
        case generic.ArrayObject():
            return [plain(each) for each in value]
        case _:
            return value


def test_the_font_is_embedded_whole_and_maps_back_to_unicode() -> None:
    face, name = font(), "/LIGGAR+DejaVuSansCondensed"
    found = plain(embed_font(PdfFileWriter()))
    mapped, (descendant,) = found.pop("/ToUnicode"), found.pop("/DescendantFonts")
    descriptor = descendant.pop("/FontDescriptor")
    assert found == {"/Type": "/Font", "/Subtype": "/Type0", "/BaseFont": name, "/Encoding": "/Identity-H"}
    assert descriptor.pop("/FontFile2") == {
        "/Filter": "/FlateDecode",
        "/Length1": len(face.data),
        "": face.data,
    }
    assert descriptor == {
        "/Type": "/FontDescriptor", "/FontName": name, "/Flags": 32, "/FontBBox": face.box, "/ItalicAngle": 0,
        "/Ascent": face.ascent, "/Descent": face.descent, "/CapHeight": 729, "/StemV": 80,
    }  # fmt: skip
    assert descendant == {
        "/Type": "/Font", "/Subtype": "/CIDFontType2", "/BaseFont": name, "/CIDToGIDMap": "/Identity",
        "/CIDSystemInfo": {"/Registry": "Adobe", "/Ordering": "Identity", "/Supplement": 0},
        "/DW": face.widths[0], "/W": [0, face.widths],
    }  # fmt: skip
    assert mapped.pop("/Filter") == "/FlateDecode"
    head, *blocks, tail = re.split(
        r"(\d+ beginbfchar\n.*?\nendbfchar\n)", mapped[""].decode(), flags=re.DOTALL
    )
    blocks = [block for block in blocks if block]
    assert (head, tail) == (HEAD, TAIL)
    counts = [int(block.partition(" ")[0]) for block in blocks]
    assert counts == [block.count(" <") for block in blocks] == [100, 100, 100, 100, 23], (
        "at most 100 in each"
    )
    pairs = [
        (int(g, 16), int(c, 16))
        for g, c in re.findall(r"^<([0-9a-f]{4})> <([0-9a-f]{4})>$", "".join(blocks), re.MULTILINE)
    ]
    assert pairs == sorted((glyph, character) for character, glyph in face.glyphs.items())


HEAD = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
"""
TAIL = """endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


@pytest.mark.parametrize(
    ("lines", "width", "height", "size", "top"),
    [
        (["Åsa Öberg", "§ 1"], 260, 60, 9, 47),
        (["Åsa Öberg"] * 4, 260, 40, 6.4, 29.6),
        (["Åsa Öberg" * 5], 140.5, 60, 5.6, 50.4),
        (["1"], 12, 60, 6.9, 49.1),
        (["Åsa Öberg" * 50], 60, 60, 4, 52),
        ([""], 60, 60, 9, 47),
        ([], 60, 60, 9, 47),
    ],
    ids=["largest", "by its height", "by its width", "narrow", "smallest", "empty", "nothing"],
)
def test_the_text_is_written_as_large_as_it_fits(
    lines: list[str], width: float, height: float, size: float, top: float
) -> None:
    reference = PdfFileWriter().add_object(generic.NumberObject(7))
    drawn = plain(text_box(lines, width, height, reference))
    shown = ["<" + "".join(f"{code:04x}" for code in font().codes(line)) + "> Tj T*" for line in lines]
    assert drawn.pop("").decode().split("\n") == [
        f"q 0.5 w 0.25 0.25 {width - 0.5:g} {height - 0.5:g} re S Q", "BT 0 g", f"/F0 {size:g} Tf",
        f"{size * 1.25:g} TL", f"4 {top:g} Td", *shown, "ET",
    ]  # fmt: skip
    assert drawn == {
        "/Type": "/XObject", "/Subtype": "/Form", "/Filter": "/FlateDecode",
        "/BBox": [0, 0, width, height], "/Resources": {"/Font": {"/F0": 7}},
    }  # fmt: skip


def test_swedish_letters_have_glyphs_of_their_own() -> None:
    face = font()
    question = face.codes("?")[0]
    assert question not in face.codes("ÅÄÖåäöéüŁÇŞčđŋ–§")
    assert face.codes("A\u030a") == face.codes("Å"), "a combining ring is composed"
    assert face.codes("漢") == [question]
