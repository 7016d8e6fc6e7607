"""`liggare backup`: one consistent set of everything that cannot be made again, taken while others write.

- The order makes it consistent. The log first, at one moment (position p). Then the keys: a key is on disk before the
  event that uses it, so those of every event up to p are among them. Then the files that events up to p name, and the
  checkpoints up to p. What came later is left out, or does no harm. PostgreSQL gives log and keys of the same moment.
- It is the same whichever database it was taken from: a data folder on SQLite. It verifies where it lies, without a
  server, and is restored into either.
- The root key is never part of it, and is not needed for it: keys and files are copied as they lie, encrypted.
- The views are not part of it: they follow from the events.
- Everything read is checked on the way, so that a damaged registry is told when it is backed up and not when the copy
  is needed: the log's leaves and checkpoints, and every file against its address.
- A backup is a new folder: `data/` is the data folder as of p, `backup.json` says what belongs to it, byte for byte,
  and `backup.json.sha256` holds backup.json's own digest, in the form that sha256sum reads. All of it is synced under
  another name before it gets its own: a folder by the name asked for is a whole backup.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.faults import Fault
from api.keyroom import read_keys
from api.settings import NAME, NotAFolder, Settings
from api.stores import KEYS, LOG
from registry import destroyed
from registry.clock import SystemClock, stamp
from registry.files import FileDamaged, sync_folder, write_synced
from registry.mapper import EvidenceBroken
from registry.postgres_moment import moment_of
from registry.sqlite import FORMAT, SQLiteRecorder
from signing.checkpoint import Checkpoint
from signing.log import Tree
from signing.note import NoteError
from signing.vkeys import LogKeys

MANIFEST, DATA = "backup.json", "data"
FILES, CHECKPOINTS, PKI = "files", "checkpoints", "pki"
PAGES = 1024
NAMES_A_FILE = ("file", "cms_file")

Progress = Callable[[int, int], None]


class BackupDamaged(EvidenceBroken):
    """A backup is not what was written, or not all of it; the message names the file."""


class NewerFormat(Fault):
    """The data were written by a newer program than this one."""


class Part(BaseModel):
    """One file of the set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class Manifest(BaseModel):
    """backup.json: what the set is, as of which position, and every file in it (by its place under data/).

    checkpoint is the newest signed note that the set holds; source the data folder it was taken from, and database what
    that was kept in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["liggare-backup"] = "liggare-backup"
    version: Literal[1] = 1
    data_format: int = FORMAT
    municipality: str
    name: str
    origin: str
    made_at: str
    source: str
    database: Literal["sqlite", "postgresql"] = "sqlite"
    position: int = Field(ge=0)
    root: str = Field(pattern=r"^[0-9a-f]{64}$")
    checkpoint: str | None
    files: dict[str, Part]

    def write(self, folder: Path) -> str:
        """Write it with its own digest beside it; the digest."""
        content = json.dumps(self.model_dump(), ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
        digest = sha256(content).hexdigest()
        write_synced(folder / MANIFEST, content)
        write_synced(folder / f"{MANIFEST}.sha256", f"{digest}  {MANIFEST}\n".encode())
        return digest

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The manifest of a backup; raises Fault if there is none and BackupDamaged if it is not whole."""
        path = folder / MANIFEST
        if not path.is_file():
            raise Fault("not-a-backup", folder=folder, file=MANIFEST)
        beside = path.with_name(f"{MANIFEST}.sha256")
        try:
            content, said = path.read_bytes(), beside.read_bytes()
        except FileNotFoundError:
            raise BackupDamaged(f"{beside} is missing") from None
        if said != f"{sha256(content).hexdigest()}  {MANIFEST}\n".encode():
            raise BackupDamaged(f"{path} is not what {beside.name} says")
        try:
            found = cls.model_validate_json(content)
        except ValidationError as error:
            raise BackupDamaged(f"{path} cannot be read: {error}") from None
        for place in found.files:
            if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts:
                raise BackupDamaged(f"{path} names {place}, which lies outside the backup")
        return found


def back_up(folder: Path, out: Path, progress: Progress = lambda _, __: None) -> dict[str, Any]:
    """Back a data folder up into a new folder; what was written."""
    folder, out = folder.resolve(), out.absolute()
    settings = Settings.read(folder)
    if out.resolve().is_relative_to(folder):
        raise Fault("backup-inside", out=out)
    url = settings.database_url(folder)
    for name in () if url else (LOG, KEYS):
        if not (folder / name).is_file():
            raise NotAFolder("not-a-folder", folder=folder, file=name)
    with unfinished(out) as work:
        made_at, copy = stamp(SystemClock().now()), Copy(folder, work / DATA, progress)
        if url:
            copy.schema(url, settings)
        else:
            copy.database(LOG)
            copy.database(KEYS)
        keys = read_keys(folder / PKI)
        notes = read_notes(folder / CHECKPOINTS, settings.origin, keys)
        log = walk(work / DATA / LOG, {note.size for note in notes.values()})
        compare(log, notes)
        standing = {path: note for path, note in notes.items() if note.size <= log.position}
        newest = max(standing, key=lambda path: standing[path].size, default=None)
        places = [] if url else [NAME]
        places += [f"{PKI}/{path.name}" for path in sorted((folder / PKI).iterdir()) if _ours(path)]
        beside = [path.with_suffix(kind) for path in standing for kind in (".tst", ".cosigned")]
        seen = (folder / CHECKPOINTS).glob("witness/*.*")  # what was cosigned of other logs
        places += [
            f"{CHECKPOINTS}/{path.name}" for path in sorted([*standing, *filter(Path.is_file, beside)])
        ]
        places += [path.relative_to(folder).as_posix() for path in sorted(seen) if _ours(path)]
        if (folder / CHECKPOINTS / destroyed.NAME).exists():
            places.append(f"{CHECKPOINTS}/{destroyed.NAME}")
        copy.all(places + [f"{FILES}/{address[:2]}/{address}" for address in log.files])
        manifest = Manifest(
            municipality=settings.slug,
            name=settings.name,
            origin=settings.origin,
            made_at=made_at,
            source=str(folder),
            database=settings.database,
            position=log.position,
            root=log.root.hex(),
            checkpoint=newest.read_text("utf-8") if newest else None,
            files=copy.parts,
        )
        digest = manifest.write(work)
    return {
        "path": str(out),
        "municipality": settings.slug,
        "made_at": made_at,
        "position": log.position,
        "root": log.root.hex(),
        "checkpoint": standing[newest].size if newest else None,
        "files": len(copy.parts),
        "bytes": sum(part.size for part in copy.parts.values()),
        "manifest_sha256": digest,
    }


def _ours(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")  # a dot: being written at this moment


# --- the log as it was copied


@dataclass
class Log:
    """What one reading of a log gives: its length and root, its roots at some sizes, and the files it names."""

    position: int = 0
    root: bytes = b""
    roots: dict[int, bytes] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def walk(path: Path, sizes: set[int]) -> Log:
    """Read a log at rest from end to end; every event is held to its leaf hash."""
    recorder, tree, found = SQLiteRecorder(path, readonly=True), Tree(), Log()
    named = dict[str, None]()
    try:
        for event, leaf in zip(recorder.scan(), recorder.leaves(), strict=True):
            tree.append(leaf)
            if tree.size in sizes:
                found.roots[tree.size] = tree.root()
            data = orjson.loads(event.state)["data"]
            named |= {data[name]: None for name in NAMES_A_FILE if isinstance(data.get(name), str)}
    finally:
        recorder.close()
    found.position, found.root, found.files = tree.size, tree.root(), list(named)
    return found


def read_notes(folder: Path, origin: str, keys: LogKeys) -> dict[Path, Checkpoint]:
    """The checkpoints in a folder; one that does not open is broken evidence."""
    found = {}
    for path in sorted(folder.glob("*.note")):
        try:
            found[path] = keys.open(path.read_bytes(), origin).checkpoint
        except NoteError as error:
            raise EvidenceBroken(f"{path}: {error}") from error
    return found


def compare(log: Log, notes: Mapping[Path, Checkpoint]) -> None:
    """Hold a log to the checkpoints that it reaches; raises EvidenceBroken."""
    for path, note in notes.items():
        if note.size in log.roots and log.roots[note.size] != note.root:
            raise EvidenceBroken(
                f"{path}: the events up to position {note.size} are not those that were signed for"
            )


# --- copying


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A folder beside the target to work in; it becomes the target when all is well, and is removed otherwise.

    What a process that was killed has left there is removed by the next that works towards the same target.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Fault("not-empty", folder=target)
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}.unfinished-"
    with _locked(target.parent, wait=True):
        for left in target.parent.glob(f"{prefix}*"):
            with suppress(BlockingIOError), _locked(left):  # nobody works in it any more
                shutil.rmtree(left)
        work = Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix))
        working = ExitStack()
        working.enter_context(_locked(work))
    with working:
        yield from _finished(work, target)


def _finished(work: Path, target: Path) -> Iterator[Path]:
    try:
        yield work
        for folder, _, _ in os.walk(work):
            sync_folder(Path(folder))
        try:
            work.replace(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            raise Fault("not-empty", folder=target) from error
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    sync_folder(target.parent)


@contextmanager
def _locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a folder against others; raises BlockingIOError if somebody has it and we are not to wait."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


class Copy:
    """Copies parts of a data folder, synced, and notes what was copied; progress counts bytes."""

    def __init__(self, source: Path, target: Path, progress: Progress) -> None:
        self.source, self.target, self._progress = source, target, progress
        self.parts: dict[str, Part] = {}
        self._done = self._of = 0
        target.mkdir(exist_ok=True)

    def schema(self, url: str, settings: Settings) -> None:
        """Copy a schema as it stands at one moment into a data folder's databases; others go on writing."""
        with moment_of(url, settings.slug) as moment:
            moment.vault(self.target / KEYS)
            moment.log(self.target / LOG, self._progress)
        settings.model_copy(update={"database": "sqlite"}).write(self.target)
        for name in (LOG, KEYS, NAME):
            (self.target / name).chmod(0o600)
            self._note(name)

    def database(self, name: str) -> None:
        """Copy a database as it stands at one moment; others go on writing."""
        source, target, before = self.source / name, self.target / name, self._done

        def pages(_: int, left: int, of: int) -> None:
            self._tell(before + (of - left) * size, before + of * size)

        with closing(sqlite3.connect(source, timeout=30, isolation_level=None)) as db:
            db.execute("PRAGMA query_only=ON")
            size = db.execute("PRAGMA page_size").fetchone()[0]
            db.execute("BEGIN")
            db.execute("SELECT 1 FROM sqlite_master").fetchone()  # fixes the moment: no page is copied anew
            wal = db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
            with closing(sqlite3.connect(target, isolation_level=None)) as copy:
                # Without a write-ahead log a reader keeps writers waiting: then all pages in one step.
                db.backup(copy, pages=PAGES if wal else -1, progress=pages)
            db.execute("COMMIT")
        shutil.copymode(source, target)
        self._note(name)

    def _note(self, name: str) -> None:
        path = self.target / name
        with path.open("rb") as content:
            os.fsync(content.fileno())
            digest = _digest(content)
        self.parts[name] = Part(sha256=digest, size=path.stat().st_size)
        self._done = self._of = sum(part.size for part in self.parts.values())

    def all(self, places: list[str], wanted: Mapping[str, Part] | None = None) -> None:
        """Copy files. What a file must be follows from wanted, or from its name if that is an address."""
        sizes = {place: self._size(place) for place in places}
        self._of = self._done + sum(sizes.values())
        for place in places:
            self._file(place)
            part = self.parts[place]
            if wanted is not None and wanted[place] != part:
                raise BackupDamaged(f"{self.source / place} is not what was written")
            if wanted is None and place.startswith(f"{FILES}/") and PurePosixPath(place).name != part.sha256:
                raise FileDamaged(f"the file {self.source / place} has been altered")

    def _size(self, place: str) -> int:
        try:
            return (self.source / place).stat().st_size
        except FileNotFoundError:
            raise FileDamaged(f"the file {self.source / place} is missing") from None

    def _file(self, place: str) -> None:
        target, digest, size = self.target / place, sha256(), 0
        target.parent.mkdir(parents=True, exist_ok=True)
        with (self.source / place).open("rb") as source, target.open("wb") as out:
            while part := source.read(1 << 20):
                digest.update(part)
                out.write(part)
                size += len(part)
                self._tell(self._done + size, self._of)
            out.flush()
            os.fsync(out.fileno())
        shutil.copymode(self.source / place, target)
        self.parts[place] = Part(sha256=digest.hexdigest(), size=size)
        self._done += size

    def _tell(self, done: int, of: int) -> None:
        self._progress(done, max(done, of))


def _digest(content: Any) -> str:
    digest = sha256()
    while part := content.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()
