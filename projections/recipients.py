"""To whom finished minutes and their decisions are to be dispatched, and to whom they were (expedieringslista).

- A recipient is written by the rules, or by the decision itself: a body, an office or a group. Who that is, is resolved
  for a day: the bodies of the group's kind that stand then, who holds the office then.
- A group of those concerned, or where the document does not say which, is for somebody to decide: its bodies are told
  as possible, and what is left of it is not known. Only where all are meant is anybody left.
- A group whose kind the rules do not say, and what is no body of the register, has nobody here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import sqlalchemy as sa

from domain.body import Body
from domain.meeting import Meeting
from domain.messages import World
from domain.minutes import Minutes
from domain.municipality import REGISTRY
from domain.rule_minutes import Recipient
from domain.when import parse
from domain.withholding import Secrets
from projections.organisation import STEP
from projections.reading import rows
from projections.register import BODY
from projections.view import Row
from registry.registry import Registry

Stage = Literal["left", "partly", "sent"]


@dataclass(frozen=True, slots=True)
class Line:
    """A recipient as written, who that is on the day, and how far it has gone (mottagare).

    item: the decision's, or None for what the rules say of all of them. left: bodies that it has not gone to; None
    where that is not known.
    """

    item: int | None
    recipient: str
    which: str | None
    bodies: tuple[str, ...]
    persons: tuple[str, ...]
    stage: Stage
    sent_to: tuple[str, ...]
    left: tuple[str, ...] | None


def recipients(
    registry: Registry, engine: sa.Engine, minutes: str, day: date, known: int | None = None
) -> list[Line]:
    """The recipients that the rules name, in their order, and then those that each decision names."""
    world = registry.world(known)
    paper = world.get(Minutes, minutes)
    meeting = world.get(Meeting, paper.meeting)
    rules = world.get(Body, meeting.body).rules_at(meeting.day)
    bodies, ruled = _Bodies(world, engine, day, known), rules.dispatched_to() if rules else ()
    found = [_ruled(one, meeting.body, bodies, paper) for one in ruled]
    groups = {one.group.casefold(): one for one in ruled if one.group}
    # What is secret today is told of secret minutes alone, also while a draft from before the mark covers it.
    secret = registry.world().get(Secrets, REGISTRY).items.get(paper.meeting, frozenset())
    told = paper.covers if paper.newest.secret else {*paper.covers} - secret
    for decision in meeting.decisions:
        for text in map(str, decision.dispatch if decision.item in told else ()):
            group = groups.get(text.casefold())
            who = bodies.of(group) if group else bodies.named(text)
            found.append(_line(decision.item, text, group, who, paper))
    return found


def _ruled(one: Recipient, own: str, bodies: _Bodies, paper: Minutes) -> Line:
    """A recipient of the rules; a body by its own name where the register has it."""
    who = bodies.of(one)
    names = [bodies.name(id) for id in who] if one.body else []
    line = _line(None, one.group or one.office or ", ".join(names) or str(one.body), one, who, paper)
    return replace(line, persons=bodies.holders(own, one.office)) if one.office else line


def _line(
    item: int | None, written: str, one: Recipient | None, who: tuple[str, ...], paper: Minutes
) -> Line:
    """What has gone to a recipient: entered as it is written, or to a body that it is by itself."""
    alone = who if one is None or one.body else ()
    sent = [
        each
        for each in paper.dispatched
        if (item is None or each.item in (item, None))
        and (str(each.recipient).casefold() == written.casefold() or set(alone) & set(each.bodies))
    ]
    reached = tuple(dict.fromkeys(body for each in sent for body in each.bodies))
    every = one is not None and one.kind is not None and one.which == "all"
    left = tuple(id for id in who if id not in reached) if every else () if sent else alone
    return Line(
        item=item,
        recipient=written,
        which=one.which if one and one.group else None,
        bodies=who,
        persons=(),
        stage="left" if not sent else "partly" if left else "sent",
        sent_to=reached,
        left=left if every or not (one and one.group) else None,
    )


class _Bodies:
    """The bodies of the register that stand on a day."""

    def __init__(self, world: World, engine: sa.Engine, day: date, known: int | None) -> None:
        self._world, self._day = world, day
        gone = {row["body"] for row in rows(engine, STEP.name, known) if not _stands(row, day)}
        entered = rows(engine, BODY.name, known)
        self._rows = {row["body"]: row for row in entered if row["kind"] and row["body"] not in gone}

    def name(self, id: str) -> str:
        return str(self._rows[id]["name"])

    def of(self, one: Recipient) -> tuple[str, ...]:
        """The bodies that a recipient is, in the order in which they were entered."""
        if one.body:
            return tuple(id for id in self._rows if self._code(id) == one.body)
        return tuple(id for id, row in self._rows.items() if one.kind and row["kind"] == one.kind)

    def named(self, text: str) -> tuple[str, ...]:
        """The bodies that have a name."""
        return tuple(id for id in self._rows if self.name(id).casefold() == text.casefold())

    def _code(self, id: str) -> str:
        """What rules call a body by."""
        standing = self._world.get(Body, id).regulation_at(self._day)
        return standing.rules.id.rpartition("/")[2] if standing else ""

    def holders(self, id: str, office: str) -> tuple[str, ...]:
        """The persons who hold an office of a body."""
        body = self._world.get(Body, id)
        named = [
            one.holder.person
            for one in body.offices
            if one.office == office
            and (one.valid_from or date.min) <= self._day <= (one.valid_to or date.max)
        ]
        seated = (
            body.chair_at(self._day, self._world) if office == "chair" else body.seated_at(self._day, office)
        )
        return tuple(person for person in dict.fromkeys([*named, seated]) if person)


def _stands(step: Row, day: date) -> bool:
    """Whether a body may stand on a day, as far as a step says: not ended before it, not established after it."""
    written = parse(step["day"])
    if step["step"] == "ended":
        return written.latest is None or date.fromisoformat(written.latest[:10]) > day
    return (
        step["step"] != "established"
        or not written.earliest
        or date.fromisoformat(written.earliest[:10]) <= day
    )
