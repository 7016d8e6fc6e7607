"""The trail: every event found by everything it concerns, and told."""

from __future__ import annotations

import csv
import io
import random
import re
import string
import typing
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
import sqlalchemy as sa

from domain.messages import TOPICS, Id, Known, Part
from domain.person import PersonRenamed
from domain.regulation import parse
from projections.audit import COLUMNS, AuditQuery, _said, approvals, query, timeline, to_csv
from projections.concerns import BODIES, MATTERS, MEETINGS, OTHERS, PERSONS, RESTS_ON
from projections.runner import Projector
from projections.sentences import SENTENCES
from registry.registry import Registry
from registry.vault import sqlite_engine
from signing.log import leaf_hash
from tests import stories
from tests.stories import (
    ANNA,
    BERTIL,
    BOARD,
    CAMERAS,
    CECILIA,
    COUNCIL,
    DAVID,
    RULES,
    SPRING,
    Saved,
    registry,
    saver,
    year,
)
from tests.test_voting import BOARD_RULES


class Trail:
    """A council's year, and what can be asked about it."""

    def __init__(self, folder: Path) -> None:
        self.registry: Registry = registry(folder)
        self.saved: Saved = year(self.registry)
        self.views: sa.Engine = sqlite_engine(folder / "views.db")
        self.projector = Projector(self.registry, self.views)
        self.projector.catch_up()

    def rows(self, **asked: Any) -> list[typing.Mapping[str, Any]]:
        return list(query(self.views, AuditQuery(**asked)).rows)

    def kinds(self, **asked: Any) -> list[str]:
        return [row["kind"].removesuffix(".v1") for row in self.rows(**asked)]

    def close(self) -> None:
        self.views.dispose()
        self.registry.close()


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trail]:
    made = Trail(tmp_path_factory.mktemp("trail"))
    yield made
    made.close()


def test_a_row_an_event_with_the_agreed_cells(trail: Trail) -> None:
    found = trail.rows(limit=1000)
    assert [row["position"] for row in found] == list(range(1, trail.saved.last + 1))
    for row in found:
        assert tuple(row) == tuple(COLUMNS)
        stored = trail.registry.stored(row["position"])
        assert stored is not None
        assert row["event_hash"] == leaf_hash(stored.state).hex()
        assert row["kind"] == stored.topic
        assert row["proof"] == f"/v1/provkommun/proofs/{row['position']}"
    kallelse = found[20]
    assert kallelse["kind"] == "kallelse-issued.v1"
    assert (kallelse["body"], kallelse["meeting"], kallelse["matter"]) == (COUNCIL, SPRING, CAMERAS)
    assert kallelse["finding"] == "notice-short member-not-called"
    assert kallelse["rule"] == "notice kallelse"
    assert kallelse["actor"] == ANNA


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"finding": "notice-short"}, ["kallelse-issued"]),
        ({"finding": "member-not-called"}, ["kallelse-issued"]),
        ({"rule": "notice"}, ["regulation-adopted", "kallelse-issued", "notice-reason-given"]),
        ({"rule": "L11"}, ["regulation-adopted"]),
        ({"rule": "L13"}, ["regulation-adopted", "justerare-elected", *["minutes-approved"] * 3]),
        ({"rule": "dissent"}, ["regulation-adopted", *["dissent-recorded"] * 2]),
        ({"rule": "notify"}, ["regulation-adopted", "notification-sent"]),
        ({"kind": "minutes-approved"}, ["minutes-approved"] * 3),
        ({"kind": "minutes-approved.v1"}, ["minutes-approved"] * 3),
        ({"kind": "minutes-approved.v2"}, []),
        ({"kind": "minutes%"}, []),
        ({"text": "övervakning"}, ["dissent-recorded"]),
        ({"text": "KAMEROR VID"}, ["matter-opened"]),
        ({"text": "100 %"}, ["dissent-recorded"]),
        ({"text": "_"}, []),
        ({"text": "hemligt utkast"}, []),
        ({"text": "sjukdom"}, []),
        ({"person": DAVID}, [
            "person-registered", "mandate-given", "kallelse-issued", "hinder-notified", "minutes-sent",
        ]),
        ({"person": "david ASP", "meeting": SPRING}, ["kallelse-issued", "hinder-notified", "minutes-sent"]),
        ({"body": BOARD, "kind": "notification-noted"}, ["notification-noted"]),
        ({"body": "kommunstyrelsen", "meeting": SPRING}, [
            "item-added", "kallelse-issued", "item-taken-up", "proposal-made", "decision-recorded", "dissent-recorded",
            "dissent-recorded", "dissent-retracted", "minutes-version-made", "minutes-circulated", "render-pinned",
            "signing-begun", "minutes-approved", "minutes-returned", "minutes-version-made", "approvals-voided",
            "minutes-circulated", "render-pinned", "minutes-approved", "minutes-approved", "minutes-sealed",
            "minutes-sent", "receipt-recorded", "notification-sent", "notification-numbered", "notification-noted",
        ]),
        ({"body": "Ingen nämnd"}, []),
        ({"matter": "ks 23.276", "text": "kameror"}, [
            "matter-opened", "item-added", "kallelse-issued", "proposal-made", "decision-recorded",
        ]),
        ({"matter": CAMERAS, "kind": "minutes-sealed"}, ["minutes-sealed"]),
        ({"matter": "KS99.1"}, []),
        ({"known_to": 3}, ["registry-opened", "person-registered", "person-registered"]),
        ({"known_from": 54}, ["notification-noted"]),
        ({"known_from": date(2024, 5, 1)}, ["notification-noted"]),
        ({"known_to": datetime(2024, 1, 8, 9, 1, 30, tzinfo=UTC)}, ["registry-opened"]),
        ({"true_from": date(2024, 3, 5), "true_to": date(2024, 3, 5)}, [
            "meeting-opened", "presence-recorded", "presence-recorded", "departure-recorded", "justerare-elected",
            "item-taken-up", "proposal-made", "decision-recorded", "dissent-recorded", "dissent-recorded",
            "meeting-closed",
        ]),
        ({"true_from": datetime(2024, 3, 5, 14, 0), "true_to": datetime(2024, 3, 5, 14, 59)}, [  # noqa: DTZ001  # local
            "departure-recorded", "item-taken-up", "proposal-made", "decision-recorded", "dissent-recorded",
        ]),
        ({"person": CECILIA, "finding": "notice-short"}, ["kallelse-issued"]),
    ],
    ids=str,
)  # fmt: skip
def test_an_event_is_found_by_each_thing_it_concerns(
    trail: Trail, asked: dict[str, Any], kinds: list[str]
) -> None:
    assert trail.kinds(limit=1000, **asked) == kinds


def test_no_kind_of_event_is_read_through_for_each_row_of_something_else(trail: Trail) -> None:
    """As SQLite did: two that are common and never meet took seconds in a log of ten years."""
    asked: list[tuple[str, Any]] = []
    sa.event.listen(trail.views, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
    trail.rows(kind="decision-recorded", finding="notice-short")
    statement, values = asked[-1]
    with trail.views.connect() as db:
        plan = [row[3] for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    (read,) = (step for step in plan if re.match(r"\w+ audit ", step))
    assert "(position=?)" in read, plan


def test_pages_follow_on_each_other(trail: Trail) -> None:
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = query(trail.views, AuditQuery(limit=7, after=after))
        seen += [row["position"] for row in page.rows]
        after = page.next
    assert seen == list(range(1, trail.saved.last + 1))
    whole = query(trail.views, AuditQuery(limit=trail.saved.last))
    assert whole.next is None and len(whole.rows) == trail.saved.last


def test_who_approved_what_on_which_grounds_and_what_broke_a_rule_is_one_query(trail: Trail) -> None:
    chair, justerare = approvals(trail.views, meeting=SPRING)
    assert [(one["office"], one["person"], one["version"]) for one in (chair, justerare)] == [
        ("chair", BERTIL, 2),
        ("justerare", CECILIA, 2),
    ]
    for one in (chair, justerare):
        assert one["findings"] == ["notice-short", "member-not-called"]
        assert (one["rule"], one["source_document"], one["source_section"]) == ("signers", "KS23.276", "2.3")
        assert (one["fact"], one["rules"], one["method"]) == ("L13", RULES.hash, "local")
    before = approvals(trail.views, trail.saved.voided - 2)
    assert [(one["office"], one["version"]) for one in before] == [("chair", 1)]
    assert approvals(trail.views, person=DAVID) == approvals(trail.views, body=BOARD) == []
    assert len(approvals(trail.views, body=COUNCIL)) == 2


# --- for people
def test_a_spreadsheet_reads_it(trail: Trail) -> None:
    data = to_csv(trail.rows(limit=1000))
    assert data.startswith(b"\xef\xbb\xbf")
    head, *lines = csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";")
    assert head == list(COLUMNS) and len(lines) == trail.saved.last
    assert lines[20][10] == "notice-short member-not-called"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_runs_nothing(begin: str) -> None:
    row = dict.fromkeys(COLUMNS, None) | {"happened": f"{begin}cmd|' /C calc'!A0"}
    (_, line) = csv.reader(io.StringIO(to_csv([row]).decode("utf-8-sig"), newline=""), delimiter=";")
    assert line[3] == f"'{begin}cmd|' /C calc'!A0"


def test_the_year_is_told_in_swedish(trail: Trail) -> None:
    told = timeline(trail.views, trail.rows(limit=1000)).splitlines()
    assert len(told) == trail.saved.last
    assert told[20].endswith("[iakttagelse: notice-short member-not-called]")
    assert (
        "Kallelse 1 sändes 2024-02-29 till Bertil Alm och Cecilia Rönn; 5 dagar före mötesdagen" in told[20]
    )
    dissent = told[trail.saved.dissent - 1]
    assert "okänt, antecknat 2024-03-06" in dissent
    assert "Cecilia Rönns avvikande synpunkt på punkt 2 antecknades: ÖVERVAKNING är fel väg" in dissent
    assert "Bertil Alm godkände version 2 som ordförande" in told[trail.saved.second_approval - 2]
    assert all(line.split()[0] == str(position) for position, line in enumerate(told, 1))
    assert len(max(told, key=len)) < 600


def test_names_are_those_of_now(tmp_path: Path) -> None:
    trail = Trail(tmp_path)
    saver(trail.registry)(PersonRenamed(person=BERTIL, name=Known("Bertil Nylund")), after=400)
    trail.projector.catch_up()
    told = timeline(trail.views, trail.rows(kind="minutes-approved"))
    assert "Bertil Nylund godkände" in told and "Bertil Alm" not in told
    trail.close()


# --- nothing is left out
def test_every_kind_of_event_has_its_sentence() -> None:
    assert SENTENCES.keys() == TOPICS.keys()


def test_a_sentence_asks_only_for_what_its_event_has() -> None:
    for topic, sentence in SENTENCES.items():
        asked = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
        assert asked <= TOPICS[topic].model_fields.keys() | {"actor", "body", "meeting"}, topic


def test_what_may_be_missing_is_left_out_of_its_sentence() -> None:
    told = "Mötet öppnades[ av {chair}][, {from} till {to}]."
    assert _said(told, {"chair": "Bertil", "from": "1", "to": None}) == "Mötet öppnades av {chair}."
    assert _said(told, {"from": "1", "to": "2"}) == "Mötet öppnades, {from} till {to}."
    bare = {topic: re.sub(r"\[[^]]*\]", "", sentence) for topic, sentence in SENTENCES.items()}
    for topic, sentence in bare.items():
        for name in re.findall(r"\{(\w+)\}", sentence):
            field = TOPICS[topic].model_fields.get(name)
            assert field is None or type(None) not in get_args(field.annotation), (topic, name)


def test_rules_are_named_for_events_that_exist() -> None:
    assert RESTS_ON.keys() <= TOPICS.keys()
    known = {rule.id for rules in (RULES, parse(BOARD_RULES, "namnd")) for rule in rules}
    assert {rule for rules in RESTS_ON.values() for rule in rules} <= known


def _ids(cls: type[Any]) -> Iterator[str]:
    """The fields of an event, and of its parts, that hold an id."""
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        if name not in cls.model_fields:
            continue
        for one in _inside(hint):
            if one == Id:
                yield name
            elif isinstance(one, type) and issubclass(one, Part):
                yield from _ids(one)


def _inside(hint: Any) -> Iterator[Any]:
    yield hint
    if typing.get_origin(hint) is not Annotated:
        for inner in get_args(hint):
            yield from _inside(inner)


def test_every_id_in_an_event_says_what_it_is_the_id_of() -> None:
    known = PERSONS | BODIES | MEETINGS | MATTERS | OTHERS
    assert {name for cls in TOPICS.values() for name in _ids(cls)} <= known


def test_examples_can_be_made_of_every_kind_of_event() -> None:
    for cls in TOPICS.values():
        for seed in range(5):
            assert isinstance(stories.example(cls, random.Random(seed)), cls)
