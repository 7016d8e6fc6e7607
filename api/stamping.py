"""Time stamps over checkpoints: that the log stood as it stands no later than then (RFC 3161).

- The newest checkpoint is stamped; all before it are its beginning. The token is over the note's text, without the
  signatures below it, and lies beside it as .tst.
- `timestamp_url` in liggare.toml names an authority outside, and pki/tsa.pem holds its certificate. Without them the
  municipality's own authority stamps: its own word, which verify calls self-asserted.
- Nothing ever waits for an authority. What it does not give, or gives wrongly, is logged, told by doctor, and asked for
  again; a token is verified before it is kept.
"""

from __future__ import annotations

import urllib.request
from asyncio import to_thread
from hashlib import sha256
from pathlib import Path

from asn1crypto import core, tsp
from pyhanko.sign.timestamps import TimeStamper

from api.faults import Fault
from api.wiring import Municipality
from registry.files import write_synced
from signing.export import CHECKPOINTS, STAMP_ANCHOR, stamp_roots
from signing.note import Note
from signing.timestamp import stamp, verify_stamp

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
GRANTED = {"granted", "granted_with_mods"}  # RFC 3161, 2.4.2
PATIENCE, MOST = 10.0, 1 << 20


class Unstamped(Fault):
    """The authority cannot be asked, or what it answered is no time stamp over what was sent."""


class OutsideAuthority(TimeStamper):
    """An RFC 3161 authority over HTTP (section 3.4), behind pyHanko's port."""

    def __init__(self, url: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko's own signature
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Ask, and wait a while."""
        return await to_thread(self._ask, req.dump())

    def _ask(self, query: bytes) -> tsp.TimeStampResp:
        request = urllib.request.Request(self._url, query, {"Content-Type": QUERY})  # noqa: S310  # settings take HTTP alone
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  # as above
            if answer.headers.get_content_type() != REPLY:
                raise ValueError(f"the answer is {answer.headers.get_content_type()}, not {REPLY}")
            body = answer.read(MOST)
        # A refusal has no token, and asn1crypto reads only answers that have one.
        status = tsp.PKIStatusInfo.load(core.Sequence.load(body, strict=True)[0].dump())
        if status["status"].native not in GRANTED:
            raise ValueError(f"refused: {status.native}")
        return tsp.TimeStampResp.load(body, strict=True)


def awaits(m: Municipality) -> Path | None:
    """The newest checkpoint, if it awaits its time stamp."""
    note = max((m.dir / CHECKPOINTS).glob("*.note"), default=None)
    return note if note and not note.with_suffix(".tst").is_file() else None


def stamp_newest(m: Municipality) -> bool:
    """Stamp the newest checkpoint; whether that was to be done. Raises Unstamped."""
    if (note := awaits(m)) is None:
        return False
    url = m.settings.timestamp_url
    if url and not (m.keys.folder / STAMP_ANCHOR).is_file():
        raise Unstamped("no-stamp-anchor", url=url, file=m.keys.folder / STAMP_ANCHOR)
    digest = sha256(Note.parse(note.read_bytes()).text.encode()).digest()
    try:
        token = stamp(OutsideAuthority(url) if url else m.keys.timestamper, digest)
        verify_stamp(token, digest, [m.keys.authority.ca.certificate], stamp_roots(m.keys.folder))
    except Exception as error:  # an answer from outside may raise anything inside the parsers
        raise Unstamped("unstamped", url=url or "–", reason=str(error)) from error
    write_synced(note.with_suffix(".tst"), token)
    return True
