"""Three closes in a row in one direction, on more volume than usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.strategies.brackets import Exits, check_periods, draft, graded
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, before, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeClosesParameters(Exits):
    """Look-backs in candles; where stop and targets go is inherited."""

    volatility: int = 14
    volume: int = 20

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(volatility=self.volatility, volume=self.volume)


class ThreeClosesStrategy(FromCalls):
    """Follow the third close; the setup grows with how far the three went, up to two ATR."""

    name = "three_closes"
    version = "1.0"
    Parameters = ThreeClosesParameters

    def __init__(self, parameters: ThreeClosesParameters | None = None) -> None:
        self.parameters = parameters or ThreeClosesParameters()

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        return max(wilder_settles(self.parameters.volatility), self.parameters.volume, 4)

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules, atr = self.parameters, bars.atr(self.parameters.volatility)
        step, start = bars.close - before(bars.close), before(bars.close, 3)
        busy = bars.volume > bars.usual_volume(rules.volume)
        drafted = draft(
            bars,
            longs=busy & (step > 0) & (before(step) > 0) & (before(step, 2) > 0),
            shorts=busy & (step < 0) & (before(step) < 0) & (before(step, 2) < 0),
            below=start,
            above=start,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        went = abs(bars.close - start) / atr

        def explain(row: int, long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            reason = f"three closes {'up' if long else 'down'} went {went[row]:.1f} ATR"
            return reason, {"went_atr": float(went[row]), **shared}

        return drafted.calls(graded(went[drafted.rows], 0, 2, 40), explain)


STRATEGY = ThreeClosesStrategy
