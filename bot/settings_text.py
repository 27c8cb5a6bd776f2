"""The settings written out: as a commented file to start from, and as a reference page."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.settings import Settings

UNSET = object()
# Stands for the name of a group of which there is none until somebody gives it one.
YOURS = "NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One setting: its place, what it takes and what it is when nobody sets it; ``default`` None means that it is unset."""

    group: str
    key: str
    takes: str
    default: object
    meaning: str

    @property
    def variable(self) -> str:
        """Return the environment variable that sets it."""
        return "SORTIE_" + f"{self.group}.{self.key}".upper().replace(".", "__")


def entries() -> dict[str, tuple[str, list[Entry]]]:
    """Return every setting by group, in the file's order, each group with what it is about."""
    found = {}
    for group, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        named = default.items() if isinstance(default, Mapping) else [("", default)]
        for name, model in named or ((YOURS, get_args(field.annotation)[1].model_construct()),):
            if isinstance(model, BaseModel):
                path = f"{group}.{name}" if name else group
                found[path] = ((type(model).__doc__ or "").split("\n")[0], list(_entries(path, model)))
    return found


def toml_text(values: Mapping[str, object]) -> str:
    """Return a settings file in which ``values`` (by ``group.key``) are set and everything else is shown, commented out."""
    lines = [
        "# Sortie's settings. What is commented out shows its default; a secret is better kept in a file of its own.",
        "# The environment wins over this file: SORTIE_RISK__PER_TRADE=0.005 sets [risk] per_trade.",
    ]
    for group, (about, settings) in entries().items():
        yours = group.endswith(YOURS)
        lines += ["", f"# {about}", f"# #[{group}]" if yours else f"[{group}]"]
        for entry in settings:
            value = values.get(f"{group}.{entry.key}", UNSET)
            shown = entry.default if value is UNSET else value
            setting = f"{entry.key} = {toml_value(shown)}" if shown is not None else f'{entry.key} = "" # unset'
            # A key under a header that is commented out would belong to the group above if it alone came to life.
            off = "# #" if yours else "#"
            lines += [f"# {entry.meaning} ({entry.takes})", f"{off}{setting}" if value is UNSET else setting]
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """Return a value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(int(value)) if value == int(value) else repr(value)
        case Decimal():
            return format(value, "f")
        case str() | Path():
            return json.dumps(value.as_posix() if isinstance(value, Path) else value, ensure_ascii=False)
        case tuple() | list():
            return f"[{', '.join(toml_value(each) for each in value)}]"
        case BaseModel():
            return toml_value(dict(value))
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(str(name))} = {toml_value(each)}" for name, each in value.items()) + "}"
    raise TypeError(f"a setting cannot be a {type(value).__name__}")


def reference_page() -> str:
    """Return the Markdown page that lists every setting."""
    lines = [
        "# Settings",
        "",
        "Sortie reads `sortie.toml` in the working directory, or the file that `SORTIE_CONFIG` names.",
        "Every setting can also be given as an environment variable, which wins: `SORTIE_`, the group, two underscores and the",
        "key, in capitals, for example `SORTIE_TELEGRAM__TOKEN_FILE`. A venue's name stands between, as in",
        "`SORTIE_VENUES__BINANCE__BASE_URL`. In a variable a list is written `1, 2`.",
        "",
        "An unknown key, a value out of range or a contradiction stops the start, with the key, its place and how to mend it.",
        "Shares are of one: `0.01` is one percent; `bps` is a hundredth of a percent.",
    ]
    for group, (about, settings) in entries().items():
        lines += ["", f"## `[{group}]`", "", about, "", "| key | takes | default | what it is |", "| --- | --- | --- | --- |"]
        for entry in settings:
            default = "unset" if entry.default is None else f"`{toml_value(entry.default)}`"
            lines.append(f"| `{entry.key}` | {_escaped(entry.takes)} | {_escaped(default)} | {_escaped(entry.meaning)} |")
    return "\n".join(lines) + "\n"


def _entries(group: str, model: BaseModel) -> Iterator[Entry]:
    for key, field in type(model).model_fields.items():
        yield Entry(
            group=group,
            key=key,
            takes=_takes(field),
            default=getattr(model, key, None),
            meaning=field.description or key.replace("_", " "),
        )


def _takes(field: FieldInfo) -> str:
    kind = _kind(field.annotation)
    limits = []
    for rule in field.metadata:
        for limit, sign in ((Gt, "more than"), (Ge, "at least"), (Lt, "less than"), (Le, "at most")):
            if isinstance(rule, limit):
                limits.append(f"{sign} {getattr(rule, limit.__name__.lower()):,}".replace(",", " "))
        pattern = getattr(rule, "pattern", None)
        if pattern is not None:
            limits.append(f"like `{pattern}`")
    return ", ".join([kind, *limits])


def _kind(annotation: object) -> str:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return _kind(next(each for each in get_args(annotation) if each is not type(None)))
    if origin is Literal:
        return " or ".join(str(each) for each in get_args(annotation))
    if origin is tuple:
        return f"list of {_kind(get_args(annotation)[0])}"
    if origin is dict:
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    names = {bool: "true or false", int: "whole number", float: "number", Decimal: "number", Path: "path"}
    if annotation is SecretStr:
        return "secret"
    return names.get(annotation, "text") if isinstance(annotation, type) else "text"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
