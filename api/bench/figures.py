"""A figure, and what it stands beside: without that a number says more about the machine than about the program.

- A peer is the bare work, or the same work done plainly; a limit is a promise. Both come from the same run.
- The ratio says how much of the peer's or the limit's speed was reached; more is better, whatever the unit.
- What is compared is measured in turns, A B A B, so that a disturbance meets both. The ratio is the median of the
  turns' own ratios, and the values are the medians of each.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

Beside = Literal["peer", "limit"]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table: a value, what it stands beside, and the share that is aimed at, if any."""

    name: str
    value: float
    unit: str
    beside: Beside
    beside_name: str
    beside_value: float
    ratio: float
    aim: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the aim was reached; None where there is none."""
        return None if self.aim is None else self.ratio >= self.aim

    def plain(self) -> dict[str, Any]:
        """The figure as JSON holds it."""
        return {
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            self.beside: {"name": self.beside_name, "value": rounded(self.beside_value)},
            "ratio": rounded(self.ratio),
            "aim": self.aim,
            "met": self.met,
        }


def rounded(value: float) -> float:
    """Three digits that count; more would be noise."""
    return float(f"{value:.3g}")


def rates(
    name: str,
    unit: str,
    mine: Sequence[float],
    peer_name: str,
    peers: Sequence[float],
    aim: float | None = None,
) -> Figure:
    """A figure of which more is better, from as many turns of both."""
    ratio = median(one / other for one, other in zip(mine, peers, strict=True))
    return Figure(name, median(mine), unit, "peer", peer_name, median(peers), ratio, aim)


def durations(
    name: str,
    unit: str,
    mine: Sequence[float],
    peer_name: str,
    peers: Sequence[float],
    aim: float | None = None,
) -> Figure:
    """A figure of which less is better, from as many turns of both."""
    ratio = median(other / one for one, other in zip(mine, peers, strict=True))
    return Figure(name, median(mine), unit, "peer", peer_name, median(peers), ratio, aim)


def within(name: str, value: float, unit: str, limit_name: str, limit: float) -> Figure:
    """A figure that must not exceed its limit."""
    return Figure(name, value, unit, "limit", limit_name, limit, limit / value if value else 1.0, 1.0)


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes, without another's garbage in it."""
    gc.collect()
    begun = time.perf_counter()
    work()
    return max(time.perf_counter() - begun, 1e-9)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
