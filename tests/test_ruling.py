"""`liggare rules`: a profile checked, its schema in step, and what applies on a day told with its sources."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from api.cli.main import run
from api.profiles import beside, check, delivered, due_words, explained, schema, told
from domain.body import Body
from domain.calling import ScheduleMeeting
from domain.constituting import AdoptRegulation
from domain.meeting_events import KallelseIssued
from domain.messages import Finding, Role, fresh_id
from domain.profile import read
from domain.regulation import parse
from domain.rule_work import Due
from tests import council as c
from tests.council import Session, kallelse
from tests.forging import Called
from tests.given import ident
from tests.house import ROOT

HEAD = '[profile]\nid = "p"\ntitle = "T"\n[documents.d]\nname = "D 1"\n'
FACTS = {"L": 15, "Å": 14, "V": 12, "Al": 9, "H": 9, "X": 5}


def ask(capsys: pytest.CaptureFixture[str], *arguments: object, expect: int = 0) -> Any:
    assert run([*map(str, arguments), "--json"]) == expect
    return json.loads(capsys.readouterr().out)


# --- check
def test_check_tells_every_fault_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.toml"
    file.write_text(HEAD + '[rules.a]\nmodality = "ska"\n[rules.b]\nmodality = "ska"\n', "utf-8")
    found = ask(capsys, "rules", "check", file, expect=4)
    assert [(one["code"], one["line"], one["place"]) for one in found["faults"]] == [
        ("profile-source", 6, "rules.a"),
        ("profile-source", 8, "rules.b"),
    ]
    assert all(one["detail"] and one["what_to_do"] for one in found["faults"])
    assert run(["rules", "check", str(file)]) == 4
    assert "Rad 6" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(delivered()))
def test_every_delivered_profile_is_without_fault(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"{name}.toml"
    file.write_text(delivered()[name], "utf-8")
    found = ask(capsys, "rules", "check", file)
    assert found["faults"] == []
    assert found["bodies"]
    assert run(["rules", "check", str(file)]) == 0
    assert "regler" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "rules", "check", tmp_path / "no.toml", expect=2)["error"]["code"] == "file-failed"


# --- schema
def test_the_schema_for_editors_is_the_one_of_the_shapes() -> None:
    kept = json.loads((ROOT / "domain" / "profiles" / "profile.schema.json").read_text("utf-8"))
    assert kept == schema(), "make it anew: liggare rules schema > domain/profiles/profile.schema.json"


def fits(value: Any, part: Any, definitions: Any) -> bool:
    """Whether a value has the form a schema asks for: the words of JSON Schema that ours uses."""
    if "$ref" in part:
        return fits(value, definitions[part["$ref"].rpartition("/")[2]], definitions)
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
        "null": type(None),
    }
    if "type" in part and (
        not isinstance(value, kinds[part["type"]]) or (part["type"] == "integer" and isinstance(value, bool))
    ):
        return False
    if "anyOf" in part and not any(fits(value, one, definitions) for one in part["anyOf"]):
        return False
    if not all(fits(value, one, definitions) for one in part.get("allOf", ())):
        return False
    if value not in part.get("enum", [value]) or value != part.get("const", value):
        return False
    if isinstance(value, str) and "pattern" in part and not re.search(part["pattern"], value):
        return False
    if isinstance(value, int) and not part.get("minimum", value) <= value <= part.get("maximum", value):
        return False
    if isinstance(value, list):
        return all(fits(one, part.get("items", {}), definitions) for one in value)
    if isinstance(value, dict):
        named, others = part.get("properties", {}), part.get("additionalProperties", True)
        return set(part.get("required", ())) <= value.keys() and all(
            fits(one, named[key], definitions)
            if key in named
            else others is True or (others is not False and fits(one, others, definitions))
            for key, one in value.items()
        )
    return True


@pytest.mark.parametrize("name", sorted(delivered()))
def test_an_editor_finds_the_delivered_profiles_right(name: str) -> None:
    whole = schema()
    tables: Any = read(delivered()[name]).tables
    assert fits(tables, whole, whole["$defs"])
    assert not fits({**tables, "other": {}}, whole, whole["$defs"])
    broken = {
        **tables,
        "rules": {"notice": {"modality": "ska", "section": "1", "value": {"length": 0, "unit": "days"}}},
    }
    assert not fits(broken, whole, whole["$defs"])


# --- explain
def on(name: str, part: str, day: date) -> dict[str, Any]:
    text, session = delivered()[name], Session()
    adopt = AdoptRegulation(
        body=c.LOOSE, adopted_on=date(2017, 1, 1), profile=text, part=part, rests_on=beside(text)
    )
    session.do(adopt, role=Role.ADMINISTRATOR)
    regulation = session.scenario.world.get(Body, c.LOOSE).regulation_at(day)
    assert regulation is not None
    return explained("Rådet", regulation, day)


def test_what_applies_is_told_with_sources_and_what_does_not_and_what_is_unknown() -> None:
    text = "\n".join(told(on("lerum", "trygghetsradet", date(2024, 3, 12))))
    assert "SKA: Anteckningar ska föras. (KS23.276 2.3) [L12]" in text
    assert "UTGÅNGSPUNKT: Utgångspunkten är att kallelsen sänds minst en vecka före mötesdagen." in text
    assert "Gäller inte\n  GÄLLER INTE: Kommunallagens regler" in text
    assert "Oklart: De är numrerade" in text
    assert "Framgår inte\n  paragraf för antagandet" in text
    assert "Ska ske: efter godkännandet av anteckningarna, utan sista dag" in text


def test_a_passage_that_does_not_agree_and_a_last_day_in_doubt_are_told() -> None:
    assert "Står mot: Förslaget antas" in "\n".join(told(on("alingsas", "lokala-bra", date(2020, 11, 1))))
    for day, said in (
        (date(2026, 12, 31), []),
        (date(2027, 1, 1), ["KS 16/185 gäller till 2027-01-01; som sista dag är det okänt om den räknas."]),
        (date(2027, 1, 2), ["KS 16/185 gäller enligt sin egen uppgift till 2027-01-01."]),
    ):
        assert on("ange", "trygghetsradet", day)["perhaps"] == said


def test_a_statute_s_rules_are_there_from_its_day() -> None:
    def laws(name: str, day: date) -> set[str]:
        rules = on(name, "kommunstyrelsen", day)["rules"]
        return {one["source"]["document"] for one in rules if one["source"]["document"].startswith("SFS")}

    assert laws("varmdo", date(2017, 9, 21)) == set(), "none of the later statutes in 2017"
    assert laws("alingsas", date(2020, 10, 12)) == {"SFS 2017:725"}
    assert laws("lerum", date(2023, 11, 10)) == {"SFS 2017:725", "SFS 2023:196"}
    plans = [
        {one["rule"] for one in on("lerum", "kommunstyrelsen", day)["rules"]}
        for day in (date(2024, 6, 30), date(2024, 7, 1))
    ]
    assert ["action-plan" in one for one in plans] == [False, True]


@pytest.mark.parametrize(
    ("due", "words"),
    [
        ({"every": "year", "months": [2, 12]}, "varje år, i februari och december"),
        ({"every": "quarter", "times": 2}, "varje kvartal, 2 gånger"),
        (
            {"after": ["half-year-accounts", "annual-accounts"]},
            "efter halvårsbokslutet och årsbokslutet, utan sista dag",
        ),
        ({"after": ["meeting-closed"], "within": {"length": 14}}, "inom 14 dagar efter varje sammanträde"),
        ({"after": ["x"], "within": {"length": 2, "unit": "working-days"}}, "inom 2 arbetsdagar efter x"),
        ({"by": "2027-01-01"}, "senast 2027-01-01"),
        ({"written": "januari 2018"}, "januari 2018"),
    ],
)
def test_when_it_is_due_in_words(due: dict[str, Any], words: str) -> None:
    assert due_words(Due.model_validate(due)) == words


# --- the handbook's example
def example() -> str:
    page = (ROOT / "docs" / "handbook" / "rules.md").read_text("utf-8")
    return page.partition("```toml\n")[2].partition("```")[0]


def test_the_handbook_s_example_is_a_profile_that_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "exempelby.toml"
    file.write_text(example(), "utf-8")
    assert ask(capsys, "rules", "check", file)["bodies"]["pensionarsradet"] == 8
    rules = parse(example(), "pensionarsradet")
    assert [one.office for one in rules.signers()] == ["chair", "justerare", "justerare-2"]
    said = {rule.id: due_words(due) for rule, due in rules.watched()}
    assert said == {
        "meeting-quota": "varje kvartal",
        "program": "varje år, i december",
        "evaluation": "varje år, i februari",
    }
    session = Session(rules).scheduled().later(days=3)
    (found,) = session.do(kallelse(*c.MEMBERS)).event(KallelseIssued).findings
    assert (found.expected, found.observed) == ("10 working-days", "5 working-days")
    assert str(found.source) == "document='KS26.12' section='§ 6' fact=''"


def test_explain_answers_from_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Called.make(tmp_path / "town").told(tmp_path / "told")
    asked = ("rules", "explain", "trygghetsrådet", "--dir", folder, "--true", "2024-03-12")
    found = ask(capsys, *asked)
    assert (found["body"], found["on"], found["document"]) == ("Trygghetsrådet", "2024-03-12", "KS23.276")
    assert run([*map(str, asked)]) == 0
    assert "Framgår inte" in capsys.readouterr().out
    assert ask(capsys, *asked[:-1], "2001-01-01", expect=4)["error"]["code"] == "no-regulation"
    nobody = ("rules", "explain", "ingen", "--dir", folder)
    assert ask(capsys, *nobody, expect=4)["error"]["code"] == "not-found"


# --- in force on the day
def test_a_meeting_is_judged_by_the_rules_adopted_and_in_force_on_its_day() -> None:
    session = Session()
    stricter = c.PROFILE.read_text("utf-8").replace("length = 7", "length = 21")
    later = AdoptRegulation(
        body=c.COUNCIL, regulation=ident(0xA1), adopted_on=date(2024, 3, 1), valid_from=date(2024, 4, 1),
        profile=stricter, part=c.PART,
    )  # fmt: skip

    def judged(starts: str, sent: date) -> tuple[Finding, ...]:
        meeting = fresh_id()
        session.do(ScheduleMeeting(meeting=meeting, body=c.COUNCIL, starts=starts, place="Eken"))
        issued: KallelseIssued = session.do(kallelse(*c.MEMBERS, meeting=meeting, sent_on=sent)).event(
            KallelseIssued
        )
        return issued.findings

    session.now = session.now.replace(month=6)
    before = judged("2024-03-12T13:00", date(2024, 3, 1))
    session.do(later, role=Role.ADMINISTRATOR)
    march = judged("2024-03-19T13:00", date(2024, 3, 8))
    april = judged("2024-04-12T13:00", date(2024, 4, 1))
    assert [before, march] == [(), ()], "the change came later than their day"
    (found,) = april
    assert (found.finding, found.expected, found.observed) == ("notice-short", "21 days", "11 days")
    rules = session.scenario.world.get(Body, c.COUNCIL).rules_at(date(2024, 4, 12))
    assert rules is not None and rules.hash != c.rules().hash


# --- the facts
def cited() -> dict[str, set[str]]:
    """Where each fact is cited: profiles by their facts, tests by its number in a name or a text."""
    found: dict[str, set[str]] = {}
    number = re.compile(r"(?<![A-Za-zÅÄÖåäö0-9])(L|Å|V|Al|H|X)([0-9]{1,2})(?![0-9])")
    for name, text in delivered().items():
        tables = tomllib.loads(text)
        for kind, n in number.findall(json.dumps(tables, ensure_ascii=False, default=str)):
            found.setdefault(f"{kind}{n}", set()).add(f"profile {name}")
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path.name != Path(__file__).name:
            for kind, n in number.findall(path.read_text("utf-8")):
                found.setdefault(f"{kind}{n}", set()).add(f"test {path.stem}")
    return found


def test_every_fact_is_cited_by_a_profile_or_a_test() -> None:
    every = {f"{kind}{n}" for kind, last in FACTS.items() for n in range(1, last + 1)}
    missing = every - cited().keys()
    assert not missing, sorted(missing)


def test_a_profile_of_another_id_can_rest_on_the_delivered_ones() -> None:
    text = HEAD + '[bodies.n]\ntitle = "N"\nrests_on = ["kommunallagen/namnd"]\n'
    faults, bodies = check(text)
    assert faults == ()
    assert bodies["n"] > 5
    assert len(beside("[profile")) == len(delivered())
