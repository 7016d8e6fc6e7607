"""The application as it is delivered: one wheel, installed clean, with none of this tree beside it.

- The wheel holds the five rooms with all their data files, and nothing else of ours.
- Installed into an environment of its own it makes a registry and verifies it. Here it borrows the libraries of
  the environment that runs the tests; the full check (.ci/run) installs them anew from the lock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.house import ROOMS, ROOT, files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel, and no source tree."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", str(python), "install", *options, str(wheel))
    # The path of a .pth file is added as it is: what that folder says of an editable install is not read.
    place = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (place / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return folder / "bin"


def run(*command: str, cwd: Path | None = None) -> str:
    """What a program said; it must end well."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LIGGARE"))}
    done = subprocess.run(
        command, cwd=cwd, env=clean, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_the_rooms_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    ours = {str(path.relative_to(ROOT)) for path in files() if path.relative_to(ROOT).parts[0] in ROOMS}
    assert held == ours


def test_it_runs_from_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    script = "import domain, registry, projections, signing, api; print(*(r.__file__ for r in (domain, api)))"
    for place in run(str(installed / "python"), "-c", script, cwd=tmp_path).split():
        assert place.startswith(str(installed.parent)), place


def test_it_makes_a_registry_and_verifies_it(installed: Path, tmp_path: Path) -> None:
    liggare = str(installed / "liggare")
    made = json.loads(
        run(liggare, "init", "--dir", "data", "--name", "Exempelby kommun", "--json", cwd=tmp_path)
    )
    assert Path(made["dir"]).is_dir()
    checked = json.loads(run(liggare, "verify", "data", "--json", cwd=tmp_path))
    assert checked["ok"]
    assert checked["events"] > 0
