"""Events as they are stored, read one by one without believing any of it.

- An envelope is canonical, has exactly its fields, each of its kind; events of one municipality follow on each other:
  a stream's versions without gaps, recorded_at never falling but for a recorded reset of the clock.
- An exported range may begin anywhere: there a stream is taken up at the version it has.
- What stands beside an envelope for look-up must say the same as it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

from signing.canonical import JSON, decode
from signing.commitments import version_root
from signing.report import Report

VERSION = 1
KINDS: Mapping[str, type] = {
    "v": int,
    "salt": str,
    "municipality": str,
    "stream": str,
    "version": int,
    "topic": str,
    "recorded_at": str,
    "happened": dict,
    "actor": str,
    "mandate": dict,
    "assurance": str,
    "command_id": str,
    "rules": str,
    "data": dict,
}
_values, _KINDS = itemgetter(*KINDS), list(KINDS.values())
CLOCK_RESET = "clock-reset.v1"
VERSION_MADE, APPROVED, SEALED = "minutes-version-made.v1", "minutes-approved.v1", "minutes-sealed.v1"
PAPER_APPROVED = "paper-approval-recorded.v1"
RESTAMPED, FOUND_OUT = "minutes-restamped.v1", "key-compromised.v1"
# What the later steps read of these.
READ: Mapping[str, Mapping[str, type]] = {
    VERSION_MADE: {"version": int},
    APPROVED: {"version": int}
    | dict.fromkeys(("office", "root", "render_output", "cms", "certificate"), str),
    PAPER_APPROVED: {"version": int, "scan": str},
    SEALED: {"version": int, "pdf": str},
    RESTAMPED: {"version": int, "pdf": str},
    FOUND_OUT: {"key": str, "old": str},
}
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_SALT = re.compile(r"[0-9a-f]{32}")


class Record(NamedTuple):
    """One event as it is stored; what stands beside the envelope is None where the store has none (an export)."""

    position: int
    envelope: bytes
    leaf: bytes | None = None
    stream: object = None
    version: object = None
    topic: object = None


class SourceDamaged(Exception):
    """The events cannot be read on: the store they lie in is damaged. The message says how."""


@dataclass
class Documents:
    """What the events say about documents: roots of versions, approvals, seals, and later time stamps on them."""

    roots: dict[tuple[str, int], str] = field(default_factory=dict)
    approvals: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    # The scans of prints that were signed by hand, of each version.
    papers: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    seals: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    # Of each sealed file, what it was at which position: as sealed, and each time that it was stamped again.
    became: dict[tuple[str, int], list[tuple[int, str]]] = field(default_factory=dict)
    found_out: list[tuple[int, dict[str, Any]]] = field(default_factory=list)  # keys, by their fingerprints
    secret: set[tuple[str, int]] = field(default_factory=set)  # the versions that their events call secret

    def note(self, position: int, envelope: Mapping[str, Any]) -> None:
        """Remember what an event says of a document."""
        stream, topic, data = envelope["stream"], envelope["topic"], envelope["data"]
        if topic in (VERSION_MADE, SEALED, RESTAMPED) and data.get("secret") is True:
            self.secret.add((stream, data["version"]))
        if topic == VERSION_MADE:
            self.roots[stream, data["version"]] = version_root(envelope)
        elif topic in READ:
            said = (position, stream, {name: data[name] for name in READ[topic]})
            if topic == FOUND_OUT:
                self.found_out.append((position, said[2]))
                return
            if topic == APPROVED:
                self.approvals.append(said)
                return
            if topic == PAPER_APPROVED:
                self.papers.setdefault((stream, data["version"]), []).append(data["scan"])
                return
            files = self.became.setdefault((stream, data["version"]), [])
            if not files:  # a range of the log may begin after the seal
                self.seals.append(said)
            files.append((position, data["pdf"]))


class Reader:
    """Steps 1 and 2 over a stream of events."""

    def __init__(
        self, report: Report, documents: Documents, decode: Callable[[bytes], JSON] = decode
    ) -> None:
        self.report, self.documents, self._decode = report, documents, decode
        self.count, self.columns, self.last = 0, 0, 0
        self.clock: str | None = None
        self.municipality: str | None = None
        self._recorded_at = ""
        self._versions: dict[str, int] = {}

    def read(self, record: Record) -> None:
        """Judge one event, and remember what later steps need of it."""
        self.count, self.last = self.count + 1, record.position
        try:
            envelope: Any = self._decode(record.envelope)
        except ValueError as error:
            self.report.fail("envelope", "not-canonical", position=record.position, reason=str(error))
            return
        if not isinstance(envelope, dict) or envelope.keys() != KINDS.keys():
            self.report.fail("envelope", "envelope-fields", position=record.position)
            return
        if (wrong := _malformed(envelope)) is not None:
            self.report.fail("envelope", "envelope-form", position=record.position, field=wrong)
            return
        self._follow(envelope, record.position)
        if record.leaf is not None:
            self.columns += 1
            beside = (record.stream, record.version, record.topic)
            if beside != (envelope["stream"], envelope["version"], envelope["topic"]):
                row = " / ".join(map(str, beside))
                self.report.fail("columns", "row-differs", position=record.position, row=row)
        self.documents.note(record.position, envelope)

    def _follow(self, envelope: Mapping[str, Any], position: int) -> None:
        if self.municipality not in (None, envelope["municipality"]):
            self.report.fail(
                "envelope", "other-municipality", position=position, municipality=envelope["municipality"]
            )
        self.municipality = envelope["municipality"]
        stream, version = envelope["stream"], envelope["version"]
        # A log begins every stream at 1; a range that begins later takes it up where it is.
        from_start = position == self.count
        before = self._versions.get(stream, 0 if from_start else version - 1)
        if version != before + 1:
            self.report.fail("envelope", "version-gap", position=position, stream=stream, version=version)
        self._versions[stream] = version
        if envelope["recorded_at"] < self._recorded_at and envelope["topic"] != CLOCK_RESET:
            self.report.fail("envelope", "time-falls", position=position)
        self._recorded_at = envelope["recorded_at"]
        if position == 1:
            declared = envelope["data"].get("clock")
            self.clock = declared if isinstance(declared, str) else None


def _malformed(envelope: Mapping[str, Any]) -> str | None:
    """The first field that is not of its kind."""
    if list(map(type, _values(envelope))) != _KINDS:
        return next(name for name, kind in KINDS.items() if type(envelope[name]) is not kind)
    if envelope["v"] != VERSION:
        return "v"
    if envelope["version"] < 1:
        return "version"
    if not _STAMP.fullmatch(envelope["recorded_at"]):
        return "recorded_at"
    if not _SALT.fullmatch(envelope["salt"]):
        return "salt"
    data = envelope["data"]
    for name, kind in READ.get(envelope["topic"], {}).items():
        if type(data.get(name)) is not kind:
            return f"data/{name}"
    return None
