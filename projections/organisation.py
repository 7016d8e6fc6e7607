"""Views of how bodies stand to each other: links and successions, steps, offices, and the projects that they steer.

- The tree itself is in the view "body": each body with the one above it, or none stated.
- Each relation, step and office is a row; what is not stated has no row (Å3, Al7, H8, V8).
- A deviation that was accepted is a row under the name of the obligation that it is from, and so is what somebody said
  that an event counts for. An occasion that rules speak of, and is no other event, is a row by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain import body_events as b
from projections.assignments import DECIDED, decided_values
from projections.view import Assert, Record, View, listed, number, says, text

STREAMS = frozenset({"body"})


def _relation(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.BodyRelated):
        yield says(
            f"{event.body}/{event.relation}/{event.other}",
            body=event.body,
            other=event.other,
            relation=event.relation,
            certainty=event.certainty,
            written=event.written,
            valid_from=event.valid_from,
        )


RELATION = View(
    "body-relation",
    1,
    STREAMS,
    [text("body"), text("other"), text("relation"), text("certainty"), text("written"), text("valid_from")],
    _relation,
    identity=("body", "other", "relation"),
)


def _step(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.BodyStepRecorded):
        yield says(
            f"{event.body}/{record.fact.version}",
            body=event.body,
            step=event.step,
            day=record.fact.happened.text,
            instrument=event.instrument,
            **decided_values(event.decided),
        )


STEP = View(
    "body-step",
    1,
    STREAMS,
    [
        text("body"),
        text("step"),
        text("day"),
        text("instrument"),
        *map(text, DECIDED),
        number("given_decision"),
    ],
    _step,
    identity=("body", "step"),
)


def _office(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.BodyOfficeNamed):
        held = event.holder
        who = "/".join(str(one or "") for one in (held.function, held.organisation, held.person))
        yield says(
            f"{event.body}/{event.office}/{event.valid_from or ''}/{who}",
            body=event.body,
            office=event.office,
            holder=held,
            valid_from=event.valid_from,
            valid_to=event.valid_to,
        )


OFFICE = View(
    "body-office",
    1,
    STREAMS,
    [text("body"), text("office"), listed("holder"), text("valid_from"), text("valid_to")],
    _office,
    identity=("body", "office"),
    interval=True,
)


def _steering(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.BodySteers):
        yield says(
            f"{event.body}/{event.project}",
            body=event.body,
            project=event.project,
            assignment=event.assignment,
            valid_from=event.valid_from,
            valid_to=event.valid_to,
        )


STEERING = View(
    "steering",
    1,
    STREAMS,
    [text("body"), text("project"), text("assignment"), text("valid_from"), text("valid_to")],
    _steering,
    identity=("body", "project"),
    interval=True,
)


def _deviation(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.DeviationAccepted):
        yield says(
            f"{event.body}/{event.rule}/{event.period}",
            body=event.body,
            rule=event.rule,
            period=event.period,
            accepted_by=event.accepted_by,
            reason=event.reason,
            source_document=event.source.document,
            source_section=event.source.section,
            fact=event.source.fact,
        )


DEVIATION = View(
    "deviation",
    1,
    STREAMS,
    [
        text("body"),
        text("rule"),
        text("period"),
        text("accepted_by"),
        text("reason"),
        text("source_document"),
        text("source_section"),
        text("fact"),
    ],
    _deviation,
    identity=("body", "rule", "period"),
)


def _fulfilment(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.EventCounted):
        yield says(
            f"{event.body}/{event.rule}/{event.period}",
            body=event.body,
            rule=event.rule,
            period=event.period,
            counted=event.positions,
        )


FULFILMENT = View(
    "fulfilment",
    1,
    STREAMS,
    [text("body"), text("rule"), text("period"), listed("counted")],
    _fulfilment,
    identity=("body", "rule", "period"),
)


def _occasion(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, b.OccasionRecorded):
        yield says(
            f"{event.body}/{record.position}",
            body=event.body,
            occasion=event.occasion,
            meeting=event.meeting,
            note=event.note,
        )


OCCASION = View(
    "occasion",
    1,
    STREAMS,
    [text("body"), text("occasion"), text("meeting"), text("note")],
    _occasion,
    identity=("body", "occasion", "meeting"),
)

VIEWS = (RELATION, STEP, OFFICE, STEERING, DEVIATION, FULFILMENT, OCCASION)
