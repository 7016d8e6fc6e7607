"""Calling: the agenda and its order, what the kallelse recorded, and who may say what."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.body_events import MeetingDemanded
from domain.calling import (
    AddItem,
    CancelMeeting,
    ChangeItem,
    Handling,
    MoveMeeting,
    OrderItems,
    ScheduleMeeting,
    WithdrawItem,
)
from domain.deliberating import MakeProposal, PostponeItem, RecordAbstention, RecordDissent, TakeUpItem
from domain.document import RegisterDocument
from domain.grounds import working_days
from domain.holding import OpenMeeting
from domain.kallelse import Addressee, CallSubstitute, GiveNoticeReason, IssueKallelse, NotifyHinder
from domain.matter import OpenMatter
from domain.meeting import Meeting
from domain.meeting_events import (
    Enclosure,
    HinderNotified,
    ItemAdded,
    ItemChanged,
    ItemsOrdered,
    ItemWithdrawn,
    KallelseIssued,
    MeetingCancelled,
    MeetingMoved,
    MeetingScheduled,
)
from domain.messages import Command, Known, Role, SourcePart
from domain.person import PersonRegistered
from domain.regulation import Rules, parse
from domain.sources import house
from tests.council import (
    BOARD,
    CHAIR,
    COUNCIL,
    DAY,
    LOOSE,
    MEETING,
    MEMBERS,
    PART,
    POLICE,
    PROFILE,
    RESCUE,
    STRANGER,
    SUBSTITUTE,
    VICE,
    Session,
    kallelse,
    source,
    texts,
)
from tests.given import fact, ident

DOMAIN = Path(__file__).parent.parent / "domain"
MATTER, DOCUMENT, DEMAND = ident(0xC0), ident(0xD0), ident(0xDE)


def add(title: str = "Belysning", **changes: Any) -> AddItem:
    return AddItem.model_validate({"meeting": MEETING, "title": title} | changes)


def profile(old: str, new: str) -> Rules:
    text = PROFILE.read_text(encoding="utf-8")
    assert old in text
    return parse(text.replace(old, new), PART)


def with_matter(session: Session) -> Session:
    session.do(
        OpenMatter(matter=MATTER, body=BOARD, title="Belysning", diarienummer="KS24.118"),
        RegisterDocument(
            document=DOCUMENT, title="Tjänsteskrivelse", media_type="application/pdf", size=9, file="0" * 64,
            direction="internal",
        ),
    )  # fmt: skip
    return session


# --- the plan
@pytest.mark.fact("L8")
def test_a_meeting_gets_the_standing_items_of_the_day_with_their_source() -> None:
    command = ScheduleMeeting(meeting=MEETING, body=COUNCIL, starts=f"{DAY}T13:00", place="Eken")
    answer = Session().ask(command).events
    assert answer[0] == MeetingScheduled(
        meeting=MEETING, body=COUNCIL, starts=f"{DAY}T13:00", place=Known("Eken")
    )
    items = [event for event in answer[1:] if isinstance(event, ItemAdded)]
    assert [str(one.title) for one in items] == [
        "Val av justerare",
        "Fastställande av dagordning",
        "Genomgång av föregående mötesanteckningar",
        "Aktuellt sedan förra mötet",
    ]
    assert [len(one.parts) for one in items] == [0, 0, 0, 2]
    assert {one.source for one in items} == {SourcePart.of(source("standing-items"))}
    assert len(answer) == 5


def test_a_body_without_rules_gets_an_empty_agenda_and_so_does_a_day_before_the_rules() -> None:
    assert Session().scheduled(body=LOOSE).meeting().items == ()
    assert Session().scheduled(starts="2023-11-09T13:00").meeting().items == ()
    assert len(Session().scheduled(starts="2023-11-10T13:00").meeting().items) == 4


def test_a_meeting_is_planned_once_for_a_body_that_exists_on_a_demand_that_exists() -> None:
    session = Session().scheduled()
    session.refuse(
        ScheduleMeeting(meeting=MEETING, body=COUNCIL, starts=f"{DAY}T13:00", place="Eken"),
        "id-taken",
        house(10),
    )
    new = {"starts": f"{DAY}T13:00", "place": "Eken"}
    session.refuse(ScheduleMeeting(body=STRANGER, **new), "not-found", house(1))
    session.refuse(ScheduleMeeting(body=COUNCIL, demand=DEMAND, **new), "not-found", house(1))
    session.refuse(ScheduleMeeting(body=COUNCIL, matter=MATTER, **new), "not-found", house(1))
    session.refuse(
        ScheduleMeeting(body=COUNCIL, ends=f"{DAY}T12:59", **new), "ends-before-it-begins", house(14)
    )
    demanded = MeetingDemanded.model_validate(
        {"body": COUNCIL, "demand": DEMAND, "persons": [VICE], "subject": "Torget", "members": 4, "needed": 3}
        | {"reached": False, "source": SourcePart.of(source("demand"))}
    )
    session.scenario.world.append(f"body-{COUNCIL}", demanded)
    with_matter(session)
    other = ident(0xE1)
    session.do(
        ScheduleMeeting(meeting=other, body=COUNCIL, demand=DEMAND, matter=MATTER, ends=f"{DAY}T13:00", **new)
    )
    assert (session.meeting(other).demand, session.meeting(other).matter) == (DEMAND, MATTER)


@pytest.mark.fact("V7")
def test_a_meeting_entered_afterwards_may_have_a_day_without_a_time_and_no_place() -> None:
    session = Session()
    planned = session.do(ScheduleMeeting(meeting=MEETING, body=COUNCIL, starts=DAY))
    (scheduled,) = [event for event in planned.events if isinstance(event, MeetingScheduled)]
    assert (scheduled.starts, scheduled.place) == (DAY, None)
    assert session.meeting().day.isoformat() == DAY
    session.do(MoveMeeting(meeting=MEETING, starts=f"{DAY}T13:00"))
    assert (session.meeting().starts, session.meeting().place) == (f"{DAY}T13:00", None)


@pytest.mark.fact("Å9")
def test_a_kallelse_tells_time_and_place_where_the_rules_ask_for_them() -> None:
    def lacks(**meeting: Any) -> list[str]:
        rules = parse((DOMAIN / "profiles" / "ange.toml").read_text("utf-8"), "trygghetsradet")
        session = Session(rules)
        session.do(ScheduleMeeting.model_validate({"meeting": MEETING, "body": COUNCIL} | meeting), add())
        issued = session.do(kallelse(*MEMBERS)).event(KallelseIssued)
        return [one.observed for one in issued.findings if one.finding == "kallelse-lacks"]

    assert lacks(starts=f"{DAY}T13:00", place="Eken") == []
    assert lacks(starts=f"{DAY}T13:00") == ["no place"]
    assert lacks(starts=DAY) == ["no time, place"]


def test_a_meeting_without_an_id_gets_its_own() -> None:
    one, other = (ScheduleMeeting(body=COUNCIL, starts=f"{DAY}T13:00", place="Eken") for _ in range(2))
    assert one.meeting != other.meeting


def test_a_meeting_is_moved_and_keeps_its_place_if_none_is_given() -> None:
    session = Session().scheduled()
    move = MoveMeeting(meeting=MEETING, starts="2024-03-19T13:00", reason="Sjukdom")
    session.do(move)
    moved = MeetingMoved(meeting=MEETING, starts="2024-03-19T13:00", reason=Known("Sjukdom"))
    assert Session().scheduled().ask(move).events == [moved]
    assert (session.meeting().day, session.meeting().place) == (date(2024, 3, 19), Known("Kommunhuset, Eken"))
    session.do(MoveMeeting(meeting=MEETING, starts="2024-03-19T13:00", place="Linden"))
    assert session.meeting().place == Known("Linden")
    backwards = MoveMeeting(meeting=MEETING, starts="2024-03-19T13:00", ends="2024-03-19T12:00")
    session.refuse(backwards, "ends-before-it-begins", house(14))


def test_nothing_is_entered_about_a_cancelled_meeting_and_an_opened_one_is_not_cancelled() -> None:
    session = Session().called()
    session.do(CancelMeeting(meeting=MEETING, reason="Sjukdom")).then(
        MeetingCancelled(meeting=MEETING, reason=Known("Sjukdom"))
    )
    for command in (
        CancelMeeting(meeting=MEETING),
        MoveMeeting(meeting=MEETING, starts=f"{DAY}T13:00"),
        add(),
        kallelse(CHAIR),
        GiveNoticeReason(meeting=MEETING, issue=1, reason="Sent"),
        OpenMeeting(meeting=MEETING),
        TakeUpItem(meeting=MEETING, item=1),
    ):
        session.refuse(command, "meeting-cancelled", house(30))
    Session().opened().refuse(CancelMeeting(meeting=MEETING), "cancel-after-opening", house(30))
    Session().refuse(CancelMeeting(meeting=MEETING), "not-found", house(1))


# --- the agenda
def test_an_item_carries_its_matter_presenter_time_and_documents() -> None:
    session = with_matter(Session().scheduled())
    documents = [
        Handling(document=DOCUMENT, title="Tjänsteskrivelse"),
        Handling(title="Karta", enclosed=False),
    ]
    command = add(matter=MATTER, presenter="Maja", starts="13:30", documents=documents, standing="belysning")
    session.do(command).then(
        ItemAdded(
            meeting=MEETING,
            item=5,
            title=Known("Belysning"),
            matter=MATTER,
            presenter=Known("Maja"),
            starts="13:30",
            documents=(
                Enclosure(document=DOCUMENT, title=Known("Tjänsteskrivelse")),
                Enclosure(title=Known("Karta"), enclosed=False),
            ),
            standing="belysning",
        )
    )
    session.refuse(add(matter=STRANGER), "not-found", house(1))
    session.refuse(add(documents=[Handling(document=STRANGER, title="Karta")]), "not-found", house(1))
    late = Session().opened().do(add()).event(ItemAdded)
    assert late.late


def test_an_item_is_changed_field_by_field() -> None:
    session = with_matter(Session().scheduled())
    session.do(add(presenter="Maja", starts="13:30"))
    change = ChangeItem(meeting=MEETING, item=5, title="Mörka stråk", matter=MATTER, removed=["presenter"])
    session.do(change).then(
        ItemChanged(
            meeting=MEETING, item=5, title=Known("Mörka stråk"), matter=MATTER, removed=("presenter",)
        )
    )
    item = session.meeting().item(5)
    assert item is not None
    assert (item.title, item.matter, item.presenter, item.starts) == (
        Known("Mörka stråk"),
        MATTER,
        None,
        "13:30",
    )
    session.do(ChangeItem(meeting=MEETING, item=5, documents=[Handling(title="Karta")]))
    session.do(ChangeItem(meeting=MEETING, item=5, documents=[]))
    changed = session.meeting().item(5)
    assert changed is not None
    assert changed.documents == ()
    session.ask(ChangeItem(meeting=MEETING, item=5)).then_nothing()
    session.refuse(ChangeItem(meeting=MEETING, item=9, title="Nej"), "not-found", house(1))
    session.refuse(ChangeItem(meeting=MEETING, item=5, matter=STRANGER), "not-found", house(1))


def test_before_the_kallelse_a_withdrawn_item_leaves_no_gap_and_after_it_its_number_stays() -> None:
    early = Session().scheduled()
    early.do(WithdrawItem(meeting=MEETING, item=2, reason="Inte nu")).then(
        ItemWithdrawn(meeting=MEETING, item=2, reason=Known("Inte nu"))
    )
    assert [early.meeting().number(item) for item in (1, 2, 3, 4)] == ["1", "", "2", "3"]
    early.refuse(WithdrawItem(meeting=MEETING, item=2), "item-withdrawn", house(31))
    late = Session().called()
    late.do(WithdrawItem(meeting=MEETING, item=2))
    assert [late.meeting().number(item) for item in (1, 2, 3, 4)] == ["1", "2", "3", "4"]
    again = late.do(kallelse(CHAIR)).event(KallelseIssued)
    assert [(entry.item, entry.number) for entry in again.agenda] == [(1, "1"), (3, "3"), (4, "4")]


@pytest.mark.parametrize(
    "command",
    [
        TakeUpItem(meeting=MEETING, item=2),
        MakeProposal(meeting=MEETING, item=2, text="Mer ljus"),
        RecordDissent(meeting=MEETING, item=2, participant=VICE, view="Nej"),
        RecordAbstention(meeting=MEETING, item=2, person=VICE),
        PostponeItem(meeting=MEETING, item=2),
    ],
    ids=lambda command: command.command_name(),
)
def test_an_item_that_was_dealt_with_is_not_withdrawn(command: Any) -> None:
    session = Session().opened()
    session.do(command)
    session.refuse(WithdrawItem(meeting=MEETING, item=2), "item-dealt-with", house(31))
    session.do(WithdrawItem(meeting=MEETING, item=3))


@for_all(st.permutations([1, 2, 3, 4]))
@pytest.mark.fact("L8")
def test_the_items_stand_in_the_order_given(order: list[int]) -> None:
    session = Session().scheduled()
    outcome = session.do(OrderItems(meeting=MEETING, order=order))
    expected = [] if order == [1, 2, 3, 4] else [ItemsOrdered(meeting=MEETING, order=tuple(order))]
    assert outcome.events == expected
    assert [item.item for item in session.meeting().agenda] == order
    session.do(add())
    assert session.meeting().number(5) == "5"


@pytest.mark.parametrize("order", [[1, 2, 3], [1, 2, 3, 4, 4], [1, 2, 3, 5], []])
def test_an_order_that_leaves_an_item_out_is_refused(order: list[int]) -> None:
    Session().scheduled().refuse(OrderItems(meeting=MEETING, order=order), "order-incomplete", house(32))


def test_a_withdrawn_item_without_a_number_is_not_in_the_order() -> None:
    session = Session().scheduled()
    session.do(WithdrawItem(meeting=MEETING, item=1), OrderItems(meeting=MEETING, order=[4, 3, 2]))
    assert [item.item for item in session.meeting().agenda] == [4, 3, 2]


# --- the kallelse
@pytest.mark.fact("L15")
def test_a_kallelse_a_week_before_is_in_time_and_one_day_less_is_found_and_asked_about() -> None:
    sent = Session().scheduled().do(kallelse(*MEMBERS, sent_on=date(2024, 3, 1))).event(KallelseIssued)
    assert (sent.days, sent.findings, sent.reason_wanted, sent.not_called) == (11, (), False, ())
    on_the_day = Session().scheduled().later(days=4)
    assert on_the_day.ask(kallelse(*MEMBERS)).event(KallelseIssued).findings == ()
    session = Session().scheduled().later(days=5)
    issued = session.do(kallelse(*MEMBERS)).event(KallelseIssued)
    (found,) = issued.findings
    assert (found.finding, found.rule, found.modality) == ("notice-short", "notice", "utgangspunkt")
    assert (found.expected, found.observed) == ("7 days", "6 days")
    assert found.source == SourcePart.of(source("notice"))
    assert found.source.fact == "L15"
    assert (issued.days, issued.reason_wanted, issued.sent_on) == (6, True, date(2024, 3, 6))
    session.do(GiveNoticeReason(meeting=MEETING, issue=1, reason="Polisen kunde bara då"))
    assert session.meeting().issues[0].reason == Known("Polisen kunde bara då")
    session.refuse(GiveNoticeReason(meeting=MEETING, issue=2, reason="Nej"), "not-found", house(1))


@for_all(st.integers(min_value=-3, max_value=40))
def test_the_days_are_those_between_sending_and_meeting(days: int) -> None:
    session = Session().scheduled().later(days=11)
    sent_on = date.fromisoformat(DAY) - timedelta(days=days)
    command = kallelse(*MEMBERS, sent_on=sent_on)
    if sent_on > session.now.date():
        session.refuse(command, "sent-in-the-future", house(34))
        return
    issued = session.ask(command).event(KallelseIssued)
    assert issued.days == days
    assert issued.reason_wanted == (days < 7) == bool(issued.findings)


def test_the_kallelse_keeps_the_agenda_as_it_stood() -> None:
    session = with_matter(Session().scheduled(ends=f"{DAY}T15:00"))
    session.do(add(matter=MATTER, presenter="Maja", starts="13:30", documents=[Handling(title="Karta")]))
    command = kallelse(CHAIR, CHAIR, VICE, POLICE, RESCUE, place="Linden")
    issued = session.do(command).event(KallelseIssued)
    assert [entry.number for entry in issued.agenda] == ["1", "2", "3", "4", "5"]
    assert issued.agenda[4].diarienummer == "KS24.118"
    assert [str(part) for part in issued.agenda[3].parts] == [
        "Rapporter från externa myndigheter",
        "Rapporter från kommunens verksamheter",
    ]
    assert (issued.starts, issued.ends, issued.place) == (f"{DAY}T13:00", f"{DAY}T15:00", Known("Linden"))
    assert len(issued.recipients) == 4
    session.do(ChangeItem(meeting=MEETING, item=5, title="Annat"))
    assert str(issued.agenda[4].title) == "Belysning"
    session.refuse(kallelse(STRANGER), "not-found", house(1))
    with pytest.raises(ValidationError):
        IssueKallelse(meeting=MEETING, recipients=[])


def test_a_member_who_was_not_called_is_found_until_called() -> None:
    session = Session().scheduled()
    issued = session.do(kallelse(CHAIR, VICE, POLICE)).event(KallelseIssued)
    (found,) = issued.findings
    assert (found.finding, found.rule, found.modality) == (
        "member-not-called",
        "kallelse",
        "ska",
    )
    assert (found.expected, found.observed) == ("4 called", "3 called")
    assert (issued.not_called, issued.reason_wanted) == ((RESCUE,), False)
    late = session.later(days=9).do(kallelse(RESCUE)).event(KallelseIssued)
    assert [one.finding for one in late.findings] == ["notice-short"]
    assert late.not_called == ()


def test_a_second_sending_is_not_held_against_those_called_in_time() -> None:
    session = Session().called().later(days=9)
    again = session.do(kallelse(*MEMBERS, SUBSTITUTE)).event(KallelseIssued)
    assert (again.issue, again.days, again.findings, again.reason_wanted) == (2, 2, (), False)
    session.do(MoveMeeting(meeting=MEETING, starts="2024-03-13T13:00"))
    moved = session.do(kallelse(*MEMBERS)).event(KallelseIssued)
    assert [one.finding for one in moved.findings] == ["notice-short"]


def test_a_late_kallelse_does_not_put_a_later_one_right() -> None:
    session = Session().scheduled().later(days=9)
    session.do(kallelse(*MEMBERS))
    again = session.later(days=1).do(kallelse(SUBSTITUTE)).event(KallelseIssued)
    assert [one.finding for one in again.findings] == ["notice-short"]


def test_a_day_of_sending_that_is_not_known_gives_no_finding() -> None:
    session = Session().scheduled().later(days=11)
    unknown = session.ask(kallelse(*MEMBERS, happened="mars 2024")).event(KallelseIssued)
    assert (unknown.sent_on, unknown.days, unknown.findings) == (None, None, ())
    known = session.ask(kallelse(*MEMBERS, happened="2024-03-11T08:00")).event(KallelseIssued)
    assert (known.sent_on, known.days) == (date(2024, 3, 11), 1)
    said = session.ask(kallelse(*MEMBERS, happened="mars 2024", sent_on=date(2024, 3, 11)))
    assert said.event(KallelseIssued).days == 1


def test_without_rules_the_days_are_counted_and_nothing_is_found() -> None:
    issued = Session().scheduled(body=LOOSE).later(days=10).do(kallelse(CHAIR)).event(KallelseIssued)
    assert (issued.days, issued.findings, issued.agenda) == (1, (), ())
    silent = Session(profile(".rules.notice]", ".rules.notice-of-another-kind]")).scheduled().later(days=10)
    assert silent.do(kallelse(*MEMBERS)).event(KallelseIssued).findings == ()
    mute = Session(profile(".rules.kallelse]", ".rules.something-else-altogether]")).scheduled()
    assert mute.do(kallelse(CHAIR)).event(KallelseIssued).findings == ()


def test_working_days_leave_weekends_and_the_adopted_calendar_out() -> None:
    session = Session(profile('unit = "days"', 'unit = "working-days"')).scheduled().later(days=3)
    issued = session.do(kallelse(*MEMBERS)).event(KallelseIssued)
    assert issued.days == 5  # 5, 6, 7, 11 and 12 March; the 8th is in the adopted calendar
    assert issued.findings[0].expected == "7 working-days"


def test_days_counted_from_receipt_are_not_known_for_what_went_by_post() -> None:
    rules = profile('counted_from = "sending"', 'counted_from = "receipt"')
    post = [Addressee(person=person, channel="post") for person in MEMBERS]
    session = Session(rules).scheduled().later(days=10)
    assert session.ask(kallelse(recipients=post)).event(KallelseIssued).days is None
    assert session.ask(kallelse(*MEMBERS)).event(KallelseIssued).days == 1


@for_all(
    st.dates(date(2024, 1, 1), date(2024, 12, 1)),
    st.integers(0, 60),
    st.sets(st.dates(date(2024, 1, 1), date(2024, 12, 31))),
)
def test_working_days_against_a_plain_count(first: date, length: int, free: set[date]) -> None:
    last = first + timedelta(days=length)
    plain = [first + timedelta(days=n) for n in range(1, length + 1)]
    expected = len([day for day in plain if day.strftime("%a") not in ("Sat", "Sun") and day not in free])
    assert working_days(first, last, frozenset(free)) == expected


def test_every_finding_has_words_in_both_languages() -> None:
    code = r"grounds\.finding|house_finding|found = "
    written = "".join(path.read_text(encoding="utf-8") for path in sorted(DOMAIN.glob("*.py")))
    found = set(re.findall(rf"(?:{code})\(\s*\"([a-z-]+)\"", written))
    assert found >= {"notice-short", "justerare-not-among", "draft-outside-authority"}
    assert all(texts("findings")[one].keys() >= {"sv", "en"} for one in found)


# --- hinders and substitutes
def test_a_member_reports_only_his_own_hinder_and_the_secretary_anybody_s() -> None:
    session = Session().called()
    command = NotifyHinder(meeting=MEETING, person=RESCUE, reason="Vård av barn")
    session.refuse(command, "only-for-oneself", house(35), who=VICE, role=Role.MEMBER)
    session.do(command, who=RESCUE, role=Role.MEMBER)
    session.do(NotifyHinder(meeting=MEETING, person=RESCUE))
    assert [one.person for one in session.meeting().hinders] == [RESCUE]
    session.do(CallSubstitute(meeting=MEETING, hindered=RESCUE, substitute=SUBSTITUTE))
    assert session.meeting().substitutes[0][:2] == (RESCUE, SUBSTITUTE)
    oneself = CallSubstitute(meeting=MEETING, hindered=RESCUE, substitute=RESCUE)
    session.refuse(oneself, "substitute-for-oneself", house(15))
    session.refuse(NotifyHinder(meeting=MEETING, person=STRANGER), "not-found", house(1))
    nobody = CallSubstitute(meeting=MEETING, hindered=RESCUE, substitute=STRANGER)
    session.refuse(nobody, "not-found", house(1))


def test_a_reason_for_staying_away_has_a_key_of_its_own() -> None:
    annotation = str(HinderNotified.model_fields["reason"].annotation)
    assert "of='event'" in annotation
    assert "working" in annotation


# --- once approved
def test_what_approved_minutes_say_about_the_meeting_stands() -> None:
    session = Session().approved()
    whole: tuple[Command, ...] = (
        MoveMeeting(meeting=MEETING, starts=f"{DAY}T14:00"),
        add(),
        OrderItems(meeting=MEETING, order=[5, 4, 3, 2, 1]),
        GiveNoticeReason(meeting=MEETING, issue=1, reason="Sent"),
        NotifyHinder(meeting=MEETING, person=RESCUE),
        CallSubstitute(meeting=MEETING, hindered=RESCUE, substitute=SUBSTITUTE),
    )
    for command in whole:
        session.refuse(command, "meeting-approved", house(40))
    of_items: tuple[Command, ...] = (
        ChangeItem(meeting=MEETING, item=5, title="Annat"),
        WithdrawItem(meeting=MEETING, item=5),
    )
    for command in of_items:
        session.refuse(command, "minutes-approved", house(40))


def test_a_state_knows_only_its_own_events() -> None:
    foreign = fact(PersonRegistered(person=CHAIR, name=Known("Karin")))
    assert Meeting().evolve(foreign) == Meeting()
    assert not Meeting().exists
