"""The stage that works entries which wait: it watches triggers, re-prices, falls back to taking, and takes back what is over.

Each write is an instruction of its own. What adds to an entry is committed only after every earlier order is final, its fills
are booked, and the venue has said once more how much of it was filled; so the sum never exceeds what was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from config.groups import RouteSettings
from config.limits import RiskSettings
from services.domain.entries import EntryKind, entry_instruction, entry_order
from services.domain.errors import SortieError, Unavailable
from services.domain.limits import Limit
from services.domain.market import Quote
from services.domain.money import ZERO
from services.domain.orders import Instruction, Order, OrderRole, Purpose
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, QuoteSource, StageBeat, Venue, Wakeups
from services.domain.routes import (
    EntryFacts,
    Fees,
    Route,
    RoutePhase,
    RouteTerms,
    Step,
    StepKind,
    load_route,
    next_step,
)
from services.domain.states import LIVE_ORDER_STATES, InstructionState, OrderState, TradeState
from services.domain.trades import Trade
from services.execution import telling
from services.execution.writes import add_cancel
from services.risk.limits import age_in_force, book_of
from services.risk.sessions import Sessions
from services.storage import desk, instructions, orders, routes, silences, terminals, trades
from services.storage.database import Database, Unit

log = structlog.get_logger()
POLL_S = 1.0
ASK_TIMEOUT_S = 10.0
ENTRIES = "entries"
# The venue, or a person, says that it never took it: nobody can prove that it is not on its way.
_LOST = frozenset({"NOT_FOUND"})
_ENDED_WORDS = {"EXPIRED": "NOT_FILLED", "CANCELED_ELSEWHERE": "NOT_FILLED", "NOT_FILLED": "NOT_FILLED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPorts:
    """What working an entry needs of the outside; ``fees`` are asked for by the venue's name."""

    venues: Mapping[str, Venue]
    quotes: QuoteSource
    fees: Callable[[str], Fees]
    sessions: Sessions
    clock: Clock
    ids: Ids
    wakeups: Wakeups
    beats: StageBeat


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A step that is called for, and the partly filled orders whose final quantity the venue has to say first."""

    trade: Trade
    route: Route
    step: Step
    facts: EntryFacts
    ended: tuple[Order, ...]


class WorkEntries:
    """Makes the next step of every entry that has one."""

    def __init__(self, database: Database, ports: EntryPorts, settings: RouteSettings, limits: RiskSettings) -> None:
        self._database = database
        self._ports = ports
        self._settings = settings
        self._limits = book_of(limits)
        self._deadline = timedelta(seconds=limits.entry_deadline_s)

    async def run(self) -> None:
        """Work for ever; woken by commits, at the latest every second."""
        while True:
            waiting = await self()
            self._ports.beats.beat(ENTRIES, detail=f"{waiting} waiting")
            await self._ports.wakeups.wait(ENTRIES, POLL_S)

    async def __call__(self) -> int:
        """Look at every waiting entry once; return how many there are."""
        waiting = await self._database.glance(_waiting)
        for trade in waiting:
            try:
                await self._work(trade.id)
            except (SortieError, TimeoutError) as error:
                log.warning("entry.step.failed", trade=trade.number, error=str(error))
            # Looking at one is a short read in this thread: between two of many the others get their turn.
            await asyncio.sleep(0)
        return len(waiting)

    async def _work(self, trade_id: str) -> None:
        found = await self._database.glance(partial(self._find, trade_id=trade_id))
        if found is None:
            return
        if found.step.kind in (StepKind.REST, StepKind.TAKE) and not await self._final(found):
            return
        actor = Actor.job(ENTRIES, found.trade.correlation)
        await self._database.write(lambda unit: self._make(unit, actor, found), urgent=True)

    async def _final(self, found: _Found) -> bool:
        """Ask the venue about orders that ended unfilled; tell whether it agrees with what is booked of them."""
        terminal = await self._database.glance(partial(terminals.find, terminal_id=found.trade.terminal_id))
        venue = self._ports.venues.get(terminal.venue) if terminal is not None else None
        if venue is None:
            raise Unavailable("VENUE", terminal=found.trade.terminal_id)
        for order in found.ended:
            told = await asyncio.wait_for(venue.find(order.terminal_id, order.symbol, order.client_id), ASK_TIMEOUT_S)
            if told is None or told.state in LIVE_ORDER_STATES or told.filled != order.filled:
                self._ports.wakeups.wake("fills", order.terminal_id)
                return False
        return True

    def _find(self, unit: Unit, trade_id: str) -> _Found | None:
        trade = trades.find(unit, trade_id)
        route = load_route(trade.route) if trade is not None else None
        if trade is None or route is None:
            return None
        placed = [order for order in orders.of_trade(unit, trade.id) if order.role is OrderRole.ENTRY]
        facts = self._facts(unit, trade, placed)
        step = next_step(route, facts, self._terms(unit, trade))
        if step is None:
            return None
        ended = tuple(order for order in placed if order.state is not OrderState.FILLED)
        return _Found(trade=trade, route=route, step=step, facts=facts, ended=ended)

    def _facts(self, unit: Unit, trade: Trade, placed: list[Order]) -> EntryFacts:
        universe = desk.current_universe(unit)
        terminal = terminals.find(unit, trade.terminal_id)
        session = self._ports.sessions.at(terminal.name if terminal is not None else "", trade.symbol, unit.now)
        sent = [each for each in instructions.of_trade(unit, trade.id) if _of_entry(each, placed)]
        entries = [each for each in sent if each.purpose is Purpose.ENTRY]
        newest = entries[-1] if entries else None
        working = [order for order in placed if order.state in LIVE_ORDER_STATES]
        reported = sum((order.filled for order in placed), ZERO)
        return EntryFacts(
            now=unit.now,
            side=trade.side,
            instrument=universe.find(trade.symbol) if universe is not None else None,
            worst=trade.worst_price,
            asked=trade.quantity,
            filled=max(trade.entry_quantity, reported),
            quote=self._fresh(unit, trade.symbol),
            pending=any(_unanswered(each) for each in sent),
            working=bool(working),
            pulling=any(order.state is OrderState.PENDING_CANCEL for order in working),
            settled=not working and trade.entry_quantity == reported,
            refused=newest is not None and newest.state is InstructionState.REJECTED,
            withheld=_withheld(newest),
            lost=any(_may_come(each) for each in entries),
            leaving=trade.state is TradeState.CLOSING or trade.closing is not None or trade.exit_quantity > 0,
            silenced=not working and silences.took_entry(unit, trade.terminal_id, trade.id),
            closed=not session.open_at(unit.now),
        )

    def _fresh(self, unit: Unit, symbol: str) -> Quote | None:
        quote, oldest = self._ports.quotes.latest(symbol), age_in_force(unit, self._limits, Limit.QUOTE_AGE_S, symbol)
        return quote if quote is not None and quote.age(self._ports.clock.now()).total_seconds() <= oldest else None

    def _terms(self, unit: Unit, trade: Trade) -> RouteTerms:
        terminal = terminals.find(unit, trade.terminal_id)
        venue = terminal.venue if terminal is not None else ""
        return RouteTerms(
            wait=timedelta(seconds=self._settings.wait_s),
            reprices=self._settings.reprices,
            refusals=self._settings.refusals,
            offset_bps=routes.offset_at(unit, venue, trade.symbol, self._settings.offset_bps),
            fees=self._ports.fees(venue),
        )

    def _make(self, unit: Unit, actor: Actor, seen: _Found) -> None:
        """Commit a step, unless anything that it stands on has changed since it was worked out."""
        found = self._find(unit, seen.trade.id)
        same = found is not None and (found.route, found.ended) == (seen.route, seen.ended)
        if found is None or not same or found.step.kind is not seen.step.kind:
            return
        trade, route, step = found.trade, found.route, found.step
        if step.kind is StepKind.END:
            self._end(unit, actor, trade, route, step)
        elif step.kind is StepKind.PULL:
            self._pull(unit, actor, trade, route, step)
        else:
            self._place(unit, actor, trade, route, step, refused=found.facts.refused)

    def _place(self, unit: Unit, actor: Actor, trade: Trade, route: Route, step: Step, *, refused: bool) -> None:
        taking = step.kind is StepKind.TAKE
        after = route.moved(RoutePhase.LAST if taking else RoutePhase.RESTING, unit.now, reason=step.reason)
        price = step.price if step.price is not None else trade.worst_price
        after = replace(
            after, placed=route.placed + 1, refused=route.refused + refused, price=price if not taking else route.price
        )
        trades.save(unit, trade, replace(trade, route=after.dump()))
        terminal = terminals.find(unit, trade.terminal_id)
        if terminal is None:
            raise Unavailable("TERMINAL", terminal=trade.terminal_id)
        able = self._ports.venues[terminal.venue].capabilities
        instruction_id = self._ports.ids.instruction()
        kind = EntryKind.TAKE if taking else route.kind
        order = entry_order(instruction_id, trade, kind, step.quantity, price, able)
        deadline = unit.now + self._deadline
        instruction = entry_instruction(instruction_id, trade, order, deadline=deadline, collar=trade.worst_price, now=unit.now)
        instructions.add(unit, instruction)
        unit.record(
            actor,
            "entry.placed",
            trade=trade.number,
            instruction=instruction.id,
            how=step.kind.value,
            reason=step.reason,
            quantity=step.quantity,
            price=price,
        )
        telling.refresh_cards(unit, trade)

    def _pull(self, unit: Unit, actor: Actor, trade: Trade, route: Route, step: Step) -> None:
        placed = orders.of_trade(unit, trade.id)
        working = [o for o in placed if o.role is OrderRole.ENTRY and o.state in LIVE_ORDER_STATES]
        after = route.moved(RoutePhase.CLEARING, unit.now, then=step.then, reason=step.reason)
        trades.save(unit, trade, replace(trade, route=after.dump()))
        instruction = add_cancel(unit, self._ports.ids, trade, working)
        unit.record(actor, "entry.pulled", trade=trade.number, instruction=instruction.id, reason=step.reason)
        telling.refresh_cards(unit, trade)

    def _end(self, unit: Unit, actor: Actor, trade: Trade, route: Route, step: Step) -> None:
        ended = replace(trade, route=route.moved(RoutePhase.ENDED, unit.now, reason=step.reason).dump())
        unfilled = trade.state is TradeState.WORKING and not trade.entry_quantity
        if unfilled:
            reason = _ENDED_WORDS.get(step.reason, step.reason)
            ended = replace(ended, state=TradeState.CANCELED, closed_at=unit.now, close_reason=reason)
        trades.save(unit, trade, ended)
        unit.record(actor, "entry.ended", trade=trade.number, reason=step.reason, filled=trade.entry_quantity)
        if unfilled and step.reason != "CANCELED":
            telling.unfilled(unit, ended)
        telling.refresh_cards(unit, ended)
        unit.wake("fills", trade.terminal_id)


def _waiting(unit: Unit) -> list[Trade]:
    found = [(trade, load_route(trade.route)) for trade in trades.live(unit)]
    return [trade for trade, route in found if route is not None and route.open]


def _of_entry(instruction: Instruction, placed: list[Order]) -> bool:
    """Tell whether an instruction places or cancels an order of the entry."""
    if instruction.purpose is Purpose.ENTRY:
        return True
    return bool({order.client_id for order in placed} & set(instruction.cancels))


def _unanswered(instruction: Instruction) -> bool:
    return instruction.state in (InstructionState.INTENT, InstructionState.SENT, InstructionState.UNKNOWN)


def _withheld(newest: Instruction | None) -> str | None:
    """Return why the desk did not send the newest instruction, or None when it did."""
    if newest is None or newest.state not in (InstructionState.EXPIRED, InstructionState.DENIED):
        return None
    return newest.answer or newest.state.value


def _may_come(entry: Instruction) -> bool:
    """Tell whether an entry may still take effect although no order of it is known."""
    given_up = entry.state is InstructionState.REJECTED and entry.answer in _LOST
    return given_up or entry.state is InstructionState.RESOLVED
