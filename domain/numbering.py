"""Diary numbers: series that are allocated here, and numbers that were given elsewhere.

- A series belongs to one diary-keeping body and one year. It opens with SeriesOpened(first) and holds nothing but
  allocations, so that the number of an allocation is first + version - 2 and no number can be skipped or given twice.
- Voiding is an event of the matter: it neither burns nor reuses a number (husregel 18).
- A number from another or older diary is recorded as external, once in the whole registry whatever its spaces and
  capitals, and is never allocated again: a series that reaches it leaves it with the matter that has it (husregel 19).
- These streams are written only together with the matter that is numbered.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated, Self

from pydantic import Field

from domain.grammar import normalised
from domain.messages import Count, Diarienummer, Event, Fact, Id, Sealed, State, free

Pattern = Annotated[str, Field(max_length=40)]


# --- events
class SeriesEvent(Event):
    STREAM = "series"


class SeriesOpened(SeriesEvent):
    """A series of diary numbers was opened (nummerserie öppnad)."""

    TOPIC = "series-opened.v1"

    body: Id
    year: Count
    pattern: Pattern
    first: Count


class NumberAllocated(SeriesEvent):
    """The next number of the series went to a matter (nummer tilldelat)."""

    TOPIC = "number-allocated.v1"

    matter: Id


class ExternalEvent(Event):
    STREAM = "external"


class ExternalNumberRecorded(ExternalEvent):
    """A number given by another diary was recorded (diarienummer från annat diarium)."""

    TOPIC = "external-number-recorded.v1"

    number: Diarienummer
    matter: Id
    given_by: Annotated[Sealed, free()] | None = None


EVENTS = SeriesOpened | NumberAllocated | ExternalNumberRecorded


@dataclass(frozen=True, slots=True)
class Series(State):
    """A series of diary numbers: one body, one year (nummerserie)."""

    STREAM = "series"

    body: str = ""
    year: int = 0
    pattern: str = ""
    first: int = 0
    matters: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.pattern)

    @property
    def next(self) -> int:
        return self.first + len(self.matters)

    def matter(self, number: int) -> str:
        """The matter that has a number of the series, or ""."""
        return self.matters[number - self.first] if self.first <= number < self.next else ""

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        match event:
            case SeriesOpened():
                return replace(
                    self, body=event.body, year=event.year, pattern=event.pattern, first=event.first
                )
            case NumberAllocated():
                return replace(self, matters=(*self.matters, event.matter))
            case _:
                return self


@dataclass(frozen=True, slots=True)
class ExternalNumber(State):
    """A number given by another diary (nummer från annat diarium)."""

    STREAM = "external"

    number: str = ""
    matter: str = ""

    @property
    def exists(self) -> bool:
        return bool(self.number)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        match event:
            case ExternalNumberRecorded():
                return replace(self, number=event.number, matter=event.matter)
            case _:
                return self


def series_id(body: str, year: int) -> str:
    return f"{body}-{year}"


def external_id(number: str) -> str:
    return hashlib.sha256(normalised(number).encode()).hexdigest()[:16]
