"""The passphrase that a person signs with: argon2id, set by a one-time link, asked for at each signing.

- It is not the person's way in: a bearer token alone never signs, and the passphrase alone lets nobody in.
- It is set through a link that works once and expires. Five wrong tries in a row block signing for a quarter of an
  hour; the block is told, and the right passphrase clears the count.
- What is kept is the argon2id hash (RFC 9106), outside the log. That one was set is an event.
"""

from __future__ import annotations

from datetime import datetime, timedelta

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
_hasher = PasswordHash((Argon2Hasher(),))


class Passphrases:
    """The signing passphrases of one registry."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def link(self, person: str, now: datetime) -> str:
        """A one-time secret with which the person sets a passphrase."""
        return self._vault.issue_token(person, PURPOSE, "lösenfras", now + LINK_LASTS)

    def set(self, link: str, passphrase: str, now: datetime) -> str:
        """Set a passphrase with a link; the person's id. The link is used up only if the passphrase is accepted."""
        if not SHORTEST <= len(passphrase) <= LONGEST:
            raise Refused("passphrase-length", house(63), shortest=SHORTEST, longest=LONGEST)
        person = self._vault.use_link(link, PURPOSE, now)
        if person is None:
            raise Forbidden("link-used-or-expired", house(64))
        hashed = _hasher.hash(passphrase)
        with self._vault.engine.begin() as db:
            db.execute(passphrases.delete().where(passphrases.c.person == person))
            db.execute(passphrases.insert().values(person=person, hash=hashed, failures=0))
        return person

    def check(self, person: str, passphrase: str, now: datetime) -> None:
        """Raises Forbidden unless this is the person's passphrase and signing is not blocked."""
        where = passphrases.c.person == person
        with self._vault.engine.begin() as db:
            row = db.execute(sa.select(passphrases).where(where)).first()
            if row is None:
                raise Forbidden("no-passphrase", house(65))
            if row.blocked_until and row.blocked_until > stamp(now):
                raise Forbidden("passphrase-blocked", house(66), until=_clock(row.blocked_until))
            # Counted before it is checked, so that tries at the same moment cannot slip past the count.
            failures = row.failures + 1
            blocked = stamp(now + PAUSE) if failures >= TRIES else None
            count = 0 if blocked else failures
            db.execute(passphrases.update().where(where).values(failures=count, blocked_until=blocked))
        if not _hasher.verify(passphrase, row.hash):
            raise Forbidden("wrong-passphrase", house(66), left=max(0, TRIES - failures))
        with self._vault.engine.begin() as db:
            db.execute(passphrases.update().where(where).values(failures=0, blocked_until=None))


def _clock(moment: str) -> str:
    return local(unstamp(moment)).strftime("%H:%M")
