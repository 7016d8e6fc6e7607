"""Group commit: appends that wait for the log go into one transaction, and each gets its own answer after it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent

from registry.recorder import AlreadyDone, Behind, Conflict, Receipt
from registry.sqlite import SQLiteRecorder
from registry.together import Append, Together
from tests.test_recorder_contract import EARLIER, LATER, NOW, event, versions

ROOT = Path(__file__).parent.parent


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SQLiteRecorder]:
    recorder = SQLiteRecorder(tmp_path / "events.db")
    yield recorder
    recorder.close()


def until(so: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not so():
        assert time.monotonic() < ends
        time.sleep(0.001)


Handed = Callable[..., "Future[Any]"]


@contextmanager
def gathered(log: SQLiteRecorder) -> Iterator[Handed]:
    """Appends handed in here wait in their order behind one that waits for another process; then they are all made."""
    other = SQLiteRecorder(log.path)
    with ThreadPoolExecutor(40) as pool:
        with other.turn():
            first = pool.submit(log.insert_events, [event("body-first", 1)], recorded_at=NOW)
            until(lambda: bool(log._together._seated))

            def hand_in(*events: StoredEvent, **more: Any) -> Future[Any]:
                waiting = len(log._together)
                asked = pool.submit(log.insert_events, events, **{"recorded_at": NOW} | more)
                until(lambda: len(log._together) == waiting + 1)
                return asked

            yield hand_in
        assert first.result() == [1]
    other.close()


def statements(log: SQLiteRecorder) -> list[str]:
    said = list[str]()
    log._writer.set_trace_callback(said.append)
    return said


def test_those_who_wait_share_a_commit_and_each_gets_its_own_answer(log: SQLiteRecorder) -> None:
    said = statements(log)
    with gathered(log) as hand_in:
        late = hand_in(event("body-late", 1, LATER), recorded_at=LATER)  # comes first and puts nobody behind
        good = [
            hand_in(event(f"body-{n}", 1), event(f"body-{n}", 2), expect={f"body-{n}": 0}) for n in range(9)
        ]
        on_top = hand_in(event("body-3", 3), expect={"body-3": 2, "body-first": 1})
        stale = hand_in(event("body-4", 3), expect={"body-3": 2})
        twice = hand_in(event("body-4", 2))
        early = hand_in(event("body-x", 1, EARLIER), recorded_at=EARLIER)
        receipt = Receipt("key", b"hash", "2030")
        once, again = (hand_in(event(f"body-{name}", 1), receipt=receipt) for name in ("once", "again"))
        nothing = hand_in(receipt=Receipt("other", b"hash", "2030"))
    assert [each.result() for each in good] == [[at, at + 1] for at in range(2, 20, 2)]
    assert (on_top.result(), once.result(), late.result(), nothing.result()) == ([20], [21], [22], [])
    for refused, why in ((stale, Conflict), (twice, Conflict), (early, Behind), (again, AlreadyDone)):
        assert isinstance(refused.exception(), why)
    assert said.count("COMMIT") == 2  # the first, and all the others
    assert [position for _, _, position in versions(log)] == list(range(1, 23))
    assert log.find_receipt("key") == receipt._replace(first=21, events=1)
    assert log.find_receipt("other") == Receipt("other", b"hash", "2030")


def test_one_that_breaks_the_transaction_breaks_it_for_itself_alone(log: SQLiteRecorder) -> None:
    no_text: Any = object()
    with gathered(log) as hand_in:
        before = hand_in(event("body-1", 1))
        bad = hand_in(StoredEvent("body-2", 1, no_text, b"{}"))
        after = hand_in(event("body-3", 1))
    assert isinstance(bad.exception(), sqlite3.Error)
    assert (before.result(), after.result()) == ([2], [3])
    assert versions(log) == [("body-first", 1, 1), ("body-1", 1, 2), ("body-3", 1, 3)]


def full(log: SQLiteRecorder) -> Callable[[], object]:
    """The disk is full, at once."""
    pages = log._writer.execute("PRAGMA page_count").fetchone()[0]
    log._writer.execute(f"PRAGMA max_page_count={pages}")
    return lambda: log._writer.execute("PRAGMA max_page_count=1000000")


def no_commit(log: SQLiteRecorder) -> Callable[[], object]:
    """Everything goes well but the commit."""

    def allow(action: int, what: str | None, *_: object) -> int:
        commits = action == sqlite3.SQLITE_TRANSACTION and what == "COMMIT" and len(log._together) == 0
        return sqlite3.SQLITE_DENY if commits else sqlite3.SQLITE_OK

    log._writer.set_authorizer(allow)
    return lambda: log._writer.set_authorizer(None)


@pytest.mark.parametrize("spoil", [full, no_commit])
def test_a_commit_that_fails_fails_for_everybody_in_it(
    log: SQLiteRecorder, spoil: Callable[[SQLiteRecorder], Callable[[], object]]
) -> None:
    log.insert_events([event("body-0", 1)], recorded_at=NOW)
    mend = spoil(log)
    long = {"note": "x" * 9000}
    with ThreadPoolExecutor(9) as pool:
        with log._together.alone():
            asked = [
                pool.submit(log.insert_events, [event(f"body-{n}", 1, data=long)], recorded_at=NOW)
                for n in range(1, 9)
            ]
            until(lambda: len(log._together) == 8)
        assert all(isinstance(each.exception(), sqlite3.DatabaseError) for each in asked)
    assert versions(log) == [("body-0", 1, 1)]
    mend()
    assert log.insert_events([event("body-1", 1)], recorded_at=NOW) == [2]


def test_a_process_that_dies_before_a_commit_has_acknowledged_none_of_it(tmp_path: Path) -> None:
    died = subprocess.run(
        [sys.executable, "-m", "tests.test_together", str(tmp_path / "events.db")],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL
    acknowledged = [int(line) for line in died.stdout.split()]
    recorder = SQLiteRecorder(tmp_path / "events.db")
    assert acknowledged == [1, 2]
    assert [position for _, _, position in versions(recorder)] == [1, 2]
    assert recorder.insert_events([event("body-8", 1)], recorded_at=NOW) == [3]
    recorder.close()


def dying(path: Path) -> None:
    """Append twice, then eight at once, and be killed when these are about to be committed."""
    log = SQLiteRecorder(path)

    def append(stream: str) -> None:
        os.write(1, b"%d\n" % log.insert_events([event(stream, 1)], recorded_at=NOW)[0])

    append("body-a")
    append("body-b")
    threads = [threading.Thread(target=append, args=(f"body-{n}",)) for n in range(8)]
    with log._together.alone():
        for thread in threads:
            thread.start()
        until(lambda: len(log._together) == 8)
        log._writer.set_trace_callback(
            lambda said: os.kill(os.getpid(), signal.SIGKILL) if said == "COMMIT" else None
        )
    for thread in threads:
        thread.join()


def test_another_process_may_append_in_between(log: SQLiteRecorder) -> None:
    """What is known of the streams holds only while nobody else appends."""
    other = SQLiteRecorder(log.path)
    assert log.insert_events([event("body-1", 1)], expect={"body-2": 0}, recorded_at=NOW) == [1]
    assert other.insert_events([event("body-1", 2), event("body-2", 1)], recorded_at=NOW) == [2, 3]
    for expect in ({"body-1": 1}, {"body-2": 0}):
        with pytest.raises(Conflict):
            log.insert_events([event("body-3", 1)], expect=expect, recorded_at=NOW)
    with pytest.raises(Conflict):
        log.insert_events([event("body-1", 2)], recorded_at=NOW)
    assert log.insert_events([event("body-1", 3)], expect={"body-2": 1}, recorded_at=NOW) == [4]
    other.close()


def test_who_wants_to_be_alone_is_not_passed_by_those_who_come_later() -> None:
    order = list[str]()
    together = Together(lambda company: order.append("".join(sorted(each.recorded_at for each in company))))

    def come(name: str) -> None:
        if name != "alone":
            together.append(Append(recorded_at=name))
            return
        with together.alone(), together.alone():
            order.append(name)

    with ThreadPoolExecutor(9) as pool, together.alone():
        for count, name in enumerate(("a", "b", "alone", "c", "d")):
            pool.submit(come, name)
            until(partial(lambda expected: len(together) == expected, count + 1))
    assert order == ["ab", "alone", "cd"]
    assert not together._seated


def test_whoever_is_interrupted_keeps_nobody_waiting() -> None:
    """The main thread can be interrupted while it waits, before and after somebody has taken its append along."""
    made = list[str]()
    together = Together(lambda company: made.extend(each.recorded_at for each in company))

    class Interrupted:
        """A lock on which the first wait is interrupted."""

        def __init__(self, meanwhile: Callable[[], object]) -> None:
            self._lock, self._meanwhile = threading.Lock(), [meanwhile]
            self._lock.acquire()

        def acquire(self) -> None:
            if self._meanwhile:
                self._meanwhile.pop()()
                raise KeyboardInterrupt
            self._lock.acquire()

        def release(self) -> None:
            self._lock.release()

    def interrupted(name: str, meanwhile: Callable[[], object]) -> None:
        lock: Any = Interrupted(meanwhile)
        with pytest.raises(KeyboardInterrupt):
            together.append(Append(recorded_at=name, called=lock))

    release, held = threading.Event(), threading.Event()

    def hold() -> None:
        with together.alone():
            held.set()
            release.wait(20)

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(hold)
        held.wait(20)
        interrupted("gone from the queue", lambda: None)
        assert len(together) == 0

        def let_go() -> None:
            release.set()
            holding.result()

        interrupted("called to lead", let_go)
    assert not together._seated
    assert together.append(Append(recorded_at="goes on")) == []
    assert made == ["goes on"]


if __name__ == "__main__":
    dying(Path(sys.argv[1]))
