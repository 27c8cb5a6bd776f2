"""``sortie status``: how the desk is, from its rows; Telegram and the desk itself may be down."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from config.settings import Settings
from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import SortieError
from services.domain.halts import Halt, HaltScope
from services.domain.ports import Clock
from services.operations.places import halted_since, shell_database
from services.operations.status import DeskStatus, Pulse, StageStatus, desk_status

ALIVE, NOT_ALIVE = 0, 1


def show_status(settings: Settings, clock: Clock, *, json: bool) -> int:
    """Print how the desk is; return 0 when one runs on this database, else 1."""
    try:
        status = asyncio.run(_read(settings, clock))
    except SortieError as error:
        if json:
            say_json({"alive": False, "error": error.code, **{name: str(value) for name, value in error.values.items()}})
        else:
            say(f"no desk to ask: {explain(error)}", error=True)
        return NOT_ALIVE
    if json:
        say_json(_as_json(settings.desk.name, status))
    else:
        _print(settings.desk.name, status)
    return ALIVE if status.alive else NOT_ALIVE


async def _read(settings: Settings, clock: Clock) -> DeskStatus:
    since = halted_since(settings.desk.state_dir)
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
        return await database.read(lambda unit: desk_status(unit, now=clock.now(), file_since=since))


def _print(name: str, status: DeskStatus) -> None:
    badge = status.badge.value.upper() if status.badge is not None else "no terminal"
    life = f"{_span(status.uptime)} up" if status.uptime is not None else "up" if status.alive else "DOWN"
    say(f"{name} · {badge} · {status.state.value} · {life}")
    say(_held(status))
    for halt in status.halts:
        say(f"halt: {_halt(halt)}")
    if status.stages:
        say()
        say_rows([_row(stage, status.at) for stage in status.stages])
    say()
    queues = status.queues
    say(f"trades   {status.live_trades} live, {status.open_positions} with a position")
    if status.undecided:
        say(f"live     {status.undecided} terminals take exits only: nobody decided to go live there (/golive)")
    say(
        f"queues   {queues.instructions} for venues, {queues.messages} messages, {queues.updates} updates, "
        f"{queues.requests} requests"
    )
    for incident in status.incidents:
        say(
            f"incident {incident.code} {incident.subject}, {_span(status.at - incident.opened_at)} open, {incident.count} times"
        )
    if not status.incidents:
        say("incident none")


def _held(status: DeskStatus) -> str:
    newest = min((stage.age for stage in status.stages if stage.age is not None), default=None)
    beat = f"last sign of life {_span(newest)} ago" if newest is not None else "no sign of life yet"
    if status.alive:
        return f"run by {status.owner}; {beat}"
    return f"no desk runs here; the last was {status.owner}, {beat}" if status.owner else "no desk has run here yet"


def _halt(halt: Halt) -> str:
    what = "the desk" if halt.scope is HaltScope.DESK else f"{halt.scope.value} {halt.subject}"
    return f"{what} {halt.state.value} by {halt.by_name} since {halt.since:%Y-%m-%d %H:%M:%S} UTC, {halt.reason or 'no reason'}"


def _row(stage: StageStatus, now: datetime) -> tuple[str, str, str, str, str, str]:
    return (
        stage.name,
        stage.pulse.value,
        f"{_span(stage.age)} ago" if stage.age is not None else "-",
        f"lag {_span(stage.lag)}" if stage.lag else "",
        f"next {stage.next_run:%H:%M:%S}" if stage.next_run is not None and stage.next_run > now else "",
        stage.detail if stage.pulse is not Pulse.NEVER else "",
    )


def _span(length: timedelta) -> str:
    """Write a length in its two largest units: ``2 d 4 h``, ``3 min 20 s``, ``0.4 s``."""
    seconds = length.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:.0f} {unit}")
    return " ".join(parts[:2])


def _as_json(name: str, status: DeskStatus) -> dict[str, object]:
    return {
        "name": name,
        "at": status.at.isoformat(),
        "alive": status.alive,
        "owner": status.owner,
        "uptime_s": _seconds(status.uptime),
        "badge": status.badge.value if status.badge is not None else None,
        "state": status.state.value,
        "halts": [
            {
                "scope": halt.scope.value,
                "subject": halt.subject,
                "state": halt.state.value,
                "by": halt.by_name,
                "since": halt.since.isoformat(),
                "reason": halt.reason,
            }
            for halt in status.halts
        ],
        "stages": [_stage_json(stage) for stage in status.stages],
        "queues": {
            "instructions": status.queues.instructions,
            "messages": status.queues.messages,
            "updates": status.queues.updates,
            "requests": status.queues.requests,
        },
        "commit": status.commit,
        "live_trades": status.live_trades,
        "open_positions": status.open_positions,
        "undecided": status.undecided,
        "incidents": [
            {"code": each.code, "subject": each.subject, "opened_at": each.opened_at.isoformat(), "count": each.count}
            for each in status.incidents
        ],
    }


def _stage_json(stage: StageStatus) -> dict[str, object]:
    return {
        "name": stage.name,
        "pulse": stage.pulse.value,
        "age_s": _seconds(stage.age),
        "lag_s": _seconds(stage.lag),
        "last_success": stage.last_success.isoformat() if stage.last_success is not None else None,
        "next_run": stage.next_run.isoformat() if stage.next_run is not None else None,
        "detail": stage.detail,
    }


def _seconds(length: timedelta | None) -> float | None:
    return round(length.total_seconds(), 3) if length is not None else None
