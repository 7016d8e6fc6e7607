"""Any commands in any order, through load, decide and save on a real registry.

- The log verifies from its bytes at any time, and the states in memory are what a fresh fold of it gives.
- A refusal appends nothing; a save appends its events and nothing else; the same request again appends nothing.
- The run fails if there is a command that was never carried out, or a refusal or a finding that was never met: the
  stories of tests/tour.py reach each of them, and whoever adds one adds it to a story. The handbook lists them.
"""

from __future__ import annotations

import ast
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pydantic import BaseModel, ValidationError

import domain
from domain import decider
from domain.messages import Command, Role
from domain.municipality import OpenRegistry
from tests import breaches
from tests.council import (
    BOARD,
    CHAIR,
    COUNCIL,
    EXPERT,
    GUEST,
    LOOSE,
    MEETING,
    MINUTES,
    POLICE,
    PROFILE,
    SECRETARY,
    STRANGER,
    VICE,
    render,
)
from tests.given import ident
from tests.log_session import LogSession, Reached
from tests.tour import told

EVERYBODY: Final = [CHAIR, VICE, POLICE, EXPERT, GUEST, STRANGER]
STAGES: Final[dict[str, Callable[[LogSession], object]]] = {
    "empty": lambda session: session,
    "scheduled": LogSession.scheduled,
    "called": LogSession.called,
    "opened": LogSession.opened,
    "drafted": LogSession.drafted,
    "ready": LogSession.ready,
    "approved": LogSession.approved,
    "sealed": LogSession.sealed,
}


# --- what there is to reach


def refusals() -> Iterator[tuple[str, str]]:
    """Every refusal that the domain's code can raise, and where; a thing not found with its kind."""
    for path in sorted(Path(next(iter(domain.__path__))).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="NotFound"), args=[ast.Constant(value=str(what)), *_]):
                    yield f"not-found {what}", f"{path.name}:{node.lineno}"
                case ast.Call(
                    func=ast.Name(id="Refused" | "Forbidden" | "DomainError")
                    | ast.Attribute(attr="__init__"),
                    args=[ast.Constant(value=str(code)), *_],
                ):
                    yield code, f"{path.name}:{node.lineno}"
                case _:
                    pass


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory, database_url: str | None) -> Reached:
    """What the stories reach."""
    return told(tmp_path_factory.mktemp("stories"), database_url)


def test_the_stories_reach_every_command_and_every_refusal(reached: Reached) -> None:
    assert not decider.COMMANDS.keys() - reached.commands.keys()
    never = {code: place for code, place in refusals() if code not in reached.refusals}
    assert not never


def test_every_breach_is_shown_once_and_the_handbook_lists_them(reached: Reached) -> None:
    assert breaches.PAGE.read_text("utf-8") == breaches.generated(reached), "run `make breaches`"


def test_what_there_is_to_reach_is_found() -> None:
    found = dict(refusals())
    assert {
        "already-sealed",
        "pattern-taken",
        "not-found",
        "not-found decision",
        "date-expression",
    } <= found.keys()
    assert len(found) > 60


# --- any commands

POOLS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "body": st.sampled_from([COUNCIL, COUNCIL, BOARD, LOOSE, STRANGER]),
    "meeting": st.sampled_from([MEETING, MEETING, MEETING, ident(0xE1)]),
    "minutes": st.sampled_from([MINUTES, MINUTES, ident(0xF1)]),
    "profile": st.sampled_from([PROFILE.read_text("utf-8"), "[profile"]),
    "office": st.sampled_from(["chair", "justerare"]),
    "starts": st.sampled_from(["2024-03-12T13:00", "2024-03-12T15:00"]),
    "happened": st.sampled_from([None, None, None, "2024-03-12", "mars 2024", "okänt", "i våras"]),
    "email": st.just("anna@example.se"),
    "pattern": st.sampled_from([None, "KS{yy}.{n}", "KS"]),
    "media_type": st.just("application/pdf"),
    "root": st.just("a" * 64),
    "render_output": st.just("0" * 64),
    "render": st.integers(1, 3).map(render),
    "texts": st.dictionaries(st.sampled_from("0125"), st.sampled_from(["Ja", "Nej", None]), min_size=1),
    "diarienummer": st.sampled_from(["KS23.276", "KS24.1", None]),
}
SAME: Final = {
    "parent": "body",
    "other": "body",
    "to_body": "body",
    "adopted_by": "body",
    "to_meeting": "meeting",
    "corrects": "minutes",
}
THINGS: Final = {
    "matter",
    "document",
    "demand",
    "mandate",
    "offer",
    "grant",
    "regulation",
    "signing",
    "assignment",
    "by_assignment",
    "instrument",
    "report",
}


def _named(name: str) -> st.SearchStrategy[Any] | None:
    if name in THINGS:
        return st.integers(1, 2).map(ident)
    return POOLS.get(SAME.get(name, name))


def values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    """Values for a command's field, from small pools, so that commands hang together by chance."""
    if (found := _named(name)) is not None:
        return found
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return values(name, args[0])
    if origin in (Union, types.UnionType):
        return st.one_of(*(st.none() if arg is type(None) else values(name, arg) for arg in args))
    if origin is Literal:
        return st.sampled_from(args)
    if origin is list:
        return st.lists(values(name, args[0]), min_size=1, max_size=3)
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.integers(1, 4)
    if hint is date:
        return st.integers(1, 28).map(lambda day: date(2024, 3, day))
    if hint is Role:
        return st.sampled_from(Role)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return st.fixed_dictionaries(
            {
                field: values(field, each)
                for field, each in typing.get_type_hints(hint, include_extras=True).items()
                if field in hint.model_fields
            }
        )
    return st.sampled_from([*EVERYBODY, "polisen", "a" * 64, "2024-03-12T14:00", "13:30"])


def commands(cls: type[Command]) -> st.SearchStrategy[Command | None]:
    """Commands of a class; None for a combination that its own form does not allow."""
    hints = typing.get_type_hints(cls, include_extras=True)
    fields = {name: values(name, hints[name]) for name in cls.model_fields}

    def made(given: dict[str, Any]) -> Command | None:
        try:
            return cls.model_validate(given)
        except ValidationError:
            return None

    return st.fixed_dictionaries(fields).map(made)


ANY_COMMAND: Final = st.sampled_from(sorted(decider.COMMANDS)).flatmap(
    lambda name: commands(decider.COMMANDS[name])
)


class Machine(RuleBasedStateMachine):
    """A registry somewhere in a council's year, and anybody asking anything."""

    reached: Reached
    url: str | None

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        self.session = LogSession(folder, self.reached, self.url)
        self.stack.callback(self.session.close)

    @initialize(stage=st.sampled_from(sorted(STAGES)), opened=st.booleans())
    def begin(self, stage: str, opened: bool) -> None:
        if opened:
            self.session.do(OpenRegistry(name="Provkommun", slug="provkommun"))
        STAGES[stage](self.session)

    @rule(
        asked=st.lists(ANY_COMMAND, min_size=1, max_size=6),
        who=st.sampled_from([SECRETARY, CHAIR, VICE, "system"]),
        role=st.sampled_from([Role.SECRETARY, Role.CHAIR, Role.MEMBER, Role.SYSTEM]),
    )
    def ask(self, asked: list[Command | None], who: str, role: Role) -> None:
        for command in asked:
            if command is not None:
                self.session.ask(command, who, role)

    @rule(days=st.integers(0, 40), hours=st.integers(0, 12))
    def wait(self, days: int, hours: int) -> None:
        self.session.later(days, hours)

    @invariant()
    def holds(self) -> None:
        self.session.look()

    def teardown(self) -> None:
        self.stack.close()


def test_any_commands_in_any_order(database_url: str | None) -> None:
    Machine.reached, Machine.url = (reached := Reached()), database_url
    long = settings.get_current_profile_name() == "long"
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=400 if long else 16, stateful_step_count=30 if long else 12)
    )
    assert reached.commands and reached.refusals
