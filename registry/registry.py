"""Load, decide, save: the one way into the log, and the ways to read it back.

- A decision reads the states it needs through a World that notes each stream's version; saving checks all of them in
  the append transaction. If one has moved, the decision is taken again on what now is.
- recorded_at is max(clock, head), one per save. A machine clock more than five minutes behind the head refuses writes;
  a head found wrongly in the future has one recorded exit, ClockReset.
- A request with an idempotency key leaves a receipt in the same transaction; asked again it gets the same answer,
  rebuilt from the events. A refusal leaves nothing at all.
"""

from __future__ import annotations

import hmac
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from eventsourcing.persistence import EventStore, Notification

from domain.errors import DomainError
from domain.messages import Actor, Fact, New, State
from domain.messages import stream as stream_name
from domain.sources import house
from domain.when import Happened, at
from registry.clock import Clock, local, stamp, unstamp
from registry.files import Files
from registry.mapper import Draft, EnvelopeMapper, EvidenceBroken
from registry.recorder import AlreadyDone, Behind, Conflict, LogRecorder, Receipt
from registry.vault import Vault
from signing.canonical import NotCanonical, decode

S = TypeVar("S", bound=State)
PATIENCE = timedelta(minutes=5)
ATTEMPTS = 60
RECEIPTS_LAST = timedelta(days=30)
RESET_TOPIC = "clock-reset.v1"


class TooBusy(DomainError):
    """The same streams kept changing; nothing was done, and asking again is safe."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided: by whom, which events, and under which rules (the profile's hash)."""

    actor: Actor
    new: Sequence[New]
    rules: str = ""


@dataclass(frozen=True, slots=True)
class Once:
    """An idempotency key: whose, for which operation, and the request's bytes."""

    person: str
    operation: str
    key: str
    request: bytes


@dataclass(frozen=True, slots=True)
class Saved:
    """What a save appended; again is true if an earlier request had done it."""

    facts: Sequence[Fact]
    again: bool = False

    @property
    def position(self) -> int:
        return self.facts[-1].position if self.facts else 0


class StoredWorld:
    """The states as the log has them (at a position, or now), noting which streams were read."""

    def __init__(self, registry: Registry, at: int | None = None) -> None:
        self._registry, self._at = registry, at
        self.read: dict[str, int] = {}
        self._states: dict[str, State] = {}

    def get(self, state: type[S], id: str) -> S:
        name = stream_name(state, id)
        if name not in self._states:
            version, found = self._registry.load(state, name, self._at)
            self.read[name], self._states[name] = version, found
        found_state = self._states[name]
        assert isinstance(found_state, state)
        return found_state


@dataclass
class Registry:
    """One municipality's log, keys and files."""

    municipality: str
    recorder: LogRecorder
    vault: Vault
    files: Files
    clock: Clock
    _cache: dict[str, tuple[int, State]] = field(default_factory=dict)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.mapper = EnvelopeMapper(self.municipality, self.vault)
        self.events = EventStore[str](self.mapper, self.recorder)
        self._receipt_key = self.vault.derive("idempotency receipts")

    # --- writing

    def execute(
        self,
        decide: Callable[[StoredWorld, datetime], Decision],
        *,
        happened: Happened | None = None,
        once: Once | None = None,
    ) -> Saved:
        """Decide on the present states and save; decide(world, now) may raise DomainError, which changes nothing.

        now is the local time, aware. After a lost race the decision is taken again, in turn with others here.
        """
        receipt = self._receipt(once) if once else None
        for attempt in range(ATTEMPTS):
            if receipt and (done := self._done(receipt)):
                return done
            if attempt == 0:
                saved = self._attempt(decide, happened, receipt)
            else:
                with self._turn:
                    saved = self._attempt(decide, happened, receipt)
                if saved is None:
                    time.sleep(random.uniform(0, 0.002 * attempt))  # noqa: S311  # spreads processes; not a secret
            if saved is not None:
                return saved
        raise TooBusy("too-busy", house(60))

    def _attempt(
        self,
        decide: Callable[[StoredWorld, datetime], Decision],
        happened: Happened | None,
        receipt: Receipt | None,
    ) -> Saved | None:
        world, now = StoredWorld(self), self.now()
        decision = decide(world, local(now))
        try:
            return self.save(decision, world.read, now=now, happened=happened, receipt=receipt)
        except (Conflict, AlreadyDone):
            return None

    def save(
        self,
        decision: Decision,
        expect: Mapping[str, int],
        *,
        now: datetime | None = None,
        happened: Happened | None = None,
        receipt: Receipt | None = None,
    ) -> Saved:
        """Append a decision's events if every stream in `expect` (0 for absent) stands there; raises Conflict."""
        if not decision.new:
            return Saved(())
        now = now or self.now()
        recorded_at, command_id = stamp(now), secrets.token_hex(8)
        versions = dict(expect)
        for new in decision.new:
            versions.setdefault(new.stream, self.version(new.stream))
        expected = dict(versions)
        while True:
            drafts, current = [], dict(expected)
            for new in decision.new:
                current[new.stream] += 1
                drafts.append(
                    Draft(new.event, new.stream, current[new.stream], recorded_at, happened or at(local(now)),
                          decision.actor, command_id, decision.rules)
                )  # fmt: skip
            reset = any(draft.event.TOPIC == RESET_TOPIC for draft in drafts)
            try:
                recordings = self.events.put(
                    drafts,
                    expect=expected, recorded_at=recorded_at, receipt=receipt, reset=reset,
                )  # fmt: skip
            except Behind as behind:
                recorded_at = behind.head  # another process's clock is ahead of ours: max(clock, head)
                continue
            return Saved([self.fact(recording.notification) for recording in recordings])

    def now(self) -> datetime:
        """max(clock, head) in UTC; refuses if the clock is more than five minutes behind the head."""
        clock, head = self.clock.now(), self.recorder.head().recorded_at
        if not head or stamp(clock) >= head:
            return clock
        if unstamp(head) - clock > PATIENCE:
            raise DomainError("clock-behind", house(61), clock=stamp(clock), head=head)
        return unstamp(head)

    def adopt(self, records: Iterator[bytes]) -> int:
        """Append verified original envelopes into an empty log of the same municipality; how many."""
        if self.recorder.head().position:
            raise EvidenceBroken("only an empty log can adopt events")
        count, batch = 0, list[Notification]()
        for envelope in records:
            batch.append(self._adopted(envelope))
            if len(batch) == 1000:
                count += self._insert(batch)
                batch = []
        return count + (self._insert(batch) if batch else 0)

    def _adopted(self, envelope: bytes) -> Notification:
        try:
            value: Any = decode(envelope)
        except NotCanonical as error:
            raise EvidenceBroken(f"an envelope is not canonical: {error}") from error
        if value["municipality"] != self.municipality:
            raise EvidenceBroken(f"the events belong to {value['municipality']}, not to {self.municipality}")
        return Notification(value["stream"], value["version"], value["topic"], envelope, 0)

    def _insert(self, batch: Sequence[Notification]) -> int:
        last = decode(batch[-1].state)
        assert isinstance(last, dict)
        return len(self.recorder.insert_events(batch, recorded_at=str(last["recorded_at"]), reset=True))

    # --- receipts

    def _receipt(self, once: Once) -> Receipt:
        key = hmac.digest(
            self._receipt_key, f"{once.person}\0{once.operation}\0{once.key}".encode(), "sha256"
        ).hex()
        request = hmac.digest(self._receipt_key, once.request, "sha256")
        return Receipt(key, request, stamp(self.clock.now() + RECEIPTS_LAST))

    def _done(self, receipt: Receipt) -> Saved | None:
        found = self.recorder.find_receipt(receipt.key)
        if found is None:
            return None
        if not hmac.compare_digest(found.request, receipt.request):
            raise DomainError("idempotency-key-reused", house(62))
        return Saved(list(self.facts(found.first - 1, found.first + found.events - 1)), again=True)

    # --- reading

    def load(self, state: type[S], name: str, at: int | None = None) -> tuple[int, S]:
        """A stream's version and state, now or as of a position."""
        version, found = (0, state()) if at is not None else self._cache.get(name, (0, state()))
        assert isinstance(found, state)
        for notification in self.recorder.select_stream(name, version, at):
            found = found.evolve(self.fact(notification))
            version = notification.originator_version
        if at is None and version:
            self._cache[name] = (version, found)
        return version, found

    def get(self, state: type[S], id: str, at: int | None = None) -> S:
        """The state of one stream."""
        return self.load(state, stream_name(state, id), at)[1]

    def stream(self, name: str, at: int | None = None) -> list[Fact]:
        """The events of one stream."""
        return [self.fact(notification) for notification in self.recorder.select_stream(name, 0, at)]

    def world(self, at: int | None = None) -> StoredWorld:
        return StoredWorld(self, at)

    def version(self, name: str) -> int:
        """A stream's version, 0 if it has no events."""
        cached = self._cache.get(name, (0, None))[0]
        later = self.recorder.select_stream(name, cached)
        return later[-1].originator_version if later else cached

    def facts(self, after: int = 0, upto: int | None = None) -> Iterator[Fact]:
        """Events in order of position, read a page at a time."""
        return map(self.fact, self.recorder.scan(after, upto))

    def stored(self, position: int) -> Notification | None:
        """One stored event."""
        found = self.recorder.select_notifications(position, 1, position)
        return found[0] if found else None

    def forget_cache(self) -> None:
        """Drop folded states, as after a key was destroyed."""
        self._cache.clear()

    def fact(self, notification: Notification) -> Fact:
        """A stored event, opened; raises EvidenceBroken if it is not what was stored."""
        fact: Any = self.mapper.to_domain_event(notification)
        assert isinstance(fact, Fact)
        return fact

    def close(self) -> None:
        self.recorder.close()
        self.vault.close()
