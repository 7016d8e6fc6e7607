"""What came out of a verification: each step's outcome in order, what nothing protects, and how it is said.

- A step with one failure has failed, whatever else it found. A step that was not run says why.
- The whole holds if at least one step was run and none failed. It is trusted only if certificates from elsewhere were
  given and chains were found to end there: a folder can vouch only for itself.
- Everything said has a stable code and values. The English sentences stand here, so that this room needs no other;
  sentences in other languages can be put in their place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

STEPS = tuple(
    "envelope columns leaves tree checkpoints outside-checkpoint inclusion consistency pades timestamps cms "
    "statements rerender digest".split()
)
SHOWN = 5  # how many failures a step names; the rest are counted

TEXTS = {
    "nothing-to-check": "nothing here to check",
    "and-more": "and {count} more",
    "not-run": "not run: {why}",
    # envelope
    "not-canonical": "position {position}: {reason}",
    "envelope-form": "position {position}: the field {field} is missing or has another form than it should",
    "envelope-fields": "position {position}: the envelope lacks fields or has others than it should",
    "other-municipality": "position {position}: the event belongs to {municipality}",
    "version-gap": "position {position}: {stream} goes to version {version} with a gap",
    "time-falls": "position {position}: recorded earlier than the event before it",
    "log-damaged": "the log cannot be read: {reason}",
    "envelope-ok": "{count} events are canonical and follow on each other",
    # columns, leaves, tree
    "row-differs": "position {position}: the row says {row}, the envelope another thing",
    "columns-ok": "{count} rows agree with their envelopes",
    "no-columns": "an export has no columns, only the events' own bytes",
    "leaf-differs": "position {position}: the bytes are not those that were hashed",
    "leaves-ok": "{count} leaf hashes are those of the events' bytes",
    "leaves-made": "{count} leaf hashes were made from the events' bytes",
    "position-missing": "position {position} is missing: the next event stands at {next}",
    "tile-leaf": "position {position}: the published tile holds another leaf",
    "tile-missing": "the published tile {tile} is missing or has another length than it should",
    "tile-differs": "the published tile {tile} does not follow from those below it",
    "range-short": "the last event should stand at position {expected}, and it stands at {last}",
    "tree-ok": "{count} leaves without gaps; root {root}",
    "range-ok": "positions {first} to {last} stand in their places in a tree of {count} leaves; root {root}",
    # checkpoints
    "note-fault": "{name}: {reason}",
    "events-gone": "{name}: it was signed over {size} events, but there are {count}: events are gone",
    "events-differ": "{name}: the first {size} events are not those that were signed",
    "checkpoints-ok": "{count} checkpoints hold; the newest covers {size} events",
    "no-checkpoint": "no checkpoint is stored with the events",
    "checkpoints-gone": "minutes have been sealed, which a checkpoint is always signed over, but there is none",
    "outside-ok": "{count} checkpoints kept outside agree with the events",
    "no-outside": "no checkpoint from outside was given",
    "inclusion-ok": "{count} approvals and seals are in the tree of {size} events",
    "inclusion-later": "{count} approvals and seals are in the tree of {size} events; "
    "{later} await the next checkpoint",
    "not-included": "position {position} is not in the signed tree",
    "nothing-signed": "there is no checkpoint to prove it against",
    "consistency-ok": "{count} steps from checkpoint to checkpoint are proven",
    "not-consistent": "the checkpoint of {new} does not continue the one of {old}",
    "one-checkpoint": "it takes two checkpoints of different size",
    # documents
    "nothing-sealed": "nothing has been sealed",
    "nothing-approved": "nothing has been approved",
    "artefact-missing": "{name}: the file with the digest {digest}… is not here",
    "artefact-other": "{name}: the file is not the one the event names",
    "pdf-fault": "{name}: {reason}",
    "pades-destroyed": "{count} sealed documents hold; {destroyed} were destroyed by decision",
    "pades-ok": "{count} sealed documents hold",
    "stamps-ok": "the time stamps of {count} sealed documents hold",
    "render-differs": "{name}: the sealed PDF does not begin with the render that was approved",
    "version-missing": "{name}: the version it approves is not among the events",
    "cms-destroyed": "{name}: the detached signature, which is to be kept for ever, was destroyed",
    "cms-fault": "{name}: {reason}",
    "root-differs": "{name}: the approval names another minutes root than the version has",
    "certificate-differs": "{name}: it is signed with another certificate than the event names",
    "cms-ok": "{count} approvals are signed over minutes root, render and version",
    "cms-range": "{count} approvals are signed over minutes root, render and version; "
    "for {outside} the version itself lies before this range, so the root stands as the approval names it",
}

Say = Callable[[str, Mapping[str, str | int]], str]


def english(code: str, values: Mapping[str, str | int]) -> str:
    """What a code says, in English."""
    return TEXTS[code].format_map(values)


class Said(NamedTuple):
    """One thing found, as a code with its values."""

    code: str
    values: Mapping[str, str | int]


@dataclass
class Report:
    """The outcome of each step, in order; the bytes that nothing protects; how many events and which clock."""

    failures: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    passed: dict[str, Said] = field(default_factory=dict)
    skipped: dict[str, Said] = field(default_factory=dict)
    unprotected: list[tuple[str, int, int]] = field(default_factory=list)
    named: set[str] = field(default_factory=set)  # digests of the documents that the events name
    events: int | None = None
    clock: str | None = None
    trusted: bool = False

    def fail(self, step: str, code: str, **values: str | int) -> None:
        """Note that something does not hold."""
        self.failures[step].append(Said(code, values))

    def ok(self, step: str, code: str, **values: str | int) -> None:
        """Note what a step found in order; a failure of the same step outweighs it."""
        self.passed[step] = Said(code, values)

    def skip(self, step: str, code: str, **values: str | int) -> None:
        """Note why a step, or some of it, was not run."""
        self.skipped[step] = Said(code, values)

    def failed(self, *steps: str) -> bool:
        """Whether any of these steps has failed."""
        return any(self.failures.get(step) for step in steps)

    def checks(self, say: Say = english) -> list[dict[str, Any]]:
        """Every step in order with its outcome: true, false, or null if it was not run."""
        return [self._check(step, say) for step in STEPS]

    def _check(self, step: str, say: Say) -> dict[str, Any]:
        if wrong := self.failures.get(step):
            told = [say(*said) for said in wrong[:SHOWN]]
            if len(wrong) > SHOWN:
                told.append(say("and-more", {"count": len(wrong) - SHOWN}))
            return {"step": step, "ok": False, "detail": "; ".join(told)}
        if step in self.passed:
            return {"step": step, "ok": True, "detail": say(*self.passed[step])}
        why = say(*self.skipped.get(step, Said("nothing-to-check", {})))
        return {"step": step, "ok": None, "detail": say("not-run", {"why": why})}

    def result(self, say: Say = english) -> dict[str, Any]:
        """The whole result as plain JSON."""
        checks = self.checks(say)
        outcomes = [check["ok"] for check in checks]
        ok = False not in outcomes and True in outcomes
        return {
            "ok": ok,
            "trusted": ok and self.trusted,
            "clock": self.clock,
            "events": self.events,
            "checks": checks,
            "unprotected": [
                {"file": file, "offset": offset, "length": length}
                for file, offset, length in self.unprotected
            ],
        }
