"""What can be read of the register: bodies and their rules, persons, matters; and the views.

- States are folded from the log when they are asked for, now or as of a position; lists and searches that cross many
  streams are read from the views.
- Persons stand by id wherever the log has an id; /persons resolves it. Contact data is for those who keep the register.
- Everything here asks api/rights.py first.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse, Response

from api.problems import Refusal
from api.reading import DAY, BodyId, Id, Limit, Offset, Reader, Routes, day, one, page, shown, some
from api.rights import KEEPERS
from domain.body import Body, Regulation
from domain.errors import NotFound
from domain.grammar import normalised
from domain.matter import Matter
from domain.messages import Role
from domain.person import Person
from domain.proposal import Proposal
from domain.unclarity import Unclarity
from projections.reading import rows
from projections.view import Row
from projections.views import BY_NAME, VIEWS

ID = "0123456789abcdef"
V1 = "/v1/{municipality}"
OfMatter = Annotated[str | None, Query(pattern=r"^[0-9a-f]{16}$", description="Of this matter only.")]
Day = Annotated[str | None, Query(pattern=f"^{DAY}$", description="On this day; today if left out.")]


ROUTES = Routes()
add = ROUTES.add


# --- who and what there is
@ROUTES.get("/me", "persons", {"person": ID, "roles": ["secretary"], "bodies": {ID: ["secretary"]}})
def me(reader: Reader) -> Response:
    """Who you are to the registry, and the roles you have today."""
    held = {row["key"]: reader.rights.roles(row["key"]) for row in reader.listed("body")}
    bodies = {id: sorted(roles) for id, roles in held.items() if roles}
    return JSONResponse(
        {"person": reader.person, "roles": sorted(reader.rights.roles()), "bodies": shown(bodies)}
    )


@ROUTES.get("/bodies", "bodies", {"items": [{"id": ID, "name": "Exempelrådet"}], "total": 1})
def bodies(request: Request, reader: Reader, limit: Limit = 20, offset: Offset = 0) -> Response:
    """All bodies."""
    reader.rights.register()

    def show(row: Row) -> dict[str, Any]:
        state = reader.get(Body, row["key"])[1]
        return {
            "id": row["key"],
            "name": state.name,
            "kind": state.kind,
            "parent": state.parent or None,
            "placed": state.placed,
        }

    return some(request, reader.listed("body"), limit, offset, show)


@ROUTES.get("/bodies/{body:id}", "bodies", {"id": ID, "name": "Exempelrådet", "chair": ID, "members": [ID]})
def body(reader: Reader, body: Id) -> Response:
    """A body: its seats, mandates, offers and demands."""
    reader.rights.register()
    version, state = reader.get(Body, body)
    today = reader.rights.today
    content = {"id": body} | shown(state) | {"regulations": [_regulation(each) for each in state.regulations]}
    world = reader.municipality.registry.world(reader.at)
    content |= {"chair": state.chair_at(today, world) or None, "members": list(state.members_at(today))}
    return one(content, version)


def _regulation(regulation: Regulation) -> dict[str, Any]:
    names = ("regulation", "diarienummer", "adopted_by", "adopted_on", "valid_from", "valid_to")
    found = {name: shown(getattr(regulation, name)) for name in names}
    return found | {
        "profile": regulation.rules.id,
        "title": regulation.rules.title,
        "hash": regulation.rules.hash,
    }


@ROUTES.get(
    "/rules/{body:id}", "bodies", {"hash": ID * 4, "rules": [{"id": "notice", "modality": "utgangspunkt"}]}
)
def rules(reader: Reader, body: Id, on: Day = None) -> Response:
    """The rules that apply to a body on a day, each with its source."""
    reader.rights.register()
    version, state = reader.get(Body, body)
    asked = day(on, "on") if on else reader.rights.today
    found = state.rules_at(asked)
    if found is None:
        raise NotFound("rules", body)
    content = {
        "body": body,
        "on": asked.isoformat(),
        "profile": found.id,
        "title": found.title,
        "hash": found.hash,
    }
    return one(
        content | {"rules": [shown(rule) | {"source": _source(rule.source)} for rule in found]}, version
    )


def _source(source: Any) -> dict[str, str]:
    return {"document": source.document, "section": source.section, "fact": source.fact}


@ROUTES.get("/persons", "persons", {"items": [{"id": ID, "name": "Kim Exempel"}], "total": 1})
def persons(request: Request, reader: Reader, limit: Limit = 20, offset: Offset = 0) -> Response:
    """The register of persons."""
    reader.rights.register()

    def show(row: Row) -> dict[str, Any]:
        state = reader.get(Person, row["key"])[1]
        return {
            "id": row["key"],
            "name": shown(state.name),
            "title": shown(state.title),
            "organisation": state.organisation,
        }

    return some(request, reader.listed("person"), limit, offset, show)


@ROUTES.get("/persons/{person:id}", "persons", {"id": ID, "name": "Kim Exempel", "title": None, "grants": []})
def person(reader: Reader, person: Id) -> Response:
    """A person: name, office and grants; the address too, for those who keep the register."""
    reader.rights.register()
    version, state = reader.get(Person, person)
    content = {"id": person} | shown(state)
    if person != reader.person and not reader.rights.granted & (KEEPERS | {Role.ADMINISTRATOR}):
        del content["email"]
    return one(content, version)


@ROUTES.get("/matters", "matters", {"items": [{"id": ID, "diarienummer": "KS27.14"}], "total": 1})
def matters(
    request: Request,
    reader: Reader,
    body: BodyId = None,
    diarienummer: Annotated[
        str | None, Query(max_length=40, description="Known under this number, in any way of writing it.")
    ] = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """All matters, or those of one body's diary, or the one that a number stands for."""
    reader.rights.register()
    where: dict[str, Any] = {"body": body} if body else {}
    if diarienummer is not None:
        numbered = reader.listed("number", "matter", number=normalised(diarienummer))
        where["matter"] = [each["matter"] for each in numbered]
    return some(request, reader.listed("matter", **where), limit, offset, reader.whole(Matter))


@ROUTES.get("/matters/{matter:id}", "matters", {"id": ID, "diarienummer": "KS27.14", "title": "Lägesbild"})
def matter(reader: Reader, matter: Id) -> Response:
    """A matter and its diary numbers."""
    reader.rights.register()
    version, state = reader.get(Matter, matter)
    return one({"id": matter} | shown(state), version)


@ROUTES.get("/proposals", "proposals", {"items": [{"id": ID, "matter": ID, "versions": []}], "total": 1})
def proposals(
    request: Request, reader: Reader, matter: OfMatter = None, limit: Limit = 20, offset: Offset = 0
) -> Response:
    """Proposals with all their versions; a proposal is not a decision."""
    reader.rights.register()
    where = {"version": 1} | ({"matter": matter} if matter else {})
    found = reader.listed("proposal-version", "proposal", **where)
    return some(request, found, limit, offset, reader.whole(Proposal, "proposal"))


@ROUTES.get("/proposals/{proposal:id}", "proposals", {"id": ID, "matter": ID, "versions": []})
def proposal(reader: Reader, proposal: Id) -> Response:
    """A proposal with all its versions, and all that each proposes with what it adds to."""
    reader.rights.register()
    version, state = reader.get(Proposal, proposal)
    whole = [shown(state.whole(each.version)) for each in state.versions]
    return one({"id": proposal} | shown(state) | {"whole": whole}, version)


@ROUTES.get(
    "/unclarities", "unclarities", {"items": [{"id": ID, "question": "…", "readings": []}], "total": 1}
)
def unclarities(
    request: Request,
    reader: Reader,
    body: BodyId = None,
    matter: OfMatter = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """What is unclear, with the readings of it that named persons have made."""
    reader.rights.register()
    where = {name: value for name, value in (("body", body), ("matter", matter)) if value}
    return some(request, reader.listed("unclarity", **where), limit, offset, reader.whole(Unclarity))


@ROUTES.get("/unclarities/{unclarity:id}", "unclarities", {"id": ID, "question": "…", "readings": []})
def unclarity(reader: Reader, unclarity: Id) -> Response:
    """Something unclear: its passages, the ways it may be read, and how it was read by whom."""
    reader.rights.register()
    version, state = reader.get(Unclarity, unclarity)
    return one({"id": unclarity} | shown(state), version)


# --- views
@ROUTES.get("/views", "views", {"items": [{"name": "todo", "version": 1, "lag": 0}]})
def views(reader: Reader) -> Response:
    """The views there are, and how many events each is behind."""
    reader.rights.log(None)
    lag = reader.municipality.projector.lag()
    return JSONResponse(
        {"items": [{"name": view.name, "version": view.version, "lag": lag.get(view.name)} for view in VIEWS]}
    )


@ROUTES.get("/views/{name}", "views", {"items": [{"key": ID, "position": 12}]})
def view(
    request: Request,
    reader: Reader,
    name: Annotated[
        str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="A view's name.", examples=["todo"])
    ],
    body: BodyId = None,
    true: Day = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> Response:
    """The rows of a view, of one body or all, as known and true at other times if asked for."""
    reader.rights.log(body)
    if name not in BY_NAME:
        raise NotFound("view", name)
    if body and "body" not in BY_NAME[name].table.c:
        raise Refusal(422, "invalid-parameters", errors=[("body", "extra_forbidden", {})])
    on = day(true, "true").isoformat() if true else None
    found = rows(
        reader.municipality.shown(reader.at, name), name, reader.at, on,
        {"body": body} if body else None, limit + 1, offset,
    )  # fmt: skip
    return page(request, shown(found), None, limit, offset)
