"""The event log in one SQLite file: the embedded default.

- WAL and synchronous=FULL: an acknowledged append has been synced. One writer at a time, BEGIN IMMEDIATE, across
  threads and processes.
- The position is the integer primary key, assigned by us as previous + 1 under the writer's lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
from eventsourcing.persistence import Notification, StoredEvent, Subscription

from registry.mapper import EvidenceBroken
from registry.recorder import AlreadyDone, Behind, Conflict, Head, LogRecorder, Receipt
from registry.sqlite_readonly import open_readonly
from signing.log import leaf_hash

APPLICATION_ID = 0x4C494747  # "LIGG"
FORMAT = 1
DDL = {
    "event": "CREATE TABLE event (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, "
    "topic TEXT NOT NULL, envelope BLOB NOT NULL, leaf BLOB NOT NULL, UNIQUE (stream, version))",
    "receipt": "CREATE TABLE receipt (key TEXT PRIMARY KEY, request BLOB NOT NULL, expires TEXT NOT NULL, "
    "first INTEGER NOT NULL, count INTEGER NOT NULL)",
    "checkpoint": "CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, note BLOB NOT NULL)",
}
PAGE = 2000
COLUMNS = "position, stream, version, topic, envelope, leaf"


class SQLiteRecorder(LogRecorder):
    """The log in a file; readonly opens it without touching a byte, offline and on read-only media."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path, self.readonly = path, readonly
        self._lock, self._grown = threading.Lock(), threading.Condition()
        self._local, self._readers = threading.local(), list[sqlite3.Connection]()
        self._head, self._opened = Head(0, ""), ExitStack()
        if readonly:
            self._writer = self._opened.enter_context(open_readonly(path))
            return
        self._writer = self._connect()
        self._writer.execute("PRAGMA journal_mode=WAL")
        if not self._writer.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._writer.execute(f"PRAGMA application_id={APPLICATION_ID}")
            self._writer.execute(f"PRAGMA user_version={FORMAT}")
            for statement in DDL.values():
                self._writer.execute(statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    @property
    def _reader(self) -> sqlite3.Connection:
        if self.readonly:
            return self._writer
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect()
            self._readers.append(self._local.connection)
        connection: sqlite3.Connection = self._local.connection
        return connection

    # --- writing

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        expect: Mapping[str, int] = {},
        recorded_at: str = "",
        receipt: Receipt | None = None,
        reset: bool = False,
        **kwargs: Any,
    ) -> Sequence[int]:
        with self._lock:
            db = self._writer
            db.execute("BEGIN IMMEDIATE")
            try:
                positions = self._append(db, stored_events, expect, recorded_at, receipt, reset)
                db.execute("COMMIT")
            except BaseException as error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                if isinstance(error, sqlite3.IntegrityError):
                    raise Conflict(str(error)) from error
                raise
            self._head = Head(positions[-1], recorded_at)
        with self._grown:
            self._grown.notify_all()
        return positions

    def _append(
        self,
        db: sqlite3.Connection,
        stored: Sequence[StoredEvent],
        expect: Mapping[str, int],
        recorded_at: str,
        receipt: Receipt | None,
        reset: bool,
    ) -> list[int]:
        if receipt and db.execute("SELECT 1 FROM receipt WHERE key = ?", (receipt.key,)).fetchone():
            raise AlreadyDone(receipt.key)
        for stream, version in expect.items():
            found = db.execute(
                "SELECT coalesce(max(version), 0) FROM event WHERE stream = ?", (stream,)
            ).fetchone()[0]
            if found != version:
                raise Conflict(f"{stream} stands at {found}, not {version}")
        head = self._read_head(db)
        if recorded_at < head.recorded_at and not reset:
            raise Behind(head.recorded_at)
        first = head.position + 1
        rows = [
            (first + index, event.originator_id, event.originator_version, event.topic, event.state,
             leaf_hash(event.state))
            for index, event in enumerate(stored)
        ]  # fmt: skip
        db.executemany(f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)
        if receipt:
            key, request, expires = receipt[:3]
            db.execute(
                "INSERT INTO receipt VALUES (?, ?, ?, ?, ?)", (key, request, expires, first, len(rows))
            )
        return [row[0] for row in rows]

    def _read_head(self, db: sqlite3.Connection) -> Head:
        position = db.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()[0]
        if position == self._head.position:
            return self._head
        envelope = db.execute("SELECT envelope FROM event WHERE position = ?", (position,)).fetchone()[0]
        return Head(position, orjson.loads(envelope)["recorded_at"])

    def put_checkpoint(self, size: int, note: bytes) -> None:
        with self._lock:
            self._writer.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?)", (size, note))

    # --- reading

    def head(self) -> Head:
        return self._read_head(self._reader)

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
        for (leaf,) in self._reader.execute(
            "SELECT leaf FROM event WHERE position > ? AND position <= ? ORDER BY position", (after, limit)
        ):
            yield leaf

    def select_stream(self, stream: str, after: int = 0, at: int | None = None) -> Sequence[Notification]:
        query = f"SELECT {COLUMNS} FROM event WHERE stream = ? AND version > ? ORDER BY version"
        rows = self._reader.execute(query, (stream, after))
        return [_checked(row) for row in rows if at is None or row[0] <= at]

    def select_events(
        self,
        originator_id: object,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        events = [
            event for event in self.select_stream(str(originator_id), gt or 0) if not lte or _v(event) <= lte
        ]
        return (events[::-1] if desc else events)[:limit]

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
        clauses, values = ["position >= ?"], [low]
        if stop is not None:
            clauses.append("position <= ?")
            values.append(stop)
        if topics:
            clauses.append(f"topic IN ({','.join('?' * len(topics))})")
        query = f"SELECT {COLUMNS} FROM event WHERE {' AND '.join(clauses)} ORDER BY position LIMIT ?"
        return [_checked(row) for row in self._reader.execute(query, (*values, *topics, limit))]

    def max_notification_id(self) -> int | None:
        return self.head().position or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[SQLiteRecorder]:
        return _Subscription(self, gt, topics)

    def wait(self, after: int, timeout: float) -> bool:
        with self._grown:
            # Another process's commit does not wake the condition: the time-out is also the poll.
            return self._grown.wait_for(lambda: self.head().position > after, timeout)

    def find_receipt(self, key: str) -> Receipt | None:
        row = self._reader.execute(
            "SELECT key, request, expires, first, count FROM receipt WHERE key = ?", (key,)
        ).fetchone()
        return Receipt(*row) if row else None

    def checkpoints(self) -> Sequence[tuple[int, bytes]]:
        return self._reader.execute("SELECT size, note FROM checkpoint ORDER BY size").fetchall()

    def close(self) -> None:
        for reader in self._readers:
            reader.close()
        self._writer.close()  # the last connection folds the write-ahead log into the file
        self._opened.close()


class _Subscription(Subscription[SQLiteRecorder]):
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


def _v(event: StoredEvent) -> int:
    return event.originator_version


def _checked(row: tuple[int, str, int, str, bytes, bytes]) -> Notification:
    position, stream, version, topic, envelope, leaf = row
    if leaf_hash(envelope) != leaf:
        raise EvidenceBroken(f"position {position}: the envelope's bytes differ from its leaf hash")
    return Notification(stream, version, topic, envelope, position)
