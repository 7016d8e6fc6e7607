"""The registry of one municipality: its name, its clock, and who keeps which diary.

- One store holds one municipality, and its first event is RegistryOpened. A simulated clock is declared there, so that
  nobody takes an example for evidence (husregel 3).
- Diary numbers belong to the authority that keeps the diary and usually come from its own diary system: they are then
  external, entered as given. Allocating them here is a setting for each body, with the pattern of its numbers
  (husregel 4).
- A clock found wrongly in the future has one way back: ClockReset, with its reason, in the log (husregel 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self, assert_never

from pydantic import Field

from domain.errors import Refused
from domain.messages import (
    Actor,
    Code,
    Command,
    Event,
    Fact,
    Id,
    Line,
    New,
    PublicName,
    Role,
    Sealed,
    State,
    World,
    free,
    stream,
)
from domain.sources import house

REGISTRY = "registry"
Pattern = Annotated[str, Field(max_length=40)]
Mode = Literal["external", "own"]
Clock = Literal["real", "simulated"]


# --- commands
class OpenRegistry(Command):
    """Open the registry of a municipality."""

    STREAM = "municipality"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL = True

    name: PublicName
    slug: Code
    clock: Clock = "real"


class ChooseDiary(Command):
    """Say where the diary numbers of a body come from; an own diary needs a pattern such as KS{yy}.{n}."""

    STREAM = "municipality"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.REGISTRAR, Role.SYSTEM})

    body: Id
    mode: Mode
    pattern: Pattern | None = None


class ResetClock(Command):
    """Let the next save be recorded earlier than the last, once, and say why."""

    STREAM = "municipality"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SYSTEM})

    reason: Line


# --- events
class MunicipalityEvent(Event):
    STREAM = "municipality"


class RegistryOpened(MunicipalityEvent):
    """The registry was opened (registret upplagt)."""

    TOPIC = "registry-opened.v1"

    name: PublicName
    slug: Code
    clock: Clock


class DiaryChosen(MunicipalityEvent):
    """It was settled where a body's diary numbers come from (diarieföring vald)."""

    TOPIC = "diary-chosen.v1"

    body: Id
    mode: Mode
    pattern: Pattern | None


class ClockReset(MunicipalityEvent):
    """A clock that had run wrongly into the future was set right (klockan rättad)."""

    TOPIC = "clock-reset.v1"

    reason: Annotated[Sealed, free()]


COMMANDS = (OpenRegistry, ChooseDiary, ResetClock)
EVENTS = RegistryOpened | DiaryChosen | ClockReset
