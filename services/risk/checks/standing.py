"""Whether this entry may be made at all: switches, agreement with the venue, time, instrument, side."""

from __future__ import annotations

from services.domain.halts import blocks_entries
from services.domain.signals import Side
from services.domain.states import MissionState
from services.domain.trades import TerminalMode
from services.domain.verdicts import Check, CheckCode, Unit
from services.risk.checks.answers import missing, state
from services.risk.context import GateContext


def halt(c: GateContext) -> Check:
    """Check that no kill switch covers the entry."""
    halt = blocks_entries(c.ledger.halts)
    if halt is None:
        return state(CheckCode.HALT, True, "active", "active")
    return state(CheckCode.HALT, False, halt.state.value, "active", f"{halt.scope.value} by {halt.by_name}: {halt.reason}")


def reconciled(c: GateContext) -> Check:
    """Check that the terminal agreed with its venue since the start."""
    value = "yes" if c.ledger.reconciled_at is not None else "not yet"
    return state(CheckCode.RECONCILED, c.ledger.reconciled_at is not None, value, "yes")


def live_decision(c: GateContext) -> Check:
    """Check that commanders decided to go live where this terminal stands now; other money needs no decision."""
    rank, real = c.ledger.rank, c.ledger.real
    if rank is None:
        return missing(CheckCode.LIVE_DECISION, "a terminal", Unit.STATE)
    if real is None and rank.mode is not TerminalMode.LIVE:
        return state(CheckCode.LIVE_DECISION, True, rank.mode.value, "a decision where money is real")
    if real is None:
        return missing(CheckCode.LIVE_DECISION, "a decision", Unit.STATE)
    return state(CheckCode.LIVE_DECISION, real.holds, real.said, real.ground or "three facts that agree")


def in_doubt(c: GateContext) -> Check:
    """Check that nothing on this instrument is of unknown outcome."""
    return Check(
        code=CheckCode.IN_DOUBT, passed=c.ledger.doubtful == 0, value=str(c.ledger.doubtful), limit="0", unit=Unit.COUNT
    )


def deadline(c: GateContext) -> Check:
    """Check that the mission is open and its time is not over."""
    left = (c.plan.deadline - c.now).total_seconds()
    is_open = c.ledger.mission_state is MissionState.OPEN
    return Check(
        code=CheckCode.DEADLINE,
        passed=left > 0 and is_open,
        value=f"{left:.1f}" if is_open else c.ledger.mission_state.value,
        limit="0",
        unit=Unit.SECONDS,
    )


def session(c: GateContext) -> Check:
    """Check that the market is open, by the hours that terminal and instrument keep; one that keeps none always is."""
    kept = c.market.session
    is_open = kept.open_at(c.now)
    return Check(
        code=CheckCode.SESSION,
        passed=is_open,
        value=f"{kept.name}: open" if is_open else f"{kept.name}: closed",
        limit="open",
        unit=Unit.STATE,
        frees_at=None if is_open or kept.is_open else kept.changes_at,
    )


def universe(c: GateContext) -> Check:
    """Check that the instrument is listed."""
    listed = c.market.instrument is not None
    return state(CheckCode.UNIVERSE, listed, "listed" if listed else "not listed", "listed")


def terminal_side(c: GateContext) -> Check:
    """Check that the terminal takes the side."""
    able = c.ledger.can_long if c.plan.side is Side.LONG else c.ledger.can_short
    return state(CheckCode.TERMINAL_SIDE, able, c.plan.side.value if able else f"no {c.plan.side.value}", c.plan.side.value)


def opposite(c: GateContext) -> Check:
    """Check that no trade of the other side shares the account's one position in the instrument: they would net."""
    held = c.ledger.beside.opposite
    value = "a trade of the other side is live" if held else "none"
    return state(CheckCode.OPPOSITE, held == 0, value, "none")


def duplicate(c: GateContext) -> Check:
    """Check that no trade of the instrument is live at the terminal."""
    value = "a trade is live" if c.ledger.same_instrument else "none"
    return state(CheckCode.DUPLICATE, not c.ledger.same_instrument, value, "none")
