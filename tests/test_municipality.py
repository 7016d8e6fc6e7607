"""One registry, one municipality: opened once, with its clock declared and its diaries chosen."""

from __future__ import annotations

import pytest

from domain.body_events import BodyEstablished
from domain.errors import NotFound
from domain.messages import Event, Known, Role
from domain.municipality import (
    REGISTRY,
    ChooseDiary,
    ClockReset,
    Diary,
    DiaryChosen,
    GoneKey,
    KeyCompromised,
    KeyReplaced,
    Municipality,
    OpenRegistry,
    RecordRestore,
    RegistryOpened,
    RegistryRestored,
    ReplaceKey,
    ReportKeyCompromised,
    ResetClock,
)
from domain.person import PersonRegistered
from domain.sources import house
from tests.given import DictWorld, acting, fact, given, ident

NAME = "municipality-registry"
KS, COUNCIL = ident(1), ident(2)
SYSTEM = acting(Role.SYSTEM, "system", assurance="system")
OPENED = RegistryOpened(name="Exempelkommun", slug="exempel", clock="simulated")


def established(body: str, name: str = "Kommunstyrelsen") -> dict[str, list[Event]]:
    return {f"body-{body}": [BodyEstablished(body=body, name=name, kind="kommunstyrelse", parent=None)]}


def test_a_registry_is_opened_once() -> None:
    command = OpenRegistry(name="Exempelkommun", slug="exempel", clock="simulated")
    after = given().when(command, SYSTEM).then(OPENED).saved()
    assert after.when(command, SYSTEM).then_refused("registry-open", house(3)).values == {
        "name": "Exempelkommun"
    }
    state = after.world.get(Municipality, REGISTRY)
    assert (state.exists, state.name, state.slug, state.clock) == (
        True,
        "Exempelkommun",
        "exempel",
        "simulated",
    )


def test_nothing_is_chosen_before_the_registry_is_open() -> None:
    for command in (ChooseDiary(body=KS, mode="external"), ResetClock(reason="fel år")):
        assert isinstance(given().when(command).then_refused("not-found", house(1)), NotFound)
    assert not DictWorld().get(Municipality, REGISTRY).exists


def test_a_body_has_its_diary_elsewhere_or_here() -> None:
    world = given({NAME: [OPENED], **established(KS)})
    own = world.when(ChooseDiary(body=KS, mode="own", pattern="KS{yy}.{n}"))
    after = own.then(DiaryChosen(body=KS, mode="own", pattern="KS{yy}.{n}")).saved()
    assert after.world.get(Municipality, REGISTRY).diaries == {KS: Diary("own", "KS{yy}.{n}")}
    after.when(ChooseDiary(body=KS, mode="own", pattern="KS{yy}.{n}")).then_nothing()
    elsewhere = after.when(ChooseDiary(body=KS, mode="external")).saved().world.get(Municipality, REGISTRY)
    assert elsewhere.diaries == {KS: Diary("external", "")}
    assert elsewhere.patterns == ((KS, "KS{yy}.{n}"),), "its series remain"


def test_choosing_the_same_pattern_again_is_remembered_once() -> None:
    world = given({NAME: [OPENED], **established(KS)})
    for command in (
        ChooseDiary(body=KS, mode="own", pattern="KS{yy}.{n}"),
        ChooseDiary(body=KS, mode="external"),
        ChooseDiary(body=KS, mode="own", pattern="KS{yy}.{n}"),
    ):
        world = world.when(command).saved()
    assert world.world.get(Municipality, REGISTRY).patterns == ((KS, "KS{yy}.{n}"),)


def test_a_diary_belongs_to_a_body_of_the_register() -> None:
    given({NAME: [OPENED]}).when(ChooseDiary(body=KS, mode="external")).then_refused("not-found", house(1))


@pytest.mark.parametrize(("mode", "pattern"), [("own", None), ("external", "KS{yy}.{n}")])
def test_a_pattern_goes_with_an_own_diary(mode: str, pattern: str | None) -> None:
    command = ChooseDiary.model_validate({"body": KS, "mode": mode, "pattern": pattern})
    given({NAME: [OPENED], **established(KS)}).when(command).then_refused("pattern-goes-with-own", house(6))


@pytest.mark.parametrize(
    "pattern", ["KS", "KS{n}", "KS{yy}", "{n}{n}{yy}", "{yy}{yyyy}{n}", "KS_{yy}.{n}", "KS{yy}{n}{x}"]
)
def test_a_pattern_gives_usable_numbers(pattern: str) -> None:
    command = ChooseDiary(body=KS, mode="own", pattern=pattern)
    given({NAME: [OPENED], **established(KS)}).when(command).then_refused("pattern-unusable", house(6))


def test_two_bodies_never_share_a_pattern_even_one_given_up() -> None:
    world = given({NAME: [OPENED], **established(KS), **established(COUNCIL, "Rådet")})
    world = world.when(ChooseDiary(body=KS, mode="own", pattern="KS{yy}.{n}")).saved()
    world = world.when(ChooseDiary(body=KS, mode="own", pattern="KS {yyyy}/{n}")).saved()
    for pattern in ("KS{yy}.{n}", "KS {yyyy}/{n}", "ks{yy}. {n}"):
        command = ChooseDiary(body=COUNCIL, mode="own", pattern=pattern)
        world.when(command).then_refused("pattern-taken", house(6))
    world.when(ChooseDiary(body=COUNCIL, mode="own", pattern="TR{yy}.{n}")).saved()


def test_the_clock_is_set_right_with_a_reason() -> None:
    outcome = given({NAME: [OPENED]}).when(ResetClock(reason="klockan stod på 2042"), SYSTEM)
    after = outcome.then(ClockReset(reason=Known("klockan stod på 2042"))).saved()
    assert after.world.get(Municipality, REGISTRY).clock == "simulated"


def test_an_event_of_another_stream_changes_nothing() -> None:
    state = Municipality()
    assert state.evolve(fact(PersonRegistered(person=KS, name=Known("A")))) is state


def test_a_key_gives_way_to_the_one_that_follows_it() -> None:
    first, second, third = "1" * 64, "2" * 64, "3" * 64
    world = given({NAME: [OPENED]})
    swap = ReplaceKey(key="seal", old=first, new=second)
    after = world.when(swap, SYSTEM).then(KeyReplaced(key="seal", old=first, new=second)).saved()
    after.when(swap, SYSTEM).then_nothing()
    wrong = ReplaceKey(key="seal", old=first, new=third)
    assert after.when(wrong, SYSTEM).then_refused("key-already-replaced", house(141)).values == {
        "key": "seal"
    }
    last = after.when(ReplaceKey(key="seal", old=second, new=third), SYSTEM).saved()
    assert last.world.get(Municipality, REGISTRY).keys == {"seal": third}


def test_a_key_is_found_out_from_a_time_that_only_becomes_earlier() -> None:
    def told(since: str) -> ReportKeyCompromised:
        return ReportKeyCompromised(key="seal", old="1" * 64, since=since)

    world = given({NAME: [OPENED]})
    world.when(told("2099-01-01T00:00"), SYSTEM).then_refused("compromised-later", house(141))
    found = KeyCompromised(key="seal", old="1" * 64, since="2023-05-02T10:00")
    after = world.when(told("2023-05-02T10:00"), SYSTEM).then(found).saved()
    after.when(told("2023-05-02T10:00"), SYSTEM).then_nothing()
    after.when(told("2023-06-01T10:00"), SYSTEM).then_nothing()
    earlier = after.when(told("2023-01-01T10:00"), SYSTEM).saved().world.get(Municipality, REGISTRY)
    assert earlier.compromised == {"1" * 64: "2023-01-01T10:00"}


def test_a_restore_says_in_the_log_what_it_lost() -> None:
    gone = [GoneKey(key="1" * 32, decided=7)]
    told = RecordRestore(last=5, lost_to=9, gone=gone)
    world = given({NAME: [OPENED]}).when(told, SYSTEM)
    after = world.then(RegistryRestored(last=5, lost_to=9, gone=tuple(gone))).saved()
    assert after.world.get(Municipality, REGISTRY).slug
    unknown = RecordRestore(last=5, gone=gone)
    after.when(unknown, SYSTEM).then(RegistryRestored(last=5, lost_to=None, gone=tuple(gone)))
