"""Why an instrument is traded and why it is silent, on a phone: a line for each filter, then the newest calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from handlers.telegram.views.format import MISSING, clip, fixed, local, percent, quantity, short_number
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.templating import render
from services.domain.screening import Finding
from services.reporting.symbol_story import CallLine, SymbolStory

# How what a filter measures is written.
UNITS: Mapping[str, Callable[[Decimal], str]] = {
    "volume": lambda value: f"{short_number(value)} a day",
    "depth": short_number,
    "spread": lambda value: f"{fixed(value, 1)} bp",
    "volatility": lambda value: f"{percent(value * 100)} a day",
    "age": lambda value: f"{quantity(value)} d",
    "correlation": lambda value: fixed(value, 2),
}


def render_symbol_story(story: SymbolStory) -> Rendered:
    """Return what each filter found, and what was called on the instrument lately."""
    return Rendered(
        text=render(
            "symbol_story",
            s=story,
            findings=[_finding(each) for each in story.findings],
            calls=[_call(each, story.zone) for each in story.calls],
        )
    )


def _finding(found: Finding) -> tuple[str, str]:
    mark = "✓" if found.passed else "✗"
    name = f"{mark} {found.name}" + (f" {clip(found.about, 9)}" if found.about else "")
    if found.bound is None:
        return name, "by the settings"
    write = UNITS[found.name]
    value = write(found.value).removesuffix(" a day") if found.value is not None else MISSING
    return name, f"{value} {'≤' if found.most else '≥'} {write(found.bound)}"


def _call(line: CallLine, zone: str) -> tuple[str, str]:
    said = f"{line.drop} {line.note or ''}".strip() if line.drop is not None else "offered"
    return f"{local(line.at, zone)} {clip(line.source, 10)} {line.score}", clip(said, 16)
