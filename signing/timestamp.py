"""A time-stamp authority of our own (RFC 3161), and its place in pyHanko's port.

- A token signs TSTInfo: the imprint exactly as asked, a policy, a serial number, the time in whole seconds and the
  nonce if one came (section 2.4.2). The certificate is included when the request asks for it.
- Refusals are answers, not exceptions: badAlg for anything but SHA-256/384/512, badDataFormat for a request that does
  not parse or an imprint of the wrong length (section 2.4.2, PKIFailureInfo).
- Embedded, such an authority is self-assertion: it says when *we* say it was. An outside authority goes through the
  same port, pyHanko's TimeStamper: `HTTPTimeStamper(url)`.
- `verify_token` needs the roots, and a certificate with the one purpose timeStamping under them (section 2.3). A token
  under our own policy must also be in the one form we write; an outside authority chooses its form.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from asn1crypto import cms as asn1
from asn1crypto import core, tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.timestamps import TimeStamper

from signing.pki import Credential, whole_second
from signing.signed_data import (
    CmsError,
    Opened,
    assemble,
    open_cms,
    reassembled,
    require_issued,
    signed_attributes,
)

# An arc anyone may use without registration (ITU-T X.667): the policy "self-asserted, for this product".
POLICY = "2.25.305924137420512368112054713598273104411"
DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}
ACCURACY = timedelta(seconds=1)

T = TypeVar("T")


class _Refusal(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    # A response without a token (RFC 3161 section 2.4.2), which asn1crypto's own class cannot write.
    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012 - asn1crypto fills the list in


class TimestampAuthority:
    """Answers RFC 3161 requests with a key, a certificate and a clock (tidsstämplingstjänst)."""

    def __init__(self, credential: Credential, clock: Callable[[], datetime], policy: str = POLICY) -> None:
        self._credential = credential
        self._clock = clock
        self._policy = policy

    def respond(self, request: bytes) -> bytes:
        """The DER TimeStampResp to a DER TimeStampReq."""
        try:
            parsed = tsp.TimeStampReq.load(request, strict=True)
            imprint = parsed["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            hashed = imprint["hashed_message"].native
            nonce, wants_certificate = parsed["nonce"].native, parsed["cert_req"].native
        except (ValueError, TypeError):
            return self._refuse("bad_data_format")
        if algorithm not in DIGEST_SIZES:
            return self._refuse("bad_alg")
        if len(hashed) != DIGEST_SIZES[algorithm]:
            return self._refuse("bad_data_format")
        if parsed["req_policy"].native not in (None, self._policy):
            return self._refuse("unaccepted_policy")
        info = {
            "version": "v1",
            "policy": self._policy,
            "message_imprint": {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": hashed},
            "serial_number": secrets.randbits(120) | 1 << 120,
            "gen_time": core.GeneralizedTime(whole_second(self._clock())),
            "accuracy": {"seconds": int(ACCURACY.total_seconds())},
        }
        if nonce is not None:
            info["nonce"] = nonce
        token = self._sign(tsp.TSTInfo(info).dump(), wants_certificate)
        answer = {"status": {"status": "granted"}, "time_stamp_token": asn1.ContentInfo.load(token)}
        return bytes(tsp.TimeStampResp(answer).dump())

    def _sign(self, content: bytes, wants_certificate: bool) -> bytes:
        certificate = self._credential.certificate
        attributes = signed_attributes(hashlib.sha256(content).digest(), certificate, content_type="tst_info")
        return assemble(
            attributes,
            self._credential.sign(attributes),
            [certificate],
            content=content,
            content_type="tst_info",
            embed_certificates=wants_certificate,
        )

    @staticmethod
    def _refuse(failure: str) -> bytes:
        return bytes(_Refusal({"status": {"status": "rejection", "fail_info": {failure}}}).dump())


class LocalTimeStamper(TimeStamper):
    """Our authority behind pyHanko's port."""

    def __init__(self, authority: TimestampAuthority) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko's own signature
        self._authority = authority

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Answer in this process."""
        return tsp.TimeStampResp.load(self._authority.respond(req.dump()))


_lengths: WeakKeyDictionary[TimeStamper, int] = WeakKeyDictionary()  # of each authority's last token


def stamp(timestamper: TimeStamper, digest: bytes) -> bytes:
    """A DER token over a SHA-256 digest, from whatever authority stands behind the port."""
    token = bytes(run(timestamper.async_timestamp(digest, "sha256")).dump())
    _lengths[timestamper] = len(token)
    return token


def room(timestamper: TimeStamper) -> int:
    """Bytes to keep for the next token: one differs from the last by a few, in its serial number and nonce."""
    if timestamper not in _lengths:
        stamp(timestamper, bytes(32))
    return _lengths[timestamper] + 64


def verify_token(
    token: bytes, digest: bytes, roots: Sequence[x509.Certificate], crls: Sequence[bytes] = ()
) -> datetime:
    """The time a token vouches for, once its imprint, signature, purpose and issuer hold; else CmsError."""
    opened, at = open_token(token)
    imprint = tsp.TSTInfo.load(opened.content)["message_imprint"]
    if (
        imprint["hash_algorithm"]["algorithm"].native != "sha256"
        or imprint["hashed_message"].native != digest
    ):
        raise CmsError("the time stamp is over something else")
    require_issued(opened.certificate, roots, at, crls, opened.others)
    ours = tsp.TSTInfo.load(opened.content)["policy"].native == POLICY
    if ours and (reassembled(opened) != token or any(other not in roots for other in opened.others)):
        raise CmsError("the time stamp has unsigned parts that are not in their one form")
    return at


class Stamped(NamedTuple):
    """A time stamp that holds: whose it is, whether that was among the roots, and whether it is in our one form."""

    at: datetime
    issuer: x509.Name
    known: bool
    ours: bool


def verify_stamp(
    token: bytes,
    digest: bytes,
    roots: Sequence[x509.Certificate],
    beside: Sequence[x509.Certificate] = (),
) -> Stamped:
    """A token by one of the roots, or of the anchors that only lie beside it; else CmsError."""
    try:
        at, known = verify_token(token, digest, roots), True
    except CmsError:
        at, known = verify_token(token, digest, (*roots, *beside)), False
    opened = open_token(token)[0]
    ours = tsp.TSTInfo.load(opened.content)["policy"].native == POLICY
    return Stamped(at, opened.certificate.issuer, known, ours)


def open_token(token: bytes) -> tuple[Opened, datetime]:
    """A token whose signature fits its own certificate, and its time; says nothing about trust."""
    opened = open_cms(token, "tst_info")
    if opened.content is None or not opened.covers(opened.content):
        raise CmsError("the time stamp's content is not what was signed")
    try:
        purposes = list(opened.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        moment = tsp.TSTInfo.load(opened.content, strict=True)["gen_time"].native
    except Exception as fault:  # hostile bytes may raise anything inside the two parsers
        raise CmsError(f"not a time stamp: {fault}") from fault
    if purposes != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise CmsError("the certificate is not a time-stamp authority's")
    return opened, moment


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run pyHanko's coroutines to their end, also when the caller stands in an event loop of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()
