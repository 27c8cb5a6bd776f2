"""What an account holds and what works there, as the exchange says it now; a failed question is never an empty answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.domain.errors import Unavailable, VenueDoubt
from services.domain.market import Instrument
from services.domain.orders import Balance, VenueOrder, VenuePosition
from services.domain.ports import Clock, QuoteSource
from services.venues.ccxt_spot.activity import Activity
from services.venues.ccxt_spot.calls import Caller
from services.venues.ccxt_spot.orders import amount, from_ccxt
from services.venues.ccxt_spot.profiles import Answer, LookUp, Profile

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

MAX_QUOTE_AGE = timedelta(seconds=10)
ON_ITS_WAY_S = 1.0


class AccountReader:
    """Reads one account; every failure is Unavailable, and VenueDoubt where an order is looked for."""

    def __init__(
        self, caller: Caller, profile: Profile, activity: Activity, clock: Clock, quotes: QuoteSource, recv_window_ms: int
    ) -> None:
        self._caller = caller
        self._profile = profile
        self._activity = activity
        self._clock = clock
        self._quotes = quotes
        self._in_flight_s = recv_window_ms / 1000 + ON_ITS_WAY_S

    async def find(self, symbol: str, client_id: str) -> VenueOrder | None:
        """Look an order up by its client id; None only when the exchange says that it has none.

        Raises VenueDoubt on any failure, and while a write of that id may still be on its way: an exchange takes it until the
        receive window is over.
        """
        try:
            told = await (self._find_one if self._profile.look_up is LookUp.ORDER else self._find_listed)(symbol, client_id)
            if told is not None:
                order = self._order(told, symbol)
                self._activity.saw(order, told.get("timestamp"), ours=True)
                return order
        except Unavailable as error:
            raise VenueDoubt(error.code, **error.values) from error
        except (KeyError, ValueError, TypeError) as error:
            raise VenueDoubt("VENUE_MALFORMED", client_id=client_id, reason=type(error).__name__) from error
        ago = self._activity.sent_ago(client_id)
        if ago is not None and ago < self._in_flight_s:
            raise VenueDoubt("ON_ITS_WAY", client_id=client_id, wait_s=round(self._in_flight_s - ago, 1))
        return None

    async def name_order(self, symbol: str, venue_id: str) -> str | None:
        """Return the client id of an order by the exchange's number; raise Unavailable when it does not say."""

        async def ask(exchange: Exchange) -> Mapping[str, Any]:
            told: Mapping[str, Any] = await exchange.fetch_order(venue_id, symbol)
            return told

        told = await self._caller.read("order", ask, Answer.RECORD)
        self._activity.saw(self._checked(told, symbol))
        return str(told["clientOrderId"]) if told.get("clientOrderId") else None

    def open_orders_cost(self, symbols: int) -> float:
        """Return what it costs to ask for the open orders of so many symbols, in ccxt's units."""
        return min(self._profile.symbol_cost * symbols, self._profile.all_cost)

    async def open_orders(self, symbols: Sequence[str]) -> list[VenueOrder]:
        """Return what works at the symbols: asked for one by one where that is cheaper than for all."""
        each = self._profile.symbol_cost * len(symbols) <= self.open_orders_cost(len(symbols))
        asked: Sequence[str | None] = symbols if each else [None]
        answers = await asyncio.gather(*(self._open_orders_of(symbol) for symbol in asked))
        found = [order for orders in answers for order in orders if order.symbol in symbols]
        for order in found:
            self._activity.saw(order)
        return found

    async def _open_orders_of(self, symbol: str | None) -> list[VenueOrder]:
        async def ask(exchange: Exchange) -> list[Mapping[str, Any]]:
            rows: list[Mapping[str, Any]] = await exchange.fetch_open_orders(symbol)
            return rows

        rows = await self._caller.read("open orders", ask, Answer.ROWS)
        return [self._checked(row, str(row.get("symbol") or "")) for row in rows]

    async def positions(self, instruments: Sequence[Instrument]) -> list[VenuePosition]:
        """Return what the account holds of the instruments' base assets, free or locked, where it is not nothing."""
        held = await self._balances()
        positions = [VenuePosition(symbol=each.symbol, quantity=_total(held, each.base)) for each in instruments]
        return [each for each in positions if each.quantity]

    async def balance(self, instruments: Sequence[Instrument], currency: str) -> Balance:
        """Value the account at the newest quotes; raise Unavailable when a held instrument has no fresh one."""
        held = await self._balances()
        equity = _total(held, currency)
        for instrument in instruments:
            quantity = _total(held, instrument.base)
            if quantity:
                equity += quantity * self._mid(instrument.symbol)
        free = amount((held.get(currency) or {}).get("free"))
        return Balance(currency=currency, equity=equity, free=free, received_at=self._clock.now())

    def _mid(self, symbol: str) -> Decimal:
        quote = self._quotes.latest(symbol)
        if quote is None or quote.age(self._clock.now()) > MAX_QUOTE_AGE:
            raise Unavailable("NO_QUOTE", symbol=symbol, limit_s=MAX_QUOTE_AGE.total_seconds())
        return quote.mid

    async def _balances(self) -> Mapping[str, Any]:
        async def ask(exchange: Exchange) -> Mapping[str, Any]:
            held: Mapping[str, Any] = await exchange.fetch_balance()
            return held

        held: Mapping[str, Any] = await self._caller.read("balances", ask, Answer.RECORD)
        return held

    async def _find_one(self, symbol: str, client_id: str) -> Mapping[str, Any] | None:
        async def ask(exchange: Exchange) -> Mapping[str, Any]:
            told: Mapping[str, Any] = await exchange.fetch_order(None, symbol, {self._profile.id_key: client_id})
            return told

        reading = await self._caller.ask(ask, Answer.RECORD)
        if reading.refusal == "UNKNOWN_ORDER":
            return None
        if not reading.believed:
            raise self._caller.failed("order", reading)
        # An exchange may show a canceled order under the client id of its cancel.
        return {**reading.result, "clientOrderId": client_id}

    async def _find_listed(self, symbol: str, client_id: str) -> Mapping[str, Any] | None:
        params = {self._profile.id_key: client_id}

        async def working(exchange: Exchange) -> list[Mapping[str, Any]]:
            rows: list[Mapping[str, Any]] = await exchange.fetch_open_orders(symbol, None, None, params)
            return rows

        async def ended(exchange: Exchange) -> list[Mapping[str, Any]]:
            both = exchange.has.get("fetchCanceledAndClosedOrders")
            fetch = exchange.fetch_canceled_and_closed_orders if both else exchange.fetch_closed_orders
            rows: list[Mapping[str, Any]] = await fetch(symbol, None, None, params)
            return rows

        for ask in (working, ended):
            for row in await self._caller.read("orders", ask, Answer.ROWS):
                if row.get("clientOrderId") == client_id:
                    found: Mapping[str, Any] = row
                    return found
        return None

    def _checked(self, told: Mapping[str, Any], symbol: str) -> VenueOrder:
        try:
            if not symbol:
                raise ValueError("an order of no symbol")
            return self._order(told, symbol)
        except (KeyError, ValueError, TypeError) as error:
            raise Unavailable("VENUE_MALFORMED", call="orders", reason=type(error).__name__) from error

    def _order(self, told: Mapping[str, Any], symbol: str) -> VenueOrder:
        return from_ccxt(told, symbol, self._clock.now())


def _total(held: Mapping[str, Any], asset: str) -> Decimal:
    return amount((held.get(asset) or {}).get("total"))
