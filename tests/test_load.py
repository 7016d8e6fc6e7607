"""A registry in service under a steady load: it keeps what it takes and holds no more than before.

The sample lasts three seconds on files, too short to say how memory grows; HYPOTHESIS_PROFILE=long lasts an hour on
files and another on PostgreSQL and holds it to five per cent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from api.bench import lasted
from api.bench.clerk import PART, PROFILE
from domain.profile import read
from tests.house import ROOT
from tests.postgres import Cluster

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
MINUTES, RATE = (60.0, 4.0) if LONG else (1 / 20, 12.0)
STORES = ["SQLite", "PostgreSQL"] if LONG else ["SQLite"]
MEMORY_GROWS, OTHERS_GROW = (0.05, 2) if LONG else (1.0, 12)


@pytest.fixture(scope="module")
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    docs = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "api.cli.main", "load", "--json", "--docs", str(docs)]
    command += ["--minutes", str(MINUTES), "--rate", str(RATE)]
    if LONG:
        postgres: Cluster = request.getfixturevalue("postgres")
        command += ["--postgres", postgres.database()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    found["page"] = (docs / lasted.PAGE).read_text("utf-8")
    return found


def test_everything_acknowledged_is_there_and_verifies(result: dict[str, Any]) -> None:
    assert [one["store"] for one in result["loads"]] == STORES
    for one in result["loads"]:
        assert one["verified"]
        assert one["missing"] == 0
        assert one["events"] >= one["acknowledged"] > 0


def test_the_clerks_agenda_stands_in_the_rules_they_work_by() -> None:
    items = read(PROFILE).content(PART)["rules"]["standing-items"]["value"]
    assert len(items) >= 3  # a meeting takes up three, and adds one


def test_every_kind_of_request_is_timed(result: dict[str, Any]) -> None:
    for one in result["loads"]:
        kinds = {each["kind"]: each for each in one["kinds"]}
        assert {"command", "state of a thing", "list"} <= kinds.keys()
        assert {"backup", "verify of the backup"} <= kinds.keys() or one["store"] != "SQLite"
        for each in kinds.values():
            assert each["count"] > 0
            assert 0 < each["p50"] <= each["p99"] <= each["most"]
        assert one["requests"] == sum(each["count"] for each in kinds.values())


def test_the_server_holds_no_more_in_the_end(result: dict[str, Any]) -> None:
    for one in result["loads"]:
        held = one["held"]
        assert lasted.growth(held["memory"]) < MEMORY_GROWS, held
        for name in ("threads", "files", "connections"):
            assert 0 < held[name]["last"] <= held[name]["first"] + OTHERS_GROW, held


def test_the_page_shows_it(result: dict[str, Any]) -> None:
    for one in result["loads"]:
        assert lasted.told(one) in result["page"]
        for kind in one["kinds"]:
            assert f"| {kind['kind']}, ms |" in result["page"]
