"""Which items are secret, and what events are to those who may not read them.

- Which items are secret is listed in a stream of its own, so that whoever reads the log knows beforehand what is not
  to be shown, also of what lies before the mark.
- Withheld is the wording of what the meeting did under the item, and of what happened to the minutes of secret items. A
  kallelse shows of such an item its number only.
- Ids, numbers, times and counts stand as they are; the name of an organisation that told something does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

from pydantic import BaseModel

from domain.meeting_events import KallelseIssued, MeetingEvent, Number, ReportRecorded, unnamed
from domain.messages import Event, Fact, Id, Known, New, State, Withheld, stream
from domain.minutes_events import MinutesEvent
from domain.municipality import REGISTRY

Items = Mapping[str, frozenset[int]]  # of a meeting
M = TypeVar("M", bound=BaseModel)


class SecretItemListed(Event):
    """An item came on the list of what is secret, or off it (sekretessförteckning)."""

    TOPIC = "secret-item-listed.v1"
    STREAM = "secrets"

    meeting: Id
    item: Number
    secret: bool


@dataclass(frozen=True, slots=True)
class Secrets(State):
    """Which items are secret now, by meeting (sekretessförteckning)."""

    STREAM = "secrets"

    items: Items = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        return bool(self.items)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, SecretItemListed):
            return self
        others = self.items.get(event.meeting, frozenset()) - {event.item}
        now = others | {event.item} if event.secret else others
        return replace(self, items={**self.items, event.meeting: now})


def listed(meeting: str, item: int, *, secret: bool) -> New:
    return New(stream(Secrets, REGISTRY), SecretItemListed(meeting=meeting, item=item, secret=secret))


def withheld(event: Event, items: Items, *, minutes: bool) -> Event:
    """An event as it is for those who may not read what is secret; minutes: whether those it is about are secret."""
    if isinstance(event, MinutesEvent):
        return covered(event) if minutes else event
    if not isinstance(event, MeetingEvent) or not (secret := items.get(event.meeting)):
        return event
    if isinstance(event, KallelseIssued):
        return event.model_copy(
            update={
                "agenda": tuple(
                    unnamed(one.item, one.number, one.starts) if one.item in secret else one
                    for one in event.agenda
                )
            }
        )
    return covered(event) if event.__dict__.get("item") in secret else event


def covered(model: M) -> M:
    """The same without its words."""
    changes: dict[str, Any] = {name: _covered(value) for name, value in model.__dict__.items()}
    if isinstance(model, ReportRecorded):
        changes["organisation"] = None
    return model.model_copy(update=changes)


def _covered(value: Any) -> Any:
    match value:
        case Known():
            return Withheld(value.commitment)
        case BaseModel():
            return covered(value)
        case tuple():
            return tuple(map(_covered, value))
        case dict():
            return {key: _covered(one) for key, one in value.items()}
        case _:
            return value
