"""Patterns of diary numbers: what they write, what can be read by them, and whether two can be told apart."""

from __future__ import annotations

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.grammar import common, readings, split, usable, written

PATTERNS = [
    "KS{yy}.{n}",
    "KS {yy}/{n}",
    "{yyyy}KS/{n:4}",
    "{yyyy}.{n} KS",
    "{yyyy}KS{n}",
    "Dnr-{n}:{yyyy}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_patterns_of_real_diaries_are_usable(pattern: str) -> None:
    assert usable(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "{n}",
        "{yy}",
        "{n}{yy}{yyyy}",
        "{n}{n}{yy}",
        "{n:0}{yy}",
        "{n}{yy}{x}",
        "KS}{n}{yy}",
        "#{yy}{n}",
        "x" * 38 + "{yy}{n}",
    ],
)
def test_other_patterns_are_not(pattern: str) -> None:
    assert not usable(pattern)


@for_all(st.sampled_from(PATTERNS), st.integers(1900, 2999), st.integers(1, 999_999))
def test_a_written_number_reads_as_what_it_was(pattern: str, year: int, number: int) -> None:
    text = written(pattern, year, number)
    found = readings(pattern, text)
    if "{yyyy}" in pattern:
        assert found == ((year, number),)
    else:
        assert {one % 100 for one, _ in found} == {year % 100}
        assert {n for _, n in found} == {number}
    assert readings(pattern, text.lower()) == found


def test_a_number_of_another_diary_has_no_reading() -> None:
    assert readings("KS{yy}.{n}", "2017KS/0118") == ()
    assert readings("KS{yy}.{n}", "KS23.276 040") == ((1923, 276040), (2023, 276040))


# --- the five municipalities of X2
@pytest.mark.parametrize(
    ("pattern", "text", "year", "number"),
    [
        ("KS{yy}.{n}", "KS23.276", 2023, 276),
        ("KS {yy}/{n}", "KS 16/185", 2016, 185),
        ("{yyyy}KS/{n:4}", "2017KS/0118", 2017, 118),
        ("{yyyy}.{n} KS", "2020.226 KS", 2020, 226),
        ("{yyyy}KS{n}", "2024KS265", 2024, 265),
    ],
)
@pytest.mark.fact("X2")
def test_x2_each_number_is_written_and_read_as_in_its_document(
    pattern: str, text: str, year: int, number: int
) -> None:
    assert written(pattern, year, number) == text
    assert (year, number) in readings(pattern, text)
    others = [one for one in PATTERNS if one != pattern and readings(one, text)]
    assert others == [], "and by no other pattern"


@pytest.mark.fact("H1")
def test_h1_a_code_of_classification_is_no_part_of_the_number() -> None:
    diary = ("{yyyy}KS{n}",)
    assert split("2024KS265 040", diary, "[0-9]{3}") == ("2024KS265", "040")
    assert split("2024KS265", diary, "[0-9]{3}") == ("2024KS265", "")
    assert split("2024KS265 040", diary, None) == ("2024KS265 040", "")
    assert split("2024KS265 04", diary, "[0-9]{3}") == ("2024KS265 04", "")
    assert split("KS 16/185", ("KS {yy}/{n}",), "[0-9]{3}") == ("KS 16/185", "")


def test_four_figures_are_four_also_in_reading() -> None:
    assert readings("{yyyy}KS/{n:4}", "2017KS/118") == ()
    assert written("{yyyy}KS/{n:4}", 2017, 12345) == "2017KS/12345"


@pytest.mark.fact("X2")
def test_the_five_patterns_can_be_told_apart() -> None:
    for number, one in enumerate(PATTERNS):
        for other in PATTERNS[number + 1 :]:
            assert common(one, other) is None, (one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KS{yy}.{n}", "ks {yy}.{n}"),
        ("KS{yyyy}{n}", "KS{yy}{n}"),
        ("{n}-{yyyy}", "{yyyy}-{n:4}"),
        ("{n}{yy}", "{yy}{n:3}"),
    ],
)
def test_two_patterns_that_a_text_can_be_read_by(one: str, other: str) -> None:
    text = common(one, other)
    assert text is not None
    assert readings(one, text)
    assert readings(other, text)


WORD = st.sampled_from(["", "K", "KS", ".", "/", " ", "1"])
PATTERN = st.builds(
    lambda before, marks, between, after: f"K{before}{marks[0]}{between}{marks[1]}{after}",
    WORD,
    st.tuples(st.sampled_from(["{yy}", "{yyyy}"]), st.sampled_from(["{n}", "{n:3}"])).flatmap(
        st.permutations
    ),
    WORD,
    WORD,
)


@for_all(PATTERN, PATTERN, st.integers(1900, 2999), st.integers(1, 99_999))
def test_what_one_writes_the_other_never_reads_unless_they_are_said_to_have_something_in_common(
    one: str, other: str, year: int, number: int
) -> None:
    assert usable(one) and usable(other)
    both = common(one, other)
    if both is None:
        assert readings(other, written(one, year, number)) == ()
    else:
        assert readings(one, both) and readings(other, both)
