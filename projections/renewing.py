"""What the law asks of picture and plan: decided, updated and followed up in time (2023:196 4–6 §§).

- The picture is to be updated and the plan followed up at least every second year (6 §). That is read as: no later than
  the same day two years after the last time (husregel 86). Where nothing is entered, or its time is not known, the
  answer is unknown, and never a failing.
- The plan is decided by the municipality (5 §): until that decision is entered it is unknown who decided it (Å5). No
  plan had to be decided before 2024-07-01.
- For days before the law was in force nothing applies, and no paragraph is cited.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa

from domain.sources import CRIME_PREVENTION
from projections.reading import rows
from projections.view import Row

YEARS = 2
NOT_YET = "övergångsbestämmelserna 2"  # until then no plan has to be decided
PICTURE, PLAN = "situation-picture", "action-plan"


def renewals(engine: sa.Engine, day: date, known: int | None = None, body: str | None = None) -> list[Row]:
    """What the law asks on a day of the pictures and plans there are; one row says so where there is none."""
    if day < CRIME_PREVENTION.in_force:
        return []
    true = day.isoformat()
    where = {"kind": [PICTURE, PLAN]} | ({"body": body} if body else {})
    found = rows(engine, "instrument", known, true, where)
    listed: list[Row] = []
    for one in _each(found, PICTURE):
        made = _of(engine, "instrument-version", one, known, true)
        listed.append(_line("picture-updated", "6 §", one, day, _last(made, day)))
    for one in _each(found, PLAN):
        decisions = _of(engine, "instrument-decision", one, known, true)
        decided = [each for each in decisions if each["by_municipality"] and each["act"] == "decided"]
        listed.append(_decided(one, day, decided))
        made = _of(engine, "instrument-version", one, known, true)
        followed = _of(engine, "instrument-follow-up", one, known, true)
        listed.append(_line("plan-followed-up", "6 §", one, day, _last(followed or decided or made, day)))
    return listed


def _each(found: Iterable[Row], kind: str) -> Iterable[Row | None]:
    """Those of a kind, or the one that nobody has entered."""
    return [one for one in found if one["kind"] == kind] or (None,)


def _of(engine: sa.Engine, view: str, one: Row | None, known: int | None, true: str) -> list[Row]:
    return rows(engine, view, known, true, {"instrument": one["instrument"]}) if one else []


def _last(done: Iterable[Row], day: date) -> str | None:
    """The last day on which it can have been done, as far as any of the times is known."""
    days = (one["happened_to"][:10] for one in done if one["happened_to"])
    return max((min(one, day.isoformat()) for one in days), default=None)


def _line(duty: str, section: str, one: Row | None, day: date, last: str | None) -> Row:
    until = _years_after(last) if last else None
    state = "unknown" if until is None else "overdue" if day.isoformat() > until else "done"
    return _said(duty, section, one, day) | {"last": last, "until": until, "state": state}


def _decided(one: Row | None, day: date, decided: list[Row]) -> Row:
    binds = day >= CRIME_PREVENTION.since("5 §")
    line = _said("plan-decided", "5 §" if binds else NOT_YET, one, day)
    if not binds and not decided:
        return line | {"last": None, "until": None, "state": "not-applicable"}
    last = decided[-1]["given_day"] or _last(decided, day) if decided else None
    return line | {"last": last, "until": None, "state": "done" if decided else "unknown"}


def _said(duty: str, section: str, one: Row | None, day: date) -> Row:
    source = CRIME_PREVENTION.at(section, day)
    named = ("instrument", "body", "title", "level")
    about = {name: one[name] if one else None for name in named}
    return {"duty": duty, **about, "source_document": source.document, "source_section": source.section}


def _years_after(day: str) -> str:
    start = date.fromisoformat(day)
    leap = (start.month, start.day) == (2, 29)
    return start.replace(year=start.year + YEARS, day=28 if leap else start.day).isoformat()
