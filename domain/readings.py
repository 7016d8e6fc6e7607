"""What was written, beside how it was read and by whom: times that things are due, and decisions that are referred to.

- What stands in a document is kept as it stands; its reading is a statement of its own, made by somebody, and may be
  made anew without touching the wording (X5, H3, H5; husregel 81).
- A due time is an interval of days, either end of which may be unknown. A wording that is a date expression of ours is
  read by the registry itself, and then nobody is named as its reader; other wordings a person reads, or nobody.
- A decision is one of a meeting in this registry, or one made elsewhere, which is written as the document has it:
  "28 september § 328" names neither its year nor its body (H3; husregel 82).
"""

from __future__ import annotations

from datetime import date, timedelta

from domain import grounds
from domain.errors import NotFound, Refused
from domain.lookup import existing, in_order, known
from domain.meeting import Meeting
from domain.meeting_events import Number
from domain.messages import Actor, Id, Known, Line, Part, PublicName, World
from domain.person import Person
from domain.sources import house
from domain.stated import DecidedPart, DuePart
from domain.when import parse


# --- as it is given in a command
class Due(Part):
    """When something is due, as written; first and last day as read, and by whom if not by you (tidpunkt)."""

    written: Line
    first: date | None = None
    last: date | None = None
    read_by: Id | None = None


class Decided(Part):
    """A decision: of a meeting here, or as a document writes of it, with what it is read as (beslut som åberopas)."""

    meeting: Id | None = None
    decision: Number | None = None
    written: Line | None = None
    decided_by: PublicName | None = None
    day: date | None = None
    paragraph: PublicName | None = None
    read_by: Id | None = None


# --- as it is read
def due_part(due: Due, world: World, actor: Actor) -> DuePart:
    """A due time with its reading; one that ends before it begins is refused."""
    first, last, reader = due.first, due.last, due.read_by or actor.person
    if first is None and last is None:
        first, last = _by_grammar(due.written)
        reader = ""
    elif due.read_by is not None:
        existing(world, Person, due.read_by)
    if first is not None:
        in_order(first, last)
    return DuePart(written=Known(due.written), first=first, last=last, read_by=reader or None)


def decided_part(decided: Decided, world: World, actor: Actor) -> DecidedPart:
    """A decision with its reading; it must say which meeting's decision it is, or how it is written."""
    if decided.meeting is not None and decided.decision is not None:
        meeting = existing(world, Meeting, decided.meeting)
        if decided.decision not in {one.number for one in meeting.decisions}:
            raise NotFound("decision", f"{decided.meeting}/{decided.decision}")
        grounds.not_secret(meeting, decided.decision)
    elif decided.meeting is not None or decided.decision is not None or decided.written is None:
        raise Refused("decision-unnamed", house(82))
    if decided.read_by is not None:
        existing(world, Person, decided.read_by)
    read = (decided.decided_by, decided.day, decided.paragraph) != (None, None, None)
    return DecidedPart(
        meeting=decided.meeting,
        decision=decided.decision,
        written=known(decided.written),
        decided_by=decided.decided_by,
        day=decided.day,
        paragraph=decided.paragraph,
        read_by=(decided.read_by or actor.person) if read and decided.written is not None else None,
    )


def _by_grammar(written: str) -> tuple[date | None, date | None]:
    """The days that a date expression of ours means; none for other wordings."""
    try:
        found = parse(written)
        return _day(found.earliest, "T23:59", 1), _day(found.latest, "T00:00", -1)
    except (Refused, OverflowError):  # the first and the last day of all have none beside them
        return None, None


def _day(bound: str | None, beyond: str, step: int) -> date | None:
    """The day of a bound; a bound at the far end of its day (before May, after May) means the day beside it."""
    if bound is None:
        return None
    return date.fromisoformat(bound[:10]) + timedelta(days=step if bound.endswith(beyond) else 0)
