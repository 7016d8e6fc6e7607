"""Verifying: hashing and the canonical re-parse apart, each beside a bare loop over the same rows.

- Hashing is what verify does for a leaf: hash the stored bytes, compare with the stored leaf, take it into the tree.
  The bare loop does it with nothing but hashlib.
- The re-parse is what verify does for an envelope: read it strictly, write it again, compare, and judge its form. The
  bare loop reads and writes it with nothing but the json module and compares. Verify reads a data folder with orjson;
  the verifier that goes with an archive package has the standard library alone, and is shown apart.
- Both read the rows as verify reads them. The whole of steps 1 to 4 is shown beside the two bare loops together.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from api.bench.figures import Figure, Tell, rates, seconds
from api.bench.scales import Scale
from api.bench.synthetic import Log
from registry import quick
from registry.sqlite_readonly import open_readonly
from signing import canonical
from signing.canonical import JSON
from signing.levels import Levels
from signing.log import leaf_hash
from signing.records import Documents, Reader, Record
from signing.report import Report
from signing.verify import Evidence, read_records
from signing.vkeys import LogKeys

SHARE = 0.8
MOST = 200_000
_QUERY = (
    "SELECT position, envelope, leaf, stream, version, topic FROM event WHERE position <= ? ORDER BY position"
)


def measure(log: Log, scale: Scale, tell: Tell) -> Iterator[Figure]:
    """Over the first part of the log."""
    tell("verify")
    count = min(log.size, MOST)
    rows = Rows(log.dir / "events.db", count)
    found: dict[str, list[float]] = {}

    def take(name: str, work: Iterable[object]) -> None:
        found.setdefault(name, []).append(count / seconds(lambda: deque(work, maxlen=0)))

    for _ in range(scale.turns + 1):
        take("hash", _hashed(rows.records()))
        take("bare hash", _bare_hash(rows.plain()))
        take("parse", _parsed(rows.records(), quick.decode))
        take("alone", _parsed(rows.records(), canonical.decode))
        take("bare parse", _bare_parse(rows.plain()))
        take("whole", _whole(rows))
        take("bare both", _bare_parse(_bare_hash(rows.plain())))
    kept = {name: turns[1:] for name, turns in found.items()}
    yield rates("verify: hashing", "events/s", kept["hash"], "bare loop, hashlib", kept["bare hash"], SHARE)
    yield rates(
        "verify: canonical re-parse", "events/s", kept["parse"], "bare loop, json", kept["bare parse"], SHARE
    )
    yield rates(
        "verify: canonical re-parse, standard library alone", "events/s", kept["alone"], "bare loop, json",
        kept["bare parse"],
    )  # fmt: skip
    yield rates(
        "verify: steps 1 to 4 together", "events/s", kept["whole"], "both bare loops", kept["bare both"]
    )


class Rows:
    """The stored rows, read afresh each time."""

    def __init__(self, path: Path, upto: int) -> None:
        self._path, self._upto = path, upto

    def plain(self) -> Iterator[tuple[bytes, bytes]]:
        """Envelope and leaf."""
        with open_readonly(self._path) as db:
            for row in db.execute(_QUERY, (self._upto,)):
                yield row[1], row[2]

    def records(self) -> Iterator[Record]:
        """As verify sees them."""
        with open_readonly(self._path) as db:
            yield from map(Record._make, db.execute(_QUERY, (self._upto,)))

    def evidence(self) -> Evidence:
        """These rows alone, without checkpoints or papers."""
        return Evidence(
            records=self.records, checkpoints=[], outside=[], keys=LogKeys(()), origin="", roots=[], trusted=False,
            artefact=lambda _: None, decode=quick.decode,
        )  # fmt: skip


def _hashed(records: Iterator[Record]) -> Iterator[None]:
    levels = Levels()
    for record in records:
        leaf = leaf_hash(record.envelope)
        assert leaf == record.leaf
        levels.append(leaf)
        yield
    levels.root(levels.size)


def _bare_hash(rows: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    sha256, stack = hashlib.sha256, list[bytes]()
    for size, (envelope, leaf) in enumerate(rows, 1):
        node = sha256(b"\0" + envelope).digest()
        assert node == leaf
        rest = size
        while not rest & 1:  # a subtree is full
            node = sha256(b"\1" + stack.pop() + node).digest()
            rest >>= 1
        stack.append(node)
        yield envelope, leaf


def _parsed(records: Iterator[Record], decode: Callable[[bytes], JSON]) -> Iterator[None]:
    report = Report()
    reader = Reader(report, Documents(), decode)
    for record in records:
        reader.read(record)
        yield
    assert not any(report.failures.values())


def _bare_parse(rows: Iterator[tuple[bytes, bytes]]) -> Iterator[None]:
    for envelope, _ in rows:
        again = json.dumps(json.loads(envelope), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert again.encode() == envelope
        yield


def _whole(rows: Rows) -> Iterator[None]:
    report = Report()
    read_records(rows.evidence(), report, Levels(), Documents(), lambda *_: None)
    assert not any(report.failures.values())
    yield
