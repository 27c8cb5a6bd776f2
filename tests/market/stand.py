"""A market that the test writes, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from config.groups import MarketSettings
from services.domain.errors import SortieError, Unavailable
from services.domain.market import Candle, Instrument, Quote
from services.market.candles import CandleBook
from services.market.feed import Feed
from services.market.quotes import QuoteBoard
from tests.venues.hands import BTC, ETH, GRIDS, START, HandClock, quote

MINUTE = timedelta(minutes=1)


def candle(time: datetime, close: float = 100.0) -> Candle:
    return Candle(time=time, open=100.0, high=max(100.0, close) + 1, low=min(100.0, close) - 1, close=close, volume=5.0)


class WrittenMarket:
    """Candles on a grid through ``anchor``, one a minute; the open one is there unless ``trades`` says that nobody traded."""

    def __init__(self, clock: HandClock, anchor: datetime = START, skew: timedelta = timedelta(0)) -> None:
        self.clock = clock
        self.anchor = anchor
        self.skew = skew
        self.absent: dict[str, set[datetime]] = {}
        self.late: dict[str, timedelta] = {}
        self.failures: dict[str, list[SortieError]] = {}
        self.calls: Counter[str] = Counter()
        self.asked: list[tuple[str, int]] = []
        self.quote_stamp: datetime | None = None
        self.before_candles: Callable[[str], None] = lambda _symbol: None

    def _enter(self, call: str) -> None:
        self.calls[call] += 1
        planned = self.failures.get(call)
        if planned:
            raise planned.pop(0)

    @property
    def time(self) -> datetime:
        return self.clock.now() + self.skew

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        self._enter("instruments")
        return [GRIDS[symbol] for symbol in symbols]

    async def quotes(self, symbols: Sequence[str]) -> Sequence[Quote]:
        self._enter("quotes")
        return [quote("99.99", "100.00", self.quote_stamp or self.clock.now(), symbol=symbol) for symbol in symbols]

    async def candles(self, symbol: str, timeframe: str, limit: int) -> Sequence[Candle]:
        self._enter("candles")
        self._enter(symbol)
        self.before_candles(symbol)
        self.asked.append((symbol, limit))
        now = self.time - self.late.get(symbol, timedelta(0))
        newest = self.anchor + (now - self.anchor) // MINUTE * MINUTE
        opened = [newest - MINUTE * back for back in range(limit - 1, -1, -1)]
        return [candle(time) for time in opened if time not in self.absent.get(symbol, set())]

    async def server_time(self) -> datetime:
        self._enter("server_time")
        return self.time

    async def close(self) -> None:
        self._enter("close")


class Beats:
    """Remember the signs of life."""

    def __init__(self) -> None:
        self.details: list[str] = []

    def beat(self, stage: str, *, detail: str = "") -> None:
        assert stage == "feed"
        self.details.append(detail)


class FeedStand:
    """A feed on a written market; ``scans`` is what a scan that always keeps up has taken."""

    def __init__(self, *, anchor: datetime = START, skew: timedelta = timedelta(0), history: int = 50, **market: Any) -> None:
        self.clock = HandClock(START + timedelta(seconds=20))
        self.market = WrittenMarket(self.clock, anchor, skew)
        self.settings = MarketSettings(instruments=(BTC.symbol, ETH.symbol), history=history, **market)
        self.board = QuoteBoard()
        self.book = CandleBook("1m", history)
        self.beats = Beats()
        self.told = 0
        self.feed = Feed(self.market, self.board, self.book, self.clock, self.settings, self.beats, jitter=lambda: 1.0)
        self.feed.on_closed(self._tell)

    def _tell(self) -> None:
        self.told += 1

    async def quiet(self) -> None:
        """Let everything run until all that is left is asleep."""
        for _ in range(60):
            await asyncio.sleep(0)

    async def forward(self, seconds: float, *, step: float = 0.05) -> None:
        """Let time pass in small steps, as it does for a running process."""
        for _ in range(round(seconds / step)):
            self.clock.move(step)
            await self.quiet_briefly()

    async def quiet_briefly(self) -> None:
        for _ in range(12):
            await asyncio.sleep(0)

    async def until(self, condition: Callable[[], bool], *, within: float) -> None:
        """Let time pass until the condition holds; fail when it does not within that many seconds."""
        for _ in range(round(within / 0.05)):
            if condition():
                return
            await self.forward(0.05)
        raise AssertionError("the feed never got there")


@asynccontextmanager
async def running(stand: FeedStand) -> AsyncIterator[FeedStand]:
    """Warm a feed up and run it."""
    await stand.feed.warm_up()
    task = asyncio.create_task(stand.feed.run())
    await stand.quiet()
    try:
        yield stand
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def unavailable(code: str = "MARKET_UNREACHABLE") -> Unavailable:
    return Unavailable(code)
