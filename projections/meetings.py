"""Views of calling and holding meetings: the plan, the agenda, the kallelse, who came and who led.

- A kallelse is a row with the agenda as it stood when it was sent, the days that were counted, and what was found
  against the notice that is aimed at (L15); the reason is added when it is given. Who it went to are rows of their own.
- Who was present is a row a spell: somebody may come, leave and come back. Unknown is not absent.
- Why somebody stayed away is working text and is not here.
- What was said and decided is in deliberations.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from domain import meeting_events as m
from projections.belonging import findings_of
from projections.view import GONE_NUMBER, GONE_TEXT, Assert, Record, View, listed, number, says, text

MEETING_STREAM = frozenset({"meeting"})


def codes(record: Record) -> list[str]:
    """What the event found against a rule, by code."""
    return [finding.finding for finding in findings_of(record.event)]


def _meeting(record: Record) -> Iterator[Assert]:
    event = record.event
    assert isinstance(event, m.MeetingEvent)  # the view folds no other stream
    id = event.meeting
    match event:
        case m.MeetingScheduled():
            yield says(
                id,
                meeting=id,
                body=event.body,
                starts=event.starts,
                ends=event.ends,
                place=event.place,
                title=event.title,
                matter=event.matter,
                demand=event.demand,
                status="scheduled",
            )
        case m.MeetingMoved():
            yield says(
                id,
                meeting=id,
                starts=event.starts,
                ends=event.ends,
                place=event.place,
                moved_because=event.reason,
                moved=True,
            )
        case m.MeetingCancelled():
            yield says(id, meeting=id, status="cancelled", cancelled_because=event.reason)
        case m.MeetingOpened():
            opened = record.fact.happened.text
            yield says(id, meeting=id, status="open", opened=opened, chair=event.chair)
        case m.MeetingAdjourned():
            yield says(id, meeting=id, status="adjourned", until=event.until or GONE_TEXT)
        case m.MeetingResumed():
            yield says(id, meeting=id, status="open", until=GONE_TEXT)
        case m.MeetingClosed():
            yield says(id, meeting=id, status="closed", closed=record.fact.happened.text)
        case m.SecretaryRecorded():
            yield says(id, meeting=id, secretary=event.person)
        case m.JusteringAgreed():
            yield says(id, meeting=id, justering_place=event.place, justering_time=event.time)
        case _:
            pass


MEETING = View(
    "meeting",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        text("body"),
        text("starts"),
        text("ends"),
        text("place"),
        text("title"),
        text("matter"),
        text("demand"),
        text("status"),
        number("moved"),
        text("moved_because"),
        text("cancelled_because"),
        text("opened"),
        text("closed"),
        text("until"),
        text("chair"),
        text("secretary"),
        text("justering_place"),
        text("justering_time"),
    ],
    _meeting,
    identity=("meeting",),
    indexed=("body", "starts"),
)


OF_ITEM = (
    m.ItemAdded
    | m.ItemChanged
    | m.ItemWithdrawn
    | m.ItemMarkedSecret
    | m.ItemSecrecyLifted
    | m.ItemTakenUp
    | m.ItemPostponed
)


def _item(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.ItemsOrdered):
        for place, item in enumerate(event.order, 1):
            yield says(f"{event.meeting}/{item}", meeting=event.meeting, item=item, place=place)
        return
    if isinstance(event, m.ItemsNumbered):
        for one in event.paragraphs:
            key = f"{event.meeting}/{one.item}"
            yield says(key, meeting=event.meeting, item=one.item, paragraph=one.paragraph)
        return
    if not isinstance(event, OF_ITEM):
        return
    key = f"{event.meeting}/{event.item}"
    here = {"meeting": event.meeting, "item": event.item}
    match event:
        case m.ItemAdded():
            yield says(
                key,
                **here,
                title=event.title,
                parts=event.parts,
                matter=event.matter,
                presenter=event.presenter,
                starts=event.starts,
                documents=event.documents,
                standing=event.standing,
                late=event.late,
                status="open",
            )
        case m.ItemChanged():
            taken: dict[str, object] = dict.fromkeys(event.removed, GONE_TEXT)
            given: dict[str, object] = {
                "title": event.title,
                "matter": event.matter,
                "presenter": event.presenter,
                "starts": event.starts,
                "documents": event.documents,
            }
            yield says(key, **here, **{**given, **taken})
        case m.ItemWithdrawn():
            yield says(key, **here, status="withdrawn", reason=event.reason)
        case m.ItemMarkedSecret():
            yield says(key, **here, secrecy=event.mark.provision)
        case m.ItemSecrecyLifted():
            yield says(key, **here, secrecy=GONE_TEXT)
        case m.ItemTakenUp():
            yield says(key, **here, status="taken-up")
        case m.ItemPostponed():
            to = event.to_meeting
            yield says(key, **here, status="postponed", postponed_to=to, reason=event.reason)
        case _:
            assert_never(event)


ITEM = View(
    "item",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        number("item"),
        number("place"),
        number("paragraph"),
        text("title"),
        listed("parts"),
        text("matter"),
        text("presenter"),
        text("starts"),
        listed("documents"),
        text("standing"),
        number("late"),
        text("status"),
        text("postponed_to"),
        text("reason"),
        text("secrecy"),
    ],
    _item,
    identity=("meeting", "item"),
    indexed=("matter",),
)


def _kallelse(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case m.KallelseIssued():
            yield says(
                f"{event.meeting}/{event.issue}",
                meeting=event.meeting,
                issue=event.issue,
                body=record.linked(f"meeting-{event.meeting}", "body"),
                agenda=event.agenda,
                sent_on=event.sent_on,
                meeting_day=event.meeting_day,
                days=event.days,
                starts=event.starts,
                ends=event.ends,
                place=event.place,
                not_called=event.not_called,
                findings=codes(record),
                reason_wanted=event.reason_wanted,
            )
        case m.NoticeReasonGiven():
            key = f"{event.meeting}/{event.issue}"
            yield says(key, meeting=event.meeting, issue=event.issue, reason=event.reason)
        case _:
            pass


KALLELSE = View(
    "kallelse",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        number("issue"),
        text("body"),
        listed("agenda"),
        text("sent_on"),
        text("meeting_day"),
        number("days"),
        text("starts"),
        text("ends"),
        text("place"),
        listed("not_called"),
        listed("findings"),
        number("reason_wanted"),
        text("reason"),
    ],
    _kallelse,
    identity=("meeting", "issue"),
)


def _recipient(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.KallelseIssued):
        for one in event.recipients:
            yield says(
                f"{event.meeting}/{event.issue}/{one.person}",
                meeting=event.meeting,
                issue=event.issue,
                person=one.person,
                channel=one.channel,
            )


RECIPIENT = View(
    "recipient",
    1,
    MEETING_STREAM,
    [text("meeting"), number("issue"), text("person"), text("channel")],
    _recipient,
    identity=("meeting", "issue", "person"),
)


def _attendance(record: Record) -> Iterator[Assert]:
    event = record.event
    if not isinstance(event, m.PresenceRecorded | m.DepartureRecorded | m.AbsenceRecorded | m.HinderNotified):
        return
    key = f"{event.meeting}/{event.person}"
    here = {"meeting": event.meeting, "person": event.person}
    match event:
        case m.PresenceRecorded():
            yield says(
                key,
                **here,
                status="present",
                capacity=event.capacity,
                substitutes_for=event.substitutes_for or GONE_TEXT,
                from_item=event.from_item or GONE_NUMBER,
                after_item=GONE_NUMBER,
                distance=event.distance,
            )
        case m.DepartureRecorded():
            after = event.after_item or GONE_NUMBER
            yield says(key, **here, status="left", after_item=after, findings=codes(record))
        case m.AbsenceRecorded():
            yield says(key, **here, status=event.status)
        case m.HinderNotified():
            yield says(key, **here, hindered=True)
        case _:
            assert_never(event)


ATTENDANCE = View(
    "attendance",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        text("person"),
        text("status"),
        text("capacity"),
        text("substitutes_for"),
        number("from_item"),
        number("after_item"),
        number("distance"),
        number("hindered"),
        listed("findings"),
    ],
    _attendance,
    identity=("meeting", "person"),
)


def _substitute(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, m.SubstituteCalled):
        yield says(
            f"{event.meeting}/{event.hindered}/{event.substitute}",
            meeting=event.meeting,
            hindered=event.hindered,
            substitute=event.substitute,
        )


SUBSTITUTE = View(
    "substitute",
    1,
    MEETING_STREAM,
    [text("meeting"), text("hindered"), text("substitute")],
    _substitute,
    identity=("meeting", "hindered", "substitute"),
)


def _office(record: Record) -> Iterator[Assert]:
    event = record.event
    match event:
        case m.MeetingOpened() if event.chair:
            office, person = "chair", event.chair
            rest: dict[str, object] = {"findings": codes(record)}
        case m.ActingChairAppointed():
            office, person = "acting-chair", event.person
            rest = {"from_item": event.from_item, "to_item": event.to_item, "reason": event.reason}
        case m.SecretaryRecorded():
            office, person, rest = "secretary", event.person, {}
        case m.JusterareElected():
            office, person = event.office, event.person
            rest = {"from_item": event.item or GONE_NUMBER, "findings": codes(record)}
        case _:
            return
    # Several may lead a part each; of the other offices a later choice replaces the earlier.
    which = f"/{record.fact.version}" if office == "acting-chair" else ""
    key = f"{event.meeting}/{office}{which}"
    yield says(key, meeting=event.meeting, office=office, person=person, **rest)


OFFICE = View(
    "office",
    1,
    MEETING_STREAM,
    [
        text("meeting"),
        text("office"),
        text("person"),
        number("from_item"),
        number("to_item"),
        text("reason"),
        listed("findings"),
    ],
    _office,
    identity=("meeting", "office"),
)

VIEWS = (MEETING, ITEM, KALLELSE, RECIPIENT, ATTENDANCE, SUBSTITUTE, OFFICE)
