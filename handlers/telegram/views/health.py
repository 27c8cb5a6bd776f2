"""Is the desk alive: its stages with their age, what waits, what is wrong; and what each dependency answered."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from handlers.telegram.callbacks import ListButton, ListName
from handlers.telegram.views.format import clip, day_clock, local, span
from handlers.telegram.views.message import Button, Rendered
from handlers.telegram.views.words import plural
from services.domain.states import HaltState
from services.operations.doctor import CheckResult
from services.operations.status import DeskStatus, Pulse, StageStatus

_SHOWN_INCIDENTS = 2
_REFRESH = Button(text="Refresh", data=ListButton(name=ListName.STATUS))
_STATES = {HaltState.ACTIVE: "active", HaltState.REDUCING: "⏳ reducing", HaltState.HALTED: "🛑 halted"}


def render_status(name: str, status: DeskStatus, config: str) -> Rendered:
    """Return the desk at one look: badge and state first, then each stage, then what is wrong."""
    badge = status.badge.value.upper() if status.badge is not None else "NO TERMINAL"
    up = f"{span(status.uptime)} up" if status.uptime is not None else "not running"
    lines = [f"{escape(clip(name, 20))} · {badge} · {_STATES[status.state]} · {up}"]
    lines += [
        f"🛑 {escape(halt.scope.value)} {halt.state.value} by {escape(clip(halt.by_name, 16))}" for halt in status.halts[:2]
    ]
    lines.append("<pre>" + "\n".join(_stage(stage) for stage in status.stages) + "</pre>")
    queues = status.queues
    lines.append(f"waiting: {plural(queues.instructions, 'order')}, {plural(queues.messages, 'message')}")
    lines.append(f"{plural(status.live_trades, 'live trade')} · settings {config[:8]}")
    shown = status.incidents[:_SHOWN_INCIDENTS]
    lines += [f"⛔ {each.code} {escape(clip(each.subject, 20))} ×{each.count}" for each in shown]
    lines.append(f"Updated {day_clock(status.at)}")
    return Rendered(text="\n".join(lines), rows=((_REFRESH,),))


def _stage(stage: StageStatus) -> str:
    age = "never" if stage.age is None else span(stage.age)
    word = {Pulse.OK: "ok", Pulse.LATE: "LATE", Pulse.NEVER: "wait"}[stage.pulse]
    following = f"next {local(stage.next_run, 'UTC', '%H:%M:%S')}" if stage.next_run and stage.name == "scan" else stage.detail
    return escape(f"{stage.name:<9} {word:<4} {age:>5}  {clip(following, 12)}".rstrip())


def render_doctor(results: Sequence[CheckResult]) -> Rendered:
    """Return what each dependency answered, with cause and fix of what is not well."""
    sick = [each for each in results if not each.ok]
    lines = [f"Doctor · {len(results) - len(sick)} of {len(results)} well"]
    for each in results:
        if each.ok:
            lines.append(f"✓ {escape(each.name)} · {escape(clip(each.fact, 40))}")
        else:
            lines.append(f"✗ {escape(each.name)} · {escape(clip(each.cause, 80))}\n   fix: {escape(clip(each.fix, 90))}")
    return Rendered(text="\n".join(lines), rows=((Button(text="Again", data=ListButton(name=ListName.DOCTOR)),),))
