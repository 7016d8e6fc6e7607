"""What may happen to a meeting: the events of the stream meeting-<id>, from the plan to the last word.

- Item, proposal, decision, dissent, report and statement numbers count from 1 inside the meeting, are never reused and
  never printed: the number on the paper follows the order of the agenda.
- Persons stand here by id only; their names are in their own streams. What was said or written is free text under the
  meeting's own key. A reason for staying away is nobody's business later: it has a key of its own event, and goes.
- A broken rule stands in `findings`, beside what happened.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.messages import (
    Code,
    Count,
    Diarienummer,
    Event,
    Finding,
    Id,
    Keep,
    Known,
    Moment,
    Part,
    PublicName,
    Sealed,
    SecrecyMark,
    SourcePart,
    Start,
    free,
)
from domain.proposal import Verb

Text = Annotated[Sealed, free()]
Working = Annotated[Sealed, free("event", Keep.WORKING)]
Number = Annotated[int, Field(ge=1, le=10_000)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Channel = Literal["e-mail", "post", "portal", "hand", "unknown"]
Method = Literal["acclamation", "open-vote", "closed-vote"]
Side = Literal["yes", "no", "abstained"]
Capacity = Literal["member", "substitute", "co-opted", "expert", "invited", "official", "secretary", "guest"]


class Enclosure(Part):
    """A document under an item; enclosed says whether it goes with the kallelse (handling, bilaggs, bilaggs ej)."""

    document: Id | None = None
    title: Text
    enclosed: bool = True


class Recipient(Part):
    """Who was sent something, and how (mottagare)."""

    person: Id
    channel: Channel


class AgendaEntry(Part):
    """An item as it stood on the agenda that was sent (punkt på ärendelistan)."""

    item: Number
    number: PublicName
    title: Text
    parts: tuple[Text, ...] = ()
    diarienummer: Diarienummer | None = None
    presenter: Text | None = None
    starts: Clock | None = None
    documents: tuple[Enclosure, ...] = ()


def unnamed(item: int, number: str, starts: str | None) -> AgendaEntry:
    """A secret item on the agenda, as everybody may see it."""
    return AgendaEntry(item=item, number=number, title=Known("Sekretessbelagt ärende"), starts=starts)


class MeetingEvent(Event):
    """The base of the meeting stream's events (sammanträde)."""

    STREAM: ClassVar[str] = "meeting"

    meeting: Id


# --- calling
class MeetingScheduled(MeetingEvent):
    """A meeting was planned (sammanträde utsatt)."""

    TOPIC: ClassVar[str] = "meeting-scheduled.v1"

    body: Id
    starts: Start
    ends: Moment | None = None
    place: Text | None = None
    title: Text | None = None
    matter: Id | None = None
    demand: Id | None = None


class MeetingMoved(MeetingEvent):
    """The meeting was given another time or place; absent means unchanged (flyttat)."""

    TOPIC: ClassVar[str] = "meeting-moved.v1"

    starts: Start
    ends: Moment | None = None
    place: Text | None = None
    reason: Text | None = None


class MeetingCancelled(MeetingEvent):
    """The meeting will not be held (inställt)."""

    TOPIC: ClassVar[str] = "meeting-cancelled.v1"

    reason: Text | None = None


class ItemAdded(MeetingEvent):
    """An item came on the agenda; late means after the opening (punkt, övrig fråga)."""

    TOPIC: ClassVar[str] = "item-added.v1"

    item: Number
    title: Text
    parts: tuple[Text, ...] = ()
    matter: Id | None = None
    presenter: Text | None = None
    starts: Clock | None = None
    documents: tuple[Enclosure, ...] = ()
    standing: Code | None = None
    late: bool = False
    source: SourcePart | None = None


class ItemChanged(MeetingEvent):
    """An item was changed: what is absent stands as before, and `removed` was taken away (ändrad punkt)."""

    TOPIC: ClassVar[str] = "item-changed.v1"

    item: Number
    title: Text | None = None
    matter: Id | None = None
    presenter: Text | None = None
    starts: Clock | None = None
    documents: tuple[Enclosure, ...] | None = None
    removed: tuple[Literal["matter", "presenter", "starts"], ...] = ()


class ItemWithdrawn(MeetingEvent):
    """An item was taken off the agenda; after a kallelse its number stays (punkten utgår)."""

    TOPIC: ClassVar[str] = "item-withdrawn.v1"

    item: Number
    reason: Text | None = None


class ItemsOrdered(MeetingEvent):
    """The items were put in order (ordning på ärendelistan)."""

    TOPIC: ClassVar[str] = "items-ordered.v1"

    order: tuple[Number, ...]


class ItemMarkedSecret(MeetingEvent):
    """All that is written under an item is secret, by a provision (sekretessmarkerad punkt)."""

    TOPIC: ClassVar[str] = "item-marked-secret.v1"

    item: Number
    mark: SecrecyMark


class ItemSecrecyLifted(MeetingEvent):
    """An item is secret no more (punktens sekretessmarkering hävd)."""

    TOPIC: ClassVar[str] = "item-secrecy-lifted.v1"

    item: Number
    reason: Text


class ItemParagraph(Part):
    """An item and its paragraph (punktens paragraf)."""

    item: Number
    paragraph: Number


class ItemsNumbered(MeetingEvent):
    """Items were given their paragraphs in the body's year (paragrafer)."""

    TOPIC: ClassVar[str] = "items-numbered.v1"

    paragraphs: tuple[ItemParagraph, ...]


class KallelseIssued(MeetingEvent):
    """The kallelse went out, with the agenda as it stood and the days that were counted (kallelse).

    days is None when the day of sending is not known; not_called are members who were not among the recipients.
    """

    TOPIC: ClassVar[str] = "kallelse-issued.v1"

    issue: Number
    agenda: tuple[AgendaEntry, ...]
    recipients: tuple[Recipient, ...]
    not_called: tuple[Id, ...] = ()
    sent_on: date | None = None
    meeting_day: date
    days: int | None = None
    starts: Start
    ends: Moment | None = None
    place: Text | None = None
    findings: tuple[Finding, ...] = ()
    reason_wanted: bool = False


class NoticeReasonGiven(MeetingEvent):
    """Why a kallelse went out later than the rule expects (skäl för kort varsel)."""

    TOPIC: ClassVar[str] = "notice-reason-given.v1"

    issue: Number
    reason: Text


class HinderNotified(MeetingEvent):
    """Somebody said beforehand that they cannot come; the reason is never printed (anmält förhinder)."""

    TOPIC: ClassVar[str] = "hinder-notified.v1"

    person: Id
    reason: Working | None = None


class SubstituteCalled(MeetingEvent):
    """A substitute was called in somebody's place (inkallad ersättare)."""

    TOPIC: ClassVar[str] = "substitute-called.v1"

    hindered: Id
    substitute: Id
    findings: tuple[Finding, ...] = ()


# --- holding
class MeetingOpened(MeetingEvent):
    """The meeting began; chair is who opened it, if known (öppnat)."""

    TOPIC: ClassVar[str] = "meeting-opened.v1"

    chair: Id | None = None
    findings: tuple[Finding, ...] = ()


class PresenceRecorded(MeetingEvent):
    """Somebody was present, from an item on or from the beginning (närvarande)."""

    TOPIC: ClassVar[str] = "presence-recorded.v1"

    person: Id
    capacity: Capacity
    substitutes_for: Id | None = None
    from_item: Number | None = None
    distance: bool = False


class DepartureRecorded(MeetingEvent):
    """Somebody left, after an item or at a moment nobody noted (lämnade mötet)."""

    TOPIC: ClassVar[str] = "departure-recorded.v1"

    person: Id
    after_item: Number | None = None
    findings: tuple[Finding, ...] = ()


class AbsenceRecorded(MeetingEvent):
    """Somebody was absent, or it is not known whether they were there (frånvarande, okänt)."""

    TOPIC: ClassVar[str] = "absence-recorded.v1"

    person: Id
    status: Literal["absent", "unknown"]


class ActingChairAppointed(MeetingEvent):
    """Somebody else led the whole meeting, or some items (tjänstgörande ordförande)."""

    TOPIC: ClassVar[str] = "acting-chair-appointed.v1"

    person: Id
    from_item: Number | None = None
    to_item: Number | None = None
    reason: Text | None = None


class SecretaryRecorded(MeetingEvent):
    """Who keeps the notes at the meeting (sekreterare)."""

    TOPIC: ClassVar[str] = "secretary-recorded.v1"

    person: Id


class JusterareElected(MeetingEvent):
    """Somebody was chosen to approve the minutes with the chair; a later choice replaces it (val av justerare)."""

    TOPIC: ClassVar[str] = "justerare-elected.v1"

    person: Id
    office: Code = "justerare"
    item: Number | None = None
    findings: tuple[Finding, ...] = ()


class JusteringAgreed(MeetingEvent):
    """When and where the minutes will be approved (justeringens plats och tid)."""

    TOPIC: ClassVar[str] = "justering-agreed.v1"

    place: Text | None = None
    time: Moment | None = None


class MeetingAdjourned(MeetingEvent):
    """The meeting broke off, to go on at a time that may be known (ajournerat)."""

    TOPIC: ClassVar[str] = "meeting-adjourned.v1"

    until: Moment | None = None


class MeetingResumed(MeetingEvent):
    """The meeting went on (återupptaget)."""

    TOPIC: ClassVar[str] = "meeting-resumed.v1"


class MeetingClosed(MeetingEvent):
    """The meeting ended (avslutat)."""

    TOPIC: ClassVar[str] = "meeting-closed.v1"

    findings: tuple[Finding, ...] = ()


# --- deliberating
class ItemTakenUp(MeetingEvent):
    """The meeting came to an item (punkten behandlas)."""

    TOPIC: ClassVar[str] = "item-taken-up.v1"

    item: Number


class ReportRecorded(MeetingEvent):
    """What somebody told the meeting (rapportering, information)."""

    TOPIC: ClassVar[str] = "report-recorded.v1"

    item: Number
    report: Number
    by: Id | None = None
    organisation: PublicName | None = None
    text: Text


class ProposalMade(MeetingEvent):
    """A proposal for a decision; a proposal is not a decision (förslag, yrkande)."""

    TOPIC: ClassVar[str] = "proposal-made.v1"

    item: Number
    proposal: Number
    proposer: Id | None = None
    text: Text
    of_proposal: Id | None = None
    version: Number | None = None


class DecisionRecorded(MeetingEvent):
    """What the meeting decided, point by point, and whom it goes to (beslut, expedieras till).

    adopts is a proposal made at the meeting. of_proposal is one of the matter: version is the version adopted, or
    may_adopt all that it can be when the decision does not say. verbs has one for each point, if any; effective is the
    day from which it applies, if that is said.
    """

    TOPIC: ClassVar[str] = "decision-recorded.v1"

    item: Number
    decision: Number
    points: tuple[Text, ...]
    verbs: tuple[Verb, ...] = ()
    adopts: Number | None = None
    of_proposal: Id | None = None
    version: Number | None = None
    may_adopt: tuple[Number, ...] = ()
    effective: date | None = None
    dispatch: tuple[Text, ...] = ()
    findings: tuple[Finding, ...] = ()


class DecisionRevised(MeetingEvent):
    """The wording of a decision was put right before approval; the earlier wording stays (ändrad lydelse)."""

    TOPIC: ClassVar[str] = "decision-revised.v1"

    item: Number
    decision: Number
    points: tuple[Text, ...]
    verbs: tuple[Verb, ...] = ()
    reason: Text


class DissentRecorded(MeetingEvent):
    """A participant's dissenting view was noted (avvikande synpunkt)."""

    TOPIC: ClassVar[str] = "dissent-recorded.v1"

    item: Number
    dissent: Number
    participant: Id
    view: Text
    findings: tuple[Finding, ...] = ()


class DissentRetracted(MeetingEvent):
    """A participant took a dissenting view back before the approval (återtagen avvikande synpunkt)."""

    TOPIC: ClassVar[str] = "dissent-retracted.v1"

    item: Number
    dissent: Number


class StatementAttached(MeetingEvent):
    """A participant had something of their own put in the minutes, without dissenting (särskilt yttrande)."""

    TOPIC: ClassVar[str] = "statement-attached.v1"

    item: Number
    statement: Number
    participant: Id
    text: Text
    findings: tuple[Finding, ...] = ()


class MemberAbstained(MeetingEvent):
    """Somebody took no part in a decision (avstår)."""

    TOPIC: ClassVar[str] = "member-abstained.v1"

    item: Number
    person: Id


class ProposalWithdrawn(MeetingEvent):
    """A proposal made at the meeting was taken back (återtaget yrkande)."""

    TOPIC: ClassVar[str] = "proposal-withdrawn.v1"

    item: Number
    proposal: Number


class ProposalsOrdered(MeetingEvent):
    """In which order the chair put the proposals (propositionsordning)."""

    TOPIC: ClassVar[str] = "proposals-ordered.v1"

    item: Number
    order: tuple[Number, ...]
    source: SourcePart


class Ballot(Part):
    """How one person voted in an open vote (röst)."""

    person: Id
    vote: Side


class VoteRecorded(MeetingEvent):
    """A vote and its result; carried is the proposal that won, None if that is not known (omröstning)."""

    TOPIC: ClassVar[str] = "vote-recorded.v1"

    item: Number
    vote: Number
    method: Method
    yes_for: Number | None
    no_for: Number | None
    yes: Count
    no: Count
    abstained: Count
    ballots: tuple[Ballot, ...]
    casting: Literal["yes", "no"] | None
    carried: Number | None
    source: SourcePart
    findings: tuple[Finding, ...] = ()


class ReservationRecorded(MeetingEvent):
    """Somebody who took part in a decision made a reservation against it (reservation)."""

    TOPIC: ClassVar[str] = "reservation-recorded.v1"

    item: Number
    reservation: Number
    participant: Id
    text: Text | None
    source: SourcePart
    findings: tuple[Finding, ...] = ()


class ConflictOfInterestNoted(MeetingEvent):
    """Somebody takes no part in an item for a conflict of interest (jäv)."""

    TOPIC: ClassVar[str] = "conflict-of-interest-noted.v1"

    item: Number
    person: Id
    left: bool
    ground: Text | None
    source: SourcePart
    findings: tuple[Finding, ...] = ()


class ItemPostponed(MeetingEvent):
    """An item was left for later (bordläggning)."""

    TOPIC: ClassVar[str] = "item-postponed.v1"

    item: Number
    to_meeting: Id | None = None
    reason: Text | None = None


# --- minutes
class MinutesBegun(MeetingEvent):
    """Minutes of the meeting were begun; their versions live in a stream of their own (anteckningar påbörjade)."""

    TOPIC: ClassVar[str] = "minutes-begun.v1"

    minutes: Id
    covers: tuple[Number, ...]
    rest: bool


EVENTS = (
    MeetingScheduled
    | MeetingMoved
    | MeetingCancelled
    | ItemAdded
    | ItemChanged
    | ItemWithdrawn
    | ItemMarkedSecret
    | ItemSecrecyLifted
    | ItemsOrdered
    | ItemsNumbered
    | KallelseIssued
    | NoticeReasonGiven
    | HinderNotified
    | SubstituteCalled
    | MeetingOpened
    | PresenceRecorded
    | DepartureRecorded
    | AbsenceRecorded
    | ActingChairAppointed
    | SecretaryRecorded
    | JusterareElected
    | JusteringAgreed
    | MeetingAdjourned
    | MeetingResumed
    | MeetingClosed
    | ItemTakenUp
    | ReportRecorded
    | ProposalMade
    | DecisionRecorded
    | DecisionRevised
    | DissentRecorded
    | DissentRetracted
    | StatementAttached
    | MemberAbstained
    | ProposalWithdrawn
    | ProposalsOrdered
    | VoteRecorded
    | ReservationRecorded
    | ConflictOfInterestNoted
    | ItemPostponed
    | MinutesBegun
)
