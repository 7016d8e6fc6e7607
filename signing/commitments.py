"""Commitments to sealed fields, and the root over a document's fields.

- A commitment is SHA-256(0x02 ‖ canonical([path, salt, value])), path = "stream/version/field". The leading byte keeps
  it apart from the leaves (0x00) and nodes (0x01) of RFC 9162 trees. The salt (16 random bytes) stops guessing; salt
  and value are stored encrypted together and die together, while the commitment stands.
- A document's root is the RFC 9162 tree root whose first leaf is the document's plain content and whose further
  leaves are [path, commitment] in path order. A copy that shows some fields and hides others has the same root.
- A sealed field is {"commitment", "key", "sealed"}, all three of them text; in the plain content its path stands in
  its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from signing.canonical import JSON, encode
from signing.log import Tree, leaf_hash


def commit(path: str, salt: str, value: JSON) -> str:
    """The commitment (hex) to a value at a path; salt is 32 hexadecimal digits."""
    return hashlib.sha256(b"\x02" + encode([path, salt, value])).hexdigest()


def document_root(plain: JSON, commitments: Mapping[str, str]) -> str:
    """The root (hex) of a document: its plain content and its commitments by path."""
    tree = Tree()
    tree.append(leaf_hash(encode(plain)))
    for path in sorted(commitments):
        tree.append(leaf_hash(_pair(path, commitments[path])))
    return tree.root().hex()


def _pair(path: str, commitment: str) -> bytes:
    """The canonical bytes of both, which are nearly always in ASCII."""
    if path.isascii() and commitment.isascii():
        return f"[{encode_basestring(path)},{encode_basestring(commitment)}]".encode()
    return encode([path, commitment])


def version_root(envelope: Mapping[str, Any]) -> str:
    """The root (hex) of the document version that an event's envelope holds: the minutes root."""
    plain, commitments = split(envelope["data"], f"{envelope['stream']}/{envelope['version']}")
    head: JSON = {name: envelope[name] for name in ("municipality", "stream", "version", "topic")}
    return document_root([head, plain], commitments)


def split(data: JSON, path: str) -> tuple[JSON, dict[str, str]]:
    """An event's data with each sealed field replaced by its path, and the commitments by path."""
    commitments: dict[str, str] = {}

    def walk(value: JSON, at: str) -> JSON:
        if isinstance(value, dict):
            if is_sealed(value):
                commitments[at] = str(value["commitment"])
                return at
            return {
                key: item if type(item) is str else walk(item, f"{at}/{key}") for key, item in value.items()
            }
        if isinstance(value, list):
            return [walk(item, f"{at}/{index}") for index, item in enumerate(value)]
        return value

    return walk(data, path), commitments


def is_sealed(value: JSON) -> bool:
    """Whether a value in an envelope stands for a sealed field."""
    return (
        isinstance(value, dict)
        and len(value) == 3
        and isinstance(value.get("commitment"), str)
        and isinstance(value.get("key"), str)
        and isinstance(value.get("sealed"), str)
    )
