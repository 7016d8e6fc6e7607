"""What must hold after any fault: of the folder as it was left, and once the registry has been opened and gone on.

- As it was left, `liggare verify` finds the evidence whole.
- Every event that was acknowledged is there, byte for byte; whatever else was answered is true.
- Gone on with, what was begun is finished once: one approval an office, one print, one seal, one person a request.
- The views are what the events give, and no lock, file or row of the one that was killed stands in the way.
- Files that no event names are orphans: counted here, and swept when they are old.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from api.backup import MANIFEST, Manifest
from api.checking import verify
from api.reactions import Reactions
from api.wiring import Municipality
from domain.document import DocumentRegistered
from domain.messages import Destroyed
from domain.minutes_events import MinutesApproved, MinutesSealed, MinutesSent, RenderPinned
from domain.person import ContactChanged, Person, PersonRegistered
from projections.reading import fresh_digests, stored_digests
from registry import destroyed
from registry.registry import Registry
from tests.faults.day import PAPER, PERSONS, STAGES, Place, acknowledge

ORPHANS = 2  # at most so many files does one process have under way


def sound(place: Place) -> None:
    """The evidence as it lies there is whole."""
    found = verify(place.dir)
    assert found["ok"] is True, [check for check in found["checks"] if check["ok"] is False]


def kept(place: Place, registry: Registry) -> None:
    """Every acknowledged event is there byte for byte."""
    for position, digest in place.events().items():
        stored = registry.stored(position)
        assert stored is not None, f"the acknowledged event {position} is gone"
        assert sha256(stored.state).hexdigest() == digest, f"the event {position} is another"


def true(place: Place, m: Municipality) -> None:
    """What was answered beside the events."""
    answers, registry = place.answers(), m.registry
    for number in range(len(PERSONS)):
        if person := answers.get(f"person-{number}"):
            assert str(registry.get(Person, person).name) == PERSONS[number]
    if file := answers.get("file"):
        assert m.files.get(file) == PAPER
    if person := answers.get("destroyed"):
        assert isinstance(registry.get(Person, person).email, Destroyed)
        assert destroyed.read(place.dir / "checkpoints" / destroyed.NAME)
    for name, position in answers.items():
        if name.startswith("signed-"):
            stored = registry.stored(int(position))
            assert stored is not None and stored.topic == MinutesApproved.TOPIC
    if size := answers.get("checkpoint"):
        assert (place.dir / "checkpoints" / f"{int(size):012}.note").is_file()
        assert registry.recorder.checkpoints()[-1][0] >= int(size)
    if place.backup.exists():  # by its own name only when it is whole
        assert (place.backup / MANIFEST).is_file()
        Manifest.read(place.backup)
        assert verify(place.backup / "data")["ok"] is not False
    else:
        assert "backup" not in answers


def goes_on(place: Place, stages: Sequence[str], ended: int = 1) -> None:
    """The registry opens, does what was left undone, and lives through the stages to the end; all of it once.

    ended says how many processes came to an untimely end.
    """
    m = place.opened()
    acknowledge(m.registry, place.note)
    kept(place, m.registry)
    true(place, m)
    Reactions(m).run()
    for stage in stages:
        STAGES[stage](place, m)
    Reactions(m).run()
    kept(place, m.registry)
    true(place, m)
    once(place, m, stages)
    m.projector.catch_up()
    assert stored_digests(m.views) == fresh_digests(m.registry)
    named = m.registry.named_files()
    assert len(set(m.files.addresses()) - named) <= ORPHANS * ended
    assert len(list(m.files.folder.glob(".new-*"))) <= ended
    m.files.sweep(named, -1)
    assert set(m.files.addresses()) <= named
    assert Reactions(m).run() == 0
    m.close()
    sound(place)


def once(place: Place, m: Municipality, stages: Sequence[str]) -> None:
    """Nothing was done twice, and nothing was left out."""
    facts = list(m.registry.facts())
    found = Counter(type(fact.event) for fact in facts)
    if "enter" in stages:
        names = Counter(str(fact.event.name) for fact in facts if isinstance(fact.event, PersonRegistered))
        assert [names[name] for name in PERSONS] == [1] * len(PERSONS)
        assert found[ContactChanged] == len(PERSONS)
        assert found[DocumentRegistered] == 1
    if "sign" in stages:
        assert found[RenderPinned] == 1
        offices = [fact.event.office for fact in facts if isinstance(fact.event, MinutesApproved)]
        assert sorted(offices) == ["chair", "justerare"]
    if "seal" in stages:
        assert found[MinutesSealed] == 1
        assert found[MinutesApproved] == 2
        sealed = next(fact.position for fact in facts if isinstance(fact.event, MinutesSealed))
        assert m.registry.recorder.checkpoints()[-1][0] >= sealed
    if "hand-over" in stages:
        assert found[MinutesSent] == 1
        assert found[MinutesSealed] == 1
    assert not list(place.folder.glob(".*unfinished*"))
