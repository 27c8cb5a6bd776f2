"""A venue's past that a test writes, with the ways in which venues answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.domain.errors import Unavailable
from services.domain.market import Candle
from services.market.history import milliseconds, moment
from tests.history.made import NOW, STEP, time_of


class PastVenue:
    """Has the candles of ``rows``. It fails at the pages in ``failing``, counted from 1, with what stands there.

    ``windowed``: it looks no further than ``limit`` candles from the first; ``newest_only``: it heeds no beginning.
    """

    def __init__(self, rows: dict[int, int], *, windowed: bool = False, newest_only: bool = False, most: int = 10_000) -> None:
        self.rows = rows
        self.now = NOW
        self.failing: dict[int, BaseException] = {}
        self.asked: list[tuple[int, int]] = []
        self.beside: list[Candle] = []
        self._windowed = windowed
        self._newest_only = newest_only
        self._most = most

    async def server_time(self) -> datetime:
        return self.now

    async def candles_since(self, symbol: str, timeframe: str, since: datetime, limit: int) -> Sequence[Candle]:
        first = (milliseconds(since) - time_of(0)) // STEP
        self.asked.append((first, limit))
        error = self.failing.get(len(self.asked))
        if error is not None:
            raise error
        limit = min(limit, self._most)
        known = sorted(row for row in self.rows if moment(time_of(row)) <= self.now)
        chosen = known[-limit:] if self._newest_only else [row for row in known if row >= first]
        if self._windowed:
            chosen = [row for row in chosen if row < first + limit]
        rows = [_candle(row, self.rows[row]) for row in chosen[:limit] if row >= first]
        return sorted(rows + [each for each in self.beside if each.time >= since])


class HandedClock:
    """Tells the venue's time, and does not wait."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def unreachable() -> Unavailable:
    return Unavailable("MARKET_UNREACHABLE", venue="binance")


def _candle(row: int, value: int) -> Candle:
    base = 100.0 + value
    return Candle(moment(time_of(row)), base, base + 2, base - 3, base + 1, base * 10)


def beside(row: int, off: timedelta) -> Candle:
    """Return a candle that opens off the grid."""
    return _candle(row, 0)._replace(time=moment(time_of(row)) + off)
