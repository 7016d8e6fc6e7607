"""What every decider asks first: does it exist, is the id free, which day is meant.

- An id that is not in the registry is refused (husregel 1); an id that is already used is not used again (husregel 10).
- Rules are asked of the day on which it happened: the first possible day if the time is not known to the day, today if
  it is not known at all (husregel 11).
- Nothing ends before it begins (husregel 14).
"""

from __future__ import annotations

from datetime import date, datetime

from domain.errors import NotFound, Refused
from domain.messages import Command, Event, Known, New, S, State, World, stream
from domain.sources import house
from domain.when import parse


def existing(world: World, kind: type[S], id: str) -> S:
    """The state, or NotFound."""
    state = world.get(kind, id)
    if not state.exists:
        raise NotFound(kind.STREAM, id)
    return state


def unused(world: World, kind: type[State], id: str) -> None:
    """Refuse an id that something already has."""
    if world.get(kind, id).exists:
        raise id_taken(kind.STREAM, id)


def id_taken(what: str, id: str) -> Refused:
    return Refused("id-taken", house(10), what=what, id=id)


def in_order(first: date, last: date | None) -> None:
    """Refuse a last day before the first."""
    if last is not None and last < first:
        raise Refused("ends-before-it-begins", house(14), first=str(first), last=str(last))


def day_of(command: Command, now: datetime) -> date:
    """The day a command is about."""
    if command.happened is None:
        return now.date()
    happened = parse(command.happened)
    bound = happened.earliest or happened.latest
    return date.fromisoformat(bound[:10]) if bound else now.date()


def news(kind: type[State], id: str, *events: Event) -> list[New]:
    """Events to append to one stream."""
    return [New(stream(kind, id), event) for event in events]


def known(text: str | None) -> Known | None:
    """Text that may be absent, as a sealed field takes it."""
    return None if text is None else Known(text)
