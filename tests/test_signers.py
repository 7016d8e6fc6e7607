"""Whom the municipality lets vouch for persons: by its own signature only, and for persons' signatures only."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from signing import cms, seal
from signing.pades_check import check_pdf
from signing.pki import AUTH_CONTEXT, Credential, certificate_der, certificate_pem
from signing.signed_data import CmsError
from signing.signers import SIGNERS, accepted_signers, authorities, list_name, lists, read_signers
from tests.evidence import check, failed, story
from tests.signing_kit import (
    NOW,
    SEALED_AT,
    authority,
    context,
    lock,
    signer,
    stages,
    stranger,
    timestamper,
)

OURS, THEIRS = authority().ca.certificate, stranger().ca.certificate
FILE = certificate_pem(THEIRS)


def signed(by: str = "seal") -> bytes:
    credential = authority().seal if by == "seal" else signer()
    return cms.sign(FILE, credential, [OURS], NOW, timestamper())


def test_the_municipality_says_whom_it_has_accepted() -> None:
    assert accepted_signers(FILE, signed(), [OURS]) == [THEIRS]
    assert accepted_signers(b"", b"", [OURS]) == []
    assert read_signers(FILE + certificate_pem(OURS)) == [THEIRS, OURS]
    for data, signature, roots in (
        (FILE + FILE, signed(), [OURS]),
        (FILE, b"", [OURS]),
        (FILE, signed(), [THEIRS]),
        (FILE, signed("person"), [OURS]),
    ):
        with pytest.raises(CmsError):
            accepted_signers(data, signature, roots)


def test_what_the_seal_accepted_after_it_was_found_out_is_not_accepted() -> None:
    serial = authority().seal.certificate.serial_number
    for since, holds in ((NOW + timedelta(days=1), True), (NOW, False)):
        crls = [authority().crl(NOW, {serial: since})]
        if holds:
            assert accepted_signers(FILE, signed(), [OURS], crls) == [THEIRS]
        else:
            with pytest.raises(CmsError, match="revoked"):
                accepted_signers(FILE, signed(), [OURS], crls)


@pytest.mark.parametrize("data", [b"no PEM", FILE + b"\n", certificate_pem(signer().certificate)])
def test_the_file_has_one_form_and_holds_authorities(data: bytes) -> None:
    with pytest.raises(CmsError):
        read_signers(data)


def test_what_lies_in_a_folder(tmp_path: Path) -> None:
    assert authorities(tmp_path) == lists(tmp_path) == []
    assert list_name(THEIRS) == f"signers-{sha256(certificate_der(THEIRS)).hexdigest()[:16]}.crl"
    (tmp_path / SIGNERS).write_bytes(FILE)
    (tmp_path / list_name(THEIRS)).write_bytes(b"a list")
    assert (authorities(tmp_path), lists(tmp_path)) == ([THEIRS], [b"a list"])


def test_a_log_is_verified_with_those_whom_the_municipality_has_accepted() -> None:
    named = {"signers": FILE, "signers_signature": signed()}
    assert not failed(check(story().opened(**named)))
    # It does not take more than the file's signature: who signed the approvals here did so under our own authority.
    assert failed(check(story().opened(**named | {"signers_signature": signed("person")}))) == {
        "cms": ["signers-fault"]
    }


def test_a_seal_that_was_found_out_accepts_nobody_from_then_on() -> None:
    named = {"signers": FILE, "signers_signature": signed()}
    lists = {
        days: authority().crl(NOW, {authority().seal.certificate.serial_number: NOW + timedelta(days=days)})
        for days in (0, 1)
    }
    assert not failed(check(story().evidence(**named, crls=[lists[1]])))
    found = failed(check(story().evidence(**named, crls=[lists[1], lists[0]])))
    assert found == {"checkpoints": ["vkeys-fault"], "cms": ["signers-fault"]}
    spoilt = lists[1][:-1] + bytes([lists[1][-1] ^ 1])
    assert failed(check(story().evidence(**named, crls=[spoilt]))) == {"pades": ["crl-fault"]}


def theirs(what: str) -> bytes:
    """A sealed file where the chair, the seal or the chair's time stamp is by the accepted authority."""
    person = stranger().issue_signer(
        common_name="Åsa Öberg", organisation="Annankommun", office="", person_ref="p-1", auth=context(NOW), now=NOW
    )  # fmt: skip
    who, above = (person, THEIRS) if what == "chair" else (signer(), OURS)
    stamps = timestamper(lambda: NOW, stranger if what == "stamp" else authority)
    chair = seal.sign(stages().prepared, "Ordforande", who, [above], ["Åsa"], NOW, stamps)
    both = seal.sign(
        chair, "Justerare", signer("Łukasz Çelik", "Justerare"), [OURS], ["Ł"], NOW, timestamper()
    )
    sealing = stranger() if what == "seal" else authority()
    now = SEALED_AT
    return seal.lock(
        both, "Stampel", sealing.seal, [sealing.ca.certificate], ["x"], now, timestamper(lambda: now),
        [authority().crl(now), stranger().crl(now)],
        [OURS, THEIRS, authority().timestamp.certificate, stranger().timestamp.certificate],
    )  # fmt: skip


def test_what_stands_in_an_accepted_certificate_brings_no_verification_down() -> None:
    """Whatever their authority writes about how they logged in, also what nobody can read."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Åsa Öberg")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(THEIRS.subject).serial_number(77)
    builder = builder.public_key(signer().key.public_key()).not_valid_before(NOW)
    builder = builder.not_valid_after(NOW + timedelta(days=900))
    builder = builder.add_extension(x509.UnrecognizedExtension(AUTH_CONTEXT, b"junk"), critical=False)
    person = Credential(signer().key, builder.sign(stranger().ca.key, hashes.SHA256()))
    pdf = seal.sign(stages().prepared, "Ordforande", person, [THEIRS], ["Åsa"], NOW, timestamper())
    found = check_pdf(lock(pdf), [OURS], SEALED_AT + timedelta(days=1), signers=[THEIRS])
    first = found.signers[0]
    assert (first.name, first.authentication, first.scan) == ("Åsa Öberg", "", None)


@pytest.mark.parametrize(("what", "holds"), [("chair", True), ("seal", False), ("stamp", False)])
def test_they_vouch_for_persons_and_for_nothing_else(what: str, holds: bool) -> None:
    pdf, soon = theirs(what), SEALED_AT + timedelta(days=1)
    assert check_pdf(pdf, [OURS, THEIRS], soon).ok  # as roots, they may vouch for anything
    for year in (2024, 2045):
        at = soon.replace(year=year)
        assert check_pdf(pdf, [OURS], at, signers=[THEIRS]).ok is holds
        assert not check_pdf(pdf, [OURS], at).ok
