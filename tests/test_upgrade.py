"""The golden store: what was written once is opened by every later program, and comes out the same.

The store under tests/golden is never changed by a test; each has a copy of its own.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from api.backup import NewerFormat, walk
from api.checking import verify
from api.cli.main import run
from api.faults import Fault
from api.upgrading import upgrade
from api.wiring import open_folder
from domain.messages import Destroyed
from domain.minutes import Minutes
from domain.person import ContactChanged
from projections.reading import fresh_digests, rows, stored_digests
from registry.mapper import EvidenceBroken
from tests.conftest import LONG
from tests.golden_store import STORE, Golden
from tests.web import SLUG


@pytest.fixture
def golden(tmp_path: Path) -> Golden:
    return Golden.copied(tmp_path)


@pytest.fixture
def upgraded(golden: Golden) -> Golden:
    upgrade(golden.dir)
    return golden


def change(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        for statement in statements:
            db.execute(statement)


def checks(folder: Path) -> dict[str, bool | None]:
    return {check["step"]: check["ok"] for check in verify(folder)["checks"]}


def test_the_store_verifies_where_it_lies_untouched() -> None:
    before = {path: path.read_bytes() for path in STORE.rglob("*") if path.is_file()}
    found = checks(STORE / SLUG)
    assert [step for step, ok in found.items() if ok is False] == []
    # No views are kept with it, and only the renderer that it names can print the same bytes.
    same = version("typst") == json.loads((STORE / "golden.json").read_text("utf-8"))["typst"]
    not_run = {"digest"} if same else {"digest", "rerender"}
    assert {step for step, ok in found.items() if ok is None} == not_run
    assert {path: path.read_bytes() for path in STORE.rglob("*") if path.is_file()} == before


def test_the_store_comes_out_as_it_went_in(golden: Golden) -> None:
    result = upgrade(golden.dir)
    assert (result["was"], result["format"]) == (golden.expected["format"], 1)
    assert result["state_digest"] == golden.expected["state_digest"]
    assert result["position"] == golden.expected["position"]
    log = walk(golden.dir / "events.db", set())
    assert (log.position, log.root.hex()) == (golden.expected["position"], golden.expected["root"])
    assert len(log.files) == golden.expected["files"]
    found = checks(golden.dir)
    assert [step for step, ok in found.items() if ok is False] == []
    assert found["digest"] is True
    assert found["rerender"] is (True if version("typst") == golden.expected["typst"] else None)


def test_what_is_sealed_and_what_is_destroyed_is_read_as_it_was(upgraded: Golden) -> None:
    m = open_folder(upgraded.dir)
    try:
        sealed = [
            row["minutes"]
            for row in rows(m.views, "minutes")
            if m.registry.get(Minutes, row["minutes"]).sealed
        ]
        assert len(sealed) == 1
        minutes = m.registry.get(Minutes, sealed[0])
        assert minutes.sealed
        assert m.files.get(minutes.sealed.file).startswith(b"%PDF-")
        [contact] = [fact.event for fact in m.registry.facts() if isinstance(fact.event, ContactChanged)]
        assert isinstance(contact.email, Destroyed)
        assert stored_digests(m.views) == fresh_digests(m.registry)
    finally:
        m.close()


def test_a_second_time_there_is_nothing_to_do(golden: Golden) -> None:
    assert upgrade(golden.dir)["did"] == ["new-views"]
    before = (golden.dir / "events.db").read_bytes(), (golden.dir / "keys.db").read_bytes()
    again = upgrade(golden.dir)
    assert again["did"] == []
    assert again["views"] == {"changed": [], "added": []}
    assert ((golden.dir / "events.db").read_bytes(), (golden.dir / "keys.db").read_bytes()) == before


def test_a_view_of_an_earlier_version_is_made_anew(upgraded: Golden) -> None:
    change(
        upgraded.dir / "views.db",
        "UPDATE progress SET version = 0 WHERE projection = 'minutes'",
        "DROP TABLE minutes",
        "CREATE TABLE minutes (other TEXT)",
    )
    result = upgrade(upgraded.dir)
    assert result["views"]["changed"] == ["minutes"]
    assert checks(upgraded.dir)["digest"] is True


def test_views_that_do_not_agree_with_the_events_are_made_anew(upgraded: Golden) -> None:
    change(upgraded.dir / "views.db", "UPDATE minutes SET version = 7")
    assert checks(upgraded.dir)["digest"] is False
    assert upgrade(upgraded.dir)["did"] == ["views-that-differed"]
    assert checks(upgraded.dir)["digest"] is True


@pytest.mark.parametrize("left", ["a rebuild", *(["half-made views", "one view begun"] if LONG else [])])
def test_stopped_anywhere_it_comes_to_the_same_end(left: str, upgraded: Golden) -> None:
    wanted = upgrade(upgraded.dir)["state_digest"]
    views = upgraded.dir / "views.db"
    match left:
        case "half-made views":
            change(
                views,
                "DELETE FROM minutes",
                "UPDATE progress SET position = 0 WHERE projection = 'minutes'",
            )
        case "a rebuild":
            change(views, "CREATE TABLE minutes_beside (key TEXT)", "INSERT INTO minutes_beside VALUES ('x')")
        case _:
            change(views, "DROP TABLE minutes", "DELETE FROM progress WHERE projection = 'minutes'")
    assert upgrade(upgraded.dir)["state_digest"] == wanted
    assert checks(upgraded.dir)["digest"] is True


@pytest.mark.parametrize(
    ("database", "statement", "code"),
    [
        ("events.db", "PRAGMA user_version = 2", "newer-format"),
        ("keys.db", "INSERT INTO meta VALUES ('format', CAST('2' AS BLOB))", "newer-format"),
        ("events.db", "UPDATE event SET topic = 'minutes-sung.v1' WHERE position = 51", "newer-events"),
        ("views.db", "UPDATE progress SET version = 99 WHERE projection = 'minutes'", "newer-views"),
    ],
)
def test_what_a_newer_program_has_written_is_refused_untouched(
    database: str, statement: str, code: str, upgraded: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    change(upgraded.dir / database, statement)
    before = {path: path.read_bytes() for path in upgraded.dir.rglob("*") if path.is_file()}
    with pytest.raises(NewerFormat) as refused:
        upgrade(upgraded.dir)
    assert refused.value.code == code
    assert {path: path.read_bytes() for path in upgraded.dir.rglob("*") if path.is_file()} == before
    capsys.readouterr()
    assert run(["upgrade", "--dir", str(upgraded.dir), "--json"]) == 2
    error: dict[str, Any] = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code
    assert error["what_to_do"]


def test_broken_evidence_is_not_passed_over(golden: Golden) -> None:
    file = max(
        (path for path in (golden.dir / "files").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size
    )
    file.unlink()
    with pytest.raises(EvidenceBroken, match=file.name):
        upgrade(golden.dir)


def test_what_is_no_registry_is_refused(golden: Golden) -> None:
    with pytest.raises(Fault):
        upgrade(golden.dir.parent)
    (golden.dir / "keys.db").unlink()
    with pytest.raises(Fault, match=r"keys\.db"):
        upgrade(golden.dir)


def test_the_command_says_what_it_did(golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["upgrade", "--dir", str(golden.dir)]) == 0
    said = capsys.readouterr().out
    assert "Händelserna är orörda" in said
    assert "Nya vyer gjordes: " in said
    assert run(["upgrade", "--dir", str(golden.dir)]) == 0
    assert "Ingenting behövde göras" in capsys.readouterr().out
