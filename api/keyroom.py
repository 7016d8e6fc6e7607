"""The keys that a municipality signs with, and what is published of them.

- pki/ holds the authority's certificates in the clear and its private keys as encrypted PKCS#8, under a secret
  derived from the root key; the log's keys likewise. trust.pem is the anchor that an outsider needs: the municipality
  has signed log.vkeys, the log's public keys, under it.
- New keys are written beside those that stand (.next.) before the log tells of them, and take their place after it: a
  run that was stopped is finished by the next one with the same keys. A process that has the folder open notices.
- The log signs its checkpoints twice: Ed25519, and ML-DSA-44 beside it for the day when the first no longer holds.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from registry.files import sync_folder, write_synced
from registry.mapper import EvidenceBroken
from registry.vault import Vault
from signing import cms, vkeys
from signing.export import ANCHOR, Broken, read_anchor
from signing.note import Algorithm, NoteError, Vkey
from signing.pki import CRL, Authority, Credential, certificate_pem, load_credential
from signing.signed_data import CmsError
from signing.signer import Signer
from signing.timestamp import LocalTimeStamper, TimestampAuthority
from signing.vkeys import VKEYS, VKEYS_SIGNATURE


class KeyRoom:
    """One municipality's authority, log keys and time-stamp authority."""

    def __init__(self, folder: Path, origin: str, vault: Vault, clock: Callable[[], datetime]) -> None:
        self.folder, self._origin, self._vault, self._clock = folder, origin, vault, clock
        self._seen = folder.stat().st_mtime_ns
        self._held = self._read()

    @property
    def authority(self) -> Authority:
        return self._current().authority

    @property
    def log_signers(self) -> tuple[Signer, ...]:
        return self._current().log_signers

    @property
    def timestamper(self) -> LocalTimeStamper:
        return self._current().timestamper

    @property
    def trust_anchor(self) -> Path:
        return self.folder / ANCHOR

    @property
    def vkeys(self) -> list[Vkey]:
        return [signer.vkey for signer in self.log_signers]

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files of the folder, private keys for their owner's eyes only."""
        _write(self.folder, files)

    def keep(self, authority: Authority, now: datetime, *parts: str) -> None:
        """Write what of an authority is to be kept: the revocation list, and the parts whose keys are new, as next."""
        made = authority.dump(_secret(self._vault), now)
        names = [CRL, *(f"{part}.{kind}.pem" for part in parts for kind in ("cert", "key"))]
        self.write({_next(name) if name != CRL else name: made[name] for name in names})

    def awaiting(self, part: str) -> Credential | None:
        """The key and certificate that were made for a part and have not taken their place yet."""
        place = {kind: self.folder / f"{part}.next.{kind}.pem" for kind in ("cert", "key")}
        if not all(path.is_file() for path in place.values()):
            return None
        secret = _secret(self._vault)
        return load_credential(place["cert"].read_bytes(), place["key"].read_bytes(), secret, part)

    def switch(self, part: str) -> None:
        """Let the next key of a part take its place; the certificate it had stays beside it, its key does not."""
        old = self.folder / f"{part}.cert.pem"
        serial = x509.load_pem_x509_certificate(old.read_bytes()).serial_number
        self.write({f"{part}-{serial:x}.cert.pem": old.read_bytes()})
        (self.folder / f"{part}.next.cert.pem").replace(old)
        sync_folder(self.folder)
        _settle(self.folder, part)

    def earlier(self, part: str) -> list[x509.Certificate]:
        """The certificates that a part had before."""
        paths = sorted(self.folder.glob(f"{part}-*.cert.pem"))
        return [x509.load_pem_x509_certificate(path.read_bytes()) for path in paths]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else, in whatever process, changes the keys meanwhile."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _current(self) -> _Held:
        # Another process may have put new keys there.
        if (now := self.folder.stat().st_mtime_ns) != self._seen:
            self._held, self._seen = self._read(), now
        return self._held

    def _read(self) -> _Held:
        secret = _secret(self._vault)
        for part in ("seal", "timestamp"):
            _settle(self.folder, part)
        found = {path.name: path.read_bytes() for path in [*self.folder.glob("*.pem"), self.folder / CRL]}
        authority = Authority.load(found, secret)
        signers = tuple(
            Signer.load(self._origin, (self.folder / f"log-{kind}.key.pem").read_bytes(), secret)
            for kind in ("ed25519", "mldsa44")
        )
        stamps = LocalTimeStamper(TimestampAuthority(authority.timestamp, self._clock))
        return _Held(authority, signers, stamps)


@dataclass(frozen=True)
class _Held:
    authority: Authority
    log_signers: tuple[Signer, ...]
    timestamper: LocalTimeStamper


def _next(name: str) -> str:
    part, _, rest = name.partition(".")
    return f"{part}.next.{rest}"


def _settle(folder: Path, part: str) -> None:
    """Finish a switch that was stopped between its two files."""
    key = folder / f"{part}.next.key.pem"
    if key.is_file() and not (folder / f"{part}.next.cert.pem").exists():
        with suppress(FileNotFoundError):  # another process has just done it
            key.replace(folder / f"{part}.key.pem")
        sync_folder(folder)


def create_keys(folder: Path, name: str, origin: str, vault: Vault, now: datetime) -> None:
    """Make a municipality's keys and write them down; takes about a second."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = _secret(vault)
    authority = Authority.create(name, now)
    signers = [Signer.generate(origin, Algorithm.ED25519), Signer.generate(origin, Algorithm.ML_DSA_44)]
    published = vkeys.write_vkeys([signer.vkey for signer in signers])
    timestamper = LocalTimeStamper(TimestampAuthority(authority.timestamp, lambda: now))
    files = authority.dump(secret, now) | {
        "log-ed25519.key.pem": signers[0].dump(secret),
        "log-mldsa44.key.pem": signers[1].dump(secret),
        VKEYS: published,
        VKEYS_SIGNATURE: cms.sign(published, authority.seal, [authority.ca.certificate], now, timestamper),
        ANCHOR: certificate_pem(authority.ca.certificate),
    }
    _write(folder, files)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for file, content in files.items():
        write_synced(folder / file, content, secret=file.endswith(".key.pem"))


def load_keys(folder: Path, origin: str, vault: Vault, clock: Callable[[], datetime]) -> KeyRoom:
    """The keys of a municipality, opened with its vault's secret."""
    return KeyRoom(folder, origin, vault, clock)


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
