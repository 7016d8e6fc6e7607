"""A matter: what is dealt with, under one diary number and its aliases.

- A matter and its number are one save: either an own number, allocated from the series of the body that keeps the diary,
  or a number from that body's own diary, recorded as given and by whom.
- Own numbers are allocated only for a body whose diary was chosen to be kept here (husregel 4).
- The same matter may be known under several numbers; each resolves to one matter only (husregel 21).
- A matter opened by mistake is voided with a reason and keeps its number (husregel 20).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Self, assert_never

from pydantic import Field

from domain.errors import NotFound, Refused
from domain.messages import (
    Actor,
    Command,
    Diarienummer,
    Event,
    Fact,
    Id,
    Line,
    New,
    Role,
    Sealed,
    State,
    World,
    free,
    fresh_id,
    stream,
)
from domain.sources import house

REGISTERS = frozenset({Role.SECRETARY, Role.REGISTRAR})
Year = Annotated[int, Field(ge=1900, le=2999)]


# --- commands
class OpenMatter(Command):
    """Open a matter: with `diarienummer` as another diary gave it, or without, to have one allocated."""

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
    """Record another number that the same matter is known under."""

    STREAM = "matter"
    ROLES = REGISTERS

    matter: Id
    diarienummer: Diarienummer
    given_by: Line | None = None


class VoidMatter(Command):
    """Void a matter that was opened by mistake."""

    STREAM = "matter"
    ROLES = REGISTERS

    matter: Id
    reason: Line


class CloseMatter(Command):
    """Close a matter that is dealt with."""

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
EVENTS = MatterOpened | AliasAdded | MatterVoided | MatterClosed
