"""Commitments to sealed fields, and the root over a document's fields.

- A commitment is SHA-256(0x02 ‖ canonical([path, salt, value])), path = "stream/version/field". The leading byte keeps
  it apart from the leaves (0x00) and nodes (0x01) of RFC 9162 trees. The salt (16 random bytes) stops guessing; salt
  and value are stored encrypted together and die together, while the commitment stands.
- A document's root is the RFC 9162 tree root whose first leaf is the document's plain content and whose further
  leaves are [path, commitment] in path order. A copy that shows some fields and hides others has the same root.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

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
        tree.append(leaf_hash(encode([path, commitments[path]])))
    return tree.root().hex()
