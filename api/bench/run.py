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
    return {
        "commit": commit(),
        "scale": str(scale),
        "machine": machine(postgres),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "figures": [one.plain() for one in found],
    }
