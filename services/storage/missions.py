"""Signals, missions, their offers and what people decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from services.domain.money import Fraction, Price, canonical
from services.domain.signals import DropCode, Mission, Side, Signal, Target
from services.domain.states import MISSION_MOVES, MissionState, move
from services.domain.typed import typed_number
from services.storage.counters import next_number
from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import decisions, missions, offers, signals


def dump_targets(targets: Sequence[Target]) -> list[list[str]]:
    """Write targets as ``[price, share]`` texts."""
    return [[canonical(target.price), canonical(target.share)] for target in targets]


def load_targets(rows: Sequence[Sequence[str]]) -> tuple[Target, ...]:
    """Read targets back exactly."""
    return tuple(Target(price=Price(Decimal(price)), share=Fraction(Decimal(share))) for price, share in rows)


def add_signal(unit: Unit, signal: Signal, drop: DropCode | None, note: str | None = None) -> bool:
    """Store a signal, offered or dropped; False when this candle had called already."""
    return insert_once(
        unit,
        signals,
        {
            "id": signal.id,
            "source": signal.source,
            "symbol": signal.symbol,
            "timeframe": signal.timeframe,
            "side": signal.side.value,
            "entry_low": signal.entry_low,
            "entry_high": signal.entry_high,
            "stop": signal.stop,
            "targets": dump_targets(signal.targets),
            "score": signal.score,
            "score_parts": dict(signal.score_parts),
            "reason": signal.reason,
            "facts": dict(signal.facts),
            "candle_time": signal.candle_time,
            "created_at": signal.created_at,
            "expires_at": signal.expires_at,
            "drop_code": drop.value if drop else None,
            "drop_note": note,
        },
    )


def _signal(row: Any, signal_id: str) -> Signal:
    return Signal(
        id=signal_id,
        source=row.source,
        symbol=row.symbol,
        timeframe=row.timeframe,
        side=Side(row.side),
        entry_low=row.entry_low,
        entry_high=row.entry_high,
        stop=row.stop,
        targets=load_targets(row.targets),
        score=row.score,
        score_parts=row.score_parts,
        created_at=row.signal_created_at,
        expires_at=row.signal_expires_at,
        candle_time=row.candle_time,
        reason=row.reason,
        facts=row.facts,
    )


_JOINED = select(
    missions.c.id,
    missions.c.number,
    missions.c.signal_id,
    missions.c.state,
    missions.c.created_at,
    missions.c.closed_at,
    signals.c.source,
    signals.c.symbol,
    signals.c.timeframe,
    signals.c.side,
    signals.c.entry_low,
    signals.c.entry_high,
    signals.c.stop,
    signals.c.targets,
    signals.c.score,
    signals.c.score_parts,
    signals.c.reason,
    signals.c.facts,
    signals.c.candle_time,
    signals.c.created_at.label("signal_created_at"),
    signals.c.expires_at.label("signal_expires_at"),
).join(signals, signals.c.id == missions.c.signal_id)
_BY_ID = _JOINED.where(missions.c.id == bindparam("mission"))
_OPEN = _JOINED.where(missions.c.state == MissionState.OPEN.value).order_by(missions.c.number.desc())
_DECISIONS = select(decisions).where(decisions.c.mission_id == bindparam("mission")).order_by(decisions.c.at)
_CALLS_ON = (
    select(signals.c.source, signals.c.score, signals.c.drop_code, signals.c.drop_note, signals.c.created_at)
    .where(signals.c.symbol == bindparam("instrument"))
    .order_by(signals.c.created_at.desc())
    .limit(bindparam("most"))
)
_WAITING = (
    select(signals, signals.c.created_at.label("signal_created_at"), signals.c.expires_at.label("signal_expires_at"))
    .outerjoin(missions, missions.c.signal_id == signals.c.id)
    .where(missions.c.id.is_(None), signals.c.drop_code.is_(None))
    .order_by(signals.c.created_at)
)


_SIGNAL = select(
    signals, signals.c.created_at.label("signal_created_at"), signals.c.expires_at.label("signal_expires_at")
).where(signals.c.id == bindparam("signal"))


def _mission(row: Any) -> Mission:
    return Mission(
        id=row.id,
        number=row.number,
        signal=_signal(row, row.signal_id),
        state=MissionState(row.state),
        created_at=row.created_at,
        closed_at=row.closed_at,
    )


def add(unit: Unit, mission_id: str, signal: Signal) -> Mission:
    """Open a mission for a stored signal."""
    number = next_number(unit, "mission")
    unit.run(
        insert(missions).values(
            id=mission_id,
            number=number,
            signal_id=signal.id,
            symbol=signal.symbol,
            side=signal.side.value,
            state=MissionState.OPEN.value,
            expires_at=signal.expires_at,
            created_at=unit.now,
        )
    )
    return Mission(id=mission_id, number=number, signal=signal, state=MissionState.OPEN, created_at=unit.now)


def waiting_signals(unit: Unit) -> list[Signal]:
    """Return stored signals that were not dropped and have no mission yet, oldest first."""
    return [_signal(row, row.id) for row in unit.all(_WAITING)]


def find_signal(unit: Unit, signal_id: str) -> Signal | None:
    """Return a stored signal, or None."""
    row = unit.first(_SIGNAL, signal=signal_id)
    return _signal(row, row.id) if row is not None else None


def drop_signal(unit: Unit, signal_id: str, drop: DropCode, note: str | None) -> None:
    """Drop a stored signal that never became a mission."""
    unit.run(update(signals).where(signals.c.id == signal_id).values(drop_code=drop.value, drop_note=note))


def newest_calls(unit: Unit, symbol: str, limit: int) -> list[Any]:
    """Return the newest calls on an instrument, offered or dropped, newest first: source, score, drop and time."""
    return list(unit.all(_CALLS_ON, instrument=symbol, most=limit))


def drops_since(unit: Unit, since: datetime) -> dict[str, int]:
    """Count dropped signals by reason since a time."""
    where = (signals.c.created_at >= since, signals.c.drop_code.is_not(None))
    rows = unit.all(select(signals.c.drop_code, func.count().label("n")).where(*where).group_by(signals.c.drop_code))
    return {row.drop_code: row.n for row in rows}


def find(unit: Unit, mission_id: str) -> Mission | None:
    """Return a mission by its id, or None."""
    row = unit.first(_BY_ID, mission=mission_id)
    return _mission(row) if row else None


def by_number(unit: Unit, number: int) -> Mission | None:
    """Return a mission by the number people type, or None."""
    row = unit.first(_JOINED.where(missions.c.number == number))
    return _mission(row) if row else None


def by_reference(unit: Unit, reference: str) -> Mission | None:
    """Return a mission by what people type for it, its number with or without ``#``, or by its id, or None."""
    text = reference.strip().lstrip("#")
    number = typed_number(text)
    return by_number(unit, number) if number is not None else find(unit, text)


def open_missions(unit: Unit) -> list[Mission]:
    """Return open missions, newest first."""
    return [_mission(row) for row in unit.all(_OPEN)]


def latest(unit: Unit, limit: int) -> list[Mission]:
    """Return the newest missions of any state."""
    return [_mission(row) for row in unit.all(_JOINED.order_by(missions.c.number.desc()).limit(limit))]


def due_to_expire(unit: Unit, now: datetime) -> list[Mission]:
    """Return open missions whose time is over."""
    rows = unit.all(_JOINED.where(missions.c.state == MissionState.OPEN.value, missions.c.expires_at <= now))
    return [_mission(row) for row in rows]


def set_state(unit: Unit, mission: Mission, state: MissionState) -> None:
    """Make a listed move."""
    move(MISSION_MOVES, mission.state, state)
    unit.run(
        update(missions)
        .where(missions.c.id == mission.id, missions.c.state == mission.state.value)
        .values(state=state.value, closed_at=unit.now)
    )


def last_created(unit: Unit, symbol: str) -> datetime | None:
    """Return when the newest mission on this instrument was opened."""
    newest = select(missions.c.created_at).where(missions.c.symbol == symbol)
    at: datetime | None = unit.connection.scalar(newest.order_by(missions.c.created_at.desc()).limit(1))
    return at


def open_on(unit: Unit, symbol: str, side: Side) -> bool:
    """Tell whether an open mission calls the same side of the same instrument."""
    where = (missions.c.symbol == symbol, missions.c.side == side.value, missions.c.state == MissionState.OPEN.value)
    return unit.first(select(missions.c.id).where(*where).limit(1)) is not None


def pending_of(unit: Unit, strategy: str) -> int:
    """Return how many missions of a strategy, all its versions together, are open or about to be."""
    source = f"strategy:{strategy}@"
    opened = (
        select(func.count())
        .select_from(missions.join(signals, missions.c.signal_id == signals.c.id))
        .where(missions.c.state == MissionState.OPEN.value, signals.c.source.startswith(source, autoescape=True))
    )
    waiting = sum(each.source.startswith(source) for each in waiting_signals(unit))
    return int(unit.connection.scalar(opened) or 0) + waiting


def add_offer(unit: Unit, mission_id: str, chat_id: int, *, grouped: bool) -> bool:
    """Note that a mission was offered in a chat; False when it had been."""
    row = {"mission_id": mission_id, "chat_id": chat_id, "grouped": grouped, "offered_at": unit.now}
    return insert_once(unit, offers, row)


def count_offers(unit: Unit, chat_id: int, since: datetime) -> int:
    """Count the single offers in a chat since a time."""
    where = (offers.c.chat_id == chat_id, offers.c.offered_at > since, offers.c.grouped.is_(False))
    return int(unit.first(select(func.count().label("n")).where(*where)).n)


def grouped_between(unit: Unit, chat_id: int, start: datetime, end: datetime) -> list[Mission]:
    """Return the missions that a chat got in its grouped card from one time up to another, newest first."""
    statement = _JOINED.join(offers, offers.c.mission_id == missions.c.id).where(
        offers.c.chat_id == chat_id, offers.c.grouped, offers.c.offered_at >= start, offers.c.offered_at < end
    )
    return [_mission(row) for row in unit.all(statement.order_by(missions.c.number.desc()))]


def decide(unit: Unit, mission_id: str, person_id: int, decision: str, reason: str | None) -> None:
    """Store what a person did with a mission; the newest decision stands."""
    upsert(
        unit,
        decisions,
        {"mission_id": mission_id, "person_id": person_id},
        {"decision": decision, "reason": reason, "at": unit.now},
    )


def decisions_on(unit: Unit, mission_id: str) -> list[Any]:
    """Return rows of person_id, decision, reason and time, oldest first."""
    return list(unit.all(_DECISIONS, mission=mission_id))
