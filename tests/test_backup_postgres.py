"""Backup and restore of a registry in PostgreSQL: one form of backup, taken from either database, restored into either.

What a backup is, and what restoring asks, is the same as on SQLite: tests/test_backup.py. Here stands what the server
adds: one moment of log and keys while others write, a schema to fill, and what must never come near it.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api import moving
from api.backup import DATA, Manifest, NewerFormat, back_up
from api.checking import verify
from api.cli.main import run
from api.faults import Fault
from api.moving import account, move
from api.restore import restore
from api.settings import DATABASE, Settings, WrongDatabase
from api.upgrading import upgrade
from api.wiring import SYSTEM, Municipality, open_folder
from domain.messages import Destroyed, fresh_id
from domain.person import ChangeContact, Person, RegisterPerson
from registry import destroyed
from registry.postgres_moment import moment_of
from registry.sqlite import SQLiteRecorder
from tests import busy_writer
from tests.disposing import contact_destroyed
from tests.golden_store import Golden
from tests.house import ROOT
from tests.postgres import Cluster, cluster

SCHEMA = "liggare_exempelby"


class Place:
    """A copy of the golden store, a database without its schema, and room beside it."""

    def __init__(self, folder: Path, server: Cluster, url: str) -> None:
        self.folder, self.server, self.url = folder, server, url
        with psycopg.connect(url) as db:
            db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())
        self.golden = Golden.copied(folder / "golden")
        self.dir, self.backup, self.new = self.golden.dir, folder / "backup", folder / "new"

    def back_up(self) -> dict[str, Any]:
        os.environ[DATABASE] = self.url
        return back_up(self.dir, self.backup)

    def restore(self, into: Any = None, url: str | None = None) -> dict[str, Any]:
        if url is not None:
            os.environ[DATABASE] = url
        return restore(self.backup, self.new, self.golden.root_key, into=into)

    @contextmanager
    def opened(self, folder: Path | None = None, url: str | None = None) -> Iterator[Municipality]:
        folder = folder or self.dir
        settings = Settings.read(folder)
        there = url or self.url if settings.database == "postgresql" else None
        m = open_folder(folder, placed=(settings, there))
        try:
            yield m
        finally:
            m.close()

    def account(self, folder: Path | None = None, url: str | None = None) -> dict[str, str]:
        with self.opened(folder, url) as m:
            m.projector.catch_up()
            return account(m)


@pytest.fixture
def unmoved(tmp_path: Path, postgres: Cluster, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv(DATABASE, "")  # set by the tests, and put back after each
    return Place(tmp_path, postgres, postgres_url)


@pytest.fixture
def place(unmoved: Place) -> Place:
    move(unmoved.dir, unmoved.url)
    return unmoved


def failed(result: dict[str, Any]) -> list[str]:
    return [f"{check['step']}: {check['detail']}" for check in result["checks"] if check["ok"] is False]


def register(m: Municipality) -> str:
    person = fresh_id()
    m.execute_as(RegisterPerson(person=person, name="Ny Person"), SYSTEM)
    m.execute_as(ChangeContact(person=person, email="bort@example.org"), SYSTEM)
    return person


def test_a_backup_from_postgresql_is_a_folder_that_verifies_without_a_server(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = place.account()
    result = place.back_up()
    manifest = Manifest.read(place.backup)
    assert (manifest.database, manifest.position) == ("postgresql", result["position"])
    assert (manifest.root, result["position"]) == (before["root"], place.golden.expected["position"])
    assert {"events.db", "keys.db", "liggare.toml", "pki/trust.pem"} <= manifest.files.keys()
    assert not any(name.startswith("views") for name in manifest.files)
    assert place.backup.stat().st_mode & 0o077 == 0
    key = bytes.fromhex(place.golden.root_key.read_text())
    for path in place.backup.rglob("*"):
        if path.is_file():
            assert key not in path.read_bytes()
            assert place.url.encode() not in path.read_bytes()
    monkeypatch.delenv(DATABASE)
    monkeypatch.setenv("LIGGARE_ROOT_KEY", str(place.golden.root_key))
    assert failed(verify(place.backup / DATA)) == []


@pytest.mark.parametrize("taken", ["sqlite", "postgresql"])
def test_a_backup_from_either_is_restored_into_the_other(taken: str, unmoved: Place) -> None:
    place, before = unmoved, unmoved.account()
    into = "sqlite"
    if taken == "postgresql":
        move(place.dir, place.url)
        place.back_up()
    else:
        into = "postgresql"
        back_up(place.dir, place.backup)
    result = place.restore(into, place.url)
    assert (result["database"], result["verified"], result["lost"]) == (into, True, None)
    assert place.account(place.new) == before
    names = {path.name for path in place.new.glob("*.db*")}
    assert names == ({"events.db", "keys.db", "views.db"} if into == "sqlite" else set())
    with place.opened(place.new) as m:
        register(m)
        m.checkpoints.sign(m.registry.now())


def test_without_a_word_it_goes_where_it_was(place: Place) -> None:
    before = place.account()
    place.back_up()
    os.environ[DATABASE] = ""
    with pytest.raises(WrongDatabase, match="DATABASE"):
        place.restore()
    other = place.server.database()
    assert place.restore(url=other)["database"] == "postgresql"
    assert place.account(place.new, other) == before


# --- one moment


def test_while_others_write_it_is_one_moment_with_everything_acknowledged(place: Place) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.busy_writer", str(place.dir), "2"]
    environment = os.environ | {DATABASE: place.url}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(5)]
        result = place.back_up()
        rest = busy_writer.finish(writer)
        assert writer.wait() == 0
    events = {int(line.split()[0]): line.split()[1] for line in said + rest}
    assert len(said) <= result["position"] < max(events)
    with closing(SQLiteRecorder(place.backup / DATA / "events.db", readonly=True)) as log:
        stored = {event.id: sha256(event.state).hexdigest() for event in log.scan()}
    assert max(stored) == result["position"]
    assert {at: digest for at, digest in events.items() if at <= result["position"]}.items() <= stored.items()
    place.restore("sqlite")
    with place.opened(place.new) as m:  # and every key that its events use
        assert "Destroyed" not in repr(
            [fact.event for fact in m.registry.facts(place.golden.expected["position"])]
        )


def test_a_destruction_meanwhile_takes_no_other_key_along(place: Place) -> None:
    with place.opened() as m:
        persons = [register(m) for _ in range(8)]
        with m.vault.engine.connect() as db:
            of = db.exec_driver_sql(f"SELECT count(*) FROM {SCHEMA}.key").scalar_one()

        def destroy() -> None:
            for person in persons:
                contact_destroyed(m, person)

        destroying = threading.Thread(target=destroy)
        destroying.start()
        number = 0
        while destroying.is_alive() or not number:
            number += 1
            with moment_of(place.url, "exempelby") as moment:
                moment.vault(place.folder / f"keys-{number}.db")
                held_up = threading.Thread(target=m.vault.destroy, args=("nobody", "contact", "1"))
                held_up.start()
                held_up.join(20)
                assert not held_up.is_alive()  # the log is still to be read, and nobody waits for that
        destroying.join()
    for one in range(1, number + 1):
        with closing(sqlite3.connect(place.folder / f"keys-{one}.db")) as lite:
            assert lite.execute("SELECT count(*) FROM key").fetchone()[0] == of


# --- what was destroyed stays destroyed


def test_a_key_destroyed_after_the_backup_never_comes_near_the_server(unmoved: Place) -> None:
    place = unmoved
    with place.opened() as m:
        person, kept = register(m), register(m)
        with m.vault.engine.connect() as db:
            query = "SELECT wrapped FROM key WHERE subject = ? AND keep = 'contact'"
            gone, stays = (
                bytes(db.exec_driver_sql(query, (f"person-{one}",)).scalar_one()) for one in (person, kept)
            )
        back_up(place.dir, place.backup)
        decided = contact_destroyed(m, person)
    with cluster(fsync="on") as fresh:
        url = fresh.database()
        result = place.restore("postgresql", url)
        assert result["destroyed_again"] == 1
        with place.opened(place.new, url) as m:
            assert isinstance(m.registry.get(Person, person).email, Destroyed)
            assert str(m.registry.get(Person, kept).email) == "bort@example.org"
        own = destroyed.read(place.new / "checkpoints" / destroyed.NAME)
        assert str(decided) in [one.decision for one in own]
        with psycopg.connect(fresh.url, autocommit=True) as db:
            db.execute("CHECKPOINT")
        disk = b"".join(path.read_bytes() for path in fresh.folder.rglob("*") if path.is_file())
        assert stays in disk  # it would be found
        assert gone not in disk  # neither in a table nor in the write-ahead log
    for path in place.new.rglob("*"):
        assert not path.is_file() or gone not in path.read_bytes()


# --- what is there, and what is left


def test_a_schema_that_holds_anything_is_refused(place: Place) -> None:
    before = place.account()
    place.back_up()
    with pytest.raises(Fault) as fault:
        place.restore()
    assert fault.value.code == "schema-not-empty"
    assert not place.new.exists()
    assert place.account() == before


def test_a_restore_that_is_cut_off_leaves_nothing_that_opens_and_is_done_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.back_up()
    other = place.server.database()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(moving, "compare", stop)
    with pytest.raises(KeyboardInterrupt):
        place.restore("postgresql", other)
    monkeypatch.undo()
    assert not place.new.exists()
    with psycopg.connect(other) as db:
        assert db.execute(f"SELECT count(*) FROM {SCHEMA}.unfinished".encode()).fetchone() == (1,)
    monkeypatch.setenv(DATABASE, other)
    assert place.restore("postgresql", other)["verified"]
    shutil.rmtree(place.new)


# --- a newer program, and an older one


@pytest.mark.long_form
def test_upgrading_there_comes_to_the_digests_of_the_golden_store(place: Place) -> None:
    os.environ[DATABASE] = place.url
    wanted = place.golden.expected
    first = upgrade(place.dir)
    assert (first["was"], first["format"], first["did"]) == (wanted["format"], 1, [])
    assert (first["position"], first["state_digest"]) == (wanted["position"], wanted["state_digest"])
    with psycopg.connect(place.url, autocommit=True) as db:
        db.execute(f"UPDATE {SCHEMA}.minutes SET version = 7".encode())
        assert upgrade(place.dir)["did"] == ["views-that-differed"]
        for change, back, code in (
            ("COMMENT ON TABLE {}.event IS 'liggare event log, layout 2'",
             "COMMENT ON TABLE {}.event IS 'liggare event log, layout 1'", "newer-format"),
            ("INSERT INTO {}.meta VALUES ('format', '2')",
             "DELETE FROM {}.meta WHERE name = 'format'", "newer-format"),
            ("UPDATE {}.progress SET version = 99 WHERE projection = 'minutes'",
             "UPDATE {}.progress SET version = 1 WHERE projection = 'minutes'", "newer-views"),
            ("UPDATE {}.event SET topic = 'minutes-sung.v1' WHERE position = 51", "SELECT", "newer-events"),
        ):  # fmt: skip
            db.execute(change.format(SCHEMA).encode())
            with pytest.raises(NewerFormat) as refused:
                upgrade(place.dir)
            assert refused.value.code == code
            db.execute(back.format(SCHEMA).encode())


def test_the_commands_say_what_they_did(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    os.environ[DATABASE] = place.url
    assert run(["backup", "--dir", str(place.dir), "--out", str(place.backup), "--json"]) == 0
    capsys.readouterr()
    words = [
        "restore",
        "--from",
        str(place.backup),
        "--root-key",
        str(place.golden.root_key),
        "--json",
        "--dir",
    ]
    assert run([*words, str(place.new)]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "schema-not-empty"
    assert run([*words, str(place.new), "--into", "sqlite"]) == 0
    assert json.loads(capsys.readouterr().out)["database"] == "sqlite"
