"""What a running program holds: memory, threads, open files and connections, looked at from outside through /proc."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Held:
    """What a process and those it started hold at one moment."""

    when: float
    memory: float  # MiB
    threads: int
    files: int
    connections: int


def held(root: int) -> Held:
    """What a process and all below it hold now."""
    memory = threads = files = connections = 0
    for pid in _family(root):
        place = Path(f"/proc/{pid}")
        with suppress(OSError):  # it may end while it is looked at
            memory += int((place / "statm").read_text("ascii").split()[1]) * PAGE
            threads += len(list((place / "task").iterdir()))
            for link in (place / "fd").iterdir():
                with suppress(OSError):
                    connected = str(link.readlink()).startswith("socket:")
                    files, connections = files + (not connected), connections + connected
    return Held(time.monotonic(), memory / 2**20, threads, files, connections)


def _family(root: int) -> list[int]:
    found = [root]
    for pid in found:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text("ascii").split())
    return found
