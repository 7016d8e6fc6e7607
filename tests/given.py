"""given / when / then over events, for every decider.

- `given({stream: [events]})` is the world before; an event may be an Event or a whole Fact (`fact(event, happened=…)`).
- `.when(command, actor, now)` lets the domain decide and catches its answer.
- `.then(…)`, `.then_refused(code, source)` and `.then_nothing()` say what the answer must have been; `.saved()` is the
  world after, to go on from.
- A Known sealed value equals its text's Known: commitments are filled in by the store and are not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from domain.decider import decide as whole
from domain.errors import DomainError
from domain.messages import Actor, Command, Event, Fact, Mandate, New, Role, S, World, stream
from domain.sources import Source
from domain.when import at, parse

CET = timezone(timedelta(hours=1))
NOW = datetime(2024, 3, 5, 13, 30, tzinfo=CET)

Decide = Callable[[Any, World, Actor, datetime], list[New]]


def ident(number: int) -> str:
    """A fixed id for a test: 16 hexadecimal digits."""
    return f"{number:016x}"


def acting(
    role: Role = Role.SECRETARY, person: str = ident(0xAC), body: str = "", assurance: str = "token"
) -> Actor:
    """Somebody who acts in a role."""
    return Actor(person, Mandate(str(role), body), assurance)


def fact(event: Event, happened: str | None = None, now: datetime = NOW, actor: Actor | None = None) -> Fact:
    """A fact still without a place in the log: given() puts it in its stream."""
    return Fact(
        event=event,
        stream="",
        version=0,
        recorded_at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        happened=at(now) if happened is None else parse(happened),
        actor=actor.person if actor else "",
        mandate=actor.mandate if actor else Mandate(""),
    )


@dataclass
class DictWorld:
    """A World held in a dict: folds a stream when it is asked for and notes which versions were read."""

    streams: dict[str, list[Fact]] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)
    position: int = 0

    def get(self, state: type[S], id: str) -> S:
        name = stream(state, id)
        facts = self.streams.get(name, [])
        self.reads[name] = len(facts)
        folded = state()
        for one in facts:
            folded = folded.evolve(one)
        return folded

    def append(self, name: str, one: Event | Fact, now: datetime = NOW) -> Fact:
        """Put one event last in its stream and last in the log."""
        placed = one if isinstance(one, Fact) else fact(one, now=now)
        facts = self.streams.setdefault(name, [])
        self.position += 1
        placed = replace(placed, stream=name, version=len(facts) + 1, position=self.position)
        facts.append(placed)
        return placed

    def save(
        self,
        news: Iterable[New],
        now: datetime = NOW,
        actor: Actor | None = None,
        happened: str | None = None,
    ) -> list[Fact]:
        """What the registry does with an answer: append every event."""
        return [self.append(new.stream, fact(new.event, happened, now, actor)) for new in news]

    def copy(self) -> DictWorld:
        return DictWorld({name: list(facts) for name, facts in self.streams.items()}, {}, self.position)

    def log(self) -> list[Fact]:
        """Every fact in the order of the log."""
        return sorted((one for facts in self.streams.values() for one in facts), key=lambda one: one.position)


@dataclass
class Outcome:
    """What the domain answered."""

    world: DictWorld
    command: Command
    actor: Actor
    now: datetime
    news: list[New]
    error: DomainError | None

    @property
    def events(self) -> list[Event]:
        assert self.error is None, self.error
        return [new.event for new in self.news]

    def event(self, kind: type[Any]) -> Any:
        """The only event of that kind in the answer."""
        (only,) = [event for event in self.events if isinstance(event, kind)]
        return only

    def then(self, *expected: New | Event) -> Outcome:
        """Exactly these events, in this order; a New is compared with its stream too."""
        assert self.error is None, self.error
        assert len(self.news) == len(expected), self.news
        for new, wanted in zip(self.news, expected, strict=True):
            assert (new if isinstance(wanted, New) else new.event) == wanted
        return self

    def then_nothing(self) -> Outcome:
        """No refusal and no event."""
        return self.then()

    def then_refused(self, code: str, source: Source | None = None) -> DomainError:
        assert self.error is not None, f"not refused: {self.news}"
        assert self.error.code == code, self.error
        if source is not None:
            assert self.error.source == source, self.error.source
        return self.error

    def saved(self) -> Scenario:
        """The world after."""
        assert self.error is None, self.error
        after = self.world.copy()
        after.save(self.news, self.now, self.actor, self.command.happened)
        return Scenario(after)


@dataclass
class Scenario:
    """A world in which something is about to be asked."""

    world: DictWorld

    def when(
        self,
        command: Command,
        actor: Actor | None = None,
        now: datetime = NOW,
        decide: Decide = whole,
    ) -> Outcome:
        actor = actor or acting()
        try:
            return Outcome(self.world, command, actor, now, decide(command, self.world, actor, now), None)
        except DomainError as error:
            return Outcome(self.world, command, actor, now, [], error)


def given(streams: Mapping[str, Iterable[Event | Fact]] | None = None) -> Scenario:
    """The world before: facts per stream; positions run in the order they are written."""
    world = DictWorld()
    for name, events in (streams or {}).items():
        for one in events:
            world.append(name, one)
    return Scenario(world)
