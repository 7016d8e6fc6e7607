"""How every command answers: one JSON object or readable text on stdout, progress on stderr, and an exit code.

- 0 fine · 1 internal error · 2 usage or unreadable path · 3 evidence broken · 4 refused by a rule.
- With --json stdout holds exactly one JSON object, also for an error and for a command that cannot be read. Without it
  a person reads it, in Swedish, or in English where LIGGARE_LANGUAGE says so.
- Progress goes to stderr: a bar on a terminal, JSON lines otherwise.
- A reader that has gone (`liggare audit | head`) is no error.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import psycopg
import sqlalchemy as sa
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.faults import Fault, told
from api.holding import LogCut
from api.sentences import language, sentence, texts
from domain.errors import DomainError
from projections.runner import Stopped
from registry.files import FileDamaged
from registry.mapper import EvidenceBroken
from registry.postgres_engine import server_lost
from registry.recorder import LogUnavailable
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
error_console = Console(stderr=True, highlight=False, soft_wrap=True)
progress_console = Console(stderr=True)
AsJson = typer.Option("--json", help="Skriv ett JSON-objekt på stdout.")


def in_language(swedish: str, english: str) -> str:
    """The one of two words or sentences that is in the language asked for."""
    return english if LANGUAGE == "en" else swedish


def answer(result: Mapping[str, Any], as_json: bool, human: Callable[[], None]) -> None:
    """Print a result in the form asked for; at once, since a server may go on for years after it."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        human()


@contextmanager
def handled(as_json: bool) -> Iterator[None]:
    """Turn what can go wrong into a clear message and the right exit code."""
    try:
        yield
    except LogCut as error:
        stop(Exit.BROKEN, error.code, error.values, as_json)
    except (Fault, WrongRootKey) as error:
        code = error.code if isinstance(error, Fault) else "wrong-root-key"
        stop(Exit.USAGE, code, error.values if isinstance(error, Fault) else {}, as_json)
    except (EvidenceBroken, KeyMissing, FileDamaged) as error:
        stop(Exit.BROKEN, "evidence-broken", {"reason": error}, as_json)
    except Stopped as error:
        stop(Exit.BROKEN, "views-stopped", {"reason": error}, as_json)
    except DomainError as error:
        values = {name: str(value) for name, value in error.values.items()} | {"source": str(error.source)}
        detail = sentence("refusals", error.code, LANGUAGE, values)
        remedy = sentence("refusals", error.code, LANGUAGE, values, "do_")
        _write(Exit.REFUSED, error.code, f"{detail} ({error.source})", remedy, as_json)
    except ValidationError as error:
        stop(Exit.USAGE, "invalid", {"reason": "; ".join(map(_field, error.errors()))}, as_json)
    except LogUnavailable as error:
        stop(Exit.USAGE, "database-unreachable", {"reason": error}, as_json)
    except (sqlite3.Error, psycopg.Error, sa.exc.SQLAlchemyError) as error:
        cause = getattr(error, "orig", None) or error
        if server_lost(error):
            stop(Exit.USAGE, "database-unreachable", {"reason": cause}, as_json)
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            stop(Exit.USAGE, "database-refused", {"reason": cause}, as_json)
        # Locked, read-only or not to be opened is about the place; anything else about the bytes.
        if isinstance(cause, sqlite3.OperationalError):
            stop(Exit.USAGE, "database-busy", {"reason": cause}, as_json)
        stop(Exit.BROKEN, "evidence-broken", {"reason": cause}, as_json)
    except UnicodeDecodeError as error:  # what SQLite says of a damaged file may itself not be text
        stop(Exit.BROKEN, "evidence-broken", {"reason": error}, as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        why = {"path": error.filename or "?", "reason": error.strerror or str(error)}
        stop(Exit.USAGE, "file-failed", why, as_json)


def _field(error: Mapping[str, Any]) -> str:
    """One field that cannot be used, and why."""
    context, known = error.get("ctx", {}), texts("fields")
    said = str(context.get("error", ""))
    code = next((each for each in (said, error["type"]) if each in known), "other")
    return f"{'.'.join(map(str, error['loc'])) or '–'}: {sentence('fields', code, LANGUAGE, context)}"


def stop(exit_code: Exit, code: str, values: Mapping[str, object], as_json: bool) -> None:
    """End with an error told in words."""
    detail = told("faults", code, LANGUAGE, values)
    _write(exit_code, code, detail, told("faults", code, LANGUAGE, values, "do_"), as_json)


def _write(exit_code: Exit, code: str, detail: str, remedy: str, as_json: bool) -> None:
    if as_json:
        error = {"code": code, "detail": detail, "what_to_do": remedy}
        answer({"error": error}, True, lambda: None)
    else:
        failed = in_language("Det gick inte.", "It did not work.")
        error_console.print(f"[bold]{failed}[/bold] {plain(detail)}\n{plain(remedy)}")
    raise typer.Exit(exit_code)


def plain(text: str) -> str:
    """Text that stands for itself where the console reads marks in brackets."""
    return text.replace("[", r"\[")


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show how long work goes on; the callable takes how much is done and, if it knows, of how much, and of what."""
    if progress_console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=progress_console, transient=True) as bar:
            task = bar.add_task(what, total=total)

            def move(done: int, of: int | None = total, name: str = what) -> None:
                bar.update(task, completed=done, total=of, description=name)

            yield move
        return
    last = time.monotonic()

    def line(done: int, of: int | None = total, name: str = what) -> None:
        nonlocal last
        if time.monotonic() - last >= 1:
            last = time.monotonic()
            tell({"progress": name, "done": done, "total": of})

    tell({"progress": what, "done": 0, "total": total})
    yield line


def tell(event: Mapping[str, Any] | str) -> None:
    """A word on stderr while work goes on: text on a terminal, a JSON line otherwise."""
    if progress_console.is_terminal:
        progress_console.print(str(event))
    else:
        line = event if isinstance(event, Mapping) else {"progress": event}
        sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stderr.flush()
