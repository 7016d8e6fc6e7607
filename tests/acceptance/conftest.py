"""The demo, played once for all acceptance tests, and `liggare` as a program of its own."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.postgres import VARIABLE, Database, known

ROOT = Path(__file__).parent.parent.parent
LIGGARE = (sys.executable, "-m", "api.cli.main")


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the caller's settings; the rooms beside the tests, or those installed where there are none."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIGGARE", "PYTHON"))}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"} | dict(more or {})


@dataclass
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as the one JSON object that it must be."""
        assert self.out.count("\n") == 1, self.out
        assert self.out.endswith("\n"), self.out
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    @property
    def progress(self) -> list[Any]:
        """Stderr as JSON lines."""
        return [json.loads(line) for line in self.err.splitlines()]


def liggare(
    *arguments: object,
    expect: int = 0,
    cwd: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> Answer:
    """Run a command; it must end with this code."""
    done = subprocess.run(
        [*LIGGARE, *map(str, arguments)],
        cwd=cwd,
        env=environment(env),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


@dataclass
class Played:
    """A played demo: its folder, what it lies in, and what the command said of it."""

    folder: Path
    database: Database
    env: Mapping[str, str]
    said: Any
    progress: list[Any]

    @property
    def municipality(self) -> Any:
        return self.said["municipalities"][0]

    @property
    def data(self) -> Path:
        return self.folder / str(self.municipality["slug"])

    @property
    def trust(self) -> Path:
        return self.data / "pki" / "trust.pem"

    @property
    def paper(self) -> Path:
        return next((self.folder / "papers").rglob("*-anteckningar.pdf"))

    def run(self, *arguments: object, env: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """Run a command where its database is known."""
        return liggare(*arguments, env={**self.env, **(env or {})}, **more)

    def sql(self, file: str, *statements: str) -> None:
        """Change by hand what lies in a file, or in the schema."""
        if VARIABLE in self.env:
            with psycopg.connect(self.env[VARIABLE]) as db:
                db.execute(f"SET search_path TO {self.municipality['database']}".encode())
                for statement in statements:
                    db.execute(statement.encode())
            return
        with closing(sqlite3.connect(self.data / file)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    def copied(self, folder: Path) -> Played:
        """A copy of it, to do anything to."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder, env=self.database.copy(self.env))


@pytest.fixture(scope="session")
def played(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The demo's played year as it came out, never to be changed."""
    folder, env = tmp_path_factory.mktemp("demo") / "demo", database.new()
    answer = liggare("demo", "--dir", folder, "--only", "lerum", "--no-serve", "--json", env=env)
    return Played(folder, database, env, answer.json, answer.progress)


@pytest.fixture
def demo(played: Played, tmp_path: Path) -> Iterator[Played]:
    """A copy of it, to do anything to."""
    copied = played.copied(tmp_path / "demo")
    with known(copied.env):
        yield copied
