"""The one assembler and the one reader behind every CMS signature the product makes.

- RFC 5652 SignedData, one signer, RSA PKCS#1 v1.5 with SHA-256. Signed attributes: content-type, message-digest,
  signing-certificate-v2 (RFC 5035, with issuer and serial), and signing-time outside PDFs (inside one the time stands
  in the signature dictionary, EN 319 142-1 section 6.3).
- The CMS inside a PDF, the detached one and the time-stamp token come from here, so the two things signed in one act
  differ in nothing but their digest.
- `reassembled` writes a parsed CMS again from its signed parts only. When that gives the same bytes, nothing in it is
  outside the signature's reach: versions, algorithm fields and certificate choice are all forced.
- The reader takes RSA or EC keys and SHA-2 digests, since an outside time-stamp authority chooses its own. It accepts
  DER only, one signer only, and the signer's certificate only when the signed attributes name it by hash. Whether that
  certificate is trusted is asked of the roots the caller hands in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from asn1crypto import algos, core, tsp
from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1_x509
from asn1crypto.parser import emit, parse
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.pki import certificate_der, whole_second

SEQUENCE, SET = 16, 17  # the tags of X.690, table 1

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class CmsError(ValueError):
    """A signature does not hold; the message says which rule it broke."""


@dataclass(frozen=True)
class Opened:
    """A CMS whose signature fits its own certificate; says nothing about trust."""

    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    attributes: bytes
    signature: bytes
    digest: bytes
    digest_algorithm: str
    signing_time: datetime | None
    content: bytes | None
    content_type: str
    stamp: bytes | None

    def covers(self, content: bytes) -> bool:
        """Whether this is a signature over `content`."""
        return hashlib.new(self.digest_algorithm, content).digest() == self.digest


def signed_attributes(
    digest: bytes,
    certificate: x509.Certificate,
    signing_time: datetime | None = None,
    content_type: str = "data",
) -> bytes:
    """The DER that is signed: a SET OF attributes over the SHA-256 digest of the content."""
    parsed = asn1_x509.Certificate.load(certificate_der(certificate))
    cert_id = tsp.ESSCertIDv2(
        {
            "hash_algorithm": {"algorithm": "sha256"},
            "cert_hash": hashlib.sha256(parsed.dump()).digest(),
            "issuer_serial": {
                "issuer": [asn1_x509.GeneralName({"directory_name": parsed.issuer})],
                "serial_number": parsed.serial_number,
            },
        }
    )
    values = [
        ("content_type", content_type),
        ("message_digest", digest),
        ("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [cert_id]})),
    ]
    if signing_time is not None:
        values.append(("signing_time", asn1.Time({"utc_time": core.UTCTime(whole_second(signing_time))})))
    attributes = asn1.CMSAttributes([asn1.CMSAttribute({"type": t, "values": (v,)}) for t, v in values])
    return bytes(attributes.dump())


def attribute_values(der: bytes) -> dict[str, core.Asn1Value]:
    """What signed attributes say, by name, if they are DER in its one form (X.690 section 11.6); else CmsError."""
    try:
        values = _single_values(asn1.CMSAttributes.load(der, strict=True))
        in_form = bool(asn1.CMSAttributes.load(der, strict=True).dump(force=True) == der)
    except Exception as fault:  # hostile bytes may raise anything inside the parser
        raise CmsError(f"no signed attributes: {fault}") from fault
    if not in_form:
        raise CmsError("the signed attributes are not in their one form")
    return values


def assemble(
    attributes: bytes,
    signature: bytes,
    certificates: Sequence[x509.Certificate],
    *,
    content: bytes | None = None,
    content_type: str = "data",
    stamp: bytes | None = None,
    embed_certificates: bool = True,
) -> bytes:
    """A CMS ContentInfo from its parts; the first certificate is the signer's.

    Written from bytes: asn1crypto takes a length that ends in 0x80 for an indefinite one and then writes each level
    anew for every one above it, which takes twice as long with each.
    """
    parsed = [asn1_x509.Certificate.load(certificate_der(c)) for c in certificates]
    sha256 = algos.DigestAlgorithm({"algorithm": "sha256"}).dump()
    signer = [
        asn1.CMSVersion("v1").dump(),
        _sequence(parsed[0].issuer.dump(), core.Integer(parsed[0].serial_number).dump()),
        sha256,
        emit(2, 1, 0, _contents(attributes)),
        algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}).dump(),
        core.OctetString(signature).dump(),
    ]
    if stamp is not None:
        kind = asn1.CMSAttributeType("signature_time_stamp_token").dump()
        signer.append(emit(2, 1, 1, _sequence(kind, emit(0, 1, SET, stamp))))
    encapsulated: dict[str, object] = {"content_type": content_type}
    plain = content_type == "data"
    if content is not None:
        encapsulated["content"] = (core.OctetString if plain else core.ParsableOctetString)(content)
    signed_data = [
        # RFC 5652 section 5.1: version 3 as soon as the content is anything but plain data.
        asn1.CMSVersion("v1" if plain else "v3").dump(),
        emit(0, 1, SET, sha256),
        (asn1.ContentInfo if plain else asn1.EncapsulatedContentInfo)(encapsulated).dump(),
    ]
    if embed_certificates:
        ders = [certificate_der(each) for each in certificates]
        longest = max(map(len, ders))
        ordered = sorted(ders, key=lambda der: der.ljust(longest, b"\0"))  # X.690, 11.6
        signed_data.append(emit(2, 1, 0, b"".join(ordered)))
    signed_data.append(emit(0, 1, SET, _sequence(*signer)))
    return _sequence(asn1.ContentType("signed_data").dump(), emit(2, 1, 0, _sequence(*signed_data)))


def _sequence(*parts: bytes) -> bytes:
    return bytes(emit(0, 1, SEQUENCE, b"".join(parts)))


def _contents(der: bytes) -> bytes:
    """What a value holds, without its tag and length."""
    return bytes(parse(der, strict=True)[4])


def open_cms(der: bytes, content_type: str = "data") -> Opened:
    """Parse and check one signature against its own certificate; CmsError says what is wrong."""
    try:
        return _open(der, content_type)
    except CmsError:
        raise
    except Exception as fault:  # hostile bytes may raise anything inside the two parsers
        raise CmsError(f"not a readable CMS: {fault}") from fault


def reassembled(opened: Opened) -> bytes:
    """The same CMS written from its signed parts alone."""
    return assemble(
        opened.attributes,
        opened.signature,
        (opened.certificate, *opened.others),
        content=opened.content,
        content_type=opened.content_type,
        stamp=opened.stamp,
    )


def require_issued(
    certificate: x509.Certificate,
    roots: Sequence[x509.Certificate],
    at: datetime,
    crls: Sequence[bytes] = (),
    between: Sequence[x509.Certificate] = (),
) -> x509.Certificate:
    """The root above `certificate`, which was valid and not revoked at `at`; else CmsError.

    `between` may hold certificates of outside authorities' CAs on the way to a root; ours have none.
    """
    for issuer in filter(partial(is_issued, certificate), (*roots, *between)):
        if issuer not in roots:
            require_ca(issuer)
            rest = [c for c in between if c != issuer]
            require_issued(issuer, roots, at, crls, rest)
        if not was_valid(certificate, at):
            raise CmsError(f"the certificate was not valid at {at.isoformat()}")
        if not was_valid(issuer, at):
            raise CmsError(f"the authority's certificate was not valid at {at.isoformat()}")
        for der in crls:
            _require_not_revoked(certificate, issuer, der, at)
        return issuer
    raise CmsError("the certificate is not issued by any of the given roots")


def issuer_of(certificate: x509.Certificate, roots: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The first of the roots that stands right above a certificate."""
    return next(filter(partial(is_issued, certificate), roots), None)


def require_not_revoked(
    certificate: x509.Certificate, roots: Sequence[x509.Certificate], crls: Sequence[bytes], existed: datetime
) -> None:
    """That no list of the root above names `certificate` from before what it made is proven to exist; else CmsError."""
    for root in filter(partial(is_issued, certificate), roots if crls else ()):
        for der in crls:
            _require_not_revoked(certificate, root, der, existed)


def is_issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether a certificate's name and signature are those that `by` gives; nothing of when."""
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def was_valid(certificate: x509.Certificate, at: datetime) -> bool:
    """Whether a moment lies in a certificate's period of validity."""
    return certificate.not_valid_before_utc <= whole_second(at) <= certificate.not_valid_after_utc


def require_ca(certificate: x509.Certificate) -> None:
    """That a certificate may stand above others (RFC 5280 section 4.2.1.9); else CmsError."""
    try:
        limits = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound as fault:
        raise CmsError("a certificate in the chain is no authority's") from fault
    if not limits.ca:
        raise CmsError("a certificate in the chain is no authority's")


def _require_not_revoked(
    certificate: x509.Certificate, issuer: x509.Certificate, der: bytes, at: datetime
) -> None:
    crl = x509.load_der_x509_crl(der)
    if crl.issuer != issuer.subject:
        return
    key = issuer.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) or not crl.is_signature_valid(key):
        raise CmsError("the revocation list is not signed by its issuer")
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is not None and entry.revocation_date_utc <= at:
        raise CmsError(f"the certificate was revoked {entry.revocation_date_utc.isoformat()}")


def is_list_of(der: bytes, roots: Sequence[x509.Certificate]) -> bool:
    """Whether a revocation list is one of the roots' own. CmsError if it says so and is not, or is no list.

    Roots may have one name: a municipality's authority, and the one that it set up when that was found out.
    """
    try:
        crl, named = x509.load_der_x509_crl(der), False
        for root in roots:
            key = root.public_key()
            if crl.issuer == root.subject and isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
                if crl.is_signature_valid(key):
                    return True
                named = True
        if named:
            raise CmsError("the revocation list is not signed by its issuer")
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise fault if isinstance(fault, CmsError) else CmsError(f"no revocation list: {fault}") from fault
    return False


def _open(der: bytes, content_type: str) -> Opened:
    info = asn1.ContentInfo.load(der, strict=True)
    if info["content_type"].native != "signed_data":
        raise CmsError("not a SignedData")
    signed_data = info["content"]
    signers = signed_data["signer_infos"]
    if len(signers) != 1:
        raise CmsError("there must be exactly one signer")
    signer = signers[0]
    encapsulated = signed_data["encap_content_info"]
    content = encapsulated["content"].contents if encapsulated["content"] else None
    if encapsulated["content_type"].native != content_type:
        raise CmsError(f"the content is {encapsulated['content_type'].native}, not {content_type}")
    algorithm = signer["digest_algorithm"]["algorithm"].native
    if algorithm not in HASHES:
        raise CmsError(f"the digest {algorithm} is not one of SHA-256, SHA-384 and SHA-512")
    attributes = signer["signed_attrs"].untag().dump()
    values = _single_values(signer["signed_attrs"])
    certificates = [x509.load_der_x509_certificate(c.chosen.dump()) for c in signed_data["certificates"]]
    certificate = _named_by(values, certificates)
    if values["content_type"].native != content_type:
        raise CmsError("the signed content-type differs from the content")
    _require_signature(certificate, signer["signature"].native, attributes, HASHES[algorithm])
    unsigned = _single_values(signer["unsigned_attrs"])
    stamp = unsigned.pop("signature_time_stamp_token", None)
    if unsigned:
        raise CmsError(f"unexpected unsigned attributes: {', '.join(sorted(unsigned))}")
    return Opened(
        certificate=certificate,
        others=tuple(c for c in certificates if c != certificate),
        attributes=attributes,
        signature=signer["signature"].native,
        digest=values["message_digest"].native,
        digest_algorithm=algorithm,
        signing_time=values["signing_time"].native if "signing_time" in values else None,
        content=content,
        content_type=content_type,
        stamp=stamp.dump() if stamp is not None else None,
    )


def _single_values(attributes: asn1.CMSAttributes) -> dict[str, core.Asn1Value]:
    values: dict[str, core.Asn1Value] = {}
    for attribute in attributes or ():
        name = attribute["type"].native
        if name in values or len(attribute["values"]) != 1:
            raise CmsError(f"the attribute {name} is not single-valued")
        values[name] = attribute["values"][0]
    return values


def _require_signature(
    certificate: x509.Certificate, signature: bytes, signed: bytes, digest: hashes.HashAlgorithm
) -> None:
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(digest))
        else:
            raise CmsError("the signer's key is neither RSA nor EC")
    except InvalidSignature as fault:
        raise CmsError("the signature does not fit the signed attributes") from fault


def _named_by(
    values: dict[str, core.Asn1Value], certificates: Sequence[x509.Certificate]
) -> x509.Certificate:
    # Version 1 of the attribute names by SHA-1; some time-stamp authorities still write it (RFC 5816).
    if "signing_certificate_v2" in values:
        named = values["signing_certificate_v2"]["certs"][0]
        algorithm = named["hash_algorithm"]["algorithm"].native
    else:
        named, algorithm = values["signing_certificate"]["certs"][0], "sha1"
    for certificate in certificates:
        found = hashlib.new(algorithm, certificate_der(certificate), usedforsecurity=algorithm != "sha1")
        if found.digest() == named["cert_hash"].native:
            return certificate
    raise CmsError("the certificate named by the signature is not in it")
