"""The list of destroyed keys: written before the key is gone, the same in every folder, whole or told."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.destroyed import NAME, DestroyedList, Destruction, ListDamaged, read
from registry.vault import Vault

NOW = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001  # made UTC below
destructions = st.builds(
    Destruction,
    ids,
    st.integers(1, 2**53 - 1).map(str),
    moments.map(lambda m: m.strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
)


def key(number: int) -> str:
    return f"{number:032x}"


def lists(*folders: Path) -> DestroyedList:
    return DestroyedList(folders, lambda: NOW)


@given(destructions)
def test_a_line_reads_back_as_what_was_written(one: Destruction) -> None:
    assert Destruction.parse(one.line().removesuffix(b"\n")) == one


@given(destructions, st.data())
def test_no_line_has_a_second_spelling(one: Destruction, data: st.DataObject) -> None:
    line = one.line().removesuffix(b"\n")
    at = data.draw(st.integers(0, len(line)))
    other = line[:at] + b" " + line[at:]
    with suppress(ValueError):
        assert Destruction.parse(other) != one


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b'{"decision":"1","key":"%s","recorded_at":"2024-03-01T12:00:00.000000Z","v":2}' % (b"0" * 32),
        b'{"decision":"1","key":"%s","recorded_at":"2024-03-01T12:00:00Z","v":1}' % (b"0" * 32),
        b'{"decision":"01","key":"%s","recorded_at":"2024-03-01T12:00:00.000000Z","v":1}' % (b"0" * 32),
        b'{"decision":"beslut","key":"%s","recorded_at":"2024-03-01T12:00:00.000000Z","v":1}' % (b"0" * 32),
        b'{"decision":"1","key":"00","recorded_at":"2024-03-01T12:00:00.000000Z","v":1}',
        b'{"decision":"1","key":"%s","more":1,"recorded_at":"2024-03-01T12:00:00.000000Z","v":1}'
        % (b"0" * 32),
    ],
)
def test_a_whole_line_of_another_form_is_damage_and_named(line: bytes, tmp_path: Path) -> None:
    lists(tmp_path).add([key(1)], "7")
    with (tmp_path / NAME).open("ab") as out:
        out.write(line + b"\n")
    with pytest.raises(ListDamaged, match="line 2"):
        read(tmp_path / NAME)
    with pytest.raises(ListDamaged, match="line 2"):
        lists(tmp_path).add([key(2)], "8")


def test_every_folder_has_the_same_lines_also_one_that_came_later(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    lists(inside).add([key(1), key(2)], "7")
    lists(inside, outside).add([key(3)], "9")
    assert [one.key for one in read(outside / NAME)] == [key(1), key(2), key(3)]
    assert (inside / NAME).read_bytes() == (outside / NAME).read_bytes()
    assert [one.decision for one in lists(inside, outside).read()] == ["7", "7", "9"]


def test_a_key_stands_once_and_what_stands_is_never_changed(tmp_path: Path) -> None:
    lists(tmp_path).add([key(1)], "7")
    before = (tmp_path / NAME).read_bytes()
    lists(tmp_path).add([key(1)], "8")
    assert (tmp_path / NAME).read_bytes() == before
    lists(tmp_path).add([key(1), key(2)], "8")
    assert (tmp_path / NAME).read_bytes().startswith(before)


@pytest.mark.parametrize("cut", range(1, 40, 7))
def test_a_line_that_was_never_finished_is_written_anew(cut: int, tmp_path: Path) -> None:
    lists(tmp_path).add([key(1)], "7")
    whole = (tmp_path / NAME).read_bytes()
    lists(tmp_path).add([key(2)], "8")
    complete = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(complete[:-cut])
    assert [one.key for one in read(tmp_path / NAME)] == [key(1)]
    lists(tmp_path).add([key(2)], "8")
    assert (tmp_path / NAME).read_bytes() == complete
    assert complete.startswith(whole)


def test_threads_that_destroy_at_once_leave_whole_lines(tmp_path: Path) -> None:
    def destroy(first: int) -> None:
        for number in range(first, first + 20):
            lists(tmp_path / "a", tmp_path / "b").add([key(number)], "7")

    threads = [threading.Thread(target=destroy, args=(first,)) for first in (100, 200, 300, 110)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {key(number) for first in (100, 110, 200, 300) for number in range(first, first + 20)}
    for folder in ("a", "b"):
        found = [one.key for one in read(tmp_path / folder / NAME)]
        assert set(found) == wanted
        assert len(found) == len(wanted)


def test_the_vault_lists_a_key_before_it_is_gone(tmp_path: Path) -> None:
    vault = Vault.file(tmp_path / "keys.db", bytes(32))
    vault.on_destroy = lists(tmp_path).add
    id, _ = vault.key_for("person-1", "contact")
    other, _ = vault.key_for("person-1", "register")
    assert vault.destroy("person-1", "contact", "12") == 1
    assert [(one.key, one.decision) for one in read(tmp_path / NAME)] == [(id, "12")]
    assert vault.destroy("person-1", "contact", "13") == 0
    assert len(read(tmp_path / NAME)) == 1

    def full_disk(*_: object) -> None:
        raise OSError("no space left")

    vault.on_destroy = full_disk
    with pytest.raises(OSError, match="no space"):
        vault.destroy("person-1", "register", "14")
    vault.refresh()
    assert vault.key_for("person-1", "register")[0] == other
    vault.close()
