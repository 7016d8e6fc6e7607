"""What may be destroyed, and by which decision; and what never is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.approving import NoteDisagreement, RecordPaperApproval
from domain.disposal import (
    AdoptRetentionPlan,
    Disposal,
    DisposeDocument,
    DisposePersonData,
    PurgeWorking,
    RecordDestruction,
    disposal_of,
)
from domain.disposal_events import (
    DestructionDone,
    DocumentDisposed,
    PersonDataDisposed,
    PlanLine,
    RetentionPlanAdopted,
)
from domain.document import CompleteRegistration, Document, RegisterDocument
from domain.drafting import CorrectMinutes, EditMinutes, Entry
from domain.messages import Role, SourcePart
from domain.minutes import Minutes
from domain.minutes_events import WorkingPurged
from domain.municipality import OpenRegistry
from domain.person import GrantRole, Person, RegisterPerson
from domain.sources import house
from tests.council import MEETING, MINUTES, Session
from tests.given import ident

pytestmark = pytest.mark.measured

DOCUMENT, PERSON, SHEET = ident(0xD6), ident(0x70), ident(0xF1)
PLAN = AdoptRetentionPlan(
    title="Plan för bevarande KS24.7",
    adopted_on=date(2024, 1, 8),
    lines=[
        PlanLine(kind="Inkommen förfrågan", section="3.2", after_years=2),
        PlanLine(kind="Lägesbild", section="1.4"),
        PlanLine(kind="Kontaktuppgift", section="5.1", after_years=0),
    ],
)
PURGED = SourcePart.of(house(130))


def planned() -> Session:
    session = Session()
    session.system(OpenRegistry(name="Provkommun", slug="provkommun"))
    session.do(PLAN, role=Role.ARCHIVIST)
    return session


def registered(session: Session, **changes: Any) -> Session:
    said = {
        "document": DOCUMENT, "title": "Fråga om belysning", "kind": "inkommen förfrågan", "media_type": "text/plain",
        "size": 9, "file": "ab" * 32, "direction": "incoming", "date": date(2022, 2, 28),
    }  # fmt: skip
    session.do(RegisterDocument.model_validate(said | changes))
    return session


# --- rensning
def test_when_minutes_are_sealed_all_but_the_version_that_counts_is_purged() -> None:
    session = Session().drafted()
    session.do(EditMinutes(minutes=MINUTES, base=1, texts={"0": "Ändrat"}))
    session.circulated().signed("chair").signed("justerare")
    session.refuse(PurgeWorking(minutes=MINUTES), "not-finished", house(53))
    session.sealed_by_the_municipality()
    purge = PurgeWorking(minutes=MINUTES)
    answer = session.system(purge)
    answer.then(WorkingPurged(minutes=MINUTES, kept=(2,), meeting=MEETING, source=PURGED))
    assert session.minutes().purged
    session.system(purge).then_nothing()


def test_versions_that_were_noted_as_differing_stay() -> None:
    session = Session().ready()
    session.do(EditMinutes(minutes=MINUTES, base=1, texts={"0": "Ändrat"}))
    note: Any = {"minutes": MINUTES, "reason": "Oenighet"}
    session.do(NoteDisagreement(**note, exit="both-versions", versions=[1, 2]))
    session.do(NoteDisagreement(**note, exit="finished-without-approval", versions=[2]))
    assert session.system(PurgeWorking(minutes=MINUTES)).event(WorkingPurged).kept == (1, 2)


def test_a_correction_leaves_the_meeting_s_own_texts_alone() -> None:
    session = Session().sealed()
    entries = [Entry(original="a", corrected="b")]
    session.do(CorrectMinutes(minutes=SHEET, corrects=MINUTES, entries=entries))
    session.circulated(SHEET).signed("chair", SHEET).signed("justerare", SHEET)
    session.sealed_by_the_municipality(SHEET)
    purged = session.system(PurgeWorking(minutes=SHEET)).event(WorkingPurged)
    assert (purged.kept, purged.meeting) == ((1,), None)


# --- the plan
def test_a_plan_names_each_kind_once_and_the_latest_counts() -> None:
    session = planned()
    session.do(PLAN).then_nothing()
    twice = [PlanLine(kind="Lägesbild", section="1"), PlanLine(kind="lägesbild", section="2", after_years=1)]
    session.refuse(PLAN.model_copy(update={"lines": twice}), "plan-line-twice", house(131))
    other = PLAN.model_copy(update={"title": "Plan 2"})
    adopted = session.do(other).event(RetentionPlanAdopted)
    assert (adopted.title, len(adopted.lines)) == ("Plan 2", 3)


# --- gallring
def test_a_document_goes_by_the_plan_s_line_for_its_kind_when_it_is_time() -> None:
    session = registered(planned())
    session.do(DisposeDocument(document=DOCUMENT)).then(
        DocumentDisposed(
            document=DOCUMENT,
            kind="Inkommen förfrågan",
            source=SourcePart(document="Plan för bevarande KS24.7", section="3.2"),
        )
    )
    assert session.scenario.world.get(Document, DOCUMENT).disposed
    session.do(DisposeDocument(document=DOCUMENT)).then_nothing()
    complete = CompleteRegistration(document=DOCUMENT, kind="Lägesbild")
    session.refuse(complete, "document-disposed", house(133))


@pytest.mark.parametrize(
    ("changes", "code", "rule"),
    [
        ({"kind": "Lägesbild"}, "to-be-kept", 131),
        ({"kind": "Protokoll"}, "not-in-plan", 131),
        ({"kind": None}, "not-in-plan", 131),
        ({"date": None}, "disposal-day-unknown", 132),
        ({"date": date(2022, 3, 2)}, "disposal-not-due", 132),
    ],
)
def test_what_the_plan_keeps_or_does_not_name_or_not_yet_stays(
    changes: dict[str, Any], code: str, rule: int
) -> None:
    registered(planned(), **changes).refuse(DisposeDocument(document=DOCUMENT), code, house(rule))


def test_a_leap_day_is_followed_by_the_first_of_march() -> None:
    session = registered(planned(), date=date(2020, 2, 29))
    lines = [PlanLine(kind="Inkommen förfrågan", section="3.2", after_years=5)]
    session.do(PLAN.model_copy(update={"lines": lines}))
    error = session.refuse(DisposeDocument(document=DOCUMENT), "disposal-not-due", house(132))
    assert error.values["due"] == "2025-03-01"


def test_without_a_plan_nothing_goes() -> None:
    session = registered(Session())
    session.system(OpenRegistry(name="Provkommun", slug="provkommun"))
    session.refuse(DisposeDocument(document=DOCUMENT), "not-in-plan", house(131))


def test_contact_data_goes_by_a_line_and_the_name_only_when_no_role_stands() -> None:
    session = planned()
    session.do(RegisterPerson(person=PERSON, name="Kim Exempel"))
    ask: Any = {"person": PERSON, "kind": "kontaktuppgift"}
    gone = session.do(DisposePersonData(**ask, which="contact")).event(PersonDataDisposed)
    assert (gone.kind, gone.source.section) == ("Kontaktuppgift", "5.1")
    session.do(
        GrantRole(person=PERSON, role=Role.AUDITOR, valid_from=date(2024, 1, 1), ground="Val"),
        role=Role.ADMINISTRATOR,
    )
    session.refuse(DisposePersonData(**ask, which="register"), "person-still-has-role", house(134))
    session.later(days=400)
    other: Any = {"person": ident(0x71), "kind": "Kontaktuppgift", "which": "register"}
    session.refuse(DisposePersonData(**other), "not-found", house(1))
    session.do(RegisterPerson(person=ident(0x71), name="Robin Exempel"), DisposePersonData(**other))
    assert session.scenario.world.get(Person, ident(0x71)).exists


# --- carried out
def test_a_decision_is_carried_out_once() -> None:
    session = Session()
    done = RecordDestruction(disposal=disposal_of(12), decided=12, keys=3)
    session.system(done).then(DestructionDone(disposal=f"{12:016x}", decided=12, keys=3))
    assert session.scenario.world.get(Disposal, disposal_of(12)).exists
    session.system(done).then_nothing()
    assert not session.scenario.world.get(Disposal, disposal_of(13)).exists
    assert not session.scenario.world.get(Minutes, ident(1)).exists


def test_the_print_that_was_signed_by_hand_is_kept_while_it_is_what_proves_the_approval() -> None:
    session = registered(planned(), kind="Inkommen förfrågan", media_type="image/png")
    session.ready().do(
        RecordPaperApproval(
            minutes=MINUTES, version=1, office="justerare", document=DOCUMENT, code="aaaaaaaa"
        )
    )
    dispose = DisposeDocument(document=DOCUMENT)
    session.refuse(dispose, "approval-on-paper", house(137), role=Role.ARCHIVIST)
    session.signed("chair").sealed_by_the_municipality()
    session.refuse(dispose, "approval-on-paper", house(137), role=Role.ARCHIVIST)


def test_the_print_of_an_approval_that_fell_goes_as_the_plan_says() -> None:
    session = registered(planned(), kind="Inkommen förfrågan", media_type="image/png")
    session.ready().do(
        RecordPaperApproval(
            minutes=MINUTES, version=1, office="justerare", document=DOCUMENT, code="aaaaaaaa"
        )
    )
    session.do(EditMinutes(minutes=MINUTES, base=1, texts={"0": "Ändrat"}))
    session.do(DisposeDocument(document=DOCUMENT), role=Role.ARCHIVIST)
    assert session.scenario.world.get(Document, DOCUMENT).disposed
    session.circulated()
    again = RecordPaperApproval(
        minutes=MINUTES, version=2, office="justerare", document=DOCUMENT, code="aaaaaaaa"
    )
    session.refuse(again, "not-a-scan", house(71))
