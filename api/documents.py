"""Documents: one request registers a document and brings its file.

- The body is the file itself, of at most 100 MiB; what is said about it stands in the query, its media type in
  Content-Type. The bytes go into the encrypted store as they come: nothing of them is kept in memory or in the clear.
- Whether the caller may register is asked before the first byte is taken, and once more when it is decided.
- The file is on disk before the event that names it. If the event is refused the file is an orphan, and is swept.
- A file is handed out as an attachment that no browser runs (Content-Security-Policy: sandbox).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import ValidationError

from api.access import authorise
from api.bodies import UPLOAD_LIMIT, streamed
from api.commands import STATUSES, Answer, IdempotencyKey, answer
from api.problems import Refusal, documented, fields
from api.reading import READ, Id, Limit, Offset, Reader, Routes, one, shown, some
from api.rights import Rights
from api.tokens import Called
from domain.document import Document, RegisterDocument
from domain.messages import fresh_id, stream
from registry.clock import local
from registry.registry import Once

V1 = "/v1/{municipality}"
ID = "0123456789abcdef"
AT_ONCE = threading.BoundedSemaphore(8)  # a slow sender holds a worker thread
SAYS = "What is said about the document."
ROUTES = Routes()


def add(app: FastAPI) -> None:
    app.add_api_route(
        f"{V1}/documents",
        register_document,
        methods=["POST"],
        name="register-document",
        operation_id="register-document",
        tags=["documents"],
        summary="Register a document",
        description="Register a document with its file, which is the body of the request.\n\n"
        "May be done by: registrar, secretary.",
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
            }
        },
    )
    ROUTES.add(app)


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
    dated: Annotated[
        date | None, Query(alias="date", description="The day it came in or was drawn up.")
    ] = None,
    sender: Annotated[str | None, Query(max_length=300, description="Who sent it.")] = None,
    secrecy: Annotated[
        str | None, Query(max_length=120, description="The provision of secrecy, if marked.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    said = {
        "document": fresh_id(), "title": title, "direction": direction, "matter": matter, "date": dated,
        "sender": sender, "secrecy": secrecy, "media_type": media_type,
    }  # fmt: skip
    registry = caller.municipality.registry
    permitted = _command(said, size=0, file="0" * 64)
    authorise(permitted, caller.person, caller.assurance, registry.world(), local(registry.now()))
    content = _Counted(streamed(request, UPLOAD_LIMIT))
    if not AT_ONCE.acquire(blocking=False):
        raise Refusal(503, "uploads-busy")
    try:
        file = caller.municipality.files.put(stream(Document, permitted.document), "preserved", content)
    finally:
        AT_ONCE.release()
    if not content.size:
        raise Refusal(422, "document-empty")
    asked = f"{request.url.query}\0{media_type}\0{content.digest.hexdigest()}".encode()
    once = (
        Once(caller.person, f"POST {request.url.path}", idempotency_key, asked) if idempotency_key else None
    )
    command = _command(said, size=content.size, file=file)
    saved = caller.municipality.execute(command, caller.person, caller.assurance, once=once)
    return answer(caller, command, saved, request)


def _command(said: dict[str, Any], **more: Any) -> RegisterDocument:
    try:
        return RegisterDocument(**said, **more)
    except ValidationError as error:
        found = fields(error.errors(include_url=False, include_input=False))
        if [name for name, _, _ in found] == ["media_type"]:
            raise Refusal(415, "document-without-type") from None
        raise Refusal(422, "invalid-parameters", errors=found) from None


class _Counted:
    """A stream of parts that knows how much has passed, and its digest."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self.size, self.digest = parts, 0, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self.size += len(part)
            self.digest.update(part)
            yield part


@ROUTES.get(
    "/documents", "documents", {"items": [{"id": ID, "title": "Lägesbild", "size": 1024}], "total": 1}
)
def documents(request: Request, reader: Reader, limit: Limit = 20, offset: Offset = 0) -> Response:
    """The documents that you may read."""
    reader.rights.register()
    found = [(id, reader.get(Document, id)[1]) for id in reader.ids(Document)]
    kept = [each for each in found if may_read(reader.rights, each[1])]
    return some(request, kept, limit, offset, lambda each: _shown(*each))


def may_read(rights: Rights, document: Document) -> bool:
    try:
        rights.document(document)
    except Refusal:
        return False
    return True


def _shown(id: str, document: Document) -> dict[str, Any]:
    content: dict[str, Any] = {"id": id} | shown(document)
    return content


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
def document_file(reader: Reader, document: Id) -> Response:
    """The document's file."""
    state = reader.get(Document, document)[1]
    reader.rights.document(state)
    parts = reader.municipality.files.read(state.file)
    first = next(parts)  # a destroyed or damaged file is told before the answer begins
    name = quote(str(state.title), safe="")
    headers = {
        "Content-Disposition": f"attachment; filename=\"{document}\"; filename*=UTF-8''{name}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Length": str(state.size),
    }
    return StreamingResponse(_rest(first, parts), media_type=state.media_type, headers=headers)


def _rest(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from parts
