"""Series without gaps, numbers without doubles."""

from __future__ import annotations

import pytest

from domain.grammar import normalised
from domain.messages import Known
from domain.numbering import (
    ExternalNumber,
    ExternalNumberRecorded,
    NumberAllocated,
    Series,
    SeriesOpened,
    external_id,
    series_id,
)
from tests.given import DictWorld, fact, given, ident

BODY = ident(1)


def test_a_number_is_first_plus_version_minus_two() -> None:
    matters = [ident(10 + n) for n in range(4)]
    name = f"series-{series_id(BODY, 2024)}"
    opened = SeriesOpened(body=BODY, year=2024, pattern="KS{yy}.{n}", first=7)
    world = given({name: [opened, *(NumberAllocated(matter=matter) for matter in matters)]}).world
    series = world.get(Series, series_id(BODY, 2024))
    assert (series.body, series.year, series.pattern) == (BODY, 2024, "KS{yy}.{n}")
    for one in world.streams[name][1:]:
        assert isinstance(one.event, NumberAllocated)
        assert series.matter(7 + one.version - 2) == one.event.matter
    assert series.next == 11
    assert series.matter(6) == series.matter(11) == ""


def test_before_anything_there_is_no_series_and_no_number() -> None:
    assert not DictWorld().get(Series, series_id(BODY, 2024)).exists
    assert DictWorld().get(Series, series_id(BODY, 2024)).matter(0) == ""
    assert not DictWorld().get(ExternalNumber, external_id("KS23.276")).exists


def test_an_external_number_is_a_stream_of_its_own() -> None:
    name = f"external-{external_id('KS23.276')}"
    recorded = ExternalNumberRecorded(number="KS23.276", matter=ident(2), given_by=Known("registrator"))
    state = given({name: [recorded]}).world.get(ExternalNumber, external_id("ks 23.276"))
    assert (state.exists, state.number, state.matter) == (True, "KS23.276", ident(2))


def test_an_event_of_another_stream_changes_nothing() -> None:
    series, external = Series(), ExternalNumber()
    assert series.evolve(fact(ExternalNumberRecorded(number="KS1", matter=BODY))) is series
    assert external.evolve(fact(NumberAllocated(matter=BODY))) is external


@pytest.mark.parametrize("same", ["KS 16/185", "ks16/185", " KS  16 / 185 ", "KS\u00a016/185"])
def test_spaces_and_capitals_do_not_make_another_number(same: str) -> None:
    assert external_id(same) == external_id("KS16/185")


def test_a_number_in_two_unicode_forms_is_one() -> None:
    assert normalised("ÅNGE 1") == normalised("A\u030ange 1".upper())
    assert external_id("KS16/185") != external_id("KS16/186")
