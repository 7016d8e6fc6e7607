"""Situation pictures, analyses, plans, agreements, pledges, dialogues and annual wheels, and how they hang together.

- A version says what it builds on: mapping, analysis, measures (H9), picture and plan (L7). What it builds on was there
  before it, so that nothing builds on itself.
- Who compiles a plan and who decides it are two things: the municipality decides the action plan (2023:196 5 §), a
  council may put it together, and each party decides measures in its own organisation (Å5). Until the municipality's
  decision is entered it is unknown.
- What documents say of one thing in different words stands side by side: proposed, treated, decided (V6, V10).
- A picture has a level, in its own words (Al7). A goal may be shared by several, an aim may be nobody's (H7).
- One dialogue may count for several years, and several for one (V6).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Self, assert_never

from domain.instrument_events import (
    EVENTS,
    Ground,
    InstrumentBegun,
    InstrumentCounted,
    InstrumentDecided,
    InstrumentFollowedUp,
    InstrumentPartAdded,
    InstrumentVersionMade,
)
from domain.messages import Destroyed, Fact, Known, State
from domain.stated import Assignee, DecidedPart, DuePart
from domain.when import Happened


@dataclass(frozen=True, slots=True)
class Edition:
    """A version as it was made (version)."""

    version: int
    made: str
    made_by: str
    document: str
    builds_on: tuple[Ground, ...]
    valid_from: date | None
    valid_to: date | None
    happened: Happened


@dataclass(frozen=True, slots=True)
class InstrumentPart:
    """A goal, a measure, an activity (del)."""

    part: int
    kind: str
    place: str
    what: Known | Destroyed
    owners: tuple[Assignee, ...]
    under: int | None
    due: DuePart | None
    assignment: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was done about it, and by which decision (beslut)."""

    number: int
    act: str
    version: int | None
    part: int | None
    organisation: str
    by_municipality: bool
    decided: DecidedPart
    effective: date | None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A follow-up of a version (uppföljning)."""

    number: int
    version: int
    text: Known | Destroyed | None
    document: str
    happened: Happened


@dataclass(frozen=True, slots=True)
class Instrument(State):
    """An instrument as it stands (lägesbild, plan, överenskommelse)."""

    STREAM = "instrument"

    body: str = ""
    kind: str = ""
    title: Known | Destroyed | None = None
    level: str = ""
    parties: tuple[str, ...] = ()
    matter: str = ""
    versions: tuple[Edition, ...] = ()
    parts: tuple[InstrumentPart, ...] = ()
    decisions: tuple[Resolution, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    counted: tuple[tuple[str, int], ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.body)

    @property
    def municipal_decision(self) -> Resolution | None:
        """The municipality's own decision, None while it is not known (2023:196 5 §)."""
        made = [one for one in self.decisions if one.by_municipality and one.act == "decided"]
        return made[-1] if made else None

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case InstrumentBegun():
                return replace(
                    self,
                    body=event.body,
                    kind=event.kind,
                    title=event.title,
                    level=event.level or "",
                    parties=event.parties,
                    matter=event.matter or "",
                )
            case InstrumentVersionMade():
                edition = Edition(
                    event.version,
                    event.made,
                    event.made_by or "",
                    event.document or "",
                    event.builds_on,
                    event.valid_from,
                    event.valid_to,
                    fact.happened,
                )
                return replace(self, versions=(*self.versions, edition))
            case InstrumentPartAdded():
                part = InstrumentPart(
                    event.part,
                    event.kind,
                    event.place or "",
                    event.what,
                    event.owners,
                    event.under,
                    event.due,
                    event.assignment or "",
                )
                return replace(self, parts=(*self.parts, part))
            case InstrumentDecided():
                made = Resolution(
                    event.number,
                    event.act,
                    event.version,
                    event.part,
                    event.organisation or "",
                    event.by_municipality,
                    event.decided,
                    event.effective,
                )
                return replace(self, decisions=(*self.decisions, made))
            case InstrumentFollowedUp():
                followed = FollowUp(
                    event.number, event.version, event.text, event.document or "", fact.happened
                )
                return replace(self, follow_ups=(*self.follow_ups, followed))
            case InstrumentCounted():
                counts = tuple((event.duty, year) for year in event.years)
                return replace(self, counted=tuple(dict.fromkeys((*self.counted, *counts))))
            case _:
                assert_never(event)
