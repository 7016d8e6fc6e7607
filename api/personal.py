"""Everything that is held on a person, in one answer (registerutdrag; GDPR article 15).

- Read from the log itself, event by event: whatever a view leaves out (contact data, working texts) is in it.
- An event is about the person if it names their id, if they recorded it, or if their name, as it is or ever was in the
  register, stands in its wording. Of an event the fields that say it are given
  with their words, of a long text all of it.
- Drafts and comments on them are not final and are purged when the minutes are finished: they are counted, not told.
- What was destroyed is told as destroyed. What cannot be opened is an error, as everywhere.
- Files are named and not searched: a picture or a PDF has to be looked at by somebody.
- For those who keep the register, and for the person; what is secret at a meeting only for those it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fastapi.responses import JSONResponse, Response

from api.reading import Id, Reader, Routes, shown
from api.wiring import Municipality
from domain.errors import NotFound
from domain.grounds import kept_apart
from domain.meeting import Meeting
from domain.messages import Destroyed, Event, Fact, Known, Part, World
from domain.minutes import Minutes
from domain.minutes_events import MinutesEvent, MinutesReturned, MinutesVersionMade
from domain.municipality import REGISTRY
from domain.person import Person, PersonRegistered, PersonRenamed
from domain.withholding import Items, Secrets, withheld

ROUTES = Routes()
add = ROUTES.add


@ROUTES.get(
    "/persons/{person:id}/held",
    "persons",
    {
        "person": "0123456789abcdef",
        "names": ["Kim Exempel"],
        "events": [{"position": 12, "about": ["named"]}],
    },
)
def held_on(reader: Reader, person: Id) -> Response:
    """Everything that is held on a person: what the register has, and every event that is about them."""
    reader.rights.held_on(person)
    return JSONResponse(held(reader.municipality, person, reader.rights.reads_secrets))


def held(
    m: Municipality, person: str, reads_secrets: Callable[[Meeting], bool] = lambda _: True
) -> dict[str, Any]:
    """The whole answer as plain JSON; NotFound if the person is not in the register.

    reads_secrets: whether what is secret at a meeting may be told.
    """
    state = m.registry.get(Person, person)
    if not state.exists:
        raise NotFound("person", person)
    names = _names(m, person)
    world, found, drafts = m.registry.world(), list[dict[str, Any]](), 0
    secret = {
        meeting: items
        for meeting, items in world.get(Secrets, REGISTRY).items.items()
        if not reads_secrets(world.get(Meeting, meeting))
    }
    for fact in m.registry.facts():
        seen = _withheld(fact, secret, world) if secret else fact
        if (told := _told(seen, person, names)) is None:
            continue
        if _is_draft(fact.event, world):
            drafts += 1
        else:
            found.append(told)
    return {"person": person, "names": names, "register": shown(state), "events": found, "drafts": drafts}


def _withheld(fact: Fact, secret: Items, world: World) -> Fact:
    """The event without what is not for whoever asks."""
    minutes = world.get(Minutes, fact.event.minutes) if isinstance(fact.event, MinutesEvent) else None
    apart = bool(minutes and minutes.meeting in secret and kept_apart(minutes, world))
    return replace(fact, event=withheld(fact.event, secret, minutes=apart))


def _is_draft(event: Event, world: World) -> bool:
    if not isinstance(event, MinutesVersionMade | MinutesReturned):
        return False
    minutes = world.get(Minutes, event.minutes)
    return isinstance(event, MinutesReturned) or not minutes.done or event.version not in minutes.kept


def _names(m: Municipality, person: str) -> list[str]:
    """Every name the person has had in the register."""
    events = (fact.event for fact in m.registry.stream(f"person-{person}"))
    found = (one.name for one in events if isinstance(one, PersonRegistered | PersonRenamed))
    return list(dict.fromkeys(str(name) for name in found if isinstance(name, Known)))


def _told(fact: Fact, person: str, names: list[str]) -> dict[str, Any] | None:
    fields = dict(_fields(fact.event))
    own = fact.stream == f"person-{person}"
    said = {
        path: shown(value)
        for path, value in fields.items()
        if own or value == person or (isinstance(value, Known) and _names_them(value.value, names))
    }
    about = ["recorded"] * (fact.actor == person) + ["named"] * bool(said)
    if not about:
        return None
    sealed = {path: shown(value) for path, value in fields.items() if isinstance(value, Known | Destroyed)}
    beside = _beside(said, sealed) if not own else {}
    return {
        "position": fact.position,
        "kind": fact.event.TOPIC,
        "stream": fact.stream,
        "recorded_at": fact.recorded_at,
        "happened": fact.happened.text,
        "about": about,
        "fields": {**beside, **said},
    }


def _beside(said: Mapping[str, Any], sealed: Mapping[str, Any]) -> dict[str, Any]:
    """The words that stand in the same part of the event as what names the person: their view, their reason."""
    places = {path.rpartition("/")[0] for path in said}
    return {path: words for path, words in sealed.items() if path.rpartition("/")[0] in places}


def _names_them(words: str, names: list[str]) -> bool:
    folded = words.casefold()
    return any(name.casefold() in folded for name in names)


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of an event with its place, down to single values."""
    match value:
        case Event() | Part():
            for name in type(value).model_fields:
                yield from _fields(getattr(value, name), f"{path}/{name}" if path else name)
        case tuple() | list():
            for number, item in enumerate(value):
                yield from _fields(item, f"{path}/{number}")
        case dict():
            for name, item in value.items():
                yield from _fields(item, f"{path}/{name}")
        case None:
            pass
        case _:
            yield path, value
