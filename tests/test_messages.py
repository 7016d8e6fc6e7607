"""The bases of commands and events: closed, strict, bounded, and named for ever by their topics."""

from __future__ import annotations

import re
import typing
import unicodedata
from datetime import date
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain import decider
from domain.matter import AddAlias, MatterOpened, VoidMatter
from domain.messages import (
    TOPICS,
    Actor,
    Code,
    Destroyed,
    Diarienummer,
    Event,
    Fact,
    Finding,
    Id,
    Keep,
    Known,
    Line,
    Mandate,
    Moment,
    Prose,
    PublicName,
    Role,
    Sealed,
    SourcePart,
    Start,
    State,
    free,
    fresh_id,
    personal,
    stream,
)
from domain.person import Person, PersonRegistered, RegisterPerson
from domain.sources import STATUTES, Source, house
from tests.given import NOW, ident


def accepts(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def rejects(kind: Any, value: Any) -> None:
    with pytest.raises(ValidationError):
        accepts(kind, value)


# --- text
@for_all(st.text(max_size=40))
def test_text_is_nfc_without_control_characters_and_never_empty(text: str) -> None:
    try:
        taken = accepts(Line, text)
    except ValidationError:
        plain = unicodedata.normalize("NFC", text)
        assert not plain.strip() or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in plain)
    else:
        assert unicodedata.is_normalized("NFC", taken)
        assert taken == unicodedata.normalize("NFC", text)
        assert "\n" not in taken


def test_prose_may_have_lines_and_a_line_may_not() -> None:
    assert accepts(Prose, "en\ntvå") == "en\ntvå"
    rejects(Line, "en\ntvå")
    rejects(PublicName, "en\ntvå")
    rejects(Prose, "en\ttvå")
    rejects(Prose, "\n \n")


def test_lengths_are_bounded() -> None:
    assert accepts(Line, "x" * 300)
    rejects(Line, "x" * 301)
    rejects(Prose, "x" * 20_001)
    rejects(PublicName, "x" * 121)


@pytest.mark.parametrize("good", ["2024-03-05T13:30", "2024-02-29T00:00", "2024-12-31T23:59"])
def test_a_moment_is_a_local_time(good: str) -> None:
    assert accepts(Moment, good) == good


@pytest.mark.parametrize(
    "bad",
    [
        "2024-03-05",
        "2023-02-29T10:00",
        "2024-03-05T24:00",
        "2024-03-05T10:60",
        "2024-03-05T10:00Z",
        "",
        "2024-3-5T1:00",
    ],
)
def test_what_is_no_moment(bad: str) -> None:
    rejects(Moment, bad)


def test_a_start_is_a_moment_or_a_day() -> None:
    for good in ("2017-09-21", "2017-09-21T13:00"):
        assert accepts(Start, good) == good
    for bad in ("2017-09", "2017-09-31", "2017-09-21T25:00", "2017-09-21T13:00:00"):
        rejects(Start, bad)


@pytest.mark.parametrize(
    "number", ["KS23.276", "KS 16/185", "2017KS/0118", "2020.226 KS", "2024KS265", "2024KS265 040"]
)
def test_the_diary_numbers_of_five_municipalities(number: str) -> None:
    assert accepts(Diarienummer, number) == number


@pytest.mark.parametrize("bad", ["", " KS1", "KS\n1", "KS<1>", "K" * 41])
def test_what_is_no_diary_number(bad: str) -> None:
    rejects(Diarienummer, bad)


def test_ids_and_codes() -> None:
    assert accepts(Id, fresh_id())
    assert fresh_id() != fresh_id()
    rejects(Id, "0123456789ABCDEF")
    rejects(Id, "0" * 15)
    assert accepts(Code, "val-av-justerare")
    rejects(Code, "Åter")
    rejects(Code, "-x")


# --- commands
def test_a_command_is_closed_strict_and_frozen() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        VoidMatter(matter=ident(1), reason="fel", mood="glad")  # type: ignore[call-arg]  # the wrong kind on purpose
    with pytest.raises(ValidationError):
        RegisterPerson(person=ident(1), name=7)  # type: ignore[arg-type]  # the wrong kind on purpose
    command = VoidMatter(matter=ident(1), reason="fel")
    with pytest.raises(ValidationError, match="frozen"):
        command.reason = "annat"  # type: ignore[misc]  # the wrong kind on purpose


def test_a_command_has_one_name_on_every_way_in() -> None:
    assert AddAlias.command_name() == "add-alias"
    assert VoidMatter.command_name() == "void-matter"


def test_happened_is_one_bounded_line() -> None:
    assert VoidMatter(matter=ident(1), reason="fel", happened="mars 2024").happened == "mars 2024"
    for bad in ("x" * 81, "mars\n2024", ""):
        rejects(VoidMatter, {"matter": ident(1), "reason": "fel", "happened": bad})


def test_every_command_says_who_may_give_it_and_which_stream_it_is_about() -> None:
    for name, command in decider.COMMANDS.items():
        assert command.ROLES, name
        assert command.STREAM in decider.STATES, name
        assert command.__doc__, name
        # What the system alone may do no way in offers.
        only_system = not command.ROLES - {Role.SYSTEM}
        assert command.INTERNAL is only_system, name


# --- events
def test_an_event_without_a_topic_of_its_own_fails_at_once() -> None:
    with pytest.raises(TypeError, match="no TOPIC"):

        class Nameless(Event):
            pass

    with pytest.raises(TypeError, match="no TOPIC"):

        class Inherited(MatterOpened):
            pass


@pytest.mark.parametrize(
    "topic", ["matter-opened.v1", "Matter.v1", "matter", "matter.v0", "matter-opened.v1 "]
)
def test_a_topic_that_is_taken_or_malformed_fails_at_once(topic: str) -> None:
    with pytest.raises(TypeError, match="malformed or taken"):
        type("Wrong", (Event,), {"TOPIC": topic, "__module__": __name__})
    assert TOPICS["matter-opened.v1"] is MatterOpened


def test_the_base_of_a_stream_has_no_topic() -> None:
    class Base(Event):
        STREAM: ClassVar[str] = "matter"

    assert Base not in TOPICS.values()


def test_every_event_tells_its_swedish_term_and_its_topic() -> None:
    for topic, event in TOPICS.items():
        assert re.search(r"\(.+\)\.$", (event.__doc__ or "").splitlines()[0]), f"{topic}: no Swedish term"
        assert event.STREAM in decider.STATES, topic


def test_an_event_is_closed_and_frozen() -> None:
    with pytest.raises(ValidationError):
        PersonRegistered(person=ident(1), name=Known("A"), shoe="43")  # type: ignore[call-arg]  # the wrong kind on purpose
    event = PersonRegistered(person=ident(1), name=Known("A"))
    with pytest.raises(ValidationError):
        event.organisation = "B"  # type: ignore[misc]  # what mypy sees must also hold at run time


# --- sealed fields
def test_a_sealed_field_takes_text_and_reads_as_known_or_destroyed() -> None:
    assert accepts(Sealed, "text") == Known("text")
    assert accepts(Sealed, Known("text", "c" * 64)) == Known("text")
    assert accepts(Sealed, Destroyed("c" * 64)) == Destroyed("c" * 64)
    assert str(Known("text")) == "text"
    assert str(Destroyed()) == "█████"
    rejects(Sealed, 7)


def test_a_seal_says_whose_key_and_how_long() -> None:
    assert personal() == ("personal", "person", Keep.REGISTER)
    assert free() == ("free", "stream", Keep.PRESERVED)
    assert free("event", Keep.WORKING).of == "event"
    optional = PersonRegistered(person=ident(1), name="A", title=None)  # type: ignore[arg-type]  # the wrong kind on purpose
    assert optional.name == Known("A")
    assert optional.title is None


# --- the rest of the vocabulary
def test_a_finding_carries_its_source() -> None:
    source = SourcePart.of(Source("KS23.276", "2.3", "L15"))
    finding = Finding(
        finding="notice-short",
        rule="notice",
        modality="ska",
        expected="7 days",
        observed="5 days",
        source=source,
    )
    assert (finding.source.document, finding.source.section, finding.source.fact) == (
        "KS23.276",
        "2.3",
        "L15",
    )


def test_a_statute_is_not_cited_before_it_was_in_force() -> None:
    statute = STATUTES["2023:196"]
    assert statute.since("4 §") == statute.in_force == date(2023, 7, 1)
    assert statute.since("5 §") == date(2024, 7, 1), "no plan need be decided before"
    assert str(statute.at("10 §", statute.in_force)) == "SFS 2023:196 10 §"
    with pytest.raises(ValueError, match="not in force"):
        statute.at("5 §", statute.in_force)
    assert str(house(7)) == "husregel 7"
    assert str(Source("KS23.276", "")) == "KS23.276"


def test_a_stream_is_named_by_its_kind_and_id() -> None:
    assert stream(Person, ident(1)) == f"person-{ident(1)}"


def test_a_state_must_fold_and_say_whether_it_exists() -> None:
    bare = State()
    event = PersonRegistered(person=ident(1), name=Known("A"))
    with pytest.raises(AssertionError):
        _ = bare.exists
    with pytest.raises(AssertionError):
        bare.evolve(Fact(event, "person-x", 1))


def test_an_actor_acts_under_a_mandate() -> None:
    actor = Actor(ident(1), Mandate("chair", ident(2)), "token")
    assert actor.mandate.role == Role.CHAIR
    assert Mandate("system").body == ""
    assert NOW.utcoffset() is not None


def test_a_plain_text_field_is_annotated() -> None:
    """Every field of text in an event is sealed, or one of the bounded plain types: none is a bare str."""

    def bare(hint: Any) -> bool:
        if hint is str:
            return True
        if typing.get_origin(hint) is Annotated:
            return False
        return any(bare(arg) for arg in typing.get_args(hint))

    for topic, event in TOPICS.items():
        hints = typing.get_type_hints(event, include_extras=True)
        for name in event.model_fields:
            if typing.get_origin(hints[name]) is dict:
                continue  # the content of a regulation, and statement fields with codes for keys
            assert not bare(hints[name]), f"{topic}: {name}"
