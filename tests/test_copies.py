"""Copies of minutes: held to the original's root, approvals and log; a foreign disclosure stops at its own step."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from projections.paper import render
from signing import cms
from signing.alone import verify_file
from signing.canonical import encode
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.commitments import split, version_root
from signing.copies import Copy, CopyError, Shown, attached, lists, verify_copy
from signing.levels import Levels
from signing.log import inclusion_proof
from signing.pki import certificate_der, certificate_pem
from signing.report import Report, Said, say
from signing.verify import approval_statement
from signing.vkeys import write_vkeys
from tests import paper_samples as samples
from tests.evidence import (
    MINUTES,
    ORIGIN,
    Story,
    changed,
    envelope,
    log_signers,
    people,
    story,
    vkeys_signature,
)
from tests.signing_kit import NOW, authority, context, stages, stranger, timestamper

pytestmark = pytest.mark.measured

VIEW = f"{MINUTES}/1/statements/0/fields/view"
ROOTS = [authority().ca.certificate]


def shown(told: Story, *positions: int) -> list[Shown]:
    levels = Levels()
    for leaf in told.leaves():
        levels.append(leaf)
    return [
        Shown(at, told.lines[at - 1], tuple(inclusion_proof(at - 1, len(told.events), levels)))
        for at in positions
    ]


def copy(told: Story | None = None, *positions: int, **changes: Any) -> Copy:
    """A copy that shows the dissent, with both approvals and the seal."""
    told = told or story()
    version = told.events[1]
    plain, commitments = split(version["data"], f"{version['stream']}/{version['version']}")
    head = {name: version[name] for name in ("municipality", "stream", "version", "topic")}
    made = Copy(
        plain=[head, plain],
        commitments=commitments,
        disclosed={VIEW: ("0" * 32, "Rapporten räcker inte.")},
        covered={},
        events=shown(told, *(positions or (3, 4, 5))),
        cms={digest: data for digest, data in told.files.items() if not data.startswith(b"%PDF")},
        checkpoint=told.note(len(told.events)).decode(),
        vkeys=write_vkeys([one.vkey for one in log_signers()]).decode(),
        vkeys_signature=vkeys_signature(),
        origin=ORIGIN,
    )
    return replace(made, **changes)


def judged(one: Copy, crls: Sequence[bytes] = ()) -> dict[str, list[str]]:
    """What fails, by step, in a copy that was written and read."""
    report = Report()
    verify_copy(Copy.read(one.write()), ROOTS, report, crls)
    for said in (said for found in report.failures.values() for said in found):
        assert "None" not in say(said.code, said.values), "what is told of it"
    return {step: [said.code for said in found] for step, found in report.failures.items() if found}


def outcomes(one: Copy) -> dict[str, Any]:
    report = Report()
    verify_copy(one, ROOTS, report)
    return {check["step"]: check["ok"] for check in report.checks()}


# --- sound
def test_a_copy_verifies_against_the_root_of_the_original() -> None:
    one = copy()
    assert one.root == version_root(story().events[1])
    assert judged(one) == {}
    report = Report()
    verify_copy(one, ROOTS, report)
    assert {step: (said.code, said.values) for step, said in report.passed.items()} == {
        "disclosures": ("copy-ok", {"shown": 1, "hidden": 0, "root": one.root}),
        "checkpoints": ("checkpoints-ok", {"count": 1, "size": 6}),
        "inclusion": ("inclusion-ok", {"count": 3, "size": 6}),
        "cms": ("cms-ok", {"count": 2}),
    }
    held = outcomes(one)
    assert [held[step] for step in ("disclosures", "checkpoints", "inclusion", "cms")] == [True] * 4
    assert list(held)[-1] == "disclosures" and held["pades"] is None


def test_a_covered_field_is_in_the_root_and_not_in_the_copy() -> None:
    one = copy(disclosed={}, covered={VIEW: "OSL 18 kap. 1 §"})
    assert one.root == copy().root and judged(one) == {}
    report = Report()
    verify_copy(one, ROOTS, report)
    assert report.passed["disclosures"].values == {"shown": 0, "hidden": 1, "root": one.root}
    assert "räcker" not in one.write().decode()


def of_items(*shown: str, covered: Sequence[str] = ()) -> list[Said]:
    """What is told of a copy of two items, the first with a dissent, that shows and covers some of its fields."""
    names = ("0/fields/name", "1/fields/text", "2/fields/view", "3/fields/text")
    paths = [f"{MINUTES}/1/statements/{name}" for name in names]
    texts = {str(item): f"{MINUTES}/1/texts/{item}" for item in (0, 1)}
    whose = ((None, "attendance"), (1, "decision"), (1, "dissent"), (2, "decision"))
    statements = [
        {"item": item, "kind": kind, "fields": {"x": path, "number": "12"}}
        for (item, kind), path in zip(whose, paths, strict=True)
    ]
    one = copy(
        plain=[{}, {"version": 1, "statements": statements, "texts": texts}],
        commitments=dict.fromkeys([*paths, *texts.values()], "0" * 64),
        disclosed={f"{MINUTES}/1/{path}": ("", "") for path in shown},
        covered={f"{MINUTES}/1/{path}": "OSL" for path in covered},
    )
    report = Report()
    verify_copy(one, ROOTS, report)
    return report.remarks["disclosures"]


def test_what_is_left_out_of_an_item_without_a_word_is_told() -> None:
    decision, dissent, text = "statements/1/fields/text", "statements/2/fields/view", "texts/1"
    assert of_items() == of_items("statements/0/fields/name", "texts/0") == []
    assert of_items(decision, dissent, text) == []
    assert of_items(decision, text, covered=[dissent]) == []
    assert of_items(decision, text) == [Said("copy-left-out", {"count": 1, "kinds": "dissent"})]
    assert of_items(text) == [Said("copy-left-out", {"count": 2, "kinds": "decision, dissent"})]
    assert of_items("statements/3/fields/text", decision) == [
        Said("copy-left-out", {"count": 2, "kinds": "dissent, text"})
    ]


@pytest.mark.parametrize(
    "plain", [[], [{}], [{}, []], [{}, {}], [{}, {"statements": [{"fields": 1}], "texts": {}}],
              [{}, {"statements": [], "texts": {"a": VIEW}}], [{}, {"statements": [], "texts": []}],
              [{}, {"statements": [{"fields": {"x": []}}], "texts": {}}]],
)  # fmt: skip
def test_a_content_that_no_version_has_is_of_another_root_and_nothing_else_is_told(plain: list[Any]) -> None:
    report = Report()
    verify_copy(copy(plain=plain), ROOTS, report)
    assert report.failed("inclusion") and not report.remarks["disclosures"]


def test_a_copy_without_signatures_says_so() -> None:
    one = copy(cms={})
    assert judged(one) == {} and outcomes(one)["cms"] is None
    report = Report()
    verify_copy(one, ROOTS, report)
    assert report.skipped == {"cms": ("copy-without-signatures", {})}


def signatures(one: Copy) -> Any:
    report = Report()
    verify_copy(one, ROOTS, report)
    return report.passed["cms"].values["count"]


def test_a_copy_may_bring_some_of_the_signatures() -> None:
    for digest, data in copy().cms.items():
        assert signatures(copy(cms={digest: data})) == 1


def test_only_an_approval_is_signed() -> None:
    told = story()
    told.events[2] = changed(told.events[2], lambda event: event.update(topic="minutes-returned.v1"))
    assert signatures(copy(told, 2, 3, 4)) == 1


def test_a_copy_brings_those_whom_the_municipality_lets_vouch_for_persons() -> None:
    theirs = certificate_pem(stranger().ca.certificate)
    signature = cms.sign(theirs, authority().seal, [authority().ca.certificate], NOW, timestamper())
    assert not judged(copy(signers=theirs.decode(), signers_signature=signature))
    assert judged(copy(signers=theirs.decode())) == {"cms": ["signers-fault"]}
    # Such a person signs, and the municipality's word for the authority carries it.
    person = stranger().issue_signer(
        common_name="Åsa", organisation="Annankommun", office="", person_ref="p-1", auth=context(NOW), now=NOW
    )
    told = story()
    event = told.events[2]["data"]
    statement = approval_statement(event["root"], event["render_output"], event["version"])
    data = cms.sign(statement, person, [stranger().ca.certificate], NOW, timestamper())
    names = {
        "cms": sha256(data).hexdigest(),
        "certificate": sha256(certificate_der(person.certificate)).hexdigest(),
    }
    told.events[2] = changed(told.events[2], lambda event: event["data"].update(names))
    told.files[names["cms"]] = data
    del told.files[event["cms"]]
    assert not judged(copy(told, signers=theirs.decode(), signers_signature=signature))
    assert judged(copy(told)) == {"cms": ["cms-fault"]}


def test_the_event_that_made_the_version_binds_it_where_nobody_has_approved() -> None:
    assert judged(copy(None, 2, cms={})) == {}


def test_an_approval_on_paper_binds_it_too() -> None:
    told = story()
    data = {"version": 1, "root": copy().root}
    told.events.append(envelope(MINUTES, 5, "paper-approval-recorded.v1", 7, **data))
    assert judged(copy(told, 7, cms={})) == {}


# --- what a copy may be spoiled with
def test_a_foreign_disclosure_stops_at_the_disclosures() -> None:
    for disclosed in (
        {VIEW: ("0" * 32, "Rapporten räcker.")},
        {VIEW: ("1" * 32, "Rapporten räcker inte.")},
        {f"{VIEW}-2": ("0" * 32, "Rapporten räcker inte.")},
    ):
        assert judged(copy(disclosed=disclosed)) == {"disclosures": ["copy-foreign"]}


def test_what_is_said_to_be_covered_is_there_and_not_shown() -> None:
    assert judged(copy(covered={VIEW: "OSL"})) == {"disclosures": ["copy-covered"]}
    assert judged(copy(covered={"other": "OSL"})) == {"disclosures": ["copy-covered"]}


def test_another_commitment_or_another_content_is_another_root() -> None:
    for spoiled in (copy(commitments={VIEW: "ab" * 32}, disclosed={}), copy(plain=[*copy().plain, 1])):
        found = judged(spoiled)
        assert "copy-other-root" in found["inclusion"] and "copy-unbound" in found["inclusion"]


def _spoiled(change: Callable[[dict[str, Any]], None]) -> Copy:
    """A sound log in which the chair's approval says something else."""
    told = story()
    told.events[2] = changed(told.events[2], change)
    return copy(told)


@pytest.mark.parametrize(
    ("field", "value", "step", "code"),
    [
        ("root", "ab" * 32, "inclusion", "copy-other-root"),
        ("version", 2, "inclusion", "copy-other-root"),
        ("render_output", "ab" * 32, "cms", "cms-fault"),
        ("certificate", "ab" * 32, "cms", "certificate-differs"),
    ],
)
def test_an_approval_of_something_else_does_not_carry_a_copy(
    field: str, value: Any, step: str, code: str
) -> None:
    found = judged(_spoiled(lambda event: event["data"].update({field: value})))
    assert code in found[step]


def test_every_signature_over_something_else_is_told() -> None:
    told = story()
    for at in (2, 3):
        told.events[at] = changed(
            told.events[at], lambda event: event["data"].update(render_output="ab" * 32)
        )
    assert judged(copy(told)) == {"cms": ["cms-fault"] * 2}


def test_an_approval_that_is_not_in_form_names_no_signature() -> None:
    for change in ({"office": 1}, {"version": "1"}, {"cms": None}):
        found = judged(_spoiled(lambda event, change=change: event["data"].update(change)))  # type: ignore[misc]  # bound for this turn
        assert found["cms"] == ["artefact-other"]
    assert judged(_spoiled(lambda event: event["data"].pop("cms"))) == {"cms": ["artefact-other"]}


def test_a_signature_under_another_s_digest_is_not_taken() -> None:
    first, *rest = copy().cms
    assert judged(copy(cms={first: copy().cms[rest[0]]}))["cms"] == ["artefact-other"]


def test_an_event_about_other_minutes_or_of_another_kind_binds_nothing() -> None:
    told = story()
    assert judged(copy(told, 1, cms={})) == {"inclusion": ["copy-other-root", "copy-unbound"]}
    told.events.append(envelope(MINUTES, 5, "minutes-sent.v1", 7, version=1))
    assert judged(copy(told, 7, cms={})) == {"inclusion": ["copy-other-root", "copy-unbound"]}
    assert judged(copy(told, 5, cms={})) == {"inclusion": ["copy-unbound"]}


def test_an_event_that_is_not_in_the_signed_tree_is_told() -> None:
    (one,) = shown(story(), 3)
    for wrong in (
        replace(one, position=4),
        replace(one, position=0),
        replace(one, path=()),
        replace(one, position=99),
    ):
        assert judged(copy(events=[wrong], cms={}))["inclusion"] == ["not-included", "copy-unbound"]
    assert judged(copy(events=[replace(one, envelope=b"{}")]))["inclusion"] == [
        "not-included",
        "copy-unbound",
    ]


def test_an_event_that_is_no_envelope_binds_nothing() -> None:
    told = story()
    told.events.append({"no": "envelope"})
    assert judged(copy(told, 7, cms={}))["inclusion"] == ["copy-other-root", "copy-unbound"]


def test_a_checkpoint_of_others_or_keys_of_others_are_refused() -> None:
    assert judged(copy(checkpoint="x"))["checkpoints"] == ["note-fault"]
    assert judged(copy(origin="else.where"))["checkpoints"] == ["note-fault"]
    assert judged(copy(vkeys="x"))["checkpoints"] == ["note-fault"]
    assert judged(copy(vkeys_signature=b"x"))["checkpoints"] == ["vkeys-fault"]
    other = sign_checkpoint(Checkpoint(ORIGIN, 6, bytes(32)), log_signers(), NOW).decode()
    assert judged(copy(checkpoint=other))["inclusion"] == ["not-included"] * 3 + ["copy-unbound"]


@pytest.mark.parametrize(
    ("who", "code"), [("chair", {"cms": ["cms-fault"]}), ("seal", {"checkpoints": ["vkeys-fault"]})]
)
def test_nobody_was_revoked_when_what_it_rests_on_was_signed(who: str, code: dict[str, list[str]]) -> None:
    signed = (authority().seal if who == "seal" else people()[who]).certificate
    before, after = (
        authority().crl(NOW, {signed.serial_number: NOW + timedelta(days=days)}) for days in (-1, 9)
    )
    assert judged(copy(), [after]) == {} and judged(copy(), [before]) == code
    theirs = certificate_pem(stranger().ca.certificate)
    signature = cms.sign(theirs, authority().seal, [authority().ca.certificate], NOW, timestamper())
    if who == "seal":
        brought = copy(signers=theirs.decode(), signers_signature=signature)
        assert judged(brought, [before]) == code | {"cms": ["signers-fault"]}


# --- the form
@pytest.mark.parametrize(
    "change",
    [
        {"format": 2}, {"plain": {}}, {"more": 1}, {"disclosed": {VIEW: ["0"]}}, {"disclosed": {VIEW: ["0", 1]}},
        {"commitments": {VIEW: 1}}, {"events": [1]}, {"events": [{"position": True, "envelope": "", "path": []}]},
        {"events": [{"position": 1, "envelope": "", "path": ["AB"]}]}, {"cms": {"a": "?"}}, {"checkpoint": 1},
        {"events": [{"position": 1, "envelope": "", "path": [], "more": 1}]}, {"covered": {VIEW: None}},
    ],
    ids=str,
)  # fmt: skip
def test_only_the_one_form_is_read(change: dict[str, Any]) -> None:
    data = json.loads(copy().write()) | change
    with pytest.raises(CopyError):
        Copy.read(encode(data))


def test_another_spelling_of_the_same_is_refused() -> None:
    with pytest.raises(CopyError):
        Copy.read(copy().write() + b"\n")


def test_a_signature_that_no_approval_names_is_seen() -> None:
    sound = Copy.read(bytes(a_proof()))
    ((first, one), *rest) = sound.cms.items()
    for spoilt in ({"0" * 64: one} | dict(rest), dict(sound.cms) | {"0" * 64: one}):
        report = Report()
        verify_copy(replace(sound, cms=spoilt), ROOTS, report)
        assert report.failures["cms"] == [Said("artefact-other", {"name": "0" * 64})], first


@given(st.integers(0, 40_000), st.integers(1, 255))
def test_no_flipped_byte_of_a_proof_goes_unseen(at: int, flip: int) -> None:
    data = bytearray(a_proof())
    data[at % len(data)] ^= flip
    report = Report()
    try:
        verify_copy(Copy.read(bytes(data)), ROOTS, report)
    except CopyError:
        return
    assert any(report.failures.values())


@cache
def a_proof() -> bytes:
    return copy().write()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_proof_or_a_copy_error(data: bytes) -> None:
    for read in (Copy.read, attached):
        with pytest.raises(CopyError):
            read(data)


# --- in a PDF
def test_the_revocation_lists_are_those_that_the_seal_brought() -> None:
    assert [x509.load_der_x509_crl(one).issuer for one in lists(stages().sealed, ROOTS)] == [
        authority().ca.certificate.subject
    ]
    assert lists(stages().sealed, [stranger().ca.certificate]) == lists(printed(a_proof()), ROOTS) == []
    with pytest.raises(CopyError, match="revocation lists"):
        lists(stages().sealed[:-2000], ROOTS)


def test_a_pdf_without_a_proof_has_none() -> None:
    assert attached(stages().sealed) is None


@cache
def printed(proof: bytes) -> bytes:
    return render(samples.copy(), proof=proof).pdf


def test_the_proof_of_a_copy_is_found_in_its_pdf() -> None:
    assert attached(printed(a_proof())) == a_proof()


def test_another_attachment_is_no_proof() -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(printed(a_proof())))
    names = writer.root["/Names"]["/EmbeddedFiles"]["/Names"]
    other = writer.add_object(generic.DictionaryObject())
    for before, found in (([generic.TextStringObject("other.txt"), other], a_proof()), ([], None)):
        if found is None:
            names[2] = generic.TextStringObject("another.txt")
        names[:0] = before
        writer.update_container(names)
        out = io.BytesIO()
        writer.write(out)
        assert attached(out.getvalue()) == found


def test_a_proof_that_is_not_in_form_fails_the_step_of_the_disclosures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr("signing.alone.attached", lambda _: b"{}")
    report = verify_file(stages().sealed, tmp_path / "copy.pdf", ROOTS, NOW)
    (said,) = report.failures["disclosures"]
    assert said.code == "copy-fault" and "None" not in say(*said)
