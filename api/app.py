"""The HTTP application: all registries of a process behind one set of addresses.

- Addresses begin /v1/{municipality}; what concerns the process stands at the root: /healthz, /readyz, /api-info and
  /openapi.json. These four and the log's public parts need no token; everything else does.
- Endpoints that touch the store are plain functions: they run in worker threads, and the event loop waits for no disk.
- HEAD answers as GET does, without the body (RFC 9110, 9.3.2).
- Every answer forbids sniffing, framing, referring and, unless it says otherwise, storing.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import (
    commands,
    documents,
    evidence,
    following,
    obligations,
    personal,
    problems,
    proceedings,
    reads,
    reviewing,
    service,
    signings,
)
from api.examples import schemas
from api.wiring import Municipality

RELEASED = "2026-11-22"
DESCRIPTION = (
    "Möten, beslut och anteckningar i kommunala råd, från kallelse till utskick: varje steg är en händelse i en logg "
    "som vem som helst kan kontrollera utan oss."
)
TAGS = {
    "meetings": "Calling, holding and recording meetings.",
    "minutes": "Drafting, approving, sealing and sending minutes.",
    "bodies": "Bodies, their rules and their members.",
    "matters": "Matters and their diary numbers.",
    "documents": "Documents and their files.",
    "proposals": "What is proposed in a matter, in versions.",
    "unclarities": "What is unclear, and how it was read by whom.",
    "assignments": "What somebody was given to do, and what became of it.",
    "obligations": "What the rules ask of each body, and how that stands.",
    "reports": "What an office writes to a body that is to decide, and what was decided.",
    "instruments": "Situation pictures, plans, agreements, dialogues.",
    "persons": "The register of persons, and what they may do.",
    "registry": "The registry itself.",
    "log": "The event log and its evidence.",
    "views": "What is shown, now and as it was.",
    "service": "The service itself.",
}


class IdConvertor(Convertor[str]):
    """An id in an address: what is none leads nowhere."""

    regex = "[0-9a-f]{16}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", IdConvertor())


class Edges:
    """What is the same for every answer: its protective headers, and HEAD as GET without a body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(message)
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"} if head else scope, receive, sending)


def _protect(message: MutableMapping[str, Any]) -> None:
    there = {name.lower() for name, _ in message["headers"]}
    more = ((name.lower().encode(), value.encode()) for name, value in problems.PROTECTIVE.items())
    message["headers"] = [*message["headers"], *(each for each in more if each[0] not in there)]


def create_app(municipalities: Mapping[str, Municipality]) -> FastAPI:
    """The application over open registries; whoever opened them closes them."""
    app = FastAPI(
        title="Rådsliggaren",
        version=release(),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.municipalities = municipalities
    app.state.obligations = {slug: obligations.Kept() for slug in municipalities}
    app.state.released = RELEASED
    problems.install(app)
    # Fixed words before names of things, so that no command is taken for an id.
    for part in (
        commands.add_commands,
        signings.add,
        documents.add,
        reads.add,
        personal.add,
        proceedings.add,
        following.add,
        obligations.add,
        reviewing.add,
        evidence.add,
        service.add,
    ):
        part(app)
    app.add_middleware(Edges)
    described: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not described:
            described.update(_describe(app))
        return described

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend its document
    return app


def release() -> str:
    """The version of the installed product."""
    try:
        return version("radsliggaren")
    except PackageNotFoundError:
        return "0"


def _must_be_something(schema: dict[str, Any]) -> None:
    """A parameter may be left out, but where it stands it is text: there is no null in an address or a header."""
    if "anyOf" in schema:
        (kept,) = [each for each in schema.pop("anyOf") if each.get("type") != "null"]
        schema |= kept


def _describe(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": said} for name, said in TAGS.items()],
    )
    offered = commands.offered()
    without = {each.__name__: None if commands.creates(each) else commands.id_field(each) for each in offered}
    found = document.setdefault("components", {}).setdefault("schemas", {})
    found |= schemas(offered, without)
    made = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    found |= made.pop("$defs")
    found["Problem"] = made
    # Where we document no 422, FastAPI adds one of its own; there a parameter that does not fit is a 404.
    for operation in (each for methods in document["paths"].values() for each in methods.values()):
        for parameter in operation.get("parameters", ()):
            _must_be_something(parameter["schema"])
        if "application/json" in operation["responses"].get("422", {}).get("content", {}):
            del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        found.pop(name, None)
    document["components"]["schemas"] = dict(sorted(found.items()))
    return document
