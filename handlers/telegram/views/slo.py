"""How the desk kept what it promises of itself: one line for each objective, with its limit, its sample and a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from handlers.telegram.callbacks import ListButton, ListName
from handlers.telegram.views.format import span
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, plural
from services.operations.slo import Kept, Measured, Verdict, Window

_WINDOWS = {Window.DAY: "24 h", Window.WEEK: "7 days"}
_MARKS = {Verdict.OK: "ok", Verdict.AT_RISK: "RISK", Verdict.MISSED: "MISS", Verdict.FEW: "few"}


def render_slo(kept: Kept) -> Rendered:
    """Return every objective over one window: what was measured, what it may be, of how many, and whether it was kept."""
    text = render(
        "slo",
        window=_WINDOWS[kept.window],
        badge=badge(kept.modes),
        lines=[_line(each) for each in kept.measured],
        summary=_summary(kept.measured),
        at=kept.at,
    )
    return Rendered(text=text, rows=(tuple(_choice(window, kept.window) for window in Window),))


def _choice(window: Window, shown: Window) -> Button:
    label = f"{_WINDOWS[window]} •" if window is shown else _WINDOWS[window]
    return act(label, ListButton(name=ListName.SLO, arg=window.value))


def _line(each: Measured) -> tuple[str, str]:
    objective = each.objective
    value = "" if each.value_s is None else short(each.value_s)
    return f"{objective.words:<9} {value:>6}/{short(objective.target_s):<6}", f"{count(each.samples)} {_MARKS[each.verdict]}"


def _summary(measured: Sequence[Measured]) -> str:
    """Name what was not kept; else say how much of the rest can be told."""
    missed = [each.objective.words for each in measured if each.verdict is Verdict.MISSED]
    risky = [each.objective.words for each in measured if each.verdict is Verdict.AT_RISK]
    few = sum(each.verdict is Verdict.FEW for each in measured)
    if missed:
        return f"⛔ missed: {', '.join(missed)}"
    if risky:
        return f"kept; near the limit: {', '.join(risky)}"
    if few == len(measured):
        return "too few samples to say"
    return f"kept; {plural(few, 'objective')} with too few samples" if few else "all kept"


def short(seconds: float) -> str:
    """Write a duration in six columns at most."""
    if math.isinf(seconds):
        return "longer"
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds != int(seconds) else f"{seconds:.0f} s"
    return span(timedelta(seconds=seconds))


def count(samples: int) -> str:
    """Write a sample's size in four columns at most."""
    return str(samples) if samples < 1000 else f"{samples / 1000:.0f}k" if samples >= 10_000 else f"{samples / 1000:.1f}k"
