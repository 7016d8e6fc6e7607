"""Signatures inside a PDF: prepare the fields, sign them one by one, lock the whole with the seal (PAdES).

- Order: one revision creates every empty field; the persons sign; the municipality seals last. The seal's
  field locks every field but the archive time stamp's, with permission 1 (FieldMDP and P, ISO 32000-2
  section 12.7.5.5): any signature or edit after it shows as an illegal change, while archive time stamps
  stay allowed.
- Every revision is appended after one line feed: the render is a byte prefix of the prepared file, which is
  one of every later file, and where the render ended can be told exactly (`pades_check.first_revision`).
- The seal ends the file at level B-LTA: signature, signature time stamp, certificates and revocation list
  in the security store, document time stamp over it all (EN 319 142-1 section 6). The time stamp's own
  field is made with the others, so that it too has a name and a place in the structure tree; were it locked
  with the rest, filling it would break the seal.
- Accessibility (PDF/UA-1, ISO 14289-1 section 7.18): each field has a name for screen readers (TU), its
  widget is an OBJR child of a Form structure element, and its page keeps structure order.
- PDF/A: the metadata is not touched (pyHanko would rewrite its dates), appearances are our own with the
  font embedded, widgets print.
- The second half of the file identifier is a digest of what came before: the same input gives the same
  bytes.
- The field of a person who signed a print by hand is filled by the municipality, whose signature says that and which
  scan it has: an attestation, and never called the person's signature.
- Signing is begun and finished apart, with plain data between, so that a provider may answer minutes later
  in another process.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
    ensure_sig_flags,
)
from pyhanko.sign.signers import constants
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import (
    DocumentTimestamp,
    PdfSignedData,
    SignatureObject,
)
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from signing import cms
from signing.appearance import embed_font, text_box
from signing.pki import Credential, certificate_der, whole_second
from signing.signed_data import signed_attributes
from signing.timestamp import room as room_of
from signing.timestamp import stamp

TIMESTAMP_FIELD, TIMESTAMP_LABEL = "Tidsstampel", "Tidsstämpel för arkivering"
SIGNATURE_ROOM = 12 * 1024  # bytes kept for one CMS with a time stamp inside; the rest is zeros
FONT_KEY = "/Liggare"
LOCKED = FieldMDPSpec(FieldMDPAction.EXCLUDE, [TIMESTAMP_FIELD])


class SealError(ValueError):
    """The PDF cannot be prepared or signed as asked."""


@dataclass(frozen=True)
class FieldSpec:
    """One signature field: a name for machines, a label for people, and a place (underskriftsfält)."""

    name: str
    label: str
    box: tuple[float, float, float, float]
    page: int = -1
    locks: bool = False


@dataclass(frozen=True)
class Begun:
    """A PDF with room for one signature, and the digest that is to be signed."""

    pdf: bytes
    digest: bytes
    room: tuple[int, int]


class _Revision(IncrementalPdfFileWriter):
    """An appended revision that leaves metadata alone and takes no randomness."""

    def _update_meta(self) -> None:
        """Dates in the metadata stay as the render wrote them."""

    @classmethod
    def _handle_id(cls, prev: Any) -> generic.ArrayObject:
        prev.stream.seek(0)
        second = hashlib.sha256(prev.stream.read()).digest()[:16]
        first = prev.trailer["/ID"][0].original_bytes if "/ID" in prev.trailer else second
        return generic.ArrayObject([generic.ByteStringObject(first), generic.ByteStringObject(second)])


def prepare(pdf: bytes, fields: Sequence[FieldSpec]) -> bytes:
    """Append one revision with the empty fields, ready for `sign` and `lock`."""
    writer = _open(pdf + b"\n")
    if "/AcroForm" in writer.root:
        raise SealError("the document already has form fields")
    if len({f.name for f in fields} | {TIMESTAMP_FIELD}) != len(fields) + 1:
        raise SealError("two fields have the same name")
    writer.register_extension(constants.ESIC_EXTENSION_1)
    font_ref = embed_font(writer)
    for field in fields:
        x1, y1, x2, y2 = field.box
        append_signature_field(
            writer,
            SigFieldSpec(
                field.name,
                on_page=field.page,
                box=(round(x1), round(y1), round(x2), round(y2)),
                readable_field_name=field.label,
                field_mdp_spec=LOCKED if field.locks else None,
                doc_mdp_update_value=MDPPerm.NO_CHANGES,  # of the lock, where there is one
            ),
        )
    append_signature_field(
        writer, SigFieldSpec(TIMESTAMP_FIELD, on_page=-1, readable_field_name=TIMESTAMP_LABEL)
    )
    ensure_sig_flags(writer)  # what follows is appended
    form = writer.root["/AcroForm"]
    form["/DR"] = generic.DictionaryObject(
        {pdf_name("/Font"): generic.DictionaryObject({pdf_name(FONT_KEY): font_ref})}
    )
    for ref in form["/Fields"]:
        widget = ref.get_object()
        _draw(writer, widget, [widget["/TU"]], font_ref)
        _put_in_structure(writer, ref)
    return _written(writer)


def begin(
    pdf: bytes,
    field: str,
    lines: Sequence[str],
    signing_time: datetime,
    room: int = SIGNATURE_ROOM,
    reason: str | None = None,
) -> Begun:
    """Fill a field with its appearance and a signature dictionary with a hole; say what is to be signed."""
    writer = _open(pdf)
    signature = SignatureObject(
        timestamp=whole_second(signing_time),
        subfilter=SigSeedSubFilter.PADES,
        reason=reason,
        bytes_reserved=2 * room,
    )
    return _fill(writer, field, signature, lines)


def attributes(begun: Begun, certificate: x509.Certificate) -> bytes:
    """The DER a signer's key signs for this PDF, once its certificate is known."""
    return signed_attributes(begun.digest, certificate)


def finish(begun: Begun, signature: bytes) -> bytes:
    """Put a finished CMS into the hole."""
    start, end = begun.room[0] + 1, begun.room[1] - 1  # between the signs that open and close the string
    if len(signature) * 2 > end - start:
        raise SealError("the signature is larger than the room kept for it")
    digits = signature.hex().upper().ljust(end - start, "0")
    return begun.pdf[:start] + digits.encode() + begun.pdf[end:]


def sign(
    pdf: bytes,
    field: str,
    signer: Credential,
    chain: Sequence[x509.Certificate],
    lines: Sequence[str],
    signing_time: datetime,
    timestamper: TimeStamper | None = None,
    reason: str | None = None,
) -> bytes:
    """Begin, sign and finish in one go, with a key at hand."""
    begun = begin(pdf, field, lines, signing_time, reason=reason)
    to_sign = attributes(begun, signer.certificate)
    return finish(
        begun, cms.complete(to_sign, signer.sign(to_sign), [signer.certificate, *chain], timestamper)
    )


def on_paper(scan: str) -> str:
    """The reason in the municipality's signature in the field of somebody who signed a print by hand."""
    return f"Underskrift på papper; den skannade utskriftens fil {scan}"


def lock(
    pdf: bytes,
    field: str,
    seal: Credential,
    chain: Sequence[x509.Certificate],
    lines: Sequence[str],
    signing_time: datetime,
    timestamper: TimeStamper,
    crls: Sequence[bytes],
    extra_certificates: Sequence[x509.Certificate] = (),
) -> bytes:
    """The municipality's seal, the security store and the archive time stamp: level B-LTA (stämpel)."""
    spec = _field(_open(pdf), field).get_object()
    if "/Lock" not in spec:
        raise SealError(f"the field {field} does not lock the document")
    sealed = sign(pdf, field, seal, chain, lines, signing_time, timestamper)
    return archive(
        sealed, timestamper, [seal.certificate, *chain, *extra_certificates], crls, TIMESTAMP_FIELD
    )


def archive(
    pdf: bytes,
    timestamper: TimeStamper,
    certificates: Sequence[x509.Certificate],
    crls: Sequence[bytes],
    field: str,
) -> bytes:
    """Append validation data and a document time stamp; used at sealing and again at every renewal."""
    writer = _open(pdf)
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[asn1_x509.Certificate.load(certificate_der(c)) for c in certificates],
        crls=[asn1_crl.CertificateList.load(c) for c in crls],
    )
    if all(ref.get_object()["/T"] != field for ref in writer.root["/AcroForm"]["/Fields"]):
        append_signature_field(writer, SigFieldSpec(field, on_page=-1, readable_field_name=TIMESTAMP_LABEL))
    begun = _fill(writer, field, DocumentTimestamp(bytes_reserved=2 * room_of(timestamper)))
    return finish(begun, stamp(timestamper, begun.digest))


def _open(pdf: bytes) -> _Revision:
    try:
        return _Revision(io.BytesIO(pdf))
    except PdfError as fault:
        raise SealError(f"not a readable PDF: {fault}") from fault


def _written(writer: _Revision) -> bytes:
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]  # pyHanko's own signature
    return out.getvalue()


def _field(writer: _Revision, name: str) -> generic.IndirectObject:
    for ref in writer.root["/AcroForm"]["/Fields"] if "/AcroForm" in writer.root else ():
        if ref.get_object()["/T"] == name:
            found: generic.IndirectObject = ref
            return found
    raise SealError(f"there is no field {name}")


def _fill(writer: _Revision, name: str, signature: PdfSignedData, lines: Sequence[str] = ()) -> Begun:
    ref = _field(writer, name)
    widget = ref.get_object()
    if "/V" in widget:
        raise SealError(f"the field {name} is already signed")
    if lines:
        font_ref = writer.root["/AcroForm"]["/DR"]["/Font"].raw_get(FONT_KEY)
        _draw(writer, widget, lines, font_ref)
    mdp = (
        SigMDPSetup("sha256", field_lock=LOCKED, docmdp_perms=MDPPerm.NO_CHANGES)
        if "/Lock" in widget
        else None
    )
    steps = PdfCMSEmbedder().write_cms(name, writer)
    next(steps)
    steps.send(SigObjSetup(sig_placeholder=signature, mdp_setup=mdp))
    prepared, out = steps.send(SigIOSetup(md_algorithm="sha256"))
    return Begun(
        out.getvalue(),
        prepared.document_digest,
        (prepared.reserved_region_start, prepared.reserved_region_end),
    )


def _draw(
    writer: _Revision,
    widget: generic.DictionaryObject,
    lines: Sequence[str],
    font_ref: generic.IndirectObject,
) -> None:
    x1, y1, x2, y2 = (float(v) for v in widget["/Rect"])
    if x2 - x1 and y2 - y1:
        box = writer.add_object(text_box(lines, x2 - x1, y2 - y1, font_ref))
        widget["/AP"] = generic.DictionaryObject({pdf_name("/N"): box})


def _put_in_structure(writer: _Revision, widget_ref: generic.IndirectObject) -> None:
    """Make the widget a child of a Form element, last in the document (ISO 32000-1 section 14.7.4.3)."""
    if "/StructTreeRoot" not in writer.root:
        return
    widget = widget_ref.get_object()
    tree = writer.root["/StructTreeRoot"]
    parents, top = tree["/ParentTree"], tree["/K"]
    document_ref = top.raw_get(0) if isinstance(top, generic.ArrayObject) else tree.raw_get("/K")
    document = document_ref.get_object()
    key = int(tree["/ParentTreeNextKey"])
    element = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/StructElem"),
            pdf_name("/S"): pdf_name("/Form"),
            pdf_name("/P"): document_ref,
            pdf_name("/Pg"): widget.raw_get("/P"),
            pdf_name("/Alt"): generic.TextStringObject(widget["/TU"]),
            pdf_name("/K"): generic.DictionaryObject(
                {
                    pdf_name("/Type"): pdf_name("/OBJR"),
                    pdf_name("/Obj"): widget_ref,
                    pdf_name("/Pg"): widget.raw_get("/P"),
                }
            ),
        }
    )
    element_ref = writer.add_object(element)
    children = document["/K"]
    if not isinstance(children, generic.ArrayObject):
        children = document["/K"] = generic.ArrayObject([document.raw_get("/K")])
    children.append(element_ref)
    parents["/Nums"].extend([generic.NumberObject(key), element_ref])
    tree["/ParentTreeNextKey"] = generic.NumberObject(key + 1)
    widget["/StructParent"] = generic.NumberObject(key)
    widget["/P"].get_object()["/Tabs"] = pdf_name("/S")
    for changed in (tree, parents, document, children):
        writer.update_container(changed)
