"""Verification as numbered steps that trust nothing stored.

 1 envelope            every event's bytes are in canonical form and complete; streams and times follow on
 2 columns             what stands beside the envelopes for look-up says the same as they do
 3 leaves              every stored leaf hash is that of its event's bytes (RFC 9162, 2.1.1)
 4 tree                the events give one tree without gaps, and the published tiles belong to it
 5 checkpoints         the log's signed checkpoints hold and their roots are the tree's (C2SP tlog-checkpoint)
 6 outside-checkpoint  so do those kept outside the database, which alone can reveal that events are gone or redone
 7 inclusion           the events behind every sealed document are proven to be in the signed tree (RFC 9162, 2.1.3)
 8 consistency         each checkpoint is proven to continue the one before it (RFC 9162, 2.1.4)
 9 pades               the sealed PDFs: every signature and the seal that locks them (ETSI EN 319 142)
10 timestamps          the time stamps in them (RFC 3161)
11 cms                 each approval's detached signature, over minutes root, render and version (RFC 5652)
12 statements          what the minutes say about the meeting is what its events say
13 rerender            the pinned version, rendered again, gives the bytes that were signed
14 digest              the views are what the events give

The last three need the registry's code and keys; here they are named as not run. A step that is not run says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography import x509

from signing import cms
from signing.canonical import NotCanonical, decode, encode
from signing.checkpoint import Checkpoint, open_checkpoint
from signing.commitments import version_root
from signing.levels import Levels
from signing.log import consistency_proof, inclusion_proof, leaf_hash, verify_consistency, verify_inclusion
from signing.note import NoteError, Vkey
from signing.pades_check import check_pdf
from signing.signed_data import CmsError

STEPS = tuple(
    "envelope columns leaves tree checkpoints outside-checkpoint inclusion consistency pades timestamps cms "
    "statements rerender digest".split()
)
FIELDS = frozenset(
    "v salt municipality stream version topic recorded_at happened actor mandate assurance command_id rules data".split()
)
CLOCK_RESET = "clock-reset.v1"
VERSION_MADE, APPROVED, SEALED = "minutes-version-made.v1", "minutes-approved.v1", "minutes-sealed.v1"
SHOWN = 5  # how many failures a step names; the rest are counted


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it is stored; leaf and columns are None where the store has none (an export)."""

    position: int
    envelope: bytes
    leaf: bytes | None = None
    columns: tuple[str, int, str] | None = None


@dataclass
class Evidence:
    """What there is to check. artefact(sha256 hex) gives a sealed PDF or a detached signature, or None.

    tiles: published level-0 leaf hashes by position, where there are such. missing says why a kind of evidence is not
    there ("the root key was not given"). first > 1 for an export of a range.
    """

    records: Callable[[], Iterable[Record]]
    checkpoints: Sequence[tuple[str, bytes]]
    outside: Sequence[tuple[str, bytes]]
    vkeys: Sequence[Vkey]
    origin: str
    roots: Sequence[x509.Certificate]
    trusted: bool
    artefact: Callable[[str], bytes | None]
    artefacts_missing: str = ""
    tiles: Callable[[], Iterator[bytes]] | None = None


@dataclass
class Report:
    """The outcome of each step, in order; the bytes that nothing protects; how many events and which clock."""

    failures: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    passed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    unprotected: list[tuple[str, int, int]] = field(default_factory=list)
    events: int | None = None
    clock: str | None = None
    trusted: bool = False

    def fail(self, step: str, detail: str) -> None:
        self.failures[step].append(detail)

    def ok(self, step: str, detail: str) -> None:
        """Note what a step found in order; a failure of the same step outweighs it."""
        self.passed[step] = detail

    def skip(self, step: str, why: str) -> None:
        self.skipped[step] = why

    def checks(self) -> list[dict[str, Any]]:
        return [self._check(step) for step in STEPS]

    def _check(self, step: str) -> dict[str, Any]:
        if wrong := self.failures.get(step):
            more = f" (and {len(wrong) - SHOWN} more)" if len(wrong) > SHOWN else ""
            return {"step": step, "ok": False, "detail": "; ".join(wrong[:SHOWN]) + more}
        if step in self.passed:
            return {"step": step, "ok": True, "detail": self.passed[step]}
        return {"step": step, "ok": None, "detail": f"not run: {self.skipped.get(step, 'nothing here to check')}"}

    def result(self) -> dict[str, Any]:
        """The whole result as plain JSON."""
        checks = self.checks()
        outcomes = [check["ok"] for check in checks]
        return {
            "ok": False not in outcomes and True in outcomes,
            "trusted": self.trusted and False not in outcomes and True in outcomes,
            "clock": self.clock,
            "events": self.events,
            "checks": checks,
            "unprotected": [
                {"file": file, "offset": offset, "length": length} for file, offset, length in self.unprotected
            ],
        }


@dataclass
class Documents:
    """What the events say about sealed documents: roots of versions, approvals and seals, with positions."""

    roots: dict[tuple[str, int], str] = field(default_factory=dict)
    approvals: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    seals: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)

    def note(self, position: int, envelope: dict[str, Any]) -> None:
        stream, data = envelope["stream"], envelope["data"]
        if envelope["topic"] == VERSION_MADE:
            self.roots[stream, data["version"]] = version_root(envelope)
        elif envelope["topic"] == APPROVED:
            self.approvals.append((position, stream, data))
        elif envelope["topic"] == SEALED:
            self.seals.append((position, stream, data))


def verify_log(evidence: Evidence, now: datetime, progress: Callable[[int], None] = lambda _: None) -> Report:
    """Steps 1 to 11 over a whole log or an exported range."""
    report, levels, documents = Report(), Levels(), Documents()
    read_records(evidence, report, levels, documents, progress)
    verify_checkpoints(evidence, report, levels)
    verify_inclusions(evidence, report, levels, documents)
    verify_documents(evidence, report, documents, now)
    report.trusted = evidence.trusted
    return report


# --- steps 1 to 4


def read_records(
    evidence: Evidence, report: Report, levels: Levels, documents: Documents, progress: Callable[[int], None]
) -> None:
    """Read every event once: its form, its columns, its leaf, its place in the tree."""
    reader = _Reader(report)
    tiles = evidence.tiles() if evidence.tiles else None
    for record in evidence.records():
        if tiles is not None:
            _levels_to(levels, tiles, record.position - 1)
        if record.position != levels.size + 1:
            report.fail("tree", f"position {levels.size + 1} is missing: the next event stands at {record.position}")
            return
        leaf = leaf_hash(record.envelope)
        if tiles is not None:
            published = next(tiles, None)
            if published != leaf:
                report.fail("tree", f"position {record.position}: the published tile holds another leaf")
        if record.leaf is not None and record.leaf != leaf:
            report.fail("leaves", f"position {record.position}: the bytes are not those that were hashed")
        levels.append(leaf)
        if (envelope := reader.read(record)) is not None:
            documents.note(record.position, envelope)
        if record.position % 1000 == 0:
            progress(record.position)
    if tiles is not None:
        for leaf in tiles:
            levels.append(leaf)
    report.events = reader.count
    report.clock = reader.clock
    report.ok("envelope", f"{reader.count} events are canonical and follow on each other")
    if reader.columns:
        report.ok("columns", f"{reader.columns} rows agree with their envelopes")
        report.ok("leaves", f"{reader.count} leaf hashes are those of the events' bytes")
    else:
        report.skip("columns", "an export has no columns, only the events' own bytes")
        report.ok("leaves", f"{reader.count} leaf hashes were made from the events' bytes")
    report.ok("tree", f"{levels.size} leaves without gaps; root {levels.root(levels.size).hex()}")


def _levels_to(levels: Levels, tiles: Iterator[bytes], size: int) -> None:
    while levels.size < size and (leaf := next(tiles, None)) is not None:
        levels.append(leaf)


class _Reader:
    """Step 1 and 2 over a stream of events."""

    def __init__(self, report: Report) -> None:
        self.report, self.count, self.columns = report, 0, 0
        self.clock: str | None = None
        self._municipality: str | None = None
        self._recorded_at = ""
        self._versions: dict[str, int] = {}

    def read(self, record: Record) -> dict[str, Any] | None:
        self.count += 1
        where = f"position {record.position}"
        try:
            envelope: Any = decode(record.envelope)
        except NotCanonical as error:
            self.report.fail("envelope", f"{where}: {error}")
            return None
        if not isinstance(envelope, dict) or envelope.keys() != FIELDS:
            self.report.fail("envelope", f"{where}: the envelope lacks fields or has others than it should")
            return None
        self._follow(envelope, where, first=record.position == 1)
        if record.columns is not None:
            self.columns += 1
            if record.columns != (envelope["stream"], envelope["version"], envelope["topic"]):
                self.report.fail("columns", f"{where}: the row says {record.columns}, the envelope another thing")
        return envelope

    def _follow(self, envelope: dict[str, Any], where: str, *, first: bool) -> None:
        if self._municipality not in (None, envelope["municipality"]):
            self.report.fail("envelope", f"{where}: the event belongs to {envelope['municipality']}")
        self._municipality = envelope["municipality"]
        stream, version = envelope["stream"], envelope["version"]
        # In an exported range a stream may begin anywhere; from there on it has no gaps.
        if version != self._versions.get(stream, version - 1 if self.count > 1 or not first else 0) + 1:
            self.report.fail("envelope", f"{where}: {stream} goes to version {version} with a gap")
        self._versions[stream] = version
        if envelope["recorded_at"] < self._recorded_at and envelope["topic"] != CLOCK_RESET:
            self.report.fail("envelope", f"{where}: recorded earlier than the event before it")
        self._recorded_at = envelope["recorded_at"]
        if first:
            self.clock = envelope["data"].get("clock")


# --- steps 5 to 8


def verify_checkpoints(evidence: Evidence, report: Report, levels: Levels) -> None:
    """The signed checkpoints against the tree, and against each other."""
    stored = _open_all(evidence, evidence.checkpoints, "checkpoints", report, levels)
    if stored:
        report.ok("checkpoints", f"{len(stored)} checkpoints hold; the newest covers {stored[-1].size} events")
    elif not evidence.checkpoints:
        report.skip("checkpoints", "no checkpoint is stored with the events")
    outside = _open_all(evidence, evidence.outside, "outside-checkpoint", report, levels)
    if outside:
        report.ok("outside-checkpoint", f"{len(outside)} checkpoints kept outside agree with the events")
    elif not evidence.outside:
        report.skip("outside-checkpoint", "no checkpoint from outside was given")
    _verify_consistency(stored, report, levels)


def _open_all(
    evidence: Evidence, notes: Sequence[tuple[str, bytes]], step: str, report: Report, levels: Levels
) -> list[Checkpoint]:
    opened = []
    for name, note in notes:
        try:
            checkpoint = open_checkpoint(note, evidence.vkeys, origin=evidence.origin, every=True).checkpoint
        except NoteError as error:
            report.fail(step, f"{name}: {error}")
            continue
        if checkpoint.size > levels.size:
            report.fail(
                step, f"{name}: it was signed over {checkpoint.size} events, but there are {levels.size}: events are gone"
            )
        elif levels.root(checkpoint.size) != checkpoint.root:
            report.fail(step, f"{name}: the first {checkpoint.size} events are not those that were signed")
        else:
            opened.append(checkpoint)
    return sorted(opened, key=lambda checkpoint: checkpoint.size)


def _verify_consistency(checkpoints: list[Checkpoint], report: Report, levels: Levels) -> None:
    pairs = [(old, new) for old, new in zip(checkpoints, checkpoints[1:], strict=False) if old.size < new.size]
    for old, new in pairs:
        proof = consistency_proof(old.size, new.size, levels)
        if not verify_consistency(old.size, new.size, old.root, new.root, proof):
            report.fail("consistency", f"the checkpoint of {new.size} does not continue the one of {old.size}")
    if pairs:
        report.ok("consistency", f"{len(pairs)} steps from checkpoint to checkpoint are proven")
    else:
        report.skip("consistency", "it takes two checkpoints of different size")


def verify_inclusions(evidence: Evidence, report: Report, levels: Levels, documents: Documents) -> None:
    """That the events behind sealed documents stand in the newest signed tree."""
    signed = [
        checkpoint
        for checkpoint in _open_all(evidence, evidence.checkpoints, "checkpoints", Report(), levels)
        if checkpoint.size
    ]
    if not signed:
        report.skip("inclusion", "there is no checkpoint to prove it against")
        return
    newest, proven, later = signed[-1], 0, 0
    for position, *_ in (*documents.approvals, *documents.seals):
        if position > newest.size:
            later += 1
            continue
        proof = inclusion_proof(position - 1, newest.size, levels)
        if not verify_inclusion(levels(0, position - 1), position - 1, newest.size, proof, newest.root):
            report.fail("inclusion", f"position {position} is not in the signed tree")
        proven += 1
    note = f"; {later} await the next checkpoint" if later else ""
    report.ok("inclusion", f"{proven} approvals and seals are in the tree of {newest.size} events{note}")


# --- steps 9 to 11


def verify_documents(evidence: Evidence, report: Report, documents: Documents, now: datetime) -> None:
    """Every sealed PDF and every detached signature that the events name."""
    if not documents.seals and not documents.approvals:
        for step in ("pades", "timestamps", "cms"):
            report.skip(step, "nothing has been sealed")
        return
    if evidence.artefacts_missing:
        for step in ("pades", "timestamps", "cms"):
            report.skip(step, evidence.artefacts_missing)
        return
    for position, stream, data in documents.seals:
        name = f"{stream} version {data['version']} (position {position})"
        pdf = _artefact(evidence, report, "pades", name, data["pdf"])
        if pdf is not None:
            verify_pdf(pdf, name, evidence.roots, evidence.trusted, report, now)
    for position, stream, data in documents.approvals:
        _verify_approval(evidence, report, documents, f"{stream}, {data['office']} (position {position})", stream, data)
    for step in ("pades", "timestamps"):
        if documents.seals:
            report.ok(step, f"{len(documents.seals)} sealed documents hold")
        else:
            report.skip(step, "nothing has been sealed")
    report.ok("cms", f"{len(documents.approvals)} approvals are signed over minutes root, render and version")


def verify_pdf(
    pdf: bytes, name: str, roots: Sequence[x509.Certificate], trusted: bool, report: Report, now: datetime
) -> None:
    """Steps 9 and 10 for one sealed PDF."""
    result = check_pdf(pdf, roots, now, trusted=trusted)
    for check in result.checks:
        if check.ok is not True:
            report.fail(check.step, f"{name}: {check.detail}")
    report.unprotected.extend((name, offset, length) for offset, length in result.unprotected)


def _artefact(evidence: Evidence, report: Report, step: str, name: str, digest: str) -> bytes | None:
    found = evidence.artefact(digest)
    if found is None:
        report.fail(step, f"{name}: the file with the digest {digest[:16]}… is not here")
    elif sha256(found).hexdigest() != digest:
        report.fail(step, f"{name}: the file is not the one the event names")
    else:
        return found
    return None


def _verify_approval(
    evidence: Evidence, report: Report, documents: Documents, name: str, stream: str, data: dict[str, Any]
) -> None:
    signature = _artefact(evidence, report, "cms", name, data["cms"])
    root = documents.roots.get((stream, data["version"]))
    if signature is None:
        return
    if root is None:
        report.fail("cms", f"{name}: the version it approves is not among the events")
        return
    signed = approval_statement(root, data["render_output"], data["version"])
    try:
        cms.verify(signature, signed, evidence.roots)
    except CmsError as error:
        report.fail("cms", f"{name}: {error}")
    if root != data["root"]:
        report.fail("cms", f"{name}: the approval names another minutes root than the version has")


def approval_statement(root: str, render: str, version: int) -> bytes:
    """The bytes that an approval's detached signature is over: minutes root, render hash and version."""
    return encode({"minutes_root": root, "render": render, "version": version})
