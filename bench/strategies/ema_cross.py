"""The strategy whose result is known, as a plug-in: `sortie backtest bench/strategies/ema_cross.py`."""

from __future__ import annotations

from dataclasses import dataclass

from services.research.known import ema_cross
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, ema_settles


@dataclass(frozen=True, slots=True, kw_only=True)
class EmaCrossParameters:
    """Look-backs in candles, distances in ATR."""

    fast: int = 12
    slow: int = 26
    period: int = 14
    stop_atr: float = 2.0
    target_atr: float = 3.0


class EmaCross(FromCalls):
    """EMA cross, long only, exit on the opposite cross."""

    name = "ema_cross"
    version = "1.0"
    Parameters = EmaCrossParameters

    def __init__(self, parameters: EmaCrossParameters) -> None:
        self.parameters = parameters

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        return ema_settles(self.parameters.slow)

    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        rules = self.parameters
        return ema_cross(
            bars,
            fast=rules.fast,
            slow=rules.slow,
            period=rules.period,
            stop_atr=rules.stop_atr,
            target_atr=rules.target_atr,
        )


STRATEGY = EmaCross
