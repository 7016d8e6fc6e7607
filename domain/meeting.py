"""A meeting as its events add up: agenda, kallelse, who was there and when, what was said and decided.

- An item keeps its own number for ever (1, 2, 3 in the order of entry); what is printed is its place on the agenda. An
  item withdrawn before any kallelse leaves no gap; after one it keeps its place and is printed as withdrawn.
- Attendance is intervals of items. The last word about a person counts: an absence takes an earlier presence away, and
  a presence an earlier absence; a departure entered before its presence waits for it. What nobody entered is unknown.
- Who led an item is the last one appointed for it, else whoever led the whole meeting, else who opened it.
- Nothing is thrown away: earlier wordings of a decision and dissents taken back stay in the state.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar, Self, TypeVar, assert_never

from domain import meeting_events as e
from domain.meeting_parts import (
    ActingChair,
    Attendance,
    Begun,
    Break,
    Conflict,
    Decision,
    Dissent,
    Elected,
    Issue,
    Item,
    Justering,
    Noted,
    Postponement,
    Presence,
    Reservation,
    Said,
    Vote,
)
from domain.messages import Fact, Sealed, State
from domain.sources import Source
from domain.when import Happened

P = TypeVar("P", Noted, Presence)


@dataclass(frozen=True)
class Meeting(State):
    """A meeting of a body (sammanträde)."""

    STREAM: ClassVar[str] = "meeting"

    version: int = 0
    meeting: str = ""
    body: str = ""
    starts: str = ""
    ends: str | None = None
    place: Sealed | None = None
    title: Sealed | None = None
    matter: str | None = None
    demand: str | None = None
    cancelled: bool = False
    items: tuple[Item, ...] = ()
    order: tuple[int, ...] = ()
    paragraphs: Mapping[int, int] = field(default_factory=dict)  # by item
    issues: tuple[Issue, ...] = ()
    hinders: tuple[Noted, ...] = ()
    substitutes: tuple[tuple[str, str, int], ...] = ()  # hindered, substitute, version
    opened: Happened | None = None
    opened_version: int = 0
    opened_by: str | None = None
    presences: tuple[Presence, ...] = ()
    departures: tuple[tuple[str, int | None], ...] = ()  # entered before any presence
    absences: tuple[Noted, ...] = ()
    acting: tuple[ActingChair, ...] = ()
    secretary: Noted | None = None
    elected: tuple[Elected, ...] = ()
    justering: Justering | None = None
    breaks: tuple[Break, ...] = ()
    closed: Happened | None = None
    reports: tuple[Said, ...] = ()
    proposals: tuple[Said, ...] = ()
    statements: tuple[Said, ...] = ()
    decisions: tuple[Decision, ...] = ()
    dissents: tuple[Dissent, ...] = ()
    withdrawn: frozenset[int] = frozenset()  # proposals
    proposal_order: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # by item
    order_versions: Mapping[int, int] = field(default_factory=dict)
    votes: tuple[Vote, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    in_conflict: tuple[Conflict, ...] = ()
    abstentions: tuple[tuple[int, str, int], ...] = ()  # item, person, version
    postponed: tuple[Postponement, ...] = ()
    minutes: tuple[Begun, ...] = ()

    @property
    def exists(self) -> bool:
        return self.version > 0

    @property
    def day(self) -> date:
        """The meeting day, as planned or moved."""
        return date.fromisoformat(self.starts[:10])

    # --- the agenda
    def item(self, item: int) -> Item | None:
        return next((one for one in self.items if one.item == item), None)

    @property
    def agenda(self) -> tuple[Item, ...]:
        """The items that have a number, in printed order."""
        by_number = {one.item: one for one in self.items if one.numbered}
        return tuple(by_number[item] for item in self.order if item in by_number)

    def number(self, item: int) -> str:
        """The number that is printed for an item: its paragraph, or its place on the agenda; "" if it has none."""
        if item in self.paragraphs:
            return str(self.paragraphs[item])
        return next((str(n) for n, one in enumerate(self.agenda, 1) if one.item == item), "")

    def place_of(self, item: int) -> int:
        """Where an item stands in the order, counted from 0."""
        return self.order.index(item)

    def dealt_with(self, item: int) -> bool:
        """Whether the meeting came to an item, or anything was noted under it."""
        said = {one.item for one in (*self.reports, *self.proposals, *self.statements)}
        said |= {one.item for one in self.decisions} | {one.item for one in self.dissents}
        said |= {one.event.item for one in self.votes} | {one.item for one in self.in_conflict}
        said |= {one.item for one in self.postponed} | {where for where, _, _ in self.abstentions}
        return item in said or any(one.item == item and one.taken_up for one in self.items)

    # --- people
    @property
    def led_by(self) -> str | None:
        """Who led the whole meeting, if known."""
        whole = [one.person for one in self.acting if one.whole]
        return whole[-1] if whole else self.opened_by

    def chair_of(self, item: int) -> str | None:
        """Who led an item, if known."""
        here = self.place_of(item)
        for one in reversed(self.acting):
            after = one.from_item is None or self.place_of(one.from_item) <= here
            before = one.to_item is None or here <= self.place_of(one.to_item)
            if not one.whole and after and before:
                return one.person
        return self.led_by

    @property
    def offices(self) -> dict[str, Elected]:
        """The justerare now chosen, by their office."""
        return {one.office: one for one in self.elected}

    @property
    def justerare(self) -> tuple[str, ...]:
        """The persons now chosen justerare."""
        return tuple(one.person for one in self.offices.values())

    def attendance(self, person: str) -> Attendance:
        """Whether somebody took part at some time."""
        if any(one.person == person for one in self.presences) or person == self.led_by:
            return Attendance.PRESENT
        if any(one.person == person and one.status == "absent" for one in self.absences):
            return Attendance.ABSENT
        return Attendance.UNKNOWN

    def present_at(self, one: Presence, item: int) -> bool:
        """Whether an interval of presence takes in an item."""
        came = one.from_item is None or self.place_of(one.from_item) <= self.place_of(item)
        stayed = (
            not one.left or one.after_item is None or self.place_of(item) <= self.place_of(one.after_item)
        )
        return came and stayed

    def attendance_at(self, person: str, item: int) -> Attendance:
        """Whether somebody took part in an item, as far as it was noted."""
        mine = [one for one in self.presences if one.person == person]
        if not mine:
            return self.attendance(person)
        if not any(self.present_at(one, item) for one in mine):
            return Attendance.ABSENT
        return Attendance.PRESENT

    @property
    def conflicts(self) -> dict[tuple[int, str], Source]:
        """Who has a conflict of interest in which item, and the rule that keeps them out."""
        return {(one.item, one.person): one.source for one in self.in_conflict}

    def may_vote(self, person: str, item: int) -> bool:
        """Whether somebody present is a member, or a substitute in somebody's place, without a conflict of interest."""
        if (item, person) in self.conflicts:
            return False
        mine = [one for one in self.presences if one.person == person and self.present_at(one, item)]
        return not mine or any(
            one.capacity == "member" or (one.capacity == "substitute" and one.substitutes_for is not None)
            for one in mine
        )

    def voters(self, item: int) -> frozenset[str]:
        """Those noted as present who may vote in an item, the one who leads it among them."""
        here = {one.person for one in self.presences if self.present_at(one, item)}
        leads = self.chair_of(item)
        return frozenset(one for one in here | ({leads} if leads else set()) if self.may_vote(one, item))

    def acted_in(self, item: int, person: str) -> bool:
        """Whether somebody proposed, voted or made a reservation under an item."""
        said = any((one.item, one.person) == (item, person) for one in self.proposals)
        voted = any(
            one.event.item == item and person in [ballot.person for ballot in one.event.ballots]
            for one in self.votes
        )
        return (
            said or voted or any((one.item, one.participant) == (item, person) for one in self.reservations)
        )

    # --- folding
    def evolve(self, fact: Fact) -> Self:
        event, at = fact.event, fact.version
        if not isinstance(event, e.EVENTS):
            return self
        return self._fold(event, fact)._with(version=at)

    def _change(self, item: int, **changes: Any) -> Self:
        return self._with(
            items=tuple(replace(one, **changes) if one.item == item else one for one in self.items)
        )

    def _fold(self, event: e.EVENTS, fact: Fact) -> Self:
        at = fact.version
        match event:
            case e.MeetingScheduled():
                return self._with(
                    meeting=event.meeting,
                    body=event.body,
                    starts=event.starts,
                    ends=event.ends,
                    place=event.place,
                    title=event.title,
                    matter=event.matter,
                    demand=event.demand,
                )
            case e.MeetingMoved():
                return self._with(starts=event.starts, ends=event.ends, place=event.place or self.place)
            case e.MeetingCancelled():
                return self._with(cancelled=True)
            case e.ItemAdded():
                added = Item(
                    item=event.item,
                    version=at,
                    title=event.title,
                    parts=event.parts,
                    matter=event.matter,
                    presenter=event.presenter,
                    starts=event.starts,
                    documents=event.documents,
                    standing=event.standing,
                    late=event.late,
                )
                return self._with(items=(*self.items, added), order=(*self.order, event.item))
            case e.ItemChanged():
                names = ("title", "matter", "presenter", "starts", "documents")
                set_to = {name: getattr(event, name) for name in names if getattr(event, name) is not None}
                return self._change(event.item, **set_to | dict.fromkeys(event.removed))
            case e.ItemWithdrawn():
                return self._change(event.item, withdrawn=at, withdrawn_reason=event.reason)
            case e.ItemMarkedSecret():
                return self._change(event.item, secrecy=event.mark, marked=at)
            case e.ItemSecrecyLifted():
                return self._change(event.item, secrecy=None, marked=0)
            case e.ItemsOrdered():
                others = tuple(item for item in self.order if item not in event.order)
                return self._with(order=(*event.order, *others))
            case e.ItemsNumbered():
                given = {one.item: one.paragraph for one in event.paragraphs}
                return self._with(paragraphs={**self.paragraphs, **given})
            case e.KallelseIssued():
                return self._issued(event, at)
            case e.NoticeReasonGiven():
                return self._with(
                    issues=tuple(
                        replace(one, reason=event.reason, reason_version=at)
                        if one.issue == event.issue
                        else one
                        for one in self.issues
                    )
                )
            case e.HinderNotified():
                return self._with(hinders=(*_without(self.hinders, event.person), Noted(event.person, at)))
            case e.SubstituteCalled():
                called = (event.hindered, event.substitute, at)
                return self._with(substitutes=(*self.substitutes, called))
            case e.MeetingOpened():
                return self._with(opened=fact.happened, opened_version=at, opened_by=event.chair)
            case e.PresenceRecorded():
                return self._present(event, at)
            case e.DepartureRecorded():
                return self._departed(event)
            case e.AbsenceRecorded():
                return self._with(
                    presences=_without(self.presences, event.person),
                    departures=tuple(one for one in self.departures if one[0] != event.person),
                    absences=(*_without(self.absences, event.person), Noted(event.person, at, event.status)),
                )
            case e.ActingChairAppointed():
                acting = ActingChair(event.person, at, event.from_item, event.to_item, event.reason)
                return self._with(acting=(*self.acting, acting))
            case e.SecretaryRecorded():
                return self._with(secretary=Noted(event.person, at))
            case e.JusterareElected():
                kept = tuple(one for one in self.elected if one.office != event.office)
                return self._with(elected=(*kept, Elected(event.person, at, event.office, event.item)))
            case e.JusteringAgreed():
                return self._with(justering=Justering(at, event.place, event.time))
            case e.MeetingAdjourned():
                return self._with(breaks=(*self.breaks, Break(at, fact.happened, event.until)))
            case e.MeetingResumed():
                resumed = tuple(replace(one, resumed=fact.happened) for one in self.breaks[-1:])
                return self._with(breaks=(*self.breaks[:-1], *resumed))
            case e.MeetingClosed():
                return self._with(closed=fact.happened)
            case e.ItemTakenUp():
                return self._change(event.item, taken_up=True)
            case e.ReportRecorded():
                said = Said(event.report, at, event.item, event.text, event.by, event.organisation)
                return self._with(reports=(*self.reports, said))
            case e.ProposalMade():
                said = Said(
                    event.proposal,
                    at,
                    event.item,
                    event.text,
                    event.proposer,
                    of_proposal=event.of_proposal,
                    proposal_version=event.version,
                )
                return self._with(proposals=(*self.proposals, said))
            case e.DecisionRecorded():
                decision = Decision(
                    event.decision,
                    at,
                    event.item,
                    event.points,
                    event.adopts,
                    event.dispatch,
                    event.verbs,
                    event.of_proposal,
                    event.version,
                    event.may_adopt,
                    event.effective,
                )
                return self._with(decisions=(*self.decisions, decision))
            case e.DecisionRevised():
                return self._with(
                    decisions=tuple(
                        replace(
                            one,
                            version=at,
                            points=event.points,
                            verbs=event.verbs,
                            earlier=(*one.earlier, one.points),
                        )
                        if one.number == event.decision
                        else one
                        for one in self.decisions
                    )
                )
            case e.DissentRecorded():
                dissent = Dissent(event.dissent, at, event.item, event.participant, event.view)
                return self._with(dissents=(*self.dissents, dissent))
            case e.DissentRetracted():
                return self._with(
                    dissents=tuple(
                        replace(one, retracted=True) if one.number == event.dissent else one
                        for one in self.dissents
                    )
                )
            case e.StatementAttached():
                said = Said(event.statement, at, event.item, event.text, event.participant)
                return self._with(statements=(*self.statements, said))
            case e.MemberAbstained():
                return self._with(abstentions=(*self.abstentions, (event.item, event.person, at)))
            case e.ProposalWithdrawn():
                return self._with(withdrawn=self.withdrawn | {event.proposal})
            case e.ProposalsOrdered():
                return self._with(
                    proposal_order={**self.proposal_order, event.item: event.order},
                    order_versions={**self.order_versions, event.item: at},
                )
            case e.VoteRecorded():
                return self._with(votes=(*self.votes, Vote(at, event)))
            case e.ReservationRecorded():
                made = Reservation(
                    event.reservation, at, event.item, event.participant, event.text, fact.happened
                )
                return self._with(reservations=(*self.reservations, made))
            case e.ConflictOfInterestNoted():
                source = Source(event.source.document, event.source.section, event.source.fact)
                conflict = Conflict(at, event.item, event.person, event.left, event.ground, source)
                return self._with(in_conflict=(*self.in_conflict, conflict))
            case e.ItemPostponed():
                kept_items = tuple(one for one in self.postponed if one.item != event.item)
                put_off = Postponement(at, event.item, event.to_meeting, event.reason)
                return self._with(postponed=(*kept_items, put_off))
            case e.MinutesBegun():
                return self._with(minutes=(*self.minutes, Begun(event.minutes, event.covers, event.rest)))
            case _:
                assert_never(event)

    def _issued(self, event: e.KallelseIssued, at: int) -> Self:
        issue = Issue(
            issue=event.issue,
            version=at,
            sent_on=event.sent_on,
            meeting_day=event.meeting_day,
            days=event.days,
            recipients=event.recipients,
            short=any(one.finding == "notice-short" for one in event.findings),
            reason_wanted=event.reason_wanted,
        )
        sent = {entry.item for entry in event.agenda}
        items = tuple(replace(one, called=True) if one.item in sent else one for one in self.items)
        return self._with(issues=(*self.issues, issue), items=items)

    def _present(self, event: e.PresenceRecorded, at: int) -> Self:
        mine = [one for one in self.presences if one.person == event.person]
        back = bool(mine) and mine[-1].left and event.from_item is not None  # left, and came back
        waiting = [one for one in self.departures if one[0] == event.person]
        here = Presence(
            person=event.person,
            version=at,
            capacity=event.capacity,
            substitutes_for=event.substitutes_for,
            from_item=event.from_item,
            distance=event.distance,
            left=bool(waiting),
            after_item=waiting[-1][1] if waiting else None,
        )
        kept = self.presences if back else _without(self.presences, event.person)
        return self._with(
            presences=(*kept, here),
            departures=tuple(one for one in self.departures if one[0] != event.person),
            absences=_without(self.absences, event.person),
        )

    def _departed(self, event: e.DepartureRecorded) -> Self:
        last = max((n for n, one in enumerate(self.presences) if one.person == event.person), default=None)
        if last is None:
            return self._with(departures=(*self.departures, (event.person, event.after_item)))
        gone = replace(self.presences[last], left=True, after_item=event.after_item)
        return self._with(presences=(*self.presences[:last], gone, *self.presences[last + 1 :]))


def _without(noted: Iterable[P], person: str) -> tuple[P, ...]:
    return tuple(one for one in noted if one.person != person)
