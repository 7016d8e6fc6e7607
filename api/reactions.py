"""What the registry does by itself: pin what is to be signed, seal what all have signed, purge what is finished,
destroy what is decided, sign checkpoints.

- A reaction reads the to-do view, acts, and records the outcome by a command. It can be stopped at any point and asked
  again: what has been recorded is not done twice. Files that no event names are swept when a day ends.
- Sealing: the municipality's seal locks the file, with the certificates and the revocation list in it and an archive
  time stamp over all (PAdES B-LTA). The approved version's key becomes preserved.
- Finishing: the keys of the versions that stay are preserved, and then the working material is purged by a decision.
- A decision to destroy is carried out after it is in the log: the keys go while nothing is appended, the views that may
  hold the words are made anew, what was served before them is dropped and their file written anew; then it is recorded
  as done.
- A checkpoint is signed at every sealing and after each interval of events, and the newest is stamped with the time.
  A time-stamp authority that does not answer is asked again later and holds nothing up.
- The revocation list is made anew before it ends.
- One thing that cannot be done does not keep the others from being done. In a server it is logged, shown by /readyz
  and tried again, at first soon and then more seldom.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from hashlib import sha256

from api.keykeeping import remake_crl
from api.prints import SEAL_FIELD, Prints, events
from api.signing_flow import SERVICE, SigningFlow
from api.stamping import Unstamped, stamp_newest
from api.wiring import SYSTEM, Municipality
from domain.approving import SealMinutes
from domain.disposal import DECISIONS, PurgeWorking, RecordDestruction, disposal_of
from domain.errors import Refused
from domain.messages import stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesSealed, MinutesVersionMade, PaperApprovalRecorded
from domain.person import Person
from projections.generations import compact
from projections.reading import rows
from projections.views import VIEWS
from registry.clock import local
from registry.destroying import destroy, shows_in_views
from registry.registry import StoredWorld
from signing import seal
from signing.pki import certificate_der
from signing.signers import authorities, lists

POLL, LONGEST = 1.0, 300.0
TROUBLE = "reactions"
log = logging.getLogger("liggare.reactions")


class Undone(Exception):
    """Some of what was to be done could not be; the first of the reasons is the cause."""


class _Sealed(Exception):
    """Another process has sealed the minutes meanwhile."""


class Reactions:
    """The effects of one registry, run one at a time."""

    def __init__(self, municipality: Municipality) -> None:
        self.m = municipality
        self._flow, self._prints = SigningFlow(municipality), Prints(municipality)
        self._turn, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._told: dict[str, str] = {}
        self._unstamped, self._swept = "", municipality.registry.clock.now().date()

    def run(self) -> int:
        """Do everything that is to be done now; how many things were. Raises Undone after doing the rest."""
        with self._turn:
            total = 0
            while done := self._run():  # what is done may lead to more
                total += done
            return total

    def _run(self) -> int:
        self.m.projector.catch_up()
        done, failed = 0, dict[str, Exception]()
        for name, work in self._work():
            try:
                done += work()
            except Exception as error:  # noqa: BLE001  # whatever stops one thing must not stop the others
                failed[name] = error
        self._tell(failed)
        if failed:
            first = next(iter(failed.values()))
            raise Undone("; ".join(f"{name}: {error}" for name, error in failed.items())) from first
        return done

    def _work(self) -> Iterator[tuple[str, Callable[[], int]]]:
        for row in rows(self.m.views, "todo", where={"task": "pin"}):
            minutes, version = str(row["minutes"]), int(row["version"])
            yield f"pin {minutes}/{version}", partial(self._pin, minutes, version)
        for row in rows(self.m.views, "todo", where={"task": "seal"}):
            minutes = str(row["minutes"])
            yield f"seal {minutes}", partial(self._seal, minutes)
        for row in rows(self.m.views, "todo", where={"task": "finish"}):
            minutes = str(row["minutes"])
            yield f"finish {minutes}", partial(self._finish, minutes)
        for row in rows(self.m.views, "todo", where={"task": "destroy"}):
            position = int(row["number"])
            yield f"destroy {position}", partial(self._destroy, position)
        yield "sweep", self._flow.sweep
        yield "files", self._sweep_files
        yield "revocation list", self._revocation_list
        yield "checkpoint", self._checkpoint
        yield "stamp", self._stamp

    def _tell(self, failed: dict[str, Exception]) -> None:
        """Log each trouble when it is new, and let the server say that there is one."""
        for name, error in failed.items():
            if self._told.get(name) != repr(error):
                log.error("%s: %s could not be done; it is tried again", self.m.slug, name, exc_info=error)
        for name in self._told.keys() - failed.keys():
            log.warning("%s: %s is no longer in trouble", self.m.slug, name)
        self._told = {name: repr(error) for name, error in failed.items()}
        if failed:
            self.m.troubles[TROUBLE] = ", ".join(failed)
        else:
            self.m.troubles.pop(TROUBLE, None)

    # --- what is done

    def _pin(self, minutes: str, version: int) -> int:
        try:
            return int(self._prints.pin(minutes, version))
        except Refused:
            if self.m.registry.get(Minutes, minutes).newest.version == version:
                raise
            return 0  # a newer version has come: this one is not signed

    def _seal(self, minutes: str) -> int:
        state = self.m.registry.get(Minutes, minutes)
        if state.sealed or not state.approved:
            return 0  # done by an earlier run that was stopped before the view caught up
        version, name = state.newest.version, stream(Minutes, minutes)
        now, keys = self.m.registry.now(), self.m.keys
        authority = keys.authority
        outside = any(one.method == SERVICE for one in state.approved_by.values())
        pdf = seal.lock(
            self._attested(minutes, version, now),
            SEAL_FIELD,
            authority.seal,
            [authority.ca.certificate],
            [f"Stämplat av {self.m.name}", local(now).strftime("%Y-%m-%d kl. %H.%M")],
            now,
            keys.timestamper,
            [authority.crl(now), *(lists(keys.folder) if outside else [])],
            [authority.timestamp.certificate, *(authorities(keys.folder) if outside else [])],
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

        def not_yet(world: StoredWorld) -> None:
            if world.get(Minutes, minutes).sealed:
                raise _Sealed

        try:
            self.m.execute_as(command, SYSTEM, check=not_yet)
        except _Sealed:  # its file stands, ours goes
            self.m.files.path(command.file).unlink(missing_ok=True)
            return 0
        return 1

    def _attested(self, minutes: str, version: int, now: datetime) -> bytes:
        """The signed document, where the municipality attests in their fields who has signed a print by hand."""
        pdf, state, keys = (
            self._prints.signed(minutes, version),
            self.m.registry.get(Minutes, minutes),
            self.m.keys,
        )
        authority, when = keys.authority, local(now).strftime("%Y-%m-%d kl. %H.%M")
        for fact in events(self.m, minutes, PaperApprovalRecorded):
            event = fact.event
            assert isinstance(event, PaperApprovalRecorded)
            field = state.signer(event.office)
            if event.version != version or field is None:
                continue
            name = self.m.registry.get(Person, event.person).name
            lines = [
                f"{name}, {field.label.lower()}",
                "Undertecknat på papper",
                f"Intygat av {self.m.name} {when}",
            ]
            pdf = seal.sign(
                pdf,
                field.field,
                authority.seal,
                [authority.ca.certificate],
                lines,
                now,
                keys.timestamper,
                seal.on_paper(event.scan),
            )
        return pdf

    def _preserve(self, minutes: str, version: int) -> None:
        name = stream(Minutes, minutes)
        for fact in self.m.registry.stream(name):
            if isinstance(fact.event, MinutesVersionMade) and fact.event.version == version:
                self.m.vault.keep_as(f"{name}/{fact.version}", "working", "preserved")
        self.m.vault.keep_as(f"{name}/render-{version}", "working", "preserved")

    def _finish(self, minutes: str) -> int:
        state = self.m.registry.get(Minutes, minutes)
        if state.purged:
            return 0
        for version in state.kept:
            self._preserve(minutes, version)
        return len(self.m.execute_as(PurgeWorking(minutes=minutes), SYSTEM).facts)

    def _destroy(self, position: int) -> int:
        registry = self.m.registry
        stored = registry.stored(position)
        assert stored is not None, "the view names events of the log"
        event = registry.fact(stored).event
        assert isinstance(event, DECISIONS), "the view names decisions only"
        with registry.recorder.turn():
            gone = destroy(self.m.vault, event, position)
            registry.refresh()
        if shows_in_views(event):
            self.m.projector.rebuild([view.name for view in VIEWS])
            self.m.projector.forget()
            compact(self.m.views)
        done = RecordDestruction(disposal=disposal_of(position), decided=position, keys=gone)
        return len(self.m.execute_as(done, SYSTEM).facts)

    def _sweep_files(self) -> int:
        if self._swept != (today := self.m.registry.clock.now().date()):
            swept, self._swept = self.m.registry.sweep(), today
            if swept:
                log.info("%s: %d files that no event names were removed", self.m.slug, len(swept))
        return 0

    def _checkpoint(self) -> int:
        recorder = self.m.registry.recorder
        stored, head = recorder.checkpoints(), recorder.head().position
        newest = stored[-1][0] if stored else 0
        sealed = recorder.select_notifications(
            newest, 1, topics=(MinutesSealed.TOPIC,), inclusive_of_start=False
        )
        if head > newest and (sealed or head - newest >= self.m.settings.checkpoint_every):
            self.m.checkpoints.sign(self.m.registry.now())
            return 1
        return 0

    def _stamp(self) -> int:
        try:
            stamp_newest(self.m)
            self._unstamped = ""
        except Unstamped as error:
            if self._unstamped != str(error):
                log.warning("%s: the newest checkpoint has no time stamp: %s", self.m.slug, error)
            self._unstamped = str(error)
        return 0  # a stamp belongs to its checkpoint, which was counted

    def _revocation_list(self) -> int:
        remake_crl(self.m, self.m.registry.now())
        return 0  # nothing follows from it

    # --- in the background of a server

    def start(self) -> None:
        """React to events as they come, until stopped."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._loop, name=f"reactions-{self.m.slug}", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        seen, again, pause = -1, 0.0, POLL
        while not self._stop.is_set():
            try:
                head = self.m.registry.recorder.head().position
                if head > seen or time.monotonic() >= again:
                    seen = head  # before the work: what it appends is looked at once more
                    pause = min(2 * pause, LONGEST)
                    again = time.monotonic() + pause
                    self.run()
                    pause, again = POLL, time.monotonic() + LONGEST
                self.m.registry.recorder.wait(seen, POLL)
            except Undone:
                self._stop.wait(POLL)
            except Exception as error:  # noqa: BLE001  # the thread must outlive whatever the store says
                self._tell({"reading the log": error})
                self._stop.wait(POLL)

    def stop(self) -> None:
        """Finish what is under way, and no more."""
        self._stop.set()
        if self._thread:
            self._thread.join()
            self._thread = None
