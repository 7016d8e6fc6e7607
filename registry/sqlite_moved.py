"""The two SQLite files of a registry that moves: held still meanwhile, and closed to writers afterwards.

- While a move lasts it holds the writer's lock of both files. Readers go on; whoever would write waits and is then told
  that others keep writing. So nothing is acknowledged that the move has not seen.
- A process that was started earlier has the files open, whatever they are called later. So both are closed to writers
  in the very transactions that hold the locks: from then on SQLite itself refuses every change to them, by whomever
  (https://sqlite.org/lang_createtrigger.html, on RAISE). Only the day when a token was last used may still change.
- Files that were closed for a move which did not come to its end are opened to writers again by `reopen`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from registry import vault
from registry.recorder import Busy
from registry.sqlite import DDL

WAIT = 30.0
SAID = "the registry has moved to another database: this process must be started again"
_MARK = "moved"


class Held:
    """Both files, with the writer's lock on each."""

    def __init__(self, log: sqlite3.Connection, keys: sqlite3.Connection) -> None:
        self._log, self._keys = log, keys

    @property
    def is_closed(self) -> bool:
        """Whether both were closed to writers before."""
        return all(_is_closed(db) for db in (self._log, self._keys))

    def close(self) -> None:
        """Close both to writers, for good, and let go of the locks. Done twice it is done once."""
        self._shut(self._keys, vault.metadata.tables)
        self._shut(self._log, DDL)

    def _shut(self, db: sqlite3.Connection, tables: Iterable[str]) -> None:
        for table in tables:
            for change in ("INSERT", "UPDATE", "DELETE"):
                when = "UPDATE OF hash, expires" if (table, change) == ("token", "UPDATE") else change
                db.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {_MARK}_{table}_{change.lower()} BEFORE {when} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
                )
        db.execute("COMMIT")

    def release(self) -> None:
        """Let go of the locks."""
        for db in (self._log, self._keys):
            db.execute("ROLLBACK")

    def reopen(self) -> None:
        """Take the marks off again, and let go of the locks."""
        for db in (self._log, self._keys):
            for name in _marks(db):
                db.execute(f"DROP TRIGGER {name}")
            db.execute("COMMIT")


@contextmanager
def held(log: Path, keys: Path) -> Iterator[Held]:
    """Keep everybody from writing to the two files; raises Busy if they do not come to rest."""
    with ExitStack() as stack:
        found = []
        for path in (log, keys):  # the order of a command that makes a key while it has the log
            address = f"{path.absolute().as_uri()}?mode=rw"
            db = sqlite3.connect(
                address, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False
            )
            found.append(stack.enter_context(closing(db)))
            db.execute("PRAGMA synchronous=EXTRA")
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                raise Busy(f"another process keeps writing to {path}") from error
        yield Held(*found)


def _marks(db: sqlite3.Connection) -> list[str]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name").fetchall()
    return [name for (name,) in rows if name.startswith(f"{_MARK}_")]


def _is_closed(db: sqlite3.Connection) -> bool:
    return bool(_marks(db))
