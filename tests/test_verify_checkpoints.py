"""Verification of a log: what was signed over its tree, by which keys, and that the tree only grew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from signing import cms
from signing.checkpoint import Checkpoint, sign_checkpoint
from signing.found_out import moment
from signing.levels import Levels
from signing.log import Tree
from signing.note import Algorithm
from signing.pki import certificate_pem
from signing.records import Documents
from signing.report import Report
from signing.signed_tree import known_outside
from signing.signer import Signer
from signing.timestamp import LocalTimeStamper, TimestampAuthority, stamp
from signing.verify import verify_growth, verify_inclusions
from signing.vkeys import LogKeys, write_vkeys
from signing.witness import cosigned
from tests.evidence import (
    ORIGIN,
    Story,
    check,
    envelope,
    failed,
    log_signers,
    next_signers,
    people,
    said,
    stamped,
    story,
    vkeys_signature,
)
from tests.signing_kit import (
    NOW,
    SEALED_AT,
    authority,
    stranger,
    timestamper,
)


# --- 5 and 6 checkpoints
def other_note(size: int) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, b"\1" * 32), log_signers(), NOW)


@pytest.mark.parametrize("step", ["checkpoints", "outside-checkpoint"])
@pytest.mark.parametrize(
    ("note", "code"),
    [
        (lambda told: told.note(6).replace(b"6\n", b"7\n", 1), "note-fault"),
        (lambda _: b"", "note-fault"),
        (lambda _: other_note(5), "events-differ"),
        (lambda _: other_note(7), "events-gone"),
        (lambda _: sign_checkpoint(Checkpoint("x/y", 2, b"\1" * 32), log_signers(), NOW), "note-fault"),
        (
            lambda _: sign_checkpoint(Checkpoint(ORIGIN, 2, b"\1" * 32), log_signers()[:1], NOW),
            "note-fault",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_fails_its_step_alone(step: str, note: Any, code: str) -> None:
    told = story()
    notes = [("it", note(told))]
    held = told.evidence().checkpoints
    evidence = (
        told.evidence(checkpoints=[*held, *notes]) if step == "checkpoints" else told.evidence(outside=notes)
    )
    assert failed(check(evidence)) == {step: [code]}


def test_sealed_minutes_without_any_checkpoint_have_lost_theirs() -> None:
    assert failed(check(story().evidence(checkpoints=[]))) == {"checkpoints": ["checkpoints-gone"]}


def test_events_that_no_checkpoint_is_signed_over_are_not_trusted_for_the_approvals_among_them() -> None:
    told = Story(story().events[:4], story().files, (2,))
    assert check(told.opened()).result()["trusted"]
    unsigned = check(told.opened(checkpoints=[]))
    assert unsigned.result()["ok"], "a log may be that young"
    assert not unsigned.trusted
    exported = check(told.exported(missing=None, checkpoints=[]))
    assert failed(exported) == {"checkpoints": ["checkpoints-gone"]}, "and no export"


def test_an_export_with_an_old_checkpoint_alone_fails_checkpoints_alone() -> None:
    told = story()
    evidence = told.exported(checkpoints=[("c", told.note(5))])
    assert failed(check(evidence)) == {"checkpoints": ["checkpoint-stale"]}
    spoilt = told.exported(checkpoints=[("c", told.note(5)), ("d", b"")])
    assert failed(check(spoilt)) == {"checkpoints": ["note-fault"]}, "and not also that what is left is old"
    assert not failed(check(told.evidence(checkpoints=[("c", told.note(5))]))), (
        "a folder may have gone on since"
    )


def test_keys_that_the_municipality_has_not_signed_fail_checkpoints_alone() -> None:
    told, data = story(), write_vkeys([signer.vkey for signer in log_signers()])
    ca = [authority().ca.certificate]
    for signature in (
        b"",
        cms.sign(data[:-1], authority().seal, ca, NOW, timestamper()),
        cms.sign(data, people()["chair"], ca, NOW, timestamper()),
        cms.sign(data, stranger().seal, [stranger().ca.certificate], NOW, timestamper()),
    ):
        assert failed(check(told.evidence(vkeys_signature=signature))) == {"checkpoints": ["vkeys-fault"]}


def test_keys_that_a_seal_signed_after_it_was_found_out_fail_checkpoints_alone() -> None:
    told, serial = story(), authority().seal.certificate.serial_number
    for since, faults in ((NOW + timedelta(days=1), {}), (NOW, {"checkpoints": ["vkeys-fault"]})):
        assert failed(check(told.evidence(crls=[authority().crl(NOW, {serial: since})]))) == faults


def test_whose_word_the_time_stamp_of_a_checkpoint_is() -> None:
    told = story()
    note = told.note(6)

    def stamps(*tokens: bytes, **more: Any) -> Report:
        return check(told.evidence(stamps=[("c.tst", note, token) for token in tokens], **more))

    theirs = stranger().ca.certificate
    own, other = stamped(note), stamped(note, stranger)
    said = stamps(own).passed["timestamps"]
    assert (said.values["own"], said.values["known"], said.values["count"]) == (1, 0, 1)
    for roots, known in ((told.evidence().roots, 0), ([*told.evidence().roots, theirs], 1)):
        report = stamps(own, other, roots=roots, stamp_roots=[theirs])
        assert report.passed["timestamps"].values == {"papers": 0, "count": 2, "own": 1, "known": known}
    style = LocalTimeStamper(
        TimestampAuthority(stranger().timestamp, lambda: NOW, policy="1.3.6.1.4.1.99999.1")
    )
    foreign = stamp(style, sha256(told.note(6).partition(b"\n\n")[0] + b"\n").digest())
    report = stamps(own, foreign, stamp_roots=[theirs])
    assert report.unprotected == [("c.tst", 0, len(foreign))], (
        "what it leaves unsigned in its token is not told apart"
    )
    assert stamps(own, vkeys_signature=b"").passed["timestamps"].values["own"] == 0, (
        "whose it is cannot be told"
    )
    assert failed(stamps(other)) == {"timestamps": ["stamp-fault"]}
    assert failed(stamps(stamped(told.note(5)))) == {"timestamps": ["stamp-fault"]}
    alone = check(told.evidence(stamps=[("c.tst", b"", own)]))
    assert failed(alone) == {"timestamps": ["stamp-alone"]}
    assert "the checkpoint that the time stamp is over is not here" in alone.result()["checks"][9]["detail"]
    assert failed(stamps(b"no token")) == {"timestamps": ["stamp-fault"]}
    many = [("alone", b"", own), ("spoilt", note, b"no token"), ("ours", note, own)]
    many += [("theirs", note, other), ("again", note, other)]
    report = check(told.evidence(stamps=many, roots=[*told.evidence().roots, theirs], stamp_roots=[theirs]))
    assert [(code, values["name"]) for code, values in report.failures["timestamps"]] == [
        ("stamp-alone", "alone"),
        ("stamp-fault", "spoilt"),
    ]
    assert report.passed["timestamps"].values == {"papers": 0, "count": 5, "own": 1, "known": 2}
    papers = check(told.opened(stamps=[("c.tst", note, own)])).passed["timestamps"].values
    assert (papers["papers"], papers["count"]) == (1, 1)


def test_who_has_witnessed_a_checkpoint_is_said() -> None:
    told = story()
    known = Signer.generate("neighbour/witness", Algorithm.ED25519_COSIGNATURE)
    notes = [("c.cosigned", cosigned(told.note(5), [known], NOW))]
    for given, count in (([known.vkey], 1), ([], 0)):
        report = check(told.evidence(cosigned=notes, witnesses=[known.vkey], given_witnesses=given))
        assert not failed(report)
        counts = {"count": 3, "size": 6, "witnessed": 1, "given": count}
        assert said(report)["checkpoints"] == ("checkpoints-witnessed", counts)
    assert (
        failed(check(told.evidence(checkpoints=[("a", b""), ("b", b"")])))["checkpoints"]
        == ["note-fault"] * 2
    )
    alone = check(told.evidence(cosigned=notes, witnesses=[known.vkey], checkpoints=[]))
    assert failed(alone) == {"checkpoints": ["checkpoints-gone"]}
    assert failed(check(told.evidence(cosigned=notes))) == {"checkpoints": ["note-fault"]}
    longer = sign_checkpoint(Checkpoint(ORIGIN, 7, b"\1" * 32), [*log_signers(), known], NOW)
    found = check(told.evidence(cosigned=[("c", longer)], witnesses=[known.vkey]))
    assert failed(found) == {"checkpoints": ["events-differ"]}


def test_each_witnessed_checkpoint_is_judged_and_counted() -> None:
    told = story()
    first, other, small, empty = (
        Signer.generate(f"{name}/witness", Algorithm.ED25519_COSIGNATURE) for name in ("a", "b", "c", "d")
    )
    notes = [
        ("spoilt", b""),
        ("bare", told.note(5)),
        ("stranger's too", cosigned(told.note(5), [first, other], NOW)),
        ("of another log", sign_checkpoint(Checkpoint("x/y", 5, told.root(5)), [*log_signers(), first], NOW)),
        ("elsewhere", sign_checkpoint(Checkpoint(ORIGIN, 5, b"\1" * 32), [*log_signers(), first], NOW)),
        ("newest", cosigned(told.note(6), [first], NOW + timedelta(days=1))),
        ("older", cosigned(told.note(2), [first], NOW + timedelta(days=2))),
        ("one event", cosigned(told.note(1), [small], NOW)),
        ("none yet", cosigned(told.note(0), [empty], NOW)),
    ]
    known = [first.vkey, small.vkey, empty.vkey]
    report = check(told.evidence(cosigned=notes, witnesses=known, given_witnesses=[first.vkey]))
    assert [(code, values["name"]) for code, values in report.failures["checkpoints"]] == [
        ("note-fault", "spoilt"),
        ("note-fault", "bare"),
        ("note-fault", "stranger's too"),
        ("note-fault", "of another log"),
        ("events-differ", "elsewhere"),
    ]
    counts = {"count": 3, "size": 6, "witnessed": 5, "given": 3}
    assert said(report)["checkpoints"] == ("checkpoints-witnessed", counts)
    assert [dict(one.values) for one in report.remarks["checkpoints"]] == [
        {"witness": "a/witness", "size": 6, "since": "2024-03-02T09:00:00Z"},
        {"witness": "c/witness", "size": 1, "since": "2024-03-01T09:00:00Z"},
        {"witness": "d/witness", "size": 0, "since": "2024-03-01T09:00:00Z"},
    ]


def replaced(told: Story, since: datetime | None = None, start: int = 5, **more: Any) -> Report:
    """A log whose keys were replaced at 5 of 6 events, because somebody else may have had them since then."""
    keys = told.replaced(start)
    if since:
        keys = keys.found_out(keys.eras[0].fingerprint, since)
    given = {"keys": keys, "vkeys_signature": vkeys_signature(keys.write()), "checkpoints": told.notes(start)}
    return check(told.evidence(**given | more))


def remarks(report: Report) -> dict[str, dict[str, Any]]:
    return {said.code: dict(said.values) for said in report.remarks["checkpoints"]}


def test_a_log_whose_keys_were_replaced_holds_and_says_so() -> None:
    report = replaced(story())
    assert not failed(report)
    assert remarks(report) == {"keys-replaced": {"sizes": "5"}}
    detail = report.result()["checks"][4]["detail"]
    assert "3 checkpoints hold" in detail and "replaced at 5 events" in detail


def test_every_checkpoint_is_judged_by_the_keys_of_its_size() -> None:
    told = story()
    for size, signers in ((6, log_signers()), (6, (*next_signers(), *log_signers())), (2, next_signers())):
        note = [("it", told.note(size, signers))]
        assert failed(replaced(told, checkpoints=[*told.notes(5), *note])) == {"checkpoints": ["note-fault"]}
        assert failed(replaced(told, outside=note)) == {"outside-checkpoint": ["note-fault"]}
    for signers in (log_signers(), next_signers()):
        assert not failed(replaced(told, outside=[("it", told.note(5, signers))]))


def test_keys_that_took_over_elsewhere_or_by_one_word_alone_fail_checkpoints_alone() -> None:
    told, other = story(), replace(story(), events=story().events[1:])
    keys = told.replaced(5)
    one = replace(keys.eras[1], succession=keys.eras[1].succession[:2])
    spoilt = LogKeys((keys.eras[0], one))
    found = replaced(told, keys=spoilt, vkeys_signature=vkeys_signature(spoilt.write()))
    assert failed(found) == {"checkpoints": ["vkeys-fault"]}
    for elsewhere, code in ((other.replaced(5), "events-differ"), (told.replaced(7), "events-differ")):
        notes = [("c", told.note(2))]
        signature = vkeys_signature(elsewhere.write())
        found = replaced(told, keys=elsewhere, vkeys_signature=signature, checkpoints=notes)
        assert failed(found) == {"checkpoints": [code]}


def test_what_found_out_keys_signed_stands_as_far_as_it_is_older_and_on_the_next_keys() -> None:
    told, witness = story(), Signer.generate("neighbour/witness", Algorithm.ED25519_COSIGNATURE)
    since = SEALED_AT + timedelta(hours=1)
    note = told.note(2)
    cases: list[tuple[int, dict[str, Any]]] = [
        (0, {}),
        (2, {"stamps": [("c.tst", note, stamped(note))]}),
        (2, {"cosigned": [("c.cosigned", cosigned(note, [witness], NOW))], "witnesses": [witness.vkey]}),
        (0, {"cosigned": [("c", cosigned(note, [witness], since))], "witnesses": [witness.vkey]}),
        (5, {"stamps": [("c.tst", told.note(6, next_signers()), stamped(told.note(6)))]}),
    ]
    for before, more in cases:
        report = replaced(told, since, **more)
        assert not failed(report)
        said = remarks(report)["keys-found-out"]
        assert said == {"size": 5, "since": "2024-03-04T10:00:00Z", "before": before}
    late = replaced(told, SEALED_AT, stamps=[("c.tst", note, stamped(note))])
    assert remarks(late)["keys-found-out"]["before"] == 0
    for stamps, code in (
        ([("c.tst", b"", b"")], "stamp-alone"),
        ([("c.tst", note, b"no token")], "stamp-fault"),
    ):
        report = replaced(told, since, stamps=stamps)
        assert failed(report) == {"timestamps": [code]}
        assert remarks(report)["keys-found-out"]["before"] == 0
    other = sign_checkpoint(Checkpoint(ORIGIN, 2, b"\1" * 32), log_signers(), NOW)
    assert remarks(replaced(told, since, cosigned=[("c", b"")]))["keys-found-out"]["before"] == 0
    forged = replaced(told, since, stamps=[("c.tst", other, stamped(other))])
    assert remarks(forged)["keys-found-out"]["before"] == 0, "of another tree"
    other = sign_checkpoint(Checkpoint("x/y", 2, told.root(2)), [*log_signers(), witness], NOW)
    forged = replaced(told, since, cosigned=[("c", other)], witnesses=[witness.vkey])
    assert remarks(forged)["keys-found-out"]["before"] == 0, "of another log"


def test_a_time_stamp_by_a_key_that_was_found_out_too_proves_nothing_of_the_log() -> None:
    told, since = story(), SEALED_AT + timedelta(hours=1)
    crl = authority().crl(NOW, {authority().timestamp.certificate.serial_number: since})
    stamps = [("c.tst", told.note(2), stamped(told.note(2)))]
    report = replaced(told, since, stamps=stamps, crls=[crl])
    assert remarks(report)["keys-found-out"]["before"] == 0


def test_found_out_keys_that_no_others_follow_leave_only_what_is_older() -> None:
    told = story()
    keys = LogKeys.of([one.vkey for one in log_signers()])
    keys = keys.found_out(keys.eras[0].fingerprint, SEALED_AT + timedelta(hours=1))
    given = {"keys": keys, "vkeys_signature": vkeys_signature(keys.write())}
    held = [("c.tst", told.note(5), stamped(told.note(5)))]
    report = check(told.evidence(stamps=held, **given))
    assert failed(report) == {"checkpoints": ["checkpoint-fallen"]}
    assert dict(report.failures["checkpoints"][0].values) == {
        "name": "checkpoint 6",
        "size": 6,
        "since": "2024-03-04T10:00:00Z",
    }
    twice = told.replaced(2)
    later = (Signer.generate(ORIGIN, Algorithm.ED25519), Signer.generate(ORIGIN, Algorithm.ML_DSA_44))
    twice = twice.succeeded(5, told.root(5), next_signers(), later, NOW)
    for number in (0, 2):
        twice = twice.found_out(twice.eras[number].fingerprint, NOW)
    by = (log_signers(), next_signers(), later)
    notes = [(f"c {size}", told.note(size, signers)) for size, signers in zip(told.sizes, by, strict=True)]
    report = replaced(told, keys=twice, vkeys_signature=vkeys_signature(twice.write()), checkpoints=notes)
    assert [dict(said.values)["name"] for said in report.failures["checkpoints"]] == ["c 6"]
    assert remarks(report)["keys-replaced"] == {"sizes": "2, 5"}
    assert remarks(report)["keys-found-out"]["size"] == 2
    spoilt = told.evidence(checkpoints=[("c", b"x")], **given)
    assert failed(check(spoilt)) == {"checkpoints": ["note-fault"]}
    other = [("it", other_note(5))]
    assert failed(replaced(told, NOW, start=6, outside=other)) == {
        "outside-checkpoint": ["events-differ-found-out"]
    }


def test_a_log_that_says_more_of_its_keys_than_log_vkeys_is_shown_with_old_ones() -> None:
    told = story()
    keys = told.replaced(6)
    first = keys.eras[0].fingerprint
    for key, old, faults in (("log", first, 1), ("log", keys.eras[1].fingerprint, 1)):
        event = envelope("municipality-registry", 2, "key-compromised.v1", 6, key=key, old=old)
        said = replace(told, events=[*told.events[:5], event])
        report = replaced(said, start=6)
        assert failed(report) == ({"checkpoints": ["compromise-untold"]} if faults else {})
        assert [said.values["position"] for said in report.failures["checkpoints"]] == [6] * faults
        assert bool(failed(replaced(said, NOW, start=6))) == (key == "log" and old != first)


def test_a_log_that_tells_of_more_found_out_certificates_than_its_list_is_shown_with_an_old_one() -> None:
    told, ca = story(), authority()
    serials, later = (ca.seal.certificate.serial_number, 4711), NOW + timedelta(days=1)
    none, one, both = (ca.crl(NOW, dict.fromkeys(serials[:count], later)) for count in range(3))
    other = stranger().crl(NOW, dict.fromkeys(serials, later))
    theirs = certificate_pem(stranger().ca.certificate)  # whose list counts too, but not for our certificates
    given = {"signers": theirs, "signers_signature": vkeys_signature(theirs)}
    for olds, lists, listed in (
        ("a", (), 0),
        ("a", (none,), 0),
        ("a", (one,), None),
        ("aa", (one, none), None),  # found out twice, the second time for an earlier day
        ("ab", (none, one), 1),
        ("ab", (both, one), None),
        ("ab", (one, other), 1),
    ):
        said = [
            envelope("municipality-registry", 2 + at, "key-compromised.v1", 6 + at, key="seal", old=old)
            for at, old in enumerate(olds)
        ]
        longer = replace(told, events=[*told.events[:5], *said], sizes=(2, 4, 5))
        found = check(longer.evidence(crls=lists, **given)).failures["pades"]
        values = [dict(one.values) for one in found if one.code == "compromise-unlisted"]
        assert values == ([] if listed is None else [{"count": len({*olds}), "listed": listed}])


def test_since_when_witnesses_have_seen_the_log_is_said() -> None:
    told = story()
    ours, theirs = (
        Signer.generate(f"{name}/witness", Algorithm.ED25519_COSIGNATURE) for name in ("annanby", "tredjeby")
    )
    both = cosigned(told.note(5), [ours, theirs], NOW + timedelta(days=2))
    notes = [
        ("a", cosigned(told.note(2), [theirs], NOW)),
        ("b", both),
        ("c", cosigned(told.note(6), [ours], NOW)),
    ]
    again = [("d", cosigned(told.note(5), [theirs], NOW + timedelta(days=1)))]
    report = check(told.evidence(cosigned=[*notes, *again], witnesses=[ours.vkey, theirs.vkey]))
    assert [dict(said.values) for said in report.remarks["checkpoints"]] == [
        {"witness": "annanby/witness", "size": 6, "since": "2024-03-01T09:00:00Z"},
        {"witness": "tredjeby/witness", "size": 5, "since": "2024-03-02T09:00:00Z"},
    ]
    never = (1 << 63) - 1
    assert moment(never).year == 9999


def test_what_others_say_of_how_long_the_log_was_by_when() -> None:
    told, theirs = story(), stranger().ca.certificate
    witness = Signer.generate("neighbour/witness", Algorithm.ED25519_COSIGNATURE)
    stamps = [("none", b"no note", stamped(told.note(2))), ("ours", told.note(6), stamped(told.note(6)))]
    stamps += [("theirs", told.note(5), stamped(told.note(5), stranger))]
    notes = [("spoilt", b""), ("c", cosigned(told.note(2), [witness], NOW + timedelta(days=2)))]
    notes += [("later", cosigned(told.note(6), [witness], NOW + timedelta(days=3)))]
    notes += [("x", sign_checkpoint(Checkpoint("x/y", 5, told.root(5)), [*log_signers(), witness], NOW))]
    seen, proven = [(2, NOW + timedelta(days=2)), (6, NOW + timedelta(days=3))], [(5, SEALED_AT)]
    for roots, given, found in (
        ([theirs, *told.evidence().roots], [witness.vkey], seen + proven),
        (told.evidence().roots, [witness.vkey], seen),
        ([theirs, *told.evidence().roots], [], proven),
    ):
        more = {"witnesses": [witness.vkey], "given_witnesses": given, "stamp_roots": [theirs]}
        evidence = told.evidence(roots=roots, cosigned=notes, stamps=stamps, **more)
        assert known_outside(evidence) == found


# --- 7 and 8: the same tree gives root and proofs, so that only a wrong checkpoint can fail them
def levels(told: Story) -> Levels:
    found = Levels()
    for leaf in told.leaves():
        found.append(leaf)
    return found


def test_an_event_that_is_not_in_the_signed_tree_fails_inclusion() -> None:
    told, report = story(), Report()
    documents = Documents()
    for position, event in enumerate(told.events, 1):
        documents.note(position, event)
    verify_inclusions([Checkpoint(ORIGIN, 6, b"\1" * 32)], report, levels(told), documents)
    assert failed(report) == {"inclusion": ["not-included"] * 3}
    assert [values["position"] for _, values in report.failures["inclusion"]] == [3, 4, 5]


def test_what_comes_after_the_newest_checkpoint_awaits_the_next() -> None:
    told = replace(story(), sizes=(3,))
    assert (
        "1 approvals and seals are in the tree of 3 events; 2 await"
        in (check(told.evidence()).result()["checks"][6]["detail"])
    )


def test_a_checkpoint_that_does_not_continue_the_one_before_it_fails_consistency() -> None:
    told, report, tree = story(), Report(), Tree()
    tree.extend(told.leaves()[:2])
    old, new = Checkpoint(ORIGIN, 2, tree.root()), Checkpoint(ORIGIN, 6, b"\1" * 32)
    verify_growth([old, new], report, levels(told))
    assert failed(report) == {"consistency": ["not-consistent"]}
    assert dict(report.failures["consistency"][0].values) == {"old": 2, "new": 6}
    verify_growth([old, old, Checkpoint(ORIGIN, 6, told.root(6))], report, levels(told))
    assert report.passed["consistency"].values == {"count": 1}
