"""What may be destroyed, and by which decision: rensning of working material, gallring of what a plan lets go.

- When minutes are sealed, or finished without approval, their drafts, the comments they were sent back with and the
  reasons for staying away go; the version that counts stays (husregel 130). The registry does that by itself.
- Anything else goes only by a decision that names its provision: a line of the plan that was adopted, for that kind
  of document. What the plan keeps, or does not name, is never destroyed (husregel 131); nor anything before its time,
  which is counted from the document's day (husregel 132).
- Minutes, kallelser and reports are no such documents: no command destroys them. So the scanned print by which minutes
  were approved on paper is not destroyed either, whatever the plan says of its kind (husregel 137).
- Of a document that was disposed of nothing more is entered (husregel 133). A name stays in the register for as long as
  the person has a role (husregel 134).
- A decision is carried out once; a stream named by its position in the log sees to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self, assert_never

from pydantic import Field

from domain.disposal_events import (
    DestructionDone,
    DocumentDisposed,
    PersonData,
    PersonDataDisposed,
    PlanLine,
    RetentionPlanAdopted,
)
from domain.document import Document
from domain.errors import Refused
from domain.lookup import existing, news
from domain.messages import (
    Actor,
    Command,
    Fact,
    Id,
    New,
    Position,
    PublicName,
    Role,
    SourcePart,
    State,
    World,
)
from domain.minutes import Minutes
from domain.minutes_events import WorkingPurged
from domain.municipality import REGISTRY, Municipality
from domain.person import Person
from domain.sources import house

DECISIONS = WorkingPurged | DocumentDisposed | PersonDataDisposed
DISPOSERS = frozenset({Role.ARCHIVIST, Role.REGISTRAR})


# --- commands
class AdoptRetentionPlan(Command):
    """Enter the plan that says what is kept and what is destroyed when (anta dokumenthanteringsplan)."""

    STREAM = "municipality"
    ROLES = DISPOSERS

    title: PublicName
    adopted_on: date
    lines: list[PlanLine] = Field(min_length=1, max_length=2000)


class DisposeDocument(Command):
    """Destroy a document's words and files, as the plan says of its kind (gallra handling)."""

    STREAM = "document"
    ROLES = DISPOSERS

    document: Id


class DisposePersonData(Command):
    """Destroy what the register says of a person, by a line of the plan (gallra personuppgifter)."""

    STREAM = "person"
    ROLES = DISPOSERS

    person: Id
    which: PersonData
    kind: PublicName


class PurgeWorking(Command):
    """Let the working material of minutes that are done go (rensa arbetsmaterial)."""

    STREAM = "minutes"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL = True

    minutes: Id


class RecordDestruction(Command):
    """Record that the keys of a decision are gone (förstöring utförd)."""

    STREAM = "disposal"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL = True

    disposal: Id
    decided: Position
    keys: int = Field(ge=0)


COMMANDS = (AdoptRetentionPlan, DisposeDocument, DisposePersonData, PurgeWorking, RecordDestruction)


@dataclass(frozen=True, slots=True)
class Disposal(State):
    """Whether a decision to destroy has been carried out (förstöring)."""

    STREAM = "disposal"

    done: bool = False

    @property
    def exists(self) -> bool:
        return self.done

    def evolve(self, fact: Fact) -> Self:
        return type(self)(done=True) if isinstance(fact.event, DestructionDone) else self


def disposal_of(position: int) -> str:
    """The id of what became of the decision at a position."""
    return f"{position:016x}"


def decide(
    command: AdoptRetentionPlan | DisposeDocument | DisposePersonData | PurgeWorking | RecordDestruction,
    world: World,
    _actor: Actor,
    now: datetime,
) -> list[New]:
    match command:
        case AdoptRetentionPlan():
            return _adopted(command, world)
        case DisposeDocument():
            return _document(command, world, now.date())
        case DisposePersonData():
            return _person(command, world, now.date())
        case PurgeWorking():
            return _purged(command, world)
        case RecordDestruction():
            if world.get(Disposal, command.disposal).exists:
                return []
            done = DestructionDone(disposal=command.disposal, decided=command.decided, keys=command.keys)
            return news(Disposal, command.disposal, done)
        case _:
            assert_never(command)


def _adopted(command: AdoptRetentionPlan, world: World) -> list[New]:
    registry = existing(world, Municipality, REGISTRY)
    kinds = [line.kind.casefold() for line in command.lines]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise Refused("plan-line-twice", house(131), kind=twice)
    adopted = RetentionPlanAdopted(
        title=command.title, adopted_on=command.adopted_on, lines=tuple(command.lines)
    )
    return [] if registry.plan == adopted else news(Municipality, REGISTRY, adopted)


def _document(command: DisposeDocument, world: World, today: date) -> list[New]:
    document = existing(world, Document, command.document)
    if document.disposed:
        return []
    for one in document.attests:
        approved = world.get(Minutes, one.minutes).approvals
        if any((by.office, by.version, by.method) == (one.office, one.version, "paper") for by in approved):
            raise Refused("approval-on-paper", house(137), version=one.version)
    line, source = _line(document.kind, world)
    if document.date is None:
        raise Refused("disposal-day-unknown", house(132), kind=line.kind)
    if (due := _years_later(document.date, line.after_years or 0)) > today:
        raise Refused("disposal-not-due", house(132), kind=line.kind, due=due.isoformat())
    disposed = DocumentDisposed(document=command.document, kind=line.kind, source=source)
    return news(Document, command.document, disposed)


def _person(command: DisposePersonData, world: World, today: date) -> list[New]:
    person = existing(world, Person, command.person)
    line, source = _line(command.kind, world)
    if command.which == "register" and any(grant.stands(today) for grant in person.grants):
        raise Refused("person-still-has-role", house(134))
    disposed = PersonDataDisposed(person=command.person, which=command.which, kind=line.kind, source=source)
    return news(Person, command.person, disposed)


def _line(kind: str, world: World) -> tuple[PlanLine, SourcePart]:
    """The plan's line about a kind, if it lets that kind go, and where it stands."""
    plan = existing(world, Municipality, REGISTRY).plan
    lines = plan.lines if plan else ()
    line = next((one for one in lines if one.kind.casefold() == kind.casefold()), None)
    if plan is None or line is None:
        raise Refused("not-in-plan", house(131), kind=kind or "–")
    if line.after_years is None:
        raise Refused("to-be-kept", house(131), kind=line.kind, plan=plan.title, section=line.section)
    return line, SourcePart(document=plan.title, section=line.section)


def _years_later(day: date, years: int) -> date:
    """The same day so many years later; for 29 February in a year without it, 1 March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _purged(command: PurgeWorking, world: World) -> list[New]:
    minutes = existing(world, Minutes, command.minutes)
    if minutes.purged:
        return []
    if not minutes.done:
        raise Refused("not-finished", house(53), version=minutes.newest.version)
    rest = minutes.kind == "minutes" and minutes.newest.rest
    purged = WorkingPurged(
        minutes=command.minutes,
        kept=minutes.kept,
        meeting=minutes.meeting if rest else None,
        source=SourcePart.of(house(130)),
    )
    return news(Minutes, command.minutes, purged)
