"""Afterwards: two duties with two clocks, receipts by the one who got them, and dispatch."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.afterwards import (
    RecordDispatch,
    RecordNotificationNoted,
    RecordNotificationNumber,
    RecordReceipt,
    SendMinutes,
    SendNotification,
)
from domain.approving import NoteDisagreement
from domain.calling import AddItem
from domain.drafting import CorrectMinutes, DraftMinutes, Entry
from domain.holding import OpenMeeting, RecordSecretary
from domain.kallelse import Addressee
from domain.meeting_events import Recipient
from domain.messages import Known, Role, SourcePart
from domain.minutes_events import (
    DecisionDispatched,
    MinutesSent,
    NotificationNoted,
    NotificationNumbered,
    NotificationSent,
    ReceiptRecorded,
)
from domain.regulation import parse
from domain.sources import house
from tests.council import (
    BOARD,
    CHAIR,
    GUEST,
    LOOSE,
    MEETING,
    MINUTES,
    PART,
    POLICE,
    PROFILE,
    RESCUE,
    SECRETARY,
    STRANGER,
    VICE,
    Session,
    seal,
    source,
)
from tests.given import ident

SHEET = ident(0xF2)


def send(*persons: str, minutes: str = MINUTES) -> SendMinutes:
    return SendMinutes(minutes=minutes, recipients=[Addressee(person=person) for person in persons])


@pytest.mark.fact("L14")
def test_the_minutes_are_sent_and_what_remains_is_shown() -> None:
    session = Session().sealed()
    session.do(send(CHAIR, VICE, CHAIR)).then(
        MinutesSent(
            minutes=MINUTES,
            sending=1,
            version=1,
            recipients=(
                Recipient(person=CHAIR, channel="e-mail"),
                Recipient(person=VICE, channel="e-mail"),
            ),
            remaining=(POLICE, RESCUE),
            source=SourcePart.of(source("send-minutes")),
        )
    )
    sent = session.do(send(POLICE, RESCUE, GUEST)).event(MinutesSent)
    assert (sent.sending, sent.remaining) == (2, ())
    session.refuse(send(STRANGER), "not-found", house(1))


def test_without_a_rule_nobody_remains() -> None:
    session = Session().scheduled(body=LOOSE)
    session.do(OpenMeeting(meeting=MEETING), RecordSecretary(meeting=MEETING, person=SECRETARY))
    session.do(AddItem(meeting=MEETING, title="Ljus"), DraftMinutes(minutes=MINUTES, meeting=MEETING))
    session.circulated().signed("secretary").system(seal())
    sent = session.do(send(CHAIR)).event(MinutesSent)
    assert (sent.remaining, sent.source) == ((), None)
    notified = session.do(SendNotification(minutes=MINUTES, to_body=BOARD)).event(NotificationSent)
    assert notified.source is None


def test_minutes_that_go_to_the_body_above_are_owed_to_no_member() -> None:
    text = PROFILE.read_text(encoding="utf-8")
    to_parent = text.replace(
        '.rules.send-minutes]\nvalue = { to = "recipients" }',
        '.rules.send-minutes]\nvalue = { to = "parent" }',
    )
    assert to_parent != text
    session = Session(parse(to_parent, PART)).sealed()
    assert session.do(send(CHAIR)).event(MinutesSent).remaining == ()


@pytest.mark.parametrize(
    "command",
    [
        send(CHAIR),
        RecordReceipt(minutes=MINUTES),
        SendNotification(minutes=MINUTES, to_body=BOARD),
        RecordNotificationNumber(minutes=MINUTES, diarienummer="KS24.200"),
        RecordDispatch(minutes=MINUTES, item=5, recipient="Gatukontoret"),
    ],
    ids=lambda command: command.command_name(),
)
def test_only_what_is_sealed_or_finished_without_approval_leaves_the_council(command: Any) -> None:
    Session().approved().refuse(command, "not-finished", house(53))
    Session().refuse(command, "not-found", house(1))


def test_what_was_finished_without_approval_is_sent_and_reported_too() -> None:
    session = Session().drafted()
    finished = NoteDisagreement(
        minutes=MINUTES, exit="finished-without-approval", versions=[1], reason="Oense om punkt 4"
    )
    session.do(finished)
    assert session.do(send(*(CHAIR, VICE, POLICE))).event(MinutesSent).remaining == (RESCUE,)


def test_a_receipt_is_given_by_the_one_who_got_them_once() -> None:
    session = Session().sealed()
    session.do(send(CHAIR, POLICE))
    receipt = RecordReceipt(minutes=MINUTES)
    session.refuse(receipt, "not-a-recipient", house(54), who=VICE, role=Role.MEMBER)
    session.do(receipt, who=POLICE, role=Role.MEMBER).then(ReceiptRecorded(minutes=MINUTES, person=POLICE))
    session.ask(receipt, POLICE, Role.MEMBER).then_nothing()
    assert session.minutes().receipts == (POLICE,)


@pytest.mark.fact("L14")
def test_a_notification_gets_its_number_and_its_paragraph_where_it_was_sent() -> None:
    session = Session().sealed()
    first = SendNotification(minutes=MINUTES, to_body=BOARD)
    session.do(first).then(
        NotificationSent(
            minutes=MINUTES,
            notification=1,
            to_body=BOARD,
            channel="e-mail",
            version=1,
            source=SourcePart.of(source("notify")),
        )
    )
    session.do(SendNotification(minutes=MINUTES, to_body=LOOSE, channel="post"))
    session.refuse(SendNotification(minutes=MINUTES, to_body=STRANGER), "not-found", house(1))
    number = RecordNotificationNumber(minutes=MINUTES, notification=1, diarienummer="KS24.200")
    session.do(number).then(NotificationNumbered(minutes=MINUTES, notification=1, diarienummer="KS24.200"))
    noted = RecordNotificationNoted(minutes=MINUTES, paragraph="§ 12", meeting_day=date(2024, 4, 24))
    session.do(noted).then(
        NotificationNoted(minutes=MINUTES, notification=2, paragraph="§ 12", meeting_day=date(2024, 4, 24))
    )
    one, two = session.minutes().notifications
    assert (one.diarienummer, one.paragraph, one.sent.text) == ("KS24.200", None, "2024-03-12T14:00")
    assert (two.diarienummer, two.paragraph, two.meeting_day) == (None, "§ 12", "2024-04-24")


def test_no_number_without_a_notification() -> None:
    session = Session().sealed()
    number = RecordNotificationNumber(minutes=MINUTES, diarienummer="KS24.200")
    session.refuse(number, "not-found", house(1))
    session.do(SendNotification(minutes=MINUTES, to_body=BOARD))
    session.refuse(number.model_copy(update={"notification": 2}), "not-found", house(1))


def test_a_decision_is_dispatched_item_by_item() -> None:
    session = Session().sealed()
    session.do(RecordDispatch(minutes=MINUTES, item=5, recipient="Gatukontoret", channel="post")).then(
        DecisionDispatched(minutes=MINUTES, item=5, recipient=Known("Gatukontoret"), channel="post")
    )
    assert [(one.item, one.channel) for one in session.minutes().dispatched] == [(5, "post")]
    session.refuse(RecordDispatch(minutes=MINUTES, item=9, recipient="Ingen"), "not-found", house(1))


def test_a_correction_goes_to_all_who_got_the_original() -> None:
    session = Session().sealed()
    session.do(send(GUEST, VICE, POLICE))
    entries = [Entry(item=5, original="Belysning", corrected="Belysningen")]
    session.do(CorrectMinutes(minutes=SHEET, corrects=MINUTES, entries=entries))
    session.circulated(SHEET).signed("chair", SHEET).signed("justerare", SHEET).system(seal(SHEET))
    sent = session.do(send(VICE, minutes=SHEET)).event(MinutesSent)
    assert sent.remaining == (GUEST, POLICE)
