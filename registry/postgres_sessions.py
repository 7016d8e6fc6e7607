"""Sessions with a PostgreSQL server: how they are set, kept, lost and found again.

- A commit is answered when it is on disk (synchronous_commit on; what is stricter, for standbys, is left standing).
- Every statement here has an index to go by; a plan made while a table was small must not scan it when it is large.
- Nobody waits for the writer's lock longer than patience lasts.
- A session that dies is replaced. Reading is done again on the new one; what an append does is told in
  registry.postgres. When no server answers for as long as patience lasts, LogUnavailable says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8BinaryDumper

from registry.postgres_arrays import register
from registry.recorder import LogUnavailable

PATIENCE = 10.0
SLOWEST = 1.0  # the longest pause between two tries
KEPT = 4
IDLE = psycopg.pq.TransactionStatus.IDLE
READING, WRITING = "any", "read-write"
# A machine that vanishes with the writer's lock is noticed by both ends within half a minute.
DEFAULTS = {
    "application_name": "liggare",
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
SETTINGS = (
    b"SET default_transaction_isolation = 'read committed'; "
    b"SET client_encoding = 'UTF8'; "
    b"SET idle_in_transaction_session_timeout = '30s'; "
    b"SET enable_seqscan = off; SET jit = off; "
    b"SELECT set_config('synchronous_commit', 'on', false) "
    b"WHERE current_setting('synchronous_commit') <> 'remote_apply'"
)
ENDS = frozenset({"57P01", "57P02", "57P03", "57P05"})  # the server ends the session, or takes none yet

Row = tuple[Any, ...]
Session = psycopg.Connection[Row]


def at_one_moment(session: Session) -> None:
    """Let all that a session reads from its first query on be of one moment (PostgreSQL documentation, 13.2.2).

    Whoever reads may be slow to pass it on: no limit is set to the time between two queries.
    """
    session.execute(b"SET idle_in_transaction_session_timeout = 0")
    session.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def is_lost(error: psycopg.Error, connection: Session | None = None) -> bool:
    """Whether an error ends the session rather than the statement."""
    return error.sqlstate in ENDS or (
        isinstance(error, psycopg.OperationalError)
        and (error.sqlstate is None or connection is None or connection.broken)
    )


def is_at_rest(session: Session) -> bool:
    """Whether a session lives and has no transaction open."""
    return session.pgconn.transaction_status == IDLE


class BadUrl(ValueError):
    """The address of a database cannot be read; the message repeats nothing of it, since it may hold a password."""


def check_url(url: str) -> None:
    """That an address can be read, and as it was meant; raises BadUrl.

    A password in it with a sign that means something else there (@ or /) would be taken for the name of a host or of a
    database, and shown by whoever cannot find it.
    """
    try:
        read = conninfo_to_dict(url)
    except psycopg.Error:
        raise BadUrl("it is neither postgresql://user@host/database nor libpq's name=value words") from None
    misread = [name for name, value in read.items() if name != "password" and "@" in str(value)]
    # Not taken for a user where there is an @: a sign before it has ended the address' first part.
    if misread or ("://" in url and "@" in url and "user" not in read):
        raise BadUrl("in a password @ is written %40, and / %2F")
    if not all(part.isdecimal() for part in str(read.get("port") or "0").split(",")):
        raise BadUrl("its port is not a number")


def conninfo(url: str, *, readonly: bool) -> str:
    """An address with what every session of ours has, where it says nothing else itself."""
    given = conninfo_to_dict(url)
    standing = DEFAULTS | {"target_session_attrs": READING if readonly else WRITING}
    return make_conninfo(url, **{k: v for k, v in standing.items() if k not in given})


class Sessions:
    """Makes sessions with one database, and keeps a few idle ones for reading."""

    def __init__(self, url: str, *, readonly: bool, patience: float = PATIENCE) -> None:
        self._conninfo = conninfo(url, readonly=readonly)
        self._readonly, self._patience = readonly, patience
        self._idle, self._lock = list[Session](), threading.Lock()
        self._closed = False

    def connect(self) -> Session:
        """A new session; raises psycopg.OperationalError."""
        connection = psycopg.connect(self._conninfo, autocommit=True)
        try:
            connection.adapters.register_dumper(int, Int8BinaryDumper)  # one type, one prepared statement
            register(connection)
            connection.execute(SETTINGS)
            connection.execute(f"SET lock_timeout = {round(1000 * self._patience)}".encode())
            if self._readonly:
                connection.execute(b"SET default_transaction_read_only = on")
        except BaseException:
            connection.close()
            raise
        return connection

    def until(self) -> float:
        """When patience with the server ends, if it begins now."""
        return time.monotonic() + self._patience

    def reconnect(self, until: float) -> Session:
        """A new session, tried for until a moment; raises LogUnavailable."""
        pause = 0.02
        while True:
            try:
                return self.connect()
            except psycopg.Error as error:
                if not is_lost(error):
                    raise
                if self._closed or time.monotonic() + pause > until:
                    raise LogUnavailable(f"the log's database cannot be reached: {error}") from error
            time.sleep(pause)
            pause = min(2 * pause, SLOWEST)

    @contextmanager
    def borrow(self) -> Iterator[Session]:
        """An idle session, or a new one."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self.reconnect(self.until())
        try:
            yield connection
        finally:
            with self._lock:
                if keep := is_at_rest(connection) and len(self._idle) < KEPT and not self._closed:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def read(self, query: bytes, values: Sequence[object] = ()) -> list[Row]:
        """All rows of a query; a session that turns out to be dead is replaced and the query asked again."""
        until = self.until()
        while True:
            with self.borrow() as connection:
                try:
                    return connection.execute(query, values, binary=True).fetchall()
                except psycopg.Error as error:
                    if not is_lost(error, connection):
                        raise
                    connection.close()
                    if time.monotonic() > until:
                        raise LogUnavailable(f"the log's database was lost: {error}") from error

    def close(self) -> None:
        """Close what lies idle; sessions that are lent are closed when they come back."""
        with self._lock:
            self._closed, idle = True, self._idle
            self._idle = []
        for connection in idle:
            connection.close()
