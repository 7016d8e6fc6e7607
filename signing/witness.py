"""A witness of another's log: it cosigns a checkpoint only if the log has done nothing but grow since the last one.

- The checkpoint must be signed by keys that the witness knows as the log's, and be of that log (C2SP tlog-witness,
  "add-checkpoint"). Keys that took over from them by their own word are the log's too (vkeys.py), if they did so at a
  checkpoint that this one continues.
- It must not be smaller than the last one cosigned, not be another of the same size, and be proven to continue it
  (RFC 9162, 2.1.4). Whatever else it is shows that the log tells different stories, or has lost events.
- The first checkpoint is taken as it is. What was cosigned is to be kept, durably, before the cosignature is given out:
  that is the caller's duty.
- A cosignature says nothing of what the log holds; with it, the log cannot show this witness's readers another past.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from signing.checkpoint import Checkpoint, cosign, open_checkpoint
from signing.log import verify_consistency
from signing.note import Note, UnverifiedNote, Vkey
from signing.signer import Signer
from signing.vkeys import LogKeys

Prove = Callable[
    [int, int], Sequence[bytes]
]  # the log's own proof that a tree of one size is the beginning of another


class Rejected(ValueError):
    """The log is not what it was; the code says in which way, and both checkpoints prove it."""

    def __init__(self, code: str, **values: int | str) -> None:
        super().__init__(code)
        self.code, self.values = code, values


def witness(note: bytes, keys: LogKeys, origin: str, seen: Checkpoint | None, prove: Prove) -> Checkpoint:
    """The checkpoint, once it is shown to continue what was seen; Rejected or an error of the note says why not."""
    keys.require_successions()
    found = keys.open(note, origin).checkpoint
    for era in keys.eras[1:]:
        if era.start < found.size:  # at that size there is one root for whoever opens a checkpoint
            _require_growth(Checkpoint(origin, era.start, era.root), found, prove)
    if seen is None:
        return found
    if found.size < seen.size:
        raise Rejected("rolled-back", old=seen.size, new=found.size)
    _require_growth(seen, found, prove)
    return found


def _require_growth(old: Checkpoint, new: Checkpoint, prove: Prove) -> None:
    """That one checkpoint continues another that is not larger; else Rejected."""
    proof = prove(old.size, new.size)
    if not verify_consistency(old.size, new.size, old.root, new.root, proof):
        raise Rejected("forked", old=old.size, new=new.size)


def cosigned(note: bytes, signers: Sequence[Signer], now: datetime) -> bytes:
    """The note with a line of each of the witness's keys that has not signed it before."""
    for signer in signers:
        held = {(line.name, line.key_id) for line in Note.parse(note).signatures}
        if (signer.vkey.name, signer.vkey.key_id) not in held:
            note = cosign(note, signer, now)
    return note


def attached(note: bytes, other: bytes, witnesses: Sequence[Vkey]) -> bytes:
    """A log's own note with the lines of known witnesses that stand below another copy of it, once each holds."""
    mine, theirs = Note.parse(note), Note.parse(other)
    if mine.text != theirs.text:
        raise UnverifiedNote("The cosigned note is of another checkpoint.")
    held = {(line.name, line.key_id) for line in mine.signatures}
    keys = {(one.vkey.name, one.vkey.key_id) for one in open_checkpoint(other, witnesses).verified}
    more = [line for line in theirs.signatures if (line.name, line.key_id) in keys - held]
    return Note(mine.text, (*mine.signatures, *more)).encode()
