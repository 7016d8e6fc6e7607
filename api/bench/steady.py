"""A steady load: how a served registry does over an hour of ordinary work, and whether it keeps what it takes.

- `liggare serve` runs as a program of its own on a registry made for this. Clerks (clerk.py) ask over connections kept
  alive, each at its own steady pace; one that is late goes on from where it is, so that no burst follows. A request
  takes from sending it to the last byte of its answer.
- Now and then, while they work, the log is verified and, on files, backed up.
- What the server holds is looked at once a second. Warm-up is the first fifth, when caches fill; then the first and the
  last tenth of the rest are compared: memory by its mean, threads, files and connections by their most.
- In the end the registry is exported: every event that was acknowledged must stand there as it was told. It must
  verify. A refusal ends the run; only "not now" (503) is asked again, under the same key, and counted.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import psycopg
from psycopg import sql

from api.bench.clerk import Ask, Clerk, Story, Town, settle
from api.bench.figures import Tell, percentile, rounded
from api.bench.machine import ROOT
from api.bench.watching import Held, held
from api.settings import DATABASE
from registry.postgres_schema import schema_name

CLERKS = 4
WARM_UP, COMPARED = 0.2, 0.1
ROUNDS_APART = 1200.0  # seconds
PATIENCE = 60.0


class NotKept(Exception):
    """A request was refused, or a program ended other than it should."""


@dataclass
class Load:
    """A run under way: where it runs, what came of it so far."""

    place: Path
    slug: str
    url: str | None
    taken: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    again: int = 0
    told: dict[int, tuple[str, str, int]] = field(default_factory=dict)
    seen: list[Held] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def dir(self) -> Path:
        return self.place / self.slug

    def liggare(self, *arguments: object) -> Any:
        """What a command answers."""
        done = subprocess.run(  # noqa: S603  # our own program
            [*PROGRAM, *map(str, arguments), "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotKept(f"{arguments[0]} ended with {done.returncode}: {done.stdout}{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LIGGARE")}
        path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
        keys = {"PYTHONPATH": path, "LIGGARE_ROOT_KEY": str(self.place / "keys")}
        return kept | keys | ({DATABASE: self.url} if self.url else {})

    @contextmanager
    def while_it_lasts(self) -> Iterator[None]:
        """What goes wrong in a thread ends the run."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001  # told where the run is asked for
            self.failures.append(error)
            self.ended.set()


PROGRAM = (sys.executable, "-m", "api.cli.main")


def steady(place: Path, minutes: float, rate: float, url: str | None, tell: Tell) -> dict[str, Any]:
    """Serve a registry of its own under load, on PostgreSQL if there is a URL; what came of it, as JSON holds it."""
    load = Load(place, f"load{secrets.token_hex(4)}", url)
    tell(f"{'PostgreSQL' if url else 'SQLite'}: {minutes:g} minutes at {rate:g} requests a second")
    try:
        made = load.liggare("init", "--dir", load.dir, "--slug", load.slug, "--name", "Exempelby kommun")
        with _serving(load) as (pid, port):
            began = time.monotonic()
            _work(load, minutes * 60, rate, pid, port, made["setup_token"], tell)
            lasted = time.monotonic() - began
        return _result(load, minutes, rate, lasted)
    finally:
        if url:
            with psycopg.connect(url, autocommit=True) as db:
                name = sql.Identifier(schema_name(load.slug))
                db.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))


@contextmanager
def _serving(load: Load) -> Iterator[tuple[int, int]]:
    command = [*PROGRAM, "serve", "--dir", str(load.dir), "--port", "0", "--json"]
    with (load.place / "server.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603  # our own program
            command, env=load.environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert server.stdout is not None
    try:
        said = server.stdout.readline()
        if not said:
            raise NotKept((load.place / "server.log").read_text("utf-8"))
        yield server.pid, int(json.loads(said)["address"].rpartition(":")[2])
    finally:
        server.send_signal(signal.SIGTERM)
        if server.wait(PATIENCE):
            load.failures.append(NotKept(f"the server ended with {server.returncode}"))
        server.stdout.close()


def _work(load: Load, lasts: float, rate: float, pid: int, port: int, setup: str, tell: Tell) -> None:
    town = Town(ids={"operator": ""}, tokens={"operator": setup})
    _play(load, settle(town), town, port, pace=0.0)
    town.ids["operator"] = _one(port, Ask("", "GET", "/me"), load, town)["person"]
    load.taken.clear()
    end = time.monotonic() + lasts

    def clerk(number: int) -> None:
        with load.while_it_lasts():
            time.sleep(number / rate)
            one = Clerk(town, random.Random(number), datetime.now)  # noqa: S311  # draws questions; not secrets
            _play(load, one.work(), town, port, CLERKS / rate)

    def watch() -> None:
        with load.while_it_lasts():
            while not load.ended.wait(1):
                load.seen.append(held(pid))

    def rounds() -> None:
        with load.while_it_lasts():
            count = max(1, int(lasts / ROUNDS_APART))
            for number in range(count):
                if load.ended.wait(lasts * (number + 0.5) / count - (lasts - (end - time.monotonic()))):
                    return
                _round(load, number)

    working = [threading.Thread(target=clerk, args=(number,)) for number in range(CLERKS)]
    threads = [*working, threading.Thread(target=watch), threading.Thread(target=rounds)]
    for thread in threads:
        thread.start()
    while not load.ended.wait(min(60.0, max(0.0, end - time.monotonic()))) and time.monotonic() < end:
        tell(
            f"{(lasts - (end - time.monotonic())) / 60:.0f} min: {sum(map(len, load.taken.values()))} requests"
        )
    load.ended.set()
    for thread in threads:
        thread.join()
    if load.failures:
        raise NotKept(f"it did not last: {load.failures[0]}") from load.failures[0]


def _round(load: Load, number: int) -> None:
    """What an operator does while others work."""
    backup = load.place / f"backup-{number}"
    _timed(load, "verify", lambda: load.liggare("verify", load.dir))
    if not load.url:
        _timed(load, "backup", lambda: load.liggare("backup", "--dir", load.dir, "--out", backup))
        _timed(load, "verify of the backup", lambda: load.liggare("verify", backup / "data"))


def _timed(load: Load, kind: str, work: Callable[[], Any]) -> None:
    begun = time.perf_counter()
    work()
    with load.lock:
        load.taken[kind].append(time.perf_counter() - begun)


# --- a client
def _play(load: Load, story: Story, town: Town, port: int, pace: float) -> None:
    """Ask what a story asks, no faster than the pace, until it ends or the run does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    due, answer = time.monotonic(), None
    try:
        while not load.ended.wait(max(0.0, due - time.monotonic())):
            due = max(due + pace, time.monotonic())
            answer = _answered(load, connection, story.send(answer), town)
    except StopIteration:
        pass
    finally:
        connection.close()


def _one(port: int, ask: Ask, load: Load, town: Town) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        return _answered(load, connection, ask, town)
    finally:
        connection.close()


def _answered(load: Load, connection: http.client.HTTPConnection, ask: Ask, town: Town) -> Any:
    headers = {"Content-Type": ask.media} if ask.body is not None else {}
    if token := town.tokens.get(ask.who):
        headers["Authorization"] = f"Bearer {token}"
    if ask.method == "POST":
        headers["Idempotency-Key"] = secrets.token_hex(8)
    while True:
        begun = time.perf_counter()
        connection.request(ask.method, f"/v1/{load.slug}{ask.path}", ask.body, headers)
        response = connection.getresponse()
        content = response.read()
        taken = time.perf_counter() - begun
        if response.status != 503 or load.ended.is_set():
            break
        load.again += 1
        time.sleep(0.5)
    if response.status >= 400:
        raise NotKept(f"{ask.method} {ask.path}: {response.status} {content.decode()}")
    is_json = response.getheader("Content-Type", "").startswith("application/json")
    answer = json.loads(content) if content and is_json else {}
    with load.lock:
        load.taken[ask.kind].append(taken)
        for event in answer.get("events", ()) if ask.method == "POST" else ():
            load.told[event["position"]] = (event["stream"], event["kind"], event["version"])
            town.position = max(town.position, event["position"])
    return answer


# --- what came of it
def _result(load: Load, minutes: float, rate: float, lasted: float) -> dict[str, Any]:
    export = load.place / "export"
    load.liggare("export", "--dir", load.dir, "--out", export)
    verified = load.liggare("verify", load.dir)["ok"]
    with (export / "events.jsonl").open("rb") as lines:
        stored = [json.loads(line) for line in lines]
    missing = [
        position
        for position, told in load.told.items()
        if position > len(stored)
        or tuple(stored[position - 1][name] for name in ("stream", "topic", "version")) != told
    ]
    count = sum(map(len, load.taken.values()))
    return {
        "store": "PostgreSQL" if load.url else "SQLite",
        "minutes": minutes,
        "clerks": CLERKS,
        "rate": {"asked": rate, "reached": rounded(count / lasted)},
        "requests": count,
        "again": load.again,
        "events": len(stored),
        "acknowledged": len(load.told),
        "missing": len(missing),
        "verified": verified,
        "kinds": [
            {"kind": kind, "count": len(taken)}
            | {name: rounded(1000 * percentile(taken, share)) for name, share in SHARES.items()}
            for kind, taken in sorted(load.taken.items(), key=lambda one: -len(one[1]))
        ],
        "held": _compared(load.seen),
    }


SHARES = {"p50": 0.5, "p99": 0.99, "most": 1.0}


def _compared(seen: Sequence[Held]) -> dict[str, dict[str, float]]:
    """What was held after the warm-up, and in the end."""
    warm = seen[int(len(seen) * WARM_UP) :]
    part = max(1, int(len(warm) * COMPARED))
    first, last = warm[:part], warm[-part:]
    found = {
        "memory": {"first": fmean(one.memory for one in first), "last": fmean(one.memory for one in last)}
    }
    for name in ("threads", "files", "connections"):
        found[name] = {
            "first": max(getattr(one, name) for one in first),
            "last": max(getattr(one, name) for one in last),
        }
    return {name: {when: round(value, 1) for when, value in each.items()} for name, each in found.items()}
