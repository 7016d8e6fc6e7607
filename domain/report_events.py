"""What may happen to a report: the events of the stream report-<id>.

- A version holds the whole of the report. A section that is not there is absent; a consequence that there is none of is
  said to be none, which is another thing than not saying anything (V2).
- The wordings and the names under the report are free text under its own key.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from domain.meeting_events import Channel, Enclosure, Number
from domain.messages import Event, Finding, Id, Part, PublicName, Sealed, free
from domain.stated import DecidedPart

Text = Annotated[Sealed, free()]
Subject = Literal["economy", "environment", "citizens", "children"]
SUBJECTS: tuple[Subject, ...] = ("economy", "environment", "citizens", "children")
Signed = Literal["signed", "unsigned", "unknown"]


class ConsequencePart(Part):
    """What follows for something; without a text nothing follows, and that is stated (konsekvens)."""

    subject: Subject
    text: Text | None


class SignatoryPart(Part):
    """Who stands under the report, and in what office (undertecknare)."""

    name: Text
    title: PublicName | None


class ReportEvent(Event):
    STREAM = "report"


class ReportWritten(ReportEvent):
    """A version of a report was written; without a day it is undated (tjänsteskrivelse)."""

    TOPIC = "report-written.v1"

    report: Id
    version: Number
    body: Id
    title: Text
    day: date | None
    officer: Text | None
    department: PublicName | None
    addressee: Text | None
    proposal: tuple[Text, ...]
    decision_level: PublicName | None
    summary: Text | None
    background: Text | None
    description: Text | None
    assessment: Text | None
    consequences: tuple[ConsequencePart, ...]
    enclosures: tuple[Enclosure, ...]
    dispatch: tuple[Text, ...]
    signatories: tuple[SignatoryPart, ...]
    signed: Signed
    assignments: tuple[Id, ...]


class ReportSent(ReportEvent):
    """A version was sent to the body that is to decide on it, as a matter there if it is known (skrivelse sänd)."""

    TOPIC = "report-sent.v1"

    report: Id
    version: Number
    to_body: Id
    matter: Id | None
    channel: Channel
    findings: tuple[Finding, ...]


class ReportMatterRecorded(ReportEvent):
    """The body that got the report deals with it as this matter (skrivelsens ärende)."""

    TOPIC = "report-matter-recorded.v1"

    report: Id
    matter: Id


class ReportDecided(ReportEvent):
    """What was decided on a report (beslut om skrivelse)."""

    TOPIC = "report-decided.v1"

    report: Id
    number: Number
    version: Number
    decided: DecidedPart
    points: tuple[Text, ...]


class ReportDecisionDispatched(ReportEvent):
    """The decision on a report was sent to somebody, a body here or another recipient (beslut expedierat)."""

    TOPIC = "report-decision-dispatched.v1"

    report: Id
    number: Number
    to_body: Id | None
    recipient: Text | None
    channel: Channel


EVENTS = ReportWritten | ReportSent | ReportMatterRecorded | ReportDecided | ReportDecisionDispatched
