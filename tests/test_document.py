"""Documents: registered once, with what is known and nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from domain.document import (
    AddDocumentVersion,
    CompleteRegistration,
    Document,
    DocumentRegistered,
    DocumentVersionAdded,
    Enclosed,
    EnclosureGiven,
    EnclosuresListed,
    LiftSecrecy,
    ListEnclosures,
    MarkSecrecy,
    RegisterDocument,
    RegistrationCompleted,
    SecrecyLifted,
    SecrecyMarked,
    Version,
)
from domain.matter import MatterOpened, MatterVoided
from domain.messages import Event, Known, SecrecyMark
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


MARK = SecrecyMark(provision="OSL 18 kap. 1 §", date=date(2024, 3, 2), authority="Kommunstyrelsen")


def test_a_document_is_registered_with_all_that_is_known() -> None:
    command = register(
        matter=MATTER, date=date(2024, 3, 1), sender="Anna Ek, Polisen", secrecy=MARK, sha256="cd" * 32,
        designation="A123/2024", kind="lägesbild", recipient="Kommunen",
    )  # fmt: skip
    registered = DocumentRegistered(
        document=DOCUMENT,
        matter=MATTER,
        designation="A123/2024",
        kind="lägesbild",
        title=Known("Lägesbild"),
        media_type="application/pdf",
        size=1234,
        file=FILE,
        sha256=Known("cd" * 32),
        direction="incoming",
        date=date(2024, 3, 1),
        sender=Known("Anna Ek, Polisen"),
        recipient=Known("Kommunen"),
        secrecy=MARK,
    )
    state = (
        given({f"matter-{MATTER}": [OPENED]})
        .when(command)
        .then(registered)
        .saved()
        .world.get(Document, DOCUMENT)
    )
    assert state.exists
    assert (state.matter, state.date, state.secrecy) == (MATTER, date(2024, 3, 1), MARK)
    assert (state.title, state.sender) == (Known("Lägesbild"), Known("Anna Ek, Polisen"))
    assert state.missing == ()


def test_what_is_not_known_is_absent_and_told_as_missing() -> None:
    state = given().when(register()).saved().world.get(Document, DOCUMENT)
    assert (state.matter, state.date, state.sender, state.secrecy) == ("", None, None, None)
    assert state.direction == "incoming"
    assert state.versions == (Version(1, "application/pdf", 1234, FILE, None),)
    assert state.missing == ("date", "designation", "sender")


@pytest.mark.parametrize(
    ("direction", "lacks"),
    [
        ("incoming", ("date", "designation", "sender")),
        ("outgoing", ("date", "designation", "recipient")),
        ("internal", ("date", "designation")),
    ],
)
def test_what_registration_asks_for_depends_on_where_it_goes(direction: str, lacks: tuple[str, ...]) -> None:
    scenario = given({f"matter-{MATTER}": [OPENED]}).when(register(direction=direction)).saved()
    assert scenario.world.get(Document, DOCUMENT).missing == lacks
    filled = {"date": date(2024, 3, 1), "sender": "Polisen", "recipient": "Polisen", "matter": MATTER}
    complete = CompleteRegistration.model_validate({"document": DOCUMENT} | filled)
    after = scenario.when(complete).saved()
    assert after.world.get(Document, DOCUMENT).missing == ()
    after.when(complete).then_nothing()
    after.when(CompleteRegistration(document=DOCUMENT)).then_nothing()


def test_the_last_entry_counts_and_what_is_absent_stands() -> None:
    scenario = given({f"matter-{MATTER}": [OPENED]}).when(register(sender="Polisn")).saved()
    mended = CompleteRegistration(document=DOCUMENT, sender="Polisen", kind="yttrande", designation="A1")
    outcome = scenario.when(mended).then(
        RegistrationCompleted(document=DOCUMENT, sender=Known("Polisen"), kind="yttrande", designation="A1")
    )
    state = outcome.saved().world.get(Document, DOCUMENT)
    assert (state.sender, state.kind, state.designation) == (Known("Polisen"), "yttrande", "A1")
    assert (state.title, state.recipient, state.date) == (Known("Lägesbild"), None, None)
    scenario.when(CompleteRegistration(document=DOCUMENT, matter=ident(9))).then_refused("not-found")


def test_a_version_follows_the_newest_and_the_earlier_stay() -> None:
    scenario = given().when(register(sha256="cd" * 32)).saved()
    second = AddDocumentVersion(
        document=DOCUMENT, base=1, media_type="text/plain", size=7, file="ef" * 32, sha256="12" * 32, note="Rättad"
    )  # fmt: skip
    outcome = scenario.when(second).then(
        DocumentVersionAdded(
            document=DOCUMENT,
            version=2,
            media_type="text/plain",
            size=7,
            file="ef" * 32,
            sha256=Known("12" * 32),
            note=Known("Rättad"),
        )
    )
    after = outcome.saved()
    state = after.world.get(Document, DOCUMENT)
    assert [one.file for one in state.versions] == [FILE, "ef" * 32]
    assert state.newest.version == 2
    after.when(second).then_refused("document-newer-version", house(100))
    third = AddDocumentVersion(document=DOCUMENT, media_type="text/plain", size=7, file="ab" * 32)
    assert after.when(third).event(DocumentVersionAdded).version == 3
    given().when(second).then_refused("not-found", house(1))


def test_a_secrecy_mark_has_its_provision_day_and_authority_and_can_be_lifted() -> None:
    scenario = given().when(register()).saved()
    scenario.when(LiftSecrecy(document=DOCUMENT, reason="Nej")).then_nothing()
    mark = MarkSecrecy(document=DOCUMENT, mark=MARK)
    marked = scenario.when(mark).then(SecrecyMarked(document=DOCUMENT, mark=MARK)).saved()
    assert marked.world.get(Document, DOCUMENT).secrecy == MARK
    marked.when(mark).then_nothing()
    lifted = marked.when(LiftSecrecy(document=DOCUMENT, reason="Prövad")).then(
        SecrecyLifted(document=DOCUMENT, reason=Known("Prövad"))
    )
    assert lifted.saved().world.get(Document, DOCUMENT).secrecy is None


@pytest.mark.fact("V11")
def test_enclosures_say_whether_they_go_along() -> None:
    scenario = (
        given().when(register()).saved().when(register(document=ident(5), title="Anteckningar")).saved()
    )
    first = EnclosureGiven(number="1", title="Anteckningar 2017-09-21", document=ident(5), enclosed=True)
    second = EnclosureGiven(number="2", title="Avtal", enclosed=False)
    listing = ListEnclosures(document=DOCUMENT, enclosures=[first, second])
    listed = (
        Enclosed(number="1", title=Known("Anteckningar 2017-09-21"), document=ident(5), enclosed=True),
        Enclosed(number="2", title=Known("Avtal"), document=None, enclosed=False),
    )
    after = scenario.when(listing).then(EnclosuresListed(document=DOCUMENT, enclosures=listed)).saved()
    assert after.world.get(Document, DOCUMENT).enclosures == listed
    after.when(listing).then_nothing()
    twice = ListEnclosures(document=DOCUMENT, enclosures=[first, first])
    after.when(twice).then_refused("enclosure-number-twice", house(101))
    itself = EnclosureGiven(number="1", title="Sig själv", document=DOCUMENT, enclosed=True)
    after.when(ListEnclosures(document=DOCUMENT, enclosures=[itself])).then_refused(
        "encloses-itself", house(101)
    )
    unknown = EnclosureGiven(number="1", title="Okänd", document=ident(9), enclosed=True)
    after.when(ListEnclosures(document=DOCUMENT, enclosures=[unknown])).then_refused("not-found", house(1))


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
