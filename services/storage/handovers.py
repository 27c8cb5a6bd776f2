"""Who keeps a trade that its own trader may not manage any more."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update

from services.domain.handovers import Handover, Kept
from services.domain.states import LIVE_TRADE_STATES
from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import handovers, trades

_OF_TRADE = select(handovers).where(handovers.c.trade_id == bindparam("trade"))
_LIVE = (
    select(handovers)
    .join(trades, trades.c.id == handovers.c.trade_id)
    .where(trades.c.state.in_([state.value for state in LIVE_TRADE_STATES]), handovers.c.keeper_id == bindparam("keeper"))
    .order_by(trades.c.number)
)
_ANSWER = update(handovers).where(handovers.c.trade_id == bindparam("trade"))


def _handover(row: Any) -> Handover:
    return Handover(
        trade_id=row.trade_id,
        person_id=row.person_id,
        keeper_id=row.keeper_id,
        why=row.why,
        at=row.at,
        answer=Kept(row.answer) if row.answer is not None else None,
    )


def give(unit: Unit, trade_id: str, *, person_id: int, keeper_id: int, why: str) -> None:
    """Pass a trade on; an earlier hand is forgotten, and so is what it decided."""
    values = {"person_id": person_id, "keeper_id": keeper_id, "why": why, "at": unit.now, "answer": None}
    upsert(unit, handovers, {"trade_id": trade_id}, values)


def find(unit: Unit, trade_id: str) -> Handover | None:
    """Return how a trade was passed on last, or None for one that its own trader has."""
    row = unit.first(_OF_TRADE, trade=trade_id)
    return _handover(row) if row else None


def keeper_of(unit: Unit, trade_id: str) -> int | None:
    """Return who keeps a trade in place of its trader, or None."""
    row = unit.first(_OF_TRADE, trade=trade_id)
    return row.keeper_id if row else None


def live_with(unit: Unit, keeper_id: int, person_id: int | None = None) -> list[Handover]:
    """Return the live trades that somebody keeps, of one person or of everybody, in the order of their numbers."""
    found = [_handover(row) for row in unit.all(_LIVE, keeper=keeper_id)]
    return [each for each in found if person_id in (None, each.person_id)]


def answer(unit: Unit, trade_id: str, said: Kept) -> None:
    """Note what the keeper decided."""
    unit.run(_ANSWER, {"trade": trade_id, "answer": said.value})
