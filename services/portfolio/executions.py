"""How a trade's entry was executed: when, at which prices, and what that cost. What was not measured is None, never zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.domain.entries import EntryKind
from services.domain.money import ZERO, Money, Price
from services.domain.orders import CLIENT_ID_BASE, Instruction, OrderRole, Purpose, entry_side
from services.domain.quality import EntrySample
from services.domain.routes import load_route
from services.domain.signals import Mission
from services.domain.states import InstructionState, TradeState
from services.domain.trades import Trade
from services.storage import instructions, missions, orders, verdicts
from services.storage.database import Unit

BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A difference of prices that counts against the trader: positive when worse, in bps and for the size that was filled."""

    bps: Decimal
    money: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One trade's execution.

    Latencies are seconds from the confirming tap; ``waited_s`` runs from the offer to the tap. ``slippage`` is the entry
    against the middle at the tap, ``delay`` that middle against the price of the offer. ``maker`` is the share of the entry
    that rested, among the fills of which the venue says so. ``attempts``, ``placed`` and ``fills`` count what the entry's ids
    join; ``joined`` tells that each fill belongs to an order and each order to an instruction. ``planned_r`` is what the
    targets pay together.
    """

    kind: EntryKind
    offered_at: datetime | None
    offered_price: Price | None
    waited_s: float | None
    decision_mid: Price | None
    sent_s: float | None
    acknowledged_s: float | None
    first_fill_s: float | None
    last_fill_s: float | None
    entry: Price | None
    slippage: Cost | None
    delay: Cost | None
    maker: Decimal | None
    attempts: int
    placed: int
    fills: int
    joined: bool
    refused: bool
    planned_r: Decimal | None


def execution_of(unit: Unit, trade: Trade) -> Execution:
    """Read what was kept of a trade's entry."""
    sent = [each for each in instructions.of_trade(unit, trade.id) if each.purpose is Purpose.ENTRY]
    placed = [order for order in orders.of_trade(unit, trade.id) if order.role is OrderRole.ENTRY]
    rows = orders.fills_of_trade(unit, trade.id)
    fills = [row for row in rows if row.side == entry_side(trade.side).value]
    mission, mid = missions.find(unit, trade.mission_id), _mid(unit, trade)
    route = load_route(trade.route)
    return Execution(
        kind=route.kind if route is not None else EntryKind.TAKE,
        offered_at=mission.created_at if mission is not None else None,
        offered_price=mission.signal.entry if mission is not None else None,
        waited_s=_seconds(mission.created_at, trade.tapped_at) if mission is not None else None,
        decision_mid=mid,
        sent_s=_seconds(trade.tapped_at, min((each.sent_at for each in sent if each.sent_at), default=None)),
        acknowledged_s=_seconds(trade.tapped_at, trade.acknowledged_at),
        first_fill_s=_seconds(trade.tapped_at, min((row.time for row in fills), default=None)),
        last_fill_s=_seconds(trade.tapped_at, max((row.time for row in fills), default=None)),
        entry=trade.average_entry,
        slippage=_cost(trade, mid, trade.average_entry),
        delay=_delay(trade, mission, mid),
        maker=_maker(fills),
        attempts=sum(each.sent_at is not None for each in sent),
        placed=len(placed),
        fills=len(fills),
        joined=_joined(rows, sent, {order.client_id for order in placed}, fills),
        refused=_refused(trade, sent),
        planned_r=_planned_r(trade),
    )


def sample_of(unit: Unit, trade: Trade) -> EntrySample:
    """Return a trade's entry as quality counts it."""
    found = execution_of(unit, trade)
    route = load_route(trade.route)
    maker_first = route is not None and route.kind is EntryKind.MAKER
    return EntrySample(
        slippage_bps=found.slippage.bps if found.slippage is not None else None,
        maker=found.maker,
        ack_s=_decimal(found.acknowledged_s),
        fill_s=_decimal(found.last_fill_s),
        refused=found.refused,
        fell_back=(found.maker is not None and found.maker < 1) if maker_first and found.fills else None,
    )


def _decimal(seconds: float | None) -> Decimal | None:
    return None if seconds is None else Decimal(str(round(seconds, 6)))


def _mid(unit: Unit, trade: Trade) -> Price | None:
    """Return the middle of the quote that the gate decided on."""
    stored = verdicts.of_trade(unit, trade.id)
    quoted = stored.quoted if stored is not None else None
    return Price(sum(quoted, ZERO) / 2) if quoted is not None else None


def _cost(trade: Trade, before: Decimal | None, after: Decimal | None) -> Cost | None:
    if before is None or after is None or not before:
        return None
    worse = (after - before) * trade.side.sign
    filled = trade.entry_quantity
    return Cost(bps=worse / before * BPS, money=Money(worse * filled, trade.currency) if filled else None)


def _delay(trade: Trade, mission: Mission | None, mid: Price | None) -> Cost | None:
    return _cost(trade, mission.signal.entry, mid) if mission is not None else None


def _maker(fills: Sequence[Any]) -> Decimal | None:
    known = [row for row in fills if row.maker is not None]
    total = sum((row.quantity for row in known), ZERO)
    return sum((row.quantity for row in known if row.maker), ZERO) / total if total else None


def _joined(rows: Sequence[Any], sent: Sequence[Instruction], placed: set[str], entries: Sequence[Any]) -> bool:
    attempts = {each.id for each in sent}
    orders_join = all(client_id[:CLIENT_ID_BASE] in attempts for client_id in placed)
    return orders_join and all(row.client_id in placed for row in entries) and all(row.client_id for row in rows)


def _refused(trade: Trade, sent: Sequence[Instruction]) -> bool:
    return trade.state is TradeState.FAILED or any(each.state is InstructionState.REJECTED for each in sent)


def _planned_r(trade: Trade) -> Decimal | None:
    """Return what the targets pay together if all are reached, in R of the decision price."""
    unit = trade.risk_per_unit
    if not unit or not trade.targets:
        return None
    gains = ((target.price - trade.decision_price) * trade.side.sign * target.share for target in trade.targets)
    return sum(gains, ZERO) / unit


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return max(0.0, (end - start).total_seconds()) if end is not None else None
