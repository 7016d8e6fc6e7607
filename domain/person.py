"""A person in the register: name and office, contact, and what the person may do.

- A person is a random id; the name, the title and the contact are sealed under keys of their own, so that contact data
  can be destroyed while the name in an approved document stands.
- A role is granted from one day to another, for one body or the whole municipality, on a stated ground (husregel 8).
  Chair, justerare and member follow from mandates and elections and are never granted here (husregel 9).
- That somebody was given a token or a link is an event: an auditor sees who could have acted as whom (husregel 69).
- Nobody is taken out of the log: a role is revoked from a day on, a name is changed by a later event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Literal, Self, assert_never

from pydantic import Field

from domain.body import Body
from domain.disposal_events import PersonDataDisposed
from domain.errors import NotFound, Refused
from domain.lookup import existing, id_taken, in_order, known, news, unused
from domain.messages import (
    Actor,
    Command,
    Destroyed,
    Event,
    Fact,
    Id,
    Keep,
    Known,
    Line,
    New,
    PublicName,
    Role,
    Sealed,
    State,
    World,
    free,
    fresh_id,
    personal,
)
from domain.sources import house

Access = Literal["token-issued", "passphrase-link-issued", "revoked"]


# --- commands
class RegisterPerson(Command):
    """Enter a person in the register (lägg upp person)."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR, Role.SYSTEM})

    person: Id = Field(default_factory=fresh_id)
    name: Line
    title: Line | None = None
    organisation: PublicName | None = None


class RenamePerson(Command):
    """Change a person's name, title and organisation from now on (ändra person)."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR})

    person: Id
    name: Line
    title: Line | None = None
    organisation: PublicName | None = None


class ChangeContact(Command):
    """Change where a person is reached (ändra kontaktuppgift)."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR, Role.SYSTEM})

    person: Id
    email: Annotated[Line, Field(pattern=r"^[^@\s]+@[^@\s]+$")]


class ChangeElectronicIdentity(Command):
    """Change what an outside signature service knows a person as (ändra e-identitet).

    Whoever is known there by this value signs as this person, so only an administrator enters it (husregel 70).
    """

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR})

    person: Id
    # What a certificate's serial number is written with: PrintableString (X.680, 41.4), and RFC 5280's 64 characters.
    identity: Annotated[str, Field(pattern=r"^[A-Za-z0-9 '()+,./:=?-]{1,64}$")]


class GrantRole(Command):
    """Let a person act in a role, for a body or (without one) the whole municipality (ge behörighet)."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SYSTEM})

    person: Id
    grant: Id = Field(default_factory=fresh_id)
    role: Role
    body: Id | None = None
    valid_from: date
    valid_to: date | None = None
    ground: Line


class RevokeRole(Command):
    """Let a grant end with a day (återkalla behörighet)."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SYSTEM})

    person: Id
    grant: Id
    valid_to: date


class RecordPassphrase(Command):
    """Record that a person has chosen a passphrase to sign with; the passphrase is not here (lösenfras vald)."""

    STREAM = "person"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL = True

    person: Id


class RecordAccess(Command):
    """Record that a person was given a token or a link, or lost all of them (ingång lämnad eller återkallad).

    The secret itself is nowhere in the log: what stands here lets an auditor see who could have acted as whom.
    """

    STREAM = "person"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL = True

    person: Id
    access: Access
    expires: date | None = None


# --- events
class PersonEvent(Event):
    STREAM = "person"


class PersonRegistered(PersonEvent):
    """A person was entered in the register (person upplagd)."""

    TOPIC = "person-registered.v1"

    person: Id
    name: Annotated[Sealed, personal()]
    title: Annotated[Sealed, personal()] | None = None
    organisation: PublicName | None = None


class PersonRenamed(PersonEvent):
    """A person's name, title or organisation was changed (person ändrad)."""

    TOPIC = "person-renamed.v1"

    person: Id
    name: Annotated[Sealed, personal()]
    title: Annotated[Sealed, personal()] | None = None
    organisation: PublicName | None = None


class ContactChanged(PersonEvent):
    """Where a person is reached was changed (kontaktuppgift ändrad)."""

    TOPIC = "contact-changed.v1"

    person: Id
    email: Annotated[Sealed, personal(keep=Keep.CONTACT)]


class ElectronicIdentityChanged(PersonEvent):
    """What an outside signature service knows a person as was changed (e-identitet ändrad)."""

    TOPIC = "electronic-identity-changed.v1"

    person: Id
    identity: Annotated[Sealed, personal(keep=Keep.CONTACT)]


class RoleGranted(PersonEvent):
    """A person may act in a role from a day (behörighet given)."""

    TOPIC = "role-granted.v1"

    person: Id
    grant: Id
    role: Role
    body: Id | None
    valid_from: date
    valid_to: date | None
    ground: Annotated[Sealed, free("person", Keep.REGISTER)]


class RoleRevoked(PersonEvent):
    """A grant ends with a day (behörighet återkallad)."""

    TOPIC = "role-revoked.v1"

    person: Id
    grant: Id
    valid_to: date


class SigningPassphraseSet(PersonEvent):
    """A person chose a passphrase to sign with (lösenfras vald)."""

    TOPIC = "signing-passphrase-set.v1"

    person: Id


class AccessRecorded(PersonEvent):
    """A person was given a token or a link to choose a passphrase, or lost all of them (ingång)."""

    TOPIC = "access-recorded.v1"

    person: Id
    access: Access
    expires: date | None


COMMANDS = (
    RegisterPerson,
    RenamePerson,
    ChangeContact,
    ChangeElectronicIdentity,
    GrantRole,
    RevokeRole,
    RecordPassphrase,
    RecordAccess,
)
EVENTS = (
    PersonRegistered
    | PersonRenamed
    | ContactChanged
    | ElectronicIdentityChanged
    | RoleGranted
    | RoleRevoked
    | SigningPassphraseSet
    | AccessRecorded
    | PersonDataDisposed
)

GRANTABLE = frozenset({Role.SECRETARY, Role.REGISTRAR, Role.ARCHIVIST, Role.AUDITOR, Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, for a body ("" for the whole municipality), from one day to another (behörighet)."""

    grant: str
    role: Role
    body: str
    valid_from: date
    valid_to: date | None

    def stands(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Person(State):
    """A person as the register knows them (person)."""

    STREAM = "person"

    name: Known | Destroyed | None = None
    title: Known | Destroyed | None = None
    organisation: str = ""
    email: Known | Destroyed | None = None
    identity: Known | Destroyed | None = None
    grants: tuple[Grant, ...] = ()
    passphrase: bool = False

    @property
    def exists(self) -> bool:
        return self.name is not None

    def roles_at(self, day: date, body: str) -> frozenset[Role]:
        """The roles granted for a body, or for the whole municipality, that stand on a day."""
        return frozenset(
            grant.role for grant in self.grants if grant.stands(day) and grant.body in ("", body)
        )

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case PersonRegistered() | PersonRenamed():
                organisation = event.organisation or ""
                return replace(self, name=event.name, title=event.title, organisation=organisation)
            case ContactChanged():
                return replace(self, email=event.email)
            case ElectronicIdentityChanged():
                return replace(self, identity=event.identity)
            case RoleGranted():
                grant = Grant(event.grant, event.role, event.body or "", event.valid_from, event.valid_to)
                return replace(self, grants=(*self.grants, grant))
            case RoleRevoked():
                grants = tuple(
                    replace(grant, valid_to=event.valid_to) if grant.grant == event.grant else grant
                    for grant in self.grants
                )
                return replace(self, grants=grants)
            case SigningPassphraseSet():
                return replace(self, passphrase=True)
            case AccessRecorded() | PersonDataDisposed():
                return self  # told for the audit: who gets in, and which keys are gone, is the vault's to say
            case _:
                assert_never(event)


def decide(
    command: RegisterPerson
    | RenamePerson
    | ChangeContact
    | ChangeElectronicIdentity
    | GrantRole
    | RevokeRole
    | RecordPassphrase
    | RecordAccess,
    world: World,
    actor: Actor,
    now: datetime,
) -> list[New]:
    id = command.person
    if isinstance(command, RegisterPerson):
        unused(world, Person, id)
        return news(
            Person,
            id,
            PersonRegistered(
                person=id,
                name=Known(command.name),
                title=known(command.title),
                organisation=command.organisation,
            ),
        )
    person = existing(world, Person, id)
    match command:
        case RenamePerson():
            renamed = PersonRenamed(
                person=id,
                name=Known(command.name),
                title=known(command.title),
                organisation=command.organisation,
            )
            return news(Person, id, renamed)
        case ChangeContact():
            return news(Person, id, ContactChanged(person=id, email=Known(command.email)))
        case ChangeElectronicIdentity():
            changed = ElectronicIdentityChanged(person=id, identity=Known(command.identity))
            return news(Person, id, changed)
        case GrantRole():
            return _grant(command, person, world)
        case RevokeRole():
            grant = next((one for one in person.grants if one.grant == command.grant), None)
            if grant is None:
                raise NotFound("grant", command.grant)
            in_order(grant.valid_from, command.valid_to)
            return news(Person, id, RoleRevoked(person=id, grant=command.grant, valid_to=command.valid_to))
        case RecordPassphrase():
            return news(Person, id, SigningPassphraseSet(person=id))
        case RecordAccess():
            return news(Person, id, AccessRecorded(person=id, access=command.access, expires=command.expires))
        case _:
            assert_never(command)


def _grant(command: GrantRole, person: Person, world: World) -> list[New]:
    if command.role not in GRANTABLE:
        raise Refused("role-not-granted", house(9), role=str(command.role))
    if command.body is not None:
        existing(world, Body, command.body)
    if any(grant.grant == command.grant for grant in person.grants):
        raise id_taken("grant", command.grant)
    in_order(command.valid_from, command.valid_to)
    granted = RoleGranted(
        person=command.person,
        grant=command.grant,
        role=command.role,
        body=command.body,
        valid_from=command.valid_from,
        valid_to=command.valid_to,
        ground=Known(command.ground),
    )
    return news(Person, command.person, granted)
