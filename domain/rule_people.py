"""The shapes of rules about people: seats, chairs, substitutes, who else may be there.

- Words for people (members, representatives, recipients, participants) are the documents' own and often mixed; which
  capacities each takes in is configured, as a house rule (husregel 13).
- What is owed for a seat is that it is held, that it is offered, or that somebody is invited (L3).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from domain.messages import Code, Part, PublicName

Word = Literal["members", "representatives", "recipients", "participants"]
Right = Literal["attend", "speak", "propose", "have-opinion-noted"]


class ChairRule(Part):
    """Who is chair: by virtue of office whoever holds a seat in the body above, or whoever holds one here (ordförande).

    by: who elects or appoints, where the chair is elected or appointed.
    """

    kind: Literal["ex-officio", "seat", "elected", "appointed"]
    seat: Code = "ordforande"
    by: Code | None = None


class ViceChairRule(Part):
    """Who chooses the vice chair, and among whom (vice ordförande)."""

    elected_by: Literal["body", "parent"]
    among: Word


class SeatRule(Part):
    """A kind of seat and what is owed: that it is held, offered, or that somebody is invited to it (plats).

    office: the office whose holder has the seat. least and most: how many, where the document says; also: other tasks
    that go with the seat.
    """

    seat: Code
    label: PublicName
    duty: Literal["part", "offer", "invite"]
    least: Annotated[int, Field(ge=1, le=99)] | None = None
    most: Annotated[int, Field(ge=1, le=99)] | None = None
    office: Code | None = None
    also: tuple[Code, ...] = ()


class Staffing(Part):
    """A duty to staff the body: whose, and in which capacity those people sit (bemanning)."""

    duty: Code
    responsible: Code
    capacity: Code = "expert"
    examples: tuple[PublicName, ...] = ()
    when_needed: tuple[PublicName, ...] = ()


class Substitutes(Part):
    """Who stands in (ersättare).

    general: one for any member. personal: each member has their own. when-hindered: one is found when needed.
    """

    kind: Literal["general", "personal", "when-hindered"]
    chosen_by: Code | None = None


class Guest(Part):
    """Somebody who is no member and what they may do at a meeting (närvarorätt)."""

    who: PublicName
    may: tuple[Right, ...]
    decided_by: Code | None = None


class CoOpting(Part):
    """Who may co-opt, and whom (adjungering)."""

    decides: Code
    who: PublicName


class Term(Part):
    """For how long people are appointed; begun: the first day of one such term, where it is said (mandattid)."""

    years: Annotated[int, Field(ge=1, le=10)]
    counted_from: Code | None = None
    begun: date | None = None


class WhoCounts(Part):
    """Which capacities each of the document's words for its people takes in (vilka som räknas)."""

    members: tuple[Code, ...]
    representatives: tuple[Code, ...]
    recipients: tuple[Code, ...]
    participants: tuple[Code, ...]
