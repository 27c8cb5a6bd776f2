"""The kinds of entry, which of them a venue takes, and the orders that they are at the venue."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.market import Instrument, Quote
from services.domain.money import Price, Quantity, ceil_to, floor_to
from services.domain.orders import (
    Instruction,
    InstructionKind,
    OrderRequest,
    OrderRole,
    OrderType,
    Purpose,
    TimeInForce,
    client_id,
    entry_side,
)
from services.domain.ports import Capabilities
from services.domain.signals import Side
from services.domain.states import InstructionState
from services.domain.trades import Trade

BPS = Decimal(10_000)


class EntryKind(StrEnum):
    """How an entry goes to the venue.

    TAKE takes what is there within the worst price, WHOLE all of it or nothing. LIMIT rests at a price, POST does and never
    takes. MAKER rests first and takes at last; STOP waits in the desk until the price is beyond its own, then takes.
    """

    TAKE = "take"
    WHOLE = "whole"
    LIMIT = "limit"
    POST = "post"
    MAKER = "maker"
    STOP = "stop"


RESTS_AT = frozenset({EntryKind.LIMIT, EntryKind.POST})
AT_A_PRICE = RESTS_AT | {EntryKind.STOP}
_NEEDS = {
    EntryKind.WHOLE: TimeInForce.FOK,
    EntryKind.LIMIT: TimeInForce.GTC,
    EntryKind.POST: TimeInForce.POST,
    EntryKind.MAKER: TimeInForce.POST,
}


def kinds_for(capabilities: Capabilities) -> tuple[EntryKind, ...]:
    """Return the kinds of entry that a venue can take."""
    able = capabilities.times_in_force if OrderType.LIMIT in capabilities.order_types else frozenset[TimeInForce]()
    return tuple(kind for kind in EntryKind if kind not in _NEEDS or _NEEDS[kind] in able)


def touch_of(quote: Quote, side: Side) -> Price:
    """Return the price at which an entry would take now."""
    return quote.ask if side is Side.LONG else quote.bid


def near_of(quote: Quote, side: Side) -> Price:
    """Return the best price of an entry's own side, where it would join the queue."""
    return quote.bid if side is Side.LONG else quote.ask


def away_from_market(price: Decimal, side: Side, instrument: Instrument) -> Price:
    """Put an entry's price on the grid, never nearer to the market than it was."""
    return Price(floor_to(price, instrument.tick) if side is Side.LONG else ceil_to(price, instrument.tick))


def maker_price(quote: Quote, side: Side, offset_bps: Decimal, instrument: Instrument) -> Price:
    """Return where an entry rests at an offset behind the best price of its own side."""
    return away_from_market(near_of(quote, side) * (1 - offset_bps / BPS * side.sign), side, instrument)


def rests(order: OrderRequest) -> bool:
    """Tell whether an order may work for a while: its own price is then the bound, wherever the market is."""
    return order.type is OrderType.LIMIT and order.time_in_force in (TimeInForce.GTC, TimeInForce.POST)


def entry_order(
    instruction_id: str, trade: Trade, kind: EntryKind, quantity: Decimal, price: Price, able: Capabilities
) -> OrderRequest:
    """Return one order of a trade's entry; LIMIT, POST and MAKER rest at ``price``, the others take within it.

    Where the venue has no immediate-or-cancel, what takes is a market order: the bound then holds up to the sending only.
    """
    bounded = TimeInForce.IOC in able.times_in_force or kind not in (EntryKind.TAKE, EntryKind.STOP)
    return OrderRequest(
        client_id=client_id(instruction_id, 0),
        symbol=trade.symbol,
        side=entry_side(trade.side),
        type=OrderType.LIMIT if bounded else OrderType.MARKET,
        role=OrderRole.ENTRY,
        quantity=Quantity(quantity),
        price=price if bounded else None,
        time_in_force=_NEEDS.get(kind, TimeInForce.IOC) if bounded else TimeInForce.GTC,
    )


def entry_instruction(
    instruction_id: str, trade: Trade, order: OrderRequest, *, deadline: datetime, collar: Price, now: datetime
) -> Instruction:
    """Return the instruction that puts an entry's order; past ``deadline`` or ``collar`` it is never sent."""
    return Instruction(
        id=instruction_id,
        trade_id=trade.id,
        terminal_id=trade.terminal_id,
        symbol=trade.symbol,
        kind=InstructionKind.PLACE,
        purpose=Purpose.ENTRY,
        state=InstructionState.INTENT,
        orders=(order,),
        cancels=(),
        deadline=deadline,
        collar=collar,
        correlation=trade.correlation,
        created_at=now,
    )
