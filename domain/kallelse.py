"""The kallelse: sending it, the reason for a late one, hinders and substitutes.

- A kallelse *ska* be sent to the members in good time and, as a utgångspunkt, at least a week before the meeting day
  (L15). What went out later is recorded as found, and a reason is asked for, which may be given at any time; that we
  ask is our own rule (husregel 33). What a kallelse must have in it and lacks is recorded as found (Å9). A second
  sending is not held against those who were already called in time.
- A day of sending that is not known gives no finding, and nothing was sent on a day that has not come (husregel 34).
- The agenda is kept as it stood when it was sent, whatever becomes of it later.
- Who acts as a member says only of himself that he cannot come (husregel 35).
"""

from datetime import date, datetime
from typing import ClassVar, assert_never

from pydantic import Field

from domain import grounds
from domain.body import Body
from domain.calling import CLERKS, CallingCommand
from domain.errors import NotFound, Refused
from domain.lookup import known, news
from domain.matter import Matter
from domain.meeting import Meeting
from domain.meeting_events import (
    AgendaEntry,
    Channel,
    HinderNotified,
    KallelseIssued,
    NoticeReasonGiven,
    Number,
    Recipient,
    SubstituteCalled,
    unnamed,
)
from domain.messages import Actor, Finding, Id, Known, Line, New, Part, Prose, Role, World
from domain.rule_kinds import KALLELSE, SUBSTITUTES
from domain.sources import house
from domain.when import parse


class Addressee(Part):
    """Whom something is to be sent to, and how (adressat)."""

    person: Id
    channel: Channel = "e-mail"


class IssueKallelse(CallingCommand):
    """Record that the kallelse went out with the agenda as it stands, today if no day is given (kallelse)."""

    meeting: Id
    recipients: list[Addressee] = Field(min_length=1)
    sent_on: date | None = None
    place: Line | None = None


class GiveNoticeReason(CallingCommand):
    """Say why a kallelse went out late; it may be said at any time (skäl för kort varsel)."""

    meeting: Id
    issue: Number
    reason: Prose


class NotifyHinder(CallingCommand):
    """Note that somebody cannot come (anmäl förhinder)."""

    ROLES: ClassVar[frozenset[Role]] = CLERKS | {Role.MEMBER}

    meeting: Id
    person: Id
    reason: Line | None = None


class CallSubstitute(CallingCommand):
    """Call a substitute in a hindered person's place (kalla ersättare)."""

    meeting: Id
    hindered: Id
    substitute: Id


COMMANDS = (IssueKallelse, GiveNoticeReason, NotifyHinder, CallSubstitute)


def decide(
    command: IssueKallelse | GiveNoticeReason | NotifyHinder | CallSubstitute,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    at = command.meeting
    meeting = grounds.standing(world, at)
    match command:
        case IssueKallelse():
            return news(Meeting, at, _issued(command, meeting, world, now))
        case GiveNoticeReason():
            if all(issue.issue != command.issue for issue in meeting.issues):
                raise NotFound("kallelse", str(command.issue))
            grounds.whole_open(meeting, world)
            given = NoticeReasonGiven(meeting=at, issue=command.issue, reason=Known(command.reason))
            return news(Meeting, at, given)
        case NotifyHinder():
            grounds.person_of(world, command.person)
            grounds.only_for_oneself(actor, command.person)
            grounds.whole_open(meeting, world)
            hindered = HinderNotified(meeting=at, person=command.person, reason=known(command.reason))
            return news(Meeting, at, hindered)
        case CallSubstitute():
            grounds.person_of(world, command.hindered, command.substitute)
            if command.hindered == command.substitute:
                raise Refused("substitute-for-oneself", house(15))
            grounds.whole_open(meeting, world)
            called = SubstituteCalled(
                meeting=at,
                hindered=command.hindered,
                substitute=command.substitute,
                findings=_not_their_own(command, meeting, world),
            )
            return news(Meeting, at, called)
        case _:
            assert_never(command)


def _not_their_own(command: CallSubstitute, meeting: Meeting, world: World) -> tuple[Finding, ...]:
    """What is found if members have substitutes of their own and somebody else is called."""
    body = world.get(Body, meeting.body)
    rules = body.rules_at(meeting.day)
    rule = rules.read(SUBSTITUTES) if rules else None
    if rules is None or rule is None or rule.kind != "personal":
        return ()
    own = {one.person for one in body.holdings_at(meeting.day) if one.substitutes_for == command.hindered}
    if command.substitute in own:
        return ()
    expected, observed = "the member's own substitute", "somebody else"
    return (grounds.finding("substitute-not-own", rules, "substitutes", expected, observed),)


def _issued(command: IssueKallelse, meeting: Meeting, world: World, now: datetime) -> KallelseIssued:
    grounds.person_of(world, *(one.person for one in command.recipients))
    sent_on = _sent_on(command, now)
    recipients = tuple(
        dict.fromkeys(Recipient(person=one.person, channel=one.channel) for one in command.recipients)
    )
    body = world.get(Body, meeting.body)
    rules = body.rules_at(meeting.day)
    rule = rules.read(KALLELSE) if rules else None
    members = body.counted_at(meeting.day, (rule and rule.to) or "recipients")
    before = [issue for issue in meeting.issues if issue.meeting_day == meeting.day]
    called = {one.person for one in recipients} | {one.person for issue in before for one in issue.recipients}
    missing = tuple(member for member in members if member not in called)
    days = _days(sent_on, recipients, meeting, body)
    findings: list[Finding] = []
    notice = rules.notice() if rules else None
    if rules and notice and days is not None and days < notice.length:
        in_time = {one.person for issue in before if not issue.short for one in issue.recipients}
        newly = {one.person for one in recipients} & set(members) - in_time
        if newly or not in_time:
            expected, observed = f"{notice.length} {notice.unit}", f"{days} {notice.unit}"
            findings.append(grounds.finding("notice-short", rules, "notice", expected, observed))
    short = bool(findings)
    agenda, place = _snapshot(meeting, world), known(command.place) or meeting.place
    if rules and rule and rule.to and missing:
        expected, observed = f"{len(members)} called", f"{len(members) - len(missing)} called"
        findings.append(grounds.finding("member-not-called", rules, "kallelse", expected, observed))
    if rules and rule:
        there = {
            "time": "T" in meeting.starts,
            "place": place is not None,
            "agenda": bool(agenda),
            "documents": _enclosed(agenda),
        }
        if lacking := [content for content in rule.contents if not there[content]]:
            expected, observed = ", ".join(rule.contents), f"no {', '.join(lacking)}"
            findings.append(grounds.finding("kallelse-lacks", rules, "kallelse", expected, observed))
    return KallelseIssued(
        meeting=command.meeting,
        issue=len(meeting.issues) + 1,
        agenda=agenda,
        recipients=recipients,
        not_called=missing,
        sent_on=sent_on,
        meeting_day=meeting.day,
        days=days,
        starts=meeting.starts,
        ends=meeting.ends,
        place=place,
        findings=tuple(findings),
        reason_wanted=short,
    )


def _sent_on(command: IssueKallelse, now: datetime) -> date | None:
    """The day of sending: as said, else when it happened, else today; None if it is not known to the day."""
    if command.sent_on is None and command.happened is not None:
        return parse(command.happened).day()
    sent_on = command.sent_on or now.date()
    if sent_on > now.date():
        raise Refused("sent-in-the-future", house(34), day=str(sent_on))
    return sent_on


def _days(
    sent_on: date | None, recipients: tuple[Recipient, ...], meeting: Meeting, body: Body
) -> int | None:
    """The days of notice, counted as the rules say; None if a day that they ask for is not known."""
    regulation = body.regulation_at(meeting.day)
    notice = regulation.rules.on(meeting.day).notice() if regulation else None
    if sent_on is None:
        return None
    if regulation is None or notice is None:
        return (meeting.day - sent_on).days
    if notice.counted_from == "receipt" and any(one.channel in ("post", "unknown") for one in recipients):
        return None
    if notice.unit == "working-days":
        return grounds.working_days(sent_on, meeting.day, regulation.non_working_days)
    return (meeting.day - sent_on).days


def _enclosed(agenda: tuple[AgendaEntry, ...]) -> bool:
    """Whether every document of the agenda goes with the kallelse."""
    return all(one.enclosed for entry in agenda for one in entry.documents)


def _snapshot(meeting: Meeting, world: World) -> tuple[AgendaEntry, ...]:
    """The agenda as it stands, numbered as printed; what was withdrawn after an earlier kallelse is left out, and
    of a secret item what it is about."""
    return tuple(
        unnamed(item.item, meeting.number(item.item), item.starts)
        if item.secrecy
        else AgendaEntry(
            item=item.item,
            number=meeting.number(item.item),
            title=item.title,
            parts=item.parts,
            diarienummer=world.get(Matter, item.matter).diarienummer if item.matter else None,
            presenter=item.presenter,
            starts=item.starts,
            documents=item.documents,
        )
        for item in meeting.agenda
        if not item.withdrawn
    )
