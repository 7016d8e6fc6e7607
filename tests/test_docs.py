"""The documents say what is so: glossary, decisions, changes, links, and the words a reader types.

- The glossary lists every event, command and state, with the Swedish term of its docstring.
- A decision is a numbered page with the same three parts; numbers have no gaps.
- Every link between the documents leads somewhere, and every `make` word that they name exists.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from domain.decider import COMMANDS, STATES
from domain.messages import TOPICS
from tests import glossary
from tests.house import ROOT

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def test_the_glossary_is_in_step_with_the_code() -> None:
    _, mark, tables = glossary.GLOSSARY.read_text("utf-8").partition(glossary.BEGINS)
    assert mark
    assert tables.strip() == glossary.generated().strip(), "the code has moved on: run `make glossary`"


@pytest.mark.parametrize(
    "kind",
    [
        *(event for event in TOPICS.values() if event.__module__.startswith("domain.")),
        *COMMANDS.values(),
        *STATES.values(),
    ],
    ids=lambda kind: kind.__name__,
)
def test_every_message_and_state_has_its_swedish_term(kind: type) -> None:
    assert glossary.swedish(kind), f"{kind.__name__}: the docstring ends its first paragraph without (term)"


def test_the_words_of_the_trade_stand_once_and_in_order() -> None:
    words = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", glossary.handwritten(), re.MULTILINE)[1:]
    assert len(words) > 40
    assert words == sorted(set(words), key=str.casefold)


def test_decisions_are_numbered_without_gaps_and_have_one_form() -> None:
    assert len(DECISIONS) >= 10
    for number, path in enumerate(DECISIONS, 1):
        text = path.read_text("utf-8")
        assert path.name.startswith(f"{number:04}-")
        assert re.match(rf"# {number}\. \S", text), path.name
        assert re.search(r"^Accepted \d{4}-\d{2}-\d{2}\.|^Replaced by \d+\.", text, re.MULTILINE), path.name
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], (
            path.name
        )
        assert len(text.split()) < 450, f"{path.name} is longer than a page"


def test_the_changes_tell_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == version


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        place, _, heading = target.partition("#")
        if "://" in place or place.startswith("mailto:"):
            continue
        found = page.parent / place if place else page
        assert found.exists(), f"{page.name} leads to {target}"
        if heading:
            anchors = {
                anchor(line) for line in re.findall(r"^#+ (.*)$", found.read_text("utf-8"), re.MULTILINE)
            }
            assert heading in anchors, f"{page.name} leads to {target}"


def anchor(heading: str) -> str:
    """How a heading is linked to."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_word_that_is_named_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for word in re.findall(r"(?:`|^\$? ?)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE):
        assert re.search(rf"^{word}:", makefile, re.MULTILINE), f"{page.name} names make {word}"
