"""Every fact about the five municipalities has a case, and the page that says which is so."""

from __future__ import annotations

from tests import facts

NUMBERS = {"L": 15, "Å": 14, "V": 12, "Al": 9, "H": 9, "X": 5}
OF = {"ange": "Å", "varmdo": "V", "alingsas": "Al", "harryda": "H"}


def test_the_facts_are_all_there_and_each_says_how_it_is_held() -> None:
    assert list(facts.FACTS) == [f"{kind}{n}" for kind, last in NUMBERS.items() for n in range(1, last + 1)]
    for id, fact in facts.FACTS.items():
        assert set(fact) == {"says", "held"}
        assert set(fact["held"].split(", ")) <= set(facts.WAYS), id


def test_every_fact_has_a_case_and_every_mark_is_a_fact() -> None:
    shown = {case.fact for case in facts.cases()}
    assert shown == facts.FACTS.keys(), sorted(shown ^ facts.FACTS.keys())


def test_the_demo_shows_every_fact_of_the_four_and_names_no_other() -> None:
    for name, kind in OF.items():
        named = set(facts.played()[name])
        assert named <= facts.FACTS.keys()
        own = {f"{kind}{n}" for n in range(1, NUMBERS[kind] + 1)}
        assert own <= named, (name, sorted(own - named))


def test_the_page_is_in_step_with_the_tests() -> None:
    _, mark, tables = facts.PAGE.read_text("utf-8").partition(facts.BEGINS)
    assert mark
    assert tables.strip() == facts.generated().strip(), "the tests have moved on: run `make facts`"
