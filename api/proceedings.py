"""What can be read of meetings and of their minutes, and the papers of both.

- A meeting is shown with all that is recorded about it, now or as of a position.
- Versions of minutes are working material until the minutes are done (api/rights.py); then the version that was sealed
  may be read by anyone who may read the meeting, and the earlier ones still only by those who wrote and approved.
- Minutes of secret items are for those who may read what is secret at the meeting, in every version.
- Return comments are never shown to anyone else.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import Response

from api.differences import differences
from api.papers import kallelse_pdf, minutes_pdf
from api.reading import LONGEST, BodyId, Id, Limit, Offset, Reader, Reading, Routes, day, one, shown, some
from api.reads import Day
from domain.errors import NotFound
from domain.meeting import Meeting
from domain.minutes import Minutes, Version
from projections.recipients import recipients

ID = "0123456789abcdef"
PDF = "application/pdf"
Number = Annotated[int, Path(ge=1, le=10_000, description="A version's number.", examples=[2])]
ROUTES = Routes()
add = ROUTES.add


# --- meetings
@ROUTES.get(
    "/meetings", "meetings", {"items": [{"id": ID, "body": ID, "starts": "2027-05-12T13:00"}], "total": 1}
)
def meetings(
    request: Request, reader: Reader, body: BodyId = None, limit: Limit = 20, offset: Offset = 0
) -> Response:
    """Meetings of the bodies that you have to do with, the latest first."""
    reader.rights.register()
    found = reader.seen(reader.listed("meeting", "body", "starts", **({"body": body} if body else {})))
    found.sort(key=lambda row: row["starts"], reverse=True)
    return some(
        request, found, limit, offset, lambda row: _short(row["key"], reader.get(Meeting, row["key"])[1])
    )


def _short(id: str, state: Meeting) -> dict[str, Any]:
    return {
        "id": id,
        "body": state.body,
        "title": shown(state.title),
        "starts": state.starts,
        "place": shown(state.place),
        "cancelled": state.cancelled,
        "held": state.opened is not None,
        "minutes": [each.minutes for each in state.minutes],
    }


@ROUTES.get(
    "/meetings/{meeting:id}",
    "meetings",
    {"id": ID, "body": ID, "starts": "2027-05-12T13:00", "agenda": [1, 2]},
)
def meeting(reader: Reader, meeting: Id) -> Response:
    """A meeting with all that is recorded about it."""
    version, state = reader.get(Meeting, meeting)
    reader.rights.meeting(state)
    return one({"id": meeting} | shown(state) | {"agenda": [item.item for item in state.agenda]}, version)


@ROUTES.get("/meetings/{meeting:id}/kallelse.pdf", "meetings", media=PDF)
def kallelse(reader: Reader, meeting: Id, issue: Annotated[int, Query(ge=1, le=10_000)] = 1) -> Response:
    """A kallelse as it went out."""
    state = reader.get(Meeting, meeting)[1]
    reader.rights.meeting(state)
    return _paper(
        kallelse_pdf(reader.municipality, meeting, issue, reader.at, reader.hidden(meeting)),
        f"kallelse-{meeting}-{issue}.pdf",
    )


# --- minutes
@ROUTES.get("/minutes/{minutes:id}", "minutes", {"id": ID, "meeting": ID, "newest": 2, "approved": False})
def minutes(reader: Reader, minutes: Id) -> Response:
    """Minutes: versions, approvals, seal, sending and notification."""
    at, state = reader.get(Minutes, minutes)
    reader.rights.minutes(state)
    content = {"id": minutes} | shown(state)
    content |= {
        "newest": state.newest.version,
        "covers": list(state.covers),
        "word": state.newest.word,
        "versions": [{"version": each.version, "base": each.base} for each in state.versions],
        "signers": shown(state.signers),
        "approved": state.approved,
        "finished": state.finished,
    }
    if not reader.rights.works_on(state):
        del content["returned"]
    return one(content, at)


@ROUTES.get(
    "/minutes/{minutes:id}/recipients",
    "minutes",
    {
        "items": [
            {"item": 5, "recipient": "Nämnder", "which": "all", "bodies": [ID], "stage": "left", "left": [ID]}
        ],
        "total": 1,
    },
)
def minutes_recipients(request: Request, reader: Reader, minutes: Id, on: Day = None) -> Response:
    """To whom the minutes and their decisions go, groups and offices as they are on a day, and what has gone out."""
    reader.rights.minutes(reader.get(Minutes, minutes)[1])
    municipality, asked = reader.municipality, day(on, "on") if on else reader.rights.today
    found = recipients(municipality.registry, municipality.shown(reader.at), minutes, asked, reader.at)
    return some(request, found, LONGEST, 0, shown)


def _version(reader: Reading, minutes: str, number: int) -> tuple[int, Version]:
    at, state = reader.get(Minutes, minutes)
    done = state.done and number == state.newest.version
    reader.rights.minutes(state, working=not done)
    for each in state.versions:
        if each.version == number:
            if not state.secret:  # a draft from before a mark holds what is secret now
                reader.rights.drafted(state, each)
            return at, each
    raise NotFound("version", f"{minutes}/{number}")


@ROUTES.get(
    "/minutes/{minutes:id}/versions/{version:int}",
    "minutes",
    {"version": 2, "statements": [], "texts": {"1": "…"}},
)
def version(reader: Reader, minutes: Id, version: Number) -> Response:
    """One version, whole. Until the minutes are done it is for those who write and approve them."""
    at, found = _version(reader, minutes, version)
    return one({"minutes": minutes} | shown(found), at)


@ROUTES.get(
    "/minutes/{minutes:id}/versions/{version:int}/diff",
    "minutes",
    {"from": 1, "to": 2, "changes": [{"place": "texts/1", "words": [["+", "Rådet"]]}]},
)
def diff(
    reader: Reader,
    minutes: Id,
    version: Number,
    since: Annotated[int | None, Query(alias="from", ge=1, le=10_000)] = None,
) -> Response:
    """What differs from another version (its base, unless said), word by word."""
    at, newer = _version(reader, minutes, version)
    older = since or newer.base
    before = _version(reader, minutes, older)[1] if older else None
    return one({"from": older, "to": version, "changes": differences(before, newer)}, at)


@ROUTES.get("/minutes/{minutes:id}/pdf", "minutes", media=PDF)
def pdf(
    reader: Reader, minutes: Id, version: Annotated[int | None, Query(ge=1, le=10_000)] = None
) -> Response:
    """The paper: sealed, with the signatures so far, or as a draft that says so on every page."""
    state = reader.get(Minutes, minutes)[1]
    number = version or state.newest.version
    _version(reader, minutes, number)
    return _paper(minutes_pdf(reader.municipality, minutes, state, number), f"{minutes}-{number}.pdf")


def _paper(content: bytes, name: str) -> Response:
    return Response(
        content, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'}
    )
