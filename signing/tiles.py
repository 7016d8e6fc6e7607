"""The tree's hashes as tiles: static files that anyone may fetch, keep and make proofs from.

- Tiles are of height 8: tile n of level l holds the roots of complete subtrees of 256**l leaves, up to 256
  of them, as plain concatenated hashes; at level 0 these are the leaf hashes (C2SP tlog-tiles, "Merkle
  Tree").
- A tile that is not yet full carries its width, 1 to 255, in its path, and only full tiles are hashed into
  the level above. A store may forget a partial tile once the full one is there, so the fuller tile may
  answer for it (C2SP tlog-tiles, "Partial Tiles").
- A tile's path is `tile/<level>/<index>[.p/<width>]`; the index is written in three-digit groups, all but
  the last with a leading x: 1234067 is `x001/x234/067` (C2SP tlog-tiles, "Merkle Tree").
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

from signing.log import HASH_SIZE, check_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
MAX_TILE_LEVEL = 63


@dataclass(frozen=True, slots=True)
class Tile:
    """The name of one tile: level, index within the level, and how many hashes it holds (1 to 256)."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= MAX_TILE_LEVEL:
            raise ValueError(f"A tile's level lies between 0 and {MAX_TILE_LEVEL}; {self.level} does not.")
        if self.index < 0:
            raise ValueError(f"A tile's index cannot be negative, as {self.index} is.")
        if not 1 <= self.width <= TILE_WIDTH:
            raise ValueError(f"A tile holds 1 to {TILE_WIDTH} hashes, never {self.width}.")

    @property
    def path(self) -> str:
        """Where the tile lies, below the log's address or folder."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        suffix = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{'/'.join(reversed(groups))}{suffix}"

    @classmethod
    def from_path(cls, path: str) -> "Tile":
        """The tile of this path. Only the one canonical spelling is taken."""
        match = _TILE_PATH.fullmatch(path)
        if match is None:
            raise ValueError(f"{path!r} is not the path of a tile.")
        digits = match["index"].replace("x", "").replace("/", "")
        tile = cls(int(match["level"]), int(digits), int(match["width"] or TILE_WIDTH))
        if tile.path != path:
            raise ValueError(f"{path!r} is not written the one way a tile's path is: {tile.path!r} is.")
        return tile


class TileReader(Protocol):
    """Where tiles are kept: a folder, a web address, a table."""

    def read_tile(self, tile: Tile) -> bytes:
        """The tile's hashes. A fuller tile of the same level and index may answer for a partial one.

        A tile that is not there raises LookupError.
        """
        ...


class TileHashes:
    """A hash source over the stored tiles of a tree of `size` leaves, holding a few tiles in memory."""

    def __init__(self, reader: TileReader, size: int, *, keep: int = 64) -> None:
        if size < 0:
            raise ValueError(f"A tree cannot have {size} leaves.")
        self._reader = reader
        self._size = size
        self._keep = keep
        self._held: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def __call__(self, level: int, index: int) -> bytes:
        if level < 0 or index < 0 or (index + 1) << level > self._size:
            raise ValueError(f"Node {index} of level {level} lies outside a tree of {self._size} leaves.")
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, offset = divmod(index << height, TILE_WIDTH)
        data = self._tile(tile_level, number)
        return _folded(data[offset * HASH_SIZE : (offset + (1 << height)) * HASH_SIZE])

    def _tile(self, level: int, number: int) -> bytes:
        data = self._held.pop((level, number), None)
        if data is None:
            entries = (self._size >> TILE_HEIGHT * level) - number * TILE_WIDTH
            tile = Tile(level, number, min(TILE_WIDTH, entries))
            data = _exactly(self._reader.read_tile(tile), tile)
        self._held[level, number] = data
        if len(self._held) > self._keep:
            self._held.popitem(last=False)
        return data


def tiles_at(size: int) -> Iterator[Tile]:
    """Every tile a tree of `size` leaves is published in, level by level, the partial one last."""
    if size < 0:
        raise ValueError(f"A tree cannot have {size} leaves.")
    level = 0
    while size:
        full, width = divmod(size, TILE_WIDTH)
        for index in range(full):
            yield Tile(level, index)
        if width:
            yield Tile(level, full, width)
        level, size = level + 1, full


def new_tiles(old_size: int, leaves: Iterable[bytes], reader: TileReader) -> Iterator[tuple[Tile, bytes]]:
    """The tiles that come about or grow when these leaf hashes are added to a tree of `old_size` leaves.

    The reader is asked only for the partial tile at the right edge of each level that grows. Tiles come
    lower levels first, so a reader that stops half-way leaves no upper tile without the lower ones it
    stands on.
    """
    if old_size < 0:
        raise ValueError(f"A tree cannot have {old_size} leaves.")
    level, before, added = 0, old_size, leaves
    while True:
        index, width = divmod(before, TILE_WIDTH)
        held = bytearray()
        if width:
            partial = Tile(level, index, width)
            held += _exactly(reader.read_tile(partial), partial)
        grown = False
        roots: list[bytes] = []
        for value in added:
            check_hash(value)
            held += value
            grown = True
            if len(held) == TILE_WIDTH * HASH_SIZE:
                data = bytes(held)
                yield Tile(level, index), data
                roots.append(_fold_complete(data))
                index, grown = index + 1, False
                held.clear()
        if grown:
            yield Tile(level, index, len(held) // HASH_SIZE), bytes(held)
        if not roots:
            return
        level, before, added = level + 1, before >> TILE_HEIGHT, roots


# Groups of three digits; all but the last carry an x. [0-9], since \d would also take other scripts'
# digits.
_TILE_PATH = re.compile(
    r"tile/(?P<level>[0-9]{1,2})/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?"
)


def _fold_complete(hashes: bytes) -> bytes:
    """The root over a power of two of equally high subtrees, their hashes end to end."""
    while len(hashes) > HASH_SIZE:
        pairs = range(0, len(hashes), 2 * HASH_SIZE)
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + 2 * HASH_SIZE]).digest() for at in pairs])
    return hashes


# Proofs of one log ask again and again for the same subtrees near its root.
_folded = lru_cache(maxsize=2048)(_fold_complete)


def _exactly(data: bytes, tile: Tile) -> bytes:
    """The tile's own hashes out of what the store gave, which may be the same tile grown fuller."""
    wanted = tile.width * HASH_SIZE
    if len(data) < wanted or len(data) % HASH_SIZE or len(data) > TILE_WIDTH * HASH_SIZE:
        raise ValueError(f"The stored tile {tile.path} is {len(data)} bytes long and should be {wanted}.")
    return bytes(data[:wanted])
