"""Documents: one request registers a document, or a version of it, and brings its file.

- The body is the file itself, of at most 100 MiB; what is said about it stands in the query, its media type in
  Content-Type. The bytes go into the encrypted store as they come: nothing of them is kept in memory or in the clear.
- Size and SHA-256 may be declared; if the bytes are others, the document is refused and nothing is kept.
- Whether the caller may register is asked before the first byte is taken, and once more when it is decided.
- A file is handed out as an attachment that no browser runs (Content-Security-Policy: sandbox), with its digest
  (Repr-Digest, RFC 9530).
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api import copies
from api.access import authorise
from api.bodies import UPLOAD_LIMIT, Body, read, streamed
from api.commands import STATUSES, Answer, IdempotencyKey, answer, id_parameter
from api.examples import LINE
from api.extracts import certify, disclosed
from api.intake import Intake, bring
from api.problems import Refusal, documented, fields
from api.proofs import proven
from api.reading import PUBLIC, READ, Id, Limit, Offset, Reader, Routes, one, shown, some
from api.tokens import Called, Caller, Public
from domain.document import AddDocumentVersion, Covering, Document, Purpose, RegisterDocument, Version
from domain.errors import NotFound
from domain.messages import Command, Destroyed, fresh_id
from registry.clock import local
from registry.registry import Once

V1 = "/v1/{municipality}"
ID = "0123456789abcdef"
COVERED = {"item": 1, "kind": "dissent", "piece": "view", "provision": "OSL 18 kap. 1 §"}
AT_ONCE = threading.BoundedSemaphore(8)  # a slow sender holds a worker thread
SAYS = "What is said about the document."
ROUTES = Routes()
C = TypeVar("C", bound=Command)
Said = Annotated[str | None, Query(max_length=120, description=SAYS)]
Line = Annotated[str | None, Query(max_length=300, description=SAYS)]
Size = Annotated[int | None, Query(ge=1, le=UPLOAD_LIMIT, description="The file's size, to be held to.")]
Sha256 = Annotated[
    str | None, Query(pattern="^[0-9a-f]{64}$", description="The file's SHA-256, to be held to.")
]


def add(app: FastAPI) -> None:
    _post(app, "/documents", register_document, "Register a document")
    _post(app, "/documents/{document:id}/versions", add_document_version, "Add a version of a document")
    _of_minutes(
        app, "extracts", certify_extract, "Certify an extract", Asked, {"items": [4], "place": "Kommunhuset"}
    )
    _of_minutes(
        app, "copies", make_copy, "Make a copy", AskedCopy, {"purpose": "request", "coverings": [COVERED]}
    )
    ROUTES.add(app)


def _of_minutes(
    app: FastAPI,
    what: str,
    endpoint: Callable[..., Response],
    summary: str,
    asked: type[BaseModel],
    example: dict[str, Any],
) -> None:
    name = endpoint.__name__.replace("_", "-")
    app.add_api_route(
        f"{V1}/minutes/{{minutes:id}}/{what}",
        endpoint,
        methods=["POST"],
        name=name,
        operation_id=name,
        tags=["minutes"],
        summary=summary,
        description=f"{endpoint.__doc__}\n\nMay be done by: registrar, secretary.",
        status_code=201,
        response_model=Answer,
        response_description="It is recorded; its paper is the document's file.",
        responses=documented(*STATUSES),
        openapi_extra={
            "parameters": [id_parameter("minutes")],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": schema_of(asked), "example": example}},
            },
        },
    )


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema with what it refers to put in its place, as it stands in a description of its own."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            if (name := value.get("$ref", "").removeprefix("#/$defs/")) in parts:
                return whole(parts[name])
            return {key: whole(item) for key, item in value.items()}
        return [whole(item) for item in value] if isinstance(value, list) else value

    found: dict[str, Any] = whole(schema)
    return found


def _post(app: FastAPI, path: str, endpoint: Callable[..., Response], summary: str) -> None:
    name = endpoint.__name__.replace("_", "-")
    app.add_api_route(
        f"{V1}{path}",
        endpoint,
        methods=["POST"],
        name=name,
        operation_id=name,
        tags=["documents"],
        summary=summary,
        description=f"{endpoint.__doc__}\n\nMay be done by: registrar, secretary.",
        status_code=201,
        response_model=Answer,
        response_description="It is recorded.",
        responses=documented(*STATUSES),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {
                        "schema": {"type": "string", "format": "binary"},
                        "example": "the file",
                    }
                },
            },
        },
    )


def register_document(
    request: Request,
    caller: Called,
    title: Annotated[
        str, Query(max_length=300, description="Its subject, in a line.", examples=["Lägesbild"])
    ],
    direction: Annotated[
        str, Query(pattern="^(incoming|outgoing|internal)$", description=SAYS, examples=["incoming"])
    ],
    matter: Annotated[
        str | None, Query(pattern=r"^[0-9a-f]{16}$", description="The matter it belongs to.")
    ] = None,
    designation: Said = None,
    kind: Said = None,
    dated: Annotated[
        date | None, Query(alias="date", description="The day it came in or was drawn up.")
    ] = None,
    sender: Line = None,
    recipient: Line = None,
    secrecy: Annotated[
        str | None, Query(max_length=120, description="The provision of secrecy, if marked.")
    ] = None,
    secrecy_date: Annotated[date | None, Query(description="The day of the secrecy mark.")] = None,
    secrecy_authority: Said = None,
    size: Size = None,
    sha256: Sha256 = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Register a document with its file, which is the body of the request."""
    mark = {"provision": secrecy, "date": secrecy_date, "authority": secrecy_authority} if secrecy else None
    said = {
        "document": fresh_id(), "title": title, "direction": direction, "matter": matter, "date": dated,
        "designation": designation, "kind": kind, "sender": sender, "recipient": recipient, "secrecy": mark,
    }  # fmt: skip
    return _brought(request, caller, RegisterDocument, said, size, sha256, idempotency_key)


def add_document_version(
    request: Request,
    caller: Called,
    document: Id,
    base: Annotated[
        int | None, Query(ge=1, le=10_000, description="The version it replaces, if that must be the newest.")
    ] = None,
    note: Line = None,
    size: Size = None,
    sha256: Sha256 = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Add a new version of a document, whose file is the body of the request; the earlier ones stay."""
    said = {"document": document, "base": base, "note": note}
    return _brought(request, caller, AddDocumentVersion, said, size, sha256, idempotency_key)


class Asked(BaseModel):
    """Which items, and where the extract is certified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: Annotated[list[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=1, max_length=200)]
    place: Annotated[str, Field(max_length=300, pattern=LINE)]
    matter: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None


def certify_extract(request: Request, caller: Called, raw: Body) -> Response:
    """Print whole items of minutes that are done, and register the paper as a document of their matter."""
    asked, m = read(Asked, raw), caller.municipality
    command, saved = certify(
        m, caller.person, caller.assurance, str(request.path_params["minutes"]), asked.items, asked.place, asked.matter
    )  # fmt: skip
    return answer(caller, command, saved, request)


class AskedCopy(BaseModel):
    """For whom the copy is, which items (none: all of them), and what is covered in it by which provision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Purpose
    items: Annotated[list[Annotated[int, Field(ge=1, le=10_000)]], Field(max_length=200)] = []
    coverings: Annotated[list[Covering], Field(max_length=500)] = []
    matter: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None


def make_copy(request: Request, caller: Called, raw: Body) -> Response:
    """Print a masked copy of minutes that are done, sealed and with its proof in it, and register it."""
    asked, m = read(AskedCopy, raw), caller.municipality
    command, saved = copies.make(
        m, caller.person, caller.assurance, str(request.path_params["minutes"]), asked.purpose, asked.items,
        asked.coverings, asked.matter,
    )  # fmt: skip
    return answer(caller, command, saved, request)


@ROUTES.get("/copies/{document:id}/{code}", "documents", media="application/json", statuses=(*PUBLIC, 410))
def copy_proof(
    municipality: Public,
    document: Id,
    code: Annotated[str, Path(pattern="^[0-9a-f]{32}$", examples=["0123456789abcdef" * 2])],
) -> Response:
    """The proof of a copy, for whoever has its paper: what it shows belongs to minutes that are in the log. Public."""
    content = copies.proof_of(municipality, document, code)
    return Response(content, media_type="application/json", headers={"Cache-Control": "private, no-store"})


@ROUTES.get(
    "/documents/{document:id}/extract-proof",
    "documents",
    {"minutes": ID, "version": 2, "items": [4], "envelope": "…", "openings": {}, "proof": {"position": 12}},
)
def extract_proof(reader: Reader, document: Id) -> Response:
    """Proof that an extract belongs to the minutes it was taken from, which are in the log."""
    state = reader.get(Document, document)[1]
    reader.rights.document(state)
    certified, opened = disclosed(reader.municipality, document)
    names = ("minutes", "version", "items", "root")
    content = {name: shown(getattr(certified, name)) for name in names} | opened
    return JSONResponse(content | {"proof": proven(reader.municipality, certified.position)})


def _brought(
    request: Request,
    caller: Caller,
    kind: type[Command],
    said: dict[str, Any],
    size: int | None,
    sha256: str | None,
    key: str | None,
) -> Response:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    said["media_type"] = media_type
    registry = caller.municipality.registry
    permitted = _command(kind, said, size=0, file="0" * 64)
    authorise(permitted, caller.person, caller.assurance, registry.world(), local(registry.now()))
    intake = Intake(streamed(request, UPLOAD_LIMIT), size, sha256)

    def command(file: str) -> Command:
        return _command(kind, said, size=intake.size, sha256=intake.sha256, file=file)

    def once() -> Once | None:
        asked = f"{request.url.query}\0{media_type}\0{intake.sha256}".encode()
        return Once(caller.person, f"POST {request.url.path}", key, asked) if key else None

    if not AT_ONCE.acquire(blocking=False):
        raise Refusal(503, "uploads-busy")
    try:
        saved = bring(
            caller.municipality, caller.person, caller.assurance, said["document"], intake, command, once
        )
    finally:
        AT_ONCE.release()
    return answer(caller, permitted, saved, request)


def _command(kind: type[C], said: dict[str, Any], **more: Any) -> C:
    try:
        return kind(**said, **more)
    except ValidationError as error:
        found = fields(error.errors(include_url=False, include_input=False))
        if [name for name, _, _ in found] == ["media_type"]:
            raise Refusal(415, "document-without-type") from None
        raise Refusal(422, "invalid-parameters", errors=found) from None


@ROUTES.get(
    "/documents", "documents", {"items": [{"id": ID, "title": "Lägesbild", "size": 1024}], "total": 1}
)
def documents(
    request: Request,
    reader: Reader,
    matter: Annotated[
        str | None, Query(pattern=r"^[0-9a-f]{16}$", description="Of this matter only.")
    ] = None,
    incomplete: Annotated[
        bool, Query(description="Only those that lack something registration asks for.")
    ] = False,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """The documents that you may read."""
    reader.rights.register()
    where = {"matter": matter} if matter else {}
    found = [
        row["key"]
        for row in reader.listed("document", "secrecy", **where)
        if not row["secrecy"] or reader.rights.keeps(reader.get(Document, row["key"])[1])
    ]
    if incomplete:
        found = [id for id in found if reader.get(Document, id)[1].missing]
    return some(request, found, limit, offset, lambda id: _shown(id, reader.get(Document, id)[1]))


def _shown(id: str, document: Document) -> dict[str, Any]:
    """A document with its newest file, and what its registration lacks."""
    content: dict[str, Any] = {"id": id} | shown(document) | {"missing": list(document.missing)}
    return content | {name: value for name, value in shown(document.newest).items() if name != "note"}


@ROUTES.get(
    "/documents/{document:id}", "documents", {"id": ID, "title": "Lägesbild", "media_type": "application/pdf"}
)
def document(reader: Reader, document: Id) -> Response:
    """What is registered about a document."""
    version, state = reader.get(Document, document)
    reader.rights.document(state)
    return one(_shown(document, state), version)


@ROUTES.get(
    "/documents/{document:id}/file", "documents", media="application/octet-stream", statuses=(*READ, 410)
)
def document_file(
    reader: Reader,
    document: Id,
    version: Annotated[int | None, Query(ge=1, le=10_000, description="The newest if left out.")] = None,
) -> Response:
    """The document's file."""
    state = reader.get(Document, document)[1]
    reader.rights.document(state)
    found = version_of(document, state, version)
    parts = reader.municipality.files.read(found.file)
    first = next(parts)  # a destroyed or damaged file is told before the answer begins
    name = quote(str(state.title), safe="")
    headers = {
        "Content-Disposition": f"attachment; filename=\"{document}\"; filename*=UTF-8''{name}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Length": str(found.size),
    }
    if found.sha256 is not None and not isinstance(found.sha256, Destroyed):
        digest = base64.b64encode(bytes.fromhex(found.sha256.value)).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"
    return StreamingResponse(_rest(first, parts), media_type=found.media_type, headers=headers)


def version_of(id: str, document: Document, number: int | None) -> Version:
    """One version of a document, or its newest; NotFound if there is none of that number."""
    if number is None:
        return document.newest
    if number > len(document.versions):
        raise NotFound("version", f"{id}/{number}")
    return document.versions[number - 1]


def _rest(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from parts
