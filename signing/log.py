"""The event log as a Merkle tree, and its proofs.

- A leaf hash is SHA-256(0x00 || entry) and an inner node SHA-256(0x01 || left || right); the prefixes keep
  an entry from being passed off as a node (RFC 9162 2.1.1, as RFC 6962 2.1).
- A tree of n > 1 leaves splits at the largest power of two below n; an empty tree's root is SHA-256("")
  (RFC 9162 2.1.1).
- An inclusion proof is the sibling of every node from the leaf up to the root, leaf first (RFC 9162
  2.1.3.1). It is checked by walking the bits of the index and of size - 1 (2.1.3.2).
- A consistency proof shows that the first `old` leaves of the new tree are exactly the old tree: nothing
  was changed or taken away (RFC 9162 2.1.4.1, checked by 2.1.4.2). Between a tree and itself, and from the
  empty tree, there is nothing to show and the proof is empty.

Proofs read the tree through a hash source: a function of (level, index) that answers with the root of the
complete subtree over leaves [index * 2**level, (index + 1) * 2**level). It may stand on a list of leaf
hashes, on stored tiles (`signing.tiles`) or on a database table; the proofs do not know the difference.
Making a proof of something impossible is a ValueError; checking one is a plain yes or no, whatever is put
in.

The same tree over a document's field commitments gives the minutes root (protokollets rot).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

HashSource = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one log entry, as the log keeps it."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_hash(value: bytes) -> None:
    """Refuse a value that is no hash, before it gets into a tree or a tile."""
    if len(value) != HASH_SIZE:
        raise ValueError(f"A hash of this tree is {HASH_SIZE} bytes long, not {len(value)}.")


class Tree:
    """A growing tree that remembers only its frontier, so memory stays flat however long the log is.

    The frontier lists the complete subtrees from left to right, one for each bit set in the size. A tree
    may be taken up again from a stored size and frontier.
    """

    __slots__ = ("_frontier", "_size")

    def __init__(self, size: int = 0, frontier: Iterable[bytes] = ()) -> None:
        kept = list(frontier)
        if size < 0 or len(kept) != size.bit_count():
            raise ValueError(f"A tree of {size} leaves cannot have a frontier of {len(kept)} hashes.")
        for value in kept:
            check_hash(value)
        self._size = size
        self._frontier = kept

    @property
    def size(self) -> int:
        return self._size

    @property
    def frontier(self) -> tuple[bytes, ...]:
        return tuple(self._frontier)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash (not an entry: see `leaf_hash`)."""
        check_hash(leaf)
        # Each trailing one of the size is a complete subtree of that height, which the new leaf completes
        # to a pair.
        carried, rest = leaf, self._size
        while rest & 1:
            carried = node_hash(self._frontier.pop(), carried)
            rest >>= 1
        self._frontier.append(carried)
        self._size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        return _fold(self._frontier)


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes, for a small tree that needs no proofs afterwards."""
    tree = Tree()
    tree.extend(leaves)
    return tree.root()


def hash_source(leaves: Sequence[bytes]) -> HashSource:
    """A hash source over leaf hashes held in memory; inner nodes are remembered once computed."""
    known: dict[tuple[int, int], bytes] = {}

    def get_hash(level: int, index: int) -> bytes:
        if level < 0 or index < 0 or (index + 1) << level > len(leaves):
            raise ValueError(f"Node {index} of level {level} lies outside a tree of {len(leaves)} leaves.")
        if level == 0:
            return leaves[index]
        found = known.get((level, index))
        if found is None:
            found = node_hash(get_hash(level - 1, 2 * index), get_hash(level - 1, 2 * index + 1))
            known[level, index] = found
        return found

    return get_hash


def root_at(size: int, get_hash: HashSource) -> bytes:
    """The root of the tree's first `size` leaves."""
    if size < 0:
        raise ValueError(f"A tree cannot have {size} leaves.")
    return _subtree(0, size, get_hash)


def inclusion_proof(index: int, size: int, get_hash: HashSource) -> list[bytes]:
    """Proof that leaf `index` (from 0) is in the tree of `size` leaves."""
    if not 0 <= index < size:
        raise ValueError(
            f"There is no leaf {index} in a tree of {size} leaves, so its inclusion cannot be proved."
        )
    low, high = 0, size
    path: list[bytes] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_subtree(middle, high, get_hash))
            high = middle
        else:
            path.append(_subtree(low, middle, get_hash))
            low = middle
    return path[::-1]


def consistency_proof(old: int, new: int, get_hash: HashSource) -> list[bytes]:
    """Proof that the tree of `old` leaves is the beginning of the tree of `new` leaves."""
    if not 0 <= old <= new:
        raise ValueError(f"A tree of {old} leaves cannot be the beginning of a tree of {new} leaves.")
    if old in (0, new):
        return []
    low, high = 0, new
    path: list[bytes] = []
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_subtree(middle, high, get_hash))
            high = middle
        else:
            path.append(_subtree(low, middle, get_hash))
            low = middle
    # The subtree the descent ends in is the old root itself as long as it never went right; then it is
    # known.
    if low > 0:
        path.append(_subtree(low, high, get_hash))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """True if the proof leads from this leaf hash, at this index, to this root of a tree of `size` leaves."""
    if not 0 <= index < size or not _all_hashes((leaf, root, *proof)):
        return False
    node, last, reached = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            reached = node_hash(sibling, reached)
            # At the ragged right edge a node without sibling rises unchanged to the next level that has
            # one.
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            reached = node_hash(reached, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and reached == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """True if the proof shows that the tree with `old_root` is the beginning of the tree with `new_root`."""
    if not 0 <= old <= new or not _all_hashes((old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root and (old > 0 or old_root == EMPTY_ROOT)
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old_reached = new_reached = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_reached = node_hash(sibling, old_reached)
            new_reached = node_hash(sibling, new_reached)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new_reached = node_hash(new_reached, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and old_reached == old_root and new_reached == new_root


def _split(count: int) -> int:
    """The largest power of two below `count`, for a count of at least two."""
    return 1 << (count - 1).bit_length() - 1


def _subtree(low: int, high: int, get_hash: HashSource) -> bytes:
    """The root over leaves [low, high), where `low` is where a tree of that many leaves may begin."""
    parts: list[bytes] = []
    while low < high:
        level = (high - low).bit_length() - 1
        parts.append(get_hash(level, low >> level))
        low += 1 << level
    return _fold(parts)


def _fold(subtrees: Sequence[bytes]) -> bytes:
    """The root over complete subtrees of falling size, left to right."""
    if not subtrees:
        return EMPTY_ROOT
    reached = subtrees[-1]
    for left in subtrees[-2::-1]:
        reached = node_hash(left, reached)
    return reached


def _all_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
