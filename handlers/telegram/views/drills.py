"""The last drills as a message: what passed, when, and what did not hold."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.telegram.views.format import clip
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.templating import render
from services.domain.drills import DrillKind, LastDrill

# One figure of each kind is worth a glance.
_FIGURES = {DrillKind.KILL: "flat", DrillKind.OUTAGE: "known after", DrillKind.RESTORE: "rpo"}
WHAT_FAILED = 40


def render_drills(drills: Sequence[LastDrill]) -> Rendered:
    """Return one line for each kind of drill, and below it what failed."""
    known = {each.kind: each for each in drills}
    lines = [(kind.value, _said(known.get(kind))) for kind in DrillKind]
    failed = [clip(each.failed[0], WHAT_FAILED) for each in drills if each.failed]
    return Rendered(text=render("drills", lines=lines, failed=failed))


def _said(drill: LastDrill | None) -> str:
    if drill is None:
        return "never"
    figure = drill.figures.get(_FIGURES[drill.kind], "")
    verdict = f"ok {figure}".strip() if drill.passed else "FAILED"
    return f"{clip(verdict, 12)}  {drill.at:%d %b}"
