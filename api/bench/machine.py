"""What a run is good for: which commit, on what machine, when, and how its memory and disk did."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "radsliggaren"
BLOCK = b"\0" * 4096


def commit() -> str:
    """The commit that is measured; of an installed program, its version."""
    try:
        name = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "domain", "registry", "projections",
                       "signing", "api")  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        try:
            return f"{PACKAGE} {version(PACKAGE)}"
        except PackageNotFoundError:
            return "unknown"
    return f"{name} with changes not committed" if changed else name


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    # Our own words, and git as the path has it.
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # as above
    return done.stdout.strip()


def machine(postgres: str | None) -> dict[str, Any]:
    """What it ran on."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgres": _server(postgres) if postgres else None,
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _server(url: str) -> str:
    with psycopg.connect(url) as db:
        number = db.info.server_version
    return f"{number // 10_000}.{number % 10_000}"


def syncs(folder: Path, count: int) -> float:
    """How many times a second a page can be appended to a file and synced."""
    path = folder / "syncs"
    with path.open("wb", buffering=0) as file:
        file.write(BLOCK)
        os.fdatasync(file.fileno())
        begun = time.perf_counter()
        for _ in range(count):
            file.write(BLOCK)
            os.fdatasync(file.fileno())
        taken = time.perf_counter() - begun
    path.unlink()
    return count / taken


def resident() -> float:
    """The memory that this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def peak() -> Iterator[list[float]]:
    """Watch the memory of this process while work goes on; the list holds its highest, in MiB."""
    highest, ended = [resident()], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            highest[0] = max(highest[0], resident())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield highest
    finally:
        ended.set()
        watching.join()
