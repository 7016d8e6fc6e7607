"""Secret items: what is written under them is kept from all but those who write and keep the minutes.

- The mark names its provision and says when and by which authority it was made, as far as that is known (TF 2:20); that
  the provision holds an official decides, not the registry. A mark covers all that is written under the item, also
  what was written before it, until it is lifted, with a reason.
- What is approved cannot be made secret afterwards: those who may read it have it (husregel 40). A mark is lifted when
  the minutes that say where the item is kept are approved, or before the item's own are: else it would stand in none
  (husregel 113).
- Kept from others is the wording. That there is an item, its number, the mark, ids of persons, times and counts stand
  in the clear, as everywhere in the log; so the name of an organisation is not entered under a secret item, and nothing
  that would carry its decision elsewhere (husregel 114).
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, assert_never

from domain import grounds
from domain.calling import CLERKS
from domain.errors import NotFound, Refused
from domain.lookup import news
from domain.meeting import Meeting
from domain.meeting_events import ItemMarkedSecret, ItemSecrecyLifted, Number
from domain.messages import Actor, Command, Id, Known, New, Prose, Role, SecrecyMark, World
from domain.minutes import Minutes
from domain.sources import house
from domain.withholding import listed


class MarkItemSecret(Command):
    """Keep all that is written under an item apart, by a provision (sekretessmarkera punkt)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS

    meeting: Id
    item: Number
    mark: SecrecyMark


class LiftItemSecrecy(Command):
    """Say that an item is secret no more, and why (häv punktens sekretessmarkering)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS

    meeting: Id
    item: Number
    reason: Prose


COMMANDS = (MarkItemSecret, LiftItemSecrecy)


def decide(
    command: MarkItemSecret | LiftItemSecrecy, world: World, _actor: Actor, _now: datetime
) -> list[New]:
    meeting = grounds.standing(world, command.meeting)
    if (item := meeting.item(command.item)) is None:
        raise NotFound("item", str(command.item))
    match command:
        case MarkItemSecret():
            grounds.item_open(meeting, command.item, world)
            if item.secrecy == command.mark:
                return []
            marked = ItemMarkedSecret(meeting=command.meeting, item=command.item, mark=command.mark)
            return [
                *news(Meeting, command.meeting, marked),
                listed(command.meeting, command.item, secret=True),
            ]
        case LiftItemSecrecy():
            if item.secrecy is None:
                return []
            whole = any(begun.rest and world.get(Minutes, begun.minutes).settled for begun in meeting.minutes)
            if command.item in grounds.settled_items(meeting, world) and not whole:
                raise Refused("lift-after-minutes", house(113), item=meeting.number(command.item))
            lifted = ItemSecrecyLifted(
                meeting=command.meeting, item=command.item, reason=Known(command.reason)
            )
            return [
                *news(Meeting, command.meeting, lifted),
                listed(command.meeting, command.item, secret=False),
            ]
        case _:
            assert_never(command)
