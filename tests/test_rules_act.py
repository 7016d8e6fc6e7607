"""Every value of every rule of every profile does something, or is told and nothing else, and is known to be.

- Each part of a rule's value is altered by itself. Something else must come of it: of the case that plays what the
  rule is about, or of the obligations that follow from it. So it must without the rule, or if it does not apply.
- What is only told stands in TOLD with its reason; `liggare rules explain` must then tell something else. A part that
  is in no case and not there is an error: whoever adds one says what it does.
- The profiles are those delivered, and the further councils of tests/profiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import pytest
from pydantic import TypeAdapter, ValidationError

from api.profiles import delivered, explained
from domain.afterwards import SendMinutes
from domain.approving import BeginSigning
from domain.body import Body, Regulation
from domain.body_events import BodyStaffed, MeetingDemanded
from domain.calling import AddItem, ScheduleMeeting
from domain.constituting import CoOpt, ElectViceChair, GiveMandate, OfferSeat, StaffBody
from domain.deliberating import RecordDecision, RecordDissent
from domain.demanding import DemandMeeting
from domain.drafting import CirculateMinutes, DraftMinutes
from domain.holding import CloseMeeting, ElectJusterare, OpenMeeting, RecordAbsence, RecordPresence
from domain.kallelse import Addressee, CallSubstitute, IssueKallelse
from domain.matter import diary_of
from domain.messages import TOPICS, Role
from domain.paragraphs import NumberItems
from domain.profile import read
from domain.profile_tables import schema_at
from domain.regulation import Rule, Rules
from domain.report import SendReport, WriteReport
from domain.report_events import ReportSent
from domain.rule_kinds import KINDS
from domain.rule_work import Due
from domain.sources import Source
from domain.voting import RecordReservation
from projections.obligations import INSTRUMENTS, Asked, Occurrence, obligations_of
from tests import council as c
from tests.council import Session
from tests.given import Outcome, ident
from tests.test_councils import TEXTS

pytestmark = pytest.mark.measured
Play = Callable[[Session, Any], Any]
Place = tuple[str | int, ...]
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
    at: Any = {"starts": "2024-03-12T13:00", "place": "Eken"}
    session.do(ScheduleMeeting(meeting=ident(1), body=c.COUNCIL, **at))
    session.do(ScheduleMeeting(meeting=ident(2), body=c.BOARD, **at))
    chosen = [
        ElectViceChair(body=c.COUNCIL, person=person, valid_from=DAY, meeting=meeting)
        for person, meeting in ((c.EXPERT, None), (c.VICE, ident(1)), (c.VICE, ident(2)))
    ]
    return [session.ask(one).error is None for one in chosen]


def seats(session: Session, value: Any) -> Any:
    offers = [OfferSeat(body=c.COUNCIL, seat=one["seat"], organisation="X") for one in value]
    return ["source=SourcePart" in str(said(session.ask(one))) for one in offers]


def staffing(session: Session, value: Any) -> Any:
    outcome = session.ask(
        StaffBody(body=c.COUNCIL, duty=value["duty"], person=c.EXPERT, organisation="X", valid_from=DAY)
    )
    if outcome.error:
        return outcome.error.code
    capacity = outcome.event(BodyStaffed).capacity
    session.scenario = outcome.saved()
    draft(session)
    circulated = session.do(CirculateMinutes(minutes=c.MINUTES, version=1, recipients=[c.EXPERT]))
    return capacity, findings(circulated)


def co_opt(session: Session, _: Any) -> Any:
    asked = CoOpt(
        body=c.COUNCIL, mandate=ident(1), person=c.GUEST, organisation="X", seat="x", valid_from=DAY
    )
    return [said(session.ask(asked, role=role)) for role in (Role.CHAIR, Role.SECRETARY)]


def substitutes(session: Session, _: Any) -> Any:
    session.scheduled()
    return findings(session.ask(CallSubstitute(meeting=MEETING, hindered=c.RESCUE, substitute=c.EXPERT)))


def who_counts(session: Session, _: Any) -> Any:
    """Who has a seat that counts, and whose view counts as a participant's."""
    council, held_with, views = body(session), held(session, 4), []
    for person in (c.EXPERT, c.GUEST):  # a place that one has as something else does not count here
        council = replace(council, mandates=tuple(one for one in council.mandates if one.person != person))
    for capacity in "member substitute co-opted expert invited official guest".split():
        here = {"meeting": MEETING, "person": c.SECRETARY, "capacity": capacity}
        held_with.do(RecordPresence.model_validate(here))
        view = RecordDissent(meeting=MEETING, item=1, participant=c.SECRETARY, view="X")
        views.append(findings(held_with.ask(view)))
    seats = [council.counted_at(DAY, word) for word in ("members", "representatives", "recipients")]
    return seats, views


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
    return [(one.standing, str(one.title), one.parts) for one in session.scheduled().meeting().agenda]


def item_numbering(session: Session, _: Any) -> Any:
    return said(session.scheduled().ask(NumberItems(meeting=MEETING)))


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


def draft(session: Session) -> Session:
    held(session, 4).do(CloseMeeting(meeting=MEETING), DraftMinutes(minutes=c.MINUTES, meeting=MEETING))
    return session


def minutes(session: Session, _: Any) -> Any:
    return draft(session).minutes().newest.word


def justerare(session: Session, value: Any) -> Any:
    held(session, 4)
    for number in range(2, value.get("number", 1) + 1):
        session.do(ElectJusterare(meeting=MEETING, person=c.VICE, office=f"justerare-{number}"))
    chosen = session.do(ElectJusterare(meeting=MEETING, person=c.SECRETARY))
    more = session.ask(ElectJusterare(meeting=MEETING, person=c.VICE, office="justerare-9"))
    return findings(chosen), findings(more)


def signers(session: Session, _: Any) -> Any:
    return [(one.office, one.field, one.label) for one in draft(session).minutes().signers]


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
    """A view and a reservation: without a decision, by a guest, and too late."""
    held(session, 4).do(RecordPresence(meeting=MEETING, person=c.SECRETARY, capacity="guest"))
    items = [one.item for one in session.meeting().agenda]
    session.do(RecordDecision(meeting=MEETING, item=items[-1], points=["X"]))
    session.do(CloseMeeting(meeting=MEETING, happened="2024-03-12T15:00"))
    came = []
    for person, item, hour in ((c.VICE, 0, 14), (c.SECRETARY, -1, 14), (c.VICE, -1, 16)):
        where: Any = {"meeting": MEETING, "item": items[item], "happened": f"2024-03-12T{hour}:00"}
        asked = (
            RecordDissent(**where, participant=person, view="X"),
            RecordReservation(**where, participant=person),
        )
        came += [one.error.code if one.error else findings(one) for one in map(session.ask, asked)]
    return came


def send_minutes(session: Session, _: Any) -> Any:
    session.sealed()
    return said(session.ask(SendMinutes(minutes=c.MINUTES, recipients=[Addressee(person=c.CHAIR)])))


def report_sections(session: Session, _: Any) -> Any:
    report = ident(0x7A)
    session.do(WriteReport(report=report, body=c.COUNCIL, title="X"))
    sent = session.ask(SendReport(report=report, to_body=c.COUNCIL)).event(ReportSent)
    return [(one.finding, one.observed) for one in sent.findings]


def diary(session: Session, _: Any) -> Any:
    found = diary_of(c.COUNCIL, DAY, session.scenario.world)
    return found and (found.patterns, found.classification, found.kept)


CASES: Final[Mapping[str, Play]] = {
    "chair": chair,
    "vice-chair": vice_chair,
    "seats": seats,
    "staffing": staffing,
    "co-opt": co_opt,
    "substitutes": substitutes,
    "who-counts": who_counts,
    "notice": notice,
    "kallelse": kallelse,
    "standing-items": standing_items,
    "item-numbering": item_numbering,
    "demand": demand,
    "quorum": quorum,
    "minutes": minutes,
    "justerare": justerare,
    "signers": signers,
    "approval": approval,
    "dissent": dissent,
    "send-minutes": send_minutes,
    "report-sections": report_sections,
    "diary": diary,
}
# Parts of values by which nothing is decided and nothing falls due, by the kind of their rule, and why.
TOLD: Final[Mapping[str, Mapping[str, str]]] = {
    "chair": {"by": "who chooses the chair is seen where the mandate is given"},
    "seats": {
        "": "that a seat is there to be held is seen beside who holds it",
        **dict.fromkeys(("seat", "label", "office", "also", "least", "most"), "names and numbers of seats, not owed"),
    },
    "staffing": dict.fromkeys(("examples", "when_needed"), "whom the document thinks of"),
    "co-opt": {"who": "whom the document thinks of"},
    "kallelse": {"sent_by": "who sends it is seen beside the sending"},
    "demand": {"alone": "a body that asks does so by a decision of its own, and not here"},
    "minutes": dict.fromkeys(("word", "kind", "responsible"), "what they are called, and whose they are"),
    "approval": {"manner_decided_by": "the decision is another body's"},
    "meetings-per-year": {"most": "more meetings than that are no failing"},
    "notice-board": {"stays_weeks": "how long it stays up is decided by the time for appeals"},
    "notify": {"to": "to whom it was reported is seen beside it"},
    "dispatch": dict.fromkeys(("what", "to.body", "to.group", "to.which", "to.kind"), "resolved for a day"),
    "report-sections": {"sections": "its headings"},
    "activity": dict.fromkeys(("title", "by", "to", "decided_by", "least"), "what is done, by and for whom"),
}  # fmt: skip
# Kinds of rules that can say what is also the case where no rule says anything.
AS_WITHOUT = {"chair", "seats", "substitutes", "justerare", "dissent", "staffing", "item-numbering"}
# A rule that stands in the way of another's case.
APART = {"kallelse": {"standing-items"}}


def rules_of_all() -> Iterator[tuple[str, Rule]]:
    texts = delivered()
    for name, text in (texts | TEXTS).items():
        profile = read(text, *(other for id, other in texts.items() if id != name))
        for part in profile.bodies:
            for rule in Rules.from_content(profile.content(part)):
                if rule.reads:
                    yield f"{name}/{part}/{rule.id}", rule


ALL: Final = dict(rules_of_all())
# Rules that say the same do the same in every body that has them.
DISTINCT: Final = {
    f"{rule.kind or rule.id} {rule.value} {rule.written_due}": name for name, rule in ALL.items()
}.values()


# --- what comes of a rule
def played(rule: Rule, case: Any, *, without: bool = False) -> Any:
    """What comes of the case in a council that has the rule, or does not have it; case: the value it is played with."""
    apart = APART.get(rule.kind, set())
    tables = {id: one for id, one in c.rules().content["rules"].items() if id not in apart}
    if rule.kind in ("staffing", "who-counts"):
        tables = {id: one for id, one in tables.items() if one.get("kind", id) != rule.kind}
    tables.pop(rule.kind, None)
    if not without:
        table = {"modality": rule.modality, "section": "1", "value": rule.value, "kind": rule.kind}
        tables[rule.id if rule.kind == "staffing" else rule.kind] = table
    content = {**c.rules().content, "rules": tables}
    return CASES[rule.kind](Session(Rules.from_content(content)), case)


def of_one(rule: Rule) -> Rules:
    return Rules("p/b", "T", "D", {"profile": {}}, "", (rule,), {rule.id: rule})


def adopted(rule: Rule) -> Regulation:
    return Regulation("r", of_one(rule), "", "", date(2015, 1, 1), date(2015, 1, 1), None, frozenset(), 1)


STEPS: Final = (89, 97, 101, 103, 107)  # days from one to the next, on every day of the week


def happened() -> dict[str, list[Occurrence]]:
    """Everything there is, again and again; of instruments one kind after the other."""
    kinds, found, position = sorted(INSTRUMENTS), dict[str, list[Occurrence]](), 0
    for place, topic in enumerate((*TOPICS, *OCCASIONS)):
        for number in range(40):
            position += 1
            day = date(2015, 2, 1) + timedelta(days=place % 31 + STEPS[place % len(STEPS)] * number)
            about = (kinds[number % len(kinds)],) if topic.startswith("instrument-") else ()
            one = Occurrence(position, topic[:-3], c.COUNCIL, f"x-{position}", None, day, day, about)
            found.setdefault(one.topic, []).append(one)
    return found


# What rules speak of that is entered as an occasion.
DUE: Final = [due for rule in ALL.values() if (due := rule.due)]
NAMED: Final = {name for due in DUE for name in (*due.after, *due.fulfilled_by)}
OCCASIONS: Final = sorted(f"{name}.v1" for name in NAMED if f"{name}.v1" not in TOPICS)
HAPPENED: Final = happened()
NOTHING: Final = Rule("x", True, "ska", Source("D", "1"))
ASKED: Final = Asked(date(2029, 1, 15), date(2010, 1, 1), date(2029, 1, 15))


def owed(rule: Rule) -> Any:
    """What the rule asks for through the years, and how that stands."""
    listed = obligations_of(c.COUNCIL, [adopted(rule)], HAPPENED, ASKED, {})
    return [str(replace(one, rule=NOTHING)) for one in listed]


def explains(rule: Rule) -> Any:
    return explained("Rådet", adopted(rule), date(2026, 1, 1))


# --- altering
def leaves(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every part of a value that says something by itself; a list also as a whole."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
        return
    yield place
    for number, inner in enumerate(value if isinstance(value, list) else ()):
        yield from leaves(inner, (*place, number))


def part(value: Any, place: Place) -> Any:
    for one in place:
        value = value[one]
    return value


def changed(value: Any, place: Place, new: Any) -> Any:
    """The value with another part; without it if the new one is None."""
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = changed(value[place[0]], place[1:], new)  # type: ignore[index]  # a key or a place
    if new is None and len(place) == 1 and isinstance(copy, dict):
        del copy[place[0]]
    return copy


def others(value: Any, place: Place, shape: TypeAdapter[Any] | None) -> Iterator[Any]:
    """The value with the part altered in every way that its shape allows."""
    now = part(value, place)
    schema = schema_at(shape.json_schema(), place)[0] if shape else {}
    match now:
        case bool():
            choices: list[Any] = [not now]
        case int():
            choices = [now + 1, now + 7, now - 1]
        case list():
            choices = [now[:-1]]
        case _:
            named = [schema, *schema.get("anyOf", ())]
            choices = [choice for one in named for choice in (*one.get("enum", ()), one.get("const"))]
            choices += [
                "2/3",
                "1/9",
                "Annat",
                "annan",
                "chair",
                "X{yyyy}.{n}",
                "[a-z]",
                "2020-02-02",
                "mars 2019",
                "action-plan",
            ]
    for choice in (*choices, None):
        altered = changed(value, place, choice)
        try:
            fits = altered is not None and (shape is None or shape.validate_python(altered) is not None)
        except ValidationError:
            continue
        if fits and choice != now:
            yield altered


def named(place: Place) -> str:
    return ".".join(one for one in place if isinstance(one, str))


def only_told(rule: Rule, place: Place) -> bool:
    """Whether a part of a rule's value is told and nothing else."""
    if rule.kind not in KINDS or (KINDS[rule.kind].use == "shown" and rule.kind != "activity"):
        return True
    name, due = named(place), rule.due
    if (rule.kind, name) == (
        "activity",
        "what",
    ):  # it tells the instruments that count from those that do not
        return due is None or not any(one.startswith("instrument-") for one in due.fulfilled_by)
    return name in TOLD.get(rule.kind, {})


def comes(rule: Rule, case: Any) -> tuple[Any, Any]:
    return played(rule, case) if rule.kind in CASES else None, owed(rule) if rule.due else None


@pytest.mark.parametrize("name", DISTINCT)
def test_an_altered_value_is_acted_on_otherwise_or_told_otherwise(name: str) -> None:
    rule = ALL[name]
    came, shape = comes(rule, rule.value), KINDS[rule.kind].shape if rule.kind in KINDS else None
    for place in leaves(rule.value):
        altered = [replace(rule, value=value) for value in others(rule.value, place, shape)]
        acts = any(comes(one, rule.value) != came for one in altered)
        tells = only_told(rule, place) and all(explains(one) != explains(rule) for one in altered)
        constant = shape and "const" in schema_at(shape.json_schema(), place)[0]
        assert acts or tells or constant, f"{name}: {place} makes no difference"
    if rule.kind in CASES and rule.kind not in AS_WITHOUT:
        assert played(rule, rule.value, without=True) != came[0], f"{name}: the rule makes no difference"


@pytest.mark.parametrize("name", [name for name in DISTINCT if ALL[name].written_due])
def test_an_altered_time_falls_due_otherwise(name: str) -> None:
    rule = ALL[name]
    assert rule.written_due is not None
    due, came = rule.written_due.model_dump(mode="json", exclude_defaults=True), owed(rule)
    for place in leaves(due):
        altered = [
            replace(rule, written_due=Due.model_validate(one)) for one in others(due, place, TypeAdapter(Due))
        ]
        assert not altered or any(owed(one) != came for one in altered), f"{name}: {place} does nothing"


@pytest.mark.parametrize("name", [name for name in DISTINCT if ALL[name].kind in CASES])
def test_what_expressly_does_not_apply_is_not_acted_on(name: str) -> None:
    rule = ALL[name]
    said, unsaid = replace(rule, modality="galler-inte"), replace(rule, modality="galler-inte", value=True)
    assert played(said, rule.value) == played(unsaid, rule.value)
    if rule.kind not in AS_WITHOUT:
        assert played(said, rule.value) != played(rule, rule.value)


def test_every_kind_that_decides_has_a_case_that_a_profile_meets() -> None:
    assert CASES.keys() == {kind.id for kind in KINDS.values() if kind.use == "enforced"}
    assert CASES.keys() <= {rule.kind for rule in ALL.values()}
    assert TOLD.keys() <= KINDS.keys()


def test_every_rule_says_in_words_what_it_says() -> None:
    assert not [name for name, rule in ALL.items() if not rule.text]
    for name, rule in ALL.items():
        if rule.use == "watched":
            due = rule.due
            assert due is not None and due.fulfilled_by, f"{name} is watched and does not say what fulfils it"
        elif rule.use == "shown":
            assert rule.due is None, name


def idle(rule: Rule, place: Place) -> bool:
    """Whether a part of a rule's value does nothing at all."""
    altered = [replace(rule, value=one) for one in others(rule.value, place, KINDS[rule.kind].shape)]
    return all(comes(one, rule.value) == comes(rule, rule.value) for one in altered)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in TOLD.items() for name in names])
def test_what_is_only_told_is_really_not_acted_on(kind: str, name: str) -> None:
    of_kind = [rule for rule in ALL.values() if rule.kind == kind]
    assert any(idle(rule, place) for rule in of_kind for place in leaves(rule.value) if named(place) == name)
