"""What kind of market a trade was entered in, told from the candles before it alone."""

from __future__ import annotations

import numpy as np

from services.research.layouts import Counts, Floats

CANDLES = 100
UP, DOWN, SIDEWAYS, UNKNOWN = "up", "down", "sideways", "unknown"


def regimes_of(close: Floats, rows: Counts) -> list[str]:
    """Return the regime at each row: the return of the last 100 candles against what a walk of their size would make.

    Up where it is above one deviation, down below minus one, sideways between; unknown where fewer candles are there.
    """
    rows = np.asarray(rows)
    labels = np.full(len(rows), UNKNOWN, dtype="<U8")
    known = np.flatnonzero(rows >= CANDLES)
    if not len(known):
        return labels.tolist()
    moves = np.diff(np.log(close), prepend=np.log(close[0]))
    sums, squares = np.cumsum(moves), np.cumsum(moves**2)
    at = rows[known]
    total, square = sums[at] - sums[at - CANDLES], squares[at] - squares[at - CANDLES]
    deviation = np.sqrt(np.maximum(square, 1e-300))
    labels[known] = np.where(total > deviation, UP, np.where(total < -deviation, DOWN, SIDEWAYS))
    return labels.tolist()
