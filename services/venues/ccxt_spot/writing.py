"""The writes: what is refused here, what is sent once, and what the exchange's reply makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.domain.errors import SortieError, Unavailable, VenueDoubt, VenueRejected
from services.domain.market import Instrument
from services.domain.orders import OrderRequest, OrderRole, OrderSide, OrderType, VenueOrder
from services.domain.ports import Clock
from services.domain.states import LIVE_ORDER_STATES
from services.venues.ccxt_spot.activity import Activity
from services.venues.ccxt_spot.calls import Caller
from services.venues.ccxt_spot.lists import legs, place_oco, split_list
from services.venues.ccxt_spot.orders import beyond, from_ccxt, put_on_grid, to_ccxt
from services.venues.ccxt_spot.profiles import Profile
from services.venues.ccxt_spot.reading import AccountReader
from services.venues.ccxt_spot.replies import Lane
from services.venues.ccxt_spot.silence import Countdown

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

GridOf = Callable[[str], Instrument]
HasMarketStop = Callable[[str], bool]


class AccountWriter:
    """Puts orders and takes them away. A client id leaves once in the life of this process."""

    def __init__(
        self,
        caller: Caller,
        reader: AccountReader,
        profile: Profile,
        activity: Activity,
        countdown: Countdown,
        clock: Clock,
        grid_of: GridOf,
        has_market_stop: HasMarketStop,
        stop_limit_bps: Decimal,
    ) -> None:
        self._caller = caller
        self._reader = reader
        self._profile = profile
        self._activity = activity
        self._countdown = countdown
        self._clock = clock
        self._grid_of = grid_of
        self._has_market_stop = has_market_stop
        self._stop_limit_bps = stop_limit_bps

    async def place(self, request: OrderRequest) -> VenueOrder:
        """Put one order."""
        await self._caller.ready()
        order = put_on_grid(request, self._grid_of(request.symbol))
        self._require_offered(order)
        asked = to_ccxt(order, self._stop_limit(order))
        marks = self._profile.entry_params if order.role is OrderRole.ENTRY else {}
        await self._countdown.make_way((order,))

        async def send(exchange: Exchange) -> Mapping[str, Any]:
            told: Mapping[str, Any] = await exchange.create_order(
                order.symbol, asked.type, order.side.value, asked.quantity, asked.price, {**asked.params, **marks}
            )
            return told

        def took(told: Mapping[str, Any]) -> bool:
            return bool(told.get("id")) and told.get("clientOrderId") in (None, order.client_id)

        told = await self._send([order], _lane(order), send, took)
        return self._report(told, order)

    async def place_list(self, requests: Sequence[OrderRequest]) -> list[VenueOrder]:
        """Put a target and a stop as one list with one request."""
        if not self._profile.lists:
            raise VenueRejected("NOT_OFFERED", reason="the exchange has no order lists")
        await self._caller.ready()
        orders = [put_on_grid(request, self._grid_of(request.symbol)) for request in requests]
        target, stop = split_list(orders)
        by_id = {order.client_id: order for order in orders}
        await self._countdown.make_way(tuple(orders))

        async def send(exchange: Exchange) -> list[Mapping[str, Any]]:
            return legs(exchange, await place_oco(exchange, target, stop, self._stop_limit(stop)), stop.symbol)

        def took(told: Sequence[Mapping[str, Any]]) -> bool:
            return {leg["clientOrderId"] for leg in told} == by_id.keys() and all(leg.get("id") for leg in told)

        told = {leg["clientOrderId"]: leg for leg in await self._send(orders, Lane.EXIT, send, took)}
        return [self._report(told[order.client_id], order) for order in orders]

    async def cancel(self, symbol: str, client_ids: Sequence[str]) -> list[VenueOrder]:
        """Take away one order, or one list by any of its legs; what is final is reported, what was never seen left out.

        Raises VenueRejected before anything is sent when the ids would need more than one request.
        """
        wanted = list(dict.fromkeys(client_ids))
        known: dict[str, VenueOrder] = {}
        if not wanted:
            return []
        if len(wanted) > 1:
            try:
                known = await self._look_up(symbol, wanted)
            except VenueDoubt as error:
                raise Unavailable(error.code, **error.values) from error
            live = [order for order in known.values() if order.state in LIVE_ORDER_STATES]
            if not live:
                return list(known.values())
            if len(live) > 1 and len({order.list_id or order.venue_id for order in live}) > 1:
                raise VenueRejected("ONE_WRITE", client_ids=wanted, reason="these orders are no list")
            first = str(live[0].client_id)
        else:
            first = wanted[0]
        return await self._cancel_one(symbol, first, wanted, known)

    async def _cancel_one(
        self, symbol: str, client_id: str, wanted: Sequence[str], known: Mapping[str, VenueOrder]
    ) -> list[VenueOrder]:
        reports: dict[str, VenueOrder] = {}

        async def send(exchange: Exchange) -> Mapping[str, Any]:
            told: Mapping[str, Any] = await exchange.cancel_order(None, symbol, {self._profile.id_key: client_id})
            for leg in legs(exchange, told.get("info"), symbol) or [{**told, "clientOrderId": client_id}]:
                if leg.get("status") is not None:
                    reports[leg["clientOrderId"]] = from_ccxt(leg, symbol, self._clock.now())
            return told

        self._activity.touch([symbol])
        try:
            await self._caller.write(Lane.EXIT, send, lambda told: isinstance(told, dict))
        except VenueRejected as error:
            if error.code != "UNKNOWN_ORDER":
                raise
            return await self._as_it_stands(symbol, wanted)
        # The cancel is done, whatever a reading says now; what is not read here is found by the next look.
        ended = {name: order for name, order in known.items() if order.state not in LIVE_ORDER_STATES}
        missing = [name for name in wanted if name not in reports and name not in ended]
        with suppress(VenueDoubt):
            reports |= await self._look_up(symbol, missing)
        for order in reports.values():
            self._activity.saw(order)
        return [order for name, order in (ended | reports).items() if name in wanted]

    async def _as_it_stands(self, symbol: str, wanted: Sequence[str]) -> list[VenueOrder]:
        """Report orders that the exchange would not cancel because they do not work any more."""
        found = await self._look_up(symbol, wanted)
        working = [name for name, order in found.items() if order.state in LIVE_ORDER_STATES]
        if working:
            raise VenueDoubt("UNCLEAR_ANSWER", client_ids=working, reason="refused as unknown, and yet it works")
        return list(found.values())

    async def _look_up(self, symbol: str, names: Sequence[str]) -> dict[str, VenueOrder]:
        orders = await asyncio.gather(*(self._reader.find(symbol, name) for name in names))
        return {name: order for name, order in zip(names, orders, strict=True) if order is not None}

    async def _send(
        self, orders: Sequence[OrderRequest], lane: Lane, send: Callable[[Exchange], Any], took: Callable[[Any], bool]
    ) -> Any:
        names = [order.client_id for order in orders]
        repeated = [name for name in names if self._activity.sent_ago(name) is not None]
        if repeated:
            raise VenueRejected("DUPLICATE_CLIENT_ID", client_id=repeated[0])
        for name in names:
            self._activity.sends(name)
        self._activity.touch({order.symbol for order in orders})
        try:
            return await self._caller.write(lane, send, took)
        except VenueDoubt:
            raise
        except SortieError:
            for name in names:
                self._activity.did_not_send(name)
            raise

    def _report(self, told: Mapping[str, Any], order: OrderRequest) -> VenueOrder:
        try:
            report = from_ccxt(told, order.symbol, self._clock.now(), order)
        except (KeyError, ValueError, TypeError) as error:
            raise VenueDoubt("UNCLEAR_ANSWER", client_id=order.client_id, reason=type(error).__name__) from error
        self._activity.saw(report)
        return report

    def _require_offered(self, order: OrderRequest) -> None:
        if order.type is OrderType.STOP and not self._profile.stops:
            raise VenueRejected("NOT_OFFERED", type=order.type, reason="the exchange's stops are not found by client id")
        if order.type is OrderType.MARKET and order.side is OrderSide.BUY and not self._profile.market_buys:
            raise VenueRejected("NOT_OFFERED", type=order.type, reason="the exchange sizes a market buy in the quote currency")

    def _stop_limit(self, order: OrderRequest) -> Decimal | None:
        if order.type is not OrderType.STOP or order.stop_price is None or self._has_market_stop(order.symbol):
            return None
        return beyond(order.stop_price, order.side, self._stop_limit_bps, self._grid_of(order.symbol))


def _lane(order: OrderRequest) -> Lane:
    return Lane.ENTRY if order.role is OrderRole.ENTRY else Lane.EXIT
