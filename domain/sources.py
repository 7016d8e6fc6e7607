"""Where a rule stands: a municipality's paragraph, a statute, or a numbered rule of this house.

- Every refusal and every finding carries a Source. None is invented: a municipal source comes from an adopted profile,
  a statute is cited only for days on which it was in force, and what the software itself asks for is a house rule,
  numbered in the handbook (docs/handbook/house-rules.md) so that nobody takes it for law.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

HOUSE = "husregel"


class Source(NamedTuple):
    """A document and the place in it; fact is the number our own list of facts gives it, where there is one (källa)."""

    document: str
    section: str
    fact: str = ""

    def __str__(self) -> str:
        return f"{self.document} {self.section}".strip()


def house(number: int) -> Source:
    """A rule of this house, by its number in the handbook (husregel)."""
    return Source(HOUSE, str(number))


class Statute(NamedTuple):
    """A statute and the days on which its present wording applies (författning).

    later: paragraphs that took effect, or bind, only from a later day.
    """

    number: str
    title: str
    in_force: date
    until: date | None = None
    later: tuple[tuple[str, date], ...] = ()

    def since(self, section: str) -> date:
        """The day from which a section binds."""
        return next((day for start, day in self.later if section.startswith(start)), self.in_force)

    def at(self, section: str, day: date) -> Source:
        """The source of a section on a day; citing it before it was in force is a programming error."""
        if day < self.since(section):
            raise ValueError(f"{self.number} {section} was not in force on {day}")
        return Source(f"SFS {self.number}", section)


# The present wordings; 5 § of the first binds from its second transitional provision's day. The date of the
# municipal act is the one the project's list of facts gives.
STATUTES: Mapping[str, Statute] = {
    one.number: one
    for one in (
        Statute(
            "2023:196",
            "lag om kommuners ansvar för brottsförebyggande arbete",
            date(2023, 7, 1),
            later=(("5 §", date(2024, 7, 1)),),
        ),
        Statute("2017:725", "kommunallag", date(2018, 1, 1)),
        Statute("2018:1937", "lag om tillgänglighet till digital offentlig service", date(2019, 1, 1)),
    )
}
CRIME_PREVENTION = STATUTES["2023:196"]
