"""Several processes on one folder, each with the background work of a server: everything is done once.

One of them may be killed in the midst of it; the others finish what it had begun.
"""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from api.wiring import Municipality
from domain.messages import stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesSealed
from projections.reading import fresh_digests, stored_digests
from tests.faults.aftermath import goes_on, sound
from tests.faults.child import Kill, attend, join
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


class Workers:
    """Two processes that attend to a folder, each to be killed at a point; the place of a dead one is filled."""

    def __init__(self, place: Place, kill: Kill | None) -> None:
        self.place, self.dead = place, 0
        self.running = [self._started(kill), self._started(kill)]

    def _started(self, kill: Kill | None) -> BaseProcess:
        process = multiprocessing.get_context("forkserver").Process(target=attend, args=(self.place, kill))
        process.start()
        return process

    def until(self, held: Callable[[], bool], within: float = 60) -> None:
        end = time.monotonic() + within
        while not held():
            assert time.monotonic() < end, "it did not happen"
            for number, process in enumerate(self.running):
                if not process.is_alive():
                    assert process.exitcode == -signal.SIGKILL
                    self.dead += 1
                    self.running[number] = self._started(None)
            time.sleep(0.02)

    def end(self) -> None:
        self.place.end()
        for process in self.running:
            join(process)
            assert process.exitcode in (0, -signal.SIGKILL)
            self.dead += process.exitcode != 0


def cases() -> list[Kill | None]:
    every = [Kill(point, after, 1) for point in BACKGROUND for after in (False, True)]
    return [None, *(every if LONG else random.Random(SEED).sample(every, 1))]


def sealed_at(m: Municipality, place: Place) -> int:
    told = m.registry.stream(stream(Minutes, place.minutes))
    return next(fact.position for fact in told if isinstance(fact.event, MinutesSealed))


@pytest.mark.parametrize("kill", cases(), ids=str)
def test_workers_on_one_folder_do_everything_once(kill: Kill | None, before: Place, tmp_path: Path) -> None:
    place = before.copied(tmp_path)
    m = place.opened()
    acknowledge(m.registry, place.note)
    workers = Workers(place, kill)
    try:
        STAGES["enter"](place, m)
        workers.until(lambda: m.registry.get(Minutes, place.minutes).pin is not None)
        STAGES["sign"](place, m)
        workers.until(lambda: m.registry.get(Minutes, place.minutes).sealed is not None)
        # What is done after the sealing may come before or after its checkpoint.
        workers.until(lambda: m.registry.recorder.checkpoints()[-1][0] >= sealed_at(m, place))
    finally:
        workers.end()
    assert bool(workers.dead) == (kill is not None)
    m.projector.catch_up()
    assert stored_digests(m.views) == fresh_digests(m.registry)
    m.close()
    sound(place)
    goes_on(place, list(STAGES))
