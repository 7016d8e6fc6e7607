"""From a decision to destroy to the keys that go.

- Before the decision is appended its keys are put aside (retire): they still open what they closed, and close nothing
  more. What is entered about a person at the same moment is sealed under a new key and stays.
- Only keys put aside are destroyed, and of working material all keys of its class: each closes one event's words.
- Afterwards nothing here remembers the words. Views are the caller's to make anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, assert_never

from domain.disposal import DECISIONS
from domain.disposal_events import DocumentDisposed, PersonDataDisposed
from domain.messages import Event, Keep, New
from domain.minutes_events import WorkingPurged
from registry.vault import Tombstone, Vault


class Target(NamedTuple):
    """Keys of a subject in one class; under: of all that lies under the subject too (mål)."""

    subject: str
    keep: str
    under: bool = False

    def covers(self, gone: Tombstone) -> bool:
        """Whether a destroyed key is one of these: of working material, or put aside."""
        if self.under:
            return gone.keep == self.keep and f"{gone.subject}/".startswith(f"{self.subject}/")
        return gone.subject == self.subject and gone.keep.startswith(f"{self.keep}/")


def targets(event: DECISIONS) -> list[Target]:
    """Which keys a decision is about."""
    match event:
        case WorkingPurged():
            meeting = [f"meeting-{event.meeting}"] if event.meeting else []
            return [Target(one, Keep.WORKING, True) for one in (f"minutes-{event.minutes}", *meeting)]
        case DocumentDisposed():
            return [Target(f"document-{event.document}", Keep.PRESERVED)]
        case PersonDataDisposed():
            return [Target(f"person-{event.person}", event.which)]
        case _:
            assert_never(event)


def shows_in_views(event: Event) -> bool:
    """Whether views may hold words that a decision destroys: working texts and contact data are never in them."""
    return isinstance(event, DocumentDisposed) or (
        isinstance(event, PersonDataDisposed) and event.which == "register"
    )


def retire(vault: Vault, news: Iterable[New]) -> None:
    """Put the keys of decisions that are about to be appended aside."""
    for new in news:
        if isinstance(new.event, DECISIONS):
            for target in targets(new.event):
                if not target.under:
                    vault.retire(target.subject, target.keep)


def destroy(vault: Vault, event: DECISIONS, position: int) -> int:
    """Carry out the decision at a position; how many keys it has destroyed, also when it was tried before."""
    for one in targets(event):
        if one.under:
            vault.destroy(one.subject, one.keep, str(position), under=True)
        else:
            vault.destroy_retired(one.subject, one.keep, str(position))
    return len(vault.tombstones(str(position)))
