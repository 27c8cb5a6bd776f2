"""The floor of a backtest: one compiled loop that knows one strategy, its indicators and its exits, and nothing else.

usage: python -m bench.floors.numba_loop CANDLES TRADES; CANDLES is an .npy of open, high, low and close, TRADES gets JSON
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from numba import njit

FEE = 0.001


@njit(cache=True, nogil=True)
def loop(open_: Any, high: Any, low: Any, close: Any, fast: int, slow: int, period: int, out: Any) -> int:
    """Trade the cross of two EMAs, long only, stop 2 ATR, target 3 ATR; rows of ``out``: opened, closed, entry, exit, pnl."""
    quick = slower = swing = 0.0
    was, known = True, False
    entry = stop = target = width = 0.0
    opened, made, buy, sell = -1, 0, False, False
    for row in range(close.shape[0]):
        price = -1.0
        if sell and opened >= 0:
            price = open_[row]
        elif buy and opened < 0:
            opened, entry = row, open_[row]
            stop, target = entry - 2 * width, entry + 3 * width
        if opened >= 0 and price < 0:
            if open_[row] <= stop or open_[row] >= target:
                price = open_[row]
            elif low[row] <= stop:
                price = stop
            elif high[row] >= target:
                price = target
        if price >= 0:
            out[made, 0], out[made, 1], out[made, 2], out[made, 3] = opened, row, entry, price
            out[made, 4] = price - entry - FEE * (price + entry)
            made, opened = made + 1, -1
        if row < fast:
            quick += close[row] / fast
        else:
            quick += (close[row] - quick) * 2 / (fast + 1)
        if row < slow:
            slower += close[row] / slow
        else:
            slower += (close[row] - slower) * 2 / (slow + 1)
        if row > 0:
            reach = max(high[row], close[row - 1]) - min(low[row], close[row - 1])
            swing = swing + reach / period if row <= period else (swing * (period - 1) + reach) / period
        buy = sell = False
        if row >= slow - 1:
            above = quick > slower
            if known:
                buy, sell = above and not was and opened < 0, was and not above
            was, known, width = above, True, swing
    if opened >= 0:
        last = close.shape[0] - 1
        out[made, 0], out[made, 1], out[made, 2], out[made, 3] = opened, last, entry, close[last]
        out[made, 4] = close[last] - entry - FEE * (close[last] + entry)
        made += 1
    return made


def run(columns: Any, fast: int = 12, slow: int = 26) -> Any:
    """Return the trades of a table of open, high, low and close."""
    out = np.empty((columns.shape[1] // 2, 5))
    made = loop(columns[0], columns[1], columns[2], columns[3], fast, slow, 14, out)
    return out[:made]


def main() -> None:
    """Load, loop, write."""
    candles, file = sys.argv[1:]
    trades = run(np.load(candles))
    names = ("opened", "closed", "entry", "exit", "pnl")
    with open(file, "w", encoding="utf-8") as out:
        json.dump([dict(zip(names, row, strict=True)) for row in trades.tolist()], out)


if __name__ == "__main__":
    main()
