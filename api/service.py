"""What is said about the service itself, to anybody: that it lives, that it is ready, what it is, how it is used.

- /healthz says that the process answers. /readyz says how far behind each registry's views are, and 503 if one of them
  stands still or its log cannot be read.
- /api-info has the names that the Swedish REST API profile gives them.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from api.reading import get
from api.tokens import municipalities

LAG = 10_000  # events; beyond this the views are no picture of now


def add(app: FastAPI) -> None:
    get(app, "/healthz", healthz, "service", "The process answers. Public.", {"status": "ok"}, statuses=(405,))
    get(app, "/readyz", readyz, "service", "The registries can be read and their views keep up. Public.",
        {"status": "ok", "lag": {"exempelby": 0}}, statuses=(405,))  # fmt: skip
    get(app, "/api-info", api_info, "service", "Name, version and state of this API. Public.",
        {"apiName": "Rådsliggaren", "apiVersion": "1", "apiStatus": "active"}, statuses=(405,))  # fmt: skip
    get(app, "/openapi.json", openapi_json, "service", "This description. Public.", None, statuses=(405,))


def healthz() -> Response:
    return JSONResponse({"status": "ok"})


def readyz(request: Request) -> Response:
    lags: dict[str, int | None] = {}
    for slug, municipality in municipalities(request).items():
        try:
            head = municipality.registry.recorder.head().position
            lags[slug] = max(municipality.projector.lag().values(), default=0) if head else 0
        except Exception:  # noqa: BLE001  # whatever the store says, the answer is that it is not ready
            lags[slug] = None
    ready = all(lag is not None and lag <= LAG for lag in lags.values())
    return JSONResponse({"status": "ok" if ready else "not-ready", "lag": lags}, 200 if ready else 503)


def api_info(request: Request) -> Response:
    content: dict[str, Any] = {
        "apiName": request.app.title,
        "apiVersion": request.app.version,
        "apiReleased": request.app.state.released,
        "apiDocumentation": str(request.base_url) + "openapi.json",
        "apiStatus": "active",
    }
    return JSONResponse({name: value for name, value in content.items() if value})


def openapi_json(request: Request) -> Response:
    return JSONResponse(request.app.openapi(), headers={"Cache-Control": "max-age=300"})
