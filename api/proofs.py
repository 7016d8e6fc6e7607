"""Proofs out of the log, and its entries, for the API and the command line.

- Inclusion: that an event is in the tree a checkpoint signs (RFC 9162, 2.1.3); as JSON, or as the text of C2SP
  tlog-proof, which carries the checkpoint and needs nothing else but the keys.
- Consistency: that one tree is the beginning of another (RFC 9162, 2.1.4).
- Entry bundles: the events' own bytes, each after its length in two bytes (C2SP tlog-tiles, "Log entries"). An event
  longer than such a length can say has no place in a bundle; an export holds it.
"""

from __future__ import annotations

import base64
from typing import Any

from api.problems import Refusal
from api.rights import PATIENCE
from api.wiring import Municipality
from domain.errors import NotFound
from projections.evidence import consistency, inclusion, root
from signing.checkpoint import Checkpoint
from signing.log import leaf_hash
from signing.note import Note
from signing.tiles import TILE_WIDTH, Tile

LONGEST_ENTRY = (1 << 16) - 1


def proven(m: Municipality, position: int) -> dict[str, Any]:
    """A leaf, its way to a checkpoint, and the checkpoint signed now."""
    stored = m.registry.stored(position)
    if stored is None:
        raise NotFound("event", str(position))
    note = m.checkpoints.sign(m.registry.clock.now())
    size = Checkpoint.parse(Note.parse(note).text).size
    shown(m, size)
    return {
        "position": position,
        "leaf": leaf_hash(stored.state).hex(),
        "size": size,
        "path": [each.hex() for each in inclusion(m.views, m.registry, position, size)],
        "checkpoint": note.decode(),
    }


def as_text(found: dict[str, Any]) -> str:
    """A proof of inclusion in the form of C2SP tlog-proof."""
    hashes = "".join(base64.b64encode(bytes.fromhex(each)).decode() + "\n" for each in found["path"])
    return f"c2sp.org/tlog-proof@v1\nindex {found['position'] - 1}\n{hashes}\n{found['checkpoint']}"


def grown(m: Municipality, old: int, new: int) -> dict[str, Any]:
    """That the tree of the first `old` events is the beginning of the tree of the first `new`."""
    if not old <= new <= m.registry.recorder.head().position:
        raise NotFound("event", str(max(old, new)))
    shown(m, new)
    return {
        "old": old,
        "new": new,
        "old_root": root(m.views, old).hex(),
        "new_root": root(m.views, new).hex(),
        "path": [each.hex() for each in consistency(m.views, old, new)],
    }


def bundle(m: Municipality, tile: Tile) -> bytes:
    """The events behind a tile of leaves; LookupError if the log does not reach so far."""
    first = tile.index * TILE_WIDTH
    if first + tile.width > m.registry.recorder.head().position:
        raise LookupError(tile.path)
    entries = []
    for event in m.registry.recorder.scan(first, first + tile.width):
        if len(event.state) > LONGEST_ENTRY:
            raise Refusal(422, "entry-too-long", position=event.id)
        entries.append(len(event.state).to_bytes(2, "big") + event.state)
    return b"".join(entries)


def shown(m: Municipality, size: int) -> None:
    """Wait until the stored tree reaches a size."""
    if not m.projector.wait_for(size, PATIENCE):
        raise Refusal(503, "not-yet-shown", headers={"Retry-After": "1"})
