"""What every view is made of: assertions folded from events, kept as rows and never rewritten.

- A row asserts something about its key: where it stands in the log (position, and seq among the rows of one event),
  when it happened (the bounds of the event's `happened`, unknown as null), and one or more values. A column that says
  nothing is null; a value that was taken away is kept as taken away ("" or -1) and read as None.
- Nothing in a row changes afterwards except retracted_at, the position of the event that took the assertion back, and
  wording that became secret or is so no more. Where a row ends is never derived from the order of folding: what holds
  at a time is worked out when it is read.
- Folding is a pure function of one event and of what the events before it said about how things hang together (Links).
  A view as of a position is therefore the rows up to it, with later retractions not yet made: the same as a fold of the
  events up to it.
- A view holds no working text (drafts, comments, reasons for staying away) and no contact data: what is to be destroyed
  soon lies in the log alone, under its key.
- The digest of a view is SHA-256 over its name and version and then its rows, all columns, in canonical form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, NamedTuple, Protocol

import orjson
import sqlalchemy as sa

from domain.messages import Destroyed, Event, Fact, Known
from projections.bulk import insert
from projections.links import Links
from signing.canonical import JSON, NotCanonical, encode

metadata = sa.MetaData()
Row = dict[str, Any]

GONE_TEXT, GONE_NUMBER = "", -1
_AS_IT_IS = frozenset({str, int, type(None)})


@dataclass(frozen=True, slots=True)
class Record:
    """An event as the views see it: the fact, its leaf hash, what its envelope adds, and how things hang together."""

    fact: Fact
    leaf: bytes
    links: Links
    municipality: str = ""
    rules: str = ""
    assurance: str = ""
    event: Event = field(init=False)
    position: int = field(init=False)
    kind: str = field(init=False)  # of its stream
    worked_out: dict[str, Any] = field(default_factory=dict, compare=False)  # once for all views that ask

    def __post_init__(self) -> None:
        give = object.__setattr__
        give(self, "event", self.fact.event)
        give(self, "position", self.fact.position)
        give(self, "kind", self.event.STREAM)

    def linked(self, key: str, name: str) -> Any:
        """What the events up to this one say about a key."""
        return self.links.latest(key, name, self.fact.position)


class Assert(NamedTuple):
    """A row: these columns of this key are so (utsaga)."""

    key: str
    values: Mapping[str, str | int | None]


class Retract(NamedTuple):
    """Everything asserted of a key so far is taken back (återtagen)."""

    key: str


Change = Assert | Retract
Fold = Callable[[Record], Iterable[Change]]


def says(key: str, /, **values: Any) -> Assert:
    """An assertion, with values as they stand in events."""
    for name, value in values.items():
        if type(value) not in _AS_IT_IS:
            values[name] = cell(value)
    return Assert(key, values)


def gone(value: Any) -> Any:
    """A text that replaces what stood before, also when there is none."""
    return GONE_TEXT if value is None else value


def cell(value: Any) -> str | int | None:
    """An event's value as a column holds it: text or a whole number; lists and maps as canonical JSON."""
    if type(value) in _AS_IT_IS:
        return value  # type: ignore[no-any-return]  # one of the three kinds that a column holds
    held = plain(value)
    if isinstance(held, list | dict):
        return orjson.dumps(held, option=orjson.OPT_SORT_KEYS).decode()  # as signing.canonical spells it
    return int(held) if isinstance(held, bool) else held


def plain(value: Any) -> JSON:
    """An event's value as JSON: sealed text as it reads."""
    match value:
        case None | bool() | int():
            return value
        case Enum():
            return str(value.value)
        case str():
            return value
        case Known() | Destroyed():
            return str(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case _:
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}


# --- columns
def text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text)


def number(name: str) -> sa.Column[Any]:
    """A whole number, or a yes or no as 1 or 0."""
    return sa.Column(name, sa.BigInteger)


def listed(name: str) -> sa.Column[Any]:
    """A list or a map, kept as canonical JSON and read back as what it was."""
    return sa.Column(name, sa.Text, info={"json": True})


def standing_columns() -> list[sa.Column[Any]]:
    """The columns that every view has."""
    return [
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("happened_from", sa.Text),
        sa.Column("happened_to", sa.Text),
        sa.Column("retracted_at", sa.BigInteger),
    ]


# --- folding
@dataclass(slots=True)
class Pending:
    """What a batch of events has changed in a projection, not yet written."""

    after: int
    upto: int
    rows: list[Row] = field(default_factory=list)
    retracted: list[tuple[str, int]] = field(default_factory=list)
    standing: dict[str, list[Row]] = field(
        default_factory=dict
    )  # its rows by key, where they can be taken back
    leaves: list[bytes] = field(default_factory=list)
    again: list[Row] = field(default_factory=list)  # rows of earlier events, as they are to read from now on


class FreshDigest(Protocol):
    """Folds events of the projection's streams in memory for a digest, without any stored view."""

    def take(self, record: Record) -> None: ...

    def hex(self) -> str: ...


class Projection(Protocol):
    """Something folded from the log into a table: a view, or the tiles of the tree."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def table(self) -> sa.Table: ...

    @property
    def streams(self) -> frozenset[str]:
        """The kinds of stream it folds, or none for all."""
        ...

    def take(self, pending: Pending, record: Record) -> None:
        """Fold one event of the projection's streams, in memory."""
        ...

    def write(self, db: sa.Connection, pending: Pending, table: sa.Table) -> None:
        """Write what is pending into the table (the projection's own, or one of the same shape)."""
        ...

    def stored_digest(self, db: sa.Connection, known: int | None) -> str: ...

    def fresh_digest(self) -> FreshDigest: ...


@dataclass(frozen=True)
class View:
    """A table folded from events.

    streams: the kinds of stream it folds, or none for all. identity: columns that every row of a key has, the same
    in each. interval: valid_from and valid_to say when it holds. by_start: of two values, the one that began to hold
    last is read, whichever was entered last; without it, the last entered. retracts: whether its assertions are ever
    taken back.
    """

    name: str
    version: int
    streams: frozenset[str]
    columns: Sequence[sa.Column[Any]]
    fold: Fold
    identity: tuple[str, ...] = ()
    indexed: tuple[str, ...] = ()
    interval: bool = False
    by_start: bool = False
    retracts: bool = False
    table: sa.Table = field(init=False)
    _empty: Row = field(init=False)

    def __post_init__(self) -> None:
        name = self.name.replace("-", "_")
        table = sa.Table(name, metadata, *standing_columns(), *self.columns)
        for column in dict.fromkeys(("key", *self.identity, *self.indexed)):
            sa.Index(f"{name}_by_{column}", table.c[column], table.c.position)  # rows are read in this order
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "_empty", dict.fromkeys(map(str, table.c.keys())))

    def rows(self, record: Record) -> tuple[list[Row], list[str]]:
        """What one event says: the keys it takes back, and then its rows."""
        rows: list[Row] = []
        retracted: list[str] = []
        for change in self.fold(record):
            if type(change) is Assert:
                rows.append(self._row(record, len(rows), change))
            elif self.retracts and not rows:
                retracted.append(change.key)
            else:
                raise TypeError(f"{self.name}: a retraction is not declared, or comes after an assertion")
        return rows, retracted

    def _row(self, record: Record, seq: int, change: Assert) -> Row:
        happened = record.fact.happened
        row: Row = {**self._empty, **change.values}
        if len(row) != len(self._empty):
            raise TypeError(f"{self.name} has no column {', '.join(sorted(row.keys() - self._empty.keys()))}")
        row["position"], row["seq"], row["key"] = record.position, seq, change.key
        row["happened_from"], row["happened_to"] = happened.earliest, happened.latest
        return row

    def take(self, pending: Pending, record: Record) -> None:
        rows, retracted = self.rows(record)
        for key in retracted:
            pending.retracted.append((key, record.position))
        if self.retracts:
            _take_back(pending.standing, retracted, rows, record.position)
        pending.rows += rows

    def write(self, db: sa.Connection, pending: Pending, table: sa.Table) -> None:
        if pending.retracted:  # first, and in order: the batch's own rows are marked already
            standing = table.c.key == sa.bindparam("of"), table.c.retracted_at.is_(None)
            taken_back = table.update().where(*standing).values(retracted_at=sa.bindparam("by"))
            db.execute(taken_back, [{"of": key, "by": position} for key, position in pending.retracted])
        if pending.again:
            at = ("position", "seq")
            names = [name for name in self._empty if name not in (*at, "retracted_at")]
            anew = table.update().where(*(table.c[name] == sa.bindparam(f"at_{name}") for name in at))
            anew = anew.values({name: sa.bindparam(f"to_{name}") for name in names})
            placed = ({f"at_{name}": row[name] for name in at} for row in pending.again)
            told = ({f"to_{name}": row[name] for name in names} for row in pending.again)
            db.execute(anew, [one | other for one, other in zip(placed, told, strict=True)])
        if pending.rows:
            insert(db, table, pending.rows)

    def stored_digest(self, db: sa.Connection, known: int | None) -> str:
        digest = RowDigest(self.name, self.version)
        query = sa.select(self.table).order_by(self.table.c.position, self.table.c.seq)
        if known is not None:
            query = query.where(self.table.c.position <= known)
        for row in db.execute(query.execution_options(yield_per=5000)).mappings():
            digest.add(as_known(dict(row), known))
        return digest.hex()

    def fresh_digest(self) -> FreshDigest:
        return _FreshView(self)


class _FreshView:
    """The digest of a view folded in memory; only a view that retracts has to keep its rows until the end."""

    def __init__(self, view: View) -> None:
        self._view, self._digest = view, RowDigest(view.name, view.version)
        self._rows: list[Row] = []
        self._standing: dict[str, list[Row]] = {}

    def take(self, record: Record) -> None:
        rows, retracted = self._view.rows(record)
        if self._view.retracts:
            _take_back(self._standing, retracted, rows, record.position)
            self._rows += rows
        else:
            for row in rows:
                self._digest.add(row)

    def hex(self) -> str:
        for row in self._rows:
            self._digest.add(row)
        self._rows = []
        return self._digest.hex()


def _take_back(
    standing: dict[str, list[Row]], retracted: Iterable[str], rows: Iterable[Row], position: int
) -> None:
    """Mark what stands under the keys taken back; then an event's own rows stand."""
    for key in retracted:
        for row in standing.pop(key, ()):
            row["retracted_at"] = position
    for row in rows:
        standing.setdefault(row["key"], []).append(row)


def as_known(row: Mapping[str, Any], known: int | None) -> Mapping[str, Any]:
    """A row as it stood when the log ended at a position: a later retraction had not been made."""
    retracted = row["retracted_at"]
    if known is None or not isinstance(retracted, int) or retracted <= known:
        return row
    return {**row, "retracted_at": None}


class RowDigest:
    """The digest of a view, row by row in order of position and seq."""

    def __init__(self, name: str, version: int) -> None:
        self._hash = hashlib.sha256(f"view {name} v{version}\n".encode())

    def add(self, row: Mapping[str, Any]) -> None:
        try:
            line = encode(dict(row))
        except NotCanonical:
            # No fold writes such a value, so this differs from every honest row whatever it is.
            line = b"not canonical: " + repr(sorted(row.items())).encode()
        self._hash.update(line + b"\n")

    def hex(self) -> str:
        return self._hash.hexdigest()
