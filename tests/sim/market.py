"""A market of seeded random walks with gaps and spikes, served as an exchange serves its public side."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.errors import Unavailable
from services.domain.market import Candle, Instrument, Quote
from services.domain.money import Price, Quantity
from tests.sim.clocks import VirtualClock
from tests.sim.faults import Weather
from tests.trading.rig import BTC, ETH

BAR_S = 15
HISTORY = 60
CENT = Decimal("0.01")
BEGINNING = {"BTC/USDT": 64000.0, "ETH/USDT": 3200.0}
MOST_SKEW_S = 0.8


class SeededMarket:
    """Prices move once a second; readings are stamped with the exchange's clock, which may be off."""

    def __init__(self, seed: int, clock: VirtualClock, weather: Weather) -> None:
        self._chance = random.Random(f"market {seed}")
        self._clock = clock
        self._weather = weather
        self.skew = timedelta()
        if "venue.clock.skew" in weather.on:
            weather.count("venue.clock.skew")
            self.skew = timedelta(seconds=round(weather.between(-MOST_SKEW_S, MOST_SKEW_S), 3))
        self._calm = self._chance.choice((0.00005, 0.0002, 0.0005))
        self._price = dict(BEGINNING)
        self._closes = {symbol: self._past(price) for symbol, price in BEGINNING.items()}
        self._seconds = 0
        self._spikes: dict[str, float] = {}
        self._read: Sequence[Quote] = ()
        self.still = False

    def quote(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Return bid and ask."""
        middle = Decimal(repr(round(self._price[symbol], 2)))
        half = max(CENT, (middle / 40_000).quantize(CENT))
        return middle - half, middle + half

    def second(self) -> None:
        """Let a second pass."""
        for symbol in self._price if not self.still else ():
            back = self._spikes.pop(symbol, 0.0)
            self._price[symbol] *= (1 + self._chance.gauss(0, self._calm)) / (1 + back)
        self._seconds += 1
        if self._seconds % BAR_S == 0:
            for symbol, closes in self._closes.items():
                closes.append(self._price[symbol])

    def gap(self) -> None:
        """Let a price jump and stay there."""
        self._leap(self._chance.choice(sorted(self._price)))

    def spike(self) -> None:
        """Let a price jump and come back within a second."""
        symbol = self._chance.choice(sorted(self._price))
        self._spikes[symbol] = self._leap(symbol)

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        await self._answer()
        return [each for each in (BTC, ETH) if each.symbol in symbols]

    async def quotes(self, symbols: Sequence[str]) -> Sequence[Quote]:
        await self._answer()
        if not self._weather.lasts("market.stale"):
            received = self._clock.now()
            self._read = [self._quoted(symbol, received) for symbol in symbols]
        return self._read

    async def candles(self, symbol: str, timeframe: str, limit: int) -> Sequence[Candle]:
        await self._answer()
        if self._weather.strikes("market.candles.error"):
            raise Unavailable("MARKET_UNREACHABLE", reason="simulated")
        bar = timedelta(seconds=BAR_S)
        opened = self._clock.start + self._seconds // BAR_S * bar
        closes = [*self._closes[symbol], self._price[symbol]]
        bars = reversed(range(min(limit, HISTORY)))
        return [_candle(opened - bar * back, closes[-2 - back], closes[-1 - back]) for back in bars]

    async def server_time(self) -> datetime:
        await self._answer()
        return self._clock.true() + self.skew

    async def close(self) -> None:
        return

    def _quoted(self, symbol: str, received: datetime) -> Quote:
        bid, ask = self.quote(symbol)
        size = Quantity(Decimal(self._chance.choice(("0.02", "1", "50"))))
        told = self._clock.true() + self.skew
        return Quote(
            symbol=symbol, bid=Price(bid), ask=Price(ask), bid_size=size, ask_size=size, feed_time=told, received_at=received
        )

    def _leap(self, symbol: str) -> float:
        far = self._chance.choice((-1, 1)) * self._chance.uniform(0.002, 0.012)
        self._price[symbol] *= 1 + far
        return far

    def _past(self, price: float) -> list[float]:
        path = [price]
        for _ in range(HISTORY):
            path.append(path[-1] * (1 + self._chance.gauss(0, self._calm * 4)))
        return [*reversed(path)]

    async def _answer(self) -> None:
        await asyncio.sleep(self._weather.between(1, 6) if self._weather.strikes("market.slow") else 0.01)
        if self._weather.strikes("market.error"):
            raise Unavailable("MARKET_UNREACHABLE", reason="simulated")


def _candle(opened: datetime, before: float, close: float) -> Candle:
    return Candle(opened, before, max(before, close) * 1.0001, min(before, close) * 0.9999, close, 10.0)
