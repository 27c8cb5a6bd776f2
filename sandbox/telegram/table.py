"""The published method and type table, as far as it is served (botapi.json names its origin)."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sandbox.telegram.wire import JsonObject

Shape = str | tuple["Shape", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter of a method or a field of a type; `shape` is a name, ("array", x) or ("any", x, y, ...)."""

    name: str
    shape: Shape
    required: bool
    shortest: int | None
    longest: int | None
    unit: str
    fewest: int | None
    most: int | None
    lowest: int | None
    highest: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What the Bot API says about each method and type this server knows."""

    version: str
    methods: Mapping[str, Mapping[str, Field]]
    unserved: frozenset[str]
    objects: Mapping[str, Mapping[str, Field]]
    unions: Mapping[str, tuple[str, ...]]


@functools.cache
def published() -> Table:
    """Read the table from the package's data."""
    source = json.loads(importlib.resources.files(__package__).joinpath("botapi.json").read_text("utf-8"))
    types: JsonObject = source["types"]
    return Table(
        version=source["version"],
        methods=MappingProxyType({name: _fields(spec) for name, spec in source["methods"].items()}),
        unserved=frozenset(source["unserved"]),
        objects=MappingProxyType({name: _fields(spec["fields"]) for name, spec in types.items() if "fields" in spec}),
        unions=MappingProxyType({name: tuple(spec["union"]) for name, spec in types.items() if "union" in spec}),
    )


def _fields(spec: JsonObject) -> Mapping[str, Field]:
    return MappingProxyType({name: _field(name, entry) for name, entry in spec.items()})


def _field(name: str, entry: JsonObject) -> Field:
    return Field(
        name=name,
        shape=_shape(entry["type"]),
        required=entry.get("required", False),
        shortest=entry.get("min"),
        longest=entry.get("max"),
        unit=entry.get("unit", ""),
        fewest=entry.get("min_items"),
        most=entry.get("max_items"),
        lowest=entry.get("ge"),
        highest=entry.get("le"),
    )


def _shape(entry: str | list[object]) -> Shape:
    if isinstance(entry, str):
        return entry
    return tuple(_shape(member) for member in entry)  # type: ignore[arg-type]  # the file nests lists of the same form
