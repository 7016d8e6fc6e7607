"""After the approval: sending to the members, notification to another body, dispatch of decisions."""

from datetime import date
from typing import ClassVar

from pydantic import Field

from domain.calling import CLERKS, Addressee
from domain.meeting_events import Channel, Number
from domain.messages import Command, Diarienummer, Id, Line, PublicName, Role

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
    """Enter the diary number that the notification got (anmälans diarienummer)."""

    notification: Number = 1
    diarienummer: Diarienummer


class RecordNotificationNoted(AfterwardsCommand):
    """Enter where the body took note of the notification (anmäld, paragraf)."""

    notification: Number = 1
    paragraph: PublicName
    meeting_day: date


class RecordDispatch(AfterwardsCommand):
    """Record that an item's decision was sent to somebody it concerns (expediera)."""

    item: Number
    recipient: Line
    channel: Channel = "e-mail"


COMMANDS = (
    SendMinutes,
    RecordReceipt,
    SendNotification,
    RecordNotificationNumber,
    RecordNotificationNoted,
    RecordDispatch,
)
