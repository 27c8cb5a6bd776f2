"""The strategy whose result is known: its trades are counted out with nothing of ours, and set beside backtesting.py's.

EMA 12/26 cross, long only; exit on the opposite cross; stop 2 ATR and target 3 ATR from the fill; next-open fills; 0.1 % fee.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.market.history import History
from services.research.known import KNOWN_RULES, ema_cross
from services.research.layouts import Reason
from services.research.simulation import Entrant, simulate
from services.strategies.indicators import Bars

DATA = Path(__file__).parents[3] / "shared" / "data" / "BTCUSDT-1h.csv.gz"
FEE = 0.001


class Counted(NamedTuple):
    opened: int
    closed: int
    entry: float
    exit: float
    pnl: float
    reason: Reason


def average(values: Sequence[float], period: int) -> list[float | None]:
    """Exponential, begun with the mean of the first ``period`` values, as TA-Lib's EMA is."""
    found: list[float | None] = [None] * (period - 1)
    last = sum(values[:period]) / period
    found.append(last)
    for value in values[period:]:
        last += (value - last) * 2 / (period + 1)
        found.append(last)
    return found


def ranges(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], period: int) -> list[float | None]:
    """Wilder's average of the true range, begun with the mean of ``period`` of them."""
    true = [max(high, before) - min(low, before) for high, low, before in zip(highs[1:], lows[1:], closes[:-1], strict=True)]
    found: list[float | None] = [None] * period
    last = sum(true[:period]) / period
    found.append(last)
    for value in true[period:]:
        last = (last * (period - 1) + value) / period
        found.append(last)
    return found


def counted(history: History) -> list[Counted]:
    """Walk through the candles with a pencil."""
    opens, highs, lows, closes = (column.tolist() for _, column in history.columns()[:4])
    fast, slow, swing = average(closes, 12), average(closes, 26), ranges(highs, lows, closes, 14)
    done: list[Counted] = []
    entry = stop = target = width = 0.0
    opened: int | None = None
    buy = sell = False

    def out(row: int, price: float, reason: Reason) -> None:
        nonlocal opened
        assert opened is not None
        done.append(Counted(opened, row, entry, price, price - entry - FEE * (price + entry), reason))
        opened = None

    for row in range(len(closes)):
        if sell and opened is not None:
            out(row, opens[row], Reason.LEFT)
        if buy and opened is None:
            opened, entry = row, opens[row]
            stop, target = entry - 2 * width, entry + 3 * width
        buy = sell = False
        if opened is not None:
            if opens[row] <= stop:
                out(row, opens[row], Reason.STOP)
            elif opens[row] >= target:
                out(row, opens[row], Reason.TARGET)
            elif lows[row] <= stop:
                out(row, stop, Reason.STOP)
            elif highs[row] >= target:
                out(row, target, Reason.TARGET)
        now = (fast[row], slow[row])
        before = (fast[row - 1], slow[row - 1]) if row else (None, None)
        if None not in (*now, *before):
            above, was = now[0] > now[1], before[0] > before[1]  # type: ignore[operator]
            buy, sell = above and not was and opened is None, was and not above
            width = swing[row] or 0.0
    if opened is not None:
        out(len(closes) - 1, closes[-1], Reason.END)
    return done


def ours(history: History) -> list[Counted]:
    bars = Bars(open=history.open, high=history.high, low=history.low, close=history.close, volume=history.volume)
    trades = simulate([Entrant(history=history, calls=ema_cross(bars))], KNOWN_RULES).trades
    return [
        Counted(int(t["opened"]), int(t["closed"]), float(t["entry"]), float(t["exit"]), float(t["pnl"]), Reason(t["reason"]))
        for t in trades
    ]


def same(mine: Sequence[Counted], theirs: Sequence[Counted]) -> None:
    """Compare trade by trade; prices to a billionth."""
    assert [(each.opened, each.closed, each.reason) for each in mine] == [
        (each.opened, each.closed, each.reason) for each in theirs
    ]
    for name in ("entry", "exit", "pnl"):
        assert [getattr(each, name) for each in mine] == pytest.approx(
            [getattr(each, name) for each in theirs], rel=1e-9, abs=1e-6
        )


@pytest.fixture(scope="module")
def bitcoin() -> History:
    if not DATA.is_file():
        pytest.skip("there are no recorded candles in ../shared/data")
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = {name: np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume")}
    time = [round(datetime.fromisoformat(row["timestamp"]).timestamp() * 1000) for row in rows]
    return History(symbol="BTC/USDT", timeframe="1h", time=np.array(time, dtype=np.int64), **values)


def test_three_years_of_bitcoin_equal_the_count_by_hand_trade_by_trade(bitcoin: History) -> None:
    mine = ours(bitcoin)

    same(mine, counted(bitcoin))
    assert len(bitcoin) == 31_143
    assert {each.reason for each in mine} >= {Reason.STOP, Reason.TARGET, Reason.LEFT}
    assert len(mine) > 500


def walk(seed: int, rows: int, volatility: float) -> History:
    random = np.random.default_rng(seed)
    closes = 1000 * np.exp(np.cumsum(random.normal(0, volatility, rows)))
    opens = np.append(1000, closes[:-1]) * (1 + random.normal(0, volatility / 5, rows))
    highs = np.maximum(opens, closes) * (1 + abs(random.normal(0, volatility / 2, rows)))
    lows = np.minimum(opens, closes) * (1 - abs(random.normal(0, volatility / 2, rows)))
    time = np.arange(rows, dtype=np.int64) * 3_600_000
    return History(
        symbol="W/USDT", timeframe="1h", time=time, open=opens, high=highs, low=lows, close=closes, volume=np.ones(rows)
    )


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), rows=st.integers(30, 600), volatility=st.sampled_from([0.001, 0.01, 0.05]))
def test_random_walks_equal_the_count_by_hand(seed: int, rows: int, volatility: float) -> None:
    history = walk(seed, rows, volatility)

    same(ours(history), counted(history))


def theirs(history: History) -> Any:
    """Let backtesting.py trade the same candles and the same crosses; return its table of trades."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        from backtesting import Backtest, Strategy

        bars = Bars(open=history.open, high=history.high, low=history.low, close=history.close, volume=history.volume)
        calls = ema_cross(bars)

        class Cross(Strategy):
            def init(self) -> None:
                pass

            def next(self) -> None:
                row = len(self.data.Close) - 1
                if self.position and calls.leave[row]:
                    self.position.close()
                if calls.side[row]:
                    self.buy(size=1, sl=calls.stop[row], tp=calls.targets[row, 0])

        frame = pd.DataFrame(
            {name.capitalize(): column for name, column in history.columns()}, index=pd.to_datetime(history.time, unit="ms")
        )
        run = Backtest(frame, Cross, cash=KNOWN_RULES.capital, commission=FEE, exclusive_orders=False, finalize_trades=True)
        return run.run()["_trades"].sort_values("EntryBar")


def test_backtesting_py_makes_the_same_trades_where_its_rules_are_ours(bitcoin: History) -> None:
    """Its levels stand where the call put them, so ours do here too. Only a position that is open at the end differs.

    There backtesting.py sells at the price of its last order's candle, we at the last close.
    """
    bars = Bars(open=bitcoin.open, high=bitcoin.high, low=bitcoin.low, close=bitcoin.close, volume=bitcoin.volume)
    rules = dataclasses.replace(KNOWN_RULES, from_fill=False)
    mine = simulate([Entrant(history=bitcoin, calls=ema_cross(bars))], rules).trades
    table = theirs(bitcoin)
    other = {
        int(row.EntryBar): (int(row.ExitBar), float(row.EntryPrice), float(row.ExitPrice), float(row.PnL))
        for row in table.itertuples()
    }

    here = {int(t["opened"]): (int(t["closed"]), float(t["entry"]), float(t["exit"]), float(t["pnl"])) for t in mine}
    assert here.keys() == other.keys()
    assert [row for row in here if here[row] != pytest.approx(other[row], rel=1e-9, abs=1e-6)] == [mine["opened"][-1]]
    assert Reason(mine["reason"][-1]) is Reason.END
    assert len(here) > 500
