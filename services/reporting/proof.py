"""The proof of a trade: what the gate said before it, and the outcome beside the plan. Nothing missing counts as good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.domain.journal import JournalEntry, first_break
from services.domain.money import Money, Price
from services.domain.orders import Instruction, Order, OrderRole, Purpose
from services.domain.signals import Side
from services.domain.states import InstructionState, TradeState
from services.domain.trades import TerminalMode, Trade
from services.domain.verdicts import Check
from services.portfolio.executions import Execution, execution_of
from services.reporting.live import Grid, Live, read_grid
from services.reporting.proof_record import record_of
from services.reporting.trade_view import TradeWord, trade_word
from services.risk.context import GateContext
from services.risk.recorded import NotRecorded, load
from services.risk.what_if import Carried, load_carried
from services.storage import desk, instructions, orders, terminals, trades, verdicts
from services.storage.database import Unit
from services.storage.verdicts import StoredVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofVerdict:
    """The stored verdict that let the trade through, with every check.

    ``digest`` is the hash of its rows as they stand, ``holds`` whether the journal named that one, None where it named none.
    ``before`` and ``after`` are what the account carried without and with this trade, and ``equity`` what it held then;
    None for a verdict of a desk that did not keep it.
    """

    id: str
    checks: tuple[Check, ...]
    config_hash: str
    decided_at: datetime
    digest: str
    holds: bool | None
    before: Carried | None
    after: Carried | None
    equity: Decimal | None

    @property
    def passed(self) -> int:
        """Return how many checks passed."""
        return sum(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofJournal:
    """The journal's rows of the trade's correlation: how many, from where to where, and the last one's hash.

    ``sound`` tells that every row's own hash is right.
    """

    rows: int
    first: int
    last: int
    head: str
    sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Plan and outcome of one trade; a part that is missing is None.

    ``stop_s`` is in seconds from the first fill to the stop's acceptance.
    """

    id: str
    number: int
    side: Side
    symbol: str
    grid: Grid
    mode: TerminalMode
    word: TradeWord
    code: str | None
    decision_price: Price
    worst_price: Price
    entry: Price | None
    within_bound: bool | None
    execution: Execution
    planned_stop: Price
    placed_stop: Price | None
    stop_s: float | None
    exit: Price | None
    fees: Money | None
    r: Decimal | None
    result: Money | None
    verdict: ProofVerdict | None
    journal: ProofJournal | None
    at: datetime


def read_proof(unit: Unit, reference: str, live: Live) -> Proof | None:
    """Return the proof of a trade, named by id or number, or None when there is no such trade; it holds money."""
    trade = trades.by_reference(unit, reference)
    if trade is None:
        return None
    sent, placed = instructions.of_trade(unit, trade.id), orders.of_trade(unit, trade.id)
    terminal = terminals.find(unit, trade.terminal_id)
    closed = trade.state is TradeState.CLOSED
    return Proof(
        id=trade.id,
        number=trade.number,
        side=trade.side,
        symbol=trade.symbol,
        grid=read_grid(unit, trade.symbol),
        mode=terminal.mode if terminal else TerminalMode.LIVE,
        word=trade_word(trade, sent, placed),
        code=trade.close_reason,
        decision_price=trade.decision_price,
        worst_price=trade.worst_price,
        entry=trade.average_entry,
        within_bound=_within_bound(trade),
        execution=execution_of(unit, trade),
        planned_stop=trade.initial_stop,
        placed_stop=_placed_stop(placed),
        stop_s=_stop_latency(trade, sent),
        exit=trade.average_exit,
        fees=Money(trade.fees, trade.currency) if trade.entry_quantity else None,
        r=trade.r_multiple(trade.realized) if closed else None,
        result=Money(trade.realized, trade.currency) if closed else None,
        verdict=_verdict(unit, trade),
        journal=_journal(desk.journal_of(unit, trade.correlation)),
        at=live.now,
    )


def _within_bound(trade: Trade) -> bool | None:
    average = trade.average_entry
    return (trade.worst_price - average) * trade.side.sign >= 0 if average is not None else None


def _placed_stop(placed: Sequence[Order]) -> Price | None:
    """Return where the newest stop order that the venue took stands or stood."""
    stops = [order for order in placed if order.role is OrderRole.STOP and order.stop_price is not None]
    return max(stops, key=lambda order: order.updated_at).stop_price if stops else None


def _stop_latency(trade: Trade, sent: Sequence[Instruction]) -> float | None:
    accepted = (i for i in sent if i.purpose is Purpose.PROTECT and i.state is InstructionState.ACCEPTED)
    first = next(accepted, None)
    return _seconds(trade.opened_at, first.answered_at) if first and trade.opened_at else None


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return max(0.0, (end - start).total_seconds()) if end is not None else None


def _verdict(unit: Unit, trade: Trade) -> ProofVerdict | None:
    stored = verdicts.of_trade(unit, trade.id)
    if stored is None:
        return None
    record = record_of(unit, stored)
    before = load_carried(stored.context.get("carried"))
    asked = _asked(stored)
    return ProofVerdict(
        id=stored.id,
        checks=stored.verdict.checks,
        config_hash=stored.verdict.config_hash,
        decided_at=stored.verdict.decided_at,
        digest=record.proof.digest,
        holds=record.holds if record.row is not None else None,
        before=before,
        after=before.plus(asked.plan) if before is not None and asked is not None else None,
        equity=asked.market.equity if asked is not None else None,
    )


def _asked(stored: StoredVerdict) -> GateContext | None:
    """Return what the gate was asked, or None where not all of it was kept."""
    try:
        return load(stored.context)
    except (NotRecorded, ValueError):
        return None


def _journal(entries: Sequence[JournalEntry]) -> ProofJournal | None:
    if not entries:
        return None
    # Rows of others lie between these, so each is checked against the hash that it names as the one before.
    sound = all(first_break([entry], entry.previous, entry.sequence - 1) is None for entry in entries)
    return ProofJournal(
        rows=len(entries), first=entries[0].sequence, last=entries[-1].sequence, head=entries[-1].hash, sound=sound
    )
