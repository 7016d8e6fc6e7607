"""Scripted stories that between them carry out every command and meet every refusal of the domain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from domain import approving as ap
from domain import constituting as co
from domain.accepting import AcceptDeviation
from domain.afterwards import (
    RecordDispatch,
    RecordNotificationNoted,
    RecordNotificationNumber,
    RecordReceipt,
    SendMinutes,
    SendNotification,
)
from domain.assigning import (
    AddAssignmentStage,
    GiveAssignment,
    HandOverAssignment,
    MoveAssignmentDue,
    ReadAssignment,
    ReportOnAssignment,
    SetAssignmentStatus,
)
from domain.calling import (
    AddItem,
    CancelMeeting,
    ChangeItem,
    MoveMeeting,
    OrderItems,
    ScheduleMeeting,
    WithdrawItem,
)
from domain.copying import MakeCopy
from domain.deliberating import (
    AttachStatement,
    MakeProposal,
    PostponeItem,
    RecordAbstention,
    RecordDecision,
    RecordDissent,
    RecordReport,
    RetractDissent,
    ReviseDecision,
    TakeUpItem,
)
from domain.demanding import DemandMeeting, JoinDemand
from domain.disposal import (
    AdoptRetentionPlan,
    DisposeDocument,
    DisposePersonData,
    PurgeWorking,
    RecordDestruction,
)
from domain.disposal_events import PlanLine
from domain.document import (
    AddDocumentVersion,
    CompleteRegistration,
    Covering,
    EnclosureGiven,
    LiftSecrecy,
    ListEnclosures,
    MarkSecrecy,
    RegisterDocument,
)
from domain.drafting import (
    CirculateMinutes,
    CorrectMinutes,
    DraftMinutes,
    DraftSecretMinutes,
    EditCorrection,
    EditMinutes,
    Entry,
    RedraftMinutes,
    ReturnMinutes,
)
from domain.extracting import CertifyExtract
from domain.fulfilling import CountEvent, RecordOccasion
from domain.holding import (
    AdjournMeeting,
    AppointActingChair,
    CloseMeeting,
    ElectJusterare,
    OpenMeeting,
    RecordAbsence,
    RecordDeparture,
    RecordPresence,
    ResumeMeeting,
    SetJusteringPlace,
)
from domain.kallelse import Addressee, CallSubstitute, GiveNoticeReason, NotifyHinder
from domain.matter import AddAlias, CloseMatter, OpenMatter, VoidMatter
from domain.messages import Role, SecrecyMark
from domain.municipality import (
    ChooseDiary,
    GoneKey,
    OpenRegistry,
    RecordRestore,
    ReplaceKey,
    ReportKeyCompromised,
    ResetClock,
)
from domain.organising import NameBodyOffice, PlaceBody, RecordBodyStep, RelateBodies, SteerProject
from domain.paragraphs import NumberItems
from domain.person import (
    ChangeContact,
    ChangeElectronicIdentity,
    GrantRole,
    RecordAccess,
    RecordPassphrase,
    RegisterPerson,
    RenamePerson,
    RevokeRole,
)
from domain.planning import (
    AddInstrumentPart,
    BeginInstrument,
    CountInstrument,
    FollowUpInstrument,
    MakeInstrumentVersion,
    RecordInstrumentDecision,
)
from domain.preparing import AmendProposal, PointGiven, PutProposal, RecordPreparation
from domain.readings import Decided, Due
from domain.report import (
    Consequence,
    DispatchReportDecision,
    RecordReportDecision,
    RecordReportMatter,
    SendReport,
    WriteReport,
)
from domain.secrecy import LiftItemSecrecy, MarkItemSecret
from domain.stated import Assignee
from domain.unclarity import NoteUnclarity, RecordReading
from domain.voting import (
    BallotGiven,
    OrderProposals,
    RecordConflictOfInterest,
    RecordReservation,
    RecordVote,
    WithdrawProposal,
)
from tests.council import (
    BOARD,
    CHAIR,
    COUNCIL,
    EXPERT,
    GUEST,
    LOOSE,
    MEETING,
    MINUTES,
    PART,
    POLICE,
    PROFILE,
    RESCUE,
    SIGNING,
    STRANGER,
    SUBSTITUTE,
    VICE,
    approve,
    kallelse,
    pin,
    seal,
)
from tests.given import ident
from tests.log_session import LogSession, Reached
from tests.test_regulation import HEAD
from tests.test_voting import BOARD_RULES

HERE: Final[Any] = {"meeting": MEETING}
ITEM: Final[Any] = {"meeting": MEETING, "item": 2}
PAPER: Final[Any] = {"minutes": MINUTES}
DAY, BEFORE = date(2024, 3, 1), date(2022, 1, 1)
OTHER, SHEET, NEXT = ident(0x51), ident(0xF1), ident(0xE1)
SILENT = HEAD + '[rules.a]\nmodality = "ska"\nsection = "1"\n'


def registry(s: LogSession) -> None:
    s.refuse(ChooseDiary(body=BOARD, mode="external"), "not-found")
    s.do(OpenRegistry(name="Provkommun", slug="provkommun", clock="simulated"))
    s.refuse(OpenRegistry(name="Provkommun", slug="provkommun"), "registry-open")
    s.refuse(ChooseDiary(body=BOARD, mode="own"), "pattern-goes-with-own")
    s.refuse(ChooseDiary(body=BOARD, mode="own", pattern="KS"), "pattern-unusable")
    s.do(ChooseDiary(body=BOARD, mode="own", pattern="KS{yy}.{n}"))
    s.refuse(ChooseDiary(body=COUNCIL, mode="own", pattern="KS{yy}.{n}"), "pattern-taken")
    s.do(ResetClock(reason="Klockan gick före."))
    swapped = ReplaceKey(key="seal", old="1" * 64, new="2" * 64)
    s.system(swapped, swapped)
    s.refuse(swapped.model_copy(update={"new": "3" * 64}), "key-already-replaced")
    s.refuse(ReportKeyCompromised(key="log", old="2" * 64, since="2999-01-01T00:00"), "compromised-later")
    found_out = ReportKeyCompromised(key="seal", old="2" * 64, since="2024-01-02T08:00")
    s.system(found_out, found_out)
    s.system(RecordRestore(last=3, lost_to=5, gone=[GoneKey(key="0" * 32, decided=4)]))


def persons(s: LogSession) -> None:
    new: Any = {"person": ident(0x77)}
    s.do(RegisterPerson(**new, name="Nils Nymodig"))
    s.refuse(RegisterPerson(**new, name="Nils Nymodig"), "id-taken")
    s.do(RenamePerson(**new, name="Nils Gammal"), ChangeContact(**new, email="nils@example.se"))
    s.do(ChangeElectronicIdentity(**new, identity="SE2120000000-5E6F"))
    s.do(RecordPassphrase(**new), RecordAccess(**new, access="token-issued"))
    grant: Any = {**new, "valid_from": DAY, "ground": "Delegation"}
    s.refuse(GrantRole(**grant, role=Role.CHAIR), "role-not-granted")
    s.refuse(GrantRole(**grant, role=Role.AUDITOR, valid_to=BEFORE), "ends-before-it-begins")
    s.refuse(RevokeRole(**new, grant=ident(1), valid_to=DAY), "not-found")
    s.do(GrantRole(**grant, role=Role.AUDITOR, grant=ident(1)))
    s.do(RevokeRole(**new, grant=ident(1), valid_to=DAY))


def bodies(s: LogSession) -> None:
    s.do(co.EstablishBody(body=ident(0xB7), name="Klaragruppen", kind="arbetsgrupp", parent=COUNCIL))
    adopt: Any = {"body": ident(0xB7), "adopted_on": DAY}
    s.refuse(co.AdoptRegulation(**adopt, profile="[profile"), "profile-not-toml")
    s.refuse(co.AdoptRegulation(body=ident(0xB7), profile=SILENT), "adopted-from-no-day")
    s.do(co.AdoptRegulation(**adopt, profile=SILENT))
    s.do(co.AdoptRegulation(body=LOOSE, adopted_on=DAY, profile=PROFILE.read_text("utf-8"), part=PART))
    seat: Any = {"body": COUNCIL, "offer": ident(5)}
    s.refuse(co.AnswerSeatOffer(**seat, accepted=True), "not-found")
    s.do(co.OfferSeat(**seat, seat="polisen", organisation="Polisen", to="kommunpolisen"))
    s.do(co.AnswerSeatOffer(**seat, accepted=False), co.AnswerSeatOffer(**seat, accepted=True))
    give: Any = {"body": COUNCIL, "person": GUEST, "seat": "polisen", "valid_from": DAY}
    wrong = co.GiveMandate(**give, capacity="substitute", substitutes_for=GUEST)
    s.refuse(wrong, "substitute-for-whom")
    s.do(co.GiveMandate(**give, mandate=ident(0x31)))
    s.refuse(co.EndMandate(body=COUNCIL, mandate=ident(0x99), valid_to=DAY), "not-found")
    s.do(co.EndMandate(body=COUNCIL, mandate=ident(0x31), valid_to=DAY))
    s.refuse(co.ElectViceChair(body=COUNCIL, person=STRANGER, valid_from=DAY), "not-found")
    s.refuse(co.ElectViceChair(body=COUNCIL, person=EXPERT, valid_from=DAY), "vice-chair-from-within")
    s.do(co.ElectViceChair(body=COUNCIL, person=VICE, valid_from=DAY))
    s.do(ScheduleMeeting(meeting=NEXT, body=BOARD, starts="2024-03-05T13:00", place="Eken"))
    elsewhere = co.ElectViceChair(body=COUNCIL, person=VICE, valid_from=DAY, meeting=NEXT)
    s.refuse(elsewhere, "elected-elsewhere")
    opted: Any = {"person": EXPERT, "organisation": "Region", "seat": "region", "valid_from": DAY}
    s.refuse(co.CoOpt(body=COUNCIL, **opted), "co-opted-by-another")
    s.do(co.CoOpt(body=COUNCIL, **opted), who=CHAIR, role=Role.CHAIR)
    s.refuse(co.CoOpt(body=BOARD, **opted), "no-regulation")
    s.refuse(co.CoOpt(body=ident(0xB7), **opted), "rule-missing")
    nobody_else = SILENT + '[rules.co-opt]\nmodality = "galler-inte"\nsection = "2"\n'
    s.do(co.AdoptRegulation(**adopt, profile=nobody_else))
    s.refuse(co.CoOpt(body=ident(0xB7), **opted), "rule-not-applying")
    staff: Any = {"body": COUNCIL, "person": EXPERT, "organisation": "Kommunen", "valid_from": DAY}
    s.refuse(co.StaffBody(**staff, duty="decoration"), "no-such-duty")
    s.do(co.StaffBody(**staff, duty="expertise"))


def demands(s: LogSession) -> None:
    ask: Any = {"body": COUNCIL, "demand": ident(0x60)}
    s.refuse(DemandMeeting(**ask, persons=[GUEST], subject="Torget"), "not-a-member")
    asked = DemandMeeting(**ask, persons=[CHAIR], subject="Torget")
    s.refuse(asked, "asks-for-another", who=VICE, role=Role.MEMBER)
    s.refuse(JoinDemand(**ask, persons=[POLICE]), "not-found")
    s.do(asked, JoinDemand(**ask, persons=[POLICE, VICE, RESCUE]))
    meeting: Any = {"meeting": MEETING, "body": COUNCIL, "starts": "2024-03-12T13:00", "place": "Eken"}
    s.refuse(ScheduleMeeting(**meeting, demand=ident(0x61)), "not-found")
    s.do(ScheduleMeeting(**meeting, demand=ident(0x60)))


def matters(s: LogSession) -> None:
    s.do(OpenRegistry(name="Provkommun", slug="provkommun"))
    opening: Any = {"body": BOARD, "title": "Belysning"}
    s.refuse(OpenMatter(**opening), "number-from-elsewhere")
    s.do(OpenMatter(**opening, matter=ident(1), diarienummer="KS23.276", given_by="arkivet"))
    s.refuse(OpenMatter(**opening, diarienummer="ks 23.276"), "number-taken")
    s.refuse(OpenMatter(**opening, diarienummer="KS23.9", year=2023), "year-goes-with-own")
    s.do(ChooseDiary(body=BOARD, mode="own", pattern="KS{yy}.{n}"))
    s.do(OpenMatter(**opening, matter=ident(2), first=276), OpenMatter(**opening, matter=ident(3)))
    s.refuse(OpenMatter(**opening, first=9), "series-open")
    s.do(AddAlias(matter=ident(2), diarienummer="2024KS265 040"), CloseMatter(matter=ident(3)))
    s.do(VoidMatter(matter=ident(2), reason="Dubblett"))
    s.refuse(CloseMatter(matter=ident(2)), "matter-voided")
    file: Any = {"media_type": "application/pdf", "size": 9, "file": "ab" * 32, "direction": "incoming"}
    s.do(RegisterDocument(document=ident(0xD0), title="Skrivelse", matter=ident(1), **file))
    documents(s)


def documents(s: LogSession) -> None:
    here: Any = {"document": ident(0xD0)}
    s.refuse(LiftSecrecy(document=ident(0xD9), reason="Nej"), "not-found")
    file: Any = {"media_type": "application/pdf", "size": 9, "file": "cd" * 32}
    s.do(CompleteRegistration(**here, sender="Polisen"), AddDocumentVersion(**here, base=1, **file))
    s.refuse(AddDocumentVersion(**here, base=1, **file), "document-newer-version")
    mark = SecrecyMark(provision="OSL 18 kap. 1 §", date=DAY, authority="Kommunstyrelsen")
    s.do(MarkSecrecy(**here, mark=mark), LiftSecrecy(**here, reason="Prövad"))
    one: Any = {"number": "1", "title": "Bilaga", "enclosed": False}
    s.refuse(ListEnclosures(**here, enclosures=[EnclosureGiven(**one)] * 2), "enclosure-number-twice")
    itself = EnclosureGiven(**one, document=ident(0xD0))
    s.refuse(ListEnclosures(**here, enclosures=[itself]), "encloses-itself")
    s.do(ListEnclosures(**here, enclosures=[EnclosureGiven(**one)]))


def preparing(s: LogSession) -> None:
    at_board: Any = {"body": BOARD, "title": "Belysning", "given_by": "arkivet"}
    s.do(OpenMatter(**at_board, matter=ident(1), diarienummer="KS23.276"))
    s.do(OpenMatter(**at_board, matter=ident(2), diarienummer="KS23.277"))
    point = [PointGiven(text="Antas.", verb="antas")]
    this: Any = {"proposal": ident(0xAA)}
    s.do(PutProposal(**this, matter=ident(1), title="Organisation", points=point, by="Kontoret"))
    s.refuse(AmendProposal(**this, base=2, how="addition", points=point), "proposal-version-missing")
    s.do(AmendProposal(**this, base=1, how="addition", points=point, of_body=BOARD))
    step: Any = {"matter": ident(1), "step": "proposed", "by": "Utskottet"}
    s.refuse(RecordPreparation(matter=ident(1), step="letter"), "step-by-nobody")
    s.refuse(RecordPreparation(**step, version=1), "version-of-nothing")
    other = {**step, "matter": ident(2)}
    s.refuse(RecordPreparation(**other, of_proposal=ident(0xAA)), "proposal-of-another-matter")
    s.do(RecordPreparation(**step, of_proposal=ident(0xAA), version=2, happened="2024-02-20"))
    s.opened().do(NumberItems(**HERE, first=146))
    s.do(AddItem(**HERE, title="Ännu en"))
    s.refuse(NumberItems(**HERE, first=146), "paragraph-taken")
    decides: Any = {**ITEM, "points": ["Antas."], "of_proposal": ident(0xAA)}
    s.refuse(RecordDecision(**decides, version=3), "proposal-version-missing")
    s.refuse(RecordDecision(**decides, may_adopt=[1]), "unclear-between-several")
    s.refuse(RecordDecision(**decides, verbs=["antas", "antas"]), "verb-for-each-point")
    s.do(RecordDecision(**decides, may_adopt=[1, 2], effective=date(2024, 11, 1)))
    unclear: Any = {"unclarity": ident(0xAB), "body": COUNCIL, "question": "Vilken version?", **HERE}
    s.refuse(NoteUnclarity(**unclear, decision=1), "nothing-unclear")
    s.refuse(NoteUnclarity(**unclear, decision=2), "not-found")
    s.do(NoteUnclarity(**unclear, decision=1, readings=["Den första.", "Med tillägg."]))
    s.do(RecordReading(unclarity=ident(0xAB), person=CHAIR, reading="Med tillägg.", version=2))


def calling(s: LogSession) -> None:
    backwards: Any = {
        "body": COUNCIL,
        "starts": "2024-03-12T13:00",
        "ends": "2024-03-12T12:00",
        "place": "Eken",
    }
    s.refuse(ScheduleMeeting(**backwards), "ends-before-it-begins")
    s.scheduled()
    s.refuse(MoveMeeting(**HERE, starts="2024-03-12T13:00", ends="2024-03-12T12:00"), "ends-before-it-begins")
    s.do(MoveMeeting(**HERE, starts="2024-03-12T14:00"), AddItem(**HERE, title="Belysning"))
    s.do(ChangeItem(**HERE, item=5, title="Ljus"), WithdrawItem(**HERE, item=2))
    s.refuse(ChangeItem(**HERE, item=9, title="Nej"), "not-found")
    s.refuse(WithdrawItem(**HERE, item=2), "item-withdrawn")
    s.refuse(OrderItems(**HERE, order=[1]), "order-incomplete")
    s.do(OrderItems(**HERE, order=[3, 1, 4, 5]))
    s.refuse(kallelse(CHAIR, sent_on=date(2025, 1, 1)), "sent-in-the-future")
    s.later(days=9).do(kallelse(CHAIR, VICE, RESCUE))
    s.refuse(GiveNoticeReason(**HERE, issue=2, reason="Nej"), "not-found")
    s.do(GiveNoticeReason(**HERE, issue=1, reason="Rapporten kom sent."))
    hinder = NotifyHinder(**HERE, person=RESCUE, reason="Sjuk")
    s.refuse(hinder, "only-for-oneself", who=VICE, role=Role.MEMBER)
    s.do(hinder)
    s.refuse(CallSubstitute(**HERE, hindered=RESCUE, substitute=RESCUE), "substitute-for-oneself")
    s.do(CallSubstitute(**HERE, hindered=RESCUE, substitute=SUBSTITUTE))
    s.do(CancelMeeting(**HERE, reason="Inga ärenden"))
    s.refuse(AddItem(**HERE, title="Nej"), "meeting-cancelled")
    s.refuse(CancelMeeting(**HERE, happened="i våras"), "date-expression")


def holding(s: LogSession) -> None:
    s.called()
    s.refuse(ResumeMeeting(**HERE), "meeting-not-opened")
    s.later(days=11, hours=4).do(OpenMeeting(**HERE))
    s.refuse(CancelMeeting(**HERE), "cancel-after-opening")
    s.refuse(OpenMeeting(**HERE), "already-opened")
    s.refuse(ResumeMeeting(**HERE), "not-adjourned")
    s.do(RecordPresence(**HERE, person=VICE, capacity="member"), RecordDeparture(**HERE, person=VICE))
    s.refuse(RecordDeparture(**HERE, person=VICE, after_item=9), "not-found")
    s.do(RecordAbsence(**HERE, person=RESCUE, status="absent"))
    s.refuse(ElectJusterare(**HERE, person=CHAIR), "chair-as-justerare")
    s.do(ElectJusterare(**HERE, person=POLICE), SetJusteringPlace(**HERE, place="Digitalt"))
    s.refuse(AppointActingChair(**HERE, person=POLICE), "chair-is-justerare")
    s.refuse(AppointActingChair(**HERE, person=VICE, from_item=3, to_item=1), "items-out-of-order")
    s.do(AppointActingChair(**HERE, person=VICE, from_item=2, to_item=2), TakeUpItem(**ITEM))
    s.refuse(WithdrawItem(**ITEM), "item-dealt-with")
    s.do(AdjournMeeting(**HERE))
    s.refuse(AdjournMeeting(**HERE), "already-adjourned")
    s.do(ResumeMeeting(**HERE), CloseMeeting(**HERE))
    s.refuse(CloseMeeting(**HERE), "already-closed")


def deliberating(s: LogSession) -> None:
    s.opened()
    s.do(RecordReport(**ITEM, by=POLICE, text="Lugnt."), MakeProposal(**ITEM, proposer=VICE, text="Mer ljus"))
    s.refuse(RecordDecision(**ITEM, points=["x"], adopts=2), "not-found")
    s.do(RecordDecision(**ITEM, points=["Mer ljus."], adopts=1))
    s.refuse(ReviseDecision(**ITEM, decision=2, points=["x"], reason="Fel"), "not-found")
    s.do(ReviseDecision(**ITEM, decision=1, points=["Mera ljus."], reason="Hörfel"))
    s.refuse(RecordDissent(**ITEM, participant=RESCUE, view="Nej"), "not-a-participant")
    s.do(RecordDissent(**ITEM, participant=VICE, view="Nej"))
    s.refuse(RetractDissent(**ITEM, dissent=2), "not-found")
    s.do(RetractDissent(**ITEM, dissent=1), AttachStatement(**ITEM, participant=VICE, text="Så här"))
    s.do(RecordAbstention(**ITEM, person=VICE), PostponeItem(meeting=MEETING, item=3, reason="Tidsbrist"))


def voting(s: LogSession) -> None:
    council: Any = {"meeting": MEETING, "item": 1}
    here: Any = {"meeting": NEXT, "item": 1}
    s.opened().refuse(RecordVote(**council, method="acclamation"), "not-under-the-act")
    s.do(co.EstablishBody(body=ident(0xB7), name="Nämnden", kind="namnd"))
    s.do(co.AdoptRegulation(body=ident(0xB7), adopted_on=BEFORE, profile=BOARD_RULES, part="namnd"))
    s.do(ScheduleMeeting(meeting=NEXT, body=ident(0xB7), starts="2024-03-12T13:00", place="Eken"))
    s.do(AddItem(meeting=NEXT, title="Kameror"), OpenMeeting(meeting=NEXT, chair=CHAIR))
    for person in (CHAIR, VICE, POLICE):
        s.do(RecordPresence(meeting=NEXT, person=person, capacity="member"))
    s.do(RecordPresence(meeting=NEXT, person=GUEST, capacity="guest"))
    s.do(*(MakeProposal(**here, text=text) for text in ("Bifall", "Avslag", "Återremiss")))
    s.do(WithdrawProposal(**here, proposal=3))
    s.refuse(OrderProposals(**here, order=[3]), "proposal-withdrawn")
    s.refuse(OrderProposals(**here, order=[1, 1]), "proposal-put-twice")
    s.refuse(OrderProposals(**here, order=[9]), "not-found")
    s.do(OrderProposals(**here, order=[1, 2]))
    open_vote: Any = {**here, "method": "open-vote", "yes_for": 1, "no_for": 2}
    one = [BallotGiven(person=CHAIR, vote="yes")]
    s.refuse(RecordVote(**open_vote, yes=9), "more-votes-than-present")
    s.refuse(RecordVote(**open_vote, yes=2, casting="yes"), "casting-without-tie")
    s.refuse(RecordVote(**open_vote, carried=1), "result-follows-from-votes")
    s.refuse(RecordVote(**open_vote, ballots=one, yes=2), "counts-differ-from-ballots")
    s.refuse(RecordVote(**open_vote, ballots=one * 2), "votes-twice")
    s.refuse(RecordVote(**open_vote, ballots=[BallotGiven(person=GUEST, vote="no")]), "no-right-to-vote")
    s.refuse(RecordVote(**here, method="closed-vote", ballots=one), "only-open-votes-have-names")
    s.refuse(RecordVote(**here, method="acclamation", yes=1), "acclamation-is-not-counted")
    s.do(RecordVote(**open_vote, ballots=one))
    s.refuse(RecordReservation(**here, participant=VICE), "no-decision-to-oppose")
    s.do(RecordDecision(**here, points=["Bifall."], adopts=1), RecordAbstention(**here, person=VICE))
    s.refuse(RecordDissent(**here, participant=CHAIR, view="Nej"), "reservations-here")
    s.refuse(RecordReservation(**here, participant=VICE), "not-in-the-decision")
    s.do(RecordReservation(**here, participant=CHAIR, text="För dyrt."))
    s.do(RecordConflictOfInterest(**here, person=POLICE, left=True))
    s.refuse(RecordReservation(**here, participant=POLICE), "in-conflict-of-interest")
    s.do(CloseMeeting(meeting=NEXT, happened="2024-03-01T09:00"))
    s.refuse(RecordReservation(**here, participant=CHAIR, happened="2024-03-12"), "reservation-after-closing")


def numbering(s: LogSession) -> None:
    rule = '[rules.{}]\nmodality = "ska"\nsection = "2"\nvalue = {}\n'
    points = rule.format("item-numbering", '"none"') + rule.format("kallelse", '{ contents = ["agenda"] }')
    s.do(co.AdoptRegulation(body=LOOSE, adopted_on=BEFORE, profile=HEAD + points))
    s.scheduled(body=LOOSE).do(kallelse(CHAIR), AddItem(**HERE, title="Belysning"))
    s.refuse(NumberItems(**HERE), "not-numbered-so")


def drafting(s: LogSession) -> None:
    s.held().do(DraftMinutes(minutes=MINUTES, meeting=MEETING, covers=[1]))
    s.refuse(DraftMinutes(minutes=OTHER, meeting=MEETING, covers=[1]), "item-in-other-minutes")
    s.do(DraftMinutes(minutes=OTHER, meeting=MEETING))
    s.refuse(DraftMinutes(meeting=MEETING), "minutes-already-begun")
    s.refuse(EditMinutes(minutes=OTHER, base=1, texts={"9": "x"}), "not-found")
    s.refuse(
        EditCorrection(minutes=OTHER, base=1, entries=[Entry(original="a", corrected="b")]),
        "edit-is-for-corrections",
    )
    s.do(EditMinutes(minutes=OTHER, base=1, texts={"0": "Inledning"}))
    s.refuse(EditMinutes(minutes=OTHER, base=1, texts={"0": "Annan"}), "newer-version")
    s.do(RecordDissent(**ITEM, participant=VICE, view="Nej"))
    s.refuse(CirculateMinutes(minutes=OTHER, version=2, recipients=[CHAIR]), "draft-stale")
    s.do(RedraftMinutes(minutes=OTHER, base=2))
    s.do(CirculateMinutes(minutes=OTHER, version=3, recipients=[CHAIR]))
    back = ReturnMinutes(minutes=OTHER, version=3, comment="Fel namn")
    s.refuse(back, "only-signers-return")
    s.do(back, who=CHAIR, role=Role.CHAIR)


def begin(office: str = "chair", version: int = 1, signing: str = SIGNING) -> ap.BeginSigning:
    return ap.BeginSigning(**PAPER, version=version, office=office, signing=signing)


def signing(s: LogSession) -> None:
    chair: Any = {"who": CHAIR, "role": Role.CHAIR}
    s.drafted().refuse(begin(), "not-circulated", **chair)
    s.do(CirculateMinutes(**PAPER, version=1, recipients=[CHAIR]))
    s.refuse(begin(), "not-pinned", **chair)
    s.system(pin())
    s.refuse(begin(), "not-your-signature")
    s.refuse(begin("registrar"), "not-found", **chair)
    s.do(begin(), **chair)
    s.refuse(pin(output="9"), "render-in-use")
    s.refuse(begin(), "id-taken", **chair)
    give_up = ap.AbandonSigning(**PAPER, signing=SIGNING, reason="cancelled")
    s.do(give_up, **chair)
    s.refuse(give_up, "signing-not-under-way", **chair)
    s.do(begin(signing=OTHER), **chair)
    s.refuse(approve(signing=OTHER, output="b"), "signed-something-else")
    s.system(approve(signing=OTHER))
    s.refuse(begin(signing=ident(0x52)), "already-signed", **chair)
    s.refuse(seal(), "approvals-missing")
    s.refuse(
        ap.ReplaceSigner(**PAPER, office="justerare", person=CHAIR, reason="Jäv"), "same-person-signs-twice"
    )


def paper(s: LogSession) -> None:
    s.ready()
    file: Any = {"media_type": "application/pdf", "size": 9, "file": "ab" * 32, "direction": "internal"}
    s.do(RegisterDocument(document=ident(0xD0), title="Underskrivet", **file))
    s.do(ap.ReplaceSigner(**PAPER, office="justerare", person=VICE, reason="Bortrest"))
    s.do(RegisterDocument(document=ident(0xD1), title="Text", **(file | {"media_type": "text/plain"})))
    by_hand = ap.RecordPaperApproval(
        **PAPER, version=1, office="justerare", document=ident(0xD0), code="AAAAAAAA"
    )
    s.refuse(by_hand.model_copy(update={"document": ident(0xD1)}), "not-a-scan")
    s.refuse(by_hand.model_copy(update={"code": "BBBBBBBB"}), "another-print")
    s.do(by_hand)


def secrets(s: LogSession) -> None:
    of: Any = {"minutes": ident(0xF5)}
    mark = SecrecyMark(provision="OSL 18 kap. 1 §")
    s.opened().refuse(DraftSecretMinutes(**of, meeting=MEETING), "nothing-secret")
    s.do(RecordDecision(**ITEM, points=["Vittnet får stöd"]), MarkItemSecret(**ITEM, mark=mark))
    s.do(LiftItemSecrecy(**ITEM, reason="Uppgiften är känd"), MarkItemSecret(**ITEM, mark=mark))
    named = RecordReport(**ITEM, organisation="Polisen", text="Läget")
    s.refuse(named, "organisation-in-the-clear")
    of_it: Any = {"body": COUNCIL, "what": "Följ upp", "given": Decided(meeting=MEETING, decision=1)}
    s.refuse(GiveAssignment(**of_it, to=[Assignee(function="Chefen")]), "decision-is-secret")
    s.do(CloseMeeting(**HERE))
    s.refuse(DraftMinutes(**PAPER, meeting=MEETING, covers=[2]), "item-is-secret")
    s.do(DraftMinutes(**PAPER, meeting=MEETING), DraftSecretMinutes(**of, meeting=MEETING))
    file: Any = {"media_type": "application/pdf", "size": 9, "file": "ab" * 32, "direction": "internal"}
    s.do(RegisterDocument(document=ident(0xD0), title="Underskrivet", kind="Utskrift", date=DAY, **file))
    paper = ap.RecordPaperApproval(**of, version=1, office="justerare", document=ident(0xD0), code="aaaaaaaa")
    s.circulated(ident(0xF5)).refuse(paper, "scan-not-marked")
    s.do(MarkSecrecy(document=ident(0xD0), mark=mark), paper)
    s.do(OpenRegistry(name="Provkommun", slug="provkommun"))
    s.refuse(DisposeDocument(document=ident(0xD0)), "approval-on-paper")
    s.signed("chair", ident(0xF5)).sealed_by_the_municipality(ident(0xF5))
    s.refuse(LiftItemSecrecy(**ITEM, reason="Känd"), "lift-after-minutes")
    fields: Any = {"size": 9, "file": "ab" * 32, "sha256": "cd" * 32, "root": "ef" * 32, "position": 1}
    web = MakeCopy(**of, **fields, document=ident(0xD1), purpose="web", title="Kopia")
    s.refuse(web, "secret-not-on-web")


def nobody(s: LogSession) -> None:
    s.called().later(days=11, hours=4).do(OpenMeeting(**HERE), CloseMeeting(**HERE))
    s.do(DraftMinutes(**PAPER, meeting=MEETING))
    s.circulated().refuse(begin("justerare"), "signer-unknown", who=POLICE, role=Role.JUSTERARE)


def disagreement(s: LogSession) -> None:
    def note(exit: str, *versions: int) -> ap.NoteDisagreement:  # noqa: A002  # the field's name
        fields = {**PAPER, "exit": exit, "versions": list(versions), "reason": "Oenighet"}
        return ap.NoteDisagreement.model_validate(fields)

    s.ready().refuse(note("both-versions", 1, 1), "both-versions-needed")
    s.refuse(note("both-versions", 1, 2), "not-found")
    s.do(EditMinutes(**PAPER, base=1, texts={"0": "Ändrat"}), note("both-versions", 1, 2))
    s.do(note("finished-without-approval", 2))
    s.refuse(begin(version=2), "finished-without-approval", who=CHAIR, role=Role.CHAIR)
    s.refuse(EditMinutes(**PAPER, base=2, texts={"0": "Nej"}), "minutes-settled")


def afterwards(s: LogSession) -> None:
    s.approved().refuse(RecordReceipt(**PAPER), "not-finished", who=POLICE, role=Role.MEMBER)
    corrects = CorrectMinutes(minutes=SHEET, corrects=MINUTES, entries=[Entry(original="a", corrected="b")])
    s.refuse(corrects, "correct-sealed-only")
    s.refuse(RecordReport(**ITEM, text="Sent"), "minutes-approved")
    s.refuse(AddItem(**HERE, title="Sent"), "meeting-approved")
    extract: Any = {"document": ident(0xD5), "minutes": MINUTES, "title": "Utdrag", "place": "Eken"}
    extract |= {"size": 9, "file": "ab" * 32, "sha256": "cd" * 32, "root": "ef" * 32, "position": 9}
    s.refuse(CertifyExtract(**extract, items=[1]), "extract-of-finished")
    s.system(seal())
    s.refuse(CertifyExtract(**extract, items=[9]), "not-found")
    s.do(CertifyExtract(**extract, items=[1]))
    copied: Any = extract | {"document": ident(0xD4), "title": "Kopia", "purpose": "request"}
    copied.pop("place")
    hidden = Covering(item=1, kind="dissent", provision="OSL 18 kap. 1 §")
    s.refuse(MakeCopy(**copied, coverings=[hidden]), "covers-nothing")
    s.do(MakeCopy(**copied, coverings=[hidden.model_copy(update={"kind": "item"})]))
    s.refuse(seal(), "already-sealed")
    again = ap.RestampMinutes(
        **PAPER, version=1, file="5" * 64, pdf="6" * 64, size=10**7, until=date(2084, 1, 1)
    )
    s.system(again)
    s.refuse(again, "not-the-sealed-file")
    s.do(SendMinutes(**PAPER, recipients=[Addressee(person=POLICE)]))
    s.refuse(RecordReceipt(**PAPER), "not-a-recipient", who=VICE, role=Role.MEMBER)
    s.do(RecordReceipt(**PAPER), who=POLICE, role=Role.MEMBER)
    number = RecordNotificationNumber(**PAPER, notification=1, diarienummer="KS24.200")
    s.refuse(number, "not-found")
    s.do(SendNotification(**PAPER, to_body=BOARD), number)
    s.do(RecordNotificationNoted(**PAPER, paragraph="§ 12", meeting_day=date(2024, 4, 24)))
    s.refuse(RecordDispatch(**PAPER, item=9, recipient="Ingen"), "not-found")
    s.do(RecordDispatch(**PAPER, item=1, recipient="Polisen"), corrects)
    group = '{ what = "minutes", to = [{ group = "nämnder", kind = "namnd" }] }'
    rule = f'[rules.dispatch]\nmodality = "ska"\nsection = "2"\nvalue = {group}\n'
    s.do(co.AdoptRegulation(body=COUNCIL, adopted_on=DAY, profile=HEAD + rule))
    s.refuse(RecordDispatch(**PAPER, recipient="Nämnder", to_bodies=[BOARD]), "not-of-the-group")
    s.refuse(EditMinutes(minutes=SHEET, base=1, texts={"0": "x"}), "edit-is-for-minutes")
    s.do(EditCorrection(minutes=SHEET, base=1, entries=[Entry(original="a", corrected="c")]))


def disposal(s: LogSession) -> None:
    s.approved().refuse(PurgeWorking(**PAPER), "not-finished")
    s.system(seal(), PurgeWorking(**PAPER), OpenRegistry(name="Provkommun", slug="provkommun"))
    fields: Any = {"media_type": "text/plain", "size": 9, "file": "ab" * 32, "direction": "incoming"}
    for number, (kind, day) in enumerate((("Fråga", DAY), ("Fråga", None), ("Plan", DAY))):
        s.do(RegisterDocument(**fields, document=ident(0xD6 + number), title="x", kind=kind, date=day))
    gone = DisposeDocument(document=ident(0xD6))
    s.refuse(gone, "not-in-plan")
    lines = [PlanLine(kind="Fråga", section="1", after_years=2), PlanLine(kind="Plan", section="2")]
    plan = AdoptRetentionPlan(title="Plan KS24.7", adopted_on=date(2024, 1, 8), lines=lines)
    s.refuse(plan.model_copy(update={"lines": lines * 2}), "plan-line-twice")
    s.do(plan)
    s.refuse(gone, "disposal-not-due")
    s.refuse(DisposeDocument(document=ident(0xD7)), "disposal-day-unknown")
    s.refuse(DisposeDocument(document=ident(0xD8)), "to-be-kept")
    s.later(days=800).do(gone)
    s.refuse(CompleteRegistration(document=ident(0xD6), kind="Plan"), "document-disposed")
    s.do(GrantRole(person=POLICE, role=Role.AUDITOR, valid_from=date(2024, 1, 1), ground="Val"))
    s.refuse(DisposePersonData(person=POLICE, which="register", kind="Fråga"), "person-still-has-role")
    s.do(DisposePersonData(person=POLICE, which="contact", kind="Fråga"))
    s.system(RecordDestruction(disposal=ident(0xDD), decided=9, keys=1))


def assignments(s: LogSession) -> None:
    give: Any = {"body": COUNCIL, "what": "Utred ljuset"}
    s.refuse(GiveAssignment(**give, to=[Assignee()]), "assignee-unnamed")
    to = [Assignee(function="Säkerhetschefen")]
    s.refuse(GiveAssignment(**give, to=to, given=Decided()), "decision-unnamed")
    s.refuse(GiveAssignment(**give, to=to, matter=ident(1)), "not-found")
    here = Decided(meeting=MEETING, decision=1)
    s.opened().refuse(GiveAssignment(**give, to=to, given=here), "not-found")
    written = Decided(written="28 september § 328")
    due = Due(written="innan sommaren")
    this: Any = {"assignment": ident(0x90)}
    s.do(GiveAssignment(**this, **give, to=to, given=written))
    s.do(AddAssignmentStage(**this, what="Rapport", due=due))
    s.refuse(MoveAssignmentDue(**this, stage=2, due=due), "not-found")
    s.refuse(ReadAssignment(**this), "read-what")
    s.refuse(ReadAssignment(**this, stage=1, due=Due(written="i maj")), "wording-stays")
    s.do(ReadAssignment(**this, stage=1, due=Due(written="innan sommaren", last=DAY)))
    s.do(MoveAssignmentDue(**this, stage=1, due=Due(written="hösten 2024")))
    s.refuse(ReportOnAssignment(**this, completes=True), "completes-what")
    s.do(ReportOnAssignment(**this, stage=1, completes=True, text="Klart."))
    s.do(HandOverAssignment(**this, to=[Assignee(organisation="Räddningstjänsten")]))
    itself = SetAssignmentStatus(**this, status="replaced", by_assignment=ident(0x90))
    s.refuse(itself, "replaced-by-itself")
    s.do(SetAssignmentStatus(**this, status="unknown"))


def planning(s: LogSession) -> None:
    this: Any = {"instrument": ident(0xA0)}
    s.refuse(BeginInstrument(**this, body=ident(0x99), kind="dialogue", title="x"), "not-found")
    s.do(BeginInstrument(**this, body=COUNCIL, kind="action-plan", title="Plan"))
    s.refuse(FollowUpInstrument(**this), "not-found")
    s.do(MakeInstrumentVersion(**this, made="compiled", made_by="Trygghetsrådet"))
    s.refuse(AddInstrumentPart(**this, what="Ljus", under=1), "not-found")
    s.do(AddInstrumentPart(**this, what="Ljus"), FollowUpInstrument(**this))
    decided: Any = {**this, "decided": Decided(written="KF § 90"), "by_municipality": True}
    s.refuse(RecordInstrumentDecision(**decided, organisation="Polisen"), "whose-decision")
    s.do(RecordInstrumentDecision(**decided), CountInstrument(**this, duty="plan", years=[2024]))


def reports(s: LogSession) -> None:
    this: Any = {"report": ident(0xC0)}
    wrong = [Consequence(subject="economy")]
    s.refuse(WriteReport(**this, body=COUNCIL, title="x", consequences=wrong), "none-or-what")
    s.do(WriteReport(**this, body=COUNCIL, title="Återrapport"))
    s.refuse(WriteReport(**this, body=BOARD, title="x"), "report-of-another-body")
    asked = '{ sections = ["Konsekvenser"], consequences = ["economy"] }'
    rule = f'[rules.report-sections]\nmodality = "presens"\nsection = "2"\nvalue = {asked}\n'
    s.do(co.AdoptRegulation(body=BOARD, adopted_on=BEFORE, profile=HEAD + rule))
    s.do(SendReport(**this, to_body=BOARD))
    s.refuse(DispatchReportDecision(**this, to_body=COUNCIL), "nothing-decided")
    s.refuse(RecordReportDecision(**this, version=2, decided=Decided(written="§ 1")), "not-found")
    s.do(RecordReportDecision(**this, decided=Decided(written="KS § 41")))
    s.refuse(DispatchReportDecision(**this), "one-recipient")
    s.do(DispatchReportDecision(**this, to_body=COUNCIL))
    s.do(OpenRegistry(name="Provkommun", slug="provkommun"))
    s.do(OpenMatter(matter=ident(1), body=BOARD, title="x", diarienummer="KS24.300"))
    s.do(RecordReportMatter(**this, matter=ident(1)))


def organising(s: LogSession) -> None:
    s.refuse(PlaceBody(body=BOARD, parent=COUNCIL), "own-ancestor")
    s.do(PlaceBody(body=BOARD), PlaceBody(body=LOOSE, parent=COUNCIL))
    s.refuse(RelateBodies(body=LOOSE, other=LOOSE, relation="same"), "follows-itself")
    s.do(RelateBodies(body=LOOSE, other=COUNCIL, relation="linked"))
    s.do(RecordBodyStep(body=LOOSE, step="established"))
    s.do(NameBodyOffice(body=COUNCIL, office="spokesperson", holder=Assignee(function="Ordföranden")))
    s.do(SteerProject(body=COUNCIL, project="Trygga torget"))
    s.refuse(RecordOccasion(body=COUNCIL, occasion="annual-accounts"), "no-such-occasion")
    accounts = SILENT + 'due = { after = ["annual-accounts"], fulfilled_by = ["report-sent"] }\n'
    s.do(co.AdoptRegulation(body=LOOSE, adopted_on=DAY, profile=accounts))
    s.do(RecordOccasion(body=LOOSE, occasion="annual-accounts"))
    s.refuse(CountEvent(body=LOOSE, rule="b", period="2024", positions=[1]), "nothing-due-by-it")
    s.do(CountEvent(body=LOOSE, rule="a", period="2024", positions=[1]))
    s.do(AcceptDeviation(body=COUNCIL, rule="notify", period="12", accepted_by="Ordföranden", reason="Sent"))


STORIES: Final[tuple[Callable[[LogSession], None], ...]] = (
    registry,
    persons,
    bodies,
    demands,
    matters,
    preparing,
    calling,
    holding,
    deliberating,
    voting,
    numbering,
    drafting,
    signing,
    paper,
    secrets,
    nobody,
    disagreement,
    afterwards,
    disposal,
    assignments,
    planning,
    reports,
    organising,
)


def told(folder: Path, url: str | None = None) -> Reached:
    """What the stories reach, each told on a registry of its own."""
    reached = Reached()
    for story in STORIES:
        reached.case = f"tests/tour.py: {story.__name__}"
        session = LogSession(folder / story.__name__, reached, url)
        story(session)
        session.look()
        session.close()
    return reached
