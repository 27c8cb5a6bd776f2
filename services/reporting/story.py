"""What happened to a trade, from the tap to its end, and why: from the journal's rows and stored verdicts alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from services.access.audience import choice, in_quiet_hours
from services.domain.grades import FireMode, ModeScope
from services.domain.halts import HaltScope
from services.domain.journal import JournalEntry
from services.domain.notices import Event, Loudness
from services.domain.people import Person
from services.domain.signals import Mission, strategy_of
from services.domain.trades import Trade
from services.domain.verdicts import Check, Verdict
from services.reporting.live import Grid, read_grid
from services.reporting.proof_record import ProofRecord, record_of
from services.risk.gate import SIZE_CODES
from services.storage import desk, halts, incidents, modes, verdicts
from services.storage.database import Unit

REMEMBERED = timedelta(days=90)
MOST_LINES = 8
# What makes a mission or a trade come, or not come; the newest row of each tells.
_SWITCHED = ("strategy.disabled", "strategy.enabled", "strategy.sandboxed")
_MOVES = ("mission.opened", "signal.dropped", "trade.fired", "fire.denied", *_SWITCHED)
_STATES = ("stage.silent", "stage.back", "reconcile.differs", "breaker.opened", "breaker.closed", "desk.started")
_HALTS = ("halt.halted", "halt.reducing", "halt.lifted")
_TOLD = ("fill.booked", "trade.closed", "trade.canceled", "trade.failed", "instruction.rejected", "instruction.unknown")


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

    ``verdict`` is None and ``lines`` empty where nothing was recorded. ``size`` is a trade's size and ``bound`` the rule about
    sizes that it came nearest to.
    """

    about: str
    symbol: str
    grid: Grid | None
    verdict: Verdict | None
    row: int | None
    lines: tuple[StoryLine, ...]
    size: Decimal | None = None
    bound: Check | None = None


def story_of(unit: Unit, trade: Trade) -> Story:
    """Return everything that was recorded about a trade, with the tap that it came from."""
    stored = verdicts.of_trade(unit, trade.id)
    tapped = stored.context.get("tapped") if stored is not None else None
    lines = tuple(_line(entry) for entry in desk.journal_about(unit, trade.number, trade.correlation, trade.tapped_at))
    if isinstance(tapped, str):
        lines = (StoryLine(row=None, at=datetime.fromisoformat(tapped), kind="update.received", facts={}), *lines)
    return Story(number=trade.number, id=trade.id, symbol=trade.symbol, lines=lines)


def why_trade(unit: Unit, trade: Trade) -> Reasons:
    """Return why a trade was let through, and what decided its size, its price and its end."""
    stored = verdicts.of_trade(unit, trade.id)
    record = record_of(unit, stored) if stored is not None else None
    rows = desk.journal_about(unit, trade.number, trade.correlation, trade.tapped_at)
    told = [_line(each) for each in rows if each.kind in _TOLD]
    why = _reasons(unit, f"#{trade.number}", trade.symbol, record, told)
    return replace(why, size=trade.quantity, bound=_bound(why.verdict)) if why.verdict is not None else why


def _bound(verdict: Verdict) -> Check | None:
    """Return the rule about sizes that a size came nearest to."""
    about = [check for check in verdict.checks if check.code in SIZE_CODES and check.use is not None]
    return max(about, key=lambda check: check.use or Decimal(0), default=None)


def why_mission(unit: Unit, mission: Mission, person_id: int | None) -> Reasons:
    """Return what the gate said to this person, or last to anyone, about a mission, and what was recorded of it.

    A mode that keeps it from becoming an entry of the person is named, and what came of firing it by itself.
    """
    stored = verdicts.newest_of_mission(unit, mission.id, person_id)
    record = record_of(unit, stored) if stored is not None else None
    rows = desk.journal_about_mission(unit, mission.number, mission.created_at)
    told = [line for each in rows if _is_about(line := _line(each), person_id)]
    if person_id is not None:
        told += [_line(each) for each in _alerts(unit, person_id, strategy_of(mission.signal.source))]
    return _reasons(unit, f"m{mission.number}", mission.signal.symbol, record, told)


def _is_about(line: StoryLine, person_id: int | None) -> bool:
    """Tell whether a row about a mission is about everybody, or about this person's own try at it."""
    return line.kind.startswith("mission.") or (line.kind == "auto.tried" and line.facts.get("person") == person_id)


def _alerts(unit: Unit, person_id: int, strategy: str | None = None) -> list[JournalEntry]:
    """Return the rows that set the modes in which calls are shown to somebody and become no entries of theirs."""
    wanted = [(ModeScope.PERSON, str(person_id))] + ([(ModeScope.STRATEGY, strategy)] if strategy is not None else [])
    found = []
    for scope, subject in wanted:
        if modes.find(unit, scope, subject) is FireMode.ALERT:
            saying = f'"scope":{json.dumps(scope.value)},"subject":{json.dumps(subject)}'
            found.append(desk.last_recorded(unit, "mode.set", saying=saying))
    return [entry for entry in found if entry is not None]


def why_alert(unit: Unit, code: str) -> Reasons:
    """Return what was recorded when an alert of this code was last raised."""
    raised = [each for each in incidents.incidents_since(unit, unit.now - REMEMBERED) if each.code == code]
    newest = max(raised, key=lambda each: each.opened_at, default=None)
    told = [_line(entry) for entry in desk.journal_at(unit, newest.opened_at)] if newest is not None else []
    return Reasons(about=code, symbol="", grid=None, verdict=None, row=None, lines=tuple(told))


def why_silent(unit: Unit, person: Person) -> Reasons:
    """Return the rows that explain why a person heard nothing: what holds now, then the newest of what makes things come.

    What holds is a halt, the person's own mode, quiet hours and loudness. Of the rest the last mission, what was dropped since,
    strategies, breakers, silent stages, starts and comparisons are named, each by its newest row.
    """
    holds = _holding(unit, person)
    groups = (*((kind,) for kind in _MOVES), *((kind,) for kind in _STATES), _HALTS)
    found = {entry.sequence: entry for kinds in groups if (entry := desk.last_recorded(unit, *kinds)) is not None}
    newest = [found[sequence] for sequence in sorted(found.keys() - {entry.sequence for entry in holds})]
    lines = tuple(_line(entry) for entry in (*holds, *newest[-(MOST_LINES - len(holds)) :]))
    return Reasons(about="silence", symbol="", grid=None, verdict=None, row=None, lines=lines)


def _holding(unit: Unit, person: Person) -> list[JournalEntry]:
    """Return the rows of what keeps things from coming, or from being heard, at this moment."""
    label, held = f"person:{person.id}", []
    if halts.in_force(unit, [(HaltScope.DESK, halts.DESK)]):
        held.append(desk.last_recorded(unit, *_HALTS))
    if in_quiet_hours(person, unit.now):
        held.append(desk.last_recorded(unit, "choice.quiet", actor=label))
    if choice(unit, person, Event.MISSION) in (Loudness.OFF, Loudness.DIGEST):
        held.append(desk.last_recorded(unit, "choice.loudness", actor=label, saying='"event":"mission"'))
    return [entry for entry in (*held, *_alerts(unit, person.id)) if entry is not None]


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
