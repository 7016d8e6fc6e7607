"""The four municipalities of the demo that are entered afterwards: what their documents tell is there to be read.

- What was when, and what was entered when, are two things; what a document leaves unknown is unknown.
- Everything is read through the public interface, as its secretary reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.demo.show import AFTERWARDS, play
from api.wiring import open_folder
from domain.when import parse

TITLES = (
    "Kommunstyrelsens ordförande|Kommunchefen|Kommundirektören|Socialchefen|Skolchefen|Folkhälsostrategen"
)
UNNAMED = r"Företrädare för|\w+s representant$|namnen framgår inte$|Registrets operatör"
INVENTED = r"Exempel|Prov|Skrivare"


@dataclass
class Told:
    """What was played, served."""

    client: TestClient
    said: dict[str, Any]

    def get(self, slug: str, path: str, **asked: Any) -> Any:
        """Read as the municipality's secretary."""
        bearer = {"Authorization": f"Bearer {self.said[slug]['tokens']['secretary']}"}
        answer = self.client.get(f"/v1/{slug}{path}", headers=bearer, params={"limit": 100} | asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def all(self, slug: str, path: str, **asked: Any) -> list[Any]:
        """The items of a list."""
        return list(self.get(slug, path, **asked)["items"])

    def body(self, slug: str, name: str) -> Any:
        """A body, by its name."""
        (found,) = [one for one in self.all(slug, "/bodies") if one["name"] == name]
        return self.get(slug, f"/bodies/{found['id']}") | {"placed": found["placed"]}

    def rule(self, slug: str, body: str, rule: str, on: str) -> Any:
        """A rule that applies to a body on a day."""
        found = self.get(slug, f"/rules/{self.body(slug, body)['id']}", on=on)["rules"]
        return next(one for one in found if one["id"] == rule)

    def events(self, slug: str) -> list[Any]:
        """Everything in the log."""
        return list(self.get(slug, "/audit", limit=1000)["rows"])

    def titled(self, slug: str, path: str, title: str) -> Any:
        """The one thing in a list that has a title."""
        (found,) = [one for one in self.all(slug, path) if one["title"] == title]
        return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("entered") / "demo"
    said = {one["slug"]: one for one in play(folder, lambda _: None, AFTERWARDS)["municipalities"]}
    with ExitStack() as opened:
        served = {}
        for slug in said:
            served[slug] = open_folder(folder / slug)
            opened.callback(served[slug].close)
            served[slug].projector.catch_up()
        yield Told(opened.enter_context(TestClient(create_app(served))), said)


# --- all of them
def test_each_says_what_the_first_says(told: Told) -> None:
    assert list(told.said) == ["ange", "varmdo", "alingsas", "harryda"]
    days = {slug: [one["date"] for one in said["meetings"]] for slug, said in told.said.items()}
    assert days == {
        "ange": ["2022-05-31"],
        "varmdo": ["2017-09-21", "2017-10-09"],
        "alingsas": ["2020-10-12"],
        "harryda": ["2023-12-13"],
    }
    for said in told.said.values():
        keys = {"name", "slug", "dir", "bodies", "meetings", "trust_anchor", "database", "tokens"}
        assert set(said) == keys
        assert {one["minutes_pdf"] for one in said["meetings"]} == {None}, "minutes are not at hand"
        assert {"secretary", "registrar", "auditor", "archivist", "administrator"} <= set(said["tokens"])


@pytest.mark.parametrize("tale", AFTERWARDS, ids=lambda tale: tale.slug)
def test_what_happened_was_entered_afterwards_with_its_own_time(told: Told, tale: Any) -> None:
    events = told.events(tale.slug)
    assert {one["recorded_at"][:10] for one in events} == {tale.starts[:10]}
    then = [parse(one["happened"]) for one in events if one["happened"][:10] != tale.starts[:10]]
    assert len(then) > 25, "most of it happened before"
    for happened in then:
        assert max(happened.earliest or "", happened.latest or "") < tale.starts, happened


@pytest.mark.parametrize("slug", [tale.slug for tale in AFTERWARDS])
def test_officials_stand_by_title_and_everybody_else_is_invented(told: Told, slug: str) -> None:
    for one in told.all(slug, "/persons"):
        assert re.search(f"^({TITLES})$|{UNNAMED}|{INVENTED}", one["name"]), one["name"]
    for report in told.all(slug, "/reports"):
        for one in report["versions"][-1]["signatories"]:
            assert one["name"] in ("Kommundirektören", "Sektorschefen", "Funktionschefen")


@pytest.mark.fact("X2")
@pytest.mark.parametrize(
    ("slug", "number"),
    [("ange", "KS 16/185"), ("varmdo", "2017KS/0118"), ("alingsas", "2020.226 KS"), ("harryda", "2024KS265")],
)
def test_each_matter_bears_its_own_diary_s_number_and_who_gave_it(told: Told, slug: str, number: str) -> None:
    (matter,) = told.all(slug, "/matters", diarienummer=number.lower().replace(" ", ""))
    assert (matter["diarienummer"], matter["external"]) == (number, True)
    (given,) = [one for one in told.events(slug) if one["kind"] == "external-number-recorded.v1"]
    assert given["happened"][2:] in number, "the year in the number"


# --- a regulation, its tree and its seats
@pytest.mark.fact("Å1")
@pytest.mark.fact("X4")
def test_a_regulation_has_its_decision_s_day_and_paragraph_and_its_own_first_and_last_day(told: Told) -> None:
    council, board = told.body("ange", "Trygghetsrådet"), told.body("ange", "Kommunstyrelsen")
    (adopted,) = council["regulations"]
    assert (adopted["diarienummer"], adopted["adopted_by"]) == ("KS 16/185", board["id"])
    days = [adopted[name] for name in ("adopted_on", "valid_from", "valid_to")]
    assert days == ["2022-05-31", "2023-01-01", "2027-01-01"]
    (held,) = told.all("ange", "/meetings")
    meeting = told.get("ange", f"/meetings/{held['id']}")
    assert (meeting["starts"], meeting["place"]) == ("2022-05-31", None), (
        "known to the day, the place unknown"
    )
    assert meeting["paragraphs"] == {"1": 81}
    (unclear,) = told.all("ange", "/unclarities")
    assert len(unclear["possible"]) == 2 and unclear["readings"] == [], "whether the last day counts"


@pytest.mark.fact("Å2")
def test_a_kind_of_document_outside_the_taxonomy_is_registered_as_it_is_called(told: Told) -> None:
    (document,) = told.all("ange", "/documents")
    rule = told.rule("ange", "Trygghetsrådet", "document-kinds", "2024-01-01")
    assert document["kind"] == "reglemente"
    kinds = [one["kind"] for one in rule["value"]]
    assert kinds == ["mal", "plan", "riktlinje", "policy", "regel"]


@pytest.mark.fact("Å3")
def test_the_tree_stands_as_told_and_a_parent_not_stated_is_unknown(told: Told) -> None:
    names = {one["id"]: one for one in told.all("ange", "/bodies")}
    tree = {one["name"]: names[one["parent"]]["name"] for one in names.values() if one["parent"]}
    assert tree == {
        "Trygghetsrådet": "Kommunstyrelsen",
        "Klara-gruppen": "Trygghetsrådet",
        "Arbetsgrupp för orsaksanalys": "Klara-gruppen",
    }
    assert told.body("ange", "Kommunens ungdomsråd")["placed"] == "unknown"


@pytest.mark.fact("Å7")
@pytest.mark.fact("Å8")
def test_nine_kinds_of_seat_and_those_who_speak_for_the_council(told: Told) -> None:
    council = told.body("ange", "Trygghetsrådet")
    persons = {one["id"]: one["name"] for one in told.all("ange", "/persons")}
    assert len({one["seat"] for one in council["mandates"]}) == 9
    assert persons[council["chair"]] == "Kommunstyrelsens ordförande", "by virtue of that office"
    offices = [(one["office"], persons[one["holder"]["person"]]) for one in council["offices"]]
    assert offices == [
        ("spokesperson", "Kommunstyrelsens ordförande"),
        ("spokesperson", "Folkhälsostrategen"),
        ("coordinator", "Folkhälsostrategen"),
    ]


@pytest.mark.fact("Å5")
def test_the_municipality_s_decision_on_a_plan_is_unknown_until_it_is_entered(told: Told) -> None:
    duties = {one["duty"]: one for one in told.all("ange", "/renewals", on="2025-02-03")}
    assert (duties["plan-decided"]["state"], duties["plan-decided"]["source_section"]) == ("unknown", "5 §")
    kept = told.rule("ange", "Trygghetsrådet", "action-plan", "2025-02-03")["value"]
    assert "decided_by" not in kept, "the council puts it together; the parties decide each for themselves"
    followed = told.rule("ange", "Trygghetsrådet", "plan-followed-up", "2025-02-03")
    assert (followed["modality"], followed["bound"]) == ("ska", "minst")


@pytest.mark.fact("Å14")
def test_the_review_of_a_regulation_waits_for_an_event_and_its_expiry_for_a_day(told: Told) -> None:
    found = {
        one["rule"]: one
        for one in told.all("ange", "/obligations", on="2026-06-01")
        if one["rule"] in ("review", "expiry")
    }
    assert (found["expiry"]["state"], found["expiry"]["last"]) == ("due", "2027-01-01")
    assert found["review"]["state"] == "unknown", "no review of the agreement is entered"


# --- two meetings and a report
@pytest.mark.fact("V4")
@pytest.mark.fact("X4")
def test_a_regulation_whose_day_of_adoption_is_unknown_applies_from_the_day_it_is_known_to(
    told: Told,
) -> None:
    council = told.body("varmdo", "Trygghetsrådet")
    (adopted,) = council["regulations"]
    assembly = told.body("varmdo", "Kommunfullmäktige")["id"]
    assert (adopted["adopted_on"], adopted["valid_from"]) == (None, "2017-09-21")
    assert adopted["adopted_by"] == assembly
    evaluation = told.titled("varmdo", "/instruments", "Utvärdering av Trygghetsrådets arbete")
    assert [(one["made"], one["happened"]["text"]) for one in evaluation["versions"]] == [
        ("presented", "maj 2017")
    ]
    (owned,) = [one for one in told.all("varmdo", "/assignments") if "extremism" in one["what"]]
    assert owned["given"]["decided_by"] == "Kommunfullmäktige"
    assert told.body("varmdo", "Trygghetsrådet")["placed"] == "unknown"


@pytest.mark.fact("V7")
def test_attendance_by_category_and_attendance_not_stated(told: Told) -> None:
    persons = {one["id"]: one["name"] for one in told.all("varmdo", "/persons")}
    second, first = (told.get("varmdo", f"/meetings/{one['id']}") for one in told.all("varmdo", "/meetings"))
    assert persons[first["opened_by"]] == "Kommundirektören"
    assert [persons[one["person"]].partition(",")[0] for one in first["presences"]] == [
        "Kommundirektören",
        "Sektorschefer",
        "Representanter från polisen",
        "Representanter från brandförsvaret",
    ]
    assert (second["opened_by"], second["presences"], second["absences"]) == (None, [], [])


@pytest.mark.fact("V8")
def test_four_groups_are_decided_at_one_meeting_and_staffed_at_the_next(told: Told) -> None:
    meetings = [one["id"] for one in sorted(told.all("varmdo", "/meetings"), key=lambda one: one["starts"])]
    for name in ("Inbrott", "Trafik", "Trygghet och synlighet", "Ungdomar och narkotika"):
        steps = told.body("varmdo", name)["steps"]
        assert [(one["step"], one["decided"]["meeting"]) for one in steps] == [
            ("decided", meetings[0]),
            ("staffed", meetings[1]),
        ]
        assert steps[0]["instrument"], "it mirrors the agreement of three municipalities"
    agreement = told.titled("varmdo", "/instruments", "Överenskommelse om samverkan inom trygghetsområdet")
    assert sum(party.endswith("kommun") for party in agreement["parties"]) == 3
    questions = [one["question"] for one in told.all("varmdo", "/unclarities")]
    assert "När inrättades de operativa grupperna?" in questions


@pytest.mark.fact("V6")
@pytest.mark.fact("V10")
def test_what_is_written_in_several_ways_is_kept_in_all_of_them(told: Told) -> None:
    dialogue = told.titled("varmdo", "/instruments", "Trygghetsdialog 2017 och 2018")
    assert [one["act"] for one in dialogue["decisions"]] == ["proposed", "decided-to-carry-out", "decided"]
    plan = told.titled("varmdo", "/instruments", "Plan mot våldsbejakande extremism")
    assert [one["act"] for one in plan["decisions"]] == ["proposed", "treated"]
    assert not any(one["by_municipality"] for one in plan["decisions"]), (
        "the board's decision came later, if it came"
    )
    years = {
        one["period"]: one["state"]
        for one in told.all("varmdo", "/obligations", on="2018-12-31")
        if one["rule"] == "dialogue"
    }
    assert years["2017"] == years["2018"] == "done", "one dialogue serves both"


@pytest.mark.fact("V1")
@pytest.mark.fact("V2")
@pytest.mark.fact("V3")
@pytest.mark.fact("V11")
def test_a_report_undated_of_unknown_signature_with_none_stated_and_no_decision(told: Told) -> None:
    (report,) = told.all("varmdo", "/reports")
    (written,) = report["versions"]
    assert (written["day"], written["signed"], len(written["signatories"])) == (None, "unknown", 2)
    assert [(one["subject"], one["text"] is None) for one in written["consequences"]] == [
        ("economy", True),
        ("environment", True),
        ("citizens", False),
        ("children", False),
    ]
    assert [one["enclosed"] for one in written["enclosures"]] == [True, True]
    assert (report["decisions"], report["dispatched"]) == ([], []), "proposed, and no more is known"
    (proposal,) = told.all("varmdo", "/proposals")
    assert [one["verb"] for one in proposal["versions"][0]["points"]] == ["godkänns"]


@pytest.mark.fact("V12")
@pytest.mark.fact("X1")
def test_no_approval_is_asked_of_notes_of_which_none_is_told(told: Told) -> None:
    rules = told.get("varmdo", f"/rules/{told.body('varmdo', 'Trygghetsrådet')['id']}", on="2017-10-09")[
        "rules"
    ]
    assert not {"signers", "justerare", "send-minutes"} & {one["id"] for one in rules}
    words = [
        told.rule(slug, body, "minutes", day)["value"]["word"]
        for slug, body, day in (
            ("varmdo", "Trygghetsrådet", "2017-10-09"),
            ("ange", "Trygghetsrådet", "2023-03-01"),
            ("ange", "Klara-gruppen", "2023-03-01"),
        )
    ]
    assert words == ["minnesanteckningar", "protokoll", "minnesanteckningar"]


@pytest.mark.fact("V9")
def test_a_plan_of_each_group_is_due_at_a_time_that_is_kept_as_written(told: Told) -> None:
    (plans,) = [one for one in told.all("varmdo", "/assignments") if "aktivitetsplan" in one["what"]]
    assert len(plans["to"]) == 4
    due = plans["stages"][0]["due"]
    assert (due["written"], due["last"]) == ("nästa strategiska möte i januari 2018", "2018-01-31")
    assert due["read_by"], "somebody read it so"


# --- an extract
@pytest.mark.fact("Al1")
@pytest.mark.fact("Al5")
@pytest.mark.fact("Al6")
@pytest.mark.fact("Al8")
def test_a_decision_that_does_not_say_which_proposal_it_adopts(told: Told) -> None:
    (held,) = told.all("alingsas", "/meetings")
    meeting = told.get("alingsas", f"/meetings/{held['id']}")
    assert (meeting["starts"], meeting["paragraphs"]) == ("2020-10-12", {"1": 146})
    (decision,) = meeting["decisions"]
    assert (decision["adopted_version"], decision["may_adopt"]) == (None, [1, 2])
    assert decision["effective"] == "2020-11-01"
    assert decision["dispatch"] == ["Nämnder", "Berörda bolag"]
    (unclear,) = told.all("alingsas", "/unclarities")
    assert (unclear["meeting"], unclear["decision"], unclear["readings"]) == (held["id"], 1, [])
    recipients = told.rule("alingsas", "Kommunstyrelsen", "dispatch", "2020-10-12")["value"]["to"]
    assert [one["which"] for one in recipients] == ["not-said", "concerned"]


@pytest.mark.fact("Al2")
def test_a_norm_builds_on_a_norm(told: Told) -> None:
    instruments = {one["id"]: one for one in told.all("alingsas", "/instruments")}
    builds = {
        one["title"]: instruments[ground["instrument"]]["title"]
        for one in instruments.values()
        for version in one["versions"]
        for ground in version["builds_on"]
    }
    assert builds == {
        "Riktlinjer för säkerhet och beredskap": "Säkerhetspolicy",
        "Organisation för det brottsförebyggande arbetet": "Riktlinjer för säkerhet och beredskap",
    }
    assert "Budget 2020-2022" in {one["title"] for one in instruments.values()}


@pytest.mark.fact("Al3")
@pytest.mark.fact("Al4")
def test_the_chain_of_preparation_and_the_additions_on_its_way(told: Told) -> None:
    (matter,) = told.all("alingsas", "/matters")
    assert [(one["step"], one["day"], one["origin"]["paragraph"]) for one in matter["preparation"]] == [
        ("letter", "2020-09-21", None),
        ("proposed", "2020-09-30", "§ 138"),
        ("decided", "2020-10-12", "§ 146"),
    ]
    (proposal,) = told.all("alingsas", "/proposals")
    assert [(one["how"], len(one["points"])) for one in proposal["versions"]] == [
        ("original", 1),
        ("addition", 4),
    ]
    seats = {
        name: [one["seat"] for one in told.rule("alingsas", name, "seats", "2020-11-01")["value"]]
        for name in ("Styrgruppen", "Lokala brottsförebyggande rådet", "Krissamverkansrådet")
    }
    assert [len(found) for found in seats.values()] == [1, 3, 1]


@pytest.mark.fact("Al7")
def test_three_bodies_and_one_link(told: Told) -> None:
    related = {
        name: [(one["relation"], one["certainty"]) for one in told.body("alingsas", name)["relations"]]
        for name in ("Styrgruppen", "Lokala brottsförebyggande rådet", "Krissamverkansrådet")
    }
    assert list(related.values()) == [[], [("linked", "stated")], []]
    pictures = told.titled("alingsas", "/instruments", "Gemensamma lägesbilder")
    assert pictures["level"] == "olika strategiska nivåer"


@pytest.mark.fact("Al9")
def test_what_an_extract_does_not_show_is_no_finding(told: Told) -> None:
    assert [one for one in told.events("alingsas") if one["finding"]] == []
    states = {one["state"] for one in told.all("alingsas", "/obligations", on="2020-12-31")}
    assert states <= {"unknown", "not-applicable"}
    (document,) = told.all("alingsas", "/documents")
    assert (document["kind"], document["extract_of"]) == ("protokollsutdrag", "")


# --- assignments and how they stand
@pytest.mark.fact("H1")
def test_a_number_and_the_same_with_a_classification_are_one_matter(told: Told) -> None:
    (matter,) = told.all("harryda", "/matters", diarienummer="2024KS265")
    assert (matter["aliases"], matter["classifications"]) == ([], ["040"])
    assert told.all("harryda", "/unclarities")[0]["question"].startswith("Vad betyder talet 27")


@pytest.mark.fact("H2")
def test_a_verb_that_is_proposed_is_no_decision(told: Told) -> None:
    (report,) = told.all("harryda", "/reports")
    assert report["versions"][0]["day"] == "2024-05-17"
    assert report["decisions"] == []
    (proposal,) = told.all("harryda", "/proposals")
    assert proposal["versions"][0]["points"][0]["verb"] == "noterar"


def assignment(told: Told, words: str) -> Any:
    (found,) = [one for one in told.all("harryda", "/assignments") if words in one["what"]]
    return found


@pytest.mark.fact("H3")
@pytest.mark.fact("X5")
def test_a_decision_without_its_year_is_kept_as_written_beside_who_read_it_how(told: Told) -> None:
    given = assignment(told, "budget")["given"]
    assert (given["written"], given["day"]) == ("den 28 september § 328", "2023-09-28")
    persons = {one["id"]: one["name"] for one in told.all("harryda", "/persons")}
    assert persons[given["read_by"]] == "Rigmor Exempeldotter"
    (read,) = [one for one in told.events("harryda") if one["kind"] == "assignment-read.v1"]
    assert read["recorded_at"][:10] == "2025-02-06"
    (held,) = told.all("harryda", "/meetings")
    assert told.get("harryda", f"/meetings/{held['id']}")["paragraphs"] == {"1": 413}


@pytest.mark.fact("H4")
@pytest.mark.fact("H5")
def test_four_assignments_one_of_unknown_status_and_one_that_may_be_met(told: Told) -> None:
    assert assignment(told, "brottsförebyggande")["stages"][0]["due"] == {
        "written": "innan sommaren 2024", "first": None, "last": "2024-05-31", "read_by": told_reader(told),
    }  # fmt: skip
    assert assignment(told, "uppföljning")["stages"][2]["repeats"] == 12
    assert assignment(told, "kameror")["status"] == "unknown"
    inquiry = assignment(told, "trygghetsråd")
    assert (inquiry["status"], inquiry["certainty"]) == ("met", "possible")
    assert not told.get("harryda", f"/assignments/{inquiry['id']}")["finished"]


def told_reader(told: Told) -> str:
    (found,) = [one["id"] for one in told.all("harryda", "/persons") if one["name"] == "Rigmor Exempeldotter"]
    return str(found)


@pytest.mark.fact("H6")
def test_the_report_is_what_was_due_and_what_slips_keeps_its_old_time(told: Told) -> None:
    (report,) = told.all("harryda", "/reports")
    develop, follow_up = assignment(told, "brottsförebyggande"), assignment(told, "uppföljning")
    assert set(report["versions"][0]["assignments"]) == {develop["id"], follow_up["id"]}
    assert develop["stages"][0]["done"] and follow_up["stages"][1]["done"]
    slipped = follow_up["stages"][0]
    assert slipped["due"]["written"] == "hösten 2024"
    assert [one["written"] for one in slipped["earlier"]] == ["maj 2024"]
    later = {one["due_what"]: one["state"] for one in told.all("harryda", "/follow-up", on="2025-03-01")}
    assert later["Förslaget läggs fram"] == "unknown", (
        "what came of it is not told, and unknown is no failing"
    )


@pytest.mark.fact("H7")
def test_a_goal_is_shared_by_two_and_an_aim_is_nobody_s(told: Told) -> None:
    parts = told.titled("harryda", "/instruments", "Verksamhetsplan 2024-2026")["parts"]
    assert [one["what"] for one in parts if one["kind"] == "data-source"] == [
        "Öppna jämförelser",
        "LUPP",
        "Hälsa på lika villkor",
        "SCB:s medborgarundersökning",
    ]
    assert [len(one["owners"]) for one in parts if one["kind"] in ("goal", "aim")] == [1, 2, 0]
    assert [one["under"] for one in parts if one["assignment"]] == [1], "goal, assignment, how it is done"


@pytest.mark.fact("H8")
def test_a_succession_is_possible_and_whether_two_are_one_is_unstated(told: Told) -> None:
    found = [
        (one["relation"], one["certainty"])
        for name in ("Brottsförebyggande rådet", "Gemensamt strategiskt forum")
        for one in told.body("harryda", name)["relations"]
    ]
    assert found == [("succeeded-by", "possible"), ("same", "unstated")]


@pytest.mark.fact("H9")
def test_mapping_analysis_and_measures_and_what_the_report_rests_on(told: Told) -> None:
    kinds = {one["kind"]: len(one["versions"]) for one in told.all("harryda", "/instruments")}
    assert kinds == {"operational-plan": 1, "mapping": 1, "cause-analysis": 0, "action-plan": 0}
    (written,) = told.all("harryda", "/reports")[0]["versions"]
    assert (len(written["enclosures"]), len(written["signatories"])) == (2, 2)
