"""One registry witnesses another: what it cosigns, what it refuses and keeps, and what the other publishes."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.checking import verify
from api.cli.main import run
from api.exporting import export
from api.wiring import create_folder, open_folder
from domain.messages import fresh_id
from domain.person import RegisterPerson
from signing import alone
from signing.checkpoint import open_checkpoint
from signing.vkeys import read_vkeys
from tests.golden_store import POSITION, Golden
from tests.web import V1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A neighbour's registry, never to be changed."""
    folder = tmp_path_factory.mktemp("neighbour")
    create_folder(folder / "annanby", "annanby", "Annanby kommun", folder / "keys" / "annanby.key").close()
    return folder


@pytest.fixture
def neighbour(made: Path, tmp_path: Path) -> Path:
    """A copy of it, which witnesses."""
    shutil.copytree(made, tmp_path / "neighbour")
    return tmp_path / "neighbour" / "annanby"


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """The registry that is witnessed."""
    return Golden.copied(tmp_path / "ours").dir


def published(folder: Path, out: Path, more: int = 0) -> Path:
    """An export of the registry, after some more events."""
    m = open_folder(folder)
    try:
        for _ in range(more):
            m.execute(RegisterPerson(person=fresh_id(), name="Anna"), m.settings.operator, "token")
        export(m, out)
    finally:
        m.close()
    return out


class Say:
    """A command and what it said as JSON."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object, expect: int = 0) -> Any:
        assert run([*map(str, arguments), "--json"]) == expect
        return json.loads(self._capsys.readouterr().out)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    return Say(capsys)


def refused(answer: Any) -> str:
    return str(answer["error"]["code"])


def test_a_log_is_witnessed_published_so_and_verified_by_whoever_knows_the_witness(
    say: Say, ours: Path, neighbour: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, keys, note = published(ours, tmp_path / "out"), tmp_path / "keys", tmp_path / "note"
    assert refused(say("witness", "cosign", out, "--dir", neighbour, expect=2)) == "log-keys-wanted"
    seen = say(
        "witness", "cosign", out, "--dir", neighbour, "--keys", ours / "pki" / "log.vkeys", "--out", note
    )
    assert (seen["origin"], seen["size"], seen["seen"]) == ("radsliggaren/exempelby", POSITION, None)
    keys.write_text("".join(f"{key}\n" for key in say("witness", "keys", "--dir", neighbour)["keys"]))
    assert refused(say("witness", "attach", note, "--dir", ours, expect=2)) == "not-attached"
    taken = say("witness", "attach", note, "--dir", ours, "--keys", keys)
    assert (taken["size"], taken["witnesses"]) == (POSITION, ["radsliggaren/annanby/witness"])
    m = open_folder(ours)
    try:
        shown = TestClient(create_app({m.slug: m})).get(f"{V1}/log/checkpoint").content
        export(m, tmp_path / "again")
    finally:
        m.close()
    assert len(open_checkpoint(shown, read_vkeys(keys.read_bytes()), every=True).verified) == 2
    result = verify(ours, language="en")
    assert result["ok"]
    assert "1 are witnessed, 0 of them" in result["checks"][4]["detail"]
    assert alone.main([str(tmp_path / "again"), "--witness", str(keys), "--language", "en"]) == 0
    assert "1 are witnessed, 1 of them by witnesses whose keys were given" in capsys.readouterr().out
    assert alone.main([str(tmp_path / "again"), "--witness", str(note)]) == 2


def test_a_log_that_grows_is_witnessed_again_and_one_that_goes_back_is_not(
    say: Say, ours: Path, neighbour: Path, tmp_path: Path
) -> None:
    first = published(ours, tmp_path / "1")
    second = published(ours, tmp_path / "2", more=7)
    known = ("--dir", neighbour, "--keys", ours / "pki" / "log.vkeys")
    assert say("witness", "cosign", first, *known)["size"] == POSITION
    assert say("witness", "cosign", first, *known)["seen"] == POSITION, "the same again is no harm"
    assert say("witness", "cosign", second, *known)["size"] == POSITION + 7
    answer = say("witness", "cosign", first, *known, expect=3)
    assert refused(answer) == "rolled-back"
    (kept,) = (neighbour / "checkpoints" / "witness").glob("*.refused-*")
    assert str(kept) in answer["error"]["detail"]
    assert kept.read_bytes() == max((first / "checkpoints").glob("*.note")).read_bytes()
    assert verify(neighbour)["ok"]


def test_two_stories_are_never_both_witnessed(say: Say, ours: Path, neighbour: Path, tmp_path: Path) -> None:
    shutil.copytree(ours.parent, tmp_path / "other")
    one = published(ours, tmp_path / "1", more=2)
    for name, more in (("same-size", 2), ("longer", 5)):
        shutil.copytree(tmp_path / "other", tmp_path / name)
        other = published(tmp_path / name / ours.name, tmp_path / f"{name}-out", more=more)
        known = ("--dir", neighbour, "--keys", ours / "pki" / "log.vkeys")
        assert say("witness", "cosign", one, *known)["size"] == POSITION + 2
        assert refused(say("witness", "cosign", other, *known, expect=3)) == "forked"


def test_what_was_seen_outlives_the_data_folder(
    say: Say, ours: Path, neighbour: Path, tmp_path: Path
) -> None:
    settings = neighbour / "liggare.toml"
    settings.write_text(settings.read_text("utf-8") + 'outside_checkpoints = "../elsewhere"\n', "utf-8")
    first, second = published(ours, tmp_path / "1"), published(ours, tmp_path / "2", more=1)
    known = ("--dir", neighbour, "--keys", ours / "pki" / "log.vkeys")
    say("witness", "cosign", second, *known)
    shutil.rmtree(neighbour / "checkpoints" / "witness")  # as after the restore of an older backup
    assert refused(say("witness", "cosign", first, *known, expect=3)) == "rolled-back"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_log_is_read_at_its_address(say: Say, ours: Path, neighbour: Path, tmp_path: Path) -> None:
    known = ("--dir", neighbour, "--keys", ours / "pki" / "log.vkeys")
    out, gone = ours, ""
    for more, size in ((0, POSITION), (3, POSITION + 3)):
        out = published(ours, tmp_path / str(size), more)
        shutil.copy(max((out / "checkpoints").glob("*.note")), out / "checkpoint")
        with served(out) as address:
            gone = address
            assert say("witness", "cosign", address + "/", *known)["size"] == size
    assert refused(say("witness", "cosign", gone, *known, expect=2)) == "log-unreadable"
    shutil.rmtree(out / "tile")
    shutil.copytree(
        published(ours, tmp_path / "last", 1) / "checkpoints", out / "checkpoints", dirs_exist_ok=True
    )
    (out / "checkpoint").unlink()
    assert refused(say("witness", "cosign", out, *known, expect=2)) == "log-unreadable"


def test_other_keys_than_those_that_are_known_are_refused(
    say: Say, ours: Path, neighbour: Path, tmp_path: Path
) -> None:
    out = published(ours, tmp_path / "out")
    where = ("--dir", neighbour, "--keys")
    assert (
        refused(say("witness", "cosign", out, *where, neighbour / "pki" / "log.vkeys", expect=2))
        == "log-unreadable"
    )
    say("witness", "cosign", out, *where, ours / "pki" / "log.vkeys")
    assert (
        refused(say("witness", "cosign", out, *where, neighbour / "pki" / "log.vkeys", expect=2))
        == "other-log-keys"
    )
    assert refused(say("witness", "cosign", out, *where, out / "trust.pem", expect=2)) == "log-unreadable"


def test_keys_that_were_replaced_are_taken_from_the_log_unless_somebody_else_may_have_had_the_old(
    say: Say, ours: Path, neighbour: Path, tmp_path: Path
) -> None:
    given = tmp_path / "log.vkeys"
    shutil.copy(ours / "pki" / "log.vkeys", given)
    known = ("--dir", neighbour, "--keys", given)
    assert say("witness", "cosign", published(ours, tmp_path / "1"), *known)["size"] == POSITION
    say("keys", "rotate", "log", "--dir", ours)
    second = published(ours, tmp_path / "2", more=1)
    assert say("witness", "cosign", second, "--dir", neighbour)["seen"] == POSITION
    assert say("witness", "cosign", second, *known)["seen"] == POSITION + 2, "those of before still name it"
    say("keys", "compromised", "log", "--since", "2024-01-01", "--dir", ours, expect=2)
    now = datetime.now(UTC).isoformat()
    say("keys", "compromised", "log", "--since", now, "--dir", ours)
    third = published(ours, tmp_path / "3")
    assert refused(say("witness", "cosign", third, "--dir", neighbour, expect=2)) == "log-keys-found-out"
    anew = ("--dir", neighbour, "--keys", ours / "pki" / "log.vkeys")
    assert say("witness", "cosign", third, *anew)["seen"] == POSITION + 2
    assert say("witness", "cosign", third, "--dir", neighbour)["size"] == POSITION + 4
    assert verify(ours)["ok"]
