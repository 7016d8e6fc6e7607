"""The signing passphrase: set by a one-time link, tried a few times, blocked, and counted even when tried at once."""

from __future__ import annotations

import threading
import tomllib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.passphrases import LINK_LASTS, LONGEST, PAUSE, PURPOSE, SHORTEST, TRIES, Passphrases
from domain.errors import DomainError, Forbidden, Refused
from domain.sources import house
from registry.vault import Vault, passphrases
from tests.given import ident

NOW = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
ANNA, BERTIL = ident(0xA1), ident(0xB1)
PHRASE, WRONG = "fem ord som inte hör ihop", "fem ord som hör ihop"
CHEAP = PasswordHash(
    (Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)
)  # the default takes its time, as it is to
TEXTS = Path(__file__).parent.parent / "api" / "texts" / "refusals.api.toml"


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    opened = Vault.file(tmp_path / "keys.db", bytes(32))
    yield opened
    opened.close()


@pytest.fixture
def phrases(vault: Vault) -> Passphrases:
    return Passphrases(vault, CHEAP)


@pytest.fixture
def annas(phrases: Passphrases) -> Passphrases:
    assert phrases.set(phrases.link(ANNA, NOW), PHRASE, NOW) == ANNA
    return phrases


def refused(phrases: Passphrases, phrase: str, now: datetime = NOW, person: str = ANNA) -> Forbidden:
    with pytest.raises(Forbidden) as error:
        phrases.check(person, phrase, now)
    return error.value


def test_the_right_one(annas: Passphrases) -> None:
    annas.check(ANNA, PHRASE, NOW)


def test_a_wrong_one_is_counted_down(annas: Passphrases) -> None:
    for left in range(TRIES - 1, -1, -1):
        error = refused(annas, WRONG)
        assert (error.code, error.source, error.values) == ("wrong-passphrase", house(66), {"left": left})
    error = refused(annas, PHRASE)
    assert (error.code, error.source) == ("passphrase-blocked", house(66))
    assert error.values == {"until": "13:15"}  # local time, an hour before UTC's


def test_a_block_passes(annas: Passphrases) -> None:
    for _ in range(TRIES):
        refused(annas, WRONG)
    assert refused(annas, PHRASE, NOW + PAUSE - timedelta(seconds=1)).code == "passphrase-blocked"
    assert refused(annas, WRONG, NOW + PAUSE).values == {"left": TRIES - 1}
    annas.check(ANNA, PHRASE, NOW + PAUSE)
    assert refused(annas, WRONG, NOW + PAUSE).values == {"left": TRIES - 1}


def test_the_right_one_clears_the_count(annas: Passphrases) -> None:
    for _ in range(3):
        for _ in range(TRIES - 1):
            refused(annas, WRONG)
        annas.check(ANNA, PHRASE, NOW)


def test_tries_at_the_same_moment_are_all_counted(annas: Passphrases) -> None:
    """More tries at once than there may be: no more than that are let through to the comparison."""
    codes, start = list[str](), threading.Barrier(9)

    def attempt() -> None:
        start.wait()
        codes.append(refused(annas, WRONG).code)

    threads = [threading.Thread(target=attempt) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (codes.count("wrong-passphrase"), codes.count("passphrase-blocked")) == (TRIES, 9 - TRIES)


def test_one_person_never_blocks_another(annas: Passphrases) -> None:
    annas.set(annas.link(BERTIL, NOW), PHRASE, NOW)
    for _ in range(TRIES):
        refused(annas, WRONG, person=BERTIL)
    annas.check(ANNA, PHRASE, NOW)


def test_without_one_there_is_no_signing(phrases: Passphrases) -> None:
    error = refused(phrases, PHRASE)
    assert (error.code, error.source) == ("no-passphrase", house(65))


def test_two_keyboards_write_one_phrase(annas: Passphrases) -> None:
    annas.check(ANNA, unicodedata.normalize("NFD", PHRASE), NOW)
    decomposed = unicodedata.normalize("NFD", "å" * LONGEST)
    assert len(decomposed) > LONGEST
    annas.set(annas.link(ANNA, NOW), decomposed, NOW)
    annas.check(ANNA, "å" * LONGEST, NOW)


# --- setting it


def test_a_link_sets_one_passphrase(annas: Passphrases) -> None:
    link = annas.link(ANNA, NOW)
    annas.set(link, "en helt annan fras", NOW)
    refused(annas, PHRASE)
    annas.check(ANNA, "en helt annan fras", NOW)
    with pytest.raises(Forbidden) as used:
        annas.set(link, PHRASE, NOW)
    assert (used.value.code, used.value.source) == ("link-used-or-expired", house(64))
    annas.check(ANNA, "en helt annan fras", NOW)


def test_a_new_passphrase_ends_a_block(annas: Passphrases) -> None:
    for _ in range(TRIES):
        refused(annas, WRONG)
    annas.set(annas.link(ANNA, NOW), "en helt annan fras", NOW)
    annas.check(ANNA, "en helt annan fras", NOW)


@pytest.mark.parametrize("length", [0, SHORTEST - 1, LONGEST + 1])
def test_its_length_and_that_the_link_is_still_good(phrases: Passphrases, length: int) -> None:
    link = phrases.link(ANNA, NOW)
    with pytest.raises(Refused) as error:
        phrases.set(link, "x" * length, NOW)
    assert (error.value.code, error.value.source) == ("passphrase-length", house(63))
    assert error.value.values == {"shortest": SHORTEST, "longest": LONGEST}
    assert phrases.set(link, "x" * SHORTEST, NOW) == ANNA


def test_a_failure_while_it_is_set_leaves_the_link(
    phrases: Passphrases, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = phrases.link(ANNA, NOW)
    with monkeypatch.context() as patch:
        patch.setattr(CHEAP, "hash", lambda _: None)
        with pytest.raises(sa.exc.IntegrityError):
            phrases.set(link, PHRASE, NOW)
    assert phrases.set(link, PHRASE, NOW) == ANNA


def test_links_expire_and_are_not_tokens(phrases: Passphrases, vault: Vault) -> None:
    late = phrases.link(ANNA, NOW)
    other = vault.issue_token(ANNA, "access", "dator", NOW + LINK_LASTS)
    for link, now in ((late, NOW + LINK_LASTS), (other, NOW), ("liggare_x", NOW)):
        with pytest.raises(Forbidden, match="link-used-or-expired"):
            phrases.set(link, PHRASE, now)
    holder = vault.holder(phrases.link(ANNA, NOW), NOW)
    assert holder is not None and holder.purpose == PURPOSE


def test_what_is_kept_is_argon2id(vault: Vault) -> None:
    """With the second recommended parameters of RFC 9106, section 4: 64 MiB and three passes."""
    phrases = Passphrases(vault)
    phrases.set(phrases.link(ANNA, NOW), PHRASE, NOW)
    phrases.check(ANNA, PHRASE, NOW)
    with vault.engine.connect() as db:
        row = db.execute(sa.select(passphrases)).one()
    assert row.hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PHRASE not in str(row)


def test_each_refusal_has_its_sentences() -> None:
    texts = tomllib.loads(TEXTS.read_text("utf-8"))
    errors: list[DomainError] = [
        Refused("passphrase-length", house(63), shortest=1, longest=2),
        Forbidden("link-used-or-expired", house(64)),
        Forbidden("no-passphrase", house(65)),
        Forbidden("passphrase-blocked", house(66), until="13:15"),
        Forbidden("wrong-passphrase", house(66), left=1),
        DomainError("too-busy", house(60)),
        DomainError("clock-behind", house(61), clock="a", head="b"),
        DomainError("idempotency-key-reused", house(62)),
    ]
    for error in errors:
        for words in texts[error.code].values():
            assert words.format(**error.values)
