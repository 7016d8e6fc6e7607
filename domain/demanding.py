"""How members make their body meet: a demand, and others who join it (stream body-<id>).

- The body must meet if the share of its members that the regulation names asks for it; in L11 strictly more than half,
  and no deadline is given. Where the regulation lets the chair do so alone (kommunallagen 6:23), the chair's demand is
  enough.
- Only those whom the regulation counts may ask (L11), and a member asks for himself only (husregel 16).
- How many there are, how many are needed and whether that many stand behind it is recorded with each step, counted on
  the day it was taken: somebody who has left since no longer counts.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple, assert_never

from pydantic import Field

from domain.body import Body, rules_in_force
from domain.body_events import DemandJoined, MeetingDemanded
from domain.errors import NotFound, Refused
from domain.lookup import day_of, existing, id_taken, news
from domain.messages import Actor, Command, Id, Known, Line, New, Role, SourcePart, World, fresh_id
from domain.sources import house


# --- commands
class DemandMeeting(Command):
    """Record that members ask for a meeting: a member for himself, the secretary for all (begär sammanträde)."""

    STREAM = "body"
    ROLES = frozenset({Role.SECRETARY, Role.MEMBER})

    body: Id
    demand: Id = Field(default_factory=fresh_id)
    persons: list[Id] = Field(min_length=1, max_length=200)
    subject: Line


class JoinDemand(Command):
    """Record that more members stand behind a demand (biträd begäran)."""

    STREAM = "body"
    ROLES = frozenset({Role.SECRETARY, Role.MEMBER})

    body: Id
    demand: Id
    persons: list[Id] = Field(min_length=1, max_length=200)


COMMANDS = (DemandMeeting, JoinDemand)


def decide(command: DemandMeeting | JoinDemand, world: World, actor: Actor, now: datetime) -> list[New]:
    body, day = existing(world, Body, command.body), day_of(command, now)
    match command:
        case DemandMeeting():
            return news(Body, command.body, _demanded(command, body, actor, day, world))
        case JoinDemand():
            return _joined(command, body, actor, day, world)
        case _:
            assert_never(command)


def _demanded(command: DemandMeeting, body: Body, actor: Actor, day: date, world: World) -> MeetingDemanded:
    if command.demand in body.demands:
        raise id_taken("demand", command.demand)
    persons = tuple(dict.fromkeys(command.persons))
    count = _count(body, persons, persons, actor, day, world)
    return MeetingDemanded(
        body=command.body,
        demand=command.demand,
        persons=persons,
        subject=Known(command.subject),
        members=count.members,
        needed=count.needed,
        reached=count.reached,
        source=count.source,
    )


def _joined(command: JoinDemand, body: Body, actor: Actor, day: date, world: World) -> list[New]:
    if (asked := body.demands.get(command.demand)) is None:
        raise NotFound("demand", command.demand)
    joining = tuple(dict.fromkeys(one for one in command.persons if one not in asked.persons))
    if not joining:
        return []
    count = _count(body, (*asked.persons, *joining), joining, actor, day, world)
    joined = DemandJoined(
        body=command.body,
        demand=command.demand,
        persons=joining,
        members=count.members,
        needed=count.needed,
        reached=count.reached,
        source=count.source,
    )
    return news(Body, command.body, joined)


class _Count(NamedTuple):
    members: int
    needed: int
    reached: bool
    source: SourcePart


def _count(
    body: Body, behind: tuple[str, ...], asking: tuple[str, ...], actor: Actor, day: date, world: World
) -> _Count:
    """How many members there are, how many must ask, and whether those behind the demand are enough on that day."""
    if actor.mandate.role == Role.MEMBER and asking != (actor.person,):
        raise Refused("asks-for-another", house(16))
    rules = rules_in_force(body, day)
    source = rules.applying("demand").source
    demand = rules.demand()
    assert demand is not None  # it has just been found to apply
    members = body.counted_at(day, demand.counted)
    if strangers := [person for person in asking if person not in members]:
        raise Refused("not-a-member", source, person=strangers[0], day=str(day))
    needed = demand.needed(len(members))
    alone = "chair" in demand.alone and body.chair_at(day, world) in behind
    reached = alone or sum(person in members for person in behind) >= needed
    return _Count(len(members), needed, reached, SourcePart.of(source))
