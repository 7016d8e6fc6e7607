"""A signature service outside: what it signs becomes a sealed document, and what it does wrongly is not accepted."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as asn1
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from signing import act, cms
from signing.pki import (
    AUTH_CONTEXT,
    CRL_LIFETIME,
    AuthContext,
    Authority,
    Credential,
    certificate_der,
    certificate_pem,
)
from signing.providers import dss
from signing.providers.port import (
    Action,
    Done,
    Failed,
    Intent,
    Item,
    Kind,
    Pending,
    Person,
    Rejected,
    SignatureType,
    SignedItem,
)
from signing.providers.remote import OFFER_LASTS, SKEW, RemoteProvider, Service
from tests import outside
from tests.signature_service import (
    ENTITY,
    HSA_ID,
    IDP,
    LOA3,
    REQUESTER,
    Bend,
    Said,
    SignatureService,
    named,
    one_time,
    straight,
    unsigned,
)
from tests.signing_kit import (
    NOW,
    authority,
    signer,
    stages,
    stranger,
    timestamper,
)
from tests.test_pki import usages
from tests.test_providers import LINES, STATEMENT, through_a_restart

IDENTITY = "SE2120000000-1A2B"
PERSON = Person("Åsa Öberg", "Exempelkommun", "Ordförande", "p-4711", IDENTITY)
REPLY = "https://registret.example.org/v1/exempelby/signings/0000000000000001/answer"
SOON = NOW + timedelta(minutes=2)
ASKED = authority().seal  # the key that requests are signed with; any of ours will do here


def service(bend: Bend = straight, **more: Any) -> SignatureService:
    return SignatureService(ASKED.certificate, lambda: SOON, NOW, bend=bend, **more)


def provider(theirs: SignatureService | None = None, **changes: Any) -> RemoteProvider:
    theirs = theirs or service()
    known = Service(
        url="https://sign.example.org/request",
        entity_id=ENTITY,
        requester=REQUESTER,
        identity_provider=IDP,
        attribute=HSA_ID,
        level=LOA3,
        certificates=(theirs.certificate,),
        issuers=(theirs.issuer,),
    )
    return RemoteProvider(
        replace(known, **changes), lambda: ASKED, lambda: [authority().crl(SOON), theirs.revocations()]
    )


def begun(by: RemoteProvider) -> act.BegunAct:
    return act.begin(
        by, pdf=stages().prepared, field="Ordforande", lines=LINES, statement=STATEMENT, signer=PERSON,
        visible_text="Anteckningar, version 1 & inget annat", now=NOW, reply_to=REPLY,
    )  # fmt: skip


def outcome(bend: Bend = straight, at: Any = SOON, **changes: Any) -> Any:
    """What becomes of an act that the service answers, bent or not."""
    theirs = service(bend)
    by = provider(theirs, **changes)
    started = begun(by)
    answer = theirs.answer(started.started.form)
    return act.resume(by, through_a_restart(started.plain), answer, at, timestamper(lambda: at))


# --- the good way
def test_the_browser_is_sent_there_with_a_signed_request() -> None:
    by = provider()
    assert (by.capabilities.kind, by.capabilities.may_alter_tbs) == (Kind.RAW, True)
    started = begun(by).started
    assert (started.action, started.target, started.expires) == (
        Action.REDIRECT, "https://sign.example.org/request", NOW + OFFER_LASTS,
    )  # fmt: skip
    assert started.form["RelayState"] == started.ref
    assert begun(by).started.ref != started.ref


def test_what_the_service_signs_is_one_act_and_each_signature_holds() -> None:
    done = outcome()
    assert isinstance(done, act.Signed)
    issuer = stranger().ca.certificate
    assert done.chain[1] == issuer
    # Signatures by the service's authority, time stamps by our own.
    found = cms.verify(
        done.statement_signature, STATEMENT, [issuer, authority().ca.certificate], done.revocation
    )
    assert found.certificate == done.chain[0] and found.stamped_at == SOON


def test_without_an_answer_the_way_there_is_told_again_until_the_offer_ends() -> None:
    by = provider()
    started = begun(by)
    again = act.resume(by, through_a_restart(started.plain), None, NOW + OFFER_LASTS)
    assert again == Pending(started.started.target, started.started.form)
    assert act.resume(by, started.plain, None, NOW + OFFER_LASTS + timedelta(seconds=1)) == Failed("expired")


def test_the_service_may_say_that_there_will_be_none() -> None:
    def declined(said: Said) -> None:
        said.major, said.minor = (
            "urn:oasis:names:tc:dss:1.0:resultmajor:ResponderError",
            "http://id.elegnamnden.se/sig-status/1.1/user-cancel",
        )

    assert outcome(declined) == Failed("service-declined")
    assert outcome(
        lambda said: setattr(said, "major", "urn:oasis:names:tc:dss:1.0:resultmajor:RequesterError")
    ) == Failed("service-declined")


# --- what is not accepted
def put(name: str, value: object) -> Bend:
    return lambda said: setattr(said, name, value)


def task(**changes: Any) -> Bend:
    return lambda said: said.tasks.__setitem__(0, replace(said.tasks[0], **changes))


def tbs(number: int = 0, certificate: x509.Certificate | None = None, **more: Any) -> Bend:
    def bend(said: Said) -> None:
        found = said.tasks[number]
        found.tbs = named(found.tbs, certificate or said.signer.certificate, **more)

    return bend


def other_digest(said: Said) -> None:
    for number in range(2):
        tbs(number, message_digest=b"\1" * 32)(said)


def by(credential: Credential) -> Bend:
    """The signer's certificate and key are another's, and everything else is as if that were right."""

    def bend(said: Said) -> None:
        said.signer, said.chain = credential, [credential.certificate, *said.chain[1:]]
        said.tasks = [replace(one, tbs=named(one.tbs, credential.certificate)) for one in said.tasks]

    return bend


@cache
def short_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


READABLE = (
    one_time(stranger, IDENTITY, NOW, "Åsa Öberg")
    .certificate.extensions.get_extension_for_oid(AUTH_CONTEXT)
    .value.public_bytes()
)


def of_a_person(
    usage: x509.KeyUsage | None = None, context: bytes | None = READABLE, names: int = 1, bits: int = 3072
) -> Credential:
    """A certificate by the right authority for the right person, which says this of what it is for."""
    key = signer().key if bits == 3072 else short_key(bits)
    builder = x509.CertificateBuilder().issuer_name(stranger().ca.certificate.subject).serial_number(78)
    subject = x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, IDENTITY)] * names)
    builder = builder.subject_name(subject).public_key(key.public_key())
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    if usage:
        builder = builder.add_extension(usage, critical=True)
    if context is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(AUTH_CONTEXT, context), critical=False)
    return Credential(key, builder.sign(stranger().ca.key, hashes.SHA256()))


def elsewhere(said: Said) -> None:
    """The right name, by an authority that was not set."""
    found = one_time(authority, IDENTITY, NOW, "Åsa Öberg")
    by(found)(said)
    said.chain = [found.certificate, authority().ca.certificate]


def unsorted(said: Said) -> None:
    parts = sorted((each.dump() for each in asn1.CMSAttributes.load(said.tasks[0].tbs)), reverse=True)
    body = b"".join(parts)
    said.tasks[0].tbs = b"\x31\x81" + bytes([len(body)]) + body


def when(**time: float) -> asn1.Time:
    return asn1.Time({"utc_time": core.UTCTime(NOW + timedelta(**time))})


def edited(old: bytes, new: bytes) -> Bend:
    return put("xml", lambda written: written.replace(old, new))


def otherwise(change: Callable[[bytes], bytes] = bytes, **how: Any) -> Bend:
    """The whole answer is signed by the service, but in another manner or another place."""

    def bend(said: Said) -> None:
        def sign(_: bytes) -> bytes:
            root, who = etree.fromstring(change(unsigned(said))), said.signed_by
            return bytes(etree.tostring(XMLSigner(**how).sign(root, key=who.key, cert=[who.certificate])))

        said.xml = sign

    return bend


def moved(written: bytes) -> bytes:
    place = b'<ds:Signature Id="placeholder"/>'
    return written.replace(place, b"").replace(b"</dss:Result>", place + b"</dss:Result>")


NOT_ACCEPTED: list[tuple[str, Bend]] = [
    # bad service signature
    ("not-the-service", put("signed_by", signer())),
    ("not-the-service", edited(b"loa3", b"loa4")),
    ("not-the-service", edited(IDENTITY.encode(), b"SE2120000000-3C4D")),
    ("not-the-service", put("xml", lambda written: re.sub(rb"(?s)<ds:Signature.*</ds:Signature>", b"", written))),
    ("not-the-service", put("signed_part", "#result")),
    ("not-the-service", otherwise(signature_algorithm=SignatureMethod.RSA_SHA384)),
    ("not-the-service", otherwise(digest_algorithm=DigestAlgorithm.SHA384)),
    ("not-the-service", otherwise(moved)),
    # no answer at all, or one that is meant to blow up
    ("unreadable", put("xml", lambda _: b"")),
    ("unreadable", put("xml", lambda _: b"<a>\xff</a>")),
    ("unreadable", put("xml", lambda written: b'<!DOCTYPE a [<!ENTITY b "c">]>' + written)),
    ("unreadable", put("xml", lambda written: written + b" " * dss.MOST)),
    ("unreadable", put("before", lambda written: re.sub(rb"Z</csig:Resp", b"+01:00</csig:Resp", written))),
    ("unreadable", put("profile", "urn:another")),
    ("unreadable", put("version", "1.1")),
    # an answer to another request
    ("another-request", put("request", "0" * 40)),
    ("another-request", put("relay", "0" * 40)),
    # in time
    ("out-of-time", put("at", NOW - timedelta(minutes=2))),
    ("out-of-time", put("at", SOON + timedelta(minutes=2))),
    ("out-of-time", put("authenticated", NOW - timedelta(hours=1))),
    ("out-of-time", put("authenticated", SOON + timedelta(minutes=2))),
    ("out-of-time", tbs(1, signing_time=when(days=-1))),
    ("out-of-time", tbs(1, signing_time=when(hours=1))),
    # wrong signer
    ("another-person", put("attributes", {HSA_ID: "SE2120000000-3C4D"})),
    ("another-person", put("attributes", {})),
    ("another-person", by(one_time(stranger, "SE2120000000-3C4D", NOW, "Per Ahlström"))),
    ("too-weak", put("idp", "https://another.example.org")),
    ("too-weak", put("level", "http://id.elegnamnden.se/loa/1.0/loa2")),
    # a certificate of somebody else's, or not for this
    ("another-issuer", elsewhere),
    ("another-issuer", put("chain", [])),
    ("another-issuer", by(stranger().seal)),
    ("another-issuer", by(stranger().timestamp)),
    ("another-issuer", by(of_a_person())),
    ("another-issuer", by(of_a_person(usages("digital_signature"), READABLE))),
    ("another-issuer", by(of_a_person(usages("content_commitment", "key_cert_sign"), READABLE))),
    ("another-issuer", by(of_a_person(usages("content_commitment"), None))),
    ("another-issuer", by(of_a_person(usages("content_commitment"), b"junk"))),
    ("another-issuer", by(of_a_person(usages("content_commitment"), READABLE, bits=2040))),
    ("another-person", by(of_a_person(usages("content_commitment"), READABLE, names=2))),
    ("another-person", by(of_a_person(usages("content_commitment"), READABLE, names=0))),
    # altered bytes
    ("altered-bytes", other_digest),
    ("altered-bytes", tbs(0, signing_time=when())),
    ("altered-bytes", tbs(0, content_type="signed_data")),
    ("altered-bytes", unsorted),
    ("altered-bytes", task(tbs=b"\x31\x00")),
    ("altered-bytes", task(tbs=b"not DER")),
    ("altered-bytes", tbs(0, stranger().ca.certificate)),
    ("altered-bytes", task(sigtype="XML")),
    ("altered-bytes", task(algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")),
    ("altered-bytes", task(id="another")),
    ("altered-bytes", lambda said: said.tasks.pop()),
    ("altered-bytes", lambda said: said.tasks.append(said.tasks[0])),
    # a signature by another key, or over something else
    ("wrong-signature", task(signature=bytes(256))),
    ("wrong-signature", put("signer", signer())),
]  # fmt: skip


@pytest.mark.parametrize(("code", "bend"), NOT_ACCEPTED)
def test_what_is_wrong_with_an_answer_is_said_and_not_accepted(code: str, bend: Bend) -> None:
    assert outcome(bend) == Rejected(code)


def test_an_answer_that_comes_too_late_is_not_accepted() -> None:
    assert isinstance(outcome(at=NOW + OFFER_LASTS), act.Signed)
    assert outcome(at=NOW + OFFER_LASTS + timedelta(seconds=1)) == Rejected("late")


def test_an_answer_to_one_act_is_none_to_another() -> None:
    theirs = service()
    by = provider(theirs)
    first, second = begun(by), begun(by)
    replayed = theirs.answer(first.started.form)
    assert act.resume(by, second.plain, replayed, SOON) == Rejected("another-request")
    renamed = replayed | {"RelayState": second.started.ref}
    assert act.resume(by, second.plain, renamed, SOON) == Rejected("another-request")


@pytest.mark.parametrize("callback", [{}, {"EidSignResponse": "%"}, AuthContext("a", "b", "c", NOW, "d")])
def test_something_that_is_no_answer_is_not_accepted(callback: Mapping[str, str] | AuthContext) -> None:
    by = provider()
    assert act.resume(by, begun(by).plain, callback, SOON) == Rejected("unreadable")


def test_nobody_is_believed_before_a_certificate_was_set() -> None:
    assert outcome(certificates=()) == Rejected("not-the-service")
    assert outcome(issuers=()) == Rejected("another-issuer")
    both = (signer().certificate, stranger().seal.certificate)  # while a service changes its key both are set
    assert isinstance(outcome(certificates=both), act.Signed)


def test_the_service_s_certificate_is_judged_by_when_its_answer_came() -> None:
    name, key = x509.Name([]), service().authority().seal.key
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1)
    for begins, ends, holds in ((NOW, SOON, True), (SOON + SKEW, SOON + timedelta(days=36524), False)):
        known = builder.not_valid_before(begins).not_valid_after(ends).sign(key, hashes.SHA256())
        done = outcome(certificates=(known,))
        assert isinstance(done, act.Signed) if holds else done == Rejected("not-the-service")


def test_a_revoked_certificate_is_not_accepted_and_neither_is_one_of_unknown_state() -> None:
    serial = one_time(stranger, IDENTITY, NOW, "Åsa Öberg").certificate.serial_number
    old = NOW - timedelta(days=60)
    misnamed = replace(stranger(), ca=Credential(stranger().ca.key, authority().ca.certificate))
    lists: list[tuple[str, Any]] = [
        ("revoked", stranger().crl(SOON, {serial: NOW})),
        ("revocation-unknown", stranger().crl(old)),
        ("revocation-unknown", stranger().crl(SOON + timedelta(days=1))),
        ("revocation-unknown", authority().crl(SOON)),
        ("revocation-unknown", misnamed.crl(SOON)),
    ]
    for code, crl in lists:
        theirs = service(crl=lambda crl=crl: crl)
        by = provider(theirs)
        started = begun(by)
        assert act.resume(by, started.plain, theirs.answer(started.started.form), SOON) == Rejected(code)


def test_an_act_needs_items_a_person_the_service_knows_and_a_way_back() -> None:
    item = Item("pdf", SignatureType.PADES, b"\0" * 32)
    for intent in (
        Intent(PERSON, "", (), REPLY),
        Intent(PERSON, "", (item, item), REPLY),
        Intent(PERSON, "", (item,)),
        Intent(replace(PERSON, identity=None), "", (item,), REPLY),
    ):
        with pytest.raises(ValueError, match=r"one item|whom"):
            provider().begin(intent, NOW)


# --- to the letter
REQUEST = """
<dss:SignRequest xmlns:dss="urn:oasis:names:tc:dss:1.0:core:schema"
    xmlns:csig="http://id.elegnamnden.se/csig/1.1/dss-ext/ns" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    Profile="http://id.elegnamnden.se/csig/1.1/dss-ext/profile" RequestID="request">
  <dss:OptionalInputs>
    <csig:SignRequestExtension Version="1.5">
      <csig:RequestTime>2024-03-01T09:00:00Z</csig:RequestTime>
      <saml:Conditions NotBefore="2024-03-01T09:00:00Z" NotOnOrAfter="2024-03-01T09:15:00Z">
        <saml:AudienceRestriction><saml:Audience>reply</saml:Audience></saml:AudienceRestriction>
      </saml:Conditions>
      <csig:Signer>
        <saml:Attribute Name="attribute" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">
          <saml:AttributeValue xsi:type="xs:string">a &amp; b</saml:AttributeValue>
        </saml:Attribute>
      </csig:Signer>
      <csig:IdentityProvider Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">provider</csig:IdentityProvider>
      <csig:SignRequester Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">requester</csig:SignRequester>
      <csig:SignService Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">service</csig:SignService>
      <csig:RequestedSignatureAlgorithm>http://www.w3.org/2001/04/xmldsig-more#rsa-sha256</csig:RequestedSignatureAlgorithm>
      <csig:CertRequestProperties CertType="PKC">
        <saml:AuthnContextClassRef>level</saml:AuthnContextClassRef>
        <csig:RequestedCertAttributes>
          <csig:RequestedCertAttribute CertAttributeRef="2.5.4.5" CertNameType="rdn" Required="true">
            <csig:SamlAttributeName>attribute</csig:SamlAttributeName>
          </csig:RequestedCertAttribute>
        </csig:RequestedCertAttributes>
      </csig:CertRequestProperties>
      <csig:SignMessage MustShow="true" MimeType="text"><csig:Message>w4UgPGI+</csig:Message></csig:SignMessage>
    </csig:SignRequestExtension>
  </dss:OptionalInputs>
  <dss:InputDocuments><dss:Other><csig:SignTasks>
    <csig:SignTaskData SignTaskId="pdf" SigType="PDF" AdESType="BES">
      <csig:ToBeSignedBytes>MQA=</csig:ToBeSignedBytes>
    </csig:SignTaskData>
    <csig:SignTaskData SignTaskId="statement" SigType="CMS" AdESType="BES">
      <csig:ToBeSignedBytes>MQE=</csig:ToBeSignedBytes>
    </csig:SignTaskData>
  </csig:SignTasks></dss:Other></dss:InputDocuments>
</dss:SignRequest>
"""


def canonical(root: etree._Element) -> bytes:
    """Without what blanks there are between elements (RFC 3741)."""
    for each in root.iter():
        each.text, each.tail = (each.text or "").strip(), None
    return bytes(etree.tostring(root, method="c14n", exclusive=True))


def test_the_request_says_this_and_is_signed_last() -> None:
    request = dss.SignRequest(
        id="request", at=NOW, until=NOW + timedelta(minutes=15), reply_to="reply", requester="requester",
        service="service", identity_provider="provider", level="level", attribute="attribute", identity="a & b",
        message="Å <b>", tasks=(dss.Task("pdf", "PDF", b"\x31\0"), dss.Task("statement", "CMS", b"\x31\1")),
    )  # fmt: skip
    root = etree.fromstring(dss.write_request(request, ASKED))
    (inputs,) = root.findall(f"{{{dss.DSS}}}OptionalInputs")
    _, signature = inputs
    said = {each.tag.partition("}")[2]: each.get("Algorithm") or each.text for each in signature.iter()}
    assert said["CanonicalizationMethod"] == said["Transform"] == "http://www.w3.org/2001/10/xml-exc-c14n#"
    assert said["SignatureMethod"] == dss.RSA_SHA256
    assert said["DigestMethod"] == "http://www.w3.org/2001/04/xmlenc#sha256"
    assert base64.b64decode(str(said["X509Certificate"])) == certificate_der(ASKED.certificate)
    inputs.remove(signature)
    assert canonical(root) == canonical(etree.fromstring(REQUEST))


def opened(bend: Bend = straight) -> dss.SignResponse:
    """What is read of an answer to an act."""
    theirs = service(bend)
    answer = theirs.answer(begun(provider(theirs)).started.form)
    return dss.open_response(base64.b64decode(answer["EidSignResponse"]), [theirs.certificate], SOON)


def test_all_that_an_answer_says_is_read() -> None:
    kept: list[Said] = []

    def bend(said: Said) -> None:
        said.request, said.authenticated, said.minor = "asked", SOON - timedelta(seconds=9), "urn:minor"
        said.before = lambda written: re.sub(
            rb"(<saml:Attribute Name=.urn:oid:2[^>]*>).*?</saml:Attribute>",
            rb"\1<saml:AttributeValue>A</saml:AttributeValue><saml:AttributeValue/></saml:Attribute>"
            rb"\1<saml:AttributeValue>B</saml:AttributeValue></saml:Attribute>"
            rb"<saml:Attribute><saml:AttributeValue>C</saml:AttributeValue></saml:Attribute>"
            rb"<saml:Attribute><saml:AttributeValue>D</saml:AttributeValue></saml:Attribute>",
            re.sub(rb"(<csig:ToBeSignedBytes>.{8})", rb"\1\n ", written),
        )
        kept.append(said)

    found = opened(bend)
    (said,) = kept
    assert found == dss.SignResponse(
        request="asked",
        major=dss.SUCCESS,
        minor="urn:minor",
        at=SOON,
        identity_provider=IDP,
        authenticated_at=SOON - timedelta(seconds=9),
        level=LOA3,
        attributes={HSA_ID: (IDENTITY,), "urn:oid:2.16.840.1.113730.3.1.241": ("A", "", "B"), "": ("C", "D")},
        chain=(said.signer.certificate, stranger().ca.certificate),
        tasks=tuple(
            dss.Task(one.id, one.sigtype, one.tbs, said.signer.sign(one.tbs), dss.RSA_SHA256) for one in said.tasks
        ),
    )  # fmt: skip
    declined = opened(lambda said: (put("major", "urn:no")(said), put("request", "asked")(said)))
    assert declined == dss.SignResponse("asked", "urn:no", "", SOON, "", SOON, "", {}, (), ())
    nameless = put("before", lambda written: re.sub(rb" RequestID=.[^ >]*", b"", written))
    assert opened(lambda said: (put("major", "urn:no")(said), nameless(said))).request == ""
    texts = rb"(?<=ToBeSignedBytes>)[^<]+|(?<=<csig:IdentityProvider>)[^<]+"
    left_out = rb" (RequestID|SignTaskId|SigType|Type)=.[^ >]*|" + texts
    bare = opened(put("before", lambda written: re.sub(left_out, b"", written)))
    assert (bare.request, bare.identity_provider) == ("", "")
    assert {(one.id, one.sigtype, one.tbs, one.algorithm) for one in bare.tasks} == {("", "", b"", "")}


def test_what_is_wrong_with_an_answer_is_told_to_whoever_looks_for_the_fault() -> None:
    for said, bend in (
        ("too large, or with", put("xml", lambda written: written + b"\0")),
        ("too large, or with", put("xml", lambda written: written + b"<!-- -->")),
        ("another profile", put("profile", "urn:another")),
        ("base64 data", put("before", lambda written: written.replace(b"ToBeSignedBytes>M", b"ToBeSignedBytes>M%"))),
        ("another version", put("version", "1.1")),
        ("not in UTC", put("before", lambda written: re.sub(rb"Z</csig:Resp", b"+01:00</csig:Resp", written))),
        ("over a part of the answer", put("signed_part", "#result")),
        ("too many values", put("before", lambda written: re.sub(rb"(<dss:ResultMaj.*Major>)", rb"\1\1", written))),
    ):  # fmt: skip
        with pytest.raises(dss.DssError, match=said):
            opened(bend)
    with pytest.raises(dss.DssError, match="no certificate of the service is known"):
        dss.open_response(b"<a/>", [], SOON)
    deep = b"<a>" * 300 + b"</a>" * 300
    most = b"<a>" + b" " * (dss.MOST - 7) + b"</a>"
    for data, code in ((most, "not-the-service"), (most + b" ", "unreadable"), (deep, "unreadable")):
        with pytest.raises(dss.DssError) as raised:
            dss.open_response(data, [], SOON)
        assert raised.value.code == code


def test_an_answer_is_utf_8_whatever_it_says_itself() -> None:
    def lying(written: bytes) -> bytes:
        plain = str(etree.tostring(etree.fromstring(written), encoding="unicode"))
        return b'<?xml version="1.0" encoding="iso-8859-1"?>' + plain.encode()

    assert opened(put("xml", lying)).attributes["urn:oid:2.16.840.1.113730.3.1.241"] == ("Åsa Öberg",)


def test_a_service_whose_certificate_has_ended_is_not_believed() -> None:
    theirs = service()
    answer = base64.b64decode(theirs.answer(begun(provider(theirs)).started.form)["EidSignResponse"])
    end = theirs.certificate.not_valid_after_utc
    assert dss.open_response(answer, [theirs.certificate], end).tasks
    with pytest.raises(dss.DssError) as raised:
        dss.open_response(answer, [theirs.certificate], end + timedelta(seconds=1))
    assert raised.value.code == "not-the-service"


@pytest.mark.parametrize(
    "bend",
    [
        put("at", NOW - SKEW),
        put("at", SOON + SKEW),
        put("authenticated", NOW - SKEW),
        put("authenticated", SOON + SKEW),
        tbs(1, signing_time=when(minutes=-1)),
        tbs(1, signing_time=when(minutes=3)),
        task(algorithm=""),
        otherwise(signature_algorithm=SignatureMethod.RSA_SHA512, digest_algorithm=DigestAlgorithm.SHA512),
    ],
)
def test_two_clocks_may_differ_by_a_minute_and_what_was_asked_for_need_not_be_said(bend: Bend) -> None:
    assert isinstance(outcome(bend), act.Signed)


def test_what_a_certificate_must_be_for_is_all_that_it_must_be_for() -> None:
    for bits in (2048, 3072):
        fit = of_a_person(usages("content_commitment", "digital_signature"), bits=bits)
        assert isinstance(outcome(by(fit)), act.Signed)


def test_a_list_counts_from_when_it_is_made_until_the_next() -> None:
    for at, holds in (
        (SOON + SKEW, True),
        (SOON + SKEW + timedelta(seconds=1), False),
        (SOON - CRL_LIFETIME, True),
        (SOON - CRL_LIFETIME - timedelta(seconds=1), False),
    ):
        theirs = service(crl=lambda at=at: stranger().crl(at))
        one = provider(theirs)
        started = begun(one)
        done = act.resume(one, started.plain, theirs.answer(started.started.form), SOON)
        assert isinstance(done, act.Signed) is holds
        assert done == Rejected("revocation-unknown") or holds
        if isinstance(done, act.Signed):
            assert done.revocation == (stranger().crl(at),)


@cache
def elliptic() -> Authority:
    """The service's authority where its key is one of an elliptic curve; the persons' keys are RSA as always."""
    key: Any = ec.generate_private_key(ec.SECP384R1())
    name, until = stranger().ca.certificate.subject, NOW + timedelta(days=365)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return replace(stranger(), ca=Credential(key, builder.sign(key, hashes.SHA384())))


def test_a_service_s_authority_may_have_an_elliptic_curve_key() -> None:
    serial = one_time(elliptic, IDENTITY, NOW, "Åsa Öberg").certificate.serial_number
    for crl, expected in (
        (elliptic().crl(SOON), None),
        (elliptic().crl(SOON, {serial: NOW}), Rejected("revoked")),
        (stranger().crl(SOON), Rejected("revocation-unknown")),  # of that name, by another key
    ):
        theirs = service(authority=elliptic, crl=lambda crl=crl: crl)
        one = provider(theirs)
        started = begun(one)
        answer = theirs.answer(started.started.form)
        done = act.resume(one, started.plain, answer, SOON, timestamper(lambda: SOON))
        if not isinstance(done, act.Signed):
            assert done == expected
            continue
        assert expected is None and done.revocation == (crl,)
        roots = [theirs.issuer, authority().ca.certificate]
        assert cms.verify(done.statement_signature, STATEMENT, roots, done.revocation).stamped_at == SOON


def test_an_act_is_kept_as_plain_data() -> None:
    by, items = (
        provider(),
        (Item("a", SignatureType.CADES, b"\1" * 32), Item("b", SignatureType.PADES, b"\2" * 32)),
    )
    made = by.begin(Intent(PERSON, "Text", items, REPLY), NOW + timedelta(microseconds=5))
    state = dict(made.state)
    request = state.pop("request")
    assert isinstance(request, bytes)
    assert made.form == {
        "Binding": "POST/XML/1.0",
        "RelayState": made.ref,
        "EidSignRequest": base64.b64encode(request).decode(),
    }
    assert len(made.ref) == 40
    assert state == {
        "ref": made.ref, "begun": "2024-03-01T09:00:00Z", "expires": "2024-03-01T09:15:00Z", "identity": IDENTITY,
        "target": "https://sign.example.org/request", "items": 2,
        "id0": "a", "type0": "CMS", "digest0": b"\1" * 32, "id1": "b", "type1": "PDF", "digest1": b"\2" * 32,
    }  # fmt: skip
    said = {
        (each.tag.partition("}")[2], each.get("SignTaskId")): each
        for each in etree.fromstring(request).iter()
        if isinstance(each.tag, str)
    }
    assert base64.b64decode(str(said["Message", None].text)) == b"Text"
    assert said["Audience", None].text == REPLY
    for number, item in enumerate(items):
        offered = base64.b64decode(str(said["SignTaskData", item.id][0].text))
        parts = {each["type"].native: each["values"][0].native for each in asn1.CMSAttributes.load(offered)}
        timed = {"signing_time": NOW} if number == 0 else {}
        assert parts == {"content_type": "data", "message_digest": item.digest} | timed


def test_what_the_service_answers_is_handed_on_to_the_letter() -> None:
    kept: list[Said] = []
    theirs = service(kept.append)
    by = provider(theirs)
    items = (Item("a", SignatureType.CADES, b"\1" * 32), Item("b", SignatureType.PADES, b"\2" * 32))
    started = by.begin(Intent(PERSON, "Text", items, REPLY), NOW)
    answer = theirs.answer(started.form)
    text, (said,) = answer["EidSignResponse"], kept
    broken = base64.encodebytes(base64.b64decode(text)).decode()
    assert by.resume(started.state, answer | {"EidSignResponse": broken}, SOON) == Done(
        tuple(SignedItem(one.id, one.tbs, said.signer.sign(one.tbs), dss.RSA_SHA256) for one in said.tasks),
        (said.signer.certificate, theirs.issuer),
        (theirs.revocations(),),
    )
    assert by.resume(started.state, answer | {"EidSignResponse": f"{text}%"}, SOON) == Rejected("unreadable")


# --- by another hand
TEMPLATE = (
    b"<ds:Signature><ds:SignedInfo>"
    b'<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
    b'<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="">'
    b'<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
    b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>'
    b'<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>'
    b"</ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
)


def test_xmlsec1_accepts_our_request_and_we_accept_what_it_signs(tmp_path: Path) -> None:
    xmlsec1, key, file = outside.need("xmlsec1"), tmp_path / "key.pem", tmp_path / "message.xml"

    def by_xmlsec1(said: Said) -> None:
        file.write_bytes(unsigned(said).replace(b'<ds:Signature Id="placeholder"/>', TEMPLATE))
        plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        key.write_bytes(said.signed_by.key.private_bytes(*plain))
        signed = tmp_path / "signed.xml"
        outside.run(xmlsec1, "--sign", "--privkey-pem", key, "--output", signed, file)
        said.xml = lambda _: signed.read_bytes()

    theirs = service(by_xmlsec1)
    by = provider(theirs)
    started = begun(by)
    file.write_bytes(base64.b64decode(started.started.form["EidSignRequest"]))
    key.write_bytes(certificate_pem(ASKED.certificate))
    outside.run(xmlsec1, "--verify", "--pubkey-cert-pem", key, file)
    assert isinstance(act.resume(by, started.plain, theirs.answer(started.started.form), SOON), act.Signed)
    file.write_bytes(file.read_bytes().replace(b"loa3", b"loa4"))
    outside.run(xmlsec1, "--verify", "--pubkey-cert-pem", key, file, expect=1)
