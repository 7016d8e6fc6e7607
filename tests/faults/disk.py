"""What a disk holds when the power fails: worked out from the system calls of a process, as strace saw them.

- A write, and a name given or taken away, is on the disk only when it has been synced: fsync or fdatasync of the file
  for its bytes, fsync of the folder for its names (POSIX, fsync; nothing that a file system does beyond that is relied
  on). Until then the disk may have any of it: of a file's unsynced writes some and not others, each whole or torn at a
  sector; of a folder's changes of names a first part.
- `Disk` starts from a folder at rest and takes one call after the other; `write_to` lays out one of the states that a
  power failure at that moment could leave. With no dice everything that was not synced is lost.
- Shared-memory indexes (-shm) are written by mapping, are no data, and are never there after a power failure.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

from tests.faults.day import DIARY, Place
from tests.house import ROOT
from tests.outside import need

SECTOR = 512
CALLS = (
    "openat", "open", "creat", "write", "pwrite64", "lseek", "ftruncate", "truncate", "fsync", "fdatasync",
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "link", "linkat",
    "writev", "pwritev", "pwritev2", "fallocate", "copy_file_range", "sendfile",
)  # fmt: skip
# Nothing here writes in these ways; a run that does is not understood.
UNKNOWN = {
    "writev",
    "pwritev",
    "pwritev2",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "link",
    "linkat",
    "truncate",
}


# --- seeing the calls


@dataclass(frozen=True)
class Call:
    """One system call that succeeded."""

    name: str
    arguments: tuple[str, ...]
    result: int

    def data(self, number: int) -> bytes:
        """A string argument's bytes."""
        quoted = self.arguments[number]
        assert quoted.startswith('"') and quoted.endswith('"'), f"cut off: {quoted[-20:]}"
        return bytes.fromhex(quoted[1:-1].replace("\\x", ""))

    def path(self, number: int) -> Path:
        return Path(self.data(number).decode())

    def open_file(self, number: int = 0) -> Path:
        """The file that a descriptor argument stands for."""
        return Path(_annotated(self.arguments[number]))


def _annotated(descriptor: str) -> str:
    found = re.fullmatch(r"[\w]+<(.*)>(\(deleted\))?", descriptor)
    text = found.group(1) if found else ""
    return bytes.fromhex(text.replace("\\x", "")).decode() if text.startswith("\\x") else text


def strace() -> str:
    """The program, if it may look at processes here."""
    path = need("strace")
    tried = subprocess.run([path, "-f", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not look at processes here: {tried.stderr.decode().strip()}")
    return path


def trace(place: Place, stages: Sequence[str], *more: str) -> list[Call]:
    """Live through stages in a process of its own; every call that touched a disk."""
    log = place.folder / "calls"
    command = [
        strace(), "-f", "-y", "-xx", "-s", "100000000", "--seccomp-bpf", "-o", log, "-e", f"trace={','.join(CALLS)}",
        *more, sys.executable, "-m", "tests.faults.child", place.dumped(), *stages,
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    calls = list(_calls(log, str(place.folder)))
    log.unlink()
    return calls


def _calls(log: Path, about: str) -> Iterator[Call]:
    begun: dict[str, str] = {}
    hidden = "".join(f"\\x{byte:02x}" for byte in about.encode())
    with log.open() as lines:
        for line in lines:
            process, _, said = line.rstrip("\n").partition(" ")
            said = said.lstrip()
            if said.endswith(" <unfinished ...>"):
                begun[process] = said.removesuffix(" <unfinished ...>")
                continue
            if resumed := re.match(r"<\.\.\. \w+ resumed>", said):
                said = begun.pop(process) + said[resumed.end() :]
            if (about in said or hidden in said) and (call := _call(said)) is not None:
                yield call


def _call(said: str) -> Call | None:
    head, _, result = said.rpartition(" = ")
    found = re.match(r"(\w+)\((.*)\)\s*$", head)
    number = re.match(r"-?\d+", result)
    if found is None or number is None or int(number.group()) < 0:
        return None
    return Call(found.group(1), tuple(found.group(2).split(", ")), int(number.group()))


# --- what it leaves on the disk


@dataclass
class File:
    """A file's bytes: as the process sees them, as they were last synced, and what was done since."""

    now: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)  # None: cut off there

    def write(self, offset: int, data: bytes) -> None:
        _put(self.now, offset, data)
        self.since.append((offset, data))

    def cut(self, size: int) -> None:
        _cut(self.now, size)
        self.since.append((size, None))

    def sync(self) -> None:
        self.synced, self.since = bytes(self.now), []

    def left(self, dice: random.Random | None) -> bytes:
        content = bytearray(self.synced)
        for offset, data in self.since if dice else ():
            assert dice is not None
            match dice.randrange(3):
                case 0:
                    continue
                case 1 if data:  # torn
                    sectors = -(-(offset + len(data)) // SECTOR) - offset // SECTOR
                    end = (offset // SECTOR + dice.randrange(sectors + 1)) * SECTOR
                    data = data[: max(0, end - offset)]  # noqa: PLW2901  # what is left of it
            if data is None:
                _cut(content, offset)
            elif data:
                _put(content, offset, data)
        return bytes(content)


def _put(content: bytearray, offset: int, data: bytes) -> None:
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


def _cut(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


@dataclass
class Folder:
    """A folder's names, in the same three ways."""

    now: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)
    since: list[tuple[str, File | Folder | None]] = field(default_factory=list)

    def give(self, name: str, entry: File | Folder) -> None:
        self.now[name] = entry
        self.since.append((name, entry))

    def take(self, name: str) -> File | Folder:
        self.since.append((name, None))
        return self.now.pop(name)

    def sync(self) -> None:
        self.synced, self.since = dict(self.now), []

    def left(self, dice: random.Random | None) -> dict[str, File | Folder]:
        names = dict(self.synced)
        for name, entry in self.since[: dice.randrange(len(self.since) + 1)] if dice else ():
            if entry is None:
                names.pop(name, None)
            else:
                names[name] = entry
        return names


class Disk:
    """What one folder's disk holds, while calls go by."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, _at_rest(folder)
        self._offsets: dict[str, int] = {}
        self._appending: set[str] = set()

    def take(self, call: Call) -> None:  # one branch a call
        """Let a call happen."""
        match call.name:
            case "openat" | "open" | "creat":
                self._opened(call)
            case "write":
                if (file := self._file(call.open_file())) is not None:
                    at = len(file.now) if self._of(call) in self._appending else self._offsets[self._of(call)]
                    file.write(at, call.data(1)[: call.result])
                    self._offsets[self._of(call)] = at + call.result
            case "pwrite64":
                if (file := self._file(call.open_file())) is not None:
                    file.write(int(call.arguments[3]), call.data(1)[: call.result])
            case "lseek":
                self._offsets[self._of(call)] = call.result
            case "ftruncate":
                if (file := self._file(call.open_file())) is not None:
                    file.cut(int(call.arguments[1]))
            case "fsync" | "fdatasync":
                if (entry := self._find(call.open_file())) is not None:
                    entry.sync()
            case "rename":
                self._renamed(call.path(0), call.path(1))
            case "renameat" | "renameat2":
                self._renamed(call.path(1), call.path(3))
            case "unlink" | "rmdir":
                self._gone(call.path(0))
            case "unlinkat":
                self._gone(self._at(call))
            case "mkdir":
                self._made(call.path(0), Folder())
            case "mkdirat":
                self._made(self._at(call), Folder())
            case _:
                ours = any(self._find(Path(_annotated(one))) for one in call.arguments if "<" in one)
                assert not ours, f"a call that is not understood: {call.name}"

    def _at(self, call: Call) -> Path:
        return call.path(1) if call.path(1).is_absolute() else call.open_file() / call.path(1)

    @staticmethod
    def _of(call: Call) -> str:
        return call.arguments[0].partition("<")[0]

    def _opened(self, call: Call) -> None:
        path, flags = (
            (call.path(1), call.arguments[2]) if call.name == "openat" else (call.path(0), call.arguments[1])
        )
        if self._place(path) is None:
            return
        descriptor = str(call.result)
        self._offsets[descriptor] = 0
        self._appending.discard(descriptor)
        if "O_APPEND" in flags:
            self._appending.add(descriptor)
        if "O_CREAT" in flags and self._find(path) is None:
            self._made(path, File())
        if "O_TRUNC" in flags and (file := self._file(path)) is not None:
            file.cut(0)

    def _renamed(self, old: Path, new: Path) -> None:
        source, target = self._place(old), self._place(new)
        assert (source is None) == (target is None), f"{old} came from elsewhere"
        if source and target:
            target[0].give(target[1], source[0].take(source[1]))

    def _gone(self, path: Path) -> None:
        if (place := self._place(path)) is not None:
            place[0].take(place[1])

    def _made(self, path: Path, entry: File | Folder) -> None:
        if (place := self._place(path)) is not None:
            place[0].give(place[1], entry)

    def _place(self, path: Path) -> tuple[Folder, str] | None:
        """The folder and the name of a path under ours."""
        if not path.is_relative_to(self.folder) or path == self.folder:
            return None
        found = self._find(path.parent)
        return (found, path.name) if isinstance(found, Folder) else None

    def _find(self, path: Path) -> File | Folder | None:
        if not path.is_relative_to(self.folder):
            return None
        found: File | Folder | None = self.root
        for name in path.relative_to(self.folder).parts:
            found = found.now.get(name) if isinstance(found, Folder) else None
        return found

    def _file(self, path: Path) -> File | None:
        found = self._find(path)
        return found if isinstance(found, File) else None

    # --- asked

    def unsynced(self) -> set[str]:
        """Every file, and every folder's names, of which the disk may lack something."""
        return set(_unsynced(self.root, PurePosixPath()))

    def write_to(self, folder: Path, dice: random.Random | None = None) -> None:
        """Lay out what a power failure now could leave; the diary, which lies elsewhere, whole."""
        _write(self.root, folder, dice)
        diary = self._file(self.folder / DIARY)
        (folder / DIARY).write_bytes(diary.now if diary else b"")


def _at_rest(folder: Path) -> Folder:
    found = Folder()
    for path in folder.iterdir():
        if path.is_dir():
            found.now[path.name] = _at_rest(path)
        else:
            content = path.read_bytes()
            found.now[path.name] = File(bytearray(content), content)
    found.sync()
    return found


def _unsynced(folder: Folder, place: PurePosixPath) -> Iterator[str]:
    for name in {name for name, _ in folder.since}:
        yield str(place / name)
    for name, entry in folder.now.items():
        if isinstance(entry, Folder):
            yield from _unsynced(entry, place / name)
        elif entry.since:
            yield str(place / name)


def _write(folder: Folder, to: Path, dice: random.Random | None) -> None:
    to.mkdir(exist_ok=True)
    for name, entry in folder.left(dice).items():
        if isinstance(entry, Folder):
            _write(entry, to / name, dice)
        elif not name.endswith("-shm"):
            (to / name).write_bytes(entry.left(dice))
