"""The market's streams without a wire: what a stream has to say at a moment, given how far it has told before."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.exchange.course import STEPS
from sandbox.exchange.day import summarise_day
from sandbox.exchange.instruments import Instrument
from sandbox.exchange.market import Market
from sandbox.exchange.payloads import Payload, book_ticker_payload, day_payload, depth_payload, kline_row
from sandbox.exchange.quotes import Book, Level, read_book
from sandbox.exchange.snapshot import Candle, Snapshot
from sandbox.exchange.tape import Print, prints_from

_NAME = re.compile(r"(?P<symbol>[a-z0-9]+)@(?P<kind>[A-Za-z]+)(?P<detail>[_0-9a-zA-Z]*)(?P<speed>@1000?ms)?")
_EVERYTHING = {"!miniTicker@arr": "miniTicker", "!ticker@arr": "ticker"}
_TAPES = ("trade", "aggTrade")
_DEPTH_LEVELS = 1_000
_PARTIAL_LEVELS = {"5": 5, "10": 10, "20": 20}
_TRADES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream that is served: `instruments` has one, or all for the streams of the whole market."""

    name: str
    kind: str
    detail: str
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a stream says now: its events, and the step it has told up to."""

    step: int
    events: tuple[Payload | list[Payload], ...] = ()


def find_stream(name: str, market: Market) -> Stream | None:
    """Look a stream up by its name, None for one that is not served."""
    instruments = {each.symbol.lower(): each for each in market.source.instruments}
    if name in _EVERYTHING:
        return Stream(name=name, kind=_EVERYTHING[name], detail="all", instruments=tuple(instruments.values()))
    parts = _NAME.fullmatch(name)
    instrument = instruments.get(parts["symbol"]) if parts else None
    if parts is None or instrument is None:
        return None
    kind, detail = parts["kind"], parts["detail"]
    if kind == "kline":
        known = detail.removeprefix("_") in market.intervals
    elif kind == "depth":
        known = not detail or detail in _PARTIAL_LEVELS
    else:
        known = not detail and (kind in _WRITERS or kind in _TAPES)
    return Stream(name=name, kind=kind, detail=detail.removeprefix("_"), instruments=(instrument,)) if known else None


def begin(stream: Stream, market: Market) -> int | None:
    """Tell from which step on a new subscriber hears a stream: trades and changes of the book from the next one.

    None is for streams that tell at once what stands, and for a market that has not started.
    """
    changes = stream.kind in _TAPES or (stream.kind == "depth" and not stream.detail)
    if not changes or not market.started:
        return None
    snapshot = market.snapshot()
    return snapshot.index * STEPS + snapshot.step


def say(stream: Stream, market: Market, snapshot: Snapshot, told: int | None, at: int) -> Said:
    """Tell what is new since the step `told`, None where nothing has been told yet."""
    step = snapshot.index * STEPS + snapshot.step
    if told is not None and told >= step:
        return Said(step=told)
    if stream.detail == "all":
        return Said(step=step, events=([_WRITERS[stream.kind](snapshot, each, at) for each in stream.instruments],))
    instrument = stream.instruments[0]
    if stream.kind in _TAPES:
        events = _trades(stream, snapshot, told, at)
    elif stream.kind == "kline":
        events = _klines(stream, market, snapshot, told, at)
    elif stream.kind == "depth" and not stream.detail:
        events = _changes(market, snapshot, instrument, told, at)
    elif stream.kind == "depth":
        book = read_book(snapshot, instrument.symbol, _PARTIAL_LEVELS[stream.detail])
        events = (depth_payload(instrument, book),)
    else:
        events = (_WRITERS[stream.kind](snapshot, instrument, at),)
    return Said(step=step, events=events)


def _trades(stream: Stream, snapshot: Snapshot, told: int | None, at: int) -> tuple[Payload, ...]:
    if told is None:
        return ()
    instrument = stream.instruments[0]
    prints = prints_from(snapshot, instrument.symbol, _TRADES, first_id=told + 1)
    write = _trade if stream.kind == "trade" else _aggregate
    return tuple(write(instrument, each, at) for each in prints)


def _trade(instrument: Instrument, trade: Print, at: int) -> Payload:
    return {
        "e": "trade",
        "E": at,
        "s": instrument.symbol,
        "t": trade.id,
        "p": instrument.price_text(trade.price),
        "q": instrument.volume_text(trade.quantity),
        "T": trade.at,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def _aggregate(instrument: Instrument, trade: Print, at: int) -> Payload:
    plain = _trade(instrument, trade, at)
    number = plain.pop("t")
    return plain | {"e": "aggTrade", "a": number, "f": number, "l": number}


def _klines(stream: Stream, market: Market, snapshot: Snapshot, told: int | None, at: int) -> tuple[Payload, ...]:
    """Tell the open candle, and before it the one that has closed since."""
    instrument, interval = stream.instruments[0], market.intervals[stream.detail]
    candles = snapshot.candles(instrument.symbol, interval, start=None, end=None, limit=2)
    told_at = None if told is None else snapshot.grid.step_time(told // STEPS, told % STEPS)
    events = []
    for candle in candles:
        closed = candle.close_time < snapshot.at
        if candle is candles[-1] or (told_at is not None and told_at <= candle.close_time):
            events.append(_kline(stream, snapshot, candle, at, closed=closed))
    return tuple(events)


def _kline(stream: Stream, snapshot: Snapshot, candle: Candle, at: int, *, closed: bool) -> Payload:
    instrument = stream.instruments[0]
    row = kline_row(instrument, candle)
    trades = prints_from(snapshot, instrument.symbol, _TRADES, start=candle.open_time, until=candle.close_time)
    return {
        "e": "kline",
        "E": at,
        "s": instrument.symbol,
        "k": {
            "t": row[0],
            "T": row[6],
            "s": instrument.symbol,
            "i": stream.detail,
            "f": trades[0].id if trades else -1,
            "L": trades[-1].id if trades else -1,
            "o": row[1],
            "c": row[4],
            "h": row[2],
            "l": row[3],
            "v": row[5],
            "n": row[8],
            "x": closed,
            "q": row[7],
            "V": row[9],
            "Q": row[10],
            "B": "0",
        },
    }


def _changes(market: Market, snapshot: Snapshot, instrument: Instrument, told: int | None, at: int) -> tuple[Payload, ...]:
    """Tell what has changed in the book since it was last told; a level that is gone has the quantity zero."""
    if told is None:
        return ()
    before_at = snapshot.grid.step_time(told // STEPS, told % STEPS)
    before = read_book(market.snapshot(before_at), instrument.symbol, _DEPTH_LEVELS)
    now = read_book(snapshot, instrument.symbol, _DEPTH_LEVELS)
    changes = Book(update_id=now.update_id, bids=_differences(before.bids, now.bids), asks=_differences(before.asks, now.asks))
    levels = depth_payload(instrument, changes)
    return (
        {
            "e": "depthUpdate",
            "E": at,
            "s": instrument.symbol,
            "U": told + 1,
            "u": now.update_id,
            "b": levels["bids"],
            "a": levels["asks"],
        },
    )


def _differences(before: tuple[Level, ...], now: tuple[Level, ...]) -> tuple[Level, ...]:
    old, new = ({level.price: level.size for level in side} for side in (before, now))
    gone = [Level(price=price, size=0) for price in old if price not in new]
    return (*gone, *(Level(price=price, size=size) for price, size in new.items() if old.get(price) != size))


def _book_ticker(snapshot: Snapshot, instrument: Instrument, at: int) -> Payload:
    book = read_book(snapshot, instrument.symbol, 1)
    best = book_ticker_payload(instrument, book)
    return {
        "u": book.update_id,
        "s": instrument.symbol,
        "b": best["bidPrice"],
        "B": best["bidQty"],
        "a": best["askPrice"],
        "A": best["askQty"],
    }


def _mini_ticker(snapshot: Snapshot, instrument: Instrument, at: int) -> Payload:
    full = _ticker(snapshot, instrument, at)
    return {"e": "24hrMiniTicker"} | {key: full[key] for key in ("E", "s", "c", "o", "h", "l", "v", "q")}


def _ticker(snapshot: Snapshot, instrument: Instrument, at: int) -> Payload:
    day = day_payload(instrument, summarise_day(snapshot, instrument.symbol), read_book(snapshot, instrument.symbol, 1))
    return {"e": "24hrTicker", "E": at} | {short: day[long] for short, long in _TICKER_FIELDS.items()}


_TICKER_FIELDS = {
    "s": "symbol",
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "x": "prevClosePrice",
    "c": "lastPrice",
    "Q": "lastQty",
    "b": "bidPrice",
    "B": "bidQty",
    "a": "askPrice",
    "A": "askQty",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}
_WRITERS: Mapping[str, Callable[[Snapshot, Instrument, int], Payload]] = {
    "bookTicker": _book_ticker,
    "miniTicker": _mini_ticker,
    "ticker": _ticker,
}
