"""The papers as they can be fetched: kallelser, drafts, what is being signed, and what is sealed.

- Sealed minutes are handed out byte for byte as they were sealed, and never rendered again.
- While they are being signed, it is the file with the signatures so far.
- Before that, a version is printed anew from its event each time, and says on every page that it is a draft.
- A report is printed with what is known when it is asked for: where it was sent and under which number.
- A review is printed as of the last event that it takes in.
- A kallelse is printed from the event that it went out, so that it shows the agenda as it stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from eventsourcing.persistence import Notification

from api.prints import Prints
from api.sentences import texts
from api.wiring import Municipality
from domain.body import Body
from domain.errors import NotFound
from domain.meeting import Meeting
from domain.meeting_events import KallelseIssued
from domain.messages import Fact, stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesVersionMade
from domain.report import Report
from domain.report_events import ReportWritten
from domain.withholding import Items, withheld
from projections.paper import render
from projections.paper.kallelse import kallelse_sheet
from projections.paper.minutes import minutes_sheet, short_code
from projections.paper.report import report_sheet
from projections.paper.review import review_sheet
from projections.reading import position_at
from projections.review import Line
from registry.mapper import read_envelope
from signing.commitments import version_root
from signing.log import leaf_hash


def minutes_pdf(municipality: Municipality, id: str, minutes: Minutes, number: int) -> bytes:
    """The paper of a version, in the state that it is in."""
    if minutes.sealed and minutes.sealed.version == number:
        return municipality.files.get(minutes.sealed.file)
    if any(pin.version == number for pin in minutes.pins) and number == minutes.newest.version:
        return Prints(municipality).signed(id, number)
    for fact, stored in _facts(municipality, stream(Minutes, id)):
        if isinstance(fact.event, MinutesVersionMade) and fact.event.version == number:
            world, root = municipality.registry.world(fact.position), version_root(read_envelope(stored))
            example = municipality.settings.example
            return render(
                minutes_sheet(fact, world, municipality.name, example=example, root=root, draft=True)
            ).pdf
    raise NotFound("version", f"{id}/{number}")


def kallelse_pdf(
    municipality: Municipality, meeting: str, issue: int, at: int | None, hidden: Items
) -> bytes:
    """A kallelse as it went out; without what was said in it of items that are secret since."""
    for fact, stored in _facts(municipality, stream(Meeting, meeting), at):
        if isinstance(fact.event, KallelseIssued) and fact.event.issue == issue:
            world, code = (
                municipality.registry.world(fact.position),
                short_code(leaf_hash(stored.state).hex()),
            )
            example = municipality.settings.example
            seen = replace(fact, event=withheld(fact.event, hidden, minutes=False))
            return render(kallelse_sheet(seen, world, municipality.name, example=example, code=code)).pdf
    raise NotFound("kallelse", f"{meeting}/{issue}")


def report_pdf(municipality: Municipality, id: str, version: int, at: int | None) -> bytes:
    """A version of a report; until it is sent it says that it is a draft."""
    for fact, stored in _facts(municipality, stream(Report, id), at):
        if isinstance(fact.event, ReportWritten) and fact.event.version == version:
            world, code = municipality.registry.world(at), short_code(leaf_hash(stored.state).hex())
            example = municipality.settings.example
            return render(report_sheet(fact, world, municipality.name, example=example, code=code)).pdf
    raise NotFound("version", f"{id}/{version}")


def review_pdf(
    municipality: Municipality, body: str, year: int, day: date, known: int | None, lines: Sequence[Line]
) -> bytes:
    """The review of a body's year; its time and code are those of the last event it takes in."""
    position = position_at(municipality.registry, 2**53 if known is None else known)
    stored = municipality.registry.stored(max(1, position))
    if stored is None:
        raise NotFound("event", str(position))
    sheet = review_sheet(
        lines,
        municipality=municipality.name,
        body=municipality.registry.world(known).get(Body, body).name,
        year=year,
        day=day,
        position=position,
        recorded_at=municipality.registry.fact(stored).recorded_at,
        code=short_code(leaf_hash(stored.state).hex()),
        example=municipality.settings.example,
        findings={code: said["sv"] for code, said in texts("findings").items()},
    )
    return render(sheet).pdf


def _facts(municipality: Municipality, name: str, at: int | None = None) -> list[tuple[Fact, Notification]]:
    registry = municipality.registry
    return [(registry.fact(stored), stored) for stored in registry.recorder.select_stream(name, 0, at)]
