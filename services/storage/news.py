"""News as stored: the calendar that was read last."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from services.storage.database import Unit
from services.storage.statements import upsert
from services.storage.tables import calendars

_CALENDAR = select(calendars.c.document).where(calendars.c.source == bindparam("source"))


def find_calendar(unit: Unit, source: str) -> bytes | None:
    """Return the document that was last taken from a source, or None."""
    row = unit.first(_CALENDAR, source=source)
    return row.document.encode() if row is not None else None


def save_calendar(unit: Unit, source: str, document: bytes) -> None:
    """Store a source's document; that of any other source is forgotten."""
    unit.run(delete(calendars).where(calendars.c.source != source))
    upsert(unit, calendars, {"source": source}, {"document": document.decode("utf-8-sig"), "read_at": unit.now})
