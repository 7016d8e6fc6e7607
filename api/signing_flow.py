"""Signing minutes: begin, the signer's own act, and the approval that it becomes.

- Approval is the signature: MinutesApproved is appended only here, when a signing has been completed.
- Begin reserves the office's field in the pinned print and hands the intent to the signing service; what is pending is
  stored encrypted and survives a restart.
- Resume asks for the passphrase, lets the service sign the PDF and the statement {minutes root, render, version} in one
  act, stores both, and records the approval. If another office signed meanwhile, the act begins anew on its file, so
  that every signature stands in one document.
- What can no longer become an approval (a new version, a draft gone stale) is refused before the passphrase is asked
  for: no key is made and nothing is signed in vain.
- Where a signature service is set, the signer goes there instead, and its answer comes back by the signer's browser,
  without a token: what the service has signed says whose it is. An answer that is not accepted changes nothing. Another
  office's signature in between ends the signing, since what was signed outside cannot be signed again here.
- Asked again, a signing gives the answer it gave: what became of it is read from the minutes' own events. Of a signing
  that is over only its name, its minutes and its signer are kept, and those for a month.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from api.passphrases import Passphrases
from api.prints import Prints, events
from api.settings import NAME
from api.wiring import SYSTEM, Municipality
from domain import decider
from domain.approving import AbandonSigning, ApproveMinutes, BeginSigning
from domain.errors import Forbidden, NotFound, Refused
from domain.messages import Actor, Known, Mandate, fresh_id, stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesApproved, SignerField, SigningAbandoned
from domain.person import Person, RecordPassphrase
from domain.sources import house
from registry.clock import local, stamp, unstamp
from registry.registry import StoredWorld
from signing import act
from signing.canonical import JSON, encode
from signing.pki import AuthContext, certificate_der
from signing.providers.local import LocalProvider
from signing.providers.port import Failed, Pending, Plain, Provider, Rejected, Started
from signing.providers.port import Person as Signatory
from signing.verify import approval_statement

LOCAL, SERVICE = "passphrase", "signature-service"  # the method of an approval
LEVEL = "one-time-key"
# Said on the paper as it is: an electronic signature under the municipality's own authority, nothing more.
LOCAL_TEXT = ("Lösenfras och engångsnyckel, kommunens egen utfärdare", "Elektronisk underskrift")
REMEMBERED = timedelta(days=30)
NOTHING_YET = "0" * 64


class Overtaken(Exception):
    """Another office's signature came in between: begin the act again on top of it."""


@dataclass
class Under:
    """A signing under way, or the name of one that is over (act is then empty)."""

    signing: str
    minutes: str
    version: int
    office: str
    person: str
    expires: str
    base: str
    act: dict[str, Plain]
    method: str = LOCAL  # what was begun before there was another way says nothing
    level: str = LEVEL

    def over(self, now: datetime) -> bool:
        return stamp(now) > self.expires

    def dump(self) -> bytes:
        plain = {name: _to_text(value) for name, value in self.act.items()}
        return encode(cast("dict[str, JSON]", self.__dict__ | {"act": plain}))

    @classmethod
    def load(cls, stored: bytes) -> Under:
        found = json.loads(stored)
        return cls(**found | {"act": {name: _from_text(value) for name, value in found["act"].items()}})


class SigningFlow:
    """The signings of one registry."""

    def __init__(self, municipality: Municipality) -> None:
        self.m = municipality
        self.passphrases = Passphrases(municipality.vault)
        self.prints = Prints(municipality)
        self._local = LocalProvider(lambda: municipality.keys.authority)

    def _provider(self, under: Under) -> Provider:
        """The service that a signing is by."""
        return self._local if under.method == LOCAL else self._service()

    def _service(self) -> Provider:
        from api import signature_service  # noqa: PLC0415  # XML takes its time to load, and few registries need it

        if self.m.settings.signature_service is None:
            raise Refused("signature-service-not-ready", house(70), file=NAME)
        try:
            return signature_service.connect(self.m)
        except signature_service.NotReady as error:
            values = {name: str(value) for name, value in error.values.items()}
            raise Refused("signature-service-not-ready", house(70), **values) from error

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
        signing, how = fresh_id(), self._how(person)
        command = BeginSigning(minutes=minutes, version=version, office=office, signing=signing)
        try:
            saved = self.m.execute(command, person, "token")
        except NotFound as missing:
            if missing.values["what"] != "office":
                raise
            raise Refused("no-such-office", house(68), office=office) from missing
        except Refused as refusal:
            if refusal.code != "not-pinned":
                raise
            if (signer := state.signer(office)) is None or signer.person != person:
                raise Refused("not-your-signature", house(48), office=office) from refusal
            self.prints.pin(minutes, version)  # circulated a moment ago: the reaction has not come to it yet
            saved = self.m.execute(command, person, "token")
        under = Under(signing, minutes, version, office, person, "", "", {}, *how)
        # When the log says that it began: a machine's clock may step back before the signer answers.
        started = self._begin_act(under, unstamp(saved.facts[-1].recorded_at))
        self.m.vault.put_pending(signing, under.dump())
        pinned = self.prints.pinned(minutes, version)
        return {
            "signing": signing,
            **self._needed(under, started.target, started.form),
            "expires": stamp(started.expires),
            "visible_text": self._visible(under),
            "minutes_root": pinned.root,
            "render": pinned.output,
        }

    def _how(self, person: str) -> tuple[str, str]:
        """The method and level that somebody signs by now; refused while nothing would come of it."""
        if (service := self.m.settings.signature_service) is None:
            return LOCAL, LEVEL
        if not isinstance(self.m.registry.get(Person, person).identity, Known):
            raise Refused("identity-unknown", house(70))
        self._service()
        return SERVICE, service.level_code

    # --- resume

    def resume(self, signing: str, person: str, passphrase: str | None) -> dict[str, Any]:
        """Go on with a signing; with the passphrase it is completed. Asking again after that gives the same answer."""
        stored = self.m.vault.get_pending(signing)
        if stored is None:
            raise NotFound("signing", signing)
        under = Under.load(stored)
        if under.person != person:
            raise Forbidden("another-persons-signing", house(67))
        if outcome := self._outcome(under):
            return outcome
        self._would_stand(under)
        now = self.m.registry.now()
        if under.over(now):
            return self._give_up(under, "expired")
        if under.method == SERVICE:
            waiting = act.resume(self._provider(under), under.act, None, now)
            assert isinstance(waiting, Pending)  # it is not over, and nothing was answered
            return {"signing": signing, **self._needed(under, waiting.target, waiting.form)}
        if passphrase is None:
            return {"signing": signing, **self._needed(under)}
        self.passphrases.check(person, passphrase, now)
        return self._complete(under, now)

    def _needed(
        self, under: Under, target: str | None = None, form: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """What the signer is to do next."""
        if under.method == LOCAL:
            return {"status": "pending", "needs": "passphrase"}
        return {"status": "pending", "needs": SERVICE, "redirect": {"url": target, "form": dict(form or {})}}

    # --- a service's answer

    def answer(self, signing: str, form: Mapping[str, str]) -> dict[str, Any]:
        """What a signature service has answered, brought by whoever: an approval, or refused with nothing changed."""
        stored = self.m.vault.get_pending(signing)
        under = Under.load(stored) if stored else None
        if under is None or under.method != SERVICE:
            raise NotFound("signing", signing)
        if self._outcome(under):
            raise Refused("answer-used", house(70))
        self._would_stand(under)
        now = self.m.registry.now()
        match act.resume(self._provider(under), under.act, form, now, self.m.keys.timestamper):
            case Failed(code):
                return self._give_up(under, code)
            case Rejected(code):
                raise Refused(f"answer-{code}", house(70))
            case act.Signed() as signed:
                return self._accept(under, signed)
            case other:
                raise AssertionError(other)  # something was answered, so nothing is awaited

    def _accept(self, under: Under, signed: act.Signed) -> dict[str, Any]:
        try:
            if under.base != self.prints.newest(under.minutes, under.version):
                raise Overtaken
            self._approve(under, signed)
        except Overtaken:
            self._give_up(under, "overtaken")
            raise Refused("answer-overtaken", house(70)) from None
        except Refused as refusal:
            if self._outcome(under):
                raise Refused("answer-used", house(70)) from refusal  # the same answer, a moment ago
            raise
        done = self._outcome(under)
        assert done is not None  # it has just been recorded
        return done

    def _complete(self, under: Under, now: datetime) -> dict[str, Any]:
        """The act itself, again as often as another office comes first."""
        while True:
            if under.base != self.prints.newest(under.minutes, under.version):
                expires = under.expires
                self._begin_act(under, now)
                under.expires = expires  # the signer's time runs from their own beginning
            signed = act.resume(
                self._local,
                under.act,
                AuthContext(self.m.settings.origin, under.method, under.level, now, under.signing),
                self.m.registry.now(),
                self.m.keys.timestamper,
            )
            match signed:
                case Failed(code):
                    return self._give_up(under, code)
                case act.Signed():
                    pass
                case other:
                    raise AssertionError(other)  # it was given all that it could wait for
            try:
                self._approve(under, signed)
            except Overtaken:
                pass
            except Refused:
                if not self._outcome(under):
                    raise
            if outcome := self._outcome(under):
                return outcome

    def _approve(self, under: Under, signed: act.Signed) -> None:
        files, name = self.m.files, stream(Minutes, under.minutes)
        command = self._approval(under).model_copy(
            update={
                "cms": sha256(signed.statement_signature).hexdigest(),
                "certificate": sha256(certificate_der(signed.chain[0])).hexdigest(),
                "file": files.put(name, "preserved", signed.pdf),
                "cms_file": files.put(
                    f"{name}/cms", "preserved", signed.statement_signature
                ),  # outlives the PDF
            }
        )

        def still_on_top(world: StoredWorld) -> None:
            world.get(
                Minutes, under.minutes
            )  # read first: a signature that lands later makes the save a conflict
            if self.prints.newest(under.minutes, under.version) != under.base:
                raise Overtaken

        self.m.execute_as(command, self._signer(under), check=still_on_top)

    def _would_stand(self, under: Under) -> None:
        """Refuse now what would be refused once it has been signed."""
        registry = self.m.registry
        decider.decide(self._approval(under), registry.world(), self._signer(under), local(registry.now()))

    def _approval(self, under: Under) -> ApproveMinutes:
        """The approval that a signing is to become, its signatures left open."""
        pinned = self.prints.pinned(under.minutes, under.version)
        return ApproveMinutes(
            minutes=under.minutes,
            version=under.version,
            office=under.office,
            signing=under.signing,
            method=under.method,
            level=under.level,
            root=pinned.root,
            render_output=pinned.output,
            cms=NOTHING_YET,
            certificate=NOTHING_YET,
            file=NOTHING_YET,
            cms_file=NOTHING_YET,
        )

    def _signer(self, under: Under) -> Actor:
        assurance = "token+passphrase" if under.method == LOCAL else f"{under.method}+{under.level}"
        return Actor(under.person, Mandate(under.office, self._minutes(under.minutes).body), assurance)

    # --- what became of a signing

    def _outcome(self, under: Under) -> dict[str, Any] | None:
        """How a signing ended, from the minutes' events; None while it has not. What is over is put away."""
        for fact in events(self.m, under.minutes, MinutesApproved, SigningAbandoned):
            match fact.event:
                case MinutesApproved(signing=under.signing, office=office, version=version):
                    self._put_away(under)
                    done = {"signing": under.signing, "status": "done", "position": fact.position}
                    return done | {"office": office, "version": version}
                case SigningAbandoned(signing=under.signing, reason=reason):
                    self._put_away(under)
                    return {"signing": under.signing, "status": "failed", "reason": reason}
                case _:
                    continue
        return None

    def _give_up(self, under: Under, code: str) -> dict[str, Any]:
        command = AbandonSigning(minutes=under.minutes, signing=under.signing, reason=code)
        try:
            self.m.execute_as(command, SYSTEM)
        except Refused:
            if outcome := self._outcome(under):
                return outcome
            raise
        self._put_away(under)
        return {"signing": under.signing, "status": "failed", "reason": code}

    def _put_away(self, under: Under) -> None:
        """Keep a signing's name, and no longer the document that was to be signed."""
        if under.act:
            under.act = {}
            self.m.vault.put_pending(under.signing, under.dump())

    def sweep(self) -> int:
        """Give up what has run out, put away what is over, forget it after a month; how many were touched."""
        now, touched = self.m.registry.now(), 0
        for signing in self.m.vault.pendings():
            stored = self.m.vault.get_pending(signing)
            if stored is None:
                continue
            under = Under.load(stored)
            if now - unstamp(under.expires) > REMEMBERED:
                self.m.vault.drop_pending(signing)
            elif under.act and under.over(now) and not self._outcome(under):
                try:
                    self._give_up(under, "expired")
                except Refused:  # a new version had already ended it
                    self._put_away(under)
            elif not under.act or not self._outcome(under):
                continue
            touched += 1
        return touched

    # --- what is signed

    def _begin_act(self, under: Under, now: datetime) -> Started:
        pinned, field = self.prints.pinned(under.minutes, under.version), self._field(under)
        found = self.m.registry.get(Person, under.person)
        signatory = Signatory(str(found.name), found.organisation or self.m.name, field.label, under.person)
        if isinstance(found.identity, Known):
            signatory = replace(signatory, identity=found.identity.value)
        under.base = self.prints.newest(under.minutes, under.version)
        begun = act.begin(
            self._provider(under),
            pdf=self.prints.signed(under.minutes, under.version),
            field=field.field,
            lines=self._lines(under, field, signatory, now),
            statement=approval_statement(pinned.root, pinned.output, under.version),
            signer=signatory,
            visible_text=self._visible(under),
            now=now,
            reply_to=f"{self.m.settings.public_url}/v1/{self.m.slug}/signings/{under.signing}/answer",
        )
        under.act, under.expires = begun.plain, stamp(begun.started.expires)
        return begun.started

    def _lines(self, under: Under, field: SignerField, signatory: Signatory, now: datetime) -> list[str]:
        when, service = local(now).strftime("%Y-%m-%d kl. %H.%M"), self.m.settings.signature_service
        said = LOCAL_TEXT
        if under.method == SERVICE and service:
            said = (f"E-legitimation, {service.name}", f"Elektronisk underskrift, tillitsnivå {under.level}")
        return [f"{signatory.common_name}, {field.label.lower()}", f"Undertecknat {when}", *said]

    def _visible(self, under: Under) -> str:
        newest, label = self._minutes(under.minutes).newest, self._field(under).label
        return (
            f"{self.m.name}: {newest.word}, version {under.version}. Du skriver under som {label.lower()}. "
            f"Utskriftens SHA-256: {self.prints.pinned(under.minutes, under.version).output}"
        )

    def _minutes(self, minutes: str) -> Minutes:
        state = self.m.registry.get(Minutes, minutes)
        if not state.exists:
            raise NotFound("minutes", minutes)
        return state

    def _field(self, under: Under) -> SignerField:
        field = self._minutes(under.minutes).signer(under.office)
        assert field is not None  # the signing was begun for it
        return field


def _to_text(value: Plain) -> Any:
    return {"bytes": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _from_text(value: Any) -> Plain:
    return base64.b64decode(value["bytes"]) if isinstance(value, dict) else value
