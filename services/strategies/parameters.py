"""Parameters of a strategy: from settings to its frozen dataclass, with every mistake named."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import get_type_hints

from services.domain.errors import Misconfigured

SCALARS: tuple[type, ...] = (bool, int, float, str)


def parameters_of(kind: type, values: Mapping[str, object], *, strategy: str, file: str) -> object:
    """Build the dataclass ``kind`` from settings; raise Misconfigured for an unknown, ill-typed or refused value.

    A whole number is taken for a float field; nothing else is converted.
    """
    hints = _field_types(kind, file)
    for name, value in values.items():
        key = f"strategies.parameters.{strategy}.{name}"
        if name not in hints:
            raise Misconfigured(
                "STRATEGY_PARAMETER_UNKNOWN",
                file=file,
                key=key,
                fix=f"remove it or use one of {', '.join(sorted(hints)) or 'none: the strategy has no parameters'}",
            )
        if not _fits(value, hints[name]):
            raise Misconfigured(
                "STRATEGY_PARAMETER_TYPE",
                file=file,
                key=key,
                value=repr(value),
                fix=f"give a value of type {hints[name].__name__}",
            )
    given = {name: float(value) if hints[name] is float else value for name, value in values.items()}  # type: ignore[arg-type]
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        raise Misconfigured(
            "STRATEGY_PARAMETER_VALUE",
            file=file,
            key=f"strategies.parameters.{strategy}",
            problem=str(error),
            fix="correct the value that the problem names",
        ) from error


def _field_types(kind: type, file: str) -> dict[str, type]:
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise _not_parameters(file, "is not a dataclass")
    try:
        hints = get_type_hints(kind)
    except NameError as error:
        raise _not_parameters(file, f"has a type that cannot be resolved: {error}") from error
    types = {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}
    for name, each in types.items():
        if each not in SCALARS:
            raise _not_parameters(file, f"has the field {name} of type {each}")
    return types


def _not_parameters(file: str, problem: str) -> Misconfigured:
    return Misconfigured(
        "STRATEGY_PARAMETERS",
        file=file,
        key="Parameters",
        problem=problem,
        fix="make it a frozen dataclass whose fields are bool, int, float or str",
    )


def _fits(value: object, wanted: type) -> bool:
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is wanted
