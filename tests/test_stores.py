"""A registry in PostgreSQL: found by its address alone, refused where it is not whole, back when the server is."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.checking import verify
from api.cli.main import run
from api.holding import LogCut
from api.rebuilding import rebuild
from api.settings import DATABASE, NAME, Settings, WrongDatabase, given_database
from api.wiring import Municipality, create_folder, open_folder
from domain.person import ChangeContact, Person, RegisterPerson
from registry.clock import SimulatedClock
from registry.postgres import PostgresRecorder
from tests.disposing import contact_destroyed
from tests.given import ident
from tests.postgres import Cluster, cluster
from tests.web import SLUG, START, Town, problem

SCHEMA = f"liggare_{SLUG}"
SECRET = "hemlig9"


def create(folder: Path) -> Municipality:
    return create_folder(
        folder / SLUG, SLUG, "Exempelby kommun", folder / "keys" / "root.key",
        clock=SimulatedClock(START), simulated=True,
    )  # fmt: skip


@pytest.fixture
def url(postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new database, which the environment names."""
    found = postgres.database()
    monkeypatch.setenv(DATABASE, found)
    return found


@pytest.fixture
def folder(url: str, tmp_path: Path) -> Path:  # noqa: ARG001  # the environment names it
    """A registry's folder, whose log, keys and views lie in the database."""
    create(tmp_path).close()
    return tmp_path / SLUG


@pytest.fixture
def db(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


# --- the address


def test_a_registry_is_made_there_and_found_again(folder: Path, url: str) -> None:
    with closing(open_folder(folder)) as m:
        m.execute(RegisterPerson(person=ident(1), name="Rut Provberg"), m.settings.operator, "token")
        head = m.registry.recorder.head().position
    with closing(open_folder(folder)) as again:
        assert again.registry.recorder.head().position == head
        assert str(again.registry.get(Person, ident(1)).name) == "Rut Provberg"
        assert again.database == SCHEMA
        again.projector.catch_up()
        assert set(again.projector.lag().values()) == {0}
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoints", "files", NAME, "pki"]
    assert Settings.read(folder).database == "postgresql"
    assert not any(url.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_without_the_address_nothing_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for empty in ("", " "):
        monkeypatch.setenv(DATABASE, empty)
        with pytest.raises(WrongDatabase, match="LIGGARE_DATABASE is not set"):
            open_folder(folder)
    assert not list(folder.glob("*.db"))


def test_with_an_address_a_folder_of_files_is_not_opened(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(tmp_path).close()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / SLUG).rglob("*.db")}
    monkeypatch.setenv(DATABASE, postgres_url)
    with pytest.raises(WrongDatabase, match="own files"):
        open_folder(tmp_path / SLUG)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / SLUG).rglob("*.db")} != {}


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://u:{SECRET}@{SECRET}@host/db",  # libpq would look for a host called …@host
        f"postgresql://u:p/{SECRET}@host/db",
        f"postgresql://u:p#{SECRET}/@host/db",
        f"postgresql://u:{SECRET}%zz@host/db",
        f"postgresql://u@host:{SECRET}/db",
        f"postgres//u:{SECRET}@host/db",
        f"mysql://u:{SECRET}@host/db",
        f"host=h password={SECRET} x",
        f"{SECRET}",
    ],
)
def test_an_address_that_cannot_be_read_is_never_repeated(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DATABASE, address)
    monkeypatch.setenv("LIGGARE_TRACE", "1")
    with pytest.raises(WrongDatabase, match="LIGGARE_DATABASE") as raised:
        given_database()
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    assert run(["init", "--dir", str(tmp_path / "new"), "--name", "Exempelby", "--json"]) == 2
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err and json.loads(said.out)["error"]["code"] == "database-address"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address", ["postgresql://u:a%40b%2Fc@host:5432/db?sslmode=require", "host=h user=u"]
)
def test_an_address_that_can_be_read_is_taken(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE, address)
    assert given_database() == address


def test_a_schema_holds_one_registry(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongDatabase, match=SCHEMA):
        create(tmp_path / "another")
    assert not (tmp_path / "another").exists()
    open_folder(folder).close()


# --- rights


def test_a_role_that_owns_its_schema_needs_nothing_else_and_a_reader_verifies(
    tmp_path: Path, url: str, db: psycopg.Connection[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    role, reader = f"r{name}", f"a{name}"
    for each in (role, reader):
        db.execute(f"CREATE ROLE {each} LOGIN".encode())
    db.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC".encode())
    db.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}, {reader}".encode())
    monkeypatch.setenv(DATABASE, make_conninfo(url, user=role))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        create(tmp_path)
    assert run(["init", "--dir", str(tmp_path / SLUG), "--name", "Exempelby kommun", "--json"]) == 2
    assert not (tmp_path / SLUG).exists() and not (tmp_path / "keys").exists()

    db.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {role}".encode())
    with closing(create(tmp_path)) as m:
        m.execute(RegisterPerson(person=ident(1), name="Rut Provberg"), m.settings.operator, "token")
        m.execute(ChangeContact(person=ident(1), email="rut@example.org"), m.settings.operator, "token")
        m.projector.catch_up()
        contact_destroyed(m, ident(1))
        m.projector.rebuild()

    db.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {reader}".encode())
    db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {reader}".encode())
    monkeypatch.setenv(DATABASE, make_conninfo(url, user=reader))
    result = verify(tmp_path / SLUG)
    assert result["ok"], result["checks"]
    # A right that is missing is no broken evidence.
    for right in (f"SELECT ON {SCHEMA}.checkpoint", f"ALL ON SCHEMA {SCHEMA}"):
        db.execute(f"REVOKE {right} FROM {reader}".encode())
        assert run(["verify", str(tmp_path / SLUG)]) == 2


def test_what_was_changed_in_the_database_is_found(
    folder: Path, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    with closing(open_folder(folder)) as m:
        m.projector.catch_up()
    sound = verify(folder, language="en")
    assert sound["ok"]
    assert "how PostgreSQL lays out its own files is not looked at" in _detail(sound, "columns")
    listed = {one["file"] for one in sound["unprotected"]}
    assert {f"{SCHEMA}.{table}" for table in ("key", "receipt", "audit", "progress")} <= listed
    for bend, step in (
        ("UPDATE {}.event SET stream = 'person-0' WHERE position = 2", "columns"),
        ("UPDATE {}.event SET leaf = sha256(leaf) WHERE position = 2", "leaves"),
        ("UPDATE {}.checkpoint SET note = substr(note, 1, 40)", "checkpoints"),
        ("UPDATE {}.audit SET words = 'annat'", "digest"),
        ("ALTER TABLE {}.event ADD COLUMN remark text", "columns"),
        ("UPDATE {}.event SET position = 100 WHERE position = 3", "tree"),
    ):
        db.execute("BEGIN")
        before = {
            table: db.execute(f"TABLE {SCHEMA}.{table}".encode()).fetchall()
            for table in ("event", "checkpoint")
        }
        db.execute("COMMIT")
        db.execute(bend.format(SCHEMA).encode())
        wrong = [check["step"] for check in verify(folder)["checks"] if check["ok"] is False]
        assert step in wrong, bend
        db.execute(f"ALTER TABLE {SCHEMA}.event DROP COLUMN IF EXISTS remark".encode())
        for table, rows in before.items():
            db.execute(f"TRUNCATE {SCHEMA}.{table}".encode())
            signs = ", ".join(["%s"] * len(rows[0]))
            db.cursor().executemany(f"INSERT INTO {SCHEMA}.{table} VALUES ({signs})".encode(), rows)
    assert [check["step"] for check in verify(folder)["checks"] if check["ok"] is False] == ["digest"]
    rebuild(folder, None, lambda *_: None)
    assert verify(folder)["ok"]


def _detail(result: dict[str, Any], step: str) -> str:
    return next(str(check["detail"]) for check in result["checks"] if check["step"] == step)


# --- a log that is not whole


def test_a_log_that_has_lost_events_is_refused(
    folder: Path, db: psycopg.Connection[tuple[object, ...]]
) -> None:
    def refused() -> str:
        with pytest.raises(LogCut) as raised:
            open_folder(folder)
        return str(raised.value)

    db.execute(f"DELETE FROM {SCHEMA}.event WHERE position > 3".encode())
    assert SCHEMA in refused() and "3 events" in refused()
    db.execute(f"TRUNCATE {SCHEMA}.event".encode())
    assert "0 events" in refused()
    db.execute(f"DROP TABLE {SCHEMA}.event".encode())
    assert "0 events" in refused()
    db.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())
    assert "0 events" in refused()
    assert db.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone() == (None,), "nothing was made anew"


# --- a server that comes and goes


def test_a_server_that_stops_is_told_of_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(cluster())
        monkeypatch.setenv(DATABASE, f"{server.database()} password={SECRET}")
        town = Town.settled(tmp_path)
        stack.callback(town.close)
        recorder = town.municipality.registry.recorder
        assert isinstance(recorder, PostgresRecorder)
        recorder._sessions._patience = 0.2
        town.municipality.projector.start()
        head = town.municipality.registry.recorder.head().position

        server.stop()
        for language, word in (("sv", "databas"), ("en", "database")):
            answer = town.client.post(
                f"/v1/{SLUG}/persons/register-person",
                json={"name": "Rut Provberg"},
                headers=town.header("operator", {"Accept-Language": language, "Idempotency-Key": "k"}),
            )
            assert answer.status_code == 503 and answer.headers["Retry-After"] == "5"
            said = problem(answer)
            assert said["code"] == "database-unreachable" and word in said["detail"]
            assert str(server.folder) not in answer.text
        assert town.client.get("/healthz").status_code == 200
        ready = town.client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["unreachable"] == {SLUG: ["log", "keys", "views"]}
        assert run(["doctor", "--dir", str(town.municipality.dir), "--json"]) == 2
        told = capsys.readouterr()
        assert json.loads(told.out)["error"]["code"] == "database-unreachable"
        assert SECRET not in told.out + told.err

        server.start()
        answer = town.client.post(
            f"/v1/{SLUG}/persons/register-person",
            json={"name": "Rut Provberg"},
            headers=town.header("operator", {"Idempotency-Key": "k"}),
        )
        assert answer.status_code == 201
        assert town.municipality.projector.wait_for(head + 1, 10)
        assert town.client.get("/readyz").json() == {"status": "ok", "lag": {SLUG: 0}}
