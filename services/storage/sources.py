"""Senders outside as rows: who they are, what they delivered, and what of it was turned away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from services.domain.money import canonical
from services.domain.signals import Side
from services.domain.sources import NO_CALL, Alert, Arrival, ArrivalState, Source, SourceState
from services.storage.database import Unit
from services.storage.statements import insert_once, upsert
from services.storage.tables import arrivals, nonces, signals, source_counts, sources

AT_ONCE = 200

_ONE = select(sources).where(sources.c.name == bindparam("wanted"))
_WAITS = arrivals.c.state == ArrivalState.RECEIVED.value
_WAITING = select(arrivals).where(_WAITS).order_by(arrivals.c.received_at).limit(AT_ONCE)
_BY_KEY = select(arrivals.c.id, arrivals.c.digest).where(
    arrivals.c.source == bindparam("sender"), arrivals.c.key == bindparam("same")
)
_OLD_NONCES = delete(nonces).where(nonces.c.source == bindparam("sender"), nonces.c.at < bindparam("before"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one alert: its reason when it was dropped, and its result once the candles told it."""

    state: ArrivalState
    drop_code: str | None
    result_r: Decimal | None


def put(unit: Unit, source: Source, by: int | None) -> None:
    """Store a source, new or changed."""
    values = {
        "owner_id": source.owner_id,
        "state": source.state.value,
        "plain": source.plain,
        "sealed": source.sealed,
        "note": source.note,
        "judged_from": source.judged_from,
        "created_at": source.created_at,
        "changed_by": by,
        "changed_at": unit.now,
    }
    upsert(unit, sources, {"name": source.name}, values)


def find(unit: Unit, name: str) -> Source | None:
    """Return a source by its name, or None."""
    row = unit.first(_ONE, wanted=name)
    return _source(row) if row is not None else None


def everything(unit: Unit) -> list[Source]:
    """Return all sources that were not removed, by name."""
    rows = unit.all(select(sources).where(sources.c.state != SourceState.REMOVED.value).order_by(sources.c.name))
    return [_source(row) for row in rows]


def use_nonce(unit: Unit, source: str, nonce: str, forget_before: datetime) -> bool:
    """Use a nonce up; False when it was. What is older than ``forget_before`` is forgotten on the way."""
    unit.run(_OLD_NONCES, {"sender": source, "before": forget_before})
    return insert_once(unit, nonces, {"source": source, "nonce": nonce, "at": unit.now})


def by_key(unit: Unit, source: str, key: str) -> tuple[str, str] | None:
    """Return id and digest of the alert that a source delivered under a key, or None."""
    row = unit.first(_BY_KEY, sender=source, same=key)
    return (row.id, row.digest) if row is not None else None


def by_body(unit: Unit, source: str, digest: str, since: datetime) -> str | None:
    """Return the id of the newest alert of a source with this body since a time, or None."""
    same = and_(arrivals.c.source == source, arrivals.c.digest == digest, arrivals.c.received_at > since)
    row = unit.first(select(arrivals.c.id).where(same).order_by(arrivals.c.received_at.desc()).limit(1))
    return str(row.id) if row is not None else None


def add(unit: Unit, arrival: Arrival) -> None:
    """Store an alert as received."""
    unit.run(
        insert(arrivals).values(
            id=arrival.id,
            source=arrival.source,
            key=arrival.key,
            digest=arrival.digest,
            alert=dump_alert(arrival.alert),
            received_at=arrival.received_at,
            state=ArrivalState.RECEIVED.value,
        )
    )


def waiting(unit: Unit) -> list[Arrival]:
    """Return the alerts that nobody judged yet, oldest first, so many at a time."""
    return [_arrival(row) for row in unit.all(_WAITING)]


def still_waits(unit: Unit, arrival_id: str) -> bool:
    """Tell whether an alert is not judged yet."""
    return unit.first(select(arrivals.c.id).where(arrivals.c.id == arrival_id, _WAITS)) is not None


def decide(unit: Unit, arrival_id: str, *, signal_id: str | None, drop_code: str | None, note: str | None) -> None:
    """Note what became of an alert; it is judged once."""
    state = ArrivalState.OFFERED if drop_code is None else ArrivalState.DROPPED
    unit.run(
        update(arrivals)
        .where(arrivals.c.id == arrival_id, _WAITS)
        .values(state=state.value, signal_id=signal_id, drop_code=drop_code, drop_note=note, decided_at=unit.now)
    )


def unfollowed(unit: Unit, since: datetime) -> list[tuple[str, str]]:
    """Return the ids of alerts since a time that were a call and whose result is not known, each with its signal's id."""
    sound = or_(arrivals.c.drop_code.is_(None), arrivals.c.drop_code.not_in([code.value for code in NO_CALL]))
    where = (arrivals.c.received_at >= since, arrivals.c.signal_id.is_not(None), arrivals.c.result_r.is_(None), sound)
    rows = unit.all(select(arrivals.c.id, arrivals.c.signal_id).where(*where).order_by(arrivals.c.received_at))
    return [(row.id, row.signal_id) for row in rows]


def set_result(unit: Unit, arrival_id: str, result_r: Decimal) -> None:
    """Store what a call came to."""
    unit.run(update(arrivals).where(arrivals.c.id == arrival_id).values(result_r=result_r))


def outcomes(unit: Unit, source: str, since: datetime) -> list[Outcome]:
    """Return what became of a source's alerts since a time, oldest first."""
    where = (arrivals.c.source == source, arrivals.c.received_at >= since)
    rows = unit.all(
        select(arrivals.c.state, arrivals.c.drop_code, arrivals.c.result_r).where(*where).order_by(arrivals.c.received_at)
    )
    return [Outcome(state=ArrivalState(row.state), drop_code=row.drop_code, result_r=row.result_r) for row in rows]


def count(unit: Unit, counted: Mapping[tuple[str, str], int]) -> None:
    """Add to today's numbers of what was turned away or repeated, by source and code."""
    day = unit.now.date().isoformat()
    for (source, code), n in counted.items():
        keys = {"source": source, "day": day, "code": code}
        where = [source_counts.c[name] == value for name, value in keys.items()]
        before = unit.first(select(source_counts.c.n).where(*where))
        upsert(unit, source_counts, keys, {"n": n + (before.n if before is not None else 0)})


def counts(unit: Unit, source: str, since: date) -> dict[str, int]:
    """Return how often requests of a source were turned away or repeated since a day, by code."""
    where = (source_counts.c.source == source, source_counts.c.day >= since.isoformat())
    total = func.sum(source_counts.c.n).label("n")
    return {
        row.code: int(row.n)
        for row in unit.all(select(source_counts.c.code, total).where(*where).group_by(source_counts.c.code))
    }


def sweep(unit: Unit, before: datetime) -> None:
    """Forget judged alerts and numbers from before a time; their signals stay."""
    old = (arrivals.c.received_at < before, arrivals.c.state != ArrivalState.RECEIVED.value)
    unit.run(delete(arrivals).where(*old))
    unit.run(delete(source_counts).where(source_counts.c.day < before.date().isoformat()))


def signal_ids(unit: Unit, source: Source, since: datetime) -> set[str]:
    """Return the ids of a source's signals since a time."""
    where = (signals.c.source == source.signal_source, signals.c.created_at >= since)
    return {row.id for row in unit.all(select(signals.c.id).where(*where))}


def dump_alert(alert: Alert) -> dict[str, object]:
    """Write an alert as JSON keeps it; prices are exact texts."""
    return {
        "symbol": alert.symbol,
        "side": alert.side.value,
        "entry": _text(alert.entry),
        "stop": _text(alert.stop),
        "stop_percent": _text(alert.stop_percent),
        "targets": [canonical(each) for each in alert.targets],
        "target_percents": [canonical(each) for each in alert.target_percents],
        "timeframe": alert.timeframe,
        "score": alert.score,
        "lasts_s": alert.lasts_s,
        "comment": alert.comment,
        "time": alert.time.isoformat() if alert.time is not None else None,
    }


def load_alert(stored: Mapping[str, Any]) -> Alert:
    """Read an alert back exactly."""
    time = stored["time"]
    return Alert(
        symbol=stored["symbol"],
        side=Side(stored["side"]),
        entry=_amount(stored["entry"]),
        stop=_amount(stored["stop"]),
        stop_percent=_amount(stored["stop_percent"]),
        targets=tuple(Decimal(each) for each in stored["targets"]),
        target_percents=tuple(Decimal(each) for each in stored["target_percents"]),
        timeframe=stored["timeframe"],
        score=stored["score"],
        lasts_s=stored["lasts_s"],
        comment=stored["comment"],
        time=datetime.fromisoformat(time) if time is not None else None,
    )


def _text(value: Decimal | None) -> str | None:
    return canonical(value) if value is not None else None


def _amount(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def _source(row: Any) -> Source:
    return Source(
        name=row.name,
        owner_id=row.owner_id,
        state=SourceState(row.state),
        plain=row.plain,
        sealed=row.sealed,
        note=row.note,
        judged_from=row.judged_from,
        created_at=row.created_at,
    )


def _arrival(row: Any) -> Arrival:
    return Arrival(
        id=row.id,
        source=row.source,
        key=row.key,
        digest=row.digest,
        alert=load_alert(row.alert),
        received_at=row.received_at,
    )
