"""The outside authorities whose certificates persons sign with, as the municipality has accepted them: signers.pem.

- signers.pem holds the certificates that stand directly above the signers', in their one spelling, one after the other.
  signers.pem.p7s is the municipality's own signature over it (detached CMS): whoever has the municipality's certificate
  needs no other word for whom it lets vouch for the persons who sign.
- They vouch for persons' signatures and for nothing else: never for the seal, a time stamp, or the log's keys.
- An authority that is no longer used stays in the file, since what its certificates signed is still to be checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from signing.pki import certificate_der, certificate_pem
from signing.signed_data import CmsError, require_ca
from signing.vkeys import require_municipality

SIGNERS, SIGNERS_SIGNATURE, SIGNERS_LISTS = "signers.pem", "signers.pem.p7s", "signers-*.crl"


def list_name(authority: x509.Certificate) -> str:
    """Where an authority's revocation list lies, beside signers.pem."""
    return f"signers-{sha256(certificate_der(authority)).hexdigest()[:16]}.crl"


def read_signers(data: bytes) -> list[x509.Certificate]:
    """The authorities in such a file; CmsError for anything but their one spelling."""
    try:
        found = x509.load_pem_x509_certificates(data)
    except ValueError as fault:
        raise CmsError(f"{SIGNERS} does not hold certificates") from fault
    if data != b"".join(map(certificate_pem, found)):
        raise CmsError(f"{SIGNERS} is not in form")
    for each in found:
        require_ca(each)
    return found


def authorities(folder: Path) -> list[x509.Certificate]:
    """Those that lie in a folder; none without the file."""
    path = folder / SIGNERS
    return read_signers(path.read_bytes()) if path.is_file() else []


def lists(folder: Path) -> list[bytes]:
    """Their revocation lists as they lie there."""
    return [path.read_bytes() for path in sorted(folder.glob(SIGNERS_LISTS))]


def accepted_signers(
    data: bytes, signature: bytes, roots: Sequence[x509.Certificate], crls: Sequence[bytes] = ()
) -> list[x509.Certificate]:
    """The authorities that the municipality has accepted; none where there is no file, CmsError if it did not."""
    if not data:
        return []
    require_municipality(data, signature, roots, crls)
    return read_signers(data)
