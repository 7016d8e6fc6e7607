"""The mutants of signing/ that no test tells from the original, held against docs/mutants.md, which explains them.

`make mutants` lets mutmut change signing/ in one place at a time and run the tests; then `python -m tests.mutants` says
which of those that survived are not in the page, and which in the page are dead by now. A mutant is named by its
function and its change, so that its name lasts as long as the line does. Those that change nothing but the words of an
error are counted, module by module.
"""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from functools import cache

from tests.house import ROOT

PAGE = ROOT / "docs" / "mutants.md"
Definition = ast.FunctionDef | ast.AsyncFunctionDef
Function = tuple[Definition, list[str]]  # also line by line


def survivors() -> set[str]:
    """What mutmut says survived, each as a line of the page."""
    command = [sys.executable, "-m", "mutmut", "results"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s*(\S+): (?:survived|no tests|suspicious)$", said, re.MULTILINE)
    words = Counter(name.rpartition(".")[0] for name in found if changes_words(name))
    return {line(name) for name in found if not changes_words(name)} | {
        f"- `{module.removeprefix('signing.')}`: {count} of words alone" for module, count in words.items()
    }


def line(mutant: str) -> str:
    """`module.function`: `what stood` → `what stands`."""
    name, (_, before), (_, after) = _both(mutant)
    changed = [one for one in difflib.ndiff(before, after) if one[:2] in ("- ", "+ ")]
    old, new = (" ".join(one[2:].strip() for one in changed if one[0] == sign) for sign in "-+")
    old, new = (re.sub(r"(?<=\() | (?=\))", "", text) for text in (old, new))  # where a line was broken
    shown = name.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return f"- `{mutant.rpartition('.')[0].removeprefix('signing.')}.{shown}`: `{old}` → `{new}`"


def changes_words(mutant: str) -> bool:
    """Whether it differs only in what an error that is raised says, or in the words by which a fault is named."""
    _, (before, _), (after, _) = _both(mutant)
    return _without_words(before) == _without_words(after)


def _without_words(function: Definition) -> str:
    made = deepcopy(function)
    for node in ast.walk(made):
        for call in ast.walk(node) if isinstance(node, ast.Raise) else ():
            if isinstance(call, ast.Call):
                call.args = [ast.Constant("…") if _says(one) else one for one in call.args]
        for text in ast.walk(node) if isinstance(node, ast.Return) and "fault" in function.name else ():
            if isinstance(text, ast.Constant) and " " in str(text.value):
                text.value = "…"
    made.name = ""
    return ast.dump(made)


def _says(one: ast.expr) -> bool:
    """Whether this is a sentence, and not a code or a value: text with a blank, or the text of another error."""
    match one:
        case ast.Constant(value=value):
            return value is None or (isinstance(value, str) and " " in value)
        case ast.JoinedStr(values=parts):
            return any(isinstance(part, ast.Constant) and " " in str(part.value) for part in parts)
        case ast.Call(func=ast.Name(id="str")):
            return True
        case _:
            return False


def _both(mutant: str) -> tuple[str, Function, Function]:
    """The name of the function, as it was, and as it is."""
    module, _, function = mutant.rpartition(".")
    name, _, _ = function.partition("__mutmut_")
    return name, functions(module)[f"{name}__mutmut_orig"], functions(module)[function]


@cache
def functions(module: str) -> dict[str, Function]:
    """The functions of a mutated module, without their names, also line by line."""
    text = (ROOT / "mutants" / (module.replace(".", "/") + ".py")).read_text("utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Definition) and "__mutmut_" in node.name:
            body = lines[node.lineno - 1 : node.end_lineno]
            found[node.name] = node, [one.replace(node.name, "") for one in body]
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
