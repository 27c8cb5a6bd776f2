"""What a kill finds: everything that works at the venues or is on its way there, read in a few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from services.domain.market import Universe
from services.domain.orders import Instruction, InstructionKind, Order, OrderRole, Purpose
from services.domain.routes import RoutePhase, Then, load_route
from services.domain.states import InstructionState, TradeState
from services.domain.trades import Position, Terminal, Trade
from services.storage import desk, holdings, instructions, kills, orders, terminals, trades
from services.storage.database import Unit
from services.storage.holdings import Holding

Named = tuple[str, str]
"""A terminal's id and a client id there."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The desk's books as of one moment, as far as a kill needs them.

    ``pending`` are the instructions without an answer, ``answered`` the cancels that had theirs a short while ago, with the
    refusal's code. ``positions`` and ``holdings`` are by terminal, flat ones left out.
    """

    now: datetime
    terminals: Mapping[str, Terminal]
    trades: Mapping[str, Trade]
    orders: Sequence[Order]
    pending: Sequence[Instruction]
    answered: Mapping[Named, str | None]
    positions: Mapping[str, Sequence[Position]]
    holdings: Mapping[str, Sequence[Holding]]
    universe: Universe | None

    @cached_property
    def entry_orders(self) -> Mapping[str, Sequence[Order]]:
        """Return by trade the entry orders that work."""
        found: dict[str, list[Order]] = defaultdict(list)
        for order in self.orders:
            if order.role is OrderRole.ENTRY and order.trade_id is not None:
                found[order.trade_id].append(order)
        return found

    @cached_property
    def pending_entries(self) -> Mapping[str, Sequence[Instruction]]:
        """Return by trade the entry instructions without an answer."""
        found: dict[str, list[Instruction]] = defaultdict(list)
        for each in self.pending:
            if each.purpose is Purpose.ENTRY and each.trade_id is not None:
                found[each.trade_id].append(each)
        return found

    @cached_property
    def cancels(self) -> Mapping[Named, Instruction]:
        """Return by order the cancels that wait for an answer."""
        return {(each.terminal_id, name): each for each in self.pending for name in each.cancels}

    @cached_property
    def open_entries(self) -> Mapping[str, Trade]:
        """Return the trades whose entry may still add exposure: an order, a write on its way, a route, a question."""
        routed = {trade.id for trade in self.trades.values() if (route := load_route(trade.route)) is not None and route.open}
        waiting = {trade.id for trade in self.trades.values() if trade.state is TradeState.AWAITING_APPROVAL}
        named = {*self.entry_orders, *self.pending_entries, *routed, *waiting}
        return {trade_id: self.trades[trade_id] for trade_id in named if trade_id in self.trades}

    def asked(self, order: Order) -> bool:
        """Tell whether an order's cancel is under way, or was answered a moment ago."""
        name = (order.terminal_id, order.client_id)
        return name in self.cancels or name in self.answered

    def held(self, terminal_id: str) -> list[Trade]:
        """Return the trades that hold something at a terminal, by number."""
        found = [each for each in self.trades.values() if each.terminal_id == terminal_id and each.open_quantity > 0]
        return sorted(found, key=lambda each: each.number)

    def cancelling(self, terminal_id: str) -> int:
        """Count the cancels at a terminal that wait for an answer."""
        return sum(each.kind is InstructionKind.CANCEL and each.terminal_id == terminal_id for each in self.pending)


def survey(unit: Unit, *, memory_s: float) -> Survey:
    """Read the books; a cancel answered within ``memory_s`` is not asked for again."""
    live = {trade.id: trade for trade in trades.live(unit)}
    working = orders.live(unit)
    pending = [*instructions.intents(unit), *instructions.doubtful(unit)]
    for trade_id in {o.trade_id for o in working} | {i.trade_id for i in pending}:
        # A trade that is over may have an order all the same: the venue had it longer than the desk.
        found = trades.find(unit, trade_id) if trade_id is not None and trade_id not in live else None
        if found is not None:
            live[found.id] = found
    places = {each.id: each for each in terminals.everything(unit)}
    named = {t.terminal_id for t in live.values()} | {o.terminal_id for o in working} | {i.terminal_id for i in pending}
    for name in named - places.keys():
        closed = terminals.find(unit, name)
        if closed is not None:
            places[name] = closed
    return Survey(
        now=unit.now,
        terminals=places,
        trades=live,
        orders=working,
        pending=pending,
        answered=kills.cancels_answered(unit, unit.now - timedelta(seconds=memory_s)),
        positions={name: [each for each in terminals.positions_of(unit, name) if each.quantity] for name in places},
        holdings={name: [each for each in holdings.of_terminal(unit, name) if each.quantity] for name in places},
        universe=desk.universe_with(unit, [trade.symbol for trade in live.values()]),
    )


def to_take_back(found: Survey) -> list[Trade]:
    """Return the trades whose entry has something that was not taken back yet, each terminal's in turn with the others'."""
    lanes: dict[str, list[Trade]] = defaultdict(list)
    for trade in sorted(found.open_entries.values(), key=lambda each: each.number):
        if _calls_for_it(found, trade):
            lanes[trade.terminal_id].append(trade)
    turns = [(turn, trade) for lane in lanes.values() for turn, trade in enumerate(lane)]
    return [trade for _, trade in sorted(turns, key=lambda each: each[0])]


def _calls_for_it(found: Survey, trade: Trade) -> bool:
    unsent = any(each.state is InstructionState.INTENT for each in found.pending_entries.get(trade.id, ()))
    working = any(not found.asked(order) for order in found.entry_orders.get(trade.id, ()))
    route = load_route(trade.route)
    ending = route is not None and route.phase is RoutePhase.CLEARING and route.then is Then.END
    waits = trade.state is TradeState.AWAITING_APPROVAL
    return waits or unsent or working or (route is not None and route.open and not ending)


def sold_by(trade: Trade) -> Decimal:
    """Return the price at which a sale of the trade is measured against the venue's minimum."""
    return trade.average_entry or trade.decision_price
