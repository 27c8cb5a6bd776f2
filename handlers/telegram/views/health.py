"""How the desk is: its stages and queues, and what the doctor found."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.telegram.callbacks import ListButton, ListName
from handlers.telegram.views.format import clip, span
from handlers.telegram.views.message import Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge
from services.operations.doctor import CheckResult
from services.operations.status import DeskStatus, Pulse, StageStatus

STAGES, INCIDENTS, SICK, WELL = 7, 2, 3, 8
DETAIL = 12


def render_status(name: str, status: DeskStatus) -> Rendered:
    """Return the desk's stages, silent ones first, with age and what each last said; the rest is counted."""
    ordered = sorted(status.stages, key=lambda stage: stage.pulse is Pulse.OK)
    shown, rest = ordered[:STAGES], ordered[STAGES:]
    codes = [f"{each.code} {clip(each.subject, 16)}" for each in status.incidents]
    text = render(
        "status",
        name=name,
        badge=badge([status.badge] if status.badge else []),
        s=status,
        stages=[_stage(stage, status) for stage in shown],
        rest=len(rest),
        silent=sum(stage.pulse is not Pulse.OK for stage in rest),
        incidents=", ".join(codes[:INCIDENTS]) + (f", {len(codes) - INCIDENTS} more" if len(codes) > INCIDENTS else ""),
    )
    return Rendered(text=text, rows=((act("Refresh", ListButton(name=ListName.STATUS)),),))


def _stage(stage: StageStatus, status: DeskStatus) -> tuple[str, str]:
    word = {Pulse.OK: "ok", Pulse.LATE: "LATE", Pulse.NEVER: "none"}[stage.pulse]
    age = span(stage.age) if stage.age is not None else ""
    detail = stage.detail
    if not detail and stage.next_run is not None:
        detail = f"next {span(stage.next_run - status.at)}"
    return f"{stage.name:<10}{word:<5}{age:<6}", clip(detail, DETAIL)


def render_doctor(results: Sequence[CheckResult]) -> Rendered:
    """Return what the doctor found: cause and fix of everything that is not well."""
    sick = [result for result in results if not result.ok]
    well = [result for result in results if result.ok]
    shown = well[: WELL - 2 * min(len(sick), SICK)]
    text = render(
        "doctor",
        passed=len(well),
        total=len(results),
        well=shown,
        sick=sick[:SICK],
        unsaid=len(results) - len(shown) - min(len(sick), SICK),
    )
    return Rendered(text=text, rows=((act("Refresh", ListButton(name=ListName.DOCTOR)),),))
