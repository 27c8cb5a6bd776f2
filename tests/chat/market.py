"""An exchange whose prices and an hour hand whose time the test moves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bot.system import SystemClock
from services.domain.market import Candle, Instrument, Quote
from services.domain.money import Price, Quantity
from tests.trading.rig import BTC, ETH


class ShiftedClock(SystemClock):
    """The machine's clock, put forward by the test; stages and pauses still run in real time."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


class SandboxTime:
    """The same time as the sandbox counts it."""

    def __init__(self, clock: ShiftedClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return time.time() + self._clock.ahead.total_seconds()


class HandMarket:
    """An exchange whose prices the test sets; every reading is stamped with the time it is read."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self.prices: dict[str, tuple[str, str]] = {
            "BTC/USDT": ("63999.99", "64000.01"),
            "ETH/USDT": ("3199.99", "3200.01"),
        }
        self.size = "100"
        self.silent = False

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        return [each for each in (BTC, ETH) if each.symbol in symbols]

    async def quotes(self, symbols: Sequence[str]) -> Sequence[Quote]:
        now = self._clock.now()
        prices = {} if self.silent else self.prices
        return [
            Quote(
                symbol=symbol,
                bid=Price(Decimal(bid)),
                ask=Price(Decimal(ask)),
                bid_size=Quantity(Decimal(self.size)),
                ask_size=Quantity(Decimal(self.size)),
                feed_time=now,
                received_at=now,
            )
            for symbol, (bid, ask) in prices.items()
            if symbol in symbols
        ]

    async def candles(self, symbol: str, timeframe: str, limit: int) -> Sequence[Candle]:
        now = self._clock.now().replace(second=0, microsecond=0)
        price = float(self.prices[symbol][0])
        return [
            Candle(now - timedelta(minutes=limit - 1 - at), price, price * 1.001, price * 0.999, price, 10.0 + at % 5)
            for at in range(limit)
        ]

    async def server_time(self) -> datetime:
        return self._clock.now()

    async def close(self) -> None:
        return
