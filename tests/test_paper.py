"""Papers: what they say, that they say it literally, and that outside tools accept the bytes."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.paper import (
    DESTROYED,
    UNKNOWN,
    Fact,
    Item,
    KlNotice,
    Masked,
    Minutes,
    Mixed,
    Sheet,
    Signer,
    Statement,
    Task,
    Unprintable,
    render,
    sheet_boxes,
    signature_boxes,
)
from projections.paper.boxes import cells, foot_cells
from projections.paper.glyphs import clean, printable
from projections.paper.render import canonical
from tests import paper_samples as samples
from tests.outside import need
from tests.preflight import complaints

SHEETS: dict[str, Callable[[], Sheet]] = {
    "kallelse": samples.kallelse,
    "short_minutes": samples.short_minutes,
    "long_minutes": samples.long_minutes,
    "extract": samples.extract,
    "copy": samples.copy,
    "correction": samples.correction,
    "notification": samples.notification,
    "report": samples.report,
    "review": samples.review,
}
GOLDEN = Path(__file__).parent / "golden" / "paper" / "renders.json"


def opened(pdf: bytes) -> pymupdf.Document:
    return pymupdf.open(stream=pdf, filetype="pdf")  # type: ignore[no-untyped-call]  # the library has no types


def pages(pdf: bytes) -> list[str]:
    """The text of each page, spaces evened out."""
    with opened(pdf) as document:
        return [re.sub(r"\s+", " ", page.get_text()) for page in document]


def whole(sheet: Sheet) -> str:
    return " ".join(pages(render(sheet).pdf))


def minutes_of(*items: Item, **changes: object) -> Minutes:
    return replace(samples.short_minutes(), items=items, **changes)  # type: ignore[arg-type]  # test shorthand


# -- What stands on the papers ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHEETS)
def test_every_page_says_what_it_is(name: str) -> None:
    sheet = SHEETS[name]()
    found = pages(render(sheet).pdf)
    for number, page in enumerate(found, 1):
        assert f"Sida {number} ({len(found)})" in page
        for wording in (
            "Exempelby kommun",
            "Trygghetsrådet",
            sheet.head.kind,
            "Dnr KS24.118",
            "7K4M-Q2XR",
            "EXEMPEL",
        ):
            assert wording in page
        assert str(sheet.head.date) in page
        assert "UTKAST" not in page


def test_a_draft_says_so_on_every_page() -> None:
    for page in pages(render(samples.short_minutes(draft=True)).pdf):
        assert "UTKAST – ej godkänt" in page


def test_a_municipality_of_its_own_is_not_stamped() -> None:
    sheet = samples.short_minutes()
    head = replace(sheet.head, letterhead=replace(sheet.head.letterhead, example=False))
    assert "EXEMPEL" not in whole(replace(sheet, head=head)).replace("Exempel", "")


def test_kallelse_holds_the_call() -> None:
    text = whole(samples.kallelse())
    for wording in (
        "Tid",
        "Plats",
        "Kallade",
        "Nr Ärende Dnr Föredragande Tid Bilaga",
        "Övriga frågor",
        "Förhinder anmäls till",
        "Exempelby 2024-05-08",
        "Ordförande",
        "Sekreterare",
        "Bilaggs ej",
        "3–4",
    ):
        assert wording in text


def test_first_page_of_minutes() -> None:
    page = pages(render(samples.long_minutes()).pdf)[0]
    for wording in (
        "Plats och tid",
        "Närvarande",
        "Ersättare",
        "Adjungerade",
        "Anmält förhinder",
        "Utsedd justerare",
        "Justeringens plats och tid",
        "Punkter 1–9",
        "Underskrifter",
        "t.o.m. punkt 4",
    ):
        assert wording in page.replace("Punkter Underskrifter", "Punkter") or wording.split()[0] in page
    assert UNKNOWN not in page


def test_unknown_is_said_and_what_does_not_apply_is_left_out() -> None:
    page = pages(render(samples.short_minutes()).pdf)[0]
    assert page.count(UNKNOWN) == 2
    assert "Adjungerade" not in page


def test_the_list_of_items_gives_real_pages() -> None:
    found = pages(render(samples.long_minutes()).pdf)
    listing = next(page for page in found if "Ärendelista" in page)
    for number, title in enumerate(samples.TITLES, 1):
        match = re.search(rf"Punkt {number} (?:KS24\.118 )?{re.escape(title)} (\d+)", listing)
        assert match, title
        assert f"Punkt {number} " in found[int(match.group(1)) - 1]
        assert title in found[int(match.group(1)) - 1]


def test_an_item_that_breaks_over_a_page_is_named_at_the_top() -> None:
    found = pages(render(samples.long_minutes()).pdf)
    assert len(found) >= 7
    continued = [re.search(r"Punkt (\d), forts", page) for page in found]
    assert sum(match is not None for match in continued) >= 3
    for page, match in zip(found, continued, strict=True):
        if match:
            # What comes first on the page is not a new heading, and the item's own heading is not on it.
            assert f"Punkt {match.group(1)} KS24.118" not in page


def test_an_item_that_ends_with_its_page_is_not_continued() -> None:
    # Somewhere among these lengths an item fills its page to the last line.
    for lines in range(8, 20):
        one = Item(title="Ett", mark="§ 1", summary="\n".join(["rad"] * lines))
        two = Item(title="Två", mark="§ 2", summary="slut")
        found = pages(render(minutes_of(one, two)).pdf)
        for number, page in enumerate(found):
            if "§ 1, forts" in page:
                assert "rad" in page.split("§ 1, forts")[1].split("§ 2")[0], (lines, number)


def test_no_heading_stands_alone_at_the_foot() -> None:
    for lines in range(4, 20):
        one = Item(title="Ett", mark="§ 1", summary="\n".join(["rad"] * lines))
        two = samples.item(2, "Två", long=True)
        for page in pages(render(minutes_of(one, two)).pdf)[:-1]:
            assert not re.search(r"(Två|Sammanfattning|Beslut|Föredragande Farida Noori) Kortkod", page), (
                lines
            )


def test_numbering_is_paragraph_point_or_none() -> None:
    dressed = Item(title="Rubrik", mark="§ 146", diarienummer="2020.226 KS", decisions=("Ett.", "Två."))
    assert "§ 146 2020.226 KS Rubrik Beslut 1. Ett. 2. Två." in whole(minutes_of(dressed))
    bare = whole(minutes_of(Item(title="Ren rubrik"), Item(title="Andra")))
    assert "Ren rubrik" in bare
    assert "§" not in bare


def test_the_parts_of_an_item_stand_in_order() -> None:
    text = whole(minutes_of(replace(samples.item(4, "Lägesbild", long=True), postponed="Till nästa möte.")))
    order = (
        "Sammanfattning",
        "Rapporter",
        "Beslutsunderlag",
        "Förslag Per",
        "Beslut 1.",
        "Uppdrag",
        "Avvikande synpunkter",
        "Särskilt yttrande",
        "Avstår",
        "Bordläggning",
        "Expedieras till",
    )
    places = [text.index(wording, text.index("Sammanfattning")) for wording in order]
    assert places == sorted(places)


def test_kl_notice_only_when_given() -> None:
    assert "Anslag/bevis" not in whole(samples.short_minutes())
    notice = KlNotice(body="Kommunstyrelsen", meeting_date="2024-05-17", posted="2024-05-22")
    assert "Anslag/bevis" in whole(replace(samples.short_minutes(), kl_notice=notice))


def test_extract_certifies_and_correction_shows_both_wordings() -> None:
    text = whole(samples.extract())
    assert "Utdraget bestyrks" in text
    assert "Exempelby 2024-06-03" in text
    correction = whole(samples.correction())
    assert "Ursprunglig lydelse" in correction
    assert "har ökat." in correction
    assert "har minskat." in correction


def test_web_copy_has_no_signatures() -> None:
    for sheet in (samples.long_minutes(), samples.extract()):
        copy = replace(sheet, web=True)
        assert sheet_boxes(copy) == []
        text = whole(copy)
        assert "Kommunens stämpel" not in text
        assert "Webbkopia" in text
        assert "Webbkopia" not in whole(sheet)


# -- Text is only text --------------------------------------------------------------------------------------

HOSTILE = (
    '#import "x"',
    "*a*",
    "_b_",
    "$x^2$",
    "`raw`",
    "<lab>",
    "@ref",
    "\\",
    "// no",
    "/* c */",
    "= H",
    "- list",
    "+ enum",
    "/ term: x",
    "~",
    "---",
    '"q"',
    "#panic(1)",
    "#{1+1}",
    "https://example.org",
    "]",
    "}",
    "#sys.inputs",
    "&amp;",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_prints_literally(text: str) -> None:
    item = Item(
        title=f"a {text} b",
        summary=f"c {text} d",
        decisions=(f"e {text} f",),
        reports=(Statement(who=f"g {text} h", text="i"),),
    )
    printed = whole(minutes_of(item))
    for wording in (f"a {text} b", f"c {text} d", f"e {text} f", f"g {text} h"):
        assert wording in printed


def test_a_line_break_is_a_paragraph() -> None:
    with opened(render(minutes_of(Item(title="x", summary="första\n\nandra"))).pdf) as document:
        lines = document[0].get_text().splitlines()
    assert "första" in lines
    assert "andra" in lines


def test_long_words_stay_inside_the_margins_and_copy_unchanged() -> None:
    word = "https://example.org/" + "x1" * 120
    item = Item(
        title=word, mark="§ 1", diarienummer="D" * 70, summary=word, decisions=(word,), dispatch=(word,)
    )
    pdf = render(minutes_of(item, present_name(word))).pdf
    with opened(pdf) as document:
        for page in document:
            for x0, _, x1, _, *_ in page.get_text("words"):
                assert x0 >= 25 / 25.4 * 72 - 1
                assert x1 <= 595.3 - 25 / 25.4 * 72 + 1
        text = "".join(page.get_text() for page in document)
    assert word in text.replace("\n", "")


def present_name(word: str) -> Item:
    return Item(title="Andra", notes=(), tasks=(Task(what=word, owner=word, due=word),))


def test_other_scripts_print_and_what_no_font_holds_shows_its_number() -> None:
    text = whole(minutes_of(Item(title="x", summary="שלום Ελλάδα Привет 😀 \u202eabc\u202c \x00 \ue000")))
    for wording in ("Ελλάδα", "Привет", "[U+1F600]", "[U+202E]abc[U+202C]", "[U+0000]", "[U+E000]"):
        assert wording in text
    assert "שלום" in text or "םולש" in text


def test_every_printable_sign_prints() -> None:
    points = "".join(f"{chr(p)} " for p in printable())
    assert clean(points.replace("\u0340", "").replace("\u0341", "")) is not None
    render(minutes_of(Item(title="x", mark="§ 1", summary=points, notes=(Fact(label=points, value="y"),))))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_prints(text: str) -> None:
    item = Item(
        title=text, mark="§ 1", summary=text, decisions=(text, Mixed((text, DESTROYED, Masked(text))))
    )
    assert render(minutes_of(item, item)).pdf.startswith(b"%PDF")


def test_destroyed_and_masked_are_shown_and_explained() -> None:
    item = Item(
        title=DESTROYED,
        mark="§ 1",
        summary=Mixed(("Stöd till ", Masked("21 kap. 1 § OSL"), " födda ", DESTROYED, ".")),
        dissents=(Statement(who=DESTROYED, text=Masked("26 kap. 1 § OSL", "hälsa")),),
    )
    text = whole(minutes_of(item))
    assert text.count("█████") == 4
    assert (
        "Stöd till 21 kap. 1 § OSL födda █████ ." in text or "Stöd till 21 kap. 1 § OSL födda █████." in text
    )
    assert "26 kap. 1 § OSL: hälsa" in text
    assert "förstörts efter beslut om gallring" in text
    assert "maskad i den här kopian" in text
    assert "maskad i den här kopian" not in whole(samples.short_minutes())


# -- Boxes --------------------------------------------------------------------------------------------------


def drawn_boxes(pdf: bytes) -> list[tuple[float, float, float, float]]:
    """The stroked rectangles of box size on the last page, from the lower left corner."""
    with opened(pdf) as document:
        page = document[-1]
        height = page.rect.height
        found = [d["rect"] for d in page.get_drawings() if d["type"] == "s" and d["rect"].height > 60]
    return [(r.x0, height - r.y1, r.x1, height - r.y0) for r in found]


@pytest.mark.parametrize("count", range(7))
def test_boxes_are_where_the_paper_draws_them(count: int) -> None:
    signers = tuple(Signer(name=f"Namn {i}", role=f"Justerare {i}", sections="§§ 1–9") for i in range(count))
    sheet = replace(samples.long_minutes(), signers=signers)
    pdf = render(sheet).pdf
    drawn = drawn_boxes(pdf)
    expected = signature_boxes(count)
    assert sheet_boxes(sheet) == expected
    assert len(drawn) == len(expected) == count + 1
    for have, want in zip(drawn, expected, strict=True):
        assert have == pytest.approx(want, abs=0.05)
    with opened(pdf) as document:
        words = list(document[-1].get_text("words"))
        height = document[-1].rect.height
    for x1, y1, x2, y2 in expected:
        assert not [w for w in words if x1 < w[2] and w[0] < x2 and height - y2 < w[3] and w[1] < height - y1]


@pytest.mark.parametrize(
    "make",
    [
        samples.extract,
        samples.copy,
        samples.correction,
        lambda: replace(samples.correction(), signers=()),
        lambda: replace(samples.correction(), signers=samples.SIGNERS),
    ],
)
def test_boxes_at_the_foot(make: Callable[[], Sheet]) -> None:
    sheet = make()
    drawn = drawn_boxes(render(sheet).pdf)
    assert len(drawn) == len(sheet_boxes(sheet))
    for have, want in zip(drawn, sheet_boxes(sheet), strict=True):
        assert have == pytest.approx(want, abs=0.05)


def test_short_papers_stay_one_page() -> None:
    for sheet in (samples.extract(), samples.correction(), samples.notification()):
        assert len(pages(render(sheet).pdf)) == 1


def test_a_long_extract_keeps_its_boxes_last() -> None:
    for count in range(1, 4):
        sheet = replace(
            samples.extract(), items=tuple(samples.item(i, "Lång", long=True) for i in range(count))
        )
        pdf = render(sheet).pdf
        assert drawn_boxes(pdf) == [pytest.approx(box, abs=0.05) for box in sheet_boxes(sheet)]
        assert "Utdraget bestyrks" in pages(pdf)[-1]


def test_too_many_signers_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 6"):
        signature_boxes(7)
    with pytest.raises(ValueError, match="0 to 2"):
        foot_cells(3)
    assert cells(samples.kallelse()) == []


def test_boxes_have_their_measure_and_do_not_meet() -> None:
    for count in range(7):
        found = signature_boxes(count)
        for (_, low, right, high), (_, _, _, below) in zip(
            found, [*found[1:], (0.0, 0.0, 0.0, 0.0)], strict=True
        ):
            assert high - low == pytest.approx(26 / 25.4 * 72)
            assert right == pytest.approx(185 / 25.4 * 72)
            assert low > below


# -- Bytes --------------------------------------------------------------------------------------------------

SCRIPT = (
    "import sys, hashlib; from tests import paper_samples as s; from projections.paper import render;"
    "print(hashlib.sha256(render(getattr(s, sys.argv[1])()).pdf).hexdigest())"
)


@pytest.mark.parametrize("name", ["long_minutes", "correction"])
def test_another_process_makes_the_same_bytes(name: str) -> None:
    root = Path(__file__).parent.parent
    done = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, name], cwd=root, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert done[0].stdout.strip() == done[1].stdout.strip() == render(SHEETS[name]()).renderer["output"]


def test_threads_make_the_same_bytes() -> None:
    made = [SHEETS[name]() for name in SHEETS] * 2
    with ThreadPoolExecutor(4) as pool:
        together = [r.pdf for r in pool.map(render, made)]
    assert together == [render(sheet).pdf for sheet in made]


def test_hashes_are_of_what_they_say() -> None:
    sheet = samples.short_minutes()
    rendered = render(sheet)
    assert set(rendered.renderer) == {"typst", "template", "fonts", "data", "output"}
    assert rendered.renderer["output"] == hashlib.sha256(rendered.pdf).hexdigest()
    data = canonical(sheet)
    assert rendered.renderer["data"] == hashlib.sha256(data.encode()).hexdigest()
    assert json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == data
    folder = Path(__file__).parent.parent / "projections" / "paper" / "templates"
    digest = hashlib.sha256()
    for name in sheet.TEMPLATES:
        source = (folder / name).read_bytes()
        digest.update(name.encode() + b"\0" + str(len(source)).encode() + b"\0" + source)
    assert rendered.renderer["template"] == digest.hexdigest()
    for key in ("template", "fonts", "data", "output"):
        assert re.fullmatch("[0-9a-f]{64}", rendered.renderer[key])


def test_renders_are_pinned() -> None:
    """Once released a template never changes. To pin a new one: python -m tests.test_paper"""
    golden = json.loads(GOLDEN.read_text())
    for name, pinned in golden.items():
        renderer = render(SHEETS[name]()).renderer
        if renderer["typst"] != pinned["typst"]:
            pytest.skip(f"pinned with typst {pinned['typst']}")
        assert renderer == pinned, name


def test_recorded_time_is_the_only_date() -> None:
    sheet = samples.short_minutes()
    later = replace(
        sheet,
        head=replace(sheet.head, recorded_at=datetime.fromisoformat("2031-01-02T03:04:05.678901+02:00")),
    )
    with pikepdf.open(BytesIO(render(later).pdf)) as pdf:
        assert str(pdf.docinfo["/CreationDate"]).startswith("D:20310102010405")
        assert str(pdf.docinfo["/Title"]) == "Mötesanteckningar Trygghetsrådet 2024-05-17"
        assert str(pdf.Root["/Lang"]) == "sv"
        assert "/StructTreeRoot" in pdf.Root
    with pytest.raises(ValueError, match="time zone"):
        render(replace(sheet, head=replace(sheet.head, recorded_at=datetime(2024, 5, 17))))  # noqa: DTZ001  # the very mistake


def test_a_refusal_from_typst_is_named() -> None:
    with pytest.raises(Unprintable, match="time_and_place"):
        render(replace(samples.short_minutes(), first_page=None))  # type: ignore[arg-type]  # the very mistake


def test_a_cluster_no_font_shapes_prints_by_number() -> None:
    assert "[U+2658]" in whole(minutes_of(Item(title="x", summary="\u2658\u0342\u0336 \u2191\u0653\u05b5")))


def test_only_text_goes_on_a_sheet() -> None:
    with pytest.raises(TypeError, match="float"):
        render(minutes_of(Item(title=1.5)))  # type: ignore[arg-type]  # the very mistake


# -- Outside ------------------------------------------------------------------------------------------------


def outloud() -> str:
    """The checker of PDF/UA; a package of the development environment, found beside this Python."""
    beside = Path(sys.executable).with_name("outloud")
    return str(beside) if beside.exists() else need("outloud")


@pytest.mark.parametrize("name", SHEETS)
def test_qpdf_and_outloud_accept(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.pdf"
    file.write_bytes(render(SHEETS[name]()).pdf)
    subprocess.run([need("qpdf"), "--check", str(file)], capture_output=True, check=True)
    report = tmp_path / "report.json"
    done = subprocess.run(
        [outloud(), "--json", str(report), "--fail-on", "warning", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SHEETS)
def test_preflight_accepts_the_twin(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.pdf"
    file.write_bytes(render(SHEETS[name](), proxy=True).pdf)
    assert complaints(file) == []


def test_preflight_can_say_no(tmp_path: Path) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(render(samples.kallelse()).pdf)
    assert complaints(file)


if __name__ == "__main__":
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    pinned = {name: render(make()).renderer for name, make in SHEETS.items()}
    GOLDEN.write_text(json.dumps(pinned, indent=1, sort_keys=True) + "\n")
