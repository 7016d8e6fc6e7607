"""The event log on a PostgreSQL of the tests' own: what SQLite does, and what only a server can do to it."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import UnsupportedOperation
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as cases
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from domain.messages import Actor, Mandate, New, Role
from domain.municipality import REGISTRY, Municipality, RegistryOpened
from registry.clock import SystemClock
from registry.files import Files
from registry.mapper import EvidenceBroken
from registry.postgres import PostgresRecorder
from registry.postgres_arrays import blobs, flags, numbers, register, texts
from registry.postgres_schema import NotALog, lock_key, schema_name
from registry.recorder import AlreadyDone, Behind, Busy, Conflict, LogRecorder, LogUnavailable, Receipt
from registry.registry import Decision, Once, Registry, StoredWorld
from registry.sqlite import SQLiteRecorder
from registry.vault import Vault
from signing.log import leaf_hash
from tests.postgres import Cluster, Wire, cluster
from tests.postgres_writers import SHARED, STAMP, stored
from tests.test_recorder_contract import RecorderContract

LATER = "2026-01-07T09:00:00.000000Z"
ROOT = Path(__file__).parent.parent


def fresh() -> str:
    return f"t{secrets.token_hex(6)}"


@pytest.fixture
def slug() -> str:
    return fresh()


@pytest.fixture
def log(postgres_url: str, slug: str) -> Iterator[PostgresRecorder]:
    recorder = PostgresRecorder(postgres_url, slug)
    yield recorder
    recorder.close()
    recorder.close()  # a second time there is nothing to do


@pytest.fixture
def db(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def one(log: LogRecorder, stream: str, version: int, recorded_at: str = STAMP) -> int:
    return log.insert_events(
        [stored(stream, version, recorded_at)], expect={stream: version - 1}, recorded_at=recorded_at
    )[0]


def positions(log: LogRecorder) -> list[int]:
    return [event.id for event in log.scan()]


class TestContract(RecorderContract):
    """The contract on PostgreSQL: a place is a schema."""

    url = ""

    @pytest.fixture
    def place(self, postgres_url: str) -> Path:
        self.url = postgres_url
        return Path(fresh())

    def open(self, place: Path) -> PostgresRecorder:
        return PostgresRecorder(self.url, place.name)


# --- the schema


def test_a_slug_names_a_schema_and_nothing_else_does() -> None:
    assert schema_name("exempel-by") == "liggare_exempel_by"
    for name in (
        "",
        "Exempel",
        "exempel_by",
        "exempel by",
        'x"; DROP SCHEMA public; --',
        "1by",
        "b" * 41,
        "by\n",
    ):
        with pytest.raises(ValueError, match="slug"):
            schema_name(name)


def test_a_log_is_made_once_by_whoever_comes_first_and_found_again(postgres_url: str, slug: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        logs = list(pool.map(lambda _: PostgresRecorder(postgres_url, slug), range(6)))
    assert one(logs[0], "matter-1", 1) == 1
    assert [log.head().position for log in logs] == [1] * 6
    for log in logs:
        log.close()


def test_a_role_that_may_make_nothing_keeps_its_log_in_the_schema_it_was_given(
    postgres_url: str, db: psycopg.Connection[Any], slug: str
) -> None:
    db.execute(f"CREATE ROLE {slug} LOGIN".encode())
    theirs = make_conninfo(postgres_url, user=slug)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        PostgresRecorder(theirs, slug)
    db.execute(f"CREATE SCHEMA {schema_name(slug)} AUTHORIZATION {slug}".encode())
    log = PostgresRecorder(theirs, slug)
    assert one(log, "matter-1", 1) == 1
    log.close()


def test_what_is_no_log_of_this_layout_is_refused_and_left_alone(
    postgres_url: str, db: psycopg.Connection[Any], slug: str
) -> None:
    schema = schema_name(slug)
    db.execute(f"CREATE SCHEMA {schema}".encode())
    db.execute(f"CREATE TABLE {schema}.event (day date)".encode())
    with pytest.raises(NotALog, match="another kind"):
        PostgresRecorder(postgres_url, slug)
    db.execute(f"COMMENT ON TABLE {schema}.event IS 'liggare event log, layout 9'".encode())
    with pytest.raises(NotALog, match="layout 9"):
        PostgresRecorder(postgres_url, slug)
    found = db.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = %s::regnamespace", (schema,)
    ).fetchone()
    assert found == (1,)


def test_a_database_that_cannot_hold_every_text_is_refused(postgres: Cluster, slug: str) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {slug} ENCODING 'SQL_ASCII' TEMPLATE template0".encode())
    with pytest.raises(NotALog, match="UTF8"):
        PostgresRecorder(make_conninfo(postgres.url, dbname=slug), slug)


def test_a_server_that_does_not_sync_is_refused(slug: str) -> None:
    with cluster(fsync="off") as careless, pytest.raises(NotALog, match="fsync"):
        PostgresRecorder(careless.url, slug)


def test_every_session_that_writes_waits_for_the_disk_whatever_the_database_says(
    postgres_url: str, db: psycopg.Connection[Any], slug: str
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
    db.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    db.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = serializable".encode())
    try:
        log = PostgresRecorder(postgres_url, slug)
        settings = b"SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')"
        assert log._sessions.read(settings) == [("on", "read committed")]
        assert log._writer._session is not None
        assert log._writer._session.execute(settings).fetchone() == ("on", "read committed")
        one(log, "matter-1", 1)  # a notification waits for no disk; the next append does
        assert log._writer._session.execute(settings).fetchone() == ("on", "read committed")
        log.close()
    finally:
        db.execute(f"ALTER DATABASE {name} RESET ALL".encode())


def test_an_older_function_is_replaced(
    postgres_url: str, db: psycopg.Connection[Any], log: PostgresRecorder, slug: str
) -> None:
    source = "SELECT prosrc FROM pg_proc WHERE proname = 'append' AND pronamespace = %s::regnamespace"
    wanted = db.execute(source, (log.schema,)).fetchone()
    definition = db.execute(
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'append' AND pronamespace = %s::regnamespace",
        (log.schema,),
    ).fetchone()
    assert definition is not None
    db.execute(definition[0].replace("'behind'", "'late'").encode())
    assert db.execute(source, (log.schema,)).fetchone() != wanted
    PostgresRecorder(postgres_url, slug).close()
    assert db.execute(source, (log.schema,)).fetchone() == wanted


# --- appending and reading: what SQLite answers


Outcome = tuple[str, object]
STREAMS = ("matter-1", "matter-2", "series-1")
appends = st.fixed_dictionaries(
    {
        "events": st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(-1, 1)), max_size=4),
        "expect": st.dictionaries(st.sampled_from(STREAMS), st.sampled_from([0, 0, 0, 1]), max_size=3),
        "stamp": st.sampled_from([STAMP, STAMP, LATER]),
        "key": st.sampled_from([None, None, "k1", "k2"]),
        "expires": st.sampled_from([STAMP, LATER, "2026-02-01T00:00:00.000000Z"]),
        "reset": st.booleans(),
        "turn": st.booleans(),
    }
)


def attempt(log: LogRecorder, plan: dict[str, Any], events: list[Any], expect: dict[str, int]) -> Outcome:
    receipt = Receipt(plan["key"], b"hash", plan["expires"]) if plan["key"] else None
    try:
        if plan["turn"]:
            with log.turn():
                found = log.insert_events(
                    events, expect=expect, recorded_at=plan["stamp"], receipt=receipt, reset=plan["reset"]
                )
        else:
            found = log.insert_events(
                events, expect=expect, recorded_at=plan["stamp"], receipt=receipt, reset=plan["reset"]
            )
    except Behind as behind:
        return "behind", behind.head
    except (Conflict, AlreadyDone) as error:
        return type(error).__name__, None
    return "appended", list(found)


@cases(max_examples=25)
@given(plans=st.lists(appends, max_size=12))
def test_postgres_and_sqlite_give_the_same_answers(
    plans: list[dict[str, Any]], postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        closing(PostgresRecorder(postgres_url, fresh())) as ours,
        closing(SQLiteRecorder(tmp_path_factory.mktemp("log") / "events.db")) as other,
    ):
        compare(plans, ours, other)


def compare(plans: list[dict[str, Any]], ours: LogRecorder, other: LogRecorder) -> None:
    stands = dict.fromkeys(STREAMS, 0)
    for plan in plans:
        events, next_version = [], dict(stands)
        for stream, slip in plan["events"]:
            next_version[stream] += 1
            # One in three versions is wrong only at a stream's first event here, so that most plans go through.
            events.append(stored(stream, max(1, next_version[stream] + slip * (slip > 0)), plan["stamp"]))
        expect = {stream: stands[stream] + slip for stream, slip in plan["expect"].items()}
        answers = [attempt(log, plan, events, expect) for log in (ours, other)]
        if {answer for answer, _ in answers} != {
            "behind",
            "Conflict",
        }:  # both refuse; nobody promises which comes first
            assert answers[0] == answers[1]
        if answers[0][0] == "appended":
            stands = {stream: len(other.select_stream(stream)) for stream in STREAMS}
    assert list(ours.scan()) == list(other.scan())
    assert list(ours.leaves()) == list(other.leaves()) == [leaf_hash(event.state) for event in ours.scan()]
    assert ours.head() == other.head()
    assert [ours.find_receipt(key) for key in ("k1", "k2")] == [
        other.find_receipt(key) for key in ("k1", "k2")
    ]
    for stream in STREAMS:
        for after, at in ((0, None), (1, None), (0, 3), (1, 5)):
            assert ours.select_stream(stream, after, at) == other.select_stream(stream, after, at)


def test_reading_as_the_library_asks(log: PostgresRecorder) -> None:
    for version in range(1, 6):
        one(log, "matter-1", version)
    versions = [
        event.originator_version for event in log.select_events("matter-1", gt=1, lte=4, desc=True, limit=2)
    ]
    assert versions == [4, 3]
    assert [event.originator_version for event in log.select_events("matter-1", lte=0)] == []
    assert [event.id for event in log.select_notifications(2, 2, inclusive_of_start=False)] == [3, 4]
    assert [event.id for event in log.select_notifications(None, 9, 2, ["test-noted.v1"])] == [1, 2]
    assert log.select_notifications(1, 9, topics=["other.v1"]) == []
    assert log.max_notification_id() == 5
    with log.subscribe(gt=3) as subscription:
        assert [next(subscription).id, next(subscription).id] == [4, 5]


def test_bytes_that_were_changed_are_not_read(log: PostgresRecorder, db: psycopg.Connection[Any]) -> None:
    one(log, "matter-1", 1)
    one(log, "matter-2", 1)
    db.execute(f"UPDATE {log.schema}.event SET envelope = envelope || ' ' WHERE position = 1".encode())
    with pytest.raises(EvidenceBroken, match="position 1"):
        log.select_stream("matter-1")
    db.execute(f"DELETE FROM {log.schema}.event WHERE position = 1".encode())
    for read in (log.scan, log.leaves):
        with pytest.raises(EvidenceBroken, match="position 1: the event is missing"):
            list(read())
    with pytest.raises(EvidenceBroken, match="goes on to 9"):
        list(log.scan(2, 9))


def test_checkpoints_are_kept_in_order(log: PostgresRecorder) -> None:
    for size, note in ((20, b"twenty"), (3, b"three"), (20, b"twenty again")):
        log.put_checkpoint(size, note)
    assert log.checkpoints() == [(3, b"three"), (20, b"twenty again")]


def test_readonly_changes_nothing(postgres_url: str, log: PostgresRecorder, slug: str) -> None:
    one(log, "matter-1", 1)
    reader = PostgresRecorder(postgres_url, slug, readonly=True)
    assert positions(reader) == [1]
    for write in (
        lambda: one(reader, "matter-1", 2),
        lambda: reader.adopt([]),
        lambda: reader.put_checkpoint(1, b""),
        reader.turn,
    ):
        with pytest.raises(UnsupportedOperation, match="reading only"):
            write()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):  # nor would the server let it
        reader._sessions.read(f"INSERT INTO {log.schema}.checkpoint VALUES (1, '') RETURNING size".encode())
    reader.close()
    with pytest.raises(NotALog, match="no event log"):
        PostgresRecorder(postgres_url, fresh(), readonly=True)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)


@cases(max_examples=50)
@given(
    some_texts=st.lists(st.none() | TEXT, max_size=4),
    some_blobs=st.lists(st.none() | st.binary(max_size=5), max_size=4),
    some_numbers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
    some_flags=st.lists(st.booleans(), max_size=4),
)
def test_arrays_arrive_as_they_were(
    some_texts: list[str | None],
    some_blobs: list[bytes | None],
    some_numbers: list[int],
    some_flags: list[bool],
    postgres_url: str,
) -> None:
    with psycopg.connect(postgres_url) as db:
        register(db)
        packed = (texts(some_texts), blobs(some_blobs), numbers(some_numbers), flags(some_flags))
        given = db.execute("SELECT %b, %b, %b, %b", packed).fetchone()
        assert given == (some_texts, some_blobs, some_numbers, some_flags)


def test_expired_receipts_are_purged(log: PostgresRecorder) -> None:
    def save(version: int, at: str, receipt: Receipt) -> None:
        log.insert_events([stored("matter-1", version, at)], recorded_at=at, receipt=receipt)

    save(1, STAMP, Receipt("old", b"", LATER))
    save(2, STAMP, Receipt("older", b"", STAMP))
    save(3, LATER, Receipt("new", b"", "2030"))
    assert [log.find_receipt(key) is not None for key in ("old", "older", "new")] == [False, False, True]


# --- a whole log at once


def test_adopting_fills_an_empty_log_or_leaves_it_empty(log: PostgresRecorder) -> None:
    def spoiled() -> Iterator[Any]:
        yield from (stored("matter-1", version) for version in range(1, 3000))
        raise EvidenceBroken("the last one is broken")

    with pytest.raises(EvidenceBroken, match="last one"):
        log.adopt(spoiled())
    with pytest.raises(Conflict, match="3 does not follow"):
        log.adopt([stored("matter-1", 1), stored("matter-1", 3)])
    assert log.head() == (0, "")
    events = [stored(f"matter-{n % 7}", 1 + n // 7) for n in range(5000)]
    assert log.adopt(iter(events)) == 5000
    assert [event.state for event in log.scan()] == [event.state for event in events]
    assert list(log.leaves()) == [leaf_hash(event.state) for event in events]
    with pytest.raises(Conflict, match="not empty"):
        log.adopt([])
    assert one(log, "matter-new", 1) == 5001


# --- several writers


def processes(
    url: str, slug: str, work: str, names: str, writers: int, count: int
) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.postgres_writers", url, slug, work]
    return [
        subprocess.Popen(
            [*command, name, str(writers), str(count)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for name in names
    ]


def acknowledged(started: list[subprocess.Popen[str]]) -> list[tuple[int, int]]:
    lines = list[tuple[int, int]]()
    for process in started:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        lines += [(int(number), int(position)) for number, position in map(str.split, said.splitlines())]
    return lines


def test_sixteen_writers_in_two_processes_leave_no_gap(
    postgres_url: str, log: PostgresRecorder, slug: str
) -> None:
    taken = acknowledged(processes(postgres_url, slug, "numbers", "ab", 8, 4))
    assert sorted(number for number, _ in taken) == list(range(1, 65))
    assert positions(log) == list(range(1, 129))
    numbers = log.select_stream(SHARED)
    assert [event.originator_version for event in numbers] == list(range(1, 65))
    assert sorted(position for _, position in taken) == [event.id for event in numbers]


def test_a_reader_that_follows_skips_nothing_and_vacuum_stops_nobody(
    postgres_url: str, log: PostgresRecorder, db: psycopg.Connection[Any], slug: str
) -> None:
    seen, longest, vacuums = list[int](), 0.0, 0
    started = processes(postgres_url, slug, "alone", "ab", 8, 125)
    follower = PostgresRecorder(postgres_url, slug, readonly=True)
    while any(process.poll() is None for process in started) or len(seen) < follower.head().position:
        seen += [event.id for event in follower.select_notifications(len(seen) + 1, 1000)]
        begun = time.monotonic()
        db.execute(f"VACUUM (ANALYZE) {log.schema}.event".encode())
        vacuums, longest = vacuums + 1, max(longest, time.monotonic() - begun)
    follower.close()
    assert len(acknowledged(started)) == 2000
    assert seen == list(range(1, 2001))
    assert vacuums > 3


def test_an_append_does_not_wait_for_vacuum(log: PostgresRecorder, postgres_url: str) -> None:
    one(log, "matter-1", 1)
    with psycopg.connect(postgres_url) as other:  # the lock that VACUUM holds for as long as it runs
        other.execute(f"LOCK TABLE {log.schema}.event IN SHARE UPDATE EXCLUSIVE MODE".encode())
        assert one(log, "matter-1", 2) == 2


def test_those_who_wait_go_together_and_each_gets_its_own_answer(
    log: PostgresRecorder, postgres_url: str
) -> None:
    one(log, "matter-0", 1)
    before = transactions(log)
    with psycopg.connect(postgres_url) as other, ThreadPoolExecutor(12) as pool:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(log.schema),))
        first = pool.submit(one, log, "matter-0", 2)
        wait_until(lambda: waiting(postgres_url) == 1)
        company = [pool.submit(one, log, "matter-1", 1, LATER)]
        wait_until(lambda: len(log._writer.together) == 1)  # it is first to come, and yet puts nobody behind
        company += [pool.submit(one, log, f"matter-{n}", 1) for n in range(2, 10)]
        stale = pool.submit(one, log, "matter-0", 2)
        early = pool.submit(one, log, "matter-x", 1, "2025-01-01T00:00:00.000000Z")
        wait_until(lambda: len(log._writer.together) == 11)
        other.rollback()
        assert first.result() == 2
        assert sorted(each.result() for each in company) == list(range(3, 12))
        with pytest.raises(Conflict, match="matter-0 stands at 2, not 1"):
            stale.result()
        with pytest.raises(Behind):
            early.result()
    assert positions(log) == list(range(1, 12))
    assert transactions(log) - before == 2


def test_in_a_company_each_comes_after_those_before_it(log: PostgresRecorder, postgres_url: str) -> None:
    between, receipt = "2026-01-07T08:30:00.000000Z", Receipt("key", b"hash", "2030")
    one(log, "matter-0", 1, LATER)
    with psycopg.connect(postgres_url) as other, ThreadPoolExecutor(12) as pool:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(log.schema),))
        first = pool.submit(one, log, "matter-0", 2, LATER)
        wait_until(lambda: waiting(postgres_url) == 1)

        def follow(stamp: str, stream: str, version: int, expect: dict[str, int], **more: Any) -> Any:
            waiting_before = len(log._writer.together)
            append = pool.submit(
                log.insert_events, [stored(stream, version, stamp)], expect=expect, recorded_at=stamp, **more
            )
            wait_until(lambda: len(log._writer.together) > waiting_before)
            return append

        reset = follow(STAMP, "matter-1", 1, {"matter-1": 0}, reset=True)
        stale = follow(between, "matter-2", 1, {"matter-0": 9, "matter-2": 0, "matter-3": 9})
        fine = follow(between, "matter-2", 1, {"matter-0": 2, "matter-1": 1, "matter-2": 0}, receipt=receipt)
        twice = follow(between, "matter-3", 1, {"matter-3": 0}, receipt=receipt)
        beaten = follow(between, "matter-2", 1, {"matter-2": 0})
        last = follow(between, "matter-2", 2, {"matter-2": 1, "matter-3": 0})
        other.rollback()
        assert (first.result(), reset.result(), fine.result(), last.result()) == (2, [3], [4], [5])
        with pytest.raises(Conflict, match="matter-0 stands at 2, not 9"):
            stale.result()
        with pytest.raises(AlreadyDone, match="key"):
            twice.result()
        with pytest.raises(Conflict, match="matter-2 stands at 1, not 0"):
            beaten.result()
    assert log.head() == (5, between)
    assert log.find_receipt("key") == (*receipt[:3], 4, 1)


def transactions(log: PostgresRecorder) -> int:
    """How many transactions have written to the log."""
    rows = log._sessions.read(f"SELECT count(DISTINCT xmin::text) FROM {log.schema}.event".encode())
    found = rows[0][0]
    assert isinstance(found, int)
    return found


def waiting(url: str) -> int:
    """How many sessions wait for an advisory lock."""
    with psycopg.connect(url) as db:
        row = db.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
    assert row is not None
    return int(row[0])


def wait_until(holds: Any) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_breaks_one_append_spoils_no_other_of_its_company(
    log: PostgresRecorder, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as other, ThreadPoolExecutor(4) as pool:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(log.schema),))
        first = pool.submit(one, log, "matter-0", 1)
        wait_until(lambda: waiting(postgres_url) == 1)
        broken = pool.submit(one, log, "matter-\0", 1)  # no text of PostgreSQL's
        whole = pool.submit(one, log, "matter-1", 1)
        wait_until(lambda: len(log._writer.together) == 2)
        other.rollback()
        assert (first.result(), whole.result()) == (1, 2)
        with pytest.raises(psycopg.DataError):
            broken.result()
    assert one(log, "matter-2", 1) == 3


def test_in_a_turn_nobody_else_appends_until_it_has_saved(
    log: PostgresRecorder, postgres_url: str, slug: str
) -> None:
    other = PostgresRecorder(postgres_url, slug, patience=0.3)
    with ThreadPoolExecutor(2) as pool, log.turn():
        with pytest.raises(Busy):
            one(other, "matter-2", 1)
        with pytest.raises(Busy), other.turn():
            pass
        thread = pool.submit(one, log, "matter-3", 1)
        assert one(log, "matter-1", 1) == 1
        assert one(other, "matter-2", 1) == 2  # the save has ended the turn
    assert thread.result() == 3
    with log.turn():
        pass  # nothing to save
    with pytest.raises(Conflict), log.turn():
        one(log, "matter-1", 1)
    with pytest.raises(ZeroDivisionError), log.turn():
        _ = 1 / 0
    assert one(other, "matter-2", 2) == 4
    other.close()


def test_two_municipalities_in_one_database_do_not_disturb_each_other(
    log: PostgresRecorder, postgres_url: str
) -> None:
    other = PostgresRecorder(postgres_url, fresh())
    with log.turn():
        assert one(other, "matter-1", 1) == 1
        assert one(other, "matter-1", 2) == 2
    assert log.head().position == 0
    assert one(log, "matter-1", 1, LATER) == 1
    assert one(other, "matter-1", 3) == 3
    assert not log.wait(1, 0)
    rings = log._bell._rings
    one(other, "matter-1", 4)
    time.sleep(0.2)
    assert log._bell._rings == rings
    other.close()


# --- waking up


def test_a_notification_wakes_those_who_wait_in_other_processes(
    log: PostgresRecorder, postgres_url: str, slug: str
) -> None:
    other = PostgresRecorder(postgres_url, slug)
    log.wait(0, 0)  # begins to listen
    took = list[float]()
    for version in range(1, 8):
        appended = list[float]()

        def append(version: int = version, appended: list[float] = appended) -> None:
            time.sleep(0.05)
            one(other, "matter-1", version)
            appended.append(time.monotonic())

        thread = threading.Thread(target=append)
        thread.start()
        assert log.wait(version - 1, 10)
        woken = time.monotonic()
        thread.join()
        took.append(woken - appended[0])
    assert median(took) < 0.1
    assert not log.wait(7, 0.05)
    other.close()


def test_waiting_goes_on_when_the_listening_session_is_lost(
    log: PostgresRecorder, postgres_url: str, db: psycopg.Connection[Any], slug: str
) -> None:
    other = PostgresRecorder(postgres_url, slug)
    log.wait(0, 0)
    ended = db.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE %s",
        (f'%LISTEN "{log.schema}"',),
    ).fetchone()
    assert ended == (1,)
    one(other, "matter-1", 1)
    begun = time.monotonic()
    assert log.wait(0, 10)
    assert time.monotonic() - begun < 3
    other.close()


def test_a_process_that_ends_at_once_has_told_the_others(
    log: PostgresRecorder, postgres_url: str, slug: str
) -> None:
    log.wait(0, 0)
    time.sleep(0.1)
    rings = log._bell._rings
    other = PostgresRecorder(postgres_url, slug)
    one(other, "matter-1", 1)
    other.close()
    wait_until(lambda: log._bell._rings > rings)


# --- losing the server


APPEND = b".append("  # in the request, until the session has prepared it: after five times


@pytest.fixture
def wire(postgres: Cluster, postgres_url: str, tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(postgres, tmp_path)
    wire.url = make_conninfo(postgres_url, host=str(tmp_path))
    yield wire
    wire.close()


def test_an_append_whose_answer_was_lost_is_found_and_not_made_twice(wire: Wire, slug: str) -> None:
    log = PostgresRecorder(wire.url, slug)
    assert one(log, "matter-1", 1) == 1
    receipt = Receipt("key", b"hash", LATER)
    wire.lose_answer(APPEND)
    assert log.insert_events(
        [stored("matter-1", 2)], expect={"matter-1": 1}, recorded_at=STAMP, receipt=receipt
    ) == [2]
    wire.lose_request(APPEND)
    assert one(log, "matter-1", 3) == 3
    assert positions(log) == [1, 2, 3]
    wire.lose_answer(b"ORDER BY position DESC")
    assert log.head().position == 3  # reading asks again
    log.close()


def test_a_turn_survives_a_lost_session(wire: Wire, slug: str) -> None:
    log = PostgresRecorder(wire.url, slug)
    wire.lose_answer(b"pg_advisory_xact_lock")
    with log.turn():
        assert one(log, "matter-1", 1) == 1
    with log.turn():
        wire.lose_answer(APPEND)
        assert one(log, "matter-1", 2) == 2
    with log.turn():
        wire.lose_answer(b"COMMIT")
        assert one(log, "matter-1", 3) == 3
    assert positions(log) == [1, 2, 3]
    log.close()


def test_a_session_ended_while_it_waits_for_the_lock_appends_once(
    log: PostgresRecorder, postgres_url: str, db: psycopg.Connection[Any]
) -> None:
    with psycopg.connect(postgres_url) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(log.schema),))
        found = pool.submit(one, log, "matter-1", 1)
        wait_until(lambda: waiting(postgres_url) == 1)
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        wait_until(lambda: waiting(postgres_url) == 1)
        other.rollback()
        assert found.result() == 1
    assert positions(log) == [1]


def test_when_no_server_answers_it_says_so_and_goes_on_when_one_does(wire: Wire, slug: str) -> None:
    log = PostgresRecorder(wire.url, slug, patience=0.5)
    one(log, "matter-1", 1)
    wire.cut()
    for act in (lambda: one(log, "matter-1", 2), log.head, lambda: log.adopt([]), log.turn().__enter__):
        with pytest.raises(LogUnavailable):
            act()
    with pytest.raises(LogUnavailable):
        PostgresRecorder(wire.url, slug)
    wire.join()
    assert one(log, "matter-1", 2) == 2
    log.close()


def test_adopting_starts_anew_when_the_server_was_lost_on_the_way(wire: Wire, slug: str) -> None:
    def broken_off() -> Iterator[Any]:
        yield stored("matter-1", 1)
        wire.lose_request(b"test-noted")
        yield from (stored("matter-1", version) for version in range(2, 3000))

    log = PostgresRecorder(wire.url, slug)
    with pytest.raises(LogUnavailable):
        log.adopt(broken_off())
    assert log.head().position == 0
    assert log.adopt(stored("matter-1", version) for version in range(1, 10)) == 9
    wire.lose_request(b"checkpoint")
    log.put_checkpoint(9, b"nine")
    assert log.checkpoints() == [(9, b"nine")]
    log.close()


def opened(recorder: LogRecorder, folder: Path) -> Registry:
    vault = Vault.file(folder / "keys.db", bytes(32))
    return Registry("exempelby", recorder, vault, Files(folder / "files", vault), SystemClock())


def opening(world: StoredWorld, _: object) -> Decision:
    world.get(Municipality, REGISTRY)
    event = RegistryOpened(name="Exempelby kommun", slug="exempelby", clock="real")
    return Decision(Actor("system", Mandate(Role.SYSTEM), "system"), [New(f"municipality-{REGISTRY}", event)])


def test_a_command_whose_answer_was_lost_is_answered_when_asked_again(
    wire: Wire, slug: str, tmp_path: Path
) -> None:
    registry = opened(PostgresRecorder(wire.url, slug, patience=0.3), tmp_path)
    first, second = (Once("0" * 16, "open", key, b"request") for key in ("one", "another"))
    saved = registry.execute(opening, once=first)
    assert (saved.position, saved.again) == (1, False)
    assert registry.execute(opening, once=first).again

    def decide(world: StoredWorld, now: object) -> Decision:
        decision = opening(world, now)
        wire.lose_answer(APPEND, and_all=True)
        return decision

    with pytest.raises(LogUnavailable):
        registry.execute(decide, once=second)
    wire.join()
    assert registry.recorder.head().position == 2
    again = registry.execute(opening, once=second)
    assert (again.position, again.again) == (2, True)
    assert registry.recorder.head().position == 2
    registry.close()


def test_a_crash_of_the_server_loses_nothing_acknowledged(slug: str) -> None:
    with cluster() as server, ThreadPoolExecutor(4) as pool:
        log = PostgresRecorder(server.url, slug, patience=30)
        done, stop = list[int](), threading.Event()

        def write(name: int) -> None:
            version = 1
            while not stop.is_set():
                done.append(one(log, f"writer-{name}", version))
                version += 1

        writers = [pool.submit(write, name) for name in range(4)]
        for _ in range(2):
            enough = len(done) + 40
            wait_until(lambda enough=enough: len(done) > enough)
            server.stop(signal.SIGQUIT)
            server.start()
        enough = len(done) + 40
        wait_until(lambda: len(done) > enough)
        stop.set()
        for writer in writers:
            writer.result()
        assert sorted(done) == positions(log) == list(range(1, len(done) + 1))
        log.close()
