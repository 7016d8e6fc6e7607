"""The list of destroyed keys, kept beside the checkpoints, so that no restored backup brings back what was destroyed.

- `destroyed.jsonl` in each checkpoints folder, also the one outside the data folder: one canonical JSON line for each
  key {"decision", "key", "recorded_at", "v"}, in the order they were destroyed; the decision is its event's position.
  Lines are only ever added.
- A line is on disk before the key is destroyed. After a crash in between the list names a key that is still there;
  destroying it is then done again, and the line stands only once.
- A last line without its end was never answered for and is written anew; any other line that is not of this form is
  damage, and is told with its number.
- A folder that lacks earlier lines, as one that was set up later does, is given them when the registry is opened.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from registry.clock import stamp, unstamp
from registry.files import sync_folder
from signing.canonical import NotCanonical, decode, encode

NAME = "destroyed.jsonl"
VERSION = 1


class ListDamaged(Exception):
    """A list of destroyed keys cannot be relied on; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Destruction:
    """One key that was destroyed: by which decision, and when."""

    key: str
    decision: str
    recorded_at: str

    def line(self) -> bytes:
        return encode({"v": VERSION, **asdict(self)}) + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Destruction:
        """Raises ValueError for anything but the one form of a line."""
        match decode(line):
            case {"v": 1, "key": str(key), "decision": str(decision), "recorded_at": str(moment)}:
                found = cls(key, decision, moment)
            case _:
                raise ValueError("it is not what a destroyed key is written as")
        unstamp(moment)
        if found.line() != line + b"\n" or len(bytes.fromhex(key)) != 16 or decision != str(int(decision)):
            raise ValueError("it is not what a destroyed key is written as")
        return found


def read(path: Path) -> list[Destruction]:
    """The list in a file; raises ListDamaged, or FileNotFoundError."""
    *whole, _unfinished = path.read_bytes().split(b"\n")
    return [_parse(path, number, line) for number, line in enumerate(whole, 1)]


def _parse(path: Path, number: int, line: bytes) -> Destruction:
    try:
        return Destruction.parse(line)
    except (NotCanonical, ValueError) as error:
        raise ListDamaged(f"{path}, line {number}: {error}") from None


class DestroyedList:
    """The lists of one registry, one in each folder, which say the same."""

    def __init__(self, folders: Sequence[Path], now: Callable[[], datetime]) -> None:
        self._folders, self._now = folders, now

    def add(self, keys: Iterable[str], decision: str) -> None:
        """Put keys on every list, synced; a key that stands there already is not added."""
        moment = stamp(self._now())
        new = [Destruction(key, decision, moment) for key in keys]
        known = self.read()
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            append(folder / NAME, [*known, *new])

    def spread(self) -> None:
        """Give each folder that is there what only another has."""
        for folder in self._folders if (known := self.read()) else ():
            if folder.is_dir():
                append(folder / NAME, known)

    def read(self) -> list[Destruction]:
        """Everything on any of the lists, each key once."""
        found: dict[str, Destruction] = {}
        for folder in self._folders:
            if (path := folder / NAME).exists():
                for one in read(path):
                    found.setdefault(one.key, one)
        return list(found.values())


def append(path: Path, wanted: Iterable[Destruction]) -> None:
    """Add what a list lacks, synced; the folder is there."""
    with path.open("a+b") as out:
        fcntl.flock(out, fcntl.LOCK_EX)  # another process may be adding at this moment
        out.seek(0)
        *whole, unfinished = out.read().split(b"\n")
        if unfinished:
            out.truncate(sum(len(line) + 1 for line in whole))
        there = {_parse(path, number, line).key for number, line in enumerate(whole, 1)}
        for one in wanted:
            if one.key not in there:
                out.write(one.line())
                there.add(one.key)
        out.flush()
        os.fsync(out.fileno())
    sync_folder(path.parent)
