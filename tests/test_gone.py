"""What is destroyed is held to the decisions in the log: ways to destroy without one, or to bring back, are tried."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.checking import verify
from api.checking.gone import Gone, verify_gone
from api.checking.parts import say
from api.doctor import examine
from api.wiring import SYSTEM, open_folder
from domain.disposal import RecordDestruction, disposal_of
from domain.disposal_events import DestructionDone
from domain.person import ChangeContact
from registry.destroyed import NAME
from registry.registry import Registry
from tests.disposing import contact_destroyed
from tests.golden_store import Golden

LIST = Path("checkpoints") / NAME


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = Golden.copied(tmp_path_factory.mktemp("gone")).dir
    wanted = (True, "keys destroyed: 1, each by a decision in the log (decisions: 1)")
    assert outcome(verify(found, language="en")["checks"]) == told(found) == wanted
    return found


def outcome(checks: list[dict[str, Any]]) -> tuple[bool | None, str]:
    return next((one["ok"], one["detail"]) for one in checks if one["step"] == "destruction")


def told(folder: Path) -> tuple[bool | None, str]:
    """What verify says of this step, without the others."""
    with closing(open_folder(folder)) as m:
        said = Gone({})
        for fact in m.registry.facts():
            said.note(fact)
        folders = m.settings.checkpoint_folders(m.dir)
        return outcome(verify_gone(said, m.registry, folders, lambda: None, fact.position).checks(say("en")))


def ask(folder: Path, statement: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(folder / "keys.db")) as db, db:
        return db.execute(statement, values).fetchall()


def listed(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / LIST).read_text().splitlines()]


def write_list(folder: Path, *entries: dict[str, str]) -> None:
    lines = (json.dumps(one, sort_keys=True, separators=(",", ":")) + "\n" for one in entries)
    (folder / LIST).write_text("".join(lines))


def by_nobody(folder: Path) -> str:
    ask(folder, "UPDATE key SET wrapped = NULL, destroyed_by = '9' WHERE keep = 'register'")
    return "was destroyed without a decision: event 9 does not decide on it"


def by_words(folder: Path) -> str:
    ask(folder, "UPDATE key SET destroyed_by = 'gallrat' WHERE wrapped IS NULL")
    return "was destroyed without a decision: event gallrat does not decide on it"


def by_a_decision_about_something_else(folder: Path) -> str:
    """The minutes' working material was purged in event 62."""
    ask(folder, "UPDATE key SET destroyed_by = '62' WHERE wrapped IS NULL")
    return "was destroyed without a decision: event 62 does not decide on it"


def by_an_old_decision(folder: Path) -> str:
    """A second key of the same person and class, which the decision was not about."""
    ((id, subject, keep, decision),) = ask(
        folder, "SELECT id, subject, keep, destroyed_by FROM key WHERE keep LIKE 'contact/%'"
    )
    other = "f" * 32
    ask(
        folder, "INSERT INTO key VALUES (?, ?, ?, NULL, ?)", other, subject, keep.replace(id, other), decision
    )
    write_list(folder, *listed(folder), {**listed(folder)[-1], "key": other, "decision": decision})
    return f"the decision in event {decision} has destroyed 2 keys, but the log says 1"


def back_again(folder: Path) -> str:
    """As somebody would who has an old copy of the keys."""
    ((subject,),) = ask(folder, "SELECT subject FROM key WHERE keep = 'register' LIMIT 1")
    person = subject.removeprefix("person-")
    with closing(open_folder(folder)) as m:
        m.execute_as(ChangeContact(person=person, email="back@example.org"), SYSTEM)
        ((id, wrapped),) = ask(folder, "SELECT id, wrapped FROM key WHERE keep = 'contact'")
        at = contact_destroyed(m, person)
        m.execute_as(RecordDestruction(disposal=disposal_of(at), decided=at, keys=1), SYSTEM)
        assert told(folder)[0]
    ask(folder, "UPDATE key SET wrapped = ?, destroyed_by = NULL WHERE id = ?", wrapped, id)
    return f"has destroyed 0 keys, but the log says 1; {folder / LIST}: the key {id} is listed as destroyed"


def no_list(folder: Path) -> str:
    (folder / LIST).unlink()
    return "a restored backup could bring it back"


def a_shorter_list(folder: Path) -> str:
    *rest, last = listed(folder)
    write_list(folder, *rest)
    return f"lacks the destroyed key {last['key']}"


def a_list_that_says_otherwise(folder: Path) -> str:
    *rest, last = listed(folder)
    write_list(folder, *rest, {**last, "decision": "12"})
    return "stands with another decision (12)"


def a_list_that_nobody_can_read(folder: Path) -> str:
    (folder / LIST).write_text("{}\n")
    return "the list of destroyed keys cannot be read"


def a_list_that_names_what_is_there(folder: Path) -> str:
    ((key,),) = ask(folder, "SELECT id FROM key WHERE wrapped IS NOT NULL LIMIT 1")
    write_list(folder, *listed(folder), {**listed(folder)[-1], "key": key, "decision": "12"})
    return f"the key {key} is listed as destroyed by the decision in event 12, but it is there"


WAYS: tuple[Callable[[Path], str], ...] = (
    by_nobody,
    by_words,
    by_a_decision_about_something_else,
    by_an_old_decision,
    back_again,
    no_list,
    a_shorter_list,
    a_list_that_says_otherwise,
    a_list_that_nobody_can_read,
    a_list_that_names_what_is_there,
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_no_decision_destroyed_and_what_came_back_is_found(
    way: Callable[[Path], str], store: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "exempelby"
    shutil.copytree(store, folder)
    shutil.copytree(store.parent / "keys", tmp_path / "keys")
    said = way(folder)
    ok, detail = told(folder)
    assert ok is False and said in detail


def test_doctor_tells_of_a_list_that_is_short(tmp_path: Path) -> None:
    folder = Golden.copied(tmp_path).dir
    (folder / LIST).unlink()
    short = {one["check"]: one for one in examine(folder, lambda _, english: english)["checks"]}["destroyed"]
    assert short["ok"] is False and f"destroyed keys are not in {NAME}" in short["detail"]
    (folder / LIST).write_text("{}\n")
    damaged = {one["check"]: one for one in examine(folder)["checks"]}["destroyed"]
    assert damaged["ok"] is False and f"{NAME}, line 1" in damaged["detail"]


def test_a_folder_outside_is_given_what_it_lacks_when_the_registry_is_opened(tmp_path: Path) -> None:
    golden = Golden.copied(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    settings = golden.dir / "liggare.toml"
    settings.write_text(f'outside_checkpoints = "{outside}"\n' + settings.read_text())
    with closing(open_folder(golden.dir)):
        assert (outside / NAME).read_bytes() == (golden.dir / LIST).read_bytes()


def test_what_is_destroyed_while_it_is_looked_at_is_no_fault(tmp_path: Path) -> None:
    golden = Golden.copied(tmp_path)
    ((subject,),) = ask(golden.dir, "SELECT subject FROM key WHERE keep = 'register' LIMIT 1")
    person = subject.removeprefix("person-")
    with closing(open_folder(golden.dir)) as m:
        said, folders = Gone({}), m.settings.checkpoint_folders(m.dir)
        for fact in m.registry.facts():
            said.note(fact)
        head = m.registry.recorder.head().position
        m.execute_as(ChangeContact(person=person, email="soon@example.org"), SYSTEM)
        asked: list[int] = []

        def anew() -> Registry:
            """Between the first look at the keys and the second at the log it is recorded as done."""
            if len(asked) == 1:
                m.execute_as(RecordDestruction(disposal=disposal_of(at), decided=at, keys=1), SYSTEM)
            asked.append(len(asked))
            return m.registry

        at = contact_destroyed(m, person)
        found = verify_gone(said, m.registry, folders, anew, head)
        assert not found.failed("destruction") and found.passed["destruction"].values["count"] == 2
        assert asked == [0, 1]
        ask(
            golden.dir,
            "UPDATE key SET destroyed_by = '9' WHERE wrapped IS NULL AND destroyed_by = ?",
            str(at),
        )
        assert verify_gone(said, m.registry, folders, anew, head).failed("destruction")
        assert verify_gone(said, m.registry, folders, lambda: None, head).failed("destruction")


@pytest.mark.parametrize(
    ("subject", "why"),
    [("meeting-%", "moved"), ("minutes-%/1", "undecided"), ("minutes-%/render-1", "undecided"),
     ("minutes-________________", "undecided"), ("minutes-%/cms", "undecided")],
)  # fmt: skip
def test_a_key_that_was_moved_to_where_a_decision_meets_it_is_found(
    subject: str, why: str, tmp_path: Path
) -> None:
    """Somebody calls what is to be kept working material, and then the purge of event 62 takes it along."""
    golden = Golden.copied(tmp_path)
    asked = "UPDATE key SET keep = 'working', wrapped = NULL, destroyed_by = '62' WHERE subject LIKE ? RETURNING id"
    ((id,),) = ask(golden.dir, asked, subject)
    write_list(golden.dir, *listed(golden.dir), {**listed(golden.dir)[-1], "key": id, "decision": "62"})
    with closing(open_folder(golden.dir)) as m:
        said, folders = Gone({}), m.settings.checkpoint_folders(m.dir)
        for fact in m.registry.facts():
            match fact.event:
                case DestructionDone(decided=62) as done:
                    said.note(replace(fact, event=done.model_copy(update={"keys": 1})))
                case _:
                    said.note(fact)
        found = verify_gone(said, m.registry, folders, lambda: None, fact.position)
    assert {one.code for one in found.failures["destruction"]} == {why}
