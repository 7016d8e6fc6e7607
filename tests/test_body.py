"""Bodies: regulations by day, mandates as assertions, and what members may ask for."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain.body import Body
from domain.body_events import (
    BodyEstablished,
    BodyStaffed,
    DemandJoined,
    MandateEnded,
    MeetingDemanded,
    MemberCoOpted,
    RegulationAdopted,
    SeatAccepted,
    SeatDeclined,
    SeatOffered,
    ViceChairElected,
)
from domain.calling import ScheduleMeeting
from domain.constituting import (
    AdoptRegulation,
    AnswerSeatOffer,
    CoOpt,
    ElectViceChair,
    EndMandate,
    EstablishBody,
    GiveMandate,
    OfferSeat,
    StaffBody,
)
from domain.demanding import DemandMeeting, JoinDemand
from domain.errors import NotFound
from domain.messages import Command, Event, Known, Role, SourcePart
from domain.person import PersonRegistered
from domain.sources import Source, house
from tests.conftest import LONG
from tests.given import DictWorld, Scenario, acting, fact, given, ident
from tests.test_regulation import HEAD, LERUM

KS, COUNCIL = ident(1), ident(2)
PEOPLE = [ident(0x10 + n) for n in range(8)]
ANNA, BO, CIA, DAN, EVA, *_ = PEOPLE
ADOPTED, DAY = date(2023, 11, 10), date(2024, 3, 5)
L5 = Source("KS23.276", "2", "L5")
L11 = Source("KS23.276", "2.3", "L11")


def adopting(**changes: Any) -> AdoptRegulation:
    fields = {"body": COUNCIL, "regulation": ident(0x20), "adopted_on": ADOPTED, "profile": LERUM}
    fields |= changes
    part = "trygghetsradet" if "[bodies." in str(fields["profile"]) else None
    return AdoptRegulation.model_validate(fields | {"part": part})


def giving(person: str, number: int = 0, **changes: Any) -> GiveMandate:
    fields = {"body": COUNCIL, "mandate": ident(0x30 + number), "person": person, "seat": "presidium"}
    return GiveMandate.model_validate(fields | {"valid_from": ADOPTED} | changes)


def bodies() -> Scenario:
    people: dict[str, list[Event]] = {
        f"person-{id}": [PersonRegistered(person=id, name=Known("Någon"))] for id in PEOPLE
    }
    return given(
        people
        | {
            f"body-{KS}": [
                BodyEstablished(body=KS, name="Kommunstyrelsen", kind="kommunstyrelse", parent=None)
            ],
            f"body-{COUNCIL}": [
                BodyEstablished(body=COUNCIL, name="Trygghetsrådet", kind="trygghetsrad", parent=KS)
            ],
        }
    )


def regulated() -> Scenario:
    return bodies().when(adopting()).saved()


def seated(members: int = 4) -> Scenario:
    """The council with Lerum's rules and so many members."""
    scenario = regulated()
    for number, person in enumerate(PEOPLE[:members]):
        scenario = scenario.when(giving(person, number)).saved()
    return scenario


def council(scenario: Scenario) -> Body:
    return scenario.world.get(Body, COUNCIL)


@pytest.mark.fact("V4")
def test_a_regulation_whose_day_of_adoption_is_unknown_applies_from_a_day_that_is_known() -> None:
    bodies().when(adopting(adopted_on=None)).then_refused("adopted-from-no-day", house(11))
    after = bodies().when(adopting(adopted_on=None, valid_from=DAY)).saved()
    (adopted,) = council(after).regulations
    assert (adopted.adopted_on, adopted.valid_from) == (None, DAY)
    assert council(after).regulation_at(DAY - timedelta(days=1)) is None


# --- the body
def test_a_body_is_entered_once_under_a_body_that_is() -> None:
    command = EstablishBody(body=ident(3), name="Klaragruppen", kind="arbetsgrupp", parent=COUNCIL)
    event = BodyEstablished(body=ident(3), name="Klaragruppen", kind="arbetsgrupp", parent=COUNCIL)
    after = bodies().when(command).then(event).saved()
    state = after.world.get(Body, ident(3))
    assert (state.exists, state.name, state.kind, state.parent) == (
        True,
        "Klaragruppen",
        "arbetsgrupp",
        COUNCIL,
    )
    after.when(command).then_refused("id-taken", house(10))
    orphan = EstablishBody(body=ident(4), name="X", kind="y", parent=ident(9))
    bodies().when(orphan).then_refused("not-found", house(1))
    itself = EstablishBody(body=ident(4), name="X", kind="y", parent=ident(4))
    bodies().when(itself).then_refused("not-found", house(1))
    top = EstablishBody(body=ident(4), name="Socialnämnden", kind="namnd")
    assert bodies().when(top).saved().world.get(Body, ident(4)).parent == ""
    assert not DictWorld().get(Body, KS).exists


@pytest.mark.parametrize(
    "command",
    [
        adopting(),
        OfferSeat(body=COUNCIL, seat="polisen", organisation="Polisen"),
        AnswerSeatOffer(body=COUNCIL, offer=ident(1), accepted=True),
        giving(ANNA),
        EndMandate(body=COUNCIL, mandate=ident(1), valid_to=DAY),
        ElectViceChair(body=COUNCIL, person=ANNA, valid_from=DAY),
        CoOpt(body=COUNCIL, person=ANNA, organisation="Polisen", seat="x", valid_from=DAY),
        StaffBody(body=COUNCIL, duty="expertise", person=ANNA, organisation="X", valid_from=DAY),
        DemandMeeting(body=COUNCIL, persons=[ANNA], subject="x"),
        JoinDemand(body=COUNCIL, demand=ident(1), persons=[ANNA]),
    ],
)
def test_a_body_that_is_not_entered_has_nothing(command: Command) -> None:
    given().when(command).then_refused("not-found", house(1))


# --- regulations
def test_the_whole_content_of_a_regulation_goes_into_the_log() -> None:
    free = [date(2024, 6, 21), date(2024, 1, 1), date(2024, 1, 1)]
    command = adopting(diarienummer="KS23.276", adopted_by=KS, non_working_days=free)
    event = bodies().when(command).event(RegulationAdopted)
    assert event.content["rules"]["notice"]["value"]["length"] == 7
    assert event.non_working_days == (date(2024, 1, 1), date(2024, 6, 21))
    after = bodies().when(command).saved()
    regulation = council(after).regulation_at(DAY)
    assert regulation is not None
    assert (regulation.diarienummer, regulation.adopted_by, regulation.adopted_on) == (
        "KS23.276",
        KS,
        ADOPTED,
    )
    assert regulation.non_working_days == {date(2024, 1, 1), date(2024, 6, 21)}
    rules = council(after).rules_at(DAY)
    assert rules is not None and rules.hash == event.content_hash


def test_a_regulation_applies_from_its_day_to_its_last() -> None:
    after = bodies().when(adopting(valid_from=date(2024, 1, 1), valid_to=date(2024, 12, 31))).saved()
    for day, there in (
        ("2023-12-31", False),
        ("2024-01-01", True),
        ("2024-12-31", True),
        ("2025-01-01", False),
    ):
        assert (council(after).rules_at(date.fromisoformat(day)) is not None) is there
    since = bodies().when(adopting()).saved()
    assert council(since).rules_at(ADOPTED) is not None, "without another day, from its adoption"
    assert council(since).rules_at(ADOPTED - timedelta(days=1)) is None


def test_a_later_regulation_takes_over_and_an_older_one_entered_late_does_not() -> None:
    newer = LERUM.replace("length = 7", "length = 14")
    older = LERUM.replace("length = 7", "length = 5")
    after = regulated()
    after = after.when(adopting(regulation=ident(0x21), profile=newer, valid_from=date(2025, 1, 1))).saved()
    after = after.when(adopting(regulation=ident(0x22), profile=older, valid_from=date(2020, 1, 1))).saved()
    lengths = []
    for day in (date(2021, 1, 1), DAY, date(2025, 6, 1)):
        rules = council(after).rules_at(day)
        notice = rules.notice() if rules else None
        lengths.append(notice.length if notice else None)
    assert lengths == [5, 7, 14]


def test_of_two_from_the_same_day_the_later_adopted_counts() -> None:
    newer = LERUM.replace("length = 7", "length = 14")
    after = regulated().when(adopting(regulation=ident(0x21), profile=newer)).saved()
    rules = council(after).rules_at(DAY)
    notice = rules.notice() if rules else None
    assert notice is not None and notice.length == 14


def test_what_is_wrong_with_a_regulation() -> None:
    regulated().when(adopting()).then_refused("id-taken", house(10))
    bodies().when(adopting(adopted_by=ident(9))).then_refused("not-found", house(1))
    backwards = adopting(valid_to=ADOPTED - timedelta(days=1))
    bodies().when(backwards).then_refused("ends-before-it-begins", house(14))
    bodies().when(adopting(profile="[profile")).then_refused("profile-not-toml", house(11))


# --- seats
@pytest.mark.fact("L3")
def test_an_offer_that_is_owed_carries_its_source() -> None:
    command = OfferSeat(
        body=COUNCIL, offer=ident(5), seat="polisen", organisation="Polisen", to="kommunpolisen"
    )
    l3 = SourcePart.of(Source("KS23.276", "2", "L3"))
    event = SeatOffered(
        body=COUNCIL,
        offer=ident(5),
        seat="polisen",
        organisation="Polisen",
        to=Known("kommunpolisen"),
        source=l3,
    )
    after = regulated().when(command).then(event).saved()
    offer = council(after).offers[ident(5)]
    assert (offer.seat, offer.organisation, offer.to, offer.accepted) == (
        "polisen",
        "Polisen",
        Known("kommunpolisen"),
        None,
    )
    after.when(command).then_refused("id-taken", house(10))


@pytest.mark.parametrize(
    ("seat", "rules"), [("presidium", True), ("foreningslivet", True), ("polisen", False)]
)
def test_an_offer_that_nobody_owes_has_none(seat: str, rules: bool) -> None:
    scenario = regulated() if rules else bodies()
    event = scenario.when(OfferSeat(body=COUNCIL, seat=seat, organisation="X")).event(SeatOffered)
    assert event.source is None and event.to is None


def test_an_offer_is_owed_under_the_rules_of_its_day() -> None:
    before = OfferSeat(body=COUNCIL, seat="polisen", organisation="Polisen", happened="2023-10-01")
    assert regulated().when(before).event(SeatOffered).source is None


@pytest.mark.fact("L3")
def test_an_offer_is_accepted_or_declined_and_may_be_answered_anew() -> None:
    offered = OfferSeat(body=COUNCIL, offer=ident(5), seat="polisen", organisation="Polisen")
    after = regulated().when(offered).saved()
    no = after.when(AnswerSeatOffer(body=COUNCIL, offer=ident(5), accepted=False))
    after = no.then(SeatDeclined(body=COUNCIL, offer=ident(5))).saved()
    assert council(after).offers[ident(5)].accepted is False
    after.when(AnswerSeatOffer(body=COUNCIL, offer=ident(5), accepted=False)).then_nothing()
    yes = after.when(AnswerSeatOffer(body=COUNCIL, offer=ident(5), accepted=True))
    after = yes.then(SeatAccepted(body=COUNCIL, offer=ident(5))).saved()
    assert council(after).offers[ident(5)].accepted is True
    unknown = AnswerSeatOffer(body=COUNCIL, offer=ident(6), accepted=True)
    assert isinstance(after.when(unknown).then_refused("not-found"), NotFound)


# --- mandates
def test_a_mandate_holds_from_its_day_to_its_last() -> None:
    after = bodies().when(giving(ANNA, valid_to=DAY)).saved()
    for day, there in ((ADOPTED - timedelta(days=1), False), (ADOPTED, True), (DAY, True)):
        assert council(after).holds(ANNA, day) is there
    assert not council(after).holds(ANNA, DAY + timedelta(days=1))
    assert council(after).members_at(DAY) == (ANNA,), "without rules members are those who sit as members"


def test_a_mandate_ends_by_a_later_event_and_its_reason_is_that_persons() -> None:
    command = EndMandate(body=COUNCIL, mandate=ident(0x30), valid_to=DAY, reason="flyttat")
    outcome = seated(2).when(command)
    outcome.then(
        MandateEnded(body=COUNCIL, mandate=ident(0x30), person=ANNA, valid_to=DAY, reason=Known("flyttat"))
    )
    after = outcome.saved()
    assert council(after).members_at(DAY) == (ANNA, BO)
    assert council(after).members_at(DAY + timedelta(days=1)) == (BO,)
    early = EndMandate(body=COUNCIL, mandate=ident(0x30), valid_to=ADOPTED - timedelta(days=1))
    after.when(early).then_refused("ends-before-it-begins", house(14))
    unknown = EndMandate(body=COUNCIL, mandate=ident(0x99), valid_to=DAY)
    after.when(unknown).then_refused("not-found", house(1))


def test_what_is_wrong_with_a_mandate() -> None:
    seated(1).when(giving(ANNA)).then_refused("id-taken", house(10))
    bodies().when(giving(ident(0x99))).then_refused("not-found", house(1))
    backwards = giving(ANNA, valid_to=ADOPTED - timedelta(days=1))
    bodies().when(backwards).then_refused("ends-before-it-begins", house(14))


def test_a_substitute_is_one_for_another_person() -> None:
    right = giving(ANNA, capacity="substitute", substitutes_for=BO)
    held = council(bodies().when(right).saved()).holdings_at(DAY)[0]
    assert (held.capacity, held.substitutes_for) == ("substitute", BO)
    for wrong in (
        giving(ANNA, capacity="substitute", substitutes_for=ANNA),
        giving(ANNA, capacity="member", substitutes_for=BO),
    ):
        bodies().when(wrong).then_refused("substitute-for-whom", house(15))
    stranger = giving(ANNA, capacity="substitute", substitutes_for=ident(0x99))
    bodies().when(stranger).then_refused("not-found", house(1))


@pytest.mark.fact("L6")
def test_who_counts_follows_the_words_of_the_rules() -> None:
    after = seated(2)
    after = after.when(giving(CIA, 7, capacity="substitute")).saved()
    after = after.when(giving(DAN, 8, capacity="expert")).saved()
    assert council(after).members_at(DAY) == (ANNA, BO)
    assert council(after).counted_at(DAY, "recipients") == (ANNA, BO)
    assert council(after).counted_at(DAY, "representatives") == (ANNA, BO, CIA)
    assert council(after).counted_at(DAY, "participants") == (ANNA, BO, CIA, DAN)


def test_a_person_is_counted_once_and_by_the_latest_mandate_for_a_seat() -> None:
    after = seated(1).when(giving(ANNA, 7, seat="polisen")).saved()
    assert council(after).members_at(DAY) == (ANNA,)
    after = seated(1).when(giving(ANNA, 7, capacity="invited", valid_from=date(2024, 1, 1))).saved()
    assert council(after).members_at(date(2023, 12, 31)) == (ANNA,)
    assert council(after).members_at(DAY) == ()


# --- chairs
def chair(number: int, person: str, **changes: Any) -> GiveMandate:
    return giving(person, number, body=KS, seat="ordforande", **changes)


@pytest.mark.fact("L5")
def test_the_chair_of_the_body_above_is_chair_by_office() -> None:
    after = regulated().when(chair(1, ANNA)).saved()
    assert council(after).chair_at(DAY, after.world) == ANNA
    assert council(after).chair_at(ADOPTED - timedelta(days=1), after.world) == "", (
        "before the rules, nobody known"
    )
    assert council(regulated()).chair_at(DAY, regulated().world) == ""


def test_a_chair_by_office_under_no_body_is_unknown() -> None:
    alone = adopting(body=KS)
    after = bodies().when(alone).saved().when(chair(1, ANNA)).saved()
    assert after.world.get(Body, KS).chair_at(DAY, after.world) == ""


def test_a_chair_may_instead_hold_a_seat_that_the_rules_name() -> None:
    profile = (
        HEAD
        + '[rules.chair]\nmodality = "ska"\nsection = "1"\nvalue = { kind = "seat", seat = "sammankallande" }\n'
    )
    after = bodies().when(adopting(profile=profile)).saved().when(giving(ANNA, seat="sammankallande")).saved()
    assert council(after).chair_at(DAY, after.world) == ANNA
    silent = HEAD + '[rules.own-thing]\nmodality = "ska"\nsection = "1"\n'
    after = bodies().when(adopting(profile=silent)).saved().when(giving(BO, seat="ordforande")).saved()
    assert council(after).chair_at(DAY, after.world) == BO


def test_a_january_election_entered_after_march_does_not_end_the_march_one() -> None:
    january = chair(1, ANNA, valid_from=date(2024, 1, 15))
    march = chair(2, BO, valid_from=date(2024, 3, 1))
    for order in ((january, march), (march, january)):
        after = regulated()
        for command in order:
            after = after.when(command).saved()
        assert council(after).chair_at(date(2024, 2, 1), after.world) == ANNA
        assert council(after).chair_at(date(2024, 4, 1), after.world) == BO


def test_of_two_elections_from_the_same_day_the_later_entered_counts() -> None:
    after = regulated().when(chair(1, ANNA)).saved().when(chair(2, BO)).saved()
    assert council(after).chair_at(DAY, after.world) == BO


@for_all(
    st.lists(
        st.tuples(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 40))),
        min_size=1,
        max_size=5 if LONG else 4,
    )
)
def test_who_holds_a_seat_does_not_depend_on_the_order_of_entry(spans: list[tuple[int, int | None]]) -> None:
    commands = [
        chair(
            number,
            PEOPLE[number],
            valid_from=ADOPTED + timedelta(days=start),
            valid_to=None if length is None else ADOPTED + timedelta(days=start + length),
        )
        for number, (start, length) in enumerate(spans)
    ]
    distinct = len({start for start, _ in spans}) == len(spans)
    answers = set()
    for order in list(permutations(commands))[:: max(1, len(commands))]:
        after = regulated()
        for command in order:
            after = after.when(command).saved()
        state = after.world.get(Body, KS)
        answers.add(
            tuple(state.seated_at(ADOPTED + timedelta(days=day), "ordforande") for day in range(0, 95, 5))
        )
    if distinct:
        assert len(answers) == 1
    for answer in answers:
        for step, person in enumerate(answer):
            standing = [
                (start, PEOPLE[number])
                for number, (start, length) in enumerate(spans)
                if start <= step * 5 and (length is None or step * 5 <= start + length)
            ]
            assert person in ({one for start, one in standing if start == max(standing)[0]} or {""})


@pytest.mark.fact("L5")
def test_the_vice_chair_is_chosen_from_within() -> None:
    mandate: Any = {"mandate": ident(0x50), "person": ANNA, "valid_from": DAY, "valid_to": None}
    here = {**mandate, "body": COUNCIL, "meeting": ident(7)}
    before = seated(2)
    for number, body in ((7, COUNCIL), (8, KS)):
        starts = f"{DAY}T13:00"
        before = before.when(
            ScheduleMeeting(meeting=ident(number), body=body, starts=starts, place="Eken")
        ).saved()
    after = before.when(ElectViceChair(**here)).then(ViceChairElected(**here)).saved()
    elsewhere = before.when(ElectViceChair(**here | {"meeting": ident(8)}))
    assert elsewhere.then_refused("elected-elsewhere", L5).values == {"elects": "Trygghetsrådet"}
    before.when(ElectViceChair(**here | {"meeting": ident(9)})).then_refused("not-found", house(1))
    assert council(after).vice_chair_at(DAY) == ANNA
    assert council(after).vice_chair_at(DAY - timedelta(days=1)) == ""
    assert council(after).members_at(DAY) == (ANNA, BO), "it is no seat of its own"
    stranger = ElectViceChair(body=COUNCIL, person=CIA, valid_from=DAY)
    refused = seated(2).when(stranger).then_refused("vice-chair-from-within", L5)
    assert refused.values == {"day": "2024-03-05"}
    too_early = ElectViceChair(body=COUNCIL, person=ANNA, valid_from=ADOPTED - timedelta(days=1))
    seated(2).when(too_early).saved()


def test_where_no_rule_says_so_anyone_may_be_vice_chair() -> None:
    bodies().when(ElectViceChair(body=COUNCIL, person=CIA, valid_from=DAY)).saved()
    silent = HEAD + '[rules.own-thing]\nmodality = "ska"\nsection = "1"\n'
    scenario = bodies().when(adopting(profile=silent)).saved()
    scenario.when(ElectViceChair(body=COUNCIL, person=CIA, valid_from=DAY)).saved()


@pytest.mark.fact("L6")
def test_the_chair_may_co_opt_where_the_rules_let_him() -> None:
    command = CoOpt(
        body=COUNCIL,
        mandate=ident(0x51),
        person=EVA,
        organisation="Kriminalvården",
        seat="kriminalvarden",
        valid_from=DAY,
    )
    event = MemberCoOpted(
        body=COUNCIL,
        mandate=ident(0x51),
        person=EVA,
        organisation="Kriminalvården",
        seat="kriminalvarden",
        valid_from=DAY,
        valid_to=None,
        source=SourcePart.of(Source("KS23.276", "2", "L6")),
    )
    after = seated(2).when(command, acting(Role.CHAIR)).then(event).saved()
    assert council(after).holds(EVA, DAY)
    assert council(after).members_at(DAY) == (ANNA, BO)
    seated(2).when(command).then_refused("co-opted-by-another", Source("KS23.276", "2", "L6"))
    assert EVA in council(after).counted_at(DAY, "participants")
    bodies().when(command).then_refused("no-regulation", house(11))
    silent = bodies().when(adopting(profile=HEAD + '[rules.a]\nmodality = "ska"\nsection = "1"\n')).saved()
    silent.when(command).then_refused("rule-missing", house(11))


@pytest.mark.parametrize(("duty", "number"), [("expertise", "L4"), ("other-actors", "L6")])
@pytest.mark.fact("L4")
@pytest.mark.fact("L6")
def test_staffing_is_recorded_under_the_duty_that_asks_for_it(duty: str, number: str) -> None:
    command = StaffBody(
        body=COUNCIL,
        mandate=ident(0x52),
        duty=duty,
        person=EVA,
        organisation="Säkerhetsenheten",
        valid_from=DAY,
    )
    event = seated(2).when(command).event(BodyStaffed)
    assert (event.capacity, event.source) == ("expert", SourcePart.of(Source("KS23.276", "2", number)))
    after = seated(2).when(command).saved()
    held = council(after).holdings_at(DAY)[-1]
    assert (held.person, held.seat, held.organisation) == (EVA, duty, "Säkerhetsenheten")


def test_staffing_under_no_duty_is_refused() -> None:
    command = StaffBody(body=COUNCIL, duty="decoration", person=EVA, organisation="X", valid_from=DAY)
    refused = seated(2).when(command).then_refused("no-such-duty", house(17))
    assert refused.values["duties"] == "expertise, other-actors"
    silent = bodies().when(adopting(profile=HEAD + '[rules.a]\nmodality = "ska"\nsection = "1"\n')).saved()
    assert silent.when(command).then_refused("no-such-duty", house(17)).values["duties"] == "-"


# --- demands
def demanding(*persons: str, **changes: Any) -> DemandMeeting:
    fields = {"body": COUNCIL, "demand": ident(0x60), "persons": list(persons), "subject": "Oro på torget"}
    return DemandMeeting.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("members", "asking", "reached"), [(4, 2, False), (4, 3, True), (5, 2, False), (5, 3, True)]
)
@pytest.mark.fact("L11")
def test_half_of_the_members_is_not_enough_and_more_is(members: int, asking: int, reached: bool) -> None:
    event = seated(members).when(demanding(*PEOPLE[:asking])).event(MeetingDemanded)
    assert (event.members, event.needed, event.reached) == (members, members // 2 + 1, reached)
    assert event.source == SourcePart.of(L11)
    assert event.persons == tuple(PEOPLE[:asking])


def test_more_members_join_until_they_are_enough() -> None:
    after = seated(4).when(demanding(ANNA, ANNA)).saved()
    assert council(after).demands[ident(0x60)].persons == (ANNA,)
    outcome = after.when(JoinDemand(body=COUNCIL, demand=ident(0x60), persons=[ANNA, BO, BO]))
    joined = outcome.event(DemandJoined)
    assert (joined.persons, joined.members, joined.needed, joined.reached) == ((BO,), 4, 3, False)
    after = outcome.saved()
    after.when(JoinDemand(body=COUNCIL, demand=ident(0x60), persons=[BO])).then_nothing()
    after = after.when(JoinDemand(body=COUNCIL, demand=ident(0x60), persons=[CIA])).saved()
    asked = council(after).demands[ident(0x60)]
    assert (asked.persons, asked.reached, asked.subject) == ((ANNA, BO, CIA), True, Known("Oro på torget"))


def test_somebody_who_has_left_since_no_longer_counts() -> None:
    after = seated(4).when(demanding(ANNA, BO)).saved()
    after = after.when(EndMandate(body=COUNCIL, mandate=ident(0x30), valid_to=date(2024, 3, 4))).saved()
    joined = after.when(JoinDemand(body=COUNCIL, demand=ident(0x60), persons=[CIA])).event(DemandJoined)
    assert (joined.members, joined.needed, joined.reached) == (3, 2, True)
    after = after.when(EndMandate(body=COUNCIL, mandate=ident(0x31), valid_to=date(2024, 3, 4))).saved()
    joined = after.when(JoinDemand(body=COUNCIL, demand=ident(0x60), persons=[CIA])).event(DemandJoined)
    assert (joined.members, joined.needed, joined.reached) == (2, 2, False)


def test_members_are_counted_on_the_day_they_asked() -> None:
    late = demanding(ANNA, happened="2023-10-01")
    seated(4).when(late).then_refused("no-regulation", house(11))


@pytest.mark.fact("L11")
def test_only_members_count_and_a_member_asks_for_himself() -> None:
    refused = seated(2).when(demanding(ANNA, CIA)).then_refused("not-a-member", L11)
    assert refused.values["person"] == CIA
    member = acting(Role.MEMBER, ANNA)
    seated(4).when(demanding(ANNA), member).saved()
    seated(4).when(demanding(BO), member).then_refused("asks-for-another", house(16))
    seated(4).when(demanding(ANNA, BO), member).then_refused("asks-for-another", house(16))
    after = seated(4).when(demanding(BO)).saved()
    own = JoinDemand(body=COUNCIL, demand=ident(0x60), persons=[ANNA])
    after.when(own, member).saved()
    other = JoinDemand(body=COUNCIL, demand=ident(0x60), persons=[CIA])
    after.when(other, member).then_refused("asks-for-another", house(16))


def test_what_is_wrong_with_a_demand() -> None:
    after = seated(4).when(demanding(ANNA)).saved()
    after.when(demanding(ANNA)).then_refused("id-taken", house(10))
    unknown = JoinDemand(body=COUNCIL, demand=ident(0x61), persons=[ANNA])
    assert after.when(unknown).then_refused("not-found", house(1)).values["what"] == "demand"
    silent = bodies().when(adopting(profile=HEAD + '[rules.a]\nmodality = "ska"\nsection = "1"\n')).saved()
    silent.when(demanding(ANNA)).then_refused("rule-missing", house(11))


@for_all(st.integers(1, 8), st.sets(st.integers(0, 7), min_size=1), st.randoms())
def test_whether_enough_asked_does_not_depend_on_how_they_came(
    members: int, asking: set[int], order: Any
) -> None:
    persons = [PEOPLE[number] for number in asking if number < members]
    if not persons:
        return
    order.shuffle(persons)
    scenario = seated(members)
    after = scenario.when(demanding(persons[0])).saved()
    for person in persons[1:]:
        after = after.when(JoinDemand(body=COUNCIL, demand=ident(0x60), persons=[person])).saved()
    at_once = scenario.when(demanding(*persons)).event(MeetingDemanded)
    assert council(after).demands[ident(0x60)].reached is at_once.reached is (2 * len(persons) > members)


def test_an_event_of_another_stream_changes_nothing() -> None:
    state = Body()
    assert state.evolve(fact(PersonRegistered(person=ANNA, name=Known("A")))) is state


@for_all(st.permutations(range(4)))
def test_a_fold_takes_its_events_in_any_order_and_without_those_before(order: list[int]) -> None:
    source = SourcePart(document="KS23.276", section="2", fact="L11")
    asked = {"body": COUNCIL, "demand": ident(6), "members": 4, "needed": 3, "reached": False}
    events: list[Event] = [
        SeatAccepted(body=COUNCIL, offer=ident(5)),
        SeatDeclined(body=COUNCIL, offer=ident(7)),
        DemandJoined.model_validate(asked | {"persons": (ANNA,), "source": source}),
        MandateEnded(body=COUNCIL, mandate=ident(8), person=ANNA, valid_to=DAY),
    ]
    state = Body()
    for number in order:
        state = state.evolve(fact(events[number]))
    assert (state.offers[ident(5)].accepted, state.offers[ident(7)].accepted) == (True, False)
    assert state.demands[ident(6)].persons == (ANNA,) and not state.exists
