"""A clock that is moved by hand, and short ways to write quotes and orders."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from services.domain.market import Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.orders import OrderRequest, OrderRole, OrderSide, OrderType, TimeInForce

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BTC = Instrument(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
)
ETH = Instrument(
    symbol="ETH/USDT",
    base="ETH",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
)
ETHBTC = Instrument(
    symbol="ETH/BTC",
    base="ETH",
    quote="BTC",
    tick=Decimal("0.00001"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal("0.0001"),
)
GRIDS = {each.symbol: each for each in (BTC, ETH, ETHBTC)}


class HandClock:
    """Stand still until moved; sleepers wake in the order of their times."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._numbers), future))
        await future

    def move(self, seconds: float) -> None:
        """Let time pass and wake whoever slept until then."""
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds
        while self._sleepers and self._sleepers[0][0] <= self._seconds:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)

    def suspend(self, seconds: float) -> None:
        """Let only the wall clock go on, as while a computer sleeps."""
        self._now += timedelta(seconds=seconds)

    @property
    def next_wake(self) -> float | None:
        """Return in how many seconds the next sleeper wakes, or None when nobody sleeps."""
        waiting = [at for at, _, future in self._sleepers if not future.done()]
        return min(waiting) - self._seconds if waiting else None


class Board:
    """The newest quotes, set by hand."""

    def __init__(self) -> None:
        self.quotes: dict[str, Quote] = {}

    def latest(self, symbol: str) -> Quote | None:
        return self.quotes.get(symbol)


def quote(
    bid: str | Decimal, ask: str | Decimal, at: datetime, *, size: str | Decimal = "5", symbol: str = BTC.symbol
) -> Quote:
    return Quote(
        symbol=symbol,
        bid=Price(Decimal(bid)),
        ask=Price(Decimal(ask)),
        bid_size=Quantity(Decimal(size)),
        ask_size=Quantity(Decimal(size)),
        feed_time=at,
        received_at=at,
    )


def order(client_id: str, side: str, quantity: str, **changes: Any) -> OrderRequest:
    """Write a market order, or with ``price`` a limit, or with ``stop_price`` a reduce-only stop."""
    price, stop_price = changes.pop("price", None), changes.pop("stop_price", None)
    kind = OrderType.LIMIT if price is not None else OrderType.STOP if stop_price is not None else OrderType.MARKET
    fields: dict[str, Any] = {
        "client_id": client_id,
        "symbol": BTC.symbol,
        "side": OrderSide(side),
        "type": kind,
        "role": OrderRole.STOP if kind is OrderType.STOP else OrderRole.ENTRY,
        "quantity": Quantity(Decimal(quantity)),
        "price": None if price is None else Price(Decimal(price)),
        "stop_price": None if stop_price is None else Price(Decimal(stop_price)),
        "time_in_force": TimeInForce.GTC,
        "reduce_only": kind is OrderType.STOP,
    }
    return OrderRequest(**{**fields, **changes})


def exits(stem: str, side: str, stop: tuple[str, str], *targets: tuple[str, str]) -> list[OrderRequest]:
    """Write linked exits: a stop and targets, each as (quantity, price)."""
    requests = [order(f"{stem}00", side, stop[0], stop_price=stop[1])]
    for index, (quantity, price) in enumerate(targets, start=1):
        requests.append(order(f"{stem}{index:02d}", side, quantity, price=price, role=OrderRole.TARGET, reduce_only=True))
    return requests
