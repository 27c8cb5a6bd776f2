"""Every figure is what its name says, counted by hand, and none at all below its least sample."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from services.market.history import milliseconds
from services.research.figures import (
    DAYS_A_YEAR,
    LEAST_IN_GROUP,
    LEAST_TRADES,
    drawdown_of,
    figures_of,
    groups_of,
    hours_of,
    mean_with_bounds,
    months_of,
    win_rate,
)
from services.research.layouts import TRADE, Refusal, Rows
from services.research.regimes import CANDLES, regimes_of
from services.research.rules import Rules
from services.research.simulation import Outcome

DAY = 86_400_000
START = milliseconds(datetime(2024, 2, 28, tzinfo=UTC))


def trades_of(pnl: list[float], r: list[float] | None = None) -> Rows:
    trades = np.zeros(len(pnl), dtype=TRADE)
    trades["pnl"], trades["r"] = pnl, r if r is not None else pnl
    trades["opened"], trades["closed"] = np.arange(len(pnl)), np.arange(len(pnl)) + 1
    trades["side"] = 1
    return trades


def outcome_of(equity: list[float], trades: Rows, capital: float = 100.0) -> Outcome:
    """Return an outcome of daily candles."""
    return Outcome(
        symbols=("BTC/USDT",),
        time=START + np.arange(len(equity), dtype=np.int64) * DAY,
        trades=trades,
        equity=np.array(equity, dtype=np.float64),
        refused=dict.fromkeys(Refusal, 0),
        rules=Rules(capital=capital),
    )


def test_the_deepest_fall_is_told_with_peak_bottom_and_recovery() -> None:
    time = np.arange(7, dtype=np.int64) * DAY

    fall = drawdown_of(time, np.array([100.0, 120, 90, 60, 120, 118, 119]), 100.0)

    assert (fall.depth, fall.peak, fall.bottom, fall.recovered) == (0.5, DAY, 3 * DAY, 4 * DAY)
    assert fall.longest_ms == 3 * DAY


def test_a_fall_from_the_first_candle_on_counts_from_the_capital() -> None:
    fall = drawdown_of(np.arange(3, dtype=np.int64) * DAY, np.array([90.0, 80, 85]), 100.0)

    assert fall.depth == pytest.approx(0.2)
    assert (fall.recovered, fall.longest_ms) == (None, 2 * DAY)


def test_daily_ratios_equal_their_definitions() -> None:
    random = np.random.default_rng(5)
    returns = random.normal(0.002, 0.02, 60)
    equity = (100 * np.cumprod(1 + returns)).tolist()

    figures = figures_of(outcome_of(equity, trades_of([1.0])))

    year = math.sqrt(DAYS_A_YEAR)
    assert figures.sharpe.value == pytest.approx(returns.mean() / returns.std(ddof=1) * year)
    downside = math.sqrt((np.minimum(returns, 0) ** 2).mean())
    assert figures.sortino.value == pytest.approx(returns.mean() / downside * year)
    grown = (equity[-1] / 100) ** (DAYS_A_YEAR / 60) - 1
    assert figures.calmar.value == pytest.approx(grown / figures.drawdown.depth)


def test_too_small_a_sample_has_no_number_but_says_how_many_there_are() -> None:
    figures = figures_of(outcome_of([101.0, 102.0], trades_of([1.0, 1.0])))

    for stat in (
        figures.win_rate,
        figures.expectancy_r,
        figures.profit_factor,
        figures.sharpe,
        figures.sortino,
        figures.calmar,
    ):
        assert (stat.value, stat.n, stat.enough) == (None, 2, False)


def test_an_account_that_never_lost_has_no_profit_factor_and_no_endless_one() -> None:
    many = LEAST_TRADES

    figures = figures_of(outcome_of(list(range(100, 100 + many)), trades_of([1.0] * many)))

    assert (figures.profit_factor.value, figures.profit_factor.enough) == (None, True)
    assert figures.sortino.value is None
    assert figures.drawdown.depth == 0


def test_intervals_are_wilsons_and_students() -> None:
    share = win_rate(40, 100)
    mean = mean_with_bounds(np.array([1.0, -1.0] * 50))

    assert (share.low, share.high) == (pytest.approx(0.3094, abs=1e-4), pytest.approx(0.4980, abs=1e-4))
    assert (mean.value, mean.high) == (0.0, pytest.approx(1.9842 * math.sqrt(100 / 99) / 10, abs=1e-3))
    assert mean.low == -mean.high  # type: ignore[operator]


def test_expectancy_profit_factor_and_exposure() -> None:
    results = [3.0, -1.0, -1.0] * 10

    figures = figures_of(outcome_of([100.0] * 60, trades_of(results)))

    assert figures.expectancy_r.value == pytest.approx(1 / 3)
    assert figures.profit_factor.value == pytest.approx(1.5)
    assert figures.exposure == 0.5
    assert (figures.won, figures.lost) == (10, 20)


def test_groups_add_up_to_the_whole_and_leave_out_means_of_a_few() -> None:
    results = [2.0] * LEAST_IN_GROUP + [-1.0] * 3
    labels = ["a"] * LEAST_IN_GROUP + ["b"] * 3

    many, few = groups_of(trades_of(results), labels)

    assert (many.label, many.n, many.win_rate, many.mean_r, many.pnl) == ("a", LEAST_IN_GROUP, 1.0, 2.0, 20.0)
    assert (few.label, few.n, few.win_rate, few.mean_r, few.pnl) == ("b", 3, None, None, -3.0)


def test_months_and_hours_are_those_of_utc() -> None:
    times = np.array([START, START + 2 * DAY - 1, START + 2 * DAY], dtype=np.int64)

    assert months_of(times) == ["2024-02", "2024-02", "2024-03"]
    assert hours_of(times) == ["00", "23", "00"]


def test_a_regime_is_told_from_the_past_alone() -> None:
    up = np.exp(np.linspace(0, 1, 2 * CANDLES))
    rows = np.array([CANDLES - 1, CANDLES, CANDLES + 20], dtype=np.int64)
    turned = np.concatenate([up[: CANDLES + 21], up[CANDLES + 20 :: -1] / 5])
    still = 100 + np.resize([0.0, 1.0], 2 * CANDLES)

    assert regimes_of(up, rows) == ["unknown", "up", "up"]
    assert regimes_of(turned, rows) == ["unknown", "up", "up"]
    assert regimes_of(1 / up, rows)[1:] == ["down", "down"]
    assert regimes_of(still, rows)[1:] == ["sideways", "sideways"]
