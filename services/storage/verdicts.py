"""Stored verdicts: every check with its limit and value, and the inputs that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, select

from services.domain.approvals import ApprovalSubject
from services.domain.money import canonical
from services.domain.proofs import digest_of
from services.domain.signals import Side
from services.domain.verdicts import Check, CheckCode, Verdict
from services.domain.verdicts import Unit as CheckUnit
from services.storage.database import Unit
from services.storage.tables import approvals, verdicts
from services.storage.tables.columns import Instant

_ROW = insert(verdicts)
# What stands for the id of a verdict that a preview shows.
SHOWN = "preview"
# Of a trade that waited for a second person, the verdict of the last yes counts.
_OF_TRADE = (
    select(verdicts)
    .outerjoin(
        approvals,
        and_(
            approvals.c.subject_id == verdicts.c.trade_id,
            approvals.c.subject == ApprovalSubject.TRADE.value,
            approvals.c.decided_at == verdicts.c.at,
        ),
    )
    .where(verdicts.c.trade_id == bindparam("trade"))
    .order_by(approvals.c.id.is_(None), verdicts.c.at)
    .limit(1)
)
_TERMS = (
    select(
        verdicts.c.mission_id,
        verdicts.c.person_id,
        verdicts.c.terminal_id,
        verdicts.c.context["plan"].label("plan"),
        verdicts.c.context["market"]["instrument"]["symbol"].label("symbol"),
    )
    .where(verdicts.c.trade_id == bindparam("trade"), verdicts.c.allowed.is_(True))
    .order_by(verdicts.c.at.desc(), verdicts.c.id.desc())
    .limit(1)
)


_SINCE = (
    select(
        verdicts.c.trade_id,
        verdicts.c.mission_id,
        verdicts.c.person_id,
        verdicts.c.terminal_id,
        verdicts.c.checks,
        verdicts.c.context,
    )
    .where(verdicts.c.at >= bindparam("since", type_=Instant))
    .order_by(verdicts.c.at.desc(), verdicts.c.id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A verdict with what it was made from, and about whom and where; ``trade_id`` is None where it led to no trade."""

    trade_id: str | None
    mission_id: str
    person_id: int
    terminal_id: str
    checks: tuple[Check, ...]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVerdict:
    """A verdict as it was kept, with the context that it was a pure function of; ``body`` is all of it as it is proved."""

    id: str
    trade_id: str | None
    mission_id: str
    person_id: int
    verdict: Verdict
    context: Mapping[str, Any]
    body: Mapping[str, object]

    @property
    def quoted(self) -> tuple[Decimal, Decimal] | None:
        """Return bid and ask that the gate decided on, or None when it had no quote; older rows keep them on top."""
        kept = self.context["market"]["quote"] if "market" in self.context else self.context
        bid, ask = (kept or {}).get("bid"), (kept or {}).get("ask")
        return (Decimal(bid), Decimal(ask)) if bid is not None and ask is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedTerms:
    """What the gate last said yes to for a trade: at most ``quantity``, at ``worst_price`` or better, with this stop."""

    mission_id: str
    person_id: int
    terminal_id: str
    symbol: str
    side: Side
    quantity: Decimal
    worst_price: Decimal
    stop: Decimal


def dump_checks(checks: tuple[Check, ...]) -> list[dict[str, Any]]:
    """Write checks as plain values."""
    return [
        {
            "code": check.code.value,
            "passed": check.passed,
            "value": check.value,
            "limit": check.limit,
            "unit": check.unit.value,
            "use": None if check.use is None else canonical(check.use),
            "frees_at": None if check.frees_at is None else check.frees_at.isoformat(),
            "note": check.note,
            "scope": check.scope,
        }
        for check in checks
    ]


def load_checks(rows: list[dict[str, Any]]) -> tuple[Check, ...]:
    """Read checks back."""
    return tuple(
        Check(
            code=CheckCode(row["code"]),
            passed=row["passed"],
            value=row["value"],
            limit=row["limit"],
            unit=CheckUnit(row["unit"]),
            use=None if row["use"] is None else Decimal(row["use"]),
            frees_at=None if row["frees_at"] is None else datetime.fromisoformat(row["frees_at"]),
            note=row["note"],
            scope=row.get("scope", "desk"),
        )
        for row in rows
    )


def add(
    unit: Unit,
    verdict_id: str,
    verdict: Verdict,
    *,
    trade_id: str | None,
    mission_id: str,
    person_id: int,
    terminal_id: str,
    context: Mapping[str, object],
) -> str:
    """Store a verdict, allowed or denied, and return the hash of its proof."""
    row = _row(verdict_id, verdict, trade_id, mission_id, person_id, terminal_id, context)
    unit.run(_ROW, row)
    return digest_of(_body(row))


def body_shown(
    verdict: Verdict, *, mission_id: str, person_id: int, terminal_id: str, context: Mapping[str, object]
) -> dict[str, object]:
    """Return the proof of a verdict that is shown and led to nothing yet; it stands in no row of its own."""
    return _body(_row(SHOWN, verdict, None, mission_id, person_id, terminal_id, context))


def shown_verdict(body: Mapping[str, Any]) -> StoredVerdict:
    """Read back a verdict from the proof of what was shown."""
    return StoredVerdict(
        id=body["verdict"],
        trade_id=None,
        mission_id=body["mission"],
        person_id=body["person"],
        verdict=Verdict(
            checks=load_checks(body["checks"]),
            config_hash=body["config"],
            decided_at=datetime.fromisoformat(body["at"]),
        ),
        context=body["context"],
        body=body,
    )


def _row(
    verdict_id: str,
    verdict: Verdict,
    trade_id: str | None,
    mission_id: str,
    person_id: int,
    terminal_id: str,
    context: Mapping[str, object],
) -> dict[str, Any]:
    return {
        "id": verdict_id,
        "trade_id": trade_id,
        "mission_id": mission_id,
        "person_id": person_id,
        "terminal_id": terminal_id,
        "allowed": verdict.allowed,
        "code": None if verdict.allowed else verdict.denials[0].code.value,
        "checks": dump_checks(verdict.checks),
        "context": dict(context),
        "config_hash": verdict.config_hash,
        "at": verdict.decided_at,
    }


def _body(row: Mapping[str, Any]) -> dict[str, object]:
    """Return everything that was decided on and how, in plain values, whatever later builds read in it."""
    return {
        "verdict": row["id"],
        "trade": row["trade_id"],
        "mission": row["mission_id"],
        "person": row["person_id"],
        "terminal": row["terminal_id"],
        "allowed": row["allowed"],
        "code": row["code"],
        "checks": row["checks"],
        "context": row["context"],
        "config": row["config_hash"],
        "at": row["at"].astimezone(UTC).isoformat(),
    }


def of_trade(unit: Unit, trade_id: str) -> StoredVerdict | None:
    """Return the verdict that let a trade through or ended it, the first about one that waits; None without any."""
    row = unit.first(_OF_TRADE, trade=trade_id)
    return _stored(row) if row else None


def allowed_terms(unit: Unit, trade_id: str) -> AllowedTerms | None:
    """Return the terms of a trade's newest allowing verdict; None without one, or when they cannot be read from it."""
    row = unit.first(_TERMS, trade=trade_id)
    if row is None or row.plan is None or row.symbol is None:
        return None
    try:
        quantity, worst_price, stop = (Decimal(row.plan[name]) for name in ("quantity", "worst_price", "stop"))
        side = Side(row.plan["side"])
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    return AllowedTerms(
        mission_id=row.mission_id,
        person_id=row.person_id,
        terminal_id=row.terminal_id,
        symbol=row.symbol,
        side=side,
        quantity=quantity,
        worst_price=worst_price,
        stop=stop,
    )


def find(unit: Unit, verdict_id: str) -> StoredVerdict | None:
    """Return a stored verdict, or None."""
    row = unit.first(select(verdicts).where(verdicts.c.id == verdict_id))
    return _stored(row) if row else None


def _stored(row: Any) -> StoredVerdict:
    return StoredVerdict(
        id=row.id,
        trade_id=row.trade_id,
        mission_id=row.mission_id,
        person_id=row.person_id,
        verdict=Verdict(checks=load_checks(row.checks), config_hash=row.config_hash, decided_at=row.at),
        context=row.context,
        body=_body({column.name: getattr(row, column.name) for column in verdicts.c}),
    )


def newest_of_mission(unit: Unit, mission_id: str, person_id: int | None = None) -> StoredVerdict | None:
    """Return the last verdict about a mission, to one person or whoever asked, or None."""
    statement = select(verdicts).where(verdicts.c.mission_id == mission_id).order_by(verdicts.c.at.desc()).limit(1)
    if person_id is not None:
        statement = statement.where(verdicts.c.person_id == person_id)
    row = unit.first(statement)
    return _stored(row) if row else None


def recorded_since(unit: Unit, since: datetime, most: int) -> list[Recorded]:
    """Return the inputs of the latest verdicts since a time, the newest first, ``most`` of them at most."""
    return [
        Recorded(
            trade_id=row.trade_id,
            mission_id=row.mission_id,
            person_id=row.person_id,
            terminal_id=row.terminal_id,
            checks=load_checks(row.checks),
            context=row.context,
        )
        for row in unit.all(_SINCE, since=since, most=most)
    ]


def denials_since(unit: Unit, since: datetime, person_id: int | None = None) -> dict[str, int]:
    """Count refusals by code since a time."""
    statement = select(verdicts.c.code, func.count().label("n")).where(verdicts.c.at >= since, verdicts.c.allowed.is_(False))
    if person_id is not None:
        statement = statement.where(verdicts.c.person_id == person_id)
    rows = unit.all(statement.group_by(verdicts.c.code).order_by(func.count().desc()))
    return {row.code: row.n for row in rows}
