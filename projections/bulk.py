"""Writing many rows at once, each database in the way that costs it least.

- Many rows go as one JSON text, which the database takes apart itself: one statement without a return to Python
  between the rows, so that another thread can fold meanwhile.
- Few rows go to SQLite as tuples straight from the driver, and so do those with a NUL, where its JSON would end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson
import sqlalchemy as sa

MANY = 50
NUL = b"\\u0000"


def insert(db: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have every column of the table, each text, a whole number or null."""
    columns = list(table.columns)
    if db.dialect.name == "postgresql":
        parts = sa.func.json_to_recordset(sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)).table_valued(
            *(sa.column(column.name, column.type) for column in columns)
        )
        taken = sa.select(*parts.render_derived(with_types=True).c)
        db.execute(table.insert().from_select(columns, taken), {"rows": orjson.dumps(rows).decode()})
        return
    quoted = db.dialect.identifier_preparer
    names = ", ".join(quoted.format_column(column) for column in columns)
    marks = ", ".join("?" * len(columns))
    tuples = list(map(itemgetter(*(column.name for column in columns)), rows))
    if len(tuples) >= MANY and NUL not in (text := orjson.dumps(tuples)):
        cells = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(len(columns)))
        given = f"INSERT INTO {quoted.format_table(table)} ({names}) SELECT {cells} FROM json_each(?)"  # noqa: S608  # our own names
        db.exec_driver_sql(given, (text.decode(),))
        return
    statement = f"INSERT INTO {quoted.format_table(table)} ({names}) VALUES ({marks})"  # noqa: S608  # our own names
    db.exec_driver_sql(statement, tuples)
