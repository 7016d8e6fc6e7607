"""`liggare move`: a registry from its folder's SQLite files to a PostgreSQL database, every position and proof kept.

- Nobody writes meanwhile (registry.sqlite_moved), readers go on. The keys and secrets are copied first, then the events
  as they are, held to the root of their tree, then checkpoints and receipts; the views are made from the events.
- Both sides then give an account of themselves: head, root of the tree, root at every checkpoint, state digest, digest
  of every view, receipts, and each table of keys and secrets. Any difference ends the move, and nothing has changed.
- Only then is it switched, in this order: the old files are closed to writers, for good; the schema is said to be
  whole; liggare.toml names the new database; the old files are renamed to *.moved. At every moment in between one of
  the two opens and is whole, and nothing can be written to the one that the other does not know of.
- Killed anywhere and run again it comes to its end: what was copied is thrown away and copied anew until the schema is
  whole; afterwards it is compared once more and switched.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.faults import Fault
from api.settings import NotAFolder, Settings, find_root_key
from api.stores import KEYS, LOG, VIEWS
from api.wiring import Municipality, open_folder
from domain.decider import STATES
from domain.messages import State
from projections.reading import stored_digests
from registry.digest import fold, state_digest
from registry.files import sync_folder
from registry.mapper import EvidenceBroken
from registry.postgres import PostgresRecorder
from registry.postgres_engine import postgres_engine
from registry.postgres_landing import Landing, NotEmpty, landing
from registry.recorder import Busy
from registry.registry import Registry
from registry.sqlite_moved import held
from registry.vault import Vault, metadata
from signing.log import Tree

PAGE = 2000
ASIDE = ".moved"
SIDE_FILES = ("-wal", "-shm", "-journal", "")  # the file itself last: while it is there, it is not done

Progress = Callable[[int, int, str], None]  # how much is done, of how much, of what


def move(folder: Path, url: str, progress: Progress = lambda *_: None) -> dict[str, Any]:
    """Move a registry to the database at a URL; what was moved. Run again it finishes, or finds nothing to do."""
    folder = folder.resolve()
    settings = Settings.read(folder)
    moved = settings.model_copy(update={"database": "postgresql"})
    if settings == moved:
        return _result(folder, settings, {}, put_aside(folder))
    for name in (LOG, KEYS):
        if not (folder / name).is_file():
            raise NotAFolder("not-a-folder", folder=folder, file=name)
    root = find_root_key(folder, settings)
    old = open_folder(folder, root_key=root, placed=(settings, None))
    try:
        old.projector.catch_up()
        account = _carry(old, moved, url, progress)
    except Busy as error:
        raise Fault("writers-busy", reason=str(error)) from error
    finally:
        old.close()
    return _result(folder, moved, account, put_aside(folder))


def _carry(old: Municipality, moved: Settings, url: str, progress: Progress) -> dict[str, str]:
    """Copy, compare and switch, while nobody writes."""
    with (
        held(old.dir / LOG, old.dir / KEYS) as still,
        landing(url, old.slug, whose(old.vault)) as place,
    ):
        if still.is_closed and not place.is_unfinished and not place.is_empty:
            found = compare(old, moved, url, progress)  # only the switch was left to do
            still.release()
        else:
            found = transfer(old, moved, place, url, progress)
            still.close()
            place.whole()
        moved.write(old.dir)
    return found


def undo(folder: Path) -> None:
    """Open the old files to writers again, after a move that was cut off and is not to be finished.

    Nothing was written in the new place, which no folder names; what lies there is a copy.
    """
    folder = folder.resolve()
    if Settings.read(folder).database != "sqlite":
        raise Fault("already-moved", folder=folder)
    with held(folder / LOG, folder / KEYS) as still:
        still.reopen()


def settle(folder: Path, settings: Settings, url: str, root: bytes) -> None:
    """Move a folder that nobody knows of yet, and leave nothing of its files behind."""
    moved = settings.model_copy(update={"database": "postgresql"})
    old = open_folder(folder, root_key=root, placed=(settings, None))
    try:
        with landing(url, old.slug, whose(old.vault)) as place:
            transfer(old, moved, place, url, lambda *_: None)
            moved.write(folder)
            place.whole()
    except Busy as error:
        raise Fault("writers-busy", reason=str(error)) from error
    finally:
        old.close()
    for name in (LOG, KEYS, VIEWS):
        for side in SIDE_FILES:
            (folder / f"{name}{side}").unlink(missing_ok=True)


def _result(folder: Path, settings: Settings, account: Mapping[str, str], aside: list[str]) -> dict[str, Any]:
    return {
        "dir": str(folder),
        "municipality": settings.slug,
        "database": settings.database,
        "moved": bool(account),
        "account": dict(account),
        "put_aside": aside,
    }


def whose(vault: Vault) -> str:
    """The word by which a registry knows its own unfinished schema again."""
    return vault.derive("filling a schema").hex()


def put_aside(folder: Path) -> list[str]:
    """Rename the old files, so that nothing opens them by name any more; those that were there."""
    done = []
    for name in (VIEWS, KEYS, LOG):
        if (folder / f"{name}-wal").is_file() and (folder / name).is_file():
            with closing(
                sqlite3.connect(folder / name)
            ) as db:  # folds it into the file, unless others have it open
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for side in SIDE_FILES:
            old, new = folder / f"{name}{side}", folder / f"{name}{ASIDE}{side}"
            if old.is_file() and not new.exists():
                old.rename(new)
                done.append(new.name)
    sync_folder(folder)
    return done


# --- copying


def transfer(
    old: Municipality, settings: Settings, place: Landing, url: str, progress: Progress
) -> dict[str, str]:
    """Fill a schema with a registry that nobody writes to, and compare; the account that both sides gave.

    What goes wrong leaves nothing behind there.
    """
    try:
        place.begin()
    except NotEmpty:
        raise Fault("schema-not-empty", schema=place.schema) from None
    try:
        _copy(old, url, progress)
        return compare(old, settings, url, progress)
    except Exception:
        place.abandon()
        raise


def _copy(old: Municipality, url: str, progress: Progress) -> None:
    engine, log = postgres_engine(url, old.slug), old.registry.recorder
    try:
        copy_vault(old.vault.engine, engine)
        vault = Vault.postgres(engine, old.vault.root_key)
        recorder = PostgresRecorder(url, old.slug)
        try:
            registry = Registry(old.slug, recorder, vault, old.files, old.registry.clock)
            tree = Tree()
            tree.extend(log.leaves())
            registry.adopt(_events(old, progress), tree.root())
            for size, note in log.checkpoints():
                recorder.put_checkpoint(size, note)
            receipts = log.receipts()
            while page := list(islice(receipts, PAGE)):
                recorder.keep_receipts(page)
        finally:
            recorder.close()
            vault.close()
    finally:
        engine.dispose()


def copy_vault(source: sa.Engine, target: sa.Engine) -> None:
    """Copy keys and secrets as they lie, wrapped, in one transaction."""
    with source.connect() as rows, target.begin() as into:
        metadata.create_all(into)
        for table in metadata.sorted_tables:
            found = rows.execution_options(yield_per=PAGE).execute(sa.select(table)).mappings()
            for page in found.partitions():
                into.execute(table.insert(), [dict(row) for row in page])


def _events(old: Municipality, progress: Progress) -> Iterator[bytes]:
    of = old.registry.recorder.head().position
    for event in old.registry.recorder.scan(0, of):
        yield event.state
        if event.id % 1000 == 0 or event.id == of:
            progress(event.id, of, "events")


# --- comparing


def compare(old: Municipality, settings: Settings, url: str, progress: Progress) -> dict[str, str]:
    """Open what was copied as it will be opened, make its views and hold it to the old; raises EvidenceBroken."""
    new = open_folder(old.dir, root_key=old.vault.root_key, placed=(settings, url))
    try:
        head = old.registry.recorder.head().position
        if (reached := new.projector.catch_up()) < head:
            raise EvidenceBroken(f"the views stopped at position {reached}")
        old.projector.catch_up()
        here, there = account(old, progress), account(new, progress)
    finally:
        new.close()
    if differing := sorted(name for name in here.keys() | there if here.get(name) != there.get(name)):
        raise EvidenceBroken(f"what was copied differs: {', '.join(differing)}")
    return here


def account(m: Municipality, progress: Progress = lambda *_: None) -> dict[str, str]:
    """What a registry is, as digests by name; the same on both sides of a move."""
    log, tree, found = m.registry.recorder, Tree(), dict[str, str]()
    head, notes = log.head(), dict(log.checkpoints())
    streams = set[str]()
    for event, leaf in zip(log.scan(0, head.position), log.leaves(0, head.position), strict=True):
        tree.append(leaf)
        streams.add(str(event.originator_id))
        if event.id in notes:
            found[f"root at {event.id}"] = tree.root().hex()
    found |= {f"checkpoint {size}": hashlib.sha256(note).hexdigest() for size, note in notes.items()}
    found |= {"head": f"{head.position} {head.recorded_at}", "root": tree.root().hex()}
    found["state"] = state_digest(_Folded(m.registry, sorted(streams), progress))
    found |= {f"view {name}": digest for name, digest in stored_digests(m.views).items()}
    found["receipts"] = _heap(log.receipts())
    with m.vault.engine.connect() as db:
        for table in metadata.sorted_tables:
            rows = db.execution_options(yield_per=PAGE).execute(sa.select(table))
            found[f"vault {table.name}"] = _heap(tuple(map(_plain, row)) for row in rows)
    return found


def _heap(rows: Iterator[tuple[object, ...]]) -> str:
    """A digest of rows in whatever order a database gives them: how many, and the sum of their hashes."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.sha256(repr(tuple(row)).encode()).digest(), "big")
    return f"{count} {total % 2**256:064x}"


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


class _Folded(Mapping[str, State]):
    """Every stream's state, folded when it is asked for: one is in memory at a time."""

    def __init__(self, registry: Registry, streams: list[str], progress: Progress) -> None:
        self._registry, self._streams, self._progress, self._done = registry, streams, progress, 0

    def __getitem__(self, name: str) -> State:
        self._done += 1
        if self._done % 100 == 0:
            self._progress(self._done, len(self), "comparing")
        return fold(self._registry.stream(name), STATES)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._streams)

    def __len__(self) -> int:
        return len(self._streams)
