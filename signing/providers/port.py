"""The port every signing service stands behind: begin, and resume until it is done.

- An intent names the signer, the text they see, and everything signed in the one act. An item is a digest
  and, when the certificate is known beforehand, the very DER to be signed.
- `begin` answers with a reference, what the person must do next and when the offer lapses. Its state is
  plain data without secrets: the caller stores it and hands it back, perhaps in another process after a
  restart.
- `resume` answers Pending, Failed with a code, or Done. A service may have completed the attributes it was
  asked to sign, so Done carries the bytes really signed, and the caller checks their digest again.
- `Rejected` is about what came back, not about the act: it was not accepted, and the act stays as it was.
- A service of kind `envelope` never signs a raw hash (BankID): its own signed document is the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cryptography import x509

from signing.pki import AuthContext

Plain = str | int | bytes | None
State = Mapping[str, Plain]
Callback = AuthContext | Mapping[str, str] | None


class Kind(StrEnum):
    """What a service hands back."""

    RAW = "raw"
    ENVELOPE = "envelope"


class Action(StrEnum):
    """What the person does next."""

    NONE = "none"
    REDIRECT = "redirect"
    QR = "qr"
    AUTOSTART = "autostart"


class SignatureType(StrEnum):
    """Where a signature will stand: inside a PDF, or beside its bytes."""

    PADES = "pades"
    CADES = "cades"


@dataclass(frozen=True)
class Capabilities:
    """What a service can and cannot do."""

    kind: Kind
    certificate_known_before: bool
    may_alter_tbs: bool
    interactive: bool
    batch: bool


@dataclass(frozen=True)
class Person:
    """The signer as the certificate will name them (undertecknare)."""

    common_name: str
    organisation: str
    office: str
    person_ref: str
    identity: str | None = None  # what an outside service knows them as


@dataclass(frozen=True)
class Item:
    """One thing to sign: a SHA-256 digest, and the DER over it where that is known beforehand."""

    id: str
    sigtype: SignatureType
    digest: bytes
    tbs_der: bytes | None = None


@dataclass(frozen=True)
class Intent:
    """Everything one person signs in one act, and where an outside service is to send its answer."""

    signer: Person
    visible_text: str
    items: tuple[Item, ...]
    reply_to: str | None = None


@dataclass(frozen=True)
class Started:
    """An act begun: what to show the person, and the plain state to hand back.

    For a redirect, the person's browser posts `form` to `target`.
    """

    ref: str
    action: Action
    expires: datetime
    state: State
    target: str | None = None
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """Not signed yet; ask again. For a redirect it says again where to."""

    target: str | None = None
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """It will not be signed; the code says why."""

    code: str


@dataclass(frozen=True)
class Rejected:
    """What came back is not accepted, and changes nothing; the code says why."""

    code: str


@dataclass(frozen=True)
class SignedItem:
    """The bytes really signed for one item, and the raw signature over them."""

    id: str
    tbs_der: bytes
    signature: bytes
    algorithm: str


@dataclass(frozen=True)
class Done:
    """Signed: one certificate chain (signer first) for every item, and what proves the act."""

    items: tuple[SignedItem, ...]
    chain: tuple[x509.Certificate, ...]
    revocation: tuple[bytes, ...] = ()
    evidence: bytes | None = None


Answer = Pending | Failed | Rejected | Done


class Provider(Protocol):
    """A signing service."""

    @property
    def capabilities(self) -> Capabilities:
        """What this service can do."""

    def begin(self, intent: Intent, now: datetime) -> Started:
        """Offer the act to the signer."""

    def resume(self, state: State, callback: Callback, now: datetime) -> Answer:
        """Where the act stands, given what has come back from the person."""
