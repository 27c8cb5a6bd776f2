"""One account at a ccxt exchange as a Venue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from config.groups import VenueSettings
from services.domain.errors import Misconfigured, Unavailable, VenueRejected
from services.domain.market import Instrument
from services.domain.orders import Balance, OrderRequest, OrderType, TimeInForce, VenueFill, VenueOrder, VenuePosition
from services.domain.ports import Capabilities, Clock, QuoteSource
from services.venues.ccxt_client import exchange_class, grid_instrument
from services.venues.ccxt_spot.activity import Activity
from services.venues.ccxt_spot.calls import Caller
from services.venues.ccxt_spot.clients import Clients, Connect
from services.venues.ccxt_spot.fills import FillReader
from services.venues.ccxt_spot.reading import AccountReader
from services.venues.ccxt_spot.rights import may_withdraw
from services.venues.ccxt_spot.silence import Countdown
from services.venues.ccxt_spot.streams import AccountStream
from services.venues.ccxt_spot.writing import AccountWriter

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

QUIET_S = 5.0
# The share of an exchange's limits that asking for open orders may take.
POLLING = 0.3
# How far the measured time of the exchange may be off.
SKEW_MS = 1_000
_NEEDED = ("createOrder", "cancelOrder", "fetchOpenOrders", "fetchMyTrades", "fetchBalance")


class CcxtVenue:
    """Trade one spot account; see the package for its rules.

    ``instruments`` are those the desk trades, ``quotes`` value what is held, ``on_news`` is called with the account when the
    stream says that something happened. ``connect`` makes the connections; tests direct it to their own server.
    """

    def __init__(
        self,
        name: str,
        settings: VenueSettings,
        clock: Clock,
        instruments: Callable[[], Iterable[Instrument]],
        quotes: QuoteSource,
        on_news: Callable[[str], None],
        *,
        connect: Connect | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._instruments = instruments
        self._on_news = on_news
        self._clients = Clients(name, settings, clock, connect)
        self._caller = Caller(name, self._clients, clock, settings.timeout_s)
        profile = self._clients.profile
        self._activity = Activity(clock, lambda: self._pace_s(profile.trades_cost))
        self._reader = AccountReader(self._caller, profile, self._activity, clock, quotes, settings.recv_window_ms)
        self._fills = FillReader(self._caller, profile, self._activity, clock, self._reader.name_order)
        self._countdown = Countdown(self._caller, profile, clock)
        self._writer = AccountWriter(
            self._caller,
            self._reader,
            profile,
            self._activity,
            self._countdown,
            clock,
            self._grid,
            self._has_market_stop,
            settings.stop_limit_bps,
        )
        self._stream = AccountStream(
            name,
            self._caller,
            self._clients,
            self._activity,
            clock,
            lambda: [each.symbol for each in self._traded()],
            self._news,
        )
        self._capabilities: Capabilities | None = None
        self._account: str | None = None
        self._currency = ""
        self._opened_ms = 0
        self._working: tuple[float, int, Sequence[VenueOrder]] | None = None

    @property
    def name(self) -> str:
        """Return the venue's name in the settings."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Return what the exchange can take, by what ccxt says of it and what this adapter can look up."""
        if self._capabilities is None:
            self._capabilities = self._read_capabilities()
        return self._capabilities

    async def run_streams(self) -> None:
        """Listen to the account's stream for ever; return at once where there is none or the settings switch it off."""
        if self._settings.streams:
            await self._stream.run()

    async def close(self) -> None:
        """Release connections."""
        await self._clients.close()

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        """Take the keys' account for ``account`` and check that the desk's instruments fit the exchange's.

        Trades from ``since`` on, or else from now on, are the desk's. A desk that died before it booked the very first of them
        knows them by nothing else.

        Raises Misconfigured for a second account under the same keys, for missing keys, and for an instrument that is not
        listed or whose grid is finer than the exchange's; Unavailable when the exchange does not answer.
        """
        if self._account not in (None, account):
            raise Misconfigured(
                "ACCOUNT_TAKEN",
                key=f"venues.{self._name}",
                value=account,
                taken_by=self._account,
                fix="give each terminal a venue entry with keys of its own",
            )
        self._account, self._currency = account, currency
        await self._caller.ready()
        for instrument in self._traded():
            self._require_fit(instrument)
        if not self._opened_ms:
            self._opened_ms = (self._now_ms() if since is None else self._told_ms(since)) - SKEW_MS

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        """Put one order with one request."""
        self._require_ours(account)
        return await self._writer.place(order)

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Put one target and one stop of the same size as a list, with one request."""
        self._require_ours(account)
        return await self._writer.place_list(orders)

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Refuse: no exchange exchanges one list for another in one step."""
        raise VenueRejected("NOT_OFFERED", reason="lists are canceled, then placed anew")

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        """Cancel one order, or one list by any of its legs, with one request; VenueRejected when that is not enough."""
        self._require_ours(account)
        return await self._writer.cancel(symbol, client_ids)

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        """Return the order of that client id in whatever state, or None when the exchange says that it has none."""
        self._require_ours(account)
        return await self._reader.find(symbol, client_id)

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """Return all orders that work at the desk's instruments.

        While nothing is written or heard, an answer is good for a moment: as long as asking takes its share of the exchange's
        limits, and longer where a stream stands.
        """
        self._require(account)
        symbols = [each.symbol for each in self._traded()]
        now, changes = self._clock.monotonic(), self._activity.changes
        if self._working is not None:
            at, of, orders = self._working
            pace_s = self._pace_s(self._reader.open_orders_cost(len(symbols)))
            if of == changes and now - at < max(pace_s, QUIET_S if self._stream.steady else 0.0):
                return orders
        orders = await self._reader.open_orders(symbols)
        self._working = (now, changes, orders)
        return orders

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        """Return the fills after ``sequence``, a trade's time in milliseconds, oldest first.

        From 0 on, what happened before the desk used this account, or before the first order of the desk that was looked up,
        is left out. Trades of the last minute are read again; one that turns up late is told although its time is older.
        """
        self._require(account)
        symbols = [each.symbol for each in self._traded()]
        return await self._fills.since(symbols, sequence, self._opened_ms, self._now_ms())

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """Return what the account holds of the desk's instruments, free and locked."""
        self._require(account)
        return await self._reader.positions(self._traded())

    async def balance(self, account: str) -> Balance:
        """Return quote currency and holdings at the middle of fresh quotes; raise Unavailable without one."""
        self._require(account)
        return await self._reader.balance(self._traded(), self._currency)

    async def keep_alive(self, account: str, seconds: float) -> None:
        """Push the exchange's countdown back to so many seconds from now."""
        self._require_ours(account)
        await self._countdown.keep_alive(seconds)

    async def stand_down(self, account: str) -> None:
        """Stop the exchange's countdown."""
        self._require_ours(account)
        await self._countdown.stand_down()

    async def may_withdraw(self) -> bool | None:
        """Tell whether the key may withdraw, which the desk never needs; None where the exchange does not say."""
        return await may_withdraw(self._caller, self._settings.exchange)

    def _news(self) -> None:
        if self._account is not None:
            self._on_news(self._account)

    def _require_ours(self, account: str) -> None:
        """Refuse another account's orders; those of the first one that is named need no more than the keys."""
        if self._account not in (None, account):
            raise Unavailable("ACCOUNT_NOT_OPEN", venue=self._name, account=account)

    def _require(self, account: str) -> None:
        if self._account != account or not self._opened_ms:
            raise Unavailable("ACCOUNT_NOT_OPEN", venue=self._name, account=account)

    def _pace_s(self, cost: float) -> float:
        """Return how often a question of that cost may be asked over and over."""
        return cost / (self._clients.units_per_s * POLLING)

    def _traded(self) -> list[Instrument]:
        return [each for each in self._instruments() if each.quote == self._currency]

    def _now_ms(self) -> int:
        return int(self._clients.reader.milliseconds()) - self._behind_ms()

    def _told_ms(self, at: datetime) -> int:
        return int(at.timestamp() * 1000) - self._behind_ms()

    def _behind_ms(self) -> int:
        """Return how far the exchange's clock is behind this machine's."""
        return int(self._clients.reader.options.get("timeDifference") or 0)

    def _grid(self, symbol: str) -> Instrument:
        reader: Exchange = self._clients.reader
        if symbol not in (reader.markets or {}):
            raise VenueRejected("UNKNOWN_SYMBOL", symbol=symbol)
        try:
            return grid_instrument(reader, symbol)
        except ValueError as error:
            raise VenueRejected("UNKNOWN_SYMBOL", symbol=symbol, reason=str(error)) from error

    def _has_market_stop(self, symbol: str) -> bool:
        types = self._clients.reader.markets[symbol].get("info", {}).get("orderTypes")
        return not isinstance(types, list) or "STOP_LOSS" in types

    def _require_fit(self, instrument: Instrument) -> None:
        try:
            grid = self._grid(instrument.symbol)
        except VenueRejected as error:
            raise Misconfigured(
                "UNKNOWN_INSTRUMENT",
                key="market.instruments",
                value=instrument.symbol,
                venue=self._name,
                fix=f"remove it, or trade it elsewhere: {self._settings.exchange} does not list it",
            ) from error
        finer = {name: theirs for name, theirs in (("tick", grid.tick), ("step", grid.step)) if _rest(instrument, name, theirs)}
        if finer:
            raise Misconfigured(
                "GRID",
                key="market.venue",
                value=instrument.symbol,
                venue=self._name,
                finer_than=", ".join(f"{name} {value}" for name, value in finer.items()),
                fix="read prices from the exchange that is traded",
            )

    def _read_capabilities(self) -> Capabilities:
        exchange = exchange_class(self._name, self._settings)()
        missing = [name for name in _NEEDED if not exchange.has.get(name)]
        features = (exchange.features.get("spot") or {}).get("createOrder") or {}
        if missing or not features:
            raise Misconfigured(
                "VENUE_NOT_TRADABLE",
                key=f"venues.{self._name}.exchange",
                value=self._settings.exchange,
                missing=", ".join(missing) or "spot orders",
                fix="trade at another exchange; prices may be read from this one",
            )
        profile, times = self._clients.profile, features.get("timeInForce") or {}
        offered = {each for each in TimeInForce if each is TimeInForce.GTC or times.get(_FEATURE_NAMES.get(each, each.name))}
        stops = profile.stops and bool(features.get("stopLossPrice"))
        return Capabilities(
            long=True,
            short=False,
            order_types=frozenset(OrderType) - (frozenset() if stops else {OrderType.STOP}),
            reduce_only=False,
            order_lists=profile.lists and stops,
            replace_lists=False,
            list_size=2 if profile.lists and stops else 1,
            exits_lock=True,
            times_in_force=frozenset(offered),
            cancel_on_silence=profile.silence,
        )


_FEATURE_NAMES = {TimeInForce.POST: "PO"}


def _rest(instrument: Instrument, name: str, theirs: Decimal) -> bool:
    return bool(getattr(instrument, name) % theirs)
