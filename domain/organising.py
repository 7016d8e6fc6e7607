"""How bodies stand to each other and come about: commands of the stream body-<id> beside those of constituting.py.

- A body stands under another from a day. None is its own ancestor, on any day, and none succeeds itself (husregel 89).
- A body is decided, established, staffed and constituted in steps, each by its own decision; a step that nobody has
  recorded is unknown (V8).
- Links are one by one: that two bodies are linked says nothing of a third (Al7). A succession may be possible, and
  whether two names mean the same body may be unstated (H8).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, assert_never

from domain.assigning import assignees
from domain.assignment import Assignment
from domain.body import Body
from domain.body_events import (
    BodyEvent,
    BodyOfficeNamed,
    BodyPlaced,
    BodyRelated,
    BodySteers,
    BodyStepRecorded,
    Office,
    Relation,
    RelationCertainty,
    Step,
)
from domain.constituting import ARRANGES
from domain.errors import Refused
from domain.instrument import Instrument
from domain.lookup import existing, in_order, known, news
from domain.messages import Actor, Command, Id, Line, New, PublicName, Role, World
from domain.readings import Decided, decided_part
from domain.sources import house
from domain.stated import Assignee


class OrganisingCommand(Command):
    """The base of the commands about where a body stands and how it came about (organisation)."""

    STREAM: ClassVar[str] = "body"
    ROLES: ClassVar[frozenset[Role]] = ARRANGES

    body: Id


class PlaceBody(OrganisingCommand):
    """Record the body above, or that there is none, from a day or since ever (infoga organ)."""

    parent: Id | None = None
    valid_from: date | None = None


class RelateBodies(OrganisingCommand):
    """Record that a body is linked to another, succeeded by it, or the same, and how surely (koppla organ)."""

    other: Id
    relation: Relation
    certainty: RelationCertainty = "stated"
    written: Line | None = None
    valid_from: date | None = None


class RecordBodyStep(OrganisingCommand):
    """Record that a body was decided, established, staffed, constituted or ended (organs tillkomst)."""

    step: Step
    decided: Decided | None = None
    instrument: Id | None = None


class NameBodyOffice(OrganisingCommand):
    """Record who speaks for a body or coordinates it, by function or person (utse talesperson, samordnare)."""

    office: Office
    holder: Assignee
    valid_from: date | None = None
    valid_to: date | None = None


class SteerProject(OrganisingCommand):
    """Record that a body is the steering group of a project (styrgrupp)."""

    project: PublicName
    assignment: Id | None = None
    valid_from: date | None = None
    valid_to: date | None = None


COMMANDS = (PlaceBody, RelateBodies, RecordBodyStep, NameBodyOffice, SteerProject)


def decide(
    command: PlaceBody | RelateBodies | RecordBodyStep | NameBodyOffice | SteerProject,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    body = existing(world, Body, command.body)
    match command:
        case PlaceBody():
            event: BodyEvent | None = _placed(command, body, world)
        case RelateBodies():
            event = _related(command, body, world)
        case RecordBodyStep():
            if command.instrument is not None:
                existing(world, Instrument, command.instrument)
            event = BodyStepRecorded(
                body=command.body,
                step=command.step,
                decided=decided_part(command.decided, world, actor) if command.decided else None,
                instrument=command.instrument,
            )
        case NameBodyOffice():
            _span(command)
            event = BodyOfficeNamed(
                body=command.body,
                office=command.office,
                holder=assignees([command.holder], world)[0],
                valid_from=command.valid_from,
                valid_to=command.valid_to,
            )
        case SteerProject():
            _span(command)
            if command.assignment is not None:
                existing(world, Assignment, command.assignment)
            steers = BodySteers(
                body=command.body,
                project=command.project,
                assignment=command.assignment,
                valid_from=command.valid_from,
                valid_to=command.valid_to,
            )
            event = None if steers in body.steers else steers
        case _:
            assert_never(command)
    return [] if event is None else news(Body, command.body, event)


def _span(command: NameBodyOffice | SteerProject) -> None:
    if command.valid_from is not None:
        in_order(command.valid_from, command.valid_to)


def _placed(command: PlaceBody, body: Body, world: World) -> BodyPlaced | None:
    parent = command.parent or ""
    if parent:
        above = existing(world, Body, parent)
        if _own_ancestor(command, body, world):
            raise Refused("own-ancestor", house(89), body=body.name, parent=above.name)
    if any((one.valid_from, one.parent) == (command.valid_from, parent) for one in body.placements[-1:]):
        return None
    return BodyPlaced(body=command.body, parent=command.parent, valid_from=command.valid_from)


def _own_ancestor(command: PlaceBody, body: Body, world: World) -> bool:
    """Whether on some day from the placement's first the body would stand above itself."""
    since = command.valid_from or date.min
    later = [one.valid_from for one in body.placements if one.valid_from and one.valid_from > since]
    until = min(later, default=None)  # from then on the body stands elsewhere
    above, waiting = set[str](), [command.parent or ""]
    days = {since}
    while waiting:
        if (one := waiting.pop()) in above:
            continue
        above.add(one)
        for placement in world.get(Body, one).placements:
            waiting += [placement.parent] if placement.parent else []
            if placement.valid_from and placement.valid_from > since:
                days.add(placement.valid_from)
    return any(
        command.body in _line(command.parent or "", day, world)
        for day in days
        if until is None or day < until
    )


def _line(body: str, day: date, world: World) -> list[str]:
    """A body and those above it on a day."""
    line: list[str] = []
    while body and body not in line:
        line.append(body)
        body = world.get(Body, body).parent_at(day)
    return line


def _related(command: RelateBodies, body: Body, world: World) -> BodyRelated | None:
    other = existing(world, Body, command.other)
    circle = command.relation == "succeeded-by" and command.body in _successors(command.other, world)
    if command.other == command.body or circle:
        raise Refused("follows-itself", house(89), body=body.name, other=other.name)
    related = BodyRelated(
        body=command.body,
        other=command.other,
        relation=command.relation,
        certainty=command.certainty,
        written=known(command.written),
        valid_from=command.valid_from,
    )
    return None if related in body.relations else related


def _successors(body: str, world: World) -> set[str]:
    found, waiting = set[str](), [body]
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += world.get(Body, one).succeeded_by
    return found
