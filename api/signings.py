"""Signing over HTTP: begin, finish with the passphrase, and the links and tokens that let a person in.

- Signing takes two requests. The first pins what is to be signed and answers with its digest and the words that the
  signer should see; the second brings the passphrase. In between nothing is held that a restart would lose.
- Where a signature service is set, begin answers with the form that the signer's browser posts there, and the
  service's answer comes back by the browser as such a form (DSS profile 2019-312, section 3). It brings no token: what
  the service has signed says what it is about, and nothing else of it is believed.
- A passphrase is chosen through a link that works once. Nobody else ever sees it, and no answer or log repeats it.
- Links and tokens are issued by an administrator, shown once and stored hashed; that they were is an event.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.admission import Admission
from api.bodies import FORM, Body, Form, read
from api.commands import id_parameter
from api.problems import documented
from api.reading import MyRights
from api.rights import Rights
from api.signing_flow import SigningFlow
from api.tokens import Called, Caller, Public
from domain.lookup import existing
from domain.meeting_events import Number
from domain.messages import Code, Line
from domain.person import Person

Passphrase = Annotated[str, Field(min_length=1, max_length=1024)]
MINUTES = "/v1/{municipality}/minutes/{minutes:id}"


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Begin(Strict):
    """What is to be signed, and for which office."""

    version: Number
    office: Code


class Resume(Strict):
    """The signer's passphrase."""

    passphrase: Passphrase


class Answer(BaseModel):
    """What the signer's browser brings from a signature service (2019-312, section 3.1.2)."""

    Binding: str = ""
    RelayState: str = Field(description="The request that this is the answer to.")
    EidSignResponse: str = Field(description="The signed answer, in base64.")


class Choose(Strict):
    """The link that was handed out, and the passphrase chosen."""

    link: Annotated[str, Field(max_length=200)]
    passphrase: Passphrase


class Issue(Strict):
    """What the token is for, and for how many days it is valid."""

    label: Line
    days: Annotated[int, Field(ge=1, le=400)] = 90


class Begun(BaseModel):
    """A signing under way."""

    model_config = ConfigDict(extra="allow")

    signing: str
    status: str
    expires: str
    visible_text: str = Field(description="What the signer should see before signing.")
    minutes_root: str = Field(description="The root of all that the version says.")
    render: str = Field(description="SHA-256 of the bytes to be signed.")


class Progress(BaseModel):
    """How far the signing has come."""

    model_config = ConfigDict(extra="allow")

    status: str = Field(description="done, pending or failed")


class Secret(BaseModel):
    """A secret that is shown this once."""

    token: str
    person: str


def add(app: FastAPI) -> None:
    def begin_signing(request: Request, caller: Called, raw: Body) -> Response:
        asked = read(Begin, raw)
        minutes = str(request.path_params["minutes"])
        begun = SigningFlow(caller.municipality).begin(minutes, asked.version, asked.office, caller.person)
        return _made(dict(begun), f"/v1/{caller.municipality.slug}/signings/{begun['signing']}")

    def resume_signing(request: Request, caller: Called, raw: Body) -> Response:
        asked = read(Resume, raw)
        signing = str(request.path_params["signing"])
        return JSONResponse(SigningFlow(caller.municipality).resume(signing, caller.person, asked.passphrase))

    def choose_passphrase(municipality: Public, raw: Body) -> Response:
        asked = read(Choose, raw)
        SigningFlow(municipality).set_passphrase(asked.link, asked.passphrase)
        return Response(status_code=204)

    def issue_passphrase_link(request: Request, caller: Called, rights: MyRights) -> Response:
        person, m = _person(request, caller, rights), caller.municipality
        return _made({"token": _admission(caller).link(person), "person": person}, f"/v1/{m.slug}/passphrase")

    def issue_token(request: Request, caller: Called, rights: MyRights, raw: Body) -> Response:
        person, m, asked = _person(request, caller, rights), caller.municipality, read(Issue, raw)
        token, _ = _admission(caller).token(person, asked.label, asked.days)
        return _made({"token": token, "person": person}, f"/v1/{m.slug}/persons/{person}")

    def revoke_tokens(request: Request, caller: Called, rights: MyRights) -> Response:
        _admission(caller).revoke(_person(request, caller, rights))
        return Response(status_code=204)

    def receive_answer(request: Request, municipality: Public, form: Form) -> Response:
        signing = str(request.path_params["signing"])
        return JSONResponse(SigningFlow(municipality).answer(signing, form))

    common = (400, 401, 403, 404, 405, 413, 415, 422, 503)
    _route(
        app, f"{MINUTES}/signings", begin_signing, 201, "minutes", "Begin to sign a version for an office.",
        Begun, Begin, {"version": 2, "office": "ordforande"}, (*common, 409), ("minutes",),
    )  # fmt: skip
    _route(
        app, "/v1/{municipality}/signings/{signing:id}/resume", resume_signing, 200, "minutes",
        "Finish a signing with the signer's passphrase.", Progress, Resume, {"passphrase": "fem ord som bara du kan"},
        (*common, 409, 429), ("signing",),
    )  # fmt: skip
    _route(
        app, "/v1/{municipality}/signings/{signing:id}/answer", receive_answer, 200, "minutes",
        "Take the answer of a signature service, as the signer's browser brings it. Needs no token.", Progress, Answer,
        {"Binding": "POST/XML/1.0", "RelayState": "5f0c…", "EidSignResponse": "PGRzczpTaWdu…"},
        (400, 404, 405, 409, 413, 415, 503), ("signing",), FORM,
    )  # fmt: skip
    _route(
        app, "/v1/{municipality}/passphrase", choose_passphrase, 204, "persons",
        "Choose the passphrase to sign with, through a link that works once. Needs no token.", None, Choose,
        {"link": "liggare_…", "passphrase": "fem ord som bara du kan"},
        tuple(status for status in (*common, 409) if status != 401), (),
    )  # fmt: skip
    _route(
        app, "/v1/{municipality}/persons/{person:id}/issue-passphrase-link", issue_passphrase_link, 201, "persons",
        "Issue a link through which the person chooses a passphrase. For administrators.", Secret, None, None,
        (401, 403, 404, 405, 409, 503), ("person",),
    )  # fmt: skip
    _route(
        app, "/v1/{municipality}/persons/{person:id}/issue-token", issue_token, 201, "persons",
        "Issue a token with which the person is let in. For administrators; shown once.", Secret, Issue,
        {"label": "Kim's laptop", "days": 90}, common, ("person",),
    )  # fmt: skip
    _route(
        app, "/v1/{municipality}/persons/{person:id}/revoke-tokens", revoke_tokens, 204, "persons",
        "End every token and link of a person. For administrators.", None, None, None,
        (401, 403, 404, 405, 503), ("person",),
    )  # fmt: skip


def _person(request: Request, caller: Caller, rights: Rights) -> str:
    rights.administer()
    person = str(request.path_params["person"])
    existing(caller.municipality.registry.world(), Person, person)
    return person


def _admission(caller: Caller) -> Admission:
    return Admission(caller.municipality, caller.person, caller.assurance)


def _made(content: dict[str, Any], location: str) -> Response:
    return JSONResponse(content, 201, {"Location": location})


def _route(
    app: FastAPI,
    path: str,
    endpoint: Any,
    status: int,
    tag: str,
    said: str,
    answers: type[BaseModel] | None,
    asks: type[BaseModel] | None,
    example: dict[str, Any] | None,
    statuses: tuple[int, ...],
    ids: tuple[str, ...],
    media: str = "application/json",
) -> None:
    name = endpoint.__name__.replace("_", "-")
    extra: dict[str, Any] = {"parameters": [id_parameter(each) for each in ids]}
    if asks is not None:
        schema = asks.model_json_schema()
        extra["requestBody"] = {
            "required": True,
            "content": {media: {"schema": schema, "example": example}},
        }
    app.add_api_route(
        path,
        endpoint,
        methods=["POST"],
        name=name,
        operation_id=name,
        tags=[tag],
        summary=name.replace("-", " ").capitalize(),
        description=said,
        status_code=status,
        response_model=answers,
        response_class=JSONResponse if answers else Response,
        response_description="Done.",
        responses=documented(*statuses),
        openapi_extra=extra,
    )
