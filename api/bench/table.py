"""The figures for people: a table on a terminal, and a page with a small plot for the documentation.

- The plot has a bar for each figure: how much of its peer's or limit's speed was reached, on a scale that doubles, with
  a mark where the aim is. Colours are told apart by shade as well, and every bar says its number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from rich.table import Table

from api.bench.missed import why

PAGE, PLOT = "bench.md", "bench.svg"
_LEAST, _MOST = 1 / 32, 8.0
_NAMES, _BARS, _LINE, _TOP = 570, 300, 22, 34
_MET, _MISSED, _PLAIN = "#1a7f4b", "#b42318", "#5b6b7f"

Result = Mapping[str, Any]


def beside(figure: Result) -> tuple[str, Mapping[str, Any]]:
    """What a figure stands beside: which kind, and its name and value."""
    kind = "limit" if "limit" in figure else "peer"
    return kind, figure[kind]


def told(figure: Result) -> tuple[str, str, str, str, str]:
    """A figure's row: name, value, what it stands beside, share and aim."""
    _, other = beside(figure)
    unit = figure["unit"]
    outcome = {True: "met", False: "missed", None: ""}[figure["met"]]
    aim = f"{figure['aim']:g}, {outcome}" if figure["aim"] is not None else ""
    return (
        figure["name"],
        f"{number(figure['value'])} {unit}",
        f"{other['name']}: {number(other['value'])} {unit}",
        f"{figure['ratio']:.2f}",
        aim,
    )


def number(value: float) -> str:
    """A number as people read it: 12 300 rather than 12300.0, 0.42 rather than 0.420."""
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:g}"


def table(result: Result) -> Table:
    """For a terminal."""
    found = Table(*HEADS, caption=origin(result), caption_justify="left")
    for figure in result["figures"]:
        style = {True: "green", False: "red", None: None}[figure["met"]]
        found.add_row(*told(figure), style=style)
    return found


HEADS = ("Figure", "Value", "Beside", "Share", "Aim")


def origin(result: Result) -> str:
    """Where the figures come from."""
    on = result["machine"]
    postgres = f", PostgreSQL {on['postgres']}" if on["postgres"] else ""
    scale = f", scale {result['scale']}" if "scale" in result else ""
    return (
        f"Commit {result['commit']}, {result['date']}{scale}. {on['cpu']}, {on['cores']} cores, "
        f"{on['memory']}; Python {on['python']}, SQLite {on['sqlite']}{postgres}."
    )


def write(result: Result, folder: Path) -> None:
    """The page and its plot, in place of the ones before."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLOT).write_text(plot(result["figures"]), "utf-8")
    (folder / PAGE).write_text(page(result), "utf-8")


def page(result: Result) -> str:
    """The page, as Markdown."""
    lines = [
        "# Bench",
        "",
        "Made by `liggare bench --docs docs`; do not edit it. How each figure comes about stands at the head of its",
        "file in `api/bench/`.",
        "",
        origin(result),
        "",
        "The share is how much of the peer's or the limit's speed was reached, so more is better whatever the unit. It",
        "is the median over turns in which both were measured one after the other.",
        "",
        f"![The share that each figure reached, and the aims]({PLOT})",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|---|--:|---|--:|---|",
    ]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in told(one)) + " |" for one in result["figures"]
    ]
    missed = [one for one in result["figures"] if one["met"] is False]
    told_once = {text: one["name"] for one in reversed(missed) if (text := why(one["name"]))}
    if told_once:
        lines += ["", "## Where a figure missed its aim", ""]
        lines += [f"- {name}: {text}" for text, name in reversed(told_once.items())]
    return "\n".join(lines) + "\n"


def plot(figures: Sequence[Result]) -> str:
    """The shares as bars, as SVG."""
    high = _TOP + _LINE * len(figures) + 10
    wide = _NAMES + _BARS + 70
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img">',
        '<g font-family="sans-serif" font-size="12">',
        "<title>Share of the peer's or limit's speed, and the aims</title>",
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
    ]
    for power in range(-5, 4):
        at = _place(2.0**power)
        label = f"{2**power}" if power >= 0 else f"1/{2**-power}"
        strong = "#22272e" if power == 0 else "#d7dde4"
        parts.append(f'<line x1="{at}" y1="{_TOP - 8}" x2="{at}" y2="{high - 8}" stroke="{strong}"/>')
        parts.append(f'<text x="{at}" y="{_TOP - 14}" text-anchor="middle" fill="#22272e">{label}</text>')
    for row, figure in enumerate(figures):
        parts += _bar(figure, _TOP + _LINE * row)
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _bar(figure: Result, top: float) -> list[str]:
    colour = {True: _MET, False: _MISSED, None: _PLAIN}[figure["met"]]
    _, other = beside(figure)
    name, end, middle = f"{figure['name']} / {other['name']}", _place(figure["ratio"]), top + 14
    found = [
        f'<text x="{_NAMES - 10}" y="{middle}" text-anchor="end" fill="#22272e">{escape(name)}</text>',
        f'<rect x="{_NAMES}" y="{top + 4}" width="{max(end - _NAMES, 1):.1f}" height="13" fill="{colour}"/>',
        f'<text x="{max(end, _NAMES) + 6:.1f}" y="{middle}" fill="#22272e">{figure["ratio"]:.2f}</text>',
    ]
    if figure["aim"] is not None:
        at = _place(figure["aim"])
        found.append(
            f'<line x1="{at}" y1="{top + 1}" x2="{at}" y2="{top + 20}" stroke="#22272e" stroke-width="3"/>'
        )
    return found


def _place(share: float) -> float:
    """Where a share stands across; beyond the ends, at the end."""
    kept = min(max(share, _LEAST), _MOST)
    return round(_NAMES + _BARS * math.log(kept / _LEAST) / math.log(_MOST / _LEAST), 1)
