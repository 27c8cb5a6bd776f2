"""The gate's context as plain values, exactly: what is stored beside a verdict is enough to ask the gate again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from services.risk.context import GateContext


class NotRecorded(LookupError):
    """The row is older than an input of today's gate: ``what`` names it, by its path in the context."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"recorded before {what} was kept")


def dump(context: GateContext) -> dict[str, object]:
    """Return the context in values that JSON holds without loss; amounts and instants are text."""
    return {field.name: _plain(getattr(context, field.name)) for field in fields(context)}


def load(facts: Mapping[str, object]) -> GateContext:
    """Return the context that was dumped; what else stands in the row is left alone.

    Raise NotRecorded for a row of an older desk that lacks an input, and ValueError for a value that cannot be read.
    """
    context = _instance(GateContext, facts, "")
    if not isinstance(context, GateContext):
        raise ValueError("not a gate's context")
    return context


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (Decimal, str)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"a gate's context cannot keep a {type(value).__name__}")


@cache
def _shape(kind: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(kind)
    return tuple((field, hints[field.name]) for field in fields(kind))


def _instance(kind: Any, value: object, path: str) -> object:
    if not isinstance(value, Mapping):
        raise ValueError(f"{path or 'the context'} is not an object: {value!r}")
    found: dict[str, object] = {}
    for field, hint in _shape(kind):
        where = f"{path}.{field.name}".lstrip(".")
        if field.name in value:
            found[field.name] = _read(hint, value[field.name], where)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise NotRecorded(where)
    return kind(**found)


def _read(hint: Any, value: object, path: str) -> object:
    """Read one value as its declared kind: optional ones, tuples, mappings, records, and then what stands alone."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return None if value is None else _read(_but_none(hint), value, path)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(get_args(hint)[0], each, path) for each in value)
    if origin is not None and issubclass(origin, Mapping) and isinstance(value, dict):
        key, each = get_args(hint)
        return {_read(key, name, path): _read(each, item, f"{path}.{name}") for name, item in value.items()}
    if isinstance(hint, NewType):
        return _read(hint.__supertype__, value, path)
    if is_dataclass(hint) and isinstance(hint, type):
        return _instance(hint, value, path)
    return _alone(hint, value, path)


def _alone(kind: type[Any], value: object, path: str) -> object:
    try:
        if kind is datetime and isinstance(value, str):
            return datetime.fromisoformat(value)
        if isinstance(value, str) and issubclass(kind, (Decimal, Enum)):
            return kind(value)
    except (ArithmeticError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {value!r}") from error
    if type(value) is kind or (kind is float and type(value) is int):
        return value
    raise ValueError(f"{path} is not a {kind.__name__}: {value!r}")


def _but_none(hint: Any) -> Any:
    (kind,) = (each for each in get_args(hint) if each is not NoneType)
    return kind
