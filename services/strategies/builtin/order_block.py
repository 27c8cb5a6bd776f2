"""Order block: the last candle against a strong move, to which price comes back and from which it bounces."""

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
class OrderBlockParameters(Exits):
    """Look-backs and lives in candles, moves in ATR, targets in R.

    A block is a candle against the move that ``impulse`` candles later had gone ``impulse_atr`` beyond it; it counts for
    ``life`` candles, until price comes back. The bounce must close ``close_share`` up its range, and with the average of
    ``trend``.
    """

    impulse: int = 3
    impulse_atr: float = 1.2
    life: int = 50
    trend: int = 21
    volatility: int = 14
    close_share: float = 0.55
    stop_atr_min: float = 1.0
    stop_atr_max: float = 2.5

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(impulse=self.impulse, life=self.life, trend=self.trend, volatility=self.volatility)
        check_positive(impulse_atr=self.impulse_atr, close_share=self.close_share)
        if self.close_share > 1:
            raise ValueError(f"close_share is {self.close_share}, but must not be above 1")


class _Bounce(NamedTuple):
    """Rows that bounce, and by row the block's near and far edge, its age and how far the move went from it in ATR."""

    called: Flags
    near: Values
    far: Values
    age: Values
    went: Values


class OrderBlockStrategy(FromCalls):
    """Join a strong move where it began, at the first return to its last opposite candle.

    The setup adds up from the move (12), the bounce (how near its end the candle closed, 10), freshness (10) and the slope of
    the average (8).
    """

    name = "order_block"
    version = "1.0"
    Parameters = OrderBlockParameters

    def __init__(self, parameters: OrderBlockParameters | None = None) -> None:
        self.parameters = parameters or OrderBlockParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        rules = self.parameters
        return self.reach + max(ema_settles(rules.trend), wilder_settles(rules.volatility))

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look beside the averages that never end."""
        return self.parameters.life + self.parameters.impulse + 6

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules, atr, trend = self.parameters, bars.atr(self.parameters.volatility), bars.ema(self.parameters.trend)
        slope = (trend - before(trend, 5)) / atr
        up_share = (bars.close - bars.low) / (bars.high - bars.low)
        up = self._bounce(bars, bars.high, bars.low, atr, 1)
        down = self._bounce(bars, bars.low, bars.high, atr, -1)
        drafted = draft(
            bars,
            longs=up.called & (slope > 0) & (up_share >= rules.close_share),
            shorts=down.called & (slope < 0) & (1 - up_share >= rules.close_share),
            below=up.far - 0.25 * atr,
            above=down.far + 0.25 * atr,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        rows, long = drafted.rows, drafted.sign > 0
        went, age = np.where(long, up.went[rows], down.went[rows]), np.where(long, up.age[rows], down.age[rows])
        share = np.where(long, up_share[rows], 1 - up_share[rows])
        setup = graded(went, rules.impulse_atr - 0.5, 4, 12) + graded(share, rules.close_share - 0.1, 0.95, 10)
        setup += graded(age, rules.life, 4, 10) + graded(abs(slope[rows]), 0, 0.6, 8)

        def explain(row: int, is_long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            block = up if is_long else down
            reason = f"back at the block {block.age[row]:.0f} bars old that began {block.went[row]:.1f} ATR"
            numbers = figures(row, near=block.near, far=block.far, age=block.age, went_atr=block.went, slope_atr=slope)
            return reason, numbers | dict(shared)

        return drafted.calls(setup, explain)

    def _bounce(self, bars: Bars, top: Values, bottom: Values, atr: Values, sign: int) -> _Bounce:
        """Find the rows that touch the newest untouched block and close beyond it again; top is its edge toward the move."""
        rules = self.parameters
        edge, far_edge = before(top, rules.impulse), before(bottom, rules.impulse)
        against = (before(bars.close, rules.impulse) - before(bars.open, rules.impulse)) * sign < 0
        went = (bars.close - edge) * sign / before(atr, rules.impulse)
        left = against & (went >= rules.impulse_atr)
        rows = newest_untouched(np.where(left, edge, np.nan), bottom, rules.life, sign)
        near, far = told_at(edge, rows), told_at(far_edge, rows)
        touched = ((near - bottom) * sign >= 0) & ((bottom - far) * sign >= 0)
        called = touched & ((bars.close - near) * sign > 0) & ((bars.close - bars.open) * sign > 0)
        age = np.where(rows >= 0, np.arange(len(rows)) - rows + rules.impulse, np.nan)
        return _Bounce(called=called, near=near, far=far, age=age, went=told_at(went, rows))


STRATEGY = OrderBlockStrategy
