"""The facts about the five municipalities, and the cases that show each; `make facts` writes docs/facts.md anew.

- A case is a test marked `@pytest.mark.fact("H4")`; the marks are read from the tests as they are written.
- How a fact is held: *enforced*, where the impossible and the unauthorised are refused; *found*, where a breach is
  recorded beside what happened; *watched*, where what is due is told for any day; *shown*, where it is kept and can be
  read; *unknown* or *unclear*, where the document leaves something open and it is shown as open.
- The demo shows it too where a step of api/demo names it.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.house import ROOT

PAGE = ROOT / "docs" / "facts.md"
BEGINS = "<!-- from here on made from the tests by `make facts` -->"
WAYS = ("enforced", "found", "watched", "shown", "unknown", "unclear")


PARTS: dict[str, dict[str, dict[str, str]]] = tomllib.loads(
    (ROOT / "tests" / "facts.toml").read_text("utf-8")
)
FACTS = {id: fact for facts in PARTS.values() for id, fact in facts.items()}


class Case(NamedTuple):
    """A test that shows a fact."""

    fact: str
    file: Path
    name: str


@cache
def cases() -> tuple[Case, ...]:
    """Every mark of every test, in the order of the files."""
    return tuple(
        Case(str(ast.literal_eval(mark.args[0])), path.relative_to(ROOT), function.name)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        and not any("long_form" in ast.unparse(mark) for mark in function.decorator_list)  # seldom run
        for mark in function.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fact"
    )


@cache
def played() -> dict[str, list[str]]:
    """The facts that the demo's steps name, by the file they stand in."""
    return {
        path.stem: [
            fact for step in tomllib.loads(path.read_text("utf-8"))["told"] for fact in step.get("facts", [])
        ]
        for path in sorted((ROOT / "api" / "demo").glob("*.toml"))
    }


def generated() -> str:
    """The tables as they should stand."""
    return "\n".join(_tables()) + "\n"


def _tables() -> Iterator[str]:
    for title, facts in PARTS.items():
        yield f"## {title}\n"
        yield "| Fact | What it says | Held | In the demo | Cases |\n|---|---|---|---|---|"
        for id, fact in facts.items():
            shown = ", ".join(name for name, named in played().items() if id in named)
            told = "<br>".join(_told(case) for case in cases() if case.fact == id)
            yield f"| {id} | {fact['says']} | {fact['held']} | {shown} | {told} |"
        yield ""


def _told(case: Case) -> str:
    said = case.name.removeprefix("test_").replace("_", " ")
    return f"[{said}](../{case.file.as_posix()})"


def handwritten() -> str:
    """What stands above the tables."""
    return PAGE.read_text("utf-8").partition(BEGINS)[0]


if __name__ == "__main__":
    PAGE.write_text(f"{handwritten()}{BEGINS}\n\n{generated()}", "utf-8")
