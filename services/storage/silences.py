"""When a venue cancels a terminal's entries because the desk was silent, as the desk last arranged it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from services.storage.counters import get_fact, set_fact
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """``ends_at`` is when the venue cancels unless it hears of us; ``lapsed`` are trades whose entries rested as it passed."""

    ends_at: datetime
    lapsed: tuple[str, ...] = ()


def find(unit: Unit, terminal_id: str) -> Silence | None:
    """Return what was arranged for a terminal, or None."""
    stored = get_fact(unit, _name(terminal_id))
    if not stored:
        return None
    values = json.loads(stored)
    return Silence(ends_at=datetime.fromisoformat(values["ends_at"]), lapsed=tuple(values["lapsed"]))


def save(unit: Unit, terminal_id: str, silence: Silence | None) -> None:
    """Store what is arranged for a terminal; None when silence means nothing there any more."""
    values = {"ends_at": silence.ends_at.isoformat(), "lapsed": silence.lapsed} if silence is not None else None
    set_fact(unit, _name(terminal_id), json.dumps(values) if values is not None else "")


def took_entry(unit: Unit, terminal_id: str, trade_id: str) -> bool:
    """Tell whether an entry of that trade that is gone from its venue went by our silence."""
    arranged = find(unit, terminal_id)
    return arranged is not None and (trade_id in arranged.lapsed or arranged.ends_at <= unit.now)


def _name(terminal_id: str) -> str:
    return f"silence:{terminal_id}"
