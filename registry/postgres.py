"""The event log in PostgreSQL: one schema a municipality, for several processes and machines.

- The tables, the function that appends and the lock that keeps the positions in order: registry.postgres_schema.
- Appending, and what becomes of it when the server is lost: registry.postgres_writer.
- Reading borrows a session for one query and asks again on another if it is lost. No query outlives its page, so a
  reader that takes its time holds nothing up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from io import UnsupportedOperation
from typing import Any, LiteralString

from eventsourcing.persistence import Notification, StoredEvent

from registry.mapper import read_envelope
from registry.postgres_bell import Bell
from registry.postgres_schema import check, compose, prepare, schema_name
from registry.postgres_sessions import PATIENCE, Row, Sessions
from registry.postgres_writer import Writer
from registry.recorder import PAGE, Head, LogRecorder, Receipt, checked

_LAST = 2**63 - 1
_RECEIPT: LiteralString = "SELECT key, request, expires, first, count FROM {schema}.receipt "


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
        self._known = Head(0, "")

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
        queued: Callable[[], None] | None = None,
        **_: Any,
    ) -> Sequence[int]:
        positions = self._writing().append(stored_events, expect, recorded_at, receipt, reset, queued)
        if positions:
            self._see(Head(positions[-1], recorded_at))
            self._bell.ring()
        return positions

    def adopt(self, stored_events: Iterable[StoredEvent]) -> int:
        count = self._writing().adopt(stored_events)
        self._bell.ring()
        return count

    def keep_receipts(self, receipts: Iterable[Receipt]) -> None:
        self._writing().keep_receipts(receipts)

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
            head = Head(position, read_envelope(checked(rows[0]))["recorded_at"])
            self._head = (leaf, head)  # one assignment: another thread may put an older one back
        self._see(head)
        return head

    def known(self) -> Head:
        return self._known if self._known.position else self.head()

    def _see(self, head: Head) -> None:
        if head.position > self._known.position:  # of two threads the later may come first
            self._known = head

    def _page_of_leaves(self, after: int, upto: int) -> list[Row]:
        query = (
            "SELECT position, leaf FROM {schema}.event "
            "WHERE position > %b AND position <= %b ORDER BY position LIMIT %b"
        )
        return self._read(query, after, upto, PAGE)

    def select_stream(self, stream: str, after: int = 0, at: int | None = None) -> Sequence[Notification]:
        query = (
            "SELECT {columns} FROM {schema}.event "
            "WHERE stream = %b AND version > %b AND position <= %b ORDER BY version"
        )
        return [checked(row) for row in self._read(query, stream, after, _LAST if at is None else at)]

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
        return [checked(row) for row in self._read(query, *values)]

    def wait(self, after: int, timeout: float) -> bool:
        return self._bell.wait(lambda: self.head().position > after, timeout)

    def find_receipt(self, key: str) -> Receipt | None:
        rows = self._read(_RECEIPT + "WHERE key = %b", key)
        return Receipt(*rows[0]) if rows else None

    def receipts(self) -> Iterator[Receipt]:
        last = ""
        while rows := self._read(_RECEIPT + "WHERE key > %b ORDER BY key LIMIT %b", last, PAGE):
            yield from (Receipt(*row) for row in rows)
            last = rows[-1][0]

    def checkpoints(self) -> Sequence[tuple[int, bytes]]:
        return [
            (size, note)
            for size, note in self._read("SELECT size, note FROM {schema}.checkpoint ORDER BY size")
        ]

    def close(self) -> None:
        self._bell.close()
        self._writer.close()
        self._sessions.close()
