"""Assignments: given by decisions near and far, due as it was written and as it is read, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import assignment_events as e
from domain.assigning import (
    AddAssignmentStage,
    GiveAssignment,
    HandOverAssignment,
    MoveAssignmentDue,
    ReadAssignment,
    ReportOnAssignment,
    SetAssignmentStatus,
    StageAsked,
)
from domain.assignment import Assignment
from domain.calling import AddItem
from domain.deliberating import RecordDecision
from domain.messages import Destroyed, Known
from domain.municipality import RegistryOpened
from domain.readings import Decided, Due
from domain.sources import house
from domain.stated import Assignee, DecidedPart, DuePart
from domain.when import Truth
from projections.following import as_csv, follow_up
from projections.reading import assertions, rows
from projections.runner import Projector
from registry.vault import sqlite_engine
from tests.council import BOARD, COUNCIL, MEETING, SECRETARY, VICE, Session
from tests.given import fact, given, ident
from tests.stories import ANNA, Saved, registry, saver, year

pytestmark = pytest.mark.measured

FORUM, SURVEY, CAMERAS, INQUIRY, OTHER = (ident(0x90 + number) for number in range(5))
ADMINISTRATION = [Assignee(function="Förvaltningen")]
WRITTEN = "28 september § 328"


def give(assignment: str = FORUM, **changes: Any) -> GiveAssignment:
    fields: dict[str, Any] = {
        "assignment": assignment,
        "body": COUNCIL,
        "what": "Utveckla rådet",
        "to": ADMINISTRATION,
    }
    return GiveAssignment.model_validate(fields | changes)


def stage(what: str, written: str | None = None, **read: Any) -> StageAsked:
    return StageAsked(what=what, due=Due(written=written, **read) if written else None)


def due(written: str, first: date | None, last: date | None, by: str | None = SECRETARY) -> DuePart:
    return DuePart(written=Known(written), first=first, last=last, read_by=by)


def state(session: Session, assignment: str = FORUM) -> Assignment:
    return session.scenario.world.get(Assignment, assignment)


# --- by which decision
@pytest.mark.fact("H3")
def test_a_decision_without_its_year_stays_as_written_and_is_read_by_somebody() -> None:
    s = Session()
    s.do(give(given=Decided(written=WRITTEN)))
    before = state(s).given
    assert before is not None and before.written == Known(WRITTEN)
    assert (before.day, before.read_by) == (None, None)
    read = {"decided_by": "Kommunstyrelsen", "day": date(2023, 9, 28), "paragraph": "§ 328"}
    reading = ReadAssignment(assignment=FORUM, given=Decided(written=WRITTEN, **read))  # type: ignore[arg-type]  # three kinds of value
    s.do(reading)
    after = state(s).given
    assert after == DecidedPart(
        meeting=None,
        decision=None,
        written=Known(WRITTEN),
        decided_by="Kommunstyrelsen",
        day=date(2023, 9, 28),
        paragraph="§ 328",
        read_by=SECRETARY,
    )
    s.ask(reading).then_nothing()
    other = Decided(written="28 september 2023 § 328")
    assert s.refuse(ReadAssignment(assignment=FORUM, given=other), "wording-stays", house(81)).values == {
        "written": WRITTEN
    }


def test_somebody_else_may_be_the_reader() -> None:
    s = Session()
    read = Decided(written=WRITTEN, day=date(2023, 9, 28), read_by=VICE)
    s.do(give(given=read, stages=[stage("Rapport", "i maj", last=date(2024, 5, 31), read_by=VICE)]))
    found = state(s)
    assert found.given is not None and found.given.read_by == VICE
    assert found.stages[0].due == due("i maj", None, date(2024, 5, 31), VICE)
    for nobody in (
        {"given": Decided(written="x", day=date(2024, 1, 1), read_by=ident(0x99))},
        {"stages": [stage("x", "i maj", last=date(2024, 5, 31), read_by=ident(0x99))]},
    ):
        s.refuse(give(SURVEY, **nobody), "not-found")


def test_a_decision_of_a_meeting_here_is_named_by_its_number() -> None:
    s = Session()
    s.opened().do(
        AddItem(meeting=MEETING, title="Ljus"), RecordDecision(meeting=MEETING, item=1, points=["Utred."])
    )
    s.do(give(given=Decided(meeting=MEETING, decision=1)))
    made = state(s).given
    assert made is not None
    assert (made.meeting, made.decision, made.written, made.read_by) == (MEETING, 1, None, None)
    s.refuse(give(SURVEY, given=Decided(meeting=MEETING, decision=2)), "not-found")
    s.refuse(give(SURVEY, given=Decided(meeting=ident(0x99), decision=1)), "not-found")
    for unnamed in (
        Decided(),
        Decided(meeting=MEETING, written="x"),
        Decided(decision=1),
        Decided(day=date(2024, 1, 1)),
    ):
        s.refuse(give(SURVEY, given=unnamed), "decision-unnamed", house(82))


def test_an_assignment_is_given_to_somebody_in_a_body_that_follows_it_up() -> None:
    s = Session()
    s.refuse(give(to=[Assignee()]), "assignee-unnamed", house(80))
    s.refuse(give(to=[Assignee(person=ident(0x99))]), "not-found")
    s.refuse(give(body=ident(0x99)), "not-found")
    s.refuse(give(matter=ident(0x99)), "not-found")
    s.do(give(to=[Assignee(person=VICE, function="Utredare", organisation="Kommunen"), *ADMINISTRATION * 2]))
    assert len(state(s).to) == 2, "each once"
    s.refuse(give(), "id-taken")


# --- when it is due
@pytest.mark.fact("H5")
@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("maj 2024", date(2024, 5, 1), date(2024, 5, 31)),
        ("före sommaren 2024", None, date(2024, 5, 31)),
        ("hösten 2024", date(2024, 9, 1), date(2024, 11, 30)),
        ("efter 2024", date(2025, 1, 1), None),
        ("före 2024-05-02T10:00", None, date(2024, 5, 2)),
        ("efter 9999", None, None),
        ("innan sommaren", None, None),
        ("okänt", None, None),
    ],
)
def test_a_date_expression_is_read_by_the_registry_and_another_wording_by_nobody(
    written: str, first: date | None, last: date | None
) -> None:
    s = Session()
    s.do(give(stages=[stage("Första rapport", written)]))
    assert state(s).stages[0].due == due(written, first, last, None)


@pytest.mark.fact("H5")
def test_a_fuzzy_time_is_read_as_an_interval_beside_its_wording() -> None:
    s = Session()
    s.do(give(stages=[stage("Första rapport", "innan sommaren")]))
    read = Due(written="innan sommaren", last=date(2024, 5, 31))
    s.do(ReadAssignment(assignment=FORUM, stage=1, due=read))
    assert state(s).stages[0].due == due("innan sommaren", None, date(2024, 5, 31))
    assert state(s).stages[0].earlier == (), "a reading is no slip"
    s.ask(ReadAssignment(assignment=FORUM, stage=1, due=read)).then_nothing()
    s.refuse(ReadAssignment(assignment=FORUM, stage=2, due=read), "not-found")
    s.refuse(ReadAssignment(assignment=FORUM, stage=1, due=Due(written="i höst")), "wording-stays", house(81))
    for half in ({"stage": 1}, {"due": read}, {}):
        s.refuse(ReadAssignment.model_validate({"assignment": FORUM, **half}), "read-what", house(81))


@for_all(st.dates(), st.dates())
def test_an_interval_that_ends_before_it_begins_is_refused(first: date, last: date) -> None:
    s = Session()
    asked = give(stages=[stage("Rapport", "då", first=first, last=last)])
    if last < first:
        error = s.refuse(asked, "ends-before-it-begins", house(14))
        assert error.values == {"first": str(first), "last": str(last)}
        return
    s.do(asked)
    found = state(s).stages[0].due
    assert found is not None
    assert found.judged(first - timedelta(days=1) if first > date.min else first) is not Truth.YES
    assert found.judged(last) is Truth.PERHAPS
    if last < date.max:
        assert found.judged(last + timedelta(days=1)) is Truth.YES
    if first > date.min:
        assert found.judged(first - timedelta(days=1)) is Truth.NO


@pytest.mark.fact("H6")
def test_what_slips_keeps_its_old_time_and_the_report_that_was_due_does_not_slip() -> None:
    s = Session()
    s.do(give(SURVEY, stages=[stage("Förslag", "maj 2024"), stage("Återrapport", "maj 2024")]))
    s.do(ReportOnAssignment(assignment=SURVEY, stage=2, completes=True, text="Kartläggning gjord."))
    slip = MoveAssignmentDue(assignment=SURVEY, stage=1, due=Due(written="hösten 2024"), reason="Analysen")
    moved = s.do(slip).event(e.AssignmentDueMoved)
    assert moved.due == due("hösten 2024", date(2024, 9, 1), date(2024, 11, 30), None)
    proposal, report = state(s, SURVEY).stages
    assert proposal.earlier == (due("maj 2024", date(2024, 5, 1), date(2024, 5, 31), None),)
    assert (proposal.done, report.done, report.earlier) == (False, True, ())
    s.ask(slip).then_nothing()
    s.refuse(MoveAssignmentDue(assignment=SURVEY, stage=3, due=Due(written="2025")), "not-found")
    s.do(AddAssignmentStage(assignment=SURVEY, what="Beslut", due=Due(written="hösten 2024")))
    s.do(AddAssignmentStage(assignment=SURVEY, what="Något", repeats=12))
    assert [(one.stage, one.due is None) for one in state(s, SURVEY).stages][2:] == [(3, False), (4, True)]


# --- what became of it
@pytest.mark.fact("H4")
def test_unknown_is_a_status_and_possible_is_not_certain() -> None:
    s = Session()
    s.do(give(CAMERAS, status="unknown"), give(INQUIRY), give())
    assert (state(s, CAMERAS).status, state(s, CAMERAS).finished) == ("unknown", False)
    perhaps = SetAssignmentStatus(
        assignment=INQUIRY, status="met", certainty="possible", by_assignment=FORUM, reason="Planen"
    )
    s.do(perhaps)
    s.ask(perhaps).then_nothing()
    assert not state(s, INQUIRY).finished
    s.do(perhaps.model_copy(update={"certainty": "stated"}))
    assert (state(s, INQUIRY).finished, state(s, INQUIRY).by_assignment) == (True, FORUM)
    itself = SetAssignmentStatus(assignment=FORUM, status="replaced", by_assignment=FORUM)
    s.refuse(itself, "replaced-by-itself", house(84))
    s.refuse(itself.model_copy(update={"by_assignment": ident(0x99)}), "not-found")
    s.refuse(SetAssignmentStatus(assignment=ident(0x99), status="done"), "not-found")


def test_what_happened_is_entered_also_when_it_is_finished() -> None:
    s = Session()
    s.do(give(), SetAssignmentStatus(assignment=FORUM, status="done"))
    s.do(ReportOnAssignment(assignment=FORUM, text="Efterhand"))
    taken = HandOverAssignment(assignment=FORUM, to=[Assignee(organisation="Räddningstjänsten")])
    s.do(taken)
    s.ask(taken).then_nothing()
    assert state(s).before == (tuple(ADMINISTRATION),)
    assert [one.number for one in state(s).reports] == [1]
    s.refuse(ReportOnAssignment(assignment=FORUM, completes=True), "completes-what", house(83))
    s.refuse(ReportOnAssignment(assignment=FORUM, stage=1), "not-found")
    s.refuse(ReportOnAssignment(assignment=FORUM, document=ident(0x99)), "not-found")


def test_a_destroyed_wording_may_be_read_anew() -> None:
    gone = DuePart(written=Destroyed(), first=None, last=None, read_by=None)
    named = DecidedPart(
        meeting=None,
        decision=None,
        written=Destroyed(),
        decided_by=None,
        day=None,
        paragraph=None,
        read_by=None,
    )
    made = e.AssignmentGiven(
        assignment=FORUM,
        body=COUNCIL,
        what=Destroyed(),
        to=(),
        given=named,
        stages=(e.StagePart(stage=1, what=Destroyed(), due=gone, repeats=None),),
        status="open",
        matter=None,
    )
    asked = ReadAssignment(
        assignment=FORUM,
        stage=1,
        due=Due(written="i maj", last=date(2024, 5, 31)),
        given=Decided(written="§ 1"),
    )
    outcome = given({f"assignment-{FORUM}": [made]}).when(asked)
    assert outcome.event(e.AssignmentRead).stage == 1
    untimed = made.model_copy(
        update={"given": None, "stages": (e.StagePart(stage=1, what=Known("x"), due=None, repeats=None),)}
    )
    given({f"assignment-{FORUM}": [untimed]}).when(asked).event(e.AssignmentRead)


def test_a_fold_takes_what_it_does_not_know() -> None:
    report = e.AssignmentReported(
        assignment=FORUM, number=1, stage=9, completes=True, text=None, document=None
    )
    folded = Assignment().evolve(fact(report)).evolve(fact(e.AssignmentDueMoved(
        assignment=FORUM, stage=9, due=due("x", None, None), reason=None,
    )))  # fmt: skip
    assert folded.stages == () and not folded.exists
    assert folded.evolve(fact(RegistryOpened(name="x", slug="x", clock="real"))) is folded


# --- the list of what to follow up
class List:
    """A registry with four assignments, as a plan gave them and a report later tells of them."""

    def __init__(self, folder: Path) -> None:
        self.registry = registry(folder)
        self.saved: Saved = year(self.registry)
        self.views = sqlite_engine(folder / "views.db")
        self._save = saver(self.registry)
        first = Session()
        plan = "13 december 2023"
        self.keep(first, give(stages=[stage("Första rapport", "före sommaren 2024")], happened=plan))
        yearly = StageAsked(what="Uppföljning", due=Due(written="maj 2024"), repeats=12)
        self.keep(first, give(SURVEY, stages=[stage("Förslag", "maj 2024"), yearly], happened=plan))
        presented = [stage("Förutsättningar", "i april", last=date(2024, 4, 30))]
        two = [Assignee(function="Säkerhetsfunktionen"), Assignee(function="Fastighetsfunktionen")]
        self.given = self.keep(
            first, give(CAMERAS, to=two, stages=presented, status="unknown", happened=plan)
        )
        self.keep(first, give(INQUIRY, happened="före 2023-12-13"))
        moved = Due(written="hösten 2024")
        self.reported = self.keep(
            first, ReportOnAssignment(assignment=FORUM, stage=1, completes=True, happened="2024-05-17")
        )
        self.keep(
            first, ReportOnAssignment(assignment=SURVEY, stage=2, completes=True, happened="2024-05-17")
        )
        self.keep(first, MoveAssignmentDue(assignment=SURVEY, stage=1, due=moved, happened="2024-05-17"))
        self.keep(
            first, AddAssignmentStage(assignment=FORUM, what="Beslut", due=moved, happened="2024-05-17")
        )
        perhaps = {"assignment": INQUIRY, "status": "met", "certainty": "possible", "by_assignment": FORUM}
        self.keep(first, SetAssignmentStatus.model_validate(perhaps | {"happened": plan}))
        self.projector = Projector(self.registry, self.views)
        self.projector.catch_up()

    def keep(self, session: Session, command: Any) -> int:
        """Decide, and save in the registry what it says."""
        events = session.do(command).events
        position: int = self._save(*events, happened=command.happened, after=400 if command.happened else 0)
        return position

    def on(self, day: str, known: int | None = None, **more: Any) -> dict[tuple[str, int | None], str]:
        lines = follow_up(self.views, date.fromisoformat(day), known, COUNCIL, **more)
        return {(line["assignment"], line["stage"]): line["state"] for line in lines}

    def close(self) -> None:
        self.views.dispose()
        self.registry.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[List]:
    found = List(tmp_path_factory.mktemp("list"))
    yield found
    found.close()


@pytest.mark.fact("H4")
@pytest.mark.fact("H6")
def test_the_list_says_what_is_open_due_overdue_and_unknown_as_of_a_day(made: List) -> None:
    assert made.on("2023-12-12") == {(INQUIRY, None): "open"}, "not yet given, but for the older one"
    spring = made.on("2024-05-16")
    assert spring == {
        (CAMERAS, 1): "unknown",
        (SURVEY, 1): "due",
        (SURVEY, 2): "due",
        (FORUM, 1): "open",
        (INQUIRY, None): "open",
    }
    summer = made.on("2024-06-10")
    assert summer == {
        (CAMERAS, 1): "unknown",
        (SURVEY, 1): "open",
        (FORUM, 2): "open",
        (SURVEY, 2): "open",
        (INQUIRY, None): "open",
    }
    assert made.on("2024-10-01")[SURVEY, 1] == "due"
    assert made.on("2024-12-01")[SURVEY, 1] == "overdue"
    assert made.on("2025-05-18")[SURVEY, 2] == "overdue", "twelve months after it was last done"
    assert made.on("2024-06-10", finished=True)[FORUM, 1] == "done"


def test_what_was_due_before_the_registry_was_begun_is_unknown_and_no_failing(tmp_path: Path) -> None:
    made, session = List(tmp_path), Session()
    early = stage("Rapport", "2023")
    made.keep(
        session,
        give(OTHER, stages=[early, stage("Förslag", "januari 2024")]).model_copy(update={"happened": "2022"}),
    )
    made.projector.catch_up()
    found = made.on("2024-06-10")
    assert (found[OTHER, 1], found[OTHER, 2]) == ("unknown", "overdue")
    made.close()


@pytest.mark.fact("H6")
def test_as_it_was_known_before_the_report_the_old_time_stood(made: List) -> None:
    before = made.on("2024-06-10", made.reported - 1)
    assert (before[FORUM, 1], before[SURVEY, 1]) == ("overdue", "overdue")
    lines = follow_up(made.views, date(2024, 6, 10), None, COUNCIL)
    (slipped,) = [line for line in lines if (line["assignment"], line["stage"]) == (SURVEY, 1)]
    assert slipped["earlier"] == [{"written": "maj 2024", "first": "2024-05-01", "last": "2024-05-31"}]
    assert (slipped["due_written"], slipped["due_last"]) == ("hösten 2024", "2024-11-30")
    said = assertions(made.views, "stage", where={"assignment": SURVEY, "stage": 1})
    assert [one["due_written"] for one in said] == ["maj 2024", "hösten 2024"]


@pytest.mark.fact("H4")
def test_what_may_be_met_still_stands_and_nobody_has_to_know(made: List) -> None:
    (inquiry,) = rows(made.views, "assignment", where={"assignment": INQUIRY})
    assert (inquiry["status"], inquiry["certainty"], inquiry["by_assignment"]) == ("met", "possible", FORUM)
    (cameras,) = rows(made.views, "assignment", where={"assignment": CAMERAS})
    assert [one["function"] for one in cameras["to"]] == ["Säkerhetsfunktionen", "Fastighetsfunktionen"]
    waiting = {row["assignment"] for row in rows(made.views, "todo", where={"task": "follow-up"})}
    assert waiting == {FORUM, SURVEY, CAMERAS, INQUIRY}
    assert follow_up(made.views, date(2024, 6, 10), body=BOARD) == []


def test_the_list_goes_into_a_spreadsheet(made: List) -> None:
    told = as_csv(follow_up(made.views, date(2024, 6, 10), body=COUNCIL)).decode("utf-8-sig").splitlines()
    (cameras,) = [line for line in told if CAMERAS in line]
    assert told[0].startswith("state;due_written;due_first;due_last")
    assert cameras.startswith("unknown;i april;;2024-04-30;Förutsättningar;")
    assert "Säkerhetsfunktionen, Fastighetsfunktionen" in cameras


def test_a_time_that_is_read_anew_is_not_one_that_slipped(tmp_path: Path) -> None:
    made, session = List(tmp_path), Session()
    session.do(give(stages=[stage("Rapport", "innan sommaren")]))
    read = Due(written="innan sommaren", last=date(2024, 5, 31))
    made.keep(session, ReadAssignment(assignment=FORUM, stage=1, due=read))
    moved = MoveAssignmentDue(assignment=FORUM, stage=1, due=Due(written="när det går"))
    made.keep(session, moved)
    made.projector.catch_up()
    (line,) = [
        one
        for one in follow_up(made.views, date(2060, 1, 1), finished=True)
        if (one["assignment"], one["stage"]) == (FORUM, 1)
    ]
    assert [one["last"] for one in line["earlier"]] == ["2024-05-31"]
    assert line["due_last"] is None
    made.close()


def test_the_actor_stands_behind_it_in_the_trail(made: List) -> None:
    found = rows(made.views, "audit", where={"kind": "assignment-due-moved.v1"})
    assert [(one["actor"], one["body"]) for one in found] == [(ANNA, COUNCIL)]
