"""A disk that is full, read-only, broken or slow: what cannot be done is said, and nothing answered is lost.

- Faults of single calls are put in by strace: from some call on no space, no writing; once a sync that fails.
- A disk that is really small or really read-only is a file system of its own in memory, where root may mount one. Where
  it may not, a limit on the size of files stands for the full disk, and folders without write permission for the
  read-only one.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.checking import verify
from api.wiring import open_folder
from tests.faults.aftermath import goes_on, kept, sound
from tests.faults.child import REFUSALS, REFUSED
from tests.faults.day import STAGES, Place, acknowledge
from tests.faults.disk import strace
from tests.faults.test_kills import LONG, SEED
from tests.house import ROOT

WRITES = "pwrite64,write,ftruncate,mkdir,rename,unlink"
FAULTS = {
    "full": (WRITES, "ENOSPC", "+"),
    "read-only": (WRITES + ",fsync,fdatasync", "EROFS", "+"),
    "one sync fails": ("fsync,fdatasync", "EIO", ""),
    "every sync fails": ("fsync,fdatasync", "EIO", "+"),
    "one write fails": ("pwrite64", "EIO", ""),
}
CALLS = {"pwrite64": 500, "fsync": 120}  # about so many in a day


def under_strace(
    place: Place, *inject: str, stages: tuple[str, ...] = tuple(STAGES)
) -> subprocess.CompletedProcess[bytes]:
    command = [
        strace(), "-f", "-o", "/dev/null", "--seccomp-bpf", "-e", f"trace={inject[0]}",
        "-e", f"inject={':'.join(inject)}", sys.executable, "-B", "-m", "tests.faults.child", place.dumped(), *stages,
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=300)


def faults() -> Iterator[tuple[str, int]]:
    dice = random.Random(SEED)
    for fault in FAULTS if LONG else ("one sync fails",):
        for _ in range(10 if LONG else 1):
            yield fault, dice.randrange(1, CALLS[FAULTS[fault][0].partition(",")[0]])


@pytest.mark.parametrize(("fault", "call"), list(faults()))
def test_from_some_call_on_the_disk_refuses(fault: str, call: int, before: Place, tmp_path: Path) -> None:
    place = before.copied(tmp_path)
    calls, error, onwards = FAULTS[fault]
    done = under_strace(place, calls, f"error={error}", f"when={call}{onwards}")
    assert done.returncode in (0, REFUSED), done.stderr.decode()
    sound(place)
    goes_on(place, list(STAGES))


# --- disks of their own


@pytest.fixture
def small(before: Place, tmp_path: Path) -> Iterator[Place]:
    """The place on a disk of 32 MB of its own, if there may be one."""
    mount = tmp_path / "disk"
    mount.mkdir()
    mounted = not _mount("-t", "tmpfs", "-o", "size=32m", "tmpfs", str(mount))
    try:
        yield before.copied(mount / "place")
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", mount], check=True)


def _mount(*how: str) -> int:
    return subprocess.run(["mount", *how], capture_output=True, check=False).returncode


@contextlib.contextmanager
def full(place: Place, free: int) -> Iterator[None]:
    """A disk with so many bytes left."""
    if place.folder.parent.is_mount():
        filler = place.folder.parent / "filler"
        with filler.open("wb") as out:
            space = os.statvfs(place.folder)
            os.posix_fallocate(out.fileno(), 0, max(4096, space.f_bavail * space.f_frsize - free))
        try:
            yield
        finally:
            filler.unlink()
    else:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        largest = max(file.stat().st_size for file in place.dir.glob("*.db*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + free, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def readonly(place: Place) -> Iterator[None]:
    """A disk that nothing may be written on."""
    mount = place.folder.parent
    if mount.is_mount():
        assert _mount("-o", "remount,ro", str(mount)) == 0
        try:
            yield
        finally:
            assert _mount("-o", "remount,rw", str(mount)) == 0
        return
    if os.geteuid() == 0:
        pytest.skip("root may not mount a file system here, and no permission stops root")
    paths = [place.dir, *place.dir.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(modes[path] & 0o555)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.mark.parametrize("free", [0, 20_000, 200_000, 700_000] if LONG else [20_000])
def test_a_process_on_a_full_disk_goes_on_when_there_is_room(free: int, small: Place) -> None:
    m = small.opened()
    acknowledge(m.registry, small.note)
    for stage, live in STAGES.items():
        if stage == "hand-over":
            m.projector.catch_up()
        with full(small, free), contextlib.suppress(*REFUSALS):
            live(small, m)
        kept(small, m.registry)
        live(small, m)  # in the same process, which has seen everything fail
    m.close()
    goes_on(small, list(STAGES))


def test_a_read_only_disk_is_verified_and_not_opened_for_writing(small: Place) -> None:
    m = small.opened()
    acknowledge(m.registry, small.note)
    STAGES["enter"](small, m)
    m.close()
    with readonly(small):
        assert verify(small.dir)["ok"] is True
        with pytest.raises(REFUSALS):
            open_folder(small.dir)
    goes_on(small, list(STAGES))


# --- slow
def test_on_a_slow_disk_writers_wait_and_lose_nothing(before: Place, tmp_path: Path) -> None:
    """Each sync takes 30 ms; two processes with three threads each write, and are then killed in the midst of it."""
    place, slow = before.copied(tmp_path), "inject=fsync,fdatasync:delay_exit=30000"
    writers = [
        subprocess.Popen(
            [strace(), "-f", "-o", "/dev/null", "--seccomp-bpf", "-e", "trace=fsync,fdatasync",
             "-e", slow, sys.executable, "-B", "-m", "tests.busy_writer", place.dir, "3"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = []
    for writer in writers:
        assert writer.stdout
        said += [writer.stdout.readline() for _ in range(12)]
    for writer in writers:
        os.killpg(writer.pid, signal.SIGKILL)  # strace, and whom it looks at
    for writer in writers:
        assert writer.stdout and writer.stdin
        said += writer.stdout.readlines()
        writer.wait(30)
        writer.stdin.close()
        writer.stdout.close()
    for line in said:
        if line.endswith("\n"):
            place.note(f"event {line.strip()}")
    assert len(place.events()) >= 24
    sound(place)
    goes_on(place, [])
