"""What the registry does by itself: seal what both have signed, and sign a checkpoint over it.

- A reaction reads the to-do view, acts, and records the outcome by a command. It can be stopped at any point and asked
  again: what has been recorded is not done twice, and files that no event names are swept.
- Sealing: the municipality's seal locks the file, with the certificates and the revocation list in it and an archive
  time stamp over all (PAdES B-LTA). Drafts' keys stay until they are destroyed at finishing; the approved version's
  key becomes preserved.
- A checkpoint is signed at every sealing and after each interval of events.
"""

from __future__ import annotations

import threading
from hashlib import sha256

from api.signing_flow import SEAL_FIELD, SigningFlow
from api.wiring import SYSTEM, Municipality
from domain.approving import SealMinutes
from domain.errors import Refused
from domain.messages import stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesVersionMade
from projections.reading import rows
from registry.clock import local
from signing import seal
from signing.pki import certificate_der


class Reactions:
    """The effects of one registry, run one at a time."""

    def __init__(self, municipality: Municipality) -> None:
        self.m, self._flow = municipality, SigningFlow(municipality)
        self._turn, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def run(self) -> int:
        """Do everything that is to be done now; how many things were."""
        with self._turn:
            self.m.projector.catch_up()
            done = 0
            for row in rows(self.m.views, "todo", where={"task": "pin"}):
                self._flow.pin(str(row["minutes"]), int(row["version"]))
            for row in rows(self.m.views, "todo", where={"task": "seal"}):
                self._seal(str(row["minutes"]))
                done += 1
            self._checkpoint(force=done > 0)
            return done

    def _seal(self, minutes: str) -> None:
        state = self.m.registry.get(Minutes, minutes)
        if state.sealed or not state.approved:
            return  # done by an earlier run that was stopped before the view caught up
        version, name = state.newest.version, stream(Minutes, minutes)
        now, keys = self.m.registry.clock.now(), self.m.keys
        authority = keys.authority
        pdf = seal.lock(
            self._flow.signed(minutes, version),
            SEAL_FIELD,
            authority.seal,
            [authority.ca.certificate],
            [f"Stämplat av {self.m.name}", local(now).strftime("%Y-%m-%d kl. %H.%M")],
            now,
            keys.timestamper,
            [authority.crl(now)],
            [authority.timestamp.certificate],
        )
        self._preserve(minutes, version)
        command = SealMinutes(
            minutes=minutes,
            version=version,
            file=self.m.files.put(name, "preserved", pdf),
            pdf=sha256(pdf).hexdigest(),
            size=len(pdf),
            certificate=sha256(certificate_der(authority.seal.certificate)).hexdigest(),
        )
        try:
            self.m.execute_as(command, SYSTEM)
        except Refused:
            if not self.m.registry.get(Minutes, minutes).sealed:
                raise  # another process sealed first: its file stands, ours is an orphan

    def _preserve(self, minutes: str, version: int) -> None:
        name = stream(Minutes, minutes)
        for fact in self.m.registry.stream(name):
            if isinstance(fact.event, MinutesVersionMade) and fact.event.version == version:
                self.m.vault.keep_as(f"{name}/{fact.version}", "working", "preserved")
        self.m.vault.keep_as(f"{name}/render-{version}", "working", "preserved")

    def _checkpoint(self, *, force: bool) -> None:
        stored = self.m.registry.recorder.checkpoints()
        newest, head = stored[-1][0] if stored else 0, self.m.registry.recorder.head().position
        if head > newest and (force or head - newest >= self.m.settings.checkpoint_every):
            self.m.checkpoints.sign(self.m.registry.clock.now())

    # --- in the background of a server

    def start(self) -> None:
        """React to events as they come, until stopped."""
        self._thread = threading.Thread(target=self._loop, name=f"reactions-{self.m.slug}", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        seen = 0
        while not self._stop.is_set():
            self.run()
            seen = self.m.registry.recorder.head().position
            self.m.registry.recorder.wait(seen, 1.0)

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
