"""The event log in PostgreSQL: one schema a municipality, for several processes and machines.

- The tables, the function that appends and the lock that keeps the positions in order: registry.postgres_schema.
- Appending, and what becomes of it when the server is lost: registry.postgres_writer.
- Reading borrows a session for one query and asks again on another if it is lost. No query outlives its page, so a
  reader that takes its time holds nothing up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from io import UnsupportedOperation
from typing import Any

from eventsourcing.persistence import Notification, StoredEvent, Subscription

from registry.mapper import EvidenceBroken, read_envelope
from registry.postgres_bell import Bell
from registry.postgres_schema import check, compose, prepare, schema_name
from registry.postgres_sessions import PATIENCE, Row, Sessions
from registry.postgres_writer import Writer
from registry.recorder import Head, LogRecorder, Receipt
from signing.log import leaf_hash

PAGE = 2000
_LAST = 2**63 - 1


class PostgresRecorder(LogRecorder):
    """The log in a municipality's schema of the database at a URL; readonly opens it without changing anything.

    Raises LogUnavailable if no server answers and NotALog if the schema holds something else.
    """

    def __init__(self, url: str, slug: str, *, readonly: bool = False, patience: float = PATIENCE) -> None:
        self.schema, self.readonly = schema_name(slug), readonly
        self._sessions = Sessions(url, readonly=readonly, patience=patience)
        session = self._sessions.reconnect(0)
        try:
            (check if readonly else prepare)(session, self.schema)
        except BaseException:
            session.close()
            raise
        self._writer = Writer(self._sessions, self.schema, session)
        self._bell = Bell(self._sessions, self.schema)
        self._head = (b"", Head(0, ""))

    # --- writing

    def _writing(self) -> Writer:
        if self.readonly:
            raise UnsupportedOperation(f"the log {self.schema} was opened for reading only")
        return self._writer

    def turn(self) -> AbstractContextManager[None]:
        return self._writing().turn()

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        expect: Mapping[str, int] = {},
        recorded_at: str = "",
        receipt: Receipt | None = None,
        reset: bool = False,
        **_: Any,
    ) -> Sequence[int]:
        positions = self._writing().append(stored_events, expect, recorded_at, receipt, reset)
        self._bell.ring()
        return positions

    def adopt(self, stored_events: Iterable[StoredEvent]) -> int:
        count = self._writing().adopt(stored_events)
        self._bell.ring()
        return count

    def put_checkpoint(self, size: int, note: bytes) -> None:
        self._writing().put_checkpoint(size, note)

    # --- reading

    def _read(self, query: str, *values: object) -> list[Row]:
        return self._sessions.read(compose(query, self.schema), values)

    def head(self) -> Head:
        rows = self._read("SELECT {columns} FROM {schema}.event ORDER BY position DESC LIMIT 1")
        if not rows:
            return Head(0, "")
        position, leaf = rows[0][0], rows[0][5]
        known, head = self._head
        if (head.position, known) != (position, leaf):
            head = Head(position, read_envelope(_checked(rows[0]))["recorded_at"])
            self._head = (leaf, head)  # one assignment: another thread may put an older one back
        return head

    def scan(self, after: int = 0, upto: int | None = None) -> Iterator[Notification]:
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
        limit = upto if upto is not None else self.head().position
        query = (
            "SELECT position, leaf FROM {schema}.event "
            "WHERE position > %b AND position <= %b ORDER BY position LIMIT %b"
        )
        while page := self._read(query, after, limit, PAGE):
            for position, leaf in page:
                if position != after + 1:
                    raise EvidenceBroken(f"position {after + 1}: the event is missing")
                after = position
                yield leaf

    def select_stream(self, stream: str, after: int = 0, at: int | None = None) -> Sequence[Notification]:
        query = (
            "SELECT {columns} FROM {schema}.event "
            "WHERE stream = %b AND version > %b AND position <= %b ORDER BY version"
        )
        return [_checked(row) for row in self._read(query, stream, after, _LAST if at is None else at)]

    def select_events(
        self,
        originator_id: object,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        query = "SELECT {columns} FROM {schema}.event WHERE stream = %b AND version > %b AND version <= %b"
        query += " ORDER BY version DESC LIMIT %b" if desc else " ORDER BY version LIMIT %b"
        last = _LAST if lte is None else lte
        return [_checked(row) for row in self._read(query, str(originator_id), gt or 0, last, limit)]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        low = (start or 0) + (0 if inclusive_of_start or start is None else 1)
        query = "SELECT {columns} FROM {schema}.event WHERE position >= %b AND position <= %b"
        values = [low, _LAST if stop is None else stop, *([list(topics)] if topics else []), limit]
        query += (" AND topic = ANY(%b)" if topics else "") + " ORDER BY position LIMIT %b"
        return [_checked(row) for row in self._read(query, *values)]

    def max_notification_id(self) -> int | None:
        return self.head().position or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[PostgresRecorder]:
        return _Subscription(self, gt, topics)

    def wait(self, after: int, timeout: float) -> bool:
        return self._bell.wait(lambda: self.head().position > after, timeout)

    def find_receipt(self, key: str) -> Receipt | None:
        rows = self._read(
            "SELECT key, request, expires, first, count FROM {schema}.receipt WHERE key = %b", key
        )
        return Receipt(*rows[0]) if rows else None

    def checkpoints(self) -> Sequence[tuple[int, bytes]]:
        return [
            (size, note)
            for size, note in self._read("SELECT size, note FROM {schema}.checkpoint ORDER BY size")
        ]

    def close(self) -> None:
        self._bell.close()
        self._writer.close()
        self._sessions.close()


class _Subscription(Subscription[PostgresRecorder]):
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


def _checked(row: Row) -> Notification:
    position, stream, version, topic, envelope, leaf = row
    if leaf_hash(envelope) != leaf:
        raise EvidenceBroken(f"position {position}: the envelope's bytes differ from its leaf hash")
    return Notification(stream, version, topic, envelope, position)
