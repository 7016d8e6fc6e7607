"""What differs between two versions of minutes, place by place and word by word.

- Free texts are compared by their item; statements by the event they come from and their field, so that one moved line
  is not shown as everything changed.
- A change is a run of words marked "=", "-" or "+". The words joined again give the text exactly.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any

from domain.minutes import Version


def differences(before: Version | None, after: Version) -> list[dict[str, Any]]:
    """The places that differ, in the later version's order; what only the earlier has comes last."""
    old, new = _places(before) if before else {}, _places(after)
    places = [*new, *(place for place in old if place not in new)]
    return [
        {"place": place, "words": words(old.get(place, ""), new.get(place, ""))}
        for place in places
        if old.get(place, "") != new.get(place, "")
    ]


def _places(version: Version) -> dict[str, str]:
    texts = {f"texts/{item}": str(text) for item, text in version.texts.items()}
    for statement in version.statements:
        where = f"{statement.kind}/{statement.ref_stream}/{statement.ref_version}"
        texts |= {f"{where}/{name}": str(value) for name, value in statement.fields.items()}
    for number, correction in enumerate(version.corrections, 1):
        texts[f"corrections/{number}/original"] = str(correction.original)
        texts[f"corrections/{number}/corrected"] = str(correction.corrected)
    return texts


def words(old: str, new: str) -> list[list[str]]:
    """Runs of words that stayed, went and came."""
    one, two = re.findall(r"\s+|\S+", old), re.findall(r"\s+|\S+", new)
    found: list[list[str]] = []
    for kind, first, last, begin, end in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(["=", "".join(one[first:last])])
            continue
        if first < last:
            found.append(["-", "".join(one[first:last])])
        if begin < end:
            found.append(["+", "".join(two[begin:end])])
    return found
