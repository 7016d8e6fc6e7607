"""A document: what came in, went out or was drawn up, with its encrypted file.

- What registration asks for stands here: date, number (the matter's) or other designation, sender, a short subject.
  What is not known is absent, never invented (husregel 22).
- The file lies encrypted under the document's own key; the event names the SHA-256 of the ciphertext.
- A secrecy mark cites its provision; whether something may be released is decided by an official, later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, Self, assert_never

from pydantic import Field

from domain.errors import NotFound, Refused
from domain.messages import (
    Actor,
    Command,
    Digest,
    Event,
    Fact,
    Id,
    Line,
    New,
    PublicName,
    Role,
    Sealed,
    State,
    World,
    free,
    fresh_id,
    stream,
)
from domain.sources import house

Day = date  # the field below is called date
Direction = Literal["incoming", "outgoing", "internal"]
MediaType = Annotated[str, Field(max_length=127, pattern=r"^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*$")]
Size = Annotated[int, Field(ge=0, le=2**40)]


# --- commands
class RegisterDocument(Command):
    """Register a document whose encrypted file is in the store."""

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
