"""One run of all measurements, in an order that lets each build on the log of the one before."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.bench import appending, asking, papers, rebuilding, verifying
from api.bench.figures import Figure, Tell
from api.bench.machine import commit, machine
from api.bench.scales import SCALES, Scales
from api.bench.steady import steady
from api.bench.synthetic import Log


def run(place: Path | None, scale: Scales, postgres: str | None, tell: Tell) -> dict[str, Any]:
    """Measure everything in a temporary folder (in place, if given); what `liggare bench --json` prints."""
    sizes = SCALES[scale]
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="liggare-bench-", dir=place) as folder:
        log = Log(Path(folder), tell)
        found += papers.measure(log, sizes, tell)
        found += appending.measure(log, sizes, postgres, tell)
        found += rebuilding.measure(log, sizes, tell)
        found += verifying.measure(log, sizes, tell)
        found += asking.measure(log, sizes, tell)
    return {"scale": str(scale), "figures": [one.plain() for one in found]} | _origin(postgres)


def last(place: Path | None, minutes: float, rate: float, postgres: str | None, tell: Tell) -> dict[str, Any]:
    """A steady load on files, and on PostgreSQL if there is one; what `liggare load --json` prints."""
    loads = []
    for url in (None, postgres) if postgres else (None,):
        with tempfile.TemporaryDirectory(prefix="liggare-load-", dir=place) as folder:
            loads.append(steady(Path(folder), minutes, rate, url, tell))
    return {"loads": loads} | _origin(postgres)


def _origin(postgres: str | None) -> dict[str, Any]:
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")
    return {"commit": commit(), "machine": machine(postgres), "date": date}
