"""The municipality's own service: a one-time key, made after the signer has shown who they are once more.

- Model: the signature services of Swedish administration. Nobody keeps a personal key; for each act a key
  is made, certified, used for all items of that act, and forgotten.
- Checking the passphrase is the caller's: its answer comes in as an AuthContext. One from before the act
  began proves nothing about this act and is refused, and so is one from the future.
- The state holds no secret: the digests, the person as named, and two moments.
- The certificate is valid from when the act began, so that the time standing in the PDF lies within it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from signing.pki import AuthContext, Authority, instant_text
from signing.providers.port import (
    Action,
    Answer,
    Callback,
    Capabilities,
    Done,
    Failed,
    Intent,
    Kind,
    Pending,
    Plain,
    SignatureType,
    SignedItem,
    Started,
    State,
)
from signing.signed_data import signed_attributes

OFFER_LASTS = timedelta(minutes=10)
ALGORITHM = "sha256WithRSAEncryption"


class LocalProvider:
    """One-time keys certified by the municipality's own authority (lokal underskrift)."""

    capabilities = Capabilities(
        Kind.RAW, certificate_known_before=False, may_alter_tbs=False, interactive=False, batch=True
    )

    def __init__(self, authority: Callable[[], Authority]) -> None:
        # Asked for at each signing, so that nothing here keeps the CA's key in memory in between.
        self._authority = authority

    def begin(self, intent: Intent, now: datetime) -> Started:
        """Note what is to be signed; nothing is made yet."""
        if len({item.id for item in intent.items}) != len(intent.items) or not intent.items:
            raise ValueError("an act signs at least one item, each with its own id")
        expires, person = now + OFFER_LASTS, intent.signer
        state: dict[str, Plain] = {
            "ref": secrets.token_hex(16),
            "begun": instant_text(now),
            "expires": instant_text(expires),
            "common_name": person.common_name,
            "organisation": person.organisation,
            "office": person.office,
            "person_ref": person.person_ref,
            "items": len(intent.items),
        }
        for number, item in enumerate(intent.items):
            state |= {
                f"id{number}": item.id,
                f"type{number}": item.sigtype.value,
                f"digest{number}": item.digest,
            }
        return Started(str(state["ref"]), Action.NONE, expires, state)

    def resume(self, state: State, callback: Callback, now: datetime) -> Answer:
        """Sign every item with a fresh key, once the person has been authenticated for this act."""
        begun, expires = _moment(state["begun"]), _moment(state["expires"])
        if now > expires:
            return Failed("expired")
        if callback is None:
            return Pending()
        if not isinstance(callback, AuthContext):
            return Failed("not-authenticated")
        if not begun <= callback.instant <= now:
            return Failed("authentication-not-for-this-act")
        authority = self._authority()
        signer = authority.issue_signer(
            common_name=str(state["common_name"]),
            organisation=str(state["organisation"]),
            office=str(state["office"]),
            person_ref=str(state["person_ref"]),
            auth=callback,
            now=begun,
        )
        signed = []
        for number in range(int(str(state["items"]))):
            digest, pades = state[f"digest{number}"], state[f"type{number}"] == SignatureType.PADES
            assert isinstance(digest, bytes)
            tbs = signed_attributes(digest, signer.certificate, None if pades else now)
            signed.append(SignedItem(str(state[f"id{number}"]), tbs, signer.sign(tbs), ALGORITHM))
        return Done(tuple(signed), (signer.certificate, authority.ca.certificate), (authority.crl(now),))


def _moment(text: Plain) -> datetime:
    return datetime.fromisoformat(str(text))
