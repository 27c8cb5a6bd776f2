"""The lint finds what makes results worthless, and has nothing against the strategies that ship."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from services.domain.market import CandleSeries
from services.domain.ports import Strategy, StrategySignal
from services.domain.signals import Side
from services.strategies.builtin.trend import TrendStrategy
from services.strategies.calls import Calls, FromCalls
from services.strategies.indicators import Bars, before
from services.strategies.lint import Fault, lint
from services.strategies.made_up import rough_market

from .samples import BUILTINS, recorded, series

MARKET = series(rough_market(5, 1600))


class Rising(FromCalls):
    """Long after a close above the one before; a base for the faulty ones."""

    name = "rising"
    version = "1.0"
    warm_up = 2  # type: ignore[assignment]

    def calls(self, bars: Bars) -> Calls:
        return self.drawn(bars, bars.close > before(bars.close))

    def drawn(self, bars: Bars, rising: np.ndarray, shift: float = 0.0) -> Calls:
        entry = bars.close + shift
        return Calls(
            side=np.where(rising, 1, 0).astype(np.int8),
            entry=entry,
            stop=entry * 0.99,
            targets=np.stack([entry * 1.02], axis=1),
            setup=np.full(len(bars), 20.0),
            leave=np.zeros(len(bars), dtype=np.int8),
            explain=lambda row: ("it rose", {}),
        )


class PeeksAtTheNextClose(Rising):
    """Long before a close above this one."""

    def calls(self, bars: Bars) -> Calls:
        return self.drawn(bars, np.append(bars.close[1:] > bars.close[:-1], False))


class ScalesByTheWholeHistory(Rising):
    """Long below the mean of all candles, those to come among them."""

    def calls(self, bars: Bars) -> Calls:
        return self.drawn(bars, bars.close < bars.close.mean())


class UnderstatesItsWarmUp(TrendStrategy):
    """Needs 386 candles and says 60."""

    name = "understated"
    warm_up = 60  # type: ignore[assignment]


class CallsWhileCold(Rising):
    """Says that it needs 50 candles and calls on the second."""

    warm_up = 50  # type: ignore[assignment]


class Remembers(Rising):
    """Its entry creeps up with each question."""

    asked = itertools.count()

    def calls(self, bars: Bars) -> Calls:
        return self.drawn(bars, bars.close > before(bars.close), next(self.asked) / 1000)


class CountsItsCandles:
    """Asked candle by candle, calls more boldly the more candles it is shown."""

    name, version, warm_up = "counter", "1.0", 10

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        close = series.candles[-1].close
        stop = close * (0.99 - len(series.candles) / 1e5)
        return [
            StrategySignal(side=Side.LONG, entry=close, stop=stop, targets=(close * 1.1,), setup=9, reason="more", facts={})
        ]


@pytest.mark.parametrize("strategy", BUILTINS, ids=lambda each: each.name)
def test_the_strategies_that_ship_have_no_fault(strategy: Strategy) -> None:
    assert lint(strategy, MARKET) == ()
    assert lint(strategy, series(recorded("LTCUSDT-1h", 8_000))) == ()


@pytest.mark.parametrize(
    ("strategy", "faults"),
    [
        (Rising(), set()),
        (PeeksAtTheNextClose(), {Fault.LOOK_AHEAD, Fault.RECURSION, Fault.COLD}),
        (ScalesByTheWholeHistory(), {Fault.LOOK_AHEAD, Fault.RECURSION}),
        (UnderstatesItsWarmUp(), {Fault.RECURSION}),
        (CallsWhileCold(), {Fault.COLD}),
        (Remembers(), {Fault.UNSTEADY, Fault.LOOK_AHEAD, Fault.RECURSION}),
        (CountsItsCandles(), {Fault.RECURSION}),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, set) else "",
)
def test_a_faulty_strategy_is_seen(strategy: Strategy, faults: set[Fault]) -> None:
    found = lint(strategy, MARKET)

    assert {each.fault for each in found} == faults
    assert all(each.said != each.expected for each in found)


def test_a_finding_names_the_candle_and_both_answers() -> None:
    (found,) = lint(CallsWhileCold(), MARKET)

    assert found.row < 49
    assert found.said.startswith("long at ")
    assert found.expected == "nothing"


def test_too_few_candles_have_nothing_to_show() -> None:
    assert lint(TrendStrategy(), series(rough_market(6, 100))) == ()
    assert lint(TrendStrategy(), series([])) == ()
