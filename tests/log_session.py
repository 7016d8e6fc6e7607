"""A council's session on a real registry: the same steps as tests/council.py, through load, decide and save.

- Each command goes through Registry.execute with the real domain; what it reached, and why it was refused, is noted.
- After each: a refusal has appended nothing, a save has appended its events and no others, and the same request again
  appends nothing and gets the same answer.
- look() checks the whole log from its bytes, and the states in memory against a fresh fold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from domain import decider
from domain.errors import DomainError, NotFound
from domain.messages import Actor, Command, Event, Mandate, New, Role, S, State
from domain.regulation import Rules
from domain.when import parse
from registry.adoption import adopted
from registry.clock import SimulatedClock
from registry.digest import fold, state_digest
from registry.files import Files
from registry.registry import Decision, Once, Registry, Saved, StoredWorld
from registry.sqlite import SQLiteRecorder
from registry.vault import Vault
from signing.log import Tree
from tests.council import NOW, SECRETARY, Session
from tests.given import Outcome, acting
from tests.places import Place

SLUG = "provkommun"


class Breach(NamedTuple):
    """A breach as it was met first: how strongly the rule is put, where it stands, and the case."""

    modality: str
    source: str
    case: str


@dataclass
class Reached:
    """Which commands were carried out, which refusals and findings were met; a thing not found counts with its kind.

    case: what is being played.
    """

    commands: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    breaches: dict[str, Breach] = field(default_factory=dict)
    case: str = ""

    def refused(self, error: DomainError) -> None:
        self.refusals[error.code] += 1
        self.breaches.setdefault(error.code, Breach("", str(error.source), self.case))
        if isinstance(error, NotFound):
            self.refusals[f"not-found {error.values['what']}"] += 1

    def found(self, event: Event) -> None:
        for one in getattr(event, "findings", ()):
            source = f"{one.source.document} {one.source.section}"
            self.breaches.setdefault(one.finding, Breach(one.modality, source, self.case))


def _forgetful_vault() -> Vault:
    """Keys in memory alone."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    return Vault(engine, bytes(32))


class LogWorld:
    """The registry's present states, as a World."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def get(self, state: type[S], id: str) -> S:
        return self._registry.world().get(state, id)

    @property
    def position(self) -> int:
        return self._registry.recorder.head().position

    def copy(self) -> LogWorld:
        return self


class LogSession(Session):
    """A session that goes on from what its registry has saved; ask() saves what is not refused."""

    def __init__(
        self, folder: Path, reached: Reached, url: str | None = None, content: Rules | None = None
    ) -> None:
        super().__init__(content)
        self.reached, self.clock, self.turns = reached, SimulatedClock(NOW), 0
        place = Place(folder, url)
        recorder, vault = place.recorder(), place.vault() if url else _forgetful_vault()
        if isinstance(recorder, SQLiteRecorder):
            recorder._writer.execute("PRAGMA synchronous=OFF")  # nothing here is to outlive a power cut
        self.registry = Registry(SLUG, recorder, vault, Files(folder / "files", vault), self.clock)
        system = Actor("system", Mandate(Role.SYSTEM), "system")
        news = [New(fact.stream, fact.event) for fact in self.scenario.world.log()]
        self.registry.save(Decision(system, news), {})
        world: Any = LogWorld(self.registry)
        self.scenario.world = world

    def ask(self, command: Command, who: str = SECRETARY, role: Role = Role.SECRETARY) -> Outcome:
        actor, before = acting(role, who), self.registry.recorder.head().position
        self.clock.move_to(self.now)
        self.turns += 1
        once = Once(who, command.command_name(), f"{self.turns}-{who}", command.model_dump_json().encode())
        try:
            saved = self._execute(command, actor, once)
        except DomainError as error:
            assert self.registry.recorder.head().position == before, "a refusal appended something"
            self.reached.refused(error)
            return Outcome(self.scenario.world, command, actor, self.now, [], error)
        assert not saved.again
        assert [fact.position for fact in saved.facts] == [
            *range(before + 1, self.registry.recorder.head().position + 1)
        ]
        again = self._execute(command, actor, once)
        assert again.again and list(again.facts) == list(saved.facts)
        assert self.registry.recorder.head().position == before + len(saved.facts)
        if saved.facts:
            self.reached.commands[command.command_name()] += 1
        for fact in saved.facts:
            self.reached.found(fact.event)
        news = [New(fact.stream, fact.event) for fact in saved.facts]
        return Outcome(self.scenario.world, command, actor, self.now, news, None)

    def _execute(self, command: Command, actor: Actor, once: Once) -> Saved:
        def decide(world: StoredWorld, now: datetime) -> Decision:
            return Decision(actor, decider.decide(command, world, actor, now))

        happened = parse(command.happened) if command.happened else None
        return self.registry.execute(decide, happened=happened, once=once)

    def _do(self, command: Command, who: str, role: Role) -> Outcome:
        outcome = self.ask(command, who, role)
        assert outcome.error is None, outcome.error
        return outcome

    def look(self) -> None:
        """The log verifies from its bytes, and what is remembered is what they say."""
        recorder = self.registry.recorder
        tree = Tree()
        tree.extend(recorder.leaves())
        records = [stored.state for stored in recorder.scan()]
        assert sum(1 for _ in adopted(records, SLUG, tree.root())) == recorder.head().position
        folded = fold(self.registry.facts(), decider.STATES)
        remembered: dict[str, State] = {}
        for name in folded:
            kind, _, id = name.partition("-")
            remembered[name] = self.registry.world().get(decider.STATES[kind], id)
        assert state_digest(remembered) == state_digest(folded)

    def close(self) -> None:
        self.registry.close()
