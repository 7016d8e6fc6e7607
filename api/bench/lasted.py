"""What came of a steady load, for people: a table on a terminal, and a page for the documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from api.bench.table import number, origin

PAGE = "load.md"
Result = Mapping[str, Any]
HELD = {"memory": "memory, MiB", "threads": "threads", "files": "open files", "connections": "connections"}


def growth(held: Mapping[str, float]) -> float:
    """By how much what is held grew, as a share."""
    return held["last"] / held["first"] - 1


def rows(loads: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """The heads and the rows, a pair of columns for each database."""
    heads = ["", *(f"{one['store']}: {what}" for one in loads for what in ("p50 or first", "p99 or last"))]
    kinds = dict.fromkeys(each["kind"] for one in loads for each in one["kinds"])
    found = [[f"{kind}, ms", *_each(loads, lambda one, kind=kind: _times(one, kind))] for kind in kinds]  # type: ignore[misc]  # a default to keep it
    for name, shown in HELD.items():
        found.append([shown, *_each(loads, lambda one, name=name: _ends(one["held"][name]))])  # type: ignore[misc]  # as above
    return heads, found


def _each(loads: Sequence[Result], cells: Callable[[Result], tuple[str, str]]) -> list[str]:
    return [cell for one in loads for cell in cells(one)]


def _times(load: Result, kind: str) -> tuple[str, str]:
    found = next((each for each in load["kinds"] if each["kind"] == kind), None)
    return (number(found["p50"]), number(found["p99"])) if found else ("", "")


def _ends(held: Mapping[str, float]) -> tuple[str, str]:
    return number(held["first"]), f"{number(held['last'])} ({growth(held):+.1%})"


def told(load: Result) -> str:
    """What was asked and what was kept, in a sentence."""
    return (
        f"{load['store']}: {load['requests']} requests in {load['minutes']:g} minutes from {load['clerks']} clerks, "
        f"{load['rate']['reached']:g} a second, {load['again']} of them asked again. {load['acknowledged']} events "
        f"were acknowledged and {load['missing']} of them missing in the end, in a log of {load['events']} that "
        f"{'verifies' if load['verified'] else 'DOES NOT VERIFY'}."
    )


def table(result: Result) -> Table:
    """For a terminal."""
    heads, found = rows(result["loads"])
    said = "\n".join([*map(told, result["loads"]), origin(result)])
    shown = Table(*heads, caption=said, caption_justify="left")
    for row in found:
        shown.add_row(*row)
    return shown


def write(result: Result, folder: Path) -> None:
    """The page, in place of the one before."""
    heads, found = rows(result["loads"])
    lines = [
        "# Load",
        "",
        "Made by `liggare load --docs docs`; do not edit it. What was asked and how it was measured stands at the head",
        "of `api/bench/steady.py` and `api/bench/clerk.py`.",
        "",
        origin(result),
        "",
        *(f"- {told(one)}" for one in result["loads"]),
        "",
        "Requests by kind as p50 and p99; what the server held in the first and the last tenth after the warm-up.",
        "",
        "| " + " | ".join(heads) + " |",
        "|---|" + "--:|" * (len(heads) - 1),
        *("| " + " | ".join(row) + " |" for row in found),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text("\n".join(lines) + "\n", "utf-8")
