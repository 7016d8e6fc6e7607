"""How assignments are given and followed: the commands of the stream assignment-<id>.

- An assignment is given to somebody (husregel 80). What was written is repeated when it is read anew (husregel 81).
- What happened is never refused: reports and takeovers may be entered also when the assignment is finished.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, assert_never

from pydantic import Field

from domain.assignment import Assignment, Stage
from domain.assignment_events import (
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
    Event,
    Id,
    Known,
    Line,
    New,
    Part,
    Prose,
    Role,
    World,
    fresh_id,
)
from domain.person import Person
from domain.readings import Decided, Due, decided_part, due_part
from domain.sources import house
from domain.stated import Assignee

FOLLOWS = frozenset({Role.SECRETARY, Role.CHAIR, Role.REGISTRAR})


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
