"""Signing by a service outside, through the program: over HTTP, to sealed minutes that others verify; or refused.

The service and the registry are two servers here, and the test is the browser between them.
"""

from __future__ import annotations

import base64
import re
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from fastapi.testclient import TestClient

from api.app import create_app
from api.checking import verify
from api.doctor import examine
from api.exporting import export
from api.keykeeping import rotate
from api.reactions import Undone
from api.signature_service import SERVICE as SERVICE_FILE
from domain.errors import Refused
from domain.minutes_events import MinutesApproved, SigningAbandoned, SigningBegun
from domain.person import ChangeElectronicIdentity
from signing.pki import certificate_pem
from signing.signers import SIGNERS
from signing.token import Token
from tests import outside as programs
from tests.signature_service import (
    ENTITY,
    HSA_ID,
    IDP,
    LOA3,
    REQUESTER,
    Bend,
    SignatureService,
    one_time,
    straight,
)
from tests.signing_kit import signer, stranger
from tests.signings import OFFICES, Waiting
from tests.token_kit import LABEL, PIN, token_in_software  # noqa: F401  # a fixture is used by its name
from tests.web import SLUG, V1

IDENTITIES = {"karin": "SE2120000000-1A2B", "per": "SE2120000000-3C4D"}
ADDRESS = "https://registret.example.org"
SET = f"""
[signature_service]
name = "Exempeltjänsten"
url = "{{url}}/request"
entity_id = "{ENTITY}"
requester = "{REQUESTER}"
identity_provider = "{IDP}"
attribute = "{HSA_ID}"
level = "{LOA3}"
crl_urls = ["{{url}}/ca.crl"]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Waiting:
    """Minutes that wait, where everybody is known to the service."""
    made = Waiting.make(tmp_path_factory.mktemp("outside"))
    m = made.beside()
    for who, identity in IDENTITIES.items():
        command = ChangeElectronicIdentity(person=made.ids[who], identity=identity)
        m.execute(command, m.settings.operator, "operator")
    m.close()
    return made


@pytest.fixture
def outside(made: Waiting, tmp_path: Path) -> Iterator[Outside]:
    waiting = made.copied(tmp_path)
    asked_by = waiting.m.keys.requester().certificate
    service = SignatureService(asked_by, waiting.clock.now, waiting.clock.now())
    pki, settings = waiting.m.dir / "pki", waiting.m.dir / "liggare.toml"
    (pki / SERVICE_FILE).write_bytes(certificate_pem(service.certificate))
    (pki / SIGNERS).write_bytes(certificate_pem(service.issuer))
    with service.serving() as url:
        said = settings.read_text("utf-8") + f'public_url = "{ADDRESS}"\n' + SET.format(url=url)
        settings.write_text(said, "utf-8")
        yield Outside(waiting.restarted(), service)
        waiting.m.close()


class Outside:
    """A signer's browser, between the registry and the service."""

    def __init__(self, waiting: Waiting, service: SignatureService) -> None:
        self.waiting, self.service = waiting, service
        self._served = {SLUG: waiting.m}
        self._client = TestClient(create_app(self._served))

    def fetched(self, begun: dict[str, Any]) -> dict[str, str]:
        """Go to the service with a begun signing, and come back with its answer."""
        redirect = begun["redirect"]
        data = urllib.parse.urlencode(redirect["form"]).encode()
        with urllib.request.urlopen(redirect["url"], data) as answer:  # noqa: S310  # the service just started
            page = answer.read().decode()
        return {name: unescape(value) for name, value in re.findall(r"name='(\w+)' value='([^']*)'", page)}

    def given(self, begun: dict[str, Any], form: dict[str, str]) -> Any:
        """Bring an answer to the registry, as a browser does."""
        return self.client.post(f"{V1}/signings/{begun['signing']}/answer", data=form)

    @property
    def client(self) -> TestClient:
        self._served[SLUG] = self.waiting.m  # another one after a restart
        return self._client

    def sign(self, who: str) -> dict[str, Any]:
        begun = self.waiting.begin(who)
        answer = self.given(begun, self.fetched(begun))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def refused(self, begun: dict[str, Any], form: dict[str, str], code: str, status: int = 409) -> None:
        """An answer is not accepted: said in both languages, and nothing is recorded."""
        head = self.waiting.m.registry.recorder.head().position
        answer = self.given(begun, form)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert self.waiting.m.registry.recorder.head().position == head


# --- the good way
def test_both_sign_outside_and_others_verify_what_is_sealed(outside: Outside, tmp_path: Path) -> None:
    waiting = outside.waiting
    begun = waiting.begin("karin")
    assert (begun["status"], begun["needs"]) == ("pending", "signature-service")
    assert (
        waiting.resume("karin", begun["signing"])["redirect"] == begun["redirect"]
    )  # a passphrase signs nothing here
    assert outside.sign("karin")["office"] == "chair"
    waiting.later(hours=3)
    outside.sign("per")
    approvals = [fact.event for fact in waiting.happened(MinutesApproved)]
    assert {(one.method, one.level) for one in approvals} == {("signature-service", "loa3")}  # type: ignore[attr-defined]  # this kind of event has it
    waiting.react()
    assert waiting.state.sealed
    anchor = waiting.m.keys.trust_anchor
    out = tmp_path / "export"
    export(waiting.m, out)
    waiting.m.close()
    report = verify(waiting.m.dir, trust=anchor)
    assert report["ok"] and report["trusted"], report
    alone = [sys.executable, "-m", "signing.verify", str(out), "--trust", str(anchor)]
    programs.run(*alone)
    sealed = next((out / "minutes").glob("*.pdf"))
    both = tmp_path / "both.pem"
    both.write_bytes(anchor.read_bytes() + certificate_pem(outside.service.issuer))
    assert verify(sealed, trust=both)["trusted"]
    assert not verify(sealed, trust=anchor)[
        "ok"
    ]  # alone, the file cannot say whom the municipality has accepted
    assert pdfsig(sealed, anchor, outside.service.issuer) == 3
    other = signer().certificate
    (out / SIGNERS).write_bytes(certificate_pem(outside.service.issuer) + certificate_pem(other))
    assert not verify(out, trust=anchor)["ok"]


def test_an_answer_that_comes_after_a_restart_counts_and_counts_once(outside: Outside) -> None:
    begun = outside.waiting.begin("karin")
    form = outside.fetched(begun)
    outside.waiting.restarted()
    assert outside.given(begun, form).json()["status"] == "done"
    outside.refused(begun, form, "answer-used")
    outside.waiting.restarted()
    outside.refused(begun, form, "answer-used")
    assert len(outside.waiting.happened(MinutesApproved)) == 1


def test_a_browser_that_never_comes_back_is_in_nobodys_way(outside: Outside) -> None:
    lost = outside.waiting.begin("karin")
    form = outside.fetched(lost)
    again = outside.waiting.begin("karin")
    outside.refused(again, form, "answer-another-request")
    outside.waiting.later(minutes=16)
    outside.refused(lost, form, "answer-late")
    assert outside.waiting.flow.sweep() == 2
    assert outside.sign("karin")["status"] == "done"
    abandoned = [fact.event for fact in outside.waiting.happened(SigningAbandoned)]
    assert [one.reason for one in abandoned] == ["expired", "expired"]  # type: ignore[attr-defined]  # this kind of event has it


def test_whatever_the_service_does_wrongly_is_refused_and_the_right_answer_still_counts(
    outside: Outside,
) -> None:
    """Once for each thing that test_remote.py bends in every way."""
    begun = outside.waiting.begin("karin")
    outside.service.crl = lambda: b"no list"
    outside.refused(begun, outside.fetched(begun), "answer-revocation-unknown")
    outside.service.crl = None
    bends: list[tuple[str, Bend]] = [
        ("answer-altered-bytes", lambda said: said.tasks.pop()),
        ("answer-another-person", lambda said: said.attributes.update({HSA_ID: IDENTITIES["per"]})),
        ("answer-not-the-service", lambda said: setattr(said, "signed_by", signer())),
        ("answer-another-request", lambda said: setattr(said, "request", "0" * 40)),
        ("answer-wrong-signature", lambda said: setattr(said, "signer", signer())),
        ("answer-another-issuer", lambda said: setattr(said, "chain", [signer().certificate])),
        ("answer-too-weak", lambda said: setattr(said, "level", "urn:loa1")),
        (
            "answer-out-of-time",
            lambda said: setattr(said, "at", outside.waiting.clock.now() - timedelta(days=1)),
        ),
    ]
    for code, bend in bends:
        outside.service.bend = bend
        outside.refused(begun, outside.fetched(begun), code)
    outside.service.bend = straight
    form = outside.fetched(begun)
    now = outside.waiting.clock.now()
    revoked = {
        one_time(
            stranger, IDENTITIES["karin"], outside.service.issued_at, "Åsa Öberg"
        ).certificate.serial_number: now
    }
    outside.service.crl = lambda: stranger().crl(now, revoked)
    outside.refused(begun, form, "answer-revoked")
    outside.service.crl = lambda: b"no list, and so the last one counts"
    outside.refused(begun, form, "answer-revoked")
    outside.service.crl = lambda: stranger().crl(now + timedelta(seconds=1))
    assert outside.given(begun, form).json()["status"] == "done"


def test_the_service_says_that_the_signer_declined(outside: Outside) -> None:
    outside.service.bend = lambda said: setattr(
        said, "major", "urn:oasis:names:tc:dss:1.0:resultmajor:ResponderError"
    )
    begun = outside.waiting.begin("karin")
    answer = outside.given(begun, outside.fetched(begun)).json()
    assert (answer["status"], answer["reason"]) == ("failed", "service-declined")
    assert outside.waiting.resume("karin", begun["signing"])["reason"] == "service-declined"


def test_another_signature_in_between_is_told_and_the_signing_ended(outside: Outside) -> None:
    begun = {who: outside.waiting.begin(who) for who in OFFICES}
    forms = {who: outside.fetched(one) for who, one in begun.items()}
    assert outside.given(begun["per"], forms["per"]).json()["status"] == "done"
    answer = outside.given(begun["karin"], forms["karin"])
    assert (answer.status_code, answer.json()["code"]) == (409, "answer-overtaken")
    assert outside.waiting.resume("karin", begun["karin"]["signing"])["reason"] == "overtaken"
    assert outside.sign("karin")["status"] == "done"
    assert outside.waiting.state.approved


def test_what_is_no_answer_is_refused_before_it_is_looked_at(outside: Outside) -> None:
    begun = outside.waiting.begin("karin")
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    outside.refused(
        begun, {"RelayState": "x", "EidSignResponse": base64.b64encode(bomb).decode()}, "answer-unreadable"
    )
    outside.refused(begun, {"RelayState": "x"}, "answer-unreadable")
    outside.refused(begun, {"EidSignResponse": "x" * (5 << 20)}, "body-too-large", 413)
    outside.refused(begun, {f"f{number}": "x" for number in range(9)}, "answer-unreadable", 400)
    outside.refused({"signing": "0" * 16}, {"RelayState": "x"}, "not-found", 404)
    at = f"{V1}/signings/{begun['signing']}/answer"
    assert outside.client.post(at, json={}).json()["code"] == "body-not-form"
    said = {"Content-Type": "application/x-www-form-urlencoded"}
    assert outside.client.post(at, content="a=1&a=2", headers=said).status_code == 400


def test_nobody_signs_before_everything_is_set(outside: Outside) -> None:
    waiting = outside.waiting
    assert doctor(waiting)["ok"] and "Exempeltjänsten" in doctor(waiting)["detail"]
    for file in (SERVICE_FILE, SIGNERS):
        kept = (waiting.m.keys.folder / file).read_bytes()
        (waiting.m.keys.folder / file).write_bytes(b"no certificate")
        with pytest.raises(Refused, match="signature-service-not-ready"):
            waiting.begin("karin")
        assert doctor(waiting)["ok"] is False and file in doctor(waiting)["detail"]
        (waiting.m.keys.folder / file).write_bytes(kept)
    farida = waiting.ids["farida"]
    with pytest.raises(Refused, match="identity-unknown"):
        waiting.flow.begin(waiting.minutes, 1, "chair", farida)
    assert not waiting.happened(SigningBegun)


def test_what_was_begun_outside_is_not_finished_here_when_the_setting_is_gone(outside: Outside) -> None:
    begun = outside.waiting.begin("karin")
    form = outside.fetched(begun)
    settings = outside.waiting.m.dir / "liggare.toml"
    settings.write_text(settings.read_text("utf-8").partition("\n[signature_service]")[0], "utf-8")
    outside.waiting.restarted()
    outside.refused(begun, form, "signature-service-not-ready", 503)
    with pytest.raises(Refused, match="signature-service-not-ready"):
        outside.waiting.resume("karin", begun["signing"])


# --- the municipality's seal
def test_minutes_are_sealed_by_a_key_on_a_token_and_wait_while_it_is_away(
    token: Token, tmp_path: Path
) -> None:
    waiting = Waiting.make(tmp_path)
    pin, settings = tmp_path / "keys" / "pin", waiting.m.dir / "liggare.toml"
    pin.write_text(PIN)
    said = f'\n[seal_token]\nmodule = "{token.module}"\nlabel = "{LABEL}"\npin_file = "../keys/pin"\n'
    settings.write_text(settings.read_text("utf-8") + said, "utf-8")
    waiting.restarted()
    assert not key_there(waiting)
    rotate(waiting.m, "seal")
    assert b"PRIVATE" not in (waiting.m.keys.folder / "seal.key.pem").read_bytes()
    waiting.restarted()
    assert key_there(waiting)
    for who in ("karin", "per"):
        waiting.sign(who)
    pin.write_text("0815")
    with pytest.raises(Undone, match="PinIncorrect"):
        waiting.react()
    assert not key_there(waiting) and not waiting.state.sealed
    pin.write_text(PIN)
    waiting.react()
    assert waiting.state.sealed
    report = verify(waiting.m.dir, trust=waiting.m.keys.trust_anchor)
    assert report["ok"] and report["trusted"], report
    waiting.m.close()


def key_there(waiting: Waiting) -> bool:
    """Whether doctor finds the seal's key where it is to be."""
    (found,) = (one for one in examine(waiting.m.dir)["checks"] if one["check"] == "seal-key")
    return bool(found["ok"])


def doctor(waiting: Waiting) -> dict[str, Any]:
    """What doctor says of where persons sign."""
    found: dict[str, Any]
    (found,) = (one for one in examine(waiting.m.dir)["checks"] if one["check"] == "signing")
    return found


def pdfsig(sealed: Path, *certificates: Path | x509.Certificate) -> int:
    """How many signatures pdfsig finds valid, by authorities it was told to trust; a certificate may have ended."""
    tool, certutil = programs.need("pdfsig"), programs.need("certutil")
    store = sealed.parent / "nss"
    store.mkdir()
    programs.run(certutil, "-N", "-d", f"sql:{store}", "--empty-password")
    for number, each in enumerate(certificates):
        pem = store / f"{number}.pem"
        pem.write_bytes(each.read_bytes() if isinstance(each, Path) else certificate_pem(each))
        programs.run(certutil, "-A", "-d", f"sql:{store}", "-n", f"a{number}", "-t", "CT,C,C", "-i", pem)
    said = programs.run(tool, "-nssdir", f"sql:{store}", sealed)
    return min(
        said.count("Signature is Valid."), len(re.findall(r"Certificate (is Trusted|has Expired)", said))
    )
