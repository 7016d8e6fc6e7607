"""A log is held to the checkpoints kept outside of it, before anything is written.

- A database cannot reveal its own truncation: emptied or cut short it looks like a younger log, and writing on it would
  give old positions to new events. A checkpoint kept beside it says how long the log has been (signing/checkpoint.py).
- Only the size is asked here, so that every start is quick; whether the events are those that were signed is what
  `liggare verify` is for.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from api.faults import Fault
from registry.recorder import LogRecorder


class LogCut(Fault):
    """The log is shorter than a checkpoint that was signed over it."""


def kept_size(folders: Iterable[Path]) -> int:
    """The size of the largest checkpoint kept in these folders, 0 if there is none."""
    names = (note.stem for folder in folders for note in folder.glob("*.note"))
    return max((int(name) for name in names if name.isascii() and name.isdigit()), default=0)


def hold_to_checkpoints(log: Path | str, folders: Iterable[Path], recorder: LogRecorder | None) -> None:
    """Refuse a log that has lost events, or is not there at all; raises LogCut. log is what it is called."""
    head = recorder.head().position if recorder else 0
    if head < (signed := kept_size(folders)):
        raise LogCut("log-cut", file=log, head=head, signed=signed)
