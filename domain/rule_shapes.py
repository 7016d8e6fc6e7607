"""The shapes of the rule values that the program acts on.

- A value that a decision reads has one shape, given here, and a profile that breaks it is refused when it is adopted.
- Words for people (members, representatives, recipients, participants) are the documents' own and often mixed; which
  capacities each takes in is configured, as a house rule (husregel 13).
- Fractions are written as such, never as decimals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from domain.grammar import usable
from domain.messages import Code, Part, PublicName

Word = Literal["members", "representatives", "recipients", "participants"]


def _fraction(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]?/[1-9][0-9]?", value) or Fraction(value) > 1:
        raise ValueError("must be a fraction such as 1/2, at most one")
    return value


def _pattern(value: str) -> str:
    if not usable(value):
        raise ValueError("must be a pattern such as KS{yy}.{n}")
    return value


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error:
        raise ValueError("must be a regular expression such as [0-9]{3}") from None
    return value


NumberPattern = Annotated[str, Field(max_length=40), AfterValidator(_pattern)]


class ChairRule(Part):
    """Who is chair: the chair of the body above by virtue of office, or whoever holds a seat (ordförande)."""

    kind: Literal["ex-officio", "seat"]
    seat: Code = "ordforande"


class ViceChairRule(Part):
    """Who chooses the vice chair, and among whom (vice ordförande)."""

    elected_by: Literal["body", "parent"]
    among: Word


class SeatRule(Part):
    """A kind of seat and what is owed: that it is held, or that it is offered (plats)."""

    seat: Code
    label: PublicName
    duty: Literal["part", "offer", "invite"]
    least: Annotated[int, Field(ge=1, le=99)] | None = None


class Staffing(Part):
    """A duty to staff the body: whose, and in which capacity those people sit (bemanning)."""

    duty: Code
    responsible: Code
    capacity: Code = "expert"
    examples: tuple[PublicName, ...] = ()
    when_needed: tuple[PublicName, ...] = ()


class Band(Part):
    """A soft band of meetings a year (antal sammanträden)."""

    least: Annotated[int, Field(ge=0, le=99)] | None = None
    most: Annotated[int, Field(ge=0, le=99)] | None = None
    otherwise: Code | None = None


class Demand(Part):
    """The share of those counted that makes the body meet; strictly means more than it (begäran om sammanträde)."""

    fraction: Annotated[str, AfterValidator(_fraction)]
    strictly: bool
    counted: Word = "members"

    def needed(self, members: int) -> int:
        """How many of so many must ask; at least one."""
        share = Fraction(self.fraction) * members
        whole = share.numerator // share.denominator
        return max(1, whole + 1 if self.strictly or whole < share else whole)


class MinutesWord(Part):
    """What the minutes are called in running text and at the top of the paper (anteckningar, protokoll)."""

    word: PublicName
    title: PublicName


class JusterareRule(Part):
    """Among whom justerare are chosen, and how many (justerare)."""

    among: Word
    number: Annotated[int, Field(ge=0, le=9)] = 1


class SignerOffice(Part):
    """An office that approves the minutes: its field in the PDF and the label printed there (underskrift)."""

    office: Code
    field: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,39}$")]
    label: PublicName


class StandingItem(Part):
    """A standing item with its parts (stående ärende)."""

    id: Code
    title: PublicName
    parts: tuple[PublicName, ...] = ()


class Recipients(Part):
    """To whom minutes are sent or reported: a counted word, or the body above (mottagare)."""

    to: Word | Literal["parent"]


class Notice(Part):
    """The least time between sending and the meeting day (kallelsetid)."""

    length: Annotated[int, Field(ge=1, le=365)]
    unit: Literal["days", "working-days"]
    counted_from: Literal["sending", "receipt"] = "sending"
    counted_to: Literal["meeting-day"] = "meeting-day"


class WhoCounts(Part):
    """Which capacities each of the document's words for its people takes in (vilka som räknas)."""

    members: tuple[Code, ...]
    representatives: tuple[Code, ...]
    recipients: tuple[Code, ...]
    participants: tuple[Code, ...]


class Diary(Part):
    """How the diary of the body's authority numbers its matters (diarium).

    also: other ways in which the same numbers are written. classification: the form of a code that may follow the
    number after a space and is no part of it, as a regular expression. kept: whether the numbers are given by a diary
    elsewhere, or allocated here.
    """

    pattern: NumberPattern
    also: tuple[NumberPattern, ...] = ()
    classification: Annotated[str, Field(max_length=40), AfterValidator(_expression)] | None = None
    kept: Literal["external", "own"] = "external"

    @property
    def patterns(self) -> tuple[str, ...]:
        return (self.pattern, *self.also)


class NotApplicable(Part):
    """Subjects in which a statute expressly does not apply (undantag)."""

    statute: Annotated[str, Field(pattern=r"^[0-9]{4}:[0-9]{1,4}$")]
    subjects: tuple[Code, ...]


SHAPES: Final[Mapping[str, TypeAdapter[Any]]] = {
    "chair": TypeAdapter(ChairRule),
    "vice-chair": TypeAdapter(ViceChairRule),
    "seats": TypeAdapter(tuple[SeatRule, ...]),
    "staffing": TypeAdapter(Staffing),
    "staffing-chair": TypeAdapter(Staffing),
    "who-counts": TypeAdapter(WhoCounts),
    "standing-items": TypeAdapter(tuple[StandingItem, ...]),
    "not-applicable": TypeAdapter(NotApplicable),
    "meetings-per-year": TypeAdapter(Band),
    "demand": TypeAdapter(Demand),
    "minutes": TypeAdapter(MinutesWord),
    "justerare": TypeAdapter(JusterareRule),
    "signers": TypeAdapter(tuple[SignerOffice, ...]),
    "send-minutes": TypeAdapter(Recipients),
    "notify": TypeAdapter(Recipients),
    "notice": TypeAdapter(Notice),
    "diary": TypeAdapter(Diary),
}
# Ids that rules are looked up by although their values are free; a profile's other ids are its own.
KNOWN: Final = (*SHAPES, "co-opt", "picture-and-plan", "dissent", "kallelse-in-good-time", "basis")
