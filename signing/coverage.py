"""Which bytes of a signed PDF no signature covers, and how many of those are forced anyway.

- A signature covers the file except the hole where it stands itself (ISO 32000-1 section 12.8.1). The hole
  is written in one way: one string, capital hex digits, zeros after the signature. Any other spelling is a
  fault.
- Inside, a CMS of ours is rebuilt from its signed parts; equal bytes mean every bit was forced. The one
  thing a signer does not sign is a further certificate, so each of those must be one of the roots, byte for
  byte.
- A token under our own policy (which it signs) must be in our form, or it is a fault, as in `timestamp.verify_token`.
- A CMS in another style (an outside time-stamp authority's) has what it signs forced, and the rest is
  listed.
- Bytes after the last covered one are listed too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from asn1crypto import cms as asn1
from asn1crypto import core
from cryptography import x509
from pyhanko.sign.validation import EmbeddedPdfSignature

from signing.pki import certificate_der
from signing.signed_data import CmsError, Opened, open_cms, reassembled
from signing.timestamp import POLICY, open_token

OUR_POLICY: bytes = core.ObjectIdentifier(POLICY).dump()


def hole_fault(pdf: bytes, signature: EmbeddedPdfSignature) -> str | None:
    """Why the bytes left out of a signature's range are more than its own /Contents in one spelling."""
    start, end = _hole(signature)
    digits = pdf[start + 1 : end - 1]
    if pdf[start : start + 1] != b"<" or pdf[end - 1 : end] != b">":
        return "the signature's hole is not one string"
    if not re.fullmatch(rb"[0-9A-F]*", digits) or bytes.fromhex(digits.decode()) != signature.pkcs7_content:
        return "the signature's hole is not its contents in capital hex digits"
    if any(signature.pkcs7_content[len(cms_of(signature)) :]):
        return "the padding after the signature is not all zeros"
    return None


def form_fault(signature: EmbeddedPdfSignature) -> str | None:
    """Why an archive time stamp that says it is ours is not in the one form that ours have."""
    der = cms_of(signature)
    if signature.sig_object_type != "/DocTimeStamp" or OUR_POLICY not in der:
        return None
    with suppress(CmsError):
        if reassembled(open_token(der)[0]) == der:
            return None
    return "the time stamp has unsigned parts that are not in their one form"


def unprotected(
    pdf: bytes, embedded: Sequence[EmbeddedPdfSignature], roots: Sequence[x509.Certificate]
) -> list[tuple[int, int]]:
    """The (offset, length) ranges that the last signature does not cover and nothing forces to one value."""
    if not embedded:
        return [(0, len(pdf))]
    last = embedded[-1]
    start, end = _hole(last)
    der = cms_of(last)
    forced = _forced(der, last.sig_object_type == "/DocTimeStamp", roots)
    holes, position = [], 0
    for segment_start, segment_end in [*sorted(forced), (len(der), len(der))]:
        if segment_start > position:
            holes.append((start + 1 + 2 * position, 2 * (segment_start - position)))
        position = max(position, segment_end)
    covered = end + int(last.byte_range[3])
    return holes + ([(covered, len(pdf) - covered)] if covered < len(pdf) else [])


def _forced(der: bytes, is_token: bool, roots: Sequence[x509.Certificate]) -> list[tuple[int, int]]:
    """The parts of a CMS that have only one possible value, as (start, end)."""
    try:
        opened = open_token(der)[0] if is_token else open_cms(der)
        rest_known = all(c in roots for c in opened.others) and (
            opened.stamp is None or _rebuilds(opened.stamp, roots)
        )
    except CmsError:
        return []
    if rest_known and reassembled(opened) == der:
        return [(0, len(der))]
    parts = [
        asn1.CMSAttributes.load(opened.attributes).contents,
        opened.signature,
        certificate_der(opened.certificate),
        opened.content,
    ]
    # What stands there twice may have its copy in a part that nobody signed, such as a further certificate.
    alone = [part for part in parts if part and der.count(part) == 1]
    return [(der.find(part), der.find(part) + len(part)) for part in alone]


def _rebuilds(token: bytes, roots: Sequence[x509.Certificate]) -> bool:
    opened: Opened = open_token(token)[0]
    return reassembled(opened) == token and all(c in roots for c in opened.others)


def _hole(signature: EmbeddedPdfSignature) -> tuple[int, int]:
    _, length, after, _ = (int(v) for v in signature.byte_range)
    return length, after


def cms_of(signature: EmbeddedPdfSignature) -> bytes:
    """The CMS in a signature, without the zeros that fill its hole."""
    contents: bytes = signature.pkcs7_content
    # The outermost value states its own length (X.690 section 8.1.3.5); the rest of the hole is padding.
    count = contents[1] & 0x7F if contents[1] & 0x80 else 0
    body = int.from_bytes(contents[2 : 2 + count]) if count else contents[1]
    return contents[: 2 + count + body]
