"""Documents: registered once, with what is known and nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from domain.document import Document, DocumentRegistered, RegisterDocument
from domain.matter import MatterOpened, MatterVoided
from domain.messages import Event, Known
from domain.sources import house
from tests.given import DictWorld, fact, given, ident

DOCUMENT, MATTER, FILE = ident(1), ident(2), "ab" * 32
OPENED = MatterOpened(
    matter=MATTER, body=ident(3), title=Known("Översyn"), diarienummer="KS23.276", external=True
)


def register(**changes: object) -> RegisterDocument:
    fields = {
        "document": DOCUMENT,
        "title": "Lägesbild",
        "media_type": "application/pdf",
        "size": 1234,
        "file": FILE,
        "direction": "incoming",
    }
    return RegisterDocument.model_validate(fields | changes)


def test_a_document_is_registered_with_all_that_is_known() -> None:
    command = register(
        matter=MATTER, date=date(2024, 3, 1), sender="Anna Ek, Polisen", secrecy="OSL 18 kap. 1 §"
    )
    registered = DocumentRegistered(
        document=DOCUMENT,
        matter=MATTER,
        title=Known("Lägesbild"),
        media_type="application/pdf",
        size=1234,
        file=FILE,
        direction="incoming",
        date=date(2024, 3, 1),
        sender=Known("Anna Ek, Polisen"),
        secrecy="OSL 18 kap. 1 §",
    )
    state = (
        given({f"matter-{MATTER}": [OPENED]})
        .when(command)
        .then(registered)
        .saved()
        .world.get(Document, DOCUMENT)
    )
    assert state.exists
    assert (state.matter, state.date, state.secrecy) == (MATTER, date(2024, 3, 1), "OSL 18 kap. 1 §")
    assert (state.title, state.sender) == (Known("Lägesbild"), Known("Anna Ek, Polisen"))


def test_what_is_not_known_is_absent() -> None:
    state = given().when(register()).saved().world.get(Document, DOCUMENT)
    assert (state.matter, state.date, state.sender, state.secrecy) == ("", None, None, "")
    assert (state.media_type, state.size, state.file, state.direction) == (
        "application/pdf",
        1234,
        FILE,
        "incoming",
    )


def test_a_document_is_registered_once() -> None:
    given().when(register()).saved().when(register()).then_refused("id-taken", house(10))
    assert not DictWorld().get(Document, DOCUMENT).exists


def test_its_matter_is_in_the_registry_and_not_void() -> None:
    given().when(register(matter=MATTER)).then_refused("not-found", house(1))
    void: list[Event] = [OPENED, MatterVoided(matter=MATTER, reason=Known("dubblett"))]
    given({f"matter-{MATTER}": void}).when(register(matter=MATTER)).then_refused("matter-voided", house(18))


@pytest.mark.parametrize(
    "wrong",
    [
        {"media_type": "pdf"},
        {"media_type": "Text/HTML"},
        {"size": -1},
        {"direction": "sideways"},
        {"file": "ab"},
    ],
)
def test_a_malformed_document_is_not_asked_for(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        register(**wrong)


def test_an_event_of_another_stream_changes_nothing() -> None:
    state = Document()
    assert state.evolve(fact(OPENED)) is state
