"""Signed checkpoints of the log: what an outsider holds us to.

- A checkpoint is the tree's size and root, signed. It is synced outside the database before it is stored in it: a
  database cannot reveal its own truncation, a checkpoint that lies elsewhere can.
- Signed at every sealing and at an interval of events. The tree is kept as its frontier; only new leaves are read.
- A log signs no two checkpoints of which the smaller is not the beginning of the larger (C2SP tlog-checkpoint,
  "Signatures"). What it signed last stands in the folders too: a log that is shorter than that is not opened for
  writing, and one that goes on differently is not signed. Both mean that the database is not the one it was.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from registry.files import write_synced
from registry.mapper import EvidenceBroken
from registry.recorder import LogRecorder
from signing.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from signing.log import Tree
from signing.note import MalformedNote, UnverifiedNote
from signing.signer import Signer

PATTERN = "*.note"


class Checkpoints:
    """Signs and keeps the checkpoints of one log."""

    def __init__(
        self, recorder: LogRecorder, folders: Sequence[Path], origin: str, signers: Sequence[Signer]
    ) -> None:
        self._recorder, self._folders, self._origin, self._signers = recorder, folders, origin, signers
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
        vkeys = [signer.vkey for signer in self._signers]
        try:
            opened = [open_checkpoint(note.read_bytes(), vkeys, origin=self._origin) for note in notes]
        except (MalformedNote, UnverifiedNote) as error:
            raise EvidenceBroken(f"a kept checkpoint cannot be relied on: {error}") from error
        return max((each.checkpoint for each in opened), key=lambda each: each.size, default=None)

    def sign(self, now: datetime) -> bytes:
        """The signed checkpoint of the log as it stands; the same note if nothing has come since the last one."""
        with self._lock:
            head = self._recorder.head().position
            if self._newest and head == self._tree.size:
                return self._newest
            if self._last and self._tree.size < self._last.size:
                self._grow(self._last.size)
                if (self._tree.size, self._tree.root()) != (self._last.size, self._last.root):
                    raise EvidenceBroken(
                        f"the first {self._last.size} events are not those of the checkpoint signed before"
                    )
            self._grow(head)
            checkpoint = Checkpoint(self._origin, self._tree.size, self._tree.root())
            note = sign_checkpoint(checkpoint, self._signers, now)
            for folder in self._folders:
                folder.mkdir(parents=True, exist_ok=True)
                write_synced(folder / f"{checkpoint.size:012}.note", note)
            self._recorder.put_checkpoint(checkpoint.size, note)
            self._newest = note
        return note

    def _grow(self, size: int) -> None:
        self._tree.extend(self._recorder.leaves(self._tree.size, size))
        if self._tree.size != size:
            raise EvidenceBroken(f"the log ends before position {size}, which it had reached")

    def newest(self, now: datetime) -> bytes:
        """The last checkpoint signed; signs the first if there is none."""
        stored = self._recorder.checkpoints()
        return stored[-1][1] if stored else self.sign(now)
