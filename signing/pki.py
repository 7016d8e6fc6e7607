"""One municipality's own certification authority: seal, time-stamp authority and one-time signers.

- A self-signed *issuing* CA stands directly above every end certificate. Deeper chains make the past
  validation of EN 319 102-1 section 5.6.2.4 depend on a revocation list for the CA itself, which nobody can
  produce decades later; with this shape the anchor's own list is enough.
- Keys are RSA-3072 and signatures PKCS#1 v1.5 with SHA-256 (RFC 8017 section 8.2): the one combination that
  poppler, mutool and openssl all accept inside a PDF 1.7.
- A signer's key is used for one act and then forgotten; only its certificate is kept. The certificate says
  how the person was authenticated just before (RFC 7773 section 3, the SAML authentication context). Its
  lifetime bounds when the document must be sealed, not how long it can be verified: the archive time stamp
  with the revocation list takes over (EN 319 142-1 section 5.4).
- The certificate names the person, the organisation and the office signed for, and a random reference to
  the person in the register. It never holds a personal identity number.
- A certificate of the seal or of the time stamps is issued anew, with a new key, before it ends. A key that somebody
  else may have had is on the revocation list from the time when they may have, with that reason (RFC 5280 section
  5.3.1); what is on the list stays on it. The list itself is where that is remembered.
- Time is always handed in. A demonstration runs on a simulated clock, and its certificates follow that
  clock.
- Private keys leave this module only as encrypted PKCS#8 (RFC 5958) under a secret handed in. That of the seal may lie
  on a token instead (token.py), and then only its public half is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from xml.sax.saxutils import quoteattr

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing.token import BITS, PUBLIC, Token, TokenKey

KEY_BITS = BITS
CA_YEARS, TIMESTAMP_YEARS, SEAL_YEARS = 60, 40, 10
SIGNER_LIFETIME = timedelta(days=3653)
CRL_LIFETIME = timedelta(days=31)
CRL = "ca.crl"
AUTH_CONTEXT = x509.ObjectIdentifier("1.2.752.201.5.1")  # RFC 7773 section 2
SAML_CONTEXT = "http://id.elegnamnden.se/auth-cont/1.0/saci"  # RFC 7773 section 3


@dataclass(frozen=True)
class AuthContext:
    """How a signer proved who they are, moments before the certificate was issued (autentisering)."""

    provider: str
    method: str
    level: str
    instant: datetime
    session_ref: str

    def xml(self) -> str:
        """The context as RFC 7773 section 3 writes it."""
        pairs = {
            "IdentityProvider": self.provider,
            "AuthenticationInstant": instant_text(self.instant),
            "AuthnContextClassRef": self.level,
            "AssertionRef": self.session_ref,
            "ServiceID": self.method,
        }
        attributes = " ".join(f"{name}={quoteattr(value)}" for name, value in pairs.items())
        return f'<SAMLAuthContext xmlns="{SAML_CONTEXT}"><AuthContextInfo {attributes}/></SAMLAuthContext>'


@dataclass(frozen=True)
class Credential:
    """A private key and its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    def sign(self, data: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 over `data`."""
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


class _Context(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    _fields = [("type", core.UTF8String), ("info", core.UTF8String, {"optional": True})]  # noqa: RUF012 - asn1crypto fills the list in


class _Contexts(core.SequenceOf):  # type: ignore[misc]  # asn1crypto ships no types
    _child_spec = _Context


@dataclass(frozen=True)
class Authority:
    """One municipality's CA with its seal and its time-stamp authority (utfärdare)."""

    ca: Credential
    seal: Credential
    timestamp: Credential
    revoked: Mapping[int, datetime] = field(default_factory=dict)

    @classmethod
    def create(cls, municipality: str, now: datetime, organisation_id: str | None = None) -> Authority:
        """Make new keys and certificates, valid from `now`; takes about a second."""
        start = whole_second(now)
        ca_key = new_key()
        ca_name = _name(f"{municipality} utfärdare", municipality, organisation_id=organisation_id)
        ca_certificate = (
            _builder(
                ca_name, ca_name, ca_key.public_key(), ca_key.public_key(), start, _years(start, CA_YEARS)
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(ca_key, hashes.SHA256())
        )
        ca = Credential(ca_key, ca_certificate)
        seal = _name(f"{municipality} stämpel", municipality, organisation_id=organisation_id)
        stamps = _name(f"{municipality} tidsstämpling", municipality, organisation_id=organisation_id)
        return cls(ca, _seal(ca, seal, start), _timestamp(ca, stamps, start))

    def anew(
        self, part: Literal["seal", "timestamp"], now: datetime, key: rsa.RSAPrivateKey | None = None
    ) -> Authority:
        """The same with a new key, or the one given for the seal, and a certificate for it."""
        start, name = whole_second(now), getattr(self, part).certificate.subject
        if part == "seal":
            return replace(self, seal=_seal(self.ca, name, start, key))
        return replace(self, timestamp=_timestamp(self.ca, name, start))

    def revoking(self, serial: int, since: datetime) -> Authority:
        """The same with one more certificate revoked; an earlier time stands."""
        moment = whole_second(since)
        return replace(self, revoked={**self.revoked, serial: min(moment, self.revoked.get(serial, moment))})

    def issue_requester(self, now: datetime) -> Credential:
        """The key that the municipality signs its requests to a signature service with (begäransnyckel)."""
        (found,) = self.ca.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        municipality = str(found.value)
        name = _name(f"{municipality} underskriftsbegäran", municipality)
        key, start = new_key(), whole_second(now)
        builder = _end_builder(self.ca, name, key.public_key(), start, _until(self.ca, start, SEAL_YEARS))
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
        return Credential(key, builder.sign(self.ca.key, hashes.SHA256()))

    def issue_signer(
        self,
        *,
        common_name: str,
        organisation: str,
        office: str,
        person_ref: str,
        auth: AuthContext,
        now: datetime,
        lifetime: timedelta = SIGNER_LIFETIME,
    ) -> Credential:
        """A one-time key and its certificate for one person signing in one office (engångsnyckel)."""
        key, start = new_key(), whole_second(now)
        certificate = (
            _end_builder(
                self.ca,
                _name(common_name, organisation, office=office, person_ref=person_ref),
                key.public_key(),
                start,
                min(start + lifetime, self.ca.certificate.not_valid_after_utc),
            )
            .add_extension(_usage(content_commitment=True), critical=True)
            .add_extension(x509.UnrecognizedExtension(AUTH_CONTEXT, _encode_context(auth)), critical=False)
            .sign(self.ca.key, hashes.SHA256())
        )
        return Credential(key, certificate)

    def crl(self, now: datetime, revoked: Mapping[int, datetime] | None = None) -> bytes:
        """The revocation list as DER. Its number is the second it was made, so it only grows (spärrlista)."""
        at = whole_second(now)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.ca.certificate.subject)
            .last_update(at)
            .next_update(at + CRL_LIFETIME)
            .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
            .add_extension(_key_id_of_issuer(self.ca), critical=False)
        )
        for serial, moment in sorted({**self.revoked, **(revoked or {})}.items()):
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(whole_second(moment))
                .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
            )
            builder = builder.add_revoked_certificate(entry.build())
        crl = builder.sign(self.ca.key, hashes.SHA256())
        return crl.public_bytes(serialization.Encoding.DER)

    def dump(self, secret: bytes, now: datetime) -> dict[str, bytes]:
        """Name -> content: keys as encrypted PKCS#8, certificates in the clear, and the revocation list."""
        files = {CRL: self.crl(now)}
        for name, credential in (("ca", self.ca), ("seal", self.seal), ("timestamp", self.timestamp)):
            files[f"{name}.key.pem"] = key_pem(credential, secret)
            files[f"{name}.cert.pem"] = certificate_pem(credential.certificate)
        return files

    @classmethod
    def load(cls, files: Mapping[str, bytes], secret: bytes, token: Token | None = None) -> Authority:
        """The inverse of `dump`; a wrong secret or a key that is not the certificate's is a ValueError."""
        ca, seal, timestamp = (
            load_credential(files[f"{name}.cert.pem"], files[f"{name}.key.pem"], secret, name, token)
            for name in ("ca", "seal", "timestamp")
        )
        return cls(ca, seal, timestamp, _revoked(files[CRL], ca.certificate))


def key_pem(credential: Credential, secret: bytes) -> bytes:
    """A private key as it is kept: encrypted PKCS#8, or the public half of one that lies on a token."""
    if isinstance(credential.key, TokenKey):
        return credential.key.pem()
    return credential.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(secret),
    )


def load_credential(
    certificate_pem: bytes, key_pem: bytes, secret: bytes, name: str, token: Token | None = None
) -> Credential:
    """A key as it is kept, with its certificate; ValueError if they do not belong together."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    if key_pem.startswith(PUBLIC):
        on_token = (token or Token("", "", str)).key(key_pem)
        if on_token.public_key() != certificate.public_key():
            raise ValueError(f"the key of {name} does not belong to its certificate")
        return Credential(on_token, certificate)
    # Authenticated by the comparison below and guarded by our own secret: testing the primes again would only
    # make every opening of a registry slow.
    key = serialization.load_pem_private_key(key_pem, secret, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"the key of {name} does not belong to its certificate")
    return Credential(key, certificate)


def auth_context(certificate: x509.Certificate) -> str | None:
    """The XML of the authentication context in a certificate, if there is one; without text if it cannot be read."""
    try:
        extension = certificate.extensions.get_extension_for_oid(AUTH_CONTEXT)
        assert isinstance(extension.value, x509.UnrecognizedExtension)
        return str(_Contexts.load(extension.value.value, strict=True)[0]["info"].native or "")
    except x509.ExtensionNotFound:
        return None
    except Exception:  # noqa: BLE001  # hostile bytes may raise anything inside the two parsers
        return ""


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def certificate_der(certificate: x509.Certificate) -> bytes:
    """A certificate as DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def new_key() -> rsa.RSAPrivateKey:
    """A fresh RSA key; the slow part of every signing (150-300 ms)."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def whole_second(moment: datetime) -> datetime:
    """UTC without fraction, as certificates count time; a naive datetime is refused."""
    if moment.tzinfo is None:
        raise ValueError("a time without zone was handed to the signing room")
    return moment.astimezone(UTC).replace(microsecond=0)


def instant_text(moment: datetime) -> str:
    """A moment as certificates and appearances write it: 2024-03-01T09:30:00Z."""
    return whole_second(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def _years(start: datetime, years: int) -> datetime:
    return start + timedelta(days=round(years * 365.2425))


def _name(
    common_name: str,
    organisation: str,
    *,
    office: str | None = None,
    person_ref: str | None = None,
    organisation_id: str | None = None,
) -> x509.Name:
    pairs = [
        (NameOID.COUNTRY_NAME, "SE"),
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.ORGANIZATION_IDENTIFIER, organisation_id),
        (NameOID.TITLE, office),
        (NameOID.SERIAL_NUMBER, person_ref),
        (NameOID.COMMON_NAME, common_name),
    ]
    # RFC 5280 appendix A bounds these at 64 characters; a longer office is cut, never refused at the table.
    return x509.Name([x509.NameAttribute(oid, value[:64]) for oid, value in pairs if value])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey,
    issuer_key: rsa.RSAPublicKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _end_builder(
    ca: Credential, subject: x509.Name, key: rsa.RSAPublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = _builder(subject, ca.certificate.subject, key, ca.key.public_key(), start, end)
    return builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)


def _seal(
    ca: Credential, name: x509.Name, start: datetime, key: rsa.RSAPrivateKey | None = None
) -> Credential:
    key = key or new_key()
    builder = _end_builder(ca, name, key.public_key(), start, _until(ca, start, SEAL_YEARS))
    builder = builder.add_extension(_usage(content_commitment=True), critical=True)
    return Credential(key, builder.sign(ca.key, hashes.SHA256()))


def _timestamp(ca: Credential, name: x509.Name, start: datetime) -> Credential:
    key = new_key()
    builder = (
        _end_builder(ca, name, key.public_key(), start, _until(ca, start, TIMESTAMP_YEARS))
        .add_extension(_usage(digital_signature=True), critical=True)
        # RFC 3161 section 2.3: critical, and the only purpose.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    )
    return Credential(key, builder.sign(ca.key, hashes.SHA256()))


def _until(ca: Credential, start: datetime, years: int) -> datetime:
    return min(_years(start, years), ca.certificate.not_valid_after_utc)


def _revoked(crl: bytes, ca: x509.Certificate) -> dict[int, datetime]:
    """What stands on our own list; a list that is not ours, or not as it was signed, is a ValueError."""
    listed, key = x509.load_der_x509_crl(crl), ca.public_key()
    assert isinstance(key, rsa.RSAPublicKey)  # the certificate's key is that of the RSA key just loaded
    if not listed.is_signature_valid(key):
        raise ValueError("the revocation list is not the authority's")
    return {entry.serial_number: entry.revocation_date_utc for entry in listed}


def _key_id_of_issuer(ca: Credential) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _encode_context(auth: AuthContext) -> bytes:
    return bytes(_Contexts([{"type": SAML_CONTEXT, "info": auth.xml()}]).dump())
