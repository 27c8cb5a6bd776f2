"""The instructions that execution itself commits: protection, closes and cancels. None of them adds exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from services.domain.money import Price, Quantity
from services.domain.orders import (
    Instruction,
    InstructionKind,
    Order,
    OrderRequest,
    OrderRole,
    OrderType,
    Purpose,
    TimeInForce,
    client_id,
    exit_side,
)
from services.domain.ports import Capabilities, Ids
from services.domain.states import InstructionState
from services.domain.trades import Trade
from services.execution.protection import Exits, requests_for
from services.storage import instructions
from services.storage.database import Unit


def add_protection(unit: Unit, ids: Ids, trade: Trade, wanted: Exits, working: Sequence[Order]) -> Instruction:
    """Commit the exits of a trade, in exchange for those that work now."""
    instruction_id = ids.instruction()
    kind = InstructionKind.REPLACE_LIST if working else InstructionKind.PLACE_LIST
    return _add(
        unit,
        trade,
        instruction_id,
        kind,
        Purpose.PROTECT,
        orders=requests_for(trade, wanted, instruction_id),
        cancels=tuple(order.client_id for order in working),
    )


def add_close(unit: Unit, ids: Ids, trade: Trade, quantity: Decimal) -> Instruction:
    """Commit a reduce-only market order for a part of a trade or all of it."""
    instruction_id = ids.instruction()
    order = OrderRequest(
        client_id=client_id(instruction_id, 0),
        symbol=trade.symbol,
        side=exit_side(trade.side),
        type=OrderType.MARKET,
        role=OrderRole.CLOSE,
        quantity=Quantity(quantity),
        reduce_only=True,
    )
    return _add(unit, trade, instruction_id, InstructionKind.PLACE, Purpose.CLOSE, orders=(order,), cancels=())


def add_group(unit: Unit, ids: Ids, trade: Trade, target: Price | None, quantity: Decimal, *, reduce_only: bool) -> Instruction:
    """Commit one group of exits: a stop and a target of the same quantity as a list, or a stop alone."""
    instruction_id = ids.instruction()
    wanted = Exits(stop=trade.stop, quantity=quantity, targets=((target, quantity),) if target is not None else ())
    orders = tuple(replace(each, reduce_only=reduce_only) for each in requests_for(trade, wanted, instruction_id))
    kind = InstructionKind.PLACE_LIST if len(orders) > 1 else InstructionKind.PLACE
    return _add(unit, trade, instruction_id, kind, Purpose.PROTECT, orders=orders, cancels=())


def add_sale(unit: Unit, ids: Ids, trade: Trade, quantity: Decimal, capabilities: Capabilities) -> Instruction:
    """Commit the sale that a trade waits for, at market or, where the desk takes a target, at that price or better."""
    instruction_id = ids.instruction()
    at_once = TimeInForce.IOC in capabilities.times_in_force
    order = OrderRequest(
        client_id=client_id(instruction_id, 0),
        symbol=trade.symbol,
        side=exit_side(trade.side),
        type=OrderType.MARKET if trade.closing_at is None else OrderType.LIMIT,
        role=OrderRole.CLOSE if trade.closing_at is None else OrderRole.TARGET,
        quantity=Quantity(quantity),
        price=trade.closing_at,
        time_in_force=TimeInForce.IOC if at_once and trade.closing_at is not None else TimeInForce.GTC,
        reduce_only=capabilities.reduce_only,
    )
    return _add(unit, trade, instruction_id, InstructionKind.PLACE, Purpose.CLOSE, orders=(order,), cancels=())


def add_cancel(unit: Unit, ids: Ids, trade: Trade, working: Sequence[Order]) -> Instruction:
    """Commit the cancelling of working orders."""
    cancels = tuple(order.client_id for order in working)
    return _add(unit, trade, ids.instruction(), InstructionKind.CANCEL, Purpose.CANCEL, orders=(), cancels=cancels)


def _add(
    unit: Unit,
    trade: Trade,
    instruction_id: str,
    kind: InstructionKind,
    purpose: Purpose,
    *,
    orders: tuple[OrderRequest, ...],
    cancels: tuple[str, ...],
) -> Instruction:
    instruction = Instruction(
        id=instruction_id,
        trade_id=trade.id,
        terminal_id=trade.terminal_id,
        symbol=trade.symbol,
        kind=kind,
        purpose=purpose,
        state=InstructionState.INTENT,
        orders=orders,
        cancels=cancels,
        deadline=None,
        collar=None,
        correlation=trade.correlation,
        created_at=unit.now,
    )
    instructions.add(unit, instruction)
    return instruction
