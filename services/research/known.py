"""The strategy whose result is known: EMA cross, long only. It measures and checks the backtester, and is offered to nobody."""

from __future__ import annotations

import numpy as np

from services.research.rules import Rules, Sizing
from services.strategies.calls import Calls
from services.strategies.indicators import Bars, Values, atr, ema

KNOWN_RULES = Rules(
    capital=10_000_000.0, maker=0.001, taker=0.001, sizing=Sizing.QUANTITY, size=1.0, leverage=0.0, from_fill=True
)
"""Next open, 0.1 % fee, one unit, stop and target from the fill."""


def ema_cross(
    bars: Bars, *, fast: int = 12, slow: int = 26, period: int = 14, stop_atr: float = 2.0, target_atr: float = 3.0
) -> Calls:
    """Call a long where the fast average crosses above the slow one and ask to leave where it crosses below."""
    return crosses(bars, ema(bars.close, fast), ema(bars.close, slow), atr(bars, period), stop_atr, target_atr)


def crosses(bars: Bars, fast: Values, slow: Values, swing: Values, stop_atr: float, target_atr: float) -> Calls:
    """Do the same from averages and ranges that are already there; levels stand in the rows that call alone."""
    ready = int(np.argmax(np.isfinite(slow))) + 1 if np.isfinite(slow[-1]) else len(bars)
    # Only where the order of the two changes is there anything to say.
    above = fast > slow
    turns = np.flatnonzero(above[1:] != above[:-1]) + 1
    turns = turns[turns >= ready]
    ups = turns[above[turns]]
    ups, downs = ups[np.isfinite(swing[ups])], turns[~above[turns]]
    side, leave = np.zeros(len(bars), dtype=np.int8), np.zeros(len(bars), dtype=np.int8)
    stop, targets = np.zeros(len(bars)), np.zeros((len(bars), 1))
    side[ups], leave[downs] = 1, 1
    stop[ups] = bars.close[ups] - stop_atr * swing[ups]
    targets[ups, 0] = bars.close[ups] + target_atr * swing[ups]
    return Calls(
        side=side,
        entry=bars.close,
        stop=stop,
        targets=targets,
        setup=np.zeros(len(bars)),
        leave=leave,
        explain=lambda row: ("the fast average crossed above the slow one", {"fast": fast[row], "slow": slow[row]}),
    )
