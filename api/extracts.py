"""Extracts of minutes (protokollsutdrag): printed, certified, registered as a document, and provable.

- The extract is printed from the sealed version's own event, so that it says what the minutes say and nothing else.
- The proof shows that it belongs to the whole (Al9): the version's envelope, whose hash is a leaf of the log; the
  leaf's way to a signed checkpoint; and, of the items extracted and the first page, the salt and value of each sealed
  field, which give the commitments that stand in the envelope. Of other items nothing is opened.
"""

from __future__ import annotations

from typing import Any

from api.access import authorise
from api.intake import Intake, bring
from api.prints import Prints
from api.wiring import Municipality
from domain.document import Document, ExtractCertified
from domain.errors import NotFound
from domain.extracting import CertifyExtract, extractable
from domain.lookup import existing
from domain.messages import Fact, fresh_id, stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesVersionMade
from domain.person import Person
from projections.paper import render, sheets
from projections.paper.extract import extract_sheet
from projections.paper.words import text
from registry.clock import local, stamp
from registry.mapper import read_envelope
from registry.registry import Saved
from signing.commitments import is_sealed

NOTHING = "0" * 64


def certify(
    municipality: Municipality,
    person: str,
    assurance: str,
    minutes: str,
    items: list[int],
    place: str,
    matter: str | None = None,
) -> tuple[CertifyExtract, Saved]:
    """Print an extract, and register it as a document that the person certifies."""
    registry = municipality.registry
    said: dict[str, Any] = {
        "document": fresh_id(), "minutes": minutes, "items": items, "place": place, "matter": matter,
    }  # fmt: skip
    asked = CertifyExtract(**said, title="?", size=0, file=NOTHING, sha256=NOTHING, root=NOTHING, position=1)
    authorise(asked, person, assurance, registry.world(), local(registry.now()))
    state = existing(registry.world(), Minutes, minutes)
    extractable(state, items)
    fact, root = Prints(municipality).version(minutes, state.newest.version)
    who = existing(registry.world(), Person, person)
    certifier = sheets.Signer(
        name=text(who.name) if who.name else sheets.UNKNOWN, role=str(who.title or "Bestyrkt av")
    )
    sheet = extract_sheet(
        fact, items, registry.world(fact.position), municipality.name, example=municipality.settings.example,
        root=root, certifier=certifier, place=place, certified_at=stamp(registry.now()),
    )  # fmt: skip
    intake = Intake([render(sheet).pdf])
    said |= {"root": root, "title": f"Utdrag ur {sheet.source}"[:300], "position": fact.position}

    def command(file: str) -> CertifyExtract:
        return CertifyExtract(**said, size=intake.size, sha256=intake.sha256, file=file)

    saved = bring(municipality, person, assurance, said["document"], intake, command)
    return command(NOTHING), saved


def disclosed(municipality: Municipality, document: str) -> tuple[ExtractCertified, dict[str, Any]]:
    """What an extract was taken from, and what opens the parts of it that were extracted."""
    certified = next(
        (
            fact.event
            for fact in _facts(municipality, stream(Document, document))
            if isinstance(fact.event, ExtractCertified)
        ),
        None,
    )
    if certified is None:
        raise NotFound("extract", document)
    registry = municipality.registry
    stored = registry.stored(certified.position)
    assert stored is not None, "the event's own position is in the log"
    envelope, made = read_envelope(stored), registry.fact(stored).event
    assert isinstance(made, MinutesVersionMade)
    data = envelope["data"]
    openings: dict[str, dict[str, str]] = {}
    for number, one in enumerate(made.statements):
        if one.item is None or one.item in certified.items:
            for name, sealed in data["statements"][number]["fields"].items():
                path = f"{envelope['stream']}/{envelope['version']}/statements/{number}/fields/{name}"
                opened = registry.mapper.disclose(path, sealed) if is_sealed(sealed) else None
                if opened is not None:
                    openings[path] = {"salt": opened[0], "value": opened[1]}
    return certified, {"envelope": stored.state.decode(), "openings": openings}


def _facts(municipality: Municipality, name: str) -> list[Fact]:
    registry = municipality.registry
    return [registry.fact(stored) for stored in registry.recorder.select_stream(name)]
