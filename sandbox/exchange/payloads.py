"""Write market values in the form of Binance's spot API: times in milliseconds, amounts as text of eight decimals."""

from typing import Any

from sandbox.exchange.day import DaySummary, Traded
from sandbox.exchange.instruments import Instrument
from sandbox.exchange.quotes import Book, Level
from sandbox.exchange.snapshot import Candle
from sandbox.exchange.tape import Print

Payload = dict[str, Any]

_NOTHING = "0.00000000"


def kline_row(instrument: Instrument, candle: Candle) -> list[Any]:
    """Write a candle as the twelve fields of klines, the last of which is unused."""
    totals = candle.totals
    return [
        candle.open_time,
        instrument.price_text(candle.open),
        instrument.price_text(totals.high),
        instrument.price_text(totals.low),
        instrument.price_text(totals.close),
        instrument.volume_text(totals.volume),
        candle.close_time,
        instrument.quote_text(totals.quote),
        totals.trades,
        instrument.volume_text(totals.taker_volume),
        instrument.quote_text(totals.taker_quote),
        "0",
    ]


def depth_payload(instrument: Instrument, book: Book) -> Payload:
    """Write an order book."""
    return {
        "lastUpdateId": book.update_id,
        "bids": [_level(instrument, level) for level in book.bids],
        "asks": [_level(instrument, level) for level in book.asks],
    }


def book_ticker_payload(instrument: Instrument, book: Book) -> Payload:
    """Write the best bid and ask, zeros where the book is empty."""
    bid, ask = _best(instrument, book.bids), _best(instrument, book.asks)
    return {
        "symbol": instrument.symbol,
        "bidPrice": bid[0],
        "bidQty": bid[1],
        "askPrice": ask[0],
        "askQty": ask[1],
    }


def price_payload(instrument: Instrument, price: int) -> Payload:
    """Write the last price."""
    return {"symbol": instrument.symbol, "price": instrument.price_text(price)}


def average_payload(instrument: Instrument, minutes: int, traded: Traded, at: int) -> Payload:
    """Write the average price of the last minutes."""
    return {"mins": minutes, "price": instrument.mean_price_text(traded.quote, traded.volume), "closeTime": at}


def day_payload(instrument: Instrument, day: DaySummary, book: Book) -> Payload:
    """Write the full 24-hour ticker."""
    change = day.last - day.open
    bid, ask = _best(instrument, book.bids), _best(instrument, book.asks)
    return {
        "symbol": instrument.symbol,
        "priceChange": instrument.price_text(change),
        "priceChangePercent": f"{100 * change / day.open:.3f}",
        "weightedAvgPrice": _average(instrument, day),
        "prevClosePrice": instrument.price_text(day.previous_close),
        "lastPrice": instrument.price_text(day.last),
        "lastQty": instrument.volume_text(day.last_quantity),
        "bidPrice": bid[0],
        "bidQty": bid[1],
        "askPrice": ask[0],
        "askQty": ask[1],
        **_day_rows(instrument, day),
    }


def short_day_payload(instrument: Instrument, day: DaySummary) -> Payload:
    """Write the 24-hour ticker of type MINI."""
    rows = _day_rows(instrument, day)
    return {"symbol": instrument.symbol, "lastPrice": instrument.price_text(day.last), **rows}


def trade_payload(instrument: Instrument, trade: Print) -> Payload:
    """Write a trade of the recent trades list."""
    return {
        "id": trade.id,
        "price": instrument.price_text(trade.price),
        "qty": instrument.volume_text(trade.quantity),
        "quoteQty": instrument.quote_text(trade.price * trade.quantity),
        "time": trade.at,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_payload(instrument: Instrument, trade: Print) -> Payload:
    """Write a trade as an aggregate of itself."""
    return {
        "a": trade.id,
        "p": instrument.price_text(trade.price),
        "q": instrument.volume_text(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.at,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def _average(instrument: Instrument, day: DaySummary) -> str:
    return instrument.mean_price_text(day.quote, day.volume) if day.volume else instrument.price_text(day.last)


def _day_rows(instrument: Instrument, day: DaySummary) -> Payload:
    return {
        "openPrice": instrument.price_text(day.open),
        "highPrice": instrument.price_text(day.high),
        "lowPrice": instrument.price_text(day.low),
        "volume": instrument.volume_text(day.volume),
        "quoteVolume": instrument.quote_text(day.quote),
        "openTime": day.open_time,
        "closeTime": day.close_time,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


def _level(instrument: Instrument, level: Level) -> tuple[str, str]:
    return instrument.price_text(level.price), instrument.volume_text(level.size)


def _best(instrument: Instrument, levels: tuple[Level, ...]) -> tuple[str, str]:
    return _level(instrument, levels[0]) if levels else (_NOTHING, _NOTHING)
