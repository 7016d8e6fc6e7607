"""Why the registry says no.

- A refusal has a stable code, the source it rests on, and the values its sentence needs. The sentences themselves, in
  Swedish and English and with what to do next, stand beside the ways in (api/texts), one for each code.
- What is impossible or unauthorised is refused. What happened is never refused: a broken rule is recorded as a Finding.
"""

from __future__ import annotations

from domain.sources import Source, house


class DomainError(Exception):
    """A command was not carried out; nothing has changed."""

    def __init__(self, code: str, source: Source, **values: str | int) -> None:
        super().__init__(f"{code} ({source}) {values or ''}".strip())
        self.code, self.source, self.values = code, source, values


class Refused(DomainError):
    """The command asks for what cannot have happened or may not be done (avslag)."""


class Forbidden(DomainError):
    """The actor lacks the role that the command asks for (saknar behörighet)."""


class NotFound(DomainError):
    """The command names something that is not in the registry (finns inte)."""

    def __init__(self, what: str, id: str) -> None:
        super().__init__("not-found", house(1), what=what, id=id)
