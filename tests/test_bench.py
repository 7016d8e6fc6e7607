"""The bench at its smallest: what it measures, what that stands beside, and the page it makes.

How fast anything is, is not judged here: that is for a quiet machine and the full scale.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bench import appending
from api.bench.figures import durations, percentile, rates, within
from api.bench.missed import why
from api.bench.scales import SCALES, Scales
from api.bench.synthetic import Log
from api.bench.table import number
from api.bench.verifying import Rows
from api.wiring import open_folder
from domain.deliberating import RecordReport
from domain.meeting import Meeting
from projections.reading import fresh_digests, stored_digests
from signing.levels import Levels
from signing.records import Documents
from signing.report import STEPS, Report
from signing.verify import read_records
from tests.postgres import cluster

ROOT = Path(__file__).parent.parent
TURN = "append, 1 client, SQLite", "append, 32 clients, SQLite"
BESIDE = {  # what every figure stands beside, and its aim
    **{(name, "peer", "bare rows"): 0.6 for name in TURN},
    **{(name, "peer", "decide, seal, encode, bare rows"): None for name in TURN},
    **{(name, "peer", "plain service with audit table"): None for name in TURN},
    **{(name, "peer", "syncs of one page, one after the other"): None for name in TURN},
    ("append, batches of 100, SQLite", "peer", "seal, encode, bare rows"): 0.8,
    ("append, batches of 100, SQLite", "peer", "bare rows"): None,
    ("append, batches of 100, SQLite", "peer", "plain service with audit table"): None,
    ("rebuild of all views, 500 events", "peer", "decode, decrypt, validate alone"): 0.5,
    ("rebuild of all views, 1 000 events", "peer", "decode, decrypt, validate alone"): 0.5,
    ("rebuild of the trail that is searched, 500 events", "peer", "decode, decrypt, validate alone"): None,
    ("rebuild of the trail that is searched, 1 000 events", "peer", "decode, decrypt, validate alone"): None,
    ("memory of a rebuild, 2 times as many events", "limit", "1.25 times the shorter's"): 1.0,
    ("verify: hashing", "peer", "bare loop, hashlib"): 0.8,
    ("verify: canonical re-parse", "peer", "bare loop, json"): 0.8,
    ("verify: canonical re-parse, standard library alone", "peer", "bare loop, json"): None,
    ("verify: steps 1 to 4 together", "peer", "both bare loops"): None,
    ("render of minutes", "peer", "Typst alone"): None,
    ("4 one-time keys with certificates", "peer", "bare RSA keys"): None,
    ("signing with three signatures", "peer", "8 bare RSA signatures"): None,
    ("time stamp", "peer", "one bare RSA signature"): None,
    ("verification of one sealed PDF", "limit", "limit"): 1.0,
    ("masked copy", "limit", "limit"): 1.0,
    ("inclusion proof by SQL, 1 000 events: p50", "limit", "limit"): 1.0,
    **{(f"audit query over 1 000 events: {share}", "limit", "limit"): 1.0 for share in ("p50", "p99")},
    **{(f"search in the words of 1 000 events: {share}", "limit", "limit"): 1.0 for share in ("p50", "p99")},
    **{
        (f"{name}: {share}", "limit", "limit"): 1.0
        for name in (
            "as-of read of the daily views, 1 000 events",
            "page of the obligations of 2 bodies",
            "obligations of one of them on any day",
        )
        for share in ("p50", "p99")
    },
    ("obligations of 1 body over 10 years: worked out", "limit", "limit"): 1.0,
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command writes its page."""
    return tmp_path_factory.mktemp("docs")


@pytest.fixture(scope="module")
def result(page: Path) -> dict[str, Any]:
    """What the command answers at its smallest."""
    command = [
        sys.executable,
        "-m",
        "api.cli.main",
        "bench",
        "--json",
        "--scale",
        "small",
        "--docs",
        str(page),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=570, check=False)
    assert done.returncode == 0, done.stderr
    for line in done.stderr.splitlines():
        assert json.loads(line)["progress"]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_figure_has_its_limit_or_peer(result: dict[str, Any]) -> None:
    beside = {}
    for figure in result["figures"]:
        kind = "limit" if "limit" in figure else "peer"
        assert figure.keys() == {"name", "value", "unit", kind, "ratio", "aim", "met"}
        assert figure[kind].keys() == {"name", "value"}
        assert figure["value"] > 0
        assert figure[kind]["value"] > 0
        assert figure["ratio"] > 0
        assert figure["met"] == (None if figure["aim"] is None else figure["ratio"] >= figure["aim"])
        beside[figure["name"], kind, figure[kind]["name"]] = figure["aim"]
    assert beside == BESIDE
    assert len(result["figures"]) == len(BESIDE)


def test_says_which_commit_on_which_machine_when(result: dict[str, Any]) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if commit.returncode == 0:
        assert re.match(r"[0-9a-f]{40}( with changes not committed)?$", result["commit"])
    else:
        assert result["commit"].startswith("radsliggaren ")
    assert result.keys() == {"commit", "scale", "machine", "date", "figures"}
    assert result["machine"].keys() == {"cpu", "cores", "memory", "python", "sqlite", "postgres"}
    assert result["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert result["machine"]["postgres"] is None
    assert result["scale"] == "small"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", result["date"])


def test_the_page_shows_every_figure_and_where_it_comes_from(result: dict[str, Any], page: Path) -> None:
    said = (page / "bench.md").read_text("utf-8")
    assert result["commit"] in said
    assert result["date"] in said
    assert result["machine"]["cpu"] in said
    assert "(bench.svg)" in said
    rows = [line for line in said.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(result["figures"])
    for row, figure in zip(rows, result["figures"], strict=True):
        assert row.startswith(f"| {figure['name']} | ")
        assert f" | {figure['ratio']:.2f} | " in row
        assert ("missed" in row, "met" in row.split("|")[5]) == (
            figure["met"] is False,
            figure["met"] is True,
        )


def test_the_page_says_what_was_done_where_an_aim_was_missed(result: dict[str, Any], page: Path) -> None:
    said = (page / "bench.md").read_text("utf-8")
    for figure in result["figures"]:
        if figure["aim"] is not None and "peer" in figure:
            assert (why(figure["name"]) or "?") in said or figure["met"], figure["name"]
            assert why(figure["name"]), "what the time goes to if it misses, in api/bench/missed.py"


def test_the_plot_has_a_bar_for_each(result: dict[str, Any], page: Path) -> None:
    svg = "{http://www.w3.org/2000/svg}"
    drawn = ET.parse(page / "bench.svg").getroot()
    bars = drawn.findall(f"{svg}g/{svg}rect")[1:]
    assert len(bars) == len(result["figures"])
    labels = [text.text or "" for text in drawn.iter(f"{svg}text")]
    assert Counter(f"{one['ratio']:.2f}" for one in result["figures"]) <= Counter(labels)


# --- the log that is measured
@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    found = Log(tmp_path_factory.mktemp("log"), lambda _: None)
    found.grow(600)
    return found


@pytest.mark.long_form
def test_the_made_log_is_in_form(log: Log) -> None:
    report, tree, rows = Report(), Levels(), Rows(log.dir / "events.db", log.size)
    read_records(rows.evidence(), report, tree, Documents(), lambda *_: None)
    assert not report.failed(*STEPS), report.failures
    assert tree.size == log.size


@pytest.mark.long_form
def test_the_made_log_folds_and_is_of_real_streams(log: Log) -> None:
    municipality = open_folder(log.dir)
    try:
        municipality.projector.catch_up()
        assert not [one for one in municipality.projector.status().values() if one.stopped or one.lag]
        assert stored_digests(municipality.views) == fresh_digests(municipality.registry)
        facts = list(municipality.registry.facts())
        played, made = facts[: log.played], facts[log.played :]
        assert {fact.event.TOPIC for fact in made} < {fact.event.TOPIC for fact in played}
        assert max(Counter(fact.stream for fact in made if fact.stream.startswith("meeting-")).values()) < 60
        assert len({fact.stream for fact in made} & {fact.stream for fact in played}) == 0
        numbers = [str(fact.event.number) for fact in facts if hasattr(fact.event, "number") and
                   fact.stream.startswith("external-")]  # fmt: skip
        assert len(numbers) == len(set(numbers)) > 5
    finally:
        municipality.close()


@pytest.mark.long_form
def test_a_meeting_under_way_takes_commands(log: Log) -> None:
    with log.copied() as copy:
        one, other = copy.open_meetings(2)
        municipality = open_folder(copy.dir)
        try:
            asked = RecordReport(meeting=one.id, item=one.item, by=one.reporter, text="Rapport")
            municipality.execute(asked, one.secretary, "token")
            assert municipality.registry.version(f"meeting-{one.id}") == one.version + 1
            assert municipality.registry.version(f"meeting-{other.id}") == other.version
            assert municipality.registry.get(Meeting, one.id).closed is None
        finally:
            municipality.close()
    assert not copy.dir.exists()


@pytest.mark.long_form
def test_postgres_is_measured_and_left_as_it_was(log: Log) -> None:
    sizes = replace(SCALES[Scales.SMALL], commands=4, batches=1)
    with cluster() as server:
        found = list(appending.measure(log, sizes, server.url, lambda _: None))
        assert Counter(one.name.rpartition(" ")[2] for one in found) == {"SQLite": 11, "PostgreSQL": 11}
        with psycopg.connect(server.url) as db:
            left = db.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ 'liggare|bench'").fetchall()
        assert left == []


# --- the arithmetic
def test_a_share_is_of_turns_measured_together() -> None:
    # The third turn was disturbed on both sides alike.
    found = rates("x", "1/s", [10, 12, 1], "y", [20, 24, 2], 0.6)
    assert (found.value, found.beside_value, found.ratio, found.met) == (10, 20, 0.5, False)
    assert durations("x", "ms", [10, 12, 40], "y", [5, 6, 20]).ratio == 0.5
    assert durations("x", "ms", [1], "y", [2]).met is None


def test_a_limit_is_kept_or_not() -> None:
    assert within("x", 50, "ms", "limit", 50).met is True
    assert within("x", 51, "ms", "limit", 50).met is False
    assert within("x", 0, "ms", "limit", 50).met is True


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_the_least_that_so_many_keep_to(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(one <= found for one in values) >= share * len(values) - 1e-9
    assert all(sum(one <= less for one in values) < share * len(values) for less in values if less < found)


def test_numbers_are_for_people() -> None:
    assert [number(value) for value in (12300.0, 100.0, 99.2, 0.42)] == ["12 300", "100", "99.2", "0.42"]
