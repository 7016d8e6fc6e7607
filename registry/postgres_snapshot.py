"""A log in PostgreSQL as of one moment, while others go on writing it.

- Everything is read on one session, in one REPEATABLE READ READ ONLY transaction: what was there when it began is all
  that it sees, however long it takes (PostgreSQL documentation, 13.2.2). VACUUM keeps old versions of rows meanwhile.
- Others can look from the same moment: the transaction's snapshot has a name (9.27.5, pg_export_snapshot).
- A server that is lost ends it; another moment would be another log.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
import sqlalchemy as sa

from registry.postgres import PostgresRecorder
from registry.postgres_engine import postgres_engine
from registry.postgres_schema import compose
from registry.postgres_sessions import Row, Session, Sessions, at_one_moment, is_lost
from registry.recorder import LogUnavailable


class Snapshot(PostgresRecorder):
    """The log in a municipality's schema, as it stands now. Raises LogUnavailable, or NotALog if there is none."""

    def __init__(self, url: str, slug: str) -> None:
        super().__init__(url, slug, readonly=True)
        self._moment = _Moment(self._sessions)
        self._sessions = self._moment
        self._url, self._slug = url, slug

    def ask(self, query: LiteralString, *values: object) -> Sequence[tuple[Any, ...]]:
        """The rows of a query about the schema {schema}."""
        return self._moment.read(compose(query, self.schema), values)

    def engine(self) -> sa.Engine:
        """An engine for what lies beside the log, as of the same moment; it must not outlive this."""
        made = postgres_engine(self._url, self._slug, readonly=True).execution_options(
            isolation_level="REPEATABLE READ"
        )

        def begin(db: sa.Connection) -> None:
            db.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{self._moment.name}'")

        sa.event.listen(made, "begin", begin)
        return made


class _Moment(Sessions):
    """One session of others' settings, in one transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._kept, self._turn = sessions, threading.Lock()
        self._session: Session = sessions.reconnect(0)
        at_one_moment(self._session)
        (found,) = self._session.execute(b"SELECT pg_export_snapshot()").fetchall()
        self.name = str(found[0])

    def read(self, query: bytes, values: Sequence[object] = ()) -> list[Row]:
        with self._turn:
            try:
                return self._session.execute(query, values, binary=True).fetchall()
            except psycopg.Error as error:
                if not is_lost(error, self._session):
                    raise
                raise LogUnavailable(f"the log's database was lost: {error}") from error

    def close(self) -> None:
        self._session.close()
        self._kept.close()
