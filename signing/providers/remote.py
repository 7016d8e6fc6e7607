"""A signature service outside: the signer goes there, identifies with an e-legitimation, and comes back with an answer.

- The manner is that of the Swedish federation (dss.py). The service keeps no key of the person either: it makes one
  for the act, certifies it, signs all items and forgets it.
- Nothing that comes back is believed before the service's signature on the answer holds, under a certificate that was
  set here. Then, in this order: it answers this request, in time; the person is the one that was asked for, known to
  the right identity provider at the right level; their certificate is by an authority that was set here, valid now,
  for signatures, and not on that authority's own fresh revocation list; the attributes that were signed carry the
  digest that was offered and name that certificate, and nothing else was put among them; the signature holds.
- An answer that is not accepted changes nothing: the act stays as it was, so that nobody can end somebody else's act by
  sending rubbish. Only the service itself can say that there will be no signature.
- The service is asked for RSA with SHA-256, the one form that every reader of a sealed PDF accepts (pki.py), and may
  put the certificate's name among the attributes, since it alone knows the certificate. The time of a signature in a
  PDF stands in the PDF (EN 319 142-1 section 6.3); beside a document the service may move it within the act.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from asn1crypto import cms as asn1
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from signing.cms import complete
from signing.pki import Credential, auth_context, certificate_der, instant_text, whole_second
from signing.providers import dss
from signing.providers.port import (
    Action,
    Answer,
    Callback,
    Capabilities,
    Done,
    Failed,
    Intent,
    Item,
    Kind,
    Pending,
    Plain,
    Rejected,
    SignatureType,
    SignedItem,
    Started,
    State,
)
from signing.signed_data import CmsError, attribute_values, open_cms, require_issued

OFFER_LASTS = timedelta(minutes=15)
SKEW = timedelta(minutes=1)  # by how much two machines' clocks may differ
BINDING = "POST/XML/1.0"  # 2019-312, section 3.1.1
_SIGTYPES = {SignatureType.PADES: "PDF", SignatureType.CADES: "CMS"}
_ALWAYS = {"content_type", "message_digest", "signing_certificate_v2"}
_ATTRIBUTES = {"PDF": _ALWAYS, "CMS": _ALWAYS | {"signing_time"}}
Revocations = Callable[[], Sequence[bytes]]


@dataclass(frozen=True)
class Service:
    """What was set about a signature service; answers are held to it (underskriftstjänst).

    certificates sign the service's answers; issuers stand directly above the signers' certificates.
    """

    url: str
    entity_id: str
    requester: str
    identity_provider: str
    attribute: str
    level: str
    certificates: tuple[x509.Certificate, ...]
    issuers: tuple[x509.Certificate, ...]


class _NotAccepted(Exception):
    """Why an answer is not accepted, as a code."""


class RemoteProvider:
    """A signature service in the manner of DSS-Ext 1.5 (fristående underskriftstjänst)."""

    capabilities = Capabilities(
        Kind.RAW, certificate_known_before=False, may_alter_tbs=True, interactive=True, batch=True
    )

    def __init__(
        self, service: Service, request_key: Callable[[], Credential], revocations: Revocations
    ) -> None:
        self.service, self._request_key, self._revocations = service, request_key, revocations

    def begin(self, intent: Intent, now: datetime) -> Started:
        """Write the request that the signer's browser is to carry there."""
        if len({item.id for item in intent.items}) != len(intent.items) or not intent.items:
            raise ValueError("an act signs at least one item, each with its own id")
        if not intent.reply_to or not intent.signer.identity:
            raise ValueError("the service must know whom to ask for and where to answer")
        ref, begun, expires = secrets.token_hex(20), whole_second(now), whole_second(now) + OFFER_LASTS
        request = dss.SignRequest(
            id=ref,
            at=begun,
            until=expires,
            reply_to=intent.reply_to,
            requester=self.service.requester,
            service=self.service.entity_id,
            identity_provider=self.service.identity_provider,
            level=self.service.level,
            attribute=self.service.attribute,
            identity=intent.signer.identity,
            message=intent.visible_text,
            tasks=tuple(
                dss.Task(item.id, _SIGTYPES[item.sigtype], _offered(item, begun)) for item in intent.items
            ),
        )
        state: dict[str, Plain] = {
            "ref": ref,
            "begun": instant_text(begun),
            "expires": instant_text(expires),
            "identity": intent.signer.identity,
            "target": self.service.url,
            "request": dss.write_request(request, self._request_key()),
            "items": len(intent.items),
        }
        for number, item in enumerate(intent.items):
            state |= {
                f"id{number}": item.id,
                f"type{number}": _SIGTYPES[item.sigtype],
                f"digest{number}": item.digest,
            }
        return Started(ref, Action.REDIRECT, expires, state, self.service.url, _form(state))

    def resume(self, state: State, callback: Callback, now: datetime) -> Answer:
        """Hold what came back to what was asked for; without it, say again where the signer is to go."""
        expires = _moment(state["expires"])
        if callback is None:
            pending = Pending(str(state["target"]), _form(state))
            return pending if now <= expires else Failed("expired")
        if not isinstance(callback, Mapping):
            return Rejected("unreadable")
        try:
            if now > expires:
                raise _NotAccepted("late")
            found = self._opened(callback, now)
            _answers(found, callback, state, now)
            if found.major != dss.SUCCESS:
                return Failed("service-declined")
            self._by_whom(found, state, now)
            issuer, crls = self._issued(found, str(state["identity"]), now)
            chain = (found.chain[0], issuer)
            return Done(_items(found, state, chain, now), chain, crls)
        except _NotAccepted as error:
            return Rejected(str(error))

    def _opened(self, callback: Mapping[str, str], now: datetime) -> dss.SignResponse:
        try:
            data = base64.b64decode("".join(callback.get("EidSignResponse", "").split()), validate=True)
            return dss.open_response(data, self.service.certificates, now)
        except ValueError as error:
            raise _NotAccepted(error.code if isinstance(error, dss.DssError) else "unreadable") from error

    def _by_whom(self, found: dss.SignResponse, state: State, now: datetime) -> None:
        """The person that was asked for, identified for this act as it was asked for."""
        if (found.identity_provider, found.level) != (self.service.identity_provider, self.service.level):
            raise _NotAccepted("too-weak")
        if found.attributes.get(self.service.attribute) != (state["identity"],):
            raise _NotAccepted("another-person")
        if not _moment(state["begun"]) - SKEW <= found.authenticated_at <= now + SKEW:
            raise _NotAccepted("out-of-time")

    def _issued(
        self, found: dss.SignResponse, identity: str, now: datetime
    ) -> tuple[x509.Certificate, tuple[bytes, ...]]:
        """The authority that vouches for the signer's certificate, and its revocation list."""
        if not found.chain:
            raise _NotAccepted("another-issuer")
        certificate = found.chain[0]
        try:
            issuer = require_issued(certificate, self.service.issuers, now)
            usable = _signs_documents(certificate) and auth_context(certificate)
        except Exception as error:  # what stands in a certificate may raise anything inside the parser
            raise _NotAccepted("another-issuer") from error
        if not usable:
            raise _NotAccepted("another-issuer")
        names = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        if [name.value for name in names] != [identity]:
            raise _NotAccepted("another-person")
        crls = tuple(crl for crl in self._revocations() if _fresh_list(crl, issuer, now))
        if not crls:
            raise _NotAccepted("revocation-unknown")
        try:
            require_issued(certificate, [issuer], now, crls)
        except CmsError as error:
            raise _NotAccepted("revoked") from error
        return issuer, crls


def _offered(item: Item, begun: datetime) -> bytes:
    """The attributes that the service is to sign, without the certificate's name, which it alone can add."""
    values: list[tuple[str, object]] = [("content_type", "data"), ("message_digest", item.digest)]
    if item.sigtype is SignatureType.CADES:
        values.append(("signing_time", asn1.Time({"utc_time": core.UTCTime(begun)})))
    attributes = asn1.CMSAttributes([asn1.CMSAttribute({"type": t, "values": (v,)}) for t, v in values])
    return bytes(attributes.dump())


def _form(state: State) -> dict[str, str]:
    request = state["request"]
    assert isinstance(request, bytes)
    sent = base64.b64encode(request).decode()
    return {"Binding": BINDING, "RelayState": str(state["ref"]), "EidSignRequest": sent}


def _answers(found: dss.SignResponse, callback: Mapping[str, str], state: State, now: datetime) -> None:
    """That this is the answer to this request, made between its beginning and now."""
    if not found.request == callback.get("RelayState") == state["ref"]:
        raise _NotAccepted("another-request")
    if not _moment(state["begun"]) - SKEW <= found.at <= now + SKEW:
        raise _NotAccepted("out-of-time")


def _items(
    found: dss.SignResponse, state: State, chain: tuple[x509.Certificate, ...], now: datetime
) -> tuple[SignedItem, ...]:
    """Every item that was offered, once, each signed over attributes that say what they must and nothing else."""
    offered = {
        str(state[f"id{number}"]): (state[f"type{number}"], state[f"digest{number}"])
        for number in range(int(str(state["items"])))
    }
    if sorted(task.id for task in found.tasks) != sorted(offered):
        raise _NotAccepted("altered-bytes")
    for task in found.tasks:
        sigtype, digest = offered[task.id]
        if task.algorithm not in ("", dss.RSA_SHA256) or task.sigtype != sigtype:
            raise _NotAccepted("altered-bytes")
        try:
            values = attribute_values(task.tbs)
        except CmsError as error:
            raise _NotAccepted("altered-bytes") from error
        if values.keys() != _ATTRIBUTES[task.sigtype] or values["message_digest"].native != digest:
            raise _NotAccepted("altered-bytes")
        named = values["signing_certificate_v2"]["certs"][0]["cert_hash"].native
        if values["content_type"].native != "data" or named != sha256(certificate_der(chain[0])).digest():
            raise _NotAccepted("altered-bytes")
        time = values.get("signing_time")
        if time and not _moment(state["begun"]) - SKEW <= time.native <= now + SKEW:
            raise _NotAccepted("out-of-time")
        try:
            open_cms(complete(task.tbs, task.signature, chain))
        except CmsError as error:
            raise _NotAccepted("wrong-signature") from error
    return tuple(SignedItem(task.id, task.tbs, task.signature, dss.RSA_SHA256) for task in found.tasks)


def _signs_documents(certificate: x509.Certificate) -> bool:
    """Whether it is a person's certificate for signatures by an RSA key (2019-313 and RFC 5280, 4.2.1.3)."""
    key = certificate.public_key()
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    is_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048
    return is_rsa and usage.content_commitment and not usage.key_cert_sign


def _fresh_list(der: bytes, issuer: x509.Certificate, now: datetime) -> bool:
    """Whether this is the issuer's own revocation list, and the one that counts now."""
    crl, key = x509.load_der_x509_crl(der), issuer.public_key()
    if crl.issuer != issuer.subject or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return False
    until = crl.next_update_utc
    in_time = until is not None and crl.last_update_utc - SKEW <= now <= until
    return in_time and crl.is_signature_valid(key)


def _moment(text: Plain) -> datetime:
    return datetime.fromisoformat(str(text))
