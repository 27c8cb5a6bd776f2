"""The bars of the played market, as ``GET /market/series`` lists them, in the desk's own words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from services.domain.market import Candle, CandleSeries, Instrument

# The quote currencies the sandbox's exchange knows, each with a smallest order well above what that exchange takes.
LEAST_ORDER = {"USDT": Decimal(10), "BTC": Decimal("0.0004"), "ETH": Decimal("0.004")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """One instrument's bars: rising indexes on the market's timeline, and open, high, low, close, volume of each."""

    instrument: Instrument
    indexes: Sequence[int]
    rows: Sequence[Sequence[float]]

    def at(self, index: int) -> Sequence[float] | None:
        """Return the bar at an index, or None in a gap."""
        place = bisect_left(self.indexes, index)
        return self.rows[place] if place < len(self.indexes) and self.indexes[place] == index else None

    def after(self, index: int, count: int) -> Sequence[Sequence[float]]:
        """Return up to ``count`` bars that follow an index."""
        place = bisect_right(self.indexes, index)
        return self.rows[place : place + count]

    def closed(self, index: int, count: int, *, timeframe: str, opened_at: datetime, bar: timedelta) -> CandleSeries:
        """Return the newest ``count`` candles up to the bar at ``index``, which opened at ``opened_at``."""
        end = bisect_right(self.indexes, index)
        begin = max(0, end - count)
        candles = [
            Candle(opened_at + (at - index) * bar, *row)
            for at, row in zip(self.indexes[begin:end], self.rows[begin:end], strict=True)
        ]
        return CandleSeries(instrument=self.instrument, timeframe=timeframe, candles=candles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of the played market; a start needs at least ``minimum_start`` bars before it."""

    bar_seconds: int
    timeframe: str
    minimum_start: int
    first: int
    last: int
    bars: tuple[Bars, ...]


def instrument_of(name: str, tick: str, step: str) -> Instrument:
    """Return the instrument that the exchange calls ``BTCUSDT``; raise ValueError when its quote currency is unknown."""
    quote = next((each for each in LEAST_ORDER if name.endswith(each)), None)
    if quote is None or name == quote:
        raise ValueError(f"{name} is not quoted in {', '.join(LEAST_ORDER)}")
    base = name.removesuffix(quote)
    return Instrument(
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        tick=Decimal(tick).normalize(),
        step=Decimal(step).normalize(),
        min_quantity=Decimal(step).normalize(),
        min_notional=LEAST_ORDER[quote],
    )


def read_stretch(answer: dict[str, Any]) -> Stretch:
    """Read the answer of ``/market/series``."""
    first = int(answer["from"])
    return Stretch(
        bar_seconds=int(answer["bar_seconds"]),
        timeframe=str(answer["timeframe"]),
        minimum_start=int(answer["minimum_start"]),
        first=first,
        last=first + int(answer["bars"]) - 1,
        bars=tuple(
            Bars(
                instrument=instrument_of(name, symbol["tick"], symbol["step"]),
                indexes=symbol["indexes"],
                rows=symbol["candles"],
            )
            for name, symbol in answer["symbols"].items()
        ),
    )
