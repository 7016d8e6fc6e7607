"""Verifying a data folder: its log, its checkpoints and files, opened for reading only.

- Where the log lies, in the folder's own files or in PostgreSQL, is for log_file.py and log_schema.py. A database that
  does not answer is no broken evidence, and is told as what it is.
- Checkpoints kept in the folder are named by their size and there is one for each that the database holds.
- Without the root key the steps that open what is sealed are not run, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from cryptography import x509

from api.checking.deep import Deep
from api.checking.gone import Gone
from api.checking.log_file import FileLog
from api.checking.log_schema import SchemaLog
from api.checking.parts import DAMAGED, Missing, Progress
from api.faults import Fault, told
from api.keyroom import keys_signature
from api.settings import Settings, find_root_key
from registry import quick
from registry.clock import SystemClock
from registry.files import FileDamaged, FileDestroyed, Files
from registry.mapper import EvidenceBroken, read_envelope
from registry.postgres_engine import server_lost
from registry.postgres_schema import NotALog
from registry.registry import Registry
from registry.vault import KeyMissing, Vault, WrongRootKey
from signing.export import (
    ANCHOR,
    Broken,
    cosigned,
    read_anchor,
    read_if_there,
    revocation_lists,
    stamp_roots,
    stamps,
    witness_keys,
)
from signing.note import NoteError
from signing.pki import CRL
from signing.records import APPROVED, RESTAMPED, SEALED
from signing.report import Report
from signing.signers import SIGNERS, SIGNERS_LISTS, SIGNERS_SIGNATURE
from signing.verify import Destroyed, Evidence, verify_log
from signing.vkeys import VKEYS, VKEYS_SIGNATURE, LogKeys

Log = FileLog | SchemaLog
DEEP = ("statements", "rerender", "digest", "destruction")


class Folder:
    """One data folder."""

    def __init__(
        self,
        path: Path,
        roots: list[x509.Certificate] | None,
        outside: list[tuple[str, bytes]],
        progress: Progress,
        language: Literal["sv", "en"],
        lost: Mapping[str, str],
    ) -> None:
        self._lost = lost
        self.path, self.roots, self.outside = path, roots, outside
        self._progress, self._language = progress, language
        self._named: set[str] = set()

    def verify(self) -> Report:
        """Every step."""
        report = Report()
        try:
            settings = Settings.read(self.path)
            keys = LogKeys.read((self.path / "pki" / VKEYS).read_bytes())
            own = self.path / "pki" / ANCHOR
            anchors = self.roots if self.roots is not None else [read_anchor(own.read_bytes())]
            beside = stamp_roots(self.path / "pki")
            witnesses = witness_keys(self.path / "pki")
        except (Fault, OSError, Broken, NoteError) as error:
            report.fail("checkpoints", "folder-unreadable", reason=self._told(error))
            return report
        # A folder of files is read whatever the variable says: a backup is one, wherever it was taken from.
        url = settings.database_url(self.path) if settings.database == "postgresql" else None
        kept = self._kept(settings)  # before the log: what a server adds meanwhile is not held against it
        with ExitStack() as stack:
            try:
                log = self._log(settings, url, stack)
            except NotALog as error:
                report.fail("envelope", "log-damaged", reason=str(error))
                return report
            if isinstance(log, FileLog) and not log.file.is_file():
                report.fail("envelope", "log-missing", file=log.name)
                return report
            registry, missing = self._registry(settings, log)
            evidence = Evidence(
                records=log.records,
                checkpoints=self._stored_notes(log, report),
                outside=[*self._kept_notes(kept, report), *self.outside],
                keys=keys,
                origin=settings.origin,
                roots=anchors,
                trusted=self.roots is not None,
                artefact=_Artefacts(registry) if registry else lambda _: None,
                vkeys_signature=keys_signature(self.path / "pki"),
                signers=read_if_there(self.path / "pki" / SIGNERS),
                signers_signature=read_if_there(self.path / "pki" / SIGNERS_SIGNATURE),
                stamps=stamps(self.path / "checkpoints"),
                stamp_roots=beside,
                cosigned=cosigned(self.path / "checkpoints"),
                witnesses=witnesses,
                crls=revocation_lists(self.path / "pki"),
                missing=missing,
                decode=quick.decode,
            )
            found = verify_log(evidence, SystemClock().now(), self._progress)
            found.take(report)
            for problem in log.structure():
                found.fail("columns", "structure", reason=problem)
            if not found.failed("columns") and "columns" in found.passed:
                found.ok("columns", log.shown, **found.passed["columns"].values)
            if missing is not None:
                for step in DEEP:
                    found.skip(step, missing[0], **missing[1])
            elif found.failed("envelope", "columns", "leaves", "tree"):
                for step in DEEP:
                    found.skip(step, "events-broken")
            elif registry is not None:

                def anew() -> Registry | None:
                    return self._registry(settings, self._log(settings, url, stack))[0]

                deep = Deep(
                    registry, settings, self.path, log.views, found, self._progress, Gone(self._lost), anew
                )
                deep.run()
                self._named = deep.files
            self._unprotected(log, found)
        return found

    def _told(self, error: Exception) -> str:
        if isinstance(error, Fault):
            return told("faults", error.code, self._language, error.values)
        return str(error)

    # --- what is at hand

    def _log(self, settings: Settings, url: str | None, stack: ExitStack) -> Log:
        return SchemaLog(url, settings.slug, stack) if url else FileLog(self.path, stack)

    def _registry(self, settings: Settings, log: Log) -> tuple[Registry | None, Missing | None]:
        if missing := log.no_keys():
            return None, missing
        try:
            vault = log.vault(find_root_key(self.path, settings))
            files = _ReadFiles(self.path / "files", vault)
            return Registry(settings.slug, log.recorder(), vault, files, SystemClock()), None
        except Fault as error:
            return None, ("no-keys", {"reason": self._told(error)})
        except WrongRootKey:
            return None, ("no-keys", {"reason": told("faults", "wrong-root-key", self._language, {})})
        except (*DAMAGED, sa.exc.SQLAlchemyError) as error:
            if server_lost(error):
                raise
            return None, ("keys-damaged", {"reason": reason(error)})

    def _stored_notes(self, log: Log, report: Report) -> list[tuple[str, bytes]]:
        self._sizes: list[int] = []
        try:
            rows = log.notes()
        except DAMAGED as error:
            report.fail("checkpoints", "log-damaged", reason=str(error))
            return []
        for size, note in rows:
            self._sizes.append(size)
            if not isinstance(note, bytes) or _size(note) != str(size):
                report.fail("checkpoints", "row-size", size=size)
        return [(f"checkpoint {size}", note if isinstance(note, bytes) else b"") for size, note in rows]

    def _kept(self, settings: Settings) -> dict[Path, dict[Path, bytes]]:
        """The checkpoints beside the log, by their folders."""
        return {
            folder: {file: file.read_bytes() for file in sorted(folder.glob("*.note"))}
            for folder in settings.checkpoint_folders(self.path)
        }

    def _kept_notes(self, found: dict[Path, dict[Path, bytes]], report: Report) -> list[tuple[str, bytes]]:
        notes = []
        for folder, kept in found.items():
            for file, note in kept.items():
                if file.stem != f"{_size(note):>012}":
                    report.fail("outside-checkpoint", "kept-size", file=str(file))
            now = {file.stem for file in folder.glob("*.note")}  # those that the log holds were written since
            missing = {f"{size:012}": size for size in self._sizes}.keys() - now
            for name in sorted(missing) if kept else ():
                report.fail("outside-checkpoint", "kept-missing", size=int(name), folder=str(folder))
            notes += [(str(file), note) for file, note in kept.items()]
        return notes

    # --- what proves nothing

    def _unprotected(self, log: Log, report: Report) -> None:
        report.unprotected += log.loose()
        for other in sorted(self.path.rglob("*")):
            if other.is_file() and str(other) != log.name and not self._is_evidence(other):
                report.unprotected.append((str(other), 0, other.stat().st_size))

    def _is_evidence(self, file: Path) -> bool:
        """Checkpoints, what the log's signatures are checked with, and the encrypted files are looked at themselves."""
        place = file.relative_to(self.path).parts
        if place[0] == "checkpoints":
            return len(place) == 2 and file.suffix in {".note", ".tst", ".cosigned"}
        if place == ("pki", ANCHOR):
            return self.roots is None
        if place[0] == "pki" and len(place) == 2:
            named = {VKEYS, VKEYS_SIGNATURE, CRL, SIGNERS, SIGNERS_SIGNATURE}
            return file.name in named or file.match(SIGNERS_LISTS)
        return place[0] == "files" and file.name in self._named


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
                1, 2**53, topics=[APPROVED, SEALED, RESTAMPED]
            ):
                data = read_envelope(notification)["data"]
                if notification.topic != APPROVED:
                    places[data["pdf"]] = data["file"]
                else:
                    places[data["cms"]] = data["cms_file"]
        except (EvidenceBroken, *DAMAGED, KeyError, TypeError):
            return (
                places  # the steps before have said what is wrong; what was found so far is still looked at
            )
        return places
