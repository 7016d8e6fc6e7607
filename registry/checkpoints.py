"""Signed checkpoints of the log: what an outsider holds us to.

- A checkpoint is the tree's size and root, signed. It is synced outside the database before it is stored in it: a
  database cannot reveal its own truncation, a checkpoint that lies elsewhere can.
- Signed at every sealing and at an interval of events. The tree is kept as its frontier; only new leaves are read.
- A log signs no two checkpoints of which the smaller is not the beginning of the larger (C2SP tlog-checkpoint,
  "Signatures"). What it signed last stands in the folders too: a log that is shorter than that is not opened for
  writing, and one that goes on differently is not signed. Both mean that the database is not the one it was.
- The keys are those that count at the moment of signing. They are replaced at a checkpoint that the old and the new
  ones sign, and nobody signs another before the new ones are in place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from registry.files import write_synced
from registry.mapper import EvidenceBroken
from registry.recorder import LogRecorder
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.log import Tree
from signing.note import MalformedNote, UnverifiedNote
from signing.signer import Signer
from signing.vkeys import LogKeys

PATTERN = "*.note"


class Pen(Protocol):
    """What a log signs with: all the keys that it ever had, and the private ones of today."""

    @property
    def log(self) -> LogKeys: ...
    @property
    def log_signers(self) -> Sequence[Signer]: ...


class Checkpoints:
    """Signs and keeps the checkpoints of one log. While the pen is held, nobody else signs or replaces keys."""

    def __init__(
        self,
        recorder: LogRecorder,
        folders: Sequence[Path],
        origin: str,
        pen: Callable[[], AbstractContextManager[Pen]],
    ) -> None:
        self._recorder, self._folders, self._origin, self._pen = recorder, folders, origin, pen
        self._tree, self._lock = Tree(), threading.Lock()
        self._newest, self._last = b"", self._signed()
        if self._last and (size := self._last.size) > (head := recorder.head().position):
            raise EvidenceBroken(
                f"the log ends at {head}, but a checkpoint was signed at {size}: events have been lost. "
                "Restore the database, or move it and its checkpoints away together"
            )

    def _signed(self) -> Checkpoint | None:
        """The largest checkpoint that was signed before, in any of the folders."""
        notes = [max(found) for folder in self._folders if (found := list(folder.glob(PATTERN)))]
        try:
            with self._pen() as pen:
                opened = [pen.log.open(note.read_bytes(), self._origin) for note in notes]
        except (MalformedNote, UnverifiedNote) as error:
            raise EvidenceBroken(f"a kept checkpoint cannot be relied on: {error}") from error
        return max((each.checkpoint for each in opened), key=lambda each: each.size, default=None)

    def sign(self, now: datetime) -> bytes:
        """The signed checkpoint of the log as it stands; the same note if nothing has come since the last one."""
        with self._lock, self._pen() as pen:
            if self._newest and self._recorder.head().position == self._tree.size:
                return self._newest
            self._newest = self._write(sign_checkpoint(self._reached(), pen.log_signers, now))
            return self._newest

    def hand_over(
        self, successors: Sequence[Signer], now: datetime, place: Callable[[LogKeys], None]
    ) -> None:
        """Sign the log as it stands by the old keys and the new; `place` puts the new ones in their place."""
        with self._lock, self._pen() as pen:
            checkpoint, old = self._reached(), pen.log_signers
            keys = pen.log.succeeded(checkpoint.size, checkpoint.root, old, successors, now)
            self._newest = self._write(sign_checkpoint(checkpoint, [*successors, *old], now))
            place(keys)

    def _reached(self) -> Checkpoint:
        """The log as it stands, which continues what was signed last."""
        if self._last and self._tree.size < self._last.size:
            self._grow(self._last.size)
            if (self._tree.size, self._tree.root()) != (self._last.size, self._last.root):
                raise EvidenceBroken(
                    f"the first {self._last.size} events are not those of the checkpoint signed before"
                )
        self._grow(self._recorder.head().position)
        return Checkpoint(self._origin, self._tree.size, self._tree.root())

    def _write(self, note: bytes) -> bytes:
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            write_synced(folder / f"{self._tree.size:012}.note", note)
        self._recorder.put_checkpoint(self._tree.size, note)
        return note

    def _grow(self, size: int) -> None:
        self._tree.extend(self._recorder.leaves(self._tree.size, size))
        if self._tree.size != size:
            raise EvidenceBroken(f"the log ends before position {size}, which it had reached")

    def newest(self, now: datetime) -> bytes:
        """The last checkpoint signed; signs the first if there is none."""
        stored = self._recorder.checkpoints()
        return stored[-1][1] if stored else self.sign(now)
