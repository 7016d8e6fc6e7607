"""When something happened: as it was written, and the interval it resolves to.

- The written text is kept beside its reading. Both bounds are local times in the municipality, to the minute; a bound
  that is not known is None, and unknown is a value, never a failing.
- A text is accepted only if it is a date expression of the grammar below. Other wording (which could name a person)
  belongs in a sealed field, because what stands here is never encrypted.
- Questions of order are answered yes, no or perhaps: an unknown or overlapping bound gives perhaps.

Grammar: `2024-03-05T13:30` · `2024-03-05` · `2024-03` · `2024` · `5 mars 2024` · `mars 2024` · `våren 2024` (vår,
sommar, höst, vinter) · `före`/`efter` one of these · `okänt`.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.errors import Refused
from domain.sources import house

MONTHS = "januari februari mars april maj juni juli augusti september oktober november december".split()
# Spring to winter as spans of months; the span is a reading and is recorded as one, beside the text.
SEASONS = {"våren": (3, 5), "sommaren": (6, 8), "hösten": (9, 11), "vintern": (12, 12)}


class Precision(StrEnum):
    """How closely the time is known (precision)."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    SEASON = "season"
    OPEN = "open"
    UNKNOWN = "unknown"


class Truth(StrEnum):
    """The answer to a question about times of which some are not known (ja, nej, kanske)."""

    YES = "yes"
    NO = "no"
    PERHAPS = "perhaps"


@dataclass(frozen=True, slots=True)
class Happened:
    """A time as written and as read; earliest and latest are `YYYY-MM-DDTHH:MM`, local, inclusive (händelsetid)."""

    text: str
    earliest: str | None
    latest: str | None
    precision: Precision

    def is_before(self, other: Happened) -> Truth:
        """Whether all of this time lies before all of the other."""
        if self.latest is not None and other.earliest is not None and self.latest < other.earliest:
            return Truth.YES
        if self.earliest is not None and other.latest is not None and self.earliest >= other.latest:
            return Truth.NO
        return Truth.PERHAPS

    def day(self) -> date | None:
        """The day, if the time is known to the day."""
        if self.precision not in (Precision.MINUTE, Precision.DAY) or self.earliest is None:
            return None
        return date.fromisoformat(self.earliest[:10])


UNKNOWN = Happened("okänt", None, None, Precision.UNKNOWN)


def at(moment: datetime) -> Happened:
    """A local time, known to the minute."""
    text = moment.strftime("%Y-%m-%dT%H:%M")
    return Happened(text, text, text, Precision.MINUTE)


def parse(text: str) -> Happened:
    """Read a date expression; anything else is Refused ("date-expression")."""
    written = " ".join(text.split())
    if written.lower() == "okänt":
        return UNKNOWN
    if match := re.fullmatch(r"(före|efter) (.+)", written, re.IGNORECASE):
        inner = parse(match[2])
        if inner.precision in (Precision.UNKNOWN, Precision.OPEN):
            raise Refused("date-expression", house(2), text=written[:80])
        before = match[1].lower() == "före"
        earliest, latest = (None, inner.earliest) if before else (inner.latest, None)
        return Happened(written, earliest, latest, Precision.OPEN)
    try:
        return _reading(written)
    except ValueError:
        raise Refused("date-expression", house(2), text=written[:80]) from None


def _reading(text: str) -> Happened:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}", text):
        datetime.fromisoformat(text)
        return Happened(text, text, text, Precision.MINUTE)
    if match := re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text):
        return _span(text, date(*map(int, match.groups())), date(*map(int, match.groups())), Precision.DAY)
    if match := re.fullmatch(r"([0-9]{1,2}) ([a-z]+) ([0-9]{4})", text.lower()):
        day = date(int(match[3]), MONTHS.index(match[2]) + 1, int(match[1]))
        return _span(text, day, day, Precision.DAY)
    if match := re.fullmatch(r"([0-9]{4})-([0-9]{2})", text):
        return _months(text, int(match[1]), int(match[2]), int(match[2]), Precision.MONTH)
    if match := re.fullmatch(r"([a-zåäö]+) ([0-9]{4})", text.lower()):
        if match[1] in SEASONS:
            return _months(text, int(match[2]), *SEASONS[match[1]], Precision.SEASON)
        month = MONTHS.index(match[1]) + 1
        return _months(text, int(match[2]), month, month, Precision.MONTH)
    if re.fullmatch(r"[0-9]{4}", text):
        return _months(text, int(text), 1, 12, Precision.YEAR)
    raise ValueError(text)


def _months(text: str, year: int, first: int, last: int, precision: Precision) -> Happened:
    return _span(text, date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1]), precision)


def _span(text: str, first: date, last: date, precision: Precision) -> Happened:
    return Happened(text, f"{first}T00:00", f"{last}T23:59", precision)
