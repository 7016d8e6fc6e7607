"""What can be read of what follows from decisions: assignments, pictures and plans, reports.

- An assignment, an instrument or a report may be read by anyone with a role for the body that follows it up, or a
  seat in it. A report that was not sent is working material, for those who write it (TF 2:12).
- The list to follow up is worked out for a day, today unless said, from what was known and what was so.
"""

from __future__ import annotations

from typing import Annotated, Any

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
from projections.view import Row

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
    return some(request, _mine(reader, "assignment", body), limit, offset, reader.whole(Assignment))


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
    lines = follow_up(reader.municipality.shown(reader.at), asked, reader.at, body)
    return some(request, reader.seen(lines), limit, offset, shown)


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
    return some(request, _mine(reader, "instrument", body), limit, offset, reader.whole(Instrument))


@ROUTES.get(
    "/instruments/{instrument:id}",
    "instruments",
    {"id": ID, "kind": "action-plan", "versions": [], "municipal_decision": None},
)
def instrument(reader: Reader, instrument: Id) -> Response:
    """A picture, a plan or the like; the municipality's own decision is null while it is not known."""
    version, state = reader.get(Instrument, instrument)
    reader.rights.body(state.body)
    decided = {"municipal_decision": shown(state.municipal_decision)}
    return one({"id": instrument} | shown(state) | decided, version)


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
    lines = renewals(reader.municipality.shown(reader.at), asked, reader.at, body)
    return some(request, reader.seen(lines), limit, offset, shown)


@ROUTES.get("/reports", "reports", {"items": [{"id": ID, "body": ID, "versions": []}], "total": 1})
def reports(
    request: Request, reader: Reader, body: BodyId = None, limit: Limit = 20, offset: Offset = 0
) -> Response:
    """Reports of the bodies that you have to do with."""
    reader.rights.register()
    found = _mine(reader, "office-report", body, "sent_version")
    writes = {id: bool(reader.rights.roles(id) & FOLLOWS) for id in {row["body"] for row in found}}
    readable = [row for row in found if row["sent_version"] is not None or writes[row["body"]]]
    return some(request, readable, limit, offset, reader.whole(Report))


@ROUTES.get(
    "/reports/{report:id}", "reports", {"id": ID, "body": ID, "matter": ID, "versions": [], "decisions": []}
)
def report(reader: Reader, report: Id) -> Response:
    """A report: its versions, where it was sent, what was decided and to whom that went."""
    version, state = reader.get(Report, report)
    _permitted(reader, state)
    return one({"id": report} | shown(state), version)


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


def _mine(reader: Reading, view: str, body: str | None, *columns: str) -> list[Row]:
    """The rows of a body, or of every body that the reader has to do with."""
    return reader.seen(reader.listed(view, "body", *columns, **({"body": body} if body else {})))
