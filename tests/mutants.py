"""The mutants of signing/ that no test tells from the original, held against docs/mutants.md, which explains them.

`make mutants` lets mutmut change signing/ in one place at a time and run the tests; then `python -m tests.mutants` says
which of those that survived are not in the page, and which in the page are dead by now. A mutant is named by its
function and its change, so that its name lasts as long as the line does.
"""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
import sys
from functools import cache

from tests.house import ROOT

PAGE = ROOT / "docs" / "mutants.md"


def survivors() -> set[str]:
    """What mutmut says survived, each as a line of the page."""
    command = [sys.executable, "-m", "mutmut", "results"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {
        line(name) for name in re.findall(r"^\s*(\S+): (?:survived|no tests|suspicious)$", said, re.MULTILINE)
    }


def line(mutant: str) -> str:
    """`module.function`: `what stood` → `what stands`."""
    module, _, function = mutant.rpartition(".")
    sources = functions(module)
    name, _, _ = function.partition("__mutmut_")
    before, after = sources[f"{name}__mutmut_orig"], sources[function]
    changed = [one for one in difflib.ndiff(before, after) if one[:2] in ("- ", "+ ")]
    old, new = (" ".join(one[2:].strip() for one in changed if one[0] == sign) for sign in "-+")
    old, new = (re.sub(r"(?<=\() | (?=\))", "", text) for text in (old, new))  # where a line was broken
    shown = name.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return f"- `{module.removeprefix('signing.')}.{shown}`: `{old}` → `{new}`"


@cache
def functions(module: str) -> dict[str, list[str]]:
    """The functions of a mutated module, without their signatures, line by line."""
    text = (ROOT / "mutants" / (module.replace(".", "/") + ".py")).read_text("utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name:
            body = lines[node.lineno - 1 : node.end_lineno]
            found[node.name] = [one.replace(node.name, "") for one in body]
    return found


def main() -> int:
    """Compare, and say what differs."""
    found = survivors()
    listed = {one for one in PAGE.read_text("utf-8").splitlines() if one.startswith("- `")}
    for what, lines in (
        ("survived and is not explained:", found - listed),
        ("is explained and did not survive:", listed - found),
    ):
        for each in sorted(lines):
            sys.stdout.write(f"{what} {each}\n")
    return int(found != listed)


if __name__ == "__main__":
    sys.exit(main())
