"""Verifying data folders, exports and PDFs that somebody has changed, cut, swapped or forged.

- Whatever is done to them, the answer is a report: broken evidence is named, and nothing raises.
- A byte that was changed is found, or stands in the list of what nothing protects.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from api.checking import Unreadable, verify
from api.checking.folder import DEEP
from api.exporting import export
from api.wiring import open_folder
from domain.minutes_events import MinutesSealed
from tests.conftest import LONG
from tests.forging import OTHER_VIEW, Called, alter_dissent
from tests.house import ROOT
from tests.web import SLUG

# Sixty in all, a thousand in the long form.
TIMES = 17 if LONG else 1
FLIPS = {"events.db": 12, "checkpoints": 4, "files": 10, "pki/trust.pem": 3, "pki/log.vkeys": 3}
EXPORT_FLIPS = {"": 10, "tile": 6}
PAPER_FLIPS = 12
Note = Callable[[str, object], None]  # how a test says something in the run's report


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Called:
    return Called.make(tmp_path_factory.mktemp("called") / "town")


@pytest.fixture(scope="module")
def honest(called: Called, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with sealed minutes, never to be changed."""
    return called.told(tmp_path_factory.mktemp("honest") / "town")


@pytest.fixture
def folder(honest: Path, tmp_path: Path) -> Path:
    """A copy of it, with its root key, to do anything to."""
    shutil.copytree(honest.parent, tmp_path / "town")
    return tmp_path / "town" / SLUG


@pytest.fixture(scope="module")
def exported(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of all of it, never to be changed."""
    copied = tmp_path_factory.mktemp("exporting") / "town"
    shutil.copytree(honest.parent, copied)
    out = tmp_path_factory.mktemp("exported") / "out"
    municipality = open_folder(copied / SLUG)
    try:
        export(municipality, out)
    finally:
        municipality.close()
    return out


@pytest.fixture(scope="module")
def paper(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sealed PDF."""
    copied = tmp_path_factory.mktemp("opening") / "town"
    shutil.copytree(honest.parent, copied)
    municipality = open_folder(copied / SLUG)
    try:
        sealed = next(f.event for f in municipality.registry.facts() if isinstance(f.event, MinutesSealed))
        path = tmp_path_factory.mktemp("paper") / "anteckningar.pdf"
        path.write_bytes(municipality.files.get(sealed.file))
    finally:
        municipality.close()
    return path


def failed(result: dict[str, Any]) -> list[str]:
    return [check["step"] for check in result["checks"] if check["ok"] is False]


def skipped(result: dict[str, Any]) -> dict[str, str]:
    return {check["step"]: check["detail"] for check in result["checks"] if check["ok"] is None}


def detail(result: dict[str, Any], step: str) -> str:
    return next(str(check["detail"]) for check in result["checks"] if check["step"] == step)


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- sound
def test_a_sound_folder_holds_in_every_step_and_is_left_as_it_was(honest: Path) -> None:
    before = contents(honest.parent)
    result = verify(honest)
    assert all(check["ok"] for check in result["checks"]), failed(result)
    assert (result["ok"], result["trusted"], result["clock"]) == (True, False, "simulated")
    assert contents(honest.parent) == before


def test_trust_is_what_the_caller_brings(honest: Path, paper: Path, tmp_path: Path) -> None:
    anchor = honest / "pki" / "trust.pem"
    assert verify(honest, trust=anchor)["trusted"]
    assert verify(paper, trust=anchor)["trusted"]
    assert verify(paper)["ok"]
    assert not verify(paper)["trusted"]
    Called.make(tmp_path / "stranger")
    strange = tmp_path / "stranger" / SLUG / "pki" / "trust.pem"
    for path in (honest, paper):
        result = verify(path, trust=strange)
        assert not result["trusted"]
        assert "pades" in failed(result)
    with pytest.raises(Unreadable, match="certificate"):
        verify(paper, trust=paper)


def test_a_copy_without_the_root_key_says_which_steps_it_could_not_run(honest: Path, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere"
    shutil.copytree(honest, copied)
    for path in (copied, *copied.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = contents(copied)
    result = verify(copied, trust=copied / "pki" / "trust.pem")
    assert result["ok"]
    assert not result["trusted"], "no chain could be followed"
    assert set(skipped(result)) == {"pades", "cms", *DEEP}
    assert "0 stämplade handlingar och 1 kontrollpunkter" in detail(result, "timestamps")
    assert all("otnyckeln" in why for why in skipped(result).values())
    assert contents(copied) == before
    for path in (copied, *copied.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_wrong_root_key_opens_nothing_and_says_so(folder: Path) -> None:
    (folder.parent / "keys" / "root.key").write_text("0" * 64)
    result = verify(folder)
    assert result["ok"]
    assert "hör inte till det här registret" in skipped(result)["statements"]
    (folder.parent / "keys" / "root.key").write_text("nothing")
    assert "64 hexadecimala" in skipped(verify(folder))["statements"]


def test_it_is_told_in_english_too(honest: Path) -> None:
    result = verify(honest, language="en")
    assert "events are canonical" in detail(result, "envelope")
    assert "are what the events give; state digest" in detail(result, "digest")


# --- forged with all the keys
def test_minutes_that_say_another_dissent_than_its_event_fail_statements_alone(folder: Path) -> None:
    alter_dissent(folder)
    result = verify(folder)
    assert failed(result) == ["statements"]
    assert "dissent" in detail(result, "statements")


def test_a_log_told_anew_fails_only_the_checkpoint_kept_outside(
    called: Called, honest: Path, tmp_path: Path
) -> None:
    forged = called.told(tmp_path / "forged", OTHER_VIEW)
    assert verify(forged)["ok"], "whoever holds all the keys can tell a story that holds together"
    kept = max((honest / "checkpoints").glob("*.note"))
    assert failed(verify(honest, checkpoint=kept)) == []
    result = verify(forged, checkpoint=kept)
    assert failed(result) == ["outside-checkpoint"]
    assert str(kept) in detail(result, "outside-checkpoint")


# --- single bytes
def flipped(path: Path, offset: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def is_listed(result: dict[str, Any], path: Path, offset: int) -> bool:
    return any(
        one["file"] == str(path) and one["offset"] <= offset < one["offset"] + one["length"]
        for one in result["unprotected"]
    )


def flips(place: Path, count: int, seed: str) -> Iterator[tuple[Path, int, int]]:
    draw = random.Random(seed)
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    for _ in range(count):
        path = draw.choice(files)
        yield path, draw.randrange(path.stat().st_size), draw.randrange(8)


def found_or_listed(whole: Path, place: Path, count: int, seed: str, note: Note) -> None:
    """Each flip is found, or the list names its byte; the report says how many of each."""
    loose, found = verify(whole), 0
    assert loose["ok"]
    for path, offset, bit in flips(place, count, seed):
        flipped(path, offset, bit)
        try:
            seen = not verify(whole)["ok"]
        except Unreadable:
            assert path == whole and offset < 8, "only a file whose first bytes say nothing may be no PDF"
            seen = True
        assert seen or is_listed(loose, path, offset), (path.name, offset, bit)
        found += seen
        flipped(path, offset, bit)
    note("found", found)
    note("listed", count - found)
    assert found >= count / 10


@pytest.mark.parametrize("name", FLIPS)
def test_a_flipped_bit_in_a_folder_is_found_or_listed(name: str, folder: Path, record_property: Note) -> None:
    found_or_listed(folder, folder / name, FLIPS[name] * TIMES, f"flip {name}", record_property)


@pytest.mark.parametrize("word", [b"CREATE TABLE event", b"stream TEXT", b"note BLOB", b"tablecheckpoint"])
def test_a_schema_that_is_no_text_is_found_though_what_is_said_of_it_is_none_either(
    word: bytes, folder: Path
) -> None:
    log = folder / "events.db"
    offset = log.read_bytes().index(word)
    for place in range(0, len(word), 3):
        flipped(log, offset + place, 7)
        assert not verify(folder)["ok"]
        flipped(log, offset + place, 7)


def test_a_flipped_bit_in_a_paper_is_found_or_listed(
    paper: Path, tmp_path: Path, record_property: Note
) -> None:
    copied = tmp_path / paper.name
    shutil.copy(paper, copied)
    found_or_listed(copied, copied, PAPER_FLIPS * TIMES, "flip paper", record_property)


@pytest.mark.parametrize("name", EXPORT_FLIPS)
def test_a_flipped_bit_in_an_export_is_found_or_listed(
    name: str, exported: Path, tmp_path: Path, record_property: Note
) -> None:
    copied = tmp_path / "out"
    shutil.copytree(exported, copied)
    found_or_listed(copied, copied / name, EXPORT_FLIPS[name] * TIMES, f"flip export {name}", record_property)


# --- in service
def test_a_folder_that_is_being_written_is_verified_as_of_one_moment(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.busy_writer", str(folder), "2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline(), "it writes"
        reading = threading.Thread(target=writer.stdout.read)
        reading.start()
        try:
            results = [verify(folder) for _ in range(2 * TIMES)]
        finally:
            writer.stdin.close()
            reading.join()
    assert [failed(one) for one in results] == [[]] * len(results)
    assert len({one["events"] for one in results}) > 1, "something was written meanwhile"


# --- cut, emptied, swapped
def cut(path: Path, part: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])


def delete_last_events(folder: Path) -> None:
    sql(
        folder / "events.db",
        "DELETE FROM event WHERE position > 45",
        "DELETE FROM checkpoint WHERE size > 45",
        "VACUUM",
    )


def swap_notes(folder: Path) -> None:
    first, *_, last = sorted((folder / "checkpoints").glob("*.note"))
    one, other = first.read_bytes(), last.read_bytes()
    first.write_bytes(other)
    last.write_bytes(one)


def swap_files(folder: Path) -> None:
    first, second, *_ = sorted(path for path in (folder / "files").rglob("*") if path.is_file())
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


def remove_first_file(folder: Path) -> None:
    next(path for path in sorted((folder / "files").rglob("*")) if path.is_file()).unlink()


def swap_envelopes(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "events.db", isolation_level=None)) as db:
        rows = db.execute("SELECT position, envelope, leaf FROM event WHERE position IN (20, 21)").fetchall()
        for (position, *_), (_, envelope, leaf) in zip(rows, reversed(rows), strict=True):
            db.execute(
                "UPDATE event SET envelope = ?, leaf = ? WHERE position = ?", (envelope, leaf, position)
            )


SPOILED: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "log missing": (lambda folder: (folder / "events.db").unlink(), {"envelope"}),
    "log emptied": (
        lambda folder: (folder / "events.db").write_bytes(b""),
        {"envelope", "outside-checkpoint"},
    ),
    "log cut": (lambda folder: cut(folder / "events.db", 0.6), {"columns"}),
    "log is something else": (lambda folder: (folder / "events.db").write_bytes(b"x" * 9000), {"envelope"}),
    "last events deleted": (delete_last_events, {"outside-checkpoint"}),
    "an event deleted": (lambda f: sql(f / "events.db", "DELETE FROM event WHERE position = 20"), {"tree"}),
    "a checkpoint deleted": (lambda f: sql(f / "events.db", "DELETE FROM checkpoint"), {"checkpoints"}),
    "a kept checkpoint deleted": (
        lambda folder: max((folder / "checkpoints").glob("*.note")).unlink(),
        {"outside-checkpoint"},
    ),
    "a column changed": (
        lambda folder: sql(folder / "events.db", "UPDATE event SET topic = 'x.v1' WHERE position = 20"),
        {"columns"},
    ),
    "a leaf of another kind": (
        lambda folder: sql(folder / "events.db", "UPDATE event SET leaf = 'text' WHERE position = 20"),
        {"leaves"},
    ),
    "an envelope of another kind": (
        lambda folder: sql(folder / "events.db", "UPDATE event SET envelope = 7 WHERE position = 20"),
        {"envelope", "leaves"},
    ),
    "a checkpoint under another size": (
        lambda folder: sql(
            folder / "events.db",
            "UPDATE checkpoint SET size = 1 WHERE size = (SELECT max(size) FROM checkpoint)",
        ),
        {"checkpoints"},
    ),
    "a note of another kind": (
        lambda f: sql(f / "events.db", "UPDATE checkpoint SET note = 7"),
        {"checkpoints"},
    ),
    "events swapped": (swap_envelopes, {"columns"}),
    "checkpoints swapped": (swap_notes, {"outside-checkpoint"}),
    "files swapped": (swap_files, {"pades"}),
    "a file missing": (remove_first_file, {"pades"}),
    "a table more": (lambda folder: sql(folder / "events.db", "CREATE TABLE more (x)"), {"columns"}),
    "the certificate is another": (
        lambda folder: (folder / "pki" / "trust.pem").write_text("no certificate"),
        {"checkpoints"},
    ),
    "the log's keys are gone": (lambda folder: (folder / "pki" / "log.vkeys").unlink(), {"checkpoints"}),
    "settings unreadable": (lambda folder: (folder / "liggare.toml").write_text("slug = "), {"checkpoints"}),
    "keys damaged": (lambda folder: (folder / "keys.db").write_bytes(b"x" * 5000), set()),
    "a key removed": (lambda folder: sql(folder / "keys.db", "DELETE FROM key"), {"statements", "pades"}),
    "views unreadable": (lambda folder: (folder / "views.db").write_bytes(b"x" * 5000), {"digest"}),
    "a view's cell changed": (
        lambda folder: sql(folder / "views.db", "UPDATE person SET name = 'Någon annan' WHERE position = 8"),
        {"digest"},
    ),
    "a view has read too far": (
        lambda folder: sql(folder / "views.db", "UPDATE progress SET position = 999"),
        {"digest"},
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_what_was_spoiled_is_named(what: str, folder: Path) -> None:
    spoil, steps = SPOILED[what]
    spoil(folder)
    result = verify(folder)
    assert steps <= set(failed(result)), result["checks"]
    assert result["ok"] is not bool(steps)
    assert all(
        not check["detail"].startswith("inte prövat") for check in result["checks"] if check["ok"] is False
    )


def test_a_log_that_was_not_closed_is_read_with_its_side_file_and_a_cut_one_is_found(folder: Path) -> None:
    municipality = open_folder(folder)
    try:  # as a copy taken from a running server
        municipality.checkpoints.sign(municipality.registry.clock.now())
        with closing(sqlite3.connect(folder / "events.db", isolation_level=None)) as db:
            db.execute("PRAGMA wal_autocheckpoint=0")
            db.execute("UPDATE event SET topic = topic WHERE position = 1")
            copied = folder.parent / "copied"
            shutil.copytree(folder, copied)
    finally:
        municipality.close()
    settings = (copied / "liggare.toml").read_text("utf-8")
    assert (copied / "events.db-wal").stat().st_size > 0, settings
    assert verify(copied)["ok"]
    cut(copied / "events.db-wal", 0.5)
    verify(copied)  # whether it is found depends on what was in it; that it is answered does not


def test_views_that_are_behind_are_compared_as_far_as_they_have_read(folder: Path) -> None:
    at = 40
    municipality = open_folder(folder)
    try:
        tables = [view.table.name for view in municipality.projector._all.values() if hasattr(view, "table")]
    finally:
        municipality.close()
    municipality = open_folder(folder)
    municipality.close()
    (folder / "views.db").unlink()
    behind = _views_until(folder, at)
    result = verify(folder)
    assert tables
    assert result["ok"], failed(result)
    assert f"{behind} händelser" in detail(result, "digest")
    sql(folder / "views.db", "UPDATE person SET name = 'Någon annan' WHERE position = 8")
    assert failed(verify(folder)) == ["digest"]


def _views_until(folder: Path, position: int) -> int:
    """Views that have read so far and no further, as of a server that was stopped; how far behind they are."""
    whole = (folder / "events.db").read_bytes()
    notes = {path: path.read_bytes() for path in (folder / "checkpoints").glob("*.note")}
    for path in notes:
        path.unlink()
    sql(
        folder / "events.db",
        f"DELETE FROM event WHERE position > {position}",
        f"DELETE FROM checkpoint WHERE size > {position}",
    )
    municipality = open_folder(folder)
    try:
        municipality.projector.catch_up()
    finally:
        municipality.close()
    (folder / "events.db").write_bytes(whole)
    for path, note in notes.items():
        path.write_bytes(note)
    with closing(sqlite3.connect(folder / "events.db")) as db:
        head: int = db.execute("SELECT max(position) FROM event").fetchone()[0]
    return head - position


def test_without_views_their_step_is_not_run(folder: Path) -> None:
    (folder / "views.db").unlink()
    result = verify(folder)
    assert result["ok"]
    assert "inga vyer" in skipped(result)["digest"]


# --- exports
@pytest.mark.measured
def test_a_whole_export_and_parts_of_it_hold(folder: Path, exported: Path, tmp_path: Path) -> None:
    assert verify(exported)["ok"]
    municipality = open_folder(folder)
    try:
        head = municipality.registry.recorder.head().position
        for first, last in ((1, 1), (40, head), (head, head), (2, head - 1)):
            out = tmp_path / f"{first}-{last}"
            written = export(municipality, out, first, last)
            assert (written["events"], written["path"]) == (last - first + 1, str(out))
            result = verify(out)
            assert result["ok"], failed(result)
            assert result["events"] == last - first + 1
    finally:
        municipality.close()


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


BROKEN_EXPORTS: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "last line gone": (
        lambda out: (out / "events.jsonl").write_bytes(
            b"".join((out / "events.jsonl").read_bytes().splitlines(keepends=True)[:-1])
        ),
        {"tree"},
    ),
    "emptied": (lambda out: (out / "events.jsonl").write_bytes(b""), {"tree"}),
    "events gone": (lambda out: (out / "events.jsonl").unlink(), {"envelope"}),
    "tiles gone": (lambda out: shutil.rmtree(out / "tile"), {"tree"}),
    "index is no JSON": (lambda out: (out / "export.json").write_text("{"), {"envelope"}),
    "index nested": (lambda out: (out / "export.json").write_text("[" * 100_000), {"envelope"}),
    "index of another format": (lambda out: (out / "export.json").write_text('{"format": 2}'), {"envelope"}),
    "index without numbers": (
        lambda out: (out / "export.json").write_text('{"format": 1, "origin": "x", "from": "1"}'),
        {"envelope"},
    ),
    "index with a range of its own": (
        lambda out: (out / "export.json").write_text(
            '{"format": 1, "origin": "x", "from": 3, "to": 2, "size": 9}'
        ),
        {"envelope"},
    ),
    "a line more in the keys": (lambda out: append(out / "log.vkeys", b"\n"), {"envelope"}),
    "no keys": (lambda out: (out / "log.vkeys").write_bytes(b""), {"envelope"}),
    "keys that are none": (lambda out: (out / "log.vkeys").write_bytes(b"a+b+c\n"), {"envelope"}),
    "words around the certificate": (lambda out: append(out / "trust.pem", b"hello\n"), {"envelope"}),
    "no certificate": (lambda out: (out / "trust.pem").write_bytes(b""), {"envelope"}),
    "no checkpoints": (lambda out: shutil.rmtree(out / "checkpoints"), {"checkpoints"}),
    "no papers": (lambda out: shutil.rmtree(out / "minutes"), {"pades", "cms"}),
}


@pytest.mark.measured
@pytest.mark.parametrize("what", BROKEN_EXPORTS)
def test_what_is_wrong_with_an_export_is_named(what: str, exported: Path, tmp_path: Path) -> None:
    spoil, steps = BROKEN_EXPORTS[what]
    out = tmp_path / "out"
    shutil.copytree(exported, out)
    spoil(out)
    assert steps <= set(failed(verify(out)))


@pytest.mark.measured
def test_what_else_lies_in_an_export_is_listed(exported: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(exported, out)
    for name in ("more.txt", "minutes/more.pdf", "tile/0/001", "tile/0/zork"):
        (out / name).write_text("something")
    (out / "minutes" / "folder").mkdir()
    result = verify(out, trust=out / "trust.pem")
    assert result["ok"] and result["trusted"]
    listed = {Path(one["file"]).relative_to(out).as_posix() for one in result["unprotected"]}
    assert listed == {
        "export.json", "trust.pem", "more.txt", "minutes/more.pdf", "tile/0/001", "tile/0/zork",
    }  # fmt: skip


# --- what cannot be verified at all
def test_what_is_none_of_the_three_is_refused_in_words(tmp_path: Path, paper: Path) -> None:
    (tmp_path / "text.txt").write_text("hello")
    for path, words in (
        (tmp_path, "neither"),
        (tmp_path / "text.txt", "neither"),
        (tmp_path / "no", "not exist"),
    ):
        with pytest.raises(Unreadable, match=words):
            verify(path)
    with pytest.raises(Unreadable, match="not exist"):
        verify(paper, checkpoint=tmp_path / "no")


def test_a_pdf_with_a_damaged_head_is_broken_evidence(paper: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.pdf"
    spoilt.write_bytes(b"#" * 8 + paper.read_bytes()[8:])
    assert failed(verify(spoilt)) == ["pades"]
