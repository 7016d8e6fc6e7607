"""The rules of a body: content of the log in, values with modality and Source out.

- The whole content goes into the log when it is adopted; Rules are read from that content and never from the file, so
  that a later version of a profile changes nothing that has happened (husregel 11).
- A rule has a value, how strongly it is put, when it applies and where it stands. Several rules of one id follow each
  other in time, and on a day at most one of them applies.
- A rule that rests on a statute says from which day, and is not there for an earlier day.
- The content holds no fractions as decimals, only whole numbers and text: its digest must be the same everywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, TypeVar

from domain import rule_kinds as kinds
from domain.errors import Refused
from domain.profile import read
from domain.rule_kinds import KINDS, Kind, Use
from domain.rule_meetings import Demand, Notice, StandingItem
from domain.rule_minutes import JusterareRule, MinutesWord, Recipient, Recipients, SignerOffice
from domain.rule_people import ChairRule, SeatRule, Staffing, Term, ViceChairRule, Word
from domain.rule_work import Diary, Due, ReportSections
from domain.sources import Source, house

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A passage that does not agree with a rule (motstridigt)."""

    text: str
    source: Source
    value: Any = None


@dataclass(frozen=True)
class Rule:
    """A rule: its value, how strongly it is put, when it applies and where it stands (regel)."""

    id: str
    value: Any
    modality: str
    source: Source
    kind: str = ""
    condition: str = ""
    bound: str = ""
    text: str = ""
    note: str = ""
    unclear: str = ""
    conflicts: tuple[Conflict, ...] = ()
    facts: tuple[str, ...] = ()
    written_due: Due | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    def applies(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )

    @property
    def key(self) -> str:
        """The rule's id, with the day it applies from where it has one: several rules can have one id."""
        return f"{self.id}@{self.valid_from}" if self.valid_from else self.id

    @property
    def reads(self) -> bool:
        """Whether the value is to be read: what expressly does not apply is not acted on, and need not have one."""
        if self.modality != "galler-inte":
            return True
        kind = KINDS.get(self.kind)
        return self.value is not True and (kind is None or kind.use == "shown")

    @cached_property
    def due(self) -> Due | None:
        """When the rule is due, as written or as follows from its value; None if nothing falls due by it."""
        kind = KINDS.get(self.kind)
        if self.written_due or kind is None or kind.due is None or not self.reads:
            return self.written_due
        return kind.due(kind.read(self.value))

    @property
    def use(self) -> Use:
        """What the program does with the rule."""
        kind = KINDS.get(self.kind)
        known: Use = kind.use if kind else "shown"
        return "watched" if known == "shown" and self.due else known


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one adopted profile (bestämmelser)."""

    id: str
    title: str
    document: str
    content: Mapping[str, Any]
    hash: str
    every: tuple[Rule, ...] = ()
    rules: Mapping[str, Rule] = field(default_factory=dict)

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Rules:
        """The rules of a content that was adopted; total, whatever later programs expect of a profile.

        Of one content there is one Rules, however many bodies have it.
        """
        return _of_text(_canonical(content))

    @classmethod
    def _of_content(cls, content: Mapping[str, Any]) -> Rules:
        head = content["profile"]
        document = head.get("document", "")
        every = tuple(
            _rule(id, one, document)
            for id, tables in content["rules"].items()
            for one in (tables if isinstance(tables, list) else [tables])
        )
        id = f"{head['id']}/{head['body']}" if head.get("body") else head["id"]
        return cls(id, head["title"], document, content, content_hash(content))._of(every)

    def _of(self, every: tuple[Rule, ...]) -> Rules:
        newest = sorted(every, key=lambda rule: rule.valid_from or date.min)
        rules = {rule.id: rule for rule in newest}
        return Rules(self.id, self.title, self.document, self.content, self.hash, every, rules)

    def on(self, day: date) -> Rules:
        """Only the rules that apply on a day."""
        if all(rule.applies(day) for rule in self.every):
            return self
        return self._of(tuple(rule for rule in self.every if rule.applies(day)))

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.every)

    def get(self, id: str) -> Rule | None:
        return self.rules.get(id)

    def require(self, id: str) -> Rule:
        """The rule, or Refused ("rule-missing") if the document does not have it."""
        if (rule := self.get(id)) is None:
            raise Refused("rule-missing", house(11), rule=id, document=self.document)
        return rule

    def applying(self, id: str) -> Rule:
        """The rule, or Refused if the document does not have it, or says expressly that it does not apply."""
        rule = self.require(id)
        if rule.modality == "galler-inte":
            raise Refused("rule-not-applying", rule.source, rule=id)
        return rule

    def read(self, kind: Kind[T]) -> T | None:
        """The value of the rule of a kind; None if the document says nothing, or that it does not apply."""
        rule = self.get(kind.id)
        return None if rule is None or not rule.reads else kind.read(rule.value)

    def of_kind(self, kind: Kind[T]) -> tuple[tuple[Rule, T], ...]:
        """Every rule of a kind with its value."""
        return tuple((rule, kind.read(rule.value)) for rule in self if rule.kind == kind.id and rule.reads)

    def watched(self) -> tuple[tuple[Rule, Due], ...]:
        """Every rule by which something falls due."""
        return tuple((rule, due) for rule in self if (due := rule.due) is not None)

    # --- what the program acts on; None or () if the document says nothing
    def chair(self) -> ChairRule | None:
        return self.read(kinds.CHAIR)

    def vice_chair(self) -> ViceChairRule | None:
        return self.read(kinds.VICE_CHAIR)

    def seats(self) -> tuple[SeatRule, ...]:
        return self.read(kinds.SEATS) or ()

    def staffing(self) -> tuple[tuple[Rule, Staffing], ...]:
        return self.of_kind(kinds.STAFFING)

    def who(self, word: Word) -> frozenset[str]:
        """The capacities that a word for the body's people takes in; members only, where nothing is configured."""
        found = self.read(kinds.WHO_COUNTS)
        return frozenset(getattr(found, word)) if found else frozenset({"member"})

    def demand(self) -> Demand | None:
        return self.read(kinds.DEMAND)

    def minutes(self) -> MinutesWord | None:
        return self.read(kinds.MINUTES)

    def justerare(self) -> JusterareRule | None:
        return self.read(kinds.JUSTERARE)

    def signers(self) -> tuple[SignerOffice, ...]:
        return self.read(kinds.SIGNERS) or ()

    def standing_items(self) -> tuple[StandingItem, ...]:
        return self.read(kinds.STANDING_ITEMS) or ()

    def send_minutes(self) -> Recipients | None:
        return self.read(kinds.SEND_MINUTES)

    def dispatched_to(self) -> tuple[Recipient, ...]:
        """Everyone that minutes or decisions are to be dispatched to, a group as one."""
        return tuple(one for _, dispatching in self.of_kind(kinds.DISPATCH) for one in dispatching.to)

    def term(self) -> Term | None:
        return self.read(kinds.TERM)

    def report_sections(self) -> ReportSections | None:
        return self.read(kinds.REPORT_SECTIONS)

    def notice(self) -> Notice | None:
        return self.read(kinds.NOTICE)

    def diary(self) -> Diary | None:
        return self.read(kinds.DIARY)


def _rule(id: str, table: Mapping[str, Any], document: str) -> Rule:
    def day(key: str) -> date | None:
        return date.fromisoformat(table[key]) if key in table else None

    def source(where: Mapping[str, Any]) -> Source:
        return Source(where.get("document", document), where.get("section", ""), where.get("fact", ""))

    conflicts = tuple(
        Conflict(one["text"], source(one), one.get("value")) for one in table.get("conflicts", [])
    )
    facts = [one for one in (table.get("fact"), *table.get("facts", [])) if one]
    return Rule(
        id=id,
        value=table.get("value", True),
        modality=table["modality"],
        source=house(table["house"]) if "house" in table else source(table),
        kind=table.get("kind", id if id in KINDS else ""),
        condition=table.get("condition", ""),
        bound=table.get("bound", ""),
        text=table.get("text", ""),
        note=table.get("note", ""),
        unclear=table.get("unclear", ""),
        conflicts=conflicts,
        facts=tuple(facts),
        written_due=Due.model_validate(table["due"]) if "due" in table else None,
        valid_from=day("valid_from"),
        valid_to=day("valid_to"),
    )


@lru_cache(maxsize=256)
def _of_text(text: str) -> Rules:
    return Rules._of_content(json.loads(text))


def _canonical(content: Mapping[str, Any]) -> str:
    """The content as sorted, compact JSON."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the content as sorted, compact JSON."""
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def parse(text: str, body: str | None = None, *others: str) -> Rules:
    """The rules of a body of a profile, of the only one if none is named; raises ProfileError."""
    return Rules.from_content(read(text, *others).content(body))
