"""Diary numbers: series that are allocated here, and numbers that were given elsewhere.

- A series belongs to one diary-keeping body and one year. It opens with SeriesOpened(first) and holds nothing but
  allocations, so that the number of an allocation is first + version - 2 and no number can be skipped or given twice.
- Voiding is an event of the matter: it neither burns nor reuses a number (husregel 20).
- A number from another or older diary is recorded as external, once in the whole registry whatever its spaces and
  capitals, and is never allocated again: a series that reaches it leaves it with the matter that has it (husregel 21).
- These streams are written only together with the matter that is numbered.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Annotated, Self, assert_never

from domain.messages import Count, Diarienummer, Event, Fact, Id, Sealed, State, free


# --- events
class SeriesEvent(Event):
    STREAM = "series"


class SeriesOpened(SeriesEvent):
    """A series of diary numbers was opened (nummerserie öppnad)."""

    TOPIC = "series-opened.v1"

    body: Id
    year: Count
    pattern: str
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
