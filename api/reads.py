"""What can be read over HTTP: bodies and rules, persons, matters, meetings, minutes and their papers, the log.

- States are folded from the log when they are asked for, now or as of a position; lists and searches that cross many
  streams are read from the views.
- Persons stand by id wherever the log has an id; /persons resolves it. Contact data is for those who keep the register.
- Everything here asks api/rights.py first.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from api.differences import differences
from api.papers import kallelse_pdf, minutes_pdf
from api.problems import Refusal
from api.reading import BodyId, Id, Limit, Offset, Reader, Reading, get, one, page, shown, some
from api.rights import KEEPERS
from domain.body import Body, Regulation
from domain.errors import NotFound
from domain.matter import Matter
from domain.meeting import Meeting
from domain.messages import Role
from domain.minutes import Minutes, Version
from domain.person import Person
from projections.reading import rows
from projections.views import VIEWS

ID = "0123456789abcdef"
V1 = "/v1/{municipality}"
Day = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="On this day; today if left out.")]
Number = Annotated[int, Path(ge=1, le=10_000, description="A version's number.", examples=[2])]


def add(app: FastAPI) -> None:
    """All routes of this module."""
    get(app, f"{V1}/me", me, "persons", "Who you are to the registry, and the roles you have today.",
        {"person": ID, "roles": ["secretary"], "bodies": {ID: ["secretary"]}})  # fmt: skip
    get(app, f"{V1}/bodies", bodies, "bodies", "All bodies.", {"items": [{"id": ID, "name": "Exempelrådet"}], "total": 1})
    get(app, f"{V1}/bodies/{{body:id}}", body, "bodies", "A body: its seats, mandates, offers and demands.",
        {"id": ID, "name": "Exempelrådet", "chair": ID, "members": [ID]})  # fmt: skip
    get(app, f"{V1}/rules/{{body:id}}", rules, "bodies", "The rules that apply to a body on a day, each with its source.",
        {"hash": ID * 4, "rules": [{"id": "notice", "modality": "utgangspunkt", "source": {"document": "…", "section": "4"}}]})  # fmt: skip
    get(app, f"{V1}/persons", persons, "persons", "The register of persons.", {"items": [{"id": ID, "name": "Kim"}], "total": 1})
    get(app, f"{V1}/persons/{{person:id}}", person, "persons", "A person: name, office and grants.",
        {"id": ID, "name": "Kim Exempel", "title": None, "organisation": "Exempelbolaget", "grants": []})  # fmt: skip
    get(app, f"{V1}/matters", matters, "matters", "All matters.",
        {"items": [{"id": ID, "diarienummer": "KS27.14"}], "total": 1})  # fmt: skip
    get(app, f"{V1}/matters/{{matter:id}}", matter, "matters", "A matter and its diary numbers.",
        {"id": ID, "diarienummer": "KS27.14", "title": "Lägesbild för våren"})  # fmt: skip
    get(app, f"{V1}/meetings", meetings, "meetings", "Meetings, the latest first.",
        {"items": [{"id": ID, "body": ID, "starts": "2027-05-12T13:00"}], "total": 1})  # fmt: skip
    get(app, f"{V1}/meetings/{{meeting:id}}", meeting, "meetings", "A meeting with all that is recorded about it.",
        {"id": ID, "body": ID, "starts": "2027-05-12T13:00", "items": [], "minutes": []})  # fmt: skip
    get(app, f"{V1}/meetings/{{meeting:id}}/kallelse.pdf", kallelse, "meetings", "A kallelse as it went out.", None,
        media="application/pdf")  # fmt: skip
    get(app, f"{V1}/minutes/{{minutes:id}}", minutes, "minutes", "Minutes: versions, approvals, seal and sending.",
        {"id": ID, "meeting": ID, "newest": 2, "approved": False})  # fmt: skip
    get(app, f"{V1}/minutes/{{minutes:id}}/versions/{{version:int}}", version, "minutes",
        "One version, whole. Working material for those who write and approve.",
        {"version": 2, "statements": [], "texts": {"1": "…"}})  # fmt: skip
    get(app, f"{V1}/minutes/{{minutes:id}}/versions/{{version:int}}/diff", diff, "minutes",
        "What differs from another version, word by word.",
        {"from": 1, "to": 2, "changes": [{"place": "texts/1", "words": [["=", "Rådet"], ["+", " beslutar"]]}]})  # fmt: skip
    get(app, f"{V1}/minutes/{{minutes:id}}/pdf", pdf, "minutes",
        "The paper: sealed, with the signatures so far, or as a draft marked so on every page.", None,
        media="application/pdf")  # fmt: skip
    get(app, f"{V1}/views", views, "views", "The views there are, and how far behind each is.",
        {"items": [{"name": "todo", "version": 1, "lag": 0}]})  # fmt: skip
    get(app, f"{V1}/views/{{name}}", view, "views", "The rows of a view, as known and true at other times if asked for.",
        {"items": [{"key": ID, "position": 12}]})  # fmt: skip


# --- who and what there is
def me(reader: Reader) -> Response:
    bodies = {id: sorted(found) for id in reader.ids(Body) if (found := reader.rights.roles(id))}
    return JSONResponse({"person": reader.person, "roles": sorted(reader.rights.roles()), "bodies": shown(bodies)})


def bodies(request: Request, reader: Reader, limit: Limit = 20, offset: Offset = 0) -> Response:
    reader.rights.register()

    def show(id: str) -> dict[str, Any]:
        state = reader.get(Body, id)[1]
        return {"id": id, "name": state.name, "kind": state.kind, "parent": state.parent or None}

    return some(request, reader.ids(Body), limit, offset, show)


def body(reader: Reader, body: Id) -> Response:
    reader.rights.register()
    version, state = reader.get(Body, body)
    day = reader.rights.today
    content = {"id": body} | shown(state) | {"regulations": [_regulation(each) for each in state.regulations]}
    world = reader.municipality.registry.world(reader.at)
    content |= {"chair": state.chair_at(day, world) or None, "members": list(state.members_at(day))}
    return one(content, version)


def _regulation(regulation: Regulation) -> dict[str, Any]:
    names = ("regulation", "diarienummer", "adopted_by", "adopted_on", "valid_from", "valid_to")
    found = {name: shown(getattr(regulation, name)) for name in names}
    return found | {"profile": regulation.rules.id, "title": regulation.rules.title, "hash": regulation.rules.hash}


def rules(reader: Reader, body: Id, on: Day = None) -> Response:
    reader.rights.register()
    version, state = reader.get(Body, body)
    day = _day(on) or reader.rights.today
    found = state.rules_at(day)
    if found is None:
        raise NotFound("rules", body)
    content = {"body": body, "on": day.isoformat(), "profile": found.id, "title": found.title, "hash": found.hash}
    return one(content | {"rules": [shown(rule) | {"source": _source(rule.source)} for rule in found]}, version)


def _source(source: Any) -> dict[str, str]:
    return {"document": source.document, "section": source.section, "fact": source.fact}


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Refusal(422, "invalid-parameters", errors=[("on", "date_parsing", {})]) from None


def persons(request: Request, reader: Reader, limit: Limit = 20, offset: Offset = 0) -> Response:
    reader.rights.register()

    def show(id: str) -> dict[str, Any]:
        state = reader.get(Person, id)[1]
        return {"id": id, "name": shown(state.name), "title": shown(state.title), "organisation": state.organisation}

    return some(request, reader.ids(Person), limit, offset, show)


def person(reader: Reader, person: Id) -> Response:
    reader.rights.register()
    version, state = reader.get(Person, person)
    content = {"id": person} | shown(state)
    if person != reader.person and not reader.rights.anywhere() & (KEEPERS | {Role.ADMINISTRATOR}):
        del content["email"]
    return one(content, version)


def matters(request: Request, reader: Reader, body: BodyId = None, limit: Limit = 20, offset: Offset = 0) -> Response:
    reader.rights.register()
    found = [(id, reader.get(Matter, id)[1]) for id in reader.ids(Matter)]
    kept = [(id, state) for id, state in found if body in (None, state.body)]
    return some(request, kept, limit, offset, lambda each: {"id": each[0]} | shown(each[1]))


def matter(reader: Reader, matter: Id) -> Response:
    reader.rights.register()
    version, state = reader.get(Matter, matter)
    return one({"id": matter} | shown(state), version)


# --- meetings
def meetings(request: Request, reader: Reader, body: BodyId = None, limit: Limit = 20, offset: Offset = 0) -> Response:
    reader.rights.register()
    found = [(id, reader.get(Meeting, id)[1]) for id in reader.ids(Meeting)]
    mine = {id: bool(reader.rights.roles(id)) for id in {state.body for _, state in found}}
    kept = [each for each in found if body in (None, each[1].body) and mine[each[1].body]]
    kept.sort(key=lambda each: each[1].starts, reverse=True)
    return some(request, kept, limit, offset, lambda each: _short(*each))


def _short(id: str, state: Meeting) -> dict[str, Any]:
    return {
        "id": id,
        "body": state.body,
        "title": shown(state.title),
        "starts": state.starts,
        "place": shown(state.place),
        "cancelled": state.cancelled,
        "held": state.opened is not None,
        "minutes": [each.minutes for each in state.minutes],
    }


def meeting(reader: Reader, meeting: Id) -> Response:
    version, state = reader.get(Meeting, meeting)
    reader.rights.meeting(state)
    return one({"id": meeting} | shown(state) | {"agenda": [item.item for item in state.agenda]}, version)


def kallelse(reader: Reader, meeting: Id, issue: Annotated[int, Query(ge=1, le=10_000)] = 1) -> Response:
    state = reader.get(Meeting, meeting)[1]
    reader.rights.meeting(state)
    return _paper(kallelse_pdf(reader.municipality, meeting, issue, reader.at), f"kallelse-{meeting}-{issue}.pdf")


# --- minutes
def minutes(reader: Reader, minutes: Id) -> Response:
    at, state = reader.get(Minutes, minutes)
    reader.rights.minutes(state)
    content = {"id": minutes} | shown(state)
    content |= {
        "newest": state.newest.version,
        "covers": list(state.covers),
        "word": state.newest.word,
        "versions": [{"version": each.version, "base": each.base} for each in state.versions],
        "signers": shown(state.signers),
        "approved": state.approved,
        "finished": state.finished,
    }
    if not reader.rights.works_on(state):
        del content["returned"]
    return one(content, at)


def _version(reader: Reading, minutes: str, number: int) -> tuple[int, Version]:
    at, state = reader.get(Minutes, minutes)
    done = state.done and number == state.newest.version
    reader.rights.minutes(state, working=not done)
    for each in state.versions:
        if each.version == number:
            return at, each
    raise NotFound("version", f"{minutes}/{number}")


def version(reader: Reader, minutes: Id, version: Number) -> Response:
    at, found = _version(reader, minutes, version)
    return one({"minutes": minutes} | shown(found), at)


def diff(
    reader: Reader, minutes: Id, version: Number, since: Annotated[int | None, Query(alias="from", ge=1, le=10_000)] = None
) -> Response:
    at, newer = _version(reader, minutes, version)
    older = since or newer.base
    before = _version(reader, minutes, older)[1] if older else None
    return one({"from": older, "to": version, "changes": differences(before, newer)}, at)


def pdf(
    reader: Reader, minutes: Id, version: Annotated[int | None, Query(ge=1, le=10_000)] = None
) -> Response:
    state = reader.get(Minutes, minutes)[1]
    number = version or state.newest.version
    _version(reader, minutes, number)
    return _paper(minutes_pdf(reader.municipality, minutes, state, number), f"{minutes}-{number}.pdf")


def _paper(content: bytes, name: str) -> Response:
    return Response(content, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


# --- views
def views(reader: Reader) -> Response:
    reader.rights.log(None)
    lag = reader.municipality.projector.lag()
    return JSONResponse(
        {"items": [{"name": view.name, "version": view.version, "lag": lag.get(view.name)} for view in VIEWS]}
    )


def view(
    request: Request,
    reader: Reader,
    name: Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="A view's name.", examples=["todo"])],
    true: Day = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    reader.rights.log(None)
    if name not in {each.name for each in VIEWS}:
        raise NotFound("view", name)
    on = _day(true)
    found = rows(
        reader.municipality.views, name, known=reader.at, true=on.isoformat() if on else None,
        limit=limit + 1, offset=offset,
    )  # fmt: skip
    return page(request, shown(found), None, limit, offset)
