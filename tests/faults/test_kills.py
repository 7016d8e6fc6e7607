"""Killed at any point of a day, a registry has lost nothing that it answered for, and goes on as if nothing had been.

- A sample of ten kills, four of them in one folder, is taken by default, always the same; LIGGARE_SEED takes another.
- HYPOTHESIS_PROFILE=long takes at least ten kills at every point.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.faults.aftermath import goes_on, sound
from tests.faults.child import POINTS, Kill, count, kills, run
from tests.faults.day import STAGES, Place

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
SEED = os.environ.get("LIGGARE_SEED", "1")
AT_EACH, SAMPLE = 10, 6
PLACES = [(point, stage) for point, where in POINTS.items() for stage in where.stages]


class Days:
    """Folders before each stage, and how often each point is passed in it; made when they are asked for."""

    def __init__(self, first: Place, folder: Path) -> None:
        self._folder = folder
        self._before = {next(iter(STAGES)): first}
        self._counted: dict[str, dict[str, int]] = {}

    def before(self, stage: str) -> Place:
        if stage not in self._before:
            earlier = list(STAGES)[list(STAGES).index(stage) - 1]
            place = self.before(earlier).copied(self._folder / stage)
            run(place, [earlier])
            self._before[stage] = place
        return self._before[stage]

    def calls(self, point: str, stage: str) -> int:
        if stage not in self._counted:
            self._counted[stage] = count(
                self.before(stage).copied(self._folder / f"counted-{stage}"), [stage]
            )
        return self._counted[stage].get(point, 0)


@pytest.fixture(scope="module")
def days(before: Place, tmp_path_factory: pytest.TempPathFactory) -> Days:
    return Days(before, tmp_path_factory.mktemp("days"))


def chosen() -> Iterator[tuple[str, str, int]]:
    """Point, stage, and which of the ways to be killed there."""
    if LONG:
        for point, where in POINTS.items():
            yield from (
                (point, stage, each) for each, stage in enumerate(islice(cycle(where.stages), AT_EACH))
            )
        return
    dice = random.Random(SEED)
    for point, stage in dice.sample(PLACES, SAMPLE):
        yield point, stage, dice.randrange(1000)


@pytest.mark.parametrize(("point", "stage", "way"), list(chosen()))
def test_killed_there_nothing_answered_is_lost_and_it_goes_on(
    point: str, stage: str, way: int, days: Days, tmp_path: Path
) -> None:
    ways = list(kills(point, days.calls(point, stage)))
    assert ways, f"{point} is not passed in {stage}"
    if LONG:  # one after the other, spread over all of them
        way = way // len(POINTS[point].stages) * max(1, len(ways) // AT_EACH)
    place = days.before(stage).copied(tmp_path)
    killed(place, stage, ways[way % len(ways)])


def killed(place: Place, stage: str, kill: Kill) -> None:
    run(place, [stage], kill)
    sound(place)
    goes_on(place, [stage])


def test_killed_again_and_again_in_one_folder(days: Days, tmp_path: Path) -> None:
    """A day that is killed on its way through each stage, and begun again after it, before anybody looks."""
    place, dice = days.before("enter").copied(tmp_path), random.Random(SEED)
    at_each = 3 if LONG else 1
    for number, stage in enumerate(STAGES):
        points = [point for point, where in POINTS.items() if stage in where.stages]
        for point in dice.sample(points, at_each):
            calls = days.calls(point, stage)
            run(place, list(STAGES)[: number + 1], Kill(point, dice.random() < 0.5, calls), surely=False)
            sound(place)
    goes_on(place, list(STAGES), at_each * len(STAGES))
