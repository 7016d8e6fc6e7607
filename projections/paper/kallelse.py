"""From a kallelse, as its event has it, to what stands on the paper."""

from __future__ import annotations

from domain.body import Body
from domain.matter import Matter
from domain.meeting import Meeting
from domain.meeting_events import AgendaEntry, KallelseIssued
from domain.messages import Fact, World
from domain.person import Person
from projections.paper import sheets
from projections.paper.minutes import CHECK
from projections.paper.words import joined, period_in_words, recorded, text


def kallelse_sheet(
    fact: Fact, world: World, municipality: str, *, example: bool, code: str
) -> sheets.Kallelse:
    """The sheet of an issued kallelse; world as of its position, code a short reference to the event."""
    event = fact.event
    assert isinstance(event, KallelseIssued)
    meeting = world.get(Meeting, fact.stream.partition("-")[2])
    body = world.get(Body, meeting.body)
    chair = body.chair_at(event.meeting_day, world)
    number = world.get(Matter, meeting.matter).diarienummer if meeting.matter else None
    enclosures = [
        sheets.Enclosure(
            number=f"{entry.number or entry.item}.{place}",
            title=text(document.title),
            status="Bilaggs" if document.enclosed else "Bilaggs ej",
        )
        for entry in event.agenda
        for place, document in enumerate(entry.documents, 1)
    ]
    return sheets.Kallelse(
        head=sheets.Head(
            letterhead=sheets.Letterhead(municipality=municipality, example=example),
            body=body.name,
            kind="Kallelse" if event.issue == 1 else f"Kallelse, utskick {event.issue}",
            date=event.meeting_day.isoformat(),
            diarienummer=number or "",
            short_code=code,
            recorded_at=recorded(fact.recorded_at),
            check=CHECK,
        ),
        time=period_in_words(event.starts, event.ends or ""),
        place=text(event.place) if event.place else None,
        called=tuple(_called(one.person, world) for one in event.recipients),
        agenda=tuple(_row(entry) for entry in event.agenda),
        enclosures=tuple(enclosures),
        hinder="Förhinder anmäls till sekreteraren, som kallar ersättare.",
        signed_place="",
        signed_date=event.sent_on.isoformat() if event.sent_on else None,
        chair=_name(chair, world) if chair else None,
        secretary=_name(fact.actor, world),
    )


def _row(entry: AgendaEntry) -> sheets.AgendaRow:
    parts = [joined(("–", text(part))) for part in entry.parts]
    return sheets.AgendaRow(
        number=entry.number or str(entry.item),
        title=joined((text(entry.title), *parts), "\n"),
        diarienummer=entry.diarienummer or "",
        presenter=text(entry.presenter) if entry.presenter is not None else "",
        time=entry.starts or "",
        enclosure=", ".join(
            f"{entry.number or entry.item}.{place}" for place in range(1, len(entry.documents) + 1)
        ),
    )


def _called(person: str, world: World) -> sheets.Attendee:
    found = world.get(Person, person)
    return sheets.Attendee(
        name=text(found.name) if found.name is not None else sheets.UNKNOWN,
        organisation=found.organisation or "",
        role=text(found.title) if found.title is not None else "",
    )


def _name(person: str, world: World) -> sheets.Text:
    found = world.get(Person, person)
    return text(found.name) if found.name is not None else sheets.UNKNOWN
