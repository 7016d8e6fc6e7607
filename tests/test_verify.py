"""Verification of a log: sound evidence passes every step, and each kind of damage fails the step it belongs to."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from signing import cms, seal
from signing.commitments import version_root
from signing.log import leaf_hash
from signing.pki import certificate_der
from signing.records import Record, SourceDamaged
from signing.report import STEPS, TEXTS, say
from signing.verify import Destroyed, approval_statement, verify_log
from tests.evidence import (
    CHECKED_AT,
    MINUTES,
    Story,
    approval,
    changed,
    check,
    envelope,
    failed,
    minuted,
    outcomes,
    people,
    said,
    story,
)
from tests.signing_kit import (
    FIELDS,
    NOW,
    authority,
    lock,
    render,
    stages,
    stranger,
    timestamper,
)

LAST = ("statements", "rerender", "digest", "destruction")


# --- sound evidence
def test_every_step_of_a_sound_log_holds() -> None:
    told = story()
    report = check(told.opened(outside=[("kept", told.note(5))]))
    found = outcomes(report)
    assert {step: found[step] for step in STEPS if step not in LAST} == dict.fromkeys(STEPS[:11], True)
    assert [found[step] for step in LAST] == [None] * 4
    result = report.result()
    assert (result["ok"], result["trusted"], result["clock"], result["events"]) == (
        True,
        True,
        "simulated",
        6,
    )
    assert set(report.named) == set(told.files)
    assert report.anchor == authority().ca.certificate
    assert said(report) == FOUND


FOUND: dict[str, tuple[str, dict[str, Any]]] = {
    "envelope": ("envelope-ok", {"count": 6}),
    "columns": ("columns-ok", {"count": 6}),
    "leaves": ("leaves-ok", {"count": 6}),
    "tree": ("tree-ok", {"count": 6, "root": story().root(6).hex()}),
    "checkpoints": ("checkpoints-ok", {"count": 3, "size": 6}),
    "outside-checkpoint": ("outside-ok", {"count": 1}),
    "consistency": ("consistency-ok", {"count": 2}),
    "inclusion": ("inclusion-ok", {"count": 3, "size": 6}),
    "pades": ("pades-ok", {"count": 1}),
    "timestamps": ("stamps-ok", {"count": 1}),
    "cms": ("cms-ok", {"count": 2}),
}


def test_an_export_is_checked_against_its_tiles_and_has_no_columns() -> None:
    report = check(story().exported(missing=None))
    assert report.result()["ok"]
    assert outcomes(report)["columns"] is None
    assert "no columns" in report.result()["checks"][1]["detail"]
    whole = {"first": 1, "last": 6, "count": 6, "root": story().root(6).hex()}
    changed = FOUND | {"leaves": ("leaves-made", {"count": 6}), "tree": ("range-ok", whole)}
    assert said(report) == {
        step: found for step, found in changed.items() if "col" not in step and "out" not in step
    }
    assert {step: found.code for step, found in report.skipped.items()} == {
        "columns": "no-columns",
        "outside-checkpoint": "no-outside",
    }


def test_a_range_may_begin_after_the_version_that_is_approved_in_it() -> None:
    report = check(story().exported(first=3, last=5, missing=None))
    assert report.result()["ok"], failed(report)
    assert (report.events, report.clock) == (3, None)
    assert "for 2 the version itself lies before this range" in report.result()["checks"][10]["detail"]
    assert "positions 3 to 5 stand in their places in a tree of 6" in report.result()["checks"][3]["detail"]


def test_an_empty_log_has_nothing_to_hold_and_is_not_sound() -> None:
    report = check(Story([], {}, ()).opened())
    assert {step: found.code for step, found in report.skipped.items()} == {
        "checkpoints": "no-checkpoint",
        "outside-checkpoint": "no-outside",
        "consistency": "one-checkpoint",
        "inclusion": "nothing-signed",
        "pades": "nothing-sealed",
        "timestamps": "nothing-sealed",
        "cms": "nothing-approved",
    }
    result = report.result()
    assert (result["ok"], result["trusted"], result["events"]) == (False, False, 0)
    assert {one["ok"] for one in result["checks"]} == {None}
    assert all(one["detail"].startswith("not run: ") for one in result["checks"])


def test_nothing_is_trusted_where_no_chain_was_followed() -> None:
    told = story()
    bare = Story(told.events[:2], {}, (2,))
    assert check(bare.opened()).result()["ok"]
    assert not check(bare.opened()).result()["trusted"]
    unopened = check(told.evidence())
    assert unopened.result()["ok"]
    assert not unopened.result()["trusted"]
    assert [outcomes(unopened)[step] for step in ("pades", "timestamps", "cms")] == [None] * 3
    assert not check(told.opened(trusted=False)).result()["trusted"]


def test_without_sealed_documents_the_steps_about_them_are_not_run() -> None:
    told = story()
    report = check(Story(told.events[:3], told.files, (3,)).opened())
    found = outcomes(report)
    assert (found["pades"], found["timestamps"], found["cms"]) == (None, None, True)
    report = check(Story([told.events[0], told.events[1]], {}, (2,)).opened())
    assert outcomes(report)["cms"] is None


def test_progress_is_told() -> None:
    seen: list[tuple[str, int, int]] = []
    many = Story([envelope("a-b", number, "x.v1", 1) for number in range(1, 1002)], {}, ())
    verify_log(many.opened(), NOW, lambda *said: seen.append(said))
    assert seen == [("events", 1000, 0), ("events", 1001, 1001)]
    seen.clear()
    report = verify_log(story().opened(), CHECKED_AT, lambda *said: seen.append(said))
    assert not failed(report)
    assert seen == [("events", 6, 6), ("documents", 0, 3), ("documents", 2, 3), ("documents", 3, 3)]


# --- 1 envelope
def spoiled(position: int, **change: Any) -> Story:
    """The story with one envelope's fields replaced, and checkpoints over what it then says."""
    told = story()
    told.events[position - 1] = told.events[position - 1] | change
    return told


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 2}, "envelope-form"),
        ({"version": True}, "envelope-form"),
        ({"version": 0}, "envelope-form"),
        ({"stream": ["a"]}, "envelope-form"),
        ({"recorded_at": "2024-03-01"}, "envelope-form"),
        ({"salt": "x"}, "envelope-form"),
        ({"data": []}, "envelope-form"),
        ({"more": 1}, "envelope-fields"),
        ({"municipality": "annanby"}, "other-municipality"),
        ({"version": 9}, "version-gap"),
        ({"recorded_at": "2023-01-01T00:00:00.000000Z"}, "time-falls"),
    ],
)
def test_an_envelope_out_of_form_or_order_fails_its_step_alone(change: dict[str, Any], code: str) -> None:
    report = check(spoiled(6, **change).evidence())
    assert failed(report) == {"envelope": [code]}


@pytest.mark.parametrize("missing", ["office", "root", "cms", "version"])
def test_an_approval_that_lacks_what_it_must_say_is_out_of_form(missing: str) -> None:
    told = story()
    told.events[2] = changed(told.events[2], lambda event: event["data"].pop(missing))
    assert "envelope-form" in failed(check(told.evidence()))["envelope"]


def test_a_stream_that_begins_later_than_at_one_is_a_gap_in_a_whole_log_only() -> None:
    told = story()
    told.events[5]["stream"] = "other-stream"
    assert failed(check(told.evidence())) == {"envelope": ["version-gap"]}
    assert not failed(check(told.exported(first=6)))


def test_a_recorded_reset_of_the_clock_may_go_back() -> None:
    early = "2023-01-01T00:00:00.000000Z"
    assert not failed(check(spoiled(6, topic="clock-reset.v1", recorded_at=early).evidence()))


def test_the_declared_clock_is_text_or_not_declared() -> None:
    assert check(spoiled(1, data={"clock": 7}).evidence()).clock is None


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"\xff", b'{"a": 1}', b"[" * 100_000, b"1" * 10_000])
def test_bytes_that_are_no_envelope_fail_and_raise_nothing(line: bytes) -> None:
    told = story()
    records = [*told.records()[:-1], Record(6, line, leaf_hash(line), "a", 1, "b")]
    assert set(failed(check(told.evidence(records=lambda: records, checkpoints=[])))) == {
        "envelope",
        "checkpoints",
    }


def test_events_are_read_by_the_reader_that_the_evidence_brings() -> None:
    def none(_: bytes) -> Any:
        raise ValueError("unread")

    assert failed(check(story().evidence(decode=none)))["envelope"] == ["not-canonical"] * 6


def test_a_store_that_cannot_be_read_on_is_a_failure_and_not_an_error() -> None:
    told = story()

    def records() -> Any:
        yield from told.records()[:3]
        raise SourceDamaged("disk image is malformed")

    report = check(told.evidence(records=records))
    assert failed(report)["envelope"] == ["log-damaged"]
    assert failed(report)["checkpoints"] == ["events-gone"] * 2
    assert report.events == 3


# --- 2 columns, 3 leaves
def test_a_row_that_says_something_else_fails_columns_alone() -> None:
    told = story()
    rows = told.records()
    rows[1] = rows[1]._replace(version=7)
    assert failed(check(told.evidence(records=lambda: rows))) == {"columns": ["row-differs"]}


def test_a_stored_leaf_of_other_bytes_fails_leaves_alone() -> None:
    told = story()
    rows = told.records()
    rows[1] = rows[1]._replace(leaf=b"\0" * 32)
    assert failed(check(told.evidence(records=lambda: rows))) == {"leaves": ["leaf-differs"]}


# --- 4 tree
def test_a_missing_event_fails_the_tree_and_what_was_signed_over_it() -> None:
    told = story()
    rows = told.records()
    report = check(told.evidence(records=lambda: [*rows[:3], *rows[4:]]))
    assert failed(report)["tree"] == ["position-missing"]
    assert "position 4 is missing: the next event stands at 5" in report.result()["checks"][3]["detail"]


def test_an_exported_event_that_is_not_the_published_one_fails_the_tree() -> None:
    told = story()
    evidence = spoiled(6, salt="f" * 32).exported(
        tile=told.exported().tile, checkpoints=[("c", told.note(2))]
    )
    assert failed(check(evidence)) == {"tree": ["tile-leaf"], "checkpoints": ["checkpoint-stale"]}


@pytest.mark.parametrize("data", [None, b"", b"\0" * 31, b"\0" * 33])
def test_a_published_tile_that_is_missing_or_of_another_length_fails_the_tree(data: bytes | None) -> None:
    report = check(story().exported(first=3, last=5, tile=lambda _: data))
    assert failed(report)["tree"] == ["tile-missing", "position-missing", "range-short"]


def test_a_higher_tile_that_does_not_follow_from_the_leaves_fails_the_tree_alone() -> None:
    many = Story([envelope("a-b", number, "x.v1", 1) for number in range(1, 601)], {}, (600,))
    honest = many.exported().tile
    assert honest is not None
    assert not failed(check(many.exported()))
    spoilt = many.exported(tile=lambda tile: b"\0" * 64 if tile.level else honest(tile))
    assert failed(check(spoilt)) == {"tree": ["tile-differs"]}


def test_a_range_that_ends_too_early_fails_the_tree_alone() -> None:
    told = story()
    evidence = told.exported(first=2, last=4)
    assert failed(check(replace(evidence, last=6))) == {"tree": ["range-short"]}


# --- 9 and 10 documents
def resealed(told: Story, pdf: bytes) -> Story:
    """The same story with another sealed file."""
    digest = sha256(pdf).hexdigest()
    told.events[4] = changed(told.events[4], lambda event: event["data"].update(pdf=digest))
    told.files[digest] = pdf
    return told


def test_a_missing_and_a_swapped_file_fail_pades_alone() -> None:
    told = story()
    pdf = told.events[4]["data"]["pdf"]
    files = {name: content for name, content in told.files.items() if name != pdf}
    report = check(told.opened(artefact=files.get))
    assert failed(report) == {"pades": ["artefact-missing"]}
    assert report.failures["pades"][0].values["digest"] == pdf[:16]
    files[pdf] = b"%PDF-1.7"
    assert failed(check(told.opened(artefact=files.get))) == {"pades": ["artefact-other"]}


def test_a_pdf_without_the_seal_fails_pades() -> None:
    assert set(failed(check(resealed(story(), stages().both).opened()))) <= {"pades", "timestamps"}
    assert "pades" in failed(check(resealed(story(), b"%PDF-1.7 nothing").opened()))


def test_a_sealed_pdf_that_begins_with_another_render_fails_pades_alone() -> None:
    told = story()
    output = sha256(b"another render").hexdigest()
    root = version_root(told.events[1])
    for place, office in ((2, "chair"), (3, "justerare")):
        told.events[place], signature = approval(root, office, place - 1, output)
        told.files[sha256(signature).hexdigest()] = signature
    assert failed(check(told.opened())) == {"pades": ["render-differs"] * 2}


def test_a_pdf_signed_by_others_than_those_who_approved_fails_pades_alone() -> None:
    """Whoever holds the authority's keys can have anybody sign; the approvals say who did."""
    nobody = lock(seal.prepare(render(), FIELDS[2:]))
    assert failed(check(resealed(story(), nobody).opened())) == {"pades": ["signers-differ"]}
    told = story()
    told.events[3] = envelope(MINUTES, 3, "something-else.v1", 4)
    report = check(told.opened())
    assert failed(report) == {"pades": ["signers-differ"]}
    assert report.failures["pades"][0].values["name"] == f"{MINUTES} v1 (position 5)"
    assert not failed(check(story().exported(first=5, missing=None))), "the range begins after the approvals"


def test_a_pdf_sealed_by_a_stranger_fails() -> None:
    pdf = lock(stages().both, stranger)
    assert "pades" in failed(check(resealed(story(), pdf).opened()))
    assert {"pades", "cms"} <= failed(check(story().opened(roots=[stranger().ca.certificate]))).keys()


def test_what_was_destroyed_by_decision_is_said_and_is_no_failure() -> None:
    told = story()
    pdf = told.events[4]["data"]["pdf"]

    def artefact(digest: str) -> bytes | None:
        if digest == pdf:
            raise Destroyed
        return told.files.get(digest)

    report = check(told.opened(artefact=artefact))
    assert report.result()["ok"]
    assert report.passed["pades"] == ("pades-destroyed", {"count": 0, "destroyed": 1})


def test_secret_minutes_that_an_export_leaves_out_are_said_and_are_no_failure() -> None:
    told = story()
    told.events[4] = changed(told.events[4], lambda event: event["data"].update(secret=True))
    pdf = told.events[4]["data"]["pdf"]

    def others(digest: str) -> bytes | None:
        return None if digest == pdf else told.files.get(digest)

    report = check(told.opened(artefact=others, apart=True))
    assert report.result()["ok"]
    assert report.passed["pades"] == ("pades-apart", {"count": 0, "destroyed": 0, "apart": 1})
    assert report.skipped["timestamps"].code == "nothing-sealed"
    assert failed(check(told.opened(artefact=others))) == {"pades": ["artefact-missing"]}


# --- 11 cms
def test_a_detached_signature_that_is_missing_or_destroyed_fails_cms_alone() -> None:
    told = story()
    signature = told.events[2]["data"]["cms"]
    assert failed(check(told.opened(artefact=lambda d: None if d == signature else told.files[d]))) == {
        "cms": ["artefact-missing"]
    }

    def artefact(digest: str) -> bytes | None:
        if digest == signature:
            raise Destroyed
        return told.files[digest]

    assert failed(check(told.opened(artefact=artefact))) == {"cms": ["cms-destroyed"]}


def with_signature(told: Story, signature: bytes, **data: str) -> Story:
    data |= {"cms": sha256(signature).hexdigest()}
    told.events[2] = changed(told.events[2], lambda event: event["data"].update(data))
    told.files[sha256(signature).hexdigest()] = signature
    return told


def test_a_signature_over_something_else_fails_cms_alone() -> None:
    other = cms.sign(b"else", people()["chair"], [authority().ca.certificate], NOW, timestamper())
    assert failed(check(with_signature(story(), other).opened())) == {"cms": ["cms-fault"]}


def test_a_signature_by_another_certificate_than_the_event_names_fails_wherever_it_stands() -> None:
    told = story()
    certificate = sha256(certificate_der(people()["justerare"].certificate)).hexdigest()
    signature = told.files[told.events[2]["data"]["cms"]]
    assert failed(check(with_signature(told, signature, certificate=certificate).opened())) == {
        "pades": ["signers-differ"],
        "cms": ["certificate-differs"],
    }


def test_an_approval_of_another_root_or_of_a_version_that_is_not_there_fails_cms_alone() -> None:
    told = story()
    told.events[1] = minuted("Rapporten räcker gott.")
    assert failed(check(told.opened())) == {"cms": ["root-differs"] * 2}
    told.events[1] = changed(told.events[1], lambda event: event["data"].update(version=2))
    assert failed(check(told.opened())) == {"cms": ["version-missing"] * 2}


def test_the_statement_that_is_signed_is_canonical() -> None:
    assert approval_statement("a", "b", 1) == b'{"minutes_root":"a","render":"b","version":1}'


# --- how it is told
def test_every_sentence_can_be_told() -> None:
    for code in TEXTS:
        assert say(code, _Anything())


class _Anything(dict[str, str | int]):
    def __missing__(self, name: str) -> str:
        return name
