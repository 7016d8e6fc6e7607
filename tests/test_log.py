"""The Merkle tree against the definition in the RFC, published vectors, and another implementation."""

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.tlog import ConsistencyProof, ConsistencyProofInvalid, InclusionProof, InclusionProofInvalid

from signing.log import (
    EMPTY_ROOT,
    Tree,
    consistency_proof,
    hash_source,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The leaves, roots and proofs that the Certificate Transparency projects publish for RFC 6962.
PUBLISHED_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
PUBLISHED_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PUBLISHED_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
PUBLISHED_CONSISTENCY = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def _leaves(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


LEAVES = _leaves(300)
SOURCE = hash_source(LEAVES)


# RFC 9162 2.1 written down as it stands, with no thought of speed.
def _naive_split(count: int) -> int:
    return max(power for power in (1 << bit for bit in range(20)) if power < count)


def _naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _naive_split(len(leaves))
    return hashlib.sha256(b"\x01" + _naive_root(leaves[:k]) + _naive_root(leaves[k:])).digest()


def _naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = _naive_split(len(leaves))
    if index < k:
        return [*_naive_path(index, leaves[:k]), _naive_root(leaves[k:])]
    return [*_naive_path(index - k, leaves[k:]), _naive_root(leaves[:k])]


def _naive_subproof(old: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [_naive_root(leaves)]
    k = _naive_split(len(leaves))
    if old <= k:
        return [*_naive_subproof(old, leaves[:k], whole), _naive_root(leaves[k:])]
    return [*_naive_subproof(old - k, leaves[k:], False), _naive_root(leaves[:k])]


def test_the_published_roots_come_out() -> None:
    tree = Tree()
    assert tree.root().hex() == PUBLISHED_ROOTS[0]
    for size, entry in enumerate(PUBLISHED_LEAVES, start=1):
        tree.append(leaf_hash(entry))
        assert tree.root().hex() == PUBLISHED_ROOTS[size]


def test_the_published_proofs_come_out_and_verify() -> None:
    leaves = [leaf_hash(entry) for entry in PUBLISHED_LEAVES]
    roots = [bytes.fromhex(text) for text in PUBLISHED_ROOTS]
    for (index, size), published in PUBLISHED_INCLUSION.items():
        proof = inclusion_proof(index, size, hash_source(leaves))
        assert [part.hex() for part in proof] == published
        assert verify_inclusion(leaves[index], index, size, proof, roots[size])
    for (old, new), published in PUBLISHED_CONSISTENCY.items():
        proof = consistency_proof(old, new, hash_source(leaves))
        assert [part.hex() for part in proof] == published
        assert verify_consistency(old, new, roots[old], roots[new], proof)


@given(st.integers(0, 300))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    expected = _naive_root(LEAVES[:size])
    assert root_of(LEAVES[:size]) == expected
    assert root_at(size, SOURCE) == expected


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_tree_taken_up_again_grows_as_if_never_put_down(size: int, more: int) -> None:
    first = Tree()
    first.extend(LEAVES[: min(size, more)])
    second = Tree(first.size, first.frontier)
    second.extend(LEAVES[first.size : max(size, more)])
    assert second.size == max(size, more)
    assert second.root() == _naive_root(LEAVES[: second.size])


@given(st.data())
def test_every_inclusion_proof_is_that_of_the_definition_and_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    root = _naive_root(LEAVES[:size])
    proof = inclusion_proof(index, size, SOURCE)
    assert proof == _naive_path(index, LEAVES[:size])
    assert verify_inclusion(LEAVES[index], index, size, proof, root)
    InclusionProof(index, size, proof).check(LEAVES[index], root)


@given(st.data())
def test_every_consistency_proof_is_that_of_the_definition_and_verifies(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    old_root, new_root = _naive_root(LEAVES[:old]), _naive_root(LEAVES[:new])
    proof = consistency_proof(old, new, SOURCE)
    assert proof == _naive_subproof(old, LEAVES[:new], True)
    assert verify_consistency(old, new, old_root, new_root, proof)
    ConsistencyProof(old, new, proof).check(old_root, new_root)


@given(st.data())
def test_a_tampered_inclusion_proof_never_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    root = root_at(size, SOURCE)
    proof = inclusion_proof(index, size, SOURCE)
    leaf = LEAVES[index]
    change = data.draw(st.sampled_from(["leaf", "index", "root", "part", "longer", "shorter"]))
    if change == "leaf":
        leaf = leaf_hash(b"another entry")
    elif change == "index":
        index = data.draw(st.integers(-2, size + 2).filter(lambda other: other != index))
    elif change == "root":
        root = node_hash(root, root)
    elif change == "longer":
        proof = [*proof, root]
    elif proof and change == "shorter":
        proof = proof[:-1]
    elif proof:
        spot = data.draw(st.integers(0, len(proof) - 1))
        proof[spot] = bytes([proof[spot][0] ^ 1]) + proof[spot][1:]
    else:
        return
    assert not verify_inclusion(leaf, index, size, proof, root)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 200))
def test_the_verdict_on_any_pile_of_hashes_is_that_of_another_implementation(
    old: int, new: int, seed: int
) -> None:
    # Takes a true proof between two other sizes, so that the pieces are real hashes of the tree in the
    # wrong place.
    other = max(1, seed % max(new, 1))
    proof = consistency_proof(min(other, new), new, SOURCE)
    old_root, new_root = root_at(old, SOURCE), root_at(new, SOURCE)
    try:
        ConsistencyProof(old, new, proof).check(old_root, new_root)
        accepted = True
    except ConsistencyProofInvalid:
        accepted = False
    assert verify_consistency(old, new, old_root, new_root, proof) == accepted
    index = old - 1
    path = inclusion_proof(min(index, new - 1), new, SOURCE)[: seed % 9]
    try:
        InclusionProof(index, new, path).check(LEAVES[index], new_root)
        accepted = True
    except InclusionProofInvalid:
        accepted = False
    assert verify_inclusion(LEAVES[index], index, new, path, new_root) == accepted


def test_no_single_change_of_a_consistency_proof_verifies() -> None:
    for old, new in itertools.combinations(range(1, 20), 2):
        old_root, new_root = root_at(old, SOURCE), root_at(new, SOURCE)
        proof = consistency_proof(old, new, SOURCE)
        assert not verify_consistency(old, new, new_root, new_root, proof)
        assert not verify_consistency(old, new, old_root, old_root, proof)
        assert not verify_consistency(old, new, old_root, new_root, [*proof, new_root])
        assert not verify_consistency(old, new, old_root, new_root, proof[:-1])
        for spot in range(len(proof)):
            changed = [*proof[:spot], node_hash(proof[spot], proof[spot]), *proof[spot + 1 :]]
            assert not verify_consistency(old, new, old_root, new_root, changed)


def test_nothing_is_to_be_shown_from_the_empty_tree_or_to_itself() -> None:
    root = root_at(7, SOURCE)
    assert consistency_proof(0, 7, SOURCE) == consistency_proof(7, 7, SOURCE) == []
    assert verify_consistency(0, 7, EMPTY_ROOT, root, [])
    assert verify_consistency(7, 7, root, root, [])
    assert verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not verify_consistency(0, 0, root, root, [])
    assert not verify_consistency(0, 7, root, root, [])
    assert not verify_consistency(0, 7, EMPTY_ROOT, root, [root])
    assert not verify_consistency(7, 7, root, root, [root])
    assert not verify_consistency(7, 7, root, EMPTY_ROOT, [])


def test_a_true_proof_says_nothing_of_a_tree_of_another_size() -> None:
    # The hashes lead to the root given, but the tree claimed is higher than the proof reaches.
    root = root_at(2, SOURCE)
    assert verify_inclusion(LEAVES[0], 0, 2, [LEAVES[1]], root)
    assert not verify_inclusion(LEAVES[0], 0, 4, [LEAVES[1]], root)
    assert verify_consistency(1, 2, LEAVES[0], root, [LEAVES[1]])
    assert not verify_consistency(1, 4, LEAVES[0], root, [LEAVES[1]])


def test_a_consistency_proof_without_a_beginning_is_refused() -> None:
    # Six is no power of two, so the old root is not the first hash, and an empty proof holds nothing at
    # all.
    assert not verify_consistency(6, 8, root_at(6, SOURCE), root_at(8, SOURCE), [])


def test_what_is_no_hash_never_verifies() -> None:
    root = root_at(2, SOURCE)
    proof = inclusion_proof(0, 2, SOURCE)
    assert not verify_inclusion(LEAVES[0][:-1], 0, 2, proof, root)
    assert not verify_inclusion(LEAVES[0], 0, 2, [proof[0] + b"\x00"], root)
    assert not verify_consistency(1, 2, LEAVES[0], root[:-1], proof)
    assert not verify_consistency(2, 1, root, LEAVES[0], proof)


def test_nothing_proves_a_leaf_outside_its_tree_or_a_tree_that_shrank() -> None:
    leaf, root = LEAVES[0], root_at(2, SOURCE)
    assert verify_inclusion(leaf, 0, 1, [], leaf)
    for index, size in ((1, 1), (-1, 1), (0, 0)):
        assert not verify_inclusion(leaf, index, size, [], leaf)
    assert not verify_consistency(2, 1, root, root, [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 4), (4, 4), (5, 4)])
def test_inclusion_of_a_leaf_that_is_not_there_cannot_be_proved(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"no leaf {index} in a tree of {size}"):
        inclusion_proof(index, size, SOURCE)


@pytest.mark.parametrize(("old", "new"), [(-1, 4), (5, 4)])
def test_consistency_with_a_smaller_tree_cannot_be_proved(old: int, new: int) -> None:
    with pytest.raises(ValueError, match=f"tree of {old} leaves cannot be the beginning"):
        consistency_proof(old, new, SOURCE)


@pytest.mark.parametrize(("level", "index"), [(-1, 0), (0, -1), (0, 300), (9, 0), (8, 1), (1, 150), (4, 18)])
def test_a_node_outside_the_tree_is_refused(level: int, index: int) -> None:
    with pytest.raises(ValueError, match="outside a tree of 300 leaves"):
        hash_source(LEAVES[:300])(level, index)


def test_a_tree_refuses_what_cannot_be_its_frontier() -> None:
    with pytest.raises(ValueError, match="tree of 3 leaves cannot have a frontier of 1"):
        Tree(3, [LEAVES[0]])
    with pytest.raises(ValueError, match="tree of -1 leaves"):
        Tree(-1)
    with pytest.raises(ValueError, match="32 bytes long, not 3"):
        Tree(1, [b"abc"])
    with pytest.raises(ValueError, match="32 bytes long, not 5"):
        Tree().append(b"entry")
    with pytest.raises(ValueError, match="cannot have -1 leaves"):
        root_at(-1, SOURCE)
