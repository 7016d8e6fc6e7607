"""A process that writes to a registry from several threads, for the tests of what others do meanwhile.

`python -m tests.busy_writer FOLDER THREADS` registers persons until its standard input closes. Each line of its output
is an acknowledged event: its position and the SHA-256 of its bytes.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path

from api.wiring import SYSTEM, open_folder
from domain.messages import fresh_id
from domain.person import ChangeContact, RegisterPerson


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Tell such a process to stop; the lines that are left of what it said.

    Not by communicate(), which forgets what readline() has read ahead.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    return process.stdout.read().splitlines()


def main(folder: Path, threads: int) -> None:
    """Write until told to stop."""
    m, stop, turn = open_folder(folder), threading.Event(), threading.Lock()

    def write() -> None:
        while not stop.is_set():
            person = fresh_id()
            m.vault.key_for(f"person-{person}", "contact")
            for command in (
                RegisterPerson(person=person, name="Någon Annan"),
                ChangeContact(person=person, email="n@example.org"),
            ):
                for fact in m.execute_as(command, SYSTEM).facts:
                    stored = m.registry.stored(fact.position)
                    assert stored is not None
                    with turn:
                        sys.stdout.write(f"{fact.position} {sha256(stored.state).hexdigest()}\n")
                        sys.stdout.flush()

    running = [threading.Thread(target=write) for _ in range(threads)]
    for thread in running:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in running:
        thread.join()
    m.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
