"""What must stand behind an entry that leaves: a second person's yes where one is asked, and the limits in force.

It is read from the desk's file at the commit that claims the entry, by its own reckoning of what waits and what binds.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from config.approvals import ApprovalSettings
from services.domain.limits import RULES, Limit, tighter
from services.domain.signals import strategy_of

_ENTRY = (
    "SELECT t.risk_money, s.source, a.id, a.state, a.needed, a.decided_at FROM trades t"
    " JOIN missions m ON m.id = t.mission_id JOIN signals s ON s.id = m.signal_id"
    " LEFT JOIN approvals a ON a.subject = 'trade' AND a.subject_id = t.id WHERE t.id = ?"
)
_YESES = "SELECT count(*) FROM approval_answers WHERE approval_id = ? AND yes"
_VERDICT = "SELECT at, checks FROM verdicts WHERE trade_id = ? AND allowed ORDER BY at DESC, id DESC LIMIT 1"
_LIMITS = "SELECT name, value FROM limit_values WHERE scope = 'desk' AND value IS NOT NULL AND at <= ?"
_OWN = (
    "SELECT a.number, a.subject FROM approval_answers g JOIN approvals a ON a.id = g.approval_id"
    " WHERE g.person_id = a.asked_by OR a.solo"
)
_DECIDED = (
    "SELECT a.number FROM approvals a WHERE a.state = 'approved' AND NOT a.solo"
    " AND a.needed > (SELECT count(*) FROM approval_answers g WHERE g.approval_id = a.id AND g.yes)"
)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Looks at questions, and at entries that were claimed; each method yields the rule that is broken and how."""

    connection: sqlite3.Connection
    asks: ApprovalSettings

    def questions(self) -> Iterator[tuple[str, str]]:
        """Look at who answered, and at what was let through by fewer than were needed."""
        for number, subject in self._rows(_OWN):
            yield "second person", f"question {number} about a {subject} was answered by whoever asked it"
        for (number,) in self._rows(_DECIDED):
            yield "second person", f"question {number} was let through by fewer than it needs"

    def entry(self, trade: str) -> Iterator[tuple[str, str]]:
        """Look at an entry's trade with the eyes of the commit that claims it."""
        risk, source, question, state, needed, decided_at = self._rows(_ENTRY, trade)[0]
        (judged_at, checks) = next(iter(self._rows(_VERDICT, trade)), (None, "[]"))
        if judged_at is None:
            yield "allowed", f"trade {trade} leaves, and no verdict allowed it"
            return
        if question is None:
            if self._waits(Decimal(risk), source):
                yield "second person", f"trade {trade} was to wait, and nobody was asked"
        elif state != "approved" or self._rows(_YESES, question)[0][0] < needed:
            yield "second person", f"trade {trade} leaves while its question is {state}"
        elif judged_at < decided_at:
            yield "second person", f"trade {trade} leaves on a verdict from before its last yes"
        for name, value in self._rows(_LIMITS, judged_at):
            yield from _looser(trade, Limit(name), Decimal(value), json.loads(checks))

    def _waits(self, risk: Decimal, source: str) -> bool:
        over = self.asks.trade_loss is not None and risk >= self.asks.trade_loss
        return over or strategy_of(source) in self.asks.trade_strategies

    def _rows(self, query: str, *values: object) -> list[Any]:
        return self.connection.execute(query, values).fetchall()


def _looser(trade: str, limit: Limit, value: Decimal, checks: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Hold a limit that people set against the one by which an entry was measured."""
    measured = [Decimal(each["limit"]) for each in checks if each["code"] == RULES[limit].code.value]
    if not measured:
        yield "limits", f"trade {trade} was not measured by {limit.value}"
    for by in measured:
        if tighter(limit, value, by):
            yield "limits", f"trade {trade} was measured by a {limit.value} of {by}, {value} is in force"
