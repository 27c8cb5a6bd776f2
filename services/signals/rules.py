"""What every stored call must pass before it is offered, whoever made it: a strategy, or a sender outside."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from config.groups import SignalSettings
from services.domain.halts import HaltScope
from services.domain.signals import DropCode, Side, Signal, malformed
from services.storage import desk, halts, missions, terminals
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Why a call is not offered, with the figure behind it where there is one."""

    code: DropCode
    note: str | None = None


def why_impossible(unit: Unit, signal: Signal) -> Dropped | None:
    """Say why a call cannot be traded at all, whenever it was made."""
    problem = malformed(signal)
    if problem is not None:
        return Dropped(code=DropCode.MALFORMED, note=problem)
    universe = desk.current_universe(unit)
    if universe is None or universe.find(signal.symbol) is None:
        return Dropped(code=DropCode.NOT_IN_UNIVERSE)
    return None


def why_not_now(unit: Unit, signal: Signal, settings: SignalSettings, taken: AbstractSet[str]) -> Dropped | None:
    """Say why a possible call is not offered now; ``taken`` are symbols that a better call of the same unit has."""
    if signal.score < settings.min_score:
        return Dropped(code=DropCode.SCORE_LOW, note=f"{signal.score} of {settings.min_score}")
    if halts.in_force(unit, [(HaltScope.DESK, halts.DESK), (HaltScope.INSTRUMENT, signal.symbol)]):
        return Dropped(code=DropCode.HALTED)
    if not _side_is_taken(unit, signal.side):
        return Dropped(code=DropCode.NO_TERMINAL_FOR_SIDE, note=signal.side.value)
    if signal.symbol in taken or missions.open_on(unit, signal.symbol, signal.side):
        return Dropped(code=DropCode.DUPLICATE, note="a mission on this instrument is open")
    last = missions.last_created(unit, signal.symbol)
    if last is not None and unit.now - last < timedelta(seconds=settings.cooldown_s):
        return Dropped(code=DropCode.COOLDOWN, note=f"last {(unit.now - last).total_seconds():.0f} s ago")
    return None


def _side_is_taken(unit: Unit, side: Side) -> bool:
    return any(side is Side.LONG or terminal.can_short for terminal in terminals.everything(unit))
