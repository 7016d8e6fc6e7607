"""An assignment: what somebody was given to do, by which decision, by when, and what became of it.

- It is given by a decision of a meeting here, or of another organisation or an older day as the document writes of it
  (H3), to one or several functions, organisations or persons (H4; husregel 80).
- What is due when stands in stages, each with its own time as written and as read (H5). A time that slips is moved, and
  the earlier one stays; a report that was due is another stage than the proposal that slips (H6).
- What became of it is said, never worked out: done, replaced, met by something else, withdrawn, or unknown, which is a
  status like the others (H4). What may be so is recorded as possible, and the assignment then still stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, assert_never

from domain.assignment_events import (
    EVENTS,
    AssignmentDueMoved,
    AssignmentGiven,
    AssignmentHandedOver,
    AssignmentRead,
    AssignmentReported,
    AssignmentStageAdded,
    AssignmentStatusSet,
)
from domain.messages import Destroyed, Fact, Known, State
from domain.stated import Assignee, DecidedPart, DuePart

FINISHED: frozenset[str] = frozenset({"done", "replaced", "met", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Stage:
    """Something due; earlier holds the times that it slipped from (moment)."""

    stage: int
    what: Known | Destroyed
    due: DuePart | None
    repeats: int | None
    earlier: tuple[DuePart | None, ...] = ()
    done: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A report on an assignment (återrapport)."""

    number: int
    stage: int | None
    completes: bool
    text: Known | Destroyed | None
    document: str


@dataclass(frozen=True, slots=True)
class Assignment(State):
    """An assignment as it stands (uppdrag)."""

    STREAM = "assignment"

    body: str = ""
    what: Known | Destroyed | None = None
    to: tuple[Assignee, ...] = ()
    before: tuple[tuple[Assignee, ...], ...] = ()
    given: DecidedPart | None = None
    stages: tuple[Stage, ...] = ()
    reports: tuple[Answer, ...] = ()
    status: str = ""
    certainty: str = "stated"
    by_assignment: str = ""
    matter: str = ""

    @property
    def exists(self) -> bool:
        return bool(self.body)

    @property
    def finished(self) -> bool:
        """Whether it is said to be finished, and not only that it may be."""
        return self.status in FINISHED and self.certainty == "stated"

    def stage(self, number: int) -> Stage | None:
        return next((one for one in self.stages if one.stage == number), None)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case AssignmentGiven():
                stages = tuple(Stage(one.stage, one.what, one.due, one.repeats) for one in event.stages)
                return replace(
                    self,
                    body=event.body,
                    what=event.what,
                    to=event.to,
                    given=event.given,
                    stages=stages,
                    status=event.status,
                    matter=event.matter or "",
                )
            case AssignmentStageAdded():
                added = Stage(event.stage, event.what, event.due, event.repeats)
                return replace(self, stages=(*self.stages, added))
            case AssignmentDueMoved():
                return self._staged(event.stage, event.due, moved=True)
            case AssignmentRead():
                read = replace(self, given=event.given or self.given)
                return read if event.stage is None else read._staged(event.stage, event.due)
            case AssignmentReported():
                answer = Answer(event.number, event.stage, event.completes, event.text, event.document or "")
                reported = replace(self, reports=(*self.reports, answer))
                return reported._done(event.stage) if event.completes else reported
            case AssignmentHandedOver():
                return replace(self, to=event.to, before=(*self.before, self.to))
            case AssignmentStatusSet():
                return replace(
                    self,
                    status=event.status,
                    certainty=event.certainty,
                    by_assignment=event.by_assignment or "",
                )
            case _:
                assert_never(event)

    def _staged(self, number: int, due: DuePart | None, *, moved: bool = False) -> Self:
        def with_due(one: Stage) -> Stage:
            earlier = (*one.earlier, one.due) if moved else one.earlier
            return replace(one, due=due, earlier=earlier)

        return replace(
            self, stages=tuple(with_due(one) if one.stage == number else one for one in self.stages)
        )

    def _done(self, number: int | None) -> Self:
        return replace(
            self,
            stages=tuple(replace(one, done=True) if one.stage == number else one for one in self.stages),
        )
