"""Proposals, preparation, and decisions that adopt a version of a proposal, or do not say which."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.calling import AddItem
from domain.deliberating import MakeProposal, RecordDecision, ReviseDecision
from domain.matter import Matter, MatterPrepared, OpenMatter, VoidMatter
from domain.meeting_events import (
    DecisionRecorded,
    DecisionRevised,
    ItemParagraph,
    ItemsNumbered,
    ProposalMade,
)
from domain.messages import Known
from domain.paragraphs import NumberItems, Paragraphs, ParagraphsTaken
from domain.preparing import AmendProposal, PointGiven, PutProposal, RecordPreparation
from domain.proposal import Origin, Proposal, ProposalAmended, ProposalPut, ProposedPoint
from domain.sources import house
from domain.unclarity import (
    NoteUnclarity,
    Passage,
    PassageGiven,
    ReadingRecorded,
    RecordReading,
    Unclarity,
    UnclarityNoted,
)
from tests.council import BOARD, CHAIR, COUNCIL, MEETING, STRANGER, Session
from tests.given import fact, ident

pytestmark = pytest.mark.measured

MATTER, OTHER, PROPOSAL, UNCLEAR = ident(0xA1), ident(0xA2), ident(0xAA), ident(0xAB)
NOWHERE = Origin(by=None, body=None, meeting=None, paragraph=None, document=None)
HERE: dict[str, Any] = {"meeting": MEETING, "item": 5}
ADOPT = PointGiven(text="Organisationen antas.", verb="antas")
ADDITIONS = [PointGiven(text=f"Tillägg {number}.") for number in (1, 2, 3)]


def matter() -> Session:
    session = Session()
    for id, number in ((MATTER, "2020.226 KS"), (OTHER, "2020.227 KS")):
        session.do(OpenMatter(matter=id, body=BOARD, title="Organisation", diarienummer=number))
    return session


def prepared() -> Session:
    """A letter with a proposal, and a committee that would adopt it with additions."""
    session = matter()
    put = PutProposal(proposal=PROPOSAL, matter=MATTER, title="Organisation", points=[ADOPT], by="Kontoret")
    amend: Any = {"proposal": PROPOSAL, "base": 1, "how": "addition", "points": ADDITIONS}
    session.do(put, AmendProposal(**amend, by="Arbetsutskottet", paragraph="§ 138"))
    return session


def decided(**changes: Any) -> RecordDecision:
    said = {**HERE, "points": ["Organisationen antas.", "Den gäller från november."], "of_proposal": PROPOSAL}
    return RecordDecision.model_validate(said | changes)


def meeting(session: Session) -> Session:
    session.opened().do(AddItem(meeting=MEETING, title="Organisation", matter=MATTER))
    return session


# --- proposals
@pytest.mark.fact("Al4")
def test_additions_make_a_new_version_and_the_proposal_stays_as_it_was() -> None:
    session = matter()
    put = PutProposal(
        proposal=PROPOSAL, matter=MATTER, title="Organisation", points=[ADOPT], by="Kontoret", of_body=BOARD
    )
    origin = Origin(by=Known("Kontoret"), body=BOARD, meeting=None, paragraph=None, document=None)
    first = (ProposedPoint(text=Known("Organisationen antas."), verb="antas"),)
    session.do(put).then(
        ProposalPut(
            proposal=PROPOSAL, matter=MATTER, title=Known("Organisation"), points=first, origin=origin
        )
    )
    session.refuse(put, "id-taken", house(10))
    amend = AmendProposal(proposal=PROPOSAL, base=1, how="addition", points=ADDITIONS)
    added = tuple(ProposedPoint(text=Known(f"Tillägg {number}."), verb=None) for number in (1, 2, 3))
    session.do(amend).then(
        ProposalAmended(
            proposal=PROPOSAL, matter=MATTER, version=2, base=1, how="addition", points=added, origin=NOWHERE
        )
    )
    session.do(AmendProposal(proposal=PROPOSAL, base=1, how="revision", points=[ADOPT]))
    session.do(AmendProposal(proposal=PROPOSAL, base=2, how="addition", points=ADDITIONS[:1]))
    state = session.scenario.world.get(Proposal, PROPOSAL)
    assert [(one.version, one.base, one.how) for one in state.versions] == [
        (1, None, "original"),
        (2, 1, "addition"),
        (3, 1, "revision"),
        (4, 2, "addition"),
    ]
    assert state.whole(1) == state.whole(3) == first
    assert state.whole(2) == first + added
    assert state.whole(4) == first + added + added[:1]


def test_a_version_is_made_of_one_that_exists_in_a_matter_that_stands() -> None:
    session = prepared()
    wrong = AmendProposal(proposal=PROPOSAL, base=3, how="revision", points=[ADOPT])
    refused = session.refuse(wrong, "proposal-version-missing", house(103))
    assert refused.values == {"version": 3, "newest": 2}
    unknown: Any = {"proposal": ident(9), "base": 1, "how": "revision", "points": [ADOPT]}
    session.refuse(AmendProposal(**unknown), "not-found", house(1))
    nowhere = PutProposal(matter=MATTER, title="x", points=[ADOPT], of_body=ident(9))
    session.refuse(nowhere, "not-found", house(1))
    session.do(VoidMatter(matter=MATTER, reason="Dubblett"))
    session.refuse(PutProposal(matter=MATTER, title="x", points=[ADOPT]), "matter-voided", house(18))
    known = AmendProposal(proposal=PROPOSAL, base=1, how="revision", points=[ADOPT])
    session.refuse(known, "matter-voided", house(18))


@pytest.mark.fact("H2")
def test_a_proposed_verb_is_the_proposals_and_no_decision() -> None:
    session = matter()
    noted = PointGiven(text="Kommunstyrelsen noterar lägesrapporten.", verb="noterar")
    session.do(PutProposal(proposal=PROPOSAL, matter=MATTER, title="Lägesrapport", points=[noted]))
    state = session.scenario.world.get(Proposal, PROPOSAL)
    assert [point.verb for point in state.versions[0].points] == ["noterar"]
    assert meeting(session).meeting().decisions == ()


@pytest.mark.fact("V3")
def test_a_proposal_is_not_a_decision_whatever_its_verb_says() -> None:
    session = matter()
    point = PointGiven(text="Återrapporteringen godkänns.", verb="godkänns")
    session.do(PutProposal(proposal=PROPOSAL, matter=MATTER, title="Rapport", points=[point]))
    meeting(session).do(MakeProposal(**HERE, text="Bifall", of_proposal=PROPOSAL, version=1)).then(
        ProposalMade(**HERE, proposal=1, text=Known("Bifall"), of_proposal=PROPOSAL, version=1)
    )
    assert session.meeting().decisions == ()
    session.refuse(
        MakeProposal(**HERE, text="Bifall", of_proposal=PROPOSAL, version=2), "proposal-version-missing"
    )


# --- the chain
@pytest.mark.fact("Al3")
def test_the_chain_goes_from_a_letter_by_a_committee_to_the_board() -> None:
    session = prepared()
    step: Any = {"matter": MATTER, "of_proposal": PROPOSAL}
    letter = RecordPreparation(
        **step, step="letter", by="Kommunledningskontoret", version=1, happened="2020-09-21"
    )
    prepared_by = Origin(
        by=Known("Kommunledningskontoret"), body=None, meeting=None, paragraph=None, document=None
    )
    session.do(letter).then(
        MatterPrepared(
            matter=MATTER, number=1, step="letter", origin=prepared_by, of_proposal=PROPOSAL, version=1, note=None
        )
    )  # fmt: skip
    session.do(
        RecordPreparation(
            **step, step="proposed", by="Arbetsutskottet", paragraph="§ 138", version=2, happened="2020-09-30"
        ),
        RecordPreparation(
            matter=MATTER, step="decided", of_body=BOARD, paragraph="§ 146", happened="2020-10-12", note="Två punkter."
        ),
    )  # fmt: skip
    chain = session.scenario.world.get(Matter, MATTER).preparation
    assert [(one.step, one.day, one.origin.paragraph, one.version) for one in chain] == [
        ("letter", "2020-09-21", None, 1),
        ("proposed", "2020-09-30", "§ 138", 2),
        ("decided", "2020-10-12", "§ 146", None),
    ]
    assert [one.number for one in chain] == [1, 2, 3]


def test_a_step_is_somebodys_and_of_a_version_that_exists_in_the_matter() -> None:
    session = prepared()
    session.refuse(RecordPreparation(matter=MATTER, step="letter"), "step-by-nobody", house(104))
    step: Any = {"step": "treated", "by": "Utskottet"}
    session.refuse(RecordPreparation(matter=ident(9), **step), "not-found", house(1))
    session.refuse(RecordPreparation(matter=MATTER, version=1, **step), "version-of-nothing", house(103))
    another = RecordPreparation(matter=OTHER, of_proposal=PROPOSAL, **step)
    session.refuse(another, "proposal-of-another-matter", house(103))
    missing = RecordPreparation(matter=MATTER, of_proposal=PROPOSAL, version=3, **step)
    session.refuse(missing, "proposal-version-missing", house(103))
    session.do(VoidMatter(matter=MATTER, reason="Dubblett"))
    session.refuse(RecordPreparation(matter=MATTER, **step), "matter-voided", house(18))


# --- decisions
@pytest.mark.fact("Al6")
def test_a_decision_applies_from_another_day_than_it_was_made() -> None:
    session = meeting(prepared())
    event = session.do(decided(version=2, verbs=["antas", "gäller"], effective=date(2020, 11, 1))).event(
        DecisionRecorded
    )
    assert (event.of_proposal, event.version, event.may_adopt) == (PROPOSAL, 2, ())
    (made,) = session.meeting().decisions
    assert (made.effective, made.verbs, made.adopted_version) == (date(2020, 11, 1), ("antas", "gäller"), 2)
    assert session.meeting().day != made.effective


@pytest.mark.fact("Al5")
def test_a_decision_that_does_not_say_which_version_keeps_all_it_can_be() -> None:
    session = meeting(prepared())
    session.do(decided(may_adopt=[1, 2]))
    (made,) = session.meeting().decisions
    assert (made.adopted_version, made.may_adopt) == (None, (1, 2))
    for wrong in ([1], [1, 1], [2, 1, 2]):
        session.refuse(decided(may_adopt=wrong), "unclear-between-several", house(105))
    session.refuse(decided(may_adopt=[1, 2], version=1), "unclear-between-several", house(105))


def test_a_decision_on_a_version_that_does_not_exist_is_refused() -> None:
    session = meeting(prepared())
    session.refuse(decided(version=3), "proposal-version-missing", house(103))
    session.refuse(decided(may_adopt=[1, 3]), "proposal-version-missing", house(103))
    session.refuse(decided(of_proposal=ident(9), version=1), "not-found", house(1))
    session.refuse(decided(of_proposal=None, version=1), "version-of-nothing", house(103))
    session.refuse(decided(of_proposal=None, may_adopt=[1, 2]), "version-of-nothing", house(103))
    assert session.meeting().decisions == ()


def test_each_point_has_its_verb_or_none_has() -> None:
    session = meeting(prepared())
    session.refuse(decided(verbs=["antas"]), "verb-for-each-point", house(107))
    session.do(decided(verbs=["antas", "gäller"]))
    revise: Any = {**HERE, "decision": 1, "reason": "Hörfel"}
    same = ReviseDecision(**revise, points=decided().points, verbs=["antas", "gäller"])
    session.ask(same).then_nothing()
    other = ReviseDecision(**revise, points=decided().points, verbs=["noteras", "gäller"])
    assert session.do(other).event(DecisionRevised).verbs == ("noteras", "gäller")
    assert session.meeting().decisions[0].verbs == ("noteras", "gäller")
    session.refuse(ReviseDecision(**revise, points=["En."], verbs=["a", "b"]), "verb-for-each-point")


# --- what is unclear
def unclear(**changes: Any) -> NoteUnclarity:
    said: dict[str, Any] = {
        "unclarity": UNCLEAR,
        "body": COUNCIL,
        "matter": MATTER,
        "question": "Vilken version antogs?",
        "readings": ["Kontorets.", "Utskottets, med tillägg."],
    }
    return NoteUnclarity.model_validate(said | changes)


@pytest.mark.fact("Al5")
def test_a_named_person_reads_it_and_the_reading_stands_beside_what_was_written() -> None:
    session = meeting(prepared())
    session.do(decided(may_adopt=[1, 2]), unclear(meeting=MEETING, decision=1))
    read = RecordReading(
        unclarity=UNCLEAR, person=CHAIR, reading="Med tillägg.", version=2, ground="Minnesanteckning"
    )
    session.do(read).then(
        ReadingRecorded(
            unclarity=UNCLEAR, body=COUNCIL, matter=MATTER, number=1, person=CHAIR, reading=Known("Med tillägg."),
            meeting=MEETING, decision=1, version=2, ground=Known("Minnesanteckning"),
        )
    )  # fmt: skip
    session.do(RecordReading(unclarity=UNCLEAR, person=CHAIR, reading="Kontorets.", version=1))
    state = session.scenario.world.get(Unclarity, UNCLEAR)
    assert [(one.person, one.version) for one in state.readings] == [(CHAIR, 2), (CHAIR, 1)]
    assert session.meeting().decisions[0].adopted_version is None, "the decision is as it was written"
    missing = RecordReading(unclarity=UNCLEAR, person=CHAIR, reading="x", version=3)
    session.refuse(missing, "proposal-version-missing", house(103))
    stranger = RecordReading(unclarity=UNCLEAR, person=STRANGER, reading="x")
    session.refuse(stranger, "not-found", house(1))


@pytest.mark.fact("V10")
def test_conflicting_passages_stand_side_by_side() -> None:
    session = matter()
    passages = [
        PassageGiven(text="Mötet beslutade om ett förslag.", place="sammanfattningen"),
        PassageGiven(text="Mötet behandlade planen."),
    ]
    session.do(unclear(passages=passages, readings=[])).then(
        UnclarityNoted(
            unclarity=UNCLEAR, body=COUNCIL, matter=MATTER, meeting=None, decision=None,
            question=Known("Vilken version antogs?"),
            passages=(
                Passage(
                    text=Known("Mötet beslutade om ett förslag."), document=None, place=Known("sammanfattningen")
                ),
                Passage(text=Known("Mötet behandlade planen."), document=None, place=None),
            ),
            readings=(),
        )
    )  # fmt: skip
    session.do(RecordReading(unclarity=UNCLEAR, person=CHAIR, reading="Rådet föreslog, styrelsen beslutar."))
    version = RecordReading(unclarity=UNCLEAR, person=CHAIR, reading="x", version=1)
    session.refuse(version, "version-of-nothing", house(103))


@pytest.mark.fact("V6")
def test_three_wordings_are_all_kept() -> None:
    session = matter()
    three = ["Förslag beslutades.", "Man beslutade att genomföra.", "Dialogen beslutades."]
    session.do(unclear(passages=[PassageGiven(text=each) for each in three], readings=[], matter=None))
    state = session.scenario.world.get(Unclarity, UNCLEAR)
    assert [str(one.text) for one in state.passages] == three
    assert state.readings == ()


def test_what_is_unclear_is_so_between_several_and_about_what_exists() -> None:
    session = meeting(prepared())
    session.refuse(unclear(readings=["En."]), "nothing-unclear", house(105))
    session.refuse(unclear(body=ident(9)), "not-found", house(1))
    session.refuse(unclear(matter=ident(9)), "not-found", house(1))
    session.refuse(unclear(meeting=ident(9)), "not-found", house(1))
    session.refuse(unclear(meeting=MEETING, decision=1), "not-found", house(1))
    passage = PassageGiven(text="x", document=ident(9))
    session.refuse(unclear(passages=[passage]), "not-found", house(1))
    session.do(unclear())
    session.refuse(unclear(), "id-taken", house(10))
    session.refuse(RecordReading(unclarity=ident(9), person=CHAIR, reading="x"), "not-found", house(1))


# --- paragraphs
@pytest.mark.fact("Al1")
def test_items_get_their_paragraphs_in_the_order_of_the_agenda() -> None:
    session = Session().opened()
    session.do(NumberItems(meeting=MEETING, first=146)).then(
        ParagraphsTaken(body=COUNCIL, year=2024, meeting=MEETING, numbers=(146, 147, 148, 149)),
        ItemsNumbered(
            meeting=MEETING,
            paragraphs=tuple(ItemParagraph(item=item, paragraph=145 + item) for item in (1, 2, 3, 4)),
        ),
    )
    session.ask(NumberItems(meeting=MEETING)).then_nothing()
    assert [session.meeting().number(item) for item in (1, 4)] == ["146", "149"]
    session.do(AddItem(meeting=MEETING, title="Ännu en"))
    assert session.meeting().number(5) == "5"
    session.do(NumberItems(meeting=MEETING, items=[5]))
    assert session.meeting().number(5) == "150"
    assert session.scenario.world.get(Paragraphs, f"{COUNCIL}-2024").next == 151


def test_a_paragraph_is_given_once_in_a_bodys_year() -> None:
    session = Session().opened()
    session.do(NumberItems(meeting=MEETING, first=3, items=[1]))
    refused = session.refuse(
        NumberItems(meeting=MEETING, first=2, items=[2, 3]), "paragraph-taken", house(106)
    )
    assert refused.values == {"number": 3, "year": 2024, "meeting": MEETING}
    session.do(NumberItems(meeting=MEETING, first=1, items=[2, 3]))
    assert [session.meeting().number(item) for item in (1, 2, 3, 4)] == ["3", "1", "2", "4"]
    session.refuse(NumberItems(meeting=MEETING, items=[9]), "not-found", house(1))
    assert not Paragraphs().exists
    assert session.scenario.world.get(Paragraphs, f"{COUNCIL}-2024").exists


def test_an_approved_item_is_not_numbered() -> None:
    session = Session().ready().signed("chair").signed("justerare")
    session.refuse(NumberItems(meeting=MEETING), "minutes-approved", house(40))


@pytest.mark.parametrize("state", [Proposal(), Unclarity(), Paragraphs()])
def test_an_event_of_another_stream_changes_nothing(state: Any) -> None:
    taken = ItemsNumbered(meeting=MEETING, paragraphs=())
    assert state.evolve(fact(taken)) is state
    assert not state.exists
