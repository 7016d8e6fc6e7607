"""Every hash of a log's tree in memory, for the checks that ask for many roots and proofs of one log.

- 64 bytes a leaf: a million events take 64 MB. Hashes come by (level, index), so this serves the proofs of
  signing.log as a hash source.
"""

from __future__ import annotations

from hashlib import sha256

from signing.log import HASH_SIZE, root_at


class Levels:
    """The complete subtrees of an append-only tree, level by level."""

    def __init__(self) -> None:
        self._levels: list[bytearray] = [bytearray()]

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0]) // HASH_SIZE

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash, and each subtree that it completes."""
        value = leaf
        for row in self._levels:
            row.extend(value)
            if (len(row) // HASH_SIZE) % 2:
                return
            value = sha256(b"\x01" + row[-2 * HASH_SIZE :]).digest()  # node_hash of two that lie side by side
        self._levels.append(bytearray(value))

    def __call__(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree of 2^level leaves."""
        return bytes(self._levels[level][index * HASH_SIZE : (index + 1) * HASH_SIZE])

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        return root_at(size, self)
