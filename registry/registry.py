"""Load, decide, save: the one way into the log, and the ways to read it back.

- A decision reads the states it needs through a World that notes each stream's version; saving checks all of them in
  the append transaction. If one has moved, the decision is taken again on what now is, and then in turn: nobody else
  appends until it is saved. A refusal too stands only if nothing that it read had moved.
- recorded_at is max(clock, head), one per save. A machine clock more than five minutes behind the head refuses writes;
  a head found wrongly in the future has one recorded exit, ClockReset, which is recorded by the machine's clock.
- A request with an idempotency key leaves a receipt in the same transaction; asked again it gets the same answer,
  rebuilt from the events. A refusal leaves nothing at all.
- Folded states are kept, the last used thousand of them, and forgotten when a key has been destroyed. A decision is
  first taken on what is kept, without asking the log: if that is old, the append says so. What is refused on it is
  decided again on what the log then has.
- Times are given in the order in which appends come to the log: one save at a time stamps its events, encodes them and
  queues up. So only another process can be ahead.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from eventsourcing.persistence import EventStore, Notification, Recording

from domain.errors import DomainError
from domain.messages import Actor, Fact, New, State
from domain.messages import stream as stream_name
from domain.sources import house
from domain.when import Happened, at
from registry.adoption import RESET_TOPIC, adopted
from registry.clock import Clock, local, stamp, unstamp
from registry.destroying import retire
from registry.files import Files
from registry.mapper import Draft, EnvelopeMapper, EvidenceBroken
from registry.recorder import AlreadyDone, Behind, Busy, Conflict, Head, LogRecorder, Receipt
from registry.states import States
from registry.vault import Vault

S = TypeVar("S", bound=State)
PATIENCE = timedelta(minutes=5)
EARLIEST = datetime.min.replace(tzinfo=UTC)
ORPHANS_LAST = timedelta(days=1)
_ADDRESS = re.compile(r'(?<=")[0-9a-f]{64}(?=")')
TURNS = 3
RECEIPTS_LAST = timedelta(days=30)


class TooBusy(DomainError):
    """Others kept writing all the time; nothing was done, and asking again is safe."""


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
    """The states as the log has them (at a position, or now), noting which streams were read.

    kept takes the states that this process keeps as they are; for a decision, whose append is held to what it read.
    """

    def __init__(self, registry: Registry, at: int | None = None, *, kept: bool = False) -> None:
        self._registry, self._at, self._kept = registry, at, kept
        self.read: dict[str, int] = {}
        self._states: dict[str, State] = {}

    def get(self, state: type[S], id: str) -> S:
        name = stream_name(state, id)
        if name not in self._states:
            version, found = self._registry.load(state, name, self._at, kept=self._kept)
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
    _states: States = field(default_factory=States)

    def __post_init__(self) -> None:
        self.mapper = EnvelopeMapper(self.municipality, self.vault)
        self.events = EventStore[str](self.mapper, self.recorder)
        self._receipt_key = self.vault.derive("idempotency receipts")
        self._line, self._newest = (
            threading.Lock(),
            EARLIEST,
        )  # the last time given to what is not yet in the log

    # --- writing

    def execute(
        self,
        decide: Callable[[StoredWorld, datetime], Decision],
        *,
        happened: Happened | None = None,
        once: Once | None = None,
    ) -> Saved:
        """Decide on the present states and save; decide(world, now) may raise DomainError, which changes nothing.

        now is the local time, aware.
        """
        receipt = self._receipt(once) if once else None
        if receipt and (done := self._done(receipt)):
            return done
        self.refresh()
        if saved := self._attempt(decide, happened, receipt, kept=True):
            return saved
        try:
            for _ in range(TURNS):
                with self.recorder.turn():
                    if receipt and (done := self._done(receipt)):
                        return done
                    if saved := self._attempt(decide, happened, receipt):
                        return saved
        except Busy:
            pass
        raise TooBusy("too-busy", house(60))

    def _attempt(
        self,
        decide: Callable[[StoredWorld, datetime], Decision],
        happened: Happened | None,
        receipt: Receipt | None,
        *,
        kept: bool = False,
    ) -> Saved | None:
        """One decision, saved; None if something that it read has moved meanwhile. kept: on kept states first."""
        world, late = StoredWorld(self, kept=kept), None
        try:
            now = self._after(self.recorder.known() if kept else self.recorder.head())
        except DomainError as refusal:
            now, late = self.clock.now(), refusal
        try:
            try:
                decision = decide(world, local(now))
                if late and not _resets(decision):
                    raise late
            except Exception:
                if kept:
                    return self._attempt(decide, happened, receipt)
                raise
            return self.save(decision, world.read, now=now, happened=happened, receipt=receipt)
        except DomainError:
            if any(self.version(name) != version for name, version in world.read.items()):
                return None
            raise
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
        """Append a decision's events if every stream in `expect` (0 for absent) stands there; raises Conflict.

        Streams that the decision writes without having read them are expected to stand where they stand now.
        """
        reset, turnover = _resets(decision), self._states.turnover
        now = self.clock.now() if reset else now or self._after(self.recorder.known())
        happened, command_id, expected = happened or at(local(now)), secrets.token_hex(8), dict(expect)
        for new in decision.new:
            if new.stream not in expected:
                expected[new.stream] = self.version(new.stream)
        retire(self.vault, decision.new)
        drafts, versions = list[Draft](), dict(expected)
        for new in decision.new:
            versions[new.stream] += 1
            draft = Draft(
                event=new.event,
                stream=new.stream,
                version=versions[new.stream],
                recorded_at="",
                happened=happened,
                actor=decision.actor,
                command_id=command_id,
                rules=decision.rules,
            )
            self.mapper.seal(draft)
            drafts.append(draft)
        if not drafts and receipt is None:
            return Saved(())
        while True:
            try:
                recordings = self._put(drafts, now, expect=expected, receipt=receipt, reset=reset)
            except Behind:  # another process's clock is ahead of ours: max(clock, head), or too far ahead
                now = self.now()
                continue
            break
        facts = [
            self.mapper.recorded(draft, recording.notification.id)
            for draft, recording in zip(drafts, recordings, strict=True)
        ]
        for fact in facts:
            self._states.follow(fact, turnover)
        return Saved(facts)

    def _put(
        self, drafts: Sequence[Draft], now: datetime, *, reset: bool, **more: Any
    ) -> Sequence[Recording[str]]:
        """Stamp, encode and queue drafts, one save at a time; what the log answers."""
        with ExitStack() as line:
            self._line.acquire()
            line.callback(self._line.release)
            if not reset:
                if stamp(now) < (last := self.recorder.known()).recorded_at:
                    now = self._after(last)
                now = max(now, self._newest)
            self._newest, recorded_at = now, stamp(now)
            for draft in drafts:
                draft.recorded_at = recorded_at
            try:
                return self.events.put(
                    drafts, recorded_at=recorded_at, reset=reset, queued=line.close, **more
                )
            finally:
                if self._newest == now:  # it is in the log now, or never will be
                    self._newest = EARLIEST

    def now(self) -> datetime:
        """max(clock, head) in UTC; refuses if the clock is more than five minutes behind the head."""
        return self._after(self.recorder.head())

    def _after(self, last: Head) -> datetime:
        clock, head = self.clock.now(), last.recorded_at
        if not head or stamp(clock) >= head:
            return clock
        if unstamp(head) - clock > PATIENCE:
            raise DomainError("clock-behind", house(61), clock=stamp(clock), head=head)
        return unstamp(head)

    def adopt(self, records: Iterable[bytes], root: bytes | None = None) -> int:
        """Append original envelopes into an empty log of the same municipality, all or nothing; how many.

        Each is checked as it comes: canonical, in form, ours, its version the next of its stream, its recorded_at not
        earlier than the last one's. With a root, the whole is a tree of that root. Raises EvidenceBroken.
        """
        try:
            return self.recorder.adopt(adopted(records, self.municipality, root))
        except Conflict as error:
            raise EvidenceBroken(f"the events cannot be adopted: {error}") from error

    # --- receipts

    def _receipt(self, once: Once) -> Receipt:
        key = hmac.digest(
            self._receipt_key, f"{once.person}\0{once.operation}\0{once.key}".encode(), "sha256"
        ).hex()
        request = hmac.digest(self._receipt_key, once.request, "sha256")
        return Receipt(key, request, stamp(self._moment(self.recorder.known()) + RECEIPTS_LAST))

    def _done(self, receipt: Receipt) -> Saved | None:
        found = self.recorder.find_receipt(receipt.key)
        if found is None or found.expires <= stamp(self._moment(self.recorder.head())):
            return None
        if not hmac.compare_digest(found.request, receipt.request):
            raise DomainError("idempotency-key-reused", house(62))
        facts = self.facts(found.first - 1, found.first + found.events - 1) if found.events else ()
        return Saved(list(facts), again=True)

    def _moment(self, last: Head) -> datetime:
        """max(clock, head), however far behind the clock is: an answer given once is given again."""
        clock = self.clock.now()
        return max(clock, unstamp(last.recorded_at)) if last.recorded_at else clock

    # --- reading

    def load(self, state: type[S], name: str, at: int | None = None, *, kept: bool = False) -> tuple[int, S]:
        """A stream's version and state, now or as of a position; or as it is kept, if it is."""
        turnover = self._states.turnover
        version, found = (0, state()) if at is not None else self._states.get(name) or (0, state())
        assert isinstance(found, state)
        if kept and version:
            return version, found
        for notification in self._following(name, version, at):
            found = found.evolve(self.fact(notification))
            version = notification.originator_version
        if at is None and version:
            self._states.put(name, version, found, turnover)
        return version, found

    def _following(self, name: str, version: int, at: int | None = None) -> Iterator[Notification]:
        """The events of a stream after a version; EvidenceBroken if one is missing from the midst of it."""
        for notification in self.recorder.select_stream(name, version, at):
            version += 1
            if notification.originator_version != version:
                raise EvidenceBroken(f"{name}/{version}: the event is missing from its stream")
            yield notification

    def get(self, state: type[S], id: str, at: int | None = None) -> S:
        """The state of one stream."""
        return self.load(state, stream_name(state, id), at)[1]

    def stream(self, name: str, at: int | None = None) -> list[Fact]:
        """The events of one stream."""
        return [self.fact(notification) for notification in self._following(name, 0, at)]

    def world(self, at: int | None = None) -> StoredWorld:
        """The states now or as of a position, for reading."""
        self.refresh()
        return StoredWorld(self, at)

    def version(self, name: str) -> int:
        """A stream's version, 0 if it has no events."""
        kept = self._states.get(name)
        version = kept[0] if kept else 0
        return version + sum(1 for _ in self._following(name, version))

    def facts(self, after: int = 0, upto: int | None = None) -> Iterator[Fact]:
        """Events in order of position, read a page at a time."""
        self.refresh()
        return map(self.fact, self.recorder.scan(after, upto))

    def stored(self, position: int) -> Notification | None:
        """One stored event."""
        found = self.recorder.select_notifications(position, 1, position)
        return found[0] if found else None

    def named_files(self) -> set[str]:
        """The address of every file that the log may name: all that looks like one."""
        found = set[str]()
        for notification in self.recorder.scan():
            found.update(_ADDRESS.findall(notification.state.decode()))
        return found

    def sweep(self) -> list[str]:
        """Remove the files that no event names, a day after they came; their addresses."""
        return self.files.sweep(self.named_files(), ORPHANS_LAST.total_seconds())

    def refresh(self) -> None:
        """Forget folded states if a key was destroyed or moved, here or by another process."""
        if self.vault.refresh():
            self._states.clear()

    def forget_cache(self) -> None:
        """Forget folded states."""
        self._states.clear()

    def fact(self, notification: Notification) -> Fact:
        """A stored event, opened; raises EvidenceBroken if it is not what was stored."""
        fact: Any = self.mapper.to_domain_event(notification)
        assert isinstance(fact, Fact)
        return fact

    def close(self) -> None:
        self.recorder.close()
        self.vault.close()


def _resets(decision: Decision) -> bool:
    return any(new.event.TOPIC == RESET_TOPIC for new in decision.new)
