"""`liggare upgrade`: make a data folder ready for this version of the program.

- A registry's format is one number: the log carries it in its file, in PostgreSQL in the comment on its table; the keys
  carry it in their table of settings (without one they are of the first format). This program knows format 1, so there
  is nothing to convert. Events are never rewritten by any upgrade: what an event means is pinned by its topic, and an
  old topic is read for ever.
- A folder that a newer program has written is refused before anything is touched: by its format, by a topic that is not
  known here, or by a view of a later version.
- Views whose version is another than this program's are made anew from the events, as are those that do not agree with
  them. Then everything is verified.
- Each step finds out for itself whether it is needed. Stopped anywhere, and run again, it comes to the same end.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.backup import NewerFormat
from api.checking import verify
from api.settings import NotAFolder, Settings, WrongDatabase
from api.stores import KEYS, LOG, VIEWS
from api.wiring import open_folder
from domain.decider import STATES
from domain.messages import TOPICS
from projections.runner import reached
from projections.views import PROJECTIONS
from registry.digest import fold, state_digest
from registry.mapper import EvidenceBroken
from registry.postgres_engine import postgres_engine, server_lost
from registry.postgres_schema import MARK, schema_name
from registry.sqlite import FORMAT
from registry.sqlite_readonly import settled
from registry.vault import meta, readonly_engine

TOPICS_THERE: sa.Select[str] = (
    sa.select(sa.column("topic", sa.Text))
    .select_from(sa.Table("event", sa.MetaData()))
    .distinct()
    .order_by("topic")
)

Progress = Callable[[int, int], None]


def upgrade(folder: Path, progress: Progress = lambda _, __: None) -> dict[str, Any]:
    """Bring a folder up to this program; what was done."""
    folder = folder.resolve()
    found = _standing(folder, Settings.read(folder))
    standing = found.views
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
        "was": min(found.formats.values()),
        "position": head,
        "views": {"changed": changed, "added": added},
        "did": did,
        "state_digest": digest,
        "verified": True,
    }


def _failed(result: dict[str, Any]) -> list[str]:
    return [check["step"] for check in result["checks"] if check["ok"] is False]


@dataclass
class Standing:
    """What lies there before anything is opened for writing: formats and views by the place they were found in."""

    formats: dict[str, int]
    topics: list[str]
    views: dict[str, int]  # name and version


def _standing(folder: Path, settings: Settings) -> Standing:
    """What was written by whichever program was here before; raises NewerFormat if that was a newer one."""
    url = settings.database_url(folder)
    with ExitStack() as stack:
        try:
            found = _in_schema(url, settings.slug, stack) if url else _in_files(folder, stack)
        except (sqlite3.DatabaseError, sa.exc.DatabaseError) as error:
            if server_lost(error):
                raise
            raise EvidenceBroken(f"{folder} cannot be read: {error}") from error
    for what, number in found.formats.items():
        if number > FORMAT:
            raise NewerFormat("newer-format", file=what, found=number, known=FORMAT)
    if unknown := [topic for topic in found.topics if topic not in TOPICS]:
        raise NewerFormat("newer-events", file=next(iter(found.formats)), topics=", ".join(unknown))
    known = {view.name: view.version for view in PROJECTIONS}
    if newer := sorted(name for name, version in found.views.items() if version > known.get(name, version)):
        raise NewerFormat(
            "newer-views", file=schema_name(settings.slug) if url else folder / VIEWS, views=", ".join(newer)
        )
    return found


def _in_files(folder: Path, stack: ExitStack) -> Standing:
    for name in (LOG, KEYS):
        if not (folder / name).is_file():
            raise NotAFolder("not-a-folder", folder=folder, file=name)

    def engine(name: str) -> sa.Engine:
        found = readonly_engine(stack.enter_context(settled(folder / name)))
        stack.callback(found.dispose)
        return found

    with engine(LOG).connect() as db:
        log = int(db.exec_driver_sql("PRAGMA user_version").scalar_one())
        topics = list(db.execute(TOPICS_THERE).scalars())
    views = _views(engine(VIEWS)) if (folder / VIEWS).is_file() else {}
    return Standing({str(folder / LOG): log, str(folder / KEYS): _keys(engine(KEYS))}, topics, views)


def _in_schema(url: str, slug: str, stack: ExitStack) -> Standing:
    engine, schema = postgres_engine(url, slug, readonly=True), schema_name(slug)
    stack.callback(engine.dispose)
    with engine.connect() as db:
        mark = db.execute(
            sa.select(sa.func.obj_description(sa.func.to_regclass(f"{schema}.event"), "pg_class"))
        ).scalar()
        layout = re.fullmatch(MARK.replace("1", r"(\d+)"), mark or "")
        if layout is None:
            raise WrongDatabase("not-a-log", reason=f"the schema {schema} holds no event log")
        topics = list(db.execute(TOPICS_THERE).scalars())
    return Standing({schema: max(int(layout[1]), _keys(engine))}, topics, _views(engine))


def _keys(engine: sa.Engine) -> int:
    with engine.connect() as db:
        row = db.execute(sa.select(meta.c.value).where(meta.c.name == "format")).scalar()
    return int(row) if row is not None else 1


def _views(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as db:
        schema = (db.get_execution_options().get("schema_translate_map") or {}).get(None)
        if not sa.inspect(db).has_table(reached.name, schema=schema):
            return {}
        return {row.projection: row.version for row in db.execute(sa.select(reached))}
