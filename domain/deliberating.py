"""What is said and decided under the items: reports, proposals, decisions, dissents, statements.

- A proposal is not a decision (V3), and a decision may say which proposal it adopts: one made at the meeting, or a
  version of one in the matter. A version that does not exist is refused (husregel 103); where the decision does not say
  which, all that it can be are named (Al5). The day it applies from is another than the day it was made (Al6).
- A decision is put right before the approval in so many words, and every earlier wording stays.
- Dissenting views that come up are noted (L12): from any participant, whether or not anything was decided, and also
  after the closing, until the minutes that cover the item are approved. One whose attendance nobody entered may have
  been there, and that is recorded as found; one who is noted as absent took no part (husregel 41).
- Where the rules say who may dissent, from what and until when, a view of another, one without a decision and one after
  the closing are recorded as found. Where they know reservations instead (kommunallagen 4:27), a reservation or a
  statement is entered and no dissent (voting.py).
- A dissent, a statement and an abstention are three things. A participant enters only his own (husregel 35).
- What is entered late is not refused for that: only the approval closes an item (husregel 40).
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import ClassVar, assert_never

from pydantic import Field

from domain import grounds
from domain.body import Body
from domain.calling import CLERKS
from domain.errors import NotFound, Refused
from domain.lookup import existing, known, news
from domain.meeting import Meeting
from domain.meeting_events import (
    DecisionRecorded,
    DecisionRevised,
    DissentRecorded,
    DissentRetracted,
    ItemPostponed,
    ItemTakenUp,
    MemberAbstained,
    Number,
    ProposalMade,
    ReportRecorded,
    StatementAttached,
)
from domain.meeting_parts import Attendance
from domain.messages import (
    Actor,
    Command,
    Event,
    Finding,
    Id,
    Known,
    Line,
    New,
    Prose,
    PublicName,
    Role,
    World,
)
from domain.preparing import of_version
from domain.proposal import Verb
from domain.quorum import too_few
from domain.rule_kinds import DISSENT, WHO_COUNTS
from domain.sources import house
from domain.voting import no_conflict
from domain.when import UNKNOWN, Truth, parse


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
    of_proposal: Id | None = None
    version: Number | None = None


class RecordDecision(DeliberatingCommand):
    """Note what was decided, point by point, and whom it goes to (beslut)."""

    points: list[Prose] = Field(min_length=1, max_length=100)
    verbs: list[Verb] = Field(default=[], max_length=100)
    adopts: Number | None = None
    of_proposal: Id | None = None
    version: Number | None = None
    may_adopt: list[Number] = Field(default=[], max_length=20)
    effective: date | None = None
    dispatch: list[Line] = Field(default=[], max_length=100)


class ReviseDecision(DeliberatingCommand):
    """Put the wording of a decision right before the approval; the earlier wording stays (ändra lydelse)."""

    decision: Number
    points: list[Prose] = Field(min_length=1, max_length=100)
    verbs: list[Verb] = Field(default=[], max_length=100)
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


def decide(
    command: TakeUpItem
    | RecordReport
    | MakeProposal
    | RecordDecision
    | ReviseDecision
    | RecordDissent
    | RetractDissent
    | AttachStatement
    | RecordAbstention
    | PostponeItem,
    world: World,
    actor: Actor,
    _now: datetime,
) -> list[New]:
    meeting = grounds.standing(world, command.meeting)
    grounds.opened(meeting)
    item = grounds.item_of(meeting, command.item)
    because = None
    if isinstance(command, RecordDissent | RetractDissent):
        because = grounds.source(grounds.rules_of(meeting, world), "dissent", 40)
    grounds.item_open(meeting, command.item, world, because)
    match command:
        case TakeUpItem():
            taken_up = ItemTakenUp(meeting=command.meeting, item=command.item)
            event: Event | None = None if item.taken_up else taken_up
        case RecordReport() | MakeProposal() | AttachStatement():
            event = _said(command, meeting, world, actor)
        case RecordDecision() | ReviseDecision():
            event = _decided(command, meeting, world)
        case RecordDissent() | RetractDissent():
            event = _dissent(command, meeting, world, actor)
        case RecordAbstention():
            grounds.person_of(world, command.person)
            again = any(
                (where, who) == (command.item, command.person) for where, who, _ in meeting.abstentions
            )
            abstained = MemberAbstained(meeting=command.meeting, item=command.item, person=command.person)
            event = None if again else abstained
        case PostponeItem():
            if command.to_meeting is not None:
                existing(world, Meeting, command.to_meeting)
            event = ItemPostponed(
                meeting=command.meeting,
                item=command.item,
                to_meeting=command.to_meeting,
                reason=known(command.reason),
            )
        case _:
            assert_never(command)
    return [] if event is None else news(Meeting, command.meeting, event)


def _in_the_clear(command: RecordReport, meeting: Meeting) -> str | None:
    """The organisation that told something: its name is not sealed, so none is entered under a secret item."""
    found = meeting.item(command.item)
    if command.organisation is not None and found and found.secrecy:
        raise Refused("organisation-in-the-clear", house(114), item=meeting.number(command.item))
    return command.organisation


def _said(
    command: RecordReport | MakeProposal | AttachStatement, meeting: Meeting, world: World, actor: Actor
) -> Event:
    text = Known(command.text)
    match command:
        case RecordReport():
            grounds.person_of(world, command.by)
            return ReportRecorded(
                meeting=command.meeting,
                item=command.item,
                report=len(meeting.reports) + 1,
                by=command.by,
                organisation=_in_the_clear(command, meeting),
                text=text,
            )
        case MakeProposal():
            grounds.person_of(world, command.proposer)
            no_conflict(command.proposer, command.item, meeting)
            of_version(command.of_proposal, command.version, world)
            return ProposalMade(
                meeting=command.meeting,
                item=command.item,
                proposal=len(meeting.proposals) + 1,
                proposer=command.proposer,
                text=text,
                of_proposal=command.of_proposal,
                version=command.version,
            )
        case AttachStatement():
            return StatementAttached(
                meeting=command.meeting,
                item=command.item,
                statement=len(meeting.statements) + 1,
                participant=command.participant,
                text=text,
                findings=_took_part(command.participant, meeting, world, actor),
            )
        case _:
            assert_never(command)


def _decided(
    command: RecordDecision | ReviseDecision, meeting: Meeting, world: World
) -> DecisionRecorded | DecisionRevised | None:
    points, verbs = tuple(Known(point) for point in command.points), tuple(command.verbs)
    if verbs and len(verbs) != len(points):
        raise Refused("verb-for-each-point", house(107), points=len(points), verbs=len(verbs))
    if isinstance(command, RecordDecision):
        proposals = {one.number for one in meeting.proposals if one.item == command.item}
        proposals -= meeting.withdrawn
        if command.adopts is not None and command.adopts not in proposals:
            raise NotFound("proposal", str(command.adopts))
        _adopts(command, world)
        return DecisionRecorded(
            meeting=command.meeting,
            item=command.item,
            decision=len(meeting.decisions) + 1,
            points=points,
            verbs=verbs,
            adopts=command.adopts,
            of_proposal=command.of_proposal,
            version=command.version,
            may_adopt=tuple(command.may_adopt),
            effective=command.effective,
            dispatch=tuple(Known(to) for to in command.dispatch),
            findings=too_few(meeting, command.item, world),
        )
    made = {one.number: one for one in meeting.decisions if one.item == command.item}
    if command.decision not in made:
        raise NotFound("decision", str(command.decision))
    if (made[command.decision].points, made[command.decision].verbs) == (points, verbs):
        return None
    return DecisionRevised(
        meeting=command.meeting,
        item=command.item,
        decision=command.decision,
        points=points,
        verbs=verbs,
        reason=Known(command.reason),
    )


def _adopts(command: RecordDecision, world: World) -> None:
    """Refuse a version that does not exist, and one that is both known and unclear."""
    of_version(command.of_proposal, command.version, world)
    versions = command.may_adopt
    for version in versions:
        of_version(command.of_proposal, version, world)
    if versions and (command.version is not None or len(set(versions)) < max(2, len(versions))):
        raise Refused("unclear-between-several", house(105))


def _dissent(
    command: RecordDissent | RetractDissent, meeting: Meeting, world: World, actor: Actor
) -> DissentRecorded | DissentRetracted | None:
    if isinstance(command, RecordDissent):
        return DissentRecorded(
            meeting=command.meeting,
            item=command.item,
            dissent=len(meeting.dissents) + 1,
            participant=command.participant,
            view=Known(command.view),
            findings=(
                *_took_part(command.participant, meeting, world, actor),
                *_may_dissent(command, meeting, world),
            ),
        )
    found = next((one for one in meeting.dissents if one.number == command.dissent), None)
    if found is None or found.item != command.item:
        raise NotFound("dissent", str(command.dissent))
    grounds.only_for_oneself(actor, found.participant)
    if found.retracted:
        return None
    return DissentRetracted(meeting=command.meeting, item=command.item, dissent=command.dissent)


def _may_dissent(command: RecordDissent, meeting: Meeting, world: World) -> Iterator[Finding]:
    """What is found if a view was not put by one who may, against a decision or in time, where the rules ask for it."""
    rules = grounds.rules_of(meeting, world)
    rule = rules.read(DISSENT) if rules else None
    if rules is None or rule is None:
        return
    if rule.kind == "reservation":
        raise Refused("reservations-here", rules.require("dissent").source)
    as_said = {one.person: one.capacity for one in meeting.presences}.get(command.participant)
    if rule.by == "participants" and as_said and rules.read(WHO_COUNTS) and as_said not in rules.who(rule.by):
        yield grounds.finding("dissent-not-among", rules, "dissent", f"one of the {rule.by}", "somebody else")
    elif rule.by != "participants":
        among = world.get(Body, meeting.body).counted_at(meeting.day, rule.by)
        standing_in = {one.person for one in meeting.presences if one.substitutes_for in among}
        if command.participant not in {*among, *standing_in}:
            yield grounds.finding(
                "dissent-not-among", rules, "dissent", f"one of the {rule.by}", "somebody else"
            )
    if rule.decision_needed and all(one.item != command.item for one in meeting.decisions):
        yield grounds.finding("dissent-without-decision", rules, "dissent", "a decision", "none")
    put = parse(command.happened) if command.happened else UNKNOWN
    if rule.before == "closing" and meeting.closed and meeting.closed.is_before(put) is Truth.YES:
        expected, observed = "before the meeting closed", "afterwards"
        yield grounds.finding("dissent-after-closing", rules, "dissent", expected, observed)


def _took_part(participant: str, meeting: Meeting, world: World, actor: Actor) -> tuple[Finding, ...]:
    """Refuse one who was not there; find that nobody entered whether somebody was."""
    grounds.person_of(world, participant)
    grounds.only_for_oneself(actor, participant)
    match meeting.attendance(participant):
        case Attendance.PRESENT:
            return ()
        case Attendance.ABSENT:
            raise Refused("not-a-participant", house(41))
        case Attendance.UNKNOWN:
            return (grounds.house_finding("attendance-unknown", 41, "noted as present", "not noted"),)
        case _ as never:
            assert_never(never)
