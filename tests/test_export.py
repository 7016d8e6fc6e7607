"""An export as it lies there: what of it becomes evidence, what is loose, and what is no export at all."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from signing import export
from signing.alone import verify_export
from signing.checkpoint import MAX_SIZE
from signing.export import Broken, approval_name, loose, misnamed, read_anchor, read_export, sealed_name
from signing.note import Algorithm
from signing.pki import certificate_pem
from signing.signer import Signer
from signing.tiles import Tile
from signing.vkeys import LogKeys, write_vkeys
from tests.golden_hostile import SOUND
from tests.signing_kit import SEALED_AT, authority, signer, stranger

THEIRS = certificate_pem(stranger().ca.certificate)
WITNESS = Signer.generate("neighbour/witness", Algorithm.ED25519_COSIGNATURE).vkey
MORE = {
    "ca.crl": b"our list",
    "signers.pem": THEIRS,
    "signers.pem.p7s": b"our signature over them",
    "signers-1.crl": b"their list",
    "tsa.pem": THEIRS + THEIRS,
    "witnesses.vkeys": write_vkeys([WITNESS]),
    "checkpoints/000000000005.cosigned": b"with more lines",
    "checkpoints/000000000007.tst": b"a stamp alone",
    "minutes/again.pdf": next(SOUND.glob("minutes/*.pdf")).read_bytes(),
}
LOOSE = {
    "README": b"hello",
    "checkpoints/README": b"hello",
    "minutes/unnamed.pdf": b"%PDF-",
    "tile/0/000": b"a full tile of a tree that has none",
    "tile/0/000.p/5": b"what the tile was before",
    "tile/0/001.p/6": b"one beside it",
    "tile/1/000.p/1": b"one above it",
    "tile/0/x": b"no tile",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "export"
    shutil.copytree(SOUND, place)
    for name, content in (MORE | LOOSE).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def test_all_that_lies_there_becomes_evidence(folder: Path) -> None:
    (folder / "export.json").write_text(json.dumps({**INDEX, "from": 3}))
    found = read_export(folder, None, [("kept", b"a note")])
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    records = list(found.records())
    assert [(one.position, one.envelope) for one in records] == list(enumerate(lines, 3))
    assert {one[2:] for one in records} == {(None, None, None, None)}
    notes = [f"{size:012}.note" for size in (2, 5, 6)]
    assert found.checkpoints == [(name, (folder / "checkpoints" / name).read_bytes()) for name in notes]
    assert found.outside == [("kept", b"a note")]
    assert found.keys == LogKeys.read((SOUND / "log.vkeys").read_bytes())
    assert found.vkeys_signature == (SOUND / "log.vkeys.p7s").read_bytes()
    assert (found.signers, found.signers_signature) == (MORE["signers.pem"], MORE["signers.pem.p7s"])
    stamps = sorted((folder / "checkpoints").glob("*.tst"))
    assert [(name, token) for name, _, token in found.stamps] == [(str(p), p.read_bytes()) for p in stamps]
    assert [note for _, note, _ in found.stamps] == [note for _, note in found.checkpoints] + [b""]
    assert found.stamp_roots == [stranger().ca.certificate] * 2
    assert found.cosigned == [(str(folder / "checkpoints/000000000005.cosigned"), b"with more lines")]
    assert (found.witnesses, found.given_witnesses) == ([WITNESS], ())
    assert found.crls == [b"our list", b"their list"]
    assert (found.origin, found.first, found.last, found.size) == ("radsliggaren/exempelby", 3, 6, 6)
    assert (found.trusted, found.apart, found.missing) == (False, True, None)
    assert found.roots == [read_anchor((SOUND / "trust.pem").read_bytes())]
    given = read_export(folder, [stranger().ca.certificate], [])
    assert (given.trusted, given.roots) == (True, [stranger().ca.certificate])
    for path in (SOUND / "minutes").iterdir():
        assert found.artefact(sha256(path.read_bytes()).hexdigest()) == path.read_bytes()
    assert found.artefact("0" * 64) is None
    assert found.tile is not None
    assert found.tile(Tile(0, 0, 6)) == (SOUND / "tile/0/000.p/6").read_bytes()
    assert found.tile(Tile(0, 7)) is None


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    shutil.copytree(SOUND, tmp_path / "export")
    found = read_export(tmp_path / "export", None, [])
    assert (found.signers, found.signers_signature) == (b"", b"")
    assert [*found.stamp_roots, *found.cosigned, *found.witnesses, *found.crls] == []
    assert loose(tmp_path / "export", found, named()) == [tmp_path / "export" / "export.json"]


def named() -> dict[str, str]:
    return {sha256(path.read_bytes()).hexdigest(): path.name for path in (SOUND / "minutes").iterdir()}


def test_a_document_under_the_name_of_another_is_told_and_one_renamed_is_loose(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    shutil.copytree(SOUND, folder)

    def left() -> list[Path]:
        return loose(folder, read_export(folder, None, []), named())

    assert misnamed(folder, left(), named()) == []
    one, other, third = sorted((folder / "minutes").iterdir())[:3]
    one.rename(folder / "aside")
    other.rename(one)
    (folder / "aside").rename(other)
    third.rename(third.with_name("renamed"))
    assert misnamed(folder, left(), named()) == [one.name, other.name]
    assert left() == [folder / "export.json", one, other, third.with_name("renamed")]
    one.write_bytes(b"of nobody")
    assert misnamed(folder, left(), named()) == [one.name, other.name]
    report = verify_export(folder, None, [], SEALED_AT)
    assert {"code": "misnamed", "name": one.name} in [
        {"code": said.code, **said.values} for said in report.failures["pades"]
    ]


def test_what_documents_are_called() -> None:
    assert sealed_name("minutes-1", 2) == "minutes-1-v2.pdf"
    assert sealed_name("minutes-1", 2, 30) == "minutes-1-v2-30.pdf"
    assert approval_name("minutes-1", 2, "chair") == "minutes-1-v2-chair.p7s"


def test_what_no_check_rests_on_is_loose(folder: Path) -> None:
    # Of two files that are the same one counts; and a witness's keys are a claim, as the anchor of time stamps is.
    unread = {"export.json", "tsa.pem", "witnesses.vkeys", *LOOSE}
    twice = {"minutes/again.pdf"}
    for roots, more in ((None, set()), ([stranger().ca.certificate], {"trust.pem"})):
        found = loose(folder, read_export(folder, roots, []), named())
        assert found == sorted(folder / name for name in unread | twice | more)
        nothing = loose(folder, read_export(folder, roots, []), {})
        assert {path.parent.name for path in set(nothing) - set(found)} == {"minutes"}


@pytest.mark.parametrize(
    ("size", "held"),
    [
        (1, {"tile/0/000.p/1"}),
        (255, {"tile/0/000.p/255"}),
        (256, {"tile/0/000", "tile/1/000.p/1"}),
        (257, {"tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"}),
        (511, {"tile/0/000", "tile/0/001.p/255", "tile/1/000.p/1"}),
        (65536, {*(f"tile/0/{index:03}" for index in (0, 1, 2, 255)), "tile/1/000", "tile/2/000.p/1"}),
    ],
)
def test_where_the_tiles_of_a_tree_lie(size: int, held: set[str]) -> None:
    names = [f"tile/{level}/{index:03}" for level in range(4) for index in (0, 1, 2, 255, 256)]
    widths = ["", *(f".p/{width}" for width in (1, 2, 254, 255, 256))]
    assert {path for name in names for width in widths if export._is_tile(path := name + width, size)} == held


INDEX: dict[str, Any] = json.loads((SOUND / "export.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not of format 1"),
        ('"format"', "not of format 1"),
        ({"format": 2}, "not of format 1"),
        ({"from": None}, "lacks"),
        ({"to": "6"}, "lacks"),
        ({"size": 6.0}, "lacks"),
        ({"from": True}, "lacks"),
        ({"origin": 7}, "lacks"),
        ({"from": 0}, "do not fit"),
        ({"from": 5, "to": 4}, "do not fit"),
        ({"to": 7}, "do not fit"),
        ({"size": MAX_SIZE + 1}, "do not fit"),
    ],
)
def test_an_index_out_of_form_is_no_index(folder: Path, index: Any, said: str) -> None:
    text = index if isinstance(index, str) else json.dumps(INDEX | index)
    (folder / "export.json").write_text(text, "utf-8")
    with pytest.raises(Broken, match=rf"export\.json.*{said}"):
        read_export(folder, None, [])


def test_an_index_may_be_of_one_event_alone(folder: Path) -> None:
    (folder / "export.json").write_text(json.dumps(INDEX | {"from": 6}), "utf-8")
    found = read_export(folder, None, [])
    assert (found.first, found.last) == (6, 6)
    for size in (1, MAX_SIZE):
        (folder / "export.json").write_text(json.dumps(INDEX | {"from": 1, "to": 1, "size": size}), "utf-8")
        assert read_export(folder, None, []).size == size


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.vkeys", b"no keys", r"log\.vkeys is not in form"),
        ("witnesses.vkeys", b"no keys", r"witnesses\.vkeys is not in form"),
        ("tsa.pem", b"no certificates", r"tsa\.pem does not hold certificates"),
        ("trust.pem", b"no certificate", r"trust\.pem does not hold a certificate"),
        ("trust.pem", certificate_pem(signer().certificate), r"trust\.pem does not hold .* signed by itself"),
        ("trust.pem", certificate_pem(authority().ca.certificate) + b"\n", r"trust\.pem is not in form"),
    ],
)
def test_what_else_is_not_in_its_one_form(folder: Path, name: str, content: bytes, said: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(Broken, match=said):
        read_export(folder, None, [])


@pytest.mark.parametrize("name", ["export.json", "log.vkeys", "trust.pem"])
def test_an_export_that_lacks_a_part_is_none(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError):
        read_export(folder, None, [])
