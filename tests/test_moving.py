"""Moving a registry to PostgreSQL: all of it or nothing, and no acknowledged event is lost by anybody's doing.

- Killed at any named point, the old registry opens and is whole, or the new one does; moved again, all is there.
- The default is each point once; HYPOTHESIS_PROFILE=long is killed before and after every one, twice in a row.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

import registry.adoption
from api import moving
from api.checking import verify
from api.cli.main import run
from api.faults import Fault
from api.moving import account, move
from api.settings import DATABASE, Settings, WrongDatabase
from api.wiring import SYSTEM, Municipality, open_folder
from domain.messages import fresh_id
from domain.person import ChangeContact, RegisterPerson
from registry.mapper import EvidenceBroken
from registry.postgres import PostgresRecorder
from registry.postgres_landing import Landing, landing
from registry.recorder import Busy, Moved, Receipt
from registry.sqlite import SQLiteRecorder
from registry.sqlite_moved import Held, held
from tests import busy_writer
from tests.faults.child import Kill, Point, forked, join, wrap
from tests.golden_store import Golden
from tests.house import ROOT

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


class Place:
    """A copy of the golden store, and a database without its schema."""

    def __init__(self, folder: Path, url: str) -> None:
        self.golden, self.url = Golden.copied(folder), url
        self.dir = self.golden.dir

    @property
    def is_moved(self) -> bool:
        return Settings.read(self.dir).database == "postgresql"

    def opened(self) -> Municipality:
        """The registry where it now lies."""
        return open_folder(self.dir, placed=(Settings.read(self.dir), self.url if self.is_moved else None))

    def account(self) -> dict[str, str]:
        m = self.opened()
        try:
            m.projector.catch_up()
            return account(m)
        finally:
            m.close()

    def tables(self) -> set[str]:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'liggare_exempelby'"
        with psycopg.connect(self.url) as db:
            return {str(name) for (name,) in db.execute(query)}

    def is_put_aside(self) -> bool:
        """Whether the old files are called otherwise, and none by the old name."""
        names = ("events.db", "keys.db", "views.db")
        return all(
            (self.dir / f"{name}.moved").is_file() and not (self.dir / name).exists() for name in names
        )


@pytest.fixture
def place(tmp_path: Path, postgres_url: str) -> Place:
    with psycopg.connect(postgres_url) as db:
        db.execute("DROP SCHEMA IF EXISTS liggare_exempelby CASCADE")
    return Place(tmp_path, postgres_url)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The account of every copy before anything is done to it."""
    return Place(tmp_path_factory.mktemp("untouched"), "").account()


def register(m: Municipality) -> int:
    """Two more events; the position of the last."""
    person = fresh_id()
    m.execute_as(RegisterPerson(person=person, name="Ny Person"), SYSTEM)
    return m.execute_as(ChangeContact(person=person, email="ny@example.org"), SYSTEM).position


# --- all of it


def test_what_is_moved_is_the_same_to_the_last_digest_and_goes_on(place: Place) -> None:
    recorder = SQLiteRecorder(place.dir / "events.db")
    receipts = [Receipt(f"{number:064x}", b"r" * 32, "2999-01-01", number, 1) for number in range(1, 4)]
    recorder.keep_receipts(receipts)
    recorder.close()
    before = place.account()
    said: list[tuple[int, int, str]] = []
    result = move(place.dir, place.url, lambda *told: said.append(told))
    assert result["account"] == before == place.account()
    wanted = place.golden.expected
    assert before["head"].split()[0] == str(wanted["position"])
    assert before["root"] == wanted["root"]
    assert {what for _, _, what in said} >= {"events"}
    assert place.is_put_aside()
    assert "unfinished" not in place.tables()
    m = place.opened()
    try:
        assert isinstance(m.registry.recorder, PostgresRecorder)
        assert list(m.registry.recorder.receipts()) == receipts
        assert register(m) == wanted["position"] + 2
        m.checkpoints.sign(m.registry.now())
    finally:
        m.close()
    again = move(place.dir, place.url)
    assert (again["moved"], again["put_aside"]) == (False, [])


# --- nothing else


@pytest.mark.parametrize("there", ["a table", "a registry"])
def test_a_schema_that_holds_anything_is_refused_and_left_alone(
    there: str, place: Place, tmp_path: Path
) -> None:
    if there == "a table":
        with psycopg.connect(place.url) as db:
            db.execute("CREATE SCHEMA liggare_exempelby")
            db.execute("CREATE TABLE liggare_exempelby.theirs (a int)")
    else:
        other = Place(tmp_path / "other", place.url)
        move(other.dir, other.url)
    before, tables = place.account(), place.tables()
    with pytest.raises(Fault) as fault:
        move(place.dir, place.url)
    assert fault.value.code == "schema-not-empty"
    assert place.tables() == tables
    assert place.account() == before
    assert not place.is_moved
    m = place.opened()
    register(m)
    m.close()


def test_a_difference_ends_it_and_leaves_nothing_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.account()

    def alter(source: Any, target: Any) -> None:
        copy(source, target)
        with target.begin() as db:
            db.exec_driver_sql("UPDATE liggare_exempelby.key SET keep = 'longer' WHERE wrapped IS NULL")

    copy = moving.copy_vault
    monkeypatch.setattr(moving, "copy_vault", alter)
    with pytest.raises(EvidenceBroken, match="vault key"):
        move(place.dir, place.url)
    assert place.tables() == set()
    monkeypatch.undo()
    assert place.account() == before
    assert move(place.dir, place.url)["account"] == before


def test_a_damaged_log_is_not_moved(place: Place) -> None:
    with closing(sqlite3.connect(place.dir / "events.db")) as db, db:
        db.execute("UPDATE event SET leaf = zeroblob(32) WHERE position = 9")
    with pytest.raises(EvidenceBroken):
        move(place.dir, place.url)
    assert place.tables() == set()
    assert not place.is_moved


def test_two_cannot_fill_one_schema_at_once(place: Place) -> None:
    with landing(place.url, "exempelby", "mine"), pytest.raises(Fault) as fault:
        move(place.dir, place.url)
    assert fault.value.code == "writers-busy"


def test_what_another_registry_left_unfinished_is_not_ours_to_throw_away(place: Place) -> None:
    with landing(place.url, "exempelby", "another") as there:
        there.begin()
    with pytest.raises(Fault) as fault:
        move(place.dir, place.url)
    assert fault.value.code == "schema-not-empty"


# --- while others have the files open


@pytest.mark.long_form
def test_a_process_that_writes_meanwhile_loses_nothing_and_is_told(place: Place) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.busy_writer", str(place.dir), "2"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(5)]  # it is at work
        result = move(place.dir, place.url)
        said += busy_writer.finish(writer)
        assert writer.stderr is not None
        errors = writer.stderr.read()
    events = dict(line.split() for line in said)
    assert "another database" in errors or "unable to open" in errors
    assert len(events) <= int(result["account"]["head"].split()[0])
    m = place.opened()
    try:
        stored = {str(event.id): sha256(event.state).hexdigest() for event in m.registry.recorder.scan()}
        assert events.items() <= stored.items()
        for fact in m.registry.facts(place.golden.expected["position"]):  # and every key that they used
            assert "Known" in repr(fact.event)
            assert "Destroyed" not in repr(fact.event)
    finally:
        m.close()


def test_who_has_the_old_files_open_reads_on_and_can_change_nothing(place: Place) -> None:
    m = place.opened()
    try:
        head = m.registry.recorder.head()
        move(place.dir, place.url)
        assert m.registry.recorder.head() == head
        with pytest.raises((Moved, sa.exc.OperationalError), match=r"another database|unable to open"):
            m.execute_as(RegisterPerson(person=fresh_id(), name="För Sent"), SYSTEM)
        with pytest.raises(Moved):
            m.registry.recorder.put_checkpoint(1, b"")
        with pytest.raises(Moved):
            m.registry.recorder.keep_receipts([Receipt("k", b"", "")])
        with closing(sqlite3.connect(place.dir / "keys.db.moved")) as db:
            for table in ("meta", "key"):
                with pytest.raises(sqlite3.IntegrityError, match="another database"):
                    db.execute(f"DELETE FROM {table}")
    finally:
        m.close()
    assert place.is_put_aside()


@pytest.mark.parametrize("name", ["events.db", "keys.db"])
def test_a_writer_that_does_not_come_to_rest_is_not_waited_for(
    name: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.sqlite_moved.WAIT", 0.1)
    with closing(sqlite3.connect(place.dir / name, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match=name), held(place.dir / "events.db", place.dir / "keys.db"):
            pass


# --- killed

POINTS = {
    "vault": Point(moving, "copy_vault", ()),
    "an event": Point(registry.adoption, "read_envelope", ()),
    "events": Point(PostgresRecorder, "adopt", ()),
    "receipts": Point(PostgresRecorder, "put_checkpoint", ()),
    "begun": Point(Landing, "begin", ()),
    "compared": Point(moving, "compare", ()),
    "half closed": Point(Held, "_shut", ()),
    "closed": Point(Held, "close", ()),
    "whole": Point(Landing, "whole", ()),
    "switched": Point(Settings, "write", ()),
    "renamed": Point(Path, "rename", ()),
}
SAMPLE = [
    Kill("vault", True, 1), Kill("an event", False, 40), Kill("compared", True, 1), Kill("half closed", True, 1),
    Kill("closed", True, 1), Kill("whole", True, 1), Kill("switched", True, 1), Kill("renamed", True, 2),
]  # fmt: skip
UNDONE = ("begun", "vault", "an event", "events", "receipts", "compared")
ALL = [Kill(point, after, call) for point in POINTS for after in (False, True) for call in (1, 2)]


def killed(folder: str, url: str, kill: Kill) -> None:
    """Move, and be killed at a point."""
    wrap(kill.point, POINTS[kill.point], kill, Counter())
    move(Path(folder), url)


def move_until(place: Place, kill: Kill) -> int | None:
    process = forked.Process(target=killed, args=(str(place.dir), place.url, kill))
    process.start()
    join(process)
    code = process.exitcode
    process.close()
    return code


@pytest.mark.parametrize("kill", ALL if LONG else SAMPLE, ids=str)
def test_killed_anywhere_one_of_them_is_whole_and_moving_again_finishes(
    kill: Kill, place: Place, untouched: dict[str, str]
) -> None:
    before = untouched
    for _ in range(2 if LONG else 1):
        assert move_until(place, kill) in (-signal.SIGKILL, 0)
        assert place.account() == before
    if not place.is_moved and kill.point in UNDONE:  # nothing had been closed: work goes on
        m = place.opened()
        register(m)
        m.close()
        before = place.account()
    result = move(place.dir, place.url)
    assert place.is_moved
    assert place.is_put_aside()
    assert (result["account"] or place.account()) == before
    assert "unfinished" not in place.tables()


def test_a_move_that_was_cut_off_can_be_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert move_until(place, Kill("closed", True, 1)) == -signal.SIGKILL
    m = place.opened()
    with pytest.raises((Moved, sa.exc.IntegrityError), match="another database"):
        register(m)
    m.close()
    assert run(["move", "--dir", str(place.dir), "--undo"]) == 0
    m = place.opened()
    register(m)
    m.close()
    monkeypatch.setenv("LIGGARE_ROOT_KEY", str(place.golden.root_key))
    assert [check["step"] for check in verify(place.dir)["checks"] if check["ok"] is False] == []
    move(place.dir, place.url)  # what was left there is thrown away
    assert run(["move", "--dir", str(place.dir), "--undo"]) == 2


# --- the command line


def asked(capsys: pytest.CaptureFixture[str], code: int, *words: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*map(str, words), "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_command_takes_the_address_from_the_environment_and_says_what_it_did(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(capsys, 2, "move", "--dir", place.dir)["error"]["code"] == "database-missing"
    bad = asked(capsys, 2, "move", "--dir", place.dir, "postgresql://u:hemligt@@x/y")
    assert bad["error"]["code"] == "database-address"
    assert "hemligt" not in json.dumps(bad)
    monkeypatch.setenv(DATABASE, place.url)
    assert run(["move", "--dir", str(place.dir)]) == 0
    said = capsys.readouterr().out
    assert f"{place.golden.expected['position']} händelser" in said
    assert "events.db.moved" in said
    assert "kommandoraden" not in said
    assert asked(capsys, 0, "move", "--dir", place.dir)["moved"] is False
    looked = asked(capsys, 0, "doctor", "--dir", place.dir)["checks"][0]
    assert looked["ok"] is None and "keys.db.moved" in looked["detail"]
    for left in place.dir.glob("*.moved"):
        left.unlink()
    assert asked(capsys, 0, "doctor", "--dir", place.dir)["checks"][0]["ok"] is True


def test_an_address_on_the_command_line_is_told_to_be_seen(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["move", "--dir", str(place.dir), place.url]) == 0
    assert "kommandoraden" in capsys.readouterr().out
    with pytest.raises(WrongDatabase):
        open_folder(place.dir)
