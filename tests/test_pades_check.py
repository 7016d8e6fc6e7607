"""Checking a sealed PDF: it holds for decades, and nothing done to it goes unseen."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field
from pyhanko.sign.signers.cms_embedder import SigMDPSetup
from pyhanko.sign.timestamps import DummyTimeStamper

from signing import cms, pades_check, seal
from signing.pades_check import Check, PdfCheck, check_pdf, embedded_roots, first_revision
from signing.pki import certificate_der
from signing.timestamp import open_token
from tests.signing_kit import (
    FIELDS,
    LEVEL,
    NOW,
    SEALED_AT,
    authority,
    lock,
    render,
    signer,
    stages,
    stranger,
    timestamper,
)

CA = authority().ca.certificate
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def faults(result: PdfCheck) -> str:
    """Everything that did not hold, in one text."""
    assert all(check.ok is False and "None" not in check.detail for check in result.checks if not check.ok)
    return "\n".join(f"{check.step}: {check.detail}" for check in result.checks if check.ok is not True)


@pytest.mark.parametrize(
    "now",
    [SEALED_AT, SEALED_AT + timedelta(days=1), SEALED_AT + timedelta(days=60)]
    + [datetime(year, 6, 1, tzinfo=UTC) for year in (2026, 2030, 2045, 2060)],
)
def test_a_sealed_file_holds_for_decades(now: datetime) -> None:
    result = check_pdf(stages().sealed, [CA], now)
    assert result.ok, faults(result)
    assert result.trusted
    assert result.unprotected == ()
    assert result.first_revision_length == len(render())
    assert [tuple(vars(check).values()) for check in result.checks] == list(sound())


def sound() -> Iterator[tuple[str, bool, str]]:
    """What is said of the sealed file, in order."""
    (start, end), times = (
        hole(),
        {"Ordforande": NOW, "Justerare": NOW + timedelta(days=2), "Stampel": SEALED_AT},
    )
    size, own = len(stages().sealed), end - start + 2
    yield "pades", True, f"the archive time stamp covers all {size} bytes but its own {own}"
    yield "pades", True, "all 4 signature fields are signed"
    for field in (*times, seal.TIMESTAMP_FIELD):
        yield "pades", True, f"{field}: the hole holds the signature and zeros only"
    yield "pades", True, "Stampel is the last signature and locks the document"
    yield "timestamps", True, f"Tidsstampel: archived {SEALED_AT.isoformat()}"
    for (field, at), name in zip(
        times.items(), ("Åsa Öberg", "Łukasz Çelik", "Exempelkommun stämpel"), strict=True
    ):
        reader = PdfFileReader(io.BytesIO(stages().sealed))
        (subject,) = (s.signer_cert.subject for s in reader.embedded_signatures if s.field_name == field)
        assert subject.native["common_name"] == name
        yield "pades", True, f"{field}: intact and valid, signed by {subject.human_friendly}"
        when = f"existed {at.isoformat()}, archived {SEALED_AT.isoformat()}"
        yield "timestamps", True, f"{field}: {when}; no revocation list newer than the file was at hand"


def test_the_signers_are_named() -> None:
    chair, second, municipality = check_pdf(stages().sealed, [CA], LATER).signers
    assert (chair.field, chair.name, chair.office) == ("Ordforande", "Åsa Öberg", "Ordförande")
    assert (chair.organisation, chair.person_ref) == ("Exempelkommun", "p-4711")
    assert chair.claimed_at == chair.proven_at == NOW
    assert chair.authentication is not None and LEVEL in chair.authentication
    assert chair.certificate == certificate_der(signer().certificate)
    assert chair.subject == signer().certificate.subject.rfc4514_string()
    assert (second.field, second.name) == ("Justerare", "Łukasz Çelik")
    assert second.proven_at == NOW + timedelta(days=2)
    assert (municipality.field, municipality.person_ref) == ("Stampel", "")
    assert municipality.authentication is None


def test_roots_from_the_file_itself_are_only_a_claim() -> None:
    result = check_pdf(stages().sealed, [], LATER)
    assert result.ok and not result.trusted
    assert embedded_roots(stages().sealed) == [CA]
    assert embedded_roots(render()) == []
    assert not check_pdf(stages().sealed, [CA], LATER, trusted=False).trusted


def test_another_municipalitys_root_does_not_vouch_for_it() -> None:
    result = check_pdf(stages().sealed, [stranger().ca.certificate], LATER)
    assert "Ordforande" in faults(result) and "Stampel" in faults(result)


def test_a_time_before_the_signatures_proves_nothing() -> None:
    assert not check_pdf(stages().sealed, [CA], NOW - timedelta(days=30)).ok


def test_a_fresh_revocation_list_is_heeded_from_its_date() -> None:
    serial = signer().certificate.serial_number
    at = SEALED_AT + timedelta(days=30)
    after = check_pdf(stages().sealed, [CA], at, crls=[authority().crl(at, {serial: at})])
    assert after.ok, faults(after)
    without = [(step, ok, said.partition(";")[0]) for step, ok, said in sound()]
    assert [tuple(vars(check).values()) for check in after.checks] == without
    before = check_pdf(stages().sealed, [CA], at, crls=[authority().crl(at, {serial: NOW})])
    assert "Ordforande" in faults(before)


# --- a file that is not finished, or not finished as it should be


@pytest.mark.parametrize("stage", ["prepared", "chair", "both"])
def test_an_unsealed_file_is_not_sealed(stage: str) -> None:
    pdf = getattr(stages(), stage)
    result = check_pdf(pdf, [CA], LATER)
    assert "does not end with an archive time stamp" in faults(result)
    empty = {"prepared": "Ordforande, Justerare, Stampel", "chair": "Justerare, Stampel", "both": "Stampel"}
    assert f"pades: unsigned fields: {empty[stage]}, Tidsstampel" in faults(result).splitlines()
    assert "not the seal" in faults(result)


def test_a_render_alone_is_wholly_unprotected() -> None:
    result = check_pdf(render(), [CA], LATER)
    assert not result.ok
    assert result.unprotected == ((0, len(render())),)


def test_bytes_that_are_no_pdf_are_a_failed_check() -> None:
    result = check_pdf(b"not a pdf", [CA], LATER)
    said = "the file cannot be read as a sealed PDF: PdfReadError: Illegal PDF header"
    assert result == PdfCheck((Check("pades", False, said),), (), False, None, ((0, 9),))
    with pytest.raises(ValueError, match="not a readable PDF"):
        first_revision(b"not a pdf")


def test_a_missing_approval_is_seen_under_an_intact_seal() -> None:
    result = check_pdf(lock(stages().chair), [CA], LATER)
    assert faults(result) == "pades: unsigned fields: Justerare"


def test_a_person_cannot_seal_and_the_seal_cannot_approve() -> None:
    ours, at = authority(), SEALED_AT
    stamper = timestamper(lambda: at)

    def sealed(pdf: bytes, by_person: bool) -> str:
        credential = signer() if by_person else ours.seal
        made = seal.lock(
            pdf, "Stampel", credential, [CA], ["x"], at, stamper, [ours.crl(at)], [ours.timestamp.certificate]
        )
        return faults(check_pdf(made, [CA], LATER))

    said = "pades: Stampel is signed by a person, not by the municipality"
    assert said in sealed(stages().both, by_person=True).splitlines()
    borrowed = seal.sign(stages().chair, "Justerare", ours.seal, [CA], ["x"], at, stamper)
    assert "with the municipality's certificate" in sealed(borrowed, by_person=False)


def test_a_seal_that_does_not_lock_is_no_seal() -> None:
    unlocked = [seal.FieldSpec("Stampel", "Kommunens stämpel", (60, 480, 320, 540))]
    ours, at = authority(), SEALED_AT
    stamper = timestamper(lambda: at)
    signed = seal.sign(seal.prepare(render(), unlocked), "Stampel", ours.seal, [CA], ["x"], at, stamper)
    chain = [ours.seal.certificate, ours.timestamp.certificate, CA]
    made = seal.archive(signed, stamper, chain, [ours.crl(at)], seal.TIMESTAMP_FIELD)
    assert faults(check_pdf(made, [CA], LATER)) == "pades: Stampel does not lock the document"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SigMDPSetup", lambda *_, **__: SigMDPSetup("sha256", docmdp_perms=MDPPerm.NO_CHANGES)),
        ("MDPPerm", SimpleNamespace(NO_CHANGES=None)),
        ("MDPPerm", SimpleNamespace(NO_CHANGES=MDPPerm.FILL_FORMS)),
    ],
    ids=["no fields", "no document", "the document but for its form"],
)
def test_a_seal_that_locks_in_part_is_no_seal(name: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, name, value)
    begun = seal.begin(seal.prepare(render(), FIELDS[2:]), "Stampel", ["x"], SEALED_AT)
    made = seal.finish(begun, cms.sign(b"", authority().seal, [CA], SEALED_AT))
    signatures = list(PdfFileReader(io.BytesIO(made)).embedded_regular_signatures)
    said = "Stampel does not lock the document"
    assert pades_check._check_seal(signatures, "Stampel") == Check("pades", False, said)


def test_a_signature_without_its_own_time_stamp_is_seen() -> None:
    plain = seal.sign(stages().chair, "Justerare", signer("Bo", "Justerare"), [CA], ["x"], NOW)
    found = faults(check_pdf(lock(plain), [CA], LATER))
    assert "Justerare: the signature's time stamp is missing" in found


def test_validation_data_left_out_is_seen() -> None:
    ours, at = authority(), SEALED_AT
    made = seal.lock(
        stages().both,
        "Stampel",
        ours.seal,
        [CA],
        ["x"],
        at,
        timestamper(lambda: at),
        [],
        [ours.timestamp.certificate],
    )
    assert "Stampel" in faults(check_pdf(made, [CA], LATER))


def test_a_foreign_archive_stamp_breaks_the_chain() -> None:
    ours, at = authority(), SEALED_AT
    chain = [ours.seal.certificate, CA, stranger().timestamp.certificate]
    stamper = timestamper(lambda: at, stranger)
    made = seal.lock(stages().both, "Stampel", ours.seal, [CA], ["x"], at, stamper, [ours.crl(at)], chain)
    assert "time stamp" in faults(check_pdf(made, [CA], LATER))


# --- a sealed file that somebody has touched


def test_a_signature_after_the_seal_is_an_illegal_change() -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(stages().sealed))
    append_signature_field(writer, SigFieldSpec("Extra", box=(10, 10, 90, 40)))
    out = io.BytesIO()
    writer.write(out)
    late = seal.sign(out.getvalue(), "Extra", signer(), [CA], ["x"], SEALED_AT, timestamper())
    found = faults(check_pdf(late, [CA], LATER))
    assert "not the seal in Stampel" in found
    assert "Stampel: what was added after the signature is not allowed" in found


def test_a_changed_page_under_a_new_archive_stamp_is_an_illegal_change() -> None:
    ours = authority()
    writer = IncrementalPdfFileWriter(io.BytesIO(stages().sealed))
    page = writer.find_page_for_modification(0)[0].get_object()
    page["/Contents"] = writer.find_page_for_modification(1)[0].get_object().raw_get("/Contents")
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    again = seal.archive(
        out.getvalue(), timestamper(lambda: LATER), [ours.timestamp.certificate, CA], [ours.crl(LATER)], "Ny"
    )
    result = check_pdf(again, [CA], LATER)
    for field in ("Ordforande", "Justerare", "Stampel"):
        assert f"{field}: what was added after the signature is not allowed" in faults(result)


def test_a_range_that_does_not_reach_from_the_first_byte_to_the_last_is_seen() -> None:
    pdf = stages().sealed
    found = list(re.finditer(rb"/ByteRange \[(0) \d+ \d+ (\d+)\]", pdf))[-1]
    later = pdf[: found.start(1)] + b"1" + pdf[found.end(1) :]
    rest = int(found.group(2)) - 1
    shorter = pdf[: found.start(2)] + str(rest).encode() + pdf[found.end(2) : -1]
    for spoilt, read in ((later, later), (shorter, shorter), (pdf + b"%%EOF\n", pdf)):
        embedded = list(PdfFileReader(io.BytesIO(read)).embedded_signatures)
        said = pades_check._check_end(spoilt, embedded)
        assert said == Check(
            "pades", False, "the archive time stamp does not cover the file to its last byte"
        )


@pytest.mark.parametrize("tail", [b"\n", b"x", b"%%EOF\n", b"\nstartxref\n0\n%%EOF\n"])
def test_bytes_after_the_end_are_seen(tail: bytes) -> None:
    assert not check_pdf(stages().sealed + tail, [CA], LATER).ok


@given(st.integers(1, 5000))
@settings(max_examples=10, deadline=None)
def test_a_shortened_file_is_seen(cut: int) -> None:
    assert not check_pdf(stages().sealed[:-cut], [CA], LATER).ok


def hole() -> tuple[int, int]:
    """Where the last signature's hex digits stand."""
    start = stages().sealed.rindex(b"/Contents <") + len(b"/Contents <")
    return start, stages().sealed.index(b">", start)


def test_other_spellings_of_the_same_signature_are_seen() -> None:
    start, end = hole()
    pdf = stages().sealed
    lower = pdf[:start] + pdf[start:end].lower() + pdf[end:]
    assert "capital hex digits" in faults(check_pdf(lower, [CA], LATER))
    padded = pdf[: end - 2] + b"01" + pdf[end:]
    assert "padding" in faults(check_pdf(padded, [CA], LATER))
    spaced = pdf[: end - 2] + b"  " + pdf[end:]
    assert "capital hex digits" in faults(check_pdf(spaced, [CA], LATER))
    assert not check_pdf(pdf[: start - 1] + b"(" + pdf[start:], [CA], LATER).ok


def test_a_range_that_leaves_out_more_than_the_signature_is_seen() -> None:
    start, _ = hole()
    found = list(re.finditer(rb"/ByteRange \[0 (\d+) ", stages().sealed))[-1]
    assert int(found.group(1)) == start - 1
    wider = stages().sealed[: found.start(1)] + str(start - 2).encode() + stages().sealed[found.end(1) :]
    assert "hole is not one string" in faults(check_pdf(wider, [CA], LATER))


def test_a_stamp_by_somebody_else_under_a_proper_archive_is_seen() -> None:
    second = signer("Bo", "Justerare")
    signed = seal.sign(stages().chair, "Justerare", second, [CA], ["x"], NOW, timestamper(by=stranger))
    assert "Justerare" in faults(check_pdf(lock(signed), [CA], LATER))


def test_a_changed_page_breaks_every_signature() -> None:
    bent = bytearray(stages().sealed)
    bent[bent.index(b"stream\n") + 40] ^= 1
    result = faults(check_pdf(bytes(bent), [CA], LATER))
    for field in ("Ordforande", "Justerare", "Stampel"):
        assert f"{field}: the signed bytes have been changed" in result


def test_an_archive_stamp_that_was_changed_inside_is_neither_ours_nor_protected() -> None:
    start, end = hole()
    pdf = stages().sealed
    content = open_token(bytes.fromhex(pdf[start:end].decode()).rstrip(b"\0"))[0].content
    assert content is not None
    at = pdf.index(content.hex().upper().encode(), start) + 2 * len(content) - 1
    result = check_pdf(pdf[:at] + (b"0" if pdf[at : at + 1] != b"0" else b"1") + pdf[at + 1 :], [CA], LATER)
    assert "unsigned parts that are not in their one form" in faults(result)
    assert "timestamps: an archive time stamp cannot be read: " in faults(result)
    assert any(offset <= at < offset + length for offset, length in result.unprotected)


@pytest.mark.no_cover
@given(st.data())
@settings(max_examples=settings().max_examples // 4)
def test_every_bit_of_a_sealed_file_matters(data: st.DataObject) -> None:
    bent = bytearray(stages().sealed)
    start, end = hole()
    anywhere = st.integers(0, len(bent) - 1)
    position = data.draw(anywhere | st.integers(start - 40, end) | st.integers(end, len(bent) - 1))
    bent[position] ^= 1 << data.draw(st.integers(0, 7))
    assert not check_pdf(bytes(bent), [CA], LATER).ok


# --- a time stamp made in another style than ours


@cache
def foreign_style() -> bytes:
    """Sealed with time stamps another program made, under certificates we know."""
    ours, at = authority(), SEALED_AT
    key = ours.timestamp.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(certificate_der(ours.timestamp.certificate)),
        asn1_keys.PrivateKeyInfo.load(key),
        fixed_dt=at,
    )
    return seal.lock(
        stages().both,
        "Stampel",
        ours.seal,
        [CA],
        ["x"],
        at,
        stamper,
        [ours.crl(at)],
        [ours.timestamp.certificate],
    )


def test_a_stamp_in_another_style_holds_and_its_unsigned_parts_are_listed() -> None:
    result = check_pdf(foreign_style(), [CA], LATER)
    assert result.ok, faults(result)
    start = foreign_style().rindex(b"/Contents <") + len(b"/Contents <")
    end = foreign_style().index(b">", start)
    assert result.unprotected
    assert all(start <= offset and offset + length <= end for offset, length in result.unprotected)


@cache
def listed() -> tuple[tuple[int, int], ...]:
    return check_pdf(foreign_style(), [CA], LATER).unprotected


@pytest.mark.no_cover
@given(st.data())
@settings(max_examples=settings().max_examples // 5)
def test_what_is_not_listed_there_matters(data: st.DataObject) -> None:
    bent = bytearray(foreign_style())
    start = foreign_style().rindex(b"/Contents <")
    position = data.draw(st.integers(start, len(bent) - 1))
    bent[position] ^= 1 << data.draw(st.integers(0, 7))
    result = check_pdf(bytes(bent), [CA], LATER)
    assert not result.ok or any(offset <= position < offset + length for offset, length in listed())


def test_the_seal_may_stand_in_a_field_of_another_name() -> None:
    renamed = [*FIELDS[:2], seal.FieldSpec("Kommun", "Kommunens stämpel", (60, 480, 320, 540), locks=True)]
    made = lock(seal.prepare(render(), renamed[2:]), field="Kommun")
    assert check_pdf(made, [CA], LATER, seal_field="Kommun").ok
    assert "not the seal in Stampel" in faults(check_pdf(made, [CA], LATER))
    assert pades_check.SEAL_FIELD == "Stampel"


def test_a_page_changed_between_signature_and_seal_is_seen() -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(stages().both))
    page = writer.find_page_for_modification(0)[0].get_object()
    page["/Contents"] = writer.find_page_for_modification(1)[0].get_object().raw_get("/Contents")
    writer.update_container(page)
    out = io.BytesIO()
    writer.write(out)
    found = faults(check_pdf(lock(out.getvalue()), [CA], LATER))
    assert "Ordforande: what was added after the signature is not allowed" in found
