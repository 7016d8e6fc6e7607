"""Further councils, each a profile and nothing else: a year of each is played through a real registry.

- A council of seniors, invented: two justerare, ten working days' notice, a third may ask for a meeting, one meeting a
  quarter, the programme due in December and the evaluation in February.
- A committee under kommunallagen, whose own rules say only what the act leaves open.
- What the profile forbids is refused, what it asks for and does not get is found or overdue, and what it does not speak
  of passes. No line of the program knows either of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import pytest
import sqlalchemy as sa

from api.profiles import beside, check
from domain.afterwards import SendMinutes, SendNotification
from domain.approving import BeginSigning
from domain.body_events import DemandJoined, MeetingDemanded
from domain.calling import AddItem, Handling, ScheduleMeeting
from domain.constituting import AdoptRegulation, CoOpt, ElectViceChair, EstablishBody, GiveMandate
from domain.deliberating import MakeProposal, RecordDecision, RecordDissent
from domain.demanding import DemandMeeting, JoinDemand
from domain.drafting import CirculateMinutes, DraftMinutes
from domain.fulfilling import RecordOccasion
from domain.holding import (
    CloseMeeting,
    ElectJusterare,
    OpenMeeting,
    RecordAbsence,
    RecordPresence,
    RecordSecretary,
)
from domain.kallelse import Addressee, CallSubstitute, IssueKallelse
from domain.messages import Role
from domain.minutes import Minutes
from domain.paragraphs import NumberItems
from domain.planning import BeginInstrument, MakeInstrumentVersion, RecordInstrumentDecision
from domain.readings import Decided
from domain.report import SendReport, WriteReport
from domain.voting import BallotGiven, RecordConflictOfInterest, RecordReservation, RecordVote
from projections.owed import owed
from projections.review import review
from projections.runner import Projector
from tests import council as c
from tests.given import CET, Outcome, ident
from tests.log_session import LogSession, Reached

TEXTS = {one.stem: one.read_text("utf-8") for one in (Path(__file__).parent / "profiles").glob("*.toml")}
BODY, ABOVE = ident(0xC1), ident(0xC2)
FREE = [date(2025, 4, 18), date(2025, 4, 21), date(2025, 5, 1), date(2025, 5, 29), date(2025, 6, 6)]


class Council(LogSession):
    """A body that the register knows by its profile, and what its year brings."""

    def __init__(self, folder: Path, profile: str, above: str, members: tuple[str, ...]) -> None:
        super().__init__(folder, Reached())
        text = TEXTS[profile]
        self.on("2025-01-08T09:00")
        self.do(EstablishBody(body=BODY, name=profile.capitalize(), kind="rad", parent=above))
        self.do(
            AdoptRegulation(
                body=BODY, adopted_on=date(2024, 11, 20), valid_from=date(2025, 1, 1), profile=text,
                part=profile, rests_on=beside(text), non_working_days=FREE,
            )
        )  # fmt: skip
        for person in members:
            seat = "ordforande" if person == c.CHAIR else "ledamot"
            self.do(GiveMandate(body=BODY, person=person, seat=seat, valid_from=date(2025, 1, 1)))
        self.members = members

    def on(self, moment: str) -> Self:
        self.now = datetime.fromisoformat(moment).replace(tzinfo=CET)
        return self

    def substitute(self, person: str, of: str | None = None) -> None:
        give: Any = {"body": BODY, "seat": "ersattare", "capacity": "substitute", "substitutes_for": of}
        self.do(GiveMandate(**give, person=person, valid_from=date(2025, 1, 1)))

    # --- a meeting
    def scheduled(self, starts: str, sent: str, **more: Any) -> str:  # type: ignore[override]  # of one meeting of several
        """A meeting, called on a day; gives its id and keeps what was found."""
        meeting = ident(int(starts[:10].replace("-", "")))
        self.on(f"{sent}T10:00")
        self.do(ScheduleMeeting(meeting=meeting, body=BODY, starts=starts, place="Torget 1", **more))
        self.do(AddItem(meeting=meeting, title="Årets frågor"))
        return meeting

    def called(self, meeting: str, *others: str) -> list[str]:  # type: ignore[override]  # of one meeting of several
        recipients = [Addressee(person=one) for one in (*self.members, *others)]
        return found(self.do(IssueKallelse(meeting=meeting, recipients=recipients)))

    def opened(self, meeting: str, *absent: str) -> Self:  # type: ignore[override]  # of one meeting of several
        self.on(f"{self.meeting(meeting).starts}")
        self.do(OpenMeeting(meeting=meeting), RecordSecretary(meeting=meeting, person=c.SECRETARY))
        for person in self.members:
            here = RecordPresence(meeting=meeting, person=person, capacity="member")
            gone = RecordAbsence(meeting=meeting, person=person, status="absent")
            self.do(gone if person in absent else here)
        return self

    def decided(self, meeting: str, item: int) -> list[str]:
        return found(self.do(RecordDecision(meeting=meeting, item=item, points=["Bifall."])))

    def drafted(self, meeting: str) -> str:  # type: ignore[override]  # of one meeting of several
        """Closed an hour and a half later, written, circulated, and its print pinned; gives the minutes' id."""
        minutes = meeting.replace("0", "f", 1)
        self.later(hours=1).do(CloseMeeting(meeting=meeting), DraftMinutes(minutes=minutes, meeting=meeting))
        self.do(CirculateMinutes(minutes=minutes, version=1, recipients=[c.CHAIR]))
        self.pinned(minutes)
        return minutes

    def approves(self, minutes: str, office: str) -> list[str]:
        state = self.scenario.world.get(Minutes, minutes)
        signer = state.signer(office)
        assert signer is not None and signer.person is not None
        signing = ident(0x5000 + self.scenario.world.position)
        begin = BeginSigning(minutes=minutes, version=1, office=office, signing=signing)
        self.do(begin, who=signer.person, role=Role.JUSTERARE)
        return found(self.system(c.approve(minutes, 1, office, signing)))

    def sealed(self, minutes: str) -> Self:  # type: ignore[override]  # of one meeting of several
        self.system(c.seal(minutes))
        return self


def found(outcome: Outcome) -> list[str]:
    """What was found, with what was expected and observed."""
    return [
        f"{one.finding}: {one.expected}, {one.observed}"
        for new in outcome.news
        for one in getattr(new.event, "findings", ())
    ]


class Told:
    """What a played year comes to: its obligations and its review."""

    def __init__(self, council: Council) -> None:
        self._council = council
        self._views = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        Projector(council.registry, self._views).catch_up()

    def asked(self, day: str, *rules: str) -> dict[str, str]:
        listed = owed(self._council.registry, self._views, date.fromisoformat(day), None, [BODY])
        return {
            one.id.partition("/")[2]: f"{one.state} {one.reason}".strip() + (" late" if one.late else "")
            for one in listed
            if one.rule.id in rules
        }

    def reviewed(self, year: int, day: str) -> set[str]:
        lines = review(self._council.registry, self._views, BODY, year, date.fromisoformat(day))
        return {f"{one.day} {one.step} {code}" for one in lines for code in one.finding}

    def close(self) -> None:
        self._views.dispose()
        self._council.look()
        self._council.close()


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_further_council_is_a_profile_without_fault(name: str) -> None:
    faults, bodies = check(TEXTS[name])
    assert faults == ()
    assert bodies[name] > 10


# --- the seniors
SENIORS = (c.CHAIR, c.VICE, c.POLICE, c.RESCUE, c.EXPERT, c.GUEST)
SPRING, MAY, WINTER = "2025-02-20T13:00", "2025-05-13T13:00", "2025-12-04T13:00"


@pytest.fixture(scope="module")
def seniors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    s = Council(tmp_path_factory.mktemp("seniors"), "seniorradet", c.BOARD, SENIORS)
    s.substitute(c.SUBSTITUTE, c.RESCUE)
    s.refuse(
        ElectViceChair(body=BODY, person=c.SUBSTITUTE, valid_from=date(2025, 1, 8)), "vice-chair-from-within"
    )
    s.do(ElectViceChair(body=BODY, person=c.VICE, valid_from=date(2025, 1, 8)))

    expert: Any = {"body": BODY, "person": c.STRANGER, "organisation": "Regionen", "seat": "region"}
    co_opt = CoOpt(**expert, valid_from=date(2025, 1, 8))
    s.refuse(co_opt, "not-found")
    co_opt = co_opt.model_copy(update={"person": c.SECRETARY})
    s.refuse(co_opt, "co-opted-by-another", who=c.CHAIR, role=Role.CHAIR)
    s.do(co_opt)

    # The first quarter: everything as it should be.
    first = s.scheduled(SPRING, "2025-02-05")
    assert s.called(first, c.SUBSTITUTE) == []
    assert found(s.ask(CallSubstitute(meeting=first, hindered=c.RESCUE, substitute=c.SUBSTITUTE))) == []
    s.opened(first, c.RESCUE, c.EXPERT, c.GUEST, c.POLICE)
    assert s.decided(first, 3) == [], "no number of members is asked for"
    s.refuse(RecordVote(meeting=first, item=3, method="acclamation"), "not-under-the-act")
    s.refuse(RecordReservation(meeting=first, item=3, participant=c.VICE), "not-under-the-act")
    s.refuse(NumberItems(meeting=first), "not-numbered-so")
    s.do(RecordPresence(meeting=first, person=c.SECRETARY, capacity="guest"))
    assert found(s.do(RecordDissent(meeting=first, item=3, participant=c.SECRETARY, view="Nej"))) == []
    s.do(RecordPresence(meeting=first, person=c.POLICE, capacity="member"))
    s.refuse(ElectJusterare(meeting=first, person=c.CHAIR), "chair-as-justerare")
    outside = s.ask(ElectJusterare(meeting=first, person=c.SUBSTITUTE, office="justerare-2"))
    assert found(outside) == ["justerare-not-among: one of the members, somebody else"]
    s.do(ElectJusterare(meeting=first, person=c.VICE))
    s.do(ElectJusterare(meeting=first, person=c.POLICE, office="justerare-2"))
    minutes = s.drafted(first)
    instrument(s, 1, "evaluation", "2025-02-27")
    s.on("2025-03-06T09:00")
    assert s.approves(minutes, "chair") == s.approves(minutes, "justerare") == []
    s.refuse(c.seal(minutes), "approvals-missing", who="system", role=Role.SYSTEM)
    assert s.approves(minutes, "justerare-2") == [], "the tenth working day"
    s.sealed(minutes).do(
        SendMinutes(minutes=minutes, recipients=[Addressee(person=one) for one in (*SENIORS, c.SUBSTITUTE)])
    )
    s.do(SendNotification(minutes=minutes, to_body=c.BOARD))

    # The second: two of six ask, the notice is short by a free day, and the approval is late.
    s.on("2025-04-22T09:00")
    s.refuse(DemandMeeting(body=BODY, persons=[c.SUBSTITUTE], subject="Bussarna"), "not-a-member")
    asked = s.do(DemandMeeting(body=BODY, demand=ident(1), persons=[c.VICE], subject="Bussarna"))
    assert (asked.event(MeetingDemanded).needed, asked.event(MeetingDemanded).reached) == (2, False)
    joined = s.do(JoinDemand(body=BODY, demand=ident(1), persons=[c.POLICE]))
    assert joined.event(DemandJoined).reached
    second = s.scheduled(MAY, "2025-04-29", demand=ident(1))
    s.do(AddItem(meeting=second, title="Bussarna", documents=[Handling(title="Skrivelse", enclosed=False)]))
    assert s.called(second) == [
        "notice-short: 10 working-days, 9 working-days",
        "member-not-called: 7 called, 6 called",
        "kallelse-lacks: time, place, agenda, documents, no documents",
    ]
    stranger = s.ask(CallSubstitute(meeting=second, hindered=c.VICE, substitute=c.SUBSTITUTE))
    assert found(stranger) == ["substitute-not-own: the member's own substitute, somebody else"]
    s.opened(second)
    s.do(ElectJusterare(meeting=second, person=c.VICE))
    minutes = s.drafted(second)
    s.refuse(
        BeginSigning(minutes=minutes, version=1, office="justerare-2", signing=ident(9)), "signer-unknown"
    )
    s.on("2025-05-28T09:00")
    assert s.approves(minutes, "chair") == ["approved-late: 10 working-days, 11 working-days"]

    # None in the third. In the fourth one, with the programme; nobody evaluates the year in February.
    s.opened(s.scheduled(WINTER, "2025-11-18"))
    instrument(s, 2, "dialogue", "2025-12-04", decided=True)
    instrument(s, 3, "operational-plan", "2025-12-09", decided=True)
    told = Told(s)
    yield told
    told.close()


def instrument(s: Council, number: int, kind: str, day: str, *, decided: bool = False) -> None:
    s.on(f"{day}T15:00")
    begin = BeginInstrument.model_validate(
        {"instrument": ident(number), "body": BODY, "kind": kind, "title": "För året"}
    )
    s.do(begin, MakeInstrumentVersion(instrument=ident(number)))
    if decided:
        s.do(RecordInstrumentDecision(instrument=ident(number), decided=Decided(written="Rådet § 9")))


def test_the_seniors_year_is_met_where_the_profile_says_so(seniors: Told) -> None:
    assert seniors.asked("2026-03-02", "meeting-quota") == {
        "meeting-quota/2025-Q1": "done",
        "meeting-quota/2025-Q2": "done",
        "meeting-quota/2025-Q3": "overdue",
        "meeting-quota/2025-Q4": "done",
        "meeting-quota/2026-Q1": "due",
    }
    assert seniors.asked("2025-12-08", "program") == {"program/2025": "due"}, "a dialogue is no programme"
    assert seniors.asked("2026-12-31", "program") == {"program/2025": "done", "program/2026": "due"}
    assert seniors.asked("2027-01-01", "program")["program/2026"] == "overdue"
    assert seniors.asked("2026-02-28", "evaluation") == {"evaluation/2025": "done", "evaluation/2026": "due"}
    assert seniors.asked("2026-03-01", "evaluation")["evaluation/2026"] == "overdue"
    assert list(seniors.asked("2026-03-01", "notify", "send-minutes").values()) == ["done", "done"]
    assert seniors.asked("2025-12-31", "quorum") == {"quorum": "not-applicable"}
    approvals = list(seniors.asked("2025-12-31", "approval").values())
    assert approvals == ["done", "overdue"], "nobody has signed as the second justerare"


def test_the_seniors_review_tells_what_was_found_and_nothing_else(seniors: Told) -> None:
    assert seniors.reviewed(2025, "2026-01-01") == {
        "2025-02-20 justerare justerare-not-among",
        "2025-05-13 notice notice-short",
        "2025-05-13 agenda member-not-called",
        "2025-05-13 agenda kallelse-lacks",
        "2025-05-13 approval approved-late",
        "2025-09-30 year overdue",
    }


# --- the committee
COMMITTEE = (c.CHAIR, c.VICE, c.POLICE, c.RESCUE, c.EXPERT)


@pytest.fixture(scope="module")
def committee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    s = Council(tmp_path_factory.mktemp("committee"), "fritidsnamnden", c.BOARD, COMMITTEE)
    s.substitute(c.SUBSTITUTE)

    # A third of five are two; the chair alone is enough.
    def demand(*persons: str) -> bool:
        asked = DemandMeeting(body=BODY, persons=list(persons), subject="Isen")
        return bool(s.ask(asked).event(MeetingDemanded).reached)

    first = s.scheduled("2025-02-10T18:00", "2025-02-05")
    assert s.called(first, c.SUBSTITUTE) == []
    assert found(s.ask(CallSubstitute(meeting=first, hindered=c.VICE, substitute=c.SUBSTITUTE))) == []
    assert [demand(c.VICE), demand(c.VICE, c.POLICE), demand(c.CHAIR)] == [False, True, True]

    # More than half, votes, reservations, conflicts of interest: as the act has it.
    here: Any = {"meeting": first, "item": 1}
    s.opened(first, c.RESCUE, c.EXPERT)
    s.do(
        MakeProposal(**here, proposer=c.CHAIR, text="Bifall"),
        MakeProposal(**here, proposer=c.VICE, text="Avslag"),
    )
    votes = [
        BallotGiven(person=c.CHAIR, vote="yes"),
        BallotGiven(person=c.POLICE, vote="yes"),
        BallotGiven(person=c.VICE, vote="no"),
    ]
    vote: Any = {**here, "method": "open-vote", "yes_for": 1, "no_for": 2}
    s.refuse(RecordReservation(**here, participant=c.VICE), "no-decision-to-oppose")
    s.refuse(
        RecordVote(**vote, ballots=[*votes, BallotGiven(person=c.RESCUE, vote="no")]), "not-in-the-decision"
    )
    assert found(s.do(RecordVote(**vote, ballots=votes))) == []
    assert s.decided(first, 1) == [], "three of five"
    assert found(s.do(RecordReservation(**here, participant=c.VICE))) == []
    s.refuse(RecordDissent(**here, participant=c.POLICE, view="Nej"), "reservations-here")
    s.refuse(RecordReservation(**here, participant=c.RESCUE), "not-in-the-decision")
    s.do(
        AddItem(meeting=first, title="Klubben"),
        RecordConflictOfInterest(meeting=first, item=2, person=c.POLICE, left=True),
    )
    s.refuse(MakeProposal(meeting=first, item=2, proposer=c.POLICE, text="Bidrag"), "in-conflict-of-interest")
    s.do(NumberItems(meeting=first, first=1), ElectJusterare(meeting=first, person=c.POLICE))
    minutes = s.drafted(first)
    s.later(hours=1).refuse(RecordReservation(**here, participant=c.CHAIR), "reservation-after-closing")
    s.on("2025-02-24T09:00")
    assert s.approves(minutes, "secretary") == s.approves(minutes, "chair") == [], "the fourteenth day"
    s.refuse(c.seal(minutes), "approvals-missing", who="system", role=Role.SYSTEM)
    assert s.approves(minutes, "justerare") == []
    s.sealed(minutes)
    s.refuse(RecordOccasion(body=BODY, occasion="half-year-accounts"), "no-such-occasion")
    s.do(RecordOccasion(body=BODY, occasion="approval-announced", meeting=first, happened="2025-02-26"))
    report(s, 1, "2025-03-01")

    # Two of five decide nothing; the notice is a day short and the approval a day late.
    second = s.scheduled("2025-10-06T18:00", "2025-10-02")
    assert s.called(second, c.SUBSTITUTE) == ["notice-short: 5 days, 4 days"]
    s.opened(second, c.RESCUE, c.EXPERT, c.POLICE)
    assert s.decided(second, 1) == ["too-few-present: 3 of 5 present, 2 present"]
    s.refuse(NumberItems(meeting=second, first=1), "paragraph-taken")
    s.do(NumberItems(meeting=second), ElectJusterare(meeting=second, person=c.VICE))
    minutes = s.drafted(second)
    s.on("2025-10-21T09:00")
    assert s.approves(minutes, "chair") == ["approved-late: 14 days, 15 days"]
    assert len(s.approves(minutes, "secretary") + s.approves(minutes, "justerare")) == 2
    told = Told(s)
    yield told
    told.close()


def report(s: Council, number: int, day: str) -> None:
    s.on(f"{day}T09:00").do(WriteReport(report=ident(number), body=BODY, title="Redovisning"))
    s.do(SendReport(report=ident(number), to_body=c.BOARD))


def test_the_committee_s_year_is_met_where_the_act_and_its_own_rules_say_so(committee: Told) -> None:
    assert committee.asked("2026-01-01", "meeting-quota") == {
        "meeting-quota/2025-H1": "overdue",
        "meeting-quota/2025-H2": "overdue",
        "meeting-quota/2026-H1": "due",
    }
    assert committee.asked("2026-01-01", "report") == {
        "report/2025-H1": "done",
        "report/2025-H2": "overdue",
        "report/2026-H1": "due",
    }
    assert list(committee.asked("2026-01-01", "approval").values()) == ["done", "done late"]
    boards = [list(committee.asked(day, "notice-board").values()) for day in ("2025-10-23", "2025-10-24")]
    assert boards == [["done", "due"], ["done", "overdue"]], "by the second day"
    assert committee.reviewed(2025, "2026-01-01") == {
        "2025-10-06 notice notice-short",
        "2025-10-06 attendance too-few-present",
        "2025-10-06 approval approved-late",
        "2025-06-30 year overdue",
        "2025-12-31 year overdue",
    }
