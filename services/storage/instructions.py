"""Instructions: committed before they are sent, claimed in one step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from services.domain.money import Price, Quantity, canonical
from services.domain.orders import (
    Instruction,
    InstructionKind,
    OrderRequest,
    OrderRole,
    OrderSide,
    OrderType,
    Purpose,
    TimeInForce,
)
from services.domain.states import DOUBTFUL_INSTRUCTION_STATES, INSTRUCTION_MOVES, InstructionState, move
from services.storage.database import Unit
from services.storage.tables import instructions

_DOUBTFUL = [state.value for state in DOUBTFUL_INSTRUCTION_STATES]
_ROW = insert(instructions)
_BY_ID = select(instructions).where(instructions.c.id == bindparam("instruction"))
_OF_TRADE = (
    select(instructions)
    .where(instructions.c.trade_id == bindparam("trade"))
    .order_by(instructions.c.created_at, instructions.c.id)
)
_PENDING = _OF_TRADE.where(instructions.c.state.in_([*_DOUBTFUL, InstructionState.INTENT.value]))
_INTENTS = (
    select(instructions)
    .where(instructions.c.state == InstructionState.INTENT.value)
    .order_by(instructions.c.created_at, instructions.c.id)
)
_ALL_DOUBTFUL = (
    select(instructions).where(instructions.c.state.in_(_DOUBTFUL)).order_by(instructions.c.created_at, instructions.c.id)
)
_DOUBTFUL_AT = _ALL_DOUBTFUL.where(
    instructions.c.terminal_id == bindparam("terminal"), instructions.c.symbol == bindparam("instrument")
)
_COUNT = select(func.count().label("n")).where(instructions.c.terminal_id == bindparam("terminal"))
_WRITES = select(
    (
        _COUNT.where(instructions.c.sent_at > bindparam("since", type_=instructions.c.sent_at.type)).scalar_subquery()
        + _COUNT.where(instructions.c.state == InstructionState.INTENT.value).scalar_subquery()
    ).label("n")
)
_FIRST_SENT = select(func.min(instructions.c.sent_at).label("at")).where(instructions.c.terminal_id == bindparam("terminal"))
_CHANGE = update(instructions).where(instructions.c.id == bindparam("instruction"), instructions.c.state == bindparam("before"))


def _dump_order(order: OrderRequest) -> dict[str, Any]:
    return {
        "client_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "role": order.role.value,
        "quantity": canonical(order.quantity),
        "price": None if order.price is None else canonical(order.price),
        "stop_price": None if order.stop_price is None else canonical(order.stop_price),
        "time_in_force": order.time_in_force.value,
        "reduce_only": order.reduce_only,
    }


def _price(text: str | None) -> Price | None:
    return None if text is None else Price(Decimal(text))


def _load_order(row: dict[str, Any]) -> OrderRequest:
    return OrderRequest(
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        type=OrderType(row["type"]),
        role=OrderRole(row["role"]),
        quantity=Quantity(Decimal(row["quantity"])),
        price=_price(row["price"]),
        stop_price=_price(row["stop_price"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        reduce_only=row["reduce_only"],
    )


def _instruction(row: Any) -> Instruction:
    return Instruction(
        id=row.id,
        trade_id=row.trade_id,
        terminal_id=row.terminal_id,
        symbol=row.symbol,
        kind=InstructionKind(row.kind),
        purpose=Purpose(row.purpose),
        state=InstructionState(row.state),
        orders=tuple(_load_order(each) for each in row.orders),
        cancels=tuple(row.cancels),
        deadline=row.deadline,
        collar=row.collar,
        correlation=row.correlation,
        created_at=row.created_at,
        epoch=row.epoch,
        sent_at=row.sent_at,
        answered_at=row.answered_at,
        answer=row.answer,
    )


def add(unit: Unit, instruction: Instruction) -> None:
    """Commit an intent; nothing has been sent yet."""
    row = {
        "id": instruction.id,
        "trade_id": instruction.trade_id,
        "terminal_id": instruction.terminal_id,
        "symbol": instruction.symbol,
        "kind": instruction.kind.value,
        "purpose": instruction.purpose.value,
        "state": instruction.state.value,
        "orders": [_dump_order(order) for order in instruction.orders],
        "cancels": list(instruction.cancels),
        "deadline": instruction.deadline,
        "collar": instruction.collar,
        "correlation": instruction.correlation,
        "created_at": instruction.created_at,
    }
    unit.run(_ROW, row)
    unit.wake("executor")


def find(unit: Unit, instruction_id: str) -> Instruction | None:
    """Return an instruction, or None."""
    row = unit.first(_BY_ID, instruction=instruction_id)
    return _instruction(row) if row else None


def intents(unit: Unit) -> list[Instruction]:
    """Return what waits to be sent: exits, protection and cancels before entries, then oldest first."""
    found = [_instruction(row) for row in unit.all(_INTENTS)]
    return sorted(found, key=lambda each: each.purpose is Purpose.ENTRY)


def doubtful(unit: Unit, *, terminal_id: str | None = None, symbol: str | None = None) -> list[Instruction]:
    """Return instructions whose outcome nobody knows yet, oldest first."""
    if terminal_id is not None and symbol is not None:
        return [_instruction(row) for row in unit.all(_DOUBTFUL_AT, terminal=terminal_id, instrument=symbol)]
    statement = _ALL_DOUBTFUL
    if terminal_id is not None:
        statement = statement.where(instructions.c.terminal_id == terminal_id)
    if symbol is not None:
        statement = statement.where(instructions.c.symbol == symbol)
    return [_instruction(row) for row in unit.all(statement)]


def pending_of_trade(unit: Unit, trade_id: str) -> list[Instruction]:
    """Return the trade's instructions without an answer, oldest first."""
    return [_instruction(row) for row in unit.all(_PENDING, trade=trade_id)]


def of_trade(unit: Unit, trade_id: str) -> list[Instruction]:
    """Return all of the trade's instructions, oldest first."""
    return [_instruction(row) for row in unit.all(_OF_TRADE, trade=trade_id)]


def set_state(
    unit: Unit,
    instruction: Instruction,
    state: InstructionState,
    *,
    answer: str | None = None,
    epoch: int | None = None,
) -> Instruction | None:
    """Make a listed move by compare-and-set; None when another had moved it first."""
    move(INSTRUCTION_MOVES, instruction.state, state)
    sending = state is InstructionState.SENT
    values: dict[str, Any] = {"instruction": instruction.id, "before": instruction.state.value, "state": state.value}
    values.update({"sent_at": unit.now, "epoch": epoch} if sending else {"answered_at": unit.now, "answer": answer})
    if unit.run(_CHANGE, values).rowcount != 1:
        return None
    stamp: datetime = unit.now
    if sending:
        return replace(instruction, state=state, sent_at=stamp, epoch=epoch)
    return replace(instruction, state=state, answered_at=stamp, answer=answer)


def writes_since(unit: Unit, terminal_id: str, since: datetime) -> int:
    """Count what was sent to a terminal's venue after a time, and what is committed and waits to be."""
    return int(unit.first(_WRITES, terminal=terminal_id, since=since).n)


def first_sent(unit: Unit, terminal_id: str) -> datetime | None:
    """Return when something was first sent to a terminal's venue, or None."""
    at: datetime | None = unit.first(_FIRST_SENT, terminal=terminal_id).at
    return at
