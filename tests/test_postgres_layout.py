"""A log's schema that somebody has added to or bent: told, whatever it was; and a look that stands still."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
import sqlalchemy as sa

from registry.postgres import PostgresRecorder
from registry.postgres_engine import postgres_engine
from registry.postgres_layout import errors, loose
from registry.postgres_snapshot import Snapshot
from registry.recorder import LogUnavailable
from registry.vault import Vault, metadata
from tests.postgres_writers import STAMP, stored

NOTHING = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
TRIGGER = f"{NOTHING}; CREATE TRIGGER t BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION f()"
READY = "UPDATE pg_index SET indisready = {} WHERE indexrelid = 'event_stream_version_key'::regclass"
# An index that does not lead to every row: made by hand, as a damaged one would be.
UNLED = (
    f"{READY.format('false')}; COMMIT; "
    "BEGIN; INSERT INTO event VALUES (4, 'matter-1', 4, 't', 'x', 'x'); COMMIT; "
    f"BEGIN; {READY.format('true')}"
)


@pytest.fixture
def slug() -> str:
    return f"l{secrets.token_hex(6)}"


@pytest.fixture
def log(postgres_url: str, slug: str) -> Iterator[PostgresRecorder]:
    with closing(PostgresRecorder(postgres_url, slug)) as recorder:
        for version in (1, 2, 3):
            recorder.insert_events([stored("matter-1", version)], recorded_at=STAMP)
        recorder.put_checkpoint(3, b"note")
        yield recorder


def found(url: str, slug: str, others: set[str] = set()) -> list[str]:  # noqa: B006  # never changed
    with closing(Snapshot(url, slug)) as snapshot:
        return errors(snapshot.ask, snapshot.schema, others)


def test_a_schema_as_it_is_made_is_in_order(log: PostgresRecorder, postgres_url: str, slug: str) -> None:
    assert found(postgres_url, slug) == []
    engine = postgres_engine(postgres_url, slug)
    Vault.postgres(engine, bytes(32)).close()
    assert len(found(postgres_url, slug)) == len(metadata.tables)
    assert found(postgres_url, slug, set(metadata.tables)) == []
    with closing(Snapshot(postgres_url, slug)) as snapshot:
        names = {name for name, size in loose(snapshot.ask, log.schema) if size > 0}
    assert names == {f"{log.schema}.{name}" for name in (*metadata.tables, "receipt")}


@pytest.mark.parametrize(
    ("bend", "word"),
    [
        ("ALTER TABLE event ADD COLUMN remark text", "columns of event"),
        ("ALTER TABLE event ALTER COLUMN leaf DROP NOT NULL", "columns of event"),
        ("ALTER TABLE event ALTER COLUMN topic SET DEFAULT 'x'", "columns of event"),
        ('ALTER TABLE event ALTER COLUMN stream TYPE text COLLATE "POSIX"', "columns of event"),
        ("ALTER TABLE checkpoint ALTER COLUMN size TYPE integer", "columns of checkpoint"),
        ("ALTER TABLE event DROP CONSTRAINT event_stream_version_key", "constraints of event"),
        ("ALTER TABLE event ADD CHECK (version < 100) NOT VALID", "constraints of event"),
        ("CREATE INDEX beside ON event (topic)", "index"),
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'event_pkey'::regclass", "index"),
        ("CREATE TABLE notes (said text)", "the table notes"),
        ("CREATE VIEW shown AS SELECT * FROM event", "the view shown"),
        ("CREATE SEQUENCE counter", "the sequence counter"),
        ("CREATE TABLE more () INHERITS (event)", "inherits"),
        ("CREATE RULE hide AS ON INSERT TO event DO INSTEAD NOTHING", "the rule hide"),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "the function f",
        ),
        (TRIGGER, "the trigger t"),
        ("CREATE POLICY p ON event USING (position > 1)", "the policy p"),
        ("ALTER TABLE event ENABLE ROW LEVEL SECURITY", "all shown"),
        ("ALTER TABLE event SET UNLOGGED", "all kept"),
        ("DROP TABLE checkpoint", "checkpoint is missing"),
        ("UPDATE pg_proc SET prosrc = prosrc || ' ' WHERE oid = 'append'::regproc", "the function append"),
        (UNLED, "4 by position, 3 by stream, 4 by table"),
    ],
)
def test_whatever_was_done_to_a_schema_is_told(
    log: PostgresRecorder, postgres_url: str, slug: str, bend: str, word: str
) -> None:
    with psycopg.connect(postgres_url) as db:
        db.execute(f"SET search_path TO {log.schema}".encode())
        db.commit()
        db.execute(bend.encode())
    said = " / ".join(found(postgres_url, slug))
    assert word in said


def test_it_shows_one_moment_while_others_write(log: PostgresRecorder, postgres_url: str, slug: str) -> None:
    with closing(Snapshot(postgres_url, slug)) as snapshot:
        engine = snapshot.engine()
        log.insert_events([stored("matter-1", 4)], recorded_at=STAMP)
        assert snapshot.head().position == 3
        assert len(list(snapshot.scan())) == 3
        with engine.connect() as db:
            assert db.execute(sa.text(f"SELECT count(*) FROM {log.schema}.event")).scalar() == 3
        engine.dispose()
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            snapshot.ask("DELETE FROM {schema}.event RETURNING position")
    assert log.head().position == 4


def test_a_moment_that_was_lost_is_not_another(log: PostgresRecorder, postgres_url: str, slug: str) -> None:
    with closing(Snapshot(postgres_url, slug)) as snapshot:
        (pid,) = snapshot.ask("SELECT pg_backend_pid()")[0]
        with psycopg.connect(postgres_url, autocommit=True) as db:
            db.execute("SELECT pg_terminate_backend(%s)", (pid,))
        log.insert_events([stored("matter-1", 4)], recorded_at=STAMP)
        with pytest.raises(LogUnavailable):
            snapshot.head()
