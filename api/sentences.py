"""What a refusal, a finding or a field is told in, for every way in: texts/, in Swedish or English.

- Every code has a sentence in both languages in texts/refusals.*.toml, findings.*.toml or fields.toml.
- Swedish unless Accept-Language prefers English (RFC 9110, 12.5.4).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

TEXTS = Path(__file__).parent / "texts"
Language = Literal["sv", "en"]


@cache
def texts(kind: str) -> dict[str, dict[str, str]]:
    """All sentences of a kind (refusals, findings, fields), by code, from every file of that kind."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(TEXTS.glob(f"{kind}*.toml")):
        found |= tomllib.loads(path.read_text("utf-8"))
    return found


class _Values(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


def sentence(
    kind: str, code: str, language: Language, values: Mapping[str, object] = {}, key: str = ""
) -> str:
    """A sentence with its values; a code without one answers with the code itself, and a test sees to that."""
    text = texts(kind).get(code, {}).get(f"{key}{language}", code if not key else "")
    return text.format_map(_Values(values))


def language(accept: str | None) -> Language:
    """sv, or en if it is preferred."""
    wanted: dict[str, float] = {}
    for part in (accept or "").split(","):
        tag, _, rest = part.strip().partition(";")
        name, _, value = rest.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        main = tag.strip().lower().partition("-")[0]
        wanted[main] = max(wanted.get(main, 0.0), weight)
    anything = wanted.get("*", 0.0)
    return "en" if wanted.get("en", anything) > wanted.get("sv", anything) else "sv"
