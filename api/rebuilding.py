"""`liggare rebuild`: the views made again from the events.

- The views prove nothing: what cannot even be opened is put aside and made anew beside the log, which is not touched.
- Rebuilding has no effects: nothing is sent, signed or fetched by it.
- What was served before a rebuild is kept until the next: the rebuild can be taken back, or what is kept be forgotten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.faults import BadRequest
from api.settings import Settings
from api.wiring import open_folder
from projections.runner import Projector
from projections.views import PROJECTIONS

VIEWS = "views.db"
SIDE_FILES = ("", "-wal", "-shm", "-journal")


def rebuild(
    folder: Path, names: Sequence[str] | None, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """Make views again, all of them if none is named; their names and the position they have reached."""
    known = [one.name for one in PROJECTIONS]
    for name in names or ():
        if name not in known:
            raise BadRequest("unknown-view", view=name, views=", ".join(known))
    Settings.read(folder)
    file = folder / VIEWS
    try:
        return _rebuild(folder, names, progress)
    except sa.exc.DatabaseError:
        if not file.is_file() or _sound(file):
            raise
    _put_aside(file)
    return _rebuild(folder, None, progress)


def take_back(folder: Path) -> dict[str, Any]:
    """Serve again what was served before the last rebuild of each view, brought up to date."""
    return _settle(folder, Projector.back)


def forget(folder: Path) -> dict[str, Any]:
    """Drop what was served before the last rebuild of each view."""
    return _settle(folder, Projector.forget)


def _settle(folder: Path, how: Callable[[Projector], list[str]]) -> dict[str, Any]:
    Settings.read(folder)
    municipality = open_folder(folder)
    try:
        names = how(municipality.projector)
        return {"position": municipality.registry.recorder.head().position, "views": names}
    finally:
        municipality.close()


def _rebuild(
    folder: Path, names: Sequence[str] | None, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    municipality = open_folder(folder)
    try:
        head = municipality.registry.recorder.head().position
        municipality.projector.rebuild(names, progress)
        return {"position": head, "views": sorted(names or municipality.projector.lag())}
    finally:
        municipality.close()


def _sound(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file)) as db:
            return bool(db.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _put_aside(file: Path) -> None:
    number = 1
    while file.with_name(f"{VIEWS}.damaged-{number}").exists():
        number += 1
    for side in SIDE_FILES:
        part = file.with_name(VIEWS + side)
        if part.exists():
            part.rename(file.with_name(f"{VIEWS}.damaged-{number}{side}"))
