"""A key that lies on a token behind PKCS #11: a hardware security module, or a card (nyckel på token).

- The key is made on the token and never leaves it. What is kept here in its place is its public half, as PEM; by that
  the private half is found again.
- It looks as any other RSA key to whoever signs, and can do one thing: RSASSA-PKCS1-v1_5 with SHA-256 (PKCS #11,
  CKM_SHA256_RSA_PKCS). A signature is checked before it is handed on: a token that errs is told, not believed.
- The token is opened for each signature and closed after it, one at a time. Nothing is asked of it when a registry is
  opened, so that one whose token is away can still be read.
- Which library speaks to the token, which token, and where its PIN is found are handed in. The PIN is read when needed
  and not kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

BITS = 3072
PUBLIC = b"-----BEGIN PUBLIC KEY-----"
_one_at_a_time = threading.Lock()  # a login counts for all sessions of a process


class TokenError(Exception):
    """The token is not there, does not open, or does not do what is asked; the message says which."""


@dataclass(frozen=True)
class Token:
    """Where a token is: the library, its label, and how its PIN is had."""

    module: str
    label: str
    pin: Callable[[], str]

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[Any]:
        """The token, open; TokenError for whatever it says."""
        try:
            import pkcs11  # noqa: PLC0415  # the extra `hsm`: only where a token is set
        except ImportError as error:
            raise TokenError("python-pkcs11 is not installed (the extra `hsm`)") from error
        with _one_at_a_time:
            try:
                opened = pkcs11.lib(self.module).get_token(token_label=self.label)
                with opened.open(rw=write, user_pin=self.pin()) as session:
                    yield session
            except (pkcs11.PKCS11Error, OSError, RuntimeError) as error:
                said = str(error) or type(error).__name__
                raise TokenError(f"the token {self.label}: {said}") from error

    def make(self, name: str) -> TokenKey:
        """A new key on the token."""
        with self.session(write=True) as session:
            from pkcs11 import KeyType  # noqa: PLC0415  # as above
            from pkcs11.util.rsa import encode_rsa_public_key  # noqa: PLC0415  # as above

            public, _ = session.generate_keypair(KeyType.RSA, BITS, store=True, label=name)
            der = encode_rsa_public_key(public)
        key = serialization.load_der_public_key(der)
        assert isinstance(key, rsa.RSAPublicKey)
        return TokenKey(self, key)

    def key(self, pem: bytes) -> TokenKey:
        """The key whose public half is kept; ValueError if that is no RSA key."""
        key = serialization.load_pem_public_key(pem)
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("the public half is no RSA key")
        return TokenKey(self, key)


class TokenKey(rsa.RSAPrivateKey):
    """A private key that signs on its token and can do nothing else."""

    def __init__(self, token: Token, public: rsa.RSAPublicKey) -> None:
        self.token, self._public = token, public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    def pem(self) -> bytes:
        """What is kept of it here."""
        return self._public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def present(self) -> bool:
        """Whether the token has the private half. Raises TokenError."""
        with self.token.session() as session:
            return self._found(session) is not None

    def sign(self, data: Any, padding_: Any, algorithm: Any) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 over `data`. Raises TokenError."""
        assert (type(padding_), type(algorithm)) == (padding.PKCS1v15, hashes.SHA256)
        with self.token.session() as session:
            from pkcs11 import Mechanism  # noqa: PLC0415  # as above

            if (key := self._found(session)) is None:
                raise TokenError(f"the token {self.token.label} does not have the key")
            signature = bytes(key.sign(bytes(data), mechanism=Mechanism.SHA256_RSA_PKCS))
        try:
            self._public.verify(signature, bytes(data), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise TokenError(f"the token {self.token.label} gave a signature that does not hold") from error
        return signature

    def _found(self, session: Any) -> Any:
        from pkcs11 import Attribute, ObjectClass  # noqa: PLC0415  # as above

        modulus = self._public.public_numbers().n.to_bytes(self.key_size // 8)
        wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.MODULUS: modulus}
        return next(iter(session.get_objects(wanted)), None)

    # --- what no key on a token does
    def _never(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a key on a token never leaves it")

    decrypt = private_numbers = private_bytes = __copy__ = __deepcopy__ = _never
