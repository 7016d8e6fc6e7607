"""A machine clock that steps: nothing is dated before what came earlier, and a wrong clock is told, not believed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.reactions import Reactions, Undone
from api.signing_flow import SigningFlow
from api.wiring import SYSTEM, Municipality, open_folder
from domain.errors import DomainError
from domain.messages import fresh_id
from domain.municipality import ResetClock
from domain.person import RegisterPerson
from registry.clock import stamp, unstamp
from registry.registry import Once
from tests.faults.aftermath import goes_on, kept, once, sound
from tests.faults.day import STAGES, Place, acknowledge
from tests.signings import OFFICES
from tests.web import PASSPHRASE


class Stepping:
    """A clock that goes a second at each reading, and steps when it is told to."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def step(self, **time: int) -> None:
        self._now += timedelta(**time)


@pytest.fixture
def stepping(before: Place, tmp_path: Path) -> Iterator[tuple[Place, Municipality, Stepping]]:
    place = before.copied(tmp_path)
    m = place.opened()
    clock = Stepping(unstamp(m.registry.recorder.head().recorded_at))
    m.close()
    m = open_folder(place.dir, clock=clock)
    acknowledge(m.registry, place.note)
    yield place, m, clock
    m.close()


def test_small_steps_on_the_way_do_not_disturb_the_day(
    stepping: tuple[Place, Municipality, Stepping],
) -> None:
    """Back by four minutes and forward again, between the stages and between the two signatures."""
    place, m, clock = stepping
    execute, steps = m.registry.execute, [-240, 240, -200, 3600, -299, 86_400, -250, 250]

    def stepped(*given: object, **more: object) -> object:
        saved = execute(*given, **more)  # type: ignore[arg-type]  # handed on as they came
        if steps:
            clock.step(seconds=steps.pop())
        return saved

    m.registry.execute = stepped  # type: ignore[method-assign,assignment]  # the clock steps after each save
    for live in STAGES.values():
        live(place, m)
    assert not steps
    moments = [fact.recorded_at for fact in m.registry.facts()]
    assert moments == sorted(moments)
    once(place, m, list(STAGES))
    kept(place, m.registry)
    m.projector.stop()
    sound(place)


def test_a_step_back_between_beginning_and_signing_spoils_no_signature(
    stepping: tuple[Place, Municipality, Stepping],
) -> None:
    place, m, clock = stepping
    Reactions(m).run()
    flow = SigningFlow(m)
    for who, office in OFFICES.items():
        begun = flow.begin(place.minutes, 1, office, place.ids[who])
        clock.step(minutes=-2)
        assert flow.resume(begun["signing"], place.ids[who], PASSPHRASE)["status"] == "done"
    m.close()
    goes_on(place, ["sign", "seal"])


def test_a_clock_far_behind_refuses_writes_and_answers_what_it_answered(
    stepping: tuple[Place, Municipality, Stepping],
) -> None:
    place, m, clock = stepping
    operator = m.settings.operator
    register, key = RegisterPerson(name="Någon Annan"), Once(m.settings.operator, "POST", "key", b"request")
    first = m.execute(register, operator, "token", once=key)
    head = m.registry.recorder.head()
    clock.step(hours=-2)
    with pytest.raises(DomainError) as refused:
        m.execute_as(RegisterPerson(person=fresh_id(), name="Ingen"), SYSTEM)
    assert refused.value.code == "clock-behind"
    again = m.execute(register, operator, "token", once=key)
    assert again.again and again.position == first.position
    assert m.registry.recorder.head() == head
    with pytest.raises(Undone):
        STAGES["sign"](place, m)
    assert m.troubles
    clock.step(hours=2)
    STAGES["sign"](place, m)
    m.close()
    goes_on(place, ["sign", "seal"])


def test_a_clock_that_ran_ahead_is_left_by_the_one_recorded_exit(
    stepping: tuple[Place, Municipality, Stepping],
) -> None:
    place, m, clock = stepping
    STAGES["enter"](place, m)
    right = clock.now()
    clock.step(days=400)
    m.execute_as(RegisterPerson(person=fresh_id(), name="Ur Framtiden"), SYSTEM)
    clock.step(days=-400)
    with pytest.raises(DomainError):
        m.execute_as(RegisterPerson(person=fresh_id(), name="Ingen"), SYSTEM)
    m.execute(ResetClock(reason="Maskinens klocka gick fel"), m.settings.operator, "token")
    m.execute_as(RegisterPerson(person=fresh_id(), name="Ur Nuet"), SYSTEM)
    assert m.registry.recorder.head().recorded_at < stamp((right + timedelta(days=1)).astimezone(UTC))
    m.close()
    sound(place)
    goes_on(place, list(STAGES))
