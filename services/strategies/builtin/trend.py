"""Trend: the fast average crosses the slow one, or price takes the fast one back after a pullback."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.domain.market import CandleSeries
from services.domain.ports import StrategySignal
from services.domain.signals import Side
from services.strategies.brackets import Bracket, bracket, check_exits, check_periods, check_positive, grade
from services.strategies.indicators import Bars, adx, atr, directions, ema, ema_settles, newest, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendParameters:
    """Look-backs in candles, stops in ATR, targets in R; ADX thresholds decide which market counts as a trend.

    ``chase_atr`` is the farthest close from the fast average, in ATR.
    """

    fast: int = 9
    slow: int = 21
    strength: int = 14
    cross_adx: float = 25.0
    pullback_adx: float = 32.0
    chase_atr: float = 1.4
    swing: int = 6
    stop_atr_min: float = 1.2
    stop_atr_max: float = 3.0
    target_1_r: float = 1.5
    target_2_r: float = 3.0

    def __post_init__(self) -> None:
        check_periods(fast=self.fast, slow=self.slow, strength=self.strength, swing=self.swing)
        check_positive(cross_adx=self.cross_adx, pullback_adx=self.pullback_adx, chase_atr=self.chase_atr)
        if self.fast >= self.slow:
            raise ValueError(f"fast is {self.fast}, but must be below slow ({self.slow})")
        check_exits(
            stop_atr_min=self.stop_atr_min,
            stop_atr_max=self.stop_atr_max,
            target_1_r=self.target_1_r,
            target_2_r=self.target_2_r,
        )


class _State(NamedTuple):
    """The averages of the last two closed candles and the strength of the last."""

    fast: float
    slow: float
    fast_before: float
    slow_before: float
    slow_ago: float
    fast_ago: float
    close_before: float
    high_before: float
    low_before: float
    adx: float
    up: float
    down: float
    atr: float


class TrendStrategy:
    """Follow a trend from a cross of two averages, or join it when a pullback ends.

    The setup adds up from strength (ADX, 14), direction (how far one directional indicator outweighs the other, 10),
    slope of the slow average (8) and freshness (the close not far from the fast average, 8).
    """

    name = "trend"
    version = "1.0"
    Parameters = TrendParameters

    def __init__(self, parameters: TrendParameters | None = None) -> None:
        self.parameters = parameters or TrendParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        rules = self.parameters
        return max(ema_settles(rules.slow), wilder_settles(rules.strength, passes=2), rules.slow + rules.swing)

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        """Return at most one call on the last closed candle."""
        bars = newest(series.candles, self.warm_up)
        state = self._state(bars) if bars is not None else None
        if bars is None or state is None:
            return ()
        for side in (Side.LONG, Side.SHORT):
            reason = self._trigger(side, float(bars.close[-1]), state)
            if reason is not None:
                signal = self._call(side, bars, state, reason)
                return (signal,) if signal is not None else ()
        return ()

    def _state(self, bars: Bars) -> _State | None:
        rules = self.parameters
        fast, slow = ema(bars.close, rules.fast), ema(bars.close, rules.slow)
        up, down = directions(bars, rules.strength)
        state = _State(
            fast=float(fast[-1]),
            slow=float(slow[-1]),
            fast_before=float(fast[-2]),
            slow_before=float(slow[-2]),
            slow_ago=float(slow[-1 - rules.swing]),
            fast_ago=float(fast[-1 - rules.swing]),
            close_before=float(bars.close[-2]),
            high_before=float(bars.high[-2]),
            low_before=float(bars.low[-2]),
            adx=float(adx(bars, rules.strength)[-1]),
            up=float(up[-1]),
            down=float(down[-1]),
            atr=float(atr(bars, rules.strength)[-1]),
        )
        return state if all(map(math.isfinite, state)) and state.atr > 0 else None

    def _trigger(self, side: Side, close: float, state: _State) -> str | None:
        rules = self.parameters
        sign = side.sign
        taken = 0 < (close - state.fast) * sign <= rules.chase_atr * state.atr
        if not taken or (state.up - state.down) * sign <= 0:
            return None
        ahead, ahead_before = (state.fast - state.slow) * sign > 0, (state.fast_before - state.slow_before) * sign > 0
        rising = (state.slow - state.slow_ago) * sign > 0
        if ahead and not ahead_before and rising and state.adx >= rules.cross_adx:
            word = "above" if side is Side.LONG else "below"
            return f"EMA {rules.fast} crossed {word} {rules.slow}, ADX {state.adx:.0f}"
        # Only a pullback that closed between the two averages ended without hurting the trend.
        held = (state.close_before - state.fast_before) * sign < 0 <= (state.close_before - state.slow_before) * sign
        passed = (close - (state.high_before if side is Side.LONG else state.low_before)) * sign > 0
        lasting = ahead and ahead_before and (state.fast_ago - state.slow_ago) * sign > 0
        if lasting and held and passed and state.adx >= rules.pullback_adx:
            word = "up" if side is Side.LONG else "down"
            return f"trend {word}, ADX {state.adx:.0f}, pullback to EMA {rules.fast} held"
        return None

    def _call(self, side: Side, bars: Bars, state: _State, reason: str) -> StrategySignal | None:
        rules = self.parameters
        close = float(bars.close[-1])
        recent = float(bars.low[-rules.swing :].min() if side is Side.LONG else bars.high[-rules.swing :].max())
        plan = bracket(
            side,
            close,
            float(recent) - side.sign * 0.25 * state.atr,
            state.atr,
            nearest_atr=rules.stop_atr_min,
            farthest_atr=rules.stop_atr_max,
            targets_r=(rules.target_1_r, rules.target_2_r),
        )
        if plan is None:
            return None
        return StrategySignal(
            side=side,
            entry=plan.entry,
            stop=plan.stop,
            targets=plan.targets,
            setup=self._setup(side, close, state),
            reason=reason,
            facts=_facts(state, plan),
        )

    def _setup(self, side: Side, close: float, state: _State) -> int:
        balance = (state.up - state.down) * side.sign / (state.up + state.down)
        slope = (state.slow - state.slow_ago) * side.sign / state.atr
        stretch = abs(close - state.fast) / state.atr
        return round(
            grade(state.adx, 18, 42, 14)
            + grade(balance, 0, 0.5, 10)
            + grade(slope, -0.2, 0.8, 8)
            + grade(stretch, self.parameters.chase_atr, 0.3, 8)
        )


def _facts(state: _State, plan: Bracket) -> dict[str, float]:
    return {
        "ema_fast": state.fast,
        "ema_slow": state.slow,
        "adx": state.adx,
        "di_up": state.up,
        "di_down": state.down,
        "atr": state.atr,
        "stop_atr": plan.risk / state.atr,
    }


STRATEGY = TrendStrategy
