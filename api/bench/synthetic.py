"""A log as long as wanted, of the events that real councils leave behind.

- The pattern is the played year (api/demo): entered through the public interface, signed, sealed and sent. It is
  repeated under new ids, new diary numbers and other years: a council with its people, rules and mandates, then its
  years of meetings, then the next council. Streams are as long as real ones, and every sealed field is sealed anew.
- The envelopes are made by the registry's own mapper and appended by its own recorder; only deciding is left out. What
  the keys' database is given is not synced while a log is made, and making it is in no figure.
- Recorded times follow on the played year's, some seconds apart, so that the log ends before today.
"""

from __future__ import annotations

import copy
import json
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from eventsourcing.persistence import StoredEvent
from pydantic import BaseModel

from api.bench.figures import Tell
from api.demo.show import YEAR, play
from api.settings import Settings, find_root_key
from domain.meeting_events import ItemTakenUp, MeetingClosed, MeetingScheduled
from domain.messages import TOPICS, Actor, Destroyed, Event, Fact, Known, Mandate
from domain.when import Happened
from registry.clock import SystemClock, stamp, unstamp
from registry.fields import dump
from registry.files import Files
from registry.mapper import Draft, read_envelope
from registry.registry import Registry
from registry.sqlite import SQLiteRecorder
from registry.vault import Vault, sqlite_engine

YEARS = 10
BATCH = 2000
APART = timedelta(seconds=15)
SEED = 20240305
PURGED = "Mötet öppnades, och dagordningen fastställdes med de ändringar som framgår nedan."
PERSISTS = ("municipality", "person", "body")
_TOKEN = re.compile(
    r"((?<![0-9a-f])[0-9a-f]{16}(?![0-9a-f])|(?<![0-9])20\d\d(?=-\d\d-\d\d)|(?<=\")[A-Z]{2}\d\d\.\d{3}(?=\"))"
)
_ID = re.compile(r"[0-9a-f]{16}")

Names = dict[str, str]


@dataclass(frozen=True, slots=True)
class Sketch:
    """An event of the pattern, cut where its ids, years and numbers stand."""

    kind: type[Event]
    stream: str
    pieces: tuple[str, ...]
    happened: Happened
    actor: str
    mandate: Mandate
    assurance: str
    command: str
    rules: str

    def drawn(self, names: Names, year: int, numbers: str, version: int, recorded_at: str) -> Draft:
        """The event of another council or year."""

        def other(token: str) -> str:
            if len(token) == 4:
                return str(int(token) - year)
            if "." in token:
                return f"{token[:2]}{int(token[2:4]) - year:02d}.{token[5:]}{numbers}"
            return names.get(token, token)

        def moved(text: str | None) -> str | None:
            return f"{int(text[:4]) - year}{text[4:]}" if text and text[:4].isdecimal() else text

        pieces = list(self.pieces)
        pieces[1::2] = map(other, pieces[1::2])
        kind, _, id = self.stream.partition("-")
        return Draft(
            event=self.kind.model_validate_json("".join(pieces)),
            stream=f"{kind}-{names.get(id, id)}",
            version=version,
            recorded_at=recorded_at,
            happened=Happened(
                moved(self.happened.text) or "",
                moved(self.happened.earliest),
                moved(self.happened.latest),
                self.happened.precision,
            ),
            actor=Actor(names.get(self.actor, self.actor), self._mandate(names), self.assurance),
            command_id=names.get(self.command, self.command),
            rules=self.rules,
        )

    def _mandate(self, names: Names) -> Mandate:
        return Mandate(self.mandate.role, names.get(self.mandate.body, self.mandate.body))


@dataclass(frozen=True, slots=True)
class OpenMeeting:
    """A meeting under way, in which more can be recorded."""

    id: str
    item: int
    secretary: str
    reporter: str
    version: int


class Log:
    """The log in a data folder: the played year, and as many more like it as are asked for."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        shown: Mapping[str, Any] = play(folder, tell, (YEAR,))["municipalities"][0]
        self.dir, self._folder = Path(shown["dir"]), folder
        self._tell, self._ids = tell, random.Random(SEED)  # noqa: S311  # ids of a made-up log; not secrets
        with _writing(self.dir) as registry:
            played = list(registry.recorder.scan())
            facts = [registry.fact(one) for one in played]
            sketches = [_sketch(fact, read_envelope(one)) for fact, one in zip(facts, played, strict=True)]
        first = next(at for at, fact in enumerate(facts) if fact.stream.partition("-")[0] not in PERSISTS)
        # The registry itself and its operator are there once.
        once = {fact.stream for fact in facts if fact.stream.startswith("municipality-")} | {facts[1].stream}
        self._operator = facts[1].stream.partition("-")[2]
        self._council = [one for one in sketches[:first] if one.stream not in once]
        self._year = [one for one in sketches[first:] if one.stream not in once]
        self._facts = facts
        self.played = len(facts)
        self.size, self._recorded = len(facts), unstamp(facts[-1].recorded_at)
        self._versions = Counter(fact.stream for fact in facts)
        self._rest: Iterator[Draft] | None = None

    @contextmanager
    def copied(self) -> Iterator[Log]:
        """This log as it is now, in a folder of its own that is gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="copy-") as place:
            for part in (self.dir, self._folder / "keys"):
                shutil.copytree(part, Path(place) / part.name)
            other = copy.copy(self)
            other.dir, other._versions, other._rest = Path(place) / self.dir.name, self._versions.copy(), None
            yield other

    # --- growing

    def grow(self, size: int) -> None:
        """Go on until the log has at least so many events."""
        if self._rest is None:
            self._rest = self._councils()
        with _writing(self.dir) as registry:
            while self.size < size:
                self._append(registry, self._rest, min(BATCH, size - self.size))
                if self.size % 50_000 < BATCH:
                    self._tell(f"{self.size} events")

    def _append(self, registry: Registry, drafts: Iterator[Draft], count: int) -> None:
        stored: list[StoredEvent] = []
        for draft in drafts:
            stored.append(registry.mapper.to_stored_event(draft))
            if len(stored) == count:
                break
        registry.recorder.insert_events(stored, recorded_at=stamp(self._recorded))
        self.size += len(stored)

    def _councils(self) -> Iterator[Draft]:
        council = 0
        while True:
            council += 1
            standing = self._named(self._council, {})
            # The council is there before its first year.
            yield from self._drafts(self._council, standing, YEARS, f"{council}")
            for year in range(YEARS):
                yield from self._drafts(self._year, self._named(self._year, standing), year, f"{council}")

    def _named(self, sketches: Sequence[Sketch], standing: Names) -> Names:
        """New names for every id in a part of the pattern that has none yet."""
        names = dict(standing)
        for one in sketches:
            for token in (*one.pieces[1::2], one.stream.partition("-")[2], one.command):
                if token not in names and _ID.fullmatch(token):
                    names[token] = f"{self._ids.getrandbits(64):016x}"
        names[self._operator] = self._operator
        return names

    def _drafts(self, sketches: Sequence[Sketch], names: Names, year: int, numbers: str) -> Iterator[Draft]:
        for one in sketches:
            kind, _, id = one.stream.partition("-")
            stream = f"{kind}-{names.get(id, id)}"
            self._versions[stream] += 1
            self._recorded += APART
            yield one.drawn(names, year, numbers, self._versions[stream], stamp(self._recorded))

    # --- meetings under way

    def open_meetings(self, count: int) -> list[OpenMeeting]:
        """New meetings of the played council, each opened and at an item, for its own secretary to go on with."""
        begun = next(at for at, one in enumerate(self._year) if one.kind is MeetingScheduled)
        closed = next(at for at, one in enumerate(self._year) if one.kind is MeetingClosed)
        stream = self._year[begun].stream
        part = [one for one in self._year[begun:closed] if one.stream == stream]
        last = next(fact.event for fact in reversed(self._facts[: self._at(stream, len(part))])
                    if isinstance(fact.event, ItemTakenUp))  # fmt: skip
        meetings = []
        standing = {
            token: token
            for one in (*self._council, *self._year)
            for token in (*one.pieces[1::2], one.command)
            if token != stream.partition("-")[2]
        }
        with _writing(self.dir) as registry:
            for _ in range(count):
                names = self._named(part, standing)
                self._append(registry, self._drafts(part, names, 0, ""), len(part))
                id = names[stream.partition("-")[2]]
                meetings.append(OpenMeeting(id, last.item, part[0].actor, part[0].actor, len(part)))
        return meetings

    def _at(self, stream: str, version: int) -> int:
        return next(
            at for at, fact in enumerate(self._facts, 1) if (fact.stream, fact.version) == (stream, version)
        )


def _sketch(fact: Fact, envelope: Mapping[str, Any]) -> Sketch:
    event = _legible(fact.event)
    data = json.dumps(dump(event, lambda _path, value, _how, _owner: value.value), ensure_ascii=False)
    return Sketch(
        TOPICS[fact.event.TOPIC],
        fact.stream,
        tuple(_TOKEN.split(data)),
        fact.happened,
        fact.actor,
        fact.mandate,
        envelope["assurance"],
        envelope["command_id"],
        envelope["rules"],
    )


def _legible(value: Any) -> Any:
    """An event with other words where its own were purged."""
    match value:
        case Destroyed():
            return Known(PURGED)
        case BaseModel():
            return value.model_copy(update={name: _legible(each) for name, each in value.__dict__.items()})
        case tuple() | list():
            return type(value)(map(_legible, value))
        case dict():
            return {key: _legible(each) for key, each in value.items()}
        case _:
            return value


@contextmanager
def _writing(folder: Path) -> Iterator[Registry]:
    """The registry of a data folder, its keys on a database that does not wait for the disk."""
    settings = Settings.read(folder)
    engine = sqlite_engine(folder / "keys.db", journal="TRUNCATE")

    def hurry(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    sa.event.listen(engine, "connect", hurry)
    vault = Vault(engine, find_root_key(folder, settings))
    recorder = SQLiteRecorder(folder / "events.db")
    registry = Registry(settings.slug, recorder, vault, Files(folder / "files", vault), SystemClock())
    try:
        yield registry
    finally:
        registry.close()
