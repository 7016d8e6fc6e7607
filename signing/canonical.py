"""One canonical form for everything that is hashed or signed.

- JSON with keys in sorted order, keys in ASCII, no blanks between tokens, UTF-8 (RFC 8785's form for these types).
- Strings are NFC, checked string by string; a lone surrogate is no text.
- Numbers are integers within ±(2^53 − 1), so that every reader of JSON holds them exactly. No floats: `1.0` and
  `1` would be two spellings of one value.
- Arrays and objects stand at most 100 deep, so that no reader runs out of stack where another does not.
- A reader accepts the canonical bytes alone: duplicate keys, other spellings and trailing bytes are refused.
"""

from __future__ import annotations

import json
import unicodedata
from typing import NoReturn

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 100

JSON = dict[str, "JSON"] | list["JSON"] | str | int | bool | None


class NotCanonical(ValueError):
    """The value or the bytes have no canonical form; the message says which rule was broken."""


_write = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


def encode(value: JSON) -> bytes:
    """The canonical bytes of a value; raises NotCanonical."""
    _check(value, 0)
    return _write(value).encode()


def decode(data: bytes) -> JSON:
    """The value of canonical bytes; any other spelling of the same value raises NotCanonical."""
    try:
        value: JSON = json.loads(data.decode())
        if _write(value).encode() == data and is_certain(value, data):
            return value
    except (ValueError, RecursionError):
        pass
    return decode_strictly(data)


def is_certain(value: JSON, data: bytes) -> bool:
    """Whether a value whose own bytes, keys in order, were read and written alike is certainly canonical.

    Such bytes have each key once, and no other spelling of anything. Left to ask are the kinds of number, ASCII in
    keys, NFC and depth. False also where an answer would take longer than reading strictly: if the whole of the bytes
    is NFC, then so is every string (the form is closed under taking parts, UAX 15 section 1.3, and the signs that are
    spelt as escapes neither combine nor are moved), but not the other way round.
    """
    in_ascii = data.isascii()
    if not in_ascii and not unicodedata.is_normalized("NFC", data.decode()):
        return False
    level: list[JSON] = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[JSON] = []
        for one in level:
            if type(one) is dict:
                if not (in_ascii or all(map(str.isascii, one))):
                    return False
                deeper += [item for item in one.values() if type(item) is not str]
            elif type(one) is list:
                deeper += [item for item in one if type(item) is not str]
            elif type(one) is int:
                if not -MAX_INTEGER <= one <= MAX_INTEGER:
                    return False
            elif type(one) is float:
                return False
        if not deeper:
            return True
        level = deeper
    return False


def decode_strictly(data: bytes) -> JSON:
    """As decode, rule by rule: it says which one the bytes break."""
    try:
        value: JSON = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
        again = encode(value)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise NotCanonical(f"not JSON in UTF-8: {error}") from error
    if again != data:
        raise NotCanonical("the bytes are not in canonical form (order of keys, blanks or escapes differ)")
    return value


def _check(value: object, depth: int) -> None:
    # bool before int: it is a subclass, and isinstance chains are ordered by how often each kind occurs.
    if isinstance(value, str):
        if not value.isascii():
            _check_text(value)
    elif value is None or isinstance(value, bool):
        pass
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise NotCanonical(f"an integer of {value.bit_length()} bits is outside ±(2^53 − 1)")
    elif depth == MAX_DEPTH and isinstance(value, dict | list | tuple):
        raise NotCanonical(f"arrays and objects stand more than {MAX_DEPTH} deep")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise NotCanonical(f"the key {key!r} is not ASCII text")
            if type(item) is not str or not item.isascii():  # nearly every item, so not worth a call
                _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            if type(item) is not str or not item.isascii():
                _check(item, depth + 1)
    else:
        raise NotCanonical(f"a {type(value).__name__} has no canonical form")


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical("text holds a lone surrogate") from error
    if not unicodedata.is_normalized("NFC", text):
        raise NotCanonical("text is not in Unicode normal form NFC")


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise NotCanonical("a key occurs twice in one object")
    return result


def _integer(text: str) -> int:
    if len(text) > len(
        str(-MAX_INTEGER)
    ):  # before it is read: Python refuses thousands of digits in words of its own
        raise NotCanonical(f"an integer of {len(text)} digits is outside ±(2^53 − 1)")
    return int(text)


def _refuse_number(text: str) -> NoReturn:
    raise NotCanonical(f"the number {text[:40]} is not an integer")
