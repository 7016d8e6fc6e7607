"""Events to plain JSON and back, field by field, with sealed fields handed to whoever holds the keys.

- Each event class is compiled once into a plan: which fields are sealed and how, which hold parts, lists or maps.
- The path of a sealed field is its place in the event ("statements/3/fields/name").
- A class with a text field that is neither sealed nor a bounded plain type fails at once, not at the first event: plain
  text has a pattern or a greatest length, a map's keys have too, and nothing else but whole numbers, dates, truth and
  named words stands in the clear. The one exception is an adopted regulation's content, which is a public document.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.messages import Destroyed, Event, Known, Moment, Part, Seal
from signing.canonical import JSON
from signing.commitments import is_sealed

SealField = Callable[[str, Known, Seal, Any], JSON]
OpenField = Callable[[str, Mapping[str, Any]], Known | Destroyed]
E = TypeVar("E", bound=Event)
M = TypeVar("M", bound=BaseModel)
PLAIN = (bool, int, date, StrEnum)
PUBLIC_CONTENT = frozenset({("RegulationAdopted", "content")})


def dump(event: Event, seal: SealField) -> dict[str, JSON]:
    """An event's fields as JSON. seal(path, value, how, owner) gives what stands for a sealed field; owner is the model
    that has the field, where `how.of` names a sibling."""
    return {
        name: _dump(getattr(event, name), name, how, event, seal) for name, how in plan(type(event)).items()
    }


def load(cls: type[Event], data: Mapping[str, Any], open_field: OpenField) -> Event:
    """The event of a topic's class from its JSON."""
    return cls.model_validate(_load_model(cls, data, "", open_field))


def committed(event: E, commitments: Mapping[str, str]) -> E:
    """An event just written as a reader gets it: each sealed value with its commitment, found by its path, and maps in
    the order of their keys."""
    return _committed_model(event, "", commitments)


@cache
def plan(cls: type[BaseModel]) -> dict[str, Any]:
    """For each field: a Seal, a part's class, or None for a plain field; lists and maps by what they hold."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {name: _inner(hints[name], cls, name) for name in cls.model_fields}


def _inner(hint: Any, cls: type[BaseModel], name: str) -> Any:
    """How values of a hint are handled; raises TypeError for a hint that may not stand in an event."""
    origin, args = get_origin(hint), get_args(hint)
    if (cls.__name__, name) in PUBLIC_CONTENT or hint == Moment or hint is type(None) or origin is Literal:
        return None
    if origin is Annotated:
        inner, *marks = args
        seal = next((mark for mark in marks if isinstance(mark, Seal)), None)
        if seal or (inner is str and any(map(_bounds, marks))):
            return seal
        return _inner(inner, cls, name)
    if origin is dict:
        key, value = args
        how = _inner(value, cls, name)
        if _inner(key, cls, name) is None and not isinstance(how, type):
            return how
    elif origin in (Union, types.UnionType, tuple, list):
        found = {_inner(arg, cls, name) for arg in args if arg is not Ellipsis}
        if len(found - {None}) < 2:
            return next(iter(found - {None}), None)
    elif isinstance(hint, type) and issubclass(hint, Part):
        plan(hint)
        return hint
    elif isinstance(hint, type) and issubclass(hint, PLAIN) and not issubclass(hint, datetime):
        return None
    raise TypeError(f"{cls.__name__}: {name} is neither sealed nor a bounded plain type ({hint})")


def _bounds(mark: Any) -> bool:
    rules = mark.metadata if isinstance(mark, FieldInfo) else [mark]
    return any(isinstance(rule, MaxLen) or getattr(rule, "pattern", None) for rule in rules)


def _dump(value: Any, path: str, how: Any, owner: BaseModel, seal: SealField) -> JSON:
    match value:
        case None | bool() | int():
            return value
        case StrEnum():
            return str(value)
        case str():
            return value
        case Known():
            if not isinstance(how, Seal):
                raise TypeError(
                    f"{type(owner).__name__}: {path} is sealed but not declared personal or free text"
                )
            return seal(path, value, how, owner)
        case date():
            return value.isoformat()
        case Part():
            fields = plan(type(value))
            return {
                name: _dump(getattr(value, name), f"{path}/{name}", inner, value, seal)
                for name, inner in fields.items()
            }
        case tuple() | list():
            return [_dump(item, f"{path}/{index}", how, owner, seal) for index, item in enumerate(value)]
        case dict():
            return {key: _dump(item, f"{path}/{key}", how, owner, seal) for key, item in value.items()}
        case _:
            raise TypeError(
                f"{type(owner).__name__}: {path} holds a {type(value).__name__}, which is not stored"
            )


def _committed_model(model: M, path: str, commitments: Mapping[str, str]) -> M:
    fields = plan(type(model))
    changed = {
        name: _committed(value, f"{path}{name}", commitments)
        for name, value in model.__dict__.items()
        if value is not None and (fields[name] or isinstance(value, dict))
    }
    return model.model_copy(update=changed) if changed else model


def _committed(value: Any, path: str, commitments: Mapping[str, str]) -> Any:
    match value:
        case Known():
            return Known(value.value, commitments[path])
        case Part():
            return _committed_model(value, f"{path}/", commitments)
        case tuple() | list():
            return type(value)(
                _committed(one, f"{path}/{index}", commitments) for index, one in enumerate(value)
            )
        case dict():
            return {key: _committed(value[key], f"{path}/{key}", commitments) for key in sorted(value)}
        case _:
            return value


def _load_model(
    cls: type[BaseModel], data: Mapping[str, Any], path: str, open_field: OpenField
) -> dict[str, Any]:
    loaded = {**data}
    for name, how in _handled(cls):
        if (value := loaded.get(name)) is not None:
            loaded[name] = _load(value, f"{path}{name}", how, open_field)
    return loaded


@cache
def _handled(cls: type[BaseModel]) -> tuple[tuple[str, Any], ...]:
    """The fields that are not plain."""
    return tuple((name, how) for name, how in plan(cls).items() if how)


def _load(value: Any, path: str, how: Any, open_field: OpenField) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_load(item, f"{path}/{index}", how, open_field) for index, item in enumerate(value)]
    if isinstance(how, Seal):
        if is_sealed(value):
            return open_field(path, value)
        return {key: _load(item, f"{path}/{key}", how, open_field) for key, item in value.items()}
    return _load_model(how, value, f"{path}/", open_field)
