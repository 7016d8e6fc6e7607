"""Reading a municipality's profile: text in, the rules of each of its bodies out, or every fault with its line.

- A profile is TOML that a person can read beside the adopted documents: one table a rule, each with its modality, its
  condition and bound where the document has one, and the section it stands in. A new municipality is one such file.
- Every rule has a source: a section of a document that the file names, of a statute, or a house rule (husregel 11).
- Two rules with one id may follow each other in time and never overlap. Nothing ends before it begins (husregel 14).
- A statute is cited only for days on which it is in force, also a paragraph that took effect later than the rest.
- No diary number may be read by two diaries of a file.
- All faults are told at once, each with its line, its place and what was expected; nothing is read by halves.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from domain.errors import Refused
from domain.grammar import common
from domain.places import Place, Places
from domain.profile_tables import (
    BodyTable,
    DocumentTable,
    ProfileTable,
    RuleTable,
    StatuteTable,
    expected,
    schema_at,
)
from domain.rule_kinds import KINDS, KNOWN
from domain.sources import STATUTES, Statute, house

Tables = Mapping[str, Any]
Group = tuple[Place, Tables, Tables]  # where rules stand, the rules, and the table that owns them
MAIN: Final = ""  # the one body of a file that names none
_ADAPTERS: Final = {
    model: TypeAdapter(model) for model in (ProfileTable, DocumentTable, StatuteTable, BodyTable, RuleTable)
}


class Fault(NamedTuple):
    """What is wrong with a profile, and where (fel i profilen)."""

    code: str
    line: int
    place: str
    values: Mapping[str, str | int]


class ProfileError(Refused):
    """A profile cannot be read: the first fault speaks for all of them (profilen går inte att läsa)."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = tuple(sorted(faults, key=lambda one: (one.line, one.place)))
        first = self.faults[0]
        super().__init__(first.code, house(11), line=first.line, place=first.place, **first.values)


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile that was read (profil)."""

    tables: Tables
    others: Mapping[str, Profile] = field(default_factory=dict, compare=False)
    places: Places | None = field(default=None, compare=False, repr=False)

    @property
    def id(self) -> str:
        return str(self.tables["profile"]["id"])

    @property
    def bodies(self) -> tuple[str, ...]:
        """The bodies that can have these rules; "" for the only one of a file that names none."""
        named: Tables = self.tables.get("bodies", {})
        return tuple(code for code, one in named.items() if not one.get("shared")) or (MAIN,)

    def content(self, body: str | None = None) -> dict[str, Any]:
        """All that applies to a body, as it is put in the log; the body may be left out where there is only one."""
        if body is None and len(self.bodies) == 1:
            (body,) = self.bodies
        if body is None or body not in self.bodies:
            raise self._error(
                "profile-which-body", ("bodies",), name=body or "–", expected=", ".join(self.bodies)
            )
        head: Tables = self.tables["profile"]
        own: Tables = self._body(body)
        documents = self._documents()
        default = self._default(own)
        told: Tables = documents.get(default, {})
        return {
            "profile": {
                **{key: value for key, value in own.items() if key not in ("rules", "rests_on", "shared")},
                "id": head["id"],
                "body": body,
                "title": told.get("title") or own.get("title") or head["title"],
                "document": told.get("name", ""),
                "unknown": [*told.get("unknown", []), *own.get("unknown", [])],
                "note": " ".join(one for one in (told.get("note"), own.get("note")) if one),
            },
            "documents": list(documents.values()),
            "rules": self.resolved(body),
        }

    def resolved(self, body: str) -> dict[str, Any]:
        """A body's rules with those it rests on, each with its source written out."""
        own = self._body(body)
        rules: dict[str, Any] = {}
        for reference in own.get("rests_on", []):
            profile, _, name = reference.rpartition("/")
            if profile and profile not in self.others:
                raise self._error("profile-rests-on", ("bodies", body, "rests_on"), name=reference)
            rules |= (self.others[profile] if profile else self).resolved(name)
        default = self._default(own)
        for id, tables in (self.tables.get("rules", {}) | own.get("rules", {})).items():
            several = tables if isinstance(tables, list) else [tables]
            written = [self._sourced(one, default) for one in several]
            rules[id] = written if isinstance(tables, list) else written[0]
        return rules

    def _error(self, code: str, place: Place, **values: str) -> ProfileError:
        line = self.places.line(place) if self.places else 1
        return ProfileError(Fault(code, line, ".".join(map(str, place)), values))

    def rests_on(self, body: str) -> tuple[str, ...]:
        """The bodies whose rules a body has, one over the other; those of other profiles as profile/body."""
        named: list[str] = self._body(body).get("rests_on", [])
        within = (one for each in named if "/" not in each for one in self.rests_on(each))
        return (*named, *within)

    def _body(self, body: str) -> Tables:
        found: Tables = {} if body == MAIN else self.tables["bodies"][body]
        return found

    def _documents(self) -> Tables:
        found: Tables = self.tables.get("documents", {})
        return found

    def _default(self, body: Tables) -> str:
        """The document that a rule stands in unless it says another."""
        only = list(self._documents()) if len(self._documents()) == 1 else [""]
        return str(body.get("document") or self.tables["profile"].get("document") or only[0])

    def _sourced(self, rule: Tables, default: str) -> dict[str, Any]:
        def cited(where: Tables) -> dict[str, Any]:
            named = where.get("document", default)
            return {**where, "document": self._documents().get(named, {}).get("name", named)}

        written = dict(rule) if "house" in rule else cited(rule)
        if "conflicts" in rule:
            written["conflicts"] = [cited(one) for one in rule["conflicts"]]
        return written


def read(text: str, *others: str) -> Profile:
    """Read a profile, beside the other profiles that it rests on; raises ProfileError."""
    beside = {one.id: one for one in map(read, others)}
    text = text.replace("\r\n", "\n")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        raise ProfileError(Fault("profile-not-toml", line, "", {"expected": "TOML"})) from None
    except RecursionError:
        raise ProfileError(Fault("profile-not-toml", 1, "", {"expected": "TOML"})) from None
    return _Reader(text, tables, beside).read()


class _Reader:
    """One reading; faults gather until the end of a step that others rest on."""

    def __init__(self, text: str, tables: dict[str, Any], others: Mapping[str, Profile]) -> None:
        self.places, self.given, self.others = Places(text), tables, others
        self.faults: list[Fault] = []
        self.statutes: dict[str, Statute] = dict(STATUTES)
        self.documents: Tables = {}

    def read(self) -> Profile:
        tables = {key: self._json(value, (key,)) for key, value in self.given.items()}
        self._stop()
        self._shapes(tables)
        self._stop()
        self.documents = tables.get("documents", {})
        self._check(tables)
        self._stop()
        return Profile(tables, self.others, self.places)

    def _stop(self) -> None:
        if self.faults:
            raise ProfileError(*self.faults)

    def fault(self, code: str, place: Iterable[str | int], **values: str | int) -> None:
        parts = tuple(place)
        name = ".".join(map(str, parts))
        self.faults.append(Fault(code, self.places.line(parts), name, values))

    # --- shapes
    def _shapes(self, tables: Tables) -> None:
        for key in tables.keys() - {"profile", "documents", "statutes", "bodies", "rules"}:
            self.fault("profile-unknown-key", (key,), expected="profile, documents, statutes, bodies, rules")
        self._model(ProfileTable, tables.get("profile", {}), ("profile",))
        for name, model in (("documents", DocumentTable), ("statutes", StatuteTable)):
            for key, table in self._named(tables.get(name, {}), (name,)):
                self._model(model, table, (name, key))
        for key, table in self._named(tables.get("bodies", {}), ("bodies",)):
            place: Place = ("bodies", key)
            if isinstance(table, dict):
                self._rules(table.get("rules", {}), (*place, "rules"))
            own = {k: v for k, v in table.items() if k != "rules"} if isinstance(table, dict) else table
            self._model(BodyTable, own, place)
        self._rules(tables.get("rules", {}), ("rules",))
        if "bodies" not in tables and not tables.get("rules"):
            self.fault("profile-missing", ("rules",), expected="[rules.…] | [bodies.…]")

    def _named(self, tables: Any, place: Place) -> Iterator[tuple[str, Any]]:
        """The tables of a table of tables, with a name that is fit to be one."""
        if not isinstance(tables, dict):
            self.fault("profile-value", place, expected="{ … }")
            return
        for key, table in tables.items():
            statute = place == ("statutes",)
            if not re.fullmatch(r"[0-9]{4}:[0-9]{1,4}" if statute else r"[a-z][a-z0-9-]{0,63}", key):
                self.fault("profile-name", (*place, key), expected='"1999:999"' if statute else "a–z, 0–9, -")
            else:
                yield key, table

    def _rules(self, rules: Any, place: Place) -> None:
        for id, tables in self._named(rules, place):
            if isinstance(tables, list):
                for number, table in enumerate(tables):
                    self._rule(id, table, (*place, id, number))
            else:
                self._rule(id, tables, (*place, id))

    def _rule(self, id: str, table: Any, place: Place) -> None:
        if not self._model(RuleTable, table, place):
            return
        kind = table.get("kind", id)
        if "kind" in table and kind not in KINDS:
            self.fault("profile-reference", (*place, "kind"), name=kind, expected=", ".join(KINDS))
        elif kind in KINDS and (table["modality"] != "galler-inte" or "value" in table):
            self._model(KINDS[kind].shape, table.get("value", True), (*place, "value"))
        elif kind not in KNOWN and (close := difflib.get_close_matches(id, KNOWN, n=1, cutoff=0.85)):
            self.fault("profile-name", place, expected=close[0])

    def _model(self, model: Any, value: Any, place: Place) -> bool:
        """Whether a value has the shape of a model; its faults are noted."""
        adapter: TypeAdapter[Any] = model if isinstance(model, TypeAdapter) else _ADAPTERS[model]
        try:
            adapter.validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            schema = adapter.json_schema()
            told = {self._shaped(one, schema, place) for one in error.errors(include_url=False)}
            for code, where, wanted in told:
                self.fault(code, where, expected=wanted)
            return False
        return True

    @staticmethod
    def _shaped(error: Any, schema: Tables, place: Place) -> tuple[str, Place, str]:
        kind, loc = error["type"], tuple(error["loc"])
        if kind == "missing":
            inner, _ = schema_at(schema, loc)
            return "profile-missing", (*place, *loc), f"{loc[-1]} = {expected(inner)}"
        if kind == "extra_forbidden":
            around, _ = schema_at(schema, loc[:-1])
            names = list(around.get("properties", ()))
            close = difflib.get_close_matches(str(loc[-1]), names, n=1, cutoff=0.6)
            return "profile-unknown-key", (*place, *loc), ", ".join(close or names)
        inner, depth = schema_at(schema, loc)
        said = str(error.get("ctx", {}).get("error", ""))
        code = said if said.startswith("profile-") else "profile-value"
        return code, (*place, *loc[:depth]), expected(inner)

    def _json(self, value: Any, place: Place) -> Any:
        """The value as it is kept: text, whole numbers, truth values, and lists and tables of them."""
        match value:
            case bool():
                return value
            case int() if abs(value) < 2**53:
                return value
            case str():
                return unicodedata.normalize("NFC", value)
            case date() if type(value) is date:
                return value.isoformat()
            case list():
                return [self._json(item, (*place, index)) for index, item in enumerate(value)]
            case dict() if all(key.isascii() for key in value):
                return {key: self._json(item, (*place, key)) for key, item in value.items()}
            case _:
                self.fault(
                    "profile-value", place, expected='"…" | 1, 2, 3 … | true | 2024-01-31 | [ … ] | { … }'
                )
                return None

    # --- what tables say about one another
    def _check(self, tables: Tables) -> None:
        for number, table in tables.get("statutes", {}).items():
            self._in_order(table, ("statutes", number), "in_force", "until")
            first = date.fromisoformat(table["in_force"])
            last = date.fromisoformat(table["until"]) if "until" in table else None
            self.statutes.setdefault(number, Statute(number, table["title"], first, last))
        for key, table in self.documents.items():
            self._in_order(table, ("documents", key))
        self._document(tables["profile"], ("profile",))
        bodies: Tables = tables.get("bodies", {})
        for key, body in bodies.items():
            self._body(key, body, bodies)
        groups: list[Group] = [(("rules",), tables.get("rules", {}), tables["profile"])]
        groups += [(("bodies", key, "rules"), body.get("rules", {}), body) for key, body in bodies.items()]
        for place, rules, owner in groups:
            for id, written in rules.items():
                several = written if isinstance(written, list) else [written]
                spots = (
                    [(*place, id, n) for n in range(len(several))]
                    if isinstance(written, list)
                    else [(*place, id)]
                )
                for rule, spot in zip(several, spots, strict=True):
                    self._rule_source(rule, spot, owner, tables)
                self._overlaps(several, spots)
        self._diaries(groups)
        if not self.faults:
            self._signers(Profile(tables, self.others))

    def _in_order(
        self, table: Tables, place: Place, first: str = "valid_from", last: str = "valid_to"
    ) -> None:
        if first in table and last in table and table[last] < table[first]:
            self.fault("profile-ends-before", (*place, last), first=table[first], last=table[last])

    def _document(self, table: Tables, place: Place) -> None:
        if "document" in table and table["document"] not in self.documents:
            known = ", ".join(self.documents) or "[documents.…]"
            self.fault("profile-document", (*place, "document"), name=table["document"], expected=known)

    def _body(self, key: str, body: Tables, bodies: Tables) -> None:
        place: Place = ("bodies", key)
        self._document(body, place)
        named = [("parent", body["parent"])] if "parent" in body else []
        named += [(name, code) for name in ("linked_to", "succeeds") for code in body.get(name, [])]
        for name, code in named:
            if code not in bodies:
                self.fault("profile-reference", (*place, name), name=code, expected=", ".join(bodies))
        for reference in body.get("rests_on", []):
            profile, _, name = reference.rpartition("/")
            if profile and profile not in self.others:
                continue  # asked for when the body's rules are
            if name not in (self.others[profile].tables.get("bodies", {}) if profile else bodies):
                self.fault("profile-rests-on", (*place, "rests_on"), name=reference)
        if _circle(key, lambda code: [bodies.get(code, {}).get("parent", "")]):
            self.fault("profile-circle", (*place, "parent"), name=key)
        if _circle(key, lambda code: bodies.get(code, {}).get("rests_on", [])):
            self.fault("profile-circle", (*place, "rests_on"), name=key)

    def _rule_source(self, rule: Tables, place: Place, owner: Tables, tables: Tables) -> None:
        self._in_order(rule, place)
        if "house" in rule:
            if rule.keys() & {"document", "section"}:
                self.fault("profile-source-twice", (*place, "house"))
            return
        if "section" not in rule:
            self.fault("profile-source", place)
        for number, conflict in enumerate(rule.get("conflicts", [])):
            self._document(conflict, (*place, "conflicts", number))
        statute = re.fullmatch(r"SFS (.+)", rule.get("document", ""))
        default = owner.get("document") or tables["profile"].get("document")
        if statute:
            self._statute(statute[1], rule.get("section", ""), rule, place)
        elif "document" in rule:
            self._document(rule, place)
        elif not default and len(self.documents) != 1:
            self.fault("profile-source", place)
        named = rule.get("document") or default or next(iter(self.documents), "")
        since = rule.get("valid_from") or self.documents.get(named, {}).get("decided_on", "9999")
        for cited in _named_statutes(rule.get("value")):
            if (found := self.statutes.get(cited)) is None:
                self.fault("profile-statute-unknown", (*place, "value"), statute=cited)
            elif since < (first := found.in_force.isoformat()):
                self.fault("profile-statute-early", (*place, "value"), statute=cited, since=first)

    def _statute(self, number: str, section: str, rule: Tables, place: Place) -> None:
        if (statute := self.statutes.get(number)) is None:
            self.fault("profile-statute-unknown", (*place, "document"), statute=number)
            return
        since = statute.since(section).isoformat()
        if rule.get("valid_from", "") < since:
            where = (*place, "valid_from") if "valid_from" in rule else place
            self.fault("profile-statute-early", where, statute=number, since=since)
        if statute.until and rule.get("valid_to", "9999") > statute.until.isoformat():
            where = (*place, "valid_to") if "valid_to" in rule else place
            self.fault("profile-statute-late", where, statute=number, until=statute.until.isoformat())

    def _overlaps(self, several: Sequence[Tables], places: Sequence[Place]) -> None:
        spans = sorted(
            (one.get("valid_from", ""), one.get("valid_to", "9999"), place)
            for one, place in zip(several, places, strict=True)
        )
        for (_, last, _), (first, _, place) in pairwise(spans):
            if first <= last:
                end = "–" if last == "9999" else last
                self.fault("profile-overlap", (*place, "valid_from"), first=first or "–", last=end)

    def _diaries(self, groups: Iterable[Group]) -> None:
        """No text may be a number of two diaries, nor be read in two ways by one."""
        seen: list[tuple[Place, str]] = []
        for place, rules, _ in groups:
            for id, written in rules.items():
                for one in written if isinstance(written, list) else [written]:
                    if one.get("kind", id) != "diary" or "value" not in one:
                        continue
                    value = one["value"]
                    spot = (*place, id)
                    for pattern in (value["pattern"], *value.get("also", [])):
                        for other, taken in seen:
                            follows = other == spot and isinstance(written, list)
                            if not follows and (both := common(pattern, taken)):
                                self.fault(
                                    "profile-diaries",
                                    (*spot, "value"),
                                    pattern=pattern,
                                    other=taken,
                                    number=both,
                                )
                        seen.append((spot, pattern))

    def _signers(self, profile: Profile) -> None:
        """As many justerare sign as are chosen."""
        for body in profile.bodies:
            if any(one.rpartition("/")[0] not in ("", *self.others) for one in profile.rests_on(body)):
                continue
            rules = profile.resolved(body)
            both: list[Any] = [rules.get("justerare"), rules.get("signers")]
            if not all(isinstance(one, dict) and "value" in one for one in both):
                continue
            chosen, signing = both
            number = chosen["value"].get("number", 1)
            fields = sum(one["office"].startswith("justerare") for one in signing["value"])
            if number != fields:
                place = ("bodies", body, "rules", "signers") if body else ("rules", "signers")
                self.fault("profile-signers", place, number=number, fields=fields)


def _named_statutes(value: Any) -> list[str]:
    """The statutes that a value names under statute or statutes."""
    if not isinstance(value, dict):
        return []
    several = value.get("statutes", [])
    named = [value.get("statute"), *(several if isinstance(several, list) else [])]
    return [one for one in named if isinstance(one, str)]


def _circle(start: str, onward: Any) -> bool:
    """Whether one comes back to where one started."""
    seen: set[str] = set()
    waiting = list(onward(start))
    while waiting:
        here = waiting.pop()
        if here == start:
            return True
        if here not in seen:
            seen.add(here)
            waiting += onward(here)
    return False
