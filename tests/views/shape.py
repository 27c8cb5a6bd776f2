"""What every message must keep to, checked the way the server would: markup, lines, columns, buttons, numbers."""

from __future__ import annotations

import re

from handlers.telegram.views.format import COLUMNS
from handlers.telegram.views.message import Rendered
from sandbox.telegram.html import parse

LINES, PREVIEW_LINES, A_ROW, PLAIN_COLUMNS = 12, 9, 3, 44
CAPTION, CALLBACK_BYTES, LABEL = 1024, 64, 24
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\u23e9-\u23fa]")
_ASCII_MINUS = re.compile(r"(?<![\w)])-\d")
_EXPONENT = re.compile(r"\d[eE][+-]\d")


def problems(rendered: Rendered, *, lines: int = LINES, width: int = PLAIN_COLUMNS, numbers: bool = True) -> list[str]:
    """Return everything that is wrong with a message, nothing when it is right."""
    plain = rendered.plain()
    parse(rendered.text)
    rows = plain.split("\n")
    found = [f"{len(rows)} lines"] if len(rows) > lines else []
    found += [f"an empty line: {plain!r}"] if any(not line.strip() for line in rows) else []
    found += [f"{len(plain)} characters"] if len(plain) > CAPTION else []
    found += [f"column line too wide: {line!r}" for line in _columns(rendered.text) if len(line) > COLUMNS]
    found += [f"line too wide: {line!r}" for line in rows if len(line) > width]
    found += [f"two emoji: {line!r}" for line in rows if len(_EMOJI.findall(line)) > 1]
    if numbers:
        found += [f"a hyphen for a minus: {line!r}" for line in rows if _ASCII_MINUS.search(line)]
        found += [f"an exponent: {line!r}" for line in rows if _EXPONENT.search(line)]
    return found + _keyboard(rendered)


def _columns(text: str) -> list[str]:
    blocks = re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)
    return [line for block in blocks for line in Rendered(text=block).plain().split("\n")]


def _keyboard(rendered: Rendered) -> list[str]:
    found = []
    for row in rendered.rows:
        found += [f"{len(row)} buttons in a row"] if len(row) > A_ROW else []
        for button in row:
            data = button.data.pack() if button.data is not None else ""
            found += [f"{data} is too long"] if len(data.encode()) > CALLBACK_BYTES else []
            found += [f"label {button.text!r} is too long"] if not 0 < len(button.text) <= LABEL else []
    rendered.keyboard()
    return found


def labels(rendered: Rendered) -> list[list[str]]:
    """Return the keyboard's texts, row by row, without empty rows."""
    return [[button.text for button in row] for row in rendered.rows if row]
