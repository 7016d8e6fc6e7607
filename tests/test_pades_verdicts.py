"""What is made of the validator's results: each is the real one of the sealed file, changed in one place."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.ades import AdESLTAValidationResult
from pyhanko.sign.validation.policy_decl import RevinfoOnlineFetchingRule
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing import pades_check, seal
from signing.layers import Layer, layers
from signing.pades_check import Check
from signing.pki import Credential, certificate_der
from tests.signing_kit import (
    NOW,
    SEALED_AT,
    authority,
    context,
    lock,
    render,
    signer,
    stages,
    stranger,
    timestamper,
)

CA, THEIRS = authority().ca.certificate, stranger().ca.certificate
DAY = timedelta(days=1)


@cache
def read() -> tuple[list[EmbeddedPdfSignature], list[Layer]]:
    embedded = list(PdfFileReader(io.BytesIO(stages().sealed)).embedded_signatures)
    return embedded, layers(embedded, SEALED_AT + DAY)


@cache
def found() -> tuple[EmbeddedPdfSignature, AdESLTAValidationResult]:
    """The chair's signature in the sealed file, and what the validator says of it."""
    embedded, rings = read()
    return pades_check._as_sealed(stages().sealed, embedded, rings, [CA], SEALED_AT + DAY)[0]


def changed(**status: Any) -> AdESLTAValidationResult:
    """The result, where one thing is otherwise in what it says of the signature."""
    plain = found()[1].api_status
    assert plain is not None
    return replace(found()[1], api_status=replace(plain, **status))


def no(step: str, said: str) -> Check:
    return Check(step, False, f"Ordforande: {said}")


def test_a_signature_holds_only_where_everything_does() -> None:
    signature, result = found()
    subject = signature.signer_cert.subject.human_friendly
    bytes_changed = no("pades", "the signed bytes have been changed")
    as_a_whole = no("pades", "the signature as a whole does not hold")
    said = "what was added after the signature is not allowed: this"
    unsound = AdESIndeterminate.CERTIFICATE_CHAIN_GENERAL_FAILURE
    for other, verdict in (
        (result, Check("pades", True, f"Ordforande: intact and valid, signed by {subject}")),
        (replace(result, api_status=None), bytes_changed),
        (changed(intact=False), bytes_changed),
        (changed(valid=False), bytes_changed),
        (changed(docmdp_ok=False, diff_result="this"), no("pades", said)),
        (changed(trust_problem_indic=unsound), as_a_whole),
        (changed(validation_path=None), as_a_whole),
        (
            replace(result, ades_subindic=unsound, failure_msg="why"),
            no("pades", f"{unsound.standard_name}: why"),
        ),
        (
            replace(result, ades_subindic=unsound, failure_msg=None),
            no("pades", f"{unsound.standard_name}: no reason is given"),
        ),
    ):
        assert pades_check._check_signature(signature, other) == verdict


def test_an_authority_that_had_ended_signs_nothing() -> None:
    signature, result = found()
    ended = CA.not_valid_after_utc + DAY
    late = replace(result, best_signature_time=ended)
    said = no("pades", f"the authority's certificate was not valid at {ended.isoformat()}")
    for roots, checks in (([CA], [said]), ([THEIRS, CA], [said]), ([THEIRS], [])):
        assert pades_check._check_anchor(signature, late, roots) == checks
    assert pades_check._check_anchor(signature, result, [CA]) == []


def test_what_is_said_of_a_signatures_time_stamp() -> None:
    signature, result = found()
    times = f"existed {NOW.isoformat()}, archived {SEALED_AT.isoformat()}"
    assert result.signature_timestamp_status is not None
    bad = replace(result.signature_timestamp_status, ades_subindic=AdESFailure.HASH_FAILURE)
    for other, fresh, verdict in (
        (result, True, Check("timestamps", True, f"Ordforande: {times}")),
        (
            result,
            False,
            Check(
                "timestamps",
                True,
                f"Ordforande: {times}; no revocation list newer than the file was at hand",
            ),
        ),
        (
            replace(result, signature_timestamp_status=None),
            True,
            no("timestamps", "the signature's time stamp is missing"),
        ),
        (
            replace(result, signature_timestamp_status=bad),
            True,
            no("timestamps", "the signature's time stamp does not hold: HASH_FAILURE"),
        ),
        (
            replace(result, oldest_evidence_record_timestamp=None),
            True,
            no("timestamps", "no valid chain of archive time stamps follows the signature"),
        ),
    ):
        assert pades_check._check_stamp(signature, other, fresh) == verdict


def listed(certificate: x509.Certificate, since: datetime) -> list[bytes]:
    return [authority().crl(SEALED_AT + DAY, {certificate.serial_number: since})]


def test_what_is_revoked_is_held_against_what_it_made_from_then_on() -> None:
    (signature, result), (_, rings) = found(), read()
    person, stamps = signer().certificate, authority().timestamp.certificate
    second, unsound = timedelta(seconds=1), replace(result, ades_subindic=AdESFailure.HASH_FAILURE)

    def issued(*lists: bytes, held: list[Layer] = rings, other: Any = result) -> list[Check]:
        return pades_check._check_issued(signature, other, held, [CA], [CA], lists)

    for certificate, at in ((person, NOW), (stamps, SEALED_AT)):
        said = no("pades", f"the certificate was revoked {at.isoformat()}")
        assert issued(*listed(certificate, at)) == [said]
        assert issued(*listed(certificate, at + second)) == []
        # Of what the validator has not passed, it says more than this would.
        assert issued(*listed(certificate, at), other=unsound) == []
    assert issued(*listed(stamps, SEALED_AT), held=[]) == []
    (ring,) = rings
    for at, verdict in (
        (SEALED_AT + DAY, f"the certificate was revoked {(SEALED_AT + DAY).isoformat()}"),
        (SEALED_AT + DAY + second, f"archived {SEALED_AT.isoformat()}"),
    ):
        said = Check("timestamps", at != SEALED_AT + DAY, f"Tidsstampel: {verdict}")
        assert pades_check._check_ring(stages().sealed, ring, [CA], listed(stamps, at)) == said


def test_what_is_proven_elsewhere_to_be_older_outlives_the_key_that_stamped_it() -> None:
    lists = listed(authority().timestamp.certificate, SEALED_AT + DAY)
    known = [(len(stages().sealed), SEALED_AT + timedelta(hours=1))]
    assert pades_check.check_pdf(stages().sealed, [CA], SEALED_AT + 2 * DAY, crls=lists, proofs=known).ok


def test_a_signature_and_its_stamp_may_bring_the_authorities_between_them_and_a_root() -> None:
    between = (
        x509.CertificateBuilder()
        .subject_name(THEIRS.subject)
        .issuer_name(CA.subject)
        .public_key(THEIRS.public_key())
        .serial_number(4711)
        .not_valid_before(CA.not_valid_before_utc)
        .not_valid_after(CA.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority().ca.key, hashes.SHA256())
    )
    person = stranger().issue_signer(
        common_name="Åsa Öberg", organisation="Annankommun", office="", person_ref="", auth=context(NOW), now=NOW
    )  # fmt: skip
    key = stranger().timestamp.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # the library's own signature
    store.register(asn1_x509.Certificate.load(certificate_der(between)))
    theirs = DummyTimeStamper(
        asn1_x509.Certificate.load(certificate_der(stranger().timestamp.certificate)),
        asn1_keys.PrivateKeyInfo.load(key),
        certs_to_embed=store,
        fixed_dt=NOW,
    )

    def issued(by: Credential, chain: list[x509.Certificate], stamper: Any) -> str:
        pdf = seal.sign(stages().prepared, "Ordforande", by, chain, ["x"], NOW, stamper)
        (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        checks = pades_check._check_issued(signature, found()[1], read()[1], [CA], [CA], [])
        return "".join(check.detail for check in checks)

    assert issued(person, [between], theirs) == ""
    for by, chain, stamper in (
        (person, [], theirs),
        (signer(), [CA], timestamper(by=stranger)),
    ):
        refused = "Ordforande: the certificate is not issued by any of the given roots"
        assert issued(by, chain, stamper) == refused
    assert issued(signer(), [CA], None) == ""  # _check_stamp says that there is none


def test_the_validator_asks_nobody_and_takes_no_certificate_without_a_list() -> None:
    spec = pades_check._policy([CA], NOW, []).signature_validation_spec
    rule = RevocationCheckingRule.CRL_REQUIRED
    policy = CertRevTrustPolicy(RevocationCheckingPolicy(rule, rule))
    assert spec.cert_validation_policy.revinfo_policy == policy
    assert spec.revinfo_gathering_policy.online_fetching_rule is RevinfoOnlineFetchingRule.LOCAL_ONLY


def test_a_certificate_that_is_for_no_such_signatures_makes_none() -> None:
    requester = authority().issue_requester(NOW)
    signed = seal.sign(stages().chair, "Justerare", requester, [CA], ["x"], NOW, timestamper())
    result = pades_check.check_pdf(lock(signed), [CA], SEALED_AT + DAY)
    found = [check.detail for check in result.checks if not check.ok]
    assert found and all(said.startswith("Justerare: ") for said in found)
    assert "CHAIN_CONSTRAINTS_FAILURE" in found[0]


def test_what_does_not_end_with_a_time_stamp_is_told() -> None:
    said = Check("pades", False, "the file does not end with an archive time stamp")
    assert pades_check._check_end(render(), []) == said
    assert pades_check._check_end(stages().sealed, read()[0][:-1]) == said


@pytest.mark.parametrize(
    ("persons", "said"),
    [
        ([], None),
        ([authority().seal], "a person's field is signed with the municipality's certificate"),
    ],
)
def test_what_is_said_of_the_seal(persons: list[Credential], said: str | None) -> None:
    """It is a person's in no field: not the last of them either."""
    signatures = [s for s in read()[0] if s.field_name != seal.TIMESTAMP_FIELD]
    own: list[Any] = [SimpleNamespace(signer_cert=signatures[-1].signer_cert, sig_object={}) for _ in persons]
    holds = "Stampel is the last signature and locks the document"
    assert pades_check._check_seal([*signatures[:-1], *own, signatures[-1]], "Stampel") == Check(
        "pades", said is None, said or holds
    )
