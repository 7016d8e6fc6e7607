"""The shapes of rules about meetings: when, how often, called how, with which items, and how many must be there.

- Fractions are written as such, never as decimals; "more than half" is 1/2 and strictly.
- A statute or a regulation can say that something expressly does not apply; that is a rule too (L9).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.messages import Code, Part, PublicName
from domain.rule_people import Word

Amount = Annotated[int, Field(ge=0, le=99)]
Length = Annotated[int, Field(ge=1, le=600)]
Content = Literal["time", "place", "agenda", "documents"]


def _fraction(value: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]?/[1-9][0-9]?", value) or Fraction(value) > 1:
        raise ValueError("must be a fraction such as 1/2, at most one")
    return value


class Share(Part):
    """A share of those counted; strictly means more than it (andel)."""

    fraction: Annotated[str, AfterValidator(_fraction), Field(examples=["1/3"])]
    strictly: bool
    counted: Word = "members"

    def needed(self, members: int) -> int:
        """How many of so many are enough; at least one."""
        share = Fraction(self.fraction) * members
        whole = share.numerator // share.denominator
        return max(1, whole + 1 if self.strictly or whole < share else whole)


class Demand(Share):
    """The share of those counted that makes the body meet; alone: who can do so without others (begäran).

    The members of alone are chair, or codes of other bodies.
    """

    alone: tuple[Code, ...] = ()


class Quorum(Share):
    """The share of those counted that must be present for the body to decide (beslutsförhet)."""


class Notice(Part):
    """The least time between sending and the meeting day (kallelsetid)."""

    length: Annotated[int, Field(ge=1, le=365)]
    unit: Literal["days", "working-days"]
    counted_from: Literal["sending", "receipt"] = "sending"
    counted_to: Literal["meeting-day"] = "meeting-day"


class Kallelse(Part):
    """What a kallelse must have in it, to whom it goes and who sends it (kallelse)."""

    contents: tuple[Content, ...] = ()
    to: Word | None = None
    sent_by: Code | None = None


class StandingItem(Part):
    """A standing item with its parts (stående ärende)."""

    id: Code
    title: PublicName
    parts: tuple[PublicName, ...] = ()


class AgendaTimes(Part):
    """Clock times of an agenda: pauses, and how long an item may take (tider i ärendelistan)."""

    pause_after: Length | None = None
    pause: Length | None = None
    for_each_item: Length | None = None


class Band(Part):
    """A soft band of meetings a year; otherwise: who may find another number suitable (antal sammanträden)."""

    least: Amount | None = None
    most: Amount | None = None
    otherwise: Code | None = None


class Quota(Part):
    """How many meetings in each period, alone or together with other bodies (antal sammanträden per period)."""

    per: Literal["month", "quarter", "half-year", "year"]
    least: Amount | None = None
    most: Amount | None = None
    together_with: tuple[Code, ...] = ()


class NotApplicable(Part):
    """Subjects in which a statute expressly does not apply (undantag)."""

    statute: Annotated[str, Field(pattern=r"^[0-9]{4}:[0-9]{1,4}$", examples=["2017:725"])]
    subjects: tuple[Code, ...]
