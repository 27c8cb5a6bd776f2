"""Calendars for tests, and signals to ask them about."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from config.news import CalendarSettings
from services.domain.money import Price
from services.domain.signals import Side, Signal, targets_of
from services.market.news.blackouts import CalendarBoard
from services.market.news.calendar import parse_calendar


def document(now: datetime, *events: dict[str, Any], old: timedelta = timedelta(hours=2), **more: Any) -> bytes:
    """Return a calendar that is ``old``; an event's ``at`` may be a number of minutes from now."""
    rows = [{"title": "CPI", "currency": "USD", "importance": "high", "at": 0} | each for each in events]
    for row in rows:
        if isinstance(row["at"], (int, float)):
            row["at"] = (now + timedelta(minutes=row["at"])).isoformat()
    through = (now + timedelta(days=7)).isoformat()
    return json.dumps({"as_of": (now - old).isoformat(), "through": through, "events": rows} | more).encode()


def board_of(now: datetime, *events: dict[str, Any], old: timedelta = timedelta(hours=2), **settings: Any) -> CalendarBoard:
    board = CalendarBoard(CalendarSettings(file=Path("calendar.json"), **settings))
    board.take(parse_calendar(document(now, *events, old=old), now))
    return board


def signal_on(symbol: str, now: datetime) -> Signal:
    return Signal(
        id="a-call",
        source="strategy:trend@1.0",
        symbol=symbol,
        timeframe="1h",
        side=Side.LONG,
        entry_low=Price(Decimal(99)),
        entry_high=Price(Decimal(101)),
        stop=Price(Decimal(95)),
        targets=targets_of([Price(Decimal(110))]),
        score=70,
        score_parts={"setup": 40, "regime": 30},
        created_at=now,
        expires_at=now + timedelta(hours=1),
        candle_time=now,
        reason="test",
    )
