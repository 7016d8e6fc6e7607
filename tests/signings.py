"""Minutes that wait for their two signatures, in a data folder on disk, for the tests of signing and sealing.

The folder is made once and copied, so that every test begins at the same place with files of its own, and so that a
restart is what it is in life: closing the folder and opening it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from api.reactions import Reactions
from api.signing_flow import SigningFlow
from api.wiring import Municipality, open_folder
from domain.messages import Event, Fact
from domain.minutes import Minutes
from registry.clock import SimulatedClock
from tests.postgres import Database, known
from tests.web import PASSPHRASE, SLUG, Town

FILES = Database()
OFFICES = {"karin": "chair", "per": "justerare"}


@dataclass
class Waiting:
    """A folder with minutes that are circulated and not yet signed."""

    folder: Path
    minutes: str
    meeting: str
    ids: dict[str, str]
    clock: SimulatedClock
    m: Municipality
    database: Database = FILES
    env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, database: Database = FILES) -> Waiting:
        env = database.new()
        with known(env):
            town = Town.settled(folder)
        meeting = town.called()
        town.held(meeting)
        minutes = town.minuted(meeting)
        for who in OFFICES:
            town.passphrase(who)
        made = cls(folder, minutes, meeting, dict(town.ids), town.clock, town.municipality, database, env)
        town.close()
        return made

    def copied(self, folder: Path) -> Waiting:
        """The same in another place, opened."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        clock, env = SimulatedClock(self.clock.now() + timedelta(minutes=1)), self.database.copy(self.env)
        with known(env):
            m = open_folder(folder / SLUG, clock=clock)
        return replace(self, folder=folder, clock=clock, m=m, env=env)

    def restarted(self) -> Waiting:
        """As after the process ended and was started again."""
        self.m.close()
        self.m = self.beside()
        return self

    def beside(self) -> Municipality:
        """The same folder, opened by another process."""
        with known(self.env):
            return open_folder(self.folder / SLUG, clock=self.clock)

    @property
    def flow(self) -> SigningFlow:
        return SigningFlow(self.m)

    @property
    def state(self) -> Minutes:
        return self.m.registry.get(Minutes, self.minutes)

    def later(self, **time: int) -> datetime:
        moment = self.clock.now() + timedelta(**time)
        self.clock.move_to(moment)
        return moment

    def begin(self, who: str, version: int = 1) -> dict[str, Any]:
        return self.flow.begin(self.minutes, version, OFFICES[who], self.ids[who])

    def resume(self, who: str, signing: str, passphrase: str | None = PASSPHRASE) -> dict[str, Any]:
        return self.flow.resume(signing, self.ids[who], passphrase)

    def sign(self, who: str, version: int = 1) -> dict[str, Any]:
        return self.resume(who, self.begin(who, version)["signing"])

    def react(self) -> int:
        return Reactions(self.m).run()

    def happened(self, kind: type[Event]) -> list[Fact]:
        return [fact for fact in self.m.registry.facts() if isinstance(fact.event, kind)]


def react_elsewhere(folder: Path, env: Mapping[str, str], at: datetime, start: Barrier) -> None:
    """What a worker process of its own does when others are at the same."""
    with known(env):
        m = open_folder(folder / SLUG, clock=SimulatedClock(at))
    try:
        start.wait(60)
        for _ in range(3):
            Reactions(m).run()
    finally:
        m.close()
