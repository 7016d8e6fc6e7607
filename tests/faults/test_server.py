"""PostgreSQL killed as by the kernel, and the programs that write to it: every acknowledged event is there, once.

What a lost connection does to a single append is tried in tests/test_postgres.py; here whole registries write, from
processes of their own, and ask again with the same key when no answer came.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from domain import decider
from domain.constituting import EstablishBody
from domain.matter import MatterOpened, OpenMatter
from domain.messages import Actor, Command, Mandate, Role, fresh_id
from domain.municipality import ChooseDiary, OpenRegistry
from registry.clock import SystemClock
from registry.files import Files
from registry.postgres import PostgresRecorder
from registry.recorder import LogUnavailable
from registry.registry import Decision, Once, Registry, Saved, TooBusy
from registry.vault import Vault
from signing.log import leaf_hash, root_of
from tests.faults.child import join
from tests.faults.day import Place, noted
from tests.faults.test_kills import LONG
from tests.postgres import Cluster, cluster

SYSTEM = Actor("system", Mandate(Role.SYSTEM), "system")
SLUG, BODY = "exempelby", "b" * 16
CRASHES = 10 if LONG else 2
THREADS = 3


def opened(url: str, folder: Path) -> Registry:
    vault = Vault.file(folder / "keys.db", bytes(32))
    recorder = PostgresRecorder(url, SLUG, patience=30)
    return Registry(SLUG, recorder, vault, Files(folder / "files", vault), SystemClock())


def do(registry: Registry, command: Command, once: Once | None = None) -> Saved:
    return registry.execute(
        lambda world, now: Decision(SYSTEM, decider.decide(command, world, SYSTEM, now)), once=once
    )


def write(url: str, place: Place) -> None:
    """A process that opens matters, each with a key of its own, until it is told to stop or is killed."""
    registry = opened(url, place.dir)

    def run() -> None:
        while not place.ended:
            matter = fresh_id()
            once = Once("0" * 16, "POST", matter, b"request")
            while not ask(OpenMatter(matter=matter, body=BODY, title="Belysning"), once):
                pass

    def ask(command: Command, once: Once) -> bool:
        """Ask, and note the answer; False if none came, or if others kept coming first."""
        try:
            place.note("\n".join(noted(registry.recorder, do(registry, command, once))))
        except (LogUnavailable, TooBusy):
            return False
        return True

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry.close()


def crash(server: Cluster) -> None:
    """End every process of a server at once, as by the kernel, and start it again."""
    postmaster = server._server
    assert postmaster is not None
    children = Path(f"/proc/{postmaster.pid}/task/{postmaster.pid}/children").read_text().split()
    postmaster.send_signal(signal.SIGSTOP)  # it neither mourns its children nor makes new ones
    for child in map(int, children):
        os.kill(child, signal.SIGKILL)
    server.stop(signal.SIGKILL)
    server.start()


def until(held: Callable[[], bool], within: float = 60) -> None:
    end = time.monotonic() + within
    while not held():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_a_server_and_a_writer_that_are_killed_lose_nothing_acknowledged(tmp_path: Path) -> None:
    place, forked = Place(tmp_path, ""), multiprocessing.get_context("forkserver")
    place.dir.mkdir()
    with cluster() as server:
        url = server.database()
        registry = opened(url, place.dir)
        do(registry, OpenRegistry(name="Exempelby kommun", slug=SLUG))
        do(registry, EstablishBody(body=BODY, name="Nämnden", kind="namnd"))
        do(registry, ChooseDiary(body=BODY, mode="own", pattern="N{yy}.{n}"))
        writers = [forked.Process(target=write, args=(url, place)) for _ in range(2)]
        for writer in writers:
            writer.start()
        for number in range(CRASHES):
            enough = len(place.events()) + 30
            until(lambda enough=enough: len(place.events()) > enough)  # type: ignore[misc]  # a default to keep it
            if number == CRASHES // 2:
                writers[0].kill()
            crash(server)
        enough = len(place.events()) + 30
        until(lambda: len(place.events()) > enough)
        place.end()
        for writer in writers:
            join(writer)
        assert [writer.exitcode for writer in writers] == [-signal.SIGKILL, 0]
        holds(registry, place)
        registry.close()


def holds(registry: Registry, place: Place) -> None:
    """Every acknowledged event byte for byte; no gap; each request carried out once; no number lost or given twice."""
    stored = list(registry.recorder.scan())
    assert [one.id for one in stored] == list(range(1, len(stored) + 1))
    for position, digest in place.events().items():
        assert sha256(stored[position - 1].state).hexdigest() == digest
    assert root_of(list(registry.recorder.leaves())) == root_of([leaf_hash(one.state) for one in stored])
    opened = [fact.event for fact in registry.facts() if isinstance(fact.event, MatterOpened)]
    assert set(Counter(one.matter for one in opened).values()) == {1}
    numbers = [str(one.diarienummer) for one in opened]
    assert numbers == [f"{numbers[0].split('.')[0]}.{number}" for number in range(1, len(opened) + 1)]
