"""The shapes of rules about what a body does through the year, and of when that is due.

- A duty that is only watched says when it falls due in a form that a program can count with: every period, after an
  event, or by a day; and which events or instruments fulfil it.
- Where the document gives no last day there is none: such a duty is shown as not yet done and is never late (L14).
- A time that the document gives in words is kept in its words (H5).
- How an authority's diary numbers its matters is such a rule too (X2).
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from domain.errors import Refused
from domain.grammar import usable
from domain.messages import Code, Part, PublicName
from domain.report_events import Subject
from domain.when import parse

Period = Literal["month", "quarter", "half-year", "year", "two-years", "term-of-office"]
Month = Annotated[int, Field(ge=1, le=12)]


class Within(Part):
    """A length of time after something; the day it is counted from is not one of them (tidsfrist)."""

    length: Annotated[int, Field(ge=0, le=366)]
    unit: Literal["days", "working-days"] = "days"


def _expression(value: str) -> str:
    try:
        parse(value)
    except Refused:
        raise ValueError("must be a date expression such as januari 2018") from None
    return value


class Due(Part):
    """When a duty falls due and what fulfils it: one of every, after, by and written (förfall).

    every: so many times in each period, in the months named if any are. after: each time one of these things has
    happened, within a length of time if there is one. by: once, that day at the latest. written: once, at a time that
    the document gives in words. What comes before and what fulfils are named as the events are, without their version,
    or as occasions that are no events here (half-year-accounts). together_with: bodies whose own count
    too.
    """

    every: Period | None = None
    times: Annotated[int, Field(ge=1, le=99)] = 1
    months: tuple[Month, ...] = ()
    after: tuple[Code, ...] = ()
    within: Within | None = None
    by: date | None = None
    written: (
        Annotated[str, Field(max_length=80, examples=["januari 2018"]), AfterValidator(_expression)] | None
    ) = None
    fulfilled_by: tuple[Code, ...] = ()
    together_with: tuple[Code, ...] = ()

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.every is not None, bool(self.after), self.by is not None, self.written is not None]
        if sum(given) != 1:
            raise ValueError("profile-due")
        if (self.months and self.every != "year") or (self.within and not self.after):
            raise ValueError("profile-due-parts")
        return self


class Activity(Part):
    """Something that is drawn up, followed up, reported or carried out, by whom and for whom (uppgift).

    what: such as situation-picture, action-plan, operational-plan, follow-up, evaluation, dialogue, report, review.
    """

    what: Code
    title: PublicName
    by: Code | None = None
    to: Code | None = None
    decided_by: Code | None = None
    least: Annotated[int, Field(ge=1, le=99)] | None = None


class ReportSections(Part):
    """The sections of a report to the body, and the consequences stated even if there are none (tjänsteskrivelse)."""

    sections: tuple[PublicName, ...]
    consequences: tuple[Subject, ...] = ()


class DocumentKind(Part):
    """A kind of document that the municipality tells from others, and words typical of it (dokumenttyp)."""

    kind: Code
    label: PublicName
    typical: tuple[PublicName, ...] = ()


def _pattern(value: str) -> str:
    if not usable(value):
        raise ValueError("must be a pattern such as KS{yy}.{n}")
    return value


def _regular(value: str) -> str:
    try:
        re.compile(value)
    except re.error:
        raise ValueError("must be a regular expression such as [0-9]{3}") from None
    return value


NumberPattern = Annotated[str, Field(max_length=40, examples=["KS{yy}.{n}"]), AfterValidator(_pattern)]


class Diary(Part):
    """How the diary of the body's authority numbers its matters (diarium).

    also: other ways in which the same numbers are written. classification: the form of a code that may follow the
    number after a space and is no part of it, as a regular expression. kept: whether the numbers are given by a diary
    elsewhere, or allocated here.
    """

    pattern: NumberPattern
    also: tuple[NumberPattern, ...] = ()
    classification: (
        Annotated[str, Field(max_length=40, examples=["[0-9]{3}"]), AfterValidator(_regular)] | None
    ) = None
    kept: Literal["external", "own"] = "external"

    @property
    def patterns(self) -> tuple[str, ...]:
        return (self.pattern, *self.also)
