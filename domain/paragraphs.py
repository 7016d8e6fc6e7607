"""Paragraphs: the § of an item, one series for each body and year.

- Some bodies number their items through the year. A paragraph is given once and to one item only, and stays with it
  whatever the order of the agenda becomes (husregel 106).
- The next number follows the highest given. A first number is given where the year's earlier minutes are elsewhere, or
  where a paragraph of an older record is entered as it was.
- Items without a paragraph are printed by their place on the agenda. Where the rules say that items are numbered so, or
  not at all, none is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import Field

from domain import grounds
from domain.calling import CLERKS
from domain.errors import Refused
from domain.lookup import news
from domain.meeting import Meeting
from domain.meeting_events import ItemParagraph, ItemsNumbered, Number
from domain.messages import Actor, Command, Count, Event, Fact, Id, New, Role, State, World
from domain.rule_kinds import ITEM_NUMBERING
from domain.sources import house

Paragraph = Annotated[int, Field(ge=1, le=9_999)]


class NumberItems(Command):
    """Give the items of a meeting their paragraphs, in the order of the agenda (numrera paragrafer)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS

    meeting: Id
    items: list[Number] = Field(default=[], max_length=1000)
    first: Paragraph | None = None


class ParagraphsTaken(Event):
    """Paragraphs of a body's year went to the items of a meeting (paragrafer tagna)."""

    TOPIC = "paragraphs-taken.v1"
    STREAM = "paragraphs"

    body: Id
    year: Count
    meeting: Id
    numbers: tuple[Number, ...]


COMMANDS = (NumberItems,)


@dataclass(frozen=True, slots=True)
class Paragraphs(State):
    """The paragraphs of a body's year (paragrafserie)."""

    STREAM = "paragraphs"

    taken: Mapping[int, str] = field(default_factory=dict)  # by which meeting

    @property
    def exists(self) -> bool:
        return bool(self.taken)

    @property
    def next(self) -> int:
        return max(self.taken, default=0) + 1

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, ParagraphsTaken):
            return self
        return replace(self, taken={**self.taken, **dict.fromkeys(event.numbers, event.meeting)})


def decide(command: NumberItems, world: World, actor: Actor, now: datetime) -> list[New]:
    meeting = grounds.standing(world, command.meeting)
    wanted = command.items or [one.item for one in meeting.agenda if not one.withdrawn]
    for item in wanted:
        grounds.item_of(meeting, item)
        grounds.item_open(meeting, item, world)
    items = [item for item in dict.fromkeys(wanted) if item not in meeting.paragraphs]
    if not items:
        return []
    rules = grounds.rules_of(meeting, world)
    if rules and rules.read(ITEM_NUMBERING) not in (None, "paragraph-per-year"):
        raise Refused("not-numbered-so", rules.require("item-numbering").source)
    year = meeting.day.year
    id = f"{meeting.body}-{year}"
    series = world.get(Paragraphs, id)
    first = command.first or series.next
    numbers = tuple(range(first, first + len(items)))
    if taken := next((number for number in numbers if number in series.taken), None):
        raise Refused("paragraph-taken", house(106), number=taken, year=year, meeting=series.taken[taken])
    given = tuple(
        ItemParagraph(item=item, paragraph=number) for item, number in zip(items, numbers, strict=True)
    )
    return [
        *news(
            Paragraphs,
            id,
            ParagraphsTaken(body=meeting.body, year=year, meeting=command.meeting, numbers=numbers),
        ),
        *news(Meeting, command.meeting, ItemsNumbered(meeting=command.meeting, paragraphs=given)),
    ]
