"""The keys that a municipality signs with, and what is published of them.

- pki/ holds the authority's certificates in the clear and its private keys as encrypted PKCS#8, under a secret
  derived from the root key; the log's keys likewise. trust.pem is the anchor that an outsider needs: the municipality
  has signed log.vkeys, the log's public keys, under it.
- New keys are written beside those that stand (.next.) before the log tells of them, and take their place after it: a
  run that was stopped is finished by the next one with the same keys. A process that has the folder open notices.
- The log signs its checkpoints twice: Ed25519, and ML-DSA-44 beside it for the day when the first no longer holds.
- The log's new keys count from the moment when log.vkeys names them last; whoever opens the folder then finishes what
  is left to do. Nobody signs while it is written.
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

from api.faults import Fault
from registry.files import sync_folder, write_synced
from registry.mapper import EvidenceBroken
from registry.vault import Vault
from signing import cms, vkeys
from signing.export import ANCHOR, Broken, read_anchor, read_if_there
from signing.note import Algorithm, NoteError, Vkey
from signing.pki import CRL, Authority, Credential, certificate_pem, key_pem, load_credential
from signing.signed_data import CmsError
from signing.signer import Signer
from signing.timestamp import LocalTimeStamper, TimestampAuthority
from signing.token import Token
from signing.vkeys import VKEYS, VKEYS_SIGNATURE, LogKeys

LOG_KINDS = {"ed25519": Algorithm.ED25519, "mldsa44": Algorithm.ML_DSA_44}

REQUESTER = "requests"


class KeyRoom:
    """One municipality's authority, log keys and time-stamp authority."""

    def __init__(
        self,
        folder: Path,
        origin: str,
        vault: Vault,
        clock: Callable[[], datetime],
        token: Token | None = None,
    ) -> None:
        self.token = token
        self.folder, self._origin, self._vault, self._clock = folder, origin, vault, clock
        self._seen = self._state()
        self._held = self._read()

    @property
    def authority(self) -> Authority:
        return self._current().authority

    @property
    def log_signers(self) -> tuple[Signer, ...]:
        return self._current().log_signers

    @property
    def log(self) -> LogKeys:
        """The log's public keys, those of before included."""
        return self._current().log

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

    def requester(self) -> Credential:
        """The key for requests to a signature service, made when it is first asked for."""
        place = {kind: self.folder / f"{REQUESTER}.{kind}.pem" for kind in ("key", "cert")}
        secret = _secret(self._vault)
        if not place["cert"].is_file():
            made = self.authority.issue_requester(self._clock())
            # The certificate last: it is what says that there is a key.
            self.write({place["key"].name: key_pem(made, secret)})
            self.write({place["cert"].name: certificate_pem(made.certificate)})
        return load_credential(place["cert"].read_bytes(), place["key"].read_bytes(), secret, REQUESTER)

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
        return load_credential(
            place["cert"].read_bytes(), place["key"].read_bytes(), secret, part, self.token
        )

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

    # --- the log's keys
    def awaiting_log(self) -> tuple[Signer, ...] | None:
        """The log's next keys, if they were made and do not count yet."""
        if not all((self.folder / _next(_log_key(kind))).is_file() for kind in LOG_KINDS):
            return None
        return tuple(self._log_signer(_next(_log_key(kind))) for kind in LOG_KINDS)

    def make_log(self) -> tuple[Signer, ...]:
        """New keys for the log, which do not count yet."""
        signers = tuple(Signer.generate(self._origin, kind) for kind in LOG_KINDS.values())
        secret = _secret(self._vault)
        files = {
            _next(_log_key(kind)): one.dump(secret) for kind, one in zip(LOG_KINDS, signers, strict=True)
        }
        self.write(files)
        return signers

    def publish(self, keys: LogKeys) -> None:
        """Sign the log's keys and let them count; new private keys that they name take their place."""
        authority, now, data = self.authority, self._clock(), keys.write()
        signature = cms.sign(data, authority.seal, [authority.ca.certificate], now, self.timestamper)
        self.write(
            {_next(VKEYS): data}
        )  # before its signature: whoever finds that alone knows that these count
        self.write({_next(VKEYS_SIGNATURE): signature})
        (self.folder / _next(VKEYS)).replace(self.folder / VKEYS)
        sync_folder(self.folder)
        self._current()

    @contextmanager
    def pen(self) -> Iterator[KeyRoom]:
        """Nobody else, in whatever process, signs a checkpoint meanwhile or puts other keys of the log in place."""
        with _locked(self.trust_anchor):
            yield self

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else, in whatever process, changes the keys meanwhile."""
        with _locked(self.folder):
            yield

    def _log_signer(self, name: str) -> Signer:
        return Signer.load(self._origin, (self.folder / name).read_bytes(), _secret(self._vault))

    def _settle_log(self) -> LogKeys:
        """The log's keys; a replacement that was stopped when they counted is finished."""
        keys, signature = (
            LogKeys.read((self.folder / VKEYS).read_bytes()),
            self.folder / _next(VKEYS_SIGNATURE),
        )
        for name, next_ in ((_log_key(kind), self.folder / _next(_log_key(kind))) for kind in LOG_KINDS):
            with suppress(FileNotFoundError):  # as a rule; or another process has just done it
                if self._log_signer(next_.name).vkey in keys.eras[-1].vkeys:
                    next_.replace(self.folder / name)
                    sync_folder(self.folder)
        if signature.is_file() and not (self.folder / _next(VKEYS)).exists():
            with suppress(FileNotFoundError):  # another process has just done it
                signature.replace(self.folder / VKEYS_SIGNATURE)
            sync_folder(self.folder)
        return keys

    def _state(self) -> tuple[int, int, int]:
        """What changes when another process puts new keys there."""
        vkeys = (self.folder / VKEYS).stat()
        return self.folder.stat().st_mtime_ns, vkeys.st_ino, vkeys.st_mtime_ns

    def _current(self) -> _Held:
        if (now := self._state()) != self._seen:
            self._held, self._seen = self._read(), now
        return self._held

    def _read(self) -> _Held:
        secret = _secret(self._vault)
        for part in ("seal", "timestamp"):
            _settle(self.folder, part)
        if not (self.folder / CRL).is_file():  # without it, what was found out would count again
            raise Fault("crl-missing", file=self.folder / CRL)
        found = {path.name: path.read_bytes() for path in [*self.folder.glob("*.pem"), self.folder / CRL]}
        authority = Authority.load(found, secret, self.token)
        log = self._settle_log()
        signers = tuple(self._log_signer(_log_key(kind)) for kind in LOG_KINDS)
        stamps = LocalTimeStamper(TimestampAuthority(authority.timestamp, self._clock))
        return _Held(authority, log, signers, stamps)


@dataclass(frozen=True)
class _Held:
    authority: Authority
    log: LogKeys
    log_signers: tuple[Signer, ...]
    timestamper: LocalTimeStamper


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _log_key(kind: str) -> str:
    return f"log-{kind}.key.pem"


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
    signers = {kind: Signer.generate(origin, algorithm) for kind, algorithm in LOG_KINDS.items()}
    published = LogKeys.of([signer.vkey for signer in signers.values()]).write()
    timestamper = LocalTimeStamper(TimestampAuthority(authority.timestamp, lambda: now))
    files = authority.dump(secret, now) | {
        VKEYS: published,
        VKEYS_SIGNATURE: cms.sign(published, authority.seal, [authority.ca.certificate], now, timestamper),
        ANCHOR: certificate_pem(authority.ca.certificate),
    }
    _write(folder, files | {_log_key(kind): signer.dump(secret) for kind, signer in signers.items()})


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for file, content in files.items():
        write_synced(folder / file, content, secret=file.endswith(".key.pem"))


def load_keys(
    folder: Path, origin: str, vault: Vault, clock: Callable[[], datetime], token: Token | None = None
) -> KeyRoom:
    """The keys of a municipality, opened with its vault's secret; that of the seal perhaps on a token."""
    return KeyRoom(folder, origin, vault, clock, token)


def read_keys(folder: Path) -> LogKeys:
    """The log's public keys, which the municipality has signed; raises EvidenceBroken, as verify would say it."""
    try:
        found = LogKeys.read((folder / VKEYS).read_bytes())
        anchor = read_anchor((folder / ANCHOR).read_bytes())
        vkeys.open_signature(found, keys_signature(folder), [anchor])
    except (NoteError, Broken, CmsError) as error:
        raise EvidenceBroken(f"{folder / VKEYS}: {error}") from error
    return found


def keys_signature(folder: Path) -> bytes:
    """The municipality's signature over the log's keys, also where a replacement of them was stopped."""
    waiting = folder / _next(VKEYS_SIGNATURE)
    counts = waiting.is_file() and not (folder / _next(VKEYS)).exists()
    return read_if_there(waiting if counts else folder / VKEYS_SIGNATURE)


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
