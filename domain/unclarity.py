"""What is unclear in what was written, kept as unclear, and how named persons have read it.

- Where passages conflict, or one passage can mean several things, all of them are kept side by side (V6, V10). Nothing
  is settled by leaving one out.
- A person may record a reading, with their name and ground (Al5). It stands beside what was written and never instead
  of it; a later reading does not take an earlier one away.
- A decision that does not say which version of a proposal it adopts is one case: a reading may then name the version,
  and one that does not exist is refused (husregel 103).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Self, assert_never

from pydantic import Field

from domain import grounds
from domain.body import Body
from domain.document import Document
from domain.errors import NotFound, Refused
from domain.lookup import existing, known, news, unused
from domain.matter import Matter
from domain.meeting import Meeting
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
    Sealed,
    State,
    World,
    free,
    fresh_id,
)
from domain.person import Person
from domain.proposal import Number, Proposal
from domain.sources import house

Text = Annotated[Sealed, free()]


class PassageGiven(Part):
    """A passage to quote in short or retell, where it stands (textställe)."""

    text: Prose
    document: Id | None = None
    place: Line | None = None


class Passage(Part):
    """A passage, and where it stands (textställe)."""

    text: Text
    document: Id | None
    place: Text | None


# --- commands
class UnclarityCommand(Command):
    """The base of the commands about what is unclear (oklarhet)."""

    STREAM: ClassVar[str] = "unclarity"
    ROLES: ClassVar[frozenset[Role]] = frozenset({Role.SECRETARY, Role.CHAIR, Role.REGISTRAR})


class NoteUnclarity(UnclarityCommand):
    """Note what is unclear, with every passage and every way it may be read (notera oklarhet)."""

    unclarity: Id = Field(default_factory=fresh_id)
    body: Id
    matter: Id | None = None
    meeting: Id | None = None
    decision: Number | None = None
    question: Prose
    passages: list[PassageGiven] = Field(default=[], max_length=50)
    readings: list[Prose] = Field(default=[], max_length=50)


class RecordReading(UnclarityCommand):
    """Record how a named person reads something unclear, and on what ground (anteckna tolkning)."""

    unclarity: Id
    person: Id
    reading: Prose
    version: Number | None = None
    ground: Line | None = None


# --- events
class UnclarityEvent(Event):
    STREAM = "unclarity"

    unclarity: Id


class UnclarityNoted(UnclarityEvent):
    """Something is unclear, and is kept as unclear (oklarhet noterad)."""

    TOPIC = "unclarity-noted.v1"

    body: Id
    matter: Id | None
    meeting: Id | None
    decision: Number | None
    question: Text
    passages: tuple[Passage, ...]
    readings: tuple[Text, ...]


class ReadingRecorded(UnclarityEvent):
    """A named person's reading of something unclear (tolkning antecknad)."""

    TOPIC = "reading-recorded.v1"

    body: Id
    matter: Id | None
    number: Number
    person: Id
    reading: Text
    meeting: Id | None
    decision: Number | None
    version: Number | None
    ground: Text | None


COMMANDS = (NoteUnclarity, RecordReading)
EVENTS = UnclarityNoted | ReadingRecorded


@dataclass(frozen=True, slots=True)
class Reading:
    """How somebody reads it (tolkning)."""

    number: int
    person: str
    reading: Known | Destroyed
    version: int | None
    ground: Known | Destroyed | None


@dataclass(frozen=True, slots=True)
class Unclarity(State):
    """Something unclear, with its readings (oklarhet)."""

    STREAM = "unclarity"

    body: str = ""
    matter: str = ""
    meeting: str = ""
    decision: int = 0
    question: Known | Destroyed | None = None
    passages: tuple[Passage, ...] = ()
    possible: tuple[Known | Destroyed, ...] = ()
    readings: tuple[Reading, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.body)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case UnclarityNoted():
                return replace(
                    self,
                    body=event.body,
                    matter=event.matter or "",
                    meeting=event.meeting or "",
                    decision=event.decision or 0,
                    question=event.question,
                    passages=event.passages,
                    possible=event.readings,
                )
            case ReadingRecorded():
                read = Reading(event.number, event.person, event.reading, event.version, event.ground)
                return replace(self, readings=(*self.readings, read))
            case _:
                assert_never(event)


def decide(command: NoteUnclarity | RecordReading, world: World, actor: Actor, now: datetime) -> list[New]:
    match command:
        case NoteUnclarity():
            return _noted(command, world)
        case RecordReading():
            return _read(command, world)
        case _:
            assert_never(command)


def _noted(command: NoteUnclarity, world: World) -> list[New]:
    unused(world, Unclarity, command.unclarity)
    existing(world, Body, command.body)
    if command.matter is not None:
        existing(world, Matter, command.matter)
    meeting = existing(world, Meeting, command.meeting) if command.meeting is not None else Meeting()
    if command.decision is not None and command.decision not in {one.number for one in meeting.decisions}:
        raise NotFound("decision", str(command.decision))
    if command.decision is not None:
        grounds.not_secret(meeting, command.decision)
    if len(command.passages) < 2 and len(command.readings) < 2:
        raise Refused("nothing-unclear", house(105))
    for passage in command.passages:
        if passage.document is not None:
            existing(world, Document, passage.document)
    noted = UnclarityNoted(
        unclarity=command.unclarity,
        body=command.body,
        matter=command.matter,
        meeting=command.meeting,
        decision=command.decision,
        question=Known(command.question),
        passages=tuple(
            Passage(text=Known(one.text), document=one.document, place=known(one.place))
            for one in command.passages
        ),
        readings=tuple(map(Known, command.readings)),
    )
    return news(Unclarity, command.unclarity, noted)


def _read(command: RecordReading, world: World) -> list[New]:
    unclarity = existing(world, Unclarity, command.unclarity)
    existing(world, Person, command.person)
    if command.version is not None:
        decisions = world.get(Meeting, unclarity.meeting).decisions
        of_proposal = next((one.of_proposal for one in decisions if one.number == unclarity.decision), None)
        if of_proposal is None:
            raise Refused("version-of-nothing", house(103), version=command.version)
        world.get(Proposal, of_proposal).require(command.version)
    recorded = ReadingRecorded(
        unclarity=command.unclarity,
        body=unclarity.body,
        matter=unclarity.matter or None,
        number=len(unclarity.readings) + 1,
        person=command.person,
        reading=Known(command.reading),
        meeting=unclarity.meeting or None,
        decision=unclarity.decision or None,
        version=command.version,
        ground=known(command.ground),
    )
    return news(Unclarity, command.unclarity, recorded)
