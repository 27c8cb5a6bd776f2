"""How a trade stands at a venue whose exits are changed one group at a time: read from orders, fills and instructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.domain.market import Instrument
from services.domain.money import ZERO, Price, truncate_to
from services.domain.orders import Instruction, Order, OrderRole, OrderType, Purpose
from services.domain.ports import Capabilities
from services.domain.states import DOUBTFUL_INSTRUCTION_STATES, LIVE_ORDER_STATES, InstructionState
from services.domain.trades import Trade
from services.execution.pairs import Standing, groups_of
from services.execution.protection import lacking
from services.storage import instructions, orders, terminals
from services.storage.database import Unit

PENDING = DOUBTFUL_INSTRUCTION_STATES | {InstructionState.INTENT}
NOTHING_TO_REDUCE = frozenset({"REDUCE_ONLY"})
# Made from an older picture, or never arrived: what works at the venue still does, and the next look plans anew.
PLAN_ANEW = NOTHING_TO_REDUCE | {"ORDER_FINAL", "UNKNOWN_ORDER", "NOT_FOUND"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A trade's orders and instructions, and how it stands by them."""

    placed: Sequence[Order]
    sent: Sequence[Instruction]
    standing: Standing

    @property
    def pending(self) -> list[Instruction]:
        """Return the instructions without an answer."""
        return [each for each in self.sent if each.state in PENDING]


def in_groups(capabilities: Capabilities) -> bool:
    """Tell whether exits are changed group by group, and not exchanged as a whole in one step."""
    return capabilities.exits_lock or not (capabilities.order_lists and capabilities.replace_lists)


def read_books(unit: Unit, trade: Trade, instrument: Instrument, capabilities: Capabilities) -> Books:
    """Read everything that a plan for the trade's exits needs."""
    placed, sent = orders.of_trade(unit, trade.id), instructions.of_trade(unit, trade.id)
    signed = terminals.position(unit, trade.terminal_id, trade.symbol) * trade.side.sign
    # A fee in the base asset was taken off what was bought: the position says what is there to be sold.
    there = min(trade.open_quantity, max(ZERO, signed))
    entered = min(trade.entry_quantity, there + trade.exit_quantity)
    pending = [each for each in sent if each.state in PENDING]
    refused, stops = _refused(sent, trade.stop)
    lists = capabilities.order_lists and capabilities.list_size > 1
    standing = Standing(
        held=truncate_to(there, instrument.step),
        selling=_selling(placed, sent),
        booked=_booked(unit, trade, placed),
        groups=groups_of(placed, pending),
        lacking=tuple(lacking(trade, placed, entered)),
        paired=frozenset(target.price for target in trade.targets if lists and target.price not in refused),
        stops=stops and OrderType.STOP in capabilities.order_types,
    )
    return Books(placed=placed, sent=sent, standing=standing)


def _selling(placed: Sequence[Order], sent: Sequence[Instruction]) -> Decimal:
    """Return what sales may still take off: committed, on the way, or working at the venue."""
    known = {order.client_id: order for order in placed}
    left = ZERO
    for each in sent:
        for request in each.orders if each.purpose is Purpose.CLOSE else ():
            order = known.get(request.client_id)
            if order is None:
                left += request.quantity if each.state in PENDING else ZERO
            elif order.state in LIVE_ORDER_STATES:
                left += order.quantity - order.filled
    return left


def _booked(unit: Unit, trade: Trade, placed: Sequence[Order]) -> bool:
    """Tell whether every fill of an exit that the venue reported is in the books."""
    executed = [order for order in placed if order.role is not OrderRole.ENTRY and order.filled > 0]
    if not executed:
        return True
    booked: dict[str, Decimal] = {}
    for row in orders.fills_of_trade(unit, trade.id):
        booked[row.client_id] = booked.get(row.client_id, ZERO) + row.quantity
    return all(booked.get(order.client_id, ZERO) >= order.filled for order in executed)


def _refused(sent: Sequence[Instruction], stop: Price) -> tuple[set[Price | None], bool]:
    """Return the targets that the venue refused beside this stop, and whether it would still take the stop alone.

    Only an answer that says something about the exits counts; one that was accepted later takes it back.
    """
    refused: set[Price | None] = set()
    for each in sent:
        prices = {order.role: order for order in each.orders}
        if each.purpose is not Purpose.PROTECT or OrderRole.STOP not in prices or prices[OrderRole.STOP].stop_price != stop:
            continue
        target = prices[OrderRole.TARGET].price if OrderRole.TARGET in prices else None
        if each.state is InstructionState.REJECTED and each.answer not in PLAN_ANEW:
            refused.add(target)
        elif each.state is InstructionState.ACCEPTED:
            refused.discard(target)
    return refused, None not in refused
