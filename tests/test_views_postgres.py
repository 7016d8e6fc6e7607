"""The views in PostgreSQL: the same tables, the same statements, the same digests as in SQLite."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from projections import runner
from projections.audit import AuditQuery, approvals, query, timeline
from projections.evidence import inclusion
from projections.reading import fresh_digests, holder, rows, stored_digests
from projections.runner import Projector, reached
from projections.views import BY_NAME, VIEWS
from registry.registry import Registry
from registry.vault import sqlite_engine
from signing.log import root_of, verify_inclusion
from tests.postgres import Cluster, cluster
from tests.stories import BERTIL, COUNCIL, SPRING, mixture, registry, year


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture
def engine(server: Cluster) -> Iterator[sa.Engine]:
    where = server.database()
    made = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(where))
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def reg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    made = registry(tmp_path_factory.mktemp("log"))
    year(made)
    mixture(made, random.Random(11), 250)
    yield made
    made.close()


def test_both_databases_hold_the_same(
    reg: Registry, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LIVE", 40)
    lite = sqlite_engine(tmp_path / "views.db")
    for each in (engine, lite):
        Projector(reg, each).catch_up()
    last = reg.recorder.head().position
    for known in (None, 30, 100, last):
        assert stored_digests(engine, known) == stored_digests(lite, known) == fresh_digests(reg, known)
    for view in VIEWS:
        for true in (None, "2024-03-05"):
            assert rows(engine, view.name, 200, true) == rows(lite, view.name, 200, true)
    for asked in (
        AuditQuery(person="bertil alm", limit=500),
        AuditQuery(text="100 %"),
        AuditQuery(kind="minutes-approved", rule="L13"),
        AuditQuery(matter="KS 23.276", known_to=last // 2),
    ):
        pages = [query(each, asked) for each in (engine, lite)]
        assert pages[0] == pages[1] and pages[0].rows
        assert timeline(engine, pages[0].rows) == timeline(lite, pages[1].rows)
    assert approvals(engine, meeting=SPRING) == approvals(lite, meeting=SPRING) != []
    found, _ = holder(engine, COUNCIL, "ordforande", "2024-04-01")
    assert found is not None and found["person"] == BERTIL
    lite.dispose()


def test_proofs_from_its_tiles_are_good(reg: Registry, engine: sa.Engine) -> None:
    Projector(reg, engine).catch_up()
    leaves = list(reg.recorder.leaves())
    proof = inclusion(engine, reg, 30, 240)
    assert verify_inclusion(leaves[29], 29, 240, proof, root_of(leaves[:240]))


def test_workers_race_and_a_rebuild_mends(
    reg: Registry, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LIVE", 25)
    workers = list[Projector]()
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        workers.append(Projector(reg, engine))
        workers[-1].catch_up()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(workers) == 3
    fresh = fresh_digests(reg)
    assert stored_digests(engine) == fresh
    with engine.begin() as db:
        db.execute(BY_NAME["person"].table.update().values(name="spoiled"))
    workers[0].rebuild()
    assert stored_digests(engine) == fresh
    assert {one.generation for one in workers[1].status().values()} == {2}
    assert "person" in workers[1].back()
    assert {row["name"] for row in rows(engine, "person")} == {"spoiled"}
    workers[2].back()
    assert workers[0].forget()
    assert stored_digests(engine) == fresh


def test_two_municipalities_lie_side_by_side_in_one_database(
    reg: Registry, server: Cluster, tmp_path: Path
) -> None:
    other = registry(tmp_path)
    mixture(other, random.Random(12), 120)
    where = server.database()
    with psycopg.connect(where) as db:
        db.execute("CREATE SCHEMA liggare_one")
        db.execute("CREATE SCHEMA liggare_other")
        db.execute("CREATE TABLE liggare_one.checkpoint (size bigint)")  # the log's lies beside the views
    base = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(where))
    both = [
        (each, base.execution_options(schema_translate_map={None: f"liggare_{slug}"}))
        for slug, each in (("one", reg), ("other", other))
    ]
    for each, engine in both:
        projector = Projector(each, engine)
        projector.catch_up()
        Projector(each, engine)  # the next start finds what the first made
        with engine.begin() as db:
            db.execute(BY_NAME["audit"].table.update().values(words="spoiled"))
            db.execute(reached.update().where(reached.c.projection == "person").values(version=0))
        Projector(each, engine).catch_up()
        projector.rebuild()
    for each, engine in both:
        head = each.recorder.head().position
        assert stored_digests(engine) == fresh_digests(each)
        assert stored_digests(engine, 60) == fresh_digests(each, 60)
        assert len(inclusion(engine, each, 30, head)) > 0
        assert len(query(engine, AuditQuery(limit=20)).rows) == 20
    with base.connect() as db:
        assert sa.inspect(db).get_table_names("public") == []
        tables = [set(sa.inspect(db).get_table_names(f"liggare_{slug}")) for slug in ("one", "other")]
    assert tables[0] == tables[1] | {"checkpoint"}
    base.dispose()
    other.close()
