"""What the rules ask of each body: the list, as of any day and as it was known at any position.

- It is for anyone with a role for the body, or a seat in it.
- What was worked out for all bodies is kept for the last questions asked, so that pages are turned at once. When more
  is shown, only the bodies that something happened to are worked out anew.
"""

from __future__ import annotations

from bisect import insort
from datetime import date
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response

from api.problems import Refusal
from api.reading import DAY, BodyId, Limit, Offset, Reader, Reading, Routes, day, shown, some
from api.reads import Day
from api.wiring import Municipality
from domain.body import Body
from projections.calendar import as_calendar, wheel
from projections.obligations import Obligation, Standing
from projections.owed import moved, order, owed, row

ID = "0123456789abcdef"
AHEAD = 30  # years, of which what is to come is listed
QUESTIONS = 3  # about different days, of which the list is kept
ROUTES = Routes()
add = ROUTES.add
Until = Annotated[
    str | None,
    Query(pattern=f"^{DAY}$", description="And what begins by this day; the day asked of if left out."),
]
Year = Annotated[int | None, Query(ge=1900, le=2999, description="The calendar year; this one if left out.")]
State = Annotated[Standing | None, Query(description="Only what stands so.")]


class Kept:
    """What was worked out of one registry for all bodies, for the last few questions about it."""

    def __init__(self) -> None:
        self._lists: dict[tuple[object, ...], tuple[int, list[Obligation]]] = {}

    def of(
        self, municipality: Municipality, day: date, at: int | None, until: date | None
    ) -> list[Obligation]:
        registry, views, key = municipality.registry, municipality.shown(at), (day, at, until)
        shown_to = min((one.position for one in municipality.projector.status().values()), default=0)
        upto, found = self._lists.pop(key, (-1, []))
        if upto != shown_to and (at is None or not 0 <= at <= upto):
            apart = upto >= 0 and at is None and not _together(found)
            anew = moved(views, upto, shown_to) if apart else None
            fresh = owed(registry, views, day, at, anew, until)
            found = fresh if anew is None else _put_in(found, fresh, anew)
        self._lists[key] = shown_to, found
        for earlier in list(self._lists)[:-QUESTIONS]:
            self._lists.pop(earlier, None)
        return found


def _together(found: list[Obligation]) -> bool:
    """Whether what one body does can fulfil what another is asked for."""
    dues = (rule.due for rule in {id(one.rule): one.rule for one in found}.values())
    return any(due.together_with for due in dues if due)


def _put_in(found: list[Obligation], fresh: list[Obligation], bodies: set[str]) -> list[Obligation]:
    """The list with what some bodies are asked for anew."""
    kept = [one for one in found if one.body not in bodies]
    for one in fresh:
        insort(kept, one, key=order)
    return kept


@ROUTES.get(
    "/obligations",
    "obligations",
    {
        "items": [
            {
                "id": f"{ID}/meetings-per-year/2027",
                "rule": "meetings-per-year",
                "last": "2027-12-31",
                "state": "due",
            }
        ],
        "total": 1,
    },
)
def obligations(
    request: Request,
    reader: Reader,
    body: BodyId = None,
    on: Day = None,
    until: Until = None,
    state: State = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """What every rule asks of the bodies, by when, what fulfils it, and how it stands on a day; soonest first."""
    reader.rights.register()
    found = [one for one in mine(request, reader, body, on, until) if state in (None, one.state)]
    return some(request, found, limit, offset, lambda one: shown(row(one)))


@ROUTES.get("/obligations/calendar", "obligations", media="text/calendar")
def obligations_calendar(
    request: Request, reader: Reader, body: BodyId = None, on: Day = None, until: Until = None
) -> Response:
    """The obligations that have a last day, as a calendar to subscribe to (iCalendar)."""
    reader.rights.register()
    found = mine(request, reader, body, on, until)
    municipality = reader.municipality
    names = {id: str(reader.get(Body, id)[1].name) for id in {one.body for one in found}}
    content = as_calendar(found, names, municipality.slug, municipality.registry.now())
    return Response(content, media_type="text/calendar; charset=utf-8")


@ROUTES.get(
    "/obligations/wheel",
    "obligations",
    {"year": 2027, "months": [{"month": 1, "items": []}], "without_a_last_day": []},
)
def obligations_wheel(
    request: Request, reader: Reader, year: Year = None, body: BodyId = None, on: Day = None
) -> Response:
    """The obligations of a year by the month of their last day: data for an annual wheel."""
    reader.rights.register()
    asked = year or reader.rights.today.year
    found = mine(request, reader, body, on, f"{asked}-12-31")
    return JSONResponse(shown(wheel(found, asked)))


def _near(asked: date, today: date, name: str) -> date:
    """A day as it is, if what is to come by then can be listed."""
    if asked.year > today.year + AHEAD:
        raise Refusal(422, "invalid-parameters", errors=[(name, "too_far_ahead", {"years": AHEAD})])
    return asked


def mine(
    request: Request, reader: Reading, body: str | None, on: str | None, until: str | None
) -> list[Obligation]:
    """The obligations of a body, or of all bodies that the reader has to do with."""
    today = reader.rights.today
    asked = _near(day(on, "on"), today, "on") if on else today
    later = _near(day(until, "until"), today, "until") if until else None
    municipality = reader.municipality
    if body is not None:
        reader.rights.body(body)
        return owed(municipality.registry, municipality.shown(reader.at), asked, reader.at, [body], later)
    kept: dict[str, Kept] = request.app.state.obligations
    found = kept[municipality.slug].of(municipality, asked, reader.at, later)
    if reader.rights.roles():
        return found
    having = {id for id in {one.body for one in found} if reader.rights.roles(id)}
    return [one for one in found if one.body in having]
