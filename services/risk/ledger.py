"""The ledger part of the gate's context: read inside the write unit, in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from services.domain.breakers import Breaker
from services.domain.discipline import Discipline
from services.domain.grades import Rank
from services.domain.halts import Halt, HaltScope
from services.domain.live_facts import LiveStanding
from services.domain.money import ZERO
from services.domain.signals import Mission
from services.domain.states import HaltState
from services.domain.trades import Terminal, Trade
from services.risk.context import LedgerPart
from services.risk.day_book import PriceOf, profit_of_day
from services.risk.days import day_end, day_of
from services.risk.sizing import Costs, funds_needed
from services.risk.surroundings import Surroundings
from services.storage import breakers as breaker_rows
from services.storage import halts as halt_rows
from services.storage import instructions as instruction_rows
from services.storage import proposals as proposal_rows
from services.storage import terminals as terminal_rows
from services.storage import trades as trade_rows
from services.storage.database import Unit


def halt_scopes(person_id: int, terminal_id: str, symbol: str, source: str) -> list[tuple[HaltScope, str]]:
    """Return every switch that can stop an entry of this person, terminal, instrument and signal source."""
    return [
        (HaltScope.DESK, halt_rows.DESK),
        (HaltScope.PERSON, str(person_id)),
        (HaltScope.TERMINAL, terminal_id),
        (HaltScope.INSTRUMENT, symbol),
        (HaltScope.STRATEGY, source),
    ]


def halts_for(unit: Unit, *, person_id: int, terminal_id: str, symbol: str, source: str, halt_file: bool) -> tuple[Halt, ...]:
    """Return the switches that stop this entry now; a halt file counts as a halted desk."""
    found = halt_rows.in_force(unit, halt_scopes(person_id, terminal_id, symbol, source))
    if halt_file:
        found.insert(0, file_halt(unit.now))
    return tuple(found)


def file_halt(now: datetime) -> Halt:
    """Return the halt that a halt file stands for."""
    return Halt(
        scope=HaltScope.DESK,
        subject=halt_rows.DESK,
        state=HaltState.HALTED,
        by_id=0,
        by_name="halt file",
        reason="the file HALT stands beside the database",
        since=now,
    )


def read_ledger(
    unit: Unit,
    *,
    mission: Mission,
    terminal: Terminal,
    live: Sequence[Trade],
    person_id: int,
    zone: str,
    price_of: PriceOf,
    halt_file: bool,
    discipline: Discipline,
    beside: Surroundings,
    rank: Rank,
    real: LiveStanding | None,
    leaving_out: str | None = None,
) -> LedgerPart:
    """Read halts, doubt and the day's result as they stand in this unit; ``live`` are the terminal's live trades, read in it.

    ``leaving_out`` is a trade that is not counted among the live ones, because it is the one that is asked about.
    """
    symbol = mission.signal.symbol
    others = [trade for trade in live if trade.id != leaving_out]
    day = terminal_rows.day_result(unit, terminal.id, day_of(unit.now, zone))
    return LedgerPart(
        halts=halts_for(
            unit,
            person_id=person_id,
            terminal_id=terminal.id,
            symbol=symbol,
            source=mission.signal.source,
            halt_file=halt_file,
        ),
        mission_state=mission.state,
        reconciled_at=terminal.reconciled_at,
        doubtful=len(instruction_rows.doubtful(unit, terminal_id=terminal.id, symbol=symbol))
        + proposal_rows.count_waiting(unit, terminal.id, symbol),
        can_long=True,
        can_short=terminal.can_short,
        live_trades=len(others),
        same_instrument=any(trade.symbol == symbol for trade in others),
        day_profit=profit_of_day(day, live, price_of),
        day_opening_equity=day.opening_equity if day else None,
        day_ends_at=day_end(unit.now, zone),
        breakers=breakers_for(unit, person_id, terminal.id, symbol, leaving_out),
        discipline=discipline,
        beside=beside,
        rank=rank,
        real=real,
    )


def breakers_for(unit: Unit, person_id: int, terminal_id: str, symbol: str, trial: str | None) -> tuple[Breaker, ...]:
    """Return the breakers that bear on an entry; for the trade that one of them is trying it is as if none tried any."""
    found = breaker_rows.for_entry(unit, person_id=person_id, terminal_id=terminal_id, symbol=symbol)
    return tuple(replace(each, trial=None) if trial is not None and each.trial == trial else each for each in found)


def committed_since(live: Sequence[Trade], reading_at: datetime, costs: Costs) -> Decimal:
    """Return the funds that entries may take of which a reading of the account at that time knew nothing, at their worst."""
    total = ZERO
    for trade in live:
        known = trade.acknowledged_at or trade.opened_at
        if known is None or known > reading_at:
            total += funds_needed(trade.quantity, trade.worst_price, costs)
    return total


def day_profit(unit: Unit, terminal: Terminal, zone: str, price_of: PriceOf) -> Decimal | None:
    """Return realised and open profit of the day, or None when a price or the day's opening is missing."""
    day = terminal_rows.day_result(unit, terminal.id, day_of(unit.now, zone))
    return profit_of_day(day, trade_rows.live(unit, terminal_id=terminal.id), price_of)
