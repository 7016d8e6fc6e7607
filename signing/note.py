"""Signed notes: a text with signature lines below it, and the public keys they are checked with.

    example.com/log
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q…

- The text ends in a newline; one blank line parts it from the signature lines, each an em dash, a space,
  the key name, a space and the base64 of key id and signature. The last blank line of the note is the
  parting one (C2SP signed-note, "Format").
- A note is UTF-8 and holds no control characters but the newline (same section).
- A key name is not empty and holds neither white space nor a plus (same section).
- A key id is the first four bytes of SHA-256(name || 0x0A || type byte || public key); name and id together
  name the key and what it is used for (C2SP signed-note, "Signatures").
- Type bytes: 0x01 Ed25519 over the text; 0x04 Ed25519 cosignature and 0x06 ML-DSA-44 cosignature, both with
  a time (C2SP signed-note, "Signature types", and tlog-cosignature).
- A public key is written `name+id+base64(type byte || public key)` (C2SP signed-note, "Verifier keys").
- Lines of unknown keys are kept but say nothing (C2SP signed-note, "Signatures").

The parser takes the one canonical spelling of everything: base64 with its padding and no stray bits,
lower-case hexadecimal digits, no empty line among the signatures. What it takes it would write again byte
for byte.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
KEY_ID_SIZE = 4
MAX_NAME_BYTES = 255

_DASH = "\u2014 "
_CONTROL = re.compile("[\x00-\x1f]")


class NoteError(ValueError):
    """Something about a note or a key is wrong; the message says what, in a sentence."""


class MalformedNote(NoteError):
    """These bytes are not a note, or not its one canonical spelling."""


class BadKey(NoteError):
    """A key, or the name of one, that cannot be used."""


class UnverifiedNote(NoteError):
    """The note is well formed, but the signatures do not vouch for it."""


class Algorithm(IntEnum):
    """What a key is and what it signs: the type byte in its id."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    ML_DSA_44 = 0x06


_PUBLIC_KEY_SIZE = {Algorithm.ED25519: 32, Algorithm.ED25519_COSIGNATURE: 32, Algorithm.ML_DSA_44: 1312}


@dataclass(frozen=True, slots=True)
class Vkey:
    """A public key with its name and use (verifier key)."""

    name: str
    algorithm: Algorithm
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        wanted = _PUBLIC_KEY_SIZE[self.algorithm]
        if len(self.public) != wanted:
            raise BadKey(f"A public key of this kind is {wanted} bytes long, not {len(self.public)}.")

    @property
    def key_id(self) -> bytes:
        hashed = hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public)
        return hashed.digest()[:KEY_ID_SIZE]

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> "Vkey":
        """The key of this text. A key id that is not the key's own, or any second spelling, is refused."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise BadKey("A verification key is written name+id+base64, with two plus signs.")
        name, key_id, encoded = parts
        material = decode_base64(encoded)
        if not material:
            raise BadKey(f"The verification key {name!r} does not hold canonical base64.")
        if material[0] not in _PUBLIC_KEY_SIZE:
            raise BadKey(f"The verification key {name!r} is of a kind not known here, 0x{material[0]:02x}.")
        key = cls(name, Algorithm(material[0]), material[1:])
        if key.key_id.hex() != key_id:
            raise BadKey(f"The verification key {name!r} has the id {key.key_id.hex()}, not {key_id!r}.")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who is said to have signed, and the bytes. It proves nothing until verified."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signature lines below it, none of them checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        return (self.text + "\n" + "".join(signature.line for signature in self.signatures)).encode()

    @classmethod
    def parse(cls, data: bytes) -> "Note":
        if len(data) > MAX_NOTE_BYTES:
            raise MalformedNote(f"The note is {len(data)} bytes long; more than {MAX_NOTE_BYTES} is refused.")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise MalformedNote(f"The note is not UTF-8: {error.reason} at byte {error.start}.") from error
        if has_control_character(whole.replace("\n", "")):
            raise MalformedNote("The note holds a control character other than the newline.")
        body, parting, below = whole.rpartition("\n\n")
        if not parting or not below.endswith("\n"):
            raise MalformedNote("The note has no blank line followed by whole signature lines.")
        lines = below[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise MalformedNote(
                f"The note has {len(lines)} signatures; more than {MAX_SIGNATURES} are refused."
            )
        return cls(body + "\n", tuple(parse_line(line) for line in lines))


def check_name(name: str) -> None:
    """Refuse what cannot be a key's name."""
    if (
        not name
        or "+" in name
        or has_control_character(name)
        or any(character.isspace() for character in name)
    ):
        raise BadKey(f"{name!r} cannot name a key: a name is not empty and has no white space and no plus.")
    if not 0 < utf8_length(name) <= MAX_NAME_BYTES:
        raise BadKey(f"A key's name is at most {MAX_NAME_BYTES} bytes of UTF-8.")


def has_control_character(text: str) -> bool:
    return _CONTROL.search(text) is not None


def utf8_length(text: str) -> int:
    """The length in UTF-8, or -1 for a text that has no such form (a lone surrogate)."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1


def decode_base64(text: str) -> bytes | None:
    """The bytes, or None unless this is their one canonical spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def parse_line(line: str) -> Signature:
    """One signature line; MalformedNote for anything but its one spelling."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash + " " != _DASH:
        raise MalformedNote("A signature line does not begin with an em dash and a space.")
    try:
        check_name(name)
    except BadKey as error:
        raise MalformedNote(str(error)) from error
    blob = decode_base64(encoded)
    if blob is None or len(blob) <= KEY_ID_SIZE:
        raise MalformedNote(
            f"The signature line of {name!r} does not hold a key id and a signature in base64."
        )
    return Signature(name, blob[:KEY_ID_SIZE], blob[KEY_ID_SIZE:])
