"""A sealed file through the decades: stamped again before the last stamp ends, and judged by what is proven when.

The validator reads the clock of the machine where it asks "when is now"; here it is given the time of the test, since
a stamp from the future proves nothing today.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

import pytest
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation.ades import simulate_future_ades_lta_validation
from pyhanko_certvalidator.ltv import ades_past

from signing import pades_check, renewal
from signing.layers import ends, fault, layers
from signing.note import Algorithm
from signing.pades_check import PdfCheck, check_pdf
from signing.pki import Authority
from signing.signed_data import CmsError, is_list_of
from signing.signer import Signer
from signing.timestamp import run
from signing.verify import Report
from signing.witness import cosigned
from tests.evidence import MINUTES, Envelope, Story, check, envelope, failed, stamped, story
from tests.signing_kit import SEALED_AT, authority, lock, render, signer, stages, stranger, timestamper

CA = authority().ca.certificate
RENEWED = datetime(2063, 1, 1, tzinfo=UTC)


@cache
def later() -> Authority:
    """The same authority with a new certificate for its time stamps, in the last year of the old one."""
    return authority().anew("timestamp", RENEWED)


@cache
def renewed(at: datetime = RENEWED, by: Callable[[], Authority] = later) -> bytes:
    ours = by()
    chain = [ours.timestamp.certificate, CA]
    return renewal.renew(stages().sealed, timestamper(lambda: at, by), chain, [ours.crl(at)])


@pytest.fixture
def standing_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], datetime]:
    """Let the validator's clock stand at a moment."""

    def stand(at: datetime) -> datetime:
        class Then(dt.datetime):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Then:
                return cls.fromtimestamp(at.timestamp(), tz)

        monkeypatch.setattr(ades_past, "datetime", Then)
        return at

    return stand


def faults(result: PdfCheck) -> list[str]:
    return [each.detail for each in result.checks if not each.ok]


@pytest.mark.parametrize("year", [2030, 2045, 2060])
def test_the_validator_foresees_that_it_will_hold(year: int) -> None:
    reader = PdfFileReader(io.BytesIO(stages().sealed))
    embedded = list(reader.embedded_signatures)
    spec = pades_check._policy([CA], SEALED_AT, embedded)
    for signature in reader.embedded_regular_signatures:
        future = datetime(year, 6, 1, tzinfo=UTC)
        result = run(simulate_future_ades_lta_validation(signature, spec, future, SEALED_AT))
        assert result.ades_subindic is AdESPassed.OK


@pytest.mark.parametrize("year", [2030, 2045, 2060])
def test_it_holds_then_stamped_again_or_not(year: int, standing_at: Callable[[datetime], datetime]) -> None:
    now = standing_at(datetime(year, 6, 1, tzinfo=UTC))
    again = now - timedelta(days=30)
    ours = authority()
    chain = [ours.timestamp.certificate, CA]
    stamped = renewal.renew(stages().sealed, timestamper(lambda: again), chain, [ours.crl(again)])
    for pdf in (stages().sealed, stamped):
        result = check_pdf(pdf, [CA], now)
        assert result.ok, faults(result)
        assert result.unprotected == ()
        assert len(result.signers) == 3


def test_what_was_stamped_again_in_time_outlives_its_first_stamp(
    standing_at: Callable[[datetime], datetime],
) -> None:
    now = standing_at(datetime(2075, 6, 1, tzinfo=UTC))
    assert not check_pdf(stages().sealed, [CA], now).ok
    result = check_pdf(renewed(), [CA], now)
    assert result.ok, faults(result)
    assert result.first_revision_length == len(render())
    added = "only archive time stamps were added since it was sealed"
    fields = ["Ordforande", "Justerare", "Stampel"]
    assert [each.detail for each in result.checks][-3:] == [f"{field}: {added}" for field in fields]
    late = renewed(datetime(2065, 1, 1, tzinfo=UTC))
    assert not check_pdf(late, [CA], now).ok


def test_the_old_file_stands_unchanged_at_the_beginning_of_the_new() -> None:
    assert renewed().startswith(stages().sealed)
    assert ends(renewed()) == [len(stages().sealed), len(renewed())]
    first, second = renewal.last_stamp(stages().sealed), renewal.last_stamp(renewed())
    assert (first.at, first.number) == (SEALED_AT, 1)
    assert (second.at, second.number) == (RENEWED, 2)
    assert first.until < second.until
    stamps = PdfFileReader(io.BytesIO(renewed())).embedded_timestamp_signatures
    assert [each.field_name for each in stamps] == ["Tidsstampel", "Tidsstampel2"]


def test_a_stamp_over_other_bytes_is_no_renewal() -> None:
    changed = bytearray(renewed())
    changed[len(stages().sealed) + 20] ^= 1
    reader = PdfFileReader(io.BytesIO(renewed()))
    inner, outer = layers(list(reader.embedded_signatures), RENEWED + timedelta(days=1))
    assert fault(renewed(), outer, [CA]) is fault(renewed(), inner, [CA]) is None
    assert fault(bytes(changed), outer, [CA]) == "the archive time stamp is over other bytes"
    assert "not issued" in str(fault(renewed(), outer, [stranger().ca.certificate]))


# --- keys that somebody else had


def listing(certificate: x509.Certificate, since: datetime) -> bytes:
    return later().revoking(certificate.serial_number, since).crl(RENEWED)


def test_what_the_seal_signed_before_it_was_found_out_stands() -> None:
    now, seal = SEALED_AT + timedelta(days=90), authority().seal.certificate
    after = check_pdf(stages().sealed, [CA], now, crls=[listing(seal, SEALED_AT + timedelta(days=1))])
    assert after.ok, faults(after)
    before = check_pdf(stages().sealed, [CA], now, crls=[listing(seal, SEALED_AT - timedelta(days=1))])
    assert [each for each in faults(before) if "Stampel: the certificate was revoked" in each]


def test_what_a_found_out_time_stamp_key_stamped_needs_another_proof(
    standing_at: Callable[[datetime], datetime],
) -> None:
    sealed, stamps = stages().sealed, authority().timestamp.certificate
    now, since = SEALED_AT + timedelta(days=90), SEALED_AT + timedelta(days=10)
    crls = [listing(stamps, since)]
    assert any("revoked" in each for each in faults(check_pdf(sealed, [CA], now, crls=crls)))
    for days, holds in ((5, True), (15, False)):
        proofs = [(len(sealed), SEALED_AT + timedelta(days=days))]
        assert check_pdf(sealed, [CA], now, crls=crls, proofs=proofs).ok is holds
    too_short = [(len(sealed) - 1, SEALED_AT + timedelta(days=5))]
    assert not check_pdf(sealed, [CA], now, crls=crls, proofs=too_short).ok
    # A renewal by another key from before that day proves it as well.
    when = standing_at(datetime(2064, 1, 1, tzinfo=UTC))
    assert check_pdf(renewed(), [CA], when, crls=[listing(stamps, RENEWED + timedelta(days=1))]).ok
    assert not check_pdf(renewed(), [CA], when, crls=[listing(stamps, RENEWED - timedelta(days=1))]).ok


def test_a_signature_stamped_with_a_found_out_key_does_not_hold() -> None:
    # The signatures' own stamps: proven by the archive stamp, here by another key.
    since = SEALED_AT - timedelta(days=1)
    crl = later().revoking(signer().certificate.serial_number, since).crl(RENEWED)
    found = faults(check_pdf(stages().sealed, [CA], SEALED_AT + timedelta(days=1), crls=[crl]))
    assert found == []  # the chair had signed before that
    stamps = authority().timestamp.certificate
    found = faults(
        check_pdf(stages().sealed, [CA], SEALED_AT + timedelta(days=1), crls=[listing(stamps, since)])
    )
    assert [each for each in found if each.startswith("Ordforande: the certificate was revoked")]


def test_whose_a_revocation_list_is() -> None:
    crl = authority().crl(SEALED_AT)
    assert is_list_of(crl, [stranger().ca.certificate, CA])
    assert not is_list_of(crl, [stranger().ca.certificate])
    for spoilt, said in ((crl[:-1] + bytes([crl[-1] ^ 1]), "not signed"), (b"x", "no revocation list")):
        with pytest.raises(CmsError, match=said):
            is_list_of(spoilt, [CA])


# --- in the log


def told(pdf: bytes, *more: bytes) -> Story:
    """A story in which the sealed file became other files."""
    plain = story()
    events: list[Envelope] = [
        envelope(MINUTES, 5 + number, "minutes-restamped.v1", 7 + number, version=1, pdf=digest(each))
        for number, each in enumerate((*more, pdf))
    ]
    return replace(plain, events=[*plain.events, *events], files=plain.files | {digest(pdf): pdf})


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def test_the_newest_file_is_verified_and_begins_with_each_that_was() -> None:
    at = SEALED_AT + timedelta(days=1)
    good = renewed(at, authority)
    report = check(told(good).evidence(missing=None, crls=[authority().crl(at)]))
    assert not report.failed("pades", "timestamps", "tree", "envelope"), report.failures
    assert digest(good) in report.named
    alone = told(good)
    alone.files.pop(digest(stages().sealed))
    assert not check(alone.evidence(missing=None)).failed("pades")


def test_a_file_that_does_not_continue_the_sealed_one_is_seen() -> None:
    good = renewed(SEALED_AT + timedelta(days=1), authority)
    report: Report = check(told(good, b"something else").evidence(missing=None))
    assert any("not-continued" in str(said) for said in report.failures["pades"])
    assert check(told(b"no pdf at all").evidence(missing=None)).failed("pades")


def test_a_file_that_was_sealed_anew_does_not_continue_the_first() -> None:
    report = check(told(lock(stages().both)).evidence(missing=None))
    assert failed(report) == {"pades": ["not-continued"]}


def test_a_spoilt_revocation_list_is_seen() -> None:
    crl = bytearray(authority().crl(SEALED_AT))
    crl[-1] ^= 1
    assert check(story().evidence(missing=None, crls=[bytes(crl)])).failed("pades")
    foreign = check(story().evidence(crls=[stranger().crl(SEALED_AT), authority().crl(SEALED_AT)]))
    assert [said.code for said in foreign.failures["pades"]] == ["crl-foreign"]


def test_another_authoritys_stamp_over_a_checkpoint_proves_that_a_paper_is_older() -> None:
    plain, roots = story(), [CA, stranger().ca.certificate]
    note = plain.note(6)
    crls = [listing(authority().timestamp.certificate, SEALED_AT + timedelta(minutes=1))]

    def holds(*stamps: tuple[str, bytes, bytes]) -> bool:
        report = check(plain.evidence(missing=None, crls=crls, roots=roots, stamps=stamps))
        papers = ("pades", "timestamps", "cms")  # the log's keys are signed anew when this happens
        return not any("revoked" in str(said) for step in papers for said in report.failures[step])

    assert holds(("note", note, stamped(note, stranger)))
    assert holds(("of the seal itself", plain.note(5), stamped(plain.note(5), stranger)))
    assert not holds()
    assert not holds(("ours", note, stamped(note)))
    assert not holds(("none", b"no note", stamped(note, stranger)))
    witness = Signer.generate("neighbour/witness", Algorithm.ED25519_COSIGNATURE)
    for at, others, proves in (
        (SEALED_AT, [witness.vkey], True),
        (RENEWED, [witness.vkey], False),
        (SEALED_AT, [], False),
    ):
        seen = [("c", cosigned(note, [witness], at)), ("spoilt", b"")]
        report = check(
            plain.evidence(
                missing=None, crls=crls, cosigned=seen, witnesses=[witness.vkey], given_witnesses=others
            )
        )
        assert report.failed("cms") is not proves
    early = plain.note(2)
    assert not holds(("from before the paper", early, stamped(early, stranger)))


def test_an_archive_stamp_that_cannot_be_read_is_a_failed_check() -> None:
    pdf = bytearray(stages().sealed)
    start = pdf.rindex(b"/Contents <") + len(b"/Contents <")
    pdf[start + 100 : start + 140] = b"0" * 40
    assert any("cannot be read" in each for each in faults(check_pdf(bytes(pdf), [CA], SEALED_AT)))
