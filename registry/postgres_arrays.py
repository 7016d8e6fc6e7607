"""Arrays in PostgreSQL's binary form, packed whole.

- The form (array_recv in PostgreSQL's arrayfuncs.c): the number of dimensions, whether there are nulls, the elements'
  type, then for the one dimension its length and first index, then each element as its length (-1 for null) and its
  bytes; all numbers of four bytes, highest first.
- psycopg packs its own lists too, in four times the time; beside a fast disk's sync that is felt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD, _LENGTH, _NUMBER = Struct(">iiIii"), Struct(">i"), Struct(">iq")
_NULL = _LENGTH.pack(-1)
_EMPTY = Struct(">iiI")


class Array(bytes):
    """An array, packed."""

    __slots__ = ()
    ELEMENT: int
    OID: int


class Texts(Array):
    ELEMENT, OID = 25, 1009


class Blobs(Array):
    ELEMENT, OID = 17, 1001


class Numbers(Array):
    ELEMENT, OID = 20, 1016


class Flags(Array):
    ELEMENT, OID = 16, 1000


def texts(values: Sequence[str | None]) -> Texts:
    return Texts(_pack(Texts, [None if value is None else value.encode() for value in values]))


def blobs(values: Sequence[bytes | None]) -> Blobs:
    return Blobs(_pack(Blobs, values))


def numbers(values: Sequence[int]) -> Numbers:
    if not values:
        return Numbers(_EMPTY.pack(0, 0, Numbers.ELEMENT))
    return Numbers(
        _HEAD.pack(1, 0, Numbers.ELEMENT, len(values), 1)
        + b"".join([_NUMBER.pack(8, value) for value in values])
    )


def flags(values: Sequence[bool]) -> Flags:
    return Flags(_pack(Flags, [b"\1" if value else b"\0" for value in values]))


def _pack(cls: type[Array], values: Sequence[bytes | None]) -> bytes:
    if not values:
        return _EMPTY.pack(0, 0, cls.ELEMENT)
    parts = [_HEAD.pack(1, None in values, cls.ELEMENT, len(values), 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            parts += (_LENGTH.pack(len(value)), value)
    return b"".join(parts)


class _Packed(Dumper):
    """Hands an array over as it is."""

    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


def register(context: AdaptContext, kinds: Iterable[type[Array]] = (Texts, Blobs, Numbers, Flags)) -> None:
    """Let a session take these arrays as parameters."""
    for kind in kinds:
        dumper = type(f"{kind.__name__}Dumper", (_Packed,), {"oid": kind.OID})
        context.adapters.register_dumper(kind, dumper)
