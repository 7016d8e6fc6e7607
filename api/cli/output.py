"""How every command answers: one JSON object or readable text on stdout, progress on stderr, and an exit code.

- 0 fine · 1 internal error · 2 usage or unreadable path · 3 evidence broken · 4 refused by a rule.
- With --json stdout holds exactly one JSON object, also for an error. Without it a person reads it.
- Progress goes to stderr: a bar on a terminal, JSON lines otherwise.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.checking import Unreadable
from api.exporting import NotEmpty
from api.problems import language, sentence
from api.settings import NoRootKey, NotAFolder
from domain.errors import DomainError
from registry.files import FileDamaged
from registry.mapper import EvidenceBroken
from registry.vault import KeyMissing, WrongRootKey


class Exit(IntEnum):
    """Exit codes that others rely on."""

    FINE = 0
    INTERNAL = 1
    USAGE = 2
    BROKEN = 3
    REFUSED = 4


LANGUAGE = language(os.environ.get("LIGGARE_LANGUAGE"))
console = Console(highlight=False, soft_wrap=True)
progress_console = Console(stderr=True)
AsJson = typer.Option("--json", help="Skriv ett JSON-objekt på stdout.")


def answer(result: dict[str, Any], as_json: bool, human: Callable[[], None]) -> None:
    """Print a result in the form asked for."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    else:
        human()


@contextmanager
def handled(as_json: bool) -> Iterator[None]:
    """Turn what can go wrong into a clear message and the right exit code."""
    try:
        yield
    except (NotAFolder, NoRootKey, WrongRootKey, Unreadable, NotEmpty) as error:
        _stop(Exit.USAGE, type(error).__name__, str(error), _REMEDIES[type(error)], as_json)
    except (EvidenceBroken, KeyMissing, FileDamaged) as error:
        remedy = "Kör `liggare verify` på mappen och återställ från en säkerhetskopia. Ändra inget dessförinnan."
        _stop(Exit.BROKEN, "evidence-broken", str(error), remedy, as_json)
    except DomainError as error:
        values = {name: str(value) for name, value in error.values.items()} | {"source": str(error.source)}
        detail = sentence("refusals", error.code, LANGUAGE, values)
        remedy = sentence("refusals", error.code, LANGUAGE, values, "do_")
        _stop(Exit.REFUSED, error.code, f"{detail} ({error.source})", remedy, as_json)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        _stop(Exit.USAGE, "invalid", wrong, "Rätta uppgifterna och försök igen.", as_json)


_REMEDIES: dict[type[Exception], str] = {
    NotAFolder: "Ange en datamapp med --dir, eller gör en med `liggare init`.",
    NoRootKey: "Ange nyckelfilen med LIGGARE_ROOT_KEY, eller lägg den där liggare.toml säger.",
    WrongRootKey: "Ange den nyckel som registret lades upp med.",
    Unreadable: "Kontrollera sökvägen.",
    NotEmpty: "Ange en mapp som inte finns eller är tom.",
}


def _stop(code: Exit, name: str, detail: str, remedy: str, as_json: bool) -> None:
    if as_json:
        error = {"code": name, "detail": detail, "what_to_do": remedy}
        sys.stdout.write(json.dumps({"error": error}, ensure_ascii=False) + "\n")
    else:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold]Det gick inte.[/bold] {_plain(detail)}\n{_plain(remedy)}")
    raise typer.Exit(code)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show how long work goes on; the callable takes how much is done and, if it knows, of how much."""
    if progress_console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=progress_console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done, of=total: bar.update(task, completed=done, total=of)
        return
    last = 0.0

    def line(done: int, of: int | None = total) -> None:
        nonlocal last
        if time.monotonic() - last >= 1:
            last = time.monotonic()
            tell({"progress": what, "done": done, "total": of})

    yield line


def tell(event: dict[str, Any] | str) -> None:
    """A word on stderr while work goes on: text on a terminal, a JSON line otherwise."""
    if progress_console.is_terminal:
        progress_console.print(str(event))
    else:
        line = event if isinstance(event, dict) else {"progress": event}
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
