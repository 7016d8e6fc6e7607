"""What may happen to an instrument: the events of the stream instrument-<id>.

- An instrument is a picture, an analysis, a plan, an agreement or the like. Its versions, parts, decisions and
  follow-ups are numbered and stay; a new version changes nothing in the one before it.
- The wordings of the documents are free text under the instrument's own key; organisations, days and numbers are plain.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from domain.meeting_events import Number
from domain.messages import Code, Event, Id, Part, PublicName, Sealed, free
from domain.stated import Assignee, DecidedPart, DuePart

Kind = Literal[
    "mapping",
    "situation-picture",
    "cause-analysis",
    "action-plan",
    "agreement",
    "citizen-pledge",
    "operational-plan",
    "activity-plan",
    "dialogue",
    "annual-wheel",
    "evaluation",
    "other-plan",
]
Made = Literal["drawn-up", "updated", "compiled", "concluded", "presented"]
Act = Literal["proposed", "treated", "decided", "decided-to-carry-out", "noted"]
PartKind = Literal["goal", "aim", "measure", "activity", "pledge", "data-source", "purpose", "area"]
Place = Annotated[str, Field(max_length=40, pattern=r"^[0-9A-Za-zÅÄÖåäö][0-9A-Za-zÅÄÖåäö .:-]*$")]
Year = Annotated[int, Field(ge=1900, le=2999)]


class Ground(Part):
    """A version of an instrument that another version builds on (underlag)."""

    instrument: Id
    version: Number


class InstrumentEvent(Event):
    STREAM = "instrument"


class InstrumentBegun(InstrumentEvent):
    """A picture, a plan, an agreement or the like was entered (instrument upplagt)."""

    TOPIC = "instrument-begun.v1"

    instrument: Id
    body: Id
    kind: Kind
    title: Annotated[Sealed, free()]
    level: PublicName | None
    parties: tuple[PublicName, ...]
    matter: Id | None


class InstrumentVersionMade(InstrumentEvent):
    """A version was drawn up, updated, compiled, concluded or presented (version av instrument)."""

    TOPIC = "instrument-version-made.v1"

    instrument: Id
    version: Number
    made: Made
    made_by: PublicName | None
    document: Id | None
    builds_on: tuple[Ground, ...]
    valid_from: date | None
    valid_to: date | None


class InstrumentPartAdded(InstrumentEvent):
    """A goal, a measure, an activity or the like stands in an instrument (del av instrument)."""

    TOPIC = "instrument-part-added.v1"

    instrument: Id
    part: Number
    kind: PartKind
    place: Place | None
    what: Annotated[Sealed, free()]
    owners: tuple[Assignee, ...]
    under: Number | None
    due: DuePart | None
    assignment: Id | None


class InstrumentDecided(InstrumentEvent):
    """What a body or an organisation did about an instrument, or a part of it (beslut om instrument)."""

    TOPIC = "instrument-decided.v1"

    instrument: Id
    number: Number
    act: Act
    version: Number | None
    part: Number | None
    organisation: PublicName | None
    by_municipality: bool
    decided: DecidedPart
    effective: date | None


class InstrumentFollowedUp(InstrumentEvent):
    """A version was followed up (uppföljning av instrument)."""

    TOPIC = "instrument-followed-up.v1"

    instrument: Id
    number: Number
    version: Number
    text: Annotated[Sealed, free()] | None
    document: Id | None


class InstrumentCounted(InstrumentEvent):
    """What was done counts for a duty in some years (fullgör skyldighet)."""

    TOPIC = "instrument-counted.v1"

    instrument: Id
    duty: Code
    years: tuple[Year, ...]


EVENTS = (
    InstrumentBegun
    | InstrumentVersionMade
    | InstrumentPartAdded
    | InstrumentDecided
    | InstrumentFollowedUp
    | InstrumentCounted
)
