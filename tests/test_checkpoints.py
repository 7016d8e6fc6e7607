"""Signed checkpoints: kept outside first, and never one that contradicts the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.messages import fresh_id
from domain.person import RegisterPerson
from registry.checkpoints import Checkpoints
from registry.mapper import EvidenceBroken
from registry.registry import Registry
from registry.sqlite import SQLiteRecorder
from signing.checkpoint import open_checkpoint
from signing.log import Tree
from signing.note import Algorithm
from signing.signer import Signer
from signing.vkeys import LogKeys
from tests.registry_writers import do
from tests.stories import registry

NOW = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
ORIGIN = "radsliggaren/provkommun"
SIGNERS = (Signer.generate(ORIGIN, Algorithm.ED25519), Signer.generate(ORIGIN, Algorithm.ML_DSA_44))


@pytest.fixture
def reg(tmp_path: Path) -> Iterator[Registry]:
    opened = registry(tmp_path)
    grow(opened, 3)
    yield opened
    opened.close()


@dataclass
class Held:
    log: LogKeys
    log_signers: tuple[Signer, ...]


def grow(reg: Registry, count: int = 1) -> None:
    for _ in range(count):
        do(reg, RegisterPerson(person=fresh_id(), name="Anna"))


def checkpoints(reg: Registry, tmp_path: Path, signers: tuple[Signer, ...] = SIGNERS) -> Checkpoints:
    held = Held(LogKeys.of([one.vkey for one in signers]), signers)
    folders = [tmp_path / "checkpoints", tmp_path / "elsewhere"]
    return Checkpoints(reg.recorder, folders, ORIGIN, lambda: nullcontext(held))


def notes(tmp_path: Path, folder: str = "checkpoints") -> list[str]:
    return sorted(path.name for path in (tmp_path / folder).iterdir())


def cut(reg: Registry, after: int) -> None:
    """Take the last events away, as somebody would who restores an old copy of the database alone."""
    assert isinstance(reg.recorder, SQLiteRecorder)
    reg.recorder._writer.execute(f"DELETE FROM event WHERE position > {after}")
    reg.forget_cache()


def test_a_checkpoint_is_the_tree_signed_by_every_key(reg: Registry, tmp_path: Path) -> None:
    note = checkpoints(reg, tmp_path).sign(NOW)
    opened = open_checkpoint(note, [signer.vkey for signer in SIGNERS], origin=ORIGIN, every=True)
    tree = Tree()
    tree.extend(reg.recorder.leaves())
    assert (opened.checkpoint.size, opened.checkpoint.root) == (3, tree.root())


def test_it_is_kept_in_every_place(reg: Registry, tmp_path: Path) -> None:
    note = checkpoints(reg, tmp_path).sign(NOW)
    for folder in ("checkpoints", "elsewhere"):
        assert (tmp_path / folder / "000000000003.note").read_bytes() == note
    assert list(reg.recorder.checkpoints()) == [(3, note)]


def test_it_is_outside_before_it_is_in_the_database(
    reg: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        assert notes(tmp_path) == notes(tmp_path, "elsewhere") == ["000000000003.note"]
        raise SystemExit

    monkeypatch.setattr(reg.recorder, "put_checkpoint", crash)
    with pytest.raises(SystemExit):
        checkpoints(reg, tmp_path).sign(NOW)
    assert list(reg.recorder.checkpoints()) == []


def test_nothing_new_is_signed_once(reg: Registry, tmp_path: Path) -> None:
    signed = checkpoints(reg, tmp_path)
    first = signed.newest(NOW)
    assert signed.sign(NOW) == first == signed.newest(NOW)
    grow(reg)
    assert signed.newest(NOW) == first
    assert signed.sign(NOW) != first
    assert notes(tmp_path) == ["000000000003.note", "000000000004.note"]


def test_a_process_goes_on_where_another_left_off(reg: Registry, tmp_path: Path) -> None:
    checkpoints(reg, tmp_path).sign(NOW)
    grow(reg, 2)
    note = checkpoints(reg, tmp_path).sign(NOW)
    assert open_checkpoint(note, [SIGNERS[0].vkey]).checkpoint.size == 5


def test_a_log_shorter_than_its_checkpoint_is_not_opened(reg: Registry, tmp_path: Path) -> None:
    checkpoints(reg, tmp_path).sign(NOW)
    cut(reg, 2)
    with pytest.raises(EvidenceBroken, match="ends at 2, but a checkpoint was signed at 3"):
        checkpoints(reg, tmp_path)


def test_one_place_that_remembers_is_enough(reg: Registry, tmp_path: Path) -> None:
    checkpoints(reg, tmp_path).sign(NOW)
    (tmp_path / "checkpoints" / "000000000003.note").unlink()
    cut(reg, 1)
    with pytest.raises(EvidenceBroken, match="events have been lost"):
        checkpoints(reg, tmp_path)


def test_a_log_that_goes_on_differently_is_not_signed(reg: Registry, tmp_path: Path) -> None:
    checkpoints(reg, tmp_path).sign(NOW)
    cut(reg, 2)
    grow(reg, 3)
    with pytest.raises(EvidenceBroken, match="not those of the checkpoint"):
        checkpoints(reg, tmp_path).sign(NOW)
    assert notes(tmp_path) == ["000000000003.note"]


def test_a_log_that_shrinks_under_us_is_not_signed(reg: Registry, tmp_path: Path) -> None:
    signed = checkpoints(reg, tmp_path)
    signed.sign(NOW)
    cut(reg, 2)
    with pytest.raises(EvidenceBroken, match="ends before position"):
        signed.sign(NOW)


@pytest.mark.parametrize("note", [b"", b"no note", b"\xff"])
def test_a_damaged_note_is_told(reg: Registry, tmp_path: Path, note: bytes) -> None:
    checkpoints(reg, tmp_path).sign(NOW)
    (tmp_path / "elsewhere" / "000000000003.note").write_bytes(note)
    with pytest.raises(EvidenceBroken, match="cannot be relied on"):
        checkpoints(reg, tmp_path)


def test_a_note_by_other_keys_is_told(reg: Registry, tmp_path: Path) -> None:
    checkpoints(reg, tmp_path, (Signer.generate(ORIGIN, Algorithm.ED25519),)).sign(NOW)
    with pytest.raises(EvidenceBroken, match="cannot be relied on"):
        checkpoints(reg, tmp_path)
