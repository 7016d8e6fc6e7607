"""Events to the bytes that are kept for ever, and back.

- The stored state of an event is its whole canonical envelope; the Merkle leaf hashes exactly these bytes. The columns
  beside it are copies for look-up, compared with the envelope at every read.
- Topics are looked up in our own table. A row never names code to import.
- What stands in the clear is bounded: random ids, numbers, codes and date expressions. A stream's name begins with the
  kind of its events.
- Sealed fields: {"commitment", "key", "sealed"}: the commitment to (path, salt, value), the key's id, and salt and
  value under AES-256-GCM with the path as associated data.
"""

from __future__ import annotations

import base64
import re
import secrets
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from eventsourcing.persistence import JSONTranscoder, Mapper, Notification, StoredEvent
from pydantic import ValidationError

from domain.messages import TOPICS, Actor, Destroyed, Event, Fact, Keep, Known, Mandate, Seal
from domain.when import Happened, Precision
from registry.fields import committed, dump, load, plan
from registry.quick import decode, encode
from registry.recorder import EvidenceBroken as EvidenceBroken  # noqa: PLC0414  # what the mapper raises is found here
from registry.vault import Vault
from signing.canonical import JSON

VERSION = 1
FIELDS = frozenset(
    "v salt municipality stream version topic recorded_at happened actor mandate assurance command_id rules"
    " data".split()
)
_CODE = r"[a-z0-9][a-z0-9+-]{0,63}"
_FORMS = {
    "salt": re.compile(r"[0-9a-f]{32}"),
    "municipality": re.compile(_CODE),
    "stream": re.compile(r"[a-z]+-[a-z0-9-]{1,80}"),
    "topic": re.compile(r"[a-z][a-z-]*\.v[1-9][0-9]*"),
    "recorded_at": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII),
    "actor": re.compile(r"[0-9a-f]{16}|system"),
    "assurance": re.compile(_CODE),
    "command_id": re.compile(r"[0-9a-f]{16}"),
    "rules": re.compile(r"([0-9a-f]{64})?"),
}
# Both as one text, since most are sound: no form has room for a line break.
_singles = itemgetter(*_FORMS)
_ALL = re.compile("\n".join(f"(?:{form.pattern})" for form in _FORMS.values()), re.ASCII)
_MANDATE = {"role": re.compile(f"({_CODE})?"), "body": re.compile(r"([0-9a-f]{16})?")}
_BOUND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
_PRECISIONS = {str(one): one for one in Precision}
_HAPPENED = frozenset("text earliest latest precision".split())


@dataclass(slots=True)
class Draft:
    """An event on its way into the log, with everything its envelope says about it.

    recorded_at may be set as late as when the event is encoded; sealing, which can take a new key, does not need it.
    """

    event: Event
    stream: str
    version: int
    recorded_at: str
    happened: Happened
    actor: Actor
    command_id: str
    rules: str = ""
    data: dict[str, JSON] | None = field(default=None, init=False)  # sealed
    commitments: dict[str, str] = field(
        default_factory=dict, init=False
    )  # of its sealed fields, by their paths

    @property
    def originator_id(self) -> str:
        return self.stream

    @property
    def originator_version(self) -> int:
        return self.version


class EnvelopeMapper(Mapper[str]):
    """Maps a Draft to a stored event, and a stored event to a Fact."""

    def __init__(self, municipality: str, vault: Vault) -> None:
        super().__init__(JSONTranscoder())
        self.municipality, self._vault = municipality, vault
        for cls in TOPICS.values():  # what may not stand in the clear fails here, before anything is written
            plan(cls)

    def to_stored_event(self, draft: Draft) -> StoredEvent:  # type: ignore[override]  # a Draft has what it asks for
        envelope: dict[str, JSON] = {
            "v": VERSION,
            "salt": secrets.token_hex(16),
            "municipality": self.municipality,
            "stream": draft.stream,
            "version": draft.version,
            "topic": draft.event.TOPIC,
            "recorded_at": draft.recorded_at,
            "happened": {
                "text": draft.happened.text,
                "earliest": draft.happened.earliest,
                "latest": draft.happened.latest,
                "precision": str(draft.happened.precision),
            },
            "actor": draft.actor.person,
            "mandate": {"role": draft.actor.mandate.role, "body": draft.actor.mandate.body},
            "assurance": draft.actor.assurance,
            "command_id": draft.command_id,
            "rules": draft.rules,
            "data": self.seal(draft),
        }
        if fault := _fault(envelope):
            raise ValueError(f"{draft.stream}/{draft.version} cannot be recorded: {fault}")
        return StoredEvent(draft.stream, draft.version, draft.event.TOPIC, encode(envelope))

    def to_domain_event(self, stored: StoredEvent) -> Fact:  # type: ignore[override]  # a Fact, not a library event
        return self.opened(stored)[0]

    def opened(self, stored: StoredEvent) -> tuple[Fact, dict[str, Any]]:
        """The fact and the envelope of a stored event; raises EvidenceBroken."""
        envelope = read_envelope(stored)
        if envelope["municipality"] != self.municipality:
            raise EvidenceBroken(
                f"{stored.originator_id}/{stored.originator_version}: the event belongs to "
                f"{envelope['municipality']}, not to {self.municipality}"
            )
        happened, mandate = envelope["happened"], envelope["mandate"]
        fact = Fact(
            event=self._open(envelope),
            stream=str(stored.originator_id),
            version=stored.originator_version,
            position=stored.id if isinstance(stored, Notification) else 0,
            recorded_at=envelope["recorded_at"],
            happened=Happened(
                happened["text"],
                happened["earliest"],
                happened["latest"],
                _PRECISIONS[happened["precision"]],
            ),
            actor=envelope["actor"],
            mandate=Mandate(mandate["role"], mandate["body"]),
        )
        return fact, envelope

    def recorded(self, draft: Draft, position: int) -> Fact:
        """What reading gives of a draft that now stands at a position, without opening it."""
        return Fact(
            event=committed(draft.event, draft.commitments),
            stream=draft.stream,
            version=draft.version,
            position=position,
            recorded_at=draft.recorded_at,
            happened=draft.happened,
            actor=draft.actor.person,
            mandate=Mandate(str(draft.actor.mandate.role), draft.actor.mandate.body),
        )

    def seal(self, draft: Draft) -> dict[str, JSON]:
        """The draft's fields, sealed at the first call."""
        if draft.data is None:
            draft.data = self._seal(draft)
        return draft.data

    def _seal(self, draft: Draft) -> dict[str, JSON]:
        base = f"{draft.stream}/{draft.version}"

        def seal(field: str, value: Known, how: Seal, owner: Any) -> JSON:
            path, salt = f"{base}/{field}", secrets.token_hex(16)
            id, key = self._vault.key_for(_subject(how, owner, draft.stream, draft.version), how.keep)
            nonce = secrets.token_bytes(12)
            plain = encode([salt, value.value])
            sealed = nonce + key.encrypt(nonce, plain, path.encode())
            commitment = draft.commitments[field] = _commit(path, plain)
            return {
                "commitment": commitment,
                "key": id,
                "sealed": base64.b64encode(sealed).decode(),
            }

        return dump(draft.event, seal)

    def _open(self, envelope: Mapping[str, Any]) -> Event:
        base = f"{envelope['stream']}/{envelope['version']}"
        try:
            cls = TOPICS[envelope["topic"]]
        except KeyError:
            raise EvidenceBroken(
                f"{base}: the topic {envelope['topic']!r} is not known to this version"
            ) from None
        try:
            return load(
                cls, envelope["data"], lambda field, sealed: self._unseal(f"{base}/{field}", sealed)[0]
            )
        except (ValidationError, AttributeError, KeyError, TypeError) as error:
            raise EvidenceBroken(f"{base}: the data do not fit the topic {cls.TOPIC}: {error}") from error

    def _unseal(self, path: str, sealed: Mapping[str, str]) -> tuple[Known | Destroyed, str]:
        key = self._vault.key(sealed["key"])
        if isinstance(key, Destroyed):
            return Destroyed(sealed["commitment"]), ""
        try:
            data = a2b_base64(sealed["sealed"], strict_mode=True)
            plain = key.decrypt(data[:12], data[12:], path.encode())
            opened = decode(plain)
        except (InvalidTag, ValueError) as error:
            raise EvidenceBroken(f"{path}: the sealed field does not open with its key") from error
        match opened:
            case [str(salt), str(value)] if _commit(path, plain) == sealed["commitment"]:
                return Known(value, sealed["commitment"]), salt
            case _:
                raise EvidenceBroken(f"{path}: the sealed value is not the one committed to")

    def disclose(self, path: str, sealed: Mapping[str, str]) -> tuple[str, str] | None:
        """(salt, value) of a sealed field, for a disclosure in a copy; None if it is destroyed."""
        value, salt = self._unseal(path, sealed)
        return (salt, value.value) if isinstance(value, Known) else None


def _commit(path: str, plain: bytes) -> str:
    """The commitment to a path with the canonical [salt, value]: what signing.commitments.commit gives, from bytes."""
    return sha256(b"\x02[" + encode_basestring(path).encode() + b"," + plain[1:]).hexdigest()


def _subject(how: Seal, owner: Any, stream: str, version: int) -> str:
    if how.of == "stream":
        return stream
    if how.of == "event" or how.keep is Keep.WORKING:
        return f"{stream}/{version}"
    person = getattr(owner, how.of, None)
    # A person who is not in the register has no key of their own: the document's key covers the field.
    return f"person-{person}" if person else stream


def sealed_under(envelope: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Of each sealed field of an event: the key's id, and the subject and class whose key that was to be."""
    ids: dict[str, str] = {}
    found: list[tuple[str, str, str]] = []

    def remember(field: str, sealed: Mapping[str, str]) -> Known:
        ids[field] = sealed["key"]
        return Known("", sealed["commitment"])

    def under(field: str, _: Known, how: Seal, owner: Any) -> JSON:
        subject = _subject(how, owner, envelope["stream"], envelope["version"])
        found.append((ids[field], subject, how.keep))
        return None

    dump(load(TOPICS[envelope["topic"]], envelope["data"], remember), under)
    return found


def read_envelope(stored: StoredEvent) -> dict[str, Any]:
    """The envelope of a stored event, its columns compared; raises EvidenceBroken."""
    where = f"{stored.originator_id}/{stored.originator_version}"
    try:
        envelope: Any = orjson.loads(stored.state)
    except orjson.JSONDecodeError as error:
        raise EvidenceBroken(f"{where}: the envelope is not JSON") from error
    if not isinstance(envelope, dict) or envelope.keys() != FIELDS:
        raise EvidenceBroken(f"{where}: the envelope has other fields than version {VERSION} has")
    if fault := _fault(envelope):
        raise EvidenceBroken(f"{where}: {fault}")
    columns = (stored.originator_id, stored.originator_version, stored.topic)
    if columns != (envelope["stream"], envelope["version"], envelope["topic"]):
        raise EvidenceBroken(f"{where}: the columns {columns} differ from the envelope")
    return dict(envelope)


def _fault(envelope: Mapping[str, Any]) -> str:
    """What in an envelope is not of its form, in words; empty for a sound one."""
    if type(envelope["v"]) is not int or envelope["v"] != VERSION:
        return f"the envelope's version is {envelope['v']!r}, not {VERSION}"
    if type(envelope["version"]) is not int or envelope["version"] < 1:
        return f"{envelope['version']!r} is no version of a stream"
    singles = _singles(envelope)
    if not (all(type(one) is str for one in singles) and _ALL.fullmatch("\n".join(singles))):
        for name, form in _FORMS.items():
            if not isinstance(envelope[name], str) or not form.fullmatch(envelope[name]):
                return f"{name} is not of its form"
    mandate, happened = envelope["mandate"], envelope["happened"]
    if not isinstance(mandate, dict) or mandate.keys() != _MANDATE.keys():
        return "mandate is not of its form"
    if not all(
        isinstance(mandate[name], str) and form.fullmatch(mandate[name]) for name, form in _MANDATE.items()
    ):
        return "mandate is not of its form"
    if not isinstance(happened, dict) or happened.keys() != _HAPPENED or not _is_reading(happened):
        return "happened is not of its form"
    if not isinstance(envelope["data"], dict):
        return "data is not of its form"
    cls = TOPICS.get(envelope["topic"])
    if cls is not None and envelope["stream"].partition("-")[0] != cls.STREAM:
        return f"{envelope['topic']} does not belong in the stream {envelope['stream']}"
    return ""


def _is_reading(happened: Mapping[str, Any]) -> bool:
    bounds = happened["earliest"], happened["latest"]
    return (
        isinstance(happened["text"], str)
        and len(happened["text"]) <= 80
        and isinstance(happened["precision"], str)
        and happened["precision"] in _PRECISIONS
        and all(bound is None or (isinstance(bound, str) and _BOUND.fullmatch(bound)) for bound in bounds)
    )
