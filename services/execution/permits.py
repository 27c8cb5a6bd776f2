"""What a claim asks before a venue hears of a write: an entry has the gate's yes to its terms, anything else only reduces."""

from __future__ import annotations

from services.domain.money import ZERO
from services.domain.orders import Instruction, InstructionKind, OrderRequest, OrderRole, entry_side, exit_side
from services.domain.trades import Trade
from services.storage import verdicts
from services.storage.database import Unit
from services.storage.verdicts import AllowedTerms


def entry_fault(unit: Unit, instruction: Instruction, trade: Trade) -> str | None:
    """Return what of an entry no stored verdict allows, or None when the newest allowing one covers all of it.

    A part of the size, a better price and a closer stop are covered; what is filled already counts towards the size.
    """
    allowed = verdicts.allowed_terms(unit, trade.id)
    if allowed is None:
        return "the gate never said yes to it"
    return _subject_fault(allowed, instruction, trade) or _terms_fault(allowed, instruction, trade)


def reduction_fault(instruction: Instruction, trade: Trade | None) -> str | None:
    """Return why a write that no verdict stands behind could add exposure, or None when it cannot."""
    for order in instruction.orders:
        if order.role is OrderRole.ENTRY:
            return "it puts an entry"
        if order.symbol != instruction.symbol:
            return f"it puts an order on {order.symbol}"
        if trade is None and not order.reduce_only:
            return "it belongs to no trade and does not only reduce"
        if trade is not None and order.side is not exit_side(trade.side):
            return f"it puts a {order.side.value} on a {trade.side.value}"
    return None


def _subject_fault(allowed: AllowedTerms, instruction: Instruction, trade: Trade) -> str | None:
    said = (allowed.mission_id, allowed.person_id, allowed.terminal_id, allowed.symbol, allowed.side)
    asked = (trade.mission_id, trade.person_id, instruction.terminal_id, instruction.symbol, trade.side)
    if said != asked:
        return "the gate said yes to something else"
    ours = instruction.kind is InstructionKind.PLACE and all(_opens(order, instruction, trade) for order in instruction.orders)
    return None if ours else "it is not one order that opens this trade"


def _opens(order: OrderRequest, instruction: Instruction, trade: Trade) -> bool:
    named = order.role is OrderRole.ENTRY and order.symbol == instruction.symbol
    return named and order.side is entry_side(trade.side) and len(instruction.orders) == 1


def _terms_fault(allowed: AllowedTerms, instruction: Instruction, trade: Trade) -> str | None:
    size = sum((order.quantity for order in instruction.orders), ZERO) + trade.entry_quantity
    if not ZERO < size <= allowed.quantity:
        return f"size {size}, allowed {allowed.quantity}"
    prices = [instruction.collar, *(order.price for order in instruction.orders if order.price is not None)]
    for price in prices:
        if price is None or (price - allowed.worst_price) * trade.side.sign > 0:
            return f"price {price}, allowed {allowed.worst_price}"
    if (allowed.stop - trade.stop) * trade.side.sign > 0:
        return f"stop {trade.stop}, allowed {allowed.stop}"
    return None
