"""Opening a log's SQLite file without changing a byte of it, offline and on read-only media.

- SQLite's `immutable` promises that nobody writes the file; it then takes no locks and makes no side files
  (https://sqlite.org/uri.html, 3.4).
- Such a reader does not see what still stands in the write-ahead log (https://sqlite.org/wal.html,
  "Read-Only Databases"). A log that was not closed cleanly is therefore copied with its side file, never
  the shared-memory index, and folded into one file there; the original is left as it is.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

# A rollback journal is left only by a crash outside WAL mode, but leaving it out would undo nothing it
# should.
_SIDE_FILES = ("-wal", "-journal")


@contextmanager
def settled(path: Path) -> Iterator[Path]:
    """The database as one file at rest: the file itself, or a copy with its side file folded in."""
    path = Path(path)
    left = [file for file in (path.with_name(path.name + side) for side in _SIDE_FILES) if _has_content(file)]
    if not left:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="liggare-") as folder:
        copy = Path(folder) / path.name
        for file in (path, *left):
            shutil.copyfile(file, copy.with_name(file.name))
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield copy


@contextmanager
def open_readonly(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads the whole log and writes nowhere near it."""
    with settled(path) as file, closing(_connect(file)) as connection:
        yield connection


def _connect(file: Path) -> sqlite3.Connection:
    # The address escapes what a file name may hold, such as ? and #.
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    # The file may be damaged or forged: no function or view in its schema is run, and cell sizes are
    # checked first.
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    return connection


def _has_content(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0
