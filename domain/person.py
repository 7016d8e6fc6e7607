"""A person in the register: name and office, contact, and what the person may do.

- A person is a random id; the name, the title and the contact are sealed under keys of their own, so that contact data
  can be destroyed while the name in an approved document stands.
- A role is granted from one day to another, for one body or the whole municipality, on a stated ground (husregel 6).
  Chair, justerare and member follow from mandates and elections and are never granted here (husregel 7).
- Nobody is taken out of the log: a role is revoked from a day on, a name is changed by a later event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Self, assert_never

from pydantic import Field

from domain.errors import NotFound, Refused
from domain.messages import (
    Actor,
    Command,
    Event,
    Fact,
    Id,
    Keep,
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
    stream,
)
from domain.sources import house


# --- commands
class RegisterPerson(Command):
    """Enter a person in the register."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR, Role.SYSTEM})

    person: Id = Field(default_factory=fresh_id)
    name: Line
    title: Line | None = None
    organisation: PublicName | None = None


class RenamePerson(Command):
    """Change a person's name, title and organisation from now on."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR})

    person: Id
    name: Line
    title: Line | None = None
    organisation: PublicName | None = None


class ChangeContact(Command):
    """Change where a person is reached."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SECRETARY, Role.REGISTRAR, Role.SYSTEM})

    person: Id
    email: Annotated[Line, Field(pattern=r"^[^@\s]+@[^@\s]+$")]


class GrantRole(Command):
    """Let a person act in a role, for a body or (without one) the whole municipality."""

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
    """Let a grant end with a day."""

    STREAM = "person"
    ROLES = frozenset({Role.ADMINISTRATOR, Role.SYSTEM})

    person: Id
    grant: Id
    valid_to: date


class RecordPassphrase(Command):
    """Record that a person has chosen a passphrase to sign with; the passphrase is not here."""

    STREAM = "person"
    ROLES = frozenset({Role.SYSTEM})
    INTERNAL = True

    person: Id


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


COMMANDS = (RegisterPerson, RenamePerson, ChangeContact, GrantRole, RevokeRole, RecordPassphrase)
EVENTS = PersonRegistered | PersonRenamed | ContactChanged | RoleGranted | RoleRevoked | SigningPassphraseSet
