"""A strategy that is asked candle by candle says what it says over the whole history at once, and trades the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from services.domain.market import CandleSeries
from services.domain.ports import StrategySignal
from services.research.asking import ask, one_by_one
from services.research.rules import Rules
from services.research.simulation import Entrant, simulate
from services.strategies.builtin.mean_reversion import MeanReversionStrategy
from services.strategies.builtin.trend import TrendStrategy
from tests.research.test_known_answer import walk

ROWS = 1_500


class CandleByCandle:
    """Hides that a strategy could answer all at once."""

    def __init__(self, inner: TrendStrategy | MeanReversionStrategy) -> None:
        self._inner = inner
        self.name, self.version, self.warm_up = inner.name, inner.version, inner.warm_up

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        return self._inner.signals(series)


@pytest.mark.parametrize("kind", [TrendStrategy, MeanReversionStrategy], ids=["trend", "mean reversion"])
def test_both_ways_of_asking_lead_to_the_same_trades(kind: type[TrendStrategy | MeanReversionStrategy]) -> None:
    history = walk(11, ROWS, 0.01)

    slow = ask(CandleByCandle(kind()), history)
    fast = ask(kind(), history)

    assert np.array_equal(slow.side, fast.side)
    assert slow.side.any()
    trades = [simulate([Entrant(history=history, calls=calls)], Rules()).trades for calls in (slow, fast)]
    assert trades[0]["pnl"] == pytest.approx(trades[1]["pnl"], rel=1e-6)
    assert slow.at(int(np.flatnonzero(slow.side)[0])) is not None


def test_the_slow_way_tells_how_far_it_is() -> None:
    heard: list[float] = []

    one_by_one(CandleByCandle(TrendStrategy()), walk(1, ROWS, 0.004), heard.append)

    assert heard == sorted(heard)
    assert all(0 <= share < 1 for share in heard)
