"""What can be read of what follows from decisions: assignments, and the list of what to follow up.

- An assignment may be read by anyone with a role for the body that follows it up, or a seat in it.
- The list to follow up is worked out for a day, today unless said, from what was known and what was so.
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from api.reading import BodyId, Id, Limit, Offset, Reader, Routes, day, one, shown, some
from api.reads import Day
from domain.assignment import Assignment
from projections.following import follow_up

ID = "0123456789abcdef"
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
    found = [(id, reader.get(Assignment, id)[1]) for id in reader.ids(Assignment)]
    mine = {id: bool(reader.rights.roles(id)) for id in {state.body for _, state in found}}
    kept = [each for each in found if body in (None, each[1].body) and mine[each[1].body]]
    return some(request, kept, limit, offset, lambda each: {"id": each[0]} | shown(each[1]))


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
