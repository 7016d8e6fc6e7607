"""One route for each command, made from the commands themselves.

- A command that creates is posted to the plural of its stream, POST /v1/{municipality}/meetings/schedule-meeting; every
  other to the thing it is about, POST /v1/{municipality}/meetings/{meeting}/record-dissent. A command of the registry
  itself is posted to /registry. What only the registry's own reactions may do has no route.
- The answer is 201 with the events and their positions, and what was observed against a rule beside them. ETag is the
  version of the stream that the command is about.
- If-Match with an earlier ETag answers 412 if somebody else was first (RFC 9110, 13.1.1). Without it the command is
  judged on what now is.
- The same Idempotency-Key with the same request gets the same answer again, and nothing happens twice; with another
  request it is refused (422). Keys are each person's own and are remembered for thirty days.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from api.bodies import Body, read
from api.examples import example
from api.problems import documented
from api.sentences import language, sentence
from api.tokens import Called, Caller
from api.wiring import target_stream
from domain.approving import BeginSigning
from domain.copying import MakeCopy
from domain.decider import COMMANDS
from domain.document import AddDocumentVersion, RegisterDocument
from domain.extracting import CertifyExtract
from domain.meeting_events import KallelseIssued
from domain.messages import Command, Fact, Finding
from domain.minutes_events import MinutesSent
from registry.registry import Once, Saved

PLURALS = {
    "municipality": "registry",
    "person": "persons",
    "body": "bodies",
    "matter": "matters",
    "document": "documents",
    "proposal": "proposals",
    "unclarity": "unclarities",
    "meeting": "meetings",
    "minutes": "minutes",
    "assignment": "assignments",
    "instrument": "instruments",
    "report": "reports",
}
# These have ways of their own: a document comes with its file, a signing with its PDF.
ELSEWHERE: tuple[type[Command], ...] = (
    RegisterDocument,
    AddDocumentVersion,
    CertifyExtract,
    MakeCopy,
    BeginSigning,
)
STATUSES = (400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 503)


class EventPart(BaseModel):
    """An event that the command led to."""

    position: int = Field(description="Its place in the log; its leaf index is one less.")
    kind: str = Field(description="Its topic.", examples=["dissent-recorded.v1"])
    stream: str
    version: int


class FindingPart(BaseModel):
    """What was observed against a rule. It was recorded, never refused."""

    finding: str
    rule: str
    modality: str
    expected: str
    observed: str
    document: str
    section: str
    text: str = Field(description="The same as a sentence, in the language asked for.")


class WarningPart(BaseModel):
    """What whoever gave the command should know or do next."""

    code: str
    text: str


class Answer(BaseModel):
    """What a command led to."""

    position: int = Field(
        description="The last event's position; send it as min_position to read your own write."
    )
    id: str = Field(description="The id of what the command is about.")
    events: list[EventPart]
    findings: list[FindingPart]
    warnings: list[WarningPart]


IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        pattern=r'^(\*|"[0-9]{1,9}")$',
        description="The ETag that was read, if it must still be so.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,64}$",
        description="The request's own key, for safe repeats.",
    ),
]


def offered() -> list[type[Command]]:
    """The commands that have a generated route."""
    return [each for each in COMMANDS.values() if not each.INTERNAL and each not in ELSEWHERE]


def id_field(command: type[Command]) -> str | None:
    """The field that holds the id of what the command is about; None for the registry itself."""
    return command.STREAM if command.STREAM in command.model_fields else None


def creates(command: type[Command]) -> bool:
    """Whether the command makes what it is about, so that its id need not be known."""
    field = id_field(command)
    return field is not None and not command.model_fields[field].is_required()


def path_of(command: type[Command]) -> str:
    """The command's address, with {names} for what varies."""
    field = id_field(command)
    middle = f"/{{{field}:id}}" if field and not creates(command) else ""
    return f"/v1/{{municipality}}/{PLURALS[command.STREAM]}{middle}/{command.command_name()}"


def execute(
    caller: Caller, command: Command, request: Request, raw: bytes, if_match: str | None, key: str | None
) -> Response:
    """Carry a command out for a caller and answer with what it led to."""
    municipality = caller.municipality
    once = Once(caller.person, f"{request.method} {request.url.path}", key, raw) if key else None
    expected = int(if_match.strip('"')) if if_match and if_match != "*" else None
    saved = municipality.execute(command, caller.person, caller.assurance, once=once, if_match=expected)
    return answer(caller, command, saved, request)


def answer(caller: Caller, command: Command, saved: Saved, request: Request) -> Response:
    """201 and the events; a repeat under the same key gets the same answer."""
    municipality = caller.municipality
    # Of a repeat only the events know which id was made the first time.
    own = [fact for fact in saved.facts if fact.stream.partition("-")[0] == command.STREAM]
    stream = own[-1].stream if own else target_stream(command)
    version = own[-1].version if own else municipality.registry.version(stream)
    id = stream.partition("-")[2]
    chosen = language(request.headers.get("accept-language"))
    content = Answer(
        position=saved.position or municipality.registry.recorder.head().position,
        id=id,
        events=[
            EventPart(position=fact.position, kind=fact.event.TOPIC, stream=fact.stream, version=fact.version)
            for fact in saved.facts
        ],
        findings=[FindingPart(**_finding(each, chosen)) for each in findings(saved.facts)],
        warnings=[
            WarningPart(code=code, text=sentence("warnings", code, chosen)) for code in warnings(saved.facts)
        ],
    )
    headers = {
        "ETag": f'"{version}"',
        "Location": f"/v1/{municipality.slug}/{PLURALS[command.STREAM]}"
        + (f"/{id}" if id_field(type(command)) else ""),
        "Content-Language": chosen,
        "Vary": "Accept-Language",
    } | ({"Idempotent-Replayed": "true"} if saved.again else {})
    return JSONResponse(content.model_dump(), 201, headers)


def findings(facts: Sequence[Fact]) -> list[Finding]:
    """What the events observed against rules."""
    return [finding for fact in facts for finding in getattr(fact.event, "findings", ())]


def warnings(facts: Sequence[Fact]) -> list[str]:
    """What should be known or done next, by code."""
    events = [fact.event for fact in facts]
    told = {
        "nothing-changed": not events,
        "reason-wanted": any(isinstance(each, KallelseIssued) and each.reason_wanted for each in events),
        "members-remaining": any(isinstance(each, MinutesSent) and each.remaining for each in events),
    }
    return [code for code, so in told.items() if so]


def _finding(finding: Finding, chosen: Any) -> dict[str, str]:
    plain = {
        name: str(getattr(finding, name)) for name in ("finding", "rule", "modality", "expected", "observed")
    }
    place = {"document": finding.source.document, "section": finding.source.section}
    said = plain | place | {"source": f"{place['document']} {place['section']}".strip()}
    return plain | place | {"text": sentence("findings", finding.finding, chosen, said)}


def add(app: FastAPI, command: type[Command]) -> None:
    """The route of one command."""
    field = id_field(command)
    given = field if field and not creates(command) else None

    def endpoint(
        request: Request,
        caller: Called,
        raw: Body,
        if_match: IfMatch = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        ids = {given: str(request.path_params[given])} if given else {}
        return execute(caller, read(command, raw, **ids), request, raw, if_match, idempotency_key)

    name = command.command_name()
    app.add_api_route(
        path_of(command),
        endpoint,
        methods=["POST"],
        name=name,
        operation_id=name,
        tags=[PLURALS[command.STREAM]],
        summary=name.replace("-", " ").capitalize(),
        description=_described(command),
        status_code=201,
        response_model=Answer,
        response_description="It is recorded.",
        responses=documented(*STATUSES, also={201: {"headers": _headers()}}),
        openapi_extra={
            "parameters": [id_parameter(given)] if given else [],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"$ref": f"#/components/schemas/{command.__name__}"},
                        "example": example(command, without=given),
                    }
                },
            },
        },
    )


def _described(command: type[Command]) -> str:
    roles = ", ".join(sorted(command.ROLES - {"system"}))
    return f"{' '.join((command.__doc__ or '').split())}\n\nMay be done by: {roles}."


def _headers() -> dict[str, Any]:
    return {
        "ETag": {"description": "The version of what the command is about.", "schema": {"type": "string"}},
        "Location": {"description": "Where it can be read.", "schema": {"type": "string"}},
    }


def id_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": f"The id of the {name}.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "example": "0123456789abcdef",
    }


def add_commands(app: FastAPI) -> None:
    for command in offered():
        add(app, command)
