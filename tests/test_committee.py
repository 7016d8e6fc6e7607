"""A committee under the municipal act: quorum, reservations, time for approval, a third that may ask for a meeting.

The rules are those of kommunallagen for a nämnd, and nothing else: what the act leaves to others is not asked for.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from api.profiles import delivered
from domain.approving import BeginSigning, RecordPaperApproval
from domain.body_events import MandateGiven, MeetingDemanded
from domain.calling import AddItem
from domain.constituting import GiveMandate
from domain.deliberating import RecordDecision, RecordDissent
from domain.demanding import DemandMeeting
from domain.document import RegisterDocument
from domain.drafting import DraftMinutes
from domain.holding import (
    CloseMeeting,
    OpenMeeting,
    RecordAbsence,
    RecordDeparture,
    RecordPresence,
    RecordSecretary,
)
from domain.kallelse import CallSubstitute
from domain.messages import Role
from domain.minutes_events import MinutesApproved, PaperApprovalRecorded
from domain.regulation import Rules, parse
from domain.voting import RecordReservation
from tests import council as c
from tests.council import MEETING, MINUTES, Session
from tests.given import Outcome, ident
from tests.test_regulation import HEAD

pytestmark = pytest.mark.measured
KL: Any = {"meeting": MEETING}


def committee(*changes: tuple[str, str], more: str = "") -> Rules:
    text = delivered()["kommunallagen"]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse(text + more, "namnd")


def findings(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [
        (one.finding, one.expected, one.observed)
        for new in outcome.news
        for one in getattr(new.event, "findings", ())
    ]


def meeting(rules: Rules | None = None) -> Session:
    session = Session(rules or committee()).scheduled().later(days=11, hours=5)
    session.do(OpenMeeting(**KL, chair=c.CHAIR), AddItem(**KL, title="X"), AddItem(**KL, title="Y"))
    return session


def decide(session: Session, item: int = 1) -> list[tuple[str, str, str]]:
    return findings(session.ask(RecordDecision(**KL, item=item, points=["X"])))


# --- quorum
@pytest.mark.fact("V7")
def test_too_few_are_found_only_when_enough_are_known_to_be_away() -> None:
    session = meeting()
    assert decide(session) == [], "V7: nothing is noted of anybody, and unknown is not absent"
    session.do(RecordPresence(**KL, person=c.CHAIR, capacity="member"))
    session.do(RecordAbsence(**KL, person=c.POLICE, status="absent"))
    assert decide(session) == []
    session.do(RecordAbsence(**KL, person=c.RESCUE, status="absent"))
    assert decide(session) == [("too-few-present", "3 of 4 present", "1 present")]
    session.do(RecordPresence(**KL, person=c.VICE, capacity="member"))
    session.do(RecordPresence(**KL, person=c.SUBSTITUTE, capacity="substitute", substitutes_for=c.RESCUE))
    assert decide(session) == [], "the substitute counts for the member"


@pytest.mark.fact("Al9")
def test_where_no_member_is_entered_nothing_is_found_about_how_many_were_there() -> None:
    session = meeting()
    streams = session.scenario.world.streams
    name = f"body-{c.COUNCIL}"
    streams[name] = [one for one in streams[name] if not isinstance(one.event, MandateGiven)]
    assert decide(session) == []


def test_who_came_later_or_had_left_was_not_there() -> None:
    session = meeting()
    for person in (c.CHAIR, c.VICE):
        session.do(RecordPresence(**KL, person=person, capacity="member"))
    session.do(RecordAbsence(**KL, person=c.RESCUE, status="absent"))
    session.do(RecordPresence(**KL, person=c.POLICE, capacity="member", from_item=2))
    assert [bool(decide(session, item)) for item in (1, 2)] == [True, False]
    session.do(RecordPresence(**KL, person=c.POLICE, capacity="member"))
    session.do(RecordDeparture(**KL, person=c.POLICE, after_item=1))
    assert [bool(decide(session, item)) for item in (1, 2)] == [False, True]
    session.do(
        RecordPresence(**KL, person=c.POLICE, capacity="member"), RecordDeparture(**KL, person=c.POLICE)
    )
    assert decide(session, 2) == [], "when is not known"


# --- dissent as members only have it, and reservations
def test_a_view_is_a_member_s_against_a_decision_and_before_the_end_where_the_rules_say_so() -> None:
    session = meeting(committee(('value = { kind = "reservation", by', "value = { by")))
    for person, capacity in ((c.VICE, "member"), (c.GUEST, "guest")):
        session.do(RecordPresence.model_validate(KL | {"person": person, "capacity": capacity}))
    session.do(RecordPresence(**KL, person=c.SUBSTITUTE, capacity="substitute", substitutes_for=c.RESCUE))
    session.do(RecordDecision(**KL, item=1, points=["X"]))

    def reserve(person: str, item: int = 1, happened: str | None = None) -> list[str]:
        asked = RecordDissent(**KL, item=item, participant=person, view="Nej", happened=happened)
        return [code for code, _, _ in findings(session.ask(asked))]

    assert reserve(c.VICE) == reserve(c.SUBSTITUTE) == []
    assert reserve(c.GUEST) == ["dissent-not-among"]
    assert reserve(c.VICE, item=2) == ["dissent-without-decision"]
    session.do(CloseMeeting(**KL, happened="2024-03-12T15:00"))
    assert reserve(c.VICE, happened="2024-03-12T16:00") == ["dissent-after-closing"]
    assert reserve(c.VICE, happened="2024-03-12T14:30") == reserve(c.VICE, happened="2024-03") == []
    assert reserve(c.VICE) == [], "entered later, and nobody says when it was put"


def test_where_the_rules_have_reservations_a_view_is_not_noted_beside_them() -> None:
    session = meeting()
    session.do(RecordDecision(**KL, item=1, points=["X"]))
    source = committee().require("dissent").source
    session.refuse(RecordDissent(**KL, item=1, participant=c.VICE, view="Nej"), "reservations-here", source)


def test_who_may_reserve_themselves_against_what_and_until_when_stands_in_the_rule() -> None:
    more = (
        'by = "members", decision_needed = true, before = "closing"',
        'by = "participants", decision_needed = false',
    )
    session = meeting(committee(more))
    session.do(RecordPresence(**KL, person=c.GUEST, capacity="guest"))
    session.do(CloseMeeting(**KL, happened="2024-03-12T13:30"))
    assert findings(session.ask(RecordReservation(**KL, item=1, participant=c.GUEST))) == []
    session.do(RecordAbsence(**KL, person=c.POLICE, status="absent"))
    session.refuse(RecordReservation(**KL, item=1, participant=c.POLICE), "not-in-the-decision")


def test_a_meeting_that_closed_before_a_reservation_entered_as_in_time_is_found() -> None:
    session = meeting()
    session.do(RecordPresence(**KL, person=c.VICE, capacity="member"))
    session.do(RecordDecision(**KL, item=1, points=["X"]))
    session.do(RecordReservation(**KL, item=1, participant=c.VICE, happened="2024-03-12T14:30"))

    def closes(when: str | None) -> list[tuple[str, str, str]]:
        return findings(session.ask(CloseMeeting(**KL, happened=when)))

    assert closes("2024-03-12T15:00") == closes("mars 2024") == closes(None) == []
    late = ("closed-before-reservation", "after 2024-03-12T14:30", "2024-03-12T14:00")
    assert closes("2024-03-12T14:00") == [late]


def test_where_no_rule_speaks_of_dissent_nothing_is_found() -> None:
    session = meeting(
        committee(("[bodies.namnd.rules.dissent]", '[bodies.namnd.rules.another-matter]\nkind = "dissent"'))
    )
    session.do(RecordPresence(**KL, person=c.GUEST, capacity="guest"))
    assert findings(session.ask(RecordDissent(**KL, item=1, participant=c.GUEST, view="Nej"))) == []


# --- approval
def drafted(rules: Rules) -> Session:
    session = meeting(rules)
    session.do(RecordSecretary(**KL, person=c.SECRETARY), CloseMeeting(**KL))
    session.do(DraftMinutes(minutes=MINUTES, meeting=MEETING))
    return session.circulated()


def sign(session: Session) -> MinutesApproved:
    signing = ident(0x5001)
    session.do(BeginSigning(minutes=MINUTES, version=1, office="secretary", signing=signing))
    approve = c.approve(office="secretary", signing=signing)
    approved: MinutesApproved = session.ask(approve, "system", Role.SYSTEM).event(MinutesApproved)
    return approved


@pytest.mark.parametrize(("days", "late"), [(14, False), (15, True)])
def test_the_fourteenth_day_is_in_time(days: int, late: bool) -> None:
    session = drafted(committee()).later(days=days)
    assert [one.observed for one in sign(session).findings] == (["15 days"] if late else [])


def test_working_days_are_counted_by_the_adopted_calendar() -> None:
    rules = committee(('length = 14, unit = "days"', 'length = 9, unit = "working-days"'))
    assert [one.observed for one in sign(drafted(rules).later(days=14)).findings] == ["10 working-days"]


def test_a_print_signed_on_a_day_that_is_not_known_is_not_late() -> None:
    session = drafted(committee()).later(days=40)
    file: Any = {"media_type": "application/pdf", "size": 9, "file": "ab" * 32, "direction": "internal"}
    session.do(RegisterDocument(document=ident(0xD0), title="Underskrivet", **file))

    def paper(happened: str | None) -> list[str]:
        asked = RecordPaperApproval(
            minutes=MINUTES,
            version=1,
            office="secretary",
            document=ident(0xD0),
            code="AAAA-AAAA",
            happened=happened,
        )
        return [one.finding for one in session.ask(asked).event(PaperApprovalRecorded).findings]

    assert paper(None) == ["approved-late"]
    assert paper("2024-03-20") == paper("2024") == []


def test_minutes_for_which_nobody_is_named_are_finished_by_the_secretary() -> None:
    assert [one.office for one in drafted(committee()).minutes().signers] == ["secretary"]


# --- a third, or the chair
def test_a_third_may_ask_for_a_meeting_and_so_may_the_chair_alone() -> None:
    session = Session(committee())
    session.do(GiveMandate(body=c.COUNCIL, person=c.CHAIR, seat="ordforande", valid_from=date(2023, 1, 1)))

    def asked(*persons: str) -> tuple[int, bool]:
        demand = DemandMeeting(body=c.COUNCIL, persons=list(persons), subject="X")
        event = session.ask(demand).event(MeetingDemanded)
        return event.needed, event.reached

    assert asked(c.VICE) == (2, False)
    assert asked(c.VICE, c.POLICE) == (2, True)
    assert asked(c.CHAIR) == (2, True)


# --- substitutes of one's own
def test_another_substitute_than_one_s_own_is_found() -> None:
    rules = parse(
        HEAD + '[rules.substitutes]\nmodality = "ska"\nsection = "4"\nvalue = { kind = "personal" }\n'
    )
    session = Session(rules).scheduled()

    def call(substitute: str) -> list[str]:
        asked = CallSubstitute(**KL, hindered=c.RESCUE, substitute=substitute)
        return [code for code, _, _ in findings(session.ask(asked))]

    assert call(c.SUBSTITUTE) == []
    assert call(c.EXPERT) == ["substitute-not-own"]
