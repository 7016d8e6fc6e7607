"""Material for the signing tests: one authority, one clock, one render and one sealed file, made once."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import typst
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from signing import seal
from signing.pki import AuthContext, Authority, Credential
from signing.timestamp import LocalTimeStamper, TimestampAuthority

NOW = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)
SEALED_AT = NOW + timedelta(days=3)
LEVEL = "http://id.elegnamnden.se/loa/1.0/loa2"

SOURCE = """
#set document(title: "Minnesanteckningar", date: datetime(year: 2024, month: 3, day: 1))
#set text(lang: "sv")
#let data = json(bytes(sys.inputs.data))
= Minnesanteckningar
Plats: #data.place
#table(columns: 2, table.header[Nr][Ärende], [1], [Öppnande])
#pagebreak()
= Underskrifter
"""

FIELDS = (
    seal.FieldSpec("Ordforande", "Underskrift av ordföranden", (60, 640, 320, 700)),
    seal.FieldSpec("Justerare", "Underskrift av justeraren", (60, 560, 320, 620)),
    seal.FieldSpec("Stampel", "Kommunens stämpel", (60, 480, 320, 540), locks=True),
)


@cache
def authority() -> Authority:
    """One authority for every test; keys are slow to make."""
    return Authority.create("Exempelkommun", NOW, "NTRSE-000000-0000")


@cache
def stranger() -> Authority:
    """Another municipality's authority, which nobody here trusts."""
    return Authority.create("Annankommun", NOW)


@cache
def signer(name: str = "Åsa Öberg", office: str = "Ordförande") -> Credential:
    """A person's key and certificate from our authority."""
    return authority().issue_signer(
        common_name=name,
        organisation="Exempelkommun",
        office=office,
        person_ref="p-4711",
        auth=context(NOW),
        now=NOW,
    )


def context(instant: datetime) -> AuthContext:
    """A log-in with a passphrase at an instant."""
    return AuthContext("Exempelkommun", "losenfras", LEVEL, instant, "session-1")


def timestamper(
    clock: Callable[[], datetime] = lambda: NOW, by: Callable[[], Authority] = authority
) -> LocalTimeStamper:
    """An authority's own time stamps behind pyHanko's port."""
    return LocalTimeStamper(TimestampAuthority(by().timestamp, clock))


@cache
def render(place: str = "Rådhuset") -> bytes:
    """A small tagged PDF/A-3a and PDF/UA-1 of two pages."""
    made = typst.Compiler(ignore_system_fonts=True).compile(
        SOURCE.encode(),
        sys_inputs={"data": json.dumps({"place": place})},
        pdf_standards=["a-3a", "ua-1"],
        timestamp=NOW,
        format="pdf",
    )
    assert isinstance(made, bytes)
    return made


def bare_pdf(shown: bytes = b"") -> bytes:
    """One untagged page, as a program that knows nothing of accessibility writes it."""
    writer = PdfFileWriter()
    contents = writer.add_object(generic.StreamObject(stream_data=shown))
    writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 595, 842)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@dataclass(frozen=True)
class Stages:
    """A document at each step of its way to the seal."""

    prepared: bytes
    chair: bytes
    both: bytes
    sealed: bytes


@cache
def stages() -> Stages:
    """The chair signs, two days later the justerare, then the municipality seals."""
    ca = authority().ca.certificate
    prepared = seal.prepare(render(), FIELDS)
    lines = ["Åsa Öberg", "Ordförande", "2024-03-01 10:00"]
    chair = seal.sign(prepared, "Ordforande", signer(), [ca], lines, NOW, timestamper())
    later = NOW + timedelta(days=2)
    second = signer("Łukasz Çelik", "Justerare")
    both = seal.sign(chair, "Justerare", second, [ca], ["Łukasz Çelik"], later, timestamper(lambda: later))
    return Stages(prepared, chair, both, lock(both))


def lock(pdf: bytes, by: Callable[[], Authority] = authority, field: str = "Stampel") -> bytes:
    """Seal a document as the municipality does."""
    ours = by()
    return seal.lock(
        pdf,
        field,
        ours.seal,
        [ours.ca.certificate],
        ["Exempelkommun", "Stämplat 2024-03-04"],
        SEALED_AT,
        timestamper(lambda: SEALED_AT, by),
        [ours.crl(SEALED_AT)],
        [ours.timestamp.certificate],
    )
