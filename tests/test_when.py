"""Times as written and as read: no time is invented, and order is answered yes, no or perhaps."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.errors import Refused
from domain.sources import house
from domain.when import MONTHS, UNKNOWN, Happened, Precision, Truth, at, parse
from tests.given import NOW


@pytest.mark.parametrize(
    ("text", "earliest", "latest", "precision"),
    [
        ("2024-03-05T13:30", "2024-03-05T13:30", "2024-03-05T13:30", Precision.MINUTE),
        ("2024-03-05", "2024-03-05T00:00", "2024-03-05T23:59", Precision.DAY),
        ("5 mars 2024", "2024-03-05T00:00", "2024-03-05T23:59", Precision.DAY),
        ("2024-02", "2024-02-01T00:00", "2024-02-29T23:59", Precision.MONTH),
        ("Februari 2023", "2023-02-01T00:00", "2023-02-28T23:59", Precision.MONTH),
        ("2024", "2024-01-01T00:00", "2024-12-31T23:59", Precision.YEAR),
        ("våren 2024", "2024-03-01T00:00", "2024-05-31T23:59", Precision.SEASON),
        ("hösten 2024", "2024-09-01T00:00", "2024-11-30T23:59", Precision.SEASON),
        ("vintern 2024", "2024-12-01T00:00", "2024-12-31T23:59", Precision.SEASON),
        ("före sommaren 2024", None, "2024-06-01T00:00", Precision.OPEN),
        ("efter 5 mars 2024", "2024-03-05T23:59", None, Precision.OPEN),
        ("  5   mars  2024 ", "2024-03-05T00:00", "2024-03-05T23:59", Precision.DAY),
        ("okänt", None, None, Precision.UNKNOWN),
        ("Okänt", None, None, Precision.UNKNOWN),
    ],
)
def test_what_can_be_written(
    text: str, earliest: str | None, latest: str | None, precision: Precision
) -> None:
    read = parse(text)
    assert (read.earliest, read.latest, read.precision) == (earliest, latest, precision)
    assert read.text == " ".join(text.split()) or read is UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i maj",
        "30 februari 2024",
        "2024-13",
        "2024-02-30",
        "2024-03-05T25:00",
        "våren",
        "marsipan 2024",
        "före okänt",
        "efter före 2024",
        "före",
        "Anna fyller år",
        "28 september",
        "0000-01-01",
        "20240305",
        "２０２４",  # figures of another script
    ],
)
def test_other_wording_is_refused_because_it_would_not_be_encrypted(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(text)
    assert refused.value.code == "date-expression"
    assert refused.value.source == house(2)
    assert len(str(refused.value.values["text"])) <= 80


@for_all(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = parse(text)
    except Refused:
        return
    assert parse(read.text) == read


moments = st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2100-01-01"))


@for_all(moments, moments)
def test_minutes_are_ordered_as_clocks_are(first: datetime, second: datetime) -> None:
    one, other = at(first), at(second)
    assert one.is_before(other) is (Truth.YES if one.text < other.text else Truth.NO)
    assert parse(one.text) == one


@for_all(moments)
def test_a_day_is_the_same_in_figures_and_in_words(moment: datetime) -> None:
    day = moment.date()
    words = parse(f"{day.day} {MONTHS[day.month - 1]} {day.year}")
    figures = parse(day.isoformat())
    assert (words.earliest, words.latest) == (figures.earliest, figures.latest)
    assert words.day() == figures.day() == at(moment).day() == day


@for_all(moments, st.integers(0, 400))
def test_order_of_two_times_never_contradicts_itself(moment: datetime, days: int) -> None:
    texts = [moment.date().isoformat(), str(moment.year), (moment + timedelta(days=days)).date().isoformat()]
    reads = [parse(text) for text in texts] + [parse(f"före {text}") for text in texts] + [UNKNOWN]
    for one in reads:
        for other in reads:
            if one.is_before(other) is Truth.YES:
                assert other.is_before(one) is not Truth.YES


def test_unknown_and_overlapping_bounds_give_perhaps() -> None:
    assert parse("2024").is_before(parse("mars 2024")) is Truth.PERHAPS
    assert UNKNOWN.is_before(parse("2024")) is Truth.PERHAPS
    assert parse("2024").is_before(UNKNOWN) is Truth.PERHAPS
    assert parse("före 2024").is_before(parse("2025")) is Truth.YES
    assert parse("2025").is_before(parse("före 2024")) is Truth.NO
    assert parse("efter 2025").is_before(parse("2024")) is Truth.NO


def test_the_day_is_known_only_if_it_was_written() -> None:
    assert parse("2024-03-05").day() == date(2024, 3, 5)
    for text in ("2024-03", "våren 2024", "före 2024-03-05", "okänt"):
        assert parse(text).day() is None
    assert Happened("", None, None, Precision.DAY).day() is None
    assert at(NOW).text == "2024-03-05T13:30"
