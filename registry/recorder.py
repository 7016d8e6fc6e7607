"""The contract that every event log keeps, whatever the database.

- insert_events appends all or nothing: every stream named in `expect` stands at its version, each event's version
  follows on its stream's last, positions follow on the head without gaps, no recorded_at is earlier than the head's,
  and a receipt is stored by the same transaction. A receipt may also be stored for no events at all.
- The leaf hash is stored by the same insert. Every read of an event compares it with the envelope's bytes.
- When insert_events returns, the events are on disk. Appends of several threads may share one commit; each has its own
  answer.
- A receipt whose expiry is not later than a save's recorded_at counts for nothing in it and may be purged.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription

from signing.log import leaf_hash

PAGE = 2000


class EvidenceBroken(Exception):
    """What is stored is not what was recorded; the message says where and what differs."""


class Conflict(Exception):
    """A stream has moved on since it was read: load and decide again."""


class Behind(Exception):
    """The head of the log carries a later recorded_at than the events handed in."""

    def __init__(self, head: str) -> None:
        super().__init__(f"the log's head was recorded at {head}")
        self.head = head


class Busy(Exception):
    """The writer's lock could not be had in time; nothing was done."""


class LogUnavailable(Exception):
    """The log's database cannot be reached. What was asked may have been done: asking again is safe with a key."""


class Moved(LogUnavailable):
    """The registry has moved to another database, and what this process has open is the old one; nothing was done."""


class AlreadyDone(Exception):
    """A receipt for this key has been stored meanwhile."""


class Receipt(NamedTuple):
    """The proof that a request has been carried out: its key, a keyed hash of it, and which events answered it."""

    key: str
    request: bytes
    expires: str
    first: int = 0
    events: int = 0


class Head(NamedTuple):
    """The last event's position and recorded_at; (0, "") of an empty log."""

    position: int
    recorded_at: str


class LogRecorder(ApplicationRecorder):
    """An append-only log with positions 1, 2, 3 … without gaps."""

    @abstractmethod
    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        expect: Mapping[str, int] = {},
        recorded_at: str = "",
        receipt: Receipt | None = None,
        reset: bool = False,
        queued: Callable[[], None] | None = None,
        **kwargs: Any,
    ) -> Sequence[int]:
        """Append; the new positions. Raises Conflict, Behind, AlreadyDone or Busy, having changed nothing.

        reset lets recorded_at decrease: for the one recorded exit from a clock that ran ahead. queued() is called once
        this append's place among those of this process is taken: what is handed in later comes after it.
        """

    def turn(self) -> AbstractContextManager[None]:
        """Keep every other writer, in any process, from appending until one save here has ended or the turn is over.

        What is loaded and decided in a turn cannot meet a Conflict. A log without such a lock gives an empty turn.
        """
        return nullcontext()

    @abstractmethod
    def adopt(self, stored_events: Iterable[StoredEvent]) -> int:
        """Fill an empty log, from position 1, all or nothing; how many. The events may come from a generator, whose
        error undoes everything. Raises Conflict if the log is not empty or versions do not follow on each other."""

    # --- reading

    @abstractmethod
    def head(self) -> Head: ...

    @abstractmethod
    def known(self) -> Head:
        """The head as this process last saw it, or had a part in it. Others may have appended since."""

    @abstractmethod
    def select_stream(self, stream: str, after: int = 0, at: int | None = None) -> Sequence[Notification]:
        """A stream's events of version > after and, if given, position ≤ at."""

    @abstractmethod
    def _page_of_leaves(self, after: int, upto: int) -> Sequence[tuple[int, bytes]]:
        """The next positions and leaf hashes, PAGE at most."""

    def scan(self, after: int = 0, upto: int | None = None) -> Iterator[Notification]:
        """All events in order of position, in memory a page at a time, each checked against its leaf hash."""
        limit = upto if upto is not None else self.head().position
        while after < limit:
            page = self.select_notifications(after, PAGE, limit, inclusive_of_start=False)
            if not page:
                raise EvidenceBroken(
                    f"position {after + 1}: the event is missing, though the log goes on to {limit}"
                )
            for event in page:
                if event.id != after + 1:
                    raise EvidenceBroken(f"position {after + 1}: the event is missing")
                after = event.id
                yield event

    def leaves(self, after: int = 0, upto: int | None = None) -> Iterator[bytes]:
        """The stored leaf hashes in order of position."""
        limit = upto if upto is not None else self.head().position
        while page := self._page_of_leaves(after, limit):
            for position, leaf in page:
                if position != after + 1:
                    raise EvidenceBroken(f"position {after + 1}: the event is missing")
                after = position
                yield leaf

    def select_events(
        self,
        originator_id: object,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        found = self.select_stream(str(originator_id), gt or 0)
        events = [event for event in found if lte is None or event.originator_version <= lte]
        return (events[::-1] if desc else events)[:limit]

    def max_notification_id(self) -> int | None:
        return self.head().position or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[LogRecorder]:
        return _Following(self, gt, topics)

    @abstractmethod
    def find_receipt(self, key: str) -> Receipt | None: ...

    @abstractmethod
    def receipts(self) -> Iterator[Receipt]:
        """Every stored receipt."""

    @abstractmethod
    def keep_receipts(self, receipts: Iterable[Receipt]) -> None:
        """Store receipts with the positions that they name, all or none: some of those of a log that was adopted."""

    @abstractmethod
    def put_checkpoint(self, size: int, note: bytes) -> None: ...

    @abstractmethod
    def checkpoints(self) -> Sequence[tuple[int, bytes]]:
        """The stored signed checkpoints, smallest first."""

    @abstractmethod
    def wait(self, after: int, timeout: float) -> bool:
        """Wait until the head lies beyond a position; whether it does."""

    @abstractmethod
    def close(self) -> None: ...


class _Following(Subscription[LogRecorder]):
    """Blocks after the last event until another comes."""

    def __next__(self) -> Notification:
        after = self._last_notification_id or 0
        while not self._has_been_stopped:
            if found := self._recorder.select_notifications(
                after, 1, topics=self._topics, inclusive_of_start=False
            ):
                self._last_notification_id = found[0].id
                return found[0]
            self._recorder.wait(after, 1.0)
        raise StopIteration


def checked(row: Sequence[Any]) -> Notification:
    """A stored row as an event; raises EvidenceBroken if its bytes are not those of its leaf hash."""
    position, stream, version, topic, envelope, leaf = row
    if not isinstance(envelope, bytes) or leaf_hash(envelope) != leaf:
        raise EvidenceBroken(f"position {position}: the envelope's bytes differ from its leaf hash")
    return Notification(stream, version, topic, envelope, position)
