"""One act of signing by one person: their field in the PDF and a detached statement, together or not at all.

- The approval signs two things at once: the full PDF (PAdES) and, detached (CMS), the canonical statement
  of what the document says and how it was rendered. The detached one survives when the PDF must be
  destroyed.
- Between begin and resume the act is plain data (text, numbers, bytes); it survives a restart and holds no
  secret.
- What comes back is checked before it is used: each signature must fit its certificate and carry exactly
  the digest that was offered, also when the service was allowed to alter the attributes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from pyhanko.sign.timestamps import TimeStamper

from signing import cms, seal
from signing.providers.port import (
    Callback,
    Done,
    Failed,
    Intent,
    Item,
    Pending,
    Person,
    Plain,
    Provider,
    Rejected,
    SignatureType,
    SignedItem,
    Started,
)
from signing.signed_data import CmsError, open_cms

PDF_ITEM, STATEMENT_ITEM = "pdf", "statement"
_ACT, _PROVIDER = "act.", "provider."


@dataclass(frozen=True)
class BegunAct:
    """An act begun: what the person must do, and the plain data to store until it is resumed."""

    started: Started
    plain: dict[str, Plain]


@dataclass(frozen=True)
class Signed:
    """The finished act: the signed PDF, the detached signature, and the chain that made both."""

    pdf: bytes
    statement_signature: bytes
    chain: tuple[x509.Certificate, ...]
    revocation: tuple[bytes, ...]
    evidence: bytes | None


def begin(
    provider: Provider,
    *,
    pdf: bytes,
    field: str,
    lines: Sequence[str],
    statement: bytes,
    signer: Person,
    visible_text: str,
    now: datetime,
    reply_to: str | None = None,
) -> BegunAct:
    """Make room in the PDF and offer both digests to the service."""
    begun = seal.begin(pdf, field, lines, now)
    items = (
        Item(PDF_ITEM, SignatureType.PADES, begun.digest),
        Item(STATEMENT_ITEM, SignatureType.CADES, hashlib.sha256(statement).digest()),
    )
    started = provider.begin(Intent(signer, visible_text, items, reply_to), now)
    act: dict[str, Plain] = {
        "pdf": begun.pdf,
        "digest": begun.digest,
        "room_start": begun.room[0],
        "room_end": begun.room[1],
        "statement": statement,
    }
    plain = {_ACT + key: value for key, value in act.items()}
    return BegunAct(started, plain | {_PROVIDER + key: value for key, value in started.state.items()})


def resume(
    provider: Provider,
    plain: dict[str, Plain],
    callback: Callback,
    now: datetime,
    timestamper: TimeStamper | None = None,
) -> Pending | Failed | Rejected | Signed:
    """Go on with a stored act: still waiting, refused, answered with what is not accepted, or signed and checked."""
    state = {key.removeprefix(_PROVIDER): value for key, value in plain.items() if key.startswith(_PROVIDER)}
    answer = provider.resume(state, callback, now)
    if not isinstance(answer, Done):
        return answer
    pdf, digest, statement = (_bytes(plain[_ACT + key]) for key in ("pdf", "digest", "statement"))
    room = (int(str(plain[_ACT + "room_start"])), int(str(plain[_ACT + "room_end"])))
    items = {item.id: item for item in answer.items}
    if set(items) != {PDF_ITEM, STATEMENT_ITEM}:
        return Failed("items-missing")
    try:
        in_pdf = _checked(items[PDF_ITEM], digest, answer, timestamper)
        beside = _checked(items[STATEMENT_ITEM], hashlib.sha256(statement).digest(), answer, timestamper)
    except CmsError:
        return Failed("signature-does-not-fit")
    signed_pdf = seal.finish(seal.Begun(pdf, digest, room), in_pdf)
    return Signed(signed_pdf, beside, answer.chain, answer.revocation, answer.evidence)


def _bytes(value: Plain) -> bytes:
    assert isinstance(value, bytes)
    return value


def _checked(item: SignedItem, digest: bytes, done: Done, timestamper: TimeStamper | None) -> bytes:
    signature = cms.complete(item.tbs_der, item.signature, done.chain, timestamper)
    if open_cms(signature).digest != digest:
        raise CmsError("the service signed something else")
    return signature
