"""Faults that make a strategy's results worthless, found before anybody believes them.

Look-ahead: a row that says something else once later candles are cut off knew what came. Recursion: a row that says something
else on ``warm_up`` candles than on a longer history has not settled, so a live desk says what no backtest showed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from services.domain.market import CandleSeries, timeframe_seconds
from services.domain.ports import Strategy, StrategySignal
from services.strategies.calls import CallsAll
from services.strategies.indicators import Bars, columns, cut

ROUNDING = 1e-9
ROWS = 40


class Fault(StrEnum):
    """What is wrong with an answer."""

    LOOK_AHEAD = "LOOK_AHEAD"
    RECURSION = "RECURSION"
    COLD = "COLD"
    UNSTEADY = "UNSTEADY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A candle, by its row, on which a strategy says one thing and should say another."""

    fault: Fault
    row: int
    said: str
    expected: str


def lint(strategy: Strategy, series: CandleSeries, *, rows: int = ROWS, seed: int = 0) -> tuple[Finding, ...]:
    """Try a strategy on candles; return at most one finding of each fault, none where there is nothing to object to.

    Looked at are up to ``rows`` candles that call and as many others, drawn by ``seed``. A strategy that is asked candle by
    candle is never shown what comes, so it is not tried for look-ahead. Errors of the strategy are raised as they are.
    """
    if isinstance(strategy, CallsAll):
        return lint_calls(strategy, strategy.warm_up, columns(series.candles, timeframe_seconds(series.timeframe)), rows, seed)
    return _lint_one_by_one(strategy, series, rows, seed)


def lint_calls(strategy: CallsAll, warm_up: int, bars: Bars, rows: int = ROWS, seed: int = 0) -> tuple[Finding, ...]:
    """Do the same over columns, for a strategy that answers for a whole history at once."""
    whole = strategy.calls(fresh(bars))
    calling = np.flatnonzero(whole.side)
    drawn = _drawn([int(each) for each in calling if each >= warm_up - 1], range(warm_up - 1, len(bars)), rows, seed)
    again = strategy.calls(fresh(bars))
    return _first_of_each(
        [
            _compared(Fault.COLD, ((int(row), whole.at(int(row)), None) for row in calling if row < warm_up - 1)),
            _compared(Fault.UNSTEADY, ((row, again.at(row), whole.at(row)) for row in drawn)),
            _compared(
                Fault.LOOK_AHEAD, ((row, whole.at(row), strategy.calls(cut(bars, slice(0, row + 1))).at(row)) for row in drawn)
            ),
            _compared(
                Fault.RECURSION,
                ((row, strategy.calls(cut(bars, slice(row + 1 - warm_up, row + 1))).at(-1), whole.at(row)) for row in drawn),
            ),
        ]
    )


def fresh(bars: Bars) -> Bars:
    """Return the same candles without what was computed of them."""
    return cut(bars, slice(None))


def _lint_one_by_one(strategy: Strategy, series: CandleSeries, rows: int, seed: int) -> tuple[Finding, ...]:
    warm_up, count = strategy.warm_up, len(series.candles)
    drawn = _drawn([], range(3 * warm_up - 1, count), 2 * rows, seed)

    def said(first: int, row: int) -> StrategySignal | None:
        signals = strategy.signals(replace(series, candles=series.candles[first : row + 1]))
        return signals[0] if signals else None

    return _first_of_each(
        [
            _compared(Fault.UNSTEADY, ((row, said(0, row), said(0, row)) for row in drawn)),
            _compared(Fault.RECURSION, ((row, said(row + 1 - warm_up, row), said(0, row)) for row in drawn)),
        ]
    )


def _drawn(calling: Sequence[int], every: range, rows: int, seed: int) -> list[int]:
    """Draw rows that call and others; the newest is always among them."""
    draw = random.Random(seed)
    chosen = {*draw.sample(calling, min(rows, len(calling))), *draw.sample(every, min(rows, len(every))), *every[-1:]}
    return sorted(chosen)


def _compared(
    fault: Fault, answers: Iterable[tuple[int, StrategySignal | None, StrategySignal | None]]
) -> Callable[[], Finding | None]:
    def find() -> Finding | None:
        for row, said, expected in answers:
            if not same(said, expected):
                return Finding(fault=fault, row=row, said=_words(said), expected=_words(expected))
        return None

    return find


def _first_of_each(checks: Sequence[Callable[[], Finding | None]]) -> tuple[Finding, ...]:
    return tuple(finding for check in checks if (finding := check()) is not None)


def same(one: StrategySignal | None, other: StrategySignal | None) -> bool:
    """Tell whether two answers are the same but for rounding, 1e-9 of a price."""
    if one is None or other is None:
        return one is other
    prices, others = ((each.entry, each.stop, *each.targets) for each in (one, other))
    return (one.side, len(prices)) == (other.side, len(others)) and bool(
        np.allclose(prices, others, rtol=ROUNDING, atol=0) and abs(one.setup - other.setup) <= 1
    )


def _words(signal: StrategySignal | None) -> str:
    if signal is None:
        return "nothing"
    targets = ", ".join(f"{each:.8g}" for each in signal.targets)
    return f"{signal.side.value} at {signal.entry:.8g}, stop {signal.stop:.8g}, targets {targets}, setup {signal.setup}"
