"""Load, decide, save: what stands after a race, a repeat, a refusal, a wrong clock and a second process."""

from __future__ import annotations

import multiprocessing
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain import decider
from domain.constituting import EstablishBody
from domain.document import RegisterDocument
from domain.errors import DomainError, Forbidden, Refused
from domain.matter import MatterOpened, OpenMatter
from domain.messages import Command, Destroyed, Known, New, fresh_id
from domain.municipality import REGISTRY, ChooseDiary, ClockReset, Municipality, OpenRegistry, ResetClock
from domain.numbering import Series
from domain.person import ChangeContact, Person, PersonRegistered, RegisterPerson, RenamePerson
from domain.sources import house
from domain.when import parse
from registry.clock import SimulatedClock, stamp, unstamp
from registry.mapper import EvidenceBroken
from registry.recorder import AlreadyDone, Busy, Conflict, LogRecorder
from registry.registry import Decision, Once, Registry, Saved, StoredWorld, TooBusy
from registry.states import States
from signing.log import Tree, leaf_hash
from tests import registry_writers
from tests.given import ident
from tests.places import Place
from tests.registry_writers import SYSTEM, do
from tests.stories import START

BODY, ANNA = ident(0xB0), ident(0xA1)


@pytest.fixture
def place(tmp_path: Path, database_url: str | None) -> Place:
    return Place(tmp_path, database_url)


@pytest.fixture
def reg(place: Place) -> Iterator[Registry]:
    registry = place.registry("prov", SimulatedClock(START))
    do(registry, OpenRegistry(name="Provkommun", slug="prov", clock="simulated"))
    yield registry
    registry.close()


@pytest.fixture
def other(reg: Registry, place: Place) -> Iterator[Registry]:
    """The same registry as another process has it."""
    registry = place.registry("prov", SimulatedClock(reg.clock.now()))
    yield registry
    registry.close()


def beside(place: Place) -> LogRecorder:
    """Another log, empty."""
    return Place(place.folder / "beside", place.url).recorder()


def register(
    registry: Registry, person: str = ANNA, name: str = "Anna Ek", once: Once | None = None
) -> Saved:
    return do(registry, RegisterPerson(person=person, name=name), once)


def rename(registry: Registry, name: str) -> Saved:
    return do(registry, RenamePerson(person=ANNA, name=name))


def decided(command: Command) -> Callable[[StoredWorld, datetime], Decision]:
    return lambda world, now: Decision(SYSTEM, decider.decide(command, world, SYSTEM, now))


# --- saving


def test_a_decision_is_saved_and_read_back(reg: Registry) -> None:
    saved = register(reg)
    (fact,) = saved.facts
    assert fact.event == PersonRegistered(person=ANNA, name=Known("Anna Ek"), organisation=None)
    assert (fact.stream, fact.version, fact.position, saved.position) == (f"person-{ANNA}", 1, 2, 2)
    assert not saved.again
    assert list(reg.facts(1)) == [fact] == reg.stream(f"person-{ANNA}")
    stored = reg.stored(2)
    assert stored is not None and reg.fact(stored) == fact
    assert reg.stored(3) is None
    assert str(reg.get(Person, ANNA).name) == "Anna Ek"


def test_events_of_one_save_share_a_time_and_a_command(reg: Registry) -> None:
    do(reg, EstablishBody(body=BODY, name="Nämnden", kind="namnd"))
    do(reg, ChooseDiary(body=BODY, mode="own", pattern="N{yy}.{n}"))
    saved = do(reg, OpenMatter(matter=ident(1), body=BODY, title="Belysning"))
    assert [fact.event.TOPIC for fact in saved.facts] == [
        "series-opened.v1",
        "number-allocated.v1",
        "matter-opened.v1",
    ]
    assert len({fact.recorded_at for fact in saved.facts}) == 1
    states = [reg.recorder.select_notifications(fact.position, 1)[0].state for fact in saved.facts]
    assert len({state.partition(b'"command_id":"')[2][:16] for state in states}) == 1


def test_a_refusal_appends_nothing(reg: Registry) -> None:
    register(reg)
    with pytest.raises(Refused, match="id-taken"):
        register(reg)
    assert reg.recorder.head().position == 2


def test_a_decision_for_nothing_appends_nothing(reg: Registry) -> None:
    saved = reg.execute(lambda *_: Decision(SYSTEM, []))
    assert (saved.facts, saved.position, saved.again) == ((), 0, False)
    assert reg.recorder.head().position == 1


def test_every_stream_read_is_expected(reg: Registry, other: Registry) -> None:
    """A stream that was read, and found absent, has come since: the decision is taken again."""
    seen = []

    def decide(world: StoredWorld, now: datetime) -> Decision:
        person = world.get(Person, ident(5))
        seen.append(person.exists)
        if len(seen) == 1:
            register(other, ident(5))
        return Decision(SYSTEM, decider.decide(RegisterPerson(person=ident(6), name="B"), world, SYSTEM, now))

    saved = reg.execute(decide)
    assert seen == [False, True]
    assert saved.position == 3


def test_a_stream_that_was_not_read_is_not_written_twice(reg: Registry, other: Registry) -> None:
    event = PersonRegistered(person=ANNA, name=Known("Anna"), organisation=None)
    new = New(f"person-{ANNA}", event)
    reg.save(Decision(SYSTEM, [new]), {})
    with pytest.raises(Conflict):
        reg.save(Decision(SYSTEM, [new]), {f"person-{ANNA}": 0})
    with pytest.raises(Conflict):
        other.save(Decision(SYSTEM, [new]), {f"person-{ident(9)}": 1})
    assert reg.save(Decision(SYSTEM, [new, new]), {}).facts[-1].version == 3


def test_a_lost_race_is_decided_again(reg: Registry, other: Registry) -> None:
    register(reg)
    tries = []

    def decide(world: StoredWorld, now: datetime) -> Decision:
        tries.append(str(world.get(Person, ANNA).name))
        if len(tries) == 1:
            rename(other, "Anna Alm")
        return Decision(
            SYSTEM, decider.decide(RenamePerson(person=ANNA, name="Anna Ask"), world, SYSTEM, now)
        )

    saved = reg.execute(decide)
    assert tries == ["Anna Ek", "Anna Alm"]
    assert saved.facts[0].version == 3


def test_a_refusal_on_what_has_moved_is_decided_again(reg: Registry, other: Registry) -> None:
    tries = []

    def decide(world: StoredWorld, now: datetime) -> Decision:
        tries.append(world.get(Person, ANNA).exists)
        if len(tries) == 1:
            register(other)
        return Decision(SYSTEM, decider.decide(RenamePerson(person=ANNA, name="Ask"), world, SYSTEM, now))

    assert reg.execute(decide).position == 3
    assert tries == [False, True]


def test_nobody_else_writes_in_a_turn(reg: Registry, other: Registry) -> None:
    """After one lost race the next decision cannot lose another: the second look is the last."""
    register(reg)
    tries, written = [], threading.Event()

    def meanwhile() -> None:
        rename(other, "Anna Alm")
        written.set()

    def decide(world: StoredWorld, now: datetime) -> Decision:
        tries.append(world.read)
        world.get(Person, ANNA)
        threading.Thread(target=meanwhile).start()
        written.wait(5 if len(tries) == 1 else 0.1)
        written.clear()
        return Decision(SYSTEM, decider.decide(RenamePerson(person=ANNA, name="Ask"), world, SYSTEM, now))

    saved = reg.execute(decide)
    assert len(tries) == 2
    assert saved.facts[0].version == 3
    assert written.wait(5)
    assert reg.version(f"person-{ANNA}") == 4


def test_what_is_kept_of_a_save_is_what_a_reader_folds(reg: Registry, other: Registry) -> None:
    register(reg)
    reg.get(Person, ANNA)
    rename(reg, "Anna Alm")
    do(reg, ChangeContact(person=ANNA, email="anna@example.org"))
    version, kept = reg.load(Person, f"person-{ANNA}", kept=True)
    assert (version, repr(kept)) == (3, repr(other.get(Person, ANNA)))


def test_a_decision_on_what_is_kept_asks_the_log_for_nothing(
    reg: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(reg)
    reg.get(Person, ANNA)
    for name in ("select_stream", "select_notifications", "head"):
        monkeypatch.setattr(reg.recorder, name, lambda *_: pytest.fail("the log was asked"))
    assert [rename(reg, name).position for name in ("Anna Alm", "Anna Ask")] == [3, 4]


def test_what_is_kept_and_old_refuses_nobody(reg: Registry, other: Registry) -> None:
    """Neither a refusal nor another error stands that was raised on states another process has moved on from."""
    register(reg)
    reg.get(Person, ANNA)
    rename(other, "Anna Alm")
    seen = list[int]()

    def decide(world: StoredWorld, now: datetime) -> Decision:
        world.get(Person, ANNA)
        seen.append(world.read[f"person-{ANNA}"])
        if seen[-1] != 2:
            raise RuntimeError("stale")
        return Decision(SYSTEM, decider.decide(RenamePerson(person=ANNA, name="Ask"), world, SYSTEM, now))

    assert reg.execute(decide).facts[0].version == 3
    assert seen == [1, 2]
    with pytest.raises(RuntimeError, match="stale"):
        other.execute(decide)


def test_in_one_process_nobody_comes_behind(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are given in the order in which the log takes what carries them."""
    registry = registry_writers.opened(place.folder, place.url)
    do(registry, OpenRegistry(name="Provkommun", slug="prov"))
    insert, refused = registry.recorder.insert_events, list[Exception]()

    def insert_noting(*events: Any, **more: Any) -> Any:
        try:
            return insert(*events, **more)
        except Exception as error:
            refused.append(error)
            raise

    monkeypatch.setattr(registry.recorder, "insert_events", insert_noting)

    def write() -> None:
        for _ in range(12):
            register(registry, fresh_id())

    threads = [threading.Thread(target=write) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    facts = list(registry.facts())
    registry.close()
    assert (refused, len(facts)) == ([], 1 + 12 * 16)
    assert [fact.recorded_at for fact in facts] == sorted(fact.recorded_at for fact in facts)


@pytest.mark.parametrize("error", [Busy, Conflict, AlreadyDone])
def test_too_busy_is_said_and_leaves_nothing(
    reg: Registry, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error("others keep writing")

    monkeypatch.setattr(reg.recorder, "turn" if error is Busy else "insert_events", refuse)
    if error is Busy:
        monkeypatch.setattr(reg, "save", lambda *_, **__: (_ for _ in ()).throw(Conflict("moved")))
    with pytest.raises(TooBusy) as busy:
        register(reg)
    assert (busy.value.code, busy.value.source) == ("too-busy", house(60))
    assert reg.recorder.head().position == 1


# --- many writers


@pytest.mark.both_databases
def test_sixteen_writers_in_two_processes_leave_no_gap(place: Place) -> None:
    registry = registry_writers.opened(place.folder, place.url)
    do(registry, OpenRegistry(name="Provkommun", slug="prov"))
    do(registry, EstablishBody(body=BODY, name="Nämnden", kind="namnd"))
    do(registry, ChooseDiary(body=BODY, mode="own", pattern="N{yy}.{n}"))
    start = multiprocessing.get_context("spawn")
    asked = (place.folder, place.url, BODY, 8, 6)
    processes = [start.Process(target=registry_writers.write, args=asked) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    facts = list(registry.facts())
    assert [fact.position for fact in facts] == list(range(1, len(facts) + 1))
    assert [fact.recorded_at for fact in facts] == sorted(fact.recorded_at for fact in facts)
    numbers = [fact.event.diarienummer for fact in facts if isinstance(fact.event, MatterOpened)]
    year = datetime.now(UTC).year % 100
    assert numbers == [f"N{year:02}.{number}" for number in range(1, 97)]
    registry.close()


# --- once


def once(
    key: str = "k1", request: bytes = b"{}", person: str = ANNA, operation: str = "register-person"
) -> Once:
    return Once(person, operation, key, request)


def test_a_repeated_request_gets_the_first_answer(reg: Registry, other: Registry) -> None:
    first = register(reg, once=once())
    rename(reg, "Anna Alm")
    for registry in (reg, other):
        again = register(registry, once=once())
        assert again.again
        assert list(again.facts) == list(first.facts)
    assert reg.recorder.head().position == 3


def test_a_key_is_for_one_request(reg: Registry) -> None:
    register(reg, once=once())
    with pytest.raises(DomainError) as reused:
        register(reg, once=once(request=b'{"other": 1}'))
    assert (reused.value.code, reused.value.source) == ("idempotency-key-reused", house(62))


@pytest.mark.parametrize("differs", [{"key": "k2"}, {"person": ident(2)}, {"operation": "rename-person"}])
def test_a_key_is_one_persons_for_one_operation(reg: Registry, differs: dict[str, Any]) -> None:
    register(reg, once=once())
    with pytest.raises(Refused, match="id-taken"):
        register(reg, once=once(**differs))


def test_a_refusal_leaves_no_receipt(reg: Registry) -> None:
    with pytest.raises(DomainError):
        do(reg, RenamePerson(person=ANNA, name="Anna Alm"), once())
    register(reg)
    assert not do(reg, RenamePerson(person=ANNA, name="Anna Alm"), once()).again


def test_a_decision_for_nothing_is_an_answer_too(reg: Registry) -> None:
    assert not reg.execute(lambda *_: Decision(SYSTEM, []), once=once()).again
    saved = register(reg, once=once())
    assert (saved.again, saved.facts) == (True, [])
    assert reg.recorder.head().position == 1


def test_the_same_request_twice_at_once(reg: Registry, other: Registry) -> None:
    """The second finds the receipt under the lock, and is answered from it."""
    answers, both = list[Saved](), threading.Barrier(2)

    def ask(registry: Registry) -> None:
        def decide(world: StoredWorld, now: datetime) -> Decision:
            both.wait(5)
            return decided(RegisterPerson(person=ident(len(answers) + 20), name="N"))(world, now)

        answers.append(registry.execute(decide, once=once()))

    threads = [threading.Thread(target=ask, args=(registry,)) for registry in (reg, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(saved.again for saved in answers) == [False, True]
    assert answers[0].facts[0] == answers[1].facts[0]
    assert reg.recorder.head().position == 2


def test_a_receipt_expires(reg: Registry) -> None:
    register(reg, once=once())
    reg.clock.move_to(START + timedelta(days=31))  # type: ignore[attr-defined]  # a simulated clock
    with pytest.raises(Refused, match="id-taken"):
        register(reg, once=once())
    assert not register(reg, ident(3), once=once()).again
    assert register(reg, ident(3), once=once()).again


def test_the_receipt_tells_nothing_of_the_request(reg: Registry, place: Place) -> None:
    register(reg, once=once(key="a-secret-key", request=b"Anna Ek"))
    with place.by_hand() as db:
        rows = repr(db.exec_driver_sql("SELECT * FROM receipt").all())
    assert rows != "[]" and not any(said in rows for said in ("a-secret-key", "register-person", "Anna"))


# --- clocks


def set_clock(registry: Registry, moment: datetime) -> None:
    registry.clock = SimulatedClock(moment)


def test_time_stands_while_the_clock_is_a_little_behind(reg: Registry) -> None:
    head = reg.recorder.head().recorded_at
    set_clock(reg, START - timedelta(minutes=5) + timedelta(seconds=1))
    assert register(reg).facts[0].recorded_at == head
    set_clock(reg, START + timedelta(minutes=1))
    assert rename(reg, "Anna Alm").facts[0].recorded_at > head


def test_a_clock_far_behind_refuses_and_says_so(reg: Registry) -> None:
    set_clock(reg, START - timedelta(minutes=6))
    with pytest.raises(DomainError) as behind:
        register(reg)
    assert (behind.value.code, behind.value.source) == ("clock-behind", house(61))
    assert behind.value.values["head"] == reg.recorder.head().recorded_at
    assert reg.recorder.head().position == 1


def test_an_answer_given_is_given_again_by_a_late_clock(reg: Registry) -> None:
    register(reg, once=once())
    set_clock(reg, START - timedelta(days=9))
    assert register(reg, once=once()).again


def test_the_one_exit_from_a_head_in_the_future(reg: Registry) -> None:
    set_clock(reg, START + timedelta(days=3650))
    register(reg)
    now = START + timedelta(hours=1)
    set_clock(reg, now)
    with pytest.raises(DomainError, match="clock-behind"):
        rename(reg, "Anna Alm")
    (fact,) = do(reg, ResetClock(reason="Klockan gick tio år före.")).facts
    assert isinstance(fact.event, ClockReset)
    assert fact.recorded_at[:16] == stamp(now)[:16] < reg.stream(f"person-{ANNA}")[0].recorded_at
    (after,) = rename(reg, "Anna Alm").facts
    assert fact.recorded_at < after.recorded_at < stamp(now + timedelta(minutes=1))


def test_a_reset_is_recorded_by_the_machines_clock_even_a_little_behind(reg: Registry) -> None:
    now = START - timedelta(minutes=2)
    set_clock(reg, now)
    (fact,) = do(reg, ResetClock(reason="Klockan gick två minuter före.")).facts
    assert stamp(now) < fact.recorded_at < stamp(now + timedelta(seconds=1))
    assert reg.recorder.head().recorded_at == fact.recorded_at


def test_a_refused_reset_resets_nothing(reg: Registry) -> None:
    set_clock(reg, START - timedelta(days=1))

    def forbidden(*_: object) -> Decision:
        raise Forbidden("role-needed", house(5))

    with pytest.raises(Forbidden, match="role-needed"):
        reg.execute(forbidden)
    with pytest.raises(DomainError, match="clock-behind"):
        reg.save(
            Decision(
                SYSTEM,
                [New(f"person-{ANNA}", PersonRegistered(person=ANNA, name=Known("A"), organisation=None))],
            ),
            {},
        )
    assert reg.recorder.head().position == 1


def test_another_process_is_ahead(reg: Registry, other: Registry) -> None:
    """Its clock is ahead of ours between our decision and our save: max(clock, head), or a refusal."""
    ahead = [timedelta(minutes=1), timedelta(hours=1)]

    def decide(world: StoredWorld, now: datetime) -> Decision:
        set_clock(other, START + ahead.pop(0))
        register(other, fresh_id())
        return decided(RegisterPerson(person=fresh_id(), name="N"))(world, now)

    set_clock(reg, START + timedelta(seconds=30))
    (fact,) = reg.execute(decide).facts
    assert fact.recorded_at == reg.recorder.head().recorded_at > stamp(START + timedelta(seconds=59))
    with pytest.raises(DomainError, match="clock-behind"):
        reg.execute(decide)


@pytest.mark.parametrize(
    "text", ["2024-03-05T12:30:00Z", "2024-03-05T12:30:00.1Z", "2024-3-5T12:30:00.000000Z", ""]
)
def test_a_stamp_has_one_form(text: str) -> None:
    assert stamp(unstamp("2024-03-05T12:30:00.000001Z")) == "2024-03-05T12:30:00.000001Z"
    with pytest.raises(ValueError):
        unstamp(text)


def test_happened_is_what_was_said_or_now(reg: Registry) -> None:
    (fact,) = register(reg).facts
    assert fact.happened == parse("2024-01-08T10:00")  # local time, an hour before UTC's
    command = RegisterPerson(person=ident(3), name="B")
    (fact,) = reg.execute(decided(command), happened=parse("mars 2023")).facts
    assert fact.happened == parse("mars 2023")


# --- reading


def test_as_of_a_position(reg: Registry) -> None:
    register(reg)
    rename(reg, "Anna Alm")
    assert str(reg.get(Person, ANNA, 2).name) == "Anna Ek"
    assert str(reg.get(Person, ANNA, 3).name) == "Anna Alm"
    assert not reg.world(1).get(Person, ANNA).exists
    assert [fact.version for fact in reg.stream(f"person-{ANNA}", 2)] == [1]
    assert [fact.position for fact in reg.facts(1, 2)] == [2]


def test_a_stream_with_a_hole_is_not_folded(reg: Registry, other: Registry, place: Place) -> None:
    register(reg)
    for name in ("Anna Alm", "Anna Ask"):
        rename(reg, name)
    with place.by_hand() as db:
        db.exec_driver_sql("DELETE FROM event WHERE position = 3")
    for read in (lambda: other.get(Person, ANNA), lambda: other.version(f"person-{ANNA}")):
        with pytest.raises(EvidenceBroken, match=f"person-{ANNA}/2: the event is missing"):
            read()


def test_destroying_reaches_a_process_that_remembers(reg: Registry, other: Registry) -> None:
    register(reg)
    assert isinstance(other.world().get(Person, ANNA).name, Known)
    reg.vault.destroy(f"person-{ANNA}", "register", "decision 1")
    assert isinstance(other.world().get(Person, ANNA).name, Destroyed)
    (fact,) = other.facts(1)
    assert isinstance(fact.event, PersonRegistered) and isinstance(fact.event.name, Destroyed)


def test_a_scan_keeps_memory_flat(place: Place) -> None:
    def peak(size: int) -> int:
        copy = Place(place.folder / str(size), place.url).registry("prov", SimulatedClock(START))
        event = PersonRegistered(person=ANNA, name=Known("Anna Ek"), organisation=None)
        for _ in range(size // 1000):
            copy.save(Decision(SYSTEM, [New(f"person-{ANNA}", event)] * 1000), {})
        tracemalloc.start()
        assert sum(1 for _ in copy.facts()) == size
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        copy.close()
        return found

    assert peak(8_000) < 1.5 * peak(4_000)


def test_states_are_kept_in_a_bounded_number() -> None:
    states = States(2)
    for number in range(3):
        states.put(f"s-{number}", 1, Municipality(), 0)
    assert len(states) == 2 and states.get("s-0") is None
    assert states.get("s-1") is not None
    states.put("s-3", 1, Municipality(), 0)
    assert states.get("s-2") is None and states.get("s-1") is not None


def test_an_older_state_never_covers_a_newer_one() -> None:
    states = States()
    states.put("s-1", 2, Municipality(name="new"), 0)
    states.put("s-1", 1, Municipality(name="old"), 0)
    assert states.get("s-1") == (2, Municipality(name="new"))
    states.clear()
    states.put("s-1", 3, Municipality(name="from before"), 0)
    assert states.get("s-1") is None


def test_kept_states_under_many_threads(reg: Registry) -> None:
    register(reg)
    wrong = list[str]()
    stop = threading.Event()

    def read() -> None:
        last = 0
        while not stop.is_set():
            version, state = reg.load(Person, f"person-{ANNA}")
            expected = "Anna Ek" if version == 1 else f"Anna {version}"
            if version < last or str(state.name) != expected:
                wrong.append(f"{version} {state.name}")
            last = version

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in range(2, 30):
        rename(reg, f"Anna {version}")
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- adopting


@pytest.fixture
def original(reg: Registry) -> list[bytes]:
    register(reg)
    do(reg, EstablishBody(body=BODY, name="Nämnden", kind="namnd"))
    rename(reg, "Anna Alm")
    return [stored.state for stored in reg.recorder.scan()]


def root_of(records: list[bytes]) -> bytes:
    tree = Tree()
    tree.extend(map(leaf_hash, records))
    return tree.root()


def test_adopting_keeps_every_byte(reg: Registry, original: list[bytes], place: Place) -> None:
    copy = Registry("prov", beside(place), reg.vault, reg.files, reg.clock)
    assert copy.adopt(iter(original), root_of(original)) == len(original)
    assert [stored.state for stored in copy.recorder.scan()] == original
    assert list(copy.recorder.leaves()) == list(reg.recorder.leaves())
    assert list(copy.facts()) == list(reg.facts())
    assert rename(copy, "Anna Ask").position == len(original) + 1
    with pytest.raises(EvidenceBroken, match="not empty"):
        copy.adopt(iter(original))
    copy.recorder.close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda records: [b" " + records[0], *records[1:]], "position 1: the envelope is not canonical"),
        (lambda records: [b"[]", *records[1:]], "other fields"),
        (lambda records: [records[1], records[1]], "position 2: .*/2 was to come"),
        (lambda records: records[:1] + records[-1:], "position 2: .*/1 was to come"),
        (lambda records: [records[3 - number] for number in range(3)], "was to come"),
        (lambda records: [records[0], records[2], records[1]], "recorded before"),
        (lambda records: [one.replace(b'"prov"', b'"annan"') for one in records], "belongs to annan"),
        (lambda records: [one.replace(b"body-established", b"body-founded") for one in records], "not known"),
        (lambda records: records[:-1], "another root"),
    ],
)
def test_what_is_not_adopted(
    reg: Registry,
    original: list[bytes],
    place: Place,
    spoil: Callable[[list[bytes]], list[bytes]],
    reason: str,
) -> None:
    copy = Registry("prov", beside(place), reg.vault, reg.files, reg.clock)
    with pytest.raises(EvidenceBroken, match=reason):
        copy.adopt(iter(spoil(original)), root_of(original))
    assert copy.recorder.head().position == 0
    copy.recorder.close()


def test_a_reset_on_the_record_is_adopted(reg: Registry, place: Place) -> None:
    set_clock(reg, START + timedelta(days=9))
    register(reg)
    set_clock(reg, START + timedelta(hours=1))
    do(reg, ResetClock(reason="Klockan gick före."))
    records = [stored.state for stored in reg.recorder.scan()]
    copy = Registry("prov", beside(place), reg.vault, reg.files, reg.clock)
    assert copy.adopt(iter(records)) == 3
    copy.recorder.close()


# --- files


def test_files_that_no_event_names_are_swept(reg: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, orphan = (reg.files.put("document-1", "preserved", content) for content in (b"one", b"two"))
    fields = {
        "document": ident(1),
        "title": "Bilaga",
        "file": kept,
        "media_type": "text/plain",
        "size": 3,
        "direction": "internal",
    }
    do(reg, RegisterDocument.model_validate(fields))
    assert reg.named_files() >= {kept}
    assert reg.sweep() == []  # a file that came today may still be on its way into an event
    monkeypatch.setattr("registry.registry.ORPHANS_LAST", timedelta(seconds=-1))
    assert reg.sweep() == [orphan]
    assert reg.files.get(kept) == b"one"


def test_the_municipality_and_its_series(reg: Registry) -> None:
    assert reg.get(Municipality, REGISTRY).name == "Provkommun"
    assert not reg.get(Series, f"{BODY}-2024").exists
