"""Examples and schemas of commands for the OpenAPI document, made from the commands' own fields.

- An example is a body that the command accepts; a test reads each one back.
- What a field's own check asks for beyond its type (one line, no control characters, a local time) is written as a
  pattern, so that a reader of the document knows all that will be refused.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from domain import messages
from domain.messages import Command
from domain.when import MONTHS, SEASONS

REF = "#/components/schemas/{model}"
LINE = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
PROSE = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"
DAY = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME = r"T([01][0-9]|2[0-3]):[0-5][0-9]"
MOMENT, START = f"^{DAY}{TIME}$", f"^{DAY}({TIME})?$"
# The grammar of domain/when.py, as far as a pattern can say it.
YEAR, MONTH, MDAY = "[12][0-9]{3}", "(0[1-9]|1[0-2])", "(0[1-9]|[12][0-9]|3[01])"
WRITTEN = (
    f"{YEAR}(-{MONTH}(-{MDAY}(T([01][0-9]|2[0-3]):[0-5][0-9])?)?)?",
    f"([1-9]|[12][0-9]|3[01]) ({'|'.join(MONTHS)}) {YEAR}",
    f"({'|'.join((*MONTHS, *SEASONS))}) {YEAR}",
)
HAPPENED = f"^(okänt|((före|efter) )?({'|'.join(WRITTEN)}))$"
ADDRESS = r"^[^@\s]+@[^@\s]+$"  # a pattern on top of a check is left out by pydantic
PATTERNS: dict[object, str] = {
    messages._line: LINE,
    messages._text: PROSE,
    messages._moment: MOMENT,
    messages._start: START,
}

# Values that read well, by the field's name; the rest follow from the type.
SAYS: dict[str, Any] = {
    "name": "Kim Exempel",
    "email": "kim@example.org",
    "organisation": "Exempelbolaget",
    "title": "Lägesbild för våren",
    "place": "Sammanträdesrum A",
    "starts": "2027-05-12T13:00",
    "ends": "2027-05-12T15:00",
    "until": "2027-05-19T13:00",
    "time": "2027-05-20T09:00",
    "text": "Kommunens trygghetssamordnare redovisar lägesbilden.",
    "view": "Jag anser att åtgärderna borde börja gälla redan i vår.",
    "comment": "Punkt 3 saknar den rapport som lämnades.",
    "points": ["Rådet lägger lägesbilden till handlingarna."],
    "dispatch": ["Kommunstyrelsen"],
    "diarienummer": "KS27.14",
    "pattern": "KS{yy}.{n}",
    "profile": "# the text of a regulation's profile, in TOML",
    "paragraph": "§ 12",
    "texts": {"1": "Ordföranden hälsar välkommen."},
    "happened": "2027-05-12",
    "kind": "trygghetsrad",
    "seat": "ordforande",
    "office": "ordforande",
    "duty": "expertise",
    "reason": "Sekreteraren var sjuk.",
    "subject": "Oro vid skolorna",
    "ground": "Delegationsbeslut",
    "recipient": "Polisområdet",
    "order": [2, 1, 3],
    "what": "Ta fram förslag på hur tryggheten följs upp",
    "to": [{"function": "Säkerhetschefen"}],
    "question": "Vilken version antogs?",
    "reading": "Den med tillägg.",
    "written": "före sommaren 2027",
}
# In these the type tells more than the name, or the name means something else.
OWN: dict[tuple[str, str], Any] = {
    ("AddItem", "starts"): "13:15",
    ("ChangeItem", "starts"): "13:15",
    ("EstablishBody", "name"): "Exempelrådet",
    ("BeginInstrument", "kind"): "situation-picture",
    ("NameBodyOffice", "office"): "spokesperson",
    ("RecordPaperApproval", "code"): "3F1A-77C0",
    ("ChangeElectronicIdentity", "identity"): "SE2120000000-1A2B",
    ("NameBodyOffice", "holder"): {"function": "Ordföranden"},
    ("AbandonSigning", "reason"): "changed-mind",
    ("RegisterPerson", "title"): "Trygghetssamordnare",
    ("RenamePerson", "title"): "Trygghetssamordnare",
    ("PutProposal", "points"): [{"text": "Organisationen antas.", "verb": "antas"}],
    ("AmendProposal", "points"): [{"text": "Även vice ordföranden ingår."}],
}
ID = "0123456789abcdef"


class CommandSchema(GenerateJsonSchema):
    """JSON Schema with our own checks as patterns, and maps that take no other key."""

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        found = PATTERNS.get(schema["function"]["function"])
        return ({"pattern": found} if found else {}) | super().function_after_schema(schema)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        return made | ({"additionalProperties": False} if "patternProperties" in made else {})


def schemas(commands: list[type[Command]], without: dict[str, str | None]) -> dict[str, Any]:
    """The body of each command as a named schema, less the field that stands in its address."""
    found: dict[str, Any] = {}
    mode: JsonSchemaMode = "validation"
    for command in commands:
        made = command.model_json_schema(ref_template=REF, schema_generator=CommandSchema, mode=mode)
        found |= made.pop("$defs", {})
        if field := without[command.__name__]:
            made["properties"].pop(field)
            made["required"] = [name for name in made["required"] if name != field]
        if "email" in made["properties"]:
            made["properties"]["email"]["pattern"] = ADDRESS
        made["properties"]["happened"]["anyOf"][0] |= {
            "pattern": HAPPENED,
            "examples": ["2024-03-05", "våren 2024"],
        }
        if not made.get("required"):
            made.pop("required", None)
        found[command.__name__] = made
    return found


def example(command: type[Command], *, without: str | None = None) -> dict[str, Any]:
    """A body that the command accepts: the fields that must be there, and those that make it worth reading."""
    made = command.model_json_schema(schema_generator=CommandSchema)
    required = set(made.get("required", ()))
    found: dict[str, Any] = {}
    for name, schema in made["properties"].items():
        if name == without:
            continue
        if name in required or name in ("reason", "dispatch", "title", "organisation"):
            found[name] = (
                OWN.get((command.__name__, name)) or SAYS.get(name) or _value(schema, made.get("$defs", {}))
            )
    return found


def _value(schema: dict[str, Any], defs: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], defs)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            needed = schema.get("required", ())
            return {name: SAYS.get(name) or _value(schema["properties"][name], defs) for name in needed}
        case "array":
            return [_value(schema["items"], defs)]
        case "integer":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case _:
            return _text(schema)


def _text(schema: dict[str, Any]) -> str:
    if schema.get("format") == "date":
        return "2027-05-12"
    pattern = schema.get("pattern", "")
    if pattern == "^[0-9a-f]{16}$":
        return ID
    if pattern == "^[0-9a-f]{64}$":
        return ID * 4
    return "exempel"
