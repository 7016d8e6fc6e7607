"""Signed checkpoints of the log: what an outsider holds us to.

- A checkpoint is the tree's size and root, signed. It is synced outside the database before it is stored in it: a
  database cannot reveal its own truncation, a checkpoint that lies elsewhere can.
- Signed at every sealing and at an interval of events. The tree is kept as its frontier; only new leaves are read.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from registry.files import write_synced
from registry.recorder import LogRecorder
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.log import Tree
from signing.signer import Signer


class Checkpoints:
    """Signs and keeps the checkpoints of one log."""

    def __init__(self, recorder: LogRecorder, folders: Sequence[Path], origin: str, signers: Sequence[Signer]) -> None:
        self._recorder, self._folders, self._origin, self._signers = recorder, folders, origin, signers
        self._tree, self._lock = Tree(), threading.Lock()
        self._newest = b""

    def sign(self, now: datetime) -> bytes:
        """The signed checkpoint of the log as it stands; the same note if nothing has come since the last one."""
        with self._lock:
            head = self._recorder.head().position
            if self._newest and head == self._tree.size:
                return self._newest
            self._tree.extend(self._recorder.leaves(self._tree.size, head))
            checkpoint = Checkpoint(self._origin, self._tree.size, self._tree.root())
            note = sign_checkpoint(checkpoint, self._signers, now)
            for folder in self._folders:
                folder.mkdir(parents=True, exist_ok=True)
                write_synced(folder / f"{checkpoint.size:012}.note", note)
            self._recorder.put_checkpoint(checkpoint.size, note)
            self._newest = note
        return note

    def newest(self, now: datetime) -> bytes:
        """The last checkpoint signed; signs the first if there is none."""
        stored = self._recorder.checkpoints()
        return stored[-1][1] if stored else self.sign(now)
