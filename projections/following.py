"""The list of what to follow up: what is open, due or overdue on a day, and what is not known (uppföljningslista).

- It is worked out when it is read, as of what was known and what was so: a stage is open, due, overdue, done, or
  unknown, where nobody has read its time or the status of its assignment is not known (H4, H5), or where it was due
  before the registry was begun.
- A stage without a time is open and never late. What may be finished stands until it is said to be. A time that was
  moved shows the times before it (H6).
- Something that comes back is due again so many months after it was last done.
"""

from __future__ import annotations

import calendar
from datetime import date

import sqlalchemy as sa

from domain.assignment import FINISHED
from projections.assignments import DECIDED
from projections.audit import to_csv
from projections.owed import begun
from projections.reading import assertions, rows
from projections.view import Row

NAMED = ("function", "organisation", "person")
COLUMNS = (
    *"state due_written due_first due_last due_what what to status certainty given_written given_day".split(),
    *"given_paragraph assignment stage".split(),
)


def follow_up(
    engine: sa.Engine,
    day: date,
    known: int | None = None,
    body: str | None = None,
    *,
    finished: bool = False,
) -> list[Row]:
    """What is to be followed up on a day, what is due first first; finished: also what is done or no longer stands."""
    true, since = day.isoformat(), begun(engine).isoformat()
    given = rows(engine, "assignment", known, true, {"body": body} if body else None)
    stages: dict[str, list[Row]] = {}
    for stage in rows(engine, "stage", known, true):
        stages.setdefault(stage["assignment"], []).append(stage)
    slipped: dict[tuple[str, int], list[Row]] = {}
    for said in assertions(engine, "stage", known):
        if said["due_written"] is not None and (said["happened_from"] or "")[:10] <= true:
            slipped.setdefault((said["assignment"], said["stage"]), []).append(said)
    listed: list[Row] = []
    for one in given:
        for stage in stages.get(one["assignment"]) or [{}]:
            line = _line(one, stage, true, since)
            line["earlier"] = _earlier(slipped.get((one["assignment"], stage.get("stage", 0)), []))
            if finished or line["state"] not in ("done", "finished"):
                listed.append(line)
    return sorted(listed, key=lambda line: (line["due_last"] or line["due_first"] or "9999", line["key"]))


def named(to: list[Row]) -> str:
    """Those that something was given to, in one line."""
    return ", ".join(" ".join(str(one[name]) for name in NAMED if one[name]) for one in to)


def as_csv(lines: list[Row]) -> bytes:
    """The list as a spreadsheet reads it."""
    return to_csv(({**line, "to": named(line["to"])} for line in lines), COLUMNS)


def _line(given: Row, stage: Row, day: str, since: str) -> Row:
    names = ("due_written", "due_first", "due_last", "read_by", "repeats", "done")
    due = {name: stage.get(name) for name in names}
    if due["repeats"] and stage.get("done_on"):
        due["due_first"], due["due_last"] = None, _months_after(stage["done_on"], due["repeats"])
    of = ("assignment", "body", "what", "to", "matter", "status", "certainty", "valid")
    said = {name: given.get(name) for name in (*of, *DECIDED, "given_decision")}
    found = {
        "key": stage.get("key") or given["key"],
        "stage": stage.get("stage"),
        "due_what": stage.get("what"),
    }
    return {**said, **found, **due, "state": _state(given, due, day, since)}


def _state(given: Row, due: Row, day: str, since: str) -> str:
    if given["status"] in FINISHED and given["certainty"] == "stated":
        return "finished"
    if due["done"] and not (due["repeats"] and due["due_last"]):
        return "done"
    if given["status"] == "unknown":
        return "unknown"
    first, last = due["due_first"], due["due_last"]
    if first is None and last is None:
        return "unknown" if due["due_written"] else "open"
    if last is not None and day > last:
        return "unknown" if last < since else "overdue"
    return "due" if first is not None and day >= first else "open"


def _earlier(said: list[Row]) -> list[Row]:
    """The times that a stage slipped from: each as it was read last before it was moved."""
    times: list[Row] = []
    for one in said:
        shown = {"written": one["due_written"], "first": one["due_first"], "last": one["due_last"]}
        if one["moved"] or not times:
            times.append(shown)
        else:
            times[-1] = shown
    return times[:-1]


def _months_after(day: str, months: int) -> str:
    start = date.fromisoformat(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1])).isoformat()
