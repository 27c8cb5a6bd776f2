"""Mean reversion: in a market without a trend, price comes back inside its Bollinger band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.strategies.brackets import Exits, check_periods, check_positive, draft, graded
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, Flags, Values, before, wilder_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanReversionParameters(Exits):
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

    def __post_init__(self) -> None:
        Exits.__post_init__(self)
        check_periods(band=self.band, momentum=self.momentum, strength=self.strength, swing=self.swing)
        check_positive(width=self.width, adx_max=self.adx_max)
        if not 0 < self.oversold < 50:
            raise ValueError(f"oversold is {self.oversold}, but must lie between 0 and 50")


class MeanReversionStrategy(FromCalls):
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

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look beside the averages that never end."""
        return max(self.parameters.band, self.parameters.swing) + 1

    @np.errstate(invalid="ignore", divide="ignore")
    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules = self.parameters
        lower, middle, upper = bars.bollinger(rules.band, rules.width)
        momentum, adx, atr = bars.rsi(rules.momentum), bars.adx(rules.strength), bars.atr(rules.strength)
        momentum_before = before(momentum)
        quiet = (adx <= rules.adx_max) & (upper > lower)
        drafted = draft(
            bars,
            longs=quiet & self._returned(bars.close, lower, middle, momentum, 1),
            shorts=quiet & self._returned(bars.close, upper, middle, momentum, -1),
            below=bars.lowest(rules.swing) - 0.25 * atr,
            above=bars.highest(rules.swing) + 0.25 * atr,
            atr=atr,
            warm_up=self.warm_up,
            exits=rules,
        )
        at, sign = drafted.rows, drafted.sign
        room = (middle[at] - bars.close[at]) * sign / drafted.risk
        extreme = np.where(sign > 0, momentum_before[at], 100 - momentum_before[at])
        setup = (
            graded(adx[at], rules.adx_max + 5, 13, 12)
            + graded(extreme, rules.oversold + 4, 22, 12)
            + graded((momentum[at] - momentum_before[at]) * sign, 0, 10, 8)
            + graded(room, 0.2, 1.2, 8)
        )

        def explain(row: int, long: bool, shared: Mapping[str, float]) -> tuple[str, Mapping[str, float]]:
            numbers = {
                "rsi": momentum,
                "rsi_before": momentum_before,
                "band_lower": lower,
                "band_middle": middle,
                "band_upper": upper,
                "adx": adx,
            }
            turn = f"RSI {momentum_before[row]:.0f} to {momentum[row]:.0f}, ADX {adx[row]:.0f}"
            facts = {name: float(column[row]) for name, column in numbers.items()} | dict(shared)
            facts["room_r"] = float(room[np.searchsorted(at, row)])
            return f"back inside the {'lower' if long else 'upper'} band, {turn}", facts

        return drafted.calls(setup, explain)

    def _returned(self, close: Values, edge: Values, middle: Values, momentum: Values, sign: int) -> Flags:
        """Tell of each row whether it closed between edge and middle again, the candle before it stretched and outside."""
        outside = (before(edge) - before(close)) * sign > 0
        inside = ((close - edge) * sign >= 0) & ((middle - close) * sign > 0)
        was = before(momentum)
        stretched = (was if sign > 0 else 100 - was) <= self.parameters.oversold
        return outside & inside & stretched & ((momentum - was) * sign > 0)


STRATEGY = MeanReversionStrategy
