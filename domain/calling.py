"""Calling a meeting: when and where, and what is to be dealt with.

- A meeting that is entered afterwards may have a day without a time, and no place: what is not known is left out.
- A meeting gets the standing items of the rules in force on its day (L8). Nothing says that their order binds.
- A time or place entered wrongly is put right by moving the meeting, also afterwards, until the minutes are approved.
- A meeting that was opened cannot be cancelled, and nothing more is entered about one that was (husregel 30).
- What was dealt with is not withdrawn, and what was withdrawn is not dealt with (husregel 31). An order names every
  item that has a number, once (husregel 32).
"""

from datetime import date, datetime
from typing import ClassVar, Literal, assert_never

from pydantic import Field

from domain import grounds
from domain.body import Body
from domain.document import Document
from domain.errors import NotFound, Refused
from domain.lookup import existing, known, news, unused
from domain.matter import Matter
from domain.meeting import Meeting
from domain.meeting_events import (
    Clock,
    Enclosure,
    ItemAdded,
    ItemChanged,
    ItemMarkedSecret,
    ItemsOrdered,
    ItemWithdrawn,
    MeetingCancelled,
    MeetingMoved,
    MeetingScheduled,
    Number,
)
from domain.messages import (
    Actor,
    Code,
    Command,
    Id,
    Known,
    Line,
    Moment,
    New,
    Part,
    Role,
    SecrecyMark,
    SourcePart,
    Start,
    World,
    fresh_id,
)
from domain.sources import house
from domain.withholding import listed

CLERKS = frozenset({Role.SECRETARY, Role.CHAIR})


class Handling(Part):
    """A document under an item, as asked for; enclosed says whether it goes with the kallelse (handling)."""

    document: Id | None = None
    title: Line
    enclosed: bool = True


class CallingCommand(Command):
    """The base of the commands that call a meeting (kallelse)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS


class ScheduleMeeting(CallingCommand):
    """Plan a meeting; the standing items of the body's rules come on its agenda (planera sammanträde)."""

    meeting: Id = Field(default_factory=fresh_id)
    body: Id
    starts: Start
    ends: Moment | None = None
    place: Line | None = None
    title: Line | None = None
    matter: Id | None = None
    demand: Id | None = None


class MoveMeeting(CallingCommand):
    """Give the meeting another time or place (flytta)."""

    meeting: Id
    starts: Start
    ends: Moment | None = None
    place: Line | None = None
    reason: Line | None = None


class CancelMeeting(CallingCommand):
    """Say that the meeting will not be held (ställ in)."""

    meeting: Id
    reason: Line | None = None


class AddItem(CallingCommand):
    """Put an item on the agenda, also while the meeting is held (ny punkt, övrig fråga)."""

    meeting: Id
    title: Line
    matter: Id | None = None
    presenter: Line | None = None
    starts: Clock | None = None
    documents: list[Handling] = Field(default=[])
    standing: Code | None = None
    secrecy: SecrecyMark | None = None


class ChangeItem(CallingCommand):
    """Change an item: what is absent stands as before, `removed` is taken away (ändra punkt)."""

    meeting: Id
    item: Number
    title: Line | None = None
    matter: Id | None = None
    presenter: Line | None = None
    starts: Clock | None = None
    documents: list[Handling] | None = None
    removed: list[Literal["matter", "presenter", "starts"]] = Field(default=[])


class WithdrawItem(CallingCommand):
    """Take an item off the agenda (punkten utgår)."""

    meeting: Id
    item: Number
    reason: Line | None = None


class OrderItems(CallingCommand):
    """Put the items in order; every item that stands on the agenda is named once (ordna punkterna)."""

    meeting: Id
    order: list[Number]


COMMANDS = (
    ScheduleMeeting,
    MoveMeeting,
    CancelMeeting,
    AddItem,
    ChangeItem,
    WithdrawItem,
    OrderItems,
)


def decide(
    command: ScheduleMeeting | MoveMeeting | CancelMeeting | AddItem | ChangeItem | WithdrawItem | OrderItems,
    world: World,
    _actor: Actor,
    _now: datetime,
) -> list[New]:
    at = command.meeting
    if isinstance(command, ScheduleMeeting):
        return _scheduled(command, world)
    meeting = grounds.standing(world, at)
    match command:
        case MoveMeeting():
            grounds.whole_open(meeting, world)
            _in_order(command.starts, command.ends)
            moved = MeetingMoved(
                meeting=at,
                starts=command.starts,
                ends=command.ends,
                place=known(command.place),
                reason=known(command.reason),
            )
            return news(Meeting, at, moved)
        case CancelMeeting():
            if meeting.opened is not None:
                raise Refused("cancel-after-opening", house(30), day=str(meeting.day))
            return news(Meeting, at, MeetingCancelled(meeting=at, reason=known(command.reason)))
        case AddItem():
            return _added(command, meeting, world)
        case ChangeItem():
            return _changed(command, meeting, world)
        case WithdrawItem():
            return _withdrawn(command, meeting, world)
        case OrderItems():
            return _ordered(command, meeting, world)
        case _:
            assert_never(command)


def _in_order(starts: Start, ends: Moment | None) -> None:
    if ends is not None and ends < starts:
        raise Refused("ends-before-it-begins", house(14), first=starts, last=ends)


def _scheduled(command: ScheduleMeeting, world: World) -> list[New]:
    at = command.meeting
    unused(world, Meeting, at)
    body = existing(world, Body, command.body)
    if command.demand is not None and command.demand not in body.demands:
        raise NotFound("demand", command.demand)
    if command.matter is not None:
        existing(world, Matter, command.matter)
    _in_order(command.starts, command.ends)
    scheduled = MeetingScheduled(
        meeting=at,
        body=command.body,
        starts=command.starts,
        ends=command.ends,
        place=known(command.place),
        title=known(command.title),
        matter=command.matter,
        demand=command.demand,
    )
    rules = body.rules_at(date.fromisoformat(command.starts[:10]))
    standing = (
        [
            ItemAdded(
                meeting=at,
                item=item,
                title=Known(one.title),
                parts=tuple(Known(part) for part in one.parts),
                standing=one.id,
                source=SourcePart.of(rules.require("standing-items").source),
            )
            for item, one in enumerate(rules.standing_items(), 1)
        ]
        if rules
        else []
    )
    return news(Meeting, at, scheduled, *standing)


def _enclosures(documents: list[Handling], world: World) -> tuple[Enclosure, ...]:
    for one in documents:
        if one.document is not None:
            existing(world, Document, one.document)
    return tuple(
        Enclosure(document=one.document, title=Known(one.title), enclosed=one.enclosed) for one in documents
    )


def _added(command: AddItem, meeting: Meeting, world: World) -> list[New]:
    grounds.whole_open(meeting, world)
    if command.matter is not None:
        existing(world, Matter, command.matter)
    item = len(meeting.items) + 1
    added = ItemAdded(
        meeting=command.meeting,
        item=item,
        title=Known(command.title),
        matter=command.matter,
        presenter=known(command.presenter),
        starts=command.starts,
        documents=_enclosures(command.documents, world),
        standing=command.standing,
        late=meeting.opened is not None,
    )
    if command.secrecy is None:
        return news(Meeting, command.meeting, added)
    marked = ItemMarkedSecret(meeting=command.meeting, item=item, mark=command.secrecy)
    return [*news(Meeting, command.meeting, added, marked), listed(command.meeting, item, secret=True)]


def _changed(command: ChangeItem, meeting: Meeting, world: World) -> list[New]:
    grounds.item_of(meeting, command.item)
    grounds.item_open(meeting, command.item, world)
    if command.matter is not None:
        existing(world, Matter, command.matter)
    changed = ItemChanged(
        meeting=command.meeting,
        item=command.item,
        title=known(command.title),
        matter=command.matter,
        presenter=known(command.presenter),
        starts=command.starts,
        documents=None if command.documents is None else _enclosures(command.documents, world),
        removed=tuple(command.removed),
    )
    unchanged = ItemChanged(meeting=command.meeting, item=command.item)
    return [] if changed == unchanged else news(Meeting, command.meeting, changed)


def _withdrawn(command: WithdrawItem, meeting: Meeting, world: World) -> list[New]:
    grounds.item_of(meeting, command.item)
    grounds.item_open(meeting, command.item, world)
    if meeting.dealt_with(command.item):
        raise Refused("item-dealt-with", house(31), item=meeting.number(command.item))
    withdrawn = ItemWithdrawn(meeting=command.meeting, item=command.item, reason=known(command.reason))
    return news(Meeting, command.meeting, withdrawn)


def _ordered(command: OrderItems, meeting: Meeting, world: World) -> list[New]:
    grounds.whole_open(meeting, world)
    now = [item.item for item in meeting.agenda]
    if sorted(command.order) != sorted(now):
        raise Refused("order-incomplete", house(32), items=", ".join(map(str, sorted(now))))
    ordered = ItemsOrdered(meeting=command.meeting, order=tuple(command.order))
    return [] if command.order == now else news(Meeting, command.meeting, ordered)
