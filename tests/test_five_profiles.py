"""What the delivered profiles of four councils say, fact by fact, and what they take over from nobody else."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from domain.calling import ScheduleMeeting
from domain.drafting import DraftMinutes
from domain.holding import ElectJusterare, OpenMeeting
from domain.meeting import Meeting
from domain.regulation import Rules, parse
from domain.rule_kinds import KINDS
from tests import council as c
from tests.council import MEETING, MINUTES, Session

PROFILES = Path(__file__).parent.parent / "domain" / "profiles"


@cache
def rules(profile: str, part: str) -> Rules:
    beside = [
        (PROFILES / f"{law}.toml").read_text("utf-8") for law in ("kommunallagen", "brottsforebyggande")
    ]
    return parse((PROFILES / f"{profile}.toml").read_text("utf-8"), part, *beside)


def value(profile: str, part: str, rule: str) -> Any:
    return rules(profile, part).require(rule).value


def notes(profile: str, part: str) -> tuple[Session, Meeting]:
    """A meeting that was held under a profile, with what was drafted of it."""
    session = Session(rules(profile, part))
    session.do(ScheduleMeeting(meeting=MEETING, body=c.COUNCIL, starts=c.DAY))
    session.do(OpenMeeting(meeting=MEETING, chair=c.CHAIR), DraftMinutes(minutes=MINUTES, meeting=MEETING))
    return session, session.meeting()


@pytest.mark.fact("Å2")
def test_a_kind_of_document_may_be_named_that_no_taxonomy_has() -> None:
    content = rules("ange", "trygghetsradet").content
    (document,) = [one for one in content["documents"] if one["name"] == "KS 16/185"]
    kinds = {one["kind"] for one in value("ange", "trygghetsradet", "document-kinds")}
    assert document["kind"] == "reglemente" and document["kind"] not in kinds
    typical = {one["kind"]: one.get("typical") for one in value("ange", "trygghetsradet", "document-kinds")}
    assert typical["regel"] == ["ska", "måste", "får inte"]


@pytest.mark.fact("Å4")
def test_four_duties_each_with_who_does_it_and_who_asks_for_it() -> None:
    asked = {
        name: (rules("ange", "trygghetsradet").require(name).modality, value("ange", "trygghetsradet", name))
        for name in ("agreements", "pledges", "needs", "situation-picture", "cause-analysis")
    }
    assert {modality for modality, _ in asked.values()} == {"ska"}
    by = {name: (what["by"], what.get("to") or what.get("decided_by")) for name, (_, what) in asked.items()}
    assert by == {
        "agreements": ("trygghetsradet", None),
        "pledges": ("trygghetsradet", None),
        "needs": ("trygghetsradet", "klara-gruppen"),
        "situation-picture": ("trygghetsradet", None),
        "cause-analysis": ("klara-gruppen", "trygghetsradet"),
    }
    assert value("ange", "orsaksanalysgruppen", "basis")["appointed_by"] == "klara-gruppen"


@pytest.mark.fact("Å6")
def test_a_council_that_may_steer_follows_up_what_it_steers() -> None:
    rule = rules("ange", "trygghetsradet").require("steering-group")
    assert (rule.modality, rule.value["followed_up_in"]) == ("kan", "trygghetsradet")


@pytest.mark.fact("Å10")
@pytest.mark.fact("X1")
def test_a_protokoll_of_a_council_has_two_signers_and_nothing_of_the_municipal_act() -> None:
    council = rules("ange", "trygghetsradet")
    elsewhere = {one.id for one in rules("kommunallagen", "namnd")} | {
        one.id for one in rules("lerum", "trygghetsradet")
    }
    for foreign in ("approval", "notice-board", "quorum", "dissent", "send-minutes", "notify"):
        assert foreign in elsewhere
        assert council.get(foreign) is None, f"{foreign} is somebody else's rule"
    recipients = value("ange", "trygghetsradet", "dispatch")["to"]
    named = [one.get("body") or one.get("group") for one in recipients]
    assert named == ["berörda nämnder", "klara-gruppen", "ungdomsradet"], "neither the board nor the members"
    session, meeting = notes("ange", "trygghetsradet")
    newest = session.minutes().newest
    assert (newest.word, [one.office for one in session.minutes().signers]) == (
        "Protokoll",
        ["chair", "justerare"],
    )
    session.refuse(
        ElectJusterare(meeting=meeting.meeting, person=c.CHAIR),
        "chair-as-justerare",
        council.require("signers").source,
    )


@pytest.mark.fact("Å11")
@pytest.mark.fact("V12")
@pytest.mark.fact("X1")
@pytest.mark.parametrize(("profile", "part"), [("ange", "klara-gruppen"), ("varmdo", "trygghetsradet")])
def test_minnesanteckningar_are_finished_by_the_secretary_where_no_approval_is_asked_for(
    profile: str, part: str
) -> None:
    session, _ = notes(profile, part)
    assert session.minutes().newest.word == "Minnesanteckningar"
    assert [one.office for one in session.minutes().signers] == ["secretary"]


@pytest.mark.fact("Å13")
def test_the_annual_wheel_is_the_council_s_own() -> None:
    wheel = value("ange", "trygghetsradet", "annual-wheel")
    assert (wheel["by"], wheel["decided_by"]) == ("trygghetsradet", "trygghetsradet")


@pytest.mark.fact("Al8")
def test_committees_without_qualification_and_companies_concerned_are_two_groups() -> None:
    rule = rules("alingsas", "kommunstyrelsen").require("dispatch")
    found = rules("alingsas", "kommunstyrelsen").of_kind(KINDS["dispatch"])
    assert found
    assert [(one["group"], one["which"]) for one in rule.value["to"]] == [
        ("nämnder", "not-said"),
        ("berörda bolag", "concerned"),
    ]


@pytest.mark.fact("X3")
def test_modality_condition_and_bound_are_three_things() -> None:
    substitutes = rules("ange", "trygghetsradet").require("substitutes")
    assert (substitutes.modality, substitutes.condition, substitutes.bound) == ("bor", "vid-forhinder", "")
    quota = rules("ange", "klara-gruppen").require("meeting-quota")
    assert (quota.modality, quota.condition, quota.bound) == ("presens", "", "minst")
    every = {one.modality for name in ("ange", "lerum") for one in rules(name, "trygghetsradet")}
    assert {"ska", "bor", "utgangspunkt", "kan", "presens", "galler-inte"} <= every


@pytest.mark.fact("X4")
@pytest.mark.parametrize(("profile", "part"), [("lerum", "trygghetsradet"), ("ange", "trygghetsradet"),
                                               ("alingsas", "lokala-bra")])  # fmt: skip
def test_a_council_s_rules_come_from_the_board_or_the_assembly(profile: str, part: str) -> None:
    decided = {
        one.get("decided_by") for one in rules(profile, part).content["documents"] if "decided_by" in one
    }
    assert decided <= {"kommunstyrelsen", "kommunfullmaktige"} and decided
