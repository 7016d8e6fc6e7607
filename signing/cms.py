"""Detached signatures over bytes: CMS with the CAdES attributes, and their verification.

- What is signed is the caller's bytes; the signature stands beside them (EN 319 122-1, baseline B-B; B-T
  when a time stamp over the signature value is added as an unsigned attribute, RFC 3161 appendix A).
- `openssl cms -verify -binary -cades` accepts the result with the municipality's root as CA file.
- Verification asks the certificate's validity at the stamped time if there is a stamp, else at the claimed
  signing time, and the result says which. It trusts nothing it was not handed.
- A certificate that was found out says nothing of when: a signature with it holds only if it is proven to be older,
  by its time stamp or from elsewhere (`existed`), and a time stamp with it only from elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from pyhanko.sign.timestamps import TimeStamper

from signing.pki import Credential
from signing.signed_data import (
    CmsError,
    assemble,
    open_cms,
    reassembled,
    require_issued,
    require_not_revoked,
    signed_attributes,
)
from signing.timestamp import open_token, stamp, verify_token

NOBODY_KNOWS = datetime.max.replace(tzinfo=UTC)  # since when something exists: later than anything


@dataclass(frozen=True)
class CmsResult:
    """What a detached signature that holds says."""

    certificate: x509.Certificate
    signing_time: datetime
    stamped_at: datetime | None


def sign(
    data: bytes,
    credential: Credential,
    chain: Sequence[x509.Certificate],
    signing_time: datetime,
    timestamper: TimeStamper | None = None,
) -> bytes:
    """A detached CMS over `data` with the signer's certificate and its chain inside."""
    attributes = signed_attributes(hashlib.sha256(data).digest(), credential.certificate, signing_time)
    return complete(attributes, credential.sign(attributes), [credential.certificate, *chain], timestamper)


def complete(
    attributes: bytes,
    signature: bytes,
    certificates: Sequence[x509.Certificate],
    timestamper: TimeStamper | None = None,
) -> bytes:
    """Put a raw signature over `attributes` into a CMS; with an authority, stamp the signature too."""
    token = None if timestamper is None else stamp(timestamper, hashlib.sha256(signature).digest())
    return assemble(attributes, signature, certificates, stamp=token)


def verify(
    signature: bytes,
    data: bytes,
    roots: Sequence[x509.Certificate],
    crls: Sequence[bytes] = (),
    signers: Sequence[x509.Certificate] = (),
    existed: datetime = NOBODY_KNOWS,
) -> CmsResult:
    """Check a detached CMS over `data` against the caller's roots; CmsError says what is wrong.

    `signers` are further authorities, for the signer's certificate alone and not for the time stamp.
    """
    above = (*roots, *signers)
    opened = open_cms(signature)
    if opened.content is not None:
        raise CmsError("the signature is not detached")
    if not opened.covers(data):
        raise CmsError("the signature is over other bytes")
    if opened.signing_time is None:
        raise CmsError("the signature does not say when it was made")
    stamped_at = None
    if opened.stamp is not None:
        stamped_at = verify_token(opened.stamp, hashlib.sha256(opened.signature).digest(), roots)
        require_not_revoked(open_token(opened.stamp)[0].certificate, roots, crls, existed)
        existed = min(existed, stamped_at)
    require_issued(opened.certificate, above, stamped_at or opened.signing_time)
    require_not_revoked(opened.certificate, above, crls, existed)
    if reassembled(opened) != signature or any(other not in above for other in opened.others):
        raise CmsError("the signature has unsigned parts that are not in their one form")
    return CmsResult(opened.certificate, opened.signing_time, stamped_at)
