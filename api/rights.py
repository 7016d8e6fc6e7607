"""Who may read what: default deny, and asked anew at every reading.

- Roles come from where commands have them: standing grants, the chair and the seats of a body on the day, and being
  chosen justerare at the meeting. A role for one body says nothing about another.
- The register (bodies, rules, persons, matters) may be read by anyone with a role or a seat in the municipality.
- A meeting, and minutes that are done, may be read by anyone with a role for that body or a seat in it.
- Minutes that are not done are working material (TF 2:12): for those who write them and those who are to approve them.
- What is secret at a meeting, and the minutes of it, is for those who write and approve that body's minutes, and for
  those who keep its register. To others who may read the meeting its words read as blocks.
- A document with a secrecy mark is for those who keep the register of the body whose minutes it was taken from, or
  that its matter belongs to.
- The event log and the views show all there is but what is secret, to those who keep or examine the register.
- A reading as of an earlier day is judged by what the reader may do today.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property

from api.problems import Refusal
from api.tokens import Caller
from api.wiring import Municipality
from domain.body import Body
from domain.document import Document
from domain.grounds import kept_apart
from domain.matter import Matter
from domain.meeting import Meeting
from domain.messages import Role
from domain.minutes import Minutes, Version
from domain.person import Person
from projections.reading import rows
from registry.clock import local

KEEPERS = frozenset({Role.SECRETARY, Role.REGISTRAR, Role.ARCHIVIST})
EXAMINERS = KEEPERS | {Role.AUDITOR, Role.ADMINISTRATOR, Role.CHAIR}
REVIEWERS = frozenset({Role.SECRETARY, Role.REGISTRAR, Role.AUDITOR})
WRITERS = frozenset({Role.SECRETARY, Role.CHAIR, Role.JUSTERARE})
CLEARED = WRITERS | KEEPERS
ANYONE = frozenset(Role) - {Role.SYSTEM}
PATIENCE = 5.0  # seconds, for the views to show what a reader has just done


class Rights:
    """What one person may read in one registry, today."""

    def __init__(self, caller: Caller) -> None:
        self._municipality: Municipality = caller.municipality
        self._world = self._municipality.registry.world()
        self.person = caller.person
        self.today: date = local(self._municipality.registry.now()).date()

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

    @cached_property
    def granted(self) -> frozenset[Role]:
        """Every role the person is granted for anything."""
        grants = self._world.get(Person, self.person).grants
        return frozenset(one.role for one in grants if one.stands(self.today))

    def _anywhere(self) -> frozenset[Role]:
        """The roles for the first thing that the person has any for: grants, or else a seat in some body."""
        municipality = self._municipality
        if not self.granted:
            municipality.projector.wait_for(municipality.registry.recorder.head().position, PATIENCE)
            for body in rows(municipality.views, "body", columns=()):
                if found := self.roles(body["key"]):
                    return found
        return self.granted

    def _at(self, meeting: Meeting) -> frozenset[Role]:
        chosen = {Role.JUSTERARE} if self.person in meeting.justerare else set()
        return self.roles(meeting.body) | chosen

    # --- the questions
    def register(self) -> None:
        self._need(self._anywhere(), ANYONE)

    def meeting(self, meeting: Meeting) -> None:
        self._need(self._at(meeting), ANYONE)

    def body(self, body: str) -> None:
        self._need(self.roles(body), ANYONE)

    def minutes(self, minutes: Minutes, *, working: bool = False) -> None:
        """working: earlier versions, comments and drafts, also when the minutes are done."""
        found = self._with(minutes)
        self._need(found, WRITERS if working or not minutes.done else ANYONE)
        if kept_apart(minutes, self._world):
            self._need(found, CLEARED)

    def works_on(self, minutes: Minutes) -> bool:
        """Whether the person writes these minutes, or is to approve them."""
        return bool(self._with(minutes) & WRITERS)

    def _with(self, minutes: Minutes) -> frozenset[Role]:
        signs = any(signer.person == self.person for signer in minutes.signers)
        return self._at(self._world.get(Meeting, minutes.meeting)) | ({Role.JUSTERARE} if signs else set())

    def drafted(self, minutes: Minutes, version: Version) -> None:
        """A version that covers what is secret at the meeting today."""
        meeting = self._world.get(Meeting, minutes.meeting)
        if any(one.secrecy and one.item in version.covers for one in meeting.items):
            self._need(self._at(meeting), CLEARED)

    def reads_secrets(self, meeting: Meeting) -> bool:
        """Whether what is secret at a meeting is for this person."""
        return bool(self._at(meeting) & CLEARED)

    def document(self, document: Document) -> None:
        if document.secrecy:
            self._need(self._keeping(document), KEEPERS)
        else:
            self.register()

    def keeps(self, document: Document) -> bool:
        """Whether a document, if it is secret, is for this person."""
        return bool(self._keeping(document) & KEEPERS)

    def _keeping(self, document: Document) -> frozenset[Role]:
        """The roles for the body whose minutes or matter a document belongs to; those for anything, if it is none's."""
        minutes = next((one.minutes for one in document.attests), document.extract_of)
        body = self._world.get(Minutes, minutes).body if minutes else ""
        if not body and document.matter:
            body = self._world.get(Matter, document.matter).body
        return self.roles(body) if body else self.granted

    def held_on(self, person: str) -> None:
        """All that is held on somebody: for those who keep the register, and for the person."""
        if person != self.person:
            self._need(self.granted, KEEPERS)

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
