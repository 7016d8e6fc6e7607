"""The state digest: one number for everything the domain knows, taken over states, not over tables.

- State digest v1 is SHA-256 over canonical [stream, state] lines in order of stream name. A state's fields appear as
  folded; a sealed field appears as its commitment, so that destroying its key does not change the digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import Any

from pydantic import BaseModel

from domain.messages import Destroyed, Fact, Known, State
from signing.canonical import JSON, encode

VERSION = 1


def fold(facts: Iterable[Fact], states: Mapping[str, type[State]]) -> dict[str, State]:
    """Every stream's state from the events alone. states: the class for each kind of stream."""
    folded: dict[str, State] = {}
    for fact in facts:
        if (state := folded.get(fact.stream)) is None:
            state = states[fact.stream.partition("-")[0]]()
        folded[fact.stream] = state.evolve(fact)
    return folded


def state_digest(folded: Mapping[str, State]) -> str:
    """The digest (hex) of folded states."""
    digest = hashlib.sha256(b"state digest v1\n")
    for stream in sorted(folded):
        digest.update(encode([stream, plain(folded[stream])]) + b"\n")
    return digest.hexdigest()


def plain(value: Any) -> JSON:
    """A state's value as JSON: sealed fields by commitment, dates as text, maps with text keys."""
    match value:
        case Known() | Destroyed():
            return {"commitment": value.commitment}
        case None | bool() | int():
            return value
        case Enum():
            return str(value.value)
        case str():
            return value
        case date():
            return value.isoformat()
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case dict() | Mapping():
            named = {_key(key): plain(item) for key, item in value.items()}
            if len(named) != len(value):
                raise TypeError("two keys of a map have one name in the digest")
            return named
        case set() | frozenset():
            return sorted((plain(item) for item in value), key=encode)
        case tuple() | list():
            return [plain(item) for item in value]
        case _ if is_dataclass(value):
            return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
        case _:
            raise TypeError(f"a state holds a {type(value).__name__}, which has no place in the digest")


def _key(key: object) -> str:
    if isinstance(key, tuple):
        return "/".join(map(str, key))
    text = str(key)
    return text if text.isascii() else text.encode("unicode_escape").decode()
