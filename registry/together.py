"""Appends of all threads of a process, one transaction at a time (group commit).

- Syncing takes far longer than an insert, and one sync serves as many appends as the transaction holds. Whoever finds
  the log free appends at once; those who come meanwhile wait, and go together in the next transaction, made by the
  first of them. There is no thread that writes for others, and none to outlive what it was started for.
- Each keeps its own answer, given after the commit: one that is refused spoils no other, and a commit that fails fails
  everybody in it.
- Who asks to be alone (a turn, a whole log at once, a checkpoint) comes in the same queue.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from eventsourcing.persistence import StoredEvent

from registry.recorder import Receipt

MOST = 500  # appends in one transaction


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class Waiting:
    """Somebody who waits for the log."""

    thread: int = field(default_factory=threading.get_ident)
    called: threading.Lock = field(
        default_factory=_held
    )  # released when the log is theirs, or their answer is there


@dataclass(slots=True, eq=False)
class Append(Waiting):
    """An append that waits to be made, and then its answer: the first position, or an error."""

    events: Sequence[StoredEvent] = ()
    expect: Mapping[str, int] = field(default_factory=dict)
    recorded_at: str = ""
    receipt: Receipt | None = None
    reset: bool = False
    fault: str | None = None
    first: int = 0
    error: BaseException | None = None
    answered: bool = False

    def positions(self) -> list[int]:
        """The answer."""
        if self.error is not None:
            raise self.error
        return list(range(self.first, self.first + len(self.events)))


class Together:
    """The queue before a log. make(appends) answers each of them, or raises for all that have no answer."""

    def __init__(self, make: Callable[[list[Append]], None]) -> None:
        self._make = make
        self._door, self._queue = threading.Lock(), deque[Waiting]()
        self._seated = 0  # the thread that has the log to itself

    def __len__(self) -> int:
        return len(self._queue)

    def append(self, mine: Append, queued: Callable[[], None] | None = None) -> list[int]:
        """Have an append made; its positions. queued() is called as soon as its place in the order is taken."""
        seated = self._seated == mine.thread  # in a turn
        free = not seated and self._sit(mine)
        if queued is not None:
            queued()
        if seated:
            self._answer([mine])
            return mine.positions()
        if not free:
            self._wait(mine)
        if not mine.answered:
            others = self._company()
            try:
                self._answer([mine, *others])
            finally:
                self._leave()
                for other in others:
                    other.called.release()
        return mine.positions()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the log to oneself; also for whoever has it already."""
        me = Waiting()
        if self._seated == me.thread:
            yield
            return
        if not self._sit(me):
            self._wait(me)
        try:
            yield
        finally:
            self._leave()

    def _sit(self, one: Waiting) -> bool:
        """Take the log if it is free; else stand in the queue."""
        with self._door:
            if not self._seated:
                self._seated = one.thread
                return True
            self._queue.append(one)
            return False

    def _wait(self, one: Waiting) -> None:
        """Wait to be called; whoever is interrupted leaves nobody waiting for them."""
        try:
            one.called.acquire()
        except BaseException:
            with self._door:
                gone = one in self._queue
                if gone:
                    self._queue.remove(one)
            if not gone:
                one.called.acquire()
                if not (isinstance(one, Append) and one.answered):
                    self._leave()
            raise

    def _company(self) -> list[Append]:
        """The appends that stand first in the queue."""
        company = list[Append]()
        with self._door:
            while self._queue and len(company) < MOST and isinstance(first := self._queue[0], Append):
                company.append(first)
                self._queue.popleft()
        return company

    def _leave(self) -> None:
        """Leave the log to whoever stands first."""
        with self._door:
            after = self._queue.popleft() if self._queue else None
            self._seated = after.thread if after else 0
        if after:
            after.called.release()

    def _answer(self, company: list[Append]) -> None:
        company.sort(key=lambda each: each.recorded_at)  # so that none is put behind by its own company
        try:
            self._make(company)
        except BaseException as error:  # noqa: BLE001  # handed to everyone who waits for this, and raised there
            for each in company:
                each.error = each.error or error
        for each in company:
            each.answered = True
