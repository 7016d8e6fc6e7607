"""How things hang together: whose meeting it was, what an item was about, which offices sign a version.

- An event names what it is about by one id; what that belongs to was said by earlier events. Links answers with the
  latest thing said up to a position, so that a fold never sees what came later.
- What it remembers is a view like the others ("link"), so that it can be taken up again without reading the whole log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from sys import intern
from typing import Any

import sqlalchemy as sa

Place = tuple[int, int]  # position, seq
STANDING = frozenset({"position", "seq", "key", "happened_from", "happened_to", "retracted_at"})


class Links:
    """What has been said about how things hang together, by key, each with its place in the log.

    All of a log's rows are held here, three for ten events: flat, without what nobody asks for, and what recurs once.
    """

    def __init__(self) -> None:
        self.place: Place = (0, -1)
        self._said: dict[str, list[tuple[Any, ...]]] = {}  # position, and then names and values by turns

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Remember rows of the view, in order; those already remembered are not remembered twice."""
        for row in rows:
            place = (row["position"], row["seq"])
            if place > self.place:
                said: list[Any] = [row["position"]]
                for name, value in row.items():
                    if value is not None and name not in STANDING:
                        said += (name, intern(value) if isinstance(value, str) else value)
                self._said.setdefault(row["key"], []).append(tuple(said))
                self.place = place

    def load(self, db: sa.Connection, table: sa.Table) -> None:
        """Take up what the stored view holds beyond this."""
        query = sa.select(table).where(table.c.position >= self.place[0])
        found = db.execute(query.order_by(table.c.position, table.c.seq)).mappings()
        self.add(dict(row) for row in found)

    def all(self, key: str, at: int) -> Iterator[Mapping[str, Any]]:
        """Everything said about a key up to a position, first said first; a column that said nothing is left out."""
        return (
            dict(zip(said[1::2], said[2::2], strict=True))
            for said in self._said.get(key, ())
            if said[0] <= at
        )

    def latest(self, key: str, name: str, at: int) -> Any:
        """The last value said of a key's column up to a position; None if nothing was."""
        for said in reversed(self._said.get(key, ())):
            if said[0] <= at:
                for index in range(1, len(said), 2):
                    if said[index] == name:
                        return said[index + 1]
        return None
