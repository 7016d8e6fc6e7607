"""Lines of a TOML text: each table, key and element is found where it stands."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.places import Places
from tests.toml import written

TEXT = '''# a comment [no] = 1
[profile]
id = "a"  # x
"q k".z = 3
[[a.b]]
x = [1,
  [2, 3], # c, ]
  { k = "}", m = [ { z = 2024-01-01 } ] },
]
s = """
[no]
"""
[a.b.c]
y = []
w = {}
[[a.b]]
x = 1
[d."e f"]
u = 'x'
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("profile",), 2),
        (("profile", "id"), 3),
        (("profile", "q k", "z"), 4),
        (("a", "b", 0), 5),
        (("a", "b", 0, "x", 0), 6),
        (("a", "b", 0, "x", 1, 1), 7),
        (("a", "b", 0, "x", 2, "m", 0, "z"), 8),
        (("a", "b", 0, "s"), 10),
        (("a", "b", 0, "c", "w"), 15),
        (("a", "b", 1, "x"), 17),
        (("d", "e f", "u"), 19),
        (("d", "e f", "nothing", 3), 18),
        (("nothing",), 1),
        ((), 1),
    ],
)
def test_each_place_has_its_line(place: tuple[str | int, ...], line: int) -> None:
    assert Places(TEXT).line(place) == line


KEYS = st.sampled_from(["a", "b-c", "9", "x y", "."])
LEAVES = st.integers(0, 9) | st.booleans() | st.text("ab \"'#[]{},=\n\\", max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def all_places(value: Any, place: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = {place}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found |= all_places(inner, (*place, key))
    return found


@for_all(st.dictionaries(KEYS, VALUES, max_size=3))
def test_every_place_of_any_text_is_found(tables: dict[str, Any]) -> None:
    text = written(tables)
    assert tomllib.loads(text) == tables
    assert set(Places(text).lines) == all_places(tables) - {()}
