"""After the approval: sending to the members, notification to another body, dispatch of decisions.

- Minutes are sent to the members and reported to the body above: two duties, each with its own clock and no last day
  (L14). What remains is shown; nothing is ever late.
- Only what is sealed, or finished without approval, leaves the council (husregel 53). A correction goes to all who got
  the original.
- A receipt is given by the one who got the minutes, and a receipt that never came is no finding (husregel 54).
- A decision goes to those it concerns, named or as a group; which bodies a group was that day is entered with it, and
  all are of the kind that the rules say the group is of (husregel 56).
- The number and the paragraph that a notification gets where it was sent come from there, and are entered as given.
"""

from datetime import date, datetime
from typing import ClassVar, assert_never

from pydantic import Field

from domain import grounds
from domain.body import Body
from domain.calling import CLERKS
from domain.errors import NotFound, Refused
from domain.kallelse import Addressee
from domain.lookup import existing, news
from domain.meeting import Meeting
from domain.meeting_events import Channel, Number, Recipient
from domain.messages import (
    Actor,
    Command,
    Diarienummer,
    Event,
    Id,
    Known,
    Line,
    New,
    PublicName,
    Role,
    World,
)
from domain.minutes import Minutes
from domain.minutes_events import (
    DecisionDispatched,
    MinutesSent,
    NotificationNoted,
    NotificationNumbered,
    NotificationSent,
    ReceiptRecorded,
)
from domain.sources import house

SENDERS = CLERKS | {Role.REGISTRAR}


class AfterwardsCommand(Command):
    """The base of the commands about minutes that are finished (efterarbete)."""

    STREAM: ClassVar[str] = "minutes"
    ROLES: ClassVar[frozenset[Role]] = SENDERS

    minutes: Id


class SendMinutes(AfterwardsCommand):
    """Record that the sealed minutes were sent (utskick)."""

    recipients: list[Addressee] = Field(min_length=1)


class RecordReceipt(AfterwardsCommand):
    """Confirm that the minutes came, by the one who got them (kvittera)."""

    ROLES: ClassVar[frozenset[Role]] = frozenset({Role.MEMBER, Role.CHAIR, Role.SECRETARY, Role.JUSTERARE})


class SendNotification(AfterwardsCommand):
    """Report the sealed minutes to another body (anmäl)."""

    to_body: Id
    channel: Channel = "e-mail"


class RecordNotificationNumber(AfterwardsCommand):
    """Enter the diary number that a notification got, the last one if none is named (anmälans diarienummer)."""

    notification: Number | None = None
    diarienummer: Diarienummer


class RecordNotificationNoted(AfterwardsCommand):
    """Enter where the body took note of a notification, the last one if none is named (anmäld, paragraf)."""

    notification: Number | None = None
    paragraph: PublicName
    meeting_day: date


class RecordDispatch(AfterwardsCommand):
    """Record that an item's decision, or the minutes whole, was sent to somebody it concerns (expediera).

    to_bodies: which bodies of the register a recipient is, such as those that a group was on the day.
    """

    item: Number | None = None
    recipient: Line
    to_bodies: list[Id] = Field(default=[], max_length=300)
    channel: Channel = "e-mail"


COMMANDS = (
    SendMinutes,
    RecordReceipt,
    SendNotification,
    RecordNotificationNumber,
    RecordNotificationNoted,
    RecordDispatch,
)


def decide(
    command: SendMinutes
    | RecordReceipt
    | SendNotification
    | RecordNotificationNumber
    | RecordNotificationNoted
    | RecordDispatch,
    world: World,
    actor: Actor,
    _now: datetime,
) -> list[New]:
    minutes = existing(world, Minutes, command.minutes)
    if not minutes.done:
        raise Refused("not-finished", house(53), version=minutes.newest.version)
    match command:
        case SendMinutes():
            event: Event | None = _sent(command, minutes, world)
        case RecordReceipt():
            if all(person != actor.person for person, _ in minutes.sent):
                raise Refused("not-a-recipient", house(54))
            given = ReceiptRecorded(minutes=command.minutes, person=actor.person)
            event = None if actor.person in minutes.receipts else given
        case SendNotification():
            event = _notified(command, minutes, world)
        case RecordNotificationNumber():
            event = NotificationNumbered(
                minutes=command.minutes,
                notification=_notification(command, minutes),
                diarienummer=command.diarienummer,
            )
        case RecordNotificationNoted():
            event = NotificationNoted(
                minutes=command.minutes,
                notification=_notification(command, minutes),
                paragraph=command.paragraph,
                meeting_day=command.meeting_day,
            )
        case RecordDispatch():
            event = _dispatched(command, minutes, world)
        case _:
            assert_never(command)
    return [] if event is None else news(Minutes, command.minutes, event)


def _sent(command: SendMinutes, minutes: Minutes, world: World) -> MinutesSent:
    grounds.person_of(world, *(one.person for one in command.recipients))
    recipients = tuple(
        dict.fromkeys(Recipient(person=one.person, channel=one.channel) for one in command.recipients)
    )
    meeting = world.get(Meeting, minutes.meeting)
    reached = {one.person for one in recipients} | {person for person, _ in minutes.sent}
    return MinutesSent(
        minutes=command.minutes,
        sending=minutes.sendings + 1,
        version=minutes.newest.version,
        recipients=recipients,
        remaining=tuple(person for person in _owed(minutes, meeting, world) if person not in reached),
        source=grounds.source_part(grounds.rules_of(meeting, world), "send-minutes"),
    )


def _owed(minutes: Minutes, meeting: Meeting, world: World) -> tuple[Id, ...]:
    """Those that the minutes are to be sent to."""
    if minutes.corrects is not None:
        return tuple(dict.fromkeys(person for person, _ in world.get(Minutes, minutes.corrects).sent))
    rules = grounds.rules_of(meeting, world)
    rule = rules.send_minutes() if rules else None
    if rule is None or rule.to == "parent":
        return ()
    return world.get(Body, meeting.body).counted_at(meeting.day, rule.to)


def _notified(command: SendNotification, minutes: Minutes, world: World) -> NotificationSent:
    existing(world, Body, command.to_body)
    meeting = world.get(Meeting, minutes.meeting)
    return NotificationSent(
        minutes=command.minutes,
        notification=len(minutes.notifications) + 1,
        to_body=command.to_body,
        channel=command.channel,
        version=minutes.newest.version,
        source=grounds.source_part(grounds.rules_of(meeting, world), "notify"),
    )


def _dispatched(command: RecordDispatch, minutes: Minutes, world: World) -> DecisionDispatched:
    if command.item is not None and command.item not in minutes.covers:
        raise NotFound("item", str(command.item))
    bodies = {id: existing(world, Body, id) for id in command.to_bodies}
    meeting = world.get(Meeting, minutes.meeting)
    rules = grounds.rules_of(meeting, world)
    named = command.recipient.casefold()
    for one in rules.dispatched_to() if rules else ():
        if one.kind and one.group and one.group.casefold() == named:
            for id, body in bodies.items():
                if body.kind != one.kind:
                    raise Refused("not-of-the-group", house(56), body=id, kind=one.kind, group=one.group)
    return DecisionDispatched(
        minutes=command.minutes,
        item=command.item,
        recipient=Known(command.recipient),
        channel=command.channel,
        bodies=tuple(bodies),
    )


def _notification(command: RecordNotificationNumber | RecordNotificationNoted, minutes: Minutes) -> int:
    wanted = command.notification or len(minutes.notifications)
    if all(one.notification != wanted for one in minutes.notifications):
        raise NotFound("notification", str(wanted))
    return wanted
