"""A process that lives through stages of a day in a data folder and is killed at a named point.

- The program knows nothing of this: functions of it are wrapped here, in a process of its own, which ends itself with
  SIGKILL before or after the n-th call. What the operating system was given stays; nothing else is told anything.
- A point is a place in the story (POINTS). `count` lives through the same without a kill and says how often each point
  is passed, so that a kill can be put at any of them.
- Processes are forked from one that has everything imported: hundreds of kills take minutes, not hours.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pathlib
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from multiprocessing.process import BaseProcess
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

import registry.checkpoints
import registry.destroyed
from api import backup
from api.prints import Prints
from api.reactions import Reactions, Undone
from api.signing_flow import SigningFlow
from api.wiring import Municipality
from domain.afterwards import SendMinutes
from projections.runner import Projector
from registry.checkpoints import Checkpoints
from registry.files import Files
from registry.registry import Registry
from registry.sqlite import SQLiteRecorder
from registry.vault import Vault
from signing import act, seal
from tests.faults.day import STAGES, Place, acknowledge

# What a command may end with when its disk refuses, and how the process then ends; anything else is a fault of ours.
REFUSALS = (OSError, sqlite3.OperationalError, sa.exc.OperationalError, Undone)
REFUSED = 3

Meets = Callable[..., bool]


def always(*_: Any, **__: Any) -> bool:
    return True


@dataclass(frozen=True)
class Point:
    """A function of the program, in which stages it is called, and which of its calls count."""

    owner: Any
    name: str
    stages: tuple[str, ...]
    counts: Meets = always


class Connection(sqlite3.Connection):
    """The log's connection; committing is a call like any other."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return self.commits() if sql == "COMMIT" else super().execute(sql, *values)

    def commits(self) -> sqlite3.Cursor:
        return super().execute("COMMIT")


def _database(name: str) -> Meets:
    def on(_: object, connection: Any) -> bool:
        path = connection.cursor().execute("PRAGMA database_list").fetchall()[0][2]
        return pathlib.Path(path).name == name

    return on


def _note(path: pathlib.Path, *_: object) -> bool:
    return path.name.endswith(".note") or ".note-" in path.name


def _stored(path: pathlib.Path, *_: object) -> bool:
    return path.name.startswith(".new-")


def _backup(path: pathlib.Path, *_: object) -> bool:
    return "unfinished" in path.name


def _sends(_: object, command: object, *__: object, **___: object) -> bool:
    return isinstance(command, SendMinutes)


ENTER, SIGN, SEAL, HAND_OVER = STAGES
POINTS = {
    # the log
    "deciding": Point(Registry, "_attempt", (ENTER, SIGN)),
    "saving": Point(SQLiteRecorder, "insert_events", (ENTER, SIGN, SEAL)),
    "commit": Point(Connection, "commits", (ENTER, SIGN, SEAL)),  # before it; and after it, before the answer
    "answer": Point(Municipality, "execute", (ENTER, SIGN)),
    # keys and files
    "key-made": Point(Vault, "_make", (ENTER, SIGN)),
    "keys-commit": Point(SQLiteDialect_pysqlite, "do_commit", (ENTER, SIGN, SEAL), _database("keys.db")),
    "key-destroyed": Point(Vault, "destroy", (ENTER,)),
    "destruction-listed": Point(registry.destroyed, "append", (ENTER,)),
    "file-written": Point(Files, "put", (ENTER, SIGN, SEAL)),
    "file-named": Point(pathlib.Path, "replace", (ENTER, SIGN, SEAL), _stored),
    # the signatures
    "pinned": Point(Prints, "pin", (SIGN,)),
    "begun": Point(SigningFlow, "begin", (SIGN,)),
    "kept-pending": Point(Vault, "put_pending", (SIGN,)),
    "signature": Point(SigningFlow, "resume", (SIGN,)),  # also between the two
    "signed": Point(act, "resume", (SIGN,)),
    "approved": Point(SigningFlow, "_approve", (SIGN,)),
    # sealing, and sending
    "sealed": Point(seal, "lock", (SEAL,)),
    "preserved": Point(Vault, "keep_as", (SEAL,)),
    "seal-recorded": Point(Municipality, "execute_as", (SEAL,)),
    "sending": Point(Municipality, "execute", (HAND_OVER,), _sends),
    # checkpoints
    "checkpoint": Point(Checkpoints, "sign", (SEAL,)),
    "checkpoint-written": Point(registry.checkpoints, "write_synced", (SEAL,)),
    "checkpoint-named": Point(pathlib.Path, "replace", (SEAL,), _note),
    "checkpoint-stored": Point(SQLiteRecorder, "put_checkpoint", (SEAL,)),
    # views
    "views-commit": Point(
        SQLiteDialect_pysqlite, "do_commit", (SIGN, SEAL, HAND_OVER), _database("views.db")
    ),
    "reacting": Point(Reactions, "run", (SIGN, SEAL)),
    "rebuild": Point(Projector, "_refill", (HAND_OVER,)),
    "swap": Point(Projector, "_swap", (HAND_OVER,)),
    # backup
    "backup-database": Point(backup.Copy, "database", (HAND_OVER,)),
    "backup-file": Point(backup.Copy, "_file", (HAND_OVER,)),
    "backup-manifest": Point(backup.Manifest, "write", (HAND_OVER,)),
    "backup-named": Point(pathlib.Path, "replace", (HAND_OVER,), _backup),
}


@dataclass(frozen=True)
class Kill:
    """Where a process ends: at a point, before or after its n-th call (from 1)."""

    point: str
    after: bool
    call: int


def end() -> None:
    """Be killed, as by the kernel: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def live(place: Place, stages: Sequence[str], kill: Kill | None, counted: str | None = None) -> None:
    """Live through stages; with a kill, not to the end. counted names a file for the numbers of calls."""
    calls = Counter[str]()
    for name, point in POINTS.items() if counted else [(kill.point, POINTS[kill.point])] if kill else []:
        wrap(name, point, kill, calls)
    connect = sqlite3.connect
    sqlite3.connect = lambda *given, **more: connect(
        *given, **{"factory": Connection} | more
    )  # every connection is ours
    m = place.opened()
    acknowledge(m.registry, place.note)
    for stage in stages:
        STAGES[stage](place, m)
    m.close()
    if counted:
        pathlib.Path(counted).write_text(json.dumps(calls))


def attend(place: Place, kill: Kill | None) -> None:
    """Be a server's background: keep the views, react to what happens, until the end."""
    if kill:
        wrap(kill.point, POINTS[kill.point], kill, Counter())
    m = place.opened()
    reactions = Reactions(m)
    m.projector.start()
    reactions.start()
    while not place.ended:
        time.sleep(0.05)
    reactions.stop()
    m.close()


def wrap(name: str, point: Point, kill: Kill | None, calls: Counter[str]) -> None:
    """Let a function end the process at one of its calls, and count them."""
    wrapped = getattr(point.owner, name_ := point.name)

    @wraps(wrapped)
    def passing(*given: Any, **more: Any) -> Any:
        if not point.counts(*given, **more):
            return wrapped(*given, **more)
        calls[name] += 1
        here = kill is not None and calls[name] == kill.call
        if here and kill and not kill.after:
            end()
        answer = wrapped(*given, **more)
        if here:
            end()
        return answer

    setattr(point.owner, name_, passing)


# --- from outside

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload(["tests.faults.child"])


def join(process: BaseProcess, within: float = 120) -> None:
    """Wait for a process's end; one that does not come to it is ended, and fails its test by that."""
    process.join(within)
    if process.is_alive():
        process.terminate()
        process.join()


def run(place: Place, stages: Sequence[str], kill: Kill | None = None, *, surely: bool = True) -> None:
    """Live through stages in a process of its own, which must end as it is told to.

    If not surely, what is left to do may not pass the point any more.
    """
    process = forked.Process(target=live, args=(place, stages, kill))
    process.start()
    join(process)
    expected = {-signal.SIGKILL if kill else 0, 0 if not surely else -signal.SIGKILL if kill else 0}
    assert process.exitcode in expected, (kill, process.exitcode)
    process.close()


def count(place: Place, stages: Sequence[str]) -> dict[str, int]:
    """How often each point is passed."""
    counted = place.folder / "counted"
    process = forked.Process(target=live, args=(place, stages, None, str(counted)))
    process.start()
    join(process)
    assert process.exitcode == 0
    process.close()
    found: dict[str, int] = json.loads(counted.read_text())
    return found


def kills(point: str, called: int) -> Iterator[Kill]:
    """Every way to be killed at a point, from the first call on."""
    for call in range(1, called + 1):
        for after in (False, True):
            yield Kill(point, after, call)


if __name__ == "__main__":
    try:
        live(Place.loaded(sys.argv[1]), sys.argv[2:], None)
    except REFUSALS:
        os._exit(REFUSED)  # the disk that refuses may also refuse what would be said of it
