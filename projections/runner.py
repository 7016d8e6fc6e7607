"""Folds the log into the views: in batches, in order, each event exactly once.

- One row of progress a view (projection, generation, position). It moves in the transaction that writes the view's
  rows, and only if it still stands where the batch began: of two workers with the same batch, one writes.
- Batches of 500 events live and 5000 when far behind; a batch is folded in memory and then written at once. The
  row moves past events that say nothing to a view.
- An event that a view cannot fold stops that view, just before the event, and is logged; the others go on. It is tried
  again by the next start and by a rebuild.
- A rebuild folds into tables beside the present ones, which go on being served and kept up, and in one short
  transaction, once it has caught up, lets them change places. What was served is kept as it was: the last rebuild can
  be taken back, and the views then go on from where the rebuild left them. The generation counts both.
- While a rebuild folds a batch, the one before it is written by another thread: the database works outside Python.
- A generation that is kept may read what has been destroyed since. It goes with the next rebuild, or when told to.
- Words that are secret are not folded, whenever they were written. When an item is marked, or a mark is lifted, what
  the views say of its meeting is written anew, the generation that is kept goes, and so does what the file has freed.
- Views never have effects, so a rebuild sends nothing and signs nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from eventsourcing.persistence import Notification

from domain.municipality import REGISTRY
from domain.withholding import Items, SecretItemListed, Secrets, withheld
from projections import generations
from projections.belonging import LINK
from projections.collecting import rarely_collected
from projections.links import Links
from projections.view import Pending, Projection, Record, View, metadata
from projections.views import PROJECTIONS
from registry.registry import Registry
from signing.log import leaf_hash

LIVE, FAR = 500, 5000
POLL = 1.0
log = logging.getLogger("liggare.projections")

reached = sa.Table(
    "progress",
    metadata,
    sa.Column("projection", sa.Text, primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("stopped_at", sa.BigInteger),
    sa.Column("stopped_by", sa.Text),
    sa.Column("kept", sa.BigInteger),  # how far the generation before reaches, if there is one
)

Progress = Callable[[int, int], None]


class Stopped(Exception):
    """A rebuild was not finished for these views: an event could not be folded."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where a view stands; stopped says at which event and why, if it is stopped."""

    position: int
    lag: int
    generation: int
    stopped: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    generation: int
    position: int
    stopped: str | None


class _Overtaken(Exception):
    """Another worker has written this batch."""


def records(registry: Registry, links: Links, after: int, upto: int | None = None) -> Iterator[Record]:
    """Events in order as the views see them; each is remembered by links before anything else folds it."""
    secret = registry.get(Secrets, REGISTRY).items
    for stored in registry.recorder.scan(after, upto):
        record = _record(registry, links, stored, secret)
        if record.kind in LINK.streams:
            links.add(LINK.rows(record)[0])
        yield record


def _record(registry: Registry, links: Links, stored: Notification, secret: Items) -> Record:
    """An event without the words that are secret now, whenever they were written."""
    fact, envelope = registry.mapper.opened(stored)
    if secret:
        id = fact.event.__dict__.get("minutes")
        minutes = bool(id and links.latest(f"minutes-{id}", "secret", fact.position))
        fact = replace(fact, event=withheld(fact.event, secret, minutes=minutes))
    said = (envelope[name] for name in ("municipality", "rules", "assurance"))
    return Record(fact, leaf_hash(stored.state), links, *said)


class ByStream:
    """Projections by the kind of stream they fold, looked up once."""

    def __init__(self, projections: Iterable[Projection]) -> None:
        self._all = tuple(projections)
        self._of: dict[str, tuple[Projection, ...]] = {}

    def __iter__(self) -> Iterator[Projection]:
        return iter(self._all)

    def folding(self, record: Record) -> tuple[Projection, ...]:
        """Those that fold an event."""
        if (found := self._of.get(record.kind)) is None:
            found = tuple(one for one in self._all if not one.streams or record.kind in one.streams)
            self._of[record.kind] = found
        return found

    def without(self, projection: Projection) -> ByStream:
        return ByStream(one for one in self._all if one is not projection)


class Projector:
    """Keeps the views of one registry up to date in one database."""

    def __init__(
        self, registry: Registry, engine: sa.Engine, views: Sequence[Projection] = PROJECTIONS
    ) -> None:
        self.registry, self.engine = registry, engine
        # How things hang together comes first: the other views' folds ask it.
        self._all = {view.name: view for view in (LINK, *views)}
        self._links = Links()
        self._failed: dict[str, str] = {}
        self._turn, self._moved = threading.RLock(), threading.Condition()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._head, self._scrub = 0, False
        self._prepare()

    def _prepare(self) -> None:
        try:
            with self.engine.begin() as db:
                self._enter(db)
        except sa.exc.DBAPIError:  # another worker made them meanwhile
            with self.engine.begin() as db:
                self._enter(db)

    def _enter(self, db: sa.Connection) -> None:
        """Make what is missing, and begin anew with views whose form has changed."""
        db.execute(sa.schema.CreateTable(reached, if_not_exists=True))
        db.execute(
            reached.delete().where(sa.false())
        )  # from here on one transaction, also where DDL opens none
        standing = {row.projection: row.version for row in db.execute(sa.select(reached))}
        for view in self._all.values():
            if standing.get(view.name) == view.version:
                continue
            if view.name in standing:  # its table has other columns
                generations.drop(db, view.table)
                generations.drop(db, generations.before(view.table))
                db.execute(reached.delete().where(reached.c.projection == view.name))
            generations.create(db, view.table)
            entry = {"projection": view.name, "generation": 1, "version": view.version, "position": 0}
            db.execute(reached.insert().values(entry))

    # --- where things stand

    def _places(self) -> dict[str, _Place]:
        with self.engine.connect() as db:
            rows = db.execute(sa.select(reached)).all()
        return {
            row.projection: _Place(
                row.generation,
                row.position,
                self._failed.get(row.projection)
                or (f"position {row.stopped_at}: {row.stopped_by}" if row.stopped_at else None),
            )
            for row in rows
            if row.projection in self._all
        }

    def status(self) -> dict[str, Status]:
        """Where every view stands."""
        head = self.registry.recorder.head().position
        return {
            name: Status(place.position, max(0, head - place.position), place.generation, place.stopped)
            for name, place in self._places().items()
        }

    def lag(self) -> dict[str, int]:
        """How many events each view is behind the log."""
        return {name: status.lag for name, status in self.status().items()}

    # --- catching up

    def catch_up(self) -> int:
        """Fold everything that is in the log; the position that every view that is not stopped has reached."""
        with self._turn:
            while self._step():
                pass
            if self._scrub:
                with suppress(sa.exc.OperationalError):  # others are reading: the next time
                    generations.compact(self.engine)
                    self._scrub = False
            places = self._places()
        with self._moved:
            self._moved.notify_all()
        running = [place.position for name, place in places.items() if name not in self._failed]
        return min(running, default=0)

    def _step(self) -> bool:
        """Fold one batch into the views that are furthest behind; False if there is nothing to fold."""
        places = self._places()
        self._head = head = self.registry.recorder.head().position
        running = {
            name: place.position
            for name, place in places.items()
            if name not in self._failed and place.position < head
        }
        if not running or LINK.name in self._failed:
            return False
        low = min(running.values())
        others = [place.position for place in places.values() if place.position > low]
        size = FAR if head - low >= FAR else LIVE
        group = [self._all[name] for name, position in running.items() if position == low]
        with self.engine.connect() as db:
            self._links.load(db, LINK.table)
        batch, unreadable = self._fold(
            group, low, min([low + size, head, *others]), self._links, self._failed
        )
        try:
            self._commit(batch, places)
        except _Overtaken:
            return True
        if unreadable is not None:
            raise unreadable
        return True

    def _fold(
        self, group: Iterable[Projection], low: int, high: int, links: Links, failed: dict[str, str]
    ) -> tuple[dict[str, Pending], Exception | None]:
        """Fold a batch in memory, noting which views failed; also the error, if the log could not be read."""
        going = ByStream(group)
        batch = {view.name: Pending(low, low) for view in going}
        done, unreadable = low, None
        moved = set[str]()
        try:
            for record in records(self.registry, links, low, high):
                if isinstance(record.event, SecretItemListed):
                    moved.add(record.event.meeting)
                for view in going.folding(record):
                    try:
                        view.take(batch[view.name], record)
                    except Exception as error:  # noqa: BLE001  # whatever it is, it stops this view and no other
                        failed[view.name] = _why(view.name, record.position, error)
                        going = going.without(view)
                        batch[view.name].upto = record.position - 1
                done = record.position
            self._reread(going, batch, moved, low, links)
        except Exception as error:  # noqa: BLE001  # handed on, after what came before it is written
            log.error("the log could not be read beyond position %d: %s", low, type(error).__name__)
            unreadable = error
        for view in going:
            batch[view.name].upto = done
        return batch, unreadable

    def _reread(
        self, going: ByStream, batch: Mapping[str, Pending], meetings: Iterable[str], upto: int, links: Links
    ) -> None:
        """What the views said of meetings up to a position, once more: what may be shown of them is another now."""
        secret = self.registry.get(Secrets, REGISTRY).items
        for meeting in meetings:
            for stored in self.registry.recorder.select_stream(f"meeting-{meeting}", 0, upto):
                record = _record(self.registry, links, stored, secret)
                for view in going.folding(record):
                    if isinstance(view, View):
                        batch[view.name].again += view.rows(record)[0]

    def _commit(self, batch: Mapping[str, Pending], places: Mapping[str, _Place]) -> None:
        try:
            with self.engine.begin() as db:
                for name, pending in batch.items():
                    self._write(db, name, pending, places[name].generation)
        except (_Overtaken, sa.exc.OperationalError):
            raise
        except Exception as error:  # noqa: BLE001  # as above: one view's rows must not hold up the others
            for name, pending in batch.items():
                if len(batch) > 1:  # each by itself, to find the one that cannot be written
                    self._commit({name: pending}, places)
                else:
                    self._failed[name] = _why(name, pending.upto, error)
        for name in batch.keys() & self._failed.keys():
            with self.engine.begin() as db:
                self._note(db, name)

    def _write(self, db: sa.Connection, name: str, pending: Pending, generation: int) -> None:
        if pending.upto > pending.after:
            if not _advance(db, name, generation, pending.after, pending.upto):
                raise _Overtaken(name)
            table = self._all[name].table
            self._all[name].write(db, pending, table)
            if pending.again:  # the generation before says it still, and what the file has freed
                self._scrub = True
                generations.drop(db, generations.before(table))
                db.execute(reached.update().where(reached.c.projection == name).values(kept=None))

    def _note(self, db: sa.Connection, name: str) -> None:
        at, _, by = self._failed[name].removeprefix("position ").partition(": ")
        stop = reached.update().where(reached.c.projection == name)
        db.execute(stop.values(stopped_at=int(at), stopped_by=by))

    # --- in the background

    def start(self) -> None:
        """Keep up in a thread of its own, until stop()."""
        if self._thread is None:
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.catch_up()
            except Exception as error:
                log.exception("the views could not be brought up to date: %s", type(error).__name__)
                self._ended.wait(POLL)
            else:
                self.registry.recorder.wait(self._head, POLL)

    def stop(self) -> None:
        """End the thread; what is begun is finished."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until every view that is not stopped shows a position: read your writes."""
        until = time.monotonic() + timeout
        while True:
            places = self._places()
            if all(place.position >= position for name, place in places.items() if name not in self._failed):
                return True
            left = until - time.monotonic()
            if left <= 0:
                return False
            if self._thread is None:
                if self.catch_up() < position and self._head < position:
                    time.sleep(min(left, 0.02))
            else:
                with self._moved:
                    self._moved.wait(min(left, 0.05))

    # --- anew

    def rebuild(self, names: Iterable[str] | None = None, progress: Progress | None = None) -> None:
        """Fold views anew from the first event while the present ones are served; progress(done, of).

        Raises Stopped if an event could not be folded; those views keep their present rows.
        """
        chosen = {name: self._all[name] for name in (self._all if names is None else names)}
        now = {name: place.generation for name, place in self._places().items()}
        anew = _Anew(
            chosen, {name: generations.beside(view.table, now[name] + 1) for name, view in chosen.items()}
        )
        try:
            with self.engine.begin() as db:
                anew.clear(db)
                anew.create(db)
            with rarely_collected(), ThreadPoolExecutor(1, "rebuild") as writer:
                written = writer.submit(lambda: None)
                while anew.position < (head := self.registry.recorder.head().position):
                    batch = self._refill(anew, min(anew.position + FAR, head))
                    written.result()  # no more than two batches at a time
                    written = writer.submit(self._pour, anew, batch)
                    if progress:
                        progress(anew.position, head)
                written.result()
            for table in anew.tables.values():
                with self.engine.begin() as db:
                    generations.index(db, table)
            with self._turn, self.engine.begin() as db:
                self._swap(db, anew)
            with self._turn:
                self._links = Links()
        finally:
            with self.engine.begin() as db:
                anew.clear(db)
        for name in chosen.keys() - anew.failed.keys():
            self._failed.pop(name, None)
        if anew.failed:
            raise Stopped(", ".join(f"{name} ({why})" for name, why in sorted(anew.failed.items())))

    def _refill(self, anew: _Anew, high: int) -> dict[str, Pending]:
        """Fold up to a position for the tables beside."""
        batch, unreadable = self._fold(anew.going(), anew.position, high, anew.links, anew.failed)
        if unreadable is not None:
            raise unreadable
        anew.position = high
        return batch

    def _pour(self, anew: _Anew, batch: Mapping[str, Pending]) -> None:
        with self.engine.begin() as db:
            anew.write(db, batch)

    def _swap(self, db: sa.Connection, anew: _Anew) -> None:
        live = anew.position
        for view in anew.going():  # takes the writer's lock: from here on nobody moves these views
            turn = reached.update().where(reached.c.projection == view.name)
            turn = turn.values(generation=reached.c.generation + 1, stopped_at=None, stopped_by=None)
            live = max(live, db.execute(turn.returning(reached.c.position)).scalar_one())
        if live > anew.position:
            anew.write(db, self._refill(anew, live))
        for view in anew.going():
            generations.serve(db, view.table, anew.tables[view.name])
            there = reached.update().where(reached.c.projection == view.name)
            db.execute(there.values(position=live, kept=reached.c.position))

    def back(self) -> list[str]:
        """Take the last rebuild of every view back, in one transaction, and catch up; the views that had one."""
        return self._settle(generations.serve_before, reached.c.kept, reached.c.position)

    def forget(self) -> list[str]:
        """Drop the generations that are kept; the views that had one."""
        return self._settle(
            lambda db, table: generations.drop(db, generations.before(table)), reached.c.position, None
        )

    def _settle(
        self,
        change: Callable[[sa.Connection, sa.Table], None],
        position: sa.ColumnElement[int],
        kept: sa.ColumnElement[int] | None,
    ) -> list[str]:
        turn = reached.update().where(reached.c.projection.in_(list(self._all)), reached.c.kept.is_not(None))
        turn = turn.values(
            generation=reached.c.generation + 1,
            position=position,
            kept=kept,
            stopped_at=None,
            stopped_by=None,
        )
        with self._turn:
            with self.engine.begin() as db:
                names = sorted(db.execute(turn.returning(reached.c.projection)).scalars())
                for name in names:
                    change(db, self._all[name].table)
            self._links = Links()
            for name in names:
                self._failed.pop(name, None)
        self.catch_up()
        return names


@dataclass(slots=True)
class _Anew:
    """A rebuild under way: the views, the tables beside theirs, and how far it has come."""

    views: Mapping[str, Projection]
    tables: Mapping[str, sa.Table]
    links: Links = field(default_factory=Links)
    position: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def clear(self, db: sa.Connection) -> None:
        """Drop the tables, in one transaction: also where a change of tables opens none by itself."""
        db.execute(reached.delete().where(sa.false()))
        for table in self.tables.values():
            generations.drop(db, table)

    def create(self, db: sa.Connection) -> None:
        """Make the tables, with the one index that folding asks: of a view that takes back what it said."""
        for name, table in self.tables.items():
            generations.make(db, table)
            if getattr(self.views[name], "retracts", False):
                generations.index(db, table)

    def write(self, db: sa.Connection, batch: Mapping[str, Pending]) -> None:
        for name, pending in batch.items():
            self.views[name].write(db, pending, self.tables[name])

    def going(self) -> list[Projection]:
        return [view for name, view in self.views.items() if name not in self.failed]


def _why(name: str, position: int, error: Exception) -> str:
    """Where and by what a view was stopped. The error's message may hold what the event held, so it is not kept."""
    why = f"position {position}: {type(error).__name__}"
    log.error("the view %s stopped at %s", name, why)
    return why


def _advance(db: sa.Connection, name: str, generation: int, old: int, new: int) -> bool:
    """Move a view's row of progress, if it stands where the batch began."""
    row = reached.c.projection == name, reached.c.generation == generation, reached.c.position == old
    moved = reached.update().where(*row).values(position=new, stopped_at=None, stopped_by=None)
    return db.execute(moved.returning(reached.c.position)).first() is not None
