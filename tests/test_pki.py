"""The municipality's authority: its shape, what its certificates say, and how its keys are kept."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from asn1crypto import core
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing import pki
from signing.signed_data import CmsError, require_issued
from signing.token import Token, TokenError, TokenKey
from tests import outside
from tests.signing_kit import LEVEL, NOW, authority, context, signer, stranger

SECRET = b"a secret for tests"


def test_every_end_certificate_stands_directly_under_the_self_signed_ca() -> None:
    ours = authority()
    assert ours.ca.certificate.subject == ours.ca.certificate.issuer
    for certificate in (ours.seal.certificate, ours.timestamp.certificate, signer().certificate):
        certificate.verify_directly_issued_by(ours.ca.certificate)
        with pytest.raises((ValueError, InvalidSignature)):
            certificate.verify_directly_issued_by(stranger().ca.certificate)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert constraints.critical and not constraints.value.ca
        assert certificate.public_key().key_size == 3072  # type: ignore[union-attr]  # only RSA is made
    limits = ours.ca.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert limits.ca and limits.path_length == 0


def test_a_signer_is_named_with_office_and_reference_and_how_they_logged_in() -> None:
    certificate = signer().certificate
    said = {a.oid: a.value for a in certificate.subject}
    assert said[NameOID.COMMON_NAME] == "Åsa Öberg"
    assert said[NameOID.TITLE] == "Ordförande"
    assert said[NameOID.SERIAL_NUMBER] == "p-4711"
    assert said[NameOID.ORGANIZATION_NAME] == "Exempelkommun"
    text = pki.auth_context(certificate)
    assert text is not None
    info = ET.fromstring(text).find(f"{{{pki.SAML_CONTEXT}}}AuthContextInfo")
    assert info is not None
    assert info.attrib == {
        "IdentityProvider": "Exempelkommun",
        "AuthenticationInstant": "2024-03-01T09:00:00Z",
        "AuthnContextClassRef": LEVEL,
        "AssertionRef": "session-1",
        "ServiceID": "losenfras",
    }
    assert pki.auth_context(authority().seal.certificate) is None
    context_der = certificate.extensions.get_extension_for_oid(pki.AUTH_CONTEXT).value.public_bytes()
    assert pki.auth_context(_with_context(context_der)) == text
    # A context that cannot be read, or says nothing, is one all the same: it is no municipality's certificate.
    for spoilt in (
        context_der + b"\0",
        b"",
        b"junk",
        b"\x30\0",
        b"\x30\x05\x30\x03\x0c\1a",
        context_der[:-1],
    ):
        assert pki.auth_context(_with_context(spoilt)) == ""


def _with_context(der: bytes) -> x509.Certificate:
    name, key = x509.Name([]), signer().key
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    return builder.add_extension(x509.UnrecognizedExtension(pki.AUTH_CONTEXT, der), critical=False).sign(
        key, hashes.SHA256()
    )


def test_the_key_for_requests_is_for_nothing_else() -> None:
    made = authority().issue_requester(NOW)
    certificate = made.certificate
    assert made.key.public_key() == certificate.public_key()
    assert certificate.subject.rfc4514_string() == "CN=Exempelkommun underskriftsbegäran,O=Exempelkommun,C=SE"
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.content_commitment, usage.key_cert_sign) == (True, False, False)
    certificate.verify_directly_issued_by(authority().ca.certificate)


def test_markup_in_a_context_stays_text() -> None:
    odd = pki.AuthContext('A"<&', "m", "l", NOW, "s")
    info = ET.fromstring(odd.xml())[0]
    assert info.attrib["IdentityProvider"] == 'A"<&'


def test_usages_are_narrow() -> None:
    usage = signer().certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.content_commitment and not usage.value.digital_signature
    purpose = authority().timestamp.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert purpose.critical and list(purpose.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def test_validity_follows_the_clock_handed_in() -> None:
    ours = authority()
    assert ours.ca.certificate.not_valid_before_utc == NOW
    assert ours.ca.certificate.not_valid_after_utc.year == NOW.year + pki.CA_YEARS
    assert ours.timestamp.certificate.not_valid_after_utc.year == NOW.year + pki.TIMESTAMP_YEARS
    certificate = signer().certificate
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == pki.SIGNER_LIFETIME


def test_a_signer_never_outlives_the_authority() -> None:
    near_the_end = authority().ca.certificate.not_valid_after_utc - timedelta(days=10)
    made = authority().issue_signer(
        common_name="Å",
        organisation="E",
        office="O" * 80,
        person_ref="p",
        auth=context(near_the_end),
        now=near_the_end,
    )
    assert made.certificate.not_valid_after_utc == authority().ca.certificate.not_valid_after_utc
    assert made.certificate.subject.get_attributes_for_oid(NameOID.TITLE)[0].value == "O" * 64


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="without zone"):
        authority().crl(datetime(2024, 3, 1))  # noqa: DTZ001 - the naive time is what is tested


def test_times_in_other_zones_mean_the_same_instant() -> None:
    swedish = datetime.fromisoformat("2024-03-01T10:00:00.999999+01:00")
    assert pki.whole_second(swedish) == NOW and pki.whole_second(swedish).tzinfo is UTC
    assert pki.instant_text(swedish) == "2024-03-01T09:00:00Z"


def test_keys_come_back_only_with_the_secret() -> None:
    files = authority().dump(SECRET, NOW)
    assert all(b"ENCRYPTED PRIVATE KEY" in pem for name, pem in files.items() if name.endswith(".key.pem"))
    again = pki.Authority.load(files, SECRET)
    assert again.ca.certificate == authority().ca.certificate
    assert again.seal.sign(b"x") == authority().seal.sign(b"x")
    with pytest.raises(ValueError):
        pki.Authority.load(files, b"wrong")


def test_a_key_under_anothers_certificate_is_refused() -> None:
    files = authority().dump(SECRET, NOW)
    files["seal.key.pem"], files["timestamp.key.pem"] = files["timestamp.key.pem"], files["seal.key.pem"]
    with pytest.raises(ValueError, match="seal"):
        pki.Authority.load(files, SECRET)


def test_the_revocation_list_names_what_was_revoked_from_when() -> None:
    at = NOW + timedelta(days=1)
    serial = signer().certificate.serial_number
    clean, listed = authority().crl(at), authority().crl(at, {serial: at})
    root = [authority().ca.certificate]
    for moment, crl in ((at, clean), (at - timedelta(hours=1), listed)):
        assert require_issued(signer().certificate, root, moment, [crl]) == root[0]
    with pytest.raises(CmsError, match="revoked"):
        require_issued(signer().certificate, root, at, [listed])
    number = x509.load_der_x509_crl(clean).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert number == int(at.timestamp())


def test_a_forged_revocation_list_is_refused_and_anothers_is_no_matter() -> None:
    root, certificate = [authority().ca.certificate], signer().certificate
    forged = bytearray(authority().crl(NOW))
    forged[-1] ^= 1
    with pytest.raises(CmsError, match="not signed"):
        require_issued(certificate, root, NOW, [bytes(forged)])
    other = stranger().crl(NOW, {certificate.serial_number: NOW})
    assert require_issued(certificate, root, NOW, [other]) == root[0]


@pytest.mark.parametrize("when", [NOW - timedelta(seconds=1), NOW + pki.SIGNER_LIFETIME + timedelta(days=1)])
def test_a_certificate_holds_only_in_its_time(when: datetime) -> None:
    with pytest.raises(CmsError, match="not valid"):
        require_issued(signer().certificate, [authority().ca.certificate], when)
    with pytest.raises(CmsError, match="any of the given roots"):
        require_issued(signer().certificate, [stranger().ca.certificate], NOW)


def test_openssl_builds_the_same_chain(tmp_path: Path) -> None:
    openssl = outside.need("openssl")
    ours = authority()
    (tmp_path / "ca.pem").write_bytes(pki.certificate_pem(ours.ca.certificate))
    crl = x509.load_der_x509_crl(ours.crl(NOW))
    (tmp_path / "crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
    at = str(int(datetime(2024, 3, 2, tzinfo=UTC).timestamp()))
    for certificate in (ours.seal.certificate, ours.timestamp.certificate, signer().certificate):
        (tmp_path / "end.pem").write_bytes(pki.certificate_pem(certificate))
        checks = ["-x509_strict", "-crl_check", "-attime", at]
        said = outside.run(
            *(openssl, "verify", *checks, "-CAfile", tmp_path / "ca.pem"),
            *("-CRLfile", tmp_path / "crl.pem", tmp_path / "end.pem"),
        )
        assert said.strip().endswith("OK")


def test_a_part_gets_a_new_key_under_the_same_name() -> None:
    at = NOW + timedelta(days=400)
    for part in ("seal", "timestamp"):
        old, new = (getattr(one, part).certificate for one in (authority(), authority().anew(part, at)))
        assert new.subject == old.subject and new.public_key() != old.public_key()
        assert new.not_valid_before_utc == at
        require_issued(new, [authority().ca.certificate], at)
        assert new.extensions.get_extension_for_class(
            x509.KeyUsage
        ) == old.extensions.get_extension_for_class(x509.KeyUsage)


def test_the_seals_key_may_be_one_that_was_made_elsewhere() -> None:
    made = authority().anew("seal", NOW, stranger().seal.key).seal
    assert made.key is stranger().seal.key
    assert made.certificate.public_key() == made.key.public_key()


def test_what_was_revoked_stays_so_from_the_earliest_time() -> None:
    serial, early, late = authority().seal.certificate.serial_number, NOW, NOW + timedelta(days=3)
    found_out = authority().revoking(serial, late).revoking(serial, early).revoking(serial, late)
    kept = pki.Authority.load(found_out.dump(SECRET, late), SECRET)
    assert kept.revoked == {serial: early}
    entry = x509.load_der_x509_crl(kept.crl(late)).get_revoked_certificate_by_serial_number(serial)
    assert entry is not None and entry.revocation_date_utc == early
    reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.key_compromise


def test_another_authoritys_list_is_not_taken_for_ours() -> None:
    files = authority().dump(SECRET, NOW) | {pki.CRL: stranger().crl(NOW)}
    with pytest.raises(ValueError, match="revocation list"):
        pki.Authority.load(files, SECRET)


# --- to the last extension: with keys that were made before, since making them is what takes time


@pytest.fixture
def made_before(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = itertools.cycle((authority().ca.key, authority().seal.key, authority().timestamp.key))
    monkeypatch.setattr(pki, "new_key", lambda: next(keys))


def usages(*named: str) -> x509.KeyUsage:
    every = (
        *(
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
        ),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in named for name in every})


def credentials() -> dict[str, pki.Credential]:
    """One of each kind, anew."""
    ours = pki.Authority.create("Exempelkommun", NOW + timedelta(microseconds=7), "NTRSE-000000-0000")
    chair = ours.issue_signer(
        common_name="Åsa Öberg", organisation="Nämnden", office="Ordförande", person_ref="p-1",
        auth=context(NOW), now=NOW + timedelta(microseconds=7),
    )  # fmt: skip
    requester = ours.issue_requester(NOW + timedelta(microseconds=7))
    kinds = (ours.ca, ours.seal, ours.timestamp, chair, requester)
    return dict(zip(("ca", "seal", "timestamp", "signer", "requester"), kinds, strict=True))


OURS = "2.5.4.97=NTRSE-000000-0000,O=Exempelkommun,C=SE"
SIGNS = "2.5.4.12=Ordförande,O=Nämnden,C=SE"
CONTEXT = (
    '<SAMLAuthContext xmlns="http://id.elegnamnden.se/auth-cont/1.0/saci"><AuthContextInfo '
    'IdentityProvider="Exempelkommun" AuthenticationInstant="2024-03-01T09:00:00Z" '
    f'AuthnContextClassRef="{LEVEL}" AssertionRef="session-1" ServiceID="losenfras"/></SAMLAuthContext>'
)
# What each is named, the day on which it ends, and what it is for.
KINDS = {
    "ca": (f"CN=Exempelkommun utfärdare,{OURS}", "2084-03-01", ("key_cert_sign", "crl_sign")),
    "seal": (f"CN=Exempelkommun stämpel,{OURS}", "2034-03-01", ("content_commitment",)),
    "timestamp": (f"CN=Exempelkommun tidsstämpling,{OURS}", "2064-03-01", ("digital_signature",)),
    "signer": (f"CN=Åsa Öberg,2.5.4.5=p-1,{SIGNS}", "2034-03-02", ("content_commitment",)),
    "requester": (
        "CN=Exempelkommun underskriftsbegäran,O=Exempelkommun,C=SE", "2034-03-01", ("digital_signature",),
    ),
}  # fmt: skip


@pytest.mark.usefixtures("made_before")
def test_each_kind_of_certificate_says_this_and_nothing_else() -> None:
    found = credentials()
    for kind, (subject, end, used) in KINDS.items():
        certificate, ca = found[kind].certificate, found["ca"].certificate
        assert found[kind].key.public_key() == certificate.public_key()
        assert certificate.version is x509.Version.v3
        assert certificate.subject.rfc4514_string() == subject, kind
        assert certificate.issuer.rfc4514_string() == KINDS["ca"][0]
        assert certificate.not_valid_before_utc == NOW
        assert f"{certificate.not_valid_after_utc:%Y-%m-%d}" == end, kind
        assert certificate.serial_number.bit_length() > 100  # RFC 5280 4.1.2.2: unique, and nobody's guess
        assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
        certificate.verify_directly_issued_by(ca)
        own, issuers = certificate.public_key(), ca.public_key()
        assert isinstance(own, rsa.RSAPublicKey) and isinstance(issuers, rsa.RSAPublicKey)
        expected: dict[x509.ObjectIdentifier, tuple[bool, x509.ExtensionType]] = {
            value.oid: (critical, value)
            for critical, value in (
                (False, x509.SubjectKeyIdentifier.from_public_key(own)),
                (False, x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers)),
                (True, x509.BasicConstraints(kind == "ca", 0 if kind == "ca" else None)),
                (True, usages(*used)),
                *(
                    [(True, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]))]
                    * (kind == "timestamp")
                ),
            )
        }
        said = {each.oid: (each.critical, each.value) for each in certificate.extensions}
        if kind == "signer":
            critical, value = said.pop(pki.AUTH_CONTEXT)
            assert not critical and isinstance(value, x509.UnrecognizedExtension)
            # RFC 7773 section 3, read as any DER: one context, of the SAML type.
            (one,) = core.SequenceOf.load(value.value, strict=True, spec=core.Sequence)
            parts = core.SequenceOf.load(one.dump(), strict=True, spec=core.UTF8String)
            assert [part.native for part in parts] == [pki.SAML_CONTEXT, CONTEXT]
        assert said == expected, kind


def test_a_key_is_rsa_3072_and_none_is_made_twice() -> None:
    key = pki.new_key()
    assert (key.key_size, key.public_key().public_numbers().e) == (3072, 65537)
    assert key.public_key() != authority().ca.key.public_key()


@pytest.mark.usefixtures("made_before")
def test_no_certificate_of_ours_outlives_the_authority() -> None:
    end = authority().ca.certificate.not_valid_after_utc
    late = end - timedelta(days=400)
    for part in ("seal", "timestamp"):
        assert getattr(authority().anew(part, late), part).certificate.not_valid_after_utc == end
    assert authority().issue_requester(late).certificate.not_valid_after_utc == end


def test_the_list_says_whose_it_is_and_until_when() -> None:
    at, ours = NOW + timedelta(days=1, microseconds=9), authority()
    serials = {3: NOW + timedelta(microseconds=9), 2: at}
    crl = x509.load_der_x509_crl(ours.revoking(5, NOW).crl(at, serials))
    assert crl.issuer == ours.ca.certificate.subject
    assert crl.is_signature_valid(ours.ca.certificate.public_key())  # type: ignore[arg-type]  # ours are RSA
    assert isinstance(crl.signature_hash_algorithm, hashes.SHA256)
    second = NOW + timedelta(days=1)
    assert (crl.last_update_utc, crl.next_update_utc) == (second, second + timedelta(days=31))
    ca_key = ours.ca.key.public_key()
    assert {each.oid: (each.critical, each.value) for each in crl.extensions} == {
        x509.CRLNumber.oid: (False, x509.CRLNumber(int(second.timestamp()))),
        x509.AuthorityKeyIdentifier.oid: (False, x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key)),
    }
    assert [(each.serial_number, each.revocation_date_utc) for each in crl] == [
        (2, second),
        (3, NOW),
        (5, NOW),
    ]
    for each in crl:
        (reason,) = each.extensions
        assert (reason.critical, reason.value) == (False, x509.CRLReason(x509.ReasonFlags.key_compromise))


def test_what_is_kept_and_what_may_stand_in_its_place() -> None:
    files = authority().dump(SECRET, NOW)
    kept = {f"{name}.{kind}.pem" for name in ("ca", "seal", "timestamp") for kind in ("key", "cert")}
    assert files.keys() == kept | {"ca.crl"}
    assert all(files[name].startswith(b"-----BEGIN CERTIFICATE-----") for name in kept if "cert" in name)
    again = pki.Authority.load(files, SECRET)
    assert [one.certificate for one in (again.ca, again.seal, again.timestamp)] == [
        one.certificate for one in (authority().ca, authority().seal, authority().timestamp)
    ]
    elliptic = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET)
    )
    with pytest.raises(ValueError, match="the key of seal does not belong"):
        pki.Authority.load(files | {"seal.key.pem": elliptic}, SECRET)
    # A registry whose token is away can be read, and everything but its seal used.
    public = authority().seal.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    away = pki.Authority.load(files | {"seal.key.pem": public}, SECRET).seal
    assert isinstance(away.key, TokenKey) and away.certificate == authority().seal.certificate
    with pytest.raises(TokenError):
        away.sign(b"x")
    there = Token("module", "label", str)
    on_token = pki.Authority.load(files | {"seal.key.pem": public}, SECRET, there).seal.key
    assert isinstance(on_token, TokenKey) and on_token.token is there
    strangers = stranger().seal.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ValueError, match="the key of seal does not belong"):
        pki.Authority.load(files | {"seal.key.pem": strangers}, SECRET)
