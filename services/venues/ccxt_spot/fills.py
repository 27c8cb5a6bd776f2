"""An account's trades: read where something happened and in rounds everywhere, told in order, late ones too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from services.domain.errors import Unavailable
from services.domain.money import Price, Quantity
from services.domain.orders import OrderSide, VenueFill
from services.domain.ports import Clock
from services.venues.ccxt_spot.activity import Activity
from services.venues.ccxt_spot.calls import Caller
from services.venues.ccxt_spot.orders import amount
from services.venues.ccxt_spot.profiles import Answer, Profile

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

NameOrder = Callable[[str, str], Awaitable[str | None]]
OVERLAP_MS = 60_000
LATE_S = 20.0
DAY_MS = 86_400_000
KEPT_MS = 3_600_000


class FillReader:
    """Reads the trades of one account; ``sequence`` is a trade's time in milliseconds.

    A trade may become visible after a later one was told: what was read is read again for a minute back, and a trade that was
    first seen late is told for a while whatever sequence is asked for. The desk books each once, by its id. ``name`` finds the
    client id of an order by the exchange's number.
    """

    def __init__(self, caller: Caller, profile: Profile, activity: Activity, clock: Clock, name: NameOrder) -> None:
        self._caller = caller
        self._name = name
        self._profile = profile
        self._activity = activity
        self._clock = clock
        self._floor: int | None = None
        self._cursors: dict[str, int] = {}
        self._covered: dict[str, int] = {}
        self._known: dict[str, VenueFill] = {}
        self._late: dict[str, float] = {}

    async def since(self, symbols: Sequence[str], sequence: int, opened_ms: int, now_ms: int) -> list[VenueFill]:
        """Return the fills after ``sequence`` and the late ones, oldest first; raise Unavailable when a reading failed."""
        due = [symbol for symbol in symbols if self._activity.due(symbol)]
        await asyncio.gather(*(self._update(symbol, sequence, opened_ms, now_ms) for symbol in due))
        now = self._clock.monotonic()
        self._late = {name: until for name, until in self._late.items() if now < until}
        told = [fill for name, fill in self._known.items() if fill.sequence > sequence or name in self._late]
        self._forget(sequence)
        return sorted(told, key=lambda fill: (fill.sequence, fill.venue_fill_id))

    async def _update(self, symbol: str, sequence: int, opened_ms: int, now_ms: int) -> None:
        self._activity.reads(symbol)
        try:
            await self._read(symbol, sequence, opened_ms, now_ms)
        except Unavailable:
            self._activity.touch([symbol])
            raise
        except (KeyError, ValueError, TypeError) as error:
            self._activity.touch([symbol])
            raise Unavailable("VENUE_MALFORMED", call="trades", reason=type(error).__name__) from error

    async def _read(self, symbol: str, sequence: int, opened_ms: int, now_ms: int) -> None:
        start = self._start(symbol, sequence, opened_ms)
        while True:
            until = min(start + self._profile.trades_days * DAY_MS, now_ms + OVERLAP_MS)
            for row in await self._window(symbol, start, until):
                await self._take(symbol, row, sequence)
            if until > now_ms:
                break
            start = until
        self._cursors[symbol] = now_ms
        self._activity.was_read(symbol)

    async def _window(self, symbol: str, start: int, until: int) -> list[Mapping[str, Any]]:
        """Read all trades of a span, oldest first, page by page; exchanges begin with the oldest or with the newest."""
        rows: dict[str, Mapping[str, Any]] = {}
        while True:
            page = await self._page(symbol, start, until)
            more = {str(row["id"]): row for row in page if str(row["id"]) not in rows}
            rows |= more
            if len(page) < self._profile.trades_page:
                return sorted(rows.values(), key=lambda row: int(row["timestamp"]))
            if not more:
                raise Unavailable("VENUE_MALFORMED", call="trades", reason="a page brought nothing new")
            if self._profile.newest_first:
                until = min(int(row["timestamp"]) for row in page)
            else:
                start = max(int(row["timestamp"]) for row in page)

    async def _take(self, symbol: str, row: Mapping[str, Any], sequence: int) -> None:
        name = f"{symbol}:{row['id']}"
        if name in self._known:
            return
        fill = await self._fill(symbol, name, row)
        self._known[name] = fill
        if fill.sequence <= sequence:
            self._late[name] = self._clock.monotonic() + LATE_S

    def _start(self, symbol: str, sequence: int, opened_ms: int) -> int:
        """Return from when to read: what was read before once more for a minute, an order of ours from its creation."""
        if self._floor is None:
            self._floor = 0 if sequence else opened_ms
        start = self._cursors.get(symbol, sequence or opened_ms) - OVERLAP_MS
        floor = self._floor
        wanted = self._activity.wanted_since(symbol)
        if wanted is not None:
            floor = min(floor, wanted)
            if wanted < self._covered.get(symbol, start):
                start = wanted
        start = max(start, floor)
        self._covered[symbol] = min(start, self._covered.get(symbol, start))
        return start

    async def _page(self, symbol: str, start: int, until: int) -> list[Mapping[str, Any]]:
        async def ask(exchange: Exchange) -> list[Mapping[str, Any]]:
            rows: list[Mapping[str, Any]] = await exchange.fetch_my_trades(
                symbol, start, self._profile.trades_page, {"until": until}
            )
            return rows

        page: list[Mapping[str, Any]] = await self._caller.read("trades", ask, Answer.ROWS)
        return page

    async def _fill(self, symbol: str, name: str, row: Mapping[str, Any]) -> VenueFill:
        fee = row.get("fee") or {}
        stamp = int(row["timestamp"])
        return VenueFill(
            venue_fill_id=name,
            sequence=stamp,
            client_id=await self._client_id(symbol, row),
            venue_order_id=str(row["order"]),
            symbol=symbol,
            side=OrderSide(row["side"]),
            quantity=Quantity(amount(row["amount"])),
            price=Price(amount(row["price"])),
            fee=amount(fee.get("cost")),
            fee_currency=str(fee.get("currency") or symbol.partition("/")[2]),
            time=datetime.fromtimestamp(stamp / 1000, UTC),
            maker={"maker": True, "taker": False}.get(str(row.get("takerOrMaker"))),
        )

    async def _client_id(self, symbol: str, row: Mapping[str, Any]) -> str | None:
        info, venue_id = row.get("info"), str(row["order"])
        named = (info.get("clOrdId") or info.get("orderLinkId")) if isinstance(info, dict) else None
        if named:
            return str(named)
        known = self._activity.name_of(venue_id)
        return known if known is not None else await self._name(symbol, venue_id)

    def _forget(self, sequence: int) -> None:
        old = [name for name, fill in self._known.items() if fill.sequence < sequence - KEPT_MS and name not in self._late]
        for name in old:
            del self._known[name]
