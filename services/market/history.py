"""A stretch of closed candles as columns: what a store gives and what a backtest reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from services.domain.market import Candle, timeframe_seconds

Times: TypeAlias = npt.NDArray[np.int64]
Values: TypeAlias = npt.NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Candles that are not there: the openings of the first and the last of them, milliseconds UTC, and how many."""

    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Closed candles of one instrument and timeframe, oldest first, without the one still open.

    ``time`` is each candle's opening in milliseconds UTC, ascending and unique; prices are in the quote currency, volume in the
    base currency. What is missing is not filled in. Raises ValueError for columns that are anything else.
    """

    symbol: str
    timeframe: str
    time: Times
    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values

    def __post_init__(self) -> None:
        timeframe_seconds(self.timeframe)
        for name, column in (("time", self.time), *self.columns()):
            if column.dtype != (np.int64 if name == "time" else np.float64):
                raise ValueError(f"{name} is {column.dtype}")
            if column.ndim != 1 or not column.flags.c_contiguous:
                raise ValueError(f"{name} is not one contiguous column")
            if len(column) != len(self.time):
                raise ValueError(f"{name} has {len(column)} rows, time {len(self.time)}")
        if bool((np.diff(self.time) <= 0).any()):
            raise ValueError("time does not ascend")

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> tuple[tuple[str, Values], ...]:
        """Return the five columns beside the time, by name."""
        return (
            ("open", self.open),
            ("high", self.high),
            ("low", self.low),
            ("close", self.close),
            ("volume", self.volume),
        )

    @property
    def step(self) -> int:
        """Return the timeframe in milliseconds."""
        return timeframe_seconds(self.timeframe) * 1000

    def between(self, since: datetime | None = None, until: datetime | None = None) -> History:
        """Return the candles that open at or after ``since`` and before ``until``, as views of the same columns."""
        first = 0 if since is None else int(np.searchsorted(self.time, milliseconds(since)))
        end = len(self) if until is None else int(np.searchsorted(self.time, milliseconds(until)))
        return self.rows(first, max(first, end))

    def rows(self, first: int, end: int) -> History:
        """Return the rows from ``first`` up to and without ``end``, as views of the same columns."""
        return History(
            symbol=self.symbol,
            timeframe=self.timeframe,
            time=self.time[first:end],
            open=self.open[first:end],
            high=self.high[first:end],
            low=self.low[first:end],
            close=self.close[first:end],
            volume=self.volume[first:end],
        )

    def gaps(self) -> tuple[Gap, ...]:
        """Return what is missing between the first and the last candle, oldest first."""
        steps = np.diff(self.time) // self.step
        return tuple(
            Gap(first=int(self.time[row]) + self.step, last=int(self.time[row + 1]) - self.step, count=int(steps[row]) - 1)
            for row in np.flatnonzero(steps > 1)
        )

    def equals(self, other: History) -> bool:
        """Tell whether both are of the same instrument and timeframe and hold the same candles, bit for bit."""
        return (self.symbol, self.timeframe) == (other.symbol, other.timeframe) and all(
            np.array_equal(mine, theirs)
            for mine, theirs in zip(
                (self.time, *(column for _, column in self.columns())),
                (other.time, *(column for _, column in other.columns())),
                strict=True,
            )
        )

    def candles(self) -> tuple[Candle, ...]:
        """Return the candles one by one: for a window, not for years."""
        return tuple(
            Candle(time=moment(time), open=o, high=h, low=low, close=c, volume=v)
            for time, o, h, low, c, v in zip(
                self.time.tolist(), *(column.tolist() for _, column in self.columns()), strict=True
            )
        )


def from_rows(symbol: str, timeframe: str, rows: Sequence[Candle]) -> History:
    """Put candles into columns; raise ValueError where their times do not ascend."""
    values = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), 5)
    opens, highs, lows, closes, volumes = (np.ascontiguousarray(column) for column in values.T)
    return History(
        symbol=symbol,
        timeframe=timeframe,
        time=np.array([milliseconds(row.time) for row in rows], dtype=np.int64),
        open=opens,
        high=highs,
        low=lows,
        close=closes,
        volume=volumes,
    )


def concat(parts: Sequence[History]) -> History:
    """Put stretches of one instrument and timeframe behind each other, oldest first; at least one.

    Raises ValueError where they are of different ones, or overlap.
    """
    first = parts[0]
    if any((part.symbol, part.timeframe) != (first.symbol, first.timeframe) for part in parts):
        raise ValueError("stretches of different candles")
    return History(
        symbol=first.symbol,
        timeframe=first.timeframe,
        time=np.concatenate([part.time for part in parts]),
        open=np.concatenate([part.open for part in parts]),
        high=np.concatenate([part.high for part in parts]),
        low=np.concatenate([part.low for part in parts]),
        close=np.concatenate([part.close for part in parts]),
        volume=np.concatenate([part.volume for part in parts]),
    )


def milliseconds(at: datetime) -> int:
    """Return an aware instant as milliseconds UTC, exactly."""
    return (at - EPOCH) // _MILLISECOND


def moment(time: int) -> datetime:
    """Return milliseconds UTC as an aware instant."""
    return EPOCH + time * _MILLISECOND
