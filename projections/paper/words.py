"""Days and times in Swedish words, from the texts that events hold."""

from __future__ import annotations

from datetime import date

from domain.when import MONTHS

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
