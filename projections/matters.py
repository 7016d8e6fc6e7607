"""Views of matters: what is dealt with, the numbers it is known under, and the documents registered in it.

- A voided matter keeps its number and stays here, marked as voided (husregel 20).
- Every number a matter is known under is a row, also in the form without spaces and capitals that it is looked up by.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain import matter as t
from domain.document import DocumentRegistered
from domain.grammar import normalised
from domain.numbering import ExternalNumberRecorded, SeriesOpened
from projections.view import Assert, Record, View, number, says, text


def _matter(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case t.MatterOpened():
            yield says(
                event.matter,
                matter=event.matter,
                body=event.body,
                diarienummer=event.diarienummer,
                title=event.title,
                external=event.external,
                status="open",
            )
        case t.MatterVoided():
            yield says(event.matter, matter=event.matter, status="voided", reason=event.reason)
        case t.MatterClosed():
            yield says(event.matter, matter=event.matter, status="closed")
        case _:
            pass


MATTER = View(
    "matter",
    1,
    frozenset({"matter"}),
    [
        text("matter"),
        text("body"),
        text("diarienummer"),
        text("title"),
        number("external"),
        text("status"),
        text("reason"),
    ],
    _matter,
    identity=("matter",),
    indexed=("body", "diarienummer"),
)


def _number(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case t.MatterOpened():
            diarienummer = event.diarienummer
            values: dict[str, object] = {"external": event.external, "alias": False}
        case t.AliasAdded():
            diarienummer, values = event.diarienummer, {"alias": True}
        case ExternalNumberRecorded():
            diarienummer, values = event.number, {"external": True, "given_by": event.given_by}
        case _:
            return
    looked_up = normalised(diarienummer)
    yield says(looked_up, number=looked_up, diarienummer=diarienummer, matter=event.matter, **values)


NUMBER = View(
    "number",
    1,
    frozenset({"matter", "external"}),
    [
        text("number"),
        text("diarienummer"),
        text("matter"),
        number("external"),
        number("alias"),
        text("given_by"),
    ],
    _number,
    identity=("number", "matter"),
)


def _series(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, SeriesOpened):
        yield says(
            record.fact.stream, body=event.body, year=event.year, pattern=event.pattern, first=event.first
        )


SERIES = View(
    "series",
    1,
    frozenset({"series"}),
    [text("body"), number("year"), text("pattern"), number("first")],
    _series,
    identity=("body",),
)


def _document(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, DocumentRegistered):
        yield says(
            event.document,
            document=event.document,
            matter=event.matter,
            title=event.title,
            media_type=event.media_type,
            size=event.size,
            file=event.file,
            direction=event.direction,
            date=event.date,
            sender=event.sender,
            secrecy=event.secrecy,
        )


DOCUMENT = View(
    "document",
    1,
    frozenset({"document"}),
    [
        text("document"),
        text("matter"),
        text("title"),
        text("media_type"),
        number("size"),
        text("file"),
        text("direction"),
        text("date"),
        text("sender"),
        text("secrecy"),
    ],
    _document,
    identity=("document", "matter"),
)

VIEWS = (MATTER, NUMBER, SERIES, DOCUMENT)
