"""From events to the paper: nothing that a version says is lost, and nothing is said that it does not say."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from hypothesis import given as draw
from hypothesis import strategies as st

from domain import statements as writer
from domain.calling import AddItem, Handling, ScheduleMeeting, WithdrawItem
from domain.deliberating import (
    AttachStatement,
    MakeProposal,
    PostponeItem,
    RecordAbstention,
    RecordDecision,
    RecordReport,
)
from domain.drafting import CorrectMinutes, DraftMinutes, EditMinutes, Entry
from domain.holding import (
    AdjournMeeting,
    AppointActingChair,
    CloseMeeting,
    ElectJusterare,
    OpenMeeting,
    RecordAbsence,
    RecordDeparture,
    RecordPresence,
    RecordSecretary,
    ResumeMeeting,
    SetJusteringPlace,
)
from domain.kallelse import CallSubstitute, GiveNoticeReason, NotifyHinder
from domain.matter import OpenMatter
from domain.meeting_events import DissentRecorded, KallelseIssued
from domain.messages import Destroyed, Fact, Known, Sealed, SecrecyMark, stream
from domain.minutes import Minutes
from domain.minutes_events import MinutesVersionMade, Statement
from domain.preparing import AmendProposal, PointGiven, PutProposal
from domain.regulation import parse
from domain.voting import (
    BallotGiven,
    OrderProposals,
    RecordConflictOfInterest,
    RecordReservation,
    RecordVote,
    WithdrawProposal,
)
from projections.paper import render, sheets
from projections.paper.extract import NoSuchItem, extract_sheet
from projections.paper.kallelse import kallelse_sheet
from projections.paper.minutes import CAPACITY, METHOD, OFFICE, minutes_sheet
from projections.paper.render import canonical
from projections.paper.words import day_in_words, moment_in_words, period_in_words
from tests.council import (
    BOARD,
    CHAIR,
    DAY,
    EXPERT,
    GUEST,
    MEETING,
    MEMBERS,
    MINUTES,
    POLICE,
    PROFILE,
    RESCUE,
    SUBSTITUTE,
    VICE,
    Session,
    kallelse,
)
from tests.given import ident
from tests.outside import need
from tests.test_voting import of_namnd

ROOT = "3f" * 32
RECORDED = "2024-03-13T09:00:00.000000Z"
LATER, MATTER, CORRECTION, PROPOSAL = ident(0xE1), ident(0xC0), ident(0xF1), ident(0xAA)
# What stands on the paper as it was entered.
WORDED = {
    "meeting": {"body", "title", "diarienummer", "place"},
    "chair": {"name", "title", "organisation", "reason"},
    "acting-chair": {"name", "title", "organisation", "from", "to", "reason"},
    "secretary": {"name", "title", "organisation"},
    "attendance": {"name", "title", "organisation", "from", "to", "for"},
    "hinder": {"name", "title", "organisation", "substitute"},
    "absence": {"name", "title", "organisation"},
    "justerare": {"name", "title", "organisation"},
    "justering": {"place"},
    "adjourned": set(),
    "notice-reason": {"text"},
    "item": {"number", "title", "diarienummer", "presenter", "part-1", "part-2", "secrecy"},
    "kept-apart": {"number", "provision"},
    "withdrawn": {"reason"},
    "document": {"title"},
    "conflict": {"name", "title", "organisation", "ground"},
    "report": {"name", "title", "organisation", "text"},
    "proposal": {"name", "title", "organisation", "text", "proposal", "proposal-version"},
    "order": set(),
    "vote": {"yes-1", "no-1", "abstained-1"},
    "abstention": {"name", "title", "organisation"},
    "decision": {"point-1", "point-2", "dispatch-1", "dispatch-2", "proposal", "proposal-version"},
    "dissent": {"participant", "organisation", "view"},
    "reservation": {"participant", "organisation", "text"},
    "statement": {"participant", "organisation", "text"},
    "postponed": {"reason"},
}
# What stands on the paper in other words: what those are for a value.
REWORDED: dict[str, dict[str, Any]] = {
    "meeting": {
        "starts": moment_in_words,
        "ends": lambda value: value[11:16].replace(":", "."),
        "opened": lambda value: moment_in_words(value) if "T" in value else day_in_words(value),
        "closed": lambda value: value[11:16].replace(":", ".") if "T" in value else day_in_words(value),
        "demanded": lambda _: "på begäran av ledamöter",
    },
    "chair": {"acting": lambda _: "Tjänstgörande ordförande"},
    "attendance": {
        "capacity": lambda value: CAPACITY[value],
        "office": lambda value: OFFICE[value],
        "left": lambda _: "lämnade mötet, tidpunkt okänd",
        "distance": lambda _: "på distans",
    },
    "absence": {"status": lambda value: {"absent": "Frånvarande", "unknown": "Närvaro okänd"}[value]},
    "justering": {"time": moment_in_words},
    "adjourned": {"at": moment_in_words, "until": moment_in_words, "resumed": moment_in_words},
    "notice-reason": {"issue": lambda value: f"utskick {value}" if value != "1" else "Skäl för kort varsel"},
    "item": {"late": lambda _: "efter kallelsen"},
    "conflict": {"left": lambda value: {"yes": "lämnar lokalen", "no": "är kvar i lokalen"}[value]},
    "order": {"order": lambda value: "förslag " + value.replace(",", ", därefter förslag ")},
    "vote": {
        "method": lambda value: METHOD[value],
        "yes-for": lambda value: f"Ja för förslag {value}.",
        "no-for": lambda value: f"Nej för förslag {value}.",
        "yes": lambda value: f"{value} ja",
        "no": lambda value: f"{value} nej",
        "abstained": lambda value: f"{value} avstår",
        "casting": lambda value: f"utslagsröst: {({'yes': 'ja', 'no': 'nej'})[value]}.",
        "carried": lambda value: f"Bifall till förslag {value}.",
    },
    "decision": {
        "effective": day_in_words,
        "may-be": lambda value: "version " + value.replace(",", " eller "),
    },
    "document": {"enclosed": lambda value: {"yes": "(bilaggs)", "no": "(bilaggs ej)"}[value]},
    "postponed": {"to": day_in_words},
}
# What says where a statement belongs, and shows by where it stands; or names a rule and not a word of the paper.
PLACING = {
    "meeting": {"items"},
    "justerare": {"office", "number"},
    "item": {"standing"},
    "proposal": {"number"},
    "decision": {"adopts"},
}


def sheet(
    event: MinutesVersionMade, session: Session, *, draft: bool = False
) -> sheets.Minutes | sheets.Correction:
    paper = minutes_sheet(
        printed(event), session.scenario.world, "Exempelby kommun", example=True, root=ROOT, draft=draft
    )
    assert isinstance(paper, sheets.Minutes | sheets.Correction)
    return paper


def printed(event: Any) -> Fact:
    return Fact(event, stream(Minutes, MINUTES), 1, 1, RECORDED)


def newest(session: Session, minutes: str = MINUTES) -> MinutesVersionMade:
    made = [
        fact.event
        for fact in session.scenario.world.streams[stream(Minutes, minutes)]
        if isinstance(fact.event, MinutesVersionMade)
    ]
    return made[-1]


def lost(event: MinutesVersionMade, paper: sheets.Sheet) -> list[str]:
    """What an event says and the paper does not."""
    shown, missing = canonical(paper), []
    for one in event.statements:
        for name, sealed in one.fields.items():
            value = str(sealed)
            if name in PLACING.get(one.kind, ()):
                continue
            word = REWORDED.get(one.kind, {}).get(name)
            assert word or re.sub(r"-\d+$", "-1", name) in WORDED[one.kind], (
                f"{one.kind}.{name} is not known here"
            )
            if (word(value) if word else value).lower() not in shown.lower():
                missing.append(f"{one.kind}.{name}: {value}")
    missing += [text for text in map(str, event.texts.values()) if text not in shown]
    return missing


def test_every_kind_of_statement_is_known_here() -> None:
    source = Path(writer.__file__).read_text("utf-8")
    assert set(re.findall(r'self\.say\(\s*"([a-z-]+)"', source)) == WORDED.keys()


def eventful() -> Session:
    """A meeting in which everything happened that a meeting may hold."""
    own = PROFILE.read_text("utf-8").replace('{ by = "part', '{ kind = "reservation", by = "part')
    act = "\n".join(map(of_namnd, ("minutes-contents", "conflict-of-interest"))).replace(
        "namnd", "trygghetsradet"
    )
    session = Session(parse(f"{own}\n{act}", "trygghetsradet"))
    session.do(
        OpenMatter(matter=MATTER, body=BOARD, title="Kameror", diarienummer="KS24.290", given_by="Diariet")
    )
    points = [PointGiven(text="Så här", verb="antas")]
    amended: Any = {"proposal": PROPOSAL, "base": 1, "how": "addition", "points": points}
    session.do(
        PutProposal(proposal=PROPOSAL, matter=MATTER, title="Ny organisation", points=points),
        AmendProposal(**amended),
    )
    session.scheduled(ends=f"{DAY}T15:00", title="Vårens möte")
    session.do(
        kallelse(*MEMBERS),
        ScheduleMeeting(meeting=LATER, body=session.meeting().body, starts="2024-05-07T09:00", place="Eken"),
    )
    add = {"meeting": MEETING, "matter": MATTER, "presenter": "Säkerhetschefen"}
    session.do(
        AddItem.model_validate(
            {
                **add,
                "title": "Kamerabevakning",
                "documents": [
                    Handling(title="Skrivelsen", enclosed=True),
                    Handling(title="Kartan", enclosed=False),
                ],
            }
        ),
        AddItem(meeting=MEETING, title="Belysning"),
    )
    session.later(days=7).do(kallelse(*MEMBERS))
    session.do(GiveNoticeReason(meeting=MEETING, issue=2, reason="Ett ärende tillkom"))
    session.do(NotifyHinder(meeting=MEETING, person=RESCUE, reason="Larm"))
    session.do(CallSubstitute(meeting=MEETING, hindered=RESCUE, substitute=SUBSTITUTE))
    session.later(days=4, hours=4).do(OpenMeeting(meeting=MEETING, happened=f"{DAY}T13:04"))
    for person in (CHAIR, POLICE):
        session.do(RecordPresence(meeting=MEETING, person=person, capacity="member"))
    session.do(
        RecordPresence(meeting=MEETING, person=SUBSTITUTE, capacity="substitute", substitutes_for=RESCUE),
        RecordPresence(meeting=MEETING, person=GUEST, capacity="guest", distance=True, from_item=4),
        RecordPresence(meeting=MEETING, person=EXPERT, capacity="expert"),
        RecordAbsence(meeting=MEETING, person=VICE, status="unknown"),
        RecordDeparture(meeting=MEETING, person=EXPERT),
        RecordDeparture(meeting=MEETING, person=GUEST, after_item=5),
        SetJusteringPlace(meeting=MEETING, place="Digitalt", time="2024-03-19T12:00"),
    )
    session.do(
        ElectJusterare(meeting=MEETING, person=POLICE, item=1),
        RecordSecretary(meeting=MEETING, person=ident(7)),
    )
    session.do(AppointActingChair(meeting=MEETING, person=POLICE, from_item=5, to_item=5, reason="Jäv"))
    session.do(
        RecordReport(meeting=MEETING, item=4, by=POLICE, text="Lugnt i centrum"),
        MakeProposal(meeting=MEETING, item=5, proposer=EXPERT, text="Ansök om tillstånd"),
        MakeProposal(
            meeting=MEETING, item=5, proposer=POLICE, text="Avvakta", of_proposal=PROPOSAL, version=2
        ),
        MakeProposal(meeting=MEETING, item=5, proposer=CHAIR, text="Ångrat förslag"),
        WithdrawProposal(meeting=MEETING, item=5, proposal=3),
        RecordConflictOfInterest(
            meeting=MEETING, item=5, person=VICE, left=True, ground="Äger ett hus vid torget"
        ),
        OrderProposals(meeting=MEETING, item=5, order=[2, 1]),
        RecordVote(
            meeting=MEETING,
            item=5,
            method="open-vote",
            yes_for=2,
            no_for=1,
            ballots=[
                BallotGiven(person=CHAIR, vote="yes"),
                BallotGiven(person=POLICE, vote="no"),
                BallotGiven(person=SUBSTITUTE, vote="abstained"),
            ],
            casting="yes",
        ),
        RecordVote(meeting=MEETING, item=5, method="acclamation", carried=2),
        RecordDecision(
            meeting=MEETING,
            item=5,
            points=["Organisationen antas"],
            of_proposal=PROPOSAL,
            may_adopt=[1, 2],
            effective=date(2024, 11, 1),
        ),
        RecordDecision(meeting=MEETING, item=5, points=["Den antas"], of_proposal=PROPOSAL, version=1),
        RecordReservation(meeting=MEETING, item=5, participant=POLICE, text="Beslutet är oklart"),
        RecordDecision(
            meeting=MEETING,
            item=5,
            points=["Rådet avvaktar", "Frågan tas upp igen"],
            dispatch=["Polisen", "Kommunstyrelsen"],
            adopts=2,
        ),
    )
    # No rules ask for both a reservation and a dissenting view, so this one is as another's rules would have it.
    dissent = DissentRecorded(
        meeting=MEETING, item=5, dissent=1, participant=EXPERT, view=Known("Det brådskar")
    )
    session.scenario.world.append(f"meeting-{MEETING}", dissent, session.now)
    session.do(
        AttachStatement(meeting=MEETING, item=5, participant=GUEST, text="Butikerna vill ha kameror"),
        RecordAbstention(meeting=MEETING, item=5, person=SUBSTITUTE),
        AdjournMeeting(meeting=MEETING, until=f"{DAY}T14:15"),
    )
    session.later(hours=1).do(ResumeMeeting(meeting=MEETING))
    session.do(
        PostponeItem(meeting=MEETING, item=6, to_meeting=LATER, reason="Tiden räckte inte"),
        AddItem(meeting=MEETING, title="Övrig fråga"),
        WithdrawItem(meeting=MEETING, item=3, reason="Redan behandlat"),
        AddItem(
            meeting=MEETING, title="Ett enskilt ärende", secrecy=SecrecyMark(provision="OSL 26 kap. 1 §")
        ),
        CloseMeeting(meeting=MEETING),
        DraftMinutes(minutes=MINUTES, meeting=MEETING),
        EditMinutes(minutes=MINUTES, base=1, texts={"0": "Mötet sändes inte.", "5": "En lång diskussion."}),
    )
    return session


def test_of_an_eventful_meeting_nothing_is_lost() -> None:
    session = eventful()
    event = newest(session)
    assert {one.kind for one in event.statements} == WORDED.keys()
    assert lost(event, sheet(event, session)) == []


def test_it_stands_in_the_pdf_too_in_words_that_can_be_copied(tmp_path: Path) -> None:
    need("pdftotext")
    session = eventful()
    event = newest(session)
    (tmp_path / "m.pdf").write_bytes(render(sheet(event, session)).pdf)
    told = subprocess.run(
        ["pdftotext", "-raw", tmp_path / "m.pdf", "-"], capture_output=True, check=True
    ).stdout.decode()
    shown = re.sub(r"[\s\u00ad-]+", "", told)
    for one in event.statements:
        for name, sealed in one.fields.items():
            if re.sub(r"-\d+$", "-1", name) in WORDED[one.kind]:
                assert re.sub(r"[\s-]+", "", str(sealed)) in shown, f"{one.kind}.{name}"


# --- any version at all
WORD = st.text("abcdefghijklmnopqrstuvwxyzåäö", min_size=6, max_size=12)
CODES: dict[tuple[str, str], list[str]] = {
    ("attendance", "capacity"): list(CAPACITY),
    ("attendance", "office"): list(OFFICE),
    ("absence", "status"): ["absent", "unknown"],
    ("document", "enclosed"): ["yes", "no"],
    ("notice-reason", "issue"): ["1", "2"],
    ("conflict", "left"): ["yes", "no"],
    ("order", "order"): ["2,1", "1"],
    ("vote", "method"): list(METHOD),
    **{("vote", name): ["0", "3"] for name in ("yes", "no", "abstained", "yes-for", "no-for", "carried")},
    ("vote", "casting"): ["yes", "no"],
    ("decision", "effective"): ["2024-11-01"],
    ("decision", "may-be"): ["1,2", "1,2,3"],
    ("meeting", "opened"): [f"{DAY}T13:04", DAY],
    ("meeting", "closed"): [f"{DAY}T15:10", DAY],
    ("meeting", "ends"): [f"{DAY}T15:00", f"{DAY}T15:10"],
}
ALWAYS = {("meeting", "starts"), ("meeting", "body"), ("attendance", "capacity"), ("adjourned", "at"),
          ("item", "title"), ("item", "number"), ("kept-apart", "number"), ("absence", "status"),
          ("document", "enclosed"), ("document", "title"), ("notice-reason", "text"), ("conflict", "left"),
          ("order", "order"), ("vote", "method")}  # fmt: skip
NAMED = {
    kind: "participant" if kind in ("dissent", "statement", "reservation") else "name" for kind in WORDED
}
ON_ITEMS = {
    "item",
    "withdrawn",
    "document",
    "report",
    "proposal",
    "conflict",
    "order",
    "vote",
    "reservation",
    "abstention",
    "decision",
    "dissent",
    "statement",
    "postponed",
}


@st.composite
def said(compose: st.DrawFn, kind: str, item: int | None = None) -> Statement:
    """A statement of a kind, with some of the fields it may have."""
    fields: dict[str, Sealed] = {}
    for name in sorted(WORDED[kind] | REWORDED.get(kind, {}).keys()):
        if name in (NAMED[kind], "text", "view") or (kind, name) in ALWAYS or compose(st.booleans()):
            fields[name] = Known(value(compose, kind, name, item))
    if "point-2" in fields:
        fields.setdefault("point-1", Known("Första punkten"))
    for first, second in (("point-1", "point-2"), ("dispatch-1", "dispatch-2"), ("part-1", "part-2")):
        if second in fields:
            fields.setdefault(first, Known("det första"))
    if kind == "meeting":
        fields["body"] = Known("Trygghetsrådet")
    return Statement(kind=kind, item=item, ref_stream=f"meeting-{MEETING}", ref_version=1, fields=fields)


def value(compose: st.DrawFn, kind: str, name: str, item: int | None) -> str:
    if (kind, name) in CODES:
        return compose(st.sampled_from(CODES[kind, name]))
    if name in ("number", "from", "to") and kind != "postponed":
        return str(item or compose(st.integers(1, 9)))
    if kind == "postponed" and name == "to":
        return compose(st.dates(date(2024, 1, 1))).isoformat()
    if kind in REWORDED and name in REWORDED[kind]:
        return (
            f"{DAY}T{compose(st.integers(10, 19))}:{compose(st.integers(10, 59))}"
            if name in ("starts", "at", "until", "resumed", "time")
            else "yes"
        )
    return compose(WORD)


@st.composite
def versions(compose: st.DrawFn) -> MinutesVersionMade:
    covers = tuple(range(1, compose(st.integers(1, 3)) + 1))
    whole = [compose(said("meeting"))]
    for kind in sorted(WORDED.keys() - ON_ITEMS - {"meeting", "justering"}):
        whole += [compose(said(kind)) for _ in range(compose(st.integers(0, 2)))]
    whole += [compose(said("justering"))] if compose(st.booleans()) else []
    for item in covers:
        whole.append(compose(said("item", item)))
        for kind in sorted(ON_ITEMS - {"item", "postponed"}):
            whole += [compose(said(kind, item)) for _ in range(compose(st.integers(0, 2)))]
        whole += [compose(said("postponed", item))] if compose(st.booleans()) else []
    texts: dict[str, Sealed] = {
        key: Known(compose(WORD)) for key in ("0", *map(str, covers)) if compose(st.booleans())
    }
    held = Session().held()
    return MinutesVersionMade(
        minutes=MINUTES, version=1, meeting=MEETING, body=held.meeting().body, covers=covers,
        rest=compose(st.booleans()), meeting_version=1, word="Mötesanteckningar", statements=tuple(whole),
        texts=texts, signers=(),
    )  # fmt: skip


@draw(versions())
def test_nothing_that_any_version_says_is_lost(event: MinutesVersionMade) -> None:
    assert lost(event, sheet(event, Session().held())) == []


@draw(versions(), st.data())
def test_what_is_destroyed_is_shown_as_destroyed_and_hides_nothing_else(
    event: MinutesVersionMade, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(event.statements) - 1))
    one = event.statements[at]
    hidden = sorted(one.fields.keys() & (WORDED[one.kind] - {"number", "body", "from", "to"}))
    if not hidden:
        return
    name = data.draw(st.sampled_from(hidden))
    spoilt = one.model_copy(update={"fields": one.fields | {name: Destroyed("c" * 64)}})
    rest = (*event.statements[:at], *event.statements[at + 1 :])
    partly = one.model_copy(update={"fields": {key: each for key, each in one.fields.items() if key != name}})
    changed = event.model_copy(
        update={"statements": (*event.statements[:at], spoilt, *event.statements[at + 1 :])}
    )
    paper = sheet(changed, Session().held())
    assert '{"kind":"destroyed"}' in canonical(paper)
    assert lost(event.model_copy(update={"statements": (*rest, partly)}), paper) == []


# --- what it is said to be
def test_a_draft_says_so_on_every_page_and_what_is_signed_does_not() -> None:
    session = eventful()
    event = newest(session)
    assert sheet(event, session, draft=True).head.draft
    assert not sheet(event, session).head.draft
    pages = texts(render(sheet(event, session, draft=True)).pdf)
    assert all("UTKAST" in page and "EXEMPEL" in page for page in pages)
    assert not any("UTKAST" in page for page in texts(render(sheet(event, session)).pdf))


def texts(pdf: bytes) -> list[str]:
    with pymupdf.open(stream=pdf, filetype="pdf") as document:  # type: ignore[no-untyped-call]  # the library has no types
        return [document[number].get_text() for number in range(document.page_count)]


def test_an_item_approved_at_once_says_so_in_its_title() -> None:
    session = Session().opened()
    session.do(RecordDecision(meeting=MEETING, item=2, points=["Dagordningen fastställs"]))
    session.do(DraftMinutes(minutes=MINUTES, meeting=MEETING, covers=[2]))
    event = newest(session)
    paper = sheet(event, session)
    assert paper.head.kind == "Mötesanteckningar, omedelbar justering av § 2"
    assert isinstance(paper, sheets.Minutes)
    assert paper.first_page.sections == "2"
    assert [signer.sections for signer in paper.signers] == ["§ 2", "§ 2"]
    assert lost(event, paper) == []


def test_what_nobody_noted_is_unknown_and_what_does_not_apply_is_left_out() -> None:
    session = Session().scheduled().later(days=12)
    session.do(
        OpenMeeting(meeting=MEETING),
        CloseMeeting(meeting=MEETING),
        DraftMinutes(minutes=MINUTES, meeting=MEETING),
    )
    paper = sheet(newest(session), session)
    assert isinstance(paper, sheets.Minutes)
    assert paper.first_page.present is None
    assert paper.first_page.justerare is None
    assert paper.first_page.substitutes == paper.first_page.coopted == paper.first_page.hindered == ()
    assert paper.first_page.justering == ""
    assert "Framgår inte av underlaget" in "".join(texts(render(paper).pdf))


def test_times_as_called_and_as_kept() -> None:
    session = eventful()
    paper = sheet(newest(session), session)
    assert isinstance(paper, sheets.Minutes)
    rows = {one.label: one.value for one in paper.first_page.further}
    assert rows["Utlyst tid"] == period_in_words(f"{DAY}T13:00", f"{DAY}T15:00")
    assert str(paper.first_page.time_and_place).startswith("Tisdagen den 12 mars 2024 kl. 13.04–")


def test_a_withdrawn_item_says_so_without_a_reason_too() -> None:
    session = Session().opened()
    session.do(
        WithdrawItem(meeting=MEETING, item=3),
        CloseMeeting(meeting=MEETING),
        DraftMinutes(minutes=MINUTES, meeting=MEETING),
    )
    paper = sheet(newest(session), session)
    assert isinstance(paper, sheets.Minutes)
    assert sheets.Fact(label="Utgår", value="Ärendet utgår.") in paper.items[2].notes


def test_a_proposal_that_was_followed_is_marked() -> None:
    session = eventful()
    paper = sheet(newest(session), session)
    assert isinstance(paper, sheets.Minutes)
    told = [str(one.who) for one in paper.items[4].proposals]
    followed = "Farida Noori, Polismyndigheten, enligt Ny organisation, version 2, bifallet"
    assert told == ["Förslag 1, Maja Sandström", f"Förslag 2, {followed}"]
    assert paper.words.proposals == "Yrkanden"


def test_the_standing_item_shows_its_two_parts() -> None:
    session = Session().drafted()
    paper = sheet(newest(session), session)
    assert isinstance(paper, sheets.Minutes)
    parts = [one.value for one in paper.items[3].notes if one.label.startswith("Del ")]
    assert parts == ["Rapporter från externa myndigheter", "Rapporter från kommunens verksamheter"]


# --- the other papers
def test_a_correction_shows_both_wordings_their_reasons_and_who_got_the_original() -> None:
    session = Session().sealed()
    entries = [
        Entry(item=1, original="sju", corrected="sex", reason="Räknefel"),
        Entry(original="maj", corrected="juni", reason="Skrivfel"),
    ]
    session.do(CorrectMinutes(minutes=CORRECTION, corrects=MINUTES, entries=entries))
    paper = sheet(newest(session, CORRECTION), session)
    assert isinstance(paper, sheets.Correction)
    assert [(row.where, row.original, row.corrected) for row in paper.rows] == [
        ("§ 1", "sju", "sex"), ("Hela dokumentet", "maj", "juni"),
    ]  # fmt: skip
    assert paper.reason == "Räknefel\nSkrivfel"
    assert paper.recipients == ()  # nobody has got the original: nothing unknown about that
    assert render(paper).pdf.startswith(b"%PDF")


def test_an_extract_is_a_whole_item_with_the_first_page_and_the_code_of_the_minutes() -> None:
    session = eventful()
    event = newest(session)
    whole = sheet(event, session)
    assert isinstance(whole, sheets.Minutes)
    paper = extract(session, event, 5)
    assert paper.items == (whole.items[4],)
    assert paper.items[0].dissents and paper.items[0].abstained
    assert paper.first_page.present == whole.first_page.present
    assert paper.first_page.sections == "5"
    assert whole.head.short_code in paper.source
    assert "§ 5" in paper.source
    pages = texts(render(paper).pdf)
    assert "Utdraget bestyrks" in pages[-1] and "den 1 april 2024" in pages[-1]
    assert all("EXEMPEL" in page for page in pages)


def extract(session: Session, event: MinutesVersionMade, *items: int) -> sheets.Extract:
    return extract_sheet(
        printed(event), items, session.scenario.world, "Exempelby kommun", example=True, root=ROOT,
        certifier=sheets.Signer(name="Sofia Brandt", role="Sekreterare"), place="Exempelby",
        certified_at="2024-03-31T22:30:00.000000Z",
    )  # fmt: skip


@pytest.mark.parametrize("items", [(), (99,), (1, 99)])
def test_no_extract_of_what_the_minutes_do_not_cover(items: tuple[int, ...]) -> None:
    session = eventful()
    with pytest.raises(NoSuchItem):
        extract(session, newest(session), *items)


def test_no_extract_of_a_correction() -> None:
    session = Session().sealed()
    session.do(
        CorrectMinutes(minutes=CORRECTION, corrects=MINUTES, entries=[Entry(original="a", corrected="b")])
    )
    with pytest.raises(NoSuchItem):
        extract(session, newest(session, CORRECTION), 1)


def called(session: Session, issue: int) -> sheets.Kallelse:
    facts = session.scenario.world.streams[f"meeting-{MEETING}"]
    fact = [one for one in facts if isinstance(one.event, KallelseIssued)][issue - 1]
    return kallelse_sheet(fact, session.scenario.world, "Exempelby kommun", example=True, code="1A2B-3C4D")


def test_a_kallelse_lists_the_agenda_with_its_parts_and_enclosures() -> None:
    session = eventful()
    first, second = called(session, 1), called(session, 2)
    assert (first.head.kind, second.head.kind) == ("Kallelse", "Kallelse, utskick 2")
    assert len(first.agenda) == 4
    cameras = second.agenda[4]
    assert (cameras.number, cameras.title, cameras.diarienummer) == ("5", "Kamerabevakning", "KS24.290")
    assert (cameras.presenter, cameras.enclosure) == ("Säkerhetschefen", "5.1, 5.2")
    assert [(one.number, one.title, one.status) for one in second.enclosures] == [
        ("5.1", "Skrivelsen", "Bilaggs"), ("5.2", "Kartan", "Bilaggs ej"),
    ]  # fmt: skip
    assert second.agenda[3].title == (
        "Aktuellt sedan förra mötet\n– Rapporter från externa myndigheter\n"
        "– Rapporter från kommunens verksamheter"
    )
    assert second.called and len(second.called) == len(MEMBERS)
    assert second.time == "Tisdagen den 12 mars 2024 kl. 13.00–15.00"
    assert second.chair == "Karin Lindqvist"
    told = " ".join(" ".join(texts(render(second).pdf)).split())
    for words in ("Kamerabevakning", "Förhinder anmäls", "EXEMPEL", "Rapporter från kommunens"):
        assert words in told


def test_a_part_survives_a_destroyed_title() -> None:
    session = eventful()
    facts = session.scenario.world.streams[f"meeting-{MEETING}"]
    fact = next(one for one in facts if isinstance(one.event, KallelseIssued))
    assert isinstance(fact.event, KallelseIssued)
    entry = fact.event.agenda[3].model_copy(update={"title": Destroyed("c" * 64)})
    event = fact.event.model_copy(update={"agenda": (entry,)})
    paper = kallelse_sheet(
        replace(fact, event=event), session.scenario.world, "Exempelby kommun", example=True, code="1A2B-3C4D"
    )
    assert isinstance(paper.agenda[0].title, sheets.Mixed)
    assert "– Rapporter från externa myndigheter" in canonical(paper)


def test_somebody_without_a_name_in_the_register_is_unknown() -> None:
    session = Session().called()
    world = session.scenario.world
    world.streams.pop(f"person-{RESCUE}")
    paper = called(session, 1)
    assert paper.called and sheets.UNKNOWN in [one.name for one in paper.called]
