"""How people are let in: tokens, and links to choose a passphrase.

- The secret is shown once and stored hashed, outside the log. That it was issued, to whom and by whom is an event,
  recorded first: an administrator who lets themselves in as another is seen (husregel 69).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from api.passphrases import LINK_LASTS, Passphrases
from api.wiring import Municipality
from domain.lookup import existing
from domain.messages import Actor, Mandate, Role
from domain.person import Person, RecordAccess


@dataclass(frozen=True)
class Admission:
    """The admissions of one registry, done by an administrator whom the caller has identified (insläpp)."""

    municipality: Municipality
    administrator: str
    assurance: str

    def token(self, person: str, label: str, days: int) -> tuple[str, datetime]:
        """A new token for a person, and when it ends."""
        expires = self._now() + timedelta(days=days)
        self._record(RecordAccess(person=person, access="token-issued", expires=expires.date()))
        return self.municipality.vault.issue_token(person, "access", label, expires), expires

    def link(self, person: str) -> str:
        """A one-time link with which a person chooses a passphrase."""
        now = self._now()
        expires = (now + LINK_LASTS).date()
        self._record(RecordAccess(person=person, access="passphrase-link-issued", expires=expires))
        return Passphrases(self.municipality.vault).link(person, now)

    def revoke(self, person: str) -> int:
        """End every token and link of a person; how many."""
        existing(self.municipality.registry.world(), Person, person)
        gone = self.municipality.vault.revoke(person)
        self._record(RecordAccess(person=person, access="revoked"))
        return gone

    def _now(self) -> datetime:
        return self.municipality.registry.clock.now()

    def _record(self, command: RecordAccess) -> None:
        actor = Actor(self.administrator, Mandate(Role.ADMINISTRATOR), self.assurance)
        self.municipality.execute_as(command, actor)
