"""The one session of a process that appends to a log in PostgreSQL.

- An append is one call of the schema's function (registry.postgres_schema) and is answered when it is on disk. A turn
  takes the function's lock first and keeps it until its save is committed.
- Appends that wait while another is being synced go together in the next transaction (registry.together).
- A session that is lost in the middle of an append leaves open whether it was committed. The same append is then made
  again on a new session and first looks for itself: an envelope's salt makes its leaf unique and a stream's version is
  taken once, so it lands once. If no server answers, LogUnavailable is raised; a caller with an idempotency key who
  asks again gets the answer, if there was one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate

import psycopg
from eventsourcing.persistence import StoredEvent

from registry.postgres_arrays import blobs, flags, numbers, texts
from registry.postgres_schema import compose, lock_key
from registry.postgres_sessions import Session, Sessions, is_at_rest, is_lost
from registry.recorder import AlreadyDone, Behind, Busy, Conflict, LogUnavailable, Receipt
from registry.together import Append, Together
from signing.log import leaf_hash

APPEND = (
    "SELECT outcome, detail, first FROM {schema}.append(%b, %b, %b, %b, %b, %b, %b, %b, %b, "
    "%b, %b, %b, %b, %b, %b, %b, %b)"
)
LOCK = "SELECT pg_advisory_xact_lock({lock})"
COPY = "COPY {schema}.event ({columns}) FROM STDIN (FORMAT BINARY)"
KEEP = "INSERT INTO {schema}.receipt VALUES (%b, %b, %b, %b, %b) ON CONFLICT (key) DO NOTHING"
PUT = "INSERT INTO {schema}.checkpoint VALUES (%b, %b) ON CONFLICT (size) DO UPDATE SET note = excluded.note"
COPIED = ("int8", "text", "int8", "text", "bytea", "bytea")


class Writer:
    """Appends for all threads of this process, one transaction at a time."""

    def __init__(self, sessions: Sessions, schema: str, session: Session) -> None:
        self._sessions = sessions
        self._session: Session | None = session
        self._append, self._lock = compose(APPEND, schema), compose(LOCK, schema, lock=lock_key(schema))
        self._copy, self._put = compose(COPY, schema), compose(PUT, schema)
        self._keep = compose(KEEP, schema)
        self._is_empty = compose("SELECT NOT EXISTS (SELECT FROM {schema}.event)", schema)
        self.together = Together(self._make)
        self._purged = ""

    # --- appending

    def append(
        self,
        stored: Sequence[StoredEvent],
        expect: Mapping[str, int],
        recorded_at: str,
        receipt: Receipt | None,
        reset: bool,
        queued: Callable[[], None] | None = None,
    ) -> list[int]:
        """The new positions; raises what LogRecorder.insert_events does, and LogUnavailable."""
        standing, versions, fault = dict(expect), dict(expect), None
        for event in stored:
            stream = str(event.originator_id)
            # A stream that was not read must stand where its first event here follows on it.
            first = standing.setdefault(stream, event.originator_version - 1)
            fault = fault or _follow(versions, stream, event.originator_version, first)
        mine = Append(
            events=stored, expect=standing, recorded_at=recorded_at, receipt=receipt, reset=reset, fault=fault
        )
        return self.together.append(mine, queued)

    def _make(self, company: list[Append]) -> None:
        try:
            self._send(company)
        except BaseException:
            self._rest()
            raise

    def _send(self, company: Sequence[Append]) -> None:
        until: float | None = None  # set by the first loss
        while True:
            session = self._open(until)
            try:
                return self._transact(session, company, again=until is not None)
            except psycopg.Error as error:
                if is_lost(error, session):
                    until = self._lost(error, until)
                    continue
                self._rest()
                if isinstance(error, psycopg.errors.LockNotAvailable):
                    raise Busy(f"another process keeps writing: {error}") from error
                if isinstance(error, psycopg.errors.UniqueViolation):
                    raise Conflict(str(error)) from error
                if len(company) == 1:
                    raise
                return self._send_each(company)  # one of them broke the transaction

    def _send_each(self, company: Sequence[Append]) -> None:
        for each in company:
            try:
                self._send([each])
            except (psycopg.Error, Conflict, Busy, LogUnavailable) as error:
                each.error = error

    def _transact(self, session: Session, company: Sequence[Append], again: bool) -> None:
        events = [event for each in company for event in each.events]
        hour = company[-1].recorded_at[:13]
        rows = session.execute(
            self._append,
            (
                texts([str(event.originator_id) for event in events]),
                numbers([event.originator_version for event in events]),
                texts([event.topic for event in events]),
                blobs([event.state for event in events]),
                blobs([leaf_hash(event.state) for event in events]),
                numbers(list(accumulate(len(each.events) for each in company))),
                texts([stream for each in company for stream in each.expect]),
                numbers([version for each in company for version in each.expect.values()]),
                numbers(list(accumulate(len(each.expect) for each in company))),
                texts([each.fault for each in company]),
                texts([each.recorded_at for each in company]),
                flags([each.reset for each in company]),
                texts([each.receipt and each.receipt.key for each in company]),
                blobs([each.receipt and each.receipt.request for each in company]),
                texts([each.receipt and each.receipt.expires for each in company]),
                hour != self._purged,  # expired receipts go once an hour
                again,
            ),
            binary=True,
        ).fetchall()
        if not is_at_rest(session):  # a turn's transaction
            session.execute(b"COMMIT")
        for each, (outcome, detail, first) in zip(company, rows, strict=True):
            match outcome:
                case "appended":
                    each.first = first
                case "conflict":
                    each.error = Conflict(detail)
                case "behind":
                    each.error = Behind(detail)
                case _:
                    each.error = AlreadyDone(each.receipt.key if each.receipt else "")
            if outcome == "appended" and each.receipt:  # what is refused has purged nothing
                self._purged = hour

    def put_checkpoint(self, size: int, note: bytes) -> None:
        self._at_once(lambda session: session.execute(self._put, (size, note)))

    def keep_receipts(self, receipts: Iterable[Receipt]) -> None:
        kept = list(receipts)

        def keep(session: Session) -> None:
            with session.transaction():
                session.cursor().executemany(self._keep, kept)

        self._at_once(keep)

    def _at_once(self, write: Callable[[Session], object]) -> None:
        """Write what may be written twice, also if the session is lost meanwhile."""
        until: float | None = None
        with self.together.alone():
            while True:
                session = self._open(until)
                try:
                    write(session)
                except psycopg.Error as error:
                    if not is_lost(error, session):
                        raise
                    until = self._lost(error, until)
                else:
                    return

    # --- a turn, and a whole log at once

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the schema's lock over what is done meanwhile, until an append."""
        with self.together.alone():
            self._begin()
            try:
                yield
            finally:
                self._rest()

    def adopt(self, stored: Iterable[StoredEvent]) -> int:
        """Fill an empty log, all or nothing; how many. Raises Conflict, Busy or LogUnavailable."""
        position, versions = 0, dict[str, int]()
        with self.together.alone():
            session = self._begin()
            try:
                if session.execute(self._is_empty).fetchone() != (True,):
                    raise Conflict("the log is not empty")
                with session.cursor().copy(self._copy) as copy:
                    copy.set_types(COPIED)
                    for position, event in enumerate(stored, 1):
                        stream, version = str(event.originator_id), event.originator_version
                        if fault := _follow(versions, stream, version, 0):
                            raise Conflict(fault)
                        leaf = leaf_hash(event.state)
                        copy.write_row((position, stream, version, event.topic, event.state, leaf))
                session.execute(b"COMMIT")
            except psycopg.Error as error:
                if is_lost(error, session):
                    raise LogUnavailable(f"the log's database was lost: {error}") from error
                raise
            finally:
                self._rest()
        return position

    def _begin(self) -> Session:
        """Begin a transaction that holds the schema's lock."""
        until: float | None = None
        while True:
            session = self._open(until)
            try:
                session.execute(b"BEGIN")
                session.execute(self._lock)
            except psycopg.Error as error:
                if is_lost(error, session):
                    until = self._lost(error, until)
                    continue
                self._rest()
                if isinstance(error, psycopg.errors.LockNotAvailable):
                    raise Busy(f"another process keeps writing: {error}") from error
                raise
            else:
                return session

    # --- the session

    def _open(self, until: float | None) -> Session:
        if self._session is None:
            self._session = self._sessions.reconnect(until or self._sessions.until())
        return self._session

    def _lost(self, error: psycopg.Error, until: float | None) -> float:
        """Do without a session that was lost; until when to try for another, or LogUnavailable."""
        self._drop()
        if until is not None and time.monotonic() > until:
            raise LogUnavailable(f"the log's database was lost: {error}") from error
        return until or self._sessions.until()

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _rest(self) -> None:
        """Undo what is not committed; do without a session that cannot."""
        if self._session is not None and not is_at_rest(self._session):
            try:
                self._session.execute(b"ROLLBACK")
            except psycopg.Error:
                self._drop()

    def close(self) -> None:
        with self.together.alone():
            self._drop()


def _follow(versions: dict[str, int], stream: str, version: int, first: int) -> str | None:
    """Note an event's version; why it is not the next of its stream, if it is not."""
    stands = versions.get(stream, first)
    if version != stands + 1:
        return f"{stream} stands at {stands}: {version} does not follow"
    versions[stream] = version
    return None
