"""Views of what was said and decided at a meeting: reports, proposals, votes, decisions, dissent, reservations.

- A proposal is not a decision, and a decision says which proposal it adopts, if it does. Where it does not say which
  version, all that it can be stand there, and how a named person has read it beside them (Al5).
- A decision that was worded anew before approval keeps its earlier wording as an earlier row of the same key.
- A dissenting view may come from any participant (L12). One that is taken back before the approval is retracted: as
  of an earlier position it still stands.
- Each row names the matter that its item was about when it was recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from domain import meeting_events as m
from domain.unclarity import ReadingRecorded
from projections.meetings import MEETING_STREAM, codes
from projections.view import Assert, Change, Record, Retract, View, listed, number, says, text


def _matter(record: Record, meeting: str, item: int) -> str | None:
    """What the item is about, as far as the events up to this one say."""
    found: str | None = record.linked(f"item-{meeting}/{item}", "matter")
    return found or None


def _decision(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, ReadingRecorded) and event.meeting and event.decision:
        read = {"read_as": event.version, "read_by": event.person, "reading": event.reading}
        yield says(
            f"{event.meeting}/{event.decision}", meeting=event.meeting, decision=event.decision, **read
        )
    if not isinstance(event, m.DecisionRecorded | m.DecisionRevised):
        return
    key = f"{event.meeting}/{event.decision}"
    here = {"meeting": event.meeting, "decision": event.decision}
    match event:
        case m.DecisionRecorded():
            yield says(
                key,
                **here,
                item=event.item,
                matter=_matter(record, event.meeting, event.item),
                points=event.points,
                verbs=event.verbs,
                adopts=event.adopts,
                proposal=event.of_proposal,
                version=event.version,
                may_adopt=event.may_adopt or None,
                effective=event.effective,
                dispatch=event.dispatch,
                revised=False,
            )
        case m.DecisionRevised():
            yield says(
                key,
                **here,
                item=event.item,
                points=event.points,
                verbs=event.verbs,
                revised=True,
                reason=event.reason,
            )
        case _:
            assert_never(event)


DECISION = View(
    "decision",
    1,
    MEETING_STREAM | {"unclarity"},
    [
        text("meeting"),
        number("decision"),
        number("item"),
        text("matter"),
        listed("points"),
        listed("verbs"),
        number("adopts"),
        text("proposal"),
        number("version"),
        listed("may_adopt"),
        number("read_as"),
        text("read_by"),
        text("reading"),
        text("effective"),
        listed("dispatch"),
        number("revised"),
        text("reason"),
    ],
    _decision,
    identity=("meeting", "decision"),
    indexed=("matter",),
)


def _dissent(record: Record) -> Iterator[Change]:
    match event := record.event:
        case m.DissentRecorded():
            yield says(
                f"{event.meeting}/{event.dissent}",
                meeting=event.meeting,
                dissent=event.dissent,
                item=event.item,
                matter=_matter(record, event.meeting, event.item),
                person=event.participant,
                view=event.view,
                findings=codes(record),
            )
        case m.DissentRetracted():
            yield Retract(f"{event.meeting}/{event.dissent}")
        case _:
            pass


DISSENT = View(
    "dissent",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        number("dissent"),
        number("item"),
        text("matter"),
        text("person"),
        text("view"),
        listed("findings"),
    ],
    _dissent,
    identity=("meeting", "dissent", "person"),
    indexed=("matter",),
    retracts=True,
)


def _report(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.ReportRecorded):
        yield says(
            f"{event.meeting}/{event.report}",
            meeting=event.meeting,
            report=event.report,
            item=event.item,
            matter=_matter(record, event.meeting, event.item),
            person=event.by,
            organisation=event.organisation,
            text=event.text,
        )


REPORT = View(
    "report",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        number("report"),
        number("item"),
        text("matter"),
        text("person"),
        text("organisation"),
        text("text"),
    ],
    _report,
    identity=("meeting", "report"),
)


def _proposal(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.ProposalWithdrawn):
        key = f"{event.meeting}/{event.proposal}"
        yield says(key, meeting=event.meeting, proposal=event.proposal, withdrawn=True)
    if isinstance(event, m.ProposalsOrdered):
        for place, proposal in enumerate(event.order, 1):
            key = f"{event.meeting}/{proposal}"
            yield says(key, meeting=event.meeting, proposal=proposal, put=place)
    if isinstance(event, m.ProposalMade):
        yield says(
            f"{event.meeting}/{event.proposal}",
            meeting=event.meeting,
            proposal=event.proposal,
            item=event.item,
            matter=_matter(record, event.meeting, event.item),
            person=event.proposer,
            text=event.text,
            of_proposal=event.of_proposal,
            version=event.version,
        )


PROPOSAL = View(
    "proposal",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        number("proposal"),
        number("item"),
        text("matter"),
        text("person"),
        text("text"),
        text("of_proposal"),
        number("version"),
        number("put"),
        number("withdrawn"),
    ],
    _proposal,
    identity=("meeting", "proposal"),
)


def _statement(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.StatementAttached):
        yield says(
            f"{event.meeting}/{event.statement}",
            meeting=event.meeting,
            statement=event.statement,
            item=event.item,
            matter=_matter(record, event.meeting, event.item),
            person=event.participant,
            text=event.text,
            findings=codes(record),
        )


STATEMENT = View(
    "statement",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        number("statement"),
        number("item"),
        text("matter"),
        text("person"),
        text("text"),
        listed("findings"),
    ],
    _statement,
    identity=("meeting", "statement", "person"),
)


def _abstention(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.MemberAbstained):
        yield says(
            f"{event.meeting}/{event.item}/{event.person}",
            meeting=event.meeting,
            item=event.item,
            person=event.person,
        )


ABSTENTION = View(
    "abstention",
    1,
    MEETING_STREAM,
    [text("meeting"), number("item"), text("person")],
    _abstention,
    identity=("meeting", "item", "person"),
)


def _vote(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.VoteRecorded):
        yield says(
            f"{event.meeting}/{event.vote}",
            meeting=event.meeting,
            vote=event.vote,
            item=event.item,
            matter=_matter(record, event.meeting, event.item),
            method=event.method,
            yes_for=event.yes_for,
            no_for=event.no_for,
            yes=event.yes,
            no=event.no,
            abstained=event.abstained,
            ballots=event.ballots,
            casting=event.casting,
            carried=event.carried,
            findings=codes(record),
        )


VOTE = View(
    "vote",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        number("vote"),
        number("item"),
        text("matter"),
        text("method"),
        number("yes_for"),
        number("no_for"),
        number("yes"),
        number("no"),
        number("abstained"),
        listed("ballots"),
        text("casting"),
        number("carried"),
        listed("findings"),
    ],
    _vote,
    identity=("meeting", "vote"),
)


def _reservation(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.ReservationRecorded):
        yield says(
            f"{event.meeting}/{event.reservation}",
            meeting=event.meeting,
            reservation=event.reservation,
            item=event.item,
            matter=_matter(record, event.meeting, event.item),
            person=event.participant,
            text=event.text,
            findings=codes(record),
        )


RESERVATION = View(
    "reservation",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        number("reservation"),
        number("item"),
        text("matter"),
        text("person"),
        text("text"),
        listed("findings"),
    ],
    _reservation,
    identity=("meeting", "reservation", "person"),
)


def _conflict(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.ConflictOfInterestNoted):
        yield says(
            f"{event.meeting}/{event.item}/{event.person}",
            meeting=event.meeting,
            item=event.item,
            person=event.person,
            left=event.left,
            ground=event.ground,
            findings=codes(record),
        )


CONFLICT = View(
    "conflict-of-interest",
    1,
    MEETING_STREAM,
    [text("meeting"), number("item"), text("person"), number("left"), text("ground"), listed("findings")],
    _conflict,
    identity=("meeting", "item", "person"),
)

VIEWS = (VOTE, RESERVATION, CONFLICT, DECISION, DISSENT, REPORT, PROPOSAL, STATEMENT, ABSTENTION)
