"""Holding a meeting: who was there, who led it, who is to approve the minutes, when it began and ended."""

from typing import ClassVar, Literal

from domain.calling import CLERKS
from domain.meeting_events import Capacity, Number
from domain.messages import Code, Command, Id, Line, Moment, Role


class HoldingCommand(Command):
    """The base of the commands about a meeting that is held (sammanträde)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS

    meeting: Id


class OpenMeeting(HoldingCommand):
    """Open the meeting; without a name the chair of the body opens it (öppna mötet)."""

    chair: Id | None = None


class RecordPresence(HoldingCommand):
    """Note that somebody is present, from an item on or from the beginning (närvarande)."""

    person: Id
    capacity: Capacity
    substitutes_for: Id | None = None
    from_item: Number | None = None
    distance: bool = False


class RecordDeparture(HoldingCommand):
    """Note that somebody left, after an item if it is known (lämnade mötet)."""

    person: Id
    after_item: Number | None = None


class RecordAbsence(HoldingCommand):
    """Note that somebody is absent, or that nobody knows (frånvarande, okänt)."""

    person: Id
    status: Literal["absent", "unknown"]


class AppointActingChair(HoldingCommand):
    """Note who leads the meeting, or some items, in the chair's place (tjänstgörande ordförande)."""

    person: Id
    from_item: Number | None = None
    to_item: Number | None = None
    reason: Line | None = None


class RecordSecretary(HoldingCommand):
    """Note who keeps the notes (sekreterare)."""

    person: Id


class ElectJusterare(HoldingCommand):
    """Note who was chosen to approve the minutes with the chair; choosing again replaces (val av justerare)."""

    person: Id
    office: Code = "justerare"
    item: Number | None = None


class SetJusteringPlace(HoldingCommand):
    """Note where and when the minutes will be approved (justeringens plats och tid)."""

    place: Line | None = None
    time: Moment | None = None


class AdjournMeeting(HoldingCommand):
    """Break the meeting off, to go on later (ajournera)."""

    until: Moment | None = None


class ResumeMeeting(HoldingCommand):
    """Go on with an adjourned meeting (återuppta)."""


class CloseMeeting(HoldingCommand):
    """End the meeting (avsluta mötet)."""


COMMANDS = (
    OpenMeeting,
    RecordPresence,
    RecordDeparture,
    RecordAbsence,
    AppointActingChair,
    RecordSecretary,
    ElectJusterare,
    SetJusteringPlace,
    AdjournMeeting,
    ResumeMeeting,
    CloseMeeting,
)
