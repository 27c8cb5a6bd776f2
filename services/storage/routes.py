"""Routes: how entries rest on an instrument of a venue, what was measured there, and what is suggested but not applied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, select, update

from services.domain.quality import Quality, RouteFacts
from services.storage.database import Unit
from services.storage.statements import insert_once
from services.storage.tables import routes

_ONE = (routes.c.venue == bindparam("at_venue"), routes.c.symbol == bindparam("instrument"))
_FIND = select(routes).where(*_ONE)
_ALL = select(routes).order_by(routes.c.venue, routes.c.symbol)
_CHANGE = update(routes).where(*_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow:
    """One instrument at one venue: the offset in force, the one suggested, and what both stand on."""

    venue: str
    symbol: str
    offset_bps: Decimal
    suggested_bps: Decimal | None
    quality: Quality
    facts: RouteFacts
    updated_at: datetime


def _row(row: Any) -> RouteRow:
    return RouteRow(
        venue=row.venue,
        symbol=row.symbol,
        offset_bps=row.offset_bps,
        suggested_bps=row.suggested_bps,
        quality=Quality(row.quality),
        facts=RouteFacts.load(row.sample, row.facts),
        updated_at=row.updated_at,
    )


def find(unit: Unit, venue: str, symbol: str) -> RouteRow | None:
    """Return what is kept of an instrument at a venue, or None."""
    row = unit.first(_FIND, at_venue=venue, instrument=symbol)
    return _row(row) if row else None


def offset_at(unit: Unit, venue: str, symbol: str, default: Decimal) -> Decimal:
    """Return the offset in force on an instrument at a venue."""
    row = unit.first(_FIND, at_venue=venue, instrument=symbol)
    return default if row is None else row.offset_bps


def everything(unit: Unit) -> list[RouteRow]:
    """Return all rows by venue and instrument."""
    return [_row(row) for row in unit.all(_ALL)]


def measured(
    unit: Unit,
    venue: str,
    symbol: str,
    *,
    offset_bps: Decimal,
    suggested_bps: Decimal | None,
    quality: Quality,
    facts: RouteFacts,
) -> None:
    """Store a new measurement; ``offset_bps`` counts where there is no row yet, an offset in force stays as it is."""
    values = {
        "suggested_bps": suggested_bps,
        "quality": quality.value,
        "sample": facts.fills,
        "facts": facts.dump(),
        "updated_at": unit.now,
    }
    if not insert_once(unit, routes, {"venue": venue, "symbol": symbol, "offset_bps": offset_bps, **values}):
        unit.run(_CHANGE, {"at_venue": venue, "instrument": symbol, **values})


def apply(unit: Unit, row: RouteRow, offset_bps: Decimal) -> None:
    """Put an offset into force and take its suggestion away."""
    unit.run(
        _CHANGE,
        {
            "at_venue": row.venue,
            "instrument": row.symbol,
            "offset_bps": offset_bps,
            "suggested_bps": None,
            "updated_at": unit.now,
        },
    )
