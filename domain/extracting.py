"""Extracts of minutes: whole items on a paper of their own, certified by somebody, as a document of the matter.

- An extract is taken of minutes that are done, and of items that they cover (husregel 111). It is a document like any
  other, drawn up on the day it was certified.
- What is taken from secret minutes is marked as secret as they are, until somebody decides otherwise (husregel 115).
- The event names the minutes, the version, its root and its place in the log: by these anyone can see that the extract
  belongs to the whole (Al9). That an extract does not show something proves nothing about it.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.document import (
    Document,
    DocumentCommand,
    DocumentRegistered,
    ExtractCertified,
    Size,
    in_matter,
)
from domain.errors import NotFound, Refused
from domain.grounds import kept_apart
from domain.lookup import existing, known, news, unused
from domain.meeting import Meeting
from domain.meeting_events import Number
from domain.messages import Actor, Digest, Id, Known, Line, New, Position, SecrecyMark, World
from domain.minutes import Minutes
from domain.sources import house

KIND = "protokollsutdrag"
LONGEST = 120  # signs of a provision


class CertifyExtract(DocumentCommand):
    """Register an extract of minutes, whose paper is in the store; whoever asks certifies it (bestyrk utdrag)."""

    document: Id
    minutes: Id
    items: list[Number] = Field(min_length=1, max_length=200)
    place: Line
    title: Line
    matter: Id | None = None
    size: Size
    file: Digest
    sha256: Digest
    root: Digest
    position: Position


COMMANDS = (CertifyExtract,)


def decide(command: CertifyExtract, world: World, actor: Actor, now: datetime) -> list[New]:
    unused(world, Document, command.document)
    minutes = existing(world, Minutes, command.minutes)
    extractable(minutes, command.items)
    matter = command.matter or matter_of(minutes, command.items, world)
    in_matter(matter, world)
    registered = DocumentRegistered(
        document=command.document,
        matter=matter,
        kind=KIND,
        title=Known(command.title),
        media_type="application/pdf",
        size=command.size,
        file=command.file,
        sha256=known(command.sha256),
        direction="internal",
        date=now.date(),
        secrecy=mark_of(minutes, world),
    )
    certified = ExtractCertified(
        document=command.document,
        minutes=command.minutes,
        version=minutes.newest.version,
        items=tuple(command.items),
        person=actor.person,
        place=Known(command.place),
        root=command.root,
        position=command.position,
    )
    return news(Document, command.document, registered, certified)


def extractable(minutes: Minutes, items: list[int]) -> None:
    """Refuse an extract of what is not done, and of what the minutes do not cover."""
    if minutes.kind == "correction" or not minutes.done:
        raise Refused("extract-of-finished", house(111), version=minutes.newest.version)
    for item in items:
        if item not in minutes.newest.covers:
            raise NotFound("item", str(item))


def mark_of(minutes: Minutes, world: World) -> SecrecyMark | None:
    """The mark that a paper taken from secret minutes gets: all the provisions under which they are kept."""
    marks = kept_apart(minutes, world)
    provisions = "; ".join(dict.fromkeys(one.provision for one in marks))
    return marks[0].model_copy(update={"provision": provisions[:LONGEST]}) if marks else None


def matter_of(minutes: Minutes, items: list[int], world: World) -> str | None:
    """The matter that all the items are about, if it is one."""
    meeting = world.get(Meeting, minutes.meeting)
    found = {one.matter for one in meeting.items if one.item in items}
    return found.pop() if len(found) == 1 else None
