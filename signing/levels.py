"""Every hash of a log's tree in memory, for the checks that ask for many roots and proofs of one log.

- 64 bytes a leaf: a million events take 64 MB. Hashes come by (level, index), so this serves the proofs of
  signing.log as a hash source.
- Leaves are only laid beside each other as they come. The subtrees over them are hashed level by level when one is
  first asked for, which takes half the time of doing it leaf by leaf.
"""

from __future__ import annotations

from hashlib import sha256

from signing.log import HASH_SIZE, root_at

_PAIR = 2 * HASH_SIZE


class Levels:
    """The complete subtrees of an append-only tree, level by level."""

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self._hashed = 0  # bytes of leaves that the levels above go over

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0]) // HASH_SIZE

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        self._levels[0] += leaf

    def __call__(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree of 2^level leaves."""
        if level and self._hashed < len(self._levels[0]):
            self._hash()
        return bytes(self._levels[level][index * HASH_SIZE : (index + 1) * HASH_SIZE])

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        return root_at(size, self)

    def _hash(self) -> None:
        """Hash every complete subtree that has no hash yet."""
        below, height = self._levels[0], 1
        while len(below) >= _PAIR:
            if height == len(self._levels):
                self._levels.append(bytearray())
            above = self._levels[height]
            for at in range(2 * len(above), len(below) - HASH_SIZE, _PAIR):
                above += sha256(b"\x01" + below[at : at + _PAIR]).digest()  # node_hash of two side by side
            below, height = above, height + 1
        self._hashed = len(self._levels[0])
