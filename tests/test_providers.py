"""One act of signing: begun, stored, resumed, checked; and what makes it fail."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing import act, cms, pki, seal
from signing.pades_check import check_pdf
from signing.providers.local import OFFER_LASTS, LocalProvider
from signing.providers.port import (
    Action,
    Answer,
    Callback,
    Done,
    Failed,
    Intent,
    Item,
    Kind,
    Pending,
    Person,
    Plain,
    SignatureType,
    SignedItem,
    Started,
    State,
)
from signing.signed_data import open_cms, signed_attributes
from tests.signing_kit import FIELDS, NOW, SEALED_AT, authority, context, lock, render, stages, timestamper

CA = authority().ca.certificate
PERSON = Person("Åsa Öberg", "Exempelkommun", "Ordförande", "p-4711")
STATEMENT = b'{"minutes_root":"00","render":"11","version":1}'
LINES = ("Åsa Öberg", "Ordförande", "2024-03-01 10:00")
MINUTE = timedelta(minutes=1)


def provider() -> LocalProvider:
    return LocalProvider(authority)


def begun(service: LocalProvider | None = None, field: str = "Ordforande") -> act.BegunAct:
    pdf = stages().prepared if field == "Ordforande" else stages().chair
    return act.begin(
        service or provider(),
        pdf=pdf,
        field=field,
        lines=LINES,
        statement=STATEMENT,
        signer=PERSON,
        visible_text="Minnesanteckningar 2024-03-01, version 1",
        now=NOW,
    )


def through_a_restart(plain: dict[str, Plain]) -> dict[str, Plain]:
    """Write the data down as a database would, and read it again."""
    text = json.dumps({k: ["hex", v.hex()] if isinstance(v, bytes) else ["", v] for k, v in plain.items()})
    return {k: bytes.fromhex(v[1]) if v[0] else v[1] for k, v in json.loads(text).items()}


def test_both_signatures_come_from_one_act_with_one_certificate() -> None:
    started = begun()
    assert started.started.action is Action.NONE
    assert started.started.expires == NOW + OFFER_LASTS
    done = act.resume(
        provider(),
        through_a_restart(started.plain),
        context(NOW + MINUTE),
        NOW + MINUTE,
        timestamper(lambda: NOW + MINUTE),
    )
    assert isinstance(done, act.Signed)
    detached = cms.verify(done.statement_signature, STATEMENT, [CA], done.revocation)
    assert detached.certificate == done.chain[0]
    assert detached.signing_time == detached.stamped_at == NOW + MINUTE
    assert detached.certificate.not_valid_before_utc == NOW
    assert done.chain[1:] == (CA,)
    assert done.evidence is None
    sealed = check_pdf(lock(done.pdf), [CA], SEALED_AT + MINUTE)
    chair = sealed.signers[0]
    assert chair.certificate == pki.certificate_der(done.chain[0])
    assert chair.claimed_at == NOW and chair.proven_at == NOW + MINUTE
    assert all(check.ok for check in sealed.checks if "Ordforande" in check.detail)


def test_two_acts_never_share_a_key() -> None:
    started = begun().plain
    first, second = (act.resume(provider(), started, context(NOW), NOW) for _ in range(2))
    assert isinstance(first, act.Signed) and isinstance(second, act.Signed)
    assert first.chain[0].public_key() != second.chain[0].public_key()


def test_a_whole_document_through_acts() -> None:
    pdf = stages().prepared
    for field in ("Ordforande", "Justerare"):
        started = act.begin(
            provider(),
            pdf=pdf,
            field=field,
            lines=LINES,
            statement=STATEMENT,
            signer=PERSON,
            visible_text="x",
            now=NOW,
        )
        done = act.resume(provider(), started.plain, context(NOW), NOW, timestamper())
        assert isinstance(done, act.Signed)
        pdf = done.pdf
    assert pdf.startswith(render())
    result = check_pdf(lock(pdf), [CA], SEALED_AT.replace(year=2045))
    assert result.ok, result.checks
    assert [s.field for s in result.signers] == [f.name for f in FIELDS]


def test_until_the_person_is_authenticated_it_waits() -> None:
    assert act.resume(provider(), begun().plain, None, NOW) == Pending()


@pytest.mark.parametrize(
    ("callback", "now", "code"),
    [
        (context(NOW), NOW + OFFER_LASTS + MINUTE, "expired"),
        (None, NOW + OFFER_LASTS + MINUTE, "expired"),
        ({"passphrase": "x"}, NOW, "not-authenticated"),
        (context(NOW - MINUTE), NOW, "authentication-not-for-this-act"),
        (context(NOW + MINUTE), NOW, "authentication-not-for-this-act"),
    ],
)
def test_what_does_not_prove_this_act_is_refused(callback: Callback, now: datetime, code: str) -> None:
    assert act.resume(provider(), begun().plain, callback, now) == Failed(code)


def test_the_stored_state_holds_no_key() -> None:
    plain = begun().plain
    assert all(isinstance(value, str | int | bytes) for value in plain.values())
    stored = b"".join(v if isinstance(v, bytes) else str(v).encode() for v in plain.values())
    assert b"PRIVATE KEY" not in stored
    assert {k for k in plain if k.startswith("provider.")} == {
        f"provider.{name}"
        for name in (
            *("ref", "begun", "expires", "common_name", "organisation", "office", "person_ref", "items"),
            *("id0", "type0", "digest0", "id1", "type1", "digest1"),
        )
    }


def test_what_the_service_can_do() -> None:
    able = provider().capabilities
    assert (able.kind, able.batch) == (Kind.RAW, True)
    assert not (able.certificate_known_before or able.may_alter_tbs or able.interactive)


@given(st.lists(st.text(max_size=4), max_size=4))
def test_an_act_has_items_with_ids_of_their_own(ids: list[str]) -> None:
    items = tuple(Item(name, SignatureType.CADES, bytes(32)) for name in ids)
    intent = Intent(PERSON, "x", items)
    if ids and len(set(ids)) == len(ids):
        assert provider().begin(intent, NOW).state["items"] == len(ids)
    else:
        with pytest.raises(ValueError, match="each with its own id"):
            provider().begin(intent, NOW)


class Bent(LocalProvider):
    """A service that signs properly and then hands back something else."""

    def __init__(self, how: str) -> None:
        super().__init__(authority)
        self._how = how

    def resume(self, state: State, callback: Callback, now: datetime) -> Answer:
        done = super().resume(state, callback, now)
        assert isinstance(done, Done)
        pdf, statement = done.items
        if self._how == "missing":
            return replace(done, items=(pdf,))
        if self._how == "swapped":
            return replace(done, items=(replace(statement, id=pdf.id), replace(pdf, id=statement.id)))
        if self._how == "torn":
            return replace(
                done, items=(SignedItem(pdf.id, pdf.tbs_der, bytes(384), pdf.algorithm), statement)
            )
        other = authority().seal
        tbs = signed_attributes(bytes(32), other.certificate)
        mine = SignedItem(pdf.id, tbs, other.sign(tbs), pdf.algorithm)
        return replace(done, items=(mine, statement), chain=(other.certificate, CA))


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("missing", "items-missing"),
        ("swapped", "signature-does-not-fit"),
        ("torn", "signature-does-not-fit"),
        ("another digest", "signature-does-not-fit"),
    ],
)
def test_what_comes_back_is_checked(how: str, code: str) -> None:
    service = Bent(how)
    assert act.resume(service, begun(service).plain, context(NOW), NOW) == Failed(code)


def test_without_an_authority_the_statement_is_unstamped() -> None:
    done = act.resume(provider(), begun().plain, context(NOW), NOW)
    assert isinstance(done, act.Signed)
    assert open_cms(done.statement_signature).stamp is None


def test_a_local_act_to_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key that was made before, since making one is what takes time."""
    monkeypatch.setattr(pki, "new_key", lambda: authority().seal.key)
    items = (Item("a", SignatureType.CADES, b"\1" * 32), Item("b", SignatureType.PADES, b"\2" * 32))
    started = provider().begin(Intent(PERSON, "x", items), NOW)
    assert (started.ref, started.target, started.form) == (started.state["ref"], None, {})
    assert len(started.ref) == 32
    assert started.state == {
        "ref": started.ref, "begun": "2024-03-01T09:00:00Z", "expires": "2024-03-01T09:10:00Z", "items": 2,
        "common_name": "Åsa Öberg", "organisation": "Exempelkommun", "office": "Ordförande", "person_ref": "p-4711",
        "id0": "a", "type0": "cades", "digest0": b"\1" * 32, "id1": "b", "type1": "pades", "digest1": b"\2" * 32,
    }  # fmt: skip
    assert provider().begin(Intent(PERSON, "x", items), NOW).ref != started.ref
    last = NOW + OFFER_LASTS
    assert provider().resume(started.state, None, last) == Pending()
    done = provider().resume(started.state, context(last), last)
    assert isinstance(done, Done)
    name = "CN=Åsa Öberg,2.5.4.5=p-4711,2.5.4.12=Ordförande,O=Exempelkommun,C=SE"
    assert done.chain[0].subject.rfc4514_string() == name
    assert pki.auth_context(done.chain[0]) == context(last).xml()
    assert (done.chain[1:], done.revocation) == ((CA,), (authority().crl(last),))
    certificate, key = done.chain[0], authority().seal
    for item, found, time in zip(items, done.items, (last, None), strict=True):
        tbs = signed_attributes(item.digest, certificate, time)
        assert found == SignedItem(item.id, tbs, key.sign(tbs), "sha256WithRSAEncryption")


class Kept(LocalProvider):
    """A service that keeps what it was asked for, and proves what it did."""

    def begin(self, intent: Intent, now: datetime) -> Started:
        self.asked = intent
        return super().begin(intent, now)

    def resume(self, state: State, callback: Callback, now: datetime) -> Answer:
        done = super().resume(state, callback, now)
        assert isinstance(done, Done)
        return replace(done, evidence=b"proof")


def test_all_that_an_act_is_about_reaches_the_service_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pki, "new_key", lambda: authority().seal.key)
    service = Kept(authority)
    started = act.begin(
        service, pdf=stages().prepared, field="Ordforande", lines=LINES, statement=STATEMENT, signer=PERSON,
        visible_text="Text", now=NOW, reply_to="there",
    )  # fmt: skip
    assert (service.asked.signer, service.asked.visible_text, service.asked.reply_to) == (
        PERSON,
        "Text",
        "there",
    )
    room = seal.begin(stages().prepared, "Ordforande", LINES, NOW)
    assert (started.plain["act.pdf"], started.plain["act.digest"]) == (room.pdf, room.digest)
    done = act.resume(service, started.plain, context(NOW), NOW)
    assert isinstance(done, act.Signed)
    assert (done.revocation, done.evidence) == ((authority().crl(NOW),), b"proof")
