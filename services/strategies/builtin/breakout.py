"""Breakout: price leaves its Donchian channel with more volume and range than usual."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.domain.market import CandleSeries
from services.domain.ports import StrategySignal
from services.domain.signals import Side
from services.strategies.brackets import bracket, check_exits, check_periods, check_positive, grade
from services.strategies.indicators import Bars, atr, highest, lowest, newest, sma, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakoutParameters:
    """Look-backs in candles, volume and range as multiples of their average, stops in ATR, targets in R.

    ``base_atr`` is the widest channel to break out of, ``chase_atr`` the farthest close beyond its edge, both in ATR.
    """

    channel: int = 36
    volume: int = 20
    volume_ratio: float = 2.5
    volatility: int = 14
    range_ratio: float = 1.6
    base_atr: float = 8.0
    chase_atr: float = 1.5
    stop_atr_min: float = 1.2
    stop_atr_max: float = 2.5
    target_1_r: float = 1.5
    target_2_r: float = 3.0

    def __post_init__(self) -> None:
        check_periods(channel=self.channel, volume=self.volume, volatility=self.volatility)
        check_positive(
            volume_ratio=self.volume_ratio,
            range_ratio=self.range_ratio,
            base_atr=self.base_atr,
            chase_atr=self.chase_atr,
        )
        check_exits(
            stop_atr_min=self.stop_atr_min,
            stop_atr_max=self.stop_atr_max,
            target_1_r=self.target_1_r,
            target_2_r=self.target_2_r,
        )


class _State(NamedTuple):
    """The channel that the last closed candle met, and how usual that candle is."""

    high: float
    low: float
    high_before: float
    low_before: float
    volume_ratio: float
    range_ratio: float
    atr: float


class BreakoutStrategy:
    """Follow the first close outside the channel of the candles before it.

    The setup adds up from volume (12), range of the candle (8), a narrow channel before it (10) and a close that is
    not yet far from the broken edge (10). The averages leave out the candle itself, so it cannot hide its own size.
    """

    name = "breakout"
    version = "1.0"
    Parameters = BreakoutParameters

    def __init__(self, parameters: BreakoutParameters | None = None) -> None:
        self.parameters = parameters or BreakoutParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        rules = self.parameters
        return max(rules.channel + 2, rules.volume + 1, wilder_settles(rules.volatility) + 1)

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        """Return at most one call on the last closed candle."""
        bars = newest(series.candles, self.warm_up)
        state = self._state(bars) if bars is not None else None
        if bars is None or state is None:
            return ()
        for side in (Side.LONG, Side.SHORT):
            if self._triggered(side, bars, state):
                signal = self._call(side, float(bars.close[-1]), state)
                return (signal,) if signal is not None else ()
        return ()

    def _state(self, bars: Bars) -> _State | None:
        rules = self.parameters
        highs, lows = highest(bars.high, rules.channel), lowest(bars.low, rules.channel)
        usual_range = float(atr(bars, rules.volatility)[-2])
        usual_volume = float(sma(bars.volume, rules.volume)[-2])
        if not (usual_range > 0 and usual_volume > 0):
            return None
        state = _State(
            high=float(highs[-2]),
            low=float(lows[-2]),
            high_before=float(highs[-3]),
            low_before=float(lows[-3]),
            volume_ratio=float(bars.volume[-1]) / usual_volume,
            range_ratio=float(bars.high[-1] - bars.low[-1]) / usual_range,
            atr=usual_range,
        )
        return state if all(map(math.isfinite, state)) else None

    def _triggered(self, side: Side, bars: Bars, state: _State) -> bool:
        rules = self.parameters
        before, now = float(bars.close[-2]), float(bars.close[-1])
        edge, edge_before = (state.high, state.high_before) if side is Side.LONG else (state.low, state.low_before)
        beyond = (now - edge) * side.sign
        first = (before - edge_before) * side.sign <= 0
        lively = state.volume_ratio >= rules.volume_ratio and state.range_ratio >= rules.range_ratio
        base = state.high - state.low <= rules.base_atr * state.atr
        return 0 < beyond <= rules.chase_atr * state.atr and first and base and lively

    def _call(self, side: Side, close: float, state: _State) -> StrategySignal | None:
        rules = self.parameters
        edge = state.high if side is Side.LONG else state.low
        plan = bracket(
            side,
            close,
            edge - side.sign * state.atr,
            state.atr,
            nearest_atr=rules.stop_atr_min,
            farthest_atr=rules.stop_atr_max,
            targets_r=(rules.target_1_r, rules.target_2_r),
        )
        if plan is None:
            return None
        word = "above" if side is Side.LONG else "below"
        lively = f"volume {state.volume_ratio:.1f}×, range {state.range_ratio:.1f}× usual"
        return StrategySignal(
            side=side,
            entry=plan.entry,
            stop=plan.stop,
            targets=plan.targets,
            setup=self._setup(abs(close - edge), state),
            reason=f"closed {word} the {rules.channel}-bar channel, {lively}",
            facts={
                "channel_high": state.high,
                "channel_low": state.low,
                "volume_ratio": state.volume_ratio,
                "range_ratio": state.range_ratio,
                "atr": state.atr,
                "stop_atr": plan.risk / state.atr,
            },
        )

    def _setup(self, beyond: float, state: _State) -> int:
        width = (state.high - state.low) / state.atr
        return round(
            grade(state.volume_ratio, self.parameters.volume_ratio - 0.4, 3.5, 12)
            + grade(state.range_ratio, self.parameters.range_ratio - 0.3, 2.5, 8)
            + grade(width, self.parameters.base_atr + 1, 4, 10)
            + grade(beyond / state.atr, self.parameters.chase_atr, 0.2, 10)
        )


STRATEGY = BreakoutStrategy
