"""The signature service outside that a registry is set up with: what is known of it, and its authorities' lists.

- What the service is stands in liggare.toml; its certificates were put into pki/ by whoever runs the registry:
  service.pem, which its answers are signed under, and signers.pem, the authorities of its signers. Without all of them
  nobody signs: a service that nothing is known of is believed in nothing.
- signers.pem is published under the municipality's own signature, so that an outsider knows who may vouch for persons.
- An authority's revocation list is fetched anew for each answer. If it cannot be had, the last one counts for as long
  as it says itself. The newest is kept beside signers.pem: the seal puts it into the document, and exports carry it.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress

from cryptography import x509

from api.faults import Fault
from api.wiring import Municipality
from signing import cms
from signing.export import read_if_there
from signing.pki import CRL
from signing.providers.remote import RemoteProvider, Service
from signing.signed_data import CmsError, is_list_of
from signing.signers import SIGNERS, SIGNERS_SIGNATURE, accepted_signers, list_name, lists, read_signers

SERVICE = "service.pem"
PATIENCE, MOST = 10.0, 10 << 20


class NotReady(Fault):
    """The service is set up in part: a certificate is missing or cannot be read."""


def connect(m: Municipality) -> RemoteProvider:
    """The service, ready to be asked. Raises NotReady."""
    set_up = m.settings.signature_service
    assert set_up is not None, "asked only where one is set"
    certificates, issuers = _answering(m), _authorities(m)
    publish(m)
    service = Service(
        url=set_up.url,
        entity_id=set_up.entity_id,
        requester=set_up.requester,
        identity_provider=set_up.identity_provider,
        attribute=set_up.attribute,
        level=set_up.level,
        certificates=certificates,
        issuers=issuers,
    )
    return RemoteProvider(service, m.keys.requester, lambda: fetch(m, issuers, set_up.crl_urls))


def _answering(m: Municipality) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates((m.keys.folder / SERVICE).read_bytes()))
    except (OSError, ValueError) as error:
        raise NotReady("service-not-ready", file=m.keys.folder / SERVICE) from error


def _authorities(m: Municipality) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(read_signers((m.keys.folder / SIGNERS).read_bytes()))
    except (OSError, CmsError) as error:
        raise NotReady("service-not-ready", file=m.keys.folder / SIGNERS) from error


def publish(m: Municipality) -> None:
    """Sign signers.pem as the municipality, if there is one and that has not been done for what it holds now."""
    folder, authority = m.keys.folder, m.keys.authority
    if not (data := read_if_there(folder / SIGNERS)):
        return
    anchor, crl = authority.ca.certificate, (folder / CRL).read_bytes()
    with suppress(CmsError):
        accepted_signers(data, read_if_there(folder / SIGNERS_SIGNATURE), [anchor], [crl])
        return
    signed = cms.sign(data, authority.seal, [anchor], m.registry.now(), m.keys.timestamper)
    m.keys.write({SIGNERS_SIGNATURE: signed})


# --- revocation lists


def fetch(m: Municipality, issuers: Sequence[x509.Certificate], urls: Sequence[str]) -> list[bytes]:
    """The authorities' newest revocation lists: fetched if they can be, and kept."""
    for der in _fetched(urls):
        for issuer in issuers:
            with suppress(CmsError):
                if is_list_of(der, [issuer]) and _newer(
                    der, read_if_there(m.keys.folder / list_name(issuer))
                ):
                    m.keys.write({list_name(issuer): der})
    return lists(m.keys.folder)


def _fetched(urls: Sequence[str]) -> Iterator[bytes]:
    for url in urls:
        # If it cannot be had, the last list counts for as long as it says. Settings take addresses of HTTP alone.
        with suppress(OSError), urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310  # as said
            yield answer.read(MOST)


def _newer(der: bytes, old: bytes) -> bool:
    return (
        not old or x509.load_der_x509_crl(der).last_update_utc >= x509.load_der_x509_crl(old).last_update_utc
    )
