"""Events taken over from elsewhere as they are: checked one by one, then appended without a decision.

- An envelope is canonical, in form, of this municipality and of a topic that is known; its version is the next of its
  stream; its recorded_at is not earlier than the one before, except where the clock was reset on the record.
- Positions follow from the order, and leaf hashes from the bytes. Whoever has a checkpoint gives its root: the tree of
  what was adopted has the same, or nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from eventsourcing.persistence import StoredEvent

from domain.messages import TOPICS
from registry.mapper import EvidenceBroken, read_envelope
from signing.canonical import NotCanonical, decode
from signing.log import Tree, leaf_hash

RESET_TOPIC = "clock-reset.v1"


def adopted(records: Iterable[bytes], municipality: str, root: bytes | None) -> Iterator[StoredEvent]:
    """The events of the envelopes, each checked; EvidenceBroken at the first that cannot be adopted."""
    tree, versions, last = Tree(), Counter[str](), ""
    for position, data in enumerate(records, 1):
        try:
            value: Any = decode(data)
        except NotCanonical as error:
            raise EvidenceBroken(f"position {position}: the envelope is not canonical: {error}") from error
        found = value if isinstance(value, dict) else {}
        stored = StoredEvent(found.get("stream", "?"), found.get("version", 0), found.get("topic", "?"), data)
        envelope = read_envelope(stored)
        stream, topic, recorded_at = envelope["stream"], envelope["topic"], envelope["recorded_at"]
        versions[stream] += 1
        if envelope["municipality"] != municipality:
            raise EvidenceBroken(
                f"position {position}: the event belongs to {envelope['municipality']}, not to {municipality}"
            )
        if topic not in TOPICS:
            raise EvidenceBroken(f"position {position}: the topic {topic!r} is not known to this version")
        if envelope["version"] != versions[stream]:
            raise EvidenceBroken(f"position {position}: {stream}/{versions[stream]} was to come")
        if recorded_at < last and topic != RESET_TOPIC:
            raise EvidenceBroken(f"position {position}: recorded before the event in front of it")
        last = recorded_at
        tree.append(leaf_hash(data))
        yield stored
    if root is not None and tree.root() != root:
        raise EvidenceBroken("the events make a tree with another root than the checkpoint's")
