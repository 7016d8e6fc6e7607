"""A registry's day in stages, which can be stopped anywhere and done again: what the tests of faults let happen.

- Each stage asks first what there is, as a client that lost its answer would: with the same idempotency key, the same
  signing, the same place for a backup. A stage that has been done does nothing more when it is done again.
- Whatever was answered is written into the diary, which no fault touches: `event POSITION SHA256` for each event of
  a save that has returned, and `answer WHAT VALUE` for the rest. Each line is one write, made when the answer is in
  hand and not before.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from api.backup import back_up
from api.reactions import Reactions
from api.signing_flow import SigningFlow
from api.wiring import Municipality, open_folder
from domain.afterwards import SendMinutes
from domain.disposal import DECISIONS
from domain.document import Document, RegisterDocument
from domain.kallelse import Addressee
from domain.messages import Command, fresh_id, stream
from domain.minutes import Minutes
from domain.person import ChangeContact, RegisterPerson
from registry.clock import SimulatedClock, unstamp
from registry.destroying import destroy
from registry.recorder import LogRecorder
from registry.registry import Once, Registry, Saved
from registry.sqlite import SQLiteRecorder
from tests.disposing import PLAN, dispose_contact
from tests.signings import OFFICES, Waiting
from tests.web import PASSPHRASE, SLUG

PERSONS = ("Astrid Lund", "Börje Öman", "Cecilia Å")
PAPER = b"en inkommen handling\n" * 60_000  # more than one chunk
DIARY = "diary"


@dataclass
class Place:
    """Where a day goes on: a data folder, the diary beside it, and what the story is about."""

    folder: Path
    minutes: str
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, waiting: Waiting) -> Place:
        return cls(waiting.folder, waiting.minutes, waiting.ids)

    @property
    def dir(self) -> Path:
        return self.folder / SLUG

    @property
    def diary(self) -> Path:
        return self.folder / DIARY

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    @property
    def ended(self) -> bool:
        """Whether the processes that attend to it are to end. A file: a lock would die with one that is killed."""
        return (self.folder / "ended").exists()

    def end(self) -> None:
        (self.folder / "ended").touch()

    def copied(self, folder: Path) -> Place:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return replace(self, folder=folder)

    def opened(self) -> Municipality:
        """Its registry, on a clock that goes on a minute after the last event."""
        log = SQLiteRecorder(self.dir / "events.db")
        last = unstamp(log.head().recorded_at)
        log.close()
        return open_folder(self.dir, clock=SimulatedClock(last + timedelta(minutes=1)))

    def dumped(self) -> str:
        """As a word on a command line."""
        return json.dumps({"folder": str(self.folder), "minutes": self.minutes, "ids": self.ids})

    @classmethod
    def loaded(cls, dumped: str) -> Place:
        found = json.loads(dumped)
        return cls(Path(found["folder"]), found["minutes"], found["ids"])

    # --- the diary
    def note(self, line: str) -> None:
        diary = os.open(self.diary, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(diary, f"{line}\n".encode())
        os.close(diary)

    def answer(self, what: str, value: object) -> None:
        if self.answered(what) is None:
            self.note(f"answer {what} {value}")

    def answered(self, what: str) -> str | None:
        """What was answered, or None if no answer came."""
        return self.answers().get(what)

    def answers(self) -> dict[str, str]:
        return {line[1]: line[2] for line in self._lines() if line[0] == "answer"}

    def events(self) -> dict[int, str]:
        """The SHA-256 of every event that was acknowledged."""
        return {int(line[1]): line[2] for line in self._lines() if line[0] == "event"}

    def _lines(self) -> list[list[str]]:
        return [line.split() for line in self.diary.read_text().splitlines()] if self.diary.exists() else []


def acknowledge(registry: Registry, note: Callable[[str], None]) -> None:
    """Note every event of this registry when the save that made it has returned."""
    execute = registry.execute

    def noting(*given: Any, **more: Any) -> Saved:
        saved = execute(*given, **more)
        for line in noted(registry.recorder, saved):
            note(line)
        return saved

    registry.execute = noting  # type: ignore[method-assign]  # what a caller of this one sees, written down


def noted(recorder: LogRecorder, saved: Saved) -> list[str]:
    found = [recorder.select_notifications(fact.position, 1)[0] for fact in saved.facts]
    return [f"event {one.id} {sha256(one.state).hexdigest()}" for one in found]


# --- the stages


def enter(place: Place, m: Municipality) -> None:
    """Persons with contact data, a document, and the destruction of one person's contact data."""
    for number, name in enumerate(PERSONS):
        saved = _asked(m, place, f"person-{number}", RegisterPerson(name=name))
        person = str(getattr(saved.facts[0].event, "person", ""))
        place.answer(f"person-{number}", person)
        contact = ChangeContact(person=person, email=f"n{number}@example.org")
        _asked(m, place, f"contact-{number}", contact)
        if number == 0:
            _asked(m, place, "plan", PLAN)
            (decided,) = _asked(m, place, "disposal", dispose_contact(person)).facts
            assert isinstance(decided.event, DECISIONS)
            destroy(m.vault, decided.event, decided.position)
            place.answer("destroyed", person)
    if place.answered("document") is None:
        document = fresh_id()
        file = m.files.put(stream(Document, document), "preserved", PAPER)
        place.answer("file", file)
        command = RegisterDocument(
            document=document, title="Handling", media_type="text/plain", size=len(PAPER), file=file,
            direction="incoming",
        )  # fmt: skip
        saved = _asked(m, place, "document", command)
        place.answer("document", getattr(saved.facts[0].event, "file", ""))


def sign(place: Place, m: Municipality) -> None:
    """The print, and both signatures."""
    Reactions(m).run()
    flow = SigningFlow(m)
    for who, office in OFFICES.items():
        if office in m.registry.get(Minutes, place.minutes).approved_by:
            continue
        if (signing := place.answered(f"begun-{office}")) is None:
            signing = str(flow.begin(place.minutes, 1, office, place.ids[who])["signing"])
            place.answer(f"begun-{office}", signing)
        done = flow.resume(signing, place.ids[who], PASSPHRASE)
        assert done["status"] == "done", done
        place.answer(f"signed-{office}", done["position"])


def seal(place: Place, m: Municipality) -> None:
    """The seal, and the checkpoint that follows on it."""
    Reactions(m).run()
    note = m.checkpoints.sign(m.registry.now())
    place.answer("checkpoint", note.split(b"\n")[1].decode())


def hand_over(place: Place, m: Municipality) -> None:
    """The sealed minutes are sent to the members, the views are made again, and a backup is taken."""
    everyone = [Addressee(person=place.ids[who]) for who in ("karin", "per", "farida")]
    sent = _asked(m, place, "sent", SendMinutes(minutes=place.minutes, recipients=everyone), "sofia")
    place.answer("sent", sent.position)
    m.projector.catch_up()
    m.projector.rebuild()
    place.answer("rebuilt", m.registry.recorder.head().position)
    if not place.backup.exists():
        made = back_up(place.dir, place.backup)
        place.answer("backup", made["position"])


STAGES: dict[str, Callable[[Place, Municipality], None]] = {
    "enter": enter,
    "sign": sign,
    "seal": seal,
    "hand-over": hand_over,
}


def _asked(m: Municipality, place: Place, key: str, command: Command, who: str = "sofia") -> Saved:
    """A command as it comes over HTTP, with an idempotency key of its own."""
    person = place.ids[who]
    return m.execute(command, person, "token", once=Once(person, "POST", key, key.encode()))
