"""The desk's books against the venue's: what must be the same whatever happened on the way."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from bot.wiring import Trading
from config.settings import Settings
from services.domain.journal import first_break
from services.domain.money import ZERO
from services.domain.orders import CLIENT_ID_BASE, Instruction, OrderRole, VenueOrder
from services.domain.states import InstructionState, TradeState
from services.domain.trades import Trade
from services.storage import desk, instructions, orders, terminals, trades
from services.storage.database import Unit
from tests.crash.witness import UNCOMMITTED
from tests.trading.rig import ANN

SYMBOL = "BTC/USDT"
TERMINAL = f"paper-{ANN}"
UNSETTLED = (InstructionState.INTENT, InstructionState.SENT, InstructionState.UNKNOWN)


def all_trades(unit: Unit) -> list[Trade]:
    """Return every trade, oldest first."""
    found: list[Trade] = []
    while (trade := trades.by_number(unit, len(found) + 1)) is not None:
        found.append(trade)
    return found


def all_instructions(unit: Unit) -> list[Instruction]:
    """Return every instruction of every trade."""
    return [each for trade in all_trades(unit) for each in instructions.of_trade(unit, trade.id)]


class Desk(Protocol):
    """A desk whose books can be read."""

    @property
    def settings(self) -> Settings:
        """Return where it keeps them."""
        ...

    @property
    def trading(self) -> Trading:
        """Return its venue."""
        ...

    async def read(self, body: Callable[[Unit], Any]) -> Any:
        """Read its database."""
        ...


class Audit:
    """Compares everything at rest and names what does not agree; ``written`` are the venue writes by instruction."""

    def __init__(self, rig: Desk, written: list[str]) -> None:
        self._rig = rig
        self._folder: Path = rig.settings.desk.state_dir
        self._written = written
        self._problems: list[str] = []

    async def run(self) -> list[str]:
        """Return what is wrong, in words; nothing when all holds."""
        asked = await self._rig.read(all_instructions)
        placed = self._venue_rows("SELECT client_id, state, filled, quantity, taken_off FROM orders")
        self._writes()
        self._instructions(asked, placed)
        await self._orders(placed)
        await self._fills()
        await self._positions()
        await self._protection()
        if first_break(await self._rig.read(lambda unit: desk.journal_after(unit, 0, 100_000))) is not None:
            self._wrong("the journal's chain is broken")
        return self._problems

    def _wrong(self, text: str) -> None:
        self._problems.append(text)

    def _venue_rows(self, query: str) -> list[Any]:
        connection = sqlite3.connect(self._folder / "paper.db")
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def _writes(self) -> None:
        for instruction, times in Counter(self._written).items():
            if times > 1:
                self._wrong(f"instruction {instruction} was written {times} times")
            if instruction.startswith(UNCOMMITTED):
                self._wrong(f"a write was not committed before: {instruction}")

    def _instructions(self, asked: list[Instruction], placed: list[Any]) -> None:
        by_id = {each.id: each for each in asked}
        for each in asked:
            if each.state in UNSETTLED:
                self._wrong(f"instruction {each.id} is left {each.state.value}")
        for client_id, *_ in placed:
            owner = by_id.get(client_id[:CLIENT_ID_BASE])
            if owner is None or client_id not in {order.client_id for order in owner.orders}:
                self._wrong(f"the venue has an order of no instruction: {client_id}")
            elif owner.state not in (InstructionState.ACCEPTED, InstructionState.RESOLVED):
                self._wrong(f"the venue has an order of an instruction that is {owner.state.value}")

    async def _orders(self, placed: list[Any]) -> None:
        for client_id, state, filled, quantity, taken_off in placed:
            ours = await self._rig.read(partial(orders.find, terminal_id=TERMINAL, client_id=client_id))
            theirs = (state, Decimal(filled), Decimal(quantity) - Decimal(taken_off))
            if ours is None or (ours.state.value, ours.filled, ours.quantity) != theirs:
                self._wrong(f"order {client_id} is {theirs} at the venue and {ours} at the desk")

    async def _fills(self) -> None:
        rows = self._venue_rows("SELECT sequence, side, quantity, price FROM fills")
        theirs = sorted((f"p-{row[0]}", row[1], Decimal(row[2]), Decimal(row[3])) for row in rows)
        booked = await self._rig.read(lambda unit: orders.fills_of_terminal(unit, TERMINAL))
        ours = sorted((row.venue_fill_id, row.side, row.quantity, row.price) for row in booked)
        if ours != theirs:
            self._wrong(f"fills are {ours} at the desk and {theirs} at the venue")

    async def _positions(self) -> None:
        rows = self._venue_rows("SELECT side, quantity FROM fills")
        total = sum((Decimal(row[1]) * (1 if row[0] == "buy" else -1) for row in rows), ZERO)
        held = await self._rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL))
        at_venue = {p.symbol: p.quantity for p in await self._rig.trading.paper.positions(TERMINAL)}.get(SYMBOL, ZERO)
        if not held == total == at_venue:
            self._wrong(f"position is {held}, its fills say {total}, the venue {at_venue}")
        terminal = await self._rig.read(lambda unit: terminals.find(unit, TERMINAL))
        if terminal.reconciled_at is None:
            self._wrong("the reconciliation did not pass")

    async def _protection(self) -> None:
        """Exactly what is open has its stop and targets at the venue; else only entries that still wait work there."""
        working: dict[str, VenueOrder] = {o.client_id or "": o for o in await self._rig.trading.paper.open_orders(TERMINAL)}
        for trade in await self._rig.read(all_trades):
            if trade.state is TradeState.WORKING:
                placed = await self._rig.read(partial(orders.of_trade, trade_id=trade.id))
                for order in placed:
                    if order.role is OrderRole.ENTRY:
                        working.pop(order.client_id, None)
            if trade.state is TradeState.OPEN:
                placed = await self._rig.read(partial(orders.of_trade, trade_id=trade.id))
                roles = {order.client_id: order.role for order in placed}
                mine = [working.pop(name) for name in list(working) if name in roles]
                stops = [o for o in mine if roles[o.client_id or ""] is OrderRole.STOP]
                targets = [o for o in mine if roles[o.client_id or ""] is OrderRole.TARGET]
                if [(o.stop_price, o.quantity - o.filled) for o in stops] != [(trade.stop, trade.open_quantity)]:
                    self._wrong(f"{trade.open_quantity} is open with its stop at {trade.stop}; at the venue are {stops}")
                if sum((o.quantity - o.filled for o in targets), ZERO) != trade.open_quantity:
                    self._wrong(f"{trade.open_quantity} is open; its targets at the venue are {targets}")
        if working:
            self._wrong(f"orders work for nothing that is open: {sorted(working)}")
