"""Every hash of a tree in memory, against the tree built leaf by leaf."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from signing.levels import Levels
from signing.log import leaf_hash, root_of

LEAVES = [leaf_hash(bytes([number])) for number in range(40)]


@given(st.lists(st.integers(0, 9), max_size=6))
def test_the_roots_of_all_that_was_added_are_those_of_the_tree(steps: list[int]) -> None:
    """Whenever they are asked for: hashes are made when one is first wanted."""
    levels, count = Levels(), 0
    for step in steps:
        for leaf in LEAVES[count : count + step]:
            levels.append(leaf)
        count = min(count + step, len(LEAVES))
        assert levels.size == count
        for size in range(count + 1):
            assert levels.root(size) == root_of(LEAVES[:size])
        for level in range(1, count.bit_length()):
            width = 1 << level
            for index in range(count // width):
                assert levels(level, index) == root_of(LEAVES[index * width : (index + 1) * width])
    assert [levels(0, index) for index in range(count)] == LEAVES[:count]


def test_a_complete_tree_of_any_height() -> None:
    for height in range(1, 6):
        levels = Levels()
        for leaf in LEAVES[: 1 << height]:
            levels.append(leaf)
        assert levels(height, 0) == levels.root(1 << height) == root_of(LEAVES[: 1 << height])
    two = Levels()
    two.append(LEAVES[0])
    two.append(LEAVES[1])
    assert two(1, 0) == sha256(b"\x01" + LEAVES[0] + LEAVES[1]).digest()
