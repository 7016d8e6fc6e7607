"""What somebody could do who holds all of a registry's keys: tell another story, or change one event, and sign it all.

- Two stories that part at a dissent are told in two copies of one folder, so under the same keys: the second is the
  first with its dissent altered and everything after it made again.
- An event is changed in a finished log: its row, its leaf, every checkpoint in the database and beside it, the views.
  What has been signed over the minutes stays as it was.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from api.app import create_app
from api.stamping import stamp_newest
from api.wiring import Municipality, open_folder
from domain.meeting_events import DissentRecorded
from domain.messages import Actor, Known
from registry.clock import SimulatedClock
from registry.files import write_synced
from registry.mapper import Draft, read_envelope
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.log import Tree, leaf_hash
from tests.web import SLUG, Town

VIEW = "Rapporten räcker inte."
OTHER_VIEW = "Rapporten räcker gott."


@dataclass
class Called:
    """A folder in which a meeting has been called, closed, to be told on in copies."""

    folder: Path
    town: Town
    meeting: str

    @classmethod
    def make(cls, folder: Path) -> Called:
        town = Town.settled(folder)
        for who in ("karin", "per"):
            town.passphrase(who)
        meeting = town.called()
        town.close()
        return cls(folder, town, meeting)

    def told(self, folder: Path, view: str = VIEW) -> Path:
        """The data folder of a copy in which the meeting was held with this dissent, minuted, signed and sealed."""
        town, minutes = self._minuted(folder, view)
        town.signed(minutes, "karin", "chair")
        town.signed(minutes, "per", "justerare")
        town.react()
        town.municipality.projector.catch_up()
        town.close()
        return folder / SLUG

    def minuted(self, folder: Path) -> tuple[Path, str]:
        """The data folder of a copy in which the minutes wait for their signatures, and their id."""
        town, minutes = self._minuted(folder, VIEW)
        town.close()
        return folder / SLUG, minutes

    def _minuted(self, folder: Path, view: str) -> tuple[Town, str]:
        shutil.copytree(self.folder, folder)
        clock = SimulatedClock(self.town.clock.now())
        municipality = open_folder(folder / SLUG, clock=clock)
        app = create_app({SLUG: municipality})
        town = _Retold(municipality, clock, app, TestClient(app), self.town.tokens, self.town.ids)
        town.view = view
        town.held(self.meeting)
        return town, town.minuted(self.meeting)


class _Retold(Town):
    """A town where the dissent is another."""

    view = VIEW

    def do(self, path: str, who: str = "operator", **body: Any) -> dict[str, Any]:
        if path.endswith("/record-dissent"):
            body["view"] = self.view
        return super().do(path, who, **body)


def alter_dissent(folder: Path, view: str = OTHER_VIEW) -> None:
    """Change the dissent's event alone, and make everything valid again but what is signed over the minutes."""
    municipality = open_folder(folder)
    try:
        position, envelope = _forged(municipality, view)
        notes = _resigned(municipality, {position: leaf_hash(envelope)})
    finally:
        municipality.close()
    with closing(sqlite3.connect(folder / "events.db", isolation_level=None)) as db:
        db.execute(
            "UPDATE event SET envelope = ?, leaf = ? WHERE position = ?",
            (envelope, leaf_hash(envelope), position),
        )
        for size, note in notes.items():
            db.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (note, size))
            write_synced(folder / "checkpoints" / f"{size:012}.note", note)
    municipality = open_folder(folder)
    try:
        municipality.projector.rebuild(None)
        for stamped in (folder / "checkpoints").glob("*.tst"):
            stamped.unlink()
        stamp_newest(municipality)
    finally:
        municipality.close()


def _forged(municipality: Municipality, view: str) -> tuple[int, bytes]:
    registry = municipality.registry
    fact = next(fact for fact in registry.facts() if isinstance(fact.event, DissentRecorded))
    stored = registry.stored(fact.position)
    assert stored is not None
    envelope = read_envelope(stored)
    draft = Draft(
        event=fact.event.model_copy(update={"view": Known(view)}),
        stream=fact.stream,
        version=fact.version,
        recorded_at=fact.recorded_at,
        happened=fact.happened,
        actor=Actor(fact.actor, fact.mandate, envelope["assurance"]),
        command_id=envelope["command_id"],
        rules=envelope["rules"],
    )
    return fact.position, registry.mapper.to_stored_event(draft).state


def _resigned(municipality: Municipality, changed: dict[int, bytes]) -> dict[int, bytes]:
    """Every checkpoint again, over the leaves as they are to be."""
    recorder = municipality.registry.recorder
    leaves = [changed.get(position, leaf) for position, leaf in enumerate(recorder.leaves(), 1)]
    notes = {}
    for size, _ in recorder.checkpoints():
        tree = Tree()
        tree.extend(leaves[:size])
        checkpoint = Checkpoint(municipality.settings.origin, size, tree.root())
        notes[size] = sign_checkpoint(
            checkpoint, municipality.keys.log_signers, municipality.registry.clock.now()
        )
    return notes
