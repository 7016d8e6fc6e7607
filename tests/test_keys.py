"""Keeping the keys of a registry through the years, from the command to what verify says afterwards."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from fastapi.testclient import TestClient

from api import keykeeping
from api.app import create_app
from api.checking import verify
from api.cli.main import run
from api.doctor import examine
from api.exporting import export
from api.faults import Fault
from api.keykeeping import compromised, listed, remake_crl, renew_all, rotate
from api.stamping import stamp_newest
from api.wiring import SYSTEM, Municipality
from domain.messages import fresh_id
from domain.minutes import Minutes
from domain.minutes_events import MinutesRestamped, MinutesSealed
from domain.municipality import KeyCompromised, KeyReplaced
from domain.person import RegisterPerson
from registry.files import write_synced
from registry.vault import Vault
from signing import renewal
from signing.note import Note
from signing.pki import CRL
from signing.signed_data import open_cms
from signing.vkeys import VKEYS_SIGNATURE
from tests.conftest import LONG
from tests.signings import Waiting
from tests.test_readme import follow, shown
from tests.web import SLUG


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Waiting:
    """Minutes signed by both and sealed."""
    found = Waiting.make(tmp_path_factory.mktemp("keys") / "town")
    sealed = found.copied(tmp_path_factory.mktemp("keys") / "sealed")
    for who in ("karin", "per"):
        sealed.sign(who)
    sealed.react()
    sealed.m.close()
    return sealed


@pytest.fixture
def town(made: Waiting, tmp_path: Path) -> Iterator[Waiting]:
    copied = made.copied(tmp_path / "town")
    yield copied
    copied.m.close()


def path(town: Waiting) -> Path:
    return town.folder / SLUG


def sealed_file(m: Municipality, minutes: str) -> bytes:
    sealed = m.registry.get(Minutes, minutes).sealed
    assert sealed is not None
    return m.files.get(sealed.file)


def found(town: Waiting, *steps: str) -> dict[str, Any]:
    result = verify(path(town))
    return {one["step"]: one for one in result["checks"] if one["step"] in steps or not steps}


def test_nothing_is_due_in_the_first_year(town: Waiting) -> None:
    before = town.m.registry.recorder.head().position
    result = renew_all(town.m)
    assert result == {"crl": False, "replaced": [], "sealed": 1, "restamped": []}
    assert town.m.registry.recorder.head().position == before


def test_what_ends_within_a_year_is_stamped_again_once(town: Waiting) -> None:
    old = sealed_file(town.m, town.minutes)
    ends = town.m.keys.authority.timestamp.certificate.not_valid_after_utc
    town.clock.move_to(ends - timedelta(days=100))
    result = renew_all(town.m)
    assert result["crl"] and [one["key"] for one in result["replaced"]] == ["seal", "timestamp"]
    assert [one["minutes"] for one in result["restamped"]] == [town.minutes]
    new = sealed_file(town.m, town.minutes)
    assert new.startswith(old) and len(new) > len(old)
    assert len(town.happened(MinutesRestamped)) == len(town.happened(MinutesSealed)) == 1
    assert len(town.happened(KeyReplaced)) == 2
    again = renew_all(town.m)
    assert again == {"crl": False, "replaced": [], "sealed": 1, "restamped": []}


def test_all_are_stamped_again_when_asked_and_verify_holds_the_newest_to_the_first(
    town: Waiting, tmp_path: Path
) -> None:
    result = renew_all(town.m, every=True)
    assert len(result["restamped"]) == 1
    export(town.m, tmp_path / "export")
    taken = verify(tmp_path / "export")
    assert taken["ok"], [one for one in taken["checks"] if one["ok"] is False]
    town.m.close()
    checks = found(town, "pades", "timestamps", "rerender", "inclusion")
    assert all(one["ok"] for one in checks.values()), checks


def test_a_stop_between_file_and_event_is_made_good_by_the_next_run(
    town: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(town.m, "execute_as", stop)
        with pytest.raises(KeyboardInterrupt):
            renew_all(town.m, every=True)
        with pytest.raises(KeyboardInterrupt):
            rotate(town.m, "seal")
    begun = town.m.keys.awaiting("seal")
    assert begun is not None
    assert not town.happened(MinutesRestamped) and not town.happened(KeyReplaced)
    result = renew_all(town.restarted().m, every=True)
    assert len(result["restamped"]) == 1
    assert town.m.keys.authority.seal.certificate == begun.certificate
    assert len(town.happened(KeyReplaced)) == 1


def test_a_stop_between_certificate_and_key_is_made_good_on_opening(town: Waiting) -> None:
    keys, now = town.m.keys, town.m.registry.now()
    fresh = keys.authority.anew("seal", now)
    keys.keep(fresh, now, "seal")
    (keys.folder / "seal.next.cert.pem").replace(keys.folder / "seal.cert.pem")
    assert town.restarted().m.keys.authority.seal.certificate == fresh.seal.certificate
    assert not (keys.folder / "seal.next.key.pem").exists()


def test_a_process_that_has_the_folder_open_signs_with_the_new_key(town: Waiting) -> None:
    other = town.beside()
    try:
        old = other.keys.authority.timestamp.certificate
        done = rotate(town.m, "timestamp")
        new = other.keys.authority.timestamp.certificate
        assert keykeeping.fingerprint(new) == done["new"] != keykeeping.fingerprint(old)
        assert other.keys.earlier("timestamp") == [old]
    finally:
        other.close()


def test_two_renewals_at_once_are_one(town: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    renew, once = renewal.renew, list[int]()

    def and_another_first(*given: Any) -> bytes:
        if not once:
            once.append(1)
            renew_all(town.m, every=True)
        return renew(*given)

    monkeypatch.setattr(renewal, "renew", and_another_first)
    assert renew_all(town.m, every=True)["restamped"] == []
    assert len(town.happened(MinutesRestamped)) == 1


def test_what_is_destroyed_is_not_stamped_again(town: Waiting) -> None:
    town.m.vault.destroy(f"minutes-{town.minutes}", "preserved", "decision")
    assert renew_all(town.m, every=True)["sealed"] == 0


def test_without_the_list_of_what_was_found_out_nothing_is_opened(town: Waiting) -> None:
    (town.m.keys.folder / CRL).unlink()
    with pytest.raises(Fault) as fault:
        examine(town.m.dir)
    assert fault.value.code == "crl-missing" and fault.value.values["file"] == town.m.keys.folder / CRL


# --- found out
def test_what_the_seal_sealed_before_it_was_found_out_stands(town: Waiting) -> None:
    sealed_at = town.happened(MinutesSealed)[0].recorded_at
    since = datetime.fromisoformat(sealed_at) + timedelta(hours=1)
    town.clock.move_to(since + timedelta(days=3))
    done = compromised(town.m, "seal", since)
    assert len(town.happened(KeyCompromised)) == len(town.happened(KeyReplaced)) == 1
    assert compromised(town.m, "seal", since)["new"] == done["new"]  # again changes nothing
    assert len(town.happened(KeyReplaced)) == 1
    crl = x509.load_der_x509_crl((town.m.keys.folder / CRL).read_bytes())
    assert [entry.revocation_date_utc for entry in crl] == [since.replace(microsecond=0)]
    assert [row["state"] for row in listed(town.m) if row["key"] == "seal"] == ["in-use", "compromised"]
    town.m.close()
    assert found(town, "pades")["pades"]["ok"]


def test_what_it_may_have_sealed_afterwards_falls(town: Waiting) -> None:
    begun = town.m.keys.authority.seal.certificate.not_valid_before_utc
    compromised(town.m, "seal", begun + timedelta(minutes=1))
    with pytest.raises(Fault, match="no key seal"):
        compromised(town.m, "seal", begun - timedelta(days=1))
    town.m.close()
    said = found(town, "pades")["pades"]
    assert said["ok"] is False and "revoked" in said["detail"]


def test_the_key_that_was_in_use_then_is_the_one_revoked(town: Waiting) -> None:
    first = town.m.keys.authority.timestamp.certificate
    town.later(days=1)
    rotate(town.m, "timestamp")
    second = town.m.keys.authority.timestamp.certificate
    town.later(days=2)
    for at, which in ((second, second), (first, first)):
        since = at.not_valid_before_utc + timedelta(hours=1)
        assert compromised(town.m, "timestamp", since)["old"] == keykeeping.fingerprint(which)
    assert len(town.happened(KeyReplaced)) == 2  # once by itself, once because it was in use
    with pytest.raises(Fault, match="no key timestamp"):
        compromised(town.m, "timestamp", first.not_valid_before_utc - timedelta(days=1))


# --- the log's own keys
def notes(town: Waiting) -> dict[int, int]:
    """By size, how many signatures stand below a checkpoint."""
    stored = town.m.registry.recorder.checkpoints()
    return {size: len(Note.parse(note).signatures) for size, note in stored}


def test_the_logs_keys_are_replaced_at_a_checkpoint_that_both_sign(town: Waiting, tmp_path: Path) -> None:
    old = town.m.keys.log
    kept = town.m.checkpoints.sign(town.m.registry.clock.now())
    done = rotate(town.m, "log")
    keys = town.m.keys.log
    assert keys.continues(old) and keys.eras[1].vkeys == tuple(town.m.keys.vkeys) != tuple(old.vkeys)
    assert (done["old"], done["new"]) == tuple(era.fingerprint for era in keys.eras)
    (event,) = town.happened(KeyReplaced)
    assert (event.position, notes(town)[event.position]) == (keys.eras[1].start, 4)
    town.later(days=1)
    rotate(town.m, "log")
    assert [row["state"] for row in listed(town.m) if row["key"] == "log"] == [
        "in-use",
        "replaced",
        "replaced",
    ]
    export(town.m, tmp_path / "export")
    assert list(notes(town).values())[-2:] == [4, 4]
    town.m.close()
    checks = found(town)
    assert all(one["ok"] is not False for one in checks.values()), checks
    assert "were replaced at" in verify(path(town), language="en")["checks"][4]["detail"]
    assert verify(tmp_path / "export")["ok"]
    (tmp_path / "kept").write_bytes(kept)
    assert verify(tmp_path / "export", checkpoint=tmp_path / "kept")["ok"]


def test_a_checkpoint_by_new_keys_is_checked_by_hand_as_the_page_says(town: Waiting, tmp_path: Path) -> None:
    rotate(town.m, "log")
    town.m.execute_as(RegisterPerson(person=fresh_id(), name="Anna"), SYSTEM)
    export(town.m, tmp_path / "export")
    shutil.copy(town.m.keys.trust_anchor, tmp_path / "trust.pem")
    steps = [
        one
        for one in shown("docs/verify-by-hand.md")
        if re.search(r"vkeys|pkeyutl|> text|older$", one.command)
    ]
    assert len(steps) == 5
    for step in steps:
        follow(step, tmp_path)


def test_no_process_signs_with_keys_that_have_ended(town: Waiting) -> None:
    other = town.beside()
    try:
        other.checkpoints.sign(other.registry.clock.now())
        rotate(town.m, "log")
        town.m.execute_as(RegisterPerson(person=fresh_id(), name="Anna"), SYSTEM)
        note = other.checkpoints.sign(other.registry.clock.now())
        opened = town.m.keys.log.open(note)
        assert {one.vkey for one in opened.verified} == set(town.m.keys.vkeys)
    finally:
        other.close()


@pytest.mark.parametrize("stop", range(1, 17) if LONG else (5, 6, 12, 13, 15))
def test_a_replacement_of_the_logs_keys_that_was_stopped_anywhere_is_finished_with_the_same(
    town: Waiting, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """At each change of the folder or the log in turn."""
    left = [stop]

    def counted(do: Callable[..., Any]) -> Callable[..., Any]:
        def either(*given: Any, **named: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            return do(*given, **named)

        return either

    with monkeypatch.context() as patch:
        patch.setattr(town.m, "execute_as", counted(town.m.execute_as))
        patch.setattr(
            town.m.registry.recorder, "put_checkpoint", counted(town.m.registry.recorder.put_checkpoint)
        )
        patch.setattr("api.keyroom.write_synced", counted(write_synced))
        patch.setattr(Path, "replace", counted(Path.replace))
        with suppress(KeyboardInterrupt):
            rotate(town.m, "log")
            assert stop == 16
    made = town.m.keys.awaiting_log()
    begun = {one.vkey for one in made or ()} or set(town.m.keys.vkeys)
    town = town.restarted()
    check = {one["check"]: one for one in examine(path(town))["checks"]}["log-keys"]
    assert check["ok"] is (town.m.keys.awaiting_log() is None)
    renew_all(town.m)
    if len(town.m.keys.log.eras) == 1:
        assert stop <= 4, "no whole key was there"
        return
    assert set(town.m.keys.vkeys) == begun
    assert len(town.happened(KeyReplaced)) == 1 and len(town.m.keys.log.eras) == 2
    town.m.checkpoints.sign(town.m.registry.clock.now())
    assert not list(town.m.keys.folder.glob("*.next.*"))
    town.m.close()
    assert verify(path(town))["ok"]


def test_what_remains_of_a_log_whose_keys_were_found_out_is_told(town: Waiting) -> None:
    stamp_newest(town.m)
    stamped = max(town.m.registry.recorder.checkpoints())[0]
    began = town.m.keys.authority.ca.certificate.not_valid_before_utc
    since = town.m.registry.now() + timedelta(hours=1)
    town.clock.move_to(since + timedelta(days=3))
    done = compromised(town.m, "log", since)
    first, second = town.m.keys.log.eras
    assert (done["old"], done["new"]) == (first.fingerprint, second.fingerprint)
    assert first.compromised == since.replace(microsecond=0) and second.compromised is None
    assert compromised(town.m, "log", since)["new"] == done["new"], "again changes nothing"
    assert len(town.happened(KeyCompromised)) == len(town.happened(KeyReplaced)) == 1
    assert town.m.keys.log.eras == (first, second)
    rows = [row for row in listed(town.m) if row["key"] == "log"]
    assert [row["state"] for row in rows] == ["in-use", "compromised"]
    with pytest.raises(Fault, match="no key log"):
        compromised(town.m, "log", began - timedelta(days=1))
    town.m.close()
    checks = {one["check"]: one for one in examine(path(town), lambda _, english: english)["checks"]}
    assert "may have been in other hands since" in checks["log-keys"]["detail"]
    result = verify(path(town), language="en")
    assert result["ok"]
    assert f"{stamped} events were proven to be signed before that" in result["checks"][4]["detail"]


def test_a_seal_that_was_found_out_leaves_the_logs_keys_signed_by_the_next(town: Waiting) -> None:
    begun = town.m.keys.authority.seal.certificate.not_valid_before_utc
    compromised(town.m, "seal", begun + timedelta(minutes=1))
    signature = (town.m.keys.folder / VKEYS_SIGNATURE).read_bytes()
    assert open_cms(signature).certificate == town.m.keys.authority.seal.certificate


# --- the list, the doctor, the ways in
def test_the_revocation_list_is_remade_before_it_ends_and_is_public(town: Waiting) -> None:
    first = (town.m.keys.folder / CRL).read_bytes()
    assert not remake_crl(town.m, town.m.registry.now())
    town.clock.move_to(keykeeping.crl_ends(town.m) - timedelta(days=5))
    town.react()
    second = (town.m.keys.folder / CRL).read_bytes()
    assert second != first
    with TestClient(create_app({SLUG: town.m})) as client:
        answer = client.get(f"/v1/{SLUG}/log/ca.crl")
    assert (answer.status_code, answer.content) == (200, second)
    assert answer.headers["content-type"] == "application/pkix-crl"


def test_the_doctor_says_in_how_many_days_what_ends(town: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    town.m.close()
    checks = {one["check"]: one for one in examine(path(town), lambda _, english: english)["checks"]}
    assert "days)" in checks["certificates"]["detail"]
    assert "the archive stamps of 1 documents valid until" in checks["archive"]["detail"]
    assert checks["archive"]["ok"]
    assert "the revocation list valid until" in checks["revocation-list"]["detail"]
    monkeypatch.setattr("registry.clock.SystemClock.now", lambda _: datetime(2063, 12, 1, tzinfo=UTC))
    checks = {one["check"]: one for one in examine(path(town), lambda _, english: english)["checks"]}
    assert checks["archive"]["ok"] is False and "run liggare keys renew" in checks["archive"]["detail"]


def test_the_command(town: Waiting, capsys: pytest.CaptureFixture[str]) -> None:
    town.m.close()
    at = ["--dir", str(path(town))]

    def said(*given: str) -> tuple[int, str]:
        code = run(["keys", *given, *at])
        return code, capsys.readouterr().out

    code, text = said("list")
    assert code == 0 and "utfärdaren" in text and "gäller t.o.m." in text
    assert {row["key"] for row in json.loads(said("list", "--json")[1])["keys"]} == {
        "ca", "seal", "timestamp", "log",
    }  # fmt: skip
    code, text = said("renew", "--all")
    assert code == 0 and "1 av 1 stämplade handlingar" in text
    code, text = said("rotate", "seal")
    assert code == 0 and "En ny nyckel för stämpeln gäller" in text
    code, text = said("rotate", "log")
    assert code == 0 and "En ny nyckel för loggen gäller" in text
    code, text = said("compromised", "timestamp", "--since", datetime.now(UTC).date().isoformat())
    assert code == 0 and "är spärrad från" in text
    assert said("compromised", "ca", "--since", "2024-01-01")[0] == 2
    assert said("rotate", "ca")[0] == 2
    assert said("compromised", "seal", "--since", "igår")[0] == 2


def test_keys_lie_encrypted_also_while_they_wait(town: Waiting) -> None:
    keys, now = town.m.keys, town.m.registry.now()
    assert isinstance(town.m.vault, Vault)
    keys.keep(keys.authority.anew("seal", now), now, "seal")
    waiting = (keys.folder / "seal.next.key.pem").read_bytes()
    assert b"ENCRYPTED PRIVATE KEY" in waiting
    assert (keys.folder / "seal.next.key.pem").stat().st_mode & 0o777 == 0o600
