"""Who asks, of which registry: the bearer token and the municipality in the address.

- Authorization: Bearer only (RFC 6750). A missing, malformed, unknown, expired or wrong kind of token answers 401 with
  WWW-Authenticate, all alike; a token of one registry is none in another.
- Whether a registry exists is told only to somebody who has a token for some registry here.
- What the person may do is not decided here: roles are events, asked when the command is decided or the page is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.problems import Refusal
from api.wiring import Municipality

BEARER = HTTPBearer(
    auto_error=False, description="A token of the registry, `liggare_…`, issued to one person and shown once."
)
SLUG = Path(
    description="The registry's short name.",
    pattern=r"^[a-z][a-z0-9-]{0,39}$",
    examples=["exempelby"],
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who has shown a valid token, and the registry it is for (anropare)."""

    municipality: Municipality
    person: str
    assurance: str = "token"


def municipalities(request: Request) -> Mapping[str, Municipality]:
    found: Mapping[str, Municipality] = request.app.state.municipalities
    return found


def caller(
    request: Request,
    municipality: Annotated[str, SLUG],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
) -> Caller:
    """The person behind the token, or 401; 404 if the token is for another registry than one that exists."""
    known, token = municipalities(request), credentials.credentials if credentials else ""
    if not token:
        raise unauthenticated()
    if municipality in known:
        if (person := _holder(known[municipality], token)) is None:
            raise unauthenticated()
        return Caller(known[municipality], person)
    if any(_holder(each, token) for each in known.values()):
        raise Refusal(404, "municipality-unknown")
    raise unauthenticated()


def unauthenticated() -> Refusal:
    return Refusal(401, "unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="liggare"'})


def _holder(municipality: Municipality, token: str) -> str | None:
    holder = municipality.vault.holder(token, municipality.registry.clock.now())
    return holder.person if holder and holder.purpose == "access" else None


def public(request: Request, municipality: Annotated[str, SLUG]) -> Municipality:
    """A registry asked for something that anybody may have."""
    if (found := municipalities(request).get(municipality)) is None:
        raise Refusal(404, "municipality-unknown")
    return found


Called = Annotated[Caller, Depends(caller)]
Public = Annotated[Municipality, Depends(public)]
