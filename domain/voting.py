"""How a body under Kommunallagen comes to its decision: order of proposals, votes, reservations, conflicts of interest.

- Each rests on a rule of the body's regulation on the meeting day: minutes-contents (5 kap. 67 §, for boards by 6 kap.
  35 §), dissent of the kind reservation (4 kap. 27 §) and conflict-of-interest (6 kap. 28-30 §§). For a body without
  such a rule it is refused, with the rule that says so where there is one (L9; husregel 108); its dissents stay what
  they are (L12).
- Only so many vote as are there and may vote. More votes than that are impossible and refused (husregel 109); fewer,
  or an attendance that nobody entered, are recorded as found. The chair's casting vote settles a tie.
- A reservation is made by one who took part in the decision, before the meeting ends (4 kap. 27 §): who, against what
  and until when the rule says. Time is judged by when it happened, so that it may be entered later; where the times do
  not tell, that is recorded as found.
- Who has a conflict of interest takes no part in the item: no vote, no proposal, no reservation is entered for them.
  That somebody stayed, or led the item all the same, is recorded as found.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Literal, assert_never

from pydantic import Field

from domain import grounds
from domain.calling import CLERKS
from domain.errors import NotFound, Refused
from domain.lookup import known, news
from domain.meeting import Meeting
from domain.meeting_events import (
    Ballot,
    ConflictOfInterestNoted,
    Method,
    Number,
    ProposalsOrdered,
    ProposalWithdrawn,
    ReservationRecorded,
    Side,
    VoteRecorded,
)
from domain.meeting_parts import Attendance
from domain.messages import (
    Actor,
    Command,
    Count,
    Event,
    Finding,
    Id,
    Line,
    New,
    Part,
    Prose,
    Role,
    SourcePart,
    World,
)
from domain.profile_tables import Modality
from domain.regulation import Rule
from domain.rule_kinds import DISSENT
from domain.sources import Source, house
from domain.when import Truth, at, parse


class BallotGiven(Part):
    """How one person voted (röst)."""

    person: Id
    vote: Side


class VotingCommand(Command):
    """The base of the commands about how a decision was reached (beslutsordning)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS

    meeting: Id
    item: Number


class WithdrawProposal(VotingCommand):
    """Note that a proposal made at the meeting was taken back (återta yrkande)."""

    proposal: Number


class OrderProposals(VotingCommand):
    """Note in which order the chair puts the proposals (propositionsordning)."""

    order: list[Number] = Field(min_length=1, max_length=100)


class RecordVote(VotingCommand):
    """Note a vote and its result: by acclamation, open with the names, or closed (omröstning).

    yes_for and no_for are the proposals that yes and no stand for. carried is given for an acclamation: the proposal
    that the chair finds supported. Of an open vote either the ballots are given or their numbers.
    """

    method: Method
    yes_for: Number | None = None
    no_for: Number | None = None
    carried: Number | None = None
    ballots: list[BallotGiven] = Field(default=[], max_length=400)
    yes: Count = 0
    no: Count = 0
    abstained: Count = 0
    casting: Literal["yes", "no"] | None = None


class RecordReservation(VotingCommand):
    """Note a reservation against a decision, made before the meeting ends (reservation)."""

    ROLES: ClassVar[frozenset[Role]] = CLERKS | {Role.MEMBER}

    participant: Id
    text: Prose | None = None


class RecordConflictOfInterest(VotingCommand):
    """Note that somebody has a conflict of interest in an item, and whether they left for it (jäv)."""

    person: Id
    left: bool
    ground: Line | None = None


COMMANDS = (WithdrawProposal, OrderProposals, RecordVote, RecordReservation, RecordConflictOfInterest)


def decide(
    command: WithdrawProposal | OrderProposals | RecordVote | RecordReservation | RecordConflictOfInterest,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    meeting = grounds.standing(world, command.meeting)
    grounds.opened(meeting)
    grounds.item_of(meeting, command.item)
    grounds.item_open(meeting, command.item, world)
    match command:
        case WithdrawProposal():
            _made(meeting, command.item, command.proposal)
            withdrawn = ProposalWithdrawn(
                meeting=command.meeting, item=command.item, proposal=command.proposal
            )
            event: Event | None = None if command.proposal in meeting.withdrawn else withdrawn
        case OrderProposals():
            event = _ordered(command, meeting, world)
        case RecordVote():
            event = _vote(command, meeting, world)
        case RecordReservation():
            event = _reservation(command, meeting, world, actor, now)
        case RecordConflictOfInterest():
            event = _conflict(command, meeting, world)
        case _:
            assert_never(command)
    return [] if event is None else news(Meeting, command.meeting, event)


# --- the rules
def _rule(meeting: Meeting, world: World, id: str, holds: Callable[[Any], bool]) -> Rule:
    """The body's rule that this rests on, or Refused with the rule that says it does not apply."""
    rules = grounds.rules_of(meeting, world)
    rule = rules.get(id) if rules else None
    if rule is not None and rule.modality != Modality.GALLER_INTE and holds(rule.value):
        return rule
    raise Refused("not-under-the-act", grounds.source(rules, "not-applicable", 108), rule=id)


def _contents(meeting: Meeting, world: World, what: str) -> Rule:
    """The rule that the minutes tell of this, item by item."""
    return _rule(meeting, world, "minutes-contents", lambda value: what in value)


def _reserved(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind") == "reservation"


# --- proposals
def _made(meeting: Meeting, item: int, *proposals: int | None) -> None:
    """Refuse a proposal that was not made under the item."""
    made = {one.number for one in meeting.proposals if one.item == item}
    for proposal in proposals:
        if proposal is not None and proposal not in made:
            raise NotFound("proposal", str(proposal))


def _standing(meeting: Meeting, item: int, *proposals: int | None) -> None:
    """Refuse also one that was taken back."""
    _made(meeting, item, *proposals)
    if gone := meeting.withdrawn.intersection(one for one in proposals if one is not None):
        raise Refused("proposal-withdrawn", house(110), proposal=min(gone))


def _ordered(command: OrderProposals, meeting: Meeting, world: World) -> ProposalsOrdered | None:
    rule = _contents(meeting, world, "ordningen för förslagen")
    _standing(meeting, command.item, *command.order)
    if len(set(command.order)) != len(command.order):
        raise Refused("proposal-put-twice", house(110))
    if meeting.proposal_order.get(command.item) == tuple(command.order):
        return None
    return ProposalsOrdered(
        meeting=command.meeting,
        item=command.item,
        order=tuple(command.order),
        source=SourcePart.of(rule.source),
    )


# --- votes
def _vote(command: RecordVote, meeting: Meeting, world: World) -> VoteRecorded:
    rule = _contents(meeting, world, "omröstningar")
    _standing(meeting, command.item, command.yes_for, command.no_for, command.carried)
    findings: list[Finding] = []
    counts = _counts(command)
    carried = command.carried
    if command.method == "acclamation":
        if sum(counts) or command.casting or command.yes_for or command.no_for:
            raise Refused("acclamation-is-not-counted", house(109))
    else:
        if carried is not None:
            raise Refused("result-follows-from-votes", house(109))
        findings += _attended(command, counts, meeting, world, rule)
        side = _winner(counts, command.casting)
        carried = {"yes": command.yes_for, "no": command.no_for}.get(side)
        if not side:
            findings.append(_finding("casting-vote-missing", rule, "a casting vote", "a tie without one"))
    return VoteRecorded(
        meeting=command.meeting,
        item=command.item,
        vote=len(meeting.votes) + 1,
        method=command.method,
        yes_for=command.yes_for,
        no_for=command.no_for,
        yes=counts[0],
        no=counts[1],
        abstained=counts[2],
        ballots=tuple(Ballot(person=one.person, vote=one.vote) for one in command.ballots),
        casting=command.casting,
        carried=carried,
        source=SourcePart.of(rule.source),
        findings=tuple(findings),
    )


def _counts(command: RecordVote) -> tuple[int, int, int]:
    """Yes, no, abstained: as given, or as the ballots say."""
    given = (command.yes, command.no, command.abstained)
    if not command.ballots:
        return given
    if command.method != "open-vote":
        raise Refused("only-open-votes-have-names", house(109))
    cast = [one.vote for one in command.ballots]
    counted = (cast.count("yes"), cast.count("no"), cast.count("abstained"))
    if sum(given) and given != counted:
        raise Refused("counts-differ-from-ballots", house(109))
    return counted


def _winner(counts: tuple[int, int, int], casting: str | None) -> str:
    """The side that won; "" if nobody settled a tie."""
    yes, no, _ = counts
    if yes == no:
        return casting or ""
    if casting:
        raise Refused("casting-without-tie", house(109), yes=yes, no=no)
    return "yes" if yes > no else "no"


def _attended(
    command: RecordVote, counts: tuple[int, int, int], meeting: Meeting, world: World, rule: Rule
) -> list[Finding]:
    """Refuse votes that cannot have been cast; find those that nobody noted."""
    findings: list[Finding] = []
    persons = [one.person for one in command.ballots]
    if len(set(persons)) != len(persons):
        raise Refused("votes-twice", rule.source)
    for person in persons:
        findings += took_part(person, command.item, meeting, world, rule.source)
    voters = meeting.voters(command.item)
    total = sum(counts)
    if not meeting.presences:
        findings.append(_finding("attendance-unknown", rule, "attendance noted", "not noted"))
    elif total > len(voters) and not findings:
        raise Refused("more-votes-than-present", house(109), votes=total, present=len(voters))
    elif total < len(voters):
        findings.append(_finding("votes-missing", rule, str(len(voters)), str(total)))
    return findings


def took_part(
    person: str, item: int, meeting: Meeting, world: World, source: Source, *, votes: bool = True
) -> list[Finding]:
    """Refuse one who cannot have taken part in an item, by their vote unless said; find one nobody noted."""
    grounds.person_of(world, person)
    no_conflict(person, item, meeting)
    match meeting.attendance_at(person, item):
        case Attendance.ABSENT:
            raise Refused("not-in-the-decision", source)
        case Attendance.UNKNOWN:
            return [grounds.house_finding("attendance-unknown", 41, "noted as present", "not noted")]
        case Attendance.PRESENT:
            if votes and not meeting.may_vote(person, item):
                raise Refused("no-right-to-vote", source)
            return []
        case _ as never:
            assert_never(never)


def no_conflict(person: str | None, item: int, meeting: Meeting) -> None:
    """Refuse what somebody is said to have done in an item in which they have a conflict of interest."""
    found = meeting.conflicts.get((item, person or ""))
    if found is not None:
        raise Refused("in-conflict-of-interest", found)


# --- reservations
def _reservation(
    command: RecordReservation, meeting: Meeting, world: World, actor: Actor, now: datetime
) -> ReservationRecorded:
    rule = _rule(meeting, world, "dissent", _reserved)
    asks = DISSENT.read(rule.value)
    grounds.only_for_oneself(actor, command.participant)
    if asks.decision_needed and not any(one.item == command.item for one in meeting.decisions):
        raise Refused("no-decision-to-oppose", rule.source)
    votes = asks.by != "participants"
    findings = took_part(command.participant, command.item, meeting, world, rule.source, votes=votes)
    if any((where, who) == (command.item, command.participant) for where, who, _ in meeting.abstentions):
        raise Refused("not-in-the-decision", rule.source)
    happened = parse(command.happened) if command.happened else at(now)
    if asks.before == "closing" and meeting.closed is not None:
        if meeting.closed.is_before(happened) is Truth.YES:
            raise Refused("reservation-after-closing", rule.source, closed=meeting.closed.text)
        if happened.is_before(meeting.closed) is not Truth.YES:
            when = happened.text, meeting.closed.text
            findings.append(_finding("reservation-order-unknown", rule, f"before {when[1]}", when[0]))
    return ReservationRecorded(
        meeting=command.meeting,
        item=command.item,
        reservation=len(meeting.reservations) + 1,
        participant=command.participant,
        text=known(command.text),
        source=SourcePart.of(rule.source),
        findings=tuple(findings),
    )


# --- conflicts of interest
def _conflict(
    command: RecordConflictOfInterest, meeting: Meeting, world: World
) -> ConflictOfInterestNoted | None:
    rule = _rule(meeting, world, "conflict-of-interest", bool)
    grounds.person_of(world, command.person)
    if meeting.attendance(command.person) is Attendance.ABSENT:
        raise Refused("not-a-participant", house(41))
    if (command.item, command.person) in meeting.conflicts:
        return None
    findings = []
    if not command.left:
        findings.append(_finding("stayed-in-conflict", rule, "left for the item", "stayed"))
    if meeting.chair_of(command.item) == command.person:
        findings.append(_finding("led-in-conflict", rule, "somebody else led", "led the item"))
    if meeting.acted_in(command.item, command.person):
        findings.append(_finding("acted-in-conflict", rule, "no part in the item", "noted under it"))
    return ConflictOfInterestNoted(
        meeting=command.meeting,
        item=command.item,
        person=command.person,
        left=command.left,
        ground=known(command.ground),
        source=SourcePart.of(rule.source),
        findings=tuple(findings),
    )


def _finding(finding: str, rule: Rule, expected: str, observed: str) -> Finding:
    return Finding(
        finding=finding,
        rule=rule.id,
        modality=rule.modality,
        expected=expected,
        observed=observed,
        source=SourcePart.of(rule.source),
    )
