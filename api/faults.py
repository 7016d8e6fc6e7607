"""What stops a command before any rule is asked, as a code with values; the sentences stand in texts/.

- Sentences are told in Swedish or English. Each says what is wrong and, under `do_`, what to do next.
- An exception with a code reads as its English sentence where no language has been chosen, as in a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from api.sentences import Language, texts


class Fault(Exception):
    """Something about paths, keys or what was asked for; nothing has been changed."""

    def __init__(self, code: str, **values: str | int | Path) -> None:
        super().__init__(code)
        self.code, self.values = code, values

    def __str__(self) -> str:
        return told("faults", self.code, "en", self.values)


class BadRequest(Fault):
    """What was asked for cannot be: a time that does not exist, a range outside the log."""


def told(kind: str, code: str, language: Language, values: Mapping[str, object], key: str = "") -> str:
    """A sentence of a file in texts/ with its values."""
    return texts(kind)[code][key + language].format_map(values)
