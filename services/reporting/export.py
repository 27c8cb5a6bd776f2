"""A person's own trades and decisions as tables for a spreadsheet: exact, UTC, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

from services.domain.money import canonical
from services.domain.trades import Trade
from services.storage import decision_journal, missions, terminals, trades
from services.storage.database import Unit

COLUMNS = (
    *("trade", "mission", "source", "terminal", "symbol", "side", "state", "reason", "currency"),
    *("quantity", "decision_price", "worst_price", "entry", "exit", "initial_stop", "fees", "result", "r"),
    *("tapped_at", "opened_at", "closed_at"),
)
DECISION_COLUMNS = ("decided", "reason", "mission", "source", "symbol", "side", "trade", "shown", "at", "reason_changed_at")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def trades_csv(unit: Unit, person_id: int) -> tuple[int, bytes]:
    """Return how many trades a person has made, and all of them as CSV in UTF-8 with a mark for spreadsheets, oldest first."""
    mine = [trade for trade in trades.tapped_since(unit, _EVER) if trade.person_id == person_id]
    names = {terminal.id: terminal.name for terminal in terminals.everything(unit)}
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for trade in mine:
        mission = missions.find(unit, trade.mission_id)
        number, source = (str(mission.number), mission.signal.source) if mission is not None else ("", "")
        writer.writerow(_row(trade, number, source, names.get(trade.terminal_id, trade.terminal_id)))
    return len(mine), text.getvalue().encode("utf-8-sig")


def decisions_csv(unit: Unit, person_id: int) -> tuple[int, bytes]:
    """Return how many decisions a person has made or let pass, and all of them as CSV like the trades, oldest first."""
    mine = decision_journal.since(unit, _EVER, person_id=person_id)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(DECISION_COLUMNS)
    for decision in mine:
        mission = missions.find(unit, decision.mission_id)
        trade = trades.find(unit, decision.trade_id) if decision.trade_id is not None else None
        shown = " ".join(f"{name}={value}" for name, value in sorted(decision.shown.items()))
        signal = mission.signal if mission is not None else None
        said = (
            decision.decided.value,
            decision.reason or "",
            str(mission.number) if mission is not None else "",
            decision.source,
            signal.symbol if signal is not None else "",
            signal.side.value if signal is not None else "",
            str(trade.number) if trade is not None else "",
            shown,
        )
        writer.writerow((*(harmless(each) for each in said), _moment(decision.at), _moment(decision.changed_at)))
    return len(mine), text.getvalue().encode("utf-8-sig")


def _row(trade: Trade, mission: str, source: str, terminal: str) -> tuple[str, ...]:
    said = (source, terminal, trade.symbol, trade.side.value, trade.state.value, trade.close_reason or "", trade.currency)
    return (
        str(trade.number),
        mission,
        *(harmless(each) for each in said),
        canonical(trade.quantity),
        canonical(trade.decision_price),
        canonical(trade.worst_price),
        _amount(trade.average_entry),
        _amount(trade.average_exit),
        canonical(trade.initial_stop),
        canonical(trade.fees),
        canonical(trade.realized),
        _amount(trade.r_multiple(trade.realized)),
        *(_moment(each) for each in (trade.tapped_at, trade.opened_at, trade.closed_at)),
    )


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: one that begins like one gets a quote in front."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _amount(value: Decimal | None) -> str:
    return canonical(value) if value is not None else ""


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat() if at is not None else ""
