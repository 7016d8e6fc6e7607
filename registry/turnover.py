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
from typing import Any

import sqlalchemy as sa

NAME = "generation"


class Turnover:
    """The generation of the keys in one database."""

    def __init__(self, engine: sa.Engine, meta: sa.Table) -> None:
        self._meta, self._lock = meta, threading.Lock()
        self._query = sa.select(meta.c.value).where(meta.c.name == NAME)
        self._is_file = engine.dialect.name == "sqlite"
        self._db = engine.connect()
        if not self._is_file:
            self._db.execution_options(isolation_level="AUTOCOMMIT")  # one way there and back
        self._version, self._known = -1, b""

    def read(self) -> bytes:
        """The generation that stands now."""
        with self._lock:
            try:
                return self._look()
            except sa.exc.DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            finally:
                self._db.rollback()
            try:
                return self._look()
            finally:
                self._db.rollback()

    def _look(self) -> bytes:
        if not self._is_file:
            return bytes(self._db.execute(self._query).scalar() or b"")
        file: Any = (
            self._db.connection.dbapi_connection
        )  # the driver's own, since this is asked before every command
        (version,) = file.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._known = bytes(self._db.execute(self._query).scalar() or b"")
            self._version = version
        return self._known

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
        self._db.close()
