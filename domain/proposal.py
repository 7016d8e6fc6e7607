"""A proposal in a matter: what somebody put forward, and what others made of it on its way.

- A proposal is not a decision (V3). It has versions: the first as it was put, then what was revised in it or added to
  it (tillägg), each made of an earlier version that stays as it is (Al4).
- A point may say by which verb the proposal asks for it ("noterar", "godkänns"): that is the proposer's word and no
  decision (H2).
- Who put it is written as the document has it; the body, its meeting and its paragraph stand beside that, if known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self, assert_never

from pydantic import Field

from domain.errors import Refused
from domain.messages import Destroyed, Event, Fact, Id, Known, Part, PublicName, Sealed, State, free
from domain.sources import house

Number = Annotated[int, Field(ge=1, le=10_000)]
Verb = Annotated[str, Field(pattern=r"^[a-zåäöA-ZÅÄÖ][a-zåäöA-ZÅÄÖ ]{0,39}$")]
Text = Annotated[Sealed, free()]
How = Literal["revision", "addition"]


class ProposedPoint(Part):
    """A point of a proposal, and the verb that it asks for, as written (att-sats)."""

    text: Text
    verb: Verb | None


class Origin(Part):
    """Where a proposal or a step comes from: in words, and the body, meeting and paragraph if known (ursprung)."""

    by: Text | None
    body: Id | None
    meeting: Id | None
    paragraph: PublicName | None
    document: Id | None


# --- events
class ProposalEvent(Event):
    STREAM = "proposal"

    proposal: Id


class ProposalPut(ProposalEvent):
    """A proposal was put forward in a matter: its first version (förslag väckt)."""

    TOPIC = "proposal-put.v1"

    matter: Id
    title: Text
    points: tuple[ProposedPoint, ...]
    origin: Origin


class ProposalAmended(ProposalEvent):
    """A new version of a proposal: revised, or with additions to what it is made of (ändring, tillägg)."""

    TOPIC = "proposal-amended.v1"

    matter: Id
    version: Number
    base: Number
    how: How
    points: tuple[ProposedPoint, ...]
    origin: Origin


EVENTS = ProposalPut | ProposalAmended


@dataclass(frozen=True, slots=True)
class ProposalVersion:
    """One version; of an addition the points are what is added to its base (förslagsversion)."""

    version: int
    base: int | None
    how: str
    points: tuple[ProposedPoint, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Proposal(State):
    """A proposal with all its versions (förslag)."""

    STREAM = "proposal"

    matter: str = ""
    title: Known | Destroyed | None = None
    versions: tuple[ProposalVersion, ...] = ()

    @property
    def exists(self) -> bool:
        return bool(self.versions)

    def require(self, version: int) -> ProposalVersion:
        """A version, or Refused: nothing is made of a version that does not exist, and nothing adopts it."""
        if not 1 <= version <= len(self.versions):
            raise Refused("proposal-version-missing", house(103), version=version, newest=len(self.versions))
        return self.versions[version - 1]

    def whole(self, version: int) -> tuple[ProposedPoint, ...]:
        """All that a version proposes: its own points, after those of what it adds to."""
        found = self.versions[version - 1]
        before = self.whole(found.base) if found.how == "addition" and found.base else ()
        return (*before, *found.points)

    def evolve(self, fact: Fact) -> Self:
        event = fact.event
        if not isinstance(event, EVENTS):
            return self
        match event:
            case ProposalPut():
                first = ProposalVersion(1, None, "original", event.points, event.origin)
                return replace(self, matter=event.matter, title=event.title, versions=(first,))
            case ProposalAmended():
                added = ProposalVersion(event.version, event.base, event.how, event.points, event.origin)
                return replace(self, versions=(*self.versions, added))
            case _:
                assert_never(event)
