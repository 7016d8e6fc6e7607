"""An exported log, or a range of one, as plain files that anybody can read.

- export.json       what this is: format, municipality, name, origin of the log, first and last position, tree size
- events.jsonl      the events' own bytes, one a line, in order: a line's leaf hash is SHA-256(0x00 ‖ line without LF)
- tile/0/…          the leaf hashes of the whole tree (C2SP tlog-tiles), so that a range is checked in its place
- checkpoints/      the signed checkpoints; log.vkeys the keys they are signed with
- minutes/          sealed PDFs and detached signatures, found by the SHA-256 that the events name
- trust.pem         the municipality's certificate; what rests on it alone is self-asserted
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509

from signing.log import HASH_SIZE
from signing.note import Vkey
from signing.tiles import tiles_at
from signing.verify import Evidence, Record

FORMAT = 1
INDEX, EVENTS, CHECKPOINTS, DOCUMENTS = "export.json", "events.jsonl", "checkpoints", "minutes"
VKEYS, ANCHOR = "log.vkeys", "trust.pem"


def read_export(
    folder: Path, roots: Sequence[x509.Certificate] | None, outside: Sequence[tuple[str, bytes]]
) -> Evidence:
    """The evidence in an export; ValueError if its index or keys are not in form, FileNotFoundError if it has none."""
    index: Any = json.loads((folder / INDEX).read_text("utf-8"))
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise ValueError(f"{INDEX} is not of format {FORMAT}")
    artefacts = {sha256(content).hexdigest(): content for content in _files(folder / DOCUMENTS)}
    notes = sorted((folder / CHECKPOINTS).glob("*.note"))
    first, size = int(index["from"]), int(index["size"])
    return Evidence(
        records=lambda: _records(folder / EVENTS, first),
        checkpoints=[(note.name, note.read_bytes()) for note in notes],
        outside=list(outside),
        vkeys=[Vkey.parse(line) for line in (folder / VKEYS).read_text("utf-8").splitlines()],
        origin=str(index["origin"]),
        roots=list(roots) if roots is not None else x509.load_pem_x509_certificates((folder / ANCHOR).read_bytes()),
        trusted=roots is not None,
        artefact=artefacts.get,
        tiles=lambda: leaves(folder, size),
    )


def _files(folder: Path) -> Iterator[bytes]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            yield path.read_bytes()


def _records(path: Path, first: int) -> Iterator[Record]:
    with path.open("rb") as lines:
        for position, line in enumerate(lines, first):
            yield Record(position, line.removesuffix(b"\n"))


def leaves(folder: Path, size: int) -> Iterator[bytes]:
    """The published leaf hashes of a tree of this size; a missing or short tile ends them."""
    for tile in tiles_at(size):
        if tile.level:
            continue
        path = folder / tile.path
        data = path.read_bytes() if path.is_file() else b""
        for start in range(0, len(data), HASH_SIZE):
            yield data[start : start + HASH_SIZE]
