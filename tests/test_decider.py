"""All that can be asked, gathered: one decide for each command, one state for each stream."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain import decider
from domain.messages import TOPICS, Command, Event, State

ROOT = Path(__file__).parent.parent


def commands(kind: type[Any] = Command) -> Iterator[type[Command]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from commands(sub)


def test_every_command_that_is_declared_can_be_asked() -> None:
    declared = {
        one for one in commands() if one.__module__.startswith("domain.") and not one.__subclasses__()
    }
    assert declared == set(decider.COMMANDS.values())


def test_every_command_is_decided_by_the_module_that_declares_it() -> None:
    listed = [command for module in decider.MODULES for command in module.COMMANDS]
    assert len(listed) == len(set(listed)) == len(decider.COMMANDS), "no two of one name"
    for module in decider.MODULES:
        assert {command.__module__ for command in module.COMMANDS} == {module.__name__}


def test_every_event_and_every_command_belongs_to_a_state() -> None:
    assert {event.STREAM for event in TOPICS.values()} == set(decider.STATES)
    assert {command.STREAM for command in decider.COMMANDS.values()} <= set(decider.STATES)
    for kind, state in decider.STATES.items():
        assert kind == state.STREAM
        assert not state().exists
    assert all(issubclass(event, Event) for event in TOPICS.values())


def test_what_is_gathered_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        decider.COMMANDS["x"] = Command  # type: ignore[index]  # that it cannot be done is what is tried
    with pytest.raises(TypeError):
        decider.STATES["x"] = State  # type: ignore[index]  # as above


def test_each_refusal_has_its_sentences_and_its_house_rule() -> None:
    """Every code that is refused has sentences in both languages, no sentence is left over, every rule has a line."""
    texts = dict[str, dict[str, str]]()
    for file in sorted((ROOT / "api/texts").glob("refusals.*.toml")):
        more = tomllib.loads(file.read_text("utf-8"))
        assert not texts.keys() & more.keys(), file.name
        texts |= more
    rooms = ("domain", "registry", "projections", "api")
    source = "\n".join(file.read_text("utf-8") for room in rooms for file in (ROOT / room).rglob("*.py"))
    refused = r'(?:Refused|Forbidden|DomainError|TooBusy|super\(\)\.__init__)\(\s*"([a-z0-9-]+)"'
    assert set(re.findall(refused, source)) <= set(texts)
    # What a signature service answered wrongly is told apart by the provider.
    provider = "".join(file.read_text("utf-8") for file in (ROOT / "signing" / "providers").glob("*.py"))
    composed = {f"answer-{code}" for code in re.findall(r'"([a-z0-9-]+)"', provider)}
    assert set(texts) <= composed.union(re.findall(r'"([a-z0-9-]+)"', source))
    for code, sentences in texts.items():
        assert sentences.keys() == {"sv", "en", "do_sv", "do_en"}, code
        # The same values are named in both languages.
        for first, second in (("sv", "en"), ("do_sv", "do_en")):
            assert set(re.findall(r"(?<!{){(\w+)}", sentences[first])) == set(
                re.findall(r"(?<!{){(\w+)}", sentences[second])
            ), code
    cited = {
        int(number)
        for number in re.findall(r"house\(([0-9]+)\)|husregel ([0-9]+)", source)
        for number in number
        if number
    }
    handbook = (ROOT / "docs/handbook/house-rules.md").read_text("utf-8")
    numbered = [int(number) for number in re.findall(r"^\| ([0-9]+) \|", handbook, re.MULTILINE)]
    assert cited <= set(numbered)
    assert len(numbered) == len(set(numbered))
    assert numbered == sorted(numbered)
