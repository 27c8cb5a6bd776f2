"""Check every request against the method table: one compiled checker per method, built once.

Stricter than Telegram on purpose: Telegram ignores parameters it does not know and forgives wrong types;
a desk tested here should not depend on that. Where Telegram has words for a refusal, they are used.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.telegram.failures import Refused, bad, unserved
from sandbox.telegram.files import Upload
from sandbox.telegram.table import Field, Shape, Table, published

Checker = Callable[[Any, str], Any]
"""Takes a wire value and the name it came under; returns the Python value or raises Refused."""

_INTEGER = re.compile(r"[+-]?\d{1,19}")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}

_MISSING = {
    "chat_id": "chat_id is empty",
    "from_chat_id": "from_chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "message_ids": "message identifiers are not specified",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "media": "there is no media in the request",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
    "file_id": "file_id not specified",
    "action": "wrong parameter action in request",
}
_TITLES = {
    "InlineKeyboardButton": "inline keyboard button",
    "KeyboardButton": "keyboard button",
    "MenuButton": "menu button",
    "LinkPreviewOptions": "link preview options",
    "ReplyParameters": "reply parameters",
}
_MARKUPS = {
    "InlineKeyboardMarkup": "inline_keyboard",
    "ReplyKeyboardMarkup": "keyboard",
    "ReplyKeyboardRemove": "remove_keyboard",
    "ForceReply": "force_reply",
}
# Lengths that are counted after entities are parsed, or whose refusal has its own words, are checked by the method.
_CHECKED_LATER = {"text", "caption", "quote", "callback_data", "secret_token"}


def check(method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check the parameters of a served method and decode them to Python values."""
    return _compiled()[method](parameters)


@functools.cache
def _compiled() -> Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
    compiler = _Compiler(published())
    return {name: compiler.method(name, fields) for name, fields in published().methods.items()}


class _Compiler:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[Shape, Checker] = {
            "Integer": _integer,
            "Float": _number,
            "Boolean": _boolean,
            "True": _true,
            "String": _string,
            "InputFile": _input_file,
        }

    def method(self, name: str, fields: Mapping[str, Field]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        checkers = {field.name: _parameter(self._bounded(field), field) for field in fields.values()}
        required = tuple(field.name for field in fields.values() if field.required)

        def checked(parameters: Mapping[str, Any]) -> dict[str, Any]:
            result: dict[str, Any] = {}
            for key, value in parameters.items():
                checker = checkers.get(key)
                if checker is None:
                    raise bad(f'parameter "{key}" is not known to the method {name}')
                result[key] = checker(value, key)
            for key in required:
                if key not in result:
                    raise bad(_MISSING.get(key, f'parameter "{key}" is required'))
            return result

        return checked

    def _bounded(self, field: Field) -> Checker:
        checker = self._of(field.shape)
        if field.unit and field.name not in _CHECKED_LATER:
            checker = _with_length(checker, field)
        if field.lowest is not None or field.highest is not None:
            checker = _with_range(checker, field)
        if field.most is not None:
            checker = _with_count(checker, field)
        return checker

    def _of(self, shape: Shape) -> Checker:
        if shape in self._known:
            return self._known[shape]
        if isinstance(shape, tuple):
            if shape[0] == "array":
                return _array(self._of(shape[1]))
            return self._union(shape[1:])
        # A stand-in first: types refer to each other, and a recursive one finds itself here.
        cell: list[Checker] = []
        self._known[shape] = lambda value, name: cell[0](value, name)
        cell.append(self._named(shape))
        self._known[shape] = cell[0]
        return cell[0]

    def _named(self, shape: str) -> Checker:
        if shape in self._table.objects:
            return self._object(self._table.objects[shape], _TITLES.get(shape, shape))
        if shape in self._table.unions:
            return self._tagged(shape, self._table.unions[shape])

        def refuse(value: Any, name: str) -> Any:
            raise unserved(f'parameter "{name}" of type {shape}')

        return refuse

    def _object(self, fields: Mapping[str, Field], title: str) -> Checker:
        checkers = {field.name: self._bounded(field) for field in fields.values()}
        required = tuple(field.name for field in fields.values() if field.required)

        def checked(value: Any, name: str) -> Any:
            if not isinstance(value, dict):
                raise bad(f"can't parse {title}: expected an Object")
            result: dict[str, Any] = {}
            for key, entry in value.items():
                checker = checkers.get(key)
                if checker is None:
                    raise bad(f'can\'t parse {title}: field "{key}" is not known')
                try:
                    result[key] = checker(entry, key)
                except _Mistyped as error:
                    raise bad(f"can't parse {title}: {error}") from None
            for key in required:
                if key not in result:
                    raise bad(f"can't parse {title}: can't find field \"{key}\"")
            return result

        return checked

    def _tagged(self, shape: str, members: tuple[str, ...]) -> Checker:
        title = _TITLES.get(shape, shape)
        by_tag = {_tag(member, shape): self._member(member, title) for member in members}

        def checked(value: Any, name: str) -> Any:
            if not isinstance(value, dict):
                raise bad(f"can't parse {title}: {title} must be an Object")
            tag = value.get("type")
            if not isinstance(tag, str):
                raise bad(f"can't parse {title}: can't find field \"type\"")
            if tag not in by_tag:
                raise bad(f"can't parse {title}: unsupported type specified")
            return by_tag[tag](value, name)

        return checked

    def _member(self, shape: str, title: str) -> Checker:
        fields = self._table.objects.get(shape)
        return self._of(shape) if fields is None else self._object(fields, title)

    def _union(self, members: tuple[Shape, ...]) -> Checker:
        if set(members) == {"Integer", "String"}:
            return _chat_reference
        if set(members) == {"InputFile", "String"}:
            return _input_file
        if all(member in _MARKUPS for member in members):
            return _markup({_MARKUPS[str(member)]: self._of(member) for member in members})
        prefix = "InputMedia"
        if all(str(member).startswith(prefix) for member in members):
            return self._tagged(prefix, tuple(str(member) for member in members))
        raise AssertionError(f"the table holds a union this compiler does not know: {members}")


class _Mistyped(Refused):
    """A wrong type inside an object: the object's checker puts its own name in front."""

    def __init__(self, name: str, wanted: str) -> None:
        self.detail = f'field "{name}" must be of type {wanted}'
        super().__init__(400, f"Bad Request: {self.detail}")

    def __str__(self) -> str:
        return self.detail


def _parameter(checker: Checker, field: Field) -> Checker:
    """Decode JSON given as text, which form and multipart requests do and JSON requests may."""
    if _is_plain(field.shape):
        return checker

    def decoded(value: Any, name: str) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                label = "reply keyboard markup" if name == "reply_markup" else name.replace("_", " ")
                raise bad(f"can't parse {label} JSON object") from None
        return checker(value, name)

    return decoded


def _is_plain(shape: Shape) -> bool:
    if isinstance(shape, tuple):
        return shape[0] == "any" and all(_is_plain(member) for member in shape[1:])
    return shape in {"Integer", "Float", "Boolean", "True", "String", "InputFile"}


def _tag(member: str, shape: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", member.removeprefix(shape)).lower()


def _integer(value: Any, name: str) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise _Mistyped(name, "Integer")


def _number(value: Any, name: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    raise _Mistyped(name, "Float")


def _boolean(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTH:
        return _TRUTH[value.lower()]
    raise _Mistyped(name, "Boolean")


def _true(value: Any, name: str) -> bool:
    if _boolean(value, name):
        return True
    raise _Mistyped(name, "True")


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _Mistyped(name, "String")
    return value


def _chat_reference(value: Any, name: str) -> int | str:
    if type(value) is int:
        return value
    if not isinstance(value, str):
        raise _Mistyped(name, "Integer or String")
    if not value:
        raise bad(_MISSING.get(name, f"{name} is empty"))
    return int(value) if _INTEGER.fullmatch(value) else value


def _input_file(value: Any, name: str) -> Upload | str:
    if isinstance(value, (Upload, str)):
        return value
    raise _Mistyped(name, "InputFile or String")


def _array(member: Checker) -> Checker:
    def checked(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise _Mistyped(name, "Array")
        return [member(entry, name) for entry in value]

    return checked


def _markup(members: Mapping[str, Checker]) -> Checker:
    def checked(value: Any, name: str) -> Any:
        if not isinstance(value, dict):
            raise bad("object expected as reply markup")
        for key, checker in members.items():
            if key in value:
                return checker(value, name)
        raise bad(f"reply markup must have one of the fields {', '.join(members)}")

    return checked


def _with_length(checker: Checker, field: Field) -> Checker:
    shortest, longest, in_bytes = field.shortest or 0, field.longest or 0, field.unit == "bytes"

    def checked(value: Any, name: str) -> Any:
        text = checker(value, name)
        size = len(text.encode()) if in_bytes else len(text)
        if size < shortest or size > longest:
            raise bad(f"{name} must have {shortest}-{longest} {field.unit}, got {size}")
        return text

    return checked


def _with_range(checker: Checker, field: Field) -> Checker:
    def checked(value: Any, name: str) -> Any:
        number = checker(value, name)
        if (field.lowest is not None and number < field.lowest) or (field.highest is not None and number > field.highest):
            raise bad(f"{name} must be from {field.lowest} to {field.highest}, got {number}")
        return number

    return checked


def _with_count(checker: Checker, field: Field) -> Checker:
    def checked(value: Any, name: str) -> Any:
        items = checker(value, name)
        if not (field.fewest or 0) <= len(items) <= (field.most or 0):
            raise bad(f"{name} must have {field.fewest}-{field.most} items, got {len(items)}")
        return items

    return checked
