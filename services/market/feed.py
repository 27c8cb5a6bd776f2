"""The feed: quotes at a steady pace, candles as soon as a bar has closed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import structlog

from config.groups import MarketSettings
from services.domain.errors import Misconfigured, SortieError, Unavailable
from services.domain.market import CandleSeries, Instrument, Tier
from services.domain.ports import Clock, MarketData, StageBeat
from services.market.candles import CandleBook, Change
from services.market.quotes import QuoteBoard

log = structlog.get_logger()

SERVED_AFTER = timedelta(milliseconds=100)
REPOLL_S = (0.25, 0.25, 0.5, 0.5, 1.0)
POLL_FOR_S = 10.0
LONGEST_SLEEP_S = 5.0
BACKOFF_S = 0.5
BACKOFF_RATE_LIMITED_S = 5.0
BACKOFF_MOST_S = 30.0
FRESH = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A symbol's closed candles when a new one is among them; ``missed`` older ones closed unseen and are not to be scanned."""

    symbol: str
    series: CandleSeries
    missed: int


class Feed:
    """Keep the board and the candle book up to date from one market.

    A failed request is retried with growing, jittered pauses and never ends the feed; the stage "feed" beats only while quotes
    are fresh and candles arrive. ``jitter`` returns numbers from 0 to 1.
    """

    def __init__(
        self,
        market: MarketData,
        board: QuoteBoard,
        book: CandleBook,
        clock: Clock,
        settings: MarketSettings,
        beat: StageBeat,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._market = market
        self._board = board
        self._book = book
        self._clock = clock
        self._settings = settings
        self._beat = beat
        self._jitter = jitter
        self._instruments: dict[str, Instrument] = {}
        self._ahead = timedelta(0)
        self._polled_close = datetime.min.replace(tzinfo=UTC)
        self._candles_fail = False
        self._listeners: list[Callable[[], None]] = []

    @property
    def instruments(self) -> Sequence[Instrument]:
        """Return the grids in the order of the settings; none before a warm-up has succeeded."""
        return tuple(self._instruments.values())

    def instrument(self, symbol: str) -> Instrument | None:
        """Return one grid, or None for a symbol that is not watched or not read yet."""
        return self._instruments.get(symbol)

    def series(self, symbol: str) -> CandleSeries:
        """Return a watched symbol's closed candles."""
        return CandleSeries(
            instrument=self._instruments[symbol], timeframe=self._book.timeframe, candles=self._book.closed(symbol)
        )

    def on_closed(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever new closed candles can be taken; it must return at once and not raise."""
        self._listeners.append(listener)

    def take_new(self) -> list[Closed]:
        """Return every symbol with new closed candles, once, however many closed since it was last asked; none while cold.

        A warm-up that failed half-way leaves candles behind, and no instrument to read them by.
        """
        if not self._instruments:
            return []
        taken = [
            Closed(symbol=each.symbol, series=self.series(each.symbol), missed=each.missed) for each in self._book.take_unseen()
        ]
        for each in taken:
            if each.missed:
                log.warning("candles.missed", symbol=each.symbol, count=each.missed)
        return taken

    async def warm_up(self) -> Sequence[Instrument]:
        """Read instruments, candle history and quotes; raise Unavailable or Misconfigured when any of it is not to be had."""
        symbols = self._settings.instruments
        listed = await self._market.instruments(symbols)
        exchange_time = await self._read_exchange_time()
        started = self._exchange_now()
        await asyncio.gather(*(self._fetch(symbol, self._settings.history + 1, exchange_time) for symbol in symbols))
        for symbol in symbols:
            if self._book.newest(symbol) is None:
                raise Unavailable("NO_CANDLES", symbol=symbol, timeframe=self._book.timeframe)
            log.info("feed.warm", symbol=symbol, candles=len(self._book.closed(symbol)), gaps=self._book.gaps(symbol))
        # A bar that ended during the requests may be in some answers only: it is polled for as soon as the feed runs.
        self._polled_close = self._book.last_close(started)
        await self._read_quotes()
        tiers = self._settings.tiers
        self._instruments = {each.symbol: replace(each, tier=Tier(tiers.get(each.symbol, Tier.A))) for each in listed}
        return self.instruments

    async def run(self) -> None:
        """Follow the market for ever; raise Misconfigured before a warm-up has succeeded."""
        if not self._instruments:
            raise Misconfigured("FEED_COLD", fix="call warm_up before run")
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._follow_quotes(), name="feed quotes")
            loops.create_task(self._follow_candles(), name="feed candles")

    async def _follow_quotes(self) -> None:
        failures = 0
        while True:
            started = self._clock.monotonic()
            try:
                await self._read_quotes()
                failures = 0
            except SortieError as error:
                failures += 1
                await self._back_off("quotes", error, failures)
            else:
                spent = self._clock.monotonic() - started
                await self._clock.sleep(max(0.0, self._settings.quote_every_s - spent))

    async def _follow_candles(self) -> None:
        failures = 0
        while True:
            try:
                await self._wait_for_close()
                await self._poll_closed()
                failures = 0
            except SortieError as error:
                failures += 1
                self._candles_fail = True
                await self._back_off("candles", error, failures)
            else:
                self._candles_fail = False

    async def _back_off(self, what: str, error: SortieError, failures: int) -> None:
        first = BACKOFF_RATE_LIMITED_S if error.code == "MARKET_RATE_LIMITED" else BACKOFF_S
        pause = min(BACKOFF_MOST_S, first * 2 ** min(failures - 1, 10)) * (0.5 + self._jitter() / 2)
        log.warning("feed.failed", what=what, error=str(error), failures=failures, pause_s=round(pause, 2))
        await self._clock.sleep(pause)

    async def _read_quotes(self) -> None:
        quotes = await self._market.quotes(self._settings.instruments)
        for quote in quotes:
            self._board.put(quote)
        now = self._clock.now()
        fresh = [quote for quote in quotes if quote.age(now) <= FRESH]
        if fresh and not self._candles_fail:
            self._beat.beat("feed", detail=f"{len(fresh)}/{len(self._settings.instruments)} quotes")

    async def _wait_for_close(self) -> None:
        """Sleep until the next bar ends; not at all when bars have ended since the last one that was polled."""
        due = self._polled_close + self._book.length + SERVED_AFTER
        while (left := (due - self._exchange_now()).total_seconds()) > 0:
            await self._clock.sleep(min(left, LONGEST_SLEEP_S))

    async def _poll_closed(self) -> None:
        """Ask for candles until every symbol has the bar that ended last, or it is plain that it has none."""
        until = self._clock.monotonic() + min(POLL_FOR_S, self._book.length.total_seconds() / 2)
        waiting = list(self._settings.instruments)
        close = self._polled_close
        for pause in chain(REPOLL_S, repeat(REPOLL_S[-1])):
            await self._fetch_missing(waiting, await self._read_exchange_time())
            close = self._book.last_close(self._exchange_now())
            waiting = [symbol for symbol in waiting if not self._has_bar_ending(symbol, close)]
            if not waiting or self._clock.monotonic() >= until:
                break
            await self._clock.sleep(pause)
        for symbol in waiting:
            log.warning("candles.none", symbol=symbol, close=str(close))
        self._polled_close = close

    def _has_bar_ending(self, symbol: str, close: datetime) -> bool:
        newest = self._book.newest(symbol)
        return newest is not None and newest.time + self._book.length >= close

    async def _fetch_missing(self, symbols: Sequence[str], exchange_time: datetime | None) -> None:
        """Fetch for all symbols at once; keep what came and tell of it even when one of them failed."""
        fetches = (self._fetch(symbol, self._limit(symbol), exchange_time) for symbol in symbols)
        results = await asyncio.gather(*fetches, return_exceptions=True)
        if any(isinstance(result, Change) and result.gained for result in results):
            for listener in self._listeners:
                listener()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _fetch(self, symbol: str, limit: int, exchange_time: datetime | None) -> Change:
        rows = await self._market.candles(symbol, self._book.timeframe, limit)
        change = self._book.put(symbol, rows, exchange_time)
        if change.regridded:
            log.warning("candles.regridded", symbol=symbol)
            rows = await self._market.candles(symbol, self._book.timeframe, self._settings.history + 1)
            self._book.put(symbol, rows, exchange_time)
        if change.corrected:
            log.warning("candles.corrected", symbol=symbol, count=change.corrected)
        if change.missing:
            log.warning("candles.gap", symbol=symbol, count=change.missing)
        return change

    def _limit(self, symbol: str) -> int:
        """Return how many candles reach back to the newest closed one, all that is missing since in one request."""
        newest = self._book.newest(symbol)
        most = self._settings.history + 1
        if newest is None:
            return most
        behind = (self._exchange_now() - newest.time) // self._book.length
        return min(most, max(3, behind + 2))

    async def _read_exchange_time(self) -> datetime | None:
        """Read the exchange's clock and how far it is ahead of ours; None when it does not show one."""
        before = self._clock.now()
        try:
            stamp = await self._market.server_time()
        except Unavailable as error:
            if error.code == "MARKET_NOT_SUPPORTED":
                return None
            raise
        self._ahead = stamp - (before + (self._clock.now() - before) / 2)
        return stamp

    def _exchange_now(self) -> datetime:
        return self._clock.now() + self._ahead
