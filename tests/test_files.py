"""Stored files: whole or not at all, the same bytes or an error, and nothing readable without its key."""

from __future__ import annotations

import hashlib
import os
import stat
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from registry import files as module
from registry.files import CHUNK, TAG, FileDamaged, FileDestroyed, Files, write_synced
from registry.vault import KeyMissing, Vault

HEAD = 8 + 16 + 7


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    opened = Vault.file(tmp_path / "keys.db", bytes(32))
    yield opened
    opened.close()


@pytest.fixture
def files(tmp_path: Path, vault: Vault) -> Files:
    return Files(tmp_path / "files", vault)


def put(files: Files, content: bytes, subject: str = "document-1") -> str:
    return files.put(subject, "preserved", content)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
def test_what_is_put_is_got(files: Files, size: int) -> None:
    content = os.urandom(size)
    address = put(files, content)
    assert files.get(address) == content
    files.check(address)
    assert max(map(len, files.read(address))) <= CHUNK


@for_all(st.lists(st.binary(max_size=50), max_size=8))
def test_pieces_make_one_file(parts: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", 16)
        assert b"".join(chunk for chunk, _ in module._chunks(parts)) == b"".join(parts)
        assert [final for _, final in module._chunks(parts)].count(True) == 1
        assert all(len(chunk) <= 16 for chunk, _ in module._chunks(parts))


def test_the_address_is_that_of_the_stored_bytes(files: Files) -> None:
    address = put(files, b"content")
    stored = files.path(address).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == address
    assert b"content" not in stored
    assert put(files, b"content") != address


def test_memory_stays_flat(files: Files) -> None:
    tracemalloc.start()
    address = files.put("document-1", "preserved", (bytes(CHUNK) for _ in range(24)))
    assert sum(map(len, files.read(address))) == 24 * CHUNK
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * CHUNK


# --- damage


def chunks(files: Files, address: str) -> tuple[bytes, list[bytes]]:
    stored = files.path(address).read_bytes()
    size = CHUNK + TAG
    return stored[:HEAD], [stored[at : at + size] for at in range(HEAD, len(stored), size)]


@pytest.mark.parametrize("place", [0, 9, 25, HEAD, HEAD + CHUNK, HEAD + CHUNK + TAG, -1])
def test_a_flipped_bit_is_found(files: Files, place: int) -> None:
    address = put(files, os.urandom(2 * CHUNK))
    stored = bytearray(files.path(address).read_bytes())
    stored[place] ^= 1
    files.path(address).write_bytes(stored)
    with pytest.raises((FileDamaged, KeyMissing)):
        files.get(address)
    with pytest.raises(FileDamaged):
        files.check(address)


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 1], [0, 2], [0, 0, 1, 2], [0, 1, 2, 2], [], [2]])
def test_chunks_are_neither_moved_nor_dropped(files: Files, order: list[int]) -> None:
    address = put(files, os.urandom(3 * CHUNK))
    head, parts = chunks(files, address)
    files.path(address).write_bytes(head + b"".join(parts[number] for number in order))
    with pytest.raises(FileDamaged):
        files.get(address)


@pytest.mark.parametrize("length", [0, 5, HEAD - 1, HEAD, HEAD + TAG])
def test_a_shortened_file(files: Files, length: int) -> None:
    address = put(files, b"content" * 10)
    path = files.path(address)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(FileDamaged):
        files.get(address)


def test_another_file_does_not_take_its_place(files: Files) -> None:
    """Both are sound and under one key; only the address tells them apart."""
    address, other = put(files, b"as decided"), put(files, b"as forged")
    files.path(address).write_bytes(files.path(other).read_bytes())
    with pytest.raises(FileDamaged, match="exchanged"):
        files.get(address)


def test_a_missing_file(files: Files) -> None:
    for ask in (files.get, files.check):
        with pytest.raises(FileDamaged, match="missing"):
            ask("ab" * 32)


def test_a_destroyed_key_destroys_its_files(files: Files, vault: Vault) -> None:
    address, kept = put(files, b"content"), put(files, b"kept", "document-2")
    vault.destroy("document-1", "preserved", "decision 1")
    with pytest.raises(FileDestroyed):
        files.get(address)
    files.check(address)
    assert files.get(kept) == b"kept"


# --- writing


def test_a_failed_upload_leaves_nothing(files: Files) -> None:
    def broken_off() -> Iterator[bytes]:
        yield bytes(CHUNK + 1)
        raise ConnectionError("the sender went away")

    with pytest.raises(ConnectionError):
        files.put("document-1", "preserved", broken_off())
    assert list(files.folder.iterdir()) == []


def test_the_bytes_are_synced_before_the_name_is_given(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[str]()
    sync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def replaced(self: Path, target: Path) -> Path:
        done.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    put(files, b"content")
    assert done == ["file", "name", "folder", "folder"]
    done.clear()
    write_synced(files.folder / "note", b"x")
    assert done == ["file", "name", "folder"]


def test_a_small_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "note"
    write_synced(path, b"first")
    write_synced(path, b"second")
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    write_synced(path, b"third", secret=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(TypeError):
        write_synced(path, "no bytes")  # type: ignore[arg-type]  # the wrong kind on purpose
    assert [each.name for each in tmp_path.iterdir()] == ["note"]


def test_sweeping_takes_what_is_old_and_unnamed(files: Files) -> None:
    named, old, new = (put(files, content) for content in (b"1", b"2", b"3"))
    unfinished = files.folder / ".new-abc"
    unfinished.write_bytes(b"half")
    for path in (files.path(named), files.path(old), unfinished):
        os.utime(path, (0, 0))
    assert sorted(files.addresses()) == sorted([named, old, new])
    assert files.sweep({named}, 3600) == sorted([old, ".new-abc"])
    assert sorted(files.addresses()) == sorted([named, new])
