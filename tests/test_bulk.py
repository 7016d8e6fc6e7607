"""Writing many rows at once: what is read back is what was handed in, however few or many they are."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given as for_all
from hypothesis import strategies as st

from projections.bulk import MANY, insert

CELLS = (
    st.none() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)


@pytest.fixture(scope="module")
def engine() -> sa.Engine:
    return sa.create_engine("sqlite://")


def table() -> sa.Table:
    columns = [sa.Column(name, sa.BigInteger) for name in ("position", "seq")]
    return sa.Table("some", sa.MetaData(), *columns, sa.Column("key", sa.Text), sa.Column("order", sa.Text))


@for_all(st.lists(st.tuples(CELLS, CELLS), max_size=6), st.sampled_from([1, MANY]))
def test_what_is_read_is_what_was_written(
    engine: sa.Engine, cells: list[tuple[Any, Any]], times: int
) -> None:
    rows = [
        {"position": at, "seq": 0, "key": None if key is None else str(key), "order": other}
        for at, (key, other) in enumerate(cells * times)
    ]
    rows = [row | {"order": None if row["order"] is None else str(row["order"])} for row in rows]
    made = table()
    with engine.connect() as db:
        made.create(db)
        if rows:
            insert(db, made, rows)
        assert [dict(row) for row in db.execute(sa.select(made).order_by(made.c.position)).mappings()] == rows
        db.rollback()
        made.drop(db, checkfirst=True)


@pytest.mark.parametrize(
    "text", ["", "\x00", "a\x00b", "\\u0000", '"', "\\", "å\u0301", "\U0001f600", "1.0", "null", "[1]"]
)
def test_texts_that_json_could_take_for_something_else(engine: sa.Engine, text: str) -> None:
    rows = [{"position": at, "seq": 2**53, "key": text, "order": None} for at in range(MANY)]
    made = table()
    with engine.connect() as db:
        made.create(db, checkfirst=True)
        insert(db, made, rows)
        assert [dict(row) for row in db.execute(sa.select(made).order_by(made.c.position)).mappings()] == rows
        made.drop(db)
