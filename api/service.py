"""What is said about the service itself, to anybody: that it lives, that it is ready, what it is, how it is used.

- /healthz says that the process answers. /readyz says how far behind each registry's views are, and 503 if one of them
  stands still or if its log, its keys or its views cannot be reached; which of them it says.
- /api-info has the names that the Swedish REST API profile gives them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from api.reading import Routes
from api.tokens import municipalities
from api.wiring import Municipality

log = logging.getLogger("liggare.service")
LAG = 10_000  # events; beyond this the views are no picture of now


ROUTES = Routes("")
add = ROUTES.add


@ROUTES.get("/healthz", "service", {"status": "ok"}, statuses=(405,))
def healthz() -> Response:
    """The process answers. Public."""
    return JSONResponse({"status": "ok"})


@ROUTES.get("/readyz", "service", {"status": "ok", "lag": {"exempelby": 0}}, statuses=(405,))
def readyz(request: Request) -> Response:
    """The registries can be read and their views keep up; 503 if not. Public."""
    lags: dict[str, int | None] = {}
    troubles: dict[str, str] = {}
    unreachable: dict[str, list[str]] = {}
    stopped: dict[str, list[str]] = {}
    for slug, municipality in municipalities(request).items():
        if missing := _unreachable(municipality):
            unreachable[slug], lags[slug] = missing, None
        else:
            standing = municipality.projector.status()
            lags[slug] = max((one.lag for one in standing.values()), default=0)
            if still := sorted(name for name, one in standing.items() if one.stopped):
                stopped[slug] = still
        if municipality.troubles:  # whose minutes and which files is for the log, not for everybody
            troubles[slug] = ", ".join(sorted(municipality.troubles))
    ready = not troubles and not stopped and all(lag is not None and lag <= LAG for lag in lags.values())
    content: dict[str, Any] = {"status": "ok" if ready else "not-ready", "lag": lags}
    content |= {"troubles": troubles} if troubles else {}
    content |= {"unreachable": unreachable} if unreachable else {}
    content |= {"stopped": stopped} if stopped else {}
    return JSONResponse(content, 200 if ready else 503)


def _unreachable(municipality: Municipality) -> list[str]:
    """Which parts of a registry cannot be read now."""
    parts: dict[str, Callable[[], object]] = {
        "log": municipality.registry.recorder.head,
        "keys": municipality.registry.refresh,
        "views": municipality.projector.lag,
    }
    missing = []
    for part, look in parts.items():
        try:
            look()
        except Exception as error:  # noqa: BLE001  # whatever the store says, the answer is that it is not ready
            log.error("%s: the %s cannot be reached: %s", municipality.slug, part, error)
            missing.append(part)
    return missing


@ROUTES.get(
    "/api-info",
    "service",
    {"apiName": "Rådsliggaren", "apiVersion": "1", "apiStatus": "active"},
    statuses=(405,),
)
def api_info(request: Request) -> Response:
    """Name, version and state of this API. Public."""
    content: dict[str, Any] = {
        "apiName": request.app.title,
        "apiVersion": request.app.version,
        "apiReleased": request.app.state.released,
        "apiDocumentation": str(request.base_url) + "openapi.json",
        "apiStatus": "active",
    }
    return JSONResponse({name: value for name, value in content.items() if value})


@ROUTES.get("/openapi.json", "service", statuses=(405,))
def openapi_json(request: Request) -> Response:
    """This description. Public."""
    return JSONResponse(request.app.openapi(), headers={"Cache-Control": "max-age=300"})
