"""Reading views: as of a position in the log (what was known) and as of a day (what was so).

- Known K: the rows up to position K, with retractions after K not yet made.
- True T: a row about something with its own span (a mandate, a role, a rule) holds if T lies in the span; any other
  row if what it tells had happened by T. The answer is yes, no or perhaps: an unknown or overlapping bound gives
  perhaps. What is "no" is left out, and what is left says "valid".
- A key's row is put together from its assertions: of each column the last that says something, in order of entry; for
  views that say so (names), the one that began to hold last, ties by position. Nobody's end follows from somebody
  else's start: who holds a seat is the mandate with the latest start on or before the day (holder).
"""

from __future__ import annotations

import bisect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from domain.when import Truth
from projections.links import Links
from projections.runner import ByStream, records
from projections.view import GONE_NUMBER, GONE_TEXT, Projection, Row, View, standing_columns
from projections.views import BY_NAME, PROJECTIONS
from registry.clock import ZONE, stamp
from registry.registry import Registry

RESET = "clock-reset.v1"
BASE = frozenset(str(column.name) for column in standing_columns())


# --- rows
def rows(
    engine: sa.Engine,
    view: str,
    known: int | None = None,
    true: str | None = None,
    where: Mapping[str, Any] | None = None,
    limit: int | None = None,
    offset: int = 0,
    columns: Iterable[str] | None = None,
) -> list[Row]:
    """A view's rows, one a key, in the order their keys were first entered.

    where: columns and the value they must have, or a list of values. true: a day or a local minute. columns: only these
    and those in where, for a list of many.
    """
    found = BY_NAME[view]
    where = where or {}
    only = None if columns is None else {*columns, *where}
    put_together = []
    for assertions in _by_key(_stored(engine, found, known, where, only)).values():
        row = _merged(found, assertions) if true is None else _at(found, assertions, _minute(true))
        if row is not None and _all_match(row, where):
            put_together.append(row)
    return put_together[offset : None if limit is None else offset + limit]


def assertions(
    engine: sa.Engine, view: str, known: int | None = None, where: Mapping[str, Any] | None = None
) -> list[Row]:
    """Every single assertion, in the order they were entered: how a key's row came about."""
    found = _stored(engine, BY_NAME[view], known, where or {})
    return [_read(BY_NAME[view], row) for row in found if _all_match(row, where or {})]


def holder(
    engine: sa.Engine, body: str, seat: str, true: str, known: int | None = None
) -> tuple[Row | None, Truth]:
    """Who holds a seat that only one can hold on a day: the mandate with the latest start, ties by position."""
    held = rows(engine, "mandate", known, true, {"body": body, "seat": seat})
    latest = max(held, key=lambda row: (row["valid_from"] or "", row["first"]), default=None)
    return latest, Truth(latest["valid"]) if latest else Truth.NO


def _stored(
    engine: sa.Engine, view: View, known: int | None, where: Mapping[str, Any], only: Set[str] | None = None
) -> list[Row]:
    """The assertions of every key that may match, without what was taken back; only: these columns of the view's."""
    table = view.table
    wanted = table.c if only is None else [each for each in table.c if each.name in only | BASE]
    query = sa.select(*wanted).order_by(table.c.position, table.c.seq)
    if known is None:
        query = query.where(table.c.retracted_at.is_(None))
    else:
        standing = sa.or_(table.c.retracted_at.is_(None), table.c.retracted_at > known)
        query = query.where(table.c.position <= known, standing)
    for column, wanted in where.items():
        values = [one for one in _several(wanted) if one is not None]
        if len(values) != len(_several(wanted)) or column not in table.c:
            continue
        if column in view.identity:
            query = query.where(table.c[column].in_(values))
        else:  # the row put together has a value that one of its assertions has
            query = query.where(table.c.key.in_(sa.select(table.c.key).where(table.c[column].in_(values))))
    with engine.connect() as db:
        return [dict(row) | {"retracted_at": None} for row in db.execute(query).mappings()]


def _by_key(stored: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in stored:
        found.setdefault(row["key"], []).append(row)
    return found


def _merged(view: View, assertions: Sequence[Row]) -> Row:
    ordered = sorted(assertions, key=_start_of(assertions)) if view.by_start else assertions
    merged = dict(ordered[-1])
    for row in ordered:
        merged |= {name: value for name, value in row.items() if value is not None}
    merged["position"] = assertions[-1]["position"]
    merged["first"] = assertions[0]["position"]
    return _read(view, merged)


def _start_of(assertions: Sequence[Row]) -> Callable[[Row], tuple[str, int, int]]:
    """When each began to hold: the first for as long as the key has been, an unknown start with the one before it."""
    starts: dict[tuple[int, int], str] = {}
    reached = ""
    for row in assertions[1:]:
        reached = starts[row["position"], row["seq"]] = row["happened_from"] or reached
    return lambda row: (starts.get((row["position"], row["seq"]), ""), row["position"], row["seq"])


def _at(view: View, assertions: Sequence[Row], minute: str) -> Row | None:
    if view.interval:
        merged = _merged(view, assertions)
        valid = _spans(merged, minute[:10])
    else:
        judged = [(row, _has_happened(row, minute)) for row in assertions]
        so = [truth for _, truth in judged if truth is not Truth.NO]
        if not so:
            return None
        # What was entered first about a key is its ground, also when it was entered late.
        merged = _merged(
            view,
            [row for index, (row, truth) in enumerate(judged) if truth is not Truth.NO or index == 0],
        )
        valid = Truth.YES if Truth.YES in so else Truth.PERHAPS
    if valid is Truth.NO:
        return None
    merged["valid"] = str(valid)
    return merged


def _has_happened(row: Row, minute: str) -> Truth:
    if row["happened_to"] is not None and row["happened_to"] <= minute:
        return Truth.YES
    if row["happened_from"] is not None and row["happened_from"] > minute:
        return Truth.NO
    return Truth.PERHAPS


def _spans(row: Row, day: str) -> Truth:
    # A regulation without a first day applies from the day it was adopted (husregel 11).
    first, last = row["valid_from"] or row.get("adopted_on"), row["valid_to"]
    if (first is not None and day < first) or (last is not None and day > last):
        return Truth.NO
    return Truth.PERHAPS if first is None else Truth.YES


def _read(view: View, row: Row) -> Row:
    """A row as it is handed out: lists opened, what was taken away as None."""
    read = {name: None if value in (GONE_TEXT, GONE_NUMBER) else value for name, value in row.items()}
    for column in view.table.columns:
        if column.info.get("json") and (value := read.get(column.name)) is not None:
            read[column.name] = json.loads(value)
    return read


def _several(wanted: Any) -> Sequence[Any]:
    return list(wanted) if isinstance(wanted, list | tuple | set | frozenset) else [wanted]


def _matches(value: Any, wanted: Any) -> bool:
    return value in _several(wanted)


def _all_match(row: Row, where: Mapping[str, Any]) -> bool:
    return all(_matches(row.get(column), wanted) for column, wanted in where.items())


def _minute(true: str) -> str:
    """A day as its last minute, a moment as its minute; raises ValueError."""
    if len(true) == 10:
        return f"{date.fromisoformat(true)}T23:59"
    return datetime.fromisoformat(true).strftime("%Y-%m-%dT%H:%M")


# --- digests
def stored_digests(
    engine: sa.Engine, known: int | None = None, projections: Sequence[Projection] = PROJECTIONS
) -> dict[str, str]:
    """Every stored view's digest as of a position; without one, of all that is stored."""
    with engine.connect() as db:
        return {one.name: one.stored_digest(db, known) for one in projections}


def fresh_digests(
    registry: Registry,
    known: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    projections: Sequence[Projection] = PROJECTIONS,
) -> dict[str, str]:
    """Every view's digest, folded anew from the log up to a position, in memory; progress(done, of)."""
    upto = position_at(registry, known) if known is not None else registry.recorder.head().position
    fresh = {one.name: one.fresh_digest() for one in projections}
    folding = ByStream(projections)
    for record in records(registry, Links(), 0, upto):
        for one in folding.folding(record):
            fresh[one.name].take(record)
        if progress and (record.position % 1000 == 0 or record.position == upto):
            progress(record.position, upto)
    return {name: one.hex() for name, one in fresh.items()}


# --- positions
def position_at(registry: Registry, when: date | datetime | int) -> int:
    """The last position recorded by a moment, or by the end of a day; a position as it is, at most the head's."""
    head = registry.recorder.head().position
    if isinstance(when, int):
        return max(0, min(when, head))
    until = instant(when, end=True)
    # recorded_at never falls, but for a recorded reset of the clock: each stretch between two is searched by itself.
    resets = [one.id for one in registry.recorder.select_notifications(1, 1000, topics=[RESET])]
    for first, last in reversed(list(zip([1, *resets], [*(one - 1 for one in resets), head], strict=True))):
        if first <= last and _recorded(registry, first) <= until:
            stretch = range(first, last + 1)
            return stretch[bisect.bisect_right(stretch, until, key=lambda at: _recorded(registry, at)) - 1]
    return 0


def instant(when: date | datetime, end: bool) -> str:
    """A moment in the form of recorded_at; of a day its first or last microsecond, local time."""
    if isinstance(when, datetime):
        return stamp(when if when.tzinfo else when.replace(tzinfo=ZONE))
    midnight = datetime.combine(when + timedelta(days=1) if end else when, time(), ZONE)
    return stamp(midnight - timedelta(microseconds=1) if end else midnight)


def _recorded(registry: Registry, position: int) -> str:
    stored = registry.stored(position)
    if stored is None:
        raise LookupError(f"position {position} is not in the log")
    recorded: str = json.loads(stored.state)["recorded_at"]
    return recorded
