"""The archive time stamps of a sealed PDF, each around all that stood before it, and what of them still holds.

- A stamp is judged as of the earliest moment at which something later proves that it existed: the next stamp, or a
  proof from outside, such as a time-stamped checkpoint of a log that names the file. The last one is judged as of now.
  At that moment its certificate was valid and not yet revoked, or it proves nothing. So an ended stamp holds if it was
  renewed before it ended, and one whose key somebody else had from a day on holds if it is proven to be from before
  that day (EN 319 102-1 section 5.6.2, in the manner of RFC 4998 section 5.3).
- Within the innermost stamp the file is what it was when it was sealed, and is judged as of then: later revocation
  lists say nothing of certificates that had ended, and are held only against what they name.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import tsp
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError

from signing.coverage import cms_of
from signing.signed_data import require_issued
from signing.timestamp import open_token

DOCUMENT_TIMESTAMP = "/DocTimeStamp"
Proof = tuple[int, datetime]  # the first so many bytes of the file existed then


@dataclass(frozen=True)
class Layer:
    """One archive time stamp: the length of what it ends, what it says, and as of when it is judged."""

    end: int
    at: datetime
    judged: datetime
    signature: EmbeddedPdfSignature


def layers(
    embedded: Sequence[EmbeddedPdfSignature], now: datetime, proofs: Sequence[Proof] = ()
) -> list[Layer]:
    """The archive time stamps, the innermost first. CmsError if one cannot be read."""
    found: list[Layer] = []
    for signature in reversed([s for s in embedded if s.sig_object_type == DOCUMENT_TIMESTAMP]):
        end, at = _end(signature), open_token(cms_of(signature))[1]
        later = [layer.at for layer in found] + [time for size, time in proofs if size >= end and time >= at]
        found.insert(0, Layer(end, at, min([now, *later]), signature))
    return found


def ends(pdf: bytes) -> list[int]:
    """How long the file was at each archive time stamp; the last is its length. ValueError if it cannot be read."""
    try:
        stamps = PdfFileReader(io.BytesIO(pdf)).embedded_timestamp_signatures
        return [_end(stamp) for stamp in stamps]
    except Exception as fault:  # hostile bytes may raise anything inside the parser
        raise ValueError(f"not a readable PDF: {fault}") from fault


def _end(signature: EmbeddedPdfSignature) -> int:
    _, _, after, rest = map(int, signature.byte_range)
    return after + rest


def fault(
    pdf: bytes, layer: Layer, roots: Sequence[x509.Certificate], crls: Sequence[bytes] = ()
) -> str | None:
    """Why an archive time stamp does not hold; None if it does."""
    start, length, after, rest = map(int, layer.signature.byte_range)
    covered = pdf[start : start + length] + pdf[after : after + rest]
    try:
        opened = open_token(cms_of(layer.signature))[0]
        imprint = tsp.TSTInfo.load(opened.content)["message_imprint"]
        hashed = hashlib.new(imprint["hash_algorithm"]["algorithm"].native, covered).digest()
        if hashed != imprint["hashed_message"].native:
            return "the archive time stamp is over other bytes"
        for at, lists in ((layer.at, ()), (layer.judged, crls)):
            require_issued(opened.certificate, roots, at, lists, opened.others)
    except ValueError as error:  # also CmsError
        return str(error)
    return None


def lists_in(reader: PdfFileReader) -> list[bytes]:
    """The revocation lists that the file carries."""
    try:
        return [stream.get_object().data for stream in DocumentSecurityStore.read_dss(reader).crls]
    except NoDSSFoundError:
        return []
