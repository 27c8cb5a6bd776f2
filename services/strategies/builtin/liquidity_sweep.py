"""Liquidity sweep: price runs through an old low, where stops lie, and the same candle closes back above it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.strategies.brackets import Exits, check_periods, check_positive, draft, figures, graded
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, Flags, Values, before, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquiditySweepParameters(Exits):
    """Look-backs in candles, depths in ATR, volume as a multiple of its average, targets in R.

    The low that is swept is the lowest of ``pool`` candles, and none of the newest ``age`` of them. ``deepest_atr`` is how far
    below it price may have been, ``close_share`` how high in its range the candle must close.
    """

    pool: int = 30
    age: int = 6
    volume: int = 20
    volume_ratio: float = 1.2
    volatility: int = 14
    shallowest_atr: float = 0.1
    deepest_atr: float = 1.5
    close_share: float = 0.6
    stop_atr_min: float = 1.0
    stop_atr_max: float = 2.5

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(pool=self.pool, age=self.age, volume=self.volume, volatility=self.volatility)
        check_positive(
            volume_ratio=self.volume_ratio,
            shallowest_atr=self.shallowest_atr,
            deepest_atr=self.deepest_atr,
            close_share=self.close_share,
        )
        if self.age >= self.pool:
            raise ValueError(f"age is {self.age}, but must be below pool ({self.pool})")
        if self.close_share > 1:
            raise ValueError(f"close_share is {self.close_share}, but must not be above 1")


class LiquiditySweepStrategy(FromCalls):
    """Fade a run on the stops below an old low (or above an old high) that failed within one candle.

    The setup adds up from volume (10), how far the candle closed back from its extreme (10), how far beyond the level it was
    (10) and the way to the other end of the pool in R (10).
    """

    name = "liquidity_sweep"
    version = "1.0"
    Parameters = LiquiditySweepParameters

    def __init__(self, parameters: LiquiditySweepParameters | None = None) -> None:
        self.parameters = parameters or LiquiditySweepParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        rules = self.parameters
        return max(rules.pool + 1, rules.volume + 1, wilder_settles(rules.volatility) + 1)

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look beside the averages that never end."""
        return max(self.parameters.pool, self.parameters.volume) + 1

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules, atr = self.parameters, before(bars.atr(self.parameters.volatility))
        low, high = before(bars.lowest(rules.pool)), before(bars.highest(rules.pool))
        volume_ratio = bars.volume / before(bars.usual_volume(rules.volume))
        up_share = (bars.close - bars.low) / (bars.high - bars.low)
        busy = (volume_ratio >= rules.volume_ratio) & np.isfinite(volume_ratio)
        drafted = draft(
            bars,
            longs=busy & self._swept(bars.low, bars.close, low, before(bars.lowest(rules.age)), atr, up_share, 1),
            shorts=busy & self._swept(bars.high, bars.close, high, before(bars.highest(rules.age)), atr, 1 - up_share, -1),
            below=bars.low - 0.1 * atr,
            above=bars.high + 0.1 * atr,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        rows, long = drafted.rows, drafted.sign > 0
        depth = np.where(long, low[rows] - bars.low[rows], bars.high[rows] - high[rows]) / atr[rows]
        share = np.where(long, up_share[rows], 1 - up_share[rows])
        room = np.where(long, high[rows] - bars.close[rows], bars.close[rows] - low[rows]) / drafted.risk
        setup = graded(volume_ratio[rows], rules.volume_ratio - 0.2, 3, 10) + graded(share, rules.close_share - 0.1, 0.95, 10)
        setup += graded(depth, 0, 0.8, 10) + graded(room, 0.5, 3, 10)

        def explain(row: int, is_long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            level, extreme = (low, bars.low) if is_long else (high, bars.high)
            far = abs(extreme[row] - level[row]) / atr[row]
            reason = f"{rules.pool}-bar {'low' if is_long else 'high'} swept by {far:.1f} ATR and taken back"
            return reason, figures(row, level=level, extreme=extreme, volume_ratio=volume_ratio) | dict(shared)

        return drafted.calls(setup, explain)

    def _swept(
        self, extreme: Values, close: Values, level: Values, young: Values, atr: Values, share: Values, sign: int
    ) -> Flags:
        """Tell of each row whether it went beyond an old level, not too far, and closed back on its side and near its end."""
        rules, depth = self.parameters, (level - extreme) * sign
        old = (young - level) * sign > 0
        beyond = (depth >= rules.shallowest_atr * atr) & (depth <= rules.deepest_atr * atr)
        return old & beyond & ((close - level) * sign > 0) & (share >= rules.close_share)


STRATEGY = LiquiditySweepStrategy
