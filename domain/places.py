"""On which line each value of a TOML text stands, so that an error can point at it.

- tomllib reads a text and says nothing about lines. This follows a text that tomllib has already read without error,
  and notes where each table, key and element of a list begins.
- A place is the way to a value: names of keys and numbers of elements, as in ("rules", "notice", "value", 0).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

Place = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]\}\n#]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_INLINE_SPACE = re.compile(r"[ \t]*")
_STRINGS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r'"""(?:\\.|[^\\])*?"""(?:"{0,2})',
        r"'''.*?'''(?:'{0,2})",
        r'"(?:\\.|[^"\\])*"',
        r"'[^']*'",
    )
)


class Places:
    """The line of each place of a text (radnummer)."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.ends = [found.start() for found in re.finditer("\n", text)]
        self.lines: dict[Place, int] = {}
        self.counts: dict[Place, int] = {}
        self._read()

    def line(self, place: Iterable[str | int]) -> int:
        """The line of a place, or of the innermost part around it that stands in the text; 1 if none does."""
        parts = tuple(place)
        return next(
            (self.lines[parts[:depth]] for depth in range(len(parts), 0, -1) if parts[:depth] in self.lines),
            1,
        )

    # --- following the text
    def _read(self) -> None:
        table: Place = ()
        self._skip(_SPACE)
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                several = self.text.startswith("[[", self.at)
                start = self.at
                self.at += 2 if several else 1
                table = self._table(self._keys(), several, start)
                self.at += 2 if several else 1
            else:
                self._pair(table)
            self._skip(_SPACE)

    def _table(self, keys: Place, several: bool, start: int) -> Place:
        """The place that a header opens: of a list of tables always the newest."""
        table: Place = ()
        for depth, key in enumerate(keys, 1):
            table = (*table, key)
            if several and depth == len(keys):
                self.counts[table] = self.counts.get(table, 0) + 1
            if table in self.counts:
                table = (*table, self.counts[table] - 1)
            self._note(table, start)
        return table

    def _pair(self, table: Place) -> None:
        start = self.at
        place = table
        for key in self._keys():
            place = (*place, key)
            self._note(place, start)
        self.at += 1  # =
        self._skip(_INLINE_SPACE)
        self._value(place)

    def _keys(self) -> Place:
        keys: list[str | int] = []
        while True:
            self._skip(_INLINE_SPACE)
            quoted = self._skip(*_STRINGS)
            keys.append(quoted[1:-1] if quoted else self._skip(_BARE))
            self._skip(_INLINE_SPACE)
            if not self.text.startswith(".", self.at):
                return tuple(keys)
            self.at += 1

    def _value(self, place: Place) -> None:
        match self.text[self.at]:
            case "[":
                self._list(place)
            case "{":
                self._inline(place)
            case _:
                self._skip(*_STRINGS) or self._skip(_PLAIN)

    def _list(self, place: Place) -> None:
        number = 0
        while self._next("]"):
            self._note((*place, number), self.at)
            self._value((*place, number))
            number += 1

    def _inline(self, place: Place) -> None:
        while self._next("}"):
            self._pair(place)

    def _next(self, end: str) -> bool:
        """Step over the opening sign, or over what stands behind an element; false, over the end, if that was all."""
        self._skip(_SPACE)
        if self.text[self.at] != end:
            self.at += 1  # [ or { or ,
            self._skip(_SPACE)
        if self.text[self.at] != end:
            return True
        self.at += 1
        return False

    def _skip(self, *patterns: re.Pattern[str]) -> str:
        """Step over what one of the patterns matches; gives it."""
        for pattern in patterns:
            if found := pattern.match(self.text, self.at):
                self.at = found.end()
                return found[0]
        return ""

    def _note(self, place: Place, at: int) -> None:
        self.lines.setdefault(place, bisect_left(self.ends, at) + 1)
