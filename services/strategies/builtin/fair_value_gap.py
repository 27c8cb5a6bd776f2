"""Fair value gap: a candle moved so fast that its neighbours do not overlap; price fills part of the gap and turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.strategies.brackets import Exits, check_periods, check_positive, draft, figures, graded
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, Flags, Values, before, ema_settles, wilder_settles
from services.strategies.levels import newest_untouched, told_at


@dataclass(frozen=True, slots=True, kw_only=True)
class FairValueGapParameters(Exits):
    """Look-backs and lives in candles, the gap in ATR, targets in R.

    A gap of at least ``gap_atr`` counts for ``life`` candles, until price first reaches the ``fill`` share of it. The candle
    that does must close back beyond that level, and with the average of ``trend``.
    """

    gap_atr: float = 0.35
    fill: float = 0.5
    life: int = 30
    trend: int = 21
    volatility: int = 14
    stop_atr_min: float = 1.0
    stop_atr_max: float = 2.5

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(life=self.life, trend=self.trend, volatility=self.volatility)
        check_positive(gap_atr=self.gap_atr, fill=self.fill)
        if self.fill >= 1:
            raise ValueError(f"fill is {self.fill}, but must be below 1")


class _Fill(NamedTuple):
    """Rows that turn in a gap, and by row the gap's near and far edge, its age and its size in ATR."""

    called: Flags
    near: Values
    far: Values
    age: Values
    size: Values


class FairValueGapStrategy(FromCalls):
    """Join a fast move in the gap it left, once price has come back into it and turned there.

    The setup adds up from the gap's size (12), the turn (how near its end the candle closed, 10), freshness (10) and the slope
    of the average (8).
    """

    name = "fair_value_gap"
    version = "1.0"
    Parameters = FairValueGapParameters

    def __init__(self, parameters: FairValueGapParameters | None = None) -> None:
        self.parameters = parameters or FairValueGapParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        rules = self.parameters
        return self.reach + max(ema_settles(rules.trend), wilder_settles(rules.volatility))

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look beside the averages that never end."""
        return self.parameters.life + 6

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules, atr, trend = self.parameters, bars.atr(self.parameters.volatility), bars.ema(self.parameters.trend)
        slope = (trend - before(trend, 5)) / atr
        up_share = (bars.close - bars.low) / (bars.high - bars.low)
        up = self._filled(bars, before(bars.high, 2), bars.low, atr, 1)
        down = self._filled(bars, before(bars.low, 2), bars.high, atr, -1)
        drafted = draft(
            bars,
            longs=up.called & (slope > 0),
            shorts=down.called & (slope < 0),
            below=up.far - 0.25 * atr,
            above=down.far + 0.25 * atr,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        rows, long = drafted.rows, drafted.sign > 0
        size, age = np.where(long, up.size[rows], down.size[rows]), np.where(long, up.age[rows], down.age[rows])
        share = np.where(long, up_share[rows], 1 - up_share[rows])
        setup = graded(size, rules.gap_atr - 0.1, 1.5, 12) + graded(share, 0.4, 0.95, 10)
        setup += graded(age, rules.life, 3, 10) + graded(abs(slope[rows]), 0, 0.6, 8)

        def explain(row: int, is_long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            gap = up if is_long else down
            reason = f"turned in a gap of {gap.size[row]:.1f} ATR, {gap.age[row]:.0f} bars old"
            return reason, figures(row, near=gap.near, far=gap.far, age=gap.age, gap_atr=gap.size, slope_atr=slope) | dict(
                shared
            )

        return drafted.calls(setup, explain)

    def _filled(self, bars: Bars, far_edge: Values, near_edge: Values, atr: Values, sign: int) -> _Fill:
        """Find the rows that reach into the newest gap that none has reached into, hold its far edge and turn."""
        rules, width = self.parameters, (near_edge - far_edge) * sign
        body = (before(bars.close) - before(bars.open)) * sign > 0
        left = body & (width >= rules.gap_atr * atr)
        level = near_edge - sign * rules.fill * width
        rows = newest_untouched(np.where(left, level, np.nan), near_edge, rules.life, sign)
        wanted, far = told_at(level, rows), told_at(far_edge, rows)
        reached = ((wanted - near_edge) * sign >= 0) & ((near_edge - far) * sign >= 0)
        called = reached & ((bars.close - wanted) * sign > 0) & ((bars.close - bars.open) * sign > 0)
        age = np.where(rows >= 0, np.arange(len(rows)) - rows, np.nan)
        return _Fill(called=called, near=told_at(near_edge, rows), far=far, age=age, size=told_at(width / atr, rows))


STRATEGY = FairValueGapStrategy
