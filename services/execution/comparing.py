"""Both books side by side: what the venue's evidence settles is repaired and journalled, the rest is proposed to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from services.domain.errors import Unavailable
from services.domain.incidents import AlertCode
from services.domain.market import Universe
from services.domain.money import ZERO, canonical
from services.domain.notices import Priority
from services.domain.orders import Order, OrderSide, VenueOrder, VenuePosition
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.domain.states import LIVE_ORDER_STATES, ORDER_MOVES, OrderState
from services.domain.trades import Terminal
from services.execution.booking import NAMED_BY_VENUE, Booking, VenueReport, name_of
from services.execution.proposing import Standing
from services.storage import desk, holdings, incidents, instructions, orders, outbox, people, proposals, terminals
from services.storage.database import Unit

BEFORE_THE_DESK = "held before the desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Whether something differs now, and whether all is agreed: nothing differs and nothing waits for a decision."""

    differs: bool
    agreed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """An order as the venue has it, where the desk's row says otherwise."""

    order: Order
    reported: VenueOrder


class Comparing:
    """Compares one terminal with a report of its venue, inside a write unit.

    A difference counts when two comparisons in a row have found it: the readings of one report are not of one moment.
    """

    def __init__(self, booking: Booking, ids: Ids) -> None:
        self._booking = booking
        self._ids = ids
        self._suspects: dict[str, set[str]] = {}

    def __call__(self, unit: Unit, actor: Actor, terminal: Terminal, report: VenueReport, *, opens: bool = True) -> Compared:
        """Book the report, repair what its evidence settles, and propose the rest.

        The terminal is open to new exposure as soon as every difference is settled or proposed; an instrument with a
        proposal is not. Without ``opens`` it stays closed whatever the comparison says.
        """
        self._booking.apply(unit, actor, terminal, report)
        self._booking.convert_fees(unit, actor, terminal)
        incidents.close_incident(unit, AlertCode.VENUE_UNREACHABLE.value, terminal.name)
        if holdings.begin(unit, terminal.id):
            self._begin(unit, actor, terminal, report)
        differing = _differing(unit, terminal, report)
        if differing and self._repair_positions(unit, actor, terminal):
            differing = _differing(unit, terminal, report)
        wrong = {each.order.client_id: each for each in _wrong_orders(unit, terminal, report)}
        lost = {order.client_id: order for order in _lost_orders(unit, terminal, report)}
        found = {*(f"position {symbol}" for symbol in differing), *(f"order {name}" for name in (*wrong, *lost))}
        confirmed = found & self._suspects.get(terminal.id, set())
        self._suspects[terminal.id] = found
        self._settle_orders(unit, actor, terminal, confirmed, wrong, lost)
        for symbol, (ours, theirs) in differing.items():
            if f"position {symbol}" in confirmed:
                self._booking.proposing.position_differs(unit, actor, terminal, symbol, ours=ours, theirs=theirs)
        standing = Standing(differing=differing, lost=frozenset(lost))
        self._booking.proposing.follow(unit, actor, terminal, standing)
        if found - confirmed:
            unit.wake("reconcile")
            return Compared(differs=True, agreed=False)
        if opens and terminal.reconciled_at is None:
            unit.record(actor, "reconcile.passed", terminal=terminal.id, proposed=len(found))
        terminals.set_reconciled(unit, terminal.id, unit.now if opens else None)
        return Compared(differs=bool(found), agreed=not (found or proposals.waiting(unit, terminal.id)))

    def _begin(self, unit: Unit, actor: Actor, terminal: Terminal, report: VenueReport) -> None:
        """Write down what the account holds before the desk has done anything there, and show it once."""
        held = [position for position in report.positions if position.quantity]
        for position in held:
            holdings.change(unit, terminal.id, position.symbol, position.quantity, BEFORE_THE_DESK, None)
            unit.record(
                actor,
                "holding.changed",
                terminal=terminal.id,
                symbol=position.symbol,
                by=position.quantity,
                now=position.quantity,
                why=BEFORE_THE_DESK,
            )
        if held:
            _show_holdings(unit, terminal, held)

    def _repair_positions(self, unit: Unit, actor: Actor, terminal: Terminal) -> bool:
        """Set positions that are not what their own fills come to."""
        expected = position_sums(unit, terminal.id)
        ours = {each.symbol: each.quantity for each in terminals.positions_of(unit, terminal.id)}
        wrong = {symbol for symbol in ours.keys() | expected.keys() if ours.get(symbol, ZERO) != expected.get(symbol, ZERO)}
        for symbol in sorted(wrong):
            terminals.set_position(unit, terminal.id, symbol, expected.get(symbol, ZERO))
            unit.record(
                actor,
                "reconcile.repaired",
                terminal=terminal.id,
                what="position",
                symbol=symbol,
                before=ours.get(symbol, ZERO),
                after=expected.get(symbol, ZERO),
            )
        return bool(wrong)

    def _settle_orders(
        self,
        unit: Unit,
        actor: Actor,
        terminal: Terminal,
        confirmed: set[str],
        wrong: Mapping[str, Repair],
        lost: Mapping[str, Order],
    ) -> None:
        touched: dict[str, None] = {}
        for name, repair in wrong.items():
            if f"order {name}" in confirmed:
                _take_over(unit, actor, terminal, repair)
                touched |= {repair.order.trade_id: None} if repair.order.trade_id else {}
        for name, order in lost.items():
            if f"order {name}" not in confirmed:
                continue
            if name.startswith(NAMED_BY_VENUE):
                _end_foreign(unit, order)
            else:
                self._booking.proposing.order_lost(unit, actor, terminal, order)
        for trade_id in touched:
            self._booking.settle_again(unit, actor, trade_id)


def position_sums(unit: Unit, terminal_id: str) -> dict[str, Decimal]:
    """Return by symbol what booked fills, and decisions that moved something without one, come to."""
    sums = proposals.moved(unit, terminal_id)
    for row in orders.fills_of_terminal(unit, terminal_id):
        base_fee = row.fee if row.fee_currency == row.symbol.partition("/")[0] else ZERO
        sums[row.symbol] = sums.get(row.symbol, ZERO) + row.quantity * OrderSide(row.side).sign - base_fee
    return sums


def _differing(unit: Unit, terminal: Terminal, report: VenueReport) -> dict[str, tuple[Decimal, Decimal]]:
    """Return quantities of desk and venue by symbol where they are not equal, dust included.

    Of an instrument that has left the universe the venue is not asked; that it says nothing does not make it flat.
    """
    ours = {each.symbol: each.quantity for each in terminals.positions_of(unit, terminal.id)}
    for holding in holdings.of_terminal(unit, terminal.id):
        ours[holding.symbol] = ours.get(holding.symbol, ZERO) + holding.quantity
    theirs = {each.symbol: each.quantity for each in report.positions}
    universe = desk.current_universe(unit)
    asked = theirs.keys() | _symbols(universe)
    return {
        symbol: (ours.get(symbol, ZERO), theirs.get(symbol, ZERO))
        for symbol in sorted((ours.keys() | theirs.keys()) & asked)
        if ours.get(symbol, ZERO) != theirs.get(symbol, ZERO)
    }


def _symbols(universe: Universe | None) -> set[str]:
    if universe is None:
        raise Unavailable("NO_UNIVERSE")
    return {each.symbol for each in universe.instruments}


def _wrong_orders(unit: Unit, terminal: Terminal, report: VenueReport) -> list[Repair]:
    """Return orders that the report did not bring in line; one with a write on its way may still change by itself."""
    under_way = {
        name
        for each in (*instructions.doubtful(unit, terminal_id=terminal.id), *instructions.intents(unit))
        for name in (*each.cancels, *(order.client_id for order in each.orders))
    }
    working = {order.client_id: order for order in orders.live(unit, terminal_id=terminal.id)}
    found = []
    for reported in report.orders:
        name = name_of(reported)
        ours = working.get(name) or orders.find(unit, terminal.id, name)
        if ours is None or name in under_way:
            continue
        filled = reported.filled
        if filled != ours.filled:
            filled = max(filled, orders.filled_by_fills(unit, terminal.id, name))
        if (ours.state, ours.filled, ours.quantity) != (_state(reported, filled), filled, reported.quantity):
            found.append(Repair(order=ours, reported=replace(reported, filled=filled, state=_state(reported, filled))))
    return found


def _state(reported: VenueOrder, filled: Decimal) -> OrderState:
    """Return the state that goes with what is filled: the fills may be newer than the report on the order."""
    if filled == reported.filled or reported.state not in LIVE_ORDER_STATES:
        return reported.state
    return OrderState.FILLED if filled >= reported.quantity else OrderState.PARTIAL


def _lost_orders(unit: Unit, terminal: Terminal, report: VenueReport) -> list[Order]:
    """Return orders that the venue does not know, as far as they should still work."""
    found = [orders.find(unit, terminal.id, each.client_id) for each in report.lost]
    return [order for order in found if order is not None and order.state in LIVE_ORDER_STATES]


def _take_over(unit: Unit, actor: Actor, terminal: Terminal, repair: Repair) -> None:
    before, reported = repair.order, repair.reported
    after = replace(before, state=reported.state, filled=reported.filled, quantity=reported.quantity)
    orders.repair(unit, after)
    unit.record(
        actor,
        "reconcile.repaired",
        terminal=terminal.id,
        what="order",
        order=before.client_id,
        before=f"{before.state.value} {canonical(before.filled)} of {canonical(before.quantity)}",
        after=f"{after.state.value} {canonical(after.filled)} of {canonical(after.quantity)}",
        listed=after.state is before.state or after.state in ORDER_MOVES[before.state],
    )


def _end_foreign(unit: Unit, order: Order) -> None:
    """End an order that is known by the venue's id alone and works no more: its fills say whether it was filled."""
    state = OrderState.FILLED if order.filled >= order.quantity else OrderState.CANCELED
    orders.save(unit, order, replace(order, state=state))


def _show_holdings(unit: Unit, terminal: Terminal, held: list[VenuePosition]) -> None:
    facts: dict[str, object] = {
        "terminal": terminal.name,
        "mode": terminal.mode.value,
        "held": [[position.symbol, canonical(position.quantity)] for position in held],
    }
    owner = people.find(unit, terminal.owner_id) if terminal.owner_id is not None else None
    told = [owner] if owner is not None else people.everyone(unit, Role.COMMANDER)
    for person in told:
        outbox.tell(unit, person.id, "holdings", facts, priority=Priority.NORMAL, silent=True)
