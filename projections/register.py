"""Views of the register: the registry itself, persons and what they may do, bodies, rules, seats, mandates, demands.

- Every rule of an adopted profile is a row with its value, modality, condition, bound and source, so that what nothing
  acts on (what the body is, what does not apply to it, how often it meets: L2, L7, L9, L10) is stored and shown too.
- A mandate has its own start and end; an end entered later is an assertion of its own (husregel 12).
- An offer is what is owed (L3): the row says when it was made, and what the answer was.
- Contact data are not here: they can be destroyed, and are read from the person's own stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from domain import body_events as b
from domain import person as p
from domain.municipality import DiaryChosen, RegistryOpened
from domain.regulation import Rules
from projections.view import Assert, Record, View, gone, listed, number, says, text
from signing.canonical import encode


# --- the registry and its persons
def _registry(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, RegistryOpened):
        yield says("registry", name=event.name, slug=event.slug, clock=event.clock)


REGISTRY = View(
    "registry",
    1,
    frozenset({"municipality"}),
    [text("name"), text("slug"), text("clock")],
    _registry,
)


def _person(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case p.PersonRegistered() | p.PersonRenamed():
            yield says(
                event.person,
                person=event.person,
                name=event.name,
                title=gone(event.title),
                organisation=gone(event.organisation),
            )
        case p.SigningPassphraseSet():
            yield says(event.person, person=event.person, passphrase=True)
        case _:
            pass


PERSON = View(
    "person",
    1,
    frozenset({"person"}),
    [text("person"), text("name"), text("title"), text("organisation"), number("passphrase")],
    _person,
    identity=("person",),
    by_start=True,
)


def _grant(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case p.RoleGranted():
            yield says(
                event.grant,
                grant=event.grant,
                person=event.person,
                role=event.role,
                body=event.body,
                valid_from=event.valid_from,
                valid_to=event.valid_to,
                ground=event.ground,
            )
        case p.RoleRevoked():
            yield says(event.grant, grant=event.grant, person=event.person, valid_to=event.valid_to)
        case _:
            pass


GRANT = View(
    "grant",
    1,
    frozenset({"person"}),
    [
        text("grant"),
        text("person"),
        text("role"),
        text("body"),
        text("valid_from"),
        text("valid_to"),
        text("ground"),
    ],
    _grant,
    identity=("grant", "person"),
    interval=True,
)


# --- bodies and their rules
def _body(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case b.BodyEstablished():
            placed = "under" if event.parent else "unknown"
            known = {"name": event.name, "kind": event.kind, "parent": event.parent, "placed": placed}
            yield says(event.body, body=event.body, **known)
        case b.BodyPlaced():
            placed = "under" if event.parent else "top"
            yield says(event.body, body=event.body, parent=gone(event.parent), placed=placed)
        case DiaryChosen():
            yield says(event.body, body=event.body, diary=event.mode, pattern=gone(event.pattern))
        case _:
            pass


BODY = View(
    "body",
    1,
    frozenset({"body", "municipality"}),
    [
        text("body"),
        text("name"),
        text("kind"),
        text("parent"),
        text("placed"),
        text("diary"),
        text("pattern"),
    ],
    _body,
    identity=("body",),
)


def _regulation(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.RegulationAdopted):
        head = event.content["profile"]
        yield says(
            event.regulation,
            regulation=event.regulation,
            body=event.body,
            title=head["title"],
            document=head["document"],
            diarienummer=event.diarienummer,
            adopted_by=event.adopted_by,
            adopted_on=event.adopted_on,
            valid_from=event.valid_from,
            valid_to=event.valid_to,
            unknown=head.get("unknown", []),
            note=head.get("note", ""),
            content_hash=event.content_hash,
            non_working_days=event.non_working_days,
        )


REGULATION = View(
    "regulation",
    1,
    frozenset({"body"}),
    [
        text("regulation"),
        text("body"),
        text("title"),
        text("document"),
        text("diarienummer"),
        text("adopted_by"),
        text("adopted_on"),
        text("valid_from"),
        text("valid_to"),
        listed("unknown"),
        text("note"),
        text("content_hash"),
        listed("non_working_days"),
    ],
    _regulation,
    identity=("regulation", "body"),
    indexed=("content_hash",),
    interval=True,
)


def _rule(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.RegulationAdopted):
        for rule in Rules.from_content(event.content):
            yield says(
                f"{event.regulation}/{rule.key}",
                regulation=event.regulation,
                body=event.body,
                content_hash=event.content_hash,
                rule=rule.id,
                value=encode(rule.value).decode(),
                modality=rule.modality,
                condition=rule.condition,
                bound=rule.bound,
                text=rule.text,
                note=rule.note,
                source_document=rule.source.document,
                source_section=rule.source.section,
                fact=rule.source.fact,
                valid_from=rule.valid_from or event.valid_from,
                valid_to=rule.valid_to or event.valid_to,
                adopted_on=event.adopted_on,
            )


RULE = View(
    "rule",
    1,
    frozenset({"body"}),
    [
        text("regulation"),
        text("body"),
        text("content_hash"),
        text("rule"),
        listed("value"),
        text("modality"),
        text("condition"),
        text("bound"),
        text("text"),
        text("note"),
        text("source_document"),
        text("source_section"),
        text("fact"),
        text("adopted_on"),
        text("valid_from"),
        text("valid_to"),
    ],
    _rule,
    identity=("regulation", "body", "rule"),
    indexed=("content_hash",),
    interval=True,
)


# --- seats, mandates, demands
def _seat(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case b.SeatOffered():
            yield says(
                event.offer,
                offer=event.offer,
                body=event.body,
                seat=event.seat,
                organisation=event.organisation,
                to=event.to,
                status="offered",
                source_document=event.source.document if event.source else None,
                source_section=event.source.section if event.source else None,
                fact=event.source.fact if event.source else None,
            )
        case b.SeatAccepted():
            yield says(event.offer, offer=event.offer, body=event.body, status="accepted")
        case b.SeatDeclined():
            yield says(event.offer, offer=event.offer, body=event.body, status="declined")
        case _:
            pass


SEAT = View(
    "seat",
    1,
    frozenset({"body"}),
    [
        text("offer"),
        text("body"),
        text("seat"),
        text("organisation"),
        text("to"),
        text("status"),
        text("source_document"),
        text("source_section"),
        text("fact"),
    ],
    _seat,
    identity=("offer", "body"),
)


def _mandate(record: Record) -> Iterator[Assert]:
    event = record.event
    if not isinstance(
        event, b.MandateGiven | b.MandateEnded | b.ViceChairElected | b.MemberCoOpted | b.BodyStaffed
    ):
        return
    whose = {"mandate": event.mandate, "body": event.body, "person": event.person}
    if isinstance(event, b.MandateEnded):
        yield says(event.mandate, **whose, valid_to=event.valid_to, reason=event.reason)
        return
    span = {"valid_from": event.valid_from, "valid_to": event.valid_to}
    match event:
        case b.MandateGiven():
            held = {
                "seat": event.seat,
                "capacity": event.capacity,
                "substitutes_for": event.substitutes_for,
            }
        case b.ViceChairElected():
            held = {"seat": "vice-ordforande", "capacity": "vice-chair", "meeting": event.meeting}
        case b.MemberCoOpted():
            held = {"seat": event.seat, "capacity": "co-opted", "organisation": event.organisation}
        case b.BodyStaffed():
            held = {"seat": event.duty, "capacity": event.capacity, "organisation": event.organisation}
        case _:
            assert_never(event)
    yield says(event.mandate, **whose, **held, **span)


MANDATE = View(
    "mandate",
    1,
    frozenset({"body"}),
    [
        text("mandate"),
        text("body"),
        text("person"),
        text("seat"),
        text("capacity"),
        text("organisation"),
        text("substitutes_for"),
        text("meeting"),
        text("valid_from"),
        text("valid_to"),
        text("reason"),
    ],
    _mandate,
    identity=("mandate", "body", "person"),
    interval=True,
)


def _demand(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case b.MeetingDemanded():
            subject: object = event.subject
        case b.DemandJoined():
            subject = None
        case _:
            return
    yield says(
        event.demand,
        demand=event.demand,
        body=event.body,
        subject=subject,
        members=event.members,
        needed=event.needed,
        reached=event.reached,
        source_document=event.source.document,
        source_section=event.source.section,
        fact=event.source.fact,
    )


DEMAND = View(
    "demand",
    1,
    frozenset({"body"}),
    [
        text("demand"),
        text("body"),
        text("subject"),
        number("members"),
        number("needed"),
        number("reached"),
        text("source_document"),
        text("source_section"),
        text("fact"),
    ],
    _demand,
    identity=("demand", "body"),
)


def _demander(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.MeetingDemanded | b.DemandJoined):
        for person in event.persons:
            yield says(f"{event.demand}/{person}", demand=event.demand, body=event.body, person=person)


DEMANDER = View(
    "demander",
    1,
    frozenset({"body"}),
    [text("demand"), text("body"), text("person")],
    _demander,
    identity=("demand", "body", "person"),
)

VIEWS = (
    REGISTRY,
    PERSON,
    GRANT,
    BODY,
    REGULATION,
    RULE,
    SEAT,
    MANDATE,
    DEMAND,
    DEMANDER,
)
