"""`liggare restore`: a backup made into a data folder again, and nothing opened before it has been checked.

- Every file is held to the manifest while it is copied. Then what was destroyed after the backup is destroyed again in
  the copied keys, from the lists kept beside the outside checkpoints. Then `liggare verify` has its say. Only then is
  the registry opened, its views made, and the folder given its name. Whatever fails before that leaves nothing behind.
- All of that is done on SQLite, which a backup is in. Into PostgreSQL it is then moved as `liggare move` does it, so no
  key that was destroyed again ever comes near the server. A schema that holds anything is refused.
- The lists are looked for where the registry's outside checkpoints lie and where the backup was taken from, and are
  given with --destroyed. If checkpoints are kept outside and neither that place nor a list is to be had, it is asked
  for; a list that lacks a key which the backup already knows as destroyed is not the whole list, and is refused.
- Beside the lists lie checkpoints. One that is later than the backup proves that events are lost, and they are named by
  position. From there on the log goes another way than that checkpoint: so the old place is left as it is, as the
  proof, and the restored registry keeps its checkpoints in a new one.
- What is lost is told in the log: up to where events are gone, and which keys their decisions had destroyed.
- A signing that began after the backup is forgotten. Tokens are as they were when the backup was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from api.backup import (
    CHECKPOINTS,
    DATA,
    PKI,
    BackupDamaged,
    Copy,
    Log,
    Manifest,
    NewerFormat,
    Progress,
    compare,
    read_notes,
    unfinished,
    walk,
)
from api.checking import verify
from api.faults import Fault
from api.keyroom import read_keys
from api.moving import settle
from api.settings import DATABASE, Settings, WrongDatabase, find_root_key, given_database, read_root_key
from api.stores import KEYS, LOG
from api.wiring import SYSTEM, open_folder
from domain.minutes_events import SigningBegun
from domain.municipality import GoneKey, RecordRestore
from registry import destroyed
from registry.destroyed import Destruction, ListDamaged
from registry.files import write_synced
from registry.mapper import EvidenceBroken
from registry.sqlite import FORMAT
from registry.vault import Vault, keys, sqlite_engine
from signing.checkpoint import Checkpoint


def restore(
    source: Path,
    target: Path,
    root_key: Path | None = None,
    lists: Sequence[Path] = (),
    progress: Progress = lambda _, __: None,
    into: Literal["sqlite", "postgresql"] | None = None,
) -> dict[str, Any]:
    """Make a new data folder of a backup; what was done, and what is lost.

    into: which database; without it the one that the backup was taken from. PostgreSQL's address is LIGGARE_DATABASE.
    """
    source, target = source.resolve(), target.absolute()
    manifest = Manifest.read(source)
    if manifest.data_format > FORMAT:
        raise NewerFormat("newer-format", file=source, found=manifest.data_format, known=FORMAT)
    into = into or manifest.database
    url = given_database() if into == "postgresql" else None
    if into == "postgresql" and url is None:
        raise WrongDatabase("database-missing", variable=DATABASE)
    with unfinished(
        target
    ) as work:  # beside the target: a relative path in the settings leads to the same place
        _copy(source / DATA, work, manifest, progress)
        settings, root = _settings(work, manifest, root_key)
        outside = (work / settings.outside_checkpoints).resolve() if settings.outside_checkpoints else None
        found = _Outside.find(work, settings, root, manifest, outside, lists)
        again = _destroy_again(work, found)
        log = _log(work, manifest, found.notes)
        lost = _lost(log, found.notes)
        if lost and outside and found.reaches(outside) > log.position:
            outside = _another(outside, log.position)
            settings = settings.model_copy(update={"outside_checkpoints": str(outside)})
            settings.write(work)
        missed = [one for one in again if int(one.decision) > log.position]
        _verified(work, {one.key: one.decision for one in missed})
        views = _open(work, settings, root, _to_record(log, lost, missed))
        if outside and not outside.exists():
            _begin_anew(work, outside)
        if url:
            settle(work, settings, url, root)
    return {
        "dir": str(target),
        "database": into,
        "municipality": manifest.municipality,
        "name": manifest.name,
        "made_at": manifest.made_at,
        "position": log.position,
        "root": log.root.hex(),
        "verified": True,
        "views": views,
        "destroyed_again": len(again),
        "lists": [str(path) for path in found.lists],
        "lost": lost,
        "outside_checkpoints": str(outside) if outside else None,
    }


# --- the files


def _copy(source: Path, work: Path, manifest: Manifest, progress: Progress) -> None:
    for place, part in manifest.files.items():
        path = source / place
        if not path.is_file():
            raise BackupDamaged(f"{path} is missing")
        if path.stat().st_size != part.size:
            raise BackupDamaged(f"{path} is {path.stat().st_size} bytes long, not {part.size}")
    for place in (LOG, KEYS):
        if place not in manifest.files:
            raise BackupDamaged(f"the backup holds no {place}")
    Copy(source, work, progress).all(list(manifest.files), manifest.files)
    for name in (CHECKPOINTS, "files"):
        (work / name).mkdir(exist_ok=True)


def _settings(work: Path, manifest: Manifest, root_key: Path | None) -> tuple[Settings, bytes]:
    """The settings, set right for the new place, and the root key, which must be the registry's own."""
    settings = Settings.read(work)
    changed: dict[str, Any] = {}
    if root_key is not None:
        changed["root_key"] = str(root_key.resolve())
    if settings.outside_checkpoints and not (work / settings.outside_checkpoints).is_dir():
        there = (Path(manifest.source) / settings.outside_checkpoints).resolve()
        if there.is_dir():
            changed["outside_checkpoints"] = str(there)
    if changed:
        settings = settings.model_copy(update=changed)
        settings.write(work)
    root = find_root_key(work, settings)
    if root_key is not None and root != read_root_key(root_key):
        raise Fault("two-root-keys", file=root_key)
    Vault.reading(work / KEYS, root).close()
    return settings, root


# --- what is known outside


@dataclass(frozen=True)
class _Outside:
    """What is known outside the backup: the lists read, the keys on them, and the checkpoints beside them."""

    lists: list[Path]
    known: list[Destruction]
    notes: dict[Path, Checkpoint]

    @classmethod
    def find(
        cls,
        work: Path,
        settings: Settings,
        root: bytes,
        manifest: Manifest,
        outside: Path | None,
        given: Sequence[Path],
    ) -> _Outside:
        if outside and not outside.is_dir() and not given:
            raise Fault("list-wanted", folder=outside)
        for path in given:
            if not path.is_file() and not path.is_char_device():
                raise Fault("nothing-there", path=path)
        folders = [Path(manifest.source) / CHECKPOINTS, *([outside] if outside else [])]
        lists = [path.resolve() for path in given]
        lists += [
            path for folder in folders if (path := folder / destroyed.NAME).is_file() and path not in lists
        ]
        keys_known: dict[str, Destruction] = {}
        for path in lists:
            keys_known |= {one.key: one for one in _read(path)}
        notes: dict[Path, Checkpoint] = {}
        keys = read_keys(work / PKI)
        for folder in dict.fromkeys([*folders, *(path.parent for path in lists)]):
            notes |= read_notes(folder, settings.origin, keys)
        if lists or (outside and outside.is_dir()):
            for id in _tombstones(work, root):
                if id not in keys_known:
                    raise Fault("list-not-whole", file=", ".join(map(str, lists)) or str(outside), key=id)
        return cls(lists, list(keys_known.values()), notes)

    def reaches(self, folder: Path) -> int:
        """The length of the log that the checkpoints in a folder vouch for."""
        return max((note.size for path, note in self.notes.items() if path.parent == folder), default=0)


def _read(path: Path) -> list[Destruction]:
    try:
        return destroyed.read(path)
    except ListDamaged as error:
        raise Fault("list-damaged", reason=str(error)) from error


def _tombstones(work: Path, root: bytes) -> list[str]:
    with closing(Vault.reading(work / KEYS, root)) as vault:
        return [one.key for one in vault.tombstones()]


def _destroy_again(work: Path, found: _Outside) -> list[Destruction]:
    """Destroy what was destroyed after the backup, and put it on the restored registry's own list; which keys."""
    own = work / CHECKPOINTS / destroyed.NAME
    known = {one.key: one for one in [*(_read(own) if own.exists() else []), *found.known]}
    engine, again = sqlite_engine(work / KEYS, journal="TRUNCATE", secure=True), []
    try:
        with engine.begin() as db:
            for one in known.values():
                there = keys.c.id == one.key, keys.c.wrapped.is_not(None)
                gone = db.execute(keys.update().where(*there).values(wrapped=None, destroyed_by=one.decision))
                again += [one] * gone.rowcount
    finally:
        engine.dispose()
    if known:
        destroyed.append(own, known.values())
    return again


# --- the log


def _log(work: Path, manifest: Manifest, notes: dict[Path, Checkpoint]) -> Log:
    log = walk(work / LOG, {note.size for note in notes.values()})
    if (log.position, log.root.hex()) != (manifest.position, manifest.root):
        raise BackupDamaged(
            f"the log goes to position {log.position}, and its root is not what the manifest says"
        )
    compare(log, notes)
    return log


def _lost(log: Log, notes: dict[Path, Checkpoint]) -> dict[str, Any] | None:
    newest = max(notes, key=lambda path: notes[path].size, default=None)
    if newest is None or notes[newest].size <= log.position:
        return None
    return {"from": log.position + 1, "to": notes[newest].size, "checkpoint": str(newest)}


def _another(outside: Path, position: int) -> Path:
    """A new place for checkpoints, beside the old one, which is left alone."""
    number, place = 1, outside.with_name(f"{outside.name}-from-{position}")
    while place.exists():
        number += 1
        place = outside.with_name(f"{outside.name}-from-{position}-{number}")
    return place


def _begin_anew(work: Path, outside: Path) -> None:
    """A place outside begins with all that the restored registry has in its own."""
    outside.mkdir(parents=True)
    for path in sorted((work / CHECKPOINTS).iterdir()):
        write_synced(outside / path.name, path.read_bytes())


def _verified(work: Path, lost: Mapping[str, str]) -> None:
    result = verify(work, lost=lost)
    wrong = [f"{check['step']}: {check['detail']}" for check in result["checks"] if check["ok"] is False]
    if wrong or not result["ok"]:
        raise EvidenceBroken("the backup does not verify: " + "; ".join(wrong))


def _to_record(log: Log, lost: dict[str, Any] | None, missed: Sequence[Destruction]) -> RecordRestore | None:
    """What the log is to say of the restore: nothing, unless it lacks something."""
    if lost is None and not missed:
        return None
    gone = [GoneKey(key=one.key, decided=int(one.decision)) for one in missed]
    return RecordRestore(last=log.position, lost_to=lost["to"] if lost else None, gone=gone)


def _open(work: Path, settings: Settings, root: bytes, told: RecordRestore | None) -> int:
    """Open the registry for the first time: record what is lost, make its views, forget signings that began later; how
    many views."""
    m = open_folder(work, root_key=root, placed=(settings, None))
    try:
        if told:
            m.execute_as(told, SYSTEM)
        m.projector.catch_up()
        begun = {fact.event.signing for fact in m.registry.facts() if isinstance(fact.event, SigningBegun)}
        for signing in m.vault.pendings():
            if signing not in begun:
                m.vault.drop_pending(signing)
        return len(m.projector.lag())
    finally:
        m.close()
