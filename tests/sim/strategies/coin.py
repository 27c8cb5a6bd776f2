"""A strategy that calls often and without sense: the simulation wants missions, not profits."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from services.domain.market import CandleSeries
from services.domain.ports import StrategySignal
from services.domain.signals import Side

STOP = 0.004


class CoinStrategy:
    """Call a side by the digits of the last close; a market that stands still calls nothing."""

    name = "coin"
    version = "1"

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        return 2

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        """Return a call on two candles of three."""
        before, last = series.candles[-2:]
        coin = zlib.crc32(repr(last.close).encode()) % 6
        if before.close == last.close or coin > 3:
            return ()
        side = Side.LONG if coin else Side.SHORT
        risk = last.close * STOP * side.sign
        return (
            StrategySignal(
                side=side,
                entry=last.close,
                stop=last.close - risk,
                targets=(last.close + risk, last.close + 2 * risk),
                setup=40,
                reason=f"the coin shows {coin}",
                facts={},
            ),
        )


STRATEGY = CoinStrategy
