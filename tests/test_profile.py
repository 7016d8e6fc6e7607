"""Profiles: a file is read whole or refused with every fault, each with its line and a remedy in both languages."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from api.sentences import sentence
from domain.profile import Fault, Profile, ProfileError, read
from domain.profile_tables import Modality, expected, schema_at
from domain.regulation import Rules, parse
from domain.rule_kinds import KINDS
from domain.sources import house
from tests.toml import written

pytestmark = pytest.mark.measured
PROFILES = Path(__file__).parent.parent / "domain" / "profiles"
GOLDEN = Path(__file__).parent / "golden" / "profile-faults.txt"
TEXTS = {path.stem: path.read_text("utf-8") for path in sorted(PROFILES.glob("*.toml"))}
HEAD = '[profile]\nid = "p"\ntitle = "T"\n[documents.d]\nname = "D 1"\n'
A = '[rules.a]\nmodality = "ska"\nsection = "1"\n'
LAW = '[rules.a]\nmodality = "ska"\ndocument = "SFS {}"\nsection = "{}"\n{}'


def faults(text: str, *others: str) -> tuple[Fault, ...]:
    with pytest.raises(ProfileError) as caught:
        read(text, *others)
    assert caught.value.source == house(11)
    assert caught.value.code == caught.value.faults[0].code
    return caught.value.faults


# --- what cannot be read: name, text, and where
BAD: tuple[tuple[str, str, list[tuple[str, int, str]]], ...] = (
    ("no TOML", "[profile\n", [("profile-not-toml", 1, "")]),
    ("no end", "[profile]\nid = '''", [("profile-not-toml", 2, "")]),
    ("no value", HEAD + "x = \n", [("profile-not-toml", 6, "")]),
    ("too deep", "a = " + "[" * 20_000, [("profile-not-toml", 1, "")]),
    (
        "nothing",
        "",
        [
            ("profile-missing", 1, "profile.id"),
            ("profile-missing", 1, "profile.title"),
            ("profile-missing", 1, "rules"),
        ],
    ),
    ("no rules", HEAD, [("profile-missing", 1, "rules")]),
    ("unknown table", HEAD + A + "[other]\na = 1\n", [("profile-unknown-key", 9, "other")]),
    ("unknown key", HEAD + A + 'mood = "x"\n', [("profile-unknown-key", 9, "rules.a.mood")]),
    ("misspelt key", HEAD + A + 'modalty = "x"\n', [("profile-unknown-key", 9, "rules.a.modalty")]),
    (
        "unknown key in a value",
        HEAD
        + '[rules.notice]\nmodality = "ska"\nsection = "1"\nvalue = { length = 7, unit = "days", from = 1 }\n',
        [("profile-unknown-key", 9, "rules.notice.value.from")],
    ),
    ("no modality", HEAD + '[rules.a]\nsection = "1"\n', [("profile-missing", 6, "rules.a.modality")]),
    (
        "another modality",
        HEAD + '[rules.a]\nmodality = "borde"\nsection = "1"\n',
        [("profile-value", 7, "rules.a.modality")],
    ),
    ("no table", HEAD + "[rules]\na = 3\n", [("profile-value", 7, "rules.a")]),
    (
        "no tables",
        HEAD + "rules = 3\n[bodies]\nx = 1\n",
        [("profile-unknown-key", 6, "documents.d.rules"), ("profile-value", 8, "bodies.x")],
    ),
    ("no tables at all", "rules = 3\n" + HEAD, [("profile-value", 1, "rules")]),
    ("a decimal", HEAD + A + "value = [1, [2.5]]\n", [("profile-value", 9, "rules.a.value.1.0")]),
    ("not a number", HEAD + A + "value = nan\n", [("profile-value", 9, "rules.a.value")]),
    ("too large", HEAD + A + "value = 9007199254740992\n", [("profile-value", 9, "rules.a.value")]),
    ("a moment", HEAD + A + "value = 2024-01-01T10:00:00\n", [("profile-value", 9, "rules.a.value")]),
    ("a name with å", HEAD + A + 'value = { "å" = 1 }\n', [("profile-value", 9, "rules.a.value")]),
    (
        "a number as text",
        HEAD + '[rules.notice]\nmodality = "ska"\nsection = "1"\nvalue = { length = "7", unit = "days" }\n',
        [("profile-value", 9, "rules.notice.value.length")],
    ),
    (
        "a part too much and one too small",
        HEAD
        + '[rules.notice]\nmodality = "ska"\nsection = "1"\n[rules.notice.value]\nlength = 0\nunit = "weeks"\n',
        [
            ("profile-value", 10, "rules.notice.value.length"),
            ("profile-value", 11, "rules.notice.value.unit"),
        ],
    ),
    (
        "no fraction",
        HEAD
        + '[rules.demand]\nmodality = "ska"\nsection = "1"\nvalue = { fraction = "half", strictly = true }\n',
        [("profile-value", 9, "rules.demand.value.fraction")],
    ),
    (
        "neither a word nor the body above",
        HEAD + '[rules.notify]\nmodality = "ska"\nsection = "1"\nvalue = { to = "all" }\n',
        [("profile-value", 9, "rules.notify.value.to")],
    ),
    (
        "no value where one is needed",
        HEAD + '[rules.notice]\nmodality = "ska"\nsection = "1"\n',
        [("profile-value", 6, "rules.notice.value")],
    ),
    ("a capital", HEAD + '[rules.A]\nmodality = "ska"\nsection = "1"\n', [("profile-name", 6, "rules.A")]),
    (
        "a name like another",
        HEAD + '[rules.notices]\nmodality = "ska"\nsection = "1"\n',
        [("profile-name", 6, "rules.notices")],
    ),
    ("no kind", HEAD + A + 'kind = "notise"\n', [("profile-reference", 9, "rules.a.kind")]),
    (
        "due in two ways",
        HEAD + A + 'due = { every = "year", by = 2024-01-01 }\n',
        [("profile-due", 9, "rules.a.due")],
    ),
    ("due in no way", HEAD + A + "due = { times = 2 }\n", [("profile-due", 9, "rules.a.due")]),
    (
        "months of a quarter",
        HEAD + A + 'due = { every = "quarter", months = [2] }\n',
        [("profile-due-parts", 9, "rules.a.due")],
    ),
    (
        "due at no time",
        HEAD + A + 'due = { written = "strax" }\n',
        [("profile-value", 9, "rules.a.due.written")],
    ),
    ("no source", HEAD + '[rules.a]\nmodality = "ska"\n', [("profile-source", 6, "rules.a")]),
    (
        "no document",
        HEAD.replace('[documents.d]\nname = "D 1"\n', "") + A,
        [("profile-source", 4, "rules.a")],
    ),
    ("two sources", HEAD + A + "house = 13\n", [("profile-source-twice", 9, "rules.a.house")]),
    ("another document", HEAD + A + 'document = "e"\n', [("profile-document", 9, "rules.a.document")]),
    (
        "a body's document",
        HEAD + '[bodies.b]\ntitle = "B"\ndocument = "e"\n',
        [("profile-document", 8, "bodies.b.document")],
    ),
    (
        "a conflicting passage of another document",
        HEAD + A + 'conflicts = [{ text = "x", section = "2", document = "e" }]\n',
        [("profile-document", 9, "rules.a.conflicts.0.document")],
    ),
    (
        "an unknown statute",
        HEAD + LAW.format("1974:152", "1 §", ""),
        [("profile-statute-unknown", 8, "rules.a.document")],
    ),
    (
        "a statute for all time",
        HEAD + LAW.format("2017:725", "1 §", ""),
        [("profile-statute-early", 6, "rules.a")],
    ),
    (
        "a statute a day too early",
        HEAD + LAW.format("2017:725", "1 §", "valid_from = 2017-12-31\n"),
        [("profile-statute-early", 10, "rules.a.valid_from")],
    ),
    (
        "a paragraph that binds later",
        HEAD + LAW.format("2023:196", "5 §", "valid_from = 2023-07-01\n"),
        [("profile-statute-early", 10, "rules.a.valid_from")],
    ),
    (
        "a statute that has ceased",
        HEAD
        + LAW.format("1991:900", "1 §", "valid_from = 1992-01-01\n")
        + '[statutes."1991:900"]\ntitle = "L"\nin_force = 1992-01-01\nuntil = 2017-12-31\n',
        [("profile-statute-late", 6, "rules.a")],
    ),
    (
        "a statute named in a value, in a document older than it",
        HEAD + "decided_on = 2017-12-01\n" + A + 'value = { statutes = ["2023:196", "9:9"], statute = 1 }\n',
        [("profile-statute-early", 10, "rules.a.value"), ("profile-statute-unknown", 10, "rules.a.value")],
    ),
    (
        "a statute's name",
        HEAD + A + '[statutes.x]\ntitle = "L"\nin_force = 1992-01-01\n',
        [("profile-name", 9, "statutes.x")],
    ),
    (
        "overlapping",
        HEAD + "[[rules.a]]\nmodality = 'ska'\nsection = '1'\nvalid_to = 2024-06-30\n"
        "[[rules.a]]\nmodality = 'ska'\nsection = '1'\nvalid_from = 2024-06-30\n",
        [("profile-overlap", 13, "rules.a.1.valid_from")],
    ),
    (
        "overlapping without days",
        HEAD + "[[rules.a]]\nmodality = 'ska'\nsection = '1'\n[[rules.a]]\nmodality = 'ska'\nsection = '1'\n",
        [("profile-overlap", 9, "rules.a.1.valid_from")],
    ),
    (
        "ends before it begins",
        HEAD + A + "valid_from = 2024-02-01\nvalid_to = 2024-01-31\n",
        [("profile-ends-before", 10, "rules.a.valid_to")],
    ),
    (
        "a document that does",
        HEAD + "valid_from = 2024-02-01\nvalid_to = 2024-01-31\n" + A,
        [("profile-ends-before", 7, "documents.d.valid_to")],
    ),
    (
        "two diaries with one number",
        HEAD + '[bodies.b]\ntitle = "B"\n[bodies.c]\ntitle = "C"\n'
        '[bodies.b.rules.diary]\nmodality = "presens"\nsection = "1"\nvalue = { pattern = "KS{yyyy}{n}" }\n'
        '[bodies.c.rules.diary]\nmodality = "presens"\nsection = "1"\nvalue = { pattern = "KS{yy}{n}" }\n',
        [("profile-diaries", 17, "bodies.c.rules.diary.value")],
    ),
    (
        "one diary with one number read in two ways",
        HEAD + '[rules.diary]\nmodality = "presens"\nsection = "1"\n'
        'value = { pattern = "{n}/{yyyy}", also = ["{yyyy}/{n:4}"] }\n',
        [("profile-diaries", 9, "rules.diary.value")],
    ),
    (
        "no pattern, no expression",
        HEAD + '[rules.diary]\nmodality = "presens"\nsection = "1"\n'
        'value = { pattern = "KS{n}", classification = "[" }\n',
        [
            ("profile-value", 9, "rules.diary.value.classification"),
            ("profile-value", 9, "rules.diary.value.pattern"),
        ],
    ),
    (
        "an unknown body",
        HEAD + '[bodies.b]\ntitle = "B"\nparent = "c"\n',
        [("profile-reference", 8, "bodies.b.parent")],
    ),
    (
        "rests on nothing",
        HEAD + '[bodies.b]\ntitle = "B"\nrests_on = ["c"]\n',
        [("profile-rests-on", 8, "bodies.b.rests_on")],
    ),
    (
        "its own ancestor",
        HEAD + '[bodies.b]\ntitle = "B"\nparent = "c"\n[bodies.c]\ntitle = "C"\nparent = "b"\n',
        [("profile-circle", 8, "bodies.b.parent"), ("profile-circle", 11, "bodies.c.parent")],
    ),
    (
        "rests on itself",
        HEAD + '[bodies.b]\ntitle = "B"\nrests_on = ["b"]\n[bodies.c]\ntitle = "C"\nrests_on = ["b"]\n',
        [("profile-circle", 8, "bodies.b.rests_on")],
    ),
    (
        "more justerare than places to sign",
        HEAD
        + '[rules.justerare]\nmodality = "ska"\nsection = "1"\nvalue = { among = "members", number = 2 }\n'
        '[rules.signers]\nmodality = "ska"\nsection = "1"\n'
        'value = [{ office = "justerare", field = "Justerare", label = "Justerare" }]\n',
        [("profile-signers", 10, "rules.signers")],
    ),
)


@pytest.mark.parametrize(("text", "where"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_cannot_be_read_says_where(text: str, where: list[tuple[str, int, str]]) -> None:
    assert [(one.code, one.line, one.place) for one in faults(text)] == where


def told() -> Iterator[str]:
    """Every fault of every bad text in both languages, as a person meets them."""
    for name, text, _ in BAD:
        yield f"# {name}"
        for fault in faults(text):
            values = {"line": fault.line, "place": fault.place, **fault.values}
            for language in ("sv", "en"):
                for key in ("", "do_"):
                    yield f"{language}: {sentence('refusals', fault.code, language, values, key)}"


def test_the_faults_are_told_as_they_were() -> None:
    text = "\n".join(told()) + "\n"
    if not GOLDEN.exists():
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8"), f"remove {GOLDEN.name} if this is how they are to be told now"


def test_every_code_of_a_fault_is_met_above() -> None:
    source = (PROFILES.parent / "profile.py").read_text("utf-8") + (
        PROFILES.parent / "rule_work.py"
    ).read_text("utf-8")
    met = {code for _, _, where in BAD for code, _, _ in where} | {"profile-which-body"}
    assert set(re.findall(r'"(profile-[a-z-]+)"', source)) == met


# --- which body
TWO = HEAD + '[bodies.b]\ntitle = "B"\nrests_on = ["x/y"]\n[bodies.c]\ntitle = "C"\n' + A


def test_a_file_with_several_bodies_is_asked_for_one_of_them() -> None:
    for named in (None, "d"):
        with pytest.raises(ProfileError) as caught:
            read(TWO).content(named)
        assert caught.value.code == "profile-which-body"
        assert caught.value.values["expected"] == "b, c"
    assert read(TWO).content("c")["profile"]["title"] == "C"
    assert read(TWO) == read(TWO)


def test_a_profile_that_is_rested_on_must_be_there_when_the_body_is_asked_for() -> None:
    with pytest.raises(ProfileError) as caught:
        read(TWO).content("b")
    assert (caught.value.code, caught.value.values["line"]) == ("profile-rests-on", 8)
    other = (
        '[profile]\nid = "x"\ntitle = "X"\n[documents.d]\nname = "X 1"\n[bodies.{}]\ntitle = "Y"\n'
        '[bodies.{}.rules.z]\nmodality = "bor"\nsection = "3"\n'
    )
    rules = Rules.from_content(read(TWO, other.format("y", "y")).content("b"))
    assert {(rule.id, str(rule.source)) for rule in rules} == {("z", "X 1 3"), ("a", "D 1 1")}
    assert [one.code for one in faults(TWO, other.format("z", "z"))] == ["profile-rests-on"]


def test_a_body_s_own_rule_goes_before_those_it_rests_on() -> None:
    text = HEAD + A + '[bodies.b]\ntitle = "B"\nshared = true\n[bodies.c]\ntitle = "C"\nrests_on = ["b"]\n'
    for body, rule, section in (("b", "a", "2"), ("b", "x", "3"), ("c", "x", "4")):
        text += f'[bodies.{body}.rules.{rule}]\nmodality = "ska"\nsection = "{section}"\n'
    profile = read(text)
    assert profile.bodies == ("c",), "a shared one cannot be had by itself"
    rules = parse(text)
    assert {rule.id: rule.source.section for rule in rules} == {"a": "1", "x": "4"}
    assert profile.rests_on("c") == ("b",)


# --- validity
def test_rules_that_follow_each_other_apply_each_in_its_time() -> None:
    text = HEAD + (
        '[[rules.notice]]\nmodality = "ska"\nsection = "1"\n'
        'value = { length = 7, unit = "days" }\nvalid_to = 2024-06-30\n'
        '[[rules.notice]]\nmodality = "ska"\nsection = "2"\n'
        'value = { length = 9, unit = "days" }\nvalid_from = 2024-07-01\n'
    )
    rules = parse(text)
    lengths = [
        notice.length if (notice := rules.on(date.fromisoformat(day)).notice()) else None
        for day in ("2020-01-01", "2024-06-30", "2024-07-01", "2030-01-01")
    ]
    assert lengths == [7, 7, 9, 9]
    assert [rule.key for rule in rules] == ["notice", "notice@2024-07-01"]
    newest = rules.notice()
    assert newest is not None and newest.length == 9


@pytest.mark.parametrize(
    ("document", "section", "since"),
    [
        ("2023:196", "6 §", "2023-07-01"),
        ("2023:196", "5 §", "2024-07-01"),
        ("2017:725", "6 kap. 27 §", "2018-01-01"),
        ("1974:152", "1 §", "1975-01-01"),
    ],
)
def test_a_statute_is_cited_from_its_day(document: str, section: str, since: str) -> None:
    text = HEAD + LAW.format(document, section, f"valid_from = {since}\n")
    text += '[statutes."1974:152"]\ntitle = "Regeringsformen"\nin_force = 1975-01-01\n'
    found, first = parse(text), date.fromisoformat(since)
    assert found.on(first).get("a") is not None
    assert found.on(date.fromordinal(first.toordinal() - 1)).get("a") is None


# --- X3: how strongly, under which condition, with which bound
@pytest.mark.parametrize("modality", list(Modality))
@pytest.mark.fact("X3")
def test_a_rule_says_how_strongly_it_is_put_and_when(modality: Modality) -> None:
    text = (
        HEAD
        + f'[rules.a]\nmodality = "{modality}"\nsection = "1"\ncondition = "vid-behov"\nbound = "minst"\n'
    )
    rule = parse(text).require("a")
    assert (rule.modality, rule.condition, rule.bound) == (modality, "vid-behov", "minst")


def test_diaries_that_can_be_told_apart_or_follow_each_other_stand_side_by_side() -> None:
    rule = 'modality = "presens"\nsection = "1"\n'
    text = HEAD + '[bodies.b]\ntitle = "B"\n[bodies.c]\ntitle = "C"\n'
    for body, days in (("b", "valid_to = 2023-12-31"), ("b", "valid_from = 2024-01-01")):
        text += f'[[bodies.{body}.rules.diary]]\n{rule}{days}\nvalue = {{ pattern = "KS{{yy}}.{{n}}" }}\n'
    text += f'[bodies.c.rules.diary]\n{rule}value = {{ pattern = "{{yyyy}}KS{{n}}" }}\n'
    diary = parse(text, "c").diary()
    assert diary is not None and diary.patterns == ("{yyyy}KS{n}",)


@pytest.mark.parametrize("id", ["diary", "justerare", "signers", "notice"])
def test_a_rule_of_any_kind_may_expressly_not_apply(id: str) -> None:
    text = HEAD + f'[rules.{id}]\nmodality = "galler-inte"\nsection = "1"\n'
    assert not parse(text).require(id).reads


def test_a_quota_without_a_least_number_falls_due_at_no_time() -> None:
    text = (
        HEAD
        + '[rules.meeting-quota]\nmodality = "ska"\nsection = "1"\nvalue = { per = "quarter", most = 2 }\n'
    )
    assert parse(text).require("meeting-quota").due is None
    assert parse(text).watched() == ()


# --- what applies expressly not
def test_what_expressly_does_not_apply_needs_no_value_and_is_not_acted_on() -> None:
    text = HEAD + '[rules.quorum]\nmodality = "galler-inte"\nsection = "2.2"\n'
    rule = parse(text).require("quorum")
    assert not rule.reads
    assert rule.due is None
    assert parse(text).of_kind(KINDS["quorum"]) == ()
    assert parse(text).read(KINDS["quorum"]) is None


@pytest.mark.fact("X5")
def test_a_passage_that_does_not_agree_is_kept_beside_the_rule() -> None:
    """X5: what is written is kept as written, apart from what it may mean."""
    other = 'conflicts = [{ text = "tvärtom", section = "9", document = "e", value = 2 }]\n'
    text = HEAD + '[documents.e]\nname = "E 1"\n' + A + 'document = "d"\nunclear = "Vilket?"\n' + other
    rule = parse(text).require("a")
    assert rule.unclear == "Vilket?"
    assert [(str(one.source), one.text, one.value) for one in rule.conflicts] == [("E 1 9", "tvärtom", 2)]


# --- any profile
@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_delivered_profile_is_the_same_when_written_and_read_again(name: str) -> None:
    profile = read(TEXTS[name])
    again = read(written(profile.tables))
    assert again == profile
    assert not again.tables.keys() - {"profile", "documents", "statutes", "bodies", "rules"}


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from leaves(inner, (*place, number))
    else:
        yield place


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = changed(value[place[0]], place[1:], new)
    return copy


SMALL = {name: text for name, text in TEXTS.items() if name != "kommunallagen"}
LEAF: st.SearchStrategy[Any] = (
    st.none()
    | st.integers(-1, 400)
    | st.booleans()
    | st.text(max_size=6)
    | st.dates().map(str)
    | st.just([])
    | st.just({})
)


@for_all(st.sampled_from(sorted(SMALL)), st.randoms(use_true_random=False), LEAF)
def test_an_edited_profile_is_another_one_or_is_refused_where_it_was_edited(
    name: str, random_: random.Random, new: Any
) -> None:
    tables: Any = read(SMALL[name]).tables
    place = random_.choice(list(leaves(tables)))
    text = written(changed(tables, place, new if new is not None else place[-1]))
    try:
        profile = read(text)
    except ProfileError as error:
        for fault in error.faults:
            assert 1 <= fault.line <= text.count("\n") + 1
            assert fault.place
    else:
        assert read(written(profile.tables)) == profile


@for_all(st.sampled_from(sorted(TEXTS)), st.randoms(use_true_random=False), st.text(max_size=30))
def test_a_broken_line_is_read_or_refused_with_a_line_of_the_text(
    name: str, random_: random.Random, instead: str
) -> None:
    lines = TEXTS[name].splitlines()
    lines[random_.randrange(len(lines))] = instead
    text = "\n".join(lines)
    found = refusal(text)
    if isinstance(found, ProfileError):
        assert all(1 <= fault.line <= text.count("\n") + 1 for fault in found.faults)


def refusal(text: str) -> Profile | ProfileError:
    try:
        return read(text)
    except ProfileError as error:
        return error


# --- shapes as somebody would write them
@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "integer"}, "1, 2, 3 …"),
        ({"type": "integer", "minimum": 1, "maximum": 9}, "1–9"),
        ({"type": "boolean"}, "true | false"),
        ({"type": "array"}, "[ … ]"),
        ({"type": "object", "properties": {"a": {}, "b": {}}}, "{ a, b }"),
        ({"type": "string", "format": "date"}, "2024-01-31"),
        ({"type": "string", "pattern": "^a$"}, '"…" (^a$)'),
        ({"type": "string", "maxLength": 9}, '"…" (≤ 9)'),
        ({"type": "string"}, '"…"'),
        ({"const": "a"}, '"a"'),
        ({"enum": ["a", 2]}, '"a" | 2'),
        ({"anyOf": [{"const": "a"}, {"type": "null"}, {"type": "integer"}]}, '"a" | 1, 2, 3 …'),
        ({"examples": ["1/3"], "type": "string"}, '"1/3"'),
    ],
)
def test_what_is_expected_is_written_as_toml(schema: dict[str, Any], wanted: str) -> None:
    assert expected(schema) == wanted


def test_a_place_is_followed_as_far_as_there_is_a_shape() -> None:
    schema = {
        "$defs": {"x": {"type": "object", "properties": {"k": {"type": "integer"}}}},
        "items": {"$ref": "#/$defs/x"},
    }
    assert schema_at(schema, (0, "k")) == ({"type": "integer"}, 2)
    assert schema_at(schema, (0, "k", "z"))[1] == 2
    assert schema_at(schema, (0, "z"))[1] == 1
