"""Proofs out of the log and its entries, over HTTP and by command, checked by another implementation as well."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tlog_scales.tlog import ConsistencyProof, InclusionProof

from api import proofs
from api.app import create_app
from api.cli.main import run
from api.wiring import Municipality, open_folder
from signing.checkpoint import Checkpoint
from signing.log import leaf_hash, verify_consistency, verify_inclusion
from tests.golden_store import POSITION, Golden
from tests.web import V1, problem


@pytest.fixture(scope="module")
def m(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Municipality]:
    municipality = open_folder(Golden.copied(tmp_path_factory.mktemp("proofs")).dir)
    municipality.projector.catch_up()
    yield municipality
    municipality.close()


@pytest.fixture(scope="module")
def client(m: Municipality) -> Iterator[TestClient]:
    with TestClient(create_app({m.slug: m})) as client:
        yield client


def header(m: Municipality) -> dict[str, str]:
    until = m.registry.clock.now() + timedelta(days=1)
    return {"Authorization": f"Bearer {m.vault.issue_token(m.settings.operator, 'access', 'test', until)}"}


def root(note: str) -> bytes:
    return Checkpoint.parse(note.partition("\n\n")[0] + "\n").root


@pytest.mark.parametrize(("old", "new"), [(0, 5), (1, 2), (7, POSITION), (32, 33), (POSITION, POSITION)])
def test_that_the_log_has_only_grown_is_proved_to_anybody(client: TestClient, old: int, new: int) -> None:
    found = client.get(f"{V1}/log/consistency/{old}/{new}").json()
    path = [bytes.fromhex(each) for each in found["path"]]
    roots = bytes.fromhex(found["old_root"]), bytes.fromhex(found["new_root"])
    assert verify_consistency(old, new, *roots, path)
    if 0 < old < new:
        ConsistencyProof(old, new, path).check(*roots)


def test_what_cannot_be_proved_is_not_there(client: TestClient) -> None:
    for sizes in ("5/4", "1/999"):
        answer = client.get(f"{V1}/log/consistency/{sizes}")
        assert answer.status_code == 404 and problem(answer)
    assert client.get(f"{V1}/log/consistency/1/x").status_code == 404


def test_the_entries_are_those_that_the_tiles_hash(client: TestClient, m: Municipality) -> None:
    tile = client.get(f"{V1}/log/tile/0/000.p/{POSITION}").content
    assert client.get(f"{V1}/log/tile/entries/000.p/{POSITION}").status_code == 401
    held = client.get(f"{V1}/log/tile/entries/000.p/{POSITION}", headers=header(m)).content
    leaves = b""
    while held:
        length = int.from_bytes(held[:2], "big")
        leaves += leaf_hash(held[2 : 2 + length])
        held = held[2 + length :]
    assert leaves == tile
    for beyond in ("000", "001.p/1", f"000.p/{POSITION + 1}", "000.p/0"):
        assert client.get(f"{V1}/log/tile/entries/{beyond}", headers=header(m)).status_code == 404


def test_an_entry_too_long_for_a_bundle_is_told_of(
    client: TestClient, m: Municipality, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "LONGEST_ENTRY", 400)
    answer = client.get(f"{V1}/log/tile/entries/000.p/{POSITION}", headers=header(m))
    assert answer.status_code == 422
    assert problem(answer)["code"] == "entry-too-long"


# --- by command
@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Golden.copied(tmp_path).dir


def said(capsys: pytest.CaptureFixture[str], *arguments: object, expect: int = 0) -> str:
    assert run([str(one) for one in arguments]) == expect
    return capsys.readouterr().out


def test_a_proof_of_one_event_as_json_and_as_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, Any] = json.loads(said(capsys, "proof", 7, "--dir", folder, "--json"))
    path = [bytes.fromhex(each) for each in found["path"]]
    leaf = bytes.fromhex(found["leaf"])
    assert verify_inclusion(leaf, 6, found["size"], path, root(found["checkpoint"]))
    InclusionProof(6, found["size"], path).check(leaf, root(found["checkpoint"]))
    head, index, *rest = said(capsys, "proof", 7, "--dir", folder).split("\n")
    assert (head, index) == ("c2sp.org/tlog-proof@v1", "index 6")
    parting = rest.index("")
    assert [base64.b64decode(each) for each in rest[:parting]] == path
    assert root("\n".join(rest[parting + 1 :])) == root(found["checkpoint"])


def test_a_proof_that_the_log_has_only_grown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(said(capsys, "proof", "--from", 20, "--to", 40, "--dir", folder, "--json"))
    roots = bytes.fromhex(found["old_root"]), bytes.fromhex(found["new_root"])
    assert verify_consistency(20, 40, *roots, [bytes.fromhex(each) for each in found["path"]])
    told = said(capsys, "proof", "--from", 20, "--dir", folder)
    assert f"De första 20 av loggens {POSITION} händelser är oförändrade" in told
    assert found["old_root"] in told
    empty = json.loads(said(capsys, "proof", "--from", 0, "--dir", folder, "--json"))
    assert empty["old_root"] == sha256(b"").hexdigest()


def test_one_of_the_two_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for asked in ((), (7, "--from", 2)):
        answer = json.loads(said(capsys, "proof", *asked, "--dir", folder, "--json", expect=2))
        assert answer["error"]["code"] == "proof-of-what"
    assert "error" in json.loads(said(capsys, "proof", 999, "--dir", folder, "--json", expect=4))
