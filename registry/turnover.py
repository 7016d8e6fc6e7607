"""Whether keys were destroyed or moved since one last looked, by whatever process; asked before every command.

- Whoever destroys or moves keys gives the generation another value, in the same transaction.
- It is read on a connection that is kept for it, as what is committed at that moment. In a file the row is read only
  when somebody has committed something since: https://sqlite.org/pragma.html#pragma_data_version tells, except of what
  was done on the connection itself, which is told by forget().
- A connection that the server has ended is replaced, and the question asked again.
"""

from __future__ import annotations

import secrets
import threading
from typing import LiteralString

import psycopg
import sqlalchemy as sa

from registry.postgres_engine import is_postgres, schema_of
from registry.postgres_schema import compose

NAME = "generation"


class Turnover:
    """The generation of the keys in one database."""

    def __init__(self, engine: sa.Engine, meta: sa.Table) -> None:
        self._engine, self._meta, self._lock = engine, meta, threading.Lock()
        self._query = sa.select(meta.c.value).where(meta.c.name == NAME)
        self._db: sa.Connection | None = None
        self._version, self._known = -1, b""
        self._is_file = not is_postgres(engine)
        if not self._is_file:
            asked: LiteralString = "SELECT value FROM {schema}.meta WHERE name = {name}"
            self._asked = compose(asked, schema_of(engine), name=NAME)

    def read(self) -> bytes:
        """The generation that stands now."""
        with self._lock:
            if self._is_file:
                return self._look_in_file()
            try:
                return self._ask_server()
            except (sa.exc.DBAPIError, psycopg.Error):
                if self._db is not None:
                    self._db.invalidate()
                    self._db.close()
                    self._db = None
            return self._ask_server()

    def _look_in_file(self) -> bytes:
        db = self._db = self._db or self._engine.connect()
        try:
            version = int(db.exec_driver_sql("PRAGMA data_version").scalar_one())
            if version != self._version:
                self._known = bytes(db.execute(self._query).scalar() or b"")
                self._version = version
        finally:
            db.rollback()
        return self._known

    def _ask_server(self) -> bytes:
        if self._db is None:
            self._db = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        driver = self._db.connection.driver_connection  # one way there and back, and nothing in between
        assert isinstance(driver, psycopg.Connection)
        row = driver.execute(self._asked).fetchone()
        return bytes(row[0]) if row else b""

    def turn(self, db: sa.Connection) -> None:
        """Tell every process, with the transaction that changes the keys."""
        value = secrets.token_bytes(8)
        if not db.execute(self._meta.update().where(self._meta.c.name == NAME).values(value=value)).rowcount:
            db.execute(self._meta.insert().values(name=NAME, value=value))

    def forget(self) -> None:
        """Look anew: something was committed by this process."""
        with self._lock:
            self._version = -1

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
