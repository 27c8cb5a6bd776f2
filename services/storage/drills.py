"""Drills: the last of each kind, as a fact, and a row of the journal for every one."""

from __future__ import annotations

import json
from datetime import datetime

from services.domain.drills import DrillKind, DrillResult, LastDrill
from services.domain.people import Actor
from services.storage.counters import get_fact, set_fact
from services.storage.database import Unit

FACT = "drill."


def book_drill(unit: Unit, actor: Actor, result: DrillResult) -> None:
    """Journal a drill at the real desk, and keep it as the last of its kind."""
    kind, took_s, figures = result.kind.value, round(result.took_s, 1), dict(result.figures)
    kept = {
        "at": result.at.isoformat(),
        "took_s": took_s,
        "passed": result.passed,
        "failed": list(result.failed),
        "figures": figures,
        "by": actor.label,
    }
    set_fact(unit, f"{FACT}{kind}", json.dumps(kept))
    if result.passed:
        unit.record(actor, "drill.passed", drill=kind, steps=len(result.steps), took_s=took_s, figures=figures)
    else:
        unit.record(actor, "drill.failed", drill=kind, failed=list(result.failed), took_s=took_s, figures=figures)


def last_drills(unit: Unit) -> tuple[LastDrill, ...]:
    """Return the last drill of each kind that was ever run."""
    return tuple(found for kind in DrillKind if (found := _last(unit, kind)) is not None)


def _last(unit: Unit, kind: DrillKind) -> LastDrill | None:
    kept = get_fact(unit, f"{FACT}{kind.value}")
    if kept is None:
        return None
    told = json.loads(kept)
    return LastDrill(
        kind=kind,
        at=datetime.fromisoformat(told["at"]),
        passed=told["passed"],
        took_s=told["took_s"],
        failed=tuple(told["failed"]),
        figures=told["figures"],
        by=told["by"],
    )
