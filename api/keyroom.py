"""The keys that a municipality signs with, and what is published of them.

- pki/ holds the authority's certificates in the clear and its private keys as encrypted PKCS#8, under a secret
  derived from the root key; the log's keys likewise. trust.pem is the anchor that an outsider needs: the municipality
  has signed log.vkeys, the log's public keys, under it.
- The log signs its checkpoints twice: Ed25519, and ML-DSA-44 beside it for the day when the first no longer holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from registry.files import write_synced
from registry.mapper import EvidenceBroken
from registry.vault import Vault
from signing import cms, vkeys
from signing.export import ANCHOR, Broken, read_anchor
from signing.note import Algorithm, NoteError, Vkey
from signing.pki import Authority, certificate_pem
from signing.signed_data import CmsError
from signing.signer import Signer
from signing.timestamp import LocalTimeStamper, TimestampAuthority
from signing.vkeys import VKEYS, VKEYS_SIGNATURE


@dataclass(frozen=True)
class KeyRoom:
    """One municipality's authority, log keys and time-stamp authority."""

    folder: Path
    authority: Authority
    log_signers: tuple[Signer, ...]
    timestamper: LocalTimeStamper

    @property
    def trust_anchor(self) -> Path:
        return self.folder / ANCHOR

    @property
    def vkeys(self) -> list[Vkey]:
        return [signer.vkey for signer in self.log_signers]


def create_keys(folder: Path, name: str, origin: str, vault: Vault, now: datetime) -> None:
    """Make a municipality's keys and write them down; takes about a second."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = _secret(vault)
    authority = Authority.create(name, now)
    signers = [Signer.generate(origin, Algorithm.ED25519), Signer.generate(origin, Algorithm.ML_DSA_44)]
    published = vkeys.write_vkeys([signer.vkey for signer in signers])
    timestamper = LocalTimeStamper(TimestampAuthority(authority.timestamp, lambda: now))
    files = authority.dump(secret) | {
        "log-ed25519.key.pem": signers[0].dump(secret),
        "log-mldsa44.key.pem": signers[1].dump(secret),
        VKEYS: published,
        VKEYS_SIGNATURE: cms.sign(published, authority.seal, [authority.ca.certificate], now, timestamper),
        "ca.crl": authority.crl(now),
        ANCHOR: certificate_pem(authority.ca.certificate),
    }
    for file, content in files.items():
        write_synced(folder / file, content, secret=file.endswith(".key.pem"))


def load_keys(folder: Path, origin: str, vault: Vault, clock: Callable[[], datetime]) -> KeyRoom:
    """The keys of a municipality, opened with its vault's secret."""
    secret = _secret(vault)
    authority = Authority.load({path.name: path.read_bytes() for path in folder.glob("*.pem")}, secret)
    signers = tuple(
        Signer.load(origin, (folder / f"log-{kind}.key.pem").read_bytes(), secret)
        for kind in ("ed25519", "mldsa44")
    )
    return KeyRoom(
        folder, authority, signers, LocalTimeStamper(TimestampAuthority(authority.timestamp, clock))
    )


def read_vkeys(folder: Path) -> list[Vkey]:
    """The log's public keys, which the municipality has signed; raises EvidenceBroken, as verify would say it."""
    try:
        found = vkeys.read_vkeys((folder / VKEYS).read_bytes())
        anchor = read_anchor((folder / ANCHOR).read_bytes())
        vkeys.open_signature(found, (folder / VKEYS_SIGNATURE).read_bytes(), [anchor])
    except (NoteError, Broken, CmsError) as error:
        raise EvidenceBroken(f"{folder / VKEYS}: {error}") from error
    return found


def witness_signers(folder: Path, origin: str, vault: Vault) -> tuple[Signer, ...]:
    """The keys that this registry cosigns other logs with, made when they are first asked for; never the log's own."""
    secret, name = _secret(vault), f"{origin}/witness"
    kinds = {"ed25519": Algorithm.ED25519_COSIGNATURE, "mldsa44": Algorithm.ML_DSA_44}
    files = {kind: folder / f"witness-{kind}.key.pem" for kind in kinds}
    for kind, file in files.items():
        if not file.is_file():
            write_synced(file, Signer.generate(name, kinds[kind]).dump(secret), secret=True)
    return tuple(Signer.load(name, file.read_bytes(), secret, cosigns=True) for file in files.values())


def _secret(vault: Vault) -> bytes:
    return vault.derive("private keys").hex().encode()
