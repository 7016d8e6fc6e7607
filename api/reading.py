"""What every reading has in common: as of when, how much, in which form.

- known: a position, a day or a time; what the registry knew then. A reading as of a position folds the events up to it.
- min_position: a position that must be shown; asked with the position of one's own command, one reads one's own writes.
- limit (20 unless said, at most 200) and offset; Link rel="next" leads on (RFC 8288).
- Sealed wording is shown as text, or as █████ where it was destroyed by decision.
- What is secret at a meeting is withheld from those it is not for, whichever position they ask about.
- ETag is the version of what was read. It is what If-Match of a command asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from api.problems import Refusal, documented
from api.rights import PATIENCE, Rights
from api.tokens import Caller, caller
from api.wiring import Municipality
from domain.errors import NotFound
from domain.meeting import Meeting
from domain.messages import Destroyed, Known, State, stream
from domain.withholding import Items, withheld
from projections.reading import position_at, rows
from projections.view import Row

S = TypeVar("S", bound=State)
LONGEST = 200
DAY = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME, ZONE = r"T([01][0-9]|2[0-3]):[0-5][0-9]", r"(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
WHEN = rf"^([0-9]{{1,12}}|{DAY}({TIME}(:[0-5][0-9](\.[0-9]{{1,6}})?)?{ZONE})?)$"

Id = Annotated[
    str, Path(pattern=r"^[0-9a-f]{16}$", description="An id of the registry.", examples=["0123456789abcdef"])
]
When = Annotated[
    str | None,
    Query(pattern=WHEN, description="What was known then: a position, a day or a time (RFC 3339)."),
]
MinPosition = Annotated[
    int | None,
    Query(ge=0, le=2**53 - 1, description="Wait until this position is shown; 503 if it takes too long."),
]
Limit = Annotated[int, Query(ge=1, le=LONGEST, description="At most this many.")]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1, description="Skip this many.")]
BodyId = Annotated[str | None, Query(pattern=r"^[0-9a-f]{16}$", description="Of this body only.")]


@dataclass(frozen=True)
class Reading:
    """One reading: by whom, of which registry, as of which position (None is now)."""

    municipality: Municipality
    person: str
    rights: Rights
    at: int | None = None

    def get(self, kind: type[S], id: str) -> tuple[int, S]:
        """A stream's version and state; 404 if it was not there."""
        registry, name = self.municipality.registry, stream(kind, id)
        version, state = registry.load(kind, name, self.at)
        if not state.exists:
            raise NotFound(kind.STREAM, id)
        if isinstance(state, Meeting) and (hidden := self.hidden(id)):
            state = kind()
            for fact in registry.stream(name, self.at):
                state = state.evolve(replace(fact, event=withheld(fact.event, hidden, minutes=False)))
        return version, state

    def hidden(self, meeting: str) -> Items:
        """What is secret at a meeting today, unless it is for this reader."""
        now = self.municipality.registry.get(Meeting, meeting)
        secret = frozenset(one.item for one in now.items if one.secrecy)
        return {meeting: secret} if secret and not self.rights.reads_secrets(now) else {}

    def listed(self, view: str, *columns: str, **where: Any) -> list[Row]:
        """The rows of a view that a list is made of: these columns and those in where, first entered first.

        What is shown of each thing is folded from the log, for those on the page.
        """
        if self.at is None:
            wait_for(self.municipality, self.municipality.registry.recorder.head().position)
        return rows(self.municipality.shown(self.at, view), view, self.at, where=where, columns=columns)

    def whole(self, kind: type[State], key: str = "key") -> Callable[[Row], dict[str, Any]]:
        """How a row is shown: as all that is known of the thing it is about."""
        return lambda row: {"id": row[key]} | shown(self.get(kind, row[key])[1])

    def seen(self, found: list[Row]) -> list[Row]:
        """The rows of no body, and those of the bodies that the reader has to do with."""
        mine = {id: bool(self.rights.roles(id)) for id in {row["body"] for row in found if row["body"]}}
        return [row for row in found if not row["body"] or mine[row["body"]]]


def rights(called: Annotated[Caller, Depends(caller)]) -> Rights:
    """What the caller may read, and administer."""
    return Rights(called)


MyRights = Annotated[Rights, Depends(rights)]


def reader(
    called: Annotated[Caller, Depends(caller)],
    mine: MyRights,
    known: When = None,
    min_position: MinPosition = None,
) -> Reading:
    """The reading that was asked for; 503 if what it waits for is not shown in time."""
    municipality = called.municipality
    wait_for(municipality, min_position)
    at = None if known is None else when(municipality, known)
    return Reading(municipality, called.person, mine, at)


Reader = Annotated[Reading, Depends(reader)]


def wait_for(municipality: Municipality, position: int | None) -> None:
    """Until the views have come to a position."""
    if position is None:
        return
    if position > municipality.registry.recorder.head().position:
        raise Refusal(422, "invalid-parameters", errors=[("min_position", "beyond_head", {})])
    if not municipality.projector.wait_for(position, PATIENCE):
        raise Refusal(503, "not-yet-shown", headers={"Retry-After": "1"})


def when(municipality: Municipality, text: str) -> int:
    """The position of the last event known at a position, a day (its end) or a time."""
    return position_at(municipality.registry, moment(text, "known"))


def moment(text: str, name: str) -> int | date | datetime:
    """A position, a day or a time as it is written in an address; 422 if there is no such day or time."""
    try:
        if text.isdecimal():
            return int(text)
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(422, "invalid-parameters", errors=[(name, "date_parsing", {})]) from None


def day(text: str, name: str) -> date:
    """A day as it is written in an address."""
    found = moment(text, name)
    assert isinstance(found, date), "the pattern of the parameter lets only days pass"
    return found


# --- how it is shown
def shown(value: Any) -> Any:
    """A state's value as JSON."""
    match value:
        case None | bool() | int():
            return value
        case Known() | Destroyed():
            return str(value)
        case Enum():
            return str(value.value)
        case str():
            return value
        case date():
            return value.isoformat()
        case BaseModel():
            return {name: shown(getattr(value, name)) for name in type(value).model_fields}
        case Mapping():
            return {str(key): shown(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(map(shown, value), key=str)
        case tuple() | list():
            return [shown(item) for item in value]
        case _ if is_dataclass(value):
            return {each.name: shown(getattr(value, each.name)) for each in fields(value)}
        case _:
            raise TypeError(f"a {type(value).__name__} is not shown")


def one(content: Mapping[str, Any], version: int) -> Response:
    """One thing, with its version as ETag."""
    return JSONResponse(dict(content), headers={"ETag": f'"{version}"'})


def page(request: Request, items: Sequence[Any], total: int | None, limit: int, offset: int) -> Response:
    """Some of many; if nobody has counted (total is None), one item more than asked for says that there are more."""
    more = offset + limit < total if total is not None else len(items) > limit
    headers = {}
    if more:
        asked = dict(request.query_params) | {"limit": str(limit), "offset": str(offset + limit)}
        headers["Link"] = f'<{request.url.path}?{urlencode(asked)}>; rel="next"'
    content: dict[str, Any] = {"items": list(items[:limit])}
    return JSONResponse(content | ({"total": total} if total is not None else {}), headers=headers)


def some(
    request: Request, items: Sequence[Any], limit: int, offset: int, show: Callable[[Any], Any]
) -> Response:
    """A page of a list that is at hand, shown one by one."""
    return page(request, [show(item) for item in items[offset : offset + limit]], len(items), limit, offset)


# --- how it is registered
JSON = "application/json"
READ = (400, 401, 403, 404, 405, 422, 503)
PUBLIC = (404, 405)
Endpoint = Callable[..., Response]


class Routes:
    """The GET routes of a module: an operation is named by its function and described by its docstring."""

    def __init__(self, prefix: str = "/v1/{municipality}") -> None:
        self._prefix = prefix
        self._found: list[tuple[str, Endpoint, dict[str, Any]]] = []

    def get(
        self,
        path: str,
        tag: str,
        example: Any = None,
        *,
        media: str = JSON,
        also: Sequence[str] = (),
        statuses: Sequence[int] = READ,
    ) -> Callable[[Endpoint], Endpoint]:
        """Register the function below as what answers GET on a path."""

        def take(endpoint: Endpoint) -> Endpoint:
            name = endpoint.__name__.replace("_", "-")
            content: dict[str, dict[str, Any]] = {
                each: {"schema": {"type": "object" if each == JSON else "string"}} for each in (media, *also)
            }
            if example is not None:
                content[media]["example"] = example
            how = {
                "name": name,
                "operation_id": name,
                "tags": [tag],
                "summary": name.replace("-", " ").capitalize(),
                "description": endpoint.__doc__,
                "responses": documented(
                    *statuses, also={200: {"description": "As asked.", "content": content}}
                ),
            }
            self._found.append((self._prefix + path, endpoint, how))
            return endpoint

        return take

    def add(self, app: FastAPI) -> None:
        for path, endpoint, how in self._found:
            app.add_api_route(path, endpoint, methods=["GET"], response_class=Response, **how)
