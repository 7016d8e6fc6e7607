"""Where a rule stands: a municipality's paragraph, a statute, or a numbered rule of this house.

- Every refusal and every finding carries a Source. None is invented: a municipal source comes from an adopted profile,
  a statute is cited only for days on which it was in force, and what the software itself asks for is a house rule,
  numbered in the handbook (docs/handbook/house-rules.md) so that nobody takes it for law.
"""

from __future__ import annotations

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
    """A statute and the days on which its present wording applies (författning)."""

    number: str
    title: str
    in_force: date

    def at(self, section: str, day: date) -> Source:
        """The source of a section on a day; citing a statute before it was in force is a programming error."""
        if day < self.in_force:
            raise ValueError(f"{self.number} was not in force on {day}")
        return Source(f"SFS {self.number}", section)


CRIME_PREVENTION = Statute(
    "2023:196", "lag om kommuners ansvar för brottsförebyggande arbete", date(2023, 7, 1)
)
MUNICIPAL_ACT = Statute("2017:725", "kommunallag", date(2018, 1, 1))
