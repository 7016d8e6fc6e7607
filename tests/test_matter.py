"""Matters and their numbers: one save, no gaps, no doubles, nothing burned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.body_events import BodyEstablished, BodyPlaced
from domain.constituting import AdoptRegulation
from domain.errors import Refused
from domain.grammar import written
from domain.matter import (
    AddAlias,
    AliasAdded,
    CloseMatter,
    Matter,
    MatterClassified,
    MatterClosed,
    MatterOpened,
    MatterVoided,
    OpenMatter,
    VoidMatter,
    diary_of,
    holder_of,
)
from domain.messages import Event, Known, New, Role
from domain.municipality import ChooseDiary, DiaryChosen, RegistryOpened
from domain.numbering import (
    ExternalNumberRecorded,
    NumberAllocated,
    Series,
    SeriesOpened,
    external_id,
    series_id,
)
from domain.regulation import parse
from domain.sources import house
from tests.council import adopted
from tests.given import Scenario, acting, fact, given, ident
from tests.test_regulation import HEAD

KS, COUNCIL = ident(1), ident(2)
SERIES = f"series-{series_id(KS, 2024)}"


def world(mode: str = "own", pattern: str | None = "KS{yy}.{n}") -> Scenario:
    diary: list[Event] = [RegistryOpened(name="Exempelkommun", slug="exempel", clock="real")]
    if mode != "unchosen":
        chosen = {"body": KS, "mode": mode, "pattern": pattern if mode == "own" else None}
        diary.append(DiaryChosen.model_validate(chosen))
    return given(
        {
            "municipality-registry": diary,
            f"body-{KS}": [BodyEstablished(body=KS, name="KS", kind="kommunstyrelse", parent=None)],
            f"body-{COUNCIL}": [BodyEstablished(body=COUNCIL, name="Rådet", kind="trygghetsrad", parent=KS)],
        }
    )


def test_a_body_that_was_moved_uses_the_diary_of_the_one_it_stood_under() -> None:
    text = (
        HEAD
        + '[rules.diary]\nmodality = "presens"\nsection = "1"\nvalue = {{ pattern = "{}{{yyyy}}/{{n}}" }}\n'
    )
    elsewhere = ident(0x77)
    streams: dict[str, list[Event]] = {
        f"body-{COUNCIL}": [
            BodyEstablished(body=COUNCIL, name="Rådet", kind="rad", parent=KS),
            BodyPlaced(body=COUNCIL, parent=elsewhere, valid_from=date(2024, 7, 1)),
        ]
    }
    for body, word in ((KS, "KS"), (elsewhere, "KF")):
        streams[f"body-{body}"] = [BodyEstablished(body=body, name=word, kind="namnd", parent=None)]
    scenario = given(streams)
    for body, word in ((KS, "KS"), (elsewhere, "KF")):
        adopt = AdoptRegulation(body=body, adopted_on=date(2024, 1, 1), profile=text.format(word))
        scenario = scenario.when(adopt, acting(Role.ADMINISTRATOR)).saved()
    found = [diary_of(COUNCIL, day, scenario.world) for day in (date(2024, 6, 30), date(2024, 7, 1))]
    assert [one and one.pattern for one in found] == ["KS{yyyy}/{n}", "KF{yyyy}/{n}"]


def opening(number: int, **changes: Any) -> OpenMatter:
    return OpenMatter.model_validate({"matter": ident(number), "body": KS, "title": "Översyn"} | changes)


def opened(number: int, diarienummer: str, *, external: bool = False) -> New:
    event = MatterOpened(
        matter=ident(number),
        body=KS,
        title=Known("Översyn"),
        diarienummer=diarienummer,
        external=external,
    )
    return New(f"matter-{ident(number)}", event)


# --- own numbers
def test_the_first_number_opens_the_series_in_the_same_save() -> None:
    outcome = world().when(opening(10))
    outcome.then(
        New(SERIES, SeriesOpened(body=KS, year=2024, pattern="KS{yy}.{n}", first=1)),
        New(SERIES, NumberAllocated(matter=ident(10))),
        opened(10, "KS24.1"),
    )
    after = outcome.saved().when(opening(11))
    after.then(New(SERIES, NumberAllocated(matter=ident(11))), opened(11, "KS24.2"))


def test_a_series_may_start_where_an_older_one_ended_but_only_when_it_opens() -> None:
    after = world().when(opening(10, first=276)).saved()
    assert after.world.get(Matter, ident(10)).diarienummer == "KS24.276"
    refused = after.when(opening(11, first=300)).then_refused("series-open", house(21))
    assert refused.values == {"year": 2024, "next": 277}


def test_the_year_is_the_one_asked_for_or_that_of_the_day() -> None:
    asked = world().when(opening(10, year=2023)).event(MatterOpened)
    assert asked.diarienummer == "KS23.1"
    late = world().when(opening(10, happened="hösten 2022")).event(MatterOpened)
    assert late.diarienummer == "KS22.1"
    unknown = world().when(opening(10, happened="okänt")).event(MatterOpened)
    assert unknown.diarienummer == "KS24.1"
    before = world().when(opening(10, happened="före 2021")).event(MatterOpened)
    assert before.diarienummer == "KS21.1"


@pytest.mark.parametrize("mode", ["external", "unchosen"])
def test_nothing_is_allocated_where_the_diary_is_kept_elsewhere(mode: str) -> None:
    world(mode).when(opening(10)).then_refused("number-from-elsewhere", house(6))


def test_a_series_keeps_the_pattern_it_opened_with() -> None:
    after = world().when(opening(10)).saved()
    after = after.when(ChooseDiary(body=KS, mode="own", pattern="KS {yyyy}/{n}")).saved()
    assert after.when(opening(11)).event(MatterOpened).diarienummer == "KS24.2"
    assert after.when(opening(12, year=2025)).event(MatterOpened).diarienummer == "KS 2025/1"


def test_a_series_leaves_a_number_with_the_matter_that_has_it() -> None:
    after = (
        world()
        .when(opening(10, diarienummer="ks 24.1"))
        .saved()
        .when(opening(11, diarienummer="KS24.2"))
        .saved()
    )
    outcome = after.when(opening(12))
    outcome.then(
        New(SERIES, SeriesOpened(body=KS, year=2024, pattern="KS{yy}.{n}", first=1)),
        New(SERIES, NumberAllocated(matter=ident(10))),
        New(SERIES, NumberAllocated(matter=ident(11))),
        New(SERIES, NumberAllocated(matter=ident(12))),
        opened(12, "KS24.3"),
    )


def test_two_diaries_whose_numbers_can_meet_never_give_one_twice() -> None:
    scenario = (
        world(pattern="X{yyyy}{n}").when(ChooseDiary(body=COUNCIL, mode="own", pattern="X{yy}{n}")).saved()
    )
    first = scenario.when(opening(10, first=5)).saved()
    assert first.world.get(Matter, ident(10)).diarienummer == "X20245"
    second = first.when(opening(11, body=COUNCIL, year=2020, first=245)).saved()
    assert second.world.get(Matter, ident(11)).diarienummer == "X20246"


# --- numbers from elsewhere
def test_a_number_from_elsewhere_is_recorded_as_given_and_by_whom() -> None:
    outcome = world("external").when(opening(10, diarienummer="KS23.276", given_by="kommunens registrator"))
    recorded = ExternalNumberRecorded(
        number="KS23.276", matter=ident(10), given_by=Known("kommunens registrator")
    )
    outcome.then(New(f"external-{external_id('KS23.276')}", recorded), opened(10, "KS23.276", external=True))
    state = outcome.saved().world.get(Matter, ident(10))
    assert (state.exists, state.body, state.title, state.external) == (True, KS, Known("Översyn"), True)


@pytest.mark.parametrize("again", ["KS23.276", "ks 23.276", "KS23.276 "])
def test_a_number_from_elsewhere_is_one_in_the_whole_registry(again: str) -> None:
    after = world("external").when(opening(10, diarienummer="KS23.276")).saved()
    refused = after.when(opening(11, diarienummer=again, body=COUNCIL)).then_refused(
        "number-taken", house(19)
    )
    assert refused.values["matter"] == ident(10)


def test_a_number_allocated_here_cannot_come_from_elsewhere_too() -> None:
    after = world().when(opening(10)).saved()
    after.when(opening(11, diarienummer="KS 24.1")).then_refused("number-taken", house(19))
    # Nor after the diary was moved elsewhere or given another pattern.
    for moved in (
        ChooseDiary(body=KS, mode="external"),
        ChooseDiary(body=KS, mode="own", pattern="KS {yyyy}/{n}"),
    ):
        later = after.when(moved).saved()
        later.when(opening(11, diarienummer="ks24.1")).then_refused("number-taken", house(19))
        assert later.when(opening(11, diarienummer="KS24.2")).event(MatterOpened).external


@pytest.mark.parametrize("more", [{"year": 2023}, {"first": 5}])
def test_year_and_first_number_go_with_own_numbers(more: dict[str, int]) -> None:
    world().when(opening(10, diarienummer="KS23.276", **more)).then_refused("year-goes-with-own", house(21))


# --- the matter
def test_a_matter_is_opened_once_for_a_body_of_the_register() -> None:
    world().when(opening(10)).saved().when(opening(10)).then_refused("id-taken", house(10))
    world().when(opening(10, body=ident(9))).then_refused("not-found", house(1))


def test_an_alias_resolves_to_one_matter() -> None:
    after = world().when(opening(10)).saved().when(opening(11)).saved()
    alias = AddAlias(matter=ident(10), diarienummer="2024KS265 040", given_by="arkivet")
    outcome = after.when(alias)
    recorded = ExternalNumberRecorded(number="2024KS265 040", matter=ident(10), given_by=Known("arkivet"))
    outcome.then(recorded, AliasAdded(matter=ident(10), diarienummer="2024KS265 040"))
    later = outcome.saved()
    assert later.world.get(Matter, ident(10)).aliases == ("2024KS265 040",)
    later.when(alias).then_nothing()
    later.when(AddAlias(matter=ident(10), diarienummer="KS24.1")).then_nothing()
    for taken in ("2024ks265040", "KS24.1"):
        other = AddAlias(matter=ident(11), diarienummer=taken)
        later.when(other).then_refused("number-taken", house(19))


# --- the grammars of the five diaries
GRAMMARS = [
    ("{ pattern = 'KS{yy}.{n}' }", "KS23.276", "ks 23.276"),
    ("{ pattern = 'KS {yy}/{n}' }", "KS 16/185", "KS16/185"),
    ("{ pattern = '{yyyy}KS/{n:4}' }", "2017KS/0118", "2017 ks/0118"),
    ("{ pattern = '{yyyy}.{n} KS' }", "2020.226 KS", "2020.226ks"),
    ("{ pattern = '{yyyy}KS{n}', classification = '[0-9]{3}' }", "2024KS265", "2024KS265 040"),
]


def with_diary(value: str, body: str = KS) -> Scenario:
    rules = parse(HEAD + f'[rules.diary]\nvalue = {value}\nmodality = "presens"\nsection = "1"\n')
    scenario = world("unchosen")
    scenario.world.append(f"body-{body}", adopted(rules, body))
    return scenario


@pytest.mark.fact("X2")
@pytest.mark.parametrize(("value", "number", "again"), GRAMMARS)
def test_each_diary_has_its_grammar_and_its_numbers_come_with_who_gave_them(
    value: str, number: str, again: str
) -> None:
    scenario = with_diary(value)
    outcome = scenario.when(opening(10, diarienummer=number, given_by="registrator"))
    outcome.then(
        ExternalNumberRecorded(number=number, matter=ident(10), given_by=Known("registrator")),
        opened(10, number, external=True),
    )
    after = outcome.saved()
    refused = after.when(opening(11, diarienummer=again)).then_refused("number-taken", house(19))
    assert refused.values["matter"] == ident(10)
    # Its own allocation is a setting, and the grammar is the rules'.
    own = after.when(ChooseDiary(body=KS, mode="own")).saved()
    year = (
        int(number[:4]) if number[:4].isdecimal() else 2000 + int("".join(filter(str.isdecimal, number))[:2])
    )
    first = int(number.rpartition("/")[2].rpartition(".")[2].removesuffix(" KS").rpartition("KS")[2])
    given_here = own.when(opening(12, year=year, first=first)).saved().world
    assert given_here.get(Matter, ident(10)).diarienummer == number
    assert given_here.get(Series, series_id(KS, year)).matters == (ident(10), ident(12))


@pytest.mark.fact("H1")
def test_a_code_of_classification_is_no_part_of_the_number_and_stays_as_written() -> None:
    scenario = with_diary(GRAMMARS[4][0])
    outcome = scenario.when(opening(10, diarienummer="2024KS265 040"))
    classified = MatterClassified(matter=ident(10), classification="040", written="2024KS265 040")
    outcome.then(
        ExternalNumberRecorded(number="2024KS265", matter=ident(10)),
        opened(10, "2024KS265", external=True),
        New(f"matter-{ident(10)}", classified),
    )
    after = outcome.saved()
    assert after.world.get(Matter, ident(10)).classifications == ("040",)
    for again in ("2024KS265", "2024KS265 040", "2024ks265  041"):
        refused = after.when(opening(11, diarienummer=again)).then_refused("number-taken")
        assert refused.values["matter"] == ident(10)
    after.when(AddAlias(matter=ident(10), diarienummer="2024KS265 040")).then_nothing()
    after.when(AddAlias(matter=ident(10), diarienummer="2024KS265")).then_nothing()
    second = after.when(AddAlias(matter=ident(10), diarienummer="2024KS265 041"))
    second.then(MatterClassified(matter=ident(10), classification="041", written="2024KS265 041"))
    # Without the space it is another matter's number.
    other = after.when(opening(11, diarienummer="2024KS265040")).saved()
    assert holder_of("2024KS265040", other.world) == ident(11)
    assert holder_of("2024KS265", other.world) == ident(10)


@pytest.mark.fact("X2")
def test_a_number_that_the_diary_also_writes_in_another_way_is_the_same() -> None:
    scenario = with_diary("{ pattern = 'KS {yy}/{n}', also = ['{yyyy}KS/{n:4}'] }")
    after = scenario.when(opening(10, diarienummer="KS 16/185")).saved()
    refused = after.when(opening(11, diarienummer="2016KS/0185")).then_refused("number-taken", house(19))
    assert refused.values["matter"] == ident(10)
    alias = after.when(AddAlias(matter=ident(10), diarienummer="2016KS/0185"))
    alias.then(
        ExternalNumberRecorded(number="2016KS/0185", matter=ident(10)),
        AliasAdded(matter=ident(10), diarienummer="2016KS/0185"),
    )
    alias.saved().when(AddAlias(matter=ident(10), diarienummer="2016ks/0185")).then_nothing()


def test_a_body_without_a_diary_rule_uses_that_of_the_body_above() -> None:
    scenario = with_diary(GRAMMARS[4][0], KS)
    event = scenario.when(opening(10, body=COUNCIL, diarienummer="2024KS265 040")).event(MatterOpened)
    assert event.diarienummer == "2024KS265"


def test_own_numbers_without_a_rule_need_a_pattern() -> None:
    world("unchosen").when(ChooseDiary(body=KS, mode="own")).then_refused("pattern-goes-with-own", house(6))


def test_a_void_matter_keeps_its_number_and_the_series_goes_on() -> None:
    after = world().when(opening(10)).saved()
    outcome = after.when(VoidMatter(matter=ident(10), reason="dubblett"))
    later = outcome.then(MatterVoided(matter=ident(10), reason=Known("dubblett"))).saved()
    assert later.world.get(Matter, ident(10)).voided
    assert later.when(opening(11)).event(MatterOpened).diarienummer == "KS24.2"
    for command in (
        VoidMatter(matter=ident(10), reason="igen"),
        CloseMatter(matter=ident(10)),
        AddAlias(matter=ident(10), diarienummer="KS9"),
    ):
        refused = later.when(command).then_refused("matter-voided", house(18))
        assert refused.values == {"number": "KS24.1"}


def test_a_matter_is_closed_once() -> None:
    after = world().when(opening(10)).saved().when(CloseMatter(matter=ident(10)))
    later = after.then(MatterClosed(matter=ident(10))).saved()
    assert later.world.get(Matter, ident(10)).closed
    later.when(CloseMatter(matter=ident(10))).then_nothing()


@pytest.mark.parametrize(
    "command",
    [
        VoidMatter(matter=ident(9), reason="x"),
        CloseMatter(matter=ident(9)),
        AddAlias(matter=ident(9), diarienummer="KS9"),
    ],
)
def test_a_matter_that_is_not_opened_has_nothing(command: VoidMatter) -> None:
    world().when(command).then_refused("not-found", house(1))


def test_an_event_of_another_stream_changes_nothing() -> None:
    state = Matter()
    assert state.evolve(fact(NumberAllocated(matter=KS))) is state
    assert not replace(state, title=Known("x")).exists


class Diary(RuleBasedStateMachine):
    """Any mixture of own and outside numbers, aliases and voidings: a number never means two matters."""

    @initialize()
    def start(self) -> None:
        self.scenario, self.count = world(), 100
        self.numbers: dict[str, str] = {}

    def _ask(self, command: Any) -> None:
        outcome = self.scenario.when(command)
        if outcome.error:
            assert isinstance(outcome.error, Refused)
            return
        self.scenario = outcome.saved()
        for event in outcome.events:
            if isinstance(event, MatterOpened | AliasAdded):
                assert event.diarienummer not in self.numbers, "one number, two matters"
                self.numbers[event.diarienummer] = event.matter

    @rule(year=st.sampled_from([2023, 2024]), first=st.sampled_from([None, 1, 3]))
    def own(self, year: int, first: int | None) -> None:
        self.count += 1
        self._ask(opening(self.count, year=year, first=first))

    @rule(year=st.sampled_from([23, 24]), number=st.integers(1, 9))
    def elsewhere(self, year: int, number: int) -> None:
        self.count += 1
        self._ask(opening(self.count, diarienummer=f"KS{year}.{number}"))

    @rule(pick=st.integers(0, 20), year=st.sampled_from([23, 24]), number=st.integers(1, 9))
    def alias(self, pick: int, year: int, number: int) -> None:
        matters = sorted(set(self.numbers.values()))
        if matters:
            self._ask(AddAlias(matter=matters[pick % len(matters)], diarienummer=f"KS{year}.{number}"))

    @rule(pick=st.integers(0, 20))
    def void(self, pick: int) -> None:
        matters = sorted(set(self.numbers.values()))
        if matters:
            self._ask(VoidMatter(matter=matters[pick % len(matters)], reason="fel"))

    @invariant()
    def every_number_has_its_one_holder(self) -> None:
        for number, matter in self.numbers.items():
            assert holder_of(number, self.scenario.world) == matter

    @invariant()
    def every_series_is_whole(self) -> None:
        for year in (2023, 2024):
            series = self.scenario.world.get(Series, series_id(KS, year))
            for offset, matter in enumerate(series.matters):
                number = written(series.pattern, year, series.first + offset)
                assert self.numbers[number] == matter


TestDiary = Diary.TestCase
TestDiary.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
