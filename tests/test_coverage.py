"""Which bytes of a signed file nothing forces to one value: told to the byte; and a hole has one spelling."""

from __future__ import annotations

import io
import re
from copy import copy
from functools import cache

import pytest
from asn1crypto import cms as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature

from signing.coverage import OUR_POLICY, cms_of, form_fault, hole_fault, unprotected
from signing.signed_data import Opened, assemble, open_cms
from signing.timestamp import open_token
from tests.signing_kit import authority, stages, stranger

CA, OTHER = authority().ca.certificate, stranger().ca.certificate


@cache
def read(pdf: bytes) -> EmbeddedPdfSignature:
    *_, last = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    assert isinstance(last, EmbeddedPdfSignature)
    return last


def stamped() -> tuple[bytes, EmbeddedPdfSignature]:
    """A file that ends with an archive time stamp, and that."""
    return stages().sealed, copy(read(stages().sealed))


def signed() -> tuple[bytes, EmbeddedPdfSignature]:
    """A file that ends with a person's signature, and that."""
    return stages().chair, copy(read(stages().chair))


def bent(der: bytes, version: int, after: int = 0) -> bytes:
    """The same CMS, which says that it is of another version: what nobody signs."""
    at = der.index(bytes([2, 1, version]), after) + 2
    return der[:at] + b"\5" + der[at + 1 :]


def loose(signature: EmbeddedPdfSignature, but: bytes = b"") -> list[tuple[int, int]]:
    """Where the hole holds what is neither the signature nor signed, as offset and length; `but` counts as neither."""
    der, start = cms_of(signature), int(signature.byte_range[1]) + 1
    data = asn1.ContentInfo.load(der)["content"]
    (signer,), free = data["signer_infos"], bytearray(b"\1" * len(der))
    opened = open_token(der)[0] if signature.sig_object_type == "/DocTimeStamp" else open_cms(der)
    (own,) = (
        each.dump()
        for each in data["certificates"]
        if x509.load_der_x509_certificate(each.dump()) == opened.certificate
    )
    content = data["encap_content_info"]["content"].contents or b""
    for part in (signer["signed_attrs"].contents, signer["signature"].native, own, content):
        at = der.index(part)
        assert der.count(part) == 1 or part in (b"", but)
        free[at : at + len(part)] = bytes(len(part)) if part != but else b"\1" * len(part)
    return [(start + 2 * found.start(), 2 * len(found[0])) for found in re.finditer(b"\1+", free)]


def put_together(opened: Opened, *others: x509.Certificate, stamp: bytes | None = None) -> bytes:
    return assemble(
        opened.attributes,
        opened.signature,
        [opened.certificate, *others],
        content=opened.content,
        content_type=opened.content_type,
        stamp=stamp,
    )


def test_a_sealed_file_is_covered_to_the_last_byte_and_what_follows_is_not() -> None:
    pdf, signature = stamped()
    assert unprotected(pdf, [signature], [CA]) == []
    assert unprotected(pdf + b"more", [signature], [CA]) == [(len(pdf), 4)]
    assert unprotected(pdf, [], [CA]) == [(0, len(pdf))]
    signature.pkcs7_content = bent(cms_of(signature), 3)
    assert unprotected(pdf + b"x", [signature], [CA]) == [*loose(signature), (len(pdf), 1)]
    signature.pkcs7_content = spoilt = cms_of(signature).replace(OUR_POLICY, OUR_POLICY[:-1] + b"\0")
    assert unprotected(pdf, [signature], [CA]) == [(int(signature.byte_range[1]) + 1, 2 * len(spoilt))]


def test_a_further_certificate_in_a_time_stamp_is_forced_only_if_it_is_a_roots() -> None:
    pdf, signature = stamped()
    signature.pkcs7_content = put_together(open_token(cms_of(signature))[0], OTHER)
    assert unprotected(pdf, [signature], [CA, OTHER]) == []
    assert unprotected(pdf, [signature], [CA]) == loose(signature) != []


def test_what_stands_twice_in_a_time_stamp_is_not_taken_for_what_is_signed() -> None:
    pdf, signature = stamped()
    opened, ours = open_token(cms_of(signature))[0], authority().ca
    assert opened.content is not None
    copied = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), opened.content)
    further = (
        x509.CertificateBuilder(extensions=[x509.Extension(copied.oid, False, copied)])
        .subject_name(CA.subject)
        .issuer_name(CA.subject)
        .public_key(ours.key.public_key())
        .serial_number(1)
        .not_valid_before(CA.not_valid_before_utc)
        .not_valid_after(CA.not_valid_after_utc)
        .sign(ours.key, hashes.SHA256())
    )
    signature.pkcs7_content = put_together(opened, further)
    assert unprotected(pdf, [signature], [CA]) == loose(signature, opened.content)


def test_a_signature_is_covered_if_its_chain_is_known_and_its_stamp_has_the_one_form() -> None:
    pdf, signature = signed()
    assert unprotected(pdf, [signature], [CA]) == []
    assert unprotected(pdf, [signature], [OTHER]) == loose(signature) != []
    der, opened = cms_of(signature), open_cms(cms_of(signature))
    assert opened.stamp is not None
    signature.pkcs7_content = bent(der, 1)
    assert unprotected(pdf, [signature], [CA]) == loose(signature) != []
    signature.pkcs7_content = bent(der, 3, der.index(opened.stamp))
    assert unprotected(pdf, [signature], [CA]) == loose(signature) != []
    signature.pkcs7_content = put_together(opened, CA)
    assert unprotected(pdf, [signature], [CA]) == []
    further = put_together(open_token(opened.stamp)[0], OTHER)
    signature.pkcs7_content = put_together(opened, CA, stamp=further)
    assert unprotected(pdf, [signature], [CA]) == loose(signature) != []
    assert unprotected(pdf, [signature], [CA, OTHER]) == []


def test_a_hole_is_one_string_of_capital_digits_and_zeros() -> None:
    pdf, signature = stamped()
    _, start, end, _ = map(int, signature.byte_range)
    assert hole_fault(pdf, signature) is None
    for at, put, said in (
        (start, b"(", "one string"),
        (end - 1, b")", "one string"),
        (end - 3, b"01", "capital hex digits"),
        (end - 3, b"  ", "capital hex digits"),
        (start + 1, pdf[start + 1 : end - 1].lower(), "capital hex digits"),
    ):
        assert said in str(hole_fault(pdf[:at] + put + pdf[at + len(put) :], signature))
    signature.pkcs7_content = signature.pkcs7_content[:-1] + b"\1"
    assert "padding" in str(hole_fault(pdf[: end - 3] + b"01" + pdf[end - 1 :], signature))


def test_a_time_stamp_that_says_it_is_ours_has_our_form() -> None:
    _, signature = signed()
    assert form_fault(signature) is None  # has one inside, and is none
    _, signature = stamped()
    assert form_fault(signature) is None
    der = cms_of(signature)
    for spoilt in (bent(der, 3), der[:-1] + bytes([der[-1] ^ 1])):
        signature.pkcs7_content = spoilt
        assert "not in their one form" in str(form_fault(signature))
    signature.pkcs7_content = bent(der, 3).replace(OUR_POLICY, OUR_POLICY[:-1] + b"\0")
    assert form_fault(signature) is None


@pytest.mark.parametrize("size", [0, 3, 127, 128, 129, 255, 256, 70000])
def test_a_signature_states_its_own_length(size: int) -> None:
    _, signature = stamped()
    der = bytes(asn1.OctetString(bytes([7]) * size).dump())
    signature.pkcs7_content = der + bytes(9)
    assert cms_of(signature) == der
