"""The hash tree of the log as stored tiles, and the proofs made from them.

- Leaf hashes are folded into tiles of 256 in order of position, each exactly once, in the transaction that moves the
  view's progress. A tile's row holds its fullest state, which may answer for an earlier, shorter one (C2SP tlog-tiles,
  "Partial Tiles").
- Leaf index = position - 1. The tree of size n is that of the events up to position n.
- Proofs need the tiles and nothing else: an inclusion proof for one event, a consistency proof between two sizes
  (RFC 9162 2.1.3, 2.1.4).
- The digest of this projection is over every tile's path and hashes, as they are in the tree of that size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

import sqlalchemy as sa

from projections.view import Pending, Record, metadata
from registry.registry import Registry
from signing.log import HASH_SIZE, HashSource, consistency_proof, inclusion_proof, root_at
from signing.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, TileHashes, TileReader, new_tiles, tiles_at

T = TypeVar("T")

tiles = sa.Table(
    "tile",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)


class TilesBehind(Exception):
    """The tiles do not reach the tree that was asked for yet; they do when the projection has caught up."""


class _Rows:
    """Tiles read through a connection."""

    def __init__(self, db: sa.Connection, table: sa.Table) -> None:
        self._db, self._table = db, table

    def read_tile(self, tile: Tile) -> bytes:
        t = self._table
        query = sa.select(t.c.hashes).where(t.c.level == tile.level, t.c.number == tile.index)
        hashes: bytes | None = self._db.execute(query).scalar()
        if hashes is None or len(hashes) < tile.width * HASH_SIZE:
            raise LookupError(tile.path)
        return hashes[: tile.width * HASH_SIZE]


class _Near:
    """The tiles on the way from a leaf to the root, read at once; any others one by one."""

    def __init__(self, db: sa.Connection, index: int, size: int) -> None:
        self._rows = _Rows(db, tiles)
        pairs, level = set[tuple[int, int]](), 0
        while held := size >> TILE_HEIGHT * level:
            pairs |= {(level, index >> TILE_HEIGHT * (level + 1)), (level, (held - 1) // TILE_WIDTH)}
            level += 1
        places = {
            f"{name}{at}": value
            for at, pair in enumerate(pairs)
            for name, value in zip(("l", "n"), pair, strict=True)
        }
        self._held: dict[tuple[int, int], bytes] = {
            (level, number): held for level, number, held in db.execute(_tiles_asked(len(pairs)), places)
        }

    def read_tile(self, tile: Tile) -> bytes:
        held = self._held.get((tile.level, tile.index))
        if held is None or len(held) < tile.width * HASH_SIZE:
            return self._rows.read_tile(tile)
        return held[: tile.width * HASH_SIZE]


@cache
def _tiles_asked(count: int) -> sa.Select[int, int, bytes]:
    """So many tiles in one question, which is put together once.

    Not as pairs in a list, which SQLite looks for by reading the whole table.
    """
    t = tiles.c
    these = (
        sa.and_(t.level == sa.bindparam(f"l{at}"), t.number == sa.bindparam(f"n{at}")) for at in range(count)
    )
    return sa.select(t.level, t.number, t.hashes).where(sa.or_(*these))


class EvidenceTiles:
    """The stored tiles, for whoever makes or serves proofs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def read_tile(self, tile: Tile) -> bytes:
        with self._engine.connect() as db:
            return _Rows(db, tiles).read_tile(tile)


class Evidence:
    """The projection that keeps the tiles (bevisträd)."""

    name = "evidence"
    version = 1
    table = tiles
    streams = frozenset[str]()

    def take(self, pending: Pending, record: Record) -> None:
        pending.leaves.append(record.leaf)

    def write(self, db: sa.Connection, pending: Pending, table: sa.Table) -> None:
        grown = {
            (tile.level, tile.index): data
            for tile, data in new_tiles(pending.after, pending.leaves, _Rows(db, table))
        }
        edges = {level: min(number for at, number in grown if at == level) for level, _ in grown}
        for (
            level,
            number,
        ) in edges.items():  # only the tile at the right edge of a level has been there before
            db.execute(table.delete().where(table.c.level == level, table.c.number == number))
        rows = [{"level": level, "number": number, "hashes": data} for (level, number), data in grown.items()]
        db.execute(table.insert(), rows)

    def stored_digest(self, db: sa.Connection, known: int | None) -> str:
        if known is None:
            query = sa.select(tiles).order_by(tiles.c.level, tiles.c.number)
            return _digest((f"{row.level}/{row.number}", row.hashes) for row in db.execute(query))
        reader = _Rows(db, tiles)
        return _digest((f"{tile.level}/{tile.index}", _read(reader, tile)) for tile in tiles_at(known))

    def fresh_digest(self) -> FreshTiles:
        return FreshTiles()


class FreshTiles:
    """The tiles of a log folded in memory."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []

    def take(self, record: Record) -> None:
        self._leaves.append(record.leaf)

    def hex(self) -> str:
        grown = {(tile.level, tile.index): data for tile, data in new_tiles(0, self._leaves, _Nothing())}
        return _digest((f"{level}/{number}", grown[level, number]) for level, number in sorted(grown))


class _Nothing:
    """The tiles before the first event."""

    def read_tile(self, tile: Tile) -> bytes:
        raise LookupError(tile.path)


def _read(reader: TileReader, tile: Tile) -> bytes:
    try:
        return reader.read_tile(tile)
    except LookupError:
        return b""  # a missing tile has a digest of its own, and it is not that of the tile


def _digest(parts: Iterable[tuple[str, object]]) -> str:
    digest = hashlib.sha256(f"view {Evidence.name} v{Evidence.version}\n".encode())
    for path, data in parts:
        held = data if isinstance(data, bytes) else repr(data).encode()
        digest.update(f"{path} {len(held)}\n".encode() + held)
    return digest.hexdigest()


# --- proofs
def root(engine: sa.Engine, size: int) -> bytes:
    """The root of the tree of the first `size` events."""
    return _proved(engine, size, lambda hashes: root_at(size, hashes))


def inclusion(engine: sa.Engine, registry: Registry, position: int, size: int | None = None) -> list[bytes]:
    """Proof that the event at a position is in the tree of `size` events (of all events, without a size)."""
    size = registry.recorder.head().position if size is None else size
    return _proved(engine, size, lambda hashes: inclusion_proof(position - 1, size, hashes), position - 1)


def consistency(engine: sa.Engine, old: int, new: int) -> list[bytes]:
    """Proof that the tree of `old` events is the beginning of the tree of `new` events."""
    return _proved(engine, new, lambda hashes: consistency_proof(old, new, hashes))


def _proved(engine: sa.Engine, size: int, prove: Callable[[HashSource], T], near: int | None = None) -> T:
    with engine.connect() as db:
        reader = _Rows(db, tiles) if near is None else _Near(db, near, size)
        try:
            return prove(TileHashes(reader, size))
        except LookupError as missing:
            raise TilesBehind(f"the tiles do not reach a tree of {size} events yet ({missing})") from None
