"""Putting a registry together: a folder made and opened, a command's way through it, the calendar it is given."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from api.settings import NAME, NoRootKey, NotAFolder
from api.wiring import (
    CALENDAR_YEARS,
    OPERATOR_ROLES,
    SYSTEM,
    Municipality,
    Preconditions,
    clock_declared,
    create_folder,
    open_folder,
    target_stream,
    with_calendar,
)
from domain.approving import SealMinutes
from domain.constituting import AdoptRegulation, EstablishBody
from domain.errors import Forbidden, Refused
from domain.person import Person, RegisterPerson, RenamePerson
from domain.sources import house
from registry.clock import ZONE, SimulatedClock
from registry.registry import Once
from registry.vault import WrongRootKey
from tests.given import ident

START = datetime(2024, 2, 1, 9, 0, tzinfo=ZONE)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    create(folder).close()
    return folder


def create(folder: Path) -> Municipality:
    return create_folder(
        folder / "town", "exempelby", "Exempelby kommun", folder / "keys" / "town.key",
        clock=SimulatedClock(START), simulated=True,
    )  # fmt: skip


@pytest.fixture
def town(made: Path, tmp_path: Path) -> Iterator[Municipality]:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    municipality = open_folder(tmp_path / "town", clock=SimulatedClock(START + DAY))
    yield municipality
    municipality.close()


# --- the folder
def test_a_new_folder_has_one_person_who_may_do_anything_and_a_checkpoint(town: Municipality) -> None:
    operator = town.registry.get(Person, town.settings.operator)
    assert {grant.role for grant in operator.grants} == set(OPERATOR_ROLES)
    assert clock_declared(town) == "simulated"
    assert (town.slug, town.name) == ("exempelby", "Exempelby kommun")
    notes = sorted((town.dir / "checkpoints").glob("*.note"))
    assert [note.read_bytes() for note in notes] == [note for _, note in town.registry.recorder.checkpoints()]
    assert len(notes) == 1


def test_the_root_key_lies_outside_the_folder_and_is_found_again(made: Path) -> None:
    key = (made / "keys" / "town.key").read_text("ascii").strip()
    assert not [
        path for path in (made / "town").rglob("*") if path.is_file() and key.encode() in path.read_bytes()
    ]
    assert "keys/town.key" in (made / "town" / NAME).read_text("utf-8")


def test_without_its_key_or_with_another_a_folder_does_not_open(town: Municipality) -> None:
    folder, key = town.dir, town.dir.parent / "keys" / "town.key"
    key.write_text("ab" * 32, "ascii")
    with pytest.raises(WrongRootKey):
        open_folder(folder)
    key.unlink()
    with pytest.raises(NoRootKey):
        open_folder(folder)


def test_nothing_is_made_where_something_is(tmp_path: Path) -> None:
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(NotAFolder):
        create(tmp_path)
    assert not (tmp_path / "keys").exists()
    with pytest.raises(NotAFolder):
        open_folder(tmp_path / "nowhere")


def test_what_was_done_is_there_when_it_is_opened_again(town: Municipality) -> None:
    town.execute(RegisterPerson(person=ident(1), name="Rut Provberg"), town.settings.operator, "token")
    head = town.registry.recorder.head().position
    town.close()
    again = open_folder(town.dir, clock=SimulatedClock(START + 2 * DAY))
    try:
        assert again.registry.recorder.head().position == head
        assert str(again.registry.get(Person, ident(1)).name) == "Rut Provberg"
    finally:
        again.close()


# --- the way of a command
def test_a_command_is_authorised_before_anything_else(town: Municipality) -> None:
    before = town.registry.recorder.head().position
    command = RenamePerson(person=town.settings.operator, name="Någon annan")
    with pytest.raises(Forbidden):
        town.execute(
            command, ident(9), "token", if_match=99
        )  # who may not is not told which version there is
    with pytest.raises(Preconditions) as caught:
        town.execute(command, town.settings.operator, "token", if_match=99)
    assert caught.value.expected == 99 and caught.value.found > 0
    saved = town.execute(command, town.settings.operator, "token", if_match=caught.value.found)
    assert saved.position == before + 1


def test_what_only_the_registry_does_nobody_else_does(town: Municipality) -> None:
    seal = SealMinutes(minutes=ident(2), version=1, file="a" * 64, pdf="b" * 64, size=1)
    with pytest.raises(Forbidden):
        town.execute(seal, town.settings.operator, "token")


def test_the_same_request_twice_is_one_event(town: Municipality) -> None:
    once = Once(town.settings.operator, "register-person", "key-1", b"{}")
    command = RegisterPerson(person=ident(1), name="Rut Provberg")
    first = town.execute(command, town.settings.operator, "token", once=once)
    again = town.execute(command, town.settings.operator, "token", once=once)
    assert (first.again, again.again) == (False, True)
    assert first.position == again.position


def test_a_check_of_the_registrys_own_act_is_part_of_the_decision(town: Municipality) -> None:
    before = town.registry.recorder.head().position
    with pytest.raises(Refused, match="no"):
        town.execute_as(RegisterPerson(person=ident(1), name="Rut Provberg"), SYSTEM, check=refuse)
    assert town.registry.recorder.head().position == before


def refuse(_: object) -> None:
    raise Refused("no", house(1))


def test_a_command_is_about_the_stream_that_it_names() -> None:
    assert target_stream(RegisterPerson(person=ident(1), name="Rut")) == f"person-{ident(1)}"
    body = EstablishBody(body=ident(3), name="Rådet", kind="rad")
    assert target_stream(body) == f"body-{ident(3)}"


# --- the calendar
def adoption(**more: object) -> AdoptRegulation:
    asked = {
        "body": ident(3),
        "adopted_by": ident(4),
        "adopted_on": date(2023, 11, 10),
        "profile": "x",
    } | more
    return AdoptRegulation.model_validate(asked)


def test_an_adoption_gets_the_days_on_which_nobody_works() -> None:
    given = with_calendar(adoption())
    assert isinstance(given, AdoptRegulation)
    days = set(given.non_working_days)
    free = ["2024-01-01", "2024-01-06", "2024-03-29", "2024-04-01", "2024-05-01", "2024-05-09",
            "2024-06-06", "2024-06-21", "2024-06-22", "2024-11-02", "2024-12-24", "2024-12-25",
            "2024-12-26", "2024-12-31"]  # fmt: skip
    assert {date.fromisoformat(day) for day in free} <= days
    at_work = ["2024-01-05", "2024-03-28", "2024-04-30", "2024-05-10", "2024-12-23", "2024-12-30"]
    assert not {date.fromisoformat(day) for day in at_work} & days  # half days and bridges are working days
    assert {day.year for day in days} == set(range(2023, 2023 + CALENDAR_YEARS))
    assert given.non_working_days == sorted(days)


def test_a_calendar_that_was_given_stands_and_nothing_else_gets_one() -> None:
    own = adoption(non_working_days=[date(2024, 5, 10)])
    assert with_calendar(own) is own
    other = RegisterPerson(person=ident(1), name="Rut")
    assert with_calendar(other) is other
    nowhen = adoption(adopted_on=None)
    assert with_calendar(nowhen) is nowhen
    later = with_calendar(adoption(valid_from=date(2025, 1, 1)))
    assert isinstance(later, AdoptRegulation)
    assert min(later.non_working_days).year == 2025
