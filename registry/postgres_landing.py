"""A municipality's schema that is being filled from elsewhere, by a move or a restore, until it is whole.

- What is unfinished says so: the table `unfinished` is made before anything else and goes when all has been compared.
  It names the registry by a word that follows from its root key. As long as it stands, nothing in the schema is more
  than a copy of what lies elsewhere, and may be thrown away; without it nothing is ever thrown away.
- One process at a time fills a schema: it holds an advisory lock, and with it the session that ends the work. If that
  session is lost, so is the work, and it is begun anew.
- A schema that holds anything else is refused. Whoever runs the database may have made it beforehand, empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from registry.postgres_schema import compose, lock_key, schema_name
from registry.postgres_sessions import Session, Sessions, is_lost
from registry.recorder import Busy, LogUnavailable

THINGS = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace({name})"
UNFINISHED = "SELECT whose FROM {schema}.unfinished"
TABLES = "SELECT format('DROP TABLE %I.%I CASCADE', schemaname, tablename) FROM pg_tables WHERE schemaname = {name}"
APPEND = (
    "SELECT format('DROP FUNCTION %s', oid::regprocedure) FROM pg_proc "
    "WHERE pronamespace = to_regnamespace({name}) AND proname = 'append'"
)


class NotEmpty(Exception):
    """The schema holds something that is not ours to replace."""


class Landing:
    """A schema to fill, under its lock."""

    def __init__(self, session: Session, schema: str, whose: str) -> None:
        self._session, self.schema, self._whose = session, schema, whose

    def _ask(self, query: str, **values: str) -> list[tuple[object, ...]]:
        try:
            return self._session.execute(compose(query, self.schema, **values)).fetchall()
        except psycopg.Error as error:
            if is_lost(error, self._session):
                raise LogUnavailable(f"the database was lost: {error}") from error
            raise

    @property
    def is_empty(self) -> bool:
        """Whether there is no schema, or nothing in it."""
        return self._ask(THINGS, name=self.schema) == [(0,)]

    @property
    def is_unfinished(self) -> bool:
        """Whether an earlier filling by this registry was broken off; raises NotEmpty if it was another's."""
        there = self._ask("SELECT to_regclass({name}) IS NOT NULL", name=f"{self.schema}.unfinished")
        if there != [(True,)]:
            return False
        if self._ask(UNFINISHED) != [(self._whose,)]:
            raise NotEmpty(self.schema)
        return True

    def begin(self) -> None:
        """Make it empty, with the mark that says so; raises NotEmpty if that is not ours to do."""
        unfinished = self.is_unfinished
        if not unfinished and not self.is_empty:
            raise NotEmpty(self.schema)
        with self._session.transaction():
            if unfinished:
                self._clear()
            if self._ask("SELECT to_regnamespace({name}) IS NULL", name=self.schema) == [(True,)]:
                self._session.execute(compose("CREATE SCHEMA {schema}", self.schema))
            self._session.execute(
                compose("CREATE TABLE {schema}.unfinished (whose text NOT NULL)", self.schema)
            )
            insert = compose(
                "INSERT INTO {schema}.unfinished VALUES ({whose})", self.schema, whose=self._whose
            )
            self._session.execute(insert)

    def _clear(self) -> None:
        for query in (TABLES, APPEND):
            for (statement,) in self._ask(query, name=self.schema):
                self._session.execute(str(statement).encode())

    def abandon(self) -> None:
        """Leave nothing behind of what was begun."""
        with self._session.transaction():
            if self.is_unfinished:
                self._clear()

    def whole(self) -> None:
        """Say that all is there; from now on it is nobody's to throw away."""
        try:
            self._session.execute(compose("DROP TABLE {schema}.unfinished", self.schema))
        except psycopg.Error as error:
            if is_lost(error, self._session):
                raise LogUnavailable(f"the database was lost: {error}") from error
            raise


@contextmanager
def landing(url: str, slug: str, whose: str) -> Iterator[Landing]:
    """A schema to fill, for as long as that takes; raises Busy if another process is at it, and LogUnavailable."""
    sessions, schema = Sessions(url, readonly=False), schema_name(slug)
    with closing(sessions.reconnect(sessions.until())) as session:
        lock = lock_key(f"{schema} landing")
        if session.execute(b"SELECT pg_try_advisory_lock(%b)", (lock,)).fetchone() != (True,):
            raise Busy(f"another process is filling the schema {schema}")
        yield Landing(session, schema, whose)
