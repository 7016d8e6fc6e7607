"""Views of reports: what was written, sent and decided, and to whom the decision went (tjänsteskrivelser).

- A report's row goes through its stages: written, sent, decided, dispatched. What it proposes and what was decided are
  in columns of their own, because a proposal is no decision (V3).
- Each time the decision went to somebody is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain import report_events as e
from projections.assignments import DECIDED, decided_values
from projections.view import Assert, Record, View, gone, listed, number, says, text

STREAMS = frozenset({"report"})


def _report(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case e.ReportWritten():
            yield says(
                event.report,
                report=event.report,
                body=event.body,
                title=event.title,
                version=event.version,
                day=gone(event.day),
                officer=gone(event.officer),
                addressee=gone(event.addressee),
                proposal=event.proposal,
                signed=event.signed,
                assignments=event.assignments,
                stage="written",
            )
        case e.ReportSent():
            yield says(
                event.report,
                report=event.report,
                to_body=event.to_body,
                sent=record.fact.happened.text,
                sent_version=event.version,
                matter=event.matter,
                stage="sent",
            )
        case e.ReportMatterRecorded():
            yield says(event.report, report=event.report, matter=event.matter)
        case e.ReportDecided():
            yield says(
                event.report,
                report=event.report,
                decided_version=event.version,
                points=event.points,
                stage="decided",
                **decided_values(event.decided),
            )
        case e.ReportDecisionDispatched():
            yield says(event.report, report=event.report, stage="dispatched")
        case _:
            pass


REPORT = View(
    "office-report",
    1,
    STREAMS,
    [
        text("report"),
        text("body"),
        text("title"),
        number("version"),
        text("day"),
        text("officer"),
        text("addressee"),
        listed("proposal"),
        text("signed"),
        listed("assignments"),
        text("to_body"),
        text("sent"),
        number("sent_version"),
        text("matter"),
        number("decided_version"),
        listed("points"),
        *map(text, DECIDED),
        number("given_decision"),
        text("stage"),
    ],
    _report,
    identity=("report",),
    indexed=("body",),
)


def _dispatch(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, e.ReportDecisionDispatched):
        yield says(
            f"{event.report}/{record.fact.version}",
            report=event.report,
            number=event.number,
            to_body=event.to_body,
            recipient=event.recipient,
            channel=event.channel,
            sent=record.fact.happened.text,
        )


DISPATCH = View(
    "report-dispatch",
    1,
    STREAMS,
    [text("report"), number("number"), text("to_body"), text("recipient"), text("channel"), text("sent")],
    _dispatch,
    identity=("report",),
)

VIEWS = (REPORT, DISPATCH)
