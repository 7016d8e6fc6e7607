"""The tables of docs/glossary.md that follow from the code; `make glossary` writes them anew.

- An event's and a command's Swedish term is the one in brackets at the end of its docstring's first sentence.
- What no class holds (offices, papers, habits of the trade) is written by hand above the tables and left alone.
"""

from __future__ import annotations

import re

from domain.decider import COMMANDS, STATES
from domain.messages import TOPICS
from tests.house import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
BEGINS = "<!-- from here on made from the code by `make glossary` -->"


def swedish(kind: type) -> str:
    """The Swedish term of a class, or nothing."""
    found = re.search(r"\(([^()]+)\)\.?$", (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n", " "))
    return found.group(1) if found else ""


def place(kind: type) -> str:
    """The file in which a class stands."""
    return f"{kind.__module__.replace('.', '/')}.py"


def generated() -> str:
    """The tables as they should stand."""
    lines = ["## What can have happened", "", "| Event | Swedish | On disk | Where |", "|---|---|---|---|"]
    for topic, event in sorted(TOPICS.items(), key=lambda entry: entry[1].__name__):
        if event.__module__.startswith("domain."):  # and not a test's own
            lines.append(f"| {event.__name__} | {swedish(event)} | `{topic}` | {place(event)} |")
    lines += [
        "",
        "## What can be asked for",
        "",
        "| Command | Swedish | By name | Where |",
        "|---|---|---|---|",
    ]
    for name, command in sorted(COMMANDS.items()):
        lines.append(f"| {command.__name__} | {swedish(command) or '–'} | `{name}` | {place(command)} |")
    lines += [
        "",
        "## What stands and changes",
        "",
        "| State | Swedish | Stream | Where |",
        "|---|---|---|---|",
    ]
    for stream, state in sorted(STATES.items()):
        lines.append(f"| {state.__name__} | {swedish(state) or '–'} | `{stream}-…` | {place(state)} |")
    return "\n".join(lines) + "\n"


def handwritten() -> str:
    """What stands above the tables."""
    return GLOSSARY.read_text("utf-8").partition(BEGINS)[0]


if __name__ == "__main__":
    GLOSSARY.write_text(f"{handwritten()}{BEGINS}\n\n{generated()}", "utf-8")
