"""Why an instrument is traded or left out, and why there is no signal on it: the newest screen, and the newest calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.domain.market import Tier
from services.domain.screening import Finding
from services.domain.signals import strategy_of
from services.reporting.live import Live
from services.storage import desk, missions
from services.storage.database import Unit

CALLS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLine:
    """One call on the instrument: ``drop`` is why it was not offered, None when it was, and ``note`` the number behind it."""

    at: datetime
    source: str
    score: int
    drop: str | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolStory:
    """An instrument before the filters of the universe and in front of the strategies, as of ``at``."""

    symbol: str
    listed: bool
    tier: Tier
    version: int
    findings: tuple[Finding, ...]
    mission: int | None
    calls: tuple[CallLine, ...]
    zone: str
    at: datetime


def symbol_story(unit: Unit, name: str, live: Live, zone: str) -> SymbolStory | None:
    """Tell of an instrument that is watched, however it is written; None for another."""
    universe = desk.current_universe(unit)
    known = universe.find(name) if universe is not None else None
    found = live.screen.get(known.symbol if known is not None else _spelled(name))
    instrument = known or (found.instrument if found is not None else None)
    if universe is None or instrument is None:
        return None
    running = next((each for each in missions.open_missions(unit) if each.signal.symbol == instrument.symbol), None)
    return SymbolStory(
        symbol=instrument.symbol,
        listed=known is not None,
        tier=instrument.tier,
        version=universe.version,
        findings=found.findings if found is not None else (),
        mission=running.number if running is not None else None,
        calls=tuple(
            CallLine(at=row.created_at, source=strategy_of(row.source), score=row.score, drop=row.drop_code, note=row.drop_note)
            for row in missions.newest_calls(unit, instrument.symbol, CALLS)
        ),
        zone=zone,
        at=live.now,
    )


def _spelled(name: str) -> str:
    """Spell a symbol as the desk does; one that was left out is in no universe to be looked up in."""
    return name.upper().replace("-", "/").replace("_", "/")
