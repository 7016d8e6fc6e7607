"""Preparing a matter: proposals in versions, and the chain of those who had it before it was decided.

- The chain is written step by step: a letter, an office, one body after another, each with its day and paragraph as far
  as they are known (Al3). A step may be entered late; its day is when it happened.
- A step may say which version of a proposal it dealt with or made. A version that does not exist is refused
  (husregel 103).
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal, assert_never

from pydantic import Field

from domain.body import Body
from domain.document import Document
from domain.errors import Refused
from domain.lookup import existing, known, news, unused
from domain.matter import Matter, MatterPrepared, not_voided
from domain.meeting import Meeting
from domain.messages import (
    Actor,
    Command,
    Id,
    Known,
    Line,
    New,
    Part,
    Prose,
    PublicName,
    Role,
    World,
    fresh_id,
)
from domain.proposal import (
    How,
    Number,
    Origin,
    Proposal,
    ProposalAmended,
    ProposalPut,
    ProposedPoint,
    Verb,
)
from domain.sources import house

PREPARES = frozenset({Role.SECRETARY, Role.CHAIR, Role.REGISTRAR})


class PointGiven(Part):
    """A point that is proposed, and the verb it asks for (att-sats)."""

    text: Prose
    verb: Verb | None = None


class PreparingCommand(Command):
    """The base of the commands about the preparation of a matter (beredning).

    by: whose it is, as written. of_body: the body, if it is one of the registry's. paragraph: as in its minutes.
    """

    STREAM: ClassVar[str] = "proposal"
    ROLES: ClassVar[frozenset[Role]] = PREPARES

    by: Line | None = None
    of_body: Id | None = None
    meeting: Id | None = None
    paragraph: PublicName | None = None
    document: Id | None = None


class PutProposal(PreparingCommand):
    """Enter a proposal in a matter: its first version (väck förslag)."""

    proposal: Id = Field(default_factory=fresh_id)
    matter: Id
    title: Line
    points: list[PointGiven] = Field(min_length=1, max_length=100)


class AmendProposal(PreparingCommand):
    """Enter a new version of a proposal: a revision, or additions to an earlier version (ändra förslag, tillägg)."""

    proposal: Id
    base: Number
    how: How
    points: list[PointGiven] = Field(min_length=1, max_length=100)


class RecordPreparation(PreparingCommand):
    """Enter a step in the preparation of a matter; its day is when it happened (beredningssteg)."""

    STREAM: ClassVar[str] = "matter"

    matter: Id
    step: Literal["letter", "treated", "proposed", "postponed", "referred", "decided"]
    of_proposal: Id | None = None
    version: Number | None = None
    note: Prose | None = None


COMMANDS = (PutProposal, AmendProposal, RecordPreparation)


def decide(
    command: PutProposal | AmendProposal | RecordPreparation, world: World, actor: Actor, now: datetime
) -> list[New]:
    origin = _origin(command, world)
    match command:
        case PutProposal():
            unused(world, Proposal, command.proposal)
            not_voided(existing(world, Matter, command.matter))
            put = ProposalPut(
                proposal=command.proposal,
                matter=command.matter,
                title=Known(command.title),
                points=_points(command.points),
                origin=origin,
            )
            return news(Proposal, command.proposal, put)
        case AmendProposal():
            proposal = existing(world, Proposal, command.proposal)
            not_voided(world.get(Matter, proposal.matter))
            proposal.require(command.base)
            amended = ProposalAmended(
                proposal=command.proposal,
                matter=proposal.matter,
                version=len(proposal.versions) + 1,
                base=command.base,
                how=command.how,
                points=_points(command.points),
                origin=origin,
            )
            return news(Proposal, command.proposal, amended)
        case RecordPreparation():
            return _step(command, world, origin)
        case _:
            assert_never(command)


def _step(command: RecordPreparation, world: World, origin: Origin) -> list[New]:
    matter = existing(world, Matter, command.matter)
    not_voided(matter)
    if command.by is None and command.of_body is None:
        raise Refused("step-by-nobody", house(104))
    of_version(command.of_proposal, command.version, world, matter=command.matter)
    prepared = MatterPrepared(
        matter=command.matter,
        number=len(matter.preparation) + 1,
        step=command.step,
        origin=origin,
        of_proposal=command.of_proposal,
        version=command.version,
        note=known(command.note),
    )
    return news(Matter, command.matter, prepared)


def of_version(of_proposal: str | None, version: int | None, world: World, matter: str = "") -> None:
    """Refuse a version without its proposal, one that does not exist, and a proposal of another matter."""
    if of_proposal is None:
        if version is not None:
            raise Refused("version-of-nothing", house(103), version=version)
        return
    proposal = existing(world, Proposal, of_proposal)
    if version is not None:
        proposal.require(version)
    if matter and proposal.matter != matter:
        raise Refused("proposal-of-another-matter", house(103))


def _origin(command: PreparingCommand, world: World) -> Origin:
    for kind, id in ((Body, command.of_body), (Meeting, command.meeting), (Document, command.document)):
        if id is not None:
            existing(world, kind, id)
    return Origin(
        by=known(command.by),
        body=command.of_body,
        meeting=command.meeting,
        paragraph=command.paragraph,
        document=command.document,
    )


def _points(points: list[PointGiven]) -> tuple[ProposedPoint, ...]:
    return tuple(ProposedPoint(text=Known(point.text), verb=point.verb) for point in points)
