"""A report: what an office writes to a body that is to decide, and what became of it there (tjänsteskrivelse).

- It proposes; what is proposed is no decision (V3, H2). The decision is entered by itself, where it was made.
- A consequence is stated, also when there is none (V2); when a report is sent, those that its receiver's rules ask for
  and that are not stated are noted as found (husregel 87). An undated report has no
  day, and whether it is signed may be unknown (V1).
- It is sent to the body that is to decide, and is a matter there; the decision goes back to those it concerns (V12). A
  notification, that minutes are reported to another body, is another thing (afterwards.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar, Self, assert_never

from pydantic import Field

from domain import grounds
from domain.assigning import FOLLOWS
from domain.assignment import Assignment
from domain.body import Body
from domain.document import Document
from domain.errors import NotFound, Refused
from domain.lookup import day_of, existing, known, news
from domain.matter import Matter, not_voided
from domain.meeting_events import Channel, Enclosure, Number
from domain.messages import (
    Actor,
    Command,
    Event,
    Fact,
    Finding,
    Id,
    Known,
    Line,
    New,
    Part,
    Prose,
    PublicName,
    Role,
    State,
    World,
    fresh_id,
)
from domain.readings import Decided, decided_part
from domain.regulation import Rules
from domain.report_events import (
    EVENTS,
    ConsequencePart,
    ReportDecided,
    ReportDecisionDispatched,
    ReportMatterRecorded,
    ReportSent,
    ReportWritten,
    SignatoryPart,
    Signed,
    Subject,
)
from domain.sources import house


# --- as it is given in a command
class Consequence(Part):
    """What follows for something, or that nothing does (konsekvens)."""

    subject: Subject
    none: bool = False
    text: Prose | None = None


class Enclosed(Part):
    """A document named by the report; enclosed says whether it goes with it (bilaggs, bilaggs ej)."""

    title: Line
    document: Id | None = None
    enclosed: bool = True


class Signatory(Part):
    """Who stands under the report (undertecknare)."""

    name: Line
    title: PublicName | None = None


# --- commands
class ReportCommand(Command):
    """The base of the commands about a report (tjänsteskrivelse)."""

    STREAM: ClassVar[str] = "report"
    ROLES: ClassVar[frozenset[Role]] = FOLLOWS


class WriteReport(ReportCommand):
    """Write a report, or a new version of the whole of it (skriv tjänsteskrivelse)."""

    report: Id = Field(default_factory=fresh_id)
    body: Id
    title: Line
    day: date | None = None
    officer: PublicName | None = None
    department: PublicName | None = None
    addressee: PublicName | None = None
    proposal: list[Prose] = Field(default=[], max_length=100)
    decision_level: PublicName | None = None
    summary: Prose | None = None
    background: Prose | None = None
    description: Prose | None = None
    assessment: Prose | None = None
    consequences: list[Consequence] = Field(default=[], max_length=4)
    enclosures: list[Enclosed] = Field(default=[], max_length=100)
    dispatch: list[Line] = Field(default=[], max_length=100)
    signatories: list[Signatory] = Field(default=[], max_length=10)
    signed: Signed = "unsigned"
    assignments: list[Id] = Field(default=[], max_length=50)


class SendReport(ReportCommand):
    """Record that the newest version was sent to the body that is to decide (sänd skrivelse)."""

    report: Id
    to_body: Id
    matter: Id | None = None
    channel: Channel = "e-mail"


class RecordReportMatter(ReportCommand):
    """Record the matter that the report is in the body it was sent to (skrivelsens ärende)."""

    report: Id
    matter: Id


class RecordReportDecision(ReportCommand):
    """Record what was decided on the report, there or here (beslut om skrivelse)."""

    report: Id
    version: Number | None = None
    decided: Decided
    points: list[Prose] = Field(default=[], max_length=100)


class DispatchReportDecision(ReportCommand):
    """Record that the decision was sent to a body here or another recipient (expediera beslut om skrivelse)."""

    report: Id
    to_body: Id | None = None
    recipient: Line | None = None
    channel: Channel = "e-mail"


COMMANDS = (WriteReport, SendReport, RecordReportMatter, RecordReportDecision, DispatchReportDecision)


# --- the state
@dataclass(frozen=True, slots=True)
class Report(State):
    """A report as it stands (tjänsteskrivelse)."""

    STREAM = "report"

    body: str = ""
    versions: tuple[ReportWritten, ...] = ()
    sent: tuple[ReportSent, ...] = ()
    matter: str = ""
    decisions: tuple[ReportDecided, ...] = ()
    dispatched: tuple[ReportDecisionDispatched, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.body)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case ReportWritten():
                return replace(self, body=event.body, versions=(*self.versions, event))
            case ReportSent():
                return replace(self, sent=(*self.sent, event), matter=event.matter or self.matter)
            case ReportMatterRecorded():
                return replace(self, matter=event.matter)
            case ReportDecided():
                return replace(self, decisions=(*self.decisions, event))
            case ReportDecisionDispatched():
                return replace(self, dispatched=(*self.dispatched, event))
            case _:
                assert_never(event)


# --- deciding
def decide(
    command: WriteReport | SendReport | RecordReportMatter | RecordReportDecision | DispatchReportDecision,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    id = command.report
    if isinstance(command, WriteReport):
        event: Event | None = _written(command, world)
        return [] if event is None else news(Report, id, event)
    report = existing(world, Report, id)
    match command:
        case SendReport():
            event = _sent(command, report, world, now)
        case RecordReportMatter():
            _matter(command.matter, world)
            recorded = ReportMatterRecorded(report=id, matter=command.matter)
            event = None if report.matter == command.matter else recorded
        case RecordReportDecision():
            version = len(report.versions) if command.version is None else command.version
            if version > len(report.versions):
                raise NotFound("version", f"{id}/{version}")
            event = ReportDecided(
                report=id,
                number=len(report.decisions) + 1,
                version=version,
                decided=decided_part(command.decided, world, actor),
                points=tuple(Known(point) for point in command.points),
            )
        case DispatchReportDecision():
            event = _dispatched(command, report, world)
        case _:
            assert_never(command)
    return [] if event is None else news(Report, id, event)


def _written(command: WriteReport, world: World) -> ReportWritten | None:
    report = world.get(Report, command.report)
    existing(world, Body, command.body)
    if report.exists and report.body != command.body:
        raise Refused("report-of-another-body", house(88))
    for assignment in command.assignments:
        existing(world, Assignment, assignment)
    for one in command.enclosures:
        if one.document is not None:
            existing(world, Document, one.document)
    written = ReportWritten(
        report=command.report,
        version=len(report.versions) + 1,
        body=command.body,
        title=Known(command.title),
        day=command.day,
        officer=known(command.officer),
        department=command.department,
        addressee=known(command.addressee),
        proposal=tuple(Known(point) for point in command.proposal),
        decision_level=command.decision_level,
        summary=known(command.summary),
        background=known(command.background),
        description=known(command.description),
        assessment=known(command.assessment),
        consequences=_consequences(command.consequences),
        enclosures=tuple(
            Enclosure(document=one.document, title=Known(one.title), enclosed=one.enclosed)
            for one in command.enclosures
        ),
        dispatch=tuple(Known(to) for to in command.dispatch),
        signatories=tuple(
            SignatoryPart(name=Known(one.name), title=one.title) for one in command.signatories
        ),
        signed=command.signed,
        assignments=tuple(dict.fromkeys(command.assignments)),
    )
    same = report.exists and report.versions[-1] == written.model_copy(
        update={"version": len(report.versions)}
    )
    return None if same else written


def _consequences(asked: list[Consequence]) -> tuple[ConsequencePart, ...]:
    """Each subject once, with what follows or that nothing does."""
    subjects = [one.subject for one in asked]
    if len(set(subjects)) < len(subjects) or any(one.none == (one.text is not None) for one in asked):
        raise Refused("none-or-what", house(87))
    return tuple(ConsequencePart(subject=one.subject, text=known(one.text)) for one in asked)


def _sent(command: SendReport, report: Report, world: World, now: datetime) -> ReportSent:
    rules = existing(world, Body, command.to_body).rules_at(day_of(command, now))
    if command.matter is not None:
        _matter(command.matter, world)
    newest = report.versions[-1]
    return ReportSent(
        report=command.report,
        version=newest.version,
        to_body=command.to_body,
        matter=command.matter,
        channel=command.channel,
        findings=_not_stated(newest, rules),
    )


def _not_stated(newest: ReportWritten, rules: Rules | None) -> tuple[Finding, ...]:
    """The consequences that the receiver's rules ask for and the report does not state."""
    sections = rules.report_sections() if rules else None
    if rules is None or sections is None:
        return ()
    stated = {one.subject for one in newest.consequences}
    missing = (one for one in sections.consequences if one not in stated)
    return tuple(
        grounds.finding("consequence-not-stated", rules, "report-sections", "stated, also when none", one)
        for one in missing
    )


def _dispatched(command: DispatchReportDecision, report: Report, world: World) -> ReportDecisionDispatched:
    if not report.decisions:
        raise Refused("nothing-decided", house(88))
    if (command.to_body is None) == (command.recipient is None):
        raise Refused("one-recipient", house(88))
    if command.to_body is not None:
        existing(world, Body, command.to_body)
    return ReportDecisionDispatched(
        report=command.report,
        number=len(report.decisions),
        to_body=command.to_body,
        recipient=known(command.recipient),
        channel=command.channel,
    )


def _matter(id: str, world: World) -> None:
    not_voided(existing(world, Matter, id))
