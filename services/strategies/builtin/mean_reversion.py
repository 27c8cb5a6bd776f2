"""Mean reversion: in a market without a trend, price comes back inside its Bollinger band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.domain.market import CandleSeries
from services.domain.ports import StrategySignal
from services.domain.signals import Side
from services.strategies.brackets import bracket, check_exits, check_periods, check_positive, grade
from services.strategies.indicators import Bars, adx, atr, bollinger, newest, rsi, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanReversionParameters:
    """Look-backs in candles, band width in standard deviations, stops in ATR, targets in R.

    ``oversold`` is the RSI of the candle outside the band for a long; a short mirrors it at 100.
    """

    band: int = 20
    width: float = 2.0
    momentum: int = 14
    oversold: float = 34.0
    strength: int = 14
    adx_max: float = 25.0
    swing: int = 4
    stop_atr_min: float = 1.0
    stop_atr_max: float = 2.5
    target_1_r: float = 1.5
    target_2_r: float = 3.0

    def __post_init__(self) -> None:
        check_periods(band=self.band, momentum=self.momentum, strength=self.strength, swing=self.swing)
        check_positive(width=self.width, adx_max=self.adx_max)
        if not 0 < self.oversold < 50:
            raise ValueError(f"oversold is {self.oversold}, but must lie between 0 and 50")
        check_exits(
            stop_atr_min=self.stop_atr_min,
            stop_atr_max=self.stop_atr_max,
            target_1_r=self.target_1_r,
            target_2_r=self.target_2_r,
        )


class _State(NamedTuple):
    """The bands and the momentum of the last two closed candles."""

    lower: float
    middle: float
    upper: float
    lower_before: float
    upper_before: float
    rsi: float
    rsi_before: float
    adx: float
    atr: float


class MeanReversionStrategy:
    """Fade a move that left the band in a quiet market, once a candle closes inside again.

    The setup adds up from quiet (ADX well under its limit, 12), extreme (RSI outside the band, 12), turn (how much RSI
    came back, 8) and room (distance to the middle band in R, 8).
    """

    name = "mean_reversion"
    version = "1.0"
    Parameters = MeanReversionParameters

    def __init__(self, parameters: MeanReversionParameters | None = None) -> None:
        self.parameters = parameters or MeanReversionParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        rules = self.parameters
        return max(rules.band + 1, rules.swing, wilder_settles(rules.momentum), wilder_settles(rules.strength, passes=2))

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        """Return at most one call on the last closed candle."""
        bars = newest(series.candles, self.warm_up)
        state = self._state(bars) if bars is not None else None
        if bars is None or state is None:
            return ()
        for side in (Side.LONG, Side.SHORT):
            if self._triggered(side, bars, state):
                signal = self._call(side, bars, state)
                return (signal,) if signal is not None else ()
        return ()

    def _state(self, bars: Bars) -> _State | None:
        rules = self.parameters
        lower, middle, upper = bollinger(bars.close, rules.band, rules.width)
        momentum = rsi(bars.close, rules.momentum)
        state = _State(
            lower=float(lower[-1]),
            middle=float(middle[-1]),
            upper=float(upper[-1]),
            lower_before=float(lower[-2]),
            upper_before=float(upper[-2]),
            rsi=float(momentum[-1]),
            rsi_before=float(momentum[-2]),
            adx=float(adx(bars, rules.strength)[-1]),
            atr=float(atr(bars, rules.strength)[-1]),
        )
        return state if all(map(math.isfinite, state)) and state.atr > 0 and state.upper > state.lower else None

    def _triggered(self, side: Side, bars: Bars, state: _State) -> bool:
        before, now = float(bars.close[-2]), float(bars.close[-1])
        if side is Side.LONG:
            returned = before < state.lower_before and state.lower <= now < state.middle
        else:
            returned = before > state.upper_before and state.upper >= now > state.middle
        stretched = _mirrored(side, state.rsi_before) <= self.parameters.oversold
        turned = (state.rsi - state.rsi_before) * side.sign > 0
        return returned and stretched and turned and state.adx <= self.parameters.adx_max

    def _call(self, side: Side, bars: Bars, state: _State) -> StrategySignal | None:
        rules = self.parameters
        close = float(bars.close[-1])
        extreme = float(bars.low[-rules.swing :].min() if side is Side.LONG else bars.high[-rules.swing :].max())
        plan = bracket(
            side,
            close,
            float(extreme) - side.sign * 0.25 * state.atr,
            state.atr,
            nearest_atr=rules.stop_atr_min,
            farthest_atr=rules.stop_atr_max,
            targets_r=(rules.target_1_r, rules.target_2_r),
        )
        if plan is None:
            return None
        room = (state.middle - close) * side.sign / plan.risk
        edge = "lower" if side is Side.LONG else "upper"
        return StrategySignal(
            side=side,
            entry=plan.entry,
            stop=plan.stop,
            targets=plan.targets,
            setup=self._setup(side, state, room),
            reason=f"back inside the {edge} band, RSI {state.rsi_before:.0f} to {state.rsi:.0f}, ADX {state.adx:.0f}",
            facts={
                "rsi": state.rsi,
                "rsi_before": state.rsi_before,
                "band_lower": state.lower,
                "band_middle": state.middle,
                "band_upper": state.upper,
                "adx": state.adx,
                "atr": state.atr,
                "stop_atr": plan.risk / state.atr,
                "room_r": room,
            },
        )

    def _setup(self, side: Side, state: _State, room: float) -> int:
        turn = (state.rsi - state.rsi_before) * side.sign
        return round(
            grade(state.adx, self.parameters.adx_max + 5, 13, 12)
            + grade(_mirrored(side, state.rsi_before), self.parameters.oversold + 4, 22, 12)
            + grade(turn, 0, 10, 8)
            + grade(room, 0.2, 1.2, 8)
        )


def _mirrored(side: Side, value: float) -> float:
    return value if side is Side.LONG else 100 - value


STRATEGY = MeanReversionStrategy
