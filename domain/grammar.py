"""How a diary writes its numbers: a pattern, what it writes and what can be read by it.

- A pattern has {n}, or {n:4} for at least four digits, once, and {yy} or {yyyy} once: KS{yy}.{n}, {yyyy}KS/{n:4} (X2).
- Spaces and capitals make no difference: "KS 16/185" and "ks16/185" are one number (husregel 19).
- Some diaries write a code of classification after the number. It is no part of the number (H1) and stands after a
  space, so that "2024KS265 040" is not number 265040.
- Two patterns are told apart if no text can be read by both; that is decided for every text there is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from pydantic import TypeAdapter, ValidationError

from domain.messages import Diarienummer

_MARK = re.compile(r"\{(yyyy|yy|n(?::([1-9]))?)\}")
_DIGITS = "0123456789"
_MOST = 9  # figures in a number


def normalised(number: str) -> str:
    """A number without its spaces and capitals: "KS 16/185" and "ks16/185" are one."""
    return "".join(unicodedata.normalize("NFC", number).casefold().split())


def usable(pattern: str) -> bool:
    """Whether a pattern has {n} once and the year once, and gives diary numbers."""
    marks = sorted(mark[1][0] for mark in _MARK.finditer(pattern))
    if marks != ["n", "y"] or re.search(r"[{}]", _MARK.sub("", pattern)):
        return False
    try:
        TypeAdapter(Diarienummer).validate_python(written(pattern, 2999, 999_999))
    except ValidationError:
        return False
    return True


def written(pattern: str, year: int, number: int) -> str:
    """A number of a series as it is written."""

    def mark(found: re.Match[str]) -> str:
        match found[1]:
            case "yyyy":
                return f"{year:04}"
            case "yy":
                return f"{year % 100:02}"
            case _:
                return f"{number:0{found[2] or 1}}"

    return _MARK.sub(mark, pattern)


def readings(pattern: str, text: str) -> tuple[tuple[int, int], ...]:
    """The (year, number) that a text can be in a series with that pattern; two digits can be two years."""
    if (match := re.fullmatch(_expression(pattern), normalised(text))) is None:
        return ()
    year, number = int(match["year"]), int(match["n"])
    return ((year, number),) if len(match["year"]) == 4 else ((1900 + year, number), (2000 + year, number))


def split(text: str, patterns: tuple[str, ...], code: str | None) -> tuple[str, str]:
    """A number and the code of classification after it, "" if there is none or the diary has no such codes.

    code is the form of the codes, a regular expression.
    """
    head, _, tail = " ".join(text.split()).rpartition(" ")
    if code and re.fullmatch(code, tail) and any(readings(pattern, head) for pattern in patterns):
        return head, tail
    return text, ""


@cache
def _expression(pattern: str) -> str:
    def mark(found: re.Match[str]) -> str:
        match found[1]:
            case "yyyy":
                return r"(?P<year>[0-9]{4})"
            case "yy":
                return r"(?P<year>[0-9]{2})"
            case _:
                return rf"(?P<n>[0-9]{{{found[2] or 1},{_MOST}}})"

    marks = list(_MARK.finditer(pattern))
    ends = [0, *(one.end() for one in marks)]
    starts = [*(one.start() for one in marks), len(pattern)]
    words = [re.escape(normalised(pattern[end:start])) for end, start in zip(ends, starts, strict=True)]
    return (
        "".join(part for word, one in zip(words, marks, strict=False) for part in (word, mark(one)))
        + words[-1]
    )


# --- telling patterns apart
def _signs(pattern: str) -> list[tuple[str, bool]]:
    """What a text of the pattern is made of, sign by sign; true where the sign may also be left out."""
    signs: list[tuple[str, bool]] = []
    at = 0
    for found in _MARK.finditer(pattern):
        signs += [(sign, False) for sign in normalised(pattern[at : found.start()])]
        least = {"yyyy": 4, "yy": 2}.get(found[1], int(found[2] or 1))
        signs += [(_DIGITS, False)] * least
        if found[1][0] == "n":
            signs += [(_DIGITS, True)] * (_MOST - least)
        at = found.end()
    return signs + [(sign, False) for sign in normalised(pattern[at:])]


def common(first: str, second: str) -> str | None:
    """A text that can be read by both patterns; None if there is none."""
    one, other = _signs(first), _signs(second)
    seen = {(0, 0)}
    waiting = [(0, 0, "")]
    while waiting:
        here, there, text = waiting.pop()
        if (here, there) == (len(one), len(other)):
            return text
        steps: list[tuple[int, int, str]] = []
        if here < len(one) and one[here][1]:
            steps.append((here + 1, there, text))
        if there < len(other) and other[there][1]:
            steps.append((here, there + 1, text))
        if here < len(one) and there < len(other) and (both := set(one[here][0]) & set(other[there][0])):
            steps.append((here + 1, there + 1, text + max(both)))
        for step in steps:
            if step[:2] not in seen:
                seen.add(step[:2])
                waiting.append(step)
    return None
