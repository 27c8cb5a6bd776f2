"""What the verification looks at: the desk's rows as of one moment, the venues' books, the logs and the chat."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from services.domain.journal import JournalEntry
from services.domain.proposals import UNDECIDED
from services.domain.states import LIVE_TRADE_STATES
from services.operations.venue_book import BookOrder, VenueBook
from services.storage import tables
from services.storage.database import Unit
from services.storage.desk import journal_entry

GRACE = timedelta(seconds=5)
# The rows of the stages are stored every few seconds; a beat may be that much newer than its row.
ROWS_LAG = timedelta(seconds=8)
SENT_STATES = frozenset({"sent", "accepted", "rejected", "unknown", "resolved"})
DOUBTFUL = frozenset({"sent", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is verified beside the database.

    ``books`` reads the venues' books; it is called before the database is read, so that every venue order's instruction must
    be found. ``settled`` says that nothing is in flight any more, as after a run: then nothing is excused for being recent.
    ``transcript`` is the chat as text, ``secrets`` the values that must appear nowhere.
    """

    books: Callable[[], Sequence[VenueBook]]
    logs: Sequence[Path] = ()
    transcript: str | None = None
    secrets: frozenset[str] = frozenset()
    halt_file: Path | None = None
    settled: bool = False


@dataclass(kw_only=True)
class Evidence:
    """Everything that the checks read, collected once; rows carry the columns of their tables."""

    now: datetime
    material: Material
    books: Sequence[VenueBook]
    terminals: Mapping[str, Any]
    trades: Sequence[Any]
    instructions: Mapping[str, Any]
    orders: Mapping[tuple[str, str], Any]
    fills: Mapping[tuple[str, str], Any]
    positions: Mapping[tuple[str, str], Decimal]
    holdings: Mapping[tuple[str, str], Decimal]
    proposals: Sequence[Any]
    missions: Mapping[str, Any]
    sources: Mapping[str, str]
    halts: Sequence[Any]
    kills: Sequence[Any]
    updates: Sequence[Any]
    notices: Sequence[Any]
    cards: Sequence[Any]
    incidents: Sequence[Any]
    requests: Sequence[Any]
    tokens: Sequence[Any]
    stages: Mapping[str, Any]
    leases: Sequence[Any]
    grid: Mapping[str, Mapping[str, str]]
    facts: Mapping[str, str]
    journal: list[JournalEntry] = field(default_factory=list)

    @cached_property
    def running(self) -> bool:
        """Tell whether a desk works on this database; without any lease row (a simulation) one is taken to."""
        return not self.leases or any(lease.expires_at > self.now for lease in self.leases)

    @cached_property
    def booked_until(self) -> datetime:
        """Return up to when the venues' news must be in the desk's books: a desk that is down cannot know later ones."""
        if self.material.settled:
            return self.now
        fills = self.stages.get("fills")
        until = self.now if fills is None or fills.last_success is None else min(self.now, fills.last_success)
        return until - GRACE

    @cached_property
    def venue_orders(self) -> Mapping[tuple[str, str], BookOrder]:
        """Return the venues' orders by account and client id."""
        return {(order.account, order.client_id): order for book in self.books for order in book.orders if order.client_id}

    @cached_property
    def live_trades(self) -> Sequence[Any]:
        """Return the trades that may still change."""
        live = {state.value for state in LIVE_TRADE_STATES}
        return [trade for trade in self.trades if trade.state in live]

    @cached_property
    def asked(self) -> frozenset[tuple[str, str]]:
        """Return terminal and symbol of the differences that wait for a person's decision: each is a named exception."""
        waiting = {state.value for state in UNDECIDED}
        return frozenset((row.terminal_id, row.symbol) for row in self.proposals if row.state in waiting)

    @cached_property
    def asked_about(self) -> frozenset[tuple[str, str]]:
        """Return terminal and id of the executions that people were asked about."""
        return frozenset((row.terminal_id, fill) for row in self.proposals for fill in row.facts["fills"])

    @cached_property
    def trade_of(self) -> Mapping[str, Any]:
        """Return the trades by id."""
        return {trade.id: trade for trade in self.trades}

    def book_of(self, terminal_id: str) -> VenueBook | None:
        """Return the book of a terminal's venue, or None when it was not read."""
        terminal = self.terminals.get(terminal_id)
        return next((book for book in self.books if terminal is not None and book.venue == terminal.venue), None)

    def told_of(self, entry: JournalEntry) -> dict[str, Any]:
        """Return a journal row's facts; a row whose text is broken has none, and breaks the chain."""
        try:
            facts = json.loads(entry.facts)
        except ValueError:
            return {}
        return facts if isinstance(facts, dict) else {}


def collect(unit: Unit, material: Material, books: Sequence[VenueBook]) -> Evidence:
    """Read the desk's rows in one snapshot."""
    missions = {row.id: row for row in _rows(unit, tables.missions, "id", "number", "state", "signal_id")}
    source_of = {row.id: row.source for row in _rows(unit, tables.signals, "id", "source")}
    universes = _rows(unit, tables.universes, "version", "instruments")
    newest = max(universes, key=lambda row: row.version, default=None)
    return Evidence(
        now=unit.now,
        material=material,
        books=books,
        terminals={row.id: row for row in _rows(unit, tables.terminals)},
        trades=_rows(unit, tables.trades),
        instructions={row.id: row for row in _rows(unit, tables.instructions)},
        orders={(row.terminal_id, row.client_id): row for row in _rows(unit, tables.orders)},
        fills={(row.terminal_id, row.venue_fill_id): row for row in _rows(unit, tables.fills)},
        positions={(row.terminal_id, row.symbol): row.quantity for row in _rows(unit, tables.positions)},
        holdings={(row.terminal_id, row.symbol): row.quantity for row in _rows(unit, tables.holdings)},
        proposals=_rows(unit, tables.proposals),
        missions=missions,
        sources={mission.id: source_of.get(mission.signal_id, "") for mission in missions.values()},
        halts=_rows(unit, tables.halts),
        kills=_rows(unit, tables.kills),
        updates=_rows(unit, tables.updates),
        notices=_rows(unit, tables.notices),
        cards=_rows(unit, tables.cards, "key", "chat_id", "wanted", "shown", "stale", "created_at"),
        incidents=_rows(unit, tables.incidents),
        requests=_rows(unit, tables.requests),
        tokens=_rows(unit, tables.tokens, "id", "act", "expires_at", "used_at"),
        stages={row.name: row for row in _rows(unit, tables.stages)},
        leases=_rows(unit, tables.leases),
        grid={each["symbol"]: each for each in (newest.instruments if newest is not None else ())},
        facts={row.name: row.value for row in _rows(unit, tables.facts)},
        journal=[journal_entry(row) for row in unit.all(select(tables.journal).order_by(tables.journal.c.sequence))],
    )


def _rows(unit: Unit, table: Table, *columns: str) -> Sequence[Any]:
    chosen = [table.c[name] for name in columns]
    return unit.all(select(*chosen) if chosen else select(table))
