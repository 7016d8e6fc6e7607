"""Events read one by one: what is wrong with each is named, and what later steps need of them is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from signing.canonical import encode
from signing.commitments import version_root
from signing.records import Documents, Reader, Record
from signing.report import Report, Said
from tests.evidence import MINUTES, Envelope, envelope, minuted

REGISTRY = "municipality-registry"
OPENED = envelope(REGISTRY, 1, "registry-opened.v1", 1, clock="simulated")
LATER = envelope(REGISTRY, 2, "something.v1", 2)


def read(*events: Envelope | bytes, first: int = 1, **columns: Any) -> Reader:
    """Events from a position on, with the columns that are given for the last."""
    reader = Reader(Report(), Documents())
    for position, event in enumerate(events, first):
        line = event if isinstance(event, bytes) else encode(event)
        row = columns.get("row") if position == first + len(events) - 1 else None
        reader.read(Record(position, line, bytes(32), *row) if row else Record(position, line))
    return reader


def wrong(reader: Reader) -> dict[str, Sequence[Said]]:
    return dict(reader.report.failures)


def test_what_was_read_is_counted() -> None:
    reader = read(OPENED, LATER, row=(REGISTRY, 2, "something.v1"))
    assert (reader.count, reader.columns, reader.last, reader.clock) == (2, 1, 2, "simulated")
    assert reader.municipality == "exempelby"
    assert wrong(reader) == {}
    nothing = read()
    assert (nothing.count, nothing.columns, nothing.last, nothing.clock, nothing.municipality) == (
        0,
        0,
        0,
        None,
        None,
    )
    for row in ((REGISTRY, 2, "something.v1"), ("a", 2, "b")):
        assert read(OPENED, LATER | {"topic": "b", "stream": "a", "version": 1}, row=row).columns == 1
    assert read(OPENED | {"data": {}}).clock is None
    later = envelope(REGISTRY, 2, "something.v1", 2, clock="later")
    assert read(OPENED, later).clock == "simulated"
    assert read(LATER, first=5).last == 5
    assert read(later, first=5).clock is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"v": "1"}, "v"),
        ({"v": True}, "v"),
        ({"v": 0}, "v"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"stream": 7}, "stream"),
        ({"happened": []}, "happened"),
        ({"rules": None}, "rules"),
        ({"recorded_at": "2024-03-01T09:00:00Z"}, "recorded_at"),
        ({"recorded_at": "2024-03-01T09:00:00.000000Z\n"}, "recorded_at"),
        ({"salt": "0" * 31}, "salt"),
        ({"salt": "G" * 32}, "salt"),
        ({"topic": "minutes-sealed.v1", "data": {"version": 1}}, "data/pdf"),
        ({"topic": "minutes-sealed.v1", "data": {"version": True, "pdf": ""}}, "data/version"),
        ({"topic": "minutes-restamped.v1", "data": {"version": 1, "pdf": 7}}, "data/pdf"),
        ({"topic": "minutes-version-made.v1", "data": {}}, "data/version"),
        ({"topic": "paper-approval-recorded.v1", "data": {"version": 1}}, "data/scan"),
        ({"topic": "key-compromised.v1", "data": {"key": "log"}}, "data/old"),
    ],
)
def test_the_first_field_out_of_form_is_named(change: dict[str, Any], field: str) -> None:
    said = Said("envelope-form", {"position": 2, "field": field})
    assert wrong(read(OPENED, LATER | change)) == {"envelope": [said]}


def test_what_else_is_wrong_with_an_event_is_named() -> None:
    early = "2023-01-01T00:00:00.000000Z"
    cases: list[tuple[list[Envelope | bytes], Said]] = [
        ([OPENED, b"[]"], Said("envelope-fields", {"position": 2})),
        ([OPENED, encode(LATER | {"more": 1})], Said("envelope-fields", {"position": 2})),
        (
            [OPENED, LATER | {"municipality": "annanby"}],
            Said("other-municipality", {"position": 2, "municipality": "annanby"}),
        ),
        (
            [OPENED, LATER | {"version": 3}],
            Said("version-gap", {"position": 2, "stream": REGISTRY, "version": 3}),
        ),
        (
            [OPENED, LATER | {"stream": "other"}],
            Said("version-gap", {"position": 2, "stream": "other", "version": 2}),
        ),
        ([OPENED, LATER | {"recorded_at": early}], Said("time-falls", {"position": 2})),
    ]
    for events, said in cases:
        assert wrong(read(*events)) == {"envelope": [said]}
    (said,) = wrong(read(b"{"))["envelope"]
    assert (said.code, said.values["position"]) == ("not-canonical", 1)
    assert "not JSON" in str(said.values["reason"])
    row = Said("row-differs", {"position": 1, "row": "a / 1 / b"})
    assert wrong(read(OPENED, row=("a", 1, "b"))) == {"columns": [row]}


def test_what_follows_is_held_to_what_was_read_last() -> None:
    """Each fault is told once, and the next event is held to the one that was at fault."""
    again = [LATER | {"municipality": "annanby", "version": number} for number in (4, 5)]
    codes = [said.code for said in wrong(read(OPENED, *again))["envelope"]]
    assert codes == ["other-municipality", "version-gap"]
    early, late = ({"recorded_at": f"202{year}-01-01T00:00:00.000000Z"} for year in (3, 4))
    third = LATER | {"version": 3}
    assert [said.code for said in wrong(read(OPENED, LATER | early, third | late))["envelope"]] == [
        "time-falls"
    ]
    same = third | {"recorded_at": LATER["recorded_at"]}
    assert wrong(read(OPENED, LATER, same)) == {}, "two events of one moment"
    assert wrong(read(OPENED, LATER | early | {"topic": "clock-reset.v1"}, third | late)) == {}


def test_a_range_takes_each_stream_up_where_it_is() -> None:
    other = envelope("other", 7, "x.v1", 3)
    assert wrong(read(LATER, other, other | {"version": 8}, first=9)) == {}
    found = wrong(read(LATER, other, other | {"version": 9}, first=9))
    assert found == {"envelope": [Said("version-gap", {"position": 11, "stream": "other", "version": 9})]}


def test_what_events_say_of_documents_is_kept() -> None:
    made, documents = minuted(), Documents()
    approved = {name: name for name in ("office", "root", "render_output", "cms", "certificate")}

    def note(position: int, topic: str, **data: Any) -> None:
        documents.note(position, envelope(MINUTES, position, topic, position, **data, more="not kept"))

    documents.note(1, made)
    note(2, "minutes-approved.v1", version=1, **approved)
    note(3, "paper-approval-recorded.v1", version=1, scan="first")
    note(4, "paper-approval-recorded.v1", version=1, scan="second")
    note(5, "minutes-sealed.v1", version=1, pdf="sealed", secret=True)
    note(6, "minutes-restamped.v1", version=1, pdf="stamped")
    note(7, "minutes-restamped.v1", version=2, pdf="of a seal that lies before this range", secret="no")
    note(8, "key-compromised.v1", key="log", old="fingerprint")
    note(9, "something-else.v1", version=3, secret=True)
    assert documents == Documents(
        roots={(MINUTES, 1): version_root(made)},
        approvals=[(2, MINUTES, {"version": 1} | approved)],
        papers={(MINUTES, 1): ["first", "second"]},
        seals=[
            (5, MINUTES, {"version": 1, "pdf": "sealed"}),
            (7, MINUTES, {"version": 2, "pdf": "of a seal that lies before this range"}),
        ],
        became={
            (MINUTES, 1): [(5, "sealed"), (6, "stamped")],
            (MINUTES, 2): [(7, "of a seal that lies before this range")],
        },
        found_out=[(8, {"key": "log", "old": "fingerprint"})],
        secret={(MINUTES, 1)},
    )
