"""The runner: each event once, in order, whoever else runs and whatever one view makes of it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from domain.matter import MatterClosed
from domain.messages import Event
from projections import runner
from projections.reading import fresh_digests, rows, stored_digests
from projections.runner import Projector, Stopped, reached
from projections.view import Assert, Record, View, says, text
from projections.views import BY_NAME, PROJECTIONS
from registry.mapper import EvidenceBroken
from registry.registry import Registry
from tests.places import Place
from tests.stories import CAMERAS, SPRING, mixture, registry, saver, year

POISON = MatterClosed(matter=CAMERAS)


class Touchy:
    """A view's fold that cannot take a matter's closing, until it is cured."""

    def __init__(self) -> None:
        self.cured = False

    def __call__(self, record: Record) -> Iterator[Assert]:
        if isinstance(record.event, MatterClosed) and not self.cured:
            raise ValueError("what the event held")
        yield says("all", last=record.event.TOPIC)


TOUCHY = Touchy()
POISONED = View("touchy", 1, frozenset(), [text("last")], TOUCHY)
UNWRITABLE = View(
    "unwritable",
    1,
    frozenset(),
    [text("odd")],
    lambda _: [Assert("k", {"odd": {1}})],  # type: ignore[dict-item]  # what no column can hold
)


@pytest.fixture
def place(tmp_path: Path, database_url: str | None) -> Place:
    return Place(tmp_path, database_url)


@pytest.fixture
def reg(place: Place) -> Iterator[Registry]:
    made = registry(place.folder, place.url)
    yield made
    made.close()


@pytest.fixture
def engine(reg: Registry, place: Place) -> Iterator[sa.Engine]:  # noqa: ARG001  # it has made the schema
    made = place.views()
    yield made
    made.dispose()


def save_any(reg: Registry, *events: Event) -> int:
    return int(saver(reg)(*events, after=500))


@pytest.mark.both_databases
def test_every_event_is_folded_once_in_batches_of_any_size(
    reg: Registry, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LIVE", 7)
    last = mixture(reg, random.Random(1), 150)
    projector = Projector(reg, engine)
    assert projector.lag()["audit"] == last
    assert projector.catch_up() == last
    assert projector.catch_up() == last  # and nothing twice
    assert len(rows(engine, "audit")) == last
    assert set(projector.lag().values()) == {0}
    assert stored_digests(engine) == fresh_digests(reg)


def test_an_empty_log_is_nothing_to_fold(reg: Registry, engine: sa.Engine) -> None:
    projector = Projector(reg, engine)
    assert projector.catch_up() == 0
    assert stored_digests(engine) == fresh_digests(reg)
    projector.rebuild()
    assert projector.wait_for(0, 0)


def test_checkpoints_move_past_events_that_say_nothing_to_a_view(reg: Registry, engine: sa.Engine) -> None:
    last = year(reg).last
    projector = Projector(reg, engine)
    projector.catch_up()
    assert rows(engine, "grant") == []
    assert projector.status()["grant"].position == last


def test_the_next_start_goes_on_where_the_last_stopped(reg: Registry, engine: sa.Engine) -> None:
    mixture(reg, random.Random(2), 120)
    Projector(reg, engine).catch_up()
    year_of_its_own = save_any(reg, POISON)
    assert Projector(reg, engine).catch_up() == year_of_its_own
    assert stored_digests(engine) == fresh_digests(reg)


@pytest.mark.both_databases
def test_workers_that_race_write_each_event_once(
    reg: Registry, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LIVE", 10)
    last = mixture(reg, random.Random(3), 150)
    workers = [Projector(reg, engine) for _ in range(3)]
    threads = [threading.Thread(target=worker.catch_up) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [worker.catch_up() for worker in workers] == [last] * 3
    assert len(rows(engine, "audit")) == last
    assert stored_digests(engine) == fresh_digests(reg)


@pytest.mark.parametrize("further", [0, 3])
def test_a_worker_that_was_overtaken_writes_nothing_and_goes_on(
    reg: Registry, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, further: int
) -> None:
    last = year(reg).last
    slow, fast = Projector(reg, engine), Projector(reg, engine)
    fold = slow._fold

    def overtaken(*asked: Any) -> Any:
        folded = fold(*asked)
        monkeypatch.setattr(slow, "_fold", fold)
        for _ in range(further):
            save_any(reg, POISON)
        fast.catch_up()  # the same batch, and perhaps more, between this one's folding and its writing
        return folded

    monkeypatch.setattr(slow, "_fold", overtaken)
    assert slow.catch_up() == last + further
    assert not [name for name, one in slow.status().items() if one.stopped]
    assert len(rows(engine, "audit")) == last + further
    assert stored_digests(engine) == fresh_digests(reg)


# --- a view that cannot go on
def test_a_poisoned_event_stops_its_view_alone_and_says_so(
    reg: Registry, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    TOUCHY.cured = False
    year(reg)
    poisoned = save_any(reg, POISON)
    last = save_any(reg, POISON)
    projector = Projector(reg, engine, (*PROJECTIONS, POISONED))
    assert projector.catch_up() == last
    status = projector.status()
    assert status["touchy"].stopped == f"position {poisoned}: ValueError"
    assert (status["touchy"].position, status["touchy"].lag) == (poisoned - 1, 2)
    assert {name for name, one in status.items() if one.stopped} == {"touchy"}
    assert "the view touchy stopped" in caplog.text
    assert "what the event held" not in caplog.text  # an error's words may hold what the event held
    assert projector.wait_for(last, 0)  # nobody waits for a stopped view
    assert Projector(reg, engine, (*PROJECTIONS, POISONED)).status()["touchy"].stopped  # others see it too

    with pytest.raises(Stopped, match="touchy"):
        projector.rebuild(["touchy"])
    TOUCHY.cured = True
    projector.rebuild(["touchy"])
    assert projector.status()["touchy"] == runner.Status(last, 0, 2)
    assert projector.catch_up() == last


def test_a_view_that_cannot_be_written_stops_alone_too(reg: Registry, engine: sa.Engine) -> None:
    last = year(reg).last
    projector = Projector(reg, engine, (*PROJECTIONS, UNWRITABLE))
    assert projector.catch_up() == last
    stopped = {name: one for name, one in projector.status().items() if one.stopped}
    assert stopped.keys() == {"unwritable"} and stopped["unwritable"].position == 0
    assert stored_digests(engine) == fresh_digests(reg)


def test_a_damaged_log_is_folded_up_to_the_damage_and_no_further(
    reg: Registry, engine: sa.Engine, place: Place
) -> None:
    year(reg)
    with place.by_hand() as db:
        (found,) = db.exec_driver_sql("SELECT envelope FROM event WHERE position = 20").one()
        db.execute(
            sa.text("UPDATE event SET envelope = :bent WHERE position = 20"),
            {"bent": bytes(found).replace(b"item", b"Item")},
        )
    projector = Projector(reg, engine)
    with pytest.raises(EvidenceBroken):
        projector.catch_up()
    assert projector.status()["audit"].position < 20
    with pytest.raises(EvidenceBroken):
        projector.rebuild()


# --- anew
@pytest.mark.both_databases
def test_a_rebuild_mends_what_was_spoiled_while_the_old_rows_are_served(
    reg: Registry, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "FAR", 50)
    mixture(reg, random.Random(4), 200)
    projector = Projector(reg, engine)
    projector.catch_up()
    with engine.begin() as db:
        db.execute(BY_NAME["link"].table.update().values(meeting="spoiled"))
        db.execute(BY_NAME["audit"].table.delete().where(BY_NAME["audit"].table.c.position > 100))
    projector = Projector(reg, engine)  # which now takes up how things hang together from what is spoiled
    save_any(reg, POISON)
    projector.catch_up()
    seen: list[tuple[int, int, int]] = []

    def progress(done: int, of: int) -> None:
        if len(seen) == 1:  # meanwhile the log grows, and the old rows are kept up
            save_any(reg, POISON)
            projector.catch_up()
        seen.append((done, of, len(rows(engine, "audit"))))

    projector.rebuild(progress=progress)
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert all(served >= 100 for _, _, served in seen)
    assert seen[-1][0] >= 200
    assert {one.generation for one in projector.status().values()} == {2}
    assert stored_digests(engine) == fresh_digests(reg)
    mixture(reg, random.Random(6), 330)
    projector.catch_up()
    assert stored_digests(engine) == fresh_digests(reg)


def test_a_rebuild_can_be_taken_back(reg: Registry, engine: sa.Engine) -> None:
    mixture(reg, random.Random(7), 80)
    projector = Projector(reg, engine)
    projector.catch_up()
    assert projector.back() == [] == projector.forget()  # nothing was rebuilt
    spoiled = BY_NAME["audit"].table
    with engine.begin() as db:
        db.execute(spoiled.update().where(spoiled.c.position == 5).values(words="spoiled"))
    projector.rebuild()
    projector.rebuild(["audit"])  # of each view the last one counts, and only that
    projector.rebuild(["audit"])
    assert stored_digests(engine) == fresh_digests(reg)
    with engine.begin() as db:
        db.execute(spoiled.update().where(spoiled.c.position == 5).values(words="spoiled again"))
    projector.rebuild()
    last = save_any(reg, POISON)
    projector.catch_up()
    other = Projector(reg, engine)
    assert "audit" in projector.back()
    assert rows(engine, "audit", where={"key": "5"})[0]["words"] == "spoiled again"
    assert {one.position for one in other.status().values()} == {last}  # and all of it went on to the head
    save_any(reg, POISON)
    assert other.catch_up() == last + 1
    schema = getattr(reg.recorder, "schema", None)  # of a municipality in PostgreSQL
    with engine.connect() as db:
        indexed = [one["name"] for one in sa.inspect(db).get_indexes("audit", schema)]
        assert len(indexed) == len(spoiled.indexes)
    projector.back()  # there and back again
    assert stored_digests(engine) == fresh_digests(reg)
    assert len(projector.forget()) == len(projector.status())
    with engine.connect() as db:
        assert not [
            name for name in sa.inspect(db).get_table_names(schema) if name.endswith(("_before", "_beside"))
        ]
    assert projector.back() == []
    assert stored_digests(engine) == fresh_digests(reg)


def test_a_rebuild_takes_in_what_came_after_its_last_look(reg: Registry, engine: sa.Engine) -> None:
    last = mixture(reg, random.Random(5), 100)
    projector = Projector(reg, engine)
    projector.catch_up()
    later: list[int] = []

    def progress(done: int, of: int) -> None:
        if done == of and not later:
            later.append(save_any(reg, POISON))
            projector.catch_up()

    projector.rebuild(["audit", "evidence"], progress)
    assert later[0] > last
    assert projector.status()["audit"].position == later[0]
    assert stored_digests(engine) == fresh_digests(reg)


def test_a_view_in_a_new_form_is_folded_anew(reg: Registry, engine: sa.Engine) -> None:
    last = year(reg).last
    Projector(reg, engine).catch_up()
    with engine.begin() as db:
        db.execute(reached.update().where(reached.c.projection == "audit").values(version=0))
        db.execute(BY_NAME["audit"].table.update().values(words="of another form"))
    projector = Projector(reg, engine)
    assert projector.status()["audit"].position == 0
    assert projector.catch_up() == last
    assert stored_digests(engine) == fresh_digests(reg)


# --- in the background
def test_the_thread_keeps_up_and_writers_read_what_they_wrote(reg: Registry, engine: sa.Engine) -> None:
    projector = Projector(reg, engine)
    projector.start()
    projector.start()  # once is enough
    try:
        last = year(reg).last
        assert projector.wait_for(last, 20)
        assert rows(engine, "meeting", where={"meeting": SPRING})[0]["status"] == "closed"
        assert not projector.wait_for(last + 1, 0.05)
    finally:
        projector.stop()
    projector.stop()
    assert projector.wait_for(save_any(reg, POISON), 5)  # without a thread, by folding here and now
    assert not projector.wait_for(10_000, 0.05)


def test_the_thread_survives_what_goes_wrong(
    reg: Registry, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner, "POLL", 0.01)
    projector = Projector(reg, engine)
    whole, failures = projector.catch_up, list[int]()

    def failing() -> int:
        if len(failures) < 3:
            failures.append(1)
            raise sa.exc.OperationalError("", {}, Exception("database is locked"))
        return whole()

    monkeypatch.setattr(projector, "catch_up", failing)
    projector.start()
    last = year(reg).last
    until = time.monotonic() + 20
    while projector.status()["audit"].position < last and time.monotonic() < until:
        time.sleep(0.01)
    projector.stop()
    assert projector.status()["audit"].position == last
    assert "could not be brought up to date" in caplog.text


def test_tables_made_by_another_worker_at_the_same_time_are_taken_as_they_are(
    reg: Registry, engine: sa.Engine
) -> None:
    start, made = threading.Barrier(4), list[Any]()

    def make() -> None:
        start.wait()
        made.append(Projector(reg, engine))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    last = year(reg).last
    assert [projector.catch_up() for projector in made] == [last] * 4
    assert stored_digests(engine) == fresh_digests(reg)
