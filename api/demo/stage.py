"""What a played story stands on: a server on loopback, a clock that the story moves, and people with tokens.

- Everything goes through the public HTTP API, as a municipality's own system would do it: no shortcut into the log.
- The clock is simulated, and the registry's first event says so.
- People's tokens and passphrases are made for the demo and printed by it; a real registry hands each person their own.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import uvicorn

from api.app import create_app
from api.reactions import Reactions
from api.wiring import Municipality
from registry.clock import ZONE, SimulatedClock


class NotPlayed(Exception):
    """A step of the story was refused: the story and the software no longer agree."""


@dataclass
class Stage:
    """One registry with its server, as the story sees it."""

    municipality: Municipality
    clock: SimulatedClock
    address: str
    reactions: Reactions
    tokens: dict[str, str] = field(default_factory=dict)
    passphrases: dict[str, str] = field(default_factory=dict)

    def at(self, moment: str) -> None:
        """Move the clock to a local time, YYYY-MM-DDTHH:MM."""
        self.clock.move_to(datetime.fromisoformat(moment).replace(tzinfo=ZONE))

    def post(self, who: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Post as a person (by the story's name for them); the answer, or NotPlayed."""
        return self._send("POST", path, self.tokens.get(who), json.dumps(body or {}).encode())

    def file(self, who: str, path: str, said: dict[str, str], content: bytes) -> dict[str, Any]:
        """Post a text file, with what is said about it."""
        path = f"{path}?{urllib.parse.urlencode(said)}"
        return self._send("POST", path, self.tokens[who], content, "text/plain")

    def get(self, who: str, path: str) -> dict[str, Any]:
        """Read as a person."""
        return self._send("GET", path, self.tokens[who], None)

    def react(self) -> None:
        """Let the registry do what it does by itself."""
        self.reactions.run()

    def let_in(self, who: str, person: str, *, signs: bool = False) -> None:
        """Give a person a token and, if they are to sign, a passphrase of their own."""
        answer = self.post("operator", f"/persons/{person}/issue-token", {"label": "exempel", "days": 400})
        self.tokens[who] = answer["token"]
        if signs:
            link = self.post("operator", f"/persons/{person}/issue-passphrase-link")["token"]
            self.passphrases[who] = "exempel " + secrets.token_urlsafe(12)
            self.post("", "/passphrase", {"link": link, "passphrase": self.passphrases[who]})

    def sign(self, who: str, minutes: str, version: int, office: str) -> None:
        """Sign a version of minutes: begin, and finish with the passphrase."""
        begun = self.post(who, f"/minutes/{minutes}/signings", {"version": version, "office": office})
        done = self.post(who, f"/signings/{begun['signing']}/resume", {"passphrase": self.passphrases[who]})
        if done["status"] != "done":
            raise NotPlayed(f"{who} could not sign {minutes}: {done}")

    def _send(
        self, method: str, path: str, token: str | None, body: bytes | None, kind: str = "application/json"
    ) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  # our own loopback server
            f"{self.address}/v1/{self.municipality.slug}{path}",
            method=method,
            data=body,
            headers={"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310  # as above
                content = response.read()
        except urllib.error.HTTPError as error:
            said = f"{error.code} {error.read().decode()}"
            raise NotPlayed(f"{method} {path} {(body or b'').decode()[:2000]}: {said}") from error
        return json.loads(content) if content else {}


@contextmanager
def staged(municipality: Municipality, clock: SimulatedClock) -> Iterator[Stage]:
    """A server for the registry on a free loopback port, for as long as the story plays."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = create_app({municipality.slug: municipality})
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        stage = Stage(municipality, clock, f"http://127.0.0.1:{port}", Reactions(municipality))
        operator = municipality.settings.operator
        stage.tokens["operator"] = municipality.vault.issue_token(
            operator, "access", "exempel", datetime(2100, 1, 1, tzinfo=ZONE)
        )
        try:
            yield stage
        finally:
            server.should_exit = True
            thread.join()
