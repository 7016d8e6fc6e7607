"""Extracts: of minutes that are done, of whole items, in the matter they are about."""

from __future__ import annotations

from typing import Any

import pytest

from domain.calling import AddItem
from domain.document import Document, DocumentRegistered, ExtractCertified
from domain.drafting import CorrectMinutes, DraftMinutes, Entry
from domain.extracting import CertifyExtract
from domain.holding import CloseMeeting
from domain.matter import OpenMatter, VoidMatter
from domain.messages import Known
from domain.sources import house
from tests.council import BOARD, MEETING, MINUTES, SECRETARY, Session, seal
from tests.given import ident

pytestmark = pytest.mark.measured

MATTER, EXTRACT, SHEET = ident(0xC0), ident(0xD5), ident(0xF1)


def certify(**changes: Any) -> CertifyExtract:
    said = {
        "document": EXTRACT, "minutes": MINUTES, "items": [5], "place": "Kommunhuset", "title": "Utdrag", "size": 9,
        "file": "ab" * 32, "sha256": "cd" * 32, "root": "ef" * 32, "position": 40,
    }  # fmt: skip
    return CertifyExtract.model_validate(said | changes)


def sealed() -> Session:
    """Sealed minutes of a meeting whose fifth item is about a matter."""
    session = Session()
    session.do(OpenMatter(matter=MATTER, body=BOARD, title="Ljus", diarienummer="KS24.118"))
    session.opened().do(AddItem(meeting=MEETING, title="Ljus", matter=MATTER), CloseMeeting(meeting=MEETING))
    session.do(DraftMinutes(minutes=MINUTES, meeting=MEETING))
    session.circulated().signed("chair").signed("justerare").system(seal())
    return session


@pytest.mark.fact("Al9")
def test_an_extract_is_a_document_of_the_matter_and_names_the_whole() -> None:
    session = sealed()
    answer = session.do(certify())
    registered = answer.event(DocumentRegistered)
    assert (registered.matter, registered.kind, registered.direction) == (
        MATTER,
        "protokollsutdrag",
        "internal",
    )
    assert (registered.date, registered.sha256) == (session.now.date(), Known("cd" * 32))
    assert answer.event(ExtractCertified) == ExtractCertified(
        document=EXTRACT, minutes=MINUTES, version=1, items=(5,), person=SECRETARY, place=Known("Kommunhuset"),
        root="ef" * 32, position=40,
    )  # fmt: skip
    state = session.scenario.world.get(Document, EXTRACT)
    assert (state.extract_of, state.extracted, state.missing) == (MINUTES, (5,), ())
    session.refuse(certify(), "id-taken", house(10))


def test_an_extract_of_several_matters_is_put_where_it_is_said_to_belong() -> None:
    session = sealed()
    assert session.do(certify(items=[4, 5])).event(DocumentRegistered).matter is None
    here = session.do(certify(document=ident(1), items=[4, 5], matter=MATTER)).event(DocumentRegistered)
    assert here.matter == MATTER
    session.refuse(certify(document=ident(2), matter=ident(9)), "not-found", house(1))
    session.do(VoidMatter(matter=MATTER, reason="Dubblett"))
    session.refuse(certify(document=ident(2)), "matter-voided", house(18))


def test_only_what_is_done_and_covered_is_extracted() -> None:
    session = sealed()
    session.refuse(certify(items=[9]), "not-found", house(1))
    session.refuse(certify(minutes=ident(9)), "not-found", house(1))
    entries = [Entry(original="a", corrected="b")]
    session.do(CorrectMinutes(minutes=SHEET, corrects=MINUTES, entries=entries))
    session.refuse(certify(minutes=SHEET, items=[1]), "extract-of-finished", house(111))
    Session().drafted().refuse(certify(items=[1]), "extract-of-finished", house(111))
