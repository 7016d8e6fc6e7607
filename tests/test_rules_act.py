"""Every rule of every delivered profile does something: the program acts on it, watches it, or says that it only shows.

- For each rule that the program acts on, a case plays what it is about and notes what came of it. With the rule's value
  altered, one part at a time, something else must come of it; and without the rule, too.
- A rule that is watched says when it falls due and what fulfils it, and that follows from its value.
- What is left is shown only, and its kind says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from api.profiles import delivered
from domain.afterwards import SendMinutes
from domain.approving import BeginSigning
from domain.body import Body
from domain.body_events import BodyStaffed, MeetingDemanded
from domain.calling import AddItem, ScheduleMeeting
from domain.constituting import CoOpt, ElectViceChair, GiveMandate, OfferSeat, StaffBody
from domain.deliberating import RecordDecision, RecordDissent
from domain.demanding import DemandMeeting
from domain.drafting import DraftMinutes
from domain.holding import CloseMeeting, ElectJusterare, OpenMeeting, RecordAbsence, RecordPresence
from domain.kallelse import Addressee, CallSubstitute, IssueKallelse
from domain.matter import diary_of
from domain.messages import Role
from domain.profile import read
from domain.regulation import Rule, Rules
from domain.rule_kinds import KINDS
from tests import council as c
from tests.council import Session
from tests.given import Outcome, ident

pytestmark = pytest.mark.measured
Play = Callable[[Session, Any], Any]
Alter = Callable[[Any], Any]
MEETING, DAY = c.MEETING, date(2024, 3, 12)


def findings(outcome: Outcome) -> list[str]:
    """What was found, and what was expected."""
    return [
        f"{one.finding} {one.expected}" for new in outcome.news for one in getattr(new.event, "findings", ())
    ]


def said(outcome: Outcome) -> Any:
    """A refusal's code, or what happened."""
    return outcome.error.code if outcome.error else [str(new.event) for new in outcome.news]


def body(session: Session) -> Body:
    return session.scenario.world.get(Body, c.COUNCIL)


def six(session: Session) -> Session:
    """Two members more, so that a third and a half are whole."""
    for number, person in enumerate((c.EXPERT, c.GUEST)):
        session.do(
            GiveMandate(
                body=c.COUNCIL, mandate=ident(0x90 + number), person=person, seat="annan",
                valid_from=date(2023, 1, 1),
            )
        )  # fmt: skip
    return session


def chair(session: Session, _: Any) -> Any:
    seat = GiveMandate(body=c.COUNCIL, person=c.VICE, seat="ordforande", valid_from=date(2023, 1, 1))
    session.do(seat)
    return body(session).chair_at(DAY, session.scenario.world)


def vice_chair(session: Session, _: Any) -> Any:
    return session.ask(ElectViceChair(body=c.COUNCIL, person=c.EXPERT, valid_from=DAY)).error is None


def seats(session: Session, value: Any) -> Any:
    offers = [OfferSeat(body=c.COUNCIL, seat=one["seat"], organisation="X") for one in value]
    return ["source=SourcePart" in str(said(session.ask(one))) for one in offers]


def staffing(session: Session, value: Any) -> Any:
    outcome = session.ask(
        StaffBody(body=c.COUNCIL, duty=value["duty"], person=c.EXPERT, organisation="X", valid_from=DAY)
    )
    return outcome.error.code if outcome.error else outcome.event(BodyStaffed).capacity


def co_opt(session: Session, _: Any) -> Any:
    asked = CoOpt(body=c.COUNCIL, person=c.GUEST, organisation="X", seat="x", valid_from=DAY)
    return session.ask(asked, role=Role.CHAIR).error is None


def substitutes(session: Session, _: Any) -> Any:
    session.scheduled()
    return findings(session.ask(CallSubstitute(meeting=MEETING, hindered=c.RESCUE, substitute=c.EXPERT)))


def who_counts(session: Session, _: Any) -> Any:
    return [
        body(session).counted_at(DAY, word)
        for word in ("members", "representatives", "recipients", "participants")
    ]


def notice(session: Session, _: Any) -> Any:
    session.scheduled().later(days=8)
    post = [Addressee(person=c.CHAIR, channel="post")]
    mail = [Addressee(person=c.CHAIR)]
    asked = [IssueKallelse(meeting=MEETING, recipients=some) for some in (post, mail)]
    return [findings(session.ask(one)) for one in asked]


def kallelse(session: Session, _: Any) -> Any:
    session.do(ScheduleMeeting(meeting=MEETING, body=c.COUNCIL, starts="2024-03-12T13:00", place="Eken"))
    return findings(session.ask(IssueKallelse(meeting=MEETING, recipients=[Addressee(person=c.CHAIR)])))


def standing_items(session: Session, _: Any) -> Any:
    return [(str(one.title), one.parts) for one in session.scheduled().meeting().agenda]


def demand(session: Session, _: Any) -> Any:
    six(session)
    asked = [[c.SUBSTITUTE], [c.CHAIR], [c.VICE, c.POLICE], [c.VICE, c.POLICE, c.RESCUE]]
    outcomes = [session.ask(DemandMeeting(body=c.COUNCIL, persons=one, subject="X")) for one in asked]
    return [
        one.error.code
        if one.error
        else (one.event(MeetingDemanded).needed, one.event(MeetingDemanded).reached)
        for one in outcomes
    ]


def held(session: Session, present: int) -> Session:
    """A meeting of six with so many present and the rest noted as absent."""
    six(session).scheduled().later(days=11, hours=5)
    session.do(OpenMeeting(meeting=MEETING), AddItem(meeting=MEETING, title="X"))
    for number, person in enumerate((*c.MEMBERS, c.EXPERT, c.GUEST)):
        here = RecordPresence(meeting=MEETING, person=person, capacity="member")
        gone = RecordAbsence(meeting=MEETING, person=person, status="absent")
        session.do(here if number < present else gone)
    return session


def quorum(session: Session, _: Any) -> Any:
    item = held(session, 3).meeting().agenda[-1].item
    return findings(session.ask(RecordDecision(meeting=MEETING, item=item, points=["X"])))


def minutes(session: Session, _: Any) -> Any:
    held(session, 4).do(CloseMeeting(meeting=MEETING), DraftMinutes(minutes=c.MINUTES, meeting=MEETING))
    return session.minutes().newest.word


def justerare(session: Session, _: Any) -> Any:
    held(session, 4)
    return findings(session.ask(ElectJusterare(meeting=MEETING, person=c.SECRETARY)))


def signers(session: Session, _: Any) -> Any:
    held(session, 4).do(CloseMeeting(meeting=MEETING), DraftMinutes(minutes=c.MINUTES, meeting=MEETING))
    return [(one.office, one.field, one.label) for one in session.minutes().signers]


def approval(session: Session, _: Any) -> Any:
    session.ready().later(days=20)
    signing = ident(0x5001)
    session.do(
        BeginSigning(minutes=c.MINUTES, version=1, office="chair", signing=signing),
        who=c.CHAIR,
        role=Role.CHAIR,
    )
    return findings(session.ask(c.approve(signing=signing), who="system", role=Role.SYSTEM))


def dissent(session: Session, _: Any) -> Any:
    held(session, 4).do(RecordPresence(meeting=MEETING, person=c.SECRETARY, capacity="guest"))
    session.do(CloseMeeting(meeting=MEETING, happened="2024-03-12T15:00"))
    item = session.meeting().agenda[-1].item
    late = RecordDissent(
        meeting=MEETING, item=item, participant=c.SECRETARY, view="X", happened="2024-03-12T16:00"
    )
    return findings(session.ask(late))


def send_minutes(session: Session, _: Any) -> Any:
    session.sealed()
    return said(session.ask(SendMinutes(minutes=c.MINUTES, recipients=[Addressee(person=c.CHAIR)])))


def diary(session: Session, _: Any) -> Any:
    found = diary_of(c.COUNCIL, DAY, session.scenario.world)
    return found and (found.patterns, found.classification, found.kept)


def put(key: str, *choices: Any) -> Alter:
    """Another of the choices than the value has, under a key."""
    return lambda value: {**value, key: next(one for one in choices if one != value.get(key))}


def first(key: str, *choices: Any) -> Alter:
    return lambda value: [put(key, *choices)(value[0]), *value[1:]]


STRICTLY: Alter = lambda value: {**value, "strictly": not value["strictly"]}  # noqa: E731  # one of a row of such
FEWER: Alter = lambda value: value[:-1]  # noqa: E731  # one of a row of such

CASES: dict[str, tuple[Play, tuple[Alter, ...]]] = {
    "chair": (chair, (put("kind", "ex-officio", "seat"),)),
    "vice-chair": (vice_chair, (put("among", "participants", "members"),)),
    "seats": (seats, (first("duty", "offer", "part"),)),
    "staffing": (staffing, (put("duty", "other"), put("capacity", "invited", "expert"))),
    "co-opt": (co_opt, ()),
    "substitutes": (substitutes, (put("kind", "personal", "general"),)),
    "who-counts": (
        who_counts,
        (
            put("members", ["expert"]),
            put("representatives", ["member"]),
            put("recipients", []),
            put("participants", []),
        ),
    ),
    "notice": (
        notice,
        (put("length", 9, 3), put("unit", "working-days", "days"), put("counted_from", "receipt", "sending")),
    ),
    "kallelse": (kallelse, (put("contents", [], ["agenda"]), put("to", None, "recipients"))),
    "standing-items": (standing_items, (first("title", "Annat"), FEWER)),
    "demand": (demand, (put("fraction", "2/3", "1/2"), STRICTLY, put("counted", "participants"))),
    "quorum": (quorum, (put("fraction", "1/3"), STRICTLY)),
    "minutes": (minutes, (put("title", "Annat"),)),
    "justerare": (justerare, (put("among", None, "members"),)),
    "signers": (signers, (first("label", "Annan"), FEWER)),
    "approval": (approval, (put("within", {"length": 30}),)),
    "dissent": (
        dissent,
        (
            put("by", "participants", "members"),
            put("decision_needed", True, False),
            put("before", None, "closing"),
        ),
    ),
    "send-minutes": (send_minutes, (put("to", "parent", "recipients"),)),
    "diary": (
        diary,
        (put("pattern", "X{yy}.{n}"), put("classification", "[a-z]"), put("kept", "own", "external")),
    ),
}
# Kinds of rules that can say what is also the case where no rule says anything.
AS_WITHOUT = {"chair", "seats", "substitutes", "justerare", "dissent", "staffing"}
# A rule that stands in the way of another's case.
APART = {"kallelse": {"standing-items"}}


def rules_of_all() -> Iterator[tuple[str, Rule]]:
    texts = delivered()
    for name, text in texts.items():
        profile = read(text, *(other for id, other in texts.items() if id != name))
        for part in profile.bodies:
            for rule in Rules.from_content(profile.content(part)):
                if rule.reads:
                    yield f"{name}/{part}/{rule.id}", rule


ALL = dict(rules_of_all())
ENFORCED = {name: rule for name, rule in ALL.items() if rule.use == "enforced"}
# Rules with one value do the same in every body that has them.
DISTINCT = list({(rule.kind, str(rule.value)): name for name, rule in ENFORCED.items()}.values())


def play(rule: Rule, value: Any, *, without: bool = False) -> Any:
    """What comes of the case in a council that has the rule with a value, or does not have it."""
    apart = APART.get(rule.kind, set())
    tables = {id: one for id, one in c.rules().content["rules"].items() if id not in apart}
    tables.pop(rule.kind, None)
    if not without:
        table = {"modality": rule.modality, "section": "1", "value": value, "kind": rule.kind}
        tables[rule.id if rule.kind == "staffing" else rule.kind] = table
    elif rule.kind == "staffing":
        tables = {id: one for id, one in tables.items() if one.get("kind", id) != "staffing"}
    content = {**c.rules().content, "rules": tables}
    case, _ = CASES[rule.kind]
    return case(Session(Rules.from_content(content)), rule.value)


@pytest.mark.parametrize("name", DISTINCT)
def test_an_altered_rule_is_acted_on_otherwise(name: str) -> None:
    rule = ENFORCED[name]
    came = play(rule, rule.value)
    for number, alter in enumerate(CASES[rule.kind][1]):
        assert play(rule, alter(rule.value)) != came, f"{name}: alteration {number} makes no difference"
    if rule.kind not in AS_WITHOUT:
        assert play(rule, rule.value, without=True) != came, f"{name}: the rule makes no difference"


def test_every_rule_has_a_case_or_is_watched_or_says_that_it_is_shown_only() -> None:
    assert CASES.keys() == {kind.id for kind in KINDS.values() if kind.use == "enforced"}
    assert {rule.kind for rule in ENFORCED.values()} == CASES.keys(), "each is met in a delivered profile"
    for name, rule in ALL.items():
        if rule.use == "watched":
            due = rule.due
            assert due is not None and due.fulfilled_by, f"{name} is watched and does not say what fulfils it"
        elif rule.use == "shown":
            assert rule.due is None, name


WATCHED = {
    "meetings-per-year": put("least", 9),
    "meeting-quota": put("least", 9),
    "notice-board": put("announce", {"length": 9}),
    "approval": put("within", {"length": 9}),
}


@pytest.mark.parametrize("name", [name for name, rule in ALL.items() if rule.kind in WATCHED])
def test_when_a_watched_rule_is_due_follows_from_its_value(name: str) -> None:
    rule = ALL[name]
    altered = Rules.from_content(
        {
            "profile": {"id": "p", "title": "T", "document": "D"},
            "rules": {rule.id: {"modality": "ska", "section": "1", "value": WATCHED[rule.kind](rule.value)}},
        }
    ).require(rule.id)
    assert altered.due != rule.due
