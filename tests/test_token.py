"""The seal's key on a token behind PKCS #11, in software here: made there, used there, and told when it errs."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing import pki
from signing.token import Token, TokenError, TokenKey
from tests.signing_kit import NOW, authority, signer
from tests.token_kit import LABEL, PIN, token_in_software  # noqa: F401  # a fixture is used by its name

SECRET = b"a secret for tests"


@pytest.fixture(scope="module")
def key(token: Token) -> TokenKey:
    return token.make("stämpel")


def test_a_key_signs_on_its_token_and_never_leaves_it(key: TokenKey) -> None:
    assert key.present() and key.key_size == pki.KEY_BITS
    signature = key.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    key.public_key().verify(signature, b"data", padding.PKCS1v15(), hashes.SHA256())
    with key.token.session() as session:
        assert {each.label for each in session.get_objects()} == {
            "stämpel"
        }  # by which others see what it is for
    for leave in ("private_bytes", "private_numbers", "decrypt", "__copy__", "__deepcopy__"):
        with pytest.raises(TypeError):
            getattr(key, leave)()


def test_its_public_half_finds_it_again(token: Token, key: TokenKey) -> None:
    ours = authority().anew("seal", NOW, key)
    kept = ours.dump(SECRET, NOW)
    assert kept["seal.key.pem"] == key.pem()
    again = pki.Authority.load(kept, SECRET, token).seal
    assert isinstance(again.key, TokenKey)
    again.sign(b"data")
    with pytest.raises(ValueError, match="does not belong"):
        pki.Authority.load(kept | {"seal.cert.pem": pki.certificate_pem(signer().certificate)}, SECRET, token)
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(ValueError, match="no RSA"):
        token.key(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_what_the_token_says_is_told(token: Token, key: TokenKey, monkeypatch: pytest.MonkeyPatch) -> None:
    public = key.public_key()
    for elsewhere in (
        Token("/nowhere.so", LABEL, lambda: PIN),
        Token(token.module, "another", lambda: PIN),
        Token(token.module, LABEL, lambda: "wrong"),
        Token(token.module, LABEL, lambda: Path("/nowhere").read_text("utf-8")),
    ):
        with pytest.raises(TokenError):
            TokenKey(elsewhere, public).present()
    unknown = TokenKey(token, signer().key.public_key())
    assert not unknown.present()
    with pytest.raises(TokenError, match="does not have the key"):
        unknown.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    bent = TokenKey(token, signer().key.public_key())
    monkeypatch.setattr(bent, "_found", key._found)
    monkeypatch.setattr(key, "_public", public)
    with pytest.raises(TokenError, match="does not hold"):
        bent.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    monkeypatch.setitem(__import__("sys").modules, "pkcs11", None)
    with pytest.raises(TokenError, match="not installed"):
        key.present()
