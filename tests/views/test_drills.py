"""/drill: what passed, when, and what did not hold, at phone width."""

from __future__ import annotations

from datetime import UTC, datetime

from handlers.telegram.views.drills import render_drills
from services.domain.drills import DrillKind, LastDrill
from tests.views.shape import problems

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def last(kind: DrillKind, *failed: str, **figures: str) -> LastDrill:
    named = {name.replace("_", " "): value for name, value in figures.items()}
    return LastDrill(kind=kind, at=NOW, passed=not failed, took_s=4, failed=failed, figures=named, by="system:shell:carl")


def test_drills_are_shown_with_their_figure_and_what_failed() -> None:
    long = "no entry was sent after the halt was committed, and this goes on"
    rendered = render_drills([last(DrillKind.KILL, long), last(DrillKind.RESTORE, rpo="12.0 s")])

    lines = rendered.plain().split("\n")
    assert lines[0] == "Drills · PAPER"
    assert [" ".join(line.split()) for line in lines[1:4]] == ["kill FAILED 20 Nov", "outage never", "restore ok 12.0 s 20 Nov"]
    assert lines[4].startswith("⛔ no entry was sent")
    assert problems(rendered) == []


def test_a_desk_that_never_drilled_is_told_how() -> None:
    rendered = render_drills([])

    assert rendered.plain().endswith("sortie drill all")
    assert problems(rendered) == []
