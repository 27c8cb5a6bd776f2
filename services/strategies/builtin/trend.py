"""Trend: the fast average crosses the slow one, or price takes the fast one back after a pullback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.strategies.brackets import Exits, check_periods, check_positive, draft, graded
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, Flags, before, ema_settles, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendParameters(Exits):
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

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(fast=self.fast, slow=self.slow, strength=self.strength, swing=self.swing)
        check_positive(cross_adx=self.cross_adx, pullback_adx=self.pullback_adx, chase_atr=self.chase_atr)
        if self.fast >= self.slow:
            raise ValueError(f"fast is {self.fast}, but must be below slow ({self.slow})")


class TrendStrategy(FromCalls):
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

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look beside the averages that never end."""
        return self.parameters.swing + 1

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules = self.parameters
        fast, slow, atr, adx = bars.ema(rules.fast), bars.ema(rules.slow), bars.atr(rules.strength), bars.adx(rules.strength)
        up, down = bars.directions(rules.strength)
        (longs, crossed_up), (shorts, crossed_down) = self._triggered(bars, 1), self._triggered(bars, -1)
        drafted = draft(
            bars,
            longs=longs,
            shorts=shorts,
            below=bars.lowest(rules.swing) - 0.25 * atr,
            above=bars.highest(rules.swing) + 0.25 * atr,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        at, sign = drafted.rows, drafted.sign
        balance = (up[at] - down[at]) * sign / (up[at] + down[at])
        slope = (slow[at] - before(slow, rules.swing)[at]) * sign / atr[at]
        stretch = abs(bars.close[at] - fast[at]) / atr[at]
        setup = (
            graded(adx[at], 18, 42, 14)
            + graded(balance, 0, 0.5, 10)
            + graded(slope, -0.2, 0.8, 8)
            + graded(stretch, rules.chase_atr, 0.3, 8)
        )

        def explain(row: int, long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            if (crossed_up if long else crossed_down)[row]:
                reason = f"EMA {rules.fast} crossed {'above' if long else 'below'} {rules.slow}, ADX {adx[row]:.0f}"
            else:
                reason = f"trend {'up' if long else 'down'}, ADX {adx[row]:.0f}, pullback to EMA {rules.fast} held"
            numbers = {"ema_fast": fast, "ema_slow": slow, "adx": adx, "di_up": up, "di_down": down}
            return reason, {name: float(column[row]) for name, column in numbers.items()} | dict(shared)

        return drafted.calls(setup, explain)

    def _triggered(self, bars: Bars, sign: int) -> tuple[Flags, Flags]:
        """Tell of each row whether it calls in the direction of ``sign``, and whether by a cross."""
        rules = self.parameters
        fast, slow, adx = bars.ema(rules.fast), bars.ema(rules.slow), bars.adx(rules.strength)
        up, down = bars.directions(rules.strength)
        close, lead = bars.close, (fast - slow) * sign
        lead_before, close_before = before(lead), before(close)
        away = (close - fast) * sign
        taken = (away > 0) & (away <= rules.chase_atr * bars.atr(rules.strength)) & ((up - down) * sign > 0) & (lead > 0)
        rising = (slow - before(slow, rules.swing)) * sign > 0
        crossed = taken & ~(lead_before > 0) & rising & (adx >= rules.cross_adx)
        # Only a pullback that closed between the two averages ended without hurting the trend.
        held = ((close_before - before(fast)) * sign < 0) & ((close_before - before(slow)) * sign >= 0)
        passed = (close - before(bars.high if sign > 0 else bars.low)) * sign > 0
        lasting = (lead_before > 0) & (before(lead, rules.swing) > 0)
        return crossed | (taken & lasting & held & passed & (adx >= rules.pullback_adx)), crossed


STRATEGY = TrendStrategy
