"""The passphrase that a person signs with: argon2id, set by a one-time link, asked for at each signing.

- It is not the person's way in: a bearer token alone never signs, and the passphrase alone lets nobody in.
- It is set through a link that works once and expires. Five wrong tries in a row block signing for a quarter of an
  hour; the block is told, and the right passphrase clears the count.
- What is kept is the argon2id hash (RFC 9106), outside the log. That one was set is an event.
- A phrase is taken in Unicode form NFC (RFC 8265, 4.2.2): two keyboards may write å in two ways.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from domain.errors import Forbidden, Refused
from domain.sources import house
from registry.clock import local, stamp, unstamp
from registry.vault import Vault, passphrases

PURPOSE = "passphrase-link"
LINK_LASTS = timedelta(days=7)
TRIES, PAUSE = 5, timedelta(minutes=15)
SHORTEST, LONGEST = 12, 200
HASHER = PasswordHash((Argon2Hasher(),))


class Passphrases:
    """The signing passphrases of one registry."""

    def __init__(self, vault: Vault, hasher: PasswordHash = HASHER) -> None:
        self._vault, self._hasher = vault, hasher

    def link(self, person: str, now: datetime) -> str:
        """A one-time secret with which the person sets a passphrase."""
        return self._vault.issue_token(person, PURPOSE, "lösenfras", now + LINK_LASTS)

    def set(self, link: str, passphrase: str, now: datetime) -> str:
        """Set a passphrase with a link; the person's id. The link is used up only if the passphrase is accepted."""
        phrase = unicodedata.normalize("NFC", passphrase)
        if not SHORTEST <= len(phrase) <= LONGEST:
            raise Refused("passphrase-length", house(63), shortest=SHORTEST, longest=LONGEST)
        with self._vault.engine.begin() as db:
            person = self._vault.use_link(db, link, PURPOSE, now)
            if person is not None:
                db.execute(passphrases.delete().where(passphrases.c.person == person))
                db.execute(
                    passphrases.insert().values(person=person, hash=self._hasher.hash(phrase), failures=0)
                )
        if person is None:  # an expired link is gone too
            raise Forbidden("link-used-or-expired", house(64))
        return person

    def check(self, person: str, passphrase: str, now: datetime) -> None:
        """Raises Forbidden unless this is the person's passphrase and signing is not blocked."""
        row = self._count(person, now)
        if self._hasher.verify(unicodedata.normalize("NFC", passphrase), row.hash):
            with self._vault.engine.begin() as db:
                where = passphrases.c.person == person, passphrases.c.hash == row.hash
                db.execute(passphrases.update().where(*where).values(failures=0, blocked_until=None))
        else:
            raise Forbidden("wrong-passphrase", house(66), left=TRIES - row.failures)

    def _count(self, person: str, now: datetime) -> sa.Row[Any]:
        """Count a try before it is made, in one statement, so that tries at the same moment are all counted."""
        tries = sa.case((passphrases.c.failures >= TRIES, 1), else_=passphrases.c.failures + 1)
        update = (
            passphrases.update()
            .where(
                passphrases.c.person == person,
                sa.or_(passphrases.c.blocked_until.is_(None), passphrases.c.blocked_until <= stamp(now)),
            )
            .values(failures=tries, blocked_until=sa.case((tries >= TRIES, stamp(now + PAUSE))))
            .returning(passphrases.c.hash, passphrases.c.failures)
        )
        with self._vault.engine.begin() as db:
            if (row := db.execute(update).first()) is not None:
                return row
            until = db.execute(
                sa.select(passphrases.c.blocked_until).where(passphrases.c.person == person)
            ).scalar()
        if until is None:
            raise Forbidden("no-passphrase", house(65))
        raise Forbidden("passphrase-blocked", house(66), until=_clock(until))


def _clock(moment: str) -> str:
    return local(unstamp(moment)).strftime("%H:%M")
