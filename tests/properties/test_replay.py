"""Replay: whatever has happened, every view as of any position is a fresh fold of the events up to it.

Events of any kind come in any order, on ids from small pools, so that they hang together, contradict each other, come
twice or come before what they rest on. Folding is total, so all of it is a log that can be folded.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import runner
from projections.reading import fresh_digests, rows, stored_digests
from projections.runner import Projector
from projections.views import VIEWS
from registry.registry import Registry
from tests.places import Place
from tests.stories import mixture, registry

SIZE = 120


@contextmanager
def folded(seed: int, batches: list[int], url: str | None) -> Iterator[tuple[Registry, sa.Engine, int]]:
    """A log of any events, folded in batches of these sizes."""
    with tempfile.TemporaryDirectory() as folder:
        reg, engine = registry(Path(folder), url), Place(Path(folder), url).views()
        last = mixture(reg, random.Random(seed), SIZE)
        projector, live = Projector(reg, engine), runner.LIVE
        try:
            for batch in [*batches, live]:
                runner.LIVE = batch
                projector._step()  # one batch of that size
            projector.catch_up()
            assert not {name for name, one in projector.status().items() if one.stopped}
            yield reg, engine, last
        finally:
            runner.LIVE = live
            engine.dispose()
            reg.close()


@pytest.mark.both_databases
def test_one_mixture_on_every_database(database_url: str | None) -> None:
    with folded(7, [23], database_url) as (reg, engine, last):
        for known in (None, last // 2):
            assert stored_digests(engine, known) == fresh_digests(reg, known)


@settings(max_examples=settings().max_examples // 7)
@given(
    seed=st.integers(0, 2**32),
    batches=st.lists(st.integers(1, 60), max_size=4),
    at=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_as_of_any_position_is_a_fresh_fold_of_the_events_up_to_it(
    database_url: str | None, seed: int, batches: list[int], at: list[float]
) -> None:
    with folded(seed, batches, database_url) as (reg, engine, last):
        assert stored_digests(engine) == fresh_digests(reg)
        for known in {round(share * last) for share in at}:
            assert stored_digests(engine, known) == fresh_digests(reg, known)


@settings(max_examples=settings().max_examples // 12)
@given(seed=st.integers(0, 2**32), share=st.floats(0, 1))
def test_rows_known_then_are_the_rows_of_a_registry_that_ended_then(
    database_url: str | None, seed: int, share: float
) -> None:
    with folded(seed, [], database_url) as (reg, engine, last):
        known = round(share * last)
        cut = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        ended = Projector(_Ended(reg, known), cut)  # type: ignore[arg-type]  # a registry, as far as folding asks
        ended.catch_up()
        for view in VIEWS:
            for true in (None, "2024-03-05", "2024-07-01T12:00"):
                assert rows(engine, view.name, known, true) == rows(cut, view.name, None, true), view.name
        cut.dispose()


class _Ended:
    """A registry whose log ends at a position; what is secret is what is secret today."""

    def __init__(self, whole: Registry, at: int) -> None:
        self.mapper, self.recorder, self.get = whole.mapper, _EndedLog(whole, at), whole.get


class _EndedLog:
    def __init__(self, whole: Registry, at: int) -> None:
        self._whole, self._at = whole.recorder, at

    def head(self) -> object:
        return self._whole.head()._replace(position=self._at)

    def scan(self, after: int = 0, upto: int | None = None) -> object:
        return self._whole.scan(after, upto)

    def select_stream(self, name: str, after: int, upto: int) -> object:
        return self._whole.select_stream(name, after, upto)


@settings(max_examples=settings().max_examples // 12)
@given(seed=st.integers(0, 2**32))
def test_a_rebuild_changes_nothing(database_url: str | None, seed: int) -> None:
    with folded(seed, [17], database_url) as (reg, engine, _):
        before = stored_digests(engine)
        Projector(reg, engine).rebuild()
        assert stored_digests(engine) == before
