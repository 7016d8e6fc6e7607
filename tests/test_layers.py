"""The archive time stamps of a file: as of when each is judged, and why one does not hold."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing import renewal, seal
from signing.layers import Layer, Proof, ends, fault, layers, lists_in
from signing.pki import certificate_der
from tests.signing_kit import NOW, SEALED_AT, authority, render, stages, stranger, timestamper

CA = authority().ca.certificate
DAY = timedelta(days=1)
AGAIN, LATER = SEALED_AT + 300 * DAY, SEALED_AT + 500 * DAY


@cache
def renewed() -> bytes:
    """The sealed file, stamped once more."""
    ours = authority()
    chain = [ours.timestamp.certificate, CA]
    return renewal.renew(stages().sealed, timestamper(lambda: AGAIN), chain, [ours.crl(AGAIN)])


@cache
def read(pdf: bytes) -> list[EmbeddedPdfSignature]:
    return list(PdfFileReader(io.BytesIO(pdf)).embedded_signatures)


def found(pdf: bytes, *proofs: Proof, now: datetime = LATER) -> list[Layer]:
    return layers(read(pdf), now, proofs)


def test_each_stamp_is_judged_as_of_the_next() -> None:
    assert [(one.signature.field_name, one.end, one.at, one.judged) for one in found(renewed())] == [
        ("Tidsstampel", len(stages().sealed), SEALED_AT, AGAIN),
        ("Tidsstampel2", len(renewed()), AGAIN, LATER),
    ]
    assert (found(render()), ends(render())) == ([], [])
    assert ends(renewed()) == [len(stages().sealed), len(renewed())]
    with pytest.raises(ValueError, match="not a readable PDF"):
        ends(b"no pdf")


def test_a_stamp_is_judged_as_of_the_first_proof_from_elsewhere_of_all_that_it_ends() -> None:
    pdf, second = stages().sealed, timedelta(seconds=1)
    size = len(pdf)
    for proofs, judged in (
        ([], LATER),
        ([(size, SEALED_AT)], SEALED_AT),
        ([(size, SEALED_AT - second)], LATER),  # from before it, so of something else
        ([(size - 1, SEALED_AT + DAY)], LATER),
        ([(size, SEALED_AT + 3 * DAY), (size + 1, SEALED_AT + 2 * DAY)], SEALED_AT + 2 * DAY),
        ([(size, LATER + DAY)], LATER),
    ):
        assert [one.judged for one in found(pdf, *proofs)] == [judged]
    known = (size, SEALED_AT + DAY), (len(renewed()), AGAIN + DAY)
    assert [one.judged for one in found(renewed(), *known)] == [SEALED_AT + DAY, AGAIN + DAY]


def test_why_a_stamp_does_not_hold_is_told() -> None:
    pdf, ours = stages().sealed, authority().timestamp.certificate
    (stamp,) = found(pdf)
    assert fault(pdf, stamp, [CA]) is None
    assert fault(pdf[:99] + b"?" + pdf[100:], stamp, [CA]) == "the archive time stamp is over other bytes"
    assert fault(pdf[:-1] + b"?", stamp, [CA]) == "the archive time stamp is over other bytes"
    for since, said in ((LATER, f"the certificate was revoked {LATER.isoformat()}"), (LATER + DAY, None)):
        crl = authority().crl(LATER, {ours.serial_number: since})
        assert fault(pdf, stamp, [CA], [crl]) == said
    assert fault(pdf, stamp, [CA], [b"no list"])
    ended = ours.not_valid_after_utc + DAY
    (stamp,) = found(pdf, now=ended)
    assert fault(pdf, stamp, [CA]) == f"the certificate was not valid at {ended.isoformat()}"
    (early,) = found(pdf, (len(pdf), SEALED_AT))
    assert fault(pdf, early, [CA]) is None
    before = Layer(early.end, NOW - 10_000 * DAY, early.judged, early.signature)
    assert fault(pdf, before, [CA]) == f"the certificate was not valid at {before.at.isoformat()}"


def test_a_stamp_may_bring_the_authorities_between_it_and_a_root() -> None:
    other, ca = stranger(), authority().ca
    between = (
        x509.CertificateBuilder()
        .subject_name(other.ca.certificate.subject)
        .issuer_name(CA.subject)
        .public_key(other.ca.certificate.public_key())
        .serial_number(4711)
        .not_valid_before(CA.not_valid_before_utc)
        .not_valid_after(CA.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca.key, hashes.SHA256())
    )
    key = other.timestamp.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # the library's own signature
    store.register(asn1_x509.Certificate.load(certificate_der(between)))
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(certificate_der(other.timestamp.certificate)),
        asn1_keys.PrivateKeyInfo.load(key),
        certs_to_embed=store,
        fixed_dt=SEALED_AT.astimezone(UTC),
    )
    pdf = seal.archive(stages().both, stamper, [CA], [], seal.TIMESTAMP_FIELD)
    (stamp,) = found(pdf)
    assert fault(pdf, stamp, [CA]) is None
    assert "not issued" in str(fault(pdf, stamp, [authority().seal.certificate]))


def test_the_lists_that_a_file_carries() -> None:
    def carried(pdf: bytes) -> list[bytes]:
        return lists_in(PdfFileReader(io.BytesIO(pdf)))

    assert carried(render()) == []
    assert set(carried(renewed())) > set(carried(stages().sealed))
    (first,) = carried(stages().sealed)
    assert x509.load_der_x509_crl(first).last_update_utc == SEALED_AT
    assert len(carried(renewed())) == 2
