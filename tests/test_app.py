"""The application as a whole: every route for every role, the document that describes it, and its edges.

- Default deny: each route is asked without a token, by somebody without a role and by every role, and what is permitted
  is said here once more, beside the code. A route that this file does not know fails.
- Commands are asked with an If-Match that never holds: whoever may not is told 403, whoever may is told 412, and
  nothing happens that the next role would meet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import documents, intake, problems, reading
from api.bodies import read
from api.commands import ELSEWHERE, creates, id_field, offered, path_of
from api.examples import example
from domain.decider import COMMANDS
from domain.messages import Command, Role
from domain.when import parse
from projections.runner import reached
from tests.web import V1, Town, problem

NEVER = {"If-Match": '"999999999"'}
GRANTED = ("secretary", "registrar", "archivist", "auditor", "administrator")
PEOPLE = (*GRANTED, "chair", "member", "justerare", "nobody")
EVERYONE = frozenset(PEOPLE) - {"nobody"}
EXAMINERS = frozenset(GRANTED)  # for the whole municipality
MAKERS = frozenset({"secretary", "chair", "justerare"})
PUBLIC = frozenset({
    "/healthz", "/readyz", "/api-info", "/openapi.json", f"{V1}/log/checkpoint", f"{V1}/log/vkeys",
    f"{V1}/log/vkeys.p7s", f"{V1}/log/ca.crl", f"{V1}/log/consistency/1/2",
    f"{V1}/log/trust-anchor.pem", f"{V1}/log/tile/0/000.p/1", f"{V1}/passphrase",
    f"{V1}/signings/{'0' * 16}/answer",
})  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with a person for each role, a held meeting, minutes under way and a document."""
    found = Town.settled(tmp_path_factory.mktemp("town"))
    for role in GRANTED:
        found.register(role, f"Enbart {role}")
        found.grant(role, role)
    found.register("justerare", "Petra Enbart")
    found.register("nobody", "Ingen Särskild")
    found.ids |= {"chair": found.ids["karin"], "member": found.ids["gunnar"]}
    found.tokens |= {"chair": found.tokens["karin"], "member": found.tokens["gunnar"]}
    meeting = found.called()
    found.held(meeting)
    found.do(f"meetings/{meeting}/elect-justerare", "sofia", person=found.ids["justerare"])
    matter = found.made(
        "matters/open-matter", "sofia", body=found.ids["council"], title="Läget", diarienummer="TR24.1"
    )
    minutes = found.minuted(meeting)
    document = found.client.post(
        f"{V1}/documents", params={"title": "Läget", "direction": "incoming"}, content=b"text",
        headers=found.header("sofia", {"Content-Type": "text/plain"}),
    ).json()["id"]  # fmt: skip
    assignment = found.made(
        "assignments/give-assignment",
        "sofia",
        body=found.ids["council"],
        what="Utred belysningen",
        to=[{"function": "Säkerhetschefen"}],
    )
    found.ids["assignment"] = assignment
    found.ids["report"] = found.made(
        "reports/write-report", "sofia", body=found.ids["council"], title="Återrapport"
    )
    found.ids["instrument"] = found.made(
        "instruments/begin-instrument",
        "sofia",
        body=found.ids["council"],
        kind="situation-picture",
        title="Läget",
    )
    point = {"text": "Belysningen byts.", "verb": "beslutas"}
    found.ids["proposal"] = found.made(
        "proposals/put-proposal", "sofia", matter=matter, title="Belysning", points=[point]
    )
    found.ids["unclarity"] = found.made(
        "unclarities/note-unclarity",
        "sofia",
        body=found.ids["council"],
        question="Vilken?",
        readings=["A", "B"],
    )
    found.ids |= {"meeting": meeting, "minutes": minutes, "document": document, "matter": matter}
    found.municipality.projector.catch_up()
    yield found
    found.close()


# --- every route for every role
def route_of(town: Town, path: str) -> str:
    """An address of a route, with the things of this town in it."""
    known = (
        "person",
        "matter",
        "document",
        "meeting",
        "minutes",
        "council",
        "assignment",
        "instrument",
        "proposal",
        "unclarity",
        "report",
    )
    values = {name: town.ids.get(name, town.ids["nobody"]) for name in known}
    values |= {
        "body": values["council"],
        "municipality": V1.rpartition("/")[2],
        "version": "1",
        "name": "todo",
    }
    values |= {
        "code": "0" * 32,
        "position": "1",
        "level": "0",
        "index": "000.p/1",
        "old": "1",
        "new": "2",
        "signing": "0" * 16,
    }
    return path.replace(":id", "").format(**values)


def readable(path: str) -> frozenset[str]:
    """Who may read an address: said here by its form, and not by asking the code."""
    if path in PUBLIC or "/copies/" in path:
        return frozenset({*PEOPLE, ""})
    if path.endswith("/held"):
        return frozenset({"secretary", "registrar", "archivist", "nobody"})  # it is the last one's own
    if path.endswith("/me"):
        return frozenset(PEOPLE)
    if re.search(r"/(audit|views|views/todo|log/tile/entries/000.p/1)$", path):
        return EXAMINERS
    if "/minutes/" in path:
        return MAKERS  # they are not done yet
    if path.endswith("/review"):
        return frozenset({"secretary", "registrar", "auditor"})
    if path.endswith("/kallelse.pdf") or re.search(r"/meetings/[0-9a-f]{16}$", path):
        return EVERYONE
    if "/reports/" in path:
        return frozenset({"secretary", "chair", "registrar"})  # it is not sent yet
    followed = "obligations|proposals|unclarities|assignments|follow-up|instruments|renewals|reports"
    if re.search(rf"/(bodies|persons|matters|meetings|documents|rules|proofs|{followed})(/|$)", path):
        return EVERYONE - {"justerare"}  # chosen at one meeting is no role in the municipality
    raise AssertionError(f"nothing says who may read {path}")


def addresses(town: Town, method: str) -> list[str]:
    return [
        route_of(town, path)
        for path, operations in town.app.openapi()["paths"].items()
        if method in operations
    ]


def test_what_can_be_read_is_read_by_those_who_may_and_no_others(town: Town) -> None:
    asked = addresses(town, "get")
    assert len(asked) > 25
    for path in asked:
        may = readable(path)
        for who in PEOPLE:
            status = town.client.get(path, headers=town.header(who)).status_code
            found = found_at(path)
            assert (status == found) == (who in may), f"{who} {path}: {status}"
            assert who in may or status == 403, f"{who} {path}: {status}"
        status = town.client.get(path).status_code
        assert status == (found_at(path) if "" in may else 401), f"nobody known {path}: {status}"


def found_at(path: str) -> int:
    """What those who may read get: the town's document is no extract and no copy."""
    return 404 if path.endswith("/extract-proof") or "/copies/" in path else 200


def body_for(town: Town, command: type[Command]) -> dict[str, Any]:
    """The example of a command, about this town."""
    field = id_field(command)
    found = example(command, without=None if creates(command) else field)
    for name in ("body", "meeting", "matter", "corrects"):
        if name in found:
            known = {"body": "council", "corrects": "minutes"}.get(name, name)
            found[name] = town.ids[known]
    return found


@pytest.mark.parametrize("command", offered(), ids=lambda command: command.command_name())
def test_a_command_is_given_by_its_roles_and_no_others(town: Town, command: type[Command]) -> None:
    path, body = route_of(town, path_of(command)), body_for(town, command)
    head = town.municipality.registry.recorder.head()
    answers = {who: town.client.post(path, json=body, headers=town.header(who, NEVER)) for who in PEOPLE}
    permitted = {who for who, answer in answers.items() if answer.status_code == 412}
    expected = {str(role) for role in command.ROLES} & {*PEOPLE}
    if "member" in expected:
        expected.add("chair")  # who has a seat in the council too
    assert permitted == expected, {who: answer.text for who, answer in answers.items()}
    for who in set(PEOPLE) - permitted:
        assert problem(answers[who])["code"] == "role-needed", answers[who].text
    assert problem(town.client.post(path, json=body))["code"] == "unauthenticated"
    assert town.municipality.registry.recorder.head() == head


OTHER_POSTS: dict[str, tuple[frozenset[str], dict[str, Any]]] = {
    "documents": (frozenset({"secretary", "registrar"}), {}),
    "documents/{document}/versions": (frozenset({"secretary", "registrar"}), {}),
    "minutes/{minutes}/extracts": (frozenset({"secretary", "registrar"}), {"items": [1], "place": "Eken"}),
    "minutes/{minutes}/copies": (frozenset({"secretary", "registrar"}), {"purpose": "web"}),
    "minutes/{minutes}/signings": (frozenset({"chair", "justerare"}), {"version": 1, "office": "nobodys"}),
    "signings/{signing}/resume": (frozenset(PEOPLE), {"passphrase": "fem ord som ingen har"}),
    "persons/{person}/issue-passphrase-link": (frozenset({"administrator"}), {}),
    "persons/{person}/issue-token": (frozenset({"administrator"}), {"label": "x"}),
    "persons/{person}/revoke-tokens": (frozenset({"administrator"}), {}),
}


def test_no_way_in_is_left_out_of_these_tests(town: Town) -> None:
    posts = {path for path, each in town.app.openapi()["paths"].items() if "post" in each}
    commands = {path_of(command).replace(":id", "") for command in offered()}
    rest = {path.removeprefix("/v1/{municipality}/") for path in posts - commands}
    assert rest == OTHER_POSTS.keys() | {"passphrase", "signings/{signing}/answer"}
    assert {command for command in COMMANDS.values() if command.INTERNAL}.isdisjoint(offered())
    assert set(COMMANDS.values()) - set(offered()) - set(ELSEWHERE) == {
        command for command in COMMANDS.values() if command.INTERNAL
    }
    methods = {method for each in town.app.openapi()["paths"].values() for method in each}
    assert methods == {"get", "post"}


@pytest.mark.parametrize("path", ["issue-passphrase-link", "issue-token", "revoke-tokens"])
def test_only_an_administrator_lets_people_in(town: Town, path: str) -> None:
    full = f"{V1}/persons/{town.ids['nobody']}/{path}"
    body = OTHER_POSTS[f"persons/{{person}}/{path}"][1]
    for who in set(PEOPLE) - {"administrator", "nobody"}:
        answer = town.client.post(full, json=body, headers=town.header(who))
        assert answer.status_code == 403, f"{who}: {answer.text}"
    assert town.client.post(full, json=body).status_code == 401
    if path != "revoke-tokens":
        secret = town.client.post(full, json=body, headers=town.header("administrator")).json()["token"]
        assert secret.startswith("liggare_")


def test_only_those_who_keep_the_register_bring_documents(town: Town) -> None:
    asked = {"title": "Läget", "direction": "incoming"}
    for who in PEOPLE:
        headers = town.header(who, {"Content-Type": "text/plain"})
        answer = town.client.post(f"{V1}/documents", params=asked, content=b"x", headers=headers)
        assert answer.status_code == (201 if who in ("secretary", "registrar") else 403), (
            f"{who}: {answer.text}"
        )


def test_only_those_who_keep_the_register_bring_versions(town: Town) -> None:
    for who in PEOPLE:
        headers = town.header(who, {"Content-Type": "text/plain"})
        answer = town.client.post(
            f"{V1}/documents/{town.ids['document']}/versions", content=b"newer", headers=headers
        )
        permitted = who in ("secretary", "registrar")
        assert answer.status_code == (201 if permitted else 403), f"{who}: {answer.text}"


@pytest.mark.parametrize("what", ["extracts", "copies"])
def test_only_those_who_keep_the_register_certify_extracts_and_make_copies(town: Town, what: str) -> None:
    body = OTHER_POSTS[f"minutes/{{minutes}}/{what}"][1]
    for who in PEOPLE:
        answer = town.client.post(
            f"{V1}/minutes/{town.ids['minutes']}/{what}", json=body, headers=town.header(who)
        )
        code = problem(answer)["code"]
        assert code == ("extract-of-finished" if who in ("secretary", "registrar") else "role-needed")


def test_only_those_who_sign_begin_to_sign_and_others_leave_no_trace(town: Town) -> None:
    head = town.municipality.registry.recorder.head()
    for who in set(PEOPLE) - MAKERS:
        town.refused(403, f"minutes/{town.ids['minutes']}/signings", who, version=1, office="chair")
    assert town.municipality.registry.recorder.head() == head
    for who in PEOPLE:
        assert town.refused(404, f"signings/{'0' * 16}/resume", who, passphrase="fem ord som ingen har")[
            "detail"
        ]


def test_a_role_ends_with_its_day(town: Town) -> None:
    town.register("former", "Före Detta")
    granted = town.do(
        f"persons/{town.ids['former']}/grant-role",
        role="auditor", valid_from="2023-01-01", valid_to="2023-12-31", ground="Uppdrag",
    )  # fmt: skip
    assert granted["events"]
    assert town.read("bodies", "former").status_code == 403


# --- tokens
@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer liggare_wrong",
        "Bearer åäö".encode("latin-1"),
        "Basic YTpi",
        "Bearer a b",
        "bearer x",
    ],
)
def test_a_wrong_token_is_told_as_a_missing_one(town: Town, value: str | bytes) -> None:
    raw = value.encode() if isinstance(value, str) else value
    answer = town.client.get(f"{V1}/me", headers={b"Authorization": raw})
    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    assert problem(answer) == problem(town.client.get(f"{V1}/me"))


def test_a_token_ends(town: Town) -> None:
    town.register("leaving", "På Väg Bort")
    assert town.read("me", "leaving").status_code == 200
    town.do(f"persons/{town.ids['leaving']}/revoke-tokens")
    assert town.read("me", "leaving").status_code == 401


def test_another_municipality_is_told_only_to_those_who_have_a_token(town: Town) -> None:
    assert town.client.get("/v1/annanby/me").status_code == 401
    answer = town.client.get("/v1/annanby/me", headers=town.header("operator"))
    assert answer.status_code == 404 and problem(answer)["code"] == "municipality-unknown"
    assert town.client.get("/v1/annanby/log/checkpoint").status_code == 404


# --- the description
@pytest.fixture(scope="module")
def document(town: Town) -> dict[str, Any]:
    found: dict[str, Any] = town.client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_operation_says_what_it_is(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["description"].strip() and operation["summary"].strip(), where
        assert set(operation["tags"]) <= tags, where
        assert re.fullmatch(r"(/[a-z0-9.-]+|/\{[a-z]+\})+", path), where
        assert all("_" not in name for name in re.findall(r"\{([^}]*)\}", path)), where
        declared = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert declared == set(re.findall(r"\{([^}]*)\}", path)), where


def test_every_operation_says_how_it_can_fail(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        answers = operation["responses"]
        where = f"{method} {path}"
        assert any(status.startswith("2") for status in answers) and "405" in answers, where
        for status, answer in answers.items():
            if status >= "400":
                schema = answer["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, where
        public = "/log/" in path and "/entries/" not in path
        protected = (
            "{municipality}" in path
            and "/copies/" not in path
            and not public
            and not path.endswith(("/passphrase", "/answer"))
        )
        assert ("401" in answers) == protected, where
        assert bool(operation.get("security")) == protected, where
        if method == "post":
            assert "404" in answers, where
    needed = {"type", "title", "status", "detail", "instance", "code", "what_to_do"}
    assert set(document["components"]["schemas"]["Problem"]["required"]) == needed


def test_every_reference_leads_somewhere_and_every_name_is_written_alike(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in document["components"]["schemas"], name
    assert "HTTPValidationError" not in text
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", field), f"{name}.{field}"


@pytest.mark.parametrize("command", offered(), ids=lambda command: command.command_name())
def test_every_command_has_an_example_that_it_accepts(
    command: type[Command], document: dict[str, Any]
) -> None:
    path = path_of(command).replace(":id", "")
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    field = id_field(command)
    given = {field: "0" * 16} if field and not creates(command) else {}
    read(command, json.dumps(body["example"]).encode(), **given)  # raises what it refuses
    schema = document["components"]["schemas"][command.__name__]
    assert schema["additionalProperties"] is False
    assert given.keys().isdisjoint(schema["properties"])
    assert set(schema["properties"]) | given.keys() == set(command.model_fields)
    for name in body["example"]:
        pattern = schema["properties"][name].get("pattern")
        assert pattern is None or re.search(pattern, body["example"][name]), name


def test_the_patterns_say_what_the_checks_refuse(document: dict[str, Any]) -> None:
    name = document["components"]["schemas"]["RegisterPerson"]["properties"]["name"]["pattern"]
    starts = document["components"]["schemas"]["ScheduleMeeting"]["properties"]["starts"]["pattern"]
    for text, fits in (
        ("Kim", True),
        ("", False),
        ("  ", False),
        ("a\nb", False),
        ("a\u0007", False),
        (" Kim ", True),
    ):
        assert bool(re.search(name, text)) == fits, repr(text)
    happened = document["components"]["schemas"]["RegisterPerson"]["properties"]["happened"]["anyOf"][0][
        "pattern"
    ]
    for text in ("okänt", "2024", "våren 2024", "före 2024-03", "5 mars 2024", "efter 2024-03-05T13:30"):
        assert re.search(happened, text) and parse(text).text == text, text
    email = document["components"]["schemas"]["ChangeContact"]["properties"]["email"]["pattern"]
    assert re.search(email, "kim@example.org") and not re.search(email, "kim")
    for text, fits in (
        ("2024-03-12T13:00", True),
        ("2024-03-12", True),
        ("2024-03", False),
        ("2024-03-12T25:00", False),
    ):
        assert bool(re.search(starts, text)) == fits, text


# --- edges
def test_an_address_that_leads_nowhere_is_a_problem_too(town: Town) -> None:
    for path in (
        "/",
        "/v1",
        f"{V1}/nothing",
        f"{V1}/persons/not-an-id",
        "/docs",
        f"{V1}/me/",
        f"{V1}/log/tile/0/1",
    ):
        assert town.client.get(path).status_code == 404
        assert problem(town.client.get(path))["code"] == "no-such-address"


def test_another_method_is_told_all_that_there_are(town: Town) -> None:
    for method in ("DELETE", "PUT", "PATCH", "OPTIONS", "TRACE"):
        answer = town.client.request(method, f"{V1}/documents")
        assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD, POST"
        assert problem(answer)["code"] == "method-not-allowed"
    assert town.client.get(f"{V1}/persons/register-person").headers["allow"] == "POST"
    assert town.client.post("/healthz").headers["allow"] == "GET, HEAD"


def test_head_answers_as_get_without_a_body(town: Town) -> None:
    for path in (f"{V1}/persons/{town.ids['per']}", f"{V1}/bodies", f"{V1}/nothing", "/healthz"):
        get = town.client.get(path, headers=town.header("operator"))
        head = town.client.head(path, headers=town.header("operator"))
        assert head.status_code == get.status_code and head.content == b""
        assert head.headers == get.headers


def test_every_answer_protects_its_reader(town: Town) -> None:
    for path in ("/healthz", "/nothing", f"{V1}/me", f"{V1}/log/checkpoint"):
        headers = town.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        assert (
            headers["referrer-policy"] == "no-referrer"
            and "default-src" in headers["content-security-policy"]
        )
        assert "cache-control" in headers and "server" not in headers
    assert town.client.get(f"{V1}/me").headers["cache-control"] == "no-store"


def test_a_problem_is_told_in_the_language_asked_for(town: Town) -> None:
    swedish, english = (
        town.client.get(f"{V1}/me", headers={"Accept-Language": tag})
        for tag in ("sv-SE,en;q=0.5", "en-GB,sv;q=0.5")
    )
    assert (swedish.headers["content-language"], english.headers["content-language"]) == ("sv", "en")
    assert swedish.json()["title"] != english.json()["title"]
    assert swedish.json()["type"] == english.json()["type"]


def test_lists_are_paged_and_lead_on(town: Town) -> None:
    found, totals, path = [], set(), f"{V1}/persons?limit=4"
    while path:
        answer = town.client.get(path, headers=town.header("operator"))
        found += [each["id"] for each in answer.json()["items"]]
        totals.add(answer.json()["total"])
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        path = link[1] if link else ""
    assert totals == {len(found)} == {len(set(found))} and len(found) > 8
    for query in (
        "limit=0",
        "limit=201",
        "limit=x",
        "offset=-1",
        "known=x",
        "known=2024-02-30",
        "min_position=-1",
    ):
        assert (
            problem(town.client.get(f"{V1}/persons?{query}", headers=town.header("operator")))["status"]
            == 422
        )


LISTS = {
    "bodies": "body", "persons": "person", "meetings": "meeting", "matters": "matter", "documents": "document",
    "proposals": "proposal", "unclarities": "unclarity", "assignments": "assignment", "instruments": "instrument",
    "reports": "report",
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), LISTS.items())
def test_a_list_has_all_that_the_log_tells_of_and_what_was_done_last(
    town: Town, name: str, kind: str
) -> None:
    town.register("last", "Sist Kommen")  # and nobody has waited for the views
    body = {"body": town.ids["council"]} if name in ("meetings", "unclarities") else {}
    asked = f"{V1}/{name}"
    header = town.header("secretary")
    found = town.client.get(asked, params={"limit": 200, **body}, headers=header).json()["items"]
    streams = (fact.stream.partition("-") for fact in town.municipality.registry.facts())
    told = list(dict.fromkeys(id for stream, _, id in streams if stream == kind))
    assert sorted(item["id"] for item in found) == sorted(told)
    assert len(found) == town.client.get(asked, params={"limit": 1, **body}, headers=header).json()["total"]
    past: dict[str, str | int] = {"limit": 200, "known": 1, **body}
    assert town.client.get(asked, params=past, headers=header).json()["total"] == 0


def test_no_answer_comes_from_a_view_that_stopped_before_it(town: Town) -> None:
    header = town.header("secretary")

    def told(path: str, **params: str | int) -> tuple[int, str | None]:
        answer = town.client.get(f"{V1}/{path}", params=params, headers=header)
        return answer.status_code, answer.json().get("code")

    town.municipality.projector.catch_up()
    head = town.municipality.registry.recorder.head().position
    here = reached.update().where(reached.c.projection == "matter")
    with town.municipality.views.begin() as db:
        db.execute(here.values(position=head - 1))
    failed = town.municipality.projector._failed
    failed["matter"] = f"position {head}: ValueError"
    try:
        assert told("matters") == told("views/matter") == told("obligations") == (503, "view-stopped")
        assert told("audit") == told("follow-up") == (503, "view-stopped")
        assert told("matters", known=head - 1) == told("persons") == (200, None)
        assert told(f"matters/{town.ids['matter']}") == (200, None)
        ready = town.client.get("/readyz")
        assert (ready.status_code, ready.json()["stopped"]) == (503, {V1.rpartition("/")[2]: ["matter"]})
    finally:
        del failed["matter"]
    assert told("matters") == (200, None)  # it goes on from there


def test_a_page_folds_only_what_it_shows(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        town.register("one", f"Person {number}")
    recorder, asked = town.municipality.registry.recorder, list[str]()
    real = recorder.select_stream

    def counted(name: str, *more: Any) -> Any:
        asked.append(name)
        return real(name, *more)

    monkeypatch.setattr(recorder, "select_stream", counted)
    header = town.header("secretary")
    page = town.client.get(f"{V1}/persons", params={"limit": 3, "offset": 20}, headers=header).json()
    assert len(page["items"]) == 3
    assert len({*asked} - {"secrets-registry"}) <= 4  # those shown, and who asks


def test_contact_data_is_for_those_who_keep_the_register(town: Town) -> None:
    at = f"persons/{town.ids['gunnar']}"
    town.do(f"{at}/change-contact", email="gunnar@example.org")
    for who, there in (
        ("secretary", True),
        ("administrator", True),
        ("member", True),
        ("auditor", False),
        ("chair", False),
    ):
        assert ("email" in town.seen(at, who)) == there, who


def test_a_view_of_one_body_is_for_those_who_examine_that_body(town: Town) -> None:
    council, board = town.ids["council"], town.ids["board"]
    assert town.read(f"views/meeting?body={council}", "chair").status_code == 200
    assert town.read(f"audit?body={council}", "sofia").status_code == 200
    assert town.read(f"views/meeting?body={council}", "member").status_code == 403
    town.register("clerk", "Nämndens Sekreterare")
    town.grant("clerk", "secretary", body="board")
    assert town.read(f"audit?body={council}", "clerk").status_code == 403
    assert town.read(f"audit?body={board}", "clerk").status_code == 200
    assert town.read("audit", "clerk").status_code == 403
    assert town.read(f"meetings/{town.ids['meeting']}", "clerk").status_code == 403
    assert town.seen("meetings", "clerk")["items"] == []
    assert problem(town.read(f"views/person?body={council}", "chair"))["status"] == 422
    assert problem(town.read("views/nothing", "auditor"))["status"] == 404


def test_a_damaged_file_is_our_fault_and_says_nothing_of_the_machine(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    made = town.client.post(
        f"{V1}/documents", params={"title": "Snart borta", "direction": "incoming"}, content=b"x",
        headers=town.header("sofia", {"Content-Type": "text/plain"}),
    ).json()["id"]  # fmt: skip
    address = town.seen(f"documents/{made}")["file"]
    town.municipality.files.path(address).unlink()
    client = TestClient(town.app, raise_server_exceptions=False)
    answer = client.get(f"{V1}/documents/{made}/file", headers=town.header("sofia"))
    client.close()
    assert answer.status_code == 500 and problem(answer)["code"] == "internal-error"
    assert address not in answer.text and "Traceback" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "failed" in caplog.text


def test_what_a_way_in_cannot_take_is_refused_by_name(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    file: Any = {"params": {"title": "Läget", "direction": "incoming"}}
    text = {"Content-Type": "text/plain"}

    def said(status: int, answer: Any) -> Any:
        assert answer.status_code == status, answer.text
        return problem(answer)["code"]

    def sent(headers: Mapping[str, str], path: str = "documents", **more: Any) -> Any:
        return town.client.post(f"{V1}/{path}", headers=town.header("sofia", headers), **more)

    person = "persons/register-person"
    assert said(415, sent(text, person, content=b"{}")) == "body-not-json-type"
    assert said(400, town.ask(person, headers={"If-Match": "x"}, name="A")) == "header-malformed"
    assert said(422, town.read("obligations?on=2024-02-30")) == "invalid-parameters"
    assert said(422, town.read("obligations?until=2999-01-01")) == "invalid-parameters"
    assert said(415, sent({"Content-Type": ""}, content=b"x", **file)) == "document-without-type"
    with monkeypatch.context() as patch:
        patch.setattr(intake, "LIMIT", 2)
        assert said(413, sent(text, content=b"tre", **file)) == "document-too-large"
    with ExitStack() as busy:
        while documents.AT_ONCE.acquire(blocking=False):
            busy.callback(documents.AT_ONCE.release)
        assert said(503, sent(text, content=b"x", **file)) == "uploads-busy"
    made = sent(text, content=b"x", **file).json()
    town.municipality.vault.destroy(f"document-{made['id']}", "preserved", "1")
    assert said(410, town.read(f"documents/{made['id']}/file")) == "file-destroyed"
    with monkeypatch.context() as patch:
        patch.setattr(reading, "PATIENCE", 0.0)
        assert said(503, town.read(f"bodies?min_position={made['position']}")) == "not-yet-shown"
    place = f"bodies/{town.ids['council']}/place-body"
    again = [town.do(place, "registrar", parent=town.ids["board"])["warnings"] for _ in range(2)]
    assert [each["code"] for each in again[1]] == ["nothing-changed"]
    signing = town.ask(f"minutes/{town.ids['minutes']}/signings", "chair", version=1, office="nobodys")
    assert said(409, signing) == "no-such-office"


def test_a_request_that_the_web_server_itself_cannot_read() -> None:
    def unreadable() -> None:
        raise HTTPException(400)

    app = FastAPI()
    app.add_api_route("/x", unreadable)
    problems.install(app)
    with TestClient(app) as client:
        answer = client.get("/x")
    assert (answer.status_code, problem(answer)["code"]) == (400, "request-unreadable")


def test_the_service_says_how_it_is(town: Town) -> None:
    assert town.client.get("/healthz").json() == {"status": "ok"}
    town.municipality.projector.catch_up()
    assert town.client.get("/readyz").json() == {"status": "ok", "lag": {"exempelby": 0}}
    said = town.client.get("/api-info").json()
    assert said["apiStatus"] == "active" and said["apiDocumentation"].endswith("/openapi.json")


# --- whatever is sent
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(command=st.sampled_from(offered()), data=st.data())
def test_whatever_stands_in_a_field_is_answered_and_nothing_happens(
    town: Town, command: type[Command], data: st.DataObject
) -> None:
    body = body_for(town, command)
    field = data.draw(st.sampled_from(sorted(body) or ["happened"]))
    body[field] = data.draw(values)
    path = route_of(town, path_of(command))
    head = town.municipality.registry.recorder.head()
    headers = town.header("secretary", NEVER | {"Content-Type": "application/json"})
    answer = town.client.post(path, content=json.dumps(body), headers=headers)
    assert answer.status_code in (400, 403, 404, 412, 422), answer.text
    problem(answer)
    assert town.municipality.registry.recorder.head() == head


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    raw=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_whatever_bytes_are_sent_are_answered(town: Town, raw: bytes) -> None:
    headers = town.header("secretary", NEVER | {"Content-Type": "application/json"})
    answer = town.client.post(f"{V1}/persons/register-person", content=raw, headers=headers)
    assert answer.status_code in (400, 412, 422), answer.text
    problem(answer)


def test_the_roles_tested_are_all_the_roles_there_are() -> None:
    assert {str(role) for role in Role} == {*PEOPLE} - {"nobody"} | {"system"}
