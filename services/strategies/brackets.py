"""From an entry and a stop idea to stop and targets that keep to sane distances."""

from __future__ import annotations

import math
from dataclasses import dataclass

from services.domain.signals import Side

NEAREST_STOP = 0.002
FARTHEST_STOP = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """Stop and targets around an entry, in price units; ``risk`` is the distance from entry to stop."""

    entry: float
    stop: float
    targets: tuple[float, ...]
    risk: float


def bracket(
    side: Side,
    entry: float,
    structure: float,
    atr: float,
    *,
    nearest_atr: float,
    farthest_atr: float,
    targets_r: tuple[float, ...],
) -> Bracket | None:
    """Put the stop behind ``structure``, between the given multiples of ATR and 0.2 to 6 % of the price; targets in R.

    A structure that lies nearer is widened and one that lies farther is cut: nearer the stop is noise, farther it is
    another trade. Return None where that leaves no trade: a stop beyond 6 %, a target at or below 0, no price, no ATR.
    """
    if not all(math.isfinite(each) for each in (entry, structure, atr)) or entry <= 0 or atr <= 0:
        return None
    behind = (entry - structure) * side.sign
    risk = max(min(max(behind, nearest_atr * atr), farthest_atr * atr), NEAREST_STOP * entry)
    if risk > FARTHEST_STOP * entry:
        return None
    targets = tuple(entry + side.sign * risk * multiple for multiple in targets_r)
    if min(targets) <= 0:
        return None
    return Bracket(entry=entry, stop=entry - side.sign * risk, targets=targets, risk=risk)


def grade(value: float, worst: float, best: float, points: float) -> float:
    """Return 0 at ``worst``, ``points`` at ``best`` and a straight line between; ``worst`` may lie above ``best``."""
    return points * min(1.0, max(0.0, (value - worst) / (best - worst)))


def check_periods(**periods: int) -> None:
    """Raise ValueError for a look-back that TA-Lib cannot take: each must be 2 to 200 candles."""
    for name, period in periods.items():
        if not 2 <= period <= 200:
            raise ValueError(f"{name} is {period}, but must be 2 to 200 candles")


def check_positive(**amounts: float) -> None:
    """Raise ValueError for a parameter that must be above zero and is not."""
    for name, amount in amounts.items():
        if not (math.isfinite(amount) and amount > 0):
            raise ValueError(f"{name} is {amount}, but must be above 0")


def check_exits(*, stop_atr_min: float, stop_atr_max: float, target_1_r: float, target_2_r: float) -> None:
    """Raise ValueError unless the stop's limits and the targets are above zero and in order."""
    check_positive(stop_atr_min=stop_atr_min, stop_atr_max=stop_atr_max, target_1_r=target_1_r, target_2_r=target_2_r)
    if stop_atr_max < stop_atr_min:
        raise ValueError(f"stop_atr_max is {stop_atr_max}, but must not be below stop_atr_min ({stop_atr_min})")
    if target_2_r <= target_1_r:
        raise ValueError(f"target_2_r is {target_2_r}, but must be above target_1_r ({target_1_r})")
