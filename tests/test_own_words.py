"""What the documents say is told here in our own words: no run of eight words of theirs stands in any file."""

from __future__ import annotations

from pathlib import Path

from tests.house import text_files
from tests.own_words import RUN, digest, kept, runs, shared


def test_no_file_shares_a_run_of_eight_words_with_the_documents() -> None:
    theirs = kept()
    assert len(theirs) > 3000
    found = {str(path): same for path, text in text_files() if (same := shared(text, theirs))}
    assert found == {}


def test_a_run_is_found_whatever_its_capitals_signs_and_line_breaks() -> None:
    run = "ett två tre fyra fem sex sju åtta"
    theirs = frozenset({digest(run)})
    assert len(run.split()) == RUN
    assert shared("Noll. Ett, två\ntre (fyra) FEM – sex: sju åtta nio", theirs) == [run]
    assert shared("Ett två tre fyra fem sex sju och åtta", theirs) == []


def test_the_digests_are_of_the_documents_where_they_are_at_hand() -> None:
    beside = Path(__file__).parent.parent.parent / "shared" / "seeds"
    for document in beside.glob("0*.txt"):  # none of them where the documents are not beside this tree
        assert {digest(run) for run in runs(document.read_text("utf-8"))} <= kept(), document.name
