"""A small log with one sealed document, in memory: whole and sound, to be spoiled one thing at a time.

Events 1 to 6: the registry opens, the minutes' one version is made, both offices approve it, it is sealed, and one more
event follows. Checkpoints are signed over 2, 5 and 6 events.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Any

from signing import cms
from signing.canonical import encode
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.commitments import commit, version_root
from signing.log import Tree, leaf_hash
from signing.note import Algorithm, Note
from signing.pki import Authority, Credential, certificate_der
from signing.records import Record
from signing.report import STEPS, say
from signing.signer import Signer
from signing.tiles import Tile, new_tiles
from signing.timestamp import stamp
from signing.verify import Evidence, Report, approval_statement, verify_log
from signing.vkeys import LogKeys, write_vkeys
from tests.signing_kit import NOW, SEALED_AT, authority, render, signer, stages, timestamper

ORIGIN = "radsliggaren/exempelby"
MINUTES = "minutes-00000000000000aa"
CHECKED_AT = SEALED_AT + timedelta(days=400)
Envelope = dict[str, Any]


@cache
def log_signers() -> tuple[Signer, ...]:
    return (Signer.generate(ORIGIN, Algorithm.ED25519), Signer.generate(ORIGIN, Algorithm.ML_DSA_44))


@cache
def next_signers() -> tuple[Signer, ...]:
    """The log's keys after those."""
    return (Signer.generate(ORIGIN, Algorithm.ED25519), Signer.generate(ORIGIN, Algorithm.ML_DSA_44))


@cache
def vkeys_signature(keys: bytes = b"") -> bytes:
    """The municipality's signature over the log's keys."""
    data = keys or write_vkeys([signer.vkey for signer in log_signers()])
    return cms.sign(data, authority().seal, [authority().ca.certificate], NOW, timestamper())


def stamped(note: bytes, by: Callable[[], Authority] = authority) -> bytes:
    """A time stamp over a checkpoint."""
    return stamp(timestamper(lambda: SEALED_AT, by), sha256(Note.parse(note).text.encode()).digest())


def envelope(stream: str, version: int, topic: str, minute: int, /, **data: Any) -> Envelope:
    return {
        "v": 1,
        "salt": f"{minute:032x}",
        "municipality": "exempelby",
        "stream": stream,
        "version": version,
        "topic": topic,
        "recorded_at": f"2024-03-01T09:{minute:02}:00.000000Z",
        "happened": {"text": "2024-03-01", "earliest": None, "latest": None, "precision": "day"},
        "actor": "00000000000000bb",
        "mandate": {"role": "secretary", "body": ""},
        "assurance": "token",
        "command_id": f"{minute:016x}",
        "rules": "",
        "data": data,
    }


@cache
def signed(root: str, output: str, version: int, office: str) -> bytes:
    return cms.sign(
        approval_statement(root, output, version),
        people()[office],
        [authority().ca.certificate],
        NOW,
        timestamper(),
    )


@cache
def people() -> dict[str, Credential]:
    return {"chair": signer(), "justerare": signer("Łukasz Çelik", "Justerare")}


def minuted(view: str = "Rapporten räcker inte.") -> Envelope:
    path = f"{MINUTES}/1/statements/0/fields/view"
    sealed = {"commitment": commit(path, "0" * 32, view), "key": "1" * 32, "sealed": "AAAA"}
    statement = {"kind": "dissent", "fields": {"view": sealed}}
    return envelope(MINUTES, 1, "minutes-version-made.v1", 2, version=1, statements=[statement])


def approval(root: str, office: str, number: int, output: str) -> tuple[Envelope, bytes]:
    signature = signed(root, output, 1, office)
    certificate = sha256(certificate_der(people()[office].certificate)).hexdigest()
    found = envelope(
        MINUTES,
        1 + number,
        "minutes-approved.v1",
        2 + number,
        version=1,
        office=office,
        root=root,
        render_output=output,
        cms=sha256(signature).hexdigest(),
        certificate=certificate,
    )
    return found, signature


@dataclass
class Story:
    """What a log tells, and what is kept with it."""

    events: list[Envelope]
    files: dict[str, bytes]
    sizes: tuple[int, ...] = (2, 5, 6)

    @property
    def lines(self) -> list[bytes]:
        return [encode(event) for event in self.events]

    def leaves(self) -> list[bytes]:
        return [leaf_hash(line) for line in self.lines]

    def note(self, size: int, signers: Sequence[Signer] = ()) -> bytes:
        return sign_checkpoint(Checkpoint(ORIGIN, size, self.root(size)), signers or log_signers(), NOW)

    def root(self, size: int) -> bytes:
        tree = Tree()
        tree.extend(self.leaves()[:size])
        return tree.root()

    def replaced(self, start: int) -> LogKeys:
        """The log's keys, replaced there."""
        first = LogKeys.of([one.vkey for one in log_signers()])
        return first.succeeded(start, self.root(start), log_signers(), next_signers(), NOW)

    def notes(self, start: int) -> list[tuple[str, bytes]]:
        """Its checkpoints, if the keys were replaced there."""
        both = (*next_signers(), *log_signers())
        by = {
            size: both if size == start else log_signers() if size < start else next_signers()
            for size in self.sizes
        }
        return [(f"checkpoint {size}", self.note(size, signers)) for size, signers in by.items()]

    def records(self) -> list[Record]:
        return [
            Record(position, encode(one), leaf_hash(encode(one)), one["stream"], one["version"], one["topic"])
            for position, one in enumerate(self.events, 1)
        ]

    def evidence(self, **changes: Any) -> Evidence:
        """As in a data folder that cannot be opened: documents take long to check."""
        made = Evidence(
            records=self.records,
            checkpoints=[(f"checkpoint {size}", self.note(size)) for size in self.sizes],
            outside=[],
            keys=LogKeys.of([one.vkey for one in log_signers()]),
            origin=ORIGIN,
            roots=[authority().ca.certificate],
            trusted=True,
            artefact=self.files.get,
            vkeys_signature=vkeys_signature(),
            missing=("nothing-signed", {}),
        )
        return replace(made, **changes)

    def opened(self, **changes: Any) -> Evidence:
        """As in a data folder with its keys."""
        return self.evidence(missing=None, **changes)

    def exported(self, first: int = 1, last: int | None = None, **changes: Any) -> Evidence:
        """As in an export of a range."""
        last = last or len(self.events)
        records = [Record(position, line) for position, line in enumerate(self.lines, 1)][first - 1 : last]
        tiles = {tile.path: data for tile, data in new_tiles(0, self.leaves(), _Nothing())}
        made = self.evidence(
            records=lambda: records,
            first=first,
            last=last,
            size=len(self.events),
            tile=lambda tile: tiles.get(tile.path),
        )
        return replace(made, **changes)


class _Nothing:
    def read_tile(self, tile: Tile) -> bytes:
        raise LookupError(tile.path)


def story() -> Story:
    """The whole story, in order."""
    opened = envelope("municipality-registry", 1, "registry-opened.v1", 1, clock="simulated")
    version = minuted()
    root, output = version_root(version), sha256(render()).hexdigest()
    chair, first = approval(root, "chair", 1, output)
    justerare, second = approval(root, "justerare", 2, output)
    pdf = stages().sealed
    sealed = envelope(MINUTES, 4, "minutes-sealed.v1", 5, version=1, pdf=sha256(pdf).hexdigest())
    after = envelope("municipality-registry", 2, "something-else.v1", 6)
    files = {sha256(content).hexdigest(): content for content in (first, second, pdf)}
    return Story([opened, version, chair, justerare, sealed, after], files)


def check(evidence: Evidence) -> Report:
    """The report, in which every sentence that is told says all that it was given."""
    report = verify_log(evidence, CHECKED_AT)
    for steps in (report.failures, report.remarks, report.passed, report.skipped):
        assert set(STEPS) >= steps.keys()
    several = itertools.chain(*report.failures.values(), *report.remarks.values())
    for code, values in (*several, *report.passed.values(), *report.skipped.values()):
        assert not {None, "None"} & set(values.values()), code
        for language in ("en", "sv"):
            told = say(code, values, language)
            assert [value for value in values.values() if str(value) not in told] == [], code
    return report


def outcomes(report: Report) -> dict[str, bool | None]:
    return {one["step"]: one["ok"] for one in report.result()["checks"]}


def failed(report: Report) -> dict[str, list[str]]:
    """The codes of what failed, by step."""
    return {step: [said.code for said in found] for step, found in report.failures.items() if found}


def said(report: Report) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is said of each step that holds."""
    return {step: (code, dict(values)) for step, (code, values) in report.passed.items()}


def changed(event: Mapping[str, Any], change: Callable[[dict[str, Any]], None]) -> Envelope:
    copied: Envelope = json.loads(json.dumps(event))
    change(copied)
    return copied
