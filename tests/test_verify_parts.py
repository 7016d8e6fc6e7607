"""The parts of a verification by themselves: what is said of the files that events name, and of tiles and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from cryptography import x509

from signing import cms
from signing.commitments import version_root
from signing.evidence import Destroyed
from signing.levels import Levels
from signing.log import node_hash
from signing.pades_check import SEAL_FIELD, PdfCheck, SignerFound, check_pdf
from signing.pki import certificate_pem
from signing.records import Documents
from signing.renewal import renew
from signing.report import Report
from signing.tiles import TILE_HEIGHT
from signing.verify import (
    _continued,
    _verify_signers,
    _verify_upper_tiles,
    approval_statement,
    verify_documents,
    verify_pdf,
)
from tests.evidence import (
    CHECKED_AT,
    MINUTES,
    Envelope,
    Story,
    changed,
    check,
    envelope,
    failed,
    people,
    stamped,
    story,
)
from tests.signing_kit import NOW, SEALED_AT, authority, bare_pdf, stages, stranger, timestamper

OURS, THEIRS = authority().ca.certificate, stranger().ca.certificate
DESTROYED, ABSENT, SCAN = "d" * 64, "a" * 64, "5c" * 32
Seen = list[tuple[str, int, int]]


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def stream(number: int) -> str:
    return f"minutes-{number:016x}"


def made(number: int) -> Envelope:
    return envelope(stream(number), 1, "minutes-version-made.v1", 1, version=1)


def approved(number: int, office: str, file: str = ABSENT, **more: str) -> Envelope:
    said = {"root": version_root(made(number)), "render_output": "", "certificate": ""} | more
    return envelope(stream(number), 2, "minutes-approved.v1", 2, version=1, office=office, cms=file, **said)


def by_hand(number: int) -> Envelope:
    return envelope(stream(number), 3, "paper-approval-recorded.v1", 3, version=1, scan=SCAN)


def sealed(number: int, file: str, **more: Any) -> Envelope:
    return envelope(stream(number), 4, "minutes-sealed.v1", 4, version=1, pdf=file, **more)


def noted(*events: Envelope) -> Documents:
    found = Documents()
    for position, event in enumerate(events, 1):
        found.note(position, event)
    return found


def judged(
    *events: Envelope,
    files: Mapping[str, bytes] | None = None,
    signers: Sequence[x509.Certificate] = (),
    seen: Seen | None = None,
    **changes: Any,
) -> Report:
    """What is said of documents that these events name, without the log they would stand in."""
    held, report, told = files or {}, Report(), [] if seen is None else seen

    def artefact(name: str) -> bytes | None:
        if name == DESTROYED:
            raise Destroyed
        return held.get(name)

    evidence = Story([], {}, ()).evidence(**{"artefact": artefact, "missing": None} | changes)
    verify_documents(evidence, report, noted(*events), signers, CHECKED_AT, lambda *said: told.append(said))
    return report


def named(report: Report, step: str) -> list[tuple[str, object]]:
    return [(code, values["name"]) for code, values in report.failures[step]]


# --- all of them
def test_each_file_is_looked_at_whatever_was_said_of_those_before() -> None:
    spoilt, files = b"no PDF", {digest(b"no PDF"): b"no PDF", "b" * 64: b"other bytes"}
    events = [
        sealed(1, ABSENT, secret=True),
        sealed(2, DESTROYED),
        sealed(3, ABSENT, secret=True),
        sealed(4, DESTROYED),
        sealed(5, digest(spoilt)),
        sealed(6, ABSENT),
        sealed(7, "b" * 64, secret=True),
        sealed(8, digest(spoilt)),
    ]
    seen: Seen = []
    report = judged(*events, files=files, seen=seen, apart=True)
    assert report.passed == {
        "pades": ("pades-apart", {"count": 4, "destroyed": 2, "apart": 2}),
        "timestamps": ("stamps-ok", {"count": 4}),
    }
    assert report.skipped == {"cms": ("nothing-approved", {})}
    reason = check_pdf(spoilt, [OURS], CHECKED_AT).checks[0].detail
    names = {number: f"{stream(number)} v1 (position {number})" for number in range(1, 9)}
    assert report.failures == {
        "pades": [
            ("pdf-fault", {"name": names[5], "reason": reason}),
            ("artefact-missing", {"name": names[6], "digest": "a" * 16}),
            ("artefact-other", {"name": names[7]}),
            ("pdf-fault", {"name": names[8], "reason": reason}),
        ]
    }
    assert seen == [("documents", done, 8) for done in range(8)]
    whole = judged(*events, files=files)
    assert named(whole, "pades")[:2] == [("artefact-missing", names[1]), ("artefact-missing", names[3])]
    assert whole.passed["pades"] == ("pades-destroyed", {"count": 6, "destroyed": 2})


def test_how_many_were_sealed_is_told_without_those_that_are_destroyed() -> None:
    for files, said in (
        ([DESTROYED], ("pades-destroyed", {"count": 0, "destroyed": 1})),
        ([ABSENT, DESTROYED], ("pades-destroyed", {"count": 1, "destroyed": 1})),
        ([ABSENT, ABSENT], ("pades-ok", {"count": 2})),
        ([], None),
    ):
        report = judged(*(sealed(number, file) for number, file in enumerate(files)))
        assert report.passed.get("pades") == said
        count = files.count(ABSENT)
        assert report.passed.get("timestamps") == (("stamps-ok", {"count": count}) if count else None)
        none: tuple[str, dict[str, int]] = ("nothing-sealed", {})
        assert report.skipped.get("timestamps") == (None if count else none)
        assert report.skipped.get("pades") == (None if said else none)


def test_the_newest_file_is_the_one_that_is_looked_at() -> None:
    again = envelope(stream(1), 5, "minutes-restamped.v1", 5, version=1, pdf=ABSENT)
    report = judged(sealed(1, DESTROYED), again)
    assert report.failures["pades"][0].values["digest"] == "a" * 16
    pdf = bare_pdf()
    other = again | {"data": {"version": 1, "pdf": digest(pdf)}}
    found = judged(sealed(1, DESTROYED), other, files={digest(pdf): pdf}).failures["pades"]
    assert [dict(values) for code, values in found if code == "not-continued"] == [
        {"name": f"{stream(1)} v1 (position 1)", "position": position} for position in (1, 2)
    ]
    assert judged(sealed(1, DESTROYED, secret=True), again, apart=True).passed["pades"].values == {
        "count": 0,
        "destroyed": 0,
        "apart": 1,
    }


def test_what_is_told_of_approvals_by_signature_and_by_hand() -> None:
    two = [made(1), approved(1, "chair"), approved(1, "justerare")]
    seen: Seen = []
    report = judged(*two, seen=seen)
    assert report.passed == {"cms": ("cms-ok", {"count": 2})}
    assert report.failures == {
        "cms": [
            ("artefact-missing", {"name": f"{stream(1)} v1, {office} (position {at})", "digest": "a" * 16})
            for office, at in (("chair", 2), ("justerare", 3))
        ]
    }
    assert seen == [("documents", 1, 2), ("documents", 2, 2)]
    assert judged(*two, by_hand(1)).passed == {"cms": ("cms-paper", {"count": 2, "papers": 1})}
    assert judged(by_hand(1), by_hand(1), by_hand(2)).skipped["cms"] == ("only-paper", {"papers": 3})


def test_a_version_that_lies_before_a_range_is_counted_and_one_that_is_missing_is_a_fault() -> None:
    other = approved(2, "chair", root="0" * 64)
    events = [made(2), approved(1, "chair"), other, approved(1, "justerare"), approved(2, "justerare")]
    names = [f"{stream(1)} v1, chair (position 2)", f"{stream(2)} v1, chair (position 3)"]
    for first, missing in ((1, True), (2, False)):
        report = judged(*events, first=first)
        assert [one for one in named(report, "cms") if one[0] != "artefact-missing"] == [
            *([("version-missing", names[0])] if missing else []),
            ("root-differs", names[1]),
            *(
                [("version-missing", names[0].replace("chair (position 2", "justerare (position 4"))]
                * missing
            ),
        ]
        count = {"count": 4} if missing else {"count": 4, "outside": 2}
        assert report.passed["cms"] == ("cms-ok" if missing else "cms-range", count)


def test_what_is_wrong_with_a_signature_is_said_with_the_name_of_its_approval() -> None:
    events = [made(1), approved(1, "chair", DESTROYED), approved(1, "justerare", digest(b"no signature"))]
    report = judged(*events, files={digest(b"no signature"): b"no signature"})
    assert named(report, "cms") == [
        ("cms-destroyed", f"{stream(1)} v1, chair (position 2)"),
        ("cms-fault", f"{stream(1)} v1, justerare (position 3)"),
    ]
    assert str(report.failures["cms"][1].values["reason"]) not in {"", "None"}
    told = story()
    other = changed(told.events[2], lambda event: event["data"].update(certificate="0" * 64))
    for event, faults in ((told.events[2], []), (other, ["certificate-differs"])):
        found = named(judged(told.events[1], event, artefact=told.files.get), "cms")
        assert found == [(code, f"{MINUTES} v1, chair (position 2)") for code in faults]


def test_an_approval_is_held_to_the_sealed_file_of_its_own_version() -> None:
    pdf = bare_pdf()
    events = [
        approved(1, "chair", render_output=digest(pdf)),
        approved(1, "justerare", render_output=digest(b"another")),
        approved(2, "chair", render_output=digest(b"of what is not sealed")),
        approved(3, "chair", render_output=digest(b"of what cannot be read")),
        sealed(1, digest(pdf)),
        sealed(3, digest(b"no PDF")),
        sealed(4, digest(pdf)),
        by_hand(4),
    ]
    report = judged(*events, files={digest(one): one for one in (pdf, b"no PDF")})
    assert [one for one in named(report, "pades") if one[0] != "pdf-fault"] == [
        ("signers-differ", f"{stream(1)} v1 (position 5)"),
        ("signers-differ", f"{stream(3)} v1 (position 6)"),
        ("paper-differs", f"{stream(4)} v1 (position 7)"),
        ("render-differs", f"{stream(1)} v1, justerare (position 2)"),
        ("render-differs", f"{stream(3)} v1, chair (position 4)"),
    ]


def test_why_there_are_no_files_is_said_where_there_would_be_some() -> None:
    why = ("no-key", {"reason": "it is not here"})
    for events in ([sealed(1, ABSENT)], [approved(1, "chair")]):
        report = judged(*events, missing=why)
        assert report.skipped == dict.fromkeys(("pades", "timestamps", "cms"), why)
        assert not report.failures
        assert not report.passed
        assert not report.trusted
    assert judged(missing=why).skipped["pades"].code == "nothing-sealed"


def test_one_chain_that_was_followed_to_given_roots_is_enough_to_be_trusted() -> None:
    assert judged(sealed(1, ABSENT)).trusted is True
    assert judged(sealed(1, ABSENT), trusted=False).trusted is False
    assert judged().trusted is False


# --- each of them
def whole(**changes: Any) -> Report:
    """What is said of the sealed minutes of the story and their approvals."""
    told = story()
    return judged(*told.events, **{"artefact": told.files.get} | changes)


def test_what_others_have_seen_of_the_log_proves_the_age_of_what_is_behind_it_alone() -> None:
    told, since = story(), SEALED_AT + timedelta(minutes=1)
    crl = authority().crl(since, {authority().timestamp.certificate.serial_number: since})
    for size, faults in ((5, []), (4, ["timestamps"])):
        note = told.note(size)
        stamps = [("n", note, stamped(note, stranger))]
        report = whole(crls=[crl], stamps=stamps, roots=[OURS, THEIRS])
        assert list(failed(report)) == faults


def test_a_listed_certificate_is_one_whatever_the_lists_before_it_say() -> None:
    none = authority().crl(NOW)
    crl = authority().crl(NOW, {people()["chair"].certificate.serial_number: NOW - timedelta(days=1)})
    assert failed(whole(crls=[none, crl])).keys() == {"pades", "cms"}


def test_those_whom_the_municipality_accepts_vouch_for_who_signed_and_for_nothing_else() -> None:
    told = story()
    data = told.events[2]["data"]
    said = approval_statement(data["root"], data["render_output"], data["version"])
    signature = cms.sign(said, people()["chair"], [OURS], NOW)
    event = changed(told.events[2], lambda event: event["data"].update(cms=digest(signature)))
    files = told.files | {digest(signature): signature}
    given: dict[str, Any] = {"files": files, "roots": [THEIRS], "artefact": files.get}
    report = judged(told.events[1], event, told.events[4], signers=[OURS], **given)
    assert not failed(report).get("cms")
    pdf = stages().sealed
    reasons = [values["reason"] for code, values in report.failures["pades"] if code == "pdf-fault"]
    found = check_pdf(pdf, [THEIRS], CHECKED_AT, signers=[OURS]).checks
    assert reasons == [one.detail for one in found if one.step == "pades" and not one.ok]
    assert report.failures["pades"][-1].code == "signers-differ", (
        "the justerare's approval is not among these"
    )
    assert failed(judged(told.events[1], event, **given)) == {"cms": ["cms-fault"]}


def test_a_list_is_an_authoritys_own_word_or_a_fault_and_then_lists_nothing() -> None:
    pem, told, serial = certificate_pem(THEIRS), story(), authority().seal.certificate.serial_number
    signature = cms.sign(pem, authority().seal, [OURS], NOW, timestamper())
    foreign, spoilt = stranger().crl(NOW), bytearray(authority().crl(NOW, {serial: NOW}))
    spoilt[-1] ^= 1
    assert failed(check(told.evidence(crls=[foreign, bytes(spoilt)]))) == {
        "pades": ["crl-foreign", "crl-fault"]
    }
    accepted = {"signers": pem, "signers_signature": signature}
    assert not failed(check(told.evidence(crls=[foreign], **accepted)))


def test_whether_the_roots_were_given_is_said_of_a_single_file() -> None:
    for trusted in (True, False):
        found = verify_pdf(bare_pdf(), "it", [OURS], trusted, Report(), CHECKED_AT)
        assert found.trusted is trusted


def found(field: str, certificate: str, scan: str | None = None) -> SignerFound:
    return SignerFound(field, "", "", "", "", "", None, None, None, certificate.encode(), scan)


def test_a_sealed_file_has_just_the_signers_and_the_prints_that_the_events_name() -> None:
    signers = [found("a", "åsa"), found("b", "åsa"), found("c", "łukasz"), found(SEAL_FIELD, "seal")]
    prints = [found("d", "seal", SCAN), found("e", "seal", "0" * 64)]
    file = PdfCheck((), (*prints, *signers), True, None, ())
    who, scans = [digest(name.encode()) for name in ("åsa", "łukasz", "åsa")], ["0" * 64, SCAN]
    for said, papers, codes, in_a_range in (
        (who, scans, [], []),
        (who[1:], scans, ["signers-differ"], []),
        ([*who, who[1]], scans, ["signers-differ"], ["signers-differ"]),
        (who, scans[1:], ["paper-differs"], []),
        (who, scans * 2, ["paper-differs"], ["paper-differs"]),
        ([], [], ["paper-differs", "signers-differ"], []),
    ):
        for whole, faults in ((True, codes), (False, in_a_range)):
            report = Report()
            _verify_signers(file, said, papers, "it", report, whole)
            assert report.failures.get("pades", []) == [(code, {"name": "it"}) for code in faults]


# --- stamped again
def test_a_file_that_was_stamped_again_begins_with_each_that_it_was() -> None:
    first, report = stages().sealed, Report()
    at = SEALED_AT + timedelta(days=1)
    chain = [authority().timestamp.certificate, OURS]
    pdf = renew(first, timestamper(lambda: at), chain, [authority().crl(at)])
    became = [(5, digest(first)), (7, digest(b"something else")), (9, digest(pdf))]
    times = [(4, NOW), (5, SEALED_AT), (9, at)]
    assert _continued(pdf, became, times, report, "it") == [
        (len(first), SEALED_AT),
        (len(first), at),
        (0, at),
        (len(pdf), at),
    ]
    assert report.failures == {"pades": [("not-continued", {"name": "it", "position": 7})]}
    report = Report()
    assert _continued(pdf, [(5, ABSENT)], (), report, "it") == []
    assert _continued(b"no PDF", became, times, report, "it") == []
    assert not report.failures, "that is for the check of the file itself"
    _continued(pdf, became[:2], (), report, "it")
    assert report.failures["pades"][0].values["position"] == 7


def test_what_the_files_are_called() -> None:
    told = story()
    again = envelope(MINUTES, 5, "minutes-restamped.v1", 7, version=1, pdf="e" * 64)
    chair, justerare, _ = told.files
    assert check(Story([*told.events, again], told.files).evidence()).named == {
        chair: f"{MINUTES}-v1-chair.p7s",
        justerare: f"{MINUTES}-v1-justerare.p7s",
        digest(stages().sealed): f"{MINUTES}-v1.pdf",
        "e" * 64: f"{MINUTES}-v1-7.pdf",
    }


# --- events
def test_what_is_told_of_the_events_of_a_log_and_of_a_range() -> None:
    told, steps = story(), ("envelope", "columns", "leaves", "tree", "inclusion")
    root = told.root(6).hex()
    whole, part = check(told.evidence()), check(told.exported(first=3, last=5))
    assert {step: whole.passed[step] for step in steps} == {
        "envelope": ("envelope-ok", {"count": 6}),
        "columns": ("columns-ok", {"count": 6}),
        "leaves": ("leaves-ok", {"count": 6}),
        "tree": ("tree-ok", {"count": 6, "root": root}),
        "inclusion": ("inclusion-ok", {"count": 3, "size": 6}),
    }
    assert (whole.events, whole.clock, whole.trusted) == (6, "simulated", False)
    assert {step: part.passed.get(step) for step in steps} == {
        "envelope": ("envelope-ok", {"count": 3}),
        "columns": None,
        "leaves": ("leaves-made", {"count": 3}),
        "tree": ("range-ok", {"first": 3, "last": 5, "count": 6, "root": root}),
        "inclusion": ("inclusion-ok", {"count": 3, "size": 6}),
    }
    assert part.skipped["columns"] == ("no-columns", {})
    assert (part.events, part.clock) == (3, None)


def test_the_second_tile_of_a_level_is_the_one_that_follows_from_its_own_leaves() -> None:
    size, levels, hashes = 257 << TILE_HEIGHT, Levels(), [b"\0" * 32]
    levels.append(hashes[0] * size)
    for _ in range(2 * TILE_HEIGHT):
        hashes.append(node_hash(hashes[-1], hashes[-1]))  # all leaves are the same
    report = Report()
    evidence = story().exported(size=size, tile=lambda tile: hashes[tile.level * TILE_HEIGHT] * tile.width)
    _verify_upper_tiles(evidence, report, levels)
    assert not report.failures


def test_a_tile_that_is_missing_is_the_only_fault_of_what_cannot_be_held_to_it() -> None:
    many = Story([envelope("a-b", number, "x.v1", 1) for number in range(1, 601)], {}, ())
    honest = many.exported().tile
    assert honest is not None
    for last in (600, 300):
        evidence = many.exported(last=last, tile=lambda tile: None if tile.index else honest(tile))
        assert failed(check(evidence))["tree"] == ["tile-missing"]
    short = check(many.exported(last=300, records=many.exported(last=250).records))
    assert short.failures["tree"] == [("range-short", {"last": 250, "expected": 300})]


def test_a_stamp_over_no_checkpoint_is_seen() -> None:
    assert failed(check(story().evidence(stamps=[("c.tst", b"", b"")]))) == {"timestamps": ["stamp-alone"]}
