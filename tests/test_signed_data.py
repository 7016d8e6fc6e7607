"""Certificates in a chain, and a signature's outermost form: what stands above a signer is looked at to the root."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from signing import cms
from signing.signed_data import (
    CmsError,
    is_list_of,
    issuer_of,
    open_cms,
    require_issued,
    require_not_revoked,
    was_valid,
)
from tests.signing_kit import NOW, authority, signer, stranger
from tests.test_timestamp import elliptic

CA, DAY = authority().ca.certificate, timedelta(days=1)
Chain = list[tuple[ec.EllipticCurvePrivateKey, x509.Certificate]]


@cache
def chain() -> Chain:
    """A root, two authorities below each other, and somebody's certificate."""
    found: Chain = []
    for name in ("Root", "Upper", "Lower", "Somebody"):
        found.append(elliptic(name, found[-1] if found else None, ca=name != "Somebody"))
    return found


def revoking(number: int, since: datetime) -> bytes:
    """The list of the one above, which names a certificate of the chain."""
    (key, issuer), (_, certificate) = chain()[number - 1 : number + 1]
    revoked = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(since)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject).last_update(since)
    made = (
        builder.next_update(since + DAY).add_revoked_certificate(revoked.build()).sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER)


def issued(at: datetime = NOW, *crls: bytes, without: int = 0) -> x509.Certificate:
    root, upper, lower, somebody = (certificate for _, certificate in chain())
    between = [one for one in (upper, lower) if one is not (None, upper, lower)[without]]
    return require_issued(somebody, [root], at, crls, between)


def test_a_chain_is_followed_to_the_root_over_any_number_of_authorities() -> None:
    assert issued() == chain()[2][1]
    for without in (1, 2):
        with pytest.raises(CmsError, match="not issued by any of the given roots"):
            issued(without=without)


def test_authorities_that_vouch_for_each_other_lead_nowhere() -> None:
    own = elliptic("Own", None, ca=True)
    leaf = elliptic("Leaf", own, ca=False)[1]
    with pytest.raises(CmsError, match="not issued by any of the given roots"):
        require_issued(leaf, [CA], NOW, (), [own[1]])
    assert require_issued(leaf, [own[1]], NOW) == own[1]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_everybody_in_a_chain_may_have_been_revoked_by_the_one_above(number: int) -> None:
    assert issued(NOW, revoking(number, NOW + DAY)) == chain()[2][1]
    with pytest.raises(CmsError, match=r"the certificate was revoked 2024-03-02T09:00:00\+00:00"):
        issued(NOW + DAY, revoking(number, NOW + DAY))


@pytest.mark.parametrize("at", [datetime(2019, 12, 31, tzinfo=UTC), datetime(2099, 1, 2, tzinfo=UTC)])
def test_a_chain_that_had_not_begun_or_had_ended_vouches_for_nobody(at: datetime) -> None:
    with pytest.raises(CmsError, match="the certificate was not valid at 20"):
        issued(at)


def test_an_authority_that_had_ended_vouches_for_nobody_who_had_not() -> None:
    after = CA.not_valid_after_utc + timedelta(seconds=1)
    longer = (
        x509.CertificateBuilder().subject_name(signer().certificate.subject).issuer_name(CA.subject)
        .public_key(signer().certificate.public_key()).serial_number(1).not_valid_before(NOW)
        .not_valid_after(after + DAY).sign(authority().ca.key, hashes.SHA256())
    )  # fmt: skip
    assert require_issued(longer, [CA], CA.not_valid_after_utc) == CA
    with pytest.raises(CmsError, match="the authority's certificate was not valid at"):
        require_issued(longer, [CA], after)


def test_a_certificate_is_valid_from_its_first_second_through_its_last() -> None:
    certificate, second = signer().certificate, timedelta(seconds=1)
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    for at, valid in ((first - second, False), (first, True), (last, True), (last + second, False)):
        assert was_valid(certificate, at) is valid


def test_a_list_that_was_changed_revokes_nobody_and_is_told() -> None:
    crl = authority().crl(NOW, {signer().certificate.serial_number: NOW})
    spoilt = crl[:-1] + bytes([crl[-1] ^ 1])
    for check in (
        lambda: require_issued(signer().certificate, [CA], NOW, [spoilt]),
        lambda: require_not_revoked(signer().certificate, [stranger().ca.certificate, CA], [spoilt], NOW),
        lambda: is_list_of(spoilt, [stranger().ca.certificate, CA]),
    ):
        with pytest.raises(CmsError, match="the revocation list is not signed by its issuer"):
            check()
    with pytest.raises(CmsError, match="revoked"):
        require_not_revoked(signer().certificate, [stranger().ca.certificate, CA], [crl], NOW)
    assert is_list_of(crl, [stranger().ca.certificate, CA])
    assert not is_list_of(crl, [stranger().ca.certificate])
    with pytest.raises(CmsError, match="no revocation list"):
        is_list_of(b"x", [CA])


def test_a_number_that_another_authority_has_revoked_says_nothing() -> None:
    other = stranger().revoking(signer().certificate.serial_number, NOW)
    require_not_revoked(signer().certificate, [CA, other.ca.certificate], [other.crl(NOW)], NOW)


def test_the_authority_right_above_is_told() -> None:
    roots = [stranger().ca.certificate, CA]
    assert issuer_of(signer().certificate, roots) == CA
    assert issuer_of(signer().certificate, roots[:1]) is None


def test_a_list_is_its_authoritys_also_where_another_of_the_same_name_stands_beside() -> None:
    key, crl = ec.generate_private_key(ec.SECP256R1()), authority().crl(NOW)
    made = x509.CertificateBuilder().subject_name(CA.subject).issuer_name(CA.subject).serial_number(1)
    made = made.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1)).public_key(key.public_key())
    later = made.sign(key, hashes.SHA256())
    assert is_list_of(crl, [later, CA])
    assert is_list_of(crl, [CA, later])
    with pytest.raises(CmsError, match="not signed by its issuer"):
        is_list_of(crl, [later])


def test_nothing_stands_after_a_signature() -> None:
    signature = cms.sign(b"x", signer(), [CA], NOW)
    assert open_cms(signature).covers(b"x")
    with pytest.raises(CmsError, match=r"not a readable CMS: .*trailing"):
        open_cms(signature + b"\0")
