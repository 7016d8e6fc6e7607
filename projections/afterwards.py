"""The view of what became of finished minutes: sent to members, reported to another body, decisions dispatched.

- Sending to the members and notification to the parent body are two duties (L14), each a row that goes through its
  stages. No deadline is set, so days are shown and nothing is ever late.
- A dispatch of a decision is a row of its own, also when the same decision is sent to the same recipient again.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain import minutes_events as n
from projections.minutes import MINUTES_STREAM
from projections.view import Assert, Record, View, number, says, text


def _delivery(record: Record) -> Iterator[Assert]:
    event = record.event
    assert isinstance(event, n.MinutesEvent)  # the view folds no other stream
    day = record.fact.happened.text
    here = {"minutes": event.minutes, "meeting": record.linked(f"minutes-{event.minutes}", "meeting")}
    match event:
        case n.MinutesSent():
            for one in event.recipients:
                yield says(
                    f"{event.minutes}/sending/{one.person}",
                    **here,
                    duty="sending",
                    person=one.person,
                    channel=one.channel,
                    number=event.sending,
                    version=event.version,
                    sent=day,
                    stage="sent",
                )
        case n.ReceiptRecorded():
            key = f"{event.minutes}/sending/{event.person}"
            yield says(key, **here, duty="sending", person=event.person, stage="received", received=day)
        case n.NotificationSent():
            yield says(
                f"{event.minutes}/notification/{event.notification}",
                **here,
                duty="notification",
                number=event.notification,
                to_body=event.to_body,
                channel=event.channel,
                version=event.version,
                sent=day,
                stage="sent",
            )
        case n.NotificationNumbered():
            yield says(
                f"{event.minutes}/notification/{event.notification}",
                **here,
                duty="notification",
                diarienummer=event.diarienummer,
                stage="numbered",
            )
        case n.NotificationNoted():
            yield says(
                f"{event.minutes}/notification/{event.notification}",
                **here,
                duty="notification",
                paragraph=event.paragraph,
                meeting_day=event.meeting_day,
                stage="noted",
            )
        case n.DecisionDispatched():
            yield says(
                f"{event.minutes}/dispatch/{record.fact.version}",
                **here,
                duty="dispatch",
                item=event.item,
                recipient=event.recipient,
                channel=event.channel,
                sent=day,
                stage="sent",
            )
        case _:
            pass


DELIVERY = View(
    "delivery",
    1,
    MINUTES_STREAM,
    [
        text("minutes"),
        text("meeting"),
        text("duty"),
        text("stage"),
        number("number"),
        number("version"),
        text("person"),
        text("to_body"),
        number("item"),
        text("recipient"),
        text("channel"),
        text("sent"),
        text("received"),
        text("diarienummer"),
        text("paragraph"),
        text("meeting_day"),
    ],
    _delivery,
    identity=("minutes", "meeting", "duty"),
    indexed=("person",),
)

VIEWS = (DELIVERY,)
