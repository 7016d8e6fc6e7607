"""The log's keys through the years: their one spelling, who judges which checkpoint, and how keys take over."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales import signing as scales
from tlog_scales.tlog import Checkpoint as ScalesCheckpoint

from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.log import leaf_hash, root_of
from signing.note import Algorithm, BadKey, NoteError, UnverifiedNote
from signing.signer import Signer
from signing.vkeys import Era, LogKeys, read_vkeys, write_vkeys

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORIGIN = "log.example/7"
STARTS = (5, 9)


@cache
def pair(number: int) -> tuple[Signer, Signer]:
    """The log's keys, first, second or third."""
    seed = bytes([number]) * 32
    return Signer.from_seed(ORIGIN, Algorithm.ED25519, seed), Signer.from_seed(
        ORIGIN, Algorithm.ML_DSA_44, seed
    )


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of([leaf_hash(bytes([number])) for number in range(size)]))


@cache
def keys() -> LogKeys:
    """Keys that were replaced at 5 and at 9 events."""
    found = LogKeys.of([one.vkey for one in pair(0)])
    for number, start in enumerate(STARTS):
        found = found.succeeded(start, checkpoint(start).root, pair(number), pair(number + 1), NOW)
    return found


def signed(size: int, *pairs: int) -> bytes:
    return sign_checkpoint(checkpoint(size), [one for number in pairs for one in pair(number)], NOW)


def in_charge(size: int) -> set[int]:
    return {number for number, (start, end) in enumerate(((0, 5), (5, 9), (9, 99))) if start <= size <= end}


@given(st.integers(0, 20), st.permutations([0, 1, 2]), st.integers(1, 3))
def test_a_checkpoint_holds_if_all_keys_of_its_size_and_none_that_had_ended_have_signed(
    size: int, order: list[int], count: int
) -> None:
    by = order[:count]
    ended = any(end < size for number, end in ((0, 5), (1, 9)) if number in by)
    if in_charge(size) & set(by) and not ended:
        assert keys().open(signed(size, *by), ORIGIN).checkpoint == checkpoint(size)
    else:
        with pytest.raises(UnverifiedNote):
            keys().open(signed(size, *by), ORIGIN)


@pytest.mark.parametrize("left_out", [0, 1])
def test_one_key_of_two_is_too_few(left_out: int) -> None:
    note = sign_checkpoint(checkpoint(6), [pair(1)[1 - left_out]], NOW)
    with pytest.raises(UnverifiedNote, match="lacks a signature"):
        keys().open(note)


def test_an_ended_key_beside_the_right_ones_condemns_the_checkpoint() -> None:
    with pytest.raises(UnverifiedNote, match="signs no more than 5"):
        keys().open(signed(6, 1, 0))


def test_a_key_that_is_not_in_use_yet_says_nothing() -> None:
    assert keys().open(signed(4, 0, 2)).checkpoint.size == 4
    with pytest.raises(UnverifiedNote, match="lacks"):
        keys().open(signed(4, 2))


def test_where_the_keys_were_replaced_there_is_one_root() -> None:
    fork = replace(checkpoint(5), root=b"\1" * 32)
    for number in (0, 1):
        with pytest.raises(UnverifiedNote, match="another root"):
            keys().open(sign_checkpoint(fork, pair(number), NOW))


def test_others_may_have_signed_beside() -> None:
    witness = Signer.generate("neighbour.example", Algorithm.ED25519_COSIGNATURE)
    note = sign_checkpoint(checkpoint(7), [*pair(1), witness], NOW)
    assert len(keys().open(note).unknown) == 1
    assert len(keys().open(note, others=[witness.vkey]).verified) == 3
    with pytest.raises(UnverifiedNote, match="not of"):
        keys().open(note, "log.example/8")


# --- how keys take over
def test_a_succession_is_read_by_another_implementation() -> None:
    first, second = keys().successions()
    for note, number in ((first, 0), (second, 1)):
        theirs = ScalesCheckpoint.from_text(note.decode())
        for signer in (*pair(number), *pair(number + 1)):
            theirs.verify(scales.Vkey.from_string(str(signer.vkey)))
        assert (theirs.origin, theirs.size) == (f"{ORIGIN}/keys", number + 2)
    stored = keys().write().decode()
    lines = re.split("(?m)^(?=from )", stored)
    leaves = [leaf_hash("".join(re.findall("(?m)^(?!—).*\n", part)).encode()) for part in lines]
    assert ScalesCheckpoint.from_text(second.decode()).root_hash == root_of(leaves)


def test_a_succession_takes_the_old_keys_and_the_new() -> None:
    first, second, third = keys().eras
    keys().require_successions()
    for left_out in range(4):
        lines = tuple(line for number, line in enumerate(second.succession) if number != left_out)
        with pytest.raises(UnverifiedNote, match="at 5"):
            LogKeys((first, replace(second, succession=lines))).require_successions()
    for spoilt in (
        (first, replace(second, start=6)),
        (first, replace(second, root=b"\1" * 32)),
        (second, replace(third, succession=second.succession)),
        (first, replace(third, succession=third.succession)),
        (first, replace(second, succession=())),
    ):
        with pytest.raises(UnverifiedNote, match="succession"):
            LogKeys(spoilt).require_successions()


def test_what_is_learnt_later_of_old_keys_changes_no_succession() -> None:
    since = NOW + timedelta(days=3, microseconds=5)
    told = keys().found_out(keys().eras[0].fingerprint, since)
    told.require_successions()
    assert told.continues(keys()) and keys().continues(told)
    assert [era.compromised for era in told.eras] == [since.replace(microsecond=0), None, None]
    earlier, later = since - timedelta(days=1), since + timedelta(days=1)
    fingerprint = told.eras[0].fingerprint
    assert told.found_out(fingerprint, later) == told
    assert told.found_out(fingerprint, earlier).eras[0].compromised == earlier.replace(microsecond=0)
    assert LogKeys.read(told.write()) == told


def test_keys_continue_those_that_they_began_with() -> None:
    some = LogKeys(keys().eras[:2])
    assert keys().continues(some) and not some.continues(keys())
    assert not keys().continues(LogKeys.of([one.vkey for one in pair(3)]))
    assert [keys().end(era) for era in keys().eras] == [5, 9, None]


# --- the file
def test_keys_of_which_none_was_replaced_are_lines_and_nothing_else() -> None:
    vkeys = [one.vkey for one in pair(0)]
    assert LogKeys.of(vkeys).write() == write_vkeys(vkeys)
    assert LogKeys.read(write_vkeys(vkeys)).vkeys == read_vkeys(write_vkeys(vkeys)) == vkeys
    for bad in (keys().write(), b"", b"\xff\n", write_vkeys(vkeys)[:-1]):
        with pytest.raises(BadKey):
            read_vkeys(bad)


def test_what_is_written_is_read() -> None:
    assert LogKeys.read(keys().write()) == keys()
    last = keys().succeeded((1 << 63) - 1, b"\1" * 32, pair(2), pair(3), NOW)
    assert LogKeys.read(last.write()) == last


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\nfrom 5 ", "\nfrom 05 ", "em dash"),
        ("\nfrom 5 ", "\nfrom 10 ", "do not grow"),
        ("\nfrom 5 ", "\nfrom 9 ", "do not grow"),
        ("\nfrom 9 ", "\nfrom 9223372036854775808 ", "do not grow"),
        ("\nfrom 5 ", "\nFrom 5 ", "begin with an em dash"),
        ("\n— ", "\n- ", "begin with an em dash"),
        ("=\n—", "=\n\n—", "begin with an em dash"),
        ("\nfrom 9 ", "\ncompromised 2026-13-02T09:30:00Z\nfrom 9 ", "month"),
        ("\nfrom 9 ", "\ncompromised 2026-03-02T09:30:00\nfrom 9 ", "begin with an em dash"),
        (f"\n{ORIGIN}+", f"\ncompromised 2026-03-02T09:30:00Z\n{ORIGIN}+", "one form"),
        (f"{ORIGIN}+", f" {ORIGIN}+", "em dash"),
    ],
)
def test_any_second_spelling_is_refused(old: str, new: str, said: str) -> None:
    text = keys().write().decode()
    with pytest.raises(BadKey, match=said):
        LogKeys.read(text.replace(old, new, 1).encode())


def test_what_is_no_file_of_keys_is_refused() -> None:
    good = keys().write()
    vkeys = [one.vkey for one in pair(0)]
    for bad in (b"", b"\n", b"\xff", good[:-1], good + b"\n", b"from 3 x\n", write_vkeys([*vkeys, vkeys[0]])):
        with pytest.raises(BadKey):
            LogKeys.read(bad)
    with pytest.raises(BadKey, match="keys of its own"):
        keys().succeeded(12, b"\1" * 32, pair(2), pair(0), NOW)
    assert LogKeys(()).write() == b""


@given(st.data())
def test_a_changed_byte_is_seen(data: st.DataObject) -> None:
    good = keys().found_out(keys().eras[0].fingerprint, NOW).write()
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    try:
        found = LogKeys.read(bad)
        found.require_successions()
    except NoteError:
        return
    assert replace(found.eras[0], compromised=None) == keys().eras[0], (
        "the time, which the municipality signs"
    )
    assert found.eras[1:] == keys().eras[1:]


def test_a_set_of_keys_is_known_by_its_lines() -> None:
    era = Era(tuple(one.vkey for one in pair(0)))
    assert era.fingerprint == keys().eras[0].fingerprint != keys().eras[1].fingerprint
