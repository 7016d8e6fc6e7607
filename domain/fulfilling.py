"""What sets a rule off or fulfils it where no other event says so: two commands of the stream body-<id>.

- A rule may name an occasion that is nothing the registry does: the half-year accounts, an agreement that is reviewed,
  an approval announced on the notice board. That it happened is entered under the name that a rule of the body gives
  it, and of the meeting it belongs to, if it belongs to one (husregel 90).
- Where one event can fulfil several rules, or one that is entered as something else, somebody says which it counts for:
  the rule, the stretch of time as the list names it, and where the events stand in the log (husregel 91).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, assert_never

from pydantic import Field

from domain.body import Body
from domain.body_events import EventCounted, OccasionRecorded, Period
from domain.constituting import ARRANGES
from domain.errors import Refused
from domain.lookup import existing, known, news
from domain.meeting import Meeting
from domain.messages import (
    TOPICS,
    Actor,
    Code,
    Command,
    Event,
    Id,
    Line,
    New,
    Position,
    Role,
    SourcePart,
    World,
)
from domain.regulation import Rule
from domain.sources import house


class FulfillingCommand(Command):
    """The base of the commands about what fulfils a rule (fullgörande)."""

    STREAM: ClassVar[str] = "body"
    ROLES: ClassVar[frozenset[Role]] = ARRANGES | {Role.CHAIR}

    body: Id


class RecordOccasion(FulfillingCommand):
    """Record that something the rules speak of happened, which is no other event here (anteckna tillfälle)."""

    occasion: Annotated[Code, Field(examples=["half-year-accounts"])]
    meeting: Id | None = None
    note: Line | None = None


class CountEvent(FulfillingCommand):
    """Say which rule, and of which stretch of time, something entered counts for (räkna händelse)."""

    rule: Annotated[Code, Field(examples=["status-report"])]
    period: Annotated[Period, Field(examples=["2027"])]
    positions: list[Position] = Field(min_length=1, max_length=50)


COMMANDS = (RecordOccasion, CountEvent)


def decide(command: RecordOccasion | CountEvent, world: World, actor: Actor, now: datetime) -> list[New]:
    rules = [rule for one in existing(world, Body, command.body).regulations for rule in one.rules]
    match command:
        case RecordOccasion():
            event: Event = _occasion(command, rules, world)
        case CountEvent():
            owed = [rule for rule in rules if rule.id == command.rule and rule.due is not None]
            if not owed:
                raise Refused("nothing-due-by-it", house(91), rule=command.rule)
            positions = tuple(sorted(set(command.positions)))
            event = EventCounted(
                body=command.body,
                rule=command.rule,
                period=command.period,
                positions=positions,
                source=SourcePart.of(owed[-1].source),
            )
        case _:
            assert_never(command)
    return news(Body, command.body, event)


def _occasion(command: RecordOccasion, rules: list[Rule], world: World) -> OccasionRecorded:
    named = {
        name: rule.source
        for rule in rules
        if (due := rule.due) is not None
        for name in (*due.after, *due.fulfilled_by)
        if f"{name}.v1" not in TOPICS
    }
    if command.occasion not in named:
        raise Refused("no-such-occasion", house(90), occasions=", ".join(sorted(named)) or "–")
    if command.meeting is not None:
        existing(world, Meeting, command.meeting)
    return OccasionRecorded(
        body=command.body,
        occasion=command.occasion,
        meeting=command.meeting,
        note=known(command.note),
        source=SourcePart.of(named[command.occasion]),
    )
