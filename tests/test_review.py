"""The auditor's review: what is told of each step of a body's year, and what is no finding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pymupdf
import pytest

from api.sentences import texts
from projections.paper import render
from projections.paper.review import review_sheet
from projections.review import STEPS, Line, _dagar, as_csv, review, row
from tests.stories import BOARD, COUNCIL, SPRING
from tests.test_obligations import Told

DAY = date(2025, 1, 2)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    found = Told(tmp_path_factory.mktemp("review"))
    yield found
    found.views.dispose()
    found.registry.close()


def lines(told: Told, known: int | None = None, day: date = DAY) -> dict[str, Line]:
    found = review(told.registry, told.views, COUNCIL, 2024, day, known)
    return {one.step: one for one in found if one.meeting == SPRING}


@pytest.mark.fact("L13")
@pytest.mark.fact("L14")
@pytest.mark.fact("L15")
def test_every_step_of_a_meeting_is_told_with_its_criterion_source_and_positions(told: Told) -> None:
    found = lines(told)
    assert list(found) == [step for step in STEPS if step != "year"]
    assert found["notice"].observation == "Sänd 2024-02-29, 5 dagar före mötesdagen. Skälet är angivet."
    assert found["notice"].finding == ("notice-short",)
    assert found["agenda"].observation == "2 ärenden till 2 mottagare."
    assert found["agenda"].finding == ("member-not-called",)
    assert found["attendance"].observation == "2 närvarande, 0 frånvarande införda."
    assert found["justerare"].observation == "1 vald."
    assert found["approval"].observation.startswith("2 av 2 har godkänt samma version")
    assert found["sending"].observation.startswith("Till 1 mottagare")
    assert found["dissents"].rule is not None and found["dissents"].rule.source.fact == "L12"
    assert all(one.positions for step, one in found.items() if step != "dispatch")
    assert told.saved.second_approval in found["approval"].positions
    assert told.saved.first_approval not in found["approval"].positions, "that version was made void"


@pytest.mark.fact("L14")
@pytest.mark.fact("V12")
def test_what_has_no_deadline_and_what_is_not_entered_are_no_findings(told: Told) -> None:
    found = lines(told, day=date(2040, 1, 1))
    assert not found["sending"].finding and not found["notification"].finding
    assert (found["dispatch"].observation, found["dispatch"].finding) == ("Inget är infört.", ())
    year = [
        one for one in review(told.registry, told.views, COUNCIL, 2024, date(2040, 1, 1)) if not one.meeting
    ]
    assert year and not any(one.finding for one in year), "before the registry was begun nothing is a finding"


def test_the_review_is_as_it_was_known(told: Told) -> None:
    before = lines(told, told.saved.second_approval - 1)
    assert before["approval"].observation.startswith("1 av 2")
    assert before["sending"].observation == "Inget är infört."
    assert review(told.registry, told.views, BOARD, 2024, DAY) == []


def test_the_assessment_is_left_to_the_auditor(told: Told) -> None:
    found = review(told.registry, told.views, COUNCIL, 2024, DAY)
    assert {row(one)["assessment"] for one in found} == {""}
    table = as_csv(found)
    assert table.startswith(b"\xef\xbb\xbfmeeting;day;step;observation;finding;criterion;")
    assert all(line.endswith(";") for line in table.decode("utf-8-sig").splitlines()[1:])


def test_the_paper_says_the_same_and_is_the_same_again(told: Told) -> None:
    found = review(told.registry, told.views, COUNCIL, 2024, DAY)
    sheet = review_sheet(
        found, municipality="Provkommun", body="Trygghetsrådet", year=2024, day=DAY, position=told.saved.last,
        recorded_at="2024-06-01T09:00:00.000000Z", code="7K4M-Q2XR", example=True,
        findings={code: said["sv"] for code, said in texts("findings").items()},
    )  # fmt: skip
    made = render(sheet).pdf
    assert made == render(sheet).pdf
    with pymupdf.open(stream=made, filetype="pdf") as document:  # type: ignore[no-untyped-call]  # no types there
        text = re.sub(r"\s+", " ", " ".join(page.get_text() for page in document))
    assert "Bedömning" in text and "KS23.276 2.3 (L15)" in text and "Årets skyldigheter" in text
    assert "Sänd 2024-02-29, 5 dagar före mötesdagen." in text
    whole = text.replace("\xad ", "")  # words that the lines divide
    assert "Iakttaget: Kallelsen gick ut med kortare tid än utgångspunkten." in whole
    assert "notice-short" not in whole


@pytest.mark.parametrize(("number", "words"), [(0, "0 dagar"), (1, "1 dag"), (2, "2 dagar")])
def test_days_are_counted_in_words(number: int, words: str) -> None:
    assert _dagar(number) == words
