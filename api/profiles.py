"""Profiles for those who write and read them: the ones delivered, their JSON Schema, and what applies, in Swedish.

- A profile that rests on another names it; the delivered ones are found by that name.
- The schema is made from the same shapes that a profile is read by, and is kept beside the profiles for editors.
- What applies is told as the document puts it: how strongly, under which condition, where it stands, when it is due,
  what does not apply, what is unclear, and what the document does not say. Unknown is never told as a failing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter

from domain.body import Regulation
from domain.profile import Fault, ProfileError, read
from domain.profile_tables import BodyTable, DocumentTable, ProfileTable, RuleTable, StatuteTable
from domain.regulation import Rule
from domain.rule_kinds import KINDS
from domain.rule_work import Due

MODALITIES = {
    "ska": "SKA", "maste": "MÅSTE", "far-inte": "FÅR INTE", "bor": "BÖR", "utgangspunkt": "UTGÅNGSPUNKT",
    "kan": "KAN", "presens": "SÅ ÄR DET", "galler-inte": "GÄLLER INTE",
}  # fmt: skip
CONDITIONS = {"vid-behov": "vid behov", "vid-forhinder": "vid förhinder", "verka-for": "verka för"}
PERIODS = {
    "month": "varje månad", "quarter": "varje kvartal", "half-year": "varje halvår", "year": "varje år",
    "two-years": "vartannat år", "term-of-office": "varje mandatperiod",
}  # fmt: skip
MONTHS = "januari februari mars april maj juni juli augusti september oktober november december".split()
OCCASIONS = {
    "meeting-closed": "varje sammanträde", "minutes-approved": "godkännandet av anteckningarna",
    "half-year-accounts": "halvårsbokslutet", "annual-accounts": "årsbokslutet",
    "agreement-review": "översyn av överenskommelsen",
}  # fmt: skip


def delivered() -> dict[str, str]:
    """The text of every profile that comes with the program, by its id."""
    folder = files("domain") / "profiles"
    return {
        one.name.removesuffix(".toml"): one.read_text("utf-8")
        for one in sorted(folder.iterdir(), key=lambda each: each.name)
        if one.name.endswith(".toml")
    }


def beside(text: str) -> list[str]:
    """The delivered profiles that a profile can rest on: all but one of the same id."""
    try:
        own = read(text).id
    except ProfileError:
        own = ""
    return [other for id, other in delivered().items() if id != own]


def check(text: str) -> tuple[tuple[Fault, ...], dict[str, int]]:
    """What is wrong with a profile; and if nothing is, its bodies with the number of their rules."""
    try:
        profile = read(text, *beside(text))
        return (), {body: len(profile.content(body)["rules"]) for body in profile.bodies}
    except ProfileError as error:
        return error.faults, {}


# --- the schema
def schema() -> dict[str, Any]:
    """The JSON Schema of a profile file."""
    tables = {"profile": ProfileTable, "document": DocumentTable, "statute": StatuteTable}
    shapes: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (name, "validation", TypeAdapter(model))
        for name, model in (tables | {"body": BodyTable, "rule": RuleTable}).items()
    ]
    shapes += [(f"value-{kind.id}", "validation", kind.shape) for kind in KINDS.values()]
    found, made = TypeAdapter.json_schemas(shapes)
    definitions = made["$defs"]
    rule = found["rule", "validation"]

    def one_or_several(one: Mapping[str, Any]) -> dict[str, Any]:
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}

    def named(each: Any) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": each}

    def valued(kind: str) -> dict[str, Any]:
        return {"allOf": [rule, {"properties": {"value": found[f"value-{kind}", "validation"]}}]}

    definitions["Rules"] = named(one_or_several(rule)) | {
        "properties": {
            kind.id: one_or_several(valued(kind.id)) | {"description": kind.words} for kind in KINDS.values()
        }
    }
    rules = {"$ref": "#/$defs/Rules"}
    body = definitions["BodyTable"]
    body["properties"]["rules"] = rules
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Profil",
        "type": "object",
        "additionalProperties": False,
        "required": ["profile"],
        "properties": {
            "profile": found["profile", "validation"],
            "documents": named(found["document", "validation"]),
            "statutes": named(found["statute", "validation"]),
            "bodies": named(found["body", "validation"]),
            "rules": rules,
        },
        "$defs": definitions,
    }


# --- what applies
def explained(name: str, regulation: Regulation, day: date) -> dict[str, Any]:
    """What applies to a body on a day, as data."""
    rules = regulation.rules.on(day)
    head = rules.content["profile"]
    documents = rules.content.get("documents", [])
    return {
        "body": name,
        "on": day.isoformat(),
        "profile": rules.id,
        "title": rules.title,
        "document": rules.document,
        "hash": rules.hash,
        "rules": [_rule(rule) for rule in rules],
        "unknown": [*dict.fromkeys(head.get("unknown", []))],
        "perhaps": [
            said for one in documents if one["name"] == rules.document for said in _in_doubt(one, day)
        ],
        "note": head.get("note", ""),
    }


def _in_doubt(document: Mapping[str, Any], day: date) -> Iterator[str]:
    """Why it may be that a document no longer applies."""
    last = document.get("valid_to")
    if last == day.isoformat() and document.get("last_day", "included") != "included":
        counted = "räknas inte" if document["last_day"] == "excluded" else "är det okänt om den räknas"
        yield f"{document['name']} gäller till {last}; som sista dag {counted}."
    elif last and last < day.isoformat():
        yield f"{document['name']} gäller enligt sin egen uppgift till {last}."


def _rule(rule: Rule) -> dict[str, Any]:
    kind = KINDS.get(rule.kind)
    return {
        "rule": rule.id,
        "kind": rule.kind,
        "words": kind.words if kind else "",
        "use": rule.use,
        "modality": rule.modality,
        "condition": rule.condition,
        "bound": rule.bound,
        "text": rule.text,
        "value": rule.value,
        "source": {"document": rule.source.document, "section": rule.source.section},
        "facts": list(rule.facts),
        "due": rule.due.model_dump(mode="json", exclude_defaults=True) if rule.due else None,
        "due_words": due_words(rule.due) if rule.due else "",
        "unclear": rule.unclear,
        "conflicts": [{"text": one.text, "source": str(one.source)} for one in rule.conflicts],
        "note": rule.note,
    }


def due_words(due: Due) -> str:
    """When something is due, in Swedish."""
    if due.every:
        times = f", {due.times} gånger" if due.times > 1 else ""
        months = f", i {_listed([MONTHS[month - 1] for month in due.months])}" if due.months else ""
        return f"{PERIODS[due.every]}{times}{months}"
    if due.after:
        after = _listed([OCCASIONS.get(one, one) for one in due.after])
        if due.within is None:
            return f"efter {after}, utan sista dag"
        unit = "arbetsdagar" if due.within.unit == "working-days" else "dagar"
        return f"inom {due.within.length} {unit} efter {after}"
    return f"senast {due.by}" if due.by else str(due.written)


def _listed(words: Sequence[str]) -> str:
    return " och ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def told(found: Mapping[str, Any]) -> Iterator[str]:
    """What applies, line by line, in Swedish."""
    yield f"{found['body']} den {found['on']}: {found['title']} ({found['document']})"
    yield from found["perhaps"]
    applies = [one for one in found["rules"] if one["modality"] != "galler-inte"]
    yield from _part("Gäller", applies)
    yield from _part("Gäller inte", [one for one in found["rules"] if one["modality"] == "galler-inte"])
    if found["unknown"]:
        yield ""
        yield "Framgår inte"
        yield from (f"  {one}" for one in found["unknown"])


def _part(title: str, rules: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not rules:
        return
    yield ""
    yield title
    for one in rules:
        condition = CONDITIONS.get(one["condition"], one["condition"].replace("-", " "))
        strength = f"{MODALITIES[one['modality']]}{f' ({condition})' if condition else ''}"
        facts = f" [{', '.join(one['facts'])}]" if one["facts"] else ""
        source = f"{one['source']['document']} {one['source']['section']}".strip()
        yield f"  {strength}: {one['text'] or one['words'] or one['rule']} ({source}){facts}"
        for label, said in (("Ska ske", one["due_words"]), ("Oklart", one["unclear"]), ("Anm.", one["note"])):
            if said:
                yield f"      {label}: {said}"
        for other in one["conflicts"]:
            yield f"      Står mot: {other['text']} ({other['source']})"
