"""The canonical form: one spelling of each value, every other one refused."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import orjson
import pytest
from hypothesis import assume, example
from hypothesis import given as for_all
from hypothesis import strategies as st

from registry import quick
from signing.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    NotCanonical,
    decode,
    decode_strictly,
    encode,
    is_certain,
)

pytestmark = pytest.mark.measured

TEXT = st.text(max_size=40).map(lambda text: unicodedata.normalize("NFC", text))
KEYS = st.text(st.characters(max_codepoint=127), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)


class Word(StrEnum):
    ONE = "one"


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, b"null"),
        (True, b"true"),
        (0, b"0"),
        (-MAX_INTEGER, b"-9007199254740991"),
        ("", b'""'),
        ("å", '"å"'.encode()),
        ('a"\\/\n\t\x00\x7f\u2028', b'"a\\"\\\\/\\n\\t\\u0000\x7f\xe2\x80\xa8"'),
        ({"b": 1, "a": [], "A": {}, "a-b": "", "": None}, b'{"":null,"A":{},"a":[],"a-b":"","b":1}'),
        ((1, [True, "x"]), b'[1,[true,"x"]]'),
        (Word.ONE, b'"one"'),
    ],
)
def test_it_is_spelt_so(value: Any, data: bytes) -> None:
    assert encode(value) == data


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1.0, "a float has no canonical form"),
        (float("nan"), "a float has no canonical form"),
        (b"", "a bytes has no canonical form"),
        ({1, 2}, "a set has no canonical form"),
        (MAX_INTEGER + 1, "outside"),
        (-MAX_INTEGER - 1, "outside"),
        pytest.param(10**5000, "outside", id="long"),
        ({"å": 1}, "not ASCII"),
        ({1: 1}, "not ASCII"),
        ("e\u0301", "NFC"),
        ({"a": "e\u0301"}, "NFC"),
        (["\u212a"], "NFC"),  # the sign for kelvin, which NFC writes as a letter
        ("\ud800", "surrogate"),
        ("\udfff å", "surrogate"),
    ],
)
def test_what_has_no_canonical_form(value: Any, reason: str) -> None:
    with pytest.raises(NotCanonical, match=reason):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"1.0", b"1e3", b"-0", b"01", b"+1", b"NaN", b"Infinity", b"-Infinity", b"9007199254740992", b"1" * 5000,
        b"", b" 1", b"1 ", b"1\n", b"1 1", b"[1, 2]", b"[1,]", b"{'a':1}", b"tru", b'"a', b"\xef\xbb\xbf1",
        b'{"b":1,"a":1}', b'{"a":1,"a":1}', b'{"a":1,"a":2}', b'{"x":{"a":1,"a":1}}', b'{"\xc3\xa5":1}',
        b'"\\u0041"', b'"\\/"', b'"\\u00e5"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\xed\xa0\x80"', b'"\xff"',
        b'"e\xcc\x81"', b'"\n"', b'"\\u000a"', b'"\\u001F"', "\"a\"".encode("utf-16"), b"// x\n1",
        b"[" * 100_000, b"[" * 101 + b"]" * 101, b"1.5" * 1,
    ],
)  # fmt: skip
def test_what_is_not_canonical(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode(data)


def test_each_string_is_checked_by_itself() -> None:
    """A combining mark may begin a string: what stands before it is not its base."""
    value: Any = {"a": "e", "b": "\u0301x"}
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", [{"a": "å", "b": 1}, [-MAX_INTEGER, MAX_INTEGER, {"a": [None]}], "å"])
def test_what_is_certain_is_not_read_a_second_time(value: Any) -> None:
    assert is_certain(value, encode(value))
    assert decode_strictly(encode(value)) == value


def test_depth() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert decode(encode(deep)) == deep
    wrappings: list[Any] = [[deep], {"a": deep}, (deep,)]
    for wrapped in wrappings:
        with pytest.raises(NotCanonical, match="deep"):
            encode(wrapped)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NotCanonical, match="deep"):
        encode(endless)


@for_all(VALUES)
def test_there_and_back(value: Any) -> None:
    data = encode(value)
    assert decode(data) == value
    assert encode(decode(data)) == data


@for_all(VALUES)
def test_every_reader_reads_the_same(value: Any) -> None:
    """The log is read with orjson, which is several times as fast: it must see what json sees."""
    data = encode(value)
    assert orjson.loads(data) == json.loads(data) == value


@for_all(VALUES)
def test_another_writer_writes_the_same(value: Any) -> None:
    assert orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == encode(value)


@for_all(VALUES, st.data())
def test_any_other_spelling_is_refused(value: Any, data: st.DataObject) -> None:
    spelt = encode(value)
    other = json.dumps(
        value,
        sort_keys=data.draw(st.booleans()),
        ensure_ascii=data.draw(st.booleans()),
        indent=data.draw(st.sampled_from([None, 0, 2])),
        separators=data.draw(st.sampled_from([None, (",", ":"), (" ,", ":")])),
    ).encode()
    assume(other != spelt)
    with pytest.raises(NotCanonical):
        decode(other)


@for_all(
    st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_bytes_are_canonical_or_refused(data: bytes) -> None:
    try:
        value = decode(data)
    except NotCanonical:
        return
    assert encode(value) == data


@for_all(st.from_regex(re.compile(r"-?[0-9]{1,20}(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII), fullmatch=True))
def test_numbers(text: str) -> None:
    plain = re.fullmatch(r"0|-?[1-9][0-9]*", text) and abs(int(text)) <= MAX_INTEGER
    if plain:
        assert decode(text.encode()) == int(text)
    else:
        with pytest.raises(NotCanonical):
            decode(text.encode())


# --- the quick reader, and the quick way of the reader without orjson
OTHER = [
    b" ", b"\n", b"0", b"1.0", b"1e5", b"-0", b"9007199254740992", b"18446744073709551616", b"1" * 400, b"NaN", b"[",
    b"]", b"{", b"}", b",", b":", b'"', b'"a":1,', b'"":1,', b'"\xc3\xa5":1,', b"\\", b"\\n", b"\\u0041", b"\\ud800",
    b"\\ud83d\\ude00", b"\xcc\x81", b"e\xcc\x81", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00", b"\x7f",
    b"true", b"null", b"[" * 90, b"]" * 90,
]  # fmt: skip


@st.composite
def spellings(draw: st.DrawFn) -> bytes:
    """Canonical bytes, or such with something else put in or taken out."""
    data = bytearray(encode(draw(VALUES)))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 3)))
        data[start:end] = draw(st.sampled_from(OTHER) | st.binary(max_size=3))
    return bytes(data)


def heard(read: Callable[[bytes], Any], data: bytes) -> str:
    """The value with the kinds of its parts, or why there is none."""
    try:
        return repr(read(data))
    except NotCanonical as refused:
        return f"refused: {refused}"


@for_all(spellings())
def test_quick_readers_say_what_the_strict_one_says(data: bytes) -> None:
    assert heard(quick.decode, data) == heard(decode, data) == heard(decode_strictly, data)


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 300, 2000])
@pytest.mark.parametrize(
    "inmost", [b"", b"1", b"1.5", b"{}", b"[]", b'{"\xc3\xa5":1}', b'"e\xcc\x81"', b'"\\n\xcc\x81"']
)
def test_quick_readers_at_the_depth(depth: int, inmost: bytes) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        data = opening * depth + inmost + closing * depth
        assert heard(quick.decode, data) == heard(decode, data) == heard(decode_strictly, data)


@for_all(st.characters(exclude_categories=["Cs"]), st.characters(exclude_categories=["Cs"]))
def test_every_sign_is_spelt_alike(one: str, other: str) -> None:
    for text in (one, one + other, f"e{one}", f"\n{one}{other}", f"{other}\\{one}"):
        data = json.dumps(text, ensure_ascii=False).encode()
        assert orjson.dumps(text) == data
        assert heard(quick.decode, data) == heard(decode, data) == heard(decode_strictly, data)


# --- the quick writer
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.text(st.characters(max_codepoint=127)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | KEYS, inner),
    max_leaves=30,
)


def written(write: Callable[[Any], bytes], value: Any) -> bytes | str:
    """The bytes, or why there are none."""
    try:
        return write(value)
    except NotCanonical as refused:
        return f"refused: {refused}"


@for_all(ANY | VALUES)
@example([2**53, MAX_INTEGER, -MAX_INTEGER])
@example(-(2**53))
@example(2**64)
@example({"b": '\x00\x1f\x7f\u2028<>&/\\"', "a": "e\u0301", "A": "é"})
@example("\ud800")
@example({"\ud800": 1})
@example({"å": 1})
def test_the_quick_writer_writes_what_the_other_does(value: Any) -> None:
    assert written(quick.encode, value) == written(encode, value)


@pytest.mark.parametrize("depth", [50, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 300, 2000])
@pytest.mark.parametrize("inmost", [1, "å", [], {}])
def test_the_quick_writer_at_the_depth(depth: int, inmost: Any) -> None:
    listed, mapped = inmost, inmost
    for _ in range(depth):
        listed, mapped = [listed], {"a": mapped}
    for value in (listed, mapped):
        assert written(quick.encode, value) == written(encode, value)


@pytest.mark.parametrize("data", [b"[[9007199254740993],[1]]", b'[{"a":[9007199254740993]},{"b":[1]}]'])
def test_what_stands_before_something_sound_is_looked_at_as_well(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode(data)
