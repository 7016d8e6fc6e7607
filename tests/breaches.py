"""The page docs/handbook/breaches.md: every breach that is refused, found, warned of or listed, and what shows it.

- What the domain refuses or finds is shown by a story of tests/tour.py that meets it; its rule and source stand as they
  were met there. What is wrong with a profile is shown by the bad profiles of tests/test_profile.py.
- What the ways in refuse or warn of, and what is listed about obligations, is shown by the first test that names it.
- A code that nothing shows is an error. `make breaches` writes the page anew.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, get_args

from api.profiles import MODALITIES
from api.sentences import texts
from projections.obligations import Standing
from projections.sentences import WORDS
from tests.house import ROOT
from tests.log_session import Breach, Reached
from tests.test_profile import BAD
from tests.tour import told

PAGE: Final = ROOT / "docs" / "handbook" / "breaches.md"
HEAD: Final = (
    "# What is refused, found, warned of and listed\n\n"
    "Made from the code and the tests by `make breaches`; a test fails if it is not in step, or if nothing shows a "
    "code. The source is the one of the case: a paragraph of the body's own regulation or of a statute, or a "
    "[house rule](house-rules.md). Of the ways in themselves no rule speaks."
)
# Words of the tests themselves, and tests that only ask whether a code has its sentence.
NOT_CASES: Final = frozenset({"breaches.py", "test_problems.py"})


@cache
def named() -> Mapping[str, str]:
    """The first test that names a code as a text of its own."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path.name in NOT_CASES:
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for one in ast.walk(node):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        where = (
                            f"{path.relative_to(ROOT)}: {node.name.removeprefix('test_').replace('_', ' ')}"
                        )
                        found.setdefault(one.value, where)
    return found


def reasons() -> Iterator[str]:
    """Every reason that is told for how an obligation stands."""
    tree = ast.parse((ROOT / "projections" / "obligations.py").read_text("utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = [one.value for one in node.keywords if one.arg == "reason"]
        if isinstance(node.func, ast.Attribute) and node.func.attr == "says":
            given += node.args[4:]
        for value in given:
            for one in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                if isinstance(one, ast.Constant) and one.value:
                    yield str(one.value)


class NotShown(LookupError):
    """Codes that no test meets."""


def shown(code: str, reached: Reached) -> Breach:
    """What shows a code; NotShown if nothing does."""
    if code in reached.breaches:
        return reached.breaches[code]
    for name, _, where in BAD:
        if code in {found for found, _, _ in where}:
            return Breach("", "husregel 11", f"tests/test_profile.py: {name}")
    if code not in named():
        raise NotShown(code)
    return Breach("", "", named()[code])


def not_shown(reached: Reached) -> Iterator[str]:
    listed = (*get_args(Standing), *reasons())
    for code in (*texts("refusals"), *texts("findings"), *texts("warnings"), *listed):
        try:
            shown(code, reached)
        except NotShown:
            yield code


def table(kind: str, title: str, reached: Reached) -> Iterator[str]:
    how = kind == "findings"
    yield from ("", f"## {title}", "")
    yield f"| Code | What is said |{' How it is put |' if how else ''} Source | Shown by |"
    yield "|---" * (5 if how else 4) + "|"
    for code, said in sorted(texts(kind).items()):
        one = shown(code, reached)
        put = f" {MODALITIES.get(one.modality, one.modality)} |" if how else ""
        yield f"| `{code}` | {said['en'].replace('|', '/')} |{put} {one.source or '–'} | {one.case} |"


def generated(reached: Reached) -> str:
    """The page as it should stand; NotShown if a code is shown by nothing."""
    if missing := sorted(set(not_shown(reached))):
        raise NotShown(f"let a test meet {', '.join(missing)}")
    lines = [HEAD]
    lines += table("refusals", "Refused", reached)
    lines += table("findings", "Found and recorded beside what happened", reached)
    lines += table("warnings", "Warned of", reached)
    lines += [
        "",
        "## Listed among the obligations",
        "",
        "| State or reason | In Swedish | Shown by |",
        "|---|---|---|",
    ]
    for code in (*get_args(Standing), *sorted(set(reasons()))):
        lines.append(f"| `{code}` | {WORDS.get(code, '')} | {shown(code, reached).case} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(generated(told(Path(folder))), "utf-8")
