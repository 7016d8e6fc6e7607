"""Occasions that rules speak of, and events that somebody says count for a rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.profiles import beside, delivered
from domain.body_events import EventCounted, OccasionRecorded
from domain.calling import ScheduleMeeting
from domain.constituting import AdoptRegulation, AnswerSeatOffer, OfferSeat
from domain.fulfilling import CountEvent, RecordOccasion
from domain.holding import OpenMeeting, RecordPresence
from domain.messages import Known
from domain.planning import BeginInstrument, RecordInstrumentDecision
from domain.readings import Decided
from domain.report import SendReport, WriteReport
from domain.sources import house
from projections.owed import owed
from projections.reading import rows
from projections.runner import Projector
from tests import council as c
from tests.given import CET, ident
from tests.log_session import LogSession, Reached


class Told(LogSession):
    """A body with one of the delivered profiles, and what its rules ask for."""

    def under(self, profile: str, part: str, since: date, *, entered_then: bool = True) -> Told:
        text = delivered()[profile]
        self.do(
            AdoptRegulation(
                body=c.LOOSE, adopted_on=since, profile=text, part=part, rests_on=beside(text),
                happened=since.isoformat() if entered_then else None,
            )
        )  # fmt: skip
        return self

    def tasks(self) -> list[tuple[str, str]]:
        """What is to be done, and the office or seat it is about."""
        views = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        Projector(self.registry, views).catch_up()
        listed = rows(views, "todo", where={"body": c.LOOSE})
        views.dispose()
        return [(one["task"], one["office"]) for one in listed]

    def asked(self, day: str, rule: str) -> list[tuple[str, str, str]]:
        """The state, the reason and the day it was done, of each obligation of a rule."""
        views = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        Projector(self.registry, views).catch_up()
        listed = owed(self.registry, views, date.fromisoformat(day), None, [c.LOOSE])
        views.dispose()
        return [(one.state, one.reason, str(one.done_on or "")) for one in listed if one.rule.id == rule]


@pytest.fixture
def s(tmp_path: Path) -> Iterator[Told]:
    told = Told(tmp_path, Reached())
    yield told
    told.look()
    told.close()


@pytest.mark.fact("Å14")
def test_the_review_of_the_agreement_sets_off_the_follow_up_of_the_regulation(s: Told) -> None:
    s.under("ange", "trygghetsradet", date(2023, 1, 1))
    assert s.asked("2024-03-02", "review") == [("unknown", "occasion-not-recorded-here", "")]
    reviewed = RecordOccasion(
        body=c.LOOSE, occasion="agreement-review", note="Polisen", happened="2024-03-08"
    )
    (event,) = s.do(reviewed).events
    assert isinstance(event, OccasionRecorded)
    assert (event.occasion, event.note, event.source.fact) == ("agreement-review", Known("Polisen"), "Å14")
    assert s.asked("2024-03-07", "review") == []
    assert s.asked("2024-03-09", "review") == [("due", "no-deadline", "")]
    s.under("ange", "trygghetsradet", date(2024, 3, 10))
    assert s.asked("2024-03-10", "review") == [("done", "", "2024-03-10")]


@pytest.mark.fact("Å14")
def test_what_was_adopted_long_ago_was_adopted_then_though_entered_now(s: Told) -> None:
    s.under("ange", "trygghetsradet", date(2024, 1, 1))
    s.do(RecordOccasion(body=c.LOOSE, occasion="agreement-review", happened="2024-02-01"))
    s.under("ange", "trygghetsradet", date(2024, 2, 20), entered_then=False)
    assert s.asked("2024-03-10", "review") == [("done", "", "2024-02-20")]


@pytest.mark.fact("L3")
def test_a_seat_that_must_be_offered_is_to_be_offered_until_it_is_whatever_the_answer(s: Told) -> None:
    since, offer = date(2023, 11, 10), ident(0x50)
    s.under("lerum", "trygghetsradet", since)
    assert s.tasks() == [("offer-seat", "polisen"), ("offer-seat", "raddningstjansten")]
    s.do(OfferSeat(body=c.LOOSE, offer=offer, seat="polisen", organisation="Polisen"))
    s.do(AnswerSeatOffer(body=c.LOOSE, offer=offer, accepted=False))
    assert s.tasks() == [("offer-seat", "raddningstjansten")]
    s.under("lerum", "trygghetsradet", since)
    assert s.tasks() == [("offer-seat", "raddningstjansten")], "what was offered is not owed anew"


@pytest.mark.fact("V5")
def test_the_accounts_set_off_a_report_and_each_by_itself(s: Told) -> None:
    s.under("varmdo", "trygghetsradet", date(2017, 5, 1))
    for day in ("2024-03-04", "2024-03-18"):
        s.do(RecordOccasion(body=c.LOOSE, occasion="annual-accounts", happened=day))
    s.do(WriteReport(report=ident(1), body=c.LOOSE, title="Redogörelse"))
    s.do(SendReport(report=ident(1), to_body=c.BOARD, happened="2024-03-11"))
    assert s.asked("2024-04-01", "report-with-accounts") == [
        ("done", "", "2024-03-11"),
        ("due", "no-deadline", ""),
    ]


def test_an_occasion_is_one_that_a_rule_speaks_of_and_no_event_here(s: Told) -> None:
    s.under("varmdo", "trygghetsradet", date(2017, 5, 1))
    for name in ("agreement-review", "meeting-closed", "report-sent"):
        error = s.refuse(RecordOccasion(body=c.LOOSE, occasion=name), "no-such-occasion", house(90))
        assert error.values == {"occasions": "annual-accounts, half-year-accounts"}
    unknown = RecordOccasion(body=c.LOOSE, occasion="annual-accounts", meeting=ident(1))
    s.refuse(unknown, "not-found")
    s.refuse(RecordOccasion(body=c.BOARD, occasion="annual-accounts"), "no-such-occasion")
    meeting = ScheduleMeeting(meeting=ident(1), body=c.LOOSE, starts="2024-03-12T13:00", place="Eken")
    s.do(meeting, unknown)


@pytest.mark.fact("H4")
def test_which_of_several_rules_one_report_fulfils_is_said(s: Told) -> None:
    s.under("harryda", "kommunstyrelsen", date(2023, 12, 13))
    s.now = datetime(2024, 5, 17, 9, tzinfo=CET)
    s.do(WriteReport(report=ident(1), body=c.LOOSE, title="Lägesrapport"))
    sent = s.do(SendReport(report=ident(1), to_body=c.BOARD))
    position = s.scenario.world.position
    assert sent.events
    for rule in ("bra-report", "cameras"):
        assert s.asked("2024-06-30", rule) == [("unknown", "which-of-several", "")]
    count = CountEvent(body=c.LOOSE, rule="bra-report", period="once", positions=[position, position])
    (event,) = s.do(count).events
    assert isinstance(event, EventCounted)
    assert (event.positions, event.source.fact) == ((position,), "H4")
    assert s.asked("2024-06-30", "bra-report") == [("done", "", "2024-05-17")]
    assert s.asked("2024-06-30", "cameras") == [("unknown", "which-of-several", "")]
    s.refuse(
        CountEvent(body=c.LOOSE, rule="graffiti", period="once", positions=[1]),
        "nothing-due-by-it",
        house(91),
    )


def test_too_few_that_count_leave_the_rest_due_and_what_was_done_is_done(s: Told) -> None:
    s.under("ange", "ungdomsradet", date(2023, 1, 1))
    assert s.asked("2024-03-02", "status-report") == [("unknown", "before-registry", ""), ("due", "", "")]
    count = CountEvent(body=c.LOOSE, rule="status-report", period="2024", positions=[1])
    s.do(count)
    assert s.asked("2024-03-02", "status-report")[1] == ("due", "", "")
    s.do(count.model_copy(update={"positions": [1, 2]}))
    assert s.asked("2024-03-02", "status-report")[1] == ("done", "", "2024-03-01")
    s.do(count.model_copy(update={"period": "2023", "positions": [1, 99_999]}))
    assert s.asked("2024-03-02", "status-report")[0] == ("done", "", "")


@pytest.mark.fact("Å11")
def test_a_working_group_s_plan_is_decided_by_the_council_every_year_and_it_meets_four_times(s: Told) -> None:
    s.under("ange", "klara-gruppen", date(2025, 1, 1))
    s.now = datetime(2026, 1, 9, 9, tzinfo=CET)
    assert s.asked("2026-01-09", "operational-plan")[0] == ("overdue", "", "")
    s.do(BeginInstrument(instrument=ident(2), body=c.LOOSE, kind="operational-plan", title="Verksamhetsplan"))
    decided = Decided(written="rådet i februari", decided_by="Trygghetsrådet")
    resolved = RecordInstrumentDecision(
        instrument=ident(2), organisation="Trygghetsrådet", decided=decided, happened="2025-02-10"
    )
    s.do(resolved)
    assert s.asked("2026-01-09", "operational-plan")[0] == ("done", "", "2025-02-10")
    for number, day in enumerate(("2025-02-03", "2025-05-05", "2025-09-01", "2025-11-03")):
        meeting = ident(0x40 + number)
        assert s.asked("2026-01-09", "meeting-quota")[0] == ("overdue", "", "")
        s.do(ScheduleMeeting(meeting=meeting, body=c.LOOSE, starts=day, happened=day))
        s.do(OpenMeeting(meeting=meeting, happened=day))
    assert s.asked("2026-01-09", "meeting-quota")[0][0] == "done"


@pytest.mark.fact("Å12")
def test_a_status_report_is_due_twice_a_year_and_a_representative_comes_once(s: Told) -> None:
    s.under("ange", "ungdomsradet", date(2025, 1, 1))
    s.now = datetime(2026, 1, 9, 9, tzinfo=CET)
    for number, day in enumerate(("2025-04-01", "2025-10-01")):
        assert s.asked("2026-01-09", "status-report")[0] == ("overdue", "", "")
        s.do(WriteReport(report=ident(number), body=c.LOOSE, title="Lägesrapport"))
        s.do(SendReport(report=ident(number), to_body=c.BOARD, happened=day))
    assert s.asked("2026-01-09", "status-report")[0] == ("done", "", "2025-10-01")
    assert s.asked("2026-01-09", "attendance")[0] == ("overdue", "", "")
    meeting = ident(0x40)  # another body's, at which one of theirs took part
    s.do(ScheduleMeeting(meeting=meeting, body=c.COUNCIL, starts="2025-06-02", happened="2025-06-02"))
    s.do(OpenMeeting(meeting=meeting, happened="2025-06-02"))
    s.do(RecordPresence(meeting=meeting, person=c.GUEST, capacity="guest", happened="2025-06-02"))
    position = s.scenario.world.position
    s.do(CountEvent(body=c.LOOSE, rule="attendance", period="2025", positions=[position]))
    assert s.asked("2026-01-09", "attendance")[0] == ("done", "", "2025-06-02")
