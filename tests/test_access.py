"""Access: nothing without a role, and every command against every role."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from api.access import SYSTEM, authorise, rules_hash, scope
from domain import decider
from domain.assignment_events import AssignmentGiven
from domain.body_events import BodyEstablished, MandateGiven
from domain.calling import AddItem, ScheduleMeeting
from domain.constituting import AdoptRegulation, EstablishBody
from domain.demanding import DemandMeeting
from domain.document import RegisterDocument
from domain.drafting import CorrectMinutes, DraftMinutes, ReturnMinutes
from domain.errors import Forbidden
from domain.instrument_events import InstrumentBegun
from domain.matter import MatterOpened, OpenMatter, VoidMatter
from domain.meeting_events import JusterareElected, MeetingOpened, MeetingScheduled, PresenceRecorded
from domain.messages import Actor, Command, Event, Known, Mandate, Role
from domain.minutes_events import MinutesVersionMade, SignerField, SignerReplaced
from domain.municipality import RegistryOpened
from domain.person import GRANTABLE, GrantRole, PersonRegistered, RegisterPerson, RoleGranted
from domain.report_events import ReportWritten
from domain.sources import house
from domain.stated import Assignee
from tests.given import NOW, DictWorld, given, ident
from tests.test_regulation import LERUM

KS, COUNCIL, OTHER = ident(1), ident(2), ident(3)
MEETING, MINUTES, MATTER, ASSIGNMENT = ident(4), ident(5), ident(6), ident(7)
CHAIR, JUSTERARE, MEMBER, GUEST, ACTING, STRANGER = (ident(0x10 + n) for n in range(6))
GRANTED = {role: ident(0x20 + number) for number, role in enumerate(sorted(GRANTABLE))}
LOCAL = {role: ident(0x30 + number) for number, role in enumerate(sorted(GRANTABLE))}
HELD = date(2024, 2, 20)
REPORT = ReportWritten.model_validate(
    dict.fromkeys(ReportWritten.model_fields)
    | dict.fromkeys("proposal consequences enclosures dispatch signatories assignments".split(), ())
    | {"report": ASSIGNMENT, "version": 1, "body": COUNCIL, "title": "x", "signed": "unknown"}
)


def mandate(number: int, body: str, person: str, seat: str, last: date | None = None) -> MandateGiven:
    return MandateGiven(
        body=body,
        mandate=ident(0x50 + number),
        person=person,
        seat=seat,
        capacity="member",
        valid_from=date(2023, 11, 10),
        valid_to=last,
        substitutes_for=None,
    )


def grant(person: str, role: Role, body: str | None, last: date | None = None) -> list[Event]:
    granted = RoleGranted(
        person=person,
        grant=ident(7),
        role=role,
        body=body,
        valid_from=date(2024, 1, 1),
        valid_to=last,
        ground=Known("delegation"),
    )
    return [PersonRegistered(person=person, name=Known("Någon")), granted]


def world(*more: tuple[str, Event], last: date | None = None) -> DictWorld:
    """A council under the KS, a meeting in February with its minutes, and somebody in every role."""
    streams: dict[str, list[Event]] = {
        "municipality-registry": [RegistryOpened(name="Exempelkommun", slug="exempel", clock="real")],
        f"body-{KS}": [
            BodyEstablished(body=KS, name="Kommunstyrelsen", kind="kommunstyrelse", parent=None),
            mandate(0, KS, CHAIR, "ordforande"),
        ],
        f"body-{OTHER}": [BodyEstablished(body=OTHER, name="Rådet för annat", kind="rad", parent=None)],
        f"body-{COUNCIL}": [
            BodyEstablished(body=COUNCIL, name="Trygghetsrådet", kind="trygghetsrad", parent=KS),
            mandate(1, COUNCIL, MEMBER, "polisen", last),
        ],
        f"meeting-{MEETING}": [
            MeetingScheduled(
                meeting=MEETING, body=COUNCIL, starts="2024-02-20T13:30", place=Known("Kommunhuset")
            ),
            JusterareElected(meeting=MEETING, person=JUSTERARE),
        ],
        f"minutes-{MINUTES}": [
            MinutesVersionMade(
                minutes=MINUTES,
                version=1,
                meeting=MEETING,
                body=COUNCIL,
                covers=(),
                meeting_version=2,
                word="anteckningar",
                statements=(),
                texts={},
                signers=(
                    SignerField(office="chair", field="Ordforande", label="Ordförande", person=CHAIR),
                    SignerField(office="justerare", field="Justerare", label="Justerare", person=JUSTERARE),
                ),
            )
        ],
        f"matter-{MATTER}": [
            MatterOpened(
                matter=MATTER, body=COUNCIL, title=Known("x"), diarienummer="KS23.276", external=True
            )
        ],
        f"instrument-{ASSIGNMENT}": [
            InstrumentBegun(
                instrument=ASSIGNMENT,
                body=COUNCIL,
                kind="action-plan",
                title=Known("x"),
                level=None,
                parties=(),
                matter=None,
            )
        ],
        f"report-{ASSIGNMENT}": [REPORT],
        f"assignment-{ASSIGNMENT}": [
            AssignmentGiven(
                assignment=ASSIGNMENT,
                body=COUNCIL,
                what=Known("x"),
                to=(Assignee(function="x"),),
                given=None,
                stages=(),
                status="open",
                matter=None,
            )
        ],
    }
    for role, person in GRANTED.items():
        streams[f"person-{person}"] = grant(person, role, None)
    for role, person in LOCAL.items():
        streams[f"person-{person}"] = grant(person, role, OTHER)
    made = given(streams).world
    regulate(made)
    for name, event in more:
        made.append(name, event)
    return made


def regulate(made: DictWorld) -> None:
    command = AdoptRegulation(
        body=COUNCIL, adopted_on=date(2023, 11, 10), profile=LERUM, part="trygghetsradet"
    )
    actor = Actor(SYSTEM, Mandate(Role.SYSTEM), "system")
    made.save(decider.decide(command, made, actor, NOW))


def bare(kind: Any, **ids: str) -> Command:
    """A command with nothing but its ids."""
    command: Command = kind.model_construct(**ids)
    return command


def about(kind: type[Command]) -> Command:
    """A command about the council, its meeting, its minutes or its matter; the rest of it is not looked at."""
    ids = {
        "body": COUNCIL,
        "meeting": MEETING,
        "minutes": MINUTES,
        "corrects": MINUTES,
        "matter": MATTER,
        "assignment": ASSIGNMENT,
        "instrument": ASSIGNMENT,
        "report": ASSIGNMENT,
        "person": STRANGER,
        "office": "",
    }
    return bare(kind, **{name: id for name, id in ids.items() if name in kind.model_fields})


def ask(command: Command, person: str, in_world: DictWorld | None = None, now: datetime = NOW) -> Actor:
    return authorise(command, person, "token", in_world or world(), now)


def refused(
    command: Command, person: str, in_world: DictWorld | None = None, now: datetime = NOW
) -> Forbidden:
    with pytest.raises(Forbidden) as caught:
        ask(command, person, in_world, now)
    return caught.value


WORLD = world()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", list(decider.COMMANDS))
def test_every_command_against_every_role(name: str, role: Role) -> None:
    kind = decider.COMMANDS[name]
    command = about(kind)
    person = {
        Role.CHAIR: CHAIR,
        Role.JUSTERARE: JUSTERARE,
        Role.MEMBER: MEMBER,
        Role.SYSTEM: SYSTEM,
        **GRANTED,
    }[role]
    follows = role in GRANTED or role is Role.SYSTEM
    found = scope(command, WORLD)
    held = follows or bool(found.body and (role is not Role.JUSTERARE or found.meeting))
    internal = kind.INTERNAL and role is not Role.SYSTEM
    if role in kind.ROLES and held and not internal:
        actor = ask(command, person, WORLD)
        assert (actor.person, actor.mandate.role, actor.assurance) == (person, role, "token")
    else:
        error = refused(command, person, WORLD)
        assert (error.code, error.source) == (
            ("registry-only", house(7)) if internal else ("role-needed", house(5))
        )


@pytest.mark.parametrize("name", list(decider.COMMANDS))
def test_a_stranger_may_nothing(name: str) -> None:
    refused(about(decider.COMMANDS[name]), STRANGER, WORLD)


@pytest.mark.parametrize("name", list(decider.COMMANDS))
def test_a_role_for_another_body_opens_nothing_of_this_one(name: str) -> None:
    command = about(decider.COMMANDS[name])
    if scope(command, WORLD).body:
        for person in LOCAL.values():
            refused(command, person, WORLD)


def test_the_refusal_says_which_roles_and_for_what() -> None:
    error = refused(about(VoidMatter), STRANGER)
    assert error.values == {"roles": "secretary, registrar", "body": "Trygghetsrådet"}
    assert refused(RegisterPerson(name="X"), STRANGER).values["body"] == "Exempelkommun"
    unknown = OpenMatter(body=ident(0x99), title="x")
    assert refused(unknown, STRANGER).values["body"] == "-"


def test_a_bodys_own_clerks_may_do_what_is_about_no_body_and_its_administrator_may_not() -> None:
    command = RegisterPerson(name="X")
    assert ask(command, LOCAL[Role.SECRETARY]).mandate == Mandate(Role.SECRETARY, OTHER)
    assert ask(command, LOCAL[Role.REGISTRAR]).mandate == Mandate(Role.REGISTRAR, OTHER)
    refused(command, LOCAL[Role.ADMINISTRATOR])
    ended = world(
        *[(f"person-{STRANGER}", one) for one in grant(STRANGER, Role.SECRETARY, OTHER, date(2024, 3, 4))]
    )
    refused(command, STRANGER, ended)


def test_a_bodys_administrator_grants_for_the_body_only() -> None:
    fields: dict[str, Any] = {"person": STRANGER, "role": Role.SECRETARY, "valid_from": HELD, "ground": "x"}
    assert ask(GrantRole(body=OTHER, **fields), LOCAL[Role.ADMINISTRATOR]).mandate.body == OTHER
    refused(GrantRole(body=COUNCIL, **fields), LOCAL[Role.ADMINISTRATOR])
    refused(GrantRole(**fields), LOCAL[Role.ADMINISTRATOR])


def test_a_grant_counts_on_its_days_only() -> None:
    before = NOW.replace(year=2023)
    refused(about(VoidMatter), GRANTED[Role.SECRETARY], WORLD, before)
    ask(about(VoidMatter), GRANTED[Role.SECRETARY], WORLD)


def test_of_several_roles_the_first_counts() -> None:
    both = world((f"body-{COUNCIL}", mandate(2, COUNCIL, GRANTED[Role.SECRETARY], "presidium")))
    command = DemandMeeting(body=COUNCIL, persons=[STRANGER], subject="x")
    assert ask(command, GRANTED[Role.SECRETARY], both).mandate == Mandate(Role.SECRETARY, COUNCIL)


# --- chair, justerare, member
def test_the_chair_by_office_is_chair_until_the_election_of_another() -> None:
    command = ScheduleMeeting(body=COUNCIL, starts="2024-04-01T10:00", place="x")
    assert ask(command, CHAIR).mandate == Mandate(Role.CHAIR, COUNCIL)
    after = world(
        (f"body-{KS}", mandate(3, KS, ACTING, "ordforande").model_copy(update={"valid_from": HELD}))
    )
    refused(command, CHAIR, after)
    assert ask(command, ACTING, after).mandate.role == Role.CHAIR


def test_who_led_the_meeting_is_its_chair() -> None:
    command = AddItem(meeting=MEETING, title="x")
    refused(command, ACTING)
    led = world((f"meeting-{MEETING}", MeetingOpened(meeting=MEETING, chair=ACTING)))
    assert ask(command, ACTING, led).mandate == Mandate(Role.CHAIR, COUNCIL)
    refused(ScheduleMeeting(body=COUNCIL, starts="2024-04-01T10:00", place="x"), ACTING, led)


def test_a_justerare_is_one_for_that_meeting() -> None:
    command = ReturnMinutes(minutes=MINUTES, version=1, comment="x")
    assert ask(command, JUSTERARE).mandate == Mandate(Role.JUSTERARE, COUNCIL)
    other = (f"meeting-{MEETING}", JusterareElected(meeting=MEETING, person=MEMBER))
    assert ask(command, MEMBER, world(other)).mandate.role == Role.JUSTERARE
    # The minutes already drafted still name the first one, who may answer for them.
    assert ask(command, JUSTERARE, world(other)).mandate.role == Role.JUSTERARE


def test_who_replaces_a_hindered_signer_signs_in_that_office() -> None:
    instead = SignerReplaced(minutes=MINUTES, office="chair", person=ACTING, reason=Known("sjuk"))
    command = ReturnMinutes(minutes=MINUTES, version=1, comment="x")
    refused(command, ACTING)
    assert ask(command, ACTING, world((f"minutes-{MINUTES}", instead))).mandate.role == Role.CHAIR


def test_a_signature_is_given_in_the_role_of_its_office() -> None:
    kind = decider.COMMANDS["begin-signing"]

    def sign(office: str) -> Command:
        return bare(kind, minutes=MINUTES, office=office)

    # One person in both offices: the office decides, not the order of the roles.
    both = world((f"meeting-{MEETING}", JusterareElected(meeting=MEETING, person=CHAIR)))
    justerare = SignerReplaced(minutes=MINUTES, office="justerare", person=CHAIR, reason=Known("x"))
    both.append(f"minutes-{MINUTES}", justerare)
    assert ask(sign("justerare"), CHAIR, both).mandate.role == Role.JUSTERARE
    assert ask(sign("chair"), CHAIR, both).mandate.role == Role.CHAIR
    assert ask(sign("unknown-office"), CHAIR, both).mandate.role == Role.CHAIR
    no_minutes = bare(kind, minutes=ident(0x99), office="chair")
    refused(no_minutes, CHAIR)


def test_a_participant_speaks_for_himself_about_that_meeting_even_without_a_mandate() -> None:
    kind = decider.COMMANDS["record-dissent"]
    command = bare(kind, meeting=MEETING)
    assert ask(command, MEMBER).mandate == Mandate(Role.MEMBER, COUNCIL)
    refused(command, GUEST)
    present = (f"meeting-{MEETING}", PresenceRecorded(meeting=MEETING, person=GUEST, capacity="guest"))
    assert ask(command, GUEST, world(present)).mandate.role == Role.MEMBER
    refused(DemandMeeting(body=COUNCIL, persons=[GUEST], subject="x"), GUEST, world(present))
    # Whoever had a mandate on the meeting day may still speak of that meeting when it has ended.
    left = world(last=HELD)
    assert ask(command, MEMBER, left).mandate.role == Role.MEMBER
    refused(command, MEMBER, world(last=HELD - timedelta(days=1)))


def test_the_system_does_what_is_its_own_and_no_more() -> None:
    internal = about(decider.COMMANDS["seal-minutes"])
    assert ask(internal, SYSTEM) == Actor(SYSTEM, Mandate(Role.SYSTEM), "token")
    assert refused(about(VoidMatter), SYSTEM).code == "role-needed"


# --- what a command is about
def test_the_scope_is_the_body_behind_the_ids() -> None:
    assert scope(AddItem(meeting=MEETING, matter=MATTER, title="x"), WORLD).body == COUNCIL
    assert scope(DraftMinutes(meeting=MEETING), WORLD).body == COUNCIL
    assert scope(about(CorrectMinutes), WORLD).body == COUNCIL
    assert scope(VoidMatter(matter=MATTER, reason="x"), WORLD).body == COUNCIL
    assert scope(EstablishBody(body=ident(0x77), name="x", kind="y"), WORLD).body == ident(0x77)
    document = {
        "title": "x",
        "media_type": "text/plain",
        "size": 1,
        "file": "ab" * 32,
        "direction": "internal",
    }
    assert scope(RegisterDocument.model_validate(document), WORLD).body == ""
    assert scope(RegisterDocument.model_validate(document | {"matter": MATTER}), WORLD).body == COUNCIL
    assert scope(AddItem(meeting=ident(0x99), title="x"), WORLD).body == ""


def test_the_rules_of_the_day_are_named_by_their_digest() -> None:
    command = AddItem(meeting=MEETING, title="x")
    digest = rules_hash(command, WORLD, NOW)
    assert len(digest) == 64
    before = AddItem(meeting=MEETING, title="x", happened="2023-01-01")
    assert rules_hash(before, WORLD, NOW) == ""
    assert rules_hash(RegisterPerson(name="X"), WORLD, NOW) == ""
