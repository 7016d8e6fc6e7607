"""Copies of minutes for whoever asks, and for the web: what is covered in them, and by which provision.

- A copy is made of minutes that are done (husregel 111), of the whole or of some items. It is a document like any
  other, and its event says what it was taken from and what is covered in it.
- For a request, what is secret is covered, each piece with the provision that makes it so (husregel 135). Who asks for
  the copy decides what: the registry knows no secrets by itself.
- For the web every name of a person is covered too, with that person's title and whoever they stand in for (husregel
  136); youth representatives may be minors. Names in running text somebody has to see and cover.
- Of secret minutes none is made for the web, and one for a request is itself marked as secret (husregel 115).
- What decides how the paper is laid out (numbers, times, capacities) is never covered, and a covering that meets
  nothing is refused: somebody has meant something else by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import Field

from domain.document import (
    CopyMade,
    Covering,
    Document,
    DocumentCommand,
    DocumentRegistered,
    Purpose,
    Size,
    in_matter,
)
from domain.errors import Refused
from domain.extracting import extractable, mark_of, matter_of
from domain.grounds import kept_apart
from domain.lookup import existing, known, news, unused
from domain.meeting_events import Number
from domain.messages import Actor, Digest, Id, Known, Line, New, Position, World
from domain.minutes import Minutes, Version
from domain.sources import house

KINDS = {"request": "maskad kopia", "web": "webbkopia"}
DATA_PROTECTION = "Dataskydd"
SUMMARY = "summary"
WORDS = re.compile(
    r"(name|title|participant|substitute|for|organisation|presenter|text|view|reason|ground|place|proposal"
    r"|(part|point|dispatch|yes|no|abstained)-[0-9]+)"
)
OF_PERSONS = re.compile(r"(name|participant|substitute|for|presenter|(yes|no|abstained)-[0-9]+)")


class MakeCopy(DocumentCommand):
    """Register a copy of minutes, whose paper is in the store; no items: all of them (gör maskad kopia)."""

    document: Id
    minutes: Id
    items: list[Number] = Field(default=[], max_length=200)
    purpose: Purpose
    coverings: list[Covering] = Field(default=[], max_length=500)
    title: Line
    matter: Id | None = None
    size: Size
    file: Digest
    sha256: Digest
    root: Digest
    position: Position


COMMANDS = (MakeCopy,)


def decide(command: MakeCopy, world: World, actor: Actor, now: datetime) -> list[New]:
    unused(world, Document, command.document)
    minutes = existing(world, Minutes, command.minutes)
    extractable(minutes, command.items)
    if command.purpose == "web" and kept_apart(minutes, world):
        raise Refused("secret-not-on-web", house(115))
    covered(minutes.newest, command.coverings, command.purpose)
    items = tuple(command.items) or minutes.newest.covers
    matter = command.matter or matter_of(minutes, list(items), world)
    in_matter(matter, world)
    registered = DocumentRegistered(
        document=command.document,
        matter=matter,
        kind=KINDS[command.purpose],
        title=Known(command.title),
        media_type="application/pdf",
        size=command.size,
        file=command.file,
        sha256=known(command.sha256),
        direction="internal",
        date=now.date(),
        secrecy=mark_of(minutes, world),
    )
    made = CopyMade(
        document=command.document,
        minutes=command.minutes,
        version=minutes.newest.version,
        items=items,
        purpose=command.purpose,
        coverings=tuple(command.coverings),
        person=actor.person,
        root=command.root,
        position=command.position,
    )
    return news(Document, command.document, registered, made)


class Piece(NamedTuple):
    """Wording that can be covered: its place in the version's event, what it stands under, and whether it names a
    person (stycke)."""

    path: str
    item: int | None
    kind: str
    name: str
    of_person: bool

    def met_by(self, covering: Covering) -> bool:
        return (
            covering.item == self.item
            and covering.kind in (None, self.kind)
            and (covering.piece in (None, self.name) or self.name.startswith(f"{covering.piece}-"))
        )


def covered(version: Version, coverings: Sequence[Covering], purpose: Purpose) -> dict[str, str]:
    """What is covered in a copy, by its place in the version's event, with the provision."""
    pieces = list(_pieces(version))
    found: dict[str, str] = {}
    for covering in coverings:
        met = [piece.path for piece in pieces if piece.met_by(covering)]
        if not met:
            raise Refused(
                "covers-nothing", house(135), item=covering.item or "–", piece=covering.piece or "–"
            )
        found |= dict.fromkeys(met, covering.provision)
    if purpose == "web":
        found = dict.fromkeys((piece.path for piece in pieces if piece.of_person), DATA_PROTECTION) | found
    return found


def _pieces(version: Version) -> Iterator[Piece]:
    for number, one in enumerate(version.statements):
        names_somebody = bool({"name", "participant"} & one.fields.keys())
        for name in one.fields:
            if WORDS.fullmatch(name):
                of_person = bool(OF_PERSONS.fullmatch(name)) or (name == "title" and names_somebody)
                yield Piece(f"statements/{number}/fields/{name}", one.item, one.kind, name, of_person)
    for item in version.texts:
        yield Piece(f"texts/{item}", int(item) or None, SUMMARY, "text", False)
