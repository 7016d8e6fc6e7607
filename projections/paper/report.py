"""From a version of a report, as its event has it, to what stands on the paper (tjänsteskrivelse).

- A consequence that there is none of prints "Inga", one that nobody has stated prints that it is not known (V2).
- An undated report says so; where it is not known whether somebody signed, the paper says that (V1).
- A report that was not yet sent is a draft, and says so on every page.
"""

from __future__ import annotations

from domain.body import Body
from domain.matter import Matter
from domain.messages import Fact, Sealed, World
from domain.report import Report
from domain.report_events import SUBJECTS, ReportWritten
from projections.paper import sheets
from projections.paper.minutes import CHECK
from projections.paper.words import recorded, text

NONE, UNDATED = "Inga.", "odaterad"
SUBJECT_WORDS = {
    "economy": "Ekonomi",
    "environment": "Miljö",
    "citizens": "Medborgare",
    "children": "Barn",
}
SIGNED_WORDS = {
    "signed": "Undertecknad",
    "unsigned": "",
    "unknown": "Om handlingen är undertecknad är inte känt.",
}


def report_sheet(fact: Fact, world: World, municipality: str, *, example: bool, code: str) -> sheets.Report:
    """The sheet of a version; world as of the reading, so that the matter and the sending show."""
    event = fact.event
    assert isinstance(event, ReportWritten)
    report = world.get(Report, event.report)
    sent = [one for one in report.sent if one.version == event.version]
    number = world.get(Matter, report.matter).diarienummer if report.matter else ""
    said = {one.subject: one for one in event.consequences}
    to = world.get(Body, sent[-1].to_body).name if sent else _text(event.addressee)
    facts = (("Handläggare", _text(event.officer)), ("Avdelning", event.department), ("Till", to))
    sections = (
        ("Beslutsnivå", event.decision_level),
        ("Sammanfattning", _text(event.summary)),
        ("Bakgrund", _text(event.background)),
        ("Ärendebeskrivning", _text(event.description)),
        ("Bedömning", _text(event.assessment)),
    )
    return sheets.Report(
        head=sheets.Head(
            letterhead=sheets.Letterhead(municipality=municipality, example=example),
            body=world.get(Body, event.body).name,
            kind="Tjänsteskrivelse",
            date=event.day.isoformat() if event.day else UNDATED,
            diarienummer=number,
            short_code=code,
            recorded_at=recorded(fact.recorded_at),
            draft=not sent,
            draft_text="UTKAST – ej sänt",
            check=CHECK,
        ),
        facts=tuple(sheets.Fact(label=label, value=value) for label, value in facts if value),
        subject=text(event.title),
        proposal=tuple(text(point) for point in event.proposal),
        sections=tuple(sheets.Fact(label=label, value=value) for label, value in sections if value),
        consequences=tuple(
            sheets.Fact(label=word, value=_consequence(said[subject].text) if subject in said else None)
            for subject, word in ((one, SUBJECT_WORDS[one]) for one in SUBJECTS)
        ),
        enclosures=tuple(
            sheets.Enclosure(
                number=str(place), title=text(one.title), status="Bilaggs" if one.enclosed else "Bilaggs ej"
            )
            for place, one in enumerate(event.enclosures, 1)
        ),
        dispatch=tuple(text(to) for to in event.dispatch),
        signed=SIGNED_WORDS[event.signed],
        signatories=tuple(
            sheets.Attendee(name=text(one.name), role=one.title or "") for one in event.signatories
        ),
    )


def _text(value: Sealed | None) -> sheets.Text:
    return "" if value is None else text(value)


def _consequence(value: Sealed | None) -> sheets.Text:
    return NONE if value is None else text(value)
