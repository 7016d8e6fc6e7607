"""The golden data folder: a registry as this format has it, kept from now on, that every later program must open.

- tests/golden/store holds the data folder `exempelby/`, its root key in `keys/`, and golden.json: what must come out.
- It holds one meeting from kallelse to sealed minutes, and one key that was destroyed.
- `python -m tests.golden_store` makes it anew. Until the first release that is right whenever a format changes; from
  then on it is never made anew: a new format gets a store of its own beside it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.backup import walk
from api.wiring import Municipality, open_folder
from domain.decider import STATES
from domain.minutes_events import RenderPinned
from registry.digest import fold, state_digest
from registry.files import write_synced
from tests.disposing import contact_destroyed
from tests.house import ROOT
from tests.web import SLUG, Town

STORE = ROOT / "tests" / "golden" / "store"
KEY, GOLDEN = Path("keys") / "root.key", "golden.json"
POSITION: int = json.loads((STORE / GOLDEN).read_text("utf-8"))["position"] if STORE.is_dir() else 0


@dataclass(frozen=True)
class Golden:
    """A copy of a store, for a test to do what it likes with."""

    dir: Path
    root_key: Path
    expected: dict[str, Any]

    @classmethod
    def copied(cls, folder: Path, store: Path = STORE) -> Golden:
        shutil.copytree(store, folder, dirs_exist_ok=True)
        wanted = json.loads((folder / GOLDEN).read_text("utf-8"))
        return cls(folder / SLUG, folder / KEY, wanted)


def expected(m: Municipality) -> dict[str, Any]:
    """What a program that opens the store must find."""
    log = walk(m.dir / "events.db", set())
    pins = [fact.event for fact in m.registry.facts() if isinstance(fact.event, RenderPinned)]
    return {
        "format": 1,
        "position": log.position,
        "root": log.root.hex(),
        "state_digest": state_digest(fold(m.registry.facts(), STATES)),
        "typst": pins[0].render.typst,
        "files": len(log.files),
    }


def make(store: Path) -> None:
    """Play the story into a folder, which is absent."""
    town = Town.settled(store)
    meeting = town.called()
    town.held(meeting)
    minutes = town.minuted(meeting)
    for who, office in (("karin", "chair"), ("per", "justerare")):
        town.passphrase(who)
        town.signed(minutes, who, office)
    gunnar = town.ids["gunnar"]
    town.do(f"persons/{gunnar}/change-contact", email="gunnar@example.org")
    contact_destroyed(town.municipality, gunnar)
    town.react()
    town.municipality.checkpoints.sign(town.clock.now())
    town.close()
    for name in ("events.db", "keys.db"):
        with closing(sqlite3.connect(store / SLUG / name)) as db:
            db.execute("VACUUM")
    (store / SLUG / "views.db").unlink()
    wanted = json.dumps(_expected(store), indent=1).encode() + b"\n"
    write_synced(store / GOLDEN, wanted)


def _expected(store: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(store, folder, dirs_exist_ok=True)
        m = open_folder(Path(folder) / SLUG)
        try:
            return expected(m)
        finally:
            m.close()


def main() -> None:
    """Make the store anew."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "store"
        make(made)
        shutil.rmtree(STORE, ignore_errors=True)
        shutil.copytree(made, STORE)


if __name__ == "__main__":
    main()
