"""Where a registry's log, keys and views lie: in files of its data folder, or in a schema of a PostgreSQL database.

- The log comes first: it is held to the checkpoints kept beside it before anything is written, and a log that is not
  there is not made anew where one was signed.
- In PostgreSQL the schema and the log in it are made once, by make_schema; opening a registry never makes them.
- Files, checkpoints, certificates and settings lie in the folder, whichever it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from api.holding import hold_to_checkpoints
from api.settings import NotAFolder, Settings, WrongDatabase
from registry.postgres import PostgresRecorder
from registry.postgres_engine import postgres_engine
from registry.postgres_schema import LOG_TABLES, NotALog, schema_name
from registry.recorder import LogRecorder
from registry.sqlite import SQLiteRecorder
from registry.vault import Vault, sqlite_engine

LOG, KEYS, VIEWS = "events.db", "keys.db", "views.db"


@dataclass
class Stores:
    """What a registry keeps outside its folder's plain files."""

    recorder: LogRecorder
    vault: Vault
    views: sa.Engine

    def close(self) -> None:
        self.recorder.close()
        self.vault.close()
        self.views.dispose()


def open_stores(
    folder: Path, settings: Settings, url: str | None, checkpoints: Sequence[Path], root: bytes
) -> Stores:
    """Open those at a URL or, without one, in the folder; raises LogCut, WrongDatabase, WrongRootKey or
    LogUnavailable, with nothing left open."""
    with ExitStack() as undo:
        recorder = _recorder(url, settings.slug, checkpoints) if url else _file(folder / LOG, checkpoints)
        undo.callback(recorder.close)
        if url:
            views = postgres_engine(url, settings.slug)
            undo.callback(views.dispose)
            vault = Vault.postgres(views, root)
        else:
            if recorder.head().position and not (folder / KEYS).is_file():  # a new one would open nothing
                raise NotAFolder("not-a-folder", folder=folder, file=KEYS)
            vault = Vault.file(folder / KEYS, root)
            views = sqlite_engine(folder / VIEWS)
        undo.pop_all()
    return Stores(recorder, vault, views)


def _file(log: Path, checkpoints: Sequence[Path]) -> LogRecorder:
    if not log.is_file() or log.stat().st_size == 0:  # opening it would make an empty one
        hold_to_checkpoints(log, checkpoints, None)
    return _held(log, SQLiteRecorder(log), checkpoints)


def _recorder(url: str, slug: str, checkpoints: Sequence[Path]) -> LogRecorder:
    name = schema_name(slug)
    try:
        PostgresRecorder(
            url, slug, readonly=True
        ).close()  # that it is there: opening it would make an empty one
        return _held(name, PostgresRecorder(url, slug), checkpoints)
    except NotALog as error:
        hold_to_checkpoints(name, checkpoints, None)
        raise WrongDatabase("not-a-log", reason=str(error)) from error


def _held(name: Path | str, recorder: LogRecorder, checkpoints: Sequence[Path]) -> LogRecorder:
    try:
        hold_to_checkpoints(name, checkpoints, recorder)
    except Exception:
        recorder.close()
        raise
    return recorder


def make_schema(url: str, slug: str) -> None:
    """Make a municipality's schema with an empty log, if there is none; raises WrongDatabase if it holds more."""
    try:
        recorder = PostgresRecorder(url, slug)
    except NotALog as error:
        raise WrongDatabase("not-a-log", reason=str(error)) from error
    engine = postgres_engine(url, slug)
    try:
        others = set(sa.inspect(engine).get_table_names(recorder.schema)) - LOG_TABLES
        if others or recorder.head().position:
            raise WrongDatabase("schema-taken", schema=recorder.schema)
    finally:
        engine.dispose()
        recorder.close()
