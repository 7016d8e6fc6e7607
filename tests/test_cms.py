"""Detached signatures: they hold, they break when touched, and openssl agrees."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import algos, core
from asn1crypto import cms as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from signing import cms, pki
from signing.signed_data import CmsError, assemble, attribute_values, open_cms, signed_attributes
from tests import outside
from tests.signing_kit import NOW, authority, signer, stranger, timestamper

DATA = b'{"root":"00ff","version":3}'
CA = authority().ca.certificate
PLAIN = cms.sign(DATA, signer(), [CA], NOW)
STAMPED = cms.sign(DATA, signer(), [CA], NOW, timestamper(lambda: NOW + timedelta(seconds=2)))


def test_a_signature_says_who_and_when() -> None:
    result = cms.verify(PLAIN, DATA, [CA])
    assert result == cms.CmsResult(signer().certificate, NOW, None)
    assert cms.verify(STAMPED, DATA, [CA], [authority().crl(NOW)]).stamped_at == NOW + timedelta(seconds=2)


def test_signing_is_deterministic() -> None:
    assert cms.sign(DATA, signer(), [CA], NOW) == PLAIN


@given(st.binary())
def test_only_the_signed_bytes_verify(data: bytes) -> None:
    if data != DATA:
        with pytest.raises(CmsError, match="other bytes"):
            cms.verify(PLAIN, data, [CA])


@pytest.mark.parametrize("signature", [PLAIN, STAMPED], ids=["plain", "stamped"])
@given(data=st.data())
def test_every_bit_of_a_signature_matters(signature: bytes, data: st.DataObject) -> None:
    bent = bytearray(signature)
    bent[data.draw(st.integers(0, len(bent) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CmsError):
        cms.verify(bytes(bent), DATA, [CA])


@given(st.binary(max_size=64))
def test_no_bytes_bring_verification_down(der: bytes) -> None:
    with pytest.raises(CmsError):
        cms.verify(der, DATA, [CA])


def test_a_stranger_is_not_trusted() -> None:
    with pytest.raises(CmsError, match="roots"):
        cms.verify(PLAIN, DATA, [stranger().ca.certificate])
    with pytest.raises(CmsError, match="roots"):
        cms.verify(PLAIN, DATA, [])


def test_a_revoked_signer_is_refused_unless_the_signature_is_proven_to_be_older() -> None:
    serial, day = signer().certificate.serial_number, timedelta(days=1)
    for signature, existed, since, holds in (
        (PLAIN, None, NOW + day, False),  # the time it claims is no proof
        (PLAIN, NOW, NOW + day, True),
        (PLAIN, NOW + day, NOW + day, False),
        (STAMPED, None, NOW + day, True),
        (STAMPED, None, NOW, False),
        (STAMPED, NOW - day, NOW, True),
    ):
        at = cms.NOBODY_KNOWS if existed is None else existed
        crls = [
            authority().crl(NOW),
            authority().crl(NOW, {serial: since}),
            stranger().crl(NOW, {serial: since}),
        ]
        if holds:
            assert (
                cms.verify(signature, DATA, [stranger().ca.certificate, CA], crls, existed=at).signing_time
                == NOW
            )
        else:
            with pytest.raises(CmsError, match="revoked"):
                cms.verify(signature, DATA, [CA], crls, existed=at)


def test_a_stamp_by_a_key_that_was_found_out_proves_nothing() -> None:
    crls = [authority().crl(NOW, {authority().timestamp.certificate.serial_number: NOW + timedelta(days=1)})]
    with pytest.raises(CmsError, match="revoked"):
        cms.verify(STAMPED, DATA, [CA], crls)
    assert cms.verify(STAMPED, DATA, [CA], crls, existed=NOW).stamped_at == NOW + timedelta(seconds=2)


def test_the_claimed_time_must_lie_in_the_certificates() -> None:
    late = cms.sign(DATA, signer(), [CA], NOW + pki.SIGNER_LIFETIME + timedelta(days=1))
    with pytest.raises(CmsError, match="not valid"):
        cms.verify(late, DATA, [CA])


def test_a_borrowed_time_stamp_is_seen() -> None:
    attributes = open_cms(PLAIN).attributes
    other = cms.sign(b"annat", signer(), [CA], NOW, timestamper())
    forged = assemble(
        attributes, open_cms(PLAIN).signature, [signer().certificate, CA], stamp=open_cms(other).stamp
    )
    with pytest.raises(CmsError, match="something else"):
        cms.verify(forged, DATA, [CA])


def _with(**changes: object) -> bytes:
    """Our own signature with parts of its structure replaced."""
    info = asn1.ContentInfo.load(PLAIN)
    signed_data = info["content"]
    signer_info = signed_data["signer_infos"][0]
    for name, value in changes.items():
        target = signer_info if name in signer_info.native else signed_data
        target[name] = value
    return bytes(asn1.ContentInfo({"content_type": "signed_data", "content": signed_data.copy()}).dump(True))


def test_structures_that_are_not_ours_are_refused() -> None:
    attributes = signed_attributes(hashlib.sha256(DATA).digest(), signer().certificate, NOW)
    chain = [signer().certificate, CA]
    signature = signer().sign(attributes)
    not_timed = signed_attributes(hashlib.sha256(DATA).digest(), signer().certificate)
    mistyped = signed_attributes(hashlib.sha256(DATA).digest(), signer().certificate, NOW, "tst_info")
    twice = asn1.CMSAttributes.load(attributes)
    twice.append(twice[0])
    cases = {
        "not a SignedData": asn1.ContentInfo({"content_type": "data", "content": b""}).dump(),
        "exactly one signer": _with(signer_infos=[]),
        "not one of SHA-256": _with(digest_algorithm=algos.DigestAlgorithm({"algorithm": "sha1"})),
        "not in it": assemble(attributes, signature, [CA]),
        "does not fit": assemble(attributes, signer("Någon Annan").sign(attributes), chain),
        "not detached": assemble(attributes, signature, chain, content=DATA),
        "when it was made": assemble(not_timed, signer().sign(not_timed), chain),
        "signed content-type differs": assemble(mistyped, signer().sign(mistyped), chain),
        "the content is tst_info": assemble(attributes, signature, chain, content_type="tst_info"),
        "single-valued": assemble(twice.dump(), signature, chain),
        "unexpected unsigned": _with(
            unsigned_attrs=[{"type": "signing_time", "values": [asn1.Time({"utc_time": core.UTCTime(NOW)})]}]
        ),
    }
    for reason, forged in cases.items():
        with pytest.raises(CmsError, match=reason):
            cms.verify(forged, DATA, [CA])


def test_an_extra_certificate_that_is_no_root_is_refused() -> None:
    extra = cms.sign(DATA, signer(), [CA, stranger().ca.certificate], NOW)
    with pytest.raises(CmsError, match="unsigned parts"):
        cms.verify(extra, DATA, [CA])
    assert cms.verify(extra, DATA, [CA, stranger().ca.certificate]).stamped_at is None


def test_signed_attributes_are_read_in_their_one_form_only() -> None:
    digest = hashlib.sha256(DATA).digest()
    der = signed_attributes(digest, signer().certificate, NOW)
    found = attribute_values(der)
    assert found.keys() == {"content_type", "message_digest", "signing_certificate_v2", "signing_time"}
    assert (found["content_type"].native, found["message_digest"].native) == ("data", digest)
    twice = asn1.CMSAttributes.load(der)
    twice.append(twice[0])
    backwards = asn1.CMSAttributes(list(reversed(list(asn1.CMSAttributes.load(der)))))
    unsorted = b"\x31" + der[1:4] + b"".join(one.dump() for one in backwards) if der[1] == 0x82 else b""
    for spoilt, reason in (
        (b"x", "no signed attributes"),
        (der + b"\0", "no signed attributes"),
        (twice.dump(), "no signed attributes: the attribute .* is not single-valued"),
        (unsorted, "not in their one form"),
    ):
        with pytest.raises(CmsError, match=reason):
            attribute_values(spoilt)


def test_a_signer_named_by_a_wrong_or_unknown_digest_is_refused() -> None:
    attributes = asn1.CMSAttributes.load(signed_attributes(bytes(32), signer().certificate, NOW))
    for algorithm, reason in (("sha512", "not in it"), ("md2", "not a readable CMS")):
        for attribute in attributes:
            if attribute["type"].native == "signing_certificate_v2":
                attribute["values"][0]["certs"][0]["hash_algorithm"] = {"algorithm": algorithm}
        with pytest.raises(CmsError, match=reason):
            open_cms(assemble(attributes.dump(True), b"", [signer().certificate]))


def test_only_rsa_and_elliptic_keys_are_read() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Edwards")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, None)
    )
    attributes = signed_attributes(bytes(32), certificate, NOW)
    with pytest.raises(CmsError, match="neither RSA nor EC"):
        open_cms(assemble(attributes, b"", [certificate]))


@pytest.mark.parametrize("signature", [PLAIN, STAMPED], ids=["plain", "stamped"])
def test_openssl_accepts_it_and_refuses_other_bytes(tmp_path: Path, signature: bytes) -> None:
    openssl = outside.need("openssl")
    (tmp_path / "ca.pem").write_bytes(pki.certificate_pem(CA))
    (tmp_path / "s.der").write_bytes(signature)
    (tmp_path / "data").write_bytes(DATA)
    command = [openssl, "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", tmp_path / "s.der"]
    command += ["-content", tmp_path / "data", "-CAfile", tmp_path / "ca.pem", "-out", tmp_path / "out"]
    command += ["-attime", str(int((NOW + timedelta(days=1)).timestamp()))]
    assert "CAdES Verification successful" in outside.run(*command)
    assert (tmp_path / "out").read_bytes() == DATA
    (tmp_path / "data").write_bytes(DATA + b" ")
    assert "Verification failure" in outside.run(*command, expect=4)


def test_what_openssl_signs_is_read_but_is_not_in_the_one_form_that_is_believed(tmp_path: Path) -> None:
    openssl, by = outside.need("openssl"), signer()
    (tmp_path / "certificate.pem").write_bytes(pki.certificate_pem(by.certificate))
    key = by.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "data").write_bytes(DATA)
    outside.run(
        *(openssl, "cms", "-sign", "-binary", "-cades", "-md", "sha256", "-nosmimecap", "-outform", "DER"),
        *("-signer", tmp_path / "certificate.pem", "-inkey", tmp_path / "key.pem"),
        *("-in", tmp_path / "data", "-out", tmp_path / "theirs"),
    )
    theirs = (tmp_path / "theirs").read_bytes()
    opened = open_cms(theirs)
    assert opened.covers(DATA) and not opened.covers(DATA + b" ")
    assert opened.certificate == by.certificate
    with pytest.raises(CmsError, match="one form"):
        cms.verify(theirs, DATA, [CA])
