"""Fields, signatures and the seal: the render stays, the paper stays accessible, and outsiders accept it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyhanko.pdf_utils.font.basic import SimpleFontEngineFactory
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from signing import cms, pki, seal
from signing.pades_check import check_pdf, first_revision
from tests import outside
from tests.signing_kit import (
    FIELDS,
    NOW,
    SEALED_AT,
    authority,
    bare_pdf,
    lock,
    render,
    signer,
    stages,
    timestamper,
)

CA = authority().ca.certificate


def test_the_render_is_a_byte_prefix_of_every_stage() -> None:
    made = stages()
    before = render()
    for after in (made.prepared, made.chair, made.both, made.sealed):
        assert after.startswith(before)
        before = after
    assert first_revision(made.sealed) == render()
    assert first_revision(made.prepared) == render()
    assert first_revision(render()) == render()


def test_a_render_that_ends_its_last_line_is_told_apart_too() -> None:
    for ended in (render() + b"\n", render() + b"\r\n", bare_pdf(b"startxref\n1\n%%EOF\n")):
        assert first_revision(seal.prepare(ended, FIELDS)) == ended


def test_the_same_input_gives_the_same_bytes() -> None:
    assert seal.prepare(render(), FIELDS) == stages().prepared
    again = seal.begin(stages().prepared, "Ordforande", ["Åsa"], NOW)
    assert again == seal.begin(stages().prepared, "Ordforande", ["Åsa"], NOW)


def test_metadata_is_left_as_the_render_wrote_it() -> None:
    appended = stages().sealed[len(render()) :]
    assert b"xpacket" not in appended
    before, after = PdfFileReader(io.BytesIO(render())), PdfFileReader(io.BytesIO(stages().sealed))
    assert after.root.raw_get("/Metadata").reference.idnum == before.root.raw_get("/Metadata").reference.idnum
    assert after.trailer["/Info"] == before.trailer["/Info"]
    assert after.trailer["/ID"][0] == before.trailer["/ID"][0]
    assert after.trailer["/ID"][1] != before.trailer["/ID"][1]


def test_each_field_is_named_and_stands_in_the_structure() -> None:
    reader = PdfFileReader(io.BytesIO(stages().sealed))
    tree = reader.root["/StructTreeRoot"]
    nums = [item.get_object() for item in tree["/ParentTree"]["/Nums"]]
    parents = dict(zip(nums[::2], nums[1::2], strict=True))
    labels = []
    for ref in reader.root["/AcroForm"]["/Fields"]:
        widget = ref.get_object()
        element = parents[widget["/StructParent"]]
        assert element["/S"] == "/Form"
        assert element["/K"]["/Type"] == "/OBJR"
        assert element["/K"].raw_get("/Obj").reference.idnum == ref.reference.idnum
        assert element["/Alt"] == widget["/TU"]
        assert widget["/P"]["/Tabs"] == "/S"
        assert widget["/F"] & 4 and not widget["/F"] & 2, "printed, and not hidden"
        labels.append(str(widget["/TU"]))
    assert labels == [*(f.label for f in FIELDS), seal.TIMESTAMP_LABEL]
    assert tree["/ParentTreeNextKey"] == max(parents) + 1


def test_begun_and_finished_apart_is_the_same_as_in_one_go() -> None:
    begun = seal.begin(stages().prepared, "Ordforande", ["Åsa"], NOW)
    to_sign = seal.attributes(begun, signer().certificate)
    signature = cms.complete(to_sign, signer().sign(to_sign), [signer().certificate, CA])
    in_one = seal.sign(stages().prepared, "Ordforande", signer(), [CA], ["Åsa"], NOW)
    assert seal.finish(begun, signature) == in_one


def test_an_untagged_file_is_signed_without_a_structure_tree() -> None:
    prepared = seal.prepare(bare_pdf(), FIELDS[2:])
    assert "/StructTreeRoot" not in PdfFileReader(io.BytesIO(prepared)).root
    assert check_pdf(lock(prepared), [CA], SEALED_AT).ok


def appended(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """The file with one more revision by another program."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_structure_with_a_single_child_grows_into_a_list() -> None:
    def keep_one_child(writer: IncrementalPdfFileWriter) -> None:
        tree = writer.root["/StructTreeRoot"]
        top = tree["/K"][0].get_object()
        top["/K"] = top["/K"].raw_get(0)
        tree["/K"] = tree["/K"].raw_get(0)
        writer.update_container(top)
        writer.update_container(tree)

    prepared = seal.prepare(appended(render(), keep_one_child), FIELDS[2:])
    children = PdfFileReader(io.BytesIO(prepared)).root["/StructTreeRoot"]["/K"]["/K"]
    assert [child.get_object()["/S"] for child in children][1:] == ["/Form", "/Form"]


def test_where_another_programs_revision_begins_cannot_be_told() -> None:
    def touch(writer: IncrementalPdfFileWriter) -> None:
        writer.update_root()

    with pytest.raises(ValueError, match="does not end where"):
        first_revision(appended(render(), touch))
    sealed = lock(seal.prepare(appended(render(), touch), FIELDS[2:]))
    result = check_pdf(sealed, [CA], SEALED_AT)
    faults = [check.detail for check in result.checks if not check.ok]
    assert faults == ["the first revision does not end where an appended one begins"]
    assert result.first_revision_length is None


def test_renewal_after_years_keeps_the_file_valid() -> None:
    later = SEALED_AT.replace(year=2050)
    ours = authority()
    chain = [ours.timestamp.certificate, CA]
    renewed = seal.archive(
        stages().sealed, timestamper(lambda: later), chain, [ours.crl(later)], "Tidsstampel2"
    )
    assert renewed.startswith(stages().sealed)
    result = check_pdf(renewed, [CA], later.replace(year=2055))
    assert result.ok, result.checks
    assert result.unprotected == ()


def test_what_cannot_be_done_is_refused() -> None:
    made = stages()
    with pytest.raises(seal.SealError, match="already has form fields"):
        seal.prepare(made.prepared, FIELDS)
    with pytest.raises(seal.SealError, match="same name"):
        seal.prepare(render(), [FIELDS[0], FIELDS[0]])
    with pytest.raises(seal.SealError, match="same name"):
        seal.prepare(render(), [seal.FieldSpec(seal.TIMESTAMP_FIELD, "x", (0, 0, 9, 9))])
    with pytest.raises(seal.SealError, match="not a readable PDF"):
        seal.prepare(b"%PDF-1.7 no", FIELDS)
    with pytest.raises(seal.SealError, match="no field"):
        seal.begin(made.prepared, "Sekreterare", ["x"], NOW)
    with pytest.raises(seal.SealError, match="no field"):
        seal.begin(render(), "Ordforande", ["x"], NOW)
    with pytest.raises(seal.SealError, match="already signed"):
        seal.begin(made.chair, "Ordforande", ["x"], NOW)
    with pytest.raises(seal.SealError, match="does not lock"):
        lock(made.chair, field="Justerare")
    begun = seal.begin(made.prepared, "Ordforande", ["x"], NOW, room=100)
    with pytest.raises(seal.SealError, match="larger than the room"):
        seal.finish(begun, bytes(101))


# --- what others say


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "sealed.pdf"
    path.write_bytes(stages().sealed)
    return path


def test_qpdf_finds_no_fault(sealed: Path) -> None:
    assert "No syntax or stream encoding errors" in outside.run(outside.need("qpdf"), "--check", sealed)


def test_mutool_finds_every_signature_valid(sealed: Path) -> None:
    said = outside.run(outside.need("mutool"), "sign", "-v", sealed)
    assert said.count("The signature is valid") == 3
    assert "Åsa Öberg" in said


def test_the_appearances_can_be_read_and_their_font_is_embedded(sealed: Path) -> None:
    mutool = outside.need("mutool")
    text = outside.run(mutool, "draw", "-F", "txt", sealed, "2")
    assert "Åsa Öberg" in text and "Łukasz Çelik" in text and "Stämplat" in text
    rows = outside.run(outside.need("pdffonts"), sealed).splitlines()[2:]
    ours = [row for row in rows if "DejaVuSansCondensed" in row]
    assert len(ours) == 1, "one font for every signature"
    for row in rows:
        embedded, _, mapped = row.split()[-5:-2]
        assert (embedded, mapped) == ("yes", "yes"), row


def test_pdfsig_finds_every_signature_valid(sealed: Path, tmp_path: Path) -> None:
    pdfsig, certutil = outside.need("pdfsig"), outside.need("certutil")
    store = tmp_path / "nss"
    store.mkdir()
    (tmp_path / "ca.pem").write_bytes(pki.certificate_pem(CA))
    outside.run(certutil, "-N", "-d", f"sql:{store}", "--empty-password")
    outside.run(
        *(certutil, "-A", "-d", f"sql:{store}", "-n", "ca", "-t", "CT,C,C", "-i", tmp_path / "ca.pem"),
    )
    said = outside.run(pdfsig, "-nssdir", f"sql:{store}", sealed)
    assert said.count("Signature is Valid.") == 3
    assert said.count("ETSI.CAdES.detached") == 3
    assert "Total document signed" in said.split("Signature #4")[1]
    bent = bytearray(stages().sealed)
    bent[1000] ^= 1
    sealed.write_bytes(bytes(bent))
    assert "Signature is Valid." not in outside.run(pdfsig, "-nssdir", f"sql:{store}", sealed)


def test_the_sealed_file_is_still_accessible(sealed: Path) -> None:
    checker = Path(sys.executable).parent / "outloud"
    if not checker.exists():
        outside.need("outloud")
    said = outside.run(checker, "--layer", "conformance", "--fail-on", "warning", sealed)
    assert "0 error(s), 0 warning(s)" in said


def test_a_simple_font_is_never_needed() -> None:
    # pyHanko's default appearance would be Courier, unembedded; none of ours may name it.
    default = SimpleFontEngineFactory.default_factory().name
    assert default.encode() not in stages().sealed[len(render()) :]
