"""One moment of a municipality's schema, log and vault together, read while others write.

- A single REPEATABLE READ READ ONLY transaction: every query sees what was committed when the first began (PostgreSQL
  documentation, 13.2.2). A key is committed before the event that uses it, so those of every event seen are seen.
- The vault is read first. Destroying a key writes its table anew, and to whoever looks with an earlier view that table
  is empty (13.6, Caveats). So the tables are locked against that before the view is fixed, which LOCK does not do; the
  savepoint lets the lock go as soon as they are read, and nobody waits for the log to be read as well.
- Rows come by a cursor in the server: memory holds a page at a time.
- Each event is held to its leaf hash and its position as it comes.
- It is laid out as the two files that a data folder on SQLite has: that is what a backup holds, whichever database it
  was taken from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from eventsourcing.persistence import Notification
from psycopg.sql import SQL, Identifier

from registry.mapper import EvidenceBroken
from registry.postgres_schema import COLUMNS, check, compose, schema_name
from registry.postgres_sessions import Row, Session, Sessions, at_one_moment
from registry.recorder import Receipt, checked
from registry.sqlite import SQLiteRecorder
from registry.vault import metadata, sqlite_engine

PAGE = 2000
Progress = Callable[[int, int], None]


class Moment:
    """What a schema holds at one moment."""

    def __init__(self, session: Session, schema: str) -> None:
        self._session, self._schema = session, schema

    def rows(self, table: str, columns: str, order: str) -> Iterator[Row]:
        """Every row of a table, a page in memory at a time."""
        query = SQL("SELECT {columns} FROM {table} ORDER BY {order}").format(
            columns=SQL(", ").join(map(Identifier, columns.split(", "))),
            table=Identifier(self._schema, table),
            order=Identifier(order),
        )
        with self._session.cursor(f"liggare_{table}", binary=True) as cursor:
            cursor.itersize = PAGE
            cursor.execute(query)
            yield from cursor

    def vault(self, keys: Path) -> None:
        """Write the keys and secrets into a new file; to be asked for first."""
        tables = metadata.sorted_tables
        names = SQL(", ").join(Identifier(self._schema, table.name) for table in tables)
        self._session.execute(b"SAVEPOINT locked")
        self._session.execute(SQL("LOCK TABLE {names} IN ACCESS SHARE MODE").format(names=names))
        engine = sqlite_engine(keys, journal="TRUNCATE", secure=True)
        try:
            metadata.create_all(engine)
            with engine.begin() as into:
                for table in tables:
                    [key] = table.primary_key.columns
                    fill(into, table, self.rows(table.name, ", ".join(table.columns.keys()), key.name))
        finally:
            engine.dispose()
        self._session.execute(b"ROLLBACK TO locked")

    def events(self, progress: Progress = lambda _, __: None) -> Iterator[Notification]:
        """Every event in order, none missing; raises EvidenceBroken."""
        position, of = 0, self._head()
        for row in self.rows("event", COLUMNS, "position"):
            position += 1
            if row[0] != position:
                raise EvidenceBroken(f"position {position}: the event is missing")
            yield checked(row)
            if position % PAGE == 0:
                progress(position, of)
        progress(position, of)

    def _head(self) -> int:
        query = compose("SELECT coalesce(max(position), 0) FROM {schema}.event", self._schema)
        row = self._session.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def log(self, path: Path, progress: Progress = lambda _, __: None) -> None:
        """Write the log into a new file: events, checkpoints and receipts."""
        recorder = SQLiteRecorder(path)
        try:
            recorder.adopt(self.events(progress))
            for size, note in self.rows("checkpoint", "size, note", "size"):
                recorder.put_checkpoint(size, note)
            receipts = self.rows("receipt", "key, request, expires, first, count", "key")
            recorder.keep_receipts(Receipt(*row) for row in receipts)
        finally:
            recorder.close()


def fill(db: sa.Connection, table: sa.Table, rows: Iterator[Row]) -> None:
    """Insert rows, whose values stand in the order of the table's columns, a page at a time."""
    names = table.columns.keys()
    while page := [dict(zip(names, row, strict=True)) for row in islice(rows, PAGE)]:
        db.execute(table.insert(), page)


@contextmanager
def moment_of(url: str, slug: str) -> Iterator[Moment]:
    """A moment of a municipality's schema, for as long as it is read; raises LogUnavailable or NotALog."""
    sessions, schema = Sessions(url, readonly=True), schema_name(slug)
    with closing(sessions.reconnect(sessions.until())) as session:
        check(session, schema)
        at_one_moment(session)
        yield Moment(session, schema)
