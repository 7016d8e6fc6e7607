"""What may happen to a body: the events of the stream body-<id>.

- A regulation is in the log with the whole of its content and the calendar days it needs: nothing that folds events
  reads a file or a calendar.
- Persons stand here by id only. Why somebody left is free text under that person's key.
- What was decided under a rule carries the rule's source.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.messages import (
    Code,
    Count,
    Diarienummer,
    Digest,
    Event,
    Id,
    Keep,
    Position,
    PublicName,
    Sealed,
    SourcePart,
    free,
)
from domain.stated import Assignee, DecidedPart

Capacity = Literal["member", "substitute", "expert", "invited"]
Relation = Literal["linked", "succeeded-by", "same"]
RelationCertainty = Literal["stated", "possible", "unstated"]
Step = Literal["decided", "established", "staffed", "constituted", "ended"]
Office = Literal["spokesperson", "coordinator"]
Period = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,20}$")]  # as an obligation names it: 2027, 2027-Q1


class BodyEvent(Event):
    STREAM = "body"


class BodyEstablished(BodyEvent):
    """A body was entered in the register (organ upplagt)."""

    TOPIC = "body-established.v1"

    body: Id
    name: PublicName
    kind: Code
    parent: Id | None


class BodyPlaced(BodyEvent):
    """A body stands under another, or under none, from a day or since ever (organ infogat)."""

    TOPIC = "body-placed.v1"

    body: Id
    parent: Id | None
    valid_from: date | None


class BodyRelated(BodyEvent):
    """How a body stands to another: linked, succeeded by it, or the same (organs förhållande)."""

    TOPIC = "body-related.v1"

    body: Id
    other: Id
    relation: Relation
    certainty: RelationCertainty
    written: Annotated[Sealed, free()] | None
    valid_from: date | None


class BodyStepRecorded(BodyEvent):
    """A step in the life of a body: decided, established, staffed, constituted, ended (organs tillkomst)."""

    TOPIC = "body-step-recorded.v1"

    body: Id
    step: Step
    decided: DecidedPart | None
    instrument: Id | None


class BodyOfficeNamed(BodyEvent):
    """Somebody speaks for a body or coordinates it (talesperson, samordnare)."""

    TOPIC = "body-office-named.v1"

    body: Id
    office: Office
    holder: Assignee
    valid_from: date | None
    valid_to: date | None


class BodySteers(BodyEvent):
    """A body is the steering group of a project, whose follow-up it does (styrgrupp)."""

    TOPIC = "body-steers.v1"

    body: Id
    project: PublicName
    assignment: Id | None
    valid_from: date | None
    valid_to: date | None


class RegulationAdopted(BodyEvent):
    """A regulation was put in force, with all of its content (bestämmelser antagna).

    adopted_on is None where the day is not known; valid_from is then the first day on which it is known to apply.
    """

    TOPIC = "regulation-adopted.v1"

    body: Id
    regulation: Id
    diarienummer: Diarienummer | None
    adopted_by: Id | None
    adopted_on: date | None
    valid_from: date | None
    valid_to: date | None
    content: dict[str, Any]
    content_hash: Digest
    non_working_days: tuple[date, ...]


class SeatOffered(BodyEvent):
    """An organisation was offered a seat (plats erbjuden)."""

    TOPIC = "seat-offered.v1"

    body: Id
    offer: Id
    seat: Code
    organisation: PublicName
    to: Annotated[Sealed, free()] | None = None
    source: SourcePart | None


class SeatAccepted(BodyEvent):
    """An organisation accepted its seat (plats antagen)."""

    TOPIC = "seat-accepted.v1"

    body: Id
    offer: Id


class SeatDeclined(BodyEvent):
    """An organisation declined its seat (plats avböjd)."""

    TOPIC = "seat-declined.v1"

    body: Id
    offer: Id


class MandateGiven(BodyEvent):
    """A person sits in the body from a day (uppdrag givet)."""

    TOPIC = "mandate-given.v1"

    body: Id
    mandate: Id
    person: Id
    seat: Code
    capacity: Capacity
    valid_from: date
    valid_to: date | None
    substitutes_for: Id | None


class MandateEnded(BodyEvent):
    """A mandate has a last day (uppdrag upphört)."""

    TOPIC = "mandate-ended.v1"

    body: Id
    mandate: Id
    person: Id
    valid_to: date
    reason: Annotated[Sealed, free("person", Keep.REGISTER)] | None = None


class ViceChairElected(BodyEvent):
    """The body chose a vice chair from within (vice ordförande utsedd)."""

    TOPIC = "vice-chair-elected.v1"

    body: Id
    mandate: Id
    person: Id
    meeting: Id | None
    valid_from: date
    valid_to: date | None


class MemberCoOpted(BodyEvent):
    """The chair co-opted a representative (adjungerad)."""

    TOPIC = "member-co-opted.v1"

    body: Id
    mandate: Id
    person: Id
    organisation: PublicName
    seat: Code
    valid_from: date
    valid_to: date | None
    source: SourcePart


class BodyStaffed(BodyEvent):
    """The body was staffed with expertise (bemannat)."""

    TOPIC = "body-staffed.v1"

    body: Id
    mandate: Id
    duty: Code
    person: Id
    organisation: PublicName
    capacity: Code
    valid_from: date
    valid_to: date | None
    source: SourcePart


class MeetingDemanded(BodyEvent):
    """Members asked for a meeting: how many, of how many, and whether that is enough (sammanträde begärt)."""

    TOPIC = "meeting-demanded.v1"

    body: Id
    demand: Id
    persons: tuple[Id, ...]
    subject: Annotated[Sealed, free()]
    members: Count
    needed: Count
    reached: bool
    source: SourcePart


class DemandJoined(BodyEvent):
    """More members stand behind a demand; persons are those who joined (begäran biträdd)."""

    TOPIC = "demand-joined.v1"

    body: Id
    demand: Id
    persons: tuple[Id, ...]
    members: Count
    needed: Count
    reached: bool
    source: SourcePart


class DeviationAccepted(BodyEvent):
    """What a rule asked for in a stretch of time was not done, and that was accepted (avvikelse godtagen)."""

    TOPIC = "deviation-accepted.v1"

    body: Id
    rule: Code
    period: Period
    accepted_by: Annotated[Sealed, free()]
    reason: Annotated[Sealed, free()]
    source: SourcePart


class OccasionRecorded(BodyEvent):
    """Something that the rules speak of happened, which is no other event here (tillfälle antecknat)."""

    TOPIC = "occasion-recorded.v1"

    body: Id
    occasion: Code
    meeting: Id | None
    note: Annotated[Sealed, free()] | None
    source: SourcePart


class EventCounted(BodyEvent):
    """Something entered counts for a rule in a stretch of time (händelse räknad)."""

    TOPIC = "event-counted.v1"

    body: Id
    rule: Code
    period: Period
    positions: tuple[Position, ...]
    source: SourcePart


EVENTS = (
    BodyEstablished
    | BodyPlaced
    | BodyRelated
    | BodyStepRecorded
    | BodyOfficeNamed
    | BodySteers
    | RegulationAdopted
    | SeatOffered
    | SeatAccepted
    | SeatDeclined
    | MandateGiven
    | MandateEnded
    | ViceChairElected
    | MemberCoOpted
    | BodyStaffed
    | MeetingDemanded
    | DemandJoined
    | DeviationAccepted
    | OccasionRecorded
    | EventCounted
)
