"""The view "link": how things hang together, kept for the folds of the other views (tillhörighet).

- body-<id>: the rules of its latest regulation, each with its number in the list of facts.
- meeting-<id>, matter-<id>: its body. item-<meeting>/<n>: its matter ("" after it was taken away).
- assignment-<id>, instrument-<id>, report-<id>: the body that follows it up.
- minutes-<id>: their meeting and body, whether they are those of secret items, of the newest version its number, the
  items it covers and its offices, and the version whose render is pinned.
- signer-<minutes>/<office>: who is to sign. instead-<minutes>/<office>: who was put in the place of a hindered signer.
- approved-<minutes>/<version>: the offices that have approved.
- notification-<minutes>/<n>: the body it went to. findings-<meeting>: what was found against a rule, one row each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain import meeting_events as m
from domain import minutes_events as n
from domain.assignment_events import AssignmentGiven
from domain.body_events import RegulationAdopted, SeatOffered
from domain.instrument_events import InstrumentBegun
from domain.matter import MatterOpened
from domain.messages import Event, Finding
from domain.regulation import Rules
from domain.report_events import ReportWritten
from projections.view import GONE_TEXT, Assert, Record, View, listed, number, says, text


def findings_of(event: Event) -> tuple[Finding, ...]:
    """What an event records against a rule."""
    found: tuple[Finding, ...] = value_of(event, "findings") or ()
    return found


def value_of(event: Event, name: str) -> Any:
    """A field's value; None also where the event has no such field (asking an event itself for that takes long)."""
    return event.__dict__.get(name)


def meeting_of(record: Record) -> str | None:
    """The meeting that an event belongs to, if any."""
    event = record.event
    if (meeting := value_of(event, "meeting")) is not None and record.kind != "minutes":
        return str(meeting)
    if isinstance(event, n.MinutesVersionMade):
        return event.meeting
    if (minutes := value_of(event, "minutes")) is not None:
        found: str | None = record.linked(f"minutes-{minutes}", "meeting")
        return found
    return None


def signer_of(record: Record, minutes: str, signer: n.SignerField) -> str | None:
    """Who is to sign in a place for a signature: whoever was put in a hindered signer's place goes before."""
    instead: str | None = record.linked(f"instead-{minutes}/{signer.office}", "person")
    return instead or signer.person


def _fold(record: Record) -> Iterator[Assert]:
    event = record.event
    match event:
        case RegulationAdopted():
            facts = {rule.id: rule.source.fact for rule in Rules.from_content(event.content)}
            yield says(f"body-{event.body}", rules=facts)
        case SeatOffered():
            yield says(f"offered-{event.body}/{event.seat}", body=event.body)
        case MatterOpened():
            yield says(f"matter-{event.matter}", body=event.body)
        case AssignmentGiven() | InstrumentBegun() | ReportWritten():
            yield says(record.fact.stream, body=event.body)
        case m.MeetingScheduled():
            yield says(f"meeting-{event.meeting}", body=event.body)
        case m.ItemAdded() if event.matter:
            yield says(f"item-{event.meeting}/{event.item}", matter=event.matter)
        case m.ItemChanged() if event.matter or "matter" in event.removed:
            yield says(f"item-{event.meeting}/{event.item}", matter=event.matter or GONE_TEXT)
        case n.MinutesVersionMade():
            yield says(
                f"minutes-{event.minutes}",
                meeting=event.meeting,
                body=event.body,
                version=event.version,
                covers=event.covers,
                secret=event.secret,
                offices=[signer.office for signer in event.signers],
            )
            for signer in event.signers:
                person = signer_of(record, event.minutes, signer)
                yield says(f"signer-{event.minutes}/{signer.office}", person=person)
        case n.SignerReplaced():
            yield says(f"signer-{event.minutes}/{event.office}", person=event.person)
            yield says(f"instead-{event.minutes}/{event.office}", person=event.person)
        case n.RenderPinned():
            yield says(f"minutes-{event.minutes}", pinned=event.version)
        case n.MinutesApproved() | n.PaperApprovalRecorded():
            yield says(f"approved-{event.minutes}/{event.version}", office=event.office)
        case n.NotificationSent():
            yield says(f"notification-{event.minutes}/{event.notification}", body=event.to_body)
        case _:
            pass
    if (findings := findings_of(event)) and (meeting := meeting_of(record)):
        for finding in findings:
            yield says(f"findings-{meeting}", finding=finding.finding)


LINK = View(
    "link",
    1,
    frozenset({"body", "matter", "meeting", "minutes", "assignment", "instrument", "report"}),
    [
        text("body"),
        text("meeting"),
        text("matter"),
        number("version"),
        listed("covers"),
        listed("offices"),
        number("pinned"),
        number("secret"),
        listed("rules"),
        text("office"),
        text("person"),
        text("finding"),
    ],
    _fold,
)
