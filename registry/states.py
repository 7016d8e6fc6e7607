"""Folded states kept in memory: a bounded number, the last used ones, and never an older one over a newer.

- A state is immutable, so that one thread may go on folding from what another has put here.
- clear() forgets all of them. What was folded from before a clear is not kept after it: it may hold a value whose key
  has been destroyed meanwhile.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from domain.messages import Fact, State

CAPACITY = 1000


class States:
    """The last used states by stream, each with its stream's version."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity, self._lock = capacity, threading.Lock()
        self._kept: OrderedDict[str, tuple[int, State]] = OrderedDict()
        self.turnover = 0

    def get(self, stream: str) -> tuple[int, State] | None:
        """The version and state of a stream, if it is kept."""
        with self._lock:
            if (kept := self._kept.get(stream)) is not None:
                self._kept.move_to_end(stream)
            return kept

    def put(self, stream: str, version: int, state: State, turnover: int) -> None:
        """Keep a state that was folded since `turnover` was read here."""
        with self._lock:
            if turnover != self.turnover or version < self._kept.get(stream, (0, state))[0]:
                return
            self._kept[stream] = (version, state)
            self._kept.move_to_end(stream)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)

    def follow(self, fact: Fact, turnover: int) -> None:
        """Fold an event into its stream's state, if that is kept and this is the next."""
        kept = self.get(fact.stream)
        if kept and kept[0] == fact.version - 1:
            self.put(fact.stream, fact.version, kept[1].evolve(fact), turnover)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self.turnover += 1

    def __len__(self) -> int:
        return len(self._kept)
