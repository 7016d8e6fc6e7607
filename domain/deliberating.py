"""What is said and decided under the items: reports, proposals, decisions, dissents, statements."""

from typing import ClassVar

from pydantic import Field

from domain.calling import CLERKS
from domain.meeting_events import Number
from domain.messages import Command, Id, Line, Prose, PublicName, Role


class DeliberatingCommand(Command):
    """The base of the commands about what was said and decided under an item (behandling)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS

    meeting: Id
    item: Number


class TakeUpItem(DeliberatingCommand):
    """Come to an item (ta upp punkten)."""


class RecordReport(DeliberatingCommand):
    """Note what somebody told the meeting (rapportering)."""

    by: Id | None = None
    organisation: PublicName | None = None
    text: Prose


class MakeProposal(DeliberatingCommand):
    """Note a proposal for a decision (förslag, yrkande)."""

    proposer: Id | None = None
    text: Prose


class RecordDecision(DeliberatingCommand):
    """Note what was decided, point by point, and whom it goes to (beslut)."""

    points: list[Prose] = Field(min_length=1, max_length=100)
    adopts: Number | None = None
    dispatch: list[Line] = Field(default=[], max_length=100)


class ReviseDecision(DeliberatingCommand):
    """Put the wording of a decision right before the approval; the earlier wording stays (ändra lydelse)."""

    decision: Number
    points: list[Prose] = Field(min_length=1, max_length=100)
    reason: Prose


class RecordDissent(DeliberatingCommand):
    """Note a participant's dissenting view (avvikande synpunkt)."""

    ROLES: ClassVar[frozenset[Role]] = CLERKS | {Role.MEMBER}

    participant: Id
    view: Prose


class RetractDissent(DeliberatingCommand):
    """Take a dissenting view back, before the approval (återta avvikande synpunkt)."""

    ROLES: ClassVar[frozenset[Role]] = CLERKS | {Role.MEMBER}

    dissent: Number


class AttachStatement(DeliberatingCommand):
    """Have something of one's own put in the minutes (särskilt yttrande)."""

    ROLES: ClassVar[frozenset[Role]] = CLERKS | {Role.MEMBER}

    participant: Id
    text: Prose


class RecordAbstention(DeliberatingCommand):
    """Note that somebody takes no part in the decision (avstår)."""

    person: Id


class PostponeItem(DeliberatingCommand):
    """Leave an item for later (bordlägg)."""

    to_meeting: Id | None = None
    reason: Line | None = None


COMMANDS = (
    TakeUpItem,
    RecordReport,
    MakeProposal,
    RecordDecision,
    ReviseDecision,
    RecordDissent,
    RetractDissent,
    AttachStatement,
    RecordAbstention,
    PostponeItem,
)
