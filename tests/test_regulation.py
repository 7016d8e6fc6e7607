"""Rules: what an adopted regulation says, on which day, where it says it, and that only the log's content counts."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import Refused
from domain.profile_tables import Modality
from domain.regulation import Rules, content_hash, parse
from domain.rule_kinds import MEETINGS_PER_YEAR, NOT_APPLICABLE, NOTIFY
from domain.rule_meetings import Demand
from domain.sources import Source, house
from signing.canonical import encode

PROFILES = Path(__file__).parent.parent / "domain" / "profiles"
LERUM = (PROFILES / "lerum.toml").read_text("utf-8")
HEAD = '[profile]\nid = "p"\ntitle = "T"\n[documents.d]\nname = "D 1"\n'
DAY = date(2024, 3, 5)


def rules() -> Rules:
    return parse(LERUM, "trygghetsradet")


# --- Lerum, fact by fact (the facts are numbered in the profile)
@pytest.mark.fact("L1")
def test_l1_the_document_and_what_it_does_not_say() -> None:
    found = rules()
    assert (found.document, found.title) == ("KS23.276", "Bestämmelser för trygghetsrådet")
    head, (document,) = found.content["profile"], found.content["documents"]
    assert (document["diarienummer"], document["decided_on"]) == ("KS23.276", "2023-11-10")
    assert "paragraf för antagandet" in head["unknown"]
    assert "giltighetstid" in head["unknown"]


@pytest.mark.fact("L1")
@pytest.mark.fact("X2")
def test_l1_the_diary_is_that_of_the_board() -> None:
    diary = rules().diary()
    assert diary is not None
    assert (diary.patterns, diary.classification, diary.kept) == (("KS{yy}.{n}",), None, "external")


@pytest.mark.fact("L2")
@pytest.mark.fact("X5")
def test_l2_the_basis_is_keyed_on_the_number_and_keeps_the_wording() -> None:
    basis = rules().require("basis").value
    assert basis["statutes"] == ["2023:196"]
    assert basis["statute_as_written"] == "kommuners ansvar för trygghetsskapande åtgärder"
    assert basis["tied_to"] == "kommunstyrelsen"


@pytest.mark.fact("L3")
def test_l3_two_seats_must_be_offered_and_the_unclear_stays_unclear() -> None:
    rule = rules().require("seats")
    assert {seat.seat: seat.duty for seat in rules().seats()} == {
        "presidium": "part",
        "polisen": "offer",
        "raddningstjansten": "offer",
    }
    assert [seat.least for seat in rules().seats()] == [None, 1, 1]
    assert (rule.modality, rule.bound) == (Modality.SKA, "minst")
    assert "arbetsutskottet" in rule.unclear


@pytest.mark.fact("L4")
@pytest.mark.fact("L6")
def test_l4_and_l6_two_staffing_duties_of_two_people() -> None:
    (first, expertise), (second, others) = rules().staffing()
    assert (first.source.fact, expertise.duty, expertise.responsible) == ("L4", "expertise", "kommundirektor")
    assert (second.source.fact, others.duty, others.responsible) == ("L6", "other-actors", "chair")
    assert len(expertise.when_needed) == 4


@pytest.mark.fact("L5")
def test_l5_the_chair_comes_with_an_office_and_the_vice_chair_from_within() -> None:
    chair, vice = rules().chair(), rules().vice_chair()
    assert chair is not None and chair.kind == "ex-officio"
    assert vice is not None and (vice.elected_by, vice.among) == ("body", "members")


@pytest.mark.fact("L6")
def test_l6_co_opting_is_a_may() -> None:
    assert rules().require("co-opt").modality == Modality.KAN


@pytest.mark.fact("L7")
def test_l7_the_picture_leads_to_the_plan() -> None:
    rule = rules().require("picture-and-plan")
    assert rule.source == Source("KS23.276", "2.1", "L7")
    assert rule.value["followed_up_against"] == ["åtgärdsplan", "handlingsplan"]


@pytest.mark.fact("L8")
def test_l8_four_standing_items_the_fourth_in_two_parts() -> None:
    items = rules().standing_items()
    assert [item.id for item in items] == [
        "val-av-justerare",
        "dagordning",
        "foregaende-anteckningar",
        "aktuellt",
    ]
    assert [len(item.parts) for item in items] == [0, 0, 0, 2]
    assert rules().require("standing-items").modality == Modality.PRESENS


@pytest.mark.fact("L9")
def test_l9_two_subjects_of_the_municipal_act_do_not_apply() -> None:
    exempt = rules().read(NOT_APPLICABLE)
    assert exempt is not None
    assert (exempt.statute, exempt.subjects) == ("2017:725", ("working-forms", "quorum"))
    assert rules().require("not-applicable").modality == Modality.GALLER_INTE


@pytest.mark.fact("L10")
def test_l10_a_soft_band() -> None:
    band = rules().read(MEETINGS_PER_YEAR)
    assert band is not None and (band.least, band.most, band.otherwise) == (2, 4, "chair")


@pytest.mark.parametrize(("members", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (8, 5), (9, 5)])
@pytest.mark.fact("L11")
def test_l11_strictly_more_than_half(members: int, needed: int) -> None:
    demand = rules().demand()
    assert demand is not None and demand.needed(members) == needed


@pytest.mark.fact("L12")
@pytest.mark.fact("X1")
def test_l12_the_word_and_the_dissent() -> None:
    word = rules().minutes()
    assert word is not None and (word.word, word.title) == ("anteckningar", "Mötesanteckningar")
    dissent = rules().require("dissent")
    assert (dissent.source, dissent.value["by"]) == (Source("KS23.276", "2.3", "L12"), "participants")


@pytest.mark.fact("L13")
def test_l13_two_offices_sign() -> None:
    justerare = rules().justerare()
    assert justerare is not None and (justerare.among, justerare.number) == ("representatives", 1)
    assert [(one.office, one.field, one.label) for one in rules().signers()] == [
        ("chair", "Ordforande", "Ordförande"),
        ("justerare", "Justerare", "Justerare"),
    ]


@pytest.mark.fact("L14")
def test_l14_two_duties_without_a_deadline() -> None:
    send, notify = rules().send_minutes(), rules().read(NOTIFY)
    assert send is not None and send.to == "recipients"
    assert notify is not None and notify.to == "parent"
    for id in ("send-minutes", "notify"):
        assert rules().require(id).source.fact == "L14"
        assert "length" not in rules().require(id).value


@pytest.mark.fact("L15")
@pytest.mark.fact("X3")
def test_l15_good_time_is_a_must_and_a_week_a_starting_point() -> None:
    notice = rules().notice()
    assert notice is not None
    assert (notice.length, notice.unit, notice.counted_from, notice.counted_to) == (
        7,
        "days",
        "sending",
        "meeting-day",
    )
    assert rules().require("notice").modality == Modality.UTGANGSPUNKT
    assert rules().require("kallelse").modality == Modality.SKA


@pytest.mark.fact("L6")
def test_who_counts_is_our_reading_and_says_so() -> None:
    rule = rules().require("who-counts")
    assert rule.source == house(13)
    assert rules().who("members") == {"member"}
    assert rules().who("representatives") == {"member", "substitute"}
    assert "guest" in rules().who("participants")


def test_every_fact_and_every_section_is_there() -> None:
    assert {f"L{n}" for n in range(2, 16)} <= {rule.source.fact for rule in rules()} | {"L1"}
    assert {rule.source.section for rule in rules() if rule.source.document == "KS23.276"} == {
        "Diarienummer",
        "1",
        "2",
        "2.1",
        "2.1.1",
        "2.2",
        "2.3",
    }
    assert all(rule.text for rule in rules()), "each in own words"


# --- content
def test_the_content_is_enough_and_its_digest_is_that_of_the_canonical_form() -> None:
    first = rules()
    again = Rules.from_content(dict(first.content))
    assert again == first
    assert first.hash == hashlib.sha256(encode(dict(first.content))).hexdigest()
    assert content_hash({"b": 1, "a": "å"}) == hashlib.sha256('{"a":"å","b":1}'.encode()).hexdigest()


def test_windows_lines_and_comments_make_no_other_profile() -> None:
    windows, commented = LERUM.replace("\n", "\r\n"), LERUM + "\n# en anmärkning\n"
    assert parse(windows, "trygghetsradet").hash == rules().hash
    assert parse(commented, "trygghetsradet").hash == rules().hash


def test_a_rule_that_is_not_there() -> None:
    bare = parse(HEAD + '[rules.own-thing]\nmodality = "bor"\nsection = "3"\n')
    assert bare.get("notice") is None
    with pytest.raises(Refused) as caught:
        bare.require("notice")
    assert (caught.value.code, caught.value.source) == ("rule-missing", house(11))
    assert bare.require("own-thing").value is True
    assert bare.require("own-thing").source == Source("D 1", "3")
    empty: list[Any] = [
        bare.chair(),
        bare.vice_chair(),
        bare.demand(),
        bare.minutes(),
        bare.justerare(),
        bare.send_minutes(),
        bare.notice(),
        bare.diary(),
    ]
    assert empty == [None] * len(empty)
    lists: list[Any] = [bare.seats(), bare.signers(), bare.standing_items(), bare.staffing()]
    assert lists == [()] * 4
    assert bare.who("recipients") == {"member"}


def test_a_rule_applies_from_its_day_to_its_last() -> None:
    text = (
        HEAD + '[rules.a]\nmodality = "ska"\nsection = "1"\nvalid_from = 2024-01-01\nvalid_to = 2024-12-31\n'
    )
    found = parse(text)
    for day, there in (
        ("2023-12-31", False),
        ("2024-01-01", True),
        ("2024-12-31", True),
        ("2025-01-01", False),
    ):
        assert (found.on(date.fromisoformat(day)).get("a") is not None) is there
    assert found.on(DAY).hash == found.hash, "the digest is of what was adopted"
    assert found.content["rules"]["a"]["valid_from"] == "2024-01-01"


def test_a_date_in_a_value_is_kept_as_text() -> None:
    text = HEAD + '[rules.a]\nmodality = "ska"\nsection = "1"\nvalue = { since = 2024-01-01 }\n'
    assert parse(text).require("a").value == {"since": "2024-01-01"}


def test_another_document_may_be_the_source() -> None:
    text = HEAD.replace('"T"', '"T"\ndocument = "d"') + '[documents.e]\nname = "KS 16/185"\n'
    text += '[rules.a]\nmodality = "ska"\ndocument = "e"\nsection = "§ 4"\nfact = "X1"\n'
    text += '[rules.b]\nmodality = "ska"\nsection = "§ 5"\n'
    assert parse(text).require("a").source == Source("KS 16/185", "§ 4", "X1")
    assert parse(text).require("b").source == Source("D 1", "§ 5")


# --- fractions
@for_all(st.integers(0, 200), st.integers(1, 12), st.integers(1, 12), st.booleans())
def test_needed_is_the_least_number_that_reaches_the_share(
    members: int, part: int, whole: int, strictly: bool
) -> None:
    if part > whole:
        with pytest.raises(ValidationError):
            Demand(fraction=f"{part}/{whole}", strictly=strictly)
        return
    demand = Demand(fraction=f"{part}/{whole}", strictly=strictly)

    def enough(asking: int) -> bool:
        return asking >= 1 and (
            asking * whole > members * part if strictly else asking * whole >= members * part
        )

    assert demand.needed(members) == next(asking for asking in range(members + 2) if enough(asking))


@pytest.mark.parametrize("fraction", ["0/2", "1/0", "3/2", "0.5", "½", "1 / 2", "1/2 ", "hälften"])
def test_what_is_no_fraction(fraction: str) -> None:
    with pytest.raises(ValidationError):
        Demand(fraction=fraction, strictly=True)
