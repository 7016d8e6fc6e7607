"""A matter: what is dealt with, under one diary number and its aliases.

- A matter and its number are one save: an own number, allocated from the series of the body that keeps the diary, or
  a number from that body's own diary, recorded as given and by whom.
- Own numbers are allocated only for a body whose diary was chosen to be kept here (husregel 6).
- The same matter may be known under several numbers; each resolves to one matter only (husregel 19). A number that the
  diary also writes in another way is the same number, and a code of classification after it is no part of it: it is
  noted, and stays as it was written (H1, X2). How the diary writes is a rule of the body, or of the one above it.
- Who had the matter before it was decided stands as a chain of steps, each with its day and paragraph (Al3).
- A matter opened by mistake is voided with a reason and keeps its number (husregel 18).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Literal, Self, assert_never

from pydantic import Field

from domain.body import Body
from domain.errors import Refused
from domain.grammar import normalised, readings, split, written
from domain.lookup import day_of, existing, known, news, unused
from domain.messages import (
    Actor,
    Command,
    Count,
    Destroyed,
    Diarienummer,
    Event,
    Fact,
    Id,
    Known,
    Line,
    New,
    Role,
    Sealed,
    State,
    World,
    free,
    fresh_id,
)
from domain.municipality import REGISTRY, Municipality
from domain.numbering import (
    ExternalNumber,
    ExternalNumberRecorded,
    NumberAllocated,
    Series,
    SeriesOpened,
    external_id,
    series_id,
)
from domain.proposal import Origin
from domain.rule_work import Diary
from domain.sources import house

REGISTERS = frozenset({Role.SECRETARY, Role.REGISTRAR})
Year = Annotated[int, Field(ge=1900, le=2999)]
Classification = Annotated[str, Field(max_length=40)]


# --- commands
class OpenMatter(Command):
    """Open a matter: with the `diarienummer` of another diary, or without, to get one here (lägg upp ärende)."""

    STREAM = "matter"
    ROLES = REGISTERS

    matter: Id = Field(default_factory=fresh_id)
    body: Id
    title: Line
    diarienummer: Diarienummer | None = None
    given_by: Line | None = None
    year: Year | None = None
    first: Annotated[int, Field(ge=1, le=999_999)] | None = None


class AddAlias(Command):
    """Record another number that the same matter is known under (ytterligare diarienummer)."""

    STREAM = "matter"
    ROLES = REGISTERS

    matter: Id
    diarienummer: Diarienummer
    given_by: Line | None = None


class VoidMatter(Command):
    """Void a matter that was opened by mistake (makulera ärende)."""

    STREAM = "matter"
    ROLES = REGISTERS

    matter: Id
    reason: Line


class CloseMatter(Command):
    """Close a matter that is dealt with (avsluta ärende)."""

    STREAM = "matter"
    ROLES = REGISTERS

    matter: Id


# --- events
class MatterEvent(Event):
    STREAM = "matter"


class MatterOpened(MatterEvent):
    """A matter was opened under a number (ärende upplagt)."""

    TOPIC = "matter-opened.v1"

    matter: Id
    body: Id
    title: Annotated[Sealed, free()]
    diarienummer: Diarienummer
    external: bool


class AliasAdded(MatterEvent):
    """The matter is also known under another number (ytterligare diarienummer)."""

    TOPIC = "alias-added.v1"

    matter: Id
    diarienummer: Diarienummer


class MatterClassified(MatterEvent):
    """A code of classification stood after the matter's number (klassificering)."""

    TOPIC = "matter-classified.v1"

    matter: Id
    classification: Classification
    written: Diarienummer


class MatterPrepared(MatterEvent):
    """A step in the preparation of the matter: who had it, and what they did with it (beredning)."""

    TOPIC = "matter-prepared.v1"

    matter: Id
    number: Count
    step: Literal["letter", "treated", "proposed", "postponed", "referred", "decided"]
    origin: Origin
    of_proposal: Id | None
    version: Count | None
    note: Annotated[Sealed, free()] | None


class MatterVoided(MatterEvent):
    """The matter had been opened by mistake (ärende makulerat)."""

    TOPIC = "matter-voided.v1"

    matter: Id
    reason: Annotated[Sealed, free()]


class MatterClosed(MatterEvent):
    """The matter is dealt with (ärende avslutat)."""

    TOPIC = "matter-closed.v1"

    matter: Id


COMMANDS = (OpenMatter, AddAlias, VoidMatter, CloseMatter)
EVENTS = MatterPrepared | MatterOpened | AliasAdded | MatterClassified | MatterVoided | MatterClosed


@dataclass(frozen=True, slots=True)
class Prepared:
    """A step in the preparation of a matter, with its day as written (beredningssteg)."""

    number: int
    step: str
    day: str
    origin: Origin
    of_proposal: str | None
    version: int | None
    note: Known | Destroyed | None


@dataclass(frozen=True, slots=True)
class Matter(State):
    """A matter as it stands (ärende)."""

    STREAM = "matter"

    body: str = ""
    title: Known | Destroyed | None = None
    diarienummer: str = ""
    external: bool = False
    aliases: tuple[str, ...] = ()
    classifications: tuple[str, ...] = ()
    preparation: tuple[Prepared, ...] = ()
    voided: bool = False
    closed: bool = False

    @property
    def exists(self) -> bool:
        return bool(self.diarienummer)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case MatterOpened():
                return replace(
                    self,
                    body=event.body,
                    title=event.title,
                    diarienummer=event.diarienummer,
                    external=event.external,
                )
            case AliasAdded():
                return replace(self, aliases=(*self.aliases, event.diarienummer))
            case MatterClassified():
                return replace(self, classifications=(*self.classifications, event.classification))
            case MatterPrepared():
                step = Prepared(
                    event.number,
                    event.step,
                    fact.happened.text,
                    event.origin,
                    event.of_proposal,
                    event.version,
                    event.note,
                )
                return replace(self, preparation=(*self.preparation, step))
            case MatterVoided():
                return replace(self, voided=True)
            case MatterClosed():
                return replace(self, closed=True)
            case _:
                assert_never(event)


def decide(
    command: OpenMatter | AddAlias | VoidMatter | CloseMatter, world: World, actor: Actor, now: datetime
) -> list[New]:
    id = command.matter
    if isinstance(command, OpenMatter):
        unused(world, Matter, id)
        existing(world, Body, command.body)
        return _external(command, world, now) if command.diarienummer else _own(command, world, now)
    matter = existing(world, Matter, id)
    not_voided(matter)
    match command:
        case AddAlias():
            return _alias(command, matter, world, now)
        case VoidMatter():
            return news(Matter, id, MatterVoided(matter=id, reason=Known(command.reason)))
        case CloseMatter():
            return [] if matter.closed else news(Matter, id, MatterClosed(matter=id))
        case _:
            assert_never(command)


def not_voided(matter: Matter) -> None:
    """Refuse what cannot be done with a matter that was opened by mistake."""
    if matter.voided:
        raise Refused("matter-voided", house(18), number=matter.diarienummer)


def _own(command: OpenMatter, world: World, now: datetime) -> list[New]:
    diary = world.get(Municipality, REGISTRY).diaries.get(command.body)
    if diary is None or diary.mode != "own":
        raise Refused("number-from-elsewhere", house(6))
    year = command.year or day_of(command, now).year
    id = series_id(command.body, year)
    series = world.get(Series, id)
    given: list[New] = []
    if not series.exists:
        series = Series(command.body, year, diary.pattern, command.first or 1)
        opened = SeriesOpened(body=command.body, year=year, pattern=series.pattern, first=series.first)
        given += news(Series, id, opened)
    elif command.first is not None:
        raise Refused("series-open", house(21), year=year, next=series.next)
    number = series.next
    text = written(series.pattern, year, number)
    while holder := holder_of(text, world):
        # The matter that already bears this number keeps it, and the series goes on.
        given += news(Series, id, NumberAllocated(matter=holder))
        number += 1
        text = written(series.pattern, year, number)
    return [*given, *news(Series, id, NumberAllocated(matter=command.matter)), *_opened(command, text)]


def _external(command: OpenMatter, world: World, now: datetime) -> list[New]:
    if command.year is not None or command.first is not None:
        raise Refused("year-goes-with-own", house(21))
    as_written = command.diarienummer or ""
    diary = diary_of(command.body, day_of(command, now), world)
    number, code = _parted(as_written, diary)
    if holder := holder_of(number, world, diary):
        raise Refused("number-taken", house(19), number=number, matter=holder)
    opened = [*_recorded(number, command.matter, command.given_by), *_opened(command, number)]
    return [*opened, *_classified(command.matter, code, as_written)]


def _alias(command: AddAlias, matter: Matter, world: World, now: datetime) -> list[New]:
    diary = diary_of(matter.body, day_of(command, now), world)
    number, code = _parted(command.diarienummer, diary)
    given = _classified(command.matter, "" if code in matter.classifications else code, command.diarienummer)
    if (holder := holder_of(number, world, diary)) not in ("", command.matter):
        raise Refused("number-taken", house(19), number=number, matter=holder)
    if normalised(number) in map(normalised, (matter.diarienummer, *matter.aliases)):
        return given
    added = AliasAdded(matter=command.matter, diarienummer=number)
    return [
        *_recorded(number, command.matter, command.given_by),
        *news(Matter, command.matter, added),
        *given,
    ]


def _parted(as_written: str, diary: Diary | None) -> tuple[str, str]:
    """The number, and the code of classification that stands after it."""
    return split(as_written, diary.patterns, diary.classification) if diary else (as_written, "")


def _classified(matter: str, code: str, as_written: str) -> list[New]:
    noted = MatterClassified(matter=matter, classification=code, written=as_written)
    return news(Matter, matter, noted) if code else []


def diary_of(body: str, day: date, world: World) -> Diary | None:
    """How the diary that a body uses writes its numbers: its own rule, or that of the nearest body above it."""
    seen = set[str]()
    while body and body not in seen:
        seen.add(body)
        state = world.get(Body, body)
        rules = state.rules_at(day)
        if found := rules.diary() if rules else None:
            return found
        body = state.parent_at(day)
    return None


def holder_of(number: str, world: World, diary: Diary | None = None) -> str:
    """The matter that bears a number, allocated here or recorded from elsewhere, in any way it is written, or ""."""
    patterns = diary.patterns if diary else ()
    written_as = [
        written(pattern, year, place)
        for reading in patterns
        for year, place in readings(reading, number)
        for pattern in patterns
    ]
    for each in dict.fromkeys((number, *written_as)):
        external = world.get(ExternalNumber, external_id(each))
        if holder := external.matter or _allocated(each, world):
            return holder
    return ""


def _allocated(number: str, world: World) -> str:
    for body, pattern in world.get(Municipality, REGISTRY).patterns:
        for year, place in readings(pattern, number):
            series = world.get(Series, series_id(body, year))
            if normalised(written(series.pattern, year, place)) == normalised(number) and series.matter(
                place
            ):
                return series.matter(place)
    return ""


def _recorded(number: str, matter: str, given_by: str | None) -> list[New]:
    recorded = ExternalNumberRecorded(number=number, matter=matter, given_by=known(given_by))
    return news(ExternalNumber, external_id(number), recorded)


def _opened(command: OpenMatter, number: str) -> list[New]:
    opened = MatterOpened(
        matter=command.matter,
        body=command.body,
        title=Known(command.title),
        diarienummer=number,
        external=command.diarienummer is not None,
    )
    return news(Matter, command.matter, opened)
