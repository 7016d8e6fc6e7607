"""A witness cosigns a log that has only grown, and nothing else; its lines are those of another implementation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales import signing as scales
from tlog_scales.tlog import Checkpoint as ScalesCheckpoint

from signing.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from signing.log import consistency_proof, hash_source, leaf_hash, root_of
from signing.note import Algorithm, NoteError, UnverifiedNote
from signing.signer import Signer
from signing.vkeys import LogKeys
from signing.witness import Rejected, attached, cosigned, witness

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORIGIN = "log.example/7"
LOG = (Signer.generate(ORIGIN, Algorithm.ED25519), Signer.generate(ORIGIN, Algorithm.ML_DSA_44))
WITNESS = tuple(
    Signer.generate("witness.example/w", kind)
    for kind in (Algorithm.ED25519_COSIGNATURE, Algorithm.ML_DSA_44)
)
KEYS, WITNESSES = [one.vkey for one in LOG], [one.vkey for one in WITNESS]
LOG_KEYS = LogKeys.of(KEYS)


def leaves(count: int, seed: int = 0) -> list[bytes]:
    return [leaf_hash(bytes([seed]) + number.to_bytes(4, "big")) for number in range(count)]


def note(of: Sequence[bytes], signers: Sequence[Signer] = LOG) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, len(of), root_of(of)), signers, NOW)


def asked(of: Sequence[bytes], seen: Checkpoint | None) -> Checkpoint:
    """What a witness says of a log that publishes these leaves."""
    source = hash_source(of)
    return witness(note(of), LOG_KEYS, ORIGIN, seen, lambda old, new: consistency_proof(old, new, source))


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_a_log_is_cosigned_if_and_only_if_it_has_only_grown(old: int, new: int, alike: int) -> None:
    before = leaves(old)
    after = leaves(min(alike, new)) + leaves(new, seed=1)[min(alike, new) :]
    seen = Checkpoint(ORIGIN, old, root_of(before))
    if after[:old] == before:
        assert asked(after, seen).size == new
    else:
        with pytest.raises(Rejected) as refused:
            asked(after, seen)
        assert refused.value.code == ("rolled-back" if new < old else "forked")
        assert refused.value.values == {"old": old, "new": new}


def test_a_proof_that_proves_nothing_is_a_fork() -> None:
    seen = asked(leaves(5), None)
    for proof in ([], [bytes(32)], [b"short"]):
        with pytest.raises(Rejected, match="forked"):
            witness(note(leaves(9)), LOG_KEYS, ORIGIN, seen, lambda *_, proof=proof: proof)


def test_only_the_logs_own_word_is_heard() -> None:
    stranger = Signer.generate(ORIGIN, Algorithm.ED25519)
    for spoilt, origin in ((note(leaves(3), [stranger]), ORIGIN), (note(leaves(3)), "log.example/8")):
        with pytest.raises(UnverifiedNote):
            witness(spoilt, LOG_KEYS, origin, None, lambda *_: [])


def test_the_cosigned_note_is_read_by_another_implementation() -> None:
    signed = cosigned(note(leaves(7)), WITNESS, NOW)
    assert cosigned(signed, WITNESS, NOW) == signed, "nobody signs twice"
    theirs = ScalesCheckpoint.from_text(signed.decode())
    for vkey in (*KEYS, *WITNESSES):
        theirs.verify(scales.Vkey.from_string(str(vkey)))


def test_a_cosignature_made_by_another_implementation_is_taken() -> None:
    signer = scales.MLDSA44CosignatureSigner(ORIGIN, bytes(range(32)))
    checkpoint = Checkpoint(ORIGIN, 3, root_of(leaves(3)))
    theirs = ScalesCheckpoint.make_signed(ORIGIN, 3, checkpoint.root, [signer]).serialize().encode()
    ours = Signer.from_seed(ORIGIN, Algorithm.ML_DSA_44, bytes(range(32)))
    assert open_checkpoint(theirs, [ours.vkey], every=True).checkpoint == checkpoint


def test_only_known_witnesses_lines_are_taken_over() -> None:
    own, other = note(leaves(4)), Signer.generate("unknown.example", Algorithm.ED25519_COSIGNATURE)
    signed = cosigned(cosigned(own, WITNESS, NOW), [other], NOW)
    taken = attached(own, signed, WITNESSES)
    assert taken.startswith(own)
    opened = open_checkpoint(taken, [*KEYS, *WITNESSES], every=True)
    assert opened.unknown == ()
    assert attached(taken, signed, WITNESSES) == taken
    with pytest.raises(UnverifiedNote):
        attached(own, own, WITNESSES)
    with pytest.raises(NoteError, match="another checkpoint"):
        attached(note(leaves(3)), signed, WITNESSES)


# --- keys that were replaced
NEXT = tuple(Signer.generate(ORIGIN, kind) for kind in (Algorithm.ED25519, Algorithm.ML_DSA_44))


def succeeded(of: Sequence[bytes], start: int) -> LogKeys:
    return LOG_KEYS.succeeded(start, root_of(of[:start]), LOG, NEXT, NOW)


def test_keys_that_took_over_at_a_checkpoint_that_the_log_continues_are_its_own() -> None:
    of = leaves(9)
    seen, source = Checkpoint(ORIGIN, 3, root_of(of[:3])), hash_source(of)

    def say(keys: LogKeys, signers: Sequence[Signer] = NEXT) -> Checkpoint:
        proof = lambda old, new: consistency_proof(old, new, source)  # noqa: E731  # what a log answers
        return witness(note(of, signers), keys, ORIGIN, seen, proof)

    assert say(succeeded(of, 5)).size == 9
    assert say(succeeded(of, 12), LOG).size == 9, "not yet"
    with pytest.raises(UnverifiedNote, match="no more than 5"):
        say(succeeded(of, 5), LOG)
    with pytest.raises(Rejected) as refused:
        say(succeeded(leaves(9, seed=1), 5))
    assert (refused.value.code, refused.value.values) == ("forked", {"old": 5, "new": 9})
    unsigned = LogKeys((*LOG_KEYS.eras, replace(succeeded(of, 5).eras[1], succession=())))
    with pytest.raises(UnverifiedNote, match="succession"):
        say(unsigned)
