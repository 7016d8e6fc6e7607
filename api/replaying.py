"""`liggare replay`: the log folded anew to a point on two clocks.

- known says which events were recorded: all up to a position, or to a moment. true says when what they tell is asked
  for; without it everything known is counted.
- The views' digests are of views folded anew from those events. Comparing means comparing with what is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from api.wiring import open_folder
from domain.decider import STATES
from projections.reading import fresh_digests, position_at, stored_digests
from registry.clock import ZONE
from registry.digest import fold, state_digest


def replay(
    folder: Path,
    known: str | None,
    true: str | None,
    *,
    compare: bool,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[dict[str, Any], list[str]]:
    """The state as of (known, true), and the names of stored views that differ from it if they are compared."""
    m = open_folder(folder)
    try:
        position = position_at(m.registry, when(known)) if known else m.registry.recorder.head().position
        fresh = fresh_digests(m.registry, position, true=true, progress=progress)
        differing = []
        if compare:
            m.projector.catch_up()
            stored = stored_digests(m.views, position, true=true)
            differing = [name for name in sorted(fresh) if stored.get(name) != fresh[name]]
        digest = state_digest(fold(m.registry.facts(upto=position), STATES))
        return {"position": position, "true": true, "state_digest": digest, "views": fresh}, differing
    finally:
        m.close()


def when(text: str) -> int | date | datetime:
    """A position, a day or a moment."""
    if text.isdigit():
        return int(text)
    if len(text) == 10:
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
