"""The stored tiles: folded once, in order, and enough for every proof an outsider asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from domain.matter import MatterClosed
from projections import runner
from projections.evidence import EvidenceTiles, TilesBehind, consistency, inclusion, root, tiles
from projections.reading import fresh_digests, stored_digests
from projections.runner import Projector
from projections.views import PROJECTIONS
from registry.registry import Registry
from registry.vault import sqlite_engine
from signing.log import root_of, verify_consistency, verify_inclusion
from signing.tiles import Tile, tiles_at
from tests.stories import CAMERAS, registry, saver

SIZE = 600


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registry, sa.Engine]]:
    folder = tmp_path_factory.mktemp("evidence")
    reg, engine = registry(folder), sqlite_engine(folder / "views.db")
    save, projector = saver(reg), Projector(reg, engine)
    for count in (1, 200, 56, 1, 254, 88):  # so that tiles fill up at a batch's end, and within one
        save(*[MatterClosed(matter=CAMERAS)] * count)
        projector.catch_up()
    yield reg, engine
    engine.dispose()
    reg.close()


def test_the_tiles_are_those_of_the_tree(made: tuple[Registry, sa.Engine]) -> None:
    reg, engine = made
    leaves = list(reg.recorder.leaves())
    assert len(leaves) == SIZE
    with engine.connect() as db:
        stored = {(row.level, row.number): row.hashes for row in db.execute(sa.select(tiles))}
    assert stored.keys() == {(tile.level, tile.index) for tile in tiles_at(SIZE)}
    assert b"".join(stored[0, number] for number in range(3)) == b"".join(leaves)
    assert root(engine, SIZE) == root_of(leaves)
    assert root(engine, 0) == root_of([])


def test_every_event_is_proved_and_every_tree_continues_the_last(made: tuple[Registry, sa.Engine]) -> None:
    reg, engine = made
    leaves = list(reg.recorder.leaves())
    for size in (1, 255, 256, 257, 511, 512, 513, SIZE):
        now = root_of(leaves[:size])
        for position in {1, size // 2 or 1, size}:
            proof = inclusion(engine, reg, position, size)
            assert verify_inclusion(leaves[position - 1], position - 1, size, proof, now)
        for old in {0, 1, size // 2, size}:
            assert verify_consistency(old, size, root_of(leaves[:old]), now, consistency(engine, old, size))
    assert inclusion(engine, reg, 7) == inclusion(engine, reg, 7, SIZE)


def test_tiles_are_read_as_wide_as_asked(made: tuple[Registry, sa.Engine]) -> None:
    reg, engine = made
    reader = EvidenceTiles(engine)
    assert reader.read_tile(Tile(0, 0, 3)) == b"".join(reg.recorder.leaves(0, 3))
    assert len(reader.read_tile(Tile(0, 0))) == 256 * 32
    for missing in (Tile(0, 2), Tile(5, 0, 1)):
        with pytest.raises(LookupError):
            reader.read_tile(missing)


def test_what_is_not_there_is_not_proved(made: tuple[Registry, sa.Engine]) -> None:
    reg, engine = made
    with pytest.raises(TilesBehind):
        root(engine, SIZE + 1)
    with pytest.raises(ValueError, match="no leaf"):
        inclusion(engine, reg, SIZE + 1)
    with pytest.raises(ValueError, match="cannot be the beginning"):
        consistency(engine, 5, 4)


def test_the_digest_as_of_any_size_is_that_of_a_fresh_fold(made: tuple[Registry, sa.Engine]) -> None:
    reg, engine = made
    for known in (0, 1, 255, 256, 257, 513, SIZE, None):
        assert stored_digests(engine, known)["evidence"] == fresh_digests(reg, known)["evidence"], known


def test_a_missing_tile_is_seen_as_of_every_size_that_needs_it(made: tuple[Registry, sa.Engine]) -> None:
    reg, engine = made
    fresh = fresh_digests(reg, 300)["evidence"]
    with engine.connect() as db:
        (projection,) = [one for one in PROJECTIONS if one.name == "evidence"]
        assert projection.stored_digest(db, 300) == fresh
        db.execute(tiles.delete().where(tiles.c.level == 1))
        assert projection.stored_digest(db, 300) != fresh
        db.rollback()


def test_batches_leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reg = registry(tmp_path)
    saver(reg)(*[MatterClosed(matter=CAMERAS)] * 300)
    digests = set()
    for batch in (1_000, 97):
        monkeypatch.setattr(runner, "LIVE", batch)
        engine = sqlite_engine(tmp_path / f"views-{batch}.db")
        Projector(reg, engine).catch_up()
        digests.add(stored_digests(engine)["evidence"])
        engine.dispose()
    assert len(digests) == 1
    reg.close()
