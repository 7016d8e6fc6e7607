"""Every answer of 400 and above: RFC 9457 problem details, in the reader's language, with what to do next.

- type, title, status, detail and instance are always there (RFC 9457, 3.1). type is `urn:liggare:refusal:<code>`; the
  code is stable ASCII, and sentences.py has the words.
- A refusal that rests on a rule names it: document and section, as the rule was adopted.
- What was sent in is never repeated in a problem: an answer ends up in logs.
- A database that does not answer is 503 with Retry-After: what was asked may have been done, and asking again with the
  same Idempotency-Key is safe.
- A path that exists with other methods answers 405 and Allow names all of them (RFC 9110, 15.5.6).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import psycopg
import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.sentences import Language, language, sentence, texts
from api.wiring import Preconditions
from domain.errors import DomainError, Forbidden, NotFound
from domain.sources import Source
from registry.files import FileDestroyed
from registry.postgres_engine import server_lost
from registry.recorder import Conflict, LogUnavailable
from registry.registry import TooBusy

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("liggare.api")

PROTECTIVE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# What a refusal's code answers with, where its class does not say it.
STATUS = {
    "clock-behind": 503,
    "date-expression": 422,
    "document-empty": 422,
    "document-hash-differs": 422,
    "document-size-differs": 422,
    "document-too-large": 413,
    "idempotency-key-reused": 422,
    "passphrase-blocked": 429,
    "signature-service-not-ready": 503,
    "view-stopped": 503,
}
RETRY_AFTER = {503: "5", 429: "900"}
TITLES: dict[int, tuple[str, str]] = {
    400: ("Anropet kan inte läsas", "The request cannot be read"),
    401: ("Inloggning krävs", "You must identify yourself"),
    403: ("Behörighet saknas", "Not permitted"),
    404: ("Finns inte", "Not found"),
    405: ("Metoden finns inte här", "Method not allowed"),
    406: ("Formatet kan inte lämnas", "Not acceptable"),
    409: ("Avslaget", "Refused"),
    410: ("Förstört genom beslut", "Destroyed by decision"),
    412: ("Någon annan hann före", "Somebody else was first"),
    413: ("För stort", "Too large"),
    415: ("Fel slags innehåll", "Unsupported media type"),
    422: ("Uppgifterna kan inte användas", "The data cannot be used"),
    429: ("Spärrat en stund", "Blocked for a while"),
    500: ("Fel i programmet", "Internal error"),
    503: ("Kan inte utföras just nu", "Not possible right now"),
}


class RulePart(BaseModel):
    """Where the rule stands that a refusal rests on (källa)."""

    document: str
    section: str


class FieldProblem(BaseModel):
    """One field that cannot be used, and why."""

    field: str
    problem: str


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    what_to_do: str
    rule: RulePart | None = None
    errors: list[FieldProblem] | None = None


class Refusal(Exception):
    """A refusal by this way in itself: the request never reached the rules."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        errors: Sequence[tuple[str, str, Mapping[str, Any]]] = (),
        headers: Mapping[str, str] | None = None,
        **values: str | int,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.values = status, code, values
        self.errors, self.headers = errors, dict(headers or {})


# --- answers
def answer(
    request: Request,
    status: int,
    code: str,
    values: Mapping[str, str | int] = {},
    *,
    source: Source | None = None,
    errors: Sequence[tuple[str, str, Mapping[str, Any]]] = (),
    headers: Mapping[str, str] = {},
) -> Response:
    """The problem as an answer."""
    chosen = language(request.headers.get("accept-language"))
    said = {name: str(value) for name, value in values.items()} | ({"source": str(source)} if source else {})
    problem = Problem(
        type=f"urn:liggare:refusal:{code}",
        title=TITLES.get(status, TITLES[400 if status < 500 else 500])[chosen == "en"],
        status=status,
        detail=sentence("refusals", code, chosen, said),
        instance=request.url.path,
        code=code,
        what_to_do=sentence("refusals", code, chosen, said, "do_"),
        rule=RulePart(document=source.document, section=source.section) if source else None,
        errors=[
            FieldProblem(field=field, problem=_field(kind, context, chosen))
            for field, kind, context in errors
        ]
        or None,
    )
    more = {"Content-Language": chosen, "Vary": "Accept-Language"} | dict(headers)
    if status in RETRY_AFTER:
        more.setdefault("Retry-After", RETRY_AFTER[status])
    return JSONResponse(problem.model_dump(exclude_none=True), status, more, MEDIA_TYPE)


def _field(kind: str, context: Mapping[str, Any], chosen: Language) -> str:
    known = texts("fields")
    said = str(context.get("error", ""))
    code = said if said in known else kind if kind in known else "other"
    return sentence("fields", code, chosen, context)


def fields(errors: Sequence[Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """pydantic's errors as (field, kind, context); a field inside a list or a part is written items.2.title."""
    return [(".".join(map(str, error["loc"])), error["type"], error.get("ctx", {})) for error in errors]


def status_of(error: DomainError) -> int:
    """What a refusal by the rules answers with."""
    if error.code in STATUS:
        return STATUS[error.code]
    match error:
        case Forbidden():
            return 403
        case NotFound():
            return 404
        case TooBusy():
            return 503
        case _:
            return 409


def _allowed(request: Request) -> list[str]:
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(dict(request.scope))[0] is not Match.NONE:
            found |= set(route.methods or ())
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def install(app: FastAPI) -> None:
    """Let every refusal and every error of the application be answered as a problem."""

    def on_domain(request: Request, error: Exception) -> Response:
        assert isinstance(error, DomainError)
        return answer(request, status_of(error), error.code, error.values, source=error.source)

    def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return answer(
            request, error.status, error.code, error.values, errors=error.errors, headers=error.headers
        )

    def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return answer(request, 404, "no-such-address")
        if error.status_code == 405:
            allow = ", ".join(_allowed(request))
            return answer(request, 405, "method-not-allowed", {"allow": allow}, headers={"Allow": allow})
        code = "request-unreadable" if error.status_code < 500 else "internal-error"
        return answer(request, error.status_code, code, headers=error.headers or {})

    def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        where = {each["loc"][0] for each in error.errors()}
        if "path" in where:
            return answer(request, 404, "no-such-address")
        listed = [(name.partition(".")[2], kind, context) for name, kind, context in fields(error.errors())]
        if "header" in where:
            return answer(request, 400, "header-malformed", errors=listed)
        return answer(request, 422, "invalid-parameters", errors=listed)

    def on_conflict(request: Request, _: Exception) -> Response:
        return answer(request, 412, "version-moved")

    def on_destroyed(request: Request, _: Exception) -> Response:
        return answer(request, 410, "file-destroyed")

    def on_database(request: Request, error: Exception) -> Response:
        if not (isinstance(error, LogUnavailable | sa.exc.TimeoutError) or server_lost(error)):
            return on_anything(request, error)
        # Where the database is, and what it says, is for the log and not for everybody.
        log.error("%s %s: the database does not answer: %s", request.method, request.url.path, error)
        return answer(request, 503, "database-unreachable")

    def on_anything(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return answer(
            request, 500, "internal-error", headers=PROTECTIVE
        )  # it is answered outside of the rest

    app.add_exception_handler(DomainError, on_domain)
    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
    for kind in (Preconditions, Conflict):
        app.add_exception_handler(kind, on_conflict)
    app.add_exception_handler(FileDestroyed, on_destroyed)
    for lost in (LogUnavailable, psycopg.OperationalError, sa.exc.DBAPIError, sa.exc.TimeoutError):
        app.add_exception_handler(lost, on_database)
    app.add_exception_handler(Exception, on_anything)


def documented(
    *statuses: int, also: Mapping[int, dict[str, Any]] = MappingProxyType({})
) -> dict[int | str, dict[str, Any]]:
    """The answers of an operation for the OpenAPI document: the problems of these statuses, and its own."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    found: dict[int | str, dict[str, Any]] = {status: also[status] for status in also}
    for status in sorted(statuses):
        found[status] = {"description": TITLES[status][1], "content": content}
    if 401 in found:
        found[401]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found
