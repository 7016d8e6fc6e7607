"""How much is measured: small shows that everything works, medium what to expect, full is what a promise is held to."""

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
    rebuilt: tuple[tuple[int, int], ...]  # lengths of the log, and how many turns each is rebuilt
    papers: int
    questions: int
    bodies: int  # of which the obligations of ten years are worked out


class Scales(StrEnum):
    """The scales by name."""

    SMALL = "small"
    MEDIUM = "medium"
    FULL = "full"


SCALES = {
    Scales.SMALL: Scale(
        turns=1, syncs=20, commands=8, batches=1, rebuilt=((500, 1), (1_000, 1)), papers=1, questions=20, bodies=1
    ),
    Scales.MEDIUM: Scale(
        turns=3, syncs=100, commands=100, batches=10, rebuilt=((5_000, 2), (20_000, 2)), papers=5, questions=100,
        bodies=5,
    ),
    Scales.FULL: Scale(
        turns=5, syncs=1000, commands=500, batches=50, rebuilt=((200_000, 1), (1_000_000, 1)), papers=20,
        questions=500, bodies=300,
    ),
}  # fmt: skip
