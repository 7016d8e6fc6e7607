"""Commitments: what they bind, what they hide, and the root that a shortened copy shares with the whole."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from signing.canonical import encode
from signing.commitments import commit, document_root, is_sealed, split, version_root
from signing.log import leaf_hash

SALT = "00112233445566778899aabbccddeeff"


def sealed(commitment: str = "c" * 64) -> dict[str, Any]:
    return {"commitment": commitment, "key": "ab" * 16, "sealed": "AAAA"}


def test_a_commitment_is_what_the_format_says() -> None:
    """Worked out here by hand: 0x02, then the canonical array."""
    text = f'["minutes-1/2/texts/3","{SALT}","Åtgärd"]'
    assert (
        commit("minutes-1/2/texts/3", SALT, "Åtgärd") == hashlib.sha256(b"\x02" + text.encode()).hexdigest()
    )


@for_all(
    st.tuples(st.text(), st.text(), st.text()).map(lambda each: tuple(map(ascii, each))), st.integers(0, 2)
)
def test_path_salt_and_value_are_all_bound(parts: tuple[str, str, str], changed: int) -> None:
    other = [*parts]
    other[changed] += "x"
    assert commit(*parts) != commit(*other)


def test_a_moved_boundary_is_another_commitment() -> None:
    assert commit("a/1", SALT, "b") != commit("a", "1" + SALT, "b")


@for_all(st.text().map(ascii) | st.sampled_from(["å", "\x7f", "\x00", "\n", '"', "\\"]))
def test_paths_and_commitments_are_leaves_in_canonical_form(text: str) -> None:
    for path, commitment in ((text, "11" * 32), ("a/1/x", text), (text, text)):
        leaves = leaf_hash(encode({})), leaf_hash(encode([path, commitment]))
        root = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).hexdigest()
        assert document_root({}, {path: commitment}) == root


def test_the_root_is_that_of_an_rfc_9162_tree() -> None:
    """Worked out here by hand, for three leaves: ((plain, first), second), in order of path."""
    plain: dict[str, Any] = {"a": 1}
    first, second = leaf_hash(encode(["a/1/x", "11" * 32])), leaf_hash(encode(["a/1/y", "22" * 32]))
    left = hashlib.sha256(b"\x01" + leaf_hash(encode(plain)) + first).digest()
    root = hashlib.sha256(b"\x01" + left + second).hexdigest()
    assert document_root(plain, {"a/1/y": "22" * 32, "a/1/x": "11" * 32}) == root
    assert document_root(plain, {}) == leaf_hash(encode(plain)).hex()


def envelope() -> dict[str, Any]:
    return {
        "municipality": "m",
        "stream": "minutes-1",
        "version": 2,
        "topic": "t.v1",
        "data": {
            "minutes": "1",
            "texts": {"0": sealed("0" * 64)},
            "statements": [{"name": sealed("1" * 64)}, None],
        },
    }


def test_a_version_is_its_plain_content_and_its_commitments() -> None:
    plain, commitments = split(envelope()["data"], "minutes-1/2")
    assert commitments == {"minutes-1/2/texts/0": "0" * 64, "minutes-1/2/statements/0/name": "1" * 64}
    assert plain == {
        "minutes": "1",
        "texts": {"0": "minutes-1/2/texts/0"},
        "statements": [{"name": "minutes-1/2/statements/0/name"}, None],
    }


def test_the_root_of_a_version_is_over_whose_it_is_its_content_and_its_commitments() -> None:
    whole = envelope()
    plain, commitments = split(whole["data"], "minutes-1/2")
    head = {name: whole[name] for name in ("municipality", "stream", "version", "topic")}
    assert version_root(whole) == document_root([head, plain], commitments)


@pytest.mark.parametrize("name", ["municipality", "stream", "version", "topic"])
def test_the_root_says_whose_version_it_is(name: str) -> None:
    changed = envelope()
    changed[name] = 3 if name == "version" else "other"
    assert version_root(changed) != version_root(envelope())


def test_ciphertext_and_key_are_not_in_the_root() -> None:
    """A field destroyed, or sealed anew under another key, leaves the minutes root as it was."""
    changed = envelope()
    changed["data"]["texts"]["0"] |= {"key": "cd" * 16, "sealed": "BBBB"}
    assert version_root(changed) == version_root(envelope())
    changed["data"]["texts"]["0"]["commitment"] = "2" * 64
    assert version_root(changed) != version_root(envelope())


@pytest.mark.parametrize(
    "value",
    [None, "x", [], {}, {"commitment": "", "key": ""}, sealed() | {"more": ""}, sealed() | {"key": sealed()}],
)
def test_what_only_looks_sealed(value: Any) -> None:
    assert is_sealed(sealed())
    assert not is_sealed(value)
