"""What came out of a verification: each step's outcome in order, what nothing protects, and how it is said.

- A step with one failure has failed, whatever else it found. A step that was not run says why.
- The whole holds if at least one step was run and none failed. It is trusted only if certificates from elsewhere were
  given and chains were found to end there: a folder can vouch only for itself.
- Everything said has a stable code and values. The sentences, Swedish and English, stand beside this file in
  found.toml, so that this room needs no other; whoever adds a step brings the sentences for it.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cryptography import x509

from signing.pki import certificate_der

STEPS = tuple(
    "envelope columns leaves tree checkpoints outside-checkpoint inclusion consistency pades timestamps cms "
    "statements rerender digest destruction".split()
)
OF_COPIES = ("disclosures",)  # told only of a copy that brings its proof
SHOWN = 5  # how many failures a step names; the rest are counted

Language = Literal["sv", "en"]
TEXTS: Mapping[str, Mapping[str, str]] = tomllib.loads(
    Path(__file__).with_name("found.toml").read_text("utf-8")
)
Say = Callable[[str, Mapping[str, str | int]], str]


def say(code: str, values: Mapping[str, str | int], language: Language = "en") -> str:
    """What a code says."""
    return TEXTS[code][language].format_map(values)


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
    remarks: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    unprotected: list[tuple[str, int, int]] = field(default_factory=list)
    # What the documents that the events name are called in an export, by their SHA-256.
    named: Mapping[str, str] = field(default_factory=dict)
    events: int | None = None
    clock: str | None = None
    trusted: bool = False
    anchor: x509.Certificate | None = None  # the authority that what was verified was found to stand under

    def fail(self, step: str, code: str, **values: str | int) -> None:
        """Note that something does not hold."""
        self.failures[step].append(Said(code, values))

    def ok(self, step: str, code: str, **values: str | int) -> None:
        """Note what a step found in order; a failure of the same step outweighs it."""
        self.passed[step] = Said(code, values)

    def add(self, step: str, code: str, **values: str | int) -> None:
        """Note what else is to be told of a step that is in order."""
        self.remarks[step].append(Said(code, values))

    def skip(self, step: str, code: str, **values: str | int) -> None:
        """Note why a step, or some of it, was not run."""
        self.skipped[step] = Said(code, values)

    def take(self, other: Report) -> None:
        """All that another report says of its steps, beside what this one says."""
        for step, said in other.failures.items():
            self.failures[step].extend(said)
        for step, found in other.remarks.items():
            self.remarks[step].extend(found)
        self.passed |= other.passed
        self.skipped |= other.skipped

    def failed(self, *steps: str) -> bool:
        """Whether any of these steps has failed."""
        return any(self.failures.get(step) for step in steps)

    def checks(self, say: Say = say) -> list[dict[str, Any]]:
        """Every step in order with its outcome: true, false, or null if it was not run."""
        copies = (step for step in OF_COPIES if step in self.passed or self.failed(step))
        return [self._check(step, say) for step in (*STEPS, *copies)]

    def _check(self, step: str, say: Say) -> dict[str, Any]:
        if wrong := self.failures.get(step):
            told = [say(*said) for said in wrong[:SHOWN]]
            if len(wrong) > SHOWN:
                told.append(say("and-more", {"count": len(wrong) - SHOWN}))
            return {"step": step, "ok": False, "detail": "; ".join(told)}
        if step in self.passed:
            told = [say(*said) for said in (self.passed[step], *self.remarks[step])]
            return {"step": step, "ok": True, "detail": "; ".join(told)}
        why = say(*self.skipped.get(step, Said("nothing-to-check", {})))
        return {"step": step, "ok": None, "detail": say("not-run", {"why": why})}

    def result(self, say: Say = say) -> dict[str, Any]:
        """The whole result as plain JSON."""
        checks = self.checks(say)
        outcomes = [check["ok"] for check in checks]
        ok = False not in outcomes and True in outcomes
        return {
            "ok": ok,
            "trusted": ok and self.trusted,
            "anchor": _shown(self.anchor) if ok and self.anchor else None,
            "clock": self.clock,
            "events": self.events,
            "checks": checks,
            "unprotected": [
                {"file": file, "offset": offset, "length": length}
                for file, offset, length in self.unprotected
            ],
        }


def _shown(anchor: x509.Certificate) -> dict[str, str]:
    """Whose certificate, as it says itself, and its SHA-256, as it says nowhere."""
    return {"subject": anchor.subject.rfc4514_string(), "sha256": sha256(certificate_der(anchor)).hexdigest()}
