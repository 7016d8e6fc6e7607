"""People: sealed names, contact apart, and roles that are granted from a day to a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.body_events import BodyEstablished
from domain.messages import Destroyed, Known, Role
from domain.person import (
    GRANTABLE,
    Access,
    AccessRecorded,
    ChangeContact,
    ContactChanged,
    GrantRole,
    Person,
    PersonRegistered,
    PersonRenamed,
    RecordAccess,
    RecordPassphrase,
    RegisterPerson,
    RenamePerson,
    RevokeRole,
    RoleGranted,
    RoleRevoked,
    SigningPassphraseSet,
)
from domain.sources import house
from tests.given import DictWorld, Scenario, fact, given, ident

ANNA, BODY, GRANT = ident(1), ident(2), ident(3)
DAY = date(2024, 1, 1)
REGISTERED = PersonRegistered(person=ANNA, name=Known("Anna Ek"))


def registered() -> Scenario:
    body = BodyEstablished(body=BODY, name="Rådet", kind="trygghetsrad", parent=None)
    return given({f"person-{ANNA}": [REGISTERED], f"body-{BODY}": [body]})


def grant(role: Role = Role.SECRETARY, **changes: object) -> GrantRole:
    fields = {"person": ANNA, "grant": GRANT, "role": role, "valid_from": DAY, "ground": "delegation"}
    return GrantRole.model_validate(fields | changes)


def test_a_person_is_entered_once() -> None:
    command = RegisterPerson(person=ANNA, name="Anna Ek", title="Säkerhetschef", organisation="Polisen")
    entered = PersonRegistered(
        person=ANNA, name=Known("Anna Ek"), title=Known("Säkerhetschef"), organisation="Polisen"
    )
    after = given().when(command).then(entered).saved()
    state = after.world.get(Person, ANNA)
    assert (state.exists, state.title, state.organisation) == (True, Known("Säkerhetschef"), "Polisen")
    after.when(command).then_refused("id-taken", house(10))


def test_without_an_id_each_person_gets_an_own_one() -> None:
    assert RegisterPerson(name="Anna Ek").person != RegisterPerson(name="Anna Ek").person


def test_a_name_changes_by_a_later_event() -> None:
    outcome = registered().when(RenamePerson(person=ANNA, name="Anna Alm"))
    after = outcome.then(PersonRenamed(person=ANNA, name=Known("Anna Alm"))).saved()
    assert after.world.get(Person, ANNA).name == Known("Anna Alm")


def test_contact_is_kept_apart_from_the_name() -> None:
    outcome = registered().when(ChangeContact(person=ANNA, email="anna@example.org"))
    after = outcome.then(ContactChanged(person=ANNA, email=Known("anna@example.org"))).saved()
    assert after.world.get(Person, ANNA).email == Known("anna@example.org")
    for bad in ("anna", "a@b@c", "anna @example.org", "@", ""):
        with pytest.raises(ValidationError):
            ChangeContact(person=ANNA, email=bad)


@pytest.mark.parametrize(
    "command",
    [
        RenamePerson(person=ANNA, name="X"),
        ChangeContact(person=ANNA, email="a@b"),
        grant(),
        RevokeRole(person=ANNA, grant=GRANT, valid_to=DAY),
        RecordPassphrase(person=ANNA),
    ],
)
def test_a_person_who_is_not_entered_has_nothing(command: RenamePerson) -> None:
    given().when(command).then_refused("not-found", house(1))
    assert not DictWorld().get(Person, ANNA).exists


@pytest.mark.parametrize("role", sorted(GRANTABLE))
def test_a_granted_role_stands_from_its_day_to_its_last(role: Role) -> None:
    outcome = registered().when(grant(role, body=BODY, valid_to=DAY + timedelta(days=9)))
    state = outcome.saved().world.get(Person, ANNA)
    for offset, stands in ((-1, False), (0, True), (9, True), (10, False)):
        roles = state.roles_at(DAY + timedelta(days=offset), BODY)
        assert roles == (frozenset({role}) if stands else frozenset())
    assert state.roles_at(DAY, "") == frozenset(), "a body's role is not the municipality's"
    assert state.roles_at(DAY, ident(9)) == frozenset()


def test_a_grant_for_the_municipality_stands_for_every_body() -> None:
    outcome = registered().when(grant(Role.REGISTRAR))
    granted = RoleGranted(
        person=ANNA,
        grant=GRANT,
        role=Role.REGISTRAR,
        body=None,
        valid_from=DAY,
        valid_to=None,
        ground=Known("delegation"),
    )
    state = outcome.then(granted).saved().world.get(Person, ANNA)
    assert state.roles_at(DAY, BODY) == state.roles_at(DAY, "") == frozenset({Role.REGISTRAR})


@pytest.mark.parametrize("role", sorted(set(Role) - GRANTABLE))
def test_what_follows_from_elections_is_never_granted(role: Role) -> None:
    registered().when(grant(role)).then_refused("role-not-granted", house(9))


def test_a_grant_is_for_a_body_of_the_register_in_order_and_once() -> None:
    registered().when(grant(body=ident(9))).then_refused("not-found", house(1))
    backwards = grant(valid_to=DAY - timedelta(days=1))
    registered().when(backwards).then_refused("ends-before-it-begins", house(14))
    registered().when(grant()).saved().when(grant()).then_refused("id-taken", house(10))


def test_a_role_is_revoked_from_a_day_on() -> None:
    world = registered().when(grant()).saved().when(grant(Role.AUDITOR, grant=ident(4))).saved()
    outcome = world.when(RevokeRole(person=ANNA, grant=GRANT, valid_to=DAY + timedelta(days=1)))
    outcome.then(RoleRevoked(person=ANNA, grant=GRANT, valid_to=DAY + timedelta(days=1)))
    state = outcome.saved().world.get(Person, ANNA)
    assert state.roles_at(DAY + timedelta(days=1), "") == {Role.SECRETARY, Role.AUDITOR}
    assert state.roles_at(DAY + timedelta(days=2), "") == {Role.AUDITOR}
    unknown = RevokeRole(person=ANNA, grant=ident(5), valid_to=DAY)
    assert world.when(unknown).then_refused("not-found", house(1)).values["what"] == "grant"
    early = RevokeRole(person=ANNA, grant=GRANT, valid_to=DAY - timedelta(days=1))
    world.when(early).then_refused("ends-before-it-begins", house(14))


def test_that_a_passphrase_was_chosen_is_recorded_and_nothing_of_it() -> None:
    outcome = registered().when(RecordPassphrase(person=ANNA))
    after = outcome.then(SigningPassphraseSet(person=ANNA)).saved()
    assert after.world.get(Person, ANNA).passphrase
    assert set(SigningPassphraseSet.model_fields) == {"person"}


@pytest.mark.parametrize("access", ["token-issued", "passphrase-link-issued", "revoked"])
def test_that_somebody_was_let_in_is_told_and_changes_nothing_else(access: Access) -> None:
    outcome = registered().when(RecordAccess(person=ANNA, access=access, expires=date(2024, 6, 1)))
    after = outcome.then(AccessRecorded(person=ANNA, access=access, expires=date(2024, 6, 1))).saved()
    assert after.world.get(Person, ANNA) == registered().world.get(Person, ANNA)
    assert set(AccessRecorded.model_fields) == {"person", "access", "expires"}


def test_a_destroyed_name_is_still_a_person() -> None:
    world = given({f"person-{ANNA}": [PersonRegistered(person=ANNA, name=Destroyed("c" * 64))]})
    assert world.world.get(Person, ANNA).exists


def test_an_event_of_another_stream_changes_nothing() -> None:
    state = Person()
    body = BodyEstablished(body=BODY, name="Rådet", kind="trygghetsrad", parent=None)
    assert state.evolve(fact(body)) is state


@for_all(
    st.lists(
        st.tuples(st.sampled_from(sorted(GRANTABLE)), st.integers(0, 60), st.integers(0, 30), st.booleans()),
        max_size=6,
    ),
    st.integers(0, 100),
)
def test_roles_are_what_the_grants_say_whatever_their_order(
    grants: list[tuple[Role, int, int, bool]], offset: int
) -> None:
    day = DAY + timedelta(days=offset)
    world = registered()
    for number, (role, start, length, whole) in enumerate(grants):
        first = DAY + timedelta(days=start)
        command = grant(
            role,
            grant=ident(100 + number),
            body=None if whole else BODY,
            valid_from=first,
            valid_to=first + timedelta(days=length),
        )
        world = world.when(command).saved()
    expected = {role for role, start, length, _ in grants if start <= offset <= start + length}
    assert world.world.get(Person, ANNA).roles_at(day, BODY) == expected
