"""What a registry keeps in PostgreSQL beside its log: the keys and the views, through SQLAlchemy, in the log's schema.

- One engine for each registry that a process has open. Statements name no schema: the engine puts the municipality's
  there. The log's own sessions are others (registry.postgres_sessions) and set for another purpose.
- A commit is answered when it is on disk, as the log's are. Nobody waits longer than LOCK_WAIT for another's lock, and
  no transaction is left open for longer than IDLE.
- Tables are made by one process at a time: whoever comes meanwhile waits and finds them made.
- PostgreSQL keeps the former version of a row that is changed, and VACUUM keeps it for as long as any transaction might
  look at it. Changing a column's type writes every row that stands into a new file and drops the old one with the
  commit, whoever looks on (PostgreSQL documentation, ALTER TABLE, Notes; 13.6, Caveats).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import sqlalchemy as sa

from registry.postgres_schema import lock_key, schema_name
from registry.postgres_sessions import ENDS, conninfo

POOL, OVERFLOW = 5, 15
LOCK_WAIT, IDLE = "30s", "60s"
SETTINGS = (
    "SET default_transaction_isolation = 'read committed'; SET client_encoding = 'UTF8'; SET jit = off; "
    f"SET lock_timeout = '{LOCK_WAIT}'; SET idle_in_transaction_session_timeout = '{IDLE}'; "
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') <> 'remote_apply'"
).encode()


def postgres_engine(url: str, slug: str, *, readonly: bool = False) -> sa.Engine:
    """An engine on a municipality's schema, which is there; it says nothing of the URL, which may hold a password."""
    where = conninfo(url, readonly=readonly)

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        connection = psycopg.connect(where, autocommit=True)
        try:
            connection.execute(SETTINGS)
            if readonly:
                connection.execute(b"SET default_transaction_read_only = on")
        except BaseException:
            connection.close()
            raise
        connection.autocommit = False
        return connection

    return sa.create_engine(
        "postgresql+psycopg://",
        creator=connect,
        pool_pre_ping=True,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        hide_parameters=True,
        execution_options={"schema_translate_map": {None: schema_name(slug)}},
    )


def is_postgres(db: sa.Engine | sa.Connection) -> bool:
    """Whether it is a PostgreSQL and not a file."""
    return db.dialect.name == "postgresql"


def server_lost(error: BaseException) -> bool:
    """Whether an error of the keys or the views says that the server cannot be reached."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return (isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated) or (
        isinstance(cause, psycopg.OperationalError) and (cause.sqlstate is None or cause.sqlstate in ENDS)
    )


def schema_of(db: sa.Engine | sa.Connection) -> str:
    """The schema that its statements are about."""
    return str(db.get_execution_options()["schema_translate_map"][None])


def make_alone(db: sa.Connection) -> None:
    """Make tables while no other process does; until the transaction ends."""
    db.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_key(f"{schema_of(db)} tables"))))


def shut(db: sa.Connection, table: sa.Table) -> None:
    """Keep everybody else out of a table; until the transaction ends."""
    db.exec_driver_sql(f"LOCK TABLE {_quoted(db, table)} IN ACCESS EXCLUSIVE MODE")


def write_anew(db: sa.Connection, column: sa.Column[bytes]) -> None:
    """Write a table into a new file, in which only the rows stand that are there now."""
    name = db.dialect.identifier_preparer.quote(column.name)
    db.exec_driver_sql(
        f"ALTER TABLE {_quoted(db, column.table)} ALTER COLUMN {name} TYPE bytea USING {name} || ''::bytea"
    )


def unsampled(db: sa.Connection, columns: Iterable[sa.Column[Any]]) -> None:
    """Let the server keep no samples of columns: its statistics outlive the rows that they were taken from."""
    for column in columns:
        name = db.dialect.identifier_preparer.quote(column.name)
        db.exec_driver_sql(f"ALTER TABLE {_quoted(db, column.table)} ALTER COLUMN {name} SET STATISTICS 0")


def _quoted(db: sa.Connection, table: sa.FromClause) -> str:
    quote = db.dialect.identifier_preparer.quote
    assert isinstance(table, sa.Table)
    schema = (
        db.get_execution_options().get("schema_translate_map", {}).get(None)
    )  # none in a database of their own
    return f"{quote(schema)}.{quote(table.name)}" if schema else quote(table.name)
