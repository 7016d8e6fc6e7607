"""The bases of every command and event, and the kinds of field they may have.

- A command asks; it is frozen, closed (no unknown fields), strict about types, and its text is bounded, NFC and free of
  control characters. It declares who may give it (ROLES) and which stream it belongs to (STREAM).
- An event tells; its TOPIC is its name on disk for ever, so that no folder or class name of ours stands in evidence.
- Every field of an event is plain, personal or free text. Personal and free text are sealed (Known or Destroyed when
  read); plain fields are random ids, numbers, dates, ASCII codes and words of public documents.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from domain.sources import Source
from domain.when import UNKNOWN, Happened


def fresh_id() -> str:
    """A random identifier: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def _text(value: str) -> str:
    value = unicodedata.normalize("NFC", value)
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign != "\n" for sign in value):
        raise ValueError("control characters are not allowed in text")
    if not value.strip():
        raise ValueError("the text is empty")
    return value


def _line(value: str) -> str:
    if "\n" in value:
        raise ValueError("must be one line")
    return _text(value)


def _moment(value: str) -> str:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", value):
        raise ValueError("must be a local time, YYYY-MM-DDTHH:MM")
    date.fromisoformat(value[:10])
    if not (value[11:13] < "24" and value[14:] < "60"):
        raise ValueError("no such time of day")
    return value


def _start(value: str) -> str:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        date.fromisoformat(value)
        return value
    return _moment(value)


# --- plain fields
Day = date  # for a field that is called date
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Diarienummer = Annotated[str, Field(pattern=r"^[0-9A-Za-zÅÄÖåäö][0-9A-Za-zÅÄÖåäö ./:§-]{0,39}$")]
PublicName = Annotated[str, Field(max_length=120), AfterValidator(_line)]
Moment = Annotated[str, AfterValidator(_moment)]
# A day alone where the time of day is not known.
Start = Annotated[str, Field(max_length=16), AfterValidator(_start)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Position = Annotated[int, Field(ge=1, le=2**53 - 1)]

# --- text in commands
Line = Annotated[str, Field(max_length=300), AfterValidator(_line)]
Prose = Annotated[str, Field(max_length=20_000), AfterValidator(_text)]


# --- sealed fields in events
@dataclass(frozen=True, slots=True)
class Known:
    """A sealed value that can be read; the commitment is filled in when it is stored (känd)."""

    value: str
    commitment: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A sealed value destroyed by a recorded decision; the commitment remains (förstörd)."""

    commitment: str = ""

    def __str__(self) -> str:
        return "█████"


@dataclass(frozen=True, slots=True)
class Withheld(Destroyed):
    """A sealed value that is there and is not for this reader: to them it reads as if it were not (sekretess)."""


def _sealed(value: object) -> Known | Destroyed:
    if isinstance(value, str):
        return Known(value)
    if isinstance(value, Known | Destroyed):
        return value
    raise ValueError("a sealed field holds text")


Sealed = Annotated[Known | Destroyed, PlainValidator(_sealed)]


class Keep(StrEnum):
    """Retention class: what a key protects, and so what is destroyed together (gallringsklass)."""

    PRESERVED = "preserved"  # bevaras, unless a plan lets this kind of document go
    REGISTER = "register"  # name and office of a person in the register
    CONTACT = "contact"  # contact data
    WORKING = "working"  # drafts, comments and reasons for staying away, destroyed at finishing (rensning)


class Seal(NamedTuple):
    """How a field is sealed.

    kind: "personal" or "free". of: whose key: the name of the sibling field that holds a person's id, "stream" for the
    document's own key, or "event" for a key of this one event (a draft version). keep: the retention class.
    """

    kind: str
    of: str
    keep: Keep


def personal(of: str = "person", keep: Keep = Keep.REGISTER) -> Seal:
    return Seal("personal", of, keep)


def free(of: str = "stream", keep: Keep = Keep.PRESERVED) -> Seal:
    return Seal("free", of, keep)


class Part(BaseModel):
    """A group of fields inside an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourcePart(Part):
    """A Source as it stands in an event (källa)."""

    document: PublicName
    section: Annotated[str, Field(max_length=120)]
    fact: Annotated[str, Field(max_length=8)] = ""

    @classmethod
    def of(cls, source: Source) -> Self:
        return cls(document=source.document, section=source.section, fact=source.fact)


class SecrecyMark(Part):
    """A mark of secrecy: the provision, the day of the mark and the authority that made it (sekretessmarkering)."""

    provision: PublicName
    date: Day | None = None
    authority: PublicName | None = None


class Finding(Part):
    """What was observed against a rule: recorded beside what happened, never instead of it (iakttagelse).

    finding and rule are stable ASCII codes; expected and observed are plain values such as "7 days" and "5 days".
    """

    finding: Code
    rule: Code
    modality: Code
    expected: Annotated[str, Field(max_length=200)]
    observed: Annotated[str, Field(max_length=200)]
    source: SourcePart


# --- the messages
class Role(StrEnum):
    """What a person may do, for a body or the whole municipality (behörighet)."""

    SECRETARY = "secretary"
    CHAIR = "chair"
    JUSTERARE = "justerare"
    MEMBER = "member"
    REGISTRAR = "registrar"
    ARCHIVIST = "archivist"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


class Command(BaseModel):
    """Something a person asks the registry to record. `happened` is a date expression if it was not just now."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    STREAM: ClassVar[str]
    ROLES: ClassVar[frozenset[Role]]
    INTERNAL: ClassVar[bool] = False  # true: no way in offers it, only the registry's own reactions give it

    happened: Annotated[str, Field(max_length=80), AfterValidator(_line)] | None = None

    @classmethod
    def command_name(cls) -> str:
        """The command's name on every way in: RecordDissent is record-dissent."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


TOPICS: dict[str, type[Event]] = {}


class Event(BaseModel):
    """Something that has happened. Stored for ever under its TOPIC."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    TOPIC: ClassVar[str] = ""
    STREAM: ClassVar[str] = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "TOPIC" not in cls.__dict__:
            if cls.STREAM and "STREAM" in cls.__dict__:
                return  # the base of one stream's events
            raise TypeError(f"{cls.__name__} has no TOPIC of its own")
        if not re.fullmatch(r"[a-z][a-z-]*\.v[1-9][0-9]*", cls.TOPIC) or cls.TOPIC in TOPICS:
            raise TypeError(f"{cls.__name__}: the topic {cls.TOPIC!r} is malformed or taken")
        TOPICS[cls.TOPIC] = cls


class Mandate(NamedTuple):
    """The role and the body ("" for the whole municipality) that somebody acted for (uppdrag)."""

    role: str
    body: str = ""


NOBODY = Mandate("")


@dataclass(frozen=True, slots=True)
class Fact:
    """An event with where and when it stands in the log. recorded_at is UTC, happened is local time (händelse)."""

    event: Event
    stream: str
    version: int
    position: int = 0
    recorded_at: str = ""
    happened: Happened = UNKNOWN
    actor: str = ""
    mandate: Mandate = NOBODY


class New(NamedTuple):
    """An event to append, and its stream."""

    stream: str
    event: Event


class State:
    """What one stream's events add up to. Subclasses are frozen dataclasses, and State() is the state before the first.

    STREAM is the first part of the stream's name; evolve is total and never refuses.
    """

    STREAM: ClassVar[str]

    @property
    def exists(self) -> bool:
        raise AssertionError("a state says whether its first event has happened")

    def _with(self, **changes: Any) -> Self:
        """This with some fields changed; dataclasses.replace would go through all of them, for every event folded."""
        fields = self.__dict__
        assert changes.keys() <= fields.keys()
        other = object.__new__(type(self))
        other.__dict__.update(fields, **changes)
        return other

    def evolve(self, fact: Fact) -> Self:
        raise AssertionError(f"a state folds its events: {fact.event!r}")


S = TypeVar("S", bound=State)


class World(Protocol):
    """The states that a decision reads; whoever provides them notes which were read."""

    def get(self, state: type[S], id: str) -> S: ...


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person's id, the role that access found for this command, and how they were identified (aktör).

    assurance: token, token+passphrase, operator or system.
    """

    person: str
    mandate: Mandate
    assurance: str


def stream(state: type[State], id: str) -> str:
    """The name of a stream: its kind, a hyphen, its id."""
    return f"{state.STREAM}-{id}"
