"""What a strategy says over a whole history at once: one row for each candle, most of them silent.

A live scan reads the last row of a window, a backtest all rows of a history: the code is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from services.domain.market import CandleSeries, timeframe_seconds
from services.domain.ports import StrategySignal
from services.domain.signals import Side
from services.strategies.indicators import Bars, Values, newest

Sides: TypeAlias = npt.NDArray[np.int8]
Explain: TypeAlias = Callable[[int], tuple[str, Mapping[str, float]]]
"""Tells of one candle, by its row, the reason and the numbers behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls on candles, by row; a row without a call has side 0, and its other columns mean nothing.

    ``side`` is 1 for long and -1 for short; ``entry``, ``stop`` and ``targets`` (rows, targets; nearest first, NaN for none)
    are prices as the candle closed, ``setup`` is the strategy's part of the score, 0 to 40. ``leave`` asks whoever is in to get
    out: 1 out of longs, -1 out of shorts, 2 out of both.
    """

    side: Sides
    entry: Values
    stop: Values
    targets: Values
    setup: Values
    leave: Sides
    explain: Explain

    def __len__(self) -> int:
        return len(self.side)

    def at(self, row: int) -> StrategySignal | None:
        """Return the call on one candle, or None."""
        if not self.side[row]:
            return None
        reason, facts = self.explain(row)
        return StrategySignal(
            side=Side.LONG if self.side[row] > 0 else Side.SHORT,
            entry=float(self.entry[row]),
            stop=float(self.stop[row]),
            targets=tuple(float(each) for each in self.targets[row] if np.isfinite(each)),
            setup=round(float(self.setup[row])),
            reason=reason,
            facts=facts,
        )


@runtime_checkable
class CallsAll(Protocol):
    """A strategy that answers for a whole history at once; ``Strategy`` alone is asked candle by candle."""

    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for; a row may depend on that candle and those before it alone."""
        ...


class FromCalls:
    """Answers a scan from the last row of ``calls``: a base for strategies that answer for a whole history at once."""

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        raise NotImplementedError

    @property
    def reach(self) -> int:
        """Return over how many candles the rules look, rolling extremes and bands among them; ``warm_up`` unless told less.

        Averages that never end (EMA, RSI, ATR, ADX) count for nothing: ``Bars`` computes them over the whole window. The less
        this is, the less a scan of many instruments has to go through.
        """
        return self.warm_up

    def calls(self, bars: Bars) -> Calls:
        """Return what each candle calls for."""
        raise NotImplementedError

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        """Return at most one call on the last closed candle."""
        bars = newest(series.candles, self.warm_up, timeframe_seconds(series.timeframe))
        said = self.calls(bars).at(-1) if bars is not None else None
        return (said,) if said is not None else ()
