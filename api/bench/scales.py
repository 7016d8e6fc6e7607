"""How much is measured: small shows in seconds that everything works, full is what the figures are taken from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Scale:
    """How many of everything."""

    turns: int  # that count; one more warms up
    syncs: int
    commands: int  # of one client; many clients give four times as many
    batches: int
    rebuilt: tuple[int, ...]  # lengths of the log
    rebuilds: int
    papers: int
    questions: int


class Scales(StrEnum):
    """The scales by name."""

    SMALL = "small"
    FULL = "full"


SCALES = {
    Scales.SMALL: Scale(
        turns=1, syncs=20, commands=12, batches=2, rebuilt=(1_000, 2_000), rebuilds=1, papers=1, questions=20
    ),
    Scales.FULL: Scale(
        turns=5, syncs=1000, commands=500, batches=50, rebuilt=(200_000, 1_000_000), rebuilds=3, papers=20,
        questions=500,
    ),
}  # fmt: skip
