"""Breakout: price leaves its Donchian channel with more volume and range than usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.strategies.brackets import Exits, check_periods, check_positive, draft, graded
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, Flags, Values, before, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakoutParameters(Exits):
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
    stop_atr_max: float = 2.5

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(channel=self.channel, volume=self.volume, volatility=self.volatility)
        check_positive(
            volume_ratio=self.volume_ratio,
            range_ratio=self.range_ratio,
            base_atr=self.base_atr,
            chase_atr=self.chase_atr,
        )


class BreakoutStrategy(FromCalls):
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

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look beside the averages that never end."""
        return max(self.parameters.channel, self.parameters.volume) + 2

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules = self.parameters
        high, low = before(bars.highest(rules.channel)), before(bars.lowest(rules.channel))
        atr = before(bars.atr(rules.volatility))
        volume_ratio = bars.volume / before(bars.usual_volume(rules.volume))
        range_ratio = (bars.high - bars.low) / atr
        lively = (volume_ratio >= rules.volume_ratio) & (range_ratio >= rules.range_ratio)
        lively &= np.isfinite(volume_ratio) & (high - low <= rules.base_atr * atr)
        drafted = draft(
            bars,
            longs=lively & self._left(bars.close, high, atr, 1),
            shorts=lively & self._left(bars.close, low, atr, -1),
            below=high - atr,
            above=low + atr,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        at = drafted.rows
        beyond = abs(bars.close[at] - np.where(drafted.sign > 0, high[at], low[at]))
        setup = (
            graded(volume_ratio[at], rules.volume_ratio - 0.4, 3.5, 12)
            + graded(range_ratio[at], rules.range_ratio - 0.3, 2.5, 8)
            + graded((high[at] - low[at]) / atr[at], rules.base_atr + 1, 4, 10)
            + graded(beyond / atr[at], rules.chase_atr, 0.2, 10)
        )

        def explain(row: int, long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            numbers = {"channel_high": high, "channel_low": low, "volume_ratio": volume_ratio, "range_ratio": range_ratio}
            unusual = f"volume {volume_ratio[row]:.1f}×, range {range_ratio[row]:.1f}× usual"
            reason = f"closed {'above' if long else 'below'} the {rules.channel}-bar channel, {unusual}"
            return reason, {name: float(column[row]) for name, column in numbers.items()} | dict(shared)

        return drafted.calls(setup, explain)

    def _left(self, close: Values, edge: Values, atr: Values, sign: int) -> Flags:
        """Tell of each row whether it is the first close beyond the edge, and not too far."""
        beyond = (close - edge) * sign
        first = (before(close) - before(edge)) * sign <= 0
        return (beyond > 0) & (beyond <= self.parameters.chase_atr * atr) & first


STRATEGY = BreakoutStrategy
