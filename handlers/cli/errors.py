"""``sortie errors``: what the logs have about an error whose id somebody was told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from handlers.cli.console import say, say_json

FOUND, NOTHING, NO_ID = 0, 1, 2
ERROR_ID = re.compile(r"[A-Za-z0-9_-]{8}")
FIRST = ("at", "level", "event", "correlation", "error_id", "exception")
LONGEST = 400
Line = Mapping[str, object]


def show_errors(file: Path, error_id: str, *, as_json: bool) -> int:
    """Print the line of an error, and every line of what it happened in, oldest first.

    Returns 1 when the logs, rotated ones with them, have nothing of that id, and 2 for what cannot be one.
    """
    wanted = error_id.strip()
    if not ERROR_ID.fullmatch(wanted):
        say(f"{wanted[:32]!r} is no error id: it has eight letters, digits, - or _, as in: Error 4k7tq2zw", error=True)
        return NO_ID
    named = [line for line in _lines(file, lambda text: wanted in text) if line.get("error_id") == wanted]
    if not named:
        newest = "there are no logs yet" if not file.exists() else "the id is mistyped, or its log was rotated away"
        say(f"nothing of {wanted} in {file.parent}: {newest}", error=True)
        return NOTHING
    about = {str(line["correlation"]) for line in named if line.get("correlation")}
    story = list(_lines(file, lambda text: any(each in text for each in about))) if about else []
    found = [line for line in story if str(line.get("correlation")) in about] or named
    found = sorted(found, key=lambda line: str(line.get("at", "")))
    if as_json:
        say_json([dict(line) for line in found])
    else:
        for line in found:
            _print(line, marked=line.get("error_id") == wanted)
    return FOUND


def _lines(file: Path, wanted: Callable[[str], bool]) -> Iterator[Line]:
    """Read the lines of a log and of its rotated predecessors that may matter; what is no JSON object is passed over."""
    older = sorted(file.parent.glob(f"{file.name}.*"), key=lambda each: -_number(each))
    for each in (*older, file):
        if not each.is_file():
            continue
        with each.open(encoding="utf-8", errors="replace") as lines:
            for text in lines:
                line = _read(text) if wanted(text) else None
                if line is not None:
                    yield line


def _read(text: str) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _number(file: Path) -> int:
    suffix = file.suffix.removeprefix(".")
    return int(suffix) if suffix.isdigit() else 0


def _print(line: Line, *, marked: bool) -> None:
    rest = " ".join(f"{name}={_short(value)}" for name, value in line.items() if name not in FIRST)
    mark = ">" if marked else " "
    error = f" error_id={line['error_id']}" if "error_id" in line else ""
    say(f"{mark} {str(line.get('at', ''))[:23]} {line.get('level', ''):<8} {line.get('event', '')}{error} {rest}".rstrip())
    for each in str(line.get("exception", "")).splitlines():
        say(f"    {each}")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
