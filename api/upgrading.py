"""`liggare upgrade`: make a data folder ready for this version of the program.

- A folder's format is one number: the log carries it in its file, the keys in their table of settings (without one they
  are of the first format). This program knows format 1, so there is nothing to convert. Events are never rewritten by
  any upgrade: what an event means is pinned by its topic, and an old topic is read for ever.
- A folder that a newer program has written is refused before anything is touched: by its format, by a topic that is not
  known here, or by a view of a later version.
- Views whose version is another than this program's are made anew from the events, as are those that do not agree with
  them. Then everything is verified.
- Each step finds out for itself whether it is needed. Stopped anywhere, and run again, it comes to the same end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.backup import KEYS, LOG, NewerFormat
from api.checking import verify
from api.settings import NotAFolder, Settings
from api.stores import files_only
from api.wiring import open_folder
from domain.decider import STATES
from domain.messages import TOPICS
from projections.runner import reached
from projections.views import PROJECTIONS
from registry.digest import fold, state_digest
from registry.mapper import EvidenceBroken
from registry.sqlite import FORMAT
from registry.sqlite_readonly import open_readonly, settled
from registry.vault import meta, readonly_engine

VIEWS = "views.db"

Progress = Callable[[int, int], None]


def upgrade(folder: Path, progress: Progress = lambda _, __: None) -> dict[str, Any]:
    """Bring a folder up to this program; what was done."""
    folder = folder.resolve()
    files_only(folder, Settings.read(folder), "upgrade")
    was = _format(folder)
    standing = _views(folder)
    m = open_folder(folder)  # views of another version begin anew here
    try:
        changed = sorted(
            view.name for view in PROJECTIONS if view.name in standing and standing[view.name] != view.version
        )
        added = sorted(view.name for view in PROJECTIONS if view.name not in standing)
        m.projector.catch_up()
        head = m.registry.recorder.head().position
        did = [what for what, names in (("views-of-another-version", changed), ("new-views", added)) if names]
        result = verify(folder)
        if _failed(result) == ["digest"]:
            m.projector.rebuild(progress=progress)
            did.append("views-that-differed")
            result = verify(folder)
        digest = state_digest(fold(m.registry.facts(), STATES))
    finally:
        m.close()
    if _failed(result):
        wrong = [f"{check['step']}: {check['detail']}" for check in result["checks"] if check["ok"] is False]
        raise EvidenceBroken("; ".join(wrong))
    return {
        "dir": str(folder),
        "format": FORMAT,
        "was": was,
        "position": head,
        "views": {"changed": changed, "added": added},
        "did": did,
        "state_digest": digest,
        "verified": True,
    }


def _failed(result: dict[str, Any]) -> list[str]:
    return [check["step"] for check in result["checks"] if check["ok"] is False]


def _format(folder: Path) -> int:
    """The folder's format; raises NewerFormat, also for events of a kind that is not known here."""
    for name in (LOG, KEYS):
        if not (folder / name).is_file():
            raise NotAFolder("not-a-folder", folder=folder, file=name)
    try:
        with open_readonly(folder / LOG) as db:
            log = int(db.execute("PRAGMA user_version").fetchone()[0])
            topics = [row[0] for row in db.execute("SELECT DISTINCT topic FROM event ORDER BY topic")]
        with settled(folder / KEYS) as file:
            engine = readonly_engine(file)
            try:
                with engine.connect() as found:
                    row = found.execute(sa.select(meta.c.value).where(meta.c.name == "format")).scalar()
            finally:
                engine.dispose()
    except (sqlite3.DatabaseError, sa.exc.DatabaseError) as error:
        raise EvidenceBroken(f"{folder} cannot be read: {error}") from error
    vault = int(row) if row is not None else 1
    for what, number in ((LOG, log), (KEYS, vault)):
        if number > FORMAT:
            raise NewerFormat("newer-format", file=folder / what, found=number, known=FORMAT)
    if unknown := [topic for topic in topics if topic not in TOPICS]:
        raise NewerFormat("newer-events", file=folder / LOG, topics=", ".join(unknown))
    return min(log, vault)


def _views(folder: Path) -> dict[str, int]:
    """Which version each view is of; raises NewerFormat."""
    if not (folder / VIEWS).is_file():
        return {}
    with settled(folder / VIEWS) as file:
        engine = readonly_engine(file)
        try:
            with engine.connect() as db:
                if not sa.inspect(db).has_table(reached.name):
                    return {}
                found = {row.projection: row.version for row in db.execute(sa.select(reached))}
        finally:
            engine.dispose()
    known = {view.name: view.version for view in PROJECTIONS}
    if newer := sorted(name for name, version in found.items() if version > known.get(name, version)):
        raise NewerFormat("newer-views", file=folder / VIEWS, views=", ".join(newer))
    return found
