"""How a shell command speaks: colours and a table for a person, plain lines for a pipe, JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.domain.errors import SortieError

COLOURS = {"ok": "green", "OK": "green", "late": "red", "FAIL": "red", "never": "yellow", "NO DATA": "yellow"}


def say(text: str = "", *, error: bool = False) -> None:
    """Print one line; what a person named themselves cannot move the cursor."""
    _console(error=error).print(Text(visible(text)), soft_wrap=True)


def say_rows(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, coloured and wrapped on a terminal, one line each in a pipe."""
    console = _console()
    if not console.is_terminal:
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        for row in rows:
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(visible(cell), style=COLOURS.get(cell, "")) for cell in row))
    console.print(table)


def say_json(value: object) -> None:
    """Print JSON, indented, in one piece."""
    _console().print(Text(json.dumps(value, ensure_ascii=False, indent=2)), soft_wrap=True)


def explain(error: Exception) -> str:
    """Write what went wrong in one line, the way to mend it last; an error of elsewhere in its own words."""
    if not isinstance(error, SortieError):
        return f"{type(error).__name__}: {error}"
    values = {name: str(value) for name, value in error.values.items()}
    fix = values.pop("fix", None)
    said = ", ".join([error.code, *(f"{name} {value}" for name, value in values.items())])
    return f"{said}. Fix: {fix}" if fix else said


def visible(text: str) -> str:
    """Return the text with everything that does not print shown as a dot."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def _console(*, error: bool = False) -> Console:
    return Console(stderr=error, highlight=False, markup=False, emoji=False)
