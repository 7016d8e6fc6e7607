"""Copies of minutes, whole or of some items, masked: printed, sealed by the municipality, registered, and provable.

- What the copy shows is disclosed in the proof that lies in its PDF (signing/copies.py): salt and value of those
  fields, opened from the version's own event. Of what is covered, and of other items, only the commitments are there.
- The proof leads over the approvals and the seal, which are events of the log, to the newest checkpoint. A copy for
  the web brings no detached signatures: they name persons.
- On paper a QR code leads to the proof: an address with a code that only the copy's own paper has. Whoever has it may
  fetch the proof without saying who they are; it holds nothing that the paper does not show.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

from api.access import authorise
from api.intake import Intake, bring
from api.prints import SEAL_FIELD, SEAL_LABEL, Prints, events
from api.proofs import shown
from api.wiring import Municipality
from domain.copying import MakeCopy, covered
from domain.document import Covering, Document, Purpose
from domain.errors import NotFound
from domain.extracting import extractable
from domain.lookup import existing
from domain.messages import Event, Fact, fresh_id
from domain.minutes import Minutes
from domain.minutes_events import MinutesApproved, MinutesSealed, MinutesVersionMade, PaperApprovalRecorded
from projections.evidence import inclusion
from projections.paper import render
from projections.paper.boxes import sheet_boxes
from projections.paper.copy import copy_sheet
from registry.clock import local, stamp
from registry.mapper import read_envelope
from registry.registry import Saved
from signing import seal
from signing.checkpoint import Checkpoint
from signing.commitments import is_sealed, split
from signing.copies import Copy, Shown, attached
from signing.export import read_if_there
from signing.note import Note
from signing.signers import SIGNERS, SIGNERS_SIGNATURE
from signing.vkeys import VKEYS, VKEYS_SIGNATURE

NOTHING = "0" * 64
HEAD = ("municipality", "stream", "version", "topic")


def make(
    municipality: Municipality,
    person: str,
    assurance: str,
    minutes: str,
    purpose: str,
    items: list[int],
    coverings: list[Covering],
    matter: str | None = None,
) -> tuple[MakeCopy, Saved]:
    """Print a copy with its proof, seal it, and register it as a document."""
    registry = municipality.registry
    said: dict[str, Any] = {
        "document": fresh_id(), "minutes": minutes, "items": items, "purpose": purpose, "coverings": coverings,
        "matter": matter,
    }  # fmt: skip
    asked = MakeCopy(**said, title="?", size=0, file=NOTHING, sha256=NOTHING, root=NOTHING, position=1)
    authorise(asked, person, assurance, registry.world(), local(registry.now()))
    pdf, shown_as = printed(municipality, asked.document, minutes, asked.purpose, items, coverings)
    intake = Intake([pdf])
    said |= shown_as

    def command(file: str) -> MakeCopy:
        return MakeCopy(**said, size=intake.size, sha256=intake.sha256, file=file)

    saved = bring(municipality, person, assurance, said["document"], intake, command)
    return command(NOTHING), saved


def printed(
    municipality: Municipality,
    document: str,
    minutes: str,
    purpose: Purpose,
    items: list[int],
    coverings: list[Covering],
) -> tuple[bytes, dict[str, Any]]:
    """A copy with its proof and seal, and what its registration says of it."""
    registry = municipality.registry
    state = existing(registry.world(), Minutes, minutes)
    extractable(state, items)
    hidden = covered(state.newest, coverings, purpose)
    fact, root = Prints(municipality).version(minutes, state.newest.version)
    chosen = items or list(state.newest.covers)
    sheet = copy_sheet(
        fact, chosen, hidden, purpose, registry.world(fact.position), municipality.name,
        example=municipality.settings.example, root=root, qr=address(municipality, document),
        made_at=stamp(registry.now()),
    )  # fmt: skip
    proof = _proof(municipality, fact, chosen, hidden, signed=purpose != "web")
    assert proof.root == root, "the proof is of the version that is copied"
    pdf = sealed(municipality, render(sheet, proof=proof.write()).pdf, sheet_boxes(sheet)[0])
    kind, source = sheet.head.kind, sheet.concerns[0].value
    return pdf, {"root": root, "title": f"{kind}: {source}"[:300], "position": fact.position}


def sealed(m: Municipality, pdf: bytes, box: tuple[float, float, float, float]) -> bytes:
    """A copy with the municipality's seal, and no other signature."""
    keys, now = m.keys, m.registry.now()
    authority = keys.authority
    return seal.lock(
        seal.prepare(pdf, [seal.FieldSpec(SEAL_FIELD, SEAL_LABEL, box, locks=True)]),
        SEAL_FIELD,
        authority.seal,
        [authority.ca.certificate],
        [f"Kopian stämplad av {m.name}", local(now).strftime("%Y-%m-%d kl. %H.%M")],
        now,
        keys.timestamper,
        [authority.crl(now)],
        [authority.timestamp.certificate],
    )


# --- the proof
def _proof(m: Municipality, fact: Fact, items: list[int], hidden: dict[str, str], *, signed: bool) -> Copy:
    event = fact.event
    assert isinstance(event, MinutesVersionMade)
    stored = m.registry.stored(fact.position)
    assert stored is not None, "the event's own position is in the log"
    envelope = read_envelope(stored)
    base = f"{envelope['stream']}/{envelope['version']}"
    plain, commitments = split(envelope["data"], base)
    disclosed = {}
    for path in commitments:
        place = path.removeprefix(f"{base}/")
        if place not in hidden and _is_of(event, place, items):
            opened = m.registry.mapper.disclose(path, _at(envelope["data"], place))
            if opened is not None:
                disclosed[path] = opened
    approvals = _naming(m, event)
    note, size = _checkpoint(m, max(one.position for one in approvals))
    return Copy(
        plain=[{name: envelope[name] for name in HEAD}, plain],
        commitments=commitments,
        disclosed=disclosed,
        covered={
            f"{base}/{place}": provision for place, provision in hidden.items() if _is_of(event, place, items)
        },
        events=[_shown(m, one.position, size) for one in approvals],
        cms={
            one.event.cms: m.files.get(one.event.cms_file)
            for one in approvals
            if signed and isinstance(one.event, MinutesApproved)
        },
        checkpoint=note.decode(),
        vkeys=(m.keys.folder / VKEYS).read_text("utf-8"),
        vkeys_signature=(m.keys.folder / VKEYS_SIGNATURE).read_bytes(),
        signers=read_if_there(m.keys.folder / SIGNERS).decode(),
        signers_signature=read_if_there(m.keys.folder / SIGNERS_SIGNATURE),
        origin=m.settings.origin,
    )


def _is_of(event: MinutesVersionMade, place: str, items: list[int]) -> bool:
    """Whether a field stands under one of these items, or tells of the meeting as a whole."""
    kind, number, *_ = place.split("/")
    item = event.statements[int(number)].item if kind == "statements" else int(number) or None
    return item is None or item in items


def _at(data: Any, place: str) -> dict[str, str]:
    for name in place.split("/"):
        data = data[int(name)] if isinstance(data, list) else data[name]
    assert is_sealed(data)
    return dict(data)


def _naming(m: Municipality, event: MinutesVersionMade) -> list[Fact]:
    """The events that name the version's root: its approvals and its seal, or without any the one that made it."""
    kinds: tuple[type[Event], ...] = (MinutesApproved, PaperApprovalRecorded, MinutesSealed)
    found = [
        one for one in events(m, event.minutes, *kinds) if getattr(one.event, "version", 0) == event.version
    ]
    if any(not isinstance(one.event, MinutesSealed) for one in found):
        return found
    return [
        one
        for one in events(m, event.minutes, MinutesVersionMade)
        if getattr(one.event, "version", 0) == event.version
    ]


def _checkpoint(m: Municipality, covers: int) -> tuple[bytes, int]:
    """The newest checkpoint if it covers a position, as it does since the sealing; else one signed now."""
    size, note = next(reversed(m.registry.recorder.checkpoints()), (0, b""))
    if size < covers:
        note = m.checkpoints.sign(m.registry.clock.now())
        size = Checkpoint.parse(Note.parse(note).text).size
    shown(m, size)
    return note, size


def _shown(m: Municipality, position: int, size: int) -> Shown:
    stored = m.registry.stored(position)
    assert stored is not None, "the event's own position is in the log"
    return Shown(position, stored.state, tuple(inclusion(m.views, m.registry, position, size)))


# --- where the paper leads
def address(m: Municipality, document: str) -> str:
    """What the QR code of a copy says: where its proof is, by a code that follows from nothing in the log."""
    place = f"{m.slug}/copies/{document}/{code(m, document)}"
    return f"{m.settings.public_url}/v1/{place}" if m.settings.public_url else f"liggare:{place}"


def code(m: Municipality, document: str) -> str:
    return hmac.new(m.vault.derive("codes of copies"), document.encode(), sha256).hexdigest()[:32]


def proof_of(m: Municipality, document: str, given: str) -> bytes:
    """The proof of a copy, for whoever has its code; NotFound for anybody else, whatever there is."""
    state = m.registry.get(Document, document)
    if not state.exists or not hmac.compare_digest(given, code(m, document)):
        raise NotFound("copy", document)
    proof = attached(m.files.get(state.newest.file))
    if proof is None:
        raise NotFound("copy", document)
    return proof
