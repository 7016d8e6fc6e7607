"""`liggare export`: the log, or a range of it, as plain files that verify by themselves.

- The form is that of signing/export.py. Sealed fields stay sealed: an export shows what happened and proves it, and
  opens nothing that is personal. The sealed minutes are the readable part; those destroyed by decision are left out,
  and so are those of secret items unless asked for: their events, roots and detached signatures stand in it.
- A checkpoint is signed first, so that everything exported is covered by one, and stamped with the time if that can be.
- The index is written last: a folder without it is no export, only the beginning of one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from api.faults import BadRequest
from api.stamping import Unstamped, stamp_newest
from api.wiring import Municipality
from domain.grounds import kept_apart
from domain.minutes import Minutes
from domain.minutes_events import MinutesApproved, MinutesRestamped, MinutesSealed
from registry.files import FileDestroyed, write_synced
from registry.mapper import EvidenceBroken
from signing.export import (
    ANCHOR,
    CHECKPOINTS,
    DOCUMENTS,
    EVENTS,
    FORMAT,
    INDEX,
    STAMP_ANCHOR,
    WITNESSES,
    approval_name,
    sealed_name,
)
from signing.pki import CRL
from signing.signers import SIGNERS, SIGNERS_LISTS, SIGNERS_SIGNATURE
from signing.tiles import Tile, new_tiles
from signing.vkeys import VKEYS, VKEYS_SIGNATURE


def export(
    m: Municipality,
    out: Path,
    first: int = 1,
    last: int | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
    *,
    secret: bool = False,
) -> dict[str, int | str]:
    """Write an export of positions first to last (default: all) into a new folder; what was written."""
    head = m.registry.recorder.head().position
    last = head if last is None else last
    if not 1 <= first <= last <= head:
        raise BadRequest("range-outside", first=first, last=last, head=head)
    m.checkpoints.sign(m.registry.clock.now())
    with suppress(Unstamped):  # the export stands without, and doctor says what is amiss
        stamp_newest(m)
    notes = m.registry.recorder.checkpoints()
    size = notes[-1][0]
    for folder in (CHECKPOINTS, DOCUMENTS):
        (out / folder).mkdir(parents=True, exist_ok=True)
    with (out / EVENTS).open("wb") as lines:
        for event in m.registry.recorder.scan(first - 1, last):
            lines.write(event.state + b"\n")
            if event.id % 1000 == 0:
                progress(event.id - first, last - first + 1)
    documents = _documents(m, out / DOCUMENTS, first, last, secret=secret)
    for tile, data in new_tiles(0, m.registry.recorder.leaves(0, size), _Nothing()):
        path = out / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for number, note in notes:
        place = Path(CHECKPOINTS) / f"{number:012}.note"
        (out / place).write_bytes(note)
        for kind in (".tst", ".cosigned"):
            if (beside := (m.dir / place).with_suffix(kind)).is_file():
                (out / place).with_suffix(kind).write_bytes(beside.read_bytes())
    lists = [path.name for path in sorted(m.keys.folder.glob(SIGNERS_LISTS))]
    names = (VKEYS, VKEYS_SIGNATURE, ANCHOR, CRL, STAMP_ANCHOR, WITNESSES, SIGNERS, SIGNERS_SIGNATURE, *lists)
    for name in names:
        if (file := m.keys.folder / name).is_file():
            (out / name).write_bytes(file.read_bytes())
    index = {"format": FORMAT, "municipality": m.slug, "name": m.name, "origin": m.settings.origin,
             "from": first, "to": last, "size": size}  # fmt: skip
    write_synced(out / INDEX, json.dumps(index, ensure_ascii=False, indent=2).encode() + b"\n")
    count = last - first + 1
    progress(count, count)
    return {"path": str(out.absolute()), "from": first, "to": last, "events": count, "documents": documents}


class _Nothing:
    """There are no earlier tiles: all are made from the leaves."""

    def read_tile(self, tile: Tile) -> bytes:
        raise LookupError(tile.path)


def _documents(m: Municipality, folder: Path, first: int, last: int, *, secret: bool) -> int:
    written, world = 0, m.registry.world()
    for fact in m.registry.facts(first - 1, last):
        match fact.event:
            case MinutesSealed(minutes=id, secret=True) | MinutesRestamped(minutes=id, secret=True) if (
                not secret and kept_apart(world.get(Minutes, id), world)
            ):
                continue
            case MinutesSealed(version=version, file=file, pdf=digest):
                name = sealed_name(fact.stream, version)
            case MinutesRestamped(version=version, file=file, pdf=digest):
                name = sealed_name(fact.stream, version, fact.position)
            case MinutesApproved(version=version, office=office, cms_file=file, cms=digest):
                name = approval_name(fact.stream, version, office)
            case _:
                continue
        try:
            content = m.files.get(file)
        except FileDestroyed:
            continue
        if sha256(content).hexdigest() != digest:
            raise EvidenceBroken(
                f"position {fact.position}: the file {file} is not the one that the event names"
            )
        (folder / name).write_bytes(content)
        written += 1
    return written
