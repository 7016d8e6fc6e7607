"""What can be read of what follows from decisions: assignments, pictures and plans, reports.

- An assignment, an instrument or a report may be read by anyone with a role for the body that follows it up, or a
  seat in it. A report that was not sent is working material, for those who write it (TF 2:12).
- The list to follow up is worked out for a day, today unless said, from what was known and what was so.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import Query, Request
from fastapi.responses import Response

from api.papers import report_pdf
from api.problems import Refusal
from api.reading import BodyId, Id, Limit, Offset, Reader, Reading, Routes, day, one, shown, some
from api.reads import Day
from domain.assigning import FOLLOWS
from domain.assignment import Assignment
from domain.instrument import Instrument
from domain.report import Report
from projections.following import follow_up
from projections.renewing import renewals

ID = "0123456789abcdef"
S = TypeVar("S", Assignment, Instrument, Report)
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
    return some(request, _of_mine(reader, lines), limit, offset, shown)


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
    return some(request, _of_mine(reader, lines), limit, offset, shown)


@ROUTES.get("/reports", "reports", {"items": [{"id": ID, "body": ID, "versions": []}], "total": 1})
def reports(
    request: Request, reader: Reader, body: BodyId = None, limit: Limit = 20, offset: Offset = 0
) -> Response:
    """Reports of the bodies that you have to do with."""
    reader.rights.register()
    found = [each for each in _mine(reader, Report, body) if _readable(reader, each[1])]
    return some(request, found, limit, offset, _with_id)


@ROUTES.get(
    "/reports/{report:id}", "reports", {"id": ID, "body": ID, "matter": ID, "versions": [], "decisions": []}
)
def report(reader: Reader, report: Id) -> Response:
    """A report: its versions, where it was sent, what was decided and to whom that went."""
    version, state = reader.get(Report, report)
    _permitted(reader, state)
    return one(_with_id((report, state)), version)


@ROUTES.get("/reports/{report:id}/pdf", "reports", media="application/pdf")
def report_paper(
    reader: Reader, report: Id, version: Annotated[int | None, Query(ge=1, le=10_000)] = None
) -> Response:
    """The paper of a version, the newest if none is asked for."""
    state = reader.get(Report, report)[1]
    _permitted(reader, state)
    number = version or len(state.versions)
    content = report_pdf(reader.municipality, report, number, reader.at)
    name = f"tjansteskrivelse-{report}-{number}.pdf"
    return Response(
        content, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )


def _readable(reader: Reading, report: Report) -> bool:
    return bool(report.sent) or bool(reader.rights.roles(report.body) & FOLLOWS)


def _permitted(reader: Reading, report: Report) -> None:
    reader.rights.body(report.body)
    if not _readable(reader, report):
        raise Refusal(403, "reading-not-permitted", roles=", ".join(sorted(FOLLOWS)))


def _mine(reader: Reading, kind: type[S], body: str | None) -> list[tuple[str, S]]:
    """What there is of a kind, of the bodies that the reader has to do with."""
    found = [(id, reader.get(kind, id)[1]) for id in reader.ids(kind)]
    mine = {id: bool(reader.rights.roles(id)) for id in {state.body for _, state in found}}
    return [each for each in found if body in (None, each[1].body) and mine[each[1].body]]


def _of_mine(reader: Reading, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of no body, and those of the bodies that the reader has to do with."""
    mine = {id: bool(reader.rights.roles(id)) for id in {line["body"] for line in lines if line["body"]}}
    return [line for line in lines if line["body"] is None or mine[line["body"]]]


def _with_id(each: tuple[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = shown(each[1])
    return {"id": each[0]} | found
