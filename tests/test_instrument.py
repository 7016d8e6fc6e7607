"""Pictures, plans and the like: what builds on what, who compiles and who decides, and what the law asks in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from domain import instrument_events as e
from domain.assigning import GiveAssignment
from domain.instrument import Instrument
from domain.municipality import RegistryOpened
from domain.planning import (
    AddInstrumentPart,
    BeginInstrument,
    CountInstrument,
    FollowUpInstrument,
    MakeInstrumentVersion,
    RecordInstrumentDecision,
)
from domain.readings import Decided, Due
from domain.sources import house
from domain.stated import Assignee
from projections.reading import rows
from projections.renewing import renewals
from projections.runner import Projector
from registry.vault import sqlite_engine
from tests.council import BOARD, COUNCIL, Session
from tests.given import fact, ident
from tests.stories import registry, saver, year

pytestmark = pytest.mark.measured

PICTURE, ANALYSIS, PLAN, DIALOGUE, MAPPING = (ident(0xA0 + number) for number in range(5))
KF = Decided(written="KF 2024-06-17 § 90", decided_by="Kommunfullmäktige", day=date(2024, 6, 17))


def begin(instrument: str, kind: str, **changes: Any) -> BeginInstrument:
    fields = {"instrument": instrument, "body": COUNCIL, "kind": kind, "title": "Läget", "level": None}
    return BeginInstrument.model_validate(fields | changes)


def version(instrument: str, *builds_on: tuple[str, int], **changes: Any) -> MakeInstrumentVersion:
    grounds = [e.Ground(instrument=id, version=number) for id, number in builds_on]
    return MakeInstrumentVersion.model_validate({"instrument": instrument, "builds_on": grounds} | changes)


def state(session: Session, instrument: str) -> Instrument:
    return session.scenario.world.get(Instrument, instrument)


# --- versions and lineage
@pytest.mark.fact("H9")
@pytest.mark.fact("L7")
def test_a_version_says_what_it_builds_on_and_that_was_there_before() -> None:
    s = Session()
    s.do(begin(MAPPING, "mapping"), begin(ANALYSIS, "cause-analysis"), begin(PLAN, "action-plan"))
    s.refuse(version(ANALYSIS, (MAPPING, 1)), "not-found")
    s.refuse(version(ANALYSIS, (ident(0x99), 1)), "not-found")
    s.refuse(version(ANALYSIS, (ANALYSIS, 1)), "not-found")  # nothing builds on itself
    s.do(version(MAPPING), version(ANALYSIS, (MAPPING, 1)), version(PLAN, (ANALYSIS, 1), (ANALYSIS, 1)))
    (made,) = state(s, PLAN).versions
    assert made.builds_on == (e.Ground(instrument=ANALYSIS, version=1),)
    s.do(version(MAPPING, (PLAN, 1), made="updated"))  # the plan's follow-up goes into the next mapping
    assert [one.made for one in state(s, MAPPING).versions] == ["drawn-up", "updated"]
    backwards = version(PLAN, valid_from=date(2024, 2, 1), valid_to=date(2024, 1, 1))
    s.refuse(backwards, "ends-before-it-begins", house(14))
    s.refuse(version(PLAN, document=ident(0x99)), "not-found")


@pytest.mark.fact("Al7")
def test_pictures_have_levels_in_their_own_words_and_agreements_have_parties() -> None:
    s = Session()
    s.do(begin(PICTURE, "situation-picture", level="Strategisk nivå"))
    s.do(begin(ANALYSIS, "agreement", parties=["Kommunen", "Polisen", "Kommunen"]))
    s.do(version(ANALYSIS, made="concluded", valid_from=date(2024, 1, 1), valid_to=date(2027, 12, 31)))
    assert state(s, PICTURE).level == "Strategisk nivå"
    assert state(s, ANALYSIS).parties == ("Kommunen", "Polisen")
    s.refuse(begin(PICTURE, "dialogue"), "id-taken")
    s.refuse(begin(PLAN, "action-plan", body=ident(0x99)), "not-found")
    s.refuse(begin(PLAN, "action-plan", matter=ident(0x99)), "not-found")


# --- who compiles and who decides
@pytest.mark.fact("Å5")
def test_the_municipalitys_decision_is_unknown_until_it_is_entered() -> None:
    s = Session()
    s.do(begin(PLAN, "action-plan"), version(PLAN, made="compiled", made_by="Trygghetsrådet"))
    own = [Assignee(organisation="Räddningstjänsten")]
    s.do(AddInstrumentPart(instrument=PLAN, what="Hembesök", owners=own, due=Due(written="2024")))
    elsewhere = RecordInstrumentDecision(
        instrument=PLAN,
        part=1,
        organisation="Räddningstjänsten",
        decided=Decided(written="direktionen i mars"),
    )
    s.do(elsewhere)
    assert state(s, PLAN).versions[0].made_by == "Trygghetsrådet"
    assert state(s, PLAN).municipal_decision is None, (
        "another organisation's decision is not the municipality's"
    )
    both = RecordInstrumentDecision(instrument=PLAN, organisation="Polisen", by_municipality=True, decided=KF)
    s.refuse(both, "whose-decision", house(85))
    s.do(RecordInstrumentDecision(instrument=PLAN, version=1, by_municipality=True, decided=KF))
    found = state(s, PLAN).municipal_decision
    assert found is not None and found.decided.day == date(2024, 6, 17)
    for wrong in ({"version": 2}, {"part": 2}):
        asked = RecordInstrumentDecision.model_validate({"instrument": PLAN, "decided": KF, **wrong})
        s.refuse(asked, "not-found")


@pytest.mark.fact("V6")
@pytest.mark.fact("V10")
def test_what_documents_say_in_different_words_stands_side_by_side() -> None:
    s = Session()
    s.do(begin(DIALOGUE, "dialogue"), version(DIALOGUE))
    acts: tuple[e.Act, ...] = ("proposed", "decided-to-carry-out", "decided", "treated")
    for act in acts:
        s.do(RecordInstrumentDecision(instrument=DIALOGUE, act=act, decided=Decided(written="mötet")))
    assert tuple(one.act for one in state(s, DIALOGUE).decisions) == acts


@pytest.mark.fact("V6")
def test_one_dialogue_counts_for_two_years_and_a_year_may_have_several() -> None:
    s = Session()
    s.do(begin(DIALOGUE, "dialogue"), begin(PICTURE, "dialogue"))
    count = CountInstrument(instrument=DIALOGUE, duty="citizen-dialogue", years=[2018, 2017, 2018])
    assert s.do(count).event(e.InstrumentCounted).years == (2017, 2018)
    s.ask(count).then_nothing()
    s.do(CountInstrument(instrument=DIALOGUE, duty="citizen-dialogue", years=[2017, 2019]))
    s.do(CountInstrument(instrument=PICTURE, duty="citizen-dialogue", years=[2018]))
    assert state(s, DIALOGUE).counted == tuple(("citizen-dialogue", year) for year in (2017, 2018, 2019))


@pytest.mark.fact("H7")
def test_a_goal_may_be_shared_and_an_aim_may_be_nobodys() -> None:
    s = Session()
    s.do(begin(PLAN, "operational-plan"), GiveAssignment(
        assignment=ident(0x90), body=COUNCIL, what="Utveckla", to=[Assignee(function="Förvaltningen")],
    ))  # fmt: skip
    boards = [
        Assignee(organisation="Kommunstyrelsen"),
        Assignee(organisation="Nämnden för utbildning"),
    ]
    s.do(AddInstrumentPart(instrument=PLAN, kind="goal", place="1.4.2.2", what="Mindre skada", owners=boards))
    s.do(AddInstrumentPart(instrument=PLAN, kind="aim", under=1, what="Borta inom 24 timmar"))
    s.do(AddInstrumentPart(instrument=PLAN, kind="measure", under=1, what="x", assignment=ident(0x90)))
    for name in ("Öppna jämförelser", "LUPP", "Hälsa på lika villkor", "SCB"):
        s.do(AddInstrumentPart(instrument=PLAN, kind="data-source", what=name))
    goal, aim, measure, *sources = state(s, PLAN).parts
    assert (len(goal.owners), aim.owners, aim.under, measure.assignment) == (2, (), 1, ident(0x90))
    assert len(sources) == 4
    s.refuse(AddInstrumentPart(instrument=PLAN, what="x", under=9), "not-found")
    s.refuse(AddInstrumentPart(instrument=PLAN, what="x", assignment=ident(0x99)), "not-found")
    s.refuse(AddInstrumentPart(instrument=PLAN, what="x", owners=[Assignee()]), "assignee-unnamed")


@pytest.mark.fact("V9")
@pytest.mark.fact("Å13")
def test_activities_have_a_time_each() -> None:
    s = Session()
    s.do(begin(PLAN, "activity-plan"), begin(ANALYSIS, "annual-wheel"))
    for number, month in enumerate(("januari 2018", "mars 2018"), 1):
        s.do(AddInstrumentPart(instrument=PLAN, kind="activity", what="Vandring", due=Due(written=month)))
        due = state(s, PLAN).parts[-1].due
        assert due is not None and due.first == date(2018, 2 * number - 1, 1)


def test_a_follow_up_is_of_a_version_and_what_is_not_there_is_not_followed_up() -> None:
    s = Session()
    s.do(begin(PLAN, "action-plan"))
    s.refuse(FollowUpInstrument(instrument=PLAN), "not-found")
    s.do(version(PLAN), version(PLAN, made="updated"), FollowUpInstrument(instrument=PLAN, text="Bra"))
    s.do(FollowUpInstrument(instrument=PLAN, version=1))
    assert [one.version for one in state(s, PLAN).follow_ups] == [2, 1]
    s.refuse(FollowUpInstrument(instrument=PLAN, version=3), "not-found")
    s.refuse(FollowUpInstrument(instrument=ident(0x99)), "not-found")
    still = state(s, PLAN)
    assert still.evolve(fact(RegistryOpened(name="x", slug="x", clock="real"))) is still


# --- what the law asks in time
class Law:
    """A registry whose council has a picture and a plan, each at some time, or not."""

    def __init__(self, folder: Path) -> None:
        self.registry = registry(folder)
        year(self.registry)
        self.views = sqlite_engine(folder / "views.db")
        self.save, self.session = saver(self.registry), Session()
        self.projector = Projector(self.registry, self.views)

    def keep(self, *commands: Any) -> None:
        for command in commands:
            events = self.session.do(command).events
            self.save(*events, happened=command.happened, after=400)
        self.projector.catch_up()

    def on(self, day: str) -> dict[str, str]:
        return {one["duty"]: one["state"] for one in renewals(self.views, date.fromisoformat(day))}

    def close(self) -> None:
        self.views.dispose()
        self.registry.close()


@pytest.fixture
def law(tmp_path: Path) -> Iterator[Law]:
    made = Law(tmp_path)
    made.projector.catch_up()
    yield made
    made.close()


def test_picture_and_plan_are_watched_and_never_failed_for_what_nobody_knows(law: Law) -> None:
    nothing = {"picture-updated": "unknown", "plan-decided": "unknown", "plan-followed-up": "unknown"}
    assert law.on("2023-06-30") == {}, "the law was not in force"
    assert law.on("2023-07-01") == nothing | {"plan-decided": "not-applicable"}
    assert law.on("2024-07-01") == nothing
    sections = [renewals(law.views, date(2024, day, 1))[1]["source_section"] for day in (6, 7)]
    assert sections == ["övergångsbestämmelserna 2", "5 §"]
    law.keep(
        begin(PICTURE, "situation-picture", level="Strategisk", happened="2023-09-01"),
        version(PICTURE, happened="2023-09-01"),
        begin(PLAN, "action-plan", happened="2024-02-01"),
        version(PLAN, (PICTURE, 1), made="compiled", happened="2024-02-01"),
    )
    day = "2025-09-01"
    assert law.on(day) == nothing | {"picture-updated": "done", "plan-followed-up": "done"}
    assert law.on("2025-09-02")["picture-updated"] == "overdue"
    assert law.on("2026-02-02") == {
        "picture-updated": "overdue",
        "plan-decided": "unknown",
        "plan-followed-up": "overdue",
    }
    decided = {"instrument": PLAN, "version": 1, "by_municipality": True, "decided": KF}
    law.keep(
        version(PICTURE, made="updated", happened="2025-08-01"),
        RecordInstrumentDecision.model_validate(decided | {"happened": "2024-06-17"}),
        FollowUpInstrument(instrument=PLAN, happened="2025-12"),
    )
    assert set(law.on("2026-02-02").values()) == {"done"}
    (picture, plan, followed) = renewals(law.views, date(2026, 2, 2), body=COUNCIL)
    assert (picture["level"], picture["until"]) == ("Strategisk", "2027-08-01")
    assert plan["last"] == "2024-06-17" and followed["until"] == "2027-12-31"
    assert (picture["source_document"], picture["source_section"]) == ("SFS 2023:196", "6 §")
    assert {one["instrument"] for one in renewals(law.views, date(2026, 2, 2), body=BOARD)} == {None}
    before = renewals(law.views, date(2026, 2, 2), law.registry.recorder.head().position - 1)
    assert before[2]["last"] == "2024-06-17", "as it was known before the follow-up: from the decision"


def test_a_time_nobody_knows_gives_no_last_day(law: Law) -> None:
    law.keep(begin(PICTURE, "situation-picture"), version(PICTURE, happened="okänt"))
    assert law.on("2099-01-01")["picture-updated"] == "unknown"
    law.keep(version(PICTURE, made="updated", happened="2096-02-29"))
    assert law.on("2098-02-28")["picture-updated"] == "done"
    assert law.on("2098-03-01")["picture-updated"] == "overdue"


@pytest.mark.fact("Å5")
@pytest.mark.fact("V6")
def test_the_views_show_who_made_it_and_each_year_it_counts_for(law: Law) -> None:
    law.keep(
        begin(PLAN, "action-plan"),
        version(PLAN, made="compiled", made_by="Trygghetsrådet"),
        AddInstrumentPart(instrument=PLAN, what="Ljus", owners=[Assignee(organisation="Polisen")]),
        CountInstrument(instrument=PLAN, duty="citizen-dialogue", years=[2017, 2018]),
    )
    (made,) = rows(law.views, "instrument-version", where={"instrument": PLAN})
    assert (made["made"], made["made_by"]) == ("compiled", "Trygghetsrådet")
    (part,) = rows(law.views, "instrument-part", where={"instrument": PLAN})
    assert part["owners"][0]["organisation"] == "Polisen" and part["what"] == "Ljus"
    assert [one["year"] for one in rows(law.views, "instrument-year")] == [2017, 2018]
    assert rows(law.views, "audit", where={"kind": "instrument-counted.v1"})[0]["body"] == COUNCIL
