"""The files of this project, for tests about the project itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("domain", "registry", "projections", "signing", "api")
# What is made here, by hand or by a tool, and never part of the project.
NOT_OURS = {".git", ".venv", "__pycache__", "dist", "build", "demo", "mutants", "node_modules"}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project."""

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                ours = path.name not in NOT_OURS or (path.name == "demo" and folder.name == "api")
                if ours and not (path.name.startswith(".") and path.name != ".ci"):
                    yield from walk(path)
            elif not path.name.startswith(".coverage"):
                yield path

    return tuple(path for path in walk(ROOT) if not path.parent.name.endswith("-cache"))


def text_files() -> Iterator[tuple[Path, str]]:
    """Every file that is text, with what it says."""
    for path in files():
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def code(*rooms: str) -> Iterator[tuple[Path, str]]:
    """The Python files of some rooms, or of all of them."""
    for room in rooms or ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path, path.read_text("utf-8")


@cache
def calls() -> tuple[tuple[str, ast.Call], ...]:
    """Every call in the rooms' code, with the place where it stands."""
    return tuple(
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for path, text in code()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
    )


def called(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls of functions or classes with these names."""
    for place, call in calls():
        function = call.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        if name in names:
            yield place, call
