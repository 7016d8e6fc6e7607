"""What can be read of what follows from decisions: assignments and what to follow up in them, pictures and plans.

- An assignment or an instrument may be read by anyone with a role for the body that follows it up, or a seat in it.
- The list to follow up is worked out for a day, today unless said, from what was known and what was so.
"""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response

from api.reading import BodyId, Id, Limit, Offset, Reader, Reading, Routes, day, one, shown, some
from api.reads import Day
from domain.assignment import Assignment
from domain.instrument import Instrument
from projections.following import follow_up
from projections.renewing import renewals

ID = "0123456789abcdef"
S = TypeVar("S", Assignment, Instrument)
ROUTES = Routes()
add = ROUTES.add


@ROUTES.get(
    "/assignments",
    "assignments",
    {"items": [{"id": ID, "body": ID, "what": "Utred", "status": "open"}], "total": 1},
)
def assignments(
    request: Request, reader: Reader, body: BodyId = None, limit: Limit = 20, offset: Offset = 0
) -> Response:
    """Assignments of the bodies that you have to do with."""
    reader.rights.register()
    return some(request, _mine(reader, Assignment, body), limit, offset, _with_id)


@ROUTES.get(
    "/assignments/{assignment:id}",
    "assignments",
    {"id": ID, "body": ID, "what": "Utred", "status": "open", "stages": []},
)
def assignment(reader: Reader, assignment: Id) -> Response:
    """An assignment: who was given it, by which decision, what is due when, and what was reported."""
    version, state = reader.get(Assignment, assignment)
    reader.rights.body(state.body)
    content: dict[str, Any] = {"id": assignment} | shown(state)
    return one(content | {"finished": state.finished}, version)


@ROUTES.get(
    "/follow-up",
    "assignments",
    {
        "items": [{"assignment": ID, "stage": 1, "due_written": "före sommaren 2024", "state": "overdue"}],
        "total": 1,
    },
)
def follow_up_list(
    request: Request,
    reader: Reader,
    body: BodyId = None,
    on: Day = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """What is to be followed up on a day: open, due, overdue, or not known; what is due first first."""
    reader.rights.register()
    asked = day(on, "on") if on else reader.rights.today
    lines = follow_up(reader.municipality.views, asked, reader.at, body)
    mine = {id: bool(reader.rights.roles(id)) for id in {line["body"] for line in lines}}
    return some(request, [line for line in lines if mine[line["body"]]], limit, offset, shown)


@ROUTES.get(
    "/instruments",
    "instruments",
    {"items": [{"id": ID, "kind": "situation-picture", "title": "Läget"}], "total": 1},
)
def instruments(
    request: Request, reader: Reader, body: BodyId = None, limit: Limit = 20, offset: Offset = 0
) -> Response:
    """Pictures, plans, agreements and the like of the bodies that you have to do with."""
    reader.rights.register()
    return some(request, _mine(reader, Instrument, body), limit, offset, _with_id)


@ROUTES.get(
    "/instruments/{instrument:id}",
    "instruments",
    {"id": ID, "kind": "action-plan", "versions": [], "municipal_decision": None},
)
def instrument(reader: Reader, instrument: Id) -> Response:
    """A picture, a plan or the like; the municipality's own decision is null while it is not known."""
    version, state = reader.get(Instrument, instrument)
    reader.rights.body(state.body)
    content = _with_id((instrument, state)) | {"municipal_decision": shown(state.municipal_decision)}
    return one(content, version)


@ROUTES.get(
    "/renewals",
    "instruments",
    {
        "items": [{"duty": "picture-updated", "last": "2024-02-01", "until": "2026-02-01", "state": "done"}],
        "total": 1,
    },
)
def renewals_list(
    request: Request,
    reader: Reader,
    body: BodyId = None,
    on: Day = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """Whether picture and plan are decided, updated and followed up as the law asks, on a day; unknown is an answer."""
    reader.rights.register()
    asked = day(on, "on") if on else reader.rights.today
    lines = renewals(reader.municipality.views, asked, reader.at, body)
    mine = {id: bool(reader.rights.roles(id)) for id in {line["body"] for line in lines if line["body"]}}
    kept = [line for line in lines if line["body"] is None or mine[line["body"]]]
    return some(request, kept, limit, offset, shown)


def _mine(reader: Reading, kind: type[S], body: str | None) -> list[tuple[str, S]]:
    """What there is of a kind, of the bodies that the reader has to do with."""
    found = [(id, reader.get(kind, id)[1]) for id in reader.ids(kind)]
    mine = {id: bool(reader.rights.roles(id)) for id in {state.body for _, state in found}}
    return [each for each in found if body in (None, each[1].body) and mine[each[1].body]]


def _with_id(each: tuple[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = shown(each[1])
    return {"id": each[0]} | found
