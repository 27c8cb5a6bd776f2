"""Volatility contraction: price narrows into a small box after wide swings, and leaves the box on volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.strategies.brackets import Exits, check_periods, check_positive, draft, figures, graded
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, Flags, Values, before, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractionBreakoutParameters(Exits):
    """Look-backs in candles, the box as a share of the base before it and in ATR, volume as a multiple of its average.

    ``contraction`` is the largest share of the ``base`` candles' range that the newest ``box`` of them may span.
    """

    box: int = 12
    base: int = 60
    contraction: float = 0.35
    box_atr: float = 3.5
    volume: int = 20
    volume_ratio: float = 1.5
    volatility: int = 14
    chase_atr: float = 1.2
    stop_atr_min: float = 1.0
    stop_atr_max: float = 2.5

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(box=self.box, base=self.base, volume=self.volume, volatility=self.volatility)
        check_positive(
            contraction=self.contraction, box_atr=self.box_atr, volume_ratio=self.volume_ratio, chase_atr=self.chase_atr
        )
        if self.box >= self.base:
            raise ValueError(f"box is {self.box}, but must be below base ({self.base})")


class ContractionBreakoutStrategy(FromCalls):
    """Follow the first close outside a box that is small beside the swings before it.

    The setup adds up from the contraction (14), volume (10), a tight box in ATR (8) and a close that is not yet far from the
    box (8).
    """

    name = "contraction_breakout"
    version = "1.0"
    Parameters = ContractionBreakoutParameters

    def __init__(self, parameters: ContractionBreakoutParameters | None = None) -> None:
        self.parameters = parameters or ContractionBreakoutParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        rules = self.parameters
        return max(rules.base + 2, rules.volume + 1, wilder_settles(rules.volatility) + 1)

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look beside the averages that never end."""
        return max(self.parameters.base, self.parameters.volume) + 2

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules, atr = self.parameters, before(bars.atr(self.parameters.volatility))
        high, low = before(bars.highest(rules.box)), before(bars.lowest(rules.box))
        span = before(bars.highest(rules.base)) - before(bars.lowest(rules.base))
        share, box = (high - low) / span, (high - low) / atr
        volume_ratio = bars.volume / before(bars.usual_volume(rules.volume))
        ready = (share <= rules.contraction) & (box <= rules.box_atr)
        ready &= (volume_ratio >= rules.volume_ratio) & np.isfinite(volume_ratio)
        drafted = draft(
            bars,
            longs=ready & self._left(bars.close, high, atr, 1),
            shorts=ready & self._left(bars.close, low, atr, -1),
            below=low - 0.1 * atr,
            above=high + 0.1 * atr,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        rows = drafted.rows
        beyond = abs(bars.close[rows] - np.where(drafted.sign > 0, high[rows], low[rows])) / atr[rows]
        setup = graded(share[rows], rules.contraction + 0.05, 0.15, 14) + graded(
            volume_ratio[rows], rules.volume_ratio - 0.3, 3, 10
        )
        setup += graded(box[rows], rules.box_atr + 0.5, 1.5, 8) + graded(beyond, rules.chase_atr, 0.2, 8)

        def explain(row: int, is_long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            narrow = f"{share[row]:.0%} of the {rules.base}-bar range, volume {volume_ratio[row]:.1f}×"
            reason = f"closed {'above' if is_long else 'below'} a box of {narrow}"
            numbers = figures(row, box_high=high, box_low=low, box_share=share, box_atr=box, volume_ratio=volume_ratio)
            return reason, numbers | dict(shared)

        return drafted.calls(setup, explain)

    def _left(self, close: Values, edge: Values, atr: Values, sign: int) -> Flags:
        """Tell of each row whether it is the first close beyond the box, and not too far."""
        beyond = (close - edge) * sign
        first = (before(close) - before(edge)) * sign <= 0
        return (beyond > 0) & (beyond <= self.parameters.chase_atr * atr) & first


STRATEGY = ContractionBreakoutStrategy
