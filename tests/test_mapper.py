"""The envelope: what is written, what is read back, and that nothing stored wrongly is taken for what was recorded."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from eventsourcing.persistence import Notification, StoredEvent

from domain.messages import TOPICS, Actor, Destroyed, Event, Known, Mandate, Role
from domain.minutes_events import MinutesReturned
from domain.person import ContactChanged, PersonRegistered
from domain.when import parse
from registry.clock import stamp
from registry.mapper import FIELDS, Draft, EnvelopeMapper, EvidenceBroken, read_envelope
from registry.vault import KeyMissing, Vault, keys
from signing.canonical import decode, encode
from signing.commitments import commit, version_root
from tests.given import ident
from tests.stories import example, stream_of

NOW = stamp(datetime(2024, 3, 5, 12, 30, tzinfo=UTC))
ANNA = ident(0xA1)
EVENTS = sorted(TOPICS.values(), key=lambda cls: cls.TOPIC)


@pytest.fixture(scope="module")
def vault() -> Vault:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    return Vault(engine, bytes(32))


@pytest.fixture
def mapper(vault: Vault) -> EnvelopeMapper:
    return EnvelopeMapper("provkommun", vault)


def draft(event: Event, version: int = 1, **changes: Any) -> Draft:
    whole = Draft(
        event=event,
        stream=stream_of(event),
        version=version,
        recorded_at=NOW,
        happened=parse("2024-03-05T13:30"),
        actor=Actor(ident(7), Mandate("secretary", ident(8)), "token"),
        command_id=ident(9),
        rules="ab" * 32,
    )
    return replace(whole, **changes)


def person(name: str = "Anna Ek") -> PersonRegistered:
    return PersonRegistered(person=ANNA, name=Known(name), organisation="Polisen")


def placed(stored: StoredEvent, position: int = 1) -> Notification:
    return Notification(stored.originator_id, stored.originator_version, stored.topic, stored.state, position)


def altered(
    stored: StoredEvent, change: Callable[[dict[str, Any]], object], *, columns: bool = True
) -> StoredEvent:
    """The event with its envelope changed, and its columns with it, as somebody would who can write the database."""
    envelope = json.loads(stored.state)
    change(envelope)
    if not columns:
        return StoredEvent(stored.originator_id, stored.originator_version, stored.topic, encode(envelope))
    return StoredEvent(envelope["stream"], envelope["version"], envelope["topic"], encode(envelope))


# --- what is written


def test_the_envelope(mapper: EnvelopeMapper) -> None:
    stored = mapper.to_stored_event(draft(person()))
    envelope: Any = decode(stored.state)
    assert envelope.keys() == FIELDS
    salt, data = envelope.pop("salt"), envelope.pop("data")
    assert len(bytes.fromhex(salt)) == 16
    assert envelope == {
        "v": 1,
        "municipality": "provkommun",
        "stream": f"person-{ANNA}",
        "version": 1,
        "topic": "person-registered.v1",
        "recorded_at": "2024-03-05T12:30:00.000000Z",
        "happened": {
            "text": "2024-03-05T13:30",
            "earliest": "2024-03-05T13:30",
            "latest": "2024-03-05T13:30",
            "precision": "minute",
        },
        "actor": ident(7),
        "mandate": {"role": "secretary", "body": ident(8)},
        "assurance": "token",
        "command_id": ident(9),
        "rules": "ab" * 32,
    }
    assert data["person"] == ANNA
    assert data["name"].keys() == {"commitment", "key", "sealed"}
    assert (stored.originator_id, stored.originator_version, stored.topic) == (
        f"person-{ANNA}",
        1,
        "person-registered.v1",
    )


def test_two_like_events_have_unlike_bytes(mapper: EnvelopeMapper) -> None:
    """A published leaf hash or commitment cannot be guessed from what is likely to have been written."""
    first, second = (json.loads(mapper.to_stored_event(draft(person())).state) for _ in range(2))
    assert first["salt"] != second["salt"]
    assert first["data"]["name"]["commitment"] != second["data"]["name"]["commitment"]
    assert first["data"]["name"]["sealed"] != second["data"]["name"]["sealed"]
    assert first["data"]["name"]["key"] == second["data"]["name"]["key"]


@pytest.mark.parametrize("cls", EVENTS, ids=[cls.TOPIC for cls in EVENTS])
def test_every_event_comes_back(mapper: EnvelopeMapper, cls: type[Event]) -> None:
    for seed in range(3):
        event = example(cls, random.Random(seed))
        written = draft(event, seed + 1, actor=Actor(ident(7), Mandate(Role.SECRETARY, ident(8)), "token"))
        stored = mapper.to_stored_event(written)
        fact = mapper.to_domain_event(placed(stored, 17))
        # What a save answers is what a reader gets: values, commitments, types and order.
        assert repr(mapper.recorded(written, 17)) == repr(fact)
        assert fact.event == event
        assert (fact.stream, fact.version, fact.position) == (stream_of(event), seed + 1, 17)
        assert (fact.recorded_at, fact.happened) == (NOW, parse("2024-03-05T13:30"))
        assert (fact.actor, fact.mandate) == (ident(7), Mandate("secretary", ident(8)))
        assert encode(decode(stored.state)) == stored.state


def test_a_commitment_is_to_path_salt_and_value(mapper: EnvelopeMapper) -> None:
    envelope = json.loads(mapper.to_stored_event(draft(person(), 3)).state)
    sealed = envelope["data"]["name"]
    disclosed = mapper.disclose(f"person-{ANNA}/3/name", sealed)
    assert disclosed is not None
    salt, value = disclosed
    assert value == "Anna Ek"
    assert sealed["commitment"] == commit(f"person-{ANNA}/3/name", salt, value)
    assert version_root(envelope)


@pytest.mark.parametrize(
    "changes",
    [
        {"stream": "person-Anna Ek"}, {"stream": "person-anna.ek@example.se"}, {"stream": f"body-{ANNA}"},
        {"stream": "person"},
        {"version": 0}, {"actor": Actor("Anna", Mandate("secretary"), "token")},
        {"actor": Actor(ANNA, Mandate("Stora chefen"), "token")},
        {"actor": Actor(ANNA, Mandate("chair", "KS"), "token")},
        {"actor": Actor(ANNA, Mandate("chair"), "by telephone, Anna")}, {"command_id": "x"}, {"rules": "Lerum"},
        {"recorded_at": "2024-03-05"}, {"happened": replace(parse("2024"), text="när Anna fyllde år " * 5)},
        {"happened": replace(parse("2024"), earliest="i våras")},
    ],
)  # fmt: skip
def test_nothing_unbounded_stands_in_the_clear(mapper: EnvelopeMapper, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be recorded"):
        mapper.to_stored_event(draft(person(), **changes))


# --- whose key


def subjects(mapper: EnvelopeMapper, vault: Vault, event: Event, version: int) -> dict[str, tuple[str, str]]:
    envelope = json.loads(mapper.to_stored_event(draft(event, version)).state)
    found = {}
    with vault.engine.connect() as db:
        for name, value in envelope["data"].items():
            if isinstance(value, dict) and "key" in value:
                row = db.execute(sa.select(keys).where(keys.c.id == value["key"])).one()
                found[name] = (row.subject, row.keep)
    return found


def test_keys_are_per_person_and_class(mapper: EnvelopeMapper, vault: Vault) -> None:
    contact = ContactChanged(person=ANNA, email=Known("anna@example.se"))
    assert subjects(mapper, vault, person(), 1) == {"name": (f"person-{ANNA}", "register")}
    assert subjects(mapper, vault, contact, 2) == {"email": (f"person-{ANNA}", "contact")}


def test_working_material_has_a_key_of_its_event(mapper: EnvelopeMapper, vault: Vault) -> None:
    event = MinutesReturned.model_construct(
        minutes=ident(3), version=1, person=ANNA, comment=Known("Fel namn på § 4")
    )
    ((subject, keep),) = subjects(mapper, vault, event, 5).values()
    assert (subject, keep) == (f"minutes-{ident(3)}/5", "working")


# --- what is read


def test_a_destroyed_key_reads_as_destroyed(mapper: EnvelopeMapper, vault: Vault) -> None:
    other = PersonRegistered(person=ident(0xD), name=Known("David Asp"), organisation=None)
    stored = mapper.to_stored_event(draft(other))
    vault.destroy(f"person-{ident(0xD)}", "register", "decision 1")
    fact = mapper.to_domain_event(stored)
    sealed = json.loads(stored.state)["data"]["name"]
    assert isinstance(fact.event, PersonRegistered)
    assert fact.event.name == Destroyed(sealed["commitment"])
    assert str(fact.event.name) == "█████"
    assert mapper.disclose(f"person-{ident(0xD)}/1/name", sealed) is None


def test_a_missing_key_is_an_error(mapper: EnvelopeMapper, vault: Vault) -> None:
    other = PersonRegistered(person=ident(0xE), name=Known("Eva Alm"), organisation=None)
    stored = mapper.to_stored_event(draft(other))
    with vault.engine.begin() as db:
        db.execute(keys.delete().where(keys.c.subject == f"person-{ident(0xE)}"))
    vault._open.clear()
    with pytest.raises(KeyMissing, match="no decision has destroyed it"):
        mapper.to_domain_event(stored)


def set_in(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(envelope: dict[str, Any]) -> None:
        place = envelope
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_in("v", to=2), set_in("v", to=True), set_in("salt", to="x"), set_in("more", to=1),
        set_in("municipality", to="annan"), set_in("version", to=True), set_in("version", to=2),
        set_in("stream", to=f"person-{ident(5)}"), set_in("stream", to=f"body-{ANNA}"),
        set_in("topic", to="contact-changed.v1"), set_in("topic", to="os.system"), set_in("topic", to="unknown.v1"),
        set_in("recorded_at", to="2024-03-05"), set_in("happened", to=None), set_in("happened", "precision", to="x"),
        set_in("happened", "precision", to=[]), set_in("happened", "text", to=1),
        set_in("happened", "latest", to="idag"),
        set_in("happened", "more", to=1), set_in("actor", to=None), set_in("actor", to="Anna"),
        set_in("mandate", to=[]),
        set_in("mandate", "role", to=1), set_in("mandate", "body", to="KS"), set_in("mandate", "more", to="x"),
        set_in("data", to=[]), set_in("data", to={}), set_in("data", "more", to=1), set_in("data", "person", to=1),
        set_in("data", "name", to="Anna Ek"), set_in("data", "name", to=7), set_in("data", "name", to=["x"]),
        set_in("data", "name", "sealed", to="AAAA"), set_in("data", "name", "sealed", to="å"),
        set_in("data", "name", "sealed", to=""), set_in("data", "name", "commitment", to="0" * 64),
        set_in("data", "name", "more", to="x"), set_in("data", "organisation", to={"x": 1}),
    ],
)  # fmt: skip
def test_what_was_not_recorded_is_not_read(
    mapper: EnvelopeMapper, change: Callable[[dict[str, Any]], None]
) -> None:
    """Columns and leaf changed to suit: what is left is the envelope's form, its commitments and its keys."""
    stored = mapper.to_stored_event(draft(person()))
    mapper.to_domain_event(stored)
    with pytest.raises(EvidenceBroken):
        mapper.to_domain_event(altered(stored, change))


def test_a_name_sealed_for_one_place_does_not_open_in_another(mapper: EnvelopeMapper) -> None:
    first, second = (json.loads(mapper.to_stored_event(draft(person(), v)).state) for v in (1, 2))
    second["data"]["name"] = first["data"]["name"]
    moved = StoredEvent(second["stream"], 2, second["topic"], encode(second))
    with pytest.raises(EvidenceBroken, match="does not open"):
        mapper.to_domain_event(moved)


def test_a_value_that_was_not_committed_to(mapper: EnvelopeMapper, vault: Vault) -> None:
    """Whoever has the keys can seal another value; the commitment in the tree then speaks against it."""
    stored = mapper.to_stored_event(draft(person()))
    envelope = json.loads(stored.state)
    _, key = vault.key_for(f"person-{ANNA}", "register")
    for content in (["00" * 16, "Bertil Alm"], ["Bertil Alm"], "Bertil Alm"):
        path, nonce = f"person-{ANNA}/1/name", bytes(12)
        sealed = nonce + key.encrypt(
            nonce, json.dumps(content, separators=(",", ":")).encode(), path.encode()
        )
        envelope["data"]["name"]["sealed"] = base64.b64encode(sealed).decode()
        with pytest.raises(EvidenceBroken, match="not the one committed to"):
            mapper.to_domain_event(StoredEvent(envelope["stream"], 1, envelope["topic"], encode(envelope)))


@pytest.mark.parametrize("name", ["stream", "version", "topic"])
def test_columns_are_copies_of_the_envelope(mapper: EnvelopeMapper, name: str) -> None:
    stored = mapper.to_stored_event(draft(person()))
    other = {"stream": f"person-{ident(5)}", "version": 2, "topic": "person-renamed.v1"}[name]
    with pytest.raises(EvidenceBroken, match="columns"):
        read_envelope(altered(stored, set_in(name, to=other), columns=False))


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b"null", b"{}", b"\xff"])
def test_what_is_no_envelope(mapper: EnvelopeMapper, state: bytes) -> None:
    with pytest.raises(EvidenceBroken):
        mapper.to_domain_event(StoredEvent(f"person-{ANNA}", 1, "person-registered.v1", state))


def test_events_of_another_registry_are_not_read(vault: Vault, mapper: EnvelopeMapper) -> None:
    stored = EnvelopeMapper("annan", vault).to_stored_event(draft(person()))
    with pytest.raises(EvidenceBroken, match="belongs to annan"):
        mapper.to_domain_event(stored)
