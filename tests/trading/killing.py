"""A desk with many terminals at venues that fail on demand, for tests of the kill."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from bot.system import SystemIds
from services.domain.entries import EntryKind
from services.domain.errors import SortieError, VenueDoubt, VenueRejected
from services.domain.kills import Kill
from services.domain.money import Price, Quantity
from services.domain.orders import OrderRequest, OrderType, VenueOrder, client_id
from services.domain.ports import Venue
from services.domain.states import HaltState, InstructionState
from services.domain.trades import Trade
from services.missions.entries import EntryWish
from services.missions.fire import Fired
from services.storage import counters, desk, instructions, kills, orders, previews, terminals, trades
from services.storage.database import Unit
from tests.trading.rig import ANN, CARL, Rig

JOBS_S = 0.5
SMALL = Quantity(Decimal("0.0001"))


class Moody:
    """A venue in front of the venue: accounts in ``down`` do not answer, those in ``hangs`` never return.

    Cancels of accounts in ``keeps`` and sales of those in ``no_sales`` are refused.
    """

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.down: set[str] = set()
        self.hangs: set[str] = set()
        self.keeps: set[str] = set()
        self.no_sales: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def _mood(self, account: str) -> None:
        if account in self.down:
            raise VenueDoubt("VENUE_SILENT", account=account)
        if account in self.hangs:
            await asyncio.Event().wait()

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        await self._mood(account)
        if account in self.no_sales and order.reduce_only:
            raise VenueRejected("PRICE_FILTER", account=account)
        return await self._venue.place(account, order)

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        await self._mood(account)
        if account in self.keeps:
            raise VenueRejected("CANCEL_FILTER", account=account)
        return await self._venue.cancel(account, symbol, client_ids)

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        await self._mood(account)
        return await self._venue.find(account, symbol, client_id)

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        await self._mood(account)
        return await self._venue.open_orders(account)


async def thrown(rig: Rig, *, flatten: bool = False) -> Kill:
    """Throw the kill as Carl."""
    actor = rig.actor(CARL)
    if flatten:
        asked = await rig.trading.flatten.ask(actor)
        halted = await rig.trading.flatten(actor, asked.token.id, "test")
    else:
        halted = await rig.trading.halt(actor, HaltState.HALTED, "test")
    assert halted.kill is not None
    return halted.kill


async def as_it_stands(rig: Rig, kill: Kill) -> Kill:
    found = await rig.read(partial(kills.find, kill_id=kill.id))
    assert isinstance(found, Kill)
    return found


async def worked_off(rig: Rig, kill: Kill, *, rounds: int = 60, **at: Any) -> Kill:
    """Let every stage work, a second at a time, until the bounded part of the kill has ended."""
    for _ in range(rounds):
        await one_round(rig, **at)
        found = await as_it_stands(rig, kill)
        if not found.running:
            return found
    raise AssertionError(f"still {found.state} after {rounds} rounds")


async def one_round(rig: Rig, bid: str = "63999.99", ask: str = "64000.01", *, unseen: Sequence[str] = ()) -> None:
    """Let a second pass and every stage work once; the fills stage does not look at the accounts ``unseen``."""
    trading = rig.trading
    rig.clock.advance(1)
    for symbol in ("BTC/USDT", "ETH/USDT"):
        await trading.paper.on_quote(rig.quote(bid, ask, symbol))
    await trading.work_kill()
    await trading.executor.send_waiting()
    await rig.nursery.wait_for_jobs(JOBS_S)
    await trading.paper.settle()
    await trading.resolve.resolve_all()
    await trading.entries()
    for terminal in await rig.read(terminals.everything):
        with contextlib.suppress(SortieError):
            if terminal.id not in unseen:
                await trading.sync.look(terminal)
    assert not rig.crashes, rig.crashes


async def fired(rig: Rig, person: int, symbol: str, wish: EntryWish | None = None) -> str:
    """Fire a mission for a person; with a wish the entry waits at its price. Return the trade's id."""
    mission = await rig.mission(symbol=symbol)
    await rig.trading.preview(rig.actor(person), mission.id, wish=wish)
    preview = await rig.read(partial(previews.find, mission_id=mission.id, person_id=person))
    assert preview.token_id is not None, [check for check in preview.checks if not check.passed]
    outcome = await rig.trading.fire(rig.actor(person), preview.token_id)
    assert isinstance(outcome, Fired)
    return outcome.trade_id


async def resting(rig: Rig, person: int = ANN, symbol: str = "BTC/USDT") -> str:
    """Have an entry that rests at the venue."""
    trade_id = await fired(rig, person, symbol, EntryWish(kind=EntryKind.LIMIT, price=Price(Decimal(63800))))
    await one_round(rig)
    await one_round(rig)
    return trade_id


async def open_trade(rig: Rig, person: int = ANN, symbol: str = "BTC/USDT") -> str:
    """Have an open, protected trade."""
    trade_id = await fired(rig, person, symbol)
    for _ in range(3):
        await one_round(rig)
    return trade_id


async def kinds(rig: Rig) -> list[str]:
    """Return the kinds of the journal's rows, oldest first."""
    rows = await rig.read(lambda unit: desk.journal_after(unit, 0, 10_000))
    return [row.kind for row in rows]


async def trade_of(rig: Rig, trade_id: str) -> Trade:
    found = await rig.read(partial(trades.find, trade_id=trade_id))
    assert isinstance(found, Trade)
    return found


async def at_the_venue(rig: Rig, person: int) -> set[OrderType]:
    """Return the types of a person's orders that the venue has."""
    return {order.type for order in await rig.trading.paper.open_orders(f"paper-{person}")}


async def many_resting(rig: Rig, count: int, person: int = ANN) -> None:
    """Have so many resting entries: the first is fired, the others are copies of it, at the venue and in the books."""
    model = await trade_of(rig, await resting(rig, person))
    (order,) = await rig.read(partial(orders.live, trade_id=model.id))
    (sent,) = await rig.read(partial(instructions.of_trade, trade_id=model.id))
    ids = SystemIds()

    def copies(unit: Unit) -> list[OrderRequest]:
        asked = []
        for _ in range(count - 1):
            name, number = ids.instruction(), counters.next_number(unit, "trade")
            trades.add(unit, replace(model, id=ids.row(), number=number))
            trade = trades.by_number(unit, number)
            assert trade is not None
            request = replace(sent.orders[0], client_id=client_id(name, 0), quantity=SMALL)
            instructions.add(unit, replace(sent, id=name, trade_id=trade.id, orders=(request,), state=InstructionState.SENT))
            placed = instructions.find(unit, name)
            assert placed is not None
            instructions.set_state(unit, placed, InstructionState.ACCEPTED)
            copy = replace(order, client_id=request.client_id, instruction_id=name, trade_id=trade.id, quantity=SMALL)
            orders.add(unit, replace(copy, venue_id=None))
            asked.append(request)
        return asked

    for request in await rig.trading.database.write(copies):
        await rig.trading.paper.place(order.terminal_id, request)
