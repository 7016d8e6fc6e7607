"""Views of assignments: what was given to whom, what is due when, and what was reported.

- A stage's row says when it is due as written and as read, and by whom; a time it slipped from is an assertion that
  stands (H6). A report is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain import assignment_events as e
from domain.stated import DuePart
from projections.view import Assert, Record, View, gone, listed, number, says, text

STREAMS = frozenset({"assignment"})


def decided_values(decided: Any) -> dict[str, Any]:
    """A decision that is referred to, as columns."""
    names = ("meeting", "decision", "written", "decided_by", "day", "paragraph", "read_by")
    return {f"given_{name}": getattr(decided, name) for name in names} if decided is not None else {}


DECIDED = (
    "given_meeting",
    "given_written",
    "given_decided_by",
    "given_day",
    "given_paragraph",
    "given_read_by",
)


def _assignment(record: Record) -> Iterator[Assert]:
    match event := record.event:
        case e.AssignmentGiven():
            yield says(
                event.assignment,
                assignment=event.assignment,
                body=event.body,
                what=event.what,
                to=event.to,
                matter=event.matter,
                status=event.status,
                certainty="stated",
                **decided_values(event.given),
            )
        case e.AssignmentRead() if event.given is not None:
            yield says(event.assignment, assignment=event.assignment, **decided_values(event.given))
        case e.AssignmentHandedOver():
            yield says(event.assignment, assignment=event.assignment, to=event.to, reason=gone(event.reason))
        case e.AssignmentStatusSet():
            yield says(
                event.assignment,
                assignment=event.assignment,
                status=event.status,
                certainty=event.certainty,
                reason=gone(event.reason),
                by_assignment=gone(event.by_assignment),
            )
        case _:
            pass


ASSIGNMENT = View(
    "assignment",
    1,
    STREAMS,
    [
        text("assignment"),
        text("body"),
        text("what"),
        listed("to"),
        text("matter"),
        text("status"),
        text("certainty"),
        text("reason"),
        text("by_assignment"),
        *map(text, DECIDED),
        number("given_decision"),
    ],
    _assignment,
    identity=("assignment",),
    indexed=("body",),
)


def due_values(due: DuePart | None) -> dict[str, Any]:
    """A due time, as columns."""
    if due is None:
        return {}
    return {
        "due_written": due.written,
        "due_first": gone(due.first),
        "due_last": gone(due.last),
        "read_by": gone(due.read_by),
    }


def _stage(record: Record) -> Iterator[Assert]:
    def stage(event: e.AssignmentEvent, number: int, **values: Any) -> Assert:
        id = event.assignment  # type: ignore[attr-defined]  # every event of the stream has it
        return says(f"{id}/{number}", assignment=id, stage=number, **values)

    match event := record.event:
        case e.AssignmentGiven():
            for one in event.stages:
                yield stage(event, one.stage, what=one.what, repeats=one.repeats, **due_values(one.due))
        case e.AssignmentStageAdded():
            yield stage(event, event.stage, what=event.what, repeats=event.repeats, **due_values(event.due))
        case e.AssignmentDueMoved():
            yield stage(event, event.stage, moved=True, reason=gone(event.reason), **due_values(event.due))
        case e.AssignmentRead() if event.stage is not None:
            yield stage(event, event.stage, **due_values(event.due))
        case e.AssignmentReported() if event.stage is not None and event.completes:
            latest = record.fact.happened.latest or record.fact.happened.earliest
            yield stage(
                event, event.stage, done=record.fact.happened.text, done_on=gone(latest and latest[:10])
            )
        case _:
            pass


STAGE = View(
    "stage",
    1,
    STREAMS,
    [
        text("assignment"),
        number("stage"),
        text("what"),
        text("due_written"),
        text("due_first"),
        text("due_last"),
        text("read_by"),
        number("moved"),
        text("reason"),
        number("repeats"),
        text("done"),
        text("done_on"),
    ],
    _stage,
    identity=("assignment", "stage"),
)


def _answer(record: Record) -> Iterator[Assert]:
    event = record.event
    if isinstance(event, e.AssignmentReported):
        yield says(
            f"{event.assignment}/{event.number}",
            assignment=event.assignment,
            number=event.number,
            stage=event.stage,
            completes=event.completes,
            text=event.text,
            document=event.document,
            day=record.fact.happened.text,
        )


ANSWER = View(
    "answer",
    1,
    STREAMS,
    [
        text("assignment"),
        number("number"),
        number("stage"),
        number("completes"),
        text("text"),
        text("document"),
        text("day"),
    ],
    _answer,
    identity=("assignment",),
)

VIEWS = (ASSIGNMENT, STAGE, ANSWER)
