"""Approving: the signature is the approval, two persons for one version, and what happens when that fails."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.approving import (
    AbandonSigning,
    ApproveMinutes,
    BeginSigning,
    NoteDisagreement,
    PinRender,
    RecordPaperApproval,
    ReplaceSigner,
    RestampMinutes,
    SealMinutes,
)
from domain.calling import ScheduleMeeting
from domain.deliberating import RecordDissent
from domain.document import DocumentAttests, RegisterDocument
from domain.drafting import CirculateMinutes, DraftMinutes, EditMinutes, RedraftMinutes
from domain.holding import ElectJusterare, OpenMeeting
from domain.messages import Known, New, Role
from domain.minutes_events import (
    DisagreementNoted,
    MinutesApproved,
    MinutesRestamped,
    MinutesSealed,
    PaperApprovalRecorded,
    RenderPinned,
    SignerReplaced,
    SigningAbandoned,
    SigningBegun,
)
from domain.sources import house
from tests.council import (
    CHAIR,
    COUNCIL,
    EXPERT,
    GUEST,
    MEETING,
    MINUTES,
    POLICE,
    SIGNING,
    STRANGER,
    VICE,
    Session,
    approve,
    pin,
    render,
    seal,
)
from tests.given import ident

SCAN, OTHER = ident(0xD5), ident(0x51)
EDIT = EditMinutes(minutes=MINUTES, base=1, texts={"0": "Nytt"})


def begin(office: str = "chair", version: int = 1, signing: str = SIGNING) -> BeginSigning:
    return BeginSigning(minutes=MINUTES, version=version, office=office, signing=signing)


def paper(
    office: str = "justerare", version: int = 1, document: str = SCAN, code: str = "AAAA-AAAA"
) -> RecordPaperApproval:
    return RecordPaperApproval(minutes=MINUTES, version=version, office=office, document=document, code=code)


def scanned(session: Session) -> Session:
    session.do(
        RegisterDocument(
            document=SCAN,
            title="Underskrift",
            media_type="image/png",
            size=9,
            file="0" * 64,
            direction="incoming",
        )
    )
    return session


# --- the pinned print
def test_the_print_is_pinned_once_and_anew_only_before_anybody_signs() -> None:
    session = Session().drafted()
    session.system(pin()).then(
        RenderPinned(minutes=MINUTES, version=1, root="a" * 64, render=render(), file="3" * 64)
    )
    session.ask(pin()).then_nothing()
    session.system(pin(output="9"))
    pinned = session.minutes().pin
    assert pinned is not None
    assert pinned.render.output == "9" * 64
    session.do(CirculateMinutes(minutes=MINUTES, version=1, recipients=[CHAIR]))
    session.do(begin(), who=CHAIR, role=Role.CHAIR)
    session.ask(pin(output="9")).then_nothing()
    session.refuse(pin(), "render-in-use", house(49))
    session.system(approve(output="9"))
    session.refuse(pin(), "render-in-use", house(49))
    session.refuse(pin(version=2), "newer-version", house(43))


def test_a_stale_draft_is_not_pinned() -> None:
    session = Session().drafted()
    session.do(RecordDissent(meeting=MEETING, item=4, participant=VICE, view="Nej"))
    session.refuse(pin(), "draft-stale", house(44))


# --- beginning to sign
def test_the_office_s_own_person_begins() -> None:
    session = Session().ready()
    session.ask(begin(), CHAIR, Role.CHAIR).then(
        SigningBegun(minutes=MINUTES, version=1, office="chair", signing=SIGNING, person=CHAIR)
    )
    session.refuse(begin(), "not-your-signature", house(48))
    session.refuse(begin(), "not-your-signature", house(48), who=POLICE, role=Role.JUSTERARE)
    session.refuse(begin("justerare"), "not-your-signature", house(48), who=CHAIR, role=Role.CHAIR)
    session.refuse(begin("registrar"), "not-found", house(1), who=CHAIR, role=Role.CHAIR)
    session.refuse(begin(version=2), "newer-version", house(43), who=CHAIR, role=Role.CHAIR)


def test_only_what_is_circulated_pinned_and_up_to_date_is_signed() -> None:
    session = Session().drafted()
    session.refuse(begin(), "not-circulated", house(47), who=CHAIR, role=Role.CHAIR)
    session.do(CirculateMinutes(minutes=MINUTES, version=1, recipients=[CHAIR]))
    session.refuse(begin(), "not-pinned", house(47), who=CHAIR, role=Role.CHAIR)
    session.system(pin())
    assert session.ask(begin(), CHAIR, Role.CHAIR).events
    session.do(EDIT)
    session.refuse(begin(), "newer-version", house(43), who=CHAIR, role=Role.CHAIR)
    session.refuse(begin(version=2), "not-circulated", house(47), who=CHAIR, role=Role.CHAIR)
    session.circulated()
    session.do(RecordDissent(meeting=MEETING, item=4, participant=VICE, view="Nej"))
    session.refuse(begin(version=2), "draft-stale", house(44), who=CHAIR, role=Role.CHAIR)


def test_an_office_without_a_person_is_filled_first() -> None:
    session = Session().called()
    session.do(OpenMeeting(meeting=MEETING), DraftMinutes(minutes=MINUTES, meeting=MEETING))
    session.circulated()
    session.refuse(begin("justerare"), "signer-unknown", house(48), who=POLICE, role=Role.JUSTERARE)
    session.do(ElectJusterare(meeting=MEETING, person=POLICE), RedraftMinutes(minutes=MINUTES, base=1))
    session.circulated()
    assert session.ask(begin("justerare", 2), POLICE, Role.JUSTERARE).events


def test_a_signing_is_used_once_and_can_be_given_up() -> None:
    session = Session().ready()
    session.do(begin(), who=CHAIR, role=Role.CHAIR)
    session.refuse(begin(), "id-taken", house(10), who=CHAIR, role=Role.CHAIR)
    give_up = AbandonSigning(minutes=MINUTES, signing=SIGNING, reason="cancelled")
    session.refuse(give_up, "not-your-signature", house(48), who=POLICE, role=Role.JUSTERARE)
    abandoned = SigningAbandoned(minutes=MINUTES, signing=SIGNING, reason="cancelled")
    session.ask(give_up, CHAIR, Role.CHAIR).then(abandoned)
    session.system(give_up).then(abandoned)
    session.refuse(give_up, "signing-not-under-way", house(49))
    session.refuse(approve(), "signing-not-under-way", house(49))
    session.refuse(begin(), "id-taken", house(10), who=CHAIR, role=Role.CHAIR)
    session.do(begin(signing=OTHER), who=CHAIR, role=Role.CHAIR)
    assert [one.signing for one in session.minutes().signings] == [OTHER]


# --- approval
def test_a_completed_signature_approves_exactly_what_was_pinned() -> None:
    session = Session().ready()
    session.do(begin(), who=CHAIR, role=Role.CHAIR)
    session.refuse(approve(office="justerare"), "signing-not-under-way", house(49))
    session.refuse(approve(signing=OTHER), "signing-not-under-way", house(49))
    session.refuse(approve(output="b"), "signed-something-else", house(49))
    wrong = approve().model_copy(update={"root": "c" * 64})
    session.refuse(wrong, "signed-something-else", house(49))
    approved = session.system(approve()).event(MinutesApproved)
    assert (approved.person, approved.office, approved.version) == (CHAIR, "chair", 1)
    assert (approved.method, approved.level, approved.cms) == ("local", "simple", "4" * 64)
    assert session.minutes().signings == ()
    assert not session.minutes().approved
    session.refuse(begin(signing=OTHER), "already-signed", house(48), who=CHAIR, role=Role.CHAIR)
    session.signed("justerare")
    assert session.minutes().approved
    assert session.minutes().approved_items == (1, 2, 3, 4, 5)


def test_a_signature_that_comes_after_a_dissent_or_a_new_version_approves_nothing() -> None:
    session = Session().ready()
    session.do(begin(), who=CHAIR, role=Role.CHAIR)
    session.do(RecordDissent(meeting=MEETING, item=4, participant=VICE, view="Nej"))
    session.refuse(approve(), "draft-stale", house(44))
    session.do(RedraftMinutes(minutes=MINUTES, base=1))
    session.refuse(approve(), "newer-version", house(43))
    assert session.minutes().signings == ()


@pytest.mark.fact("L13")
def test_one_person_does_not_approve_for_two_offices() -> None:
    session = Session().ready().signed("chair")
    state = session.minutes()
    twice = state.newest.signers[1].model_copy(update={"person": CHAIR})
    world = session.scenario.world.streams[f"minutes-{MINUTES}"]
    replaced = SignerReplaced(minutes=MINUTES, office="justerare", person=CHAIR, reason=Known("fel"))
    session.scenario.world.append(f"minutes-{MINUTES}", replaced)
    assert session.minutes().signers[1] == twice
    session.refuse(
        begin("justerare", signing=OTHER), "same-person-signs-twice", house(48), who=CHAIR, role=Role.CHAIR
    )
    assert world[-1].event == replaced


def test_a_signed_print_is_recorded_with_its_scan() -> None:
    session = scanned(Session().ready().signed("chair"))
    session.refuse(paper(document=STRANGER), "not-found", house(1))
    session.refuse(paper("chair"), "already-signed", house(48))
    recorded = PaperApprovalRecorded(
        minutes=MINUTES,
        version=1,
        office="justerare",
        person=POLICE,
        document=SCAN,
        scan="0" * 64,
        root="a" * 64,
    )
    attests = DocumentAttests(document=SCAN, minutes=MINUTES, version=1, office="justerare")
    session.do(paper(code="aaaaaaaa")).then(recorded, New(f"document-{SCAN}", attests))
    state = session.minutes()
    assert (state.approved, state.approved_by["justerare"].method) == (True, "paper")


def test_a_signed_print_of_another_version_or_no_print_at_all_approves_nothing() -> None:
    session = scanned(Session().ready())
    session.refuse(paper(code="AAAA-AAAB"), "another-print", house(71))
    session.do(
        RegisterDocument(
            document=OTHER, title="Brev", media_type="text/plain", size=9, file="1" * 64, direction="incoming"
        )
    )
    session.refuse(paper(document=OTHER), "not-a-scan", house(71))
    for code in ("AAAA", "AAAA_AAAA", "AAAAAAAAA"):
        with pytest.raises(ValueError, match="code"):
            paper(code=code)


# --- somebody cannot or will not sign
def replace(office: str = "justerare", person: str = VICE) -> ReplaceSigner:
    return ReplaceSigner(minutes=MINUTES, office=office, person=person, reason="Sjukdom")


def test_a_hindered_signer_is_replaced_by_a_recorded_decision() -> None:
    session = Session().ready()
    session.do(begin("justerare"), who=POLICE, role=Role.JUSTERARE)
    session.do(replace()).then(
        SignerReplaced(
            minutes=MINUTES, office="justerare", person=VICE, replaced=POLICE, reason=Known("Sjukdom")
        )
    )
    session.refuse(approve(office="justerare"), "not-your-signature", house(48))
    session.refuse(
        begin("justerare", signing=OTHER), "not-your-signature", house(48), who=POLICE, role=Role.JUSTERARE
    )
    session.signed("justerare")
    assert session.minutes().approved_by["justerare"].person == VICE
    session.refuse(replace(person=EXPERT), "already-signed", house(48))
    session.refuse(replace("chair", VICE), "same-person-signs-twice", house(48))
    session.refuse(replace("registrar"), "not-found", house(1))
    session.refuse(replace("chair", STRANGER), "not-found", house(1))
    session.do(EDIT)
    assert session.minutes().newest.signers[1].person == VICE
    session.circulated().signed("chair").signed("justerare")
    session.refuse(replace("chair", GUEST), "already-signed", house(48))


def disagree(exit: str = "next-meeting", *versions: int, **changes: Any) -> NoteDisagreement:  # noqa: A002  # the field's name
    fields = {"minutes": MINUTES, "exit": exit, "versions": list(versions), "reason": "Oense om punkt 4"}
    return NoteDisagreement.model_validate(fields | changes)


def test_a_disagreement_is_noted_with_the_way_out() -> None:
    session = Session().drafted()
    session.refuse(disagree("both-versions", 1, 1), "both-versions-needed", house(51))
    session.refuse(disagree("both-versions", 1, 2), "not-found", house(1))
    session.do(EDIT)
    session.do(disagree("both-versions", 1, 2, 1)).then(
        DisagreementNoted(
            minutes=MINUTES, exit="both-versions", versions=(1, 2), reason=Known("Oense om punkt 4")
        )
    )
    session.refuse(disagree("next-meeting", meeting=STRANGER), "not-found", house(1))
    session.do(ScheduleMeeting(meeting=OTHER, body=COUNCIL, starts="2024-06-04T13:00", place="Eken"))
    session.do(disagree("next-meeting", meeting=OTHER))
    assert not session.minutes().finished
    session.circulated().signed("chair").signed("justerare")
    session.refuse(disagree("finished-without-approval", 2), "minutes-settled", house(40))


@pytest.mark.parametrize(
    "command",
    [pin(version=1, output="9"), begin(), approve(), replace(), disagree(), paper(), seal()],
    ids=lambda command: command.command_name(),
)
def test_nothing_follows_when_the_minutes_were_finished_without_approval(command: Any) -> None:
    session = Session().ready()
    session.do(disagree("finished-without-approval", 1))
    state = session.minutes()
    assert (state.finished, state.done, state.approved) == (True, True, False)
    assert state.approved_items == (1, 2, 3, 4, 5)
    session.refuse(command, "finished-without-approval", house(51), who=CHAIR, role=Role.CHAIR)
    session.refuse(EDIT, "minutes-settled", house(40))


# --- the seal
@pytest.mark.fact("L13")
def test_the_municipality_seals_once_what_every_office_approved() -> None:
    session = Session().ready().signed("chair")
    error = session.refuse(seal(), "approvals-missing", house(50))
    assert error.values["offices"] == "Justerare"
    session.signed("justerare")
    session.refuse(seal(version=2), "newer-version", house(43))
    sealed = MinutesSealed(minutes=MINUTES, version=1, file="8" * 64, pdf="9" * 64, size=1000)
    session.system(seal()).then(sealed)
    session.refuse(seal(), "already-sealed", house(50))
    as_sealed = session.minutes().sealed
    assert as_sealed is not None
    assert (as_sealed.version, as_sealed.pdf) == (1, "9" * 64)


def restamped(**other: Any) -> RestampMinutes:
    fields = {"version": 1, "file": "5" * 64, "pdf": "6" * 64, "size": 1001, "until": date(2084, 1, 1)}
    return RestampMinutes.model_validate({"minutes": MINUTES, **fields, **other})


def test_a_sealed_file_grows_by_a_later_time_stamp() -> None:
    session = Session().ready().signed("chair").signed("justerare")
    session.refuse(restamped(), "not-the-sealed-file", house(140))
    session.system(seal())
    for other in ({"version": 2}, {"size": 1000}):
        session.refuse(restamped(**other), "not-the-sealed-file", house(140))
    session.system(restamped()).then(
        MinutesRestamped.model_validate(restamped().model_dump(exclude={"happened"}))
    )
    as_sealed = session.minutes().sealed
    assert as_sealed is not None
    assert (as_sealed.version, as_sealed.pdf, as_sealed.size) == (1, "6" * 64, 1001)


def test_only_the_system_pins_approves_and_seals() -> None:
    internal: tuple[type[PinRender | ApproveMinutes | SealMinutes | RestampMinutes], ...] = (
        PinRender,
        ApproveMinutes,
        SealMinutes,
        RestampMinutes,
    )
    assert all({Role.SYSTEM} == command.ROLES and command.INTERNAL for command in internal)
    assert Role.SYSTEM not in BeginSigning.ROLES
