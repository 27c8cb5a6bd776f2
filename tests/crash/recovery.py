"""The desk after its death: started again on the same folder, worked until it is at rest, and held against the venue's book."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from services.domain.halts import HaltScope
from services.domain.journal import first_break
from services.domain.money import ZERO
from services.domain.orders import CLIENT_ID_BASE, Instruction, OrderRole
from services.domain.states import InstructionState, TradeState
from services.domain.trades import Trade
from services.storage import desk, halts, instructions, orders, outbox, terminals, trades, updates
from services.storage.database import Unit
from services.storage.halts import DESK
from tests.crash.forking import Deathtrap
from tests.crash.scenarios import TERMINAL, UPDATE, Scenario, carry_out, note, one_round, prepare, work
from tests.crash.witness import UNCOMMITTED, Witness, writes
from tests.trading.rig import HandClock, Rig, desk_at

SYMBOL = "BTC/USDT"
UNSETTLED = (InstructionState.INTENT, InstructionState.SENT, InstructionState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was found after a recovery, and the points that the run reached."""

    problems: tuple[str, ...]
    end: TradeState | None
    reached: tuple[str, ...]


def prepare_at(folder: Path, scenario: Scenario) -> None:
    """Prepare a scenario in a fresh folder."""

    async def body() -> None:
        async with desk_at(folder, paper=dict(scenario.paper)) as rig:
            await prepare(scenario, rig)
            note(rig, "clock", rig.clock.now().isoformat())

    asyncio.run(body())


def act_at(folder: Path, scenario: Scenario, trap: Deathtrap) -> int:
    """Carry out the act with the trap set and return how many points it passed."""

    async def body() -> int:
        clock = HandClock(datetime.fromisoformat((folder / "clock").read_text()))
        async with _desk(folder, scenario, clock) as rig:
            rig.quote(*scenario.price)
            trap.arm()
            await carry_out(scenario, rig)
            await work(rig)
            trap.disarm()
        return len(trap.reached)

    return asyncio.run(body())


def recover_at(folder: Path, scenario: Scenario, trap: Deathtrap, later: float = 0) -> Outcome:
    """Start the desk again, let it come to rest and compare it with its venue; the trap may kill this start too."""

    async def body() -> Outcome:
        clock = HandClock(datetime.fromisoformat((folder / "clock").read_text()))
        clock.advance(scenario.away_s + later)
        trap.arm()
        async with _desk(folder, scenario, clock) as rig:
            await rig.trading.paper.on_quote(rig.quote(*scenario.price))
            if scenario.again:
                await carry_out(scenario, rig)
            await until_at_rest(rig, scenario)
            trap.disarm()
            found = await Audit(rig, scenario, folder).run()
            trade = await rig.read(lambda unit: trades.by_number(unit, 1))
        return Outcome(problems=tuple(found), end=trade.state if trade else None, reached=tuple(trap.reached))

    return asyncio.run(body())


def _desk(folder: Path, scenario: Scenario, clock: HandClock) -> Any:
    return desk_at(folder, clock=clock, wrap=lambda venue: Witness(venue, folder), people_too=False, paper=dict(scenario.paper))


async def until_at_rest(rig: Rig, scenario: Scenario) -> None:
    """Work until two rounds, a second apart, changed nothing and nothing waits for an answer."""
    before, still = None, 0
    for _ in range(40):
        rig.quote(*scenario.price)
        await one_round(rig)
        now = await rig.read(_mark)
        still = still + 1 if now == before and not now[1] else 0
        if still == 2:
            await rig.trading.sync.reconcile_all()
            return
        before = now
        rig.clock.advance(1)
    raise AssertionError(f"not at rest after 40 rounds: {before}")


def _mark(unit: Unit) -> tuple[int, int]:
    head = desk.journal_head(unit)
    waiting = sum(each.state in UNSETTLED for each in all_instructions(unit))
    return head.sequence if head else 0, waiting


def all_instructions(unit: Unit) -> list[Instruction]:
    """Return every instruction of every trade."""
    found: list[Instruction] = []
    number = 1
    while (trade := trades.by_number(unit, number)) is not None:
        found += instructions.of_trade(unit, trade.id)
        number += 1
    return found


class Audit:
    """Holds the desk's books against the venue's and names what does not agree."""

    def __init__(self, rig: Rig, scenario: Scenario, folder: Path) -> None:
        self._rig = rig
        self._scenario = scenario
        self._folder = folder
        self._problems: list[str] = []

    async def run(self) -> list[str]:
        """Return what is wrong, in words; nothing when all holds."""
        asked = await self._rig.read(all_instructions)
        placed = self._venue_rows("SELECT client_id, state, filled, quantity, taken_off FROM orders")
        self._writes()
        self._instructions(asked, placed)
        await self._orders(placed)
        await self._fills()
        await self._trades()
        await self._told()
        if first_break(await self._rig.read(lambda unit: desk.journal_after(unit, 0, 10_000))) is not None:
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
        for instruction, times in Counter(writes(self._folder)).items():
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
        theirs = {
            (f"p-{row[0]}", row[1], Decimal(row[2])) for row in self._venue_rows("SELECT sequence, side, quantity FROM fills")
        }
        booked = await self._rig.read(lambda unit: orders.fills_of_terminal(unit, TERMINAL))
        if {(row.venue_fill_id, row.side, row.quantity) for row in booked} != theirs or len(booked) != len(theirs):
            self._wrong(f"fills differ: {booked} and {theirs}")
        total = sum((row[2] if row[1] == "buy" else -row[2] for row in theirs), ZERO)
        held = await self._rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL))
        at_venue = {p.symbol: p.quantity for p in await self._rig.trading.paper.positions(TERMINAL)}.get(SYMBOL, ZERO)
        if not held == total == at_venue:
            self._wrong(f"position is {held}, its fills say {total}, the venue {at_venue}")
        terminal = await self._rig.read(lambda unit: terminals.find(unit, TERMINAL))
        if terminal.reconciled_at is None:
            self._wrong("the reconciliation did not pass")

    async def _trades(self) -> None:
        if await self._rig.read(lambda unit: trades.by_number(unit, 2)) is not None:
            self._wrong("there is a second trade")
        trade: Trade | None = await self._rig.read(lambda unit: trades.by_number(unit, 1))
        state = trade.state if trade else None
        if state not in self._scenario.ends:
            self._wrong(f"the trade ended {state}, not one of {sorted(map(str, self._scenario.ends))}")
        working = await self._rig.trading.paper.open_orders(TERMINAL)
        if trade is None or trade.state is not TradeState.OPEN:
            if working:
                self._wrong(f"the trade is {state} and orders work: {[order.client_id for order in working]}")
            return
        roles = {order.client_id: order.role for order in await self._rig.read(lambda unit: orders.of_trade(unit, trade.id))}
        stops = [order for order in working if roles.get(order.client_id or "") is OrderRole.STOP]
        targets = [order for order in working if roles.get(order.client_id or "") is OrderRole.TARGET]
        if [(o.stop_price, o.quantity - o.filled) for o in stops] != [(trade.stop, trade.open_quantity)]:
            self._wrong(f"{trade.open_quantity} is open with its stop at {trade.stop}; at the venue are {stops}")
        if sum((o.quantity - o.filled for o in targets), ZERO) != trade.open_quantity or len(working) != len(stops + targets):
            self._wrong(f"{trade.open_quantity} is open; at the venue work {working}")

    async def _told(self) -> None:
        """The person sees what became of it: a card that will be shown anew, a message, or the interrupted update's line."""
        waiting = await self._rig.read(lambda unit: (outbox.stale_cards(unit, 100), outbox.pending_notices(unit, 100)))
        interrupted = UPDATE in {update_id for update_id, _ in await self._rig.read(updates.received)}
        if not (waiting[0] or waiting[1] or interrupted):
            self._wrong("nobody is told")
        if self._scenario.again:
            stands = await self._rig.read(lambda unit: halts.find(unit, HaltScope.DESK, DESK))
            if stands is None:
                self._wrong("the halt was lost")
