"""How the desk is: its stages with their age, what waits, what is wrong; and what each dependency answered."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.telegram.callbacks import ListButton, ListName
from handlers.telegram.views.format import clip, span
from handlers.telegram.views.message import Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, plural
from services.domain.states import HaltState
from services.operations.doctor import CheckResult
from services.operations.status import DeskStatus, Pulse, StageStatus

LINES, INCIDENTS, SICK, WELL = 12, 1, 3, 8
AROUND = 5
DETAIL = 12
_STATES = {HaltState.ACTIVE: "active", HaltState.REDUCING: "⏳ reducing", HaltState.HALTED: "🛑 halted"}
_PULSES = {Pulse.OK: "ok", Pulse.LATE: "LATE", Pulse.NEVER: "wait"}


def render_status(name: str, status: DeskStatus, config: str) -> Rendered:
    """Return the desk at one look: badge and state first, silent stages before the others, then what waits and is wrong.

    ``config`` is the hash of the settings in force; stages beyond twelve lines are counted.
    """
    codes = [f"{each.code} {clip(each.subject, 16)} ×{each.count}" for each in status.incidents]
    more = f", {len(codes) - INCIDENTS} more" if len(codes) > INCIDENTS else ""
    room = LINES - AROUND - bool(status.halts) - bool(codes) - bool(status.undecided)
    ordered = sorted(status.stages, key=lambda stage: stage.pulse is Pulse.OK)
    shown, rest = ordered[:room], ordered[room:]
    text = render(
        "status",
        name=name,
        badge=badge([status.badge] if status.badge else []),
        state=_STATES[status.state],
        s=status,
        stages=[_stage(stage, status) for stage in shown],
        rest=len(rest),
        silent=sum(stage.pulse is not Pulse.OK for stage in rest),
        live=plural(status.live_trades, "live trade"),
        undecided=plural(status.undecided, "terminal"),
        config=config[:8],
        incidents=", ".join(codes[:INCIDENTS]) + more,
    )
    return Rendered(text=text, rows=((act("Refresh", ListButton(name=ListName.STATUS)),),))


def _stage(stage: StageStatus, status: DeskStatus) -> tuple[str, str]:
    age = span(stage.age) if stage.age is not None else ""
    detail = stage.detail
    if stage.next_run is not None and (stage.name == "scan" or not detail):
        detail = f"next {span(stage.next_run - status.at)}"
    return f"{stage.name:<10}{_PULSES[stage.pulse]:<5}{age:<6}", clip(detail, DETAIL)


def render_doctor(results: Sequence[CheckResult]) -> Rendered:
    """Return what each dependency answered, with cause and fix of what is not well."""
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
