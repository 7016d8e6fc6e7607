"""Obligations as a calendar (RFC 5545), and by the months of a year (årshjul).

- An event has the whole day that is the last one of an obligation; what has no last day has no place in a calendar.
- UID (3.8.4.7) is the obligation's own id, so that a calendar fetched again replaces what stood there before.
- Lines end with CRLF and are folded at 75 octets, never inside a sign (3.1); backslash, semicolon, comma and line break
  are escaped in text (3.3.11). DTSTAMP is the moment of the question, in UTC (3.8.7.2).
- It takes no time from anybody: TRANSP is TRANSPARENT (3.8.2.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from projections.obligations import Obligation
from projections.owed import row
from projections.sentences import WORDS

WIDTH = 75
PRODID = "-//Radsliggaren//obligations//SV"


def as_calendar(found: Iterable[Obligation], names: Mapping[str, str], slug: str, now: datetime) -> bytes:
    """The obligations with a last day; names: bodies by id."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    for one in found:
        if one.last is not None and one.state != "not-applicable":
            lines += _event(one, one.last, names.get(one.body, one.body), slug, stamp)
    lines.append("END:VCALENDAR")
    return b"".join(b"\r\n ".join(_folded(line)) + b"\r\n" for line in lines)


def _event(one: Obligation, last: date, body: str, slug: str, stamp: str) -> Iterator[str]:
    source = str(one.rule.source)
    state = WORDS.get(one.state, one.state)
    yield "BEGIN:VEVENT"
    yield f"UID:{one.id.replace('/', '.')}@{slug}.radsliggaren"
    yield f"DTSTAMP:{stamp}"
    yield f"DTSTART;VALUE=DATE:{last:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{last + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(f'{body}: {one.rule.text or one.rule.id}')}"
    yield f"DESCRIPTION:{_text(f'{state}. {source}')}"
    yield f"CATEGORIES:{_text(state)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n")


def _folded(line: str) -> list[bytes]:
    """The line in parts of at most 75 octets, the blank that a following part begins with among them."""
    parts: list[bytes] = []
    part = b""
    for sign in line:
        octets = sign.encode()
        if len(part) + len(octets) > (WIDTH if not parts else WIDTH - 1):
            parts.append(part)
            part = b""
        part += octets
    return [*parts, part]


def wheel(found: Iterable[Obligation], year: int) -> dict[str, Any]:
    """The year's obligations by the month of their last day, and those of the year without one."""
    months: list[dict[str, Any]] = [{"month": month, "items": []} for month in range(1, 13)]
    without: list[dict[str, Any]] = []
    for one in found:
        if one.last is not None and one.last.year == year:
            months[one.last.month - 1]["items"].append(row(one))
        elif one.last is None and one.first is not None and one.first.year == year:
            without.append(row(one))
    return {"year": year, "months": months, "without_a_last_day": without}
