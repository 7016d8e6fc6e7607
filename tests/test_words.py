"""Days, times and lists of numbers in the words of the paper."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.messages import Destroyed, Known
from projections.paper import sheets
from projections.paper.words import (
    day_in_words,
    joined,
    moment_in_words,
    period_in_words,
    ranges,
    recorded,
    text,
)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("2024-05-17", "den 17 maj 2024"),
        ("2024-05-17T09:00", "den 17 maj 2024"),
        ("2024-02-29", "den 29 februari 2024"),
        ("2023-02-29", "2023-02-29"),
        ("före sommaren", "före sommaren"),
        ("", ""),
    ],
)
def test_a_day(written: str, words: str) -> None:
    assert day_in_words(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("2024-05-17T09:00", "fredagen den 17 maj 2024 kl. 09.00"),
        ("2024-05-19", "söndagen den 19 maj 2024"),
        ("våren 2024", "våren 2024"),
    ],
)
def test_a_moment(written: str, words: str) -> None:
    assert moment_in_words(written) == words


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2024-05-17T09:00", "2024-05-17T11:30", "Fredagen den 17 maj 2024 kl. 09.00–11.30"),
        ("2024-05-17T09:00", "", "Fredagen den 17 maj 2024 kl. 09.00"),
        ("2024-05-17T09:00", "2024-05-17", "Fredagen den 17 maj 2024 kl. 09.00"),
        ("2024-05-17", "2024-05-17T11:30", "Fredagen den 17 maj 2024"),
        (
            "2024-05-17T22:00",
            "2024-05-18T00:30",
            "Fredagen den 17 maj 2024 kl. 22.00 till lördagen den 18 maj 2024 kl. 00.30",
        ),
        ("", "", ""),
    ],
)
def test_a_period(start: str, end: str, words: str) -> None:
    assert period_in_words(start, end) == words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([], ""),
        (["5"], "5"),
        (["1", "2", "3", "5"], "1–3, 5"),
        (["9", "10"], "9–10"),
        (["3", "2"], "3, 2"),
        (["1a", "1b"], "1a, 1b"),
    ],
)
def test_ranges(numbers: list[str], words: str) -> None:
    assert ranges(numbers) == words


@given(st.lists(st.integers(1, 30), unique=True).map(sorted))
def test_ranges_say_every_number_and_no_other(numbers: list[int]) -> None:
    said: list[int] = []
    for span in filter(None, ranges(map(str, numbers)).split(", ")):
        first, _, last = span.partition("–")
        said += range(int(first), int(last or first) + 1)
    assert said == numbers


def test_texts_are_joined_and_what_is_hidden_stays_hidden() -> None:
    assert joined(["a", "", "b"]) == "a b"
    assert joined([]) == ""
    hidden = joined(["för", sheets.DESTROYED, "på distans"], ", ")
    assert hidden == sheets.Mixed(("för", ", ", sheets.DESTROYED, ", ", "på distans"))
    assert joined([hidden, "x"]) == sheets.Mixed((*hidden.runs, " ", "x"))


def test_a_sealed_value_is_its_words_or_said_to_be_destroyed() -> None:
    assert text(Known("Rut")) == "Rut"
    assert text(Destroyed("c" * 64)) == sheets.DESTROYED


def test_a_recorded_moment_is_utc() -> None:
    assert recorded("2024-03-12T12:01:00.000070Z") == datetime(2024, 3, 12, 12, 1, 0, 70, UTC)
