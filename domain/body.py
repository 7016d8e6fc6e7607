"""A body: its regulation, its seats, who sits on them, and what its members ask for.

- What a body must do stands in the regulation adopted for it; the whole of its content is in the log, with the days on
  which it applies, and every question about rules is asked of a day (husregel 10).
- Where the regulation says that a seat must be offered, the offer is what is owed; the answer is free (L3).
- A mandate is an assertion with its own start and end. Who holds a seat on a day is the mandate with the latest start on
  or before it, the later entered one if two start together; a January election entered after March's does not end it
  (husregel 12).
- A chair by virtue of office is the chair of the body above (L5). A vice chair is chosen from within (L5): somebody who is
  no member that day cannot be.
- The chair may co-opt (L6, kan). Staffing with expertise is the duty of the one the regulation names (L4, L6).
- The body must meet if the share of its members that the regulation names asks for it; in L11 strictly more than half.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, assert_never

from pydantic import Field

from domain.errors import NotFound, Refused
from domain.messages import (
    Actor,
    Code,
    Command,
    Count,
    Diarienummer,
    Digest,
    Event,
    Fact,
    Id,
    Keep,
    Line,
    New,
    PublicName,
    Role,
    Sealed,
    SourcePart,
    State,
    World,
    free,
    fresh_id,
    stream,
)
from domain.sources import house

Capacity = Literal["member", "substitute", "expert", "invited"]
ARRANGES = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR, Role.SYSTEM})
ProfileText = Annotated[str, Field(min_length=1, max_length=200_000)]


# --- commands
class EstablishBody(Command):
    """Enter a body in the register."""

    STREAM = "body"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.REGISTRAR, Role.SYSTEM})

    body: Id = Field(default_factory=fresh_id)
    name: PublicName
    kind: Code
    parent: Id | None = None


class AdoptRegulation(Command):
    """Put a regulation in force: `profile` is its TOML text, non_working_days those of the years it is to cover."""

    STREAM = "body"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.REGISTRAR, Role.SYSTEM})

    body: Id
    regulation: Id = Field(default_factory=fresh_id)
    diarienummer: Diarienummer | None = None
    adopted_by: Id | None = None
    adopted_on: date
    valid_from: date | None = None
    valid_to: date | None = None
    profile: ProfileText
    non_working_days: list[date] = Field(default_factory=list, max_length=5_000)


class OfferSeat(Command):
    """Offer an organisation a seat."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    offer: Id = Field(default_factory=fresh_id)
    seat: Code
    organisation: PublicName
    to: Line | None = None


class AnswerSeatOffer(Command):
    """Record what an organisation answered to an offer."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    offer: Id
    accepted: bool


class GiveMandate(Command):
    """Record that a person sits in the body from a day."""

    STREAM = "body"
    ROLES = ARRANGES

    body: Id
    mandate: Id = Field(default_factory=fresh_id)
    person: Id
    seat: Code
    capacity: Capacity = "member"
    valid_from: date
    valid_to: date | None = None
    substitutes_for: Id | None = None


class EndMandate(Command):
    """Record the last day of a mandate."""

    STREAM = "body"
    ROLES = ARRANGES

    body: Id
    mandate: Id
    valid_to: date
    reason: Line | None = None


class ElectViceChair(Command):
    """Record that the body chose a vice chair from within."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    mandate: Id = Field(default_factory=fresh_id)
    person: Id
    meeting: Id | None = None
    valid_from: date
    valid_to: date | None = None


class CoOpt(Command):
    """The chair co-opts a representative of another authority."""

    STREAM = "body"
    ROLES = frozenset({Role.CHAIR})

    body: Id
    mandate: Id = Field(default_factory=fresh_id)
    person: Id
    organisation: PublicName
    seat: Code
    valid_from: date
    valid_to: date | None = None


class StaffBody(Command):
    """Record that the body was staffed with expertise, under one of the staffing duties of its regulation."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    mandate: Id = Field(default_factory=fresh_id)
    duty: Code
    person: Id
    organisation: PublicName
    valid_from: date
    valid_to: date | None = None


class DemandMeeting(Command):
    """Record that members ask for a meeting; a member asks for himself only, the secretary records for all."""

    STREAM = "body"
    ROLES = frozenset({Role.SECRETARY, Role.MEMBER})

    body: Id
    demand: Id = Field(default_factory=fresh_id)
    persons: list[Id] = Field(min_length=1, max_length=200)
    subject: Line


class JoinDemand(Command):
    """Record that more members stand behind a demand."""

    STREAM = "body"
    ROLES = frozenset({Role.SECRETARY, Role.MEMBER})

    body: Id
    demand: Id
    persons: list[Id] = Field(min_length=1, max_length=200)


# --- events
class BodyEvent(Event):
    STREAM = "body"


class BodyEstablished(BodyEvent):
    """A body was entered in the register (organ upplagt)."""

    TOPIC = "body-established.v1"

    body: Id
    name: PublicName
    kind: Code
    parent: Id | None


class RegulationAdopted(BodyEvent):
    """A regulation was put in force, with all of its content (bestämmelser antagna)."""

    TOPIC = "regulation-adopted.v1"

    body: Id
    regulation: Id
    diarienummer: Diarienummer | None
    adopted_by: Id | None
    adopted_on: date
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


COMMANDS = (
    EstablishBody,
    AdoptRegulation,
    OfferSeat,
    AnswerSeatOffer,
    GiveMandate,
    EndMandate,
    ElectViceChair,
    CoOpt,
    StaffBody,
    DemandMeeting,
    JoinDemand,
)
EVENTS = (
    BodyEstablished
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
)
