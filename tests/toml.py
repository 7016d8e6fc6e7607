"""TOML written out: what the tests read back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any


def written(tables: Mapping[str, Any], place: tuple[str, ...] = ()) -> str:
    """A table as TOML: first its values, then the tables in it."""
    plain = {key: value for key, value in tables.items() if not isinstance(value, dict) or not value}
    text = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in plain.items())
    for key, value in tables.items():
        if key not in plain:
            here = (*place, key)
            text += f"[{'.'.join(map(_key, here))}]\n{written(value, here)}"
    return text


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
        case _:
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
