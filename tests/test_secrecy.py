"""Secret items: minutes of their own, and nothing of them anywhere else."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.approving import NoteDisagreement, RecordPaperApproval
from domain.assigning import GiveAssignment
from domain.calling import AddItem, WithdrawItem
from domain.copying import MakeCopy
from domain.deliberating import RecordDecision, RecordReport
from domain.document import Document, MarkSecrecy, RegisterDocument
from domain.drafting import (
    CorrectMinutes,
    DraftMinutes,
    DraftSecretMinutes,
    EditCorrection,
    EditMinutes,
    Entry,
    RedraftMinutes,
)
from domain.extracting import CertifyExtract
from domain.holding import CloseMeeting
from domain.meeting_events import ItemAdded, ItemMarkedSecret, ItemSecrecyLifted, KallelseIssued
from domain.messages import Destroyed, Event, Known, SecrecyMark, Withheld
from domain.minutes import Version
from domain.minutes_events import DisagreementNoted, MinutesSealed
from domain.municipality import REGISTRY
from domain.readings import Decided
from domain.secrecy import LiftItemSecrecy, MarkItemSecret
from domain.sources import house
from domain.stated import Assignee
from domain.unclarity import NoteUnclarity
from domain.withholding import Secrets, withheld
from tests.council import COUNCIL, MEETING, MEMBERS, MINUTES, POLICE, Session, kallelse, said
from tests.given import fact, ident

pytestmark = pytest.mark.measured

APART, SCAN, TAKEN = ident(0xF5), ident(0xD7), ident(0xD9)
PROVISION, WORDS = "OSL 18 kap. 1 §", "Vittnet bor på Ekgatan"
MARK = SecrecyMark(provision=PROVISION, date=date(2024, 3, 12), authority="Kommunstyrelsen")
PUBLIC, SECRET = 2, 4  # the council's standing items are three


def mark(item: int = SECRET, **changes: Any) -> MarkItemSecret:
    return MarkItemSecret(meeting=MEETING, item=item, mark=MARK.model_copy(update=changes))


def lift(item: int = SECRET) -> LiftItemSecrecy:
    return LiftItemSecrecy(meeting=MEETING, item=item, reason="Förundersökningen är nedlagd")


def met() -> Session:
    """A meeting with an item that is not yet marked, and words under it and under another."""
    session = Session().opened()
    session.do(AddItem(meeting=MEETING, title="Skydd av vittne"))
    secret = session.meeting().items[-1].item
    session.do(
        RecordReport(meeting=MEETING, item=PUBLIC, by=POLICE, text="Läget är lugnt"),
        RecordReport(meeting=MEETING, item=secret, by=POLICE, text=WORDS),
        RecordDecision(meeting=MEETING, item=secret, points=[WORDS], dispatch=["Socialtjänsten"]),
        CloseMeeting(meeting=MEETING),
    )
    return session


def both() -> Session:
    session = met()
    secret = session.meeting().items[-1].item
    session.do(mark(secret), DraftMinutes(minutes=MINUTES, meeting=MEETING))
    session.do(DraftSecretMinutes(minutes=APART, meeting=MEETING))
    return session


def item(session: Session) -> int:
    return session.meeting().items[-1].item


def sealed(session: Session, minutes: str) -> Session:
    session.circulated(minutes).signed("chair", minutes).signed("justerare", minutes)
    return session.sealed_by_the_municipality(minutes)


def words(version: Version) -> str:
    told = [str(value) for one in version.statements for value in one.fields.values()]
    return "\n".join([*told, *map(str, version.texts.values())])


def secrets(session: Session) -> dict[str, frozenset[int]]:
    return dict(session.scenario.world.get(Secrets, REGISTRY).items)


# --- the mark
def test_an_item_is_marked_by_a_provision_and_listed_as_secret() -> None:
    session = met()
    answer = session.do(mark(item(session)))
    assert answer.event(ItemMarkedSecret).mark == MARK
    assert session.meeting().items[-1].secrecy == MARK
    assert secrets(session) == {MEETING: {item(session)}}
    session.do(mark(item(session))).then_nothing()
    other = session.do(mark(item(session), provision="OSL 26 kap. 1 §"))
    assert other.event(ItemMarkedSecret).mark.provision == "OSL 26 kap. 1 §"
    session.refuse(mark(99), "not-found", house(1))


def test_an_item_is_secret_from_the_moment_it_comes_on_the_agenda() -> None:
    session = Session().scheduled()
    answer = session.do(AddItem(meeting=MEETING, title="Skydd av vittne", secrecy=MARK))
    added, marked, listed = answer.events
    assert isinstance(added, ItemAdded)
    assert isinstance(marked, ItemMarkedSecret)
    assert secrets(session) == {MEETING: {added.item}}
    agenda = session.do(kallelse(*MEMBERS)).event(KallelseIssued).agenda
    assert (str(agenda[-1].title), agenda[-1].presenter) == ("Sekretessbelagt ärende", None)
    assert withheld(listed, {MEETING: frozenset({added.item})}, minutes=False) == listed


def test_a_withdrawn_item_may_still_be_secret() -> None:
    session = Session().scheduled()
    session.do(AddItem(meeting=MEETING, title="Skydd av vittne"))
    session.do(WithdrawItem(meeting=MEETING, item=item(session), reason=WORDS))
    session.do(mark(item(session)))
    assert secrets(session) == {MEETING: {item(session)}}


def test_a_mark_is_lifted_with_a_reason() -> None:
    session = met()
    session.do(lift(item(session))).then_nothing()
    session.do(mark(item(session)))
    lifted = session.do(lift(item(session))).event(ItemSecrecyLifted)
    assert str(lifted.reason) == "Förundersökningen är nedlagd"
    assert session.meeting().items[-1].secrecy is None
    assert secrets(session) == {MEETING: frozenset()}
    session.refuse(lift(99), "not-found", house(1))


def test_what_was_approved_is_not_made_secret_afterwards() -> None:
    session = met()
    session.do(DraftMinutes(minutes=MINUTES, meeting=MEETING))
    session.circulated().signed("chair").signed("justerare")
    session.refuse(mark(item(session)), "minutes-approved", house(40))


# --- two sets of minutes
def test_secret_items_stand_in_minutes_of_their_own_and_the_others_say_that_they_do() -> None:
    session = both()
    public, apart = session.minutes().newest, session.minutes(APART).newest
    assert (public.secret, apart.secret, apart.rest) == (False, True, False)
    assert item(session) not in public.covers
    assert apart.covers == (item(session),)
    number = session.meeting().number(item(session))
    assert said(public.statements, "kept-apart") == [{"number": number, "provision": PROVISION}]
    assert [one.item for one in public.statements if one.kind == "kept-apart"] == [None]
    assert WORDS not in words(public)
    assert "Skydd av vittne" not in words(public)
    assert WORDS in words(apart)
    assert said(apart.statements, "item")[0]["secrecy"] == PROVISION
    assert "Läget är lugnt" not in words(apart)
    assert [one.office for one in public.signers] == [one.office for one in apart.signers]
    session.refuse(DraftSecretMinutes(minutes=ident(1), meeting=MEETING), "nothing-secret", house(112))
    one_at_once = DraftMinutes(minutes=ident(1), meeting=MEETING, covers=[item(session)])
    session.refuse(one_at_once, "item-is-secret", house(112))


def test_a_mark_moves_an_item_and_its_text_out_of_a_draft_that_was_begun() -> None:
    session = met()
    session.do(DraftMinutes(minutes=MINUTES, meeting=MEETING))
    here = str(item(session))
    session.do(EditMinutes(minutes=MINUTES, base=1, texts={here: WORDS, "0": "Allmänt"}))
    session.do(mark(item(session)))
    finish = NoteDisagreement(minutes=MINUTES, reason="Oense", exit="finished-without-approval", versions=[2])
    session.refuse(finish, "draft-stale", house(44))
    session.do(RedraftMinutes(minutes=MINUTES, base=2))
    assert WORDS not in words(session.minutes().newest)
    assert set(session.minutes().newest.texts) == {"0"}
    session.do(DraftSecretMinutes(minutes=APART, meeting=MEETING))
    session.do(lift(item(session)), RedraftMinutes(minutes=MINUTES, base=3))
    assert item(session) in session.minutes().newest.covers
    session.do(RedraftMinutes(minutes=APART, base=1))
    assert session.minutes(APART).newest.covers == ()


def test_an_item_for_approval_at_once_is_let_go_when_it_is_marked() -> None:
    session = met()
    session.do(DraftMinutes(minutes=MINUTES, meeting=MEETING, covers=[PUBLIC, item(session)]))
    session.do(mark(item(session)), RedraftMinutes(minutes=MINUTES, base=1))
    assert session.minutes().newest.covers == (PUBLIC,)
    session.do(DraftSecretMinutes(minutes=APART, meeting=MEETING))
    assert session.minutes(APART).newest.covers == (item(session),)


def test_one_that_is_marked_later_comes_along_in_the_next_version() -> None:
    session = both()
    session.do(mark(PUBLIC), RedraftMinutes(minutes=APART, base=1), RedraftMinutes(minutes=MINUTES, base=1))
    assert session.minutes(APART).newest.covers == (PUBLIC, item(session))
    assert len(said(session.minutes().newest.statements, "kept-apart")) == 2


def test_both_are_approved_by_the_same_and_sealed_and_corrected_each_by_itself() -> None:
    session = sealed(both(), APART)
    seal = session.scenario.world.streams[f"minutes-{APART}"][-1].event
    assert isinstance(seal, MinutesSealed)
    assert seal.secret
    session.refuse(lift(item(session)), "lift-after-minutes", house(113))
    sealed(session, MINUTES)
    entry = Entry(item=item(session), original=WORDS, corrected="Vittnet bor på Asplan")
    session.do(CorrectMinutes(minutes=ident(2), corrects=APART, entries=[entry]))
    other = entry.model_copy(update={"corrected": "Vittnet bor på Lindvägen"})
    session.do(EditCorrection(minutes=ident(2), base=1, entries=[other]))
    assert [one.secret for one in session.minutes(ident(2)).versions] == [True, True]
    session.do(lift(item(session)))


# --- what is taken from them
def scan(session: Session, **changes: Any) -> Session:
    told = {
        "document": SCAN, "title": "Underskrift", "media_type": "image/png", "size": 9, "file": "0" * 64,
        "direction": "incoming",
    }  # fmt: skip
    session.do(RegisterDocument.model_validate(told | changes))
    return session


def test_a_print_signed_by_hand_is_as_secret_as_the_minutes() -> None:
    session = scan(both())
    session.circulated(APART).signed("chair", APART)
    paper = RecordPaperApproval(minutes=APART, version=1, office="justerare", document=SCAN, code="aaaaaaaa")
    session.refuse(paper, "scan-not-marked", house(115))
    session.do(MarkSecrecy(document=SCAN, mark=MARK), paper)
    assert session.minutes(APART).approved


def taken(kind: type[Any], **changes: Any) -> Any:
    told = {
        "document": TAKEN, "minutes": APART, "title": "Kopia", "size": 9, "file": "ab" * 32, "sha256": "cd" * 32,
        "root": "ef" * 32, "position": 40,
    }  # fmt: skip
    return kind.model_validate(told | changes)


def test_what_is_taken_from_secret_minutes_is_marked_and_never_for_the_web() -> None:
    session = both()
    session.do(mark(PUBLIC, provision="OSL 26 kap. 1 §"), RedraftMinutes(minutes=APART, base=1))
    sealed(session, APART)
    session.refuse(taken(MakeCopy, purpose="web"), "secret-not-on-web", house(115))
    session.do(taken(MakeCopy, purpose="request"))
    found = session.scenario.world.get(Document, TAKEN).secrecy
    assert found
    assert found.provision == "OSL 26 kap. 1 §; OSL 18 kap. 1 §"
    extract = taken(CertifyExtract, document=ident(3), items=[item(session)], place="Eken")
    session.do(extract)
    assert session.scenario.world.get(Document, ident(3)).secrecy == found


def test_what_is_taken_after_the_marks_were_lifted_is_not() -> None:
    session = sealed(sealed(both(), APART), MINUTES)
    session.do(lift(item(session)), taken(MakeCopy, purpose="web"))
    assert session.scenario.world.get(Document, TAKEN).secrecy is None


# --- what is carried elsewhere
def test_nothing_that_names_a_secret_decision_or_its_people_is_entered_in_the_clear() -> None:
    session = both()
    here = item(session)
    report = RecordReport(meeting=MEETING, item=here, organisation="Skyddat boende AB", text=WORDS)
    session.refuse(report, "organisation-in-the-clear", house(114))
    session.do(RecordReport(meeting=MEETING, item=PUBLIC, organisation="Polisen", text="Lugnt"))
    given: Any = {"body": COUNCIL, "what": "Flytta", "to": [Assignee(function="Socialchefen")]}
    of = Decided(meeting=MEETING, decision=1)
    session.refuse(GiveAssignment(**given, given=of), "decision-is-secret", house(114))
    unclear: Any = {"body": COUNCIL, "question": "Vem?", "readings": ["a", "b"], "meeting": MEETING}
    session.refuse(NoteUnclarity(**unclear, decision=1), "decision-is-secret", house(114))
    session.do(lift(here), GiveAssignment(**given, given=of))
    session.do(NoteUnclarity(**unclear, decision=1))


# --- what others see
def seen(events: list[Event], hidden: dict[str, frozenset[int]], *, minutes: bool = False) -> list[Event]:
    return [withheld(one, hidden, minutes=minutes) for one in events]


def test_withheld_is_every_word_under_a_secret_item_and_nothing_else() -> None:
    session = both()
    events = [one.event for one in session.scenario.world.streams[f"meeting-{MEETING}"]]
    hidden = {MEETING: frozenset({item(session)})}
    shown = repr(seen(events, hidden))
    for secret in (WORDS, "Skydd av vittne", "Socialtjänsten"):
        assert secret in repr(events)
        assert secret not in shown
    for other in ("Läget är lugnt", PROVISION):
        assert other in shown
    assert seen(events, {}) == seen(events, {ident(9): frozenset({item(session)})}) == events


def test_an_earlier_kallelse_shows_only_the_number_of_what_became_secret() -> None:
    session = Session().scheduled()
    session.do(AddItem(meeting=MEETING, title="Skydd av vittne"))
    issued = session.do(kallelse(*MEMBERS)).event(KallelseIssued)
    (now,) = seen([issued], {MEETING: frozenset({item(session)})})
    assert isinstance(now, KallelseIssued)
    assert [str(one.title) for one in now.agenda[-1:]] == ["Sekretessbelagt ärende"]
    assert now.agenda[:-1] == issued.agenda[:-1]


def test_of_secret_minutes_every_word_is_withheld_and_reads_as_what_is_gone() -> None:
    noted = DisagreementNoted(minutes=APART, exit="both-versions", versions=(1, 2), reason=Known(WORDS, "c0"))
    (now,) = seen([noted], {}, minutes=True)
    assert isinstance(now, DisagreementNoted)
    assert now.reason == Withheld("c0")
    assert str(now.reason) == str(Destroyed())
    assert seen([noted], {}) == [noted]
    drafted = [one.event for one in both().scenario.world.streams[f"minutes-{APART}"]]
    assert WORDS in repr(drafted)
    assert WORDS not in repr(seen(drafted, {}, minutes=True))


def test_the_list_of_what_is_secret_heeds_nothing_else() -> None:
    other = both().scenario.world.streams[f"meeting-{MEETING}"][0].event
    assert Secrets().evolve(fact(other)) == Secrets()
