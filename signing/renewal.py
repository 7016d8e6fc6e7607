"""Keeping a sealed PDF's evidence alive: one more archive time stamp before the last one ends (EN 319 142-1, 5.4).

- A stamp proves what it covers for as long as its own certificate is valid; then only a later stamp over it does. So
  each renewal adds the revocation list of its day and a document time stamp after the file's last byte, in a field of
  its own. All that was there before stays as it was, byte for byte: the new file begins with the old one.
- The seal's lock leaves such additions free, and no others.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.timestamps import TimeStamper

from signing import seal
from signing.coverage import cms_of
from signing.timestamp import open_token


@dataclass(frozen=True)
class ArchiveStamp:
    """The last archive time stamp of a file: when it was made, until when it holds, and which in turn it is."""

    at: datetime
    until: datetime
    number: int


def last_stamp(pdf: bytes) -> ArchiveStamp:
    """What stands at the end of a sealed file. ValueError if no archive time stamp does."""
    try:
        stamps = PdfFileReader(io.BytesIO(pdf)).embedded_timestamp_signatures
        opened, at = open_token(cms_of(stamps[-1]))
    except Exception as fault:  # hostile bytes may raise anything inside the parser
        raise ValueError(f"not a sealed PDF: {fault}") from fault
    return ArchiveStamp(at, opened.certificate.not_valid_after_utc, len(stamps))


def renew(
    pdf: bytes, timestamper: TimeStamper, certificates: Sequence[x509.Certificate], crls: Sequence[bytes]
) -> bytes:
    """The same file with one more archive time stamp; `certificates` are the time stamps' and their issuers'."""
    field = f"{seal.TIMESTAMP_FIELD}{last_stamp(pdf).number + 1}"
    return seal.archive(pdf, timestamper, certificates, crls, field)
