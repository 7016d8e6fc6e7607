"""The event log over HTTP: the audit list, proofs, and what anybody may fetch to hold us to it.

- /audit answers "who did what, when, under which rule": as JSON, as CSV for a spreadsheet, or as a timeline to read.
- /proofs/{position} gives the envelope's hash, its inclusion proof and the checkpoint that it leads to (RFC 9162, 2.1.3).
- /log is public and follows C2SP tlog-tiles: the newest checkpoint and the tiles. Hashes only: no event is told there.
  Nobody who reads it is asked who they are (TF 2:18).
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api.keyroom import VKEYS
from api.problems import Refusal, documented
from api.reading import LONGEST, WHEN, BodyId, Reader, get, shown, when
from api.tokens import Public
from domain.errors import NotFound
from projections.audit import AuditQuery, query, timeline, to_csv
from projections.evidence import EvidenceTiles, TilesBehind, inclusion
from signing.checkpoint import Checkpoint
from signing.log import leaf_hash
from signing.tiles import Tile

V1 = "/v1/{municipality}"
ID = "0123456789abcdef"
Format = Literal["json", "csv", "text"]
CSV, TEXT, JSON = "text/csv", "text/plain", "application/json"
Filter = Annotated[str | None, Query(max_length=120)]
IdFilter = Annotated[str | None, Query(pattern=r"^[0-9a-f]{16}$")]
Known = Annotated[str | None, Query(pattern=WHEN, description="A position, a day or a time (RFC 3339).")]
True_ = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2})?$", description="Local time.")]


def add(app: FastAPI) -> None:
    get(app, f"{V1}/audit", audit, "log", "The event log: what happened, who recorded it, under which rule.",
        {"rows": [{"position": 12, "kind": "dissent-recorded.v1", "actor": ID}], "next": None},
        statuses=(400, 401, 403, 404, 405, 406, 422, 503))  # fmt: skip
    get(app, f"{V1}/proofs/{{position}}", proof, "log", "Proof that an event is in the log that the checkpoint signs.",
        {"position": 12, "leaf": ID * 4, "size": 40, "path": [ID * 4], "checkpoint": "…"})  # fmt: skip
    get(app, f"{V1}/log/checkpoint", checkpoint, "log", "The newest signed checkpoint (C2SP tlog-checkpoint). Public.",
        "radsliggaren/exempelby\n40\n…\n", media=TEXT, statuses=(404, 405))  # fmt: skip
    get(app, f"{V1}/log/vkeys", vkeys, "log", "The keys that verify checkpoints (signed-note). Public.", "…", media=TEXT,
        statuses=(404, 405))  # fmt: skip
    get(app, f"{V1}/log/trust-anchor.pem", trust_anchor, "log", "The authority that the seals lead to. Public.",
        "-----BEGIN CERTIFICATE-----\n…", media="application/pem-certificate-chain", statuses=(404, 405))  # fmt: skip
    app.add_api_route(
        f"{V1}/log/tile/{{level}}/{{index:path}}", tile, methods=["GET"], name="tile", operation_id="tile", tags=["log"],
        summary="Tile", description="A tile of the log's hash tree (C2SP tlog-tiles). Public.", response_class=Response,
        responses={200: {"description": "Up to 256 hashes, one after the other.",
                         "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
        | documented(404, 405),
    )  # fmt: skip


def audit(
    request: Request,
    reader: Reader,
    body: BodyId = None,
    person: IdFilter = None,
    matter: IdFilter = None,
    meeting: IdFilter = None,
    kind: Filter = None,
    rule: Filter = None,
    finding: Filter = None,
    text: Filter = None,
    known_from: Known = None,
    known_to: Known = None,
    true_from: True_ = None,
    true_to: True_ = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = LONGEST,
    after: Annotated[int, Query(ge=0, le=2**53 - 1, description="Continue after this position.")] = 0,
    format: Annotated[Format | None, Query(description="json, csv or text; else as Accept says.")] = None,
) -> Response:
    reader.rights.log(body)
    m = reader.municipality
    last = [each for each in (reader.at, when(m, known_to) if known_to else None) if each is not None]
    asked = AuditQuery(
        body=body, person=person, matter=matter, meeting=meeting, kind=kind, rule=rule, finding=finding, text=text,
        known_from=when(m, known_from) if known_from else None, known_to=min(last, default=None),
        true_from=true_from, true_to=true_to, limit=limit, after=after,
    )  # fmt: skip
    found = query(m.views, asked)
    headers = {"Vary": "Accept"}
    if found.next is not None:
        params = dict(request.query_params) | {"after": str(found.next)}
        headers["Link"] = f'<{request.url.include_query_params(**params).path}?{_encoded(params)}>; rel="next"'
    match format or _preferred(request.headers.get("accept", "")):
        case "csv":
            more = headers | {"Content-Disposition": 'attachment; filename="handelselogg.csv"'}
            return Response(to_csv(found.rows), media_type=f"{CSV}; charset=utf-8", headers=more)
        case "text":
            return Response(timeline(found.rows), media_type=f"{TEXT}; charset=utf-8", headers=headers)
        case _:
            return JSONResponse({"rows": shown(found.rows), "next": found.next}, headers=headers)


def _encoded(params: dict[str, str]) -> str:
    from urllib.parse import urlencode

    return urlencode(params)


def _preferred(accept: str) -> Format:
    names: dict[str, Format] = {CSV: "csv", TEXT: "text", JSON: "json"}
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    for each in wanted:
        if each in names:
            return names[each]
    if not wanted or {"*/*", "application/*", "text/*"} & set(wanted):
        return "json"
    raise Refusal(406, "format-unknown")


def proof(reader: Reader, position: Annotated[int, Path(ge=1, le=2**53 - 1, examples=[12])]) -> Response:
    reader.rights.register()
    m = reader.municipality
    stored = m.registry.stored(position)
    if stored is None:
        raise NotFound("event", str(position))
    note = m.checkpoints.sign(m.registry.clock.now())
    size = Checkpoint.parse(note.decode().partition("\n\n")[0] + "\n").size
    if not m.projector.wait_for(size, 5.0):
        raise Refusal(503, "not-yet-shown", headers={"Retry-After": "1"})
    path = inclusion(m.views, m.registry, position, size)
    content = {
        "position": position,
        "leaf": leaf_hash(stored.state).hex(),
        "size": size,
        "path": [each.hex() for each in path],
        "checkpoint": note.decode(),
    }
    return JSONResponse(content)


# --- what anybody may have
def checkpoint(municipality: Public) -> Response:
    note = municipality.checkpoints.newest(municipality.registry.clock.now())
    return Response(note, media_type=f"{TEXT}; charset=utf-8", headers={"Cache-Control": "no-cache"})


def vkeys(municipality: Public) -> Response:
    content = (municipality.keys.folder / VKEYS).read_bytes()
    return Response(content, media_type=f"{TEXT}; charset=utf-8", headers={"Cache-Control": "max-age=3600"})


def trust_anchor(municipality: Public) -> Response:
    content = municipality.keys.trust_anchor.read_bytes()
    return Response(content, media_type="application/pem-certificate-chain", headers={"Cache-Control": "max-age=3600"})


def tile(
    municipality: Public,
    level: Annotated[str, Path(pattern=r"^[0-9]{1,2}$", examples=["0"])],
    index: Annotated[str, Path(pattern=r"^(x[0-9]{3}/){0,5}[0-9]{3}(\.p/[0-9]{1,3})?$", examples=["000"])],
) -> Response:
    try:
        wanted = Tile.from_path(f"tile/{level}/{index}")
        content = EvidenceTiles(municipality.views).read_tile(wanted)
    except (ValueError, LookupError, TilesBehind):
        raise HTTPException(404) from None
    full = wanted.width == 256
    age = "max-age=31536000, immutable" if full else "max-age=3600"
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": age})


def digest(content: bytes) -> str:
    return base64.b64encode(content).decode()


__all__: list[Any] = ["add"]
