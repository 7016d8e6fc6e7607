"""Minutes: versions folded anew, items in one set of minutes only, stale drafts, circulation, corrections."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from domain.calling import AddItem, WithdrawItem
from domain.deliberating import RecordDissent, RetractDissent
from domain.drafting import (
    CirculateMinutes,
    CorrectMinutes,
    DraftMinutes,
    EditCorrection,
    EditMinutes,
    Entry,
    RedraftMinutes,
    ReturnMinutes,
)
from domain.holding import (
    AppointActingChair,
    CloseMeeting,
    ElectJusterare,
    OpenMeeting,
    RecordPresence,
    RecordSecretary,
)
from domain.meeting_events import MinutesBegun
from domain.messages import Destroyed, Known, New, Role, SourcePart
from domain.minutes import Minutes
from domain.minutes_events import (
    ApprovalsVoided,
    Correction,
    MinutesCirculated,
    MinutesReturned,
    MinutesVersionMade,
    SignerField,
)
from domain.person import PersonRegistered, RenamePerson
from domain.sources import house
from domain.statements import statements
from domain.versions import stale
from tests.council import (
    CHAIR,
    COUNCIL,
    EXPERT,
    GUEST,
    LOOSE,
    MEETING,
    MINUTES,
    POLICE,
    RESCUE,
    SECRETARY,
    STRANGER,
    VICE,
    Session,
    said,
    seal,
    source,
)
from tests.given import fact, ident

OTHER, SHEET = ident(0xF1), ident(0xF2)
DISSENT = RecordDissent(meeting=MEETING, item=4, participant=VICE, view="Nej")


def draft(minutes: str = MINUTES, covers: list[int] | None = None) -> DraftMinutes:
    return DraftMinutes(minutes=minutes, meeting=MEETING, covers=covers)


def edit(base: int = 1, **texts: str | None) -> EditMinutes:
    return EditMinutes(minutes=MINUTES, base=base, texts={key[1:]: text for key, text in texts.items()})


def texts(session: Session) -> dict[str, str]:
    return {key: str(text) for key, text in session.minutes().newest.texts.items()}


# --- the first version
def test_a_draft_is_the_first_version_and_the_meeting_knows_of_it() -> None:
    session = Session().held()
    before = session.meeting().version
    made, begun = session.do(draft()).news
    assert begun == New(
        f"meeting-{MEETING}",
        MinutesBegun(meeting=MEETING, minutes=MINUTES, covers=(1, 2, 3, 4, 5), rest=True),
    )
    assert made.stream == f"minutes-{MINUTES}"
    version = made.event
    assert isinstance(version, MinutesVersionMade)
    assert (version.version, version.base, version.kind, version.rest) == (1, None, "minutes", True)
    assert (version.meeting, version.body, version.covers) == (MEETING, COUNCIL, (1, 2, 3, 4, 5))
    assert (version.meeting_version, version.word) == (before, "Mötesanteckningar")
    assert version.source == SourcePart.of(source("minutes"))
    assert version.signers == (
        SignerField(office="chair", field="Ordforande", label="Ordförande", person=CHAIR),
        SignerField(office="justerare", field="Justerare", label="Justerare", person=POLICE),
    )
    again = statements(session.meeting(), session.scenario.world, version.covers, version.rest)
    assert version.statements == again
    assert [one.minutes for one in session.meeting().minutes] == [MINUTES]


def test_a_draft_is_of_an_opened_meeting_and_begun_once() -> None:
    Session().called().refuse(draft(), "meeting-not-opened", house(36))
    session = Session().drafted()
    session.refuse(draft(), "id-taken", house(10))
    session.refuse(draft(OTHER), "minutes-already-begun", house(42))
    session.refuse(DraftMinutes(minutes=OTHER, meeting=STRANGER), "not-found", house(1))
    one, other = (DraftMinutes(meeting=MEETING) for _ in range(2))
    assert one.minutes != other.minutes


@pytest.mark.fact("X1")
def test_without_rules_the_secretary_finishes_notes_called_notes() -> None:
    session = Session().scheduled(body=LOOSE)
    session.do(OpenMeeting(meeting=MEETING), draft())
    newest = session.minutes().newest
    secretary = SignerField(office="secretary", field="Sekreterare", label="Sekreterare")
    assert (newest.word, newest.signers, newest.covers) == ("Anteckningar", (secretary,), ())
    session.do(RecordSecretary(meeting=MEETING, person=SECRETARY))
    session.do(RedraftMinutes(minutes=MINUTES, base=1))
    assert session.minutes().newest.signers[0].person == SECRETARY


# --- items in one set of minutes only
def test_an_item_is_approved_at_once_and_the_rest_follows() -> None:
    session = Session().held()
    session.do(draft(MINUTES, [4, 2]))
    assert (session.minutes().covers, session.minutes().newest.rest) == ((2, 4), False)
    session.refuse(draft(OTHER, [2]), "item-in-other-minutes", house(42))
    session.refuse(draft(OTHER, [9]), "not-found", house(1))
    session.do(draft(OTHER))
    assert session.minutes(OTHER).covers == (1, 3, 5)
    session.circulated().signed("chair").signed("justerare")
    assert session.minutes().approved_items == (2, 4)
    session.do(AddItem(meeting=MEETING, title="Sen"))
    session.do(RedraftMinutes(minutes=OTHER, base=1))
    assert session.minutes(OTHER).covers == (1, 3, 5, 6)


def test_an_item_may_be_taken_out_of_the_rest_until_the_rest_is_approved() -> None:
    session = Session().drafted()
    session.do(draft(OTHER, [4]))
    assert stale(session.minutes(), session.scenario.world)
    session.do(RedraftMinutes(minutes=MINUTES, base=1))
    assert session.minutes().covers == (1, 2, 3, 5)
    session.circulated().signed("chair").signed("justerare")
    session.refuse(draft(ident(0xF3), [5]), "item-in-other-minutes", house(42))


def test_minutes_are_not_of_items_that_were_withdrawn() -> None:
    session = Session().opened()
    session.do(WithdrawItem(meeting=MEETING, item=2))
    session.refuse(draft(MINUTES, [2]), "item-withdrawn", house(31))
    session.do(draft(MINUTES, [3]))
    session.do(draft(OTHER))
    assert session.minutes(OTHER).covers == (1, 2, 4)


# --- writing
def test_texts_are_written_and_taken_away_in_new_versions() -> None:
    session = Session().drafted()
    made = session.do(edit(_0="Allmänt", _4="Lugnt")).event(MinutesVersionMade)
    assert (made.version, made.base) == (2, 1)
    session.do(edit(2, _4=None, _5="Ljus"))
    assert texts(session) == {"0": "Allmänt", "5": "Ljus"}
    session.ask(edit(3, _5="Ljus")).then_nothing()
    session.refuse(edit(3, _9="Nej"), "not-found", house(1))
    session.refuse(edit(2, _5="Nej"), "newer-version", house(43))
    session.refuse(edit(4, _5="Nej"), "newer-version", house(43))
    for bad in ({}, {"05": "x"}, {"a": "x"}):
        with pytest.raises(ValidationError):
            EditMinutes.model_validate({"minutes": MINUTES, "base": 1, "texts": bad})


def test_every_version_says_what_the_events_now_say() -> None:
    session = Session().drafted()
    session.do(edit(_4="Lugnt"), DISSENT)
    session.ask(edit(2, _4="Lugnt")).event(MinutesVersionMade)
    session.do(edit(2, _4="Stökigt"))
    assert [one["view"] for one in said(session.minutes().newest.statements, "dissent")] == ["Nej"]
    session.ask(RedraftMinutes(minutes=MINUTES, base=3)).then_nothing()


def test_a_redraft_brings_the_meeting_up_to_date_and_keeps_the_texts() -> None:
    session = Session().drafted()
    session.do(edit(_0="Allmänt", _5="Ljus"))
    session.do(AddItem(meeting=MEETING, title="Sen"), DISSENT)
    session.refuse(RedraftMinutes(minutes=MINUTES, base=1), "newer-version", house(43))
    session.do(RedraftMinutes(minutes=MINUTES, base=2))
    newest = session.minutes().newest
    assert (newest.version, newest.covers) == (3, (1, 2, 3, 4, 5, 6))
    assert texts(session) == {"0": "Allmänt", "5": "Ljus"}
    session.do(draft(OTHER, [5]), RedraftMinutes(minutes=MINUTES, base=3))
    assert texts(session) == {"0": "Allmänt"}


def test_a_destroyed_text_is_carried_on_as_blocks() -> None:
    session = Session().drafted()
    session.do(edit(_4="Lugnt"))
    stream = session.scenario.world.streams[f"minutes-{MINUTES}"]
    made = stream[-1].event
    assert isinstance(made, MinutesVersionMade)
    destroyed = made.model_copy(update={"texts": {"4": Destroyed("c")}})
    stream[-1] = replace(stream[-1], event=destroyed)
    session.do(DISSENT, RedraftMinutes(minutes=MINUTES, base=2))
    assert session.minutes().newest.texts == {"4": Known("█████")}


def test_a_new_version_voids_what_was_approved_and_a_return_does_not() -> None:
    session = Session().ready().signed("chair")
    back = ReturnMinutes(minutes=MINUTES, version=1, comment="Fel namn")
    session.do(back, who=POLICE, role=Role.JUSTERARE).then(
        MinutesReturned(minutes=MINUTES, version=1, person=POLICE, comment=Known("Fel namn"))
    )
    assert list(session.minutes().approved_by) == ["chair"]
    voided, made = session.do(edit(_0="Rätt namn")).events
    assert voided == ApprovalsVoided(minutes=MINUTES, version=1, offices=("chair",))
    assert isinstance(made, MinutesVersionMade)
    assert session.minutes().approvals == ()
    assert session.minutes().approved_by == {}
    assert session.minutes().returned[0].comment == Known("Fel namn")


def test_once_all_have_approved_no_version_is_made() -> None:
    session = Session().approved()
    commands: tuple[Any, ...] = (
        edit(_0="Sent"),
        RedraftMinutes(minutes=MINUTES, base=1),
        CirculateMinutes(minutes=MINUTES, version=1, recipients=[CHAIR]),
    )
    for command in commands:
        session.refuse(command, "minutes-settled", house(40))
    back = ReturnMinutes(minutes=MINUTES, version=1, comment="Nej")
    session.refuse(back, "minutes-settled", house(40), who=CHAIR, role=Role.CHAIR)


# --- circulating
def test_a_draft_sent_outside_the_authority_is_found() -> None:
    session = Session().drafted()
    inside = CirculateMinutes(minutes=MINUTES, version=1, recipients=[CHAIR, VICE, CHAIR])
    session.ask(inside).then(MinutesCirculated(minutes=MINUTES, version=1, recipients=(CHAIR, VICE)))
    outside = CirculateMinutes(minutes=MINUTES, version=1, recipients=[CHAIR, POLICE, RESCUE])
    (found,) = session.do(outside).event(MinutesCirculated).findings
    assert (found.finding, found.observed) == ("draft-outside-authority", "2 outside")
    assert found.source == SourcePart.of(house(45))
    own = CirculateMinutes(minutes=MINUTES, version=1, recipients=[CHAIR, EXPERT, SECRETARY])
    assert (
        not session.do(own).event(MinutesCirculated).findings
    )  # staffed by the own administration, or no place
    nobody = CirculateMinutes(minutes=MINUTES, version=1, recipients=[STRANGER])
    session.refuse(nobody, "not-found", house(1))
    session.refuse(
        CirculateMinutes(minutes=MINUTES, version=2, recipients=[CHAIR]), "newer-version", house(43)
    )
    session.refuse(CirculateMinutes(minutes=OTHER, version=1, recipients=[CHAIR]), "not-found", house(1))


def test_a_stale_draft_is_not_circulated() -> None:
    session = Session().drafted()
    session.do(DISSENT)
    circulate = CirculateMinutes(minutes=MINUTES, version=1, recipients=[CHAIR])
    session.refuse(circulate, "draft-stale", house(44))
    session.do(RetractDissent(meeting=MEETING, item=4, dissent=1))
    assert session.ask(circulate).events


@pytest.mark.parametrize(
    "command",
    [
        DISSENT,
        AddItem(meeting=MEETING, title="Sen"),
        RecordPresence(meeting=MEETING, person=GUEST, capacity="guest"),
        ElectJusterare(meeting=MEETING, person=VICE),
        AppointActingChair(meeting=MEETING, person=VICE, from_item=2, to_item=2),
        CloseMeeting(meeting=MEETING, happened="2024-03-12T15:00"),
        RenamePerson(person=VICE, name="Per Berg"),
    ],
    ids=lambda command: command.command_name(),
)
def test_a_draft_is_stale_when_its_text_would_be_another(command: Any) -> None:
    session = Session().drafted()
    assert not stale(session.minutes(), session.scenario.world)
    session.do(command)
    assert stale(session.minutes(), session.scenario.world)


def test_only_those_who_are_to_approve_send_a_version_back() -> None:
    session = Session().drafted()
    back = ReturnMinutes(minutes=MINUTES, version=1, comment="Fel")
    session.refuse(back, "only-signers-return", house(47))
    newer = ReturnMinutes(minutes=MINUTES, version=2, comment="Fel")
    session.refuse(newer, "newer-version", house(43), who=CHAIR, role=Role.CHAIR)
    assert session.ask(back, CHAIR, Role.CHAIR).events


# --- who is to sign
def signers(session: Session) -> list[tuple[str, str, str | None, tuple[int, ...]]]:
    return [(one.office, one.field, one.person, one.items) for one in session.minutes().signers]


def test_those_who_led_some_items_sign_for_those() -> None:
    session = Session().held()
    session.do(AppointActingChair(meeting=MEETING, person=VICE, from_item=2, to_item=3), draft())
    assert signers(session) == [
        ("chair", "Ordforande", CHAIR, (1, 4, 5)),
        ("chair-2", "Ordforande2", VICE, (2, 3)),
        ("justerare", "Justerare", POLICE, ()),
    ]


def test_one_who_led_all_the_items_of_the_minutes_signs_alone_as_chair() -> None:
    session = Session().held()
    session.do(AppointActingChair(meeting=MEETING, person=VICE, from_item=2, to_item=2), draft(covers=[2]))
    assert signers(session) == [("chair", "Ordforande", VICE, ()), ("justerare", "Justerare", POLICE, ())]


def test_a_justerare_who_led_an_item_signs_once() -> None:
    session = Session().held()
    session.do(AppointActingChair(meeting=MEETING, person=POLICE, from_item=2, to_item=2), draft())
    assert signers(session) == [
        ("chair", "Ordforande", CHAIR, (1, 3, 4, 5)),
        ("justerare", "Justerare", POLICE, ()),
    ]


def test_who_led_the_whole_meeting_signs_as_chair() -> None:
    session = Session().held()
    session.do(AppointActingChair(meeting=MEETING, person=EXPERT), draft())
    assert signers(session)[0] == ("chair", "Ordforande", EXPERT, ())


def test_a_justerare_who_was_not_chosen_is_an_open_place() -> None:
    session = Session().called()
    session.do(OpenMeeting(meeting=MEETING), draft())
    assert signers(session)[1] == ("justerare", "Justerare", None, ())


# --- corrections
def entry(item: int | None = 5, corrected: str = "Belysningen") -> Entry:
    return Entry(item=item, original="Belysning", corrected=corrected, reason="Skrivfel")


def correct(minutes: str = SHEET, corrects: str = MINUTES, item: int | None = 5) -> CorrectMinutes:
    return CorrectMinutes(minutes=minutes, corrects=corrects, entries=[entry(item)])


def test_sealed_minutes_are_corrected_by_a_sheet_of_its_own_for_the_same_offices() -> None:
    session = Session().sealed()
    made = session.do(correct()).event(MinutesVersionMade)
    assert (made.kind, made.corrects, made.version, made.word) == ("correction", MINUTES, 1, "Rättelse")
    assert (made.statements, made.texts, made.rest) == ((), {}, False)
    assert made.corrections == (
        Correction(
            item=5, original=Known("Belysning"), corrected=Known("Belysningen"), reason=Known("Skrivfel")
        ),
    )
    assert made.signers == session.minutes().signers
    assert session.meeting().minutes[0].minutes == MINUTES
    assert len(session.meeting().minutes) == 1
    session.circulated(SHEET).signed("chair", SHEET).signed("justerare", SHEET).system(seal(SHEET))
    sheet = session.minutes(SHEET)
    assert (sheet.sealed is not None, sheet.approved_items) == (True, ())
    session.refuse(correct(OTHER, SHEET), "correct-sealed-only", house(52))


def test_only_what_is_sealed_is_corrected() -> None:
    session = Session().approved()
    session.refuse(correct(), "correct-sealed-only", house(52))
    session.refuse(correct(corrects=OTHER), "not-found", house(1))
    session.system(seal())
    session.refuse(correct(item=9), "not-found", house(1))
    session.refuse(correct(MINUTES), "id-taken", house(10))
    assert session.ask(correct(item=None)).events


def test_the_entries_of_a_correction_are_edited_as_such() -> None:
    session = Session().sealed()
    session.do(correct())
    session.refuse(EditMinutes(minutes=SHEET, base=1, texts={"0": "x"}), "edit-is-for-minutes", house(52))
    session.ask(RedraftMinutes(minutes=SHEET, base=1)).then_nothing()
    session.ask(EditCorrection(minutes=SHEET, base=1, entries=[entry()])).then_nothing()
    session.circulated(SHEET).signed("chair", SHEET)
    change = EditCorrection(minutes=SHEET, base=1, entries=[entry(corrected="Ljuset"), entry(None)])
    voided, made = session.do(change).events
    assert voided == ApprovalsVoided(minutes=SHEET, version=1, offices=("chair",))
    assert isinstance(made, MinutesVersionMade)
    assert (made.version, made.kind, len(made.corrections)) == (2, "correction", 2)
    bad = EditCorrection(minutes=SHEET, base=2, entries=[entry(9)])
    session.refuse(bad, "not-found", house(1))
    session.refuse(change, "newer-version", house(43))


def test_minutes_are_not_edited_as_a_correction() -> None:
    command = EditCorrection(minutes=MINUTES, base=1, entries=[entry()])
    Session().drafted().refuse(command, "edit-is-for-corrections", house(52))


def test_a_state_knows_only_its_own_events() -> None:
    foreign = fact(PersonRegistered(person=CHAIR, name=Known("Karin")))
    assert Minutes().evolve(foreign) == Minutes()
    assert (Minutes().exists, Minutes().approved_items) == (False, ())
