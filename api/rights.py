"""Who may read what: default deny, and asked anew at every reading.

- Roles come from where commands have them: standing grants, the chair and the seats of a body on the day, and being
  chosen justerare at the meeting. A role for one body says nothing about another.
- The register (bodies, rules, persons, matters) may be read by anyone with a role or a seat in the municipality.
- A meeting, and minutes that are done, may be read by anyone with a role for that body or a seat in it.
- Minutes that are not done are working material (TF 2:12): for those who write them and those who are to approve them.
- A document with a secrecy mark is for those who keep the register.
- The event log and the views show all there is, to those who keep or examine the register.
- A reading as of an earlier day is judged by what the reader may do today.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import date

from api.problems import Refusal
from api.tokens import Caller
from api.wiring import Municipality
from domain.body import Body
from domain.document import Document
from domain.meeting import Meeting
from domain.messages import Role
from domain.minutes import Minutes
from domain.person import Person
from registry.clock import local

KEEPERS = frozenset({Role.SECRETARY, Role.REGISTRAR, Role.ARCHIVIST})
EXAMINERS = KEEPERS | {Role.AUDITOR, Role.ADMINISTRATOR, Role.CHAIR}
REVIEWERS = frozenset({Role.SECRETARY, Role.REGISTRAR, Role.AUDITOR})
WRITERS = frozenset({Role.SECRETARY, Role.CHAIR, Role.JUSTERARE})
ANYONE = frozenset(Role) - {Role.SYSTEM}


class Streams:
    """The names of a registry's streams by kind, in the order in which they began; read on from where it stopped."""

    def __init__(self, municipality: Municipality) -> None:
        self._registry, self._after, self._lock = municipality.registry, 0, threading.Lock()
        self._found: dict[str, dict[str, int]] = {}

    def ids(self, kind: str, upto: int | None = None) -> list[str]:
        """The ids of a kind, of those that had begun at a position."""
        with self._lock:
            for stored in self._registry.recorder.scan(self._after):
                name, _, id = str(stored.originator_id).partition("-")
                self._found.setdefault(name, {}).setdefault(id, stored.id)
                self._after = stored.id
            return [id for id, first in self._found.get(kind, {}).items() if upto is None or first <= upto]


class Rights:
    """What one person may read in one registry, today."""

    def __init__(self, caller: Caller, streams: Streams) -> None:
        self._registry, self.streams = caller.municipality.registry, streams
        self._world = self._registry.world()
        self.person = caller.person
        self.today: date = local(self._registry.now()).date()

    def roles(self, body: str = "") -> frozenset[Role]:
        """The roles for a body, or those for the whole municipality."""
        found = set(self._world.get(Person, self.person).roles_at(self.today, body))
        if body:
            state = self._world.get(Body, body)
            if state.chair_at(self.today, self._world) == self.person:
                found.add(Role.CHAIR)
            if state.holds(self.person, self.today):
                found.add(Role.MEMBER)
        return frozenset(found)

    def anywhere(self) -> frozenset[Role]:
        """Every role the person has for anything."""
        granted = {one.role for one in self._world.get(Person, self.person).grants if one.stands(self.today)}
        return frozenset(granted.union(*(self.roles(body) for body in self.streams.ids("body"))))

    def _at(self, meeting: Meeting) -> frozenset[Role]:
        chosen = {Role.JUSTERARE} if self.person in meeting.justerare else set()
        return self.roles(meeting.body) | chosen

    # --- the questions
    def register(self) -> None:
        self._need(self.anywhere(), ANYONE)

    def meeting(self, meeting: Meeting) -> None:
        self._need(self._at(meeting), ANYONE)

    def body(self, body: str) -> None:
        self._need(self.roles(body), ANYONE)

    def minutes(self, minutes: Minutes, *, working: bool = False) -> None:
        """working: earlier versions, comments and drafts, also when the minutes are done."""
        self._need(self._with(minutes), WRITERS if working or not minutes.done else ANYONE)

    def works_on(self, minutes: Minutes) -> bool:
        """Whether the person writes these minutes, or is to approve them."""
        return bool(self._with(minutes) & WRITERS)

    def _with(self, minutes: Minutes) -> frozenset[Role]:
        signs = any(signer.person == self.person for signer in minutes.signers)
        return self._at(self._world.get(Meeting, minutes.meeting)) | ({Role.JUSTERARE} if signs else set())

    def document(self, document: Document) -> None:
        self._need(self.anywhere(), KEEPERS if document.secrecy else ANYONE)

    def log(self, body: str | None) -> None:
        """The event log, of one body or all of it."""
        self._need(self.roles(body or ""), EXAMINERS)

    def review(self, body: str) -> None:
        """The review of a body's year."""
        self._need(self.roles(body), REVIEWERS)

    def administer(self) -> None:
        self._need(self.roles(), frozenset({Role.ADMINISTRATOR}))

    @staticmethod
    def _need(found: Iterable[Role], asked: frozenset[Role]) -> None:
        if not asked.intersection(found):
            raise Refusal(403, "reading-not-permitted", roles=", ".join(sorted(asked)))
