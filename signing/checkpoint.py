"""Checkpoints: the signed statement of how long the log is and which root it has (kontrollpunkt).

    example.com/log                                     origin: which log
    20852163                                            size: number of leaves, decimal
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=        root, base64

- The text is three lines or more; the origin is 1 to 255 bytes, the size has no leading zeros, the root is
  32 bytes; any further lines are extensions and not empty (C2SP tlog-checkpoint, "Note text").
- The log signs the text itself with Ed25519 (C2SP signed-note, "Ed25519 signatures").
- An ML-DSA-44 cosignature signs `subtree/v1`, the signer's name, the time, origin, start 0, size and root,
  and stands in its line after an eight-byte time (C2SP tlog-cosignature, "ML-DSA-44 signed message"). It
  does not cover extension lines, so here it is neither made nor believed below a checkpoint that has any.
- A witness's Ed25519 cosignature signs `cosignature/v1`, a line with the time, and the text (same, "Ed25519
  signed message").
- A signature of a known key that does not verify condemns the whole note; signatures of unknown keys are
  kept and say nothing; a note that no known key vouches for is refused (C2SP signed-note, "Signatures").
- A log signs no two checkpoints where the smaller is not the beginning of the larger (C2SP tlog-checkpoint,
  "Signatures"). That is the caller's duty: `signing.log.verify_consistency` says whether.
"""

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from signing.log import EMPTY_ROOT, HASH_SIZE
from signing.note import (
    Algorithm,
    BadKey,
    MalformedNote,
    Note,
    Signature,
    UnverifiedNote,
    Vkey,
    decode_base64,
    has_control_character,
    utf8_length,
)
from signing.signer import Signer

MAX_SIZE = (1 << 63) - 1
MAX_ORIGIN_BYTES = 255
_TIME_SIZE = 8
_SIZE_LINE = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log named `origin` has `size` leaves and this root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if has_control_character(self.origin) or not 0 < utf8_length(self.origin) <= MAX_ORIGIN_BYTES:
            raise MalformedNote(f"A checkpoint's origin is one line of 1 to {MAX_ORIGIN_BYTES} bytes.")
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedNote(f"A checkpoint's size lies between 0 and 2**63 - 1; {self.size} does not.")
        if len(self.root) != HASH_SIZE:
            raise MalformedNote(f"A checkpoint's root is {HASH_SIZE} bytes long, not {len(self.root)}.")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedNote("A checkpoint of an empty log has another root than the empty tree's.")
        if any(has_control_character(line) or utf8_length(line) < 1 for line in self.extensions):
            raise MalformedNote(
                "A checkpoint's extension lines are not empty and hold no control characters."
            )

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(line + "\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint of this text; anything but its one canonical spelling is refused."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "":
            raise MalformedNote("A checkpoint is at least three lines, each ended by a newline.")
        origin, size, root, *extensions = lines
        if _SIZE_LINE.fullmatch(size) is None:
            raise MalformedNote(
                "A checkpoint's second line is its size in decimal digits, without leading zeros."
            )
        decoded = decode_base64(root)
        if decoded is None:
            raise MalformedNote("A checkpoint's third line is not canonical base64.")
        return cls(origin, int(size), decoded, tuple(extensions))


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that holds: whose, and the time it states (seconds since 1970) if it states one."""

    vkey: Vkey
    time: int | None


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """A checkpoint, the signatures that hold and, apart, those of unknown keys, which say nothing."""

    checkpoint: Checkpoint
    verified: tuple[Verified, ...]
    unknown: tuple[Signature, ...]


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer], now: datetime) -> bytes:
    """The signed note. Signatures stand in the signers' order; `now` is what the cosignatures say."""
    if not signers:
        raise BadKey("A checkpoint needs at least one key to sign it.")
    note = Note(checkpoint.text, ())
    for signer in signers:
        note = _with_signature(note, checkpoint, signer, now)
    return note.encode()


def cosign(note: bytes, signer: Signer, now: datetime) -> bytes:
    """The same note with one more signature below it, as a witness adds.

    The witness has first opened the note with the log's key and checked consistency with what it saw
    before.
    """
    parsed = Note.parse(note)
    return _with_signature(parsed, Checkpoint.parse(parsed.text), signer, now).encode()


def open_checkpoint(
    note: bytes, vkeys: Collection[Vkey], *, origin: str | None = None, every: bool = False
) -> OpenedCheckpoint:
    """The checkpoint, if at least one of these keys vouches for it and none of them speaks against it.

    `origin` demands that the checkpoint is this log's; `every` that each of the keys has signed.
    """
    parsed = Note.parse(note)
    checkpoint = Checkpoint.parse(parsed.text)
    if origin is not None and checkpoint.origin != origin:
        raise UnverifiedNote(f"The checkpoint is of the log {checkpoint.origin!r}, not of {origin!r}.")
    known = {(vkey.name, vkey.key_id): vkey for vkey in vkeys}
    verified: list[Verified] = []
    unknown: list[Signature] = []
    for signature in parsed.signatures:
        vkey = known.get((signature.name, signature.key_id))
        if vkey is None:
            unknown.append(signature)
        elif any(earlier.vkey == vkey for earlier in verified):
            raise UnverifiedNote(f"The key {vkey.name!r} has signed the checkpoint twice.")
        else:
            verified.append(_verify(signature, vkey, checkpoint))
    if not verified:
        raise UnverifiedNote("None of the known keys has signed the checkpoint.")
    missing = [vkey.name for vkey in known.values() if all(held.vkey != vkey for held in verified)]
    if every and missing:
        raise UnverifiedNote(f"The checkpoint lacks the signature of {', '.join(map(repr, missing))}.")
    return OpenedCheckpoint(checkpoint, tuple(verified), tuple(unknown))


def _with_signature(note: Note, checkpoint: Checkpoint, signer: Signer, now: datetime) -> Note:
    vkey = signer.vkey
    if any((held.name, held.key_id) == (vkey.name, vkey.key_id) for held in note.signatures):
        raise BadKey(f"The key {vkey.name!r} has already signed this checkpoint.")
    if now.tzinfo is None or now.timestamp() < 0:
        raise ValueError("The time of signing carries its time zone and is not before 1970.")
    seconds = int(now.timestamp())
    stamp = b"" if vkey.algorithm is Algorithm.ED25519 else seconds.to_bytes(_TIME_SIZE, "big")
    value = stamp + signer.sign(_message(vkey, checkpoint, seconds))
    return Note(note.text, (*note.signatures, Signature(vkey.name, vkey.key_id, value)))


def _verify(signature: Signature, vkey: Vkey, checkpoint: Checkpoint) -> Verified:
    stamp_size = 0 if vkey.algorithm is Algorithm.ED25519 else _TIME_SIZE
    stamp, value = signature.value[:stamp_size], signature.value[stamp_size:]
    seconds = int.from_bytes(stamp, "big")
    try:
        if seconds > MAX_SIZE:
            raise InvalidSignature
        message = _message(vkey, checkpoint, seconds)
        if vkey.algorithm is Algorithm.ML_DSA_44:
            MLDSA44PublicKey.from_public_bytes(vkey.public).verify(value, message)
        else:
            Ed25519PublicKey.from_public_bytes(vkey.public).verify(value, message)
    except (InvalidSignature, BadKey) as error:
        raise UnverifiedNote(f"The signature of {vkey.name!r} does not hold for this checkpoint.") from error
    return Verified(vkey, seconds if stamp else None)


def _message(vkey: Vkey, checkpoint: Checkpoint, seconds: int) -> bytes:
    """The very bytes that a key of this kind signs for this checkpoint."""
    if vkey.algorithm is Algorithm.ED25519:
        return checkpoint.text.encode()
    if vkey.algorithm is Algorithm.ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {seconds}\n{checkpoint.text}".encode()
    if checkpoint.extensions:
        raise BadKey("An ML-DSA-44 cosignature does not cover extension lines, so none may stand above it.")
    return b"".join(
        (
            b"subtree/v1\n\x00",
            _short_vector(vkey.name),
            seconds.to_bytes(8, "big"),
            _short_vector(checkpoint.origin),
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _short_vector(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data
