"""Trades and their sums."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from services.domain.signals import Side
from services.domain.states import LIVE_TRADE_STATES, TRADE_MOVES, TradeState, move
from services.domain.trades import Trade
from services.domain.typed import typed_number
from services.storage.database import Unit
from services.storage.missions import dump_targets, load_targets
from services.storage.tables import missions, signals, trades

_LIVE = [state.value for state in LIVE_TRADE_STATES]
_ROW = insert(trades)
_BY_ID = select(trades).where(trades.c.id == bindparam("trade"))
_CHANGE = update(trades).where(trades.c.id == bindparam("trade"))
_OF_MISSION = select(trades).where(trades.c.mission_id == bindparam("mission")).order_by(trades.c.number)
_ALL_LIVE = select(trades).where(trades.c.state.in_(_LIVE)).order_by(trades.c.number)
_COUNT_LIVE = select(trades.c.state, func.count().label("n")).where(trades.c.state.in_(_LIVE)).group_by(trades.c.state)
_LIVE_OF_PERSON = _ALL_LIVE.where(trades.c.person_id == bindparam("person"))
_LIVE_AT_TERMINAL = _ALL_LIVE.where(trades.c.terminal_id == bindparam("terminal"))
_CLOSED_OF = (
    select(trades)
    .where(trades.c.person_id == bindparam("person"), trades.c.state == TradeState.CLOSED.value)
    .order_by(trades.c.closed_at.desc(), trades.c.number.desc())
    .limit(bindparam("most"))
)
_CLOSED_OF_SINCE = select(trades).where(
    trades.c.person_id == bindparam("person"),
    trades.c.state == TradeState.CLOSED.value,
    trades.c.closed_at >= bindparam("since"),
)
_SCORED = (
    select(trades, signals.c.source, signals.c.score)
    .join(missions, missions.c.id == trades.c.mission_id)
    .join(signals, signals.c.id == missions.c.signal_id)
    .where(trades.c.state == TradeState.CLOSED.value, trades.c.closed_at >= bindparam("since"))
    .order_by(trades.c.number)
)
_NEVER_WERE = [TradeState.CANCELED.value, TradeState.FAILED.value, TradeState.DENIED.value]
_FIRED = select(func.count().label("n")).where(
    trades.c.person_id == bindparam("person"),
    trades.c.tapped_at >= bindparam("since"),
    trades.c.state.not_in(_NEVER_WERE),
    trades.c.id != bindparam("but"),
)
_OPENED_AT = (
    select(trades)
    .where(trades.c.terminal_id == bindparam("terminal"), trades.c.opened_at > bindparam("after"))
    .order_by(trades.c.opened_at.desc(), trades.c.number.desc())
    .limit(bindparam("most"))
)


def _trade(row: Any) -> Trade:
    return Trade(
        id=row.id,
        number=row.number,
        mission_id=row.mission_id,
        person_id=row.person_id,
        terminal_id=row.terminal_id,
        symbol=row.symbol,
        side=Side(row.side),
        state=TradeState(row.state),
        quantity=row.quantity,
        decision_price=row.decision_price,
        worst_price=row.worst_price,
        stop=row.stop,
        initial_stop=row.initial_stop,
        targets=load_targets(row.targets),
        risk_money=row.risk_money,
        currency=row.currency,
        tapped_at=row.tapped_at,
        correlation=row.correlation,
        entry_quantity=row.entry_quantity,
        entry_cost=row.entry_cost,
        exit_quantity=row.exit_quantity,
        exit_cost=row.exit_cost,
        fees=row.fees,
        dust=row.dust,
        acknowledged_at=row.acknowledged_at,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        close_reason=row.close_reason,
        closing=row.closing,
        closing_at=row.closing_at,
        bare_since=row.bare_since,
        keep=row.keep,
        route=row.route,
    )


def _changing(trade: Trade) -> dict[str, Any]:
    return {
        "state": trade.state.value,
        "worst_price": trade.worst_price,
        "tapped_at": trade.tapped_at,
        "risk_money": trade.risk_money,
        "stop": trade.stop,
        "targets": dump_targets(trade.targets),
        "entry_quantity": trade.entry_quantity,
        "entry_cost": trade.entry_cost,
        "exit_quantity": trade.exit_quantity,
        "exit_cost": trade.exit_cost,
        "fees": trade.fees,
        "dust": trade.dust,
        "acknowledged_at": trade.acknowledged_at,
        "opened_at": trade.opened_at,
        "closed_at": trade.closed_at,
        "close_reason": trade.close_reason,
        "closing": trade.closing,
        "closing_at": trade.closing_at,
        "bare_since": trade.bare_since,
        "keep": dict(trade.keep) if trade.keep is not None else None,
        "route": dict(trade.route) if trade.route is not None else None,
    }


def add(unit: Unit, trade: Trade) -> None:
    """Store a fresh trade."""
    fixed = {
        "id": trade.id,
        "number": trade.number,
        "mission_id": trade.mission_id,
        "person_id": trade.person_id,
        "terminal_id": trade.terminal_id,
        "symbol": trade.symbol,
        "side": trade.side.value,
        "quantity": trade.quantity,
        "decision_price": trade.decision_price,
        "initial_stop": trade.initial_stop,
        "currency": trade.currency,
        "correlation": trade.correlation,
    }
    unit.run(_ROW, fixed | _changing(trade))


def save(unit: Unit, before: Trade, after: Trade) -> None:
    """Store the sums and, when it changed by a listed move, the state."""
    if after.state is not before.state:
        move(TRADE_MOVES, before.state, after.state)
    unit.run(_CHANGE, {"trade": after.id, **_changing(after)})


def find(unit: Unit, trade_id: str) -> Trade | None:
    """Return a trade by its id, or None."""
    row = unit.first(_BY_ID, trade=trade_id)
    return _trade(row) if row else None


def by_number(unit: Unit, number: int) -> Trade | None:
    """Return a trade by the number people type, or None."""
    row = unit.first(select(trades).where(trades.c.number == number))
    return _trade(row) if row else None


def by_reference(unit: Unit, reference: str) -> Trade | None:
    """Return a trade by what people type for it, its number with or without ``#``, or by its id, or None."""
    text = reference.strip().lstrip("#")
    number = typed_number(text)
    return by_number(unit, number) if number is not None else find(unit, text)


def live(unit: Unit, *, person_id: int | None = None, terminal_id: str | None = None) -> list[Trade]:
    """Return trades that may still change, oldest first."""
    if terminal_id is not None:
        rows = unit.all(_LIVE_AT_TERMINAL, terminal=terminal_id)
    elif person_id is not None:
        rows = unit.all(_LIVE_OF_PERSON, person=person_id)
    else:
        rows = unit.all(_ALL_LIVE)
    return [_trade(row) for row in rows if person_id is None or row.person_id == person_id]


def count_live(unit: Unit) -> dict[TradeState, int]:
    """Count the trades that may still change, by state."""
    return {TradeState(row.state): row.n for row in unit.all(_COUNT_LIVE)}


def of_mission(unit: Unit, mission_id: str) -> list[Trade]:
    """Return the trades that fired a mission, oldest first."""
    return [_trade(row) for row in unit.all(_OF_MISSION, mission=mission_id)]


def closed(
    unit: Unit, *, since: datetime, person_id: int | None = None, terminal_ids: Iterable[str] | None = None
) -> list[Trade]:
    """Return trades closed since a time, newest first."""
    statement = select(trades).where(trades.c.state == TradeState.CLOSED.value, trades.c.closed_at >= since)
    if person_id is not None:
        statement = statement.where(trades.c.person_id == person_id)
    if terminal_ids is not None:
        statement = statement.where(trades.c.terminal_id.in_(list(terminal_ids)))
    return [_trade(row) for row in unit.all(statement.order_by(trades.c.closed_at.desc()))]


def scored_since(unit: Unit, since: datetime) -> list[tuple[str, str, int, Trade]]:
    """Return mission, source and score with each trade that was closed since a time."""
    return [(row.mission_id, row.source, row.score, _trade(row)) for row in unit.all(_SCORED, since=since)]


def newest_closed(unit: Unit, person_id: int, limit: int) -> list[Trade]:
    """Return a person's closed trades, newest first, at most so many."""
    return [_trade(row) for row in unit.all(_CLOSED_OF, person=person_id, most=limit)]


def closed_of(unit: Unit, person_id: int, since: datetime) -> list[Trade]:
    """Return the trades of a person that were closed since a time."""
    return [_trade(row) for row in unit.all(_CLOSED_OF_SINCE, person=person_id, since=since)]


def count_fired(unit: Unit, person_id: int, since: datetime, but: str) -> int:
    """Count a person's entries since a time, those that ended without a fill and the trade ``but`` left out."""
    return int(unit.first(_FIRED, person=person_id, since=since, but=but).n)


def newest_opened(unit: Unit, terminal_id: str, after: datetime, limit: int) -> list[Trade]:
    """Return the trades at a terminal that were first filled after a time, newest first, at most so many."""
    return [_trade(row) for row in unit.all(_OPENED_AT, terminal=terminal_id, after=after, most=limit)]


def tapped_since(unit: Unit, since: datetime) -> list[Trade]:
    """Return trades fired since a time, oldest first."""
    return [_trade(row) for row in unit.all(select(trades).where(trades.c.tapped_at >= since).order_by(trades.c.number))]
