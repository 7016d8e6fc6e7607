"""Witnessing: one registry cosigns another's checkpoints, and its own are cosigned by others.

- The other log is read where it is published: the address of its /log, or a folder such as an export. Its proof of
  having only grown is made from its own tiles and checked against its own signatures (signing/witness.py).
- The keys that the log is witnessed with are given once. Keys that took over from them by their own word, as the log
  publishes it, are taken; not where the old ones were found out, since whoever found them could say as much.
- What was cosigned last is kept beside our own checkpoints, in every folder of theirs, and synced before a cosignature
  is given out: neither a crash nor an old backup of the data folder makes us cosign two stories.
- A checkpoint that was refused is kept too: together with the one before it, it proves what the log did.
- Cosignatures of ours are kept beside the note as .cosigned, and published with it.
"""

from __future__ import annotations

import fcntl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from api.faults import Fault
from api.keyroom import witness_signers
from api.wiring import Municipality
from registry.files import write_synced
from signing.checkpoint import Checkpoint
from signing.export import CHECKPOINTS, WITNESSES, read_if_there, witness_keys
from signing.log import consistency_proof
from signing.note import Note, NoteError, Vkey
from signing.tiles import Tile, TileHashes
from signing.vkeys import VKEYS, LogKeys, read_vkeys, write_vkeys
from signing.witness import Rejected, attached, cosigned, witness

PATIENCE, MOST = 30.0, 1 << 20
FOLDER = "witness"


class NotWitnessed(Fault):
    """The checkpoint was not cosigned; the message says what was wrong with it or with the log."""


class Published:
    """Another log where it is published: an address, or a folder."""

    def __init__(self, source: str) -> None:
        self.source = source.rstrip("/")
        self._is_address = source.startswith(("http://", "https://"))

    def checkpoint(self) -> bytes:
        if self._is_address:
            return self._read("checkpoint")
        folder = Path(self.source)
        single = folder / "checkpoint"
        newest = max((folder / CHECKPOINTS).glob("*.note"), default=single)
        return (single if single.is_file() else newest).read_bytes()

    def keys(self, known: LogKeys) -> LogKeys:
        """The log's keys as they are published there; those that are known if none are."""
        try:
            return LogKeys.read(self._read("vkeys" if self._is_address else VKEYS))
        except OSError:
            return known

    def read_tile(self, tile: Tile) -> bytes:
        return self._read(tile.path)

    def _read(self, path: str) -> bytes:
        if not self._is_address:
            return (Path(self.source) / path).read_bytes()
        with urllib.request.urlopen(f"{self.source}/{path}", timeout=PATIENCE) as answer:  # noqa: S310  # http and https alone
            found: bytes = answer.read(MOST)
        return found


def own_keys(m: Municipality) -> list[Vkey]:
    """The keys that this registry cosigns with."""
    return [signer.vkey for signer in witness_signers(m.keys.folder, m.settings.origin, m.vault)]


def cosign(m: Municipality, source: str, vkeys: bytes | None) -> tuple[bytes, dict[str, Any]]:
    """Cosign another log's newest checkpoint; the note, and what was seen. vkeys: the log's, the first time."""
    published = Published(source)
    try:
        note = published.checkpoint()
        origin = Checkpoint.parse(Note.parse(note).text).origin
    except (OSError, NoteError) as error:
        raise NotWitnessed("log-unreadable", source=source, reason=str(error)) from error
    with _state(m, origin) as (folders, name):
        keys = _log_keys(folders[0] / f"{name}.vkeys", origin, vkeys, published)
        seen = _seen(folders, name, origin, keys)
        try:
            found = witness(note, keys, origin, seen, lambda old, new: consistency_proof(
                old, new, TileHashes(published, new)
            ))  # fmt: skip
        except Rejected as error:
            refused = folders[0] / f"{name}.refused-{sha256(note).hexdigest()[:8]}"
            write_synced(refused, note)
            raise NotWitnessed(error.code, origin=origin, kept=refused, **error.values) from error
        except (OSError, ValueError) as error:
            raise NotWitnessed("log-unreadable", source=source, reason=str(error)) from error
        signers = witness_signers(m.keys.folder, m.settings.origin, m.vault)
        signed = cosigned(note, signers, m.registry.clock.now())
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            write_synced(folder / f"{name}.vkeys", keys.write())
            write_synced(folder / f"{name}.note", signed)
    return signed, {"origin": origin, "size": found.size, "seen": seen.size if seen else None}


@contextmanager
def _state(m: Municipality, origin: str) -> Iterator[tuple[list[Path], str]]:
    """Where what was seen of a log is kept, for one process at a time."""
    folders = [folder / FOLDER for folder in m.settings.checkpoint_folders(m.dir)]
    folders[0].mkdir(parents=True, exist_ok=True)
    with (folders[0] / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folders, sha256(origin.encode()).hexdigest()[:16]


def _log_keys(file: Path, origin: str, given: bytes | None, published: Published) -> LogKeys:
    known = read_if_there(file)
    if not (data := given or known):
        raise NotWitnessed("log-keys-wanted", origin=origin)
    try:
        keys, held = LogKeys.read(data), LogKeys.read(known or data)
        if held.continues(keys):  # those of before still name the log
            keys = held
        elif not keys.continues(held):
            raise NotWitnessed("other-log-keys", origin=origin, file=file)
        newer = published.keys(keys)
        newer.require_successions()
    except NoteError as error:
        raise NotWitnessed("log-unreadable", source=published.source, reason=str(error)) from error
    if not newer.continues(keys):
        return keys
    if len(newer.eras) > len(keys.eras) and newer.eras[len(keys.eras) - 1].compromised:
        raise NotWitnessed("log-keys-found-out", origin=origin)
    return newer


def _seen(folders: list[Path], name: str, origin: str, keys: LogKeys) -> Checkpoint | None:
    """The largest checkpoint of a log that was cosigned before, in any of the folders."""
    notes = [read_if_there(folder / f"{name}.note") for folder in folders]
    try:
        opened = [keys.open(note, origin).checkpoint for note in notes if note]
    except NoteError as error:
        raise NotWitnessed("log-unreadable", source=str(folders[0]), reason=str(error)) from error
    return max(opened, key=lambda one: one.size, default=None)


# --- cosignatures over our own
def attach(m: Municipality, note: bytes, vkeys: bytes | None) -> dict[str, Any]:
    """Keep what witnesses have signed below one of our checkpoints. vkeys: a witness's, the first time."""
    try:
        known = witness_keys(m.keys.folder)
        known += [one for one in (read_vkeys(vkeys) if vkeys else []) if one not in known]
        size = m.keys.log.open(note, m.settings.origin).checkpoint.size
        own = dict(m.registry.recorder.checkpoints()).get(size)
        if own is None or not known:
            raise NoteError("no such checkpoint of ours, or no witness is known")
        place = m.dir / CHECKPOINTS / f"{size:012}.cosigned"
        signed = attached(read_if_there(place) or own, note, known)
    except ValueError as error:
        raise NotWitnessed("not-attached", reason=str(error)) from error
    write_synced(m.keys.folder / WITNESSES, write_vkeys(known))
    write_synced(place, signed)
    names = sorted({line.name for line in Note.parse(signed).signatures} - {m.settings.origin})
    return {"size": size, "witnesses": names, "file": str(place)}


def published_note(m: Municipality, note: bytes) -> bytes:
    """A checkpoint of ours with the cosignatures below it, if there are any."""
    size = Checkpoint.parse(Note.parse(note).text).size
    return read_if_there(m.dir / CHECKPOINTS / f"{size:012}.cosigned") or note
