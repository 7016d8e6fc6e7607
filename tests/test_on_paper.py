"""Prints signed by hand: attested by the municipality in the sealed file, held to the events, no signatures."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from hashlib import sha256

import pytest

from signing import seal
from signing.commitments import version_root
from signing.pades_check import check_pdf
from signing.pki import Credential
from tests.evidence import MINUTES, Story, approval, check, envelope, failed, minuted
from tests.signing_kit import NOW, SEALED_AT, authority, lock, render, signer, stages, timestamper

CA = authority().ca.certificate
SCAN, OTHER = "5c" * 32, "0" * 64


@cache
def sealed(*scans: str) -> bytes:
    """Sealed where the justerare, and with two scans the chair too, has signed a print by hand."""
    pdf = stages().prepared if len(scans) == 2 else stages().chair
    for field, scan in zip(("Justerare", "Ordforande"), scans, strict=False):
        pdf = filled(pdf, field, authority().seal, seal.on_paper(scan))
    return lock(pdf)


def filled(pdf: bytes, field: str, by: Credential, reason: str | None) -> bytes:
    return seal.sign(pdf, field, by, [CA], ["x"], NOW, timestamper(), reason)


def told(pdf: bytes, *scans: str, chair: bool = True) -> Story:
    """The log of minutes that the chair approved and others signed on paper."""
    version = minuted()
    signed, signature = approval(version_root(version), "chair", 1, sha256(render()).hexdigest())
    opened = envelope("municipality-registry", 1, "registry-opened.v1", 1, clock="simulated")
    events = [opened, version, *([signed] if chair else [])]
    for scan in scans:
        number = len(events)
        events.append(
            envelope(MINUTES, number, "paper-approval-recorded.v1", number + 1, version=1, scan=scan)
        )
    digest, number = sha256(pdf).hexdigest(), len(events)
    events.append(envelope(MINUTES, number, "minutes-sealed.v1", number + 1, version=1, pdf=digest))
    files = {sha256(one).hexdigest(): one for one in (signature, pdf)}
    return Story(events, files, sizes=(2, len(events)))


def test_the_municipality_attests_it_and_says_so() -> None:
    found = check_pdf(sealed(SCAN), [CA], SEALED_AT + timedelta(days=1))
    assert found.ok
    assert {one.field: one.scan for one in found.signers} == {
        "Ordforande": None,
        "Justerare": SCAN,
        "Stampel": None,
    }


@pytest.mark.parametrize(
    ("by", "reason"), [("seal", None), ("seal", "Underskrift på papper"), ("person", "paper")]
)
def test_nothing_else_is_taken_for_it(by: str, reason: str | None) -> None:
    """The municipality signs for nobody, and a person's signature is one whatever reason it gives."""
    credential = authority().seal if by == "seal" else signer("Łukasz Çelik", "Justerare")
    said = seal.on_paper(SCAN) if reason == "paper" else reason
    found = check_pdf(
        lock(filled(stages().chair, "Justerare", credential, said)), [CA], SEALED_AT + timedelta(days=1)
    )
    assert found.ok is (by == "person")
    assert by == "seal" or not any(one.scan for one in found.signers)


def test_the_sealed_file_and_the_events_name_the_same_scans() -> None:
    report = check(told(sealed(SCAN), SCAN).opened())
    assert not failed(report)
    assert report.passed["cms"] == ("cms-paper", {"count": 1, "papers": 1})
    for scans in ((), (OTHER,), (SCAN, SCAN)):
        assert failed(check(told(sealed(SCAN), *scans).opened())) == {"pades": ["paper-differs"]}


def test_minutes_signed_by_hand_alone_have_no_signature_to_check() -> None:
    report = check(told(sealed(SCAN, OTHER), SCAN, OTHER, chair=False).opened())
    assert not failed(report)
    assert report.skipped["cms"].code == "only-paper"


def test_a_range_that_begins_after_the_event_is_not_held_against_the_file() -> None:
    story = told(sealed(SCAN), SCAN)
    last = len(story.events)
    for first, missing in ((last, True), (1, False)):
        report = check(story.exported(first, last, missing=None))
        assert not failed(report), missing
