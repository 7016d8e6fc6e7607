"""No byte of a log's SQLite file changes unseen: the verification finds it, or the byte is listed.

The reference checker below does what a verification does with the rows, in the fewest lines, so that the
proof does not rest on the product's own verification.
"""

import hashlib
import itertools
import json
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.sqlite_cells import Broken, read_record, read_varint
from registry.sqlite_layout import Shape, structure_errors, unprotected
from registry.sqlite_readonly import open_readonly, settled
from tests.conftest import LONG

SHAPE = Shape(
    application_id=0x4C494747,
    user_version=7,
    tables={
        "event": "CREATE TABLE event (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, "
        "version INTEGER NOT NULL, topic TEXT NOT NULL, envelope BLOB NOT NULL, leaf BLOB NOT NULL, "
        "UNIQUE (stream, version))",
        "receipt": "CREATE TABLE receipt (key TEXT PRIMARY KEY, request BLOB NOT NULL, expires TEXT)",
    },
    protected=frozenset({"event"}),
)
# The same file, if the receipts were evidence as well: what is left is slack and the header's free fields.
EVERYTHING = Shape(SHAPE.application_id, SHAPE.user_version, SHAPE.tables, frozenset(SHAPE.tables))
EVENTS = 300


def _leaf(envelope: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + envelope).digest()


def _write_log(path: Path, *, close: bool = True) -> sqlite3.Connection:
    """A log as the recorder leaves it: WAL, 300 events of 0.5 to 5 kB, receipts written and some deleted."""
    chance = random.Random(1)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA application_id={SHAPE.application_id}")
    connection.execute(f"PRAGMA user_version={SHAPE.user_version}")
    for statement in SHAPE.tables.values():
        connection.execute(statement)
    versions: dict[str, int] = {}
    for position in range(1, EVENTS + 1):
        stream = f"matter-{chance.randrange(40):032x}"
        versions[stream] = version = versions.get(stream, 0) + 1
        topic = chance.choice(["meeting-called.v1", "dissent-recorded.v1"])
        filling = chance.randbytes(chance.randrange(250, 2500)).hex()
        body = {
            "filling": filling,
            "position": position,
            "stream": stream,
            "topic": topic,
            "version": version,
        }
        envelope = json.dumps(body, sort_keys=True).encode()
        row = (position, stream, version, topic, envelope, _leaf(envelope))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", row)
        receipt = (f"{chance.randrange(2**64):016x}", chance.randbytes(700), "2026-01-01")
        connection.execute("INSERT INTO receipt VALUES (?, ?, ?)", receipt)
        connection.execute("COMMIT")
    connection.execute("DELETE FROM receipt WHERE rowid % 9 < 7")
    if close:
        connection.close()
    return connection


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "events.db"
    _write_log(path)
    return path


def _rows_hold(path: Path, expected: bytes) -> bool:
    """Every row read, columns held against envelopes, envelopes against leaves, and SQLite's own check."""
    digest = hashlib.sha256()
    with open_readonly(path) as connection:
        answers = connection.execute("PRAGMA integrity_check").fetchall()
        rows = connection.execute("SELECT * FROM event ORDER BY position").fetchall()
        by_index = connection.execute("SELECT stream, version, position FROM event ORDER BY 1, 2").fetchall()
    for number, (position, stream, version, topic, envelope, leaf) in enumerate(rows, start=1):
        body = json.loads(envelope)
        columns = (body["position"], body["stream"], body["version"], body["topic"])
        if (position, stream, version, topic) != columns or position != number or _leaf(envelope) != leaf:
            return False
        digest.update(leaf)
    in_order = sorted((stream, version, position) for position, stream, version, *_ in rows)
    return answers == [("ok",)] and by_index == in_order and digest.digest() == expected


def _found(path: Path, expected: bytes) -> bool:
    if structure_errors(path, SHAPE):
        return True
    try:
        return not _rows_hold(path, expected)
    except (sqlite3.Error, ValueError, TypeError, KeyError):
        return True


def _root(path: Path) -> bytes:
    with open_readonly(path) as connection:
        leaves = connection.execute("SELECT leaf FROM event ORDER BY position").fetchall()
    return hashlib.sha256(b"".join(leaf for (leaf,) in leaves)).digest()


def _covers(ranges: list[tuple[int, int]], offset: int) -> bool:
    return any(start <= offset < start + length for start, length in ranges)


def _unseen(log: Path, copy: Path, flips: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The flips (offset, mask) that neither the verification finds nor the list names."""
    original = log.read_bytes()
    expected = _root(log)
    listed = unprotected(log, SHAPE)
    copy.write_bytes(original)
    unseen = []
    with copy.open("r+b") as file:
        for offset, mask in flips:
            _put(file.fileno(), offset, original[offset] ^ mask)
            if not _covers(listed, offset) and not _found(copy, expected):
                unseen.append((offset, mask))
            _put(file.fileno(), offset, original[offset])
    return unseen


def _put(descriptor: int, offset: int, value: int) -> None:
    os.pwrite(descriptor, bytes([value]), offset)


def test_a_sound_log_has_no_errors_and_holds(log: Path) -> None:
    assert structure_errors(log, SHAPE) == []
    assert _rows_hold(log, _root(log))


def test_the_file_in_the_test_has_every_kind_of_page(log: Path) -> None:
    data = log.read_bytes()
    kinds = {data[start] for start in range(4096, len(data), 4096)}
    assert {2, 5, 10, 13} <= kinds
    assert int.from_bytes(data[36:40], "big") > 0
    with open_readonly(log) as connection:
        sizes = [size for (size,) in connection.execute("SELECT length(envelope) FROM event")]
    assert min(sizes) < 1000
    assert max(sizes) > 4500


def test_no_random_flip_is_unseen(log: Path, tmp_path: Path) -> None:
    chance = random.Random(20260302)
    size = log.stat().st_size
    flips = [(chance.randrange(size), 1 << chance.randrange(8)) for _ in range(400 if LONG else 150)]
    assert _unseen(log, tmp_path / "copy.db", flips) == []


def test_no_flip_in_the_places_sqlite_forgives_is_unseen(log: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    flips = [(offset, 1 << chance.randrange(8)) for offset in range(100)]
    data = log.read_bytes()
    for start in chance.sample(range(0, len(data), 4096), 8):
        base = start + (100 if start == 0 else 0)
        flips += [(base + offset, 1 << chance.randrange(8)) for offset in range(20)]
        # The start of a cell: sizes, row id and record header, where spellings can differ and mean the
        # same.
        cell = start + int.from_bytes(data[base + 8 : base + 10], "big")
        flips += [(min(cell + offset, len(data) - 1), 1 << bit) for offset in range(12) for bit in (0, 3, 7)]
    # The schema's rows: their row ids mean nothing, all else in them is compared.
    for pointer in range(108, 108 + 2 * int.from_bytes(data[103:105], "big"), 2):
        cell = int.from_bytes(data[pointer : pointer + 2], "big")
        flips += [(cell + offset, 1 << bit) for offset in range(4) for bit in range(8)]
    assert _unseen(log, tmp_path / "copy.db", flips) == []


def test_the_list_is_ordered_inside_the_file_and_small(log: Path) -> None:
    ranges = unprotected(log, SHAPE)
    assert all(length > 0 for _, length in ranges)
    assert all(one[0] + one[1] < two[0] for one, two in itertools.pairwise(ranges))
    size = log.stat().st_size
    assert sum(ranges[-1]) <= size
    share = sum(length for _, length in ranges) / size
    slack = sum(length for _, length in unprotected(log, EVERYTHING)) / size
    # Almost all of it is what is left of the last overflow page of each event, half a page on average.
    assert slack < share < 0.35


def test_the_pages_of_other_tables_are_listed_whole(log: Path) -> None:
    ranges = unprotected(log, SHAPE)
    with open_readonly(log) as connection:
        roots = connection.execute("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'receipt'").fetchall()
    assert len(roots) == 2
    for (root,) in roots:
        assert all(_covers(ranges, offset) for offset in range((root - 1) * 4096, root * 4096))


def test_what_the_list_names_really_is_unseen_by_sqlite(log: Path, tmp_path: Path) -> None:
    # A list that named too much would hide evidence: every byte it names must be free to change.
    # Short runs are left out: among them are row ids, whose order SQLite checks besides.
    ranges = [(start, length) for start, length in unprotected(log, EVERYTHING) if length > 4]
    listed = [offset for start, length in ranges for offset in range(start, start + length)]
    chance = random.Random(3)
    copy = tmp_path / "copy.db"
    copy.write_bytes(log.read_bytes())
    with copy.open("r+b") as file:
        for offset in chance.sample(listed, 2000):
            _put(file.fileno(), offset, chance.randrange(256))
    expected = _root(log)
    assert _rows_hold(copy, expected)
    assert structure_errors(copy, EVERYTHING) == []


def test_another_number_mark_or_table_is_an_error(log: Path) -> None:
    other = [
        (Shape(1, SHAPE.user_version, SHAPE.tables, SHAPE.protected), "not marked as a log"),
        (Shape(SHAPE.application_id, 8, SHAPE.tables, SHAPE.protected), "format number is not 8"),
        (
            Shape(
                SHAPE.application_id,
                SHAPE.user_version,
                {**SHAPE.tables, "more": "CREATE TABLE more (a TEXT NOT NULL)"},
                SHAPE.protected,
            ),
            "not the expected ones",
        ),
    ]
    for shape, sentence in other:
        assert any(sentence in error for error in structure_errors(log, shape))


def test_a_file_cut_short_or_lengthened_is_an_error(log: Path, tmp_path: Path) -> None:
    data = log.read_bytes()
    copy = tmp_path / "copy.db"
    for changed in (b"", data[:50], data[:100], data[:-1], data[:-4096], data + b"\x00", data + bytes(4096)):
        copy.write_bytes(changed)
        assert structure_errors(copy, SHAPE)
        unprotected(copy, SHAPE)


@given(st.binary(max_size=9000), st.integers(0, 9000))
@settings(deadline=None, max_examples=settings().max_examples)
def test_any_bytes_are_walked_to_an_end(log: Path, noise: bytes, place: int) -> None:
    data = bytearray(log.read_bytes()[: 4096 * 12])
    data[28:32] = (12).to_bytes(4, "big")
    data[place : place + len(noise)] = noise
    copy = log.with_name("noise.db")
    copy.write_bytes(data[: 4096 * 12])
    assert structure_errors(copy, SHAPE)
    unprotected(copy, SHAPE)


def test_circles_of_pages_end(log: Path, tmp_path: Path) -> None:
    data = log.read_bytes()
    copy = tmp_path / "copy.db"
    # Every page a child of itself, then a free list that bites its tail.
    circular = bytearray(data)
    for start in range(4096, len(data), 4096):
        if data[start] in (2, 5):
            circular[start + 8 : start + 12] = (start // 4096 + 1).to_bytes(4, "big")
    copy.write_bytes(circular)
    assert any("belongs to both" in error for error in structure_errors(copy, SHAPE))
    trunk = int.from_bytes(data[32:36], "big")
    circular = bytearray(data)
    circular[(trunk - 1) * 4096 : (trunk - 1) * 4096 + 4] = trunk.to_bytes(4, "big")
    copy.write_bytes(circular)
    assert any("belongs to both" in error for error in structure_errors(copy, SHAPE))


def test_a_free_list_that_says_too_much_is_an_error(log: Path, tmp_path: Path) -> None:
    data = bytearray(log.read_bytes())
    trunk = int.from_bytes(data[32:36], "big")
    data[(trunk - 1) * 4096 + 4 : (trunk - 1) * 4096 + 8] = b"\x7f\xff\xff\xff"
    copy = tmp_path / "copy.db"
    copy.write_bytes(data)
    assert any("more than it can" in error for error in structure_errors(copy, SHAPE))


def test_the_page_with_the_lock_bytes_is_listed(log: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(log.read_bytes())
    pages = 2**30 // 4096 + 1
    with copy.open("r+b") as file:
        # A sparse file: only what the log holds takes up room.
        file.truncate(pages * 4096)
        os.pwrite(file.fileno(), pages.to_bytes(4, "big"), 28)
    assert (2**30, 4096) in unprotected(copy, SHAPE)


def test_a_log_not_closed_cleanly_is_read_whole_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events?#1.db"
    with closing(_write_log(path, close=False)):
        files = {
            file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")
        }
        assert len(files[path.name + "-wal"]) > 0
        with open_readonly(path) as connection:
            assert connection.execute("SELECT count(*) FROM event").fetchone() == (EVENTS,)
        with settled(path) as file:
            assert file != path
            assert structure_errors(file, SHAPE) == []
        assert not file.exists()
        assert files == {name: (tmp_path / name).read_bytes() for name in files}


def test_a_closed_log_is_read_in_place_without_a_side_file_even_when_nothing_may_be_written(
    log: Path,
) -> None:
    folder = log.parent
    log.chmod(0o444)
    folder.chmod(0o555)
    before = sorted(folder.iterdir())
    try:
        with settled(log) as file:
            assert file == log
        with open_readonly(log) as connection:
            assert connection.execute("SELECT count(*) FROM event").fetchone() == (EVENTS,)
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute("DELETE FROM event")
        assert sorted(folder.iterdir()) == before
    finally:
        folder.chmod(0o755)
        log.chmod(0o644)


@given(st.integers(0, 2**63 - 1))
def test_a_number_is_read_as_sqlite_writes_it(value: int) -> None:
    septets = [value >> shift & 0x7F for shift in range(0, 63, 7)]
    while len(septets) > 1 and not septets[-1]:
        septets.pop()
    if len(septets) == 9:
        spelled = bytes(
            [value >> 57 & 0x7F | 0x80] + [value >> shift & 0x7F | 0x80 for shift in range(50, 7, -7)]
        )
        spelled += bytes([value & 0xFF])
    else:
        spelled = bytes([septet | 0x80 for septet in septets[:0:-1]] + [septets[0]])
    assert read_varint(spelled, 0, len(spelled)) == (value, len(spelled))
    with pytest.raises(Broken):
        read_varint(spelled, 0, len(spelled) - 1)


def test_spellings_sqlite_never_writes_are_refused() -> None:
    for spelled in (b"\x80\x01", b"\x80\x80\x00", b"\x80" * 8 + b"\x01"):
        with pytest.raises(Broken, match="longer than it needs"):
            read_varint(spelled, 0, len(spelled))
    for record, kinds, reason in (
        (b"\x02\x08", ("the row id",), "should hold the row id"),
        (b"\x02\x0c", ("text",), "should hold text"),
        (b"\x02\x0d", ("blob",), "should hold blob"),
        (b"\x02\x07" + bytes(8), ("integer",), "should hold integer"),
        (b"\x02\x00", ("integer",), "should hold integer"),
        (b"\x02\x0a", None, "reserved type 10"),
        (b"\x02\x01", None, "do not add up"),
        (b"\x03\x08", None, "longer than the part"),
        (b"\x02\x08", ("integer", "integer"), "has 1 columns and should have 2"),
    ):
        with pytest.raises(Broken, match=reason):
            read_record(record, len(record), kinds)
    assert read_record(b"\x03\x00\x09", 3, ("text or null", "integer")) == [(0, 3, 3), (9, 3, 3)]
