"""The state digest: one number for what the domain knows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from domain.decider import STATES
from domain.messages import Destroyed, Fact, Known, SourcePart, State
from domain.person import PersonRegistered
from registry.digest import fold, plain, state_digest
from tests.given import ident
from tests.stories import DAVID, registry, year

KNOWN, DESTROYED = Known("Anna", "c" * 64), Destroyed("c" * 64)


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any = None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (Size.SMALL, 1),
        (Colour.RED, "red"),
        ("å", "å"),
        (date(2024, 3, 5), "2024-03-05"),
        (KNOWN, {"commitment": "c" * 64}),
        (DESTROYED, {"commitment": "c" * 64}),
        (SourcePart(document="d", section="2"), {"document": "d", "section": "2", "fact": ""}),
        (MappingProxyType({1: "a", ("b", 2): "c"}), {"1": "a", "b/2": "c"}),
        ({"å": 1}, {"\\xe5": 1}),
        (frozenset({"b", "a"}), ["a", "b"]),
        ((1, [Pair(KNOWN)]), [1, [{"left": {"commitment": "c" * 64}, "right": None}]]),
    ],
)
def test_what_stands_for_what(value: Any, expected: Any) -> None:
    assert plain(value) == expected


@pytest.mark.parametrize("value", [1.5, b"", object(), {"a": {1.5}}])
def test_what_has_no_place_in_a_state(value: Any) -> None:
    with pytest.raises(TypeError, match="no place in the digest"):
        plain(value)


def test_two_keys_never_become_one() -> None:
    with pytest.raises(TypeError, match="one name"):
        plain({("a/b", "c"): 1, ("a", "b/c"): 2})


def test_the_digest_is_a_number_for_the_whole() -> None:
    """Worked out here by hand: a line for each stream, in order, behind the name of the digest."""
    states = {"x-2": Pair("b"), "x-1": Pair(KNOWN)}
    digest = state_digest(states)  # type: ignore[arg-type]  # any dataclass does
    lines = ["state digest v1"]
    lines += [
        '["x-1",{"left":{"commitment":"%s"},"right":null}]' % ("c" * 64),
        '["x-2",{"left":"b","right":null}]',
    ]
    assert digest == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert state_digest(dict(reversed(states.items()))) == digest  # type: ignore[arg-type]  # the wrong kind on purpose


def changed(states: Mapping[str, State], stream: str, **changes: Any) -> dict[str, State]:
    return {**states, stream: replace(states[stream], **changes)}  # type: ignore[type-var]  # the wrong kind on purpose


def test_every_state_counts(tmp_path: Path) -> None:
    reg = registry(tmp_path)
    year(reg)
    folded = fold(reg.facts(), STATES)
    digest = state_digest(folded)
    assert digest == state_digest(fold(reg.facts(), STATES))
    for stream in folded:
        assert state_digest({name: state for name, state in folded.items() if name != stream}) != digest
    renamed = changed(folded, "municipality-registry", name="Annan kommun")
    assert state_digest(renamed) != digest
    reg.close()


def test_destroying_a_key_leaves_the_digest(tmp_path: Path) -> None:
    reg = registry(tmp_path)
    year(reg)
    before = state_digest(fold(reg.facts(), STATES))
    reg.vault.destroy(f"person-{DAVID}", "register", "decision 1")
    folded = fold(reg.facts(), STATES)
    assert "█████" in str(getattr(folded[f"person-{DAVID}"], "name", ""))
    assert state_digest(folded) == before
    reg.close()


def test_a_false_state_is_a_state() -> None:
    """A state with nothing in it is folded on, not begun anew."""

    @dataclass(frozen=True)
    class Falsy(State):
        STREAM = "person"
        seen: int = 0

        def __bool__(self) -> bool:
            return False

        def evolve(self, fact: Fact) -> Falsy:
            return Falsy(self.seen + fact.version)

    event = PersonRegistered(person=ident(1), name=KNOWN, organisation=None)
    facts = [Fact(event, "person-1", version) for version in (1, 2)]
    assert fold(facts, {"person": Falsy})["person-1"] == Falsy(3)
