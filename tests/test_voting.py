"""Votes that add up, reservations in time, conflicts of interest: for bodies whose rules have them, and no others."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.calling import AddItem, ScheduleMeeting
from domain.deliberating import MakeProposal, RecordAbstention, RecordDecision, RecordDissent
from domain.holding import CloseMeeting, OpenMeeting, RecordAbsence, RecordPresence
from domain.matter import OpenMatter
from domain.meeting_events import (
    Ballot,
    ConflictOfInterestNoted,
    DissentRecorded,
    ProposalsOrdered,
    ProposalWithdrawn,
    ReservationRecorded,
    VoteRecorded,
)
from domain.meeting_parts import Attendance
from domain.messages import Known, Role, SourcePart
from domain.preparing import AmendProposal, PointGiven, PutProposal
from domain.regulation import Rules, parse
from domain.sources import Source, house
from domain.statements import statements
from domain.voting import (
    BallotGiven,
    OrderProposals,
    RecordConflictOfInterest,
    RecordReservation,
    RecordVote,
    WithdrawProposal,
)
from tests.council import (
    BOARD,
    CHAIR,
    COUNCIL,
    DAY,
    EXPERT,
    GUEST,
    LOOSE,
    MEETING,
    POLICE,
    RESCUE,
    SECRETARY,
    STRANGER,
    SUBSTITUTE,
    VICE,
    Session,
    said,
    source,
)
from tests.given import ident

pytestmark = pytest.mark.measured

HERE: dict[str, Any] = {"meeting": MEETING, "item": 1}
ACT = "SFS 2017:725"


BOARD_RULES = (files("domain") / "profiles" / "kommunallagen.toml").read_text("utf-8")
CONTENTS = "6 kap. 35 § och 5 kap. 66 och 67 §§"
CONFLICT = "6 kap. 28-30 §§"


def of_namnd(rule: str) -> str:
    """A rule of the act for committees, as its profile has it."""
    found = re.search(rf"(?s)\[bodies\.namnd\.rules\.{rule}\].*?(?=\n\[|\Z)", BOARD_RULES)
    assert found is not None
    return found[0]


def rules() -> Rules:
    return parse(BOARD_RULES, "namnd")


def sitting(*members: str) -> Session:
    """A committee's open meeting with an item, two proposals and, unless said, three members there."""
    session = Session(rules())
    session.scheduled().do(AddItem(meeting=MEETING, title="Kameror"))
    session.later(days=11, hours=4).do(OpenMeeting(meeting=MEETING, chair=CHAIR, happened=f"{DAY}T13:00"))
    for member in members or (CHAIR, VICE, POLICE):
        session.do(RecordPresence(meeting=MEETING, person=member, capacity="member"))
    session.do(MakeProposal(**HERE, proposer=VICE, text="Bifall"), MakeProposal(**HERE, text="Avslag"))
    return session


def vote(**changes: Any) -> RecordVote:
    return RecordVote.model_validate({**HERE, "method": "open-vote", "yes_for": 1, "no_for": 2} | changes)


def ballots(**cast: str) -> list[BallotGiven]:
    who = {"chair": CHAIR, "vice": VICE, "police": POLICE, "substitute": SUBSTITUTE, "guest": GUEST}
    return [BallotGiven.model_validate({"person": who[name], "vote": side}) for name, side in cast.items()]


def codes(event: Any) -> list[str]:
    return [finding.finding for finding in event.findings]


# --- proposals
def test_a_proposal_taken_back_is_neither_put_nor_adopted() -> None:
    session = sitting()
    back = WithdrawProposal(**HERE, proposal=2)
    session.do(back).then(ProposalWithdrawn(**HERE, proposal=2))
    session.ask(back).then_nothing()
    session.refuse(WithdrawProposal(**HERE, proposal=3), "not-found", house(1))
    session.refuse(OrderProposals(**HERE, order=[1, 2]), "proposal-withdrawn", house(110))
    session.refuse(RecordDecision(**HERE, points=["Avslag."], adopts=2), "not-found", house(1))
    session.do(RecordDecision(**HERE, points=["Bifall."], adopts=1))


def test_the_order_of_proposals_is_noted_with_its_rule() -> None:
    session = sitting()
    order = OrderProposals(**HERE, order=[2, 1])
    session.do(order).then(
        ProposalsOrdered(**HERE, order=(2, 1), source=SourcePart(document=ACT, section=CONTENTS))
    )
    session.ask(order).then_nothing()
    session.refuse(OrderProposals(**HERE, order=[1, 1]), "proposal-put-twice", house(110))
    session.refuse(OrderProposals(**HERE, order=[1, 4]), "not-found", house(1))
    session.do(OrderProposals(**HERE, order=[1]))
    assert session.meeting().proposal_order == {1: (1,)}


# --- votes
def test_an_open_vote_has_its_names_and_its_result() -> None:
    session = sitting()
    cast = ballots(chair="yes", vice="yes", police="no")
    session.do(vote(ballots=cast)).then(
        VoteRecorded(
            **HERE, vote=1, method="open-vote", yes_for=1, no_for=2, yes=2, no=1, abstained=0,
            ballots=tuple(Ballot(person=one.person, vote=one.vote) for one in cast),
            casting=None, carried=1, source=SourcePart(document=ACT, section=CONTENTS),
        )
    )  # fmt: skip
    assert session.do(vote(ballots=cast[:2])).event(VoteRecorded).vote == 2


@pytest.mark.parametrize(
    ("counts", "casting", "carried", "found"),
    [
        ({"yes": 2, "no": 1}, None, 1, []),
        ({"yes": 1, "no": 2}, None, 2, []),
        ({"yes": 1, "no": 1, "abstained": 1}, "no", 2, []),
        ({"yes": 1, "no": 1, "abstained": 1}, None, None, ["casting-vote-missing"]),
        ({"yes": 1}, None, 1, ["votes-missing"]),
    ],
)
def test_a_vote_by_numbers_adds_up(
    counts: dict[str, int], casting: str | None, carried: int | None, found: list[str]
) -> None:
    for method in ("open-vote", "closed-vote"):
        event = sitting().do(vote(**counts, casting=casting, method=method)).event(VoteRecorded)
        assert (event.carried, codes(event)) == (carried, found)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"yes": 3, "no": 1}, "more-votes-than-present"),
        ({"yes": 2, "no": 1, "casting": "yes"}, "casting-without-tie"),
        ({"yes": 2, "carried": 1}, "result-follows-from-votes"),
        ({"ballots": ballots(chair="yes"), "yes": 2}, "counts-differ-from-ballots"),
        ({"ballots": ballots(chair="yes"), "method": "closed-vote"}, "only-open-votes-have-names"),
        ({"ballots": ballots(chair="yes"), "method": "acclamation"}, "only-open-votes-have-names"),
        ({"method": "acclamation", "carried": 1}, "acclamation-is-not-counted"),
        ({"method": "acclamation", "yes_for": None, "no_for": None, "yes": 1}, "acclamation-is-not-counted"),
        ({"ballots": [*ballots(chair="yes"), *ballots(chair="no")]}, "votes-twice"),
        ({"yes_for": 3}, "not-found"),
    ],
)
def test_a_vote_that_cannot_have_been_is_refused(wrong: dict[str, Any], code: str) -> None:
    session = sitting()
    session.refuse(vote(**wrong), code)
    assert session.meeting().votes == ()


def test_an_acclamation_says_what_the_chair_found() -> None:
    said: Any = {"method": "acclamation", "yes_for": None, "no_for": None}
    event = sitting().do(vote(**said, carried=2)).event(VoteRecorded)
    assert (event.method, event.carried, event.yes, event.findings) == ("acclamation", 2, 0, ())


def test_only_members_and_serving_substitutes_who_were_there_for_the_item_vote() -> None:
    session = sitting(CHAIR, VICE)
    session.do(
        RecordPresence(meeting=MEETING, person=SUBSTITUTE, capacity="substitute", substitutes_for=RESCUE),
        RecordPresence(meeting=MEETING, person=GUEST, capacity="guest"),
        RecordPresence(meeting=MEETING, person=EXPERT, capacity="substitute"),
        RecordAbsence(meeting=MEETING, person=RESCUE, status="absent"),
        AddItem(meeting=MEETING, title="Belysning"),
        RecordPresence(meeting=MEETING, person=POLICE, capacity="member", from_item=2),
    )
    assert session.meeting().voters(1) == {CHAIR, VICE, SUBSTITUTE}
    assert session.meeting().voters(2) == {CHAIR, VICE, SUBSTITUTE, POLICE}
    session.do(vote(ballots=ballots(chair="yes", vice="no", substitute="yes")))
    where = Source(ACT, CONTENTS)
    session.refuse(vote(ballots=ballots(guest="yes")), "no-right-to-vote", where)
    session.refuse(vote(ballots=ballots(police="yes")), "not-in-the-decision", where)
    session.refuse(vote(yes=3, no=1), "more-votes-than-present", house(109))
    stranger = [BallotGiven(person=STRANGER, vote="yes")]
    session.refuse(vote(ballots=stranger), "not-found", house(1))
    unknown = [BallotGiven(person=SECRETARY, vote="yes")]
    event = session.do(vote(ballots=unknown)).event(VoteRecorded)
    assert codes(event) == ["attendance-unknown", "votes-missing"]


def test_an_attendance_that_nobody_entered_is_unknown_and_not_too_small() -> None:
    session = Session(rules()).scheduled()
    session.do(AddItem(meeting=MEETING, title="Kameror"), OpenMeeting(meeting=MEETING, chair=CHAIR))
    event = session.do(vote(yes_for=None, no_for=None, yes=7, no=4)).event(VoteRecorded)
    assert (codes(event), event.carried) == (["attendance-unknown"], None)


@for_all(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), st.sampled_from([None, "yes", "no"]))
def test_no_vote_is_recorded_that_does_not_fit_the_attendance(
    yes: int, no: int, abstained: int, casting: str | None
) -> None:
    outcome = SITTING.ask(vote(yes=yes, no=no, abstained=abstained, casting=casting))
    if yes + no + abstained > 3 or (casting and yes != no):
        assert outcome.error is not None
        return
    event = outcome.event(VoteRecorded)
    winner = 1 if (yes, casting == "yes") > (no, casting == "no") else 2
    assert event.carried == (winner if yes != no or casting else None)
    assert ("votes-missing" in codes(event)) == (yes + no + abstained < 3)


SITTING = sitting()


# --- reservations
def decided() -> Session:
    session = sitting()
    session.do(RecordDecision(**HERE, points=["Bifall."], adopts=1))
    return session


def test_whoever_took_part_may_make_a_reservation_before_the_meeting_ends() -> None:
    session = decided()
    reserve = RecordReservation(**HERE, participant=POLICE, text="För dyrt.")
    where = SourcePart(document=ACT, section="4 kap. 27 §")
    session.do(reserve, who=POLICE, role=Role.MEMBER).then(
        ReservationRecorded(**HERE, reservation=1, participant=POLICE, text=Known("För dyrt."), source=where)
    )
    session.refuse(reserve, "only-for-oneself", house(35), who=VICE, role=Role.MEMBER)
    session.do(CloseMeeting(meeting=MEETING, happened=f"{DAY}T15:00"))
    late = RecordReservation(**HERE, participant=VICE)
    session.later(hours=9).refuse(late, "reservation-after-closing", Source(ACT, "4 kap. 27 §"))
    # Entered late, but made in time.
    in_time = RecordReservation(**HERE, participant=VICE, happened=f"{DAY}T14:30")
    assert session.do(in_time).event(ReservationRecorded).findings == ()
    same_day = RecordReservation(**HERE, participant=CHAIR, happened=DAY)
    assert codes(session.do(same_day).event(ReservationRecorded)) == ["reservation-order-unknown"]
    the_minute = RecordReservation(**HERE, participant=CHAIR, happened=f"{DAY}T15:00")
    assert codes(session.do(the_minute).event(ReservationRecorded)) == ["reservation-order-unknown"]
    after = RecordReservation(**HERE, participant=CHAIR, happened=f"{DAY}T15:01")
    session.refuse(after, "reservation-after-closing", Source(ACT, "4 kap. 27 §"))


def test_whoever_took_no_part_in_the_decision_makes_no_reservation() -> None:
    where = Source(ACT, "4 kap. 27 §")
    sitting().refuse(RecordReservation(**HERE, participant=VICE), "no-decision-to-oppose", where)
    session = decided()
    session.do(
        RecordAbsence(meeting=MEETING, person=RESCUE, status="absent"),
        RecordPresence(meeting=MEETING, person=GUEST, capacity="guest"),
        RecordAbstention(**HERE, person=VICE),
    )
    session.refuse(RecordReservation(**HERE, participant=RESCUE), "not-in-the-decision", where)
    session.refuse(RecordReservation(**HERE, participant=GUEST), "no-right-to-vote", where)
    session.refuse(RecordReservation(**HERE, participant=VICE), "not-in-the-decision", where)
    unknown = session.do(RecordReservation(**HERE, participant=EXPERT)).event(ReservationRecorded)
    assert codes(unknown) == ["attendance-unknown"]


# --- conflicts of interest
def test_whoever_has_a_conflict_of_interest_leaves_and_takes_no_part() -> None:
    session = sitting()
    noted = RecordConflictOfInterest(**HERE, person=POLICE, left=True, ground="Part i ärendet")
    where = Source(ACT, CONFLICT)
    session.do(noted).then(
        ConflictOfInterestNoted(
            **HERE, person=POLICE, left=True, ground=Known("Part i ärendet"), source=SourcePart.of(where)
        )
    )
    session.ask(noted).then_nothing()
    session.refuse(vote(ballots=ballots(police="no")), "in-conflict-of-interest", where)
    session.refuse(MakeProposal(**HERE, proposer=POLICE, text="Avslag"), "in-conflict-of-interest", where)
    session.refuse(vote(yes=2, no=1), "more-votes-than-present", house(109))
    session.do(vote(yes=2), RecordDecision(**HERE, points=["Bifall."], adopts=1))
    session.refuse(RecordReservation(**HERE, participant=POLICE), "in-conflict-of-interest", where)
    session.do(AddItem(meeting=MEETING, title="Belysning"))
    elsewhere = MakeProposal(meeting=MEETING, item=2, proposer=POLICE, text="Ljus")
    session.do(elsewhere)


def test_what_happened_in_spite_of_a_conflict_is_found() -> None:
    session = decided()
    session.do(vote(ballots=ballots(chair="yes", vice="yes", police="no")))
    session.do(RecordReservation(**HERE, participant=POLICE))
    stayed = session.do(RecordConflictOfInterest(**HERE, person=CHAIR, left=False))
    assert codes(stayed.event(ConflictOfInterestNoted)) == [
        "stayed-in-conflict",
        "led-in-conflict",
        "acted-in-conflict",
    ]
    for person in (VICE, POLICE):
        late = session.do(RecordConflictOfInterest(**HERE, person=person, left=True))
        assert codes(late.event(ConflictOfInterestNoted)) == ["acted-in-conflict"]
    session.do(RecordAbsence(meeting=MEETING, person=RESCUE, status="absent"))
    absent = RecordConflictOfInterest(**HERE, person=RESCUE, left=True)
    session.refuse(absent, "not-a-participant", house(41))
    session.refuse(RecordConflictOfInterest(**HERE, person=STRANGER, left=True), "not-found", house(1))


# --- bodies that the act does not reach
KINDS: list[Any] = [
    OrderProposals(**HERE, order=[1]),
    RecordVote(**HERE, method="acclamation"),
    RecordReservation(**HERE, participant=VICE),
    RecordConflictOfInterest(**HERE, person=VICE, left=True),
]


@pytest.mark.fact("L9")
@pytest.mark.fact("L12")
@pytest.mark.parametrize("command", KINDS, ids=lambda one: one.command_name())
def test_a_council_to_which_the_act_does_not_apply_has_none_of_it(command: Any) -> None:
    session = Session().opened()
    session.do(MakeProposal(**HERE, proposer=VICE, text="Mer ljus"), RecordDecision(**HERE, points=["Ja."]))
    refused = session.refuse(command, "not-under-the-act", source("not-applicable"))
    assert refused.source.fact == "L9"
    dissent = RecordDissent(**HERE, participant=VICE, view="Nej")
    session.do(dissent).then(DissentRecorded(**HERE, dissent=1, participant=VICE, view=Known("Nej")))


@pytest.mark.parametrize("command", KINDS, ids=lambda one: one.command_name())
def test_without_rules_it_rests_on_the_house(command: Any) -> None:
    session = Session().scheduled(body=LOOSE)
    session.do(AddItem(meeting=MEETING, title="Belysning"), OpenMeeting(meeting=MEETING, chair=CHAIR))
    session.do(MakeProposal(**HERE, text="Mer ljus"))
    session.refuse(command, "not-under-the-act", house(108))


def test_a_rule_that_says_it_does_not_apply_gives_nothing() -> None:
    text = BOARD_RULES
    for id in ("minutes-contents", "dissent", "conflict-of-interest"):
        said = of_namnd(id)
        text = text.replace(said, re.sub('modality = "[a-z-]+"', 'modality = "galler-inte"', said))
    session = Session(parse(text, "namnd")).scheduled()
    session.do(AddItem(meeting=MEETING, title="Kameror"), OpenMeeting(meeting=MEETING, chair=CHAIR))
    session.do(MakeProposal(**HERE, text="x"))
    for command in KINDS:
        session.refuse(command, "not-under-the-act", house(108))


def test_the_act_is_asked_on_the_meeting_day() -> None:
    session = Session(rules())
    early: Any = {"meeting": ident(0xE9), "item": 1}
    session.do(ScheduleMeeting(meeting=ident(0xE9), body=COUNCIL, starts="2017-09-21T13:00", place="Eken"))
    session.do(AddItem(meeting=ident(0xE9), title="x"), OpenMeeting(meeting=ident(0xE9), chair=CHAIR))
    session.refuse(RecordVote(**early, method="acclamation"), "not-under-the-act", house(108))


def test_attendance_is_that_of_the_item() -> None:
    session = sitting(CHAIR)
    session.do(AddItem(meeting=MEETING, title="Belysning"))
    session.do(RecordPresence(meeting=MEETING, person=VICE, capacity="member", from_item=2))
    meeting = session.meeting()
    assert meeting.attendance_at(VICE, 1) is Attendance.ABSENT
    assert meeting.attendance_at(VICE, 2) is Attendance.PRESENT
    assert meeting.attendance_at(POLICE, 1) is Attendance.UNKNOWN


def test_the_minutes_tell_of_all_of_it_each_name_by_itself() -> None:
    session = sitting()
    session.do(
        OpenMatter(matter=ident(0xC0), body=BOARD, title="Kameror", diarienummer="KS24.9"),
        PutProposal(proposal=ident(0xAA), matter=ident(0xC0), title="Organisation", points=[PointGiven(text="Så.")]),
        AmendProposal(proposal=ident(0xAA), base=1, how="addition", points=[PointGiven(text="Även så.")]),
        MakeProposal(**HERE, text="Enligt förslaget", of_proposal=ident(0xAA), version=2),
        WithdrawProposal(**HERE, proposal=2),
        RecordConflictOfInterest(**HERE, person=POLICE, left=True, ground="Part"),
        OrderProposals(**HERE, order=[1, 3]),
        vote(ballots=ballots(chair="yes", vice="no"), no_for=3, casting="no"),
        vote(method="acclamation", yes_for=None, no_for=None, carried=3),
        RecordDecision(**HERE, points=["Organisationen antas."], of_proposal=ident(0xAA), may_adopt=[1, 2]),
        RecordReservation(**HERE, participant=CHAIR, text="Nej."),
    )  # fmt: skip
    session.do(AddItem(meeting=MEETING, title="Belysning"))
    told = statements(session.meeting(), session.scenario.world, (1, 2), rest=True)
    assert [one.kind for one in told if one.item == 2] == ["item"]
    under = [one for one in told if one.item == 1]
    assert [one.kind for one in under] == [
        "item", "conflict", "proposal", "proposal", "order", "vote", "vote", "decision", "reservation",
    ]  # fmt: skip
    assert said(under, "conflict")[0] | {"left": "yes", "ground": "Part"} == said(under, "conflict")[0]
    assert [one["number"] for one in said(under, "proposal")] == ["1", "3"]
    assert said(under, "proposal")[1]["proposal-version"] == "2"
    assert said(under, "order") == [{"order": "1,3"}]
    counted, acclaimed = said(under, "vote")
    assert counted == {
        "method": "open-vote", "yes-for": "1", "no-for": "3", "yes": "1", "no": "1", "abstained": "0",
        "casting": "no", "carried": "3", "yes-1": "Karin Lindqvist", "no-1": "Per Ahlström",
    }  # fmt: skip
    assert acclaimed == {"method": "acclamation", "carried": "3"}
    assert said(under, "decision")[0]["may-be"] == "1,2"
    assert said(under, "reservation") == [{"participant": "Karin Lindqvist", "text": "Nej."}]
