"""What decisions were worth, on a phone: R everywhere, money in private, and no rate or mean of too few."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from handlers.telegram.views.format import clip, fixed, r_units
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, money_words, plural, win_words
from services.domain.decisions import Decided
from services.domain.edge import MeanR
from services.reporting.edge import DecisionLine, Edge, EdgeLine

MOST_LINES, MOST_SOURCES = 7, 2


class Part(StrEnum):
    """What of it is shown in full."""

    ALL = ""
    SOURCES = "source"
    REASONS = "reason"


def render_edge(edge: Edge, part: Part = Part.ALL) -> Rendered:
    """Return what a person, a strategy or everyone was worth; what does not fit is counted."""
    sources = _cut([_line("from", each) for each in edge.sources], MOST_SOURCES)
    decisions = [_decision(each) for each in edge.decisions]
    reasons = _cut([_line("for", each) for each in edge.reasons], MOST_LINES - len(sources) - len(decisions))
    rows = {
        Part.ALL: [*sources, *reasons, *decisions],
        Part.SOURCES: _cut([_line("from", each) for each in edge.sources], MOST_LINES),
        Part.REASONS: _cut([*(_line("for", e) for e in edge.reasons), *(_decision(e) for e in edge.passes)], MOST_LINES),
    }[part]
    text = render(
        "edge",
        e=edge,
        badge=badge(edge.modes) if edge.modes else "NO TRADES",
        counted=plural(edge.total.r.n, "trade"),
        rate=win_words(edge.total.rate),
        mean=mean_words(edge.total.r),
        money=money_words(edge.money) if edge.money else "",
        rows=rows,
        least=edge.total.rate.least,
    )
    return Rendered(text=text)


def _cut(rows: Sequence[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """Keep so many lines; the last one counts what is left out."""
    if len(rows) <= most:
        return list(rows)
    return [*rows[: most - 1], (f"and {len(rows) - most + 1} more", "")]


def mean_words(r: MeanR) -> str:
    """Write a mean with its interval: ``+0.31 (−0.10 to +0.72)``."""
    if r.mean is None or r.low is None or r.high is None:
        return f"too few ({r.n})"
    low, mean, high = (fixed(each, 2, sign=True) for each in (r.low, r.mean, r.high))
    return f"{mean} ({low} to {high})"


def _line(word: str, line: EdgeLine) -> tuple[str, str]:
    """Write the sample, the rate where there are enough, and the sum."""
    rate = line.rate
    share = f"{rate.rate * 100:.0f} % " if rate.rate is not None and rate.enough else ""
    return f"{word} {clip(line.name, 13)} {line.r.n}", f"{share}{r_units(line.r.total, 1)}"


def _decision(line: DecisionLine) -> tuple[str, str]:
    left = f"{line.decided.value} {clip(line.reason, 12)}".rstrip() + f" {line.n}"
    if not line.r.n:
        return left, "none closed" if line.decided is Decided.FIRED else "not recorded"
    of = f" of {line.r.n}" if line.r.n < line.n else ""
    return left, f"{'' if line.decided is Decided.FIRED else 'would '}{r_units(line.r.total, 1)}{of}"
