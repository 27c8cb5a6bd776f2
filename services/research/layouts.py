"""What the kernel reads and writes: columns, and rows with named fields."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int64]
Signs: TypeAlias = npt.NDArray[np.int8]
Rows: TypeAlias = npt.NDArray[Any]
"""Rows with named fields, of one of the types below."""
Row: TypeAlias = Any
"""One of them; it changes in place."""


class Reason(IntEnum):
    """Why a trade ended."""

    STOP = 0
    MOVED_STOP = 1
    TARGET = 2
    LEFT = 3
    TIME = 4
    END = 5
    RUIN = 6


class Refusal(IntEnum):
    """Why a call did not become a position."""

    HELD = 0
    BEYOND_STOP = 1
    FULL = 2
    COOLING = 3
    DAY_OVER = 4
    TOO_SMALL = 5
    NOT_REACHED = 6


class Market(NamedTuple):
    """Prices by row of the common time axis and by instrument, NaN where an instrument has no candle.

    ``time`` is each row's opening in milliseconds UTC. ``funding`` is the rate charged at a row's opening; it, ``trail`` and
    ``volatility`` have no row where the rules do not ask for them.
    """

    time: Counts
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    funding: Floats
    trail: Floats
    volatility: Floats


class Said(NamedTuple):
    """What the strategies call for, by row and instrument; ``targets`` by row, instrument and rung."""

    side: Signs
    entry: Floats
    stop: Floats
    targets: Floats
    leave: Signs


class Finer(NamedTuple):
    """Candles of a smaller timeframe; those of row ``r`` stand from ``first[r]`` up to ``first[r + 1]``. Empty for none."""

    first: Counts
    open: Floats
    high: Floats
    low: Floats


class Grid(NamedTuple):
    """The steps of quantities by instrument, and the least quantity and value of an order; 0 for none."""

    step: Floats
    quantity: Floats
    notional: Floats


class Play(NamedTuple):
    """All that a play reads, and the arrays that it writes: positions, targets, account, trades, refused and equity.

    ``shares`` has the parts for n targets in row n - 1; ``trades`` has room for one trade a call, and the account tells how
    many there are; ``refused`` counts by :class:`Refusal`; ``equity`` is the account's value at each row's close.
    """

    market: Market
    said: Said
    finer: Finer
    grid: Grid
    shares: Floats
    positions: Rows
    targets: Floats
    account: Rows
    trades: Rows
    refused: Counts
    equity: Floats


TERMS = np.dtype(
    [
        *((name, np.float64) for name in ("maker", "taker", "cost", "size", "leverage", "trail_distance")),
        *((name, np.float64) for name in ("break_even_r", "daily_loss")),
        *((name, np.int64) for name in ("entry", "limit_bars", "sizing", "positions", "from_fill", "trail")),
        *((name, np.int64) for name in ("break_even_after", "time_stop", "cooldown", "same_bar")),
    ],
    align=True,
)
POSITION = np.dtype(
    [
        *((name, np.int64) for name in ("side", "opened", "call", "rung", "rungs", "leaving", "waiting", "closed")),
        *(
            (name, np.float64)
            for name in ("quantity", "whole", "entry", "stop", "first_stop", "target", "best", "worst", "mark")
        ),
        *((name, np.float64) for name in ("fees", "funding", "gained", "sold")),
    ],
    align=True,
)
ACCOUNT = np.dtype(
    [
        *((name, np.float64) for name in ("cash", "equity", "day_equity")),
        *((name, np.int64) for name in ("open", "trades", "day", "day_over", "ruined")),
    ],
    align=True,
)
TRADE = np.dtype(
    [
        ("instrument", np.int32),
        ("side", np.int8),
        ("reason", np.int8),
        *((name, np.int64) for name in ("call", "opened", "closed")),
        *((name, np.float64) for name in ("entry", "exit", "stop", "quantity", "fees", "funding", "pnl", "r", "mae", "mfe")),
    ],
    align=True,
)
"""One trade: rows of its call, its entry and its last exit; ``exit`` is the mean price; ``mae`` and ``mfe`` are in R."""
