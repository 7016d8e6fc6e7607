"""What stands in a file on its way to the seal, dictionary by dictionary: nothing more, nothing less.

Another story than the other tests' (`tests.signing_kit.stages`): here one of the two signed a print by hand.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing import renewal, seal
from signing.appearance import text_box
from signing.coverage import cms_of
from signing.pades_check import check_pdf
from signing.pki import certificate_der
from signing.signed_data import is_list_of, open_cms
from signing.timestamp import open_token, room, verify_token
from tests.signing_kit import FIELDS, NOW, SEALED_AT, authority, bare_pdf, lock, render, signer, timestamper

CA = authority().ca.certificate
SCAN = "ab" * 32
PAPER = f"Underskrift på papper; den skannade utskriftens fil {SCAN}"
LABELS = {each.name: each.label for each in FIELDS} | {seal.TIMESTAMP_FIELD: seal.TIMESTAMP_LABEL}
AGAIN = SEALED_AT + timedelta(days=300)
EXTENSION = {"/ESIC": {"/Type": "/DeveloperExtensions", "/BaseVersion": "/1.7", "/ExtensionLevel": 1}}
SIGNATURE = {"/Type": "/Sig", "/Filter": "/Adobe.PPKLite", "/SubFilter": "/ETSI.CAdES.detached"}
STAMP = {"/Type": "/DocTimeStamp", "/Filter": "/Adobe.PPKLite", "/SubFilter": "/ETSI.RFC3161"}
LOCK = {"/Action": "/Exclude", "/Fields": ["Tidsstampel"], "/P": 1}


@dataclass(frozen=True)
class Way:
    """A file at each step."""

    chair: bytes
    attested: bytes
    sealed: bytes
    renewed: bytes


@pytest.fixture
def way() -> Way:
    """Made anew for each test: what was kept would not show what `make mutants` has changed."""
    ours, stamper = authority(), timestamper(lambda: SEALED_AT)
    prepared = seal.prepare(render(), FIELDS)
    chair = seal.sign(prepared, "Ordforande", signer(), [CA], ["Åsa Öberg", "Ordförande"], NOW, timestamper())
    attested = seal.sign(
        chair, "Justerare", ours.seal, [CA], ["På papper"], SEALED_AT, stamper, seal.on_paper(SCAN)
    )
    sealed = lock(attested)
    again = timestamper(lambda: AGAIN)
    chain = [ours.timestamp.certificate, CA]
    return Way(
        chair,
        attested,
        sealed,
        renewal.renew(sealed, again, chain, [ours.crl(AGAIN)]),
    )


class Read:
    """A file as plain values. What stood in the render goes by its number there, and fields and font by their names."""

    def __init__(self, pdf: bytes) -> None:
        self.reader = PdfFileReader(io.BytesIO(pdf))
        self.root, self.fields = self.reader.root, {}
        self.names = {
            ref.idnum: f"object {ref.idnum}" for ref in self.reader.xrefs.explicit_refs_in_revision(0)
        }
        if "/AcroForm" in self.root:
            for ref in self.root["/AcroForm"]["/Fields"]:
                self.fields[str(ref.get_object()["/T"])] = ref.get_object()
                self.names[ref.idnum] = f"field {ref.get_object()['/T']}"
            self.names[self.font.idnum] = "font"
        tree = self.root["/StructTreeRoot"]
        self.tree, self.parents, self.document = tree, tree["/ParentTree"], tree["/K"][0]
        self.pages = list(self.root["/Pages"]["/Kids"])

    @property
    def font(self) -> Any:
        return self.root["/AcroForm"]["/DR"]["/Font"].raw_get("/Liggare")

    def written(self, revision: int) -> set[str]:
        """What of that which has a name a revision writes."""
        refs = self.reader.xrefs.explicit_refs_in_revision(revision)
        return {self.names[ref.idnum] for ref in refs if ref.idnum in self.names}

    def by_name(self, item: Any) -> str:
        """The name of what is an object of its own."""
        return self.names[item.container_ref.idnum]

    def plain(self, item: Any) -> Any:
        """By value, or by name what has one."""
        if isinstance(item, generic.IndirectObject):
            return self.names.get(item.idnum) or self.inside(item.get_object())
        return self.inside(item)

    def inside(self, item: Any) -> Any:
        match item:
            case generic.StreamObject():
                entries = {str(key): self.plain(item.raw_get(key)) for key in item if key != "/Length"}
                return entries | {"data": item.data}
            case generic.DictionaryObject():
                return {str(key): self.plain(item.raw_get(key)) for key in item}
            case generic.ArrayObject():
                return [self.plain(item.raw_get(at)) for at in range(len(item))]
            case generic.ByteStringObject():
                return bytes(item)
            case generic.NumberObject():
                return int(item)
            case generic.FloatObject():
                return float(item)
            case generic.BooleanObject() | generic.NullObject():
                return repr(item)
            case _:
                return str(item)

    def appearance(self, lines: Sequence[str], width: float, height: float) -> dict[str, Any]:
        font = self.root["/AcroForm"]["/DR"]["/Font"].raw_get("/Liggare")
        return {"/N": self.inside(text_box(lines, width, height, font))}


def test_what_a_field_is() -> None:
    read = Read(seal.prepare(render(), FIELDS))
    assert list(read.fields) == list(LABELS)
    first = int(PdfFileReader(io.BytesIO(render())).root["/StructTreeRoot"]["/ParentTreeNextKey"])
    boxes = {each.name: [float(one) for one in each.box] for each in FIELDS}
    for at, (name, label) in enumerate(LABELS.items()):
        shown = {"/AP": read.appearance([label], 260, 60)} if name in boxes else {}
        locked = {"/Lock": LOCK | {"/Type": "/SigFieldLock"}} if name == "Stampel" else {}
        assert read.inside(read.fields[name]) == shown | locked | {
            "/FT": "/Sig",
            "/T": name,
            "/TU": label,
            "/Type": "/Annot",
            "/Subtype": "/Widget",
            "/F": 132,  # printed, and it stays where it is (ISO 32000-1, table 165)
            "/Rect": boxes.get(name, [0.0] * 4),
            "/P": read.by_name(read.pages[1].get_object()),
            "/StructParent": first + at,
        }


def test_what_the_preparation_adds_to_the_file() -> None:
    before, after = Read(render()), Read(seal.prepare(render(), FIELDS))
    fields = [f"field {name}" for name in LABELS]
    second = after.by_name(after.pages[1].get_object())
    added = after.inside(after.root)
    form = added.pop("/AcroForm")
    assert form == {"/Fields": fields, "/SigFlags": 3, "/DR": {"/Font": {"/Liggare": "font"}}}
    assert after.font.get_object()["/Type"] == "/Font"
    assert added.pop("/Extensions") == EXTENSION
    assert added == before.inside(before.root)
    page = before.inside(before.pages[1].get_object())
    assert after.inside(after.pages[1].get_object()) == page | {"/Annots": fields, "/Tabs": "/S"}
    elements = [
        {
            "/Type": "/StructElem",
            "/S": "/Form",
            "/P": after.by_name(after.document),
            "/Pg": second,
            "/Alt": label,
            "/K": {"/Type": "/OBJR", "/Obj": f"field {name}", "/Pg": second},
        }
        for name, label in LABELS.items()
    ]
    children = before.inside(before.document["/K"]) + elements
    assert after.inside(after.document) == before.inside(before.document) | {"/K": children}
    first = int(before.tree["/ParentTreeNextKey"])
    numbered = [each for at, element in enumerate(elements) for each in (first + at, element)]
    parents = {"/Nums": before.inside(before.parents["/Nums"]) + numbered}
    grown = {"/ParentTreeNextKey": first + 4, "/ParentTree": parents}
    assert after.inside(after.tree) == before.inside(before.tree) | grown


def test_what_each_revision_writes(way: Way) -> None:
    read = Read(way.renewed)
    catalog, page = read.by_name(read.root), read.by_name(read.pages[1].get_object())
    structure = {read.by_name(each) for each in (read.tree, read.parents, read.document)}
    assert [read.written(number) for number in range(1, 7)] == [
        {catalog, page, *structure, "font", *(f"field {name}" for name in LABELS)},
        {"field Ordforande"},
        {"field Justerare"},
        {"field Stampel"},
        {"field Tidsstampel", catalog},
        {"field Tidsstampel2", page},
    ]


def test_what_a_signature_is_and_shows(way: Way) -> None:
    read = Read(way.renewed)
    transform = {
        "/Type": "/SigRef",
        "/TransformMethod": "/FieldMDP",
        "/Data": read.by_name(read.root),
        "/TransformParams": LOCK | {"/Type": "/TransformParams", "/V": "/1.2"},
    }
    expected: dict[str, dict[str, Any]] = {
        "Ordforande": SIGNATURE | {"/M": "D:20240301090000Z"},
        "Justerare": SIGNATURE | {"/M": "D:20240304090000Z", "/Reason": PAPER},
        "Stampel": SIGNATURE | {"/M": "D:20240304090000Z", "/Reference": [transform]},
        "Tidsstampel": STAMP,
        "Tidsstampel2": STAMP,
    }
    found = {name: read.inside(field["/V"]) for name, field in read.fields.items()}
    for said in found.values():
        assert isinstance(said.pop("/Contents"), bytes) and len(said.pop("/ByteRange")) == 4
    assert found == expected
    assert {name: read.inside(field["/AP"]) for name, field in read.fields.items() if "/AP" in field} == {
        "Ordforande": read.appearance(["Åsa Öberg", "Ordförande"], 260, 60),
        "Justerare": read.appearance(["På papper"], 260, 60),
        "Stampel": read.appearance(["Exempelkommun", "Stämplat 2024-03-04"], 260, 60),
    }


def test_who_signed_what(way: Way) -> None:
    ours, pdf = authority(), way.renewed
    embedded = list(PdfFileReader(io.BytesIO(pdf)).embedded_signatures)
    ranges = [tuple(map(int, each.byte_range)) for each in embedded]
    ends = [after + rest for _, _, after, rest in ranges]
    assert ends == [len(way.chair), len(way.attested), ends[2], len(way.sealed), len(pdf)]
    rooms = [after - length - 2 for _, length, after, _ in ranges]
    assert rooms == [2 * seal.SIGNATURE_ROOM] * 3 + [2 * room(timestamper())] * 2
    for signature, (zero, length, after, _), end in zip(embedded, ranges, ends, strict=True):
        covered = pdf[:length] + pdf[after:end]
        if signature.sig_object_type == "/DocTimeStamp":
            verify_token(cms_of(signature), sha256(covered).digest(), [CA])
            assert open_token(cms_of(signature))[0].others == ()
        else:
            opened = open_cms(cms_of(signature))
            assert opened.covers(covered) and opened.others == (CA,)
        assert zero == 0
    signers = [open_cms(cms_of(each)).certificate for each in embedded[:3]]
    assert signers == [signer().certificate, ours.seal.certificate, ours.seal.certificate]


def test_the_field_of_a_time_stamp_made_later_is_on_the_last_page() -> None:
    stamped = seal.archive(seal.prepare(bare_pdf(), ()), timestamper(), [CA], [], "Ny")
    root = PdfFileReader(io.BytesIO(stamped)).root
    field = root["/AcroForm"]["/Fields"][-1].get_object()
    assert (field["/T"], field["/TU"], field["/F"]) == ("Ny", seal.TIMESTAMP_LABEL, 132)
    assert field.raw_get("/P").idnum == root["/Pages"]["/Kids"].raw_get(-1).idnum


def test_what_is_kept_for_the_decades(way: Way) -> None:
    ours = authority()
    certificates = [certificate_der(each) for each in (ours.seal.certificate, CA, ours.timestamp.certificate)]
    for pdf, days in ((way.sealed, [SEALED_AT]), (way.renewed, [SEALED_AT, AGAIN])):
        read = Read(pdf)
        kept = read.inside(read.root["/DSS"])
        assert kept.keys() == {"/Certs", "/CRLs"}
        assert sorted(each["data"] for each in kept["/Certs"]) == sorted(certificates)
        lists = [x509.load_der_x509_crl(each["data"]) for each in kept["/CRLs"]]
        assert sorted(each.last_update_utc for each in lists) == days
        assert all(is_list_of(each["data"], [CA]) for each in kept["/CRLs"])
    until = ours.timestamp.certificate.not_valid_after_utc
    assert renewal.last_stamp(way.sealed) == renewal.ArchiveStamp(SEALED_AT, until, 1)
    assert renewal.last_stamp(way.renewed) == renewal.ArchiveStamp(AGAIN, until, 2)
    for broken in (b"no pdf", render(), way.attested):
        with pytest.raises(ValueError, match="not a sealed PDF"):
            renewal.last_stamp(broken)


def test_it_holds(way: Way) -> None:
    result = check_pdf(way.renewed, [CA], AGAIN)
    assert result.ok, result.checks
    assert [each.scan for each in result.signers] == [None, SCAN, None]


def identifier(pdf: bytes) -> list[bytes]:
    return [each.original_bytes for each in PdfFileReader(io.BytesIO(pdf)).trailer["/ID"]]


def test_every_revision_is_known_by_what_was_before() -> None:
    prepared, own = seal.prepare(render(), FIELDS), identifier(render())[0]
    assert identifier(prepared) == [own, sha256(render() + b"\n").digest()[:16]]
    signed = seal.begin(prepared, "Ordforande", ["x"], NOW).pdf
    assert identifier(signed) == [own, sha256(prepared).digest()[:16]]


def test_a_file_that_has_no_identifier_is_given_one() -> None:
    bare = bare_pdf().replace(b"/ID", b"/XX")
    own = sha256(bare + b"\n").digest()[:16]
    assert identifier(seal.prepare(bare, FIELDS)) == [own, own]


def test_a_signature_has_the_room_that_was_kept() -> None:
    begun = seal.begin(seal.prepare(render(), FIELDS), "Ordforande", ["x"], NOW, room=100)
    start, end = begun.room
    assert end - start == 202
    assert begun.digest == sha256(begun.pdf[:start] + begun.pdf[end:]).digest()
    full = bytes(range(156, 256))
    kept = begun.pdf[: start + 1] + full.hex().upper().encode() + begun.pdf[end - 1 :]
    assert seal.finish(begun, full) == kept
    with pytest.raises(seal.SealError):
        seal.finish(begun, bytes(101))


def test_a_field_stands_where_it_is_asked_for_and_shows_only_what_has_room() -> None:
    boxes = [(60.4, 640.6, 320.4, 700.6), (60, 640, 60, 700), (60, 640, 320, 640)]
    read = Read(
        seal.prepare(render(), [seal.FieldSpec(f"F{at}", "F", box, 0) for at, box in enumerate(boxes)])
    )
    rows = [read.inside(field) for field in read.fields.values()]
    assert [row["/Rect"] for row in rows] == [
        [60.0, 641.0, 320.0, 701.0],
        [60.0, 640.0, 60.0, 700.0],
        [60.0, 640.0, 320.0, 640.0],
        [0.0, 0.0, 0.0, 0.0],
    ]
    assert ["/AP" in row for row in rows] == [True, False, False, False]
    first, last = (read.by_name(page.get_object()) for page in read.pages)
    assert [row["/P"] for row in rows] == [first, first, first, last]
