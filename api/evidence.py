"""The event log over HTTP: the audit list, proofs, and what anybody may fetch to hold us to it.

- /audit answers "who did what, when, under which rule": as JSON, as CSV for a spreadsheet, or as a timeline to read.
- /proofs/{position} gives the leaf hash, its inclusion proof and the checkpoint it leads to (RFC 9162, 2.1.3).
- /log follows C2SP tlog-tiles: the newest checkpoint and the tiles, and the proof that one tree continues another.
  Hashes only, and public: nobody who reads them is asked who they are (TF 2:18). The entries themselves hold drafts,
  and are for those who may read the event log.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api.problems import Refusal
from api.proofs import bundle, grown, proven
from api.reading import (
    DAY,
    LONGEST,
    PUBLIC,
    READ,
    TIME,
    WHEN,
    BodyId,
    Reader,
    Routes,
    moment,
    shown,
    when,
)
from api.tokens import Public
from api.witnessing import published_note
from projections.audit import AuditQuery, query, timeline, to_csv
from projections.evidence import EvidenceTiles, TilesBehind
from signing.pki import CRL
from signing.tiles import Tile
from signing.vkeys import VKEYS, VKEYS_SIGNATURE

ID = "0123456789abcdef"
INDEX = r"^(x[0-9]{3}/){0,5}[0-9]{3}(\.p/[0-9]{1,3})?$"  # of a tile, as C2SP tlog-tiles writes it
Format = Literal["json", "csv", "text"]
CSV, TEXT, JSON = "text/csv", "text/plain", "application/json"
PEM, BYTES = "application/pem-certificate-chain", "application/octet-stream"
PKCS7, CRL_MEDIA = "application/pkcs7-signature", "application/pkix-crl"
Filter = Annotated[str | None, Query(max_length=120)]
IdFilter = Annotated[str | None, Query(pattern=r"^[0-9a-f]{16}$")]
Known = Annotated[str | None, Query(pattern=WHEN, description="A position, a day or a time (RFC 3339).")]
Happened = Annotated[str | None, Query(pattern=f"^{DAY}({TIME})?$", description="Local time.")]


ROUTES = Routes()
add = ROUTES.add


@ROUTES.get(
    "/audit",
    "log",
    {"rows": [{"position": 12, "kind": "dissent-recorded.v1", "actor": ID}], "next": None},
    also=(CSV, TEXT),
    statuses=(*READ, 406),
)
def audit(
    request: Request,
    reader: Reader,
    body: BodyId = None,
    person: IdFilter = None,
    matter: Filter = None,
    meeting: IdFilter = None,
    kind: Filter = None,
    rule: Filter = None,
    finding: Filter = None,
    text: Filter = None,
    known_from: Known = None,
    known_to: Known = None,
    true_from: Happened = None,
    true_to: Happened = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = LONGEST,
    after: Annotated[int, Query(ge=0, le=2**53 - 1, description="Continue after this position.")] = 0,
    form: Annotated[Format | None, Query(alias="format", description="Else as Accept says.")] = None,
) -> Response:
    """The event log: what happened, who recorded it, under which rule, and what was observed."""
    reader.rights.log(body)
    m = reader.municipality
    last = moment(known_to, "known_to") if known_to else None
    asked = AuditQuery(
        body=body, person=person, matter=matter, meeting=meeting, kind=kind, rule=rule, finding=finding, text=text,
        known_from=moment(known_from, "known_from") if known_from else None,
        known_to=last if reader.at is None else min(reader.at, when(m, known_to) if known_to else reader.at),
        true_from=_minute(true_from, "true_from"), true_to=_minute(true_to, "true_to"), limit=limit, after=after,
    )  # fmt: skip
    found = query(m.shown(), asked)
    headers = {"Vary": "Accept"}
    if found.next is not None:
        params = dict(request.query_params) | {"after": str(found.next)}
        headers["Link"] = f'<{request.url.path}?{urlencode(params)}>; rel="next"'
    match form or _preferred(request.headers.get("accept", "")):
        case "csv":
            more = headers | {"Content-Disposition": 'attachment; filename="handelselogg.csv"'}
            return Response(to_csv(found.rows), media_type=f"{CSV}; charset=utf-8", headers=more)
        case "text":
            return Response(
                timeline(m.views, found.rows), media_type=f"{TEXT}; charset=utf-8", headers=headers
            )
        case _:
            return JSONResponse({"rows": shown(found.rows), "next": found.next}, headers=headers)


def _minute(text: str | None, name: str) -> date | datetime | None:
    found = moment(text, name) if text else None
    assert not isinstance(found, int), "the pattern of the parameter lets no position pass"
    return found


def _preferred(accept: str) -> Format:
    names: dict[str, Format] = {CSV: "csv", TEXT: "text", JSON: "json"}
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    for each in wanted:
        if each in names:
            return names[each]
    if not wanted or {"*/*", "application/*", "text/*"} & set(wanted):
        return "json"
    raise Refusal(406, "format-unknown")


@ROUTES.get(
    "/proofs/{position}",
    "log",
    {"position": 12, "leaf": ID * 4, "size": 40, "path": [ID * 4], "checkpoint": "…"},
)
def proof(reader: Reader, position: Annotated[int, Path(ge=1, le=2**53 - 1, examples=[12])]) -> Response:
    """Proof that an event is in the log that the checkpoint signs."""
    reader.rights.register()
    return JSONResponse(proven(reader.municipality, position))


# --- what anybody may have
@ROUTES.get("/log/checkpoint", "log", "radsliggaren/exempelby\n40\n…\n", media=TEXT, statuses=PUBLIC)
def checkpoint(municipality: Public) -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint), with cosignatures if it has any. Public."""
    note = municipality.checkpoints.newest(municipality.registry.clock.now())
    content = published_note(municipality, note)
    return Response(content, media_type=f"{TEXT}; charset=utf-8", headers={"Cache-Control": "no-cache"})


@ROUTES.get("/log/vkeys", "log", media=TEXT, statuses=PUBLIC)
def vkeys(municipality: Public) -> Response:
    """The keys that verify checkpoints (C2SP signed-note). Public."""
    content = (municipality.keys.folder / VKEYS).read_bytes()
    return Response(content, media_type=f"{TEXT}; charset=utf-8", headers={"Cache-Control": "max-age=3600"})


@ROUTES.get("/log/vkeys.p7s", "log", media=PKCS7, statuses=PUBLIC)
def vkeys_signature(municipality: Public) -> Response:
    """The municipality's signature over the keys that verify checkpoints (detached CMS, RFC 5652). Public."""
    content = (municipality.keys.folder / VKEYS_SIGNATURE).read_bytes()
    return Response(content, media_type=PKCS7, headers={"Cache-Control": "max-age=3600"})


@ROUTES.get("/log/ca.crl", "log", media=CRL_MEDIA, statuses=PUBLIC)
def revocation_list(municipality: Public) -> Response:
    """The municipality's revocation list (RFC 5280): which certificates were found out, and from when. Public."""
    content = (municipality.keys.folder / CRL).read_bytes()
    return Response(content, media_type=CRL_MEDIA, headers={"Cache-Control": "max-age=3600"})


@ROUTES.get("/log/trust-anchor.pem", "log", media=PEM, statuses=PUBLIC)
def trust_anchor(municipality: Public) -> Response:
    """The certificate that every signature and seal leads to. Public."""
    content = municipality.keys.trust_anchor.read_bytes()
    return Response(content, media_type=PEM, headers={"Cache-Control": "max-age=3600"})


@ROUTES.get(
    "/log/consistency/{old}/{new}",
    "log",
    {"old": 20, "new": 40, "old_root": ID * 4, "new_root": ID * 4, "path": [ID * 4]},
    statuses=(*PUBLIC, 422, 503),
)
def growth(
    municipality: Public,
    old: Annotated[int, Path(ge=0, le=2**53 - 1, examples=[1])],
    new: Annotated[int, Path(ge=0, le=2**53 - 1, examples=[2])],
) -> Response:
    """Proof that the log of the first `old` events is the beginning of that of `new` (RFC 9162, 2.1.4). Public."""
    return JSONResponse(grown(municipality, old, new), headers={"Cache-Control": "max-age=3600"})


@ROUTES.get("/log/tile/entries/{index:path}", "log", media=BYTES)
def entries(reader: Reader, index: Annotated[str, Path(pattern=INDEX, examples=["000"])]) -> Response:
    """The events behind a tile of leaves, as they lie, each after its length (C2SP tlog-tiles, Log entries)."""
    reader.rights.log(None)
    try:
        content = bundle(reader.municipality, Tile.from_path(f"tile/0/{index}"))
    except (ValueError, LookupError):
        raise HTTPException(404) from None
    return Response(content, media_type=BYTES)


@ROUTES.get("/log/tile/{level}/{index:path}", "log", media=BYTES, statuses=PUBLIC)
def tile(
    municipality: Public,
    level: Annotated[str, Path(pattern=r"^[0-9]{1,2}$", examples=["0"])],
    index: Annotated[str, Path(pattern=INDEX, examples=["000"])],
) -> Response:
    """A tile of the hash tree: up to 256 hashes, one after the other (C2SP tlog-tiles). Public."""
    try:
        wanted = Tile.from_path(f"tile/{level}/{index}")
        content = EvidenceTiles(municipality.views).read_tile(wanted)
    except (ValueError, LookupError, TilesBehind):
        raise HTTPException(404) from None
    full = wanted.width == 256
    age = "max-age=31536000, immutable" if full else "max-age=3600"
    return Response(content, media_type=BYTES, headers={"Cache-Control": age})
