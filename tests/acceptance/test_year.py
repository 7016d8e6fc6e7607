"""The played year, looked at as its people would: what was found, who approved what on which grounds, what is shown.

Numbers in brackets are the facts of the municipality's own rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pymupdf
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.demo.people import PEOPLE
from api.wiring import Municipality, open_folder
from domain.body_events import BodyStaffed, MemberCoOpted
from domain.meeting_events import DissentRecorded, KallelseIssued, NoticeReasonGiven
from domain.messages import Event, Fact
from domain.minutes_events import (
    ApprovalsVoided,
    MinutesApproved,
    MinutesReturned,
    MinutesSealed,
    MinutesVersionMade,
    NotificationNoted,
    NotificationNumbered,
    NotificationSent,
    SigningBegun,
)
from projections.audit import AuditQuery, approvals, query
from projections.reading import rows
from tests.acceptance.conftest import Played
from tests.postgres import known

NAMES = {one.key: one.name for one in PEOPLE}
APPROVED_BY = [
    ("chair", "police"),
    ("chair", "rescue"),
    ("chair", "vice"),
    ("chair", "rescue"),
    ("chair", "rescue"),
]


class Year:
    """The played registry, with its meetings and minutes in order and its people by the story's names."""

    def __init__(self, municipality: Municipality, played: Played) -> None:
        self.m, self.told = municipality, played.municipality
        self.facts = list(municipality.registry.facts())
        self.meetings = [str(one["id"]) for one in self.told["meetings"]]
        people = {row["name"]: row["person"] for row in self.rows("person")}
        self.person = {key: str(people[name]) for key, name in NAMES.items()}
        self.name = {id: key for key, id in self.person.items()}

    def rows(self, view: str, **where: Any) -> list[dict[str, Any]]:
        return rows(self.m.views, view, where=where or None)

    def events(self, kind: type[Event], stream: str = "") -> list[Fact]:
        return [fact for fact in self.facts if isinstance(fact.event, kind) and fact.stream.endswith(stream)]

    def minutes(self, number: int) -> str:
        """The minutes of the first to the fourth meeting; the fifth are the correction."""
        sealed = [fact.event for fact in self.events(MinutesSealed)]
        return [str(event.minutes) for event in sealed if isinstance(event, MinutesSealed)][number - 1]


@pytest.fixture(scope="module")
def year(played: Played, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    copy = played.copied(tmp_path_factory.mktemp("year") / "demo")
    with known(copy.env):
        municipality = open_folder(copy.data)
        municipality.projector.catch_up()
        yield Year(municipality, played)
        municipality.close()


# --- calling, L15
@pytest.mark.parametrize(("meeting", "days"), [(1, 15), (2, 4), (3, 12), (4, 12)])
@pytest.mark.fact("L15")
def test_the_days_of_notice_are_counted_and_only_a_week_is_expected(
    year: Year, meeting: int, days: int
) -> None:
    (fact,) = year.events(KallelseIssued, year.meetings[meeting - 1])
    assert isinstance(fact.event, KallelseIssued)
    assert fact.event.days == days
    assert fact.event.reason_wanted == (days < 7)
    assert [one.finding for one in fact.event.findings] == (["notice-short"] if days < 7 else [])


@pytest.mark.fact("L15")
def test_what_was_late_says_by_which_rule_and_why_and_the_reason_came_later(year: Year) -> None:
    (row,) = query(year.m.views, AuditQuery(finding="notice-short")).rows
    (finding,) = year.rows("finding", finding="notice-short")
    assert (finding["expected"], finding["observed"], finding["modality"]) == (
        "7 days",
        "4 days",
        "utgangspunkt",
    )
    assert (finding["source_document"], finding["fact"]) == ("KS23.276", "L15")
    assert row["position"] == finding["position"]
    (reason,) = year.events(NoticeReasonGiven)
    assert reason.recorded_at > str(row["recorded_at"])
    assert not year.rows("todo", task="notice-reason")


# --- who sits and who leads (L3, L4, L5, L6, L11)
@pytest.mark.fact("L3")
def test_the_seats_were_offered_and_answered(year: Year) -> None:
    assert {(row["seat"], row["status"], row["fact"]) for row in year.rows("seat")} == {
        ("polisen", "accepted", "L3"), ("raddningstjansten", "accepted", "L3"),
    }  # fmt: skip


@pytest.mark.fact("L5")
def test_the_chair_follows_from_the_board_and_the_vice_chair_was_chosen_at_the_first_meeting(
    year: Year,
) -> None:
    assert [year.name[row["person"]] for row in year.rows("office", office="chair")] == ["chair"] * 4
    mandates = {(year.name[row["person"]], row["seat"], row["capacity"]) for row in year.rows("mandate")}
    assert ("chair", "ordforande", "member") in mandates
    chosen = [row for row in year.rows("mandate") if "vice" in str(row["seat"]) + str(row["capacity"])]
    assert [year.name[row["person"]] for row in chosen] == ["vice"]
    decided = [str(row) for row in year.rows("decision", meeting=year.meetings[0])]
    assert any("Till vice ordförande" in row for row in decided)


@pytest.mark.fact("L4")
@pytest.mark.fact("L6")
def test_experts_other_actors_and_other_authorities_came_in_by_their_own_rules(year: Year) -> None:
    brought = [fact.event for kind in (BodyStaffed, MemberCoOpted) for fact in year.events(kind)]
    sources = {
        (year.name[event.person], event.source.fact)
        for event in brought
        if isinstance(event, BodyStaffed | MemberCoOpted)
    }
    assert sources == {("security", "L4"), ("association", "L6"), ("probation", "L6")}


@pytest.mark.fact("L11")
def test_more_than_half_demanded_the_third_meeting(year: Year) -> None:
    (demand,) = year.rows("demand")
    assert (demand["members"], demand["needed"], demand["reached"], demand["fact"]) == (5, 3, 1, "L11")
    assert "på begäran av ledamöter" in text_of(year, 3)


def text_of(year: Year, number: int) -> str:
    """What a sealed paper says, on one line."""
    sealed = next(row for row in year.rows("minutes") if row["minutes"] == year.minutes(number))
    with pymupdf.open(stream=year.m.files.get(sealed["file"]), filetype="pdf") as document:  # type: ignore[no-untyped-call]  # the library has no types
        words = " ".join(document[page].get_text() for page in range(document.page_count))
    return re.sub(r"\s+", " ", words)


# --- who approved what, on which grounds (L13)
@pytest.mark.fact("L13")
def test_who_approved_what_on_which_grounds_is_one_query(year: Year) -> None:
    found = list(approvals(year.m.views))
    assert len(found) == 2 * len(APPROVED_BY)
    for number, pair in enumerate(APPROVED_BY, 1):
        mine = [row for row in found if row["minutes"] == year.minutes(number)]
        assert {(row["office"], year.name[row["person"]]) for row in mine} == {
            ("chair", pair[0]), ("justerare", pair[1]),
        }  # fmt: skip
        assert len({row["version"] for row in mine}) == 1
        for row in mine:
            assert (row["method"], row["level"]) == ("passphrase", "one-time-key")
            assert (row["rule"], row["source_document"], row["fact"]) == ("signers", "KS23.276", "L13")
    broken = {row["minutes"] for row in found if "notice-short" in row["findings"]}
    assert broken == {year.minutes(2)}


def test_an_approval_is_a_signature_that_was_begun_by_the_same_person(year: Year) -> None:
    begun = {
        fact.event.signing: fact for fact in year.events(SigningBegun) if isinstance(fact.event, SigningBegun)
    }
    for fact in year.events(MinutesApproved):
        assert isinstance(fact.event, MinutesApproved)
        assert begun[fact.event.signing].actor == fact.actor == fact.event.person
        assert begun[fact.event.signing].position < fact.position


def test_the_one_who_returned_the_draft_signed_the_next_version(year: Year) -> None:
    (back,) = year.events(MinutesReturned)
    assert isinstance(back.event, MinutesReturned)
    assert year.name[back.event.person] == "rescue"
    made = year.events(MinutesVersionMade, year.minutes(4))
    assert [getattr(fact.event, "version", 0) for fact in made] == [1, 2, 3]
    assert not year.events(ApprovalsVoided)  # it came back before anybody had signed
    assert "vem som får se bilderna" in text_of(year, 4)


def test_all_is_sealed_and_only_what_people_have_left_is_to_be_done(year: Year) -> None:
    assert {row["status"] for row in year.rows("minutes")} == {"sealed"}
    assert {row["task"] for row in year.rows("todo")} <= {"number"}


# --- two clocks (L12)
@pytest.mark.fact("L12")
def test_the_dissent_was_said_at_the_meeting_and_noted_the_morning_after(year: Year) -> None:
    (dissent,) = year.events(DissentRecorded)
    assert dissent.happened.text == "2024-12-03T14:20"
    assert dissent.recorded_at.startswith("2024-12-04T07:15")
    assert "Bättre belysning och vuxna på plats" in text_of(year, 4)
    said = AuditQuery(kind="dissent-recorded.v1", true_from=date(2024, 12, 3), true_to=date(2024, 12, 3))
    assert [row["position"] for row in query(year.m.views, said).rows] == [dissent.position]
    known = AuditQuery(kind="dissent-recorded.v1", known_to=date(2024, 12, 3))
    assert not query(year.m.views, known).rows
    assert not rows(year.m.views, "dissent", known=dissent.position - 1)
    assert rows(year.m.views, "dissent", known=dissent.position)


def test_every_clock_of_the_log_goes_forward(year: Year) -> None:
    times = [fact.recorded_at for fact in year.facts]
    assert times == sorted(times)
    assert times[0] < "2023-11-14" and times[-1] < "2025-02"


# --- afterwards, L14
@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.fact("L14")
def test_both_ways_out_were_taken_in_their_stages(year: Year, number: int) -> None:
    minutes = year.minutes(number)
    sent = year.rows("delivery", minutes=minutes, duty="sending")
    assert {year.name[row["person"]] for row in sent} == {"chair", "vice", "second", "police", "rescue"}
    assert [year.name[row["person"]] for row in sent if row["stage"] == "received"] == ["police"]
    (sent_on,), (numbered,), (noted,) = (
        [fact for fact in year.events(kind) if fact.stream == f"minutes-{minutes}"]
        for kind in (NotificationSent, NotificationNumbered, NotificationNoted)
    )
    assert sent_on.position < numbered.position < noted.position
    assert isinstance(numbered.event, NotificationNumbered) and isinstance(noted.event, NotificationNoted)
    assert re.fullmatch(r"KS24\.\d+", numbered.event.diarienummer)
    assert noted.event.paragraph.startswith("§ ")


def test_the_correction_went_to_all_who_had_the_original(year: Year) -> None:
    got = {row["person"] for row in year.rows("delivery", minutes=year.minutes(4), duty="sending")}
    corrected = {row["person"] for row in year.rows("delivery", minutes=year.minutes(5), duty="sending")}
    assert got <= corrected
    assert "Sju av tio" in text_of(year, 5) and "Sex av tio" in text_of(year, 5)


@pytest.mark.fact("L14")
def test_days_are_shown_and_nothing_is_ever_called_late_where_no_time_is_set(year: Year) -> None:
    slug, token = year.told["slug"], year.told["tokens"]["secretary"]
    with TestClient(create_app({slug: year.m})) as client:
        for number in (1, 2, 3, 4):
            answer = client.get(
                f"/v1/{slug}/minutes/{year.minutes(number)}", headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 200
            assert not re.search(r"\b(late|försenad|overdue|för sent)\b", answer.text)
    assert {row["finding"] for row in year.rows("finding")} == {"notice-short", "draft-outside-authority"}


# --- what is refused
@pytest.mark.fact("L13")
def test_the_chair_is_no_justerare(year: Year) -> None:
    slug, token = year.told["slug"], year.told["tokens"]["secretary"]
    headers = {"Authorization": f"Bearer {token}"}
    with TestClient(create_app({slug: year.m})) as client:
        council = next(one["id"] for one in year.told["bodies"] if one["name"] == "Trygghetsrådet")
        meeting = {"body": council, "starts": "2026-01-13T13:00", "place": "Rum Exemplet"}
        made = client.post(f"/v1/{slug}/meetings/schedule-meeting", json=meeting, headers=headers).json()[
            "id"
        ]
        at = f"/v1/{slug}/meetings/{made}"
        opened = client.post(f"{at}/open-meeting", json={"happened": "2026-01-13T13:00"}, headers=headers)
        assert opened.status_code == 201, opened.text
        chosen = {"person": year.person["chair"], "item": 1}
        refused = client.post(f"{at}/elect-justerare", json=chosen, headers=headers)
        assert refused.status_code == 409, refused.text
        assert "justerare" in refused.json()["code"] or "chair" in refused.json()["code"]
        assert refused.json()["rule"]["document"]
