"""An assignment: what somebody was given to do, by which decision, by when, and what became of it.

- It is given by a decision of a meeting here, or of another organisation or an older day as the document writes of it
  (H3), to one or several functions, organisations or persons (H4; husregel 80).
- What is due when stands in stages, each with its own time as written and as read (H5). A time that slips is moved, and
  the earlier one stays; a report that was due is another stage than the proposal that slips (H6).
- What became of it is said, never worked out: done, replaced, met by something else, withdrawn, or unknown, which is a
  status like the others (H4). What may be so is recorded as possible, and the assignment then still stands.
- What happened is never refused: reports and takeovers may be entered also when the assignment is finished.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self, assert_never

from pydantic import Field

from domain.assignment_events import (
    EVENTS,
    Assignee,
    AssignmentDueMoved,
    AssignmentGiven,
    AssignmentHandedOver,
    AssignmentRead,
    AssignmentReported,
    AssignmentStageAdded,
    AssignmentStatusSet,
    Certainty,
    Months,
    StagePart,
    Status,
)
from domain.body import Body
from domain.document import Document
from domain.errors import NotFound, Refused
from domain.lookup import existing, known, news, unused
from domain.matter import Matter
from domain.meeting_events import Number
from domain.messages import (
    Actor,
    Command,
    Destroyed,
    Event,
    Fact,
    Id,
    Known,
    Line,
    New,
    Part,
    Prose,
    Role,
    State,
    World,
    fresh_id,
)
from domain.person import Person
from domain.readings import Decided, DecidedPart, Due, DuePart, decided_part, due_part
from domain.sources import house

FOLLOWS = frozenset({Role.SECRETARY, Role.CHAIR, Role.REGISTRAR})
FINISHED: frozenset[str] = frozenset({"done", "replaced", "met", "withdrawn"})


class StageAsked(Part):
    """Something in an assignment that is due by itself, once or again after some months (moment)."""

    what: Line
    due: Due | None = None
    repeats: Months | None = None


# --- commands
class AssignmentCommand(Command):
    """The base of the commands about an assignment (uppdrag)."""

    STREAM: ClassVar[str] = "assignment"
    ROLES: ClassVar[frozenset[Role]] = FOLLOWS


class GiveAssignment(AssignmentCommand):
    """Record an assignment that a decision gave, with what is due in it (ge uppdrag åt någon)."""

    assignment: Id = Field(default_factory=fresh_id)
    body: Id
    what: Prose
    to: list[Assignee] = Field(min_length=1, max_length=20)
    given: Decided | None = None
    stages: list[StageAsked] = Field(default=[], max_length=100)
    status: Status = "open"
    matter: Id | None = None


class AddAssignmentStage(AssignmentCommand):
    """Add something that is due in an assignment (lägg till moment)."""

    assignment: Id
    what: Line
    due: Due | None = None
    repeats: Months | None = None


class MoveAssignmentDue(AssignmentCommand):
    """Record that something slips to another time; the earlier time stays (flytta fram)."""

    assignment: Id
    stage: Number
    due: Due
    reason: Line | None = None


class ReadAssignment(AssignmentCommand):
    """Read anew what was written: the time of a stage, or the decision that gave the assignment (tolka)."""

    assignment: Id
    stage: Number | None = None
    due: Due | None = None
    given: Decided | None = None


class ReportOnAssignment(AssignmentCommand):
    """Record what was reported on an assignment, and whether that was what was due (återrapportera)."""

    assignment: Id
    stage: Number | None = None
    completes: bool = False
    text: Prose | None = None
    document: Id | None = None


class HandOverAssignment(AssignmentCommand):
    """Record that others took an assignment over (överta uppdrag)."""

    assignment: Id
    to: list[Assignee] = Field(min_length=1, max_length=20)
    reason: Line | None = None


class SetAssignmentStatus(AssignmentCommand):
    """Record what became of an assignment, or that it is not known (uppdragets status)."""

    assignment: Id
    status: Status
    certainty: Certainty = "stated"
    reason: Line | None = None
    by_assignment: Id | None = None


COMMANDS = (
    GiveAssignment,
    AddAssignmentStage,
    MoveAssignmentDue,
    ReadAssignment,
    ReportOnAssignment,
    HandOverAssignment,
    SetAssignmentStatus,
)


# --- the state
@dataclass(frozen=True, slots=True)
class Stage:
    """Something due; earlier holds the times that it slipped from (moment)."""

    stage: int
    what: Known | Destroyed
    due: DuePart | None
    repeats: int | None
    earlier: tuple[DuePart | None, ...] = ()
    done: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A report on an assignment (återrapport)."""

    number: int
    stage: int | None
    completes: bool
    text: Known | Destroyed | None
    document: str


@dataclass(frozen=True, slots=True)
class Assignment(State):
    """An assignment as it stands (uppdrag)."""

    STREAM = "assignment"

    body: str = ""
    what: Known | Destroyed | None = None
    to: tuple[Assignee, ...] = ()
    before: tuple[tuple[Assignee, ...], ...] = ()
    given: DecidedPart | None = None
    stages: tuple[Stage, ...] = ()
    reports: tuple[Answer, ...] = ()
    status: str = ""
    certainty: str = "stated"
    by_assignment: str = ""
    matter: str = ""

    @property
    def exists(self) -> bool:
        return bool(self.body)

    @property
    def finished(self) -> bool:
        """Whether it is said to be finished, and not only that it may be."""
        return self.status in FINISHED and self.certainty == "stated"

    def stage(self, number: int) -> Stage | None:
        return next((one for one in self.stages if one.stage == number), None)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case AssignmentGiven():
                stages = tuple(Stage(one.stage, one.what, one.due, one.repeats) for one in event.stages)
                return replace(
                    self,
                    body=event.body,
                    what=event.what,
                    to=event.to,
                    given=event.given,
                    stages=stages,
                    status=event.status,
                    matter=event.matter or "",
                )
            case AssignmentStageAdded():
                added = Stage(event.stage, event.what, event.due, event.repeats)
                return replace(self, stages=(*self.stages, added))
            case AssignmentDueMoved():
                return self._staged(event.stage, event.due, moved=True)
            case AssignmentRead():
                read = replace(self, given=event.given or self.given)
                return read if event.stage is None else read._staged(event.stage, event.due)
            case AssignmentReported():
                answer = Answer(event.number, event.stage, event.completes, event.text, event.document or "")
                reported = replace(self, reports=(*self.reports, answer))
                return reported._done(event.stage) if event.completes else reported
            case AssignmentHandedOver():
                return replace(self, to=event.to, before=(*self.before, self.to))
            case AssignmentStatusSet():
                return replace(
                    self,
                    status=event.status,
                    certainty=event.certainty,
                    by_assignment=event.by_assignment or "",
                )
            case _:
                assert_never(event)

    def _staged(self, number: int, due: DuePart | None, *, moved: bool = False) -> Self:
        def with_due(one: Stage) -> Stage:
            earlier = (*one.earlier, one.due) if moved else one.earlier
            return replace(one, due=due, earlier=earlier)

        return replace(
            self, stages=tuple(with_due(one) if one.stage == number else one for one in self.stages)
        )

    def _done(self, number: int | None) -> Self:
        return replace(
            self,
            stages=tuple(replace(one, done=True) if one.stage == number else one for one in self.stages),
        )


# --- deciding
def decide(
    command: GiveAssignment
    | AddAssignmentStage
    | MoveAssignmentDue
    | ReadAssignment
    | ReportOnAssignment
    | HandOverAssignment
    | SetAssignmentStatus,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    id = command.assignment
    if isinstance(command, GiveAssignment):
        return news(Assignment, id, _given(command, world, actor))
    assignment = existing(world, Assignment, id)
    match command:
        case AddAssignmentStage():
            event: Event | None = AssignmentStageAdded(
                assignment=id,
                stage=len(assignment.stages) + 1,
                what=Known(command.what),
                due=due_part(command.due, world, actor) if command.due else None,
                repeats=command.repeats,
            )
        case MoveAssignmentDue():
            due = due_part(command.due, world, actor)
            moved = AssignmentDueMoved(
                assignment=id, stage=command.stage, due=due, reason=known(command.reason)
            )
            event = None if _stage(assignment, command.stage, id).due == due else moved
        case ReadAssignment():
            event = _read(command, assignment, world, actor)
        case ReportOnAssignment():
            event = _reported(command, assignment, world)
        case HandOverAssignment():
            to = assignees(command.to, world)
            taken = AssignmentHandedOver(assignment=id, to=to, reason=known(command.reason))
            event = None if to == assignment.to else taken
        case SetAssignmentStatus():
            event = _status(command, assignment, world)
        case _:
            assert_never(command)
    return [] if event is None else news(Assignment, id, event)


def assignees(asked: list[Assignee], world: World) -> tuple[Assignee, ...]:
    """Those who are to do something, each named in some way."""
    for one in asked:
        if one.function is None and one.organisation is None and one.person is None:
            raise Refused("assignee-unnamed", house(80))
        if one.person is not None:
            existing(world, Person, one.person)
    return tuple(dict.fromkeys(asked))


def _given(command: GiveAssignment, world: World, actor: Actor) -> AssignmentGiven:
    unused(world, Assignment, command.assignment)
    existing(world, Body, command.body)
    if command.matter is not None:
        existing(world, Matter, command.matter)
    return AssignmentGiven(
        assignment=command.assignment,
        body=command.body,
        what=Known(command.what),
        to=assignees(command.to, world),
        given=decided_part(command.given, world, actor) if command.given else None,
        stages=tuple(
            StagePart(
                stage=number,
                what=Known(one.what),
                due=due_part(one.due, world, actor) if one.due else None,
                repeats=one.repeats,
            )
            for number, one in enumerate(command.stages, 1)
        ),
        status=command.status,
        matter=command.matter,
    )


def _stage(assignment: Assignment, number: int, id: str) -> Stage:
    if (found := assignment.stage(number)) is None:
        raise NotFound("stage", f"{id}/{number}")
    return found


def _read(
    command: ReadAssignment, assignment: Assignment, world: World, actor: Actor
) -> AssignmentRead | None:
    """The wording stays: what is read anew is written as it was."""
    if (command.due is None) != (command.stage is None) or (command.due or command.given) is None:
        raise Refused("read-what", house(81))
    due = given = None
    if command.due is not None and command.stage is not None:
        before = _stage(assignment, command.stage, command.assignment).due
        due = due_part(command.due, world, actor)
        if before is not None and isinstance(before.written, Known) and before.written != due.written:
            raise Refused("wording-stays", house(81), written=before.written.value)
        due = None if due == before else due
    if command.given is not None:
        given = decided_part(command.given, world, actor)
        was = assignment.given.written if assignment.given else None
        if isinstance(was, Known) and was != given.written:
            raise Refused("wording-stays", house(81), written=was.value)
        given = None if given == assignment.given else given
    if due is None and given is None:
        return None
    return AssignmentRead(
        assignment=command.assignment, stage=command.stage if due else None, due=due, given=given
    )


def _reported(command: ReportOnAssignment, assignment: Assignment, world: World) -> AssignmentReported:
    if command.stage is not None:
        _stage(assignment, command.stage, command.assignment)
    elif command.completes:
        raise Refused("completes-what", house(83))
    if command.document is not None:
        existing(world, Document, command.document)
    return AssignmentReported(
        assignment=command.assignment,
        number=len(assignment.reports) + 1,
        stage=command.stage,
        completes=command.completes,
        text=known(command.text),
        document=command.document,
    )


def _status(command: SetAssignmentStatus, assignment: Assignment, world: World) -> AssignmentStatusSet | None:
    by = command.by_assignment
    if by is not None:
        existing(world, Assignment, by)
        if by == command.assignment:
            raise Refused("replaced-by-itself", house(84))
    so = (assignment.status, assignment.certainty, assignment.by_assignment)
    if so == (command.status, command.certainty, by or ""):
        return None
    return AssignmentStatusSet(
        assignment=command.assignment,
        status=command.status,
        certainty=command.certainty,
        reason=known(command.reason),
        by_assignment=by,
    )
