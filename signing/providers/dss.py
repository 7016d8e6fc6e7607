"""The messages of a signature service: a sign request written and signed, a sign response opened and read.

- The form is that of "DSS Extension for Federated Central Signing Services" 1.5 (Sweden Connect, 2019-314) over OASIS
  DSS 1.0, as narrowed by its implementation profile (2019-312): one enveloped XML signature over the whole message,
  last in the optional inputs or outputs, and the tasks as DER of CMS signed attributes (DSS-Ext 4.1.1, 5).
- Canonicalisation and XML signatures are a library's (signxml over libxml2). What is read of an answer is only what the
  library says was signed, and only under a certificate that was handed in: what the message says of keys counts for
  nothing.
- An answer is UTF-8 without document type, entities, comments and CDATA, so that nothing in it can grow or be read in
  two ways. Hostile bytes give DssError with a code, never anything else.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from lxml import etree
from lxml.builder import ElementMaker
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from signing.pki import Credential, instant_text

PROFILE = "http://id.elegnamnden.se/csig/1.1/dss-ext/profile"  # 2019-312, section 1.4
VERSION = "1.5"
CSIG, DSS = "http://id.elegnamnden.se/csig/1.1/dss-ext/ns", "urn:oasis:names:tc:dss:1.0:core:schema"
SAML, DS = "urn:oasis:names:tc:SAML:2.0:assertion", "http://www.w3.org/2000/09/xmldsig#"
XSI, XS = "http://www.w3.org/2001/XMLSchema-instance", "http://www.w3.org/2001/XMLSchema"
ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
URI_NAME = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SUCCESS = "urn:oasis:names:tc:dss:1.0:resultmajor:Success"
SERIAL_NUMBER = "2.5.4.5"  # the name attribute that the service writes the signer's identity in
MOST = 1 << 20  # bytes of a message; one with two tasks and a chain of three takes some 20 kB

_NAMES = {"csig": CSIG, "dss": DSS, "saml": SAML, "ds": DS, "xsi": XSI, "xs": XS}
_csig, _dss = ElementMaker(namespace=CSIG, nsmap=_NAMES), ElementMaker(namespace=DSS, nsmap=_NAMES)
_saml = ElementMaker(namespace=SAML, nsmap=_NAMES)
_HELD_TO = SignatureConfiguration(
    location=f"./{{{DSS}}}OptionalOutputs/",
    signature_methods=frozenset(
        {SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA512, SignatureMethod.ECDSA_SHA256}
    ),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA512}),
)


class DssError(ValueError):
    """An answer that cannot be used: `unreadable`, or `not-the-service` when no key handed in has signed it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True)
class Task:
    """One thing to sign, and in a response what became of it (underskriftsuppgift)."""

    id: str
    sigtype: str
    tbs: bytes
    signature: bytes = b""
    algorithm: str = ""


@dataclass(frozen=True)
class SignRequest:
    """All that a sign request says (underskriftsbegäran)."""

    id: str
    at: datetime
    until: datetime
    reply_to: str
    requester: str
    service: str
    identity_provider: str
    level: str
    attribute: str
    identity: str
    message: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class SignResponse:
    """What a sign response says, all of it signed by the service (underskriftssvar). Only a success says who signed."""

    request: str
    major: str
    minor: str
    at: datetime
    identity_provider: str
    authenticated_at: datetime
    level: str
    attributes: Mapping[str, tuple[str, ...]]
    chain: tuple[x509.Certificate, ...]
    tasks: tuple[Task, ...]


def write_request(request: SignRequest, by: Credential) -> bytes:
    """The request as the service is to get it, signed (DSS-Ext 3.1 and 5)."""
    signer = _csig.Signer(
        _saml.Attribute(
            _saml.AttributeValue(request.identity, {f"{{{XSI}}}type": "xs:string"}),
            Name=request.attribute,
            NameFormat=URI_NAME,
        )
    )
    wanted = _csig.RequestedCertAttribute(
        _csig.SamlAttributeName(request.attribute),
        CertAttributeRef=SERIAL_NUMBER,
        CertNameType="rdn",
        Required="true",
    )
    extension = _csig.SignRequestExtension(
        _csig.RequestTime(instant_text(request.at)),
        _saml.Conditions(
            _saml.AudienceRestriction(_saml.Audience(request.reply_to)),
            NotBefore=instant_text(request.at),
            NotOnOrAfter=instant_text(request.until),
        ),
        signer,
        _csig.IdentityProvider(request.identity_provider, Format=ENTITY),
        _csig.SignRequester(request.requester, Format=ENTITY),
        _csig.SignService(request.service, Format=ENTITY),
        _csig.RequestedSignatureAlgorithm(RSA_SHA256),
        _csig.CertRequestProperties(
            _saml.AuthnContextClassRef(request.level), _csig.RequestedCertAttributes(wanted), CertType="PKC"
        ),
        _csig.SignMessage(
            _csig.Message(base64.b64encode(request.message.encode()).decode()),
            MustShow="true",
            MimeType="text",
        ),
        Version=VERSION,
    )
    tasks = [
        _csig.SignTaskData(
            _csig.ToBeSignedBytes(base64.b64encode(task.tbs).decode()),
            SignTaskId=task.id,
            SigType=task.sigtype,
            AdESType="BES",
        )
        for task in request.tasks
    ]
    root = _dss.SignRequest(
        _dss.OptionalInputs(extension, etree.Element(f"{{{DS}}}Signature", Id="placeholder")),
        _dss.InputDocuments(_dss.Other(_csig.SignTasks(*tasks))),
        Profile=PROFILE,
        RequestID=request.id,
    )
    made = XMLSigner(c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0)
    return bytes(etree.tostring(made.sign(root, key=by.key, cert=[by.certificate])))


def open_response(data: bytes, signed_by: Sequence[x509.Certificate], at: datetime) -> SignResponse:
    """What the service has signed in this answer. DssError if it is no answer, or not the service's."""
    root = _parse(data)
    why = "no certificate of the service is known"
    for certificate in signed_by:
        try:
            signed = _signed(root, certificate, at)
        except Exception as error:  # noqa: BLE001  # hostile bytes may raise anything inside the library
            why = f"{type(error).__name__}: {error}"
            continue
        try:
            return _read(signed)
        except Exception as error:  # whatever the service writes wrongly
            raise DssError("unreadable", f"{type(error).__name__}: {error}") from error
    raise DssError("not-the-service", why)


def _parse(data: bytes) -> etree._Element:
    try:
        text = data.decode()
        if len(data) > MOST or "<!" in text or "\0" in text:
            raise ValueError("too large, or with a document type, comments or CDATA")
        # No entity, no network, no document type; and the encoding is the one just checked, whatever the prolog says.
        parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=False)
        return etree.fromstring(data, parser)
    except (ValueError, etree.XMLSyntaxError) as error:
        raise DssError("unreadable", str(error)) from error


def _signed(root: etree._Element, certificate: x509.Certificate, at: datetime) -> etree._Element:
    """The message as it was signed: the whole of it but the signature."""
    held_to = SignatureConfiguration(
        location=_HELD_TO.location,
        signature_methods=_HELD_TO.signature_methods,
        digest_algorithms=_HELD_TO.digest_algorithms,
        verification_time=at,
    )
    found = XMLVerifier().verify(root, x509_cert=certificate, expect_config=held_to)
    assert not isinstance(found, list)  # one reference was asked for
    signed = found.signed_xml
    if signed is None or signed.tag != f"{{{DSS}}}SignResponse":
        raise ValueError("the signature is over a part of the answer")
    return signed


def _read(root: etree._Element) -> SignResponse:
    if root.get("Profile") != PROFILE:
        raise ValueError("another profile")
    major, minor = _text(root, "dss:Result/dss:ResultMajor"), ""
    if root.find("dss:Result/dss:ResultMinor", _NAMES) is not None:
        minor = _text(root, "dss:Result/dss:ResultMinor")
    here = "dss:OptionalOutputs/csig:SignResponseExtension"
    if _one(root, here).get("Version") != VERSION:
        raise ValueError("another version")
    at = _moment(_text(root, f"{here}/csig:ResponseTime"))
    if major != SUCCESS:
        return SignResponse(root.get("RequestID", ""), major, minor, at, "", at, "", {}, (), ())
    context = f"{here}/csig:SignerAssertionInfo/csig:ContextInfo"
    statement = _one(root, f"{here}/csig:SignerAssertionInfo/saml:AttributeStatement")
    attributes: dict[str, tuple[str, ...]] = {}
    for each in statement.findall("saml:Attribute", _NAMES):
        values = tuple(value.text or "" for value in each.findall("saml:AttributeValue", _NAMES))
        attributes[each.get("Name", "")] = attributes.get(each.get("Name", ""), ()) + values
    chain = root.findall(f"{here}/csig:SignatureCertificateChain/csig:X509Certificate", _NAMES)
    tasks = root.findall("dss:SignatureObject/dss:Other/csig:SignTasks/csig:SignTaskData", _NAMES)
    return SignResponse(
        request=root.get("RequestID", ""),
        major=major,
        minor=minor,
        at=at,
        identity_provider=_text(root, f"{context}/csig:IdentityProvider"),
        authenticated_at=_moment(_text(root, f"{context}/csig:AuthenticationInstant")),
        level=_text(root, f"{context}/saml:AuthnContextClassRef"),
        attributes=attributes,
        chain=tuple(x509.load_der_x509_certificate(_bytes(each.text)) for each in chain),
        tasks=tuple(map(_task, tasks)),
    )


def _task(found: etree._Element) -> Task:
    return Task(
        id=found.get("SignTaskId", ""),
        sigtype=found.get("SigType", ""),
        tbs=_bytes(_text(found, "csig:ToBeSignedBytes")),
        signature=_bytes(_text(found, "csig:Base64Signature")),
        algorithm=_one(found, "csig:Base64Signature").get("Type", ""),
    )


def _one(root: etree._Element, path: str) -> etree._Element:
    """What stands there, once."""
    (found,) = root.findall(path, _NAMES)
    return found


def _text(root: etree._Element, path: str) -> str:
    return str(_one(root, path).text or "")


def _bytes(text: str | None) -> bytes:
    # xs:base64Binary may be broken into lines.
    return base64.b64decode("".join((text or "").split()), validate=True)


def _moment(text: str) -> datetime:
    """An xs:dateTime in UTC (DSS-Ext 1.3.3)."""
    if not text.endswith("Z"):
        raise ValueError("a time that is not in UTC")
    return datetime.fromisoformat(text)
