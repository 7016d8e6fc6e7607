"""The shapes of rules about minutes: what they are called, who approves them, who gets them.

- Anteckningar, mötesanteckningar, protokoll and minnesanteckningar are four kinds with different rules (X1). None of
  them is by itself the minnesanteckning of tryckfrihetsförordningen 2:12.
- Where no offices that sign are named, the secretary finishes the minutes and nobody else is asked.
- A recipient is somebody counted, the body above, or an office, a body or a group that is resolved for a day.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from domain.messages import Code, Part, PublicName
from domain.rule_people import Word
from domain.rule_work import Within

MinutesKind = Literal["anteckningar", "motesanteckningar", "protokoll", "minnesanteckningar"]


class MinutesWord(Part):
    """What the minutes are called in running text and at the top of the paper, and which kind they are (protokoll)."""

    word: PublicName
    title: PublicName
    kind: MinutesKind | None = None
    responsible: Code | None = None


class JusterareRule(Part):
    """Among whom justerare are chosen, where that is said, and how many (justerare)."""

    among: Word | None = None
    number: Annotated[int, Field(ge=0, le=9)] = 1


class SignerOffice(Part):
    """An office that approves the minutes: its field in the PDF and the label printed there (underskrift)."""

    office: Code
    field: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,39}$")]
    label: PublicName


class Approval(Part):
    """How soon after the meeting the minutes are approved, and who has decided how it is done (justering)."""

    within: Within
    manner_decided_by: Code | None = None


class NoticeBoard(Part):
    """How soon an approval is announced on the notice board, and how long that stays (anslag)."""

    announce: Within
    stays_weeks: Annotated[int, Field(ge=1, le=52)] | None = None


class Recipients(Part):
    """To whom minutes are sent or reported: a counted word, or the body above (mottagare)."""

    to: Word | Literal["parent"]


class Recipient(Part):
    """One that something is sent to: a body, an office or a group as it is on the day (mottagare).

    kind: which kind of body the group is of, where it is one of bodies. which: every one of the group, those concerned
    by the case, or not said.
    """

    body: Code | None = None
    office: Code | None = None
    group: PublicName | None = None
    kind: Code | None = None
    which: Literal["all", "concerned", "not-said"] = "all"


class Dispatching(Part):
    """To whom minutes or decisions are dispatched (expediering)."""

    what: Literal["minutes", "decision"]
    to: Annotated[tuple[Recipient, ...], Field(min_length=1)]


class DissentRule(Part):
    """Whose differing view is recorded: from whom, whether a decision is needed, and until when (avvikande mening)."""

    kind: Literal["dissent", "reservation"] = "dissent"
    by: Word
    decision_needed: bool
    before: Literal["closing"] | None = None
