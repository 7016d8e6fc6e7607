"""How a body comes to be and who sits in it: the commands of the stream body-<id>.

- Rules are asked of the day on which something holds: a profile that cannot be read is refused, with its line
  (husregel 11).
- Where the regulation says that a seat must be offered, the offer is what is owed; the answer is free (L3).
- A vice chair is chosen from within (L5): somebody who is no member that day cannot be. A meeting that is named as
  having chosen is one of the body whose choice the rule says it is.
- The chair may co-opt where the regulation says so (L6, kan), and nobody else enters it then; where another decides,
  those who keep the register enter what was decided. Staffing with expertise is the duty of the one the regulation
  names (L4, L6).
- Somebody is a substitute for another person, who is in the register (husregel 15).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.body import Body, rules_in_force
from domain.body_events import (
    BodyEstablished,
    BodyStaffed,
    Capacity,
    MandateEnded,
    MandateGiven,
    MemberCoOpted,
    RegulationAdopted,
    SeatAccepted,
    SeatDeclined,
    SeatOffered,
    ViceChairElected,
)
from domain.errors import NotFound, Refused
from domain.lookup import day_of, existing, id_taken, in_order, known, news, unused
from domain.meeting import Meeting
from domain.messages import (
    Actor,
    Code,
    Command,
    Diarienummer,
    Id,
    Line,
    New,
    PublicName,
    Role,
    SourcePart,
    World,
    fresh_id,
)
from domain.person import Person
from domain.regulation import parse
from domain.rule_kinds import CO_OPT
from domain.sources import house

ARRANGES = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR, Role.SYSTEM})
ProfileText = Annotated[str, Field(min_length=1, max_length=200_000)]


# --- commands
class EstablishBody(Command):
    """Enter a body in the register (lägg upp organ)."""

    STREAM = "body"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.REGISTRAR, Role.SYSTEM})

    body: Id = Field(default_factory=fresh_id)
    name: PublicName
    kind: Code
    parent: Id | None = None


class AdoptRegulation(Command):
    """Put a regulation in force: `profile` is its TOML text, with the free days of its years (anta bestämmelser).

    part: which body of the profile it is, where there are several. rests_on: the texts of other profiles that it names.
    Where the day of adoption is not known, valid_from is the first day on which the regulation is known to apply.
    """

    STREAM = "body"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.REGISTRAR, Role.SYSTEM})

    body: Id
    regulation: Id = Field(default_factory=fresh_id)
    diarienummer: Diarienummer | None = None
    adopted_by: Id | None = None
    adopted_on: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    profile: ProfileText
    part: Code | None = None
    rests_on: list[ProfileText] = Field(default_factory=list, max_length=8)
    non_working_days: list[date] = Field(default_factory=list, max_length=5_000)


class OfferSeat(Command):
    """Offer an organisation a seat (erbjud plats)."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    offer: Id = Field(default_factory=fresh_id)
    seat: Code
    organisation: PublicName
    to: Line | None = None


class AnswerSeatOffer(Command):
    """Record what an organisation answered to an offer (svara på erbjudande)."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    offer: Id
    accepted: bool


class GiveMandate(Command):
    """Record that a person sits in the body from a day (ge uppdrag)."""

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
    """Record the last day of a mandate (avsluta uppdrag)."""

    STREAM = "body"
    ROLES = ARRANGES

    body: Id
    mandate: Id
    valid_to: date
    reason: Line | None = None


class ElectViceChair(Command):
    """Record that the body chose a vice chair from within (utse vice ordförande)."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    mandate: Id = Field(default_factory=fresh_id)
    person: Id
    meeting: Id | None = None
    valid_from: date
    valid_to: date | None = None


class CoOpt(Command):
    """Co-opt somebody from outside, as the regulation lets the chair or another do (adjungera)."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    mandate: Id = Field(default_factory=fresh_id)
    person: Id
    organisation: PublicName
    seat: Code
    valid_from: date
    valid_to: date | None = None


class StaffBody(Command):
    """Record that the body was staffed with expertise, under one of the staffing duties of its regulation (bemanna)."""

    STREAM = "body"
    ROLES = ARRANGES | {Role.CHAIR}

    body: Id
    mandate: Id = Field(default_factory=fresh_id)
    duty: Code
    person: Id
    organisation: PublicName
    valid_from: date
    valid_to: date | None = None


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
)


def decide(
    command: EstablishBody
    | AdoptRegulation
    | OfferSeat
    | AnswerSeatOffer
    | GiveMandate
    | EndMandate
    | ElectViceChair
    | CoOpt
    | StaffBody,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    id = command.body
    if isinstance(command, EstablishBody):
        return _establish(command, world)
    body = existing(world, Body, id)
    match command:
        case AdoptRegulation():
            return news(Body, id, _adopted(command, body, world))
        case OfferSeat():
            return news(Body, id, _offered(command, body, day_of(command, now)))
        case AnswerSeatOffer():
            if (offer := body.offers.get(command.offer)) is None:
                raise NotFound("offer", command.offer)
            if offer.accepted is command.accepted:
                return []
            answer = SeatAccepted if command.accepted else SeatDeclined
            return news(Body, id, answer(body=id, offer=command.offer))
        case GiveMandate():
            return news(Body, id, _given(command, body, world))
        case EndMandate():
            return news(Body, id, _ended(command, body))
        case ElectViceChair():
            return news(Body, id, _elected(command, body, world))
        case CoOpt():
            chairs = actor.mandate.role == Role.CHAIR or actor.person == body.chair_at(now.date(), world)
            return news(Body, id, _co_opted(command, body, world, chairs))
        case StaffBody():
            return news(Body, id, _staffed(command, body, world))
        case _:
            assert_never(command)


def _establish(command: EstablishBody, world: World) -> list[New]:
    unused(world, Body, command.body)
    if command.parent is not None:
        existing(world, Body, command.parent)
    established = BodyEstablished(
        body=command.body, name=command.name, kind=command.kind, parent=command.parent
    )
    return news(Body, command.body, established)


def _adopted(command: AdoptRegulation, body: Body, world: World) -> RegulationAdopted:
    if any(one.regulation == command.regulation for one in body.regulations):
        raise id_taken("regulation", command.regulation)
    if command.adopted_by is not None:
        existing(world, Body, command.adopted_by)
    if (applies_from := command.valid_from or command.adopted_on) is None:
        raise Refused("adopted-from-no-day", house(11))
    in_order(applies_from, command.valid_to)
    rules = parse(command.profile, command.part, *command.rests_on)
    return RegulationAdopted(
        body=command.body,
        regulation=command.regulation,
        diarienummer=command.diarienummer,
        adopted_by=command.adopted_by,
        adopted_on=command.adopted_on,
        valid_from=command.valid_from,
        valid_to=command.valid_to,
        content=dict(rules.content),
        content_hash=rules.hash,
        non_working_days=tuple(sorted(set(command.non_working_days))),
    )


def _offered(command: OfferSeat, body: Body, day: date) -> SeatOffered:
    if command.offer in body.offers:
        raise id_taken("offer", command.offer)
    rules = body.rules_at(day)
    owed = rules is not None and any(
        one.seat == command.seat and one.duty == "offer" for one in rules.seats()
    )
    return SeatOffered(
        body=command.body,
        offer=command.offer,
        seat=command.seat,
        organisation=command.organisation,
        to=known(command.to),
        source=SourcePart.of(rules.require("seats").source) if rules is not None and owed else None,
    )


def _place(command: GiveMandate | ElectViceChair | CoOpt | StaffBody, body: Body, world: World) -> None:
    """What every place asks for: an id of its own, a person, an end that comes after the start."""
    if any(one.mandate == command.mandate for one in body.mandates):
        raise id_taken("mandate", command.mandate)
    existing(world, Person, command.person)
    in_order(command.valid_from, command.valid_to)


def _given(command: GiveMandate, body: Body, world: World) -> MandateGiven:
    _place(command, body, world)
    if command.substitutes_for is not None:
        existing(world, Person, command.substitutes_for)
        if command.capacity != "substitute" or command.substitutes_for == command.person:
            raise Refused("substitute-for-whom", house(15))
    return MandateGiven(
        body=command.body,
        mandate=command.mandate,
        person=command.person,
        seat=command.seat,
        capacity=command.capacity,
        valid_from=command.valid_from,
        valid_to=command.valid_to,
        substitutes_for=command.substitutes_for,
    )


def _ended(command: EndMandate, body: Body) -> MandateEnded:
    held = next((one for one in body.mandates if one.mandate == command.mandate), None)
    if held is None:
        raise NotFound("mandate", command.mandate)
    in_order(held.valid_from, command.valid_to)
    return MandateEnded(
        body=command.body,
        mandate=command.mandate,
        person=held.person,
        valid_to=command.valid_to,
        reason=known(command.reason),
    )


def _elected(command: ElectViceChair, body: Body, world: World) -> ViceChairElected:
    _place(command, body, world)
    rules = body.rules_at(command.valid_from)
    rule = rules.vice_chair() if rules else None
    elects = existing(world, Meeting, command.meeting).body if command.meeting else None
    if rules and rule:
        source = rules.require("vice-chair").source
        if command.person not in body.counted_at(command.valid_from, rule.among):
            raise Refused("vice-chair-from-within", source, day=str(command.valid_from))
        elector = command.body if rule.elected_by == "body" else body.parent_at(command.valid_from)
        if elects is not None and elects != elector:
            raise Refused("elected-elsewhere", source, elects=world.get(Body, elector).name or "–")
    return ViceChairElected(
        body=command.body,
        mandate=command.mandate,
        person=command.person,
        meeting=command.meeting,
        valid_from=command.valid_from,
        valid_to=command.valid_to,
    )


def _co_opted(command: CoOpt, body: Body, world: World, chairs: bool) -> MemberCoOpted:
    _place(command, body, world)
    rules = rules_in_force(body, command.valid_from)
    rule, decides = rules.applying("co-opt"), rules.read(CO_OPT)
    if decides is not None and (decides.decides == "chair") != chairs:
        raise Refused("co-opted-by-another", rule.source, decides=decides.decides)
    return MemberCoOpted(
        body=command.body,
        mandate=command.mandate,
        person=command.person,
        organisation=command.organisation,
        seat=command.seat,
        valid_from=command.valid_from,
        valid_to=command.valid_to,
        source=SourcePart.of(rule.source),
    )


def _staffed(command: StaffBody, body: Body, world: World) -> BodyStaffed:
    _place(command, body, world)
    rules = rules_in_force(body, command.valid_from)
    duties = {staffing.duty: (rule, staffing) for rule, staffing in rules.staffing()}
    if command.duty not in duties:
        known_duties = ", ".join(duties)
        raise Refused("no-such-duty", house(17), duty=command.duty, duties=known_duties or "-")
    rule, staffing = duties[command.duty]
    return BodyStaffed(
        body=command.body,
        mandate=command.mandate,
        duty=command.duty,
        person=command.person,
        organisation=command.organisation,
        capacity=staffing.capacity,
        valid_from=command.valid_from,
        valid_to=command.valid_to,
        source=SourcePart.of(rule.source),
    )
