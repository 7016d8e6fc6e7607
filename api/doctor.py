"""`liggare doctor`: is the registry well, and what expires when?"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from api.wiring import Municipality, clock_declared, open_folder
from registry.clock import stamp, unstamp
from registry.registry import PATIENCE

SOON = 90


def examine(folder: Path) -> dict[str, Any]:
    """Look at a data folder; each check with its outcome and detail."""
    municipality = open_folder(folder)
    try:
        checks = [
            _clock(municipality),
            _views(municipality),
            _checkpoints(municipality),
            _certificates(municipality),
            _orphans(municipality),
            _space(municipality),
        ]
    finally:
        municipality.close()
    return {"ok": all(check["ok"] is not False for check in checks), "dir": str(municipality.dir), "checks": checks}


def _check(name: str, ok: bool | None, detail: str) -> dict[str, Any]:
    return {"check": name, "ok": ok, "detail": detail}


def _clock(m: Municipality) -> dict[str, Any]:
    now, head = m.registry.clock.now(), m.registry.recorder.head().recorded_at
    if clock_declared(m) == "simulated":
        return _check("clock", None, "registret är ett exempel på simulerad klocka")
    if head and unstamp(head) - now > PATIENCE:
        return _check("clock", False, f"klockan är {stamp(now)}, men loggens sista händelse skrevs {head}: ställ klockan")
    return _check("clock", True, f"klockan är {stamp(now)}")


def _views(m: Municipality) -> dict[str, Any]:
    m.projector.catch_up()
    behind = {name: lag for name, lag in m.projector.lag().items() if lag}
    if behind:
        names = ", ".join(f"{name} ({lag} händelser)" for name, lag in behind.items())
        return _check("views", False, f"vyer står stilla: {names}; kör liggare rebuild")
    return _check("views", True, "alla vyer är i fatt")


def _checkpoints(m: Municipality) -> dict[str, Any]:
    stored = m.registry.recorder.checkpoints()
    head = m.registry.recorder.head().position
    if not stored:
        return _check("checkpoints", False, "ingen kontrollpunkt är undertecknad")
    return _check("checkpoints", True, f"{len(stored)} kontrollpunkter; {head - stored[-1][0]} händelser sedan den sista")


def _certificates(m: Municipality) -> dict[str, Any]:
    authority, now = m.keys.authority, m.registry.clock.now()
    ends = {
        "utfärdaren": authority.ca.certificate.not_valid_after_utc,
        "stämpeln": authority.seal.certificate.not_valid_after_utc,
        "tidsstämplingen": authority.timestamp.certificate.not_valid_after_utc,
    }
    soon = {name: end for name, end in ends.items() if (end - now).days < SOON}
    detail = ", ".join(f"{name} gäller t.o.m. {_day(end)}" for name, end in ends.items())
    return _check("certificates", not soon, detail)


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _orphans(m: Municipality) -> dict[str, Any]:
    named = {
        address
        for fact in m.registry.facts()
        for name in ("file", "cms_file")
        if isinstance(address := getattr(fact.event, name, None), str)
    }
    found = [path for path in m.files.folder.rglob("*") if path.is_file()]
    missing = sorted(named - {path.name for path in found})
    if missing:
        return _check("files", False, f"{len(missing)} filer saknas, bland dem {missing[0]}")
    orphans = sum(path.name not in named for path in found)
    return _check("files", True, f"{len(named)} filer finns; {orphans} som ingen händelse nämner")


def _space(m: Municipality) -> dict[str, Any]:
    free = shutil.disk_usage(m.dir).free
    return _check("space", free > 1 << 30, f"{free / (1 << 30):.0f} GiB fritt")
