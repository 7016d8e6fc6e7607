"""The time-stamp authority: what it answers, what it refuses, and that others accept it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import core, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerificationError, VerifierBuilder
from rfc3161_client import decode_timestamp_response as decoded

from signing import pki
from signing.signed_data import CmsError, assemble, require_ca, signed_attributes
from signing.timestamp import (
    POLICY,
    LocalTimeStamper,
    TimestampAuthority,
    open_token,
    room,
    run,
    stamp,
    verify_token,
)
from tests import outside
from tests.signing_kit import NOW, authority, signer, stranger, timestamper

DIGEST = hashlib.sha256(b"protokoll").digest()
ROOTS = [authority().ca.certificate]


def tsa() -> TimestampAuthority:
    return TimestampAuthority(authority().timestamp, lambda: NOW)


def request(digest: bytes = DIGEST, algorithm: str = "sha256", **more: object) -> bytes:
    imprint = {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest}
    return bytes(tsp.TimeStampReq({"version": 1, "message_imprint": imprint, **more}).dump())


def answer(der: bytes) -> tsp.TimeStampResp:
    return tsp.TimeStampResp.load(tsa().respond(der))


def test_a_token_vouches_for_the_digest_at_the_clocks_time() -> None:
    token = stamp(timestamper(lambda: NOW + timedelta(seconds=5, microseconds=7)), DIGEST)
    assert verify_token(token, DIGEST, ROOTS) == NOW + timedelta(seconds=5)


def test_the_request_is_echoed() -> None:
    got = answer(request(nonce=4711, cert_req=True))
    assert got["status"]["status"].native == "granted"
    signed = got["time_stamp_token"]["content"]
    info = signed["encap_content_info"]["content"].parsed.native
    assert info["nonce"] == 4711
    assert info["policy"] == POLICY
    assert info["message_imprint"]["hashed_message"] == DIGEST
    assert len(signed["certificates"]) == 1


def test_the_certificate_comes_only_when_asked_for() -> None:
    got = answer(request())
    assert not got["time_stamp_token"]["content"]["certificates"]
    info = got["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    assert info["nonce"].native is None
    with pytest.raises(CmsError, match="not in it"):
        open_token(got["time_stamp_token"].dump())


def refusal(der: bytes) -> set[str]:
    """Why a request was refused, read without knowing what a response looks like."""
    status = tsp.PKIStatusInfo.load(core.Sequence.load(tsa().respond(der), strict=True)[0].dump())
    assert status["status"].native == "rejection"
    return set(status["fail_info"].native)


@pytest.mark.parametrize(
    ("der", "failure"),
    [
        (b"\x30\x00", "bad_data_format"),
        (b"nonsense", "bad_data_format"),
        (request() + b"\x00", "bad_data_format"),
        (request(b"short"), "bad_data_format"),
        (request(bytes(20), "sha1"), "bad_alg"),
        (request(req_policy="1.2.3"), "unaccepted_policy"),
    ],
)
def test_refusals_are_answers(der: bytes, failure: str) -> None:
    assert refusal(der) == {failure}


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_longer_digests_and_our_own_policy_are_granted(algorithm: str) -> None:
    got = answer(request(hashlib.new(algorithm, b"").digest(), algorithm, req_policy=POLICY, cert_req=True))
    assert got["status"]["status"].native == "granted"
    with pytest.raises(CmsError, match="something else"):
        verify_token(got["time_stamp_token"].dump(), hashlib.new(algorithm, b"").digest(), ROOTS)


@given(st.binary(max_size=200))
def test_no_request_brings_the_authority_down(der: bytes) -> None:
    assert refusal(der) <= {"bad_data_format", "bad_alg"}


def test_serial_numbers_do_not_repeat() -> None:
    infos = [
        answer(request())["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
        for _ in range(5)
    ]
    assert len({info["serial_number"].native for info in infos}) == 5
    # RFC 3161 2.4.2: integers up to 160 bits; one bit always stands, so that all are of one length.
    assert {info["serial_number"].native.bit_length() for info in infos} == {121}


def test_a_token_over_other_bytes_or_from_a_stranger_is_refused() -> None:
    token = stamp(timestamper(), DIGEST)
    with pytest.raises(CmsError, match="something else"):
        verify_token(token, hashlib.sha256(b"annat").digest(), ROOTS)
    with pytest.raises(CmsError, match="any of the given roots"):
        verify_token(token, DIGEST, [stranger().ca.certificate])


def test_a_revoked_authority_is_refused() -> None:
    token, serial = stamp(timestamper(), DIGEST), authority().timestamp.certificate.serial_number
    with pytest.raises(CmsError, match="revoked"):
        verify_token(token, DIGEST, ROOTS, [authority().crl(NOW, {serial: NOW})])


def test_a_persons_certificate_makes_no_time_stamps() -> None:
    for credential, reason in ((signer(), "not a time stamp"), (authority().seal, "not a time stamp")):
        info = open_token(stamp(timestamper(), DIGEST))[0].content
        assert info is not None
        attributes = signed_attributes(
            hashlib.sha256(info).digest(), credential.certificate, content_type="tst_info"
        )
        token = assemble(
            attributes,
            credential.sign(attributes),
            [credential.certificate],
            content=info,
            content_type="tst_info",
        )
        with pytest.raises(CmsError, match=reason):
            verify_token(token, DIGEST, ROOTS)


def test_nothing_follows_what_a_token_says() -> None:
    info = open_token(TOKEN)[0].content
    assert info is not None
    by, content = authority().timestamp, info + b"\0"
    digest = hashlib.sha256(content).digest()
    attributes = signed_attributes(digest, by.certificate, content_type="tst_info")
    token = assemble(
        attributes, by.sign(attributes), [by.certificate], content=content, content_type="tst_info"
    )
    with pytest.raises(CmsError, match=r"not a time stamp: .*trailing"):
        open_token(token)


def test_room_is_kept_for_the_next_token() -> None:
    for asked in (False, True):
        by = timestamper()
        token = stamp(by, DIGEST) if asked else TOKEN
        kept = room(by)
        assert 0 <= kept - len(token) <= 128 and kept == room(by)
        assert kept == len(token) + 64 if asked else True


def test_a_certificate_with_other_purposes_too_makes_no_time_stamps() -> None:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Both")])
    key = signer().key
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(purposes, critical=True)
        .sign(key, hashes.SHA256())
    )
    authority_of_both = TimestampAuthority(pki.Credential(key, certificate), lambda: NOW)
    with pytest.raises(CmsError, match="not a time-stamp authority's"):
        verify_token(stamp(LocalTimeStamper(authority_of_both), DIGEST), DIGEST, [certificate])


def test_swapped_content_is_seen() -> None:
    opened, _ = open_token(stamp(timestamper(), DIGEST))
    other, _ = open_token(stamp(timestamper(lambda: NOW + timedelta(days=1)), DIGEST))
    forged = assemble(
        opened.attributes,
        opened.signature,
        [opened.certificate],
        content=other.content,
        content_type="tst_info",
    )
    with pytest.raises(CmsError, match="not what was signed"):
        verify_token(forged, DIGEST, ROOTS)


@given(st.data())
def test_every_bit_of_a_token_matters(data: st.DataObject) -> None:
    token = bytearray(TOKEN)
    position = data.draw(st.integers(0, len(token) - 1))
    token[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CmsError):
        verify_token(bytes(token), DIGEST, ROOTS)


TOKEN = stamp(timestamper(), DIGEST)


async def _inside_a_loop() -> datetime:
    return verify_token(stamp(timestamper(), DIGEST), DIGEST, ROOTS)


def test_stamping_works_inside_a_running_event_loop() -> None:
    assert run(_inside_a_loop()) == NOW


TSA_CONFIG = """
[tsa]
default_tsa = mine
[mine]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/between.pem
signer_key = {folder}/tsa.key
signer_digest = sha384
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = {name}
"""


@dataclass(frozen=True)
class Outside:
    """An authority of others: an elliptic key, a CA between it and the root, and its own style."""

    root: x509.Certificate
    between: x509.Certificate
    crl: bytes
    token: bytes


def elliptic(
    name: str, above: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None, ca: bool
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signer_key, issuer = (key, subject) if above is None else (above[0], above[1].subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if not ca:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(purpose, critical=True)
    return key, builder.sign(signer_key, hashes.SHA256())


def outside_authority(folder: Path, name: str = "sha256", between_is_ca: bool = True) -> Outside:
    openssl = outside.need("openssl")
    root = elliptic("Root", None, ca=True)
    between = elliptic("Between", root, ca=between_is_ca)
    own = elliptic("Outside time stamps", between, ca=False)
    (folder / "tsa.pem").write_bytes(pki.certificate_pem(own[1]))
    (folder / "between.pem").write_bytes(pki.certificate_pem(between[1]))
    (folder / "tsa.key").write_bytes(own[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(TSA_CONFIG.format(folder=folder, name=name))
    (folder / "q.tsq").write_bytes(request(cert_req=True))
    outside.run(
        *(openssl, "ts", "-reply", "-config", folder / "tsa.cnf", "-queryfile", folder / "q.tsq"),
        *("-token_out", "-out", folder / "token"),
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(between[1].subject)
        .last_update(NOW)
        .next_update(NOW + timedelta(days=1))
        .add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(own[1].serial_number).revocation_date(NOW).build()
        )
        .sign(between[0], hashes.SHA256())
    )
    return Outside(root[1], between[1], crl.public_bytes(Encoding.DER), (folder / "token").read_bytes())


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_an_outside_authority_is_understood(tmp_path: Path, name: str) -> None:
    theirs = outside_authority(tmp_path, name)
    assert verify_token(theirs.token, DIGEST, [theirs.root]) > NOW
    with pytest.raises(CmsError, match="roots"):
        verify_token(theirs.token, DIGEST, ROOTS)
    with pytest.raises(CmsError, match="revoked"):
        verify_token(theirs.token, DIGEST, [theirs.root], [theirs.crl])


def test_a_chain_through_something_that_is_no_authority_is_refused(tmp_path: Path) -> None:
    theirs = outside_authority(tmp_path, between_is_ca=False)
    with pytest.raises(CmsError, match="no authority's"):
        verify_token(theirs.token, DIGEST, [theirs.root])


def test_limits_that_say_no_authority_are_heeded() -> None:
    ours = authority()
    with pytest.raises(CmsError, match="no authority's"):
        require_ca(ours.seal.certificate)


def test_a_token_of_ours_carries_no_extra_certificates() -> None:
    opened, _ = open_token(TOKEN)
    padded = assemble(
        opened.attributes,
        opened.signature,
        [opened.certificate, stranger().ca.certificate],
        content=opened.content,
        content_type="tst_info",
    )
    with pytest.raises(CmsError, match="unsigned parts"):
        verify_token(padded, DIGEST, ROOTS)


def test_openssl_accepts_our_answers(tmp_path: Path) -> None:
    openssl = outside.need("openssl")
    (tmp_path / "ca.pem").write_bytes(pki.certificate_pem(authority().ca.certificate))
    (tmp_path / "data").write_bytes(b"protokoll")
    query, reply = tmp_path / "q.tsq", tmp_path / "r.tsr"
    outside.run(openssl, "ts", "-query", "-data", tmp_path / "data", "-sha256", "-cert", "-out", query)
    reply.write_bytes(tsa().respond(query.read_bytes()))
    at = ["-attime", str(int(NOW.timestamp()) + 60)]
    verify = [openssl, "ts", "-verify", "-in", reply, "-CAfile", tmp_path / "ca.pem", *at]
    assert "Verification: OK" in outside.run(*verify, "-queryfile", query)
    reply.write_bytes(tsa().respond(request(bytes(20), "sha1")))
    assert "unrecognized or unsupported algorithm" in outside.run(
        openssl, "ts", "-reply", "-in", reply, "-text"
    )
    reply.write_bytes(tsa().respond(query.read_bytes()))
    (tmp_path / "data").write_bytes(b"annat")
    assert "FAILED" in outside.run(*verify, "-data", tmp_path / "data", expect=1)


@pytest.mark.parametrize("certified", [True, False])
def test_another_client_asks_and_accepts_our_answers(certified: bool) -> None:
    asked = TimestampRequestBuilder().data(b"protokoll").hash_algorithm(HashAlgorithm.SHA256)
    query = asked.cert_request(cert_request=certified).build()
    reply = decoded(tsa().respond(query.as_bytes()))
    verifier = VerifierBuilder.from_request(query).add_root_certificate(authority().ca.certificate)
    if not certified:
        verifier = verifier.tsa_certificate(authority().timestamp.certificate)
    assert verifier.build().verify_message(reply, b"protokoll")
    assert reply.tst_info.gen_time == NOW
    assert verify_token(reply.time_stamp_token(), DIGEST, ROOTS) == NOW if certified else True
    with pytest.raises(VerificationError):
        verifier.build().verify_message(reply, b"annat")
    stranger_alone = VerifierBuilder.from_request(query).add_root_certificate(stranger().ca.certificate)
    with pytest.raises(VerificationError):
        stranger_alone.build().verify_message(reply, b"protokoll")
