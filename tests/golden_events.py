"""One stored event of every topic, kept for ever: whatever was recorded once is read by every later version.

A file <topic>.txt has two lines: the envelope's own bytes, and what they mean (canonical JSON, sealed fields opened).
keys.json has the keys of their sealed fields, wrapped under a root key of 32 zero bytes.

`python -m tests.golden_events` writes the files of topics that have none. From the first tagged release on, no file is
ever written anew; until then a changed format is: remove the file, or all of them with keys.json, and run it again.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from eventsourcing.persistence import StoredEvent

from domain import decider
from domain.messages import TOPICS, Actor, Event, Fact, Known, Mandate, Seal
from domain.when import parse
from registry.fields import dump
from registry.mapper import Draft, EnvelopeMapper
from registry.vault import Vault, keys
from signing.canonical import JSON, decode, encode
from signing.log import leaf_hash
from tests.given import ident
from tests.stories import HAPPENED, example, stream_of

FOLDER = Path(__file__).parent / "golden" / "events"
KEYS = FOLDER / "keys.json"
MUNICIPALITY = "provkommun"
TRIES = 40  # examples to choose the fullest from


def paths() -> list[Path]:
    return sorted(FOLDER.glob("*.txt"))


def vault() -> Vault:
    """The vault that opens the kept events."""
    found = Vault(sa.create_engine("sqlite://", poolclass=sa.StaticPool), bytes(32))
    kept = json.loads(KEYS.read_text("ascii")) if KEYS.exists() else {}
    with found.engine.begin() as db:
        for id, wrapped in kept.items():
            db.execute(
                keys.insert().values(id=id, subject=id, keep="preserved", wrapped=bytes.fromhex(wrapped))
            )
    return found


def stored(path: Path) -> tuple[StoredEvent, Any]:
    """A kept event and what it means."""
    state, meaning = path.read_bytes().splitlines()
    envelope: Any = decode(state)
    return StoredEvent(envelope["stream"], envelope["version"], envelope["topic"], state), decode(meaning)


def meaning(fact: Fact, state: bytes) -> dict[str, Any]:
    """All that an event says, in plain values."""
    return {
        "leaf": leaf_hash(state).hex(),
        "stream": fact.stream,
        "version": fact.version,
        "recorded_at": fact.recorded_at,
        "happened": [
            fact.happened.text,
            fact.happened.earliest,
            fact.happened.latest,
            str(fact.happened.precision),
        ],
        "actor": fact.actor,
        "mandate": list(fact.mandate),
        "event": dump(fact.event, _opened),
    }


def _opened(_path: str, value: Known, how: Seal, _owner: object) -> JSON:
    return {"sealed": how.kind, "says": value.value}


def _new(mapper: EnvelopeMapper, cls: type[Event]) -> tuple[StoredEvent, Fact]:
    """The fullest of some examples of a class, stored and read back."""
    rng = random.Random(cls.TOPIC)
    events = [example(cls, rng) for _ in range(TRIES)]
    event = max(events, key=lambda one: len(repr(one)))
    state = mapper.to_stored_event(
        Draft(
            event=event,
            stream=stream_of(event),
            version=rng.randint(1, 9),
            recorded_at="2024-03-05T12:30:00.000001Z",
            happened=parse(rng.choice(HAPPENED)),
            actor=Actor(ident(7), Mandate("secretary", ident(8)), "token"),
            command_id=ident(9),
            rules="ab" * 32,
        )
    )
    return state, mapper.to_domain_event(state)


def write() -> None:
    """Write what is not there yet."""
    assert decider.MODULES  # every topic is known once its module is read
    FOLDER.mkdir(parents=True, exist_ok=True)
    opened = vault()
    mapper = EnvelopeMapper(MUNICIPALITY, opened)
    for topic, cls in sorted(TOPICS.items()):
        path = FOLDER / f"{topic}.txt"
        if not path.exists():
            state, fact = _new(mapper, cls)
            path.write_bytes(state.state + b"\n" + encode(meaning(fact, state.state)) + b"\n")
    with opened.engine.connect() as db:
        rows = db.execute(sa.select(keys.c.id, keys.c.wrapped).order_by(keys.c.id)).all()
    KEYS.write_text(json.dumps({row.id: row.wrapped.hex() for row in rows}, indent=1) + "\n", "ascii")


if __name__ == "__main__":
    write()
