"""Holding a meeting: who was there, who led it, who is to approve the minutes, when it began and ended.

- A meeting is opened before anything is entered under it, opened once and closed once; a time entered wrongly is put
  right by recording the same again with when it happened (husregel 36).
- The chair of the body opens the meeting unless somebody else is named (L5). That somebody else did is recorded as
  found.
- Attendance may be entered before the opening and after the closing. Unknown is not absent. A departure of somebody
  who was never noted as present is recorded as found (husregel 37).
- A justerare is chosen among the representatives and approves the minutes together with the chair: two persons (L13).
  The one who leads the whole meeting is therefore refused (husregel 39 where no regulation says so); one who is noted
  as absent (husregel 38), or is no representative (L13), is recorded as found, and so are more than the rules speak
  of. Choosing again replaces.
- A meeting that is said to have closed before a reservation was made is recorded as found: it was made in time when it
  was entered (kommunallagen 4:27).
- No quorum is asked for: a council of this kind is not bound by those provisions (L9).
"""

from datetime import datetime
from typing import ClassVar, Literal, assert_never

from domain import grounds
from domain.body import Body
from domain.calling import CLERKS
from domain.errors import NotFound, Refused
from domain.lookup import day_of, known, news
from domain.meeting import Meeting
from domain.meeting_events import (
    AbsenceRecorded,
    ActingChairAppointed,
    Capacity,
    DepartureRecorded,
    JusterareElected,
    JusteringAgreed,
    MeetingAdjourned,
    MeetingClosed,
    MeetingOpened,
    MeetingResumed,
    Number,
    PresenceRecorded,
    SecretaryRecorded,
)
from domain.meeting_parts import Attendance
from domain.messages import Actor, Code, Command, Event, Finding, Id, Line, Moment, New, Role, World
from domain.sources import house
from domain.when import Truth, parse


class HoldingCommand(Command):
    """The base of the commands about a meeting that is held (sammanträde)."""

    STREAM: ClassVar[str] = "meeting"
    ROLES: ClassVar[frozenset[Role]] = CLERKS

    meeting: Id


class OpenMeeting(HoldingCommand):
    """Open the meeting; without a name the chair of the body opens it (öppna mötet)."""

    chair: Id | None = None


class RecordPresence(HoldingCommand):
    """Note that somebody is present, from an item on or from the beginning (närvarande)."""

    person: Id
    capacity: Capacity
    substitutes_for: Id | None = None
    from_item: Number | None = None
    distance: bool = False


class RecordDeparture(HoldingCommand):
    """Note that somebody left, after an item if it is known (lämnade mötet)."""

    person: Id
    after_item: Number | None = None


class RecordAbsence(HoldingCommand):
    """Note that somebody is absent, or that nobody knows (frånvarande, okänt)."""

    person: Id
    status: Literal["absent", "unknown"]


class AppointActingChair(HoldingCommand):
    """Note who leads the meeting, or some items, in the chair's place (tjänstgörande ordförande)."""

    person: Id
    from_item: Number | None = None
    to_item: Number | None = None
    reason: Line | None = None


class RecordSecretary(HoldingCommand):
    """Note who keeps the notes (sekreterare)."""

    person: Id


class ElectJusterare(HoldingCommand):
    """Note who was chosen to approve the minutes with the chair; choosing again replaces (val av justerare)."""

    person: Id
    office: Code = "justerare"
    item: Number | None = None


class SetJusteringPlace(HoldingCommand):
    """Note where and when the minutes will be approved (justeringens plats och tid)."""

    place: Line | None = None
    time: Moment | None = None


class AdjournMeeting(HoldingCommand):
    """Break the meeting off, to go on later (ajournera)."""

    until: Moment | None = None


class ResumeMeeting(HoldingCommand):
    """Go on with an adjourned meeting (återuppta)."""


class CloseMeeting(HoldingCommand):
    """End the meeting (avsluta mötet)."""


COMMANDS = (
    OpenMeeting,
    RecordPresence,
    RecordDeparture,
    RecordAbsence,
    AppointActingChair,
    RecordSecretary,
    ElectJusterare,
    SetJusteringPlace,
    AdjournMeeting,
    ResumeMeeting,
    CloseMeeting,
)


def decide(
    command: OpenMeeting
    | RecordPresence
    | RecordDeparture
    | RecordAbsence
    | AppointActingChair
    | RecordSecretary
    | ElectJusterare
    | SetJusteringPlace
    | AdjournMeeting
    | ResumeMeeting
    | CloseMeeting,
    world: World,
    _actor: Actor,
    now: datetime,
) -> list[New]:
    meeting = grounds.standing(world, command.meeting)
    grounds.whole_open(meeting, world)
    match command:
        case OpenMeeting():
            event: Event | None = _opened(command, meeting, world, now)
        case RecordPresence() | RecordDeparture() | RecordAbsence():
            event = _attendance(command, meeting, world)
        case AppointActingChair():
            event = _acting(command, meeting, world)
        case RecordSecretary():
            grounds.person_of(world, command.person)
            event = SecretaryRecorded(meeting=command.meeting, person=command.person)
        case ElectJusterare():
            event = _elected(command, meeting, world)
        case SetJusteringPlace():
            nothing = command.place is None and command.time is None
            agreed = JusteringAgreed(meeting=command.meeting, place=known(command.place), time=command.time)
            event = None if nothing else agreed
        case AdjournMeeting() | ResumeMeeting() | CloseMeeting():
            event = _course(command, meeting, world)
        case _:
            assert_never(command)
    return [] if event is None else news(Meeting, command.meeting, event)


def _opened(command: OpenMeeting, meeting: Meeting, world: World, now: datetime) -> MeetingOpened:
    if meeting.opened is not None and command.happened is None:
        raise Refused("already-opened", house(36), when=meeting.opened.text)
    grounds.person_of(world, command.chair)
    usual = world.get(Body, meeting.body).chair_at(day_of(command, now), world)
    chair = command.chair or meeting.opened_by or usual or None
    _two_persons(chair, meeting, world)
    rules = grounds.rules_of(meeting, world)
    findings: tuple[Finding, ...] = ()
    if rules and rules.get("chair") and usual and chair != usual:
        found = grounds.finding("opened-by-another", rules, "chair", "the chair", "somebody else")
        findings = (found,)
    return MeetingOpened(meeting=command.meeting, chair=chair, findings=findings)


def _attendance(
    command: RecordPresence | RecordDeparture | RecordAbsence, meeting: Meeting, world: World
) -> Event:
    grounds.person_of(world, command.person)
    match command:
        case RecordPresence():
            grounds.person_of(world, command.substitutes_for)
            _items(meeting, command.from_item)
            return PresenceRecorded(
                meeting=command.meeting,
                person=command.person,
                capacity=command.capacity,
                substitutes_for=command.substitutes_for,
                from_item=command.from_item,
                distance=command.distance,
            )
        case RecordDeparture():
            _items(meeting, command.after_item)
            findings: tuple[Finding, ...] = ()
            if meeting.attendance(command.person) is not Attendance.PRESENT:
                found = grounds.house_finding("left-without-presence", 37, "noted as present", "not noted")
                findings = (found,)
            return DepartureRecorded(
                meeting=command.meeting,
                person=command.person,
                after_item=command.after_item,
                findings=findings,
            )
        case RecordAbsence():
            return AbsenceRecorded(meeting=command.meeting, person=command.person, status=command.status)
        case _:
            assert_never(command)


def _items(meeting: Meeting, *items: int | None) -> None:
    for item in items:
        if item is not None and meeting.item(item) is None:
            raise NotFound("item", str(item))


def _acting(command: AppointActingChair, meeting: Meeting, world: World) -> ActingChairAppointed:
    grounds.person_of(world, command.person)
    _items(meeting, command.from_item, command.to_item)
    if command.from_item and command.to_item:
        if meeting.place_of(command.to_item) < meeting.place_of(command.from_item):
            first, last = meeting.number(command.from_item), meeting.number(command.to_item)
            raise Refused("items-out-of-order", house(32), first=first, last=last)
    elif command.from_item is None and command.to_item is None:
        _two_persons(command.person, meeting, world)
    return ActingChairAppointed(
        meeting=command.meeting,
        person=command.person,
        from_item=command.from_item,
        to_item=command.to_item,
        reason=known(command.reason),
    )


def _two_persons(chair: str | None, meeting: Meeting, world: World) -> None:
    """Whoever leads the whole meeting is not also its justerare."""
    if chair in meeting.justerare:
        source = grounds.source(grounds.rules_of(meeting, world), "signers", 39)
        raise Refused("chair-is-justerare", source)


def _elected(command: ElectJusterare, meeting: Meeting, world: World) -> JusterareElected:
    grounds.opened(meeting)
    grounds.person_of(world, command.person)
    _items(meeting, command.item)
    rules = grounds.rules_of(meeting, world)
    if command.person == meeting.led_by:
        raise Refused("chair-as-justerare", grounds.source(rules, "signers", 39))
    findings: list[Finding] = []
    if meeting.attendance(command.person) is Attendance.ABSENT:
        findings.append(grounds.house_finding("justerare-absent", 38, "present", "noted as absent"))
    rule = rules.justerare() if rules else None
    if rules and rule and rule.among:
        among = world.get(Body, meeting.body).counted_at(meeting.day, rule.among)
        if command.person not in among:
            found = ("justerare-not-among", rules, "justerare", f"one of the {rule.among}", "somebody else")
            findings.append(grounds.finding(*found))
    chosen = {*meeting.offices, command.office}
    if rules and rule and len(chosen) > rule.number:
        expected, observed = str(rule.number), str(len(chosen))
        findings.append(grounds.finding("justerare-too-many", rules, "justerare", expected, observed))
    return JusterareElected(
        meeting=command.meeting,
        person=command.person,
        office=command.office,
        item=command.item,
        findings=tuple(findings),
    )


def _course(
    command: AdjournMeeting | ResumeMeeting | CloseMeeting, meeting: Meeting, world: World
) -> MeetingAdjourned | MeetingResumed | MeetingClosed:
    grounds.opened(meeting)
    interrupted = bool(meeting.breaks) and meeting.breaks[-1].resumed is None
    if meeting.closed is not None and not (isinstance(command, CloseMeeting) and command.happened):
        raise Refused("already-closed", house(36), when=meeting.closed.text)
    match command:
        case AdjournMeeting():
            if interrupted:
                raise Refused("already-adjourned", house(36))
            return MeetingAdjourned(meeting=command.meeting, until=command.until)
        case ResumeMeeting():
            if not interrupted:
                raise Refused("not-adjourned", house(36))
            return MeetingResumed(meeting=command.meeting)
        case CloseMeeting():
            return MeetingClosed(meeting=command.meeting, findings=_reserved_later(command, meeting, world))
        case _:
            assert_never(command)


def _reserved_later(command: CloseMeeting, meeting: Meeting, world: World) -> tuple[Finding, ...]:
    """What is found if the meeting had closed before a reservation that was entered as made in time."""
    rules, closed = grounds.rules_of(meeting, world), parse(command.happened) if command.happened else None
    late = [one for one in meeting.reservations if closed and closed.is_before(one.made) is Truth.YES]
    if closed is None or rules is None or rules.get("dissent") is None or not late:
        return ()
    expected, observed = f"after {late[0].made.text}", closed.text
    return (grounds.finding("closed-before-reservation", rules, "dissent", expected, observed),)
