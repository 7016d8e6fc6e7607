"""The event log in one SQLite file: the embedded default.

- WAL and synchronous=FULL: an acknowledged append has been synced. One writer at a time, BEGIN IMMEDIATE, across
  threads and processes; what waits in this process goes into one commit (registry.together).
- The position is the integer primary key, assigned by us as previous + 1 under the writer's lock.
- Each read borrows a connection of its own, so that a thread that ends leaves none behind. No read outlives its page.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from eventsourcing.persistence import Notification, StoredEvent

from registry.mapper import EvidenceBroken, read_envelope
from registry.recorder import (
    PAGE,
    AlreadyDone,
    Behind,
    Busy,
    Conflict,
    Head,
    LogRecorder,
    Moved,
    Receipt,
    checked,
)
from registry.sqlite_readonly import open_readonly
from registry.together import Append, Together
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
PATIENCE = 30.0
POLL = 0.2
MOST_KNOWN = 10_000
_SELECT = "SELECT position, stream, version, topic, envelope, leaf FROM event "
_RECEIPT = "SELECT key, request, expires, first, count FROM receipt "
_INSERT = "INSERT INTO event (position, stream, version, topic, envelope, leaf) VALUES (?, ?, ?, ?, ?, ?)"
_LAST = 2**63 - 1


class SQLiteRecorder(LogRecorder):
    """The log in a file; readonly opens it without touching a byte, offline and on read-only media."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path, self.readonly = path, readonly
        self._lock, self._grown = threading.Lock(), threading.Condition()
        self._together = Together(self._make)
        # Where streams stood when the log ended at a position: it only grows, so they do while it ends there.
        self._versions, self._versions_at = dict[str, int](), 0
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
        address = f"{self.path.absolute().as_uri()}?mode=rw"  # a file that was put away is not begun anew
        return sqlite3.connect(address, uri=True, timeout=30, isolation_level=None, check_same_thread=False)

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

    def _found(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._reader() as db:
            return db.execute(query, values).fetchall()

    # --- writing

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._together.alone():
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
        """All or nothing, alone; inside a turn, the turn's own transaction."""
        db = self._writer
        if not db.in_transaction:
            self._begin()
        try:
            yield db
            db.execute("COMMIT")
        except BaseException as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._versions.clear()
            if isinstance(error, sqlite3.IntegrityError):
                closed = error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_TRIGGER
                raise (Moved if closed else Conflict)(str(error)) from error
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
        queued: Callable[[], None] | None = None,
        **_: Any,
    ) -> Sequence[int]:
        mine = Append(
            events=stored_events, expect=expect, recorded_at=recorded_at, receipt=receipt, reset=reset
        )
        return self._together.append(mine, queued)

    def _make(self, company: list[Append]) -> None:
        try:
            self._commit(company)
        except (sqlite3.OperationalError, Busy):  # the file's, and everybody's
            raise
        except Exception:
            if len(company) == 1:
                raise
            for each in company:  # one of them broke the transaction
                try:
                    self._commit([each])
                except Exception as error:  # noqa: BLE001  # its own answer, raised where it was asked
                    each.error = error

    def _commit(self, company: list[Append]) -> None:
        """Check each, insert what stands, and sync once."""
        with self._transaction() as db:
            head = position, last = self._read_head(db)
            if position != self._versions_at or len(self._versions) > MOST_KNOWN:
                self._versions.clear()  # another process has appended
            rows, receipts = list[Sequence[object]](), dict[str, Sequence[object]]()
            for each in company:
                each.first, each.error = 0, None
                try:
                    self._versions |= self._checked(db, each, last, receipts)
                except (AlreadyDone, Conflict, Behind) as refusal:
                    each.error = refusal
                    continue
                if each.events:
                    each.first, last = position + 1, each.recorded_at
                    rows += _rows(each.first, each.events)
                    position += len(each.events)
                if each.receipt:
                    receipts[each.receipt.key] = (*each.receipt[:3], each.first, len(each.events))
            db.executemany(_INSERT, rows)
            if receipts:
                self._purge(db, company[0].recorded_at)
                db.executemany("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?, ?, ?)", receipts.values())
        if rows:
            head = Head(position, last)
        self._head, self._versions_at = head, position

    def _checked(
        self, db: sqlite3.Connection, each: Append, last: str, receipts: Mapping[str, object]
    ) -> dict[str, int]:
        """Where its streams stand after an append; raises what insert_events does."""
        if each.receipt and (each.receipt.key in receipts or _is_done(db, each.receipt, each.recorded_at)):
            raise AlreadyDone(each.receipt.key)
        for stream, version in each.expect.items():
            if (found := self._version(db, stream)) != version:
                raise Conflict(f"{stream} stands at {found}, not {version}")
        if each.events and each.recorded_at < last and not each.reset:
            raise Behind(last)
        return self._following(db, each.events, {})

    def _following(
        self, db: sqlite3.Connection, events: Sequence[StoredEvent], versions: dict[str, int]
    ) -> dict[str, int]:
        """Where streams stand after events, kept in versions; Conflict if one does not follow on its stream."""
        for event in events:
            stream = str(event.originator_id)
            stands = versions[stream] if stream in versions else self._version(db, stream)
            if event.originator_version != stands + 1:
                raise Conflict(f"{stream} stands at {stands}: {event.originator_version} does not follow")
            versions[stream] = stands + 1
        return versions

    def _version(self, db: sqlite3.Connection, stream: str) -> int:
        """Where a stream stands, in a transaction of the writer's."""
        if (known := self._versions.get(stream)) is None:
            query = "SELECT coalesce(max(version), 0) FROM event WHERE stream = ?"
            known = self._versions[stream] = db.execute(query, (stream,)).fetchone()[0]
        return known

    def _purge(self, db: sqlite3.Connection, now: str) -> None:
        """Remove expired receipts, once an hour."""
        if now[:13] != self._purged:
            db.execute("DELETE FROM receipt WHERE expires <= ?", (now,))
            self._purged = now[:13]

    def adopt(self, stored_events: Iterable[StoredEvent]) -> int:
        position, versions, events = 0, dict[str, int](), iter(stored_events)
        with self._together.alone(), self._transaction() as db:
            if self._read_head(db).position:
                raise Conflict("the log is not empty")
            self._versions.clear()
            while page := list(islice(events, PAGE)):
                self._following(db, page, versions)
                db.executemany(_INSERT, _rows(position + 1, page))
                position += len(page)
        return position

    def put_checkpoint(self, size: int, note: bytes) -> None:
        with self._together.alone(), self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?)", (size, note))

    def keep_receipts(self, receipts: Iterable[Receipt]) -> None:
        with self._together.alone(), self._transaction() as db:
            db.executemany("INSERT INTO receipt VALUES (?, ?, ?, ?, ?)", receipts)

    # --- reading

    def _read_head(self, db: sqlite3.Connection) -> Head:
        position = db.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()[0]
        if position != self._head.position:
            row = db.execute(_SELECT + "WHERE position = ?", (position,)).fetchone()
            # One assignment: another thread may put an older head back, and it is then only read once more.
            self._head = Head(position, read_envelope(checked(row))["recorded_at"]) if row else Head(0, "")
        return self._head

    def head(self) -> Head:
        with self._reader() as db:
            return self._read_head(db)

    def known(self) -> Head:
        return self._head if self._head.position else self.head()

    def _page_of_leaves(self, after: int, upto: int) -> list[tuple[int, bytes]]:
        query = (
            "SELECT position, leaf FROM event WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
        )
        return self._found(query, (after, upto, PAGE))

    def select_stream(self, stream: str, after: int = 0, at: int | None = None) -> Sequence[Notification]:
        query = _SELECT + "WHERE stream = ? AND version > ? AND position <= ? ORDER BY version"
        return [checked(row) for row in self._found(query, (stream, after, _LAST if at is None else at))]

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
        return [checked(row) for row in self._found(query, (*values, *topics, limit))]

    def wait(self, after: int, timeout: float) -> bool:
        until = time.monotonic() + timeout
        with self._grown:
            while not (grown := self.head().position > after) and (left := until - time.monotonic()) > 0:
                self._grown.wait(min(left, POLL))  # another process's commit does not wake the condition
        return grown

    def find_receipt(self, key: str) -> Receipt | None:
        rows = self._found(_RECEIPT + "WHERE key = ?", (key,))
        return Receipt(*rows[0]) if rows else None

    def receipts(self) -> Iterator[Receipt]:
        last = ""
        while rows := self._found(_RECEIPT + "WHERE key > ? ORDER BY key LIMIT ?", (last, PAGE)):
            yield from (Receipt(*row) for row in rows)
            last = rows[-1][0]

    def checkpoints(self) -> Sequence[tuple[int, bytes]]:
        return self._found("SELECT size, note FROM checkpoint ORDER BY size")

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        self._writer.close()  # the last connection folds the write-ahead log into the file
        self._opened.close()


def _rows(first: int, events: Sequence[StoredEvent]) -> list[Sequence[object]]:
    """Events as rows, from a position on."""
    return [
        (position, str(one.originator_id), one.originator_version, one.topic, one.state, leaf_hash(one.state))
        for position, one in enumerate(events, first)
    ]


def _is_done(db: sqlite3.Connection, receipt: Receipt, now: str) -> bool:
    query = "SELECT 1 FROM receipt WHERE key = ? AND expires > ?"
    return db.execute(query, (receipt.key, now)).fetchone() is not None
