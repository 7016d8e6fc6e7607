"""A body as it stands: its regulation, its seats, who holds them on a day, and what its members have asked for.

- What a body must do stands in the regulation adopted for it, and every question about rules is asked of a day
  (husregel 11).
- A mandate is an assertion with its own start and end. Who holds a seat on a day is the mandate with the latest start
  on or before it, the later entered one if two start together; a January election entered after March's does not end
  it (husregel 12).
- Which words of the document take in which people is configured (husregel 13).
- Where a body stands in the tree is an assertion too, with its own start. A body whose parent nobody has stated is not
  one without a parent (Å3). What stands between bodies (linked, succeeded by, the same) is said, and how surely (H8).
- A chair by virtue of office is the chair of the body above, or holds the seat in it that the rule names (L5); any
  other holds the chair's seat in the body itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self, assert_never

from domain.body_events import (
    EVENTS,
    BodyEstablished,
    BodyOfficeNamed,
    BodyPlaced,
    BodyRelated,
    BodyStaffed,
    BodySteers,
    BodyStepRecorded,
    DemandJoined,
    DeviationAccepted,
    EventCounted,
    MandateEnded,
    MandateGiven,
    MeetingDemanded,
    MemberCoOpted,
    OccasionRecorded,
    RegulationAdopted,
    SeatAccepted,
    SeatDeclined,
    SeatOffered,
    ViceChairElected,
)
from domain.errors import Refused
from domain.messages import Destroyed, Fact, Known, State, World
from domain.regulation import Rules
from domain.rule_people import Word
from domain.sources import house
from domain.stated import Assignee

CHAIR_SEAT = "ordforande"
VICE_CHAIR = "vice-ordforande"


@dataclass(frozen=True, slots=True)
class Regulation:
    """An adopted regulation and the days it applies, the last one included (bestämmelser)."""

    regulation: str
    rules: Rules
    diarienummer: str
    adopted_by: str
    adopted_on: date | None
    valid_from: date
    valid_to: date | None
    non_working_days: frozenset[date]
    version: int

    def applies(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Holding:
    """Somebody's place in the body, from one day to another, the last one included (uppdrag).

    capacity is member, substitute, expert, invited, co-opted, or vice-chair, which is no seat of its own.
    """

    mandate: str
    person: str
    seat: str
    capacity: str
    valid_from: date
    valid_to: date | None
    version: int
    substitutes_for: str = ""
    organisation: str = ""

    def stands(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Placement:
    """The body above from a day, since ever if none is given; "" for none above (plats i trädet)."""

    valid_from: date | None
    parent: str
    version: int


@dataclass(frozen=True, slots=True)
class Officer:
    """Who speaks for the body or coordinates it (talesperson, samordnare)."""

    office: str
    holder: Assignee
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Offer:
    """An offered seat; answer is None until there is one (erbjuden plats)."""

    offer: str
    seat: str
    organisation: str
    to: Known | Destroyed | None
    accepted: bool | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A demand for a meeting: who stands behind it, and whether they were enough (begäran)."""

    demand: str
    subject: Known | Destroyed | None
    persons: tuple[str, ...]
    reached: bool


@dataclass(frozen=True, slots=True)
class Body(State):
    """A body as it stands (organ)."""

    STREAM = "body"

    name: str = ""
    kind: str = ""
    parent: str = ""
    placements: tuple[Placement, ...] = ()
    relations: tuple[BodyRelated, ...] = ()
    steps: tuple[BodyStepRecorded, ...] = ()
    offices: tuple[Officer, ...] = ()
    steers: tuple[BodySteers, ...] = ()
    regulations: tuple[Regulation, ...] = ()
    offers: Mapping[str, Offer] = field(default_factory=dict)
    mandates: tuple[Holding, ...] = ()
    demands: Mapping[str, Asked] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        return bool(self.name)

    @property
    def placed(self) -> str:
        """Whether it stands under another body, at the top, or nobody has said (unknown)."""
        return "unknown" if not self.placements else "under" if self.parent else "top"

    @property
    def succeeded_by(self) -> tuple[str, ...]:
        """The bodies that it is said to be, or perhaps to be, succeeded by."""
        return tuple(one.other for one in self.relations if one.relation == "succeeded-by")

    # --- questions about a day
    def parent_at(self, day: date) -> str:
        """The body above on a day: the placement with the latest start; "" if there is none or nobody has said."""
        standing = [one for one in self.placements if one.valid_from is None or one.valid_from <= day]
        latest = max(standing, key=_start, default=None)
        return latest.parent if latest else ""

    def regulation_at(self, day: date) -> Regulation | None:
        """The regulation in force: the one with the latest start, the later adopted if two start together."""
        standing = [regulation for regulation in self.regulations if regulation.applies(day)]
        return max(standing, key=lambda one: (one.valid_from, one.version), default=None)

    def rules_at(self, day: date) -> Rules | None:
        """The rules that apply on a day; None if nothing is adopted for it."""
        regulation = self.regulation_at(day)
        return regulation.rules.on(day) if regulation else None

    def holdings_at(self, day: date) -> tuple[Holding, ...]:
        """Every place held on a day; of one person's mandates for one seat, the one that started last."""
        latest: dict[tuple[str, str], Holding] = {}
        for one in sorted(self.mandates, key=lambda held: (held.valid_from, held.version)):
            if one.stands(day):
                latest[one.person, one.seat] = one
        return tuple(sorted(latest.values(), key=lambda held: held.version))

    def in_capacity(self, day: date, capacities: frozenset[str]) -> tuple[str, ...]:
        """The persons with a place in one of the capacities, each once, in the order they were entered."""
        return tuple(dict.fromkeys(one.person for one in self.holdings_at(day) if one.capacity in capacities))

    def counted_at(self, day: date, word: Word) -> tuple[str, ...]:
        """Who counts as members, representatives, recipients or participants that day (husregel 13)."""
        rules = self.rules_at(day)
        return self.in_capacity(day, rules.who(word) if rules else frozenset({"member"}))

    def members_at(self, day: date) -> tuple[str, ...]:
        return self.counted_at(day, "members")

    def holds(self, person: str, day: date) -> bool:
        """Whether a person has any place in the body on a day."""
        return any(one.person == person and one.stands(day) for one in self.mandates)

    def seated_at(self, day: date, seat: str) -> str:
        """The person on a seat that only one can hold: the mandate that started last; "" if nobody."""
        standing = [one for one in self.mandates if one.seat == seat and one.stands(day)]
        latest = max(standing, key=lambda one: (one.valid_from, one.version), default=None)
        return latest.person if latest else ""

    def chair_at(self, day: date, world: World) -> str:
        """The chair: by virtue of office that of the body above, else whoever holds the chair's seat; "" if unknown."""
        rules = self.rules_at(day)
        rule = rules.chair() if rules else None
        if rule is None or rule.kind != "ex-officio":
            return self.seated_at(day, rule.seat if rule else CHAIR_SEAT)
        if not (above := self.parent_at(day)):
            return ""
        body = world.get(Body, above)
        return body.chair_at(day, world) if rule.seat == CHAIR_SEAT else body.seated_at(day, rule.seat)

    def vice_chair_at(self, day: date) -> str:
        return self.seated_at(day, VICE_CHAIR)

    # --- folding
    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case BodyEstablished():
                begun = replace(self, name=event.name, kind=event.kind)
                return begun._placed(None, event.parent, fact.version) if event.parent else begun
            case BodyPlaced():
                return self._placed(event.valid_from, event.parent, fact.version)
            case BodyRelated():
                return replace(self, relations=(*self.relations, event))
            case BodyStepRecorded():
                return replace(self, steps=(*self.steps, event))
            case BodyOfficeNamed():
                officer = Officer(event.office, event.holder, event.valid_from, event.valid_to)
                same = (officer.office, officer.holder, officer.valid_from)
                others = tuple(
                    one for one in self.offices if (one.office, one.holder, one.valid_from) != same
                )
                return replace(self, offices=(*others, officer))
            case BodySteers():
                kept = tuple(one for one in self.steers if one.project != event.project)
                return replace(self, steers=(*kept, event))
            case RegulationAdopted():
                return replace(self, regulations=(*self.regulations, _regulation(event, fact.version)))
            case SeatOffered():
                offer = Offer(event.offer, event.seat, event.organisation, event.to)
                return replace(self, offers={**self.offers, event.offer: offer})
            case SeatAccepted() | SeatDeclined():
                asked = self.offers.get(event.offer) or Offer(event.offer, "", "", None)
                answered = replace(asked, accepted=isinstance(event, SeatAccepted))
                return replace(self, offers={**self.offers, event.offer: answered})
            case MandateGiven() | ViceChairElected() | MemberCoOpted() | BodyStaffed():
                return replace(self, mandates=(*self.mandates, _holding(event, fact.version)))
            case MandateEnded():
                mandates = tuple(
                    replace(one, valid_to=event.valid_to) if one.mandate == event.mandate else one
                    for one in self.mandates
                )
                return replace(self, mandates=mandates)
            case MeetingDemanded():
                demanded = Asked(event.demand, event.subject, event.persons, event.reached)
                return replace(self, demands={**self.demands, event.demand: demanded})
            case DemandJoined():
                before = self.demands.get(event.demand) or Asked(event.demand, None, (), event.reached)
                joined = replace(before, persons=(*before.persons, *event.persons), reached=event.reached)
                return replace(self, demands={**self.demands, event.demand: joined})
            case DeviationAccepted() | OccasionRecorded() | EventCounted():
                return self  # nothing is decided by it: it is shown beside what the rules ask
            case _:
                assert_never(event)

    def _placed(self, valid_from: date | None, parent: str | None, version: int) -> Self:
        placements = (*self.placements, Placement(valid_from, parent or "", version))
        return replace(self, placements=placements, parent=max(placements, key=_start).parent)


def _start(placement: Placement) -> tuple[date, int]:
    return placement.valid_from or date.min, placement.version


def _regulation(event: RegulationAdopted, version: int) -> Regulation:
    return Regulation(
        regulation=event.regulation,
        rules=Rules.from_content(event.content),
        diarienummer=event.diarienummer or "",
        adopted_by=event.adopted_by or "",
        adopted_on=event.adopted_on,
        valid_from=event.valid_from or event.adopted_on or date.max,  # one of the two is asked for
        valid_to=event.valid_to,
        non_working_days=frozenset(event.non_working_days),
        version=version,
    )


def _holding(event: MandateGiven | ViceChairElected | MemberCoOpted | BodyStaffed, version: int) -> Holding:
    held = Holding(event.mandate, event.person, "", "", event.valid_from, event.valid_to, version)
    match event:
        case MandateGiven():
            return replace(
                held, seat=event.seat, capacity=event.capacity, substitutes_for=event.substitutes_for or ""
            )
        case ViceChairElected():
            return replace(held, seat=VICE_CHAIR, capacity="vice-chair")
        case MemberCoOpted():
            return replace(held, seat=event.seat, capacity="co-opted", organisation=event.organisation)
        case BodyStaffed():
            return replace(held, seat=event.duty, capacity=event.capacity, organisation=event.organisation)
        case _:
            assert_never(event)


def rules_in_force(body: Body, day: date) -> Rules:
    """The rules of a day; without any, nothing that needs a rule can be done."""
    if (rules := body.rules_at(day)) is None:
        raise Refused("no-regulation", house(11), body=body.name, day=str(day))
    return rules
