"""The log's public keys as they are published: log.vkeys, one a line, and the municipality's signature over it.

- log.vkeys has one spelling: each line is a verifier key (C2SP signed-note, "Verifier keys") ended by a newline.
- log.vkeys.p7s is a detached CMS over those bytes by the municipality itself, not by a person, under its own authority:
  whoever has the authority's certificate needs no other word for which keys are the log's.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from signing import cms
from signing.note import BadKey, Vkey
from signing.pki import auth_context
from signing.signed_data import CmsError

VKEYS, VKEYS_SIGNATURE = "log.vkeys", "log.vkeys.p7s"


def write_vkeys(vkeys: Sequence[Vkey]) -> bytes:
    """The content of log.vkeys."""
    return "".join(f"{vkey}\n" for vkey in vkeys).encode()


def read_vkeys(data: bytes) -> list[Vkey]:
    """The keys of such a file; BadKey for anything but their one spelling."""
    try:
        keys = [Vkey.parse(line) for line in data.decode().split("\n")[:-1]]
    except UnicodeDecodeError as error:
        raise BadKey(f"The file of keys is not UTF-8: {error.reason} at byte {error.start}.") from error
    if not keys or data != write_vkeys(keys):
        raise BadKey("The file of keys is not one key a line, each line ended by a newline.")
    return keys


def open_signature(vkeys: Sequence[Vkey], signature: bytes, roots: Sequence[x509.Certificate]) -> None:
    """That the municipality has signed these keys; else CmsError."""
    result = cms.verify(signature, write_vkeys(vkeys), roots)
    if auth_context(result.certificate) is not None:
        raise CmsError("the log's keys are signed by a person, not by the municipality")
