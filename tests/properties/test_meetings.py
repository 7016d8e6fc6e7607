"""Whatever is asked of a meeting and its minutes, in whatever order, some things are always so.

- The chair is never the justerare, and an office's approvals are all for the newest version.
- Minutes are sealed only when every office has approved the same version, by different persons.
- No dissent is lost: one that was not taken back stands in every version that can still be signed, and in every version
  that was approved, if the version covers its item.
- An item stands in one set of approved minutes at most.
- Deciding is a function, and folding never fails, whatever events are missing or come twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.approving import BeginSigning, NoteDisagreement, ReplaceSigner
from domain.calling import AddItem, CancelMeeting, ChangeItem, MoveMeeting, OrderItems, WithdrawItem
from domain.deliberating import (
    MakeProposal,
    PostponeItem,
    RecordAbstention,
    RecordDecision,
    RecordDissent,
    RetractDissent,
    ReviseDecision,
    TakeUpItem,
)
from domain.drafting import CirculateMinutes, CorrectMinutes, DraftMinutes, EditMinutes, Entry, RedraftMinutes
from domain.holding import (
    AdjournMeeting,
    AppointActingChair,
    CloseMeeting,
    ElectJusterare,
    OpenMeeting,
    RecordAbsence,
    RecordDeparture,
    RecordPresence,
    RecordSecretary,
    ResumeMeeting,
)
from domain.kallelse import NotifyHinder
from domain.meeting import Meeting
from domain.messages import Command, Fact, Role
from domain.minutes import Minutes
from domain.versions import stale
from tests.council import (
    CHAIR,
    EXPERT,
    GUEST,
    MEETING,
    MINUTES,
    POLICE,
    RESCUE,
    SECRETARY,
    VICE,
    Session,
    approve,
    kallelse,
    pin,
    seal,
)
from tests.given import ident

PEOPLE = st.sampled_from([CHAIR, VICE, POLICE, RESCUE, EXPERT, GUEST])
ITEMS = st.integers(1, 7)
MAYBE = st.none() | ITEMS
PAPERS = [MINUTES, ident(0xF1), ident(0xF2)]
OFFICES = st.sampled_from(["chair", "chair-2", "justerare", "secretary"])
WORDS = st.sampled_from(["Ja", "Nej", "Kanske"])
WHEN = st.sampled_from([None, "2024-03-12T13:00", "mars 2024"])
HERE = st.just(MEETING)
VERSIONS = st.integers(1, 4)


def of(command: type[Command], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Command]:
    return st.fixed_dictionaries({"meeting": HERE, **fields}).map(command.model_validate)


def about(command: type[Command], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Command]:
    return st.fixed_dictionaries({"minutes": st.sampled_from(PAPERS), **fields}).map(command.model_validate)


MEETINGS = st.one_of(
    of(AddItem, title=WORDS),
    of(ChangeItem, item=ITEMS, title=WORDS),
    of(WithdrawItem, item=ITEMS),
    of(OrderItems, order=st.permutations([1, 2, 3, 4]) | st.permutations([1, 2, 3, 4, 5])),
    of(MoveMeeting, starts=st.just("2024-03-13T09:00")),
    of(NotifyHinder, person=PEOPLE),
    st.builds(kallelse, PEOPLE),
    of(OpenMeeting, chair=st.none() | PEOPLE, happened=WHEN),
    of(RecordPresence, person=PEOPLE, capacity=st.sampled_from(["member", "guest"]), from_item=MAYBE),
    of(RecordDeparture, person=PEOPLE, after_item=MAYBE),
    of(RecordAbsence, person=PEOPLE, status=st.sampled_from(["absent", "unknown"])),
    of(AppointActingChair, person=PEOPLE, from_item=MAYBE, to_item=MAYBE),
    of(ElectJusterare, person=PEOPLE, office=st.sampled_from(["justerare", "justerare-2"])),
    of(RecordSecretary, person=PEOPLE),
    of(AdjournMeeting),
    of(ResumeMeeting),
    of(CloseMeeting, happened=WHEN),
)
TALK = st.one_of(
    of(TakeUpItem, item=ITEMS),
    of(MakeProposal, item=ITEMS, text=WORDS),
    of(RecordDecision, item=ITEMS, points=st.lists(WORDS, min_size=1, max_size=2)),
    of(ReviseDecision, item=ITEMS, decision=VERSIONS, points=st.just(["Annat"]), reason=WORDS),
    of(RecordDissent, item=ITEMS, participant=PEOPLE, view=WORDS),
    of(RetractDissent, item=ITEMS, dissent=VERSIONS),
    of(RecordAbstention, item=ITEMS, person=PEOPLE),
    of(PostponeItem, item=ITEMS),
)
PAPER = st.one_of(
    st.builds(
        DraftMinutes,
        minutes=st.sampled_from(PAPERS),
        meeting=HERE,
        covers=st.none() | st.lists(ITEMS, min_size=1, max_size=3),
    ),
    about(EditMinutes, base=VERSIONS, texts=st.dictionaries(st.sampled_from("0124"), WORDS, min_size=1)),
    about(ReplaceSigner, office=OFFICES, person=PEOPLE, reason=WORDS),
    about(
        NoteDisagreement,
        exit=st.sampled_from(["both-versions", "finished-without-approval"]),
        versions=st.just([1]),
        reason=WORDS,
    ),
    about(
        CorrectMinutes,
        corrects=st.sampled_from(PAPERS),
        entries=st.just([Entry(original="a", corrected="b")]),
    ),
)
Step = Callable[["Try"], None]


class Try:
    """A session that goes on after a refusal, and looks at what must always be so."""

    def __init__(self, twice: bool = False) -> None:
        self.session, self.twice = Session().scheduled(), twice

    def ask(self, command: Command, who: str = SECRETARY, role: Role = Role.SECRETARY) -> None:
        outcome = self.session.ask(command, who, role)
        if self.twice:
            assert outcome.news == self.session.ask(command, who, role).news
        if outcome.error is None and outcome.news:
            self.session.scenario = outcome.saved()
            self.look()

    def begun(self) -> list[Minutes]:
        found = [self.session.minutes(minutes) for minutes in PAPERS]
        return [one for one in found if one.exists]

    def look(self) -> None:
        meeting, world = self.session.meeting(), self.session.scenario.world
        if meeting.led_by is not None:
            assert meeting.led_by not in meeting.justerare
        settled: list[int] = []
        for one in self.begun():
            newest = one.newest
            assert {approval.version for approval in one.approvals} <= {newest.version}
            people = [approval.person for approval in one.approvals]
            assert len(set(people)) == len(people)
            if one.sealed is not None:
                assert one.sealed.version == newest.version
                assert one.approved_by.keys() == {signer.office for signer in newest.signers}
            settled += one.approved_items
            if one.kind == "minutes" and (one.approved or one.sealed or not stale(one, world)):
                self.dissents_stand(meeting, one)
        assert len(set(settled)) == len(settled)

    def dissents_stand(self, meeting: Meeting, minutes: Minutes) -> None:
        printed = {one.ref_version for one in minutes.newest.statements if one.kind == "dissent"}
        owed = {
            one.version
            for one in meeting.dissents
            if not one.retracted and one.item in minutes.covers and meeting.number(one.item)
        }
        assert owed == printed


def sign(number: int, office: str, refresh: bool = True) -> Step:
    """What somebody who signs sets off: the version is sent round, pinned and signed; refreshed first, or as it is."""

    def step(tried: Try) -> None:
        for one in tried.begun()[number : number + 1]:
            if refresh:
                tried.ask(RedraftMinutes(minutes=one.minutes, base=one.newest.version))
            version = tried.session.minutes(one.minutes).newest.version
            tried.ask(CirculateMinutes(minutes=one.minutes, version=version, recipients=[CHAIR]))
            tried.ask(pin(one.minutes, version), "system", Role.SYSTEM)
            signer = tried.session.minutes(one.minutes).signer(office)
            if signer is not None and signer.person is not None:
                signing = ident(0x5000 + tried.session.scenario.world.position)
                begin = BeginSigning(minutes=one.minutes, version=version, office=office, signing=signing)
                tried.ask(begin, signer.person, Role.CHAIR)
                tried.ask(approve(one.minutes, version, office, signing), "system", Role.SYSTEM)

    return step


def approves(number: int) -> Step:
    """Both who approve sign."""

    def step(tried: Try) -> None:
        for office in ("chair", "justerare"):
            sign(number, office)(tried)

    return step


def edits(number: int) -> Step:
    def step(tried: Try) -> None:
        for one in tried.begun()[number : number + 1]:
            texts: dict[str, str | None] = {"0": str(one.newest.version)}
            tried.ask(EditMinutes(minutes=one.minutes, base=one.newest.version, texts=texts))

    return step


def seals(number: int) -> Step:
    def step(tried: Try) -> None:
        for one in tried.begun()[number : number + 1]:
            tried.ask(seal(one.minutes, one.newest.version), "system", Role.SYSTEM)

    return step


def asks(command: Command) -> Step:
    return lambda tried: tried.ask(command)


NUMBERS = st.integers(0, 2)
ANYTHING = st.one_of(
    MEETINGS.map(asks),
    TALK.map(asks),
    PAPER.map(asks),
    st.builds(sign, NUMBERS, OFFICES),
    st.builds(seals, NUMBERS),
)
OPENING: tuple[Command, ...] = (
    OpenMeeting(meeting=MEETING),
    ElectJusterare(meeting=MEETING, person=POLICE),
    DraftMinutes(minutes=MINUTES, meeting=MEETING),
)
# Few people and items, and steps that mostly succeed: the ways in which an approval could go wrong.
FEW = st.sampled_from([CHAIR, VICE])
NEAR = st.integers(1, 2)
BOTH = st.integers(0, 1)
SIGNED = st.sampled_from(["chair", "justerare"])
DISSENTS = of(RecordDissent, item=NEAR, participant=FEW, view=WORDS).map(asks)
DRAFTS = st.builds(
    DraftMinutes, minutes=st.just(PAPERS[1]), meeting=HERE, covers=st.just([1]) | st.just([1, 2])
)
APPROVING = st.one_of(
    st.builds(sign, BOTH, SIGNED, st.booleans()),
    st.builds(sign, st.just(0), SIGNED, st.just(False)),
    st.builds(sign, st.just(0), SIGNED, st.just(False)),
    st.builds(approves, BOTH),
    st.builds(edits, BOTH),
    st.builds(seals, BOTH),
    DISSENTS,
    DISSENTS,
    DRAFTS.map(asks),
    of(RetractDissent, item=NEAR, dissent=NEAR).map(asks),
    st.one_of(
        of(ElectJusterare, person=FEW),
        of(AppointActingChair, person=st.sampled_from([VICE, POLICE])),
        of(OpenMeeting, chair=st.sampled_from([VICE, POLICE]), happened=st.just("2024-03-12T13:00")),
        st.builds(ReplaceSigner, minutes=st.just(MINUTES), office=SIGNED, person=FEW, reason=WORDS),
    ).map(asks),
)


def run(opening: tuple[Command, ...], steps: list[Step], twice: bool) -> None:
    tried = Try(twice)
    for command in opening:
        tried.ask(command)
    for step in steps:
        step(tried)


@for_all(st.booleans(), st.lists(ANYTHING, max_size=20))
def test_what_is_always_so(underway: bool, steps: list[Step]) -> None:
    run(OPENING if underway else (), steps, twice=True)


@settings(max_examples=2 * settings().max_examples)
@for_all(st.lists(APPROVING, min_size=3, max_size=9))
def test_what_is_always_so_about_approvals(steps: list[Step]) -> None:
    run(OPENING, steps, twice=False)


def test_the_steps_reach_the_seal() -> None:
    tried = Try()
    for command in OPENING:
        tried.ask(command)
    tried.ask(RecordDissent(meeting=MEETING, item=4, participant=VICE, view="Nej"))
    for step in (sign(0, "chair"), sign(0, "justerare"), seals(0)):
        step(tried)
    assert tried.begun()[0].sealed is not None
    assert "dissent" in {one.kind for one in tried.begun()[0].newest.statements}


def test_a_cancelled_meeting_takes_nothing_more() -> None:
    tried = Try()
    tried.ask(CancelMeeting(meeting=MEETING))
    before = tried.session.scenario.world.position
    for command in OPENING:
        tried.ask(command)
    assert tried.session.scenario.world.position == before


# --- folding
def history() -> list[Fact]:
    """A long life of one meeting and its minutes."""
    tried = Try()
    commands: tuple[Command, ...] = (
        kallelse(CHAIR),
        NotifyHinder(meeting=MEETING, person=RESCUE),
        *OPENING,
        RecordPresence(meeting=MEETING, person=VICE, capacity="member"),
        RecordDeparture(meeting=MEETING, person=VICE, after_item=2),
        RecordDeparture(meeting=MEETING, person=GUEST),
        RecordAbsence(meeting=MEETING, person=RESCUE, status="absent"),
        AppointActingChair(meeting=MEETING, person=VICE, from_item=2),
        AdjournMeeting(meeting=MEETING),
        ResumeMeeting(meeting=MEETING),
        RecordDecision(meeting=MEETING, item=1, points=["Ja"]),
        ReviseDecision(meeting=MEETING, item=1, decision=1, points=["Nej"], reason="Hörfel"),
        RecordDissent(meeting=MEETING, item=1, participant=VICE, view="Nej"),
        RetractDissent(meeting=MEETING, item=1, dissent=1),
        WithdrawItem(meeting=MEETING, item=4),
        CloseMeeting(meeting=MEETING),
    )
    for command in commands:
        tried.ask(command)
    for step in (sign(0, "chair"), asks(EditMinutes(minutes=MINUTES, base=2, texts={"0": "x"}))):
        step(tried)
    for office in ("chair", "chair-2", "justerare"):
        sign(0, office)(tried)
    seals(0)(tried)
    log = tried.session.scenario.world.log()
    return [one for one in log if one.stream.startswith(("meeting-", "minutes-"))]


HISTORY = history()


@settings(max_examples=100)
@for_all(st.lists(st.sampled_from(HISTORY), max_size=40))
def test_folding_is_total(facts: list[Fact]) -> None:
    meeting, minutes = Meeting(), Minutes()
    for version, one in enumerate(facts, 1):
        meeting = meeting.evolve(replace(one, version=version))
        minutes = minutes.evolve(replace(one, version=version))
    assert meeting.version == max(
        (n for n, one in enumerate(facts, 1) if one.event.STREAM == "meeting"), default=0
    )
    assert isinstance(meeting.justerare, tuple)
    assert isinstance(minutes.settled if minutes.versions else (), bool | tuple)


def test_the_history_reaches_far() -> None:
    topics = {one.event.TOPIC for one in HISTORY}
    assert {"minutes-sealed.v1", "approvals-voided.v1", "dissent-retracted.v1", "meeting-closed.v1"} <= topics
