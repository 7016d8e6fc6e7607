"""The event log in one SQLite file: the embedded default.

- WAL and synchronous=FULL: an acknowledged append has been synced. One writer at a time, BEGIN IMMEDIATE, across
  threads and processes.
- The position is the integer primary key, assigned by us as previous + 1 under the writer's lock.
- Each read borrows a connection of its own, so that a thread that ends leaves none behind. No read outlives its page.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from eventsourcing.persistence import Notification, StoredEvent, Subscription

from registry.mapper import EvidenceBroken, read_envelope
from registry.recorder import AlreadyDone, Behind, Busy, Conflict, Head, LogRecorder, Receipt
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
PATIENCE = 30.0
POLL = 0.2
_SELECT = "SELECT position, stream, version, topic, envelope, leaf FROM event "
_INSERT = "INSERT INTO event (position, stream, version, topic, envelope, leaf) VALUES (?, ?, ?, ?, ?, ?)"
_LAST = 2**63 - 1


class SQLiteRecorder(LogRecorder):
    """The log in a file; readonly opens it without touching a byte, offline and on read-only media."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path, self.readonly = path, readonly
        self._lock, self._grown = threading.RLock(), threading.Condition()
        self._idle = list[sqlite3.Connection]()
        self._head, self._purged, self._opened, self._closed = Head(0, ""), "", ExitStack(), False
        if readonly:
            self._writer = self._opened.enter_context(open_readonly(path))
            return
        self._writer = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._writer.close()
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise EvidenceBroken(f"{path} is not an event log: {error}") from error

    def _prepare(self) -> None:
        db = self._writer
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("BEGIN IMMEDIATE")  # two processes may open a new log at once
        marks = tuple(
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if not db.execute("SELECT 1 FROM sqlite_master").fetchone() and marks == (0, 0):
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={FORMAT}")
            for statement in DDL.values():
                db.execute(statement)
        elif marks != (APPLICATION_ID, FORMAT):
            raise sqlite3.DatabaseError(f"it is marked {marks}, not {(APPLICATION_ID, FORMAT)}")
        db.execute("COMMIT")
        db.execute("PRAGMA busy_timeout=0")  # _begin waits by itself

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=30, isolation_level=None, check_same_thread=False)

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        if self.readonly:
            with self._lock:  # one connection for all: the file is at rest
                yield self._writer
            return
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        yield connection
        # Only a sound connection goes back; one that raised is left to be closed with its last reference.
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._reader() as db:
            return db.execute(query, values).fetchall()

    # --- writing

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._lock:
            self._begin()
            try:
                yield
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    def _begin(self) -> None:
        """Take the writer's lock. SQLite's own waiting looks up to a tenth of a second apart; a process that writes
        without a pause would then shut the others out for seconds."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() > until:
                    raise Busy(f"another process keeps writing to {self.path}") from error
                time.sleep(random.uniform(0.0005, 0.0015))  # noqa: S311  # spreads processes; not a secret
            else:
                return

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; inside a turn, the turn's own transaction."""
        with self._lock:
            db = self._writer
            if not db.in_transaction:
                self._begin()
            try:
                yield db
                db.execute("COMMIT")
            except BaseException as error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                if isinstance(error, sqlite3.IntegrityError):
                    raise Conflict(str(error)) from error
                raise
        with self._grown:
            self._grown.notify_all()

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
        with self._transaction() as db:
            if (
                receipt
                and db.execute(
                    "SELECT 1 FROM receipt WHERE key = ? AND expires > ?", (receipt.key, recorded_at)
                ).fetchone()
            ):
                raise AlreadyDone(receipt.key)
            for stream, version in expect.items():
                if (found := _version(db, stream)) != version:
                    raise Conflict(f"{stream} stands at {found}, not {version}")
            head = self._read_head(db)
            if stored_events and recorded_at < head.recorded_at and not reset:
                raise Behind(head.recorded_at)
            positions = _insert(db, head.position + 1, stored_events, dict(expect))
            if receipt:
                self._purge(db, recorded_at)
                values = (*receipt[:3], positions[0] if positions else 0, len(positions))
                db.execute("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?, ?, ?)", values)
        if positions:
            self._head = Head(positions[-1], recorded_at)
        return positions

    def _purge(self, db: sqlite3.Connection, now: str) -> None:
        """Remove expired receipts, once an hour."""
        if now[:13] != self._purged:
            db.execute("DELETE FROM receipt WHERE expires <= ?", (now,))
            self._purged = now[:13]

    def adopt(self, stored_events: Iterable[StoredEvent]) -> int:
        position, versions, events = 0, dict[str, int](), iter(stored_events)
        with self._transaction() as db:
            if self._read_head(db).position:
                raise Conflict("the log is not empty")
            while page := list(islice(events, PAGE)):
                position = _insert(db, position + 1, page, versions)[-1]
        return position

    def _read_head(self, db: sqlite3.Connection) -> Head:
        position = db.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()[0]
        if position != self._head.position:
            row = db.execute(_SELECT + "WHERE position = ?", (position,)).fetchone()
            # One assignment: another thread may put an older head back, and it is then only read once more.
            self._head = Head(position, read_envelope(_checked(row))["recorded_at"]) if row else Head(0, "")
        return self._head

    def put_checkpoint(self, size: int, note: bytes) -> None:
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?)", (size, note))

    # --- reading

    def head(self) -> Head:
        with self._reader() as db:
            return self._read_head(db)

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
            "SELECT position, leaf FROM event WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
        )
        while page := self._rows(query, (after, limit, PAGE)):
            for position, leaf in page:
                if position != after + 1:
                    raise EvidenceBroken(f"position {after + 1}: the event is missing")
                after = position
                yield leaf

    def select_stream(self, stream: str, after: int = 0, at: int | None = None) -> Sequence[Notification]:
        query = _SELECT + "WHERE stream = ? AND version > ? AND position <= ? ORDER BY version"
        return [_checked(row) for row in self._rows(query, (stream, after, _LAST if at is None else at))]

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
        query = _SELECT + f"WHERE {' AND '.join(clauses)} ORDER BY position LIMIT ?"
        return [_checked(row) for row in self._rows(query, (*values, *topics, limit))]

    def max_notification_id(self) -> int | None:
        return self.head().position or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[SQLiteRecorder]:
        return _Subscription(self, gt, topics)

    def wait(self, after: int, timeout: float) -> bool:
        until = time.monotonic() + timeout
        with self._grown:
            while not (grown := self.head().position > after) and (left := until - time.monotonic()) > 0:
                self._grown.wait(min(left, POLL))  # another process's commit does not wake the condition
        return grown

    def find_receipt(self, key: str) -> Receipt | None:
        rows = self._rows("SELECT key, request, expires, first, count FROM receipt WHERE key = ?", (key,))
        return Receipt(*rows[0]) if rows else None

    def checkpoints(self) -> Sequence[tuple[int, bytes]]:
        return self._rows("SELECT size, note FROM checkpoint ORDER BY size")

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()
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


def _version(db: sqlite3.Connection, stream: str) -> int:
    found: int = db.execute(
        "SELECT coalesce(max(version), 0) FROM event WHERE stream = ?", (stream,)
    ).fetchone()[0]
    return found


def _insert(
    db: sqlite3.Connection, first: int, stored: Sequence[StoredEvent], versions: dict[str, int]
) -> list[int]:
    """Insert events from a position on; versions holds where the streams stand and is kept up to date."""
    rows = []
    for position, event in enumerate(stored, first):
        stream = str(event.originator_id)
        if stream not in versions:
            versions[stream] = _version(db, stream)
        if event.originator_version != versions[stream] + 1:
            raise Conflict(
                f"{stream} stands at {versions[stream]}: {event.originator_version} does not follow"
            )
        versions[stream] += 1
        rows.append(
            (position, stream, event.originator_version, event.topic, event.state, leaf_hash(event.state))
        )
    db.executemany(_INSERT, rows)
    return [row[0] for row in rows]


def _checked(row: Sequence[Any]) -> Notification:
    position, stream, version, topic, envelope, leaf = row
    if not isinstance(envelope, bytes) or leaf_hash(envelope) != leaf:
        raise EvidenceBroken(f"position {position}: the envelope's bytes differ from its leaf hash")
    return Notification(stream, version, topic, envelope, position)
