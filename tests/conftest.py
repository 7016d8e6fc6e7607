"""How the tests run, and what they say about what they could not run.

- A test that needs a program which is not here is skipped, and the last words of the run name it and the one
  command that adds it. Where LIGGARE_ALL_TOOLS=1 (the full check) any skip at all is a failure.
- No test speaks to another machine: connecting anywhere but to this one is an error.
- Coverage is measured while the tests run that judge domain/ and signing/ alone, and those marked `measured`: tracing
  makes everything else take up to twice as long and adds nothing to the gate.
- Random tests keep no time limit of their own (two busy cores are slow); HYPOTHESIS_PROFILE=long runs twenty times
  as many cases, and =mutants fewer and always the same ones, without looking for the simplest that fails.
- A change by `make mutants` to a module that is slow to test is judged by the tests that pyproject.toml names for it.
- What was collected stays until the end, and is not looked through for garbage again and again: a tenth of the time.
- What asks for a database runs on files and on PostgreSQL: in the sample where it is marked so, in the long form all.
"""

from __future__ import annotations

import gc
import ipaddress
import os
import re
import socket
import tomllib
from collections import Counter
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import coverage
import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.postgres import Cluster, Database, cluster

ALL_TOOLS = os.environ.get("LIGGARE_ALL_TOOLS") == "1"

settings.register_profile(
    "quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", settings.get_profile("quick"), max_examples=1000)
settings.register_profile(
    "mutants",
    settings.get_profile("quick"),
    max_examples=20,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
SLOW = {"test_bench.py", "test_checking.py", "test_cli.py", "test_load.py", "test_readme.py", "test_year.py"}


# What a file imports that does not judge domain/ and signing/ alone.
HIGHER = re.compile(r"^(?:from|import) (?:registry|projections|api)\b", re.MULTILINE)


class OtherMachine(OSError):
    """A test tried to reach another machine (an OSError, so that whoever tried closes what it opened)."""


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a socket in the file system
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return bool(address[0] == "localhost")


@pytest.fixture(autouse=True, scope="session")
def only_this_machine() -> Generator[None]:
    """Keep every test on this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if not _is_here(address):
            raise OtherMachine(f"a test may not connect to {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A running server for the whole run of this worker."""
    with cluster() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: Cluster) -> str:
    """A database on it, shared by the tests of a run: each takes a schema of its own."""
    return postgres.database()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """What the registries of a test lie in: every test that asks is run for each."""
    return Database(request.getfixturevalue("postgres") if request.param == "postgresql" else None)


@pytest.fixture(scope="session")
def database_url(database: Database, request: pytest.FixtureRequest) -> str | None:
    """The address of a database that a run's tests share, each with a schema of its own; None for files."""
    return request.getfixturevalue("postgres_url") if database.cluster else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the sample, leave out what is for the long form, and the second database but where both are marked."""
    if LONG:
        return
    changed = os.environ.get("MUTANT_UNDER_TEST", "").rpartition(".")[0]
    left = [
        item
        for item in items
        if (_is_second(item) and not item.get_closest_marker("both_databases"))
        or item.get_closest_marker("long_form")
        or not _judges(item.nodeid, changed)
    ]
    config.hook.pytest_deselected(items=left)
    # What takes longest is begun first, so that no worker is left with it when the others are done.
    slow = {item: item.path.name not in SLOW for item in items if item not in set(left)}
    items[:] = sorted(slow, key=slow.__getitem__)


@cache
def _judging() -> dict[str, Any]:
    """What pyproject.toml says of which tests judge which module."""
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8")
    said: dict[str, Any] = tomllib.loads(text)["tool"]["liggare"]
    return said


def _judges(test: str, changed: str) -> bool:
    """Whether a test judges a change to this module; without any every test runs."""
    if named := _judging()["judges"].get(changed):
        return test.startswith(tuple(named))
    return not changed or not test.startswith(tuple(_judging()["aside"]))


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later search for garbage."""
    gc.freeze()


def _is_second(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and (
        hasattr(item, "callspec") and item.callspec.params.get("database") == "postgresql"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage where it would say nothing."""
    running = coverage.Coverage.current()
    if running is None or item.get_closest_marker("measured") or _alone(item.path):
        return (yield)
    running.stop()
    try:
        return (yield)
    finally:
        running.start()


@cache
def _alone(path: Path) -> bool:
    """Whether a file has the name of a module of the two rooms, or imports no higher one."""
    named = path.stem.removeprefix("test_")
    root = Path(__file__).parent.parent
    return any(
        (root / room / f"{named}.py").is_file() for room in ("domain", "signing")
    ) or not HIGHER.search(path.read_text("utf-8"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must run, a skipped test is a failed one."""
    report = yield
    if ALL_TOOLS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where nothing may be: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly what was not checked, and what would change that."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if not reasons:
        return
    terminalreporter.section("not checked on this machine")
    for reason, count in sorted(reasons.items()):
        terminalreporter.line(f"{count:4} test{'s' if count > 1 else ' '}  {reason}")
    if any("not installed" in reason for reason in reasons):
        terminalreporter.line("The one command that adds what is not installed (as root):  make tools")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What pytest.skip was told."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
