"""A process that writes to a registry with several threads, for the tests of many writers."""

from __future__ import annotations

import threading
from pathlib import Path

from domain import decider
from domain.matter import OpenMatter
from domain.messages import Actor, Command, Mandate, Role, fresh_id
from registry.clock import SystemClock
from registry.registry import Decision, Once, Registry, Saved
from tests.places import Place

SYSTEM = Actor("system", Mandate(Role.SYSTEM), "system")


def opened(folder: Path, url: str | None) -> Registry:
    return Place(folder, url).registry("prov", SystemClock())


def do(registry: Registry, command: Command, once: Once | None = None) -> Saved:
    """Carry out a command with the real domain."""
    return registry.execute(
        lambda world, now: Decision(SYSTEM, decider.decide(command, world, SYSTEM, now)), once=once
    )


def write(folder: Path, url: str | None, body: str, threads: int, each: int) -> None:
    """Open so many matters in a body's own diary, from so many threads; raises what a thread raised."""
    registry, errors = opened(folder, url), list[Exception]()

    def run() -> None:
        try:
            for _ in range(each):
                do(registry, OpenMatter(matter=fresh_id(), body=body, title="Belysning"))
        except Exception as error:  # noqa: BLE001  # handed to the process's own thread
            errors.append(error)

    writers = [threading.Thread(target=run) for _ in range(threads)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    registry.close()
    if errors:
        raise errors[0]
