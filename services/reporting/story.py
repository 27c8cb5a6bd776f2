"""What happened to a trade, from the tap to its end, and why: from the journal's rows and stored verdicts alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.domain.journal import JournalEntry
from services.domain.signals import Mission
from services.domain.trades import Trade
from services.domain.verdicts import Verdict
from services.reporting.live import Grid, read_grid
from services.reporting.proof_record import ProofRecord, record_of
from services.storage import desk, incidents, verdicts
from services.storage.database import Unit

REMEMBERED = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One thing that was recorded: the journal's row, None for what only the verdict's inputs tell, and its facts."""

    row: int | None
    at: datetime
    kind: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The recorded life of one trade, oldest first."""

    number: int
    id: str
    symbol: str
    lines: tuple[StoryLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why something is as it is: the gate's verdict with its journal row, and the rows that say what followed.

    ``verdict`` is None and ``lines`` empty where nothing was recorded.
    """

    about: str
    symbol: str
    grid: Grid | None
    verdict: Verdict | None
    row: int | None
    lines: tuple[StoryLine, ...]


def story_of(unit: Unit, trade: Trade) -> Story:
    """Return everything that was recorded about a trade, with the tap that it came from."""
    stored = verdicts.of_trade(unit, trade.id)
    tapped = stored.context.get("tapped") if stored is not None else None
    lines = tuple(_line(entry) for entry in desk.journal_about(unit, trade.number, trade.correlation))
    if isinstance(tapped, str):
        lines = (StoryLine(row=None, at=datetime.fromisoformat(tapped), kind="update.received", facts={}), *lines)
    return Story(number=trade.number, id=trade.id, symbol=trade.symbol, lines=lines)


def why_trade(unit: Unit, trade: Trade) -> Reasons:
    """Return why a trade was let through, and what decided its size, its price and its end."""
    stored = verdicts.of_trade(unit, trade.id)
    record = record_of(unit, stored) if stored is not None else None
    telling = ("fill.booked", "trade.closed", "trade.canceled", "trade.failed", "instruction.rejected", "instruction.unknown")
    told = [_line(each) for each in desk.journal_about(unit, trade.number, trade.correlation) if each.kind in telling]
    return _reasons(unit, f"#{trade.number}", trade.symbol, record, told)


def why_mission(unit: Unit, mission: Mission, person_id: int | None) -> Reasons:
    """Return what the gate said to this person, or last to anyone, about a mission, and what was recorded of it."""
    stored = verdicts.newest_of_mission(unit, mission.id, person_id)
    record = record_of(unit, stored) if stored is not None else None
    told = [_line(each) for each in desk.journal_about_mission(unit, mission.number) if each.kind.startswith("mission.")]
    return _reasons(unit, f"m{mission.number}", mission.signal.symbol, record, told)


def why_alert(unit: Unit, code: str) -> Reasons:
    """Return what was recorded when an alert of this code was last raised."""
    raised = [each for each in incidents.incidents_since(unit, unit.now - REMEMBERED) if each.code == code]
    newest = max(raised, key=lambda each: each.opened_at, default=None)
    told = [_line(entry) for entry in desk.journal_at(unit, newest.opened_at)] if newest is not None else []
    return Reasons(about=code, symbol="", grid=None, verdict=None, row=None, lines=tuple(told))


def why_silent(unit: Unit) -> Reasons:
    """Return the newest rows that explain a silence: the last mission, halts, silent stages, starts and comparisons."""
    kinds = ("mission.opened", "trade.fired", "fire.denied", "halt.", "stage.silent", "reconcile.differs", "desk.started")
    found = [entry for kind in kinds if (entry := desk.last_recorded(unit, kind)) is not None]
    lines = tuple(_line(entry) for entry in sorted(found, key=lambda entry: entry.sequence))
    return Reasons(about="silence", symbol="", grid=None, verdict=None, row=None, lines=lines)


def _reasons(unit: Unit, about: str, symbol: str, record: ProofRecord | None, lines: list[StoryLine]) -> Reasons:
    return Reasons(
        about=about,
        symbol=symbol,
        grid=read_grid(unit, symbol),
        verdict=record.stored.verdict if record is not None else None,
        row=record.row if record is not None else None,
        lines=tuple(lines),
    )


def _line(entry: JournalEntry) -> StoryLine:
    try:
        facts = json.loads(entry.facts)
    except ValueError:
        facts = {}
    return StoryLine(row=entry.sequence, at=entry.at, kind=entry.kind, facts=facts if isinstance(facts, dict) else {})
