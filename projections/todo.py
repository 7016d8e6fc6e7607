"""The view "todo": what follows from what has happened and is not done yet, for people and for the registry itself.

- A task is a row from the event that gave rise to it until the event that did it, which retracts it. Tasks of
  "system" are read by the registry's reactions, which act and record the outcome; the view itself has no effects.
- pin: a circulated version is to be rendered and pinned. sign: a pinned version is to be signed by an office. seal:
  every office has approved the newest version. finish: the sealed or finished minutes' keys are to be sorted (the
  approved version kept, the working material purged).
- destroy: a decision to destroy, at the position `number`, is to be carried out; it stays until that is recorded.
- offer-seat: the rules ask that somebody be offered a seat, and no offer is entered (L3); the answer is free.
- draft-secret: an item was marked as secret, and stands in no minutes of secret items yet.
- follow-up: an assignment that is not said to be finished; the list of what to follow up says what is due in it.
- report-matter, report-dispatch: a report was sent and its matter there is not known; its decision went to nobody.
- call, draft, circulate, send, notify, number, noted, dispatch, notice-reason, schedule: what is left for people. send
  and notify are there only if the body's rules ask for them (L14); neither is ever late, for no deadline is set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from domain import assignment_events as a
from domain import body_events as b
from domain import meeting_events as m
from domain import minutes_events as n
from domain import report_events as r
from domain.assignment import FINISHED
from domain.disposal import DECISIONS
from domain.disposal_events import DestructionDone
from domain.regulation import Rules
from projections.minutes import all_approved
from projections.view import Assert, Change, Record, Retract, View, number, says, text

SYSTEM, SECRETARY, REGISTRAR = "system", "secretary", "registrar"


def _todo(key: str, whose: str, **about: Any) -> Assert:
    return says(key, task=key.partition("/")[0], whose=whose, **about)


def _fold(record: Record) -> Iterator[Change]:
    event = record.event
    if isinstance(event, DECISIONS):
        if isinstance(event, n.WorkingPurged):
            yield Retract(f"finish/{event.minutes}")
        yield _todo(f"destroy/{record.position}", SYSTEM, number=record.position)
    elif isinstance(event, DestructionDone):
        yield Retract(f"destroy/{event.decided}")
    elif isinstance(event, n.MinutesEvent):
        yield from _minutes(record, event)
    elif isinstance(event, m.MeetingEvent):
        yield from _meeting(record, event)
    elif isinstance(event, b.MeetingDemanded | b.DemandJoined):
        yield Retract(f"schedule/{event.demand}")
        if event.reached:
            yield _todo(f"schedule/{event.demand}", SECRETARY, body=event.body, demand=event.demand)
    elif isinstance(event, b.RegulationAdopted):
        yield from _offers(record, event)
    elif isinstance(event, b.SeatOffered):
        yield Retract(f"offer-seat/{event.body}/{event.seat}")
    elif isinstance(event, a.AssignmentGiven | a.AssignmentStatusSet):
        id = event.assignment
        yield Retract(f"follow-up/{id}")
        if event.status not in FINISHED or getattr(event, "certainty", "stated") == "possible":
            body = record.linked(f"assignment-{id}", "body")
            yield _todo(f"follow-up/{id}", SECRETARY, body=body, assignment=id)
    elif isinstance(event, r.ReportEvent):
        yield from _report(record, event)


def _offers(record: Record, event: b.RegulationAdopted) -> Iterator[Change]:
    asked = [one.seat for one in Rules.from_content(event.content).seats() if one.duty == "offer"]
    owed = [one for one in asked if not record.linked(f"offered-{event.body}/{one}", "body")]
    yield from (Retract(f"offer-seat/{event.body}/{seat}") for seat in owed)
    yield from (
        _todo(f"offer-seat/{event.body}/{seat}", SECRETARY, body=event.body, office=seat) for seat in owed
    )


def _report(record: Record, event: r.ReportEvent) -> Iterator[Change]:
    about: dict[str, Any] = {"body": record.linked(record.fact.stream, "body")}
    match event:
        case r.ReportSent():
            yield Retract(f"report-matter/{event.report}")
            if event.matter is None:
                key = f"report-matter/{event.report}"
                yield _todo(key, REGISTRAR, **about, report=event.report, to_body=event.to_body)
        case r.ReportMatterRecorded():
            yield Retract(f"report-matter/{event.report}")
        case r.ReportDecided():
            yield Retract(f"report-dispatch/{event.report}")
            yield _todo(f"report-dispatch/{event.report}", SECRETARY, **about, report=event.report)
        case r.ReportDecisionDispatched():
            yield Retract(f"report-dispatch/{event.report}")
        case _:
            pass


def _meeting(record: Record, event: m.MeetingEvent) -> Iterator[Change]:
    id = event.meeting
    about = {"meeting": id, "body": record.linked(f"meeting-{id}", "body")}
    match event:
        case m.MeetingScheduled():
            if event.demand:
                yield Retract(f"schedule/{event.demand}")
            yield _todo(f"call/{id}", SECRETARY, **about)
        case m.MeetingCancelled():
            yield Retract(f"call/{id}")
        case m.KallelseIssued():
            yield Retract(f"call/{id}")
            if event.reason_wanted:
                yield _todo(f"notice-reason/{id}/{event.issue}", SECRETARY, **about, number=event.issue)
        case m.NoticeReasonGiven():
            yield Retract(f"notice-reason/{id}/{event.issue}")
        case m.MeetingOpened():
            yield Retract(f"call/{id}")
        case m.MeetingClosed():
            yield _todo(f"draft/{id}", SECRETARY, **about)
        case m.MinutesBegun():
            yield Retract(f"draft/{id}")
        case m.ItemMarkedSecret():
            yield Retract(f"draft-secret/{id}/{event.item}")
            yield _todo(f"draft-secret/{id}/{event.item}", SECRETARY, **about, item=event.item)
        case m.ItemSecrecyLifted():
            yield Retract(f"draft-secret/{id}/{event.item}")
        case m.DecisionRecorded():
            for to in event.dispatch:
                key = f"dispatch/{id}/{event.item}/{to}"
                yield _todo(key, SECRETARY, **about, item=event.item, recipient=to)
        case _:
            pass


def _minutes(record: Record, event: n.MinutesEvent) -> Iterator[Change]:
    id = event.minutes
    version = record.linked(f"minutes-{id}", "version")
    about = {
        "minutes": id,
        "meeting": record.linked(f"minutes-{id}", "meeting"),
        "body": record.linked(f"minutes-{id}", "body"),
        "version": version,
    }
    match event:
        case n.MinutesVersionMade():
            yield from _withdrawn(record, id, event.version - 1)
            if event.secret:
                yield from (Retract(f"draft-secret/{event.meeting}/{item}") for item in event.covers)
            yield _todo(f"circulate/{id}/{event.version}", SECRETARY, **about)
        case n.MinutesCirculated():
            yield Retract(f"circulate/{id}/{event.version}")
            if event.version == version and record.linked(f"minutes-{id}", "pinned") != version:
                yield Retract(f"pin/{id}/{event.version}")
                yield _todo(f"pin/{id}/{event.version}", SYSTEM, **about)
        case n.RenderPinned():
            yield Retract(f"pin/{id}/{event.version}")
            if event.version == version:
                for office in _offices(record, id):
                    yield _sign(record, id, office, about)
        case n.SignerReplaced():
            yield Retract(f"sign/{id}/{version}/{event.office}")
            approved = record.links.all(f"approved-{id}/{version}", record.position)
            pinned = record.linked(f"minutes-{id}", "pinned") == version
            if pinned and event.office not in {row["office"] for row in approved}:
                yield _sign(record, id, event.office, about)
        case n.MinutesApproved() | n.PaperApprovalRecorded():
            yield Retract(f"sign/{id}/{event.version}/{event.office}")
            if all_approved(record, id, event.version):
                yield _todo(f"seal/{id}/{event.version}", SYSTEM, **about)
        case n.MinutesSealed():
            yield from _withdrawn(record, id, event.version)
            yield from _afterwards(record, id, about)
        case n.DisagreementNoted() if event.exit == "finished-without-approval":
            yield from _withdrawn(record, id, version)
            yield from _afterwards(record, id, about)
        case n.MinutesSent() if not event.remaining:
            yield Retract(f"send/{id}")
        case n.NotificationSent():
            yield Retract(f"notify/{id}")
            key = f"number/{id}/{event.notification}"
            yield _todo(key, REGISTRAR, **about, number=event.notification, to_body=event.to_body)
        case n.NotificationNumbered():
            yield Retract(f"number/{id}/{event.notification}")
            to = record.linked(f"notification-{id}/{event.notification}", "body")
            key = f"noted/{id}/{event.notification}"
            yield _todo(key, REGISTRAR, **about, number=event.notification, to_body=to)
        case n.NotificationNoted():
            yield Retract(f"number/{id}/{event.notification}")
            yield Retract(f"noted/{id}/{event.notification}")
        case n.DecisionDispatched() if event.item:
            yield Retract(f"dispatch/{about['meeting']}/{event.item}/{event.recipient}")
        case _:
            pass


def _offices(record: Record, minutes: str) -> list[str]:
    offices: list[str] = json.loads(record.linked(f"minutes-{minutes}", "offices") or "[]")
    return offices


def _sign(record: Record, minutes: str, office: str, about: dict[str, Any]) -> Assert:
    person = record.linked(f"signer-{minutes}/{office}", "person")
    return _todo(
        f"sign/{minutes}/{about['version']}/{office}", "signer", **about, office=office, person=person
    )


def _withdrawn(record: Record, minutes: str, version: int) -> Iterator[Retract]:
    """What was to be done with a version and now is not, or is done."""
    yield from (Retract(f"{task}/{minutes}/{version}") for task in ("circulate", "pin", "seal"))
    rows = record.links.all(f"minutes-{minutes}", record.position)
    offices = {office for row in rows for office in json.loads(row.get("offices") or "[]")}
    yield from (Retract(f"sign/{minutes}/{version}/{office}") for office in sorted(offices))


def _afterwards(record: Record, minutes: str, about: dict[str, Any]) -> Iterator[Assert]:
    yield _todo(f"finish/{minutes}", SYSTEM, **about)
    if record.linked(f"minutes-{minutes}", "secret"):
        return  # they go to nobody by a rule
    rules = json.loads(record.linked(f"body-{about['body']}", "rules") or "{}")
    for task, rule in (("send", "send-minutes"), ("notify", "notify")):
        if rule in rules:
            yield _todo(f"{task}/{minutes}", SECRETARY, **about)


TODO = View(
    "todo",
    1,
    frozenset({"body", "meeting", "minutes", "assignment", "report", "document", "person", "disposal"}),
    [
        text("task"),
        text("whose"),
        text("body"),
        text("meeting"),
        text("minutes"),
        number("version"),
        text("office"),
        text("person"),
        number("item"),
        text("recipient"),
        number("number"),
        text("to_body"),
        text("demand"),
        text("assignment"),
        text("report"),
    ],
    _fold,
    identity=("task", "whose"),
    indexed=("minutes", "meeting", "person"),
    retracts=True,
)

VIEWS = (TODO,)
