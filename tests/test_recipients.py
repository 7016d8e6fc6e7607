"""To whom minutes and decisions go: groups and offices resolved for a day, and what has gone out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from domain.afterwards import RecordDispatch
from domain.constituting import EstablishBody
from domain.deliberating import RecordDecision
from domain.messages import Actor, Mandate, New, Role, stream
from domain.municipality import REGISTRY
from domain.organising import RecordBodyStep
from domain.regulation import parse
from domain.sources import house
from domain.withholding import SecretItemListed, Secrets
from projections.obligations import Obligation
from projections.owed import owed
from projections.recipients import Line, recipients
from projections.runner import Projector
from registry.registry import Decision
from registry.vault import sqlite_engine
from tests.council import BOARD, CHAIR, COUNCIL, MEETING, MINUTES, PART, PROFILE
from tests.given import ident
from tests.log_session import LogSession, Reached

pytestmark = pytest.mark.measured

SCHOOLS, STREETS, WATER = ident(0x71), ident(0x72), ident(0x73)
DISPATCH = """
[bodies.trygghetsradet.rules.dispatch]
value = { what = "minutes", to = [
  { group = "nämnder", kind = "namnd" },
  { group = "berörda bolag", kind = "bolag", which = "concerned" },
  { body = "trygghetsradet" },
  { office = "chair" },
] }
modality = "ska"
section = "8"
text = "Provregel."
"""
DAY = date(2024, 4, 1)


class Office:
    """A council whose rules say to whom its minutes go, with two committees and a company in the register."""

    def __init__(self, folder: Path) -> None:
        content = parse(PROFILE.read_text(encoding="utf-8") + DISPATCH, PART)
        self.session = session = LogSession(folder, Reached(), content=content)
        session.do(
            EstablishBody(body=SCHOOLS, name="Skolnämnden", kind="namnd", parent=BOARD),
            EstablishBody(body=STREETS, name="Gatunämnden", kind="namnd", parent=BOARD),
            EstablishBody(body=WATER, name="Vatten AB", kind="bolag"),
            role=Role.ADMINISTRATOR,
        )
        named = ["Nämnder", "Vatten AB", "Polisen"]
        session.opened().do(RecordDecision(meeting=MEETING, item=1, points=["Planen antas."], dispatch=named))
        session.closed_and_drafted().circulated().signed("chair").signed("justerare")
        session.sealed_by_the_municipality()
        self.views = sqlite_engine(folder / "views.db")
        self.projector = Projector(session.registry, self.views)

    def sent(self, recipient: str, *bodies: str, item: int | None = 1) -> int:
        """Where its dispatch stands."""
        self.session.do(
            RecordDispatch(minutes=MINUTES, item=item, recipient=recipient, to_bodies=list(bodies))
        )
        return self.session.registry.recorder.head().position

    def lines(self, day: date = DAY, known: int | None = None) -> dict[tuple[int | None, str], Line]:
        self.projector.catch_up()
        found = recipients(self.session.registry, self.views, MINUTES, day, known)
        return {(one.item, one.recipient): one for one in found}

    def asked(self) -> Obligation:
        self.projector.catch_up()
        found = owed(self.session.registry, self.views, DAY)
        (one,) = [one for one in found if one.rule.id == "dispatch"]
        return one


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.views.dispose()
    made.session.registry.close()


@pytest.mark.fact("Å10")
@pytest.mark.fact("Al8")
def test_a_group_is_the_bodies_of_its_kind_that_day(office: Office) -> None:
    lines = office.lines()
    assert list(lines) == [
        (None, "nämnder"), (None, "berörda bolag"), (None, "Trygghetsrådet"), (None, "chair"),
        (1, "Nämnder"), (1, "Vatten AB"), (1, "Polisen"),
    ]  # fmt: skip
    assert lines[None, "nämnder"].bodies == lines[1, "Nämnder"].bodies == (SCHOOLS, STREETS)
    assert lines[None, "nämnder"].left == (SCHOOLS, STREETS)
    assert (lines[None, "berörda bolag"].bodies, lines[None, "berörda bolag"].left) == ((WATER,), None)
    assert lines[None, "Trygghetsrådet"].bodies == (COUNCIL,)
    assert lines[None, "chair"].persons == (CHAIR,)
    assert (lines[1, "Vatten AB"].bodies, lines[1, "Polisen"].bodies) == ((WATER,), ())
    assert {one.stage for one in lines.values()} == {"left"}


@pytest.mark.fact("Al8")
def test_who_a_group_was_follows_the_day_asked_about(office: Office) -> None:
    for body, step, day in ((SCHOOLS, "ended", "2024-03-31"), (STREETS, "established", "2024-03-01")):
        taken = RecordBodyStep.model_validate({"body": body, "step": step, "happened": day})
        office.session.do(taken, role=Role.REGISTRAR)
    assert office.lines(date(2024, 2, 29))[1, "Nämnder"].bodies == (SCHOOLS,)
    assert office.lines(date(2024, 3, 30))[1, "Nämnder"].bodies == (SCHOOLS, STREETS)
    assert office.lines(date(2024, 3, 31))[1, "Nämnder"].bodies == (STREETS,)


@pytest.mark.fact("Al8")
def test_what_has_gone_out_says_to_which_bodies_and_what_is_left(office: Office) -> None:
    before = office.session.registry.recorder.head().position
    office.sent("nämnder", SCHOOLS)
    line = office.lines()[1, "Nämnder"]
    assert (line.stage, line.sent_to, line.left) == ("partly", (SCHOOLS,), (STREETS,))
    office.sent("Nämnder", STREETS, STREETS, item=None)
    lines = office.lines()
    assert (lines[1, "Nämnder"].stage, lines[1, "Nämnder"].left) == ("sent", ())
    assert lines[None, "nämnder"].stage == "sent", (
        "what is sent of an item, and of the whole, counts for the rule"
    )
    office.sent("Bolaget vid ån", WATER)
    assert office.lines()[1, "Vatten AB"].stage == "sent", "by its body, under whatever name"
    assert office.lines()[None, "berörda bolag"].stage == "left"
    assert office.lines(known=before)[1, "Nämnder"].stage == "left", "as it was known before"


@pytest.mark.fact("Å10")
def test_it_is_dispatched_when_it_has_gone_to_as_many_as_the_rules_name(office: Office) -> None:
    assert office.asked().state == "due"
    first = office.sent("Nämnder", SCHOOLS, STREETS)
    office.sent("nämnder", SCHOOLS)
    asked = office.asked()
    assert (asked.state, asked.reason, asked.times) == ("unknown", "not-all-recipients", 4)
    assert asked.positions == (first, first + 1)
    for one in ("berörda bolag", "Trygghetsrådet", "ordföranden"):
        office.sent(one)
    assert office.asked().state == "done"


def test_what_a_secret_decision_is_sent_to_is_not_told_of_other_minutes(office: Office) -> None:
    listed = SecretItemListed(meeting=MEETING, item=1, secret=True)
    system = Actor("system", Mandate(Role.SYSTEM), "system")
    office.session.registry.save(Decision(system, [New(stream(Secrets, REGISTRY), listed)]), {})
    assert not [item for item, _ in office.lines() if item == 1]


def test_a_group_has_only_bodies_of_its_kind(office: Office) -> None:
    wrong = RecordDispatch(minutes=MINUTES, item=1, recipient="NÄMNDER", to_bodies=[SCHOOLS, WATER])
    office.session.refuse(wrong, "not-of-the-group", house(56))
    stranger = RecordDispatch(minutes=MINUTES, item=1, recipient="Gatan", to_bodies=[ident(0x79)])
    office.session.refuse(stranger, "not-found", house(1))
