"""Momentum over two timeframes: longer candles show the direction, the candles at hand the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.strategies.brackets import Exits, check_periods, check_positive, draft, figures, graded
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, Flags, Values, before, ema_settles, wilder_settles
from services.strategies.longer import as_they_ended


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentumParameters(Exits):
    """The longer candles as a multiple of those at hand, look-backs in candles of their own kind, targets in R.

    The longer candle must have closed on the right side of its average of ``direction``, and that average have moved that way
    by ``slope_atr`` ATR of the candles at hand; the moment comes when the RSI crosses ``crossing`` (mirrored for shorts).
    """

    times: int = 4
    direction: int = 9
    slope_atr: float = 0.3
    momentum: int = 14
    crossing: float = 58.0
    slow: int = 21
    chase_atr: float = 2.5
    volatility: int = 14
    swing: int = 6

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(
            direction=self.direction, momentum=self.momentum, slow=self.slow, volatility=self.volatility, swing=self.swing
        )
        check_positive(slope_atr=self.slope_atr, chase_atr=self.chase_atr)
        if not 2 <= self.times <= 24:
            raise ValueError(f"times is {self.times}, but must be 2 to 24")
        if not 50 <= self.crossing < 100:
            raise ValueError(f"crossing is {self.crossing}, but must be 50 or more and below 100")


class MomentumStrategy(FromCalls):
    """Enter when momentum returns in the direction that the longer candles have shown; only those that ended count.

    The setup adds up from the longer average's slope (14), the step of the RSI (8), how far beyond its average the longer
    candle closed (10) and an entry that is not stretched (8).
    """

    name = "momentum"
    version = "1.0"
    Parameters = MomentumParameters

    def __init__(self, parameters: MomentumParameters | None = None) -> None:
        self.parameters = parameters or MomentumParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        rules = self.parameters
        longer = rules.times * (ema_settles(rules.direction) + 3)
        return max(longer, ema_settles(rules.slow), wilder_settles(rules.momentum), wilder_settles(rules.volatility)) + 1

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look beside the averages that never end."""
        return self.parameters.swing + 3

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules, atr = self.parameters, bars.atr(self.parameters.volatility)
        momentum, slow, slope = bars.rsi(rules.momentum), bars.ema(rules.slow), self._slope(bars) / atr
        lead = self._lead(bars)
        drafted = draft(
            bars,
            longs=self._moment(bars, momentum, slope, lead, 1),
            shorts=self._moment(bars, 100 - momentum, slope, lead, -1),
            below=bars.lowest(rules.swing) - 0.25 * atr,
            above=bars.highest(rules.swing) + 0.25 * atr,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        rows, sign = drafted.rows, drafted.sign
        stretch = (bars.close[rows] - slow[rows]) * sign / atr[rows]
        setup = graded(slope[rows] * sign, rules.slope_atr - 0.1, 0.8, 14)
        setup += graded((momentum[rows] - before(momentum)[rows]) * sign, 0, 12, 8)
        setup += graded(lead[rows] * sign / atr[rows], 0, 2, 10) + graded(stretch, rules.chase_atr, 0.5, 8)

        def explain(row: int, is_long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            level = rules.crossing if is_long else 100 - rules.crossing
            pointed = f"{rules.times}x candles point {'up' if is_long else 'down'} by {abs(slope[row]):.1f} ATR"
            reason = f"{pointed}, RSI crossed {level:.0f} at {momentum[row]:.0f}"
            return reason, figures(row, rsi=momentum, slow=slow, slope_atr=slope, lead=lead) | dict(shared)

        return drafted.calls(setup, explain)

    def _moment(self, bars: Bars, momentum: Values, slope: Values, lead: Values, sign: int) -> Flags:
        """Tell of each row whether momentum, already mirrored for a short, crosses where the longer candles point."""
        rules, slow = self.parameters, bars.ema(self.parameters.slow)
        away = (bars.close - slow) * sign
        crossed = (before(momentum) < rules.crossing) & (momentum >= rules.crossing)
        pointed = (slope * sign >= rules.slope_atr) & (lead * sign > 0)
        return crossed & pointed & (away > 0) & (away <= rules.chase_atr * bars.atr(rules.volatility))

    def _slope(self, bars: Bars) -> Values:
        """Return how far the longer average moved with the last longer candle that ended, in price units."""
        period = self.parameters.direction
        return as_they_ended(
            bars, self.parameters.times, f"slope {period}", lambda longer: longer.ema(period) - before(longer.ema(period))
        )

    def _lead(self, bars: Bars) -> Values:
        """Return how far the last longer candle that ended closed above its average, in price units."""
        period = self.parameters.direction
        return as_they_ended(bars, self.parameters.times, f"lead {period}", lambda longer: longer.close - longer.ema(period))


STRATEGY = MomentumStrategy
