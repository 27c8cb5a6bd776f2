"""What becomes of several strategies' calls on one instrument and one candle, by one rule.

Both sides called: the better side stays if its best score exceeds the other's best by the margin, else neither is offered.
Several calls on the side that stays: the best is offered and names the others; of equal scores the first by name is the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.domain.signals import DropCode, Signal, strategy_of
from services.signals.rules import Dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The call that is offered, if one is, who says the same, and why each other one is not, in the order given."""

    offered: Signal | None
    agreeing: tuple[Signal, ...]
    dropped: tuple[tuple[Signal, Dropped], ...]


def settle(signals: Sequence[Signal], margin: int) -> Settled:
    """Decide between calls on one instrument and candle that could each be offered alone."""
    if not signals:
        return Settled(offered=None, agreeing=(), dropped=())
    ranked = sorted(signals, key=lambda each: (-each.score, each.source))
    best = ranked[0]
    against = next((each for each in ranked if each.side is not best.side), None)
    if against is not None and best.score - against.score < margin:
        note = f"{_named(best)} {best.side.value}, {_named(against)} {against.side.value}"
        return Settled(offered=None, agreeing=(), dropped=tuple((each, _conflict(note)) for each in signals))
    agreeing = tuple(each for each in ranked[1:] if each.side is best.side)
    dropped = [
        (each, Dropped(code=DropCode.DUPLICATE, note=f"{_named(best)} calls the same"))
        if each.side is best.side
        else (each, _conflict(f"{_named(best)} {best.side.value}"))
        for each in signals
        if each is not best
    ]
    return Settled(offered=best, agreeing=agreeing, dropped=tuple(dropped))


def _named(signal: Signal) -> str:
    return f"{strategy_of(signal.source)} {signal.score}"


def _conflict(note: str) -> Dropped:
    return Dropped(code=DropCode.CONFLICT, note=note)
