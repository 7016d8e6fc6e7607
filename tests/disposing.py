"""A person's contact data destroyed as it is done: by a plan, a decision in the log, and the keys after it."""

from __future__ import annotations

from datetime import date

from api.wiring import SYSTEM, Municipality
from domain.disposal import DECISIONS, AdoptRetentionPlan, DisposePersonData
from domain.disposal_events import PlanLine
from registry.destroying import destroy

KIND = "Kontaktuppgift"
PLAN = AdoptRetentionPlan(
    title="Plan KS24.7",
    adopted_on=date(2024, 1, 8),
    lines=[PlanLine(kind=KIND, section="5.1", after_years=0)],
)


def dispose_contact(person: str) -> DisposePersonData:
    return DisposePersonData(person=person, which="contact", kind=KIND)


def contact_destroyed(m: Municipality, person: str) -> int:
    """The decision's position; the log does not yet say that it was carried out."""
    m.execute_as(PLAN, SYSTEM)
    (fact,) = m.execute_as(dispose_contact(person), SYSTEM).facts
    assert isinstance(fact.event, DECISIONS)
    assert destroy(m.vault, fact.event, fact.position) == 1
    return fact.position
