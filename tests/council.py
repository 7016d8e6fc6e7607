"""A council with the Lerum rules, its people, and its meetings, for the tests of calling, holding and minutes.

Everything is entered by deciding: `do` lets the domain answer and appends what it says, so that a test starts from a
world that can come about. `refuse` also puts the refusal's sentences together, so that none lacks a word or a value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from domain.approving import ApproveMinutes, BeginSigning, PinRender, SealMinutes
from domain.body_events import BodyEstablished, MandateGiven, RegulationAdopted
from domain.calling import AddItem, ScheduleMeeting
from domain.drafting import CirculateMinutes, DraftMinutes
from domain.errors import DomainError
from domain.holding import (
    CloseMeeting,
    ElectJusterare,
    OpenMeeting,
    RecordAbsence,
    RecordPresence,
    RecordSecretary,
)
from domain.kallelse import Addressee, IssueKallelse
from domain.meeting import Meeting
from domain.messages import Command, Event, Known, Role
from domain.minutes import Minutes
from domain.minutes_events import Render, Statement
from domain.person import PersonRegistered
from domain.regulation import Rules, parse
from domain.sources import Source
from tests.given import CET, Outcome, Scenario, acting, given, ident

CHAIR, VICE, POLICE, RESCUE = ident(1), ident(2), ident(3), ident(4)
SUBSTITUTE, EXPERT, SECRETARY, GUEST, STRANGER = ident(5), ident(6), ident(7), ident(8), ident(9)
NAMES = {
    CHAIR: ("Karin Lindqvist", None),
    VICE: ("Per Ahlström", None),
    POLICE: ("Farida Noori", "Polismyndigheten"),
    RESCUE: ("Gunnar Öberg", "Räddningstjänsten"),
    SUBSTITUTE: ("Lars Holm", "Räddningstjänsten"),
    EXPERT: ("Maja Sandström", None),
    SECRETARY: ("Sofia Brandt", None),
    GUEST: ("Åsa Nyström", "Fastighetsägarna"),
}
BOARD, COUNCIL, LOOSE = ident(0xB0), ident(0xB1), ident(0xB2)
MEETING, MINUTES, SIGNING = ident(0xE0), ident(0xF0), ident(0x50)
NOW = datetime(2024, 3, 1, 9, 0, tzinfo=CET)
DAY = "2024-03-12"
PART = "trygghetsradet"
PROFILE = files("domain") / "profiles" / "lerum.toml"
TEXTS = Path(__file__).parent.parent / "api" / "texts"
MEMBERS = (CHAIR, VICE, POLICE, RESCUE)


@cache
def rules() -> Rules:
    return parse(PROFILE.read_text(encoding="utf-8"), PART)


@cache
def texts(kind: str) -> dict[str, dict[str, str]]:
    """Every refusal or finding that has words."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(TEXTS.glob(f"{kind}.*.toml")):
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def source(rule: str) -> Source:
    """Where one of the regulation's rules stands."""
    return rules().require(rule).source


def adopted(content: Rules | None = None, body: str = COUNCIL) -> RegulationAdopted:
    content = content or rules()
    return RegulationAdopted(
        body=body,
        regulation=ident(0xA0),
        diarienummer="KS23.276",
        adopted_by=BOARD,
        adopted_on=date(2023, 11, 10),
        valid_from=None,
        valid_to=None,
        content=dict(content.content),
        content_hash=content.hash,
        non_working_days=(date(2024, 3, 8),),
    )


def mandate(
    number: int, person: str, seat: str, body: str = COUNCIL, capacity: str = "member"
) -> MandateGiven:
    return MandateGiven.model_validate(
        {
            "body": body,
            "mandate": ident(number),
            "person": person,
            "seat": seat,
            "capacity": capacity,
            "valid_from": date(2023, 1, 1),
            "valid_to": None,
            "substitutes_for": RESCUE if capacity == "substitute" else None,
        }
    )


class Session:
    """A world that goes on from one answer to the next."""

    def __init__(self, content: Rules | None = None) -> None:
        streams: dict[str, Iterable[Event]] = {
            f"person-{person}": [PersonRegistered(person=person, name=Known(name), organisation=organisation)]
            for person, (name, organisation) in NAMES.items()
        }
        streams[f"body-{BOARD}"] = [
            BodyEstablished(body=BOARD, name="Kommunstyrelsen", kind="kommunstyrelse", parent=None),
            mandate(0x10, CHAIR, "ordforande", BOARD),
        ]
        streams[f"body-{COUNCIL}"] = [
            BodyEstablished(body=COUNCIL, name="Trygghetsrådet", kind="trygghetsrad", parent=BOARD),
            adopted(content),
            mandate(0x11, CHAIR, "presidium"),
            mandate(0x12, VICE, "presidium"),
            mandate(0x13, POLICE, "polisen"),
            mandate(0x14, RESCUE, "raddningstjansten"),
            mandate(0x15, SUBSTITUTE, "raddningstjansten", capacity="substitute"),
            mandate(0x16, EXPERT, "expertise", capacity="expert"),
        ]
        streams[f"body-{LOOSE}"] = [
            BodyEstablished(body=LOOSE, name="Rådet utan regler", kind="rad", parent=None)
        ]
        self.scenario: Scenario = given(streams)
        self.now = NOW

    def ask(self, command: Command, who: str = SECRETARY, role: Role = Role.SECRETARY) -> Outcome:
        return self.scenario.when(command, acting(role, who), self.now)

    def do(self, *commands: Command, who: str = SECRETARY, role: Role = Role.SECRETARY) -> Outcome:
        """Ask, and go on from the answer; gives the last answer."""
        outcomes = [self._do(command, who, role) for command in commands]
        return outcomes[-1]

    def _do(self, command: Command, who: str, role: Role) -> Outcome:
        outcome = self.ask(command, who, role)
        self.scenario = outcome.saved()
        return outcome

    def refuse(
        self,
        command: Command,
        code: str,
        source: Source | None = None,
        who: str = SECRETARY,
        role: Role = Role.SECRETARY,
    ) -> DomainError:
        """What is refused, with the words that the refusal will be told in."""
        error = self.ask(command, who, role).then_refused(code, source)
        for words in texts("refusals")[code].values():
            assert words.format(**error.values)
        return error

    def later(self, days: int = 0, hours: int = 0) -> Session:
        self.now += timedelta(days=days, hours=hours)
        return self

    def meeting(self, meeting: str = MEETING) -> Meeting:
        return self.scenario.world.get(Meeting, meeting)

    def minutes(self, minutes: str = MINUTES) -> Minutes:
        return self.scenario.world.get(Minutes, minutes)

    # --- as far as
    def scheduled(self, body: str = COUNCIL, **changes: Any) -> Session:
        fields = {"meeting": MEETING, "body": body, "starts": f"{DAY}T13:00", "place": "Kommunhuset, Eken"}
        self.do(ScheduleMeeting.model_validate(fields | changes))
        return self

    def called(self) -> Session:
        self.scheduled().do(kallelse(*MEMBERS))
        return self

    def opened(self) -> Session:
        self.called().later(days=11, hours=4)
        self.do(OpenMeeting(meeting=MEETING), RecordSecretary(meeting=MEETING, person=SECRETARY))
        for person in (CHAIR, VICE, POLICE):
            self.do(RecordPresence(meeting=MEETING, person=person, capacity="member"))
        self.do(RecordAbsence(meeting=MEETING, person=RESCUE, status="absent"))
        self.do(ElectJusterare(meeting=MEETING, person=POLICE, item=1))
        return self

    def held(self) -> Session:
        self.opened().later(hours=1).do(AddItem(meeting=MEETING, title="Belysning"))
        self.do(CloseMeeting(meeting=MEETING))
        return self

    def drafted(self) -> Session:
        self.held().do(DraftMinutes(minutes=MINUTES, meeting=MEETING))
        return self

    def closed_and_drafted(self) -> Session:
        self.do(CloseMeeting(meeting=MEETING), DraftMinutes(minutes=MINUTES, meeting=MEETING))
        return self

    def ready(self) -> Session:
        """Circulated and pinned: as good as signed."""
        return self.drafted().circulated()

    def circulated(self, minutes: str = MINUTES) -> Session:
        version = self.minutes(minutes).newest.version
        self.do(CirculateMinutes(minutes=minutes, version=version, recipients=[CHAIR, VICE]))
        self.pinned(minutes)
        return self

    def pinned(self, minutes: str = MINUTES) -> Session:
        self.system(pin(minutes, self.minutes(minutes).newest.version))
        return self

    def system(self, *commands: Command) -> Outcome:
        return self.do(*commands, who="system", role=Role.SYSTEM)

    def signed(self, office: str, minutes: str = MINUTES) -> Session:
        state = self.minutes(minutes)
        signer = state.signer(office)
        assert signer is not None
        assert signer.person is not None
        signing = ident(0x5000 + self.scenario.world.position)
        version = state.newest.version
        begin = BeginSigning(minutes=minutes, version=version, office=office, signing=signing)
        self.do(begin, who=signer.person, role=Role.CHAIR)
        self.system(approve(minutes, version, office, signing))
        return self

    def approved(self) -> Session:
        return self.ready().signed("chair").signed("justerare")

    def sealed(self) -> Session:
        self.approved().system(seal())
        return self

    def sealed_by_the_municipality(self, minutes: str = MINUTES) -> Session:
        self.system(seal(minutes, self.minutes(minutes).newest.version))
        return self


def kallelse(*persons: str, **changes: Any) -> IssueKallelse:
    fields = {"meeting": MEETING, "recipients": [Addressee(person=person) for person in persons]}
    return IssueKallelse.model_validate(fields | changes)


def render(version: int = 1, output: str = "0") -> Render:
    return Render(
        typst="0.15.1", template="1" * 64, font="2" * 64, data=f"{version:064x}", output=output * 64
    )


def pin(minutes: str = MINUTES, version: int = 1, output: str = "0") -> PinRender:
    return PinRender(
        minutes=minutes, version=version, root="a" * 64, render=render(version, output), file="3" * 64
    )


def approve(
    minutes: str = MINUTES, version: int = 1, office: str = "chair", signing: str = SIGNING, output: str = "0"
) -> ApproveMinutes:
    return ApproveMinutes(
        minutes=minutes,
        version=version,
        office=office,
        signing=signing,
        method="local",
        level="simple",
        root="a" * 64,
        render_output=output * 64,
        cms="4" * 64,
        certificate="5" * 64,
        file="6" * 64,
        cms_file="7" * 64,
    )


def seal(minutes: str = MINUTES, version: int = 1) -> SealMinutes:
    return SealMinutes(minutes=minutes, version=version, file="8" * 64, pdf="9" * 64, size=1000)


def said(statements: Iterable[Statement], kind: str) -> list[dict[str, str]]:
    """The fields of the statements of one kind, as they are printed."""
    return [
        {name: str(value) for name, value in one.fields.items()} for one in statements if one.kind == kind
    ]
