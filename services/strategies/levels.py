"""Levels that candles leave behind, until price comes back to them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from services.strategies.indicators import Values

Rows: TypeAlias = npt.NDArray[np.int64]


def newest_untouched(level: Values, extreme: Values, life: int, sign: int) -> Rows:
    """Return for each row the newest earlier one, at most ``life`` before, whose level no candle between has reached; else -1.

    ``level`` is NaN where a row leaves none. ``extreme`` is what may reach it: the lows and ``sign`` 1 for a level under the
    market, the highs and -1 for one above it. The row's own candle may reach the level: that is what is waited for.
    """
    count = len(level)
    found = np.full(count, -1, dtype=np.int64)
    nearest = np.full(count, np.inf)
    rows = np.arange(count)
    for age in range(1, min(life, count - 1) + 1):
        here = (found[age:] < 0) & (nearest[age:] > level[:-age] * sign)
        found[age:][here] = rows[:-age][here]
        np.minimum(nearest[age:], extreme[:-age] * sign, out=nearest[age:])
    return found


def told_at(values: Values, rows: Rows) -> Values:
    """Return what a column says in those rows, NaN for -1."""
    return np.append(values, np.nan)[rows]
