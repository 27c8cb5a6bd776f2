"""The venues behind a bad line: the paper venue, and a spot exchange outside whose ledger is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from services.domain.errors import Unavailable, VenueDoubt, VenueRejected
from services.domain.money import ZERO
from services.domain.orders import Balance, OrderRequest, OrderSide, OrderType, VenueFill, VenueOrder, VenuePosition
from services.domain.ports import Capabilities, Venue
from services.operations.venue_book import BookFill, BookOrder, VenueBook
from services.venues.paper import PaperVenue
from tests.sim.clocks import VirtualClock
from tests.sim.faults import Weather
from tests.sim.loop import VirtualLoop
from tests.trading.spot_venue import ACCOUNT, EPOCH, SYMBOL, SpotVenue

LATENCY_S = (0.005, 0.05)
LATE_S = (1.0, 4.0)
HANGS_S = 3600.0
Write = Callable[[], Awaitable[Sequence[VenueOrder]]]
Seen = Callable[[Sequence[str], Sequence[str]], None]


class BadLine:
    """Passes everything on to a venue, as far as the weather lets it; ``seen`` hears of each write before it may arrive.

    A write to an ``outside`` venue goes on when the desk that sent it is gone; one to a venue of its own process does not.
    """

    def __init__(self, venue: Venue, weather: Weather, seen: Seen, *, outside: bool) -> None:
        self._venue = venue
        self._weather = weather
        self._seen = seen
        self._outside = outside

    @property
    def name(self) -> str:
        return self._venue.name

    @property
    def capabilities(self) -> Capabilities:
        return self._venue.capabilities

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        async def write() -> Sequence[VenueOrder]:
            return [await self._venue.place(account, order)]

        return (await self._write([order.client_id], [], write))[0]

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        names = [order.client_id for order in orders]
        return await self._write(names, [], lambda: self._venue.place_list(account, orders))

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        names = [order.client_id for order in orders]
        return await self._write(names, cancels, lambda: self._venue.replace_list(account, cancels, orders))

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        return await self._write([], client_ids, lambda: self._venue.cancel(account, symbol, client_ids))

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        await self._read(VenueDoubt("NO_ANSWER"))
        return await self._venue.find(account, symbol, client_id)

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        await self._read()
        return await self._venue.open_orders(account)

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        await self._read()
        fills = list(await self._venue.fills_since(account, sequence))
        if fills and self._weather.strikes("venue.fills.late"):
            return fills[: len(fills) // 2]
        if fills and self._weather.strikes("venue.fills.repeated"):
            return [*fills, fills[-1]]
        return fills

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        await self._read()
        return await self._venue.positions(account)

    async def balance(self, account: str) -> Balance:
        await self._read()
        return await self._venue.balance(account)

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        await self._read()
        await self._venue.open_account(account, currency, since)

    async def keep_alive(self, account: str, seconds: float) -> None:
        await self._read(VenueDoubt("NO_ANSWER"))
        await self._venue.keep_alive(account, seconds)

    async def stand_down(self, account: str) -> None:
        await self._read(VenueDoubt("NO_ANSWER"))
        await self._venue.stand_down(account)

    async def may_withdraw(self) -> bool | None:
        return await self._venue.may_withdraw()

    async def run_streams(self) -> None:
        """Say that there is no stream: what is polled is all there is."""

    async def close(self) -> None:
        return

    async def _read(self, error: Exception | None = None) -> None:
        weather = self._weather
        if weather.lasts("venue.outage") or weather.strikes("venue.read.error"):
            raise error or Unavailable("VENUE_UNREACHABLE", reason="simulated")
        if weather.strikes("venue.read.hangs"):
            await asyncio.sleep(HANGS_S)
        if weather.strikes("venue.read.slow"):
            await asyncio.sleep(weather.between(0.5, 5))

    async def _write(self, places: Sequence[str], cancels: Sequence[str], write: Write) -> Sequence[VenueOrder]:
        weather = self._weather
        if weather.strikes("venue.write.held_back"):
            raise Unavailable("VENUE_BUDGET", reason="simulated")
        self._seen(places, cancels)
        if weather.lasts("venue.outage") or weather.strikes("venue.write.never_arrives"):
            await asyncio.sleep(weather.between(*LATENCY_S))
            raise VenueDoubt("NO_ANSWER")
        if weather.strikes("venue.write.hangs"):
            await asyncio.sleep(HANGS_S)
        if weather.strikes("venue.write.refused"):
            await asyncio.sleep(weather.between(*LATENCY_S))
            raise VenueRejected("PRICE_FILTER")
        if weather.strikes("venue.write.arrives_late"):
            self._arrive(write, weather.between(*LATE_S))
            raise VenueDoubt("NO_ANSWER")
        taken = await self._arrive(write, weather.between(*LATENCY_S))
        if weather.strikes("venue.write.taken_and_hangs"):
            await asyncio.sleep(HANGS_S)
        if weather.strikes("venue.write.reply_lost"):
            raise VenueDoubt("TIMEOUT")
        if len(taken) > 1 and weather.strikes("venue.write.half_reply"):
            return taken[:1]
        return taken

    def _arrive(self, write: Write, after: float) -> asyncio.Future[Sequence[VenueOrder]]:
        """Let the write take effect after a while, whether or not somebody still waits for the answer."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        answer: asyncio.Future[Sequence[VenueOrder]] = loop.create_future()

        async def carry_out() -> None:
            try:
                taken = await write()
            except (VenueRejected, VenueDoubt, Unavailable) as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(taken)

        (loop.outside if self._outside else _later(loop))(lambda: loop.create_task(carry_out()), after)
        return answer


def _later(loop: VirtualLoop) -> Callable[[Callable[[], object], float], object]:
    return lambda callback, after: loop.call_later(after, callback)


class SpotExchange(SpotVenue):
    """A spot exchange with one account; what it tells is stamped with its own clock, its book with the desk's."""

    name = "spot"

    def __init__(self, clock: VirtualClock, capabilities: Capabilities, terminal: str, skew: timedelta, **how: Any) -> None:
        super().__init__(clock, capabilities, **how)
        self._time = clock
        self._terminal = terminal
        self._skew = skew
        self._accepted_at: dict[str, datetime] = {}

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        _listed(order.symbol)
        return await super().place(account, order)

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        _listed(orders[0].symbol)
        return await super().place_list(account, orders)

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        """Take everything as the desk's: nobody else trades here, and the desk's clock may be wrong when it opens."""
        await super().open_account(account, currency, EPOCH)

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        return await super().open_orders(ACCOUNT)

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        return await super().fills_since(ACCOUNT, sequence)

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        return await super().positions(ACCOUNT)

    def book(self) -> VenueBook:
        """Return everything that the exchange knows."""
        return VenueBook(
            venue=self.name,
            read_at=self._time.now(),
            orders=tuple(self._kept(order) for order in self.ledger.orders.values()),
            fills=tuple(self._executed(fill) for fill in self.ledger.fills),
            positions={(self._terminal, SYMBOL): self.ledger.base} if self.ledger.base else {},
        )

    def bare(self) -> Decimal:
        """Return how much is held that no stop would sell; nothing where the exchange takes no stops."""
        if OrderType.STOP not in self.capabilities.order_types:
            return ZERO
        stops = [o.quantity - o.filled for o in self.working() if o.side is OrderSide.SELL and o.stop_price is not None]
        return max(ZERO, self.held - sum(stops, ZERO))

    def _accept(self, order: OrderRequest, list_id: str | None, twin: VenueOrder | None = None) -> VenueOrder:
        placed = super()._accept(order, list_id, twin)
        self._accepted_at[placed.venue_id] = self._time.now()
        return placed

    def _now(self) -> datetime:
        return self._time.true() + self._skew

    def _kept(self, order: VenueOrder) -> BookOrder:
        return BookOrder(
            account=self._terminal,
            venue_id=order.venue_id,
            client_id=order.client_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            filled=order.filled,
            adds=order.side is OrderSide.BUY,
            state=order.state,
            accepted_at=self._accepted_at[order.venue_id],
            updated_at=order.updated_at,
        )

    def _executed(self, fill: VenueFill) -> BookFill:
        return BookFill(
            account=self._terminal,
            venue_fill_id=fill.venue_fill_id,
            client_id=fill.client_id,
            symbol=fill.symbol,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            fee=fill.fee,
            fee_currency=fill.fee_currency,
            at=fill.time,
        )


def _listed(symbol: str) -> None:
    if symbol != SYMBOL:
        raise VenueRejected("SYMBOL", symbol=symbol)


def bare_positions(paper: PaperVenue) -> dict[tuple[str, str], Decimal]:
    """Return by account and symbol how much of the paper venue's positions no stop would take off."""
    book = paper._book
    bare = {(each.account, each.symbol): abs(each.quantity) for each in book.positions.values()}
    for order in book.live.values():
        place = (order.account, order.request.symbol)
        if order.request.type is OrderType.STOP and order.request.reduce_only and place in bare:
            bare[place] = max(ZERO, bare[place] - order.remaining)
    return bare
