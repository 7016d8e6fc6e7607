"""On what ground meetings and minutes refuse, and how they record what was not as it should be.

- A rule of the body's own regulation is cited where there is one; where there is none, the house rule beside it.
- Nothing more is entered about a meeting that was cancelled (husregel 30).
- Once the minutes that cover an item are approved, the meeting's record of it stands: what was wrong is put right by a
  correction (husregel 40). What concerns the meeting as a whole stands once the minutes of the whole are approved.
- Who acts as a member acts for himself only (husregel 35).
"""

from datetime import date

from domain.body import Body
from domain.errors import NotFound, Refused
from domain.lookup import existing
from domain.meeting import Meeting
from domain.meeting_parts import Item
from domain.messages import Actor, Finding, Role, SecrecyMark, SourcePart, World
from domain.minutes import Minutes
from domain.person import Person
from domain.regulation import Rules
from domain.sources import Source, house


def rules_of(meeting: Meeting, world: World) -> Rules | None:
    """The rules of the body on the meeting day."""
    return world.get(Body, meeting.body).rules_at(meeting.day)


def source(rules: Rules | None, rule: str, otherwise: int) -> Source:
    """Where a rule stands: in the regulation, or as a house rule."""
    found = rules.get(rule) if rules else None
    return found.source if found else house(otherwise)


def source_part(rules: Rules | None, rule: str) -> SourcePart | None:
    """The source of a rule, if the regulation has it."""
    found = rules.get(rule) if rules else None
    return SourcePart.of(found.source) if found else None


def house_finding(finding: str, number: int, expected: str, observed: str) -> Finding:
    """Something against a house rule (iakttagelse)."""
    return Finding(
        finding=finding,
        rule=f"house-{number}",
        modality="husregel",
        expected=expected,
        observed=observed,
        source=SourcePart.of(house(number)),
    )


def finding(finding: str, rules: Rules, rule: str, expected: str, observed: str) -> Finding:
    """Something against a rule of the regulation (iakttagelse)."""
    found = rules.require(rule)
    return Finding(
        finding=finding,
        rule=rule,
        modality=found.modality,
        expected=expected,
        observed=observed,
        source=SourcePart.of(found.source),
    )


def standing(world: World, meeting_id: str) -> Meeting:
    """A meeting that exists and was not cancelled."""
    meeting = existing(world, Meeting, meeting_id)
    if meeting.cancelled:
        raise Refused("meeting-cancelled", house(30), day=str(meeting.day))
    return meeting


def opened(meeting: Meeting) -> None:
    """Refuse what is entered under a meeting that has not been opened."""
    if meeting.opened is None:
        raise Refused("meeting-not-opened", house(36), day=str(meeting.day))


def item_of(meeting: Meeting, item: int) -> Item:
    """An item that stands on the agenda."""
    found = meeting.item(item)
    if found is None:
        raise NotFound("item", str(item))
    if found.withdrawn:
        raise Refused("item-withdrawn", house(31))
    return found


def not_secret(meeting: Meeting, decision: int) -> None:
    """Refuse what would carry a secret decision elsewhere."""
    item = next((one.item for one in meeting.decisions if one.number == decision), 0)
    if (found := meeting.item(item)) and found.secrecy:
        raise Refused("decision-is-secret", house(114), item=meeting.number(item))


def kept_apart(minutes: Minutes, world: World) -> tuple[SecrecyMark, ...]:
    """The marks of the items that secret minutes cover, each once, as far as they have not been lifted."""
    if not minutes.secret:
        return ()
    marks = (one.secrecy for one in world.get(Meeting, minutes.meeting).items if one.item in minutes.covers)
    return tuple(dict.fromkeys(mark for mark in marks if mark is not None))


def person_of(world: World, *persons: str | None) -> None:
    """Refuse a person who is not in the register."""
    for person in persons:
        if person is not None:
            existing(world, Person, person)


def only_for_oneself(actor: Actor, person: str) -> None:
    """A member enters nothing in another's name."""
    if actor.mandate.role == Role.MEMBER and actor.person != person:
        raise Refused("only-for-oneself", house(35))


def settled_items(meeting: Meeting, world: World) -> frozenset[int]:
    """The items whose record stands."""
    return frozenset(
        item for begun in meeting.minutes for item in world.get(Minutes, begun.minutes).approved_items
    )


def item_open(meeting: Meeting, item: int, world: World, because: Source | None = None) -> None:
    """Refuse a change of what approved minutes say about an item."""
    if item in settled_items(meeting, world):
        raise Refused("minutes-approved", because or house(40), item=meeting.number(item) or str(item))


def whole_open(meeting: Meeting, world: World) -> None:
    """Refuse a change of what approved minutes say about the meeting as a whole."""
    for begun in meeting.minutes:
        if begun.rest and world.get(Minutes, begun.minutes).settled:
            raise Refused("meeting-approved", house(40), day=str(meeting.day))


def working_days(first: date, last: date, free: frozenset[date]) -> int:
    """The working days after the first day, the last one included."""
    span = range(first.toordinal() + 1, last.toordinal() + 1)
    days = (date.fromordinal(ordinal) for ordinal in span)
    return sum(1 for day in days if day.weekday() < 5 and day not in free)
