"""What a verification is given: the events, what was signed over them, and what to hold all of it to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509

from signing.canonical import JSON, decode
from signing.note import Vkey
from signing.records import Record
from signing.tiles import Tile
from signing.vkeys import LogKeys


class Destroyed(Exception):
    """The file was destroyed by a recorded decision; what the log proves of it still stands."""


@dataclass
class Evidence:
    """What there is to check. artefact(sha256 hex) gives a sealed PDF or a detached signature, or None, or Destroyed.

    missing is why there are no artefacts, as a code with values of the report. An export of a range has first and last,
    and a tree of size leaves whose published tiles tile() reads, None where one is missing. decode reads an envelope's
    bytes as signing.canonical does. keys are the log's; vkeys_signature is the municipality's over them, and
    signers_signature its over signers, the outside authorities that may vouch for persons (signers.py). stamps are
    checkpoints with their time stamps, each named by where it lies, and stamp_roots further anchors that came with
    them. cosigned are checkpoints with the lines of witnesses, whose keys came with them or were given by the caller.
    crls are revocation lists: what they name counts only as far as it is proven to be older. apart: files of minutes
    that events call secret may be left out.
    """

    records: Callable[[], Iterable[Record]]
    checkpoints: Sequence[tuple[str, bytes]]
    outside: Sequence[tuple[str, bytes]]
    keys: LogKeys
    origin: str
    roots: Sequence[x509.Certificate]
    trusted: bool
    artefact: Callable[[str], bytes | None]
    vkeys_signature: bytes = b""
    signers: bytes = b""
    signers_signature: bytes = b""
    stamps: Sequence[tuple[str, bytes, bytes]] = ()
    stamp_roots: Sequence[x509.Certificate] = ()
    cosigned: Sequence[tuple[str, bytes]] = ()
    witnesses: Sequence[Vkey] = ()
    given_witnesses: Sequence[Vkey] = ()
    crls: Sequence[bytes] = ()
    missing: tuple[str, dict[str, str | int]] | None = None
    apart: bool = False
    first: int = 1
    last: int = 0
    size: int = 0
    tile: Callable[[Tile], bytes | None] | None = None
    decode: Callable[[bytes], JSON] = decode
