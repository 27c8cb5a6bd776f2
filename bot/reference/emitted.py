"""What the code writes to the log and to the journal, read from its syntax; nothing is imported or run."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
# Keyword arguments of a log call that structlog takes for itself.
RESERVED = {"exc_info": "exception", "stack_info": "stack"}
_DOTTED = re.compile(r"[a-z]+(?:[._](?:[a-z_]+|<[a-z_]+>))+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Emitted:
    """One place that writes: its name, the log level (empty in the journal), the fields it gives and its file.

    A part that is known only at run time stands in the name as ``<part>``; ``...`` among the fields means further ones.
    """

    name: str
    level: str
    fields: tuple[str, ...]
    file: str


class Unnamed(Exception):
    """A call writes something that has no constant, dotted name; the text says where."""


def log_events(root: Path, packages: tuple[str, ...]) -> list[Emitted]:
    """Return every ``log.<level>("dotted.name", ...)`` of the packages by name; raise Unnamed for prose or a variable."""
    return _emitted(root, packages, _log_call)


def journal_kinds(root: Path, packages: tuple[str, ...]) -> list[Emitted]:
    """Return every ``unit.record(actor, "dotted.name", ...)`` of the packages by name; raise Unnamed as above."""
    return _emitted(root, packages, _record_call)


def _emitted(
    root: Path, packages: tuple[str, ...], matches: Callable[[ast.Call], tuple[str, ast.expr] | None]
) -> list[Emitted]:
    found = set()
    for file in (file for package in packages for file in (root / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match = matches(node) if isinstance(node, ast.Call) else None
            if match is not None and isinstance(node, ast.Call):
                place = file.relative_to(root).as_posix()
                level, named = match
                for name in _names(named, f"{place}:{node.lineno}"):
                    shown = "error" if level == "exception" else level
                    found.add(Emitted(name=name, level=shown, fields=_fields(node, level), file=place))
    return sorted(found, key=lambda each: (each.name, each.file, each.fields))


def _log_call(call: ast.Call) -> tuple[str, ast.expr] | None:
    function = call.func
    if not (isinstance(function, ast.Attribute) and function.attr in LEVELS and call.args):
        return None
    logger = function.value
    named = isinstance(logger, ast.Name) and logger.id == "log"
    made = isinstance(logger, ast.Call) and isinstance(logger.func, ast.Attribute) and logger.func.attr == "get_logger"
    return (function.attr, call.args[0]) if named or made else None


def _record_call(call: ast.Call) -> tuple[str, ast.expr] | None:
    function = call.func
    if not (isinstance(function, ast.Attribute) and function.attr == "record" and len(call.args) == 2):
        return None
    return ("", call.args[1]) if isinstance(function.value, ast.Name) and function.value.id == "unit" else None


def _names(node: ast.expr, place: str) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(name)) if _DOTTED.fullmatch(name):
            yield name
        case ast.IfExp(body=body, orelse=otherwise):
            yield from _names(body, place)
            yield from _names(otherwise, place)
        case ast.JoinedStr(values=parts):
            name = "".join(_part(part, place) for part in parts)
            if not _DOTTED.fullmatch(name):
                raise Unnamed(f"{place}: {name!r} is not dotted")
            yield name
        case _:
            raise Unnamed(f"{place}: {ast.unparse(node)} is not a constant, dotted name")


def _part(node: ast.expr, place: str) -> str:
    """Return a piece of an f-string: its text, or ``<state>`` for ``{after.state.value}``."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.FormattedValue(value=ast.Attribute(value=ast.Attribute(attr=word), attr="value")):
            return f"<{word}>"
        case ast.FormattedValue(value=ast.Attribute(value=ast.Name(id=word), attr="value")):
            return f"<{word}>"
        case ast.FormattedValue(value=ast.Name(id=word) | ast.Attribute(attr=word)):
            return f"<{word}>"
    raise Unnamed(f"{place}: {ast.unparse(node)} has no name of its own")


def _fields(call: ast.Call, level: str) -> tuple[str, ...]:
    named = [RESERVED.get(each.arg, each.arg) for each in call.keywords if each.arg is not None]
    more = ["..."] if any(each.arg is None for each in call.keywords) else []
    traceback = ["exception"] if level == "exception" else []
    return tuple(dict.fromkeys([*named, *traceback, *more]))
