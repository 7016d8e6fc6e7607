"""Holding: opening and closing, attendance as intervals, who leads, and the justerare who is never the chair."""

from __future__ import annotations

from typing import Any

import pytest

from domain.calling import AddItem, OrderItems
from domain.deliberating import TakeUpItem
from domain.grounds import finding
from domain.holding import (
    AdjournMeeting,
    AppointActingChair,
    CloseMeeting,
    ElectJusterare,
    OpenMeeting,
    RecordAbsence,
    RecordDeparture,
    RecordPresence,
    RecordSecretary,
    ResumeMeeting,
    SetJusteringPlace,
)
from domain.meeting_events import (
    AbsenceRecorded,
    ActingChairAppointed,
    DepartureRecorded,
    JusterareElected,
    JusteringAgreed,
    MeetingAdjourned,
    MeetingClosed,
    MeetingOpened,
    MeetingResumed,
    PresenceRecorded,
    SecretaryRecorded,
)
from domain.meeting_parts import Attendance, Presence
from domain.messages import Known, SourcePart
from domain.sources import house
from tests.council import (
    CHAIR,
    EXPERT,
    GUEST,
    LOOSE,
    MEETING,
    POLICE,
    RESCUE,
    STRANGER,
    SUBSTITUTE,
    VICE,
    Session,
    mandate,
    rules,
    source,
)


def present(person: str, capacity: str = "member", **changes: Any) -> RecordPresence:
    return RecordPresence.model_validate(
        {"meeting": MEETING, "person": person, "capacity": capacity} | changes
    )


def left(person: str, after_item: int | None = None) -> RecordDeparture:
    return RecordDeparture(meeting=MEETING, person=person, after_item=after_item)


def intervals(session: Session, person: str) -> list[tuple[int | None, bool, int | None]]:
    return [
        (one.from_item, one.left, one.after_item)
        for one in session.meeting().presences
        if one.person == person
    ]


# --- opening and closing
def test_the_chair_of_the_body_above_opens_unless_another_is_named() -> None:
    session = Session().called()
    session.ask(OpenMeeting(meeting=MEETING)).then(MeetingOpened(meeting=MEETING, chair=CHAIR))
    session.ask(OpenMeeting(meeting=MEETING, chair=CHAIR)).then(MeetingOpened(meeting=MEETING, chair=CHAIR))
    by_another = session.do(OpenMeeting(meeting=MEETING, chair=VICE)).event(MeetingOpened)
    (found,) = by_another.findings
    assert (found.finding, found.rule, found.source.fact) == ("opened-by-another", "chair", "L5")
    assert session.meeting().led_by == VICE
    session.refuse(OpenMeeting(meeting=MEETING, chair=STRANGER, happened="2024-03-12"), "not-found", house(1))


def test_a_body_whose_chair_is_not_known_has_an_unknown_chair() -> None:
    session = Session().scheduled(body=LOOSE)
    session.do(OpenMeeting(meeting=MEETING)).then(MeetingOpened(meeting=MEETING, chair=None))
    assert session.meeting().led_by is None
    named = Session().scheduled(body=LOOSE).do(OpenMeeting(meeting=MEETING, chair=VICE))
    named.then(MeetingOpened(meeting=MEETING, chair=VICE))


def test_without_a_rule_about_the_chair_nothing_is_found() -> None:
    session = Session().scheduled(body=LOOSE)
    session.scenario.world.append(f"body-{LOOSE}", mandate(0x20, CHAIR, "ordforande", LOOSE))
    session.ask(OpenMeeting(meeting=MEETING)).then(MeetingOpened(meeting=MEETING, chair=CHAIR))
    session.ask(OpenMeeting(meeting=MEETING, chair=VICE)).then(MeetingOpened(meeting=MEETING, chair=VICE))


def test_a_time_entered_wrongly_is_put_right_by_saying_when_it_happened() -> None:
    session = Session().opened()
    session.refuse(OpenMeeting(meeting=MEETING), "already-opened", house(36))
    session.do(OpenMeeting(meeting=MEETING, happened="2024-03-12T13:04"))
    meeting = session.meeting()
    assert meeting.opened is not None
    assert (meeting.opened.text, meeting.opened_by) == ("2024-03-12T13:04", CHAIR)
    session.do(CloseMeeting(meeting=MEETING)).then(MeetingClosed(meeting=MEETING))
    session.refuse(CloseMeeting(meeting=MEETING), "already-closed", house(36))
    session.do(CloseMeeting(meeting=MEETING, happened="2024-03-12T15:10"))
    closed = session.meeting().closed
    assert closed is not None
    assert closed.text == "2024-03-12T15:10"
    session.refuse(AdjournMeeting(meeting=MEETING, happened="2024-03-12"), "already-closed", house(36))


def test_a_meeting_breaks_off_and_goes_on_in_turn() -> None:
    session = Session().called()
    for command in (AdjournMeeting(meeting=MEETING), CloseMeeting(meeting=MEETING)):
        session.refuse(command, "meeting-not-opened", house(36))
    session.do(OpenMeeting(meeting=MEETING))
    session.refuse(ResumeMeeting(meeting=MEETING), "not-adjourned", house(36))
    until = "2024-03-13T09:00"
    session.do(AdjournMeeting(meeting=MEETING, until=until)).then(
        MeetingAdjourned(meeting=MEETING, until=until)
    )
    session.refuse(AdjournMeeting(meeting=MEETING), "already-adjourned", house(36))
    session.do(ResumeMeeting(meeting=MEETING)).then(MeetingResumed(meeting=MEETING))
    session.refuse(ResumeMeeting(meeting=MEETING), "not-adjourned", house(36))
    session.do(AdjournMeeting(meeting=MEETING), CloseMeeting(meeting=MEETING))
    assert [one.resumed is None for one in session.meeting().breaks] == [False, True]


# --- attendance
def test_presence_says_in_which_capacity_for_whom_and_from_when() -> None:
    session = Session().called()
    command = present(SUBSTITUTE, "substitute", substitutes_for=RESCUE, from_item=2, distance=True)
    session.do(command).then(
        PresenceRecorded(
            meeting=MEETING,
            person=SUBSTITUTE,
            capacity="substitute",
            substitutes_for=RESCUE,
            from_item=2,
            distance=True,
        )
    )
    (one,) = session.meeting().presences
    assert one == Presence(SUBSTITUTE, one.version, "substitute", RESCUE, 2, True)
    session.refuse(present(STRANGER), "not-found", house(1))
    session.refuse(present(SUBSTITUTE, substitutes_for=STRANGER), "not-found", house(1))
    session.refuse(present(VICE, from_item=9), "not-found", house(1))
    session.refuse(left(VICE, 9), "not-found", house(1))


def test_somebody_leaves_and_comes_back() -> None:
    session = Session().opened()
    session.do(left(VICE, 2)).then(DepartureRecorded(meeting=MEETING, person=VICE, after_item=2))
    session.do(present(VICE, from_item=4))
    assert intervals(session, VICE) == [(None, True, 2), (4, False, None)]
    session.do(left(VICE))
    assert intervals(session, VICE) == [(None, True, 2), (4, True, None)]


def test_a_presence_entered_again_puts_the_earlier_one_right() -> None:
    session = Session().opened()
    session.do(left(VICE, 2), present(VICE, "substitute"))
    assert intervals(session, VICE) == [(None, False, None)]
    session.do(present(VICE, from_item=3))
    assert intervals(session, VICE) == [(3, False, None)]


def test_who_leaves_without_having_come_is_found_and_the_departure_waits_for_the_presence() -> None:
    session = Session().opened()
    departed = session.do(left(GUEST, 3)).event(DepartureRecorded)
    (found,) = departed.findings
    assert (found.finding, found.modality, found.source) == (
        "left-without-presence",
        "husregel",
        SourcePart.of(house(37)),
    )
    assert intervals(session, GUEST) == []
    session.do(left(EXPERT, 4), present(GUEST, "guest"))
    assert intervals(session, GUEST) == [(None, True, 3)]
    assert [one[0] for one in session.meeting().departures] == [EXPERT]


def test_the_last_word_about_somebody_counts() -> None:
    session = Session().opened()
    absent = RecordAbsence(meeting=MEETING, person=VICE, status="absent")
    session.do(absent).then(AbsenceRecorded(meeting=MEETING, person=VICE, status="absent"))
    assert session.meeting().attendance(VICE) is Attendance.ABSENT
    session.do(left(EXPERT), RecordAbsence(meeting=MEETING, person=EXPERT, status="unknown"))
    assert session.meeting().departures == ()
    assert session.meeting().attendance(EXPERT) is Attendance.UNKNOWN
    session.do(present(VICE))
    assert session.meeting().attendance(VICE) is Attendance.PRESENT
    assert [one.person for one in session.meeting().absences] == [RESCUE, EXPERT]
    session.do(RecordAbsence(meeting=MEETING, person=CHAIR, status="absent"))
    assert session.meeting().attendance(CHAIR) is Attendance.PRESENT  # whoever led the meeting was there
    assert session.meeting().attendance(GUEST) is Attendance.UNKNOWN


# --- who leads, who writes, who approves
def test_items_are_led_by_the_last_appointed_for_them() -> None:
    session = Session().opened()
    first = AppointActingChair(meeting=MEETING, person=VICE, from_item=2, to_item=3, reason="Jäv")
    session.do(first).then(
        ActingChairAppointed(meeting=MEETING, person=VICE, from_item=2, to_item=3, reason=Known("Jäv"))
    )
    assert [session.meeting().chair_of(item) for item in (1, 2, 3, 4)] == [CHAIR, VICE, VICE, CHAIR]
    session.do(AppointActingChair(meeting=MEETING, person=EXPERT, from_item=3))
    assert [session.meeting().chair_of(item) for item in (1, 2, 3, 4)] == [CHAIR, VICE, EXPERT, EXPERT]
    session.do(AppointActingChair(meeting=MEETING, person=RESCUE, to_item=1))
    assert session.meeting().chair_of(1) == RESCUE
    session.do(AppointActingChair(meeting=MEETING, person=VICE))
    assert (session.meeting().led_by, session.meeting().chair_of(1)) == (VICE, RESCUE)
    backwards = AppointActingChair(meeting=MEETING, person=VICE, from_item=3, to_item=2)
    session.refuse(backwards, "items-out-of-order", house(32))
    session.do(OrderItems(meeting=MEETING, order=[1, 3, 2, 4]))
    assert session.ask(backwards).events
    session.refuse(AppointActingChair(meeting=MEETING, person=VICE, from_item=9), "not-found", house(1))
    session.refuse(AppointActingChair(meeting=MEETING, person=STRANGER), "not-found", house(1))


@pytest.mark.fact("L13")
def test_a_justerare_is_chosen_among_the_representatives_and_replaced_by_choosing_again() -> None:
    session = Session().opened()
    elected = session.do(ElectJusterare(meeting=MEETING, person=VICE, item=1)).event(JusterareElected)
    assert elected == JusterareElected(meeting=MEETING, person=VICE, item=1)
    assert session.meeting().justerare == (VICE,)
    another = session.do(ElectJusterare(meeting=MEETING, person=POLICE, office="justerare-2"))
    (found,) = another.event(JusterareElected).findings
    assert (found.finding, found.expected, found.observed) == ("justerare-too-many", "1", "2")
    assert session.meeting().justerare == (VICE, POLICE)
    session.refuse(ElectJusterare(meeting=MEETING, person=STRANGER), "not-found", house(1))
    session.refuse(ElectJusterare(meeting=MEETING, person=VICE, item=9), "not-found", house(1))
    Session().called().refuse(ElectJusterare(meeting=MEETING, person=VICE), "meeting-not-opened", house(36))


def test_what_is_unusual_about_a_justerare_is_found_and_recorded() -> None:
    session = Session().opened()
    outsider = session.do(ElectJusterare(meeting=MEETING, person=GUEST)).event(JusterareElected)
    (found,) = outsider.findings
    assert (found.finding, found.rule, found.source.fact) == ("justerare-not-among", "justerare", "L13")
    assert found.expected == "one of the representatives"
    absent = session.do(ElectJusterare(meeting=MEETING, person=RESCUE)).event(JusterareElected)
    (found,) = absent.findings
    assert (found.finding, found.source) == ("justerare-absent", SourcePart.of(house(38)))
    substitute = session.ask(ElectJusterare(meeting=MEETING, person=SUBSTITUTE)).event(JusterareElected)
    assert substitute.findings == ()  # a substitute is a representative, and nobody entered an absence
    without_rules = Session().scheduled(body=LOOSE)
    without_rules.do(OpenMeeting(meeting=MEETING), ElectJusterare(meeting=MEETING, person=GUEST)).then(
        JusterareElected(meeting=MEETING, person=GUEST)
    )


@pytest.mark.fact("L13")
def test_the_chair_is_never_the_justerare_of_the_meeting() -> None:
    session = Session().opened()
    chosen = ElectJusterare(meeting=MEETING, person=CHAIR)
    session.refuse(chosen, "chair-as-justerare", source("signers"))
    session.refuse(
        AppointActingChair(meeting=MEETING, person=POLICE), "chair-is-justerare", source("signers")
    )
    again = OpenMeeting(meeting=MEETING, chair=POLICE, happened="2024-03-12T13:00")
    session.refuse(again, "chair-is-justerare", source("signers"))
    session.do(AppointActingChair(meeting=MEETING, person=POLICE, from_item=2, to_item=2))
    session.do(AppointActingChair(meeting=MEETING, person=VICE))
    session.refuse(ElectJusterare(meeting=MEETING, person=VICE), "chair-as-justerare", source("signers"))
    session.do(chosen)  # the chair who did not lead may approve as justerare
    loose = Session().scheduled(body=LOOSE)
    loose.do(OpenMeeting(meeting=MEETING, chair=VICE))
    loose.refuse(ElectJusterare(meeting=MEETING, person=VICE), "chair-as-justerare", house(39))


def test_who_writes_and_where_the_minutes_are_approved() -> None:
    session = Session().opened()
    session.do(RecordSecretary(meeting=MEETING, person=EXPERT)).then(
        SecretaryRecorded(meeting=MEETING, person=EXPERT)
    )
    session.refuse(RecordSecretary(meeting=MEETING, person=STRANGER), "not-found", house(1))
    agreed = SetJusteringPlace(meeting=MEETING, place="Digitalt", time="2024-03-26T16:00")
    session.do(agreed).then(
        JusteringAgreed(meeting=MEETING, place=Known("Digitalt"), time="2024-03-26T16:00")
    )
    session.ask(SetJusteringPlace(meeting=MEETING)).then_nothing()
    only_time = session.ask(SetJusteringPlace(meeting=MEETING, time="2024-03-26T16:00"))
    only_time.then(JusteringAgreed(meeting=MEETING, time="2024-03-26T16:00"))


@pytest.mark.parametrize(
    "command",
    [
        OpenMeeting(meeting=MEETING, happened="2024-03-12"),
        present(GUEST),
        left(VICE),
        RecordAbsence(meeting=MEETING, person=VICE, status="unknown"),
        AppointActingChair(meeting=MEETING, person=VICE),
        RecordSecretary(meeting=MEETING, person=EXPERT),
        ElectJusterare(meeting=MEETING, person=VICE),
        SetJusteringPlace(meeting=MEETING, place="Eken"),
        CloseMeeting(meeting=MEETING, happened="2024-03-12"),
    ],
    ids=lambda command: command.command_name(),
)
def test_nothing_of_this_changes_once_the_minutes_are_approved(command: Any) -> None:
    session = Session().ready().signed("chair")
    assert session.ask(command).error is None
    session.signed("justerare").refuse(command, "meeting-approved", house(40))


@pytest.mark.fact("L9")
def test_no_quorum_is_asked_for() -> None:
    session = Session().called()
    session.do(
        OpenMeeting(meeting=MEETING), TakeUpItem(meeting=MEETING, item=1), CloseMeeting(meeting=MEETING)
    )
    assert session.meeting().presences == ()
    session.do(AddItem(meeting=MEETING, title="Sent"))


@pytest.mark.fact("X3")
def test_a_finding_carries_the_modality_of_its_rule() -> None:
    assert finding("x", rules(), "minutes", "a", "b").modality == "ska"
