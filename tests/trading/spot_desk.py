"""A desk at a spot exchange in memory, and what tests do and ask there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.system import SystemIds
from services.domain.buttons import Act
from services.domain.market import Candle, CandleSeries
from services.domain.money import ZERO, truncate_to
from services.domain.orders import OrderSide
from services.domain.ports import Capabilities, Venue
from services.domain.states import LIVE_ORDER_STATES, TradeState
from services.domain.trades import Trade
from services.execution.keeping import ChooseTrail, KeepStops
from services.execution.standing import PENDING
from services.execution.watching import WatchTrades
from services.storage import desk, trades
from services.storage.database import Unit
from services.storage.tables import instructions
from tests.told import alerts_for
from tests.trading.rig import ANN, BTC, START, HandClock, Rig, desk_at
from tests.trading.spot_venue import PAIRS, STATE, SpotVenue
from tests.trading.taps import fire

ROUNDS = 100
ENDED = (TradeState.CLOSED,)
NEVER_BEGUN = (TradeState.CANCELED, TradeState.FAILED)


@dataclass
class SpotDesk:
    """Ann's desk: her one trade, the exchange behind it, and its time."""

    rig: Rig
    spot: SpotVenue
    candles: list[Candle] = field(default_factory=list)

    def __post_init__(self) -> None:
        trading, settings = self.rig.trading, self.rig.settings.protection
        held = trading.booking.settling
        database, quotes, clock, ids = trading.database, trading.quotes, self.rig.clock, SystemIds()
        self.keep = KeepStops(database, held, quotes, self.series, clock, ids, settings)
        self.watch = WatchTrades(database, held, quotes, clock, ids, settings)
        self.choose_trail = ChooseTrail(database, settings)

    def series(self, _symbol: str) -> CandleSeries:
        """Return the closed candles that the test has put there."""
        return CandleSeries(instrument=BTC, timeframe="1m", candles=tuple(self.candles))

    async def price(self, bid: str) -> None:
        """Move the market for the exchange and the desk, and let both work until they are at rest."""
        self.spot.price(bid)
        self.rig.quote(bid, bid)
        await self.rest()

    async def rest(self) -> None:
        """Work until nothing changes any more and every outcome is known."""
        before, still = None, 0
        for _ in range(ROUNDS):
            await self.second()
            now = await self.rig.read(_mark)
            still = still + 1 if now == before and not now[1] else 0
            if still == 2:
                return
            before = now
        raise AssertionError("not at rest")

    async def second(self, *, quoted: bool = True) -> None:
        """Let every stage work once; a second later there is a fresh price, unless the feed is down."""
        await self.rig.step()
        await self.keep()
        await self.watch()
        self.rig.clock.advance(1)
        if quoted:
            self.rig.quote(str(self.spot.ledger.bid), str(self.spot.ledger.ask))

    async def trade(self) -> Trade:
        """Return Ann's trade as it stands."""
        found: Trade = await self.rig.read(_first_trade)
        return found

    async def open(self) -> Trade:
        """Fire and wait until the trade is protected."""
        await fire(self.rig)
        await self.rest()
        return await self.trade()

    async def close(self, share: str) -> None:
        """Tap Close or Half, confirm, and wait."""
        await self.tap_close(share)
        await self.rest()

    async def tap_close(self, share: str) -> None:
        """Tap Close or Half and confirm."""
        asked = await self.rig.trading.ask_close(self.rig.actor(), "1", Decimal(share))
        assert asked.token is not None
        await self.rig.trading.close(self.rig.actor(), asked.token.id, Act.CLOSE)

    async def alarms(self) -> list[str]:
        """Return the codes of the alerts that Ann is to get."""
        return [each.code for each in await self.rig.read(lambda unit: alerts_for(unit, ANN))]

    async def journal(self, kind: str) -> list[dict[str, Any]]:
        """Return the facts of the journal rows of a kind."""
        rows = await self.rig.read(lambda unit: desk.journal_after(unit, 0, 100_000))
        return [json.loads(row.facts) for row in rows if row.kind == kind]

    async def problems(self) -> list[str]:
        """Hold the desk at rest against the exchange and name what does not agree."""
        held, ledger, found = self.spot.held, self.spot.ledger, list[str]()
        if ledger.overdrawn:
            found.append(f"more was offered than there was: {ledger.overdrawn}")
        if len(set(ledger.writes)) != len(ledger.writes):
            found.append(f"a write was repeated: {ledger.writes}")
        trade: Trade | None = await self.rig.read(_first_trade)
        if trade is None:
            return [*found, f"{held} is held and there is no trade"] if held else found
        if trade.state is TradeState.OPEN:
            if sum(self.exits().values(), ZERO) != truncate_to(held, BTC.step) or self.stops() != {str(trade.stop)}:
                found.append(f"{held} is held and the stop is {trade.stop}; at the exchange are {self.groups()}")
        elif (
            trade.state not in (ENDED if ledger.fills else NEVER_BEGUN)
            or self.groups()
            or held * trade.stop >= BTC.min_notional
        ):
            found.append(f"the trade is {trade.state}, {held} is held, at the exchange are {self.groups()}")
        if trade.closing is not None or trade.bare_since is not None:
            found.append(f"a close still waits ({trade.closing}), or it stands bare since {trade.bare_since}")
        return found

    def exits(self) -> dict[str | None, Decimal]:
        """Return what the exchange holds for exits, by target price, None for a stop alone."""
        found: dict[str | None, Decimal] = {}
        for group in self.groups():
            target = next((str(order.price) for order in group if order.price is not None), None)
            found[target] = found.get(target, ZERO) + max(o.quantity for o in group) - sum(o.filled for o in group)
        return found

    def stops(self) -> set[str]:
        """Return the prices of the stops that work, and "none" for a group without one."""
        return {
            next((str(order.stop_price) for order in group if order.stop_price is not None), "none") for group in self.groups()
        }

    def groups(self) -> list[list[Any]]:
        """Return the working sales, those of one list together."""
        lists: dict[str, list[Any]] = {}
        for order in self.spot.ledger.orders.values():
            if order.state in LIVE_ORDER_STATES and order.side is OrderSide.SELL:
                lists.setdefault(order.list_id or order.venue_id, []).append(order)
        return list(lists.values())

    @property
    def sold(self) -> Decimal:
        """Return what the exchange sold for the desk."""
        return sum((f.quantity for f in self.spot.ledger.fills if f.side is OrderSide.SELL), ZERO)


@asynccontextmanager
async def spot_desk(
    folder: Path,
    capabilities: Capabilities = PAIRS,
    *,
    over: Callable[[Venue], Venue] = lambda same: same,
    base_fee: str = "0",
    shrinks: bool = False,
    protection: dict[str, object] | None = None,
    again: SpotDesk | None = None,
    since: datetime | None = None,
) -> AsyncIterator[SpotDesk]:
    """Open a desk whose terminals are at a spot exchange; ``over`` is the line to it, ``again`` the desk that was before.

    With ``since`` the exchange's state is kept in the folder, and a desk on a folder that has one is a restart at that time.
    """
    clock = again.rig.clock if again else HandClock(since or START)
    kept = folder if since else None
    people = again is None and not (folder / STATE).exists()
    spot = again.spot if again else SpotVenue(clock, capabilities, base_fee=base_fee, shrinks=shrinks, folder=kept)
    async with desk_at(
        folder, clock=clock, wrap=lambda _paper: over(spot), people_too=people, protection=protection or {}
    ) as rig:
        rig.quote(str(spot.ledger.bid), str(spot.ledger.ask))
        yield SpotDesk(rig, spot, again.candles if again else [])


def _first_trade(unit: Unit) -> Trade | None:
    return trades.by_number(unit, 1)


def _mark(unit: Unit) -> tuple[int, int]:
    """Return how far the journal goes, and how many instructions have no final answer."""
    head = desk.journal_head(unit)
    pending = instructions.c.state.in_([state.value for state in PENDING])
    return head.sequence if head else 0, len(unit.all(select(instructions.c.id).where(pending)))
