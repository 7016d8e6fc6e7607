"""Several processes on one folder, each with the background work of a server: everything is done once.

One of them may be killed in the midst of it; the others finish what it had begun.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.minutes import Minutes
from projections.reading import fresh_digests, stored_digests
from tests.faults.aftermath import goes_on, sound
from tests.faults.child import Kill, attend
from tests.faults.day import STAGES, Place, acknowledge
from tests.faults.test_kills import LONG, SEED

# Where a worker in the background can be killed.
BACKGROUND = (
    "sealed",
    "preserved",
    "seal-recorded",
    "checkpoint",
    "checkpoint-stored",
    "pinned",
    "views-commit",
)


@contextmanager
def workers(place: Place, kills: Sequence[Kill | None]) -> Iterator[None]:
    """Processes that attend to the folder until the end."""
    forked = multiprocessing.get_context("forkserver")
    end = forked.Event()
    running = [forked.Process(target=attend, args=(place, kill, end)) for kill in kills]
    for process in running:
        process.start()
    try:
        yield
    finally:
        end.set()
        for process in running:
            process.join(60)
    codes = {process.exitcode for process in running}
    assert codes <= {0, -9}, codes
    assert 0 in codes


def until(held: Callable[[], bool], within: float = 60) -> None:
    end = time.monotonic() + within
    while not held():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def cases() -> list[Kill | None]:
    every = [Kill(point, after, 1) for point in BACKGROUND for after in (False, True)]
    return [None, *(every if LONG else random.Random(SEED).sample(every, 1))]


@pytest.mark.parametrize("kill", cases(), ids=str)
def test_workers_on_one_folder_do_everything_once(kill: Kill | None, before: Place, tmp_path: Path) -> None:
    place = before.copied(tmp_path)
    m = place.opened()
    acknowledge(m.registry, place.note)
    with workers(place, [kill, None]):
        STAGES["enter"](place, m)
        until(lambda: m.registry.get(Minutes, place.minutes).pin is not None)
        STAGES["sign"](place, m)
        until(lambda: m.registry.get(Minutes, place.minutes).sealed is not None)
        until(lambda: m.registry.recorder.checkpoints()[-1][0] >= m.registry.recorder.head().position)
    m.projector.catch_up()
    assert stored_digests(m.views) == fresh_digests(m.registry)
    m.close()
    sound(place)
    goes_on(place, list(STAGES))
