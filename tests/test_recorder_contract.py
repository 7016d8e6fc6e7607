"""The contract of registry/recorder.py, run for every recorder there is.

- A recorder is tested by a class that says how to open one; opening the same place twice stands for two processes.
- Model: the persistence tests of pyeventsourcing, one contract for every database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import Notification, StoredEvent

from registry.clock import stamp
from registry.mapper import EvidenceBroken
from registry.recorder import AlreadyDone, Behind, Busy, Conflict, Head, LogRecorder, Receipt
from registry.sqlite import SQLiteRecorder
from signing.canonical import encode
from signing.log import leaf_hash

START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
EARLIER, LATER = stamp(START - timedelta(seconds=1)), stamp(START + timedelta(seconds=1))
NOW = stamp(START)
TOPIC = "body-established.v1"


def event(stream: str, version: int, recorded_at: str = NOW, **more: Any) -> StoredEvent:
    """A stored event in form, of no particular content."""
    fields: dict[str, Any] = {
        "v": 1, "salt": "00" * 16, "municipality": "m", "stream": stream, "version": version, "topic": TOPIC,
        "recorded_at": recorded_at, "actor": "system", "assurance": "system", "command_id": "00" * 8, "rules": "",
        "happened": {"text": "okänt", "earliest": None, "latest": None, "precision": "unknown"},
        "mandate": {"role": "system", "body": ""}, "data": {},
    }  # fmt: skip
    return StoredEvent(stream, version, TOPIC, encode(fields | more))


def versions(recorder: LogRecorder) -> list[tuple[str, int, int]]:
    return [(str(one.originator_id), one.originator_version, one.id) for one in recorder.scan()]


class RecorderContract:
    """What holds for every recorder. A subclass says how one is opened."""

    def open(self, place: Path) -> LogRecorder:
        raise AssertionError(f"a subclass opens its recorder in {place}")

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path

    @pytest.fixture
    def opened(self) -> Iterator[ExitStack]:
        with ExitStack() as stack:
            yield stack

    @pytest.fixture
    def log(self, place: Path, opened: ExitStack) -> LogRecorder:
        return self.another(place, opened)

    def another(self, place: Path, opened: ExitStack) -> LogRecorder:
        recorder = self.open(place)
        opened.callback(recorder.close)
        return recorder

    # --- appending

    def test_an_empty_log(self, log: LogRecorder) -> None:
        assert log.head() == Head(0, "")
        assert (list(log.scan()), list(log.leaves()), list(log.select_stream("body-1"))) == ([], [], [])
        assert log.max_notification_id() is None
        assert log.checkpoints() == []
        assert log.find_receipt("k") is None

    def test_positions_follow_on_each_other(self, log: LogRecorder) -> None:
        assert log.insert_events([event("body-1", 1), event("body-2", 1)], recorded_at=NOW) == [1, 2]
        assert log.insert_events([event("body-1", 2)], recorded_at=NOW) == [3]
        assert versions(log) == [("body-1", 1, 1), ("body-2", 1, 2), ("body-1", 2, 3)]
        assert log.head() == Head(3, NOW)
        assert log.max_notification_id() == 3

    def test_a_refused_append_leaves_no_gap(self, log: LogRecorder) -> None:
        log.insert_events([event("body-1", 1)], recorded_at=NOW)
        with pytest.raises(Conflict):
            log.insert_events([event("body-2", 1), event("body-1", 1)], recorded_at=NOW)
        assert log.insert_events([event("body-2", 1)], recorded_at=NOW) == [2]

    @pytest.mark.parametrize("version", [1, 3, 0, -1])
    def test_a_version_follows_on_the_last(self, log: LogRecorder, version: int) -> None:
        log.insert_events([event("body-1", 1)], recorded_at=NOW)
        with pytest.raises(Conflict):
            log.insert_events([event("body-1", version)], recorded_at=NOW)
        assert log.head().position == 1

    def test_several_events_of_one_stream_in_one_save(self, log: LogRecorder) -> None:
        both = [event("body-1", 1), event("body-1", 2)]
        assert log.insert_events(both, expect={"body-1": 0}, recorded_at=NOW) == [1, 2]
        with pytest.raises(Conflict):
            log.insert_events([event("body-1", 3), event("body-1", 5)], recorded_at=NOW)
        assert log.head().position == 2

    @pytest.mark.parametrize(
        ("expect", "holds"),
        [({"body-1": 1}, True), ({"body-1": 0}, False), ({"body-1": 2}, False), ({"body-9": 0}, True),
         ({"body-9": 1}, False), ({"body-1": 1, "body-9": 1}, False)],
    )  # fmt: skip
    def test_every_stream_that_was_read_is_checked(
        self, log: LogRecorder, expect: dict[str, int], holds: bool
    ) -> None:
        log.insert_events([event("body-1", 1)], recorded_at=NOW)
        if holds:
            assert log.insert_events([event("body-2", 1)], expect=expect, recorded_at=NOW) == [2]
        else:
            with pytest.raises(Conflict):
                log.insert_events([event("body-2", 1)], expect=expect, recorded_at=NOW)
            assert log.head().position == 1

    def test_time_does_not_go_back(self, log: LogRecorder) -> None:
        log.insert_events([event("body-1", 1)], recorded_at=NOW)
        with pytest.raises(Behind) as behind:
            log.insert_events([event("body-1", 2, EARLIER)], recorded_at=EARLIER)
        assert behind.value.head == NOW
        assert log.head() == Head(1, NOW)
        log.insert_events([event("body-1", 2, EARLIER)], recorded_at=EARLIER, reset=True)
        assert log.head() == Head(2, EARLIER)
        log.insert_events([event("body-1", 3, EARLIER)], recorded_at=EARLIER)
        assert log.head() == Head(3, EARLIER)

    def test_it_is_there_when_opened_again(self, place: Path, opened: ExitStack) -> None:
        first = self.open(place)
        first.insert_events([event("body-1", 1)], recorded_at=NOW)
        first.put_checkpoint(1, b"note")
        first.close()
        again = self.another(place, opened)
        assert (again.head(), again.checkpoints()) == (Head(1, NOW), [(1, b"note")])
        assert versions(again) == [("body-1", 1, 1)]

    # --- receipts

    def test_a_receipt_is_stored_with_its_events(self, log: LogRecorder) -> None:
        log.insert_events([event("body-1", 1)], recorded_at=NOW)
        receipt = Receipt("key", b"hash", LATER)
        log.insert_events([event("body-1", 2), event("body-1", 3)], recorded_at=NOW, receipt=receipt)
        assert log.find_receipt("key") == Receipt("key", b"hash", LATER, 2, 2)

    def test_a_receipt_without_events(self, log: LogRecorder) -> None:
        assert list(log.insert_events([], recorded_at=NOW, receipt=Receipt("key", b"hash", LATER))) == []
        assert log.find_receipt("key") == Receipt("key", b"hash", LATER, 0, 0)
        assert log.head() == Head(0, "")

    def test_a_request_is_carried_out_once(self, log: LogRecorder) -> None:
        receipt = Receipt("key", b"hash", LATER)
        log.insert_events([event("body-1", 1)], recorded_at=NOW, receipt=receipt)
        with pytest.raises(AlreadyDone):
            log.insert_events([event("body-1", 2)], recorded_at=NOW, receipt=receipt)
        assert log.head().position == 1

    def test_a_refused_append_leaves_no_receipt(self, log: LogRecorder) -> None:
        with pytest.raises(Conflict):
            log.insert_events(
                [event("body-1", 1)],
                expect={"body-1": 4},
                recorded_at=NOW,
                receipt=Receipt("key", b"", LATER),
            )
        assert log.find_receipt("key") is None

    def test_an_expired_receipt_counts_for_nothing(self, log: LogRecorder) -> None:
        log.insert_events([event("body-1", 1)], recorded_at=NOW, receipt=Receipt("key", b"old", LATER))
        log.insert_events(
            [event("body-1", 2, LATER)],
            recorded_at=LATER,
            receipt=Receipt("key", b"new", stamp(START + timedelta(1))),
        )
        found = log.find_receipt("key")
        assert found is not None
        assert (found.request, found.first) == (b"new", 2)

    # --- reading

    def test_ranges(self, log: LogRecorder) -> None:
        log.insert_events([event("body-1", version) for version in range(1, 6)], recorded_at=NOW)
        assert [one.id for one in log.scan(1, 4)] == [2, 3, 4]
        assert list(log.scan(5)) == list(log.scan(9)) == []
        assert list(log.leaves(1, 3)) == [leaf_hash(event("body-1", version).state) for version in (2, 3)]
        assert [one.id for one in log.select_notifications(2, 2)] == [2, 3]
        assert [one.id for one in log.select_notifications(2, 9, 4, inclusive_of_start=False)] == [3, 4]
        assert log.select_notifications(1, 9, topics=["other.v1"]) == []
        assert [one.id for one in log.select_notifications(None, 1, topics=[TOPIC])] == [1]

    def test_streams(self, log: LogRecorder) -> None:
        log.insert_events([event("body-1", 1), event("body-2", 1), event("body-1", 2)], recorded_at=NOW)
        assert [one.id for one in log.select_stream("body-1")] == [1, 3]
        assert [one.id for one in log.select_stream("body-1", 1)] == [3]
        assert [one.id for one in log.select_stream("body-1", at=2)] == [1]
        assert [one.originator_version for one in log.select_events("body-1", desc=True, limit=1)] == [2]
        assert [one.originator_version for one in log.select_events("body-1", gt=0, lte=1)] == [1]

    def test_what_is_read_is_what_was_stored(self, log: LogRecorder) -> None:
        stored = event("body-1", 1, data={"name": "Trygghetsrådet ☂ \x00"})
        log.insert_events([stored], recorded_at=NOW)
        (read,) = log.scan()
        assert read == Notification("body-1", 1, TOPIC, stored.state, 1)
        assert type(read.state) is bytes

    def test_a_scan_goes_on_over_many_pages(self, log: LogRecorder) -> None:
        many = 4321
        log.adopt(event("body-1", version) for version in range(1, many + 1))
        assert [one.id for one in log.scan(2)] == list(range(3, many + 1))
        assert sum(1 for _ in log.leaves()) == many

    def test_reading_goes_on_beside_writing(self, log: LogRecorder) -> None:
        log.insert_events([event("body-1", version) for version in range(1, 4)], recorded_at=NOW)
        reading = log.scan()
        next(reading)
        log.insert_events([event("body-1", 4)], recorded_at=NOW)
        assert [one.id for one in reading] == [2, 3]

    def test_checkpoints_come_smallest_first(self, log: LogRecorder) -> None:
        for size, note in ((10, b"ten"), (2, b"two"), (10, b"ten again")):
            log.put_checkpoint(size, note)
        assert list(log.checkpoints()) == [(2, b"two"), (10, b"ten again")]

    # --- adopting

    def test_an_empty_log_adopts(self, log: LogRecorder) -> None:
        assert log.adopt(iter([event("body-1", 1), event("body-2", 1), event("body-1", 2, EARLIER)])) == 3
        assert log.head() == Head(3, EARLIER)
        assert versions(log) == [("body-1", 1, 1), ("body-2", 1, 2), ("body-1", 2, 3)]
        with pytest.raises(Conflict):
            log.adopt(iter([event("body-3", 1)]))

    def test_an_empty_log_adopts_nothing(self, log: LogRecorder) -> None:
        assert log.adopt(iter([])) == 0
        assert log.head() == Head(0, "")

    def test_adopting_is_all_or_nothing(self, log: LogRecorder) -> None:
        def broken_off() -> Iterator[StoredEvent]:
            for version in range(1, 2500):
                yield event("body-1", version)
            raise EvidenceBroken("the rest is missing")

        with pytest.raises(EvidenceBroken):
            log.adopt(broken_off())
        with pytest.raises(Conflict):
            log.adopt(iter([event("body-1", 1), event("body-1", 3)]))
        assert log.head() == Head(0, "")
        assert log.insert_events([event("body-1", 1)], recorded_at=NOW) == [1]

    # --- several writers

    def test_in_a_turn_nobody_else_appends(self, place: Path, opened: ExitStack) -> None:
        here, there = self.another(place, opened), self.another(place, opened)
        began, done = threading.Event(), list[str]()

        def other() -> None:
            began.set()
            there.insert_events([event("body-2", 1)], recorded_at=NOW)
            done.append("there")

        thread = threading.Thread(target=other)
        with here.turn():
            thread.start()
            began.wait()
            thread.join(0.1)
            assert (here.head().position, done) == (0, [])
            done.append("here")  # before the append, which ends the turn
            here.insert_events([event("body-1", 1)], expect={"body-2": 0}, recorded_at=NOW)
        thread.join()
        assert done == ["here", "there"]
        assert versions(here) == [("body-1", 1, 1), ("body-2", 1, 2)]

    def test_a_turn_that_saves_nothing_changes_nothing(self, log: LogRecorder) -> None:
        with log.turn():
            pass
        with pytest.raises(Conflict), log.turn():
            log.insert_events([event("body-1", 2)], recorded_at=NOW)
        with pytest.raises(RuntimeError), log.turn():
            raise RuntimeError
        assert log.insert_events([event("body-1", 1)], recorded_at=NOW) == [1]

    def test_many_writers_leave_no_gap(self, place: Path, opened: ExitStack) -> None:
        logs = [self.another(place, opened) for _ in range(2)]
        lost = list[int]()

        def write(log: LogRecorder, number: int) -> None:
            for version in range(1, 11):
                log.insert_events([event(f"body-{number}", version)], recorded_at=NOW)
                try:
                    log.insert_events([event("body-shared", version)], recorded_at=NOW)
                except Conflict:
                    lost.append(1)

        threads = [threading.Thread(target=write, args=(logs[number % 2], number)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        events = versions(logs[0])
        assert [position for _, _, position in events] == list(range(1, len(events) + 1))
        assert len(events) == 80 - len(lost)
        shared = [version for stream, version, _ in events if stream == "body-shared"]
        assert shared == list(range(1, len(shared) + 1))

    def test_waiting_for_the_next_event(self, place: Path, opened: ExitStack) -> None:
        log, other = self.another(place, opened), self.another(place, opened)
        assert not log.wait(0, 0.01)
        threading.Timer(0.05, lambda: other.insert_events([event("body-1", 1)], recorded_at=NOW)).start()
        assert log.wait(0, 10)
        assert not log.wait(1, 0.01)

    def test_subscribing(self, log: LogRecorder) -> None:
        log.insert_events([event("body-1", 1), event("body-1", 2)], recorded_at=NOW)
        with log.subscribe(gt=1, topics=[TOPIC]) as subscription:
            assert next(iter(subscription)).id == 2
            threading.Timer(0.05, lambda: log.insert_events([event("body-1", 3)], recorded_at=NOW)).start()
            assert next(iter(subscription)).id == 3
            subscription.stop()
            assert next(iter(subscription), None) is None


class TestSQLite(RecorderContract):
    """The contract on SQLite, and what is SQLite's own."""

    def open(self, place: Path) -> SQLiteRecorder:
        return SQLiteRecorder(place / "events.db")

    def spoil(self, place: Path, statement: str) -> None:
        recorder = self.open(place)
        recorder.insert_events([event("body-1", version) for version in (1, 2, 3)], recorded_at=NOW)
        recorder._writer.execute(statement)
        recorder.close()

    @pytest.mark.parametrize(
        "read",
        [
            lambda log: list(log.scan()),
            lambda log: log.select_stream("body-1", 1),
            lambda log: log.select_notifications(2, 1),
        ],
    )
    @pytest.mark.parametrize("cast", ["blob", "text"])
    def test_every_read_checks_the_leaf(
        self, place: Path, opened: ExitStack, read: Callable[[LogRecorder], object], cast: str
    ) -> None:
        altered = f"cast(replace(envelope, 'system', 'sysTem') AS {cast})"
        self.spoil(place, f"UPDATE event SET envelope = {altered} WHERE position = 2")
        log = self.another(place, opened)
        with pytest.raises(EvidenceBroken, match="position 2"):
            read(log)

    @pytest.mark.parametrize("lost", [1, 2])
    def test_a_missing_event_is_missed(self, place: Path, opened: ExitStack, lost: int) -> None:
        self.spoil(place, f"DELETE FROM event WHERE position = {lost}")
        log = self.another(place, opened)
        with pytest.raises(EvidenceBroken, match=f"position {lost}"):
            list(log.scan())
        with pytest.raises(EvidenceBroken, match=f"position {lost}"):
            list(log.leaves())

    def test_the_head_is_checked_too(self, place: Path, opened: ExitStack) -> None:
        self.spoil(place, "UPDATE event SET envelope = x'7b7d', leaf = zeroblob(32) WHERE position = 3")
        with pytest.raises(EvidenceBroken, match="position 3"):
            self.another(place, opened).head()

    def test_it_opens_no_other_file(self, place: Path) -> None:
        path = place / "events.db"
        path.write_bytes(b"This is a letter, not a log.\n" * 100)
        with pytest.raises(EvidenceBroken, match="not an event log"):
            SQLiteRecorder(path)
        path.unlink()
        recorder = SQLiteRecorder(path)
        recorder._writer.execute("PRAGMA user_version=2")
        recorder.close()
        with pytest.raises(EvidenceBroken, match="not an event log"):
            SQLiteRecorder(path)

    def test_threads_that_end_leave_no_connection_behind(self, place: Path, opened: ExitStack) -> None:
        log = SQLiteRecorder(place / "events.db")
        opened.callback(log.close)
        for _ in range(10):
            thread = threading.Thread(target=log.head)
            thread.start()
            thread.join()
        assert len(log._idle) == 1

    def test_reading_only_leaves_the_file_as_it_is(self, place: Path, opened: ExitStack) -> None:
        self.spoil(place, "SELECT 1")
        before = (place / "events.db").read_bytes()
        log = SQLiteRecorder(place / "events.db", readonly=True)
        opened.callback(log.close)
        assert (log.head().position, len(list(log.scan()))) == (3, 3)
        assert (place / "events.db").read_bytes() == before
        assert [path.name for path in place.iterdir()] == ["events.db"]

    def test_a_writer_that_waits_too_long_says_so(
        self, place: Path, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here, there = self.another(place, opened), self.another(place, opened)
        monkeypatch.setattr("registry.sqlite.PATIENCE", 0.01)
        with here.turn(), pytest.raises(Busy, match="another process"):
            there.insert_events([event("body-1", 1)], recorded_at=NOW)
        there.insert_events([event("body-1", 1)], recorded_at=NOW)

    def test_expired_receipts_are_purged(self, place: Path, opened: ExitStack) -> None:
        log = self.another(place, opened)
        later = stamp(START + timedelta(hours=2))
        log.insert_events([event("body-1", 1)], recorded_at=NOW, receipt=Receipt("old", b"", LATER))
        log.insert_events([event("body-1", 2, later)], recorded_at=later, receipt=Receipt("new", b"", "2030"))
        assert log.find_receipt("old") is None
        assert log.find_receipt("new") is not None
