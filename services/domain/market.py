"""Instruments, candles and quotes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from services.domain.money import Price, Quantity, canonical


class Tier(StrEnum):
    """How far an instrument is trusted, A the most."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A tradable symbol with its grid.

    ``tick`` is the price grid, ``step`` the quantity grid, ``min_notional`` in the quote currency; ``max_quantity`` is the most
    that one order may have, None where the venue names no maximum; ``listed_at`` is when it listed it, None where it does
    not say. Quantities are in the base currency: an instrument that is counted in contracts of any other size is none of the
    desk's.
    """

    symbol: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    tier: Tier = Tier.A
    max_quantity: Decimal | None = None
    listed_at: datetime | None = None

    @property
    def price_decimals(self) -> int:
        """Return how many decimals a price of this instrument shows."""
        exponent = self.tick.normalize().as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0


class Candle(NamedTuple):
    """One bar; ``time`` is its opening instant (UTC), prices in the quote currency, volume in the base currency."""

    time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleSeries:
    """Closed candles of one instrument and timeframe, oldest first, without the one still open."""

    instrument: Instrument
    timeframe: str
    candles: Sequence[Candle]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best bid and ask with their sizes; ``feed_time`` is the venue's stamp, ``received_at`` ours."""

    symbol: str
    bid: Price
    ask: Price
    bid_size: Quantity
    ask_size: Quantity
    feed_time: datetime
    received_at: datetime

    @property
    def mid(self) -> Price:
        """Return the middle of bid and ask."""
        return Price((self.bid + self.ask) / 2)

    @property
    def spread_bps(self) -> Decimal:
        """Return the spread in hundredths of a percent of the middle."""
        return (self.ask - self.bid) / self.mid * 10_000

    def age(self, now: datetime) -> timedelta:
        """Return how old the quote is: the older of the venue's stamp and our receipt counts."""
        return now - min(self.feed_time, self.received_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """The versioned snapshot of instruments that the desk may trade."""

    version: int
    instruments: tuple[Instrument, ...]

    @property
    def digest(self) -> str:
        """Return a hash of what the snapshot says, independent of its version."""
        rows = [
            f"{i.symbol}|{i.base}|{i.quote}|{i.tier}|{canonical(i.tick)}|{canonical(i.step)}"
            f"|{canonical(i.min_quantity)}|{canonical(i.min_notional)}"
            + (f"|{canonical(i.max_quantity)}" if i.max_quantity is not None else "")
            for i in sorted(self.instruments, key=lambda each: each.symbol)
        ]
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()

    def find(self, name: str) -> Instrument | None:
        """Find an instrument by ``BTC/USDT``, ``btcusdt`` or, when only one quote exists, ``btc``."""
        as_written = next((i for i in self.instruments if i.symbol == name), None)
        if as_written is not None:
            return as_written
        wanted = name.upper().replace("/", "").replace("-", "").replace("_", "")
        exact = [i for i in self.instruments if i.symbol.replace("/", "") == wanted]
        if exact:
            return exact[0]
        by_base = [i for i in self.instruments if i.base == wanted]
        return by_base[0] if len(by_base) == 1 else None


def timeframe_seconds(timeframe: str) -> int:
    """Return the length of ``1m``, ``15m``, ``1h``, ``10s`` ... in seconds; raise ValueError when it is none."""
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
    if len(timeframe) < 2 or timeframe[-1] not in units or not timeframe[:-1].isdigit() or int(timeframe[:-1]) == 0:
        raise ValueError(f"not a timeframe: {timeframe!r}")
    return int(timeframe[:-1]) * units[timeframe[-1]]
