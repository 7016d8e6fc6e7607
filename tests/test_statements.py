"""Statements: what the paper says of each event, in order, with a field for each thing that may be masked."""

from __future__ import annotations

from typing import Any

from domain.calling import AddItem, Handling, MoveMeeting, OrderItems, ScheduleMeeting, WithdrawItem
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
)
from domain.holding import (
    AdjournMeeting,
    AppointActingChair,
    CloseMeeting,
    OpenMeeting,
    RecordAbsence,
    RecordDeparture,
    RecordPresence,
    ResumeMeeting,
    SetJusteringPlace,
)
from domain.kallelse import CallSubstitute, GiveNoticeReason, NotifyHinder
from domain.matter import OpenMatter
from domain.meeting_events import DissentRecorded
from domain.messages import Destroyed, Known, stream
from domain.minutes_events import Statement
from domain.person import PersonRegistered, RenamePerson
from domain.statements import same, statements
from tests.council import (
    BOARD,
    CHAIR,
    COUNCIL,
    DAY,
    EXPERT,
    GUEST,
    LOOSE,
    MEETING,
    MEMBERS,
    NAMES,
    POLICE,
    RESCUE,
    SUBSTITUTE,
    VICE,
    Session,
    kallelse,
    mandate,
    said,
)
from tests.given import fact, ident

HERE: dict[str, Any] = {"meeting": MEETING, "item": 4}
MATTER = ident(0xC0)


def paper(session: Session, covers: tuple[int, ...] | None = None) -> tuple[Statement, ...]:
    """The statements of the whole meeting, or of some items only."""
    meeting = session.meeting()
    items = tuple(item.item for item in meeting.agenda)
    return statements(meeting, session.scenario.world, items if covers is None else covers, covers is None)


def fields(session: Session, kind: str, covers: tuple[int, ...] | None = None) -> list[dict[str, str]]:
    return said(paper(session, covers), kind)


def present(person: str, capacity: str = "member", **changes: Any) -> RecordPresence:
    return RecordPresence.model_validate(
        {"meeting": MEETING, "person": person, "capacity": capacity} | changes
    )


def test_the_first_page_says_where_and_when_and_who() -> None:
    session = Session()
    session.do(OpenMatter(matter=MATTER, body=BOARD, title="Rådet", diarienummer="KS24.118"))
    session.scheduled(ends=f"{DAY}T15:00", title="Extra möte", matter=MATTER)
    session.scenario.world.append(f"body-{COUNCIL}", mandate(0x30, VICE, "vice-ordforande"))
    session.do(OpenMeeting(meeting=MEETING, happened=f"{DAY}T13:02"), present(VICE), present(CHAIR))
    assert fields(session, "meeting") == [
        {
            "body": "Trygghetsrådet",
            "title": "Extra möte",
            "diarienummer": "KS24.118",
            "starts": f"{DAY}T13:00",
            "ends": f"{DAY}T15:00",
            "place": "Kommunhuset, Eken",
            "opened": f"{DAY}T13:02",
            "items": "1,2,3,4",
        }
    ]
    session.do(CloseMeeting(meeting=MEETING, happened=f"{DAY}T14:30"))
    assert fields(session, "meeting")[0]["closed"] == f"{DAY}T14:30"
    assert fields(session, "chair") == [{"name": "Karin Lindqvist"}]
    assert fields(session, "secretary") == []
    assert [(one["name"], one["office"]) for one in fields(session, "attendance")] == [
        ("Per Ahlström", "vice-chair"),
        ("Karin Lindqvist", "chair"),
    ]


def test_a_planned_meeting_has_a_first_page_too() -> None:
    session = Session().scheduled(body=LOOSE)
    (meeting,) = paper(session)
    assert (meeting.kind, meeting.ref_version, meeting.ref_stream) == ("meeting", 1, f"meeting-{MEETING}")
    assert "opened" not in meeting.fields
    session.do(OpenMeeting(meeting=MEETING))
    assert fields(session, "chair") == [{"name": "okänt"}]


def test_people_stand_by_capacity_with_organisation_title_and_their_items() -> None:
    session = Session().opened()
    named = RenamePerson(person=EXPERT, name="Maja Sandström", title="Säkerhetschef")
    session.do(named, present(GUEST, "guest", from_item=2), present(EXPERT, "expert", distance=True))
    session.do(present(SUBSTITUTE, "substitute", substitutes_for=RESCUE))
    session.do(RecordDeparture(meeting=MEETING, person=VICE, after_item=3))
    session.do(RecordDeparture(meeting=MEETING, person=EXPERT))
    assert fields(session, "attendance") == [
        {"name": "Karin Lindqvist", "capacity": "member", "office": "chair"},
        {"name": "Per Ahlström", "capacity": "member", "to": "3"},
        {"name": "Farida Noori", "organisation": "Polismyndigheten", "capacity": "member"},
        {
            "name": "Lars Holm",
            "organisation": "Räddningstjänsten",
            "capacity": "substitute",
            "for": "Gunnar Öberg",
        },
        {
            "name": "Maja Sandström",
            "title": "Säkerhetschef",
            "capacity": "expert",
            "left": "okänt",
            "distance": "yes",
        },
        {"name": "Åsa Nyström", "organisation": "Fastighetsägarna", "capacity": "guest", "from": "2"},
    ]


def test_numbers_follow_the_order_of_the_agenda() -> None:
    session = Session().opened()
    session.do(RecordDeparture(meeting=MEETING, person=VICE, after_item=3))
    session.do(OrderItems(meeting=MEETING, order=[3, 1, 2, 4]))
    assert fields(session, "attendance")[1]["to"] == "1"
    assert [one["number"] for one in fields(session, "item")] == ["1", "2", "3", "4"]
    assert fields(session, "item")[0]["title"] == "Genomgång av föregående mötesanteckningar"
    assert fields(session, "justerare")[0]["number"] == "2"


def test_those_who_said_they_could_not_come_stand_apart_from_the_absent() -> None:
    session = Session().called()
    session.do(NotifyHinder(meeting=MEETING, person=RESCUE, reason="Vård av barn"))
    session.do(NotifyHinder(meeting=MEETING, person=POLICE), NotifyHinder(meeting=MEETING, person=VICE))
    session.do(CallSubstitute(meeting=MEETING, hindered=RESCUE, substitute=SUBSTITUTE))
    session.do(OpenMeeting(meeting=MEETING), present(VICE))
    for person in (RESCUE, GUEST):
        session.do(RecordAbsence(meeting=MEETING, person=person, status="absent"))
    session.do(RecordAbsence(meeting=MEETING, person=EXPERT, status="unknown"))
    assert fields(session, "hinder") == [
        {"name": "Gunnar Öberg", "organisation": "Räddningstjänsten", "substitute": "Lars Holm"},
        {"name": "Farida Noori", "organisation": "Polismyndigheten"},
    ]
    assert [(one["name"], one["status"]) for one in fields(session, "absence")] == [
        ("Åsa Nyström", "absent"),
        ("Maja Sandström", "unknown"),
    ]
    assert "Vård av barn" not in repr(paper(session))


def test_who_led_stands_once_for_the_whole_and_once_for_some_items() -> None:
    session = Session().opened()
    part = AppointActingChair(meeting=MEETING, person=VICE, from_item=2, to_item=3, reason="Jäv")
    session.do(part)
    assert fields(session, "chair") == [{"name": "Karin Lindqvist"}]
    assert fields(session, "acting-chair") == [
        {"name": "Per Ahlström", "from": "2", "to": "3", "reason": "Jäv"}
    ]
    assert fields(session, "acting-chair", (4,)) == []
    session.do(AppointActingChair(meeting=MEETING, person=EXPERT, reason="Sjuk"))
    session.do(AppointActingChair(meeting=MEETING, person=GUEST, from_item=4))
    session.do(AppointActingChair(meeting=MEETING, person=GUEST, to_item=1))
    assert fields(session, "chair") == [{"acting": "yes", "reason": "Sjuk", "name": "Maja Sandström"}]
    assert [(one.get("from"), one.get("to")) for one in fields(session, "acting-chair")] == [
        ("2", "3"),
        ("4", None),
        (None, "1"),
    ]


def test_how_the_meeting_went_on() -> None:
    session = Session().scheduled().later(days=9)
    session.do(kallelse(*MEMBERS), GiveNoticeReason(meeting=MEETING, issue=1, reason="Polisen kunde då"))
    session.do(kallelse(*MEMBERS))
    session.do(OpenMeeting(meeting=MEETING, happened=f"{DAY}T13:00"))
    session.do(SetJusteringPlace(meeting=MEETING, place="Digitalt", time="2024-03-26T16:00"))
    session.do(AdjournMeeting(meeting=MEETING, until="2024-03-13T09:00", happened=f"{DAY}T14:00"))
    session.do(ResumeMeeting(meeting=MEETING, happened="2024-03-13T09:05"))
    session.do(AdjournMeeting(meeting=MEETING, happened="2024-03-13T10:00"))
    assert fields(session, "justering") == [{"place": "Digitalt", "time": "2024-03-26T16:00"}]
    assert fields(session, "adjourned") == [
        {"at": f"{DAY}T14:00", "until": "2024-03-13T09:00", "resumed": "2024-03-13T09:05"},
        {"at": "2024-03-13T10:00"},
    ]
    assert fields(session, "notice-reason") == [{"issue": "1", "text": "Polisen kunde då"}]


def test_a_demanded_meeting_says_so() -> None:
    session = Session().scheduled()
    before = fields(session, "meeting")
    assert "demanded" not in before[0]
    planned = session.scenario.world.streams[f"meeting-{MEETING}"][0].event
    session.scenario.world.streams[f"meeting-{MEETING}"][0] = fact(
        planned.model_copy(update={"demand": ident(0xDE)})
    )
    assert fields(session, "meeting") == [before[0] | {"demanded": "yes"}]


# --- the items
def test_an_item_with_everything_that_can_stand_under_it() -> None:
    session = Session()
    session.do(OpenMatter(matter=MATTER, body=BOARD, title="Ljus", diarienummer="KS24.118"))
    session.opened()
    session.do(
        AddItem(
            meeting=MEETING,
            title="Belysning",
            matter=MATTER,
            presenter="Maja",
            documents=[Handling(title="Skrivelse"), Handling(title="Karta", enclosed=False)],
        )
    )
    here: dict[str, Any] = {"meeting": MEETING, "item": 5}
    later = ident(0xE5)
    session.do(
        RecordReport(**here, by=POLICE, text="Lugnt"),
        RecordReport(**here, by=EXPERT, organisation="Säkerhetsenheten", text="Mörkt"),
        RecordReport(**here, organisation="Klassmorfar", text="Tryggt"),
        RecordReport(**here, text="Okänt av vem"),
        MakeProposal(**here, proposer=VICE, text="Mer ljus"),
        MakeProposal(**here, text="Mindre"),
        RecordAbstention(**here, person=CHAIR),
        RecordAbstention(**here, person=POLICE),
        RecordDecision(**here, points=["Ljs.", "Följ upp."], adopts=1, dispatch=["KS", "Polisen"]),
        ReviseDecision(**here, decision=1, points=["Ljus.", "Följ upp."], reason="Stavning"),
        RecordDissent(**here, participant=POLICE, view="För dyrt"),
        RecordDissent(**here, participant=VICE, view="Ångrade mig"),
        RetractDissent(**here, dissent=2),
        AttachStatement(**here, participant=VICE, text="Se bilaga"),
        ScheduleMeeting(meeting=later, body=COUNCIL, starts="2024-06-04T13:00", place="Eken"),
        PostponeItem(**here, to_meeting=later, reason="Underlag"),
        PostponeItem(**HERE),
    )
    under = [one for one in paper(session) if one.item == 5]
    assert [one.kind for one in under] == [
        "item",
        "document",
        "document",
        "report",
        "report",
        "report",
        "report",
        "proposal",
        "proposal",
        "abstention",
        "abstention",
        "decision",
        "dissent",
        "statement",
        "postponed",
    ]
    assert said(under, "item") == [
        {"number": "5", "title": "Belysning", "diarienummer": "KS24.118", "presenter": "Maja", "late": "yes"}
    ]
    assert said(under, "document") == [
        {"title": "Skrivelse", "enclosed": "yes"},
        {"title": "Karta", "enclosed": "no"},
    ]
    assert said(under, "report") == [
        {"name": "Farida Noori", "organisation": "Polismyndigheten", "text": "Lugnt"},
        {"name": "Maja Sandström", "organisation": "Säkerhetsenheten", "text": "Mörkt"},
        {"organisation": "Klassmorfar", "text": "Tryggt"},
        {"text": "Okänt av vem"},
    ]
    assert said(under, "proposal") == [
        {"number": "1", "name": "Per Ahlström", "text": "Mer ljus"},
        {"number": "2", "text": "Mindre"},
    ]
    assert [one["name"] for one in said(under, "abstention")] == ["Karin Lindqvist", "Farida Noori"]
    assert said(under, "decision") == [
        {
            "adopts": "1",
            "point-1": "Ljus.",
            "point-2": "Följ upp.",
            "dispatch-1": "KS",
            "dispatch-2": "Polisen",
        }
    ]
    assert said(under, "dissent") == [
        {"participant": "Farida Noori", "organisation": "Polismyndigheten", "view": "För dyrt"}
    ]
    assert said(under, "statement") == [{"participant": "Per Ahlström", "text": "Se bilaga"}]
    assert said(under, "postponed") == [{"to": "2024-06-04", "reason": "Underlag"}]
    assert fields(session, "postponed")[0] == {}


def test_the_parts_of_a_standing_item_stand_each_for_themselves() -> None:
    item = fields(Session().opened(), "item")[3]
    assert item["part-1"] == "Rapporter från externa myndigheter"
    assert item["part-2"] == "Rapporter från kommunens verksamheter"


def test_an_item_withdrawn_after_the_kallelse_says_so_and_no_more() -> None:
    session = Session().opened()
    session.do(WithdrawItem(meeting=MEETING, item=2, reason="Underlag saknas"))
    assert [one.kind for one in paper(session) if one.item == 2] == ["item", "withdrawn"]
    assert fields(session, "withdrawn") == [{"reason": "Underlag saknas"}]


# --- minutes of some items only
def test_an_item_approved_at_once_tells_of_those_who_were_there_for_it() -> None:
    session = Session().opened()
    session.do(present(GUEST, "guest", from_item=2), present(EXPERT, "expert", from_item=3))
    session.do(RecordDeparture(meeting=MEETING, person=GUEST, after_item=2))
    before = paper(session, (2, 3))
    assert [(one["name"], one.get("from"), one.get("to")) for one in said(before, "attendance")] == [
        ("Karin Lindqvist", None, None),
        ("Per Ahlström", None, None),
        ("Farida Noori", None, None),
        ("Maja Sandström", "3", None),
        ("Åsa Nyström", None, "2"),
    ]
    assert "Åsa Nyström" not in repr(said(paper(session, (3,)), "attendance"))
    assert "Maja Sandström" not in repr(said(paper(session, (2,)), "attendance"))
    session.do(RecordDeparture(meeting=MEETING, person=VICE, after_item=3))
    session.do(RecordDeparture(meeting=MEETING, person=EXPERT, after_item=4))
    session.do(AdjournMeeting(meeting=MEETING), CloseMeeting(meeting=MEETING))
    session.do(AddItem(meeting=MEETING, title="Mer"))
    assert same(paper(session, (2, 3)), before)


def test_somebody_who_left_at_an_unknown_moment_is_told_as_there() -> None:
    session = Session().opened()
    session.do(RecordDeparture(meeting=MEETING, person=VICE))
    one = said(paper(session, (2,)), "attendance")[1]
    assert one == {"name": "Per Ahlström", "capacity": "member"}


# --- folding again
def test_the_same_meeting_always_says_the_same_and_points_at_its_events() -> None:
    session = Session().held()
    session.do(RecordDissent(**HERE, participant=VICE, view="Nej"))
    assert paper(session) == paper(session)
    streams = session.scenario.world.streams
    for one in paper(session):
        assert 1 <= one.ref_version <= len(streams[one.ref_stream])
    (dissent,) = [one for one in paper(session) if one.kind == "dissent"]
    assert isinstance(streams[dissent.ref_stream][dissent.ref_version - 1].event, DissentRecorded)


def test_what_was_destroyed_is_printed_as_blocks() -> None:
    session = Session().opened()
    session.do(RecordDissent(**HERE, participant=VICE, view="Nej"))
    whole = paper(session)
    world = session.scenario.world
    world.streams[f"person-{VICE}"] = [fact(PersonRegistered(person=VICE, name=Destroyed("c")))]
    (dissent,) = [one for one in paper(session) if one.kind == "dissent"]
    assert dissent.fields == {"participant": Known("█████"), "view": Known("Nej")}
    assert not same(paper(session), whole)


def test_each_name_and_each_view_is_a_field_of_its_own() -> None:
    session = Session().held()
    session.do(RecordDissent(**HERE, participant=POLICE, view="För dyrt"))
    for one in paper(session):
        for value in one.fields.values():
            names = [name for name, _ in NAMES.values() if name in str(value)]
            assert not names or str(value) in names
    assert stream(type(session.meeting()), MEETING) == paper(session)[0].ref_stream


def test_a_moved_meeting_is_printed_where_and_when_it_was_held() -> None:
    session = Session().opened()
    session.do(MoveMeeting(meeting=MEETING, starts=f"{DAY}T12:30", place="Linden"))
    assert fields(session, "meeting")[0]["place"] == "Linden"
    assert fields(session, "meeting")[0]["starts"] == f"{DAY}T12:30"
