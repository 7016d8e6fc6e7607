"""The bytes of a request: read with a limit, decoded strictly, made into a command.

- A command's body is one JSON object in UTF-8 (RFC 8259). A name that stands twice is refused: readers of JSON differ
  on which value counts (RFC 8259, 4). NaN, Infinity and lone surrogates are no JSON.
- Types are strict: neither 0 nor "0" is a date and "yes" is no truth value. Unknown fields are refused.
- An id that stands in the address is not repeated in the body.
- A body larger than its limit is refused without being read to its end.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import anyio.from_thread
from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from api.problems import Refusal, fields

COMMAND_LIMIT = 1 << 20
UPLOAD_LIMIT = 100 << 20
M = TypeVar("M", bound=BaseModel)


async def body(request: Request) -> bytes:
    """The whole body of a command, of at most 1 MiB, said to be JSON."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != "application/json":
        raise Refusal(415, "body-not-json-type")
    return b"".join([part async for part in limited(request, COMMAND_LIMIT)])


Body = Annotated[bytes, Depends(body)]
FORM, FORM_LIMIT, FORM_FIELDS = "application/x-www-form-urlencoded", 4 << 20, 8


async def form(request: Request) -> dict[str, str]:
    """The fields of a small form, each standing once."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refusal(415, "body-not-form")
    raw = b"".join([part async for part in limited(request, FORM_LIMIT)])
    try:
        pairs = parse_qsl(raw.decode("ascii"), strict_parsing=True, max_num_fields=FORM_FIELDS)
    except ValueError:
        raise Refusal(400, "answer-unreadable") from None
    return _once(pairs)


Form = Annotated[dict[str, str], Depends(form)]


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body part by part; 413 once it is larger than the limit, or says that it will be."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large(limit)
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large(limit)
        yield part


def too_large(limit: int) -> Refusal:
    return Refusal(413, "body-too-large", limit=limit, headers={"Connection": "close"})


def streamed(request: Request, limit: int) -> Iterator[bytes]:
    """The body part by part, in a worker thread: nothing is kept in memory or written out in the clear."""
    parts = limited(request, limit)
    while True:
        try:
            yield anyio.from_thread.run(_next, parts)
        except StopAsyncIteration:
            return


async def _next(parts: AsyncIterator[bytes]) -> bytes:
    return await anext(parts)


def read(model: type[M], raw: bytes, **given: str) -> M:
    """The model that the body describes, together with the ids of the address; 400 or 422 if it is not one."""
    value = decode(raw)
    if not isinstance(value, dict):
        raise Refusal(422, "invalid-fields", errors=[("", "dict_type", {})])
    if twice := [name for name in given if name in value]:
        raise Refusal(422, "invalid-fields", errors=[(name, "extra_forbidden", {}) for name in twice])
    try:
        found_model = model.model_validate_json(json.dumps(value | given), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        if any(each["type"] == "json_invalid" for each in found):
            raise Refusal(400, "body-not-json") from None
        raise Refusal(422, "invalid-fields", errors=fields(found)) from None
    if other := [name for name in value if not _as_written(getattr(found_model, name), value[name])]:
        raise Refusal(422, "invalid-fields", errors=[(name, "date_parsing", {}) for name in other])
    return found_model


def _as_written(read: object, written: object) -> bool:
    """Whether a date was written as a date: pydantic also takes a count of seconds in a text."""
    if isinstance(read, list) and isinstance(written, list):
        return all(map(_as_written, read, written))
    return not isinstance(read, date) or written == read.isoformat()


def decode(raw: bytes) -> Any:
    """The JSON value of the bytes; 400 for anything that is not JSON or says a thing twice."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "body-not-json") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refusal(400, "body-duplicate-key")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
