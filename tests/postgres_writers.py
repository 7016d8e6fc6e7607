"""A process of many writers, for tests of several processes on one log: python -m tests.postgres_writers URL SLUG …

Each writer appends to a stream of its own and takes a number from one that all share; a lost race is tried again.
It prints what was acknowledged: a line per number, with its position.
"""

from __future__ import annotations

import secrets
import sys
import threading

from eventsourcing.persistence import StoredEvent

from registry.postgres import PostgresRecorder
from registry.recorder import Behind, Conflict
from signing.canonical import encode

STAMP = "2026-01-07T08:00:00.000000Z"
SHARED = "series-2026"


def stored(
    stream: str, version: int, recorded_at: str = STAMP, municipality: str = "exempelby"
) -> StoredEvent:
    """An event of the right form, about nothing."""
    envelope = encode(
        {
            "v": 1,
            "salt": secrets.token_hex(16),
            "municipality": municipality,
            "stream": stream,
            "version": version,
            "topic": "test-noted.v1",
            "recorded_at": recorded_at,
            "happened": {"text": "", "earliest": None, "latest": None, "precision": "unknown"},
            "actor": "system",
            "mandate": {"role": "system", "body": ""},
            "assurance": "system",
            "command_id": secrets.token_hex(8),
            "rules": "",
            "data": {"note": secrets.token_hex(100)},
        }
    )
    return StoredEvent(stream, version, "test-noted.v1", envelope)


def take_numbers(log: PostgresRecorder, own: str, count: int) -> None:
    """Append count pairs: an event of one's own, and the next number."""
    for version in range(1, count + 1):
        while True:
            taken = len(log.select_stream(SHARED))
            events = [stored(own, version), stored(SHARED, taken + 1)]
            try:
                positions = log.insert_events(
                    events, expect={own: version - 1, SHARED: taken}, recorded_at=STAMP
                )
            except (Conflict, Behind):
                continue
            sys.stdout.write(f"{taken + 1} {positions[-1]}\n")
            break


def append_alone(log: PostgresRecorder, own: str, count: int) -> None:
    """Append count events to a stream of one's own."""
    for version in range(1, count + 1):
        positions = log.insert_events([stored(own, version)], expect={own: version - 1}, recorded_at=STAMP)
        sys.stdout.write(f"{version} {positions[0]}\n")


def main(url: str, slug: str, work: str, name: str, writers: str, count: str) -> None:
    log = PostgresRecorder(url, slug)
    todo = {"numbers": take_numbers, "alone": append_alone}[work]
    threads = [
        threading.Thread(target=todo, args=(log, f"writer-{name}{n}", int(count)))
        for n in range(int(writers))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
