"""A municipality's rules for a body: profile text in, values with modality and Source out.

- A profile is TOML that a person can read beside the adopted document: one table a rule, each with its modality (ska,
  måste, får inte, bör, utgångspunkt, kan, present tense, does not apply), its condition and bound where the document
  has one, and the section it stands in. What the document does not say is not in the profile.
- The whole content goes into the log when it is adopted; Rules are read from that content and never from the file, so
  that a later version of a profile changes nothing that has happened (husregel 11).
- A rule whose value the program acts on has a known shape, and a profile that breaks it is refused with the line and
  what was expected. Other rules may be written freely: they are shown and may be watched.
- A rule that rests on a statute says from which day, and is not there for an earlier day.
- The content holds no fractions as decimals, only whole numbers and text: its digest must be the same everywhere.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from domain.errors import Refused
from domain.messages import Code, Diarienummer, Part, PublicName
from domain.rule_shapes import (
    KNOWN,
    SHAPES,
    Band,
    ChairRule,
    Demand,
    Diary,
    JusterareRule,
    MinutesWord,
    NotApplicable,
    Notice,
    Recipients,
    SeatRule,
    SignerOffice,
    Staffing,
    StandingItem,
    ViceChairRule,
    WhoCounts,
    Word,
)
from domain.sources import CRIME_PREVENTION, MUNICIPAL_ACT, Source, house


class Modality(StrEnum):
    """How strongly a rule is put (modalitet)."""

    SKA = "ska"
    MASTE = "maste"
    FAR_INTE = "far-inte"
    BOR = "bor"
    UTGANGSPUNKT = "utgangspunkt"
    KAN = "kan"
    PRESENS = "presens"  # "samlas", "förs": described, only watched
    GALLER_INTE = "galler-inte"  # an express statement that something does not apply


class ProfileError(Refused):
    """A profile cannot be read: where, and what was expected there (profilen går inte att läsa)."""

    def __init__(self, line: int, place: str, expected: str) -> None:
        super().__init__("profile-unreadable", house(11), line=line, place=place, expected=expected)
        self.line, self.place, self.expected = line, place, expected


class ProfileTable(Part):
    """The head of a profile (om bestämmelserna)."""

    id: Code
    title: PublicName
    document: PublicName
    diarienummer: Diarienummer | None = None
    unknown: tuple[PublicName, ...] = ()
    note: Annotated[str, Field(max_length=1000)] = ""


class RuleTable(Part):
    """One rule as written in a profile: section and fact say where it stands, house which house rule it is instead."""

    value: Any = True
    modality: Modality
    condition: Code | None = None
    bound: Code | None = None
    document: PublicName | None = None
    section: Annotated[str, Field(max_length=120)] = ""
    fact: Annotated[str, Field(max_length=8)] = ""
    house: Annotated[int, Field(ge=1, le=999)] | None = None
    text: Annotated[str, Field(max_length=1000)] = ""
    note: Annotated[str, Field(max_length=1000)] = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its value, how strongly it is put, when it applies and where it stands (regel)."""

    id: str
    value: Any
    modality: str
    source: Source
    condition: str = ""
    bound: str = ""
    text: str = ""
    note: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    def applies(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one adopted profile (bestämmelser)."""

    id: str
    title: str
    document: str
    content: Mapping[str, Any]
    hash: str
    rules: Mapping[str, Rule] = field(default_factory=dict)

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Rules:
        """The rules of a content that was adopted; total, whatever later programs expect of a profile."""
        head = content["profile"]
        rules = {id: _rule(id, table, head["document"]) for id, table in content["rules"].items()}
        return cls(head["id"], head["title"], head["document"], content, content_hash(content), rules)

    def on(self, day: date) -> Rules:
        """Only the rules that apply on a day."""
        if all(rule.applies(day) for rule in self.rules.values()):
            return self
        rules = {id: rule for id, rule in self.rules.items() if rule.applies(day)}
        return Rules(self.id, self.title, self.document, self.content, self.hash, rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules.values())

    def get(self, id: str) -> Rule | None:
        return self.rules.get(id)

    def require(self, id: str) -> Rule:
        """The rule, or Refused ("rule-missing") if the document does not have it."""
        if (rule := self.get(id)) is None:
            raise Refused("rule-missing", house(11), rule=id, document=self.document)
        return rule

    def _read(self, id: str) -> Any:
        rule = self.get(id)
        return None if rule is None else SHAPES[id].validate_python(rule.value)

    # --- what the program acts on; None or () if the document says nothing
    def chair(self) -> ChairRule | None:
        found: ChairRule | None = self._read("chair")
        return found

    def vice_chair(self) -> ViceChairRule | None:
        found: ViceChairRule | None = self._read("vice-chair")
        return found

    def seats(self) -> tuple[SeatRule, ...]:
        found: tuple[SeatRule, ...] | None = self._read("seats")
        return found or ()

    def staffing(self) -> tuple[tuple[Rule, Staffing], ...]:
        """Every staffing duty with the rule that has it."""
        ids = [id for id in ("staffing", "staffing-chair") if id in self.rules]
        return tuple((self.rules[id], self._read(id)) for id in ids)

    def who(self, word: Word) -> frozenset[str]:
        """The capacities that a word for the body's people takes in; members only, where nothing is configured."""
        found: WhoCounts | None = self._read("who-counts")
        return frozenset(getattr(found, word)) if found else frozenset({"member"})

    def not_applicable(self) -> NotApplicable | None:
        found: NotApplicable | None = self._read("not-applicable")
        return found

    def meetings_per_year(self) -> Band | None:
        found: Band | None = self._read("meetings-per-year")
        return found

    def demand(self) -> Demand | None:
        found: Demand | None = self._read("demand")
        return found

    def minutes(self) -> MinutesWord | None:
        found: MinutesWord | None = self._read("minutes")
        return found

    def justerare(self) -> JusterareRule | None:
        found: JusterareRule | None = self._read("justerare")
        return found

    def signers(self) -> tuple[SignerOffice, ...]:
        found: tuple[SignerOffice, ...] | None = self._read("signers")
        return found or ()

    def standing_items(self) -> tuple[StandingItem, ...]:
        found: tuple[StandingItem, ...] | None = self._read("standing-items")
        return found or ()

    def send_minutes(self) -> Recipients | None:
        found: Recipients | None = self._read("send-minutes")
        return found

    def notify(self) -> Recipients | None:
        found: Recipients | None = self._read("notify")
        return found

    def notice(self) -> Notice | None:
        found: Notice | None = self._read("notice")
        return found

    def diary(self) -> Diary | None:
        found: Diary | None = self._read("diary")
        return found


def _rule(id: str, table: Mapping[str, Any], document: str) -> Rule:
    def day(key: str) -> date | None:
        return date.fromisoformat(table[key]) if key in table else None

    source = (
        house(table["house"])
        if "house" in table
        else Source(table.get("document", document), table.get("section", ""), table.get("fact", ""))
    )
    return Rule(
        id=id,
        value=table.get("value", True),
        modality=table["modality"],
        source=source,
        condition=table.get("condition", ""),
        bound=table.get("bound", ""),
        text=table.get("text", ""),
        note=table.get("note", ""),
        valid_from=day("valid_from"),
        valid_to=day("valid_to"),
    )


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content as sorted, compact JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


# --- reading a profile
def parse(text: str) -> Rules:
    """Read a profile; raises ProfileError."""
    text = text.replace("\r\n", "\n")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        raise ProfileError(int(at[1]) if at else text.count("\n") + 1, "", "TOML") from None
    return _Reader(text).read(tables)


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")

    def read(self, tables: dict[str, Any]) -> Rules:
        for name in tables.keys() - {"profile", "rules"}:
            raise self.error((name,), "only the tables profile and rules")
        head = self._model(ProfileTable, tables.get("profile"), ("profile",))
        if not isinstance(given := tables.get("rules"), dict) or not given:
            raise self.error(("rules",), "a table for each rule")
        content = {
            "profile": head,
            "rules": {id: self._rule(id, table) for id, table in given.items()},
        }
        return Rules.from_content(content)

    def _rule(self, id: str, table: Any) -> dict[str, Any]:
        place = ("rules", id)
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,63}", id):
            raise self.error(place, "a rule's id in small letters, figures and hyphens")
        if id not in KNOWN and (close := difflib.get_close_matches(id, KNOWN, n=1, cutoff=0.85)):
            raise self.error(place, f"the id {close[0]}, or one that is not so like it")
        rule = self._model(RuleTable, table, place)
        if "house" in rule and rule.keys() & {"document", "section", "fact"}:
            raise self.error((*place, "house"), "either a house rule or a section of the document")
        if "house" not in rule and "section" not in rule:
            raise self.error(
                (*place, "section"), "the section where the rule stands, or the number of a house rule"
            )
        self._statute(rule, place)
        if "value" in rule:
            rule["value"] = self._json(rule["value"], (*place, "value"))
        if id in SHAPES:
            self._model(SHAPES[id], rule.get("value", True), (*place, "value"))
        return rule

    def _statute(self, rule: dict[str, Any], place: tuple[str, ...]) -> None:
        number = rule.get("document", "").removeprefix("SFS ")
        if number == rule.get("document", ""):
            return
        known = {statute.number: statute.in_force for statute in (CRIME_PREVENTION, MUNICIPAL_ACT)}
        since = known.get(number)
        if "valid_from" not in rule or (since and date.fromisoformat(rule["valid_from"]) < since):
            wanted = f"a day from {since} on" if since else "the day from which the statute applies"
            raise self.error((*place, "valid_from"), wanted)

    def _model(self, model: Any, value: Any, place: tuple[str, ...]) -> dict[str, Any]:
        """Check a table against a model; gives what was written, with the dates as text."""
        adapter = model if isinstance(model, TypeAdapter) else TypeAdapter(model)
        try:
            checked = adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            inner = tuple(str(part) for part in first["loc"])
            raise self.error((*place, *inner), first["msg"]) from None
        if isinstance(model, TypeAdapter):
            return {}
        written: dict[str, Any] = checked.model_dump(mode="json", exclude_unset=True)
        return {key: self._json(item, (*place, key)) for key, item in written.items()}

    def _json(self, value: Any, place: tuple[str, ...]) -> Any:
        match value:
            case bool():
                return value
            case int() if abs(value) < 2**53:
                return value
            case str():
                return unicodedata.normalize("NFC", value)
            case list() | tuple():
                return [self._json(item, (*place, str(index))) for index, item in enumerate(value)]
            case dict() if all(key.isascii() for key in value):
                return {key: self._json(item, (*place, key)) for key, item in value.items()}
            case _:
                raise self.error(place, "text, whole numbers, true or false, and lists or tables of them")

    def error(self, place: Iterable[str], expected: str) -> ProfileError:
        parts = tuple(place)
        return ProfileError(self._line(parts), ".".join(parts), expected)

    def _line(self, place: tuple[str, ...]) -> int:
        """The line of the innermost part that can be found: the table's head, then the key under it."""
        heads = [re.escape(".".join(place[:depth])) for depth in range(len(place), 0, -1)]
        start = next(
            (
                number
                for head in heads
                for number, line in enumerate(self.lines, 1)
                if re.match(rf"\s*\[{head}\]", line) or re.match(rf"\s*{head}\s*=", line)
            ),
            1,
        )
        for number, line in enumerate(self.lines[start:], start + 1):
            if line.lstrip().startswith("["):
                break
            for key in reversed(place[1:]):
                if re.match(rf"\s*{re.escape(key)}\s*=", line):
                    return number
        return start
