"""What events hold, in the words of the paper: sealed values, lists of numbers, days and times in Swedish."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from domain.messages import Destroyed, Known, Sealed
from domain.when import MONTHS
from projections.paper import sheets

WEEKDAYS = "måndagen tisdagen onsdagen torsdagen fredagen lördagen söndagen".split()


def day_in_words(text: str) -> str:
    """`2024-05-17` as "den 17 maj 2024"; another text stands as it is."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return text
    return f"den {day.day} {MONTHS[day.month - 1]} {day.year}"


def moment_in_words(text: str) -> str:
    """`2024-05-17T09:00` as "fredagen den 17 maj 2024 kl. 09.00"; a day without the time; another text as it is."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return text
    clock = f" kl. {text[11:16].replace(':', '.')}" if len(text) >= 16 else ""
    return f"{WEEKDAYS[day.weekday()]} {day_in_words(text)}{clock}"


def period_in_words(start: str, end: str) -> str:
    """From a start to an end, which may be unknown or on the same day: "… kl. 09.00–11.30"."""
    begun = moment_in_words(start)
    if len(end) < 16 or len(start) < 16:
        written = begun
    elif end[:10] == start[:10]:
        written = f"{begun}–{end[11:16].replace(':', '.')}"
    else:
        written = f"{begun} till {moment_in_words(end)}"
    return written[:1].upper() + written[1:]


@dataclass(frozen=True, slots=True)
class Covered(Destroyed):
    """A sealed value that is not shown in a copy, and by which provision (maskad)."""

    provision: str = ""


def text(value: Sealed) -> sheets.Text:
    """A sealed value as it is printed."""
    match value:
        case Known(value=words):
            return words
        case Covered():
            return sheets.Masked(value.provision)
        case Destroyed():
            return sheets.DESTROYED


def joined(parts: Iterable[sheets.Text], between: str = " ") -> sheets.Text:
    """Texts one after another, empty ones left out; what is covered or destroyed among them stays so."""
    runs: list[sheets.Run] = []
    for part in parts:
        if part == "":
            continue
        if runs:
            runs.append(between)
        runs.extend(part.runs if isinstance(part, sheets.Mixed) else (part,))
    if all(isinstance(run, str) for run in runs):
        return "".join(str(run) for run in runs)
    return sheets.Mixed(tuple(runs))


def ranges(numbers: Iterable[str]) -> str:
    """Numbers as they are printed: "1–9", "1–3, 5"."""
    spans: list[list[str]] = []
    for number in numbers:
        last = spans[-1][-1] if spans else ""
        if last.isdigit() and number.isdigit() and int(number) == int(last) + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(span[0] if len(span) == 1 else f"{span[0]}–{span[-1]}" for span in spans)


def recorded(stamp: str) -> datetime:
    """The moment of a recorded_at."""
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
