"""Rebuilding every view, beside the least that has to be done for it: decode, decrypt, validate.

- Each length is measured in a process of its own, so that memory is that of this work and no other's. Keys are opened
  by a first pass that is not counted, since both sides would wait for them.
- The trail's views (audit, concern, finding), which the search asks, are also rebuilt alone.
- Memory is flat if a rebuild of the longer log takes little more than one of the shorter.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from api.bench.figures import Figure, Tell, rates, seconds, within
from api.bench.machine import peak
from api.bench.scales import Scale
from api.bench.synthetic import Log
from api.wiring import open_folder
from projections.belonging import LINK
from projections.runner import Projector
from projections.trail import VIEWS as TRAIL

SHARE = 0.5
GROWTH = 1.25
Turns = dict[str, list[float]]


def measure(log: Log, scale: Scale, tell: Tell) -> Iterator[Figure]:
    """Every length in turn; the log grows on the way and is left with its views up to date."""
    highest: list[tuple[int, float]] = []
    for length, times in scale.rebuilt:
        log.grow(length)
        tell(f"rebuild of {length} events")
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            turns = pool.apply(_rebuild, (log.dir, times))
        of = f"{length:,} events".replace(",", " ")
        peer = "decode, decrypt, validate alone"
        yield rates(f"rebuild of all views, {of}", "events/s", turns["all"], peer, turns["decode"], SHARE)
        yield rates(
            f"rebuild of the trail that is searched, {of}", "events/s", turns["trail"], peer, turns["decode"]
        )
        highest.append((length, turns["memory"][0]))
    (short, less), *_, (long, more) = highest
    yield within(
        f"memory of a rebuild, {long / short:.0f} times as many events", more, "MiB", f"{GROWTH} times the shorter's",
        GROWTH * less,
    )  # fmt: skip


def _rebuild(folder: Path, turns: int) -> Turns:
    """Runs in a process of its own."""
    municipality = open_folder(folder)
    registry, projector = municipality.registry, municipality.projector
    events = registry.recorder.head().position
    found: Turns = {"all": [], "trail": [], "decode": [], "memory": []}
    trail = [view.name for view in TRAIL]
    searched = Projector(registry, municipality.views, [LINK, *TRAIL])

    def decode() -> None:
        deque(registry.facts(), maxlen=0)

    try:
        decode()
        for _ in range(turns):
            found["decode"].append(events / seconds(decode))
            with peak() as highest:
                found["all"].append(events / seconds(projector.rebuild))
            found["memory"].append(highest[0])
            found["trail"].append(events / seconds(lambda: searched.rebuild(["link", *trail])))
    finally:
        municipality.close()
    return found
