"""A document: what came in, went out or was drawn up, with its encrypted file and every version of it.

- What registration asks for stands here (OSL 5 kap.): the day, a number or another designation, sender or recipient, a
  short subject. What is not known is absent, never invented (husregel 20), shown as missing, and filled in when it is
  found; the last entry counts and the earlier ones stay in the log.
- The file lies encrypted under the document's own key; the event names the SHA-256 of the ciphertext, and under seal
  that of the content, so that whoever has the file can see that it is the one.
- A new version is another file of the same document; the earlier ones stay (husregel 100).
- A secrecy mark cites its provision (TF 2:20), and says when it was made and by which authority, as far as is known.
  Whether something may be released is decided by an official, later.
- Enclosures are listed with their number, and with whether they go along: bilaggs, bilaggs ej (V11).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Literal, Self, assert_never

from pydantic import Field

from domain.disposal_events import DocumentDisposed
from domain.errors import Refused
from domain.lookup import existing, known, news, unused
from domain.matter import Matter, not_voided
from domain.messages import (
    Actor,
    Code,
    Command,
    Destroyed,
    Digest,
    Event,
    Fact,
    Id,
    Known,
    Line,
    New,
    Part,
    PublicName,
    Role,
    Sealed,
    SecrecyMark,
    State,
    World,
    free,
    fresh_id,
)
from domain.sources import house

Day = date  # a field below is called date
Direction = Literal["incoming", "outgoing", "internal"]
Purpose = Literal["request", "web"]
MediaType = Annotated[str, Field(max_length=127, pattern=r"^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*$")]
Size = Annotated[int, Field(ge=0, le=2**40)]
Place = Annotated[str, Field(pattern=r"^[0-9A-Za-zÅÄÖåäö][0-9A-Za-zÅÄÖåäö .:-]{0,19}$")]
Text = Annotated[Sealed, free()]
REGISTERS = frozenset({Role.SECRETARY, Role.REGISTRAR})


class EnclosureGiven(Part):
    """An enclosure to list: by its number, in the registry or only by its title (bilaga)."""

    number: Place
    title: Line
    document: Id | None = None
    enclosed: bool


class Enclosed(Part):
    """A listed enclosure; enclosed says whether it goes along (bilaggs, bilaggs ej)."""

    number: Place
    title: Text
    document: Id | None
    enclosed: bool


# --- commands
class DocumentCommand(Command):
    """The base of the commands about a document (handling)."""

    STREAM = "document"
    ROLES = REGISTERS


class RegisterDocument(DocumentCommand):
    """Register a document whose encrypted file is in the store (registrera handling)."""

    document: Id = Field(default_factory=fresh_id)
    matter: Id | None = None
    designation: PublicName | None = None
    kind: PublicName | None = None
    title: Line
    media_type: MediaType
    size: Size
    file: Digest
    sha256: Digest | None = None
    direction: Direction
    date: Day | None = None
    sender: Line | None = None
    recipient: Line | None = None
    secrecy: SecrecyMark | None = None


class CompleteRegistration(DocumentCommand):
    """Enter what was not known when a document was registered, or put it right (komplettera registrering)."""

    document: Id
    matter: Id | None = None
    designation: PublicName | None = None
    kind: PublicName | None = None
    date: Day | None = None
    sender: Line | None = None
    recipient: Line | None = None


class AddDocumentVersion(DocumentCommand):
    """Add a new version of a document, whose encrypted file is in the store (ny version av handling)."""

    document: Id
    base: Annotated[int, Field(ge=1, le=10_000)] | None = None
    media_type: MediaType
    size: Size
    file: Digest
    sha256: Digest | None = None
    note: Line | None = None


class MarkSecrecy(DocumentCommand):
    """Mark a document as secret, or mark it anew (sekretessmarkera)."""

    document: Id
    mark: SecrecyMark


class LiftSecrecy(DocumentCommand):
    """Take a secrecy mark away, with the reason (häv sekretessmarkering)."""

    document: Id
    reason: Line


class ListEnclosures(DocumentCommand):
    """List all enclosures of a document; a new list replaces the old (bilageförteckning)."""

    document: Id
    enclosures: list[EnclosureGiven] = Field(max_length=200)


# --- events
class DocumentEvent(Event):
    STREAM = "document"


class DocumentRegistered(DocumentEvent):
    """A document was registered (handling registrerad)."""

    TOPIC = "document-registered.v1"

    document: Id
    matter: Id | None
    designation: PublicName | None = None
    kind: PublicName | None = None
    title: Text
    media_type: MediaType
    size: Size
    file: Digest
    sha256: Text | None = None
    direction: Direction
    date: Day | None
    sender: Text | None = None
    recipient: Text | None = None
    secrecy: SecrecyMark | None


class RegistrationCompleted(DocumentEvent):
    """Something was filled in about a document; what is absent stands as before (registrering kompletterad)."""

    TOPIC = "registration-completed.v1"

    document: Id
    matter: Id | None = None
    designation: PublicName | None = None
    kind: PublicName | None = None
    date: Day | None = None
    sender: Text | None = None
    recipient: Text | None = None


class DocumentVersionAdded(DocumentEvent):
    """A new version of the document came; the earlier ones stay (ny version av handling)."""

    TOPIC = "document-version-added.v1"

    document: Id
    version: Annotated[int, Field(ge=1, le=10_000)]
    media_type: MediaType
    size: Size
    file: Digest
    sha256: Text | None = None
    note: Text | None = None


class SecrecyMarked(DocumentEvent):
    """The document was marked as secret (sekretessmarkering)."""

    TOPIC = "secrecy-marked.v1"

    document: Id
    mark: SecrecyMark


class DocumentAttests(DocumentEvent):
    """The document is the print that an office signed by hand: the proof of that approval (bevisar justering)."""

    TOPIC = "document-attests.v1"

    document: Id
    minutes: Id
    version: Annotated[int, Field(ge=1, le=10_000)]
    office: Code


class SecrecyLifted(DocumentEvent):
    """The secrecy mark was taken away (sekretessmarkering hävd)."""

    TOPIC = "secrecy-lifted.v1"

    document: Id
    reason: Text


class EnclosuresListed(DocumentEvent):
    """All that the document encloses, or says that it does not enclose (bilageförteckning)."""

    TOPIC = "enclosures-listed.v1"

    document: Id
    enclosures: tuple[Enclosed, ...]


class ExtractCertified(DocumentEvent):
    """The document is an extract of minutes, certified by somebody; where the whole stands (utdrag bestyrkt)."""

    TOPIC = "extract-certified.v1"

    document: Id
    minutes: Id
    version: Annotated[int, Field(ge=1, le=10_000)]
    items: tuple[Annotated[int, Field(ge=1, le=10_000)], ...]
    person: Id
    place: Text
    root: Digest
    position: Annotated[int, Field(ge=1, le=2**53 - 1)]


class Covering(Part):
    """What is covered in a copy and by which provision: under an item or of the meeting as a whole, all of it, or one
    kind of statement, or one piece of that (maskning)."""

    item: Annotated[int, Field(ge=1, le=10_000)] | None = None
    kind: Code | None = None
    piece: Code | None = None
    provision: PublicName


class CopyMade(DocumentEvent):
    """The document is a copy of minutes, with what is covered in it; where the whole stands (kopia gjord)."""

    TOPIC = "copy-made.v1"

    document: Id
    minutes: Id
    version: Annotated[int, Field(ge=1, le=10_000)]
    items: tuple[Annotated[int, Field(ge=1, le=10_000)], ...]
    purpose: Purpose
    coverings: tuple[Covering, ...]
    person: Id
    root: Digest
    position: Annotated[int, Field(ge=1, le=2**53 - 1)]


COMMANDS = (
    RegisterDocument,
    CompleteRegistration,
    AddDocumentVersion,
    MarkSecrecy,
    LiftSecrecy,
    ListEnclosures,
)
EVENTS = (
    DocumentRegistered
    | RegistrationCompleted
    | DocumentVersionAdded
    | SecrecyMarked
    | SecrecyLifted
    | EnclosuresListed
    | ExtractCertified
    | CopyMade
    | DocumentAttests
    | DocumentDisposed
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a document's file (version)."""

    version: int
    media_type: str
    size: int
    file: str
    sha256: Known | Destroyed | None
    note: Known | Destroyed | None = None


@dataclass(frozen=True, slots=True)
class Document(State):
    """A registered document (handling)."""

    STREAM = "document"

    matter: str = ""
    designation: str = ""
    kind: str = ""
    title: Known | Destroyed | None = None
    direction: str = ""
    date: Day | None = None
    sender: Known | Destroyed | None = None
    recipient: Known | Destroyed | None = None
    secrecy: SecrecyMark | None = None
    versions: tuple[Version, ...] = ()
    enclosures: tuple[Enclosed, ...] = ()
    extract_of: str = ""
    extracted: tuple[int, ...] = ()
    attests: tuple[DocumentAttests, ...] = ()
    disposed: bool = False

    @property
    def exists(self) -> bool:
        return bool(self.versions)

    @property
    def newest(self) -> Version:
        return self.versions[-1]

    @property
    def missing(self) -> tuple[str, ...]:
        """What registration asks for and nobody has entered."""
        return missing(
            self.direction, self.date, self.matter or self.designation, self.sender, self.recipient
        )

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case DocumentRegistered():
                return replace(
                    self,
                    matter=event.matter or "",
                    designation=event.designation or "",
                    kind=event.kind or "",
                    title=event.title,
                    direction=event.direction,
                    date=event.date,
                    sender=event.sender,
                    recipient=event.recipient,
                    secrecy=event.secrecy,
                    versions=(Version(1, event.media_type, event.size, event.file, event.sha256),),
                )
            case RegistrationCompleted():
                return replace(
                    self,
                    matter=event.matter or self.matter,
                    designation=event.designation or self.designation,
                    kind=event.kind or self.kind,
                    date=event.date or self.date,
                    sender=event.sender or self.sender,
                    recipient=event.recipient or self.recipient,
                )
            case DocumentVersionAdded():
                added = Version(
                    event.version, event.media_type, event.size, event.file, event.sha256, event.note
                )
                return replace(self, versions=(*self.versions, added))
            case SecrecyMarked():
                return replace(self, secrecy=event.mark)
            case SecrecyLifted():
                return replace(self, secrecy=None)
            case EnclosuresListed():
                return replace(self, enclosures=event.enclosures)
            case ExtractCertified() | CopyMade():
                return replace(self, extract_of=event.minutes, extracted=event.items)
            case DocumentAttests():
                return replace(self, attests=(*self.attests, event))
            case DocumentDisposed():
                return replace(self, disposed=True)
            case _:
                assert_never(event)


def missing(
    direction: str, day: object, number: object, sender: object, recipient: object
) -> tuple[str, ...]:
    """What registration asks for of a document that goes in this direction, and is not there (OSL 5 kap.)."""
    asked = {
        "date": day,
        "designation": number,
        "sender": sender if direction == "incoming" else True,
        "recipient": recipient if direction == "outgoing" else True,
    }
    return tuple(name for name, value in asked.items() if not value)


def decide(
    command: RegisterDocument
    | CompleteRegistration
    | AddDocumentVersion
    | MarkSecrecy
    | LiftSecrecy
    | ListEnclosures,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    id = command.document
    if isinstance(command, RegisterDocument):
        unused(world, Document, id)
        in_matter(command.matter, world)
        return news(Document, id, _registered(command))
    document = existing(world, Document, id)
    if document.disposed:
        raise Refused("document-disposed", house(133))
    match command:
        case CompleteRegistration():
            in_matter(command.matter, world)
            event: Event | None = _completed(command, document)
        case AddDocumentVersion():
            event = _version(command, document)
        case MarkSecrecy():
            marked = SecrecyMarked(document=id, mark=command.mark)
            event = None if document.secrecy == command.mark else marked
        case LiftSecrecy():
            lifted = SecrecyLifted(document=id, reason=Known(command.reason))
            event = lifted if document.secrecy else None
        case ListEnclosures():
            event = _enclosures(command, document, world)
        case _:
            assert_never(command)
    return [] if event is None else news(Document, id, event)


def in_matter(matter: str | None, world: World) -> None:
    """Refuse a matter that is not there, or was opened by mistake."""
    if matter is not None:
        not_voided(existing(world, Matter, matter))


def _registered(command: RegisterDocument) -> DocumentRegistered:
    return DocumentRegistered(
        document=command.document,
        matter=command.matter,
        designation=command.designation,
        kind=command.kind,
        title=Known(command.title),
        media_type=command.media_type,
        size=command.size,
        file=command.file,
        sha256=known(command.sha256),
        direction=command.direction,
        date=command.date,
        sender=known(command.sender),
        recipient=known(command.recipient),
        secrecy=command.secrecy,
    )


def _completed(command: CompleteRegistration, document: Document) -> RegistrationCompleted | None:
    completed = RegistrationCompleted(
        document=command.document,
        matter=command.matter,
        designation=command.designation,
        kind=command.kind,
        date=command.date,
        sender=known(command.sender),
        recipient=known(command.recipient),
    )
    names = ("matter", "designation", "kind", "date", "sender", "recipient")
    said = {name: value for name in names if (value := getattr(completed, name)) is not None}
    return completed if any(getattr(document, name) != value for name, value in said.items()) else None


def _version(command: AddDocumentVersion, document: Document) -> DocumentVersionAdded:
    newest = document.newest.version
    if command.base is not None and command.base != newest:
        raise Refused("document-newer-version", house(100), version=command.base, newest=newest)
    return DocumentVersionAdded(
        document=command.document,
        version=newest + 1,
        media_type=command.media_type,
        size=command.size,
        file=command.file,
        sha256=known(command.sha256),
        note=known(command.note),
    )


def _enclosures(command: ListEnclosures, document: Document, world: World) -> EnclosuresListed | None:
    numbers = [one.number for one in command.enclosures]
    if twice := next((number for number in numbers if numbers.count(number) > 1), None):
        raise Refused("enclosure-number-twice", house(101), number=twice)
    for one in command.enclosures:
        if one.document == command.document:
            raise Refused("encloses-itself", house(101), number=one.number)
        if one.document is not None:
            existing(world, Document, one.document)
    listed = tuple(
        Enclosed(number=one.number, title=Known(one.title), document=one.document, enclosed=one.enclosed)
        for one in command.enclosures
    )
    return (
        None
        if listed == document.enclosures
        else EnclosuresListed(document=command.document, enclosures=listed)
    )
