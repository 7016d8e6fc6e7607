"""When the power fails, the disk has what was synced: that is everything that was acknowledged.

- The system calls of one process that lives through a whole day are recorded once (strace). From them follows what a
  disk could hold at any moment; each of a sample of moments is laid out, opened and gone on with.
- The sample is small by default and large with HYPOTHESIS_PROFILE=long; LIGGARE_SEED takes another.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.aftermath import goes_on, kept, sound, true
from tests.faults.day import DIARY, STAGES, Place
from tests.faults.disk import Call, Disk, trace
from tests.faults.test_kills import LONG, SEED

CUTS, THOROUGH = (400, 60) if LONG else (6, 1)
# The views follow from the events and prove nothing; a shared-memory index is no data.
LOOSE = ("views.db", "-shm", DIARY)


@pytest.fixture(scope="module")
def day(before: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Path, list[Call]]:
    """A place before its day, and the calls of the day, which was lived in another folder."""
    lived = before.copied(tmp_path_factory.mktemp("lived"))
    return before, lived.folder, trace(lived, list(STAGES))


def test_everything_is_synced_before_each_acknowledgement(day: tuple[Place, Path, list[Call]]) -> None:
    disk, acknowledged, synced, before = _disk(day), 0, False, None
    for call in day[2]:
        if _acknowledges(call):
            loose = {name for name in disk.unsynced() if not any(part in name for part in LOOSE)}
            assert not loose, f"acknowledged, and not on disk: {loose} at {call.data(1)!r}"
            if call.data(1).startswith(b"event "):
                acknowledged += 1
                # What one save appended is acknowledged in a row, after one sync of the log.
                assert synced or (before is not None and _acknowledges(before)), call.data(1)
                synced = False
        elif call.name in ("fsync", "fdatasync") and call.open_file().name == "events.db-wal":
            synced = True
        if call.name != "lseek" and not call.name.startswith("open"):
            before = call
        disk.take(call)
    assert acknowledged >= 12


def test_the_power_fails_at_any_moment(day: tuple[Place, Path, list[Call]], tmp_path: Path) -> None:
    """At each moment twice: everything unsynced is lost; or any part of it is."""
    dice, disk = random.Random(SEED), _disk(day)
    moments = set(_moments(day[2], dice))
    thorough = set(dice.sample(sorted(moments), THOROUGH))
    for number, call in enumerate(day[2]):
        disk.take(call)
        if number in moments:
            for name, chance in (("lost", None), ("torn", random.Random(f"{SEED}-{number}"))):
                place = replace(day[0], folder=tmp_path / f"{number}-{name}")
                disk.write_to(place.folder, chance)
                after(place, thorough=number in thorough)


def after(place: Place, *, thorough: bool) -> None:
    if thorough:
        sound(place)
        goes_on(place, list(STAGES))
        return
    m = place.opened()
    kept(place, m.registry)
    true(place, m)
    m.close()


def _disk(day: tuple[Place, Path, list[Call]]) -> Disk:
    disk = Disk(day[0].folder)
    disk.folder = day[1]
    return disk


def _acknowledges(call: Call) -> bool:
    return call.name == "write" and call.open_file().name == DIARY


def _moments(calls: list[Call], dice: random.Random) -> Iterator[int]:
    """Half of them right after an acknowledgement, half anywhere."""
    answers = [number for number, call in enumerate(calls) if _acknowledges(call)]
    yield from dice.sample(answers, min(len(answers), CUTS // 2))
    yield from dice.sample(range(len(calls)), CUTS // 2)
