"""What the README and the handbook show is what happens.

- Every `console` block is run, in the order of the pages, in one empty folder. A line after `$ ` is a command, which
  must end well; the lines below it must turn up in its answer in that order, where … stands for anything.
- A command that needs a program which is not here skips its page.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.house import ROOT
from tests.outside import PACKAGES, need

PAGES = ("README.md", "docs/verify-by-hand.md", "docs/handbook/audit.md", "docs/handbook/backup.md")

LATER = {"docs/handbook/audit.md", "docs/handbook/backup.md"}  # what they show, other tests try too


@dataclass
class Shown:
    """A command and what is shown of its answer."""

    command: str
    lines: list[str] = field(default_factory=list)


def shown(page: str) -> list[Shown]:
    """The commands of a page."""
    found: list[Shown] = []
    for block in re.findall(
        r"^```console\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE
    ):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Shown(line[2:]))
            elif line.strip():
                found[-1].lines.append(line)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder in which `liggare` is a command and the demo has been played as the README says."""
    folder = tmp_path_factory.mktemp("reader")
    programs = folder / ".programs"
    programs.mkdir()
    liggare = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from api.cli.main import main; main()"
    for name, command in (("liggare", [sys.executable, "-c", liggare]), ("python3", [sys.executable])):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', "utf-8")
        (programs / name).chmod(0o755)
    first = shown("README.md")[0]
    assert first.command.startswith("liggare demo")
    follow(first, folder)
    return folder


def follow(step: Shown, folder: Path) -> None:
    """Run a command as a reader would, and look for what the page shows of its answer."""
    for tool in PACKAGES:
        if re.search(rf"(?<![\w/.-]){tool} ", step.command):
            need(tool)
    env = os.environ | {"PATH": f"{folder / '.programs'}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    bash = ["bash", "-o", "pipefail", "-c", step.command]
    done = subprocess.run(bash, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 0, f"{step.command}\n{said}"
    pattern = ".*".join(re.escape(" ".join(line.split())).replace("…", ".*") for line in step.lines)
    assert re.search(pattern, said), f"{step.command}\nshows\n{step.lines}\nbut said\n{said}"


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.long_form if page in LATER else ()) for page in PAGES]
)
def test_what_a_page_shows_is_what_happens(page: str, folder: Path) -> None:
    steps = shown(page)
    assert steps
    for step in steps[1:] if page == "README.md" else steps:
        follow(step, folder)


def test_no_page_shows_a_command_that_is_not_run() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        page = str(path.relative_to(ROOT))
        assert page in PAGES or not shown(page), f"{page} has console blocks"
