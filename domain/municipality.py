"""The registry of one municipality: its name, its clock, and who keeps which diary.

- One store holds one municipality, and its first event is RegistryOpened. A simulated clock is declared there, so that
  nobody takes an example for evidence (husregel 3).
- Diary numbers belong to the authority that keeps the diary and usually come from its own diary system: they are then
  external, entered as given. Allocating them here is a setting for each body, with the pattern of its numbers, that of
  its diary rule unless another is given (husregel 6).
- A key that is replaced or found out is named by its fingerprint, and what replaced it takes over from there; which key
  is whose, and what it signed, is for signing/ and the key room (husregel 141).
- A restore that lost events is told in the log, with the keys it destroyed again though their decisions are lost, so
  that nothing is gone without the log saying why.
- A clock found wrongly in the future has one way back: ClockReset, with its reason, in the log (husregel 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal, NamedTuple, Self, assert_never

from pydantic import Field

from domain.body import Body
from domain.disposal_events import RetentionPlanAdopted
from domain.errors import Refused
from domain.grammar import normalised, usable
from domain.lookup import day_of, existing, news
from domain.messages import (
    Actor,
    Code,
    Command,
    Digest,
    Event,
    Fact,
    Id,
    Known,
    Line,
    Moment,
    New,
    Part,
    Position,
    PublicName,
    Role,
    Sealed,
    State,
    World,
    free,
)
from domain.numbering import Pattern
from domain.sources import house

REGISTRY = "registry"
Mode = Literal["external", "own"]
Clock = Literal["real", "simulated"]
Key = Literal["log", "seal", "timestamp"]
KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class GoneKey(Part):
    """A key that stays destroyed, and at which position the decision stood that a restore lost."""

    key: KeyId
    decided: Position


# --- commands
class OpenRegistry(Command):
    """Open the registry of a municipality (lägg upp registret)."""

    STREAM = "municipality"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL = True

    name: PublicName
    slug: Code
    clock: Clock = "real"


class ChooseDiary(Command):
    """Say where a body's diary numbers come from; a pattern is that of the rules unless given (välj diarieföring)."""

    STREAM = "municipality"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.REGISTRAR, Role.SYSTEM})

    body: Id
    mode: Mode
    pattern: Pattern | None = None


class ResetClock(Command):
    """Let the next save be recorded earlier than the last, once, and say why (rätta klockan)."""

    STREAM = "municipality"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SYSTEM})

    reason: Line


class ReplaceKey(Command):
    """Record that a key gave way to a new one (ersätt nyckel)."""

    STREAM = "municipality"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL: ClassVar[bool] = True

    key: Key
    old: Digest
    new: Digest


class ReportKeyCompromised(Command):
    """Record that somebody else may have had a key, and since when (anmäl röjd nyckel)."""

    STREAM = "municipality"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL: ClassVar[bool] = True

    key: Key
    old: Digest
    since: Moment


class RecordRestore(Command):
    """Record that a restore lost events, and which keys it destroyed again (anteckna återläsning).

    last: the backup's last position; lost_to: the last that is known to be lost; gone: keys whose decisions are lost.
    """

    STREAM = "municipality"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL: ClassVar[bool] = True

    last: Position
    lost_to: Position | None = None
    gone: list[GoneKey] = Field(default_factory=list)


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


class KeyReplaced(MunicipalityEvent):
    """A key gave way to a new one; both by the SHA-256 of what is published of them (nyckel ersatt)."""

    TOPIC = "key-replaced.v1"

    key: Key
    old: Digest
    new: Digest


class KeyCompromised(MunicipalityEvent):
    """Somebody else may have had a key from then on: what it signs later proves nothing by itself (nyckel röjd)."""

    TOPIC = "key-compromised.v1"

    key: Key
    old: Digest
    since: Moment


class RegistryRestored(MunicipalityEvent):
    """A backup was brought back that lacks later events (registret återläst).

    last: its last position; lost_to: the last known to be lost, if any is; gone: keys that decisions among the lost had
    destroyed, and that were destroyed again.
    """

    TOPIC = "registry-restored.v1"

    last: Position
    lost_to: Position | None
    gone: tuple[GoneKey, ...]


COMMANDS = (OpenRegistry, ChooseDiary, ResetClock, ReplaceKey, ReportKeyCompromised, RecordRestore)
EVENTS = (
    RegistryOpened
    | DiaryChosen
    | ClockReset
    | RetentionPlanAdopted
    | KeyReplaced
    | KeyCompromised
    | RegistryRestored
)


class Diary(NamedTuple):
    """Where a body's numbers come from; pattern is "" for a diary kept elsewhere (diarium)."""

    mode: Mode
    pattern: str


@dataclass(frozen=True, slots=True)
class Municipality(State):
    """The municipality as its registry knows it (kommun)."""

    STREAM = "municipality"

    name: str = ""
    slug: str = ""
    clock: str = ""
    diaries: Mapping[str, Diary] = field(default_factory=dict)
    patterns: tuple[tuple[str, str], ...] = ()  # every (body, pattern) ever chosen: their series remain
    plan: RetentionPlanAdopted | None = None
    keys: Mapping[str, str] = field(
        default_factory=dict
    )  # the newest of each, of those that were ever replaced
    compromised: Mapping[str, str] = field(default_factory=dict)  # fingerprint, since when

    @property
    def exists(self) -> bool:
        return bool(self.slug)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case RegistryOpened():
                return replace(self, name=event.name, slug=event.slug, clock=event.clock)
            case DiaryChosen():
                diary = Diary(event.mode, event.pattern or "")
                patterns = self.patterns
                if event.pattern and (event.body, event.pattern) not in patterns:
                    patterns = (*patterns, (event.body, event.pattern))
                return replace(self, diaries={**self.diaries, event.body: diary}, patterns=patterns)
            case RetentionPlanAdopted():
                return replace(self, plan=event)
            case ClockReset() | RegistryRestored():
                return self
            case KeyReplaced():
                return replace(self, keys={**self.keys, event.key: event.new})
            case KeyCompromised():
                return replace(self, compromised={**self.compromised, event.old: event.since})
            case _:
                assert_never(event)


def decide(
    command: OpenRegistry | ChooseDiary | ResetClock | ReplaceKey | ReportKeyCompromised | RecordRestore,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    if isinstance(command, OpenRegistry):
        if (already := world.get(Municipality, REGISTRY)).exists:
            raise Refused("registry-open", house(3), name=already.name)
        opened = RegistryOpened(name=command.name, slug=command.slug, clock=command.clock)
        return news(Municipality, REGISTRY, opened)
    registry = existing(world, Municipality, REGISTRY)
    match command:
        case ChooseDiary():
            return _choose(command, registry, world, now)
        case ResetClock():
            return news(Municipality, REGISTRY, ClockReset(reason=Known(command.reason)))
        case ReplaceKey():
            return _replace_key(command, registry)
        case ReportKeyCompromised():
            return _compromised(command, registry, now)
        case RecordRestore():
            restored = RegistryRestored(last=command.last, lost_to=command.lost_to, gone=tuple(command.gone))
            return news(Municipality, REGISTRY, restored)
        case _:
            assert_never(command)


def _replace_key(command: ReplaceKey, registry: Municipality) -> list[New]:
    if (standing := registry.keys.get(command.key)) == command.new:
        return []
    if standing not in (None, command.old):
        raise Refused("key-already-replaced", house(141), key=command.key)
    replaced = KeyReplaced(key=command.key, old=command.old, new=command.new)
    return news(Municipality, REGISTRY, replaced)


def _compromised(command: ReportKeyCompromised, registry: Municipality, now: datetime) -> list[New]:
    if command.since > f"{now:%Y-%m-%dT%H:%M}":
        raise Refused("compromised-later", house(141), since=command.since)
    # An earlier time is learnt of later; a later one would raise what has fallen.
    if registry.compromised.get(command.old, "9") <= command.since:
        return []
    found = KeyCompromised(key=command.key, old=command.old, since=command.since)
    return news(Municipality, REGISTRY, found)


def _choose(command: ChooseDiary, registry: Municipality, world: World, now: datetime) -> list[New]:
    rules = existing(world, Body, command.body).rules_at(day_of(command, now))
    diary = rules.diary() if rules else None
    if command.mode == "own" and command.pattern is None and diary:
        command = command.model_copy(update={"pattern": diary.pattern})
    if (command.mode == "own") is not (command.pattern is not None):
        raise Refused("pattern-goes-with-own", house(6))
    if command.pattern is not None:
        if not usable(command.pattern):
            raise Refused("pattern-unusable", house(6), pattern=command.pattern)
        # Two series with one pattern would give one number twice.
        others = (pattern for body, pattern in registry.patterns if body != command.body)
        if normalised(command.pattern) in map(normalised, others):
            raise Refused("pattern-taken", house(6), pattern=command.pattern)
    if registry.diaries.get(command.body) == Diary(command.mode, command.pattern or ""):
        return []
    chosen = DiaryChosen(body=command.body, mode=command.mode, pattern=command.pattern)
    return news(Municipality, REGISTRY, chosen)
