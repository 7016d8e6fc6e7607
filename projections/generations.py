"""The tables of a view's generations: the one that is served, the one being made, and the one before.

- A new generation is made in a table beside the served one and takes its name; the served one is kept under another
  name, so that a rebuild can be taken back, and nothing is copied. Both happen in the transaction of the swap.
- Indexes carry the number of the generation that they were made for: a renamed table keeps the names of its indexes.
- A server samples no column that may hold words: its statistics would keep them after the table is gone.
- What a dropped table held lies in a SQLite file until it is written anew (compact); a server removes the table's file.
- All but what retractions ask is indexed when the rows are there.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from registry.postgres_engine import is_postgres, unsampled


class Rename(sa.schema.ExecutableDDLElement):
    """Gives a table another name (byt namn)."""

    def __init__(self, table: sa.Table, name: str) -> None:
        self.table, self.name = table, name


@compiles(Rename)
def _rename(element: Rename, compiler: Any, **_: Any) -> str:
    preparer = compiler.preparer
    return f"ALTER TABLE {preparer.format_table(element.table)} RENAME TO {preparer.quote(element.name)}"


def create(db: sa.Connection, table: sa.Table) -> None:
    """Make a table and its indexes, unless another worker has made them."""
    make(db, table)
    index(db, table)


def make(db: sa.Connection, table: sa.Table) -> None:
    """Make a table without indexes, unless another worker has made it."""
    db.execute(sa.schema.CreateTable(table, if_not_exists=True))
    if is_postgres(db):
        asked = {column.name for one in table.indexes for column in one.columns}
        words = (one for one in table.columns if isinstance(one.type, sa.Text) and one.name not in asked)
        unsampled(db, words)


def index(db: sa.Connection, table: sa.Table) -> None:
    """Make a table's indexes, those that are missing."""
    for one in sorted(table.indexes, key=lambda index: str(index.name)):
        db.execute(sa.schema.CreateIndex(one, if_not_exists=True))


def drop(db: sa.Connection, table: sa.Table) -> None:
    """Remove a table with its indexes, if it is there."""
    db.execute(sa.schema.DropTable(table, if_exists=True))


def beside(table: sa.Table, generation: int) -> sa.Table:
    """A table of the same form to make a generation in."""
    columns = [
        sa.Column(
            column.name,
            column.type,
            primary_key=column.primary_key,
            autoincrement=False,
            nullable=column.nullable,
        )
        for column in table.columns
    ]
    made = sa.Table(f"{table.name}_beside", sa.MetaData(), *columns)
    for one in table.indexes:
        names = [column.name for column in one.columns]
        sa.Index(f"{table.name}_g{generation}_by_{names[0]}", *(made.c[name] for name in names))
    return made


def before(table: sa.Table) -> sa.Table:
    """The table of the generation before the one that is served."""
    return sa.Table(f"{table.name}_before", sa.MetaData(), *(sa.Column(one.name) for one in table.columns))


def serve(db: sa.Connection, table: sa.Table, made: sa.Table) -> None:
    """Let what was made take the place of what is served, which is kept instead of the generation before it."""
    kept = before(table)
    drop(db, kept)
    db.execute(Rename(table, kept.name))
    db.execute(Rename(made, table.name))


def serve_before(db: sa.Connection, table: sa.Table) -> None:
    """Let what is served and the generation before it change places."""
    kept, aside = before(table), sa.Table(f"{table.name}_aside", sa.MetaData())
    db.execute(Rename(kept, aside.name))
    db.execute(Rename(table, kept.name))
    db.execute(Rename(aside, table.name))


def compact(engine: sa.Engine) -> None:
    """Leave nothing in the database's file but what its tables hold; raises OperationalError while others read."""
    if is_postgres(engine):
        return
    with engine.connect() as db:
        db.exec_driver_sql("VACUUM")
        busy, *_ = db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        if busy:
            raise sa.exc.OperationalError(
                "PRAGMA wal_checkpoint(TRUNCATE)", None, Exception("others are reading")
            )
