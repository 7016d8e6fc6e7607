"""Files, encrypted one by one and addressed by the SHA-256 of what is stored.

- A file is cut into chunks of 1 MiB, each sealed with AES-256-GCM under the document's key. The nonce is a random
  prefix, the chunk's number and a mark on the last one (the STREAM construction), so that chunks cannot be dropped,
  repeated, reordered or cut off unseen. Memory stays flat whatever the size.
- A file is on disk, synced, before the event that names it. What no event names is an orphan and may be swept, but
  only when it is old enough that no event can still be on its way.
- Reading ends in an error unless the bytes read have the file's address: another file, however sound, cannot take its
  place.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
import tempfile
import time
from collections.abc import Container, Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.messages import Destroyed
from registry.vault import Vault

MAGIC = b"LIGGARE1"
CHUNK = 1 << 20
TAG = 16


class FileDamaged(Exception):
    """A stored file is missing, or its bytes are not those that were stored."""


class FileDestroyed(Exception):
    """The file's key was destroyed by a recorded decision."""


class Files:
    """The stored files of one registry."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self.folder, self._vault = folder, vault
        if not folder.is_dir():
            folder.mkdir(parents=True)
            sync_folder(folder.parent)

    def put(self, subject: str, keep: str, content: bytes | Iterable[bytes]) -> str:
        """Store content under a subject's key; its address (hex)."""
        id, key = self._vault.key_for(subject, keep)
        prefix, digest = secrets.token_bytes(7), hashlib.sha256()
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as out:
                for part in self._sealed(
                    key, id, prefix, [content] if isinstance(content, bytes) else content
                ):
                    digest.update(part)
                    out.write(part)
                out.flush()
                os.fsync(out.fileno())
            path = self.path(digest.hexdigest())
            path.parent.mkdir(exist_ok=True)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        for folder in (path.parent, self.folder):
            sync_folder(folder)
        return digest.hexdigest()

    @staticmethod
    def _sealed(key: AESGCM, id: str, prefix: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
        yield MAGIC + bytes.fromhex(id) + prefix
        for number, (chunk, final) in enumerate(_chunks(content)):
            yield key.encrypt(_nonce(prefix, number, final), chunk, None)

    def read(self, address: str) -> Iterator[bytes]:
        """The content, chunk by chunk; every chunk is authenticated before it is handed out."""
        path = self.path(address)
        try:
            source = path.open("rb")
        except FileNotFoundError:
            raise FileDamaged(f"the file {address} is missing from {self.folder}") from None
        with source:
            head = source.read(len(MAGIC) + 23)
            if len(head) != len(MAGIC) + 23 or not head.startswith(MAGIC):
                raise FileDamaged(f"the file {address} does not begin as a stored file does")
            digest = hashlib.sha256(head)
            key = self._vault.key(head[8:24].hex())
            if isinstance(key, Destroyed):
                raise FileDestroyed(address)
            number, chunk = 0, source.read(CHUNK + TAG)
            while True:
                digest.update(chunk)
                following = source.read(CHUNK + TAG)
                try:
                    content = key.decrypt(_nonce(head[24:], number, not following), chunk, None)
                except (InvalidTag, ValueError):
                    raise FileDamaged(f"the file {address} has been altered in chunk {number}") from None
                if not following and digest.hexdigest() != address:
                    raise FileDamaged(f"the file {address} has been exchanged for another")
                yield content
                if not following:
                    return
                number, chunk = number + 1, following

    def get(self, address: str) -> bytes:
        """The whole content."""
        return b"".join(self.read(address))

    def check(self, address: str) -> None:
        """Compare the stored bytes with their address; raises FileDamaged. Needs no key."""
        path = self.path(address)
        if not path.is_file():
            raise FileDamaged(f"the file {address} is missing from {self.folder}")
        with path.open("rb") as source:
            if hashlib.file_digest(source, "sha256").hexdigest() != address:
                raise FileDamaged(f"the file {address} has been altered")

    def addresses(self) -> Iterator[str]:
        """Every stored file."""
        for path in sorted(self.folder.glob("??/*")):
            yield path.name

    def sweep(self, named: Container[str], older: float) -> list[str]:
        """Remove what no event names, and unfinished files, if at least so many seconds old; what was removed.

        named holds every address in the log (Registry.named_files).
        """
        before, swept = time.time() - older, []
        for path in (*self.folder.glob("??/*"), *self.folder.glob(".new-*")):
            if path.name not in named and path.stat().st_mtime < before:
                path.unlink()
                swept.append(path.name)
        return sorted(swept)

    def path(self, address: str) -> Path:
        return self.folder / address[:2] / address


def _chunks(content: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    buffer = bytearray()
    for part in content:
        buffer += part
        while len(buffer) > CHUNK:
            yield bytes(buffer[:CHUNK]), False
            del buffer[:CHUNK]
    yield bytes(buffer), True


def _nonce(prefix: bytes, number: int, final: bool) -> bytes:
    return prefix + struct.pack(">IB", number, final)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: Path, data: bytes, *, secret: bool = False) -> None:
    """Write a small file so that it is wholly there or not at all; a secret one for its owner's eyes only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            os.fchmod(out.fileno(), 0o600 if secret else 0o644)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
