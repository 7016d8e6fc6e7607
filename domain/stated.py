"""What several kinds of event hold: a time as written and as read, a decision that is referred to, and who is meant.

- Nothing here decides; readings.py makes these of what a command says.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from domain.messages import Id, Part, PublicName, Sealed, free
from domain.when import Truth

Number = Annotated[int, Field(ge=1, le=10_000)]


class Assignee(Part):
    """Who is to do it: a function, an organisation, a person, or some of these (den som fått uppdraget)."""

    function: PublicName | None = None
    organisation: PublicName | None = None
    person: Id | None = None


class DuePart(Part):
    """A due time as written and as read; without a reader the registry read it, without days nobody has (tidpunkt)."""

    written: Annotated[Sealed, free()]
    first: date | None
    last: date | None
    read_by: Id | None

    def judged(self, day: date) -> Truth:
        """Whether a day is past all of it; perhaps, while it is due or not read."""
        if self.last is not None and day > self.last:
            return Truth.YES
        return Truth.NO if self.first is not None and day < self.first else Truth.PERHAPS


class DecidedPart(Part):
    """A decision as written and as read, and who read it (beslut som åberopas)."""

    meeting: Id | None
    decision: Number | None
    written: Annotated[Sealed, free()] | None
    decided_by: PublicName | None
    day: date | None
    paragraph: PublicName | None
    read_by: Id | None
