"""What is verified of a log that lies in a data folder's own files, opened for reading only.

- The log is read row by row as it lies in its file. Its structure is looked through as well, since SQLite forgives what
  evidence may not be forgiven.
- Where a server writes meanwhile, all of it is looked at as of one moment. What refers to something is taken before
  what it refers to: the views before the log, the log before the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import sqlalchemy as sa

from api.checking.parts import DAMAGED, Missing
from api.stores import KEYS, LOG, VIEWS
from registry.recorder import LogRecorder
from registry.sqlite import APPLICATION_ID, DDL, FORMAT, SQLiteRecorder
from registry.sqlite_layout import Shape, structure_errors, unprotected
from registry.sqlite_readonly import open_readonly, settled, unmoving
from registry.vault import Vault, readonly_engine
from signing.verify import Record, SourceDamaged

SHAPE = Shape(APPLICATION_ID, FORMAT, DDL, frozenset({"event", "checkpoint"}))


class FileLog:
    """The log of a data folder, with the keys and the views beside it."""

    shown = "columns-ok"

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack, self.file = stack, folder / LOG
        self.name = str(self.file)
        self._views, self._log, self._keys = (
            self._still(folder / part, how)
            for part, how in ((VIEWS, settled), (LOG, settled), (KEYS, unmoving))
        )

    def _still(self, file: Path, how: Callable[[Path], AbstractContextManager[Path]]) -> Path:
        try:
            return self._stack.enter_context(how(file))
        except DAMAGED:
            return file  # whoever reads it meets the damage, and says so

    def records(self) -> Iterator[Record]:
        """Every row as it is stored."""
        try:
            with open_readonly(self._log) as db:
                db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
                rows = db.execute(
                    "SELECT position, envelope, leaf, stream, version, topic FROM event ORDER BY position"
                )
                for record in map(Record._make, rows):
                    yield record if type(record.envelope) is type(record.leaf) is bytes else _as_bytes(record)
        except DAMAGED as error:
            raise SourceDamaged(str(error)) from error

    def notes(self) -> list[tuple[int, object]]:
        """The stored checkpoints."""
        with open_readonly(self._log) as db:
            db.text_factory = bytes
            return db.execute("SELECT size, note FROM checkpoint ORDER BY size").fetchall()

    def recorder(self) -> LogRecorder:
        recorder = SQLiteRecorder(self._log, readonly=True)
        self._stack.callback(recorder.close)
        return recorder

    def no_keys(self) -> Missing | None:
        """Why there are no keys to try, if there are none."""
        file = self.file.with_name(KEYS)
        return None if file.is_file() else ("keys-missing", {"file": str(file)})

    def vault(self, root: bytes) -> Vault:
        vault = Vault(readonly_engine(self._keys), root, readonly=True)
        self._stack.callback(vault.close)
        return vault

    def views(self) -> sa.Engine | None:
        """The stored views, if there are any."""
        if not self._views.is_file():
            return None
        engine = readonly_engine(self._views)
        self._stack.callback(engine.dispose)
        return engine

    def structure(self) -> list[str]:
        """What is wrong with the file: its own check of pages and indexes, and the shape we gave it."""
        problems: list[str] = []
        try:
            with settled(self._log) as file:
                problems += structure_errors(file, SHAPE)
            with open_readonly(self._log) as db:
                db.text_factory = lambda data: data.decode("utf-8", "replace")
                problems += [str(row[0]) for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        except DAMAGED as error:
            problems.append(str(error))
        return problems

    def loose(self) -> list[tuple[str, int, int]]:
        """The bytes of the file that hold no evidence."""
        try:
            with settled(self._log) as file:
                # Not closed cleanly: the checks saw the log with its side file folded in, and no byte of either is
                # where it will be once it is closed.
                loose = unprotected(file, SHAPE) if file == self.file else [(0, self.file.stat().st_size)]
        except DAMAGED:
            loose = [(0, self.file.stat().st_size)]
        return [(str(self.file), offset, length) for offset, length in loose]


def _as_bytes(record: Record) -> Record:
    """A row in which something else was put where bytes belong, with bytes that no event has."""
    envelope, leaf = (
        held if isinstance(held, bytes) else repr(held).encode("utf-8", "replace")
        for held in (record.envelope, record.leaf)
    )
    return record._replace(envelope=envelope, leaf=leaf)
