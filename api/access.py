"""Who may give a command: the role a person has for the body that the command is about.

- Nothing is permitted unless the command names a role and the person has it on that day (husregel 5).
- Secretary, registrar, archivist, auditor and administrator are granted, for a body or the whole municipality. What
  is about no body, such as entering a person in the register, a body's own secretary or registrar may do too.
- Chair is whoever is chair today, or led the meeting, or signs as chair. Justerare is whoever was chosen at the
  meeting, or signs in such an office. Member is whoever has a place in the body today or on the meeting day, or took
  part.
- What only the registry itself does no person may ask for (husregel 7).
- Of several roles the first counts, in the order of Role; for a signature the role of the office that is signed for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from domain.assignment import Assignment
from domain.body import Body
from domain.document import Document
from domain.errors import Forbidden
from domain.instrument import Instrument
from domain.lookup import day_of
from domain.matter import Matter
from domain.meeting import Meeting
from domain.meeting_parts import Attendance
from domain.messages import Actor, Command, Mandate, Role, World
from domain.minutes import Minutes
from domain.municipality import REGISTRY, Municipality
from domain.person import Person
from domain.proposal import Proposal
from domain.report import Report
from domain.sources import house
from domain.unclarity import Unclarity

SYSTEM: Final = "system"
CHAIR_OFFICE: Final = "chair"
# What is about no body concerns every body: its own secretary and registrar may do it.
OF_ANY_BODY: Final = frozenset({Role.SECRETARY, Role.REGISTRAR})


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command is about: a body ("" for the whole municipality), a meeting, minutes (omfattning)."""

    body: str = ""
    meeting: Meeting | None = None
    minutes: Minutes | None = None


def scope(command: Command, world: World) -> Scope:
    """The body that a command is about, found from the ids it names."""

    def id(field: str) -> str:
        return command.__dict__.get(field) or ""

    if id("body"):
        return Scope(id("body"))
    match type(command).STREAM:
        case "meeting":
            meeting = world.get(Meeting, id("meeting"))
            return Scope(meeting.body, meeting)
        case "minutes":
            minutes = world.get(Minutes, id("corrects") or id("minutes"))
            meeting = world.get(Meeting, minutes.meeting or id("meeting"))
            return Scope(meeting.body, meeting, minutes)
        case "proposal":
            matter = world.get(Proposal, id("proposal")).matter or id("matter")
            return Scope(world.get(Matter, matter).body)
        case "unclarity":
            return Scope(world.get(Unclarity, id("unclarity")).body)
        case "assignment":
            return Scope(world.get(Assignment, id("assignment")).body)
        case "report":
            return Scope(world.get(Report, id("report")).body)
        case "instrument":
            return Scope(world.get(Instrument, id("instrument")).body)
        case "document" if id("minutes"):
            minutes = world.get(Minutes, id("minutes"))
            return Scope(world.get(Meeting, minutes.meeting).body)
        case "matter" | "document":
            # A document's own matter goes before one that it is to be moved to.
            matter = world.get(Document, id("document")).matter or id("matter")
            return Scope(world.get(Matter, matter).body)
        case _:
            return Scope()


def authorise(command: Command, person_id: str, assurance: str, world: World, now: datetime) -> Actor:
    """The actor for a command, or Forbidden."""
    wanted = type(command).ROLES
    if person_id == SYSTEM:
        if Role.SYSTEM not in wanted:
            raise _forbidden(command, "", world)
        return Actor(SYSTEM, Mandate(Role.SYSTEM), assurance)
    if type(command).INTERNAL:
        raise Forbidden("registry-only", house(7))
    about = scope(command, world)
    held = _granted(person_id, about, world, now.date()) | _following(person_id, about, world, now.date())
    permitted = {role: body for role, body in held.items() if role in wanted}
    if not permitted:
        raise _forbidden(command, about.body, world)
    office = _office(command, person_id, about)
    role = office if office in permitted else next(role for role in Role if role in permitted)
    return Actor(person_id, Mandate(role, permitted[role]), assurance)


def rules_hash(command: Command, world: World, now: datetime) -> str:
    """The digest of the rules in force for the command's body on the day it is about; "" if there are none."""
    body = scope(command, world).body
    rules = world.get(Body, body).rules_at(day_of(command, now)) if body else None
    return rules.hash if rules else ""


def _granted(person_id: str, about: Scope, world: World, today: date) -> dict[Role, str]:
    """The roles granted, each with the body it is used for."""
    person = world.get(Person, person_id)
    roles = dict.fromkeys(person.roles_at(today, about.body), about.body)
    if not about.body:
        for grant in person.grants:
            if grant.stands(today) and grant.role in OF_ANY_BODY:
                roles.setdefault(grant.role, grant.body)
    return roles


def _following(person_id: str, about: Scope, world: World, today: date) -> dict[Role, str]:
    """The roles that follow from mandates and elections."""
    if not about.body:
        return {}
    body, meeting, minutes = world.get(Body, about.body), about.meeting, about.minutes
    roles = set[Role]()
    if body.chair_at(today, world) == person_id:
        roles.add(Role.CHAIR)
    if body.holds(person_id, today):
        roles.add(Role.MEMBER)
    if meeting is not None:
        if meeting.led_by == person_id:
            roles.add(Role.CHAIR)
        if person_id in meeting.justerare:
            roles.add(Role.JUSTERARE)
        if body.holds(person_id, meeting.day) or meeting.attendance(person_id) is Attendance.PRESENT:
            roles.add(Role.MEMBER)
    if minutes is not None and minutes.exists:
        roles |= {_role(signer.office) for signer in minutes.signers if signer.person == person_id}
    return dict.fromkeys(roles, about.body)


def _role(office: str) -> Role:
    return Role.CHAIR if office == CHAIR_OFFICE else Role.JUSTERARE


def _office(command: Command, person_id: str, about: Scope) -> Role | None:
    """The role of the office that a signature is for, if it is that person's."""
    office = getattr(command, "office", None)
    if office is None or about.minutes is None or not about.minutes.exists:
        return None
    signer = about.minutes.signer(office)
    return _role(office) if signer is not None and signer.person == person_id else None


def _forbidden(command: Command, body: str, world: World) -> Forbidden:
    roles = ", ".join(str(role) for role in Role if role in type(command).ROLES)
    name = world.get(Body, body).name if body else world.get(Municipality, REGISTRY).name
    return Forbidden("role-needed", house(5), roles=roles, body=name or "-")
