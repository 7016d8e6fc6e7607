"""Signing minutes: begin, the signer's own act, and the approval that it becomes.

- Approval is the signature: MinutesApproved is appended only here, when a signing has been completed.
- Begin pins the render (the exact bytes to be signed), reserves the office's field and hands the intent to the signing
  service; what is pending is stored encrypted and survives a restart.
- Resume asks for the passphrase, lets the service sign the PDF and the statement {minutes root, render, version} in one
  act, stores both, and records the approval. If another office signed meanwhile, the act begins anew on its file, so
  that every signature stands in one document.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from api.passphrases import Passphrases
from api.wiring import SYSTEM, Municipality
from domain.approving import AbandonSigning, ApproveMinutes, BeginSigning, PinRender
from domain.errors import Forbidden, NotFound, Refused
from domain.messages import Actor, Fact, Mandate, fresh_id, stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesApproved, MinutesVersionMade, Render, SignerField
from domain.person import Person, RecordPassphrase
from domain.sources import house
from projections.paper import sheets
from projections.paper.boxes import sheet_boxes
from projections.paper.minutes import minutes_sheet
from projections.paper.render import render
from registry.clock import local, stamp
from registry.mapper import read_envelope
from registry.registry import StoredWorld
from signing import act, seal
from signing.canonical import JSON, encode
from signing.commitments import version_root
from signing.pki import AuthContext, certificate_der
from signing.providers.local import LocalProvider
from signing.providers.port import Failed, Pending, Plain
from signing.providers.port import Person as Signatory
from signing.verify import approval_statement

SEAL_FIELD, SEAL_LABEL = "Stampel", "Kommunens stämpel"
METHOD, LEVEL = "passphrase", "one-time-key"
# Said on the paper as it is: an electronic signature under the municipality's own authority, nothing more.
METHOD_TEXT = "Lösenfras och engångsnyckel, kommunens egen utfärdare"
LEVEL_TEXT = "Elektronisk underskrift"


class Overtaken(Exception):
    """Another office's signature came in between: begin the act again on top of it."""


@dataclass(frozen=True)
class Pinned:
    """A version's render as it is signed: its bytes, its minutes root, its digest."""

    pdf: bytes
    root: str
    output: str


class SigningFlow:
    """The signings of one registry."""

    def __init__(self, municipality: Municipality) -> None:
        self.m = municipality
        self.passphrases = Passphrases(municipality.vault)
        self._provider = LocalProvider(lambda: municipality.keys.authority)

    # --- passphrases

    def set_passphrase(self, link: str, passphrase: str) -> str:
        """Set a passphrase with a one-time link; the person's id."""
        person = self.passphrases.set(link, passphrase, self.m.registry.clock.now())
        self.m.execute_as(RecordPassphrase(person=person), SYSTEM)
        return person

    # --- begin

    def begin(self, minutes: str, version: int, office: str, person: str) -> dict[str, Any]:
        """Begin to sign; what the signer is shown, and the reference to go on with."""
        state = self._minutes(minutes)
        if not any(one.version == version for one in state.versions):
            raise NotFound("version", f"{minutes}/{version}")
        signing, now = fresh_id(), self.m.registry.clock.now()
        self.pin(minutes, version)
        command = BeginSigning(minutes=minutes, version=version, office=office, signing=signing)
        self.m.execute(command, person, "token")
        begun = self._act(minutes, version, office, person, now)
        self._store(signing, minutes, version, office, person, begun.plain)
        pinned = self._pinned(minutes, version)
        return {
            "signing": signing,
            "status": "pending",
            "needs": "passphrase",
            "expires": stamp(begun.started.expires),
            "visible_text": self._visible(minutes, version, office, person),
            "minutes_root": pinned.root,
            "render": pinned.output,
        }

    def pin(self, minutes: str, version: int) -> None:
        """Render a version and record the exact bytes, unless that has been done."""
        state = self._minutes(minutes)
        if any(pin.version == version for pin in state.pins):
            return
        fact, root = self._version(minutes, version)
        assert isinstance(fact.event, MinutesVersionMade)
        rendered = render(self._sheet(fact, root))
        file = self.m.files.put(f"{stream(Minutes, minutes)}/render-{version}", "working", rendered.pdf)
        command = PinRender(
            minutes=minutes,
            version=version,
            root=root,
            render=pinned_render(rendered.renderer),
            file=file,
        )
        self.m.execute_as(command, SYSTEM)

    # --- resume

    def resume(self, signing: str, person: str, passphrase: str | None) -> dict[str, Any]:
        """Go on with a signing; with the passphrase it is completed. Asking again after that gives the same answer."""
        stored = self.m.vault.get_pending(signing)
        if stored is None:
            return self._completed(signing, person)
        pending = json.loads(stored)
        if pending["person"] != person:
            raise Forbidden("another-persons-signing", house(67))
        if passphrase is None:
            return {"signing": signing, "status": "pending", "needs": "passphrase"}
        now = self.m.registry.clock.now()
        self.passphrases.check(person, passphrase, now)
        plain = {name: _from_text(value) for name, value in pending["act"].items()}
        minutes, version, office = pending["minutes"], pending["version"], pending["office"]
        while True:
            if sha256(self._base(minutes, version)).hexdigest() != pending["base"]:
                begun = self._act(minutes, version, office, person, now)
                plain = begun.plain
                pending["base"] = sha256(self._base(minutes, version)).hexdigest()
            signed = act.resume(
                self._provider, plain, self._authenticated(signing, now), self.m.registry.clock.now(),
                self.m.keys.timestamper,
            )  # fmt: skip
            match signed:
                case Pending():
                    return {"signing": signing, "status": "pending", "needs": "passphrase"}
                case Failed(code):
                    self._abandon(signing, minutes, code)
                    return {"signing": signing, "status": "failed", "reason": code}
                case act.Signed():
                    try:
                        return self._approve(pending, signing, signed)
                    except Overtaken:
                        pending["base"] = ""

    def _approve(self, pending: dict[str, Any], signing: str, signed: act.Signed) -> dict[str, Any]:
        minutes, version, office, person = (pending[name] for name in ("minutes", "version", "office", "person"))
        pinned, name = self._pinned(minutes, version), stream(Minutes, minutes)
        files = self.m.files
        command = ApproveMinutes(
            minutes=minutes,
            version=version,
            office=office,
            signing=signing,
            method=METHOD,
            level=LEVEL,
            root=pinned.root,
            render_output=pinned.output,
            cms=sha256(signed.statement_signature).hexdigest(),
            certificate=sha256(certificate_der(signed.chain[0])).hexdigest(),
            file=files.put(name, "preserved", signed.pdf),
            cms_file=files.put(name, "preserved", signed.statement_signature),
        )

        def still_on_top(world: StoredWorld) -> None:
            world.get(Minutes, minutes)  # read first: a signature that lands later makes the save a conflict
            if sha256(self._base(minutes, version)).hexdigest() != pending["base"]:
                raise Overtaken

        actor = Actor(person, Mandate(office, self._minutes(minutes).body), "token+passphrase")
        saved = self.m.execute_as(command, actor, check=still_on_top)
        self.m.vault.drop_pending(signing)
        return {"signing": signing, "status": "done", "position": saved.position, "office": office, "version": version}

    def _completed(self, signing: str, person: str) -> dict[str, Any]:
        for fact in self.m.registry.facts():
            if isinstance(fact.event, MinutesApproved) and fact.event.signing == signing:
                if fact.event.person != person:
                    break
                done = {"signing": signing, "status": "done", "position": fact.position}
                return done | {"office": fact.event.office, "version": fact.event.version}
        raise NotFound("signing", signing)

    def _abandon(self, signing: str, minutes: str, code: str) -> None:
        self.m.execute_as(AbandonSigning(minutes=minutes, signing=signing, reason=code), SYSTEM)
        self.m.vault.drop_pending(signing)

    # --- what is signed

    def prepared(self, minutes: str, version: int) -> bytes:
        """The pinned render with its empty signature fields."""
        fact, root = self._version(minutes, version)
        pinned = self._pinned(minutes, version)
        sheet = self._sheet(fact, root)
        fields = self._fields(minutes)
        *boxes, stamp_box = sheet_boxes(sheet)
        specs = [
            seal.FieldSpec(field.field, field.label, box) for field, box in zip(fields, boxes, strict=True)
        ]
        return seal.prepare(pinned.pdf, [*specs, seal.FieldSpec(SEAL_FIELD, SEAL_LABEL, stamp_box, locks=True)])

    def signed(self, minutes: str, version: int) -> bytes:
        """The PDF with the signatures made so far."""
        return self._base(minutes, version)

    def _base(self, minutes: str, version: int) -> bytes:
        """The PDF that the next signature goes into: the last one signed, or the prepared render."""
        state = self._minutes(minutes)
        if state.newest.version == version and state.approved_by:
            approved = [
                fact.event
                for fact in self.m.registry.stream(stream(Minutes, minutes))
                if isinstance(fact.event, MinutesApproved) and fact.event.version == version
            ]
            if approved:
                return self.m.files.get(approved[-1].file)
        return self.prepared(minutes, version)

    def _act(self, minutes: str, version: int, office: str, person: str, now: datetime) -> act.BegunAct:
        pinned, field = self._pinned(minutes, version), self._field(minutes, office)
        signatory = self._signatory(field, person)
        return act.begin(
            self._provider,
            pdf=self._base(minutes, version),
            field=field.field,
            lines=self._lines(field, signatory, now),
            statement=approval_statement(pinned.root, pinned.output, version),
            signer=signatory,
            visible_text=self._visible(minutes, version, office, person),
            now=now,
        )

    def _lines(self, field: SignerField, signatory: Signatory, now: datetime) -> list[str]:
        when = local(now).strftime("%Y-%m-%d kl. %H.%M")
        return [f"{signatory.common_name}, {field.label.lower()}", f"Undertecknat {when}", METHOD_TEXT, LEVEL_TEXT]

    def _visible(self, minutes: str, version: int, office: str, person: str) -> str:
        pinned, newest = self._pinned(minutes, version), self._minutes(minutes).newest
        label = self._field(minutes, office).label
        return f"{self.m.name}: {newest.word}, version {version}. Du skriver under som {label.lower()}. " + (
            f"Utskriftens SHA-256: {pinned.output}"
        )

    def _authenticated(self, signing: str, now: datetime) -> AuthContext:
        return AuthContext(self.m.settings.origin, METHOD, LEVEL, now, signing)

    # --- reading

    def _sheet(self, fact: Fact, root: str) -> sheets.Minutes | sheets.Correction:
        world = self.m.registry.world(fact.position)
        return minutes_sheet(fact, world, self.m.name, example=self.m.settings.example, root=root)

    def _minutes(self, minutes: str) -> Minutes:
        state = self.m.registry.get(Minutes, minutes)
        if not state.exists:
            raise NotFound("minutes", minutes)
        return state

    def _version(self, minutes: str, version: int) -> tuple[Fact, str]:
        for notification in self.m.registry.recorder.select_stream(stream(Minutes, minutes)):
            if notification.topic == MinutesVersionMade.TOPIC:
                envelope = read_envelope(notification)
                if envelope["data"]["version"] == version:
                    return self.m.registry.fact(notification), version_root(envelope)
        raise NotFound("version", f"{minutes}/{version}")

    def _pinned(self, minutes: str, version: int) -> Pinned:
        for pin in self._minutes(minutes).pins:
            if pin.version == version:
                return Pinned(self.m.files.get(pin.file), pin.root, pin.render.output)
        raise NotFound("render", f"{minutes}/{version}")

    def _fields(self, minutes: str) -> tuple[SignerField, ...]:
        return self._minutes(minutes).signers

    def _field(self, minutes: str, office: str) -> SignerField:
        field = self._minutes(minutes).signer(office)
        if field is None:
            raise Refused("no-such-office", house(68), office=office)
        return field

    def _signatory(self, field: SignerField, person: str) -> Signatory:
        found = self.m.registry.get(Person, person)
        return Signatory(str(found.name), found.organisation or self.m.name, field.label, person)

    def _store(
        self, signing: str, minutes: str, version: int, office: str, person: str, plain: dict[str, Plain]
    ) -> None:
        base = sha256(self._base(minutes, version)).hexdigest()
        pending: dict[str, JSON] = {
            "minutes": minutes,
            "version": version,
            "office": office,
            "person": person,
            "base": base,
            "act": {name: _to_text(value) for name, value in plain.items()},
        }
        self.m.vault.put_pending(signing, encode(pending))


def _to_text(value: Plain) -> Any:
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _from_text(value: Any) -> Plain:
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value




def pinned_render(renderer: dict[str, str]) -> Render:
    """What made a render, as its event names it."""
    return Render(
        typst=renderer["typst"],
        template=renderer["template"],
        font=renderer["fonts"],
        data=renderer["data"],
        output=renderer["output"],
    )
