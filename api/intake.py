"""Bringing a file into the registry: taken part by part, held to what was declared of it, named by an event or gone.

- What passes is counted and hashed on the way into the encrypted store; nothing of it is kept in memory.
- If fewer or other bytes came than was declared, or more than is allowed, or none, the file never gets its name and
  nothing is written in the log (husregel 102).
- The file is on disk before the event that names it. If the event is refused, or was recorded already under the same
  key, the file is removed at once; if nobody knows, it is swept when it is old enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator

from api.wiring import Municipality
from domain.document import Document
from domain.errors import DomainError, Refused
from domain.messages import Command, stream
from domain.sources import house
from registry.registry import Once, Saved

LIMIT = 100 << 20


class Intake:
    """A stream of parts that ends in a refusal unless it was what was declared; knows its size and digest."""

    def __init__(self, parts: Iterable[bytes], size: int | None = None, sha256: str | None = None) -> None:
        self._parts, self._declared, self._expected = parts, size, sha256
        self.size, self._digest = 0, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self.size += len(part)
            if self.size > LIMIT:
                raise Refused("document-too-large", house(102), limit=LIMIT >> 20)
            self._digest.update(part)
            yield part
        if not self.size:
            raise Refused("document-empty", house(102))
        if self._declared not in (None, self.size):
            raise Refused("document-size-differs", house(102), declared=self._declared or 0, size=self.size)
        if self._expected not in (None, self.sha256):
            raise Refused(
                "document-hash-differs", house(102), declared=self._expected or "", sha256=self.sha256
            )

    @property
    def sha256(self) -> str:
        """The digest (hex) of what has passed."""
        return self._digest.hexdigest()


def bring(
    municipality: Municipality,
    person: str,
    assurance: str,
    document: str,
    intake: Intake,
    command: Callable[[str], Command],
    once: Callable[[], Once | None] = lambda: None,
) -> Saved:
    """Store a document's file and carry out the command that names it; command is given the file's address."""
    file = municipality.files.put(stream(Document, document), "preserved", intake)
    try:
        saved = municipality.execute(command(file), person, assurance, once=once())
    except DomainError:
        municipality.files.path(file).unlink(missing_ok=True)
        raise
    if not any(getattr(fact.event, "file", None) == file for fact in saved.facts):
        municipality.files.path(file).unlink(missing_ok=True)
    return saved
