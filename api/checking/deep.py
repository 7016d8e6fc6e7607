"""Steps 12 to 15: what takes the registry's keys and code.

- One pass over the events, opened: every encrypted file that an event names is there byte for byte, and the views are
  folded anew. Each view is compared as of the event it has read up to: a server that was stopped mid-way leaves views
  that are behind, not views that are wrong.
- Each version of minutes is compared, statement by statement, with what the events before its save give.
- Each sealed version is rendered again with the pinned renderer. With another renderer that is not run; what has been
  destroyed by decision cannot be.
- What is destroyed is held to what the events say of it (gone.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.checking.gone import Gone, verify_gone
from api.checking.parts import DAMAGED, Progress
from api.settings import Settings
from domain.decider import STATES
from domain.meeting import Meeting
from domain.messages import Destroyed, Fact, State
from domain.minutes_events import MinutesSealed, MinutesVersionMade, Render, RenderPinned
from domain.statements import same, statements
from projections.links import Links
from projections.paper.minutes import minutes_sheet
from projections.paper.render import render
from projections.runner import ByStream, reached, records
from projections.view import FreshDigest, Record
from projections.views import PROJECTIONS
from registry.digest import fold, state_digest
from registry.files import FileDamaged, FileDestroyed
from registry.mapper import EvidenceBroken, read_envelope
from registry.postgres_engine import server_lost
from registry.registry import Registry
from registry.vault import KeyMissing
from signing.commitments import version_root
from signing.pades_check import first_revision
from signing.report import Report

Version = tuple[str, int]  # the stream of the minutes, and which version


class Deep:
    """One run over a registry that can be opened."""

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        folder: Path,
        views: Callable[[], sa.Engine | None],
        report: Report,
        progress: Progress,
        gone: Gone,
        anew: Callable[[], Registry | None],
    ) -> None:
        self.registry, self.settings, self.folder, self.views = registry, settings, folder, views
        self.report, self.progress, self._gone, self._anew = report, progress, gone, anew
        self.files: set[str] = set()
        self.head = registry.recorder.head().position
        self._versions: dict[Version, int] = {}  # where each was made
        self._pins: dict[Version, Render] = {}
        self._seals: list[tuple[str, MinutesSealed]] = []
        self._stored = _Stored()
        self._fresh: dict[str, str] = {}
        self._unfolded: set[str] = set()
        self.streams: set[str] = set()

    def run(self) -> None:
        """All of it; what cannot be opened is a failure of the first step that needs it."""
        try:
            self._read_views()
            self._read_events()
            self._statements()
            self._rerender()
            self._digest()
            self._destroyed()
        except (EvidenceBroken, KeyMissing) as error:
            self.report.fail("statements", "sealed-wrong", reason=str(error))
        except (*DAMAGED, sa.exc.SQLAlchemyError) as error:
            if server_lost(error):
                raise
            self.report.fail("statements", "keys-damaged", reason=str(getattr(error, "orig", None) or error))

    # --- one pass

    def _read_events(self) -> None:
        folding = {
            one.name: (one.fresh_digest(), self._stored.upto(one.name, self.head))
            for one in PROJECTIONS
            if one.name in self._stored.digests
        }
        by_stream = ByStream([one for one in PROJECTIONS if one.name in folding])
        for record in records(self.registry, Links(), 0, self.head):
            fact = record.fact
            self.streams.add(fact.stream)
            self._check_files(fact)
            self._gone.note(fact)
            match fact.event:
                case MinutesVersionMade(version=version):
                    self._versions[fact.stream, version] = fact.position
                case RenderPinned(version=version, render=pinned):
                    self._pins[fact.stream, version] = pinned
                case MinutesSealed() as seal:
                    self._seals.append((fact.stream, seal))
                case _:
                    pass
            for view in by_stream.folding(record):
                fresh, upto = folding[view.name]
                if fact.position <= upto and view.name not in self._unfolded:
                    self._fold(view.name, fresh, record)
            if fact.position % 500 == 0:
                self.progress("facts", fact.position, self.head)
        self._fresh = {name: fresh.hex() for name, (fresh, _) in folding.items()}

    def _fold(self, view: str, fresh: FreshDigest, record: Record) -> None:
        try:
            fresh.take(record)
        except Exception as error:  # noqa: BLE001  # whatever it is, the view could not come from these events
            self._unfolded.add(view)
            why = type(error).__name__
            self.report.fail("digest", "view-unfolded", view=view, position=record.position, reason=why)

    def _check_files(self, fact: Fact) -> None:
        for name in ("file", "cms_file"):
            address = getattr(fact.event, name, None)
            if isinstance(address, str) and address not in self.files:
                self.files.add(address)
                try:
                    self.registry.files.check(address)
                except (FileDamaged, OSError) as error:
                    self.report.fail("pades", "file-wrong", position=fact.position, reason=str(error))

    def _fact(self, position: int) -> Fact:
        stored = self.registry.stored(position)
        assert stored is not None
        return self.registry.fact(stored)

    # --- 12

    def _statements(self) -> None:
        compared = destroyed = 0
        for done, ((stream, version), position) in enumerate(self._versions.items()):
            self.progress("statements", done, len(self._versions))
            fact = self._fact(position)
            event = fact.event
            assert isinstance(event, MinutesVersionMade)
            if event.kind == "correction":
                continue  # it says what it corrects, in words of its own
            if _is_destroyed(event):
                destroyed += 1
                continue
            compared += self._compare(stream, version, event, self._before(position))
        counts = {"count": compared, "versions": len(self._versions)}
        if destroyed:
            self.report.ok("statements", "statements-destroyed", destroyed=destroyed, **counts)
        elif self._versions:
            self.report.ok("statements", "statements-ok", **counts)
        else:
            self.report.skip("statements", "no-statements")

    def _compare(self, stream: str, version: int, event: MinutesVersionMade, before: int) -> int:
        world = self.registry.world(before)
        folded = statements(world.get(Meeting, event.meeting), world, event.covers, event.rest)
        for said, should in zip(event.statements, folded, strict=False):
            if said.ref_stream != should.ref_stream or not same([said], [should]):
                self.report.fail(
                    "statements",
                    "statement-differs",
                    stream=stream,
                    version=version,
                    kind=said.kind,
                    item=said.item or "–",
                    source=should.ref_stream,
                    source_version=should.ref_version,
                )
                return 0
        if len(event.statements) != len(folded):
            self.report.fail("statements", "statements-counted", stream=stream, version=version)
            return 0
        return len(folded)

    def _before(self, position: int) -> int:
        """The last position before the save that an event was part of."""

        def command(at: int) -> Any:
            stored = self.registry.stored(at)
            return read_envelope(stored)["command_id"] if stored else None

        saved = command(position)
        while position > 1 and command(position - 1) == saved:
            position -= 1
        return position - 1

    # --- 13

    def _rerender(self) -> None:
        outcomes: dict[str, int] = defaultdict(int)
        for done, (stream, seal) in enumerate(self._seals):
            self.progress("rerender", done, len(self._seals))
            outcomes[self._render_again(stream, seal)] += 1
        other, destroyed = outcomes["other"], outcomes["destroyed"]
        if outcomes["done"] and (other or destroyed):
            self.report.ok(
                "rerender", "rerender-some", count=outcomes["done"], other=other, destroyed=destroyed
            )
        elif outcomes["done"]:
            self.report.ok("rerender", "rerender-ok", count=outcomes["done"])
        elif other or destroyed:
            self.report.skip("rerender", "rerender-other", other=other, destroyed=destroyed)
        else:
            self.report.skip("rerender", "nothing-sealed")

    def _render_again(self, stream: str, seal: MinutesSealed) -> str:
        at: dict[str, str | int] = {"stream": stream, "version": seal.version}
        position, pin = self._versions.get((stream, seal.version)), self._pins.get((stream, seal.version))
        if position is None or pin is None:
            self.report.fail("rerender", "rerender-unpinned", **at)
            return "wrong"
        fact = self._fact(position)
        assert isinstance(fact.event, MinutesVersionMade)
        if _is_destroyed(fact.event):
            return "destroyed"
        stored = self.registry.stored(position)
        assert stored is not None
        root = version_root(read_envelope(stored))
        world = self.registry.world(position)
        sheet = minutes_sheet(fact, world, self.settings.name, example=self.settings.example, root=root)
        again = render(sheet)
        if (pin.typst, pin.template, pin.font) != tuple(
            again.renderer[name] for name in ("typst", "template", "fonts")
        ):
            return "other"
        try:
            sealed = self.registry.files.get(seal.file)
            begins = first_revision(sealed)
        except FileDestroyed:
            return "destroyed"
        except (FileDamaged, OSError, ValueError) as error:
            self.report.fail("rerender", "rerender-unreadable", reason=str(error), **at)
            return "wrong"
        if begins != again.pdf:
            self.report.fail("rerender", "rerender-differs", **at)
            return "wrong"
        return "done"

    # --- 14

    def _read_views(self) -> None:
        """The views' digests as they are stored, and how far each has read; None if there are none to compare."""
        try:
            if (engine := self.views()) is not None:
                self._stored.there = True
                self._stored.read(engine)
        except (*DAMAGED, sa.exc.SQLAlchemyError) as error:
            if server_lost(error):
                raise
            self._stored.damage = str(getattr(error, "orig", None) or error)

    def _digest(self) -> None:
        state = state_digest(_Folded(self))
        stored = self._stored
        if stored.damage:
            self.report.fail("digest", "views-unreadable", reason=stored.damage)
            return
        if not stored.there:
            self.report.skip("digest", "no-views", state=state)
            return
        for view, digest in sorted(stored.digests.items()):
            if stored.positions[view] > self.head:
                self.report.fail(
                    "digest", "view-ahead", view=view, position=stored.positions[view], head=self.head
                )
            elif view not in self._unfolded and digest != self._fresh[view]:
                self.report.fail("digest", "view-differs", view=view)
        lags = [self.head - stored.positions[view] for view in stored.digests]
        behind, count = sum(lag > 0 for lag in lags), len(stored.digests)
        if behind:
            self.report.ok("digest", "digest-behind", count=count, behind=behind, lag=max(lags), state=state)
        elif other := len(PROJECTIONS) - count:
            self.report.ok("digest", "digest-other", count=count, other=other, state=state)
        else:
            self.report.ok("digest", "digest-ok", count=count, state=state)

    # --- 15

    def _destroyed(self) -> None:
        folders = self.settings.checkpoint_folders(self.folder)
        self.report.take(verify_gone(self._gone, self.registry, folders, self._anew, self.head))


class _Folded(Mapping[str, State]):
    """Every stream's state, folded when it is asked for: one is in memory at a time."""

    def __init__(self, deep: Deep) -> None:
        self._deep, self._done = deep, 0

    def __getitem__(self, name: str) -> State:
        self._done += 1
        if self._done % 100 == 0:
            self._deep.progress("digest", self._done, len(self))
        return fold(self._deep.registry.stream(name, self._deep.head), STATES)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._deep.streams)

    def __len__(self) -> int:
        return len(self._deep.streams)


class _Stored:
    """The stored views that can be compared: of this program's version, with how far each has read."""

    def __init__(self) -> None:
        self.digests: dict[str, str] = {}
        self.positions: dict[str, int] = {}
        self.there, self.damage = False, ""

    def upto(self, view: str, head: int) -> int:
        """How far a view is to be folded for the comparison."""
        return min(self.positions.get(view, 0), head)

    def read(self, engine: sa.Engine) -> None:
        with engine.connect() as db:
            rows = {row.projection: row for row in db.execute(sa.select(reached))}
            for one in PROJECTIONS:
                row = rows.get(one.name)
                if row is not None and row.version == one.version:
                    self.positions[one.name] = int(row.position)
                    self.digests[one.name] = one.stored_digest(db, None)


def _is_destroyed(version: MinutesVersionMade) -> bool:
    fields = [value for one in version.statements for value in one.fields.values()]
    return any(isinstance(value, Destroyed) for value in (*fields, *version.texts.values()))
