"""Bodies in a tree that changes by day: unknown places, links, successions, steps, offices, steering groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.assigning import GiveAssignment
from domain.body import Body
from domain.body_events import BodyRelated
from domain.calling import AddItem
from domain.constituting import EstablishBody, GiveMandate
from domain.deliberating import RecordDecision
from domain.organising import (
    NameBodyOffice,
    PlaceBody,
    RecordBodyStep,
    RelateBodies,
    SteerProject,
)
from domain.planning import BeginInstrument
from domain.readings import Decided
from domain.sources import house
from domain.stated import Assignee
from projections.reading import rows
from projections.runner import Projector
from registry.vault import sqlite_engine
from tests.council import BOARD, CHAIR, COUNCIL, MEETING, VICE, Session
from tests.given import Scenario, fact, given, ident
from tests.stories import registry, saver, year

pytestmark = pytest.mark.measured

KLARA, AD_HOC, YOUTH, FORUM = (ident(0xB4 + number) for number in range(4))
Y2017, Y2020 = date(2017, 9, 21), date(2020, 1, 1)


def establish(body: str, name: str, parent: str | None = None) -> EstablishBody:
    return EstablishBody(body=body, name=name, kind="grupp", parent=parent)


def body(session: Session, id: str) -> Body:
    return session.scenario.world.get(Body, id)


def tree() -> Session:
    s = Session()
    s.do(establish(KLARA, "Klara", COUNCIL), establish(AD_HOC, "Analysgruppen", KLARA))
    s.do(establish(YOUTH, "Ungdomsrådet"), establish(FORUM, "Forumet"))
    return s


# --- the tree
@pytest.mark.fact("Å3")
def test_a_parent_nobody_has_stated_is_unknown_and_not_none() -> None:
    s = tree()
    assert [body(s, id).placed for id in (AD_HOC, YOUTH)] == ["under", "unknown"]
    s.do(PlaceBody(body=BOARD))
    assert (body(s, BOARD).placed, body(s, BOARD).parent) == ("top", "")
    s.ask(PlaceBody(body=BOARD)).then_nothing()
    s.do(PlaceBody(body=YOUTH, parent=COUNCIL, valid_from=Y2020))
    youth = body(s, YOUTH)
    assert (youth.parent_at(Y2017), youth.parent_at(Y2020), youth.placed) == ("", COUNCIL, "under")
    s.refuse(PlaceBody(body=YOUTH, parent=ident(0x99)), "not-found")


def test_a_body_that_is_its_own_ancestor_is_refused() -> None:
    s = tree()
    for above in (COUNCIL, KLARA, AD_HOC):
        error = s.refuse(PlaceBody(body=COUNCIL, parent=above), "own-ancestor", house(89))
        assert error.values["body"] == "Trygghetsrådet"
    s.refuse(PlaceBody(body=BOARD, parent=AD_HOC, valid_from=Y2017), "own-ancestor")


def test_the_tree_may_turn_over_from_one_day_to_another_but_not_on_any() -> None:
    s = tree()
    s.do(PlaceBody(body=FORUM, parent=KLARA, valid_from=Y2017))
    s.do(PlaceBody(body=FORUM, valid_from=Y2020))  # the forum is on its own from 2020
    s.do(PlaceBody(body=KLARA, parent=FORUM, valid_from=date(2021, 1, 1)))
    s.refuse(PlaceBody(body=FORUM, parent=KLARA, valid_from=date(2022, 1, 1)), "own-ancestor")
    s.refuse(PlaceBody(body=FORUM, parent=AD_HOC, valid_from=Y2020), "own-ancestor")
    s.do(PlaceBody(body=FORUM, parent=KLARA))  # since ever, until 2017
    line = body(s, KLARA)
    assert (line.parent_at(Y2020), line.parent_at(date(2021, 1, 1))) == (COUNCIL, FORUM)


@settings(max_examples=60)
@for_all(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from([None, 2018, 2020, 2022])),
        max_size=12,
    )
)
def test_whatever_is_asked_no_day_has_a_body_above_itself(asked: list[tuple[int, int, int | None]]) -> None:
    s, places = tree(), [KLARA, AD_HOC, YOUTH, FORUM]
    for which, parent, since in asked:
        above = None if parent == 4 else places[parent]
        outcome = s.ask(
            PlaceBody(body=places[which], parent=above, valid_from=date(since, 1, 1) if since else None)
        )
        if outcome.error is None:
            s.scenario = outcome.saved()
        else:
            assert outcome.error.code == "own-ancestor"
    for day in (date(1900, 1, 1), *(date(each, 6, 1) for each in range(2017, 2024))):
        for start in places:
            seen, at = [start], body(s, start).parent_at(day)
            while at:
                assert at not in seen, (day, seen)
                seen.append(at)
                at = body(s, at).parent_at(day)


def test_the_chair_by_office_is_that_of_the_body_above_on_the_day() -> None:
    s = tree()
    s.do(GiveMandate(body=FORUM, person=VICE, seat="ordforande", valid_from=Y2017))
    s.do(PlaceBody(body=COUNCIL, parent=FORUM, valid_from=date(2024, 6, 1)))
    world = s.scenario.world
    assert body(s, COUNCIL).chair_at(date(2024, 5, 31), world) == CHAIR
    assert body(s, COUNCIL).chair_at(date(2024, 6, 1), world) == VICE


# --- beside the tree
@pytest.mark.fact("Al7")
def test_a_link_is_between_two_and_says_nothing_of_a_third() -> None:
    s = tree()
    s.do(RelateBodies(body=KLARA, other=FORUM, relation="linked", valid_from=Y2020))
    s.ask(RelateBodies(body=KLARA, other=FORUM, relation="linked", valid_from=Y2020)).then_nothing()
    assert [one.other for one in body(s, KLARA).relations] == [FORUM]
    assert body(s, YOUTH).relations == ()
    s.refuse(RelateBodies(body=KLARA, other=KLARA, relation="linked"), "follows-itself", house(89))
    s.refuse(RelateBodies(body=KLARA, other=ident(0x99), relation="linked"), "not-found")


@pytest.mark.fact("H8")
@pytest.mark.fact("H4")
def test_a_succession_may_be_possible_and_sameness_unstated() -> None:
    s = tree()
    perhaps = RelateBodies(
        body=COUNCIL, other=FORUM, relation="succeeded-by", certainty="possible", written="kan ersätta"
    )
    s.do(perhaps)
    s.do(RelateBodies(body=FORUM, other=YOUTH, relation="same", certainty="unstated"))
    assert body(s, COUNCIL).succeeded_by == (FORUM,)
    (kept,) = body(s, COUNCIL).relations
    assert kept.certainty == "possible"
    s.do(RelateBodies(body=FORUM, other=KLARA, relation="succeeded-by"))
    s.do(RelateBodies(body=YOUTH, other=KLARA, relation="succeeded-by"))
    s.do(RelateBodies(body=COUNCIL, other=YOUTH, relation="succeeded-by"))
    back = RelateBodies(body=KLARA, other=COUNCIL, relation="succeeded-by")
    s.refuse(back, "follows-itself", house(89))


@pytest.mark.fact("V8")
@pytest.mark.fact("V7")
def test_a_group_is_decided_at_one_meeting_and_staffed_at_another() -> None:
    s = tree()
    s.opened().do(
        AddItem(meeting=MEETING, title="Grupper"),
        RecordDecision(meeting=MEETING, item=1, points=["Klara bildas."]),
    )
    agreement = ident(0xA0)
    s.do(BeginInstrument(instrument=agreement, body=COUNCIL, kind="agreement", title="Överenskommelse"))
    decided = RecordBodyStep(
        body=KLARA, step="decided", decided=Decided(meeting=MEETING, decision=1), instrument=agreement
    )
    s.do(decided, RecordBodyStep(body=KLARA, step="staffed", happened="2017-10-09"))
    steps = [one.step for one in body(s, KLARA).steps]
    assert steps == ["decided", "staffed"], "when it was established nobody has said"
    s.refuse(RecordBodyStep(body=KLARA, step="ended", instrument=ident(0x99)), "not-found")


@pytest.mark.fact("Å7")
@pytest.mark.fact("Å8")
def test_functions_and_persons_speak_for_a_body_and_coordinate_it() -> None:
    s = tree()
    named: dict[str, Any] = {}
    for office, holder in (
        ("spokesperson", Assignee(function="Ordföranden")),
        ("spokesperson", Assignee(function="Folkhälsostrategen")),
        ("coordinator", Assignee(function="Folkhälsostrategen", person=VICE)),
    ):
        named = {"body": COUNCIL, "office": office, "holder": holder, "valid_from": Y2020}
        s.do(NameBodyOffice.model_validate(named))
    assert [one.office for one in body(s, COUNCIL).offices] == ["spokesperson"] * 2 + ["coordinator"]
    s.do(NameBodyOffice.model_validate(named | {"valid_to": date(2024, 1, 1)}))
    assert body(s, COUNCIL).offices[-1].valid_to == date(2024, 1, 1)
    assert len(body(s, COUNCIL).offices) == 3
    s.refuse(NameBodyOffice.model_validate(named | {"valid_to": Y2017}), "ends-before-it-begins")
    s.refuse(NameBodyOffice(body=COUNCIL, office="coordinator", holder=Assignee()), "assignee-unnamed")


@pytest.mark.fact("Å6")
def test_a_body_may_be_the_steering_group_of_a_project() -> None:
    s = tree()
    to = [Assignee(function="Projektledaren")]
    s.do(GiveAssignment(assignment=ident(0x90), body=COUNCIL, what="Trygga torget", to=to))
    steer: dict[str, Any] = {"body": COUNCIL, "project": "Trygga torget", "assignment": ident(0x90)}
    s.do(SteerProject(**steer))
    s.ask(SteerProject(**steer)).then_nothing()
    s.do(SteerProject(**steer, valid_from=Y2017, valid_to=Y2020))
    assert [(one.project, one.valid_to) for one in body(s, COUNCIL).steers] == [("Trygga torget", Y2020)]
    s.refuse(SteerProject(**steer | {"assignment": ident(0x99)}), "not-found")
    s.refuse(SteerProject(**steer, valid_from=Y2020, valid_to=Y2017), "ends-before-it-begins")


# --- shown
@pytest.fixture
def views(tmp_path: Path) -> Iterator[Any]:
    reg, engine = registry(tmp_path), sqlite_engine(tmp_path / "views.db")
    year(reg)
    save, s = saver(reg), Session()
    asked = (
        establish(YOUTH, "Ungdomsrådet"),
        establish(FORUM, "Forumet", COUNCIL),
        PlaceBody(body=FORUM, valid_from=Y2020),
        RelateBodies(body=YOUTH, other=FORUM, relation="linked", certainty="possible"),
        RecordBodyStep(body=YOUTH, step="constituted", decided=Decided(written="mötet i september")),
        NameBodyOffice(body=YOUTH, office="coordinator", holder=Assignee(person=VICE), valid_from=Y2020),
        SteerProject(body=YOUTH, project="Trygga torget"),
    )
    for command in asked:
        save(*s.do(command).events, after=400)
    Projector(reg, engine).catch_up()
    yield engine
    engine.dispose()
    reg.close()


@pytest.mark.fact("Å3")
def test_the_views_show_what_is_stated_and_no_more(views: Any) -> None:
    placed = {one["name"]: (one["placed"], one["parent"]) for one in rows(views, "body")}
    assert (placed["Ungdomsrådet"], placed["Forumet"]) == (("unknown", None), ("top", None))
    assert [one["certainty"] for one in rows(views, "body-relation")] == ["possible"]
    assert [(one["step"], one["given_written"]) for one in rows(views, "body-step")] == [
        ("constituted", "mötet i september")
    ]
    assert rows(views, "body-office", true="2019-12-31") == []
    (office,) = rows(views, "body-office", true="2020-01-01")
    assert office["holder"]["person"] == VICE
    assert [one["project"] for one in rows(views, "steering")] == ["Trygga torget"]
    assert [one["body"] for one in rows(views, "audit", where={"kind": "body-steers.v1"})] == [YOUTH]


def test_a_fold_begins_anywhere() -> None:
    scenario: Scenario = given()
    related = BodyRelated(
        body=KLARA, other=FORUM, relation="linked", certainty="stated", written=None, valid_from=None
    )
    folded = scenario.world.get(Body, KLARA).evolve(fact(related))
    assert folded.relations == (related,) and not folded.exists and folded.placed == "unknown"
