"""Verifying a data folder: its log, its checkpoints and files, opened for reading only.

- The log is read row by row as it lies in its file. Its structure is looked through as well, since SQLite forgives what
  evidence may not be forgiven.
- Checkpoints kept in the folder are named by their size and there is one for each that the database holds.
- Without the root key the steps that open what is sealed are not run, and say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from cryptography import x509

from api.checking.deep import Deep
from api.checking.parts import DAMAGED, Progress
from api.faults import Fault, told
from api.keyroom import ANCHOR, VKEYS
from api.settings import Settings, find_root_key
from registry import quick
from registry.clock import SystemClock
from registry.files import FileDamaged, FileDestroyed, Files
from registry.mapper import EvidenceBroken, read_envelope
from registry.registry import Registry
from registry.sqlite import APPLICATION_ID, DDL, FORMAT, SQLiteRecorder
from registry.sqlite_layout import Shape, structure_errors, unprotected
from registry.sqlite_readonly import open_readonly, settled
from registry.vault import KeyMissing, Vault, WrongRootKey, readonly_engine
from signing.export import Broken, read_anchor, read_vkeys
from signing.records import APPROVED, SEALED
from signing.report import Report
from signing.verify import Destroyed, Evidence, Record, SourceDamaged, verify_log

SHAPE = Shape(APPLICATION_ID, FORMAT, DDL, frozenset({"event", "checkpoint"}))
DEEP = ("statements", "rerender", "digest")
Missing = tuple[str, dict[str, str | int]]


class Folder:
    """One data folder."""

    def __init__(
        self,
        path: Path,
        roots: list[x509.Certificate] | None,
        outside: list[tuple[str, bytes]],
        progress: Progress,
        language: Literal["sv", "en"],
    ) -> None:
        self.path, self.roots, self.outside = path, roots, outside
        self._progress, self._language = progress, language
        self._log = path / "events.db"
        self._named: set[str] = set()

    def verify(self) -> Report:
        """Every step."""
        report = Report()
        try:
            settings = Settings.read(self.path)
            vkeys = read_vkeys((self.path / "pki" / VKEYS).read_bytes())
            own = self.path / "pki" / ANCHOR
            anchors = self.roots if self.roots is not None else [read_anchor(own.read_bytes())]
        except (Fault, OSError, Broken) as error:
            report.fail("checkpoints", "folder-unreadable", reason=self._told(error))
            return report
        if not self._log.is_file():
            report.fail("envelope", "log-missing", file=str(self._log))
            return report
        with ExitStack() as stack:
            registry, missing = self._registry(settings, stack)
            evidence = Evidence(
                records=self._records,
                checkpoints=self._stored_notes(report),
                outside=[*self._kept_notes(settings, report), *self.outside],
                vkeys=vkeys,
                origin=settings.origin,
                roots=anchors,
                trusted=self.roots is not None,
                artefact=_Artefacts(registry) if registry else lambda _: None,
                missing=missing,
                decode=quick.decode,
            )
            found = verify_log(evidence, SystemClock().now(), self._progress)
            for step, said in report.failures.items():
                found.failures[step].extend(said)
            self._structure(found)
            if missing is not None:
                for step in DEEP:
                    found.skip(step, missing[0], **missing[1])
            elif found.failed("envelope", "columns", "leaves", "tree"):
                for step in DEEP:
                    found.skip(step, "events-broken")
            elif registry is not None:
                deep = Deep(registry, settings, self.path / "views.db", found, self._progress)
                deep.run()
                self._named = deep.files
            self._unprotected(found)
        return found

    def _told(self, error: Exception) -> str:
        if isinstance(error, Fault):
            return told("faults", error.code, self._language, error.values)
        return str(error)

    # --- what is at hand

    def _registry(self, settings: Settings, stack: ExitStack) -> tuple[Registry | None, Missing | None]:
        file = self.path / "keys.db"
        if not file.is_file():
            return None, ("keys-missing", {"file": str(file)})
        try:
            root = find_root_key(self.path, settings)
            vault = Vault(readonly_engine(stack.enter_context(settled(file))), root, readonly=True)
            stack.callback(vault.close)
            recorder = SQLiteRecorder(self._log, readonly=True)
            stack.callback(recorder.close)
            files = _ReadFiles(self.path / "files", vault)
            return Registry(settings.slug, recorder, vault, files, SystemClock()), None
        except Fault as error:
            return None, ("no-keys", {"reason": self._told(error)})
        except WrongRootKey:
            return None, ("no-keys", {"reason": told("faults", "wrong-root-key", self._language, {})})
        except (*DAMAGED, sa.exc.SQLAlchemyError) as error:
            return None, ("keys-damaged", {"reason": reason(error)})

    def _records(self) -> Iterator[Record]:
        try:
            with open_readonly(self._log) as db:
                db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
                for position, stream, version, topic, envelope, leaf in db.execute(
                    "SELECT position, stream, version, topic, envelope, leaf FROM event ORDER BY position"
                ):
                    yield Record(
                        position,
                        envelope
                        if isinstance(envelope, bytes)
                        else repr(envelope).encode("utf-8", "replace"),
                        leaf if isinstance(leaf, bytes) else b"",
                        (stream, version, topic),
                    )
        except DAMAGED as error:
            raise SourceDamaged(str(error)) from error

    def _stored_notes(self, report: Report) -> list[tuple[str, bytes]]:
        self._sizes: list[int] = []
        try:
            with open_readonly(self._log) as db:
                db.text_factory = bytes
                rows = db.execute("SELECT size, note FROM checkpoint ORDER BY size").fetchall()
        except DAMAGED as error:
            report.fail("checkpoints", "log-damaged", reason=str(error))
            return []
        for size, note in rows:
            self._sizes.append(size)
            if not isinstance(note, bytes) or _size(note) != str(size):
                report.fail("checkpoints", "row-size", size=size)
        return [(f"checkpoint {size}", note if isinstance(note, bytes) else b"") for size, note in rows]

    def _kept_notes(self, settings: Settings, report: Report) -> list[tuple[str, bytes]]:
        folders = [self.path / "checkpoints"]
        if settings.outside_checkpoints:
            folders.append((self.path / settings.outside_checkpoints).resolve())
        notes = []
        for folder in folders:
            kept = {file: file.read_bytes() for file in sorted(folder.glob("*.note"))}
            for file, note in kept.items():
                if file.stem != f"{_size(note):>012}":
                    report.fail("outside-checkpoint", "kept-size", file=str(file))
            missing = {f"{size:012}": size for size in self._sizes}.keys() - {file.stem for file in kept}
            for name in sorted(missing) if kept else ():
                report.fail("outside-checkpoint", "kept-missing", size=int(name), folder=str(folder))
            notes += [(str(file), note) for file, note in kept.items()]
        return notes

    # --- the file itself

    def _structure(self, report: Report) -> None:
        """What the database itself can tell: its own check of pages and indexes, and the shape we gave it."""
        problems: list[str] = []
        try:
            with settled(self._log) as file:
                problems += structure_errors(file, SHAPE)
            with open_readonly(self._log) as db:
                db.text_factory = lambda data: data.decode("utf-8", "replace")
                problems += [str(row[0]) for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        except DAMAGED as error:
            problems.append(str(error))
        for problem in problems:
            report.fail("columns", "structure", reason=problem)

    def _unprotected(self, report: Report) -> None:
        try:
            with settled(self._log) as file:
                # Not closed cleanly: the checks saw the log with its side file folded in, and no byte of either is
                # where it will be once it is closed.
                loose = unprotected(file, SHAPE) if file == self._log else [(0, self._log.stat().st_size)]
        except DAMAGED:
            loose = [(0, self._log.stat().st_size)]
        report.unprotected += [(str(self._log), offset, length) for offset, length in loose]
        for other in sorted(self.path.rglob("*")):
            if other.is_file() and other != self._log and not self._is_evidence(other):
                report.unprotected.append((str(other), 0, other.stat().st_size))

    def _is_evidence(self, file: Path) -> bool:
        """Checkpoints, what the log's signatures are checked with, and the encrypted files are looked at themselves."""
        place = file.relative_to(self.path).parts
        if place[0] == "checkpoints":
            return len(place) == 2 and file.suffix == ".note"
        if place == ("pki", ANCHOR):
            return self.roots is None
        return place == ("pki", VKEYS) or (place[0] == "files" and file.name in self._named)


def _size(note: bytes) -> str:
    """The size that a note states, whatever else it is."""
    return b"".join(note.split(b"\n")[1:2]).decode("ascii", "replace")


def reason(error: Exception) -> str:
    """Why a database cannot be read, without the statement that met it."""
    return str(getattr(error, "orig", None) or error)


class _ReadFiles(Files):
    """The encrypted files of a folder that may not be written in."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self.folder, self._vault = folder, vault


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
            return self._registry.files.get(address)
        except FileDestroyed:
            raise Destroyed from None
        except (FileDamaged, KeyMissing, *DAMAGED, sa.exc.SQLAlchemyError):
            return None

    def _find(self) -> dict[str, str]:
        places: dict[str, str] = {}
        try:
            for notification in self._registry.recorder.select_notifications(
                1, 2**53, topics=[APPROVED, SEALED]
            ):
                data = read_envelope(notification)["data"]
                if notification.topic == SEALED:
                    places[data["pdf"]] = data["file"]
                else:
                    places[data["cms"]] = data["cms_file"]
        except (EvidenceBroken, *DAMAGED, KeyError, TypeError):
            return (
                places  # the steps before have said what is wrong; what was found so far is still looked at
            )
        return places
