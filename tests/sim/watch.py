"""What must hold at each commit and each venue write, checked over what the database's file says at that moment."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from config.approvals import ApprovalSettings
from services.domain.money import ZERO
from services.domain.states import (
    INSTRUCTION_MOVES,
    MISSION_MOVES,
    ORDER_MOVES,
    TRADE_MOVES,
    InstructionState,
    MissionState,
    OrderState,
    TradeState,
)
from tests.gate.witness import fault_of
from tests.sim.second import SecondLook
from tests.sim.trace import Trace

RULES = {
    "one write": "at most one venue write for each instruction",
    "committed": "nothing is written to a venue that was not committed as sent before",
    "allowed": "nothing that adds is written but what a stored verdict allows in these very terms",
    "no exposure": "no entry is claimed under a halt, before reconciliation, or on an instrument in doubt",
    "second person": "what waits for a second person leaves with the yes of enough others, judged anew at the last of them",
    "limits": "nothing leaves by a limit that is looser than the one in force",
    "listed moves": "only listed state changes happen",
    "positions": "positions are the sums of fills",
    "journal": "the journal's rows follow each other",
    "protected": "no position stands bare for longer than the bound in fair weather",
    "runs": "the desk starts whatever it finds, no stage crashes, and nothing hangs or spins",
    "at rest": "the desk comes to rest when the faults are over",
    "verify": "the ten rules of verify hold at rest",
    "audit": "both books agree to the last order and fill",
    "answered": "every update that was handed out is known and has its end",
}
_MACHINES: Mapping[str, tuple[str, type[StrEnum], Mapping[Any, frozenset[Any]]]] = {
    "instructions": ("id", InstructionState, INSTRUCTION_MOVES),
    "orders": ("client_id", OrderState, ORDER_MOVES),
    "trades": ("number", TradeState, TRADE_MOVES),
    "missions": ("number", MissionState, MISSION_MOVES),
}
_NEW_ROWS = "SELECT sequence, kind, facts, previous, hash FROM journal WHERE sequence > ? ORDER BY sequence"
_NEW_FILLS = "SELECT rowid, terminal_id, symbol, side, quantity, fee, fee_currency FROM fills WHERE rowid > ? ORDER BY rowid"
_CLAIM = (
    "SELECT i.purpose, i.terminal_id, i.symbol, t.person_id, s.source, t.id FROM instructions i"
    " LEFT JOIN trades t ON t.id = i.trade_id LEFT JOIN missions m ON m.id = t.mission_id"
    " LEFT JOIN signals s ON s.id = m.signal_id WHERE i.id = ?"
)


def plant_triggers(file: Path) -> None:
    """Let a database take down each change of state by itself."""
    connection = sqlite3.connect(file)
    try:
        connection.execute("CREATE TABLE sim_moves (machine TEXT, subject TEXT, was TEXT, now TEXT)")
        for machine, (key, _, _) in _MACHINES.items():
            connection.execute(
                f"CREATE TRIGGER sim_{machine} AFTER UPDATE OF state ON {machine} WHEN OLD.state <> NEW.state"
                f" BEGIN INSERT INTO sim_moves VALUES ('{machine}', NEW.{key}, OLD.state, NEW.state); END"
            )
        connection.commit()
    finally:
        connection.close()


class Watch:
    """Looks at each commit and each write; ``broken`` names what did not hold, by rule."""

    def __init__(self, file: Path, halt_file: Path, trace: Trace, asks: ApprovalSettings) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._second = SecondLook(self._connection, asks)
        self._halt_file = halt_file
        self._trace = trace
        self._sequence = 0
        self._head = ""
        self._moves = 0
        self._fills = 0
        self._sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._written: Counter[str] = Counter()
        self.broken: list[tuple[str, str]] = []

    def close(self) -> None:
        """Let the database's file go."""
        self._connection.close()

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self._rows(f"SELECT count(*) FROM {table}")[0][0])

    def fail(self, rule: str, what: str) -> None:
        """Note that a rule did not hold."""
        assert rule in RULES
        self.broken.append((rule, what))
        self._trace.note("BROKEN", f"{rule}: {what}")

    def committed(self) -> None:
        """Look at what a commit of the desk has changed."""
        rows = self._rows(_NEW_ROWS, self._sequence)
        for sequence, kind, facts, previous, digest in rows:
            if sequence != self._sequence + 1 or (self._head and previous != self._head):
                self.fail("journal", f"row {sequence} does not follow row {self._sequence}")
            self._sequence, self._head = sequence, digest
            if kind == "instruction.sent":
                self._claimed(json.loads(facts)["instruction"])
        if rows:
            self._trace.note("journal", f"{self._sequence} {rows[-1][1]} {self._head}")

    def written(self, places: Sequence[str], cancels: Sequence[str]) -> None:
        """Look at a write that leaves for a venue."""
        what = f"{' '.join(places)} instead of {' '.join(cancels)}"
        self._trace.note("write", what)
        found = [
            name
            for name, orders, given in self._rows("SELECT id, orders, cancels FROM instructions WHERE state = 'sent'")
            if [each["client_id"] for each in json.loads(orders)] == list(places) and json.loads(given) == list(cancels)
        ]
        if not found:
            self.fail("committed", f"{what} is not committed as sent")
            return
        for name in places:
            fault = fault_of(self._connection, name)
            if fault is not None:
                self.fail("allowed", f"{name}: {fault}")
        # Two that take the same away are told apart by how often it was asked for.
        self._written[found[0]] += 1
        if self._written[found[0]] > len(found):
            self.fail("one write", f"{found[0]} was written {self._written[found[0]]} times")

    def look(self) -> None:
        """Look at moves and positions, once a second or so."""
        for number, machine, subject, was, now in self._rows("SELECT rowid, * FROM sim_moves WHERE rowid > ?", self._moves):
            self._moves = number
            _, states, table = _MACHINES[machine]
            if states(now) not in table[states(was)]:
                self.fail("listed moves", f"{machine} {subject} went from {was} to {now}")
        for number, terminal, symbol, side, quantity, fee, currency in self._rows(_NEW_FILLS, self._fills):
            self._fills = number
            paid = Decimal(fee) if currency == symbol.split("/")[0] else ZERO
            self._sums[terminal, symbol] += Decimal(quantity) * (1 if side == "buy" else -1) - paid
        # What people decide about a difference moves a position without a fill; verify reckons with that.
        if self._rows("SELECT 1 FROM proposals WHERE state = 'decided' LIMIT 1"):
            return
        held = {(t, s): Decimal(q) for t, s, q in self._rows("SELECT terminal_id, symbol, quantity FROM positions")}
        for place in sorted(self._sums.keys() | held.keys()):
            if self._sums[place] != held.get(place, ZERO):
                self.fail("positions", f"{place} is {held.get(place)}, its fills {self._sums[place]}")

    def last(self) -> None:
        """Look at every answer that was given, and at what went wrong within the desk by no fault of the world."""
        for rule, how in self._second.questions():
            self.fail(rule, how)
        for subject, facts in self._rows("SELECT subject, facts FROM incidents WHERE code = 'STAGE_CRASHED'"):
            self.fail("runs", f"{subject} crashed: {json.loads(facts)['detail']}")

    def _claimed(self, name: str) -> None:
        """Look at an entry's claim with the eyes of the commit that made it."""
        purpose, terminal, symbol, person, source, trade = self._rows(_CLAIM, name)[0]
        if purpose != "entry":
            return
        for rule, how in self._second.entry(trade):
            self.fail(rule, how)
        covered = {("terminal", terminal), ("instrument", symbol), ("person", str(person)), ("strategy", source)}
        for scope, subject, state in self._rows("SELECT scope, subject, state FROM halts WHERE state <> 'active'"):
            if scope == "desk" or (scope, subject) in covered:
                self.fail("no exposure", f"{name} was claimed under {scope} {subject} {state}")
        if self._halt_file.exists():
            self.fail("no exposure", f"{name} was claimed under the halt file")
        if self._rows("SELECT reconciled_at FROM terminals WHERE id = ?", terminal)[0][0] is None:
            self.fail("no exposure", f"{name} was claimed before {terminal} was compared")

    def _rows(self, query: str, *values: object) -> list[Any]:
        return self._connection.execute(query, values).fetchall()
