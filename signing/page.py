"""A result told to people: as lines of text, or as one page of HTML that needs nothing else.

- Both are made from the plain JSON of a report, so that they say what it says and no more.
- What was not run stands last, each reason once with the steps it kept from running.
- The page names no other file and runs no script. What an artefact says of itself is shown as text, never as markup; a
  character in it that controls rather than shows, such as one that moves the cursor, as its number.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from unicodedata import category

from signing.report import Language

STYLE = (
    "body{font:1rem/1.5 serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid;padding:.3rem .6rem;text-align:left;vertical-align:top}"
)


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("page.toml").read_text("utf-8"))


def word(name: str, language: Language, **values: object) -> str:
    """A sentence of the page."""
    said: str = _words()[name][language]
    return said.format_map(values)


def shown(text: str) -> str:
    """What somebody else has named or said, on one line and with nothing in it that a screen would obey."""
    return "".join(
        one.encode("unicode_escape").decode() if category(one).startswith("C") else one for one in text
    )


def meaning(step: str, language: Language) -> str:
    """What a step shows when it holds."""
    said: str = _words()["step"][step][language]
    return said


def lines(result: Mapping[str, Any], language: Language) -> Iterator[str]:
    """The result as lines of text."""
    for number, check in _run(result):
        outcome = word("holds" if check["ok"] else "fails", language)
        yield f"{number:>2} {outcome:12} {meaning(check['step'], language)}"
        yield f"{'':16}{shown(check['detail'])}"
    for why, steps in _not_run(result).items():
        yield from ("", shown(why[0].upper() + why[1:]))
        yield from (f"   {number} {meaning(step, language)}" for number, step in steps)
    yield ""
    loose = result["unprotected"]
    if loose:
        count, files = sum(one["length"] for one in loose), len({one["file"] for one in loose})
        yield word("loose", language, count=count, files=files)
    else:
        yield word("protected", language)
    yield from _closing(result, language)


def html(result: Mapping[str, Any], language: Language, path: str, at: str) -> str:
    """The result as a page by itself."""
    title = escape(shown(word("title", language, path=path)))
    heads = "".join(
        f'<th scope="col">{word(name, language)}</th>' for name in ("number", "outcome", "shows", "found")
    )
    outcomes = {None: "skipped", True: "holds", False: "fails"}
    rows = "\n".join(
        f"<tr><td>{number}</td><td>{word(outcomes[check['ok']], language)}</td>"
        f"<td>{meaning(check['step'], language)}</td><td>{escape(shown(check['detail']))}</td></tr>"
        for number, check in enumerate(result["checks"], 1)
    )
    closing = "\n".join(f"<p>{escape(said)}</p>" for said in _closing(result, language))
    loose = "\n".join(
        f"<li>{escape(shown(word('bytes', language, **one)))}</li>" for one in result["unprotected"]
    )
    listed = f"<ul>\n{loose}\n</ul>\n" if loose else ""
    count = sum(one["length"] for one in result["unprotected"])
    files = len({one["file"] for one in result["unprotected"]})
    about = word("loose", language, count=count, files=files) if loose else word("protected", language)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n<main>\n<h1>{title}</h1>\n{closing}\n"
        f"<p>{word('checked', language, at=at)}</p>\n<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n"
        f"</tbody>\n</table>\n<p>{about}</p>\n{listed}</main>\n</body>\n</html>\n"
    )


def _run(result: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return ((number, one) for number, one in enumerate(result["checks"], 1) if one["ok"] is not None)


def _not_run(result: Mapping[str, Any]) -> dict[str, list[tuple[int, str]]]:
    left: dict[str, list[tuple[int, str]]] = {}
    for number, check in enumerate(result["checks"], 1):
        if check["ok"] is None:
            left.setdefault(check["detail"], []).append((number, check["step"]))
    return left


def _closing(result: Mapping[str, Any], language: Language) -> Iterator[str]:
    if result["clock"] == "simulated":
        yield word("simulated", language)
    wrong = ", ".join(str(number) for number, check in _run(result) if not check["ok"])
    if wrong:
        yield word("wrong", language, steps=wrong)
    else:
        yield word("all" if result["ok"] else "none", language)
    if result["trusted"] or result["ok"]:  # where something fails nothing is said of whose word it is
        yield word("trusted" if result["trusted"] else "self", language)
    if anchor := result["anchor"]:
        yield word("anchor", language, **{name: shown(value) for name, value in anchor.items()})
