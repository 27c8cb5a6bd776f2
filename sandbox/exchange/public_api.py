"""The endpoints of the exchange's public API: what each takes, weighs and answers."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sandbox.exchange.day import AVERAGE_MINUTES, average_price, summarise_day
from sandbox.exchange.errors import ApiRefusal, MarketHeld, not_ready
from sandbox.exchange.exchange_info import exchange_info_payload
from sandbox.exchange.instruments import Instrument
from sandbox.exchange.market import Market
from sandbox.exchange.payloads import (
    aggregate_payload,
    average_payload,
    book_ticker_payload,
    day_payload,
    depth_payload,
    kline_row,
    price_payload,
    short_day_payload,
    trade_payload,
)
from sandbox.exchange.query import Query, bad_combination
from sandbox.exchange.quotes import read_book
from sandbox.exchange.snapshot import Snapshot
from sandbox.exchange.tape import latest_prints, prints_from
from sandbox.exchange.weights import day_ticker_weight, depth_weight, price_ticker_weight

_ROWS = 500
_MOST_ROWS = 1_000
_LEVELS = 100
_MOST_LEVELS = 5_000
_STATUSES = ("TRADING", "HALT", "BREAK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: its parameters, the moment it may see (None for now), and how far the clock is off, in ms."""

    market: Market
    query: Query
    seen_at: int | None = None
    skew: int = 0

    def snapshot(self) -> Snapshot:
        """Read the market; raises the exchange's refusal while it is held."""
        try:
            return self.market.snapshot(self.seen_at)
        except MarketHeld as error:
            raise not_ready() from error

    @property
    def listed(self) -> dict[str, Instrument]:
        """Give the instruments by symbol."""
        return {instrument.symbol: instrument for instrument in self.market.source.instruments}

    @property
    def server_time(self) -> int:
        """Tell the exchange's time in milliseconds."""
        return self.market.now() + self.skew

    def instrument(self) -> Instrument:
        """Give the instrument of the mandatory symbol."""
        listed = self.listed
        return listed[self.query.symbol(listed)]

    def answer_each(self, write: Callable[[Instrument], Any]) -> Any:
        """Answer for the symbols asked for: one object for `symbol`, a list for `symbols` or for all."""
        listed = self.listed
        asked = self.query.symbols(listed)
        answers = [write(listed[symbol]) for symbol in (listed if asked is None else asked)]
        return answers[0] if self.query.single else answers


def ping(call: Call) -> Any:
    """Answer nothing."""
    return {}


def time(call: Call) -> Any:
    """Tell the server's time."""
    return {"serverTime": call.server_time}


def exchange_info(call: Call) -> Any:
    """List the symbols with their filters; a symbol whose recording has ended is on BREAK."""
    asked = call.query.symbols(call.listed)
    status = call.query.text("symbolStatus")
    wanted = None if status is None else call.query.choice("symbolStatus", _STATUSES, "TRADING")
    call.query.choice("showPermissionSets", ("true", "false"), "true")
    if asked is not None and (status is not None or call.query.text("permissions") is not None):
        raise bad_combination()
    call.query.choice("permissions", ("SPOT", '["SPOT"]'), "SPOT")
    snapshot = call.snapshot()
    states = [(call.listed[symbol], not snapshot.ended(symbol)) for symbol in asked or call.listed]
    chosen = [(each, trading) for each, trading in states if wanted in (None, "TRADING" if trading else "BREAK")]
    return exchange_info_payload(chosen, call.server_time)


def klines(call: Call) -> Any:
    """List candles; the first request after a start sets the market in motion."""
    instrument = call.instrument()
    interval = call.market.intervals.get(call.query.text("interval") or "")
    if interval is None:
        raise ApiRefusal(-1120, "Invalid interval.")
    start, end = call.query.integer("startTime"), call.query.integer("endTime")
    limit = call.query.limit(default=_ROWS, most=_MOST_ROWS)
    call.market.look()
    candles = call.snapshot().candles(instrument.symbol, interval, start=start, end=end, limit=limit)
    return [kline_row(instrument, candle) for candle in candles]


def day_ticker(call: Call) -> Any:
    """Give the 24-hour ticker."""
    kind = call.query.choice("type", ("FULL", "MINI"), "FULL")
    snapshot = call.snapshot()

    def write(instrument: Instrument) -> Any:
        day = summarise_day(snapshot, instrument.symbol)
        if kind == "MINI":
            return short_day_payload(instrument, day)
        return day_payload(instrument, day, read_book(snapshot, instrument.symbol, 1))

    return call.answer_each(write)


def price_ticker(call: Call) -> Any:
    """Give the last price."""
    snapshot = call.snapshot()
    return call.answer_each(lambda each: price_payload(each, snapshot.position(each.symbol).price))


def book_ticker(call: Call) -> Any:
    """Give the best bid and ask."""
    snapshot = call.snapshot()
    return call.answer_each(lambda each: book_ticker_payload(each, read_book(snapshot, each.symbol, 1)))


def depth(call: Call) -> Any:
    """Give the order book."""
    instrument = call.instrument()
    limit = call.query.limit(default=_LEVELS, most=_MOST_LEVELS)
    return depth_payload(instrument, read_book(call.snapshot(), instrument.symbol, limit))


def trades(call: Call) -> Any:
    """List the newest trades."""
    instrument = call.instrument()
    limit = call.query.limit(default=_ROWS, most=_MOST_ROWS)
    return [trade_payload(instrument, each) for each in latest_prints(call.snapshot(), instrument.symbol, limit)]


def aggregate_trades(call: Call) -> Any:
    """List trades from an id, or within two times, or the newest."""
    instrument, snapshot = call.instrument(), call.snapshot()
    first_id, start, end = (call.query.integer(name) for name in ("fromId", "startTime", "endTime"))
    limit = call.query.limit(default=_ROWS, most=_MOST_ROWS)
    if first_id is not None and (start is not None or end is not None):
        raise bad_combination()
    if first_id is None and start is None:
        found = latest_prints(snapshot, instrument.symbol, limit, until=end)
    else:
        found = prints_from(snapshot, instrument.symbol, limit, first_id=first_id or 0, start=start or 0, until=end)
    return [aggregate_payload(instrument, each) for each in found]


def average(call: Call) -> Any:
    """Give the average price of the last minutes."""
    instrument, snapshot = call.instrument(), call.snapshot()
    traded = average_price(snapshot, instrument.symbol)
    return average_payload(instrument, AVERAGE_MINUTES, traded, snapshot.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A path, the parameters it knows, its weight for a query, and its answer."""

    path: str
    answer: Callable[[Call], Any]
    weight: Callable[[Query], int]
    mandatory: Collection[str] = ()
    optional: Collection[str] = ()


def _weigh(weight: int) -> Callable[[Query], int]:
    return lambda query: weight


def _weigh_depth(query: Query) -> int:
    return depth_weight(query.limit(default=_LEVELS, most=_MOST_LEVELS))


def _weigh_day_ticker(query: Query) -> int:
    text = query.text("symbols")
    return day_ticker_weight(1 if query.single else None if text is None else text.count(",") + 1)


def _weigh_price_ticker(query: Query) -> int:
    return price_ticker_weight(query.single)


_SPAN = ("startTime", "endTime", "limit")
_EITHER = ("symbol", "symbols")

# Weights are those of Binance's spot API documentation.
ENDPOINTS = (
    Endpoint(path="ping", answer=ping, weight=_weigh(1)),
    Endpoint(path="time", answer=time, weight=_weigh(1)),
    Endpoint(
        path="exchangeInfo",
        answer=exchange_info,
        weight=_weigh(20),
        optional=(*_EITHER, "permissions", "showPermissionSets", "symbolStatus"),
    ),
    Endpoint(path="klines", answer=klines, weight=_weigh(2), mandatory=("symbol", "interval"), optional=_SPAN),
    Endpoint(path="uiKlines", answer=klines, weight=_weigh(2), mandatory=("symbol", "interval"), optional=_SPAN),
    Endpoint(path="ticker/24hr", answer=day_ticker, weight=_weigh_day_ticker, optional=(*_EITHER, "type")),
    Endpoint(path="ticker/price", answer=price_ticker, weight=_weigh_price_ticker, optional=_EITHER),
    Endpoint(path="ticker/bookTicker", answer=book_ticker, weight=_weigh_price_ticker, optional=_EITHER),
    Endpoint(path="depth", answer=depth, weight=_weigh_depth, mandatory=("symbol",), optional=("limit",)),
    Endpoint(path="trades", answer=trades, weight=_weigh(25), mandatory=("symbol",), optional=("limit",)),
    Endpoint(
        path="aggTrades",
        answer=aggregate_trades,
        weight=_weigh(4),
        mandatory=("symbol",),
        optional=("fromId", *_SPAN),
    ),
    Endpoint(path="avgPrice", answer=average, weight=_weigh(2), mandatory=("symbol",)),
)
