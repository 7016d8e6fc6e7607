"""The clocks a registry can run on.

- The machine's clock by default. A demo declares a simulated clock in its first event, so that nobody can take played
  events for real ones; the simulated clock moves only when it is told to, and never backwards.
- Local time is the municipality's own (Europe/Stockholm). It is worked out when something is recorded and stored as
  written: nothing that folds events reads a time-zone database.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Stockholm")


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands still until it is moved; each reading is a microsecond after the last."""

    def __init__(self, start: datetime) -> None:
        self._now, self._lock = start.astimezone(UTC), threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            self._now += timedelta(microseconds=1)
            return self._now

    def move_to(self, moment: datetime) -> None:
        """Move forward to a moment; an earlier one leaves the clock where it is."""
        with self._lock:
            self._now = max(self._now, moment.astimezone(UTC))


def stamp(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`, the form of recorded_at."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def unstamp(text: str) -> datetime:
    """The moment of a recorded_at; raises ValueError on any other form."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    if stamp(moment) != text:  # strptime also reads shortened numbers
        raise ValueError(f"{text!r} is not of the form YYYY-MM-DDTHH:MM:SS.ffffffZ")
    return moment


def local(moment: datetime) -> datetime:
    """The same moment on the wall clock of the municipality."""
    return moment.astimezone(ZONE)
