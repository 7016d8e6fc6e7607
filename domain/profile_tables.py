"""The tables of a profile file, as a municipality writes them.

- [profile] names the file. [documents.X] are what was adopted and where the rules stand, [statutes."N:N"] statutes that
  the program does not know, [bodies.X] the bodies and [bodies.X.rules.Y] their rules. [rules.Y] are rules that every
  body of the file has; a file without bodies describes one body by them.
- What was written is kept as written: what is unclear says so, and a passage that conflicts with another stands beside
  it. What a document does not say is named as unknown and is never a failing.
- Whether the last day of a document's validity counts may be unknown (Å1).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.messages import Code, Diarienummer, Part, PublicName
from domain.rule_work import Due

Note = Annotated[str, Field(max_length=1000)]
Section = Annotated[str, Field(min_length=1, max_length=120)]
FactId = Annotated[str, Field(max_length=8)]
Reference = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}(/[a-z0-9][a-z0-9-]{0,63})?$", examples=["kommunallagen/namnd"]),
]


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


class ProfileTable(Part):
    """The head of a file (om filen)."""

    id: Code
    title: PublicName
    document: Code | None = None
    note: Note = ""


class DocumentTable(Part):
    """A document that rules stand in, and how it came to apply; name is how it is cited (styrdokument)."""

    name: PublicName
    title: PublicName | None = None
    diarienummer: Diarienummer | None = None
    kind: Code | None = None
    decided_by: PublicName | None = None
    decided_on: date | None = None
    section: Section | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    last_day: Literal["included", "excluded", "unknown"] = "included"
    owner: PublicName | None = None
    scope: PublicName | None = None
    unknown: tuple[PublicName, ...] = ()
    note: Note = ""
    facts: tuple[FactId, ...] = ()


class StatuteTable(Part):
    """A statute that the program does not know, and the days on which it is in force (författning)."""

    title: PublicName
    in_force: date
    until: date | None = None


class BodyTable(Part):
    """A body: where it belongs, and whose rules it also has (organ).

    rests_on: bodies of this file, or as profile/body of another, whose rules it has unless it says otherwise. shared:
    only there to be rested on. names: what the bodies of this kind are called, where there are several.
    """

    title: PublicName
    kind: Code | None = None
    document: Code | None = None
    parent: Code | None = None
    names: tuple[PublicName, ...] = ()
    rests_on: tuple[Reference, ...] = ()
    shared: bool = False
    linked_to: tuple[Code, ...] = ()
    succeeds: tuple[Code, ...] = ()
    unknown: tuple[PublicName, ...] = ()
    note: Note = ""
    facts: tuple[FactId, ...] = ()


class Conflict(Part):
    """Another passage that does not agree with the rule (motstridigt)."""

    text: Note
    section: Section
    document: Code | None = None
    value: Any = None


class RuleTable(Part):
    """One rule: section and fact say where it stands, house which house rule it is instead (regel).

    kind: the kind of rule whose shape the value has, where the id does not name it. due: when it is due, for what is
    watched. unclear: what cannot be told from the wording.
    """

    kind: Code | None = None
    value: Any = True
    modality: Modality
    condition: Code | None = None
    bound: Code | None = None
    due: Due | None = None
    document: Annotated[str, Field(pattern=r"^(SFS [0-9]{4}:[0-9]{1,4}|[a-z0-9][a-z0-9-]{0,63})$")] | None = (
        None
    )
    section: Section | None = None
    fact: FactId = ""
    facts: tuple[FactId, ...] = ()
    house: Annotated[int, Field(ge=1, le=999)] | None = None
    text: Note = ""
    note: Note = ""
    unclear: Note = ""
    conflicts: tuple[Conflict, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None


# --- what a place in a table may hold, said without words of any language
def schema_at(schema: Mapping[str, Any], place: tuple[str | int, ...]) -> tuple[Mapping[str, Any], int]:
    """The part of a JSON schema that describes a place, and how much of the place could be followed."""
    definitions = schema.get("$defs", {})

    def resolved(one: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in one:
            one = definitions[one["$ref"].rpartition("/")[2]]
        some = [resolved(each) for each in one.get("anyOf", ()) if each.get("type") != "null"]
        return some[0] if len(some) == 1 else one

    here = resolved(schema)
    for depth, key in enumerate(place):
        below = here.get("items") if isinstance(key, int) else here.get("properties", {}).get(key)
        if below is None:
            return here, depth
        here = resolved(below)
    return here, len(place)


def expected(schema: Mapping[str, Any]) -> str:
    """What a schema asks for, as somebody would write it in TOML."""
    if examples := schema.get("examples"):
        return f'"{examples[0]}"'
    if "const" in schema or "enum" in schema:
        values = schema.get("enum") or [schema["const"]]
        return " | ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values)
    if "anyOf" in schema:
        return " | ".join(expected(one) for one in schema["anyOf"] if one.get("type") != "null")
    match schema.get("type"):
        case "integer" if "minimum" in schema and "maximum" in schema:
            return f"{schema['minimum']}–{schema['maximum']}"
        case "integer":
            return "1, 2, 3 …"
        case "boolean":
            return "true | false"
        case "array":
            return "[ … ]"
        case "object":
            return "{ " + ", ".join(schema.get("properties", ())) + " }"
        case "string" if schema.get("format") == "date":
            return "2024-01-31"
        case "string" if "pattern" in schema:
            return f'"…" ({schema["pattern"]})'
        case "string" if "maxLength" in schema:
            return f'"…" (≤ {schema["maxLength"]})'
        case _:
            return '"…"'
