"""All that can be asked of the registry, gathered: every command, every state, and one decide.

- A command is decided by the module that declares it, and by no other.
- Two commands never share a name, and two states never share a kind of stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType, ModuleType
from typing import Any, Final

from domain import (
    accepting,
    afterwards,
    approving,
    assigning,
    calling,
    constituting,
    copying,
    deliberating,
    demanding,
    disposal,
    document,
    drafting,
    extracting,
    fulfilling,
    holding,
    kallelse,
    matter,
    municipality,
    organising,
    paragraphs,
    person,
    planning,
    preparing,
    report,
    secrecy,
    unclarity,
    voting,
)
from domain.assignment import Assignment
from domain.body import Body
from domain.disposal import Disposal
from domain.document import Document
from domain.instrument import Instrument
from domain.matter import Matter
from domain.meeting import Meeting
from domain.messages import Actor, Command, New, State, World
from domain.minutes import Minutes
from domain.municipality import Municipality
from domain.numbering import ExternalNumber, Series
from domain.paragraphs import Paragraphs
from domain.person import Person
from domain.proposal import Proposal
from domain.report import Report
from domain.unclarity import Unclarity
from domain.withholding import Secrets

MODULES: Final[tuple[ModuleType, ...]] = (
    municipality,
    person,
    constituting,
    organising,
    accepting,
    fulfilling,
    demanding,
    matter,
    document,
    preparing,
    unclarity,
    calling,
    kallelse,
    secrecy,
    holding,
    deliberating,
    voting,
    paragraphs,
    drafting,
    approving,
    extracting,
    copying,
    afterwards,
    assigning,
    planning,
    report,
    disposal,
)


def gathered(modules: Iterable[ModuleType]) -> dict[type[Command], Any]:
    """Which module's decide answers which command."""
    return {command: module.decide for module in modules for command in module.COMMANDS}


_DECIDES: Final = gathered(MODULES)

COMMANDS: Final[Mapping[str, type[Command]]] = MappingProxyType(
    {command.command_name(): command for command in _DECIDES}
)
STATES: Final[Mapping[str, type[State]]] = MappingProxyType(
    {
        state.STREAM: state
        for state in (
            Municipality,
            Person,
            Body,
            Series,
            ExternalNumber,
            Matter,
            Document,
            Meeting,
            Secrets,
            Minutes,
            Assignment,
            Instrument,
            Proposal,
            Unclarity,
            Paragraphs,
            Report,
            Disposal,
        )
    }
)


def decide(command: Command, world: World, actor: Actor, now: datetime) -> list[New]:
    """What follows from a command; raises a DomainError if it may not be. now is the aware local time."""
    answer: list[New] = _DECIDES[type(command)](command, world, actor, now)
    return answer
