"""Tiles: the files the specification asks for, read and proved from by another reader of such logs."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog_scales import signing as scales
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.writer import TilesWriter

from signing.checkpoint import open_checkpoint
from signing.log import (
    EMPTY_ROOT,
    consistency_proof,
    hash_source,
    inclusion_proof,
    leaf_hash,
    root_at,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from signing.note import Vkey
from signing.tiles import Tile, TileHashes, new_tiles, tiles_at

LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(70_000)]


class Shelf:
    """Tiles in memory, and how many times one was read."""

    def __init__(self) -> None:
        self.tiles: dict[Tile, bytes] = {}
        self.reads = 0

    def read_tile(self, tile: Tile) -> bytes:
        self.reads += 1
        return self.tiles[tile]

    def grow(self, old: int, new: int) -> None:
        self.tiles.update(new_tiles(old, LEAVES[old:new], self))


class NewestOnly:
    """A store of the newest tiles alone, where the fuller one answers for an older tree's partial one."""

    def __init__(self, shelf: Shelf) -> None:
        self.kept = {(tile.level, tile.index): data for tile, data in shelf.tiles.items()}

    def read_tile(self, tile: Tile) -> bytes:
        return self.kept[tile.level, tile.index]


@pytest.fixture(scope="module")
def large() -> Shelf:
    shelf = Shelf()
    shelf.grow(0, 70_000)
    return shelf


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(1, 67, 1), "tile/1/067.p/1"),
        (Tile(63, 1000, 255), "tile/63/x001/000.p/255"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.from_path(path) == tile


@given(st.integers(0, 63), st.integers(0, 10**20), st.integers(1, 256))
def test_every_tile_is_found_again_by_its_path(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.from_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/001/000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/entries/000",
        "tile/0/../000",
    ],
)
def test_no_other_spelling_of_a_path_is_taken(path: str) -> None:
    with pytest.raises(ValueError, match="tile"):
        Tile.from_path(path)


def test_a_tile_that_cannot_exist_is_refused() -> None:
    for level, index, width in ((-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)):
        with pytest.raises(ValueError, match="tile"):
            Tile(level, index, width)


def test_the_specifications_example_of_seventy_thousand_leaves(large: Shelf) -> None:
    # C2SP tlog-tiles, "Partial Tiles": 273 full and one of 112, one full and one of 17, one of 1.
    expected = {Tile(0, index) for index in range(273)} | {
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    }
    assert set(tiles_at(70_000)) == set(large.tiles) == expected
    assert list(tiles_at(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_at(0)) == []


def test_a_tile_just_filled_leaves_no_empty_one_behind() -> None:
    shelf = Shelf()
    for old, new in ((0, 255), (255, 256), (256, 512)):
        assert {tile for tile, _ in new_tiles(old, LEAVES[old:new], shelf)} <= set(tiles_at(new))
        shelf.grow(old, new)
    assert set(shelf.tiles) == {*tiles_at(255), *tiles_at(256), *tiles_at(512)}


@given(st.lists(st.integers(0, 700), max_size=6))
@settings(deadline=None)
def test_growing_by_steps_gives_the_same_tiles_as_growing_at_once(steps: list[int]) -> None:
    shelf = Shelf()
    size = 0
    for step in steps:
        before = set(shelf.tiles)
        shelf.grow(size, size + step)
        size += step
        assert set(tiles_at(size)) <= set(shelf.tiles)
        assert all(len(shelf.tiles[tile]) == 32 * tile.width for tile in set(shelf.tiles) - before)
    at_once = Shelf()
    at_once.grow(0, size)
    assert all(shelf.tiles[tile] == data for tile, data in at_once.tiles.items())


@given(st.data())
@settings(deadline=None)
def test_proofs_from_tiles_are_those_from_the_leaves(large: Shelf, data: st.DataObject) -> None:
    old, size = sorted((data.draw(st.integers(1, 70_000)), data.draw(st.integers(1, 70_000))))
    source = TileHashes(NewestOnly(large), size, keep=2)
    root = root_at(size, source)
    assert root == root_of(LEAVES[:size])
    index = data.draw(st.integers(0, size - 1))
    assert verify_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, source), root)
    proof = consistency_proof(old, size, source)
    assert verify_consistency(old, size, root_of(LEAVES[:old]), root, proof)


def test_a_tile_is_read_once_while_it_is_held(large: Shelf) -> None:
    source = TileHashes(large, 70_000)
    before = large.reads
    for index in range(256):
        inclusion_proof(index, 70_000, source)
    assert large.reads - before <= 5


def test_another_reader_of_such_logs_makes_and_checks_our_proofs(tmp_path: Path) -> None:
    size = 1_300
    for tile, data in new_tiles(0, LEAVES[:size], Shelf()):
        file = tmp_path / tile.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    reader = TilesReader(LocalBackend(tmp_path))
    reader.set_size(size)
    source = hash_source(LEAVES[:size])
    root = root_at(size, source)
    assert reader.calculate_root_hash() == root
    for index in (0, 255, 256, 1_279, 1_280, 1_299):
        theirs = reader.get_inclusion_proof(index, size)
        assert theirs.node_hashes == inclusion_proof(index, size, source)
        theirs.check(LEAVES[index], root)
    for old in (1, 256, 257, 1_024, 1_299):
        consistency = reader.get_consistency_proof(old, size)
        assert consistency.node_hashes == consistency_proof(old, size, source)
        consistency.check(root_of(LEAVES[:old]), root)


def test_a_log_that_another_writer_made_is_read_and_proven(tmp_path: Path) -> None:
    origin, sizes = "other.example", (3, 300, 513)
    signer = scales.PlainEd25519Signer(origin, bytes(32))
    writer = TilesWriter.create(tmp_path / "log", origin)
    for old, new in pairwise((0, *sizes)):
        for number in range(old, new):
            writer.add_leaf(number.to_bytes(4, "big"))
        writer.commit([signer], gc=False)
        note = (tmp_path / "log" / "checkpoint").read_bytes()
        vkey = Vkey.parse(signer.vkey.serialize())  # type: ignore[no-untyped-call] # unannotated there
        opened = open_checkpoint(note, [vkey], origin=origin).checkpoint
        source = TileHashes(_Folder(tmp_path / "log"), new)
        assert (opened.size, opened.root) == (new, root_at(new, source)) == (new, root_of(LEAVES[:new]))
        proof = consistency_proof(old, new, source)
        assert verify_consistency(old, new, root_of(LEAVES[:old]), opened.root, proof)


class _Folder:
    def __init__(self, place: Path) -> None:
        self._place = place

    def read_tile(self, tile: Tile) -> bytes:
        return (self._place / tile.path).read_bytes()


def test_a_broken_or_impossible_tile_is_refused(large: Shelf) -> None:
    shelf = Shelf()
    shelf.tiles[Tile(0, 0, 5)] = b"\x00" * 32 * 4
    with pytest.raises(ValueError, match=r"tile/0/000\.p/5 is 128 bytes long and should be 160"):
        root_at(5, TileHashes(shelf, 5))
    with pytest.raises(ValueError, match="128 bytes long"):
        list(new_tiles(5, LEAVES[5:6], shelf))
    with pytest.raises(LookupError):
        root_at(6, TileHashes(shelf, 6))
    with pytest.raises(ValueError, match="32 bytes long"):
        list(new_tiles(0, [b"short"], shelf))
    for level, index in ((0, 70_000), (-1, 0), (0, -1), (1, 35_000), (8, 273)):
        with pytest.raises(ValueError, match="outside a tree of 70000 leaves"):
            TileHashes(large, 70_000)(level, index)
    shelf.tiles[Tile(0, 0, 5)] = b"\x00" * (32 * 5 + 1)
    with pytest.raises(ValueError, match="161 bytes long"):
        root_at(5, TileHashes(shelf, 5))
    assert root_at(0, TileHashes(Shelf(), 0)) == EMPTY_ROOT
    for impossible in (
        lambda: TileHashes(shelf, -1),
        lambda: list(tiles_at(-1)),
        lambda: list(new_tiles(-1, [], shelf)),
    ):
        with pytest.raises(ValueError, match="cannot have -1 leaves"):
            impossible()
