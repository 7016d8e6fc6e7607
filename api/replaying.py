"""`liggare replay`: the log folded anew to a point on two clocks.

- known says which events were recorded: all up to a position, or by a moment. true says when what they tell is asked
  for; without it everything known is counted.
- Without true the views' digests are of views folded anew from those events; with it they are of what the views answer
  for that time. Comparing always means: folded anew against what is stored, as of the same position.
- To answer for a time the views must have read so far; that they have, and nothing else, is written by a replay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from api.wiring import Municipality, open_folder
from domain.decider import STATES
from projections.reading import fresh_digests, position_at, rows, stored_digests
from projections.views import VIEWS
from registry.digest import fold, state_digest
from signing.canonical import encode


def replay(
    folder: Path,
    known: int | date | datetime | None,
    true: date | datetime | None,
    *,
    compare: bool,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> tuple[dict[str, Any], list[str]]:
    """The state as of (known, true), and the names of the stored views that differ if they are compared."""
    m = open_folder(folder)
    try:
        head = m.registry.recorder.head().position
        position = position_at(m.registry, known) if known is not None else head
        digest = state_digest(fold(m.registry.facts(upto=position), STATES))
        fresh = fresh_digests(m.registry, position, progress) if compare or true is None else {}
        differing = []
        if compare or true is not None:
            m.projector.catch_up()
        if compare:
            # A row added by hand may stand anywhere: only all that is stored can be all that there should be.
            stored = stored_digests(m.views, None if position == head else position)
            differing = [name for name in sorted(fresh) if stored.get(name) != fresh[name]]
        holds = _text(true) if true is not None else None
        views = fresh if holds is None else _as_of(m, position, holds)
        return {"position": position, "true": holds, "state_digest": digest, "views": views}, differing
    finally:
        m.close()


def _text(true: date | datetime) -> str:
    return true.strftime("%Y-%m-%dT%H:%M") if isinstance(true, datetime) else true.isoformat()


def _as_of(m: Municipality, known: int, true: str) -> dict[str, str]:
    """Each view's answer for a time, as one digest."""
    answers = {}
    for view in VIEWS:
        digest = hashlib.sha256(f"{view.name} as of {true}\n".encode())
        for row in rows(m.views, view.name, known, true):
            digest.update(encode({name: _plain(value) for name, value in row.items()}) + b"\n")
        answers[view.name] = digest.hexdigest()
    return answers


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str) else str(value)
