"""Problems: the language they are told in, the words of every code, and that nothing sent in is told back."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.problems import RETRY_AFTER, STATUS, TITLES, fields, status_of
from api.sentences import language, sentence, texts
from domain.errors import DomainError, Forbidden, NotFound, Refused
from domain.sources import house
from registry.registry import TooBusy
from tests.house import called, code

RAISED = {"Refused": 0, "Forbidden": 0, "DomainError": 0, "TooBusy": 0, "Refusal": 1, "answer": 2}


def codes() -> Iterator[tuple[str, str]]:
    """Every code that is written out where something is refused, with its place."""
    for name, argument in RAISED.items():
        for place, call in called(name):
            ours = name != "answer" or place.startswith("api/problems.py")
            if ours and len(call.args) > argument and isinstance(code := call.args[argument], ast.Constant):
                yield str(code.value), place


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "sv"),
        ("", "sv"),
        ("en", "en"),
        ("en-GB,sv;q=0.5", "en"),
        ("sv,en;q=0.9", "sv"),
        ("de", "sv"),
        ("*", "sv"),
        ("de,en;q=0.1", "en"),
        ("sv;q=0,*", "en"),
        ("en;q=nonsense", "sv"),
        ("SV-se;q=1,EN;q=1", "sv"),
    ],
)
def test_swedish_unless_english_is_preferred(accept: str | None, expected: str) -> None:
    assert language(accept) == expected


@given(st.text())
def test_any_header_has_a_language(accept: str) -> None:
    assert language(accept) in ("sv", "en")


def test_every_code_has_its_words_in_both_languages() -> None:
    known = texts("refusals")
    found = dict(codes())
    assert len(found) > 40  # the search itself works
    for each, place in (found | {"not-found": "domain/errors.py"}).items():
        assert each in known, f"{each} ({place}) has no sentence"
        for key in ("sv", "en", "do_sv", "do_en"):
            assert known[each].get(key, "").strip(), f"{each} lacks {key}"


def test_every_warning_has_its_words() -> None:
    known = texts("warnings")
    assert set(known) == {"nothing-changed", "reason-wanted", "members-remaining"}
    assert all(said["sv"].strip() and said["en"].strip() for said in known.values())


def test_every_status_has_a_title_and_waiting_is_told() -> None:
    assert {*STATUS.values(), *RETRY_AFTER} <= TITLES.keys()
    assert all(swedish and english for swedish, english in TITLES.values())


def test_a_class_of_refusal_answers_with_its_status() -> None:
    assert status_of(Refused("id-taken", house(1))) == 409
    assert status_of(Forbidden("role-needed", house(1))) == 403
    assert status_of(NotFound("person", "x")) == 404
    assert status_of(TooBusy("too-busy", house(1))) == 503
    assert status_of(DomainError("clock-behind", house(1))) == 503
    assert status_of(DomainError("idempotency-key-reused", house(1))) == 422
    assert status_of(Refused("date-expression", house(2))) == 422
    assert status_of(Forbidden("passphrase-blocked", house(1))) == 429


def test_a_value_with_braces_is_only_a_value() -> None:
    assert "{what}" in sentence("refusals", "not-found", "sv", {"what": "{what}", "id": "{0.__class__}"})
    assert sentence("refusals", "not-found", "en", {}).count("…") >= 1


def test_a_field_inside_a_list_is_named_by_its_place() -> None:
    errors = [{"loc": ("recipients", 0, "channel"), "type": "literal_error", "ctx": {"expected": "'post'"}}]
    assert fields(errors) == [("recipients.0.channel", "literal_error", {"expected": "'post'"})]


def test_every_check_of_our_own_has_words() -> None:
    """The sentences that the domain's own checks raise are told in the reader's language too."""
    raised = {
        str(node.args[0].value)
        for path, text in code("domain")
        if path.name == "messages.py"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "ValueError"
        and isinstance(node.args[0], ast.Constant)
    }
    assert raised - {"a sealed field holds text"} <= texts("fields").keys()
    for each, said in texts("fields").items():
        assert said["sv"].strip() and said["en"].strip(), each
