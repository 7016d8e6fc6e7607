"""Calling a meeting: plan, agenda, kallelse, hinders and substitutes."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from domain.meeting_events import Channel, Clock, Number
from domain.messages import Code, Command, Id, Line, Moment, Part, Prose, Role, fresh_id

CLERKS = frozenset({Role.SECRETARY, Role.CHAIR})


class Handling(Part):
    """A document under an item, as asked for; enclosed says whether it goes with the kallelse (handling)."""

    document: Id | None = None
    title: Line
    enclosed: bool = True


class Addressee(Part):
    """Whom something is to be sent to, and how (adressat)."""

    person: Id
    channel: Channel = "e-mail"


class CallingCommand(Command):
    """The base of the commands that call a meeting (kallelse)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS


class ScheduleMeeting(CallingCommand):
    """Plan a meeting; the standing items of the body's rules come on its agenda (planera sammanträde)."""

    meeting: Id = Field(default_factory=fresh_id)
    body: Id
    starts: Moment
    ends: Moment | None = None
    place: Line
    title: Line | None = None
    matter: Id | None = None
    demand: Id | None = None


class MoveMeeting(CallingCommand):
    """Give the meeting another time or place (flytta)."""

    meeting: Id
    starts: Moment
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


class IssueKallelse(CallingCommand):
    """Record that the kallelse went out, with the agenda as it stands; without a day it went out today (kallelse)."""

    meeting: Id
    recipients: list[Addressee] = Field(min_length=1)
    sent_on: date | None = None
    place: Line | None = None


class GiveNoticeReason(CallingCommand):
    """Say why a kallelse went out late; it may be said at any time (skäl för kort varsel)."""

    meeting: Id
    issue: Number
    reason: Prose


class NotifyHinder(CallingCommand):
    """Note that somebody cannot come (anmäl förhinder)."""

    ROLES: ClassVar[frozenset[Role]] = CLERKS | {Role.MEMBER}

    meeting: Id
    person: Id
    reason: Line | None = None


class CallSubstitute(CallingCommand):
    """Call a substitute in a hindered person's place (kalla ersättare)."""

    meeting: Id
    hindered: Id
    substitute: Id


COMMANDS = (
    ScheduleMeeting,
    MoveMeeting,
    CancelMeeting,
    AddItem,
    ChangeItem,
    WithdrawItem,
    OrderItems,
    IssueKallelse,
    GiveNoticeReason,
    NotifyHinder,
    CallSubstitute,
)
