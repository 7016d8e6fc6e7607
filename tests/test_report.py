"""Reports: written with every consequence stated, sent as a matter, decided there, and sent back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from api.profiles import delivered
from domain import report as r
from domain.assigning import GiveAssignment
from domain.constituting import AdoptRegulation
from domain.matter import OpenMatter, VoidMatter
from domain.messages import Destroyed, Known, Role
from domain.municipality import OpenRegistry, RegistryOpened
from domain.readings import Decided
from domain.report_events import SUBJECTS, ReportSent, ReportWritten
from domain.sources import house
from domain.stated import Assignee
from projections.paper import sheets
from projections.paper.render import render
from projections.paper.report import report_sheet
from projections.reading import rows
from projections.runner import Projector
from registry.vault import sqlite_engine
from tests.council import BOARD, COUNCIL, Session
from tests.given import fact, given, ident
from tests.stories import registry, saver, year

pytestmark = pytest.mark.measured

REPORT, MATTER = ident(0xC0), ident(0xC1)
NOTHING = [r.Consequence(subject=subject, none=True) for subject in SUBJECTS]
NOTED = Decided(written="KS den 12 mars § 41", decided_by="Kommunstyrelsen", paragraph="§ 41")


def write(**changes: Any) -> r.WriteReport:
    fields: dict[str, Any] = {
        "report": REPORT,
        "body": COUNCIL,
        "title": "Återrapport om trygghetsarbetet",
        "officer": "Säkerhetschefen",
        "department": "Kommunledningskontoret",
        "addressee": "Kommunstyrelsen",
        "proposal": ["Rapporten godkänns."],
        "decision_level": "Kommunstyrelsen",
        "summary": "Rådet har hållit två möten.",
        "background": "Rådet rapporterar varje halvår.",
        "description": "Vid mötena behandlades läget.",
        "assessment": "Arbetet går framåt.",
        "consequences": NOTHING,
        "enclosures": [
            r.Enclosed(title="Minnesanteckningar 21 september"),
            r.Enclosed(title="Polisens överenskommelse", enclosed=False),
        ],
        "dispatch": ["Trygghetsrådet"],
        "signatories": [r.Signatory(name="Mimmi Provare", title="Kommundirektör")],
        "signed": "unknown",
    }
    return r.WriteReport.model_validate(fields | changes)


def state(session: Session) -> r.Report:
    return session.scenario.world.get(r.Report, REPORT)


def matter(session: Session) -> str:
    session.do(OpenRegistry(name="Provkommun", slug="provkommun"))
    session.do(OpenMatter(matter=MATTER, body=BOARD, title="Återrapport", diarienummer="KS24.300"))
    return MATTER


# --- writing
@pytest.mark.fact("V1")
@pytest.mark.fact("V2")
@pytest.mark.fact("V11")
def test_a_report_has_its_sections_says_none_and_may_be_undated_and_unsigned() -> None:
    s = Session()
    s.do(write())
    (written,) = state(s).versions
    assert (written.day, written.signed) == (None, "unknown")
    assert [(one.subject, one.text) for one in written.consequences] == [(each, None) for each in SUBJECTS]
    assert [one.enclosed for one in written.enclosures] == [True, False]
    s.ask(write()).then_nothing()
    assert s.do(write(summary="Rådet har hållit tre möten.")).event(ReportWritten).version == 2
    s.refuse(write(body=BOARD), "report-of-another-body", house(88))


def test_a_consequence_is_stated_once_as_none_or_as_what_it_is() -> None:
    s = Session()
    for wrong in (
        [r.Consequence(subject="economy")],
        [r.Consequence(subject="economy", none=True, text="Dyrt")],
        [r.Consequence(subject="children", none=True), r.Consequence(subject="children", text="Bra")],
    ):
        s.refuse(write(consequences=wrong), "none-or-what", house(87))
    s.refuse(write(body=ident(0x99)), "not-found")
    s.refuse(write(assignments=[ident(0x99)]), "not-found")
    s.refuse(write(enclosures=[r.Enclosed(title="x", document=ident(0x99))]), "not-found")
    s.refuse(r.SendReport(report=REPORT, to_body=BOARD), "not-found")


@pytest.mark.fact("H6")
def test_a_report_says_which_assignments_it_answers() -> None:
    s = Session()
    given_ = GiveAssignment(
        assignment=ident(0x90), body=COUNCIL, what="Utveckla", to=[Assignee(function="F")]
    )
    s.do(given_, write(assignments=[ident(0x90), ident(0x90)]))
    assert state(s).versions[0].assignments == (ident(0x90),)


# --- sent, decided, sent back
@pytest.mark.fact("V2")
def test_what_is_not_stated_is_found_when_the_report_is_sent_and_sent_it_is() -> None:
    s = Session()
    s.do(write(consequences=[r.Consequence(subject="economy", text="Ryms i budget")]))
    silent = s.ask(r.SendReport(report=REPORT, to_body=BOARD)).event(ReportSent)
    assert silent.findings == (), "nobody asks for them here"
    profile = delivered()["varmdo"]
    adopt = AdoptRegulation(body=BOARD, valid_from=date(2017, 1, 1), profile=profile, part="kommunstyrelsen")
    s.do(adopt, role=Role.ADMINISTRATOR)
    sent = s.do(r.SendReport(report=REPORT, to_body=BOARD)).event(ReportSent)
    assert [(one.finding, one.observed) for one in sent.findings] == [
        ("consequence-not-stated", each) for each in ("environment", "citizens", "children")
    ]
    s.do(write())
    assert s.do(r.SendReport(report=REPORT, to_body=BOARD)).event(ReportSent).findings == ()


@pytest.mark.fact("V3")
@pytest.mark.fact("V12")
@pytest.mark.fact("H2")
def test_it_is_a_matter_where_it_is_decided_and_the_decision_comes_back() -> None:
    s = Session()
    s.do(write(), r.SendReport(report=REPORT, to_body=BOARD))
    back = r.DispatchReportDecision(report=REPORT, to_body=COUNCIL)
    s.refuse(back, "nothing-decided", house(88))
    assert state(s).decisions == (), "a proposal is no decision"
    entered = r.RecordReportMatter(report=REPORT, matter=matter(s))
    s.do(entered)
    s.ask(entered).then_nothing()
    s.do(r.RecordReportDecision(report=REPORT, decided=NOTED, points=["Rapporten noteras."]))
    (decided,) = state(s).decisions
    assert (decided.version, decided.points, state(s).matter) == (1, (Known("Rapporten noteras."),), MATTER)
    s.do(back, r.DispatchReportDecision(report=REPORT, recipient="Polisområdet", channel="post"))
    assert [(one.to_body, one.recipient) for one in state(s).dispatched] == [
        (COUNCIL, None),
        (None, Known("Polisområdet")),
    ]
    s.refuse(r.DispatchReportDecision(report=REPORT), "one-recipient", house(88))
    s.refuse(back.model_copy(update={"recipient": "x"}), "one-recipient", house(88))
    s.refuse(back.model_copy(update={"to_body": ident(0x99)}), "not-found")
    s.refuse(r.RecordReportDecision(report=REPORT, version=2, decided=NOTED), "not-found")


def test_a_matter_that_is_known_goes_with_it_and_a_voided_one_does_not() -> None:
    s = Session()
    s.do(write())
    matter(s)
    s.do(r.SendReport(report=REPORT, to_body=BOARD, matter=MATTER))
    assert state(s).matter == MATTER
    s.do(VoidMatter(matter=MATTER, reason="Dubblett"))
    s.refuse(r.SendReport(report=REPORT, to_body=BOARD, matter=MATTER), "matter-voided")
    s.refuse(r.RecordReportMatter(report=REPORT, matter=ident(0x99)), "not-found")
    s.refuse(r.SendReport(report=REPORT, to_body=ident(0x99)), "not-found")
    still = state(s)
    assert still.evolve(fact(RegistryOpened(name="x", slug="x", clock="real"))) is still


# --- shown
@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Any]:
    """Keep commands' events in a registry with views."""
    reg = registry(tmp_path)
    year(reg)
    views, save, session = sqlite_engine(tmp_path / "views.db"), saver(reg), Session()
    projector = Projector(reg, views)

    def keep(*commands: Any) -> Any:
        for command in commands:
            save(*session.do(command).events, after=400)
        projector.catch_up()
        return views

    yield keep
    views.dispose()
    reg.close()


@pytest.mark.fact("V12")
def test_the_views_tell_how_far_it_has_come(kept: Any) -> None:
    views = kept(write(), r.SendReport(report=REPORT, to_body=BOARD))

    def waiting() -> set[str]:
        return {one["task"] for one in rows(views, "todo") if one["task"].startswith("report-")}

    assert waiting() == {"report-matter"}
    kept(
        OpenRegistry(name="Provkommun", slug="provkommun"),
        OpenMatter(matter=MATTER, body=BOARD, title="Återrapport", diarienummer="KS24.300"),
        r.RecordReportMatter(report=REPORT, matter=MATTER),
        r.RecordReportDecision(report=REPORT, decided=NOTED),
    )
    assert waiting() == {"report-dispatch"}
    kept(r.DispatchReportDecision(report=REPORT, to_body=COUNCIL))
    (row,) = rows(views, "office-report")
    assert (row["stage"], row["matter"], row["given_paragraph"]) == ("dispatched", MATTER, "§ 41")
    assert row["proposal"] == ["Rapporten godkänns."] and row["points"] == []
    assert [one["to_body"] for one in rows(views, "report-dispatch")] == [COUNCIL]
    assert waiting() == set()
    assert rows(views, "finding", where={"finding": "consequence-not-stated"}) == []


# --- on paper
def sheet(session: Session, **changes: Any) -> sheets.Report:
    written = session.do(write(**changes)).event(ReportWritten)
    at = fact(written)
    return report_sheet(at, session.scenario.world, "Provkommun", example=True, code="7K4M-Q2XR")


@pytest.mark.fact("V1")
@pytest.mark.fact("V2")
def test_the_paper_says_none_unknown_and_undated_and_they_are_three_things() -> None:
    s = Session()
    partly = [
        r.Consequence(subject="economy", text="Ryms i budget."),
        r.Consequence(subject="children", none=True),
    ]
    made = sheet(s, consequences=partly)
    assert [(one.label, one.value) for one in made.consequences] == [
        ("Ekonomi", "Ryms i budget."),
        ("Miljö", None),
        ("Medborgare", None),
        ("Barn", "Inga."),
    ]
    assert (made.head.date, made.head.draft, made.head.diarienummer) == ("odaterad", True, "")
    s.do(r.SendReport(report=REPORT, to_body=BOARD, matter=matter(s)))
    sent = report_sheet(fact(state(s).versions[0]), s.scenario.world, "x", example=False, code="")
    assert (sent.head.draft, sent.head.diarienummer) == (False, "KS24.300")
    assert sent.facts[-1] == sheets.Fact(label="Till", value="Kommunstyrelsen")
    dated = sheet(s, day=date(2024, 5, 17), summary=None, signed="signed")
    assert dated.head.date == "2024-05-17" and dated.signed == "Undertecknad"
    assert "Sammanfattning" not in [one.label for one in dated.sections]


def test_every_section_stands_on_the_paper_and_what_is_destroyed_is_covered() -> None:
    s = Session()
    made = sheet(s)
    with pymupdf.open(stream=render(made).pdf, filetype="pdf") as document:  # type: ignore[no-untyped-call]  # the library has no types
        text = " ".join(" ".join(page.get_text() for page in document).split())
    for wording in (
        "Tjänsteskrivelse",
        "odaterad",
        "UTKAST – ej sänt",
        "Handläggare Säkerhetschefen",
        "Återrapport om trygghetsarbetet Förslag till beslut Rapporten godkänns.",
        "Beslutsnivå",
        "Sammanfattning",
        "Bakgrund",
        "Ärendebeskrivning",
        "Bedömning",
        "Ekonomi Inga.",
        "Barn Inga.",
        "1 Minnesanteckningar 21 september Bilaggs",
        "Bilaggs ej",
        "Sändlista",
        "Kommundirektör",
        "Om handlingen är undertecknad är inte känt.",
    ):
        assert wording in text, wording
    gone = state(s).versions[0].model_copy(update={"summary": Destroyed(), "title": Destroyed()})
    world = given({f"report-{REPORT}": [gone]}).world
    covered = report_sheet(fact(gone), world, "x", example=False, code="")
    assert covered.subject == sheets.DESTROYED
    assert b"%PDF" in render(covered).pdf[:8]
