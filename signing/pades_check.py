"""Is this PDF what was signed and sealed, and can that be shown without us?

Checked offline, from the file and the roots alone, at any later date:

1. The file ends with a document time stamp whose range covers every byte but its own hole, and nothing
   follows it; the hole is one hex string, in capitals, padded with zeros (ISO 32000-1 section 12.8.1).
2. Every signature: its range starts at the first byte, its hole is exactly its /Contents, its digest and
   signature hold, its certificate leads to a root, was valid and not revoked when a time stamp proves it
   existed, and so was the root (EN 319 102-1 section 5.6.3, validation of signatures with archival data).
3. What was appended after each signature is allowed by it. The AdES verdict stays PASSED when it is not, so
   the library's `bottom_line` and `docmdp_ok` are asked as well.
4. No field is left unsigned; the seal is the last signature, it locks the document, it is made with the
   municipality's own certificate and no person's field is, but one that says to be an attestation of a print signed by
   hand.
5. Each signature carries a time stamp, and the archive time stamps stand one around the other, each holding when the
   next was made (layers.py).
6. No certificate is on a revocation list, from the file or from the caller, from before the moment at which what it
   signed is proven to have existed. What is proven older than the revocation stands.

- Nobody can hold a revocation list from the future. Unless the caller hands in a fresher list, the certificate of the
  last time stamp is taken as not revoked, and the result says so.
- Without roots, or with roots that came with the file, the result is self-asserted: `trusted` is false.
- `unprotected` lists the bytes that no signature covers and no check here forces to one value. For a file
  sealed with our own time stamps there are none; a token from elsewhere may have unsigned parts.
- A damaged file is a failed check, never an exception.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.ades import AdESLTAValidationResult, ades_lta_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    NonRevokedStatusAssertion,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from signing.coverage import cms_of, form_fault, hole_fault, unprotected
from signing.layers import DOCUMENT_TIMESTAMP, Layer, Proof, fault, layers, lists_in
from signing.pki import auth_context, certificate_der
from signing.seal import on_paper
from signing.signed_data import CmsError, open_cms, require_ca, require_issued, was_valid
from signing.timestamp import open_token, run

SEAL_FIELD = "Stampel"

# The library reports every doubt by logging too; what matters of it is in the result.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Check:
    """One thing looked at: held, did not hold, or could not be told (None)."""

    step: str
    ok: bool | None
    detail: str


_holds, _broken = partial(Check, "pades", True), partial(Check, "pades", False)
_stamped, _not_stamped = partial(Check, "timestamps", True), partial(Check, "timestamps", False)


@dataclass(frozen=True)
class SignerFound:
    """Who signed a field, when at the latest, and how they had shown who they were (undertecknare)."""

    field: str
    name: str
    organisation: str
    office: str
    person_ref: str
    subject: str
    claimed_at: datetime | None
    proven_at: datetime | None
    authentication: str | None
    certificate: bytes
    scan: str | None = (
        None  # of a print signed by hand: what the municipality attests, and no signature of the person
    )


@dataclass(frozen=True)
class PdfCheck:
    """What came out of checking one sealed PDF (äkthetskontroll)."""

    checks: tuple[Check, ...]
    signers: tuple[SignerFound, ...]
    trusted: bool
    first_revision_length: int | None
    unprotected: tuple[tuple[int, int], ...]

    @property
    def ok(self) -> bool:
        """Whether every check held."""
        return all(check.ok is True for check in self.checks)


def check_pdf(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    now: datetime,
    *,
    trusted: bool = True,
    crls: Sequence[bytes] = (),
    seal_field: str = SEAL_FIELD,
    proofs: Sequence[Proof] = (),
    signers: Sequence[x509.Certificate] = (),
) -> PdfCheck:
    """Check one sealed PDF as of `now`.

    `trusted`: the roots were obtained apart from the file. `proofs`: how much of the file is known, from elsewhere, to
    have existed when. `signers`: further authorities, for the persons' certificates alone.
    """
    try:
        return _check(pdf, roots, now, trusted, crls, seal_field, proofs, signers)
    except Exception as fault:  # noqa: BLE001 - hostile bytes may raise anything inside the parsers
        broken = _broken(f"the file cannot be read as a sealed PDF: {type(fault).__name__}: {fault}")
        return PdfCheck((broken,), (), False, None, ((0, len(pdf)),))


def first_revision(pdf: bytes) -> bytes:
    """The render: every byte before the first appended revision; ValueError when it cannot be told."""
    try:
        xrefs = PdfFileReader(io.BytesIO(pdf)).xrefs
        end = xrefs.get_xref_container_info(0).end_location
        revisions = xrefs.total_revisions
    except Exception as fault:  # hostile bytes may raise anything inside the parser
        raise ValueError(f"not a readable PDF: {fault}") from fault
    if revisions == 1:
        return pdf
    marker = re.compile(rb"startxref\s+\d+\s+%%EOF[\r\n]*").search(pdf, end)
    if marker is None or not marker.group().endswith(b"\n"):
        raise ValueError("the first revision does not end where an appended one begins")
    return pdf[: marker.end() - 1]  # the line feed belongs to the revision that follows


def embedded_roots(pdf: bytes) -> list[x509.Certificate]:
    """The authorities' certificates in the file's own store: a claim, no anchors. ValueError if it is unreadable."""
    try:
        certificates = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(pdf))).load_certs()
        found = [x509.load_der_x509_certificate(c.dump()) for c in certificates]
    except NoDSSFoundError:
        return []
    except Exception as fault:  # hostile bytes may raise anything inside the parser
        raise ValueError(f"its certificates cannot be read: {fault}") from fault
    return [c for c in found if _is_authority(c)]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        require_ca(certificate)
    except CmsError:
        return False
    return True


def _check(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    now: datetime,
    trusted: bool,
    crls: Sequence[bytes],
    seal_field: str,
    proofs: Sequence[Proof],
    signers: Sequence[x509.Certificate],
) -> PdfCheck:
    if not roots:
        roots, trusted = embedded_roots(pdf), False
    reader = PdfFileReader(io.BytesIO(pdf))
    embedded = list(reader.embedded_signatures)
    signatures = [s for s in embedded if s.sig_object_type != DOCUMENT_TIMESTAMP]
    checks = [
        _check_end(pdf, embedded),
        _check_fields(reader, embedded),
        *(_check_hole(pdf, s) for s in embedded),
    ]
    checks.append(_check_seal(signatures, seal_field))
    try:
        rings = layers(embedded, now, proofs)
    except CmsError as error:
        rings = []
        checks.append(_not_stamped(f"an archive time stamp cannot be read: {error}"))
    known = [*crls, *lists_in(reader)]
    checks += [_check_ring(pdf, ring, roots, known) for ring in rings]
    results = _as_sealed(pdf, embedded, rings, [*roots, *signers], now)
    for signature, result in results:
        above = roots if signature.field_name == seal_field else [*roots, *signers]
        checks += [_check_signature(signature, result), _check_stamp(signature, result, bool(crls))]
        checks += _check_anchor(signature, result, above)
        checks += _check_issued(signature, result, rings, above, roots, known)
    if [ring.end for ring in rings] != [len(pdf)]:
        checks += [_check_additions(signature) for signature in signatures]
    try:
        length = len(first_revision(pdf))
    except ValueError as fault:
        checks.append(_broken(str(fault)))
        length = None
    return PdfCheck(
        tuple(checks),
        tuple(_signer(s, r) for s, r in results),
        trusted,
        length,
        tuple(unprotected(pdf, embedded, roots)),
    )


def _as_sealed(
    pdf: bytes,
    embedded: Sequence[EmbeddedPdfSignature],
    rings: Sequence[Layer],
    roots: Sequence[x509.Certificate],
    now: datetime,
) -> list[tuple[EmbeddedPdfSignature, AdESLTAValidationResult]]:
    """Every signature, judged in the file as it was when it was sealed, as of when its stamp is judged."""
    end, at = (rings[0].end, rings[0].judged) if rings else (len(pdf), now)
    if end != len(pdf):
        embedded = list(PdfFileReader(io.BytesIO(pdf[:end])).embedded_signatures)
    spec = _policy(roots, at, embedded)
    return [(s, run(_lta(s, spec, at))) for s in embedded if s.sig_object_type != DOCUMENT_TIMESTAMP]


async def _lta(
    signature: EmbeddedPdfSignature, spec: PdfSignatureValidationSpec, now: datetime
) -> AdESLTAValidationResult:
    timing = ValidationTimingInfo(validation_time=now, best_signature_time=now, point_in_time_validation=True)
    return await ades_lta_validation(signature, spec, timing_info=timing)


def _policy(
    roots: Sequence[x509.Certificate],
    now: datetime,
    embedded: Sequence[EmbeddedPdfSignature],
) -> PdfSignatureValidationSpec:
    anchors = [asn1_x509.Certificate.load(certificate_der(root)) for root in roots]
    rule = RevocationCheckingPolicy(RevocationCheckingRule.CRL_REQUIRED, RevocationCheckingRule.CRL_REQUIRED)
    stamps = [s.signer_cert.sha256 for s in embedded if s.sig_object_type == DOCUMENT_TIMESTAMP]
    assumed = [
        NonRevokedStatusAssertion(stamp, at=now) for stamp in stamps
    ]  # what is revoked is looked at apart
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                trust_manager=SimpleTrustManager.build(trust_roots=anchors),
                revinfo_policy=CertRevTrustPolicy(rule),
            ),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
            key_usage_settings=KeyUsageConstraints(key_usage={"non_repudiation"}),
            local_knowledge=LocalKnowledge(nonrevoked_assertions=assumed),
        )
    )


def _check_end(pdf: bytes, embedded: Sequence[EmbeddedPdfSignature]) -> Check:
    if not embedded or embedded[-1].sig_object_type != DOCUMENT_TIMESTAMP:
        return _broken("the file does not end with an archive time stamp")
    start, length, after, rest = (int(v) for v in embedded[-1].byte_range)
    if start != 0 or after + rest != len(pdf) or not pdf.endswith(b"%%EOF\n"):
        return _broken("the archive time stamp does not cover the file to its last byte")
    return _holds(f"the archive time stamp covers all {len(pdf)} bytes but its own {after - length}")


def _check_fields(reader: PdfFileReader, embedded: Sequence[EmbeddedPdfSignature]) -> Check:
    empty = [name for name, _, _ in enumerate_sig_fields(reader, filled_status=False)]
    if empty:
        return _broken(f"unsigned fields: {', '.join(empty)}")
    return _holds(f"all {len(embedded)} signature fields are signed")


def _check_hole(pdf: bytes, signature: EmbeddedPdfSignature) -> Check:
    fault = hole_fault(pdf, signature) or form_fault(signature)
    detail = fault or "the hole holds the signature and zeros only"
    return Check("pades", fault is None, f"{signature.field_name}: {detail}")


def _check_seal(signatures: Sequence[EmbeddedPdfSignature], seal_field: str) -> Check:
    if not signatures or signatures[-1].field_name != seal_field:
        return _broken(f"the last signature is not the seal in {seal_field}")
    seal = signatures[-1]
    if seal.fieldmdp is None or seal.docmdp_level is None or seal.docmdp_level.value != 1:
        return _broken(f"{seal_field} does not lock the document")
    if auth_context(_certificate(seal)) is not None:
        return _broken(f"{seal_field} is signed by a person, not by the municipality")
    if any(_certificate(s) == _certificate(seal) and not _scan(s) for s in signatures[:-1]):
        return _broken("a person's field is signed with the municipality's certificate")
    return _holds(f"{seal_field} is the last signature and locks the document")


def _check_signature(signature: EmbeddedPdfSignature, result: AdESLTAValidationResult) -> Check:
    name, status = signature.field_name, result.api_status
    if status is None or not (status.intact and status.valid):
        return _broken(f"{name}: the signed bytes have been changed")
    if not status.docmdp_ok:
        return _not_allowed(signature, status.diff_result)
    if result.ades_subindic is not AdESPassed.OK:
        reason = result.failure_msg or "no reason is given"
        return _broken(f"{name}: {result.ades_subindic.standard_name}: {reason}")
    if not status.bottom_line or status.validation_path is None:
        return _broken(f"{name}: the signature as a whole does not hold")
    subject = signature.signer_cert.subject.human_friendly
    return _holds(f"{name}: intact and valid, signed by {subject}")


def _check_anchor(
    signature: EmbeddedPdfSignature, result: AdESLTAValidationResult, roots: Sequence[x509.Certificate]
) -> list[Check]:
    # Path validation takes a trust anchor as it is (RFC 5280, 6.1.1 d); an authority that had ended signs nothing.
    at = result.best_signature_time
    above = [root for root in roots if root.subject == _certificate(signature).issuer]
    if any(was_valid(root, at) for root in above) or not above:
        return []
    detail = f"{signature.field_name}: the authority's certificate was not valid at {at.isoformat()}"
    return [_broken(detail)]


def _check_stamp(signature: EmbeddedPdfSignature, result: AdESLTAValidationResult, fresh: bool) -> Check:
    name, stamp, archived = (
        signature.field_name,
        result.signature_timestamp_status,
        result.oldest_evidence_record_timestamp,
    )
    if stamp is None or stamp.ades_subindic is not AdESPassed.OK:
        reason = "is missing" if stamp is None else f"does not hold: {stamp.ades_subindic.standard_name}"
        return _not_stamped(f"{name}: the signature's time stamp {reason}")
    if archived is None:
        return _not_stamped(f"{name}: no valid chain of archive time stamps follows the signature")
    note = "" if fresh else "; no revocation list newer than the file was at hand"
    moment = result.best_signature_time.isoformat()
    return _stamped(f"{name}: existed {moment}, archived {archived.isoformat()}{note}")


def _check_ring(pdf: bytes, ring: Layer, roots: Sequence[x509.Certificate], crls: Sequence[bytes]) -> Check:
    name, wrong = ring.signature.field_name, fault(pdf, ring, roots, crls)
    detail = wrong or f"archived {ring.at.isoformat()}"
    return Check("timestamps", wrong is None, f"{name}: {detail}")


def _check_issued(
    signature: EmbeddedPdfSignature,
    result: AdESLTAValidationResult,
    rings: Sequence[Layer],
    above: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    crls: Sequence[bytes],
) -> list[Check]:
    """What is by an authority that may not vouch for it, or on a revocation list from before it is proven to have
    existed; nothing if nothing is."""
    if result.ades_subindic is not AdESPassed.OK:
        return []
    try:
        opened = open_cms(cms_of(signature))
        require_issued(opened.certificate, above, result.best_signature_time, crls, opened.others)
        for token in [open_token(opened.stamp)[0]] if opened.stamp and rings else []:
            require_issued(token.certificate, roots, rings[0].at, crls, token.others)
    except CmsError as error:
        return [_broken(f"{signature.field_name}: {error}")]
    return []


def _check_additions(signature: EmbeddedPdfSignature) -> Check:
    """That what was appended since, renewals and all, is allowed by a signature."""
    signature.compute_integrity_info()
    info = signature.summarise_integrity_info()
    if not info["docmdp_ok"]:
        return _not_allowed(signature, info["diff_result"])
    detail = "only archive time stamps were added since it was sealed"
    return _holds(f"{signature.field_name}: {detail}")


def _not_allowed(signature: EmbeddedPdfSignature, change: object) -> Check:
    name = signature.field_name
    return _broken(f"{name}: what was added after the signature is not allowed: {change}")


def _scan(signature: EmbeddedPdfSignature) -> str | None:
    """The file of the scanned print, where the municipality attests a signature on paper."""
    said = re.fullmatch(on_paper("([0-9a-f]{64})"), str(signature.sig_object.get("/Reason")))
    return said[1] if said else None


def _signer(signature: EmbeddedPdfSignature, result: AdESLTAValidationResult) -> SignerFound:
    certificate = _certificate(signature)

    def part(oid: x509.ObjectIdentifier) -> str:
        values = certificate.subject.get_attributes_for_oid(oid)
        return str(values[0].value) if values else ""

    return SignerFound(
        field=signature.field_name,
        name=part(NameOID.COMMON_NAME),
        organisation=part(NameOID.ORGANIZATION_NAME),
        office=part(NameOID.TITLE),
        person_ref=part(NameOID.SERIAL_NUMBER),
        subject=certificate.subject.rfc4514_string(),
        claimed_at=signature.self_reported_timestamp,
        proven_at=result.best_signature_time,
        authentication=auth_context(certificate),
        certificate=certificate_der(certificate),
        scan=_scan(signature) if auth_context(certificate) is None else None,
    )


def _certificate(signature: EmbeddedPdfSignature) -> x509.Certificate:
    return x509.load_der_x509_certificate(signature.signer_cert.dump())
