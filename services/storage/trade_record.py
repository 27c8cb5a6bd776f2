"""What the record of trades says of a person, an instrument or a source: how many, when, and of which value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import bindparam, func, select

from services.domain.states import LIVE_TRADE_STATES, TradeState
from services.storage.database import Unit
from services.storage.tables import missions, signals, trades

_LIVE = trades.c.state.in_([state.value for state in LIVE_TRADE_STATES])
_SOURCES = (
    select(trades.c.id, signals.c.source)
    .join(missions, missions.c.id == trades.c.mission_id)
    .join(signals, signals.c.id == missions.c.signal_id)
    .where(_LIVE)
)
_LAST_CLOSE = select(func.max(trades.c.closed_at, type_=trades.c.closed_at.type).label("at")).where(
    trades.c.terminal_id == bindparam("terminal"),
    trades.c.symbol == bindparam("symbol"),
    trades.c.state == TradeState.CLOSED.value,
)
_TAPPED = (
    select(trades.c.tapped_at)
    .where(
        trades.c.person_id == bindparam("person"),
        trades.c.tapped_at > bindparam("since", type_=trades.c.tapped_at.type),
        trades.c.id != bindparam("but"),
    )
    .order_by(trades.c.tapped_at)
)
_VALUES = (
    select(trades.c.quantity, trades.c.decision_price)
    .where(
        trades.c.person_id == bindparam("person"),
        trades.c.currency == bindparam("currency"),
        trades.c.id != bindparam("but"),
    )
    .order_by(trades.c.number.desc())
    .limit(bindparam("most"))
)


def live_sources(unit: Unit) -> Mapping[str, str]:
    """Return the signal source of every live trade, by the trade's id."""
    return {row.id: row.source for row in unit.all(_SOURCES)}


def last_close(unit: Unit, terminal_id: str, symbol: str) -> datetime | None:
    """Return when a trade of the instrument was last closed at the terminal, or None."""
    row = unit.first(_LAST_CLOSE, terminal=terminal_id, symbol=symbol)
    return row.at if row is not None else None


def tapped_since(unit: Unit, person_id: int, since: datetime, but: str) -> list[datetime]:
    """Return when a person's trades since a time were confirmed, oldest first, the trade ``but`` left out."""
    return [row.tapped_at for row in unit.all(_TAPPED, person=person_id, since=since, but=but)]


def latest_values(unit: Unit, person_id: int, currency: str, most: int, but: str) -> list[Decimal]:
    """Return what a person's newest trades in a currency were worth when confirmed, newest first, ``but`` left out."""
    rows = unit.all(_VALUES, person=person_id, currency=currency, most=most, but=but)
    return [row.quantity * row.decision_price for row in rows]
