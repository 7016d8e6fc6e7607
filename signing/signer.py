"""The private keys that sign checkpoints, and how they are kept.

- A key signs under a name, and name, use and public key give its id (C2SP signed-note, "Signatures").
- An Ed25519 key serves either as a log's key or as a witness's, told by `cosigns`; an ML-DSA-44 key is
  always a cosigner's (C2SP tlog-cosignature). The same Ed25519 key is not used for both (same document).
- A key is kept as PKCS#8 encrypted under a secret (RFC 5958). The secret is a random key of at least 16
  bytes, not a password: the derivation in the file slows nobody down who guesses words.
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from signing.note import Algorithm, BadKey, Vkey

SEED_SIZE = 32
MIN_SECRET_BYTES = 16


class Signer:
    """A private key that signs checkpoints under a name."""

    def __init__(
        self, name: str, key: Ed25519PrivateKey | MLDSA44PrivateKey, *, cosigns: bool = False
    ) -> None:
        if isinstance(key, MLDSA44PrivateKey):
            algorithm = Algorithm.ML_DSA_44
        elif cosigns:
            algorithm = Algorithm.ED25519_COSIGNATURE
        else:
            algorithm = Algorithm.ED25519
        self._key = key
        self.vkey = Vkey(name, algorithm, key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str, algorithm: Algorithm) -> "Signer":
        """A new random key."""
        if algorithm is Algorithm.ML_DSA_44:
            return cls(name, MLDSA44PrivateKey.generate())
        return cls(name, Ed25519PrivateKey.generate(), cosigns=algorithm is Algorithm.ED25519_COSIGNATURE)

    @classmethod
    def from_seed(cls, name: str, algorithm: Algorithm, seed: bytes) -> "Signer":
        """The key that grows from this seed of 32 bytes, as both kinds do (RFC 8032 5.1.5, FIPS 204 5.1)."""
        if len(seed) != SEED_SIZE:
            raise BadKey(f"A seed is {SEED_SIZE} bytes long, not {len(seed)}.")
        if algorithm is Algorithm.ML_DSA_44:
            return cls(name, MLDSA44PrivateKey.from_seed_bytes(seed))
        return cls(
            name,
            Ed25519PrivateKey.from_private_bytes(seed),
            cosigns=algorithm is Algorithm.ED25519_COSIGNATURE,
        )

    @classmethod
    def load(cls, name: str, pem: bytes, secret: bytes, *, cosigns: bool = False) -> "Signer":
        """The key kept by `dump`, under the same secret."""
        _check_secret(secret)
        try:
            key = serialization.load_pem_private_key(pem, secret)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadKey(f"The kept key of {name!r} does not open: wrong secret or broken file.") from error
        if not isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey):
            raise BadKey(f"The kept key of {name!r} is neither an Ed25519 nor an ML-DSA-44 key.")
        return cls(name, key, cosigns=cosigns)

    def dump(self, secret: bytes) -> bytes:
        """The private key as PEM, encrypted under the secret. Its name and use are not in it."""
        _check_secret(secret)
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(secret),
        )

    def sign(self, message: bytes) -> bytes:
        """The bare signature over these bytes."""
        return self._key.sign(message)


def _check_secret(secret: bytes) -> None:
    if len(secret) < MIN_SECRET_BYTES:
        raise BadKey(f"The secret that guards a key is at least {MIN_SECRET_BYTES} random bytes.")
