"""Obligations: what a rule asks in a stretch of time, what fulfils it, and how it stands as of any day."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.accepting import AcceptDeviation
from domain.body import Body, Regulation
from domain.body_events import DeviationAccepted
from domain.regulation import Rules, parse
from projections.calendar import as_calendar, wheel
from projections.obligations import Asked, Obligation, Occurrence, in_force, obligations_of
from projections.owed import apart, as_csv, owed, row
from projections.runner import Projector
from registry.vault import sqlite_engine
from tests.council import COUNCIL as COUNCIL_OF_SESSION
from tests.council import LOOSE, Session
from tests.given import ident
from tests.stories import BOARD, COUNCIL, RULES, START, Saved, registry, saver, year

BODY = ident(0x77)
SLACK = 5  # other tests run beside this one
PROFILE = """
[profile]
id = "prov"
title = "Provkommun"

[documents.reglemente]
name = "R 1"
title = "Reglemente"

[bodies.rad]
title = "Rådet"
document = "reglemente"

[bodies.rad.rules.{id}]
{more}
modality = "{modality}"
section = "1"
text = "En regel."
"""


def rules(more: str, modality: str = "ska", id: str = "egen-regel", beside: str = "") -> Rules:
    return parse(PROFILE.format(id=id, more=more, modality=modality) + beside, "rad")


def regulation(content: Rules, first: date = date(2020, 1, 1), last: date | None = None) -> Regulation:
    return Regulation("r", content, "", "", first, first, last, frozenset(), 1)


def done(topic: str, day: str | None, position: int = 10, **more: Any) -> Occurrence:
    at = date.fromisoformat(day) if day else None
    stream = more.pop("stream", f"meeting-{position}")
    return Occurrence(position, topic, BODY, stream, more.pop("meeting", stream[-3:]), at, at, **more)


def asked(day: str, since: str = "2000-01-01", until: str | None = None) -> Asked:
    first = date.fromisoformat(day)
    return Asked(first, date.fromisoformat(since), date.fromisoformat(until or day))


def judge(content: Rules, when: Asked, *happened: Occurrence, **span: Any) -> dict[str, Obligation]:
    told: dict[str, list[Occurrence]] = {}
    for one in happened:
        told.setdefault(one.topic, []).append(one)
    found = obligations_of(BODY, [regulation(content, **span)], told, when, {})
    return {one.period: one for one in found}


def states(found: Mapping[str, Obligation]) -> dict[str, tuple[str, str]]:
    return {period: (one.state, one.reason) for period, one in found.items()}


FOUR = 'due = { every = "year", times = 2, fulfilled_by = ["meeting-opened"] }'


# --- every period
@pytest.mark.fact("Å9")
def test_a_year_is_due_until_it_has_ended_and_overdue_from_then_on() -> None:
    one = done("meeting-opened", "2024-03-01")
    two = done("meeting-opened", "2024-12-31", 11)
    assert judge(rules(FOUR), asked("2024-12-31"), one, first=date(2024, 1, 1))["2024"].state == "due"
    late = judge(rules(FOUR), asked("2025-01-01"), one, first=date(2024, 1, 1))
    assert states(late) == {"2024": ("overdue", ""), "2025": ("due", "")}
    assert late["2024"].positions == (10,) and late["2024"].days == 1
    both = judge(rules(FOUR), asked("2025-01-01"), one, two, first=date(2024, 1, 1))["2024"]
    assert (both.state, both.positions, both.done_on) == ("done", (10, 11), date(2024, 12, 31))


@pytest.mark.fact("L10")
def test_a_band_that_the_chair_may_go_outside_is_never_a_failing() -> None:
    band = rules("value = { least = 2, most = 4, otherwise = 'chair' }", "presens", "meetings-per-year")
    found = judge(band, asked("2022-06-01"), done("meeting-opened", "2021-03-01"))
    assert states(found)["2021"] == ("unknown", "may-be-otherwise")


@pytest.mark.fact("Al9")
def test_what_lies_before_the_registry_was_begun_is_unknown_and_part_of_a_year_is_not_a_year() -> None:
    assert states(judge(rules(FOUR), asked("2023-01-01", "2022-05-01")))["2021"] == (
        "unknown",
        "before-registry",
    )
    part = judge(rules(FOUR), asked("2023-01-01"), first=date(2021, 11, 10))
    assert states(part)["2021"] == ("unknown", "part-of-period")
    assert states(part)["2022"] == ("overdue", "")


@pytest.mark.fact("X3")
@pytest.mark.parametrize(
    ("modality", "state"),
    [("ska", "overdue"), ("presens", "overdue"), ("bor", "due"), ("utgangspunkt", "due"), ("kan", "due")],
)
def test_only_what_binds_can_be_overdue(modality: str, state: str) -> None:
    found = judge(rules(FOUR, modality), asked("2021-02-01"))["2020"]
    assert (found.state, found.reason) == (state, "" if state == "overdue" else "does-not-bind")


def test_what_nothing_here_fulfils_and_a_period_of_no_calendar_are_unknown() -> None:
    training = 'due = { every = "year", fulfilled_by = ["training"] }'
    assert states(judge(rules(training), asked("2021-02-01"))) == {"": ("unknown", "not-recorded-here")}
    term = 'due = { every = "term-of-office", fulfilled_by = ["meeting-opened"] }'
    assert states(judge(rules(term), asked("2021-02-01"))) == {"term": ("unknown", "period-not-counted")}


@pytest.mark.measured
def test_a_term_of_office_is_counted_where_the_rules_say_when_one_began() -> None:
    every = 'due = { every = "term-of-office", fulfilled_by = ["meeting-opened"] }'
    begun = (
        '[bodies.rad.rules.term]\nmodality = "ska"\nsection = "2"\nvalue = { years = 4, begun = 2023-01-01 }'
    )
    term = rules(every, beside=begun)
    one = done("meeting-opened", "2022-05-01")
    found = judge(term, asked("2027-01-01"), one, first=date(2019, 1, 1))
    assert states(found) == {
        "term-2019": ("done", ""), "term-2023": ("overdue", ""), "term-2027": ("due", ""),
    }  # fmt: skip
    assert (found["term-2023"].first, found["term-2023"].last) == (date(2023, 1, 1), date(2026, 12, 31))
    part = judge(term, asked("2027-01-01"), first=date(2020, 6, 1))
    assert states(part)["term-2019"] == ("unknown", "part-of-period")


def test_a_thing_done_when_needed_and_one_of_unknown_time_are_unknown() -> None:
    needed = rules(FOUR + '\ncondition = "vid-behov"')
    assert states(judge(needed, asked("2021-02-01")))["2020"] == ("unknown", "condition")
    perhaps = [done("meeting-opened", "2020-02-01"), done("meeting-opened", None, 11)]
    assert states(judge(rules(FOUR), asked("2021-02-01"), *perhaps))["2020"] == ("unknown", "time-not-known")


def test_the_months_named_are_when_it_is_due() -> None:
    evaluation = 'due = { every = "year", months = [2], fulfilled_by = ["instrument-followed-up"] }'
    late = judge(rules(evaluation), asked("2020-04-01"), done("instrument-followed-up", "2020-03-05"))["2020"]
    assert (late.first, late.last) == (date(2020, 2, 1), date(2020, 2, 29))
    assert (late.state, late.late) == ("done", True)


@for_all(
    every=st.sampled_from(("month", "quarter", "half-year", "year")),
    first=st.dates(date(2015, 1, 1), date(2020, 12, 31)),
    more=st.integers(0, 1500),
)
def test_periods_follow_each_other_without_gaps(every: str, first: date, more: int) -> None:
    due = f'due = {{ every = "{every}", fulfilled_by = ["meeting-opened"] }}'
    until = date.fromordinal(first.toordinal() + more)
    found = list(judge(rules(due), asked(until.isoformat()), first=first).values())
    assert found[0].first is not None and found[0].first <= first and found[-1].last is not None
    assert found[-1].first is not None and found[-1].first <= until <= found[-1].last
    for one, after in pairwise(found):
        assert one.last is not None and after.first is not None
        assert after.first.toordinal() == one.last.toordinal() + 1
    assert len({one.id for one in found}) == len(found)


# --- after something, once, at least every second year
@pytest.mark.fact("L14")
def test_without_a_last_day_the_days_are_told_and_it_is_never_late() -> None:
    after = 'due = { after = ["minutes-approved"], fulfilled_by = ["minutes-sent"] }'
    approved = done("minutes-approved", "2020-03-01", 5, stream="minutes-m1")
    waiting = judge(rules(after), asked("2029-03-01"), approved)["5"]
    assert (waiting.state, waiting.reason, waiting.last) == ("due", "no-deadline", None)
    assert waiting.days == (date(2029, 3, 1) - date(2020, 3, 1)).days
    other = done("minutes-sent", "2020-03-02", 7, stream="minutes-m2", meeting="m2")
    sent = done("minutes-sent", "2020-03-09", 8, stream="minutes-m1")
    assert judge(rules(after), asked("2020-04-01"), approved, other)["5"].state == "due"
    fulfilled = judge(rules(after), asked("2020-04-01"), approved, other, sent)["5"]
    assert (fulfilled.state, fulfilled.positions, fulfilled.days) == ("done", (8,), 8)


def test_a_length_of_time_is_counted_in_days_or_working_days() -> None:
    after = (
        'due = {{ after = ["meeting-closed"], within = {{ length = 3, unit = "{unit}" }}, '
        'fulfilled_by = ["minutes-approved"] }}'
    )
    closed = done("meeting-closed", "2024-03-01", 5)  # a Friday
    days = judge(rules(after.format(unit="days")), asked("2024-03-05"), closed)["5"]
    assert (days.last, days.state, days.days) == (date(2024, 3, 4), "overdue", 1)
    working = judge(rules(after.format(unit="working-days")), asked("2024-03-05"), closed)["5"]
    assert (working.last, working.state) == (date(2024, 3, 6), "due")


@pytest.mark.fact("V9")
def test_once_by_a_time_in_words() -> None:
    plans = 'due = { written = "före februari 2018", fulfilled_by = ["instrument-version-made"] }'
    one = judge(rules(plans), asked("2018-02-01"), first=date(2017, 1, 1))["once"]
    assert (one.last, one.state) == (date(2018, 1, 31), "overdue")


@pytest.mark.fact("Å5")
def test_every_second_year_is_counted_from_the_last_time_and_nothing_entered_is_unknown() -> None:
    rolling = (
        'kind = "activity"\nvalue = { what = "action-plan", title = "planen" }\n'
        'due = { every = "two-years", fulfilled_by = ["instrument-followed-up"] }'
    )
    assert states(judge(rules(rolling), asked("2029-01-01"))) == {"first": ("unknown", "nothing-entered")}
    picture = done("instrument-followed-up", "2021-01-01", 4, about=("situation-picture",))
    plan = done("instrument-followed-up", "2022-02-02", 5, about=("action-plan",))
    again = done("instrument-followed-up", "2024-02-03", 6, about=("action-plan",))
    found = judge(rules(rolling), asked("2026-02-04"), picture, plan, again)
    assert states(found) == {"2022-02-02": ("done", ""), "2024-02-03": ("overdue", "")}
    assert found["2022-02-02"].late


@pytest.mark.fact("V6")
def test_one_dialogue_counts_for_several_years() -> None:
    dialogue = (
        'kind = "activity"\nvalue = { what = "dialogue", title = "dialog" }\n'
        'due = { every = "year", fulfilled_by = ["instrument-counted"] }'
    )
    both = [
        Occurrence(9, "instrument-counted", BODY, "instrument-a", None, date(y, 1, 1), date(y, 12, 31), ("dialogue",))
        for y in (2017, 2018)
    ]  # fmt: skip
    found = judge(rules(dialogue), asked("2019-02-01"), *both, first=date(2017, 1, 1))
    assert {period: one.positions for period, one in found.items()} == {
        "2017": (9,),
        "2018": (9,),
        "2019": (),
    }


@pytest.mark.fact("L9")
def test_what_expressly_does_not_apply_says_so() -> None:
    found = list(obligations_of(BODY, [regulation(RULES)], {}, asked("2024-01-01"), {}))
    (one,) = [one for one in found if one.state == "not-applicable"]
    assert (one.rule.id, one.rule.source.section) == ("not-applicable", "2.2")


@pytest.mark.fact("Å1")
def test_a_regulation_ends_where_the_next_begins() -> None:
    one, two = regulation(RULES), regulation(RULES, date(2024, 7, 1))
    assert [(each.first, each.last) for each in in_force([two, one])] == [
        (date(2020, 1, 1), date(2024, 6, 30)),
        (date(2024, 7, 1), None),
    ]


@pytest.mark.fact("Å1")
def test_a_regulation_that_was_replaced_applies_again_when_the_later_one_has_ended() -> None:
    one, two = regulation(RULES), regulation(RULES, date(2024, 7, 1), date(2024, 12, 31))
    assert [(each.regulation is one, each.first, each.last) for each in in_force([two, one])] == [
        (True, date(2020, 1, 1), date(2024, 6, 30)),
        (False, date(2024, 7, 1), date(2024, 12, 31)),
        (True, date(2025, 1, 1), None),
    ]


@for_all(
    spans=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12) | st.none()), max_size=6),
    day=st.integers(0, 45),
)
def test_the_one_in_force_is_the_one_a_meeting_is_judged_by(
    spans: list[tuple[int, int | None]], day: int
) -> None:
    first = date(2024, 1, 1)
    every = [
        replace(
            regulation(
                RULES,
                first + timedelta(begins),
                None if lasts is None else first + timedelta(begins + lasts),
            ),
            version=version,
        )
        for version, (begins, lasts) in enumerate(spans, 1)
    ]
    on = first + timedelta(day)
    listed = [one.regulation for one in in_force(every) if one.first <= on <= (one.last or date.max)]
    judged = Body(regulations=tuple(every)).regulation_at(on)
    assert listed == [one for one in (judged,) if one]


# --- from a log
class Told:
    """A year of a council, folded."""

    def __init__(self, folder: Path) -> None:
        self.registry = registry(folder)
        self.saved: Saved = year(self.registry)
        self.views = sqlite_engine(folder / "views.db")
        Projector(self.registry, self.views).catch_up()

    def on(self, day: str, known: int | None = None, **more: Any) -> dict[str, Obligation]:
        found = owed(self.registry, self.views, date.fromisoformat(day), known, **more)
        return {one.id.partition("/")[2]: one for one in found}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    found = Told(tmp_path_factory.mktemp("owed"))
    yield found
    found.views.dispose()
    found.registry.close()


@pytest.mark.fact("L13")
@pytest.mark.fact("L14")
def test_sending_and_notification_are_owed_from_the_last_approval_of_the_version_that_stands(
    told: Told,
) -> None:
    at = told.saved.second_approval
    found = told.on("2025-01-02")
    sending, notice = found[f"send-minutes/{at}"], found[f"notify/{at}"]
    assert (sending.state, sending.reason) == ("due", "no-deadline"), "two members had not got them"
    assert notice.state == "done" and len(notice.positions) == 1
    assert not [id for id in found if id.endswith(f"/{told.saved.first_approval}")], "that one was made void"
    assert found["meetings-per-year/2024"].reason == "before-registry"
    assert found["meetings-per-year/2024"].positions


def test_as_it_was_known_before_the_approval_nothing_was_owed(told: Told) -> None:
    before = told.on("2025-01-02", told.saved.second_approval - 1)
    assert not [id for id in before if id.startswith(("send-minutes", "notify"))]
    assert told.on("2024-03-05")["meetings-per-year/2024"].positions
    assert not told.on("2024-03-04")["meetings-per-year/2024"].positions, "it had not been held that day"
    assert told.on("2025-01-02", bodies=[BOARD]) == {}
    assert told.on("2025-01-02", bodies=[COUNCIL]).keys() == told.on("2025-01-02").keys()


def test_what_is_to_come_is_told_if_asked_for(told: Told) -> None:
    later = told.on("2024-06-01", until=date(2026, 12, 31))
    assert [id for id in later if id.startswith("meetings-per-year")] == [
        f"meetings-per-year/{year}" for year in (2023, 2024, 2025, 2026)
    ]
    assert later["meetings-per-year/2026"].state == "due"


def test_the_list_goes_into_a_spreadsheet_with_source_and_positions(told: Told) -> None:
    found = owed(told.registry, told.views, date(2025, 1, 2))
    lines = as_csv(found).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("state;reason;first;last;period")
    (line,) = [line for line in lines if f"notify/{told.saved.second_approval}" in line]
    assert line.startswith("done;;") and ";KS23.276;2.3;L14;" in line
    assert row(found[0])["id"] == found[0].id


# --- an accepted deviation
def accept(rule: str, period: str = "2024", body: str = COUNCIL_OF_SESSION) -> AcceptDeviation:
    why = "Ett sammanträde ställdes in"
    return AcceptDeviation(body=body, rule=rule, period=period, accepted_by="Ordföranden", reason=why)


@pytest.mark.measured
def test_a_deviation_is_accepted_from_a_rule_that_was_adopted_by_somebody_for_a_reason() -> None:
    s = Session()
    (event,) = s.do(accept("meetings-per-year")).events
    assert isinstance(event, DeviationAccepted)
    assert (str(event.accepted_by), str(event.reason)) == ("Ordföranden", "Ett sammanträde ställdes in")
    assert event.source.fact == "L10"
    s.refuse(accept("no-such-rule"), "rule-missing")
    s.refuse(accept("notify", body=LOOSE), "no-regulation")
    s.refuse(accept("notify", body=ident(0x99)), "not-found")


@pytest.mark.fact("L10")
def test_an_accepted_deviation_is_shown_as_one_from_the_day_it_was_accepted(tmp_path: Path) -> None:
    reg = registry(tmp_path)
    last = year(reg).last
    (event,) = Session().do(accept("meetings-per-year")).events
    more = {"body": COUNCIL, "period": "2024"}
    position = saver(reg, START + timedelta(days=400))(event.model_copy(update=more), happened="2025-02-01")
    views = sqlite_engine(tmp_path / "views.db")
    Projector(reg, views).catch_up()

    def of(day: str, known: int | None = None) -> Obligation:
        (found,) = [
            one
            for one in owed(reg, views, date.fromisoformat(day), known)
            if (one.rule.id, one.period) == ("meetings-per-year", "2024")
        ]
        return found

    accepted = of("2025-03-01")
    assert (accepted.state, accepted.reason) == ("accepted-deviation", "Ett sammanträde ställdes in")
    assert position in accepted.positions and accepted.accepted_by == "Ordföranden"
    assert of("2025-01-31").state == of("2025-03-01", last).state == "unknown"
    views.dispose()
    reg.close()


# --- as a calendar
def unfolded(content: bytes) -> list[str]:
    """The content lines of a calendar, held to the form that RFC 5545 gives them."""
    assert content.endswith(b"\r\n") and b"\n" not in content.replace(b"\r\n", b"")
    physical = content[:-2].split(b"\r\n")
    assert all(0 < len(line) <= 75 for line in physical)
    assert all(line.decode() for line in physical), "no sign is cut in two"
    lines: list[str] = []
    for line in (each.decode() for each in physical):
        if line.startswith(" "):
            lines[-1] += line[1:]
        else:
            lines.append(line)
    assert all(re.fullmatch(r"[A-Z]+(;VALUE=DATE)?:.*", line) for line in lines)
    return lines


def events(lines: list[str]) -> list[dict[str, str]]:
    assert (lines[0], lines[1], lines[-1]) == ("BEGIN:VCALENDAR", "VERSION:2.0", "END:VCALENDAR")
    found: list[dict[str, str]] = []
    for line in lines:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found:
            found[-1].setdefault(name, value)
    return found


@pytest.mark.fact("Å13")
def test_the_calendar_has_every_last_day_once_under_a_name_that_stays(told: Told) -> None:
    found = owed(told.registry, told.views, date(2024, 6, 1), until=date(2026, 12, 31))
    now = datetime(2024, 6, 1, 12, tzinfo=UTC)
    names = {COUNCIL: "Rådet; för trygghet, \\ åäö"}
    made = events(unfolded(as_calendar(found, names, "prov", now)))
    dated = [one for one in found if one.last and one.state != "not-applicable"]
    assert len(made) == len(dated) == len({one["UID"] for one in made}) > 2
    assert {one["DTSTART;VALUE=DATE"] for one in made} == {f"{one.last:%Y%m%d}" for one in dated}
    assert all(one["DTSTAMP"] == "20240601T120000Z" for one in made)
    assert all(one["SUMMARY"].startswith("Rådet\\; för trygghet\\, \\\\ åäö: ") for one in made)
    later = owed(told.registry, told.views, date(2025, 6, 1), until=date(2026, 12, 31))
    assert {one["UID"] for one in made} == {
        one["UID"] for one in events(unfolded(as_calendar(later, names, "prov", now)))
    }


@for_all(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=300))
def test_any_name_is_folded_and_comes_back_whole(name: str) -> None:
    (one, *_) = judge(rules(FOUR), asked("2020-02-01")).values()
    (made,) = events(unfolded(as_calendar([one], {BODY: name}, "prov", datetime(2024, 1, 1, tzinfo=UTC))))
    read = re.sub(r"\\(.)", lambda match: match[1], made["SUMMARY"])
    assert read == f"{name}: En regel."


@pytest.mark.fact("Å13")
def test_the_wheel_has_each_month_of_the_year_and_what_has_no_last_day(told: Told) -> None:
    found = owed(told.registry, told.views, date(2024, 6, 1), until=date(2024, 12, 31))
    year = wheel(found, 2024)
    assert [each["month"] for each in year["months"]] == list(range(1, 13))
    assert [one["rule"] for one in year["months"][11]["items"]] == ["meetings-per-year"]
    assert {one["rule"] for one in year["without_a_last_day"]} >= {"send-minutes", "notify"}


# --- how long it takes
def test_the_obligations_of_many_bodies_over_ten_years_take_less_than_a_second() -> None:
    """300 bodies with five meetings a year; the sampled form takes a tenth of them, and a tenth of the time."""
    bodies = [ident(0x1000 + number) for number in range(30)]
    happened: dict[str, list[Occurrence]] = {}
    position = 0
    for body in bodies:
        for month in range(1, 601, 12):
            day = date(2014 + month // 60, 1 + month % 12, 5)
            for topic in ("meeting-opened", "minutes-approved", "minutes-sent", "notification-sent"):
                position += 1
                stream = f"minutes-{month}" if topic != "meeting-opened" else f"meeting-{month}"
                one = Occurrence(position, topic, body, stream, f"{body}{month}", day, day)
                happened.setdefault(topic, []).append(one)
    begun = time.perf_counter()
    by_body = apart(happened)
    found = [
        one
        for body in bodies
        for one in obligations_of(
            body, [regulation(RULES, date(2014, 1, 1))], by_body.get(body, {}), asked("2024-01-01"), {}
        )
    ]
    took = time.perf_counter() - begun
    assert len(found) > 30 * 100
    assert took < 0.1 * SLACK, f"{took:.3f} s"
