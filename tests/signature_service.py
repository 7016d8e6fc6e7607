"""A signature service to try the program against: real keys, real answers over HTTP, and bent ones when a test says so.

It reads the request and writes the answer by itself, from the specification, and shares with the program only the
library that signs XML; one test lets xmlsec1 do that too. What it says can be bent before it is signed (`bend`), so
that everything but the one bent thing is as it should be.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import quoteattr

from asn1crypto import algos, tsp
from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from lxml import etree
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from signing.pki import AuthContext, Authority, Credential, certificate_der, instant_text
from tests.signing_kit import stranger

ENTITY, IDP = "https://sign.example.org/entity", "https://idp.example.org/entity"
REQUESTER = "https://registret.example.org/entity"
LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
HSA_ID = (
    "urn:oid:1.2.752.29.6.2.1"  # employeeHsaId: what somebody is at work, and no personal identity number
)
NAMESPACES = {
    "csig": "http://id.elegnamnden.se/csig/1.1/dss-ext/ns",
    "dss": "urn:oasis:names:tc:dss:1.0:core:schema",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
DONE = "urn:oasis:names:tc:dss:1.0:resultmajor:Success"
REQUEST_PATH = "dss:OptionalInputs/csig:SignRequestExtension"
SIGNED_HERE = SignatureConfiguration(location=f"./{{{NAMESPACES['dss']}}}OptionalInputs/")


@dataclass
class Task:
    """One signature, over whatever stands in tbs when it is made."""

    id: str
    sigtype: str
    tbs: bytes
    algorithm: str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    signature: bytes | None = None


@dataclass
class Said:
    """Everything an answer says, before it is signed; a test may bend any of it."""

    request: str
    relay: str
    at: datetime
    signer: Credential
    chain: list[x509.Certificate]
    attributes: dict[str, str]
    tasks: list[Task]
    signed_by: Credential
    profile: str = "http://id.elegnamnden.se/csig/1.1/dss-ext/profile"
    version: str = "1.5"
    major: str = DONE
    minor: str = ""
    idp: str = IDP
    level: str = LOA3
    authenticated: datetime | None = None
    before: Callable[[bytes], bytes] = field(default=lambda written: written)
    xml: Callable[[bytes], bytes] = field(default=lambda written: written)  # after it was signed
    signed_part: str | None = None


Bend = Callable[[Said], object]


def straight(_: Said) -> None:
    """Everything as it should be."""


@cache
def one_time(authority: Callable[[], Authority], identity: str, at: datetime, name: str) -> Credential:
    """A signer's key and certificate; made once for the tests, since keys are slow to make."""
    return authority().issue_signer(
        common_name=name,
        organisation="Exempelby kommun",
        office="",
        person_ref=identity,
        auth=AuthContext(IDP, ENTITY, LOA3, at, "_assertion-1"),
        now=at,
        lifetime=timedelta(days=365),
    )


@dataclass
class SignatureService:
    """The service: what it knows of who asks, whom it identifies, and how its next answers are bent."""

    asked_by: x509.Certificate
    clock: Callable[[], datetime]
    issued_at: datetime
    authority: Callable[[], Authority] = stranger
    name: str = "Åsa Öberg"
    bend: Bend = straight
    crl: Callable[[], bytes] | None = None

    @property
    def issuer(self) -> x509.Certificate:
        return self.authority().ca.certificate

    @property
    def certificate(self) -> x509.Certificate:
        """The one that its answers are signed under."""
        return self.authority().seal.certificate

    def revocations(self) -> bytes:
        return self.crl() if self.crl else self.authority().crl(self.clock())

    def answer(self, form: Mapping[str, str]) -> dict[str, str]:
        """Read a request, let the person sign, and give what their browser is to carry back."""
        said = self._said(base64.b64decode(form["EidSignRequest"]), form)
        self.bend(said)
        return {
            "Binding": "POST/XML/1.0",
            "RelayState": said.relay,
            "EidSignResponse": base64.b64encode(said.xml(write(said))).decode(),
        }

    def _said(self, request: bytes, form: Mapping[str, str]) -> Said:
        now = self.clock()
        verified = XMLVerifier().verify(
            request,
            x509_cert=self.asked_by,
            expect_config=SignatureConfiguration(location=SIGNED_HERE.location, verification_time=now),
        )
        assert not isinstance(verified, list)
        root = verified.signed_xml
        assert root is not None
        assert form["Binding"] == "POST/XML/1.0"
        assert len(root.attrib["RequestID"]) >= 20
        assert form["RelayState"] == root.attrib["RequestID"]
        assert text(root, f"{REQUEST_PATH}/csig:SignService") == ENTITY
        assert text(root, f"{REQUEST_PATH}/csig:SignRequester") == REQUESTER
        conditions = root.find(f"{REQUEST_PATH}/saml:Conditions", NAMESPACES)
        assert conditions is not None
        assert conditions.attrib["NotBefore"] <= instant_text(now) < conditions.attrib["NotOnOrAfter"]
        (wanted,) = root.findall(f"{REQUEST_PATH}/csig:Signer/saml:Attribute", NAMESPACES)
        identity = text(wanted, "saml:AttributeValue")
        signer = one_time(self.authority, identity, self.issued_at, self.name)
        tasks = [
            Task(
                found.attrib["SignTaskId"],
                found.attrib["SigType"],
                named(base64.b64decode(text(found, "csig:ToBeSignedBytes")), signer.certificate),
            )
            for found in root.iterfind(".//csig:SignTaskData", NAMESPACES)
        ]
        return Said(
            request=root.attrib["RequestID"],
            relay=form["RelayState"],
            at=now,
            signer=signer,
            chain=[signer.certificate, self.issuer],
            attributes={wanted.attrib["Name"]: identity, "urn:oid:2.16.840.1.113730.3.1.241": self.name},
            tasks=tasks,
            signed_by=self.authority().seal,
            idp=text(root, f"{REQUEST_PATH}/csig:IdentityProvider"),
            level=text(root, f"{REQUEST_PATH}/csig:CertRequestProperties/saml:AuthnContextClassRef"),
        )

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The service on a port of this machine, while the test lasts: its address."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                form = {
                    name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()
                }
                fields = service.answer(form)
                inputs = "".join(
                    f"<input type='hidden' name='{k}' value='{escape(v)}'/>" for k, v in fields.items()
                )
                self._send(f"<form method='post'>{inputs}</form>".encode(), "application/xhtml+xml")

            def do_GET(self) -> None:
                self._send(service.revocations(), "application/pkix-crl")

            def _send(self, content: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Tests tell what matters themselves."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()


def text(root: etree._Element, path: str) -> str:
    found = root.find(path, NAMESPACES)
    assert found is not None and found.text
    return str(found.text)


def named(tbs: bytes, certificate: x509.Certificate, **more: Any) -> bytes:
    """The attributes with the certificate's name among them, and whatever else."""
    parsed = asn1_x509.Certificate.load(certificate_der(certificate))
    reference = tsp.ESSCertIDv2(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "cert_hash": hashlib.sha256(parsed.dump()).digest(),
        }
    )
    added = {"signing_certificate_v2": tsp.SigningCertificateV2({"certs": [reference]})} | more
    kept = [each for each in asn1.CMSAttributes.load(tbs) if each["type"].native not in added]
    attributes = [asn1.CMSAttribute({"type": name, "values": (value,)}) for name, value in added.items()]
    return bytes(asn1.CMSAttributes([*kept, *attributes]).dump())


def unsigned(said: Said) -> bytes:
    """The answer as XML, with the place for its signature."""

    def b64(data: bytes) -> str:
        return base64.b64encode(data).decode()

    tasks = "".join(
        f"<csig:SignTaskData SignTaskId={quoteattr(task.id)} SigType={quoteattr(task.sigtype)}>"
        f"<csig:ToBeSignedBytes>{b64(task.tbs)}</csig:ToBeSignedBytes>"
        f"<csig:Base64Signature Type={quoteattr(task.algorithm)}>"
        f"{b64(task.signature if task.signature is not None else said.signer.sign(task.tbs))}"
        "</csig:Base64Signature></csig:SignTaskData>"
        for task in said.tasks
    )
    attributes = "".join(
        f"<saml:Attribute Name={quoteattr(name)}><saml:AttributeValue>{escape(value)}</saml:AttributeValue>"
        "</saml:Attribute>"
        for name, value in said.attributes.items()
    )
    chain = "".join(
        f"<csig:X509Certificate>{b64(certificate_der(each))}</csig:X509Certificate>" for each in said.chain
    )
    who = (
        "<csig:SignerAssertionInfo><csig:ContextInfo>"
        f"<csig:IdentityProvider>{escape(said.idp)}</csig:IdentityProvider>"
        f"<csig:AuthenticationInstant>{instant_text(said.authenticated or said.at)}</csig:AuthenticationInstant>"
        f"<saml:AuthnContextClassRef>{escape(said.level)}</saml:AuthnContextClassRef>"
        "<csig:AssertionRef>_assertion-1</csig:AssertionRef></csig:ContextInfo>"
        f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement></csig:SignerAssertionInfo>"
        f"<csig:SignatureCertificateChain>{chain}</csig:SignatureCertificateChain>"
    )
    done = said.major == DONE
    minor = f"<dss:ResultMinor>{escape(said.minor)}</dss:ResultMinor>" if said.minor else ""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    tasks = f"<dss:Other><csig:SignTasks>{tasks}</csig:SignTasks></dss:Other>"
    signed = f"<dss:SignatureObject>{tasks}</dss:SignatureObject>" if done else ""
    return (
        f"<dss:SignResponse {spaces} Profile={quoteattr(said.profile)} RequestID={quoteattr(said.request)}>"
        f'<dss:Result Id="result"><dss:ResultMajor>{escape(said.major)}</dss:ResultMajor>{minor}</dss:Result>'
        f"<dss:OptionalOutputs><csig:SignResponseExtension Version={quoteattr(said.version)}>"
        f"<csig:ResponseTime>{instant_text(said.at)}</csig:ResponseTime>{who if done else ''}"
        '</csig:SignResponseExtension><ds:Signature Id="placeholder"/></dss:OptionalOutputs>'
        f"{signed}</dss:SignResponse>"
    ).encode()


def write(said: Said) -> bytes:
    """The answer, signed as the last thing in the optional outputs."""
    root, by = etree.fromstring(said.before(unsigned(said))), said.signed_by
    signed = XMLSigner().sign(root, key=by.key, cert=[by.certificate], reference_uri=said.signed_part)
    return bytes(etree.tostring(signed))
