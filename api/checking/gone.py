"""Step 15: what is destroyed was decided, stays destroyed, and is on every list of it.

- Each key that is gone names the position of a decision to destroy, and that decision is about its subject and class;
  those of the versions of minutes that are kept are none of it. A restore that lost such decisions says in the log
  which keys they had destroyed.
- Subject and class are those that the fields which it sealed were to be sealed under: nobody has moved a key to where a
  decision would meet it.
- Where the log says that a decision was carried out, just as many keys are gone by it as it says: none more, which
  would have gone without a decision, and none fewer, which would have come back.
- Where others write meanwhile, keys and log are looked at again: what is only on its way is no fault.
- The lists beside the checkpoints, from which a restored backup learns what to destroy again, name every key that is
  gone, and by the same decision; what they name is gone, or about to be.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from domain.disposal_events import DestructionDone, DocumentDisposed, PersonDataDisposed
from domain.messages import Fact
from domain.minutes_events import MinutesVersionMade, WorkingPurged
from domain.municipality import RegistryRestored
from registry import destroyed
from registry.destroyed import ListDamaged
from registry.destroying import Target, targets
from registry.mapper import read_envelope, sealed_under
from registry.registry import Registry
from registry.vault import Tombstone
from signing.report import Report

STEP = "destruction"
TRIES = 5
_KEY = re.compile(rb'"key":"([0-9a-f]{32})"')


class Gone:
    """What a log says of destroying, event by event, and then what is gone, held to it. lost as verify() has it."""

    def __init__(self, lost: Mapping[str, str]) -> None:
        self._decided: dict[str, list[Target]] = {}
        self._carried_out: dict[str, int] = {}
        # The subjects of the keys of each version of minutes.
        self._versions: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        self._kept: dict[str, set[str]] = {}  # by a decision
        self._lost = dict(lost)

    def note(self, fact: Fact) -> None:
        """Remember what an event says of destroying."""
        match fact.event:
            case MinutesVersionMade(version=version):
                self._versions[fact.stream, version].add(f"{fact.stream}/{fact.version}")
            case WorkingPurged(kept=versions) as purged:
                self._decided[str(fact.position)] = targets(purged)
                kept = self._kept[str(fact.position)] = {fact.stream, f"{fact.stream}/cms"}
                for version in versions:
                    kept |= {*self._versions[fact.stream, version], f"{fact.stream}/render-{version}"}
            case DocumentDisposed() | PersonDataDisposed() as decision:
                self._decided[str(fact.position)] = targets(decision)
            case DestructionDone(decided=position, keys=count):
                self._carried_out[str(position)] = count
            case RegistryRestored(gone=keys):
                self._lost |= {one.key: str(one.decided) for one in keys}
            case _:
                pass

    def compare(self, tombstones: Iterable[Tombstone], folders: Iterable[Path]) -> Report:
        """Hold every destroyed key to the decisions, and to the lists in these folders of checkpoints."""
        report = Report()
        found = {one.key: one for one in tombstones}
        by = Counter[str]()
        for one in found.values():
            if one.key in self._lost and self._lost[one.key] == one.decision:
                continue
            decision = one.decision or ""
            by[decision] += 1
            covered = any(target.covers(one) for target in self._decided.get(decision, ()))
            if not covered or one.subject in self._kept.get(decision, ()):
                report.fail(STEP, "undecided", key=one.key, subject=one.subject, decision=one.decision or "–")
        for decision, count in sorted(self._carried_out.items()):
            if by[decision] != count:
                report.fail(STEP, "destroyed-count", decision=decision, count=by[decision], expected=count)
        for key in sorted(self._lost.keys() - found.keys()):
            report.fail(STEP, "destroyed-back", key=key, decision=self._lost[key])
        for folder in folders:
            self._list(folder, found, report)
        lost = len(self._lost.keys() & found.keys())
        if lost:
            report.ok(STEP, "destruction-lost", count=len(found), decisions=len(by), lost=lost)
        elif found:
            report.ok(STEP, "destruction-ok", count=len(found), decisions=len(by))
        else:
            report.ok(STEP, "nothing-destroyed")
        return report

    def _list(self, folder: Path, found: dict[str, Tombstone], report: Report) -> None:
        """One list; where no checkpoint has come yet none is expected."""
        path = folder / destroyed.NAME
        if not path.exists() and not any(folder.glob("*.note")):
            return
        try:
            listed = {one.key: one.decision for one in destroyed.read(path)} if path.exists() else {}
        except (ListDamaged, OSError) as error:
            report.fail(STEP, "list-damaged", reason=str(error))
            return
        for key in sorted(found.keys() - listed.keys()):
            report.fail(STEP, "list-short", file=str(path), key=key)
        for key, decision in sorted(listed.items()):
            if key in found and found[key].decision != decision:
                report.fail(STEP, "list-differs", file=str(path), key=key, decision=decision)
            elif key not in found and (decision in self._carried_out or decision not in self._decided):
                report.fail(STEP, "list-undone", file=str(path), key=key, decision=decision)


def verify_gone(
    said: Gone, registry: Registry, folders: Iterable[Path], anew: Callable[[], Registry | None], head: int
) -> Report:
    """The step; said holds what the events up to head say, and anew gives the registry as it is now."""
    first = registry.vault.tombstones()
    found = said.compare(first, folders)
    for _ in range(TRIES):
        if not found.failed(STEP) or (now := anew()) is None or (later := anew()) is None:
            break
        tombstones = now.vault.tombstones()
        for fact in later.facts(head):
            said.note(fact)
            head = fact.position
        found = said.compare(tombstones, folders)
    _moved(registry, {one.key: one for one in first}, found)
    return found


def _moved(registry: Registry, gone: Mapping[str, Tombstone], report: Report) -> None:
    """That every key that is gone was of the subject and class of what it had sealed."""
    for stored in registry.recorder.scan() if gone else ():
        if gone.keys().isdisjoint(id.decode() for id in _KEY.findall(stored.state)):
            continue
        for key, subject, keep in sealed_under(read_envelope(stored)):
            if key in gone and (gone[key].subject, gone[key].keep.partition("/")[0]) != (subject, keep):
                report.fail(STEP, "moved", key=key, subject=subject, keep=keep, position=stored.id)
