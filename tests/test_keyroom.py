"""The keys that a municipality signs with: made once, kept encrypted, opened with the vault's secret alone."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from api.keyroom import KeyRoom, create_keys, load_keys, read_keys
from registry.mapper import EvidenceBroken
from registry.vault import Vault
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.export import ANCHOR
from signing.note import Algorithm
from signing.vkeys import VKEYS, VKEYS_SIGNATURE, LogKeys

NOW = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
ORIGIN = "radsliggaren/provkommun"


def vault(root: bytes = bytes(32)) -> Vault:
    return Vault(sa.create_engine("sqlite://", poolclass=sa.StaticPool), root)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("keys") / "pki"
    create_keys(made, "Provkommun", ORIGIN, vault(), NOW)
    return made


@pytest.fixture
def room(folder: Path) -> KeyRoom:
    return load_keys(folder, ORIGIN, vault(), lambda: NOW)


def test_private_keys_are_for_their_owner_and_encrypted(folder: Path) -> None:
    private = sorted(folder.glob("*.key.pem"))
    assert {"log-ed25519.key.pem", "log-mldsa44.key.pem"} < {path.name for path in private}
    for path in private:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
        with pytest.raises((TypeError, ValueError)):
            load_pem_private_key(path.read_bytes(), None)
    for path in set(folder.iterdir()) - set(private):
        assert b"PRIVATE KEY" not in path.read_bytes()


def test_what_an_outsider_needs(folder: Path, room: KeyRoom) -> None:
    anchor = x509.load_pem_x509_certificate((folder / ANCHOR).read_bytes())
    assert anchor == room.authority.ca.certificate
    assert room.trust_anchor == folder / ANCHOR
    assert read_keys(folder) == room.log == LogKeys.of(room.vkeys)
    assert [vkey.algorithm for vkey in room.vkeys] == [Algorithm.ED25519, Algorithm.ML_DSA_44]
    assert all(vkey.name == ORIGIN for vkey in room.vkeys)


def test_what_is_signed_verifies_with_what_is_published(folder: Path, room: KeyRoom) -> None:
    checkpoint = Checkpoint(ORIGIN, 1, bytes(32))
    note = sign_checkpoint(checkpoint, room.log_signers, NOW)
    assert read_keys(folder).open(note, ORIGIN).checkpoint == checkpoint


def test_another_root_key_does_not_open_them(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"(?i)decrypt|password"):
        load_keys(folder, ORIGIN, vault(bytes(range(32))), lambda: NOW)


def test_a_folder_without_published_keys(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_keys(tmp_path)


@pytest.mark.parametrize("file", [VKEYS, VKEYS_SIGNATURE, ANCHOR])
def test_published_keys_that_are_not_what_the_municipality_signed_are_refused(
    file: str, folder: Path, tmp_path: Path
) -> None:
    for name in (VKEYS, VKEYS_SIGNATURE, ANCHOR):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert len(read_keys(tmp_path).vkeys) == 2
    for spoilt in (b"", (folder / file).read_bytes() + b"\n", (folder / file).read_bytes()[:-9]):
        (tmp_path / file).write_bytes(spoilt)
        with pytest.raises(EvidenceBroken, match=VKEYS):
            read_keys(tmp_path)


def test_keys_of_another_log_are_refused(folder: Path, tmp_path: Path) -> None:
    for name in (VKEYS_SIGNATURE, ANCHOR):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    first, _ = (folder / VKEYS).read_bytes().splitlines(keepends=True)
    (tmp_path / VKEYS).write_bytes(first)
    with pytest.raises(EvidenceBroken, match="other bytes"):
        read_keys(tmp_path)
