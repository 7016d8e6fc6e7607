"""`liggare verify`: of a data folder, an exported range, or one sealed PDF.

- The steps are those of signing/verify.py. Here the sources are opened without changing a byte of them, and the last
  three steps are added where the registry's keys are at hand: the minutes folded from the events and compared, the
  pinned version rendered again, the views compared with the events.
- A file that cannot even be read as what it should be is broken evidence, reported as such, never a traceback.
- What nothing protects is listed: bytes of the log's file that hold no evidence, and whole files beside it that are
  working data (views can be made again from the events; keys and settings prove nothing).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography import x509

from api.keyroom import ANCHOR, read_vkeys
from api.settings import NAME, NoRootKey, NotAFolder, Settings, find_root_key
from domain.decider import STATES
from domain.meeting import Meeting
from domain.messages import Destroyed, Fact
from domain.minutes_events import MinutesVersionMade
from domain.statements import same, statements
from projections.paper.minutes import minutes_sheet
from projections.paper.render import render
from projections.reading import fresh_digests, stored_digests
from registry.clock import SystemClock
from registry.digest import fold, state_digest
from registry.files import FileDamaged, FileDestroyed, Files
from registry.mapper import EvidenceBroken, read_envelope
from registry.registry import Registry
from registry.sqlite import APPLICATION_ID, DDL, FORMAT, SQLiteRecorder
from registry.sqlite_layout import Shape, structure_errors, unprotected
from registry.sqlite_readonly import open_readonly, settled
from registry.vault import KeyMissing, Vault, WrongRootKey, readonly_engine
from signing.commitments import version_root
from signing.export import read_export
from signing.pades_check import embedded_roots, first_revision
from signing.verify import Evidence, Record, Report, verify_log, verify_pdf

SHAPE = Shape(APPLICATION_ID, FORMAT, DDL, frozenset({"event", "checkpoint"}))
Progress = Callable[[int], None]


class Unreadable(Exception):
    """The path holds nothing that can be verified; the message says what was looked for."""


def verify(
    path: Path, *, trust: Path | None = None, checkpoint: Path | None = None, progress: Progress = lambda _: None
) -> dict[str, Any]:
    """Verify a path; the result as the command line's contract has it."""
    path = path.absolute()
    roots = read_roots(trust) if trust else None
    outside = [(str(checkpoint), _bytes(checkpoint))] if checkpoint else []
    if path.is_file():
        report = _verify_file(path, roots)
    elif (path / NAME).is_file():
        report = _Folder(path, roots, outside).verify(progress)
    elif path.is_dir():
        report = _verify_export(path, roots, outside, progress)
    else:
        raise Unreadable(f"{path} does not exist")
    return report.result()


def read_roots(path: Path) -> list[x509.Certificate]:
    """Trust anchors from a PEM file."""
    try:
        return x509.load_pem_x509_certificates(_bytes(path))
    except ValueError:
        raise Unreadable(f"{path} holds no certificate in PEM form") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error


# --- one sealed PDF


def _verify_file(path: Path, roots: list[x509.Certificate] | None) -> Report:
    pdf = _bytes(path)
    if not pdf.startswith(b"%PDF-") and b"%PDF-" not in pdf[:1024]:
        # A damaged head is broken evidence if the rest is a PDF, and another kind of file otherwise.
        if b"startxref" not in pdf[-2048:]:
            raise Unreadable(f"{path} is neither a data folder, an export nor a PDF")
    report = Report()
    try:
        anchors = roots if roots is not None else embedded_roots(pdf)
    except Exception as error:  # noqa: BLE001  # hostile bytes may raise anything inside the parsers
        report.fail("pades", f"{path.name}: its certificates cannot be read: {error}")
        return report
    verify_pdf(pdf, str(path), anchors, roots is not None, report, SystemClock().now())
    report.ok("pades", "the signatures and the seal hold, and nothing was changed after them")
    report.ok("timestamps", "the time stamps hold")
    report.trusted = roots is not None
    for step in ("envelope", "columns", "leaves", "tree", "checkpoints", "outside-checkpoint", "inclusion",
                 "consistency", "cms", "statements", "rerender", "digest"):  # fmt: skip
        report.skip(step, "a PDF by itself holds no events")
    return report


# --- an export


def _verify_export(
    path: Path, roots: list[x509.Certificate] | None, outside: list[tuple[str, bytes]], progress: Progress
) -> Report:
    try:
        evidence = read_export(path, roots, outside)
    except FileNotFoundError as error:
        raise Unreadable(f"{path} is neither a data folder nor an export: {error.filename} is not there") from None
    except ValueError as error:
        report = Report()
        report.fail("envelope", f"the export cannot be read: {error}")
        return report
    report = verify_log(evidence, SystemClock().now(), progress)
    for step in ("statements", "rerender", "digest"):
        report.skip(step, "an export holds no keys; run this on the data folder")
    return report


# --- a data folder


@dataclass
class _Folder:
    """One data folder, opened for reading only."""

    path: Path
    roots: list[x509.Certificate] | None
    outside: list[tuple[str, bytes]]
    stack: ExitStack = field(default_factory=ExitStack)

    def verify(self, progress: Progress) -> Report:
        with self.stack:
            return self._verify(progress)

    def _verify(self, progress: Progress) -> Report:
        report = Report()
        try:
            settings = Settings.read(self.path)
            vkeys = read_vkeys(self.path / "pki")
            anchors = self.roots if self.roots is not None else read_roots(self.path / "pki" / ANCHOR)
        except (NotAFolder, Unreadable, OSError, ValueError) as error:
            report.fail("checkpoints", f"what the folder says of itself cannot be read: {error}")
            return report
        log = self.path / "events.db"
        if not log.is_file():
            report.fail("envelope", f"the log {log} is missing")
            return report
        registry, why = self._registry(settings)
        evidence = Evidence(
            records=lambda: self._records(log),
            checkpoints=self._stored_notes(log, report),
            outside=[*self._kept_notes(settings), *self.outside],
            vkeys=vkeys,
            origin=settings.origin,
            roots=anchors,
            trusted=self.roots is not None,
            artefact=_Artefacts(registry) if registry else lambda _: None,
            artefacts_missing=why,
        )
        try:
            found = verify_log(evidence, SystemClock().now(), progress)
        except sqlite3.Error as error:
            report.fail("envelope", f"the log's file is damaged: {error}")
            found = report
        for step, details in report.failures.items():
            found.failures[step].extend(detail for detail in details if detail not in found.failures[step])
        self._structure(log, found)
        if registry is None:
            for step in ("statements", "rerender", "digest"):
                found.skip(step, why)
        elif found.failures.keys() & {"envelope", "columns", "leaves", "tree"}:
            for step in ("statements", "rerender", "digest"):
                found.skip(step, "the events themselves are broken")
        else:
            self._deep(registry, found, progress)
        self._unprotected(log, found)
        return found

    def _registry(self, settings: Settings) -> tuple[Registry | None, str]:
        try:
            root = find_root_key(self.path, settings)
            keys = self.stack.enter_context(settled(self.path / "keys.db"))
            vault = Vault.reading(keys, root)
            recorder = SQLiteRecorder(self.path / "events.db", readonly=True)
            self.stack.callback(recorder.close)
            self.stack.callback(vault.close)
            return Registry(settings.slug, recorder, vault, Files(self.path / "files", vault), SystemClock()), ""
        except NoRootKey as error:
            return None, f"{error}, so what is sealed cannot be opened"
        except (WrongRootKey, sqlite3.Error, sa.exc.DatabaseError, OSError) as error:
            return None, f"the keys cannot be opened: {error}"

    def _records(self, log: Path) -> Iterator[Record]:
        with open_readonly(log) as db:
            for position, stream, version, topic, envelope, leaf in db.execute(
                "SELECT position, stream, version, topic, envelope, leaf FROM event ORDER BY position"
            ):
                if not isinstance(envelope, bytes):
                    envelope = str(envelope).encode()
                yield Record(position, envelope, leaf, (stream, version, topic))

    def _stored_notes(self, log: Path, report: Report) -> list[tuple[str, bytes]]:
        try:
            with open_readonly(log) as db:
                rows = db.execute("SELECT size, note FROM checkpoint ORDER BY size").fetchall()
        except sqlite3.Error as error:
            report.fail("checkpoints", f"the log's file is damaged: {error}")
            return []
        for size, note in rows:
            if not isinstance(note, bytes) or note.split(b"\n")[1:2] != [str(size).encode()]:
                report.fail("checkpoints", f"the row of checkpoint {size} holds a note of another size")
        return [(f"checkpoint {size}", note if isinstance(note, bytes) else b"") for size, note in rows]

    def _kept_notes(self, settings: Settings) -> list[tuple[str, bytes]]:
        folders = [self.path / "checkpoints"]
        if settings.outside_checkpoints:
            folders.append(self.path / settings.outside_checkpoints)
        return [(str(note), note.read_bytes()) for folder in folders for note in sorted(folder.glob("*.note"))]

    def _structure(self, log: Path, report: Report) -> None:
        """What the database itself can tell: its own check of pages and indexes, and the shape we gave it."""
        with settled(log) as file:
            for error in structure_errors(file, SHAPE):
                report.fail("columns", f"the log's file: {error}")
        try:
            with open_readonly(log) as db:
                problems = [row[0] for row in db.execute("PRAGMA integrity_check")]
        except sqlite3.Error as error:
            problems = [str(error)]
        for problem in problems:
            if problem != "ok":
                report.fail("columns", f"the log's file: {problem}")

    def _unprotected(self, log: Path, report: Report) -> None:
        with settled(log) as file:
            if file == log:
                report.unprotected.extend((str(log), offset, length) for offset, length in unprotected(file, SHAPE))
            else:
                # Not closed cleanly: the checks saw the log with its side file folded in, and no byte of either is
                # where it will be once it is closed.
                report.unprotected.append((str(log), 0, log.stat().st_size))
        for other in sorted(self.path.rglob("*")):
            if other.is_file() and other != log and not self._is_evidence(other):
                report.unprotected.append((str(other), 0, other.stat().st_size))

    def _is_evidence(self, file: Path) -> bool:
        """Checkpoints, what the log's signatures are checked with, and the encrypted files are looked at themselves."""
        place = file.relative_to(self.path).parts
        return place[0] == "checkpoints" or place in (("pki", ANCHOR), ("pki", "log.vkeys")) or (
            place[0] == "files" and file.name in self._named
        )  # fmt: skip

    # --- steps 12 to 14

    _named: set[str] = field(default_factory=set)

    def _deep(self, registry: Registry, report: Report, progress: Progress) -> None:
        versions: list[Fact] = []
        try:
            for fact in registry.facts():
                self._files(registry, fact, report)
                if isinstance(fact.event, MinutesVersionMade):
                    versions.append(fact)
        except (EvidenceBroken, KeyMissing) as error:
            report.fail("statements", str(error))
            return
        compared = 0
        for fact in versions:
            compared += self._statements(registry, fact, report)
        report.ok("statements", f"{compared} statements in {len(versions)} versions are what the events say")
        self._rerender(registry, versions, report)
        self._digest(registry, report)

    def _files(self, registry: Registry, fact: Fact, report: Report) -> None:
        """Every encrypted file that an event names is there, byte for byte."""
        for name in ("file", "cms_file"):
            address = getattr(fact.event, name, None)
            if isinstance(address, str):
                self._named.add(address)
                try:
                    registry.files.check(address)
                except FileDamaged as error:
                    report.fail("pades", f"position {fact.position}: {error}")

    def _statements(self, registry: Registry, fact: Fact, report: Report) -> int:
        event = fact.event
        assert isinstance(event, MinutesVersionMade)
        if event.kind == "correction" or any(
            isinstance(value, Destroyed) for one in event.statements for value in one.fields.values()
        ):
            return 0
        before = self._before(registry, fact)
        world = registry.world(before)
        folded = statements(world.get(Meeting, event.meeting), world, event.covers, event.rest)
        if same(event.statements, folded):
            return len(folded)
        for said, should in zip(event.statements, folded, strict=False):
            if not same([said], [should]):
                place = f"item {said.item}" if said.item else "the meeting"
                report.fail(
                    "statements",
                    f"{fact.stream} version {event.version}: what is said of {said.kind} ({place}) is not what "
                    f"{should.ref_stream} version {should.ref_version} tells",
                )
                break
        else:
            report.fail("statements", f"{fact.stream} version {event.version}: statements are missing or added")
        return 0

    @staticmethod
    def _before(registry: Registry, fact: Fact) -> int:
        """The last position before the save that the version was part of."""
        position, stored = fact.position, registry.stored(fact.position)
        assert stored is not None
        command = read_envelope(stored)["command_id"]
        while position > 1:
            earlier = registry.stored(position - 1)
            if earlier is None or read_envelope(earlier)["command_id"] != command:
                break
            position -= 1
        return position - 1

    def _rerender(self, registry: Registry, versions: list[Fact], report: Report) -> None:
        settings = Settings.read(self.path)
        done, other = 0, 0
        for seal in registry.facts():
            if seal.event.TOPIC != "minutes-sealed.v1":
                continue
            data: Any = seal.event
            fact = next(
                one for one in versions
                if one.stream == seal.stream and getattr(one.event, "version", None) == data.version
            )  # fmt: skip
            stored = registry.stored(fact.position)
            assert stored is not None
            root = version_root(read_envelope(stored))
            world = registry.world(fact.position)
            sheet = minutes_sheet(fact, world, settings.name, example=settings.example, root=root)
            rendered = render(sheet)
            pins = [one.event for one in registry.stream(seal.stream) if one.event.TOPIC == "render-pinned.v1"]
            pin: Any = next(one for one in pins if getattr(one, "version", None) == data.version)
            made = tuple(rendered.renderer[name] for name in ("typst", "template", "fonts"))
            if (pin.render.typst, pin.render.template, pin.render.font) != made:
                other += 1
                continue
            try:
                sealed = registry.files.get(data.file)
            except (FileDamaged, FileDestroyed) as error:
                report.fail("rerender", f"{seal.stream}: the sealed file cannot be read: {error}")
                continue
            if not sealed.startswith(rendered.pdf) or first_revision(sealed) != rendered.pdf:
                report.fail("rerender", f"{seal.stream}: the sealed PDF does not begin with the version rendered again")
            done += 1
        if done or "rerender" in report.failures:
            report.ok("rerender", f"{done} versions rendered again give the bytes that were signed")
        elif other:
            report.skip("rerender", f"{other} versions were rendered by another renderer than this one")
        else:
            report.skip("rerender", "nothing has been sealed")

    def _digest(self, registry: Registry, report: Report) -> None:
        state = state_digest(fold(registry.facts(), STATES))
        if not (self.path / "views.db").is_file():
            report.skip("digest", f"there are no views here; state digest {state}")
            return
        try:
            with settled(self.path / "views.db") as file:
                engine = readonly_engine(file)
                stored = stored_digests(engine)
                engine.dispose()
        except (sqlite3.Error, sa.exc.DatabaseError) as error:
            report.fail("digest", f"the views cannot be read: {error}")
            return
        fresh = fresh_digests(registry)
        for view in sorted(fresh):
            if stored.get(view) != fresh[view]:
                report.fail("digest", f"the view {view} is not what the events give; `liggare rebuild` makes it anew")
        report.ok("digest", f"{len(fresh)} views are what the events give; state digest {state}")


class _Artefacts:
    """Sealed PDFs and detached signatures by the SHA-256 of their content, out of the encrypted files."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._places: dict[str, str] | None = None

    def __call__(self, digest: str) -> bytes | None:
        if self._places is None:
            self._places = self._find()
        address = self._places.get(digest)
        if address is None:
            return None
        try:
            content = self._registry.files.get(address)
        except (FileDamaged, FileDestroyed, KeyMissing):
            return None
        return content if sha256(content).hexdigest() == digest else None

    def _find(self) -> dict[str, str]:
        places: dict[str, str] = {}
        for notification in self._registry.recorder.select_notifications(
            1, 2**53, topics=["minutes-approved.v1", "minutes-sealed.v1"]
        ):
            data = read_envelope(notification)["data"]
            if "pdf" in data:
                places[data["pdf"]] = data["file"]
            else:
                places[data["cms"]] = data["cms_file"]
        return places
