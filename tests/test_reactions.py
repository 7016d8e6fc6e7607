"""What the registry does by itself: once, whatever stops it, and without one thing keeping the others back."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.prints import Prints
from api.reactions import TROUBLE, Reactions, Undone
from domain.drafting import EditMinutes
from domain.minutes_events import MinutesSealed, MinutesVersionMade, RenderPinned
from registry.checkpoints import Checkpoints
from registry.vault import Vault
from signing import seal
from tests.postgres import Database
from tests.signings import OFFICES, Waiting, react_elsewhere
from tests.test_signing_flow import one_document, together
from tests.web import SLUG


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, database: Database) -> Waiting:
    return Waiting.make(tmp_path_factory.mktemp("reacting"), database)


@pytest.fixture
def waiting(made: Waiting, tmp_path: Path) -> Iterator[Waiting]:
    copied = made.copied(tmp_path)
    yield copied
    copied.m.close()


@pytest.fixture
def signed(waiting: Waiting) -> Waiting:
    for who in OFFICES:
        waiting.sign(who)
    return waiting


class Crash(BaseException):
    """The process ends here."""


def crash(*_: object, **__: object) -> None:
    raise Crash


def test_a_file_that_no_event_came_to_name_is_removed_when_a_day_has_ended(signed: Waiting) -> None:
    signed.react()
    files = signed.m.files
    stored = set(files.addresses())
    old, new = (
        files.put("document-1", "preserved", [content]) for content in (b"left behind", b"on its way")
    )
    for address in (*stored, old):
        os.utime(files.path(address), (1, 1))
    reactions = Reactions(signed.m)
    reactions.run()
    assert set(files.addresses()) == {*stored, old, new}
    signed.clock.move_to(signed.clock.now() + timedelta(days=1))
    reactions.run()
    assert set(files.addresses()) == {*stored, new}
    assert stored <= signed.m.registry.named_files()


# --- once
def test_a_circulated_version_is_pinned_once(waiting: Waiting) -> None:
    assert waiting.react() == 1
    assert waiting.react() == 0
    assert not Prints(waiting.m).pin(waiting.minutes, 1)
    assert len(waiting.happened(RenderPinned)) == 1


def test_what_was_circulated_and_then_rewritten_is_not_pinned(waiting: Waiting) -> None:
    edit = EditMinutes(minutes=waiting.minutes, base=1, texts={"1": "Punkten gicks igenom."})
    waiting.m.execute(edit, waiting.ids["sofia"], "token")
    assert waiting.react() == 0
    assert not waiting.happened(RenderPinned)


def test_what_both_have_signed_is_sealed_once_and_a_checkpoint_says_so(signed: Waiting) -> None:
    before = len(signed.m.registry.recorder.checkpoints())
    one_document(signed)
    signed.react()
    sealed = signed.happened(MinutesSealed)
    assert len(sealed) == 1
    sizes = [size for size, _ in signed.m.registry.recorder.checkpoints()[before:]]
    assert sizes and sizes[-1] >= sealed[0].position


def test_what_one_has_signed_is_not_sealed(waiting: Waiting) -> None:
    waiting.sign("karin")
    waiting.react()
    assert not waiting.happened(MinutesSealed)


def test_the_approved_version_is_kept_when_the_drafts_are_not(signed: Waiting) -> None:
    signed.react()
    made = signed.happened(MinutesVersionMade)[0]
    assert signed.m.vault.destroy(f"minutes-{signed.minutes}/{made.version}", "working", "decision") == 0
    assert signed.m.vault.destroy(f"minutes-{signed.minutes}/render-1", "working", "decision") == 0
    printed = signed.m.files.get(Prints(signed.m).pinned(signed.minutes, 1).file)
    assert printed.startswith(b"%PDF")


@pytest.mark.parametrize("tries", [1, 2])
def test_two_processes_do_it_once(signed: Waiting, tries: int) -> None:
    others = [signed.beside() for _ in range(tries)]
    try:
        together(signed.react, *(Reactions(other).run for other in others))
    finally:
        for other in others:
            other.close()
    assert len(signed.happened(MinutesSealed)) == 1
    one_document(signed)


def test_worker_processes_that_react_do_each_thing_once(waiting: Waiting) -> None:
    start = multiprocessing.get_context("spawn")

    def react() -> None:
        together_now = start.Barrier(2)
        asked = (waiting.folder, dict(waiting.env), waiting.clock.now(), together_now)
        workers = [start.Process(target=react_elsewhere, args=asked) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0]

    react()
    assert len(waiting.happened(RenderPinned)) == 1
    for who in OFFICES:
        waiting.sign(who)
    react()
    assert len(waiting.happened(RenderPinned)) == len(waiting.happened(MinutesSealed)) == 1
    sizes = [size for size, _ in waiting.m.registry.recorder.checkpoints()]
    assert sizes == sorted(set(sizes))
    named = waiting.m.registry.named_files()
    assert {path.name for path in waiting.m.files.folder.rglob("*") if path.is_file()} <= named
    one_document(waiting)


def test_a_file_that_came_too_late_is_not_left_behind(
    signed: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, lock = signed.beside(), seal.lock
    rivals = [Reactions(other)]

    def overtaken(*args: object, **more: object) -> bytes:
        if rivals:
            rivals.pop().run()  # another process seals while this one is at it
        return lock(*args, **more)  # type: ignore[arg-type]  # handed on as they came

    with monkeypatch.context() as patch:
        patch.setattr(seal, "lock", overtaken)
        signed.react()
    other.close()
    assert len(signed.happened(MinutesSealed)) == 1
    named = [stored.state.decode() for stored in signed.m.registry.recorder.scan()]
    for path in signed.m.files.folder.rglob("*"):
        assert path.is_dir() or any(path.name in text for text in named), "a file that no event names"
    one_document(signed)


# --- crashes
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (seal, "lock"),  # before the seal is made
        (Vault, "keep_as"),  # it is made and lies nowhere
        (Waiting, "never"),
        (Checkpoints, "sign"),  # all is done but the checkpoint
    ],
)
def test_a_crash_on_the_way_is_made_good_by_the_next_run(
    signed: Waiting, owner: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        if owner is Waiting:
            patch.setattr(type(signed.m), "execute_as", crash)  # the file lies there, the event is missing
        else:
            patch.setattr(owner, name, crash)
        with pytest.raises(Crash):
            signed.react()
    signed.restarted()
    one_document(signed)
    assert len(signed.happened(MinutesSealed)) == 1
    newest, _ = signed.m.registry.recorder.checkpoints()[-1]
    assert newest >= signed.happened(MinutesSealed)[0].position


# --- trouble
def test_one_thing_in_trouble_does_not_keep_the_others_back(
    signed: Waiting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    signed.m.settings = signed.m.settings.model_copy(update={"checkpoint_every": 1})
    reactions = Reactions(signed.m)
    with monkeypatch.context() as patch:
        patch.setattr(reactions, "_seal", broken)
        with pytest.raises(Undone, match="seal"):
            reactions.run()
        with pytest.raises(Undone):
            reactions.run()
        assert signed.m.registry.recorder.checkpoints()[-1][0] == signed.m.registry.recorder.head().position
        assert TROUBLE in signed.m.troubles
    assert [each.levelno for each in caplog.records].count(logging.ERROR) == 1, "told once, not at each try"
    reactions.run()
    assert TROUBLE not in signed.m.troubles
    assert "no longer in trouble" in caplog.text
    one_document(signed)


def broken(*_: object) -> int:
    raise OSError("no space left")


def test_a_server_says_that_there_is_trouble(waiting: Waiting) -> None:
    with TestClient(create_app({SLUG: waiting.m})) as client:
        waiting.m.projector.catch_up()
        assert client.get("/readyz").status_code == 200
        waiting.m.troubles[TROUBLE] = "seal"
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["troubles"] == {SLUG: TROUBLE}  # which minutes is nobody's business
        waiting.m.troubles.clear()


# --- in the background
def test_in_a_server_it_happens_by_itself_and_outlives_an_error(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reactions, lock = Reactions(waiting.m), seal.lock
    tries: list[int] = []

    def at_the_second_try(*args: object, **more: object) -> bytes:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no space left")
        return lock(*args, **more)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(seal, "lock", at_the_second_try)
    waiting.m.projector.start()
    reactions.start()
    try:
        until(lambda: bool(waiting.state.pins))
        for who in OFFICES:
            waiting.sign(who)
        until(lambda: waiting.state.sealed is not None)
        until(lambda: not waiting.m.troubles)
    finally:
        reactions.stop()
        waiting.m.projector.stop()
    assert len(tries) == 2
    assert "no space left" in caplog.text
    assert not [one for one in threading.enumerate() if one.name == f"reactions-{SLUG}"]
    one_document(waiting)


def until(held: Callable[[], bool], within: float = 30) -> None:
    end = time.monotonic() + within
    while not held():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_stopping_waits_for_what_is_under_way_and_may_be_repeated(waiting: Waiting) -> None:
    reactions = Reactions(waiting.m)
    reactions.stop()
    for _ in range(2):
        reactions.start()
        reactions.stop()
        reactions.stop()
    assert not [one for one in threading.enumerate() if one.name == f"reactions-{SLUG}"]
