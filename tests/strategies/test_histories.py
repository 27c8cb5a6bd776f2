"""One code for a live scan and for a history: rows depend on the past alone, and say what the window says."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from services.domain.market import Candle
from services.domain.ports import Strategy, StrategySignal
from services.strategies.calls import Calls, CallsAll
from services.strategies.indicators import columns

from .samples import BUILTINS, recorded, series

SAID = Path(__file__).parent / "said_btc.txt"
SAMPLE = 150
ROUNDING = 1e-9
by_name = pytest.mark.parametrize("strategy", BUILTINS, ids=lambda each: each.name)


@cache
def hours() -> list[Candle]:
    return recorded("BTCUSDT-1h", 31_143)


def calls_on_all(strategy: Strategy) -> Calls:
    assert isinstance(strategy, CallsAll)
    return strategy.calls(columns(hours(), 3_600))


def live(strategy: Strategy, row: int) -> StrategySignal | None:
    """Return what a scan says once the candle of that row has closed."""
    said = strategy.signals(series(hours()[: row + 1]))
    return said[0] if said else None


def assert_same(one: StrategySignal, other: StrategySignal) -> None:
    assert (one.side, one.setup, one.reason) == (other.side, other.setup, other.reason)
    assert one.facts.keys() == other.facts.keys()
    pairs = [(one.entry, other.entry), (one.stop, other.stop), *zip(one.targets, other.targets, strict=True)]
    for first, second in [*pairs, *((one.facts[name], other.facts[name]) for name in one.facts)]:
        assert first == pytest.approx(second, rel=ROUNDING, abs=1e-12)


@by_name
def test_a_live_window_says_what_the_row_of_the_history_says(strategy: Strategy) -> None:
    history = calls_on_all(strategy)
    drawn = random.Random(20)
    calling = [int(row) for row in np.flatnonzero(history.side)]
    silent = drawn.sample(range(strategy.warm_up, len(history)), SAMPLE)

    # Ties, thresholds met nearer than rounding, would differ here; these hours hold none.
    for row in {*drawn.sample(calling, min(SAMPLE, len(calling))), *silent}:
        said, told = live(strategy, row), history.at(row)
        assert (said is None) == (told is None), row
        if said is not None and told is not None:
            assert_same(said, told)


def test_what_was_said_on_recorded_hours_is_still_said() -> None:
    golden = SAID.read_text(encoding="utf-8").splitlines()[1:]
    said = []
    for name in ("trend", "mean_reversion", "breakout"):
        history = calls_on_all(next(each for each in BUILTINS if each.name == name))
        for row in map(int, np.flatnonzero(history.side)):
            call = history.at(row)
            if row >= 21_143 and call is not None:
                prices = f"{call.entry:.2f} {call.stop:.3f} {call.targets[-1]:.3f}"
                said.append(f"{name} {row} {call.side} {prices} {call.setup} {call.reason}")

    assert said == golden
