"""What an event is about: whom and what it concerns, on which rules it rests, and what can be read in it.

- Read from the event's fields by their names and kinds, so that a new event is found like the others. An id field whose
  name is in none of the tables below is an error (a test asks every event).
- Concerned are those named in the event, whoever acted, and what it belongs to by way of its meeting, item or minutes.
- An event rests on a rule if the body's regulation has that rule, and on the rules its findings name.
- What can be read is the sealed text that is kept (working text and contact data are left out; what is destroyed reads
  as blocks) and the plain words of public documents. Ids, digests and codes are not words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from domain import minutes_events as n
from domain.body_events import RegulationAdopted
from domain.messages import Code, Count, Destroyed, Digest, Event, Id, Keep, Known, Moment, Part, Seal
from projections.belonging import findings_of, meeting_of, value_of
from projections.view import Record, plain
from registry.fields import plan

PERSONS = frozenset(
    "person persons participant proposer by chair hindered substitute substitutes_for replaced recipients remaining "
    "not_called read_by".split()
)
BODIES = frozenset({"body", "bodies", "parent", "other", "adopted_by", "to_body"})
MEETINGS = frozenset({"meeting", "to_meeting"})
MATTERS = frozenset({"matter"})
OTHERS = frozenset(
    "grant mandate offer demand regulation document minutes corrects signing assignment by_assignment instrument "
    "proposal of_proposal unclarity assignments report disposal".split()
)
_DIMENSION = {
    **dict.fromkeys(PERSONS, "person"),
    **dict.fromkeys(BODIES, "body"),
    **dict.fromkeys(MEETINGS, "meeting"),
    **dict.fromkeys(MATTERS, "matter"),
}

# Which rules of the regulation an event carries out, where the regulation has them.
RESTS_ON = {
    "kallelse-issued.v1": ("kallelse", "notice"),
    "notice-reason-given.v1": ("notice",),
    "item-added.v1": ("standing-items",),
    "justerare-elected.v1": ("justerare",),
    "dissent-recorded.v1": ("dissent",),
    "proposals-ordered.v1": ("minutes-contents",),
    "vote-recorded.v1": ("minutes-contents",),
    "reservation-recorded.v1": ("dissent",),
    "conflict-of-interest-noted.v1": ("conflict-of-interest",),
    "minutes-version-made.v1": ("minutes",),
    "minutes-approved.v1": ("signers",),
    "paper-approval-recorded.v1": ("signers",),
    "minutes-sent.v1": ("send-minutes",),
    "notification-sent.v1": ("notify",),
    "meeting-demanded.v1": ("demand",),
    "demand-joined.v1": ("demand",),
    "seat-offered.v1": ("seats",),
    "vice-chair-elected.v1": ("vice-chair",),
    "member-co-opted.v1": ("co-opt",),
    "body-staffed.v1": ("staffing", "staffing-chair"),
}
# These carry out a rule only if they say so by their source.
ONLY_BY_SOURCE = frozenset({"item-added.v1", "seat-offered.v1", "body-staffed.v1"})

_HEX = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64}")
_CODE = re.compile(r"[a-z0-9:.,/_+T-]*")
# What the sentence of an event does not tell.
_UNTOLD = frozenset(
    "content non_working_days agenda statements texts corrections signers render documents findings source parts "
    "points dispatch".split()
)
_ASKED = frozenset({*_DIMENSION, "item"})
KEPT = (Keep.PRESERVED, Keep.REGISTER)
# Where something stands, and how it is labelled: said in columns of their own.
_NO_WORDS = frozenset("document section fact expected observed field label typst pattern version".split())


@cache
def _plan(cls: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    return tuple(plan(cls).items())


@cache
def _telling(cls: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    """The fields that may name somebody or hold words to read."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        (name, how)
        for name, how in _plan(cls)
        if (
            how.keep in KEPT
            if isinstance(how, Seal)
            else how or name in _ASKED or not _is_silent(hints[name])
        )
    )


def _is_silent(hint: Any) -> bool:
    """Whether a plain field of this kind holds nothing but numbers, days, ids and codes."""
    if hint in (Id, Code, Digest, Moment, Count):
        return True
    if get_origin(hint) in (Union, UnionType, tuple):
        return all(map(_is_silent, get_args(hint)))
    return hint in (int, bool, date, NoneType, Ellipsis)


class Concerns:
    """Whom and what one event concerns: ids by dimension, each once, in the order they are named."""

    def __init__(self, record: Record) -> None:
        self._of: dict[str, dict[str, None]] = {
            name: {} for name in ("person", "body", "matter", "meeting", "rule", "finding")
        }
        self.facts: dict[str, None] = {}
        self.words: dict[str, None] = {}
        self._items: list[int] = []
        self.meeting = meeting_of(record)
        self.body = self._body(record)
        self.add("meeting", self.meeting)
        self.add("body", self.body)
        for name, how in _telling(type(record.event)):
            self._named(name, record.event.__dict__[name], how)
        self._belongs(record)
        if record.fact.actor:
            self.add("person", record.fact.actor)
        self._rules(record)

    @classmethod
    def of(cls, record: Record) -> Concerns:
        """What an event concerns, worked out once for all who ask."""
        if (found := record.worked_out.get("concerns")) is None:
            found = record.worked_out["concerns"] = cls(record)
        assert isinstance(found, cls)
        return found

    def add(self, dimension: str, *values: str | None) -> None:
        for value in values:
            if value:
                self._of[dimension][value] = None

    def __getitem__(self, dimension: str) -> list[str]:
        return list(self._of[dimension])

    def _named(self, name: str, value: Any, how: Any) -> None:
        if isinstance(value, Known | Destroyed):
            if isinstance(how, Seal):
                self.words[str(value)] = None
        elif isinstance(value, str):
            self._plain(name, value)
        elif isinstance(value, Part):
            for inner, its in _telling(type(value)):
                self._named(inner, value.__dict__[inner], its)
        elif isinstance(value, tuple | list):
            for item in value:
                self._named(name, item, how)
        elif isinstance(value, Mapping):
            for item in value.values():
                self._named(name, item, how)
        elif name == "item" and value is not None:
            self._items.append(value)

    def _plain(self, name: str, value: str) -> None:
        if dimension := _DIMENSION.get(name):
            if _HEX.fullmatch(value):
                self.add(dimension, value)
        elif name not in _NO_WORDS and not (_HEX.fullmatch(value) or _CODE.fullmatch(value)):
            self.words[value] = None

    def _body(self, record: Record) -> str | None:
        """The body it belongs to: named in the event, or by way of its meeting or matter; else who it was done for."""
        event = record.event
        for key in (
            f"meeting-{self.meeting}",
            f"matter-{value_of(event, 'matter')}",
            record.fact.stream,
        ):
            if found := value_of(event, "body") or record.linked(key, "body"):
                return str(found)
        return record.fact.mandate.body or None

    def _belongs(self, record: Record) -> None:
        event, meeting = record.event, self.meeting
        items: Iterable[int] = self._items
        if isinstance(event, n.MinutesEvent):
            if (notification := value_of(event, "notification")) is not None:
                self.add("body", record.linked(f"notification-{event.minutes}/{notification}", "body"))
            if "item" not in event.__dict__:  # minutes are about everything they cover
                items = json.loads(record.linked(f"minutes-{event.minutes}", "covers") or "[]")
        for item in dict.fromkeys(items):
            self.add("matter", record.linked(f"item-{meeting}/{item}", "matter"))
        for matter in self["matter"]:
            self.add("body", record.linked(f"matter-{matter}", "body"))
        self.add("body", record.fact.mandate.body)

    def _rules(self, record: Record) -> None:
        event = record.event
        for finding in findings_of(event):
            self.add("finding", finding.finding)
            self.add("rule", finding.rule)
            self.facts[finding.source.fact] = None
        if isinstance(event, RegulationAdopted):
            rules: Mapping[str, str] = json.loads(record.linked(f"body-{event.body}", "rules"))
            self.add("rule", *rules)
            self.facts |= dict.fromkeys(rules.values())
            return
        candidates = RESTS_ON.get(event.TOPIC)
        if candidates and self.body:
            rules = json.loads(record.linked(f"body-{self.body}", "rules") or "{}")
            source = value_of(event, "source")
            for rule in candidates:
                by_source = source is not None and source.fact == rules.get(rule)
                if rule in rules and (by_source or (source is None and event.TOPIC not in ONLY_BY_SOURCE)):
                    self.add("rule", rule)
                    self.facts[rules[rule]] = None

    def findable(self) -> Iterator[tuple[str, str]]:
        """Everything the event can be found by: dimension and value."""
        for dimension, values in self._of.items():
            for value in values:
                yield dimension, value
        for fact in self.facts:
            if fact:
                yield "rule", fact


def details(event: Event) -> dict[str, Any]:
    """An event's plain values, for the sentence that tells it: single ones, and lists of ids and numbers."""
    told: dict[str, Any] = {}
    for name in _told(type(event)):
        value = event.__dict__[name]
        if value is None:
            continue
        if name == "recipients":
            value = [getattr(one, "person", one) for one in value]
        told[name] = plain(value)
    return told


@cache
def _told(cls: type[Event]) -> tuple[str, ...]:
    return tuple(name for name, how in _plan(cls) if name not in _UNTOLD and not isinstance(how, Seal))
