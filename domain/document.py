"""A document: what came in, went out or was drawn up, with its encrypted file.

- What registration asks for stands here: date, number (the matter's) or other designation, sender, a short subject.
  What is not known is absent, never invented (husregel 20).
- The file lies encrypted under the document's own key; the event names the SHA-256 of the ciphertext.
- A secrecy mark cites its provision; whether something may be released is decided by an official, later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from domain.lookup import existing, known, news, unused
from domain.matter import Matter, not_voided
from domain.messages import (
    Actor,
    Command,
    Destroyed,
    Digest,
    Event,
    Fact,
    Id,
    Known,
    Line,
    New,
    PublicName,
    Role,
    Sealed,
    State,
    World,
    free,
    fresh_id,
)

Day = date  # the field below is called date
Direction = Literal["incoming", "outgoing", "internal"]
MediaType = Annotated[str, Field(max_length=127, pattern=r"^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*$")]
Size = Annotated[int, Field(ge=0, le=2**40)]


# --- commands
class RegisterDocument(Command):
    """Register a document whose encrypted file is in the store (registrera handling)."""

    STREAM = "document"
    ROLES = frozenset({Role.SECRETARY, Role.REGISTRAR})

    document: Id = Field(default_factory=fresh_id)
    matter: Id | None = None
    title: Line
    media_type: MediaType
    size: Size
    file: Digest
    direction: Direction
    date: Day | None = None
    sender: Line | None = None
    secrecy: PublicName | None = None


# --- events
class DocumentEvent(Event):
    STREAM = "document"


class DocumentRegistered(DocumentEvent):
    """A document was registered (handling registrerad)."""

    TOPIC = "document-registered.v1"

    document: Id
    matter: Id | None
    title: Annotated[Sealed, free()]
    media_type: MediaType
    size: Size
    file: Digest
    direction: Direction
    date: Day | None
    sender: Annotated[Sealed, free()] | None = None
    secrecy: PublicName | None


COMMANDS = (RegisterDocument,)
EVENTS = DocumentRegistered


@dataclass(frozen=True, slots=True)
class Document(State):
    """A registered document (handling)."""

    STREAM = "document"

    matter: str = ""
    title: Known | Destroyed | None = None
    media_type: str = ""
    size: int = 0
    file: str = ""
    direction: str = ""
    date: Day | None = None
    sender: Known | Destroyed | None = None
    secrecy: str = ""

    @property
    def exists(self) -> bool:
        return bool(self.file)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        match event:
            case DocumentRegistered():
                return replace(
                    self,
                    matter=event.matter or "",
                    title=event.title,
                    media_type=event.media_type,
                    size=event.size,
                    file=event.file,
                    direction=event.direction,
                    date=event.date,
                    sender=event.sender,
                    secrecy=event.secrecy or "",
                )
            case _:
                return self


def decide(command: RegisterDocument, world: World, actor: Actor, now: datetime) -> list[New]:
    unused(world, Document, command.document)
    if command.matter is not None:
        not_voided(existing(world, Matter, command.matter))
    registered = DocumentRegistered(
        document=command.document,
        matter=command.matter,
        title=Known(command.title),
        media_type=command.media_type,
        size=command.size,
        file=command.file,
        direction=command.direction,
        date=command.date,
        sender=known(command.sender),
        secrecy=command.secrecy,
    )
    return news(Document, command.document, registered)
