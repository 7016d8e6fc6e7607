"""Opening a log's SQLite file without changing a byte of it, offline and on read-only media.

- SQLite's `immutable` promises that nobody writes the file; it then takes no locks and makes no side files
  (https://sqlite.org/uri.html, 3.4).
- Such a reader does not see what still stands in the write-ahead log (https://sqlite.org/wal.html,
  "Read-Only Databases"). A log that was not closed cleanly is therefore copied with its side file, never
  the shared-memory index, and folded into one file there; the original is left as it is.
- One without a side file may still have a server that writes in it (the keys' journal is there only during a commit):
  `unmoving` copies it under SQLite's own lock, which writes nothing.
- A log that a server writes is copied as well. The copy is of one moment if the side file has not begun anew meanwhile,
  since until then it holds every page that may have been written back into the other; its header says when it has
  (https://sqlite.org/fileformat2.html, 4.1: the salts).
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

# A rollback journal is left only by a crash outside WAL mode, but leaving it out would undo nothing it
# should.
_SIDE_FILES = ("-wal", "-journal")
_HEADER, _TRIES = 32, 10


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
        for _ in range(_TRIES):
            begun = _header(left)
            for file in (path, *left):
                shutil.copyfile(file, copy.with_name(file.name))
            if begun == _header(left) == _header([copy.with_name(file.name) for file in left]):
                break
        else:
            raise sqlite3.OperationalError(f"{path} is being written too fast to be copied")
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield copy


@contextmanager
def unmoving(path: Path) -> Iterator[Path]:
    """The database as one file that nobody writes in, as it was at one moment."""
    with settled(path) as file:
        if file != path or not path.is_file():
            yield file
            return
        with tempfile.TemporaryDirectory(prefix="liggare-") as folder:
            copy = Path(folder) / path.name
            source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            with closing(source), closing(sqlite3.connect(copy)) as target:
                source.backup(target)
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


def _header(files: list[Path]) -> list[bytes]:
    """How each side file begins; one that is gone does not."""
    found = []
    for path in files:
        with suppress(FileNotFoundError), path.open("rb") as file:
            found.append(file.read(_HEADER))
    return found


def _has_content(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0
