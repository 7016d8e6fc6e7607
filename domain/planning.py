"""How instruments come and change: the commands of the stream instrument-<id>.

- What a version builds on was there before it, so that nothing builds on itself (husregel 84).
- A decision is somebody's: the municipality's own, or that of a body or an organisation that is named (husregel 85).
- Parts, decisions and follow-ups are added; none is ever changed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, assert_never

from pydantic import Field

from domain.assigning import FOLLOWS, assignees
from domain.assignment import Assignment
from domain.body import Body
from domain.document import Document
from domain.errors import NotFound, Refused
from domain.instrument import Instrument
from domain.instrument_events import (
    Act,
    Ground,
    InstrumentBegun,
    InstrumentCounted,
    InstrumentDecided,
    InstrumentFollowedUp,
    InstrumentPartAdded,
    InstrumentVersionMade,
    Kind,
    Made,
    PartKind,
    Place,
    Year,
)
from domain.lookup import existing, in_order, known, news, unused
from domain.matter import Matter
from domain.meeting_events import Number
from domain.messages import (
    Actor,
    Code,
    Command,
    Event,
    Id,
    Known,
    Line,
    New,
    Prose,
    PublicName,
    Role,
    World,
    fresh_id,
)
from domain.readings import Decided, Due, decided_part, due_part
from domain.sources import house
from domain.stated import Assignee


# --- commands
class InstrumentCommand(Command):
    """The base of the commands about an instrument (instrument)."""

    STREAM: ClassVar[str] = "instrument"
    ROLES: ClassVar[frozenset[Role]] = FOLLOWS


class BeginInstrument(InstrumentCommand):
    """Enter a picture, a plan, an agreement or the like (lägg upp lägesbild, plan, överenskommelse)."""

    instrument: Id = Field(default_factory=fresh_id)
    body: Id
    kind: Kind
    title: Line
    level: PublicName | None = None
    parties: list[PublicName] = Field(default=[], max_length=50)
    matter: Id | None = None


class MakeInstrumentVersion(InstrumentCommand):
    """Record that a version was drawn up or updated, by whom, and what it builds on (ny version)."""

    instrument: Id
    made: Made = "drawn-up"
    made_by: PublicName | None = None
    document: Id | None = None
    builds_on: list[Ground] = Field(default=[], max_length=50)
    valid_from: date | None = None
    valid_to: date | None = None


class AddInstrumentPart(InstrumentCommand):
    """Record a goal, a measure or an activity, and whose it is if anybody's (lägg till mål, åtgärd, aktivitet)."""

    instrument: Id
    kind: PartKind = "measure"
    place: Place | None = None
    what: Prose
    owners: list[Assignee] = Field(default=[], max_length=20)
    under: Number | None = None
    due: Due | None = None
    assignment: Id | None = None


class RecordInstrumentDecision(InstrumentCommand):
    """Record what a body or an organisation did about it, in the document's own word (beslut om instrument)."""

    instrument: Id
    act: Act = "decided"
    version: Number | None = None
    part: Number | None = None
    organisation: PublicName | None = None
    by_municipality: bool = False
    decided: Decided
    effective: date | None = None


class FollowUpInstrument(InstrumentCommand):
    """Record that a version was followed up, the newest if none is named (följ upp)."""

    instrument: Id
    version: Number | None = None
    text: Prose | None = None
    document: Id | None = None


class CountInstrument(InstrumentCommand):
    """Record which years it counts for, for a duty of the regulation or the law (räkna som fullgjort)."""

    instrument: Id
    duty: Code
    years: list[Year] = Field(min_length=1, max_length=20)


COMMANDS = (
    BeginInstrument,
    MakeInstrumentVersion,
    AddInstrumentPart,
    RecordInstrumentDecision,
    FollowUpInstrument,
    CountInstrument,
)


# --- deciding
def decide(
    command: BeginInstrument
    | MakeInstrumentVersion
    | AddInstrumentPart
    | RecordInstrumentDecision
    | FollowUpInstrument
    | CountInstrument,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    id = command.instrument
    if isinstance(command, BeginInstrument):
        return news(Instrument, id, _begun(command, world))
    instrument = existing(world, Instrument, id)
    match command:
        case MakeInstrumentVersion():
            event: Event | None = _version(command, instrument, world)
        case AddInstrumentPart():
            event = _part(command, instrument, world, actor)
        case RecordInstrumentDecision():
            event = _decided(command, instrument, world, actor)
        case FollowUpInstrument():
            _document(command.document, world)
            event = InstrumentFollowedUp(
                instrument=id,
                number=len(instrument.follow_ups) + 1,
                version=_made(instrument, command.version, id),
                text=known(command.text),
                document=command.document,
            )
        case CountInstrument():
            years = tuple(
                year for year in sorted(set(command.years)) if (command.duty, year) not in instrument.counted
            )
            counted = InstrumentCounted(instrument=id, duty=command.duty, years=years)
            event = counted if years else None
        case _:
            assert_never(command)
    return [] if event is None else news(Instrument, id, event)


def _begun(command: BeginInstrument, world: World) -> InstrumentBegun:
    unused(world, Instrument, command.instrument)
    existing(world, Body, command.body)
    if command.matter is not None:
        existing(world, Matter, command.matter)
    return InstrumentBegun(
        instrument=command.instrument,
        body=command.body,
        kind=command.kind,
        title=Known(command.title),
        level=command.level,
        parties=tuple(dict.fromkeys(command.parties)),
        matter=command.matter,
    )


def _version(command: MakeInstrumentVersion, instrument: Instrument, world: World) -> InstrumentVersionMade:
    _document(command.document, world)
    if command.valid_from is not None:
        in_order(command.valid_from, command.valid_to)
    for ground in command.builds_on:
        _made(existing(world, Instrument, ground.instrument), ground.version, ground.instrument)
    return InstrumentVersionMade(
        instrument=command.instrument,
        version=len(instrument.versions) + 1,
        made=command.made,
        made_by=command.made_by,
        document=command.document,
        builds_on=tuple(dict.fromkeys(command.builds_on)),
        valid_from=command.valid_from,
        valid_to=command.valid_to,
    )


def _part(
    command: AddInstrumentPart, instrument: Instrument, world: World, actor: Actor
) -> InstrumentPartAdded:
    if command.under is not None:
        _standing(instrument, command.under, command.instrument)
    if command.assignment is not None:
        existing(world, Assignment, command.assignment)
    return InstrumentPartAdded(
        instrument=command.instrument,
        part=len(instrument.parts) + 1,
        kind=command.kind,
        place=command.place,
        what=Known(command.what),
        owners=assignees(command.owners, world),
        under=command.under,
        due=due_part(command.due, world, actor) if command.due else None,
        assignment=command.assignment,
    )


def _decided(
    command: RecordInstrumentDecision, instrument: Instrument, world: World, actor: Actor
) -> InstrumentDecided:
    if command.version is not None:
        _made(instrument, command.version, command.instrument)
    if command.part is not None:
        _standing(instrument, command.part, command.instrument)
    if command.by_municipality and command.organisation is not None:
        raise Refused("whose-decision", house(85))
    return InstrumentDecided(
        instrument=command.instrument,
        number=len(instrument.decisions) + 1,
        act=command.act,
        version=command.version,
        part=command.part,
        organisation=command.organisation,
        by_municipality=command.by_municipality,
        decided=decided_part(command.decided, world, actor),
        effective=command.effective,
    )


def _made(instrument: Instrument, version: int | None, id: str) -> int:
    """A version that there is, the newest if none is named."""
    number = len(instrument.versions) if version is None else version
    if not 1 <= number <= len(instrument.versions):
        raise NotFound("version", f"{id}/{number}")
    return number


def _standing(instrument: Instrument, part: int, id: str) -> None:
    if part > len(instrument.parts):
        raise NotFound("part", f"{id}/{part}")


def _document(document: str | None, world: World) -> None:
    if document is not None:
        existing(world, Document, document)
