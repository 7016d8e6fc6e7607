"""What destroys: the plan that says what may be destroyed, each decision, and that it was carried out.

- A decision stands in the stream of what it is about, so that nothing else is written there unseen at the same time.
- What was destroyed is told by class and provision, never by its words. The keys go after the decision is in the log,
  and DestructionDone says that they are gone.
"""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.messages import Event, Id, Part, Position, PublicName, SourcePart

Years = Annotated[int, Field(ge=0, le=200)]
PersonData = Literal["contact", "register"]


class PlanLine(Part):
    """One kind of document in the plan: where it stands there, and after how many years it is destroyed; without
    years it is kept for ever (bevaras)."""

    kind: PublicName
    section: PublicName
    after_years: Years | None = None


class RetentionPlanAdopted(Event):
    """A plan says of each kind of document whether it is kept, and the latest counts (plan för bevarande antagen)."""

    STREAM: ClassVar[str] = "municipality"
    TOPIC: ClassVar[str] = "retention-plan-adopted.v1"

    title: PublicName
    adopted_on: date
    lines: tuple[PlanLine, ...]


class DocumentDisposed(Event):
    """A document's words and files are to be destroyed, by a provision of the plan (handling gallrad)."""

    STREAM: ClassVar[str] = "document"
    TOPIC: ClassVar[str] = "document-disposed.v1"

    document: Id
    kind: PublicName
    source: SourcePart


class PersonDataDisposed(Event):
    """What the register says of a person is to be destroyed, by a provision of the plan (personuppgifter gallrade)."""

    STREAM: ClassVar[str] = "person"
    TOPIC: ClassVar[str] = "person-data-disposed.v1"

    person: Id
    which: PersonData
    kind: PublicName
    source: SourcePart


class DestructionDone(Event):
    """A decision to destroy, at a position of the log, was carried out; so many keys are gone (förstöring utförd)."""

    STREAM: ClassVar[str] = "disposal"
    TOPIC: ClassVar[str] = "destruction-done.v1"

    disposal: Id
    decided: Position
    keys: Annotated[int, Field(ge=0, le=2**53 - 1)]
