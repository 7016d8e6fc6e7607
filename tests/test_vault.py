"""The vault: keys that are there before they are used, gone only by a decision, and secrets that are kept hashed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.messages import Destroyed
from registry import vault as module
from registry.vault import KeyMissing, Vault, WrongRootKey, keys, meta, tokens
from tests.places import Place

pytestmark = pytest.mark.both_databases
NOW = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
ROOT = bytes(range(32))
SUBJECT, KEEP = "person-1", "register"


@pytest.fixture
def place(tmp_path: Path, database_url: str | None) -> Place:
    found = Place(tmp_path, database_url)
    found.recorder().close()  # it makes the schema
    return found


@pytest.fixture
def vault(place: Place) -> Iterator[Vault]:
    opened = place.vault(ROOT)
    yield opened
    opened.close()


@pytest.fixture
def other(place: Place) -> Iterator[Vault]:
    """The same vault as another process has it."""
    opened = place.vault(ROOT)
    yield opened
    opened.close()


# --- the root key


def test_only_its_own_root_key_opens_it(vault: Vault, place: Place) -> None:
    vault.key_for(SUBJECT, KEEP)
    for wrong in (bytes(32), ROOT[:31], ROOT + b"\0"):
        with pytest.raises(WrongRootKey):
            place.vault(wrong)


def test_derived_secrets_differ_by_purpose_and_root(vault: Vault, tmp_path: Path) -> None:
    other = Vault.file(tmp_path / "beside.db", bytes(32))
    assert vault.derive("a") == vault.derive("a")
    assert len({vault.derive("a"), vault.derive("b"), other.derive("a"), ROOT}) == 4
    other.close()


def test_the_root_key_is_not_in_the_file(vault: Vault, place: Place) -> None:
    id, _ = vault.key_for(SUBJECT, KEEP)
    vault.close()
    stored = place.stored()
    assert ROOT not in stored
    assert id.encode() in stored


# --- keys


def test_a_subject_has_a_key_for_each_class(vault: Vault) -> None:
    first, _ = vault.key_for(SUBJECT, KEEP)
    assert vault.key_for(SUBJECT, KEEP)[0] == first
    others = {vault.key_for(SUBJECT, "contact")[0], vault.key_for("person-2", KEEP)[0]}
    assert len({first} | others) == 3
    assert all(len(bytes.fromhex(id)) == 16 for id in {first} | others)


def test_a_key_is_on_disk_before_it_is_handed_out(vault: Vault, other: Vault) -> None:
    id, key = vault.key_for(SUBJECT, KEEP)
    sealed = key.encrypt(bytes(12), b"text", b"path")
    opened = other.key(id)
    assert isinstance(opened, AESGCM) and opened.decrypt(bytes(12), sealed, b"path") == b"text"
    assert other.key_for(SUBJECT, KEEP)[0] == id


def test_every_commit_is_synced(vault: Vault, place: Place) -> None:
    if place.url:
        with vault.engine.connect() as db:
            shown = {
                name: db.exec_driver_sql(f"SHOW {name}").scalar() for name in ("synchronous_commit", "fsync")
            }
        assert shown == {"synchronous_commit": "on", "fsync": "on"}
        return
    with vault.engine.connect() as db:
        pragma = {
            name: db.execute(sa.text(f"PRAGMA {name}")).scalar() for name in ("synchronous", "journal_mode")
        }
        assert db.execute(sa.text("PRAGMA secure_delete")).scalar() == 1
    assert pragma == {"synchronous": 2, "journal_mode": "truncate"}


def test_two_processes_make_one_key(vault: Vault, other: Vault) -> None:
    found, start = list[str](), threading.Barrier(2)

    def make(one: Vault, number: int) -> None:
        start.wait()
        for subject in range(20):
            found.append(f"{subject} {one.key_for(f's-{subject + number}', KEEP)[0]}")

    threads = [threading.Thread(target=make, args=(one, 0)) for one in (vault, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 20


def test_a_race_for_a_key_is_lost_politely(
    vault: Vault, other: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, _ = other.key_for(SUBJECT, KEEP)
    looks = [None, id]
    monkeypatch.setattr(vault, "_find", lambda *_: looks.pop(0))
    assert vault.key_for(SUBJECT, KEEP)[0] == id


def test_a_missing_key_is_never_a_destroyed_one(vault: Vault) -> None:
    with pytest.raises(KeyMissing, match="no decision"):
        vault.key("00" * 16)
    id, _ = vault.key_for(SUBJECT, KEEP)
    for change in ({"wrapped": None}, {"wrapped": bytes(60)}):
        with vault.engine.begin() as db:
            db.execute(keys.update().where(keys.c.id == id).values(**change))
        vault._open.clear()
        with pytest.raises(KeyMissing):
            vault.key(id)


def test_a_key_wrapped_for_another_id_does_not_open(vault: Vault) -> None:
    first, second = (vault.key_for(subject, KEEP)[0] for subject in ("person-1", "person-2"))
    with vault.engine.begin() as db:
        stolen = db.execute(sa.select(keys.c.wrapped).where(keys.c.id == second)).scalar()
        db.execute(keys.update().where(keys.c.id == first).values(wrapped=stolen))
    vault._open.clear()
    with pytest.raises(KeyMissing, match="damaged"):
        vault.key(first)


def test_destroying(vault: Vault, other: Vault) -> None:
    id, _ = vault.key_for(SUBJECT, KEEP)
    other.key(id)
    kept, _ = vault.key_for(SUBJECT, "preserved")
    assert not other.refresh()
    assert vault.destroy(SUBJECT, KEEP, "decision 7") == 1
    assert vault.destroy(SUBJECT, KEEP, "decision 8") == 0
    assert vault.key(id) == Destroyed()
    assert isinstance(vault.key(kept), AESGCM)
    assert other.refresh() and not other.refresh()
    assert other.key(id) == Destroyed()
    with vault.engine.connect() as db:
        row = db.execute(sa.select(keys).where(keys.c.id == id)).one()
    assert (row.wrapped, row.destroyed_by) == (None, "decision 7")


def test_an_id_is_never_used_again(vault: Vault) -> None:
    first, _ = vault.key_for(SUBJECT, KEEP)
    vault.destroy(SUBJECT, KEEP, "decision 7")
    second, _ = vault.key_for(SUBJECT, KEEP)
    assert second != first
    assert vault.key(first) == Destroyed()
    assert vault.destroy(SUBJECT, KEEP, "decision 8") == 1
    assert vault.key(second) == Destroyed()


def test_a_destroyed_key_is_not_in_the_file(vault: Vault, place: Place) -> None:
    id, _ = vault.key_for(SUBJECT, KEEP)
    kept, _ = vault.key_for("person-2", KEEP)
    with vault.engine.connect() as db:
        wrapped = db.execute(sa.select(keys.c.wrapped).where(keys.c.id == id)).scalar_one()
    assert wrapped in place.stored()
    with vault.engine.connect() as onlooker:
        if place.url:  # in a file it would keep the destruction waiting
            onlooker.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            onlooker.execute(sa.select(meta)).all()  # from here on it sees what is there now, also afterwards
        vault.destroy(SUBJECT, KEEP, "decision 7")
        assert wrapped not in place.stored()
    if place.url:  # what the handbook says of it
        with psycopg.connect(place.url) as db:
            (data,) = db.execute("SHOW data_directory").fetchone() or ("",)
        assert any(wrapped in path.read_bytes() for path in Path(data, "pg_wal").iterdir() if path.is_file())
    assert isinstance(place_key(place, kept), AESGCM)


def place_key(place: Place, id: str) -> AESGCM | Destroyed:
    """A key as a process that comes later finds it."""
    with closing(place.vault(ROOT)) as later:
        return later.key(id)


def test_a_destruction_in_one_process_is_noticed_by_every_other(place: Place) -> None:
    code = "import sys; from tests.test_vault import destroy_elsewhere; destroy_elsewhere(*sys.argv[1:])"
    with closing(place.vault(ROOT)) as here:
        id, _ = here.key_for(SUBJECT, KEEP)
        assert not here.refresh()
        subprocess.run(
            [sys.executable, "-c", code, str(place.folder), place.url or ""],
            check=True,
            cwd=Path(__file__).parents[1],
        )
        assert here.refresh() and not here.refresh()
        assert here.key(id) == Destroyed()


def destroy_elsewhere(folder: str, url: str) -> None:
    """What the other process does."""
    with closing(Place(Path(folder), url or None).vault(ROOT)) as vault:
        assert vault.destroy(SUBJECT, KEEP, "decision 7") == 1


def test_the_question_is_asked_again_when_the_server_has_ended_its_connection(
    vault: Vault, other: Vault, place: Place
) -> None:
    vault.key_for(SUBJECT, KEEP)
    assert not other.refresh()
    if place.url:
        with psycopg.connect(place.url, autocommit=True) as db:
            mine = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            db.execute(f"SELECT pg_terminate_backend(pid) {mine}".encode())
    vault.destroy(SUBJECT, KEEP, "decision 7")
    assert other.refresh() and not other.refresh()


def test_one_s_own_destruction_is_noticed_too(vault: Vault) -> None:
    vault.key_for(SUBJECT, KEEP)
    assert not vault.refresh()
    vault.destroy(SUBJECT, KEEP, "decision 7")
    assert vault.refresh() and not vault.refresh()


def test_two_processes_may_make_it_at_once(place: Place) -> None:
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda _: place.vault(ROOT), range(6)))
    assert len({each.key_for(SUBJECT, KEEP)[0] for each in opened}) == 1
    for each in opened:
        each.close()


def test_destructions_at_the_same_moment_are_all_carried_out(place: Place) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        vaults = [stack.enter_context(closing(place.vault(ROOT))) for _ in range(4)]
        ids = [vaults[0].key_for(f"person-{number}", KEEP)[0] for number in range(12)]
        asked = [(vaults[number % 4], f"person-{number // 2}") for number in range(24)]
        done = list(pool.map(lambda each: each[0].destroy(each[1], KEEP, "decision 7"), asked))
        assert sum(done) == 12
        for one in vaults:
            one.refresh()
            assert {type(one.key(id)) for id in ids} == {Destroyed}


def test_what_was_read_before_a_destruction_is_not_remembered_after_it(vault: Vault, other: Vault) -> None:
    id, key = vault.key_for(SUBJECT, KEEP)
    before = other._generation
    vault.destroy(SUBJECT, KEEP, "decision 7")
    other.refresh()
    other._remember(id, key, before)
    assert other.key(id) == Destroyed()


def test_moving_to_another_class(vault: Vault, other: Vault) -> None:
    draft, _ = vault.key_for("minutes-1/2", "working")
    other.key_for("minutes-1/2", "working")
    vault.keep_as("minutes-1/2", "working", "preserved")
    assert vault.destroy("minutes-1/2", "working", "finished") == 0
    assert isinstance(vault.key(draft), AESGCM)
    assert other.refresh()
    assert other.key_for("minutes-1/2", "preserved")[0] == draft
    assert other.key_for("minutes-1/2", "working")[0] != draft
    vault.keep_as("minutes-9/9", "working", "preserved")


def test_opened_keys_are_kept_in_a_bounded_number(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OPEN", 3)
    ids = [vault.key_for(f"person-{number}", KEEP)[0] for number in range(8)]
    vault._open.clear()
    for id in ids:
        vault.key(id)
    assert len(vault._open) <= 3 and len(vault._live) <= 3
    assert all(isinstance(vault.key(id), AESGCM) for id in ids)


def test_reading_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    with closing(Vault.file(tmp_path / "keys.db", ROOT)) as vault:
        id, _ = vault.key_for(SUBJECT, KEEP)
    before = (tmp_path / "keys.db").read_bytes()
    reader = Vault.reading(tmp_path / "keys.db", ROOT)
    assert isinstance(reader.key(id), AESGCM)
    reader.close()
    assert (tmp_path / "keys.db").read_bytes() == before
    with pytest.raises(WrongRootKey):
        Vault.reading(tmp_path / "keys.db", bytes(32))


# --- tokens and links


def test_a_token_lets_its_person_in_until_it_expires(vault: Vault) -> None:
    token = vault.issue_token("p", "access", "dator", NOW + timedelta(days=1))
    holder = vault.holder(token, NOW)
    assert holder is not None
    assert (holder.person, holder.purpose) == ("p", "access")
    assert vault.holder(token, NOW + timedelta(days=1)) is None
    assert vault.holder(token + "x", NOW) is None


def test_expiry_is_a_moment_whatever_its_zone(vault: Vault) -> None:
    """Noon in Stockholm is eleven in UTC; compared as written, it would be an hour later."""
    noon = datetime(2024, 3, 5, 12, 0, tzinfo=timezone(timedelta(hours=1)))
    token = vault.issue_token("p", "access", "dator", noon)
    assert vault.holder(token, datetime(2024, 3, 5, 10, 59, 59, 999_999, tzinfo=UTC)) is not None
    assert vault.holder(token, datetime(2024, 3, 5, 11, 0, tzinfo=UTC)) is None


def test_secrets_are_kept_hashed(vault: Vault, place: Place) -> None:
    token = vault.issue_token("p", "access", "dator", NOW + timedelta(days=1))
    assert token.startswith("liggare_") and len(token) > 40
    vault.close()
    assert token.removeprefix("liggare_").encode() not in place.stored()


def test_use_is_noted_by_the_day(vault: Vault) -> None:
    token = vault.issue_token("p", "access", "dator", NOW + timedelta(days=9))
    for moment in (NOW, NOW + timedelta(minutes=5), NOW + timedelta(days=1)):
        vault.holder(token, moment)
        with vault.engine.connect() as db:
            assert db.execute(sa.select(tokens.c.last_used)).scalar() == moment.date().isoformat()


def test_a_link_works_once(vault: Vault) -> None:
    def use(link: str, purpose: str = "passphrase-link", now: datetime = NOW) -> str | None:
        with vault.engine.begin() as db:
            return vault.use_link(db, link, purpose, now)

    link = vault.issue_token("p", "passphrase-link", "lösenfras", NOW + timedelta(days=1))
    assert use(link, "access") is None
    assert use(link) == "p"
    assert use(link) is None
    late = vault.issue_token("p", "passphrase-link", "lösenfras", NOW)
    assert use(late) is None


def test_revoking(vault: Vault) -> None:
    mine = [vault.issue_token("p", "access", label, NOW + timedelta(days=1)) for label in "ab"]
    theirs = vault.issue_token("q", "access", "c", NOW + timedelta(days=1))
    assert vault.revoke("p") == 2
    assert [vault.holder(token, NOW) for token in mine] == [None, None]
    assert vault.holder(theirs, NOW) is not None


# --- pending


def test_pending_state_is_kept_encrypted(vault: Vault, place: Place) -> None:
    vault.put_pending("s1", b"hemlig plan")
    vault.put_pending("s1", b"hemligare plan")
    vault.put_pending("s0", b"x")
    assert (vault.get_pending("s1"), vault.get_pending("s9")) == (b"hemligare plan", None)
    assert vault.pendings() == ["s0", "s1"]
    stored = place.stored()
    assert b"hemlig" not in stored and b"s1" in stored
    vault.drop_pending("s1")
    assert vault.get_pending("s1") is None
