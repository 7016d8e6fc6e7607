"""Municipalities as a document of theirs tells of them, entered afterwards: what is told stands as data, a file each.

- A file holds the people it needs and then, in order, what is entered: each step is a command of the public interface
  with its fields, and the facts about the councils that it shows. `@name` is the id of what a step made by that name.
- When it happened stands in the step, as far as the document says; when it is entered is the registry's own clock.
  What the document leaves unknown is left out.
- Officials are entered by their titles. Who keeps the register is invented, as in the played year (people.py).
- The documents themselves are the municipalities' own: what is registered in their place says, in other words, what
  they hold.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from importlib.resources import files
from typing import Any

from api.commands import creates, id_field, path_of
from api.demo.council import Story
from api.demo.people import PEOPLE, ROLES
from api.profiles import delivered
from domain.decider import COMMANDS
from domain.messages import Command, Role, fresh_id

NAMES = ("ange", "varmdo", "alingsas", "harryda")
PACE = timedelta(minutes=1)


class Entered:
    """One municipality's file, which is read when it is played."""

    doing = "för in vad handlingarna säger"

    def __init__(self, name: str) -> None:
        self.slug = name

    @cached_property
    def content(self) -> Mapping[str, Any]:
        return tomllib.loads((files("api.demo") / f"{self.slug}.toml").read_text("utf-8"))

    @property
    def name(self) -> str:
        return str(self.content["name"])

    @property
    def starts(self) -> str:
        return str(self.content["entered"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.content["told"])

    def play(self, story: Story) -> None:
        """Enter all that the file tells."""
        ids = {key: story.people[key] for key in self._people(story)}
        now = datetime.fromisoformat(self.starts)
        for number, step in enumerate(self.steps, 1):
            story.stage.at((now + number * PACE).isoformat(timespec="minutes"))
            self._enter(
                story, {key: step[key] for key in step if key not in ("do", "facts")}, step["do"], ids
            )

    def _people(self, story: Story) -> Iterator[str]:
        """Those who keep the register, with their roles, and those whom the document speaks of."""
        day = self.starts[:10]
        for one in PEOPLE:
            if one.key in ROLES:
                who = {"name": one.name, "organisation": one.organisation, "title": one.title}
                story.people[one.key] = story.post("operator", "/persons/register-person", **who)
                grant = {"role": ROLES[one.key], "valid_from": day, "ground": "Delegationsbeslut"}
                story.post("operator", f"/persons/{story.people[one.key]}/grant-role", **grant)
                story.stage.let_in(one.key, story.people[one.key])
                yield one.key
        for one in self.content.get("people", []):
            who = {key: one[key] for key in ("name", "title", "organisation") if key in one}
            story.people[one["key"]] = story.post("registrar", "/persons/register-person", **who)
            yield one["key"]

    def _enter(self, story: Story, fields: dict[str, Any], do: str, ids: dict[str, str]) -> None:
        if do == "register-document":
            name, text = str(fields.pop("document")), str(fields.pop("text"))
            said = {key: str(value) for key, value in _resolved(fields, ids).items()}
            ids[name[1:]] = str(story.stage.file("registrar", "/documents", said, text.encode())["id"])
            return
        command = COMMANDS[do]
        own = id_field(command)
        if own and creates(command):
            ids[str(fields[own])[1:]] = fresh_id()
        if do == "adopt-regulation":
            profiles = delivered()
            fields["profile"] = profiles[self.slug]
            fields["rests_on"] = [profiles[other] for other in fields.get("rests_on", [])]
        body = _resolved(fields, ids)
        path = path_of(command).removeprefix("/v1/{municipality}")
        if own and not creates(command):
            path = path.replace(f"{{{own}:id}}", body.pop(own))
        story.post(_clerk(command), path, **body)


def _clerk(command: type[Command]) -> str:
    return "registrar" if Role.REGISTRAR in command.ROLES else "secretary"


def _resolved(value: Any, ids: Mapping[str, str]) -> Any:
    """A value of the file as the interface takes it."""
    match value:
        case str() if value.startswith("@"):
            return ids[value[1:]]
        case dict():
            return {key: _resolved(each, ids) for key, each in value.items()}
        case list():
            return [_resolved(each, ids) for each in value]
        case date():
            return value.isoformat()
        case _:
            return value
