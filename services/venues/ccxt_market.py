"""An exchange's public side through ccxt, unmodified and without keys.

With ``base_url`` every address of the exchange keeps its path and gets that scheme, host and prefix, so the same protocol can
be spoken to a server elsewhere; for Binance, ``http://host:port/exchange`` is asked under ``/exchange/api/v3``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from config.groups import VenueSettings
from services.domain.errors import Misconfigured, Unavailable
from services.domain.market import Candle, Instrument, Quote
from services.domain.money import ZERO, Price, Quantity
from services.domain.ports import Clock
from services.venues.ccxt_client import exchange_class, grid_instrument, number, rebase, share_trust

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

T = TypeVar("T")
log = structlog.get_logger()

# ccxt's classes by what the desk may make of them; the first that fits counts, so subclasses stand before their parents.
_CODES = (
    ("RequestTimeout", "MARKET_TIMEOUT"),
    ("RateLimitExceeded", "MARKET_RATE_LIMITED"),
    ("DDoSProtection", "MARKET_RATE_LIMITED"),
    ("ExchangeNotAvailable", "MARKET_UNREACHABLE"),
    ("NetworkError", "MARKET_UNREACHABLE"),
    ("NotSupported", "MARKET_NOT_SUPPORTED"),
    ("BaseError", "MARKET_REFUSED"),
)
# What ccxt's parsers let through when an answer is not what they expect.
_MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


class CcxtMarketData:
    """Read instruments, quotes and candles of one exchange; every failure is Unavailable with a code and no address."""

    def __init__(self, name: str, settings: VenueSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._exchange: Exchange | None = None
        self._left_out: dict[str, str] = {}

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        """Read the grids of spot symbols anew; raise Misconfigured for one that is not listed."""

        async def ask(exchange: Exchange) -> list[Instrument]:
            await _load_markets(exchange)
            return [self._instrument(exchange, symbol) for symbol in symbols]

        return await self._ask("instruments", ask)

    async def quotes(self, symbols: Sequence[str]) -> Sequence[Quote]:
        """Read the newest quotes in one request; a symbol without a usable one is left out and logged.

        Raises Unavailable when there is none at all, or when the exchange does not stamp its answer.
        """

        async def ask(exchange: Exchange) -> list[Quote]:
            if not exchange.markets:
                await _load_markets(exchange)
            tickers = await exchange.fetch_tickers(list(symbols))
            received_at = self._clock.now()
            return [quote for symbol in symbols if (quote := self._quote(symbol, tickers.get(symbol) or {}, received_at))]

        quotes = await self._ask("quotes", ask)
        if not quotes:
            raise Unavailable("MARKET_NO_QUOTES", venue=self._name, symbols=len(symbols))
        return quotes

    async def candles(self, symbol: str, timeframe: str, limit: int) -> Sequence[Candle]:
        """Read the newest candles, oldest first, the open one last; an exchange may give fewer than ``limit``."""

        async def ask(exchange: Exchange) -> list[Candle]:
            await self._require_timeframe(exchange, timeframe)
            rows = await exchange.fetch_ohlcv(symbol, timeframe, limit=limit)
            return sorted(_candle(row) for row in rows)

        return await self._ask("candles", ask)

    async def candles_since(self, symbol: str, timeframe: str, since: datetime, limit: int) -> Sequence[Candle]:
        """Read the first candles that open at or after an instant, oldest first, one for each; the open one may be among them.

        Raise Misconfigured for a symbol that is not listed. An exchange may give fewer than ``limit``.
        """

        async def ask(exchange: Exchange) -> list[Candle]:
            await self._require_timeframe(exchange, timeframe)
            self._require_listed(exchange, symbol)
            first = round(since.timestamp() * 1000)
            rows = await exchange.fetch_ohlcv(symbol, timeframe, since=first, limit=limit)
            by_time = {row[0]: _candle(row) for row in rows if row[0] >= first}
            return [by_time[time] for time in sorted(by_time)]

        return await self._ask("candles", ask)

    async def server_time(self) -> datetime:
        """Read the exchange's clock."""

        async def ask(exchange: Exchange) -> datetime:
            return _instant(await exchange.fetch_time())

        return await self._ask("server_time", ask)

    async def close(self) -> None:
        """Release connections; a later call opens new ones."""
        if self._exchange is not None:
            exchange, self._exchange = self._exchange, None
            await exchange.close()

    async def _ask(self, what: str, ask: Callable[[Exchange], Awaitable[T]]) -> T:
        import ccxt.async_support as ccxt

        if self._exchange is None:
            self._exchange = _build(self._name, self._settings)
        try:
            # ccxt changes how the thread's decimals round, and leaves it so.
            with localcontext():
                async with asyncio.timeout(2 * self._settings.timeout_s):
                    return await ask(self._exchange)
        except TimeoutError as error:
            raise Unavailable("MARKET_TIMEOUT", venue=self._name, call=what) from error
        except ccxt.BaseError as error:
            code = next(code for name, code in _CODES if isinstance(error, getattr(ccxt, name)))
            # The message may quote an address or a whole page; the class says enough.
            raise Unavailable(code, venue=self._name, call=what, reason=type(error).__name__) from None
        except OSError as error:
            raise Unavailable("MARKET_UNREACHABLE", venue=self._name, call=what, reason=type(error).__name__) from None
        except _MALFORMED as error:
            raise Unavailable("MARKET_MALFORMED", venue=self._name, call=what, reason=type(error).__name__) from error

    async def _require_timeframe(self, exchange: Exchange, timeframe: str) -> None:
        """Have the list of markets, and raise Misconfigured for a timeframe that the exchange does not serve."""
        if self._settings.base_url is None and timeframe not in exchange.timeframes:
            raise Misconfigured(
                "TIMEFRAME",
                key="market.timeframe",
                value=timeframe,
                fix=f"use one of {', '.join(exchange.timeframes)}, which is what {self._settings.exchange} serves",
            )
        if not exchange.markets:
            await _load_markets(exchange)

    def _instrument(self, exchange: Exchange, symbol: str) -> Instrument:
        self._require_listed(exchange, symbol)
        return grid_instrument(exchange, symbol)

    def _require_listed(self, exchange: Exchange, symbol: str) -> None:
        market = exchange.markets.get(symbol)
        if market is None or not market.get("spot"):
            raise Misconfigured(
                "UNKNOWN_INSTRUMENT",
                key="market.instruments",
                value=symbol,
                venue=self._name,
                fix="remove it, or write it as the exchange's spot market is called, such as BTC/USDT",
            )

    def _quote(self, symbol: str, ticker: Mapping[str, Any], received_at: datetime) -> Quote | None:
        try:
            bid, ask, bid_size, ask_size = (number(ticker[key]) for key in ("bid", "ask", "bidVolume", "askVolume"))
        except (KeyError, ValueError):
            self._leave_out(symbol, "incomplete")
            return None
        if not ZERO < bid <= ask or min(bid_size, ask_size) < 0:
            self._leave_out(symbol, "crossed or not positive")
            return None
        if ticker["timestamp"] is None:
            raise Unavailable("MARKET_NO_STAMP", venue=self._name, symbol=symbol)
        if self._left_out.pop(symbol, None):
            log.info("market.quote_back", venue=self._name, symbol=symbol)
        return Quote(
            symbol=symbol,
            bid=Price(bid),
            ask=Price(ask),
            bid_size=Quantity(bid_size),
            ask_size=Quantity(ask_size),
            feed_time=_instant(ticker["timestamp"]),
            received_at=received_at,
        )

    def _leave_out(self, symbol: str, reason: str) -> None:
        if self._left_out.get(symbol) != reason:
            self._left_out[symbol] = reason
            log.warning("market.quote_left_out", venue=self._name, symbol=symbol, reason=reason)


def _build(name: str, settings: VenueSettings) -> Exchange:
    exchange: Exchange = exchange_class(name, settings)(
        {
            "timeout": int(settings.timeout_s * 1000),
            # The default spaces all calls evenly, counting a list of tickers as all tickers: each would hold up the next
            # candles for most of a second. The window has the same total and lets a few calls go out together.
            "rateLimiterAlgorithm": "rollingWindow",
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False},
        }
    )
    exchange.has["fetchCurrencies"] = False
    exchange.number = Decimal
    rebase(exchange, settings.base_url)
    share_trust(exchange)
    return exchange


async def _load_markets(exchange: Exchange) -> None:
    """Read the exchange's list of markets; ccxt takes a garbled answer for an empty list and would keep it."""
    await exchange.load_markets(reload=True)
    if not exchange.markets:
        raise ValueError("the exchange lists no market")


def _candle(row: Sequence[Any]) -> Candle:
    opening, high, low, close, volume = (float(value) for value in row[1:6])
    ordered = 0 < low <= min(opening, close) <= max(opening, close) <= high and volume >= 0
    if not (ordered and all(map(isfinite, (opening, high, low, close, volume)))):
        raise ValueError("a candle's prices contradict each other")
    return Candle(time=_instant(row[0]), open=opening, high=high, low=low, close=close, volume=volume)


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
