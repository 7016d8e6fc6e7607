"""The auditor's review of a body's year: as JSON, as CSV, or as a paper to file (granskning).

- It is for those who examine the council and those who keep its register.
- The form is the one asked for by format; JSON if none is.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import JSONResponse, Response

from api.obligations import Year
from api.papers import review_pdf
from api.reading import Id, Reader, Routes, day, shown
from api.reads import Day
from domain.body import Body
from projections.review import as_csv, review, row

ID = "0123456789abcdef"
ROUTES = Routes()
add = ROUTES.add
Form = Annotated[Literal["json", "csv", "pdf"], Query(alias="format", description="The form of the answer.")]


@ROUTES.get(
    "/bodies/{body:id}/review",
    "obligations",
    {
        "body": ID,
        "year": 2027,
        "on": "2028-01-15",
        "items": [
            {"step": "notice", "observation": "Sänd 2027-03-01, 9 dagar före mötesdagen.", "assessment": ""}
        ],
    },
    also=("text/csv", "application/pdf"),
)
def body_review(reader: Reader, body: Id, year: Year = None, on: Day = None, form: Form = "json") -> Response:
    """What can be seen of each step of a body's year, by which criterion, with an empty assessment."""
    reader.rights.review(body)
    reader.get(Body, body)
    asked = day(on, "on") if on else reader.rights.today
    of, municipality = year or asked.year, reader.municipality
    lines = review(municipality.registry, municipality.shown(reader.at), body, of, asked, reader.at)
    name = {"Content-Disposition": f'inline; filename="granskning-{body}-{of}.{form}"'}
    if form == "csv":
        return Response(as_csv(lines), media_type="text/csv; charset=utf-8", headers=name)
    if form == "pdf":
        content = review_pdf(municipality, body, of, asked, reader.at, lines)
        return Response(content, media_type="application/pdf", headers=name)
    items = [shown(row(one)) for one in lines]
    return JSONResponse({"body": body, "year": of, "on": asked.isoformat(), "items": items})
