"""Fields: what may stand in the clear, and that everything else is sealed, in every event there is."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from domain import decider
from domain.messages import (
    TOPICS,
    Code,
    Count,
    Destroyed,
    Event,
    Id,
    Known,
    Moment,
    Part,
    PublicName,
    Seal,
    Sealed,
    free,
    personal,
)
from registry.fields import dump, load, plan
from signing.canonical import encode
from tests.stories import example

EVENTS = sorted(TOPICS.values(), key=lambda cls: cls.TOPIC)


class Colour(StrEnum):
    RED = "red"


class Inner(Part):
    person: Id
    name: Annotated[Sealed, personal("person")]


class Loose(Part):
    words: str


class Holder(BaseModel):
    parts: tuple[Loose, ...] | None


class Outer(BaseModel):
    """Everything that an event may hold. (A model of its own: an Event would claim a topic.)"""

    id: Id
    code: Code | None
    when: Moment
    day: date
    yes: bool
    number: Count
    colour: Colour
    word: Literal["a", "b"]
    name: PublicName
    codes: tuple[Code, ...]
    counts: dict[Code, Count]
    inner: Inner | None
    inners: tuple[Inner, ...]
    text: Annotated[Sealed, free()] | None
    texts: dict[Code, Annotated[Sealed, free()]]


def test_every_module_of_the_domain_is_asked() -> None:
    assert len(decider.MODULES) > 5 and len(EVENTS) > 50


@pytest.mark.parametrize("cls", EVENTS, ids=[cls.TOPIC for cls in EVENTS])
def test_no_event_holds_words_in_the_clear(cls: type[Event]) -> None:
    """Compiling the plan is the check: it refuses a field that is neither sealed nor bounded."""
    assert plan(cls).keys() == cls.model_fields.keys()


@pytest.mark.parametrize("cls", EVENTS, ids=[cls.TOPIC for cls in EVENTS])
def test_a_sealed_text_never_reaches_the_data(cls: type[Event]) -> None:
    """Whatever an event of the class is filled with, no sealed wording is in what would be stored."""
    for seed in range(5):
        event = example(cls, random.Random(seed))
        sealed, opened = dict[str, Known](), list[str]()

        def seal(path: str, value: Known, how: Seal, owner: Any, into: dict[str, Known] = sealed) -> Any:
            assert how.of in ("stream", "event") or hasattr(owner, how.of)
            into[path] = value
            return {"commitment": "c" * 64, "key": "k", "sealed": path}

        data = dump(event, seal)
        assert encode(data)
        for known in _knowns(event):
            assert known in sealed.values()

        def unseal(
            path: str, stored: Any, known: dict[str, Known] = sealed, seen: list[str] = opened
        ) -> Known:
            seen.append(path)
            assert stored["sealed"] == path
            return known[path]

        assert load(cls, data, unseal) == event
        assert sorted(opened) == sorted(sealed)


def _knowns(value: Any) -> Iterator[Known]:
    match value:
        case Known():
            yield value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _knowns(getattr(value, name))
        case dict():
            for item in value.values():
                yield from _knowns(item)
        case tuple() | list():
            for item in value:
                yield from _knowns(item)
        case _:
            pass


def test_what_may_stand_in_an_event() -> None:
    found = plan(Outer)
    assert {name for name, how in found.items() if isinstance(how, Seal)} == {"text", "texts"}
    assert {name for name, how in found.items() if inspect.isclass(how)} == {"inner", "inners"}


@pytest.mark.parametrize(
    "hint",
    [
        str, str | None, bytes, float, object, Any, dict, list, tuple[str, ...], dict[str, int], datetime | None,
        dict[Code, str], dict[Code, Any], dict[Code, Inner], Annotated[str, "a name"],
        Annotated[str, Field(min_length=1)], datetime,
        Inner | Annotated[Sealed, free()], Sealed, set[int], Event,
    ],
)  # fmt: skip
def test_what_may_not(hint: Any) -> None:
    cls = type("Loose", (Part,), {"__annotations__": {"field": hint}, "__module__": __name__})
    with pytest.raises(TypeError, match=r"Loose: field is neither sealed nor a bounded plain type"):
        plan(cls)


def test_nor_inside_a_part() -> None:
    with pytest.raises(TypeError, match="Loose: words"):
        plan(Holder)


def test_a_sealed_value_has_no_place_in_a_plain_field() -> None:
    cls: Any = TOPICS["body-established.v1"]
    event = cls.model_construct(body="00" * 8, name=Known("Anna"), kind="rad", parent=None)
    with pytest.raises(TypeError, match="name is sealed but not declared"):
        dump(event, lambda *_: "")
    event = cls.model_construct(body="00" * 8, name=1.5, kind="rad", parent=None)
    with pytest.raises(TypeError, match="holds a float"):
        dump(event, lambda *_: "")


def test_a_destroyed_value_is_never_stored_anew() -> None:
    cls: Any = TOPICS["clock-reset.v1"]
    event = cls.model_construct(reason=Destroyed("c" * 64))
    with pytest.raises(TypeError, match="holds a Destroyed"):
        dump(event, lambda *_: "")


# --- nothing personal in the clear
# Plain text that a person's name would fit in, and what makes it something else: the name of an organ, an organisation
# or an office; the wording of a public document; a number or a place in one.
ORGANS = """
    BodyEstablished.name BodySteers.project DecidedPart.decided_by InstrumentVersionMade.made_by RegistryOpened.name
    InstrumentBegun.level ReportWritten.decision_level ReportWritten.department SecrecyMark.authority
""".split()
ORGANISATIONS = """
    Assignee.organisation BodyStaffed.organisation InstrumentBegun.parties InstrumentDecided.organisation
    MemberCoOpted.organisation PersonRegistered.organisation PersonRenamed.organisation ReportRecorded.organisation
    SeatOffered.organisation
""".split()
OFFICES = "Assignee.function SignatoryPart.title SignerField.label".split()
PUBLIC = """
    Covering.provision DecisionRecorded.verbs DecisionRevised.verbs DocumentDisposed.kind DocumentRegistered.kind
    Finding.expected Finding.observed InstrumentPartAdded.place MatterClassified.classification MatterClassified.written
    MinutesVersionMade.word PersonDataDisposed.kind PlanLine.kind PlanLine.section ProposedPoint.verb
    RegistrationCompleted.kind RegulationAdopted.content RetentionPlanAdopted.title SecrecyMark.provision
    SourcePart.document SourcePart.fact SourcePart.section
""".split()
NUMBERS = """
    AgendaEntry.diarienummer AgendaEntry.number AliasAdded.diarienummer DecidedPart.paragraph DiaryChosen.pattern
    DocumentRegistered.designation Enclosed.number ExternalNumberRecorded.number MatterOpened.diarienummer
    NotificationNoted.paragraph NotificationNumbered.diarienummer Origin.paragraph RegistrationCompleted.designation
    RegulationAdopted.diarienummer SeriesOpened.pattern
""".split()


def _takes_a_name(hint: Any, where: str) -> Iterator[str]:
    """The places of plain text in a field that a person's name would be accepted in."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated and (args[0] is str or any(isinstance(mark, Seal) for mark in args)):
        if args[0] is str and _accepts(hint):
            yield where
    elif hint is str:
        yield where
    elif isinstance(hint, type) and issubclass(hint, Part):
        yield from _of(hint)
    else:
        for each in args[:1] if origin is Annotated else args:
            yield from _takes_a_name(each, where)


def _of(cls: type[BaseModel]) -> Iterator[str]:
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if name in cls.model_fields:
            yield from _takes_a_name(hint, f"{cls.__name__}.{name}")


def _accepts(hint: Any) -> bool:
    try:
        TypeAdapter(hint).validate_python("Anna Ek")
    except ValidationError:
        return False
    return True


def test_no_event_has_room_for_a_person_s_name_in_the_clear_but_where_it_is_known_to_be_something_else() -> (
    None
):
    found = {where for cls in EVENTS if cls.__module__.startswith("domain.") for where in _of(cls)}
    assert found == {*ORGANS, *ORGANISATIONS, *OFFICES, *PUBLIC, *NUMBERS}
