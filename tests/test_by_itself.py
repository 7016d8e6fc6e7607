"""The verifier needs nothing else of ours: it runs where there is only Python, `cryptography` and `pyhanko`."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.golden_hostile import SOUND
from tests.house import ROOT
from tests.test_alone import ANCHOR, PAPER


def needed(name: str, found: set[str]) -> set[str]:
    """The distributions that one needs, itself and what they need in turn."""
    if name.lower() not in found:
        found.add(name.lower())
        for line in importlib.metadata.distribution(name).requires or ():
            asked = Requirement(line)
            if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                needed(asked.name, found)
    return found


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment that holds `cryptography`, `pyhanko` and what they need, and a folder with signing/ in it."""
    place = tmp_path_factory.mktemp("fresh")
    venv.create(place / "venv", with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place / "venv")}))
    here = Path(sysconfig.get_path("purelib"))
    for name in needed("pyhanko", needed("cryptography", set())):
        files = importlib.metadata.distribution(name).files or []
        for top in {file.parts[0] for file in files if file.parts[0] != ".." and file.suffix != ".pth"}:
            if top != "__pycache__" and not (packages / top).exists():
                (packages / top).symlink_to(here / top)
    shutil.copytree(ROOT / "signing", place / "signing", ignore=shutil.ignore_patterns("__pycache__"))
    yield place
    shutil.rmtree(place)


def test_it_runs_where_there_is_nothing_else_of_ours(fresh: Path) -> None:
    def run(*command: object, expect: int) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        clean |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
        done = subprocess.run(
            [fresh / "venv" / "bin" / "python", "-W", "error", *map(str, command)],
            cwd=fresh, env=clean, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout

    loaded = (
        "import sys; from signing.alone import main; main([sys.argv[1], '--json', '-']); "
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    *report, names = run("-c", loaded, SOUND, expect=0).splitlines()
    assert json.loads("".join(report))["ok"]
    allowed = {"signing", "pyhanko", "pyhanko_certvalidator", "asn1crypto", "cryptography"}
    assert allowed <= set(names.split())
    for other in ("domain", "registry", "projections", "api", "pydantic", "sqlalchemy", "typst"):
        assert other not in names.split()
        assert "ModuleNotFoundError" in run(
            "-c", f"try: import {other}\nexcept ImportError as e: print(repr(e))", expect=0
        )
    told = run("-m", "signing.verify", PAPER, "--trust", ANCHOR, expect=0)
    assert "Allt som prövats stämmer." in told
    assert run("-m", "signing.verify", PAPER, "--trust", PAPER, expect=2) == ""
