"""Deliberating: proposals are not decisions, earlier wordings stay, and dissents are noted until the approval."""

from __future__ import annotations

from typing import Any

import pytest

from domain.calling import AddItem, ScheduleMeeting, WithdrawItem
from domain.deliberating import (
    AttachStatement,
    MakeProposal,
    PostponeItem,
    RecordAbstention,
    RecordDecision,
    RecordDissent,
    RecordReport,
    RetractDissent,
    ReviseDecision,
    TakeUpItem,
)
from domain.drafting import DraftMinutes
from domain.holding import OpenMeeting, RecordSecretary
from domain.meeting_events import (
    DecisionRecorded,
    DecisionRevised,
    DissentRecorded,
    DissentRetracted,
    ItemPostponed,
    ItemTakenUp,
    MemberAbstained,
    ProposalMade,
    ReportRecorded,
    StatementAttached,
)
from domain.messages import Known, Role, SourcePart
from domain.sources import house
from tests.council import (
    CHAIR,
    COUNCIL,
    GUEST,
    LOOSE,
    MEETING,
    MINUTES,
    POLICE,
    RESCUE,
    SECRETARY,
    STRANGER,
    VICE,
    Session,
    source,
)
from tests.given import ident

HERE: dict[str, Any] = {"meeting": MEETING, "item": 4}


def test_an_item_is_taken_up_once_in_an_opened_meeting() -> None:
    session = Session().opened()
    session.do(TakeUpItem(**HERE)).then(ItemTakenUp(**HERE))
    session.ask(TakeUpItem(**HERE)).then_nothing()
    session.refuse(TakeUpItem(meeting=MEETING, item=9), "not-found", house(1))
    Session().called().refuse(TakeUpItem(**HERE), "meeting-not-opened", house(36))
    session.do(WithdrawItem(meeting=MEETING, item=2))
    session.refuse(TakeUpItem(meeting=MEETING, item=2), "item-withdrawn", house(31))


def test_reports_are_told_by_somebody_or_by_an_organisation() -> None:
    session = Session().opened()
    told = session.do(RecordReport(**HERE, by=POLICE, organisation="Polisen", text="Lugnt"))
    told.then(ReportRecorded(**HERE, report=1, by=POLICE, organisation="Polisen", text=Known("Lugnt")))
    session.do(RecordReport(**HERE, text="Mer")).then(ReportRecorded(**HERE, report=2, text=Known("Mer")))
    session.refuse(RecordReport(**HERE, by=STRANGER, text="Nej"), "not-found", house(1))


def test_a_decision_may_adopt_a_proposal_made_under_the_same_item() -> None:
    session = Session().opened()
    session.do(MakeProposal(**HERE, proposer=VICE, text="Mer ljus")).then(
        ProposalMade(**HERE, proposal=1, proposer=VICE, text=Known("Mer ljus"))
    )
    session.do(MakeProposal(meeting=MEETING, item=3, text="Annat"))
    session.refuse(MakeProposal(**HERE, proposer=STRANGER, text="Nej"), "not-found", house(1))
    decided = RecordDecision(**HERE, points=["Mer ljus.", "Uppföljning."], adopts=1, dispatch=["KS"])
    session.do(decided).then(
        DecisionRecorded(
            **HERE,
            decision=1,
            points=(Known("Mer ljus."), Known("Uppföljning.")),
            adopts=1,
            dispatch=(Known("KS"),),
        )
    )
    session.refuse(RecordDecision(**HERE, points=["x"], adopts=2), "not-found", house(1))
    session.do(RecordDecision(**HERE, points=["Ännu ett."]))
    assert [one.number for one in session.meeting().decisions] == [1, 2]


def test_a_revised_decision_keeps_its_earlier_wordings() -> None:
    session = Session().opened()
    session.do(RecordDecision(**HERE, points=["A."]), RecordDecision(meeting=MEETING, item=3, points=["B."]))
    revise = ReviseDecision(**HERE, decision=1, points=["A, då."], reason="Hörfel")
    session.do(revise).then(
        DecisionRevised(**HERE, decision=1, points=(Known("A, då."),), reason=Known("Hörfel"))
    )
    session.ask(revise).then_nothing()
    first, second = session.meeting().decisions
    assert (first.points, first.earlier) == ((Known("A, då."),), ((Known("A."),),))
    assert (second.points, second.earlier) == ((Known("B."),), ())
    session.refuse(
        ReviseDecision(**HERE, decision=2, points=["C."], reason="Nej"), "not-found", house(1)
    )  # it was made under another item


# --- dissents
@pytest.mark.fact("L12")
def test_a_dissenting_view_is_noted_from_any_participant_after_closing_too() -> None:
    session = Session().held()
    session.do(RecordDissent(**HERE, participant=VICE, view="För mörkt")).then(
        DissentRecorded(**HERE, dissent=1, participant=VICE, view=Known("För mörkt"))
    )
    by_himself = RecordDissent(**HERE, participant=POLICE, view="För dyrt")
    session.do(by_himself, who=POLICE, role=Role.MEMBER)
    session.refuse(by_himself, "only-for-oneself", house(35), who=VICE, role=Role.MEMBER)
    assert [one.number for one in session.meeting().dissents] == [1, 2]


@pytest.mark.fact("V7")
def test_unknown_attendance_is_found_and_noted_absence_is_refused() -> None:
    session = Session().opened()
    recorded = session.do(RecordDissent(**HERE, participant=GUEST, view="Nej")).event(DissentRecorded)
    (found,) = recorded.findings
    assert (found.finding, found.source) == ("attendance-unknown", SourcePart.of(house(41)))
    absent = RecordDissent(**HERE, participant=RESCUE, view="Nej")
    session.refuse(absent, "not-a-participant", house(41))
    session.refuse(RecordDissent(**HERE, participant=STRANGER, view="Nej"), "not-found", house(1))


def test_a_dissent_is_taken_back_by_the_one_whose_it_is_and_stays_in_the_state() -> None:
    session = Session().opened()
    session.do(
        RecordDissent(**HERE, participant=VICE, view="Nej"),
        RecordDissent(**HERE, participant=POLICE, view="Nej"),
    )
    back = RetractDissent(**HERE, dissent=1)
    session.refuse(back, "only-for-oneself", house(35), who=POLICE, role=Role.MEMBER)
    session.do(back, who=VICE, role=Role.MEMBER).then(DissentRetracted(**HERE, dissent=1))
    session.ask(back).then_nothing()
    assert [one.retracted for one in session.meeting().dissents] == [True, False]
    session.refuse(RetractDissent(**HERE, dissent=3), "not-found", house(1))
    session.refuse(RetractDissent(meeting=MEETING, item=3, dissent=2), "not-found", house(1))


def test_dissents_are_noted_until_the_minutes_that_cover_the_item_are_approved() -> None:
    dissent = RecordDissent(**HERE, participant=VICE, view="Nej")
    session = Session().ready().signed("chair")
    assert session.ask(dissent).events
    session.signed("justerare")
    session.refuse(dissent, "minutes-approved", source("dissent"))
    assert source("dissent").fact == "L12"
    session.refuse(RetractDissent(**HERE, dissent=1), "minutes-approved", source("dissent"))
    session.refuse(RecordReport(**HERE, text="Sent"), "minutes-approved", house(40))


def test_an_item_approved_at_once_is_closed_and_the_others_are_not() -> None:
    session = Session().held()
    session.do(DraftMinutes(minutes=MINUTES, meeting=MEETING, covers=[4]))
    session.circulated().signed("chair").signed("justerare")
    session.refuse(RecordDissent(**HERE, participant=VICE, view="Nej"), "minutes-approved", source("dissent"))
    session.do(RecordDissent(meeting=MEETING, item=3, participant=VICE, view="Nej"))
    session.do(AddItem(meeting=MEETING, title="Ännu en"))


def test_statements_and_abstentions_are_not_dissents() -> None:
    session = Session().opened()
    session.do(AttachStatement(**HERE, participant=VICE, text="Se bilaga")).then(
        StatementAttached(**HERE, statement=1, participant=VICE, text=Known("Se bilaga"))
    )
    own = AttachStatement(**HERE, participant=POLICE, text="Eget")
    session.refuse(own, "only-for-oneself", house(35), who=VICE, role=Role.MEMBER)
    abstain = RecordAbstention(**HERE, person=VICE)
    session.do(abstain).then(MemberAbstained(**HERE, person=VICE))
    session.ask(abstain).then_nothing()
    session.do(
        RecordAbstention(**HERE, person=POLICE), RecordAbstention(meeting=MEETING, item=3, person=VICE)
    )
    session.refuse(RecordAbstention(**HERE, person=STRANGER), "not-found", house(1))
    assert session.meeting().dissents == ()
    assert len(session.meeting().abstentions) == 3


def test_an_item_is_postponed_and_the_last_word_counts() -> None:
    session = Session().opened()
    next_time = ident(0xE5)
    session.refuse(PostponeItem(**HERE, to_meeting=next_time), "not-found", house(1))
    session.do(ScheduleMeeting(meeting=next_time, body=COUNCIL, starts="2024-06-04T13:00", place="Eken"))
    session.do(PostponeItem(**HERE), PostponeItem(meeting=MEETING, item=3))
    session.do(PostponeItem(**HERE, to_meeting=next_time, reason="Tidsbrist")).then(
        ItemPostponed(**HERE, to_meeting=next_time, reason=Known("Tidsbrist"))
    )
    assert [(one.item, one.to_meeting) for one in session.meeting().postponed] == [(3, None), (4, next_time)]


def test_without_a_rule_the_refusal_after_approval_rests_on_the_house() -> None:
    session = Session().scheduled(body=LOOSE)
    session.do(AddItem(meeting=MEETING, title="Belysning"), OpenMeeting(meeting=MEETING, chair=CHAIR))
    session.do(RecordSecretary(meeting=MEETING, person=SECRETARY))
    session.do(DraftMinutes(minutes=MINUTES, meeting=MEETING))
    session.circulated().signed("secretary")
    dissent = RecordDissent(meeting=MEETING, item=1, participant=VICE, view="Nej")
    session.refuse(dissent, "minutes-approved", house(40))
