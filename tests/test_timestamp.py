"""The time-stamp authority: what it answers, what it refuses, and that others accept it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import core, tsp
from hypothesis import given
from hypothesis import strategies as st

from signing import pki
from signing.signed_data import CmsError, assemble, signed_attributes
from signing.timestamp import POLICY, TimestampAuthority, open_token, run, stamp, verify_token
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
