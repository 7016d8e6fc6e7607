"""What may happen to an assignment: the events of the stream assignment-<id>.

- What was written (what to do, when it is due, which decision gave it) is free text under the assignment's own key;
  functions, organisations, days and numbers are plain.
- A stage has a number for ever, and every time it slips from stays in the log.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.meeting_events import Number
from domain.messages import Event, Id, Part, Sealed, free
from domain.stated import Assignee, DecidedPart, DuePart

Status = Literal["open", "under-way", "done", "replaced", "met", "withdrawn", "unknown"]
Certainty = Literal["stated", "possible"]
Months = Annotated[int, Field(ge=1, le=120)]


class StagePart(Part):
    """Something due in an assignment (moment)."""

    stage: Number
    what: Annotated[Sealed, free()]
    due: DuePart | None
    repeats: Months | None


class AssignmentEvent(Event):
    STREAM = "assignment"


class AssignmentGiven(AssignmentEvent):
    """Somebody was given something to do (uppdrag givet åt någon)."""

    TOPIC = "assignment-given.v1"

    assignment: Id
    body: Id
    what: Annotated[Sealed, free()]
    to: tuple[Assignee, ...]
    given: DecidedPart | None
    stages: tuple[StagePart, ...]
    status: Status
    matter: Id | None


class AssignmentStageAdded(AssignmentEvent):
    """Something more is due in an assignment (moment tillagt)."""

    TOPIC = "assignment-stage-added.v1"

    assignment: Id
    stage: Number
    what: Annotated[Sealed, free()]
    due: DuePart | None
    repeats: Months | None


class AssignmentDueMoved(AssignmentEvent):
    """What was due slipped to another time (framflyttat)."""

    TOPIC = "assignment-due-moved.v1"

    assignment: Id
    stage: Number
    due: DuePart
    reason: Annotated[Sealed, free()] | None


class AssignmentRead(AssignmentEvent):
    """What was written was read anew: the time of a stage, the decision behind it, or both (tolkat)."""

    TOPIC = "assignment-read.v1"

    assignment: Id
    stage: Number | None
    due: DuePart | None
    given: DecidedPart | None


class AssignmentReported(AssignmentEvent):
    """Somebody reported on an assignment (återrapporterat)."""

    TOPIC = "assignment-reported.v1"

    assignment: Id
    number: Number
    stage: Number | None
    completes: bool
    text: Annotated[Sealed, free()] | None
    document: Id | None


class AssignmentHandedOver(AssignmentEvent):
    """Others took an assignment over (uppdrag övertaget)."""

    TOPIC = "assignment-handed-over.v1"

    assignment: Id
    to: tuple[Assignee, ...]
    reason: Annotated[Sealed, free()] | None


class AssignmentStatusSet(AssignmentEvent):
    """What became of an assignment, or that it is not known (status angiven)."""

    TOPIC = "assignment-status-set.v1"

    assignment: Id
    status: Status
    certainty: Certainty
    reason: Annotated[Sealed, free()] | None
    by_assignment: Id | None


EVENTS = (
    AssignmentGiven
    | AssignmentStageAdded
    | AssignmentDueMoved
    | AssignmentRead
    | AssignmentReported
    | AssignmentHandedOver
    | AssignmentStatusSet
)
