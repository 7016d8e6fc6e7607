"""Every parser of signing/ takes any bytes at all: out comes what it reads, or the error that it documents.

- Bytes are drawn from nothing, and from sound artefacts that were cut, swapped, doubled or changed in a few places,
  which gets further into a parser.
- The PDF's own checks have tests of their own (test_pades_check.py); here are the two readers beside them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing import canonical, cms, commitments, export, vkeys
from signing.alone import verify_export
from signing.canonical import NotCanonical
from signing.checkpoint import Checkpoint
from signing.note import BadKey, MalformedNote, Note, UnverifiedNote, Vkey
from signing.pades_check import embedded_roots, first_revision
from signing.records import Documents, Reader, Record
from signing.report import Report
from signing.signed_data import CmsError, open_cms
from signing.tiles import Tile
from signing.timestamp import open_token, verify_stamp, verify_token
from signing.witness import attached
from tests.golden_hostile import LOG, PLACE, SOUND
from tests.test_hostile import NOW, roots

Parser = Callable[[bytes], object]
EXAMPLES = settings().max_examples // 2


@cache
def sound(name: str) -> bytes:
    """A sound artefact."""
    return next(iter(sorted((PLACE if "/log.vkeys" in name else SOUND).glob(name)))).read_bytes()


def _read(line: bytes) -> None:
    reader = Reader(Report(), Documents())
    reader.read(Record(1, line, bytes(32), "a", 1, "b"))


def _text(parse: Callable[[str], object]) -> Parser:
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


KEYS = vkeys.LogKeys.read(sound("log.vkeys"))
CA = roots(SOUND)
# What reads it, which sound bytes it reads, and the errors that it says it may raise.
PARSERS: dict[str, tuple[Parser, str, tuple[type[Exception], ...]]] = {
    "canonical": (canonical.decode, "events.jsonl", (NotCanonical,)),
    "canonical, strictly": (canonical.decode_strictly, "events.jsonl", (NotCanonical,)),
    "record": (_read, "events.jsonl", ()),
    "note": (Note.parse, "checkpoints/*.note", (MalformedNote,)),
    "checkpoint": (_text(Checkpoint.parse), "checkpoints/*.note", (MalformedNote,)),
    "signed checkpoint": (
        KEYS.open,
        "checkpoints/*.note",
        (MalformedNote, UnverifiedNote),
    ),
    "witnessed checkpoint": (
        lambda data: attached(sound("checkpoints/*.note"), data, KEYS.vkeys),
        "checkpoints/*.note",
        (MalformedNote, UnverifiedNote),
    ),
    "key": (_text(Vkey.parse), "log.vkeys", (BadKey,)),
    "keys": (vkeys.read_vkeys, "log.vkeys", (BadKey,)),
    "log keys": (vkeys.LogKeys.read, "signed-by-keys-that-had-ended/log.vkeys", (BadKey,)),
    "keys' signature": (lambda data: vkeys.open_signature(KEYS, data, CA), "log.vkeys.p7s", (CmsError,)),
    "tile's path": (_text(Tile.from_path), "export.json", (ValueError,)),
    "cms": (open_cms, "minutes/*chair.p7s", (CmsError,)),
    "detached signature": (lambda data: cms.verify(data, b"x", CA), "minutes/*chair.p7s", (CmsError,)),
    "time stamp": (open_token, "checkpoints/*.tst", (CmsError,)),
    "time stamp, held to": (lambda data: verify_token(data, b"x" * 32, CA), "checkpoints/*.tst", (CmsError,)),
    "stamped checkpoint": (lambda data: verify_stamp(data, b"x" * 32, CA), "checkpoints/*.tst", (CmsError,)),
    "anchor": (export.read_anchor, "trust.pem", (export.Broken,)),
    "certificates in a PDF": (embedded_roots, "minutes/*.pdf", (ValueError,)),
    "first revision of a PDF": (first_revision, "minutes/*.pdf", (ValueError,)),
}


@st.composite
def spoilt(draw: st.DrawFn, whole: bytes) -> bytes:
    """Sound bytes in which something was changed, or none of them."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        until = at + draw(st.integers(0, 40))
        match draw(st.sampled_from(("change", "cut", "double", "put", "end"))):
            case "change":
                data[at:until] = draw(st.binary(max_size=until - at))
            case "cut":
                del data[at:until]
            case "double":
                data[at:at] = data[at:until]
            case "put":
                data[at:at] = draw(
                    st.sampled_from((b"\n", b"\0", b"\xff", b'"', b"[" * 200, b"9" * 30, b"+", b"\r"))
                )
            case _:
                del data[at:]
    return bytes(data)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=EXAMPLES)
@given(st.data())
def test_whatever_comes_in_only_what_is_documented_comes_out(name: str, data: st.DataObject) -> None:
    parse, artefact, errors = PARSERS[name]
    given_bytes = data.draw(spoilt(sound(artefact)))
    if name == "record" or name.startswith("canonical"):
        given_bytes = data.draw(spoilt(sound(artefact).splitlines()[1]))
    with suppress(*errors):
        parse(given_bytes)


FILES = (
    "export.json",
    "events.jsonl",
    "log.vkeys",
    "log.vkeys.p7s",
    "trust.pem",
    "checkpoints/*.note",
    "checkpoints/*.tst",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("spoilt") / "out"
    shutil.copytree(LOG, place)
    return place


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_an_export_of_any_bytes_at_all_has_a_report(folder: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    path = max(folder.glob(name))
    whole = path.read_bytes()
    try:
        path.write_bytes(data.draw(spoilt(whole)))
        report: dict[str, Any] = verify_export(folder, None, [], NOW).result()
        listed = any(one["file"] == str(path) for one in report["unprotected"])
        assert not report["ok"] or listed or path.read_bytes() == whole, name
    finally:
        path.write_bytes(whole)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_events_hold_is_split_whatever_it_is(value: Any) -> None:
    plain, found = commitments.split(value, "stream/1")
    assert (plain == value) == (not found)
